//! The methods of the interface.

use super::Fault;
use super::fault::code;
use super::xml::{self, Answer, Call};
use crate::supervisor::config::{self, LogFile};
use crate::supervisor::group::{
    Mood, Running, Shared, SharedLog, description, signal_process, wall,
};
use crate::supervisor::logs;
use crate::supervisor::mainlog::Level;
use crate::supervisor::proc::{Event, State};
use crate::value::{Map, Value};

/// Every method with its signature, the result first.
pub const METHODS: &[(&str, &[&str])] = &[
    ("supervisor.addProcessGroup", &["boolean", "string"]),
    ("supervisor.clearAllProcessLogs", &["array"]),
    ("supervisor.clearLog", &["boolean"]),
    ("supervisor.clearProcessLog", &["boolean", "string"]),
    ("supervisor.clearProcessLogs", &["boolean", "string"]),
    ("supervisor.getAPIVersion", &["string"]),
    ("supervisor.getAllConfigInfo", &["array"]),
    ("supervisor.getAllProcessInfo", &["array"]),
    ("supervisor.getIdentification", &["string"]),
    ("supervisor.getPID", &["int"]),
    ("supervisor.getProcessInfo", &["struct", "string"]),
    ("supervisor.getState", &["struct"]),
    ("supervisor.getSupervisorVersion", &["string"]),
    ("supervisor.getVersion", &["string"]),
    ("supervisor.readLog", &["string", "int", "int"]),
    ("supervisor.readMainLog", &["string", "int", "int"]),
    (
        "supervisor.readProcessLog",
        &["string", "string", "int", "int"],
    ),
    (
        "supervisor.readProcessStderrLog",
        &["string", "string", "int", "int"],
    ),
    (
        "supervisor.readProcessStdoutLog",
        &["string", "string", "int", "int"],
    ),
    ("supervisor.reloadConfig", &["array"]),
    ("supervisor.removeProcessGroup", &["boolean", "string"]),
    ("supervisor.restart", &["boolean"]),
    (
        "supervisor.sendProcessStdin",
        &["boolean", "string", "string"],
    ),
    (
        "supervisor.sendRemoteCommEvent",
        &["boolean", "string", "string"],
    ),
    ("supervisor.shutdown", &["boolean"]),
    ("supervisor.signalAllProcesses", &["array", "string"]),
    ("supervisor.signalProcess", &["boolean", "string", "string"]),
    (
        "supervisor.signalProcessGroup",
        &["array", "string", "string"],
    ),
    ("supervisor.startAllProcesses", &["array", "boolean"]),
    ("supervisor.startProcess", &["boolean", "string", "boolean"]),
    (
        "supervisor.startProcessGroup",
        &["array", "string", "boolean"],
    ),
    ("supervisor.stopAllProcesses", &["array", "boolean"]),
    ("supervisor.stopProcess", &["boolean", "string", "boolean"]),
    (
        "supervisor.stopProcessGroup",
        &["array", "string", "boolean"],
    ),
    (
        "supervisor.tailProcessLog",
        &["array", "string", "int", "int"],
    ),
    (
        "supervisor.tailProcessStderrLog",
        &["array", "string", "int", "int"],
    ),
    (
        "supervisor.tailProcessStdoutLog",
        &["array", "string", "int", "int"],
    ),
    ("system.listMethods", &["array"]),
    ("system.methodHelp", &["string", "string"]),
    ("system.methodSignature", &["array", "string"]),
    ("system.multicall", &["array", "array"]),
];

/// Parameters by position.
pub(super) struct Params<'a>(pub &'a [Value]);

impl Params<'_> {
    pub(super) fn text(&self, at: usize) -> Result<&str, Fault> {
        let found = self.0.get(at).and_then(Value::as_str);
        found.ok_or(Fault::new(code::INCORRECT_PARAMETERS))
    }

    fn int(&self, at: usize) -> Result<i64, Fault> {
        let found = self.0.get(at).and_then(Value::as_int);
        found.ok_or(Fault::new(code::INCORRECT_PARAMETERS))
    }

    fn flag(&self, at: usize) -> bool {
        self.0.get(at).is_none_or(Value::truthy)
    }
}

/// Answers a call. A call that waits lets others run.
pub async fn answer(shared: &Shared, call: &Call) -> Answer {
    if call.method == "system.multicall" {
        return multicall(shared, &call.params).await;
    }
    one(shared, call).await
}

async fn multicall(shared: &Shared, params: &[Value]) -> Answer {
    let Some(calls) = params.first().and_then(Value::as_list) else {
        return Err(Fault::new(code::INCORRECT_PARAMETERS));
    };
    let mut results = Vec::new();
    for call in calls {
        let method = call.get("methodName").and_then(Value::as_str);
        let params = call.get("params").and_then(Value::as_list);
        let result = match method {
            None => Err(Fault::about(code::INCORRECT_PARAMETERS, "No methodName")),
            Some("system.multicall") => Err(Fault::about(
                code::INCORRECT_PARAMETERS,
                "Recursive system.multicall forbidden",
            )),
            Some(method) => {
                let call = Call {
                    method: method.to_owned(),
                    params: params.unwrap_or_default().to_vec(),
                };
                one(shared, &call).await
            }
        };
        results.push(result.unwrap_or_else(|fault| xml::fault_value(&fault)));
    }
    Ok(Value::list(results))
}

async fn one(shared: &Shared, call: &Call) -> Answer {
    if let Some(method) = call.method.strip_prefix("gxdeploy.") {
        return super::more::answer(shared, method, &Params(&call.params)).await;
    }
    let Some((_, signature)) = METHODS.iter().find(|(name, _)| *name == call.method) else {
        return Err(Fault::new(code::UNKNOWN_METHOD));
    };
    if call.params.len() >= signature.len() {
        return Err(Fault::new(code::INCORRECT_PARAMETERS));
    }
    let p = Params(&call.params);
    let (space, method) = call.method.split_once('.').unwrap_or_default();
    if space == "system" {
        return system(method, &p);
    }
    let ending = shared.borrow().mood != Mood::Running;
    if ending && !matches!(method, "getState" | "sendRemoteCommEvent") {
        return Err(Fault::new(code::SHUTDOWN_STATE));
    }
    match method {
        "startProcess" => start(shared, p.text(0)?, p.flag(1)).await,
        "startProcessGroup" => start_many(shared, Some(p.text(0)?), p.flag(1)).await,
        "startAllProcesses" => start_many(shared, None, p.flag(0)).await,
        "stopProcess" => stop(shared, p.text(0)?, p.flag(1)).await,
        "stopProcessGroup" => stop_many(shared, Some(p.text(0)?), p.flag(1)).await,
        "stopAllProcesses" => stop_many(shared, None, p.flag(0)).await,
        "signalProcess" => signal(shared, p.text(0)?, p.text(1)?),
        "signalProcessGroup" => signal_many(shared, Some(p.text(0)?), p.text(1)?),
        "signalAllProcesses" => signal_many(shared, None, p.text(0)?),
        "sendProcessStdin" => send_stdin(shared, p.text(0)?, p.text(1)?).await,
        _ => at_once(shared, method, &p),
    }
}

fn system(method: &str, p: &Params<'_>) -> Answer {
    if method == "listMethods" {
        let names = METHODS.iter().map(|(name, _)| Value::from(*name));
        return Ok(Value::list(names.collect()));
    }
    let name = p.text(0)?;
    let found = METHODS.iter().find(|(known, _)| *known == name);
    let (_, signature) = found.ok_or(Fault::new(code::SIGNATURE_UNSUPPORTED))?;
    if method == "methodHelp" {
        return Ok(super::help::text(name).into());
    }
    Ok(Value::list(
        signature.iter().map(|t| Value::from(*t)).collect(),
    ))
}

fn at_once(shared: &Shared, method: &str, p: &Params<'_>) -> Answer {
    let mut sup = shared.borrow_mut();
    Ok(match method {
        "getAPIVersion" | "getVersion" => "3.0".into(),
        "getSupervisorVersion" => "4.3.0".into(),
        "getIdentification" => sup.config.daemon.identifier.as_str().into(),
        "getPID" => i64::from(std::process::id()).into(),
        "getState" => {
            let (number, name) = match sup.mood {
                Mood::Running => (1, "RUNNING"),
                Mood::Restarting => (0, "RESTARTING"),
                Mood::Shutdown => (-1, "SHUTDOWN"),
            };
            let mut map = Map::new();
            map.insert("statecode", number);
            map.insert("statename", name);
            map.into()
        }
        "shutdown" | "restart" => {
            sup.mood = match method {
                "shutdown" => Mood::Shutdown,
                _ => Mood::Restarting,
            };
            sup.changes.send_modify(|n| *n += 1);
            true.into()
        }
        "sendRemoteCommEvent" => {
            let payload = format!("type:{}\n{}", p.text(0)?, p.text(1)?);
            sup.notify("REMOTE_COMMUNICATION", payload.as_bytes());
            true.into()
        }
        "getAllConfigInfo" => super::config_info::all(&sup),
        "getProcessInfo" => {
            let (g, n) = process(shared_find(&sup, p.text(0)?)?, p.text(0)?)?;
            let group = &sup.groups[g];
            info(&group.config.name, &group.procs[n], wall())
        }
        "getAllProcessInfo" => {
            let now = wall();
            let mut all: Vec<_> = sup
                .groups
                .iter()
                .flat_map(|g| g.procs.iter().map(|p| (g.config.name.as_str(), p)))
                .collect();
            all.sort_by_key(|(group, p)| (group.to_owned(), p.proc.program.name.as_str()));
            Value::list(all.into_iter().map(|(g, p)| info(g, p, now)).collect())
        }
        "reloadConfig" => {
            let fresh = config::load(&sup.file).map_err(|e| Fault::about(code::CANT_REREAD, e))?;
            let active: Vec<_> = sup.groups.iter().map(|g| g.config.clone()).collect();
            let changes = config::diff(&active, &fresh.groups);
            sup.config.groups = fresh.groups;
            let names =
                |names: Vec<String>| Value::list(names.into_iter().map(Value::from).collect());
            let three = [changes.added, changes.changed, changes.removed];
            Value::list(vec![Value::list(three.into_iter().map(names).collect())])
        }
        "addProcessGroup" => {
            let name = p.text(0)?;
            let found = sup.config.groups.iter().find(|g| g.name == name).cloned();
            let group = found.ok_or(Fault::about(code::BAD_NAME, name))?;
            if !sup.add_group(&group) {
                return Err(Fault::about(code::ALREADY_ADDED, name));
            }
            true.into()
        }
        "removeProcessGroup" => {
            let name = p.text(0)?;
            let at = sup.groups.iter().position(|g| g.config.name == name);
            let at = at.ok_or(Fault::about(code::BAD_NAME, name))?;
            if !sup.remove_group(at) {
                return Err(Fault::about(code::STILL_RUNNING, name));
            }
            true.into()
        }
        "readLog" | "readMainLog" => {
            let path = sup.log.with_file(|f| f.path().to_path_buf());
            let path = path.filter(|p| p.exists());
            let path = path.ok_or(Fault::new(code::NO_FILE))?;
            text(read_part(&path, p)?)
        }
        "clearLog" => {
            if !sup.log.exists() {
                return Err(Fault::new(code::NO_FILE));
            }
            match sup.log.with_file(logs::LogFile::clear) {
                Some(Err(e)) => return Err(Fault::about(code::FAILED, e)),
                _ => true.into(),
            }
        }
        "readProcessLog" | "readProcessStdoutLog" | "readProcessStderrLog" => {
            let name = p.text(0)?;
            let (g, n) = process(shared_find(&sup, name)?, name)?;
            let log = channel(&sup.groups[g].procs[n], method).clone();
            let path = log.map(|l| l.borrow().path().to_path_buf());
            let path = path
                .filter(|p| p.exists())
                .ok_or(Fault::new(code::NO_FILE))?;
            text(read_part(&path, &Params(&p.0[1..]))?)
        }
        "tailProcessLog" | "tailProcessStdoutLog" | "tailProcessStderrLog" => {
            let name = p.text(0)?;
            let (g, n) = process(shared_find(&sup, name)?, name)?;
            let (offset, length) = (p.int(1)?, p.int(2)?);
            let (bytes, offset, overflow) = match channel(&sup.groups[g].procs[n], method) {
                Some(log) => logs::tail(log.borrow().path(), offset, length),
                None => (Vec::new(), 0, false),
            };
            Value::list(vec![text(bytes), offset.into(), overflow.into()])
        }
        "clearProcessLog" | "clearProcessLogs" => {
            let name = p.text(0)?;
            let (g, n) = process(shared_find(&sup, name)?, name)?;
            clear(&sup.groups[g].procs[n]).map_err(|_| Fault::about(code::FAILED, name))?;
            true.into()
        }
        "clearAllProcessLogs" => {
            let mut results = Vec::new();
            for group in &sup.groups {
                for running in &group.procs {
                    let result = clear(running).map_err(|_| Fault::new(code::FAILED));
                    let name = &running.proc.program.name;
                    results.push(outcome(&group.config.name, name, &result));
                }
            }
            Value::list(results)
        }
        _ => return Err(Fault::new(code::UNKNOWN_METHOD)),
    })
}

fn channel<'a>(running: &'a Running, method: &str) -> &'a SharedLog {
    match method.contains("Stderr") {
        true => &running.stderr,
        false => &running.stdout,
    }
}

fn clear(running: &Running) -> std::io::Result<()> {
    for log in [&running.stdout, &running.stderr].into_iter().flatten() {
        log.borrow_mut().clear()?;
    }
    Ok(())
}

/// Bytes that are no UTF-8 are replaced (supervisord answers HTTP 500).
fn text(bytes: Vec<u8>) -> Value {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

fn read_part(path: &std::path::Path, p: &Params<'_>) -> Result<Vec<u8>, Fault> {
    logs::read(path, p.int(0)?, p.int(1)?).map_err(|why| match why {
        logs::Unreadable::Arguments => Fault::new(code::BAD_ARGUMENTS),
        logs::Unreadable::Failed => Fault::new(code::FAILED),
    })
}

type Place = (usize, Option<usize>);

fn shared_find(sup: &crate::supervisor::group::Supervisor, name: &str) -> Result<Place, Fault> {
    sup.find(name).ok_or(Fault::about(code::BAD_NAME, name))
}

fn process(place: Place, name: &str) -> Result<(usize, usize), Fault> {
    match place {
        (g, Some(n)) => Ok((g, n)),
        _ => Err(Fault::about(code::BAD_NAME, name)),
    }
}

/// Where a process of that name is.
pub(super) fn place(
    sup: &crate::supervisor::group::Supervisor,
    name: &str,
) -> Result<(usize, usize), Fault> {
    process(shared_find(sup, name)?, name)
}

pub(super) fn info(group: &str, running: &Running, now: i64) -> Value {
    let path = |log: &SharedLog| {
        log.as_ref()
            .map_or(String::new(), |l| l.borrow().path().display().to_string())
    };
    let proc = &running.proc;
    let stdout = match proc.program.stdout.file {
        LogFile::Syslog => "syslog".to_owned(),
        _ => path(&running.stdout),
    };
    let mut map = Map::new();
    map.insert("name", proc.program.name.as_str());
    map.insert("group", group);
    map.insert("start", running.start);
    map.insert("stop", running.stop);
    map.insert("now", now);
    map.insert("state", proc.state as i64);
    map.insert("statename", proc.state.name());
    map.insert("spawnerr", proc.spawnerr.as_deref().unwrap_or(""));
    map.insert("exitstatus", i64::from(proc.exit.unwrap_or(0)));
    map.insert("logfile", stdout.as_str());
    map.insert("stdout_logfile", stdout);
    map.insert("stderr_logfile", path(&running.stderr));
    map.insert("pid", i64::from(proc.pid.unwrap_or(0)));
    map.insert("description", description(running, now));
    map.into()
}

pub(super) fn outcome(group: &str, name: &str, result: &Result<(), Fault>) -> Value {
    let (status, text) = match result {
        Ok(()) => (code::SUCCESS, "OK"),
        Err(fault) => (fault.code, fault.text.as_str()),
    };
    let mut map = Map::new();
    map.insert("name", name);
    map.insert("group", group);
    map.insert("status", status);
    map.insert("description", text);
    map.into()
}

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
    let of = |g: &crate::supervisor::group::RunGroup| {
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
    let (g, n) = process(shared_find(&sup, name)?, name)?;
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

/// Waits until `settled` says how a process came out. One that is removed meanwhile has failed.
pub(super) async fn settle(
    shared: &Shared,
    name: &str,
    settled: impl Fn(State) -> Option<Result<(), Fault>>,
) -> Result<(), Fault> {
    let mut changes = shared.borrow().changes.subscribe();
    loop {
        let state = {
            let sup = shared.borrow();
            let (g, n) = process(shared_find(&sup, name)?, name)?;
            sup.groups[g].procs[n].proc.state
        };
        if let Some(result) = settled(state) {
            return result;
        }
        if changes.changed().await.is_err() {
            return Err(Fault::about(code::FAILED, name));
        }
    }
}

async fn started(shared: &Shared, name: &str) -> Result<(), Fault> {
    settle(shared, name, |state| match state {
        State::Running => Some(Ok(())),
        State::Starting => None,
        State::Backoff | State::Fatal => Some(Err(Fault::about(code::SPAWN_ERROR, name))),
        _ => Some(Err(Fault::about(code::ABNORMAL_TERMINATION, name))),
    })
    .await
}

async fn stopped(shared: &Shared, name: &str) -> Result<(), Fault> {
    settle(shared, name, |state| {
        (state != State::Stopping).then_some(Ok(()))
    })
    .await
}

/// Faults a program that cannot be started before anything is changed (observed: 4.3.0).
fn startable(shared: &Shared, name: &str) -> Result<(), Fault> {
    let sup = shared.borrow();
    let (g, n) = process(shared_find(&sup, name)?, name)?;
    let program = &sup.groups[g].procs[n].proc.program;
    let environment = sup.environment(&sup.groups[g].config.name, program);
    match crate::supervisor::spawn::preflight(program, &environment) {
        Err(why) if why.starts_with("can't find") => Err(Fault::about(code::NO_FILE, why)),
        Err(why) if why.starts_with("command at") || why.starts_with("no permission") => {
            Err(Fault::about(code::NOT_EXECUTABLE, why))
        }
        _ => Ok(()),
    }
}

pub(super) async fn start(shared: &Shared, name: &str, wait: bool) -> Answer {
    let place = shared_find(&shared.borrow(), name)?;
    if place.1.is_none() {
        let group = name.split(':').next().unwrap_or(name);
        return start_many(shared, Some(group), wait).await;
    }
    startable(shared, name)?;
    ask(shared, name, Event::Start)?;
    let failed = {
        let sup = shared.borrow();
        let (g, n) = process(shared_find(&sup, name)?, name)?;
        sup.groups[g].procs[n].proc.spawnerr.is_some()
    };
    if failed {
        return Err(Fault::about(code::SPAWN_ERROR, name));
    }
    if wait {
        started(shared, name).await?;
    }
    Ok(true.into())
}

pub(super) async fn stop(shared: &Shared, name: &str, wait: bool) -> Answer {
    let place = shared_find(&shared.borrow(), name)?;
    if place.1.is_none() {
        let group = name.split(':').next().unwrap_or(name);
        return stop_many(shared, Some(group), wait).await;
    }
    ask(shared, name, Event::Stop)?;
    if wait {
        stopped(shared, name).await?;
    }
    Ok(true.into())
}

async fn start_many(shared: &Shared, group: Option<&str>, wait: bool) -> Answer {
    let mut todo = members(shared, group)?;
    todo.retain(|(.., state)| !state.runs() && *state != State::Stopping);
    let mut results = Vec::new();
    for (group, name, _) in &todo {
        let name = format!("{group}:{name}");
        let possible = startable(shared, &name);
        results.push(possible.and_then(|()| ask(shared, &name, Event::Start)));
    }
    if wait {
        for ((group, name, _), result) in todo.iter().zip(&mut results) {
            if result.is_ok() {
                *result = started(shared, &format!("{group}:{name}")).await;
            }
        }
    }
    let all = todo.iter().zip(&results);
    Ok(Value::list(
        all.map(|((g, n, _), r)| outcome(g, n, r)).collect(),
    ))
}

async fn stop_many(shared: &Shared, group: Option<&str>, wait: bool) -> Answer {
    let mut todo = members(shared, group)?;
    todo.retain(|(.., state)| state.runs());
    let mut results = Vec::new();
    for (group, name, _) in &todo {
        results.push(ask(shared, &format!("{group}:{name}"), Event::Stop));
    }
    if wait {
        for ((group, name, _), result) in todo.iter().zip(&mut results) {
            if result.is_ok() {
                *result = stopped(shared, &format!("{group}:{name}")).await;
            }
        }
    }
    let all = todo.iter().zip(&results);
    Ok(Value::list(
        all.map(|((g, n, _), r)| outcome(g, n, r)).collect(),
    ))
}

fn deliver(shared: &Shared, name: &str, signal: &str) -> Result<(), Fault> {
    let sup = shared.borrow();
    let (g, n) = process(shared_find(&sup, name)?, name)?;
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

fn signal(shared: &Shared, name: &str, signal: &str) -> Answer {
    let place = shared_find(&shared.borrow(), name)?;
    if place.1.is_none() {
        let group = name.split(':').next().unwrap_or(name);
        return signal_many(shared, Some(group), signal);
    }
    deliver(shared, name, signal).map(|()| true.into())
}

fn signal_many(shared: &Shared, group: Option<&str>, signal: &str) -> Answer {
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

async fn send_stdin(shared: &Shared, name: &str, chars: &str) -> Answer {
    let stdin = {
        let sup = shared.borrow();
        let (g, n) = process(shared_find(&sup, name)?, name)?;
        let running = &sup.groups[g].procs[n];
        if running.proc.pid.is_none() {
            return Err(Fault::about(code::NOT_RUNNING, name));
        }
        running
            .stdin
            .clone()
            .ok_or(Fault::about(code::NO_FILE, name))?
    };
    let mut rest = chars.as_bytes();
    while !rest.is_empty() {
        let gone = |_| Fault::about(code::NO_FILE, name);
        stdin.writable().await.map_err(gone)?;
        match stdin.try_write(rest) {
            Ok(n) => rest = &rest[n..],
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(e) => return Err(gone(e)),
        }
    }
    Ok(true.into())
}
