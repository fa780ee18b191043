//! What `command` and `shell` share: when to run, how, and what the result tells.

use super::glob;
use super::place::Place;
use super::ran;
use crate::diag::{Diag, Result};
use crate::sys::path::{expand_home, expand_variables, join};
use crate::sys::{Command, Declared, Effect, Known, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};

/// The shared options.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunOptions {
    /// Directory to change to first.
    pub chdir: Option<String>,
    /// Run only if this file, or what this pattern stands for, is not there.
    pub creates: Option<String>,
    /// Run only if this file, or what this pattern stands for, is there.
    pub removes: Option<String>,
    /// Program that runs the line; only `shell` uses it.
    pub executable: Option<String>,
    /// Text for the command's standard input.
    pub stdin: Option<String>,
    /// End that text with a line end.
    #[serde(default = "yes")]
    pub stdin_add_newline: bool,
    /// Take line ends off the end of `stdout` and `stderr`.
    #[serde(default = "yes")]
    pub strip_empty_ends: bool,
}

fn yes() -> bool {
    true
}

/// One call of either module.
pub struct Job<'a> {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The command as the result shows it: the line, or the words before they were expanded.
    pub shown: Json,
    /// The shared options.
    pub options: &'a RunOptions,
}

const WOULD_RUN: &str = "Command would have run if not in check mode";

impl Job<'_> {
    /// Expands `~` and variables in all words.
    ///
    /// # Errors
    /// Those of the view.
    pub fn expand(&mut self, view: &dyn View) -> Result<()> {
        for word in &mut self.argv {
            *word = expand_home(&expand_variables(word, &|name| view.env(name)), view)?;
        }
        Ok(())
    }

    /// The operation, or none where `creates` or `removes` says so.
    ///
    /// # Errors
    /// `no-such-directory` for `chdir`.
    pub fn plan(&self, view: &dyn View) -> Result<Vec<Op>> {
        let dir = self.directory(view)?;
        if self.idle(view)?.is_some() {
            return Ok(Vec::new());
        }
        let mut command = Command::new(self.argv.iter().cloned());
        command.cwd = dir;
        command.stdin = self.stdin();
        let run = Op::Run {
            command,
            effect: Declared::Opaque,
            must_succeed: false,
        };
        let effects = self.promised(view)?;
        Ok(if effects.is_empty() {
            vec![run]
        } else {
            vec![run, Op::Declare(effects)]
        })
    }

    fn stdin(&self) -> Option<Vec<u8>> {
        let mut text = self.options.stdin.clone().filter(|text| !text.is_empty())?;
        if self.options.stdin_add_newline {
            text.push('\n');
        }
        Some(text.into_bytes())
    }

    fn directory(&self, view: &dyn View) -> Result<Option<PathBuf>> {
        let Some(dir) = &self.options.chdir else {
            return Ok(None);
        };
        let dir = Place::of(dir, view)?.at;
        match view.stat(&dir)? {
            Known::Known(Some(stat)) if stat.is_dir() => Ok(Some(dir)),
            Known::Unknown => Ok(Some(dir)),
            found => {
                let why = match found {
                    Known::Known(Some(_)) => "it is no directory",
                    _ => "there is no such directory",
                };
                Err(self.stuck(&dir, why))
            }
        }
    }

    fn stuck(&self, dir: &Path, why: &str) -> Box<Diag> {
        let mut diag = Diag::error(
            "no-such-directory",
            format!("cannot change to {}: {why}", dir.display()),
        )
        .about("chdir");
        let mut keys = self.empty("Unable to change directory before execution.");
        keys.insert("rc".into(), Json::Null);
        diag.data.extend(keys);
        diag
    }

    /// A path of `creates` or `removes`, seen from `chdir`.
    fn seen(&self, path: &str, view: &dyn View) -> Result<(String, PathBuf)> {
        let place = Place::of(path, view)?;
        let at = match self.directory(view)? {
            Some(dir) => join(&dir, Path::new(&place.shown)),
            None => place.at,
        };
        Ok((place.shown, at))
    }

    /// Why there is nothing to do: the words for `msg`, and those for `stdout`. What cannot be
    /// known yet is taken to be as it must be for the command to run, unless an earlier planned
    /// command was to bring it.
    fn idle(&self, view: &dyn View) -> Result<Option<(String, String)>> {
        let did = if view.is_dry() { "Would" } else { "Did" };
        if let Some(path) = &self.options.creates {
            let (shown, at) = self.seen(path, view)?;
            if glob::exists(&at, view)?.presume(view.assumed(&created(&at)).is_some()) {
                return Ok(Some((
                    format!("{did} not run command since '{shown}' exists"),
                    format!("skipped, since {shown} exists"),
                )));
            }
        }
        if let Some(path) = &self.options.removes {
            let (shown, at) = self.seen(path, view)?;
            if !glob::exists(&at, view)?.presume(true) {
                return Ok(Some((
                    format!("{did} not run command since '{shown}' does not exist"),
                    format!("skipped, since {shown} does not exist"),
                )));
            }
        }
        Ok(None)
    }

    /// What `creates` and `removes` say of the time after. Whether a file or a directory comes is
    /// not said, so that anything may be there.
    fn promised(&self, view: &dyn View) -> Result<Vec<Effect>> {
        let mut effects = Vec::new();
        if let Some(path) = &self.options.creates {
            let at = self.seen(path, view)?.1;
            if !glob::is_pattern(&at.to_string_lossy()) {
                effects.push(Effect::MayFill(at.clone()));
            }
            effects.push(Effect::Assume(created(&at), json!(true)));
        }
        if let Some(path) = &self.options.removes {
            let at = self.seen(path, view)?.1;
            if !glob::is_pattern(&at.to_string_lossy()) {
                effects.push(Effect::Gone(at));
            }
        }
        Ok(effects)
    }

    /// The result.
    ///
    /// # Errors
    /// Those of the view.
    pub fn result(&self, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        if let Some(output) = ran::output(done) {
            let mut keys = self.empty("");
            keys.extend(ran::keys(output, self.options.strip_empty_ends));
            keys.extend(ran::times(output));
            keys.insert("changed".into(), json!(true));
            return Ok(Json::Object(keys));
        }
        if done.is_empty() {
            let (msg, stdout) = self.idle(view)?.unwrap_or_default();
            let mut keys = self.empty(&msg);
            ran::set_text(&mut keys, "stdout", &stdout);
            return Ok(Json::Object(keys));
        }
        Ok(Json::Object(self.foreseen(view)))
    }

    /// What a dry run says of a command that apply would run.
    fn foreseen(&self, view: &dyn View) -> Map<String, Json> {
        let mut keys = self.empty(WOULD_RUN);
        keys.insert("changed".into(), json!(true));
        if !view.is_check() {
            keys.extend(ran::unknown(&self.argv.join(" ")));
        } else if self.options.creates.is_none() && self.options.removes.is_none() {
            keys.insert("changed".into(), json!(false));
            keys.insert("skipped".into(), json!(true));
        }
        keys
    }

    /// All keys of a command that did not run.
    fn empty(&self, msg: &str) -> Map<String, Json> {
        let mut keys = Map::new();
        keys.insert("changed".into(), json!(false));
        keys.insert("cmd".into(), self.shown.clone());
        keys.insert("rc".into(), json!(0));
        for key in ["start", "end", "delta"] {
            keys.insert(key.into(), Json::Null);
        }
        ran::set_text(&mut keys, "stdout", "");
        ran::set_text(&mut keys, "stderr", "");
        keys.insert("msg".into(), json!(msg));
        keys
    }
}

/// The assumption that a planned command brought a path.
fn created(path: &Path) -> String {
    format!("created:{}", path.display())
}
