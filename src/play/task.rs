//! One task or handler.

use super::action::{self, Action};
use super::ast::{Loop, Task};
use super::fields::{self, malformed};
use super::keywords::{self, Place};
use super::site::{Parser, Site, words};
use crate::diag::{Diag, Exit, Result, Span};
use crate::value::{Key, Kind, Map, Value};

/// Reads a task.
///
/// # Errors
/// Those of its action, `unknown-keyword`, `duplicate-loop`, `bad-variable-name`, `wrong-type`.
pub(super) fn read(p: &Parser, map: &Map, span: Span, site: &Site) -> Result<Task> {
    let base = if site.handlers {
        Place::Handler
    } else {
        Place::Task
    };
    let own = map.get("collections").map(names);
    let collections = own.as_deref().unwrap_or(&site.collections);
    let action = action::read(map, span, base, collections, &p.loader.sources)?;
    let name = action.entry.map_or("", |entry| entry.name);
    let include = matches!(name, "include_tasks" | "include_role");
    let mut task = Task {
        module_span: action.span,
        file: site.file.clone(),
        role: site.role.clone(),
        notify: site.notify.clone(),
        span,
        ..Task::default()
    };
    for (word, key, value) in words(map) {
        if matches!(word.as_str(), "action" | "local_action" | "args") || word == action.key {
            continue;
        }
        if let Some(lookup) = word.strip_prefix("with_").filter(|l| is_lookup(l)) {
            add_loop(&mut task, Some(lookup), key, value)?;
            continue;
        }
        let place = if include && word != "listen" {
            Place::Include
        } else {
            base
        };
        if keywords::find(&word, place).is_none() {
            return Err(keywords::unknown(key, place));
        }
        keyword(&mut task, &word, key, value)?;
    }
    finish(&mut task, action, site)?;
    Ok(task)
}

/// The strings of a keyword such as `collections`.
pub(super) fn names(value: &Value) -> Vec<String> {
    fields::list(value).iter().map(Value::to_text).collect()
}

fn finish(task: &mut Task, action: Action, site: &Site) -> Result<()> {
    if action.local {
        task.common.delegate_to = Some(Value::str("localhost").at(action.span));
    }
    task.module = action.module;
    task.args = action.args;
    let meta = action.entry.is_some_and(|entry| entry.name == "meta");
    let end_role = meta && task.args.get("free_form").and_then(Value::as_str) == Some("end_role");
    if end_role && (site.handlers || site.role.is_none()) {
        let message = if site.handlers {
            "`end_role` cannot be called by a handler"
        } else {
            "`end_role` stands outside of a role"
        };
        return Err(malformed("end-role", message, task.args.span.or(task.span)));
    }
    Ok(())
}

fn keyword(task: &mut Task, word: &str, key: &Key, value: &Value) -> Result<()> {
    if task.common.set(word, value)? {
        return Ok(());
    }
    let some = || (!value.is_null()).then(|| value.clone());
    let conditions = || (!value.is_null()).then(|| fields::list(value));
    match word {
        "name" => task.name = fields::text(word, value)?,
        "loop" if !value.is_null() => add_loop(task, None, key, value)?,
        "loop_control" => task.loop_control = loop_control(value)?,
        "register" => {
            let named = value.as_str().is_some_and(fields::is_identifier);
            if !named && !value.is_null() {
                let kind = match value.as_str() {
                    Some(_) => String::new(),
                    None => format!(" of type '{}'", value.type_name()),
                };
                let message = format!("Invalid variable name '{}'{kind}.", value.to_text());
                return Err(malformed("bad-variable-name", message, value.span));
            }
            task.register = some();
        }
        "notify" => task.notify = fields::list(value),
        "listen" => task.listen = fields::list(value),
        "changed_when" => task.changed_when = conditions(),
        "failed_when" => task.failed_when = conditions(),
        "until" => task.until = conditions(),
        "retries" => task.retries = some(),
        "delay" => task.delay = some(),
        "async" => task.background = some(),
        "poll" => task.poll = some(),
        _ => {}
    }
    Ok(())
}

fn add_loop(task: &mut Task, lookup: Option<&str>, key: &Key, value: &Value) -> Result<()> {
    let failed = |code: &str, message: String| -> Box<Diag> {
        malformed(code, message, key.span).exit(Exit::Failed)
    };
    if let Some(first) = &task.looping {
        return Err(
            failed("duplicate-loop", "a task has one loop".into()).at(first.span, "the first one")
        );
    }
    if value.is_null() {
        let word = key.to_value().to_text();
        return Err(failed("empty-loop", format!("`{word}` has no items")));
    }
    task.looping = Some(Loop {
        lookup: lookup.map(str::to_owned),
        items: value.clone(),
        span: key.span,
    });
    Ok(())
}

fn loop_control(value: &Value) -> Result<Map> {
    let Kind::Map(map) = &value.kind else {
        let message = "`loop_control` must be a dict; templates may stand inside of it";
        return Err(malformed("wrong-type", message, value.span));
    };
    for (word, key, value) in words(map) {
        let Some(row) = keywords::find(&word, Place::LoopControl) else {
            return Err(keywords::unknown(key, Place::LoopControl));
        };
        if row.holds == keywords::Holds::Text {
            fields::text(&word, value)?;
        }
    }
    Ok(Map::clone(map))
}

/// Lookups that `with_NAME` may name: those of ansible-core, those it looks for in
/// `community.general` by their short name, and Galaxy's.
const LOOKUPS: &[&str] = &[
    "config",
    "csvfile",
    "dict",
    "env",
    "file",
    "fileglob",
    "filetree",
    "first_found",
    "flattened",
    "cartesian",
    "indexed_items",
    "ini",
    "inventory_hostnames",
    "items",
    "lines",
    "list",
    "nested",
    "password",
    "pipe",
    "random_choice",
    "sequence",
    "subelements",
    "template",
    "together",
    "unvault",
    "url",
    "varnames",
    "vars",
    "dig",
    "redis",
    "keyring",
    "passwordstore",
    "hashi_vault",
    "inheritance_chain",
];

fn is_lookup(name: &str) -> bool {
    LOOKUPS.contains(&name.rsplit('.').next().unwrap_or(name))
}
