//! The rendered arguments of a task, and how what is wrong with them is worded.

use super::environment::{async_dir, environment};
use super::run::Run;
use super::task::Job;
use crate::diag::{Diag, Result};
use crate::modules;
use crate::value::{Kind, Map, Value};
use crate::vars::SharedScope;

/// The key under which the parser puts a template for further arguments (`args: "{{ x }}"` beside
/// others). What is written out wins over it.
pub const MORE: &str = "_variable_params";

/// The rendered arguments: `module_defaults`, under the task's own.
pub fn arguments(
    run: &Run,
    job: &Job,
    scope: &SharedScope,
    entry: &modules::Entry,
) -> Result<Value> {
    let context = &job.unit.context;
    if let (None, false, Some(text)) = (
        entry.free_form,
        (entry.takes_any)(),
        job.task.args.get("_raw_params"),
    ) {
        let message = format!("Action '{}' does not support raw params.", entry.fqcn);
        return Err(Diag::error("free-form", message).at(text.span, ""));
    }
    let own = run
        .engine
        .render_unless_omitted(&job.task.args, scope, context)
        .map_err(|diag| unresolved(run, job, scope, entry, diag))?
        .unwrap_or_else(|| Value::map(Map::new()));
    let mut merged = Map::new();
    for level in &job.around.module_defaults {
        let defaults = run.engine.render(level, scope, context)?;
        for name in [entry.name, entry.fqcn, job.task.module.as_str()] {
            let Some(Kind::Map(map)) = defaults.get(name).map(|v| &v.kind) else {
                continue;
            };
            for (key, value) in map.iter() {
                merged.insert(key.clone(), value.clone());
            }
        }
    }
    if entry.name == "package"
        && let Some(manager) = scope.get("ansible_package_use")
    {
        merged.insert("use", run.engine.render(&manager, scope, context)?);
    }
    if entry.name == "async_status" {
        let environment = environment(run, job, scope)?;
        merged.insert("_async_dir", async_dir(run, job, scope, &environment));
    }
    match &own.kind {
        Kind::Map(map) => {
            let more = map.get(MORE).and_then(Value::as_map);
            if merged.is_empty() && more.is_none() {
                return Ok(own);
            }
            let own = map.iter().filter(|(key, _)| key.as_str() != Some(MORE));
            for (key, value) in more.into_iter().flatten().chain(own) {
                merged.insert(key.clone(), value.clone());
            }
        }
        Kind::Null => {}
        Kind::Unknown(_) => return Ok(own),
        _ => {
            let message = format!("Finalization of task args for '{}' failed", entry.fqcn);
            return Err(Diag::error(
                "bad-arguments",
                format!("the arguments of `{}` are not a dict", entry.name),
            )
            .at(job.task.args.span, "")
            .note(format!("they are: {}", own.repr()))
            .doing(message));
        }
    }
    Ok(Value::map(merged).at(own.span))
}

/// Actions of ansible-core that check their options themselves.
const OWN_WORDS: [&str; 5] = [
    "fail",
    "group_by",
    "include_vars",
    "set_stats",
    "wait_for_connection",
];

/// Options that an action does not have, in that action's words.
pub fn worded(mut diag: Box<Diag>, entry: &modules::Entry, args: &Value) -> Box<Diag> {
    if entry.name == "shell" && args.get("expand_argument_vars").is_some() {
        diag.message = "Unsupported parameters for (shell) module: expand_argument_vars".to_owned();
        diag.data.shift_remove("msg");
    }
    if entry.name == "copy" && diag.code == "missing-option" && diag.message.contains("dest") {
        diag.message = "dest is required".to_owned();
        diag.data.shift_remove("msg");
    }
    if diag.code == "unknown-option" && OWN_WORDS.contains(&entry.name) {
        let known = (entry.fields)();
        let given = args.as_map().into_iter().flatten();
        let mut strange: Vec<String> = given
            .map(|(key, _)| key.to_value().to_text())
            .filter(|name| !known.contains(&name.as_str()))
            .collect();
        strange.sort_unstable();
        let strange = strange.join(", ");
        diag.message = format!("Invalid options for {}: {strange}", entry.name);
        diag.data.shift_remove("msg");
    }
    diag
}

/// Names the module as the task does, in what the result says.
pub fn as_written(mut diag: Box<Diag>, entry: &modules::Entry, module: &str) -> Box<Diag> {
    if let Some(serde_json::Value::String(msg)) = diag.data.get_mut("msg") {
        let (short, written) = (entry.name, module);
        *msg = msg.replacen(
            &format!("for ({short}) module"),
            &format!("for ({written}) module"),
            1,
        );
    }
    diag
}

/// Says which option of a task could not be rendered.
fn unresolved(
    run: &Run,
    job: &Job,
    scope: &SharedScope,
    entry: &modules::Entry,
    diag: Box<Diag>,
) -> Box<Diag> {
    let fails = |value: &Value| {
        let rendered = run
            .engine
            .render_unless_omitted(value, scope, &job.unit.context);
        rendered.is_err()
    };
    let options = job.task.args.as_map().into_iter().flatten();
    let option = options
        .filter(|(_, value)| fails(value))
        .map(|(key, _)| key.to_value().to_text())
        .next();
    let diag = match option.as_deref() {
        None => diag,
        Some(name) if Some(name) == entry.free_form => {
            diag.doing("Error while resolving value for '_raw_params'")
        }
        Some(name) => diag.doing(format!("Error while resolving value for '{name}'")),
    };
    diag.doing(format!(
        "Finalization of task args for '{}' failed",
        entry.fqcn
    ))
}
