//! What a run would consist of: `--list-hosts`, `--list-tasks`, `--list-tags`, `--syntax-check`.

use super::collect::Collector;
use super::options::Options;
use super::playbook::pattern;
use super::prepare::{Prepared, prepare};
use crate::diag::{Exit, Result};
use crate::jinja::Context;
use crate::output::{Event, Output};
use crate::play::ast::Play;
pub use crate::play::list::Listing;
use crate::play::list::{self, Answers};
use crate::value::{Map, Value};
use crate::vars::SharedScope;
use std::cell::RefCell;
use std::fmt::Write;
use std::sync::Arc;

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
        if self.run.options.ad_hoc.is_some() {
            return self.ad_hoc_hosts();
        }
        let mut out = String::new();
        // `--list-tags` alone shows those tagged `never` too (observed: ansible-core 2.19.14).
        let tags = &self.run.options.tags;
        let all = what.tags && tags.only.is_empty() && tags.skip.is_empty();
        let selects = |task: &[String]| all || tags.selects(task);
        let failed = RefCell::new(None);
        let hosts = |patterns: &[String]| match self.hosts(&patterns.join(",")) {
            Ok(hosts) => hosts,
            Err(diag) => {
                *failed.borrow_mut() = Some(diag);
                Vec::new()
            }
        };
        let render = |play: &Play, value: &Value| self.render(play, value);
        let answers = Answers {
            selects: &selects,
            hosts: &hosts,
            render: &render,
        };
        for (name, _, playbook) in &self.playbooks {
            out.push_str(&list::text(name, playbook, what, &answers));
        }
        match failed.take() {
            Some(diag) => Err(diag),
            None => Ok(out.trim_end_matches('\n').to_owned()),
        }
    }

    fn ad_hoc_hosts(&self) -> Result<String> {
        let mut out = String::new();
        for (_, _, playbook) in &self.playbooks {
            for play in &playbook.plays {
                let hosts = self.hosts(&pattern(&self.render(play, &play.hosts)))?;
                // Writing to a String cannot fail.
                let _ = writeln!(out, "  hosts ({}):", hosts.len());
                for host in hosts {
                    let _ = writeln!(out, "    {host}");
                }
            }
        }
        Ok(out.trim_end_matches('\n').to_owned())
    }

    /// A play's name or pattern with the variables that are known before the run.
    fn render(&self, play: &Play, value: &Value) -> Value {
        let mut vars: Map = play.common.vars.clone();
        for (key, value) in self.run.extra_vars.as_ref() {
            vars.insert(key.clone(), value.clone());
        }
        vars.insert("groups", self.run.inventory.groups_value());
        let scope: SharedScope = Arc::new(vars);
        let rendered = self.run.engine.render(value, &scope, &Context::default());
        rendered.unwrap_or_else(|_| value.clone())
    }

    pub(super) fn hosts(&self, pattern: &str) -> Result<Vec<String>> {
        let inventory = &self.run.inventory;
        let mut hosts = inventory.select(pattern)?.hosts;
        if let Some(limit) = &self.run.options.limit {
            let limited = inventory.select(limit)?.hosts;
            hosts.retain(|host| limited.contains(host));
        }
        Ok(hosts)
    }
}
