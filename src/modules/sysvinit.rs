//! `sysvinit`: services with init scripts.

use super::common::command;
use super::common::unit::{self, BROUGHT, Unit};
use super::systemd::{State, starts_by_link};
use super::{Kind, Module};
use crate::diag::{Diag, Result};
use crate::sys::op::Condition;
use crate::sys::{Command, Known, Op, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Starts, stops and enables services that have an init script in `/etc/init.d`.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Name of the init script. Alias: service
    #[serde(alias = "service")]
    pub name: String,
    /// `started` and `stopped` are states, `restarted` and `reloaded` happen each time.
    #[serde(default)]
    pub state: Option<State>,
    /// Whether it starts with the system.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Seconds between stopping and starting.
    #[serde(default = "one")]
    pub sleep: u64,
    /// Text in the process list by which it is known to run, for scripts without `status`.
    #[serde(default)]
    pub pattern: Option<String>,
    /// Runlevels in which it is enabled or disabled; the script's own where absent.
    #[serde(default)]
    pub runlevels: Vec<String>,
    /// Further arguments for the script. Alias: args
    #[serde(default, alias = "args")]
    pub arguments: Option<String>,
    /// Start it as a daemon of its own, for scripts that do not.
    #[serde(default)]
    pub daemonize: bool,
}

fn one() -> u64 {
    1
}

/// The module.
pub struct Sysvinit;

impl Module for Sysvinit {
    const NAME: &'static str = "sysvinit";
    const FQCN: &'static str = "ansible.builtin.sysvinit";
    type Args = Args;

    fn kind(args: &Args) -> Kind {
        match args.state {
            Some(State::Restarted | State::Reloaded) => Kind::Action,
            _ => Kind::Resource,
        }
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        plan(args, view)
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let unit = look(args, view)?;
        let part =
            |changed: bool| json!({"changed": changed, "rc": null, "stdout": null, "stderr": null});
        let mut status = Map::new();
        let enables = args.enabled.is_some_and(|e| e != unit.enabled);
        status.insert("enabled".into(), part(enables));
        if let Some(state) = args.state {
            let changes = planned.len() > usize::from(enables);
            status.insert(
                json!(state).as_str().unwrap_or_default().into(),
                part(changes),
            );
        }
        Ok(json!({"name": args.name, "status": status}))
    }
}

/// Plans with the init script.
pub fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
    let mut unit = look(args, view)?;
    if !unit.exists {
        return Err(Diag::error(
            "no-such-service",
            format!("Could not find the requested service {}: ", args.name),
        )
        .about("name"));
    }
    let mut ops = Vec::new();
    if let Some(enabled) = args.enabled.filter(|e| *e != unit.enabled) {
        unit.enabled = enabled;
        ops.push(command::run(
            enabling(args, view, enabled)?,
            vec![unit::effect("system", &args.name, unit)],
        ));
    }
    let active = unit.active;
    let mut act = |word: &str, active: bool| {
        unit.active = active;
        let effects = vec![unit::effect("system", &args.name, unit)];
        command::run(script(args, word), effects)
    };
    match (args.state, active) {
        (Some(State::Started | State::Restarted | State::Reloaded), false) => {
            ops.push(act("start", true));
        }
        (Some(State::Stopped), true) => ops.push(act("stop", false)),
        (Some(State::Reloaded), true) => ops.push(act("reload", true)),
        (Some(State::Restarted), true) => {
            let pause = Op::Wait {
                until: Condition::Elapsed,
                delay: Duration::ZERO,
                sleep: Duration::ZERO,
                timeout: Duration::from_secs(args.sleep),
            };
            ops.extend([act("stop", false), pause, act("start", true)]);
        }
        _ => {}
    }
    Ok(ops)
}

fn script(args: &Args, word: &str) -> Command {
    let mut argv = vec!["service".to_owned(), args.name.clone(), word.to_owned()];
    let more = args.arguments.as_deref().unwrap_or_default();
    argv.extend(more.split_whitespace().map(str::to_owned));
    if args.daemonize && word == "start" {
        argv.splice(0..0, ["setsid".to_owned(), "--fork".to_owned()]);
    }
    command::c_locale(argv)
}

fn enabling(args: &Args, view: &dyn View, enabled: bool) -> Result<Command> {
    let mut argv = vec!["update-rc.d".to_owned(), args.name.clone()];
    if enabled && !has_links(view, &args.name)? {
        argv.push("defaults".into());
    } else {
        argv.push(if enabled { "enable" } else { "disable" }.into());
        argv.extend(args.runlevels.iter().cloned());
    }
    Ok(command::c_locale(argv))
}

fn has_links(view: &dyn View, name: &str) -> Result<bool> {
    for level in ["0", "1", "2", "3", "4", "5", "6", "S"] {
        let dir = PathBuf::from(format!("/etc/rc{level}.d"));
        let names = view.list(&dir)?.presume(None).unwrap_or_default();
        if names.iter().any(|entry| entry.get(3..) == Some(name)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is known of the service.
pub fn look(args: &Args, view: &dyn View) -> Result<Unit> {
    if let Some(unit) = unit::assumed(view, "system", &args.name) {
        return Ok(unit);
    }
    let path = Path::new("/etc/init.d").join(&args.name);
    match view.stat(&path)? {
        // A package that is planned brings it.
        Known::Unknown => return Ok(BROUGHT),
        Known::Known(None) => return Ok(Unit::default()),
        Known::Known(Some(_)) => {}
    }
    Ok(Unit {
        exists: true,
        active: is_running(args, view)?,
        enabled: starts_by_link(view, &args.name)?,
        masked: false,
    })
}

fn is_running(args: &Args, view: &dyn View) -> Result<bool> {
    if let Some(pattern) = &args.pattern {
        let Known::Known(output) = command::query(view, ["ps", "auxww"])? else {
            return Ok(true);
        };
        return Ok(output.text().lines().any(|line| line.contains(pattern)));
    }
    let Known::Known(output) = command::query(view, ["service", &args.name, "status"])? else {
        return Ok(true);
    };
    let text = output.text().to_lowercase();
    Ok(match output.rc {
        0 => !["not running", "is stopped", "is dead"]
            .iter()
            .any(|word| text.contains(word)),
        _ => false,
    })
}
