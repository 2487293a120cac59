//! How a UDF volume is recorded, and what cannot be.

use std::fmt;
use std::str::FromStr;

use super::Revision;
use crate::units::Blocks;

/// How a UDF volume is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdfOptions {
    /// Which edition.
    pub revision: Revision,
    /// How blocks of the partition are found on the disc.
    pub partition: Partition,
    /// With a metadata partition: a second copy of it, far from the first (UDF 2.60, 2.2.13).
    pub mirror: bool,
    /// What may be done with the volume later on, or `None` for what goes with the partition.
    pub access: Option<Access>,
    /// Blocks that the volume shall have, from the start of the disc on: what nothing needs is
    /// free. `None` for as few as it needs.
    pub size: Option<Blocks>,
}

impl Default for UdfOptions {
    fn default() -> UdfOptions {
        UdfOptions {
            revision: Revision::V1_02,
            partition: Partition::Plain,
            mirror: true,
            access: None,
            size: None,
        }
    }
}

/// How blocks of a partition are found on the disc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// They follow each other. From UDF 2.50 on, directories and file entries lie in a metadata
    /// partition within it (UDF 2.60, 2.2.10).
    Plain,
    /// File entries are found by a virtual allocation table, which is the last thing on the disc:
    /// for media that are written once, block after block (UDF 2.60, 2.2.8 and 2.2.11).
    Virtual,
    /// Packets that cannot be written any more can be replaced by spare ones: for media that are
    /// written in packets without defect management (UDF 2.60, 2.2.9 and 2.2.12).
    Sparable {
        /// Blocks of a packet: 32 on CD-RW, 16 on DVD-RW.
        packet: u16,
    },
}

/// What may be done with a volume later on (ECMA-167, 3/10.5.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// It stays as it is.
    ReadOnly,
    /// What is free can be written, once.
    WriteOnce,
    /// Blocks can be written over once they have been made ready.
    Rewritable,
    /// Blocks can be written over.
    Overwritable,
}

impl Access {
    /// As it is recorded.
    pub(super) fn number(self) -> u32 {
        match self {
            Access::ReadOnly => 1,
            Access::WriteOnce => 2,
            Access::Rewritable => 3,
            Access::Overwritable => 4,
        }
    }

    /// Whether who writes later has to know what is free.
    pub(super) fn changes(self) -> bool {
        matches!(self, Access::Rewritable | Access::Overwritable)
    }
}

impl UdfOptions {
    /// What may be done with the volume later on.
    pub(super) fn access(&self) -> Access {
        self.access.unwrap_or(match self.partition {
            Partition::Plain => Access::ReadOnly,
            Partition::Virtual => Access::WriteOnce,
            Partition::Sparable { .. } => Access::Rewritable,
        })
    }

    /// Whether file entries and directories lie in a metadata partition.
    pub(super) fn metadata(&self) -> bool {
        self.revision >= Revision::V2_50 && self.partition != Partition::Virtual
    }

    /// Whether there is a second partition map, for file entries, over the first one.
    pub(super) fn two_maps(&self) -> bool {
        self.metadata() || self.partition == Partition::Virtual
    }

    /// Blocks that are written at once.
    pub(super) fn packet(&self) -> Option<u32> {
        match self.partition {
            Partition::Sparable { packet } => Some(packet.into()),
            _ => None,
        }
    }

    /// Whether these go together. `alone` is whether UDF is the only file system, `first` whether
    /// the volume begins at block 0 of the disc, `grows` whether kiln shall add to it in place.
    pub(super) fn check(&self, alone: bool, first: bool, grows: bool) -> Result<(), UdfError> {
        let access = self.access();
        let plain = self.partition == Partition::Plain;
        if !plain && self.revision < Revision::V1_50 {
            return Err(UdfError::NoSuchPartition);
        }
        if self.packet().is_some_and(|packet| !matches!(packet, 16 | 32)) {
            return Err(UdfError::Packet);
        }
        if (self.partition == Partition::Virtual) != (access == Access::WriteOnce) && !plain {
            return Err(UdfError::Access(access));
        }
        if self.packet().is_some() && !access.changes() {
            return Err(UdfError::Access(access));
        }
        if grows && !(plain && access == Access::ReadOnly) {
            return Err(UdfError::Grows);
        }
        if access.changes() {
            if self.metadata() {
                return Err(UdfError::MetadataChanges);
            }
            if !alone {
                return Err(UdfError::ChangesUnderOthers);
            }
            if !first {
                return Err(UdfError::NotFirst);
            }
        }
        Ok(())
    }
}

/// Why a UDF volume cannot be recorded as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UdfError {
    /// UDF 1.02 has plain partitions only.
    NoSuchPartition,
    /// Packets of another length than 16 or 32.
    Packet,
    /// The partition's kind and this access do not go together.
    Access(Access),
    /// A metadata partition in a volume that can be changed.
    MetadataChanges,
    /// A volume that can be changed would change what other file systems point at.
    ChangesUnderOthers,
    /// A volume that can be changed, in a further session.
    NotFirst,
    /// A volume that grows in place is plain, and for reading only.
    Grows,
    /// Something lies behind a virtual allocation table.
    BehindTable,
    /// The volume needs more blocks than it shall have.
    Size {
        /// Blocks that it needs.
        needed: u64,
        /// Blocks that it shall have.
        size: Blocks,
    },
}

impl fmt::Display for UdfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UdfError::NoSuchPartition => f.write_str(
                "UDF 1.02 has neither virtual nor sparable partitions: take revision 1.50 or later",
            ),
            UdfError::Packet => f.write_str("packets have 16 blocks on DVD and 32 on CD"),
            UdfError::Access(access) => {
                write!(f, "such a UDF partition cannot be {access}: leave the access out")
            }
            UdfError::MetadataChanges => f.write_str(
                "a UDF volume with a metadata partition is made for reading only: \
                 take revision 2.01 or earlier for one that can be changed",
            ),
            UdfError::ChangesUnderOthers => f.write_str(
                "a UDF volume that can be changed would change the files of ISO 9660 as well: \
                 take UDF alone, or leave it read-only",
            ),
            UdfError::NotFirst => f.write_str(
                "a UDF volume that can be changed must begin at block 0, not in a further session",
            ),
            UdfError::Grows => f.write_str(
                "a UDF volume that grows in place must have a plain partition and be read-only",
            ),
            UdfError::BehindTable => f.write_str(
                "a virtual allocation table must be the last thing on the disc: \
                 partitions cannot be appended, nor a second partition table",
            ),
            UdfError::Size { needed, size } => {
                write!(f, "the UDF volume needs {needed} blocks and shall have {size}")
            }
        }
    }
}

impl std::error::Error for UdfError {}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::ReadOnly => "read-only",
            Access::WriteOnce => "write-once",
            Access::Rewritable => "rewritable",
            Access::Overwritable => "overwritable",
        })
    }
}

impl FromStr for Access {
    type Err = String;

    fn from_str(text: &str) -> Result<Access, String> {
        let all = [Access::ReadOnly, Access::WriteOnce, Access::Rewritable, Access::Overwritable];
        let found = all.into_iter().find(|access| access.to_string() == text);
        found.ok_or_else(|| {
            let known = all.map(|access| access.to_string()).join(", ");
            format!("{text:?} is no access; there are {known}")
        })
    }
}
