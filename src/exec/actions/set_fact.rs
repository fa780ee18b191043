//! `set_fact`.

use super::{arguments, flag};
use crate::diag::{Diag, Result};
use crate::exec::host::{HostRun, Stop};
use crate::exec::queue::Effect;
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::value::{Map, Value};

/// Sets variables of the host. With `cacheable` they are facts too.
pub fn set_fact(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let cacheable = flag(&args, "cacheable", false);
    let mut facts = Map::new();
    for (key, value) in args.as_map().into_iter().flatten() {
        let name = key.to_value().to_text();
        if name == "cacheable" {
            continue;
        }
        if !is_variable(&name) {
            let diag = Diag::error(
                "bad-variable-name",
                format!(
                    "The variable name '{name}' is not valid. Variables must start with a letter \
                     or underscore character, and contain only letters, numbers and underscores."
                ),
            )
            .at(key.span, "");
            return host.end(job, Judged::failed(diag));
        }
        facts.insert(name.as_str(), value.clone());
    }
    if facts.is_empty() {
        let diag = Diag::error(
            "missing-option",
            "No key/value pairs provided, at least one is required for this action to succeed",
        );
        return host.end(job, Judged::failed(diag.at(job.task.span, "")));
    }
    for (key, value) in &facts {
        host.apply(Effect::Set(key.to_value().to_text(), value.clone()));
    }
    if cacheable {
        host.apply(Effect::Facts(facts.clone()));
    }
    let result: Map = [
        ("changed", Value::from(false)),
        ("ansible_facts", Value::map(facts)),
        ("_ansible_facts_cacheable", Value::from(cacheable)),
    ]
    .into_iter()
    .collect();
    host.end(job, Judged::of_value(Value::map(result)))
}

fn is_variable(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}
