//! Streams of the C library on files of the server: fopen, fdopen, fileno, standard input and
//! output.
//!
//! A stream reads by calls inside the C library that nobody can stand in for, so it is made of
//! functions of this library (fopencookie(3)), and fileno finds its descriptor again.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use crate::files::slot;
use crate::names::{self, Name};
use crate::opening::open_named;
use crate::real;

/// Most such streams at a time; those beyond have no descriptor.
const MOST: usize = 32;

static STREAMS: [(AtomicPtr<libc::FILE>, AtomicI32); MOST] =
    [const { (AtomicPtr::new(null_mut()), AtomicI32::new(-1)) }; MOST];

/// `cookie_io_functions_t` of stdio.h.
#[repr(C)]
struct Functions {
    read: unsafe extern "C" fn(*mut c_void, *mut c_char, usize) -> isize,
    write: unsafe extern "C" fn(*mut c_void, *const c_char, usize) -> isize,
    seek: unsafe extern "C" fn(*mut c_void, *mut i64, c_int) -> c_int,
    close: unsafe extern "C" fn(*mut c_void) -> c_int,
}

unsafe extern "C" {
    fn fopencookie(cookie: *mut c_void, mode: *const c_char, io: Functions) -> *mut libc::FILE;
    fn close(fd: c_int) -> c_int;
    fn read(fd: c_int, to: *mut c_void, len: usize) -> isize;
    fn write(fd: c_int, from: *const c_void, len: usize) -> isize;
    fn lseek64(fd: c_int, by: i64, whence: c_int) -> i64;
    static mut stdin: *mut libc::FILE;
    static mut stdout: *mut libc::FILE;
}

fn fd_of(cookie: *mut c_void) -> c_int {
    cookie as usize as c_int
}

unsafe extern "C" fn stream_read(cookie: *mut c_void, to: *mut c_char, len: usize) -> isize {
    // SAFETY: the C library gives a place that is as long as it says. The descriptor may have
    // become something else meanwhile.
    unsafe { read(fd_of(cookie), to.cast(), len) }
}

unsafe extern "C" fn stream_write(cookie: *mut c_void, from: *const c_char, len: usize) -> isize {
    // SAFETY: as for reading. Streams take 0 for a failure.
    unsafe { write(fd_of(cookie), from.cast(), len) }.max(0)
}

unsafe extern "C" fn stream_seek(cookie: *mut c_void, at: *mut i64, whence: c_int) -> c_int {
    // SAFETY: the C library gives a valid place.
    unsafe {
        let to = lseek64(fd_of(cookie), *at, whence);
        if to < 0 {
            return -1;
        }
        *at = to;
    }
    0
}

unsafe extern "C" fn stream_close(cookie: *mut c_void) -> c_int {
    let fd = fd_of(cookie);
    for (stream, known) in &STREAMS {
        if known.load(Ordering::Relaxed) == fd && !stream.load(Ordering::Relaxed).is_null() {
            stream.store(null_mut(), Ordering::Release);
            known.store(-1, Ordering::Relaxed);
        }
    }
    // SAFETY: the descriptor goes with its stream.
    unsafe { close(fd) }
}

/// A stream on a file of the server.
///
/// # Safety
/// `mode` is a C string.
unsafe fn stream(fd: c_int, mode: *const c_char) -> *mut libc::FILE {
    let io = Functions {
        read: stream_read,
        write: stream_write,
        seek: stream_seek,
        close: stream_close,
    };
    // SAFETY: passed on to the caller; the functions are those that the C library asks for.
    let made = unsafe { fopencookie(fd as usize as *mut c_void, mode, io) };
    if !made.is_null() {
        let free = STREAMS.iter().find(|(stream, _)| {
            stream.compare_exchange(null_mut(), made, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        });
        if let Some((_, known)) = free {
            known.store(fd, Ordering::Release);
        }
    }
    made
}

/// The flags of open(2) that a mode of fopen(3) means.
fn flags(mode: &[u8]) -> c_int {
    let plus = mode.contains(&b'+');
    let access = match (mode.first(), plus) {
        (_, true) => libc::O_RDWR,
        (Some(b'r'), false) => libc::O_RDONLY,
        _ => libc::O_WRONLY,
    };
    access | if mode.contains(&b'e') { libc::O_CLOEXEC } else { 0 }
}

macro_rules! openers {
    ($($name:ident)+) => {
        $(
            /// fopen(3).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(path: *const c_char, mode: *const c_char)
                -> *mut libc::FILE
            {
                // SAFETY: the caller's path and mode are C strings.
                unsafe {
                    if mode.is_null() {
                        return real::$name(path, mode);
                    }
                    match open_named(path, flags(CStr::from_ptr(mode).to_bytes())) {
                        Ok(fd) if fd < 0 => null_mut(),
                        Ok(fd) => {
                            let made = stream(fd, mode);
                            if made.is_null() {
                                close(fd);
                            }
                            made
                        }
                        Err(()) => match names::mirror(path) {
                            Some(there) => real::$name(there.as_ptr(), mode),
                            None => real::$name(path, mode),
                        },
                    }
                }
            }
        )+
    };
}

openers! { fopen fopen64 }

macro_rules! reopeners {
    ($($name:ident)+) => {
        $(
            /// freopen(3): a standard stream, which is a variable, can become another one.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                path: *const c_char,
                mode: *const c_char,
                old: *mut libc::FILE,
            ) -> *mut libc::FILE {
                // SAFETY: the caller's path and mode are C strings, and the stream is open.
                unsafe {
                    let input = old == stdin;
                    let ours = matches!(names::name(path), Some(Name::Node(..)));
                    if !ours || old.is_null() || !(input || old == stdout) {
                        return real::$name(path, mode, old);
                    }
                    libc::fclose(old);
                    let made = fopen64(path, mode);
                    if !made.is_null() {
                        *(if input { &raw mut stdin } else { &raw mut stdout }) = made;
                    }
                    made
                }
            }
        )+
    };
}

reopeners! { freopen freopen64 }

/// fdopen(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn fdopen(fd: c_int, mode: *const c_char) -> *mut libc::FILE {
    // SAFETY: the caller's mode is a C string.
    unsafe { if slot(fd).is_some() { stream(fd, mode) } else { real::fdopen(fd, mode) } }
}

fn known(stream: *mut libc::FILE) -> Option<c_int> {
    let (_, fd) = STREAMS.iter().find(|(known, _)| known.load(Ordering::Acquire) == stream)?;
    Some(fd.load(Ordering::Relaxed)).filter(|fd| *fd >= 0)
}

macro_rules! numbers {
    ($($name:ident)+) => {
        $(
            /// fileno(3).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(stream: *mut libc::FILE) -> c_int {
                match known(stream) {
                    Some(fd) => fd,
                    // SAFETY: passed on as it came.
                    None => unsafe { real::$name(stream) },
                }
            }
        )+
    };
}

numbers! { fileno fileno_unlocked }

/// Called before the program starts: a shell may have made a file of the server its input or
/// output.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE: unsafe extern "C" fn() = stand_in;

unsafe extern "C" fn stand_in() {
    // SAFETY: the program has not started; the variables are the C library's, made to be set.
    unsafe {
        if slot(0).is_some() {
            let made = stream(0, c"r".as_ptr());
            if !made.is_null() {
                stdin = made;
            }
        }
        if slot(1).is_some() {
            let made = stream(1, c"w".as_ptr());
            if !made.is_null() {
                stdout = made;
            }
        }
    }
}
