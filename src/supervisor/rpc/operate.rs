//! Methods that start, stop and signal processes, and write to them.

use super::Fault;
use super::fault::code;
use super::info::{find, outcome, place};
use super::xml::Answer;
use crate::supervisor::config;
use crate::supervisor::group::{RunGroup, Shared};
use crate::supervisor::life::signal_process;
use crate::supervisor::mainlog::Level;
use crate::supervisor::proc::{Event, Millis, State};
use crate::supervisor::spawn;
use crate::value::{Value, order};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// `group:name` of the processes of one group or all, in order of start, and their states.
fn members(shared: &Shared, group: Option<&str>) -> Result<Vec<(String, String, State)>, Fault> {
    let sup = shared.borrow();
    if let Some(name) = group
        && !sup.groups.iter().any(|g| g.config.name == name)
    {
        return Err(Fault::about(code::BAD_NAME, name));
    }
    let chosen = sup
        .groups
        .iter()
        .filter(|g| group.is_none_or(|name| name == g.config.name));
    let of = |g: &RunGroup| {
        let name = g.config.name.clone();
        let each = g
            .procs
            .iter()
            .map(move |p| (name.clone(), p.proc.program.name.clone(), p.proc.state));
        each.collect::<Vec<_>>()
    };
    Ok(chosen.flat_map(of).collect())
}

fn ask(shared: &Shared, name: &str, event: Event) -> Result<(), Fault> {
    let mut sup = shared.borrow_mut();
    let (g, n) = place(&sup, name)?;
    let running = &mut sup.groups[g].procs[n];
    running.record.revive = false;
    running.record.waits.clear();
    let state = running.proc.state;
    match (&event, state) {
        (Event::Start, s) if s.runs() => {
            return Err(Fault::about(code::ALREADY_STARTED, name));
        }
        (Event::Stop, s) if !s.runs() => return Err(Fault::about(code::NOT_RUNNING, name)),
        _ => {}
    }
    sup.send(g, n, event);
    Ok(())
}

/// What is waited for.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    /// How a process came out; `None` while that is open.
    pub settled: fn(State, &str) -> Option<Result<(), Fault>>,
    /// Whether the log says again and again that it is waited for.
    pub told: bool,
}

/// `waiting for x to stop` is said this often.
const TOLD_EVERY: Duration = Duration::from_secs(2);

const STARTED: Wait = Wait {
    settled: started,
    told: false,
};
const STOPPED: Wait = Wait {
    settled: stopped,
    told: true,
};

impl Wait {
    fn now(self, shared: &Shared, name: &str) -> Option<Result<(), Fault>> {
        let sup = shared.borrow();
        match place(&sup, name) {
            Ok((g, n)) => (self.settled)(sup.groups[g].procs[n].proc.state, name),
            // One that is removed meanwhile has failed.
            Err(gone) => Some(Err(gone)),
        }
    }

    fn tell<'a>(
        self,
        shared: &Shared,
        told: &mut Option<Instant>,
        names: impl Iterator<Item = &'a str>,
    ) {
        if self.told && told.is_none_or(|at| at.elapsed() >= TOLD_EVERY) {
            *told = Some(Instant::now());
            for name in names {
                let line = format!("waiting for {name} to stop");
                shared.borrow().log.write(Level::Info, &line);
            }
        }
    }

    /// Until something changed, or it is time to tell again; false at the daemon's end.
    async fn turn(self, changes: &mut watch::Receiver<u64>) -> bool {
        if !self.told {
            return changes.changed().await.is_ok();
        }
        let changed = tokio::time::timeout(TOLD_EVERY, changes.changed()).await;
        changed.is_err() || changed.is_ok_and(|c| c.is_ok())
    }
}

/// Waits for a process to come out.
pub(super) async fn settle(shared: &Shared, name: &str, wait: Wait) -> Result<(), Fault> {
    let mut changes = shared.borrow().changes.subscribe();
    let mut told = None;
    let short = name.split_once(':').map_or(name, |(_, process)| process);
    loop {
        if let Some(result) = wait.now(shared, name) {
            return result;
        }
        wait.tell(shared, &mut told, std::iter::once(short));
        if !wait.turn(&mut changes).await {
            return Err(Fault::about(code::FAILED, name));
        }
    }
}

fn started(state: State, name: &str) -> Option<Result<(), Fault>> {
    match state {
        State::Running => Some(Ok(())),
        State::Starting => None,
        State::Backoff | State::Fatal => Some(Err(Fault::about(code::SPAWN_ERROR, name))),
        _ => Some(Err(Fault::about(code::ABNORMAL_TERMINATION, name))),
    }
}

fn stopped(state: State, _: &str) -> Option<Result<(), Fault>> {
    (state != State::Stopping).then_some(Ok(()))
}

/// What came within this many milliseconds came at the same time.
const TOGETHER: Millis = 100;

/// The results of several: those known at once, then the others in the order in which they come.
async fn gather(
    shared: &Shared,
    asked: Vec<(String, String, Result<(), Fault>)>,
    waits: bool,
    wait: Wait,
) -> Answer {
    let mut changes = shared.borrow().changes.subscribe();
    let (mut open, mut known): (Vec<_>, Vec<_>) =
        asked.into_iter().partition(|(.., r)| waits && r.is_ok());
    let (mut late, mut told) = (Vec::new(), None);
    loop {
        let now = shared.borrow().now();
        open.retain_mut(|(group, name, result)| {
            let came = wait.now(shared, &format!("{group}:{name}"));
            let waits = came.is_none();
            if let Some(came) = came {
                *result = came;
                late.push((now, group.clone(), name.clone(), result.clone()));
            }
            waits
        });
        wait.tell(
            shared,
            &mut told,
            open.iter().map(|(_, name, _)| name.as_str()),
        );
        if open.is_empty() || !wait.turn(&mut changes).await {
            break;
        }
    }
    known.extend(in_order(shared, late));
    let all = known.iter().map(|(g, n, r)| outcome(g, n, r));
    Ok(Value::list(all.collect()))
}

type Named = (String, String, Result<(), Fault>);

/// What came at the same time is in the order of starting.
fn in_order(shared: &Shared, late: Vec<(Millis, String, String, Result<(), Fault>)>) -> Vec<Named> {
    let sup = shared.borrow();
    let mut first = Millis::MIN;
    let mut turn = 0;
    let mut all = Vec::new();
    for (at, group, name, result) in late {
        if at > first.saturating_add(TOGETHER) {
            first = at;
            turn += 1;
        }
        let place = sup.find(&format!("{group}:{name}"));
        all.push(((turn, place), (group, name, result)));
    }
    order::sort_by_key(&mut all, |(turn, _)| *turn);
    all.into_iter().map(|(_, named)| named).collect()
}

/// Faults a program that cannot be started before anything is changed (observed: 4.3.0).
fn startable(shared: &Shared, name: &str) -> Result<(), Fault> {
    let sup = shared.borrow();
    let (g, n) = place(&sup, name)?;
    let program = &sup.groups[g].procs[n].proc.program;
    let environment = sup.environment(&sup.groups[g].config.name, program);
    match spawn::preflight(program, &environment) {
        Err(why) if why.starts_with("can't find") => Err(Fault::about(code::NO_FILE, why)),
        Err(why) => Err(Fault::about(code::NOT_EXECUTABLE, why)),
        Ok(()) => Ok(()),
    }
}

pub(super) async fn start(shared: &Shared, name: &str, wait: bool) -> Answer {
    if find(&shared.borrow(), name)?.1.is_none() {
        let group = name.split(':').next().unwrap_or(name);
        return start_many(shared, Some(group), wait).await;
    }
    startable(shared, name)?;
    ask(shared, name, Event::Start)?;
    let failed = {
        let sup = shared.borrow();
        let (g, n) = place(&sup, name)?;
        sup.groups[g].procs[n].proc.spawnerr.is_some()
    };
    if failed {
        return Err(Fault::about(code::SPAWN_ERROR, name));
    }
    if wait {
        settle(shared, name, STARTED).await?;
    }
    Ok(true.into())
}

pub(super) async fn stop(shared: &Shared, name: &str, wait: bool) -> Answer {
    if find(&shared.borrow(), name)?.1.is_none() {
        let group = name.split(':').next().unwrap_or(name);
        return stop_many(shared, Some(group), wait).await;
    }
    ask(shared, name, Event::Stop)?;
    if wait {
        settle(shared, name, STOPPED).await?;
    }
    Ok(true.into())
}

pub(super) async fn start_many(shared: &Shared, group: Option<&str>, wait: bool) -> Answer {
    let mut todo = members(shared, group)?;
    todo.retain(|(.., state)| !state.runs() && *state != State::Stopping);
    let start = |(group, name, _): (String, String, State)| {
        let full = format!("{group}:{name}");
        let result = startable(shared, &full).and_then(|()| ask(shared, &full, Event::Start));
        (group, name, result)
    };
    gather(shared, todo.into_iter().map(start).collect(), wait, STARTED).await
}

pub(super) async fn stop_many(shared: &Shared, group: Option<&str>, wait: bool) -> Answer {
    let mut todo = members(shared, group)?;
    todo.retain(|(.., state)| state.runs());
    let stop = |(group, name, _): (String, String, State)| {
        let result = ask(shared, &format!("{group}:{name}"), Event::Stop);
        (group, name, result)
    };
    gather(shared, todo.into_iter().map(stop).collect(), wait, STOPPED).await
}

fn deliver(shared: &Shared, name: &str, signal: &str) -> Result<(), Fault> {
    let sup = shared.borrow();
    let (g, n) = place(&sup, name)?;
    let number =
        config::kinds::signal(signal).map_err(|_| Fault::about(code::BAD_SIGNAL, signal))?;
    let proc = &sup.groups[g].procs[n].proc;
    let runs = matches!(
        proc.state,
        State::Running | State::Starting | State::Stopping
    );
    let Some(pid) = proc.pid.filter(|_| runs) else {
        return Err(Fault::about(code::NOT_RUNNING, name));
    };
    let line = format!(
        "sending {} (sig {}) to '{name}'",
        number.as_str(),
        number as i32
    );
    sup.log.write(Level::Debug, &line);
    match signal_process(pid, number, false) {
        true => Ok(()),
        false => Err(Fault::about(code::FAILED, name)),
    }
}

pub(super) fn signal(shared: &Shared, name: &str, signal: &str) -> Answer {
    if find(&shared.borrow(), name)?.1.is_none() {
        let group = name.split(':').next().unwrap_or(name);
        return signal_many(shared, Some(group), signal);
    }
    deliver(shared, name, signal).map(|()| true.into())
}

pub(super) fn signal_many(shared: &Shared, group: Option<&str>, signal: &str) -> Answer {
    let mut todo = members(shared, group)?;
    todo.retain(|(.., state)| matches!(state, State::Running | State::Starting | State::Stopping));
    let each = todo.iter().map(|(group, name, _)| {
        outcome(
            group,
            name,
            &deliver(shared, &format!("{group}:{name}"), signal),
        )
    });
    Ok(Value::list(each.collect()))
}

pub(super) async fn send_stdin(shared: &Shared, name: &str, chars: &str) -> Answer {
    let stdin = {
        let sup = shared.borrow();
        let (g, n) = place(&sup, name)?;
        let running = &sup.groups[g].procs[n];
        if running.proc.pid.is_none() {
            return Err(Fault::about(code::NOT_RUNNING, name));
        }
        running
            .stdin
            .clone()
            .ok_or(Fault::about(code::NO_FILE, name))?
    };
    match stdin.write_all(chars.as_bytes()).await {
        Ok(()) => Ok(true.into()),
        Err(_) => Err(Fault::about(code::NO_FILE, name)),
    }
}
