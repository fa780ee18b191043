//! A task that the agent carries out: arguments, user, environment, and sending it.

use super::arguments::{arguments, as_written, worded};
use super::become_user::become_of;
use super::connect;
use super::control::StepControl;
use super::environment::{async_dir, environment};
use super::host::{HostRun, Stop};
use super::invocation;
use super::queue::{Entry, Pending};
use super::record::Line;
use super::results::Judged;
use super::session::INTERRUPTED;
use super::task::Job;
use crate::diag::{Diag, Result};
use crate::modules::{self, Flags};
use crate::output::{Event, Status};
use crate::value::Value;
use crate::wire::{Background, FromAgent, Mode, Step};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// A rendered step, or the reason why there is none yet.
enum Made {
    Step(Box<Step>),
    Unknown(String),
}

impl HostRun {
    /// Renders a step and sends it; waits for the answer only where the next task could depend on
    /// it in a way that cannot be seen from its variables.
    ///
    /// # Errors
    /// Why the host does not go on behind it.
    pub fn step(&mut self, job: &Job) -> Result<(), Stop> {
        let made = self.eval(
            |host| host.job_scope(job),
            |run, scope| make(run, job, scope),
            |made| matches!(made, Made::Unknown(_)),
        )?;
        let mut step = match made {
            Ok(Made::Step(step)) => step,
            Ok(Made::Unknown(why)) => return self.end(job, Judged::unknown(&why)),
            Err(diag) => return self.end(job, Judged::failed(diag.at_if_none(job.task.span))),
        };
        step.key = self.key(job);
        let target = match self.is_known(job, &step) {
            true => self.session_name(job),
            false => self.connect(job),
        };
        let target = match target {
            Ok(target) => target,
            Err(diag) => {
                self.flush()?;
                return self.not_reached(job, diag);
            }
        };
        self.tell_become(&target, &step);
        if self.queue.has_steps() && self.notifies_unknown(&job.unit) {
            self.flush()?;
        }
        self.attach(job, &target, &mut step);
        if let Some(limit) = self.background(job)? {
            let dir = async_dir(&self.run, job, &self.job_scope(job), &step.environment);
            step.background = Some(Background { limit, dir });
        }
        let fetches = step.module == "fetch";
        let period = match self.timeout(job)? {
            Ok(period) => period,
            Err(diag) => return self.end(job, Judged::failed(diag)),
        };
        if target != self.host
            || self.waits_for_result(job)
            || job.task.until.is_some()
            || fetches
            || period.is_some()
            || step.background.is_some()
        {
            self.flush()?;
            return self.attempts(job, &step, &target, period);
        }
        let invocation = invocation::of(job, &step.args, self.run.options.verbosity);
        let mut noted = self.number_step(job, &mut step);
        if let Some(judged) = self.earlier(job, &step) {
            self.flush()?;
            let pending = Pending {
                id: 0,
                unit: job.unit.clone(),
                item: job.item.clone(),
                invocation,
                begun: true,
                noted: None,
            };
            return self.ended(pending, judged);
        }
        let Some(session) = self.sessions.get_mut(&target) else {
            return Err(Stop::Unreachable);
        };
        let id = session.next_id();
        if let Some(noted) = &mut noted {
            noted.sent = Some((session.name().to_owned(), id));
        }
        // The other items of a loop are performed whatever becomes of this one.
        step.drop_after = (!job.unit.ignore_errors && job.item.is_none()).then_some(id);
        if let Err(diag) = session.send(*step) {
            self.flush()?;
            return self.not_reached(job, diag);
        }
        self.queue.push(Entry::Step(Box::new(Pending {
            id,
            unit: job.unit.clone(),
            item: job.item.clone(),
            invocation,
            begun: false,
            noted,
        })));
        if job.item.is_none() {
            self.expect(&job.unit);
        }
        match job.unit.brings_facts {
            true => self.flush(),
            false => self.settle(),
        }
    }

    /// The host cannot be reached for a task. Items of a loop are all tried.
    ///
    /// # Errors
    /// As [`HostRun::report_unreachable`].
    pub(super) fn not_reached(&mut self, job: &Job, diag: Box<Diag>) -> Result<(), Stop> {
        if diag.code == modules::DIFFERS {
            return Err(self.leave(&job.unit, job.item.as_ref(), diag));
        }
        match &job.item {
            Some(_) if diag.code != INTERRUPTED => {
                self.judged(job, super::conclude::unreachable(diag))
            }
            _ => self.report_unreachable(&job.unit, diag),
        }
    }

    /// With -vvv: as whom a step is performed, and the command line that stands for.
    fn tell_become(&self, target: &str, step: &Step) {
        let Some(r#become) = step.r#become.as_ref() else {
            return;
        };
        if self.run.options.verbosity >= 3 {
            let text = format!("<{target}> BECOME {}", r#become.shown());
            self.run.collector().event(&Event::Connection { text });
        }
    }

    /// True where the next task must not begin before this one's result is judged: its failure is
    /// decided on this side, or it is a loop of which items may fail.
    pub fn waits_for_result(&self, job: &Job) -> bool {
        job.task.failed_when.is_some()
            || (job.task.looping.is_some() && job.item.is_none() && !job.unit.ignore_errors)
    }

    /// The name of the session for a job: of this host, or of the one it is delegated to. A task
    /// with a connection of another kind than the host's (`connection: local`) has one of its own.
    ///
    /// # Errors
    /// What says which kind it is cannot be rendered.
    pub fn session_name(&mut self, job: &Job) -> Result<String> {
        let own = self.job_scope(job);
        let scope = job.unit.reached_by(&own);
        let kind = connect::kind(&self.run, &job.keywords, scope, &job.unit.context)?;
        let host = self.performer(job);
        let first = self
            .kinds
            .entry(host.clone())
            .or_insert_with(|| kind.clone());
        Ok(match *first == kind {
            true => host,
            false => format!("{host}\0{kind}"),
        })
    }

    fn performer(&self, job: &Job) -> String {
        let delegate = job.unit.delegated_to.as_ref();
        delegate.map_or(&self.host, |other| &other.host).clone()
    }

    /// Connects for a job unless that is done, and tells the name of the session.
    ///
    /// # Errors
    /// `connection`.
    pub fn connect(&mut self, job: &Job) -> Result<String> {
        self.connect_for(job, true)
    }

    /// The same; only one attempt is made where this side is not `patient`.
    fn connect_for(&mut self, job: &Job, patient: bool) -> Result<String> {
        self.seat.take(&self.at);
        let name = self.session_name(job)?;
        if self.sessions.contains_key(&name) {
            return Ok(name);
        }
        let own = self.job_scope(job);
        let scope = job.unit.reached_by(&own);
        let host = self.performer(job);
        let context = &job.unit.context;
        let mut session = connect::open(&self.run, &host, &job.keywords, scope, context, patient)?;
        if self.run.options.late_faults {
            session.pending.clear();
        }
        self.local |= name == self.host && session.local;
        if let Some(record) = &self.run.record {
            record.note(&Line::Session {
                name: session.name().to_owned(),
                host: self.host.clone(),
                place: self.play.number.to_string(),
                target: name.clone(),
            });
        }
        self.sessions.insert(name.clone(), session);
        if name == self.host {
            self.tell_pending();
        }
        Ok(name)
    }

    /// `fetch`: what the host has read is written here.
    pub(super) fn stored(&self, judged: Judged, step: &Step, host: &str, job: &Job) -> Judged {
        if step.module != "fetch" || judged.status == Status::Failed {
            return judged;
        }
        let result = judged.value.to_json();
        let base = &self.run.playbook_dir;
        match modules::fetch::store(&step.args, &result, host, base, job.unit.dry) {
            Ok(result) => Judged::new(result),
            Err(diag) => Judged::failed(diag),
        }
    }

    /// Ends a task with a result that has been judged already.
    pub(super) fn judged(&mut self, job: &Job, judged: Judged) -> Result<(), Stop> {
        if let Some(item) = &job.item {
            let entry = Entry::Item(Box::new((job.unit.clone(), item.clone(), judged)));
            self.queue.push(entry);
            return self.settle();
        }
        self.conclude(&job.unit, judged)
    }

    pub(super) fn number(
        &mut self,
        value: Option<&Value>,
        job: &Job,
        default: f64,
    ) -> Result<f64, Stop> {
        let Some(value) = value else {
            return Ok(default);
        };
        let rendered = self.eval(
            |host| host.job_scope(job),
            |run, scope| run.engine.render(value, scope, &job.unit.context),
            |value| value.find_unknown().is_some(),
        )?;
        let number = rendered.map(|value| value.to_text().trim().parse().ok());
        Ok(number.ok().flatten().unwrap_or(default))
    }

    /// `timeout` in seconds; `None` where there is none.
    fn timeout(&mut self, job: &Job) -> Result<Result<Option<u64>>, Stop> {
        let Some(given) = &job.keywords.timeout else {
            return Ok(Ok(None));
        };
        let rendered = self.eval(
            |host| host.job_scope(job),
            |run, scope| run.engine.render(given, scope, &job.unit.context),
            |value| value.find_unknown().is_some(),
        )?;
        Ok(rendered.and_then(|value| {
            let text = value.to_text();
            match text.trim().parse::<i64>() {
                Ok(0) => Ok(None),
                Ok(seconds @ 1..=100_000_000) => Ok(u64::try_from(seconds).ok()),
                _ => {
                    let message = format!(
                        "Timeout {} is invalid, it must be between 0 and 100000000.",
                        text.trim()
                    );
                    Err(Diag::error("bad-timeout", message).at(given.span, ""))
                }
            }
        }))
    }

    /// Has a host run a line of shell, as the task's user, within some seconds. Nothing else may be
    /// under way.
    ///
    /// # Errors
    /// Outer: why the host does not go on behind it. Inner: `connection` and the like; the
    /// connection is given up then.
    pub fn ask(
        &mut self,
        job: &Job,
        target: &str,
        line: &str,
        period: u64,
    ) -> Result<Result<Judged>, Stop> {
        let made = self.eval(
            |host| host.job_scope(job),
            |run, scope| plain(run, job, scope, line),
            |_| false,
        )?;
        let answer = made.and_then(|step| {
            // Its host may go away any moment, and whoever asks tries again.
            self.connect_for(job, false)?;
            self.recovers(target, false);
            let answer = self.call(job, step, target, Some(period))?;
            self.recovers(target, true);
            Ok(answer)
        });
        if answer.is_err() {
            self.sessions.remove(target);
        }
        Ok(answer)
    }

    fn recovers(&mut self, target: &str, recovers: bool) {
        if let Some(session) = self.sessions.get_mut(target) {
            session.recovers = recovers && session.can_recover();
        }
    }

    /// Sends a step and waits for its answer; nothing else may be under way on that session.
    pub(super) fn call(
        &mut self,
        job: &Job,
        mut step: Step,
        target: &str,
        period: Option<u64>,
    ) -> Result<Judged> {
        let mut noted = self.number_step(job, &mut step);
        if let Some(judged) = self.earlier(job, &step) {
            return Ok(judged);
        }
        if !self.sessions.contains_key(target) {
            self.connect(job)?;
        }
        self.seat.take(&self.at);
        let deadline = period.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let lost = || Diag::error("connection-lost", "there is no connection");
        let session = self.sessions.get_mut(target).ok_or_else(lost)?;
        step.drop_after = None;
        let sent = session.send(step)?;
        if let Some(noted) = &mut noted {
            noted.sent = Some((session.name().to_owned(), sent));
        }
        loop {
            let answer = match deadline {
                Some(deadline) => session.receive_until(deadline),
                None => session.receive().map(Some),
            };
            let answer = match answer {
                Ok(answer) => answer,
                Err(diag) => {
                    // What is ended with the run is done, if only in part.
                    let private = job.unit.info.no_log;
                    let mut noted = noted.map(|noted| (noted, private));
                    self.cancel(target, &mut |_| noted.take());
                    if diag.code == INTERRUPTED {
                        self.tell_ended(&job.unit.info.name);
                    }
                    return Err(diag);
                }
            };
            let Some(answer) = answer else {
                // The agent ends with its session, and with it what it runs.
                self.sessions.remove(target);
                return Ok(timed_out(period.unwrap_or_default()));
            };
            match answer {
                FromAgent::Done {
                    id,
                    result,
                    duration,
                } if id == sent => {
                    let key = noted.as_ref().map_or("", |noted| &noted.key);
                    if let Some(diag) = self.differing(&job.unit, key, &result) {
                        return Err(diag);
                    }
                    if target == self.host {
                        self.pending.answered(&result);
                    }
                    self.note_step(noted, &result, job.unit.info.no_log);
                    let mut judged = super::conclude::judged_of(*result);
                    judged.duration = duration;
                    return Ok(judged);
                }
                FromAgent::Lost { id, diag } if id == sent => return Ok(Judged::failed(diag)),
                FromAgent::Live { line, .. } => {
                    let open = !job.unit.info.no_log;
                    self.run.tell_live(&self.host, open, line);
                }
                FromAgent::Held { by } => super::lock::tell(&self.run, target, &by),
                FromAgent::Warning { diag } => {
                    super::pending::warn_of_host(&self.run, target, diag)
                }
                _ => {}
            }
        }
    }
}

/// The result of a task that took too long.
fn timed_out(period: u64) -> Judged {
    let message = format!("Timed out after {period} second(s).");
    Judged::failed(Diag::error("timed-out", message).with(
        "timedout",
        serde_json::json!({"period": period, "frame": ""}),
    ))
}

/// True if anybody will see all of a task's result: a variable, an output, a dry run's later steps.
fn is_seen(run: &super::run::Run, job: &Job) -> bool {
    let task = &job.task;
    let judged = [&task.failed_when, &task.changed_when, &task.until];
    run.options.results_shown
        || job.unit.dry
        || task.register.is_some()
        || task.background.is_some()
        || judged.iter().any(|condition| condition.is_some())
}

/// Renders all that a step consists of.
fn make(run: &super::run::Run, job: &Job, scope: &crate::vars::SharedScope) -> Result<Made> {
    let unit = &job.unit;
    let Some(entry) = modules::find(&job.task.module) else {
        return Err(Diag::error(
            "unknown-module",
            format!("couldn't resolve module/action '{}'", job.task.module),
        )
        .at(job.task.module_span, "")
        .did_you_mean(&job.task.module, modules::names()));
    };
    let args = arguments(run, job, scope, entry)?;
    if let Some(why) = args.find_unknown() {
        return Ok(Made::Unknown(why.to_string()));
    }
    let control = StepControl {
        run,
        task: &job.task,
        scope,
        context: &unit.context,
        seen: is_seen(run, job),
        unknown: Cell::new(false),
    };
    let typed = (entry.check)(&args, &run.sources)
        .map_err(|diag| as_written(worded(diag, entry, &args), entry, &job.task.module))?;
    let prepared = (entry.prepare)(&typed, &control)?;
    if control.unknown.get() && !unit.dry {
        return Ok(Made::Unknown("what it renders is not known yet".to_owned()));
    }
    let environment = environment(run, job, scope)?;
    Ok(Made::Step(Box::new(Step {
        id: 0,
        key: String::new(),
        answered: 0,
        private: unit.info.no_log,
        epoch: 0,
        module: entry.name.to_owned(),
        args: prepared,
        flags: Flags {
            diff: unit.show_diff || run.options.plan,
            foresight: None,
        },
        mode: match (unit.dry, run.options.plan) {
            (false, _) => Mode::Apply,
            (true, true) => Mode::Plan,
            (true, false) => Mode::Trial,
        },
        environment,
        r#become: become_of(run, job, scope)?,
        drop_after: None,
        notify: crate::wire::Notify::default(),
        background: None,
    })))
}

/// A step that runs a line of shell.
fn plain(
    run: &super::run::Run,
    job: &Job,
    scope: &crate::vars::SharedScope,
    line: &str,
) -> Result<Step> {
    let shell = modules::find("shell")
        .ok_or_else(|| Diag::error("unknown-module", "there is no module `shell`"))?;
    let args = crate::value::from_json(&serde_json::json!({"cmd": line}));
    Ok(Step {
        id: 0,
        key: String::new(),
        answered: 0,
        private: job.unit.info.no_log,
        epoch: 0,
        module: shell.name.to_owned(),
        args: (shell.check)(&args, &run.sources)?,
        flags: Flags::default(),
        mode: Mode::Apply,
        environment: environment(run, job, scope)?,
        r#become: become_of(run, job, scope)?,
        drop_after: None,
        notify: crate::wire::Notify::default(),
        background: None,
    })
}
