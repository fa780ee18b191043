//! The running groups: performs what the state machines ask for, on the real kernel.

use super::adopt::inode;
use super::config::{self, Config, Group};
use super::fcgi;
use super::keep::{Keeper, Kept};
use super::listeners::Counters;
use super::logs::{self, LogFile};
use super::mainlog::{Level, MainLog};
use super::outlet::{Notes, Outlet};
use super::pool::{Listener, Pool};
use super::proc::{Action, Ended, Event, Millis, Proc, State};
use super::record::{End, Record};
use super::spawn;
use super::tap::Tap;
use super::tree;
use super::watch::{Reports, notify_socket};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use tokio::net::unix::pipe;
use tokio::sync::{oneshot, watch};

/// Bytes read from a child at once.
const CHUNK: usize = 128 * 1024;

/// A log that its reader and the interface share.
pub type SharedLog = Option<Rc<RefCell<LogFile>>>;

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
    pub stdin: Option<Rc<pipe::Sender>>,
    /// Its standard output's log.
    pub stdout: SharedLog,
    /// Its standard error's log.
    pub stderr: SharedLog,
    /// What is remembered of it.
    pub record: Record,
    /// Where it is in the listeners' protocol, if it is one.
    pub listener: Listener,
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
    /// Where checks tell what they saw.
    pub reports: Reports,
    /// Who waits for the end of a check's command, by its process id.
    pub checks: HashMap<i32, oneshot::Sender<Ended>>,
    /// What the readers of output have to tell.
    pub notes: Rc<Notes>,
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
    pub fn new(file: PathBuf, config: Config, log: MainLog, reports: Reports) -> Supervisor {
        Supervisor {
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
            reports,
            checks: HashMap::new(),
            notes: Rc::default(),
            counters: Counters::default(),
            clock: Instant::now(),
        }
    }

    /// Milliseconds since the daemon began.
    pub fn now(&self) -> Millis {
        i64::try_from(self.clock.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// The next moment at which a process wants attention.
    pub fn deadline(&self) -> Option<Millis> {
        let procs = self.groups.iter().flat_map(|g| &g.procs);
        let procs = procs.filter_map(|p| p.proc.deadline());
        procs.chain(self.next_tick()).min()
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
        let procs = config.programs.iter();
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
        let payload = format!("groupname:{}\n", config.name);
        self.notify("PROCESS_GROUP_ADDED", payload.as_bytes());
        Some(at)
    }

    /// A process of a group, not yet started, its logs open.
    pub fn fresh(&self, group: &str, program: &config::Program) -> Running {
        Running {
            stdout: self.open_log(group, program, "stdout", &program.stdout),
            stderr: self.open_log(group, program, "stderr", &program.stderr),
            proc: Proc::new(program.clone()),
            start: 0,
            stop: 0,
            stdin: None,
            record: Record::default(),
            listener: Listener::default(),
        }
    }

    fn open_log(
        &self,
        group: &str,
        program: &config::Program,
        which: &str,
        channel: &config::Channel,
    ) -> SharedLog {
        let path = match &channel.file {
            config::LogFile::None | config::LogFile::Syslog => return None,
            config::LogFile::Path(path) => PathBuf::from(path),
            config::LogFile::Auto if self.left_log(group, program, which).is_some() => {
                self.left_log(group, program, which).unwrap_or_default()
            }
            config::LogFile::Auto => {
                let daemon = &self.config.daemon;
                let made = tempfile::Builder::new()
                    .prefix(&format!(
                        "{}-{which}---{}-",
                        program.name, daemon.identifier
                    ))
                    .suffix(".log")
                    .rand_bytes(8)
                    .tempfile_in(&daemon.childlogdir);
                made.ok()?.keep().ok()?.1
            }
        };
        match LogFile::open(&path, channel.max_bytes, channel.backups) {
            Ok(log) => Some(Rc::new(RefCell::new(log))),
            Err(e) => {
                let line = format!(
                    "{group}:{}: cannot open {}: {e}",
                    program.name,
                    path.display()
                );
                self.log.write(Level::Error, &line);
                None
            }
        }
    }

    /// The log that an earlier daemon made up.
    fn left_log(&self, group: &str, program: &config::Program, which: &str) -> Option<PathBuf> {
        let kept = self.left.get(&format!("{group}:{}", program.name))?;
        kept.logs[usize::from(which == "stderr")].clone()
    }

    /// Takes a group out; its AUTO logs go with it. False while something of it runs.
    pub fn remove_group(&mut self, at: usize) -> bool {
        if !self.groups[at].rests() {
            return false;
        }
        let group = self.groups.remove(at);
        group.procs.iter().for_each(remove_auto_logs);
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

    /// One event for one process, and all that follows from it.
    pub fn send(&mut self, group: usize, n: usize, event: Event) {
        if let Event::Ended(ended) = event {
            self.ended(group, n, ended);
        }
        let mut todo = vec![event];
        while let Some(event) = todo.pop() {
            let now = self.now();
            let spawned = matches!(event, Event::Spawned(_) | Event::Adopted(..));
            for action in self.groups[group].procs[n].proc.step(event, now) {
                match action {
                    Action::Log(warning, line) => {
                        let level = if warning { Level::Warn } else { Level::Info };
                        self.log.write(level, &line);
                    }
                    Action::Announce { from, to, more } => {
                        self.fatal(group, n, to);
                        self.announce(group, n, from, to, &more);
                    }
                    Action::Spawn => todo.push(self.spawn(group, n)),
                    Action::Kill {
                        pid,
                        signal,
                        group: whole,
                    } => {
                        self.keeper.stopping(pid);
                        if let Some(mark) = &self.groups[group].procs[n].record.tree {
                            tree::signal(mark, signal);
                        } else if !signal_process(pid, signal, whole) {
                            todo.push(Event::KillFailed);
                        }
                    }
                }
            }
            if spawned {
                let kept = self.kept(group, n);
                self.keeper.started(kept);
            }
            let running = &mut self.groups[group].procs[n];
            let revive = running.proc.state == State::Stopped && running.record.revive;
            if todo.is_empty() && revive && self.mood == Mood::Running {
                todo.push(Event::Start);
            }
        }
        self.release_socket(group);
        self.bump();
    }

    /// Ends the daemon where a process that became FATAL is one it cannot do without.
    fn fatal(&mut self, group: usize, n: usize, state: State) {
        let program = &self.groups[group].procs[n].proc.program;
        if state == State::Fatal && program.extra.exit_on_fatal && self.mood == Mood::Running {
            let line = format!(
                "{} is FATAL and has exit_on_fatal: shutting down",
                program.name
            );
            self.log.write(Level::Critical, &line);
            self.mood = Mood::Shutdown;
            self.exit_code = 1;
        }
    }

    fn announce(&mut self, group: usize, n: usize, from: State, to: State, more: &str) {
        let payload = format!(
            "processname:{} groupname:{} from_state:{}{more}",
            self.groups[group].procs[n].proc.program.name,
            self.groups[group].config.name,
            from.name(),
        );
        self.notify(&format!("PROCESS_STATE_{}", to.name()), payload.as_bytes());
        self.dispatch(group);
        self.bump();
    }

    /// The socket for the standard input of a group that shares one.
    fn share_socket(&mut self, at: usize) -> Result<Option<OwnedFd>, String> {
        let group = &mut self.groups[at];
        let config::GroupKind::Fcgi { socket } = &group.config.kind else {
            return Ok(None);
        };
        let shared = match group.socket.take() {
            Some(shared) => shared,
            None => {
                let line = format!("Creating socket {}", socket.url);
                self.log.write(Level::Info, &line);
                let uid = group.config.programs.first().and_then(|p| p.uid);
                fcgi::open(socket, uid)?
            }
        };
        let copy = shared.try_clone().map_err(|e| e.to_string())?;
        group.socket = Some(shared);
        Ok(Some(copy))
    }

    fn release_socket(&mut self, at: usize) {
        let group = &mut self.groups[at];
        let used = group.procs.iter().any(|p| p.proc.pid.is_some());
        let config::GroupKind::Fcgi { socket } = &group.config.kind else {
            return;
        };
        if !used && group.socket.take().is_some() {
            fcgi::remove(&socket.url);
            let line = format!("Closing socket {}", socket.url);
            self.log.write(Level::Info, &line);
        }
    }

    fn ended(&mut self, group: usize, n: usize, how: Ended) {
        let now = self.now();
        let running = &mut self.groups[group].procs[n];
        running.stop = wall();
        running.stdin = None;
        if let Some(pid) = running.proc.pid {
            self.keeper.ended(pid);
        }
        running.record.ended(End {
            how: Some(how),
            at: running.stop,
            lived: now - running.proc.started.unwrap_or(now),
            asked: running.proc.state == State::Stopping,
            out_of_memory: false,
        });
        if let Some(mark) = running.record.tree.take() {
            tree::end(&mark);
        }
        self.listener_gone(group, n);
    }

    fn spawn(&mut self, group: usize, n: usize) -> Event {
        let name = self.groups[group].config.name.clone();
        let program = self.groups[group].procs[n].proc.program.clone();
        let mut environment = self.environment(&name, &program);
        let socket = notify_socket(&program, &mut environment);
        let mark = program.extra.stop_tree.then(tree::mark);
        if let Some(mark) = &mark {
            environment.push((tree::MARK.into(), mark.clone()));
            // What left its parent comes to the daemon instead of init, and is reaped at once.
            let _ = nix::sys::prctl::set_child_subreaper(true);
        }
        let shared = match self.share_socket(group) {
            Ok(shared) => shared,
            Err(why) => return Event::SpawnFailed(why),
        };
        let child = match spawn::spawn(&program, &environment, shared) {
            Ok(child) => child,
            Err(why) => return Event::SpawnFailed(why),
        };
        let strip = self.config.daemon.strip_ansi;
        let tap = |channel| Tap::new(&program, &name, channel, child.pid, &self.reports);
        let (out_tap, err_tap) = (tap("stdout"), tap("stderr"));
        let listens = matches!(
            self.groups[group].config.kind,
            config::GroupKind::Listeners { .. }
        );
        let outlet = |channel, listens| {
            Outlet::new(&name, &program, child.pid, channel, listens, &self.notes)
        };
        let (stdout, out_stderr) = (outlet("stdout", listens), outlet("stderr", false));
        let running = &mut self.groups[group].procs[n];
        running.start = wall();
        running.record.started();
        running.record.tree = mark;
        let stderr = child.stderr.as_ref();
        running.record.pipes = [
            child.stdin.as_ref().map_or(0, |fd| inode(fd.as_fd())),
            inode(child.stdout.as_fd()),
            stderr.map_or(0, |fd| inode(fd.as_fd())),
        ];
        running.record.fds = [
            child.stdin.as_ref().map_or(-1, AsRawFd::as_raw_fd),
            child.stdout.as_raw_fd(),
            stderr.map_or(-1, AsRawFd::as_raw_fd),
        ];
        follow(
            child.stdout,
            running.stdout.clone(),
            strip,
            self.log.clone(),
            out_tap,
            stdout,
        );
        if let Some(fd) = child.stderr {
            let log = running.stderr.clone();
            follow(fd, log, strip, self.log.clone(), err_tap, out_stderr);
        }
        running.stdin = child.stdin.and_then(|fd| {
            nonblocking(&fd).ok()?;
            Some(Rc::new(pipe::Sender::from_owned_fd(fd).ok()?))
        });
        self.watch(group, n, child.pid, socket, &environment);
        Event::Spawned(child.pid)
    }

    /// The environment of a process.
    pub(super) fn environment(
        &self,
        group: &str,
        program: &config::Program,
    ) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = std::env::vars_os()
            .map(|(k, v)| (k.to_string_lossy().into(), v.to_string_lossy().into()))
            .collect();
        let mut set = |key: &str, value: &str| {
            all.retain(|(k, _)| k != key);
            all.push((key.to_owned(), value.to_owned()));
        };
        for (key, value) in &self.config.daemon.environment {
            set(key, value);
        }
        set("SUPERVISOR_ENABLED", "1");
        if let Some(url) = program.serverurl.as_ref().or(self.server_url.as_ref()) {
            set("SUPERVISOR_SERVER_URL", url);
        }
        set("SUPERVISOR_PROCESS_NAME", &program.name);
        set("SUPERVISOR_GROUP_NAME", group);
        for (key, value) in &program.environment {
            set(key, value);
        }
        all
    }

    /// Hands every process whose deadline has come its timer.
    pub fn tick(&mut self) {
        let now = self.now();
        for group in 0..self.groups.len() {
            for n in 0..self.groups[group].procs.len() {
                let proc = &self.groups[group].procs[n].proc;
                if proc.deadline().is_some_and(|at| at <= now) {
                    self.send(group, n, Event::Timer);
                }
            }
        }
    }

    /// Collects every child that ended.
    pub fn reap(&mut self) {
        use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
        loop {
            let (pid, ended) = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid.as_raw(), Ended::Code(code)),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid.as_raw(), Ended::Signal(signal)),
                Ok(WaitStatus::StillAlive) | Err(_) => return,
                Ok(_) => continue,
            };
            let place = self.groups.iter().enumerate().find_map(|(g, group)| {
                let n = group.procs.iter().position(|p| p.proc.pid == Some(pid))?;
                Some((g, n))
            });
            match place {
                Some((g, n)) => self.send(g, n, Event::Ended(ended)),
                None if self.check_ended(pid, ended) => {}
                None => {
                    let line = match ended {
                        Ended::Code(code) => {
                            format!("reaped unknown pid {pid} (exit status {code})")
                        }
                        Ended::Signal(s) => {
                            format!("reaped unknown pid {pid} (terminated by {})", s.as_str())
                        }
                    };
                    self.log.write(Level::Info, &line);
                }
            }
        }
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

    /// Opens all logs anew.
    pub fn reopen_logs(&mut self) {
        self.log.reopen();
        for running in self.groups.iter().flat_map(|g| &g.procs) {
            for log in [&running.stdout, &running.stderr].into_iter().flatten() {
                if let Err(e) = log.borrow_mut().reopen() {
                    let path = log.borrow().path().display().to_string();
                    self.log
                        .write(Level::Warn, &format!("cannot reopen {path}: {e}"));
                }
            }
        }
    }
}

/// Removes the logs that the daemon made up for a process.
pub fn remove_auto_logs(running: &Running) {
    let program = &running.proc.program;
    let logs = [
        (&program.stdout, &running.stdout),
        (&program.stderr, &running.stderr),
    ];
    for (channel, log) in logs {
        if let (config::LogFile::Auto, Some(log)) = (&channel.file, log) {
            let _ = std::fs::remove_file(log.borrow().path());
        }
    }
}

/// Sends a signal; a process that is gone counts as success, its end is about to be reaped.
pub fn signal_process(pid: i32, signal: nix::sys::signal::Signal, group: bool) -> bool {
    let target = nix::unistd::Pid::from_raw(if group { -pid } else { pid });
    matches!(
        nix::sys::signal::kill(target, signal),
        Ok(()) | Err(nix::errno::Errno::ESRCH)
    )
}

/// Makes reads and writes return at once.
pub fn nonblocking(fd: &OwnedFd) -> std::io::Result<()> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Copies what a child writes to its log, until it closes its end.
pub fn follow(
    fd: OwnedFd,
    log: SharedLog,
    strip: bool,
    main: MainLog,
    mut tap: Option<Tap>,
    mut outlet: Option<Outlet>,
) {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
    }
    let Ok(pipe) = nonblocking(&fd).and_then(|()| pipe::Receiver::from_owned_fd(fd)) else {
        return;
    };
    tokio::task::spawn_local(async move {
        let mut failing = false;
        while pipe.readable().await.is_ok() {
            let end = BUFFER.with_borrow_mut(|buffer| match pipe.try_read(buffer) {
                Ok(0) => {
                    let mut rest = outlet.as_mut().map(Outlet::finish).unwrap_or_default();
                    if let Some(tap) = &mut tap {
                        rest = tap.feed(&rest).into_owned();
                        rest.extend(tap.finish());
                    }
                    if let Some(log) = log.as_ref().filter(|_| !rest.is_empty()) {
                        // A full disk was told of when it was met first.
                        let _ = log.borrow_mut().write(&rest);
                    }
                    true
                }
                Ok(n) => {
                    let bytes = match strip {
                        true => Cow::Owned(logs::strip_ansi(&buffer[..n])),
                        false => Cow::Borrowed(&buffer[..n]),
                    };
                    let bytes = match &mut outlet {
                        Some(outlet) => outlet.feed(&bytes),
                        None => Cow::Borrowed(&*bytes),
                    };
                    let bytes = match &mut tap {
                        Some(tap) => tap.feed(&bytes),
                        None => Cow::Borrowed(&*bytes),
                    };
                    if let Some(log) = &log {
                        let result = log.borrow_mut().write(&bytes);
                        if let (Err(e), false) = (&result, failing) {
                            let path = log.borrow().path().display().to_string();
                            main.write(Level::Error, &format!("cannot write {path}: {e}"));
                        }
                        failing = result.is_err();
                    }
                    false
                }
                Err(e) => e.kind() != std::io::ErrorKind::WouldBlock,
            });
            if end {
                return;
            }
        }
    });
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
