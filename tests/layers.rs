//! The walls of the house: which room may use which (docs/design/design.md, section 4).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rooms from low to high with the rooms each may use. Rooms of one line may use each other.
const LAYERS: &[&[&str]] = &[
    &["diag"],
    &["value"],
    &["sys"],
    &["args"],
    &["facts", "yaml"],
    &["modules"],
    &["wire"],
    &["config", "inventory", "jinja", "play", "vars", "vault"],
    &["agent", "transport"],
    &["output", "exec", "plan"],
    &["cli"],
];

/// Rooms with walls of their own.
const APART: &[(&str, &[&str])] = &[
    ("supervisor", &["diag", "sys", "value"]),
    (
        "modules",
        &["args", "diag", "facts", "supervisor", "sys", "value"],
    ),
    ("facts", &["args", "diag", "sys", "value"]),
    ("yaml", &["diag", "value"]),
];

fn may_use(room: &str, other: &str) -> bool {
    if room == other {
        return true;
    }
    if let Some((_, allowed)) = APART.iter().find(|(name, _)| *name == room) {
        return allowed.contains(&other);
    }
    let level = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    match (level(room), level(other)) {
        // The supervisor stands beside the rest; only the command line starts it.
        (Some(_), None) if other == "supervisor" => room == "cli",
        (Some(room), Some(other)) => room >= other,
        _ => false,
    }
}

fn rust_files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a file's code mentions as `crate::room`, test code aside.
fn uses(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let code = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut rooms = Vec::new();
    for line in code {
        let mut rest = line;
        while let Some(at) = rest.find("crate::") {
            // Not the end of a longer word such as `$crate::`.
            let before = rest[..at].chars().next_back();
            rest = &rest[at + "crate::".len()..];
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            let names = match rest.strip_prefix('{') {
                Some(list) => list
                    .split('}')
                    .next()
                    .unwrap_or_default()
                    .split(',')
                    .collect(),
                None => vec![rest],
            };
            for name in names {
                let end = |c: char| !(c.is_ascii_lowercase() || c == '_');
                let name = name.trim().split(end).next().unwrap_or_default();
                rooms.push(name.to_owned());
            }
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}

#[test]
fn no_room_reaches_up() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    assert!(files.len() > 50, "only {} files found", files.len());
    let mut wrong: BTreeMap<(String, String), String> = BTreeMap::new();
    for file in files {
        let inside = file.strip_prefix(&source).unwrap();
        let first = inside
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy();
        let room = first.trim_end_matches(".rs");
        let tests = inside.file_stem().is_some_and(|n| n == "tests");
        if matches!(room, "lib" | "main") || tests {
            continue;
        }
        for other in uses(&std::fs::read_to_string(&file).unwrap()) {
            if !may_use(room, &other) {
                let edge = (room.to_owned(), other);
                wrong
                    .entry(edge)
                    .or_insert_with(|| inside.display().to_string());
            }
        }
    }
    let lines = wrong
        .iter()
        .map(|((room, other), file)| format!("{room} uses {other} in {file}"));
    let lines: Vec<String> = lines.collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn no_file_grows_beyond_a_thousand_lines() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let long = files
        .iter()
        .filter(|f| std::fs::read_to_string(f).unwrap().lines().count() > 1000);
    let long: Vec<_> = long.collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn uses_are_found() {
    let text = "use crate::diag::Diag;\nuse crate::{sys, value::Value};\n// crate::cli\n$crate::jinja\n#[cfg(test)]\nmod tests { use crate::exec; }";
    assert_eq!(uses(text), ["diag", "sys", "value"]);
    assert!(may_use("cli", "supervisor") && !may_use("exec", "supervisor"));
    assert!(!may_use("modules", "yaml") && !may_use("sys", "args"));
}
