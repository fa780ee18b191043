//! Moving and copying whole files and trees, with all that belongs to them.

use super::attributes::{copy_xattrs, give, give_link, times};
use super::files;
use crate::diag::{Diag, Result};
use nix::libc;
use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    match fs::rename(from, to) {
        Ok(()) => Ok(()),
        Err(e) if e.raw_os_error() == Some(libc::EXDEV) => {
            across(from, to).map_err(|e| Diag::io("move", from, &e))?;
            files::remove(from)
        }
        Err(e) => Err(Diag::io("move", from, &e)),
    }
}

/// To another file system: a copy beside the destination first, so that it appears at once.
fn across(from: &Path, to: &Path) -> io::Result<()> {
    let dir = tempfile::Builder::new()
        .prefix(super::write::PREFIX)
        .tempdir_in(crate::sys::path::parent(to))?;
    let copy = dir.path().join("copy");
    copy_tree(from, &copy)?;
    fs::rename(copy, to)
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    let meta = fs::symlink_metadata(from)?;
    if meta.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
        return give_link(to, meta.uid(), meta.gid());
    }
    if !meta.is_dir() {
        return copy_file(from, to);
    }
    fs::DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        copy_tree(&from.join(&name), &to.join(&name))?;
    }
    attributes_like(&meta, from, to)
}

/// Copies one regular file with owner, mode, times and extended attributes.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut target = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    copy_into(from, &mut target, to)
}

/// Fills a new file, known under the path `to`, with all that another is.
pub(super) fn copy_into(from: &Path, target: &mut File, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let meta = source.metadata()?;
    io::copy(&mut source, target)?;
    target.sync_all()?;
    attributes_like(&meta, from, to)
}

fn attributes_like(meta: &Metadata, from: &Path, to: &Path) -> io::Result<()> {
    give(to, Some(meta.uid()), Some(meta.gid()), false)?;
    copy_xattrs(from, to);
    fs::set_permissions(to, Permissions::from_mode(meta.mode() & 0o7777))?;
    let seconds = |whole: i64, nanos: i64| whole as f64 + nanos as f64 / 1e9;
    times(
        to,
        Some(seconds(meta.atime(), meta.atime_nsec())),
        Some(seconds(meta.mtime(), meta.mtime_nsec())),
    )
    .map_err(|e| io::Error::other(e.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_copied_with_links_and_modes() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::create_dir_all(a.join("d")).unwrap();
        fs::write(a.join("d/f"), "x").unwrap();
        fs::set_permissions(a.join("d/f"), Permissions::from_mode(0o4750)).unwrap();
        std::os::unix::fs::symlink("d/f", a.join("l")).unwrap();
        times(&a.join("d/f"), None, Some(1e9)).unwrap();
        across(&a, &b).unwrap();
        let meta = fs::metadata(b.join("l")).unwrap();
        assert_eq!(meta.mode() & 0o7777, 0o4750);
        assert_eq!(meta.mtime(), 1_000_000_000);
        assert!(fs::symlink_metadata(b.join("l")).unwrap().is_symlink());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
