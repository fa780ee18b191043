//! The methods of the interface.

use super::Fault;
use super::fault::code;
use super::info::{info, place};
use super::operate::{send_stdin, signal, signal_many, start, start_many, stop, stop_many};
use super::xml::{self, Answer, Call};
use crate::supervisor::config;
use crate::supervisor::group::{Mood, Shared, wall};
use crate::value::{Map, Value, order};

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

    pub(super) fn int(&self, at: usize) -> Result<i64, Fault> {
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
    let known = METHODS.iter().find(|(name, _)| *name == call.method);
    let Some((_, signature)) = known.filter(|(name, _)| is_offered(shared, name)) else {
        return Err(Fault::new(code::UNKNOWN_METHOD));
    };
    // Only whether to wait may be left out.
    let optional = usize::from(signature[1..].last() == Some(&"boolean"));
    let most = signature.len() - 1;
    if !(most - optional..=most).contains(&call.params.len()) {
        return Err(Fault::new(code::INCORRECT_PARAMETERS));
    }
    let p = Params(&call.params);
    let (space, method) = call.method.split_once('.').unwrap_or_default();
    if space == "system" {
        return system(shared, method, &p);
    }
    let ending = shared.borrow().mood != Mood::Running;
    if ending && method != "sendRemoteCommEvent" {
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
        "sendProcessStdin" => match (p.text(1), p.0.get(1)) {
            (Err(_), Some(other)) => {
                let other = other.to_text();
                Err(Fault::about(code::INCORRECT_PARAMETERS, other))
            }
            (chars, _) => send_stdin(shared, p.text(0)?, chars?).await,
        },
        _ => at_once(shared, method, &p),
    }
}

/// Without `[rpcinterface:supervisor]` only the methods about methods are there.
fn is_offered(shared: &Shared, method: &str) -> bool {
    shared.borrow().config.rpc || method.starts_with("system.")
}

fn system(shared: &Shared, method: &str, p: &Params<'_>) -> Answer {
    let mut offered = METHODS.iter().filter(|(name, _)| is_offered(shared, name));
    if method == "listMethods" {
        let names = offered.map(|(name, _)| Value::from(*name));
        return Ok(Value::list(names.collect()));
    }
    let name = p.text(0)?;
    let found = offered.find(|(known, _)| *known == name);
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
            let (g, n) = place(&sup, p.text(0)?)?;
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
            order::sort_by(&mut all, |(a, p), (b, q)| {
                (a, &p.proc.program.name).cmp(&(b, &q.proc.program.name))
            });
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
        _ => return super::logfiles::answer(&sup, method, p),
    })
}
