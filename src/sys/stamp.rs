//! Whether a file is still the one that was looked at.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// What tells that a file is as it was: device, inode, size, and the times of the last change of its
/// content and of anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stamp(u64, u64, u64, (i64, i64), (i64, i64));

impl Stamp {
    /// The stamp of a file now.
    pub fn of(meta: &Metadata) -> Stamp {
        let modified = (meta.mtime(), meta.mtime_nsec());
        let changed = (meta.ctime(), meta.ctime_nsec());
        Stamp(meta.dev(), meta.ino(), meta.size(), modified, changed)
    }
}
