//! `symlink_clone`: a directory tree again, with links in place of the files.
//!
//! The module that Galaxy's role brings along. What it does is as observed of it under
//! ansible-core 2.19.14; it can be planned, which the original cannot.

use super::Module;
use super::common::file_attrs::{FileAttrs, describe, failure};
use super::common::place::Place;
use crate::args::{Mode, With};
use crate::diag::{Diag, Result};
use crate::sys::path::parent;
use crate::sys::{Algorithm, Effect, FileKind, Known, Op, Outcome, Stat, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// Repeats a directory tree with symbolic links to its files. Directories are made as such, and get
/// owner, group and mode. Whatever else is in the target stays there.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The directory whose tree is repeated.
    src: String,
    /// Where; the directory above it must be there. Aliases: dest, name
    #[serde(alias = "dest", alias = "name")]
    path: String,
    /// What it shall be.
    #[serde(default)]
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    #[default]
    Directory,
}

type Args = With<Own, FileAttrs>;

/// The module.
pub struct SymlinkClone;

impl Module for SymlinkClone {
    const NAME: &'static str = "symlink_clone";
    const FQCN: &'static str = "ansible.legacy.symlink_clone";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let job = Job::new(args, view)?;
        let mut clone = Clone::new(&job);
        clone.top()?;
        clone.ops()
    }

    fn explain(_: &Args, view: &dyn View, _: &[Op], _: bool) -> Result<Json> {
        Ok(match view.is_check() {
            true => json!({
                "changed": false,
                "skipped": true,
                "msg": "remote module (symlink_clone) does not support check mode",
            }),
            false => json!({}),
        })
    }

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        if view.is_check() {
            return Ok(json!({}));
        }
        let (src, dest) = (Place::of(&args.src, view)?, Place::of(&args.path, view)?);
        let mut result = json!({"src": src.shown, "path": dest.shown});
        for (key, value) in describe(&dest.at, view)? {
            result[key] = value;
        }
        Ok(result)
    }
}

/// One call, with what follows from its options and the host together.
struct Job<'a> {
    attrs: &'a FileAttrs,
    view: &'a dyn View,
    /// As links say it: `..` is left as it is.
    src: PathBuf,
    dest: PathBuf,
}

impl<'a> Job<'a> {
    fn new(args: &'a Args, view: &'a dyn View) -> Result<Job<'a>> {
        let (src, place) = (Place::of(&args.src, view)?, Place::of(&args.path, view)?);
        let fail = |code: &str, message: String| {
            Err(failure(code, &place, &message, view).with("src", src.shown.clone()))
        };
        let from = plain(Path::new(&src.shown));
        match view.stat(&src.at)? {
            Known::Known(None) => {
                let message = format!("source directory {} does not exist", from.display());
                return fail("no-such-directory", message);
            }
            Known::Known(Some(stat)) if !stat.is_dir() => {
                let message = format!("{} exists but it is not a directory", from.display());
                return fail("bad-file", message);
            }
            _ => {}
        }
        if view.stat(parent(&place.at))? == Known::Known(None) {
            let above = plain(Path::new(&place.shown));
            let message = format!(
                "parent directory {} does not exist",
                parent(&above).display()
            );
            return fail("no-such-directory", message);
        }
        if view
            .stat(&place.at)?
            .known()
            .flatten()
            .is_some_and(|s| !s.is_dir())
        {
            let path = plain(Path::new(&place.shown));
            let message = format!("{} exists and is not a directory", path.display());
            return fail("bad-file", message);
        }
        Ok(Job {
            attrs: &args.shared,
            view,
            src: plain(&view.cwd().join(&src.shown)),
            dest: place.followed(view)?.at,
        })
    }
}

/// A path without what says nothing: doubled slashes, dots, the slash at the end.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Compares two trees and notes what makes them alike.
struct Clone<'a> {
    job: &'a Job<'a>,
    view: &'a dyn View,
    /// For all below the top.
    below: FileAttrs,
    ops: Vec<Op>,
    /// Something is not as it should be. A file that only has the content of the other one is no
    /// reason to do anything, but is replaced together with the rest.
    differs: bool,
    /// A directory where a file should be, which is an error only if there is something to do.
    in_the_way: Option<PathBuf>,
    /// What becomes a link: gets no attributes.
    replaced: Vec<PathBuf>,
}

impl<'a> Clone<'a> {
    fn new(job: &'a Job<'a>) -> Clone<'a> {
        let FileAttrs {
            owner, group, mode, ..
        } = job.attrs.clone();
        Clone {
            job,
            view: job.view,
            below: FileAttrs {
                owner,
                group,
                mode,
                ..FileAttrs::default()
            },
            ops: Vec::new(),
            differs: false,
            in_the_way: None,
            replaced: Vec::new(),
        }
    }

    fn top(&mut self) -> Result<()> {
        let (src, dest) = (&self.job.src, &self.job.dest);
        let there = self.view.stat(dest)?.known().flatten();
        match &there {
            Some(_) => {
                let attrs = self.job.attrs.ops(dest, self.view)?;
                self.differs |= !attrs.is_empty();
                self.ops.extend(attrs);
            }
            None => {
                let like = self.view.stat(src)?.known().flatten();
                self.make(dest, like.as_ref(), self.job.attrs)?;
            }
        }
        self.merge(src, dest, there.is_some())
    }

    /// What is left to do, if anything is.
    fn ops(mut self) -> Result<Vec<Op>> {
        if !self.differs {
            return Ok(Vec::new());
        }
        if let Some(path) = &self.in_the_way {
            let message = format!("{} is a directory where a link should be", path.display());
            return Err(Diag::error("bad-file", message).about("path"));
        }
        if self.view.stat(&self.job.dest)?.known().flatten().is_some() {
            self.settle(&self.job.dest)?;
        }
        Ok(self.ops)
    }

    /// Brings what is in one directory into another one.
    fn merge(&mut self, from: &Path, to: &Path, is_there: bool) -> Result<()> {
        let Known::Known(names) = self.view.list(from)? else {
            self.ops
                .push(Op::Declare(vec![Effect::MayFill(to.to_owned())]));
            return Ok(());
        };
        for name in names.unwrap_or_default() {
            let (from, to) = (from.join(&name), to.join(&name));
            let source = self.view.stat(&from)?.known().flatten();
            let there = match is_there {
                true => self.view.lstat(&to)?.known().flatten(),
                false => None,
            };
            match source.filter(Stat::is_dir) {
                Some(dir) => self.directory(&from, &to, &dir, there)?,
                None => self.file(from, to, there.as_ref())?,
            }
        }
        Ok(())
    }

    fn directory(
        &mut self,
        from: &Path,
        to: &Path,
        like: &Stat,
        there: Option<Stat>,
    ) -> Result<()> {
        let is_there = there.as_ref().is_some_and(Stat::is_dir);
        match there.map(|stat| stat.kind) {
            Some(FileKind::Dir) => {
                self.differs |= !self.below.ops(to, self.view)?.is_empty();
            }
            None => self.make(to, Some(like), &self.below.clone())?,
            Some(FileKind::Link) => {
                self.ops.push(Op::Remove {
                    path: to.to_owned(),
                });
                self.make(to, Some(like), &self.below.clone())?;
            }
            Some(_) => {
                let message = format!("{} is a file where a directory should be", to.display());
                return Err(Diag::error("bad-file", message).about("path"));
            }
        }
        // A link to a directory becomes a directory with nothing in it.
        match self
            .view
            .lstat(from)?
            .known()
            .flatten()
            .is_some_and(|s| s.is_link())
        {
            true => Ok(()),
            false => self.merge(from, to, is_there),
        }
    }

    fn make(&mut self, path: &Path, like: Option<&Stat>, attrs: &FileAttrs) -> Result<()> {
        self.differs = true;
        let owner = attrs.owner_for_new(path, self.view)?;
        self.ops.push(Op::Mkdir {
            path: path.to_owned(),
            mode: attrs
                .mode_for(like, true, self.view)
                .or(like.map(|s| s.mode)),
        });
        if !owner.is_empty() {
            self.ops.push(Op::Chown {
                path: path.to_owned(),
                owner,
            });
        }
        Ok(())
    }

    fn file(&mut self, from: PathBuf, to: PathBuf, there: Option<&Stat>) -> Result<()> {
        match there {
            Some(stat) if stat.is_dir() => {
                self.in_the_way.get_or_insert(to);
                return Ok(());
            }
            Some(stat) if stat.target.as_deref() == Some(&*from) => return Ok(()),
            Some(_) => {
                self.differs |= !self.same_content(&from, &to)?;
                self.replaced.push(to.clone());
            }
            None => self.differs = true,
        }
        self.ops.push(Op::Symlink {
            path: to,
            target: from,
        });
        Ok(())
    }

    fn same_content(&self, a: &Path, b: &Path) -> Result<bool> {
        let file = |path| Ok::<_, Box<Diag>>(self.view.stat(path)?.known().flatten());
        let (Some(one), Some(other)) = (file(a)?, file(b)?) else {
            return Ok(false);
        };
        if !one.is_file() || !other.is_file() || one.size != other.size {
            return Ok(false);
        }
        let sum = |path| self.view.digest(path, Algorithm::Sha1);
        let (one, other) = (sum(a)?.known().flatten(), sum(b)?.known().flatten());
        Ok(one.is_some() && one == other)
    }

    /// Attributes of all that is in the target already; files are never executable.
    fn settle(&mut self, dir: &Path) -> Result<()> {
        for name in self.view.list(dir)?.known().flatten().unwrap_or_default() {
            let path = dir.join(name);
            let Some(stat) = self.view.lstat(&path)?.known().flatten() else {
                continue;
            };
            if stat.is_link() || self.replaced.contains(&path) {
                continue;
            }
            let mut attrs = self.below.clone();
            if !stat.is_dir() {
                let mode = attrs.mode_for(Some(&stat), false, self.view);
                attrs.mode = mode.map(|bits| Mode::Bits(bits & !0o111));
            }
            self.ops.extend(attrs.ops(&path, self.view)?);
            if stat.is_dir() {
                self.settle(&path)?;
            }
        }
        Ok(())
    }
}
