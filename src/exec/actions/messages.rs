//! `debug`, `assert` and `fail`.

use super::{arguments, flag};
use crate::diag::{Diag, Result, Span};
use crate::exec::arguments::MORE;
use crate::exec::host::{HostRun, Stop};
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::play::ast::Task;
use crate::sys::Known;
use crate::value::{Kind, Map, Trust, Value};
use std::sync::Arc;

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
    let var = args.get("var").filter(|v| !v.is_null());
    let msg = args.get("msg").filter(|v| !v.is_null());
    if var.is_some() && msg.is_some() {
        let diag = Diag::error(
            "conflicting-options",
            "parameters are mutually exclusive: msg|var",
        );
        return host.end(job, Judged::failed(diag.at(job.task.span, "")));
    }
    if let Some(var) = var {
        match variable(host, job, var)? {
            Ok((value, warnings)) => {
                result.insert(var.to_text(), value);
                if !warnings.is_empty() {
                    result.insert("warnings", Value::list(warnings));
                }
            }
            Err(diag) => {
                return host.end(job, Judged::failed(diag.at_if_none(var.span)));
            }
        }
    } else {
        // An explicit `none` is a message too.
        let given = args.get("msg").cloned();
        result.insert("msg", given.unwrap_or_else(|| Value::str("Hello world!")));
    }
    result.insert("changed", false);
    let mut judged = Judged::of_value(Value::map(result));
    judged.status = crate::output::Status::Ok;
    host.end(job, judged)
}

/// The value of an expression without braces, and warnings about it.
fn variable(
    host: &mut HostRun,
    job: &Job,
    var: &Value,
) -> Result<Result<(Value, Vec<Value>)>, Stop> {
    let Some(name) = var.as_str() else {
        let message = format!(
            "argument 'var' is of type {} and we were unable to convert to \
             _check_type_str_no_conversion: '{}' is not a string and conversion is not allowed",
            var.type_name(),
            var.to_text()
        );
        return Ok(Err(Diag::error("wrong-type", message)));
    };
    if !trusted(job, var) {
        let message = "Encountered untrusted template or expression.";
        return Ok(Err(
            Diag::error("untrusted-template", message).doing("Action failed")
        ));
    }
    let mut template = Value::template(format!("{{{{ {name} }}}}"));
    template.span = var.span;
    let made = host.eval(
        |host| host.job_scope(job),
        |run, scope| {
            let context = &job.unit.context;
            run.engine.render_marked(&template, scope, context)
        },
        |(value, _)| value.find_unknown().is_some(),
    )?;
    Ok(made.map(|(value, warning)| {
        let mut warnings: Vec<Value> = warning.into_iter().map(Value::str).collect();
        if value.as_str() == Some("<<Omit>>") {
            let text = format!("The value of '{name}' could not be omitted.");
            warnings.push(Value::str(text));
        }
        (value, warnings)
    }))
}

/// `ansible._protomatter.debug`
pub fn expressions(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let given = job.task.args.get("expression").cloned().unwrap_or_default();
    let list = match given.as_list() {
        Some(items) => items.to_vec(),
        None => vec![given],
    };
    let (mut values, mut warnings) = (Vec::new(), Vec::new());
    for expression in &list {
        match variable(host, job, expression)? {
            Ok((value, more)) => {
                values.push(value);
                warnings.extend(more);
            }
            Err(diag) => return host.end(job, Judged::failed(diag.at_if_none(expression.span))),
        }
    }
    let mut result = Map::new();
    result.insert("expression_result", Value::list(values));
    if !warnings.is_empty() {
        result.insert("warnings", Value::list(warnings));
    }
    result.insert("changed", false);
    result.insert("_ansible_verbose_always", true);
    host.end(job, Judged::of_value(Value::map(result)))
}

/// True where an expression is the user's own text: written in the task, or the value of a variable
/// that was. Text that a template put together is data.
fn trusted(job: &Job, var: &Value) -> bool {
    let written = job.task.args.get("var");
    match written.map(|value| (&value.kind, value.span)) {
        Some((Kind::Str(text), span)) => match text.trust {
            Trust::Plain => false,
            Trust::Vault => true,
            Trust::Template if text.text.contains("{{") => !var.span.is_none() && var.span != span,
            Trust::Template => true,
        },
        _ => true,
    }
}

/// `fail`
pub fn fail(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let msg = args.get("msg").filter(|v| !v.is_null()).cloned();
    let msg = msg.unwrap_or_else(|| Value::str("Failed as requested from task"));
    let result: Map = [
        ("msg", msg),
        ("failed", Value::from(true)),
        ("changed", Value::from(false)),
    ]
    .into_iter()
    .collect();
    host.end(job, Judged::of_value(Value::map(result)))
}

/// The variable that is all of a template, as it was written.
fn written(host: &HostRun, job: &Job, template: &Value) -> Option<Value> {
    let inside = template.as_str()?.trim().strip_prefix("{{")?;
    host.job_scope(job).get(inside.strip_suffix("}}")?.trim())
}

/// The conditions of a variable that lists them.
fn listed(host: &HostRun, job: &Job, that: &Value) -> Option<Vec<Value>> {
    written(host, job, that)?.as_list().map(<[Value]>::to_vec)
}

/// Conditions that came by a variable: those that stand written somewhere are the user's own, what a
/// template put together is data.
fn as_written(host: &HostRun, that: &Value, template: Span) -> Value {
    match &that.kind {
        Kind::List(items) => Value::list(
            items
                .iter()
                .map(|item| as_written(host, item, template))
                .collect(),
        ),
        Kind::Str(text) if that.span != template && is_plain(host, that) => {
            Value::template(text.text.as_ref()).at(that.span)
        }
        _ => that.clone(),
    }
}

/// True where a value is written somewhere, and no template.
fn is_plain(host: &HostRun, value: &Value) -> bool {
    let written = host.run.sources.text(value.span);
    written.is_some_and(|text| !text.contains("{{") && !text.contains("{%"))
}

/// `assert`. The conditions are evaluated as written, not rendered first.
pub fn assert(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    // All options, or further ones, are one template.
    let whole = job.task.args.as_str().map(|_| job.task.args.clone());
    if let Some(template) = whole.or_else(|| job.task.args.get(MORE).cloned()) {
        let given = match written(host, job, &template) {
            Some(args) => args,
            None => match host.render(&template, &job.task, &job.around)? {
                Ok(args) => args,
                Err(diag) => return host.end(job, Judged::failed(diag)),
            },
        };
        let Some(given) = given.as_map() else {
            let diag = Diag::error("missing-option", "missing required arguments: that");
            return host.end(job, Judged::failed(diag.at_if_none(job.task.span)));
        };
        let mut args = given.clone();
        if let Some(that) = given.get("that") {
            args.insert("that", as_written(host, that, template.span));
        }
        for (key, value) in job.task.args.as_map().into_iter().flatten() {
            if key.as_str() != Some(MORE) {
                args.insert(key.clone(), value.clone());
            }
        }
        let args = Value::map(args).at(job.task.args.span);
        let task = Task {
            args,
            ..Task::clone(&job.task)
        };
        return assert(
            host,
            &Job {
                task: Arc::new(task),
                around: job.around.clone(),
                keywords: job.keywords.clone(),
                unit: job.unit.clone(),
                item: job.item.clone(),
                shared: job.shared,
            },
        );
    }
    if let Err(diag) = checked(host, job)? {
        return host.end(job, Judged::failed(diag.at_if_none(job.task.span)));
    }
    let that = job.task.args.get("that").cloned().unwrap_or_default();
    let conditions = match that.as_list() {
        Some(items) => items.to_vec(),
        None if listed(host, job, &that).is_some() => listed(host, job, &that).unwrap_or_default(),
        None => match host.render(&that, &job.task, &job.around)? {
            // A template may give the list of conditions.
            Ok(list) if that.as_str().is_some() && list.as_list().is_some() => {
                list.as_list().unwrap_or_default().to_vec()
            }
            _ => vec![that],
        },
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

/// The options of `assert` besides its conditions.
fn checked(host: &mut HostRun, job: &Job) -> Result<Result<()>, Stop> {
    let args = &job.task.args;
    if args.get("that").is_none_or(Value::is_null) {
        let diag = Diag::error("missing-option", "missing required arguments: that");
        return Ok(Err(diag));
    }
    for name in ["fail_msg", "msg", "success_msg"] {
        let Some(value) = args.get(name).filter(|v| !v.is_null()) else {
            continue;
        };
        let value = host.render_or(value, &job.task, &job.around)?;
        let fits = match &value.kind {
            Kind::List(items) => items.iter().all(|item| item.as_str().is_some()),
            Kind::Map(_) => false,
            _ => true,
        };
        if !fits {
            let name = if name == "msg" { "fail_msg" } else { name };
            let message = format!(
                "argument '{name}' is of type {} and we were unable to convert to \
                 str_or_list_of_str: a string or list of strings is required",
                value.type_name()
            );
            return Ok(Err(Diag::error("wrong-type", message).at(value.span, "")));
        }
    }
    Ok(Ok(()))
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
