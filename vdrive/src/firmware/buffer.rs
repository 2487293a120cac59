//! READ BUFFER CAPACITY: the write buffer at this instant.

use engine::device::{Cdb, Data};
use engine::mmc::buffer::BufferCapacity;
use engine::mmc::cdb::{Command, ReadBufferCapacity};
use engine::units::BLOCK;

use super::context::{Cx, Reply};

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
