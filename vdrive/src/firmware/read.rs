//! READ, VERIFY, SEEK and READ CAPACITY: what the disc gives back.

use std::time::Duration;

use engine::cdda::sector::Kind;
use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, Read6, Read10, Read12, ReadCapacity, Seek10, Verify10};
use engine::mmc::format::Capacity;
use engine::mmc::sense::{Sense, codes};
use engine::units::{BLOCK, Blocks, Lba};

use super::context::{Answer, Cx, Refusal, Reply, bad_cdb};
use super::tracks;
use crate::mechanism::Surface;
use crate::medium::{Disc, FormatState, State, TrackState};

/// READ (6): hosts older than MMC (SBC-2, 5.10); a count of 0 means 256.
pub(super) fn read6(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = Read6::from_cdb(cdb);
    let lba = Lba(i32::from(cdb.lba_high) << 16 | i32::from(cdb.lba_low));
    let blocks = if cdb.blocks == 0 { 256 } else { u32::from(cdb.blocks) };
    read(cx, lba, Blocks(blocks), data)
}

/// READ (10) (MMC-6, 6.15).
pub(super) fn read10(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = Read10::from_cdb(cdb);
    read(cx, cdb.lba, Blocks(cdb.blocks.into()), data)
}

/// READ (12) (MMC-6, 6.16).
pub(super) fn read12(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = Read12::from_cdb(cdb);
    read(cx, cdb.lba, Blocks(cdb.blocks), data)
}

fn read(cx: &mut Cx<'_>, lba: Lba, blocks: Blocks, data: &mut Data<'_>) -> Reply {
    check_range(cx.state()?, lba, blocks)?;
    if blocks.0 == 0 {
        return cx.good();
    }
    if let Some(put_off) = recorded_first(cx) {
        return Ok(put_off);
    }
    let room: &mut [u8] = match data {
        Data::In(room) => room,
        _ => return Err(bad_cdb(7, None)),
    };
    let wanted = usize::try_from(blocks.bytes().0).unwrap_or(usize::MAX).min(room.len());
    let now = cx.now;
    let disc = cx.disc.as_ref().ok_or(codes::NO_MEDIUM)?;
    let wrong = first_of_other_kind(disc, lba, blocks)?;
    let bad = [disc.first_unreadable(lba, blocks), wrong].into_iter().flatten().min();
    let good = bad.map_or(blocks, |bad| bad - lba);
    // Only whole blocks are given out, except where the host's room ends inside one.
    let moved = wanted.min(usize::try_from(good.bytes().0).unwrap_or(usize::MAX));
    let whole = moved / BLOCK * BLOCK;
    let failed = |_| Refusal::from(codes::READ_ERROR);
    disc.read(lba, &mut room[..whole]).map_err(failed)?;
    if moved > whole {
        let mut last = [0; BLOCK];
        disc.read(lba + Blocks((whole / BLOCK) as u32), &mut last).map_err(failed)?;
        room[whole..moved].copy_from_slice(&last[..moved - whole]);
    }
    let sense = bad.map(|bad| match wrong == Some(bad) {
        true => Sense::new(codes::ILLEGAL_MODE_FOR_TRACK).with_information(bad.0 as u32),
        false => unreadable(disc.state(), bad),
    });
    let elsewhere = detours(cx, lba, good)?;
    let takes = cx.fw.laser.read(now, lba, Blocks(good.0.max(1)));
    let at = now + takes + elsewhere + cx.fw.transfer(moved);
    match sense {
        None => Ok(Answer::Good { moved, at }),
        // The drive tries again a few times before it says so.
        Some(sense) => {
            let tries = super::ms(cx.fw.timing(cx.state()?).jump_ms) * RETRIES;
            Err(Refusal { sense, moved, at: Some(at + tries) })
        }
    }
}

/// What units among these cost that lie elsewhere: in a spare area, or written again.
fn detours(cx: &Cx<'_>, lba: Lba, blocks: Blocks) -> Result<Duration, Refusal> {
    let disc = cx.disc.as_ref().ok_or(codes::NO_MEDIUM)?;
    let state = disc.state();
    let mut total = Duration::ZERO;
    if state.replaced.is_empty() && state.remapped.is_empty() {
        return Ok(total);
    }
    let mut at = state.unit_start(lba);
    let end = lba.checked_add(blocks).unwrap_or(lba);
    while at < end {
        total += cx.fw.laser.detour(at, disc.lies_at(at));
        at = at + state.unit();
    }
    Ok(total)
}

/// The first of these blocks that holds no 2048 bytes of user data: audio, or Mode 2 other than
/// form 1 (MMC-6, 6.15.3).
fn first_of_other_kind(disc: &Disc, at: Lba, blocks: Blocks) -> Result<Option<Lba>, Refusal> {
    let audio = disc.first_audio(at, blocks);
    let end = audio.unwrap_or(at + blocks);
    let mut from = at;
    while let Some(lba) = disc.state().whole.first_in(from, end - from) {
        let kind = disc.kind(lba).map_err(|_| codes::READ_ERROR)?;
        if !matches!(kind, Some(Kind::Mode1 | Kind::Form1)) {
            return Ok(Some(lba));
        }
        from = lba + Blocks(1);
    }
    Ok(audio)
}

/// How often a block is tried again.
const RETRIES: u32 = 8;

/// What the drive says of a block that it cannot read: never recorded on a disc that is overwritten
/// at random is a blank check; elsewhere the error correction finds nothing.
pub(super) fn unreadable(state: &State, bad: Lba) -> Sense {
    let formatted = !tracks::sequential(state) && !state.damaged.contains(bad);
    let code = match formatted && !state.recorded.contains(bad) {
        true => codes::BLANK_BLOCK,
        false => codes::READ_ERROR_L_EC,
    };
    Sense::new(code).with_information(bad.0 as u32)
}

/// The laser cannot record and read at once: what is in the buffer is recorded first.
///
/// And whatever else the disc is wanted for ends playing.
pub(super) fn recorded_first(cx: &mut Cx<'_>) -> Option<Answer> {
    if let Some(live) = &mut cx.fw.live {
        live.play = None;
    }
    if cx.fw.laser.is_empty() {
        return None;
    }
    Some(Answer::Again(cx.fw.laser.drained_at(cx.now)))
}

/// Whether these blocks lie where something can have been recorded.
pub(super) fn check_range(state: &State, lba: Lba, blocks: Blocks) -> Result<(), Refusal> {
    let end = lba.checked_add(blocks).ok_or(codes::LBA_OUT_OF_RANGE)?;
    let out = |at: Lba| Sense::new(codes::LBA_OUT_OF_RANGE).with_information(at.0 as u32);
    if lba.0 < 0 {
        return Err(out(lba).into());
    }
    let limit = match tracks::sequential(state) {
        false if state.format.state == FormatState::None => return Err(out(lba).into()),
        false => Lba(i32::try_from(state.format.blocks.0).unwrap_or(i32::MAX)),
        true => readable_end(state),
    };
    if end > limit || (blocks.0 == 0 && lba > limit) {
        return Err(out(lba.max(limit)).into());
    }
    Ok(())
}

/// Behind the last block that a track of the disc has.
pub(super) fn readable_end(state: &State) -> Lba {
    state
        .tracks
        .iter()
        .map(|track| match track.state {
            TrackState::Complete => track.start.checked_add(track.size).unwrap_or(track.end),
            _ => tracks::recorded_end(state, track),
        })
        .max()
        .unwrap_or_default()
}

/// VERIFY (10) (MMC-6, 6.43). Without BytChk the blocks only have to be readable.
pub(super) fn verify10(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = Verify10::from_cdb(cdb);
    let blocks = Blocks(cdb.blocks.into());
    check_range(cx.state()?, cdb.lba, blocks)?;
    if blocks.0 == 0 {
        return cx.good();
    }
    if let Some(put_off) = recorded_first(cx) {
        return Ok(put_off);
    }
    let disc = cx.disc.as_ref().ok_or(codes::NO_MEDIUM)?;
    if let Some(bad) = disc.first_unreadable(cdb.lba, blocks) {
        return Err(unreadable(disc.state(), bad).into());
    }
    if cdb.byt_chk {
        let bytes = usize::try_from(blocks.bytes().0).unwrap_or(usize::MAX);
        let sent = Cx::list(bytes, data)?;
        let mut block = [0; BLOCK];
        for (i, expected) in sent.chunks_exact(BLOCK).enumerate() {
            let lba = cdb.lba + Blocks(i as u32);
            disc.read(lba, &mut block).map_err(|_| codes::READ_ERROR)?;
            if block != *expected {
                let sense = Sense::new(codes::VERIFY_MISCOMPARE).with_information(lba.0 as u32);
                return Err(sense.into());
            }
        }
    }
    let moved = if cdb.byt_chk { data.len() } else { 0 };
    let takes = cx.fw.laser.read(cx.now, cdb.lba, blocks);
    Ok(Answer::Good { moved, at: cx.now + takes + cx.fw.overhead() })
}

/// SEEK (10) (MMC-6, 6.34).
pub(super) fn seek10(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = Seek10::from_cdb(cdb);
    check_range(cx.state()?, cdb.lba, Blocks(0))?;
    if let Some(put_off) = recorded_first(cx) {
        return Ok(put_off);
    }
    let takes = cx.fw.laser.seek(cx.now, cdb.lba);
    Ok(Answer::Good { moved: 0, at: cx.now + takes + cx.fw.overhead() })
}

/// READ CAPACITY (MMC-6, 6.19): of a disc with nothing to read, the last block is 0.
pub(super) fn read_capacity(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReadCapacity::from_cdb(cdb);
    if !cdb.pmi && cdb.lba != Lba(0) {
        return Err(bad_cdb(2, None));
    }
    let last = last_readable(cx.state()?);
    let reply = Capacity { last, block_length: BLOCK as u32 };
    cx.send(&reply.emit(), Capacity::LEN, data)
}

/// The last block that a file system may lie on.
pub(super) fn last_readable(state: &State) -> Lba {
    let end = match tracks::sequential(state) {
        false => Lba(i32::try_from(state.format.blocks.0).unwrap_or(i32::MAX)),
        true => state
            .tracks
            .iter()
            .filter(|track| track.state == TrackState::Complete)
            .map(|track| track.start.checked_add(track.size).unwrap_or(track.end))
            .max()
            .unwrap_or_default(),
    };
    Lba(end.0.saturating_sub(1).max(0))
}
