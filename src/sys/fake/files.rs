//! A file system in memory: names point at inodes, as on disk.

use crate::diag::{Diag, Result};
use crate::sys::{FileKind, Stat, path};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Something to put into the tree of a fake host.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub(super) kind: Kind,
    pub(super) mode: Option<u32>,
    pub(super) owner: Option<String>,
    pub(super) group: Option<String>,
    pub(super) mtime: Option<f64>,
}

#[derive(Clone, Debug, Default)]
pub(super) enum Kind {
    #[default]
    Dir,
    File(Arc<[u8]>),
    Link(PathBuf),
    Hard(PathBuf),
    Special(Option<FileKind>),
}

impl Entry {
    /// A directory (0755).
    pub fn dir() -> Entry {
        Entry::default()
    }

    /// A file (0644) with this content.
    pub fn file(content: impl AsRef<[u8]>) -> Entry {
        Entry {
            kind: Kind::File(content.as_ref().into()),
            ..Entry::default()
        }
    }

    /// A symbolic link.
    pub fn link(target: impl Into<PathBuf>) -> Entry {
        Entry {
            kind: Kind::Link(target.into()),
            ..Entry::default()
        }
    }

    /// Another name of a file that exists.
    pub fn hard(target: impl Into<PathBuf>) -> Entry {
        Entry {
            kind: Kind::Hard(target.into()),
            ..Entry::default()
        }
    }

    /// A pipe, socket or device.
    pub fn special(kind: FileKind) -> Entry {
        Entry {
            kind: Kind::Special(Some(kind)),
            ..Entry::default()
        }
    }

    /// Sets the permission bits.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Entry {
        self.mode = Some(mode);
        self
    }

    /// Sets owner and group by name.
    #[must_use]
    pub fn owner(mut self, user: &str, group: &str) -> Entry {
        self.owner = Some(user.to_owned());
        self.group = Some(group.to_owned());
        self
    }
}

#[derive(Clone, Debug)]
struct Inode {
    stat: Stat,
    content: Arc<[u8]>,
}

#[derive(Clone)]
pub(super) struct Tree {
    names: BTreeMap<PathBuf, u64>,
    inodes: HashMap<u64, Inode>,
    next: u64,
    pub(super) now: f64,
}

type Ids = (Option<u32>, Option<u32>);

pub(super) fn missing(verb: &str, path: &Path) -> Box<Diag> {
    refused(verb, path, "No such file or directory")
}

fn refused(verb: &str, path: &Path, why: &str) -> Box<Diag> {
    Diag::error("io", format!("cannot {verb} {}: {why}", path.display()))
}

impl Tree {
    pub(super) fn new(now: f64) -> Tree {
        let mut tree = Tree {
            names: BTreeMap::new(),
            inodes: HashMap::new(),
            next: 2,
            now,
        };
        tree.create(PathBuf::from("/"), FileKind::Dir, 0o755, (Some(0), Some(0)));
        tree
    }

    pub(super) fn paths(&self) -> Vec<PathBuf> {
        self.names.keys().cloned().collect()
    }

    /// A new inode under a name; what was there loses this name.
    fn create(&mut self, path: PathBuf, kind: FileKind, mode: u32, ids: Ids) -> u64 {
        self.forget(&path);
        let ino = self.next;
        self.next += 1;
        let stat = Stat {
            kind,
            mode,
            uid: ids.0,
            gid: ids.1,
            size: 0,
            atime: self.now,
            mtime: self.now,
            ctime: self.now,
            ino,
            dev: 1,
            nlink: 1,
            blocks: 0,
            block_size: 4096,
            rdev: 0,
            target: None,
        };
        let content = Arc::from(&b""[..]);
        self.inodes.insert(ino, Inode { stat, content });
        self.names.insert(path, ino);
        ino
    }

    /// Takes one name away, and the inode with its last name.
    fn forget(&mut self, path: &Path) {
        let Some(ino) = self.names.remove(path) else {
            return;
        };
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.stat.nlink = inode.stat.nlink.saturating_sub(1);
            if inode.stat.nlink == 0 {
                self.inodes.remove(&ino);
            }
        }
    }

    pub(super) fn put(&mut self, path: &Path, entry: Entry, uid: Option<u32>, gid: Option<u32>) {
        let path = path::normalise(path);
        for dir in path.ancestors().skip(1) {
            if !self.names.contains_key(dir) {
                self.create(dir.to_owned(), FileKind::Dir, 0o755, (Some(0), Some(0)));
            }
        }
        let ids = (uid.or(Some(0)), gid.or(Some(0)));
        let (kind, mode) = match &entry.kind {
            Kind::Dir => (FileKind::Dir, 0o755),
            Kind::File(_) => (FileKind::File, 0o644),
            Kind::Link(_) => (FileKind::Link, 0o777),
            Kind::Special(kind) => (kind.unwrap_or(FileKind::Fifo), 0o644),
            Kind::Hard(target) => {
                // A case whose target is missing shows it by the missing name.
                let _ = self.hardlink(&path, target);
                return;
            }
        };
        if kind == FileKind::Dir && self.names.contains_key(&path) {
            let _ = self.chown(&path, (uid, gid));
            let _ = entry.mode.map(|mode| self.chmod(&path, mode));
            return;
        }
        let ino = self.create(path, kind, entry.mode.unwrap_or(mode), ids);
        if let Some(inode) = self.inodes.get_mut(&ino) {
            if let Some(mtime) = entry.mtime {
                inode.stat.mtime = mtime;
            }
            match entry.kind {
                Kind::File(bytes) => inode.set(bytes),
                Kind::Link(target) => inode.point(target),
                _ => {}
            }
        }
    }

    fn at(&self, path: &Path) -> Option<&Inode> {
        self.inodes.get(self.names.get(path)?)
    }

    pub(super) fn resolve(&self, path: &Path, follow_last: bool) -> Result<PathBuf> {
        path::walk(path, follow_last, &mut |p| {
            Ok(self.at(p).and_then(|inode| inode.stat.target.clone()))
        })
    }

    fn look(&self, path: &Path, follow: bool) -> Option<&Inode> {
        // A loop of links leads nowhere.
        self.at(&self.resolve(path, follow).ok()?)
    }

    pub(super) fn lstat(&self, path: &Path) -> Result<Option<Stat>> {
        Ok(self.look(path, false).map(|inode| inode.stat.clone()))
    }

    pub(super) fn stat(&self, path: &Path) -> Result<Option<Stat>> {
        Ok(self.look(path, true).map(|inode| inode.stat.clone()))
    }

    pub(super) fn read(&self, path: &Path) -> Result<Option<Arc<[u8]>>> {
        Ok(self
            .look(path, true)
            .filter(|inode| inode.stat.is_file())
            .map(|inode| inode.content.clone()))
    }

    pub(super) fn list(&self, dir: &Path) -> Result<Option<Vec<String>>> {
        let Ok(dir) = self.resolve(dir, true) else {
            return Ok(None);
        };
        if !self.at(&dir).is_some_and(|inode| inode.stat.is_dir()) {
            return Ok(None);
        }
        Ok(Some(
            self.names
                .keys()
                .filter(|p| p.parent() == Some(&dir))
                .map(|p| path::file_name(p))
                .collect(),
        ))
    }

    /// Where a new name goes: its directory must exist.
    fn place(&self, verb: &str, path: &Path) -> Result<PathBuf> {
        let path = self.resolve(path, false)?;
        match self.at(path::parent(&path)) {
            Some(inode) if inode.stat.is_dir() => Ok(path),
            Some(_) => Err(refused(verb, &path, "Not a directory")),
            None => Err(missing(verb, &path)),
        }
    }

    pub(super) fn write(
        &mut self,
        path: &Path,
        bytes: Arc<[u8]>,
        mode: Option<u32>,
        new: u32,
        ids: Ids,
    ) -> Result<()> {
        let place = self.place("write", path)?;
        let old = self.at(&place).map(|inode| inode.stat.clone());
        if old.as_ref().is_some_and(Stat::is_dir) {
            return Err(Diag::error(
                "is-directory",
                format!("cannot write {}: it is a directory", path.display()),
            ));
        }
        let old = old.filter(Stat::is_file);
        let ids = self.inherited(&place, ids);
        let kept = mode.or(old.as_ref().map(|s| s.mode)).unwrap_or(new);
        let ids = old.map_or(ids, |s| (s.uid, s.gid));
        let ino = self.create(place, FileKind::File, kept, ids);
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.set(bytes);
        }
        Ok(())
    }

    /// Copies a file with all its attributes.
    pub(super) fn duplicate(&mut self, from: &Path, to: &Path) -> Result<()> {
        let to = self.place("back up", to)?;
        if self.at(&to).is_some_and(|inode| inode.stat.is_dir()) {
            return Err(refused("back up", from, "Is a directory"));
        }
        let Some(inode) = self.look(from, true).cloned() else {
            return Err(missing("read", from));
        };
        let ids = (inode.stat.uid, inode.stat.gid);
        let ino = self.create(to, FileKind::File, inode.stat.mode, ids);
        if let Some(copy) = self.inodes.get_mut(&ino) {
            copy.set(inode.content);
            copy.stat.mtime = inode.stat.mtime;
        }
        Ok(())
    }

    /// `mode` absent: `new`, and the set-group-ID bit of the directory above.
    pub(super) fn mkdir(
        &mut self,
        path: &Path,
        mode: Option<u32>,
        new: u32,
        ids: Ids,
    ) -> Result<()> {
        let place = self.place("create the directory", path)?;
        if self.at(&place).is_some() {
            return Err(refused("create the directory", path, "File exists"));
        }
        let passed_on = self.set_group(&place).map_or(0, |_| 0o2000);
        let ids = self.inherited(&place, ids);
        self.create(place, FileKind::Dir, mode.unwrap_or(new | passed_on), ids);
        Ok(())
    }

    /// The group of the directory above where that passes it on.
    fn set_group(&self, path: &Path) -> Option<Option<u32>> {
        let above = self.at(path::parent(path))?;
        (above.stat.mode & 0o2000 != 0).then_some(above.stat.gid)
    }

    fn inherited(&self, path: &Path, ids: Ids) -> Ids {
        (ids.0, self.set_group(path).unwrap_or(ids.1))
    }

    fn change(
        &mut self,
        verb: &str,
        path: &Path,
        follow: bool,
        change: impl FnOnce(&mut Stat),
    ) -> Result<()> {
        let place = self.resolve(path, follow)?;
        let inode = self
            .names
            .get(&place)
            .and_then(|ino| self.inodes.get_mut(ino))
            .ok_or_else(|| missing(verb, path))?;
        change(&mut inode.stat);
        inode.stat.ctime = self.now;
        Ok(())
    }

    pub(super) fn chmod(&mut self, path: &Path, mode: u32) -> Result<()> {
        self.change("set the mode of", path, true, |stat| stat.mode = mode)
    }

    pub(super) fn chown(&mut self, path: &Path, (uid, gid): Ids) -> Result<()> {
        self.change("set the owner of", path, false, |stat| {
            stat.uid = uid.or(stat.uid);
            stat.gid = gid.or(stat.gid);
        })
    }

    pub(super) fn times(
        &mut self,
        path: &Path,
        atime: Option<f64>,
        mtime: Option<f64>,
    ) -> Result<()> {
        self.change("set the times of", path, true, |stat| {
            stat.atime = atime.unwrap_or(stat.atime);
            stat.mtime = mtime.unwrap_or(stat.mtime);
        })
    }

    pub(super) fn symlink(&mut self, path: &Path, target: &Path, ids: Ids) -> Result<()> {
        let place = self.place("link", path)?;
        if self.at(&place).is_some_and(|inode| inode.stat.is_dir()) {
            return Err(refused("link", path, "Is a directory"));
        }
        let ids = self.inherited(&place, ids);
        let ino = self.create(place, FileKind::Link, 0o777, ids);
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.point(target.to_owned());
        }
        Ok(())
    }

    pub(super) fn hardlink(&mut self, path: &Path, target: &Path) -> Result<()> {
        let place = self.place("link", path)?;
        let target = self.resolve(target, false)?;
        let Some(ino) = self.names.get(&target).copied() else {
            return Err(missing("link", path));
        };
        if self.at(&place).is_some_and(|inode| inode.stat.is_dir())
            || self.at(&target).is_some_and(|inode| inode.stat.is_dir())
        {
            return Err(refused("link", path, "Operation not permitted"));
        }
        if self.names.get(&place) != Some(&ino) {
            self.forget(&place);
            self.names.insert(place, ino);
            if let Some(inode) = self.inodes.get_mut(&ino) {
                inode.stat.nlink += 1;
            }
        }
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        let from = self.resolve(from, false)?;
        let place = self.place("move", to)?;
        let Some(moved) = self.at(&from) else {
            return Err(missing("move", &from));
        };
        let is_dir = moved.stat.is_dir();
        if from == place {
            return Ok(());
        }
        if place.starts_with(&from) {
            return Err(refused("move", &from, "Invalid argument"));
        }
        if let Some(there) = self.at(&place) {
            let full = self.names.keys().any(|p| p.parent() == Some(&place));
            match (is_dir, there.stat.is_dir()) {
                (true, false) => return Err(refused("move", &from, "Not a directory")),
                (false, true) => return Err(refused("move", &from, "Is a directory")),
                (true, true) if full => {
                    return Err(refused("move", &from, "Directory not empty"));
                }
                _ => {}
            }
            if self.names.get(&place) == self.names.get(&from) {
                return Ok(());
            }
        }
        self.forget(&place);
        for old in self.below(&from) {
            if let (Some(ino), Ok(rest)) = (self.names.remove(&old), old.strip_prefix(&from)) {
                let new = if rest.as_os_str().is_empty() {
                    place.clone()
                } else {
                    place.join(rest)
                };
                self.names.insert(new, ino);
            }
        }
        Ok(())
    }

    fn below(&self, path: &Path) -> Vec<PathBuf> {
        self.names
            .keys()
            .filter(|p| p.starts_with(path))
            .cloned()
            .collect()
    }

    pub(super) fn remove(&mut self, path: &Path) -> Result<()> {
        // Nothing at the end of a loop.
        let Ok(place) = self.resolve(path, false) else {
            return Ok(());
        };
        for name in self.below(&place) {
            self.forget(&name);
        }
        Ok(())
    }
}

impl Inode {
    fn set(&mut self, bytes: Arc<[u8]>) {
        self.stat.size = bytes.len() as u64;
        self.content = bytes;
    }

    fn point(&mut self, target: PathBuf) {
        self.stat.size = target.as_os_str().len() as u64;
        self.stat.target = Some(target);
    }
}
