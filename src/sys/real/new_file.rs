//! A new file that shows itself only when it is whole.

use super::write::PREFIX;
use crate::sys::Algorithm;
use nix::fcntl::{AT_FDCWD, AtFlags, Flock, FlockArg};
use nix::libc;
use nix::unistd::linkat;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// A file that is being written. While it has no name (`O_TMPFILE`), a process that is killed leaves
/// nothing of it behind.
pub(super) struct NewFile {
    file: File,
    /// Absent while the file has no name.
    name: Option<TempPath>,
    /// Tells others that the temporary name is in use.
    _at_work: Option<Flock<File>>,
}

impl NewFile {
    /// A file of mode 0600 on the file system of `path`, which it is to replace; without a name
    /// where that can be had.
    ///
    /// # Errors
    /// What the system says when the file cannot be made.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        match nameless(crate::sys::path::parent(path)) {
            Ok(file) => Ok(Self {
                file,
                name: None,
                _at_work: None,
            }),
            Err(_) => Self::named(path),
        }
    }

    /// A file with a temporary name beside `path`, for programs that shall look at it.
    ///
    /// # Errors
    /// What the system says when the file cannot be made.
    pub(super) fn named_at(path: &Path) -> io::Result<Self> {
        let Ok(file) = nameless(crate::sys::path::parent(path)) else {
            return Self::named(path);
        };
        let at_work = lock(&file);
        let name = between(path, |name| link(&file, name))?;
        Ok(Self {
            file,
            name: Some(name),
            _at_work: at_work,
        })
    }

    /// Where files without names cannot be had.
    fn named(path: &Path) -> io::Result<Self> {
        let mut made = None;
        let name = between(path, |name| {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(name)?;
            let at_work = lock(&file);
            made = Some((file, at_work));
            Ok(())
        })?;
        let (file, at_work) = made.ok_or(io::ErrorKind::NotFound)?;
        Ok(Self {
            file,
            name: Some(name),
            _at_work: at_work,
        })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn file_mut(&mut self) -> &mut File {
        &mut self.file
    }

    /// A path under which this process finds the file; for one without a name a symbolic link.
    pub(super) fn path(&self) -> PathBuf {
        match &self.name {
            Some(name) => name.to_path_buf(),
            None => handle(&self.file),
        }
    }

    /// Gives the file its name, in the place of whatever has it.
    ///
    /// # Errors
    /// What the system says; with the file, so that its bytes can still be had.
    pub(super) fn persist(self, path: &Path) -> Result<(), (io::Error, File)> {
        // Until the file has its final name.
        let Self {
            file,
            name,
            mut _at_work,
        } = self;
        let named = match name {
            Some(name) => Ok(name),
            // Nothing there yet: one call, and there is no moment with a temporary name.
            None => match link(&file, path) {
                Ok(()) => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                    _at_work = lock(&file);
                    between(path, |name| link(&file, name))
                }
                Err(e) => Err(e),
            },
        };
        match named.and_then(|name| name.persist(path).map_err(|e| e.error)) {
            Ok(()) => Ok(()),
            Err(e) => Err((e, file)),
        }
    }
}

/// A name for the time before a file takes the place of the one at `path`: always the same, so that
/// what a process leaves that is killed in that time goes when the file is replaced the next time.
/// Another one while somebody else is at work on the same file.
fn between(path: &Path, mut make: impl FnMut(&Path) -> io::Result<()>) -> io::Result<TempPath> {
    let dir = crate::sys::path::parent(path);
    let name = between_name(path);
    match make(&name) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made.and_then(|()| TempPath::try_from_path(name)),
    }
    if File::open(&name).is_ok_and(|left| lock(&left).is_some()) {
        std::fs::remove_file(&name)?;
        if make(&name).is_ok() {
            return TempPath::try_from_path(name);
        }
    }
    tempfile::Builder::new()
        .prefix(PREFIX)
        .make_in(dir, make)
        .map(tempfile::NamedTempFile::into_temp_path)
}

fn between_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default();
    let sum = Algorithm::Sha256.of(name.as_encoded_bytes());
    crate::sys::path::parent(path).join(format!("{PREFIX}{}", &sum[..16]))
}

/// Holds a file as long as it is being worked on; `None` if somebody else does.
fn lock(file: &File) -> Option<Flock<File>> {
    Flock::lock(file.try_clone().ok()?, FlockArg::LockExclusiveNonblock).ok()
}

fn nameless(dir: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(libc::O_TMPFILE)
        .open(dir)?;
    // A name can only be given through /proc.
    std::fs::metadata(handle(&file))?;
    Ok(file)
}

fn handle(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

fn link(file: &File, name: &Path) -> io::Result<()> {
    linkat(
        AT_FDCWD,
        &handle(file),
        AT_FDCWD,
        name,
        AtFlags::AT_SYMLINK_FOLLOW,
    )
    .map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn nothing_is_seen_before_the_file_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["one", "two"] {
            let before = names(dir.path());
            let mut new = NewFile::at(&dir.path().join("f")).unwrap();
            new.file_mut().write_all(text.as_bytes()).unwrap();
            if new.name.is_none() {
                assert_eq!(names(dir.path()), before);
            }
            new.persist(&dir.path().join("f")).map_err(|e| e.0).unwrap();
            assert_eq!(names(dir.path()), ["f"]);
            let written = std::fs::read_to_string(dir.path().join("f")).unwrap();
            assert_eq!(written, text);
        }
    }

    #[test]
    fn what_a_killed_process_left_goes_with_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let replace = |text: &str| {
            let mut new = NewFile::at(&path).unwrap();
            new.file_mut().write_all(text.as_bytes()).unwrap();
            new.persist(&path).map_err(|e| e.0).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        };
        replace("one");
        let left = between_name(&path);
        std::fs::write(&left, "from a killed one").unwrap();
        replace("two");
        assert_eq!(names(dir.path()), ["f"]);
        // Somebody else's that is alive stays.
        std::fs::write(&left, "from another").unwrap();
        let other = lock(&File::open(&left).unwrap()).unwrap();
        replace("three");
        assert_eq!(names(dir.path()).len(), 2);
        drop(other);
        replace("four");
        assert_eq!(names(dir.path()), ["f"]);
    }

    #[test]
    fn what_was_left_while_it_was_looked_at_goes_with_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let makers: [fn(&Path) -> io::Result<NewFile>; 2] = [NewFile::named_at, NewFile::named];
        for make in makers {
            let new = make(&path).unwrap();
            assert_eq!(new.path(), between_name(&path));
            // Somebody else's that is alive stays.
            let other = make(&path).unwrap();
            assert_ne!(other.path(), new.path());
            drop(other);
            // As if the process had been killed.
            let mut new = new;
            new.name.take().unwrap().keep().unwrap();
            drop(new);
            assert_eq!(names(dir.path()).len(), 1);
            let new = make(&path).unwrap();
            new.persist(&path).map_err(|e| e.0).unwrap();
            assert_eq!(names(dir.path()), ["f"]);
            std::fs::remove_file(&path).unwrap();
        }
    }
}
