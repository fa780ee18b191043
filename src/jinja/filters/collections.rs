//! Lists and dicts.

use super::Row;
use super::seeded::Seeded;
use crate::jinja::function::{Call, items};
use crate::value::{Key, Kind, Map, Value, order};

pub const FILTERS: &[Row] = &[
    ("combinations", combinations),
    ("combine", combine),
    ("dict2items", dict2items),
    ("difference", difference),
    ("flatten", flatten),
    ("intersect", intersect),
    ("items2dict", items2dict),
    ("permutations", permutations),
    ("product", product),
    ("rekey_on_member", rekey_on_member),
    ("shuffle", shuffle),
    ("subelements", subelements),
    ("symmetric_difference", symmetric_difference),
    ("union", union),
    ("zip", zip),
    ("zip_longest", zip_longest),
];

fn other(call: &Call) -> Result<Vec<Value>, String> {
    items(call.args.get(1).ok_or("a second list is needed")?)
}

fn unique(list: Vec<Value>) -> Vec<Value> {
    let mut seen: Vec<Value> = Vec::new();
    for item in list {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

fn union(call: &Call) -> Result<Value, String> {
    let mut list = call.list()?;
    list.extend(other(call)?);
    Ok(Value::list(unique(list)))
}

fn intersect(call: &Call) -> Result<Value, String> {
    let other = other(call)?;
    let kept = call
        .list()?
        .into_iter()
        .filter(|i| other.contains(i))
        .collect();
    Ok(Value::list(unique(kept)))
}

fn difference(call: &Call) -> Result<Value, String> {
    let other = other(call)?;
    let kept = call
        .list()?
        .into_iter()
        .filter(|i| !other.contains(i))
        .collect();
    Ok(Value::list(unique(kept)))
}

fn symmetric_difference(call: &Call) -> Result<Value, String> {
    let (a, b) = (call.list()?, other(call)?);
    let mut kept: Vec<Value> = a.iter().filter(|i| !b.contains(i)).cloned().collect();
    kept.extend(b.into_iter().filter(|i| !a.contains(i)));
    Ok(Value::list(unique(kept)))
}

/// `combine(a, b, ..., recursive=False, list_merge='replace')`
fn combine(call: &Call) -> Result<Value, String> {
    let options = ["recursive", "list_merge"];
    let known = |key: &crate::value::Key| key.as_str().is_some_and(|key| options.contains(&key));
    if !call.kwargs.keys().all(known) {
        return Err("'recursive' and 'list_merge' are the only valid keyword arguments".to_owned());
    }
    let recursive = call.kwargs.get("recursive").is_some_and(Value::truthy);
    let merge = call
        .kwargs
        .get("list_merge")
        .map_or_else(|| "replace".to_owned(), Value::to_text);
    if ![
        "replace",
        "keep",
        "append",
        "prepend",
        "append_rp",
        "prepend_rp",
    ]
    .contains(&merge.as_str())
    {
        return Err(
            "merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', \
             'prepend', 'append_rp' or 'prepend_rp'"
                .to_owned(),
        );
    }
    let mut dicts = Vec::new();
    for arg in &call.args {
        match &arg.kind {
            Kind::List(items) => dicts.extend(items.iter().cloned()),
            _ => dicts.push(arg.clone()),
        }
    }
    let mut result = Map::new();
    for dict in dicts.iter().filter(|dict| dict.truthy()) {
        let Some(dict) = dict.as_map() else {
            return Err(format!(
                "failed to combine variables, expected dicts but got a '{}'",
                dict.type_name()
            ));
        };
        result = merged(&result, dict, recursive, &merge);
    }
    Ok(Value::map(result))
}

fn merged(a: &Map, b: &Map, recursive: bool, lists: &str) -> Map {
    let mut result = a.clone();
    for (key, new) in b {
        let value = match (a.get_key(key).map(|v| &v.kind), &new.kind) {
            (Some(Kind::Map(old)), Kind::Map(new)) if recursive => {
                Value::map(merged(old, new, recursive, lists))
            }
            (Some(Kind::List(old)), Kind::List(new)) => Value::list(merge_lists(old, new, lists)),
            _ => new.clone(),
        };
        result.insert(key.clone(), value);
    }
    result
}

fn merge_lists(old: &[Value], new: &[Value], how: &str) -> Vec<Value> {
    let without = |a: &[Value], b: &[Value]| -> Vec<Value> {
        a.iter().filter(|i| !b.contains(i)).cloned().collect()
    };
    match how {
        "keep" => old.to_vec(),
        "append" => [old, new].concat(),
        "prepend" => [new, old].concat(),
        "append_rp" => [without(old, new), new.to_vec()].concat(),
        "prepend_rp" => [new.to_vec(), without(old, new)].concat(),
        _ => new.to_vec(),
    }
}

fn dict2items(call: &Call) -> Result<Value, String> {
    let Some(map) = call.subject()?.as_map() else {
        return Err(format!(
            "dict2items requires a dictionary, got {} instead.",
            call.subject()?.type_name()
        ));
    };
    let key_name = call.text(1, "key_name").unwrap_or_else(|| "key".to_owned());
    let value_name = call
        .text(2, "value_name")
        .unwrap_or_else(|| "value".to_owned());
    Ok(Value::list(
        map.iter()
            .map(|(key, value)| {
                let entry: Map = [
                    (key_name.as_str(), key.to_value()),
                    (value_name.as_str(), value.clone()),
                ]
                .into_iter()
                .collect();
                Value::map(entry)
            })
            .collect(),
    ))
}

fn items2dict(call: &Call) -> Result<Value, String> {
    let key_name = call.text(1, "key_name").unwrap_or_else(|| "key".to_owned());
    let value_name = call
        .text(2, "value_name")
        .unwrap_or_else(|| "value".to_owned());
    let given = call.subject()?;
    let Some(items) = given.as_list() else {
        let name = match given.kind {
            Kind::Null => "NoneType",
            _ => given.type_name(),
        };
        return Err(format!(
            "items2dict requires a list, got <class '{name}'> instead."
        ));
    };
    if items.iter().any(|item| item.as_map().is_none()) {
        let got = given.repr();
        return Err(format!(
            "items2dict requires a list of dictionaries, got {got} instead."
        ));
    }
    let mut map = Map::new();
    for item in items {
        let missing = || {
            format!(
                "items2dict requires each dictionary in the list to contain the keys '{key_name}' and '{value_name}', got {} instead.",
                given.repr()
            )
        };
        let key = item
            .get(&key_name)
            .and_then(Key::from_value)
            .ok_or_else(missing)?;
        let value = item.get(&value_name).ok_or_else(missing)?;
        map.insert(key, value.clone());
    }
    Ok(Value::map(map))
}

fn flatten(call: &Call) -> Result<Value, String> {
    let levels = call.int(1, "levels");
    let skip_nulls = call.flag(2, "skip_nulls", true);
    let mut flat = Vec::new();
    flatten_into(&call.list()?, levels, skip_nulls, &mut flat);
    Ok(Value::list(flat))
}

fn flatten_into(list: &[Value], levels: Option<i64>, skip: bool, into: &mut Vec<Value>) {
    for item in list {
        let null = item.is_null() || matches!(item.as_str(), Some("None" | "null"));
        match &item.kind {
            _ if null && skip => {}
            Kind::List(inner) if levels.is_none_or(|n| n > 0) => {
                flatten_into(inner, levels.map(|n| n - 1), skip, into);
            }
            _ => into.push(item.clone()),
        }
    }
}

fn lists(call: &Call) -> Result<Vec<Vec<Value>>, String> {
    call.args.iter().map(items).collect()
}

fn zip(call: &Call) -> Result<Value, String> {
    let lists = lists(call)?;
    let length = lists.iter().map(Vec::len).min().unwrap_or(0);
    Ok(rows(&lists, length, &Value::null()))
}

fn zip_longest(call: &Call) -> Result<Value, String> {
    let lists = lists(call)?;
    let length = lists.iter().map(Vec::len).max().unwrap_or(0);
    let fill = call.kwargs.get("fillvalue").cloned().unwrap_or_default();
    Ok(rows(&lists, length, &fill))
}

fn rows(lists: &[Vec<Value>], length: usize, fill: &Value) -> Value {
    Value::list(
        (0..length)
            .map(|i| {
                Value::list(
                    lists
                        .iter()
                        .map(|list| list.get(i).unwrap_or(fill).clone())
                        .collect(),
                )
            })
            .collect(),
    )
}

fn product(call: &Call) -> Result<Value, String> {
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    let repeat = call
        .kwargs
        .get("repeat")
        .and_then(Value::as_int)
        .unwrap_or(1)
        .max(0);
    for _ in 0..repeat {
        for list in lists(call)? {
            rows = rows
                .iter()
                .flat_map(|row| {
                    list.iter()
                        .map(move |item| [&row[..], std::slice::from_ref(item)].concat())
                })
                .collect();
        }
    }
    Ok(Value::list(rows.into_iter().map(Value::list).collect()))
}

fn combinations(call: &Call) -> Result<Value, String> {
    let list = call.list()?;
    let size = call.int(1, "r").unwrap_or(list.len() as i64).max(0) as usize;
    let mut out = Vec::new();
    choose(&list, size, 0, &mut Vec::new(), &mut out);
    Ok(Value::list(out))
}

fn choose(list: &[Value], size: usize, from: usize, row: &mut Vec<Value>, out: &mut Vec<Value>) {
    if row.len() == size {
        out.push(Value::list(row.clone()));
        return;
    }
    for i in from..list.len() {
        row.push(list[i].clone());
        choose(list, size, i + 1, row, out);
        row.pop();
    }
}

fn permutations(call: &Call) -> Result<Value, String> {
    let list = call.list()?;
    let size = call.int(1, "r").unwrap_or(list.len() as i64).max(0) as usize;
    let mut out = Vec::new();
    arrange(&list, size, &mut Vec::new(), &mut out);
    Ok(Value::list(out))
}

fn arrange(list: &[Value], size: usize, taken: &mut Vec<usize>, out: &mut Vec<Value>) {
    if taken.len() == size {
        out.push(Value::list(
            taken.iter().map(|i| list[*i].clone()).collect(),
        ));
        return;
    }
    for i in 0..list.len() {
        if !taken.contains(&i) {
            taken.push(i);
            arrange(list, size, taken, out);
            taken.pop();
        }
    }
}

/// A value with the keys of all dicts sorted.
pub fn sorted(value: &Value) -> Value {
    match &value.kind {
        Kind::Map(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            order::sort_by_key(&mut entries, |(key, _)| key.to_value().to_text());
            Value::map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect(),
            )
        }
        Kind::List(items) => Value::list(items.iter().map(sorted).collect()),
        _ => value.clone(),
    }
}

fn rekey_on_member(call: &Call) -> Result<Value, String> {
    let subject = call.subject()?;
    let member = call.text(1, "key").ok_or("rekey_on_member needs a key")?;
    let duplicates = call
        .text(2, "duplicates")
        .unwrap_or_else(|| "error".to_owned());
    if !["error", "overwrite"].contains(&duplicates.as_str()) {
        return Err(format!(
            "duplicates parameter to rekey_on_member has unknown value '{duplicates}'"
        ));
    }
    let overwrite = duplicates == "overwrite";
    let list = match &subject.kind {
        Kind::Map(map) => map.values().cloned().collect(),
        Kind::List(items) => items.to_vec(),
        _ => return Err("Type is not a valid list, set, or dict".to_owned()),
    };
    let mut map = Map::new();
    for item in list {
        if item.as_map().is_none() {
            return Err("List item is not a valid dict".to_owned());
        }
        let key = item
            .get(&member)
            .and_then(Key::from_value)
            .ok_or_else(|| format!("Key '{member}' was not found."))?;
        if map.get_key(&key).is_some() && !overwrite {
            return Err(format!(
                "Key {} is not unique, cannot convert to dict.",
                key.to_value().repr()
            ));
        }
        map.insert(key, item);
    }
    Ok(Value::map(map))
}

/// In random order; with a seed in the order of Python's `random.Random(seed).shuffle`.
fn shuffle(call: &Call) -> Result<Value, String> {
    let Some(list) = call.subject()?.as_list() else {
        return call.subject().cloned();
    };
    let mut list = list.to_vec();
    let seed = call.kwargs.get("seed").filter(|seed| !seed.is_null());
    let mut seeded = seed.map(Seeded::new);
    for i in (1..list.len()).rev() {
        let end = i as u64 + 1;
        let n = match &mut seeded {
            Some(seeded) => seeded.below(end),
            None => rand::random::<u64>() % end,
        };
        list.swap(i, n as usize);
    }
    Ok(Value::list(list))
}

fn subelements(call: &Call) -> Result<Value, String> {
    let skip_missing = call.flag(2, "skip_missing", false);
    let path = match call.args.get(1).map(|v| &v.kind) {
        Some(Kind::List(items)) => items.iter().map(Value::to_text).collect(),
        Some(Kind::Str(text)) => text.text.split('.').map(str::to_owned).collect::<Vec<_>>(),
        Some(_) => return Err("subelements must be a list or a string".to_owned()),
        None => return Err("subelements needs the name of a key".to_owned()),
    };
    let elements = match &call.subject()?.kind {
        Kind::Map(map) => map.values().cloned().collect(),
        Kind::List(items) => items.to_vec(),
        _ => return Err("obj must be a list of dicts or a nested dict".to_owned()),
    };
    pairs(&elements, &path, skip_missing, false).map(Value::list)
}

/// Each element with each of its subelements. The lookup takes them out of the element, the filter
/// leaves them there (observed: ansible-core 2.19.14).
pub fn pairs(
    elements: &[Value],
    path: &[String],
    skip: bool,
    lookup: bool,
) -> Result<Vec<Value>, String> {
    let quoted = |value: &Value| match lookup {
        true => format!("'{}'", value.to_text()),
        false => value.repr(),
    };
    let key = |name: &str| match lookup {
        true => name.to_owned(),
        false => format!("'{name}'"),
    };
    let mut out = Vec::new();
    for element in elements {
        if lookup && element.get("skipped").is_some_and(Value::truthy) {
            continue;
        }
        let mut found = Some(element);
        for (depth, name) in path.iter().enumerate() {
            let Some(value) = found else {
                break;
            };
            if value.as_map().is_none() {
                if skip {
                    found = None;
                    break;
                }
                let above = match depth {
                    0 if lookup => {
                        return Err(format!(
                            "subelements lookup expects a dictionary, got {}",
                            quoted(value)
                        ));
                    }
                    0 => name,
                    depth => &path[depth - 1],
                };
                return Err(format!(
                    "the key {} should point to a dictionary, got {}",
                    key(above),
                    quoted(value)
                ));
            }
            found = value.get(name);
            if found.is_none() && !skip {
                return Err(format!(
                    "could not find '{name}' key in iterated item {}",
                    quoted(value)
                ));
            }
        }
        match found.map(|v| &v.kind) {
            Some(Kind::List(items)) => {
                let element = match lookup {
                    true => without(element, path),
                    false => element.clone(),
                };
                for item in items.iter() {
                    out.push(Value::list(vec![element.clone(), item.clone()]));
                }
            }
            None => {}
            Some(_) => {
                return Err(format!(
                    "the key {} should point to a list, got {}",
                    key(path.last().map_or("", String::as_str)),
                    found.map(&quoted).unwrap_or_default()
                ));
            }
        }
    }
    Ok(out)
}

/// A dict without what a path leads to.
fn without(value: &Value, path: &[String]) -> Value {
    let (Some(map), [name, rest @ ..]) = (value.as_map(), path) else {
        return value.clone();
    };
    let mut map = map.clone();
    match (rest.is_empty(), map.get(name).cloned()) {
        (false, Some(inner)) => {
            map.insert(name.as_str(), without(&inner, rest));
        }
        _ => {
            map.remove(name);
        }
    }
    Value::map(map).at(value.span)
}
