//! One task on one host: its variables, its conditions, its loop, and who carries it out.

use super::actions;
use super::barrier::Once;
use super::collect::Report;
use super::context::Surroundings;
use super::host::{HostRun, Stop};
use super::queue::{Effect, Entry, Item};
use super::results::{self, Judged, Unit};
use crate::diag::{Diag, Result};
use crate::modules::{self, Side};
use crate::output::Status;
use crate::play::ast::{Common, Task};
use crate::sys::Known;
use crate::value::{Map, Value};
use crate::vars::SharedScope;
use std::sync::Arc;

/// A task that is being carried out, with all that belongs to it.
pub struct Job {
    /// The task.
    pub task: Arc<Task>,
    /// What surrounds it.
    pub around: Arc<Surroundings>,
    /// Its keywords, inherited ones among them.
    pub keywords: Common,
    /// What its results are judged by.
    pub unit: Arc<Unit>,
    /// The loop's item.
    pub item: Option<Item>,
    /// Do not report: a `run_once` task whose result goes to the other hosts too.
    pub shared: bool,
}

/// What the conditions of a task come to.
pub(super) enum Verdict {
    /// It is carried out.
    Holds,
    /// This one does not hold.
    Fails(Value),
    /// Only apply will tell.
    Unknown,
    /// One cannot be evaluated.
    Wrong(Box<crate::diag::Diag>),
}

impl HostRun {
    /// Carries out a task, or begins to.
    ///
    /// # Errors
    /// Why the host does not go on behind it.
    pub fn task(&mut self, task: &Arc<Task>, around: &Arc<Surroundings>) -> Result<(), Stop> {
        self.settle()?;
        if self.play.hosts.len() > 1 && self.play.barrier.is_awaited() {
            self.flush()?;
            self.publish();
            self.play.barrier.arrive(self.index, &self.at);
        }
        self.follow_inventory();
        self.follow_given();
        if !around.handler && !self.selected(task, around)? {
            return Ok(());
        }
        if !self.reached_start(task) {
            return Ok(());
        }
        let named = self.with_module(task, around)?;
        let task = named.as_ref().unwrap_or(task);
        if self.play.lockstep {
            self.flush()?;
            self.play.barrier.meet(self.index, &self.at);
            if self.play.barrier.stopped_before(&self.at) {
                return Err(Stop::Interrupted);
            }
            let here = self.at.clone();
            self.follow_failure(&here)?;
        }
        let keywords = around.keywords(task);
        let once = match is_meta(task) {
            true => actions::meta::once(task) && !self.play.free,
            false => self.flag(keywords.run_once.as_ref(), task, around)?,
        };
        if once && self.play.hosts.len() > 1 {
            self.once(task, around, keywords)?;
        } else {
            self.begin(task, around, keywords)?;
        }
        if self.play.lockstep {
            // What fails all hosts does so while they are still in the same block.
            self.flush()?;
            let mut end = self.at.clone();
            end.push(u32::MAX);
            self.play.barrier.meet(self.index, &end);
            self.follow_failure(&end)?;
        }
        Ok(())
    }

    /// Fails with another host whose failure is everyone's (`any_errors_fatal`), if that was before
    /// a position.
    fn follow_failure(&mut self, before: &[u32]) -> Result<(), Stop> {
        let (fatal, at) = self.play.barrier.fatal();
        if fatal == self.fatal_seen || at.as_slice() >= before {
            return Ok(());
        }
        self.fatal_seen = fatal;
        self.failure = None;
        self.rescue_unseen = true;
        Err(Stop::Failed)
    }

    fn begin(
        &mut self,
        task: &Arc<Task>,
        around: &Arc<Surroundings>,
        keywords: Common,
    ) -> Result<(), Stop> {
        let unit = self.unit(task, around, &keywords)?;
        if self.run.options.step && unit.info.module != "meta" {
            self.flush()?;
            if !self.play.ask_first.agreed(&self.at, &unit.info) {
                return Ok(());
            }
        }
        let job = Job {
            task: task.clone(),
            around: around.clone(),
            keywords,
            unit,
            item: None,
            shared: false,
        };
        // A meta task says so itself where it is carried out.
        if !self.queue.has_steps() && !is_meta(task) {
            let info = job.unit.info.clone();
            self.report(Report::Begin(info));
        }
        let end = match self.throttle(&job)? {
            Ok(Some(most)) => self.throttled(&job, most),
            Ok(None) => self.perform(&job),
            Err(diag) => self.end(&job, Judged::failed(diag)),
        };
        if matches!(end, Err(Stop::Failed | Stop::Differs)) {
            self.note_failure(&job)?;
        }
        end
    }

    fn perform(&mut self, job: &Job) -> Result<(), Stop> {
        match &job.task.looping {
            Some(_) => self.looped(job),
            None => self.single(job),
        }
    }

    /// How many hosts may be at the task at a time, where that is less than all.
    fn throttle(&mut self, job: &Job) -> Result<Result<Option<usize>>, Stop> {
        let forks = self.run.options.forks.max(1);
        let alone = (forks == 1 && self.play.lockstep).then_some(1);
        let Some(given) = &job.keywords.throttle else {
            return Ok(Ok(alone));
        };
        let text = match self.render(given, &job.task, &job.around)? {
            Ok(value) => value.to_text(),
            Err(diag) => {
                let message = format!(
                    "Failed to convert the throttle value to an integer: {}",
                    diag.message
                );
                return Ok(Err(Diag::error("bad-throttle", message).at(given.span, "")));
            }
        };
        let Ok(most) = text.trim().parse::<usize>() else {
            let message = format!(
                "Failed to convert the throttle value to an integer: invalid literal for int() \
                 with base 10: {}",
                Value::str(text).repr()
            );
            return Ok(Err(Diag::error("bad-throttle", message).at(given.span, "")));
        };
        let bounds = (1..self.play.hosts.len()).contains(&most);
        Ok(Ok(alone.or(bounds.then_some(most))))
    }

    fn throttled(&mut self, job: &Job, most: usize) -> Result<(), Stop> {
        self.flush()?;
        let play = self.play.clone();
        let at = &job.unit.at;
        play.barrier.throttle(self.index, at, most, play.lockstep);
        let end = self.perform(job).and_then(|()| self.flush());
        play.barrier.let_next(self.index, at);
        end
    }

    /// A task whose module's name is a template, with the name it renders to.
    fn with_module(
        &mut self,
        task: &Arc<Task>,
        around: &Arc<Surroundings>,
    ) -> Result<Option<Arc<Task>>, Stop> {
        if !task.module.contains("{{") {
            return Ok(None);
        }
        let name = Value::template(task.module.as_str()).at(task.module_span);
        let module = self.render_or(&name, task, around)?.to_text();
        Ok(Some(Arc::new(Task {
            module,
            ..Task::clone(task)
        })))
    }

    /// `run_once`: the first host performs it, all take its result.
    fn once(
        &mut self,
        task: &Arc<Task>,
        around: &Arc<Surroundings>,
        keywords: Common,
    ) -> Result<(), Stop> {
        self.flush()?;
        let at = self.at.clone();
        match self.play.barrier.once(self.index, &at) {
            Once::Perform => {
                self.last = None;
                self.for_all = true;
                let end = self
                    .begin(task, around, keywords)
                    .and_then(|()| self.flush());
                self.for_all = false;
                self.play.barrier.publish(&at, self.last.take());
                end
            }
            Once::Take(Some(judged)) => {
                if is_meta(task) {
                    return Ok(());
                }
                if let Some(register) = &task.register {
                    let value = judged.registered();
                    self.apply(Effect::Set(register.to_text(), value));
                }
                if let Some(crate::value::Kind::Map(facts)) =
                    judged.value.get("ansible_facts").map(|v| &v.kind)
                {
                    // Those of another host are there already.
                    if !self.flag(keywords.delegate_facts.as_ref(), task, around)? {
                        self.apply(Effect::Facts(Map::clone(facts)));
                    }
                }
                let ignored = self.flag(keywords.ignore_errors.as_ref(), task, around)?;
                match judged.status {
                    // It fails for all, but only the one that performed it is counted and can be
                    // rescued (observed: ansible-core 2.19.14).
                    Status::Failed if !ignored => {
                        self.run.host_failed(&self.host);
                        Err(Stop::Interrupted)
                    }
                    _ => Ok(()),
                }
            }
            Once::Take(None) if is_meta(task) => actions::meta::follow(self, task),
            Once::Take(None) => Ok(()),
        }
    }

    /// Tells the play that this host has failed, where others have to know.
    fn note_failure(&mut self, job: &Job) -> Result<(), Stop> {
        self.rescue_unseen = false;
        let failed = self.play.barrier.fail(self.index);
        let fatal = self.flag(
            job.keywords.any_errors_fatal.as_ref(),
            &job.task,
            &job.around,
        )?;
        let too_many = self
            .play
            .max_fail
            .is_some_and(|most| failed as f64 * 100.0 / self.play.hosts.len() as f64 > most);
        if too_many {
            self.play.barrier.stop(&self.at);
        } else if fatal {
            self.fatal_seen = self.play.barrier.fail_all(&self.at);
        }
        Ok(())
    }

    /// False before the task that `--start-at-task` names.
    fn reached_start(&mut self, task: &Task) -> bool {
        let Some(wanted) = &self.run.options.start_at_task else {
            return true;
        };
        if !self.started {
            let name = task.name.as_ref().map(Value::to_text).unwrap_or_default();
            self.started = name == *wanted
                || glob::Pattern::new(wanted).is_ok_and(|pattern| pattern.matches(&name));
        }
        self.started
    }

    /// Carries out a task, or one item of its loop, if its conditions hold.
    ///
    /// # Errors
    /// Why the host does not go on behind it.
    pub fn single(&mut self, job: &Job) -> Result<(), Stop> {
        match self.conditions(job)? {
            Verdict::Holds => {}
            Verdict::Fails(_) if is_meta(&job.task) => return actions::meta::skipped(self, job),
            Verdict::Fails(condition) => return self.end(job, Judged::skipped(&condition)),
            Verdict::Unknown => {
                return self.end(job, Judged::unknown("its condition is known after apply"));
            }
            Verdict::Wrong(diag) => return self.end(job, Judged::failed(diag)),
        }
        if let Some(diag) = self.wrong_switch(job)? {
            return self.end(job, Judged::failed(diag));
        }
        if let Some(diag) = self.refuses_background(job) {
            return self.end(job, Judged::failed(diag));
        }
        match self.delegated(job)? {
            Ok(Some(delegated)) => self.carry_out(&delegated),
            Ok(None) => self.carry_out(job),
            Err(diag) => self.end(job, Judged::failed(diag)),
        }
    }

    /// Whether the conditions of a task and of all around it hold: the first that does not decides.
    ///
    /// # Errors
    /// A step that had to be waited for failed.
    pub(super) fn conditions(&mut self, job: &Job) -> Result<Verdict, Stop> {
        let own = job.task.common.when.iter();
        for condition in job.around.when.iter().chain(own) {
            let held = self.eval(
                |host| host.job_scope(job),
                |run, scope| run.engine.condition(condition, scope, &job.unit.context),
                Known::is_unknown,
            )?;
            match held {
                Ok(Known::Known(true)) => {}
                Ok(Known::Known(false)) => return Ok(Verdict::Fails(condition.clone())),
                Ok(Known::Unknown) => return Ok(Verdict::Unknown),
                Err(diag) => {
                    let span = condition.span.or(job.task.span);
                    return Ok(Verdict::Wrong(diag.at_if_none(span)));
                }
            }
        }
        Ok(Verdict::Holds)
    }

    fn carry_out(&mut self, job: &Job) -> Result<(), Stop> {
        if let Some(diag) = self.unannounced(job) {
            return Err(self.leave(&job.unit, job.item.as_ref(), diag));
        }
        match modules::find(&job.task.module).map(|entry| entry.side) {
            Some(Side::Host) => self.step(job),
            _ if job.task.until.is_some() && actions::can_be_tried_again(job) => self.retried(job),
            _ => actions::perform(self, job),
        }
    }

    /// Actions that work on both sides cannot be left to themselves (`async`).
    fn refuses_background(&self, job: &Job) -> Option<Box<Diag>> {
        const NAMES: [&str; 9] = [
            "assemble",
            "copy",
            "fetch",
            "pause",
            "raw",
            "script",
            "template",
            "unarchive",
            "wait_for_connection",
        ];
        let entry = modules::find(&job.task.module)?;
        let asked = job.task.background.as_ref()?;
        let refuses = entry.side == Side::Control || NAMES.contains(&entry.name);
        if !refuses || asked.as_int() == Some(0) || entry.name == "meta" {
            return None;
        }
        let message = format!("This action ({}) does not support async.", entry.name);
        Some(Diag::error("no-async", message).at(asked.span, ""))
    }

    /// The variables of a job: those of its task, under those of its loop.
    pub fn job_scope(&self, job: &Job) -> SharedScope {
        let scope = self.task_scope(&job.around, &job.task);
        match &job.item {
            Some(item) => crate::vars::over(item.vars.clone(), scope),
            None => scope,
        }
    }

    /// Ends a task, or an item of its loop, with a result that is there already.
    ///
    /// # Errors
    /// As [`HostRun::conclude`].
    pub fn end(&mut self, job: &Job, judged: Judged) -> Result<(), Stop> {
        if let Some(held) = &mut self.held {
            *held = Some(judged);
            return Ok(());
        }
        self.note_action(job, &judged);
        self.foresee_result(job, &judged);
        let judged = results::judge(&self.run.engine, &job.unit, &self.job_scope(job), judged);
        if let Some(item) = &job.item {
            let entry = Entry::Item(Box::new((job.unit.clone(), item.clone(), judged)));
            self.queue.push(entry);
            return self.settle();
        }
        let decides = judged.status == Status::Failed
            || (judged.status == Status::Changed && !job.unit.notify.is_empty());
        if decides || !self.queue.has_steps() {
            self.flush()?;
            return self.conclude(&job.unit, judged);
        }
        self.note_role(&job.unit, judged.status);
        if let Some(name) = &job.unit.register {
            self.apply(Effect::Set(name.clone(), judged.registered()));
        }
        let outcome = results::outcome(&job.unit, &judged, None);
        self.report(Report::End(Box::new(outcome)));
        Ok(())
    }
}

fn is_meta(task: &Task) -> bool {
    modules::find(&task.module).is_some_and(|entry| entry.name == "meta")
}
