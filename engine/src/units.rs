//! Quantities with only the operators that make sense.
//!
//! Knows arithmetic and nothing else: no device, no medium, no format.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// Bytes of user data in one logical block of every medium handled here (MMC-6, 3.1 "Block").
pub const BLOCK: usize = 2048;

/// A logical block address. CD addresses before the first track are negative: the pre-gap starts
/// at -150 and the lead-in lies before it (MMC-6, 4.2.3.5, table of LBA and MSF translation).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lba(pub i32);

/// A number of logical blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Blocks(pub u32);

/// A number of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub u64);

/// A data rate in units of 1000 bytes per second, as MMC counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kbps(pub u32);

/// Minutes, seconds and frames (75 to a second) on a CD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Msf {
    /// Minutes, 0 to 99.
    pub m: u8,
    /// Seconds, 0 to 59.
    pub s: u8,
    /// Frames, 0 to 74.
    pub f: u8,
}

/// A point in time: nanoseconds since the clock's own start. Host clocks and simulated clocks
/// have different starts; instants of two clocks must not be mixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Lba {
    /// The address `blocks` further on, or `None` where that leaves the address range.
    pub fn checked_add(self, blocks: Blocks) -> Option<Lba> {
        self.0.checked_add_unsigned(blocks.0).map(Lba)
    }

    /// How far `self` lies behind `start`, or `None` if it lies before it.
    pub fn checked_from(self, start: Lba) -> Option<Blocks> {
        u32::try_from(i64::from(self.0) - i64::from(start.0)).ok().map(Blocks)
    }

    /// The MSF address of this block (MMC-6, 4.2.3.5): LBA 0 is 00:02:00, addresses before -150
    /// count down from 99:59:74. `None` outside 00:00:00 to 99:59:74.
    pub fn msf(self) -> Option<Msf> {
        let frames =
            if self.0 >= -150 { self.0.checked_add(150)? } else { self.0.checked_add(450_150)? };
        let frames = u32::try_from(frames).ok().filter(|&n| n < 450_000)?;
        Some(Msf {
            m: (frames / (60 * 75)) as u8,
            s: (frames / 75 % 60) as u8,
            f: (frames % 75) as u8,
        })
    }
}

impl Msf {
    /// The block address, with minutes from 90 on lying in the lead-in (MMC-6, 4.2.3.5).
    pub fn lba(self) -> Lba {
        let frames = (i32::from(self.m) * 60 + i32::from(self.s)) * 75 + i32::from(self.f);
        Lba(if self.m >= 90 { frames - 450_150 } else { frames - 150 })
    }
}

impl Blocks {
    /// The user data bytes in these blocks.
    pub fn bytes(self) -> Bytes {
        Bytes(u64::from(self.0) * BLOCK as u64)
    }

    /// Rounded up to a whole multiple of `unit`; saturates at the top of the range.
    ///
    /// `unit` must not be zero.
    pub fn round_up(self, unit: Blocks) -> Blocks {
        let up = u64::from(self.0).div_ceil(u64::from(unit.0)) * u64::from(unit.0);
        Blocks(u32::try_from(up).unwrap_or(u32::MAX / unit.0 * unit.0))
    }

    /// `self + other`, or `None` on overflow.
    pub fn checked_add(self, other: Blocks) -> Option<Blocks> {
        self.0.checked_add(other.0).map(Blocks)
    }

    /// `self - other`, or nothing left.
    pub fn saturating_sub(self, other: Blocks) -> Blocks {
        Blocks(self.0.saturating_sub(other.0))
    }
}

impl Bytes {
    /// The blocks needed to hold these bytes, or `None` if they are too many to address.
    pub fn blocks_ceil(self) -> Option<Blocks> {
        u32::try_from(self.0.div_ceil(BLOCK as u64)).ok().map(Blocks)
    }
}

impl Instant {
    /// The start of the clock.
    pub const ZERO: Instant = Instant(0);

    /// Time passed since `earlier`; zero if `earlier` lies in the future.
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Blocks> for Lba {
    type Output = Lba;
    /// Panics where the sum leaves the address range: use [`Lba::checked_add`] on foreign input.
    fn add(self, blocks: Blocks) -> Lba {
        self.checked_add(blocks).expect("address range checked by the caller")
    }
}

impl Sub<Lba> for Lba {
    type Output = Blocks;
    /// Panics if `start` lies behind: use [`Lba::checked_from`] on foreign input.
    fn sub(self, start: Lba) -> Blocks {
        self.checked_from(start).expect("order checked by the caller")
    }
}

impl Add for Blocks {
    type Output = Blocks;
    fn add(self, other: Blocks) -> Blocks {
        Blocks(self.0 + other.0)
    }
}

impl AddAssign for Blocks {
    fn add_assign(&mut self, other: Blocks) {
        self.0 += other.0;
    }
}

impl Sub for Blocks {
    type Output = Blocks;
    fn sub(self, other: Blocks) -> Blocks {
        Blocks(self.0 - other.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;
    fn add(self, span: Duration) -> Instant {
        Instant(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Lba {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Msf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}:{:02}", self.m, self.s, self.f)
    }
}

impl fmt::Display for Kbps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kB/s", self.0)
    }
}

impl fmt::Display for Bytes {
    /// Decimal units, as discs are sold: `734 MB`, `4.70 GB`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..1_000 => return write!(f, "{} B", self.0),
            1_000..1_000_000 => (1_000, "kB"),
            1_000_000..1_000_000_000 => (1_000_000, "MB"),
            1_000_000_000..1_000_000_000_000 => (1_000_000_000, "GB"),
            _ => (1_000_000_000_000, "TB"),
        };
        let hundredths = u128::from(self.0) * 100 / unit;
        match hundredths {
            0..1_000 => write!(f, "{}.{:02} {name}", hundredths / 100, hundredths % 100),
            1_000..10_000 => write!(f, "{}.{} {name}", hundredths / 100, hundredths / 10 % 10),
            _ => write!(f, "{} {name}", hundredths / 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn msf_and_lba_translate_both_ways() {
        // The last lead-out start of an 80 minute CD-R and a lead-in start read off its ATIP.
        assert_eq!(Msf { m: 79, s: 59, f: 74 }.lba(), Lba(359_849));
        assert_eq!(Msf { m: 97, s: 26, f: 66 }.lba(), Lba(-11_634));
        for lba in [-11_634, -151, -150, -1, 0, 16, 359_849] {
            assert_eq!(Lba(lba).msf().map(Msf::lba), Some(Lba(lba)));
        }
        assert_eq!(Lba(450_000).msf(), None);
    }

    #[test]
    fn sizes_print_as_on_the_box() {
        assert_eq!(Bytes(4_700_372_992).to_string(), "4.70 GB");
        assert_eq!(Bytes(25_025_314_816).to_string(), "25.0 GB");
        assert_eq!(Bytes(999).to_string(), "999 B");
    }

    #[test]
    fn rounding_up_never_wraps() {
        assert_eq!(Blocks(1).round_up(Blocks(16)), Blocks(16));
        assert_eq!(Blocks(u32::MAX).round_up(Blocks(32)).0 % 32, 0);
    }
}
