//! `include_vars`: variables from a file or a directory of the control side.

use super::{arguments, flag, list, text};
use crate::diag::{Diag, Result};
use crate::exec::collect::Report;
use crate::exec::host::{HostRun, Stop};
use crate::exec::queue::Effect;
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::play;
use crate::value::{Map, Value};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// What was read.
#[derive(Default)]
struct Read {
    vars: Map,
    files: Vec<Value>,
}

/// `include_vars`
pub fn include_vars(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let read = match (text(&args, "dir"), text(&args, "file")) {
        (Some(dir), None) => read_dir(host, job, &args, &dir),
        (None, Some(file)) => read_file(host, job, &file),
        (None, None) if args.get("file").is_some() => Err(Diag::error(
            "file-not-found",
            "Could not find file: none is named",
        )),
        _ => Err(Diag::error(
            "missing-option",
            "include_vars takes either `file` or `dir`",
        )),
    };
    let mut read = match read {
        Ok(read) => read,
        Err(diag) => {
            let mut diag = diag.at_if_none(job.task.args.span.or(job.task.span));
            let message = Json::from(diag.message.as_str());
            diag.data.insert("message".to_owned(), message);
            diag.data.insert("ansible_facts".to_owned(), json!({}));
            diag.data
                .insert("ansible_included_var_files".to_owned(), json!([]));
            return host.end(job, Judged::failed(diag));
        }
    };
    if let Some(name) = text(&args, "name") {
        let named: Map = [(name.as_str(), Value::map(std::mem::take(&mut read.vars)))]
            .into_iter()
            .collect();
        read.vars = named;
    }
    if text(&args, "hash_behaviour").as_deref() == Some("merge") {
        read.vars = merged(host, read.vars);
    }
    for warning in crate::play::reserved::among(&read.vars) {
        host.report(Report::Message(warning));
    }
    let shown: Map = [
        ("ansible_included_var_files", Value::list(read.files)),
        ("changed", Value::from(false)),
        ("ansible_facts", Value::map(read.vars.clone())),
    ]
    .into_iter()
    .collect();
    host.apply(Effect::Include(read.vars));
    let mut judged = Judged::of_value(Value::map(shown));
    // They are variables, not facts: only the result shows them under that name.
    judged.no_facts = true;
    host.end(job, judged)
}

fn merged(host: &HostRun, vars: Map) -> Map {
    vars.into_iter()
        .map(|(key, value)| {
            let old = key.as_str().and_then(|name| host.ahead.included.get(name));
            let value = match old {
                Some(old) => value.over(old),
                None => value,
            };
            (key, value)
        })
        .collect()
}

fn read_file(host: &HostRun, job: &Job, name: &str) -> Result<Read> {
    let path = find(host, job, name, Path::is_file)?;
    let mut read = Read::default();
    add(host, &path, &mut read)?;
    Ok(read)
}

fn add(host: &HostRun, path: &Path, read: &mut Read) -> Result<()> {
    for (key, value) in play::load_vars_file(&host.run.loader, path)? {
        read.vars.insert(key, value);
    }
    read.files.push(Value::str(path.display().to_string()));
    Ok(())
}

/// `vars/` of the role and the playbook come before the directories themselves.
fn find(host: &HostRun, job: &Job, name: &str, is: fn(&Path) -> bool) -> Result<PathBuf> {
    let path = PathBuf::from(name);
    let mut candidates = Vec::new();
    if path.is_absolute() {
        candidates.push(path);
    } else {
        for dir in &host.context(&job.task, &job.around).search {
            candidates.push(dir.join("vars").join(&path));
            candidates.push(dir.join(&path));
        }
    }
    if let Some(found) = candidates.iter().find(|path| is(path)) {
        return Ok(found.clone());
    }
    let mut diag = Diag::error(
        "file-not-found",
        format!("Could not find or access '{name}' on the control side"),
    );
    for candidate in candidates {
        diag = diag.note(format!("looked for {}", candidate.display()));
    }
    Err(diag)
}

fn read_dir(host: &HostRun, job: &Job, args: &Value, name: &str) -> Result<Read> {
    let top = find(host, job, name, Path::is_dir)?;
    let filter = Filter {
        depth: args
            .get("depth")
            .and_then(|v| v.to_text().trim().parse().ok())
            .unwrap_or(0),
        matching: match text(args, "files_matching") {
            Some(pattern) => Some(
                fancy_regex::Regex::new(&pattern)
                    .map_err(|e| Diag::error("bad-pattern", format!("files_matching: {e}")))?,
            ),
            None => None,
        },
        ignore: list(args, "ignore_files"),
        extensions: match list(args, "extensions") {
            given if given.is_empty() => ["yaml", "yml", "json"].map(String::from).into(),
            given => given,
        },
        lenient: flag(args, "ignore_unknown_extensions", false),
    };
    let mut files = Vec::new();
    filter.collect(&top, 1, &mut files)?;
    let mut read = Read::default();
    for file in files {
        add(host, &file, &mut read)?;
    }
    Ok(read)
}

struct Filter {
    depth: usize,
    matching: Option<fancy_regex::Regex>,
    ignore: Vec<String>,
    extensions: Vec<String>,
    lenient: bool,
}

impl Filter {
    /// Files of a directory in alphabetical order, then those of its directories.
    fn collect(&self, dir: &Path, level: usize, into: &mut Vec<PathBuf>) -> Result<()> {
        let entries = std::fs::read_dir(dir).map_err(|e| Diag::io("read", dir, &e))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort_unstable();
        for path in paths.iter().filter(|path| path.is_file()) {
            if self.wants(path)? {
                into.push(path.clone());
            }
        }
        if self.depth == 0 || level < self.depth {
            for path in paths.iter().filter(|path| path.is_dir()) {
                self.collect(path, level + 1, into)?;
            }
        }
        Ok(())
    }

    fn wants(&self, path: &Path) -> Result<bool> {
        let name = path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let matches = |pattern: &String| {
            fancy_regex::Regex::new(pattern)
                .ok()
                .and_then(|r| r.is_match(&name).ok())
                .unwrap_or(false)
        };
        if self.ignore.iter().any(matches) {
            return Ok(false);
        }
        if let Some(pattern) = &self.matching
            && !pattern.is_match(&name).unwrap_or(false)
        {
            return Ok(false);
        }
        // No extension at all is the empty one.
        let extension = path
            .extension()
            .map_or_else(String::new, |e| e.to_string_lossy().into_owned());
        let known = self.extensions.contains(&extension);
        if !known && !self.lenient && self.matching.is_none() {
            return Err(Diag::error(
                "bad-extension",
                format!(
                    "{} does not have a valid extension: {}",
                    path.display(),
                    self.extensions.join(", ")
                ),
            ));
        }
        Ok(known)
    }
}
