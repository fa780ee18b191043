//! File names.

use super::Row;
use crate::jinja::function::Call;
use crate::sys::path::{expand_variables, normalise};
use crate::sys::real::expand_home_here;
use crate::value::{Kind, Value};
use std::path::Path;

pub const FILTERS: &[Row] = &[
    ("basename", basename),
    ("commonpath", commonpath),
    ("dirname", dirname),
    ("expanduser", expanduser),
    ("expandvars", expandvars),
    ("fileglob", fileglob),
    ("normpath", normpath),
    ("path_join", path_join),
    ("realpath", realpath),
    ("relpath", relpath),
    ("splitext", splitext),
    ("win_basename", |c| Ok(Value::str(win_split(&text(c)?).1))),
    ("win_dirname", |c| Ok(Value::str(win_split(&text(c)?).0))),
    ("win_splitdrive", win_splitdrive),
];

fn text(call: &Call) -> Result<String, String> {
    call.subject().map(Value::to_text)
}

fn basename(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    Ok(Value::str(text.rsplit('/').next().unwrap_or_default()))
}

fn dirname(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    let Some(at) = text.rfind('/') else {
        return Ok(Value::str(""));
    };
    let head = &text[..at];
    let trimmed = head.trim_end_matches('/');
    Ok(Value::str(if trimmed.is_empty() {
        &text[..=at]
    } else {
        trimmed
    }))
}

/// Directory and name of a Windows path.
fn win_split(path: &str) -> (String, String) {
    let drive = win_drive(path);
    let at = path
        .rfind(['\\', '/'])
        .map_or(drive, |at| at + 1)
        .max(drive);
    let (head, name) = path.split_at(at);
    let short = head[drive..].trim_end_matches(['\\', '/']);
    let head = if short.is_empty() {
        head
    } else {
        &head[..drive + short.len()]
    };
    (head.to_owned(), name.to_owned())
}

fn win_drive(path: &str) -> usize {
    if path.as_bytes().get(1) == Some(&b':') {
        2
    } else {
        0
    }
}

fn win_splitdrive(call: &Call) -> Result<Value, String> {
    let path = text(call)?;
    let (drive, rest) = path.split_at(win_drive(&path));
    Ok(Value::list(vec![Value::str(drive), Value::str(rest)]))
}

fn splitext(call: &Call) -> Result<Value, String> {
    let text = part(call.subject()?)?;
    let base_at = text.rfind('/').map_or(0, |at| at + 1);
    let base = &text[base_at..];
    let stem_starts = base.len() - base.trim_start_matches('.').len();
    let at = base
        .rfind('.')
        .filter(|at| *at > stem_starts || (*at >= stem_starts && stem_starts == 0 && *at > 0));
    let (root, extension) = match at {
        Some(at) => text.split_at(base_at + at),
        None => (text.as_str(), ""),
    };
    Ok(Value::list(vec![Value::str(root), Value::str(extension)]))
}

fn path_join(call: &Call) -> Result<Value, String> {
    let value = call.subject()?;
    let parts: Vec<String> = match &value.kind {
        Kind::List(items) => items.iter().map(part).collect::<Result<_, _>>()?,
        Kind::Str(text) => vec![text.text.to_string()],
        _ => return Err(wanted("path_join expects string or sequence", value)),
    };
    Ok(Value::str(join(&parts)))
}

/// A text that may be a part of a path.
fn part(value: &Value) -> Result<String, String> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| {
        format!(
            "expected str, bytes or os.PathLike object, not {}",
            value.type_name()
        )
    })
}

fn wanted(what: &str, value: &Value) -> String {
    let name = match &value.kind {
        Kind::Null => "NoneType",
        Kind::Map(_) => "ansible._internal._templating._lazy_containers._AnsibleLazyTemplateDict",
        _ => value.type_name(),
    };
    format!("|{what}, got <class '{name}'> instead.")
}

/// Python's `os.path.join`.
fn join(parts: &[String]) -> String {
    parts.iter().fold(String::new(), |mut path, part| {
        if part.starts_with('/') {
            return part.clone();
        }
        if !path.is_empty() && !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(part);
        path
    })
}

fn expanduser(call: &Call) -> Result<Value, String> {
    if call.args.len() > 1 {
        let given = call.args.len();
        return Err(format!(
            "expanduser() takes 1 positional argument but {given} were given"
        ));
    }
    Ok(Value::str(expand_home_here(&text(call)?)))
}

fn expandvars(call: &Call) -> Result<Value, String> {
    Ok(Value::str(expand_variables(&text(call)?, &|name| {
        std::env::var(name).ok()
    })))
}

fn normpath(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    Ok(Value::str(normalized(&text)))
}

fn normalized(text: &str) -> String {
    let path = normalise(Path::new(text)).to_string_lossy().into_owned();
    if path.is_empty() {
        ".".to_owned()
    } else {
        path
    }
}

fn realpath(call: &Call) -> Result<Value, String> {
    let text = text(call)?;
    let path = std::fs::canonicalize(&text).map_or_else(
        |_| {
            let here = std::env::current_dir().unwrap_or_default();
            normalized(&here.join(&text).to_string_lossy())
        },
        |p| p.to_string_lossy().into_owned(),
    );
    Ok(Value::str(path))
}

fn relpath(call: &Call) -> Result<Value, String> {
    let here = std::env::current_dir().unwrap_or_default();
    let full = |text: &str| normalized(&here.join(text).to_string_lossy());
    let path = full(&text(call)?);
    let start = full(&call.text(1, "start").unwrap_or_else(|| ".".to_owned()));
    let parts = |p: &str| -> Vec<String> {
        p.split('/')
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (path, start) = (parts(&path), parts(&start));
    let shared = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let mut out = vec!["..".to_owned(); start.len() - shared];
    out.extend_from_slice(&path[shared..]);
    Ok(Value::str(if out.is_empty() {
        ".".to_owned()
    } else {
        out.join("/")
    }))
}

fn commonpath(call: &Call) -> Result<Value, String> {
    let Some(paths) = call.subject()?.as_list() else {
        return Err(wanted("commonpath expects sequence", call.subject()?));
    };
    let paths = paths.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    let absolute = paths.iter().filter(|path| path.starts_with('/')).count();
    if absolute > 0 && absolute < paths.len() {
        return Err("Can't mix absolute and relative paths".to_owned());
    }
    let paths: Vec<Vec<String>> = paths
        .iter()
        .map(|p| p.split('/').map(str::to_owned).collect())
        .collect();
    let Some((first, others)) = paths.split_first() else {
        return Err("commonpath() arg is an empty sequence".to_owned());
    };
    let shared = (0..first.len())
        .take_while(|i| others.iter().all(|p| p.get(*i) == first.get(*i)))
        .count();
    let path = first[..shared].join("/");
    Ok(Value::str(
        if path.is_empty() && first.first().is_some_and(String::is_empty) {
            "/".to_owned()
        } else {
            path
        },
    ))
}

fn fileglob(call: &Call) -> Result<Value, String> {
    let pattern = text(call)?;
    let found = glob::glob(&pattern).map_err(|e| e.to_string())?;
    let mut paths: Vec<String> = found
        .flatten()
        .filter(|path| path.is_file())
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    paths.sort_unstable();
    Ok(Value::list(paths.into_iter().map(Value::str).collect()))
}
