//! `state: directory`, with `recurse`.

use super::Job;
use crate::diag::Result;
use crate::modules::common::dirs;
use crate::modules::common::file_attrs::{failure, state_of};
use crate::modules::common::place::Place;
use crate::sys::{Known, Op};
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
            &format!(
                "{} already exists as a {}",
                place.shown,
                state_of(Some(&stat))
            ),
            job.view,
        )),
        Known::Known(None) | Known::Unknown => {
            let mut ops = dirs::make(&place.at, &job.args.shared, job.view)?;
            ops.extend(job.times.of_new(&place.at));
            Ok(ops)
        }
    }
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
        self.ops
            .extend(self.job.args.shared.ops(path, self.job.view)?);
        if self.job.args.follow
            && let Known::Known(Some(_)) = self.job.view.stat(path)?
        {
            return self.one(&self.job.view.resolve(path)?);
        }
        Ok(())
    }
}
