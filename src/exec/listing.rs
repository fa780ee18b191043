//! What a run would consist of: `--list-hosts`, `--list-tasks`, `--list-tags`, `--syntax-check`.

use super::collect::Collector;
use super::options::Options;
use super::playbook::{Prepared, pattern, prepare};
use super::tags::Tags;
use crate::diag::{Exit, Result};
use crate::jinja::Context;
use crate::output::{Event, Output};
use crate::play::ast::{Common, Item, Play, Task};
use crate::value::{Map, Value};
use crate::vars::SharedScope;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

/// What to list; nothing is a check of the syntax.
#[derive(Clone, Copy, Debug, Default)]
pub struct Listing {
    /// Hosts of each play.
    pub hosts: bool,
    /// Tasks of each play.
    pub tasks: bool,
    /// Tags of each play.
    pub tags: bool,
}

/// Reads playbooks and inventory and lists what they hold, in ansible-playbook's layout (observed:
/// ansible-core 2.19.14). No host is touched.
///
/// # Errors
/// The exit code, after `output` got the message.
pub fn list(options: Options, what: Listing, output: Box<dyn Output>) -> Result<String, Exit> {
    let sources = options.sources.clone();
    let mut collector = Collector::new(output);
    let listed = prepare(options, &sources, &mut collector).and_then(|p| p.list(what));
    listed.map_err(|diag| {
        let exit = diag.exit;
        collector.event(&Event::Message(diag));
        exit
    })
}

impl Prepared {
    fn list(&self, what: Listing) -> Result<String> {
        let mut out = String::new();
        for (name, _, playbook) in &self.playbooks {
            // Writing to a String cannot fail.
            let _ = match self.run.options.ad_hoc {
                Some(_) => Ok(()),
                None => writeln!(out, "\nplaybook: {name}"),
            };
            for (index, play) in playbook.plays.iter().enumerate() {
                if what.hosts || what.tasks || what.tags {
                    self.play(&mut out, index + 1, play, what)?;
                }
            }
        }
        Ok(out.trim_end_matches('\n').to_owned())
    }

    fn play(&self, out: &mut String, number: usize, play: &Play, what: Listing) -> Result<()> {
        let mut vars: Map = play.common.vars.clone();
        for (key, value) in self.run.extra_vars.as_ref() {
            vars.insert(key.clone(), value.clone());
        }
        let scope: SharedScope = Arc::new(vars);
        let render = |value: &Value| self.run.engine.render(value, &scope, &Context::default());
        let shown = |value: &Value| render(value).unwrap_or_else(|_| value.clone()).to_text();
        let hosts = pattern(&render(&play.hosts)?);
        let selected = self.hosts(&hosts)?;
        if self.run.options.ad_hoc.is_some() {
            host_lines(out, "  ", &selected);
            return Ok(());
        }
        let name = play.name.as_ref().map_or_else(|| hosts.clone(), shown);
        let tags = names(&play.common.tags, &shown);
        let _ = writeln!(
            out,
            "\n  play #{number} ({hosts}): {name}\tTAGS: [{}]",
            tags.join(", ")
        );
        if what.hosts {
            let _ = writeln!(out, "    pattern: ['{hosts}']");
            host_lines(out, "    ", &selected);
        }
        let mut found = Found {
            tasks: Vec::new(),
            tags: BTreeSet::new(),
            wanted: &self.run.options.tags,
        };
        for part in [
            &play.pre_tasks,
            &play.role_blocks,
            &play.tasks,
            &play.post_tasks,
        ] {
            found.items(part, &tags, &shown);
        }
        if what.tasks {
            out.push_str("    tasks:\n");
            found.tasks.iter().for_each(|task| out.push_str(task));
        }
        if what.tags {
            let tags: Vec<String> = found.tags.into_iter().collect();
            let _ = writeln!(out, "      TASK TAGS: [{}]", tags.join(", "));
        }
        Ok(())
    }

    fn hosts(&self, pattern: &str) -> Result<Vec<String>> {
        let inventory = &self.run.inventory;
        let mut hosts = inventory.select(pattern)?.hosts;
        if let Some(limit) = &self.run.options.limit {
            let limited = inventory.select(limit)?.hosts;
            hosts.retain(|host| limited.contains(host));
        }
        Ok(hosts)
    }
}

fn host_lines(out: &mut String, indent: &str, hosts: &[String]) {
    let _ = writeln!(out, "{indent}hosts ({}):", hosts.len());
    for host in hosts {
        let _ = writeln!(out, "{indent}  {host}");
    }
}

/// Tag names; one text may hold several, with commas.
fn names(tags: &[Value], shown: &impl Fn(&Value) -> String) -> Vec<String> {
    let texts = tags.iter().map(shown);
    let mut names: Vec<String> = Vec::new();
    for name in texts.flat_map(|t| {
        t.split(',')
            .map(|n| n.trim().to_owned())
            .collect::<Vec<_>>()
    }) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names.sort();
    names
}

struct Found<'a> {
    tasks: Vec<String>,
    tags: BTreeSet<String>,
    wanted: &'a Tags,
}

impl Found<'_> {
    fn items(&mut self, items: &[Item], around: &[String], shown: &impl Fn(&Value) -> String) {
        for item in items {
            match item {
                Item::Task(task) => self.task(task, around, shown),
                Item::Block(block) => {
                    let inner = joined(around, &block.common, shown);
                    for part in [&block.block, &block.rescue, &block.always] {
                        self.items(part, &inner, shown);
                    }
                }
            }
        }
    }

    fn task(&mut self, task: &Task, around: &[String], shown: &impl Fn(&Value) -> String) {
        let tags = joined(around, &task.common, shown);
        self.tags.extend(tags.iter().cloned());
        let short = task.module.rsplit('.').next().unwrap_or_default();
        if short == "meta" || !self.wanted.selects(&tags) {
            return;
        }
        // Names are shown as written: their variables are not known yet.
        let name = task
            .name
            .as_ref()
            .map_or_else(|| task.module.clone(), Value::to_text);
        let role = task.role.iter().map(|role| format!("{} : ", role.name));
        let role: String = role.collect();
        self.tasks
            .push(format!("      {role}{name}\tTAGS: [{}]\n", tags.join(", ")));
    }
}

fn joined(around: &[String], own: &Common, shown: &impl Fn(&Value) -> String) -> Vec<String> {
    let mut tags = around.to_vec();
    tags.extend(names(&own.tags, shown));
    tags.sort();
    tags.dedup();
    tags
}
