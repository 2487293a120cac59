//! A lock that a forked child can take apart, and that knows whether the same thread comes back: a
//! signal handler that calls in while its thread is in here must not wait for itself.

use core::ptr::null;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The lock.
pub(crate) struct Lock {
    /// 0 free, 1 held, 2 held and waited for.
    word: AtomicU32,
    owner: AtomicUsize,
}

/// It is held until this goes.
pub(crate) struct Held<'a>(&'a Lock);

fn me() -> usize {
    // SAFETY: has no requirements.
    unsafe { libc::pthread_self() as usize }
}

impl Lock {
    pub(crate) const fn new() -> Lock {
        Lock { word: AtomicU32::new(0), owner: AtomicUsize::new(0) }
    }

    /// Takes it. `None` if this very thread has it.
    pub(crate) fn take(&self) -> Option<Held<'_>> {
        let me = me();
        if self.owner.load(Ordering::Relaxed) == me {
            return None;
        }
        let free = self.word.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed);
        if free.is_err() {
            while self.word.swap(2, Ordering::Acquire) != 0 {
                // SAFETY: the word lives as long as the program; a null time-out waits for ever.
                unsafe {
                    libc::syscall(
                        libc::SYS_futex,
                        self.word.as_ptr(),
                        libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
                        2,
                        null::<libc::timespec>(),
                    )
                };
            }
        }
        self.owner.store(me, Ordering::Relaxed);
        Some(Held(self))
    }

    /// Makes it free, in a child that has only the one thread that forked.
    pub(crate) fn reset(&self) {
        self.owner.store(0, Ordering::Relaxed);
        self.word.store(0, Ordering::Release);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.owner.store(0, Ordering::Relaxed);
        if self.0.word.swap(0, Ordering::Release) == 2 {
            // SAFETY: the word lives as long as the program.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.0.word.as_ptr(),
                    libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                    1,
                )
            };
        }
    }
}
