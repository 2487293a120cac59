//! The tracks of the disc in the drive as READ TRACK INFORMATION shows them: those in the disc's
//! tables, with what the drive itself knows of the one it is writing, and the invisible track that
//! a further WRITE would open.
//!
//! May not know: commands, time.

use engine::units::{Blocks, Lba};

use crate::medium::{FormatState, State, Track, TrackState, Way};
use crate::models::MediumKind;

/// The track that is being written, as far as only the drive knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Writing {
    /// Its number.
    pub(super) track: u16,
    /// Where the next WRITE must start: behind what was accepted, recorded or not.
    pub(super) next: Lba,
    /// Where this stretch of writing began.
    pub(super) from: Lba,
}

/// A track to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Track number.
    pub(super) number: u16,
    /// Session number.
    pub(super) session: u16,
    /// First block.
    pub(super) start: Lba,
    /// Blocks from the start to its end, or to where it may end.
    pub(super) size: Blocks,
    /// Where the next WRITE must start, if it takes one.
    pub(super) nwa: Option<Lba>,
    /// Blocks from there to the end.
    pub(super) free: Blocks,
    /// Last recorded block, if any is.
    pub(super) last: Option<Lba>,
    /// Set aside by RESERVE TRACK, or complete by a way that fixes the size (byte 6, bit 7).
    pub(super) reserved: bool,
    /// Nothing written yet.
    pub(super) blank: bool,
    /// Its end was lost.
    pub(super) damaged: bool,
    /// Closed.
    pub(super) complete: bool,
    /// Not in the tables yet: the next WRITE opens it.
    pub(super) invisible: bool,
    /// How it is written.
    pub(super) way: Way,
    /// CONTROL nibble.
    pub(super) control: u8,
}

impl Row {
    /// Whether this is a track of a CD that was reserved and has nothing in it yet.
    pub(super) fn awaits(&self) -> bool {
        self.reserved && self.blank && matches!(self.way, Way::Tao | Way::Packet)
    }
}

/// Blocks between two tracks written at once: the pre-gap (MMC-6, 4.2.3.4).
pub(super) const PREGAP: Blocks = Blocks(150);
/// Run-out behind a track written at once (MMC-6, 4.2.3.8).
pub(super) const RUN_OUT: Blocks = Blocks(2);
/// The shortest track: 4 seconds (IEC 60908; MMC-6, 6.3.3).
pub(super) const SHORTEST: Blocks = Blocks(300);

/// Where a track ends that may grow: the end of the disc, less what a session's end needs.
fn end_of_disc(state: &State) -> Lba {
    let blocks = match state.format.state {
        FormatState::None => state.capacity(),
        _ => state.format.blocks,
    };
    Lba(i32::try_from(blocks.0).unwrap_or(i32::MAX))
}

fn between(start: Lba, end: Lba) -> Blocks {
    end.checked_from(start).unwrap_or_default()
}

/// `at` rounded up to a whole recording unit from LBA 0.
pub(super) fn aligned(state: &State, at: Lba) -> Lba {
    let unit = state.unit().0 as i32;
    Lba(at.0.checked_add(unit - 1).map_or(at.0, |up| up.div_euclid(unit) * unit))
}

/// Behind the last block of this track that the laser touched.
pub(super) fn recorded_end(state: &State, track: &Track) -> Lba {
    let limit = if track.size.0 > 0 { track.start + track.size } else { end_of_disc(state) };
    [&state.recorded, &state.links, &state.damaged]
        .into_iter()
        .filter_map(|runs| runs.end_before(limit))
        .fold(track.start, Lba::max)
}

/// Whether this kind of disc is written in tracks, one address after the other.
pub(super) fn sequential(state: &State) -> bool {
    match state.kind() {
        MediumKind::DvdPlusRw | MediumKind::DvdRam | MediumKind::BdRe => false,
        MediumKind::CdRw | MediumKind::DvdRw => state.format.state == FormatState::None,
        _ => true,
    }
}

/// Where a track that is not in the tables yet would begin.
pub(super) fn next_start(state: &State, writing: Option<&Writing>) -> Lba {
    let mut start = match state.sessions.last() {
        Some(session) => session.next.unwrap_or(session.lead_out),
        None => Lba(0),
    };
    for track in state.open_tracks() {
        let end = match writing {
            Some(writing) if writing.track == track.number && track.size.0 == 0 => writing.next,
            _ if track.size.0 > 0 => track.start.checked_add(track.size).unwrap_or(track.end),
            _ => recorded_end(state, track),
        };
        let gap =
            if state.kind().family() == crate::models::Family::Cd { PREGAP } else { Blocks(0) };
        start = start.max(aligned(state, end.checked_add(gap).unwrap_or(end)));
    }
    // What pseudo-overwrite took lies behind the tracks.
    if state.pseudo_overwrite() { start.max(state.remap_to()) } else { start }
}

/// Whether the way in which this disc loses its end with the power leaves the track unusable until
/// it is closed or repaired. A DVD+R or BD-R goes on at the next ECC block.
fn lost_end(state: &State, track: &Track, writing: Option<&Writing>) -> bool {
    if track.clean || writing.is_some_and(|writing| writing.track == track.number) {
        return false;
    }
    !matches!(track.way, Way::Sequential | Way::Overwrite) && recorded_end(state, track) > track.end
}

/// The row of a track in the tables.
pub(super) fn row(state: &State, track: &Track, writing: Option<&Writing>) -> Row {
    let complete = track.state == TrackState::Complete;
    let recorded = recorded_end(state, track);
    let damaged = track.damaged || lost_end(state, track, writing);
    let limit = if track.size.0 > 0 {
        track.start.checked_add(track.size).unwrap_or(track.start)
    } else {
        end_of_disc(state)
    };
    let reserved = track.state == TrackState::Reserved;
    // The run-out of a track at once is not the host's.
    let end =
        if reserved && track.way == Way::Tao { Lba(limit.0 - RUN_OUT.0 as i32) } else { limit };
    let nwa = match writing {
        _ if complete || state.finalised => None,
        Some(writing) if writing.track == track.number => Some(writing.next),
        _ if damaged => None,
        _ => Some(aligned(state, recorded)),
    };
    let nwa = nwa.filter(|&nwa| nwa < end);
    Row {
        number: track.number,
        session: track.session,
        start: track.start,
        size: between(track.start, limit),
        nwa,
        free: nwa.map_or(Blocks(0), |nwa| between(nwa, end)),
        // What the laser spoilt behind it is not recorded.
        last: state
            .recorded
            .end_before(limit)
            .filter(|&end| end > track.start)
            .map(|end| Lba(end.0 - 1)),
        reserved,
        blank: recorded == track.start && !complete,
        damaged,
        complete,
        invisible: false,
        way: track.way,
        control: track.control,
    }
}

/// The track that a further WRITE would open, where there is room for one.
pub(super) fn invisible(state: &State, writing: Option<&Writing>, way: Way) -> Option<Row> {
    let last_closed = state.sessions.last().is_some_and(|session| session.next.is_none());
    if state.finalised || last_closed || !sequential(state) {
        return None;
    }
    // A track without a fixed size runs to the end of the disc: nothing comes behind it.
    // Nor behind one that is the whole disc.
    let last = |t: &Track| t.size.0 == 0 || t.way == Way::Dao;
    if state.open_tracks().any(|t| t.state != TrackState::Complete && last(t)) {
        return None;
    }
    let (mut start, limit) = (next_start(state, writing), end_of_disc(state));
    if way == Way::Raw {
        // A raw session starts with its lead-in, and has the disc for itself.
        start = super::cue::lead_in_start(state);
        if !state.is_blank() {
            return None;
        }
    }
    let number = state.tracks.last().map_or(1, |track| track.number + 1);
    // A rehearsal leaves no track in the tables.
    let next = writing.filter(|w| w.track == number).map_or(start, |w| w.next);
    (start < limit && number < most_tracks(state)).then_some(Row {
        number,
        session: state.open_session(),
        start,
        size: between(start, limit),
        nwa: Some(next),
        free: between(next, limit),
        last: None,
        reserved: false,
        blank: true,
        damaged: false,
        complete: false,
        invisible: true,
        way,
        control: 4,
    })
}

/// One more than the highest track number (99 on CD by its TOC; MMC-6, 4.3 to 4.5 for the others).
fn most_tracks(state: &State) -> u16 {
    match state.kind() {
        MediumKind::CdR | MediumKind::CdRw => 100,
        MediumKind::DvdPlusR => 154,
        MediumKind::BdR => 7928,
        _ => 2303,
    }
}

/// All tracks of the disc, ascending. An overwritable disc has one.
pub(super) fn rows(state: &State, writing: Option<&Writing>, way: Way) -> Vec<Row> {
    if !sequential(state) {
        return vec![overwritable(state)];
    }
    let mut rows: Vec<Row> = state.tracks.iter().map(|track| row(state, track, writing)).collect();
    for row in rows.iter_mut().filter(|row| row.awaits()) {
        // How a reserved track of a CD is written shows with its first block.
        row.way = if matches!(way, Way::Tao | Way::Packet) { way } else { row.way };
    }
    rows.extend(invisible(state, writing, way));
    rows
}

/// The one track of a disc that is overwritten at random.
fn overwritable(state: &State) -> Row {
    let formatted = state.format.state != FormatState::None;
    let size = if formatted { state.format.blocks } else { state.capacity() };
    let recorded = state.recorded.end().unwrap_or_default();
    let growing = state.kind() == MediumKind::DvdRw && state.format.state == FormatState::Partial;
    Row {
        number: 1,
        session: 1,
        start: Lba(0),
        size,
        nwa: growing.then_some(recorded),
        free: if formatted { Blocks(0) } else { size },
        last: (recorded.0 > 0).then(|| Lba(recorded.0 - 1)),
        reserved: false,
        blank: recorded.0 <= 0,
        damaged: false,
        complete: formatted,
        invisible: false,
        way: Way::Overwrite,
        control: 4,
    }
}
