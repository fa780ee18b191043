//! What is known of a file without reading it.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The kind of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// Regular file.
    File,
    /// Directory.
    Dir,
    /// Symbolic link.
    Link,
    /// Named pipe.
    Fifo,
    /// Socket.
    Socket,
    /// Character device.
    Char,
    /// Block device.
    Block,
}

/// The fields of `stat(2)` that modules use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stat {
    /// Kind.
    pub kind: FileKind,
    /// The twelve permission bits.
    pub mode: u32,
    /// Owner; `None` where a planned account will own it.
    pub uid: Option<u32>,
    /// Group; `None` where a planned group will own it.
    pub gid: Option<u32>,
    /// Length in bytes.
    pub size: u64,
    /// Access time, seconds since the epoch.
    pub atime: f64,
    /// Modification time.
    pub mtime: f64,
    /// Change time.
    pub ctime: f64,
    /// Inode number (0 for planned files).
    pub ino: u64,
    /// Device number.
    pub dev: u64,
    /// Hard links.
    pub nlink: u64,
    /// Blocks of 512 bytes that it takes up (0 for planned files).
    #[serde(default)]
    pub blocks: u64,
    /// Best size of a read or write.
    #[serde(default)]
    pub block_size: u64,
    /// Which device a device file stands for.
    #[serde(default)]
    pub rdev: u64,
    /// Where a symbolic link points.
    pub target: Option<PathBuf>,
}

impl Stat {
    /// True for a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == FileKind::Dir
    }

    /// True for a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == FileKind::File
    }

    /// True for a symbolic link.
    pub fn is_link(&self) -> bool {
        self.kind == FileKind::Link
    }
}
