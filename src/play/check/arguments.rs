//! Arguments against the typed options of their module.

use super::{Around, Checker, has_template};
use crate::args;
use crate::modules::{self, Entry};
use crate::play::ast::Task;
use crate::value::{Map, Value};

/// Checks the names of all options and the types of the literal ones.
pub(super) fn check(checker: &mut Checker, task: &Task, around: Around) {
    let (Some(entry), Some(map)) = (modules::find(&task.module), task.args.as_map()) else {
        return;
    };
    if entry.name == "assert"
        && let Some(that) = map.get("that")
    {
        checker.conditions(std::slice::from_ref(that));
    }
    if !(entry.takes_any)() && unknown_options(checker, entry, task, map) {
        return;
    }
    // A template that becomes a dict may hold whatever is missing.
    let open = around.defaults || map.contains("_variable_params");
    let literal: Map = map
        .iter()
        .filter(|(key, value)| !has_template(value) && key.as_str() != Some("_variable_params"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let complete = literal.len() == map.len();
    let value = Value::map(literal.clone()).at(task.args.span);
    let Err(diag) = (entry.check)(&value, &checker.loader.sources) else {
        return;
    };
    let missing = diag.code == "missing-option";
    if missing && (open || (!complete && !missing_anyway(checker, entry, map, literal))) {
        return;
    }
    checker.report(diag.at_if_none(task.module_span.or(task.span)));
}

/// True if an option is missing even when every template has some value.
fn missing_anyway(checker: &Checker, entry: &Entry, map: &Map, mut filled: Map) -> bool {
    for (key, _) in map {
        if filled.get_key(key).is_none() {
            filled.insert(key.clone(), Value::str("1"));
        }
    }
    let value = Value::map(filled);
    (entry.check)(&value, &checker.loader.sources).is_err_and(|diag| diag.code == "missing-option")
}

fn unknown_options(checker: &mut Checker, entry: &Entry, task: &Task, map: &Map) -> bool {
    let known = (entry.fields)();
    let mut any = false;
    for key in map.keys() {
        let name = key.to_value().to_text();
        if name == "_variable_params" || known.contains(&name.as_str()) {
            continue;
        }
        any = true;
        let diag = args::unknown(&task.module, &name, &known);
        checker.report(diag.at(key.span.or(task.module_span), "no such option"));
    }
    any
}
