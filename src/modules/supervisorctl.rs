//! `supervisorctl`: programs of supervisord, over its own XML-RPC.

mod server;

use super::{Kind, Module};
use crate::diag::{Diag, Result};
use crate::supervisor::rpc::client;
use crate::sys::{Declared, Effect, Known, Op, Outcome, View};
use crate::value::Value;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use server::{Process, Server};

/// Starts, stops, adds and removes programs of supervisord. Speaks to the daemon itself: no
/// `supervisorctl` has to be there. A step waits until the state asked for is reached.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// A process (`galaxy`, `gx:handler0`), all of a group (`gx:`), or `all`. The name of a group
    /// or of a program with several processes also stands for all of them.
    name: String,
    /// What is asked for.
    state: State,
    /// The signal for `signalled`.
    #[serde(default)]
    signal: Option<String>,
    /// Stop before removing.
    #[serde(default)]
    stop_before_removing: bool,
    /// supervisord's configuration, in which its address is looked up.
    #[serde(default)]
    config: Option<String>,
    /// Where the daemon listens: `unix:///path` or `http://host:port`.
    #[serde(default)]
    server_url: Option<String>,
    /// User name.
    #[serde(default)]
    username: Option<String>,
    /// Password.
    #[serde(default)]
    password: Option<String>,
    /// Accepted; the program is not used.
    #[serde(default)]
    supervisorctl_path: Option<String>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// The daemon knows it.
    Present,
    /// It runs.
    Started,
    /// It does not run.
    Stopped,
    /// It is started anew, after the configuration has been read again.
    Restarted,
    /// The daemon does not know it.
    Absent,
    /// It gets a signal.
    Signalled,
}

/// The module.
pub struct Supervisorctl;

impl Module for Supervisorctl {
    const NAME: &'static str = "supervisorctl";
    const FQCN: &'static str = "community.general.supervisorctl";
    type Args = Args;

    fn kind(args: &Args) -> Kind {
        match args.state {
            State::Restarted | State::Signalled => Kind::Action,
            _ => Kind::Resource,
        }
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        if args.state == State::Signalled && args.signal.is_none() {
            return Err(
                Diag::error("missing-option", "state `signalled` needs `signal`").about("signal"),
            );
        }
        let server = Server::find(args, view)?;
        match args.state {
            State::Restarted => Ok(vec![call(&server, "supervisor.reloadConfig", &[], None)]),
            state => acts(args, view, &server, state),
        }
    }

    fn plan_more(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Vec<Op>> {
        let server = Server::find(args, view)?;
        match args.state {
            State::Restarted => {
                let updates = done
                    .first()
                    .map_or(Vec::new(), |first| update(&server, first));
                match done.len() {
                    1 if !updates.is_empty() => Ok(updates),
                    n if n == 1 + updates.len() && fault(done).is_none() => {
                        acts(args, view, &server, State::Restarted)
                    }
                    _ => Ok(Vec::new()),
                }
            }
            State::Signalled => Ok(Vec::new()),
            _ if fault(done).is_some() => Ok(Vec::new()),
            state => acts(args, view, &server, state),
        }
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let mut result = json!({"name": args.name, "state": args.state});
        let acts = !matches!(args.state, State::Present | State::Absent);
        if acts && !planned.is_empty() {
            let server = Server::find(args, view)?;
            let names = match server.processes(view)? {
                Known::Known(all) => affected(args, view, &all),
                Known::Unknown => vec![args.name.clone()],
            };
            result["affected"] = json!(names);
        }
        Ok(result)
    }

    fn result(args: &Args, _: &dyn View, done: &[Outcome]) -> Result<Json> {
        Ok(match fault(done) {
            Some(text) => {
                json!({"failed": true, "changed": true, "msg": format!("{}: ERROR ({text})", args.name)})
            }
            None => json!({}),
        })
    }
}

/// Which of the daemon's processes the name stands for.
fn matched<'a>(name: &str, all: &'a [Process]) -> Vec<&'a Process> {
    let group = name.strip_suffix('*').unwrap_or(name);
    if let Some(group) = group.strip_suffix(':') {
        return all.iter().filter(|p| p.group == group).collect();
    }
    if name == "all" {
        return all.iter().collect();
    }
    let exact: Vec<&Process> = all
        .iter()
        .filter(|p| p.title() == name || format!("{}:{}", p.group, p.name) == name)
        .collect();
    if !exact.is_empty() {
        return exact;
    }
    all.iter().filter(|p| p.group == name).collect()
}

fn key(name: &str) -> String {
    format!(
        "supervisor:{}",
        name.trim_end_matches('*').trim_end_matches(':')
    )
}

fn assumed(view: &dyn View, process: &Process) -> Option<String> {
    let state = view.assumed(&key(&process.title()));
    state?.as_str().map(str::to_owned)
}

/// The state a process is in, or will be in after earlier planned steps.
fn is_running(view: &dyn View, process: &Process) -> bool {
    match assumed(view, process) {
        Some(state) => state == "started",
        None => matches!(process.state.as_str(), "RUNNING" | "STARTING"),
    }
}

fn needs(args: &Args, view: &dyn View, process: &Process) -> bool {
    match args.state {
        State::Started => !is_running(view, process),
        State::Stopped => is_running(view, process),
        State::Signalled => is_running(view, process) && process.state != "STARTING",
        _ => true,
    }
}

fn affected(args: &Args, view: &dyn View, all: &[Process]) -> Vec<String> {
    matched(&args.name, all)
        .into_iter()
        .filter(|p| needs(args, view, p))
        .map(Process::title)
        .collect()
}

fn acts(args: &Args, view: &dyn View, server: &Server, state: State) -> Result<Vec<Op>> {
    let name = Value::str(args.name.trim_end_matches('*').trim_end_matches(':'));
    let own = view.assumed(&key(&args.name));
    let all = match server.processes(view)? {
        Known::Known(all) => all,
        // A planned daemon: everything is a change, unless an earlier step has planned it.
        Known::Unknown => {
            if own == Some(json!(state)) && Supervisorctl::kind(args) == Kind::Resource {
                return Ok(Vec::new());
            }
            let effect = Some((args.name.clone(), state));
            return Ok(vec![call(server, method(state), &[name], effect)]);
        }
    };
    let found = matched(&args.name, &all);
    let effect = |state| Some((args.name.clone(), state));
    match state {
        State::Present if found.is_empty() && own.is_none() => Ok(vec![
            call(server, "supervisor.reloadConfig", &[], None),
            call(server, method(state), &[name], effect(State::Started)),
        ]),
        State::Absent if !found.is_empty() && own != Some(json!(State::Absent)) => {
            let mut ops = Vec::new();
            if args.stop_before_removing {
                let group = std::slice::from_ref(&name);
                ops.push(call(server, "supervisor.stopProcessGroup", group, None));
            }
            ops.push(call(server, "supervisor.reloadConfig", &[], None));
            ops.push(call(server, method(state), &[name], effect(state)));
            Ok(ops)
        }
        State::Present | State::Absent => Ok(Vec::new()),
        _ if found.is_empty() && own.is_some() => {
            let same = own == Some(json!(state)) && state != State::Signalled;
            let op = || call(server, method(state), &[name], effect(state));
            Ok(if same { Vec::new() } else { vec![op()] })
        }
        _ if found.is_empty() => Err(Diag::error(
            "no-such-process",
            format!("{}: ERROR (no such process)", args.name),
        )
        .about("name")
        .help(names_of(&all))),
        _ => Ok(found
            .into_iter()
            .filter(|p| needs(args, view, p))
            .flat_map(|p| one(args, view, server, state, p))
            .collect()),
    }
}

fn names_of(all: &[Process]) -> String {
    let names: Vec<String> = all.iter().map(Process::title).collect();
    match names.is_empty() {
        true => "the daemon has no processes at all".to_owned(),
        false => format!("its processes are: {}", names.join(", ")),
    }
}

fn one(args: &Args, view: &dyn View, server: &Server, state: State, process: &Process) -> Vec<Op> {
    let name = Value::str(format!("{}:{}", process.group, process.name));
    let title = process.title();
    let effect = |state| Some((title.clone(), state));
    match state {
        State::Signalled => {
            let signal = Value::str(args.signal.as_deref().unwrap_or_default());
            vec![call(server, method(state), &[name, signal], None)]
        }
        State::Restarted => {
            let mut ops = Vec::new();
            if is_running(view, process) {
                let name = std::slice::from_ref(&name);
                ops.push(call(
                    server,
                    method(State::Stopped),
                    name,
                    effect(State::Stopped),
                ));
            }
            ops.push(call(
                server,
                method(State::Started),
                &[name],
                effect(State::Started),
            ));
            ops
        }
        state => vec![call(server, method(state), &[name], effect(state))],
    }
}

fn method(state: State) -> &'static str {
    match state {
        State::Present => "supervisor.addProcessGroup",
        State::Absent => "supervisor.removeProcessGroup",
        State::Started | State::Restarted => "supervisor.startProcess",
        State::Stopped => "supervisor.stopProcess",
        State::Signalled => "supervisor.signalProcess",
    }
}

fn call(server: &Server, method: &str, params: &[Value], effect: Option<(String, State)>) -> Op {
    let effects = effect.map(|(name, state)| Effect::Assume(key(&name), json!(state)));
    Op::Http {
        request: server.request(method, params),
        into: None,
        effect: Declared::Effects(effects.into_iter().collect()),
    }
}

/// What `update` has to do after the configuration has been read: `[[added, changed, removed]]`.
fn update(server: &Server, reloaded: &Outcome) -> Vec<Op> {
    let Outcome::Answered(response) = reloaded else {
        return Vec::new();
    };
    let answer = client::decode_response(&response.body).unwrap_or_default();
    let lists = answer.as_list().and_then(|outer| outer.first()?.as_list());
    let groups = |index: usize| {
        let names = lists
            .and_then(|l| l.get(index)?.as_list())
            .unwrap_or_default();
        names.to_vec()
    };
    let mut ops = Vec::new();
    let mut each = |names: Vec<Value>, methods: &[&str]| {
        for name in names {
            for method in methods {
                let method = format!("supervisor.{method}");
                ops.push(call(server, &method, std::slice::from_ref(&name), None));
            }
        }
    };
    each(groups(2), &["stopProcessGroup", "removeProcessGroup"]);
    each(
        groups(1),
        &["stopProcessGroup", "removeProcessGroup", "addProcessGroup"],
    );
    each(groups(0), &["addProcessGroup"]);
    ops
}

/// The first refusal among the answers, in supervisorctl's words.
fn fault(done: &[Outcome]) -> Option<String> {
    done.iter().find_map(|outcome| {
        let Outcome::Answered(response) = outcome else {
            return None;
        };
        match response.status {
            401 => return Some("Server requires authentication".to_owned()),
            200 | 0 => {}
            status => return Some(format!("the daemon answered HTTP {status}")),
        }
        if response.body.is_empty() {
            return None;
        }
        let fault = client::decode_response(&response.body).err()?;
        Some(match fault.code {
            10 => "no such process".to_owned(),
            11 => "bad signal name".to_owned(),
            20 => "no such file".to_owned(),
            21 => "file is not executable".to_owned(),
            40 => "abnormal termination".to_owned(),
            50 => "spawn error".to_owned(),
            60 => "already started".to_owned(),
            70 => "not running".to_owned(),
            91 => "process group still running".to_owned(),
            _ => fault.text,
        })
    })
}
