//! READ CD and READ CD MSF: sectors of a CD in the parts that the host picks.

use std::ops::Range;

use engine::cdda::FRAME;
use engine::cdda::sector::Kind;
use engine::cdda::subchannel as channel;
use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, ReadCd, ReadCdMsf, SectorType};
use engine::mmc::sense::{Sense, codes};
use engine::units::{BLOCK, Blocks, Lba, Msf};

use super::context::{Answer, Cx, Refusal, Reply, bad_cdb};
use super::read::{readable_end, recorded_first, unreadable};
use super::subchannel;
use crate::medium::{Disc, State};
use crate::models::Family;

/// Bytes of C2 flags, one bit for each byte of the sector.
const C2: usize = FRAME / 8;

/// What the host wants of each sector.
#[derive(Clone, Copy)]
struct Parts {
    /// Byte 9 of the CDB: sync, header codes, user data, EDC and ECC.
    main: u8,
    /// Bytes of C2 flags and block error byte.
    c2: usize,
    /// What of the sub-channels.
    sub: Sub,
}

/// What the host wants of the sub-channels (MMC-6, 6.20.2.9).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sub {
    None,
    /// All of them, as they are.
    Raw,
    /// P and Q in 16 bytes.
    Q,
    /// R to W, corrected and de-interleaved.
    Packs,
}

impl Parts {
    fn of(main: u8, sub: u8) -> Result<Parts, Refusal> {
        let c2 = match main >> 1 & 3 {
            0 => 0,
            1 => C2,
            2 => C2 + 2,
            _ => return Err(bad_cdb(9, Some(2))),
        };
        let sub = match sub & 7 {
            0 => Sub::None,
            1 => Sub::Raw,
            2 => Sub::Q,
            4 => Sub::Packs,
            _ => return Err(bad_cdb(10, Some(2))),
        };
        Ok(Parts { main: main & 0xf8, c2, sub })
    }

    /// Where in a sector of this kind the selected bytes lie: one stretch, or the selection is
    /// illegal for it (MMC-6, 6.20.2.6). Fields that a kind does not have are passed over.
    fn range(self, kind: Option<Kind>) -> Result<Range<usize>, Refusal> {
        let Some(kind) = kind else {
            // Audio is one field.
            return Ok(0..if self.main & 0x10 != 0 { FRAME } else { 0 });
        };
        let user = engine::cdda::sector::user(kind);
        let fields = [
            (0x80, 0..12),
            (0x20, 12..16),
            (0x40, 16..user.start),
            (0x10, user.clone()),
            (0x08, user.end..FRAME),
        ];
        let mut range: Option<Range<usize>> = None;
        for (bit, field) in fields {
            if self.main & bit == 0 || field.is_empty() {
                continue;
            }
            range = match range {
                None => Some(field),
                Some(range) if range.end == field.start => Some(range.start..field.end),
                Some(_) => return Err(bad_cdb(9, Some(7))),
            };
        }
        Ok(range.unwrap_or(0..0))
    }
}

/// READ CD (MMC-6, 6.20).
pub(super) fn read_cd(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let main = cdb.bytes().get(9).copied().unwrap_or(0);
    let cdb = ReadCd::from_cdb(cdb);
    let parts = Parts::of(main, cdb.sub_channel)?;
    read(cx, cdb.expected, cdb.lba, Blocks(cdb.blocks), parts, data)
}

/// READ CD MSF (MMC-6, 6.21): from one address up to another.
pub(super) fn read_cd_msf(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let main = cdb.bytes().get(9).copied().unwrap_or(0);
    let cdb = ReadCdMsf::from_cdb(cdb);
    let parts = Parts::of(main, cdb.sub_channel)?;
    let at = |[m, s, f]: [u8; 3], byte| {
        let right = m < 100 && s < 60 && f < 75;
        right.then(|| Msf { m, s, f }.lba()).ok_or_else(|| bad_cdb(byte, None))
    };
    let (start, end) = (at(cdb.start, 3)?, at(cdb.end, 6)?);
    let blocks = end.checked_from(start).ok_or_else(|| bad_cdb(6, None))?;
    read(cx, cdb.expected, start, blocks, parts, data)
}

fn read(
    cx: &mut Cx<'_>,
    expected: SectorType,
    lba: Lba,
    blocks: Blocks,
    parts: Parts,
    data: &mut Data<'_>,
) -> Reply {
    let state = cx.state()?;
    if state.kind().family() != Family::Cd {
        return Err(codes::INCOMPATIBLE_FORMAT.into());
    }
    check_range(state, lba, blocks)?;
    if blocks.0 == 0 || parts.main == 0 && parts.c2 == 0 && parts.sub == Sub::None {
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
    let (mut moved, mut read, mut failed) = (0, 0, None);
    let mut bytes = Vec::with_capacity(FRAME + C2 + 2 + 96);
    for i in 0..blocks.0 {
        if moved == room.len() {
            read = blocks.0;
            break;
        }
        bytes.clear();
        if let Err(refusal) = sector(disc, lba + Blocks(i), expected, parts, &mut bytes) {
            failed = Some(refusal);
            break;
        }
        read += 1;
        let len = bytes.len().min(room.len() - moved);
        room[moved..moved + len].copy_from_slice(&bytes[..len]);
        moved += len;
    }
    let takes = cx.fw.laser.read(cx.now, lba, Blocks(read.max(1)));
    let at = cx.now + takes + cx.fw.transfer(moved);
    match failed {
        None => Ok(Answer::Good { moved, at }),
        Some(refusal) => Err(Refusal { moved, at: Some(at), ..refusal }),
    }
}

/// Sectors from the first pre-gap on up to the end of the last track can be read.
fn check_range(state: &State, lba: Lba, blocks: Blocks) -> Result<(), Refusal> {
    let end = lba.checked_add(blocks).ok_or(codes::LBA_OUT_OF_RANGE)?;
    let limit = readable_end(state);
    if lba.0 < -150 || end > limit || (blocks.0 == 0 && lba > limit) {
        let out = lba.max(if lba.0 < -150 { lba } else { limit });
        return Err(Sense::new(codes::LBA_OUT_OF_RANGE).with_information(out.0 as u32).into());
    }
    Ok(())
}

/// The wanted parts of one sector.
fn sector(
    disc: &Disc,
    at: Lba,
    expected: SectorType,
    parts: Parts,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let failed = |_| Refusal::from(codes::READ_ERROR);
    let readable = disc.readable(at);
    let audio = disc.is_audio(at);
    // With C2 flags the host wants to see what is wrong with audio rather than hear of it.
    if !(readable || audio && parts.c2 > 0) {
        return Err(unreadable(disc.state(), at).into());
    }
    let kind = disc.kind(at).map_err(failed)?;
    let fits = match expected {
        SectorType::Any => true,
        SectorType::CdDa => kind.is_none(),
        SectorType::Mode1 => kind == Some(Kind::Mode1),
        SectorType::Mode2 => kind == Some(Kind::Mode2),
        SectorType::Mode2Form1 => kind == Some(Kind::Form1),
        SectorType::Mode2Form2 => kind == Some(Kind::Form2),
        SectorType::Other(_) => return Err(bad_cdb(1, Some(4))),
    };
    if !fits {
        let sense = Sense::new(codes::ILLEGAL_MODE_FOR_TRACK).with_information(at.0 as u32);
        return Err(sense.into());
    }
    let range = parts.range(kind)?;
    if range == (16..2064) && kind == Some(Kind::Mode1) {
        let mut user = [0; BLOCK];
        disc.read(at, &mut user).map_err(failed)?;
        out.extend_from_slice(&user);
    } else if !range.is_empty() {
        out.extend_from_slice(&disc.frame(at).map_err(failed)?[range]);
    }
    let flags = if readable { 0 } else { 0xff };
    out.resize(out.len() + parts.c2, flags);
    match parts.sub {
        Sub::None => {}
        Sub::Q => {
            let (q, p) = subchannel::q(disc, at).map_err(failed)?;
            out.extend_from_slice(&channel::pq(&q, p));
        }
        Sub::Raw => out.extend_from_slice(&subchannel::subcode(disc, at).map_err(failed)?),
        Sub::Packs => out.extend_from_slice(&subchannel::packs(disc, at).map_err(failed)?),
    }
    Ok(())
}
