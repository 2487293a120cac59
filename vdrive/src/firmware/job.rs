//! Long operations: formatting, blanking, closing, flushing, spinning up. A job is a row of steps,
//! each with the time it takes and what is true afterwards. It goes on in the background whether
//! or not a host waits for it; a power cut between two steps leaves what the steps before it did.
//!
//! May not know: which command began it.

use std::collections::VecDeque;
use std::time::Duration;

use engine::mmc::sense::{Sense, SenseCode};
use engine::units::Instant;

use crate::medium::Change;

/// What a step of a job does when its time is over.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// These things are now true of the disc.
    Medium(Vec<Change>),
    /// The step lasts until the write buffer is empty; its time is counted from then.
    Drained,
    /// What was being written no longer is.
    EndWriting,
    /// The open session is closed, the last one of the disc or not.
    CloseSession {
        /// No further session can follow.
        finalise: bool,
    },
    /// A DVD-RW leaves its intermediate state.
    CloseIntermediate,
    /// The drive changes its own state.
    Drive(Turn),
}

/// Changes of the drive's own state at the end of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The disc turns and has been recognised.
    Ready,
    /// The disc stands still.
    Stopped,
    /// The tray is out.
    TrayOut,
    /// The tray is in.
    TrayIn,
    /// The background formatting goes on from here.
    FormatRuns,
    /// The medium has to be looked at anew: it is another kind of disc to the host now.
    Reprofile,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// How long it takes.
    pub(super) takes: Duration,
    /// What is true then.
    pub(super) then: Effect,
}

/// A long operation.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// What other commands are told while it runs.
    pub(super) busy: SenseCode,
    /// Whether TEST UNIT READY is told so too.
    pub(super) hides_ready: bool,
    /// When the step at the front began.
    since: Instant,
    steps: VecDeque<Step>,
    total: Duration,
    done: Duration,
    /// Why it failed, once it has.
    pub(super) failed: Option<Sense>,
}

impl Job {
    /// A job that begins now.
    pub(super) fn new(busy: SenseCode, now: Instant, steps: Vec<Step>) -> Job {
        let total = steps.iter().map(|step| step.takes).sum();
        Job {
            busy,
            hides_ready: true,
            since: now,
            steps: steps.into(),
            total,
            done: Duration::ZERO,
            failed: None,
        }
    }

    /// The step at the front.
    pub(super) fn front(&self) -> Option<&Step> {
        self.steps.front()
    }

    /// When the step at the front began.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// Takes the step at the front: it ended at that time.
    pub(super) fn finish_step(&mut self, at: Instant) -> Option<Step> {
        let step = self.steps.pop_front()?;
        self.done += step.takes;
        self.since = at;
        Some(step)
    }

    /// Gives up: the steps that are left will not happen.
    pub(super) fn fail(&mut self, why: Sense) {
        self.failed.get_or_insert(why);
        self.steps.clear();
    }

    /// Whether all steps are done.
    pub(super) fn is_over(&self) -> bool {
        self.steps.is_empty()
    }

    /// An instant by which it is over, or the next one at which that can be said better. `drained`
    /// is when the buffer would be empty.
    pub(super) fn due(&self, drained: Instant) -> Instant {
        let mut at = self.since;
        for step in &self.steps {
            if matches!(step.then, Effect::Drained) {
                at = at.max(drained);
            }
            at = at + step.takes;
        }
        at
    }

    /// Whether a step of it waits for the buffer to be empty.
    pub(super) fn drains(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.then, Effect::Drained))
    }

    /// How far it is, in 65536ths.
    pub(super) fn progress(&self, now: Instant) -> u16 {
        let step = self.steps.front().map_or(Duration::ZERO, |step| step.takes);
        let done = self.done + now.since(self.since).min(step);
        let total = self.total.as_nanos().max(1);
        u16::try_from(done.as_nanos() * 65_536 / total).unwrap_or(u16::MAX)
    }
}
