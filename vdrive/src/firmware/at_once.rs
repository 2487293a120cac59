//! Writing a session that a cue sheet describes: where its blocks go, and what the drive makes of
//! it by itself.
//!
//! May not know: how the host's blocks become sectors.

use engine::cdda::packs::Interleaver;
use engine::mmc::sense::codes;
use engine::units::{Blocks, Lba};

use super::context::{Cx, Refusal};
use super::source::{Blank, Fill, Source};
use super::tracks::Writing;
use super::write;
use crate::mechanism::{Form, Surface};
use crate::medium::{Change, Track, TrackState, Way};

/// Whether these blocks may be written there.
pub(super) fn admit(cx: &mut Cx<'_>, lba: Lba, end: Lba) -> Result<(), Refusal> {
    let Some(sheet) = &cx.live()?.cue else {
        return Err(codes::SEQUENCE_ERROR.into());
    };
    if !sheet.takes(lba) {
        return Err(codes::INVALID_WRITE_ADDRESS.into());
    }
    if end > sheet.lead_out || lba < sheet.begin && end > sheet.begin {
        return Err(codes::END_OF_USER_AREA.into());
    }
    // Where the drive makes sectors itself the host has none to send.
    if sheet.behind_pauses(lba) != lba || !sheet.pauses(lba, end).is_empty() {
        return Err(codes::INVALID_WRITE_ADDRESS.into());
    }
    Ok(())
}

/// All tracks of the cue sheet are in the tables from the first block on; the last one stands for
/// the session being written. Pauses that the drive makes itself go by with the blocks around them.
pub(super) fn begin(cx: &mut Cx<'_>, lba: Lba, end: Lba) -> Result<(), Refusal> {
    let session = cx.state()?.open_session();
    let rehearsal = write::rehearses(cx);
    let live = cx.live()?;
    let Some(sheet) = &mut live.cue else { return Err(codes::SEQUENCE_ERROR.into()) };
    let next = sheet.behind_pauses(end);
    let began = live.writing.is_some();
    let from = if began { end } else { sheet.begin.min(lba) };
    let mut pauses = sheet.pauses(end, next);
    pauses.extend(sheet.pauses(from, lba));
    sheet.next = next;
    let tracks = sheet.tracks.clone();
    let last = tracks.last().map_or(1, |track| track.number);
    live.rehearsal = if began { live.rehearsal } else { rehearsal };
    match &mut live.writing {
        Some(writing) => writing.next = next,
        None => {
            live.writing = Some(Writing { track: last, next, from: lba });
            live.packs = Interleaver::default();
        }
    }
    if live.rehearsal {
        return Ok(());
    }
    for track in tracks.into_iter().filter(|_| !began) {
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
            cd: track.cd,
        }))?;
    }
    for (at, blocks, source) in pauses {
        pause(cx, at, blocks, source)?;
    }
    Ok(())
}

/// Sectors of a session at once that the drive makes by itself.
fn pause(cx: &mut Cx<'_>, at: Lba, blocks: Blocks, source: Source) -> Result<(), Refusal> {
    let blank = match source.fill {
        Fill::Zeros(blank @ (Blank::Mode2 | Blank::Form2)) => blank,
        Fill::Silence => return cx.change(Change::Silence(at, blocks)),
        _ => return cx.change(Change::Zeroed(at, blocks)),
    };
    let disc = cx.disc.as_mut().ok_or(codes::NO_MEDIUM)?;
    for i in 0..blocks.0 {
        let at = at + Blocks(i);
        disc.burn(at, Form::DATA, &blank.frame(at)).map_err(|_| codes::WRITE_FAULT)?;
    }
    Ok(())
}
