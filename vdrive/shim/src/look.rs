//! Looking at paths and descriptors without opening them: the stat family, access, readlink,
//! realpath.

use core::ffi::{CStr, c_char, c_int, c_uint, c_ulong, c_void};
use core::mem::zeroed;

use crate::files::slot;
use crate::frame::Node;
use crate::names::{self, Name};
use crate::opening::{absolute, in_dev};
use crate::real::{self, set_errno};

/// Major numbers of the drivers sr and sg.
const SR_MAJOR: c_uint = 11;
const SG_MAJOR: c_uint = 21;

/// What `/dev` itself lies on, as far as programs care.
const DEV: u64 = 5;

fn fail(errno: c_int) -> c_int {
    set_errno(errno);
    -1
}

fn numbers(node: Node) -> (c_uint, c_uint) {
    (if node.sg { SG_MAJOR } else { SR_MAJOR }, c_uint::from(node.index))
}

/// Type and permissions: of a node, or of a link to one.
fn mode(node: Node, link: bool) -> libc::mode_t {
    match (link, node.sg) {
        (true, _) => libc::S_IFLNK | 0o777,
        (false, true) => libc::S_IFCHR | 0o660,
        (false, false) => libc::S_IFBLK | 0o660,
    }
}

fn inode(node: Node, link: bool) -> u64 {
    0x6b69_0000 | u64::from(node.bits()) << 1 | u64::from(link)
}

/// # Safety
/// `to` leads to a `struct stat`.
unsafe fn fill(node: Node, link: bool, to: *mut libc::stat) -> c_int {
    let (major, minor) = numbers(node);
    // SAFETY: a structure of numbers; geteuid and getegid have no requirements.
    let (mut stat, user, group): (libc::stat, _, _) =
        unsafe { (zeroed(), libc::geteuid(), libc::getegid()) };
    stat.st_dev = DEV;
    stat.st_ino = inode(node, link);
    stat.st_mode = mode(node, link);
    stat.st_nlink = 1;
    stat.st_uid = user;
    stat.st_gid = group;
    stat.st_blksize = 4096;
    if link {
        stat.st_size = target_len(node) as i64;
    } else {
        stat.st_rdev = libc::makedev(major, minor);
    }
    // SAFETY: passed on to the caller.
    unsafe { to.write(stat) };
    0
}

/// Looks at a path if it is the server's, and says how that ends.
///
/// # Safety
/// `path` is null or a C string, `to` leads to a `struct stat`.
unsafe fn look(path: *const c_char, follow: bool, to: *mut libc::stat) -> Option<c_int> {
    // SAFETY: passed on to the caller.
    match unsafe { names::name(path) }? {
        // SAFETY: passed on to the caller.
        Name::Node(node, link) => Some(unsafe { fill(node, link && !follow, to) }),
        // SAFETY: passed on to the caller.
        Name::Descriptor(node) if follow => Some(unsafe { fill(node, false, to) }),
        Name::Absent => Some(fail(libc::ENOENT)),
        Name::Descriptor(_) | Name::Dev => None,
    }
}

macro_rules! lookers {
    ($($name:ident($($version:ident)?), $follow:expr;)+) => {
        $(
            /// stat(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                $($version: c_int,)?
                path: *const c_char,
                to: *mut libc::stat,
            ) -> c_int {
                // SAFETY: the caller's path is a C string, its place is large enough.
                unsafe {
                    if let Some(result) = look(path, $follow, to) {
                        return result;
                    }
                    match names::mirror(path) {
                        Some(there) => real::$name($($version,)? there.as_ptr(), to),
                        None => real::$name($($version,)? path, to),
                    }
                }
            }
        )+
    };
}

lookers! {
    stat(), true;
    stat64(), true;
    lstat(), false;
    lstat64(), false;
    __xstat(version), true;
    __xstat64(version), true;
    __lxstat(version), false;
    __lxstat64(version), false;
}

macro_rules! fd_lookers {
    ($($name:ident($($version:ident)?);)+) => {
        $(
            /// fstat(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                $($version: c_int,)?
                fd: c_int,
                to: *mut libc::stat,
            ) -> c_int {
                match slot(fd) {
                    // SAFETY: the caller's place is large enough.
                    Some(slot) => unsafe { fill(slot.node(), false, to) },
                    // SAFETY: passed on as it came.
                    None => unsafe { real::$name($($version,)? fd, to) },
                }
            }
        )+
    };
}

fd_lookers! {
    fstat();
    fstat64();
    __fxstat(version);
    __fxstat64(version);
}

/// Whether a call with a folder's descriptor is about that descriptor itself.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn about_itself(path: *const c_char, flags: c_int) -> bool {
    // SAFETY: passed on to the caller.
    flags & libc::AT_EMPTY_PATH != 0 && (path.is_null() || unsafe { path.read() } == 0)
}

macro_rules! lookers_at {
    ($($name:ident($($version:ident)?);)+) => {
        $(
            /// fstatat(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                $($version: c_int,)?
                folder: c_int,
                path: *const c_char,
                to: *mut libc::stat,
                flags: c_int,
            ) -> c_int {
                // SAFETY: the caller's path is a C string, its place is large enough.
                unsafe {
                    if about_itself(path, flags) {
                        if let Some(slot) = slot(folder) {
                            return fill(slot.node(), false, to);
                        }
                    } else if in_dev(folder, path) {
                        let mut room = [0; 64];
                        let follow = flags & libc::AT_SYMLINK_NOFOLLOW == 0;
                        let named = absolute(folder, path, &mut room);
                        if let Some(result) = look(named, follow, to) {
                            return result;
                        }
                        if let Some(there) = names::mirror(path) {
                            return real::$name($($version,)? folder, there.as_ptr(), to, flags);
                        }
                    }
                    real::$name($($version,)? folder, path, to, flags)
                }
            }
        )+
    };
}

lookers_at! {
    fstatat();
    fstatat64();
    __fxstatat(version);
    __fxstatat64(version);
}

/// # Safety
/// `to` leads to a `struct statx`.
unsafe fn fill_extended(node: Node, link: bool, to: *mut libc::statx) -> c_int {
    let (major, minor) = numbers(node);
    // SAFETY: a structure of numbers; geteuid and getegid have no requirements.
    let (mut stat, user, group): (libc::statx, _, _) =
        unsafe { (zeroed(), libc::geteuid(), libc::getegid()) };
    stat.stx_mask = libc::STATX_BASIC_STATS;
    stat.stx_blksize = 4096;
    stat.stx_nlink = 1;
    stat.stx_uid = user;
    stat.stx_gid = group;
    stat.stx_mode = mode(node, link) as u16;
    stat.stx_ino = inode(node, link);
    stat.stx_dev_minor = DEV as u32;
    if link {
        stat.stx_size = target_len(node) as u64;
    } else {
        stat.stx_rdev_major = major;
        stat.stx_rdev_minor = minor;
    }
    // SAFETY: passed on to the caller.
    unsafe { to.write(stat) };
    0
}

/// statx(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn statx(
    folder: c_int,
    path: *const c_char,
    flags: c_int,
    mask: c_uint,
    to: *mut libc::statx,
) -> c_int {
    // SAFETY: the caller's path is a C string, its place is large enough.
    unsafe {
        if about_itself(path, flags) {
            if let Some(slot) = slot(folder) {
                return fill_extended(slot.node(), false, to);
            }
        } else if !path.is_null() && in_dev(folder, path) {
            let mut room = [0; 64];
            let follow = flags & libc::AT_SYMLINK_NOFOLLOW == 0;
            match names::name(absolute(folder, path, &mut room)) {
                Some(Name::Node(node, link)) => return fill_extended(node, link && !follow, to),
                Some(Name::Descriptor(node)) if follow => return fill_extended(node, false, to),
                Some(Name::Absent) => return fail(libc::ENOENT),
                _ => {}
            }
            if let Some(there) = names::mirror(path) {
                return real::statx(folder, there.as_ptr(), flags, mask, to);
            }
        }
        real::statx(folder, path, flags, mask, to)
    }
}

/// Whether a path may be used so: nodes can be read and written, not executed.
///
/// # Safety
/// `path` is null or a C string.
unsafe fn may(path: *const c_char, mode: c_int) -> Option<c_int> {
    // SAFETY: passed on to the caller.
    match unsafe { names::name(path) }? {
        Name::Node(..) | Name::Descriptor(_) if mode & libc::X_OK != 0 => Some(fail(libc::EACCES)),
        Name::Node(..) | Name::Descriptor(_) => Some(0),
        Name::Absent => Some(fail(libc::ENOENT)),
        Name::Dev => None,
    }
}

/// mount(2): the kernel knows nothing of these drives, and a drive of the machine itself that has
/// the same name is not meant.
#[unsafe(no_mangle)]
unsafe extern "C" fn mount(
    from: *const c_char,
    to: *const c_char,
    kind: *const c_char,
    flags: c_ulong,
    data: *const c_void,
) -> c_int {
    // SAFETY: the caller's paths are null or C strings; the rest is passed on as it came.
    unsafe {
        match names::name(from) {
            Some(Name::Absent) => fail(libc::ENOENT),
            Some(Name::Node(..) | Name::Descriptor(_)) => fail(libc::EPERM),
            Some(Name::Dev) | None => real::mount(from, to, kind, flags, data),
        }
    }
}

macro_rules! judges {
    ($($name:ident)+) => {
        $(
            /// access(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(path: *const c_char, mode: c_int) -> c_int {
                // SAFETY: the caller's path is a C string.
                unsafe {
                    if let Some(result) = may(path, mode) {
                        return result;
                    }
                    match names::mirror(path) {
                        Some(there) => real::$name(there.as_ptr(), mode),
                        None => real::$name(path, mode),
                    }
                }
            }
        )+
    };
}

judges! { access euidaccess eaccess }

/// faccessat(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn faccessat(
    folder: c_int,
    path: *const c_char,
    mode: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller's path is a C string.
    unsafe {
        if !path.is_null() && in_dev(folder, path) {
            let mut room = [0; 64];
            if let Some(result) = may(absolute(folder, path, &mut room), mode) {
                return result;
            }
            if let Some(there) = names::mirror(path) {
                return real::faccessat(folder, there.as_ptr(), mode, flags);
            }
        }
        real::faccessat(folder, path, mode, flags)
    }
}

/// The path of a node.
fn path_of(node: Node, room: &mut [u8; 16]) -> usize {
    room[..7].copy_from_slice(if node.sg { b"/dev/sg" } else { b"/dev/sr" });
    let mut digits = [0; 5];
    let (mut left, mut count) = (node.index, 0);
    loop {
        digits[count] = b'0' + (left % 10) as u8;
        left /= 10;
        count += 1;
        if left == 0 {
            break;
        }
    }
    for i in 0..count {
        room[7 + i] = digits[count - 1 - i];
    }
    7 + count
}

/// How long the text of a link to a node is, which names it in the same folder.
fn target_len(node: Node) -> usize {
    path_of(node, &mut [0; 16]) - "/dev/".len()
}

/// Where a link leads, if it is the server's affair.
///
/// # Safety
/// `path` is null or a C string, `to` leads to `len` bytes.
unsafe fn link(path: *const c_char, to: *mut c_char, len: usize) -> Option<isize> {
    let mut room = [0; 16];
    // SAFETY: passed on to the caller.
    let text = match unsafe { names::name(path) }? {
        Name::Node(_, false) => return Some(fail(libc::EINVAL) as isize),
        Name::Absent => return Some(fail(libc::ENOENT) as isize),
        Name::Dev => return None,
        Name::Node(node, true) => {
            let end = path_of(node, &mut room);
            &room[5..end]
        }
        Name::Descriptor(node) => {
            let end = path_of(node, &mut room);
            &room[..end]
        }
    };
    let count = text.len().min(len);
    // SAFETY: passed on to the caller.
    unsafe { to.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), count) };
    Some(count as isize)
}

/// readlink(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn readlink(path: *const c_char, to: *mut c_char, len: usize) -> isize {
    // SAFETY: the caller's path is a C string, its place is as long as it says.
    unsafe {
        if let Some(result) = link(path, to, len) {
            return result;
        }
        match names::mirror(path) {
            Some(there) => real::readlink(there.as_ptr(), to, len),
            None => real::readlink(path, to, len),
        }
    }
}

/// readlink(2) of programs built with checks.
#[unsafe(no_mangle)]
unsafe extern "C" fn __readlink_chk(
    path: *const c_char,
    to: *mut c_char,
    len: usize,
    room: usize,
) -> isize {
    if len > room {
        // SAFETY: passed on as it came; it ends the program.
        return unsafe { real::__readlink_chk(path, to, len, room) };
    }
    // SAFETY: as the caller called it.
    unsafe { readlink(path, to, len) }
}

/// readlinkat(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn readlinkat(
    folder: c_int,
    path: *const c_char,
    to: *mut c_char,
    len: usize,
) -> isize {
    // SAFETY: the caller's path is a C string, its place is as long as it says.
    unsafe {
        if !path.is_null() && in_dev(folder, path) {
            let mut room = [0; 64];
            if let Some(result) = link(absolute(folder, path, &mut room), to, len) {
                return result;
            }
            if let Some(there) = names::mirror(path) {
                return real::readlinkat(folder, there.as_ptr(), to, len);
            }
        }
        real::readlinkat(folder, path, to, len)
    }
}

/// The path without links, if it is the server's affair. `room`: how much there is behind `to`.
///
/// # Safety
/// `path` is null or a C string, `to` null or a place of that size.
unsafe fn resolve(path: *const c_char, to: *mut c_char) -> Option<*mut c_char> {
    let mut text = [0; 16];
    // SAFETY: passed on to the caller.
    unsafe {
        match names::name(path) {
            Some(Name::Node(node, _) | Name::Descriptor(node)) => {
                path_of(node, &mut text);
                return Some(give(text.as_ptr().cast(), to));
            }
            Some(Name::Absent) => {
                set_errno(libc::ENOENT);
                return Some(core::ptr::null_mut());
            }
            Some(Name::Dev) | None => {}
        }
        let there = names::mirror(path)?;
        let found = real::realpath(there.as_ptr(), core::ptr::null_mut());
        if found.is_null() {
            return None;
        }
        let result = names::behind_root(found).map(|rest| give(rest, to));
        libc::free(found.cast());
        result
    }
}

/// A path in the caller's place, or in memory that the caller frees.
///
/// # Safety
/// `text` is a C string, `to` null or a place that is large enough.
unsafe fn give(text: *const c_char, to: *mut c_char) -> *mut c_char {
    // SAFETY: passed on to the caller.
    unsafe {
        if to.is_null() {
            return libc::strdup(text);
        }
        let len = CStr::from_ptr(text).to_bytes_with_nul().len();
        to.copy_from_nonoverlapping(text, len);
        to
    }
}

/// realpath(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn realpath(path: *const c_char, to: *mut c_char) -> *mut c_char {
    // SAFETY: the caller's path is a C string, its place has room for a path.
    unsafe { resolve(path, to).unwrap_or_else(|| real::realpath(path, to)) }
}

/// realpath(3) of programs built with checks.
#[unsafe(no_mangle)]
unsafe extern "C" fn __realpath_chk(
    path: *const c_char,
    to: *mut c_char,
    room: usize,
) -> *mut c_char {
    // SAFETY: the caller's path is a C string, its place has room for a path.
    unsafe { resolve(path, to).unwrap_or_else(|| real::__realpath_chk(path, to, room)) }
}

/// canonicalize_file_name(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn canonicalize_file_name(path: *const c_char) -> *mut c_char {
    // SAFETY: the caller's path is a C string.
    unsafe {
        resolve(path, core::ptr::null_mut()).unwrap_or_else(|| real::canonicalize_file_name(path))
    }
}

macro_rules! attributes {
    ($($get:ident $list:ident)+) => {
        $(
            /// getxattr(2): a node has no extended attributes.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $get(
                path: *const c_char,
                name: *const c_char,
                to: *mut c_void,
                room: usize,
            ) -> isize {
                // SAFETY: the caller's path is a C string.
                unsafe {
                    match may(path, 0) {
                        Some(0) => fail(libc::ENODATA) as isize,
                        Some(failed) => failed as isize,
                        None => match names::mirror(path) {
                            Some(there) => real::$get(there.as_ptr(), name, to, room),
                            None => real::$get(path, name, to, room),
                        },
                    }
                }
            }

            /// listxattr(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $list(path: *const c_char, to: *mut c_char, room: usize) -> isize {
                // SAFETY: the caller's path is a C string.
                unsafe {
                    match (may(path, 0), names::mirror(path)) {
                        (Some(result), _) => result as isize,
                        (None, Some(there)) => real::$list(there.as_ptr(), to, room),
                        (None, None) => real::$list(path, to, room),
                    }
                }
            }
        )+
    };
}

attributes! { getxattr listxattr lgetxattr llistxattr }
