//! Ctrl-C (and SIGTERM): the first one ends the run and the steps under way, the second one this
//! process at once. A question that is asked on the terminal ends with the first.

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::termios::Termios;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// The terminal, and how it was before it was made silent for a password.
static TERMINAL: OnceLock<(File, libc::termios)> = OnceLock::new();
static SILENT: AtomicBool = AtomicBool::new(false);

/// The exit code of a run that the user has interrupted (observed: ansible-core 2.19.14).
const EXIT: i32 = 99;

/// Said where this process does not wait for its hosts.
const LEFT: &[u8] =
    b"ended at once: what still runs on hosts is ended there, at the latest when its agent \
has waited in vain for a new connection\n";

extern "C" fn on_signal(_: i32) {
    match FLAG.get() {
        Some(flag) if !flag.swap(true, Ordering::SeqCst) => {}
        second => leave(second.is_some()),
    }
}

/// Ends this process. In a signal handler.
#[expect(unsafe_code, reason = "the second Ctrl-C must not wait for anything")]
fn leave(told: bool) -> ! {
    // SAFETY: only system calls; the values are there for good once they are.
    unsafe {
        if let (true, Some((terminal, before))) = (SILENT.load(Ordering::SeqCst), TERMINAL.get()) {
            libc::tcsetattr(terminal.as_raw_fd(), libc::TCSANOW, before);
            libc::write(terminal.as_raw_fd(), b"\n".as_ptr().cast(), 1);
        }
        if told {
            if libc::isatty(2) == 1 {
                // In the place of a progress bar.
                libc::write(2, b"\r\x1b[2K".as_ptr().cast(), 5);
            }
            libc::write(2, LEFT.as_ptr().cast(), LEFT.len());
        }
        libc::_exit(EXIT)
    }
}

/// Sets `flag` when the user interrupts.
pub fn watch(flag: &Arc<AtomicBool>) {
    if FLAG.set(flag.clone()).is_ok() {
        handle();
    }
}

/// Whether the user has interrupted.
pub fn is_set() -> bool {
    FLAG.get().is_some_and(|flag| flag.load(Ordering::SeqCst))
}

/// The terminal is about to be made silent: whatever ends this process, it is as it was `before`.
pub fn silence(terminal: &File, before: &Termios) {
    if let Ok(terminal) = terminal.try_clone() {
        // One that was noted earlier is the same.
        let _ = TERMINAL.set((terminal, before.clone().into()));
        SILENT.store(true, Ordering::SeqCst);
        handle();
    }
}

/// It is as it was.
pub fn silence_ends() {
    SILENT.store(false, Ordering::SeqCst);
}

fn handle() {
    let action = SigAction::new(
        SigHandler::Handler(on_signal),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    // SAFETY: the handler only makes system calls and touches atomics.
    #[expect(unsafe_code, reason = "there is no safe way to set a handler")]
    unsafe {
        // A process that cannot have the handler keeps the default: it ends at once.
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let _ = sigaction(signal, &action);
        }
    }
}
