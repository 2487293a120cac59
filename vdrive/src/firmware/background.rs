//! What goes on in the drive while time passes, whether or not a host asks: the buffer drains, jobs
//! come to their ends, background formatting moves on.
//!
//! May not know: any particular command.

use engine::mmc::sense::{Sense, codes};
use engine::units::{Blocks, Instant, Lba};

use super::attention::Event;
use super::job::{Effect, Job, Turn};
use super::{Firmware, Live, Spindle, Tray, close};
use crate::mechanism::{BurnFault, FaultCause, Form, PowerState, Surface};
use crate::medium::{Change, Disc, Format, FormatState, State};

impl Firmware {
    /// Lets everything happen that is due by `now`: the buffer drains, jobs come to their ends.
    pub(crate) fn advance(&mut self, disc: &mut Option<Disc>, now: Instant) {
        while let Some(step) = self.job.as_ref().and_then(Job::front) {
            let drains = matches!(step.then, Effect::Drained);
            let (since, takes) = (self.job.as_ref().map_or(now, Job::since), step.takes);
            let due = match drains {
                true => self.drained(disc, since, now).map(|at| at + takes),
                false => Some(since + takes),
            };
            let Some(due) = due.filter(|&due| due <= now) else { break };
            self.burn(disc, due);
            // Burning may have failed the job.
            if let Some(step) = self.job.as_mut().and_then(|job| job.finish_step(due)) {
                self.finish(disc, step.then, due);
            }
        }
        if self.job.as_ref().is_some_and(Job::is_over) && !self.waits_for_job {
            let job = self.job.take();
            // An operation with IMMED has nobody left to tell but the next command.
            if let Some(failed) = job.and_then(|job| job.failed) {
                self.nexuses.defer(failed);
            }
        }
        self.burn(disc, now);
        self.deice(disc, now);
    }

    /// Flushes the buffer, begun at `since`: when it was empty, if it was by `now`.
    fn drained(
        &mut self,
        disc: &mut Option<Disc>,
        since: Instant,
        now: Instant,
    ) -> Option<Instant> {
        let Some(disc) = disc else { return Some(since) };
        let (at, fault) = match self.rehearses() {
            true => self.laser.advance_to_empty(&mut Nowhere, since, now),
            false => self.laser.advance_to_empty(disc, since, now),
        };
        self.count_calibrations(disc);
        self.burnt(fault);
        at
    }

    /// Drains the buffer up to `now`.
    fn burn(&mut self, disc: &mut Option<Disc>, now: Instant) {
        let Some(disc) = disc else { return };
        let fault = match self.rehearses() {
            true => self.laser.advance(&mut Nowhere, now),
            false => self.laser.advance(disc, now),
        };
        self.count_calibrations(disc);
        self.burnt(fault);
    }

    /// Whether what is written is only rehearsed.
    fn rehearses(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.rehearsal)
    }

    /// An error of the laser ends the writing and what waits for it.
    fn burnt(&mut self, fault: Option<BurnFault>) {
        let Some(fault) = fault else { return };
        let code = match fault.cause {
            // Recording cannot go on where it stopped (MMC-6, 4.2.3.9).
            FaultCause::Underrun => codes::WRITE_RECOVERY_FAILED,
            FaultCause::NoSpare => codes::NO_SPARE_LEFT,
            _ => codes::WRITE_ERROR,
        };
        let sense = Sense::new(code).with_information(fault.lba.0 as u32);
        if let Some(live) = &mut self.live {
            live.writing = None;
            live.cue = None;
            live.rehearsal = false;
            live.raw = None;
        }
        match &mut self.job {
            Some(job) if !job.is_over() => job.fail(sense),
            _ => {
                self.nexuses.defer(sense);
            }
        }
    }

    /// Each power calibration uses up a place in the disc's test area.
    fn count_calibrations(&mut self, disc: &mut Disc) {
        let made = self.laser.calibrations();
        if made > self.counted {
            let state = disc.state();
            let sum = state.calibrations.saturating_add(made - self.counted);
            let wear = Change::Wear(sum, state.erasures);
            self.counted = made;
            // A disc file that takes nothing shows with the first block.
            let _ = disc.apply(wear);
        }
    }

    /// The end of a step of a job.
    fn finish(&mut self, disc: &mut Option<Disc>, effect: Effect, now: Instant) {
        match effect {
            Effect::Drained => {}
            Effect::EndWriting => {
                if let Some(live) = &mut self.live {
                    live.writing = None;
                    live.cue = None;
                    live.raw = None;
                    live.rewriting = false;
                    live.rehearsal = false;
                }
            }
            Effect::Medium(changes) => {
                let done = disc.as_mut().is_none_or(|disc| {
                    changes.into_iter().all(|change| disc.apply(change).is_ok())
                });
                if let (false, Some(job)) = (done, &mut self.job) {
                    job.fail(codes::WRITE_FAULT.into());
                }
            }
            Effect::CloseSession { finalise } => {
                let changes = disc.as_ref().map(|disc| close::closed(disc.state(), finalise));
                self.finish(disc, Effect::Medium(changes.unwrap_or_default()), now);
            }
            Effect::CloseIntermediate => {
                let changes = disc.as_ref().map(|disc| close::intermediate_closed(disc.state()));
                self.finish(disc, Effect::Medium(changes.unwrap_or_default()), now);
            }
            Effect::Drive(turn) => self.turn(disc.as_ref(), turn, now),
        }
    }

    /// The drive's own state after a step of a job.
    fn turn(&mut self, disc: Option<&Disc>, turn: Turn, now: Instant) {
        match turn {
            Turn::Ready => {
                self.spindle = Spindle::Ready;
                let Some(disc) = disc else { return };
                if self.live.is_none() {
                    if !self.laser.load(&self.model, disc.state(), now) {
                        return;
                    }
                    self.counted = 0;
                    self.write_speed = None;
                    self.read_speed = None;
                    self.live = Some(Live::default());
                    self.medium_known(disc.state());
                } else {
                    self.laser.set_power(now, PowerState::Active);
                }
                if !self.announced {
                    self.announced = true;
                    self.nexuses.raise(codes::MEDIUM_CHANGED);
                    self.nexuses.event(Event::Media(2));
                    self.nexuses.event(Event::Operational(1));
                }
                // A format that lost its power goes on by itself (MMC-6, 4.4.6.4).
                if disc.state().format.state == FormatState::Running {
                    self.turn(Some(disc), Turn::FormatRuns, now);
                    self.nexuses.event(Event::Media(6));
                }
            }
            Turn::Stopped => {
                self.laser.set_power(now, PowerState::Standby);
            }
            Turn::TrayOut => {
                self.tray = Tray::Out;
                self.live = None;
                self.announced = false;
                self.spindle = Spindle::Unknown;
                self.nexuses.medium_left();
                if disc.is_some() {
                    self.nexuses.event(Event::Media(3));
                }
            }
            Turn::TrayIn => self.tray = Tray::In,
            Turn::FormatRuns => {
                if let Some(live) = &mut self.live {
                    live.formatting = Some(now);
                }
            }
            Turn::Reprofile => {
                let Some(disc) = disc else { return };
                self.live = Some(Live::default());
                self.medium_known(disc.state());
                self.nexuses.event(Event::Operational(1));
            }
        }
    }

    /// What follows from the kind of disc and from its format.
    fn medium_known(&mut self, state: &State) {
        self.pages.medium_came(state.kind());
        // Discs with spare areas are read back as they are written (MMC-6, 4.5.3).
        self.laser.set_verify(state.has_spares());
        self.laser.set_protection(true);
    }

    /// Background formatting goes on while the drive has nothing else to do: the blocks it passes
    /// become readable as zeros (MMC-6, 4.4.6.4).
    fn deice(&mut self, disc: &mut Option<Disc>, now: Instant) {
        let Some(since) = self.live.as_ref().and_then(|live| live.formatting) else { return };
        let Some(disc) = disc else { return };
        let idle = self.laser.is_empty() && self.job.is_none();
        let format = disc.state().format;
        let unit_time = self.laser.unit_time(format.reached);
        let passed = now.since(since).as_nanos() / unit_time.as_nanos().max(1);
        // Whole stretches only, so that polling does not fill the disc file with records.
        let passed = u32::try_from(passed).unwrap_or(u32::MAX) / 256 * 256;
        if !idle || passed == 0 {
            if !idle && let Some(live) = &mut self.live {
                live.formatting = Some(now);
            }
            return;
        }
        let unit = disc.state().unit().0;
        let end = Lba(format.blocks.0 as i32);
        let left = end.checked_from(format.reached).unwrap_or_default();
        let step = Blocks(passed.saturating_mul(unit)).min(left);
        let reached = format.reached.checked_add(step).unwrap_or(end);
        let over = reached >= end;
        let state = if over { FormatState::Complete } else { FormatState::Running };
        let mut changes: Vec<Change> = gaps(disc.state(), format.reached, step)
            .into_iter()
            .map(|(lba, blocks)| Change::Zeroed(lba, blocks))
            .collect();
        changes.push(Change::Format(Format { state, reached, ..format }));
        let failed = changes.into_iter().any(|change| disc.apply(change).is_err());
        if over {
            self.nexuses.event(Event::Media(5));
        }
        if let Some(live) = &mut self.live {
            let used = unit_time * passed;
            live.formatting = (!over && !failed).then(|| since + used);
        }
    }
}

/// What a rehearsal records on.
struct Nowhere;

impl Surface for Nowhere {
    fn burn(&mut self, _: Lba, _: Form, _: &[u8]) -> Result<(), BurnFault> {
        Ok(())
    }
}

/// The parts of this stretch that hold nothing readable yet.
fn gaps(state: &State, at: Lba, blocks: Blocks) -> Vec<(Lba, Blocks)> {
    let mut gaps = Vec::new();
    let (mut at, mut left) = (at, blocks);
    while left.0 > 0 {
        let Some(first) = state.recorded.first_out(at, left) else { break };
        let behind = left.saturating_sub(first - at);
        let end = state.recorded.first_in(first, behind).unwrap_or(first + behind);
        gaps.push((first, end - first));
        left = left.saturating_sub(end - at);
        at = end;
    }
    gaps
}
