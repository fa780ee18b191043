//! The commands that run now: whoever ends this process ends them first.

use super::run::Failure;
use super::watcher::{self, Watcher};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::os::fd::RawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Sessions of commands by their number, and whether new ones may begin.
struct Running {
    sessions: BTreeSet<i32>,
    ending: bool,
    watch: Watch,
}

/// Whether commands end with this process even where it is killed.
enum Watch {
    /// They do not.
    No,
    /// They will, from the first one on. The watcher holds this descriptor open until they have.
    Wanted(Option<RawFd>),
    By(Watcher),
}

static RUNNING: Mutex<Running> = Mutex::new(Running {
    sessions: BTreeSet::new(),
    ending: false,
    watch: Watch::No,
});

/// From now on the commands of this process end with it, even where it is killed.
pub fn watch_commands() {
    let mut running = running();
    if let Watch::No = running.watch {
        running.watch = Watch::Wanted(None);
    }
}

/// Has a descriptor stay open until the commands of this process have ended, if it is killed: a lock
/// on what it refers to tells others that. To be said before the first command.
pub fn hold_with_commands(descriptor: RawFd) {
    let mut running = running();
    if let Watch::Wanted(held) = &mut running.watch {
        *held = Some(descriptor);
    }
}

impl Running {
    /// The watcher of a command that is about to be started; it comes with the first one. Where there
    /// can be none, commands run all the same.
    fn watcher(&mut self) -> Option<RawFd> {
        if let Watch::Wanted(held) = self.watch {
            self.watch = Watcher::start(held).map_or(Watch::No, Watch::By);
        }
        match &mut self.watch {
            Watch::By(watcher) => {
                watcher.starts();
                Some(watcher.number())
            }
            Watch::No | Watch::Wanted(_) => None,
        }
    }
}

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A command that runs. Dropped when it has ended.
pub(super) struct Entry(i32);

impl Drop for Entry {
    fn drop(&mut self) {
        let mut running = running();
        running.sessions.remove(&self.0);
        if let Watch::By(watcher) = &mut running.watch {
            watcher.ended(self.0);
        }
    }
}

/// Starts a command that leads a session of its own.
pub(super) fn spawn(command: &mut Command) -> Result<(Child, Entry), Failure> {
    let mut running = running();
    if running.ending {
        return Err(Failure::Os(std::io::ErrorKind::Interrupted.into()));
    }
    if let Some(watcher) = running.watcher() {
        // SAFETY: between fork and exec only system calls are made; nothing allocates.
        #[expect(
            unsafe_code,
            reason = "nothing may come between a session and its watcher"
        )]
        unsafe {
            command.pre_exec(move || {
                watcher::begins(watcher);
                Ok(())
            });
        }
    }
    let child = command.spawn().map_err(|e| {
        if let Watch::By(watcher) = &mut running.watch {
            watcher.failed();
        }
        match e.kind() {
            std::io::ErrorKind::NotFound => Failure::NoProgram,
            _ => Failure::Os(e),
        }
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
