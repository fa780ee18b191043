//! Handlers that are pending on the host: what each step says of them, and those that an earlier
//! run has left.

use super::collect::{Position, Report};
use super::context::Surroundings;
use super::handlers::Handler;
use super::host::HostRun;
use super::results::Unit;
use super::run::Run;
use super::task::Job;
use crate::diag::Diag;
use crate::modules::StepResult;
use crate::output::Event;
use crate::play::ast::Task;
use crate::wire::{Notify, PendingHandler, Step};
use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

/// What one host's way through a play knows of its pending handlers.
#[derive(Default)]
pub struct Track {
    /// Handlers that tasks so far would notify, had they changed something.
    passed: BTreeSet<PendingHandler>,
    /// Tasks of which the host has kept the note.
    kept: HashSet<Position>,
    /// Noted on the host for tasks that have changed nothing after all.
    doubtful: BTreeSet<PendingHandler>,
    /// The task whose step is waited for, and what was said with it.
    attached: Option<(Position, Notify)>,
    /// The handler that runs, and whether its only step settles it.
    running: Option<(Arc<Task>, PendingHandler, bool)>,
    /// The user has been told.
    told: bool,
}

impl Track {
    /// The step that was waited for has its result.
    pub fn answered(&mut self, result: &StepResult) {
        if let Some((at, notify)) = self.attached.take()
            && !notify.handlers.is_empty()
            && notify.stays(result)
        {
            self.kept.insert(at);
        }
    }
}

impl HostRun {
    /// Says with a step which handlers it notifies, or that it is one.
    pub fn attach(&mut self, job: &Job, target: &str, step: &mut Step) {
        self.pending.attached = None;
        // As ansible-playbook nothing is kept: its handlers end with its run.
        if self.run.options.late_faults {
            return;
        }
        if job.unit.dry {
            self.passes(&job.unit);
            return;
        }
        let handlers = self.passes(&job.unit);
        if target != self.host {
            return;
        }
        step.notify = Notify {
            handlers,
            judged: is_judged(&job.unit),
            settles: self.settled_by(job),
            ask: false,
        };
        self.pending.attached = Some((job.unit.at.clone(), step.notify.clone()));
    }

    /// The handlers that a task notifies if it changes something.
    fn passes(&mut self, unit: &Arc<Unit>) -> Vec<PendingHandler> {
        if unit.notify.is_empty() {
            return Vec::new();
        }
        let handlers = self.pending_of(unit);
        self.pending.passed.extend(handlers.iter().cloned());
        handlers
    }

    fn pending_of(&self, unit: &Arc<Unit>) -> Vec<PendingHandler> {
        self.notify_names(unit)
            .iter()
            .flat_map(|name| self.handlers_called(name))
            .filter_map(|handler| self.pending_handler(&handler))
            .collect()
    }

    /// How a handler is known from run to run; `None` if it has no name at all.
    fn pending_handler(&self, (task, around): &Handler) -> Option<PendingHandler> {
        let place = match &task.role {
            Some(role) => role.name.clone(),
            None => self.playbook_place(),
        };
        let name = match (&task.name, task.listen.first()) {
            (Some(name), _) if name.to_text().contains("{{") => {
                let scope = self.task_scope(around, task);
                let context = self.context(task, around);
                self.run.engine.render(name, &scope, &context).ok()?
            }
            (Some(name), _) | (None, Some(name)) => name.clone(),
            (None, None) => return None,
        };
        Some(PendingHandler {
            host: self.host.clone(),
            place,
            name: name.to_text(),
        })
    }

    /// Directory and file name: the same in every copy of a project.
    fn playbook_place(&self) -> String {
        let dir = self.run.playbook_dir.file_name().unwrap_or_default();
        let name = self.run.options.playbooks.first();
        let name = name.and_then(|path| path.file_name()).unwrap_or_default();
        Path::new(dir).join(name).to_string_lossy().into_owned()
    }

    /// The handler that is done when this step has succeeded, if nothing else belongs to it.
    fn settled_by(&mut self, job: &Job) -> Option<PendingHandler> {
        let (task, handler, settles) = self.pending.running.as_mut()?;
        let whole = Arc::ptr_eq(task, &job.task)
            && job.item.is_none()
            && task.until.is_none()
            && task.background.is_none()
            && !is_judged(&job.unit);
        *settles = whole;
        whole.then(|| handler.clone())
    }

    /// A step that was sent ahead has its result.
    pub fn step_answered(&mut self, unit: &Arc<Unit>, result: &StepResult) {
        let notify = Notify {
            judged: is_judged(unit),
            ..Notify::default()
        };
        if !unit.notify.is_empty() && !unit.dry && notify.stays(result) {
            self.pending.kept.insert(unit.at.clone());
        }
    }

    /// A task has notified: what its steps have not noted on the host is noted now.
    pub fn note_notified(&mut self, unit: &Arc<Unit>) {
        if unit.dry {
            return;
        }
        let handlers = self.pending_of(unit);
        let kept = self.pending.kept.contains(&unit.at);
        let Some(session) = self.sessions.get_mut(&self.host) else {
            return;
        };
        if kept {
            session.pending.extend(handlers);
        } else {
            // A connection that is gone is noticed by the next step.
            let _ = session.note(handlers, Vec::new());
        }
    }

    /// A task has changed nothing in the eyes of its conditions.
    pub fn not_notified(&mut self, unit: &Arc<Unit>) {
        if self.pending.kept.contains(&unit.at) {
            let handlers = self.pending_of(unit);
            self.pending.doubtful.extend(handlers);
        }
    }

    /// A task has failed in the eyes of its conditions: a task that fails notifies nobody, so what its
    /// step has noted on the host is taken back.
    pub fn take_back(&mut self, unit: &Arc<Unit>) {
        if !self.pending.kept.contains(&unit.at) {
            return;
        }
        let handlers: BTreeSet<PendingHandler> = self.pending_of(unit).into_iter().collect();
        let Some(session) = self.sessions.get_mut(&self.host) else {
            return;
        };
        let wrong: Vec<PendingHandler> = handlers.difference(&session.pending).cloned().collect();
        if !wrong.is_empty() {
            // A connection that is gone is noticed by the next step.
            let _ = session.note(Vec::new(), wrong);
        }
    }

    /// Adds the handlers that an earlier run has left to those that are notified. Nothing is under
    /// way.
    pub fn adopt_pending(&mut self, last: bool) {
        let doubtful = std::mem::take(&mut self.pending.doubtful);
        let Some(session) = self.sessions.get_mut(&self.host) else {
            return;
        };
        let wrong: Vec<PendingHandler> = doubtful.difference(&session.pending).cloned().collect();
        if !wrong.is_empty() {
            // A connection that is gone is noticed by the next step.
            let _ = session.note(Vec::new(), wrong);
        }
        let pending = session.pending.clone();
        if pending.is_empty() {
            return;
        }
        for handler in self.handlers.clone().iter() {
            let Some(known) = self.pending_handler(handler) else {
                continue;
            };
            let due = last || self.pending.passed.contains(&known);
            if due && pending.contains(&known) {
                self.notify_task(&handler.0);
            }
        }
    }

    /// A handler begins.
    pub fn handler_begins(&mut self, task: &Arc<Task>, around: &Arc<Surroundings>) {
        let known = self.pending_handler(&(task.clone(), around.clone()));
        self.pending.running = known.map(|known| (task.clone(), known, false));
    }

    /// A handler has ended. If it did well, the host knows already, or hears it now. In a dry run
    /// it stays pending, but has been shown.
    pub fn handler_ended(&mut self, well: bool) {
        let Some((_, handler, settled)) = self.pending.running.take() else {
            return;
        };
        if !well {
            return;
        }
        let dry = self.run.options.check || self.run.options.plan;
        let Some(session) = self.sessions.get_mut(&self.host) else {
            return;
        };
        if session.pending.remove(&handler) && !settled && !dry {
            // A connection that is gone is noticed by the next step.
            let _ = session.note(Vec::new(), vec![handler]);
        }
    }

    /// Says which handlers an earlier run has left, once for each host and play.
    pub fn tell_pending(&mut self) {
        let Some(session) = self.sessions.get(&self.host) else {
            return;
        };
        if session.pending.is_empty() || std::mem::replace(&mut self.pending.told, true) {
            return;
        }
        let names: Vec<String> = session
            .pending
            .iter()
            .map(|handler| format!("{} : {}", handler.place, handler.name))
            .collect();
        let text = format!(
            "host {}: handlers are pending from an earlier run: {}",
            self.host,
            names.join(", ")
        );
        let diag = Diag::warning("pending-handlers", text);
        self.report(Report::Message(diag));
    }
}

/// Passes on what an agent says of its host.
pub fn warn_of_host(run: &Run, host: &str, mut diag: Box<Diag>) {
    diag.message = format!("host {host}: {}", diag.message);
    run.collector().event(&Event::Message(diag));
}

/// True if whether the task changed something is decided on this side.
fn is_judged(unit: &Unit) -> bool {
    unit.task.changed_when.is_some()
        || unit.task.failed_when.is_some()
        || unit.task.until.is_some()
        || unit.ignore_errors
}
