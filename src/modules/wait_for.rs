//! `wait_for`: a port, a path or time.

use super::common::file_attrs::describe;
use super::common::place::Place;
use super::{Kind, Module};
use crate::diag::{Diag, Result};
use crate::sys::op::Condition;
use crate::sys::{Op, Outcome, View};
use crate::value::re::{Flags, Pattern};
use crate::value::unknown_json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::time::Duration;

/// Waits until a port is open or closed, a path is there or gone, or some time is over.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Host name or address of the port.
    #[serde(default = "localhost")]
    host: String,
    /// Port to look at; not with `path`.
    port: Option<u16>,
    /// Path to look at; not with `port`.
    path: Option<String>,
    /// Regular expression for what the port sends, or what the file holds.
    search_regex: Option<String>,
    /// What to wait for.
    #[serde(default)]
    state: State,
    /// Seconds at most, the delay included; without port and path, how long to wait.
    #[serde(default = "timeout")]
    timeout: u64,
    /// Seconds for one attempt to connect.
    #[serde(default = "connect_timeout")]
    connect_timeout: u64,
    /// Seconds before the first look.
    #[serde(default)]
    delay: u64,
    /// Seconds between two looks.
    #[serde(default = "sleep")]
    sleep: u64,
    /// What to say in place of the usual message when the time is over.
    msg: Option<String>,
    /// Peers whose connections do not count for `drained`.
    exclude_hosts: Option<Vec<String>>,
    /// TCP states that count as active for `drained`.
    #[serde(default = "active")]
    active_connection_states: Vec<String>,
}

/// States of a port or path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    /// Gone, or closed.
    Absent,
    /// Open, without active connections.
    Drained,
    /// There, or open.
    Present,
    /// The same.
    #[default]
    Started,
    /// Closed.
    Stopped,
}

fn localhost() -> String {
    "127.0.0.1".into()
}

fn timeout() -> u64 {
    300
}

fn connect_timeout() -> u64 {
    5
}

fn sleep() -> u64 {
    1
}

const STATES: [&str; 6] = [
    "ESTABLISHED",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "SYN_RECV",
    "SYN_SENT",
    "TIME_WAIT",
];

fn active() -> Vec<String> {
    STATES.map(str::to_owned).to_vec()
}

fn wrong(option: &str, message: &str) -> Box<Diag> {
    Diag::error("bad-options", message)
        .about(option)
        .with("elapsed", 0)
}

impl Args {
    fn check(&self) -> Result<()> {
        let only_ports = |state: &str| {
            let text = format!(
                "state={state} should only be used for checking a port in the wait_for module"
            );
            Err(wrong("state", &text))
        };
        match (self.port, &self.path, self.state) {
            (Some(_), Some(_), _) => Err(wrong(
                "path",
                "port and path parameter can not both be passed to wait_for",
            )),
            (_, Some(_), State::Stopped) => only_ports("stopped"),
            (_, Some(_), State::Drained) => only_ports("drained"),
            (None, _, State::Drained) => Err(wrong("port", "state=drained needs a port")),
            _ => self.check_states(),
        }
    }

    fn check_states(&self) -> Result<()> {
        if self.exclude_hosts.is_some() && self.state != State::Drained {
            return Err(wrong(
                "exclude_hosts",
                "exclude_hosts should only be with state=drained",
            ));
        }
        for state in &self.active_connection_states {
            if !STATES.contains(&state.as_str()) {
                let text = format!("unknown active_connection_state ({state}) defined");
                let diag = wrong("active_connection_states", &text);
                return Err(diag.did_you_mean(state, STATES));
            }
        }
        self.pattern().map(|_| ())
    }

    fn pattern(&self) -> Result<Option<Pattern>> {
        let compile = |text: &String| {
            Pattern::new(text, Flags::MULTILINE)
                .map_err(|e| wrong("search_regex", &format!("Invalid regular expression: {e}")))
        };
        self.search_regex.as_ref().map(compile).transpose()
    }

    fn condition(&self, view: &dyn View) -> Result<Condition> {
        let connect_timeout = Duration::from_secs(self.connect_timeout);
        let ends = matches!(self.state, State::Absent | State::Stopped);
        if let Some(path) = &self.path {
            let path = Place::of(path, view)?.at;
            return Ok(if ends {
                Condition::PathAbsent { path }
            } else {
                Condition::PathPresent {
                    path,
                    pattern: self.search_regex.clone(),
                }
            });
        }
        let Some(port) = self.port else {
            return Ok(Condition::Elapsed);
        };
        let host = self.host.clone();
        Ok(match self.state {
            State::Drained => Condition::PortDrained {
                host,
                port,
                exclude: self.exclude_hosts.clone().unwrap_or_default(),
                states: self.active_connection_states.clone(),
            },
            _ if ends => Condition::PortClosed {
                host,
                port,
                connect_timeout,
            },
            _ => Condition::PortOpen {
                host,
                port,
                pattern: self.search_regex.clone(),
                connect_timeout,
            },
        })
    }

    /// What to say when the time is over (Ansible's words).
    fn late(&self) -> String {
        let host = &self.host;
        let what = match (self.port, &self.path) {
            (Some(port), _) => format!("{host}:{port}"),
            (None, path) => path.clone().unwrap_or_default(),
        };
        match (self.state, &self.search_regex, &self.path) {
            (State::Absent | State::Stopped, _, Some(_)) => {
                format!("Timeout when waiting for {what} to be absent.")
            }
            (State::Absent | State::Stopped, ..) => {
                format!("Timeout when waiting for {what} to stop.")
            }
            (State::Drained, ..) => format!("Timeout when waiting for {what} to drain"),
            (_, Some(regex), _) => {
                format!("Timeout when waiting for search string {regex} in {what}")
            }
            (_, None, Some(_)) => format!("Timeout when waiting for file {what}"),
            (_, None, None) => format!("Timeout when waiting for {what}"),
        }
    }

    fn met(&self, view: &dyn View, matched: &[Option<String>]) -> Result<Map<String, Json>> {
        let mut keys = Map::new();
        keys.insert("state".into(), json!(self.state));
        keys.insert("port".into(), json!(self.port));
        keys.insert("search_regex".into(), json!(self.search_regex));
        let mut path = Json::Null;
        if let Some(text) = &self.path {
            let place = Place::of(text, view)?;
            let what = describe(&place.at, view)?;
            if what.is_empty() {
                keys.insert("state".into(), json!("absent"));
            }
            keys.extend(what);
            path = json!(place.shown);
        }
        keys.insert("path".into(), path);
        let groups = matched.get(1..).unwrap_or_default();
        let mut named = Map::new();
        for (name, number) in self.pattern()?.iter().flat_map(Pattern::group_names) {
            if let Some(group) = matched.get(number) {
                named.insert(name, json!(group));
            }
        }
        keys.insert("match_groups".into(), json!(groups));
        keys.insert("match_groupdict".into(), Json::Object(named));
        Ok(keys)
    }
}

/// The module.
pub struct WaitFor;

impl Module for WaitFor {
    const NAME: &'static str = "wait_for";
    const FQCN: &'static str = "ansible.builtin.wait_for";
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        args.check()?;
        Ok(vec![Op::Wait {
            until: args.condition(view)?,
            delay: Duration::from_secs(args.delay),
            sleep: Duration::from_secs(args.sleep),
            timeout: Duration::from_secs(args.timeout),
        }])
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let mut keys = match done.first() {
            Some(Outcome::Waited {
                met,
                elapsed,
                matched,
            }) => {
                let mut keys = if *met {
                    args.met(view, matched)?
                } else {
                    let msg = args.msg.clone().unwrap_or_else(|| args.late());
                    Map::from_iter([
                        ("failed".to_owned(), json!(true)),
                        ("msg".to_owned(), json!(msg)),
                    ])
                };
                keys.insert("elapsed".into(), json!(elapsed.as_secs()));
                keys
            }
            _ => {
                let mut keys = args.met(view, &[])?;
                for key in ["elapsed", "match_groups", "match_groupdict"] {
                    keys.insert(key.into(), unknown_json(&format!("{key} of the wait")));
                }
                keys
            }
        };
        if view.is_check() {
            keys.insert("skipped".into(), json!(true));
        }
        keys.insert("changed".into(), json!(false));
        Ok(Json::Object(keys))
    }
}
