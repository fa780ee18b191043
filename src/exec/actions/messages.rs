//! `debug`, `assert` and `fail`.

use super::{arguments, flag, text};
use crate::diag::Result;
use crate::exec::host::{HostRun, Stop};
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::sys::Known;
use crate::value::{Map, Trust, Value};

/// `debug`
pub fn debug(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let verbosity = args
        .get("verbosity")
        .and_then(|v| v.to_text().trim().parse::<u8>().ok())
        .unwrap_or(0);
    let mut result = Map::new();
    if verbosity > host.run.options.verbosity {
        result.insert("skipped", true);
        result.insert("skipped_reason", "Verbosity threshold not met.");
        result.insert("changed", false);
        return host.end(job, Judged::of_value(Value::map(result)));
    }
    // Ansible's callback shows these results in full at any verbosity.
    result.insert("_ansible_verbose_always", true);
    if let Some(var) = args.get("var").filter(|v| !v.is_null()) {
        let value = variable(host, job, var)?;
        match value {
            Ok(value) => {
                result.insert(var.to_text(), value);
            }
            Err(diag) if diag.code == "undefined-variable" => {
                result.insert(var.to_text(), "VARIABLE IS NOT DEFINED!");
            }
            Err(diag) => {
                return host.end(job, Judged::failed(diag.at_if_none(var.span)));
            }
        }
    } else {
        let msg = args.get("msg").filter(|v| !v.is_null()).cloned();
        result.insert("msg", msg.unwrap_or_else(|| Value::str("Hello world!")));
    }
    result.insert("changed", false);
    let mut judged = Judged::of_value(Value::map(result));
    judged.status = crate::output::Status::Ok;
    host.end(job, judged)
}

/// The value of an expression without braces.
fn variable(host: &mut HostRun, job: &Job, var: &Value) -> Result<Result<Value>, Stop> {
    let Some(name) = var.as_str() else {
        return Ok(Ok(var.clone()));
    };
    let mut template = Value::template(format!("{{{{ {name} }}}}"));
    template.span = var.span;
    host.eval(
        |host| host.job_scope(job),
        |run, scope| run.engine.render(&template, scope, &job.unit.context),
        |value| value.find_unknown().is_some(),
    )
}

/// `fail`
pub fn fail(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let msg = text(&args, "msg").unwrap_or_else(|| "Failed as requested from task".to_owned());
    let result: Map = [
        ("msg", Value::str(msg)),
        ("failed", Value::from(true)),
        ("changed", Value::from(false)),
    ]
    .into_iter()
    .collect();
    host.end(job, Judged::of_value(Value::map(result)))
}

/// `assert`. The conditions are evaluated as written, not rendered first.
pub fn assert(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let that = job.task.args.get("that").cloned().unwrap_or_default();
    let conditions = match that.as_list() {
        Some(items) => items.to_vec(),
        None => vec![that],
    };
    for condition in &conditions {
        let held = host.eval(
            |host| host.job_scope(job),
            |run, scope| run.engine.condition(condition, scope, &job.unit.context),
            Known::is_unknown,
        )?;
        match held {
            Ok(Known::Known(true)) => {}
            Ok(Known::Unknown) => {
                return host.end(job, Judged::unknown("what it asserts is known after apply"));
            }
            Ok(Known::Known(false)) => {
                let msg = message(host, job, &["fail_msg", "msg"], "Assertion failed")?;
                let mut result = Map::new();
                result.insert("failed", true);
                result.insert("evaluated_to", false);
                result.insert("assertion", shown(condition));
                result.insert("msg", msg);
                result.insert("changed", false);
                result.insert("_ansible_verbose_always", true);
                return host.end(job, Judged::of_value(Value::map(result)));
            }
            Err(diag) => {
                let diag = diag.at_if_none(condition.span.or(job.task.span));
                return host.end(job, Judged::failed(diag));
            }
        }
    }
    let msg = message(host, job, &["success_msg"], "All assertions passed")?;
    let mut result = Map::new();
    result.insert("changed", false);
    result.insert("msg", msg);
    let quiet = job
        .task
        .args
        .get("quiet")
        .is_some_and(|_| flag(&job.task.args, "quiet", false));
    if !quiet {
        result.insert("_ansible_verbose_always", true);
    }
    host.end(job, Judged::of_value(Value::map(result)))
}

/// A condition as data: what was written, never rendered again.
fn shown(condition: &Value) -> Value {
    let mut shown = condition.clone();
    if let crate::value::Kind::Str(text) = &mut shown.kind {
        text.trust = Trust::Plain;
    }
    shown
}

fn message(host: &mut HostRun, job: &Job, names: &[&str], default: &str) -> Result<Value, Stop> {
    for name in names {
        if let Some(value) = job.task.args.get(name).filter(|v| !v.is_null()) {
            return host.render_or(&value.clone(), &job.task, &job.around);
        }
    }
    Ok(Value::str(default))
}
