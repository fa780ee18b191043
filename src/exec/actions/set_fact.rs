//! `set_fact`.

use super::{arguments, flag};
use crate::diag::{Diag, Result};
use crate::exec::collect::Report;
use crate::exec::host::{HostRun, Stop};
use crate::exec::queue::Effect;
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::value::{Key, Map, Value};

/// Sets variables of the host. With `cacheable` they are facts too.
pub fn set_fact(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let cacheable = flag(&args, "cacheable", false);
    let mut facts = Map::new();
    for (key, value) in args.as_map().into_iter().flatten() {
        if key.as_str() == Some("cacheable") {
            continue;
        }
        let rendered = match name_of(host, job, key)? {
            Ok(name) => name,
            Err(diag) => return host.end(job, Judged::failed(diag.at_if_none(key.span))),
        };
        let name = rendered.to_text();
        if rendered.as_str().is_none() || !is_variable(&name) {
            let kind = match rendered.as_str() {
                Some(_) => String::new(),
                None => format!(" of type '{}'", rendered.type_name()),
            };
            let diag = Diag::error(
                "bad-variable-name",
                format!("Invalid variable name '{name}'{kind}."),
            )
            .at(key.span, "")
            .help(
                "names consist of letters, digits and underscores, and do not begin with a digit",
            );
            return host.end(job, Judged::failed(diag));
        }
        let mut named = Key::from(name.as_str());
        named.span = key.span;
        if let Some(warning) = crate::play::reserved::warning(&named) {
            host.report(Report::Message(warning));
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
        let effect = Effect::Set(key.to_value().to_text(), value.clone());
        host.apply_facts(&job.unit, effect);
    }
    if cacheable {
        host.apply_facts(&job.unit, Effect::Facts(facts.clone()));
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

/// A name may be a template, where the user wrote it.
fn name_of(host: &mut HostRun, job: &Job, key: &Key) -> Result<Result<Value>, Stop> {
    match key.as_str() {
        Some(text) if text.contains("{{") && !key.span.is_none() => {
            let template = Value::template(text).at(key.span);
            host.eval(
                |host| host.job_scope(job),
                |run, scope| run.engine.render(&template, scope, &job.unit.context),
                |value| value.find_unknown().is_some(),
            )
        }
        _ => Ok(Ok(key.to_value())),
    }
}

pub fn is_variable(name: &str) -> bool {
    // These are values in templates.
    if ["True", "False", "None", "true", "false", "none"].contains(&name) {
        return false;
    }
    let mut chars = name.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
