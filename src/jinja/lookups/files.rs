//! Lookups of files and commands of the control side.

use super::{Ask, Lookup};
use crate::modules::RenderOptions;
use crate::value::{Kind, Map, Value};
use std::path::{Path, PathBuf};

pub const LOOKUPS: &[(&str, Lookup)] = &[
    ("csvfile", csvfile),
    ("file", file),
    ("fileglob", fileglob),
    ("first_found", first_found),
    ("ini", ini),
    ("lines", lines),
    ("pipe", pipe),
    ("template", template),
    ("unvault", file),
];

/// A file in a subdirectory of the search directories, or in those themselves.
fn find(ask: &Ask<'_>, sub: &str, name: &str) -> Option<PathBuf> {
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
    let bytes = std::fs::read(path).map_err(|e| {
        format!(
            "cannot read {}: {}",
            path.display(),
            crate::diag::reason(&e)
        )
    })?;
    let text =
        String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8 text", path.display()))?;
    if text.starts_with("$ANSIBLE_VAULT;") {
        return ask
            .frame
            .env
            .engine
            .decrypt_text(&text, crate::diag::Span::NONE)
            .map(|t| t.to_string())
            .map_err(|e| e.message);
    }
    Ok(text)
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
            let rendered = frame
                .engine
                .file(&path, &text, &options, &frame.scope, &frame.at)
                .map_err(|e| e.message)?;
            Ok(match rendered {
                Some(text) if ask.flag("convert_data", true) => crate::value::python_literal(&text)
                    .filter(|v| matches!(v.kind, Kind::Map(_) | Kind::List(_)))
                    .unwrap_or_else(|| Value::str(text)),
                Some(text) => Value::str(text),
                None => Value::unknown(format!("the template {name}")),
            })
        })
        .collect()
}

fn run(command: &str) -> Result<String, String> {
    let output = std::process::Command::new("/bin/sh")
        .args(["-c", command])
        .output()
        .map_err(|e| crate::diag::reason(&e))?;
    if !output.status.success() {
        return Err(format!(
            "lookup_plugin.pipe({command}) returned {}",
            output.status.code().unwrap_or(-1)
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn pipe(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    ask.terms
        .iter()
        .map(|term| run(&term.to_text()).map(|out| Value::str(out.trim_end())))
        .collect()
}

fn lines(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for term in ask.terms {
        found.extend(run(&term.to_text())?.lines().map(Value::str));
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
        let Some(dir) = dirs.into_iter().find(|dir| dir.is_dir()) else {
            continue;
        };
        let pattern = format!("{}/{name}", glob::Pattern::escape(&dir.to_string_lossy()));
        let mut paths: Vec<PathBuf> = glob::glob(&pattern)
            .map_err(|e| e.to_string())?
            .flatten()
            .filter(|path| path.is_file())
            .collect();
        paths.sort();
        found.extend(
            paths
                .iter()
                .map(|path| Value::str(path.to_string_lossy().into_owned())),
        );
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

/// Options in the term itself: `key file=x.csv delimiter=;`.
fn parameters(ask: &Ask<'_>, term: &str) -> (String, Map) {
    let mut options = ask.options.clone();
    let mut key = Vec::new();
    for word in term.split_whitespace() {
        match word.split_once('=') {
            Some((name, value)) if name.chars().all(|c| c.is_alphanumeric() || c == '_') => {
                options.insert(name, value);
            }
            _ => key.push(word),
        }
    }
    (key.join(" "), options)
}

fn csvfile(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for term in ask.terms {
        let (key, options) = parameters(ask, &term.to_text());
        let option = |name: &str, default: &str| {
            options
                .get(name)
                .map_or_else(|| default.to_owned(), Value::to_text)
        };
        let file = option("file", "ansible.csv");
        let path = find(ask, "files", &file).ok_or_else(|| missing("csvfile", &file))?;
        let delimiter = match option("delimiter", "\t").as_str() {
            "TAB" | "\\t" => '\t',
            other => other.chars().next().unwrap_or('\t'),
        };
        let number = |name: &str, default: &str| -> Result<usize, String> {
            option(name, default)
                .parse()
                .map_err(|_| format!("{name} is not a number"))
        };
        let (column, key_column) = (number("col", "1")?, number("keycol", "0")?);
        let row = read(ask, &path)?
            .lines()
            .map(|line| csv_fields(line, delimiter))
            .find(|row| row.get(key_column).is_some_and(|field| *field == key));
        match row.and_then(|row| row.get(column).cloned()) {
            Some(field) => found.push(Value::str(field)),
            None => {
                if let Some(default) = options.get("default") {
                    found.push(default.clone());
                }
            }
        }
    }
    Ok(found)
}

fn csv_fields(line: &str, delimiter: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let last = fields.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                fields[last].push('"');
            }
            '"' => quoted = !quoted,
            c if c == delimiter && !quoted => fields.push(String::new()),
            c => fields[last].push(c),
        }
    }
    fields
}

/// `lookup('ini', 'key', section='x', file='y.ini')`, also of Java properties.
fn ini(ask: &Ask<'_>) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for term in ask.terms {
        let (key, options) = parameters(ask, &term.to_text());
        let option = |name: &str, default: &str| {
            options
                .get(name)
                .map_or_else(|| default.to_owned(), Value::to_text)
        };
        let file = option("file", "ansible.ini");
        let path = find(ask, "files", &file).ok_or_else(|| missing("ini", &file))?;
        let text = read(ask, &path)?;
        let properties = option("type", "ini") == "properties";
        let section = if properties {
            "java_properties".to_owned()
        } else {
            option("section", "global")
        };
        let fold = !options
            .get("case_sensitive")
            .is_some_and(crate::jinja::function::truthy);
        let entries = ini_entries(&text, properties, fold);
        if !properties && !entries.iter().any(|(s, _, _)| *s == section) {
            return Err(format!("No section: '{section}'"));
        }
        let wanted = if fold {
            key.to_lowercase()
        } else {
            key.clone()
        };
        let values: Vec<String> = if options
            .get("re")
            .is_some_and(crate::jinja::function::truthy)
        {
            let pattern = crate::value::re::Pattern::new(&key, crate::value::re::Flags::default())?;
            entries
                .iter()
                .filter(|(s, k, _)| *s == section && pattern.match_start(k).is_some())
                .map(|(_, _, v)| v.clone())
                .collect()
        } else {
            entries
                .iter()
                .rev()
                .find(|(s, k, _)| *s == section && *k == wanted)
                .map(|(_, _, v)| v.clone())
                .into_iter()
                .collect()
        };
        if values.is_empty() {
            found.push(Value::str(option("default", "")));
        }
        found.extend(values.into_iter().map(Value::str));
    }
    Ok(found)
}

fn ini_entries(text: &str, properties: bool, fold: bool) -> Vec<(String, String, String)> {
    let mut section = if properties { "java_properties" } else { "" }.to_owned();
    let mut entries: Vec<(String, String, String)> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|r| r.strip_suffix(']')) {
            section = name.to_owned();
            entries.push((section.clone(), String::new(), String::new()));
            continue;
        }
        if line.starts_with([' ', '\t'])
            && let Some(last) = entries.last_mut().filter(|(_, k, _)| !k.is_empty())
        {
            last.2.push('\n');
            last.2.push_str(trimmed);
            continue;
        }
        let (key, value) = trimmed.split_once(['=', ':']).unwrap_or((trimmed, ""));
        let key = if fold {
            key.trim().to_lowercase()
        } else {
            key.trim().to_owned()
        };
        entries.push((section.clone(), key, value.trim().to_owned()));
    }
    entries
}
