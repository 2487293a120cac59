//! Listing folders: `/dev` with the nodes of the server in it, and patterns of paths.

use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::mem::zeroed;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

use crate::names::{self, Name};
use crate::opening::is_dev;
use crate::real;

/// Most listings of `/dev` at a time.
const MOST: usize = 16;

/// A listing of `/dev`: which entry of the server's comes next.
struct Listing {
    folder: AtomicPtr<libc::DIR>,
    next: AtomicUsize,
    entry: UnsafeCell<libc::dirent>,
}

// SAFETY: programs list one folder in one thread at a time, or the C library's own entries would
// be overwritten just the same.
unsafe impl Sync for Listing {}

static LISTINGS: [Listing; MOST] = [const {
    Listing {
        folder: AtomicPtr::new(null_mut()),
        next: AtomicUsize::new(0),
        // SAFETY: a structure of numbers.
        entry: UnsafeCell::new(unsafe { zeroed() }),
    }
}; MOST];

fn listing(folder: *mut libc::DIR) -> Option<&'static Listing> {
    LISTINGS.iter().find(|listing| listing.folder.load(Ordering::Acquire) == folder)
}

/// opendir(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn opendir(path: *const c_char) -> *mut libc::DIR {
    // SAFETY: the caller's path is a C string.
    unsafe {
        if let Some(there) = names::mirror(path) {
            return real::opendir(there.as_ptr());
        }
        let folder = real::opendir(path);
        if names::name(path) == Some(Name::Dev) {
            list(folder);
        }
        folder
    }
}

/// Adds the server's entries to a listing of `/dev`.
fn list(folder: *mut libc::DIR) {
    if folder.is_null() {
        return;
    }
    let free = LISTINGS.iter().find(|listing| {
        let none = null_mut();
        let taken =
            listing.folder.compare_exchange(none, folder, Ordering::AcqRel, Ordering::Relaxed);
        taken.is_ok()
    });
    if let Some(listing) = free {
        listing.next.store(0, Ordering::Relaxed);
    }
}

/// fdopendir(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn fdopendir(fd: c_int) -> *mut libc::DIR {
    // SAFETY: passed on as it came.
    let folder = unsafe { real::fdopendir(fd) };
    if crate::wire::is_active() && is_dev(fd) {
        list(folder);
    }
    folder
}

/// rewinddir(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn rewinddir(folder: *mut libc::DIR) {
    if let Some(listing) = listing(folder).filter(|_| !folder.is_null()) {
        listing.next.store(0, Ordering::Relaxed);
    }
    // SAFETY: passed on as it came.
    unsafe { real::rewinddir(folder) }
}

impl Listing {
    /// The next of the server's own entries.
    fn own(&self) -> Option<*mut libc::dirent> {
        let at = self.next.fetch_add(1, Ordering::Relaxed);
        let count = usize::from(names::count());
        let mut name = [0_u8; 8];
        let (start, kind) = match at.checked_div(count) {
            Some(0) => (&b"sr"[..], libc::DT_BLK),
            Some(1) => (&b"sg"[..], libc::DT_CHR),
            Some(2) => (&b"scd"[..], libc::DT_LNK),
            _ => (&b""[..], libc::DT_LNK),
        };
        let len = if start.is_empty() {
            let link = names::LINKS.get(at - 3 * count).filter(|_| count > 0)?.to_bytes();
            name[..link.len()].copy_from_slice(link);
            link.len()
        } else {
            name[..start.len()].copy_from_slice(start);
            start.len() + decimal(at % count, &mut name[start.len()..])
        };
        // SAFETY: only this listing's reader looks at its entry.
        let entry = unsafe { &mut *self.entry.get() };
        entry.d_ino = 0x6b69_0000 + at as u64;
        entry.d_off = 0;
        entry.d_reclen = size_of::<libc::dirent>() as u16;
        entry.d_type = kind;
        for (to, from) in entry.d_name.iter_mut().zip(name[..len].iter().chain(&[0])) {
            *to = *from as c_char;
        }
        Some(self.entry.get())
    }
}

fn decimal(mut number: usize, to: &mut [u8]) -> usize {
    let mut len = 1;
    let mut rest = number / 10;
    while rest > 0 {
        len += 1;
        rest /= 10;
    }
    for byte in to.iter_mut().take(len).rev() {
        *byte = b'0' + (number % 10) as u8;
        number /= 10;
    }
    len.min(to.len())
}

/// Whether an entry of the real `/dev` gives way to those of the server.
///
/// # Safety
/// `entry` is an entry.
unsafe fn hidden(entry: *mut libc::dirent) -> bool {
    // SAFETY: the name of an entry is a C string.
    let name = unsafe { CStr::from_ptr((*entry).d_name.as_ptr()) }.to_bytes();
    names::plain_node(name).is_some() || names::LINKS.iter().any(|link| link.to_bytes() == name)
}

macro_rules! readers {
    ($($name:ident)+) => {
        $(
            /// readdir(3).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(folder: *mut libc::DIR) -> *mut libc::dirent {
                let listing = listing(folder);
                if let Some(own) = listing.and_then(Listing::own) {
                    return own;
                }
                loop {
                    // SAFETY: passed on as it came; what comes back is an entry.
                    unsafe {
                        let entry = real::$name(folder);
                        if entry.is_null() || listing.is_none() || !hidden(entry) {
                            return entry;
                        }
                    }
                }
            }
        )+
    };
}

readers! { readdir readdir64 }

/// closedir(3).
#[unsafe(no_mangle)]
unsafe extern "C" fn closedir(folder: *mut libc::DIR) -> c_int {
    if let Some(listing) = listing(folder).filter(|_| !folder.is_null()) {
        listing.folder.store(null_mut(), Ordering::Release);
    }
    // SAFETY: passed on as it came.
    unsafe { real::closedir(folder) }
}

type Entry = *mut libc::dirent;

/// What scandir(3) does, with entries that this library may add: the list is the caller's to free.
///
/// # Safety
/// `folder` is null or open, `to` leads to a pointer; the others are null or functions as
/// scandir(3) demands them.
unsafe fn scan(
    folder: *mut libc::DIR,
    to: *mut *mut Entry,
    filter: *mut c_void,
    order: *mut c_void,
) -> c_int {
    type Filter = Option<unsafe extern "C" fn(Entry) -> c_int>;
    type Order = Option<unsafe extern "C" fn(*const c_void, *const c_void) -> c_int>;
    if folder.is_null() {
        return -1;
    }
    let (mut list, mut count, mut full): (*mut Entry, usize, bool) = (null_mut(), 0, false);
    // SAFETY: passed on to the caller; an entry is as long as it says, and the list has room for
    // one more before one is put there.
    unsafe {
        let (filter, order) = (
            core::mem::transmute::<*mut c_void, Filter>(filter),
            core::mem::transmute::<*mut c_void, Order>(order),
        );
        loop {
            let entry = readdir64(folder);
            if entry.is_null() {
                break;
            }
            if filter.is_some_and(|filter| filter(entry) == 0) {
                continue;
            }
            let len = usize::from((*entry).d_reclen);
            let copy = libc::malloc(len);
            let longer = libc::realloc(list.cast(), (count + 1) * size_of::<Entry>());
            if !longer.is_null() {
                list = longer.cast();
            }
            full = copy.is_null() || longer.is_null();
            if full {
                libc::free(copy);
                break;
            }
            copy.copy_from_nonoverlapping(entry.cast(), len);
            list.add(count).write(copy.cast());
            count += 1;
        }
        closedir(folder);
        if full {
            (0..count).for_each(|at| libc::free(list.add(at).read().cast()));
            libc::free(list.cast());
            real::set_errno(libc::ENOMEM);
            return -1;
        }
        if order.is_some() && count > 0 {
            libc::qsort(list.cast(), count, size_of::<Entry>(), order);
        }
        to.write(list);
    }
    count as c_int
}

macro_rules! scanners {
    ($($name:ident)+) => {
        $(
            /// scandir(3).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                path: *const c_char,
                to: *mut c_void,
                filter: *mut c_void,
                order: *mut c_void,
            ) -> c_int {
                // SAFETY: the caller's path is a C string; the rest is passed on as it came.
                unsafe {
                    match names::mirror(path) {
                        Some(there) => real::$name(there.as_ptr(), to, filter, order),
                        None if names::name(path) == Some(Name::Dev) && !to.is_null() => {
                            scan(opendir(path), to.cast(), filter, order)
                        }
                        None => real::$name(path, to, filter, order),
                    }
                }
            }
        )+
    };
}

scanners! { scandir scandir64 }

/// chdir(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn chdir(path: *const c_char) -> c_int {
    // SAFETY: the caller's path is a C string.
    unsafe {
        match names::mirror(path) {
            Some(there) => real::chdir(there.as_ptr()),
            None => real::chdir(path),
        }
    }
}

/// `glob_t` of glob.h, with the functions that glob uses in place of the C library's own.
#[repr(C)]
struct Glob {
    count: usize,
    paths: *mut *mut c_char,
    offset: usize,
    flags: c_int,
    close: Option<unsafe extern "C" fn(*mut libc::DIR) -> c_int>,
    read: Option<unsafe extern "C" fn(*mut libc::DIR) -> *mut libc::dirent>,
    open: Option<unsafe extern "C" fn(*const c_char) -> *mut libc::DIR>,
    lstat: Option<unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int>,
    stat: Option<unsafe extern "C" fn(*const c_char, *mut libc::stat) -> c_int>,
}

unsafe extern "C" {
    fn stat64(path: *const c_char, to: *mut libc::stat) -> c_int;
    fn lstat64(path: *const c_char, to: *mut libc::stat) -> c_int;
}

/// `GLOB_ALTDIRFUNC`
const OWN_FUNCTIONS: c_int = 1 << 9;

macro_rules! globs {
    ($($name:ident)+) => {
        $(
            /// glob(3): it looks with the functions of this library.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                pattern: *const c_char,
                flags: c_int,
                failed: *mut c_void,
                to: *mut libc::glob_t,
            ) -> c_int {
                let mut flags = flags;
                // SAFETY: the caller's pattern is a C string, its place a `glob_t`.
                unsafe {
                    if flags & OWN_FUNCTIONS == 0 && concerns(pattern) && !to.is_null() {
                        let own = to.cast::<Glob>();
                        (*own).close = Some(closedir);
                        (*own).read = Some(readdir64);
                        (*own).open = Some(opendir);
                        (*own).stat = Some(crate::folders::stat64);
                        (*own).lstat = Some(crate::folders::lstat64);
                        flags |= OWN_FUNCTIONS;
                    }
                    real::$name(pattern, flags, failed, to)
                }
            }
        )+
    };
}

globs! { glob glob64 }

/// Whether a pattern may match what is the server's.
///
/// # Safety
/// `pattern` is null or a C string.
unsafe fn concerns(pattern: *const c_char) -> bool {
    if pattern.is_null() || !crate::wire::is_active() {
        return false;
    }
    // SAFETY: passed on to the caller.
    let text = unsafe { CStr::from_ptr(pattern) }.to_bytes();
    [&b"/dev"[..], b"/sys", b"/proc"].iter().any(|start| text.starts_with(start))
}
