//! The mechanism in the firmware's hands: the write buffer and the mechanics as one thing that
//! takes blocks, drains itself, and says when something will be over.
//!
//! May not know: commands, tracks.

use std::time::Duration;

use engine::units::{Blocks, Instant, Kbps, Lba};

use crate::mechanism::{BurnFault, Form, Mechanism, Operation, PowerState, Surface, WriteBuffer};
use crate::medium::State;
use crate::models::{DriveModel, Family, Speed, Strategy};

/// Longer than any wait that ends: where the mechanism cannot say when, a fault has stopped it, and
/// the next look finds that.
const SOON: Duration = Duration::from_millis(10);

/// Buffer and mechanics.
#[derive(Debug)]
pub(super) struct Laser {
    mech: Mechanism,
    buffer: WriteBuffer,
}

impl Laser {
    /// At power-on.
    pub(super) fn new(model: &DriveModel, now: Instant) -> Laser {
        let buffer = WriteBuffer::new(model, Family::Cd);
        Laser { mech: Mechanism::new(model, now), buffer }
    }

    /// A disc has been recognised: geometry, speeds and buffer are those of its kind.
    pub(super) fn load(&mut self, model: &DriveModel, state: &State, now: Instant) -> bool {
        let taken = self.mech.insert(&state.model);
        self.buffer = WriteBuffer::new(model, state.kind().family());
        self.mech.set_power(now, PowerState::Active);
        taken
    }

    /// The disc is gone, and the buffer's content with it.
    pub(super) fn forget(&mut self) {
        self.buffer.lose();
        self.mech.remove();
    }

    /// What has not been recorded never will be.
    pub(super) fn drop_buffer(&mut self) {
        self.buffer.lose();
    }

    /// Bytes that the buffer holds when full.
    pub(super) fn size(&self) -> usize {
        self.buffer.capacity()
    }

    /// Bytes that it has room for.
    pub(super) fn room(&self) -> usize {
        self.buffer.free()
    }

    /// Makes room for one command with more data than the buffer holds; only while it is empty.
    pub(super) fn stretch(&mut self, bytes: usize) {
        self.buffer.stretch(bytes);
    }

    /// Whether everything has been recorded.
    pub(super) fn is_empty(&self) -> bool {
        self.buffer.fill() == 0
    }

    /// Behind the last block in the buffer.
    pub(super) fn end(&self) -> Option<Lba> {
        self.buffer.end()
    }

    /// Takes blocks; the caller has seen that there is room.
    pub(super) fn push(&mut self, now: Instant, lba: Lba, form: Form, bytes: &[u8]) -> bool {
        self.buffer.push(now, lba, form, bytes).is_ok()
    }

    /// The same, to be recorded without being read back.
    pub(super) fn stream(&mut self, now: Instant, lba: Lba, form: Form, bytes: &[u8]) -> bool {
        self.buffer.stream(now, lba, form, bytes).is_ok()
    }

    /// What it costs to read a unit that lies elsewhere than its neighbours: there and back.
    pub(super) fn detour(&self, at: Lba, there: Lba) -> Duration {
        self.mech.seek_time(at, there) + self.mech.seek_time(there, at)
    }

    /// Wants everything recorded.
    pub(super) fn flush(&mut self, now: Instant) {
        self.buffer.flush(now);
    }

    /// When everything will have been recorded, if nothing goes wrong. Asks for a flush.
    pub(super) fn drained_at(&mut self, now: Instant) -> Instant {
        if self.is_empty() {
            return now;
        }
        self.buffer.flush(now);
        self.buffer.empty_at(now, &mut self.mech).unwrap_or(now + SOON)
    }

    /// When no more than so many bytes will be left if nobody writes meanwhile: nothing if there
    /// are no more already. Where that cannot be said, when it can be said better.
    pub(super) fn drained_to(&self, now: Instant, most: usize) -> Option<Instant> {
        if self.buffer.fill() <= most {
            return None;
        }
        let reached = self.buffer.left_at(now, &self.mech, most);
        Some(reached.unwrap_or_else(|| self.buffer.next_event().unwrap_or(now) + SOON))
    }

    /// When so many bytes will be free.
    pub(super) fn room_at(&mut self, now: Instant, bytes: usize) -> Instant {
        self.buffer.make_room(now, &mut self.mech, bytes).unwrap_or(now + SOON)
    }

    /// Records what passes the laser until `now`. What stopped it, if something did; the rest of
    /// the buffer is then lost.
    pub(super) fn advance(&mut self, surface: &mut dyn Surface, now: Instant) -> Option<BurnFault> {
        self.buffer.advance(now, &mut self.mech, surface);
        let fault = self.buffer.take_fault()?;
        self.buffer.lose();
        Some(fault)
    }

    /// The same while the buffer is being flushed, and no further than until it is empty: when that
    /// was, if it was.
    pub(super) fn advance_to_empty(
        &mut self,
        surface: &mut dyn Surface,
        since: Instant,
        now: Instant,
    ) -> (Option<Instant>, Option<BurnFault>) {
        self.buffer.flush(since);
        let mut at = since;
        while !self.is_empty() {
            match self.buffer.next_event() {
                Some(next) if next <= now => at = at.max(next),
                _ => return (None, self.advance(surface, now)),
            }
            if let Some(fault) = self.advance(surface, at) {
                return (Some(at), Some(fault));
            }
        }
        (Some(at), None)
    }

    /// Whether an empty buffer is fatal to the track being written.
    pub(super) fn set_protection(&mut self, protected: bool) {
        self.buffer.set_protection(protected);
    }

    /// How long an operation takes.
    pub(super) fn duration(&self, what: &Operation) -> Duration {
        self.mech.duration(what)
    }

    /// How long the host waits for these blocks.
    pub(super) fn read(&mut self, now: Instant, lba: Lba, blocks: Blocks) -> Duration {
        self.mech.read(now, lba, blocks.0)
    }

    /// Where the sled stands.
    pub(super) fn head(&self) -> Lba {
        self.mech.head()
    }

    /// Moves the sled.
    pub(super) fn seek(&mut self, now: Instant, lba: Lba) -> Duration {
        self.mech.seek(now, lba)
    }

    /// Calibrates the power; how long that takes.
    pub(super) fn calibrate(&mut self, now: Instant) -> Duration {
        self.mech.start(now, Operation::Calibrate).duration
    }

    /// Calibrations since the disc came in.
    pub(super) fn calibrations(&self) -> u32 {
        self.mech.calibrations()
    }

    /// Sets a power state; how long that takes.
    pub(super) fn set_power(&mut self, now: Instant, state: PowerState) -> Duration {
        self.mech.set_power(now, state)
    }

    /// The power state.
    pub(super) fn power(&self, now: Instant) -> PowerState {
        self.mech.power(now)
    }

    /// Chooses a write speed.
    pub(super) fn select_write(&mut self, wish: Option<Kbps>) -> Option<Speed> {
        self.mech.select_write(wish)
    }

    /// Chooses a read speed.
    pub(super) fn select_read(&mut self, wish: Option<Kbps>) -> Option<Speed> {
        self.mech.select_read(wish)
    }

    /// The write strategies for the disc, fastest first.
    pub(super) fn write_strategies(&self) -> &[Strategy] {
        self.mech.write_strategies()
    }

    /// The write speed in force.
    pub(super) fn write_speed(&self) -> Option<Speed> {
        self.mech.write_speed()
    }

    /// The read speed in force.
    pub(super) fn read_speed(&self) -> Option<Speed> {
        self.mech.read_speed()
    }

    /// The write rate at a block.
    pub(super) fn write_rate_at(&self, lba: Lba) -> Kbps {
        self.mech.write_rate_at(lba).unwrap_or_default()
    }

    /// The read rate at a block.
    pub(super) fn read_rate_at(&self, lba: Lba) -> Kbps {
        self.mech.read_rate_at(lba).unwrap_or_default()
    }

    /// Whether each unit is read back after recording.
    pub(super) fn set_verify(&mut self, verify: bool) {
        self.mech.set_verify(verify);
    }

    /// Time in which one recording unit passes.
    pub(super) fn unit_time(&self, at: Lba) -> Duration {
        self.mech.unit_time(at, self.mech.unit_sectors())
    }
}
