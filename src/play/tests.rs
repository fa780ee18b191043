use super::Loader;
use super::ast::{Block, Item, Play, Playbook};
use crate::config::Config;
use crate::diag::{Diag, Result, SourceMap, render};
use crate::jinja::Engine;
use crate::value::{Map, Value};
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
    // Refused at once, where the original fails the task when it runs.
    ("raw_copy", 4),
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
