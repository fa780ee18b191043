//! Text: conversion, regular expressions, quoting, wrapping.

use super::Row;
use crate::jinja::function::{Call, truthy};
use crate::value::re::{Flags, Found, Pattern, Template};
use crate::value::{Kind, Value};

pub const FILTERS: &[Row] = &[
    ("bool", to_bool),
    ("center", center),
    ("comment", comment),
    ("format", format),
    ("join", join),
    ("quote", quote),
    ("regex_escape", regex_escape),
    ("regex_findall", regex_findall),
    ("regex_replace", regex_replace),
    ("regex_search", regex_search),
    ("replace", replace),
    ("split", split),
    ("splitlines", splitlines),
    ("string", string),
    ("striptags", striptags),
    ("ternary", ternary),
    ("truncate", truncate),
    ("type_debug", type_debug),
    ("wordcount", wordcount),
    ("wordwrap", wordwrap),
];

fn text(call: &Call) -> Result<String, String> {
    call.subject().map(Value::to_text)
}

fn to_bool(call: &Call) -> Result<Value, String> {
    let value = call.subject()?;
    Ok(match &value.kind {
        Kind::Null | Kind::Bool(_) => value.clone(),
        _ => Value::from(truthy(&Value::str(value.to_text()))),
    })
}

fn string(call: &Call) -> Result<Value, String> {
    Ok(Value::str(text(call)?))
}

fn join(call: &Call) -> Result<Value, String> {
    let separator = call.text(1, "d").unwrap_or_default();
    let attribute = call.text(2, "attribute");
    let parts: Vec<String> = call
        .list()?
        .iter()
        .map(|item| match &attribute {
            Some(name) => item
                .get(name)
                .map(Value::to_text)
                .ok_or_else(|| format!("object of type 'dict' has no attribute '{name}'")),
            None => Ok(item.to_text()),
        })
        .collect::<Result<_, _>>()?;
    Ok(Value::str(parts.join(&separator)))
}

fn replace(call: &Call) -> Result<Value, String> {
    let (old, new) = (
        call.text(1, "old").ok_or("replace needs what to replace")?,
        call.text(2, "new").unwrap_or_default(),
    );
    let text = text(call)?;
    Ok(Value::str(match call.int(3, "count") {
        Some(count) if count >= 0 => text.replacen(&old, &new, count as usize),
        _ => text.replace(&old, &new),
    }))
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

fn quote(call: &Call) -> Result<Value, String> {
    let value = call.subject()?;
    let text = if value.is_null() {
        String::new()
    } else {
        value.to_text()
    };
    Ok(Value::str(shell_quote(&text)))
}

/// Python's `shlex.quote`.
fn shell_quote(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\"'\"'"))
}

fn split(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    let most = call.int(2, "maxsplit").unwrap_or(-1);
    Ok(Value::list(
        split_text(&text, call.text(1, "sep").as_deref(), most)
            .into_iter()
            .map(Value::str)
            .collect(),
    ))
}

/// Python's `str.split`.
pub fn split_text<'a>(text: &'a str, separator: Option<&str>, most: i64) -> Vec<&'a str> {
    match separator.filter(|s| !s.is_empty()) {
        Some(separator) if most >= 0 => text.splitn(most as usize + 1, separator).collect(),
        Some(separator) => text.split(separator).collect(),
        None if most < 0 => text.split_whitespace().collect(),
        None => {
            let mut parts = Vec::new();
            let mut rest = text.trim_start();
            while !rest.is_empty() && parts.len() < most as usize {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                parts.push(&rest[..end]);
                rest = rest[end..].trim_start();
            }
            if !rest.is_empty() {
                parts.push(rest);
            }
            parts
        }
    }
}

fn splitlines(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    Ok(Value::list(text.lines().map(Value::str).collect()))
}

fn ternary(call: &Call) -> Result<Value, String> {
    let value = call.subject()?;
    let pick = |position, name: &str| {
        call.arg(position, name)
            .cloned()
            .ok_or_else(|| format!("ternary needs `{name}`"))
    };
    if value.is_null() {
        if let Some(none) = call.arg(3, "none_val").filter(|v| !v.is_null()) {
            return Ok(none.clone());
        }
    }
    if truthy_or_python(value) {
        pick(1, "true_val")
    } else {
        pick(2, "false_val")
    }
}

fn truthy_or_python(value: &Value) -> bool {
    value.truthy()
}

fn type_debug(call: &Call) -> Result<Value, String> {
    let value = call.subject()?;
    Ok(Value::str(match value.kind {
        Kind::Null => "NoneType",
        _ => value.type_name(),
    }))
}

fn center(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    let width = call.int(1, "width").unwrap_or(80).max(0) as usize;
    let len = text.chars().count();
    if len >= width {
        return Ok(Value::str(text));
    }
    let all = width - len;
    let left = all / 2 + (all & width & 1);
    Ok(Value::str(format!(
        "{}{text}{}",
        " ".repeat(left),
        " ".repeat(all - left)
    )))
}

fn truncate(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    let length = call.int(1, "length").unwrap_or(255).max(0) as usize;
    let kill_words = call.flag(2, "killwords", false);
    let end = call.text(3, "end").unwrap_or_else(|| "...".to_owned());
    let leeway = call.int(4, "leeway").unwrap_or(5).max(0) as usize;
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= length + leeway {
        return Ok(Value::str(text));
    }
    let keep = length.saturating_sub(end.chars().count());
    let cut: String = chars[..keep.min(chars.len())].iter().collect();
    let cut = if kill_words {
        cut
    } else {
        cut.rsplit_once(' ')
            .map_or(cut.clone(), |(head, _)| head.to_owned())
    };
    Ok(Value::str(cut + &end))
}

fn wordcount(call: &Call) -> Result<Value, String> {
    let words = text(call)?
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|w| !w.is_empty())
        .count();
    Ok(Value::from(words as i64))
}

fn wordwrap(call: &Call) -> Result<Value, String> {
    let width = call.int(1, "width").unwrap_or(79).max(1) as usize;
    let wrap = call
        .text(3, "wrapstring")
        .unwrap_or_else(|| "\n".to_owned());
    let text = text(call)?;
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| {
            let mut rows: Vec<String> = Vec::new();
            let mut row = String::new();
            for word in line.split(' ') {
                if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > width {
                    rows.push(std::mem::take(&mut row));
                }
                if !row.is_empty() {
                    row.push(' ');
                }
                row.push_str(word);
            }
            rows.push(row);
            rows.join(&wrap)
        })
        .collect();
    Ok(Value::str(lines.join(&wrap)))
}

fn striptags(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    let mut out = String::new();
    let mut inside = false;
    for c in text.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = out.split_whitespace().collect();
    Ok(Value::str(words.join(" ")))
}

fn format(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    let args = &call.args[1..];
    super::methods::percent(&text, args, &call.kwargs).map(Value::str)
}

/// `comment`: a text as a comment in one of the styles.
fn comment(call: &Call) -> Result<Value, String> {
    let style = call.text(1, "style").unwrap_or_else(|| "plain".to_owned());
    let (begin, mut decoration, end) = match style.as_str() {
        "plain" => ("", "# ", ""),
        "erlang" => ("", "% ", ""),
        "c" => ("", "// ", ""),
        "cblock" => ("/*", " * ", " */"),
        "xml" => ("<!--", " - ", "-->"),
        other => return Err(format!("Invalid style '{other}'.")),
    };
    let (mut begin, mut end) = (begin.to_owned(), end.to_owned());
    let given = |name: &str| call.kwargs.get(name).map(Value::to_text);
    let own = given("decoration");
    if let Some(own) = &own {
        decoration = own;
    }
    if let Some(given) = given("beginning") {
        begin = given;
    }
    if let Some(given) = given("end") {
        end = given;
    }
    let newline = given("newline").unwrap_or_else(|| "\n".to_owned());
    let prefix = given("prefix").unwrap_or_else(|| decoration.trim_end().to_owned());
    let postfix = given("postfix").unwrap_or_else(|| decoration.trim_end().to_owned());
    let count = |name: &str| {
        call.kwargs
            .get(name)
            .and_then(Value::as_int)
            .unwrap_or(1)
            .max(0) as usize
    };
    let mut out = String::new();
    if !begin.is_empty() {
        out.push_str(&begin);
        out.push_str(&newline);
    }
    if !prefix.is_empty() {
        out.push_str(&format!("{prefix}{newline}").repeat(count("prefix_count")));
    }
    let text = text(call)?;
    let lines: Vec<String> = text
        .split(&newline)
        .map(|line| format!("{decoration}{line}").trim_end().to_owned())
        .collect();
    out.push_str(&lines.join(&newline));
    if !postfix.is_empty() {
        out.push_str(&format!("{newline}{postfix}").repeat(count("postfix_count")));
    }
    if !end.is_empty() {
        out.push_str(&newline);
        out.push_str(&end);
    }
    Ok(Value::str(out))
}
