//! Calls that move data from one descriptor to another, or prepare for it.

use core::ffi::{c_int, c_uint, c_void};

use crate::files::slot;
use crate::real::{self, set_errno};

/// Bytes on the way at a time.
const ROOM: usize = 32 * 1024;

unsafe extern "C" {
    fn read(fd: c_int, to: *mut c_void, len: usize) -> isize;
    fn write(fd: c_int, from: *const c_void, len: usize) -> isize;
    fn pread64(fd: c_int, to: *mut c_void, len: usize, at: i64) -> isize;
    fn pwrite64(fd: c_int, from: *const c_void, len: usize, at: i64) -> isize;
    fn lseek64(fd: c_int, by: i64, whence: c_int) -> i64;
}

/// One end of the way: a descriptor, and where in it if not at its position.
#[derive(Clone, Copy)]
struct End {
    fd: c_int,
    at: *mut i64,
}

impl End {
    /// # Safety
    /// `at` is null or leads to a number.
    unsafe fn advance(self, by: isize) {
        if !self.at.is_null() {
            // SAFETY: passed on to the caller.
            unsafe { *self.at = (*self.at).saturating_add(by as i64) };
        }
    }
}

/// Moves up to `len` bytes; what could not be written is read again next time, where the source
/// can be sought in.
///
/// # Safety
/// The places are null or lead to numbers.
unsafe fn move_on(from: End, to: End, len: usize) -> isize {
    let mut room = [0_u8; ROOM];
    let place = room.as_mut_ptr().cast::<c_void>();
    let mut done = 0;
    while (done as usize) < len {
        let size = (len - done as usize).min(ROOM);
        // SAFETY: the room is as long as said; the places are the caller's.
        let (came, went) = unsafe {
            let came = match from.at.is_null() {
                true => read(from.fd, place, size),
                false => pread64(from.fd, place, size, *from.at),
            };
            let went = match (came, to.at.is_null()) {
                (..=0, _) => came,
                (_, true) => write(to.fd, place, came as usize),
                (_, false) => pwrite64(to.fd, place, came as usize, *to.at),
            };
            if went >= 0 {
                from.advance(went);
                to.advance(went);
            }
            if went < came && from.at.is_null() {
                let errno = real::errno();
                lseek64(from.fd, (went.max(0) - came) as i64, libc::SEEK_CUR);
                set_errno(errno);
            }
            (came, went)
        };
        if went < 0 {
            return if done > 0 { done } else { went };
        }
        done += went;
        if came == 0 || went < came || (came as usize) < size {
            break;
        }
    }
    done
}

/// Whether one of two descriptors is the server's: a block node, or a node of sg, between which
/// and others nothing can be moved.
fn concerned(one: c_int, other: c_int) -> Option<Result<(), c_int>> {
    let nodes = [slot(one), slot(other)].map(|slot| slot.map(|slot| slot.node().sg));
    match nodes {
        [None, None] => None,
        [Some(true), _] | [_, Some(true)] => Some(Err(libc::EINVAL)),
        _ => Some(Ok(())),
    }
}

macro_rules! senders {
    ($($name:ident)+) => {
        $(
            /// sendfile(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                to: c_int,
                from: c_int,
                at: *mut i64,
                len: usize,
            ) -> isize {
                match concerned(from, to) {
                    // SAFETY: passed on as it came.
                    None => unsafe { real::$name(to, from, at, len) },
                    Some(Err(errno)) => {
                        set_errno(errno);
                        -1
                    }
                    Some(Ok(())) => {
                        let to = End { fd: to, at: core::ptr::null_mut() };
                        // SAFETY: the caller's place is null or a number.
                        unsafe { move_on(End { fd: from, at }, to, len) }
                    }
                }
            }
        )+
    };
}

senders! { sendfile sendfile64 }

/// splice(2): between a pipe and a drive, as much as fits in one go.
#[unsafe(no_mangle)]
unsafe extern "C" fn splice(
    from: c_int,
    from_at: *mut i64,
    to: c_int,
    to_at: *mut i64,
    len: usize,
    how: c_uint,
) -> isize {
    match concerned(from, to) {
        // SAFETY: passed on as it came.
        None => unsafe { real::splice(from, from_at, to, to_at, len, how) },
        Some(Err(errno)) => {
            set_errno(errno);
            -1
        }
        Some(Ok(())) => {
            let (from, to) = (End { fd: from, at: from_at }, End { fd: to, at: to_at });
            // SAFETY: the caller's places are null or numbers.
            unsafe { move_on(from, to, len.min(ROOM)) }
        }
    }
}

macro_rules! allocators {
    ($($name:ident)+) => {
        $(
            /// fallocate(2): a disc has all the room that it will have.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(fd: c_int, mode: c_int, from: i64, len: i64) -> c_int {
                let Some(slot) = slot(fd) else {
                    // SAFETY: passed on as it came.
                    return unsafe { real::$name(fd, mode, from, len) };
                };
                set_errno(match slot.flags() & libc::O_ACCMODE {
                    _ if from < 0 || len <= 0 => libc::EINVAL,
                    libc::O_RDONLY => libc::EBADF,
                    _ if slot.node().sg => libc::ENODEV,
                    _ => libc::EOPNOTSUPP,
                });
                -1
            }
        )+
    };
}

allocators! { fallocate fallocate64 }

/// readahead(2): nothing is kept that could be read ahead.
#[unsafe(no_mangle)]
unsafe extern "C" fn readahead(fd: c_int, from: i64, len: usize) -> isize {
    match slot(fd) {
        Some(slot) if !slot.node().sg => 0,
        // SAFETY: passed on as it came.
        _ => unsafe { real::readahead(fd, from, len) },
    }
}

/// sync_file_range(2): nothing is kept on the way to the drive.
#[unsafe(no_mangle)]
unsafe extern "C" fn sync_file_range(fd: c_int, from: i64, len: i64, how: c_uint) -> c_int {
    match slot(fd) {
        Some(slot) if !slot.node().sg => 0,
        // SAFETY: passed on as it came.
        _ => unsafe { real::sync_file_range(fd, from, len, how) },
    }
}
