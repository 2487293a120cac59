//! SYNCHRONIZE CACHE, and what the end of a stretch of writing means on each kind of disc.

use std::time::Duration;

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, SynchronizeCache};
use engine::mmc::sense::codes;
use engine::units::{Blocks, Lba};

use super::close;
use super::context::{Answer, Cx, Refusal, Reply};
use super::job::{Effect, Step};
use super::ms;
use super::raw;
use super::tracks::{self, RUN_OUT, SHORTEST};
use crate::mechanism::Operation;
use crate::medium::{Change, Track, TrackState, Way};

/// SYNCHRONIZE CACHE (MMC-6, 6.41). The range is ignored, as all drives do: everything goes.
pub(super) fn synchronize_cache(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let immed = SynchronizeCache::from_cdb(cdb).immed;
    let steps = end_of_writing(cx)?;
    if steps.is_empty() {
        return cx.good();
    }
    cx.begin(codes::LONG_OPERATION_IN_PROGRESS, immed, steps)
}

/// Ends the writing of one track because another is to be written: the command comes again.
pub(super) fn end_first(cx: &mut Cx<'_>) -> Reply {
    let steps = end_of_writing(cx)?;
    let job = super::Job::new(codes::LONG_OPERATION_IN_PROGRESS, cx.now, steps);
    let due = job.due(cx.fw.laser.drained_at(cx.now));
    cx.fw.job = Some(job);
    Ok(Answer::Again(due))
}

fn step(takes: Duration, then: Effect) -> Step {
    Step { takes, then }
}

/// The steps that end the stretch of writing that is under way: nothing if nothing is.
pub(super) fn end_of_writing(cx: &mut Cx<'_>) -> Result<Vec<Step>, Refusal> {
    let idle = cx.fw.laser.is_empty();
    cx.fw.laser.flush(cx.now);
    let drained = step(Duration::ZERO, Effect::Drained);
    if cx.live()?.raw.is_some() {
        return raw::end(cx, if idle { Vec::new() } else { vec![drained] });
    }
    let Some(writing) = cx.live()?.writing else {
        let mut steps = if idle { Vec::new() } else { vec![drained] };
        if cx.live()?.rewriting {
            // Where the clusters lie now goes into the disc's management area.
            let takes = ms(cx.fw.timing(cx.state()?).update_ms);
            steps.push(step(takes, Effect::EndWriting));
        }
        return Ok(steps);
    };
    if cx.live()?.rehearsal {
        let all = |live: &super::Live| live.cue.as_ref().is_none_or(|s| s.next == s.lead_out);
        let mut steps = vec![drained];
        if all(cx.live()?) {
            steps.push(step(Duration::ZERO, Effect::EndWriting));
        }
        return Ok(steps);
    }
    let state = cx.state()?;
    let Some(track) = state.track(writing.track).cloned() else {
        return Ok(vec![drained]);
    };
    let update = ms(cx.fw.timing(state).update_ms);
    let mut steps = vec![drained];
    match track.way {
        Way::Tao => {
            let (changes, padding) = track_at_once(&track, writing.next);
            steps.push(step(pad_time(cx, writing.next, padding) + update, Effect::Medium(changes)));
        }
        Way::Raw => return Ok(steps),
        Way::Packet => {
            // Two blocks of run-out, and a link and four of run-in before the next packet
            // (MMC-6, 4.2.3.9.3).
            let end = writing.next.checked_add(LINK).unwrap_or(writing.next);
            let changes = vec![
                Change::Linked(writing.next, LINK),
                Change::Track(Track { end, clean: true, ..track }),
            ];
            steps.push(step(update, Effect::Medium(changes)));
        }
        Way::Sao => {
            let all = cx.live()?.cue.as_ref().is_some_and(|sheet| sheet.next == sheet.lead_out);
            if !all {
                // The session is not over: the drive waits for the rest of it.
                return Ok(steps);
            }
            close::session_written(cx, &mut steps)?;
        }
        Way::Dao => {
            let limit = track.start.checked_add(track.size);
            if track.size.0 > 0 && limit.is_some_and(|limit| writing.next < limit) {
                return Ok(steps);
            }
            close::disc_written(cx, &track, writing.next, &mut steps)?;
        }
        Way::Incremental | Way::Sequential | Way::Overwrite => {
            let end = tracks::aligned(state, writing.next);
            let padding = end.checked_from(writing.next).unwrap_or_default();
            let full = track.size.0 > 0 && track.start.checked_add(track.size) == Some(end);
            let mut changes = Vec::new();
            if padding.0 > 0 {
                changes.push(Change::Zeroed(writing.next, padding));
            }
            let state = if full && track.way == Way::Incremental {
                TrackState::Complete
            } else {
                track.state
            };
            changes.push(Change::Track(Track { end, clean: true, state, ..track }));
            let takes = pad_time(cx, writing.next, padding) + update;
            steps.push(step(takes, Effect::Medium(changes)));
        }
    }
    steps.push(step(Duration::ZERO, Effect::EndWriting));
    Ok(steps)
}

/// Blocks between two packets.
const LINK: Blocks = Blocks(7);

/// Time to record padding that no host sent.
pub(super) fn pad_time(cx: &Cx<'_>, start: Lba, blocks: Blocks) -> Duration {
    match blocks.0 {
        0 => Duration::ZERO,
        blocks => cx.fw.laser.duration(&Operation::Pad { start, blocks }),
    }
}

/// The end of a track written at once: a short one is filled up to four seconds, a reserved one to
/// its size, run-out follows, and the track is complete (MMC-6, 4.2.3.8; 6.3.3).
pub(super) fn track_at_once(track: &Track, next: Lba) -> (Vec<Change>, Blocks) {
    let written = next.checked_from(track.start).unwrap_or_default();
    let least = match track.size {
        Blocks(0) => SHORTEST,
        reserved => reserved.saturating_sub(RUN_OUT),
    };
    let padding = least.saturating_sub(written);
    let data_end = next + padding;
    let mut changes = Vec::new();
    let audio = track.control & 4 == 0;
    if padding.0 > 0 {
        changes.push(match audio {
            true => Change::Silence(next, padding),
            false => Change::Zeroed(next, padding),
        });
    }
    // Run-out of audio plays as silence; a data sector it does not make.
    changes.push(match audio {
        true => Change::Silence(data_end, RUN_OUT),
        false => Change::Linked(data_end, RUN_OUT),
    });
    let end = data_end + RUN_OUT;
    changes.push(Change::Track(Track {
        size: end - track.start,
        end,
        state: TrackState::Complete,
        clean: true,
        ..track.clone()
    }));
    (changes, padding)
}
