//! `add_host` and `group_by`: hosts and groups for the rest of the run.

use super::{arguments, list, text};
use crate::diag::{Diag, Result};
use crate::exec::host::{HostRun, Stop};
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::value::{Map, Value};
use serde_json::json;

const NAMES: [&str; 3] = ["name", "hostname", "host"];
const GROUPS: [&str; 4] = ["groups", "group", "groupname", "groupnames"];

/// `add_host`
pub fn add_host(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    host.flush()?;
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let Some(name) = NAMES.iter().find_map(|key| text(&args, key)) else {
        let diag = Diag::error(
            "missing-option",
            "name, host or hostname needs to be provided",
        );
        return host.end(job, Judged::failed(diag.at(job.task.span, "")));
    };
    let groups: Vec<String> = GROUPS.iter().flat_map(|key| list(&args, key)).collect();
    let (name, port) = split_port(&name);
    let mut vars = Map::new();
    if let Some(port) = port {
        vars.insert("ansible_ssh_port", i64::from(port));
    }
    for (key, value) in args.as_map().into_iter().flatten() {
        let option = key.to_value().to_text();
        if !NAMES.contains(&option.as_str()) && !GROUPS.contains(&option.as_str()) {
            vars.insert(key.clone(), value.clone());
        }
    }
    let shown = json!({
        "host_name": name,
        "groups": groups,
        "host_vars": Value::map(vars.clone()).to_json(),
    });
    let changed = host.run.add_host(&name, &groups, vars);
    host.follow_inventory();
    let result = json!({"changed": changed, "add_host": shown});
    host.end(job, Judged::new(result))
}

fn split_port(name: &str) -> (String, Option<u16>) {
    match name.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => match port.parse() {
            Ok(port) => (host.to_owned(), Some(port)),
            Err(_) => (name.to_owned(), None),
        },
        _ => (name.to_owned(), None),
    }
}

/// `group_by`
pub fn group_by(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    host.flush()?;
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let Some(key) = text(&args, "key") else {
        let diag = Diag::error(
            "missing-option",
            "the 'key' param is required when using group_by",
        );
        return host.end(job, Judged::failed(diag.at(job.task.span, "")));
    };
    let group = key.replace(' ', "-");
    let mut parents: Vec<String> = list(&args, "parents")
        .into_iter()
        .map(|parent| parent.replace(' ', "-"))
        .collect();
    if parents.is_empty() {
        parents.push("all".to_owned());
    }
    let changed = host.run.group_host(&host.host, &group, &parents);
    host.follow_inventory();
    let result = json!({
        "changed": changed, "add_group": group, "parent_groups": parents,
    });
    host.end(job, Judged::new(result))
}
