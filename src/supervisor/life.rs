//! One process among others: performs what its state machine asks for, on the real kernel.

use super::adopt::inode;
use super::cgroup::Cgroup;
use super::config::{self, GroupKind};
use super::group::{Mood, RunGroup, Supervisor, wall};
use super::mainlog::Level;
use super::outlet::Outlet;
use super::proc::{Action, Ended, Event, State};
use super::record::End;
use super::streams::{Input, NO_STREAM, Sink};
use super::tap::Tap;
use super::watch::notify_socket;
use super::{proclogs, spawn, tree};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::rc::Rc;

impl Supervisor {
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
                        let name = &self.groups[group].procs[n].proc.program.name;
                        let line =
                            format!("killing {name} (pid {pid}) with signal {}", signal.as_str());
                        self.log.write(Level::Debug, &line);
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

    /// Takes what a copy that ended wrote last, before its end is told.
    fn hear_out(&mut self, group: usize, n: usize) {
        let streams = &mut self.groups[group].procs[n].streams;
        for at in std::mem::replace(streams, [NO_STREAM; 2]) {
            self.streams.pump(at);
        }
        self.take_notes();
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
        if let Err(why) = proclogs::open_all(&self.groups[group].procs[n]) {
            return Event::SpawnFailed(why);
        }
        let shared = match self.share_socket(group) {
            Ok(shared) => shared,
            Err(why) => return Event::SpawnFailed(why),
        };
        let (cgroup, entry) = self.limit_memory(&name, &program).unzip();
        let child = match spawn::spawn(&program, &environment, shared, entry, &self.berths) {
            Ok(child) => child,
            Err(why) => return Event::SpawnFailed(why),
        };
        let oom_kills = self.oom_kills.about(self.now());
        let running = &mut self.groups[group].procs[n];
        running.start = wall();
        running.record.started(oom_kills);
        running.record.tree = mark;
        running.record.cgroup = cgroup;
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
        let out = self.sink(group, n, child.pid, "stdout");
        let out = self.streams.follow(child.stdout, out);
        let err = child.stderr.map(|fd| {
            let err = self.sink(group, n, child.pid, "stderr");
            self.streams.follow(fd, err)
        });
        let running = &mut self.groups[group].procs[n];
        running.streams = [out, err.unwrap_or(NO_STREAM)];
        running.stdin = child
            .stdin
            .and_then(|fd| Some(Rc::new(Input::new(fd).ok()?)));
        self.watch(group, n, child.pid, socket, &environment);
        Event::Spawned(child.pid)
    }

    /// Where the output of a copy goes: log, checks, events.
    pub(super) fn sink(&self, group: usize, n: usize, pid: i32, channel: &'static str) -> Sink {
        let RunGroup { config, procs, .. } = &self.groups[group];
        let program = &procs[n].proc.program;
        let (log, listens) = match channel {
            "stdout" => {
                let listens = matches!(config.kind, GroupKind::Listeners { .. });
                (&procs[n].stdout, listens)
            }
            _ => (&procs[n].stderr, false),
        };
        let tap = Tap::new(program, &config.name, channel, pid, &self.reports);
        let outlet = Outlet::new(&config.name, program, pid, channel, listens, &self.notes);
        Sink::new(log, self.config.daemon.strip_ansi, tap, outlet)
            .told(&self.log, || format!("'{}' {channel}", program.name))
    }

    /// The control group of a process that has a limit; without one it starts all the same.
    fn limit_memory(
        &mut self,
        group: &str,
        program: &config::Program,
    ) -> Option<(Cgroup, OwnedFd)> {
        let limit = program.extra.limit_memory?;
        match self.cgroups.enter(group, program, limit) {
            Ok(entered) => Some(entered),
            Err(why) => {
                let line = format!("limit_memory of {} has no effect: {why}", program.name);
                self.log.write(Level::Warn, &line);
                None
            }
        }
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
                Some((g, n)) => {
                    self.hear_out(g, n);
                    self.send(g, n, Event::Ended(ended));
                }
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
}

/// Sends a signal; a process that is gone counts as success, its end is about to be reaped.
pub fn signal_process(pid: i32, signal: nix::sys::signal::Signal, group: bool) -> bool {
    let target = nix::unistd::Pid::from_raw(if group { -pid } else { pid });
    matches!(
        nix::sys::signal::kill(target, signal),
        Ok(()) | Err(nix::errno::Errno::ESRCH)
    )
}
