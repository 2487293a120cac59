//! Speeds as drives and discs are sold by (2.4x, 16x) and the strategies over the radius.

use std::fmt;
use std::str::FromStr;

use engine::units::Kbps;
use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::kind::Family;

/// A speed in hundredths of 1x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Speed(pub u32);

impl Speed {
    /// A whole multiple of 1x.
    pub const fn x(n: u32) -> Speed {
        Speed(n * 100)
    }

    /// In the kB/s of MMC, rounded down, as drives report it: CD 48x is 8467, DVD 2.4x is 3324.
    pub fn kbps(self, family: Family) -> Kbps {
        let tenths = u64::from(self.0) * u64::from(family.one_x_tenth_kbps());
        Kbps(u32::try_from(tenths / 1000).unwrap_or(u32::MAX))
    }

    /// The speed of this many kB/s of MMC, rounded up to the next hundredth, so that a speed and
    /// its [`Speed::kbps`] compare equal.
    pub fn from_kbps(rate: Kbps, family: Family) -> Speed {
        let hundredths = (u64::from(rate.0) * 1000).div_ceil(u64::from(family.one_x_tenth_kbps()));
        Speed(u32::try_from(hundredths).unwrap_or(u32::MAX))
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}x"),
            (whole, part) if part % 10 == 0 => write!(f, "{whole}.{}x", part / 10),
            (whole, part) => write!(f, "{whole}.{part:02}x"),
        }
    }
}

impl FromStr for Speed {
    type Err = String;

    /// `16x`, `2.4x`, `16`. More than two decimals, zero and anything above 999x are refused.
    fn from_str(text: &str) -> Result<Speed, String> {
        let bad = || format!("\"{text}\" is not a speed such as 16x or 2.4x");
        let number = text.strip_suffix('x').unwrap_or(text);
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        let digits =
            |s: &str, max| (1..=max).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole, 3) || !digits(part, 2) {
            return Err(bad());
        }
        let whole: u32 = whole.parse().map_err(|_| bad())?;
        let tenfold = if part.len() == 1 { 10 } else { 1 };
        let part: u32 = part.parse().map_err(|_| bad())?;
        match whole * 100 + part * tenfold {
            0 => Err(bad()),
            n => Ok(Speed(n)),
        }
    }
}

impl<'de> Deserialize<'de> for Speed {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Speed, D::Error> {
        let text = String::deserialize(source)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// How fast the disc passes the laser at which radius.
///
/// In a model: `{ clv = "16x" }`, `{ cav = { outer = "48x" } }`,
/// `{ p-cav = { inner = "16x", outer = "24x" } }`, `{ z-clv = [{ from = 0, speed = "6x" }, ...] }`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Strategy {
    /// The same linear velocity everywhere.
    Clv(Speed),
    /// The same number of turns everywhere; this is the speed at the outer end.
    Cav {
        /// Speed at the outer end of a full disc.
        outer: Speed,
    },
    /// CAV from the inside until `outer` is reached, then CLV.
    PCav {
        /// Speed at the start of the data area.
        inner: Speed,
        /// Speed from which on it stays.
        outer: Speed,
    },
    /// CLV in zones, faster further out.
    ZClv(Vec<Zone>),
}

/// One zone of Z-CLV.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// The first block of the zone. The first zone starts at 0 and serves the lead-in as well.
    pub from: i32,
    /// The speed in it.
    pub speed: Speed,
}

impl Strategy {
    /// The highest speed anywhere on the disc: what the drive calls this speed.
    pub fn nominal(&self) -> Speed {
        match self {
            Strategy::Clv(speed) => *speed,
            Strategy::Cav { outer } | Strategy::PCav { outer, .. } => *outer,
            // A drive may fall back at the outer edge, so the last zone need not be the fastest.
            Strategy::ZClv(zones) => zones.iter().map(|z| z.speed).max().unwrap_or(Speed::x(1)),
        }
    }

    /// Whether MMC calls it CAV in a write rotation control field; CLV, Z-CLV and P-CAV are the
    /// medium's default rotation there (MMC-6, 6.8.3.4, WRC).
    pub fn is_cav(&self) -> bool {
        matches!(self, Strategy::Cav { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilobytes_per_second_are_those_that_drives_report() {
        // Values of mode page 2Ah and of SET CD SPEED as seen from drives.
        for (speed, family, kbps) in [
            ("4x", Family::Cd, 0x02C1),
            ("8x", Family::Cd, 0x0583),
            ("10x", Family::Cd, 0x06E4),
            ("16x", Family::Cd, 0x0B06),
            ("24x", Family::Cd, 0x1089),
            ("32x", Family::Cd, 0x160C),
            ("40x", Family::Cd, 0x1B90),
            ("48x", Family::Cd, 0x2113),
            ("52x", Family::Cd, 0x23D4),
            ("1x", Family::Dvd, 0x0569),
            ("2.4x", Family::Dvd, 0x0CFC),
            ("4x", Family::Dvd, 0x15A4),
            ("16x", Family::Dvd, 0x5690),
            ("1x", Family::Bd, 0x118F),
            ("2x", Family::Bd, 0x231E),
            ("6x", Family::Bd, 0x695A),
            ("8x", Family::Bd, 0x8C78),
        ] {
            let speed: Speed = speed.parse().unwrap();
            assert_eq!(speed.kbps(family), Kbps(kbps), "{speed}");
            assert_eq!(Speed::from_kbps(Kbps(kbps), family), speed);
        }
    }

    #[test]
    fn speeds_print_as_they_are_written() {
        for text in ["1x", "2.4x", "16x", "3.48x", "0.05x"] {
            assert_eq!(text.parse::<Speed>().map(|s| s.to_string()), Ok(text.into()));
        }
        for text in ["", "x", "0", "0.0x", "-1x", "1000x", "1.234x", "1e3", "4 x", "."] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }
}
