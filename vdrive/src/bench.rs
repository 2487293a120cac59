//! The bench: drives, the discs in them, what goes wrong, and the one queue that moves time.
//!
//! **Only the bench moves time.** A command takes the time the drive says; on the way there the
//! bench stops at each fault that is due, so a plug pulled at 12.3 s is pulled in the middle of
//! whatever goes on then. Equal instants happen in the order in which they were scheduled.

mod lent;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::device::{Clock, Completion, Data, DeviceError, DeviceErrorKind, Request};
use engine::mmc::sense::{SenseCode, codes};
use engine::units::Instant;

pub(crate) use self::lent::Executed;
use crate::fault::{Fault, What, When};
pub use crate::firmware::NexusId;
use crate::firmware::{Firmware, Look, Progress, Tray};
use crate::medium::Disc;
use crate::models::DriveModel;
use crate::rng::{Rng, Seed};
use crate::timeline::Timeline;

/// Names a drive on a bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriveId(usize);

/// Why the bench cannot do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BenchError {
    /// There is no such drive on this bench.
    NoDrive,
    /// There is a disc in the drive already.
    Occupied,
    /// The host has locked the door.
    Locked,
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BenchError::NoDrive => "there is no such drive on the bench",
            BenchError::Occupied => "there is a disc in the drive already; eject it first",
            BenchError::Locked => "the drive's door is locked; the host has to unlock it first",
        })
    }
}

impl std::error::Error for BenchError {}

/// A handle to a bench. Clones are the same bench.
#[derive(Clone, Debug)]
pub struct Bench {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    now: Instant,
    seed: Seed,
    drives: Vec<Slot>,
    schedule: Timeline<(DriveId, What)>,
}

/// A place on the bench with a drive.
#[derive(Debug)]
struct Slot {
    model: Arc<DriveModel>,
    /// Who can speak to it: its own cable, and whoever is attached besides, by rising name.
    nexuses: Vec<NexusId>,
    /// The last name given to a nexus.
    named: u64,
    /// Absent without power.
    firmware: Option<Firmware>,
    disc: Option<Disc>,
    /// Commands it has been given so far.
    commands: u64,
    /// Faults by the number of the command that they wait for.
    before: BTreeMap<u64, Vec<What>>,
    after: BTreeMap<u64, Vec<What>>,
    /// The drive does not answer before this.
    hangs_until: Instant,
    /// Counts losses of power and resets: a command that began before one never ends.
    life: u64,
    reset: bool,
}

impl Bench {
    /// An empty bench at the start of its clock.
    pub fn new(seed: u64) -> Bench {
        let inner = Inner {
            now: Instant::ZERO,
            seed: Seed(seed),
            drives: Vec::new(),
            schedule: Timeline::new(),
        };
        Bench { inner: Arc::new(Mutex::new(inner)) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // What a panic in another thread left is still consistent enough to look at.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream of random numbers of this name.
    pub fn rng(&self, name: &str) -> Rng {
        self.lock().seed.stream(name)
    }

    /// Puts a drive of this model on the bench and gives it power.
    pub fn add_drive(&self, model: DriveModel) -> DriveId {
        let mut inner = self.lock();
        let model = Arc::new(model);
        let nexuses = vec![NexusId::default()];
        let firmware = Firmware::power_on(Arc::clone(&model), &nexuses, None, inner.now);
        inner.drives.push(Slot {
            model,
            nexuses,
            named: 0,
            firmware: Some(firmware),
            disc: None,
            commands: 0,
            before: BTreeMap::new(),
            after: BTreeMap::new(),
            hangs_until: Instant::ZERO,
            life: 0,
            reset: false,
        });
        DriveId(inner.drives.len() - 1)
    }

    /// The bench's clock.
    pub fn clock(&self) -> BenchClock {
        BenchClock { bench: self.clone() }
    }

    /// The time now.
    pub fn now(&self) -> Instant {
        self.lock().now
    }

    /// The drive as a device: what a host on its cable sees.
    pub fn device(&self, drive: DriveId) -> crate::drive::VirtualDrive {
        crate::drive::VirtualDrive::new(self.clone(), drive)
    }

    /// A hand puts a disc into the drive and closes it. On an error it gives the disc back.
    pub fn insert(&self, drive: DriveId, disc: Disc) -> Result<(), Box<(Disc, BenchError)>> {
        let mut inner = self.lock();
        let now = inner.now;
        let Some(slot) = inner.drives.get_mut(drive.0) else {
            return Err(Box::new((disc, BenchError::NoDrive)));
        };
        if slot.disc.is_some() {
            return Err(Box::new((disc, BenchError::Occupied)));
        }
        if let Some(firmware) = &mut slot.firmware {
            firmware.advance(&mut slot.disc, now);
            firmware.inserted(&disc, now);
        }
        slot.disc = Some(disc);
        Ok(())
    }

    /// Somebody presses the eject button: what is in the buffer is recorded, then the disc comes
    /// out into the hand.
    pub fn eject(&self, drive: DriveId) -> Result<Option<Disc>, BenchError> {
        let mut inner = self.lock();
        let done = {
            let now = inner.now;
            let slot = inner.drives.get_mut(drive.0).ok_or(BenchError::NoDrive)?;
            match &mut slot.firmware {
                Some(firmware) if firmware.is_locked() => {
                    firmware.wants_eject();
                    return Err(BenchError::Locked);
                }
                Some(firmware) => firmware.quiet_at(&mut slot.disc, now),
                None => now,
            }
        };
        inner.run_until(done);
        let now = inner.now;
        let slot = inner.drives.get_mut(drive.0).ok_or(BenchError::NoDrive)?;
        let disc = slot.disc.take();
        if let Some(firmware) = &mut slot.firmware {
            firmware.removed(Tray::Out, disc.is_some(), now);
        }
        Ok(disc)
    }

    /// Takes the disc out by force, whatever goes on: what was not recorded is lost.
    pub fn take_disc(&self, drive: DriveId) -> Option<Disc> {
        let mut inner = self.lock();
        let now = inner.now;
        inner.drives.get_mut(drive.0)?.remove_medium(now)
    }

    /// Looks at the disc in the drive, as the laser has left it by now.
    pub fn with_disc<R>(&self, drive: DriveId, look: impl FnOnce(&Disc) -> R) -> Option<R> {
        let mut inner = self.lock();
        let now = inner.now;
        let slot = inner.drives.get_mut(drive.0)?;
        slot.advance(now);
        slot.disc.as_ref().map(look)
    }

    /// Pulls the plug now.
    pub fn pull_power(&self, drive: DriveId) {
        self.lock().happen(drive, What::PowerCut);
    }

    /// Puts the plug in again now. A drive that has power does not notice.
    pub fn plug(&self, drive: DriveId) {
        self.lock().happen(drive, What::PowerOn);
    }

    /// Puts a fault into the schedule.
    pub fn schedule(&self, drive: DriveId, fault: Fault) {
        let mut inner = self.lock();
        match fault.when {
            When::At(at) => {
                inner.schedule.push(at, (drive, fault.what));
            }
            When::Before(n) => {
                if let Some(slot) = inner.drives.get_mut(drive.0) {
                    slot.before.entry(n).or_default().push(fault.what);
                }
            }
            When::After(n) => {
                if let Some(slot) = inner.drives.get_mut(drive.0) {
                    slot.after.entry(n).or_default().push(fault.what);
                }
            }
        }
    }

    /// Forgets all faults that have not happened yet; those of the discs stay.
    pub fn heal(&self) {
        let mut inner = self.lock();
        inner.schedule = Timeline::new();
        for slot in &mut inner.drives {
            slot.before.clear();
            slot.after.clear();
        }
    }

    /// How many commands the drive has been given.
    pub fn commands(&self, drive: DriveId) -> u64 {
        self.lock().drives.get(drive.0).map_or(0, |slot| slot.commands)
    }

    /// Whether no long operation goes on in the drive.
    pub fn settled(&self, drive: DriveId) -> bool {
        let mut inner = self.lock();
        let now = inner.now;
        let Some(slot) = inner.drives.get_mut(drive.0) else { return true };
        slot.advance(now);
        slot.firmware.as_ref().is_none_or(Firmware::is_quiet)
    }

    pub(crate) fn execute(
        &self,
        to: (DriveId, NexusId),
        request: &Request,
        data: Data<'_>,
    ) -> Result<Completion, DeviceError> {
        self.execute_at(to, Instant::ZERO, request, data).result
    }

    /// What a person beside the drive sees of it; `None` without power.
    pub(crate) fn look(&self, drive: DriveId) -> Option<Look> {
        let mut inner = self.lock();
        let now = inner.now;
        let slot = inner.drives.get_mut(drive.0)?;
        slot.firmware.as_mut().map(|firmware| firmware.look(&mut slot.disc, now))
    }

    /// Faults of all drives that have not happened yet.
    pub fn waiting_faults(&self) -> usize {
        let inner = self.lock();
        let numbered = |slot: &Slot| {
            slot.before.values().chain(slot.after.values()).map(Vec::len).sum::<usize>()
        };
        inner.schedule.len() + inner.drives.iter().map(numbered).sum::<usize>()
    }

    /// The name of the drive's model.
    pub fn model_name(&self, drive: DriveId) -> Option<String> {
        self.model(drive).map(|model| model.name.clone())
    }

    pub(crate) fn model(&self, drive: DriveId) -> Option<Arc<DriveModel>> {
        self.lock().drives.get(drive.0).map(|slot| Arc::clone(&slot.model))
    }
}

/// More often than this nothing is still under way.
const ROUNDS: u32 = 1000;

fn gone() -> DeviceError {
    DeviceError::new(DeviceErrorKind::Gone, "the virtual drive has no power")
}

impl Inner {
    fn settle(&mut self, drive: DriveId) {
        // Each round ends a job or says better when it ends; an error ends it at once.
        for _ in 0..ROUNDS {
            let now = self.now;
            let Some(slot) = self.drives.get_mut(drive.0) else { return };
            let Some(firmware) = &mut slot.firmware else { return };
            let due = firmware.quiet_at(&mut slot.disc, now);
            if due <= now && firmware.is_quiet() {
                return;
            }
            self.run_until(due);
        }
    }

    /// Moves time to `until`, with everything that is due on the way.
    fn run_until(&mut self, until: Instant) {
        while let Some((at, (drive, what))) = self.schedule.pop_due(until) {
            self.now = self.now.max(at);
            self.happen(drive, what);
        }
        self.now = self.now.max(until);
    }

    /// Lets a fault happen now.
    fn happen(&mut self, drive: DriveId, what: What) {
        let now = self.now;
        let Some(slot) = self.drives.get_mut(drive.0) else { return };
        slot.advance(now);
        match what {
            What::PowerCut => slot.lose_power(),
            What::PowerOn => slot.gain_power(now),
            What::MediumRemoved => drop(slot.remove_medium(now)),
            What::WriteError(lba, blocks) => {
                if let Some(disc) = &mut slot.disc {
                    disc.spoil_writing(lba, blocks);
                }
            }
            What::ReadError(lba, blocks) => {
                if let Some(disc) = &mut slot.disc {
                    disc.spoil_reading(lba, blocks);
                }
            }
            What::Hang(span) => slot.hangs_until = now + span,
            What::Reset => slot.reset(codes::BUS_RESET, now),
        }
    }

    fn all_happen(&mut self, drive: DriveId, faults: Option<Vec<What>>) {
        for what in faults.into_iter().flatten() {
            self.happen(drive, what);
        }
    }

    fn execute(
        &mut self,
        drive: DriveId,
        nexus: NexusId,
        request: &Request,
        data: &mut Data<'_>,
    ) -> Result<Completion, DeviceError> {
        let started = self.now;
        let slot = self.drives.get_mut(drive.0).ok_or_else(gone)?;
        let number = slot.commands;
        slot.commands += 1;
        if !slot.before.is_empty() {
            let faults = slot.before.remove(&number);
            self.all_happen(drive, faults);
        }
        let slot = self.drives.get_mut(drive.0).ok_or_else(gone)?;
        slot.reset = false;
        let life = slot.life;
        let deadline = started + request.timeout;
        if slot.hangs_until > self.now {
            let until = slot.hangs_until;
            self.wait(drive, life, until.min(deadline))?;
            if until > deadline {
                return Err(self.timed_out(request));
            }
        }
        let mut turn = 0;
        let (mut completion, at) = loop {
            let now = self.now;
            let slot = self.drives.get_mut(drive.0).ok_or_else(gone)?;
            let firmware = slot.firmware.as_mut().ok_or_else(gone)?;
            firmware.speaks(nexus);
            let progress = firmware.command(&mut slot.disc, &request.cdb, data, now, turn);
            match progress {
                Progress::Done(completion, at) => break (completion, at),
                Progress::Again(at) => {
                    turn += 1;
                    self.wait(drive, life, at.min(deadline.max(now)))?;
                    if self.now >= deadline {
                        return Err(self.timed_out(request));
                    }
                }
            }
        };
        if self.drives.get(drive.0).is_some_and(|slot| !slot.after.is_empty()) {
            let faults = self.drives.get_mut(drive.0).and_then(|s| s.after.remove(&number));
            self.all_happen(drive, faults);
        }
        self.wait(drive, life, at.min(deadline))?;
        if at > deadline {
            return Err(self.timed_out(request));
        }
        completion.elapsed = self.now.since(started);
        Ok(completion)
    }

    /// Waits for the drive; it may lose its power or be reset meanwhile.
    fn wait(&mut self, drive: DriveId, life: u64, until: Instant) -> Result<(), DeviceError> {
        if self.schedule.is_empty() {
            self.now = self.now.max(until);
        } else {
            while let Some((at, (other, what))) = self.schedule.pop_due(until) {
                self.now = self.now.max(at);
                self.happen(other, what);
                self.lives(drive, life)?;
            }
            self.now = self.now.max(until);
        }
        self.lives(drive, life)
    }

    fn lives(&self, drive: DriveId, life: u64) -> Result<(), DeviceError> {
        let slot = self.drives.get(drive.0).ok_or_else(gone)?;
        if slot.life == life {
            return Ok(());
        }
        match (slot.reset, &slot.firmware) {
            (true, Some(_)) => Err(DeviceError::new(DeviceErrorKind::Reset, "the bus was reset")),
            _ => Err(gone()),
        }
    }

    fn timed_out(&self, request: &Request) -> DeviceError {
        DeviceError::new(
            DeviceErrorKind::TimedOut,
            format!("the virtual drive had no answer after {:?}", request.timeout),
        )
    }
}

impl Slot {
    fn advance(&mut self, now: Instant) {
        if let Some(firmware) = &mut self.firmware {
            firmware.advance(&mut self.disc, now);
        }
    }

    /// Drops mechanism and firmware, and keeps the disc as the laser left it.
    fn lose_power(&mut self) {
        self.firmware = None;
        self.life += 1;
        self.reset = false;
        self.hangs_until = Instant::ZERO;
    }

    fn gain_power(&mut self, now: Instant) {
        if self.firmware.is_none() {
            let model = Arc::clone(&self.model);
            let disc = self.disc.as_ref();
            self.firmware = Some(Firmware::power_on(model, &self.nexuses, disc, now));
        }
    }

    fn reset(&mut self, code: SenseCode, now: Instant) {
        if let Some(firmware) = &mut self.firmware {
            firmware.reset(&mut self.disc, code, now);
            self.life += 1;
            self.reset = true;
        }
    }

    fn remove_medium(&mut self, now: Instant) -> Option<Disc> {
        self.advance(now);
        let disc = self.disc.take();
        if let Some(firmware) = &mut self.firmware {
            firmware.removed(Tray::In, disc.is_some(), now);
        }
        disc
    }
}

/// The bench's clock: waiting moves it.
#[derive(Clone, Debug)]
pub struct BenchClock {
    bench: Bench,
}

impl Clock for BenchClock {
    fn now(&self) -> Instant {
        self.bench.now()
    }

    fn wait_until(&self, until: Instant) {
        self.bench.lock().run_until(until);
    }
}

/// So that a bench can also be given where a clock is wanted.
impl Clock for Bench {
    fn now(&self) -> Instant {
        Bench::now(self)
    }

    fn wait_until(&self, until: Instant) {
        self.lock().run_until(until);
    }
}

/// Time that a drive needs from power-on until a disc in it is ready, at most.
pub const SPIN_UP_LIMIT: Duration = Duration::from_secs(60);
