//! The record of a run: what was asked for, and what each step came to, so that the run can be
//! looked at and gone on with. It holds no secrets: results of `no_log` tasks and those in which a
//! secret is found are not written down, values of `-e` neither.
//!
//! `$XDG_STATE_HOME/gxdeploy/runs/ID/` (mode 0700) has `run.json`, the [`Head`], and `journal`, one
//! [`Line`] after the other. A line is written in one call as soon as it is known, so that no end of
//! this process loses it.

use super::replay::{self, Replay};
use crate::diag::{Diag, Exit, Result};
use crate::modules::StepResult;
use crate::output::{Counts, Event, Outcome, Output, Secrets, Status};
use crate::value::Map;
use crate::value::order;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// So many runs are kept.
const KEPT: usize = 100;

/// Results above this size are not written down, in bytes.
const LARGEST: usize = 1 << 20;

/// What is known of a run as a whole.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Head {
    /// Its name.
    pub id: String,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// When it ended; `None` while it runs, and where it was killed.
    pub ended: Option<u64>,
    /// Its process.
    pub pid: u32,
    /// The exit code.
    pub exit: Option<u8>,
    /// The directory it was started in.
    pub dir: PathBuf,
    /// The options of `apply`, values of `-e` left out.
    pub words: Vec<String>,
    /// Names of variables that were given with `-e`.
    pub extra_vars: Vec<String>,
    /// Playbooks as given.
    pub playbooks: Vec<String>,
    /// How often it was begun.
    pub attempts: u32,
    /// Counts by host.
    pub recap: BTreeMap<String, Counts>,
    /// The plan that is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

/// One thing that became of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the variants say it")]
pub enum Line {
    /// A step has its result.
    Step(Box<Noted>),
    /// The host left its play with what came of the steps at this place: they do not count as done.
    Fatal { host: String, place: String },
    /// A step that was done is at another place, since the playbook was edited.
    Moved {
        host: String,
        from: String,
        to: String,
        print: String,
    },
    /// A session with an agent begins.
    Session {
        name: String,
        host: String,
        place: String,
        target: String,
    },
    /// It ended in peace.
    Closed { name: String },
    /// Handlers that are pending on a host.
    Pending { host: String, handlers: Vec<String> },
    /// A task changed something, or failed.
    Task {
        host: String,
        task: String,
        status: Status,
        item: Option<String>,
        msg: Option<String>,
    },
    /// The run is gone on with.
    Again,
}

/// A step and its result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Noted {
    /// The host.
    pub host: String,
    /// Which step of the run it is.
    pub key: String,
    /// What the step consists of, in short: a playbook may be edited before the run goes on.
    pub print: String,
    /// What its arguments come to, in short; empty where there is something secret about them.
    #[serde(default)]
    pub content: String,
    /// The session and the number that the step had there.
    pub sent: Option<(String, u64)>,
    /// What came of it; `None` where that is not written down.
    pub result: Option<StepResult>,
    /// Whether it changed something, and whether it failed.
    pub flags: (bool, bool),
}

/// A record that is written. Cheap to clone.
#[derive(Clone)]
pub struct Record(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    head: Mutex<Head>,
    journal: Mutex<File>,
    secrets: Secrets,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Record")
    }
}

/// `$XDG_STATE_HOME/gxdeploy/runs`, else in the user's home.
///
/// # Errors
/// `no-home`.
pub fn directory() -> Result<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|dir| !dir.is_empty());
    let state = of("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| of("HOME").map(|home| PathBuf::from(home).join(".local/state")));
    let why = "there is no home directory to keep the record of runs in";
    let state = state.ok_or_else(|| Diag::error("no-home", why))?;
    Ok(state.join("gxdeploy/runs"))
}

/// Seconds since 1970.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

impl Record {
    /// Begins the record of a new run.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(mut head: Head, secrets: &Secrets) -> Result<Record> {
        let all = directory()?;
        head.id = name();
        head.started = now();
        head.pid = std::process::id();
        head.attempts = 1;
        let dir = all.join(&head.id);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|e| Diag::io("create", &dir, &e))?;
        tidy(&all);
        let record = Record::open(dir, head, secrets)?;
        record.store()?;
        Ok(record)
    }

    /// Goes on with the record of a run. Returns what is known of it, too.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn again(id: &str, secrets: &Secrets) -> Result<(Record, Replay)> {
        let dir = directory()?.join(id);
        let mut head = head(&dir)?;
        let replay = replay::read(&journal(&dir)?);
        head.ended = None;
        head.exit = None;
        head.pid = std::process::id();
        head.attempts += 1;
        let record = Record::open(dir, head, secrets)?;
        record.store()?;
        record.note(&Line::Again);
        Ok((record, replay))
    }

    fn open(dir: PathBuf, head: Head, secrets: &Secrets) -> Result<Record> {
        let path = dir.join("journal");
        let journal = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)
            .map_err(|e| Diag::io("write", &path, &e))?;
        Ok(Record(Arc::new(Inner {
            dir,
            head: Mutex::new(head),
            journal: Mutex::new(journal),
            secrets: secrets.clone(),
        })))
    }

    /// The name of the run.
    pub fn id(&self) -> String {
        let head = self.0.head.lock();
        head.unwrap_or_else(PoisonError::into_inner).id.clone()
    }

    fn store(&self) -> Result<()> {
        let head = self.0.head.lock().unwrap_or_else(PoisonError::into_inner);
        let (path, new) = (self.0.dir.join("run.json"), self.0.dir.join("run.new"));
        let wrong = |e: std::io::Error| Diag::io("write", &path, &e);
        let mut to = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .map_err(wrong)?;
        let text = serde_json::to_vec_pretty(&*head).map_err(|e| wrong(e.into()))?;
        to.write_all(&text).map_err(wrong)?;
        std::fs::rename(&new, &path).map_err(wrong)
    }

    /// Writes a line.
    pub fn note(&self, line: &Line) {
        if let Ok(text) = serde_json::to_vec(line) {
            self.write(text);
        }
    }

    fn write(&self, mut text: Vec<u8>) {
        text.push(b'\n');
        let journal = self.0.journal.lock();
        // A run does not fail because its record cannot be written.
        let _ = journal
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&text);
    }

    /// Writes what a step came to, or only that it did where there is something secret about it.
    pub fn step(&self, mut noted: Noted, result: &StepResult, private: bool) {
        let flag = |name: &str| result.result[name] == Json::Bool(true);
        noted.flags = (flag("changed"), result.is_failed());
        if private {
            return self.note(&Line::Step(Box::new(noted)));
        }
        noted.result = Some(result.clone());
        let mut line = Line::Step(Box::new(noted));
        let text = serde_json::to_string(&line).unwrap_or_default();
        if text.len() < LARGEST && (self.0.secrets.is_empty() || self.0.secrets.mask(&text) == text)
        {
            return self.write(text.into_bytes());
        }
        if let Line::Step(noted) = &mut line {
            noted.result = None;
        }
        self.note(&line);
    }

    /// Writes what a host's journal has told of a step.
    pub fn note_found(&self, host: &str, name: &str, result: StepResult) {
        let (key, print, content) = replay::parts(name);
        let noted = Noted {
            host: host.to_owned(),
            key: key.to_owned(),
            print: print.to_owned(),
            content: content.to_owned(),
            sent: None,
            result: None,
            flags: (false, false),
        };
        self.step(noted, &result, false);
    }

    /// Refuses to go on without a variable that the run had by `-e`.
    ///
    /// # Errors
    /// `missing-variable`.
    pub fn must_have(&self, vars: &Map) -> Result<()> {
        let head = self.0.head.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = head.extra_vars.iter().filter(|name| !vars.contains(name));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!(
            "variables that the run had by -e are not written down and have to be given again: {}",
            missing.join(", ")
        );
        Err(Diag::error("missing-variable", message)
            .help(format!("gxdeploy resume {} -e {}=...", head.id, missing[0])))
    }

    /// The names of variables that `-e` has set.
    pub fn set_extra_vars(&self, names: Vec<String>) {
        let mut head = self.0.head.lock().unwrap_or_else(PoisonError::into_inner);
        head.extra_vars = names;
        drop(head);
        // As for lines.
        let _ = self.store();
    }

    /// The plan that is applied.
    pub fn set_plan(&self, id: &str) {
        let mut head = self.0.head.lock().unwrap_or_else(PoisonError::into_inner);
        head.plan = Some(id.to_owned());
        drop(head);
        // As for lines.
        let _ = self.store();
    }

    fn finish(&self, recap: &BTreeMap<String, Counts>, exit: u8) {
        let mut head = self.0.head.lock().unwrap_or_else(PoisonError::into_inner);
        head.recap.clone_from(recap);
        head.ended = Some(now());
        head.exit = Some(exit);
        drop(head);
        let _ = self.store();
    }
}

/// Notes what a run has changed, and how it ended.
impl Output for Record {
    fn event(&mut self, event: &Event) {
        match event {
            Event::ItemEnded(outcome) | Event::TaskEnded(outcome) if is_told(outcome) => {
                let task = match &outcome.task.role {
                    Some(role) => format!("{role} : {}", outcome.task.name),
                    None => outcome.task.name.clone(),
                };
                let failed = matches!(outcome.status, Status::Failed | Status::Unreachable);
                let msg = outcome.result["msg"].as_str().filter(|_| failed);
                self.note(&Line::Task {
                    host: outcome.host.clone(),
                    task,
                    status: outcome.status,
                    item: outcome.item.clone().filter(|_| !outcome.task.no_log),
                    msg: msg.map(str::to_owned),
                });
            }
            Event::RunEnded { recap, exit, .. } => self.finish(recap, *exit),
            _ => {}
        }
    }
}

/// Whether `gxdeploy show` tells of it: it is new, it is no success without a change, and the items of
/// a loop are not told already.
fn is_told(outcome: &Outcome) -> bool {
    let quiet = matches!(outcome.status, Status::Ok | Status::Skipped);
    let items = outcome.item.is_none() && outcome.result["results"].is_array();
    !(outcome.earlier || quiet || items)
}

/// A name that sorts by time.
fn name() -> String {
    let now = time::OffsetDateTime::now_local().unwrap_or_else(|_| time::OffsetDateTime::now_utc());
    let format = time::macros::format_description!("[year][month][day]-[hour][minute][second]");
    let time = now.format(format).unwrap_or_default();
    format!("{time}-{:03x}", rand::random::<u16>() & 0xfff)
}

fn head(dir: &Path) -> Result<Head> {
    let path = dir.join("run.json");
    let text = std::fs::read(&path).map_err(|e| Diag::io("read", &path, &e))?;
    serde_json::from_slice(&text).map_err(|e| {
        let message = format!("{} is not the record of a run: {e}", path.display());
        Diag::error("bad-record", message)
    })
}

fn journal(dir: &Path) -> Result<Vec<Line>> {
    let path = dir.join("journal");
    let text = std::fs::read(&path).map_err(|e| Diag::io("read", &path, &e))?;
    // What was cut is not there.
    let lines = text.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}

/// All runs, the newest first.
///
/// # Errors
/// `no-home`.
pub fn all() -> Result<Vec<Head>> {
    let Ok(entries) = std::fs::read_dir(directory()?) else {
        return Ok(Vec::new());
    };
    let mut heads: Vec<Head> = entries
        .filter_map(|entry| head(&entry.ok()?.path()).ok())
        .collect();
    order::sort_by(&mut heads, |a, b| b.id.cmp(&a.id));
    Ok(heads)
}

/// The run that a name, or its beginning or end, means; the newest one where there is no name.
///
/// # Errors
/// `no-run`.
pub fn find(name: Option<&str>) -> Result<Head> {
    let heads = all()?;
    let Some(name) = name else {
        let none = || Diag::error("no-run", "there is no run yet").exit(Exit::Failed);
        return heads.into_iter().next().ok_or_else(none);
    };
    let matching = |head: &&Head| head.id == name || head.id.ends_with(&format!("-{name}"));
    match heads.iter().find(matching) {
        Some(head) => Ok(head.clone()),
        None => Err(Diag::error("no-run", format!("there is no run `{name}`"))
            .did_you_mean(name, heads.iter().map(|head| head.id.as_str()))
            .help("`gxdeploy runs` lists them")),
    }
}

/// What became of a run.
///
/// # Errors
/// Its record cannot be read.
pub fn lines(id: &str) -> Result<Vec<Line>> {
    journal(&directory()?.join(id))
}

impl Head {
    /// True while a process works on it.
    pub fn runs(&self) -> bool {
        self.ended.is_none() && Path::new(&format!("/proc/{}", self.pid)).exists()
    }
}

fn tidy(all: &Path) {
    let Ok(entries) = std::fs::read_dir(all) else {
        return;
    };
    let mut dirs: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    dirs.sort_unstable();
    let old = dirs.len().saturating_sub(KEPT);
    for dir in &dirs[..old] {
        // Somebody else may have removed it.
        let _ = std::fs::remove_dir_all(dir);
    }
}
