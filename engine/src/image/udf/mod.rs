//! UDF, written: its descriptors, file entries and directories, and where they lie.
//!
//! `options` says how a volume shall be; `wire` has what all descriptors are made of, `volume` has
//! those of the volume, `entry` those of files, `tables` those that partitions need; `names` makes
//! identifiers; `space` has the row of entries and directories, `streams` what lies there of
//! extended attributes, `layout` the whole volume. May not know: other file systems of the same
//! image, or where the contents of files lie; callers say.

pub(super) mod entry;
mod layout;
mod names;
mod options;
mod space;
pub(super) mod streams;
mod tables;
mod volume;
pub(super) mod wire;

pub(super) use layout::{Part, UdfLayout};
pub(super) use names::{is_faithful, keeps_target};
pub use options::{Access, Partition, UdfError, UdfOptions};
pub(super) use volume::{MapKind, parse_map};

use std::fmt;
use std::str::FromStr;

/// Which edition of OSTA's Universal Disk Format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revision {
    /// 1.02, for DVD-Video and DVD-ROM.
    V1_02,
    /// 1.50: adds virtual and sparable partitions.
    V1_50,
    /// 2.00: descriptors of ECMA-167's third edition, named streams.
    V2_00,
    /// 2.01: real-time files.
    V2_01,
    /// 2.50: metadata partition, for Blu-ray.
    V2_50,
    /// 2.60: pseudo-overwrite.
    V2_60,
}

impl Revision {
    /// All of them.
    pub const ALL: [Revision; 6] = [
        Revision::V1_02,
        Revision::V1_50,
        Revision::V2_00,
        Revision::V2_01,
        Revision::V2_50,
        Revision::V2_60,
    ];

    /// As it is recorded (UDF 2.60, 2.1.5.3).
    pub fn number(self) -> u16 {
        match self {
            Revision::V1_02 => 0x0102,
            Revision::V1_50 => 0x0150,
            Revision::V2_00 => 0x0200,
            Revision::V2_01 => 0x0201,
            Revision::V2_50 => 0x0250,
            Revision::V2_60 => 0x0260,
        }
    }

    /// Recorded by the third edition of ECMA-167: NSR03, extended file entries.
    fn third_edition(self) -> bool {
        self >= Revision::V2_00
    }

    /// The version in each tag (ECMA-167, 3/7.2.2).
    fn tag_version(self) -> u16 {
        if self.third_edition() { 3 } else { 2 }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number();
        write!(f, "{:x}.{:02x}", number >> 8, number & 0xff)
    }
}

impl FromStr for Revision {
    type Err = String;

    fn from_str(text: &str) -> Result<Revision, String> {
        let found = Revision::ALL.into_iter().find(|revision| revision.to_string() == text);
        found.ok_or_else(|| {
            let known = Revision::ALL.map(|revision| revision.to_string()).join(", ");
            format!("{text:?} is no revision of UDF; there are {known}")
        })
    }
}
