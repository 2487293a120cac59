//! The functions of the C library that this one stands in for: found when first needed, behind
//! this library in the order of loading, and kept without a lock.

use core::ffi::{CStr, c_char, c_int, c_uint, c_void};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// What a call returns where the C library has no such function.
pub(crate) trait Missing {
    fn missing() -> Self;
}

impl Missing for c_int {
    fn missing() -> c_int {
        -1
    }
}

impl Missing for isize {
    fn missing() -> isize {
        -1
    }
}

impl Missing for i64 {
    fn missing() -> i64 {
        -1
    }
}

impl Missing for () {
    fn missing() {}
}

impl<T> Missing for *mut T {
    fn missing() -> *mut T {
        null_mut()
    }
}

/// Finds a function behind this library, once.
pub(crate) fn find(cell: &AtomicPtr<c_void>, name: &CStr) -> Option<*mut c_void> {
    let known = cell.load(Ordering::Relaxed);
    if !known.is_null() {
        return Some(known);
    }
    // SAFETY: the name is a C string, and RTLD_NEXT stands for the objects behind this one.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    if found.is_null() {
        set_errno(libc::ENOSYS);
        return None;
    }
    cell.store(found, Ordering::Relaxed);
    Some(found)
}

pub(crate) fn set_errno(errno: c_int) {
    // SAFETY: the C library gives each thread a place of its own, valid as long as the thread.
    unsafe { *libc::__errno_location() = errno }
}

pub(crate) fn errno() -> c_int {
    // SAFETY: as in `set_errno`.
    unsafe { *libc::__errno_location() }
}

macro_rules! real {
    ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty;)+) => {
        $(
            /// The C library's function of this name.
            ///
            /// # Safety
            /// As the C library demands it.
            pub(crate) unsafe fn $name($($arg: $type),*) -> $result {
                static CELL: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
                const NAME: &CStr = match CStr::from_bytes_with_nul(
                    concat!(stringify!($name), "\0").as_bytes(),
                ) {
                    Ok(name) => name,
                    Err(_) => c"",
                };
                let Some(found) = find(&CELL, NAME) else { return <$result>::missing() };
                // SAFETY: the C library's function of this name has this signature, or a variadic
                // one that is called the same way on Linux.
                let function = unsafe {
                    core::mem::transmute::<
                        *mut c_void,
                        unsafe extern "C" fn($($type),*) -> $result,
                    >(found)
                };
                // SAFETY: passed on to the caller.
                unsafe { function($($arg),*) }
            }
        )+
    };
}

type Path = *const c_char;

real! {
    open(path: Path, flags: c_int, mode: c_uint) -> c_int;
    open64(path: Path, flags: c_int, mode: c_uint) -> c_int;
    __open_2(path: Path, flags: c_int) -> c_int;
    __open64_2(path: Path, flags: c_int) -> c_int;
    openat(folder: c_int, path: Path, flags: c_int, mode: c_uint) -> c_int;
    openat64(folder: c_int, path: Path, flags: c_int, mode: c_uint) -> c_int;
    __openat_2(folder: c_int, path: Path, flags: c_int) -> c_int;
    __openat64_2(folder: c_int, path: Path, flags: c_int) -> c_int;
    creat(path: Path, mode: c_uint) -> c_int;
    creat64(path: Path, mode: c_uint) -> c_int;
    close(fd: c_int) -> c_int;
    close_range(first: c_uint, last: c_uint, flags: c_int) -> c_int;
    dup(fd: c_int) -> c_int;
    dup2(from: c_int, to: c_int) -> c_int;
    dup3(from: c_int, to: c_int, flags: c_int) -> c_int;
    fcntl(fd: c_int, command: c_int, arg: usize) -> c_int;
    fcntl64(fd: c_int, command: c_int, arg: usize) -> c_int;
    ioctl(fd: c_int, number: libc::c_ulong, arg: usize) -> c_int;
    read(fd: c_int, to: *mut c_void, len: usize) -> isize;
    __read_chk(fd: c_int, to: *mut c_void, len: usize, room: usize) -> isize;
    pread(fd: c_int, to: *mut c_void, len: usize, at: i64) -> isize;
    pread64(fd: c_int, to: *mut c_void, len: usize, at: i64) -> isize;
    __pread_chk(fd: c_int, to: *mut c_void, len: usize, at: i64, room: usize) -> isize;
    __pread64_chk(fd: c_int, to: *mut c_void, len: usize, at: i64, room: usize) -> isize;
    write(fd: c_int, from: *const c_void, len: usize) -> isize;
    pwrite(fd: c_int, from: *const c_void, len: usize, at: i64) -> isize;
    pwrite64(fd: c_int, from: *const c_void, len: usize, at: i64) -> isize;
    readv(fd: c_int, parts: *const libc::iovec, count: c_int) -> isize;
    writev(fd: c_int, parts: *const libc::iovec, count: c_int) -> isize;
    preadv(fd: c_int, parts: *const libc::iovec, count: c_int, at: i64) -> isize;
    preadv64(fd: c_int, parts: *const libc::iovec, count: c_int, at: i64) -> isize;
    preadv2(fd: c_int, parts: *const libc::iovec, count: c_int, at: i64, how: c_int) -> isize;
    preadv64v2(fd: c_int, parts: *const libc::iovec, count: c_int, at: i64, how: c_int) -> isize;
    pwritev(fd: c_int, parts: *const libc::iovec, count: c_int, at: i64) -> isize;
    pwritev64(fd: c_int, parts: *const libc::iovec, count: c_int, at: i64) -> isize;
    pwritev2(fd: c_int, parts: *const libc::iovec, count: c_int, at: i64, how: c_int) -> isize;
    pwritev64v2(fd: c_int, parts: *const libc::iovec, count: c_int, at: i64, how: c_int) -> isize;
    sendfile(to: c_int, from: c_int, at: *mut i64, len: usize) -> isize;
    sendfile64(to: c_int, from: c_int, at: *mut i64, len: usize) -> isize;
    splice(from: c_int, from_at: *mut i64, to: c_int, to_at: *mut i64, len: usize, how: c_uint)
        -> isize;
    fallocate(fd: c_int, mode: c_int, from: i64, len: i64) -> c_int;
    fallocate64(fd: c_int, mode: c_int, from: i64, len: i64) -> c_int;
    readahead(fd: c_int, from: i64, len: usize) -> isize;
    sync_file_range(fd: c_int, from: i64, len: i64, how: c_uint) -> c_int;
    lseek(fd: c_int, by: i64, whence: c_int) -> i64;
    lseek64(fd: c_int, by: i64, whence: c_int) -> i64;
    poll(list: *mut libc::pollfd, len: libc::nfds_t, timeout: c_int) -> c_int;
    __poll_chk(list: *mut libc::pollfd, len: libc::nfds_t, timeout: c_int, room: usize) -> c_int;
    ppoll(list: *mut libc::pollfd, len: libc::nfds_t, timeout: *const libc::timespec,
        mask: *const libc::sigset_t) -> c_int;
    __ppoll_chk(list: *mut libc::pollfd, len: libc::nfds_t, timeout: *const libc::timespec,
        mask: *const libc::sigset_t, room: usize) -> c_int;
    epoll_ctl(epoll: c_int, what: c_int, fd: c_int, event: *mut libc::epoll_event) -> c_int;
    select(count: c_int, read: *mut libc::fd_set, write: *mut libc::fd_set,
        except: *mut libc::fd_set, timeout: *mut libc::timeval) -> c_int;
    pselect(count: c_int, read: *mut libc::fd_set, write: *mut libc::fd_set,
        except: *mut libc::fd_set, timeout: *const libc::timespec,
        mask: *const libc::sigset_t) -> c_int;
    fsync(fd: c_int) -> c_int;
    fdatasync(fd: c_int) -> c_int;
    posix_fadvise(fd: c_int, from: i64, len: i64, advice: c_int) -> c_int;
    posix_fadvise64(fd: c_int, from: i64, len: i64, advice: c_int) -> c_int;
    mmap(at: *mut c_void, len: usize, prot: c_int, flags: c_int, fd: c_int, from: i64)
        -> *mut c_void;
    mmap64(at: *mut c_void, len: usize, prot: c_int, flags: c_int, fd: c_int, from: i64)
        -> *mut c_void;
    stat(path: Path, to: *mut libc::stat) -> c_int;
    stat64(path: Path, to: *mut libc::stat) -> c_int;
    lstat(path: Path, to: *mut libc::stat) -> c_int;
    lstat64(path: Path, to: *mut libc::stat) -> c_int;
    fstat(fd: c_int, to: *mut libc::stat) -> c_int;
    fstat64(fd: c_int, to: *mut libc::stat) -> c_int;
    fstatat(folder: c_int, path: Path, to: *mut libc::stat, flags: c_int) -> c_int;
    fstatat64(folder: c_int, path: Path, to: *mut libc::stat, flags: c_int) -> c_int;
    __xstat(version: c_int, path: Path, to: *mut libc::stat) -> c_int;
    __xstat64(version: c_int, path: Path, to: *mut libc::stat) -> c_int;
    __lxstat(version: c_int, path: Path, to: *mut libc::stat) -> c_int;
    __lxstat64(version: c_int, path: Path, to: *mut libc::stat) -> c_int;
    __fxstat(version: c_int, fd: c_int, to: *mut libc::stat) -> c_int;
    __fxstat64(version: c_int, fd: c_int, to: *mut libc::stat) -> c_int;
    __fxstatat(version: c_int, folder: c_int, path: Path, to: *mut libc::stat, flags: c_int)
        -> c_int;
    __fxstatat64(version: c_int, folder: c_int, path: Path, to: *mut libc::stat, flags: c_int)
        -> c_int;
    statx(folder: c_int, path: Path, flags: c_int, mask: c_uint, to: *mut libc::statx) -> c_int;
    mount(from: Path, to: Path, kind: Path, flags: libc::c_ulong, data: *const c_void) -> c_int;
    access(path: Path, mode: c_int) -> c_int;
    faccessat(folder: c_int, path: Path, mode: c_int, flags: c_int) -> c_int;
    euidaccess(path: Path, mode: c_int) -> c_int;
    eaccess(path: Path, mode: c_int) -> c_int;
    readlink(path: Path, to: *mut c_char, room: usize) -> isize;
    __readlink_chk(path: Path, to: *mut c_char, len: usize, room: usize) -> isize;
    readlinkat(folder: c_int, path: Path, to: *mut c_char, room: usize) -> isize;
    getxattr(path: Path, name: Path, to: *mut c_void, room: usize) -> isize;
    lgetxattr(path: Path, name: Path, to: *mut c_void, room: usize) -> isize;
    listxattr(path: Path, to: *mut c_char, room: usize) -> isize;
    llistxattr(path: Path, to: *mut c_char, room: usize) -> isize;
    realpath(path: Path, to: *mut c_char) -> *mut c_char;
    __realpath_chk(path: Path, to: *mut c_char, room: usize) -> *mut c_char;
    canonicalize_file_name(path: Path) -> *mut c_char;
    opendir(path: Path) -> *mut libc::DIR;
    fdopendir(fd: c_int) -> *mut libc::DIR;
    rewinddir(folder: *mut libc::DIR) -> ();
    readdir(folder: *mut libc::DIR) -> *mut libc::dirent;
    readdir64(folder: *mut libc::DIR) -> *mut libc::dirent;
    scandir(path: Path, to: *mut c_void, filter: *mut c_void, order: *mut c_void) -> c_int;
    scandir64(path: Path, to: *mut c_void, filter: *mut c_void, order: *mut c_void) -> c_int;
    chdir(path: Path) -> c_int;
    closedir(folder: *mut libc::DIR) -> c_int;
    glob(pattern: Path, flags: c_int, failed: *mut c_void, to: *mut libc::glob_t) -> c_int;
    glob64(pattern: Path, flags: c_int, failed: *mut c_void, to: *mut libc::glob_t) -> c_int;
    fopen(path: Path, mode: Path) -> *mut libc::FILE;
    fopen64(path: Path, mode: Path) -> *mut libc::FILE;
    freopen(path: Path, mode: Path, stream: *mut libc::FILE) -> *mut libc::FILE;
    freopen64(path: Path, mode: Path, stream: *mut libc::FILE) -> *mut libc::FILE;
    fdopen(fd: c_int, mode: Path) -> *mut libc::FILE;
    fileno(stream: *mut libc::FILE) -> c_int;
    fileno_unlocked(stream: *mut libc::FILE) -> c_int;
}
