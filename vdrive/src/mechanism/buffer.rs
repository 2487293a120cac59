//! The write buffer: filled by the host, drained at the disc's speed, dry when the host is late.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use engine::units::{Instant, Lba};

use super::{Form, Mechanism};
use crate::models::{DriveModel, Family};
use crate::store::StoreError;

/// The disc as the laser sees it.
pub trait Surface {
    /// Records `sectors`, a whole number of them in this form, from `lba` on: a whole recording
    /// unit, or the part of one that the host gave before it asked for a flush or went elsewhere.
    /// Called at the simulated instant at which the last of them has passed the laser.
    fn burn(&mut self, lba: Lba, form: Form, sectors: &[u8]) -> Result<(), BurnFault>;

    /// Where the unit with this block lies now that it is recorded: in a spare area, or behind the
    /// last one where it was written again.
    fn lies_at(&self, lba: Lba) -> Lba {
        lba
    }
}

/// Why recording stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BurnFault {
    /// The first block that was not recorded.
    pub lba: Lba,
    /// What happened there.
    pub cause: FaultCause,
}

/// Causes of a [`BurnFault`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultCause {
    /// The buffer ran dry and may not link.
    Underrun,
    /// The disc does not take the data: a defect, worn out, not blank.
    Medium,
    /// The disc does not take the data there, and its spare areas are full.
    NoSpare,
    /// The disc file cannot be written.
    Store(StoreError),
}

impl fmt::Display for BurnFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "recording stopped at block {}: ", self.lba)?;
        match &self.cause {
            FaultCause::Underrun => f.write_str("the write buffer ran dry"),
            FaultCause::Medium => f.write_str("the disc does not take the data"),
            FaultCause::NoSpare => f.write_str("the spare areas are full"),
            FaultCause::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for BurnFault {}

/// Contiguous sectors of one form.
#[derive(Clone, Copy, Debug)]
struct Run {
    lba: Lba,
    sectors: u32,
    form: Form,
    /// Not read back after recording, though the disc is.
    streamed: bool,
}

/// What the laser is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing.
    Stopped,
    /// Getting to where it records; it does from this instant on.
    Starting(Instant),
    /// Recording a unit, which ends then.
    Unit { ends: Instant, sectors: u32 },
}

/// Where the draining has got to. Advancing it needs no access to the data, so that the same code
/// records and predicts.
#[derive(Clone, Copy, Debug)]
struct Drain {
    phase: Phase,
    /// Index of the run that is drained, and how many of its sectors are gone.
    run: usize,
    gone: u32,
    /// Bytes in the buffer, those under the laser included.
    fill: usize,
    /// Z-CLV zone of the last unit recorded.
    zone: usize,
    head: Lba,
    flushing: bool,
}

/// A unit that has passed the laser.
struct Recorded {
    lba: Lba,
    form: Form,
    sectors: u32,
    bytes: usize,
    at: Instant,
}

impl Drain {
    /// The next unit, if it can be recorded: a whole one, or one that will not grow any more.
    fn next_unit(&self, runs: &VecDeque<Run>, unit: u32) -> Option<(Lba, u32, bool)> {
        let (mut index, mut gone) = (self.run, self.gone);
        if runs.get(index).is_some_and(|run| run.sectors == gone) {
            (index, gone) = (index + 1, 0);
        }
        let run = runs.get(index)?;
        let lba = Lba(run.lba.0.saturating_add_unsigned(gone));
        let whole = unit - lba.0.rem_euclid(unit.cast_signed()).cast_unsigned();
        let left = run.sectors - gone;
        if left >= whole {
            Some((lba, whole, run.streamed))
        } else if self.flushing || index + 1 < runs.len() {
            Some((lba, left, run.streamed))
        } else {
            None
        }
    }

    /// Takes up the next unit at `at`, or stops.
    fn take_up(&mut self, runs: &VecDeque<Run>, mech: &Mechanism, at: Instant, moving: bool) {
        let Some((lba, sectors, streamed)) = self.next_unit(runs, mech.unit_sectors()) else {
            self.phase = Phase::Stopped;
            return;
        };
        let zone = mech.write_curve().map_or(0, |curve| curve.zone(lba));
        if moving && lba != self.head {
            self.phase = Phase::Starting(at + mech.relocate_time(self.head, lba));
            self.head = lba;
        } else if moving && zone != self.zone {
            self.phase = Phase::Starting(at + mech.zone_switch_time());
        } else {
            let time = mech.recording_time(lba, sectors, streamed);
            self.phase = Phase::Unit { ends: at + time, sectors };
        }
        self.zone = zone;
    }

    /// Carries the draining to the end of its present phase, if that is not after `limit`. Returns
    /// `Ok` with what was recorded, `Err` if nothing is due.
    fn step(
        &mut self,
        runs: &VecDeque<Run>,
        mech: &Mechanism,
        limit: Instant,
    ) -> Result<Option<Recorded>, ()> {
        match self.phase {
            Phase::Starting(from) if from <= limit => {
                self.take_up(runs, mech, from, false);
                Ok(None)
            }
            Phase::Unit { ends, sectors } if ends <= limit => {
                if runs.get(self.run).is_some_and(|run| run.sectors == self.gone) {
                    (self.run, self.gone) = (self.run + 1, 0);
                }
                let run = runs.get(self.run).ok_or(())?;
                let lba = Lba(run.lba.0.saturating_add_unsigned(self.gone));
                let form = run.form;
                let bytes = sectors as usize * form.bytes() as usize;
                self.gone += sectors;
                self.fill -= bytes;
                self.head = Lba(lba.0.saturating_add_unsigned(sectors));
                self.take_up(runs, mech, ends, true);
                Ok(Some(Recorded { lba, form, sectors, bytes, at: ends }))
            }
            _ => Err(()),
        }
    }
}

/// The write buffer of a drive and the laser's progress through it.
///
/// **Call [`WriteBuffer::advance`] with the present instant before anything else**; the other
/// methods take the buffer as it is. Recording starts when the buffer is full to the model's
/// threshold, on a flush, or when the host has been silent for the model's time; it stops when the
/// buffer has no whole recording unit left. A last part of a unit stays until a flush, until more
/// follows, or until the host writes elsewhere.
#[derive(Clone, Debug)]
pub struct WriteBuffer {
    /// Allocated with the first byte.
    ring: Vec<u8>,
    /// Where the oldest byte lies in the ring.
    first: usize,
    runs: VecDeque<Run>,
    drain: Drain,
    capacity: usize,
    /// Bytes still to come of the command that it was made larger for.
    stretched: usize,
    threshold: usize,
    patience: Duration,
    /// When recording starts, if it has stopped.
    start_at: Option<Instant>,
    /// Ran dry in the middle of recording.
    interrupted: bool,
    protected: bool,
    links: u32,
    recorded: u64,
    fault: Option<BurnFault>,
    scratch: Vec<u8>,
}

/// The buffer has no room for what was pushed; nothing of it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// Bytes that would have fitted.
    pub free: usize,
}

impl WriteBuffer {
    /// The empty buffer of a drive of this model with a disc of `family` in it.
    pub fn new(model: &DriveModel, family: Family) -> WriteBuffer {
        let capacity = model.buffer_bytes(family) as usize;
        WriteBuffer {
            ring: Vec::new(),
            first: 0,
            runs: VecDeque::new(),
            drain: Drain {
                phase: Phase::Stopped,
                run: 0,
                gone: 0,
                fill: 0,
                zone: 0,
                head: Lba(0),
                flushing: false,
            },
            capacity,
            stretched: 0,
            threshold: capacity / 100 * usize::from(model.buffer.start_percent),
            patience: Duration::from_millis(model.buffer.start_timeout_ms.into()),
            start_at: None,
            interrupted: false,
            protected: model.behaviour.underrun_protection,
            links: 0,
            recorded: 0,
            fault: None,
            scratch: Vec::new(),
        }
    }

    /// Bytes that it holds when full.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes in it, those under the laser included.
    pub fn fill(&self) -> usize {
        self.drain.fill
    }

    /// Bytes that it has room for.
    pub fn free(&self) -> usize {
        self.capacity.saturating_sub(self.drain.fill).max(self.stretched)
    }

    /// Makes room for one command with more data than the buffer can hold. On a real drive the
    /// rest of it waits at the host until the laser has made room; here it is taken at once, and
    /// [`WriteBuffer::make_room`] of nothing says when the last byte could have come. Only of an
    /// empty buffer; elsewhere it does nothing.
    pub fn stretch(&mut self, bytes: usize) {
        if self.drain.fill == 0 {
            self.stretched = bytes;
        }
    }

    /// Whether the laser records or is on its way to.
    pub fn recording(&self) -> bool {
        self.drain.phase != Phase::Stopped
    }

    /// Whether a flush was asked for and is not through.
    pub fn flushing(&self) -> bool {
        self.drain.flushing
    }

    /// How often recording was interrupted by a dry buffer and linked.
    pub fn links(&self) -> u32 {
        self.links
    }

    /// Sectors recorded so far.
    pub fn recorded(&self) -> u64 {
        self.recorded
    }

    /// Whether a dry buffer interrupts recording (true) or ruins it (false): the BUFE bit of the
    /// write parameters page on discs without lossless linking (MMC-6, 7.5.4.3).
    pub fn set_protection(&mut self, protected: bool) {
        self.protected = protected;
    }

    /// What stopped recording, if it was not the end of the data. Draining stays stopped until the
    /// fault is taken; what is in the buffer then can be [lost](WriteBuffer::lose).
    pub fn fault(&self) -> Option<&BurnFault> {
        self.fault.as_ref()
    }

    /// Takes the fault.
    pub fn take_fault(&mut self) -> Option<BurnFault> {
        self.fault.take()
    }

    /// The block after the last one pushed, if the buffer holds any.
    pub fn end(&self) -> Option<Lba> {
        self.runs.back().map(|run| Lba(run.lba.0.saturating_add_unsigned(run.sectors)))
    }

    /// Takes sectors of this form for the blocks from `lba` on. `bytes` must be a whole number of
    /// them.
    pub fn push(&mut self, now: Instant, lba: Lba, form: Form, bytes: &[u8]) -> Result<(), Full> {
        self.take(now, lba, form, bytes, false)
    }

    /// The same of a host that would rather have speed than certainty: what is recorded is not read
    /// back (MMC-6, 6.45, Streaming).
    pub fn stream(&mut self, now: Instant, lba: Lba, form: Form, bytes: &[u8]) -> Result<(), Full> {
        self.take(now, lba, form, bytes, true)
    }

    fn take(
        &mut self,
        now: Instant,
        lba: Lba,
        form: Form,
        bytes: &[u8],
        streamed: bool,
    ) -> Result<(), Full> {
        let sector = form.bytes();
        assert!(sector > 0 && bytes.len().is_multiple_of(sector as usize), "whole sectors");
        if bytes.len() > self.free() {
            return Err(Full { free: self.free() });
        }
        if bytes.is_empty() {
            return Ok(());
        }
        if self.drain.fill == 0 {
            self.first = 0;
            self.ring.resize(self.capacity.max(self.stretched), 0);
            self.ring.shrink_to_fit();
        }
        let size = self.ring.len();
        let at = (self.first + self.drain.fill) % size;
        let (head, tail) = bytes.split_at(bytes.len().min(size - at));
        self.ring[at..at + head.len()].copy_from_slice(head);
        self.ring[..tail.len()].copy_from_slice(tail);
        self.drain.fill += bytes.len();
        self.stretched = self.stretched.saturating_sub(bytes.len());
        let sectors = (bytes.len() / sector as usize) as u32;
        match self.runs.back_mut() {
            Some(run)
                if (run.form, run.streamed) == (form, streamed)
                    && run.lba.0.checked_add_unsigned(run.sectors) == Some(lba.0) =>
            {
                run.sectors += sectors;
            }
            _ => self.runs.push_back(Run { lba, sectors, form, streamed }),
        }
        self.drain.flushing = false;
        if self.drain.fill >= self.threshold {
            self.start_at = Some(now);
        } else {
            self.start_at.get_or_insert(now + self.patience);
        }
        Ok(())
    }

    /// Asks for everything to be recorded, the last part of a unit included. Done when
    /// [`WriteBuffer::fill`] is 0.
    pub fn flush(&mut self, now: Instant) {
        if self.drain.fill > 0 {
            self.drain.flushing = true;
            self.start_at = Some(now);
        }
    }

    /// Forgets everything: a power cut, a reset, a fault. The unit under the laser is not recorded.
    pub fn lose(&mut self) {
        self.runs.clear();
        self.first = 0;
        let head = self.drain.head;
        self.drain = Drain {
            phase: Phase::Stopped,
            run: 0,
            gone: 0,
            fill: 0,
            head,
            flushing: false,
            ..self.drain
        };
        self.start_at = None;
        self.interrupted = false;
        self.fault = None;
    }

    /// Records everything that passes the laser up to and including `now`, unit by unit.
    pub fn advance(&mut self, now: Instant, mech: &mut Mechanism, surface: &mut dyn Surface) {
        self.stretched = 0;
        while self.fault.is_none() {
            if self.drain.phase == Phase::Stopped {
                match self.start_at {
                    Some(at) if at <= now && self.drain.fill > 0 => self.start(at, mech),
                    _ => return,
                }
                continue;
            }
            match self.drain.step(&self.runs, mech, now) {
                Err(()) => return,
                Ok(None) => {}
                Ok(Some(unit)) => self.record(&unit, mech, surface),
            }
        }
    }

    /// Starts recording at `at`; without a unit to record, waits for more.
    fn start(&mut self, at: Instant, mech: &mut Mechanism) {
        self.start_at = None;
        let Some((lba, ..)) = self.drain.next_unit(&self.runs, mech.unit_sectors()) else {
            return;
        };
        self.links += u32::from(self.interrupted);
        self.interrupted = false;
        let from = at + mech.start_time(at, lba);
        mech.started(from);
        self.drain.phase = Phase::Starting(from);
        self.drain.head = lba;
    }

    fn record(&mut self, unit: &Recorded, mech: &mut Mechanism, surface: &mut dyn Surface) {
        let end = self.first + unit.bytes;
        let result = if end <= self.ring.len() {
            surface.burn(unit.lba, unit.form, &self.ring[self.first..end])
        } else {
            self.scratch.clear();
            self.scratch.extend_from_slice(&self.ring[self.first..]);
            self.scratch.extend_from_slice(&self.ring[..end - self.ring.len()]);
            surface.burn(unit.lba, unit.form, &self.scratch)
        };
        self.first = end % self.ring.len();
        while self.drain.run > 0 {
            self.runs.pop_front();
            self.drain.run -= 1;
        }
        if self.drain.fill == 0 {
            self.runs.clear();
            (self.drain.run, self.drain.gone) = (0, 0);
        }
        mech.recorded_to(self.drain.head, unit.at);
        if let Err(fault) = result {
            self.fault = Some(fault);
            self.drain.phase = Phase::Stopped;
            self.drain.flushing = false;
            self.start_at = None;
            return;
        }
        self.recorded += u64::from(unit.sectors);
        let there = surface.lies_at(unit.lba);
        if there != unit.lba {
            self.detour(mech.relocate_time(unit.lba, there) * 2);
        }
        if self.drain.phase == Phase::Stopped {
            self.start_at = None;
            if self.drain.flushing {
                self.drain.flushing = false;
            } else if self.protected {
                self.interrupted = true;
            } else {
                let lba = self.drain.head;
                self.fault = Some(BurnFault { lba, cause: FaultCause::Underrun });
            }
        }
    }

    /// The unit just recorded lay elsewhere: what follows begins later by so much.
    fn detour(&mut self, by: Duration) {
        self.drain.phase = match self.drain.phase {
            Phase::Stopped => Phase::Stopped,
            Phase::Starting(at) => Phase::Starting(at + by),
            Phase::Unit { ends, sectors } => Phase::Unit { ends: ends + by, sectors },
        };
    }

    /// When something next happens without the host: recording starts, a unit has passed.
    pub fn next_event(&self) -> Option<Instant> {
        if self.fault.is_some() {
            return None;
        }
        match self.drain.phase {
            Phase::Stopped => self.start_at.filter(|_| self.drain.fill > 0),
            Phase::Starting(at) => Some(at),
            Phase::Unit { ends, .. } => Some(ends),
        }
    }

    /// When `bytes` are free if the host waits from `now` on; recording starts for it if it has
    /// stopped. `None` if that much never gets free: more than the capacity less one recording
    /// unit, or a fault.
    pub fn make_room(
        &mut self,
        now: Instant,
        mech: &mut Mechanism,
        bytes: usize,
    ) -> Option<Instant> {
        let most = self.capacity.checked_sub(bytes)?;
        if self.drain.fill > most && self.drain.phase == Phase::Stopped && self.fault.is_none() {
            self.start(now, mech);
        }
        self.predict(now, mech, most)
    }

    /// When the buffer is empty, after a [`WriteBuffer::flush`]; `None` if it is not being flushed
    /// or a fault has stopped it.
    pub fn empty_at(&mut self, now: Instant, mech: &mut Mechanism) -> Option<Instant> {
        if self.drain.fill > 0 && self.drain.phase == Phase::Stopped && self.drain.flushing {
            self.start(now, mech);
        }
        self.predict(now, mech, 0)
    }

    /// When no more than `most` bytes are left while it records; `None` if it stops before or does
    /// not record.
    pub fn left_at(&self, now: Instant, mech: &Mechanism, most: usize) -> Option<Instant> {
        self.predict(now, mech, most)
    }

    /// When no more than `most` bytes are left if nothing goes wrong.
    fn predict(&self, now: Instant, mech: &Mechanism, most: usize) -> Option<Instant> {
        let mut drain = self.drain;
        let mut at = now;
        while drain.fill > most {
            if self.fault.is_some() {
                return None;
            }
            if let Some(unit) = drain.step(&self.runs, mech, Instant(u64::MAX)).ok()? {
                at = unit.at;
            }
        }
        Some(at.max(now))
    }
}
