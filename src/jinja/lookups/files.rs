//! Lookups of files and commands of the control side.

use super::{Ask, Lookup};
use crate::jinja::function::message;
use crate::jinja::stop::Stop;
use crate::modules::RenderOptions;
use crate::value::{Kind, Map, Value};
use std::path::{Path, PathBuf};

pub const LOOKUPS: &[(&str, Lookup)] = &[
    ("file", file),
    ("fileglob", fileglob),
    ("first_found", first_found),
    ("lines", lines),
    ("pipe", pipe),
    ("template", template),
    ("unvault", unvault),
];

/// A file in a subdirectory of the search directories, or in those themselves.
pub fn find(ask: &Ask<'_>, sub: &str, name: &str) -> Option<PathBuf> {
    let path = match (name.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(name),
    };
    if path.is_absolute() {
        return path.exists().then_some(path);
    }
    ask.frame
        .at
        .search
        .iter()
        .flat_map(|dir| [dir.join(sub).join(&path), dir.join(&path)])
        .find(|candidate| candidate.exists())
}

fn missing(what: &str, name: &str) -> String {
    format!(
        "Unable to access the {what} '{name}': File not found. Use -vvvvv to see paths searched."
    )
}

fn read(ask: &Ask<'_>, path: &Path) -> Result<String, String> {
    String::from_utf8(bytes_of(ask, path)?)
        .map_err(|_| format!("{} is not UTF-8 text", path.display()))
}

/// The content of a file, decrypted if it is vaulted.
pub fn bytes_of(ask: &Ask<'_>, path: &Path) -> Result<Vec<u8>, String> {
    let bytes = ask.frame.env.engine.sources.read(path).map_err(|e| {
        format!(
            "cannot read {}: {}",
            path.display(),
            crate::diag::reason(&e)
        )
    })?;
    if !bytes.starts_with(b"$ANSIBLE_VAULT;") {
        return Ok(bytes);
    }
    ask.frame
        .env
        .engine
        .decrypt_text(
            &String::from_utf8_lossy(&bytes).into(),
            crate::diag::Span::NONE,
        )
        .map(|text| text.as_bytes().to_vec())
        .map_err(|e| e.message)
}

/// The content of a file as it is, decrypted if it is vaulted.
fn unvault(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    ask.terms
        .iter()
        .map(|term| {
            let name = term.to_text();
            let path = find(ask, "files", &name)
                .ok_or_else(|| format!("Unable to find file matching \"{name}\" "))?;
            read(ask, &path).map(Value::str)
        })
        .collect()
}

fn file(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    ask.terms
        .iter()
        .map(|term| {
            let name = term.to_text();
            let path = find(ask, "files", &name).ok_or_else(|| missing("file", &name))?;
            let mut text = read(ask, &path)?;
            if ask.flag("lstrip", false) {
                text = text.trim_start().to_owned();
            }
            if ask.flag("rstrip", true) {
                text = text.trim_end().to_owned();
            }
            Ok(Value::str(text))
        })
        .collect()
}

fn template(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let more = match ask.options.get("template_vars").map(|v| &v.kind) {
        Some(Kind::Map(map)) => Map::clone(map),
        _ => Map::new(),
    };
    let frame = ask
        .frame
        .over(crate::vars::over(more, ask.frame.scope.clone()));
    let pair =
        |start: &str, end: &str, default: (&str, &str)| match (ask.text(start), ask.text(end)) {
            (None, None) => None,
            (a, b) => Some((
                a.unwrap_or_else(|| default.0.to_owned()),
                b.unwrap_or_else(|| default.1.to_owned()),
            )),
        };
    let options = RenderOptions {
        trim_blocks: ask
            .options
            .get("trim_blocks")
            .map(crate::jinja::function::truthy),
        lstrip_blocks: ask
            .options
            .get("lstrip_blocks")
            .map(crate::jinja::function::truthy),
        variable: pair("variable_start_string", "variable_end_string", ("{{", "}}")),
        comment: pair("comment_start_string", "comment_end_string", ("{#", "#}")),
        ..RenderOptions::default()
    };
    ask.terms
        .iter()
        .map(|term| {
            let name = term.to_text();
            let path = find(ask, "templates", &name).ok_or_else(|| {
                format!("the template file {name} could not be found for the lookup")
            })?;
            let text = read(ask, &path)?;
            let own = crate::jinja::files::template_vars(&path, &frame.scope);
            let scope = crate::vars::over(own, frame.scope.clone());
            let rendered = frame
                .engine
                .file_value(&path, &text, &options, &scope, &frame.at);
            match rendered {
                Err(Stop::Unknown(_)) => Ok(Value::unknown(format!("the template {name}"))),
                rendered => rendered.map_err(message),
            }
        })
        .collect()
}

fn run(lookup: &str, command: &str) -> Result<String, String> {
    let output = std::process::Command::new("/bin/sh")
        .args(["-c", command])
        .output()
        .map_err(|e| crate::diag::reason(&e))?;
    if !output.status.success() {
        return Err(format!(
            "lookup_plugin.{lookup}({command}) returned {}",
            output.status.code().unwrap_or(-1)
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn pipe(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    ask.terms
        .iter()
        .map(|term| run("pipe", &term.to_text()).map(|out| Value::str(out.trim_end())))
        .collect()
}

fn lines(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for term in ask.terms {
        found.extend(run("lines", &term.to_text())?.lines().map(Value::str));
    }
    Ok(found)
}

fn fileglob(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for term in ask.terms {
        let term = term.to_text();
        let (dir, name) = term.rsplit_once('/').unwrap_or(("", &term));
        let dirs: Vec<PathBuf> = if dir.starts_with('/') {
            vec![PathBuf::from(dir)]
        } else {
            ask.frame
                .at
                .search
                .iter()
                .flat_map(|base| [base.join("files").join(dir), base.join(dir)])
                .collect()
        };
        // The first directory that has any.
        for dir in dirs.into_iter().filter(|dir| dir.is_dir()) {
            let pattern = format!("{}/{name}", glob::Pattern::escape(&dir.to_string_lossy()));
            let mut paths: Vec<PathBuf> = glob::glob(&pattern)
                .map_err(|e| e.to_string())?
                .flatten()
                .filter(|path| path.is_file())
                .collect();
            paths.sort_unstable();
            let texts = paths.iter().map(|path| path.to_string_lossy().into_owned());
            found.extend(texts.map(Value::str));
            if !paths.is_empty() {
                break;
            }
        }
    }
    Ok(found)
}

fn strings(value: Option<&Value>) -> Vec<String> {
    match value.map(|v| &v.kind) {
        Some(Kind::List(items)) => items.iter().flat_map(|item| strings(Some(item))).collect(),
        Some(Kind::Str(text)) => text
            .text
            .split([',', ';'])
            .map(|part| part.trim().to_owned())
            .filter(|part| !part.is_empty())
            .collect(),
        _ => Vec::new(),
    }
}

fn first_found(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let mut candidates: Vec<String> = Vec::new();
    let mut skip = ask.flag("skip", false);
    let combine = |files: &[String], paths: &[String], into: &mut Vec<String>| {
        if paths.is_empty() {
            into.extend_from_slice(files);
        }
        for path in paths {
            into.extend(files.iter().map(|file| format!("{path}/{file}")));
        }
    };
    let mut terms: Vec<Value> = Vec::new();
    for term in ask.terms {
        match &term.kind {
            Kind::List(items) => terms.extend(items.iter().cloned()),
            _ => terms.push(term.clone()),
        }
    }
    if terms.is_empty() {
        combine(
            &strings(ask.options.get("files")),
            &strings(ask.options.get("paths")),
            &mut candidates,
        );
    }
    for term in &terms {
        match &term.kind {
            Kind::Map(map) => {
                combine(
                    &strings(map.get("files")),
                    &strings(map.get("paths")),
                    &mut candidates,
                );
                skip |= map.get("skip").is_some_and(crate::jinja::function::truthy);
            }
            _ => {
                let files = [term.to_text()];
                combine(&files, &strings(ask.options.get("paths")), &mut candidates);
            }
        }
    }
    let found = candidates.iter().find_map(|name| {
        ["vars", "templates", "files", "tasks"]
            .iter()
            .find_map(|sub| find(ask, sub, name))
    });
    match found {
        Some(path) => Ok(vec![Value::str(path.to_string_lossy().into_owned())]),
        None if skip => Ok(Vec::new()),
        None => Err("No file was found when using first_found.".to_owned()),
    }
}
