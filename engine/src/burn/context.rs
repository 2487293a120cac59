//! What all phases of a job share: the plan, the time, what has been done, what went wrong.

use std::collections::VecDeque;
use std::time::Duration;

use super::phase::{Ask, Phase, Turn};
use super::{DiscState, Error, Event, Fault, Note, Outcome, Plan, Stage, Verified};
use crate::device::{Cdb, DeviceErrorKind};
use crate::drive::recorder::name;
use crate::drive::{self, ErrorKind, WaitReason};
use crate::mmc::sense::{Sense, SenseKey};
use crate::units::{BLOCK, Blocks, Instant, Lba};

pub(crate) struct Context {
    pub(crate) plan: Plan,
    pub(crate) now: Instant,
    events: VecDeque<Event>,
    cancel: bool,
    max_transfer: u32,
    /// Number of the track being written.
    pub(crate) track: u16,
    /// Blocks that the drive took, padding included.
    pub(crate) taken: Blocks,
    /// All of them are on the disc.
    pub(crate) flushed: bool,
    /// A command has been sent that changes the disc.
    pub(crate) touched: bool,
    /// Size of the drive's buffer in bytes, once it said so.
    pub(crate) buffer: Option<u32>,
    /// What the burn ends with.
    pub(crate) fault: Option<Fault>,
    pub(crate) disc: DiscState,
    pub(crate) verified: Verified,
    retried: Option<Instant>,
}

impl Context {
    pub(crate) fn new(plan: Plan, max_transfer: u32) -> Context {
        Context {
            plan,
            now: Instant::ZERO,
            events: VecDeque::new(),
            cancel: false,
            max_transfer,
            track: 1,
            taken: Blocks(0),
            flushed: true,
            touched: false,
            buffer: None,
            fault: None,
            disc: DiscState::Untouched,
            verified: Verified::No,
            retried: None,
        }
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    pub(crate) fn event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(crate) fn cancel(&mut self) {
        if !self.cancel && self.fault.is_none() {
            self.cancel = true;
            self.tell(Event::Note(Note::Stopping));
        }
    }

    /// Whether someone asked to stop and nothing else has ended the burn yet.
    pub(crate) fn stopping(&self) -> bool {
        self.cancel && self.fault.is_none()
    }

    /// Blocks for one WRITE or READ: as many as wanted, or as the transport takes.
    pub(crate) fn transfer(&self, wanted: Blocks) -> u32 {
        let limit = self.max_transfer / BLOCK as u32;
        let unit = self.plan.medium.unit.0;
        let whole = limit / unit * unit;
        // A transport that takes less than a unit leaves it to the drive to collect units.
        wanted.0.min(if whole > 0 { whole } else { limit }).max(1)
    }

    /// How long the drive needs until there is room for some more WRITEs: the time for a quarter of
    /// its buffer, or for eight WRITEs where its size is not known.
    pub(crate) fn buffer_pause(&self) -> Duration {
        let rules = self.plan.medium;
        let eight = rules.transfer.bytes().0 * 8;
        let bytes = self.buffer.map_or(eight, |size| u64::from(size) / 4);
        let rate = self.plan.speed.map_or(rules.family.single(), |speed| speed);
        let ms = bytes / u64::from(rate.0.max(1));
        Duration::from_millis(ms.clamp(1, 200))
    }

    /// A drive's error as the fault of a burn.
    pub(crate) fn fault_of(&self, cdb: Cdb, block: Option<Lba>, kind: ErrorKind) -> Fault {
        let device = self.plan.device.clone();
        let block = match &kind {
            // A deferred error is about an earlier WRITE; only the drive knows which
            // (SPC-4, 4.5.7).
            ErrorKind::Sense(sense) if sense.deferred => {
                sense.information.map(|block| Lba(block as i32))
            }
            _ => block,
        };
        Fault::Drive(drive::Error { device, command: name(cdb), block, kind })
    }

    pub(crate) fn recovered(&mut self, cdb: Cdb, block: Option<Lba>, sense: &Sense) {
        let command = name(cdb);
        self.tell(Event::Note(Note::Recovered { command, block, words: sense.say() }));
    }

    /// Notes that a command was refused that the burn can do without.
    pub(crate) fn ignored(&mut self, fault: &Fault) {
        if let Fault::Drive(error) = fault {
            let words = match &error.kind {
                ErrorKind::Sense(sense) => sense.say(),
                _ => error.to_string(),
            };
            self.tell(Event::Note(Note::Ignored { command: error.command, words }));
        }
    }

    /// Tells of a command that is put off. A full buffer is the normal state of a burn and told
    /// only if it lasts.
    pub(crate) fn retry(
        &mut self,
        block: Option<Lba>,
        reason: WaitReason,
        sense: &Sense,
        waited: Duration,
        pause: Duration,
    ) {
        let second = Duration::from_secs(1);
        let due = self.retried.is_none_or(|told| self.now.since(told) >= second);
        if reason == WaitReason::BufferFull {
            if waited >= second && due {
                self.retried = Some(self.now);
                self.tell(Event::Wait { reason, waited, permille: None });
            }
            return;
        }
        if waited.is_zero() {
            self.tell(Event::Retry { block, words: sense.say(), pause });
        } else if due {
            self.retried = Some(self.now);
            self.tell(Event::Wait { reason, waited, permille: None });
        }
    }

    /// The burn cannot go on: remembers why, unless it failed before, and answers with what can
    /// still be done for the disc from this stage on.
    pub(crate) fn fail(&mut self, fault: Fault, stage: Stage) -> Turn {
        let first = self.fault.is_none();
        let wire = wire(&fault);
        let reset = reset(&fault);
        let orderly = matches!(fault, Fault::Cancelled | Fault::Source(_));
        if first {
            self.fault = Some(fault);
        }
        if !self.touched {
            self.disc = DiscState::Untouched;
        }
        // What was found out after the last change of the disc stays true.
        let examined = matches!(stage, Stage::Verify | Stage::Finish);
        let gone = wire == Some(DeviceErrorKind::Gone);
        if gone || wire.is_some() && !first {
            if self.touched && !examined {
                self.disc = DiscState::Unknown;
            }
            return if gone { Turn(Phase::over(), Ask::End) } else { Phase::release(self) };
        }
        match stage {
            // The buffer is lost. Flushing now would only pad a track that lacks its end.
            _ if reset && self.touched && !examined => Phase::examine(self),
            Stage::Prepare if self.touched => Phase::examine(self),
            Stage::Prepare => Phase::release(self),
            Stage::Blank | Stage::Format | Stage::Close => Phase::examine(self),
            Stage::Write if self.taken.0 > 0 => Phase::flush(self, orderly),
            Stage::Write => Phase::examine(self),
            Stage::Flush => Phase::examine(self),
            Stage::Verify => Phase::release(self),
            Stage::Finish => Turn(Phase::over(), Ask::End),
        }
    }

    /// The end, as far as it is known.
    pub(crate) fn result(&self) -> Result<Outcome, Error> {
        match &self.fault {
            None => Ok(Outcome {
                start: self.plan.start,
                blocks: self.plan.blocks,
                padding: self.plan.padding,
                verified: self.verified,
                disc: self.disc.clone(),
            }),
            Some(fault) => {
                Err(Error::new(fault.clone(), self.plan.device.clone(), self.disc.clone()))
            }
        }
    }
}

/// Whether the drive has been reset, by its own word or the wire's.
fn reset(fault: &Fault) -> bool {
    match fault {
        Fault::Drive(drive::Error { kind: ErrorKind::Sense(sense), .. }) => {
            (sense.code.key, sense.code.asc) == (SenseKey::UnitAttention, 0x29)
        }
        fault => wire(fault) == Some(DeviceErrorKind::Reset),
    }
}

/// The kind of a failure of the wire.
pub(crate) fn wire(fault: &Fault) -> Option<DeviceErrorKind> {
    match fault {
        Fault::Drive(drive::Error { kind: ErrorKind::Wire(wire), .. }) => Some(wire.kind),
        _ => None,
    }
}
