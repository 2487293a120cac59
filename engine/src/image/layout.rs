//! Where every byte of an image lies, fixed before anything is written.

use std::fmt;

use super::time::Time;
use super::tree::{NodeId, Tree};
use crate::units::{Blocks, Lba};

/// What an image shall be like.
#[derive(Clone, Debug)]
pub struct LayoutOptions {
    /// Where on the disc the image will begin. 0 unless it is a further session: then every address
    /// in it counts from the start of the disc and its volume descriptors lie at `base` + 16.
    pub base: Lba,
    /// Name of the volume, at most 32 bytes. Kept as it is if it consists of `A` to `Z`, `0` to `9`
    /// and `_`; otherwise the primary descriptor holds it mangled and Joliet its first 16
    /// characters.
    pub volume_id: String,
    /// Record the tree for Windows as well (Joliet level 3, names up to 103 characters).
    pub joliet: bool,
    /// Record POSIX names, modes, owners, times and links (Rock Ridge 1.12).
    pub rock_ridge: bool,
    /// When the volume was made.
    pub stamp: Time,
    /// Zero blocks at the end: some drives cannot read the last blocks of a CD track, and readers
    /// that read ahead stumble over them.
    pub pad: Blocks,
    /// Record the time of last change only, because access and node change times differ between
    /// copies of the same tree.
    pub reproducible: bool,
}

impl Default for LayoutOptions {
    fn default() -> LayoutOptions {
        LayoutOptions {
            base: Lba(0),
            volume_id: "KILN".to_owned(),
            joliet: true,
            rock_ridge: true,
            stamp: Time::default(),
            pad: Blocks(150),
            reproducible: false,
        }
    }
}

/// Something that the image records otherwise than the tree has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The node it is about.
    pub node: NodeId,
    /// What became of it.
    pub kind: FindingKind,
}

/// Kinds of [`Finding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FindingKind {
    /// The Joliet name is shorter or has other characters.
    JolietName,
    /// Not in the Joliet tree: it has no symbolic links, devices, pipes and sockets.
    NotInJoliet,
    /// The ISO 9660 name is not the node's name and there is no Rock Ridge to keep that.
    IsoName,
    /// Recorded as an empty file, since there is no Rock Ridge to say what it is.
    NotInIso,
    /// A time outside 1900 to 2155 is recorded as the nearest time within.
    Time,
}

/// Why a tree cannot be laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LayoutError {
    /// The image would end behind the last block that can be addressed.
    TooLarge {
        /// Blocks needed.
        blocks: u64,
    },
    /// More directories than a path table can number (ECMA-119, 9.4.4).
    TooManyDirectories {
        /// How many there are.
        count: usize,
    },
    /// A volume name that is too long.
    VolumeId {
        /// The name.
        name: String,
    },
    /// A base below 0.
    Base {
        /// The base.
        base: Lba,
    },
}

impl Finding {
    /// One line for a person; `tree` is the tree it was found in.
    pub fn describe(&self, tree: &Tree) -> String {
        let what = match self.kind {
            FindingKind::JolietName => "has another name in the Joliet tree",
            FindingKind::NotInJoliet => "is not in the Joliet tree, which has only files",
            FindingKind::IsoName => "has another name in the ISO 9660 tree",
            FindingKind::NotInIso => "is recorded as an empty file without Rock Ridge",
            FindingKind::Time => "has a time outside 1900 to 2155, recorded as the nearest within",
        };
        format!("{} {what}", tree.display_path(self.node))
    }
}

impl fmt::Display for LayoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayoutError::TooLarge { blocks } => {
                write!(f, "the image needs {blocks} blocks, more than a disc can address")
            }
            LayoutError::TooManyDirectories { count } => {
                write!(f, "{count} directories are more than ISO 9660 can number (65535)")
            }
            LayoutError::VolumeId { name } => {
                write!(f, "the volume name {name:?} has more than 32 bytes; choose a shorter one")
            }
            LayoutError::Base { base } => write!(f, "an image cannot begin at block {base}"),
        }
    }
}

impl std::error::Error for LayoutError {}
