//! Everything a copy of a program started, however far it went: found by a mark in its environment.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The variable that marks a copy and all that comes from it.
pub const MARK: &str = "GXDEPLOY_TREE";

/// A process that forks while it is being ended is looked for this often.
const ROUNDS: usize = 100;

/// A mark that no other copy has.
pub fn mark() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The processes that carry a mark.
pub fn members(mark: &str) -> Vec<Pid> {
    let wanted = format!("{MARK}={mark}");
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    let pids = entries.flatten().filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let environment = std::fs::read(entry.path().join("environ")).ok()?;
        let found = environment
            .split(|b| *b == 0)
            .any(|pair| pair == wanted.as_bytes());
        found.then_some(Pid::from_raw(pid))
    });
    pids.collect()
}

/// Sends a signal to all of them.
pub fn signal(mark: &str, signal: Signal) {
    for pid in members(mark) {
        // One that ended meanwhile needs no signal.
        let _ = kill(pid, signal);
    }
}

/// Kills whatever is left.
pub fn end(mark: &str) {
    for _ in 0..ROUNDS {
        let left = members(mark);
        if left.is_empty() {
            return;
        }
        for pid in left {
            // One that ended meanwhile needs no signal.
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}
