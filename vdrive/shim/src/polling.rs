//! Waiting for descriptors. A block device is always ready (poll(2): regular files and block
//! devices), while the connection behind it has nothing to read.

use core::ffi::c_int;

use crate::files::slot;
use crate::real;

/// What a block device is ready for, of what is asked.
const READY: i16 = libc::POLLIN | libc::POLLOUT | libc::POLLRDNORM | libc::POLLWRNORM;

fn is_block(fd: c_int) -> bool {
    fd >= 0 && slot(fd).is_some_and(|slot| !slot.node().sg)
}

/// Whether one of them is a block node and asked for something that it is ready for.
fn ready(entry: &libc::pollfd) -> bool {
    entry.events & READY != 0 && is_block(entry.fd)
}

/// Asks about the others without waiting, if a block node is ready; else as it came.
///
/// # Safety
/// `list` leads to `len` entries.
unsafe fn among(
    list: *mut libc::pollfd,
    len: libc::nfds_t,
    ask: impl FnOnce(bool) -> c_int,
) -> c_int {
    if list.is_null() || len == 0 {
        return ask(false);
    }
    let Ok(len) = usize::try_from(len) else { return ask(false) };
    // SAFETY: passed on to the caller.
    let entries = || unsafe { core::slice::from_raw_parts_mut(list, len) };
    if !entries().iter().any(ready) {
        return ask(false);
    }
    let others = ask(true);
    if others < 0 {
        return others;
    }
    let mut count = 0;
    for entry in entries() {
        if ready(entry) {
            entry.revents = entry.events & READY;
        }
        count += c_int::from(entry.revents != 0);
    }
    count
}

/// poll(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn poll(list: *mut libc::pollfd, len: libc::nfds_t, timeout: c_int) -> c_int {
    // SAFETY: passed on as it came.
    let ask = |at_once| unsafe { real::poll(list, len, if at_once { 0 } else { timeout }) };
    // SAFETY: the caller's entries are as many as it says.
    unsafe { among(list, len, ask) }
}

/// poll(2) of programs built with checks.
#[unsafe(no_mangle)]
unsafe extern "C" fn __poll_chk(
    list: *mut libc::pollfd,
    len: libc::nfds_t,
    timeout: c_int,
    room: usize,
) -> c_int {
    let wait = |at_once| if at_once { 0 } else { timeout };
    // SAFETY: passed on as it came.
    let ask = |at_once| unsafe { real::__poll_chk(list, len, wait(at_once), room) };
    // SAFETY: the caller's entries are as many as it says.
    unsafe { among(list, len, ask) }
}

/// ppoll(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn ppoll(
    list: *mut libc::pollfd,
    len: libc::nfds_t,
    timeout: *const libc::timespec,
    mask: *const libc::sigset_t,
) -> c_int {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let wait = |at_once| if at_once { &raw const now } else { timeout };
    // SAFETY: passed on as it came.
    let ask = |at_once| unsafe { real::ppoll(list, len, wait(at_once), mask) };
    // SAFETY: the caller's entries are as many as it says.
    unsafe { among(list, len, ask) }
}

/// ppoll(2) of programs built with checks.
#[unsafe(no_mangle)]
unsafe extern "C" fn __ppoll_chk(
    list: *mut libc::pollfd,
    len: libc::nfds_t,
    timeout: *const libc::timespec,
    mask: *const libc::sigset_t,
    room: usize,
) -> c_int {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let wait = |at_once| if at_once { &raw const now } else { timeout };
    // SAFETY: passed on as it came.
    let ask = |at_once| unsafe { real::__ppoll_chk(list, len, wait(at_once), mask, room) };
    // SAFETY: the caller's entries are as many as it says.
    unsafe { among(list, len, ask) }
}

/// epoll_ctl(2): what is always ready cannot be waited for.
#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_ctl(
    epoll: c_int,
    what: c_int,
    fd: c_int,
    event: *mut libc::epoll_event,
) -> c_int {
    if is_block(fd) {
        real::set_errno(libc::EPERM);
        return -1;
    }
    // SAFETY: passed on as it came.
    unsafe { real::epoll_ctl(epoll, what, fd, event) }
}

/// The block nodes of a set: taken out of it before, put into it again afterwards.
struct Blocks {
    set: *mut libc::fd_set,
    nodes: [c_int; MOST],
    len: usize,
}

/// Most block nodes of one set.
const MOST: usize = 16;

impl Blocks {
    /// # Safety
    /// `set` leads to a set that holds `count` descriptors, if it is not null.
    unsafe fn out_of(set: *mut libc::fd_set, count: c_int) -> Blocks {
        let mut blocks = Blocks { set, nodes: [0; MOST], len: 0 };
        if set.is_null() {
            return blocks;
        }
        for fd in 0..count.min(libc::FD_SETSIZE as c_int) {
            // SAFETY: passed on to the caller.
            if unsafe { libc::FD_ISSET(fd, set) } && is_block(fd) && blocks.len < MOST {
                blocks.nodes[blocks.len] = fd;
                blocks.len += 1;
            }
        }
        blocks
    }

    /// # Safety
    /// As for `out_of`.
    unsafe fn take_out(&self) {
        for fd in &self.nodes[..self.len] {
            // SAFETY: passed on to the caller.
            unsafe { libc::FD_CLR(*fd, self.set) };
        }
    }

    /// # Safety
    /// As for `out_of`.
    unsafe fn put_in(&self) -> c_int {
        for fd in &self.nodes[..self.len] {
            // SAFETY: passed on to the caller.
            unsafe { libc::FD_SET(*fd, self.set) };
        }
        self.len as c_int
    }
}

/// The sets of a call: with block nodes, the rest is asked without waiting.
///
/// # Safety
/// The sets hold `count` descriptors.
unsafe fn sets(
    count: c_int,
    read: *mut libc::fd_set,
    write: *mut libc::fd_set,
    except: *mut libc::fd_set,
    ask: impl FnOnce(bool) -> c_int,
) -> c_int {
    // SAFETY: passed on to the caller.
    unsafe {
        let [read, write, except] = [read, write, except].map(|set| Blocks::out_of(set, count));
        except.take_out();
        if read.len + write.len == 0 {
            return ask(false);
        }
        read.take_out();
        write.take_out();
        match ask(true) {
            others if others < 0 => others,
            others => others + read.put_in() + write.put_in(),
        }
    }
}

/// select(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn select(
    count: c_int,
    read: *mut libc::fd_set,
    write: *mut libc::fd_set,
    except: *mut libc::fd_set,
    timeout: *mut libc::timeval,
) -> c_int {
    let mut now = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let now = &raw mut now;
    let wait = |at_once| if at_once { now } else { timeout };
    // SAFETY: passed on as it came.
    let ask = |at_once| unsafe { real::select(count, read, write, except, wait(at_once)) };
    // SAFETY: the caller's sets hold what it says.
    unsafe { sets(count, read, write, except, ask) }
}

/// pselect(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pselect(
    count: c_int,
    read: *mut libc::fd_set,
    write: *mut libc::fd_set,
    except: *mut libc::fd_set,
    timeout: *const libc::timespec,
    mask: *const libc::sigset_t,
) -> c_int {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let wait = |at_once| if at_once { &raw const now } else { timeout };
    // SAFETY: passed on as it came.
    let ask = |at_once| unsafe { real::pselect(count, read, write, except, wait(at_once), mask) };
    // SAFETY: the caller's sets hold what it says.
    unsafe { sets(count, read, write, except, ask) }
}
