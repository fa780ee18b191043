//! `environment` of a task, and where its jobs in the background are noted.

use super::run::Run;
use super::task::Job;
use crate::diag::Result;
use crate::value::{Kind, Map, Value};
use crate::vars::SharedScope;
use std::collections::BTreeMap;

/// Where the files of jobs in the background are: the environment wins over the variable.
pub fn async_dir(
    run: &Run,
    job: &Job,
    scope: &SharedScope,
    environment: &BTreeMap<String, String>,
) -> String {
    if let Some(dir) = environment.get("ANSIBLE_ASYNC_DIR") {
        return dir.clone();
    }
    let set = scope.get("ansible_async_dir").and_then(|dir| {
        let rendered = run.engine.render(&dir, scope, &job.unit.context);
        rendered.ok().map(|dir| dir.to_text())
    });
    set.unwrap_or_else(|| "~/.ansible_async".to_owned())
}

/// The environment of a task: all levels, the innermost wins.
///
/// # Errors
/// A level that cannot be rendered.
pub fn environment(run: &Run, job: &Job, scope: &SharedScope) -> Result<BTreeMap<String, String>> {
    let mut environment = BTreeMap::new();
    let levels = job
        .around
        .environment
        .iter()
        .chain(&job.task.common.environment);
    for level in levels {
        let entries = match level.as_list() {
            Some(items) => items.to_vec(),
            None => vec![level.clone()],
        };
        let mut dicts = Vec::new();
        for entry in &entries {
            let rendered = run
                .engine
                .render_unless_omitted(entry, scope, &job.unit.context)
                .map_err(|diag| diag.doing("Error processing keyword 'environment'"));
            // Facts are gathered even where parts of the environment are made of them.
            let rendered = match rendered {
                Err(diag) if job.task.module == "setup" && diag.code == "undefined-variable" => {
                    Some(defined_parts(run, job, scope, entry))
                }
                rendered => rendered?,
            };
            match rendered.as_ref().map(|value| &value.kind) {
                Some(Kind::List(items)) => dicts.extend(items.iter().cloned()),
                _ => dicts.extend(rendered),
            }
        }
        for dict in dicts {
            if let Kind::Map(map) = &dict.kind {
                for (key, value) in map.iter() {
                    environment.insert(key.to_value().to_text(), value.to_text());
                }
            }
        }
    }
    Ok(environment)
}

/// The parts of a dict that can be rendered.
fn defined_parts(run: &Run, job: &Job, scope: &SharedScope, dict: &Value) -> Value {
    let mut parts = Map::new();
    for (key, value) in dict.as_map().into_iter().flatten() {
        let context = &job.unit.context;
        if let Ok(Some(value)) = run.engine.render_unless_omitted(value, scope, context) {
            parts.insert(key.clone(), value);
        }
    }
    Value::map(parts)
}
