//! `state: directory`, with `recurse`.

use super::Job;
use crate::diag::Result;
use crate::modules::common::file_attrs::{failure, state_of};
use crate::modules::common::place::Place;
use crate::sys::{Known, Op, Stat, View};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) fn plan(job: &Job) -> Result<Vec<Op>> {
    let place = job.followed()?;
    match job.view.lstat(&place.at)? {
        Known::Known(Some(stat)) if stat.is_dir() => {
            let mut ops = job.settle(&place)?;
            if job.args.recurse {
                let mut walk = Walk {
                    job,
                    seen: BTreeSet::from([place.at.clone()]),
                    ops: Vec::new(),
                };
                walk.below(&place.at)?;
                ops.append(&mut walk.ops);
            }
            Ok(ops)
        }
        Known::Known(Some(stat)) => Err(failure(
            "bad-file",
            &place,
            &format!("{} already exists as a {}", place.shown, state_of(Some(&stat))),
            job.view,
        )),
        Known::Known(None) | Known::Unknown => create(job, &place),
    }
}

/// Makes the directory and those above it; all of them get the attributes.
fn create(job: &Job, place: &Place) -> Result<Vec<Op>> {
    let attrs = &job.args.shared;
    let mut ops = Vec::new();
    for dir in missing(&place.at, job.view).map_err(|dir| not_a_directory(job, &dir))? {
        let owner = attrs.owner_for_new(&dir, job.view)?;
        ops.push(Op::Mkdir {
            path: dir.clone(),
            mode: attrs.mode_for(None, true, job.view),
        });
        if !owner.is_empty() {
            ops.push(Op::Chown { path: dir, owner });
        }
    }
    ops.extend(job.times.of_new(&place.at));
    Ok(ops)
}

/// The directories on the way that are not there, from the top. The error is the first path that
/// cannot be made because something above it is no directory.
fn missing(path: &Path, view: &dyn View) -> Result<Vec<PathBuf>, PathBuf> {
    let mut dirs = Vec::new();
    let mut above: Vec<&Path> = path.ancestors().collect();
    above.reverse();
    for pair in above.windows(2) {
        let stat = view.stat(pair[0]).map_err(|_| pair[1].to_owned())?;
        if stat.known().flatten().is_some_and(|s: Stat| !s.is_dir()) {
            return Err(pair[1].to_owned());
        }
        match view.stat(pair[1]).map_err(|_| pair[1].to_owned())? {
            Known::Known(Some(_)) => {}
            _ => dirs.push(pair[1].to_owned()),
        }
    }
    Ok(dirs)
}

fn not_a_directory(job: &Job, dir: &Path) -> Box<crate::diag::Diag> {
    let dir = dir.display();
    job.fail(&format!(
        "There was an issue creating {dir} as requested: [Errno 20] Not a directory: b'{dir}'"
    ))
}

/// Attributes for all below a directory.
struct Walk<'a> {
    job: &'a Job<'a>,
    /// Links may lead in circles.
    seen: BTreeSet<PathBuf>,
    ops: Vec<Op>,
}

impl Walk<'_> {
    fn below(&mut self, dir: &Path) -> Result<()> {
        let names = self.job.view.list(dir)?.known().flatten();
        for name in names.unwrap_or_default() {
            self.one(&dir.join(name))?;
        }
        Ok(())
    }

    fn one(&mut self, path: &Path) -> Result<()> {
        if !self.seen.insert(path.to_owned()) {
            return Ok(());
        }
        let Known::Known(Some(stat)) = self.job.view.lstat(path)? else {
            return Ok(());
        };
        if !stat.is_link() {
            self.ops.extend(self.job.settle(&Place::at(path))?);
            return if stat.is_dir() {
                self.below(path)
            } else {
                Ok(())
            };
        }
        self.ops.extend(self.job.args.shared.ops(path, self.job.view)?);
        if self.job.args.follow
            && let Known::Known(Some(_)) = self.job.view.stat(path)?
        {
            return self.one(&self.job.view.resolve(path)?);
        }
        Ok(())
    }
}
