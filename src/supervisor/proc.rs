//! The life of one process as a pure state machine: no clock, no kernel, no input or output.
//!
//! Whoever drives it performs the returned [`Action`]s in order and reports what came of them as
//! [`Event`]s; [`Proc::deadline`] says when it wants [`Event::Timer`]. Total: every event is
//! meaningful, or harmless, in every state.

use super::config::{Autorestart, Program};
use nix::sys::signal::Signal;
use std::rc::Rc;

/// Milliseconds on a clock that never goes back.
pub type Millis = i64;

/// The states, with supervisord's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "supervisord's documented states")]
pub enum State {
    Stopped = 0,
    Starting = 10,
    Running = 20,
    Backoff = 30,
    Stopping = 40,
    Exited = 100,
    Fatal = 200,
    Unknown = 1000,
}

impl State {
    /// The name in capitals.
    pub fn name(self) -> &'static str {
        match self {
            State::Stopped => "STOPPED",
            State::Starting => "STARTING",
            State::Running => "RUNNING",
            State::Backoff => "BACKOFF",
            State::Stopping => "STOPPING",
            State::Exited => "EXITED",
            State::Fatal => "FATAL",
            State::Unknown => "UNKNOWN",
        }
    }

    /// STARTING, RUNNING and BACKOFF count as running for the interface.
    pub fn runs(self) -> bool {
        matches!(self, State::Starting | State::Running | State::Backoff)
    }

    /// States in which nothing is left to stop or to wait for.
    pub fn rests(self) -> bool {
        matches!(
            self,
            State::Stopped | State::Exited | State::Fatal | State::Unknown
        )
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By `exit`.
    Code(i32),
    /// By a signal.
    Signal(Signal),
}

impl Ended {
    /// The exit code; a signal is -1, which is never expected.
    pub fn code(self) -> i32 {
        match self {
            Ended::Code(code) => code,
            Ended::Signal(_) => -1,
        }
    }

    fn words(self) -> String {
        match self {
            Ended::Code(code) => format!("exit status {code}"),
            Ended::Signal(signal) => format!("terminated by {}", signal.as_str()),
        }
    }
}

/// What happens to a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody wants it to run.
    Start,
    /// Somebody wants it to stop; it is not started again by itself.
    Stop,
    /// [`Action::Spawn`] worked.
    Spawned(i32),
    /// An earlier daemon started it, so many milliseconds ago.
    Adopted(i32, Millis),
    /// [`Action::Spawn`] did not work, and why.
    SpawnFailed(String),
    /// It was reaped.
    Ended(Ended),
    /// [`Action::Kill`] did not work.
    KillFailed,
    /// The deadline, or any other moment.
    Timer,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start a copy and report [`Event::Spawned`] or [`Event::SpawnFailed`].
    Spawn,
    /// Send a signal to the process or its whole group.
    Kill {
        /// The process.
        pid: i32,
        /// The signal.
        signal: Signal,
        /// To the process group.
        group: bool,
    },
    /// Tell listeners that the state changed; `more` is the rest of the event's payload.
    Announce {
        /// The state before.
        from: State,
        /// The state now.
        to: State,
        /// ` tries:1`, ` pid:7` ...
        more: String,
    },
    /// A line for the log, `true` for a warning.
    Log(bool, String),
}

/// One process.
#[derive(Clone, Debug)]
pub struct Proc {
    /// Its definition.
    pub program: Rc<Program>,
    /// Where it is.
    pub state: State,
    /// The running copy.
    pub pid: Option<i32>,
    /// How the last copy ended; `None` while one runs and after an exit that was too quick.
    pub exit: Option<i32>,
    /// Why the last start failed.
    pub spawnerr: Option<String>,
    /// When the last copy was started.
    pub started: Option<Millis>,
    failures: i64,
    wake: Option<Millis>,
}

/// A program that ends at once is not started more often than this, even with `startsecs = 0`
/// (supervisord restarts it without a pause and burns a CPU).
const RESTART_PAUSE: Millis = 1000;

impl Proc {
    /// A process that was never started.
    pub fn new(program: Rc<Program>) -> Proc {
        Proc {
            program,
            state: State::Stopped,
            pid: None,
            exit: None,
            spawnerr: None,
            started: None,
            failures: 0,
            wake: None,
        }
    }

    /// When [`Event::Timer`] is wanted.
    pub fn deadline(&self) -> Option<Millis> {
        self.wake
    }

    /// One event.
    pub fn step(&mut self, event: Event, now: Millis) -> Vec<Action> {
        let mut out = Vec::new();
        match event {
            Event::Start if self.pid.is_none() && self.state != State::Starting => {
                self.failures = 0;
                self.start(now, &mut out);
            }
            Event::Stop => self.stop(now, &mut out),
            Event::Spawned(pid) if self.state == State::Starting && self.pid.is_none() => {
                self.spawned(pid, now, &mut out);
            }
            Event::Adopted(pid, age) if self.pid.is_none() && self.state != State::Starting => {
                self.adopted(pid, age, now, &mut out);
            }
            Event::SpawnFailed(why) if self.state == State::Starting && self.pid.is_none() => {
                out.push(Action::Log(false, format!("spawnerr: {why}")));
                self.spawnerr = Some(why);
                self.back_off(now, &mut out);
            }
            Event::Ended(ended) if self.pid.is_some() => self.ended(ended, now, &mut out),
            Event::KillFailed if self.pid.is_some() && self.state != State::Unknown => {
                self.wake = None;
                self.enter(State::Unknown, String::new(), &mut out);
            }
            Event::Timer => self.timer(now, &mut out),
            _ => {}
        }
        out
    }

    fn enter(&mut self, to: State, more: String, out: &mut Vec<Action>) {
        let from = self.state;
        self.state = to;
        out.push(Action::Announce { from, to, more });
    }

    fn start(&mut self, now: Millis, out: &mut Vec<Action>) {
        self.spawnerr = None;
        self.exit = None;
        self.started = Some(now);
        self.wake = None;
        let tries = format!(" tries:{}", self.failures);
        self.enter(State::Starting, tries, out);
        out.push(Action::Spawn);
    }

    fn spawned(&mut self, pid: i32, now: Millis, out: &mut Vec<Action>) {
        self.pid = Some(pid);
        let name = &self.program.name;
        let line = format!("spawned: '{name}' with pid {pid}");
        out.push(Action::Log(false, line));
        let wait = self.program.startsecs.saturating_mul(1000);
        if wait <= 0 {
            self.succeed(pid, out);
        } else {
            self.wake = Some(now.saturating_add(wait).saturating_add(1));
        }
    }

    fn adopted(&mut self, pid: i32, age: Millis, now: Millis, out: &mut Vec<Action>) {
        self.spawnerr = None;
        self.exit = None;
        self.failures = 0;
        self.pid = Some(pid);
        self.started = Some(now.saturating_sub(age));
        self.enter(State::Starting, " tries:0".into(), out);
        let name = &self.program.name;
        out.push(Action::Log(
            false,
            format!("adopted: '{name}' with pid {pid}"),
        ));
        let left = self
            .program
            .startsecs
            .saturating_mul(1000)
            .saturating_sub(age);
        if left <= 0 {
            self.succeed(pid, out);
        } else {
            self.wake = Some(now.saturating_add(left).saturating_add(1));
        }
    }

    /// Puts it where an earlier daemon left it; for one that was never started by this one.
    pub fn rest(&mut self, state: State) {
        if self.pid.is_none() && state.rests() {
            self.state = state;
        }
    }

    fn succeed(&mut self, pid: i32, out: &mut Vec<Action>) {
        self.wake = None;
        self.failures = 0;
        self.enter(State::Running, format!(" pid:{pid}"), out);
        out.push(Action::Log(
            false,
            format!(
                "success: {} entered RUNNING state, process has stayed up for > than {} seconds (startsecs)",
                self.program.name, self.program.startsecs
            ),
        ));
    }

    fn back_off(&mut self, now: Millis, out: &mut Vec<Action>) {
        self.failures += 1;
        let tries = format!(" tries:{}", self.failures);
        self.enter(State::Backoff, tries, out);
        if self.failures > self.program.startretries {
            self.wake = None;
            self.failures = 0;
            self.enter(State::Fatal, String::new(), out);
            out.push(Action::Log(
                false,
                format!(
                    "gave up: {} entered FATAL state, too many start retries too quickly",
                    self.program.name
                ),
            ));
        } else {
            let pause = self.failures.saturating_mul(1000);
            self.wake = Some(now.saturating_add(pause));
        }
    }

    fn stop(&mut self, now: Millis, out: &mut Vec<Action>) {
        match (self.state, self.pid) {
            (State::Starting | State::Running, Some(pid)) => {
                self.enter(State::Stopping, format!(" pid:{pid}"), out);
                let wait = self.program.stopwaitsecs.max(0).saturating_mul(1000);
                self.wake = Some(now.saturating_add(wait));
                out.push(Action::Kill {
                    pid,
                    signal: self.program.stopsignal,
                    group: self.program.stopasgroup,
                });
            }
            (State::Backoff, _) => {
                self.wake = None;
                self.failures = 0;
                self.enter(State::Stopped, " pid:0".into(), out);
            }
            // A restart that was due is called off.
            (State::Exited, _) => self.wake = None,
            _ => {}
        }
    }

    fn timer(&mut self, now: Millis, out: &mut Vec<Action>) {
        if self.wake.is_none_or(|at| at > now) {
            return;
        }
        match (self.state, self.pid) {
            (State::Starting, Some(pid)) => self.succeed(pid, out),
            (State::Backoff | State::Exited, None) => self.start(now, out),
            (State::Stopping, Some(pid)) => {
                let wait = self.program.stopwaitsecs.max(1).saturating_mul(1000);
                self.wake = Some(now.saturating_add(wait));
                let name = &self.program.name;
                let line = format!("killing '{name}' ({pid}) with SIGKILL");
                out.push(Action::Log(true, line));
                out.push(Action::Kill {
                    pid,
                    signal: Signal::SIGKILL,
                    group: self.program.killasgroup,
                });
            }
            _ => self.wake = None,
        }
    }

    fn ended(&mut self, ended: Ended, now: Millis, out: &mut Vec<Action>) {
        let pid = self.pid.take().unwrap_or_default();
        let lived = now - self.started.unwrap_or(now);
        let name = self.program.name.clone();
        self.wake = None;
        if self.state == State::Stopping {
            self.exit = Some(ended.code());
            self.failures = 0;
            let line = format!("stopped: {name} ({})", ended.words());
            let expected = self.program.exitcodes.contains(&ended.code());
            out.push(Action::Log(!expected, line));
            self.enter(State::Stopped, format!(" pid:{pid}"), out);
            return;
        }
        if self.state == State::Starting && lived < self.program.startsecs.saturating_mul(1000) {
            self.exit = None;
            let why = "Exited too quickly (process log may have details)";
            self.spawnerr = Some(why.into());
            let line = format!("exited: {name} ({}; not expected)", ended.words());
            out.push(Action::Log(true, line));
            self.back_off(now, out);
            return;
        }
        if self.state == State::Starting {
            self.succeed(pid, out);
        }
        // What could not be signalled may have been asked to stop: it is not started again.
        let lost = self.state == State::Unknown;
        self.exit = Some(ended.code());
        let expected = self.program.exitcodes.contains(&ended.code());
        let word = if expected { "expected" } else { "not expected" };
        self.spawnerr = (!expected).then(|| format!("Bad exit code {}", ended.code()));
        let line = format!("exited: {name} ({}; {word})", ended.words());
        out.push(Action::Log(!expected, line));
        let more = format!(" expected:{} pid:{pid}", u8::from(expected));
        self.enter(State::Exited, more, out);
        let again = match self.program.autorestart {
            Autorestart::Always => true,
            Autorestart::Never => false,
            Autorestart::Unexpected => !expected,
        } && !lost;
        if again && lived >= RESTART_PAUSE.min(self.program.startsecs.max(1) * 1000) {
            self.start(now, out);
        } else if again {
            self.wake = Some(now + RESTART_PAUSE - lived);
        }
    }
}

#[cfg(test)]
mod tests;
