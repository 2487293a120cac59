//! SEND CUE SHEET: the plan of a CD session that is written at once. Data tracks of Mode 1 are what
//! the drive writes in this way.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, SendCueSheet};
use engine::mmc::cue::{self, CueEntry};
use engine::mmc::sense::{FieldPointer, Sense, codes};
use engine::units::{Blocks, Lba, Msf};

use super::context::{Answer, Cx, Refusal, Reply};
use super::tracks::{self, SHORTEST};
use crate::models::Family;

/// The longest cue sheet in bytes: 99 tracks with two indexes and an ISRC each, and room.
pub(super) const LONGEST: usize = 8 * 512;

/// A session as its cue sheet describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sheet {
    /// The tracks.
    pub(super) tracks: Vec<Planned>,
    /// Where the lead-out begins.
    pub(super) lead_out: Lba,
    /// Where the next WRITE must start.
    pub(super) next: Lba,
}

/// A track of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Planned {
    /// Its number.
    pub(super) number: u16,
    /// Its first block (index 1).
    pub(super) start: Lba,
    /// Its length.
    pub(super) size: Blocks,
    /// CONTROL nibble.
    pub(super) control: u8,
}

/// SEND CUE SHEET (MMC-6, 6.33).
pub(super) fn send_cue_sheet(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let length = SendCueSheet::from_cdb(cdb).length as usize;
    let state = cx.state()?;
    if state.kind().family() != Family::Cd || !cx.fw.model.writes(state.kind()) {
        return Err(codes::INCOMPATIBLE_MEDIUM.into());
    }
    if state.finalised {
        return Err(codes::CANNOT_WRITE_MEDIUM.into());
    }
    if !cx.fw.pages.at_once() {
        return Err(codes::SEQUENCE_ERROR.into());
    }
    if length == 0 || length > LONGEST {
        return Err(codes::PARAMETER_LIST_LENGTH.into());
    }
    let list = Cx::list(length, data)?;
    let lines = cue::parse(list).map_err(|_| codes::PARAMETER_LIST_LENGTH)?;
    let state = cx.state()?;
    // The session begins with its first track's pre-gap.
    let start = tracks::next_start(state, None);
    let first = state.tracks.last().map_or(1, |track| track.number + 1);
    let end = Lba(i32::try_from(state.capacity().0).unwrap_or(i32::MAX));
    if state.open_tracks().next().is_some() {
        return Err(codes::SEQUENCE_ERROR.into());
    }
    let sheet = plan(&lines, first, start, end)?;
    cx.live()?.cue = Some(sheet);
    Ok(Answer::Good { moved: length, at: cx.now + cx.fw.transfer(length) })
}

/// What is wrong with line `line`, at byte `byte` of it.
fn wrong(line: usize, byte: usize) -> Refusal {
    let field = FieldPointer { in_cdb: false, bit: None, byte: (line * 8 + byte) as u16 };
    Sense::new(codes::INVALID_PARAMETER_FIELD).with_field(field).into()
}

/// Reads the lines in their order: lead-in, indexes of the tracks, lead-out (MMC-6, 6.33.3).
fn plan(lines: &[CueEntry], first: u16, start: Lba, end: Lba) -> Result<Sheet, Refusal> {
    // Times in the sheet count from the start of the pre-gap; the first track is at 00:02:00.
    let base = start.0;
    let at = |line: &CueEntry| {
        let [m, s, f] = line.msf;
        (m < 100 && s < 60 && f < 75).then(|| Lba(Msf { m, s, f }.lba().0 + base))
    };
    let mut tracks: Vec<Planned> = Vec::new();
    let (mut last_at, mut lead_in, mut lead_out) = (Lba(i32::MIN), false, None);
    for (i, line) in lines.iter().enumerate() {
        // Catalogue number and ISRC hold characters, no times.
        if matches!(line.adr, 2 | 3) {
            continue;
        }
        if line.adr != 1 || lead_out.is_some() {
            return Err(wrong(i, 0));
        }
        // Audio and other kinds of sector need what the medium does not keep.
        if line.control & 0x04 == 0 {
            return Err(wrong(i, 0));
        }
        if line.tno == 0 {
            // The drive makes the lead-in; its place is not the host's to choose.
            if lead_in || i > 1 || line.msf != [0; 3] {
                return Err(wrong(i, 5));
            }
            lead_in = true;
            continue;
        }
        let lba = at(line).filter(|&lba| lba >= last_at).ok_or_else(|| wrong(i, 5))?;
        last_at = lba;
        if line.tno == 0xaa {
            lead_out = Some(lba);
            continue;
        }
        if !matches!(line.data_form, 0x10 | 0x14) {
            return Err(wrong(i, 3));
        }
        let number = u16::from(line.tno) + first - 1;
        match (line.index, tracks.last_mut()) {
            (0, _) => {}
            (1, previous) => {
                let expected = previous.as_ref().map_or(first, |track| track.number + 1);
                if number != expected || number > 99 {
                    return Err(wrong(i, 1));
                }
                if let Some(track) = previous {
                    track.size = lba.checked_from(track.start).unwrap_or_default();
                }
                let size = Blocks(0);
                tracks.push(Planned { number, start: lba, size, control: line.control });
            }
            (_, Some(track)) if track.number == number => {}
            _ => return Err(wrong(i, 2)),
        }
    }
    let last_line = lines.len().saturating_sub(1);
    let lead_out = lead_out.ok_or_else(|| wrong(last_line, 1))?;
    if let Some(track) = tracks.last_mut() {
        track.size = lead_out.checked_from(track.start).unwrap_or_default();
    }
    let right_start = tracks.first().is_some_and(|track| track.start == start);
    if !lead_in || !right_start || tracks.iter().any(|track| track.size < SHORTEST) {
        return Err(wrong(last_line, 5));
    }
    if lead_out > end {
        return Err(codes::END_OF_USER_AREA.into());
    }
    Ok(Sheet { tracks, lead_out, next: Lba(start.0 - 150) })
}
