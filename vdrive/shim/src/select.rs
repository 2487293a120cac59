//! Waiting with select(2). An sr node is ready at any time, as block devices are; its connection
//! is not, which has nothing to say before it is asked. What sg nodes have to say comes over their
//! connections, so the system waits for those.

use core::ffi::{c_int, c_void};

use crate::files::slot;
use crate::real;

/// `FD_SETSIZE`
const MOST: c_int = 1024;

/// `fd_set`
type Set = *mut u64;

/// Whether an open file of the server is always ready.
fn always(fd: c_int) -> bool {
    slot(fd).is_some_and(|slot| !slot.node().sg)
}

/// Takes what is always ready out of a set: what that was.
///
/// # Safety
/// `set` is null or leads to a set that holds `count` descriptors.
unsafe fn without(set: Set, count: c_int) -> [u64; MOST as usize / 64] {
    let mut taken = [0; MOST as usize / 64];
    if set.is_null() {
        return taken;
    }
    for fd in 0..count.clamp(0, MOST) {
        let (word, bit) = (fd as usize / 64, 1 << (fd % 64));
        // SAFETY: passed on to the caller.
        unsafe {
            let place = set.add(word);
            if place.read() & bit != 0 && always(fd) {
                place.write(place.read() & !bit);
                taken[word] |= bit;
            }
        }
    }
    taken
}

/// Puts it back: how many descriptors.
///
/// # Safety
/// As for `without`.
unsafe fn back(set: Set, taken: &[u64]) -> c_int {
    let mut count = 0;
    for (word, bits) in taken.iter().enumerate().filter(|(_, bits)| **bits != 0) {
        // SAFETY: passed on to the caller; what was taken was there.
        unsafe { set.add(word).write(set.add(word).read() | bits) };
        count += bits.count_ones() as c_int;
    }
    count
}

/// Waits by `wait`, which is told whether something is ready before it.
///
/// # Safety
/// As for select(2).
unsafe fn selected(
    count: c_int,
    [read, write, except]: [*mut c_void; 3],
    wait: impl FnOnce(bool) -> c_int,
) -> c_int {
    // SAFETY: passed on to the caller.
    unsafe {
        let (to_read, to_write) = (without(read.cast(), count), without(write.cast(), count));
        // Nothing exceptional happens to a block device.
        without(except.cast(), count);
        let ready = to_read.iter().chain(&to_write).any(|bits| *bits != 0);
        let others = wait(ready);
        if others < 0 {
            return others;
        }
        others + back(read.cast(), &to_read) + back(write.cast(), &to_write)
    }
}

/// select(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn select(
    count: c_int,
    read: *mut c_void,
    write: *mut c_void,
    except: *mut c_void,
    limit: *mut c_void,
) -> c_int {
    let mut none = libc::timeval { tv_sec: 0, tv_usec: 0 };
    // SAFETY: as the caller called it.
    unsafe {
        selected(count, [read, write, except], |ready| {
            let limit = if ready { (&raw mut none).cast() } else { limit };
            real::select(count, read, write, except, limit)
        })
    }
}

/// pselect(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pselect(
    count: c_int,
    read: *mut c_void,
    write: *mut c_void,
    except: *mut c_void,
    limit: *const c_void,
    mask: *const c_void,
) -> c_int {
    let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: as the caller called it.
    unsafe {
        selected(count, [read, write, except], |ready| {
            let limit = if ready { (&raw const none).cast() } else { limit };
            real::pselect(count, read, write, except, limit, mask)
        })
    }
}
