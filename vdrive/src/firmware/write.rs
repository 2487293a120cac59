//! WRITE (10) and (12): what the disc in the drive allows at that address, and the way of the
//! blocks into the buffer.

use engine::cdda::packs::Interleaver;
use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, Write10, Write12, WriteAndVerify10};
use engine::mmc::sense::{Sense, codes};
use engine::units::{BLOCK, Blocks, Lba};

use super::at_once;
use super::context::{Answer, Cx, Refusal, Reply, bad_cdb};
use super::job::{Effect, Step};
use super::raw;
use super::source::{Fill, Source, Sub};
use super::sync;
use super::tracks::{self, Row, Writing};
use crate::medium::{CdTrack, Change, FormatState, State, Track, TrackState, Way};
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
        return no_blocks(cx, lba);
    }
    if rewriting(cx)? && !written(cx.state()?, lba, blocks) {
        // Where the next track's blocks go depends on what pseudo-overwrite takes.
        return Ok(Answer::Again(cx.fw.laser.drained_at(cx.now)));
    }
    let place = admit(cx, lba, blocks)?;
    let parts = parts(cx, &place, lba, blocks)?;
    let sum = |bytes: fn(&Part) -> u32| -> u64 {
        parts.iter().map(|part| u64::from(part.blocks.0) * u64::from(bytes(part))).sum()
    };
    let Some(bytes) = usize::try_from(sum(|part| part.source.bytes())).ok() else {
        return Err(bad_cdb(7, None));
    };
    let sent: &[u8] = match data {
        Data::Out(sent) if sent.len() >= bytes => &sent[..bytes],
        _ => return Err(bad_cdb(7, None)),
    };
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
    let needs = usize::try_from(sum(|part| part.source.most())).unwrap_or(usize::MAX);
    let long = needs > cx.fw.laser.size();
    if long {
        // The host's data waits on the wire until the laser has made room for it.
        if !cx.fw.laser.is_empty() {
            return Ok(Answer::Again(cx.fw.laser.drained_at(cx.now)));
        }
        cx.fw.laser.stretch(needs);
    } else if needs > cx.fw.laser.room() {
        return no_room(cx, needs, &place);
    }
    begin_track(cx, &place, lba, blocks)?;
    let streamed = care == Care::Streamed;
    let mut left = sent;
    for part in parts {
        let (now, rest) = left.split_at(part.blocks.0 as usize * part.source.bytes() as usize);
        push(cx, &part, now, streamed);
        left = rest;
    }
    raw::taken(cx, lba.checked_add(blocks).ok_or(codes::LBA_OUT_OF_RANGE)?)?;
    let mut at = cx.now + cx.fw.transfer(bytes);
    if long {
        at = at.max(cx.fw.laser.room_at(cx.now, 0));
    }
    if care == Care::Forced {
        cx.fw.laser.flush(cx.now);
        cx.fw.job_moves = bytes;
        let steps = vec![Step { takes: Default::default(), then: Effect::Drained }];
        return cx.begin(codes::LONG_OPERATION_IN_PROGRESS, false, steps);
    }
    Ok(Answer::Good { moved: bytes, at })
}

/// Nothing is an amount like any other, but where it goes there must be a disc (SBC-4, 4.6).
fn no_blocks(cx: &mut Cx<'_>, lba: Lba) -> Reply {
    let state = cx.state()?;
    let end = i32::try_from(state.format.blocks.0).unwrap_or(i32::MAX);
    if !tracks::sequential(state) && (lba.0 < 0 || lba.0 > end) {
        return Err(codes::LBA_OUT_OF_RANGE.into());
    }
    cx.good()
}

/// Blocks of one form within a WRITE.
struct Part {
    at: Lba,
    blocks: Blocks,
    source: Source,
}

/// What the host sends in this WRITE.
fn parts(cx: &mut Cx<'_>, place: &Place, lba: Lba, blocks: Blocks) -> Result<Vec<Part>, Refusal> {
    let whole = |source| Ok(vec![Part { at: lba, blocks, source }]);
    match place {
        Place::Sheet => {}
        Place::Raw => {
            let kind = cx.fw.pages.write().data_block_type;
            return whole(Source::of_raw(kind).ok_or(codes::ILLEGAL_MODE_FOR_TRACK)?);
        }
        Place::Track(row) if matches!(row.way, Way::Tao | Way::Packet) => {
            return whole(track_source(cx, row)?);
        }
        Place::Track(_) | Place::Overwrite | Place::Again => return whole(Source::DATA),
    }
    let Some(sheet) = &cx.live()?.cue else { return Err(codes::SEQUENCE_ERROR.into()) };
    let end = lba.checked_add(blocks).ok_or(codes::LBA_OUT_OF_RANGE)?;
    let mut parts = Vec::new();
    let mut at = lba;
    while at < end {
        let (source, limit) = sheet.source_at(at);
        let limit = limit.min(end);
        parts.push(Part { at, blocks: limit - at, source });
        at = limit;
    }
    Ok(parts)
}

/// The form of blocks for a track at once: data block type of page 05h. A track keeps to what it
/// was begun as.
fn track_source(cx: &Cx<'_>, row: &Row) -> Result<Source, Refusal> {
    let pages = cx.fw.pages.write();
    let source = Source::of_block_type(pages.data_block_type).unwrap_or(Source::DATA);
    let other = !row.blank && (row.control & 4 == 0) != source.audio();
    if other || source.audio() != (pages.track_mode & 4 == 0) {
        return Err(codes::ILLEGAL_MODE_FOR_TRACK.into());
    }
    Ok(source)
}

/// Puts the blocks of one form into the buffer, made into what the laser writes.
fn push(cx: &mut Cx<'_>, part: &Part, sent: &[u8], streamed: bool) {
    if let Some(form) = part.source.plain() {
        match streamed {
            true => cx.fw.laser.stream(cx.now, part.at, form, sent),
            false => cx.fw.laser.push(cx.now, part.at, form, sent),
        };
        return;
    }
    let sub_header = cx.fw.pages.write().sub_header;
    let each = part.source.bytes() as usize;
    let mut made = Vec::new();
    for i in 0..part.blocks.0 {
        let at = part.at + Blocks(i);
        let host = &sent[i as usize * each..(i as usize + 1) * each];
        made.clear();
        let form = part.source.make(at, sub_header, host, &mut made);
        if part.source.sub == Sub::Packed
            && at.0 >= -150
            && let Some(live) = &mut cx.fw.live
            && let Some(subcode) = made.last_chunk_mut()
        {
            // Packs in the lead-in are those of CD-TEXT, which are not interleaved.
            *subcode = live.packs.spread(subcode);
        }
        if part.source.fill == Fill::Raw
            && let Some(raw) = cx.fw.live.as_mut().and_then(|live| live.raw.as_mut())
            && let Some(subcode) = made.last_chunk()
        {
            raw::note(raw, at, subcode);
        }
        cx.fw.laser.push(cx.now, at, form, &made);
    }
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
    /// Into a session that the host makes as a whole.
    Raw,
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
        at_once::admit(cx, lba, end)?;
        return Ok(Place::Sheet);
    }
    if written(state, lba, blocks) {
        return again(cx, lba, end);
    }
    let begun = cx.fw.live.as_ref().is_some_and(|live| live.raw.is_some());
    if cd && (begun || cx.fw.way(state) == Way::Raw) {
        raw::admit(cx, lba, end)?;
        return Ok(Place::Raw);
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
    // Packets of one length are those of a formatted disc.
    if row.way == Way::Packet && cx.fw.pages.write().fp {
        return Err(codes::ILLEGAL_MODE_FOR_TRACK.into());
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
    // A CD-RW in packets of 32 blocks is written packet by packet (MMC-6, 4.2.3.9.4).
    if state.kind() == MediumKind::CdRw && (lba.0 % 32 != 0 || !blocks.0.is_multiple_of(32)) {
        return Err(codes::INVALID_PACKET_SIZE.into());
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
        Place::Sheet => return at_once::begin(cx, lba, next),
        Place::Raw => {
            let rehearsal = rehearses(cx);
            let live = cx.live()?;
            if live.raw.is_none() {
                live.rehearsal = rehearsal;
                live.raw = Some(raw::Raw::default());
                live.packs = Interleaver::default();
            }
            return Ok(());
        }
        Place::Track(row) => row,
    };
    if let Some(writing) = &mut cx.live()?.writing {
        writing.next = next;
        return Ok(());
    }
    if rehearses(cx) {
        let live = cx.live()?;
        live.rehearsal = true;
        live.writing = Some(Writing { track: row.number, next, from: lba });
        return Ok(());
    }
    let track = match cx.state()?.track(row.number) {
        Some(track) if row.awaits() => {
            Track { size: track.size, state: track.state, ..new_track(cx, row)? }
        }
        Some(track) => Track { clean: false, ..track.clone() },
        None => new_track(cx, row)?,
    };
    if track.control & 4 == 0 && lba == track.start {
        // Audio follows a pause of silence (IEC 60908, 17.5.1).
        let gap = Blocks(150);
        cx.change(Change::Silence(Lba(track.start.0 - gap.0 as i32), gap))?;
    }
    cx.change(Change::Track(track))?;
    cx.live()?.writing = Some(Writing { track: row.number, next, from: lba });
    Ok(())
}

/// The invisible track becomes one of the disc's. What a CD says of it stands in page 05h.
fn new_track(cx: &Cx<'_>, row: &Row) -> Result<Track, Refusal> {
    let pages = cx.fw.pages.write();
    let mut track = Track {
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
        cd: CdTrack::default(),
    };
    if matches!(row.way, Way::Tao | Way::Packet) {
        let source = Source::of_block_type(pages.data_block_type).unwrap_or(Source::DATA);
        // The lowest bit is pre-emphasis of audio, and packets of data.
        let lowest = source.audio() || row.way == Way::Packet;
        track.control = pages.track_mode & if lowest { 0x0f } else { 0x0e };
        track.cd.mode = source.mode();
        track.cd.format = pages.session_format;
        track.cd.isrc = text_of(&pages.isrc);
        track.cd.mcn = text_of(&pages.mcn);
    }
    Ok(track)
}

/// Catalogue number or recording code of page 05h: valid with bit 7 of the first byte
/// (MMC-6, 7.5.4.17 and .18).
fn text_of<const N: usize>(field: &[u8; 16]) -> Option<[u8; N]> {
    let text = field[1..].first_chunk::<N>()?;
    (field[0] & 0x80 != 0 && text.iter().all(u8::is_ascii_alphanumeric)).then_some(*text)
}

/// Whether page 05 says that what is begun now is not to be recorded, on discs where it applies
/// (MMC-6, 7.5.4.4).
pub(super) fn rehearses(cx: &Cx<'_>) -> bool {
    let kinds = [MediumKind::CdR, MediumKind::CdRw, MediumKind::DvdR, MediumKind::DvdRw];
    let applies = |state: &State| kinds.contains(&state.kind()) && tracks::sequential(state);
    cx.fw.pages.write().test_write && cx.state().is_ok_and(applies)
}
