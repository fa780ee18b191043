//! The methods supervisord does not have, in a name space of their own: `gxdeploy.*`.

use super::Fault;
use super::fault::code;
use super::methods::Params;
use super::xml::Answer;
use super::{info, operate};
use crate::supervisor::config;
use crate::supervisor::group::{Running, Shared, Supervisor, wall};
use crate::supervisor::logs;
use crate::supervisor::proc::{Event, State};
use crate::supervisor::update::{self, Extent, Planned, Step};
use crate::value::{Map, Value, order};

/// Lines of log that `explain` shows, and how far back it looks for them.
const LAST_LINES: usize = 20;
const LAST_BYTES: i64 = 8192;

const AT_REST: operate::Wait = operate::Wait {
    settled: |state, _| state.rests().then_some(Ok(())),
    told: true,
};

/// Answers a call of `gxdeploy.method`.
pub async fn answer(shared: &Shared, method: &str, p: &Params<'_>) -> Answer {
    match method {
        "planUpdate" => Ok(steps(&plan(shared, extent(p), false)?)),
        "updateChanged" => update(shared, &names(p, 0)).await,
        "restartProcesses" => restart(shared, &names(p, 0)).await,
        "waitReady" => ready(shared, p.text(0)?).await.map(|()| true.into()),
        "explain" => explain(&shared.borrow(), p.text(0)?),
        "upgrade" => upgrade(shared),
        "upgrades" => Ok(i64::try_from(shared.borrow().keeper.upgrades())
            .unwrap_or(0)
            .into()),
        "getAllProcessInfo" => Ok(all(&shared.borrow())),
        _ => Err(Fault::new(code::UNKNOWN_METHOD)),
    }
}

fn names(p: &Params<'_>, at: usize) -> Vec<String> {
    let list = p.0.get(at).and_then(Value::as_list).unwrap_or_default();
    let names = list.iter().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

fn extent(p: &Params<'_>) -> Extent {
    match p.0.first().is_some_and(Value::truthy) {
        true => Extent::Changed,
        false => Extent::Group,
    }
}

/// Reads the files again; `keep` makes them the configuration that `addProcessGroup` takes from.
fn plan(shared: &Shared, extent: Extent, keep: bool) -> Result<Vec<Planned>, Fault> {
    let mut sup = shared.borrow_mut();
    let fresh = config::load(&sup.file).map_err(|e| Fault::about(code::CANT_REREAD, e))?;
    let active: Vec<_> = sup.groups.iter().map(|g| g.config.clone()).collect();
    let runs = |group: &str, name: &str| {
        let place = sup.find(&format!("{group}:{name}"));
        let Some((g, Some(n))) = place else {
            return false;
        };
        let state = sup.groups[g].procs[n].proc.state;
        state.runs() || state == State::Stopping
    };
    let plan = update::plan(&active, &fresh.groups, extent, runs);
    if keep {
        sup.config.groups = fresh.groups;
    }
    Ok(plan)
}

fn steps(plan: &[Planned]) -> Value {
    let one = |step: &Planned| -> Value {
        let mut map = Map::new();
        map.insert("group", step.group.as_str());
        map.insert("name", step.name.as_str());
        map.insert("step", step.step.word());
        map.into()
    };
    Value::list(plan.iter().map(one).collect())
}

/// Stops what has to stop, all at once, and then puts the new definitions in place.
async fn update(shared: &Shared, only: &[String]) -> Answer {
    let mut plan = plan(shared, Extent::Changed, true)?;
    if !only.is_empty() {
        plan.retain(|step| only.contains(&step.group));
    }
    let stops = plan
        .iter()
        .filter(|s| matches!(s.step, Step::Stop | Step::Restart));
    let stops: Vec<String> = stops.map(|s| format!("{}:{}", s.group, s.name)).collect();
    for name in &stops {
        let mut sup = shared.borrow_mut();
        if let Some((g, Some(n))) = sup.find(name) {
            sup.send(g, n, Event::Stop);
        }
    }
    for name in &stops {
        // One that somebody else removed meanwhile is gone as well.
        let _ = operate::settle(shared, name, AT_REST).await;
    }
    let mut groups: Vec<&str> = plan.iter().map(|s| s.group.as_str()).collect();
    groups.dedup();
    // A change of the group alone (its priority) moves no process but is a change.
    let mut sup = shared.borrow_mut();
    let changes = config::diff(
        &sup.groups
            .iter()
            .map(|g| g.config.clone())
            .collect::<Vec<_>>(),
        &sup.config.groups,
    );
    let all = [changes.removed, changes.changed, changes.added].concat();
    let wanted = |name: &&String| only.is_empty() || only.contains(name);
    for name in all.iter().filter(wanted) {
        let restarts: Vec<&str> = plan
            .iter()
            .filter(|s| s.group == *name && s.step == Step::Restart)
            .map(|s| s.name.as_str())
            .collect();
        sup.converge(name, &restarts);
    }
    drop(sup);
    Ok(steps(&plan))
}

/// Every process on its own: stopped, and started as soon as it is down.
async fn restart(shared: &Shared, names: &[String]) -> Answer {
    let mut places = Vec::new();
    for name in names {
        let sup = shared.borrow();
        let (g, n) = sup.find(name).ok_or(Fault::about(code::BAD_NAME, name))?;
        let group = &sup.groups[g];
        let range = n.map_or(0..group.procs.len(), |n| n..n + 1);
        for n in range {
            let name = group.procs[n].proc.program.name.clone();
            places.push((group.config.name.clone(), name));
        }
    }
    let tasks: Vec<_> = places
        .iter()
        .map(|(group, name)| {
            let (shared, name) = (shared.clone(), format!("{group}:{name}"));
            tokio::task::spawn_local(async move {
                match operate::stop(&shared, &name, true).await {
                    Err(fault) if fault.code != code::NOT_RUNNING => return Err(fault),
                    _ => {}
                }
                operate::start(&shared, &name, true).await.map(drop)
            })
        })
        .collect();
    let mut results = Vec::new();
    for ((group, name), task) in places.iter().zip(tasks) {
        let result = task.await.unwrap_or(Err(Fault::new(code::FAILED)));
        results.push(info::outcome(group, name, &result));
    }
    Ok(Value::list(results))
}

/// The answer must be on its way before the program is exchanged, in milliseconds.
const UPGRADE_PAUSE: i64 = 100;

/// Exchanges the daemon's program; the number that `upgrades` gives when that is done.
fn upgrade(shared: &Shared) -> Answer {
    let mut sup = shared.borrow_mut();
    config::load(&sup.file).map_err(|e| Fault::about(code::CANT_REREAD, e))?;
    sup.upgrade_at = Some(sup.now() + UPGRADE_PAUSE);
    sup.bump();
    let next = sup.keeper.upgrades() + 1;
    Ok(i64::try_from(next).unwrap_or(0).into())
}

/// Waits until a process passed its readiness check, or is RUNNING where it has none.
async fn ready(shared: &Shared, name: &str) -> Result<(), Fault> {
    let mut changes = shared.borrow().changes.subscribe();
    loop {
        {
            let sup = shared.borrow();
            let (g, n) = info::place(&sup, name)?;
            let running = &sup.groups[g].procs[n];
            match running.proc.state {
                State::Running if running.is_ready() => return Ok(()),
                _ if running.record.overdue => {
                    let why = running.record.check.clone();
                    let why = why.unwrap_or("not ready in time".into());
                    return Err(Fault::about(code::FAILED, why));
                }
                State::Running | State::Starting => {}
                _ => return Err(Fault::about(code::ABNORMAL_TERMINATION, name)),
            }
        }
        if changes.changed().await.is_err() {
            return Err(Fault::about(code::FAILED, name));
        }
    }
}

/// Everything known about every process: the interface's own keys and those of the record.
fn all(sup: &Supervisor) -> Value {
    let now = wall();
    let each = sup.groups.iter().flat_map(|g| {
        let name = g.config.name.as_str();
        g.procs.iter().map(move |p| (name, p))
    });
    let mut each: Vec<_> = each.collect();
    order::sort_by(&mut each, |(a, p), (b, q)| {
        (a, &p.proc.program.name).cmp(&(b, &q.proc.program.name))
    });
    Value::list(
        each.into_iter()
            .map(|(g, p)| more(g, p, now).into())
            .collect(),
    )
}

fn more(group: &str, running: &Running, now: i64) -> Map {
    let base = info::info(group, running, now);
    let mut map = Map::new();
    for (key, value) in base.as_map().into_iter().flat_map(Map::iter) {
        map.insert(key.clone(), value.clone());
    }
    let record = &running.record;
    map.insert("starts", i64::try_from(record.starts).unwrap_or(i64::MAX));
    map.insert("crashes", i64::try_from(record.crashes).unwrap_or(i64::MAX));
    map.insert("ready", running.is_ready());
    map.insert("adopted", record.adopted);
    let waits = record.waits.iter().map(|w| Value::from(w.as_str()));
    map.insert("waits_for", Value::list(waits.collect()));
    if let Some(check) = &record.check {
        map.insert("failed_check", check.as_str());
    }
    if let Some(end) = &record.end {
        map.insert("last_end", end.words());
        map.insert("last_end_time", end.at);
        map.insert("out_of_memory", end.out_of_memory);
        if let Some(how) = end.how {
            match how {
                crate::supervisor::proc::Ended::Code(c) => map.insert("exit_code", i64::from(c)),
                crate::supervisor::proc::Ended::Signal(s) => map.insert("signal", s.as_str()),
            };
        }
    }
    map
}

fn explain(sup: &Supervisor, name: &str) -> Answer {
    let (g, n) = info::place(sup, name)?;
    let group = &sup.groups[g];
    let running = &group.procs[n];
    let mut map = more(&group.config.name, running, wall());
    let codes = running.proc.program.exitcodes.iter();
    let codes = codes.map(|c| Value::from(i64::from(*c))).collect();
    map.insert("expected_codes", Value::list(codes));
    let logs = [
        ("stdout_lines", &running.stdout),
        ("stderr_lines", &running.stderr),
    ];
    for (key, log) in logs {
        let Some(log) = log else {
            continue;
        };
        let bytes = logs::read(log.borrow().path(), -LAST_BYTES, 0).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
        map.insert(key, Value::list(last.iter().map(|l| (*l).into()).collect()));
    }
    Ok(map.into())
}
