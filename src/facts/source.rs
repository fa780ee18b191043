//! Short ways to ask the view: what cannot be read counts as absent.

use super::Request;
use crate::sys::{Command, Known, Output, Stat, User, View};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The host that facts are gathered from.
pub(super) struct Source<'a> {
    view: &'a dyn View,
    /// The caller's wishes.
    pub request: &'a Request,
}

impl<'a> Source<'a> {
    pub fn new(view: &'a dyn View, request: &'a Request) -> Source<'a> {
        Source { view, request }
    }

    /// The text of a file; bytes that are no UTF-8 become U+FFFD.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let bytes = self.view.read(path.as_ref()).ok()?.known()??;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The text of a file without surrounding white space; `None` where nothing is left.
    pub fn line(&self, path: impl AsRef<Path>) -> Option<String> {
        let text = self.text(path)?;
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The number that a file holds.
    pub fn number(&self, path: impl AsRef<Path>) -> Option<i64> {
        self.line(path)?.parse().ok()
    }

    /// Names in a directory, sorted; empty where there is none.
    pub fn list(&self, dir: impl AsRef<Path>) -> Vec<String> {
        let listed = self.view.list(dir.as_ref()).ok();
        listed.and_then(Known::known).flatten().unwrap_or_default()
    }

    /// What is at the end of a path.
    pub fn stat(&self, path: impl AsRef<Path>) -> Option<Stat> {
        self.view.stat(path.as_ref()).ok()?.known()?
    }

    /// True where there is something.
    pub fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.stat(path).is_some()
    }

    /// True for a directory.
    pub fn is_dir(&self, path: impl AsRef<Path>) -> bool {
        self.stat(path).is_some_and(|s| s.is_dir())
    }

    /// Where a symbolic link points, one step.
    pub fn link(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        self.view.lstat(path.as_ref()).ok()?.known()??.target
    }

    /// The last part of where a symbolic link points.
    pub fn link_name(&self, path: impl AsRef<Path>) -> Option<String> {
        let target = self.link(path)?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }

    /// The end of a path after all links.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.view.resolve(path).unwrap_or_else(|_| path.into())
    }

    /// A program on `PATH` or in the sbin directories.
    pub fn which(&self, program: &str) -> Option<PathBuf> {
        self.view.which(program).ok()?.known()?
    }

    /// Runs a command that only reads.
    pub fn query(&self, words: &[&str]) -> Option<Output> {
        self.view
            .query(&Command::new(words.iter().copied()))
            .ok()?
            .known()
    }

    pub fn me(&self) -> &User {
        self.view.me()
    }

    pub fn environment(&self) -> BTreeMap<String, String> {
        self.view.environment()
    }

    /// Seconds since the epoch.
    pub fn now(&self) -> f64 {
        self.view.now()
    }
}
