//! A view that notes whether what it was asked for can be known before apply.

use super::{Algorithm, Blob, Command, Group, Known, Output, Request, Response, Stat, User, View};
use crate::diag::Result;
use serde_json::Value as Json;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Passes everything on to another view.
pub struct Watched<'a> {
    view: &'a dyn View,
    /// Added to the clock, in seconds.
    pub later: f64,
    /// An answer was [`Known::Unknown`], or one that an earlier planned step only declares.
    pub unsure: Cell<bool>,
    /// The time was asked for.
    pub timed: Cell<bool>,
}

impl<'a> Watched<'a> {
    /// Nothing was asked yet.
    pub fn new(view: &'a dyn View) -> Watched<'a> {
        Watched {
            view,
            later: 0.0,
            unsure: Cell::new(false),
            timed: Cell::new(false),
        }
    }

    fn note<T>(&self, known: Result<Known<T>>) -> Result<Known<T>> {
        if matches!(known, Ok(Known::Unknown)) {
            self.unsure.set(true);
        }
        known
    }
}

impl View for Watched<'_> {
    fn lstat(&self, path: &Path) -> Result<Known<Option<Stat>>> {
        self.note(self.view.lstat(path))
    }

    fn stat(&self, path: &Path) -> Result<Known<Option<Stat>>> {
        self.note(self.view.stat(path))
    }

    fn read(&self, path: &Path) -> Result<Known<Option<Arc<[u8]>>>> {
        self.note(self.view.read(path))
    }

    fn digest(&self, path: &Path, algorithm: Algorithm) -> Result<Known<Option<String>>> {
        self.note(self.view.digest(path, algorithm))
    }

    fn list(&self, dir: &Path) -> Result<Known<Option<Vec<String>>>> {
        self.note(self.view.list(dir))
    }

    fn resolve(&self, path: &Path) -> Result<PathBuf> {
        self.view.resolve(path)
    }

    fn user(&self, name: &str) -> Result<Known<Option<User>>> {
        self.note(self.view.user(name))
    }

    fn user_by_id(&self, uid: u32) -> Result<Option<User>> {
        self.view.user_by_id(uid)
    }

    fn group(&self, name: &str) -> Result<Known<Option<Group>>> {
        self.note(self.view.group(name))
    }

    fn group_by_id(&self, gid: u32) -> Result<Option<Group>> {
        self.view.group_by_id(gid)
    }

    fn which(&self, program: &str) -> Result<Known<Option<PathBuf>>> {
        self.note(self.view.which(program))
    }

    fn query(&self, command: &Command) -> Result<Known<Output>> {
        self.note(self.view.query(command))
    }

    fn http(&self, request: &Request) -> Result<Known<Response>> {
        self.note(self.view.http(request))
    }

    fn assumed(&self, key: &str) -> Option<Json> {
        let assumed = self.view.assumed(key);
        if assumed.is_some() {
            self.unsure.set(true);
        }
        assumed
    }

    fn assumptions(&self, prefix: &str) -> Vec<(String, Json)> {
        let assumptions = self.view.assumptions(prefix);
        if !assumptions.is_empty() {
            self.unsure.set(true);
        }
        assumptions
    }

    fn blob(&self, blob: &Blob) -> Result<Arc<[u8]>> {
        self.view.blob(blob)
    }

    fn me(&self) -> &User {
        self.view.me()
    }

    fn env(&self, name: &str) -> Option<String> {
        self.view.env(name)
    }

    fn environment(&self) -> BTreeMap<String, String> {
        self.view.environment()
    }

    fn cwd(&self) -> PathBuf {
        self.view.cwd()
    }

    fn umask(&self) -> u32 {
        self.view.umask()
    }

    fn now(&self) -> f64 {
        self.timed.set(true);
        self.view.now() + self.later
    }

    fn is_dry(&self) -> bool {
        self.view.is_dry()
    }

    fn is_check(&self) -> bool {
        self.view.is_check()
    }
}
