//! Handlers: who is notified, and when they run.

use super::context::Surroundings;
use super::host::{HostRun, Stop};
use super::results::Unit;
use crate::diag::{Diag, Level};
use crate::exec::collect::Report;
use crate::output::Event;
use crate::play::ast::{Item, Origin, Play, Task};
use std::collections::HashSet;
use std::sync::Arc;

/// A handler with what surrounds it.
pub type Handler = (Arc<Task>, Arc<Surroundings>);

/// All handlers of a host in the order they run, in the groups they were written in: the lists of
/// roles, and that of the play.
#[derive(Clone, Default)]
pub struct Handlers {
    groups: Vec<Vec<Handler>>,
}

impl Handlers {
    /// Those of a play.
    pub fn of_play(play: &Arc<Play>) -> Handlers {
        let mut around = Surroundings::of_play(play);
        around.handler = true;
        let mut all = Handlers::default();
        all.add(&play.handlers, &Arc::new(around));
        all
    }

    /// Adds the handlers of a list, blocks opened.
    pub fn add(&mut self, items: &[Item], around: &Arc<Surroundings>) {
        self.groups.push(Vec::new());
        self.flatten(items, around);
        self.groups.retain(|group| !group.is_empty());
    }

    fn flatten(&mut self, items: &[Item], around: &Arc<Surroundings>) {
        for item in items {
            match item {
                Item::Task(task) => {
                    if let Some(group) = self.groups.last_mut() {
                        group.push((task.clone(), around.clone()));
                    }
                }
                Item::Block(block) => {
                    let inner = Arc::new(around.inside(block));
                    if block.origin == Origin::ImportTasks {
                        self.flatten(&block.block, &inner);
                        continue;
                    }
                    self.groups.push(Vec::new());
                    self.flatten(&block.block, &inner);
                    self.groups.push(Vec::new());
                }
            }
        }
    }

    /// In the order they run.
    pub fn iter(&self) -> impl Iterator<Item = &Handler> {
        self.groups.iter().flatten()
    }

    /// In the order in which names are looked for: the last group first (observed: ansible-core
    /// 2.19.14).
    fn by_name(&self) -> impl Iterator<Item = &Handler> {
        self.groups.iter().rev().flatten()
    }
}

impl HostRun {
    /// Notes the handlers that a changed task notifies.
    ///
    /// # Errors
    /// A name that is no handler's fails the task (observed: ansible-core 2.19.14).
    pub fn notify(&mut self, unit: &Arc<Unit>) -> Result<(), Stop> {
        for name in self.notify_names(unit) {
            if !self.notify_one(&name) {
                let diag = Diag::error(
                    "unknown-handler",
                    format!(
                        "The requested handler '{name}' was not found in either the main handlers list nor in the listening handlers list"
                    ),
                )
                .at(unit.task.span, "notified here")
                .did_you_mean(&name, self.handler_names().iter().map(String::as_str));
                let fails = self.run.loader.config.error_on_missing_handler;
                let level = if fails { Level::Error } else { Level::Warning };
                self.report(Report::Message(Box::new(Diag { level, ..*diag })));
                if fails {
                    return Err(Stop::Failed);
                }
            }
        }
        self.note_notified(unit);
        Ok(())
    }

    /// Whether what a task notifies depends on a result that is under way.
    pub(super) fn notifies_unknown(&self, unit: &Unit) -> bool {
        unit.notify.iter().any(|name| {
            let name = self.run.engine.render(name, &unit.scope, &unit.context);
            name.is_ok_and(|name| name.find_unknown().is_some())
        })
    }

    pub(super) fn notify_names(&self, unit: &Arc<Unit>) -> Vec<String> {
        let mut names = Vec::new();
        for name in &unit.notify {
            let value = self
                .run
                .engine
                .render(name, &unit.scope, &unit.context)
                .unwrap_or_else(|_| name.clone());
            match value.as_list() {
                Some(items) => names.extend(items.iter().map(crate::value::Value::to_text)),
                None if value.is_null() => {}
                None => names.push(value.to_text()),
            }
        }
        names
    }

    /// The handler of that name, and all that listen to it; of those with the same name the first
    /// that is found.
    pub(super) fn handlers_called(&self, name: &str) -> Vec<Handler> {
        let mut by_name = self.handlers.by_name();
        let named = by_name.find(|(task, around)| self.handler_is(task, around, name));
        let mut seen = HashSet::new();
        let listening = self
            .handlers
            .by_name()
            .filter(|(task, _)| task.listen.iter().any(|topic| listens(task, topic, name)))
            .filter(|(task, _)| match &task.name {
                Some(name) => seen.insert(name.to_text()),
                None => true,
            });
        named.into_iter().chain(listening).cloned().collect()
    }

    fn notify_one(&mut self, name: &str) -> bool {
        let matched = self.handlers_called(name);
        for (task, _) in &matched {
            self.notify_task(task);
        }
        !matched.is_empty()
    }

    /// Has a handler run when handlers run next.
    pub(super) fn notify_task(&mut self, task: &Arc<Task>) {
        if !self.notified.iter().any(|t| Arc::ptr_eq(t, task)) {
            self.notified.push(task.clone());
        }
    }

    fn handler_is(&self, task: &Arc<Task>, around: &Arc<Surroundings>, name: &str) -> bool {
        let Some(own) = &task.name else {
            return false;
        };
        let mut own_name = own.to_text();
        if own_name.contains("{{") {
            let scope = self.task_scope(around, task);
            own_name = match self
                .run
                .engine
                .render(own, &scope, &self.context(task, around))
            {
                Ok(value) => value.to_text(),
                Err(why) => {
                    self.unusable(task, &own_name, &why);
                    return false;
                }
            };
        }
        if own_name == name {
            return true;
        }
        let Some(role) = &task.role else {
            return false;
        };
        name.strip_suffix(own_name.as_str())
            .and_then(|rest| rest.strip_suffix(" : "))
            .is_some_and(|prefix| is_role(&role.name, prefix))
    }

    /// Says that a handler cannot be called, unless it is called by what it listens to.
    fn unusable(&self, task: &Task, name: &str, why: &Diag) {
        if task.listen.is_empty() {
            let message = format!(
                "Handler '{name}' is unusable because it has no listen topics and its name could \
                 not be templated: {}",
                why.message
            );
            let warning = Diag::warning("unusable-handler", message);
            self.run.collector().event(&Event::Message(warning));
        }
    }

    fn handler_names(&self) -> Vec<String> {
        self.handlers
            .iter()
            .flat_map(|(task, _)| task.name.iter().chain(&task.listen))
            .map(crate::value::Value::to_text)
            .collect()
    }

    /// Runs the handlers that were notified, in the order they are defined; those behind them that
    /// they notify in turn as well. One before them waits until handlers run again (observed:
    /// ansible-core 2.19.14). Those that an earlier run has left run where a task that notifies them has
    /// been passed; those that no task notifies any more at the end of the play (`last`).
    ///
    /// # Errors
    /// Why the host leaves the play.
    pub fn run_handlers(&mut self, last: bool) -> Result<(), Stop> {
        self.flush()?;
        self.adopt_pending(last);
        let depth = self.at.len();
        let mut from = 0;
        loop {
            let handlers = self.handlers.clone();
            let next = handlers
                .iter()
                .enumerate()
                .skip(from)
                .find(|(_, (task, _))| self.notified.iter().any(|t| Arc::ptr_eq(t, task)));
            let Some((number, (task, around))) = next else {
                return Ok(());
            };
            from = number + 1;
            self.notified.retain(|t| !Arc::ptr_eq(t, task));
            self.at.truncate(depth);
            self.at.push(u32::try_from(number).unwrap_or(u32::MAX));
            self.handler_begins(task, around);
            let end = self.task(task, around).and_then(|()| self.flush());
            self.handler_ended(end.is_ok());
            self.at.truncate(depth);
            end?;
        }
    }
}

/// True if a handler is called by one of the names it listens to, its role's name in front or not.
fn listens(task: &Task, topic: &crate::value::Value, name: &str) -> bool {
    let topic = topic.to_text();
    if topic == name {
        return true;
    }
    let role = task.role.as_ref().map(|role| role.name.as_str());
    let prefix = name.strip_suffix(topic.as_str());
    let prefix = prefix.and_then(|rest| rest.strip_suffix(" : "));
    prefix.is_some_and(|prefix| role.is_some_and(|role| is_role(role, prefix)))
}

/// True for a role's name, with or without its collection.
fn is_role(role: &str, name: &str) -> bool {
    role == name || role.rsplit('.').next() == Some(name)
}
