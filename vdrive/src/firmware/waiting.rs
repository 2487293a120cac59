//! What hosts wait for, and when that comes about if time just passes.
//!
//! May not know: how much time passes, and why.

use std::time::Duration;

use engine::units::Instant;

use super::job::Job;
use super::{Firmware, TICK};

/// What a host waits for that asks again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// For a long operation: so much time passes, but not more than it takes. `formats`: also for
    /// formatting in the background.
    Job {
        /// How much.
        span: Duration,
        /// Background formatting is waited for, too.
        formats: bool,
    },
    /// For the buffer to drain: so much time passes, but while `half` is set no more than until the
    /// buffer is half empty, since hosts that only want to show its level ask between writes.
    Buffer {
        /// How much.
        span: Duration,
        /// Not below half.
        half: bool,
    },
    /// For room for so many bytes.
    Room(usize),
}

impl Firmware {
    /// How far time is to leap for a host that waits; nothing if there is nothing to wait for.
    pub(crate) fn leap(&mut self, wait: Wait, now: Instant) -> Option<Instant> {
        let running = self.job.as_ref().is_some_and(|job| !job.is_over());
        let formatting = self.live.as_ref().is_some_and(|live| live.formatting.is_some());
        match wait {
            Wait::Job { span, .. } | Wait::Buffer { span, .. } if running => {
                // A step that waits for the buffer has asked for the flush already.
                let drained = match self.job.as_ref().is_some_and(Job::drains) {
                    true => self.laser.drained_at(now),
                    false => now,
                };
                let due = self.job.as_ref().map_or(now, |job| job.due(drained));
                Some(due.clamp(now + TICK, now + span))
            }
            Wait::Job { span, formats: true } if formatting => Some(now + span),
            Wait::Job { .. } => None,
            Wait::Buffer { span, half } => {
                if self.laser.is_empty() {
                    return None;
                }
                let least = if half { self.laser.size() / 2 } else { 0 };
                // Half empty already: no time passes, but the host has asked once more.
                let reached = self.laser.drained_to(now, least);
                Some(reached.map_or(now, |reached| reached.clamp(now + TICK, now + span)))
            }
            Wait::Room(bytes) => Some(self.laser.room_at(now, bytes).max(now + TICK)),
        }
    }
}
