//! One host in one play: its variables, its agent, and the steps under way.

use super::actions::Included;
use super::collect::{Position, Report};
use super::forks::Seat;
use super::handlers::Handlers;
use super::play::PlayRun;
use super::promises::{self, Promises};
use super::queue::{Effect, Entry, Queue};
use super::results::{self, Judged, Unit};
use super::run::Run;
use super::scope::{Own, TaskScope};
use super::session::{INTERRUPTED, Session};
use super::state::HostVars;
use crate::diag::{Diag, Result};
use crate::output::Status;
use crate::play::ast::{Role, Task};
use crate::value::{Map, Value};
use crate::vars::SharedScope;
use crate::wire::FromAgent;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Why a host leaves a list of tasks early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A task failed; the innermost `rescue` may take care of it.
    Failed,
    /// The connection is gone; nothing on this host can go on.
    Unreachable,
    /// `meta: end_host`.
    EndHost,
    /// `meta: end_batch`.
    EndBatch,
    /// `meta: end_play`.
    EndPlay,
    /// `meta: end_role`.
    EndRole,
    /// A step would not do what was planned; no `rescue` takes care of that.
    Differs,
    /// The user interrupted the run, or another host ended it.
    Interrupted,
}

/// A host in a play. Lives on the host's own thread.
pub struct HostRun {
    /// The run.
    pub run: Arc<Run>,
    /// The play.
    pub play: Arc<PlayRun>,
    /// Number of the host in the play.
    pub index: usize,
    /// Its name.
    pub host: String,
    /// What its variables will be if every step under way ends well.
    pub ahead: HostVars,
    /// Results that were under way when a variable was made of them.
    pub promises: Promises,
    /// Number of tasks begun.
    pub begun: u64,
    /// What its variables are as far as results have come.
    pub(super) settled: HostVars,
    /// Variables of the inventory.
    pub inventory: Arc<Map>,
    /// Magic variables.
    pub magic: Arc<Map>,
    /// What Ansible's connections define for each host, where nothing else does.
    pub fallback: Arc<Map>,
    /// The state of the inventory that these two are of, and how many hosts had failed.
    inventory_at: (u64, usize),
    /// Its steps are performed on this machine: each task may read what the one before it wrote.
    pub local: bool,
    /// Steps under way.
    pub queue: Queue,
    /// Handlers to run, in the order they were notified.
    pub notified: Vec<Arc<Task>>,
    /// What of that is known to the host.
    pub pending: super::pending::Track,
    /// All handlers: those of the play, and those that included roles brought.
    pub handlers: Handlers,
    /// Roles whose variables the whole play sees: the play's, and those included as `public`.
    pub roles: Vec<Arc<Role>>,
    /// `vars_files` of the play, loaded for this host.
    pub files: Arc<Map>,
    /// Agents by the name of their host: its own, and those of hosts it delegated to.
    pub sessions: HashMap<String, Session>,
    /// Position in the play.
    pub at: Position,
    /// `ansible_failed_task` and `ansible_failed_result` of the last failure.
    pub failure: Option<(Value, Value)>,
    /// Result of the last task that was concluded: what `run_once` shares.
    pub last: Option<Judged>,
    /// Identities of the roles that this host is through with in this play.
    pub roles_done: HashSet<String>,
    /// Identities of the roles of which a task was not skipped.
    pub roles_begun: HashSet<String>,
    /// The task of `--start-at-task` was reached.
    pub started: bool,
    /// The failure at hand was another host's: its rescue is not counted.
    pub rescue_unseen: bool,
    /// How many failures that fail all hosts this one has followed.
    pub fatal_seen: u32,
    /// Where a result goes that is looked at before it counts (`until` of an action).
    pub held: Option<Option<Judged>>,
    /// What the items of a looped include have brought so far.
    pub included: Option<Vec<Included>>,
    /// Its seat among the hosts that are worked on.
    pub seat: Arc<Seat>,
    /// How much of what other hosts found out about this one was taken over.
    pub given_at: usize,
    /// The kind of connection that leads to a host, where there is one.
    pub kinds: HashMap<String, String>,
    /// How often each step was passed.
    pub passed: HashMap<String, u32>,
    /// It performs a task for all hosts (`run_once`).
    pub for_all: bool,
    /// Where the failure was that ends its way, if none takes care of it.
    pub fatal: Option<Position>,
    /// A `rescue` was entered: what follows from that is not in a plan.
    pub off_plan: bool,
    /// Results of the loop whose items are coming in, and whether a failure is ignored.
    pub(super) items: Vec<(Judged, bool)>,
    /// Steps that the agent performs although one before them has failed: only this side knows that.
    /// What came of them is written down.
    pub(super) void: HashMap<u64, super::cancel::Known>,
    /// The agent knows of the failure at hand, and drops what was sent behind it.
    agent_knows: bool,
}

/// How far the control side runs ahead of a host.
const MOST_AHEAD: usize = 512;

impl HostRun {
    /// A host at the beginning of a play.
    pub fn new(run: &Arc<Run>, play: &Arc<PlayRun>, index: usize) -> HostRun {
        let host = play.hosts[index].clone();
        let mut given_at = 0;
        // What was given before is in the variables.
        let _ = run.given(&host, &mut given_at);
        let vars = run.host_vars(&host);
        let inventory = run.inventory_vars(&host);
        HostRun {
            fallback: fallback(&host, &inventory),
            inventory,
            magic: run.magic(&host, Some(play)),
            inventory_at: (run.inventory.changes(), 0),
            local: false,
            ahead: vars.clone(),
            promises: Promises::default(),
            begun: 0,
            settled: vars,
            run: run.clone(),
            play: play.clone(),
            index,
            host,
            queue: Queue::default(),
            notified: Vec::new(),
            pending: super::pending::Track::default(),
            handlers: Handlers::of_play(&play.play),
            roles: play.play.roles.clone(),
            files: Arc::default(),
            sessions: HashMap::new(),
            at: Position::new(),
            failure: None,
            last: None,
            roles_done: HashSet::new(),
            roles_begun: HashSet::new(),
            started: false,
            rescue_unseen: false,
            fatal_seen: 0,
            held: None,
            included: None,
            seat: Arc::new(Seat::new(&run.forks, index)),
            given_at,
            kinds: HashMap::new(),
            passed: HashMap::new(),
            for_all: false,
            fatal: None,
            off_plan: false,
            items: Vec::new(),
            void: HashMap::new(),
            agent_knows: false,
        }
    }

    /// Publishes what is settled, for other hosts and later plays.
    pub fn publish(&mut self) {
        self.follow_given();
        self.run.set_host_vars(&self.host, self.settled.clone());
    }

    /// Keeps the facts for later runs.
    pub fn keep_facts(&self) {
        self.run.cache_facts(&self.host, &self.settled.facts);
    }

    /// Takes over what the run has changed in the inventory (`add_host`, `group_by`).
    pub fn follow_inventory(&mut self) {
        let gone = self
            .play
            .barrier
            .alive()
            .iter()
            .filter(|alive| !**alive)
            .count();
        let changes = (self.run.inventory.changes(), gone);
        if changes != self.inventory_at {
            self.inventory_at = changes;
            self.inventory = self.run.inventory_vars(&self.host);
            self.magic = self.run.magic(&self.host, Some(&self.play));
        }
    }

    /// Reports something at the current position, after what is under way.
    pub fn report(&mut self, report: Report) {
        let at = self.at.clone();
        self.report_at(at, report);
    }

    fn report_at(&mut self, at: Position, report: Report) {
        if self.queue.front().is_some() {
            self.queue.push(Entry::Report(at, report));
        } else {
            self.run.collector().report(self.index, &at, report);
        }
    }

    /// Changes variables, now and (when results have come that far) for good.
    pub fn apply(&mut self, effect: Effect) {
        self.ahead.apply(&effect);
        if self.queue.front().is_some() {
            self.queue.push(Entry::Effect(effect));
        } else {
            self.settled.apply(&effect);
        }
    }

    /// Changes variables for good, whatever is under way.
    pub(super) fn apply_now(&mut self, effect: &Effect) {
        self.settled.apply(effect);
        self.ahead.apply(effect);
    }

    /// Waits until every step under way has ended.
    ///
    /// # Errors
    /// One of them failed, or the connection did.
    pub fn flush(&mut self) -> Result<(), Stop> {
        self.drain(true)
    }

    /// Takes the results that have come already, and waits only if too much is under way.
    ///
    /// # Errors
    /// As [`HostRun::flush`].
    pub fn settle(&mut self) -> Result<(), Stop> {
        if self.run.interrupted() {
            return Err(Stop::Interrupted);
        }
        let wait = self.queue.steps() >= MOST_AHEAD
            || self.play.lockstep
            || self.local
            || self.seat.is_wanted(&self.at);
        self.drain(wait)
    }

    fn drain(&mut self, wait: bool) -> Result<(), Stop> {
        loop {
            match self.queue.front() {
                None => {
                    self.seat.leave();
                    self.publish_if_shared();
                    return Ok(());
                }
                Some(Entry::Step(pending)) => {
                    if !pending.begun {
                        pending.begun = true;
                        let (at, info) = (pending.unit.at.clone(), pending.unit.info.clone());
                        self.run
                            .collector()
                            .report(self.index, &at, Report::Begin(info));
                    }
                    if !self.answer(wait)? {
                        return Ok(());
                    }
                }
                Some(_) => self.pass()?,
            }
        }
    }

    fn publish_if_shared(&mut self) {
        if self.play.hosts.len() > 1 {
            self.publish();
        }
    }

    /// Handles the first entry, which is no step.
    fn pass(&mut self) -> Result<(), Stop> {
        match self.queue.pop() {
            Some(Entry::Report(at, report)) => {
                self.run.collector().report(self.index, &at, report);
                Ok(())
            }
            Some(Entry::Effect(effect)) => {
                self.settled.apply(&effect);
                Ok(())
            }
            Some(Entry::Item(item)) => {
                let (unit, item, judged) = *item;
                self.item_ended(&unit, &item, judged);
                Ok(())
            }
            Some(Entry::LoopEnd(unit)) => {
                let items = std::mem::take(&mut self.items);
                let unit = super::conclude::as_items_say(unit, &items);
                self.conclude(&unit, results::loop_result(&items))
            }
            Some(Entry::Step(_)) | None => Ok(()),
        }
    }

    /// Forgets the results of a loop's items; false, and nothing forgotten, where one has failed.
    pub fn forget_items(&mut self) -> bool {
        let failed = self
            .items
            .iter()
            .any(|(judged, _)| judged.status == Status::Failed);
        if !failed {
            self.items.clear();
        }
        !failed
    }

    /// Takes one answer of the agent; false if there is none yet.
    fn answer(&mut self, wait: bool) -> Result<bool, Stop> {
        let Some(session) = self.sessions.get_mut(&self.host) else {
            return self.unreachable(Diag::error("connection-lost", "there is no connection"));
        };
        let answer = if wait {
            match session.receive() {
                Ok(answer) => answer,
                Err(diag) => return self.unreachable(diag),
            }
        } else {
            match session.poll() {
                Some(answer) => answer,
                None => return Ok(false),
            }
        };
        let awaited = match self.queue.front() {
            Some(Entry::Step(pending)) => pending.id,
            _ => return Ok(true),
        };
        match answer {
            FromAgent::Done {
                id,
                result,
                duration,
            } if id == awaited => {
                if let Some(Entry::Step(mut pending)) = self.queue.pop() {
                    let key = pending.noted.as_ref().map_or("", |noted| &noted.key);
                    if let Some(diag) = self.differing(&pending.unit, key, &result) {
                        return Err(self.leave(&pending.unit, pending.item.as_ref(), diag));
                    }
                    self.step_answered(&pending.unit, &result);
                    let private = pending.unit.info.no_log;
                    self.note_step(pending.noted.take(), &result, private);
                    self.agent_knows = result.is_failed();
                    let mut judged = super::conclude::judged_of(*result);
                    judged.duration = duration;
                    let ended = self.ended(*pending, judged);
                    self.agent_knows = false;
                    ended?;
                }
            }
            FromAgent::Lost { id, diag } if id == awaited => {
                if let Some(Entry::Step(pending)) = self.queue.pop() {
                    // The host is there, but the task's user is not to be had.
                    self.agent_knows = true;
                    let ended = self.ended(*pending, Judged::failed(diag));
                    self.agent_knows = false;
                    ended?;
                }
            }
            FromAgent::Live { id, line } => {
                let runs = self.queue.front();
                let open = runs.is_some_and(|entry| match entry {
                    Entry::Step(pending) => pending.id == id && !pending.unit.info.no_log,
                    _ => false,
                });
                self.run.tell_live(&self.host, open, line);
            }
            FromAgent::Held { by } => super::lock::tell(&self.run, &self.host, &by),
            FromAgent::Warning { diag } => {
                super::pending::warn_of_host(&self.run, &self.host, diag);
            }
            // Answers to steps that a failure made void.
            FromAgent::Done { id, result, .. } => {
                if let Some((noted, private)) = self.void.remove(&id) {
                    self.note_step(Some(noted), &result, private);
                }
            }
            FromAgent::Lost { .. }
            | FromAgent::Dropped { .. }
            | FromAgent::Ready { .. }
            | FromAgent::Acting
            | FromAgent::Attached(_)
            | FromAgent::Cancelled
            | FromAgent::Need { .. } => {}
        }
        Ok(true)
    }

    /// The connection failed while a step was under way.
    fn unreachable(&mut self, diag: Box<Diag>) -> Result<bool, Stop> {
        if diag.code == INTERRUPTED {
            return Err(Stop::Interrupted);
        }
        let unit = self.queue.units().next().cloned();
        self.sessions.remove(&self.host);
        self.forget_ahead();
        if let Some(unit) = unit {
            self.report_unreachable(&unit, diag)?;
        }
        Err(Stop::Unreachable)
    }

    /// Reports that a host cannot be reached for a task.
    ///
    /// # Errors
    /// Always [`Stop::Unreachable`], unless the task ignores it.
    pub fn report_unreachable(&mut self, unit: &Arc<Unit>, diag: Box<Diag>) -> Result<(), Stop> {
        if diag.code == INTERRUPTED {
            return Err(Stop::Interrupted);
        }
        let judged = super::conclude::unreachable(diag);
        let outcome = results::outcome(unit, &judged, None);
        let ignored = outcome.ignored;
        self.report_at(unit.at.clone(), Report::End(Box::new(outcome)));
        if ignored {
            if let Some(name) = &unit.register {
                self.apply(Effect::Set(name.clone(), judged.value.clone()));
            }
            return Ok(());
        }
        Err(Stop::Unreachable)
    }

    /// Forgets what ran ahead of a failure.
    pub(super) fn forget_ahead(&mut self) {
        while let Some(entry) = self.queue.pop() {
            if let (Entry::Step(pending), false) = (entry, self.agent_knows)
                && let Some(noted) = pending.noted
            {
                let private = pending.unit.info.no_log;
                self.void.insert(pending.id, (noted, private));
            }
        }
        self.items.clear();
        self.ahead = self.settled.clone();
        if let Some(session) = self.sessions.get_mut(&self.host) {
            session.new_epoch();
        }
    }

    /// Sends the placeholder for a result that is under way.
    pub fn expect(&mut self, unit: &Unit) {
        if let Some(name) = &unit.register {
            self.ahead.set(name, promises::placeholder(unit.number));
        }
    }

    /// Evaluates something over a task's scope. If it turns out to need a result that is under way,
    /// waits for that and evaluates it again.
    ///
    /// # Errors
    /// Outer: a step that had to be waited for failed. Inner: the evaluation did.
    pub fn eval<T>(
        &mut self,
        scope: impl Fn(&HostRun) -> SharedScope,
        evaluate: impl Fn(&Run, &SharedScope) -> Result<T>,
        unknown: impl Fn(&T) -> bool,
    ) -> Result<Result<T>, Stop> {
        let made = scope(self);
        let result = evaluate(&self.run, &made);
        let early = match &result {
            Ok(value) => unknown(value),
            Err(_) => true,
        };
        if !early || !self.queue.has_steps() {
            return Ok(result);
        }
        self.flush()?;
        let made = scope(self);
        Ok(evaluate(&self.run, &made))
    }

    /// The scope of layers above which nothing of this host is: used by [`super::task`].
    pub fn scope_of(&self, layers: Vec<Arc<Map>>) -> SharedScope {
        Arc::new(TaskScope {
            layers,
            promises: self.promises.clone(),
            run: self.run.clone(),
            own: Some(Own {
                host: self.host.clone(),
                magic: self.magic.clone(),
                inventory: self.inventory.clone(),
                vars: self.ahead.clone(),
                play: self.play.clone(),
                index: self.index,
                at: self.at.clone(),
                seat: self.seat.clone(),
            }),
        })
    }
}

/// `ansible_host` and the like, which every host has (observed: ansible-core 2.19.14).
fn fallback(host: &str, inventory: &Map) -> Arc<Map> {
    let given = ["ansible_host", "ansible_ssh_host"];
    let given = given.iter().find_map(|name| inventory.get(name));
    let address = given.cloned().unwrap_or_else(|| Value::str(host));
    let fallback: Map = [
        ("ansible_host", address.clone()),
        ("ansible_ssh_host", address),
        ("ansible_shell_executable", Value::str("/bin/sh")),
    ]
    .into_iter()
    .collect();
    Arc::new(fallback)
}
