//! Checksums of large files that were just written: their bytes have gone through here once, and
//! need not be read again to be compared or told.

use crate::sys::{Algorithm, Blob, Stamp};
use md5::Digest;
use nix::libc;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// How much is written before the kernel is asked to put it on the disk: it does so while the next
/// bytes come, and the end need not wait for all of them.
const FLUSH: u64 = 16 << 20;

/// The sums of files, for as long as these stay as they are.
#[derive(Default)]
pub(super) struct Sums(RefCell<HashMap<Stamp, [(Algorithm, Option<String>); 2]>>);

impl Sums {
    /// Notes what has become of a content under its final name.
    pub(super) fn note(&self, path: &Path, blob: &Blob, passing: Passing) {
        let md5 = passing.md5.and_then(Aside::end);
        // One that is gone again is not asked for.
        if let Ok(meta) = path.metadata() {
            let sums = [
                (Algorithm::Sha256, Some(blob.sha256.clone())),
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
    md5: Option<Aside>,
    written: u64,
}

impl Passing {
    /// Those of a content.
    pub(super) fn of(blob: &Blob) -> Passing {
        Passing {
            md5: blob.sha1.as_ref().map(|_| Aside::begin()),
            written: 0,
        }
    }

    /// The next bytes were written to `file`.
    pub(super) fn wrote(&mut self, bytes: &[u8], file: &File) {
        if let Some(md5) = &self.md5 {
            md5.update(bytes);
        }
        let before = self.written;
        self.written += bytes.len() as u64;
        if before / FLUSH != self.written / FLUSH {
            start_writing(file);
        }
    }
}

/// An MD5 on a thread of its own: it takes longer than everything else that is done with the bytes.
struct Aside {
    bytes: SyncSender<Vec<u8>>,
    sum: JoinHandle<String>,
}

impl Aside {
    fn begin() -> Aside {
        let (bytes, passed) = sync_channel::<Vec<u8>>(1);
        let sum = std::thread::spawn(move || {
            let mut md5 = md5::Md5::new();
            passed.iter().for_each(|bytes| md5.update(&bytes));
            crate::sys::digest::hex(&md5.finalize())
        });
        Aside { bytes, sum }
    }

    fn update(&self, bytes: &[u8]) {
        // It listens until the end.
        let _ = self.bytes.send(bytes.to_vec());
    }

    fn end(self) -> Option<String> {
        drop(self.bytes);
        self.sum.join().ok()
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
        let (sums, blob) = (Sums::default(), Blob::of(b"abc"));
        let mut passing = Passing::of(&blob);
        passing.wrote(b"a", &file);
        passing.wrote(b"bc", &file);
        sums.note(&path, &blob, passing);
        for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
            assert_eq!(sums.of(&path, algorithm), Some(algorithm.of(b"abc")));
        }
        assert_eq!(sums.of(&path, Algorithm::Sha1), None);
        file.write_all(b"d").unwrap();
        assert_eq!(sums.of(&path, Algorithm::Md5), None);
    }
}
