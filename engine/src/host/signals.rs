//! The interrupt key: the first asks for a safe end, the second ends the program at once.
#![allow(unsafe_code)]

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, Signal};

static REQUESTED: AtomicBool = AtomicBool::new(false);

extern "C" fn interrupted(number: libc::c_int) {
    if REQUESTED.swap(true, Ordering::Relaxed) {
        // SAFETY: `_exit` is async-signal-safe and takes any status; it does not return.
        unsafe { libc::_exit(128 + number) }
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP raise the returned flag instead of ending the program;
/// one that comes while the flag is up ends the program at once, with exit code 128 + its number.
///
/// A burn that is told to stop by the flag ends with the disc in a stated condition. To be called
/// by programs, not libraries: it replaces the process's handlers. Further calls return the same
/// flag.
pub fn on_interrupt() -> &'static AtomicBool {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let handler = SigHandler::Handler(interrupted);
        let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            // SAFETY: the handler touches one atomic and calls `_exit`, both async-signal-safe, and
            // lives as long as the program.
            let installed = unsafe { signal::sigaction(signal, &action) };
            // It fails only for signals that cannot be caught.
            debug_assert!(installed.is_ok(), "{signal} can be caught");
        }
    });
    &REQUESTED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_interrupt_raises_the_flag() {
        let flag = on_interrupt();
        assert!(!flag.load(Ordering::Relaxed));
        signal::raise(Signal::SIGTERM).expect("signal to ourselves");
        assert!(flag.load(Ordering::Relaxed));
        flag.store(false, Ordering::Relaxed);
    }
}
