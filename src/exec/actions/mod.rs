//! What the control side carries out itself: one file for each family of modules.

mod argument_spec;
mod include;
mod include_vars;
mod inventory;
mod messages;
pub mod meta;
mod pause;
mod reboot;
mod set_fact;
pub mod set_stats;

use super::context::Surroundings;
use super::host::{HostRun, Stop};
use super::results::Judged;
use super::task::Job;
use super::unit::to_bool;
use crate::diag::{Diag, Result};
use crate::modules;
use crate::play::ast::{Common, Task};
use crate::value::{Kind, Map, Value};
pub use include::{Included, enter};
use std::sync::Arc;

/// Carries out a task of a control-side module.
///
/// # Errors
/// Why the host does not go on behind it.
pub fn perform(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(entry) = modules::find(&job.task.module) else {
        let diag = Diag::error(
            "unknown-module",
            format!("couldn't resolve module/action '{}'", job.task.module),
        )
        .at(job.task.module_span, "")
        .did_you_mean(&job.task.module, modules::names());
        return host.end(job, Judged::failed(diag));
    };
    if let Some(judged) = host.earlier_action(job) {
        host.flush()?;
        return host.end(job, judged);
    }
    match entry.name {
        "debug" => messages::debug(host, job),
        "ansible._protomatter.debug" => messages::expressions(host, job),
        "assert" => messages::assert(host, job),
        "fail" => messages::fail(host, job),
        "set_fact" => set_fact::set_fact(host, job),
        "set_stats" => set_stats::set_stats(host, job),
        "meta" => meta::meta(host, job),
        "include_tasks" => include::include_tasks(host, job),
        "include_role" => include::include_role(host, job),
        "include_vars" => include_vars::include_vars(host, job),
        "add_host" => inventory::add_host(host, job),
        "group_by" => inventory::group_by(host, job),
        "pause" => pause::pause(host, job),
        "reboot" => reboot::reboot(host, job),
        "wait_for_connection" => reboot::wait_for_connection(host, job),
        "validate_argument_spec" => argument_spec::validate(host, job),
        other => {
            let diag = Diag::error(
                "wrong-place",
                format!("`{other}` cannot be used as a task here"),
            )
            .at(job.task.module_span, "");
            host.end(job, Judged::failed(diag))
        }
    }
}

/// Actions that may be tried again (`until`): each comes to one result and does nothing else.
pub fn can_be_tried_again(job: &Job) -> bool {
    const NAMES: [&str; 9] = [
        "add_host",
        "assert",
        "debug",
        "fail",
        "group_by",
        "include_vars",
        "pause",
        "set_fact",
        "wait_for_connection",
    ];
    modules::find(&job.task.module).is_some_and(|entry| NAMES.contains(&entry.name))
}

/// The rendered and checked arguments of a control-side task. Ends the task where they are wrong or
/// not known yet: then the answer is `None`.
fn arguments(host: &mut HostRun, job: &Job) -> Result<Option<Value>, Stop> {
    let Some(entry) = modules::find(&job.task.module) else {
        return Ok(None);
    };
    let rendered = host.eval(
        |host| host.job_scope(job),
        |run, scope| {
            let args = super::arguments::arguments(run, job, scope, entry)?;
            if args.find_unknown().is_none() {
                (entry.check)(&args, &run.sources)
                    .map_err(|diag| super::arguments::worded(diag, entry, &args))?;
            }
            Ok(args)
        },
        |args| args.find_unknown().is_some(),
    )?;
    match rendered {
        Ok(args) => Ok(Some(args)),
        Err(diag) => {
            host.end(job, Judged::failed(diag.at_if_none(job.task.span)))?;
            Ok(None)
        }
    }
}

/// A text option.
fn text(args: &Value, name: &str) -> Option<String> {
    args.get(name)
        .filter(|value| !value.is_null())
        .map(Value::to_text)
}

/// A boolean option.
fn flag(args: &Value, name: &str, default: bool) -> bool {
    args.get(name)
        .filter(|value| !value.is_null())
        .map_or(default, to_bool)
}

/// A list option that may be one text with commas.
fn list(args: &Value, name: &str) -> Vec<String> {
    let Some(value) = args.get(name) else {
        return Vec::new();
    };
    match &value.kind {
        Kind::List(items) => items.iter().map(Value::to_text).collect(),
        Kind::Null => Vec::new(),
        _ => value
            .to_text()
            .split(',')
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect(),
    }
}

/// The implicit `setup` at the beginning of a play.
///
/// # Errors
/// Why the host does not go on with the play.
pub fn gather(host: &mut HostRun, around: &Arc<Surroundings>) -> Result<(), Stop> {
    let play = host.play.play.clone();
    let wanted = match &play.gather_facts {
        Some(value) => {
            let task = Task::default();
            host.flag(Some(value), &task, around)?
        }
        None => host.run.gathers_by_default(&host.host, &host.ahead),
    };
    if !wanted || !host.run.tags.selects(&["always".to_owned()]) {
        return Ok(());
    }
    let mut args = Map::new();
    for (key, value) in &play.gather_options {
        args.insert(key.clone(), value.clone());
    }
    let task = Arc::new(Task {
        name: Some(Value::str("Gathering Facts")),
        module: "setup".to_owned(),
        args: Value::map(args),
        common: Common {
            tags: vec![Value::str("always")],
            ..Common::default()
        },
        file: play.file.clone(),
        span: play.span,
        ..Task::default()
    });
    let started = std::mem::replace(&mut host.started, true);
    let end = host.task(&task, around);
    host.started = started;
    end
}
