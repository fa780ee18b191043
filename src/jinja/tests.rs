//! Tests: `x is changed`, `v is version('2', '>=')`.

use super::function::{Call, items, truthy};
use crate::value::re::{Flags, Pattern};
use crate::value::{Kind, Value};
use minijinja::value::Rest;
use minijinja::{Environment, Error, ErrorKind, State, Value as Jinja};
use std::cmp::Ordering;
use std::path::PathBuf;

type Test = fn(&Call) -> Result<bool, String>;

const TESTS: &[(&str, Test)] = &[
    ("abs", absolute),
    ("all", all),
    ("any", any),
    ("changed", changed),
    ("change", changed),
    ("contains", contains),
    ("directory", |c| Ok(path(c)?.is_dir())),
    ("exists", |c| Ok(path(c)?.exists())),
    ("failed", failed),
    ("failure", failed),
    ("falsy", |c| Ok(!truthy_test(c)?)),
    ("file", |c| Ok(path(c)?.is_file())),
    ("finished", |c| status(c, "finished")),
    ("issubset", subset),
    ("issuperset", superset),
    ("link", |c| Ok(path(c)?.is_symlink())),
    ("link_exists", |c| Ok(path(c)?.symlink_metadata().is_ok())),
    ("match", |c| regex(c, "match")),
    ("mount", mount),
    ("nan", |c| {
        Ok(matches!(c.subject()?.kind, Kind::Float(f) if f.is_nan()))
    }),
    ("reachable", |c| Ok(!status(c, "unreachable")?)),
    ("regex", |c| {
        regex(
            c,
            &c.text(4, "match_type")
                .unwrap_or_else(|| "search".to_owned()),
        )
    }),
    ("same_file", same_file),
    ("search", |c| regex(c, "search")),
    ("skip", |c| status(c, "skipped")),
    ("skipped", |c| status(c, "skipped")),
    ("started", |c| status(c, "started")),
    ("subset", subset),
    ("succeeded", |c| Ok(!failed(c)?)),
    ("success", |c| Ok(!failed(c)?)),
    ("successful", |c| Ok(!failed(c)?)),
    ("superset", superset),
    ("timedout", |c| status(c, "timedout")),
    ("truthy", truthy_test),
    ("unreachable", |c| status(c, "unreachable")),
    ("uri", uri),
    ("url", uri),
    ("urn", |c| {
        Ok(c.subject()?.to_text().to_lowercase().starts_with("urn:"))
    }),
    ("vault_encrypted", |c| {
        Ok(c.subject()?.to_text().starts_with("$ANSIBLE_VAULT;"))
    }),
    ("vaulted_file", vaulted_file),
    ("version", version),
    ("version_compare", version),
];

/// Tests of minijinja's, for suggestions.
const BUILTIN: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "eq",
    "equalto",
    "even",
    "false",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sameas",
    "sequence",
    "string",
    "true",
    "undefined",
    "upper",
];

/// All names.
pub fn names() -> impl Iterator<Item = &'static str> {
    TESTS
        .iter()
        .map(|(name, _)| *name)
        .chain(BUILTIN.iter().copied())
}

/// Adds the tests under their short and full names.
pub fn add(env: &mut Environment<'static>) {
    for &(name, test) in TESTS {
        let run = move |state: &State, args: Rest<Jinja>| -> Result<bool, Error> {
            let call = Call::new(state, &args)?;
            note_unknown(&call);
            test(&call).map_err(|message| Error::new(ErrorKind::InvalidOperation, message))
        };
        env.add_test(name, run);
        env.add_test(format!("ansible.builtin.{name}"), run);
    }
    // Jinja knows these under further names.
    env.add_test("==", |a: &Jinja, b: &Jinja| a == b);
    env.add_test("!=", |a: &Jinja, b: &Jinja| a != b);
}

/// A dict may hold unknown values that the test does not look at; anything else is looked at.
fn note_unknown(call: &Call) {
    for arg in call.args.iter().filter(|arg| arg.as_map().is_none()) {
        if let Some(why) = arg.find_unknown() {
            super::bridge::Seen::note(why);
        }
    }
}

/// The truth of a field, unknown ones noted.
fn holds(value: &Value) -> bool {
    if let Kind::Unknown(why) = &value.kind {
        super::bridge::Seen::note(why);
    }
    value.truthy()
}

/// A field of a registered result.
fn status(call: &Call, name: &str) -> Result<bool, String> {
    let value = call.subject()?;
    if value.as_map().is_none() {
        return Err(format!("The '{name}' test expects a dictionary"));
    }
    Ok(value.get(name).is_some_and(holds))
}

fn failed(call: &Call) -> Result<bool, String> {
    status(call, "failed")
}

fn changed(call: &Call) -> Result<bool, String> {
    let value = call.subject()?;
    if value.as_map().is_none() {
        return Err("The 'changed' test expects a dictionary".to_owned());
    }
    if let Some(changed) = value.get("changed") {
        return Ok(holds(changed));
    }
    let results = value
        .get("results")
        .and_then(Value::as_list)
        .unwrap_or_default();
    Ok(results.iter().any(|r| r.get("changed").is_some_and(holds)))
}

fn path(call: &Call) -> Result<PathBuf, String> {
    let text = call.subject()?.to_text();
    Ok(match (text.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(text),
    })
}

fn absolute(call: &Call) -> Result<bool, String> {
    Ok(call.subject()?.to_text().starts_with('/'))
}

fn mount(call: &Call) -> Result<bool, String> {
    use std::os::unix::fs::MetadataExt;
    let path = path(call)?;
    let (Ok(own), Ok(above)) = (path.metadata(), path.join("..").metadata()) else {
        return Ok(false);
    };
    Ok(own.dev() != above.dev() || own.ino() == above.ino())
}

fn same_file(call: &Call) -> Result<bool, String> {
    use std::os::unix::fs::MetadataExt;
    let other = PathBuf::from(call.text(1, "other").unwrap_or_default());
    match (path(call)?.metadata(), other.metadata()) {
        (Ok(a), Ok(b)) => Ok(a.dev() == b.dev() && a.ino() == b.ino()),
        _ => Err("no such file".to_owned()),
    }
}

fn regex(call: &Call, how: &str) -> Result<bool, String> {
    let text = call.subject()?.to_text();
    let flags = Flags {
        ignore_case: call.flag(2, "ignorecase", false),
        multiline: call.flag(3, "multiline", false),
        ..Flags::default()
    };
    let pattern = call.text(1, "pattern").unwrap_or_default();
    Ok(match how {
        "match" => Pattern::new(&pattern, flags)?.match_start(&text).is_some(),
        "fullmatch" => Pattern::full(&pattern, flags)?.is_match(&text),
        _ => Pattern::new(&pattern, flags)?.is_match(&text),
    })
}

fn list_of(call: &Call, position: usize) -> Result<Vec<Value>, String> {
    items(call.args.get(position).ok_or("a list is needed")?)
}

fn subset(call: &Call) -> Result<bool, String> {
    let (a, b) = (list_of(call, 0)?, list_of(call, 1)?);
    Ok(a.iter().all(|item| b.contains(item)))
}

fn superset(call: &Call) -> Result<bool, String> {
    let (a, b) = (list_of(call, 0)?, list_of(call, 1)?);
    Ok(b.iter().all(|item| a.contains(item)))
}

fn contains(call: &Call) -> Result<bool, String> {
    let needle = call.args.get(1).ok_or("contains needs a value")?;
    match &call.subject()?.kind {
        Kind::Str(text) => Ok(text.text.contains(&needle.to_text())),
        _ => Ok(list_of(call, 0)?.contains(needle)),
    }
}

fn all(call: &Call) -> Result<bool, String> {
    Ok(list_of(call, 0)?.iter().all(Value::truthy))
}

fn any(call: &Call) -> Result<bool, String> {
    Ok(list_of(call, 0)?.iter().any(Value::truthy))
}

fn truthy_test(call: &Call) -> Result<bool, String> {
    let value = call.subject()?;
    if call.flag(1, "convert_bool", false)
        && let Some(text) = value.as_str()
    {
        let lower = text.trim().to_ascii_lowercase();
        if ["n", "no", "off", "0", "false", "f"].contains(&lower.as_str()) {
            return Ok(false);
        }
        return Ok(truthy(value) || !text.is_empty());
    }
    Ok(value.truthy())
}

fn uri(call: &Call) -> Result<bool, String> {
    let text = call.subject()?.to_text();
    let schemes = match call.args.get(1) {
        Some(list) => items(list)?.iter().map(Value::to_text).collect(),
        None => Vec::new(),
    };
    let Some((scheme, rest)) = text.split_once(':') else {
        return Ok(false);
    };
    Ok(!rest.is_empty() && (schemes.is_empty() || schemes.iter().any(|s| s == scheme)))
}

fn vaulted_file(call: &Call) -> Result<bool, String> {
    let bytes = std::fs::read(path(call)?).map_err(|e| e.to_string())?;
    Ok(bytes.starts_with(b"$ANSIBLE_VAULT;"))
}

/// `version(other, operator='==', strict=None, version_type=None)`
fn version(call: &Call) -> Result<bool, String> {
    let value = call.subject()?;
    let (left, right) = (value.to_text(), call.text(1, "version").unwrap_or_default());
    if left.is_empty() {
        return Err("Input version value cannot be empty".to_owned());
    }
    if right.is_empty() {
        return Err("Version parameter to compare against cannot be empty".to_owned());
    }
    let operator = call.text(2, "operator").unwrap_or_else(|| "eq".to_owned());
    let kind = call.text(4, "version_type").unwrap_or_default();
    let order = if matches!(kind.as_str(), "semver" | "semantic" | "pep440" | "strict")
        || call.flag(3, "strict", false)
    {
        pre_release_cmp(&left, &right)
    } else {
        loose_cmp(&left, &right)
    };
    Ok(match operator.as_str() {
        "==" | "=" | "eq" => order == Ordering::Equal,
        "!=" | "<>" | "ne" => order != Ordering::Equal,
        "<" | "lt" => order == Ordering::Less,
        "<=" | "le" => order != Ordering::Greater,
        ">" | "gt" => order == Ordering::Greater,
        ">=" | "ge" => order != Ordering::Less,
        other => {
            return Err(format!(
                "Invalid operator type ({other}). Must be one of ==, =, eq, <, lt, <=, le, >, gt, >=, ge, !=, <>, ne"
            ));
        }
    })
}

/// Runs of digits and of other characters, as Python's LooseVersion splits them.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut last = None;
    for c in text.chars() {
        let kind = if c.is_ascii_digit() {
            0
        } else if c == '.' {
            last = None;
            continue;
        } else {
            1
        };
        match parts.last_mut() {
            Some(part) if last == Some(kind) => part.push(c),
            _ => parts.push(c.to_string()),
        }
        last = Some(kind);
    }
    parts
}

/// LooseVersion's order.
pub fn loose_cmp(a: &str, b: &str) -> Ordering {
    let (a, b) = (parts(a), parts(b));
    for (x, y) in a.iter().zip(&b) {
        let order = match (x.parse::<u64>(), y.parse::<u64>()) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            _ => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// Versions in which `1.0-rc1` comes before `1.0`, and missing numbers are zero.
fn pre_release_cmp(a: &str, b: &str) -> Ordering {
    let split = |text: &str| -> (Vec<u64>, String) {
        let text = text
            .trim_start_matches('v')
            .split('+')
            .next()
            .unwrap_or_default();
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let mut numbers: Vec<u64> = text[..end]
            .split('.')
            .filter_map(|n| n.parse().ok())
            .collect();
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        (
            numbers,
            text[end..].trim_start_matches(['-', '.']).to_owned(),
        )
    };
    let ((na, ra), (nb, rb)) = (split(a), split(b));
    na.cmp(&nb)
        .then_with(|| match (ra.is_empty(), rb.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => loose_cmp(&ra, &rb),
        })
}
