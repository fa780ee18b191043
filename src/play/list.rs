//! `--list-tasks`, `--list-tags`, `--list-hosts`, `--syntax-check`: what ansible-playbook prints.

use super::ast::{Block, Common, Item, Play, Playbook, Task};
use super::fields;
use crate::modules;
use crate::value::Value;
use std::fmt::Write;

/// What to list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listing {
    /// `--list-hosts`
    pub hosts: bool,
    /// `--list-tasks`
    pub tasks: bool,
    /// `--list-tags`
    pub tags: bool,
}

/// What a listing needs to know of the run.
pub struct Answers<'a> {
    /// Whether a task with these tags is selected. For `--list-tags` without `--tags` that is every
    /// task, those tagged `never` included.
    pub selects: &'a dyn Fn(&[String]) -> bool,
    /// The hosts that match the patterns of a play, after `--limit`.
    pub hosts: &'a dyn Fn(&[String]) -> Vec<String>,
    /// Renders a play's name or pattern with its variables; as written if that cannot be done.
    pub render: &'a dyn Fn(&Play, &Value) -> Value,
}

/// The listing of a playbook called `name` on the command line, ready to print. Nothing but its
/// name if nothing is to be listed (`--syntax-check`).
pub fn text(name: &str, playbook: &Playbook, listing: Listing, answers: &Answers) -> String {
    let mut out = format!("\nplaybook: {name}\n");
    if !(listing.hosts || listing.tasks || listing.tags) {
        return out;
    }
    for (number, play) in playbook.plays.iter().enumerate() {
        one(play, number + 1, listing, answers, &mut out);
    }
    out
}

fn one(play: &Play, number: usize, listing: Listing, answers: &Answers, out: &mut String) {
    let rendered = (answers.render)(play, &play.hosts);
    let patterns: Vec<String> = fields::list(&rendered).iter().map(Value::to_text).collect();
    let hosts = patterns.join(",");
    let name = match &play.name {
        Some(name) if name.truthy() => (answers.render)(play, name).to_text(),
        _ => hosts.clone(),
    };
    let render = |value: &Value| (answers.render)(play, value);
    let tags = tags_of(&play.common, &render);
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "\n  play #{number} ({hosts}): {name}\tTAGS: [{}]",
        tags.join(",")
    );
    if listing.hosts {
        let shown = Value::list(patterns.iter().map(|p| p.as_str().into()).collect());
        let found = (answers.hosts)(&patterns);
        let _ = writeln!(
            out,
            "    pattern: {}\n    hosts ({}):",
            shown.repr(),
            found.len()
        );
        for host in found {
            let _ = writeln!(out, "      {host}");
        }
    }
    if !(listing.tasks || listing.tags) {
        return;
    }
    let mut lister = Lister {
        answers,
        render: &render,
        lines: String::new(),
        seen: tags.clone(),
    };
    for items in [
        &play.pre_tasks,
        &play.role_blocks,
        &play.tasks,
        &play.post_tasks,
    ] {
        lister.items(items, &tags);
    }
    if listing.tasks {
        let _ = write!(out, "    tasks:\n{}", lister.lines);
    }
    if listing.tags {
        let _ = writeln!(out, "      TASK TAGS: [{}]", sorted(lister.seen).join(", "));
    }
}

struct Lister<'a> {
    answers: &'a Answers<'a>,
    render: &'a dyn Fn(&Value) -> Value,
    lines: String,
    seen: Vec<String>,
}

impl Lister<'_> {
    fn items(&mut self, items: &[Item], around: &[String]) {
        for item in items {
            match item {
                Item::Task(task) => self.task(task, around),
                Item::Block(block) => self.block(block, around),
            }
        }
    }

    /// `rescue` and `always` are not listed (observed: ansible-core 2.19.14).
    fn block(&mut self, block: &Block, around: &[String]) {
        let tags = joined(around, &block.common, self.render);
        self.items(&block.block, &tags);
    }

    fn task(&mut self, task: &Task, around: &[String]) {
        let tags = joined(around, &task.common, self.render);
        if !(self.answers.selects)(&tags) {
            return;
        }
        self.seen.extend(tags.iter().cloned());
        let _ = writeln!(
            self.lines,
            "      {}\tTAGS: [{}]",
            shown(task),
            sorted(tags).join(", ")
        );
    }
}

/// A task's name with its role, or its module.
fn shown(task: &Task) -> String {
    match &task.name {
        Some(name) if name.truthy() => {
            let include_role =
                modules::find(&task.module).is_some_and(|found| found.name == "include_role");
            match &task.role {
                Some(role) if !include_role => format!("{} : {}", role.name, name.to_text()),
                _ => name.to_text(),
            }
        }
        _ => task.module.clone(),
    }
}

/// Tags; those that are templates may come to several.
fn tags_of(common: &Common, render: &dyn Fn(&Value) -> Value) -> Vec<String> {
    let one = |tag: &Value| -> Vec<String> {
        match tag.as_str() {
            Some(text) if text.contains("{{") => {
                let rendered = render(tag);
                match rendered.as_list() {
                    Some(items) => items.iter().map(Value::to_text).collect(),
                    None if rendered == *tag => vec![tag.to_text()],
                    None => rendered
                        .to_text()
                        .split(',')
                        .map(|part| part.trim().to_owned())
                        .collect(),
                }
            }
            _ => vec![tag.to_text()],
        }
    };
    common.tags.iter().flat_map(one).collect()
}

fn joined(around: &[String], common: &Common, render: &dyn Fn(&Value) -> Value) -> Vec<String> {
    let mut tags = around.to_vec();
    tags.extend(tags_of(common, render));
    tags
}

fn sorted(mut tags: Vec<String>) -> Vec<String> {
    tags.sort_unstable();
    tags.dedup();
    tags
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play::tests::loader;
    use std::path::Path;

    /// Lists tests/cases/list/site.yml; what is expected is ansible-core 2.19.14's own output.
    fn listed(listing: Listing, only: &[&str]) -> String {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/list");
        let loader = loader();
        let playbook = loader.playbook(&dir.join("site.yml")).unwrap();
        let selects = |tags: &[String]| {
            let has = |name: &str| tags.iter().any(|t| t == name);
            let asked = only.iter().any(|name| has(name) || *name == "everything");
            has("always") || asked || (only.is_empty() && !has("never"))
        };
        let answers = Answers {
            selects: &selects,
            hosts: &|_| vec!["w1".into()],
            render: &|_, value| match value.as_str() {
                Some("First {{ what }}") => Value::str("First thing"),
                _ => value.clone(),
            },
        };
        text("site.yml", &playbook, listing, &answers)
    }

    #[test]
    fn lists_as_the_original_lists() {
        let tasks = Listing {
            tasks: true,
            ..Listing::default()
        };
        let tags = Listing {
            tags: true,
            ..Listing::default()
        };
        let both = Listing {
            tags: true,
            ..tasks
        };
        let hosts = Listing {
            hosts: true,
            ..Listing::default()
        };
        macro_rules! expected {
            ($name:literal) => {
                include_str!(concat!("../../tests/cases/list/", $name, ".txt"))
            };
        }
        assert_eq!(listed(tasks, &[]), expected!("tasks"));
        assert_eq!(listed(tags, &["everything"]), expected!("tags"));
        assert_eq!(listed(both, &["a", "second", "dep"]), expected!("selected"));
        assert_eq!(listed(Listing::default(), &[]), expected!("syntax"));
        assert_eq!(listed(hosts, &[]), expected!("hosts"));
    }
}
