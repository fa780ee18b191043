//! What is left in a container when its first process, the daemon, is about to end.

use super::life::signal_process;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use std::time::{Duration, Instant};

/// How long what is left may take to end; then the kernel kills it together with the container.
const GRACE: Duration = Duration::from_secs(2);

/// Asks every other process to end, and reaps those that do.
pub fn end() {
    // Of the first process, -1 means all that it can see but itself.
    signal_process(-1, Signal::SIGTERM, false);
    let due = Instant::now() + GRACE;
    while Instant::now() < due {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => std::thread::sleep(Duration::from_millis(10)),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}
