//! What the result says of the state before: differences and warnings.

use super::{Args, Job, State, link};
use crate::diag::Result;
use crate::modules::common::file_attrs::mode_text;
use crate::sys::{Known, Op, View};
use serde_json::{Map, Value as Json, json};
use std::path::Path;

pub(super) fn explain(job: &Job, planned: &[Op], diff: bool) -> Result<Json> {
    let mut keys = Map::new();
    let mut warnings = missing_accounts(job.args, job.view);
    warnings.extend(dangling(job)?);
    if !warnings.is_empty() {
        keys.insert("warnings".into(), json!(warnings));
    }
    if diff {
        keys.insert("diff".into(), difference(job, planned)?);
    }
    Ok(Json::Object(keys))
}

/// Check mode warns of accounts that are not there (observed: ansible-core 2.19.14).
pub(super) fn missing_accounts(args: &Args, view: &dyn View) -> Vec<String> {
    let mut warnings = Vec::new();
    if !view.is_dry() || args.state == Some(State::Absent) {
        return warnings;
    }
    let accounts = [
        (&args.shared.owner, "user", "uid"),
        (&args.shared.group, "group", "gid"),
    ];
    for (name, kind, number) in accounts {
        let Some(name) = name.as_deref() else {
            continue;
        };
        let missing = match kind {
            "user" => matches!(view.user(name), Ok(Known::Known(None))),
            _ => matches!(view.group(name), Ok(Known::Known(None))),
        };
        if missing {
            let what = match name.parse::<u32>() {
                Ok(_) => format!("{kind} with {number} {name}"),
                Err(_) => format!("{kind} {name}"),
            };
            let creation = if kind == "user" { "user" } else { "group" };
            warnings.push(format!(
                "failed to look up {what}. Create {creation} up to this point in real play"
            ));
        }
    }
    warnings
}

/// A link to nothing has no attributes to set.
fn dangling(job: &Job) -> Result<Option<String>> {
    let stat = job.before.clone().known().flatten();
    if job.state != State::Link || !job.args.follow || (job.view.is_dry() && stat.is_none()) {
        return Ok(None);
    }
    let Some(src) = job.source()? else {
        return Ok(None);
    };
    let end = link::end_of(job, &src, stat.as_ref().filter(|s| s.is_link()));
    let nothing = job.view.stat(&end)? == Known::Known(None);
    Ok(nothing.then(|| {
        "Cannot set fs attributes on a non-existent symlink target. \
         follow should be set to False to avoid this."
            .to_owned()
    }))
}

/// Ansible's `diff` of this module: attributes before and after.
fn difference(job: &Job, planned: &[Op]) -> Result<Json> {
    let shown = match job.state {
        State::File | State::Directory => job.followed()?.shown,
        _ => job.place.shown.clone(),
    };
    let mut before = Map::from_iter([("path".to_owned(), json!(shown))]);
    let mut after = before.clone();
    let was = job.before_state();
    let wanted = serde_json::to_value(job.state).unwrap_or_default();
    let same_kind =
        job.args.state.is_none() || wanted == was || (wanted == "file" && was == "hard");
    let followed = job.args.follow && was == "link" && !matches!(job.state, State::Absent);
    if !same_kind && !followed {
        before.insert("state".into(), json!(was));
        after.insert("state".into(), wanted);
        if job.state == State::Absent && was == "directory" {
            before.insert("path_content".into(), contents(&job.place.at, job.view)?);
        }
    }
    let place = job.followed()?;
    for op in planned {
        changes(op, &place.at, job, &mut before, &mut after)?;
    }
    Ok(json!({"before": before, "after": after}))
}

fn changes(
    op: &Op,
    path: &Path,
    job: &Job,
    before: &mut Map<String, Json>,
    after: &mut Map<String, Json>,
) -> Result<()> {
    let stat = job.view.lstat(path)?.known().flatten();
    let mut note = |key: &str, old: Json, new: Json| {
        before.insert(key.into(), old);
        after.insert(key.into(), new);
    };
    match (op, stat) {
        (Op::Symlink { target, .. }, _) => {
            let old = job.before.clone().known().flatten().and_then(|s| s.target);
            if let Some(old) = old {
                note("src", json!(old), json!(target));
            }
        }
        (Op::Mode { path: at, mode }, Some(stat)) if at == path => {
            note("mode", json!(mode_text(stat.mode)), json!(mode_text(*mode)));
        }
        (Op::Chown { path: at, owner }, Some(stat)) if at == path => {
            if let Some(name) = &owner.user {
                let user = job.view.user(name)?.known().flatten();
                let uid = user.and_then(|u| u.uid).map_or(json!(name), |u| json!(u));
                note("owner", json!(stat.uid), uid);
            }
            if let Some(name) = &owner.group {
                let group = job.view.group(name)?.known().flatten();
                let gid = group.and_then(|g| g.gid).map_or(json!(name), |g| json!(g));
                note("group", json!(stat.gid), gid);
            }
        }
        (
            Op::Times {
                path: at,
                atime,
                mtime,
            },
            Some(stat),
        ) if at == path => {
            if let Some(mtime) = mtime {
                note("mtime", json!(stat.mtime), json!(mtime));
            }
            if let Some(atime) = atime {
                note("atime", json!(stat.atime), json!(atime));
            }
        }
        (Op::Touch { path: at }, Some(stat)) if at == path => {
            note("mtime", json!(stat.mtime), json!(job.view.now()));
            note("atime", json!(stat.atime), json!(job.view.now()));
        }
        _ => {}
    }
    Ok(())
}

/// All below a directory that is about to go.
fn contents(dir: &Path, view: &dyn View) -> Result<Json> {
    let (mut directories, mut files) = (Vec::new(), Vec::new());
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for name in view.list(&dir)?.known().flatten().unwrap_or_default() {
            let path = dir.join(name);
            let is_dir = view
                .lstat(&path)?
                .known()
                .flatten()
                .is_some_and(|s| s.is_dir());
            if is_dir {
                directories.push(path.clone());
                left.push(path);
            } else {
                files.push(path);
            }
        }
    }
    Ok(json!({"directories": directories, "files": files}))
}
