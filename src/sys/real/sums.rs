//! Checksums of large files that were just written: their bytes have gone through here once, and
//! need not be read again to be compared or told.

use crate::sys::digest::{both, hex};
use crate::sys::{Algorithm, Blob, Stamp};
use md5::Digest;
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// How much is written before the kernel is asked to put it on the disk: it does so while the next
/// bytes come, and the end need not wait for all of them.
const FLUSH: u64 = 8 << 20;

/// The sums of files, for as long as these stay as they are.
#[derive(Default)]
pub(super) struct Sums(RefCell<HashMap<Stamp, Known>>);

/// Those of one file.
type Known = [(Algorithm, Option<String>); 2];

impl Sums {
    /// Notes what has become of a content under its final name.
    pub(super) fn note(&self, path: &Path, blob: &Blob, passing: Passing) {
        let md5 = passing.md5.map(|md5| hex(&md5.finalize()));
        // One that is gone again is not asked for.
        if let Ok(meta) = path.metadata() {
            let sums = [
                (Algorithm::Name, Some(blob.name.clone())),
                (Algorithm::Md5, md5),
            ];
            self.0.borrow_mut().insert(Stamp::of(&meta), sums);
        }
    }

    /// The sum of a file that was noted and is as it was.
    pub(super) fn of(&self, path: &Path, algorithm: Algorithm) -> Option<String> {
        let sums = self.0.borrow();
        if sums.is_empty() {
            return None;
        }
        let known = sums.get(&Stamp::of(&path.metadata().ok()?))?;
        let (_, sum) = known.iter().find(|(known, _)| *known == algorithm)?;
        sum.clone()
    }
}

/// Bytes on their way into a large file.
pub(super) struct Passing {
    /// For the result, where somebody sees it.
    md5: Option<md5::Md5>,
    written: u64,
    /// How much of it the kernel was asked to put on the disk.
    flushed: u64,
}

impl Passing {
    /// Those of a content.
    pub(super) fn of(blob: &Blob) -> Passing {
        Passing {
            md5: blob.sha1.as_ref().map(|_| md5::Md5::new()),
            written: 0,
            flushed: 0,
        }
    }

    /// Writes the next bytes.
    pub(super) fn write(&mut self, bytes: &[u8], file: &mut File) -> io::Result<()> {
        let mut written = Ok(());
        let mut write = || written = file.write_all(bytes);
        match &mut self.md5 {
            // It takes longer than everything else that is done with the bytes.
            Some(md5) => both(&mut || md5.update(bytes), &mut write),
            None => write(),
        }
        self.written += bytes.len() as u64;
        let new = self.written - self.flushed;
        if new >= FLUSH {
            start_writing(file, self.flushed, new);
            self.flushed = self.written;
        }
        written
    }
}

/// Has the kernel begin to put a part of a file on the disk. Without it the end takes longer, no more.
/// (`sync_file_range` does nothing for a file of an overlay; this writes, and forgets only what is
/// written already.)
fn start_writing(file: &File, from: u64, length: u64) {
    let advice = PosixFadviseAdvice::POSIX_FADV_DONTNEED;
    if let (Ok(from), Ok(length)) = (from.try_into(), length.try_into()) {
        let _ = posix_fadvise(file, from, length, advice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_changed_has_no_sum() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut file = File::create(&path).unwrap();
        let (sums, blob) = (Sums::default(), Blob::of(b"abc"));
        let mut passing = Passing::of(&blob);
        passing.write(b"a", &mut file).unwrap();
        passing.write(b"bc", &mut file).unwrap();
        sums.note(&path, &blob, passing);
        for algorithm in [Algorithm::Name, Algorithm::Md5] {
            assert_eq!(sums.of(&path, algorithm), Some(algorithm.of(b"abc")));
        }
        assert_eq!(sums.of(&path, Algorithm::Sha1), None);
        file.write_all(b"d").unwrap();
        assert_eq!(sums.of(&path, Algorithm::Md5), None);
    }
}
