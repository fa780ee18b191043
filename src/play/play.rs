//! One play.

use super::ast::{Common, Item, Play};
use super::block;
use super::fields::{self, malformed};
use super::files::{home, plain};
use super::keywords::{self, Holds, Place};
use super::roles;
use super::site::{Parser, Site, words};
use super::task::names;
use crate::diag::{Diag, Result};
use crate::value::{Kind, Map, Value};
use std::sync::Arc;

/// What an `import_playbook` adds to its plays.
#[derive(Clone, Default)]
pub(super) struct Imported {
    /// Its keywords: `vars`, `when`, `tags`.
    pub common: Common,
}

/// Reads a play.
///
/// # Errors
/// `unknown-keyword`, `no-hosts`, `wrong-type`, and those of its roles and tasks.
pub(super) fn read(
    p: &mut Parser,
    value: &Value,
    site: &Site,
    around: &[Imported],
) -> Result<Play> {
    let empty = Map::new();
    let map = value.as_map().unwrap_or(&empty);
    let mut play = Play {
        file: site.file.clone(),
        span: value.span,
        ..Play::default()
    };
    for (word, key, value) in words(map) {
        let Some(row) = keywords::find(&word, Place::Play) else {
            return Err(keywords::unknown(key, Place::Play));
        };
        if word == "user" && map.contains("remote_user") {
            let message =
                "both 'user' and 'remote_user' are set for this play. `user` is the old name of it";
            return Err(malformed("conflicting-keywords", message, key.span));
        }
        if !play.common.set(&word, value)? {
            if row.holds == Holds::Bool {
                boolean(&word, value)?;
            }
            keyword(&mut play, &word, value)?;
        }
    }
    hosts(map, value)?;
    for imported in around.iter().rev() {
        add_imported(&mut play, imported);
    }
    contents(p, &mut play, map, site)?;
    Ok(play)
}

fn add_imported(play: &mut Play, imported: &Imported) {
    for (key, value) in &imported.common.vars {
        play.common.vars.insert(key.clone(), value.clone());
    }
    play.common
        .tags
        .extend(imported.common.tags.iter().cloned());
    let mut when = imported.common.when.clone();
    when.append(&mut play.common.when);
    play.common.when = when;
}

fn keyword(play: &mut Play, word: &str, value: &Value) -> Result<()> {
    let some = || (!value.is_null()).then(|| value.clone());
    match word {
        "name" => play.name = fields::text(word, value)?,
        "hosts" => play.hosts = value.clone(),
        "gather_facts" => play.gather_facts = some(),
        "gather_subset" | "gather_timeout" | "fact_path" if !value.is_null() => {
            play.gather_options.insert(word, value.clone());
        }
        "vars_files" => play.vars_files = fields::list(value),
        "vars_prompt" => play.vars_prompt = prompts(value)?,
        "serial" => play.serial = some(),
        "strategy" => play.strategy = fields::text(word, value)?,
        "max_fail_percentage" => play.max_fail_percentage = some(),
        "order" => play.order = fields::text(word, value)?,
        "force_handlers" => play.force_handlers = some(),
        _ => {}
    }
    Ok(())
}

/// Literal values of a play's own booleans must be ones (observed: ansible-core 2.19.14 checks them
/// with `--syntax-check`).
fn boolean(word: &str, value: &Value) -> Result<()> {
    let good = match &value.kind {
        Kind::Null | Kind::Bool(_) | Kind::Int(0 | 1) => true,
        Kind::Str(text) => {
            let lower = text.text.to_ascii_lowercase();
            text.text.contains("{{")
                || matches!(
                    lower.as_str(),
                    "y" | "yes"
                        | "on"
                        | "1"
                        | "true"
                        | "t"
                        | "n"
                        | "no"
                        | "off"
                        | "0"
                        | "false"
                        | "f"
                )
        }
        _ => false,
    };
    if good {
        return Ok(());
    }
    let message = format!("`{word}` must be a boolean, not {}", value.repr());
    Err(malformed("wrong-type", message, value.span))
}

fn hosts(map: &Map, play: &Value) -> Result<()> {
    let Some((key, value)) = map.get_entry("hosts") else {
        let diag = malformed("no-hosts", "the play has no `hosts`", play.span);
        return Err(diag.help("write `hosts: all` or another pattern"));
    };
    let at = value.span.or(key.span);
    let bad = |message: String| Err(malformed("no-hosts", message, at));
    match &value.kind {
        Kind::Str(text) if !text.text.trim().is_empty() => Ok(()),
        Kind::List(items) if !items.is_empty() => {
            for item in items.iter() {
                if item.as_str().is_none_or(|text| text.trim().is_empty()) {
                    let message = format!("`hosts` holds {}, which is no pattern", item.repr());
                    return Err(malformed("no-hosts", message, item.span.or(at)));
                }
            }
            Ok(())
        }
        Kind::Null | Kind::Str(_) | Kind::List(_) => {
            bad("Hosts list cannot be empty. Please check your playbook".into())
        }
        _ => bad(format!(
            "`hosts` must be a pattern or a list of them, not {}",
            value.repr()
        )),
    }
}

const PROMPT: &[&str] = &[
    "name",
    "prompt",
    "default",
    "private",
    "confirm",
    "encrypt",
    "salt_size",
    "salt",
    "unsafe",
];

fn prompts(value: &Value) -> Result<Vec<Value>> {
    let entries = fields::list(value);
    for entry in &entries {
        let Some(map) = entry.as_map() else {
            let message = format!("a prompt must be a dict, not a {}", entry.type_name());
            return Err(malformed("bad-prompt", message, entry.span));
        };
        if !map.contains("name") {
            let message = "Invalid vars_prompt data structure, missing 'name' key";
            return Err(malformed("bad-prompt", message, entry.span));
        }
        for (word, key, _) in words(map) {
            if !PROMPT.contains(&word.as_str()) {
                let message = format!("`{word}` is not an option of a prompt");
                return Err(malformed("bad-prompt", message, key.span)
                    .did_you_mean(&word, PROMPT.iter().copied()));
            }
        }
    }
    Ok(entries)
}

/// Roles and tasks, in the order in which variables become known.
fn contents(p: &mut Parser, play: &mut Play, map: &Map, site: &Site) -> Result<()> {
    let mut site = site.with_vars(&play.common.vars);
    if let Some(collections) = map.get("collections") {
        site.collections = names(collections);
    }
    let files = vars_files(p, play, &site)?;
    let site = site.with_vars(&files);
    let mut handlers: Vec<Item> = Vec::new();
    if let Some(value) = map.get("roles") {
        let Kind::List(list) = &value.kind else {
            if value.is_null() {
                return lists(p, play, map, &site, handlers);
            }
            let message = format!(
                "A malformed role declaration was encountered: {} should be a list but is a {}",
                value.to_text(),
                value.type_name()
            );
            return Err(
                malformed("not-a-list", message, value.span).help("begin each role with `- `")
            );
        };
        for entry in list.iter() {
            let wanted = roles::entry(p, entry, &site)?;
            let loaded = roles::load(p, wanted, &site, None)?;
            add_roles(p, &loaded.role);
            play.role_blocks.extend(loaded.tasks);
            handlers.extend(loaded.handlers);
        }
    }
    lists(p, play, map, &site, handlers)
}

/// A role and its dependencies, dependencies first.
fn add_roles(p: &mut Parser, role: &Arc<super::ast::Role>) {
    for dependency in &role.dependencies {
        add_roles(p, dependency);
    }
    if p.loader.config.private_role_vars != Some(true) {
        p.roles.push(role.clone());
    }
}

fn lists(
    p: &mut Parser,
    play: &mut Play,
    map: &Map,
    site: &Site,
    mut handlers: Vec<Item>,
) -> Result<()> {
    for (word, to) in [
        ("pre_tasks", &mut play.pre_tasks),
        ("tasks", &mut play.tasks),
        ("post_tasks", &mut play.post_tasks),
    ] {
        if let Some(value) = map.get(word) {
            *to = block::items(p, word, value, site)?;
        }
    }
    if let Some(value) = map.get("handlers") {
        let mut inner = site.clone();
        inner.handlers = true;
        handlers.extend(block::items(p, "handlers", value, &inner)?);
    }
    handlers.append(&mut p.handlers);
    play.handlers = handlers;
    play.roles = std::mem::take(&mut p.roles);
    Ok(())
}

/// The variables of `vars_files` as far as their names are known now; the rest is for the run.
fn vars_files(p: &Parser, play: &Play, site: &Site) -> Result<Map> {
    let mut all = Map::new();
    for entry in &play.vars_files {
        for name in fields::list(entry) {
            if name.as_str().is_none() {
                let message = format!(
                    "a file of variables must be a string, not a {}",
                    name.type_name()
                );
                return Err(malformed("wrong-type", message, name.span.or(entry.span)));
            }
            let rendered = match p.render(&name, site, &all) {
                Ok(rendered) => rendered.to_text(),
                Err(_) => {
                    p.loader.warn(
                        Diag::warning(
                            "vars-file-later",
                            "this file of variables depends on something that is not known yet",
                        )
                        .at(name.span, ""),
                    );
                    break;
                }
            };
            let path = home(&rendered);
            let places = [site.base.join("vars").join(&path), site.base.join(&path)];
            if let Some(found) = places.iter().map(|p| plain(p)).find(|p| p.is_file()) {
                for (key, value) in p.loader.vars(&found, name.span)? {
                    all.insert(key, value);
                }
                break;
            }
        }
    }
    Ok(all)
}
