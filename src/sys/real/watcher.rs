//! A process that ends the commands of an agent that was killed.
//!
//! An agent that ends by itself ends its commands first. One that is killed cannot, so a small process
//! watches it: the commands that run are told to it through a pipe, and the end of that pipe is the
//! end of the agent. It is a fork of the agent that executes nothing and makes only system calls.

use nix::libc;
use nix::unistd::{ForkResult, fork, pipe2};
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, RawFd};

/// Commands that run at the same time, at most; further ones are not watched.
const MOST: usize = 64;

/// An agent has fewer descriptors than this.
const DESCRIPTORS: RawFd = 4096;

/// How long commands have to end when they are asked to, in hundredths of a second.
const LENIENCE: u32 = 200;

/// What is told of a command that has no number yet.
const STARTS: i32 = 0;
const FAILED: i32 = i32::MIN;

/// The agent's end of the pipe.
pub(super) struct Watcher(File);

impl Watcher {
    /// Starts the process. It keeps `held` open until the commands have ended.
    ///
    /// # Errors
    /// The system has no process or no descriptor left.
    #[expect(unsafe_code, reason = "the child must not execute anything")]
    pub(super) fn start(held: Option<RawFd>) -> nix::Result<Watcher> {
        let (from, to) = pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        // SAFETY: the child makes system calls only, on values of its own stack, and never returns.
        match unsafe { fork() }? {
            // SAFETY: as above.
            ForkResult::Child => unsafe { watch(from.as_raw_fd(), held.unwrap_or(-1)) },
            ForkResult::Parent { .. } => Ok(Watcher(File::from(to))),
        }
    }

    /// What the process of a command is to call [`begins`] with before it executes anything.
    pub(super) fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    /// A command is about to be started.
    pub(super) fn starts(&mut self) {
        self.say(STARTS);
    }

    /// The command that was about to be started could not be.
    pub(super) fn failed(&mut self) {
        self.say(FAILED);
    }

    /// The command that leads a session has ended.
    pub(super) fn ended(&mut self, session: i32) {
        self.say(-session);
    }

    fn say(&mut self, number: i32) {
        // A watcher that is gone needs not know.
        let _ = self.0.write_all(&number.to_ne_bytes());
    }
}

/// Tells the watcher of a new session, which this process leads. Between fork and exec.
pub(super) fn begins(watcher: RawFd) {
    // SAFETY: system calls only, on a value of this function.
    #[expect(unsafe_code, reason = "nothing may be allocated here")]
    unsafe {
        let bytes = libc::getpid().to_ne_bytes();
        let _ = libc::write(watcher, bytes.as_ptr().cast(), bytes.len());
    }
}

/// The life of the watcher.
///
/// # Safety
/// For the only thread of a new process.
#[expect(unsafe_code, reason = "system calls only")]
unsafe fn watch(from: RawFd, held: RawFd) -> ! {
    // SAFETY: as the caller promises; all pointers are to values of this function.
    unsafe {
        // What ends the agent's session or group does not end the watcher.
        libc::setsid();
        for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGPIPE] {
            libc::signal(signal, libc::SIG_IGN);
        }
        libc::prctl(libc::PR_SET_NAME, c"gxdeploy-watch".as_ptr());
        let _ = libc::chdir(c"/".as_ptr());
        close_all_but(from, held);
        let mut sessions = Sessions::new();
        let mut bytes = [0u8; 4];
        loop {
            match libc::read(from, bytes.as_mut_ptr().cast(), bytes.len()) {
                4 => sessions.note(i32::from_ne_bytes(bytes)),
                -1 if *libc::__errno_location() == libc::EINTR => {}
                _ => break,
            }
        }
        end(&sessions.all);
        libc::_exit(0)
    }
}

/// Streams of the agent would keep its connection open.
#[expect(unsafe_code, reason = "system calls only")]
fn close_all_but(one: RawFd, other: RawFd) {
    let (low, high) = (one.min(other), one.max(other));
    let mut first = 0;
    for kept in [low, high, RawFd::MAX] {
        if kept > first {
            // SAFETY: this process uses none of them.
            unsafe {
                if libc::syscall(libc::SYS_close_range, first, kept - 1, 0) != 0 {
                    // A kernel before 5.9.
                    for number in first..kept.min(DESCRIPTORS) {
                        libc::close(number);
                    }
                }
            }
        }
        first = first.max(kept.saturating_add(1));
    }
}

/// The sessions that there are, 0 where there is none.
struct Sessions {
    all: [i32; MOST],
    /// The place of the one that was started last.
    last: usize,
}

impl Sessions {
    fn new() -> Sessions {
        Sessions {
            all: [0; MOST],
            last: MOST,
        }
    }

    /// A positive number begins a session, a negative one ends it.
    fn note(&mut self, said: i32) {
        match said {
            STARTS => self.last = MOST,
            FAILED => {
                if let Some(place) = self.all.get_mut(self.last) {
                    *place = 0;
                }
            }
            begun @ 1.. => {
                self.last = self.all.iter().position(|one| *one == 0).unwrap_or(MOST);
                if let Some(place) = self.all.get_mut(self.last) {
                    *place = begun;
                }
            }
            ended => {
                if let Some(place) = self.all.iter_mut().find(|one| **one == -ended) {
                    *place = 0;
                }
            }
        }
    }
}

/// Asks the sessions to end, and kills what has not ended in time.
#[expect(unsafe_code, reason = "system calls only")]
fn end(sessions: &[i32; MOST]) {
    let signal = |signal: i32| {
        let mut found = false;
        for session in sessions.iter().filter(|session| **session > 1) {
            // SAFETY: a system call on numbers.
            found |= unsafe { libc::kill(-*session, signal) } == 0;
        }
        found
    };
    let mut left = signal(libc::SIGTERM);
    for _ in 0..LENIENCE {
        if !left {
            return;
        }
        // SAFETY: a system call on a number.
        unsafe {
            libc::usleep(10_000);
        }
        left = signal(0);
    }
    signal(libc::SIGKILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_come_and_go() {
        let mut sessions = Sessions::new();
        // One that could not be started, before and after it had a number.
        for said in [0, 7, 0, 8, -7, 0, 9, -5, 0, FAILED, 0, 11, FAILED] {
            sessions.note(said);
        }
        assert_eq!(sessions.all[..3], [9, 8, 0]);
        for said in 100..200 {
            sessions.note(STARTS);
            sessions.note(said);
        }
        assert!(sessions.all.iter().all(|session| *session > 0));
        sessions.note(FAILED);
        sessions.note(-8);
        assert!(!sessions.all.contains(&8) && sessions.all.contains(&9));
    }
}
