//! Planning to replace a file's content: backup, validation and attributes in one operation.

use super::file_attrs::FileAttrs;
use super::local_time;
use crate::diag::{Diag, Result};
use crate::sys::path::with_suffix;
use crate::sys::{Content, Op, View};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// What is to be written and how.
#[derive(Debug)]
pub struct Rewrite<'a> {
    /// The file; a link at this path is replaced.
    pub path: &'a Path,
    /// Attributes that the new file gets at once.
    pub attrs: &'a FileAttrs,
    /// Keep the old file.
    pub backup: bool,
    /// Command that checks the new file.
    pub validate: Option<&'a str>,
}

impl Rewrite<'_> {
    /// The operation that writes this content.
    ///
    /// # Errors
    /// `bad-validate`, and those of the attributes.
    pub fn op(&self, content: Content, view: &dyn View) -> Result<Op> {
        check_validate(self.validate)?;
        let stat = super::place::stat(self.path, view)?;
        let backup = match &stat {
            Some(_) if self.backup => Some(backup_path(self.path, view)),
            _ => None,
        };
        Ok(Op::Write {
            path: self.path.to_owned(),
            content,
            mode: self.attrs.mode_for(stat.as_ref(), false, view),
            owner: self.attrs.owner_for_new(self.path, view)?,
            backup,
            validate: self.validate.map(str::to_owned),
            secret: false,
        })
    }
}

/// A validation command names the file it checks.
///
/// # Errors
/// `bad-validate`.
pub fn check_validate(validate: Option<&str>) -> Result<()> {
    match validate {
        Some(command) if !command.contains("%s") => Err(Diag::error(
            "bad-validate",
            format!("validate must contain %s: {command}"),
        )
        .about("validate")),
        _ => Ok(()),
    }
}

/// Where the old file is kept: the name that Ansible gives it
/// (`path.PID.YYYY-MM-DD@HH:MM:SS~`, observed: ansible-core 2.19.14).
pub fn backup_path(path: &Path, view: &dyn View) -> PathBuf {
    let t = local_time::local(view.now());
    with_suffix(
        path,
        &format!(
            ".{}.{:04}-{:02}-{:02}@{:02}:{:02}:{:02}~",
            std::process::id(),
            t.year,
            t.month,
            t.day,
            t.hour,
            t.minute,
            t.second
        ),
    )
}

/// The result key `backup_file` (under the given name) of a plan, or nothing.
pub fn backup_of(planned: &[Op]) -> Option<Json> {
    planned.iter().find_map(|op| match op {
        Op::Write {
            backup: Some(path), ..
        } => Some(json!(path)),
        _ => None,
    })
}
