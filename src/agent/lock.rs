//! One run at a time changes this host as this user: runs sign in here, and wait for those of others.
//!
//! Each run has a file that its agents hold a lock on, so that a run whose processes are dead holds
//! nothing. Agents of one run share its file. An agent that a step of the other run has started does
//! not wait for it: that would be for ever.

use crate::wire::Claim;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What this process holds until its end.
static HELD: Mutex<Option<Held>> = Mutex::new(None);

/// How often it is looked whether the other run has ended.
const PAUSE: Duration = Duration::from_millis(300);

struct Held {
    dir: PathBuf,
    file: Flock<File>,
    path: PathBuf,
}

/// The content of a file.
#[derive(Serialize, Deserialize)]
struct Signed {
    claim: Claim,
    /// The agent that has written it.
    pid: u32,
}

/// Waits until no other run holds the host, and holds it for this one until [`release`] or the end of
/// the process. `tell` is told by whom it is held, once; false where that was a reason to give up.
///
/// # Errors
/// The files cannot be made: then nothing is held.
pub fn take(claim: &Claim, mut tell: impl FnMut(&Claim)) -> io::Result<bool> {
    let dir = super::state_dir()
        .ok_or_else(|| io::Error::other("there is no home directory"))?
        .join("holders");
    let Some(held) = take_in(&dir, claim, &mut tell)? else {
        return Ok(false);
    };
    *HELD.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
    Ok(true)
}

/// Gives the host free.
pub fn release() {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(held) = held else { return };
    let Ok(_alone) = alone(&held.dir) else { return };
    let path = held.path;
    // Others of the same run may hold it still.
    drop(held.file);
    if let Ok(file) = File::open(&path)
        && Flock::lock(file, FlockArg::LockExclusiveNonblock).is_ok()
    {
        let _ = std::fs::remove_file(&path);
    }
}

fn take_in(dir: &Path, claim: &Claim, tell: &mut dyn FnMut(&Claim)) -> io::Result<Option<Held>> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let named = |c: char| c.is_alphanumeric() || c == '-';
    if claim.run.is_empty() || !claim.run.chars().all(named) {
        return Err(io::Error::other("the run has no name"));
    }
    let path = dir.join(&claim.run);
    let mut told = false;
    loop {
        let alone = alone(dir)?;
        let Some(other) = held_by(dir, &path) else {
            return sign(dir, path, claim).map(Some);
        };
        drop(alone);
        if !std::mem::replace(&mut told, true) {
            tell(&other);
        }
        if claim.refuse {
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whoever has this looks and signs alone.
fn alone(dir: &Path) -> io::Result<Flock<File>> {
    let file = private().open(dir.join(".alone"))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, e)| e.into())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options
}

/// The other run that holds the host, if one does. What dead ones have left is removed.
fn held_by(dir: &Path, own: &Path) -> Option<Claim> {
    for entry in std::fs::read_dir(dir).ok()?.filter_map(Result::ok) {
        let path = entry.path();
        if path == own || entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let Ok(file) = File::open(&path) else {
            continue;
        };
        let Err((mut file, _)) = Flock::lock(file, FlockArg::LockExclusiveNonblock) else {
            let _ = std::fs::remove_file(&path);
            continue;
        };
        let mut text = String::new();
        let _ = file.read_to_string(&mut text);
        match serde_json::from_str::<Signed>(&text) {
            Ok(signed) if is_above(signed.pid) => {}
            Ok(signed) => return Some(signed.claim),
            // Somebody holds it, whoever that is.
            Err(_) => return Some(Claim::default()),
        }
    }
    None
}

fn sign(dir: &Path, path: PathBuf, claim: &Claim) -> io::Result<Held> {
    let file = private().open(&path)?;
    let mut file = Flock::lock(file, FlockArg::LockShared).map_err(|(_, e)| io::Error::from(e))?;
    let signed = Signed {
        claim: claim.clone(),
        pid: std::process::id(),
    };
    file.set_len(0)?;
    file.write_all(&serde_json::to_vec(&signed)?)?;
    Ok(Held {
        dir: dir.to_owned(),
        file,
        path,
    })
}

/// True for a process that this one descends from.
fn is_above(pid: u32) -> bool {
    let mut at = std::process::id();
    for _ in 0..100 {
        if at == pid {
            return true;
        }
        let status = std::fs::read_to_string(format!("/proc/{at}/status"));
        let parent = status.ok().and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
            line.trim().parse().ok()
        });
        match parent {
            Some(parent) if parent > 1 => at = parent,
            _ => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(run: &str) -> Claim {
        Claim {
            run: run.to_owned(),
            who: "ann@laptop".to_owned(),
            since: 1,
            refuse: true,
        }
    }

    #[test]
    fn dead_runs_hold_nothing_and_agents_of_one_run_share() {
        let dir = tempfile::tempdir().unwrap();
        let take = |run: &str| {
            let mut by = Vec::new();
            let held = take_in(dir.path(), &claim(run), &mut |other| {
                by.push(other.run.clone())
            });
            (held.unwrap(), by)
        };
        let (first, by) = take("r1");
        assert!(first.is_some() && by.is_empty());
        assert!(take("r1").0.is_some(), "another agent of the same run");
        // This very process has signed, so it would not wait for itself.
        let signed = Signed {
            claim: claim("r1"),
            pid: 1,
        };
        std::fs::write(dir.path().join("r1"), serde_json::to_vec(&signed).unwrap()).unwrap();
        let (second, by) = take("r2");
        assert!(second.is_none());
        assert_eq!(by, ["r1"]);
        drop(first);
        let (second, by) = take("r2");
        assert!(second.is_some() && by.is_empty(), "a stale file");
        assert!(!dir.path().join("r1").exists());
    }
}
