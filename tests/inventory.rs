//! Inventories against ansible-inventory: `compat/inventory/record.py` recorded what it prints.

use gxdeploy::diag::{Diag, SourceMap};
use gxdeploy::inventory::{Options, load};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

#[derive(Deserialize)]
struct Case {
    args: String,
    exit: i32,
    stdout: String,
}

#[test]
fn prints_as_ansible_inventory() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/inventory");
    let mut wrong = Vec::new();
    let mut tried = 0;
    for dir in ["ini", "yaml", "many"] {
        let dir = root.join(dir);
        let text = std::fs::read_to_string(dir.join("cases.json")).unwrap();
        for case in serde_json::from_str::<Vec<Case>>(&text).unwrap() {
            tried += 1;
            wrong.extend(differs(&dir, &case));
        }
    }
    assert!(tried > 50);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn differs(dir: &Path, case: &Case) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .arg("inventory")
        .args(shell_words::split(&case.args).unwrap())
        .current_dir(dir)
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(case.exit) && stdout == case.stdout {
        return None;
    }
    let first = stdout
        .lines()
        .zip(case.stdout.lines())
        .position(|(ours, theirs)| ours != theirs);
    let line = first.unwrap_or_else(|| stdout.lines().count().min(case.stdout.lines().count()));
    Some(format!(
        "{}: {}: exit {:?} not {}; line {}: {:?} not {:?}; {}",
        dir.display(),
        case.args,
        output.status.code(),
        case.exit,
        line + 1,
        stdout.lines().nth(line),
        case.stdout.lines().nth(line),
        String::from_utf8_lossy(&output.stderr).trim(),
    ))
}

/// What `ansible PATTERN --list-hosts` printed.
#[derive(Deserialize)]
struct Pattern {
    dir: String,
    sources: Vec<String>,
    pattern: String,
    hosts: String,
}

#[test]
fn patterns_select_as_ansible() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/inventory");
    let cases: Vec<Pattern> =
        serde_json::from_str(include_str!("compat/inventory/patterns.json")).unwrap();
    assert!(cases.len() > 30);
    let mut wrong = Vec::new();
    for case in &cases {
        let path = |name: &String| root.join(&case.dir).join(name).display().to_string();
        let options = Options {
            sources: case.sources.iter().map(path).collect(),
            playbook_dir: None,
            decrypt: Arc::new(|_, _| Err(Diag::error("vault", "nothing is encrypted here"))),
            merge: false,
        };
        let (inventory, _) = load(&SourceMap::default(), &options).unwrap();
        let hosts = inventory.select(&case.pattern).unwrap().hosts.join(" ");
        if hosts != case.hosts {
            wrong.push(format!("{}: {hosts}, not {}", case.pattern, case.hosts));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
