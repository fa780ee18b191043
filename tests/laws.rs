//! What holds for every module and every test case.

use crate::case::{self, Case, Ran};
use gxdeploy::diag::SourceMap;
use gxdeploy::modules::{self, Entry, Kind};
use gxdeploy::sys::fake::FakeHost;
use gxdeploy::sys::overlay::Overlay;
use gxdeploy::sys::{Op, View};
use gxdeploy::value::{Map, Value};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Collects what is wrong, so that one run tells all.
fn none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n\n"));
}

fn cases(check: impl Fn(&Case) -> Result<(), String>) {
    let wrong = case::all()
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case.title(), check(case).err()?)))
        .collect();
    none(wrong);
}

#[test]
fn cases_come_out_as_they_say() {
    cases(Case::check);
}

#[test]
fn cases_plan_the_same_twice() {
    cases(|case| {
        let Ok((args, mut a)) = case.ready() else {
            return Ok(());
        };
        let mut b = a.clone();
        let (first, second) = (case.run(&args, &mut a), case.run(&args, &mut b));
        if first.result != second.result {
            return Err(format!("{:#}\n{:#}", first.result, second.result));
        }
        if a.performed != b.performed {
            return Err(format!("{:?}\n{:?}", a.performed, b.performed));
        }
        Ok(())
    });
}

#[test]
fn cases_of_resources_leave_nothing_to_do() {
    cases(|case| {
        let Ok((args, mut host)) = case.ready() else {
            return Ok(());
        };
        let action = (case.entry().kind)(&args).map_err(|e| e.message)? == Kind::Action;
        if action || case.run(&args, &mut host).is_failed() {
            return Ok(());
        }
        host.performed.clear();
        let again = case.run(&args, &mut host);
        if !host.performed.is_empty() {
            let ops: Vec<String> = host.performed.iter().map(ToString::to_string).collect();
            return Err(format!("plans again: {ops:?}"));
        }
        if again.is_failed() || again.result["changed"] == true {
            return Err(format!("the second run says {:#}", again.result));
        }
        Ok(())
    });
}

/// The operations up to the first of which only apply knows the answer.
fn foreseeable(ops: &[Op]) -> &[Op] {
    let asks = |op: &Op| matches!(op, Op::Run { .. } | Op::Http { .. } | Op::Wait { .. });
    let end = ops.iter().position(asks).map_or(ops.len(), |at| at + 1);
    &ops[..end]
}

#[test]
fn cases_of_a_dry_run_plan_the_same_and_change_nothing() {
    cases(|case| {
        let Ok((args, mut host)) = case.ready() else {
            return Ok(());
        };
        let before = tree(&host);
        let mut overlay = Overlay::new(host.clone());
        overlay.log = Some(Vec::new());
        let dry = case.run(&args, &mut overlay);
        let planned = overlay.log.take().unwrap_or_default();
        if tree(overlay.base()) != before || !overlay.base().performed.is_empty() {
            return Err("the dry run changed the host".to_owned());
        }
        if let Some(expect) = &case.dry {
            let ran = Ran {
                step: dry,
                ops: planned.clone(),
            };
            expect.compare(&ran, Some(&overlay))?;
        } else if case.is_unknown() {
            return Ok(());
        }
        let real = case.run(&args, &mut host);
        let (mut planned, done) = (foreseeable(&planned), foreseeable(&host.performed));
        // A run that fails stops on the way (a server that a dry run need not reach).
        if real.is_failed() {
            planned = &planned[..planned.len().min(done.len())];
        }
        if planned != done {
            let lines = |ops: &[Op]| ops.iter().map(Op::to_string).collect::<Vec<_>>();
            return Err(format!(
                "planned {:?}\ndone {:?}",
                lines(planned),
                lines(done)
            ));
        }
        Ok(())
    });
}

fn tree(host: &FakeHost) -> Vec<String> {
    let line = |path: PathBuf| {
        let stat = host.lstat(&path);
        format!("{} {stat:?} {:?}", path.display(), host.read(&path))
    };
    host.paths().into_iter().map(line).collect()
}

#[test]
fn cases_belong_to_modules() {
    for case in case::all() {
        let _ = case.entry();
    }
}

fn entries(check: impl Fn(&Entry) -> Vec<String>) {
    let wrong = modules::all()
        .iter()
        .flat_map(|entry| {
            let of = |text: String| format!("{}: {text}", entry.name);
            check(entry).into_iter().map(of).collect::<Vec<_>>()
        })
        .collect();
    none(wrong);
}

#[test]
fn a_misspelt_option_is_refused_and_the_right_one_suggested() {
    entries(|entry| {
        let Some(option) = (entry.fields)().into_iter().find(|f| f.len() > 3) else {
            return Vec::new();
        };
        if (entry.takes_any)() {
            return Vec::new();
        }
        let typo = format!("{option}z");
        let args: Map = [(typo.as_str(), Value::str("x"))].into_iter().collect();
        match (entry.check)(&Value::map(args), &SourceMap::default()) {
            Err(diag) if diag.code == "unknown-option" => match diag.help {
                Some(help) if help.starts_with("did you mean") => Vec::new(),
                help => vec![format!("{typo}: no suggestion but {help:?}")],
            },
            other => vec![format!("{typo}: {other:?}")],
        }
    });
}

/// Names and descriptions of the options, without aliases.
fn options(entry: &Entry) -> Vec<(String, String)> {
    let schema = (entry.schema)();
    let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) else {
        return Vec::new();
    };
    properties
        .iter()
        .filter(|(name, _)| !name.starts_with('$'))
        .map(|(name, schema)| {
            let text = schema["description"].as_str().unwrap_or_default();
            (name.clone(), text.to_owned())
        })
        .collect()
}

#[test]
fn modules_and_options_are_described() {
    entries(|entry| {
        let mut wrong = Vec::new();
        let schema = (entry.schema)();
        if schema.get("description").and_then(|d| d.as_str()).is_none() {
            wrong.push("the module has no description".to_owned());
        }
        for (name, text) in options(entry) {
            if text.trim().is_empty() {
                wrong.push(format!("option `{name}` has no description"));
            }
        }
        wrong
    });
}

/// Names after `Alias:` or `Aliases:` in a description.
fn aliases(text: &str) -> Vec<String> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(at) = text.find("Alias") else {
        return Vec::new();
    };
    let rest = text[at..].split_once(':').map_or("", |(_, rest)| rest);
    rest.split(['.', ';'])
        .next()
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().trim_matches('`').to_owned())
        .collect()
}

#[test]
fn aliases_are_documented() {
    entries(|entry| {
        let options = options(entry);
        let names: BTreeSet<String> = options.iter().map(|(name, _)| name.clone()).collect();
        let said: BTreeSet<String> = options.iter().flat_map(|(_, text)| aliases(text)).collect();
        let taken: BTreeSet<String> = (entry.fields)().into_iter().map(str::to_owned).collect();
        let taken: BTreeSet<String> = taken.difference(&names).cloned().collect();
        let mut wrong = Vec::new();
        for name in taken.difference(&said) {
            wrong.push(format!("alias `{name}` is not documented"));
        }
        for name in said.difference(&taken) {
            wrong.push(format!("`{name}` is documented as an alias and is none"));
        }
        wrong
    });
}

#[test]
fn names_are_unique() {
    let mut seen = BTreeSet::new();
    entries(|entry| {
        let names = [entry.name, entry.fqcn];
        let mut wrong = Vec::new();
        for name in names.iter().chain(entry.aliases) {
            if modules::find(name).map(|found| found.name) != Some(entry.name) {
                wrong.push(format!("the name {name} is taken twice"));
            }
        }
        wrong
    });
    for entry in modules::all() {
        assert!(seen.insert(entry.name), "{} is listed twice", entry.name);
    }
}
