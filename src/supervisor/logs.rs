//! Log files: rotation, reading back, and the daemon's own log.

use super::spare::spare;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A log file that is rotated when it has grown past its limit.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: Option<File>,
    size: u64,
    max_bytes: u64,
    backups: u32,
    lost: u64,
}

impl LogFile {
    /// Opens a file to append to. `max_bytes` 0 never rotates.
    ///
    /// # Errors
    /// What opening it says.
    pub fn open(path: &Path, max_bytes: u64, backups: u32) -> io::Result<LogFile> {
        let mut log = LogFile::closed(path, max_bytes, backups);
        log.reopen()?;
        Ok(log)
    }

    /// A file that is not open; every write tries to open it.
    pub fn closed(path: &Path, max_bytes: u64, backups: u32) -> LogFile {
        LogFile {
            path: path.to_path_buf(),
            file: None,
            size: 0,
            max_bytes,
            backups,
            lost: 0,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file if it is not open.
    ///
    /// # Errors
    /// What opening it says.
    pub fn ready(&mut self) -> io::Result<()> {
        match self.file {
            Some(_) => Ok(()),
            None => self.reopen(),
        }
    }

    /// Opens the file anew, after somebody else moved it away.
    ///
    /// # Errors
    /// What opening it says.
    pub fn reopen(&mut self) -> io::Result<()> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.path)
            .and_then(spare)?;
        let meta = file.metadata()?;
        // A terminal, pipe or device (`/dev/stdout`) has no size and cannot be rotated.
        if meta.file_type().is_char_device() || meta.file_type().is_fifo() || self.is_system() {
            self.max_bytes = 0;
        }
        self.size = meta.size();
        self.file = Some(file);
        Ok(())
    }

    /// Appends, then rotates if the file is past its limit.
    ///
    /// # Errors
    /// A full disk and the like; the next call tries again, and what was not written is counted.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.write_some(rest) {
                Ok(n) => rest = &rest[n..],
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.lost += rest.len() as u64;
                    return Err(e);
                }
            }
        }
        if self.max_bytes > 0 && self.size >= self.max_bytes {
            self.rotate()?;
        }
        Ok(())
    }

    fn write_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.file.is_none() {
            self.reopen()?;
        }
        let Some(file) = &mut self.file else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let written = file.write(bytes)?;
        self.size += written as u64;
        match written {
            0 => Err(io::ErrorKind::WriteZero.into()),
            n => Ok(n),
        }
    }

    /// How many bytes could not be written since this was last asked.
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    fn backup(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }

    fn rotate(&mut self) -> io::Result<()> {
        if self.backups == 0 {
            return self.truncate();
        }
        for number in (1..self.backups).rev() {
            move_over(&self.backup(number), &self.backup(number + 1))?;
        }
        move_over(&self.path, &self.backup(1))?;
        self.size = 0;
        if self.reopen().is_err() {
            // There may be no room for another descriptor before this one is given back.
            self.file = None;
            self.reopen()?;
        }
        Ok(())
    }

    /// Whether the path is the system's, such as `/dev/stdout`: it stays, wherever it leads.
    fn is_system(&self) -> bool {
        self.path.starts_with("/dev") || self.path.starts_with("/proc")
    }

    fn truncate(&mut self) -> io::Result<()> {
        if let Some(file) = &self.file {
            file.set_len(0)?;
        }
        self.size = 0;
        Ok(())
    }

    /// Empties the log; the rotated files stay. What is no file is left alone (supervisord,
    /// as root, removes `/dev/null`).
    ///
    /// # Errors
    /// What removing says.
    pub fn clear(&mut self) -> io::Result<()> {
        let other = std::fs::metadata(&self.path).is_ok_and(|m| !m.is_file());
        if other || self.is_system() {
            return Ok(());
        }
        absent_is_fine(std::fs::remove_file(&self.path))?;
        self.reopen()
    }
}

/// Moves a file that may be absent. What is in its place is removed first: replaced by the move, a
/// file system such as ext4 would at once write out what was just logged.
fn move_over(from: &Path, to: &Path) -> io::Result<()> {
    if !from.exists() {
        return Ok(());
    }
    absent_is_fine(std::fs::remove_file(to))?;
    absent_is_fine(std::fs::rename(from, to))
}

/// Success where what was to be removed or moved is not there.
pub(super) fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Why a log cannot be read, by the name of the interface's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// `BAD_ARGUMENTS`
    Arguments,
    /// `FAILED`
    Failed,
}

/// A part of a file: a negative offset counts from its end and then `length` must be 0; `length` 0
/// is all the rest.
///
/// # Errors
/// [`Unreadable`].
pub fn read(path: &Path, offset: i64, length: i64) -> Result<Vec<u8>, Unreadable> {
    if (offset < 0 && length != 0) || (offset >= 0 && length < 0) {
        return Err(Unreadable::Arguments);
    }
    let part = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        let start = match u64::try_from(offset) {
            Ok(start) => start,
            Err(_) => size.saturating_sub(offset.unsigned_abs()),
        };
        file.seek(SeekFrom::Start(start))?;
        let most = match length {
            0 => u64::MAX,
            n => n.unsigned_abs(),
        };
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    part().map_err(|_| Unreadable::Failed)
}

/// The last `length` bytes before the end, with the file's size and whether `offset` fell behind.
pub fn tail(path: &Path, offset: i64, length: i64) -> (Vec<u8>, i64, bool) {
    let part = || -> io::Result<(Vec<u8>, i64, bool)> {
        let mut file = File::open(path)?;
        let size = i64::try_from(file.metadata()?.len()).unwrap_or(i64::MAX);
        let overflow = size > offset.saturating_add(length);
        let from = if overflow { size - 1 } else { offset };
        // What goes beyond the end is measured back from it (observed: 4.3.0).
        let (start, length) = match from.saturating_add(length) > size {
            true if from > size - 1 => (size - length, 0),
            true => (size - length, length),
            false => (from, length),
        };
        let start = u64::try_from(start).unwrap_or(0);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        let length = u64::try_from(length).unwrap_or(0);
        file.take(length).read_to_end(&mut bytes)?;
        Ok((bytes, size, overflow))
    };
    part().unwrap_or((Vec::new(), offset, false))
}

/// Removes `ESC [ ... letter` sequences.
pub fn strip_ansi(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(2).position(|w| w == b"\x1b[") {
        out.extend_from_slice(&rest[..at]);
        let body = &rest[at + 2..];
        let end = body.iter().position(u8::is_ascii_alphabetic);
        rest = end.map_or(&[][..], |end| &body[end + 1..]);
    }
    out.extend_from_slice(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_lost_in_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let mut log = LogFile::open(&path, 10, 2).unwrap();
        for part in ["aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc", "d"] {
            log.write(part.as_bytes()).unwrap();
        }
        let text = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(
            [text("l"), text("l.1"), text("l.2")],
            ["d", "cccccccccc", "bbbbbbbbbb"]
        );
        log.clear().unwrap();
        log.write(b"e").unwrap();
        assert_eq!(text("l"), "e");
        assert_eq!(text("l.1"), "cccccccccc");
    }

    #[test]
    fn what_is_no_file_is_neither_removed_nor_rotated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let _reader = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        let mut log = LogFile::open(&path, 10, 2).unwrap();
        log.write(b"more than ten bytes").unwrap();
        log.clear().unwrap();
        let kind = std::fs::symlink_metadata(&path).unwrap().file_type();
        assert!(kind.is_fifo());
        assert!(!dir.path().join("fifo.1").exists());
        for (path, system) in [
            ("/dev/stdout", true),
            ("/proc/1/fd/1", true),
            ("/device", false),
        ] {
            let log = LogFile::closed(Path::new(path), 10, 2);
            assert_eq!(log.is_system(), system, "{path}");
        }
    }

    #[test]
    fn a_log_moved_away_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        let mut log = LogFile::open(&path, 0, 0).unwrap();
        std::fs::rename(&path, dir.path().join("old")).unwrap();
        log.reopen().unwrap();
        log.write(b"x").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"x");
    }

    #[test]
    fn parts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("l");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path, -3, 0).unwrap(), b"789");
        assert_eq!(read(&path, 2, 3).unwrap(), b"234");
        assert_eq!(read(&path, -3, 1), Err(Unreadable::Arguments));
        assert_eq!(tail(&path, 0, 4), (b"6789".to_vec(), 10, true));
        assert_eq!(tail(&path, 8, 100), (b"0123456789".to_vec(), 10, false));
        assert_eq!(tail(&path, 10, 100), (Vec::new(), 10, false));
        assert_eq!(strip_ansi(b"a\x1b[31mb\x1b[0m"), b"ab");
    }
}
