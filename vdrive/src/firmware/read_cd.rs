//! READ CD and READ CD MSF: sectors of a CD in the parts that the host picks.
//!
//! The disc keeps the user data of Mode 1 sectors; sync and header follow from the address. EDC and
//! ECC, C2 flags and sub-channels are not kept and therefore refused.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, ReadCd, ReadCdMsf, SectorType};
use engine::mmc::sense::codes;
use engine::units::{BLOCK, Blocks, Lba, Msf};

use super::context::{Answer, Cx, Refusal, Reply, bad_cdb};
use super::read::{check_range, recorded_first, unreadable};
use crate::models::Family;

/// The synchronization field of a CD-ROM sector (ECMA-130, 14.1).
const SYNC: [u8; 12] = [0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0];

/// Which parts of a sector the host wants.
#[derive(Clone, Copy)]
struct Parts {
    sync: bool,
    header: bool,
    user: bool,
}

impl Parts {
    fn bytes(self) -> usize {
        let part = |wanted, bytes| if wanted { bytes } else { 0 };
        part(self.sync, SYNC.len()) + part(self.header, 4) + part(self.user, BLOCK)
    }

    /// The main channel selection bits as in byte 9 (MMC-6, 6.20.2.6).
    fn of(main: u8) -> Result<Parts, Refusal> {
        let headers = main >> 5 & 3;
        // A sub-header belongs to Mode 2; EDC, ECC and C2 are not there.
        if headers > 1 || main & 0x0e != 0 {
            return Err(bad_cdb(9, Some(7)));
        }
        Ok(Parts { sync: main & 0x80 != 0, header: headers == 1, user: main & 0x10 != 0 })
    }
}

/// READ CD (MMC-6, 6.20).
pub(super) fn read_cd(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let main = cdb.bytes().get(9).copied().unwrap_or(0);
    let cdb = ReadCd::from_cdb(cdb);
    if cdb.sub_channel != 0 {
        return Err(bad_cdb(10, Some(2)));
    }
    read(cx, cdb.expected, cdb.lba, Blocks(cdb.blocks), main, data)
}

/// READ CD MSF (MMC-6, 6.21): from one address up to another.
pub(super) fn read_cd_msf(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let main = cdb.bytes().get(9).copied().unwrap_or(0);
    let cdb = ReadCdMsf::from_cdb(cdb);
    if cdb.sub_channel != 0 {
        return Err(bad_cdb(10, Some(2)));
    }
    let at = |[m, s, f]: [u8; 3], byte| {
        let right = m < 100 && s < 60 && f < 75;
        right.then(|| Msf { m, s, f }.lba()).ok_or_else(|| bad_cdb(byte, None))
    };
    let (start, end) = (at(cdb.start, 3)?, at(cdb.end, 6)?);
    let blocks = end.checked_from(start).ok_or_else(|| bad_cdb(6, None))?;
    read(cx, cdb.expected, start, blocks, main, data)
}

fn read(
    cx: &mut Cx<'_>,
    expected: SectorType,
    lba: Lba,
    blocks: Blocks,
    main: u8,
    data: &mut Data<'_>,
) -> Reply {
    let state = cx.state()?;
    if state.kind().family() != Family::Cd {
        return Err(codes::INCOMPATIBLE_FORMAT.into());
    }
    let parts = Parts::of(main)?;
    check_range(state, lba, blocks)?;
    if !matches!(expected, SectorType::Any | SectorType::Mode1) {
        return Err(codes::ILLEGAL_MODE_FOR_TRACK.into());
    }
    let each = parts.bytes();
    if blocks.0 == 0 || each == 0 {
        return cx.good();
    }
    if let Some(put_off) = recorded_first(cx) {
        return Ok(put_off);
    }
    let room: &mut [u8] = match data {
        Data::In(room) => room,
        _ => return Err(bad_cdb(6, None)),
    };
    let disc = cx.disc.as_ref().ok_or(codes::NO_MEDIUM)?;
    let bad = disc.first_unreadable(lba, blocks);
    let good = bad.map_or(blocks, |bad| bad - lba);
    let mut moved = 0;
    for (i, place) in room.chunks_mut(each).enumerate().take(good.0 as usize) {
        let at = lba + Blocks(i as u32);
        let mut sector = Vec::with_capacity(SYNC.len() + 4 + BLOCK);
        if parts.sync {
            sector.extend(SYNC);
        }
        if parts.header {
            sector.extend(header(at));
        }
        if parts.user {
            let mut block = [0; BLOCK];
            disc.read(at, &mut block).map_err(|_| codes::READ_ERROR)?;
            sector.extend(block);
        }
        place.copy_from_slice(&sector[..place.len()]);
        moved += place.len();
    }
    let sense = bad.map(|bad| unreadable(disc.state(), bad));
    let takes = cx.fw.laser.read(cx.now, lba, Blocks(good.0.max(1)));
    let at = cx.now + takes + cx.fw.transfer(moved);
    match sense {
        None => Ok(Answer::Good { moved, at }),
        Some(sense) => Err(Refusal { sense, moved, at: Some(at) }),
    }
}

/// Minute, second, frame in BCD and Mode 1 (ECMA-130, 14.2).
fn header(at: Lba) -> [u8; 4] {
    let bcd = |n: u8| ((n / 10) << 4) | (n % 10);
    let msf = at.msf().unwrap_or_default();
    [bcd(msf.m), bcd(msf.s), bcd(msf.f), 1]
}
