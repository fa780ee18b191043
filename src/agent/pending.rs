//! The handlers that are pending on this host: those that a changed step has notified and that have
//! not succeeded yet. They are kept in a file, so that no end of a run loses a restart.

use super::line::{Out, send};
use crate::diag::{Diag, Result};
use crate::modules::StepResult;
use crate::wire::{FromAgent, Notify, PendingHandler};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The record, shared with the thread that reads what the control side says.
pub type Shared = Arc<Pending>;

/// The record of one host and user.
pub struct Pending {
    /// `None` where there is no place for it.
    file: Option<PathBuf>,
    out: Out,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// As the file was last seen.
    known: BTreeSet<PendingHandler>,
    /// What the step at work has added.
    added: Vec<PendingHandler>,
    /// The user has been told that nothing can be noted.
    told: bool,
}

/// The file.
#[derive(Default, Serialize, Deserialize)]
struct Record {
    handlers: BTreeSet<PendingHandler>,
}

/// The record of this host and user. What is wrong with it is reported on `out`.
pub fn open(out: &Out) -> Shared {
    let pending = Pending {
        file: super::state_dir().map(|dir| dir.join("pending.json")),
        out: out.clone(),
        state: Mutex::default(),
    };
    Arc::new(pending)
}

impl Pending {
    /// What is pending, as the file says, and what is wrong with the file.
    pub fn known(&self) -> (Vec<PendingHandler>, Option<Box<Diag>>) {
        let read = self.file.as_deref().map(read).transpose();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = match read {
            Ok(record) => {
                state.known = record.unwrap_or_default().handlers;
                None
            }
            Err(diag) => Some(diag),
        };
        (state.known.iter().cloned().collect(), wrong)
    }

    /// Tells the user what is wrong with the file.
    pub fn warn(&self, diag: Box<Diag>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.tell(&mut state, diag);
    }

    /// A step is about to have its first effect.
    pub fn begin(&self, notify: &Notify) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let new = |handler: &&PendingHandler| !state.known.contains(*handler);
        let added: Vec<PendingHandler> = notify.handlers.iter().filter(new).cloned().collect();
        self.write(&mut state, &added, &[]);
        state.added = added;
    }

    /// A step has ended.
    pub fn ended(&self, notify: &Notify, result: &StepResult) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = std::mem::take(&mut state.added);
        if notify.stays(result) {
            gone.clear();
        }
        if !result.is_failed() {
            gone.extend(notify.settles.clone());
        }
        self.write(&mut state, &[], &gone);
    }

    /// What the control side knows better.
    pub fn change(&self, add: &[PendingHandler], remove: &[PendingHandler]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&mut state, add, remove);
    }

    fn write(&self, state: &mut State, add: &[PendingHandler], remove: &[PendingHandler]) {
        if add.is_empty() && remove.is_empty() {
            return;
        }
        let Some(file) = &self.file else {
            let text = "there is no home directory to keep notified handlers in";
            return self.tell(state, Diag::warning("not-noted", text));
        };
        match write(file, add, remove) {
            Ok(record) => state.known = record.handlers,
            Err(diag) => self.tell(state, diag),
        }
    }

    /// A run goes on where nothing can be noted, as it would without a record; the user hears it.
    fn tell(&self, state: &mut State, mut diag: Box<Diag>) {
        if std::mem::replace(&mut state.told, true) {
            return;
        }
        diag.level = crate::diag::Level::Warning;
        let diag =
            diag.note("if this run is cut, handlers that were notified are not run by the next");
        // A control side that is gone hears nothing.
        let _ = send(&self.out, &FromAgent::Warning { diag });
    }
}

fn read(file: &Path) -> Result<Record> {
    match std::fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).map_err(|e| {
            let text = format!("{} is not a record of handlers: {e}", file.display());
            Diag::error("bad-pending", text)
        }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Record::default()),
        Err(e) => Err(Diag::io("read", file, &e)),
    }
}

/// Changes the file, whole or not at all, also where two runs do so at once.
fn write(file: &Path, add: &[PendingHandler], remove: &[PendingHandler]) -> Result<Record> {
    let wrong = |e: &io::Error| Diag::io("write", file, e);
    let _lock = lock(file).map_err(|e| wrong(&e))?;
    let mut record = read(file)?;
    record.handlers.extend(add.iter().cloned());
    for handler in remove {
        record.handlers.remove(handler);
    }
    replace(file, &record).map_err(|e| wrong(&e))?;
    Ok(record)
}

fn lock(file: &Path) -> io::Result<Flock<std::fs::File>> {
    if let Some(dir) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let held = private().open(file.with_extension("lock"))?;
    Flock::lock(held, FlockArg::LockExclusive).map_err(|(_, e)| e.into())
}

fn replace(file: &Path, record: &Record) -> io::Result<()> {
    if record.handlers.is_empty() {
        return match std::fs::remove_file(file) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        };
    }
    // Always the same name, under the lock: what a killed agent leaves, the next one replaces.
    let new = file.with_extension("new");
    let mut to = private().truncate(true).open(&new)?;
    to.write_all(&serde_json::to_vec(record)?)?;
    to.sync_all()?;
    std::fs::rename(&new, file)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn handler(name: &str) -> PendingHandler {
        PendingHandler {
            host: "h".to_owned(),
            place: "web".to_owned(),
            name: name.to_owned(),
        }
    }

    fn pending(file: &Path) -> Pending {
        Pending {
            file: Some(file.to_owned()),
            out: super::super::line::Line::open().unwrap(),
            state: Mutex::default(),
        }
    }

    fn result(changed: bool, failed: bool) -> StepResult {
        StepResult::of(serde_json::json!({"changed": changed, "failed": failed}))
    }

    #[test]
    fn a_handler_stays_until_it_has_succeeded() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state/pending.json");
        let restart = Notify {
            handlers: vec![handler("restart")],
            ..Notify::default()
        };
        let known = || pending(&file).known().0;

        let agent = pending(&file);
        agent.begin(&restart);
        assert_eq!(known(), [handler("restart")], "noted before the effect");
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        agent.ended(&restart, &result(false, false));
        assert_eq!(known(), [], "nothing was changed");

        agent.begin(&restart);
        agent.ended(&restart, &result(true, false));
        assert_eq!(known(), [handler("restart")]);
        // A later step that changes nothing takes nothing away that another one has noted.
        agent.begin(&restart);
        agent.ended(&restart, &result(false, false));
        assert_eq!(known(), [handler("restart")]);

        let settles = Notify {
            settles: Some(handler("restart")),
            ..Notify::default()
        };
        agent.ended(&settles, &result(true, true));
        assert_eq!(known(), [handler("restart")], "the handler failed");
        agent.ended(&settles, &result(true, false));
        assert_eq!(known(), []);
        assert!(!file.exists());
    }

    #[test]
    fn what_a_killed_agent_left_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pending.json");
        std::fs::write(dir.path().join("pending.new"), "{\"handl").unwrap();
        pending(&file).change(&[handler("a"), handler("b")], &[]);
        pending(&file).change(&[], &[handler("a")]);
        assert_eq!(pending(&file).known().0, [handler("b")]);
        assert!(!dir.path().join("pending.new").exists());
    }
}
