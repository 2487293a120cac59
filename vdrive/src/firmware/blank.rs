//! BLANK: CD-RW and DVD-RW become empty again.

use std::time::Duration;

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Blank, BlankType, Command};
use engine::mmc::sense::codes;
use engine::units::{Blocks, Lba};

use super::context::{Cx, Refusal, Reply, bad_cdb};
use super::job::{Effect, Step, Turn};
use super::{format, ms, tracks};
use crate::mechanism::Operation;
use crate::medium::{Change, State, Track, TrackState, Way};
use crate::models::MediumKind;

/// BLANK (MMC-6, 6.2): the whole disc, or only what says that there is something on it.
pub(super) fn blank(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = Blank::from_cdb(cdb);
    let state = cx.state()?;
    if !matches!(state.kind(), MediumKind::CdRw | MediumKind::DvdRw)
        || !cx.fw.model.writes(state.kind())
    {
        return Err(codes::CANNOT_FORMAT_MEDIUM.into());
    }
    let minimal = match cdb.kind {
        BlankType::Disc => false,
        BlankType::Minimal => true,
        kind if state.kind() == MediumKind::CdRw && tracks::sequential(state) => {
            return part(cx, kind, cdb.start, cdb.immed);
        }
        _ => return Err(bad_cdb(1, Some(2))),
    };
    if state.model.erase_cycles.is_some_and(|most| state.erasures >= most) {
        return Err(codes::ERASE_FAILURE.into());
    }
    // What is in the buffer would be erased all the same.
    cx.fw.laser.drop_buffer();
    let live = cx.live()?;
    live.writing = None;
    live.cue = None;
    live.raw = None;
    let state = cx.state()?;
    let mut changes = format::wiped(state);
    // The lead-in of a minimally blanked DVD-RW is still there (MMC-6, 4.4.3.3).
    changes.push(Change::Minimal(minimal && state.kind() == MediumKind::DvdRw));
    let takes = ms(cx.fw.timing(state).quick_erase_ms);
    // The tables go first: cut short, the disc is blank as far as anyone can see.
    let mut steps = vec![Step { takes, then: Effect::Medium(changes) }];
    if !minimal {
        let all = Operation::Erase { start: Lba(0), blocks: state.capacity().0 };
        let takes = cx.fw.laser.duration(&all);
        steps.push(Step { takes, then: Effect::Medium(Vec::new()) });
    }
    steps.push(Step { takes: Duration::ZERO, then: Effect::Drive(Turn::Reprofile) });
    cx.begin(codes::LONG_OPERATION_IN_PROGRESS, cdb.immed, steps)
}

/// Blanks a part of a CD-RW (MMC-6, 6.2.2.3).
fn part(cx: &mut Cx<'_>, kind: BlankType, start: u32, immed: bool) -> Reply {
    if cx.live()?.writing.is_some() || cx.live()?.raw.is_some() {
        return Err(codes::SEQUENCE_ERROR.into());
    }
    let state = cx.state()?;
    let (from, end, mut changes) = match kind {
        BlankType::Track => track(state, start)?,
        BlankType::TrackTail => tail(state, Lba(start as i32))?,
        BlankType::UncloseSession => unclose(state)?,
        BlankType::EraseSession => session(state)?,
        BlankType::Unreserve => unreserve(state, start)?,
        _ => return Err(bad_cdb(1, Some(2))),
    };
    let blocks = end.checked_from(from).unwrap_or_default();
    if blocks.0 > 0 {
        changes.push(Change::Erased(from, blocks));
    }
    changes.push(Change::Wear(state.calibrations, state.erasures.saturating_add(1)));
    let update = ms(cx.fw.timing(state).update_ms);
    let takes = update + cx.fw.laser.duration(&Operation::Erase { start: from, blocks: blocks.0 });
    let steps = vec![
        Step { takes, then: Effect::Medium(changes) },
        Step { takes: Duration::ZERO, then: Effect::Drive(Turn::Reprofile) },
    ];
    cx.begin(codes::LONG_OPERATION_IN_PROGRESS, immed, steps)
}

/// What is erased, and what is true then.
type Part = Result<(Lba, Lba, Vec<Change>), Refusal>;

fn begin(track: &Track) -> Lba {
    Lba(track.start.0.saturating_sub_unsigned(track.cd.pregap.0))
}

/// The last track of the open session.
fn track(state: &State, number: u32) -> Part {
    let last = state.open_tracks().last().filter(|track| u32::from(track.number) == number);
    let last = last.ok_or_else(|| bad_cdb(2, None))?;
    let end = tracks::recorded_end(state, last).max(last.end);
    Ok((begin(last), end, vec![Change::DropTracks(last.number)]))
}

/// The last track, if it is reserved and nothing has been written in it.
fn unreserve(state: &State, number: u32) -> Part {
    let last = state.open_tracks().last().filter(|track| u32::from(track.number) == number);
    let free = |track: &&Track| {
        track.state == TrackState::Reserved && tracks::recorded_end(state, track) == track.start
    };
    let last = last.filter(free).ok_or_else(|| bad_cdb(2, None))?;
    Ok((last.start, last.start, vec![Change::DropTracks(last.number)]))
}

/// From a block to the end of a track that is written in packets and not closed.
fn tail(state: &State, from: Lba) -> Part {
    let inside = |track: &&Track| track.start <= from && from < tracks::recorded_end(state, track);
    let mut open = state.open_tracks().filter(|track| track.state == TrackState::Open);
    let track = open.find(inside).filter(|track| track.way == Way::Packet);
    let track = track.ok_or_else(|| bad_cdb(2, None))?.clone();
    let end = tracks::recorded_end(state, &track);
    Ok((from, end, vec![Change::Track(Track { end: from, ..track })]))
}

/// Lead-in and lead-out of the last session; its tracks stay.
fn unclose(state: &State) -> Part {
    let Some(last) = state.sessions.last().filter(|_| state.open_tracks().next().is_none()) else {
        return Err(codes::SEQUENCE_ERROR.into());
    };
    let changes = vec![Change::DropSessions(last.number), Change::Finalised(false)];
    Ok((last.lead_out, last.lead_out, changes))
}

/// The last session, closed or open.
fn session(state: &State) -> Part {
    let open = state.open_tracks().next().is_some();
    let last = state.sessions.last().filter(|_| !open);
    let number = last.map_or(state.open_session(), |session| session.number);
    let first = state.tracks.iter().find(|track| track.session == number);
    let first = first.ok_or(codes::SEQUENCE_ERROR)?;
    let end = Lba(i32::try_from(state.capacity().0).unwrap_or(i32::MAX));
    // The first session's lead-in goes with it.
    let from = if number == 1 { Lba(-16_384) } else { Lba(begin(first).0 - 4500) };
    let end = end.checked_add(Blocks(state.model.lead_out)).unwrap_or(end);
    let mut changes = vec![Change::DropTracks(first.number), Change::Finalised(false)];
    if last.is_some() {
        changes.push(Change::DropSessions(number));
    }
    Ok((from, end, changes))
}
