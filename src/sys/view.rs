//! What may be read of a host, and the one trait that changes it.

use super::{Algorithm, Command, Group, Op, Outcome, Output, Request, Response, Stat, User};
use crate::diag::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Something that was read, or that a dry run cannot know before apply.
///
/// Only an overlay ever answers `Unknown`: a file that a planned package may bring, the output of
/// a query about a planned service. A module says what it takes for granted then
/// ([`Known::presume`]), and the step is planned on that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known<T> {
    /// It was read.
    Known(T),
    /// Only apply will tell.
    Unknown,
}

impl<T> Known<T> {
    /// The value, or `default` where it cannot be known yet.
    pub fn presume(self, default: T) -> T {
        match self {
            Known::Known(value) => value,
            Known::Unknown => default,
        }
    }

    /// The value, if known.
    pub fn known(self) -> Option<T> {
        match self {
            Known::Known(value) => Some(value),
            Known::Unknown => None,
        }
    }

    /// True where only apply will tell.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Known::Unknown)
    }

    /// Changes what is known.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Known<U> {
        match self {
            Known::Known(value) => Known::Known(f(value)),
            Known::Unknown => Known::Unknown,
        }
    }
}

/// The name of a content: file contents travel apart from the steps and only if the host lacks them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Blob {
    /// The SHA-256 in lower-case hexadecimal; of a large content that of the SHA-256s of its parts
    /// ([`Algorithm::Name`]).
    pub name: String,
    /// SHA-1 in lower-case hexadecimal: Ansible's `checksum` of a file. Absent for a large content
    /// whose sums nobody will see.
    pub sha1: Option<String>,
    /// Length in bytes.
    pub size: u64,
}

impl Blob {
    /// Contents above this size (1 MiB) travel in pieces and are not held in memory.
    pub const LARGE: u64 = 1 << 20;

    /// True for a content that is better not held in memory.
    pub fn is_large(&self) -> bool {
        self.size > Blob::LARGE
    }

    /// Names a content.
    pub fn of(bytes: &[u8]) -> Blob {
        Blob {
            name: Algorithm::Name.of(bytes),
            sha1: Some(Algorithm::Sha1.of(bytes)),
            size: bytes.len() as u64,
        }
    }
}

/// A read-only view of a host. Nothing reachable from here changes anything.
pub trait View {
    /// `lstat(2)`: `None` if there is nothing at the path.
    fn lstat(&self, path: &Path) -> Result<Known<Option<Stat>>>;

    /// `stat(2)`: follows links; `None` if there is nothing at their end.
    fn stat(&self, path: &Path) -> Result<Known<Option<Stat>>>;

    /// The bytes of a regular file (links are followed); `None` if there is none.
    fn read(&self, path: &Path) -> Result<Known<Option<Arc<[u8]>>>>;

    /// The checksum of a regular file (links are followed) in lower-case hexadecimal; `None` if
    /// there is none. Does not hold the file in memory where it need not.
    fn digest(&self, path: &Path, algorithm: Algorithm) -> Result<Known<Option<String>>> {
        Ok(self
            .read(path)?
            .map(|bytes| bytes.map(|bytes| algorithm.of(&bytes))))
    }

    /// Names in a directory, sorted; `None` if there is no such directory.
    fn list(&self, dir: &Path) -> Result<Known<Option<Vec<String>>>>;

    /// The end of a path after all links: `realpath(3)`, for paths that may not exist yet too.
    fn resolve(&self, path: &Path) -> Result<PathBuf>;

    /// An account by name, or by number where the text is one. A planned account has no uid yet.
    fn user(&self, name: &str) -> Result<Known<Option<User>>>;

    /// The account with a uid.
    fn user_by_id(&self, uid: u32) -> Result<Option<User>>;

    /// A group by name, or by number where the text is one.
    fn group(&self, name: &str) -> Result<Known<Option<Group>>>;

    /// The group with a gid.
    fn group_by_id(&self, gid: u32) -> Result<Option<Group>>;

    /// A program on `PATH` (and the sbin directories); an absolute path is checked as it is.
    fn which(&self, program: &str) -> Result<Known<Option<PathBuf>>>;

    /// Runs a command that only reads (`dpkg-query -W`). What it says is of the real host; ask
    /// [`View::assumed`] first where an earlier planned step may have changed it. A program that
    /// does not exist answers with rc 127. `Unknown` where the program itself is only planned.
    fn query(&self, command: &Command) -> Result<Known<Output>>;

    /// An HTTP request that only reads.
    fn http(&self, request: &Request) -> Result<Known<Response>>;

    /// What earlier planned steps declared under a key ([`super::Effect::Assume`]), such as
    /// `package:nginx`. Always `None` on a real host.
    fn assumed(&self, key: &str) -> Option<Json>;

    /// All assumptions whose key starts with `prefix`, with the prefix cut off.
    fn assumptions(&self, prefix: &str) -> Vec<(String, Json)>;

    /// The bytes of a content that the control side named.
    fn blob(&self, blob: &Blob) -> Result<Arc<[u8]>>;

    /// The account that steps run as (uid 0 after `become`).
    fn me(&self) -> &User;

    /// A variable of the environment that steps run in (the task's `environment` included).
    fn env(&self, name: &str) -> Option<String>;

    /// All variables of that environment.
    fn environment(&self) -> BTreeMap<String, String>;

    /// The directory relative paths start from.
    fn cwd(&self) -> PathBuf;

    /// The file mode creation mask of steps.
    fn umask(&self) -> u32;

    /// Seconds since the epoch.
    fn now(&self) -> f64;

    /// True in a dry run. Only for what Ansible's check mode says more than a real run (warnings);
    /// never for deciding what to do.
    fn is_dry(&self) -> bool {
        false
    }

    /// True in a dry run that was asked for by Ansible's name (`--check`, a task's `check_mode`):
    /// results say then what Ansible's check mode says (a `command` is skipped) where a plan says
    /// what apply would do. For results only.
    fn is_check(&self) -> bool {
        false
    }
}

/// A host that operations can be performed on.
pub trait Host: View {
    /// Performs one operation. An error leaves nothing half-written.
    fn perform(&mut self, op: &Op) -> Result<Outcome>;

    /// These operations are about to be performed, in this order.
    fn expect(&mut self, _ops: &[Op]) {}

    /// What was performed since [`Host::expect`] is to outlast a loss of power.
    ///
    /// # Errors
    /// The system could not write it.
    fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    /// This host as a view.
    fn view(&self) -> &dyn View;
}
