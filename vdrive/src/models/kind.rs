//! The kinds of disc, and what of each kind is physics rather than a maker's choice.

use serde::Deserialize;
use std::fmt;

/// CD, DVD or Blu-ray: the optics and the speed scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// 780 nm.
    Cd,
    /// 650 nm.
    Dvd,
    /// 405 nm.
    Bd,
}

/// A kind of recordable disc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MediumKind {
    /// CD-R.
    CdR,
    /// CD-RW.
    CdRw,
    /// DVD-R.
    DvdR,
    /// DVD-RW.
    DvdRw,
    /// DVD+R.
    #[serde(rename = "dvd+r")]
    DvdPlusR,
    /// DVD+RW.
    #[serde(rename = "dvd+rw")]
    DvdPlusRw,
    /// DVD-RAM.
    DvdRam,
    /// BD-R.
    BdR,
    /// BD-RE.
    BdRe,
}

impl Family {
    /// What 1x is in the kB/s (1000 bytes) of MMC, times ten. CD rates count 2352 bytes a frame,
    /// the others 2048 bytes a sector (MMC-6, 6.37 SET CD SPEED and 6.8 GET PERFORMANCE).
    pub fn one_x_tenth_kbps(self) -> u32 {
        match self {
            Family::Cd => 1_764,
            Family::Dvd => 13_850,
            Family::Bd => 44_950,
        }
    }

    /// User data bytes per second at 1x, 2048 to a sector or frame.
    pub fn one_x_bytes_per_second(self) -> u64 {
        match self {
            Family::Cd => 75 * 2048,
            Family::Dvd => 1_385_000,
            Family::Bd => 4_495_500,
        }
    }

    /// Sectors that are recorded as one: a CD frame, an ECC block, a cluster.
    pub fn unit_sectors(self) -> u32 {
        match self {
            Family::Cd => 1,
            Family::Dvd => 16,
            Family::Bd => 32,
        }
    }
}

impl MediumKind {
    /// All kinds, in the order in which they are listed for a person. Inputs of fuzz targets choose
    /// by it: a new kind goes to the end.
    pub const ALL: [MediumKind; 9] = [
        MediumKind::CdR,
        MediumKind::CdRw,
        MediumKind::DvdR,
        MediumKind::DvdRw,
        MediumKind::DvdPlusR,
        MediumKind::DvdPlusRw,
        MediumKind::BdR,
        MediumKind::BdRe,
        MediumKind::DvdRam,
    ];

    /// The family.
    pub fn family(self) -> Family {
        match self {
            MediumKind::CdR | MediumKind::CdRw => Family::Cd,
            MediumKind::BdR | MediumKind::BdRe => Family::Bd,
            _ => Family::Dvd,
        }
    }

    /// Whether recorded blocks can be recorded again.
    pub fn rewritable(self) -> bool {
        use MediumKind as K;
        matches!(self, K::CdRw | K::DvdRw | K::DvdPlusRw | K::DvdRam | K::BdRe)
    }

    /// The profile numbers under which a drive may show a disc of this kind, the one of a blank
    /// disc first (MMC-6, 5.3.1, table of profiles).
    pub fn profiles(self) -> &'static [u16] {
        match self {
            MediumKind::CdR => &[0x09],
            MediumKind::CdRw => &[0x0A],
            MediumKind::DvdR => &[0x11],
            MediumKind::DvdRw => &[0x14, 0x13],
            MediumKind::DvdPlusR => &[0x1B],
            MediumKind::DvdPlusRw => &[0x1A],
            MediumKind::DvdRam => &[0x12],
            MediumKind::BdR => &[0x41],
            MediumKind::BdRe => &[0x43],
        }
    }

    /// The name in addresses, models and `disc new`.
    pub fn name(self) -> &'static str {
        match self {
            MediumKind::CdR => "cd-r",
            MediumKind::CdRw => "cd-rw",
            MediumKind::DvdR => "dvd-r",
            MediumKind::DvdRw => "dvd-rw",
            MediumKind::DvdPlusR => "dvd+r",
            MediumKind::DvdPlusRw => "dvd+rw",
            MediumKind::DvdRam => "dvd-ram",
            MediumKind::BdR => "bd-r",
            MediumKind::BdRe => "bd-re",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<MediumKind> {
        MediumKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for MediumKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
