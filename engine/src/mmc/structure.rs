//! Control structures on DVD and BD: the replies of READ DISC STRUCTURE and the lists of SEND DISC
//! STRUCTURE.
//!
//! Layouts count bytes behind the four bytes of header that every structure has.

use crate::mmc::wire::{WireError, body, code, get_bytes, layout, list, need};
use crate::units::Blocks;

/// Format codes for DVD (media type 0) (MMC-5, 6.23.3.2).
pub mod dvd {
    /// Physical format information.
    pub const PHYSICAL: u8 = 0x00;
    /// Copyright information.
    pub const COPYRIGHT: u8 = 0x01;
    /// Manufacturing information.
    pub const MANUFACTURER: u8 = 0x04;
    /// DVD-RAM disc definition structure.
    pub const RAM_DDS: u8 = 0x08;
    /// DVD-RAM medium status.
    pub const RAM_STATUS: u8 = 0x09;
    /// DVD-RAM spare area.
    pub const RAM_SPARE: u8 = 0x0a;
    /// Pre-recorded information of DVD-R and DVD-RW.
    pub const PRE_RECORDED: u8 = 0x0e;
    /// Physical format information in the lead-in of DVD-R and DVD-RW.
    pub const LEAD_IN_PHYSICAL: u8 = 0x10;
    /// ADIP of DVD+R and DVD+RW.
    pub const ADIP: u8 = 0x11;
    /// Capacity of layer 0.
    pub const LAYER0_CAPACITY: u8 = 0x20;
    /// Disc control blocks of DVD+R and DVD+RW.
    pub const CONTROL_BLOCKS: u8 = 0x30;
}

/// Format codes for BD (media type 1) (MMC-5, 6.23.3.3).
pub mod bd {
    /// Disc information.
    pub const DISC_INFORMATION: u8 = 0x00;
    /// Disc definition structure.
    pub const DDS: u8 = 0x08;
    /// Cartridge status.
    pub const CARTRIDGE: u8 = 0x09;
    /// Spare area information.
    pub const SPARE: u8 = 0x0a;
    /// Raw defect list.
    pub const RAW_DFL: u8 = 0x12;
    /// Physical access control.
    pub const PAC: u8 = 0x30;
}

/// Write protection status, any media type (MMC-5, 6.23.3.4).
pub const WRITE_PROTECTION: u8 = 0xc0;
/// The list of structures, any media type (MMC-5, 6.23.3.4).
pub const STRUCTURE_LIST: u8 = 0xff;

/// A structure with its header: the bytes behind the four that say how long it is.
///
/// The total length by the header: [`crate::mmc::wire::announced2`].
pub fn parse(bytes: &[u8]) -> Result<&[u8], WireError> {
    need(bytes, "disc structure", 4)?;
    Ok(body(bytes, 4, get_bytes(bytes, 0, 2) + 2))
}

/// The reply with this structure.
pub fn emit(structure: &[u8]) -> Vec<u8> {
    let structure = &structure[..structure.len().min(usize::from(u16::MAX) - 2)];
    let [high, low] = (structure.len() as u16 + 2).to_be_bytes();
    let mut bytes = vec![high, low, 0, 0];
    bytes.extend(structure);
    bytes
}

code! {
    /// What a DVD is (MMC-5, 6.23.3.2.1).
    pub enum BookType {
        /// DVD-ROM.
        DvdRom = 0x0,
        /// DVD-RAM.
        DvdRam = 0x1,
        /// DVD-R.
        DvdR = 0x2,
        /// DVD-RW.
        DvdRw = 0x3,
        /// DVD+RW.
        DvdPlusRw = 0x9,
        /// DVD+R.
        DvdPlusR = 0xa,
        /// DVD+RW dual layer.
        DvdPlusRwDl = 0xd,
        /// DVD+R dual layer.
        DvdPlusRDl = 0xe,
    }
}

layout! {
    /// Physical format information, formats 00h, 10h and 11h: what all kinds of DVD have at the
    /// start of it (MMC-5, 6.23.3.2.1).
    pub struct PhysicalFormat[17] {
        /// What the disc is.
        book_type: BookType = (0 . 7-4),
        /// Version of the book.
        part_version: u8 = (0 . 3-0),
        /// 0 120 mm, 1 80 mm.
        disc_size: u8 = (1 . 7-4),
        /// Most transfer rate: 0 2.52, 1 5.04, 2 10.08 Mb/s, Fh not given.
        max_rate: u8 = (1 . 3-0),
        /// Number of layers less one.
        layers: u8 = (2 . 6-5),
        /// Opposite track path, else parallel.
        opposite_path: bool = (2 . 4),
        /// 1 embossed, 2 recordable, 4 rewritable.
        layer_type: u8 = (2 . 3-0),
        /// 0 0.267, 1 0.293, 2 0.409 um/bit and more.
        linear_density: u8 = (3 . 7-4),
        /// 0 0.74, 1 0.80 um/track and more.
        track_density: u8 = (3 . 3-0),
        /// First physical sector of the data area: 030000h, DVD-RAM 031000h.
        start: u32 = (5 .. 8),
        /// Last physical sector of the data area.
        end: u32 = (9 .. 12),
        /// Last physical sector of layer 0, with an opposite track path.
        layer0_end: u32 = (13 .. 16),
        /// There is a burst cutting area.
        bca: bool = (16 . 7),
    }
}

layout! {
    /// Copyright information, format 01h (MMC-5, 6.23.3.2.2).
    pub struct Copyright[4] {
        /// Protection: 0 none, 1 CSS/CPPM, 2 CPRM.
        system: u8 = (0 .. 1),
        /// Regions that may not play it, bit n for region n + 1.
        regions: u8 = (1 .. 2),
    }
}

layout! {
    /// Capacity of layer 0, format 20h (MMC-5, 6.23.3.2.25).
    pub struct Layer0Capacity[8] {
        /// It was set and can no more be changed.
        init_status: bool = (0 . 7),
        /// Blocks of the data area in layer 0.
        blocks: Blocks = (4 .. 8),
    }
}

layout! {
    /// Spare area of DVD-RAM, format 0Ah (MMC-5, 6.23.3.2.11).
    pub struct RamSpareArea[12] {
        /// Primary spare blocks left.
        primary_free: u32 = (0 .. 4),
        /// Supplementary spare blocks left.
        supplementary_free: u32 = (4 .. 8),
        /// Supplementary spare blocks that the disc has.
        supplementary: u32 = (8 .. 12),
    }
}

layout! {
    /// Medium status of DVD-RAM, format 09h (MMC-5, 6.23.3.2.10).
    pub struct RamMediumStatus[4] {
        /// The disc is in a cartridge.
        cartridge: bool = (0 . 7),
        /// The disc has been taken out of its cartridge.
        out: bool = (0 . 6),
        /// Write protected for the reason in the last byte.
        inhibited: bool = (0 . 3),
        /// Write protected by the cartridge's tab.
        cartridge_protected: bool = (0 . 2),
        /// Persistently write protected.
        persistent: bool = (0 . 1),
        /// 00h not to be written without a cartridge, 10h may be.
        disc_type: u8 = (1 .. 2),
        /// Why it is inhibited: 1 a bare disc, FFh not said.
        reason: u8 = (3 .. 4),
    }
}

layout! {
    /// The start of DVD-RAM's disc definition structure, format 08h, as on discs of 4.7 GB
    /// (ECMA-330, 17.8.1). Behind it, at byte 256, the first logical sector of each zone in four
    /// bytes each.
    pub struct RamDefinition[92] {
        /// `0A0Ah`.
        identifier: u16 = (0 .. 2),
        /// Formatting is in progress.
        in_process: bool = (3 . 7),
        /// Certified by a user.
        user_certified: bool = (3 . 1),
        /// Certified by the maker.
        maker_certified: bool = (3 . 0),
        /// How often the lists were written.
        updates: u32 = (4 .. 8),
        /// Groups: 1.
        groups: u16 = (8 .. 10),
        /// Zones: 35.
        zones: u16 = (10 .. 12),
        /// First physical sector of the primary spare area.
        spare_first: u32 = (81 .. 84),
        /// Its last one.
        spare_last: u32 = (85 .. 88),
        /// Physical sector of block 0.
        block0: u32 = (89 .. 92),
    }
}

layout! {
    /// Spare area of BD, format 0Ah, in clusters (MMC-5, 6.23.3.3.5).
    pub struct BdSpareArea[12] {
        /// Spare clusters left.
        free: u32 = (4 .. 8),
        /// Spare clusters that the disc has.
        total: u32 = (8 .. 12),
    }
}

layout! {
    /// A unit of BD disc information, format 00h: what all kinds of BD have in common
    /// (MMC-5, 6.23.3.3.1).
    pub struct BdDiscInformation[112] {
        /// `DI`.
        identifier: [u8; 2] = (bytes 0 .. 2),
        /// Version of the unit's format.
        format: u8 = (2 .. 3),
        /// Units in each block.
        units: u8 = (3 . 4-0),
        /// Written in the old manner: unit of the layer.
        layer: u8 = (4 .. 5),
        /// Sequence number of the unit.
        sequence: u8 = (5 .. 6),
        /// Bytes of the unit in use.
        used: u8 = (6 .. 7),
        /// `BDO`, `BDR`, `BDW`, `BDU`: ROM, R, RE.
        disc_type: [u8; 3] = (bytes 8 .. 11),
        /// Size, class and version, with the layer count in the upper half of the next byte.
        disc_class: u8 = (11 .. 12),
        /// Number of layers.
        layers: u8 = (12 . 7-4),
        /// The layer's type: 1 embossed, 2 write once, 4 rewritable.
        layer_type: u8 = (12 . 3-0),
        /// Channel bit length: 1 74.5 nm (25 GB in a layer).
        channel_bit: u8 = (13 . 3-0),
        /// Maker of the disc.
        manufacturer: [u8; 6] = (bytes 100 .. 106),
        /// The maker's type.
        media_type: [u8; 3] = (bytes 106 .. 109),
        /// Time stamp of the maker.
        time_stamp: u16 = (109 .. 111),
        /// Revision of the product.
        revision: u8 = (111 .. 112),
    }
}

layout! {
    /// Write protection status, format C0h (MMC-5, 6.23.3.4.3).
    pub struct WriteProtection[4] {
        /// Media cartridge write protected by its tab.
        cartridge: bool = (0 . 2),
        /// Persistent write protection.
        persistent: bool = (0 . 1),
        /// Software write protection until power-down.
        software: bool = (0 . 0),
    }
}

layout! {
    /// An entry of the structure list, format FFh (MMC-5, 6.23.3.4.4).
    pub struct StructureListEntry[4] {
        /// Format code.
        format: u8 = (0 .. 1),
        /// SEND DISC STRUCTURE takes it.
        sendable: bool = (1 . 7),
        /// READ DISC STRUCTURE gives it.
        readable: bool = (1 . 6),
        /// Its length with header in bytes.
        length: u16 = (2 .. 4),
    }
}

/// The entries of a structure list without its header.
pub fn parse_list(structure: &[u8]) -> Vec<StructureListEntry> {
    list(structure, StructureListEntry::LEN, 256, StructureListEntry::parse_cut)
}

layout! {
    /// Header of a control data block: disc control block (DVD, 30h) or physical access control
    /// (BD, 30h) (MMC-5, 6.23.3.2.29, 6.23.3.3.7).
    pub struct ControlBlockHeader[4] {
        /// Content descriptor.
        content: [u8; 4] = (bytes 0 .. 4),
    }
}
