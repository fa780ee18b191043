//! The filters of Galaxy's own collection.

use super::Row;
use crate::jinja::function::{Call, items};
use crate::value::{Key, Kind, Map, Value};

pub const FILTERS: &[Row] = &[("ordered", ordered), ("subelement_union", subelement_union)];

/// Lists of pairs as one list of pairs with each key once, in the order in which keys were first
/// seen and with the value that was last seen. A pair is `[key, value]`, `{key: value}` or a dict
/// with `key` and `value` (or what `k_key` and `v_key` name).
/// Observed: galaxyproject.general under ansible-core 2.19.14.
fn ordered(call: &Call) -> Result<Value, String> {
    let name = |kw: &str, default: &str| {
        call.kwargs
            .get(kw)
            .map_or_else(|| default.to_owned(), Value::to_text)
    };
    let (k, v) = (name("k_key", "key"), name("v_key", "value"));
    let mut pairs = Map::new();
    for list in &call.args {
        for item in items(list)? {
            let (key, value) = pair(&item, &k, &v)?;
            let key = Key::from_value(&key)
                .ok_or_else(|| format!("unhashable type: '{}'", key.type_name()))?;
            pairs.insert(key, value);
        }
    }
    let list = pairs
        .iter()
        .map(|(key, value)| Value::list(vec![key.to_value(), value.clone()]));
    Ok(Value::list(list.collect()))
}

fn pair(item: &Value, k: &str, v: &str) -> Result<(Value, Value), String> {
    match &item.kind {
        Kind::List(pair) => match pair.as_slice() {
            [key, value, ..] => Ok((key.clone(), value.clone())),
            _ => Err(format!(
                "|ordered must have 2 list elements: {}",
                item.repr()
            )),
        },
        Kind::Map(map) => match map.iter().next() {
            Some((key, value)) if map.len() == 1 => Ok((key.to_value(), value.clone())),
            _ => match (map.get(k), map.get(v)) {
                (Some(key), Some(value)) => Ok((key.clone(), value.clone())),
                _ => Err(format!(
                    "|ordered key not found in dict (hash) list element: {}",
                    item.repr()
                )),
            },
        },
        _ => Err(format!(
            "|ordered list element must be list or dict, got {}",
            item.repr()
        )),
    }
}

/// Dicts with the same value under one key as one dict, whose list under another key has what any
/// of them has: `authorized | subelement_union('name', 'keys')`.
/// Observed: galaxyproject.general under ansible-core 2.19.14.
fn subelement_union(call: &Call) -> Result<Value, String> {
    let (Some(key), Some(sub)) = (call.text(1, "key"), call.text(2, "subkey")) else {
        return Err("subelement_union() needs a key and a subkey".to_owned());
    };
    let subject = call.subject()?;
    // A lookup that finds one element gives the element.
    let dicts = match &subject.kind {
        Kind::List(dicts) => dicts.to_vec(),
        _ => vec![subject.clone()],
    };
    let missing = |name: &str| format!("'{name}'");
    let mut found: Vec<(Value, Map)> = Vec::new();
    for dict in &dicts {
        let Some(map) = dict.as_map() else {
            return Err(format!("'{}' is no dict", dict.type_name()));
        };
        let name = map.get(key.as_str()).ok_or_else(|| missing(&key))?;
        let Some((_, first)) = found.iter_mut().find(|(known, _)| known == name) else {
            found.push((name.clone(), map.clone()));
            continue;
        };
        let list = |map: &Map| map.get(sub.as_str()).map(items);
        let mut union = list(first).ok_or_else(|| missing(&sub))??;
        for item in list(map).ok_or_else(|| missing(&sub))?? {
            if !union.contains(&item) {
                union.push(item);
            }
        }
        first.insert(sub.as_str(), Value::list(union));
    }
    let list = found.into_iter().map(|(_, map)| Value::map(map));
    Ok(Value::list(list.collect()))
}

#[cfg(test)]
mod tests {
    use crate::diag::SourceMap;
    use crate::jinja::{Context, Engine};
    use crate::value::{Map, Value};
    use std::sync::Arc;

    fn render(text: &str) -> String {
        let engine = Engine::new(SourceMap::default(), Arc::new(|_| Ok(String::new())));
        let text = format!("{{{{ {text} }}}}");
        let scope = Arc::new(Map::new());
        match engine.render(&Value::template(text), &(scope as _), &Context::default()) {
            Ok(value) => value.repr(),
            Err(diag) => format!("error: {}", diag.message),
        }
    }

    /// Each as galaxyproject.general answers under ansible-core 2.19.14.
    #[test]
    fn ordered_joins_pairs() {
        for (text, expected) in [
            (
                "[['a', 1], ['b', 2]] | galaxyproject.general.ordered(\
                 [{'b': 3}, {'key': 'c', 'value': 4}], [['a', 9, 8]])",
                "[['a', 9], ['b', 3], ['c', 4]]",
            ),
            (
                "[{'k': 'c', 'v': 4}] | galaxyproject.general.ordered(k_key='k', v_key='v')",
                "[['c', 4]]",
            ),
            ("[] | galaxyproject.general.ordered", "[]"),
        ] {
            assert_eq!(render(text), expected, "{text}");
        }
        for (text, expected) in [
            ("[['a']]", "must have 2 list elements: ['a']"),
            (
                "[{'x': 1, 'y': 2}]",
                "key not found in dict (hash) list element: {'x': 1, 'y': 2}",
            ),
            ("['ab']", "list element must be list or dict, got 'ab'"),
        ] {
            let text = render(&format!("{text} | galaxyproject.general.ordered"));
            assert!(text.contains(expected), "{text}");
        }
    }

    /// Each as galaxyproject.general answers under ansible-core 2.19.14.
    #[test]
    fn subelement_union_joins_lists() {
        let union = |text: &str| {
            render(&format!(
                "{text} | galaxyproject.general.subelement_union('name', 'l')"
            ))
        };
        assert_eq!(
            union(
                "[{'name': 'a', 'l': [1, 2]}, {'name': 'b', 'l': [1]}, \
                 {'name': 'a', 'l': [2, 3], 'z': 1}]"
            ),
            "[{'name': 'a', 'l': [1, 2, 3]}, {'name': 'b', 'l': [1]}]"
        );
        assert_eq!(
            union("{'name': 'a', 'l': [1]}"),
            "[{'name': 'a', 'l': [1]}]"
        );
        assert_eq!(union("[{'name': 'a'}]"), "[{'name': 'a'}]");
        let failed = union("[{'name': 'a'}, {'name': 'a'}]");
        assert!(failed.contains("failed: 'l'"), "{failed}");
        let failed = union("[{'other': 'a'}]");
        assert!(failed.contains("failed: 'name'"), "{failed}");
    }
}
