use super::Loader;
use super::ast::{Block, Item, Origin, Playbook};
use super::check::check;
use crate::config::Config;
use crate::diag::{Diag, SourceMap, render};
use crate::jinja::Engine;
use crate::value::Map;
use crate::vault::Secrets;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn loader() -> Loader {
    let sources = SourceMap::default();
    let engine = Engine::new(
        sources.clone(),
        Arc::new(|_: &str| Err(Diag::error("vault", "no secrets"))),
    );
    Loader::new(
        sources,
        engine,
        Config::default(),
        Secrets::new(Vec::new()),
        Arc::new(Map::new()),
    )
}

fn cases(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name)
}

/// A message with the places of this machine left out.
fn shown(diag: &Diag, sources: &SourceMap) -> String {
    let dir = cases("bad").display().to_string();
    let cwd = Path::new(env!("CARGO_MANIFEST_DIR")).display().to_string();
    render(diag, sources, false)
        .replace(&dir, "DIR")
        .replace("tests/cases/bad", "DIR")
        .replace(&cwd, "TOP")
}

/// Where the original ends otherwise: its own crashes (250), and what it lets pass or finds later.
const DIFFERENT: &[(&str, u8)] = &[
    ("action_empty", 4),
    ("import_pb_self", 1),
    ("import_tasks_self", 1),
    ("int_key", 4),
];

#[test]
fn bad_playbooks_end_as_the_original_ends() {
    let recorded: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/cases/bad/recorded.json")).unwrap();
    let mut all = String::new();
    let mut wrong = Vec::new();
    for (name, exit) in recorded.as_object().unwrap() {
        let loader = loader();
        let result = loader.playbook(&cases("bad").join(format!("{name}.yml")));
        let mut code = 0;
        writeln!(all, "== {name}").unwrap();
        for warning in loader.take_warnings() {
            writeln!(all, "{}", shown(&warning, &loader.sources)).unwrap();
        }
        if let Err(diag) = result {
            code = diag.exit.code();
            writeln!(all, "exit {code}\n{}", shown(&diag, &loader.sources)).unwrap();
        }
        let expected = DIFFERENT
            .iter()
            .find(|(n, _)| n == name)
            .map_or(exit.as_u64().unwrap() as u8, |(_, code)| *code);
        if code != expected {
            wrong.push(format!("{name}: {code}, the original {expected}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    insta::with_settings!({snapshot_path => "../../tests/cases/bad", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("messages", all);
    });
}

fn load(name: &str) -> (Loader, Playbook) {
    let loader = loader();
    let playbook = loader
        .playbook(&cases(name))
        .unwrap_or_else(|diag| panic!("{}", render(&diag, &loader.sources, false)));
    (loader, playbook)
}

/// One line for each task and block, indented.
fn tree(items: &[Item], depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    for item in items {
        match item {
            Item::Task(task) => {
                let role = task.role.as_ref().map_or("", |role| role.name.as_str());
                let looping = task.looping.as_ref().map_or(String::new(), |l| {
                    format!(" loop={:?} {:?}", l.lookup, l.items)
                });
                let to = &task.common.delegate_to;
                let to = to
                    .as_ref()
                    .map_or(String::new(), |to| format!(" to={to:?}"));
                writeln!(
                    out,
                    "{pad}- [{role}] {} {:?}{looping}{to} notify={:?} listen={:?}",
                    task.module, task.args, task.notify, task.listen
                )
                .unwrap();
            }
            Item::Block(block) => {
                let Block {
                    origin,
                    common,
                    role_params,
                    ..
                } = &**block;
                writeln!(
                    out,
                    "{pad}{origin:?} when={:?} tags={:?} vars={:?} params={:?}",
                    common.when,
                    common.tags,
                    crate::value::Value::map(common.vars.clone()),
                    crate::value::Value::map(role_params.clone()),
                )
                .unwrap();
                for part in [&block.block, &block.rescue, &block.always] {
                    tree(part, depth + 1, out);
                }
            }
        }
    }
}

#[test]
fn tasks_in_all_styles() {
    let (_, playbook) = load("styles.yml");
    let mut out = String::new();
    for play in &playbook.plays {
        for items in [&play.role_blocks, &play.tasks, &play.handlers] {
            writeln!(out, "--").unwrap();
            tree(items, 0, &mut out);
        }
    }
    insta::with_settings!({snapshot_path => "../../tests/cases", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("styles", out);
    });
}

#[test]
fn dependencies_come_first_and_know_their_parents() {
    let (_, playbook) = load("list/site.yml");
    let play = &playbook.plays[0];
    let names: Vec<&str> = play.roles.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(names, ["base", "app", "base", "app", "base"]);
    assert_eq!(play.roles[0].parents[0].name, "app");
    assert_eq!(play.roles[1].dependencies[0].name, "base");
    assert_ne!(
        play.roles[1].identity, play.roles[3].identity,
        "tags differ"
    );
    let Item::Block(first) = &play.role_blocks[0] else {
        panic!("no block");
    };
    assert_eq!(first.origin, Origin::Dependencies);
    assert_eq!(playbook.plays[1].common.tags.len(), 1);
}

#[test]
fn check_finds_what_no_host_is_needed_for() {
    let (loader, playbook) = load("check/site.yml");
    let mut all = String::new();
    for diag in check(&loader, &playbook, false) {
        let text = render(&diag, &loader.sources, false)
            .replace(&cases("check").display().to_string(), "DIR")
            .replace("tests/cases/check", "DIR");
        writeln!(all, "exit {}\n{text}", diag.exit.code()).unwrap();
    }
    insta::with_settings!({snapshot_path => "../../tests/cases/check", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("found", all);
    });
}

#[test]
fn shipped_playbook_has_no_faults() {
    let loader = loader();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/site.yml");
    let playbook = loader.playbook(&path).unwrap();
    let found = check(&loader, &playbook, false);
    let shown: Vec<String> = found
        .iter()
        .map(|diag| render(diag, &loader.sources, false))
        .collect();
    assert_eq!(shown, Vec::<String>::new());
}

#[test]
fn a_thousand_tasks_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("site.yml");
    let mut text = String::from("- hosts: all\n  tasks:\n");
    for n in 0..1000 {
        write!(
            text,
            "    - name: task {n}\n      ansible.builtin.file: {{path: '/tmp/{{{{ x }}}}/{n}', state: touch, mode: '0644'}}\n      when: a[{n}] is defined\n"
        )
        .unwrap();
    }
    std::fs::write(&path, text).unwrap();
    let begun = std::time::Instant::now();
    let loader = loader();
    let playbook = loader.playbook(&path).unwrap();
    let loaded = begun.elapsed();
    assert!(check(&loader, &playbook, false).is_empty());
    // For `--nocapture`: the bar for a release build is 0.2 s.
    eprintln!(
        "loaded in {loaded:?}, loaded and checked in {:?}",
        begun.elapsed()
    );
    assert_eq!(playbook.plays[0].tasks.len(), 1000);
}
