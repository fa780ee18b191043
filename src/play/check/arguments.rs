//! Arguments against the typed options of their module.

use super::{Around, Checker, has_template};
use crate::args;
use crate::diag::Diag;
use crate::modules::{self, Entry};
use crate::play::action::RAW;
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
    if !(entry.takes_any)()
        && entry.free_form.is_none()
        && let Some(text) = map.get(RAW)
    {
        let shown = text.to_text();
        let message = format!("`{}` takes no free text: {:?}", entry.name, shown.trim());
        let diag = Diag::error("free-form", message).at(text.span, "");
        checker.report(diag.help("write its options as `option: value`"));
        return;
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
    if diag.code != "missing-option" {
        checker.report(diag.at_if_none(task.module_span.or(task.span)));
        return;
    }
    let diag = if complete {
        Some(diag)
    } else {
        with_templates_filled(checker, entry, map, literal)
    };
    if let Some(diag) = diag
        && !(open && diag.code == "missing-option")
    {
        checker.report(diag.at_if_none(task.module_span.or(task.span)));
    }
}

/// What is still wrong when every template has some value: an option that is missing all the same,
/// or a literal one of the wrong type.
fn with_templates_filled(
    checker: &Checker,
    entry: &Entry,
    map: &Map,
    mut filled: Map,
) -> Option<Box<Diag>> {
    for (key, _) in map {
        if filled.get_key(key).is_none() && key.as_str() != Some("_variable_params") {
            // Without a place: an error about it has none either.
            filled.insert(key.clone(), Value::str("1"));
        }
    }
    let diag = (entry.check)(&Value::map(filled), &checker.loader.sources).err()?;
    let literal = diag
        .labels
        .first()
        .is_some_and(|label| map.keys().all(|key| key.span != label.span));
    (literal || diag.code == "missing-option").then_some(diag)
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
