//! `service_facts`: which services a host has, and whether they run.

use super::Module;
use super::common::{command, unit};
use crate::diag::Result;
use crate::sys::{Known, Outcome, View};
use crate::value::unknown_json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::Path;

/// Finds the services of a host. They are the fact `services` afterwards.
///
/// In a dry run planned services are among them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {}

/// The module.
pub struct ServiceFacts;

impl Module for ServiceFacts {
    const NAME: &'static str = "service_facts";
    const FQCN: &'static str = "ansible.builtin.service_facts";
    const BRINGS_FACTS: bool = true;
    type Args = Args;

    fn result(_: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        let mut found = Found::default();
        let asked = ask(&mut found, view)?;
        if asked.is_unknown() {
            let services = unknown_json("services of the host");
            return Ok(json!({"ansible_facts": {"services": services}}));
        }
        plan(&mut found, view)?;
        if found.services.is_empty() {
            return Ok(json!({
                "skipped": true,
                "msg": "Failed to find any services. This can be due to privileges or some other \
                        configuration issue.",
            }));
        }
        let mut result = json!({"ansible_facts": {"services": found.services}});
        if !found.warnings.is_empty() {
            result["warnings"] = json!(found.warnings);
        }
        Ok(result)
    }
}

#[derive(Default)]
struct Found {
    services: Map<String, Json>,
    warnings: Vec<String>,
}

/// Asks all programs that know services.
fn ask(found: &mut Found, view: &dyn View) -> Result<Known<()>> {
    let has = |program: &str| view.which(program).map(|at| at.presume(None).is_some());
    if has("service")? && !has("chkconfig")? && sysv(found, view)?.is_unknown() {
        return Ok(Known::Unknown);
    }
    if is_systemd(view)? && has("systemctl")? {
        return systemd(found, view);
    }
    Ok(Known::Known(()))
}

/// True where systemd looks after this host.
fn is_systemd(view: &dyn View) -> Result<bool> {
    for path in ["/run/systemd/system", "/dev/.run/systemd", "/dev/.systemd"] {
        if matches!(view.lstat(Path::new(path))?, Known::Known(Some(_))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Scripts in `/etc/init.d`: ` [ + ]  NAME`.
fn sysv(found: &mut Found, view: &dyn View) -> Result<Known<()>> {
    let Known::Known(output) = command::query(view, ["service", "--status-all"])? else {
        return Ok(Known::Unknown);
    };
    if output.rc != 0 {
        let said = output.err_text();
        let rc = output.rc;
        let warning = format!("Unable to query 'service' tool ({rc}): {said}");
        found.warnings.push(warning);
    }
    for line in output.text().lines() {
        let line = line.trim_start();
        let state = if line.starts_with("[ + ]") {
            "running"
        } else if line.starts_with("[ - ]") {
            "stopped"
        } else {
            continue;
        };
        let name = line[5..].trim_start();
        let service = json!({"name": name, "state": state, "source": "sysv"});
        found.services.insert(name.to_owned(), service);
    }
    Ok(Known::Known(()))
}

fn systemd(found: &mut Found, view: &dyn View) -> Result<Known<()>> {
    let list = |what: &str| {
        let words = [
            "systemctl",
            what,
            "--no-pager",
            "--type",
            "service",
            "--all",
            "--plain",
        ];
        command::query(view, words)
    };
    let (Known::Known(units), Known::Known(files)) =
        (list("list-units")?, list("list-unit-files")?)
    else {
        return Ok(Known::Unknown);
    };
    if !units.ok() {
        let said = units.err_text();
        found
            .warnings
            .push(format!("Could not list units from systemd: {said}"));
    }
    for line in units.text().lines().filter(|l| l.contains(".service")) {
        loaded(found, line);
    }
    if !files.ok() {
        let said = files.err_text();
        let warning = format!("Could not get unit files data from systemd: {said}");
        found.warnings.push(warning);
    }
    let mut others = Vec::new();
    for line in files.text().lines().filter(|l| l.contains(".service")) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(status)) = (words.next(), words.next()) else {
            continue;
        };
        match found.services.get_mut(name) {
            Some(service) if service["source"] == "systemd" => {
                if !service["status"].as_str().is_some_and(is_bad) {
                    service["status"] = json!(status);
                }
            }
            _ => others.push((name.to_owned(), status.to_owned())),
        }
    }
    not_loaded(found, others, view)
}

/// States that say more than whether a unit is enabled.
fn is_bad(state: &str) -> bool {
    matches!(state, "not-found" | "masked" | "failed")
}

/// A line of `list-units`: name, load, active and sub state, description.
fn loaded(found: &mut Found, line: &str) {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [name, _, active, sub, ..] = words[..] else {
        return;
    };
    let states = &words[..words.len() - 1];
    // In the order in which no two of them come together.
    let status = states.iter().find(|word| is_bad(word)).unwrap_or(&active);
    let state = if sub == "running" {
        "running"
    } else {
        "stopped"
    };
    let service = json!({"name": name, "state": state, "status": status, "source": "systemd"});
    found.services.insert(name.to_owned(), service);
}

/// Units that only have a file: what they are is asked for all at once.
fn not_loaded(
    found: &mut Found,
    units: Vec<(String, String)>,
    view: &dyn View,
) -> Result<Known<()>> {
    // A template has no state.
    let named: Vec<&str> = units
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !name.contains("@."))
        .collect();
    let mut states = Vec::new();
    if !named.is_empty() {
        let words = ["systemctl", "show", "--property=ActiveState"];
        let Known::Known(output) = command::query(view, words.into_iter().chain(named.clone()))?
        else {
            return Ok(Known::Unknown);
        };
        let text = output.text();
        let lines = text.lines().filter_map(|l| l.strip_prefix("ActiveState="));
        states = lines.map(str::to_owned).collect();
    }
    for (name, status) in &units {
        let at = named.iter().position(|n| n == name);
        let state = at.and_then(|at| states.get(at));
        let state = state.map_or("unknown", String::as_str);
        let service = json!({"name": name, "state": state, "status": status, "source": "systemd"});
        found.services.insert(name.clone(), service);
    }
    Ok(Known::Known(()))
}

/// What earlier planned steps make of services.
fn plan(found: &mut Found, view: &dyn View) -> Result<()> {
    let systemd = is_systemd(view)?;
    for (name, _) in view.assumptions("service:") {
        let Some(state) = unit::assumed(view, "system", &name) else {
            continue;
        };
        let key = if systemd {
            format!("{name}.service")
        } else {
            name
        };
        if !state.exists {
            found.services.remove(&key);
            continue;
        }
        let running = if state.active { "running" } else { "stopped" };
        let mut service = json!({"name": key, "state": running, "source": "sysv"});
        if systemd {
            let status = match (state.masked, state.enabled) {
                (true, _) => "masked",
                (_, true) => "enabled",
                _ => "disabled",
            };
            service["status"] = json!(status);
            service["source"] = json!("systemd");
        }
        found.services.insert(key, service);
    }
    Ok(())
}
