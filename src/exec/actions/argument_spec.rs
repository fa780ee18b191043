//! `validate_argument_spec`: variables against the options that a role declares.

mod convert;
mod validate;

use crate::diag::Result;
use crate::exec::host::{HostRun, Stop};
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::value::{Value, from_json};
use serde_json::json;

/// `validate_argument_spec`
pub fn validate(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = super::arguments(host, job)? else {
        return Ok(());
    };
    let spec = args.get("argument_spec").cloned().unwrap_or_default();
    let provided = args.get("provided_arguments").cloned().unwrap_or_default();
    // Parameters of the role that it does not declare are wrong too.
    let mut given = provided.as_map().cloned().unwrap_or_default();
    for (key, _) in spec.as_map().into_iter().flatten() {
        let name = key.to_value().to_text();
        if provided.get(&name).is_some() {
            continue;
        }
        let variable = Value::template(format!("{{{{ {name} }}}}"));
        if host.job_scope(job).get(&name).is_none() {
            continue;
        }
        match host.render(&variable, &job.task, &job.around)? {
            Ok(value) => {
                given.insert(name.as_str(), value);
            }
            Err(diag) => {
                return host.end(job, Judged::failed(diag.at_if_none(job.task.span)));
            }
        }
    }
    let errors = validate::errors(&spec, &Value::map(given));
    let context = args
        .get("validate_args_context")
        .map_or(json!({}), Value::to_json);
    if errors.is_empty() {
        let result = json!({
            "changed": false,
            "msg": "The arg spec validation passed",
            "validate_args_context": context,
        });
        return host.end(job, Judged::new(result));
    }
    let result = json!({
        "changed": false,
        "failed": true,
        "msg": format!("Validation of arguments failed:\n{}", errors.join("\n")),
        "argument_errors": errors,
        "argument_spec_data": spec.to_json(),
        "validate_args_context": context,
    });
    host.end(job, Judged::of_value(from_json(&result)))
}
