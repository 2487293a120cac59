//! CLOSE TRACK/SESSION and REPAIR TRACK: what each function means on each kind of disc, and the
//! ends of discs that close themselves with their last block.

use std::time::Duration;

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{CloseFunction, CloseTrackSession, Command, RepairTrack};
use engine::mmc::sense::codes;
use engine::units::{Blocks, Lba};

use super::context::{Cx, Refusal, Reply, bad_cdb};
use super::job::{Effect, Step, Turn};
use super::tracks::{self, Row};
use super::{ms, sync};
use crate::mechanism::Operation;
use crate::medium::{Change, Format, FormatState, Session, State, Track, TrackState, Way};
use crate::models::MediumKind;

/// CLOSE TRACK/SESSION (MMC-6, 6.3).
pub(super) fn close_track_session(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    use CloseFunction as F;
    let cdb = CloseTrackSession::from_cdb(cdb);
    let state = cx.state()?;
    let overwritable = !tracks::sequential(state);
    if super::write::rehearses(cx) {
        // Nothing was recorded that could be closed.
        let steps = sync::end_of_writing(cx)?;
        return match steps.is_empty() {
            true => cx.good(),
            false => cx.begin(codes::LONG_OPERATION_IN_PROGRESS, cdb.immed, steps),
        };
    }
    let steps = match (state.kind(), cdb.function) {
        (MediumKind::DvdPlusRw, F::StopFormat | F::Session | F::SessionQuick) => {
            close_overwritten(cx, cdb.function)?
        }
        (MediumKind::DvdRw, F::Session | F::SessionQuick) if overwritable => {
            close_intermediate(cx)?
        }
        (MediumKind::DvdPlusRw | MediumKind::DvdRam | MediumKind::BdRe, _) => {
            return Err(bad_cdb(2, Some(2)));
        }
        (MediumKind::DvdRw, _) if overwritable => return Err(bad_cdb(2, Some(2))),
        (_, F::Track) => close_track(cx, cdb.track)?,
        (MediumKind::CdR | MediumKind::CdRw | MediumKind::DvdR | MediumKind::DvdRw, F::Session) => {
            let keep = cx.fw.pages.write().multi_session == 3;
            close_session(cx, !keep)?
        }
        (MediumKind::DvdR | MediumKind::DvdRw, F::SessionQuick) => close_session(cx, true)?,
        (MediumKind::DvdPlusR | MediumKind::BdR, F::Session) => close_session(cx, false)?,
        (MediumKind::DvdPlusR, F::FinalizeMinRadius | F::Finalize) => close_session(cx, true)?,
        (MediumKind::BdR, F::Finalize) => close_session(cx, true)?,
        _ => return Err(bad_cdb(2, Some(2))),
    };
    if steps.is_empty() {
        return cx.good();
    }
    cx.begin(codes::LONG_OPERATION_IN_PROGRESS, cdb.immed, steps)?;
    if let Some(job) = &mut cx.fw.job {
        job.hides_ready = !cx.fw.model.behaviour.ready_during_close;
    }
    cx.began(cdb.immed)
}

/// REPAIR TRACK (MMC-6, 6.31): the end of an RZone that was lost with the power is found again, and
/// the RZone takes more.
pub(super) fn repair_track(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = RepairTrack::from_cdb(cdb);
    let state = cx.state()?;
    if !matches!(state.kind(), MediumKind::DvdR | MediumKind::DvdRw) {
        return Err(codes::INCOMPATIBLE_MEDIUM.into());
    }
    let Some(track) = state.track(cdb.track).cloned() else { return Err(bad_cdb(4, None)) };
    let row = tracks::row(state, &track, None);
    if !row.damaged || row.complete {
        return cx.good();
    }
    let end = tracks::aligned(state, tracks::recorded_end(state, &track));
    let takes = ms(cx.fw.timing(state).update_ms);
    let changes = vec![Change::Track(Track { end, clean: true, ..track })];
    let steps = vec![Step { takes, then: Effect::Medium(changes) }];
    cx.begin(codes::LONG_OPERATION_IN_PROGRESS, cdb.immed, steps)
}

/// The steps that close a track; none where there is nothing to close.
fn close_track(cx: &mut Cx<'_>, number: u16) -> Result<Vec<Step>, Refusal> {
    let rows = cx.rows()?;
    // FFh means the track that is being written, or would be (MMC-6, 6.3.2.3).
    let row = match number {
        0xff => rows.last().copied(),
        _ => rows.iter().find(|row| row.number == number).copied(),
    };
    let Some(row) = row else { return Err(bad_cdb(4, None)) };
    if row.invisible || row.complete {
        return Ok(Vec::new());
    }
    let mut steps = Vec::new();
    if cx.live()?.writing.is_some_and(|writing| writing.track == row.number) {
        steps = sync::end_of_writing(cx)?;
        if row.way == Way::Tao {
            return Ok(steps);
        }
    }
    let state = cx.state()?;
    let Some(track) = state.track(row.number).cloned() else { return Ok(steps) };
    let next = row.nwa.unwrap_or_else(|| tracks::recorded_end(state, &track));
    let next = tracks::aligned(state, next);
    let update = ms(cx.fw.timing(state).update_ms);
    let (changes, start, padding) = match track.way {
        Way::Tao => {
            let (mut changes, padding) = sync::track_at_once(&track, next);
            mark_damaged(&mut changes, row.damaged);
            (changes, next, padding)
        }
        // What was reserved is filled up (MMC-6, 6.3.3), unless it was to be written at once and
        // cannot be taken up again.
        _ if track.size.0 > 0
            && !(row.damaged && matches!(track.way, Way::Sao | Way::Raw | Way::Dao)) =>
        {
            let end = track.start.checked_add(track.size).unwrap_or(next);
            let padding = end.checked_from(next).unwrap_or_default();
            let mut changes = Vec::new();
            if padding.0 > 0 {
                changes.push(Change::Zeroed(next, padding));
            }
            changes.push(complete(&track, end, row.damaged));
            (changes, next, padding)
        }
        _ => (vec![complete(&track, next, row.damaged)], next, Blocks(0)),
    };
    let takes = update + sync::pad_time(cx, start, padding);
    steps.push(Step { takes, then: Effect::Medium(changes) });
    Ok(steps)
}

fn mark_damaged(changes: &mut [Change], damaged: bool) {
    for change in changes {
        if let Change::Track(track) = change {
            track.damaged = damaged;
        }
    }
}

fn complete(track: &Track, end: Lba, damaged: bool) -> Change {
    Change::Track(Track {
        size: end.checked_from(track.start).unwrap_or_default(),
        end,
        state: TrackState::Complete,
        clean: true,
        damaged,
        ..track.clone()
    })
}

/// The steps that close the open session; none where there is nothing in it.
fn close_session(cx: &mut Cx<'_>, finalise: bool) -> Result<Vec<Step>, Refusal> {
    let mut steps = Vec::new();
    let rows = cx.rows()?;
    let session = cx.state()?.open_session();
    if let Some(writing) = cx.live()?.writing {
        // A track at once that is still open ends with its session.
        let row = rows.iter().find(|row| row.number == writing.track);
        if row.is_none_or(|row| row.way != Way::Tao) {
            return Err(codes::INCOMPLETE_TRACK.into());
        }
        steps = sync::end_of_writing(cx)?;
    }
    let ending = !steps.is_empty();
    let state = cx.state()?;
    let open: Vec<&Row> =
        rows.iter().filter(|row| row.session == session && !row.invisible).collect();
    let incomplete = |row: &&&Row| !(row.complete || ending && row.way == Way::Tao);
    if let Some(row) = open.iter().find(incomplete) {
        // On DVD+R and BD-R the track that runs to the end of the disc closes with its session,
        // and so does a reserved one of which nothing is left to write: it is complete
        // (MMC-6, 6.3.3).
        let full = row.nwa.is_none() && !row.blank && !row.damaged;
        let follows = row.way == Way::Sequential && (!row.reserved || full);
        if !follows {
            let partial = row.reserved && !row.blank;
            return Err(match partial {
                true => codes::PARTIAL_RESERVED_TRACK.into(),
                false => codes::INCOMPLETE_TRACK.into(),
            });
        }
        let Some(track) = state.track(row.number) else { return Ok(steps) };
        let end = row.nwa.unwrap_or(tracks::recorded_end(state, track));
        let then = Effect::Medium(vec![complete(track, tracks::aligned(state, end), row.damaged)]);
        steps.push(Step { takes: ms(cx.fw.timing(state).update_ms), then });
    }
    if open.is_empty() {
        // An empty session has nothing to close; but a disc with sessions can still be finalised.
        let Some(last) = state.sessions.last().filter(|last| finalise && last.next.is_some())
        else {
            return Ok(steps);
        };
        let changes =
            vec![Change::Session(Session { next: None, ..last.clone() }), Change::Finalised(true)];
        let takes = ms(cx.fw.timing(state).close_ms);
        steps.push(Step { takes, then: Effect::Medium(changes) });
        return Ok(steps);
    }
    // Tracks that end only with this job have their place in the tables, but not yet their size.
    steps
        .push(Step { takes: session_time(cx, finalise)?, then: Effect::CloseSession { finalise } });
    steps.push(Step { takes: Duration::ZERO, then: Effect::EndWriting });
    Ok(steps)
}

/// How long lead-in and lead-out of the open session take.
fn session_time(cx: &Cx<'_>, finalize: bool) -> Result<Duration, Refusal> {
    let state = cx.state()?;
    let start = state.open_tracks().next().map_or(Lba(0), |track| track.start);
    let end =
        state.open_tracks().map(|track| tracks::recorded_end(state, track)).max().unwrap_or(start);
    let first = state.sessions.is_empty();
    Ok(cx.fw.laser.duration(&Operation::CloseSession { start, end, first, finalize }))
}

/// What is true once the lead-in and lead-out of the open session are written.
pub(super) fn closed(state: &State, finalise: bool) -> Vec<Change> {
    let number = state.open_session();
    let Some(first) = state.open_tracks().next() else { return Vec::new() };
    let last = state.open_tracks().last().unwrap_or(first);
    let lead_out = last.start.checked_add(last.size).unwrap_or(last.end);
    let next = next_session(state, lead_out).filter(|_| !finalise);
    let session =
        Session { number, first_track: first.number, last_track: last.number, lead_out, next };
    let mut changes = vec![Change::Session(session)];
    if next.is_none() {
        changes.push(Change::Finalised(true));
    }
    if state.minimal {
        changes.push(Change::Minimal(false));
    }
    changes
}

/// Where the first track of a further session begins behind this lead-out; nothing if there is no
/// room for one.
fn next_session(state: &State, lead_out: Lba) -> Option<Lba> {
    let first = state.sessions.is_empty();
    let model = &state.model;
    let gap = match state.kind() {
        // Lead-out, the next lead-in (one minute) and the pre-gap of the first track
        // (MMC-6, 4.2.3.6): 11400 blocks behind the first session, 6900 behind others.
        MediumKind::CdR | MediumKind::CdRw => {
            let tail = if first { model.lead_out } else { model.lead_out_next };
            Blocks(tail + 4500 + 150)
        }
        // Border-out and border-in (MMC-6, 4.4.3).
        MediumKind::DvdR | MediumKind::DvdRw => {
            Blocks(if first { model.lead_out } else { model.lead_out_next })
        }
        // Closure of one session and intro of the next: 64 ECC blocks each (ECMA-349, 26).
        MediumKind::DvdPlusR => Blocks(2048),
        _ => Blocks(0),
    };
    let next = tracks::aligned(state, lead_out.checked_add(gap)?);
    let end = Lba(i32::try_from(state.capacity().0).ok()?);
    let room = end.checked_from(next)?;
    let most = state.kind() == MediumKind::DvdPlusR && state.sessions.len() >= 152;
    // A session needs room for a track and for its own end.
    (room > Blocks(1024) && !most).then_some(next)
}

/// The steps that end a session which a cue sheet described, once all of it has been sent: the
/// drive writes the lead-out by itself, and page 05 says whether another session may follow.
pub(super) fn session_written(cx: &mut Cx<'_>, steps: &mut Vec<Step>) -> Result<(), Refusal> {
    let keep = cx.fw.pages.write().multi_session == 3;
    let state = cx.state()?;
    let changes = state
        .open_tracks()
        .filter(|track| track.way == Way::Sao)
        .map(|track| {
            let end = track.start.checked_add(track.size).unwrap_or(track.end);
            complete(track, end, false)
        })
        .collect();
    steps.push(Step { takes: Duration::ZERO, then: Effect::Medium(changes) });
    let takes = session_time(cx, !keep)?;
    steps.push(Step { takes, then: Effect::CloseSession { finalise: !keep } });
    Ok(())
}

/// The same for a disc at once: nothing can follow.
pub(super) fn disc_written(
    cx: &mut Cx<'_>,
    track: &Track,
    next: Lba,
    steps: &mut Vec<Step>,
) -> Result<(), Refusal> {
    let state = cx.state()?;
    let end = tracks::aligned(state, next);
    let padding = end.checked_from(next).unwrap_or_default();
    let mut changes = Vec::new();
    if padding.0 > 0 {
        changes.push(Change::Zeroed(next, padding));
    }
    changes.push(complete(track, end, false));
    let takes = sync::pad_time(cx, next, padding);
    steps.push(Step { takes, then: Effect::Medium(changes) });
    let takes = session_time(cx, true)?;
    steps.push(Step { takes, then: Effect::CloseSession { finalise: true } });
    Ok(())
}

/// DVD+RW: function 0 stops the background formatting at the end of an ECC block, the others also
/// write what a player needs (MMC-6, 6.3.3.8).
fn close_overwritten(cx: &mut Cx<'_>, function: CloseFunction) -> Result<Vec<Step>, Refusal> {
    cx.fw.laser.flush(cx.now);
    let idle = cx.fw.laser.is_empty();
    let format = cx.state()?.format;
    let mut steps = Vec::new();
    if !idle {
        steps.push(Step { takes: Duration::ZERO, then: Effect::Drained });
    }
    let mut takes = Duration::ZERO;
    let mut changes = Vec::new();
    if format.state == FormatState::Running {
        cx.live()?.formatting = None;
        takes += cx.fw.laser.unit_time(format.reached);
        changes.push(Change::Format(Format { state: FormatState::Partial, ..format }));
    }
    if function != CloseFunction::StopFormat && format.state != FormatState::None {
        takes += ms(cx.fw.timing(cx.state()?).close_ms) / 2;
    }
    if !takes.is_zero() {
        steps.push(Step { takes, then: Effect::Medium(changes) });
    }
    Ok(steps)
}

/// DVD-RW in the intermediate state: lead-in and border-out are written, and the disc is as large
/// as what was recorded (MMC-6, 4.4.3.5).
fn close_intermediate(cx: &mut Cx<'_>) -> Result<Vec<Step>, Refusal> {
    cx.fw.laser.flush(cx.now);
    let mut steps = Vec::new();
    if !cx.fw.laser.is_empty() {
        steps.push(Step { takes: Duration::ZERO, then: Effect::Drained });
    }
    let state = cx.state()?;
    if state.format.state == FormatState::Partial {
        let takes = ms(cx.fw.timing(state).close_ms);
        steps.push(Step { takes, then: Effect::CloseIntermediate });
        steps.push(Step { takes: Duration::ZERO, then: Effect::Drive(Turn::Reprofile) });
    }
    Ok(steps)
}

/// What is true once that is done.
pub(super) fn intermediate_closed(state: &State) -> Vec<Change> {
    let end = tracks::aligned(state, state.recorded.end().unwrap_or_default());
    let blocks = end.checked_from(Lba(0)).unwrap_or_default();
    let format = Format { state: FormatState::Complete, blocks, reached: end, ..state.format };
    vec![Change::Format(format)]
}
