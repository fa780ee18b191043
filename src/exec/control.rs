//! What a module's `prepare` may use of the control side.

use super::run::Run;
use crate::diag::{Diag, Result, Span};
use crate::jinja::Context;
use crate::modules::{Control, FileSearch, RenderOptions};
use crate::play::ast::Task;
use crate::sys::real::expand_home_here;
use crate::sys::{Algorithm, Blob};
use crate::vars::SharedScope;
use crate::vault::is_vaulted;
use std::cell::Cell;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Whether a large file is vaulted.
fn begins_as_vault(path: &Path) -> Result<bool> {
    let mut head = [0; 32];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    read.map_err(|e| Diag::io("read", path, &e))?;
    Ok(is_vaulted(&head))
}

/// The control side as one step sees it.
pub struct StepControl<'a> {
    /// The run.
    pub run: &'a Run,
    /// The task.
    pub task: &'a Task,
    /// Its variables.
    pub scope: &'a SharedScope,
    /// Where its files are looked for.
    pub context: &'a Context,
    /// Somebody may see the result.
    pub seen: bool,
    /// Set when something that was rendered is not known yet.
    pub unknown: Cell<bool>,
}

impl StepControl<'_> {
    /// Directories in the order they are searched, with `sub` (`files`, `templates`) before the
    /// directory itself.
    fn candidates(&self, sub: &str, name: &Path) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = Vec::new();
        for dir in &self.context.search {
            for candidate in [dir.join(sub).join(name), dir.join(name)] {
                if !found.contains(&candidate) {
                    found.push(candidate);
                }
            }
        }
        found
    }
}

impl StepControl<'_> {
    /// The variables that only templates see.
    fn template_scope(&self, path: &Path) -> SharedScope {
        let mut vars = crate::jinja::template_vars(path, self.scope);
        if let Some(dest) = self.task.args.get("dest") {
            vars.insert("template_destpath", dest.clone());
        }
        crate::vars::over(vars, self.scope.clone())
    }
}

impl Control for StepControl<'_> {
    fn find(&self, search: FileSearch, name: &str) -> Result<PathBuf> {
        let sub = match search {
            FileSearch::Files => "files",
            FileSearch::Templates => "templates",
        };
        let path = PathBuf::from(expand_home_here(name));
        let candidates = if path.is_absolute() {
            vec![path]
        } else {
            self.candidates(sub, &path)
        };
        if let Some(found) = candidates.iter().find(|path| path.exists()) {
            return Ok(found.clone());
        }
        let mut diag = Diag::error(
            "file-not-found",
            format!("Could not find or access '{name}' on the control side"),
        )
        .at(self.span("src"), "no such file");
        for candidate in &candidates {
            diag = diag.note(format!("looked for {}", candidate.display()));
        }
        Err(diag)
    }

    fn read(&self, path: &Path, decrypt: bool) -> Result<Vec<u8>> {
        let bytes = self
            .run
            .sources
            .read(path)
            .map_err(|e| Diag::io("read", path, &e))?;
        if decrypt && is_vaulted(&bytes) {
            return self.run.decrypt_file(path, &bytes);
        }
        Ok(bytes)
    }

    fn render(&self, path: &Path, text: &str, options: &RenderOptions) -> Result<Option<String>> {
        let rendered = self.run.engine.file(
            path,
            text,
            options,
            &self.template_scope(path),
            self.context,
        )?;
        if rendered.is_none() {
            self.unknown.set(true);
        }
        Ok(rendered)
    }

    fn blob(&self, bytes: Vec<u8>) -> Blob {
        self.run.blobs.add(bytes)
    }

    fn blob_of_file(&self, path: &Path, decrypt: bool, sha1: bool) -> Result<Blob> {
        let meta = path.metadata().map_err(|e| Diag::io("read", path, &e))?;
        let large = meta.is_file() && meta.len() > Blob::LARGE;
        if large && !(decrypt && begins_as_vault(path)?) {
            let blob = self.run.blobs.add_file(path, &meta, sha1 || self.seen)?;
            self.run.sources.saw(path, || {
                let sum = File::open(path).and_then(|file| Algorithm::Sha256.of_reader(file));
                // One that cannot be read any more is not as it was.
                sum.unwrap_or_default()
            });
            return Ok(blob);
        }
        Ok(self.blob(self.read(path, decrypt)?))
    }

    fn span(&self, option: &str) -> Span {
        self.task
            .args
            .get(option)
            .map_or(self.task.module_span, |value| value.span)
            .or(self.task.span)
    }
}
