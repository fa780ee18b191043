//! Text: conversion, regular expressions, quoting, wrapping.

use super::Row;
use crate::jinja::function::Call;
use crate::value::Value;
use crate::value::re::{Flags, Found, Pattern, Template};

pub const FILTERS: &[Row] = &[
    ("regex_escape", regex_escape),
    ("regex_findall", regex_findall),
    ("regex_replace", regex_replace),
    ("regex_search", regex_search),
];

fn text(call: &Call) -> Result<String, String> {
    call.subject().map(Value::to_text)
}

fn flags(call: &Call, ignore_case: usize, multiline: usize) -> Flags {
    Flags {
        ignore_case: call.flag(ignore_case, "ignorecase", false),
        multiline: call.flag(multiline, "multiline", false),
        ..Flags::default()
    }
}

fn pattern(
    call: &Call,
    name: &str,
    ignore_case: usize,
    multiline: usize,
) -> Result<Pattern, String> {
    let text = call.text(1, name).unwrap_or_default();
    Pattern::new(&text, flags(call, ignore_case, multiline))
}

fn regex_replace(call: &Call) -> Result<Value, String> {
    let pattern = pattern(call, "pattern", 3, 4)?;
    let replacement = call.text(2, "replacement").unwrap_or_default();
    let count = call
        .arg(5, "count")
        .and_then(Value::as_int)
        .unwrap_or(0)
        .max(0) as usize;
    let text = text(call)?;
    let template = Template::parse(&replacement, &pattern)?;
    let (replaced, times) = pattern.sub(&template, &text, count);
    let mandatory = call
        .kwargs
        .get("mandatory_count")
        .and_then(Value::as_int)
        .unwrap_or(0);
    if mandatory > 0 && times as i64 != mandatory {
        return Err(format!(
            "'{}' should match {mandatory} times, but matches {times} times in '{text}'",
            call.text(1, "pattern").unwrap_or_default()
        ));
    }
    Ok(Value::str(replaced))
}

fn group(found: &Found, text: &str, index: usize) -> Value {
    found
        .group(text, index)
        .map_or_else(Value::null, Value::str)
}

/// Groups asked for as `'\\1'` or `'\\g<name>'`.
fn regex_search(call: &Call) -> Result<Value, String> {
    let wanted: Vec<String> = call.args.iter().skip(2).map(Value::to_text).collect();
    let pattern = Pattern::new(
        &call.text(1, "regex").unwrap_or_default(),
        flags(call, usize::MAX, usize::MAX),
    )?;
    let text = text(call)?;
    let Some(found) = pattern.search_from(&text, 0) else {
        return Ok(Value::null());
    };
    if wanted.is_empty() {
        return Ok(group(&found, &text, 0));
    }
    let groups: Vec<Value> = wanted
        .iter()
        .map(|name| {
            let index = name
                .strip_prefix("\\g<")
                .and_then(|rest| rest.strip_suffix('>'))
                .map(|name| pattern.group_number(name).or_else(|| name.parse().ok()))
                .unwrap_or_else(|| name.strip_prefix('\\').and_then(|n| n.parse().ok()));
            index
                .map(|index| group(&found, &text, index))
                .ok_or_else(|| "Unknown argument".to_owned())
        })
        .collect::<Result<_, _>>()?;
    Ok(Value::list(groups))
}

fn regex_findall(call: &Call) -> Result<Value, String> {
    let pattern = Pattern::new(
        &call.text(1, "regex").unwrap_or_default(),
        flags(call, 3, 2),
    )?;
    let text = text(call)?;
    let found: Vec<Value> = pattern
        .find_all(&text)
        .iter()
        .map(|found| {
            let or_empty = |index| {
                found
                    .group(&text, index)
                    .map_or_else(|| Value::str(""), Value::str)
            };
            match found.len() {
                0 => or_empty(0),
                1 => or_empty(1),
                n => Value::list((1..=n).map(or_empty).collect()),
            }
        })
        .collect();
    Ok(Value::list(found))
}

fn regex_escape(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    let special: &str = match call.text(1, "re_type").as_deref() {
        Some("posix_basic") => ".[]^$*\\",
        Some("posix_extended") => {
            return Err("Regex type (posix_extended) not yet implemented".to_owned());
        }
        Some(other) if other != "python" => return Err(format!("Invalid regex type ({other})")),
        _ => "()[]{}?*+-|^$\\.&~# \t\n\r",
    };
    Ok(Value::str(text.chars().fold(
        String::new(),
        |mut out, c| {
            if special.contains(c) {
                out.push('\\');
            }
            out.push(c);
            out
        },
    )))
}
