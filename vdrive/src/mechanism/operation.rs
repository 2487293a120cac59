//! Operations that take seconds to hours, their lengths and their progress.

use std::time::Duration;

use engine::units::{Instant, Lba};

use super::Mechanism;
use crate::models::Family;

/// Something the drive does that takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Tray in, spin-up, finding out what the disc is.
    Load,
    /// Disc to standstill, tray out.
    Unload,
    /// Power calibration.
    Calibrate,
    /// One update of the structures that describe an unfinished disc: PMA, RMA, TDMA.
    UpdateStructures,
    /// Recording of `blocks` without data from the host, from `start` on: padding of a reserved or
    /// too short track.
    Pad {
        /// First block.
        start: Lba,
        /// How many.
        blocks: u32,
    },
    /// Lead-in (or border-in) and lead-out (or border-out) of a session.
    CloseSession {
        /// First block of the session.
        start: Lba,
        /// The block after its last.
        end: Lba,
        /// Whether it is the first session of the disc: its lead-out is the long one.
        first: bool,
        /// Whether the disc is closed with it.
        finalize: bool,
    },
    /// Minimal blank; quick format.
    QuickErase,
    /// Blank of the whole disc, or of `blocks` of it from `start` on.
    Erase {
        /// First block.
        start: Lba,
        /// How many.
        blocks: u32,
    },
    /// Format that records every block once, with certification twice.
    Format {
        /// How many blocks.
        blocks: u32,
        /// Whether each block is read back.
        certify: bool,
    },
}

/// An operation under way. The mechanism is busy with it; the firmware says what the host may still
/// ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongOp {
    /// What.
    pub what: Operation,
    /// Since when.
    pub started: Instant,
    /// How long it takes.
    pub duration: Duration,
}

impl LongOp {
    /// When it ends.
    pub fn ends(&self) -> Instant {
        self.started + self.duration
    }

    /// Whether it has ended.
    pub fn done(&self, now: Instant) -> bool {
        now >= self.ends()
    }

    /// Progress in 65536ths, 0 to 65535, as the sense key specific field counts it (SPC-4,
    /// 4.5.2.4.3).
    pub fn progress(&self, now: Instant) -> u16 {
        let passed = now.since(self.started).as_nanos();
        let share = passed * 65536 / self.duration.as_nanos().max(1);
        u16::try_from(share).unwrap_or(u16::MAX)
    }
}

impl Mechanism {
    /// How long `what` takes at the speed chosen, with the disc turning.
    pub fn duration(&self, what: &Operation) -> Duration {
        let ms = |n: u32| Duration::from_millis(n.into());
        let timing = self.timing;
        let tray_in = ms(timing.tray_close_ms);
        let Some(disc) = &self.disc else {
            // An empty drive still moves its tray and looks for a disc.
            return match what {
                Operation::Load => tray_in + ms(2_000),
                Operation::Unload => ms(timing.tray_open_ms),
                _ => Duration::ZERO,
            };
        };
        let cost = &disc.timing;
        let record = |start: Lba, blocks: u32| {
            disc.write.as_ref().map_or(Duration::ZERO, |curve| curve.stretch(start, blocks))
        };
        match *what {
            Operation::Load => tray_in + ms(cost.spin_up_ms) + ms(cost.recognise_ms),
            Operation::Unload => ms(timing.spin_down_ms) + ms(timing.tray_open_ms),
            Operation::Calibrate => ms(cost.opc_ms),
            Operation::UpdateStructures => ms(cost.update_ms),
            Operation::Pad { start, blocks } | Operation::Erase { start, blocks } => {
                ms(cost.link_ms) + record(start, blocks)
            }
            Operation::CloseSession { start, end, first, finalize } => {
                let medium = &disc.medium;
                let tail = if first { medium.lead_out } else { medium.lead_out_next };
                // Without finalising, a DVD or BD gets no more than its tables brought up to date.
                let fixed = match (disc.kind.family(), finalize) {
                    (Family::Cd, _) | (_, true) => ms(cost.close_ms),
                    (_, false) => ms(cost.close_ms) / 2,
                };
                let head = Lba(start.0.saturating_sub_unsigned(medium.lead_in));
                fixed + record(head, medium.lead_in) + record(end, tail)
            }
            Operation::QuickErase => ms(cost.quick_erase_ms),
            Operation::Format { blocks, certify } => {
                let once = record(Lba(0), blocks);
                ms(cost.quick_erase_ms) + once * (1 + u32::from(certify))
            }
        }
    }

    /// Starts `what` at `now`; the power timers run from its end.
    pub fn start(&mut self, now: Instant, what: Operation) -> LongOp {
        let wake = match what {
            Operation::Load | Operation::Unload => Duration::ZERO,
            _ => self.wake_time(now),
        };
        let duration = wake + self.duration(&what);
        self.began(now + duration, what);
        LongOp { what, started: now, duration }
    }
}
