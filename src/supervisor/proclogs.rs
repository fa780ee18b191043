//! The log files of processes: opened, opened anew, removed.

use super::config;
use super::group::{Running, Supervisor};
use super::logs::LogFile;
use super::mainlog::Level;
use nix::errno::Errno;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

/// A log that its reader and the interface share.
pub type SharedLog = Option<Rc<RefCell<LogFile>>>;

impl Supervisor {
    pub(super) fn open_log(
        &self,
        group: &str,
        program: &config::Program,
        which: &str,
        channel: &config::Channel,
    ) -> SharedLog {
        let path = match &channel.file {
            config::LogFile::None => return None,
            config::LogFile::Path(path) => PathBuf::from(path),
            config::LogFile::Auto if self.left_log(group, program, which).is_some() => {
                self.left_log(group, program, which).unwrap_or_default()
            }
            config::LogFile::Auto => {
                let daemon = &self.config.daemon;
                let made = tempfile::Builder::new()
                    .prefix(&format!(
                        "{}-{which}---{}-",
                        program.name, daemon.identifier
                    ))
                    .suffix(".log")
                    .rand_bytes(8)
                    .tempfile_in(&daemon.childlogdir);
                match made.and_then(|file| Ok(file.keep()?.1)) {
                    Ok(path) => path,
                    Err(e) => {
                        let (dir, name) = (&daemon.childlogdir, &program.name);
                        let line = format!("{group}:{name}: cannot make a log in {dir}: {e}");
                        self.log.write(Level::Error, &line);
                        return None;
                    }
                }
            }
        };
        // It is opened when the process starts.
        let log = LogFile::closed(&path, channel.max_bytes, channel.backups);
        Some(Rc::new(RefCell::new(log)))
    }

    /// The log that an earlier daemon made up.
    fn left_log(&self, group: &str, program: &config::Program, which: &str) -> Option<PathBuf> {
        let kept = self.left.get(&format!("{group}:{}", program.name))?;
        kept.logs[usize::from(which == "stderr")].clone()
    }

    /// Opens all logs anew.
    pub fn reopen_logs(&mut self) {
        self.log.reopen();
        for running in self.groups.iter().flat_map(|g| &g.procs) {
            for log in [&running.stdout, &running.stderr].into_iter().flatten() {
                if !log.borrow().path().exists() && running.proc.pid.is_none() {
                    continue;
                }
                if let Err(e) = log.borrow_mut().reopen() {
                    let path = log.borrow().path().display().to_string();
                    self.log
                        .write(Level::Warn, &format!("cannot reopen {path}: {e}"));
                }
            }
        }
    }
}

/// Opens the logs of a process that is about to start.
///
/// # Errors
/// supervisord's `spawnerr` text.
pub fn open_all(running: &Running) -> Result<(), String> {
    for log in [&running.stdout, &running.stderr].into_iter().flatten() {
        if let Err(e) = log.borrow_mut().ready() {
            let name = &running.proc.program.name;
            let code = Errno::from_raw(e.raw_os_error().unwrap_or_default());
            if matches!(code, Errno::EMFILE | Errno::ENFILE) {
                return Err(format!("too many open files to spawn '{name}'"));
            }
            return Err(format!(
                "unknown error making dispatchers for '{name}': {code:?}"
            ));
        }
    }
    Ok(())
}
