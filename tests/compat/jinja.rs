//! Expressions evaluated by ansible-core 2.19.14 (`jinja/observe.py`), evaluated again.

use gxdeploy::diag::{Diag, SourceMap};
use gxdeploy::jinja::{Context, Engine};
use gxdeploy::sys::Known;
use gxdeploy::value::{Key, Map, Value, from_json};
use gxdeploy::vars::SharedScope;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/jinja")
}

/// All strings of the variables are templates.
fn trusted(json: &Json) -> Value {
    match json {
        Json::String(text) => Value::template(text.as_str()),
        Json::Array(items) => Value::list(items.iter().map(trusted).collect()),
        Json::Object(map) => {
            let map: Map = map
                .iter()
                .map(|(k, v)| (Key::from(k.as_str()), trusted(v)))
                .collect();
            Value::map(map)
        }
        other => from_json(other),
    }
}

fn read(name: &str) -> Json {
    serde_json::from_str(&std::fs::read_to_string(dir().join(name)).unwrap()).unwrap()
}

/// What of an error scripts could see: the judge wraps its messages in more words than we do.
fn same_error(ours: &Diag, theirs: &str) -> bool {
    let bare = |text: &str| {
        let text = text.trim_end_matches('.');
        let text = text
            .strip_prefix("Error rendering template: ")
            .unwrap_or(text);
        text.to_lowercase()
    };
    let (a, b) = (bare(&ours.message), bare(theirs));
    a.contains(&b) || b.contains(&a) || (a.starts_with("syntax error") && b.starts_with("syntax error"))
        // Python's words for a wrong call name its own functions.
        || (b.contains("the filter plugin") && a.contains("the filter plugin"))
}

fn replay(table: &str, differs: &[&str]) {
    let vars = trusted(&read("vars.json"));
    let scope: SharedScope = Arc::new(vars.as_map().unwrap().clone());
    let engine = Engine::new(SourceMap::default(), Arc::new(|_| Ok(String::new())));
    let at = Context::default();
    let mut wrong = Vec::new();
    let mut agreed = Vec::new();
    for row in read(table).as_array().unwrap() {
        let text = row["in"].as_str().unwrap();
        let result = match text.strip_prefix("COND ") {
            Some(condition) => engine
                .condition(&Value::template(condition), &scope, &at)
                .map(|known| match known {
                    Known::Known(b) => Value::from(b),
                    Known::Unknown => Value::unknown("?"),
                }),
            None => engine.render(&Value::template(text), &scope, &at),
        };
        let ours = match &result {
            Ok(value) => value.repr(),
            Err(diag) => format!("error: {}", diag.message),
        };
        let (same, theirs) = match (&result, row["repr"].as_str(), row["error"].as_str()) {
            (_, Some(theirs), _) => (ours == theirs, theirs.to_owned()),
            (Err(diag), _, Some(theirs)) => (same_error(diag, theirs), format!("error: {theirs}")),
            (_, _, theirs) => (false, format!("error: {}", theirs.unwrap_or_default())),
        };
        match (same, differs.contains(&text)) {
            (false, false) => wrong.push(format!("{text}\n  ours   {ours}\n  theirs {theirs}")),
            (true, true) => agreed.push(text.to_owned()),
            _ => {}
        }
    }
    assert!(
        wrong.is_empty() && agreed.is_empty(),
        "{} differ:\n{}\nno longer different: {agreed:?}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn core() {
    // Python tells built-in methods from others.
    replay(
        "core.json",
        &["{{ {'items': 5}.items }}", "{{ {'a': 5}.get }}"],
    );
}

#[test]
fn filters() {
    replay(
        "filters.json",
        &[
            // The judge lacks the Python library that this needs.
            "{{ users | json_query('[].name') is defined }}",
            // The judge shows the class by its inner name.
            "{{ d[0] }}",
            // A Python set has no order.
            "{{ dup | symmetric_difference([2, 9]) }}",
        ],
    );
}

#[test]
fn language() {
    replay(
        "language.json",
        &[
            // Without a play, the judge has no `vars`.
            "{{ vars.num }} {{ vars['t'] }}",
            // The judge shows the loop after its end.
            "{% for i in l %}{{ loop }}{% endfor %}",
        ],
    );
}
