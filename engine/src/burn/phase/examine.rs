//! Asking the drive what state the disc is in: command status alone is no proof.

use super::prepare::refused;
use super::{Answer, Ask, Phase, Turn, enter, verify};
use crate::burn::context::{Context, wire};
use crate::burn::job::Exchange;
use crate::burn::{DiscState, Fault, Mode, Stage};
use crate::device::DeviceErrorKind;
use crate::drive::survey::{Depth, Question, Survey};
use crate::drive::{Medium, Session, State};
use crate::units::{Blocks, Lba};

pub(crate) struct Examine {
    survey: Survey,
}

impl Examine {
    pub(super) fn begin(cx: &mut Context) -> Turn {
        enter(cx, Stage::Finish);
        cx.disc = DiscState::Unknown;
        Examine { survey: Survey::new(Depth::Last) }.next(cx)
    }

    pub(super) fn step(mut self, cx: &mut Context, answer: Answer) -> Turn {
        match answer {
            Ok(bytes) => self.survey.answer(Some(&bytes)),
            Err(fault) if refused(&fault) => self.survey.answer(None),
            Err(fault) => return failed(cx, fault),
        }
        self.next(cx)
    }

    fn next(self, cx: &mut Context) -> Turn {
        if let Some(Question { cdb, room }) = self.survey.next() {
            // A reset or a medium change that ended the burn is told here once more.
            let ask = Ask::Send(Exchange::ask(cdb, room).at_start());
            return Turn(Phase::Examine(self), ask);
        }
        let Some(medium) = self.survey.medium() else {
            cx.disc = DiscState::NoDisc;
            return failed(cx, Fault::NoDisc);
        };
        let recorded = if cx.flushed { cx.taken } else { Blocks(0) };
        // Heads lie elsewhere.
        let recorded = match cx.plan.heads.is_empty() {
            true => recorded,
            false => recorded.min(cx.plan.in_row()),
        };
        let to = cx.plan.start.checked_add(recorded).filter(|_| recorded.0 > 0);
        cx.disc = state_of(&medium, to.map(|to| (cx.plan.start, to)));
        if let DiscState::Open { track, readable_to, .. } = &mut cx.disc
            && *track == cx.plan.start
        {
            // What lies behind is the drive's padding.
            let taken = cx.plan.start.checked_add(cx.taken).unwrap_or(*track);
            *readable_to = taken.min(*readable_to);
        }
        if cx.fault.is_some() {
            return Phase::release(cx);
        }
        match missing(cx, &medium) {
            Some(detail) => cx.fail(Fault::NotRecorded { detail }, Stage::Verify),
            None => verify::Verifying::begin(cx),
        }
    }
}

/// The state stays unknown, but the tray is unlocked if there is someone to unlock it.
fn failed(cx: &mut Context, fault: Fault) -> Turn {
    let gone = wire(&fault) == Some(DeviceErrorKind::Gone);
    cx.fault.get_or_insert(fault);
    if gone { Turn(Phase::Over, Ask::End) } else { Phase::release(cx) }
}

/// What the disc lacks of a burn of which every command succeeded.
fn missing(cx: &Context, medium: &Medium) -> Option<String> {
    let plan = &cx.plan;
    match &cx.disc {
        DiscState::Blank => return Some("it is blank".to_owned()),
        DiscState::Unformatted => return Some("it is not formatted".to_owned()),
        DiscState::Lost => return Some("its last track is damaged".to_owned()),
        DiscState::Open { .. } => return Some("its last session is still open".to_owned()),
        _ => {}
    }
    if plan.mode == Mode::Overwrite {
        return None;
    }
    let track = medium.tracks.iter().find(|track| track.start == plan.start && !track.blank)?;
    (track.blocks < plan.total())
        .then(|| format!("its track has {} blocks, not {}", track.blocks, plan.total()))
}

/// What the drive's answers say of the disc. `recorded`: where what this burn surely recorded
/// begins and ends; it counts for media that do not know it themselves.
pub(crate) fn state_of(medium: &Medium, recorded: Option<(Lba, Lba)>) -> DiscState {
    match medium.state {
        State::Blank => DiscState::Blank,
        State::Unformatted => DiscState::Unformatted,
        State::Complete => DiscState::Complete,
        State::Overwritable => {
            let (from, recorded_to) = recorded.unwrap_or_default();
            DiscState::Overwritable { from, recorded_to }
        }
        State::Appendable if medium.last_session == Session::Empty => match medium.next {
            Some(next) => DiscState::Appendable { next },
            // Full: appendable in name only.
            None => DiscState::Complete,
        },
        State::Appendable | State::Damaged => open(medium),
    }
}

/// The last session is open or damaged.
fn open(medium: &Medium) -> DiscState {
    let mut tracks =
        medium.tracks.iter().rev().filter(|track| track.number >= medium.first_track_last_session);
    let Some(track) = tracks.find(|track| !track.blank) else {
        return match medium.next {
            // Reserved or begun, and nothing in it.
            Some(next) => {
                DiscState::Open { track: next, readable_to: next, next: Some(next), closable: true }
            }
            None => DiscState::Lost,
        };
    };
    let next = medium.tracks.last().and_then(|last| last.next);
    let rules = medium.rules;
    let run_out = rules.map_or(0, |rules| rules.run_out.0 as i32);
    let end = match (track.last_recorded, track.next) {
        _ if track.damaged => track.start,
        (Some(last), _) => Lba(last.0.saturating_add(1)),
        // Only media without links between portions are recorded up to where they continue.
        (None, Some(next)) if run_out == 0 => next,
        (None, Some(_)) => track.start,
        (None, None) => {
            let size = i32::try_from(track.blocks.0).unwrap_or(i32::MAX);
            Lba(track.start.0.saturating_add(size).saturating_sub(run_out))
        }
    };
    let unfinished = track.reserved && track.next.is_some();
    let closable = !unfinished && (!track.damaged || track.next.is_some());
    let readable_to = end.max(track.start);
    if readable_to == track.start && next.is_none() && !closable {
        return DiscState::Lost;
    }
    DiscState::Open { track: track.start, readable_to, next, closable }
}
