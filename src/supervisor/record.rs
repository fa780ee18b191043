//! What is remembered of a process beyond its state: how it ended, how often it started.

use super::cgroup::Cgroup;
use super::proc::{Ended, Millis};
use std::fs::File;
use std::io::Read;

/// A count is taken for the present one for so long, in milliseconds.
const FRESH: Millis = 100;

/// How a copy ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// By code or signal; `None` for an adopted process, whose end the kernel tells only its parent.
    pub how: Option<Ended>,
    /// Seconds since the epoch.
    pub at: i64,
    /// How long it lived, in milliseconds.
    pub lived: Millis,
    /// Whether it had been asked to stop.
    pub asked: bool,
    /// Whether the kernel killed it for want of memory.
    pub out_of_memory: bool,
}

impl End {
    /// In words: `exit code 3 after 0.2 s`.
    pub fn words(&self) -> String {
        let how = match self.how {
            None if self.out_of_memory => {
                "killed, or one of its processes: out of memory".to_owned()
            }
            None => "ended (adopted: the kernel does not say how)".to_owned(),
            Some(Ended::Code(code)) if self.out_of_memory => {
                format!("exit code {code}, a process of it killed: out of memory")
            }
            Some(Ended::Code(code)) => format!("exit code {code}"),
            Some(Ended::Signal(signal)) if self.out_of_memory => {
                format!("killed by {}: out of memory", signal.as_str())
            }
            Some(Ended::Signal(signal)) => format!("killed by {}", signal.as_str()),
        };
        let asked = if self.asked { ", as asked" } else { "" };
        let seconds = self.lived as f64 / 1000.0;
        format!("{how} after {seconds:.1} s{asked}")
    }
}

/// The record of one process.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Copies started since the daemon began.
    pub starts: u64,
    /// Copies that ended without having been asked to.
    pub crashes: u64,
    /// How the last copy ended.
    pub end: Option<End>,
    /// How many processes the kernel had killed for want of memory when the running copy was started.
    pub oom_before: u64,
    /// The control group of the running copy.
    pub cgroup: Option<Cgroup>,
    /// Whether the running copy passed its readiness check; true where it has none.
    pub ready: bool,
    /// What the last failed check said; `None` once one passed.
    pub check: Option<String>,
    /// Processes it waits for before it is started by itself.
    pub waits: Vec<String>,
    /// Inodes of the pipes at its standard input, output and error; 0 for none.
    pub pipes: [u64; 3],
    /// The daemon's descriptors of these as numbers, perhaps closed by now; -1 for none.
    pub fds: [i32; 3],
    /// Its checks.
    pub tasks: Vec<tokio::task::AbortHandle>,
    /// Failed liveness checks in a row.
    pub ailing: u64,
    /// Whether it was not ready within its time.
    pub overdue: bool,
    /// Whether it is started again once it has stopped.
    pub revive: bool,
    /// The mark of the running copy and all that it started.
    pub tree: Option<String>,
    /// Whether it was started by an earlier daemon that was killed.
    pub adopted: bool,
}

impl Record {
    /// A copy was started, when so many had been killed for want of memory.
    pub fn started(&mut self, oom_kills: u64) {
        self.starts += 1;
        self.ready = false;
        self.check = None;
        self.adopted = false;
        self.ailing = 0;
        self.overdue = false;
        self.revive = false;
        self.waits.clear();
        self.oom_before = oom_kills;
    }

    /// The copy ended.
    pub fn ended(&mut self, mut end: End) {
        if !end.asked {
            self.crashes += 1;
        }
        let killed = end.how == Some(Ended::Signal(nix::sys::signal::Signal::SIGKILL));
        end.out_of_memory |= match self.cgroup.take() {
            Some(cgroup) => {
                let out = cgroup.out_of_memory();
                cgroup.remove();
                out && !end.asked
            }
            None => killed && !end.asked && oom_kills() > self.oom_before,
        };
        self.ready = false;
        self.tasks.drain(..).for_each(|task| task.abort());
        self.end = Some(end);
    }
}

/// How many processes the kernel killed for want of memory since it booted, as last seen.
#[derive(Debug, Default)]
pub struct OomKills {
    seen: Option<(Millis, u64)>,
}

impl OomKills {
    /// The count at a moment that is not long before `now`: who starts a thousand processes at once
    /// need not ask a thousand times.
    pub fn about(&mut self, now: Millis) -> u64 {
        match self.seen {
            Some((at, count)) if now - at < FRESH => count,
            _ => {
                let count = oom_kills();
                self.seen = Some((now, count));
                count
            }
        }
    }
}

/// The count now.
fn oom_kills() -> u64 {
    // Room for all of it, which is then read at once.
    let mut text = String::with_capacity(16 << 10);
    let _ = File::open("/proc/vmstat").and_then(|mut file| file.read_to_string(&mut text));
    let line = text.lines().find_map(|l| l.strip_prefix("oom_kill "));
    line.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::Signal;

    #[test]
    fn ends_in_words() {
        let mut end = End {
            how: Some(Ended::Code(3)),
            at: 0,
            lived: 200,
            asked: false,
            out_of_memory: false,
        };
        assert_eq!(end.words(), "exit code 3 after 0.2 s");
        end.how = Some(Ended::Signal(Signal::SIGKILL));
        end.out_of_memory = true;
        assert_eq!(end.words(), "killed by SIGKILL: out of memory after 0.2 s");
        end.how = None;
        let words = "killed, or one of its processes: out of memory after 0.2 s";
        assert_eq!(end.words(), words);
    }

    #[test]
    fn crashes_are_told_from_stops() {
        let mut record = Record::default();
        let end = |asked| End {
            how: Some(Ended::Code(0)),
            at: 0,
            lived: 0,
            asked,
            out_of_memory: false,
        };
        record.started(0);
        record.ended(end(true));
        record.started(0);
        record.ended(end(false));
        assert_eq!((record.starts, record.crashes), (2, 1));
    }
}
