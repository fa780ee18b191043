//! Owner, permission bits, times and extended attributes of files.

use crate::diag::{Diag, Result};
use nix::fcntl::AT_FDCWD;
use nix::libc;
use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use std::ffi::CString;
use std::fs::Permissions;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

pub(super) fn chmod(path: &Path, mode: u32) -> Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|e| Diag::io("set the mode of", path, &e))
}

pub(super) fn chown(path: &Path, (uid, gid): (Option<u32>, Option<u32>)) -> Result<()> {
    std::os::unix::fs::lchown(path, uid, gid).map_err(|e| Diag::io("set the owner of", path, &e))
}

pub(super) fn times(path: &Path, atime: Option<f64>, mtime: Option<f64>) -> Result<()> {
    set_times(path, &timespec(atime), &timespec(mtime))
}

pub(super) fn touch(path: &Path) -> Result<()> {
    set_times(path, &TimeSpec::UTIME_NOW, &TimeSpec::UTIME_NOW)
}

fn set_times(path: &Path, atime: &TimeSpec, mtime: &TimeSpec) -> Result<()> {
    utimensat(AT_FDCWD, path, atime, mtime, UtimensatFlags::FollowSymlink)
        .map_err(|e| Diag::io("set the times of", path, &e.into()))
}

fn timespec(seconds: Option<f64>) -> TimeSpec {
    match seconds {
        Some(seconds) => {
            let whole = seconds.floor();
            let nanos = ((seconds - whole) * 1e9).round().clamp(0.0, 999_999_999.0);
            TimeSpec::new(whole as i64, nanos as i64)
        }
        None => TimeSpec::UTIME_OMIT,
    }
}

/// Copies extended attributes (access lists and security labels among them). A file system or a
/// user without them is no error. File capabilities are left out: they belong to the old content.
pub(super) fn copy_xattrs(from: &Path, to: &Path) {
    for name in xattr_names(from).unwrap_or_default() {
        if name.as_bytes() != b"security.capability"
            && let Ok(value) = get_xattr(from, &name)
        {
            // Best effort by intent, see above.
            let _ = set_xattr(to, &name, &value);
        }
    }
}

fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other)
}

fn checked(n: isize) -> io::Result<usize> {
    usize::try_from(n).map_err(|_| io::Error::last_os_error())
}

fn xattr_names(path: &Path) -> io::Result<Vec<CString>> {
    let path = c_path(path)?;
    let mut buffer = vec![0u8; 4096];
    loop {
        // SAFETY: the path is a C string and the buffer is as long as is said.
        let n =
            unsafe { libc::llistxattr(path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
        match checked(n) {
            Ok(n) => {
                return Ok(buffer[..n]
                    .split(|b| *b == 0)
                    .filter(|name| !name.is_empty())
                    .filter_map(|name| CString::new(name).ok())
                    .collect());
            }
            Err(e) if e.raw_os_error() == Some(libc::ERANGE) && buffer.len() < 1 << 20 => {
                buffer.resize(buffer.len() * 4, 0);
            }
            Err(e) => return Err(e),
        }
    }
}

fn get_xattr(path: &Path, name: &CString) -> io::Result<Vec<u8>> {
    let path = c_path(path)?;
    let mut buffer = vec![0u8; 65536];
    // SAFETY: both are C strings and the buffer is as long as is said.
    let n = unsafe {
        libc::lgetxattr(
            path.as_ptr(),
            name.as_ptr(),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
        )
    };
    buffer.truncate(checked(n)?);
    Ok(buffer)
}

fn set_xattr(path: &Path, name: &CString, value: &[u8]) -> io::Result<()> {
    let path = c_path(path)?;
    // SAFETY: both are C strings and the value is as long as is said.
    let n = unsafe {
        libc::setxattr(
            path.as_ptr(),
            name.as_ptr(),
            value.as_ptr().cast(),
            value.len(),
            0,
        )
    };
    if n == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Gives a new file the owner it shall have. Without `required`, a user who may not do so keeps
/// the file as the process's own (as when an unprivileged user replaces another's file).
/// A symbolic link is followed: it is how a file without a name is reached.
pub(super) fn give(
    path: &Path,
    uid: Option<u32>,
    gid: Option<u32>,
    required: bool,
) -> io::Result<()> {
    unless_forbidden(std::os::unix::fs::chown(path, uid, gid), required)
}

/// The same for a symbolic link itself.
pub(super) fn give_link(path: &Path, uid: u32, gid: u32) -> io::Result<()> {
    unless_forbidden(std::os::unix::fs::lchown(path, Some(uid), Some(gid)), false)
}

fn unless_forbidden(done: io::Result<()>, required: bool) -> io::Result<()> {
    match done {
        Err(e) if !required && e.raw_os_error() == Some(libc::EPERM) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_copied_where_the_file_system_has_them() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&a, "").unwrap();
        std::fs::write(&b, "").unwrap();
        let name = CString::new("user.note").unwrap();
        if set_xattr(&a, &name, b"kept").is_err() {
            println!("skipped: no user attributes on this file system");
            return;
        }
        copy_xattrs(&a, &b);
        assert_eq!(get_xattr(&b, &name).unwrap(), b"kept");
    }

    #[test]
    fn times_before_and_after_the_epoch() {
        assert_eq!(timespec(Some(-0.5)), TimeSpec::new(-1, 500_000_000));
        assert_eq!(timespec(Some(1.25)), TimeSpec::new(1, 250_000_000));
    }
}
