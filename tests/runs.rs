//! Playbooks that ansible-playbook (ansible-core 2.19.14) was run with, and what it printed
//! (`tests/runs/record`), against what we print. All hosts are this machine, and nothing of it is
//! changed but temporary files.
//!
//! Of what happens side by side the order is not compared: lines are sorted between blank lines.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runs")
}

/// Options that stand in the first line of a playbook: `# options: -t x`.
fn options(playbook: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(playbook).unwrap();
    let first = text.lines().next().unwrap_or_default();
    let options = first.strip_prefix("# options:").unwrap_or_default();
    shell_words::split(options).unwrap()
}

fn run(playbook: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_gxdeploy"))
        .arg0("ansible-playbook")
        .args(["-i", "hosts"])
        .args(options(playbook))
        .arg(playbook.file_name().unwrap())
        .current_dir(directory())
        .env("ANSIBLE_NOCOLOR", "1")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    format!("{text}exit {}\n", output.status.code().unwrap_or(-1))
}

fn comparable(text: &str) -> String {
    let text = without_origins(&text.replace(&*directory().to_string_lossy(), "@DIR@"));
    let sections = text.split("\n\n").map(|section| {
        let mut lines: Vec<String> = section
            .lines()
            .map(|line| line.trim_end_matches('*').trim_end())
            .map(|line| match line.split_once(": jid=") {
                Some((line, _)) => line.to_owned(),
                None => line.to_owned(),
            })
            .collect();
        // The first line is the banner.
        if let Some(rest) = lines.get_mut(1..) {
            rest.sort();
        }
        lines.join("\n")
    });
    sections.collect::<Vec<_>>().join("\n\n")
}

/// Leaves out what is said of a failure before its result: its place in the playbook.
fn without_origins(text: &str) -> String {
    let mut kept = String::new();
    let (mut inside, mut caused) = (false, false);
    for line in text.lines() {
        inside |= line.starts_with("[ERROR]: ");
        // A cause of the cause is told up to the result.
        caused |= line.starts_with("<<< caused by");
        if caused && (line.starts_with("fatal: ") || line.starts_with("failed: ")) {
            caused = false;
        }
        let timing = line.starts_with("ASYNC POLL ") || line.starts_with("FAILED - RETRYING");
        if !inside && !caused && !timing {
            kept += line;
            kept.push('\n');
        }
        if inside && (line.trim_start().starts_with("^ column") || line.ends_with("[...]")) {
            inside = false;
        }
    }
    // The empty line behind a place ended no section.
    kept.replace("\n\nfatal: ", "\nfatal: ")
        .replace("\n\nchanged: ", "\nchanged: ")
}

#[test]
fn runs_print_what_ansible_playbook_prints() {
    let mut wrong = String::new();
    let mut compared = 0;
    for entry in std::fs::read_dir(directory()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "yml") {
            continue;
        }
        let recorded = std::fs::read_to_string(path.with_extension("txt")).unwrap();
        let (expected, actual) = (comparable(&recorded), comparable(&run(&path)));
        if expected != actual {
            let diff = similar::TextDiff::from_lines(&expected, &actual);
            wrong += &diff
                .unified_diff()
                .header("ansible-playbook", &path.display().to_string())
                .to_string();
        }
        compared += 1;
    }
    assert!(compared >= 3, "only {compared} playbooks");
    assert!(wrong.is_empty(), "{wrong}");
}
