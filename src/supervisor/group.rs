//! The running groups: added, found, stopped, removed.

use super::berths::Berths;
use super::cgroup::Cgroups;
use super::clients::Clients;
use super::config::{self, Config, Group};
use super::keep::{Keeper, Kept};
use super::listeners::Counters;
use super::mainlog::MainLog;
use super::outlet::Notes;
use super::pool::{Listener, Pool};
use super::proc::{Ended, Event, Millis, Proc, State};
use super::proclogs::SharedLog;
use super::record::{OomKills, Record};
use super::streams::{Input, NO_STREAM, Streams};
use super::watch::Reports;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{oneshot, watch};

/// Nothing has happened when it has not for so long, in milliseconds.
const SETTLE: Millis = 500;

/// What the daemon as a whole is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Normal.
    Running = 1,
    /// Stopping everything to begin anew.
    Restarting = 0,
    /// Stopping everything to end.
    Shutdown = -1,
}

/// A process with what the kernel and the disk hold of it.
#[derive(Debug)]
pub struct Running {
    /// Its state.
    pub proc: Proc,
    /// Seconds since the epoch of the last start; 0 for never.
    pub start: i64,
    /// Seconds since the epoch of the last end; 0 for never.
    pub stop: i64,
    /// Its standard input, while it is open.
    pub stdin: Option<Rc<Input>>,
    /// Its standard output's log.
    pub stdout: SharedLog,
    /// Its standard error's log.
    pub stderr: SharedLog,
    /// What is remembered of it.
    pub record: Record,
    /// Where it is in the listeners' protocol, if it is one.
    pub listener: Listener,
    /// Its standard output and error among the streams, while it runs.
    pub streams: [u32; 2],
}

/// A group that was started.
#[derive(Debug)]
pub struct RunGroup {
    /// Its definition.
    pub config: Group,
    /// Its processes.
    pub procs: Vec<Running>,
    /// Events that wait for its listeners.
    pub pool: Pool,
    /// The socket its processes share, while one of them runs.
    pub socket: Option<OwnedFd>,
}

impl RunGroup {
    /// Whether nothing of it is left to stop.
    pub fn rests(&self) -> bool {
        self.procs.iter().all(|p| p.proc.state.rests())
    }
}

/// The whole daemon.
#[derive(Debug)]
pub struct Supervisor {
    /// The file it was configured by.
    pub file: PathBuf,
    /// What the file said when it was last read.
    pub config: Config,
    /// Groups that are there.
    pub groups: Vec<RunGroup>,
    /// Its own log.
    pub log: MainLog,
    /// What it is doing.
    pub mood: Mood,
    /// The value of `SUPERVISOR_SERVER_URL`.
    pub server_url: Option<String>,
    /// Counts the changes of state; whoever waits subscribes.
    pub changes: watch::Sender<u64>,
    /// The code the daemon ends with.
    pub exit_code: u8,
    /// The file of its children.
    pub keeper: Keeper,
    /// What an earlier daemon left, by `group:name`.
    pub left: HashMap<String, Kept>,
    /// Those of them that were to stop.
    pub left_stopping: Vec<i32>,
    /// Its program, arguments and directory: what an upgrade runs.
    pub origin: (PathBuf, Vec<OsString>, PathBuf),
    /// When it is to be upgraded.
    pub upgrade_at: Option<Millis>,
    /// When memory is to be given back.
    pub settle_at: Option<Millis>,
    /// Where checks tell what they saw.
    pub reports: Reports,
    /// Who waits for the end of a check's command, by its process id.
    pub checks: HashMap<i32, oneshot::Sender<Ended>>,
    /// What the readers of output have to tell.
    pub notes: Rc<Notes>,
    /// By which new processes are handed their standard streams.
    pub berths: Berths,
    /// The control groups of processes.
    pub cgroups: Cgroups,
    /// How many processes the kernel killed for want of memory.
    pub oom_kills: OomKills,
    /// Who is being served.
    pub clients: Rc<Clients>,
    /// The pipes of all processes.
    pub streams: Rc<Streams>,
    /// What events are counted by.
    pub counters: Counters,
    clock: Instant,
}

/// The daemon, as tasks of its one thread share it.
pub type Shared = Rc<RefCell<Supervisor>>;

/// Seconds since the epoch.
pub fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

impl Supervisor {
    /// A daemon without groups.
    ///
    /// # Errors
    /// What the kernel says of another descriptor.
    pub fn new(
        file: PathBuf,
        config: Config,
        log: MainLog,
        reports: Reports,
    ) -> std::io::Result<Supervisor> {
        let streams = Rc::new(Streams::new(log.clone())?);
        Ok(Supervisor {
            file,
            config,
            groups: Vec::new(),
            log,
            mood: Mood::Running,
            server_url: None,
            changes: watch::Sender::new(0),
            exit_code: 0,
            keeper: Keeper::default(),
            left: HashMap::new(),
            left_stopping: Vec::new(),
            origin: Default::default(),
            upgrade_at: None,
            settle_at: None,
            reports,
            checks: HashMap::new(),
            notes: Rc::default(),
            berths: Berths::new()?,
            cgroups: Cgroups::default(),
            oom_kills: OomKills::default(),
            clients: Rc::default(),
            streams,
            counters: Counters::default(),
            clock: Instant::now(),
        })
    }

    /// Milliseconds since the daemon began.
    pub fn now(&self) -> Millis {
        i64::try_from(self.clock.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// The next moment at which a process or the clock wants attention.
    pub fn deadline(&self) -> Option<Millis> {
        self.deadlines().chain(self.next_tick()).min()
    }

    /// Memory is given back once nothing more happens.
    pub fn settle(&mut self) {
        self.settle_at = Some(self.now() + SETTLE);
        self.bump();
    }

    /// Whether a process is on its way from one state to another.
    pub fn moves(&self) -> bool {
        self.deadlines().next().is_some()
    }

    fn deadlines(&self) -> impl Iterator<Item = Millis> {
        let procs = self.groups.iter().flat_map(|g| &g.procs);
        procs.filter_map(|p| p.proc.deadline())
    }

    /// Adds a group of the configuration and starts what starts by itself. False if it is there.
    pub fn add_group(&mut self, config: &Group) -> bool {
        let Some(at) = self.insert_group(config) else {
            return false;
        };
        self.start_group(at);
        true
    }

    /// Starts what starts by itself.
    pub fn start_group(&mut self, at: usize) {
        for n in 0..self.groups[at].procs.len() {
            if !self.take_over(at, n) && self.groups[at].procs[n].proc.program.autostart {
                self.autostart(at, n);
            }
        }
    }

    /// Adds a group and starts nothing. Nothing is done if it is there.
    pub fn insert_group(&mut self, config: &Group) -> Option<usize> {
        if self.groups.iter().any(|g| g.config.name == config.name) {
            return None;
        }
        // Of two with one name, as of a program listed twice, there is one.
        let twice =
            |at: usize, name: &str| config.programs[at + 1..].iter().any(|p| p.name == name);
        let procs = config.programs.iter().enumerate();
        let procs = procs.filter(|(at, p)| !twice(*at, &p.name));
        let procs = procs.map(|(_, p)| p);
        let procs = procs.map(|p| self.fresh(&config.name, p)).collect();
        let at = self.groups.partition_point(|g| {
            (g.config.priority, &g.config.name) <= (config.priority, &config.name)
        });
        self.groups.insert(
            at,
            RunGroup {
                config: config.clone(),
                procs,
                pool: Pool::default(),
                socket: None,
            },
        );
        self.try_socket(at);
        let payload = format!("groupname:{}\n", config.name);
        self.notify("PROCESS_GROUP_ADDED", payload.as_bytes());
        Some(at)
    }

    /// A process of a group, not yet started, its logs open.
    pub fn fresh(&self, group: &str, program: &Rc<config::Program>) -> Running {
        Running {
            stdout: self.open_log(group, program, "stdout", &program.stdout),
            stderr: self.open_log(group, program, "stderr", &program.stderr),
            proc: Proc::new(program.clone()),
            start: 0,
            stop: 0,
            stdin: None,
            record: Record::default(),
            listener: Listener::default(),
            streams: [NO_STREAM; 2],
        }
    }

    /// Takes a group out; its AUTO logs stay until the next daemon. False while something of it runs.
    pub fn remove_group(&mut self, at: usize) -> bool {
        if !self.groups[at].rests() {
            return false;
        }
        let group = self.groups.remove(at);
        if self.mood == Mood::Running {
            let payload = format!("groupname:{}\n", group.config.name);
            self.notify("PROCESS_GROUP_REMOVED", payload.as_bytes());
        }
        self.bump();
        true
    }

    /// `group:process`, a name of both, or `group:*` (`None` for the process).
    pub fn find(&self, name: &str) -> Option<(usize, Option<usize>)> {
        let (group, process) = match name.split_once(':') {
            Some((group, "*" | "")) => (group, None),
            Some((group, process)) => (group, Some(process)),
            None => (name, Some(name)),
        };
        let at = self.groups.iter().position(|g| g.config.name == group)?;
        let Some(process) = process else {
            return Some((at, None));
        };
        let procs = &self.groups[at].procs;
        let n = procs.iter().position(|p| p.proc.program.name == process)?;
        Some((at, Some(n)))
    }

    /// Tells whoever waits that something changed.
    pub fn bump(&self) {
        self.changes.send_modify(|n| *n += 1);
    }

    /// Asks a group's processes to stop, the highest priority number first.
    pub fn stop_group(&mut self, group: usize) {
        for n in (0..self.groups[group].procs.len()).rev() {
            self.send(group, n, Event::Stop);
        }
    }

    /// While shutting down: stops one group after the other from the last; true when all are gone.
    pub fn wind_down(&mut self) -> bool {
        self.tell_stopping();
        while let Some(last) = self.groups.len().checked_sub(1) {
            self.stop_group(last);
            if !self.remove_group(last) {
                return false;
            }
        }
        true
    }

    /// Names of processes that are still there, for `waiting for ... to die`.
    pub fn unstopped(&self) -> Vec<String> {
        let procs = self.groups.iter().flat_map(|g| &g.procs);
        let left = procs.filter(|p| !p.proc.state.rests());
        left.map(|p| p.proc.program.name.clone()).collect()
    }
}

/// What the interface shows beside the state.
pub fn description(running: &Running, now: i64) -> String {
    match running.proc.state {
        State::Running => {
            let up = (now - running.start).max(0);
            let days = match up / 86400 {
                0 => String::new(),
                1 => "1 day, ".to_owned(),
                n => format!("{n} days, "),
            };
            let clock = up % 86400;
            format!(
                "pid {}, uptime {days}{}:{:02}:{:02}",
                running.proc.pid.unwrap_or_default(),
                clock / 3600,
                clock / 60 % 60,
                clock % 60
            )
        }
        State::Fatal | State::Backoff => match &running.proc.spawnerr {
            Some(why) => why.clone(),
            None => format!("unknown error (try \"tail {}\")", running.proc.program.name),
        },
        State::Stopped | State::Exited if running.start == 0 => "Not started".into(),
        State::Stopped | State::Exited => super::mainlog::local(running.stop, "%b %d %I:%M %p"),
        _ => String::new(),
    }
}
