//! One drive lent out, and the I_T nexuses through which it is spoken to.
//!
//! Two ways for time to pass. [`Pace::Simulated`]: only with commands, never by the wall clock, so
//! that two runs are equal. [`Pace::RealTime`]: the bench's clock goes with the wall's, and each
//! answer says before when it may not reach its initiator. Knows nothing of how commands come here.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use engine::device::trace::Ended;
use engine::device::{Cdb, Completion, Data, DeviceError, Request};
use engine::mmc::sense::{SenseCode, codes};
use engine::units::Instant;

use super::leap;
use super::lock;
use super::trace::{Moment, Passed, Speaker, Trace, Way};
use super::wall::{HostWall, Wall};
use crate::bench::{Bench, BenchError, DriveId, Executed, NexusId};
use crate::drive::Virtual;
use crate::fault::Fault;
use crate::medium::Disc;

/// How a drive's time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// With the commands, as fast as they come.
    Simulated,
    /// With the clock on the wall.
    RealTime,
}

/// A reset that an initiator can ask for (SAM-5, 6.3), and what it is told then: the code of the
/// event's level of precedence (SAM-4, 5.14; SPC-4, table D.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// LOGICAL UNIT RESET: 29/03, bus device reset function, for every nexus.
    LogicalUnit,
    /// TARGET WARM RESET, which is TARGET RESET of SAM-2 and a hard reset (RFC 7143, 11.5.1):
    /// 29/02, SCSI bus reset, for every nexus.
    Target,
    /// TARGET COLD RESET, which is to be treated as power on besides (RFC 7143, 11.5.1): 29/01 for
    /// every nexus.
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
    drive: DriveId,
    time: Arc<Time>,
    /// In simulated time: polls in a row that found the drive at work.
    polls: AtomicU32,
    trace: OnceLock<Trace>,
    /// The names of its nexuses.
    present: Mutex<Vec<String>>,
}

/// A bench's time, and the wall's.
#[derive(Debug)]
struct Time {
    bench: Bench,
    pace: Pace,
    wall: Arc<dyn Wall>,
    /// The same moment on the wall and on the bench.
    start: (std::time::Instant, Instant),
    /// When the bench's clock began, in nanoseconds since 1970. Simulated time begins in 1970, so
    /// that two runs have equal captures.
    epoch: u64,
}

/// The time of several benches: the latest.
#[derive(Debug)]
pub(super) struct Times(Vec<Arc<Time>>);

impl Times {
    pub(super) fn of(luns: &[Lun]) -> Times {
        Times(luns.iter().map(|lun| Arc::clone(&lun.inner.time)).collect())
    }
}

impl Moment for Times {
    fn now(&self) -> u64 {
        self.0.iter().map(|time| time.date()).max().unwrap_or(0)
    }
}

impl Time {
    fn bench_time(&self, wall: std::time::Instant) -> Instant {
        let (since, at) = self.start;
        at + wall.saturating_duration_since(since)
    }

    fn wall_time(&self, bench: Instant) -> Option<std::time::Instant> {
        let (since, at) = self.start;
        since.checked_add(bench.since(at))
    }

    /// The date now, in nanoseconds since 1970.
    fn date(&self) -> u64 {
        let now = match self.pace {
            Pace::Simulated => self.bench.now(),
            Pace::RealTime => self.bench_time(self.wall.now()),
        };
        self.epoch.saturating_add(now.0)
    }
}

/// One initiator's way to a drive. It goes when it is dropped, and what it prevented with it.
#[derive(Debug)]
pub struct Nexus {
    lun: Lun,
    id: NexusId,
    name: String,
    /// Its number in traces.
    number: u64,
    on_wire: bool,
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
        let (bench, drive) = (virt.bench, virt.id);
        // Two drives of one model are not one drive on two paths.
        bench.number(drive, number);
        let start = (wall.now(), bench.now());
        let epoch = match pace {
            Pace::Simulated => 0,
            Pace::RealTime => wall.date().saturating_sub(start.1.0),
        };
        let time = Arc::new(Time { bench, pace, wall, start, epoch });
        Lun {
            inner: Arc::new(Inner {
                number,
                drive,
                time,
                polls: AtomicU32::new(0),
                trace: OnceLock::new(),
                present: Mutex::default(),
            }),
        }
    }

    /// Its logical unit number.
    pub fn number(&self) -> u16 {
        self.inner.number
    }

    /// The bench that the drive stands on. Whoever moves its time by hand leaves the pace.
    pub fn bench(&self) -> &Bench {
        &self.inner.time.bench
    }

    /// The drive's name on the bench.
    pub fn drive(&self) -> DriveId {
        self.inner.drive
    }

    /// How its time passes.
    pub fn pace(&self) -> Pace {
        self.inner.time.pace
    }

    /// A new I_T nexus, called `name` in traces. It begins with the unit attention 29/00.
    pub fn attach(&self, name: &str) -> Nexus {
        self.attached(name, codes::POWER_ON_OR_RESET)
    }

    /// The nexus of an initiator that had one, lost it and comes again: it begins with the unit
    /// attention 29/07 (SAM-5, 6.3.4).
    pub fn attach_again(&self, name: &str) -> Nexus {
        self.attached(name, codes::NEXUS_LOSS)
    }

    fn attached(&self, name: &str, greeting: SenseCode) -> Nexus {
        let number = self.trace().map_or(0, Trace::number);
        let id = self.bench().attach(self.drive(), greeting);
        lock(&self.inner.present).push(name.to_owned());
        Nexus { lun: self.clone(), id, name: name.to_owned(), number, on_wire: false }
    }

    /// The names of the nexuses that there are, in the order in which they came.
    pub fn initiators(&self) -> Vec<String> {
        lock(&self.inner.present).clone()
    }

    /// Carries out a reset: the initiators' settings and locks are gone, what the drive does with
    /// the disc goes on. Every nexus is told, the one that asked for it too (SAM-5, 6.3.2 and
    /// 5.14.6).
    pub fn reset(&self, kind: Reset, by: &Nexus) {
        self.tick();
        let (code, name) = match kind {
            Reset::LogicalUnit => (codes::TARGET_RESET, "LOGICAL UNIT RESET"),
            Reset::Target => (codes::BUS_RESET, "TARGET WARM RESET"),
            Reset::Cold => (codes::POWER_ON, "TARGET COLD RESET"),
        };
        self.bench().reset(self.drive(), code);
        if let Some(trace) = self.trace() {
            trace.note(&format!("LUN {}, nexus {}: {name}", self.number(), by.number));
        }
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
            let time = &self.inner.time;
            time.bench.keep_up(self.drive(), time.bench_time(time.wall.now()));
        }
    }

    /// Lets simulated time pass for a host that waits for the drive.
    fn leap(&self, cdb: &Cdb, offered: usize, done: &Completion) {
        let polls = &self.inner.polls;
        let row = polls.load(Ordering::Relaxed);
        let wait = leap::wait(cdb, offered, done, row);
        let waited = wait.is_some_and(|wait| self.bench().leap(self.drive(), wait));
        if waited || row != 0 {
            polls.store(if waited { row + 1 } else { 0 }, Ordering::Relaxed);
        }
    }

    /// Lets the drive record what is in its buffer and come to the end of what it is at, then
    /// switches it off: nothing can be written after that.
    pub(super) fn settle(&self) {
        self.tick();
        self.bench().switch_off(self.drive());
    }

    /// Whatever passes between this drive and its initiators goes there, too.
    pub(super) fn trace_to(&self, trace: &Trace) {
        // The first server that lends it out keeps it.
        let _ = self.inner.trace.set(trace.clone());
    }

    fn trace(&self) -> Option<&Trace> {
        self.inner.trace.get()
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

    /// Says that its bytes go through a [`Tap`](super::trace::Tap): a capture shows those, and not
    /// a session made up for its commands.
    pub fn on_wire(mut self) -> Nexus {
        self.on_wire = true;
        self
    }

    /// Has the drive report this unit attention to it, for what another did to its commands.
    pub(super) fn tell(&self, code: SenseCode) {
        self.lun.bench().tell(self.lun.drive(), self.id, code);
    }

    /// Carries the command out in the bench's time and returns at once. Bytes of `data` beyond
    /// those that the completion's residual leaves keep their old value.
    pub fn execute(&mut self, cdb: &Cdb, data: Data<'_>) -> Answer {
        match self.lun.trace().filter(|trace| trace.is_on()) {
            None => self.carry_out(cdb, data).0,
            Some(trace) => {
                let trace = trace.clone();
                self.traced(&trace, cdb, data)
            }
        }
    }

    /// The answer, when the command came, and when it was answered.
    fn carry_out(&mut self, cdb: &Cdb, data: Data<'_>) -> (Answer, Instant, Instant) {
        let lun = &self.lun;
        let time = &lun.inner.time;
        let request = Request { cdb: *cdb, timeout: PATIENCE };
        let (to, offered) = ((lun.drive(), self.id), data.len());
        let (at, paced) = match time.pace {
            Pace::Simulated => (Instant::ZERO, false),
            Pace::RealTime => (time.bench_time(time.wall.now()), true),
        };
        let Executed { issued, ended, result } = time.bench.execute_at(to, at, &request, data);
        let due = if paced { time.wall_time(ended) } else { None };
        if !paced && let Ok(done) = &result {
            lun.leap(cdb, offered, done);
        }
        (Answer { result, due }, issued, ended)
    }

    fn traced(&mut self, trace: &Trace, cdb: &Cdb, data: Data<'_>) -> Answer {
        let offered = u32::try_from(data.len()).unwrap_or(u32::MAX);
        match data {
            Data::None => {
                let (answer, issued, ended) = self.carry_out(cdb, Data::None);
                self.passed(trace, cdb, (issued, ended), offered, Way::None, &answer);
                answer
            }
            Data::Out(bytes) => {
                let (answer, issued, ended) = self.carry_out(cdb, Data::Out(bytes));
                self.passed(trace, cdb, (issued, ended), offered, Way::Out(bytes), &answer);
                answer
            }
            Data::In(room) => {
                let (answer, issued, ended) = self.carry_out(cdb, Data::In(&mut *room));
                let arrived = match &answer.result {
                    Ok(done) => room.len().saturating_sub(done.residual as usize),
                    Err(_) => 0,
                };
                let way = Way::In(&room[..arrived]);
                self.passed(trace, cdb, (issued, ended), offered, way, &answer);
                answer
            }
        }
    }

    fn passed(
        &self,
        trace: &Trace,
        cdb: &Cdb,
        (issued, answered): (Instant, Instant),
        offered: u32,
        way: Way<'_>,
        answer: &Answer,
    ) {
        let elapsed = answered.since(issued);
        let (ended, residual) = match &answer.result {
            Ok(done) => (Ended::Spoke(done.status, done.sense.clone()), done.residual),
            Err(error) => (Ended::Failed(error.kind), 0),
        };
        let at = self.lun.inner.time.epoch.saturating_add(issued.0);
        let lun = self.lun.number();
        let passed = Passed { lun, cdb: *cdb, offered, residual, way, ended, issued, elapsed, at };
        let inquiry = || self.lun.bench().inquiry(self.lun.drive());
        let speaker = Speaker {
            number: self.number,
            name: &self.name,
            on_wire: self.on_wire,
            inquiry: &inquiry,
        };
        trace.passed(&speaker, &passed);
    }
}

impl Drop for Nexus {
    fn drop(&mut self) {
        self.lun.bench().detach(self.lun.drive(), self.id);
        let mut present = lock(&self.lun.inner.present);
        if let Some(at) = present.iter().position(|name| *name == self.name) {
            present.remove(at);
        }
        drop(present);
        if let Some(trace) = self.lun.trace() {
            trace.left(self.number);
        }
    }
}
