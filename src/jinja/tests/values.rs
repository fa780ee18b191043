//! Tests of finished values: versions, patterns, files, sets.

use crate::jinja::function::{Call, items, truthy};
use crate::value::re::{Flags, Pattern};
use crate::value::{Kind, Value};
use std::path::PathBuf;

/// The family.
pub const FAMILY: &[(&str, super::OnValues)] = &[
    ("abs", absolute),
    ("is_abs", absolute),
    ("all", all),
    ("any", any),
    ("contains", contains),
    ("directory", |c| Ok(path(c)?.is_dir())),
    ("is_dir", |c| Ok(path(c)?.is_dir())),
    ("exists", |c| Ok(path(c)?.exists())),
    ("falsy", |c| Ok(!truthy_test(c)?)),
    ("file", |c| Ok(path(c)?.is_file())),
    ("is_file", |c| Ok(path(c)?.is_file())),
    ("issubset", subset),
    ("issuperset", superset),
    ("link", |c| Ok(path(c)?.is_symlink())),
    ("is_link", |c| Ok(path(c)?.is_symlink())),
    ("link_exists", |c| Ok(path(c)?.symlink_metadata().is_ok())),
    ("match", |c| regex(c, "match")),
    ("mount", mount),
    ("is_mount", mount),
    ("isnan", |c| {
        Ok(matches!(c.subject()?.kind, Kind::Float(f) if f.is_nan()))
    }),
    ("nan", |c| {
        Ok(matches!(c.subject()?.kind, Kind::Float(f) if f.is_nan()))
    }),
    ("regex", |c| {
        regex(
            c,
            &c.text(4, "match_type")
                .unwrap_or_else(|| "search".to_owned()),
        )
    }),
    ("same_file", same_file),
    ("is_same_file", same_file),
    ("search", |c| regex(c, "search")),
    ("subset", subset),
    ("superset", superset),
    ("truthy", truthy_test),
    ("uri", uri),
    ("url", url),
    ("urn", |c| {
        Ok(c.subject()?.to_text().to_lowercase().starts_with("urn:"))
    }),
    ("vaulted_file", vaulted_file),
    ("version", super::versions::version),
    ("version_compare", super::versions::version),
];

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

/// A URI that names a host.
fn url(call: &Call) -> Result<bool, String> {
    let text = call.subject()?.to_text();
    let host = text
        .split_once("://")
        .is_some_and(|(_, rest)| !rest.is_empty() && !rest.starts_with('/'));
    Ok(host && uri(call)?)
}

/// Anything can be one, unless schemes are asked for (observed: ansible-core 2.19.14).
fn uri(call: &Call) -> Result<bool, String> {
    let text = call.subject()?.to_text();
    let schemes = match call.args.get(1) {
        Some(list) => items(list)?.iter().map(Value::to_text).collect(),
        None => Vec::new(),
    };
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    Ok(schemes.is_empty() || schemes.iter().any(|s| s == scheme))
}

fn vaulted_file(call: &Call) -> Result<bool, String> {
    let bytes = std::fs::read(path(call)?).map_err(|e| e.to_string())?;
    Ok(bytes.starts_with(b"$ANSIBLE_VAULT;"))
}
