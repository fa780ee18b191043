//! Lists of tasks and blocks.

use super::ast::{Block, Item};
use super::fields::{self, malformed};
use super::imports;
use super::keywords::{self, Place};
use super::site::{Parser, Site, words};
use super::task;
use crate::diag::Result;
use crate::modules;
use crate::value::{Key, Kind, Map, Value};
use std::sync::Arc;

/// Reads the value of `tasks:`, `block:` and the like; `keyword` is named in errors.
///
/// # Errors
/// `not-a-list`, and those of the tasks.
pub(super) fn items(
    p: &mut Parser,
    keyword: &str,
    value: &Value,
    site: &Site,
) -> Result<Vec<Item>> {
    read(p, keyword, value, site, true)
}

fn read(p: &mut Parser, keyword: &str, value: &Value, site: &Site, top: bool) -> Result<Vec<Item>> {
    let list = match &value.kind {
        Kind::Null if top => return Ok(Vec::new()),
        Kind::List(list) => list,
        _ => {
            let message = format!(
                "A malformed block was encountered while loading {keyword}: {} should be a list \
                 or None but is a {}",
                value.to_text(),
                value.type_name()
            );
            return Err(
                malformed("not-a-list", message, value.span).help("begin each task with `- `")
            );
        }
    };
    let mut found = Vec::new();
    for entry in list.iter() {
        match &entry.kind {
            Kind::Map(map) => found.extend(item(p, map, entry, site, top)?),
            Kind::Null if top => {}
            _ => {
                let message = format!("a task must be a dict, not a {}", entry.type_name());
                return Err(malformed("not-a-task", message, entry.span)
                    .help("write the module as a key: `- command: uptime`"));
            }
        }
    }
    Ok(found)
}

fn item(p: &mut Parser, map: &Map, entry: &Value, site: &Site, top: bool) -> Result<Vec<Item>> {
    let is_block = ["block", "rescue", "always"]
        .iter()
        .any(|k| map.contains(k));
    if is_block {
        if site.handlers && !top {
            let message = "Using a block as a handler is not supported.";
            return Err(malformed("handler-block", message, entry.span));
        }
        return Ok(vec![Item::Block(Arc::new(block(p, map, entry, site)?))]);
    }
    let task = task::read(p, map, entry.span, site)?;
    let kind = modules::find(&task.module).map_or("", |found| found.name);
    match kind {
        "import_tasks" => imports::tasks(p, task, site),
        "import_role" => imports::role(p, task, site),
        "include_role" if site.handlers => Err(imports::role_as_handler(&task)),
        _ => {
            imports::check_include(kind, &task)?;
            Ok(vec![Item::Task(Arc::new(task))])
        }
    }
}

fn block(p: &mut Parser, map: &Map, entry: &Value, site: &Site) -> Result<Block> {
    let mut block = Block {
        span: entry.span,
        ..Block::default()
    };
    let mut inner = site.clone();
    for (word, key, value) in words(map) {
        if keywords::find(&word, Place::Block).is_none() {
            return Err(block_keyword(&word, key));
        }
        if block.common.set(&word, value)? {
            continue;
        }
        match word.as_str() {
            "name" => block.name = fields::text(&word, value)?,
            "notify" => inner.notify = fields::list(value),
            _ => {}
        }
    }
    if let Some(collections) = map.get("collections") {
        inner.collections = task::names(collections);
    }
    let inner = inner.with_vars(&block.common.vars);
    for (word, to) in [
        ("block", &mut block.block),
        ("rescue", &mut block.rescue),
        ("always", &mut block.always),
    ] {
        if let Some(value) = map.get(word) {
            *to = read(p, word, value, &inner, false)?;
        }
    }
    if block.block.is_empty() {
        for word in ["rescue", "always"] {
            if let Some((key, _)) = map.get_entry(word) {
                let message = format!("`{word}` without tasks in `block`");
                return Err(malformed("no-block", message, key.span));
            }
        }
    }
    Ok(block)
}

fn block_keyword(word: &str, key: &Key) -> Box<crate::diag::Diag> {
    let diag = keywords::unknown(key, Place::Block);
    if word.starts_with("with_") || word == "loop" {
        return diag
            .help("blocks cannot loop: put the tasks into a file and loop over `include_tasks`");
    }
    if modules::find(word).is_some() {
        return diag.help(format!(
            "`{word}` is a module: a task and a block cannot be one"
        ));
    }
    diag
}
