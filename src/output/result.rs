//! Results as Ansible's callbacks show them.

use super::event::{Outcome, Status};
use super::pyjson::dumps;
use crate::value::from_json;
use crate::yaml::{self, Layout};
use serde_json::{Map, Value as Json};

/// True where Ansible shows a result even without `-v` (`debug`, `assert`).
pub(super) fn always_shown(outcome: &Outcome) -> bool {
    outcome.result["_ansible_verbose_always"] == Json::Bool(true)
}

/// True where a result is never shown because of its size (`setup`).
pub(super) fn never_shown(outcome: &Outcome) -> bool {
    outcome.result["_ansible_verbose_override"] == Json::Bool(true)
        || (outcome.task.module == "setup" && outcome.status != Status::Failed)
}

/// The result as one line, or indented: where it is always shown, and with `-vvv`.
pub(super) fn shown(outcome: &Outcome, verbosity: u8) -> String {
    let indent = (always_shown(outcome) || verbosity > 2).then_some(4);
    dumps(&Json::Object(cleaned(outcome, verbosity)), indent)
}

/// The result as YAML, from a line of its own on. Lists of lines repeat a text and are left out.
pub(super) fn shown_as_yaml(outcome: &Outcome, verbosity: u8) -> String {
    let mut result = cleaned(outcome, verbosity);
    for name in ["stdout", "stderr"] {
        if result.contains_key(name)
            && let Some(lines) = result.get_mut(&format!("{name}_lines"))
        {
            *lines = "<omitted>".into();
        }
    }
    let layout = Layout {
        blocks: true,
        ..Layout::nice()
    };
    let text = yaml::dump(&from_json(&Json::Object(result)), &layout);
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("\n    {line}"),
    });
    lines.collect()
}

/// The result without what is for the program only (observed: ansible-core 2.19.14).
pub(super) fn cleaned(outcome: &Outcome, verbosity: u8) -> Map<String, Json> {
    let Json::Object(result) = &outcome.result else {
        return Map::from_iter([("msg".to_owned(), outcome.result.clone())]);
    };
    let mut result = result.clone();
    let mut hidden = vec!["failed", "skipped", "warnings", "deprecations", "exception"];
    if verbosity < 3 {
        hidden.extend(["invocation", "diff"]);
    }
    let unreachable = outcome.status == Status::Unreachable;
    if !unreachable && outcome.item.is_none() && result.get("results").is_some_and(Json::is_array) {
        // The items were shown one by one.
        hidden.push("results");
    }
    if outcome.task.module == "debug" {
        hidden.extend(["changed", "skip_reason", "ansible_loop_var", "invocation"]);
        if result.contains_key("msg") {
            result.retain(|key, _| key == "msg");
        }
    }
    result.retain(|key, _| !key.starts_with("_ansible_") && !hidden.contains(&key.as_str()));
    result
}

/// Texts under `warnings` and `deprecations`.
pub(super) fn warnings(outcome: &Outcome) -> Vec<String> {
    let lists = ["warnings", "deprecations"];
    let texts = lists
        .iter()
        .flat_map(|key| outcome.result[*key].as_array().into_iter().flatten());
    texts
        .filter_map(|w| w.as_str().or_else(|| w["msg"].as_str()))
        .map(str::to_owned)
        .collect()
}
