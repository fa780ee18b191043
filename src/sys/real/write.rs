//! Replacing files so that a reader sees the old one or the new one and nothing between.

use super::RealHost;
use super::attributes::{copy_xattrs, give};
use super::new_file::NewFile;
use super::run;
use super::sums::Passing;
use crate::diag::{Diag, Result};
use crate::sys::{Blob, Command, Content, View, path};
use nix::libc;
use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Names of temporary files start with this.
pub(super) const PREFIX: &str = ".gxdeploy-";

/// Writes a content; what has passed of a large one.
fn pour<'a>(
    host: &RealHost,
    content: &'a Content,
    path: &Path,
    to: &mut File,
) -> Result<Option<(&'a Blob, Passing)>> {
    let write =
        |bytes: &[u8], to: &mut File| to.write_all(bytes).map_err(|e| Diag::io("write", path, &e));
    match content {
        Content::Bytes(bytes) => write(bytes, to),
        Content::Blob(blob) if blob.is_large() => {
            let mut passing = Passing::of(blob);
            host.blobs.copy(blob, &mut |bytes| {
                let written = passing.write(bytes, to);
                written.map_err(|e| Diag::io("write", path, &e))
            })?;
            return Ok(Some((blob, passing)));
        }
        Content::Blob(blob) => host.blobs.copy(blob, &mut |bytes| write(bytes, to)),
        Content::Unknown => Err(Diag::error(
            "unknown-content",
            "the content of the file depends on something that is not known",
        )),
    }
    .map(|()| None)
}

/// What goes with the new bytes.
#[derive(Default)]
pub(super) struct Replace<'a> {
    pub(super) mode: Option<u32>,
    /// uid and gid.
    pub(super) owner: (Option<u32>, Option<u32>),
    pub(super) backup: Option<&'a Path>,
    pub(super) validate: Option<&'a str>,
}

impl Replace<'_> {
    pub(super) fn write(&self, host: &RealHost, path: &Path, content: &Content) -> Result<()> {
        let mut passing = None;
        self.replace(host, path, &mut |to| {
            passing = pour(host, content, path, to)?;
            Ok(())
        })?;
        if let Some((blob, passing)) = passing {
            host.sums.note(path, blob, passing);
        }
        Ok(())
    }

    fn replace(&self, host: &RealHost, path: &Path, fill: &mut Fill<'_>) -> Result<()> {
        let fail = |e: io::Error| Diag::io("write", path, &e);
        let old = match fs::symlink_metadata(path) {
            Ok(meta) if meta.is_dir() => return Err(is_directory(path)),
            Ok(meta) if meta.is_file() => Some(meta),
            _ => None,
        };
        let mut new = match self.validate {
            Some(_) => NewFile::named_at(path),
            None => NewFile::at(path),
        }
        .map_err(fail)?;
        fill(new.file_mut())?;
        if let Some(words) = self.validate {
            validate(host, words, &new.path())?;
        }
        self.dress(host, path, &new, old.as_ref()).map_err(fail)?;
        // With nothing in its place before, nothing is lost if it reaches the disk with the others.
        let later = old.is_none() && host.sync_later(new.file());
        if !later {
            new.file().sync_all().map_err(fail)?;
        }
        if let (Some(backup), Some(_)) = (self.backup, &old) {
            keep(path, backup)?;
        }
        put_in_place(new, path, !later).map_err(fail)
    }

    /// Attributes: those asked for, else the old file's, else those of a new file.
    fn dress(
        &self,
        host: &RealHost,
        path: &Path,
        new: &NewFile,
        old: Option<&Metadata>,
    ) -> io::Result<()> {
        let made = new.file().metadata()?;
        let (uid, gid) = self.owner;
        let want = (
            uid.or(old.map(Metadata::uid)).filter(|u| *u != made.uid()),
            gid.or(old.map(Metadata::gid)).filter(|g| *g != made.gid()),
        );
        if want != (None, None) {
            give(&new.path(), want.0, want.1, uid.is_some() || gid.is_some())?;
        }
        if old.is_some() {
            copy_xattrs(path, &new.path());
        }
        let mode = self
            .mode
            .or(old.map(|meta| meta.mode() & 0o7777))
            .unwrap_or(0o666 & !host.umask());
        // After the owner, since a change of owner takes the set-user-ID bits away.
        new.file().set_permissions(Permissions::from_mode(mode))
    }
}

pub(super) fn copy(host: &RealHost, from: &Path, path: &Path, mode: Option<u32>) -> Result<()> {
    let fail = |e: io::Error| Diag::io("read", from, &e);
    let mut source = File::open(from).map_err(fail)?;
    let meta = source.metadata().map_err(fail)?;
    if meta.is_dir() {
        return Err(is_directory(from));
    }
    let exists = fs::symlink_metadata(path).is_ok_and(|m| m.is_file());
    Replace {
        mode: mode.or((!exists).then(|| meta.mode() & 0o7777)),
        ..Replace::default()
    }
    .replace(host, path, &mut |to| {
        io::copy(&mut source, to)
            .map(|_| ())
            .map_err(|e| Diag::io("write", path, &e))
    })
}

fn is_directory(path: &Path) -> Box<Diag> {
    Diag::error(
        "is-directory",
        format!("cannot write {}: it is a directory", path.display()),
    )
}

/// Writes the bytes of a new file.
type Fill<'a> = dyn FnMut(&mut File) -> Result<()> + 'a;

/// Gives the file its name, and makes sure that the name is on disk too if it is to be there `now`.
fn put_in_place(new: NewFile, path: &Path, now: bool) -> io::Result<()> {
    match new.persist(path) {
        Ok(()) if !now => Ok(()),
        Ok(()) => {
            // A file system that cannot sync a directory has no stronger promise to give.
            if let Ok(dir) = File::open(path::parent(path)) {
                let _ = dir.sync_all();
            }
            Ok(())
        }
        // A mount point (`/etc/hosts` in a container) cannot be replaced, only filled anew.
        Err((e, mut source)) if e.raw_os_error() == Some(libc::EBUSY) => {
            source.rewind()?;
            let mut target = fs::OpenOptions::new()
                .write(true)
                .truncate(true)
                .open(path)?;
            io::copy(&mut source, &mut target)?;
            target.sync_all()
        }
        Err((e, _)) => Err(e),
    }
}

/// Keeps a copy of a file, with owner, mode, times and attributes.
fn keep(path: &Path, copy: &Path) -> Result<()> {
    let fail = |e: io::Error| Diag::io("back up", path, &e);
    let mut new = NewFile::at(copy).map_err(fail)?;
    let to = new.path();
    super::transfer::copy_into(path, new.file_mut(), &to).map_err(fail)?;
    new.persist(copy).map_err(|(e, _)| fail(e))
}

/// Runs the validating command on the new file.
///
/// # Errors
/// `validation-failed`, with Ansible's keys.
fn validate(host: &RealHost, words: &str, file: &Path) -> Result<()> {
    let file = file.display().to_string();
    if !words.contains("%s") {
        return Err(
            Diag::error("bad-validate", format!("validate must contain %s: {words}"))
                .about("validate"),
        );
    }
    let argv = crate::sys::words::split(words)
        .map_err(|e| Diag::error("bad-validate", format!("validate: {e}")).about("validate"))?
        .into_iter()
        .map(|word| word.replace("%s", &file));
    let command = Command::new(argv);
    let output = run::run(host, &command, None).map_err(|e| e.diag(&command))?;
    if output.ok() {
        return Ok(());
    }
    let said = output.err_text();
    let mut diag = Diag::error(
        "validation-failed",
        format!("failed to validate: rc:{} error:{said}", output.rc),
    );
    for line in said.lines().take(6) {
        diag = diag.note(line);
    }
    Err(diag
        .with("exit_status", output.rc)
        .with("stdout", output.text())
        .with("stderr", said))
}
