//! Readiness and liveness: what is looked at, and what follows from it.

use super::config::Program;
use super::config::extra::{self, Check};
use super::group::{Running, Supervisor};
use super::life::signal_process;
use super::mainlog::Level;
use super::probe;
use super::proc::{Ended, Event, State};
use super::spawn;
use super::streams::Sink;
use nix::sys::signal::Signal;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use tokio::sync::{mpsc, oneshot};

/// What a look at a process brought.
#[derive(Debug)]
pub enum Report {
    /// It is ready.
    Ready(i32),
    /// It is not ready yet, and why.
    NotReady(i32, String),
    /// It was given the time of `ready_timeout` and is still not ready.
    Overdue(i32),
    /// It is alive.
    Alive(i32),
    /// It failed its liveness check, and how.
    Ailing(i32, String),
    /// A process that is not the daemon's child ended.
    Gone(i32),
    /// A check wants its command run.
    Run(
        Box<Program>,
        Vec<(String, String)>,
        oneshot::Sender<Started>,
    ),
}

/// A check's command: its process id and its end, or why it could not be started.
pub type Started = Result<(i32, oneshot::Receiver<Ended>), String>;

/// Where reports go.
pub type Reports = mpsc::UnboundedSender<Report>;

/// Binds the socket a process reports its readiness on and names it in its environment.
pub fn notify_socket(
    program: &Program,
    environment: &mut Vec<(String, String)>,
) -> Option<UnixDatagram> {
    let probe = program.extra.ready.as_ref()?;
    if probe.check != Check::Notify {
        return None;
    }
    let name = format!(
        "gxdeploy/{}/{:016x}",
        std::process::id(),
        rand::random::<u64>()
    );
    let address = SocketAddr::from_abstract_name(&name).ok()?;
    let socket = UnixDatagram::bind_addr(&address).ok()?;
    socket.set_nonblocking(true).ok()?;
    environment.retain(|(k, _)| k != "NOTIFY_SOCKET");
    environment.push(("NOTIFY_SOCKET".into(), format!("@{name}")));
    Some(socket)
}

impl Running {
    /// Whether it runs and passed its readiness check, if it has one.
    pub fn is_ready(&self) -> bool {
        self.proc.state == State::Running
            && (self.record.ready || self.proc.program.extra.ready.is_none())
    }

    /// Whether one that depends on it may start: it is ready, or it did what it was there for.
    fn satisfies(&self, ready: bool) -> bool {
        let started = self.proc.pid.is_some() && self.proc.state != State::Stopping;
        let done = self.proc.state == State::Exited && self.proc.spawnerr.is_none();
        done || if ready { self.is_ready() } else { started }
    }
}

impl Supervisor {
    /// Begins the checks of a copy that was just started.
    pub(super) fn watch(
        &mut self,
        group: usize,
        n: usize,
        pid: i32,
        socket: Option<UnixDatagram>,
        environment: &[(String, String)],
    ) {
        let reports = self.reports.clone();
        let running = &mut self.groups[group].procs[n];
        let program = running.proc.program.clone();
        let extra = &program.extra;
        let looker = |probe: &extra::Probe| probe::Looker {
            pid,
            probe: probe.clone(),
            program: program.clone(),
            environment: environment.to_vec(),
            reports: reports.clone(),
        };
        if let Some(ready) = &extra.ready {
            let task = tokio::task::spawn_local(looker(ready).until_ready(socket));
            running.record.tasks.push(task.abort_handle());
        }
        if let Some(live) = &extra.live {
            let task = tokio::task::spawn_local(looker(live).while_alive());
            running.record.tasks.push(task.abort_handle());
        }
    }

    fn by_pid(&self, pid: i32) -> Option<(usize, usize)> {
        self.groups.iter().enumerate().find_map(|(g, group)| {
            let n = group.procs.iter().position(|p| p.proc.pid == Some(pid))?;
            Some((g, n))
        })
    }

    /// Acts on a report.
    pub fn report(&mut self, report: Report) {
        let pid = match report {
            Report::Run(program, environment, started) => {
                // Whoever asked may have been ended meanwhile.
                let _ = started.send(self.run_check(&program, &environment));
                return;
            }
            Report::Ready(pid)
            | Report::NotReady(pid, _)
            | Report::Overdue(pid)
            | Report::Alive(pid)
            | Report::Gone(pid)
            | Report::Ailing(pid, _) => pid,
        };
        let Some((g, n)) = self.by_pid(pid) else {
            return;
        };
        let running = &mut self.groups[g].procs[n];
        let name = running.proc.program.name.clone();
        match report {
            Report::Ready(_) if !running.record.ready => {
                running.record.ready = true;
                running.record.overdue = false;
                running.record.check = None;
                self.log.write(Level::Info, &format!("ready: {name}"));
                self.bump();
            }
            Report::NotReady(_, why) => running.record.check = Some(why),
            Report::Overdue(_) if !running.record.ready => {
                running.record.overdue = true;
                let why = running
                    .record
                    .check
                    .clone()
                    .unwrap_or("no sign of it".into());
                self.log
                    .write(Level::Warn, &format!("not ready in time: {name} ({why})"));
                self.bump();
            }
            Report::Gone(_) => {
                self.send(g, n, Event::Ended(Ended::Code(-1)));
                if let Some(end) = &mut self.groups[g].procs[n].record.end {
                    end.how = None;
                }
            }
            Report::Alive(_) => {
                running.record.ailing = 0;
                running.record.check = None;
            }
            Report::Ailing(_, why) if running.is_ready() => self.ailing(g, n, why),
            _ => {}
        }
    }

    /// A failed liveness check; too many in a row restart the process.
    fn ailing(&mut self, g: usize, n: usize, why: String) {
        let running = &mut self.groups[g].procs[n];
        let name = running.proc.program.name.clone();
        let most = running.proc.program.extra.live.as_ref();
        let most = most.map_or(u64::MAX, |p| p.failures);
        running.record.ailing += 1;
        let count = running.record.ailing;
        running.record.check = Some(why.clone());
        let line = format!("liveness check failed: {name} ({why}), {count} of {most}");
        self.log.write(Level::Warn, &line);
        if count >= most {
            running.record.revive = true;
            self.send(g, n, Event::Stop);
        }
    }

    fn run_check(&mut self, program: &Program, environment: &[(String, String)]) -> Started {
        let child = spawn::spawn(program, environment, None, None, &self.berths)?;
        self.streams.follow(child.stdout, Sink::default());
        let (end, ended) = oneshot::channel();
        self.checks.insert(child.pid, end);
        Ok((child.pid, ended))
    }

    /// Tells a check how its command ended; false for a process that is none.
    pub(super) fn check_ended(&mut self, pid: i32, ended: Ended) -> bool {
        let Some(waiting) = self.checks.remove(&pid) else {
            return false;
        };
        // The check may have given up.
        let _ = waiting.send(ended);
        true
    }

    /// Starts a process that starts by itself, or notes what it waits for.
    pub(super) fn autostart(&mut self, group: usize, n: usize) {
        let missing = self.missing(&self.groups[group].procs[n].proc.program);
        if missing.is_empty() {
            self.send(group, n, Event::Start);
        } else {
            self.groups[group].procs[n].record.waits = missing;
        }
    }

    /// What a program depends on that is not there yet.
    fn missing(&self, program: &Program) -> Vec<String> {
        let mut missing = Vec::new();
        for dependency in &program.extra.depends_on {
            for name in extra::meant(&self.config.groups, &dependency.name) {
                let place = self.find(&name);
                let met = place.is_some_and(|(g, n)| {
                    let running = n.and_then(|n| self.groups[g].procs.get(n));
                    running.is_some_and(|r| r.satisfies(dependency.ready))
                });
                if !met {
                    missing.push(name);
                }
            }
        }
        missing
    }

    /// Starts what has waited for what is there now.
    pub fn start_waiting(&mut self) {
        for g in 0..self.groups.len() {
            for n in 0..self.groups[g].procs.len() {
                let running = &self.groups[g].procs[n];
                if running.record.waits.is_empty() || running.proc.state != State::Stopped {
                    continue;
                }
                self.autostart(g, n);
            }
        }
    }
}

/// Kills a check's command that did not end in time.
#[derive(Debug)]
pub struct Overtime(pub Option<i32>);

impl Drop for Overtime {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            signal_process(pid, Signal::SIGKILL, true);
        }
    }
}
