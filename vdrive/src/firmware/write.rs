//! WRITE (10) and (12): what the disc in the drive allows at that address, and the way of the
//! blocks into the buffer.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, Write10, Write12, WriteAndVerify10};
use engine::mmc::sense::{Sense, codes};
use engine::units::{BLOCK, Blocks, Lba};

use super::context::{Answer, Cx, Refusal, Reply, bad_cdb};
use super::job::{Effect, Step};
use super::sync;
use super::tracks::{self, Row, Writing};
use crate::medium::{Change, FormatState, State, Track, TrackState, Way};
use crate::models::{FullBuffer, MediumKind};

/// WRITE (10) (MMC-6, 6.44).
pub(super) fn write10(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = Write10::from_cdb(cdb);
    write(cx, cdb.lba, Blocks(cdb.blocks.into()), Care::of(cdb.fua), data)
}

/// What happens to the blocks besides being recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    /// What the disc asks for.
    Usual,
    /// The command ends when they are recorded (FUA).
    Forced,
    /// They are not read back, if they are whole units (Streaming).
    Streamed,
}

impl Care {
    fn of(fua: bool) -> Care {
        if fua { Care::Forced } else { Care::Usual }
    }
}

/// WRITE (12) (MMC-6, 6.45). Streaming does without verification and without FUA.
pub(super) fn write12(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = Write12::from_cdb(cdb);
    if cdb.streaming && cdb.fua {
        return Err(bad_cdb(10, Some(7)));
    }
    let unit = cx.state()?.unit().0;
    let whole = cdb.lba.0.rem_euclid(unit.cast_signed()) == 0 && cdb.blocks % unit == 0;
    let care = if cdb.streaming && whole { Care::Streamed } else { Care::of(cdb.fua) };
    write(cx, cdb.lba, Blocks(cdb.blocks), care, data)
}

/// WRITE AND VERIFY (10) (MMC-6, 6.46): on random-writable media only; each block is checked by the
/// laser's own feedback, so it costs what a forced write costs.
pub(super) fn write_and_verify(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = WriteAndVerify10::from_cdb(cdb);
    if tracks::sequential(cx.state()?) {
        return Err(codes::INCOMPATIBLE_MEDIUM.into());
    }
    write(cx, cdb.lba, Blocks(cdb.blocks.into()), Care::Forced, data)
}

fn write(cx: &mut Cx<'_>, lba: Lba, blocks: Blocks, care: Care, data: &mut Data<'_>) -> Reply {
    if blocks.0 == 0 {
        return cx.good();
    }
    let Some(bytes) = usize::try_from(blocks.bytes().0).ok() else {
        return Err(bad_cdb(7, None));
    };
    let sent: &[u8] = match data {
        Data::Out(sent) if sent.len() >= bytes => &sent[..bytes],
        _ => return Err(bad_cdb(7, None)),
    };
    if rewriting(cx)? && !written(cx.state()?, lba, blocks) {
        // Where the next track's blocks go depends on what pseudo-overwrite takes.
        return Ok(Answer::Again(cx.fw.laser.drained_at(cx.now)));
    }
    let place = admit(cx, lba, blocks)?;
    if matches!(place, Place::Again) && cx.live()?.writing.is_some() {
        return sync::end_first(cx);
    }
    if let Place::Track(row) = &place
        && let Some(writing) = cx.live()?.writing
        && writing.track != row.number
    {
        // Another track was being written: its end comes first.
        return sync::end_first(cx);
    }
    if bytes > cx.fw.laser.size() {
        return Err(bad_cdb(7, None));
    }
    if bytes > cx.fw.laser.room() {
        return no_room(cx, bytes, &place);
    }
    begin_track(cx, &place, lba, blocks)?;
    match care {
        Care::Streamed => cx.fw.laser.stream(cx.now, lba, sent),
        Care::Usual | Care::Forced => cx.fw.laser.push(cx.now, lba, sent),
    };
    let at = cx.now + cx.fw.transfer(bytes);
    if care == Care::Forced {
        cx.fw.laser.flush(cx.now);
        cx.fw.job_moves = bytes;
        let steps = vec![Step { takes: Default::default(), then: Effect::Drained }];
        return cx.begin(codes::LONG_OPERATION_IN_PROGRESS, false, steps);
    }
    Ok(Answer::Good { moved: bytes, at })
}

/// The buffer is full: the drive holds the command, or sends it away unexecuted. Overwritable media
/// are held by all drives.
fn no_room(cx: &mut Cx<'_>, bytes: usize, place: &Place) -> Reply {
    let sends_away = cx.fw.model.behaviour.full_buffer == FullBuffer::LongWrite;
    if sends_away && !matches!(place, Place::Overwrite) {
        return Err(Sense::new(codes::LONG_WRITE_IN_PROGRESS).into());
    }
    Ok(Answer::Again(cx.fw.laser.room_at(cx.now, bytes)))
}

/// Where blocks go.
enum Place {
    /// Into a track, at its next writable address.
    Track(Row),
    /// Into the session that a cue sheet describes.
    Sheet,
    /// Anywhere on a disc that is overwritten at random.
    Overwrite,
    /// Onto blocks that are recorded already, by pseudo-overwrite.
    Again,
}

/// Whether what is in the buffer is to be recorded by pseudo-overwrite.
pub(super) fn rewriting(cx: &mut Cx<'_>) -> Result<bool, Refusal> {
    let empty = cx.fw.laser.is_empty();
    let live = cx.live()?;
    live.rewriting &= !empty;
    Ok(live.rewriting)
}

/// Whether all these blocks are recorded on a disc with pseudo-overwrite.
fn written(state: &State, lba: Lba, blocks: Blocks) -> bool {
    let unit = state.unit();
    let mut at = state.unit_start(lba);
    let end = lba.checked_add(blocks).unwrap_or(lba);
    while at < end {
        if lba.0 < 0 || !state.recorded.covers(state.place(at), unit) {
            return false;
        }
        at = at + unit;
    }
    state.pseudo_overwrite()
}

/// Whether these blocks may be written there, and as what.
fn admit(cx: &mut Cx<'_>, lba: Lba, blocks: Blocks) -> Result<Place, Refusal> {
    let end = lba.checked_add(blocks).ok_or(codes::LBA_OUT_OF_RANGE)?;
    let state = cx.state()?;
    if !cx.fw.model.writes(state.kind()) {
        return Err(codes::CANNOT_WRITE_MEDIUM.into());
    }
    if !tracks::sequential(state) {
        return overwrite(cx, lba, blocks, end);
    }
    if state.finalised || state.sessions.last().is_some_and(|session| session.next.is_none()) {
        return Err(codes::CANNOT_WRITE_MEDIUM.into());
    }
    let cd = matches!(state.kind(), MediumKind::CdR | MediumKind::CdRw);
    if cd && cx.fw.way(state) == Way::Sao {
        return session_at_once(cx, lba, end);
    }
    if written(state, lba, blocks) {
        return again(cx, lba, end);
    }
    let rows = cx.rows()?;
    let Some(row) = rows.iter().find(|row| row.nwa == Some(lba)) else {
        let room = rows.iter().any(|row| row.nwa.is_some());
        return Err(match room {
            false => codes::END_OF_USER_AREA.into(),
            true => Sense::new(codes::INVALID_WRITE_ADDRESS).with_information(lba.0 as u32).into(),
        });
    };
    if blocks > row.free {
        return Err(codes::END_OF_USER_AREA.into());
    }
    // The first lead-in of a minimally blanked DVD-RW can only be written with the whole disc
    // (MMC-6, 4.4.3.3).
    if state.minimal && row.way == Way::Incremental {
        return Err(codes::ILLEGAL_MODE_FOR_TRACK.into());
    }
    Ok(Place::Track(*row))
}

fn overwrite(cx: &Cx<'_>, lba: Lba, blocks: Blocks, end: Lba) -> Result<Place, Refusal> {
    let state = cx.state()?;
    let format = state.format;
    if format.state == FormatState::None {
        return Err(codes::NOT_FORMATTED.into());
    }
    if lba.0 < 0 || end.0 > i32::try_from(format.blocks.0).unwrap_or(i32::MAX) {
        return Err(codes::LBA_OUT_OF_RANGE.into());
    }
    if state.kind() == MediumKind::DvdRw {
        // Restricted overwrite takes whole ECC blocks only; in the intermediate state the recorded
        // area grows without holes (MMC-6, 4.4.3.5).
        if lba.0 % 16 != 0 || !blocks.0.is_multiple_of(16) {
            return Err(codes::INVALID_PACKET_SIZE.into());
        }
        let queued = cx.fw.laser.end().unwrap_or_default();
        let grown = state.recorded.end().unwrap_or_default().max(queued);
        if format.state == FormatState::Partial && lba > grown {
            return Err(codes::INVALID_WRITE_ADDRESS.into());
        }
    }
    Ok(Place::Overwrite)
}

/// Pseudo-overwrite: as long as there is room for the clusters behind the last one, and in the
/// table that says where they are.
fn again(cx: &Cx<'_>, lba: Lba, end: Lba) -> Result<Place, Refusal> {
    let state = cx.state()?;
    let clusters = (end.0 - state.unit_start(lba).0).cast_unsigned().div_ceil(32);
    let queued = (cx.fw.laser.size() - cx.fw.laser.room()) / (32 * BLOCK) + 1;
    let left = super::info::pow_resources(state);
    let room = left.replacements.saturating_sub(queued as u32);
    if clusters > room || clusters > left.map_entries {
        return Err(codes::NO_SPARE_LEFT.into());
    }
    Ok(Place::Again)
}

fn session_at_once(cx: &mut Cx<'_>, lba: Lba, end: Lba) -> Result<Place, Refusal> {
    let Some(sheet) = &cx.live()?.cue else {
        return Err(codes::SEQUENCE_ERROR.into());
    };
    if lba != sheet.next {
        return Err(codes::INVALID_WRITE_ADDRESS.into());
    }
    if end > sheet.lead_out {
        return Err(codes::END_OF_USER_AREA.into());
    }
    Ok(Place::Sheet)
}

/// Notes in the disc's tables that a track is being written, where they do not say so yet, and
/// where it goes on.
fn begin_track(cx: &mut Cx<'_>, place: &Place, lba: Lba, blocks: Blocks) -> Result<(), Refusal> {
    let next = lba.checked_add(blocks).ok_or(codes::LBA_OUT_OF_RANGE)?;
    let row = match place {
        // Background formatting makes way by itself: it only goes on while the drive is idle.
        Place::Overwrite => return Ok(()),
        Place::Again => {
            cx.live()?.rewriting = true;
            return Ok(());
        }
        Place::Sheet => return begin_sheet(cx, next),
        Place::Track(row) => row,
    };
    if let Some(writing) = &mut cx.live()?.writing {
        writing.next = next;
        return Ok(());
    }
    let track = match cx.state()?.track(row.number) {
        Some(track) => Track { clean: false, ..track.clone() },
        None => Track {
            number: row.number,
            session: row.session,
            start: row.start,
            size: Blocks(0),
            end: row.start,
            state: TrackState::Open,
            way: row.way,
            clean: false,
            damaged: false,
            control: row.control,
        },
    };
    cx.change(Change::Track(track))?;
    cx.live()?.writing = Some(Writing { track: row.number, next, from: lba });
    Ok(())
}

/// All tracks of the cue sheet are in the tables from the first block on; the last one stands for
/// the session being written.
fn begin_sheet(cx: &mut Cx<'_>, next: Lba) -> Result<(), Refusal> {
    let session = cx.state()?.open_session();
    let live = cx.live()?;
    let Some(sheet) = &mut live.cue else { return Err(codes::SEQUENCE_ERROR.into()) };
    let from = sheet.next;
    sheet.next = next;
    if let Some(writing) = &mut live.writing {
        writing.next = next;
        return Ok(());
    }
    let tracks = sheet.tracks.clone();
    let last = tracks.last().map_or(1, |track| track.number);
    live.writing = Some(Writing { track: last, next, from });
    for track in tracks {
        cx.change(Change::Track(Track {
            number: track.number,
            session,
            start: track.start,
            size: track.size,
            end: track.start,
            state: TrackState::Reserved,
            way: Way::Sao,
            clean: false,
            damaged: false,
            control: track.control,
        }))?;
    }
    Ok(())
}
