//! What a computer finds on a disc to start from: the description that a layout takes.
//!
//! May not know: where anything will lie.

mod patch;
mod setup;

pub(super) use patch::{Patches, WordSum};
pub(super) use setup::Setup;

use std::fmt;

pub use super::eltorito::{ENTRIES_MAX, Emulation, Platform};
use super::tree::{ContentId, TreeError, push_readable};

/// What a computer finds on the disc to start from. Empty: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// The entries of the boot catalog; a computer that looks no further takes the first one.
    pub entries: Vec<BootEntry>,
    /// Path of the boot catalog in the tree, whose directory must be there; a file of that name is
    /// replaced by it. `None`: no name leads to it.
    pub catalog: Option<Vec<u8>>,
    /// Who made the boot catalog: up to 24 bytes.
    pub manufacturer: Vec<u8>,
}

/// An entry of the boot catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootEntry {
    /// What is booted.
    pub image: BootImage,
    /// By which computers.
    pub platform: Platform,
    /// Whether it can be started: computers with a menu show it otherwise, but do not start it.
    pub bootable: bool,
    /// What a BIOS makes of it. `None`: a floppy disk if it has exactly the size of one, otherwise
    /// no emulation.
    pub emulation: Option<Emulation>,
    /// Segment to load it to; 0 stands for 7C0h.
    pub load_segment: u16,
    /// Sectors of 512 bytes to load. `None`: 1 with emulation, 4 of an image that is told where it
    /// lies, and else the whole image.
    pub load_sectors: Option<u16>,
    /// Write to its bytes 8 to 63 where it lies, what size it has and the sum of its words, as
    /// ISOLINUX and GRUB 2 want it.
    pub info_table: bool,
    /// Write to its bytes 2548 to 2555 where it goes on, as GRUB 2 wants it.
    pub grub2: bool,
    /// Type and bytes of selection criteria; the first entry has none.
    pub criteria: [u8; 20],
}

/// What is booted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootImage {
    /// The file at this path of the tree.
    Path(Vec<u8>),
    /// A content of the tree that no name leads to: [`Tree::hide_bytes`](super::Tree::hide_bytes),
    /// [`Tree::hide_file`](super::Tree::hide_file).
    Hidden(ContentId),
}

impl BootEntry {
    /// A bootable entry with nothing special.
    pub fn new(image: BootImage, platform: Platform) -> BootEntry {
        BootEntry {
            image,
            platform,
            bootable: true,
            emulation: None,
            load_segment: 0,
            load_sectors: None,
            info_table: false,
            grub2: false,
            criteria: [0; 20],
        }
    }
}

/// Why a disc cannot be made such that a computer starts from it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BootError {
    /// The image is for a further session, which computers do not look at.
    FurtherSession,
    /// More entries than a catalog has room for.
    Entries {
        /// How many there are.
        count: usize,
    },
    /// The manufacturer's name has more than 24 bytes.
    Manufacturer {
        /// Its bytes.
        bytes: usize,
    },
    /// No file has the path of a boot image.
    NoFile {
        /// The path.
        path: String,
    },
    /// A boot image that cannot be what it shall be.
    Unfit {
        /// Its path, or what else a person calls it.
        image: String,
        /// Its bytes.
        bytes: u64,
        /// What it cannot be, and why.
        why: &'static str,
    },
    /// A hard disk's boot image, whose partition table is wanted, cannot be read.
    Unreadable {
        /// Its path, or what else a person calls it.
        image: String,
        /// The system's words.
        detail: String,
    },
    /// The boot catalog cannot have its name.
    Catalog(TreeError),
    /// The boot catalog would take the place of a boot image.
    CatalogIsImage {
        /// The path of both.
        path: String,
    },
}

/// A path within the tree as a person reads it.
fn readable(path: &[u8]) -> String {
    let mut text = String::from("/");
    push_readable(&mut text, path.strip_prefix(b"/").unwrap_or(path));
    text
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BootError::FurtherSession => f.write_str(
                "computers start from the first session only, and this would be a further one",
            ),
            BootError::Entries { count } => write!(
                f,
                "{count} boot images are more than a boot catalog has room for ({ENTRIES_MAX})"
            ),
            BootError::Manufacturer { bytes } => write!(
                f,
                "the manufacturer's name in the boot catalog has {bytes} bytes; 24 is the most"
            ),
            BootError::NoFile { path } => {
                write!(f, "the boot image {path} is no file of the tree")
            }
            BootError::Unfit { image, bytes, why } => {
                write!(f, "the boot image {image} ({bytes} bytes) cannot be {why}")
            }
            BootError::Unreadable { image, detail } => {
                write!(f, "the boot image {image} cannot be read: {detail}")
            }
            BootError::Catalog(error) => write!(f, "the boot catalog: {error}"),
            BootError::CatalogIsImage { path } => {
                write!(f, "the boot catalog cannot be {path}, which is a boot image")
            }
        }
    }
}

impl std::error::Error for BootError {}
