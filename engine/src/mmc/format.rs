//! Formatting: the reply of READ FORMAT CAPACITIES and the parameter list of FORMAT UNIT.

use crate::mmc::wire::{WireError, body, code, layout, list, need};
use crate::units::{Blocks, Lba};

code! {
    /// What the first capacity in the list is about (MMC-5, 6.24.3.2).
    pub enum CapacityState {
        /// Reserved.
        Reserved = 0,
        /// Not formatted: the most that formatting can give.
        Unformatted = 1,
        /// Formatted: what it holds.
        Formatted = 2,
        /// No medium, or the drive cannot say (DVD-RW in intermediate state).
        Unknown = 3,
    }
}

code! {
    /// Format type (MMC-5, 6.24.3.3 and 6.5.4).
    pub enum FormatType {
        /// Full format.
        Full = 0x00,
        /// Spare area expansion.
        SpareExpansion = 0x01,
        /// Zone reformat.
        ZoneReformat = 0x04,
        /// Zone format.
        ZoneFormat = 0x05,
        /// CD-RW and DVD-RW, full.
        RwFull = 0x10,
        /// CD-RW and DVD-RW, grow the last session.
        GrowSession = 0x11,
        /// CD-RW and DVD-RW, add a session.
        AddSession = 0x12,
        /// DVD-RW, quick grow of the last border.
        QuickGrow = 0x13,
        /// DVD-RW, quick add of a border.
        QuickAdd = 0x14,
        /// DVD-RW, quick.
        Quick = 0x15,
        /// Full with sparing.
        FullSparing = 0x20,
        /// Mount Rainier.
        Mrw = 0x24,
        /// DVD+RW basic.
        DvdPlusRw = 0x26,
        /// BD-RE with spare areas.
        BdReSpares = 0x30,
        /// BD-RE without spare areas.
        BdReNoSpares = 0x31,
        /// BD-R with spare areas.
        BdRSpares = 0x32,
    }
}

layout! {
    /// Current or maximum capacity (MMC-5, 6.24.3.2).
    pub struct CapacityDescriptor[8] {
        /// Blocks.
        blocks: Blocks = (0 .. 4),
        /// What they are.
        state: CapacityState = (4 . 1-0),
        /// Bytes in a block.
        block_length: u32 = (5 .. 8),
    }
}

layout! {
    /// A capacity that formatting can give (MMC-5, 6.24.3.3).
    pub struct FormattableCapacity[8] {
        /// Blocks.
        blocks: Blocks = (0 .. 4),
        /// By which format type.
        kind: FormatType = (4 . 7-2),
        /// Sub-type; zero in replies.
        sub_type: u8 = (4 . 1-0),
        /// Parameter by type: block length, packet size, spare clusters.
        parameter: u32 = (5 .. 8),
    }
}

layout! {
    /// The parameter list of FORMAT UNIT with its one descriptor (MMC-5, 6.5.3).
    pub struct FormatList[12] {
        /// The next five bits are valid.
        fov: bool = (1 . 7),
        /// Disable primary defect list.
        dpry: bool = (1 . 6),
        /// Disable certification.
        dcrt: bool = (1 . 5),
        /// Stop format on trouble.
        stpf: bool = (1 . 4),
        /// Initialization pattern.
        ip: bool = (1 . 3),
        /// Try-out.
        try_out: bool = (1 . 2),
        /// Status before the work is done.
        immed: bool = (1 . 1),
        /// Vendor specific.
        vs: bool = (1 . 0),
        /// Blocks that are wanted.
        blocks: Blocks = (4 .. 8),
        /// Format type.
        kind: FormatType = (8 . 7-2),
        /// Sub-type, of BD: 0 quick or with pseudo-overwrite, and so on.
        sub_type: u8 = (8 . 1-0),
        /// Parameter by type.
        parameter: u32 = (9 .. 12),
    } fixed { (2 .. 4) = 8, }
}

/// The reply of READ FORMAT CAPACITIES.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FormatCapacities {
    /// Current or maximum capacity.
    pub current: CapacityDescriptor,
    /// What formatting can give.
    pub formattable: Vec<FormattableCapacity>,
}

impl FormatCapacities {
    /// As many as the one byte of length can count, besides the current one.
    const MAX: usize = 30;

    /// Total length of the reply by its header; `None` where even that is cut.
    pub fn announced(bytes: &[u8]) -> Option<usize> {
        bytes.get(3).map(|&len| usize::from(len) + 4)
    }

    /// Parses a reply that holds at least the current capacity.
    pub fn parse(bytes: &[u8]) -> Result<FormatCapacities, WireError> {
        need(bytes, "format capacities", 12)?;
        let end = u64::from(bytes[3]) + 4;
        let rest = body(bytes, 12, end);
        let max = FormatCapacities::MAX;
        Ok(FormatCapacities {
            current: CapacityDescriptor::parse_cut(body(bytes, 4, end.min(12))),
            formattable: list(rest, FormattableCapacity::LEN, max, FormattableCapacity::parse_cut),
        })
    }

    /// The whole reply.
    pub fn emit(&self) -> Vec<u8> {
        let formattable = &self.formattable[..self.formattable.len().min(FormatCapacities::MAX)];
        let mut bytes = vec![0, 0, 0, (8 + 8 * formattable.len()) as u8];
        bytes.extend(self.current.emit());
        bytes.extend(formattable.iter().flat_map(FormattableCapacity::emit));
        bytes
    }

    /// The first capacity that this type of formatting can give.
    pub fn by(&self, kind: FormatType) -> Option<&FormattableCapacity> {
        self.formattable.iter().find(|capacity| capacity.kind == kind)
    }
}

layout! {
    /// The reply of READ CAPACITY (MMC-5, 6.19.3).
    pub struct Capacity[8] {
        /// Last block. On blank media many drives say 0.
        last: Lba = (0 .. 4),
        /// Bytes in a block.
        block_length: u32 = (4 .. 8),
    }
}
