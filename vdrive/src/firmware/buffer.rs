//! READ BUFFER CAPACITY: the write buffer at this instant. READ BUFFER and WRITE BUFFER: the memory
//! that it lies in, for hosts that test the way to it.

use engine::device::{Cdb, Data};
use engine::mmc::buffer::{BufferCapacity, BufferDescriptor};
use engine::mmc::cdb::{Command, ReadBuffer, ReadBufferCapacity, WriteBuffer};
use engine::mmc::sense::codes;
use engine::units::BLOCK;

use super::context::{Answer, Cx, Refusal, Reply, bad_cdb};

/// READ BUFFER CAPACITY (MMC-6, 6.18).
pub(super) fn read_buffer_capacity(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReadBufferCapacity::from_cdb(cdb);
    let (size, room) = (cx.fw.laser.size() as u32, cx.fw.laser.room() as u32);
    let reply = match cdb.block {
        false => BufferCapacity { block: false, size, free: room },
        true => BufferCapacity { block: true, size: 0, free: room / BLOCK as u32 },
    };
    cx.send(&reply.emit(), cdb.allocation.into(), data)
}

/// Modes of READ BUFFER and WRITE BUFFER that name the memory (SPC-3, 6.15 and 6.35).
mod mode {
    /// A header of 4 bytes, then data from the start on.
    pub(super) const COMBINED: u8 = 0;
    /// Data from an offset on.
    pub(super) const DATA: u8 = 2;
    /// Where offsets may lie and how much there is.
    pub(super) const DESCRIPTOR: u8 = 3;
}

/// READ BUFFER (MMC-6, 6.17; SPC-3, 6.15), modes 0, 2 and 3: what WRITE BUFFER left there, zeros
/// elsewhere.
pub(super) fn read_buffer(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReadBuffer::from_cdb(cdb);
    let allocation = usize::try_from(cdb.allocation).unwrap_or(usize::MAX);
    let capacity = cx.fw.laser.size();
    let descriptor = BufferDescriptor { boundary: 0, capacity: capacity as u32 };
    match cdb.mode {
        mode::COMBINED => {
            only_start(cdb.id, cdb.offset)?;
            let mut reply = descriptor.emit().to_vec();
            reply.extend(memory(cx, 0, allocation.saturating_sub(reply.len())));
            cx.send(&reply, allocation, data)
        }
        mode::DATA => {
            let offset = within(cx, cdb.id, cdb.offset)?;
            let reply = memory(cx, offset, allocation);
            cx.send(&reply, allocation, data)
        }
        // A buffer that is not there has no bytes (SPC-3, 6.15.5).
        mode::DESCRIPTOR if cdb.id != 0 => {
            cx.send(&BufferDescriptor::default().emit(), allocation, data)
        }
        mode::DESCRIPTOR => cx.send(&descriptor.emit(), allocation, data),
        _ => Err(bad_cdb(1, Some(4))),
    }
}

/// WRITE BUFFER (SPC-3, 6.35), modes 0 and 2. The drive takes no firmware: the Microcode Upgrade
/// feature is not among its features (MMC-6, 5.3.29).
pub(super) fn write_buffer(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = WriteBuffer::from_cdb(cdb);
    let length = usize::try_from(cdb.length).unwrap_or(usize::MAX);
    let (offset, header) = match cdb.mode {
        mode::COMBINED => {
            only_start(cdb.id, cdb.offset)?;
            (0, BufferDescriptor::LEN)
        }
        mode::DATA => (within(cx, cdb.id, cdb.offset)?, 0),
        _ => return Err(bad_cdb(1, Some(4))),
    };
    // What waits there for the laser stays.
    if !cx.fw.laser.is_empty() {
        return Err(codes::SEQUENCE_ERROR.into());
    }
    let list = Cx::list(length, data)?;
    let bytes = list.get(header..).unwrap_or_default();
    let end = offset + bytes.len();
    if end > cx.fw.laser.size() {
        return Err(bad_cdb(6, None));
    }
    let memory = &mut cx.fw.memory;
    if memory.len() < end {
        memory.resize(end, 0);
    }
    memory[offset..end].copy_from_slice(bytes);
    Ok(Answer::Good { moved: length, at: cx.now + cx.fw.transfer(length) })
}

/// In mode 0 neither buffer nor offset can be chosen (SPC-3, 6.15.2).
fn only_start(id: u8, offset: u32) -> Result<(), Refusal> {
    if id != 0 {
        return Err(bad_cdb(2, None));
    }
    if offset != 0 {
        return Err(bad_cdb(3, None));
    }
    Ok(())
}

/// The offset, if it lies in the one buffer that there is.
fn within(cx: &Cx<'_>, id: u8, offset: u32) -> Result<usize, Refusal> {
    if id != 0 {
        return Err(bad_cdb(2, None));
    }
    let offset = usize::try_from(offset).unwrap_or(usize::MAX);
    if offset > cx.fw.laser.size() { Err(bad_cdb(3, None)) } else { Ok(offset) }
}

/// At most so many bytes from here on, to the end of the buffer.
fn memory(cx: &Cx<'_>, offset: usize, most: usize) -> Vec<u8> {
    let end = cx.fw.laser.size().min(offset.saturating_add(most)).max(offset);
    let written = cx.fw.memory.len();
    let mut bytes = cx.fw.memory[offset.min(written)..end.min(written)].to_vec();
    bytes.resize(end - offset, 0);
    bytes
}
