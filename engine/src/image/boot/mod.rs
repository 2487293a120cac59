//! What a computer finds on a disc to start from: the description that a layout takes.
//!
//! May not know: where anything will lie.

mod disk;
mod from;
mod patch;
mod setup;

pub(super) use disk::{Ends, Seed};
pub(super) use patch::{Patches, WordSum};
pub(super) use setup::Setup;

use std::fmt;

pub use super::eltorito::{ENTRIES_MAX, Emulation, Platform};
pub use super::hybrid::gpt::Guid;
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
    /// What makes the image a disk to start from as well, copied as it is.
    pub disk: Option<Disk>,
}

/// What the system area and the end of an image hold, for the image as a disk: a USB stick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disk {
    /// What a BIOS starts.
    pub code: Option<Code>,
    /// Whether the partitions are told in the master boot record.
    pub mbr: bool,
    /// Whether they are told in a GUID Partition Table, which UEFI prefers; at both ends of the
    /// image.
    pub gpt: bool,
    /// Whether they are told in an Apple Partition Map.
    pub apm: bool,
    /// The volume itself as a partition of the master boot record.
    pub volume: VolumePartition,
    /// Partitions besides the volume.
    pub partitions: Vec<Partition>,
    /// Fill the image up to whole MiB: cylinders, which some BIOSes want.
    pub align: bool,
    /// The number of the disk in the master boot record; `None`: one made of the volume's name and
    /// time.
    pub number: Option<u32>,
}

impl Default for Disk {
    fn default() -> Disk {
        Disk {
            code: None,
            mbr: true,
            gpt: false,
            apm: false,
            volume: VolumePartition::default(),
            partitions: Vec::new(),
            align: true,
            number: None,
        }
    }
}

/// Boot code of the system area, and what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its bytes, those of the partition table left out or not.
    pub bytes: Vec<u8>,
    /// What it is told.
    pub told: Told,
}

/// What boot code is told of the first image that a BIOS starts from a disc.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// Where it lies, as ISOLINUX's isohdpfx.bin wants it.
    Isolinux,
    /// Where its second block lies, as GRUB 2's boot_hybrid.img wants it.
    Grub2,
}

/// The volume as a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumePartition {
    /// Its type in the master boot record.
    pub kind: u8,
    /// First sector of 512 bytes.
    pub start: u32,
}

impl Default for VolumePartition {
    /// A type that Windows leaves alone, as isohybrid has it.
    fn default() -> VolumePartition {
        VolumePartition { kind: 0x17, start: 0 }
    }
}

/// A partition besides the volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// What is in it; it may be an entry's image as well.
    pub image: BootImage,
    /// Whether it lies behind the volume and not in it.
    pub appended: bool,
    /// Its type in the master boot record.
    pub mbr: u8,
    /// Its type in a GUID Partition Table.
    pub gpt: Guid,
    /// Its name there.
    pub name: String,
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
    /// The image has no ISO 9660, in whose descriptors the boot catalog is named.
    NoIso9660,
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
    /// More partitions than the tables have room for.
    Partitions {
        /// How many there are.
        count: usize,
        /// How many there may be.
        room: usize,
    },
    /// One image as two partitions.
    PartitionTwice {
        /// The second one's name.
        name: String,
    },
    /// Boot code that is too long.
    Code {
        /// Its bytes.
        bytes: usize,
        /// How many there may be.
        room: usize,
    },
    /// Boot code shall be told of an image for a BIOS, and there is none.
    NothingToTell,
    /// Boot code that does not leave the room that an Apple Partition Map needs.
    NoRoomForMap,
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
            BootError::NoIso9660 => {
                f.write_str("computers start from images that have ISO 9660, and this has none")
            }
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
            BootError::Partitions { count, room } => {
                write!(f, "{count} partitions are more than the partition table takes ({room})")
            }
            BootError::PartitionTwice { name } => {
                write!(f, "the partition {name:?} is one that comes before already")
            }
            BootError::Code { bytes, room } => write!(
                f,
                "the boot code for disks has {bytes} bytes, and the partition tables leave {room}"
            ),
            BootError::NothingToTell => f.write_str(
                "the boot code for disks loads the image for a BIOS, and there is no such image",
            ),
            BootError::NoRoomForMap => f.write_str(
                "the boot code for disks does not begin such that an Apple Partition Map fits in",
            ),
            BootError::CatalogIsImage { path } => {
                write!(f, "the boot catalog cannot be {path}, which is a boot image")
            }
        }
    }
}

impl std::error::Error for BootError {}
