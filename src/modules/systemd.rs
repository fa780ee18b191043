//! `systemd`: units.

use super::common::command;
use super::common::unit::{self, BROUGHT, Unit};
use super::{Kind, Module};
use crate::diag::{Diag, Result};
use crate::sys::{Command, Known, Op, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};

/// Starts, stops, enables and masks systemd units.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Unit; `.service` may be left out. Aliases: service, unit
    #[serde(default, alias = "service", alias = "unit")]
    pub name: Option<String>,
    /// `started` and `stopped` are states, `restarted` and `reloaded` happen each time.
    #[serde(default)]
    pub state: Option<State>,
    /// Whether it starts with the system.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Whether it is masked, that is, cannot be started at all.
    #[serde(default)]
    pub masked: Option<bool>,
    /// Replace links that are in the way of enabling.
    #[serde(default)]
    pub force: Option<bool>,
    /// Let systemd read all unit files first. Alias: daemon-reload
    #[serde(default, alias = "daemon-reload")]
    pub daemon_reload: bool,
    /// Let systemd execute itself anew first. Alias: daemon-reexec
    #[serde(default, alias = "daemon-reexec")]
    pub daemon_reexec: bool,
    /// The system's manager, the user's own, or all users'.
    #[serde(default)]
    pub scope: Scope,
    /// Do not wait until it is done.
    #[serde(default)]
    pub no_block: bool,
}

/// What a unit shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Run.
    Started,
    /// Not run.
    Stopped,
    /// Stop and start.
    Restarted,
    /// Read its configuration again.
    Reloaded,
}

/// Which manager is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The system's.
    #[default]
    System,
    /// That of the user the step runs as.
    User,
    /// The settings of all users.
    Global,
}

impl Scope {
    fn name(self) -> &'static str {
        match self {
            Scope::System => "system",
            Scope::User => "user",
            Scope::Global => "global",
        }
    }
}

/// The module.
pub struct Systemd;

impl Module for Systemd {
    const NAME: &'static str = "systemd";
    const FQCN: &'static str = "ansible.builtin.systemd";
    const ALIASES: &'static [&'static str] =
        &["systemd_service", "ansible.builtin.systemd_service"];
    type Args = Args;

    fn kind(args: &Args) -> Kind {
        let again = matches!(args.state, Some(State::Restarted | State::Reloaded));
        if again || args.daemon_reload || args.daemon_reexec {
            Kind::Action
        } else {
            Kind::Resource
        }
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        check(args, view)?;
        let mut ops = daemon(args, view);
        if let Some(name) = &args.name {
            ops.extend(changes(args, view, name)?);
        }
        Ok(ops)
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let daemon = daemon(args, view).len();
        let mut result = Map::new();
        result.insert("changed".into(), json!(planned.len() > daemon));
        result.insert("name".into(), json!(args.name));
        let Some(name) = &args.name else {
            result.insert("status".into(), json!({}));
            return Ok(Json::Object(result));
        };
        if let Some(enabled) = args.enabled {
            result.insert("enabled".into(), json!(enabled));
        }
        if let Some(state) = args.state {
            let stopped = state == State::Stopped;
            result.insert(
                "state".into(),
                json!(if stopped { "stopped" } else { "started" }),
            );
        }
        let status = match unit::assumed(view, args.scope.name(), name) {
            Some(_) => Map::new(),
            None => show(args, view, name)?.presume(Map::new()),
        };
        result.insert("status".into(), Json::Object(status));
        Ok(Json::Object(result))
    }
}

fn check(args: &Args, view: &dyn View) -> Result<()> {
    if args.name.is_none() {
        let needs = [
            (args.state.is_some(), "state"),
            (args.enabled.is_some(), "enabled"),
            (args.masked.is_some(), "masked"),
        ];
        if let Some((_, option)) = needs.iter().find(|(given, _)| *given) {
            return Err(
                Diag::error("missing-option", format!("option `{option}` needs `name`"))
                    .about("name"),
            );
        }
        if !args.daemon_reload && !args.daemon_reexec {
            return Err(Diag::error(
                "missing-option",
                "one of the following is required: state, enabled, masked, daemon_reload, daemon_reexec",
            ));
        }
    }
    if let Known::Known(None) = view.which("systemctl")? {
        return Err(Diag::error(
            "no-such-program",
            "Failed to find required executable \"systemctl\": systemd is not installed on this host",
        ));
    }
    Ok(())
}

fn systemctl(args: &Args, view: &dyn View, words: &[&str]) -> Command {
    let mut argv = vec!["systemctl"];
    match args.scope {
        Scope::System => {}
        Scope::User => argv.push("--user"),
        Scope::Global => argv.push("--global"),
    }
    if args.no_block {
        argv.push("--no-block");
    }
    if args.force == Some(true) {
        argv.push("--force");
    }
    argv.extend(words);
    let command = command::c_locale(argv);
    if args.scope == Scope::User
        && view.env("XDG_RUNTIME_DIR").is_none()
        && let Some(uid) = view.me().uid
    {
        return command.env("XDG_RUNTIME_DIR", format!("/run/user/{uid}"));
    }
    command
}

fn daemon(args: &Args, view: &dyn View) -> Vec<Op> {
    [
        (args.daemon_reload, "daemon-reload"),
        (args.daemon_reexec, "daemon-reexec"),
    ]
    .iter()
    .filter(|(wanted, _)| *wanted)
    .map(|(_, word)| command::run(systemctl(args, view, &[word]), Vec::new()))
    .collect()
}

fn show(args: &Args, view: &dyn View, name: &str) -> Result<Known<Map<String, Json>>> {
    let output = view.query(&systemctl(args, view, &["show", "--no-pager", name]))?;
    Ok(output.map(|output| properties(&output.text())))
}

/// `KEY=value` lines; values in braces may span several.
fn properties(text: &str) -> Map<String, Json> {
    let mut found = Map::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let mut value = value.to_owned();
        if key.starts_with("Exec") && value.trim_start().starts_with('{') {
            while !value.trim_end().ends_with('}') {
                let Some(more) = lines.next() else { break };
                value.push('\n');
                value.push_str(more);
            }
        }
        found.insert(key.to_owned(), json!(value));
    }
    found
}

/// What is known of a unit.
fn look(args: &Args, view: &dyn View, name: &str) -> Result<Unit> {
    if let Some(unit) = unit::assumed(view, args.scope.name(), name) {
        return Ok(unit);
    }
    let Known::Known(status) = show(args, view, name)? else {
        return Ok(BROUGHT);
    };
    let is = |key: &str, values: &[&str]| {
        status
            .get(key)
            .and_then(Json::as_str)
            .is_some_and(|value| values.contains(&value))
    };
    if !status.is_empty() && !is("LoadState", &["not-found"]) {
        let by_script = is("UnitFileState", &["", "bad", "generated"]) && is_sysv(view, name)?;
        return Ok(Unit {
            exists: true,
            active: is(
                "ActiveState",
                &["active", "activating", "reloading", "deactivating"],
            ) && !(is("ActiveState", &["deactivating"])
                && args.state == Some(State::Started)),
            enabled: is("UnitFileState", &["enabled", "static"])
                || by_script && starts_by_link(view, name)?,
            masked: is("LoadState", &["masked"]),
        });
    }
    match unit_file(args, view, name)? {
        // Planned by an earlier step: a package's, or one of our own that nobody has started yet.
        Known::Unknown => Ok(BROUGHT),
        Known::Known(exists) => Ok(Unit {
            exists,
            enabled: exists && status.is_empty() && is_enabled(args, view, name)?,
            ..Unit::default()
        }),
    }
}

fn is_enabled(args: &Args, view: &dyn View, name: &str) -> Result<bool> {
    let output = view.query(&systemctl(args, view, &["is-enabled", name]))?;
    Ok(output.known().is_some_and(|o| o.ok()))
}

fn unit_file(args: &Args, view: &dyn View, name: &str) -> Result<Known<bool>> {
    let file = if name.contains('.') {
        name.to_owned()
    } else {
        format!("{name}.service")
    };
    // An instance `x@y.service` comes from the file `x@.service`.
    let file = match file.split_once('@') {
        Some((stem, rest)) => {
            let kind = rest.rsplit('.').next().unwrap_or("service");
            format!("{stem}@.{kind}")
        }
        None => file,
    };
    let mut places = vec![PathBuf::from("/etc/init.d").join(name)];
    let kind = if args.scope == Scope::System {
        "system"
    } else {
        "user"
    };
    for dir in [
        "/etc/systemd",
        "/run/systemd",
        "/usr/local/lib/systemd",
        "/usr/lib/systemd",
        "/lib/systemd",
    ] {
        places.push(Path::new(dir).join(kind).join(&file));
    }
    if args.scope == Scope::User {
        places.push(view.me().home.join(".config/systemd/user").join(&file));
    }
    let mut answer = Known::Known(false);
    for place in places {
        match view.stat(&place)? {
            Known::Known(Some(_)) => return Ok(Known::Known(true)),
            Known::Known(None) => {}
            Known::Unknown => answer = Known::Unknown,
        }
    }
    Ok(answer)
}

fn is_sysv(view: &dyn View, name: &str) -> Result<bool> {
    let script = Path::new("/etc/init.d").join(name);
    Ok(view.stat(&script)?.presume(None).is_some())
}

/// True where a runlevel starts the init script of this name.
pub fn starts_by_link(view: &dyn View, name: &str) -> Result<bool> {
    for level in ["2", "3", "4", "5", "S"] {
        let dir = PathBuf::from(format!("/etc/rc{level}.d"));
        let names = view.list(&dir)?.presume(None).unwrap_or_default();
        let is_start = |entry: &String| {
            entry.starts_with('S') && entry.len() > 3 && entry.get(3..) == Some(name)
        };
        if names.iter().any(is_start) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn changes(args: &Args, view: &dyn View, name: &str) -> Result<Vec<Op>> {
    let mut unit = look(args, view, name)?;
    if !unit.exists && args.masked != Some(true) {
        return Err(Diag::error(
            "no-such-service",
            format!("Could not find the requested service {name}: host"),
        )
        .about("name"));
    }
    let mut ops = Vec::new();
    let mut op = |words: &[&str], unit: Unit| {
        let effects = vec![unit::effect(args.scope.name(), name, unit)];
        ops.push(command::run(systemctl(args, view, words), effects));
    };
    if let Some(masked) = args.masked.filter(|m| *m != unit.masked) {
        unit.masked = masked;
        op(&[if masked { "mask" } else { "unmask" }, name], unit);
    }
    if let Some(enabled) = args.enabled.filter(|e| *e != unit.enabled) {
        unit.enabled = enabled;
        op(&[if enabled { "enable" } else { "disable" }, name], unit);
    }
    let word = match (args.state, unit.active) {
        (Some(State::Started), false) => "start",
        (Some(State::Stopped), true) => "stop",
        (Some(State::Restarted | State::Reloaded), false) => "start",
        (Some(State::Restarted), true) => "restart",
        (Some(State::Reloaded), true) => "reload",
        _ => return Ok(ops),
    };
    unit.active = word != "stop";
    op(&[word, name], unit);
    Ok(ops)
}
