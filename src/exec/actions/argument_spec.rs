//! `validate_argument_spec`: variables against the options that a role declares.

use crate::diag::Result;
use crate::exec::host::{HostRun, Stop};
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::exec::unit::to_bool;
use crate::value::{Kind, Map, Value, from_json};
use serde_json::json;

/// `validate_argument_spec`
pub fn validate(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = super::arguments(host, job)? else {
        return Ok(());
    };
    let spec = args.get("argument_spec").cloned().unwrap_or_default();
    let provided = args.get("provided_arguments").cloned().unwrap_or_default();
    let mut given = Map::new();
    for (key, _) in spec.as_map().into_iter().flatten() {
        let name = key.to_value().to_text();
        if let Some(value) = provided.get(&name) {
            given.insert(name.as_str(), value.clone());
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
    let mut errors = Vec::new();
    check_options(&spec, &Value::map(given), "", &mut errors);
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

/// Checks a dict of options; messages are worded as those of ansible-core 2.19.14 (observed).
fn check_options(spec: &Value, given: &Value, path: &str, errors: &mut Vec<String>) {
    let Some(options) = spec.as_map() else {
        return;
    };
    let mut missing = Vec::new();
    for (key, option) in options {
        let name = key.to_value().to_text();
        match given.get(&name) {
            None if option.get("required").is_some_and(to_bool) => missing.push(name),
            None => {}
            Some(value) if value.is_null() => {}
            Some(value) => check_value(&name, option, value, path, errors),
        }
    }
    if !missing.is_empty() {
        errors.push(format!(
            "missing required arguments: {}{}",
            missing.join(", "),
            found_in(path)
        ));
    }
}

fn found_in(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" found in {path}")
    }
}

fn check_value(name: &str, option: &Value, value: &Value, path: &str, errors: &mut Vec<String>) {
    let kind = option
        .get("type")
        .map_or_else(|| "str".to_owned(), Value::to_text);
    if !fits(&kind, value) {
        errors.push(format!(
            "argument '{name}' is of type {} and we were unable to convert to {kind}: {} cannot be converted to {}{}",
            value.type_name(),
            value.repr(),
            article(&kind),
            found_in(path)
        ));
        return;
    }
    if let Some(choices) = option.get("choices").and_then(Value::as_list) {
        check_choices(name, choices, value, path, errors);
    }
    let elements = option.get("elements").map(Value::to_text);
    if let (Some(elements), Some(items)) = (&elements, value.as_list()) {
        for item in items.iter().filter(|item| !fits(elements, item)) {
            errors.push(format!(
                "Elements value for option '{name}'{} is of type {} and we were unable to convert to {elements}: {} cannot be converted to {}",
                found_in(path), item.type_name(), item.repr(), article(elements)
            ));
        }
    }
    let Some(inner) = option.get("options") else {
        return;
    };
    let below = if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path} -> {name}")
    };
    match &value.kind {
        Kind::List(items) => {
            for item in items.iter() {
                check_options(inner, item, &below, errors);
            }
        }
        _ => check_options(inner, value, &below, errors),
    }
}

fn check_choices(
    name: &str,
    choices: &[Value],
    value: &Value,
    path: &str,
    errors: &mut Vec<String>,
) {
    let one = std::slice::from_ref(value);
    let values = value.as_list().unwrap_or(one);
    let is_choice = |v: &Value| choices.iter().any(|c| c == v || c.to_text() == v.to_text());
    if values.iter().all(is_choice) {
        return;
    }
    let names: Vec<String> = choices.iter().map(Value::to_text).collect();
    let got: Vec<String> = values
        .iter()
        .filter(|v| !is_choice(v))
        .map(Value::to_text)
        .collect();
    errors.push(format!(
        "value of {name} must be one{} of: {}, got{}: {}{}",
        if value.as_list().is_some() {
            " or more"
        } else {
            ""
        },
        names.join(", "),
        if value.as_list().is_some() {
            " no match for"
        } else {
            ""
        },
        got.join(", "),
        found_in(path)
    ));
}

fn article(kind: &str) -> String {
    match kind {
        "int" => "an int".to_owned(),
        kind => format!("a {kind}"),
    }
}

/// Ansible's conversions, asked only whether they would work.
fn fits(kind: &str, value: &Value) -> bool {
    let number = |v: &Value| v.to_text().trim().parse::<f64>();
    match kind {
        "raw" | "jsonarg" | "json" | "str" | "path" => {
            kind != "path" || !matches!(value.kind, Kind::Map(_) | Kind::List(_))
        }
        "bool" => {
            matches!(value.kind, Kind::Bool(_))
                || matches!(
                    value.to_text().to_ascii_lowercase().as_str(),
                    "y" | "yes"
                        | "on"
                        | "1"
                        | "true"
                        | "t"
                        | "1.0"
                        | "n"
                        | "no"
                        | "off"
                        | "0"
                        | "false"
                        | "f"
                        | "0.0"
                )
        }
        "int" => number(value).is_ok_and(|n| n.fract() == 0.0),
        "float" => number(value).is_ok(),
        "list" => !matches!(value.kind, Kind::Map(_)),
        "dict" => match &value.kind {
            Kind::Map(_) => true,
            Kind::Str(text) => text.text.contains('=') || text.text.trim().starts_with('{'),
            _ => false,
        },
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;

    fn errors(spec: &str, given: &str) -> Vec<String> {
        let load = |text: &str| {
            crate::yaml::load(&SourceMap::default(), std::path::Path::new("t"), text).unwrap()
        };
        let mut errors = Vec::new();
        check_options(&load(spec), &load(given), "", &mut errors);
        errors
    }

    #[test]
    fn says_what_is_wrong() {
        let spec = "{a: {type: int, required: true}, b: {choices: [x, y]}, c: {type: dict, options: {d: {required: true}}}}";
        assert_eq!(errors(spec, "{a: 1, b: x}"), Vec::<String>::new());
        assert_eq!(errors(spec, "{}"), ["missing required arguments: a"]);
        assert_eq!(
            errors(spec, "{a: z}"),
            [
                "argument 'a' is of type str and we were unable to convert to int: 'z' cannot be converted to an int"
            ]
        );
        assert_eq!(
            errors(spec, "{a: 1, b: z, c: {}}"),
            [
                "value of b must be one of: x, y, got: z",
                "missing required arguments: d found in c"
            ]
        );
    }
}
