//! Ctrl-C (and SIGTERM): the first one ends the run and the steps under way, the second one this
//! process at once.

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

extern "C" fn on_signal(_: i32) {
    match FLAG.get() {
        Some(flag) if !flag.swap(true, Ordering::SeqCst) => {}
        // SAFETY: _exit may be called in a signal handler.
        #[expect(unsafe_code, reason = "the second Ctrl-C must not wait for anything")]
        _ => unsafe { nix::libc::_exit(99) },
    }
}

/// Sets `flag` when the user interrupts.
pub fn watch(flag: &Arc<AtomicBool>) {
    if FLAG.set(flag.clone()).is_err() {
        return;
    }
    let action = SigAction::new(
        SigHandler::Handler(on_signal),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    // SAFETY: the handler only touches an atomic.
    #[expect(unsafe_code, reason = "there is no safe way to set a handler")]
    unsafe {
        // A process that cannot have the handler keeps the default: it ends at once.
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let _ = sigaction(signal, &action);
        }
    }
}
