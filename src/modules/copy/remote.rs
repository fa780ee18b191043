//! `remote_src`: copying on the host itself.

use super::Args;
use crate::args::Mode;
use crate::diag::{Diag, Result};
use crate::modules::common::dirs;
use crate::modules::common::file_attrs::describe;
use crate::modules::common::incoming::preserved;
use crate::modules::common::place::{Place, is_dir, is_missing, stat};
use crate::modules::common::write::{Rewrite, backup_of, check_validate};
use crate::sys::path::{file_name, parent};
use crate::sys::{Algorithm, Content, Known, Op, Stat, View};
use serde_json::{Value as Json, json};
use std::path::Path;

struct Paths {
    src: Place,
    dest: Place,
}

fn paths(args: &Args, view: &dyn View) -> Result<Paths> {
    let src = Place::of(args.src.as_deref().unwrap_or_default(), view)?;
    let dest = Place::of(&args.dest, view)?;
    let whole_tree = is_dir(&src.at, view)?;
    let into = if whole_tree {
        !src.shown.ends_with('/')
    } else {
        dest.shown.ends_with('/') || is_dir(&dest.at, view)?
    };
    let name = match &args.original_basename {
        Some(name) => name.clone(),
        None => file_name(&src.at),
    };
    let dest = if into { dest.child(&name) } else { dest };
    Ok(Paths { src, dest })
}

pub(super) fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
    let Paths { src, dest } = paths(args, view)?;
    let source = match view.stat(&src.at)? {
        Known::Known(None) => {
            return Err(
                Diag::error("no-such-file", format!("Source {} not found", src.shown)).about("src"),
            );
        }
        Known::Known(stat) => stat,
        Known::Unknown => None,
    };
    check_validate(args.validate.as_deref())?;
    if source.as_ref().is_some_and(Stat::is_dir) {
        return tree(args, &src, &dest, view);
    }
    let dest = if args.follow {
        dest.followed(view)?
    } else {
        dest
    };
    let mut ops = Vec::new();
    let dir = parent(&dest.at);
    if args.dest.ends_with('/') {
        ops = dirs::make(
            dir,
            &args.shared.for_dirs(args.directory_mode.as_ref()),
            view,
        )?;
    } else if is_missing(dir, view)? {
        return Err(Diag::error(
            "no-such-directory",
            format!("Destination directory {} does not exist", dir.display()),
        ));
    }
    ops.extend(file(args, &src.at, &dest.at, source.as_ref(), view)?);
    Ok(ops)
}

fn file(
    args: &Args,
    src: &Path,
    dest: &Path,
    source: Option<&Stat>,
    view: &dyn View,
) -> Result<Vec<Op>> {
    let attrs = preserved(&args.shared, source.map_or(0o644, |s| s.mode));
    let there = stat(dest, view)?;
    if there.is_some() && !args.force {
        return Ok(Vec::new());
    }
    if is_same(src, dest, view)? {
        return attrs.ops(dest, view);
    }
    if args.backup || args.validate.is_some() {
        let rewrite = Rewrite {
            path: dest,
            attrs: &attrs,
            backup: args.backup,
            validate: args.validate.as_deref(),
        };
        let content = match view.read(src)? {
            Known::Known(Some(bytes)) => Content::Bytes(bytes),
            _ => Content::Unknown,
        };
        return Ok(vec![rewrite.op(content, view)?]);
    }
    if args.checksum.is_some() {
        let sum = view.digest(src, Algorithm::Sha1)?.known().flatten();
        args.check_sum(sum.as_deref())?;
    }
    attrs.owner_for_new(dest, view)?;
    let fresh = there.is_none().then(|| 0o666 & !view.umask());
    Ok(vec![Op::CopyFile {
        from: src.to_owned(),
        path: dest.to_owned(),
        mode: attrs.mode_for(there.as_ref(), false, view).or(fresh),
    }])
}

fn is_same(a: &Path, b: &Path, view: &dyn View) -> Result<bool> {
    if view
        .lstat(b)?
        .known()
        .flatten()
        .is_some_and(|s| s.is_link())
    {
        return Ok(false);
    }
    let of = |path| Ok::<_, Box<Diag>>(view.digest(path, Algorithm::Sha1)?.known().flatten());
    let (a, b) = (of(a)?, of(b)?);
    Ok(a.is_some() && a == b)
}

/// Copies what is in a directory. Only the top gets `mode`; owner and group go all the way.
fn tree(args: &Args, src: &Place, dest: &Place, view: &dyn View) -> Result<Vec<Op>> {
    let below = args.shared.for_dirs(None);
    let mut ops = dirs::make(&dest.at, &below, view)?;
    let mut left = vec![(src.at.clone(), dest.at.clone())];
    while let Some((from, to)) = left.pop() {
        for name in view.list(&from)?.known().flatten().unwrap_or_default() {
            let (from, to) = (from.join(&name), to.join(&name));
            let Some(link) = view.lstat(&from)?.known().flatten() else {
                continue;
            };
            if let (Some(target), false) = (&link.target, args.local_follow) {
                let there = view.lstat(&to)?.known().flatten();
                if there.and_then(|s| s.target).as_ref() != Some(target) {
                    ops.push(Op::Symlink {
                        path: to,
                        target: target.clone(),
                    });
                }
                continue;
            }
            let Some(source) = stat(&from, view)? else {
                continue;
            };
            if source.is_dir() {
                if is_dir(&to, view)? {
                    ops.extend(below.ops(&to, view)?);
                } else {
                    ops.push(Op::Mkdir {
                        path: to.clone(),
                        mode: Some(source.mode),
                    });
                }
                left.push((from, to));
            } else if is_same(&from, &to, view)? {
                ops.extend(below.ops(&to, view)?);
            } else if args.force || stat(&to, view)?.is_none() {
                let fresh = stat(&to, view)?.is_none().then_some(source.mode);
                ops.push(Op::CopyFile {
                    from,
                    path: to,
                    mode: fresh,
                });
            }
        }
    }
    let mode = args
        .shared
        .mode
        .as_ref()
        .filter(|m| **m != Mode::Symbolic("preserve".into()));
    ops.extend(args.shared.for_dirs(mode).ops(&dest.at, view)?);
    Ok(ops)
}

pub(super) fn explain(args: &Args, planned: &[Op], view: &dyn View) -> Result<Json> {
    let mut keys = json!({});
    if let Some(path) = backup_of(planned) {
        keys["backup_file"] = path;
    }
    let Paths { src, dest } = paths(args, view)?;
    let given = Place::of(&args.dest, view)?;
    // Ansible names the directory inside only where the outer one was there before.
    let new_tree = is_dir(&src.at, view)? && !is_dir(&given.at, view)?;
    keys["dest"] = json!(if new_tree { given.shown } else { dest.shown });
    Ok(keys)
}

pub(super) fn result(args: &Args, view: &dyn View) -> Result<Json> {
    let Paths { src, dest } = paths(args, view)?;
    let sum = |algorithm| -> Result<Json> {
        Ok(json!(view.digest(&src.at, algorithm)?.known().flatten()))
    };
    let mut result = json!({
        "src": src.shown,
        "md5sum": sum(Algorithm::Md5)?,
        "checksum": sum(Algorithm::Sha1)?,
    });
    for (key, value) in describe(&dest.at, view)? {
        result[key] = value;
    }
    Ok(result)
}
