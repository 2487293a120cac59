//! The interrupt key: the first asks for a safe end, the second ends the program at once.
#![allow(unsafe_code)]

use std::io::{self, PipeReader, Read};
use std::os::fd::IntoRawFd;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, Once, OnceLock, PoisonError};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{self, SaFlags, SigAction, SigHandler, SigSet, Signal};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// The end of a pipe that is written to when the flag goes up; -1 while nobody waits for it.
static WAKES: AtomicI32 = AtomicI32::new(-1);

extern "C" fn interrupted(number: libc::c_int) {
    if REQUESTED.swap(true, Ordering::Relaxed) {
        // SAFETY: `_exit` is async-signal-safe and takes any status; it does not return.
        unsafe { libc::_exit(128 + number) }
    }
    let pipe = WAKES.load(Ordering::Relaxed);
    if pipe >= 0 {
        let before = Errno::last_raw();
        // SAFETY: `write` is async-signal-safe, the byte outlives the call, and the descriptor was
        // given away to live as long as the program.
        unsafe { libc::write(pipe, b"!".as_ptr().cast(), 1) };
        Errno::set_raw(before);
    }
}

/// Waits until one of the signals of [`on_interrupt`] has come. An error means that the system has
/// no pipe for this.
pub fn wait_for_interrupt() -> io::Result<()> {
    static WAITS: OnceLock<Mutex<PipeReader>> = OnceLock::new();
    let raised = on_interrupt();
    if WAITS.get().is_none() {
        let (reader, writer) = io::pipe()?;
        // Of two threads that come here at once, the slower one's pipe is closed.
        if WAITS.set(Mutex::new(reader)).is_ok() {
            WAKES.store(writer.into_raw_fd(), Ordering::Relaxed);
        }
    }
    let Some(pipe) = WAITS.get() else { return Ok(()) };
    let mut pipe = pipe.lock().unwrap_or_else(PoisonError::into_inner);
    // One that came before the pipe was there has not written to it.
    while !raised.load(Ordering::Relaxed) {
        match pipe.read(&mut [0]) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
    Ok(())
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
