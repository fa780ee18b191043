//! What operations do in memory.

use super::tree::{Body, Found, Text};
use super::{Overlay, no_account};
use crate::diag::{Diag, Result};
use crate::sys::op::Condition;
use crate::sys::{
    Content, Declared, Effect, FileKind, Known, Op, Outcome, Owner, Stat, View, path,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn refused(verb: &str, path: &Path, why: &str) -> Box<Diag> {
    Diag::error("io", format!("cannot {verb} {}: {why}", path.display()))
}

fn missing(verb: &str, path: &Path) -> Box<Diag> {
    refused(verb, path, "No such file or directory")
}

fn is_directory(path: &Path) -> Box<Diag> {
    Diag::error(
        "is-directory",
        format!("cannot write {}: it is a directory", path.display()),
    )
}

/// What a number becomes, if it changes; `None` inside for one that is chosen later.
type PlannedId = Option<Option<u32>>;

/// Where something new goes, and what the directory passes on to it.
struct Place {
    path: PathBuf,
    /// Group of a set-group-ID directory.
    group: Option<Option<u32>>,
}

impl<B: View> Overlay<B> {
    pub(super) fn is_untouched(&self) -> bool {
        self.tree.is_untouched() && self.assumed.is_empty()
    }

    pub(super) fn plan(&mut self, op: &Op) -> Result<Outcome> {
        match op {
            Op::Write {
                path,
                content,
                mode,
                owner,
                backup,
                ..
            } => {
                self.ids(owner)?;
                if let Some(backup) = backup {
                    self.back_up(path, backup)?;
                }
                let text = match content {
                    Content::Bytes(bytes) => Text::Bytes(bytes.clone()),
                    Content::Blob(blob) => Text::Blob(blob.clone()),
                    Content::Unknown => Text::Unknown,
                };
                let size = match content {
                    Content::Bytes(bytes) => bytes.len() as u64,
                    Content::Blob(blob) => blob.size,
                    Content::Unknown => 0,
                };
                let new = 0o666 & !self.umask();
                self.write(path, text, size, *mode, new)?;
                self.chown(path, owner)?;
            }
            Op::CopyFile { from, path, mode } => self.copy(from, path, *mode)?,
            Op::Mkdir { path, mode } => self.mkdir(path, *mode)?,
            Op::Mode { path, mode } => {
                self.change("set the mode of", path, true, |stat| stat.mode = *mode)?;
            }
            Op::Chown { path, owner } => self.chown(path, owner)?,
            Op::Times { path, atime, mtime } => self.times(path, *atime, *mtime)?,
            Op::Touch { path } => {
                let now = self.now();
                self.times(path, Some(now), Some(now))?;
            }
            Op::Symlink { path, target } => self.symlink(path, target)?,
            Op::Hardlink { path, target } => self.hardlink(path, target)?,
            Op::Rename { from, to } => self.rename(from, to)?,
            Op::Remove { path } => self.remove(path)?,
            Op::Run { effect, .. } => {
                self.apply(effect)?;
                return Ok(Outcome::Unknown);
            }
            Op::Http { into, effect, .. } => {
                self.apply(effect)?;
                if let Some(into) = into {
                    self.write(into, Text::Unknown, 0, Some(0o600), 0o600)?;
                }
                return Ok(Outcome::Unknown);
            }
            Op::Wait { until, .. } => return self.wait(until),
            Op::Declare(effects) => {
                for effect in effects {
                    self.have(effect)?;
                }
            }
        }
        Ok(Outcome::Done)
    }

    fn apply(&mut self, effect: &Declared) -> Result<()> {
        if let Declared::Effects(effects) = effect {
            for effect in effects {
                self.have(effect)?;
            }
        }
        Ok(())
    }

    /// Makes one declared effect true.
    fn have(&mut self, effect: &Effect) -> Result<()> {
        match effect {
            Effect::Assume(key, value) => {
                self.assumed.insert(key.clone(), value.clone());
            }
            Effect::File(path) => self.have_file(path)?,
            Effect::Dir(path) => {
                let path = self.resolved(path, true)?;
                self.have_dir(&path)?;
            }
            Effect::Gone(path) => self.remove(path)?,
            Effect::MayFill(path) => {
                let path = self.resolved(path, true)?;
                self.tree.fill(path);
            }
            Effect::User(user) => self.accounts.set_user(&self.base, user.clone())?,
            Effect::NoUser(name) => self.accounts.drop_user(name),
            Effect::Group(group) => self.accounts.set_group(&self.base, group.clone())?,
            Effect::NoGroup(name) => self.accounts.drop_group(name),
        }
        self.tree.tick();
        Ok(())
    }

    fn have_file(&mut self, path: &Path) -> Result<()> {
        let path = self.resolved(path, true)?;
        self.have_dir(path::parent(&path))?;
        if let Some(node) = self.tree.node(&self.base, &path)? {
            if node.stat.is_file() {
                node.body = Body::File(Text::Unknown);
            }
            return Ok(());
        }
        let stat = self.new_stat(FileKind::File, 0o644);
        self.tree.put(path, stat, Body::File(Text::Unknown));
        Ok(())
    }

    /// A directory of which the content is unknown, with those above it.
    fn have_dir(&mut self, path: &Path) -> Result<()> {
        let fresh = match self.tree.at(&self.base, path)? {
            Found::Planned(_) | Found::There(..) => false,
            Found::Absent | Found::Unknown => true,
        };
        if !fresh {
            if let Some(node) = self.tree.node(&self.base, path)?
                && let Body::Dir { may, .. } = &mut node.body
            {
                *may = true;
            }
            return Ok(());
        }
        if let Some(above) = path.parent()
            && !matches!(
                self.tree.at(&self.base, above)?,
                Found::Planned(_) | Found::There(..)
            )
        {
            self.have_dir(above)?;
        }
        let stat = self.new_stat(FileKind::Dir, 0o755);
        let body = Body::Dir {
            origin: None,
            may: true,
        };
        self.tree.put(path.to_owned(), stat, body);
        Ok(())
    }

    fn wait(&self, until: &Condition) -> Result<Outcome> {
        let met = match until {
            Condition::Elapsed => true,
            Condition::PathPresent {
                path,
                pattern: None,
            } => matches!(self.stat(path)?, Known::Known(Some(_))),
            Condition::PathAbsent { path } => matches!(self.stat(path)?, Known::Known(None)),
            _ => false,
        };
        Ok(if met {
            Outcome::Waited {
                met,
                elapsed: Duration::ZERO,
                matched: Vec::new(),
            }
        } else {
            Outcome::Unknown
        })
    }

    fn resolved(&self, path: &Path, follow: bool) -> Result<PathBuf> {
        self.tree.resolve(&self.base, path, follow)
    }

    fn new_stat(&self, kind: FileKind, mode: u32) -> Stat {
        let now = self.now();
        Stat {
            kind,
            mode,
            uid: self.me().uid,
            gid: self.me().gid,
            size: 0,
            atime: now,
            mtime: now,
            ctime: now,
            ino: 0,
            dev: 0,
            nlink: if kind == FileKind::Dir { 2 } else { 1 },
            blocks: 0,
            block_size: 4096,
            rdev: 0,
            target: None,
        }
    }

    /// Where a new name goes. A directory that may be there is taken to be there: the module that
    /// plans the operation presumed it.
    fn place(&mut self, verb: &str, path: &Path) -> Result<Place> {
        let path = self.resolved(path, false)?;
        let above = path::parent(&path).to_owned();
        let stat = match self.tree.at(&self.base, &above)? {
            Found::Unknown => {
                self.have_dir(&above)?;
                return Ok(Place { path, group: None });
            }
            found => found.stat().presume(None),
        };
        match stat {
            Some(stat) if stat.is_dir() => Ok(Place {
                path,
                group: (stat.mode & 0o2000 != 0).then_some(stat.gid),
            }),
            Some(_) => Err(refused(verb, &path, "Not a directory")),
            None => Err(missing(verb, &path)),
        }
    }

    fn write(
        &mut self,
        path: &Path,
        text: Text,
        size: u64,
        mode: Option<u32>,
        new: u32,
    ) -> Result<()> {
        let place = self.place("write", path)?;
        let old = self.tree.at(&self.base, &place.path)?.stat().presume(None);
        if old.as_ref().is_some_and(Stat::is_dir) {
            return Err(is_directory(path));
        }
        let mut stat = self.new_stat(FileKind::File, mode.unwrap_or(new));
        stat.size = size;
        match old.filter(Stat::is_file) {
            Some(old) => {
                stat.uid = old.uid;
                stat.gid = old.gid;
                stat.mode = mode.unwrap_or(old.mode);
            }
            None => stat.gid = place.group.unwrap_or(stat.gid),
        }
        self.tree.put(place.path, stat, Body::File(text));
        Ok(())
    }

    /// Content and attributes of the file at the end of a path; `None` where it is not known.
    fn source(&self, from: &Path) -> Result<Option<(Text, Stat)>> {
        let found = self.tree.look(&self.base, from, true)?;
        let stat = match &found {
            Found::Planned(node) => node.stat.clone(),
            Found::There(stat, _) => stat.clone(),
            Found::Absent => return Err(missing("read", from)),
            Found::Unknown => return Ok(None),
        };
        match self.text(found) {
            Known::Known(Some(text)) => Ok(Some((text, stat))),
            _ => Err(is_directory(from)),
        }
    }

    fn copy(&mut self, from: &Path, path: &Path, mode: Option<u32>) -> Result<()> {
        let (text, size, new) = match self.source(from)? {
            Some((text, stat)) => (text, stat.size, stat.mode),
            None => (Text::Unknown, 0, 0o666 & !self.umask()),
        };
        self.write(path, text, size, mode, mode.unwrap_or(new))
    }

    fn back_up(&mut self, path: &Path, backup: &Path) -> Result<()> {
        let is_file = self.lstat(path)?.presume(None).is_some_and(|s| s.is_file());
        if is_file && let Some((text, stat)) = self.source(path)? {
            let place = self.place("back up", backup)?;
            let there = self.tree.at(&self.base, &place.path)?.stat().presume(None);
            if there.is_some_and(|there| there.is_dir()) {
                return Err(refused("back up", path, "Is a directory"));
            }
            let stat = Stat {
                nlink: 1,
                ino: 0,
                ..stat
            };
            self.tree.put(place.path, stat, Body::File(text));
        }
        Ok(())
    }

    fn mkdir(&mut self, path: &Path, mode: Option<u32>) -> Result<()> {
        let verb = "create the directory";
        let place = self.place(verb, path)?;
        let may = match self.tree.at(&self.base, &place.path)? {
            Found::Planned(_) | Found::There(..) => {
                return Err(refused(verb, path, "File exists"));
            }
            Found::Absent => false,
            Found::Unknown => true,
        };
        let mut stat = self.new_stat(FileKind::Dir, mode.unwrap_or(0o777 & !self.umask()));
        if let Some(gid) = place.group {
            stat.gid = gid;
            if mode.is_none() {
                stat.mode |= 0o2000;
            }
        }
        self.tree
            .put(place.path, stat, Body::Dir { origin: None, may });
        Ok(())
    }

    fn change(
        &mut self,
        verb: &str,
        path: &Path,
        follow: bool,
        mut change: impl FnMut(&mut Stat),
    ) -> Result<()> {
        let now = self.now();
        let place = self.resolved(path, follow)?;
        let may = matches!(self.tree.at(&self.base, &place)?, Found::Unknown);
        match self.tree.node(&self.base, &place)? {
            Some(node) if node.stat.nlink > 1 && !node.stat.is_dir() => {
                let of = node.stat.clone();
                self.tree.each_name(&of, change);
                Ok(())
            }
            Some(node) => {
                change(&mut node.stat);
                node.stat.ctime = now;
                Ok(())
            }
            // It may be there: nothing is known of it before and nothing afterwards.
            None if may => Ok(()),
            None => Err(missing(verb, path)),
        }
    }

    fn chown(&mut self, path: &Path, owner: &Owner) -> Result<()> {
        let (uid, gid) = self.ids(owner)?;
        self.change("set the owner of", path, false, |stat| {
            stat.uid = uid.unwrap_or(stat.uid);
            stat.gid = gid.unwrap_or(stat.gid);
        })
    }

    fn ids(&self, owner: &Owner) -> Result<(PlannedId, PlannedId)> {
        let uid = owner.user.as_deref().map(|name| self.uid(name));
        let gid = owner.group.as_deref().map(|name| self.gid(name));
        Ok((uid.transpose()?, gid.transpose()?))
    }

    /// The number of an account; `None` while it is only planned.
    fn uid(&self, name: &str) -> Result<Option<u32>> {
        match (self.user(name)?, name.parse().ok()) {
            (Known::Known(Some(user)), _) => Ok(user.uid),
            (_, Some(uid)) => Ok(Some(uid)),
            (Known::Unknown, _) => Ok(None),
            _ => Err(no_account("user", name)),
        }
    }

    fn gid(&self, name: &str) -> Result<Option<u32>> {
        match (self.group(name)?, name.parse().ok()) {
            (Known::Known(Some(group)), _) => Ok(group.gid),
            (_, Some(gid)) => Ok(Some(gid)),
            (Known::Unknown, _) => Ok(None),
            _ => Err(no_account("group", name)),
        }
    }

    fn times(&mut self, path: &Path, atime: Option<f64>, mtime: Option<f64>) -> Result<()> {
        self.change("set the times of", path, true, |stat| {
            stat.atime = atime.unwrap_or(stat.atime);
            stat.mtime = mtime.unwrap_or(stat.mtime);
        })
    }

    fn symlink(&mut self, path: &Path, target: &Path) -> Result<()> {
        let place = self.place("link", path)?;
        let old = self.tree.at(&self.base, &place.path)?.stat().presume(None);
        if old.is_some_and(|stat| stat.is_dir()) {
            return Err(refused("link", path, "Is a directory"));
        }
        let mut stat = self.new_stat(FileKind::Link, 0o777);
        stat.gid = place.group.unwrap_or(stat.gid);
        stat.size = target.as_os_str().len() as u64;
        stat.target = Some(target.to_owned());
        self.tree.put(place.path, stat, Body::Other);
        Ok(())
    }

    fn hardlink(&mut self, path: &Path, target: &Path) -> Result<()> {
        let place = self.place("link", path)?;
        let from = self.resolved(target, false)?;
        let made_up = self.inode;
        let Some(node) = self.tree.node(&self.base, &from)? else {
            return match self.tree.at(&self.base, &from)? {
                Found::Unknown => self.write(path, Text::Unknown, 0, None, 0o644),
                _ => Err(missing("link", path)),
            };
        };
        if node.stat.is_dir() {
            return Err(refused("link", path, "Operation not permitted"));
        }
        if node.stat.ino == 0 {
            node.stat.ino = made_up;
            self.inode -= 1;
        }
        let (stat, body) = (node.stat.clone(), node.body.clone());
        let old = self.tree.at(&self.base, &place.path)?.stat().presume(None);
        if old.as_ref().is_some_and(Stat::is_dir) {
            return Err(refused("link", path, "Is a directory"));
        }
        if place.path != from && old.is_none_or(|old| old.ino != stat.ino) {
            self.tree.put(place.path, stat.clone(), body);
            self.tree
                .each_name(&stat, |name| name.nlink = stat.nlink + 1);
        }
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        let from = self.resolved(from, false)?;
        let place = self.place("move", to)?;
        let may = matches!(self.tree.at(&self.base, &from)?, Found::Unknown);
        let (is_dir, ino) = match self.tree.node(&self.base, &from)? {
            Some(node) => (node.stat.is_dir(), node.stat.ino),
            None if may => {
                self.have_file(&from)?;
                (false, 0)
            }
            None => return Err(missing("move", &from)),
        };
        if from == place.path {
            return Ok(());
        }
        if place.path.starts_with(&from) {
            return Err(refused("move", &from, "Invalid argument"));
        }
        let there = self.tree.at(&self.base, &place.path)?.stat().presume(None);
        if let Some(there) = there {
            let full = !matches!(
                self.tree.list(&self.base, &place.path)?,
                Known::Known(Some(names)) if names.is_empty()
            );
            match (is_dir, there.is_dir()) {
                // Two names of one file: rename(2) does nothing.
                (false, false) if ino != 0 && ino == there.ino => return Ok(()),
                (true, false) => return Err(refused("move", &from, "Not a directory")),
                (false, true) => return Err(refused("move", &from, "Is a directory")),
                (true, true) if full => {
                    return Err(refused("move", &from, "Directory not empty"));
                }
                _ => {}
            }
        }
        self.tree.rename(&from, &place.path);
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> Result<()> {
        let Ok(place) = self.resolved(path, false) else {
            return Ok(());
        };
        if !matches!(self.tree.at(&self.base, &place)?, Found::Absent) {
            let stat = self.new_stat(FileKind::File, 0);
            self.tree.remove(place, stat);
        }
        Ok(())
    }
}
