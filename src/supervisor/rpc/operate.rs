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
use crate::value::Value;

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
        (Event::Start, s) if s.runs() || s == State::Stopping => {
            return Err(Fault::about(code::ALREADY_STARTED, name));
        }
        (Event::Stop, s) if !s.runs() => return Err(Fault::about(code::NOT_RUNNING, name)),
        _ => {}
    }
    sup.send(g, n, event);
    Ok(())
}

/// How a process came out; `None` while that is open.
type Outcome = fn(State, &str) -> Option<Result<(), Fault>>;

fn outcome_now(shared: &Shared, name: &str, settled: Outcome) -> Option<Result<(), Fault>> {
    let sup = shared.borrow();
    match place(&sup, name) {
        Ok((g, n)) => settled(sup.groups[g].procs[n].proc.state, name),
        // One that is removed meanwhile has failed.
        Err(gone) => Some(Err(gone)),
    }
}

/// Waits until `settled` says how a process came out.
pub(super) async fn settle(shared: &Shared, name: &str, settled: Outcome) -> Result<(), Fault> {
    let mut changes = shared.borrow().changes.subscribe();
    loop {
        if let Some(result) = outcome_now(shared, name, settled) {
            return result;
        }
        if changes.changed().await.is_err() {
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
    wait: bool,
    settled: Outcome,
) -> Answer {
    let mut changes = shared.borrow().changes.subscribe();
    let (mut open, mut known): (Vec<_>, Vec<_>) =
        asked.into_iter().partition(|(.., r)| wait && r.is_ok());
    let mut late = Vec::new();
    loop {
        let now = shared.borrow().now();
        open.retain_mut(|(group, name, result)| {
            let came = outcome_now(shared, &format!("{group}:{name}"), settled);
            let waits = came.is_none();
            if let Some(came) = came {
                *result = came;
                late.push((now, group.clone(), name.clone(), result.clone()));
            }
            waits
        });
        if open.is_empty() || changes.changed().await.is_err() {
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
    all.sort_by_key(|(order, _)| *order);
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
        Err(why) if why.starts_with("command at") || why.starts_with("no permission") => {
            Err(Fault::about(code::NOT_EXECUTABLE, why))
        }
        _ => Ok(()),
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
        settle(shared, name, started).await?;
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
        settle(shared, name, stopped).await?;
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
    gather(shared, todo.into_iter().map(start).collect(), wait, started).await
}

pub(super) async fn stop_many(shared: &Shared, group: Option<&str>, wait: bool) -> Answer {
    let mut todo = members(shared, group)?;
    todo.retain(|(.., state)| state.runs());
    let stop = |(group, name, _): (String, String, State)| {
        let result = ask(shared, &format!("{group}:{name}"), Event::Stop);
        (group, name, result)
    };
    gather(shared, todo.into_iter().map(stop).collect(), wait, stopped).await
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
