//! Where the hosts of a play wait for each other.
//!
//! Hosts run through a play on their own. They meet only where one could notice that they do not
//! go side by side: `run_once`, `any_errors_fatal`, `max_fail_percentage`, variables of other hosts.

use super::collect::Position;
use super::results::Judged;
use std::collections::{HashMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
struct State {
    reached: Vec<Position>,
    done: Vec<bool>,
    failed: Vec<bool>,
    elected: HashMap<Position, usize>,
    results: HashMap<Position, Option<Judged>>,
    /// Where a host has ended the play for all.
    stopped: Option<Position>,
    fatal: u32,
    /// Where the last failure was that fails all.
    fatal_at: Position,
    awaited: usize,
    throttled: HashMap<Position, usize>,
    /// Hosts that are through with a throttled task.
    passed: HashMap<Position, HashSet<usize>>,
}

impl State {
    /// True while a host before this one has not been at the task yet.
    fn awaits_turn(&self, host: usize, at: &[u32]) -> bool {
        let passed = self.passed.get(at);
        (0..host).any(|other| {
            !self.done[other]
                && self.reached[other].as_slice() == at
                && !passed.is_some_and(|passed| passed.contains(&other))
        })
    }
}

/// The meeting points of one play.
pub struct Barrier {
    state: Mutex<State>,
    changed: Condvar,
}

/// What a host has to do about a `run_once` task.
pub enum Once {
    /// Perform it, and tell the others with [`Barrier::publish`].
    Perform,
    /// Another host has performed it; `None` if it was ended before it came to a result.
    Take(Option<Judged>),
}

impl Barrier {
    /// For a number of hosts.
    pub fn new(hosts: usize) -> Barrier {
        Barrier {
            state: Mutex::new(State {
                reached: vec![Position::new(); hosts],
                done: vec![false; hosts],
                failed: vec![false; hosts],
                ..State::default()
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until every other host has come to this position, passed it, or left the play.
    pub fn meet(&self, host: usize, at: &[u32]) {
        let mut state = self.lock();
        state.reached[host] = at.to_vec();
        self.changed.notify_all();
        while !everyone_at(&state, at) {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until another host has come to this position, or left the play: a template looks at its
    /// variables.
    pub fn await_host(&self, host: usize, other: usize, at: &[u32]) {
        let mut state = self.lock();
        if state.reached[host].as_slice() < at {
            state.reached[host] = at.to_vec();
        }
        state.awaited += 1;
        self.changed.notify_all();
        while !state.done[other] && state.reached[other].as_slice() < at {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.awaited -= 1;
    }

    /// True while a host waits for another.
    pub fn is_awaited(&self) -> bool {
        self.lock().awaited > 0
    }

    /// Waits until fewer than `most` hosts are at a task (`throttle`). [`Barrier::let_next`] makes
    /// room again. One at a time, hosts that have met before the task come in their order.
    pub fn throttle(&self, host: usize, at: &[u32], most: usize, met: bool) {
        let mut state = self.lock();
        if state.reached[host].as_slice() < at {
            state.reached[host] = at.to_vec();
            self.changed.notify_all();
        }
        let in_order = met && most == 1;
        while state.throttled.get(at).is_some_and(|now| *now >= most)
            || (in_order && state.awaits_turn(host, at))
        {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *state.throttled.entry(at.to_vec()).or_default() += 1;
    }

    /// A host is through with a throttled task.
    pub fn let_next(&self, host: usize, at: &[u32]) {
        let mut state = self.lock();
        if let Some(now) = state.throttled.get_mut(at) {
            *now = now.saturating_sub(1);
        }
        state.passed.entry(at.to_vec()).or_default().insert(host);
        drop(state);
        self.changed.notify_all();
    }

    /// A host has come to a position with all results before it.
    pub fn arrive(&self, host: usize, at: &[u32]) {
        let mut state = self.lock();
        state.reached[host] = at.to_vec();
        self.changed.notify_all();
    }

    /// Decides who performs a `run_once` task: the first host of the play that is still in it.
    /// The others wait for the result.
    pub fn once(&self, host: usize, at: &[u32]) -> Once {
        self.meet(host, at);
        let mut state = self.lock();
        let first = state
            .reached
            .iter()
            .zip(&state.done)
            .position(|(reached, done)| !done && reached == at)
            .unwrap_or(host);
        if *state.elected.entry(at.to_vec()).or_insert(first) == host {
            return Once::Perform;
        }
        loop {
            if let Some(result) = state.results.get(at) {
                return Once::Take(result.clone());
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Tells the others the result of a `run_once` task.
    pub fn publish(&self, at: &[u32], result: Option<Judged>) {
        self.lock().results.insert(at.to_vec(), result);
        self.changed.notify_all();
    }

    /// A host leaves the play; `failed` if it failed or could not be reached.
    pub fn leave(&self, host: usize, failed: bool) {
        let mut state = self.lock();
        state.done[host] = true;
        state.failed[host] = failed;
        self.changed.notify_all();
    }

    /// Marks a host as failed while it is still in the play, and tells how many are.
    pub fn fail(&self, host: usize) -> usize {
        let mut state = self.lock();
        state.failed[host] = true;
        state.failed.iter().filter(|f| **f).count()
    }

    /// A failure was rescued.
    pub fn rescue(&self, host: usize) {
        self.lock().failed[host] = false;
    }

    /// A host failed in a way that fails all others too, each when it is through with the same task.
    pub fn fail_all(&self, at: &[u32]) -> u32 {
        let mut state = self.lock();
        state.fatal += 1;
        state.fatal_at = at.to_vec();
        self.changed.notify_all();
        state.fatal
    }

    /// How often that has happened, and where the last time.
    pub fn fatal(&self) -> (u32, Position) {
        let state = self.lock();
        (state.fatal, state.fatal_at.clone())
    }

    /// The play is over for every host when it is through with this task.
    pub fn stop(&self, at: &[u32]) {
        let mut state = self.lock();
        state.stopped.get_or_insert_with(|| at.to_vec());
        self.changed.notify_all();
    }

    /// True once [`Barrier::stop`] was called.
    pub fn stopped(&self) -> bool {
        self.lock().stopped.is_some()
    }

    /// True if it was called at an earlier task.
    pub fn stopped_before(&self, at: &[u32]) -> bool {
        let state = self.lock();
        state
            .stopped
            .as_ref()
            .is_some_and(|end| end.as_slice() < at)
    }

    /// Which hosts have not failed.
    pub fn alive(&self) -> Vec<bool> {
        self.lock().failed.iter().map(|f| !f).collect()
    }
}

fn everyone_at(state: &State, at: &[u32]) -> bool {
    state
        .reached
        .iter()
        .zip(&state.done)
        .all(|(reached, done)| *done || reached.as_slice() >= at)
}
