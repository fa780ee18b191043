//! Names that variables had better not have: keywords, and the functions of templates.

use super::ast::{Block, Item, Play, Playbook};
use super::keywords::KEYWORDS;
use crate::diag::Diag;
use crate::value::{Key, Map};

/// Global functions of templates, and names that keywords have elsewhere.
const MORE: &[&str] = &[
    "async_val",
    "cycler",
    "dict",
    "joiner",
    "lipsum",
    "lookup",
    "loop_with",
    "namespace",
    "now",
    "omit",
    "q",
    "query",
    "range",
    "undef",
    "with_",
];

/// Keywords that are no trouble as variables (observed: ansible-core 2.19.14 does not warn of them).
const FREE: &[&str] = &[
    "break_when",
    "extended",
    "extended_allitems",
    "import_playbook",
    "index_var",
    "label",
    "listen",
    "loop_var",
    "pause",
    "role",
    "user",
    "vars",
];

/// True for a reserved name.
pub fn is_reserved(name: &str) -> bool {
    let keyword = || {
        let known = KEYWORDS.binary_search_by(|row| row.name.cmp(name)).is_ok();
        known && !FREE.contains(&name)
    };
    MORE.contains(&name) || keyword()
}

/// A warning for each reserved name among the keys of a dict of variables.
pub fn among(vars: &Map) -> Vec<Box<Diag>> {
    vars.keys().filter_map(warning).collect()
}

/// The warning about one name, if it is reserved.
pub fn warning(key: &Key) -> Option<Box<Diag>> {
    let name = key.as_str().filter(|name| is_reserved(name))?;
    let text = format!("Found variable using reserved name '{name}'.");
    Some(Diag::warning("reserved-name", text).at(key.span, ""))
}

/// A warning for each reserved name that plays, blocks and tasks give to variables.
pub fn of_playbook(playbook: &Playbook) -> Vec<Box<Diag>> {
    let mut found = Vec::new();
    for play in &playbook.plays {
        of_play(play, &mut found);
    }
    found
}

fn of_play(play: &Play, into: &mut Vec<Box<Diag>>) {
    into.extend(among(&play.common.vars));
    for items in [
        &play.pre_tasks,
        &play.role_blocks,
        &play.tasks,
        &play.post_tasks,
        &play.handlers,
    ] {
        of_items(items, into);
    }
}

fn of_items(items: &[Item], into: &mut Vec<Box<Diag>>) {
    for item in items {
        match item {
            Item::Task(task) => into.extend(among(&task.common.vars)),
            Item::Block(block) => of_block(block, into),
        }
    }
}

fn of_block(block: &Block, into: &mut Vec<Box<Diag>>) {
    into.extend(among(&block.common.vars));
    for items in [&block.block, &block.rescue, &block.always] {
        of_items(items, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_and_functions_are_reserved() {
        for name in ["port", "name", "query", "async_val", "tags"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["vars", "user", "listen", "item", "ansible_port", ""] {
            assert!(!is_reserved(name), "{name}");
        }
    }
}
