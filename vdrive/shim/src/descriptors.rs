//! What is done to open descriptors: ioctl, reading, writing, seeking, mapping.

use core::ffi::{c_int, c_ulong, c_void};

use crate::calls::{self, Shape};
use crate::files::{Slot, call, result, slot};
use crate::frame::{AT_POSITION, MAX_DATA, Op, Request};
use crate::queue;
use crate::real::{self, set_errno};
use crate::sgio;

/// What concerns the descriptor itself.
const FIOCLEX: c_ulong = 0x5451;
const FIONCLEX: c_ulong = 0x5450;
const FIOASYNC: c_ulong = 0x5452;

/// Sets or clears O_NONBLOCK of any open file.
const FIONBIO: u32 = 0x5421;

/// ioctl(2). The argument is a number or a pointer, by the request.
#[unsafe(no_mangle)]
unsafe extern "C" fn ioctl(fd: c_int, number: c_ulong, arg: usize) -> c_int {
    // A child of vfork(2), which shares this library's memory, may use them: looked at first.
    let of_descriptor = matches!(number, FIOCLEX | FIONCLEX | FIOASYNC);
    if !of_descriptor && let Some(slot) = slot(fd) {
        // SAFETY: the caller's argument is what the request demands.
        return result(unsafe { control(slot, fd, number as u32, arg) }) as c_int;
    }
    // SAFETY: passed on as it came.
    unsafe { real::ioctl(fd, number, arg) }
}

/// # Safety
/// `arg` is what the request demands.
unsafe fn control(slot: &Slot, fd: c_int, number: u32, arg: usize) -> Result<i64, c_int> {
    let mut request = Request::new(Op::Ioctl);
    request.number = number;
    request.arg = arg as u64;
    if slot.node().sg && matches!(number, calls::SG_SET_FORCE_PACK_ID | calls::SG_NEXT_CMD_LEN) {
        // SAFETY: passed on to the caller.
        return unsafe { queue::set(slot, fd, number, arg) };
    }
    if number == FIONBIO {
        // SAFETY: passed on to the caller.
        let on = unsafe { sgio::fetch(arg as *const c_int) }? != 0;
        let others = slot.flags() & !libc::O_NONBLOCK;
        return set_flags(slot, fd, others | if on { libc::O_NONBLOCK } else { 0 });
    }
    match calls::shape(number) {
        Shape::Plain => slot.exchange(fd, &request, &[], &[]).map(|reply| reply.result),
        Shape::Bytes(to, from) => {
            request.data_len = u32::from(to);
            request.room = u32::from(from);
            let piece =
                |len: u16| libc::iovec { iov_base: arg as *mut c_void, iov_len: usize::from(len) };
            let (out, room) = ([piece(to)], [piece(from)]);
            let out = if to > 0 { &out[..] } else { &[] };
            let room = if from > 0 { &room[..] } else { &[] };
            slot.exchange(fd, &request, out, room).map(|reply| reply.result)
        }
        Shape::Deep => {
            // SAFETY: passed on to the caller.
            unsafe {
                match number {
                    calls::SG_IO => sgio::sg_io(slot, fd, arg),
                    calls::CDROM_SEND_PACKET => sgio::send_packet(slot, fd, arg),
                    calls::CDROMREADAUDIO => sgio::read_audio(slot, fd, arg),
                    _ => sgio::send_command(slot, fd, arg),
                }
            }
        }
    }
}

/// Sets the flags of an open file.
pub(crate) fn set_flags(slot: &Slot, fd: c_int, flags: c_int) -> Result<i64, c_int> {
    let mut request = Request::new(Op::Flags);
    request.number = 1;
    request.arg = flags as u64;
    let reply = slot.exchange(fd, &request, &[], &[])?;
    if reply.result == 0 {
        slot.set_flags(flags);
    }
    Ok(reply.result)
}

/// Reads or writes in pieces of what a frame holds, until less comes than was asked for. `at`:
/// where, or the file's position.
pub(crate) fn transfer(
    slot: &Slot,
    fd: c_int,
    op: Op,
    memory: usize,
    len: usize,
    at: Option<i64>,
) -> isize {
    if let Some(at) = at
        && (at < 0 || slot.node().sg)
    {
        // What sg answers has no places.
        set_errno(if at < 0 { libc::EINVAL } else { libc::ESPIPE });
        return -1;
    }
    let mut done = 0;
    loop {
        let size = (len - done).min(MAX_DATA);
        let mut request = Request::new(op);
        request.arg = at.map_or(AT_POSITION, |at| at as u64 + done as u64);
        let base = memory.wrapping_add(done) as *mut c_void;
        let piece = [libc::iovec { iov_base: base, iov_len: size }];
        let (mut out, mut room) = (&[][..], &[][..]);
        if op == Op::Read {
            request.room = size as u32;
            room = &piece;
        } else {
            request.data_len = size as u32;
            out = &piece;
        }
        let came = slot.exchange(fd, &request, out, room).map(|reply| reply.result);
        match came {
            Ok(count) if count >= 0 => {
                done += (count as usize).min(size);
                if done == len || (count as usize) < size {
                    return done as isize;
                }
            }
            // What was done before counts.
            _ if done > 0 => return done as isize,
            failed => return result(failed) as isize,
        }
    }
}

/// read(2): of an sg node the answer to what was written.
pub(crate) fn take(slot: &Slot, fd: c_int, to: *mut c_void, len: usize) -> isize {
    if slot.node().sg {
        // SAFETY: the caller's memory is as long as it says.
        return result(unsafe { queue::collect(slot, fd, to as usize, len) }) as isize;
    }
    transfer(slot, fd, Op::Read, to as usize, len, None)
}

/// write(2): to an sg node a command.
pub(crate) fn give(slot: &Slot, fd: c_int, from: *const c_void, len: usize) -> isize {
    if slot.node().sg {
        // SAFETY: the caller's memory is as long as it says.
        return result(unsafe { queue::submit(slot, fd, from as usize, len) }) as isize;
    }
    transfer(slot, fd, Op::Write, from as usize, len, None)
}

/// Moves the position as lseek(2) does.
pub(crate) fn seek(slot: &Slot, fd: c_int, by: i64, whence: c_int) -> i64 {
    let mut request = Request::new(Op::Seek);
    request.arg = by as u64;
    request.number = whence as u32;
    call(slot, fd, &request)
}

/// read(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn read(fd: c_int, to: *mut c_void, len: usize) -> isize {
    match slot(fd) {
        Some(slot) => take(slot, fd, to, len),
        // SAFETY: passed on as it came.
        None => unsafe { real::read(fd, to, len) },
    }
}

/// read(2) of programs built with checks.
#[unsafe(no_mangle)]
unsafe extern "C" fn __read_chk(fd: c_int, to: *mut c_void, len: usize, room: usize) -> isize {
    match slot(fd) {
        Some(slot) if len <= room => take(slot, fd, to, len),
        // SAFETY: passed on as it came.
        _ => unsafe { real::__read_chk(fd, to, len, room) },
    }
}

macro_rules! readers_at {
    ($($name:ident($($room:ident)?);)+) => {
        $(
            /// pread(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                fd: c_int,
                to: *mut c_void,
                len: usize,
                at: i64,
                $($room: usize,)?
            ) -> isize {
                match slot(fd) {
                    Some(slot) $(if len <= $room)? => {
                        transfer(slot, fd, Op::Read, to as usize, len, Some(at))
                    }
                    // SAFETY: passed on as it came.
                    _ => unsafe { real::$name(fd, to, len, at $(, $room)?) },
                }
            }
        )+
    };
}

readers_at! {
    pread();
    pread64();
    __pread_chk(room);
    __pread64_chk(room);
}

/// write(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn write(fd: c_int, from: *const c_void, len: usize) -> isize {
    match slot(fd) {
        Some(slot) => give(slot, fd, from, len),
        // SAFETY: passed on as it came.
        None => unsafe { real::write(fd, from, len) },
    }
}

/// pwrite(2).
#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(fd: c_int, from: *const c_void, len: usize, at: i64) -> isize {
    match slot(fd) {
        Some(slot) => transfer(slot, fd, Op::Write, from as usize, len, Some(at)),
        // SAFETY: passed on as it came.
        None => unsafe { real::pwrite(fd, from, len, at) },
    }
}

/// pwrite(2) for large files.
#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite64(fd: c_int, from: *const c_void, len: usize, at: i64) -> isize {
    match slot(fd) {
        Some(slot) => transfer(slot, fd, Op::Write, from as usize, len, Some(at)),
        // SAFETY: passed on as it came.
        None => unsafe { real::pwrite64(fd, from, len, at) },
    }
}

macro_rules! seekers {
    ($($name:ident)+) => {
        $(
            /// lseek(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(fd: c_int, by: i64, whence: c_int) -> i64 {
                match slot(fd) {
                    Some(slot) => seek(slot, fd, by, whence),
                    // SAFETY: passed on as it came.
                    None => unsafe { real::$name(fd, by, whence) },
                }
            }
        )+
    };
}

seekers! { lseek lseek64 }

macro_rules! syncers {
    ($($name:ident)+) => {
        $(
            /// fsync(2).
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(fd: c_int) -> c_int {
                match slot(fd) {
                    Some(slot) => call(slot, fd, &Request::new(Op::Sync)) as c_int,
                    // SAFETY: passed on as it came.
                    None => unsafe { real::$name(fd) },
                }
            }
        )+
    };
}

syncers! { fsync fdatasync }

macro_rules! advisers {
    ($($name:ident)+) => {
        $(
            /// posix_fadvise(2): nothing is kept that advice could be for.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(fd: c_int, from: i64, len: i64, advice: c_int) -> c_int {
                match slot(fd) {
                    Some(_) => 0,
                    // SAFETY: passed on as it came.
                    None => unsafe { real::$name(fd, from, len, advice) },
                }
            }
        )+
    };
}

advisers! { posix_fadvise posix_fadvise64 }

/// Whether so much can be mapped: of a node of sg its reserved buffer, from its start.
fn mappable(slot: &Slot, fd: c_int, len: usize, from: i64) -> Result<(), c_int> {
    if !slot.node().sg {
        return Err(libc::ENODEV);
    }
    let mut reserved: c_int = 0;
    let mut request = Request::new(Op::Ioctl);
    request.number = calls::SG_GET_RESERVED_SIZE;
    request.room = size_of::<c_int>() as u32;
    let place = (&raw mut reserved).cast();
    let room = [libc::iovec { iov_base: place, iov_len: size_of::<c_int>() }];
    let reply = slot.exchange(fd, &request, &[], &room)?;
    match usize::try_from(reserved) {
        _ if reply.result < 0 => Err(-reply.result as c_int),
        _ if from != 0 => Err(libc::EINVAL),
        Ok(most) if len <= most => Ok(()),
        _ => Err(libc::ENOMEM),
    }
}

macro_rules! mappers {
    ($($name:ident)+) => {
        $(
            /// mmap(2): a drive cannot be mapped, the buffer of a node of sg can.
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name(
                at: *mut c_void,
                len: usize,
                prot: c_int,
                flags: c_int,
                fd: c_int,
                from: i64,
            ) -> *mut c_void {
                let file = if flags & libc::MAP_ANONYMOUS == 0 { slot(fd) } else { None };
                let Some(slot) = file else {
                    // SAFETY: passed on as it came.
                    return unsafe { real::$name(at, len, prot, flags, fd, from) };
                };
                if let Err(errno) = mappable(slot, fd, len, from) {
                    set_errno(errno);
                    return libc::MAP_FAILED;
                }
                let flags = flags | libc::MAP_ANONYMOUS;
                // SAFETY: the caller's place, with memory of nobody's.
                let made = unsafe { real::$name(at, len, prot, flags, -1, 0) };
                if made != libc::MAP_FAILED {
                    slot.map(made, len);
                }
                made
            }
        )+
    };
}

mappers! { mmap mmap64 }
