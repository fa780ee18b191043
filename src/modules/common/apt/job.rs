//! What `apt` does once it is known what is to be done: apt-get's command lines and the results.

use super::super::command;
use super::install;
use super::lists::{self, AptGet, apt_get};
use super::spec::Spec;
use crate::diag::Result;
use crate::modules::apt::{Args, State, Upgrade};
use crate::sys::{Command, Content, Effect, Known, Op, Outcome, Owner, View};
use crate::value::unknown_json;
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};

const POLICY: &str = "/usr/sbin/policy-rc.d";

/// apt-get with what all actions that change packages have in common.
fn changing(args: &Args, words: impl IntoIterator<Item = String>) -> AptGet {
    let mut apt = apt_get(words).flag("-y");
    for option in args.dpkg_options.split(',').filter(|o| !o.is_empty()) {
        apt = apt.option("Dpkg::Options::", format!("--{}", option.trim()));
    }
    let force = args.force;
    for (wanted, flag) in [
        (args.fail_on_autoremove, "--no-remove"),
        (args.autoremove, "--auto-remove"),
        (args.only_upgrade, "--only-upgrade"),
        (args.purge, "--purge"),
        (force || args.allow_downgrade, "--allow-downgrades"),
        (
            force || args.allow_unauthenticated,
            "--allow-unauthenticated",
        ),
        (
            force || args.allow_change_held_packages,
            "--allow-change-held-packages",
        ),
        (force, "--allow-remove-essential"),
    ] {
        if wanted {
            apt = apt.flag(flag);
        }
    }
    if let Some(release) = &args.default_release {
        apt = apt.flag("-t").flag(release);
    }
    if let Some(recommends) = args.install_recommends {
        let value = if recommends { "yes" } else { "no" };
        apt = apt.option("APT::Install-Recommends", value);
    }
    apt.option("DPkg::Lock::Timeout", args.lock_timeout.to_string())
}

/// A command that changes packages, and the mark by which [`changed`] knows that it ran.
fn change(
    args: &Args,
    view: &dyn View,
    command: Command,
    effects: Vec<Effect>,
    brought: Vec<Effect>,
) -> Result<Vec<Op>> {
    let run = [command::attempt(command, effects), Op::Declare(brought)];
    let Some(code) = args.policy_rc_d else {
        return Ok(run.into());
    };
    let path = PathBuf::from(POLICY);
    let restore = match view.read(&path)?.presume(None) {
        None => Op::Remove { path: path.clone() },
        Some(bytes) => write(&path, Content::Bytes(bytes)),
    };
    let script = format!("#!/bin/sh\nexit {code}\n");
    let forbid = write(&path, Content::Bytes(script.into_bytes().into()));
    let [run, mark] = run;
    Ok(vec![forbid, run, restore, mark])
}

fn write(path: &Path, content: Content) -> Op {
    Op::Write {
        path: path.to_path_buf(),
        content,
        mode: Some(0o755),
        owner: Owner::default(),
        backup: None,
        validate: None,
        secret: false,
    }
}

fn words(action: &str, names: &[String]) -> impl Iterator<Item = String> {
    std::iter::once(action.to_owned()).chain(names.to_vec())
}

/// Installs; names that are there but marked as automatically installed are marked as wanted.
pub fn install(
    args: &Args,
    view: &dyn View,
    targets: Vec<String>,
    auto: Vec<String>,
) -> Result<Vec<Op>> {
    let mut ops = Vec::new();
    let auto: Vec<String> = auto.into_iter().filter(|n| !targets.contains(n)).collect();
    if !auto.is_empty() {
        let argv = ["apt-mark".to_owned(), "manual".to_owned()];
        let effects = auto
            .iter()
            .map(|name| Effect::Assume(install::manual_key(name), json!(true)))
            .collect();
        ops.push(command::attempt(
            command::c_locale(argv.into_iter().chain(auto.clone())),
            effects,
        ));
    }
    if !targets.is_empty() {
        let command = changing(args, words("install", &targets)).build();
        let brought = install::brought_by(view, &targets)?;
        let effects = install::installed_effects(&targets);
        ops.extend(change(args, view, command, effects, brought)?);
    }
    Ok(ops)
}

/// Removes.
pub fn remove(args: &Args, names: Vec<String>) -> Result<Vec<Op>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let command = changing(args, words("remove", &names)).build();
    let effects = install::removed_effects(&names);
    Ok(vec![
        command::attempt(command, effects),
        Op::Declare(Vec::new()),
    ])
}

/// What `apt-get -s` says would happen.
struct Simulation {
    text: String,
    installs: Vec<String>,
    removes: Vec<String>,
}

fn simulate(args: &Args, view: &dyn View, words: Vec<String>) -> Result<Known<Simulation>> {
    let command = changing(args, words).flag("-s").build();
    Ok(view.query(&command)?.map(|output| {
        let text = output.text();
        let named = |verbs: [&str; 2]| {
            text.lines()
                .filter_map(|line| {
                    let mut words = line.split(' ');
                    let verb = words.next()?;
                    verbs.contains(&verb).then(|| words.next())?
                })
                .map(str::to_owned)
                .collect()
        };
        Simulation {
            installs: named(["Inst", "Conf"]),
            removes: named(["Remv", "Purg"]),
            text: text.clone(),
        }
    }))
}

/// Plans an action whose extent only apt-get itself knows.
fn simulated(args: &Args, view: &dyn View, words: Vec<String>) -> Result<Vec<Op>> {
    let key = format!("apt:done:{}", words.join(" "));
    if view.assumed(&key).is_some() {
        return Ok(Vec::new());
    }
    let mut effects = vec![Effect::Assume(key, json!(true))];
    if let Known::Known(simulation) = simulate(args, view, words.clone())? {
        if simulation.installs.is_empty() && simulation.removes.is_empty() {
            return Ok(Vec::new());
        }
        effects.extend(install::installed_effects(&simulation.installs));
        effects.extend(install::removed_effects(&simulation.removes));
    }
    let command = changing(args, words).build();
    change(args, view, command, effects, Vec::new())
}

fn upgrade_words(args: &Args) -> Vec<String> {
    match args.upgrade {
        Upgrade::Yes | Upgrade::Safe => vec!["upgrade".into(), "--with-new-pkgs".into()],
        _ => vec!["dist-upgrade".into()],
    }
}

/// Upgrades everything.
pub fn upgrade(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
    simulated(args, view, upgrade_words(args))
}

/// Puts broken dependencies right.
pub fn fix(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
    simulated(args, view, vec!["install".into(), "--fix-broken".into()])
}

/// Installs what is needed to build packages.
pub fn build_dep(args: &Args, view: &dyn View, specs: &[Spec]) -> Result<Vec<Op>> {
    let names: Vec<String> = specs.iter().map(|s| s.text.clone()).collect();
    simulated(args, view, words("build-dep", &names).collect())
}

/// `autoremove`, `autoclean` and `clean` without any names.
pub fn housekeeping(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
    let mut ops = Vec::new();
    if args.clean {
        let command = apt_get(["clean"]).build();
        ops.extend([
            command::attempt(command, Vec::new()),
            Op::Declare(Vec::new()),
        ]);
    }
    if args.autoremove {
        ops.extend(simulated(args, view, vec!["autoremove".into()])?);
    }
    if args.autoclean {
        let simulation = view.query(&apt_get(["autoclean"]).flag("-s").build())?;
        let anything = simulation
            .known()
            .is_none_or(|output| output.text().lines().any(|line| line.starts_with("Del ")));
        if anything && view.assumed("apt:autoclean").is_none() {
            let done = Effect::Assume("apt:autoclean".into(), json!(true));
            let command = apt_get(["autoclean"]).build();
            ops.extend([
                command::attempt(command, vec![done]),
                Op::Declare(Vec::new()),
            ]);
        }
    }
    Ok(ops)
}

/// Installs a package file.
pub fn deb(args: &Args, view: &dyn View, deb: &str) -> Result<Vec<Op>> {
    super::deb::plan(view, deb, |path| {
        let names = [path.to_owned()];
        changing(args, words("install", &names)).build()
    })
}

/// True where packages changed (or a dry run plans that).
pub fn changed(done: &[Outcome]) -> bool {
    done.iter().any(|outcome| matches!(outcome, Outcome::Done))
}

/// The result with Ansible's keys (observed: ansible-core 2.19.14).
pub fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
    let changed = changed(done);
    let updates = args.update_cache || args.cache_valid_time > 0;
    let update = match done.first() {
        Some(Outcome::Ran(output)) if updates => Some(Some(output.start)),
        Some(Outcome::Unknown) if updates && lists::is_updated(view) => Some(None),
        _ => None,
    };
    let (cache_updated, cache_update_time) = lists::result(view, update)?;
    let nothing_else = args.name.is_empty() && args.upgrade == Upgrade::No && args.deb.is_none();
    let housekeeping = args.autoremove || args.autoclean || args.clean;

    let mut result = Map::new();
    result.insert("changed".into(), json!(changed));
    if nothing_else && updates && !housekeeping {
        result["changed"] = cache_updated.clone();
    }
    if updates && nothing_else || !args.name.is_empty() && args.state != State::Absent {
        result.insert("cache_updated".into(), cache_updated);
        result.insert("cache_update_time".into(), cache_update_time);
    }
    if let Some(output) = command::answers(done).find(|output| !output.ok()) {
        let what = if changed || !updates {
            "apt-get failed"
        } else {
            "Failed to update apt cache"
        };
        let said = output.err_text();
        result.extend(command::failure(format!("{what}: {}", said.trim()), output));
        return Ok(Json::Object(result));
    }
    if args.upgrade != Upgrade::No && !changed {
        let simulation = simulate(args, view, upgrade_words(args))?;
        let text = simulation.known().map_or(String::new(), |s| s.text);
        result.insert("msg".into(), json!(text));
        result.insert("stdout".into(), json!(text));
        result.insert("stderr".into(), json!(""));
    }
    if changed {
        describe(args, done, &mut result);
    }
    Ok(Json::Object(result))
}

fn describe(args: &Args, done: &[Outcome], result: &mut Map<String, Json>) {
    let Some(output) = command::answers(done).next_back() else {
        result.insert("stdout".into(), unknown_json("what apt-get prints"));
        result.insert("stderr".into(), unknown_json("what apt-get prints"));
        return;
    };
    let text = output.text();
    result.insert("diff".into(), json!({"prepared": summary(&text)}));
    if args.upgrade != Upgrade::No || args.clean {
        result.insert("msg".into(), json!(text));
    }
    result.insert("stdout".into(), json!(text));
    result.insert("stderr".into(), json!(output.err_text()));
}

/// The part of apt-get's output that says which packages change.
fn summary(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .skip_while(|line| line.ends_with("...") || line.ends_with("... Done"))
        .collect();
    let end = lines
        .iter()
        .position(|line| line.contains(" upgraded, ") && line.contains(" newly installed, "));
    match end {
        Some(end) => lines[..=end].join("\n"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_ends_with_the_counts() {
        let text = "Reading package lists...\nBuilding dependency tree...\nThe following NEW packages will be installed:\n  git\n0 upgraded, 1 newly installed, 0 to remove and 1 not upgraded.\nGet:1 x\n";
        assert_eq!(
            summary(text),
            "The following NEW packages will be installed:\n  git\n0 upgraded, 1 newly installed, 0 to remove and 1 not upgraded."
        );
        assert_eq!(summary("Reading package lists...\n"), "");
    }
}
