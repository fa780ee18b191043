//! Local files that tasks name literally.

use super::{Checker, has_template};
use crate::diag::Level;
use crate::modules::{self, Side};
use crate::play::ast::{Play, Task};
use crate::play::files::{home, plain};
use crate::play::imports::not_found;
use crate::value::{Kind, Value};
use std::path::{Path, PathBuf};

/// The option that names a local file, and the directory it is looked for in first.
fn local(name: &str) -> Option<(&'static str, &'static str)> {
    match name {
        "copy" => Some(("src", "files")),
        "template" => Some(("src", "templates")),
        "script" => Some(("cmd", "files")),
        _ => None,
    }
}

/// Whether a play is for this machine, as far as one sees without an inventory.
pub(super) fn is_here(play: &Play) -> bool {
    let is = |value: &Value, names: &[&str]| value.as_str().is_some_and(|v| names.contains(&v));
    is(&play.hosts, &["localhost", "127.0.0.1", "::1"])
        || play
            .common
            .connection
            .as_ref()
            .is_some_and(|c| is(c, &["local"]))
}

/// Whether a task may make a file on this machine that a later task looks for.
pub(super) fn may_make(task: &Task, here: bool) -> bool {
    const READERS: [&str; 9] = [
        "assert",
        "find",
        "getent",
        "ping",
        "setup",
        "slurp",
        "stat",
        "wait_for",
        "validate_argument_spec",
    ];
    match modules::find(&task.module) {
        Some(entry) if entry.name == "fetch" => true,
        Some(entry) => {
            entry.side == Side::Host
                && !READERS.contains(&entry.name)
                && (here || task.common.delegate_to.is_some())
        }
        None => false,
    }
}

/// Reports a local file that is not there: a warning where a task before may have made it.
pub(super) fn check(checker: &mut Checker, task: &Task) {
    let Some(entry) = modules::find(&task.module) else {
        return;
    };
    let Some((option, sub)) = local(entry.name) else {
        return;
    };
    let free = entry.free_form.unwrap_or(option);
    let Some(value) = task.args.get(option).or_else(|| task.args.get(free)) else {
        return;
    };
    let remote = task.args.get("remote_src").is_some_and(is_true);
    let Some(name) = value.as_str().filter(|_| !remote && !has_template(value)) else {
        return;
    };
    // A script is followed by its arguments.
    let name = match entry.name {
        "script" => name.split_whitespace().next().unwrap_or(name),
        _ => name,
    };
    let name = name.trim_end_matches('/');
    let places = places(checker, task, sub, name);
    if name.is_empty() || name.starts_with(['"', '\'']) || places.iter().any(|p| p.exists()) {
        return;
    }
    let mut diag = not_found(&format!("file {name:?}"), &places, value.span);
    if checker.files_made {
        diag.level = Level::Warning;
    }
    checker.report(diag);
}

fn is_true(value: &Value) -> bool {
    match &value.kind {
        Kind::Bool(b) => *b,
        // A template may well be true.
        Kind::Str(text) => !matches!(&*text.text.to_lowercase(), "no" | "false" | "off" | "0"),
        _ => value.truthy(),
    }
}

fn places(checker: &Checker, task: &Task, sub: &str, name: &str) -> Vec<PathBuf> {
    let path = home(name);
    if path.is_absolute() {
        return vec![path];
    }
    let mut dirs: Vec<PathBuf> = Vec::new();
    let mut role = task.role.as_ref();
    while let Some(found) = role {
        dirs.push(found.path.clone());
        dirs.push(found.path.join("tasks"));
        role = found.parents.first();
    }
    dirs.extend(task.file.parent().map(Path::to_path_buf));
    dirs.push(checker.base.clone());
    dirs.iter()
        .flat_map(|dir| [dir.join(sub).join(&path), dir.join(&path)])
        .map(|place| plain(&place))
        .collect()
}

/// The file of an `include_tasks`. One that is missing is reported; a warning where it may never
/// be included.
pub(super) fn tasks(checker: &mut Checker, task: &Task, name: &str) -> Option<PathBuf> {
    let places = places(checker, task, "tasks", name);
    let found = places.iter().find(|p| p.is_file()).cloned();
    if found.is_none() {
        let span = task.args.get("file").map_or(task.span, |v| v.span);
        let mut diag = not_found(&format!("file of tasks {name:?}"), &places, span);
        if checker.files_made || !task.common.when.is_empty() {
            diag.level = Level::Warning;
        }
        checker.report(diag);
    }
    found
}
