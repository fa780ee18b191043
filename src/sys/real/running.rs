//! The commands that run now: whoever ends this process ends them first.

use super::run::Failure;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Sessions of commands by their number, and whether new ones may begin.
struct Running {
    sessions: BTreeSet<i32>,
    ending: bool,
}

static RUNNING: Mutex<Running> = Mutex::new(Running {
    sessions: BTreeSet::new(),
    ending: false,
});

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A command that runs. Dropped when it has ended.
pub(super) struct Entry(i32);

impl Drop for Entry {
    fn drop(&mut self) {
        running().sessions.remove(&self.0);
    }
}

/// Starts a command that leads a session of its own.
pub(super) fn spawn(command: &mut Command) -> Result<(Child, Entry), Failure> {
    let mut running = running();
    if running.ending {
        return Err(Failure::Os(std::io::ErrorKind::Interrupted.into()));
    }
    let child = command.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Failure::NoProgram,
        _ => Failure::Os(e),
    })?;
    let session = i32::try_from(child.id()).unwrap_or_default();
    running.sessions.insert(session);
    Ok((child, Entry(session)))
}

/// Ends all commands that this process runs, with all that they have started in their sessions:
/// they are asked to, and killed where they have not ended after `patience`. No further one begins.
pub fn end_commands(patience: Duration) {
    let sessions: Vec<Pid> = {
        let mut running = running();
        running.ending = true;
        running
            .sessions
            .iter()
            .filter(|session| **session > 1)
            .map(|session| Pid::from_raw(*session))
            .collect()
    };
    let signal = |signal: Option<Signal>| {
        let found = sessions.iter().filter(|session| {
            // One that has ended meanwhile is no error.
            killpg(**session, signal).is_ok()
        });
        found.count()
    };
    signal(Some(Signal::SIGTERM));
    let start = Instant::now();
    while signal(None) > 0 && start.elapsed() < patience {
        std::thread::sleep(Duration::from_millis(10));
    }
    signal(Some(Signal::SIGKILL));
}
