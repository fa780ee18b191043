//! Files of the control side, read once.

use crate::config::Config;
use crate::diag::{Diag, Exit, Result, SourceMap, Span};
use crate::jinja::Engine;
use crate::value::{Kind, Map, Value};
use crate::vault::{self, Secrets};
use crate::yaml;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Reads playbooks, roles and files of variables. Shared by all threads of a run.
pub struct Loader {
    /// The texts that places point into.
    pub sources: SourceMap,
    /// Renders the names of what is imported.
    pub engine: Engine,
    /// Where roles and collections are.
    pub config: Config,
    /// Opens vaulted files.
    pub secrets: Secrets,
    /// `-e`: visible to the names of what is imported.
    pub extra_vars: Arc<Map>,
    files: Mutex<HashMap<PathBuf, Value>>,
    bases: Mutex<Vec<PathBuf>>,
    warnings: Mutex<Vec<Diag>>,
}

impl Loader {
    /// A loader that has read nothing yet.
    pub fn new(
        sources: SourceMap,
        engine: Engine,
        config: Config,
        secrets: Secrets,
        extra_vars: Arc<Map>,
    ) -> Loader {
        Loader {
            sources,
            engine,
            config,
            secrets,
            extra_vars,
            files: Mutex::default(),
            bases: Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    /// Takes the warnings that reading has led to so far.
    pub fn take_warnings(&self) -> Vec<Diag> {
        std::mem::take(&mut self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn warn(&self, diag: Box<Diag>) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&diag) {
            warnings.push(*diag);
        }
    }

    /// Notes a directory of a playbook.
    pub(super) fn add_base(&self, dir: &Path) {
        let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        if !bases.iter().any(|b| b == dir) {
            bases.push(dir.to_path_buf());
        }
    }

    /// The directories of the playbooks read so far, the first one first.
    pub(super) fn bases(&self) -> Vec<PathBuf> {
        self.bases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The content of a file that may be vaulted.
    ///
    /// # Errors
    /// `vault`: no secret opens it.
    pub fn decrypt(&self, path: &Path, bytes: &[u8]) -> Result<Vec<u8>> {
        if !vault::is_vaulted(bytes) {
            return Ok(bytes.to_vec());
        }
        let envelope = String::from_utf8_lossy(bytes);
        self.secrets
            .decrypt(&envelope)
            .map_err(|e| e.note(format!("the file is {}", path.display())))
    }

    /// The one document of a YAML file; `from` is who wants it.
    ///
    /// # Errors
    /// `file-not-found`, `vault`, `yaml`.
    pub(super) fn yaml(&self, path: &Path, from: Span) -> Result<Value> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = files.get(path) {
            return Ok(value.clone());
        }
        let bytes = self.sources.read(path).map_err(|e| {
            Diag::error(
                "file-not-found",
                format!("cannot read {}: {}", path.display(), reason(&e)),
            )
            .at(from, "")
        })?;
        let bytes = self.decrypt(path, &bytes).map_err(|e| e.at_if_none(from))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            Diag::error("not-utf8", format!("{} is not UTF-8 text", path.display()))
                .at(from, "")
                .exit(Exit::Parser)
        })?;
        let loaded = yaml::load_all(&self.sources, &shown(path), &text)?;
        for warning in loaded.warnings {
            self.warn(warning);
        }
        let mut documents = loaded.documents.into_iter();
        let value = documents.next().unwrap_or_default();
        if let Some(second) = documents.next() {
            return Err(Diag::error("yaml", "a second document in a file of one")
                .at(second.span, "begins here")
                .exit(Exit::Parser));
        }
        files.insert(path.to_path_buf(), value.clone());
        Ok(value)
    }

    /// A file of variables; an empty one has none.
    ///
    /// # Errors
    /// As [`Loader::yaml`], and `not-a-dict`.
    pub(super) fn vars(&self, path: &Path, from: Span) -> Result<Map> {
        let value = self.yaml(path, from)?;
        match value.kind {
            Kind::Null => Ok(Map::new()),
            Kind::Map(map) => Ok(Map::clone(&map)),
            _ => Err(Diag::error(
                "not-a-dict",
                format!(
                    "{} must hold a dict of variables, not a {}",
                    path.display(),
                    value.type_name()
                ),
            )
            .at(value.span, "")
            .exit(Exit::Parser)),
        }
    }
}

/// Why the system refused, without the number.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

/// A path below the working directory as the user would write it.
pub(super) fn shown(path: &Path) -> PathBuf {
    std::env::current_dir()
        .ok()
        .and_then(|dir| path.strip_prefix(dir).ok().map(Path::to_path_buf))
        .unwrap_or_else(|| path.to_path_buf())
}

/// The path without `.` and `..`, absolute; links are kept.
pub(super) fn plain(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut out = std::env::current_dir().unwrap_or_default();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// `~` and `~/x` as the user's home.
pub(super) fn home(name: &str) -> PathBuf {
    match (name.strip_prefix('~'), std::env::var_os("HOME")) {
        (Some(""), Some(home)) => PathBuf::from(home),
        (Some(rest), Some(home)) if rest.starts_with('/') => {
            PathBuf::from(home).join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(name),
    }
}
