//! One drive lent out, and the I_T nexuses through which it is spoken to.
//!
//! Two ways for time to pass. [`Pace::Simulated`]: only with commands, never by the wall clock, so
//! that two runs are equal. [`Pace::RealTime`]: the bench's clock goes with the wall's, and each
//! answer says before when it may not reach its initiator. Knows nothing of how commands come here.

use std::sync::Arc;
use std::time::Duration;

use engine::device::{Cdb, Clock, Completion, Data, DeviceError, Request};
use engine::units::Instant;

use super::wall::{HostWall, Wall};
use crate::bench::{Bench, BenchError, DriveId};
use crate::drive::Virtual;
use crate::fault::{Fault, What, When};
use crate::medium::Disc;

/// How a drive's time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// With the commands, as fast as they come.
    Simulated,
    /// With the clock on the wall.
    RealTime,
}

/// A reset that an initiator can ask for (SAM-5, 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// LOGICAL UNIT RESET: 29/02 for every nexus.
    LogicalUnit,
    /// TARGET WARM RESET: 29/03 for every nexus.
    Target,
    /// TARGET COLD RESET: as after power on, 29/01 for every nexus.
    Cold,
}

/// What comes of a command.
#[derive(Debug)]
pub struct Answer {
    /// What the drive says, or why it says nothing.
    pub result: Result<Completion, DeviceError>,
    /// In real time: not before then may it reach the initiator. Never set in simulated time.
    pub due: Option<std::time::Instant>,
}

/// A drive lent out. Clones are the same drive.
#[derive(Clone, Debug)]
pub struct Lun {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    number: u16,
    bench: Bench,
    drive: DriveId,
    pace: Pace,
    wall: Arc<dyn Wall>,
    /// The same moment on the wall and on the bench.
    start: (std::time::Instant, Instant),
}

/// One initiator's way to a drive. It goes when it is dropped, and what it prevented with it.
#[derive(Debug)]
pub struct Nexus {
    lun: Lun,
    name: String,
}

/// The drive itself never gives a command up; who waits for it does.
const PATIENCE: Duration = Duration::from_secs(100 * 3600);

impl Lun {
    /// Lends out this drive as the logical unit of that number.
    pub fn new(number: u16, virt: Virtual, pace: Pace) -> Lun {
        Lun::by_wall(number, virt, pace, Arc::new(HostWall))
    }

    /// The same by another clock on the wall.
    pub fn by_wall(number: u16, virt: Virtual, pace: Pace, wall: Arc<dyn Wall>) -> Lun {
        let start = (wall.now(), virt.bench.now());
        let (bench, drive) = (virt.bench, virt.id);
        Lun { inner: Arc::new(Inner { number, bench, drive, pace, wall, start }) }
    }

    /// Its logical unit number.
    pub fn number(&self) -> u16 {
        self.inner.number
    }

    /// The bench that the drive stands on. Whoever moves its time by hand leaves the pace.
    pub fn bench(&self) -> &Bench {
        &self.inner.bench
    }

    /// The drive's name on the bench.
    pub fn drive(&self) -> DriveId {
        self.inner.drive
    }

    /// How its time passes.
    pub fn pace(&self) -> Pace {
        self.inner.pace
    }

    /// A new I_T nexus, called `name` in traces.
    pub fn attach(&self, name: &str) -> Nexus {
        Nexus { lun: self.clone(), name: name.to_owned() }
    }

    /// Carries out a reset on behalf of a nexus.
    pub fn reset(&self, _kind: Reset, _by: &Nexus) {
        self.tick();
        let fault = Fault { when: When::At(self.bench().now()), what: What::Reset };
        self.schedule(fault);
        self.bench().wait_until(self.bench().now());
    }

    /// A hand puts a disc into the drive and closes it. On an error it gives the disc back.
    pub fn insert(&self, disc: Disc) -> Result<(), Box<(Disc, BenchError)>> {
        self.tick();
        self.bench().insert(self.drive(), disc)
    }

    /// Somebody presses the eject button: what is in the buffer is recorded, then the disc comes
    /// out into the hand.
    pub fn eject(&self) -> Result<Option<Disc>, BenchError> {
        self.tick();
        self.bench().eject(self.drive())
    }

    /// Takes the disc out by force, whatever goes on: what was not recorded is lost.
    pub fn take_disc(&self) -> Option<Disc> {
        self.tick();
        self.bench().take_disc(self.drive())
    }

    /// Looks at the disc in the drive, as the laser has left it by now.
    pub fn with_disc<R>(&self, look: impl FnOnce(&Disc) -> R) -> Option<R> {
        self.tick();
        self.bench().with_disc(self.drive(), look)
    }

    /// Pulls the plug now.
    pub fn pull_power(&self) {
        self.tick();
        self.bench().pull_power(self.drive());
    }

    /// Puts the plug in again now. A drive that has power does not notice.
    pub fn plug(&self) {
        self.tick();
        self.bench().plug(self.drive());
    }

    /// Puts a fault into the schedule.
    pub fn schedule(&self, fault: Fault) {
        self.tick();
        self.bench().schedule(self.drive(), fault);
    }

    /// In real time: moves the bench to where the wall's clock is. A bench that is ahead, because
    /// of a command that takes long, is waited for.
    pub fn tick(&self) {
        if self.pace() == Pace::RealTime {
            self.bench().wait_until(self.bench_time(self.inner.wall.now()));
        }
    }

    /// Lets the drive record what is in its buffer and come to the end of what it is at.
    pub(super) fn settle(&self) {
        self.tick();
        self.bench().settle(self.drive());
    }

    fn bench_time(&self, wall: std::time::Instant) -> Instant {
        let (since, at) = self.inner.start;
        at + wall.saturating_duration_since(since)
    }

    fn wall_time(&self, bench: Instant) -> Option<std::time::Instant> {
        let (since, at) = self.inner.start;
        since.checked_add(bench.since(at))
    }
}

impl Nexus {
    /// The drive that it leads to.
    pub fn lun(&self) -> &Lun {
        &self.lun
    }

    /// What it is called in traces.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Carries the command out in the bench's time and returns at once. Bytes of `data` beyond
    /// those that the completion's residual leaves keep their old value.
    pub fn execute(&mut self, cdb: &Cdb, data: Data<'_>) -> Answer {
        let lun = &self.lun;
        lun.tick();
        let request = Request { cdb: *cdb, timeout: PATIENCE };
        let result = lun.bench().execute(lun.drive(), &request, data);
        let due = match lun.pace() {
            Pace::Simulated => None,
            Pace::RealTime => lun.wall_time(lun.bench().now()),
        };
        Answer { result, due }
    }
}
