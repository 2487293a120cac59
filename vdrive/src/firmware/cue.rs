//! SEND CUE SHEET: the plan of a CD session that is written at once.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, SendCueSheet};
use engine::mmc::cue::{self, CueEntry};
use engine::mmc::sense::{FieldPointer, Sense, codes};
use engine::units::{Blocks, Lba, Msf};

use super::context::{Answer, Cx, Refusal, Reply};
use super::source::{Fill, Source, Sub};
use super::tracks::{self, PREGAP, SHORTEST};
use crate::medium::{CdTrack, State};
use crate::models::Family;

/// The longest cue sheet in bytes: 99 tracks with a few indexes and an ISRC each, and room.
pub(super) const LONGEST: usize = 8 * 512;

/// The longest pause of Mode 2 that the drive makes by itself: a minute. A track is not a pause.
const LONGEST_PAUSE: Blocks = Blocks(4500);

/// A session as its cue sheet describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sheet {
    /// The tracks.
    pub(super) tracks: Vec<Planned>,
    /// The stretches of one form each, ascending, without holes.
    stretches: Vec<Stretch>,
    /// Where the session's first pre-gap begins.
    pub(super) begin: Lba,
    /// Where the lead-out begins.
    pub(super) lead_out: Lba,
    /// Where the next WRITE must start.
    pub(super) next: Lba,
    /// The host gives the sub-channels of the lead-in, from here on.
    pub(super) lead_in: Option<Lba>,
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
    /// What else the disc says of it.
    pub(super) cd: CdTrack,
}

/// A stretch of sectors in one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: Lba,
    source: Source,
}

impl Sheet {
    /// The form of the block at this place of the session, and where the stretch of it ends.
    pub(super) fn source_at(&self, at: Lba) -> (Source, Lba) {
        if at < self.begin {
            return (Source { fill: Fill::Nothing, sub: Sub::Raw }, self.begin);
        }
        let behind = self.stretches.partition_point(|stretch| stretch.from <= at);
        let end = self.stretches.get(behind).map_or(self.lead_out, |stretch| stretch.from);
        let source = self.stretches[..behind].last().map_or(Source::DATA, |s| s.source);
        (source, end)
    }

    /// The first block from `at` on that the host sends, or the lead-out.
    pub(super) fn behind_pauses(&self, mut at: Lba) -> Lba {
        while at >= self.begin && at < self.lead_out {
            let (source, end) = self.source_at(at);
            if !source.made() {
                break;
            }
            at = end;
        }
        at
    }

    /// The stretches between two blocks that the drive makes itself: where, how long, of what.
    pub(super) fn pauses(&self, from: Lba, to: Lba) -> Vec<(Lba, Blocks, Source)> {
        let mut pauses = Vec::new();
        let mut at = from.max(self.begin);
        while at < to {
            let (source, end) = self.source_at(at);
            let end = end.min(to);
            if source.made() {
                pauses.push((at, end - at, source));
            }
            at = end;
        }
        pauses
    }

    /// Whether a WRITE may begin here.
    pub(super) fn takes(&self, at: Lba) -> bool {
        // A lead-in with CD-TEXT need not be full: the drive repeats it.
        let lead_in = self.lead_in.is_some_and(|start| self.next == start);
        at == self.next || self.next < self.begin && (lead_in && at > self.next || at == self.begin)
    }
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
    if state.open_tracks().next().is_some() {
        return Err(codes::SEQUENCE_ERROR.into());
    }
    // The session begins with its first track's pre-gap.
    let start = tracks::next_start(state, None);
    let number = state.tracks.last().map_or(1, |track| track.number + 1);
    let mut plan = Plan::new(number, start, lead_in_start(state));
    for (i, line) in lines.iter().enumerate() {
        plan.line(i, line)?;
    }
    let mut sheet = plan.end(lines.len().saturating_sub(1))?;
    let end = Lba(i32::try_from(state.capacity().0).unwrap_or(i32::MAX));
    if sheet.lead_out > end {
        return Err(codes::END_OF_USER_AREA.into());
    }
    let format = cx.fw.pages.write().session_format;
    for track in &mut sheet.tracks {
        track.cd.format = format;
    }
    cx.live()?.cue = Some(sheet);
    Ok(Answer::Good { moved: length, at: cx.now + cx.fw.transfer(length) })
}

/// Where the lead-in of the next session begins.
pub(super) fn lead_in_start(state: &State) -> Lba {
    match (state.sessions.last(), &state.model.atip) {
        // A minute of lead-in and the pre-gap lie before the next session.
        (Some(last), _) => Lba(last.next.unwrap_or(last.lead_out).0 - 4650),
        (None, Some(atip)) => atip.lead_in.lba(),
        (None, None) => Lba(-150),
    }
}

/// Whether a lead-in or lead-out can have this data form. The drive makes their main channel,
/// whatever the host says of it.
fn around(form: u8) -> bool {
    Source::of_cue(form & 0x3f).is_some() && form >> 6 != 2
}

/// What is wrong with line `line`, at byte `byte` of it.
fn wrong(line: usize, byte: usize) -> Refusal {
    let field = FieldPointer { in_cdb: false, bit: None, byte: (line * 8 + byte) as u16 };
    Sense::new(codes::INVALID_PARAMETER_FIELD).with_field(field).into()
}

/// The sheet as far as its lines have been read, in their order: catalogue number, lead-in, indexes
/// of the tracks, lead-out (MMC-6, 6.33.3).
struct Plan {
    first: u16,
    start: Lba,
    lead_in_start: Lba,
    tracks: Vec<Planned>,
    stretches: Vec<Stretch>,
    last_at: Lba,
    lead_in: Option<u8>,
    lead_out: Option<Lba>,
    /// Frames to add to the times of the sheet, once the first one is known.
    base: Option<i32>,
    /// What to add to the track numbers of the sheet.
    offset: Option<u16>,
    mcn: [u8; 13],
    mcn_lines: usize,
    isrc: [u8; 12],
    isrc_lines: usize,
    /// Where index 0 of the track to come lies.
    gap: Option<(u16, Lba)>,
}

impl Plan {
    fn new(first: u16, start: Lba, lead_in_start: Lba) -> Plan {
        Plan {
            first,
            start,
            lead_in_start,
            tracks: Vec::new(),
            stretches: Vec::new(),
            last_at: Lba(i32::MIN),
            lead_in: None,
            lead_out: None,
            base: None,
            offset: None,
            mcn: [0; 13],
            mcn_lines: 0,
            isrc: [0; 12],
            isrc_lines: 0,
            gap: None,
        }
    }

    fn line(&mut self, i: usize, line: &CueEntry) -> Result<(), Refusal> {
        if self.lead_out.is_some() {
            return Err(wrong(i, 0));
        }
        match line.adr {
            1 => {}
            2 => return self.catalogue(i, line),
            3 => return self.recording_code(i, line),
            _ => return Err(wrong(i, 0)),
        }
        if line.tno == 0 {
            // The drive makes the lead-in; its place is not the host's to choose.
            if self.lead_in.is_some() || !self.tracks.is_empty() || line.msf != [0; 3] {
                return Err(wrong(i, 5));
            }
            if !around(line.data_form) {
                return Err(wrong(i, 3));
            }
            self.lead_in = Some(line.data_form);
            return Ok(());
        }
        let at = self.time(line).filter(|&at| at >= self.last_at).ok_or_else(|| wrong(i, 5))?;
        self.last_at = at;
        if line.tno == 0xaa {
            if !around(line.data_form) {
                return Err(wrong(i, 3));
            }
            self.lead_out = Some(at);
            return Ok(());
        }
        let source = Source::of_cue(line.data_form).ok_or_else(|| wrong(i, 3))?;
        if (line.control & 4 == 0) != source.audio() {
            return Err(wrong(i, 3));
        }
        self.index(i, line, at, source)?;
        if self.stretches.last().is_some_and(|last| last.from == at) {
            self.stretches.pop();
        }
        self.stretches.push(Stretch { from: at, source });
        Ok(())
    }

    /// Times in the sheet count from the start of the session's pre-gap, or (a later session) from
    /// that of the disc.
    fn time(&mut self, line: &CueEntry) -> Option<Lba> {
        let [m, s, f] = line.msf;
        if m >= 100 || s >= 60 || f >= 75 {
            return None;
        }
        let at = Msf { m, s, f }.lba();
        let begin = self.start.0 - PREGAP.0 as i32;
        let base = *self.base.get_or_insert(if at.0 >= begin { 0 } else { self.start.0 });
        at.0.checked_add(base).map(Lba)
    }

    fn index(&mut self, i: usize, line: &CueEntry, at: Lba, source: Source) -> Result<(), Refusal> {
        let tno = u16::from(line.tno);
        let first = self.first;
        let offset = *self.offset.get_or_insert(if tno == first { 0 } else { first - 1 });
        let number = tno + offset;
        let expected = self.tracks.last().map_or(first, |track| track.number + 1);
        match line.index {
            0 | 1 if number != expected || number > 99 => return Err(wrong(i, 1)),
            0 => self.gap = Some((number, at)),
            1 => {
                let gap = self.gap.take().filter(|gap| gap.0 == number).map(|gap| gap.1);
                // The TOC knows starts only: a pre-gap counts to the track before it.
                if let Some(track) = self.tracks.last_mut() {
                    track.size = at.checked_from(track.start).unwrap_or_default();
                }
                let pregap = gap.map_or(Blocks(0), |gap| at - gap);
                let isrc = (self.isrc_lines == 2).then_some(self.isrc);
                self.isrc_lines = 0;
                let cd = CdTrack { pregap, mode: source.mode(), isrc, ..CdTrack::default() };
                let (start, control) = (at, line.control);
                self.tracks.push(Planned { number, start, size: Blocks(0), control, cd });
            }
            _ => match self.tracks.last_mut() {
                Some(track) if track.number == number && line.index < 100 => {
                    track.cd.indexes.push(at.checked_from(track.start).unwrap_or_default());
                }
                _ => return Err(wrong(i, 2)),
            },
        }
        Ok(())
    }

    /// Two lines with seven and six digits (MMC-6, 6.33.3, media catalogue number).
    fn catalogue(&mut self, i: usize, line: &CueEntry) -> Result<(), Refusal> {
        let bytes = line.emit();
        let digits = match self.mcn_lines {
            0 => 0..7,
            1 => 7..13,
            _ => return Err(wrong(i, 0)),
        };
        for (place, at) in digits.zip(1..) {
            if !bytes[at].is_ascii_digit() {
                return Err(wrong(i, at));
            }
            self.mcn[place] = bytes[at];
        }
        self.mcn_lines += 1;
        Ok(())
    }

    /// Two lines with six characters each, before the track they are about.
    fn recording_code(&mut self, i: usize, line: &CueEntry) -> Result<(), Refusal> {
        let bytes = line.emit();
        let from = self.isrc_lines % 2 * 6;
        for place in 0..6 {
            let byte = bytes[2 + place];
            if !byte.is_ascii_alphanumeric() {
                return Err(wrong(i, 2 + place));
            }
            self.isrc[from + place] = byte.to_ascii_uppercase();
        }
        self.isrc_lines = self.isrc_lines % 2 + 1;
        Ok(())
    }

    /// Where the first pre-gap begins. That of a further session may come later than it has to, the
    /// lead-in before it being the drive's: cdrdao takes the next writable address, which is that
    /// of user data, for its beginning.
    fn begin(&self) -> Lba {
        let least = Lba(self.start.0 - PREGAP.0 as i32);
        match self.tracks.first() {
            Some(track) if self.first > 1 && track.cd.pregap > Blocks(0) => {
                least.max(Lba(track.start.0.saturating_sub_unsigned(track.cd.pregap.0)))
            }
            _ => least,
        }
    }

    fn end(mut self, last: usize) -> Result<Sheet, Refusal> {
        let lead_out = self.lead_out.ok_or_else(|| wrong(last, 1))?;
        let text = self.lead_in.ok_or_else(|| wrong(0, 1))?;
        if let Some(track) = self.tracks.last_mut() {
            track.size = lead_out.checked_from(track.start).unwrap_or_default();
        }
        // The session begins with a pre-gap of two seconds at least (ECMA-130, 20.2).
        let begin = self.begin();
        let right_start = self.tracks.first().is_some_and(|t| t.start >= begin + PREGAP);
        if !right_start || self.tracks.iter().any(|track| track.size < SHORTEST) {
            return Err(wrong(last, 5));
        }
        // A sheet that does not say what the first pre-gap holds means the track's own form.
        if let Some(stretch) = self.stretches.first_mut() {
            stretch.from = begin;
        }
        let ends = self.stretches.iter().skip(1).map(|stretch| stretch.from).chain([lead_out]);
        let long = |(stretch, end): (&Stretch, Lba)| {
            stretch.source.made()
                && stretch.source.mode() == 2
                && end > stretch.from + LONGEST_PAUSE
        };
        if self.stretches.iter().zip(ends).any(long) {
            return Err(wrong(last, 5));
        }
        if let Some(track) = self.tracks.first_mut() {
            track.cd.pregap = track.start - begin;
        }
        if self.mcn_lines == 2 {
            for track in &mut self.tracks {
                track.cd.mcn = Some(self.mcn);
            }
        }
        let lead_in = (text == 0x41).then_some(self.lead_in_start);
        let mut sheet = Sheet {
            tracks: self.tracks,
            stretches: self.stretches,
            begin,
            lead_out,
            next: begin,
            lead_in,
        };
        sheet.next = lead_in.unwrap_or_else(|| sheet.behind_pauses(begin));
        Ok(sheet)
    }
}
