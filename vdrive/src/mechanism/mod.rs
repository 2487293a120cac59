//! Spindle, sled, laser, tray and buffer: what everything that touches the disc costs in time.
//!
//! Integer arithmetic only. Knows where a block lies and how fast it passes; not what is recorded
//! there ([`Surface`] is the disc as the laser sees it) and not what a host asked for. All state
//! here is lost with the power.

mod buffer;
mod form;
mod geometry;
mod operation;
#[cfg(test)]
mod tests;

use std::time::Duration;

use engine::units::{Instant, Kbps, Lba};

pub use buffer::{BurnFault, FaultCause, Full, Surface, WriteBuffer};
pub use form::{Form, Main};
pub use geometry::{Curve, Geometry};
pub use operation::{LongOp, Operation};

use crate::models::{
    DriveModel, Family, FamilyTiming, MediumKind, MediumModel, Speed, Strategy, Timing,
};

/// Power conditions (MMC-6, 4.1.7 and 6.49 START STOP UNIT).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerState {
    /// Spinning, servo on.
    Active,
    /// Spinning, servo off.
    Idle,
    /// Standing still, laser off.
    Standby,
    /// Interface asleep as well; only a reset wakes it.
    Sleep,
}

/// The mechanics of one drive.
#[derive(Clone, Debug)]
pub struct Mechanism {
    timing: Timing,
    families: [Option<FamilyTiming>; 3],
    model: DriveModel,
    disc: Option<Disc>,
    /// The deepest power state in effect at `touched`.
    power: PowerState,
    /// End of the last access.
    touched: Instant,
    /// Where the sled stands.
    head: Lba,
    read_ahead: Option<ReadAhead>,
}

#[derive(Clone, Debug)]
struct Disc {
    kind: MediumKind,
    timing: FamilyTiming,
    medium: MediumModel,
    geometry: Geometry,
    read: Curve,
    strategies: Vec<Strategy>,
    write: Option<Curve>,
    verify: bool,
    calibrations: u32,
    calibrated: bool,
}

/// The drive goes on reading after a READ, into its buffer.
#[derive(Clone, Copy, Debug)]
struct ReadAhead {
    /// The first block that the host has not had.
    wanted: Lba,
    /// The block that passes the laser next, and when its unit is in the buffer.
    next: Lba,
    due: Instant,
}

impl Mechanism {
    /// The mechanics of a drive of this model at power-on: no disc, standing still.
    pub fn new(model: &DriveModel, now: Instant) -> Mechanism {
        Mechanism {
            timing: model.timing,
            families: [Family::Cd, Family::Dvd, Family::Bd].map(|f| model.family(f).copied()),
            model: model.clone(),
            disc: None,
            power: PowerState::Standby,
            touched: now,
            head: Lba(0),
            read_ahead: None,
        }
    }

    /// Puts a disc in. Returns false, and stays empty, if the drive does not handle its kind: it
    /// then spins it up in vain, and there is no medium that it can mount.
    pub fn insert(&mut self, medium: &MediumModel) -> bool {
        let family = medium.kind.family();
        let timing = self.families[family as usize];
        let (Some(timing), Some(speeds)) = (timing, self.model.speeds(medium.kind)) else {
            self.disc = None;
            return false;
        };
        let geometry = Geometry::new(family, medium.blocks);
        let slowest = speeds.write.last().map(Strategy::nominal);
        // A drive does not record a disc faster than its maker rates it, unless it has nothing
        // slower.
        let mut strategies = speeds.write.clone();
        strategies.retain(|s| s.nominal() <= medium.fastest() || Some(s.nominal()) == slowest);
        self.disc = Some(Disc {
            kind: medium.kind,
            timing,
            medium: medium.clone(),
            geometry,
            read: Curve::new(geometry, speeds.read.clone()),
            write: strategies.first().map(|s| Curve::new(geometry, s.clone())),
            strategies,
            verify: false,
            calibrations: 0,
            calibrated: false,
        });
        self.power = PowerState::Standby;
        self.head = Lba(0);
        self.read_ahead = None;
        true
    }

    /// Takes the disc out.
    pub fn remove(&mut self) {
        self.disc = None;
        self.read_ahead = None;
        self.power = PowerState::Standby;
    }

    /// The kind of disc inside.
    pub fn kind(&self) -> Option<MediumKind> {
        self.disc.as_ref().map(|disc| disc.kind)
    }

    // Power.

    /// The power state at `now`: what was set, or what the timers have led to since the last
    /// access.
    pub fn power(&self, now: Instant) -> PowerState {
        let quiet = now.since(self.touched);
        match self.power {
            PowerState::Active | PowerState::Idle if quiet >= self.timing.standby_after() => {
                PowerState::Standby
            }
            PowerState::Active if quiet >= self.timing.idle_after() => PowerState::Idle,
            state => state,
        }
    }

    /// When the timers next lower the power state, and to what; `None` if no timer runs.
    pub fn next_power_change(&self, now: Instant) -> Option<(Instant, PowerState)> {
        let idle = self.touched + self.timing.idle_after();
        let standby = self.touched + self.timing.standby_after();
        match self.power(now) {
            PowerState::Active if idle < standby => Some((idle, PowerState::Idle)),
            PowerState::Active | PowerState::Idle => Some((standby, PowerState::Standby)),
            _ => None,
        }
    }

    /// Puts the drive into a power state, as START STOP UNIT does; returns how long that takes.
    pub fn set_power(&mut self, now: Instant, state: PowerState) -> Duration {
        if state == PowerState::Active {
            return self.wake(now);
        }
        let spinning = matches!(self.power(now), PowerState::Active | PowerState::Idle);
        let stops = matches!(state, PowerState::Standby | PowerState::Sleep);
        self.power = state;
        self.read_ahead = None;
        let cost = if spinning && stops && self.disc.is_some() {
            Duration::from_millis(self.timing.spin_down_ms.into())
        } else {
            Duration::ZERO
        };
        self.touched = now + cost;
        cost
    }

    /// Time until the drive can access the disc if it starts at `now`.
    pub fn wake_time(&self, now: Instant) -> Duration {
        let Some(disc) = &self.disc else { return Duration::ZERO };
        Duration::from_millis(match self.power(now) {
            PowerState::Active => 0,
            PowerState::Idle => disc.timing.idle_wake_ms.into(),
            PowerState::Standby | PowerState::Sleep => disc.timing.spin_up_ms.into(),
        })
    }

    /// Gets the disc turning; returns how long that takes.
    pub fn wake(&mut self, now: Instant) -> Duration {
        let cost = self.wake_time(now);
        self.power = PowerState::Active;
        self.touch(now + cost);
        cost
    }

    /// Notes an access that ends at `until`: the power timers run from there.
    pub fn touch(&mut self, until: Instant) {
        self.touched = self.touched.max(until);
    }

    // Speeds.

    /// The strategies in which the drive records the disc inside, fastest first.
    pub fn write_strategies(&self) -> &[Strategy] {
        self.disc.as_ref().map_or(&[], |disc| &disc.strategies)
    }

    /// Chooses the fastest write speed that is not above `wish`, or the slowest; `None` = fastest.
    /// Returns what was chosen; `None` without a disc that the drive can record.
    pub fn select_write(&mut self, wish: Option<Kbps>) -> Option<Speed> {
        let disc = self.disc.as_mut()?;
        let family = disc.kind.family();
        let fits = |s: &&Strategy| wish.is_none_or(|wish| s.nominal().kbps(family) <= wish);
        let strategy = disc.strategies.iter().find(fits).or(disc.strategies.last())?.clone();
        let nominal = strategy.nominal();
        disc.write = Some(Curve::new(disc.geometry, strategy));
        Some(nominal)
    }

    /// Limits reading to `wish`; `None` = the drive's fastest. The drive then reads CAV up to that
    /// speed at the outer end.
    pub fn select_read(&mut self, wish: Option<Kbps>) -> Option<Speed> {
        let disc = self.disc.as_mut()?;
        let fastest = self.model.speeds(disc.kind)?.read.clone();
        let strategy = match wish.map(|wish| Speed::from_kbps(wish, disc.kind.family())) {
            Some(speed) if speed < fastest.nominal() => {
                Strategy::Cav { outer: speed.max(Speed::x(1)) }
            }
            _ => fastest,
        };
        let nominal = strategy.nominal();
        disc.read = Curve::new(disc.geometry, strategy);
        self.read_ahead = None;
        Some(nominal)
    }

    /// The curve of the chosen write speed.
    pub fn write_curve(&self) -> Option<&Curve> {
        self.disc.as_ref()?.write.as_ref()
    }

    /// The curve of the chosen read speed.
    pub fn read_curve(&self) -> Option<&Curve> {
        self.disc.as_ref().map(|disc| &disc.read)
    }

    /// The nominal write speed chosen.
    pub fn write_speed(&self) -> Option<Speed> {
        self.write_curve().map(|curve| curve.strategy().nominal())
    }

    /// The nominal read speed chosen.
    pub fn read_speed(&self) -> Option<Speed> {
        self.read_curve().map(|curve| curve.strategy().nominal())
    }

    /// The write rate at `lba` as MMC counts it; `None` if the disc cannot be recorded.
    pub fn write_rate_at(&self, lba: Lba) -> Option<Kbps> {
        let family = self.kind()?.family();
        self.write_curve().map(|curve| curve.speed(lba).kbps(family))
    }

    /// The read rate at `lba` as MMC counts it.
    pub fn read_rate_at(&self, lba: Lba) -> Option<Kbps> {
        let family = self.kind()?.family();
        self.read_curve().map(|curve| curve.speed(lba).kbps(family))
    }

    /// Whether each unit is read back after recording, which halves the speed: discs with defect
    /// management (MMC-6, 4.4.7), unless the host streams.
    pub fn set_verify(&mut self, verify: bool) {
        if let Some(disc) = &mut self.disc {
            disc.verify = verify;
        }
    }

    /// Sectors of the recording unit of the disc inside (CD frame, ECC block, cluster); 1 if empty.
    pub fn unit_sectors(&self) -> u32 {
        self.kind().map_or(1, |kind| kind.family().unit_sectors())
    }

    /// Time to record the unit at `lba`, of which the host gave `sectors`. A part of a unit costs
    /// the whole, and on rewritable discs the turn in which the rest was read first.
    pub fn unit_time(&self, lba: Lba, sectors: u32) -> Duration {
        self.recording_time(lba, sectors, false)
    }

    /// The same, where a streamed unit is not read back.
    fn recording_time(&self, lba: Lba, sectors: u32, streamed: bool) -> Duration {
        let Some(disc) = &self.disc else { return Duration::ZERO };
        let Some(curve) = &disc.write else { return Duration::ZERO };
        let unit = disc.kind.family().unit_sectors();
        let once = curve.time(lba, unit);
        let merge = sectors < unit && disc.kind.rewritable();
        let twice = disc.verify && !streamed;
        once * (1 + u32::from(twice)) + if merge { curve.turn(lba) } else { Duration::ZERO }
    }

    /// Time to read the unit at `lba`.
    pub fn unit_read_time(&self, lba: Lba) -> Duration {
        let Some(disc) = &self.disc else { return Duration::ZERO };
        disc.read.time(lba, disc.kind.family().unit_sectors())
    }

    // Movement.

    /// Where the sled stands.
    pub fn head(&self) -> Lba {
        self.head
    }

    /// Notes where recording has left the sled.
    fn set_head(&mut self, head: Lba) {
        self.head = head;
        self.read_ahead = None;
    }

    /// Time to get from `from` to `to` with the disc turning: a jump over a few tracks or a sled
    /// move, and half a turn until the block comes by. Zero if it is there.
    pub fn seek_time(&self, from: Lba, to: Lba) -> Duration {
        let Some(disc) = &self.disc else { return Duration::ZERO };
        if from == to {
            return Duration::ZERO;
        }
        let (a, b) = (disc.geometry.radius(from), disc.geometry.radius(to));
        let distance = a.abs_diff(b);
        let timing = &disc.timing;
        let third = u64::from(timing.seek_third_ms) * 1_000_000;
        let full = u64::from(timing.seek_full_ms) * 1_000_000;
        let jump = u64::from(timing.jump_ms) * 1_000_000;
        // A lens reaches a few hundred tracks without the sled.
        const LENS: u64 = 200_000;
        const STROKE: u64 = 34_000_000;
        let travel = if distance < LENS {
            jump
        } else {
            // A straight line through the times for a third of the stroke and for all of it.
            let slope = full.saturating_sub(third) * 3 / 2;
            let rest = full.saturating_sub(slope);
            (rest + slope * distance.min(STROKE) / STROKE).max(jump)
        };
        Duration::from_nanos(travel) + disc.read.turn(to) / 2
    }

    /// Goes to `lba` at `now`, waking the drive if need be; returns how long that takes.
    pub fn seek(&mut self, now: Instant, lba: Lba) -> Duration {
        let cost = self.wake(now) + self.seek_time(self.head, lba);
        self.set_head(lba);
        self.touch(now + cost);
        cost
    }

    /// Reads `blocks` from `lba` on at `now`; returns how long the host waits for them. A READ that
    /// goes on where the last one ended finds what the drive has read ahead meanwhile.
    pub fn read(&mut self, now: Instant, lba: Lba, blocks: u32) -> Duration {
        if self.disc.is_none() || blocks == 0 {
            return Duration::ZERO;
        }
        let unit = self.unit_sectors().cast_signed();
        let end = lba.0.saturating_add_unsigned(blocks);
        let mut ahead = match self.read_ahead {
            Some(ahead) if ahead.wanted == lba && self.power(now) == PowerState::Active => ahead,
            _ => {
                let start = Lba(lba.0.saturating_sub(lba.0.rem_euclid(unit)));
                let due = now + self.seek(now, start) + self.unit_read_time(start);
                ReadAhead { wanted: lba, next: start, due }
            }
        };
        // What has been read since. The buffer holds so much that the host has not asked for; when
        // it is full the drive lets the track pass until the next READ.
        let room = i32::try_from(self.cache_blocks()).unwrap_or(i32::MAX).max(unit);
        let limit = lba.0.saturating_add(room);
        while ahead.next.0 < limit && ahead.due <= now {
            self.pass(&mut ahead, unit);
        }
        if ahead.next.0 >= limit {
            let again = now + self.half_turn(ahead.next) + self.unit_read_time(ahead.next);
            ahead.due = ahead.due.max(again);
        }
        let mut ready = now;
        while ahead.next.0 < end {
            ready = ready.max(ahead.due);
            self.pass(&mut ahead, unit);
        }
        ahead.wanted = Lba(end);
        self.set_head(ahead.next);
        self.read_ahead = Some(ahead);
        self.touch(ready);
        ready.since(now)
    }

    fn pass(&self, ahead: &mut ReadAhead, unit: i32) {
        ahead.next = Lba(ahead.next.0.saturating_add(unit));
        ahead.due = ahead.due + self.unit_read_time(ahead.next);
    }

    fn half_turn(&self, lba: Lba) -> Duration {
        self.disc.as_ref().map_or(Duration::ZERO, |disc| disc.read.turn(lba) / 2)
    }

    fn cache_blocks(&self) -> u32 {
        self.kind().map_or(0, |kind| self.model.buffer_bytes(kind.family()) / 2048)
    }

    // Recording.

    /// Whether the laser power has been calibrated for the disc inside since it came in.
    pub fn calibrated(&self) -> bool {
        self.disc.as_ref().is_some_and(|disc| disc.calibrated)
    }

    /// How many power calibrations the drive has made on the disc inside since it came in; each
    /// uses up a trial of the disc's test area. Recording calibrates by itself if the host has not
    /// asked for it with SEND OPC INFORMATION ([`Operation::Calibrate`]).
    pub fn calibrations(&self) -> u32 {
        self.disc.as_ref().map_or(0, |disc| disc.calibrations)
    }

    /// Calibrates at `now`; returns how long that takes.
    pub fn calibrate(&mut self, now: Instant) -> Duration {
        self.start(now, Operation::Calibrate).duration
    }

    /// Time from `at` until the laser records at `to`: wake, calibrate, seek, link.
    fn start_time(&self, at: Instant, to: Lba) -> Duration {
        let Some(disc) = &self.disc else { return Duration::ZERO };
        let calibrate =
            if disc.calibrated { Duration::ZERO } else { self.duration(&Operation::Calibrate) };
        self.wake_time(at) + calibrate + self.relocate_time(self.head, to)
    }

    /// Time to stop recording at `from` and to start again at `to`.
    fn relocate_time(&self, from: Lba, to: Lba) -> Duration {
        let ms = self.disc.as_ref().map_or(0, |disc| disc.timing.link_ms);
        self.seek_time(from, to) + Duration::from_millis(ms.into())
    }

    /// Notes that recording has got to `head` at `at`.
    fn recorded_to(&mut self, head: Lba, at: Instant) {
        self.set_head(head);
        self.touch(at);
    }

    /// Notes that recording has begun.
    fn started(&mut self, at: Instant) {
        self.power = PowerState::Active;
        self.touch(at);
        if let Some(disc) = self.disc.as_mut().filter(|disc| !disc.calibrated) {
            disc.calibrated = true;
            disc.calibrations += 1;
        }
    }

    /// Notes an operation that ends at `until`.
    fn began(&mut self, until: Instant, what: Operation) {
        match what {
            Operation::Unload => self.power = PowerState::Standby,
            _ if self.disc.is_some() => self.power = PowerState::Active,
            _ => {}
        }
        if let (Operation::Calibrate, Some(disc)) = (what, &mut self.disc) {
            disc.calibrated = true;
            disc.calibrations += 1;
        }
        self.read_ahead = None;
        self.touch(until);
    }

    fn zone_switch_time(&self) -> Duration {
        let ms = self.disc.as_ref().map_or(0, |disc| disc.timing.zone_switch_ms);
        Duration::from_millis(ms.into())
    }
}
