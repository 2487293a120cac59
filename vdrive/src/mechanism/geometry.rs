//! Where a block lies on the disc, and how fast it passes the laser there.
//!
//! The track is a spiral of constant pitch and density, so that the square of the radius grows with
//! the block number. All in nanometres and nanoseconds; no floating point.

use std::time::Duration;

use engine::units::{Lba, Msf};

use crate::models::{Family, Speed, Strategy};

const NANOS: u64 = 1_000_000_000;

/// End of the data area of a full disc, in nanometres.
const OUTER: u64 = 58_000_000;

/// The spiral of one disc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    family: Family,
    /// Square of the radius of block 0.
    inner_squared: i64,
    /// Square nanometres that a block takes, divided by pi.
    area: i64,
}

impl Geometry {
    /// The spiral of a disc of `family` with room for `blocks`. The pitch and density are such that
    /// a full disc of standard size ends at 58 mm; a CD with more than 74 minutes is denser.
    pub fn new(family: Family, blocks: u32) -> Geometry {
        let inner: u64 = if family == Family::Cd { 25_000_000 } else { 24_000_000 };
        let full = match family {
            Family::Cd => blocks.max(Msf { m: 74, s: 2, f: 0 }.lba().0.unsigned_abs()),
            Family::Dvd => 2_295_104,
            Family::Bd => 12_219_392,
        };
        let area = (OUTER * OUTER - inner * inner) / u64::from(full);
        Geometry { family, inner_squared: (inner * inner) as i64, area: area as i64 }
    }

    /// Distance of `lba` from the centre in nanometres; between 20 and 60 mm for any input.
    pub fn radius(&self, lba: Lba) -> u64 {
        let square = i64::from(lba.0).saturating_mul(self.area).saturating_add(self.inner_squared);
        square.clamp(400_000_000_000_000, 3_600_000_000_000_000).cast_unsigned().isqrt()
    }

    /// Linear velocity at 1x in nanometres per second.
    fn velocity(&self) -> u64 {
        match self.family {
            Family::Cd => 1_200_000_000,
            Family::Dvd => 3_490_000_000,
            Family::Bd => 4_917_000_000,
        }
    }

    /// Time of one turn of the disc when `lba` passes at `speed`.
    pub fn turn(&self, lba: Lba, speed: Speed) -> Duration {
        // 710/113 is two pi to seven digits.
        let circumference = self.radius(lba) * 710 / 113;
        let velocity = self.velocity() * u64::from(speed.0.max(1)) / 100;
        Duration::from_nanos(
            (u128::from(circumference) * u128::from(NANOS) / u128::from(velocity)) as u64,
        )
    }

    /// Turns per minute when `lba` passes at `speed`.
    pub fn rpm(&self, lba: Lba, speed: Speed) -> u32 {
        let turn = self.turn(lba, speed).as_nanos().max(1);
        u32::try_from(60 * u128::from(NANOS) / turn).unwrap_or(u32::MAX)
    }
}

/// A strategy on a disc: the speed at each block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    geometry: Geometry,
    strategy: Strategy,
}

impl Curve {
    /// `strategy` on a disc of this geometry.
    pub fn new(geometry: Geometry, strategy: Strategy) -> Curve {
        Curve { geometry, strategy }
    }

    /// The strategy.
    pub fn strategy(&self) -> &Strategy {
        &self.strategy
    }

    /// User bytes (2048 per block) that pass in a second at `lba`.
    pub fn bytes_per_second(&self, lba: Lba) -> u64 {
        let one = self.geometry.family.one_x_bytes_per_second();
        let at = |speed: Speed| one * u64::from(speed.0) / 100;
        let rate = match &self.strategy {
            Strategy::Clv(speed) => at(*speed),
            Strategy::Cav { outer } => {
                (at(*outer) * self.geometry.radius(lba) / OUTER).min(at(*outer))
            }
            Strategy::PCav { inner, outer } => {
                let start = self.geometry.radius(Lba(0));
                (at(*inner) * self.geometry.radius(lba) / start).min(at(*outer))
            }
            Strategy::ZClv(zones) => zones.get(self.zone(lba)).map_or(one, |z| at(z.speed)),
        };
        rate.max(1)
    }

    /// The speed at `lba`.
    pub fn speed(&self, lba: Lba) -> Speed {
        let one = self.geometry.family.one_x_bytes_per_second();
        Speed(u32::try_from(self.bytes_per_second(lba) * 100 / one).unwrap_or(u32::MAX))
    }

    /// Number of the zone that `lba` lies in; always 0 unless the strategy has zones.
    pub fn zone(&self, lba: Lba) -> usize {
        match &self.strategy {
            Strategy::ZClv(zones) => {
                zones.partition_point(|zone| zone.from <= lba.0).saturating_sub(1)
            }
            _ => 0,
        }
    }

    /// Time in which `sectors` from `lba` on pass, all at the speed of the first.
    pub fn time(&self, lba: Lba, sectors: u32) -> Duration {
        Duration::from_nanos(u64::from(sectors) * 2048 * NANOS / self.bytes_per_second(lba))
    }

    /// Time in which a long stretch passes, speed changes included; each step is exact for the
    /// speed at its own middle.
    pub fn stretch(&self, start: Lba, blocks: u32) -> Duration {
        const STEPS: u32 = 64;
        let step = (blocks / STEPS).max(1);
        let mut total = Duration::ZERO;
        let mut done = 0;
        while done < blocks {
            let now = step.min(blocks - done);
            let middle = Lba(start.0.saturating_add_unsigned(done + now / 2));
            total += self.time(middle, now);
            done += now;
        }
        total
    }

    /// Time of one turn at `lba`.
    pub fn turn(&self, lba: Lba) -> Duration {
        self.geometry.turn(lba, self.speed(lba))
    }
}
