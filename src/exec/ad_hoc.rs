//! One task in place of a playbook: `gxdeploy run`.

use super::options::AdHoc;
use crate::diag::{Diag, Result};
use crate::modules;
use crate::play::ast::{Item, Play, Task};
use crate::play::split;
use crate::value::{Map, Value};
use std::sync::Arc;

/// The play of an ad hoc task.
///
/// # Errors
/// `unknown-module`, `bad-arguments`.
pub fn play(ad_hoc: &AdHoc) -> Result<Play> {
    let Some(entry) = modules::find(&ad_hoc.module) else {
        return Err(Diag::error(
            "unknown-module",
            format!("couldn't resolve module/action '{}'", ad_hoc.module),
        )
        .did_you_mean(&ad_hoc.module, modules::names()));
    };
    let args = arguments(ad_hoc, entry.free_form)?;
    let task = Task {
        module: ad_hoc.module.clone(),
        args,
        ..Task::default()
    };
    Ok(Play {
        name: Some(Value::str("Ansible Ad-Hoc")),
        hosts: Value::str(ad_hoc.hosts.as_str()),
        gather_facts: Some(Value::from(false)),
        tasks: vec![Item::Task(Arc::new(task))],
        ..Play::default()
    })
}

fn arguments(ad_hoc: &AdHoc, free_form: Option<&str>) -> Result<Value> {
    let text = ad_hoc.args.trim();
    if text.starts_with('{') {
        let sources = crate::diag::SourceMap::default();
        return crate::yaml::load(&sources, std::path::Path::new("<arguments>"), text);
    }
    let command = matches!(
        ad_hoc.module.rsplit('.').next(),
        Some("command" | "shell" | "raw" | "script")
    );
    let bad = || {
        Diag::error(
            "bad-arguments",
            format!("the arguments {text:?} are not key=value words"),
        )
    };
    let words = split::parse_kv(text, command).ok_or_else(bad)?;
    let mut args: Map = words
        .pairs
        .into_iter()
        .map(|pair| (pair.key, Value::template(pair.value)))
        .collect();
    match (words.free, free_form) {
        (Some(free), Some(option)) => {
            args.insert(option, Value::template(free));
        }
        (Some(_), None) => return Err(bad()),
        (None, _) => {}
    }
    Ok(Value::map(args))
}
