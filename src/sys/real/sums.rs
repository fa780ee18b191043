//! Checksums of large files that were just written: their bytes have gone through here once, and
//! need not be read again to be compared or told.

use crate::sys::{Algorithm, Stamp};
use nix::libc;
use sha2::Digest;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

/// How much is written before the kernel is asked to put it on the disk: it does so while the next
/// bytes come, and the end need not wait for all of them.
const FLUSH: u64 = 16 << 20;

/// The sums of files, for as long as these stay as they are.
#[derive(Default)]
pub(super) struct Sums(RefCell<HashMap<Stamp, [(Algorithm, String); 2]>>);

impl Sums {
    /// Notes what has become of a file under its final name.
    pub(super) fn note(&self, path: &Path, passing: Passing) {
        // One that is gone again is not asked for.
        if let Ok(meta) = path.metadata() {
            let sums = [
                (
                    Algorithm::Sha256,
                    crate::sys::digest::hex(&passing.sha256.finalize()),
                ),
                (
                    Algorithm::Md5,
                    crate::sys::digest::hex(&passing.md5.finalize()),
                ),
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
        Some(sum.clone())
    }
}

/// Bytes on their way into a large file.
#[derive(Default)]
pub(super) struct Passing {
    sha256: sha2::Sha256,
    md5: md5::Md5,
    written: u64,
}

impl Passing {
    /// The next bytes were written to `file`.
    pub(super) fn wrote(&mut self, bytes: &[u8], file: &File) {
        self.sha256.update(bytes);
        self.md5.update(bytes);
        let before = self.written;
        self.written += bytes.len() as u64;
        if before / FLUSH != self.written / FLUSH {
            start_writing(file);
        }
    }
}

/// Has the kernel begin to put a file on the disk. Without it the end takes longer, no more.
#[expect(unsafe_code, reason = "there is no safe interface to sync_file_range")]
fn start_writing(file: &File) {
    // SAFETY: the descriptor is open, and no memory is passed.
    unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, libc::SYNC_FILE_RANGE_WRITE) };
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
        file.write_all(b"abc").unwrap();
        let (sums, mut passing) = (Sums::default(), Passing::default());
        passing.wrote(b"abc", &file);
        sums.note(&path, passing);
        for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
            assert_eq!(sums.of(&path, algorithm), Some(algorithm.of(b"abc")));
        }
        assert_eq!(sums.of(&path, Algorithm::Sha1), None);
        file.write_all(b"d").unwrap();
        assert_eq!(sums.of(&path, Algorithm::Md5), None);
    }
}
