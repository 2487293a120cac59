//! The ioctls whose argument holds pointers: commands in the forms that Linux has for them. What
//! they point to goes over the wire straight from and into the program's memory.
//!
//! Results are filled in as Linux fills them in; which of them, follows from who answers: sr by way
//! of the SCSI layer, or sg.

use core::ffi::{c_int, c_uint, c_void};
use core::ptr::null_mut;

use crate::calls;
use crate::files::Slot;
use crate::frame::{Direction, MAX_CDB, MAX_DATA, Op, Reply, Request};
use crate::wire::MOST_PIECES;

/// `struct sg_io_hdr` of scsi/sg.h.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Header {
    pub(crate) interface_id: c_int,
    pub(crate) direction: c_int,
    pub(crate) cmd_len: u8,
    mx_sb_len: u8,
    iovec_count: u16,
    pub(crate) dxfer_len: c_uint,
    pub(crate) dxferp: *mut c_void,
    cmdp: *mut u8,
    sbp: *mut u8,
    pub(crate) timeout: c_uint,
    flags: c_uint,
    pub(crate) pack_id: c_int,
    usr_ptr: *mut c_void,
    status: u8,
    pub(crate) masked_status: u8,
    msg_status: u8,
    sb_len_wr: u8,
    pub(crate) host_status: u16,
    driver_status: u16,
    resid: c_int,
    duration: c_uint,
    info: c_uint,
}

/// `struct sg_io_v4` of linux/bsg.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct HeaderV4 {
    guard: i32,
    protocol: u32,
    subprotocol: u32,
    request_len: u32,
    request: u64,
    request_tag: u64,
    request_attr: u32,
    request_priority: u32,
    request_extra: u32,
    max_response_len: u32,
    response: u64,
    dout_iovec_count: u32,
    dout_xfer_len: u32,
    din_iovec_count: u32,
    din_xfer_len: u32,
    dout_xferp: u64,
    din_xferp: u64,
    timeout: u32,
    flags: u32,
    usr_ptr: u64,
    spare_in: u32,
    driver_status: u32,
    transport_status: u32,
    device_status: u32,
    retry_delay: u32,
    info: u32,
    duration: u32,
    response_len: u32,
    din_resid: i32,
    dout_resid: i32,
    generated_tag: u64,
    spare_out: u32,
    padding: u32,
}

/// `struct cdrom_generic_command` of linux/cdrom.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct Generic {
    cmd: [u8; 12],
    buffer: *mut c_void,
    buflen: c_uint,
    stat: c_int,
    sense: *mut u8,
    data_direction: u8,
    quiet: c_int,
    timeout: c_int,
    reserved: *mut c_void,
}

/// `struct cdrom_read_audio` of linux/cdrom.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct Audio {
    head: [u8; 12],
    buf: *mut c_void,
}

/// The data lies in what mmap(2) of the node has given: `SG_FLAG_MMAP_IO`.
const IN_MAPPING: c_uint = 4;

pub(crate) const TO_DEV: c_int = -2;
pub(crate) const FROM_DEV: c_int = -3;
const TO_FROM_DEV: c_int = -4;
const UNKNOWN: c_int = -5;

/// There is something to look at: `SG_INFO_CHECK`.
const INFO_CHECK: c_uint = 1;

/// Sense data has come: `DRIVER_SENSE`.
pub(crate) const DRIVER_SENSE: u16 = 8;

/// Room for sense data in `struct request_sense`.
const PACKET_SENSE: u8 = 64;

/// Whether a pointer cannot lead to anything.
pub(crate) fn wild<T>(pointer: *const T) -> bool {
    let at = pointer as usize;
    !(4096..1 << 47).contains(&at)
}

/// What an argument points to.
///
/// # Safety
/// If the pointer leads anywhere, then to a `T`.
pub(crate) unsafe fn fetch<T: Copy>(pointer: *const T) -> Result<T, c_int> {
    if wild(pointer) {
        return Err(libc::EFAULT);
    }
    // SAFETY: passed on to the caller.
    Ok(unsafe { pointer.read_unaligned() })
}

/// The same the other way.
///
/// # Safety
/// As for `fetch`.
pub(crate) unsafe fn store<T: Copy>(pointer: *mut T, value: T) {
    // SAFETY: passed on to the caller, who has fetched it from there.
    unsafe { pointer.write_unaligned(value) };
}

/// A command before it is sent: the request, and the program's memory for its data.
pub(crate) struct Command {
    pub(crate) request: Request,
    pieces: [libc::iovec; MOST_PIECES],
    count: usize,
}

impl Command {
    /// # Safety
    /// `cdb` leads to `len` bytes, if anywhere.
    pub(crate) unsafe fn new(
        cdb: *const u8,
        len: usize,
        timeout_ms: u32,
    ) -> Result<Command, c_int> {
        if wild(cdb) {
            return Err(libc::EFAULT);
        }
        let mut command = Command::nameless();
        command.request.timeout_ms = timeout_ms;
        command.request.cdb_len = len as u8;
        for (i, byte) in command.request.cdb.iter_mut().enumerate().take(len.min(MAX_CDB)) {
            // SAFETY: passed on to the caller.
            *byte = unsafe { cdb.add(i).read() };
        }
        Ok(command)
    }

    /// Without its bytes, for the memory alone.
    fn nameless() -> Command {
        let nothing = libc::iovec { iov_base: null_mut(), iov_len: 0 };
        Command { request: Request::new(Op::Scsi), pieces: [nothing; MOST_PIECES], count: 0 }
    }

    /// The data: one piece of memory, or as many as a list says, together not more than `len`.
    ///
    /// # Safety
    /// `data` leads to a list of `listed` pieces, if there are any.
    pub(crate) unsafe fn data(
        &mut self,
        direction: Direction,
        data: *mut c_void,
        len: usize,
        listed: usize,
    ) -> Result<(), c_int> {
        if len == 0 {
            return Ok(());
        }
        if listed > MOST_PIECES {
            return Err(libc::EINVAL);
        }
        let mut left = len;
        for i in 0..listed.max(1) {
            let piece = if listed == 0 {
                libc::iovec { iov_base: data, iov_len: len }
            } else {
                // SAFETY: passed on to the caller.
                unsafe { fetch(data.cast::<libc::iovec>().wrapping_add(i)) }?
            };
            let iov_len = piece.iov_len.min(left);
            if iov_len > 0 && wild(piece.iov_base) {
                return Err(libc::EFAULT);
            }
            self.pieces[i] = libc::iovec { iov_len, ..piece };
            left -= iov_len;
            self.count = i + 1;
        }
        self.request.direction = direction;
        let len = (len - left) as u32;
        if direction == Direction::Out {
            self.request.data_len = len;
        } else {
            self.request.room = len;
        }
        Ok(())
    }

    /// The data to send, and the room for what comes.
    pub(crate) fn split(&self) -> (&[libc::iovec], &[libc::iovec]) {
        let pieces = &self.pieces[..self.count];
        if self.request.direction == Direction::Out { (pieces, &[]) } else { (&[], pieces) }
    }

    fn send(&self, slot: &Slot, fd: c_int) -> Result<Reply, c_int> {
        let (out, room) = self.split();
        let reply = slot.exchange(fd, &self.request, out, room)?;
        if reply.result < 0 { Err(-reply.result as c_int) } else { Ok(reply) }
    }
}

/// Judges a header of version 3 and makes a command of it.
///
/// # Safety
/// Its pointers lead to what they say.
pub(crate) unsafe fn command(header: &Header, slot: &Slot) -> Result<Command, c_int> {
    let sg = slot.node().sg;
    if header.interface_id != c_int::from(b'S') {
        return Err(if sg { libc::ENOSYS } else { libc::EINVAL });
    }
    if header.dxfer_len as usize > MAX_DATA {
        return Err(if sg { libc::ENOMEM } else { libc::EIO });
    }
    if sg && (header.cmdp.is_null() || header.cmd_len < 6) {
        return Err(libc::EMSGSIZE);
    }
    if usize::from(header.cmd_len) > MAX_CDB {
        return Err(libc::EINVAL);
    }
    // SAFETY: passed on to the caller.
    unsafe {
        let command = Command::new(header.cmdp, usize::from(header.cmd_len), header.timeout)?;
        memory(command, header, slot)
    }
}

/// The memory for the data of a command, as its header says.
///
/// # Safety
/// As for `command`.
unsafe fn memory(mut command: Command, header: &Header, slot: &Slot) -> Result<Command, c_int> {
    let (sg, len) = (slot.node().sg, header.dxfer_len as usize);
    let direction = match header.direction {
        TO_DEV => Direction::Out,
        FROM_DEV | TO_FROM_DEV => Direction::In,
        UNKNOWN if sg => Direction::In,
        _ if sg || len == 0 => Direction::None,
        _ => return Err(libc::EINVAL),
    };
    if direction == Direction::None {
        return Ok(command);
    }
    let (mut data, mut listed) = (header.dxferp, usize::from(header.iovec_count));
    if sg && header.flags & IN_MAPPING != 0 {
        data = slot.mapping(len).ok_or(libc::ENOMEM)?;
        listed = 0;
    }
    // SAFETY: passed on to the caller.
    unsafe { command.data(direction, data, len, listed) }?;
    Ok(command)
}

/// The memory alone, for an answer that comes after the command's bytes have gone.
///
/// # Safety
/// As for `command`.
pub(crate) unsafe fn room(header: &Header, slot: &Slot) -> Result<Command, c_int> {
    // SAFETY: passed on to the caller.
    unsafe { memory(Command::nameless(), header, slot) }
}

/// Copies sense data to where a program wants it. How much.
///
/// # Safety
/// `to` leads to `room` bytes, if anywhere.
unsafe fn put_sense(reply: &Reply, to: *mut u8, room: usize) -> Result<u8, c_int> {
    if to.is_null() || room == 0 || reply.sense_len == 0 {
        return Ok(0);
    }
    if wild(to) {
        return Err(libc::EFAULT);
    }
    let sense = reply.sense();
    let len = sense.len().min(room);
    // SAFETY: passed on to the caller.
    unsafe { to.copy_from_nonoverlapping(sense.as_ptr(), len) };
    Ok(len as u8)
}

/// Fills in the results of a header of version 3.
///
/// # Safety
/// Its pointers lead to what they say.
pub(crate) unsafe fn finish(header: &mut Header, reply: &Reply, sg: bool) -> Result<(), c_int> {
    // SAFETY: passed on to the caller.
    let sense = unsafe { put_sense(reply, header.sbp, usize::from(header.mx_sb_len)) };
    header.status = reply.status;
    header.masked_status = reply.status >> 1 & 0x1f;
    header.msg_status = 0;
    header.host_status = reply.host_status;
    // sg says that there is sense data only where it could deliver it.
    let check = reply.status == 0x02;
    let sensed = if sg { matches!(sense, Ok(1..)) } else { check };
    header.driver_status = if sensed { DRIVER_SENSE } else { 0 };
    header.info = 0;
    if header.masked_status != 0 || header.host_status != 0 || header.driver_status != 0 {
        header.info = INFO_CHECK;
    }
    header.resid = reply.residual;
    header.duration = reply.duration_ms;
    header.sb_len_wr = sense.unwrap_or(0);
    sense.map(drop)
}

impl Header {
    /// One for the memory of a command that came without: data from the drive into one place.
    pub(crate) fn plain(dxferp: *mut c_void, len: usize) -> Header {
        // SAFETY: a structure of numbers and pointers.
        let nothing: Header = unsafe { core::mem::zeroed() };
        Header { direction: FROM_DEV, dxfer_len: len as c_uint, dxferp, ..nothing }
    }
}

/// `SG_IO`, of either version.
///
/// # Safety
/// `arg` leads to a header, if anywhere, and its pointers to what they say.
pub(crate) unsafe fn sg_io(slot: &Slot, fd: c_int, arg: usize) -> Result<i64, c_int> {
    let sg = slot.node().sg;
    let at = arg as *mut Header;
    // SAFETY: both versions begin with a number that says which one it is.
    if unsafe { fetch(at.cast::<c_int>()) }? == c_int::from(b'Q') {
        // SAFETY: passed on to the caller.
        return unsafe { sg_io_v4(slot, fd, arg as *mut HeaderV4) };
    }
    // SAFETY: passed on to the caller.
    let mut header = unsafe { fetch(at) }?;
    // SAFETY: passed on to the caller.
    let reply = unsafe { command(&header, slot) }?.send(slot, fd)?;
    // SAFETY: passed on to the caller.
    let result = unsafe { finish(&mut header, &reply, sg) };
    // SAFETY: it was fetched from there.
    unsafe { store(at, header) };
    result.map(|()| 0)
}

/// # Safety
/// As for `sg_io`.
unsafe fn sg_io_v4(slot: &Slot, fd: c_int, at: *mut HeaderV4) -> Result<i64, c_int> {
    // SAFETY: passed on to the caller.
    let mut header = unsafe { fetch(at) }?;
    if header.protocol != 0 || header.subprotocol != 0 || header.request_len as usize > MAX_CDB {
        return Err(libc::EINVAL);
    }
    let (out, room) = (header.dout_xfer_len, header.din_xfer_len);
    if out > 0 && room > 0 {
        return Err(libc::EOPNOTSUPP);
    }
    if out.max(room) as usize > MAX_DATA {
        return Err(libc::ENOMEM);
    }
    let cdb = header.request as usize as *const u8;
    // SAFETY: passed on to the caller.
    let mut command = unsafe { Command::new(cdb, header.request_len as usize, header.timeout) }?;
    let (direction, data, len, listed) = if out > 0 {
        (Direction::Out, header.dout_xferp, out, header.dout_iovec_count)
    } else {
        (Direction::In, header.din_xferp, room, header.din_iovec_count)
    };
    let data = data as usize as *mut c_void;
    // SAFETY: passed on to the caller.
    unsafe { command.data(direction, data, len as usize, listed as usize) }?;
    let reply = command.send(slot, fd)?;
    let response = header.response as usize as *mut u8;
    // SAFETY: passed on to the caller.
    let sense = unsafe { put_sense(&reply, response, header.max_response_len as usize) };
    header.device_status = u32::from(reply.status);
    header.transport_status = u32::from(reply.host_status);
    header.driver_status = if reply.status == 0x02 { u32::from(DRIVER_SENSE) } else { 0 };
    header.info = u32::from(reply.status != 0 || reply.host_status != 0);
    header.duration = reply.duration_ms;
    header.response_len = u32::from(sense.unwrap_or(0));
    header.din_resid = if out == 0 { reply.residual } else { 0 };
    header.dout_resid = if out > 0 { reply.residual } else { 0 };
    // SAFETY: it was fetched from there.
    unsafe { store(at, header) };
    sense.map(|_| 0)
}

/// `CDROM_SEND_PACKET`.
///
/// # Safety
/// `arg` leads to a `struct cdrom_generic_command`, if anywhere, and its pointers to what they say.
pub(crate) unsafe fn send_packet(slot: &Slot, fd: c_int, arg: usize) -> Result<i64, c_int> {
    let at = arg as *mut Generic;
    // SAFETY: passed on to the caller.
    let mut generic = unsafe { fetch(at) }?;
    let len = generic.buflen as usize;
    if len > MAX_DATA {
        return Err(libc::EIO);
    }
    // CGC_DATA_UNKNOWN, WRITE, READ, NONE.
    let direction = match generic.data_direction {
        1 => Direction::Out,
        2 => Direction::In,
        0 | 3 if len == 0 => Direction::None,
        _ => return Err(libc::EINVAL),
    };
    // In hundredths of a second.
    let timeout = u32::try_from(generic.timeout).unwrap_or(0).saturating_mul(10);
    let cdb = generic.cmd;
    // SAFETY: the command lies in the structure.
    let mut command = unsafe { Command::new(cdb.as_ptr(), cdb.len(), timeout) }?;
    // SAFETY: passed on to the caller.
    unsafe { command.data(direction, generic.buffer, len, 0) }?;
    let reply = command.send(slot, fd)?;
    // SAFETY: passed on to the caller.
    unsafe { put_sense(&reply, generic.sense, usize::from(PACKET_SENSE)) }?;
    if reply.status != 0 {
        return Err(libc::EIO);
    }
    generic.stat = 0;
    generic.buflen = reply.residual.max(0) as c_uint;
    // SAFETY: it was fetched from there.
    unsafe { store(at, generic) };
    Ok(0)
}

/// How long a command is, by its operation code (SPC-4, 4.2.5.1, and Linux for the other groups).
pub(crate) fn length_of(opcode: u8) -> usize {
    match opcode >> 5 {
        0 => 6,
        3 | 5 => 12,
        4 => 16,
        _ => 10,
    }
}

/// `SCSI_IOCTL_SEND_COMMAND`: lengths, command and data in one piece.
///
/// # Safety
/// `arg` leads to such a piece, if anywhere.
pub(crate) unsafe fn send_command(slot: &Slot, fd: c_int, arg: usize) -> Result<i64, c_int> {
    const PAGE: usize = 4096;
    let at = arg as *mut c_uint;
    // SAFETY: passed on to the caller.
    let [out, room] = unsafe { fetch(at.cast::<[c_uint; 2]>()) }?.map(|len| len as usize);
    if out > PAGE || room > PAGE {
        return Err(libc::EINVAL);
    }
    let data = at.wrapping_add(2).cast::<u8>();
    // SAFETY: passed on to the caller.
    let len = length_of(unsafe { fetch(data) }?);
    // SAFETY: passed on to the caller.
    let mut command = unsafe { Command::new(data, len, 0) }?;
    let direction = if out > 0 { Direction::Out } else { Direction::In };
    let place = if out > 0 { data.wrapping_add(len) } else { data };
    // SAFETY: passed on to the caller.
    unsafe { command.data(direction, place.cast(), out.max(room), 0) }?;
    if out > 0 {
        command.request.data_len = out as u32;
        command.pieces[0].iov_len = out;
    }
    let reply = command.send(slot, fd)?;
    if reply.status != 0 {
        // SAFETY: passed on to the caller.
        unsafe { put_sense(&reply, data, 16) }?;
    }
    Ok(i64::from(reply.status))
}

/// `CDROMREADAUDIO`.
///
/// # Safety
/// `arg` leads to a `struct cdrom_read_audio`, if anywhere, and its pointer to its frames.
pub(crate) unsafe fn read_audio(slot: &Slot, fd: c_int, arg: usize) -> Result<i64, c_int> {
    // SAFETY: passed on to the caller.
    let mut audio = unsafe { fetch(arg as *const Audio) }?;
    let frames = i32::from_ne_bytes([audio.head[8], audio.head[9], audio.head[10], audio.head[11]]);
    let len = usize::try_from(frames).unwrap_or(0).min(75) * 2352;
    let mut request = Request::new(Op::Ioctl);
    request.number = calls::CDROMREADAUDIO;
    request.data_len = audio.head.len() as u32;
    request.room = len as u32;
    let head = audio.head.as_mut_ptr().cast();
    let out = [libc::iovec { iov_base: head, iov_len: audio.head.len() }];
    let room = [libc::iovec { iov_base: audio.buf, iov_len: len }];
    slot.exchange(fd, &request, &out, &room).map(|reply| reply.result)
}
