//! The journal of a session: which steps have begun to change the host, and what came of each.
//!
//! It is for the agent that comes after one that is gone, so it need not outlive the host's page
//! cache: nothing is synced. What a step without effects came to waits in memory until a later step
//! is about to have one; had it been lost, performing the step again would have been harmless.
//! Where the host itself was restarted, the journal may lack its end and says so
//! ([`Past::reliable`]).
//!
//! A line begins with its kind: `H boot`, `B id key` (begun), `D id key answer`, `P id key` (done,
//! its result is not written down).

use crate::sys::real::hold_with_commands;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Journals that nobody asked for in so long are removed.
const UNUSED: Duration = Duration::from_secs(7 * 24 * 3600);

/// More than this is not kept in memory.
const MOST: usize = 64 * 1024;

/// A journal that is written.
pub struct Journal {
    path: PathBuf,
    file: Flock<File>,
    waiting: Vec<u8>,
}

/// What a journal says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The host has run since then, so that nothing is missing.
    pub reliable: bool,
    /// The last step that has begun to have effects.
    pub begun: u64,
    /// Steps by number, with their keys, and their answers where they were written down.
    pub steps: Vec<(u64, String, Option<Vec<u8>>)>,
}

/// The directory of all sessions of this user that change the host, or of those that do not; closed
/// to others.
///
/// # Errors
/// It cannot be made.
pub fn directory(changing: bool) -> io::Result<PathBuf> {
    let passing = super::runtime_dir().filter(|_| !changing);
    let dir = passing
        .or_else(super::state_dir)
        .ok_or_else(|| io::Error::other("there is no home directory"))?
        .join("sessions");
    DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
    Ok(dir)
}

impl Journal {
    /// Opens the journal of a session, and begins it where there is none. `None` while another
    /// agent holds it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn open(dir: &Path, session: &str) -> io::Result<Option<(Journal, Past)>> {
        let path = dir.join(format!("{session}.journal"));
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)?;
        let mut file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((_, nix::errno::Errno::EWOULDBLOCK)) => return Ok(None),
            Err((_, e)) => return Err(e.into()),
        };
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let boot = boot();
        let past = read(&text, &boot);
        let mut journal = Journal {
            path,
            file,
            waiting: Vec::new(),
        };
        if text.is_empty() {
            journal.waiting = format!("H {boot}\n").into_bytes();
        } else if !text.ends_with(b"\n") {
            // The end of a line was lost.
            journal.waiting.push(b'\n');
        }
        Ok(Some((journal, past)))
    }

    /// Keeps the journal locked, should this process be killed, until its commands have ended.
    pub fn outlive(&self) {
        hold_with_commands(self.file.as_raw_fd());
    }

    /// A step is about to have its first effect. What is said here is there, whatever ends this
    /// process.
    pub fn begun(&mut self, id: u64, key: &str) {
        let line = format!("B {id} {key}\n");
        self.waiting.extend_from_slice(line.as_bytes());
        self.write();
    }

    /// A step has its answer, as sent; `None` if that is not to be written down. True if the step
    /// had begun to change the host is told by `acted`.
    pub fn done(&mut self, id: u64, key: &str, answer: Option<&[u8]>, acted: bool) {
        let line = match answer {
            Some(_) => format!("D {id} {key} "),
            None => format!("P {id} {key}"),
        };
        self.waiting.extend_from_slice(line.as_bytes());
        self.waiting.extend_from_slice(answer.unwrap_or_default());
        self.waiting.push(b'\n');
        if acted || self.waiting.len() > MOST {
            self.write();
        }
    }

    /// Writes what waits.
    pub fn write(&mut self) {
        // Where it cannot be written, the next agent knows less: it says that it does not know.
        let _ = self.file.write_all(&self.waiting);
        self.waiting.clear();
    }

    /// The session is over, nobody will ask.
    pub fn remove(&self) {
        // It goes later if not now.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn read(text: &[u8], boot: &str) -> Past {
    let mut past = Past::default();
    // What does not end with a newline was cut.
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    for line in lines.filter_map(|line| line.strip_suffix(b"\n")) {
        let mut words = line.splitn(4, |byte| *byte == b' ');
        let kind = words.next().unwrap_or_default();
        let mut word = || {
            words
                .next()
                .map(|w| String::from_utf8_lossy(w).into_owned())
        };
        let first = word().unwrap_or_default();
        if kind == b"H" {
            past.reliable = first == boot;
            continue;
        }
        let (Ok(id), Some(key)) = (first.parse(), word()) else {
            continue;
        };
        let answer = match kind {
            b"B" => {
                past.begun = past.begun.max(id);
                None
            }
            b"D" => words.next().map(<[u8]>::to_vec),
            b"P" => None,
            _ => continue,
        };
        // What has ended counts, not that it had begun.
        if past.steps.last().is_some_and(|(last, _, _)| *last == id) {
            past.steps.pop();
        }
        past.steps.push((id, key, answer));
    }
    past
}

/// Names the time since the host was started.
fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// Removes what sessions have left that nobody went on with.
pub fn tidy(dir: &Path, now: SystemTime) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let old = path
            .symlink_metadata()
            .and_then(|found| found.modified())
            .is_ok_and(|at| now.duration_since(at).is_ok_and(|age| age > UNUSED));
        if old {
            // Somebody else may have removed it.
            let _ = std::fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn open(dir: &Path) -> (Journal, Past) {
        Journal::open(dir, "s1").unwrap().unwrap()
    }

    #[test]
    fn what_a_step_without_effects_came_to_is_written_with_the_next_effect() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("s1.journal");
        let text = || std::fs::read_to_string(&file).unwrap();
        let (mut journal, past) = open(dir.path());
        assert_eq!(past, Past::default());
        assert!(Journal::open(dir.path(), "s1").unwrap().is_none(), "held");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        journal.done(1, "0:1", Some(b"{\"a\":1}"), false);
        assert_eq!(text(), "");
        journal.begun(2, "0:2");
        assert_eq!(
            text(),
            format!("H {}\nD 1 0:1 {{\"a\":1}}\nB 2 0:2\n", boot())
        );
        journal.done(2, "0:2", None, true);
        drop(journal);
        let (_, past) = open(dir.path());
        let steps = vec![
            (1, "0:1".to_owned(), Some(b"{\"a\":1}".to_vec())),
            (2, "0:2".to_owned(), None),
        ];
        assert_eq!((past.begun, past.steps), (2, steps));
        assert!(past.reliable);
    }

    #[test]
    fn every_cut_reads_as_a_beginning() {
        let whole = b"H now\nD 1 k1 {\"x\": \"a b\"}\nB 2 k2\nD 2 k2 {}\nB 3 k3\n";
        let all = read(whole, "now");
        assert_eq!((all.begun, all.steps.len(), all.reliable), (3, 3, true));
        assert_eq!(all.steps[2], (3, "k3".to_owned(), None));
        for cut in 0..whole.len() {
            let some = read(&whole[..cut], "now");
            assert!(some.begun <= 3 && some.steps.len() <= 3);
            for (id, key, answer) in some.steps.iter().filter(|(id, _, _)| *id == 1) {
                assert_eq!((*id, key.as_str()), (1, "k1"));
                assert_eq!(answer.as_deref(), Some(&b"{\"x\": \"a b\"}"[..]));
            }
        }
        assert!(!read(whole, "later").reliable);
    }

    #[test]
    fn old_ones_go() {
        let dir = tempfile::tempdir().unwrap();
        drop(open(dir.path()));
        tidy(dir.path(), SystemTime::now());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        tidy(dir.path(), SystemTime::now() + 2 * UNUSED);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
