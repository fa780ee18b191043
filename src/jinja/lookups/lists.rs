//! Lookups that shape lists: what `with_items` and its relatives do.

use super::terms::number;
use super::{Ask, Lookup};
use crate::jinja::filters::collections_pairs;
use crate::value::{Kind, Map, Value};

pub const LOOKUPS: &[(&str, Lookup)] = &[
    ("cartesian", nested),
    ("dict", dict),
    ("flattened", flattened),
    ("indexed_items", indexed_items),
    ("items", items),
    ("list", |ask| Ok(ask.terms.to_vec())),
    ("nested", nested),
    ("random_choice", random_choice),
    ("sequence", sequence),
    ("subelements", subelements),
    ("together", together),
];

fn spread(terms: &[Value]) -> Vec<Value> {
    terms
        .iter()
        .flat_map(|term| match &term.kind {
            Kind::List(items) => items.to_vec(),
            _ => vec![term.clone()],
        })
        .collect()
}

fn items(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    Ok(spread(ask.terms))
}

fn flattened(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    fn flat(value: &Value, into: &mut Vec<Value>) {
        match &value.kind {
            Kind::List(items) => items.iter().for_each(|item| flat(item, into)),
            _ => into.push(value.clone()),
        }
    }
    let mut out = Vec::new();
    ask.terms.iter().for_each(|term| flat(term, &mut out));
    Ok(out)
}

fn indexed_items(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    Ok(spread(ask.terms)
        .into_iter()
        .zip(0i64..)
        .map(|(item, i)| Value::list(vec![Value::from(i), item]))
        .collect())
}

fn dict(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let mut out = Vec::new();
    for term in spread(ask.terms) {
        let Some(map) = term.as_map() else {
            return Err(format!(
                "the 'dict' lookup plugin expects a dictionary, got {} of type <class '{}'>)",
                term.repr(),
                term.type_name()
            ));
        };
        for (key, value) in map {
            let entry: Map = [("key", key.to_value()), ("value", value.clone())]
                .into_iter()
                .collect();
            out.push(Value::map(entry));
        }
    }
    Ok(out)
}

fn lists(ask: &Ask<'_>) -> Vec<Vec<Value>> {
    ask.terms
        .iter()
        .map(|term| match &term.kind {
            Kind::List(items) => items.to_vec(),
            _ => vec![term.clone()],
        })
        .collect()
}

fn nested(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let lists = lists(ask);
    if lists.is_empty() {
        return Err("with_nested requires at least one element in the nested list".to_owned());
    }
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for list in &lists {
        rows = rows
            .iter()
            .flat_map(|row| {
                list.iter().map(move |item| {
                    let mut row = row.clone();
                    match &item.kind {
                        Kind::List(items) => row.extend(items.iter().cloned()),
                        _ => row.push(item.clone()),
                    }
                    row
                })
            })
            .collect();
    }
    Ok(rows.into_iter().map(Value::list).collect())
}

fn together(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let lists = lists(ask);
    if lists.is_empty() {
        return Err("with_together requires at least one element in each list".to_owned());
    }
    let length = lists.iter().map(Vec::len).max().unwrap_or(0);
    Ok((0..length)
        .map(|i| {
            Value::list(
                lists
                    .iter()
                    .map(|list| list.get(i).cloned().unwrap_or_default())
                    .collect(),
            )
        })
        .collect())
}

fn subelements(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let [elements, path, more @ ..] = ask.terms else {
        return Err("subelements lookup expects a list of two or three items,".to_owned());
    };
    let wrong = || {
        Err("subelements lookup expects a list of two or three items, \
             first a dict or a list, second a string pointing to the subkey"
            .to_owned())
    };
    if path.as_str().is_none() {
        return wrong();
    }
    let elements = match &elements.kind {
        Kind::List(items) => items.to_vec(),
        Kind::Map(map) if map.get("skipped").is_some_and(Value::truthy) => return Ok(Vec::new()),
        Kind::Map(map) => map.values().cloned().collect(),
        _ => return wrong(),
    };
    if more.first().is_some_and(|flags| flags.as_map().is_none()) {
        return Err("subelements lookup expects a list of two or three items, \
                    the optional third item must be a dict with flags skip_missing"
            .to_owned());
    }
    let path: Vec<String> = path.to_text().split('.').map(str::to_owned).collect();
    let skip = more
        .first()
        .and_then(|flags| flags.get("skip_missing"))
        .is_some_and(crate::jinja::function::truthy);
    collections_pairs(&elements, &path, skip, true)
}

fn random_choice(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    if ask.terms.is_empty() {
        return Ok(Vec::new());
    }
    let at = rand::random::<u64>() % ask.terms.len() as u64;
    Ok(vec![ask.terms[at as usize].clone()])
}

/// `start=1 end=10 stride=2 format=%02d`, `count=5`, or the short `1-10/2:%02d`.
fn sequence(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let mut out = Vec::new();
    if ask.terms.is_empty() && ask.options.is_empty() {
        return Ok(out);
    }
    let terms: Vec<String> = if ask.terms.is_empty() {
        vec![String::new()]
    } else {
        ask.terms.iter().map(Value::to_text).collect()
    };
    for term in terms {
        out.extend(one_sequence(&term, ask.options)?);
    }
    Ok(out)
}

fn one_sequence(term: &str, options: &Map) -> Result<Vec<Value>, String> {
    let (mut start, mut end, mut count, mut stride) = (1, None, None, None);
    let mut format = "%d".to_owned();
    let mut set = |key: &str, value: &str| -> Result<(), String> {
        match key {
            "start" => start = number("sequence", key, value)?,
            "end" => end = Some(number("sequence", key, value)?),
            "count" => count = Some(number("sequence", key, value)?),
            "stride" => stride = Some(number("sequence", key, value)?),
            "format" => format = value.to_owned(),
            other => return Err(format!("unrecognized arguments to with_sequence: {other}")),
        }
        Ok(())
    };
    for (key, value) in options {
        set(&key.to_value().to_text(), &value.to_text())?;
    }
    if term.contains('=') {
        for part in shell_words::split(term).map_err(|e| e.to_string())? {
            let (key, value) = part.split_once('=').ok_or("bad sequence arguments")?;
            set(key, value)?;
        }
    } else if !term.trim().is_empty() {
        let (range, form) = match term.split_once(':') {
            Some((range, form)) => (range, Some(form)),
            None => (term, None),
        };
        let (range, step) = match range.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (range, None),
        };
        match range.char_indices().skip(1).find(|(_, c)| *c == '-') {
            Some((at, _)) => {
                set("start", &range[..at])?;
                set("end", &range[at + 1..])?;
            }
            None => set("end", range)?,
        }
        if let Some(step) = step {
            set("stride", step)?;
        }
        if let Some(form) = form {
            set("format", form)?;
        }
    }
    let end = match (end, count) {
        (None, None) => return Err("must specify count or end in with_sequence".to_owned()),
        (Some(_), Some(_)) => {
            return Err("can't specify both count and end in with_sequence".to_owned());
        }
        (Some(end), None) => end,
        (None, Some(0)) => return Ok(Vec::new()),
        (None, Some(count)) => start + stride.unwrap_or(1) * count - 1,
    };
    let stride = stride.unwrap_or(1);
    if stride == 0 {
        return Ok(Vec::new());
    }
    if stride > 0 && end < start {
        return Err(format!(
            "to count backwards make stride negative (start {start}, end {end})"
        ));
    }
    if stride < 0 && end > start {
        return Err("to count forward don't make stride negative".to_owned());
    }
    let mut out = Vec::new();
    let mut n = start;
    while (stride > 0 && n <= end) || (stride < 0 && n >= end) {
        out.push(Value::str(
            crate::jinja::format::percent_int(&format, n)
                .map_err(|_| format!("bad formatting string: {format}"))?,
        ));
        n += stride;
    }
    Ok(out)
}
