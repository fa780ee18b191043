//! `service`: services, whichever program looks after them.

use super::systemd::{self, Systemd};
use super::sysvinit::{self, Sysvinit};
use super::{Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::facts;
use crate::sys::{Op, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Starts, stops and enables services with systemd, with init scripts, or with what else the host
/// has. Takes the options of `systemd` too.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// What looks after services: `auto`, `systemd`, `sysvinit` or `service`.
    #[serde(default, rename = "use")]
    manager: Option<String>,
    /// Text in the process list by which a service is known to run (init scripts only).
    #[serde(default)]
    pattern: Option<String>,
    /// Seconds between stopping and starting (init scripts only).
    #[serde(default)]
    sleep: Option<u64>,
    /// Accepted; has no meaning on Debian.
    #[serde(default)]
    runlevel: Option<String>,
    /// Further arguments for the init script. Alias: args
    #[serde(default, alias = "args")]
    arguments: Option<String>,
}

type Args = With<Own, systemd::Args>;

/// The module.
pub struct Service;

impl Module for Service {
    const NAME: &'static str = "service";
    const FQCN: &'static str = "ansible.builtin.service";
    type Args = Args;

    fn kind(args: &Args) -> Kind {
        Systemd::kind(&args.shared)
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        match manager(args, view)? {
            Manager::Systemd => Systemd::plan(&args.shared, view),
            Manager::Sysvinit | Manager::Scripts => sysvinit::plan(&scripts(args)?, view),
        }
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], diff: bool) -> Result<Json> {
        match manager(args, view)? {
            Manager::Systemd => Systemd::explain(&args.shared, view, planned, diff),
            Manager::Sysvinit => Sysvinit::explain(&scripts(args)?, view, planned, diff),
            Manager::Scripts => Ok(Json::Object(plain(&args.shared))),
        }
    }
}

enum Manager {
    Systemd,
    Sysvinit,
    Scripts,
}

fn manager(args: &Args, view: &dyn View) -> Result<Manager> {
    let wanted = args.manager.as_deref().unwrap_or("auto");
    let name = match wanted {
        "auto" => facts::service_manager(view),
        name => name.trim_start_matches("ansible.builtin.").to_owned(),
    };
    match name.as_str() {
        "systemd" | "systemd_service" => Ok(Manager::Systemd),
        "sysvinit" => Ok(Manager::Sysvinit),
        "service" => Ok(Manager::Scripts),
        name if wanted == "auto" && name != "openrc" && name != "runit" => Ok(Manager::Scripts),
        name => Err(Diag::error(
            "unsupported-service-manager",
            format!("services looked after by {name} are not supported"),
        )
        .about("use")),
    }
}

fn scripts(args: &Args) -> Result<sysvinit::Args> {
    let Some(name) = args.shared.name.clone() else {
        return Err(Diag::error("missing-option", "missing required option `name`").about("name"));
    };
    Ok(sysvinit::Args {
        name,
        state: args.shared.state,
        enabled: args.shared.enabled,
        sleep: args.sleep.unwrap_or(1),
        pattern: args.pattern.clone(),
        runlevels: Vec::new(),
        arguments: args.arguments.clone(),
        daemonize: false,
    })
}

fn plain(args: &systemd::Args) -> Map<String, Json> {
    let mut result = Map::new();
    result.insert("name".into(), json!(args.name));
    if let Some(enabled) = args.enabled {
        result.insert("enabled".into(), json!(enabled));
    }
    if let Some(state) = args.state {
        let stopped = state == systemd::State::Stopped;
        result.insert(
            "state".into(),
            json!(if stopped { "stopped" } else { "started" }),
        );
    }
    result
}
