//! A host's way through a play: sections, blocks, rescue and always.

use super::actions;
use super::collect::Report;
use super::context::Surroundings;
use super::host::{HostRun, Stop};
use crate::diag::Diag;
use crate::play::ast::{Block, Item, Origin, Role, Task};
use crate::value::Value;
use std::sync::Arc;

/// Numbers of a play's sections in positions.
mod section {
    pub const FACTS: u32 = 0;
    pub const PRE_TASKS: u32 = 1;
    pub const PRE_HANDLERS: u32 = 2;
    pub const ROLES: u32 = 3;
    pub const TASKS: u32 = 4;
    pub const HANDLERS: u32 = 5;
    pub const POST_TASKS: u32 = 6;
    pub const POST_HANDLERS: u32 = 7;
    pub const LAST_HANDLERS: u32 = 8;
}

impl HostRun {
    /// Goes through the whole play. Afterwards the host has left it.
    pub fn walk(mut self) -> Result<(), Stop> {
        let mut end = match self.collect_earlier() {
            Ok(()) => self.sections(),
            Err(diag) => self.cannot_go_on(diag),
        };
        if end == Ok(()) {
            end = self.flush();
        }
        if end == Err(Stop::Failed) && self.play.force_handlers {
            self.at = vec![section::LAST_HANDLERS];
            // The host has failed already; what its handlers come to does not change that.
            let _ = self.run_handlers(false);
        }
        if self.queue.has_steps() || !self.void.is_empty() || end == Err(Stop::Interrupted) {
            self.cancel_all();
        }
        self.note_end(matches!(end, Err(Stop::Failed)));
        self.publish();
        self.keep_facts();
        let failed = matches!(end, Err(Stop::Failed | Stop::Unreachable | Stop::Differs));
        if failed {
            self.run.host_failed(&self.host);
        }
        self.play.barrier.leave(self.index, failed);
        self.run.collector().done(self.index);
        end
    }

    /// What an earlier attempt has left on the host cannot be told.
    fn cannot_go_on(&mut self, diag: Box<Diag>) -> Result<(), Stop> {
        let text = format!(
            "host {}: it cannot be told which steps it has performed: {}",
            self.host, diag.message
        );
        self.report(Report::Message(Diag::error("not-collected", text)));
        Err(Stop::Unreachable)
    }

    fn sections(&mut self) -> Result<(), Stop> {
        let play = self.play.play.clone();
        let around = Arc::new(Surroundings::of_play(&play));
        self.at = vec![section::FACTS];
        self.load_vars_files(false)?;
        self.section(section::FACTS, |host| actions::gather(host, &around))?;
        if !play.vars_files.is_empty() {
            self.flush()?;
            self.load_vars_files(true)?;
        }
        for (tasks, lists, handlers) in [
            (
                section::PRE_TASKS,
                &play.pre_tasks,
                Some(section::PRE_HANDLERS),
            ),
            (section::ROLES, &play.role_blocks, None),
            (section::TASKS, &play.tasks, Some(section::HANDLERS)),
            (
                section::POST_TASKS,
                &play.post_tasks,
                Some(section::POST_HANDLERS),
            ),
        ] {
            self.section(tasks, |host| host.items(lists, &around))?;
            if let Some(handlers) = handlers {
                let last = handlers == section::POST_HANDLERS;
                self.section(handlers, |host| host.run_handlers(last))?;
            }
        }
        Ok(())
    }

    fn section(
        &mut self,
        number: u32,
        work: impl FnOnce(&mut HostRun) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.at = vec![number];
        work(self)
    }

    /// Goes through a list of tasks and blocks.
    ///
    /// # Errors
    /// Why it was left early.
    pub fn items(&mut self, items: &[Item], around: &Arc<Surroundings>) -> Result<(), Stop> {
        let depth = self.at.len();
        for (number, item) in (0u32..).zip(items) {
            self.at.truncate(depth);
            self.at.push(number);
            match item {
                Item::Task(task) => self.task(task, around)?,
                Item::Block(block) => self.block(block, around)?,
            }
        }
        self.at.truncate(depth);
        Ok(())
    }

    fn block(&mut self, block: &Block, around: &Arc<Surroundings>) -> Result<(), Stop> {
        if let Some(role) = done_before(block)
            && self.roles_done.contains(&role.identity)
        {
            return Ok(());
        }
        let inner = Arc::new(around.inside(block));
        let end = if block.rescue.is_empty() && block.always.is_empty() {
            self.part(0, &block.block, &inner)
        } else {
            self.guarded(block, &inner)
        };
        if let (Ok(()), Some(role)) = (end, done_before(block)) {
            // A role of which every task was skipped is not through.
            if !self.roles_begun.contains(&role.identity) {
                self.flush()?;
            }
            if self.roles_begun.contains(&role.identity) {
                self.roles_done.insert(role.identity.clone());
            }
        }
        match end {
            Err(Stop::EndRole) if matches!(block.origin, Origin::Role | Origin::ImportRole) => {
                Ok(())
            }
            end => end,
        }
    }

    /// A block whose failures are looked at: nothing of it may be under way when it is left.
    fn guarded(&mut self, block: &Block, inner: &Arc<Surroundings>) -> Result<(), Stop> {
        self.flush()?;
        let depth = self.at.len();
        let mut end = self
            .part(0, &block.block, inner)
            .and_then(|()| self.flush());
        if end == Err(Stop::Failed) && !block.rescue.is_empty() {
            self.at.truncate(depth);
            let counts = !std::mem::take(&mut self.rescue_unseen);
            if counts && !self.failed_to_include() {
                self.report(Report::Rescued);
            }
            self.play.barrier.rescue(self.index);
            self.fatal = None;
            self.off_plan = true;
            end = self
                .part(1, &block.rescue, inner)
                .and_then(|()| self.flush());
            if end.is_ok() {
                self.failure = None;
            }
        }
        if matches!(end, Ok(()) | Err(Stop::Failed)) && !block.always.is_empty() {
            self.at.truncate(depth);
            let cleared = self.run.clearings();
            let always = self
                .part(2, &block.always, inner)
                .and_then(|()| self.flush());
            // `meta: clear_host_errors` makes the failure one that never was.
            end = match self.run.clearings() == cleared {
                true => always.and(end),
                false => always,
            };
        }
        end
    }

    /// Includes that fail stay failures in the recap even where they are rescued (observed:
    /// ansible-core 2.19.14).
    fn failed_to_include(&self) -> bool {
        let action = self
            .failure
            .as_ref()
            .and_then(|(task, _)| task.get("action"));
        let action = action.and_then(Value::as_str).unwrap_or_default();
        crate::modules::find(action)
            .is_some_and(|entry| matches!(entry.name, "include_tasks" | "include_role"))
    }

    fn part(
        &mut self,
        number: u32,
        items: &[Item],
        around: &Arc<Surroundings>,
    ) -> Result<(), Stop> {
        self.at.push(number);
        let end = self.items(items, around);
        self.at.pop();
        end
    }

    /// True if the tags of a task, and those of everything around it, are selected.
    ///
    /// # Errors
    /// The tags are templates, and a step had to be waited for that failed.
    pub fn selected(&mut self, task: &Arc<Task>, around: &Arc<Surroundings>) -> Result<bool, Stop> {
        let mut tags: Vec<String> = Vec::new();
        for tag in around.tags.iter().chain(&task.common.tags) {
            let rendered = match tag.as_str() {
                Some(text) if !text.contains("{{") => tag.clone(),
                _ => self.render_or(tag, task, around)?,
            };
            add_tags(&rendered, &mut tags);
        }
        Ok(self.run.tags.selects(&tags))
    }
}

/// The role of a block that a host goes through only once.
fn done_before(block: &Block) -> Option<&Arc<Role>> {
    block
        .role
        .as_ref()
        .filter(|role| block.origin == Origin::Role && !role.allow_duplicates)
}

/// Tags may be one string with commas, or a list.
fn add_tags(value: &Value, tags: &mut Vec<String>) {
    match value.as_list() {
        Some(items) => items.iter().for_each(|item| add_tags(item, tags)),
        None => tags.extend(
            value
                .to_text()
                .split(',')
                .map(|tag| tag.trim().to_owned())
                .filter(|tag| !tag.is_empty()),
        ),
    }
}
