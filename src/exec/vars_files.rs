//! `vars_files` of a play: their names may depend on the host.

use super::host::{HostRun, Stop};
use crate::diag::{Diag, Result};
use crate::exec::collect::Report;
use crate::exec::context::Surroundings;
use crate::play;
use crate::play::ast::Task;
use crate::value::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

impl HostRun {
    /// Loads the files, as far as their names are known. Before facts are gathered those that depend
    /// on them are left out; afterwards a name that is undefined is an error.
    ///
    /// # Errors
    /// A file cannot be found or read: the host leaves the play.
    pub fn load_vars_files(&mut self, facts_are_there: bool) -> Result<(), Stop> {
        let play = self.play.play.clone();
        if play.vars_files.is_empty() {
            return Ok(());
        }
        let mut vars = Map::new();
        for entry in &play.vars_files {
            let found = match self.vars_file(entry)? {
                Ok(found) => found,
                Err(diag) if diag.code == "undefined-variable" && !facts_are_there => continue,
                Err(diag) => {
                    self.report(Report::Message(diag.at_if_none(entry.span)));
                    return Err(Stop::Failed);
                }
            };
            for (key, value) in found {
                vars.insert(key, value);
            }
            // Names of later files may come from earlier ones.
            self.files = Arc::new(vars.clone());
        }
        self.files = Arc::new(vars);
        Ok(())
    }

    /// One entry: a file, or a list of which the first that exists counts.
    fn vars_file(&mut self, entry: &Value) -> Result<Result<Map>, Stop> {
        let task = Task {
            file: self.play.play.file.clone(),
            ..Task::default()
        };
        let around = Surroundings::of_play(&self.play.play);
        let alternatives = match entry.as_list() {
            Some(items) => items.to_vec(),
            None => vec![entry.clone()],
        };
        let mut tried = Vec::new();
        let mut undefined = None;
        for name in &alternatives {
            let rendered = match self.render(name, &task, &around)? {
                Ok(rendered) => rendered,
                // An alternative that cannot be named is one that is not there.
                Err(diag) if diag.code == "undefined-variable" && alternatives.len() > 1 => {
                    undefined = Some(diag);
                    continue;
                }
                Err(diag) => return Ok(Err(diag)),
            };
            let names = match rendered.as_list() {
                Some(items) => items.to_vec(),
                None => vec![rendered],
            };
            for name in names {
                let name = name.to_text();
                match self.find_vars_file(&name) {
                    Some(path) => return Ok(play::load_vars_file(&self.run.loader, &path)),
                    None => tried.push(name),
                }
            }
        }
        if let (Some(diag), true) = (undefined, tried.is_empty()) {
            return Ok(Err(diag));
        }
        let message = format!("vars file {} was not found", tried.join(", "));
        Ok(Err(Diag::error("file-not-found", message)))
    }

    /// Beside the playbook, or in `vars/` there.
    fn find_vars_file(&self, name: &str) -> Option<PathBuf> {
        let path = match (name.strip_prefix("~/"), std::env::var_os("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => PathBuf::from(name),
        };
        if path.is_absolute() {
            return path.is_file().then_some(path);
        }
        let dir = self.play.play.file.parent().unwrap_or(".".as_ref());
        [dir.join("vars").join(&path), dir.join(&path)]
            .into_iter()
            .find(|path| path.is_file())
    }
}
