//! What a user may decide about a burn.

use std::fmt;
use std::str::FromStr;

use crate::drive::Mark;
use crate::units::{Blocks, Kbps, Lba};

/// Choices for one burn. `Options::default()` burns at the highest speed, closes the disc, verifies
/// every block, and erases nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How fast.
    pub speed: Speed,
    /// What is left open.
    pub close: Close,
    /// What is read back.
    pub verify: Verify,
    /// Consent that what the disc holds is erased or written over. Adding a session needs none.
    pub overwrite: bool,
    /// The address for which the image was laid out, as [`super::session_base`] told it; 0 for an
    /// image that stands alone. A burn that would start elsewhere is refused.
    pub base: Lba,
    /// The last blocks of the image, where they do not follow the others but lie before `base`:
    /// what leads to a volume that grows in place. Whole recording units, in the order in which
    /// they are written, each when all before it is on the disc.
    pub heads: Vec<(Lba, Blocks)>,
    /// The disc for which the image was laid out: another one is not written to.
    pub disc: Option<Mark>,
}

/// A wanted write speed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speed {
    /// As fast as drive and medium go.
    #[default]
    Highest,
    /// In tenths of the medium's single speed: 8x is 80. The fastest speed offered that is not
    /// above it, else the slowest offered.
    Tenths(u32),
    /// The same in units of 1000 bytes a second as drives count it.
    Rate(Kbps),
}

/// What is left open at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Close {
    /// The session and the disc are closed: nothing can be added, every reader reads it.
    #[default]
    Finalize,
    /// The session is closed, another one can follow.
    KeepOpen,
}

/// What is read back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// Nothing.
    None,
    /// The first and the last blocks and samples between.
    Quick,
    /// Every block.
    #[default]
    Full,
}

/// Text that is not a speed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpeedParseError(String);

impl FromStr for Speed {
    type Err = SpeedParseError;

    /// `max`, `8x`, `2.4x`, or a number of kB/s.
    fn from_str(text: &str) -> Result<Speed, SpeedParseError> {
        let bad = || SpeedParseError(text.to_owned());
        let word = text.trim().to_ascii_lowercase();
        if word == "max" {
            return Ok(Speed::Highest);
        }
        let Some(times) = word.strip_suffix('x') else {
            let rate = word.strip_suffix("kb/s").unwrap_or(&word).trim_end();
            return match rate.parse() {
                Ok(rate) if rate > 0 => Ok(Speed::Rate(Kbps(rate))),
                _ => Err(bad()),
            };
        };
        let (whole, tenth) = times.split_once('.').unwrap_or((times, "0"));
        if tenth.len() != 1 {
            return Err(bad());
        }
        let whole: u32 = whole.parse().map_err(|_| bad())?;
        let tenth: u32 = tenth.parse().map_err(|_| bad())?;
        match whole.checked_mul(10).and_then(|tenths| tenths.checked_add(tenth)) {
            Some(tenths) if tenths > 0 => Ok(Speed::Tenths(tenths)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for SpeedParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a speed: say max, 8x, 2.4x or a number of kB/s", self.0)
    }
}

impl std::error::Error for SpeedParseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_read_as_people_write_them() {
        assert_eq!("max".parse(), Ok(Speed::Highest));
        assert_eq!("8x".parse(), Ok(Speed::Tenths(80)));
        assert_eq!("2.4X".parse(), Ok(Speed::Tenths(24)));
        assert_eq!("5540".parse(), Ok(Speed::Rate(Kbps(5540))));
        assert_eq!("5540 kB/s".parse(), Ok(Speed::Rate(Kbps(5540))));
        for bad in ["", "x", "0x", "0", "-1x", "2.45x", "2.x", "9999999999x", "fast"] {
            assert!(bad.parse::<Speed>().is_err(), "{bad}");
        }
    }
}
