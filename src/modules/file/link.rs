//! `state: link` and `state: hard`.

use super::Job;
use crate::diag::{Diag, Result};
use crate::modules::common::place::Place;
use crate::sys::path::{join, parent};
use crate::sys::{Known, Op, Stat};
use std::path::{Path, PathBuf};

pub(super) fn plan_soft(job: &Job) -> Result<Vec<Op>> {
    let before = job.before_state();
    let stat = job.before.clone().known().flatten();
    let Some(src) = job.source()? else {
        if before != "link" {
            return Err(Diag::error(
                "missing-option",
                "src is required for creating new symlinks",
            )
            .about("src"));
        }
        return settle(job);
    };
    let end = end_of(job, &src, stat.as_ref());
    if !job.args.force && job.view.stat(&end)? == Known::Known(None) {
        let message = format!(
            "src file does not exist, use 'force=yes' if you really want to create the link: {}",
            end.display()
        );
        return Err(job.fail(&message).with("src", src));
    }
    let path = job.place.at.clone();
    let target = PathBuf::from(&src);
    let mut ops = Vec::new();
    match before {
        "link" if stat.is_some_and(|s| s.target.as_ref() == Some(&target)) => return settle(job),
        "link" | "absent" => {}
        _ if !job.args.force => {
            let shown = &job.place.shown;
            return Err(job.fail(&format!(
                "refusing to convert from {before} to symlink for {shown}"
            )));
        }
        "directory" => {
            if job
                .view
                .list(&path)?
                .known()
                .flatten()
                .is_some_and(|l| !l.is_empty())
            {
                let shown = &job.place.shown;
                return Err(job.fail(&format!(
                    "the directory {shown} is not empty, refusing to convert it"
                )));
            }
            ops.push(Op::Remove { path: path.clone() });
        }
        _ => {}
    }
    // The attributes of what it points to are the next plan's business.
    ops.push(Op::Symlink { path, target });
    Ok(ops)
}

/// Attributes of a link that is as it should be, or of the file it leads to.
fn settle(job: &Job) -> Result<Vec<Op>> {
    let place = job.followed()?;
    if job.view.lstat(&place.at)? == Known::Known(None) {
        return Ok(Vec::new());
    }
    job.settle(&place)
}

/// Where a link with this text leads: seen from the directory it lies in, or from the directory
/// that is in its place now.
pub(super) fn end_of(job: &Job, src: &str, stat: Option<&Stat>) -> PathBuf {
    let base = match stat {
        Some(stat) if stat.is_dir() => job.place.at.as_path(),
        _ => parent(&job.place.at),
    };
    join(base, Path::new(src))
}

pub(super) fn plan_hard(job: &Job) -> Result<Vec<Op>> {
    let before = job.before_state();
    let Some(src) = &job.args.src else {
        if before != "hard" {
            return Err(Diag::error(
                "missing-option",
                "src is required for creating new hardlinks",
            )
            .about("src"));
        }
        return settle(job);
    };
    let source = Place::of(src, job.view)?;
    let fail = |message: &str| {
        Diag::error("bad-file", message)
            .with("dest", job.place.shown.clone())
            .with("src", source.shown.clone())
    };
    let target = job.view.stat(&source.at)?;
    if target == Known::Known(None) {
        return Err(fail("src does not exist"));
    }
    if same_file(job, target.known().flatten().as_ref()) {
        return settle(job);
    }
    let mut ops = Vec::new();
    match before {
        "absent" | "link" => {}
        "hard" if !job.args.force => {
            return Err(fail(
                "Cannot link, different hard link exists at destination",
            ));
        }
        _ if !job.args.force => {
            return Err(fail(&format!(
                "Cannot link, {before} exists at destination"
            )));
        }
        "directory" => ops.push(Op::Remove {
            path: job.place.at.clone(),
        }),
        _ => {}
    }
    ops.push(Op::Hardlink {
        path: job.place.at.clone(),
        target: job.view.resolve(&source.at)?,
    });
    Ok(ops)
}

/// True if both names are the same file already; planned files have no number to compare.
fn same_file(job: &Job, target: Option<&Stat>) -> bool {
    match (&job.before, target) {
        (Known::Known(Some(a)), Some(b)) => {
            !a.is_link() && a.nlink > 1 && (a.ino, a.dev) == (b.ino, b.dev)
        }
        _ => false,
    }
}
