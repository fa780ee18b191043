//! `apt_repository`: sources of packages.

mod ppa;
mod sources;

use super::Module;
use super::common::apt::lists::{self, Patience};
use super::common::{command, dirs, file_attrs::FileAttrs};
use crate::args::Mode;
use crate::diag::{Diag, Result};
use crate::sys::path::{kept, kept_from, parent};
use crate::sys::{Content, Known, Op, Outcome, Owner, View};
use ppa::Ppa;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sources::{Line, Sources};
use std::path::{Path, PathBuf};

/// Adds and removes sources of apt.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The line, as in `sources.list`, or `ppa:OWNER/NAME`.
    repo: String,
    /// Whether it shall be there.
    #[serde(default)]
    state: State,
    /// Permissions of the file that the line is added to.
    mode: Option<Mode>,
    /// Update the package lists after a change; if that fails, the change is taken back. Alias:
    /// update-cache
    #[serde(default = "yes", alias = "update-cache")]
    update_cache: bool,
    /// How often a failed update is tried again.
    #[serde(default = "five")]
    update_cache_retries: u32,
    /// Longest pause between these tries, in seconds.
    #[serde(default = "twelve")]
    update_cache_retry_max_delay: u64,
    /// Name of the file without `.list`; else it is named by the address.
    filename: Option<String>,
    /// Accepted for compatibility; nothing has to be installed for this module.
    #[serde(default = "yes")]
    install_python_apt: bool,
    /// Accepted for compatibility; certificates of the archives are always checked.
    #[serde(default = "yes")]
    validate_certs: bool,
    /// Name of the distribution's release, for archives of persons; the host's where absent.
    codename: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    /// It is there.
    #[default]
    Present,
    /// It is not there.
    Absent,
}

fn yes() -> bool {
    true
}
fn five() -> u32 {
    5
}
fn twelve() -> u64 {
    12
}

/// The module.
pub struct AptRepository;

impl Module for AptRepository {
    const NAME: &'static str = "apt_repository";
    const FQCN: &'static str = "ansible.builtin.apt_repository";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let change = args.change(view)?;
        let mut ops = Vec::new();
        if !change.files().is_empty()
            && args.state == State::Present
            && let Some(ppa) = Ppa::read(&args.repo)
        {
            ops.extend(ppa.key(view)?);
        }
        for path in change.files() {
            ops.extend(args.save(&path, &change, view)?);
        }
        if !ops.is_empty() && args.update_cache {
            ops.push(lists::try_update(Patience {
                retries: args.update_cache_retries,
                max_delay: args.update_cache_retry_max_delay,
                lock: 60,
            }));
        }
        Ok(ops)
    }

    fn plan_more(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Vec<Op>> {
        let old = kept_files(view)?;
        match done.last() {
            Some(Outcome::Ran(answer)) if !answer.ok() => args.go_back(old, view),
            _ => Ok(old.into_iter().map(|path| Op::Remove { path }).collect()),
        }
    }

    fn explain(args: &Args, view: &dyn View, _: &[Op], diff: bool) -> Result<Json> {
        let change = args.change(view)?;
        let only = |a: &Sources, b: &Sources| -> Vec<PathBuf> {
            let paths = change.files().into_iter();
            paths
                .filter(|p| a.text(p).is_some() && b.text(p).is_none())
                .collect()
        };
        let mut keys = json!({
            "repo": args.repo,
            "state": args.state,
            "sources_added": only(&change.after, &change.before),
            "sources_removed": only(&change.before, &change.after),
            "diff": [],
        });
        if diff {
            keys["diff"] = change.files().iter().map(|p| change.diff(p)).collect();
        }
        Ok(keys)
    }

    fn result(args: &Args, _: &dyn View, done: &[Outcome]) -> Result<Json> {
        match command::answers(done).next_back() {
            Some(answer) if !answer.ok() => {
                let said = answer.err_text();
                let msg = format!(
                    "Failed to update apt cache after {} retries: {}",
                    args.update_cache_retries,
                    said.trim()
                );
                Ok(Json::Object(command::failure(msg, answer)))
            }
            _ => Ok(json!({})),
        }
    }
}

/// The files of sources before and after.
struct Change {
    before: Sources,
    after: Sources,
}

impl Change {
    /// Those that differ.
    fn files(&self) -> Vec<PathBuf> {
        let differs = |path: &PathBuf| self.before.text(path) != self.after.text(path);
        let paths = self.after.files.iter().map(|file| file.path.clone());
        paths.filter(differs).collect()
    }

    fn diff(&self, path: &Path) -> Json {
        let side = |sources: &Sources| match sources.text(path) {
            Some(text) => (json!(text), json!(path)),
            None => (json!(""), json!("/dev/null")),
        };
        let (before, before_header) = side(&self.before);
        let (after, after_header) = side(&self.after);
        json!({
            "before": before,
            "after": after,
            "before_header": before_header,
            "after_header": after_header,
        })
    }
}

impl Args {
    fn change(&self, view: &dyn View) -> Result<Change> {
        let before = Sources::load(view)?;
        let mut after = before.clone();
        let (source, name) = self.source(view)?;
        match self.state {
            State::Absent => after.remove(&source),
            State::Present if after.has(&source) && self.is_ppa() => {}
            State::Present => after.add(&source, &self.path(&name)),
        }
        Ok(Change { before, after })
    }

    fn is_ppa(&self) -> bool {
        self.repo.starts_with("ppa:")
    }

    /// The line that is meant, and what its file is named after.
    fn source(&self, view: &dyn View) -> Result<(String, String)> {
        if self.repo.is_empty() {
            let message = "Please set argument 'repo' to a non-empty value";
            return Err(Diag::error("bad-repository", message).about("repo"));
        }
        if let Some(ppa) = Ppa::read(&self.repo) {
            let codename = match &self.codename {
                Some(codename) => codename.clone(),
                None => codename(view)?,
            };
            let named = format!("{}_{codename}", self.repo);
            return Ok((ppa.source(&codename), named));
        }
        let line = Line::read(&self.repo);
        if !line.valid || !line.enabled {
            let text = self.repo.trim();
            let text = text.strip_prefix('#').unwrap_or(text);
            let message = format!("Invalid repository string: {text}");
            return Err(Diag::error("bad-repository", message).about("repo"));
        }
        Ok((line.source.clone(), line.source))
    }

    fn path(&self, source: &str) -> PathBuf {
        let name = match &self.filename {
            Some(name) => name.clone(),
            None => sources::file_name(source),
        };
        // An absolute name replaces the directory.
        Path::new(sources::PARTS).join(format!("{name}.list"))
    }

    fn save(&self, path: &Path, change: &Change, view: &dyn View) -> Result<Vec<Op>> {
        let mut ops = Vec::new();
        // A list may be a link; what it leads to is written.
        let target = view.resolve(path)?;
        let is_there = !matches!(view.stat(&target)?, Known::Known(None));
        if is_there && self.update_cache {
            ops.push(Op::CopyFile {
                from: target.clone(),
                path: kept(&target),
                mode: None,
            });
        }
        let Some(text) = change.after.text(path) else {
            ops.push(Op::Remove { path: target });
            return Ok(ops);
        };
        ops.extend(dirs::make(parent(&target), &FileAttrs::default(), view)?);
        let attrs = FileAttrs {
            mode: self.mode.clone().filter(|_| !is_there),
            ..FileAttrs::default()
        };
        ops.push(Op::Write {
            path: target,
            content: Content::Bytes(text.into_bytes().into()),
            mode: attrs.mode_for(None, false, view),
            owner: Owner::default(),
            backup: None,
            validate: None,
            secret: false,
        });
        Ok(ops)
    }

    /// Puts the old files back; those that are new are removed.
    fn go_back(&self, old: Vec<PathBuf>, view: &dyn View) -> Result<Vec<Op>> {
        if old.is_empty() && self.state == State::Present {
            let (_, name) = self.source(view)?;
            let path = self.path(&name);
            return Ok(match view.lstat(&path)? {
                Known::Known(None) => Vec::new(),
                _ => vec![Op::Remove { path }],
            });
        }
        let back = old.into_iter().filter_map(|from| {
            let to = kept_from(&from)?;
            Some(Op::Rename { from, to })
        });
        Ok(back.collect())
    }
}

/// Old files that this step has kept.
fn kept_files(view: &dyn View) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for dir in [parent(Path::new(sources::LIST)), Path::new(sources::PARTS)] {
        if let Known::Known(Some(names)) = view.list(dir)? {
            let paths = names.into_iter().map(|name| dir.join(name));
            found.extend(paths.filter(|path| kept_from(path).is_some()));
        }
    }
    Ok(found)
}

/// The release of the host's distribution.
fn codename(view: &dyn View) -> Result<String> {
    let text = match view.read(Path::new("/etc/os-release"))? {
        Known::Known(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => String::new(),
    };
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("VERSION_CODENAME="))
        .map(|name| name.trim_matches('"').to_owned());
    name.ok_or_else(|| {
        let message = "the host does not tell the name of its release";
        Diag::error("no-codename", message).help("set codename")
    })
}
