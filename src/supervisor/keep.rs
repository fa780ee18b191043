//! What outlives the daemon: a file that tells the next one which processes are its own.
//!
//! A line is added for each start, stop and end, so that the file is right at any moment at which
//! the daemon may be killed. A lock on it tells whether its writer lives.

use super::logs::absent_is_fine;
use super::stat::stat;
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The file is written anew when it has so many lines more than there are processes.
const SLACK: usize = 2000;
/// Where that did not work it is tried again after this time, when something happens.
const AGAIN: Duration = Duration::from_secs(5);

/// A process as the file has it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Kept {
    /// Its group.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Its process id; `None` for one at rest.
    pub pid: Option<i32>,
    /// When the kernel started it, in clock ticks since boot: tells it from a later process with
    /// the same id.
    pub since: u64,
    /// Seconds since the epoch of its last start.
    pub start: i64,
    /// Seconds since the epoch of its last end.
    pub stop: i64,
    /// The number of its state.
    pub state: i64,
    /// Inodes of the pipes at its standard input, output and error; 0 for none.
    pub pipes: [u64; 3],
    /// The daemon's descriptors of these, kept open over an upgrade; -1 for none.
    pub fds: [i32; 3],
    /// Its logs.
    pub logs: [Option<PathBuf>; 2],
    /// Its mark.
    pub tree: Option<String>,
    /// Whether it was ready.
    pub ready: bool,
}

impl Kept {
    /// `group:name`.
    pub fn full(&self) -> String {
        format!("{}:{}", self.group, self.name)
    }
}

#[derive(Serialize, Deserialize)]
enum Line {
    Daemon { pid: u32, since: u64, upgrades: u64 },
    Process(Box<Kept>),
    Stopping(i32),
    Ended(i32),
}

/// What an earlier daemon left.
#[derive(Debug, Default)]
pub struct Left {
    /// Its processes.
    pub processes: Vec<Kept>,
    /// Those it had asked to stop.
    pub stopping: Vec<i32>,
    /// Whether the daemon is that very process, under a new program.
    pub resumed: bool,
    /// How often it was upgraded.
    pub upgrades: u64,
}

/// The file.
#[derive(Debug, Default)]
pub struct Keeper {
    path: PathBuf,
    file: Option<Flock<File>>,
    lines: usize,
    upgrades: u64,
    failed: Option<Instant>,
    told: bool,
}

fn open(path: &Path) -> io::Result<Flock<File>> {
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let locked = Flock::lock(file, FlockArg::LockExclusiveNonblock);
    locked.map_err(|(_, e)| e.into())
}

/// Reads what is left; nothing where the writer lives.
pub fn left(path: &Path) -> Left {
    let mut left = Left::default();
    if !path.exists() {
        return left;
    }
    let Ok(_lock) = open(path) else {
        return left;
    };
    let text = std::fs::read_to_string(path).unwrap_or_default();
    for line in text.lines() {
        // A last line that was cut off by the kill is of a process that was not started yet.
        match serde_json::from_str(line) {
            Ok(Line::Daemon {
                pid,
                since,
                upgrades,
            }) => {
                left.resumed = pid == std::process::id() && Some(since) == since_of(pid);
                left.upgrades = upgrades;
            }
            Ok(Line::Process(kept)) => {
                left.processes.retain(|k| k.full() != kept.full());
                left.processes.push(*kept);
            }
            Ok(Line::Stopping(pid)) => left.stopping.push(pid),
            Ok(Line::Ended(pid)) => {
                left.processes.retain(|k| k.pid != Some(pid));
                left.stopping.retain(|p| *p != pid);
            }
            Err(_) => {}
        }
    }
    left
}

/// When the kernel started a process, in clock ticks since boot.
pub fn since_of(pid: u32) -> Option<u64> {
    stat(pid).map(|stat| stat.since)
}

impl Keeper {
    /// Writes to a file from now on.
    pub fn begin(path: &Path, upgrades: u64) -> Keeper {
        Keeper {
            path: path.to_path_buf(),
            upgrades,
            ..Keeper::default()
        }
    }

    /// How often this process was upgraded.
    pub fn upgrades(&self) -> u64 {
        self.upgrades
    }

    /// Whether [`Keeper::rewrite`] is due.
    pub fn is_full(&self, processes: usize) -> bool {
        let failed = self.failed.is_some_and(|at| at.elapsed() >= AGAIN);
        failed || self.lines > processes + SLACK
    }

    /// Puts a new file in the place of the old one. `next` is for the program that takes over.
    ///
    /// # Errors
    /// A full disk and the like; the old file stays.
    pub fn rewrite(&mut self, processes: &[Kept], next: bool) -> io::Result<()> {
        let written = self.replace(processes, next);
        self.failed = written.is_err().then(Instant::now);
        written
    }

    fn replace(&mut self, processes: &[Kept], next: bool) -> io::Result<()> {
        let pid = std::process::id();
        let mut text = serde_json::to_string(&Line::Daemon {
            pid,
            since: since_of(pid).unwrap_or(0),
            upgrades: self.upgrades + u64::from(next),
        })?;
        for kept in processes {
            text.push('\n');
            text.push_str(&serde_json::to_string(&Line::Process(Box::new(
                kept.clone(),
            )))?);
        }
        text.push('\n');
        let fresh = self.path.with_extension("new");
        absent_is_fine(std::fs::remove_file(&fresh))?;
        let mut file = open(&fresh)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&fresh, &self.path)?;
        self.file = Some(file);
        self.lines = processes.len() + 1;
        Ok(())
    }

    /// What is to be told of a [`Keeper::rewrite`]: that it does not work, or works again.
    pub fn news(&mut self, written: io::Result<()>) -> Option<String> {
        let before = std::mem::replace(&mut self.told, written.is_err());
        let path = self.path.display();
        match written {
            Err(e) if !before => Some(format!(
                "cannot write {path}: {e}; processes would not be found again after a kill"
            )),
            Ok(()) if before => Some(format!("{path} is written again")),
            _ => None,
        }
    }

    fn write(&mut self, line: &Line) {
        let (Some(file), Ok(mut text)) = (&mut self.file, serde_json::to_string(line)) else {
            return;
        };
        text.push('\n');
        self.lines += 1;
        // A line that was cut off spoils the next: the file is due to be written anew.
        if file.write_all(text.as_bytes()).is_err() && self.failed.is_none() {
            self.lines = usize::MAX;
        }
    }

    /// A process was started.
    pub fn started(&mut self, kept: Kept) {
        self.write(&Line::Process(Box::new(kept)));
    }

    /// A process was asked to stop.
    pub fn stopping(&mut self, pid: i32) {
        self.write(&Line::Stopping(pid));
    }

    /// A process ended.
    pub fn ended(&mut self, pid: i32) {
        self.write(&Line::Ended(pid));
    }

    /// Nothing is left to keep.
    pub fn end(&mut self) {
        if self.file.take().is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str, pid: i32) -> Kept {
        Kept {
            group: "g".into(),
            name: name.into(),
            pid: Some(pid),
            since: 1,
            start: 2,
            stop: 0,
            state: 20,
            pipes: [1, 2, 3],
            fds: [-1; 3],
            logs: [None, None],
            tree: None,
            ready: false,
        }
    }

    #[test]
    fn what_ended_is_not_left_and_a_cut_line_is_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.pid.children");
        let mut keeper = Keeper::begin(&path, 0);
        keeper.rewrite(&[kept("a", 1)], false).unwrap();
        keeper.started(kept("b", 2));
        keeper.ended(1);
        keeper.stopping(2);
        assert_eq!(left(&path).processes, [], "the writer lives");
        drop(keeper);
        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"Ended\":2");
        std::fs::write(&path, text).unwrap();
        let left = left(&path);
        assert_eq!(left.processes, [kept("b", 2)]);
        assert_eq!(left.stopping, [2]);
        assert!(left.resumed);
    }
}
