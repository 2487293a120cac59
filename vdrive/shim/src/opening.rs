//! Opening and closing: open in all its spellings, close, dup, fcntl.

use core::ffi::{CStr, c_char, c_int, c_uint};

use crate::descriptors::set_flags;
use crate::files::{self, call, result, slot};
use crate::frame::{Op, Request};
use crate::names::{self, Name};
use crate::real::{self, set_errno};

/// A result of this library as open(2) gives it.
fn given(result: Result<c_int, c_int>) -> c_int {
    result.unwrap_or_else(|errno| {
        set_errno(errno);
        -1
    })
}

/// Opens a path if it is the server's: `Err` for all others.
///
/// # Safety
/// `path` is null or a C string.
pub(crate) unsafe fn open_named(path: *const c_char, flags: c_int) -> Result<c_int, ()> {
    // SAFETY: passed on to the caller.
    let node = match unsafe { names::name(path) } {
        Some(Name::Node(node, _) | Name::Descriptor(node)) => node,
        Some(Name::Absent) => return Ok(given(Err(libc::ENOENT))),
        Some(Name::Dev) | None => return Err(()),
    };
    if flags & libc::O_CREAT != 0 && flags & libc::O_EXCL != 0 {
        return Ok(given(Err(libc::EEXIST)));
    }
    if flags & libc::O_DIRECTORY != 0 {
        return Ok(given(Err(libc::ENOTDIR)));
    }
    let flags = if flags & libc::O_PATH != 0 { libc::O_NONBLOCK } else { flags };
    Ok(given(files::open(node, flags)))
}

macro_rules! openers {
    ($($name:ident, $next:expr;)+) => {
        $(
            /// open(2). The mode is there only with some flags; passing it on does no harm.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(path: *const c_char, flags: c_int, mode: c_uint) -> c_int {
                // SAFETY: the caller's path is a C string.
                unsafe {
                    match open_named(path, flags) {
                        Ok(fd) => fd,
                        Err(()) => match names::mirror(path) {
                            Some(there) => fresh(real::open(there.as_ptr(), flags, mode)),
                            None => fresh($next(path, flags, mode)),
                        },
                    }
                }
            }
        )+
    };
}

openers! {
    open, |path, flags, mode| real::open(path, flags, mode);
    open64, |path, flags, mode| real::open64(path, flags, mode);
    __open_2, |path, flags, _| real::__open_2(path, flags);
    __open64_2, |path, flags, _| real::__open64_2(path, flags);
}

macro_rules! creators {
    ($($name:ident)+) => {
        $(
            /// creat(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(path: *const c_char, mode: c_uint) -> c_int {
                let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC;
                // SAFETY: the caller's path is a C string.
                unsafe {
                    open_named(path, flags).unwrap_or_else(|()| fresh(real::$name(path, mode)))
                }
            }
        )+
    };
}

creators! { creat creat64 }

/// A descriptor that the C library has just given out is nothing that was known before.
fn fresh(fd: c_int) -> c_int {
    if fd >= 0 {
        files::forget(fd);
    }
    fd
}

/// The path that a folder's descriptor and a name make, if the name is worth looking at.
///
/// # Safety
/// `name` is null or a C string.
pub(crate) unsafe fn in_dev(folder: c_int, name: *const c_char) -> bool {
    if name.is_null() || folder == libc::AT_FDCWD {
        return true;
    }
    // SAFETY: passed on to the caller.
    let text = unsafe { CStr::from_ptr(name) }.to_bytes();
    if text.first() == Some(&b'/') {
        return true;
    }
    let link = names::LINKS.iter().any(|link| link.to_bytes() == text);
    if !link && names::plain_node(text).is_none() {
        return false;
    }
    is_dev(folder)
}

/// Whether a descriptor is the folder of the nodes.
pub(crate) fn is_dev(fd: c_int) -> bool {
    let mut own: libc::stat64 = zeroed_stat();
    let mut dev: libc::stat64 = zeroed_stat();
    // SAFETY: the paths are C strings, the places are valid.
    unsafe {
        let asked = libc::syscall(
            libc::SYS_newfstatat,
            fd,
            c"".as_ptr(),
            &raw mut own,
            libc::AT_EMPTY_PATH,
        );
        let known =
            libc::syscall(libc::SYS_newfstatat, libc::AT_FDCWD, c"/dev".as_ptr(), &raw mut dev, 0);
        asked == 0 && known == 0 && own.st_ino == dev.st_ino && own.st_dev == dev.st_dev
    }
}

fn zeroed_stat() -> libc::stat64 {
    // SAFETY: a structure of numbers.
    unsafe { core::mem::zeroed() }
}

/// The same name as an absolute path, where a folder's descriptor that is `/dev` came with it.
///
/// # Safety
/// `name` is a C string for which `in_dev` holds.
pub(crate) unsafe fn absolute(
    folder: c_int,
    name: *const c_char,
    room: &mut [u8; 64],
) -> *const c_char {
    // SAFETY: passed on to the caller.
    let text = unsafe { CStr::from_ptr(name) }.to_bytes();
    if folder == libc::AT_FDCWD || text.first() == Some(&b'/') || text.len() > 50 {
        return name;
    }
    room[..5].copy_from_slice(b"/dev/");
    room[5..5 + text.len()].copy_from_slice(text);
    room[5 + text.len()] = 0;
    room.as_ptr().cast()
}

macro_rules! openers_at {
    ($($name:ident, $next:expr;)+) => {
        $(
            /// openat(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                folder: c_int,
                path: *const c_char,
                flags: c_int,
                mode: c_uint,
            ) -> c_int {
                // SAFETY: the caller's path is a C string.
                unsafe {
                    if !path.is_null() && in_dev(folder, path) {
                        let mut room = [0; 64];
                        let named = absolute(folder, path, &mut room);
                        if let Ok(fd) = open_named(named, flags) {
                            return fd;
                        }
                        if let Some(there) = names::mirror(path) {
                            return fresh(real::open(there.as_ptr(), flags, mode));
                        }
                    }
                    fresh($next(folder, path, flags, mode))
                }
            }
        )+
    };
}

openers_at! {
    openat, |folder, path, flags, mode| real::openat(folder, path, flags, mode);
    openat64, |folder, path, flags, mode| real::openat64(folder, path, flags, mode);
    __openat_2, |folder, path, flags, _| real::__openat_2(folder, path, flags);
    __openat64_2, |folder, path, flags, _| real::__openat64_2(folder, path, flags);
}

/// close(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn close(fd: c_int) -> c_int {
    if files::forget(fd) {
        return given(Err(libc::EBADF));
    }
    // SAFETY: the caller closes what is its own.
    unsafe { real::close(fd) }
}

/// close_range(2): this library's own descriptors stay.
#[unsafe(no_mangle)]
unsafe extern "C" fn close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int {
    let mut from = first;
    if flags == 0 {
        let most = last.min(65_535);
        for fd in first..=most {
            if files::forget(fd as c_int) {
                if fd > from {
                    // SAFETY: the caller closes what is its own.
                    unsafe { real::close_range(from, fd - 1, flags) };
                }
                from = fd + 1;
            }
        }
        if from > last {
            return 0;
        }
    }
    // SAFETY: the caller closes what is its own.
    unsafe { real::close_range(from, last, flags) }
}

/// closefrom(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn closefrom(first: c_int) {
    // SAFETY: the caller closes what is its own.
    unsafe { close_range(first.max(0) as c_uint, c_uint::MAX, 0) };
}

/// dup(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn dup(fd: c_int) -> c_int {
    // SAFETY: the caller's own descriptor.
    fresh(unsafe { real::dup(fd) })
}

/// dup2(2). What the copy is, is found out when it is used.
#[unsafe(no_mangle)]
unsafe extern "C" fn dup2(from: c_int, to: c_int) -> c_int {
    if from != to {
        files::vacate(to);
    }
    // SAFETY: the caller's own descriptors.
    unsafe { real::dup2(from, to) }
}

/// dup3(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn dup3(from: c_int, to: c_int, flags: c_int) -> c_int {
    if from != to {
        files::vacate(to);
    }
    // SAFETY: the caller's own descriptors.
    unsafe { real::dup3(from, to, flags) }
}

/// The flags of an open file; all else is the affair of the descriptor itself.
fn flags(fd: c_int, command: c_int, arg: usize) -> Option<c_int> {
    if !matches!(command, libc::F_GETFL | libc::F_SETFL) {
        return None;
    }
    let slot = slot(fd)?;
    let done = if command == libc::F_SETFL {
        result(set_flags(slot, fd, arg as c_int))
    } else {
        call(slot, fd, &Request::new(Op::Flags))
    };
    Some(done as c_int)
}

fn copied(command: c_int, result: c_int) -> c_int {
    if matches!(command, libc::F_DUPFD | libc::F_DUPFD_CLOEXEC) { fresh(result) } else { result }
}

/// fcntl(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn fcntl(fd: c_int, command: c_int, arg: usize) -> c_int {
    match flags(fd, command, arg) {
        Some(result) => result,
        // SAFETY: passed on as it came.
        None => copied(command, unsafe { real::fcntl(fd, command, arg) }),
    }
}

/// fcntl(2) for large files.
#[unsafe(no_mangle)]
unsafe extern "C" fn fcntl64(fd: c_int, command: c_int, arg: usize) -> c_int {
    match flags(fd, command, arg) {
        Some(result) => result,
        // SAFETY: passed on as it came.
        None => copied(command, unsafe { real::fcntl64(fd, command, arg) }),
    }
}
