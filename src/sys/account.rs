//! Users and groups.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// An account, as in passwd(5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct User {
    /// Login name.
    pub name: String,
    /// `None` while the account is only planned and its number will be chosen by useradd.
    pub uid: Option<u32>,
    /// Primary group; `None` as for `uid`.
    pub gid: Option<u32>,
    /// The comment field.
    pub gecos: String,
    /// Home directory.
    pub home: PathBuf,
    /// Login shell.
    pub shell: PathBuf,
}

/// A group, as in group(5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Group {
    /// Name.
    pub name: String,
    /// `None` while the group is only planned.
    pub gid: Option<u32>,
    /// Names of the supplementary members.
    pub members: Vec<String>,
}
