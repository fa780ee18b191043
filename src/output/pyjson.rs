//! JSON as Python's `json.dumps(sort_keys=True)` writes it.

use crate::value::{float_repr, is_unknown, order};
use serde_json::Value as Json;

/// What is shown of something that only apply will tell.
pub(super) const UNKNOWN: &str = "(known after apply)";

/// JSON in Python's layout with sorted keys: one line, or indented by `indent` blanks.
pub fn dumps(value: &Json, indent: Option<usize>) -> String {
    let mut out = String::new();
    write(&mut out, value, indent, 0);
    out
}

fn write(out: &mut String, value: &Json, indent: Option<usize>, depth: usize) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Json::Number(n) => match (n.is_f64(), n.as_f64()) {
            (true, Some(f)) => out.push_str(&float_repr(f)),
            _ => out.push_str(&n.to_string()),
        },
        Json::String(s) => string(out, s),
        Json::Array(items) => {
            let items = items.iter().map(|item| (None, item));
            nest(out, ['[', ']'], items, indent, depth);
        }
        unknown if is_unknown(unknown) => string(out, UNKNOWN),
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().map(|(k, v)| (Some(k.as_str()), v)).collect();
            order::sort_by_key(&mut entries, |(key, _)| *key);
            nest(out, ['{', '}'], entries.into_iter(), indent, depth);
        }
    }
}

fn nest<'a>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl Iterator<Item = (Option<&'a str>, &'a Json)>,
    indent: Option<usize>,
    depth: usize,
) {
    out.push(open);
    let mut empty = true;
    for (key, value) in items {
        if !empty {
            out.push_str(if indent.is_some() { "," } else { ", " });
        }
        empty = false;
        line(out, indent, depth + 1);
        if let Some(key) = key {
            string(out, key);
            out.push_str(": ");
        }
        write(out, value, indent, depth + 1);
    }
    if !empty {
        line(out, indent, depth);
    }
    out.push(close);
}

fn line(out: &mut String, indent: Option<usize>, depth: usize) {
    if let Some(width) = indent {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', width * depth));
    }
}

fn string(out: &mut String, text: &str) {
    out.push_str(&Json::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use super::dumps;
    use serde_json::json;

    #[test]
    fn like_python() {
        let value = json!({"b": [1, 2.0, null], "a": {"é": true}, "c": [], "d": "x\n\"y\""});
        assert_eq!(
            dumps(&value, None),
            r#"{"a": {"é": true}, "b": [1, 2.0, null], "c": [], "d": "x\n\"y\""}"#
        );
        assert_eq!(
            dumps(&json!({"b": [1], "a": {}}), Some(4)),
            "{\n    \"a\": {},\n    \"b\": [\n        1\n    ]\n}"
        );
    }
}
