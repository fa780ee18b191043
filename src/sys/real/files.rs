//! Reading files, and the changes that need no temporary file.

use super::attributes;
use crate::diag::{Diag, Result};
use crate::sys::{Algorithm, FileKind, Stat, naming, path};
use nix::libc;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

pub(super) fn lstat(path: &Path) -> Result<Option<Stat>> {
    let Some(meta) = found(path, fs::symlink_metadata(path))? else {
        return Ok(None);
    };
    let mut stat = convert(&meta);
    if stat.is_link() {
        stat.target = fs::read_link(path).ok();
    }
    Ok(Some(stat))
}

pub(super) fn stat(path: &Path) -> Result<Option<Stat>> {
    Ok(found(path, fs::metadata(path))?.map(|meta| convert(&meta)))
}

/// Nothing at the path, or a part of it that is no directory, or links in a circle: `None`.
fn found<T>(path: &Path, result: io::Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(e)
            if matches!(
                e.raw_os_error(),
                Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP)
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(Diag::io("read", path, &e)),
    }
}

fn convert(meta: &Metadata) -> Stat {
    let kind = meta.file_type();
    let seconds = |whole: i64, nanos: i64| whole as f64 + nanos as f64 / 1e9;
    Stat {
        kind: if kind.is_dir() {
            FileKind::Dir
        } else if kind.is_symlink() {
            FileKind::Link
        } else if kind.is_fifo() {
            FileKind::Fifo
        } else if kind.is_socket() {
            FileKind::Socket
        } else if kind.is_char_device() {
            FileKind::Char
        } else if kind.is_block_device() {
            FileKind::Block
        } else {
            FileKind::File
        },
        mode: meta.mode() & 0o7777,
        uid: Some(meta.uid()),
        gid: Some(meta.gid()),
        size: meta.size(),
        atime: seconds(meta.atime(), meta.atime_nsec()),
        mtime: seconds(meta.mtime(), meta.mtime_nsec()),
        ctime: seconds(meta.ctime(), meta.ctime_nsec()),
        ino: meta.ino(),
        dev: meta.dev(),
        nlink: meta.nlink(),
        blocks: meta.blocks(),
        block_size: meta.blksize(),
        rdev: meta.rdev(),
        target: None,
    }
}

/// True for a regular file; a pipe or a device is never opened.
fn is_regular(path: &Path) -> Result<bool> {
    Ok(found(path, fs::metadata(path))?.is_some_and(|meta| meta.is_file()))
}

pub(super) fn read(path: &Path) -> Result<Option<Arc<[u8]>>> {
    if !is_regular(path)? {
        return Ok(None);
    }
    Ok(found(path, fs::read(path))?.map(Arc::from))
}

pub(super) fn digest(path: &Path, algorithm: Algorithm) -> Result<Option<String>> {
    if !is_regular(path)? {
        return Ok(None);
    }
    let sum = fs::File::open(path).and_then(|file| match algorithm {
        Algorithm::Name => naming::name_of(&file, file.metadata()?.len()),
        _ => algorithm.of_reader(file),
    });
    found(path, sum)
}

pub(super) fn list(dir: &Path) -> Result<Option<Vec<String>>> {
    let Some(entries) = found(dir, fs::read_dir(dir))? else {
        return Ok(None);
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Diag::io("list", dir, &e))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    Ok(Some(names))
}

pub(super) fn mkdir(path: &Path, mode: Option<u32>, umask: u32) -> Result<()> {
    let wanted = mode.unwrap_or(0o777 & !umask);
    fs::DirBuilder::new()
        .mode(wanted)
        .create(path)
        .map_err(|e| Diag::io("create the directory", path, &e))?;
    let made = fs::symlink_metadata(path).map_err(|e| Diag::io("read", path, &e))?;
    let made = made.mode() & 0o7777;
    // The process's own mask took bits away. A set-group-ID bit that came from the parent stays
    // unless a mode was asked for.
    if made & 0o777 != wanted & 0o777 || mode.is_some_and(|mode| mode != made) {
        let inherited = if mode.is_none() { made & 0o7000 } else { 0 };
        attributes::chmod(path, wanted | inherited)?;
    }
    Ok(())
}

pub(super) fn symlink(path: &Path, target: &Path) -> Result<()> {
    beside(path, "link", |temporary| {
        std::os::unix::fs::symlink(target, temporary)
    })
}

pub(super) fn hardlink(path: &Path, target: &Path) -> Result<()> {
    if let (Ok(old), Ok(new)) = (fs::symlink_metadata(path), fs::symlink_metadata(target))
        && !old.is_dir()
        && (old.dev(), old.ino()) == (new.dev(), new.ino())
    {
        // rename(2) does nothing between two names of one file and would leave the temporary one.
        return Ok(());
    }
    beside(path, "link", |temporary| fs::hard_link(target, temporary))
}

/// Makes something under a temporary name in the same directory and renames it into place.
fn beside(path: &Path, verb: &str, make: impl FnMut(&Path) -> io::Result<()>) -> Result<()> {
    let fail = |e: io::Error| Diag::io(verb, path, &e);
    tempfile::Builder::new()
        .prefix(super::write::PREFIX)
        .make_in(path::parent(path), make)
        .map_err(fail)?
        .into_temp_path()
        .persist(path)
        .map_err(|e| fail(e.error))
}

pub(super) fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e)
            if !matches!(
                e.raw_os_error(),
                Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP)
            ) =>
        {
            Err(Diag::io("remove", path, &e))
        }
        _ => Ok(()),
    }
}
