//! Commands that are written to a node of sg, and answers that are read from it: in the form of
//! version 3, a header that points to the rest, and in the first form, where all lies in one piece.

use core::ffi::{c_int, c_void};
use core::mem::size_of;
use core::ptr::null_mut;

use crate::calls;
use crate::files::Slot;
use crate::frame::{Direction, MAX_CDB, MAX_DATA, Reply};
use crate::real;
use crate::sgio::{self, Command, DRIVER_SENSE, Header, fetch, finish, length_of, store, wild};
use crate::wire::{self, Failed};

/// `struct sg_header` of scsi/sg.h, with its bit fields in one.
#[repr(C)]
#[derive(Clone, Copy)]
struct OldHeader {
    pack_len: c_int,
    reply_len: c_int,
    pack_id: c_int,
    result: c_int,
    /// From the lowest bit: twelve bytes of CDB, five bits of status, eight of what the host says,
    /// eight of what the driver says.
    bits: u32,
    sense: [u8; 16],
}

const OLD_LEN: usize = size_of::<OldHeader>();
const NEW_LEN: usize = size_of::<Header>();

/// Longest CDB that `SG_NEXT_CMD_LEN` may announce.
const LONGEST_NEXT: c_int = 252;

/// Operation codes from here on are the vendor's, and of a length that the program says.
const VENDOR: u8 = 0xc0;

/// Memory for the answer to a command of the first form, from when it is written until it is read.
struct Buffer {
    at: *mut c_void,
    len: usize,
}

impl Buffer {
    fn new(len: usize) -> Result<Buffer, c_int> {
        let (prot, flags) =
            (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: memory of nobody's, anywhere.
        let at = unsafe { real::mmap(null_mut(), len, prot, flags, -1, 0) };
        if at == libc::MAP_FAILED { Err(libc::ENOMEM) } else { Ok(Buffer { at, len }) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: it is this buffer's own.
        unsafe { libc::munmap(self.at, self.len) };
    }
}

/// What a command of the first form was written with.
struct Old {
    reply_len: usize,
    twelve: bool,
    buffer: Option<Buffer>,
}

/// A command that was written.
struct Asked {
    /// As the program gave it, or made for the memory of the first form.
    header: Header,
    old: Option<Old>,
    reply: Option<Reply>,
}

/// Requests that were written to an sg node and whose answers have not been read, in their order;
/// the answers that have come are those of the first ones.
pub(crate) struct Pending {
    asked: [Option<Asked>; MOST_PENDING],
    len: usize,
    /// read(2) takes the answer with the number that its header has: `SG_SET_FORCE_PACK_ID`.
    by_number: bool,
    /// How long the next CDB of the first form is, if not by its operation code.
    next_len: usize,
}

/// Stands for any number.
const ANY: c_int = -1;

/// As many as sg queues for one open file.
const MOST_PENDING: usize = 16;

impl Pending {
    pub(crate) const fn new() -> Pending {
        Pending { asked: [const { None }; MOST_PENDING], len: 0, by_number: false, next_len: 0 }
    }

    /// Which request it is whose answer is read next.
    fn find(&self, number: c_int) -> Option<usize> {
        let wanted = |asked: &Option<Asked>| {
            asked.as_ref().is_some_and(|asked| {
                !self.by_number || number == ANY || asked.header.pack_id == number
            })
        };
        self.asked[..self.len].iter().position(wanted)
    }

    /// Sends a command and puts it behind the others.
    fn add(&mut self, channel: c_int, command: &Command, asked: Asked) -> Result<(), Failed> {
        let place = self.asked.get_mut(self.len);
        let place = place.ok_or(Failed { errno: libc::EDOM, broken: false })?;
        wire::ask(channel, &command.request, command.split().0)?;
        *place = Some(asked);
        self.len += 1;
        Ok(())
    }

    /// Takes a request out.
    fn take(&mut self, at: usize) -> Option<Asked> {
        let taken = self.asked.get_mut(at)?.take();
        self.asked[at..self.len].rotate_left(1);
        self.len -= 1;
        taken
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// `SG_SET_FORCE_PACK_ID` and `SG_NEXT_CMD_LEN`.
///
/// # Safety
/// `arg` leads to a number, if anywhere.
pub(crate) unsafe fn set(slot: &Slot, fd: c_int, number: u32, arg: usize) -> Result<i64, c_int> {
    // SAFETY: passed on to the caller.
    let value = unsafe { fetch(arg as *const c_int) }?;
    let by_number = number == calls::SG_SET_FORCE_PACK_ID;
    if !by_number && value > LONGEST_NEXT {
        return Err(libc::ENOMEM);
    }
    slot.with_pending(fd, |pending, _| {
        if by_number {
            pending.by_number = value != 0;
        } else {
            pending.next_len = usize::try_from(value).unwrap_or(0);
        }
        Ok(0)
    })
}

/// write(2) on an sg node: a header, and the command goes out.
///
/// # Safety
/// `from` leads to `len` bytes, and the header's pointers to what they say.
pub(crate) unsafe fn submit(slot: &Slot, fd: c_int, from: usize, len: usize) -> Result<i64, c_int> {
    if len < OLD_LEN {
        return Err(libc::EIO);
    }
    // SAFETY: passed on to the caller.
    let old = unsafe { fetch(from as *const OldHeader) }?;
    // Where the first form has a length, later ones have a direction, which is below zero.
    if old.reply_len >= 0 {
        // SAFETY: passed on to the caller.
        return unsafe { submit_old(slot, fd, &old, from + OLD_LEN, len - OLD_LEN) };
    }
    if len < NEW_LEN {
        return Err(libc::EINVAL);
    }
    // SAFETY: passed on to the caller.
    let header = unsafe { fetch(from as *const Header) }?;
    // SAFETY: passed on to the caller.
    let command = unsafe { sgio::command(&header, slot) }?;
    slot.with_pending(fd, |pending, channel| {
        pending.add(channel, &command, Asked { header, old: None, reply: None })?;
        Ok(len as i64)
    })
}

/// The first form: behind the header come the command and the data for the drive. `reply_len`
/// counts the header.
///
/// # Safety
/// `from` leads to `len` bytes.
unsafe fn submit_old(
    slot: &Slot,
    fd: c_int,
    old: &OldHeader,
    from: usize,
    len: usize,
) -> Result<i64, c_int> {
    // The shortest command.
    if len < 6 {
        return Err(libc::EIO);
    }
    // SAFETY: passed on to the caller.
    let opcode = unsafe { fetch(from as *const u8) }?;
    let twelve = old.bits & 1 != 0 && opcode >= VENDOR;
    let announced =
        slot.with_pending(fd, |pending, _| Ok(core::mem::take(&mut pending.next_len)))?;
    let size = match announced {
        0 if twelve => 12,
        0 => length_of(opcode),
        announced => announced,
    };
    let data = len.checked_sub(size).ok_or(libc::EIO)?;
    let reply_len = old.reply_len as usize;
    let room = reply_len.saturating_sub(OLD_LEN);
    if size > MAX_CDB {
        return Err(libc::EINVAL);
    }
    if data.max(room) > MAX_DATA {
        return Err(libc::ENOMEM);
    }
    // SAFETY: passed on to the caller.
    let mut command = unsafe { Command::new(from as *const u8, size, 0) }?;
    let place = (from + size) as *mut c_void;
    let mut buffer = None;
    let mut header = Header::plain(null_mut(), 0);
    if room > 0 {
        let made = Buffer::new(data.max(room))?;
        // SAFETY: as much as the program has written, and the buffer holds it.
        unsafe { made.at.copy_from_nonoverlapping(place, data) };
        header = Header::plain(made.at, made.len);
        // SAFETY: the buffer is as long as it says.
        unsafe { command.data(Direction::In, made.at, made.len, 0) }?;
        buffer = Some(made);
    } else if data > 0 {
        // SAFETY: passed on to the caller.
        unsafe { command.data(Direction::Out, place, data, 0) }?;
    }
    header.pack_id = old.pack_id;
    header.cmd_len = size as u8;
    let asked = Asked { header, old: Some(Old { reply_len, twelve, buffer }), reply: None };
    slot.with_pending(fd, |pending, channel| {
        pending.add(channel, &command, asked)?;
        Ok((OLD_LEN + len) as i64)
    })
}

/// read(2) on an sg node: the header of a command that was written, with its results. Waits for
/// one if there is none, as sg does.
///
/// # Safety
/// `to` leads to `len` bytes, and the pointers of the headers that were written to what they say.
pub(crate) unsafe fn collect(slot: &Slot, fd: c_int, to: usize, len: usize) -> Result<i64, c_int> {
    // SAFETY: passed on to the caller.
    let number = unsafe { wanted(to, len) }?;
    let (mut asked, reply) = loop {
        // SAFETY: passed on to the caller.
        match unsafe { answer(slot, fd, number) } {
            Err(libc::EAGAIN) if !slot.nonblocking() => pause()?,
            result => break result?,
        }
    };
    if reply.result < 0 {
        return Err(-reply.result as c_int);
    }
    if let Some(old) = &asked.old {
        // SAFETY: passed on to the caller.
        return unsafe { collect_old(&asked.header, old, &reply, to, len) };
    }
    if len < NEW_LEN {
        return Err(libc::EINVAL);
    }
    // SAFETY: passed on to the caller.
    unsafe { finish(&mut asked.header, &reply, true) }?;
    // SAFETY: passed on to the caller.
    unsafe { store(to as *mut Header, asked.header) };
    Ok(NEW_LEN as i64)
}

/// The number that the program's place has, in either form.
///
/// # Safety
/// `to` leads to `len` bytes.
unsafe fn wanted(to: usize, len: usize) -> Result<c_int, c_int> {
    if len < OLD_LEN {
        return Ok(ANY);
    }
    // SAFETY: passed on to the caller.
    let old = unsafe { fetch(to as *const OldHeader) }?;
    match old.reply_len {
        0.. => Ok(old.pack_id),
        _ if len < NEW_LEN => Ok(ANY),
        // SAFETY: passed on to the caller.
        _ => Ok(unsafe { fetch(to as *const Header) }?.pack_id),
    }
}

/// The answer in the first form: the header, then the data.
///
/// # Safety
/// `to` leads to `len` bytes.
unsafe fn collect_old(
    header: &Header,
    old: &Old,
    reply: &Reply,
    to: usize,
    len: usize,
) -> Result<i64, c_int> {
    let masked = reply.status >> 1 & 0x1f;
    let sensed = masked & 1 != 0;
    // `DID_*` as error numbers: no connection, bus busy, timed out; soft error, passed through.
    let result = match reply.host_status {
        0x00 | 0x0a | 0x0b => 0,
        0x01..=0x03 => libc::EBUSY,
        0x07 if masked == 0 => 0,
        _ => libc::EIO,
    };
    if len < OLD_LEN {
        return if result == 0 { Ok(0) } else { Err(libc::EIO) };
    }
    let driver = if sensed { DRIVER_SENSE } else { 0 };
    let bits = u32::from(old.twelve)
        | u32::from(masked) << 1
        | u32::from(reply.host_status & 0xff) << 6
        | u32::from(driver) << 14;
    let mut sense = [0; 16];
    if sensed {
        sense.copy_from_slice(&reply.sense[..16]);
    }
    let reply_len = old.reply_len as c_int;
    let head =
        OldHeader { pack_len: reply_len, reply_len, pack_id: header.pack_id, result, bits, sense };
    if wild(to as *const u8) {
        return Err(libc::EFAULT);
    }
    // SAFETY: passed on to the caller.
    unsafe { store(to as *mut OldHeader, head) };
    let count = len.min(old.reply_len);
    if let Some(buffer) = &old.buffer
        && count > OLD_LEN
    {
        // SAFETY: the place is as long as the caller says, the buffer holds `reply_len` bytes
        // behind the header.
        unsafe {
            let place = (to + OLD_LEN) as *mut c_void;
            place.copy_from_nonoverlapping(buffer.at, (count - OLD_LEN).min(buffer.len));
        }
    }
    Ok(count as i64)
}

/// The answer to the command of this number, behind those to commands that were written before it.
///
/// # Safety
/// The pointers of the headers that were written lead to what they say.
unsafe fn answer(slot: &Slot, fd: c_int, number: c_int) -> Result<(Asked, Reply), c_int> {
    let wait = !slot.nonblocking();
    slot.with_pending(fd, |pending, channel| {
        let nothing = Failed { errno: libc::EAGAIN, broken: false };
        let wanted = pending.find(number).ok_or(nothing)?;
        for asked in pending.asked[..=wanted].iter_mut().flatten() {
            if asked.reply.is_some() {
                continue;
            }
            if !wait && !ready(channel) {
                return Err(nothing);
            }
            // SAFETY: as when it was submitted.
            let command = unsafe { sgio::room(&asked.header, slot) };
            let command = command.map_err(|errno| Failed { errno, broken: true })?;
            asked.reply = Some(wire::hear_next(channel, command.split().1)?);
        }
        let mut asked = pending.take(wanted).ok_or(nothing)?;
        let reply = asked.reply.take().ok_or(nothing)?;
        Ok((asked, reply))
    })
}

/// Lets another thread write a command. Ends early for a signal.
fn pause() -> Result<(), c_int> {
    let moment = libc::timespec { tv_sec: 0, tv_nsec: 2_000_000 };
    // SAFETY: the time is one.
    match unsafe { libc::nanosleep(&raw const moment, null_mut()) } {
        0 => Ok(()),
        _ => Err(libc::EINTR),
    }
}

/// Whether something has come.
fn ready(fd: c_int) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one.
    unsafe { real::poll(&raw mut poll, 1, 0) > 0 }
}
