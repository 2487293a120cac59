//! Tables that partitions need: virtual allocation tables, sparing tables, bitmaps of free space
//! (UDF 2.60, 2.2.11, 2.2.12 and 2.3.8; ECMA-167, 4/14.12).
//!
//! May not know: what lies in the partition.

use super::Revision;
use super::wire::{dstring, entity, seal, seal_head, tag, udf_suffix};
use crate::units::BLOCK;

/// Bytes of a virtual allocation table before its numbers, from UDF 2.00 on (UDF 2.60, 2.2.11).
const TABLE_HEADER: u16 = 152;
/// Bytes behind its numbers before that (UDF 1.50, 2.2.10).
const TABLE_END: u64 = 36;
/// A number that stands for nothing: a virtual block that is not used, no table before this one.
const NOTHING: u32 = u32::MAX;
/// Spare packets.
pub(super) const SPARES: u32 = 32;
/// Bytes of a sparing table (UDF 2.60, 2.2.12).
pub(super) const SPARING_TABLE: u32 = 56 + 8 * SPARES;
/// Bytes of a space bitmap before its bits.
pub(super) const BITMAP_HEADER: u64 = 24;

/// What is known of a volume with a virtual allocation table.
#[derive(Clone, Copy, Debug)]
pub(super) struct VirtualTable<'a> {
    pub revision: Revision,
    pub name: &'a str,
    pub files: u32,
    pub directories: u32,
}

impl VirtualTable<'_> {
    /// Bytes of a table of so many numbers.
    pub(super) fn len(revision: Revision, numbers: u32) -> u64 {
        let rest = if revision.third_edition() { TABLE_HEADER.into() } else { TABLE_END };
        u64::from(numbers) * 4 + rest
    }

    /// The table: where in the partition each virtual block lies.
    pub(super) fn emit(&self, places: &[u32]) -> Vec<u8> {
        let mut out = Vec::new();
        if self.revision.third_edition() {
            out.extend(TABLE_HEADER.to_le_bytes());
            out.extend([0; 2]);
            dstring(&mut out, self.name, 128);
            for field in [NOTHING, self.files, self.directories] {
                out.extend(field.to_le_bytes());
            }
            for revision in [self.revision; 3] {
                out.extend(revision.number().to_le_bytes());
            }
            out.extend([0; 2]);
        }
        out.extend(places.iter().flat_map(|place| place.to_le_bytes()));
        if !self.revision.third_edition() {
            entity(&mut out, "*UDF Virtual Alloc Tbl", udf_suffix(self.revision.number()));
            out.extend(NOTHING.to_le_bytes());
        }
        out
    }

    /// The attributes of the table's entry, still without their tag: before UDF 2.00 they hold what
    /// later on the table's header has (UDF 1.50, 3.3.4.5.1.3).
    pub(super) fn attributes(&self) -> Vec<u8> {
        if self.revision.third_edition() {
            return Vec::new();
        }
        let mut attribute = Vec::new();
        attribute.extend(2048u32.to_le_bytes());
        attribute.extend([1, 0, 0, 0]);
        for field in [196u32, 146] {
            attribute.extend(field.to_le_bytes());
        }
        entity(&mut attribute, "*UDF VAT LVExtension", udf_suffix(self.revision.number()));
        // Of all before it (UDF 1.50, 3.3.4.5).
        let sum = attribute.iter().fold(0u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        attribute.extend(sum.to_le_bytes());
        attribute.extend([0; 8]); // The unique number of the table's entry
        attribute.extend(self.files.to_le_bytes());
        attribute.extend(self.directories.to_le_bytes());
        dstring(&mut attribute, self.name, 128);
        attribute.resize(196, 0);
        let mut out = vec![0; 16];
        // Those of implementations come first, those of applications behind them: none.
        out.extend(24u32.to_le_bytes());
        out.extend((24 + attribute.len() as u32).to_le_bytes());
        out.extend(attribute);
        out
    }
}

/// The sparing table at this block of the disc: nothing is replaced yet, and the spare packets of
/// so many blocks lie from `spares` on.
pub(super) fn sparing_table(revision: Revision, at: u32, spares: u32, packet: u32) -> Vec<u8> {
    let mut out = vec![0; 16];
    entity(&mut out, "*UDF Sparing Table", udf_suffix(revision.number()));
    out.extend((SPARES as u16).to_le_bytes());
    out.extend([0; 2]);
    out.extend(1u32.to_le_bytes()); // Sequence number
    for index in 0..SPARES {
        out.extend(NOTHING.to_le_bytes());
        out.extend(spares.wrapping_add(index * packet).to_le_bytes());
    }
    seal(&mut out, 0, revision.tag_version(), at);
    out.resize(packet as usize * BLOCK, 0);
    out
}

/// Blocks of the bitmap of so many blocks.
pub(super) fn bitmap_blocks(of: u64) -> u64 {
    (BITMAP_HEADER + of.div_ceil(8)).div_ceil(BLOCK as u64)
}

/// The bitmap of a partition of `all` blocks, of which those before `free` are in use. It lies at
/// this block of the partition.
pub(super) fn bitmap(revision: Revision, at: u32, free: u32, all: u32) -> Vec<u8> {
    let bytes = all.div_ceil(8);
    let mut out = vec![0; 16];
    out.extend(all.to_le_bytes());
    out.extend(bytes.to_le_bytes());
    // What is free is 1, from the lowest bit on (ECMA-167, 4/14.12.4).
    let bits = |byte: u32| {
        let set = |bit: &u32| (free..all).contains(&(byte * 8 + bit));
        (0..8).filter(set).fold(0u8, |bits, bit| bits | 1 << bit)
    };
    out.extend((0..bytes).map(bits));
    // The CRC may leave out the bits (UDF 2.60, 2.3.8.1).
    seal_head(&mut out, tag::SPACE_BITMAP, revision.tag_version(), at, BITMAP_HEADER as usize);
    out.resize(out.len().next_multiple_of(BLOCK), 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::udf::wire::{Tag, le16, le32};

    /// Bytes of volumes that mkudffs 2.3 made.
    #[test]
    fn tables_are_like_those_of_others() {
        let table = sparing_table(Revision::V2_01, 160, 288, 32);
        assert_eq!(table[16..24], *b"\0*UDF Sp");
        assert_eq!(table[40..44], [1, 2, 0, 0]); // mkudffs names its system behind the revision
        assert_eq!(
            table[48..68],
            *b"\x20\0\0\0\x01\0\0\0\xff\xff\xff\xff\x20\x01\0\0\xff\xff\xff\xff"
        );
        assert_eq!(table[304..316], *b"\xff\xff\xff\xff\0\x05\0\0\0\0\0\0");
        assert_eq!(le16(&table, 10), 0x138 - 16);
        let volume =
            VirtualTable { revision: Revision::V2_01, name: "LinuxUDF", files: 0, directories: 1 };
        let table = volume.emit(&[0, 1]);
        assert_eq!(table.len(), 0xa0);
        assert_eq!(table[..13], *b"\x98\0\0\0\x08LinuxUDF");
        assert_eq!(table[131..140], *b"\x09\xff\xff\xff\xff\0\0\0\0");
        assert_eq!(table[140..152], *b"\x01\0\0\0\x01\x02\x01\x02\x01\x02\0\0");
        assert_eq!(table[152..], *b"\0\0\0\0\x01\0\0\0");
        let volume = VirtualTable { revision: Revision::V1_50, ..volume };
        let table = volume.emit(&[0, 1]);
        assert_eq!(table.len(), 0x2c);
        assert_eq!(table[8..31], *b"\0*UDF Virtual Alloc Tbl");
        let attributes = volume.attributes();
        assert_eq!(attributes.len(), 0xdc);
        assert_eq!(
            attributes[16..40],
            *b"\x18\0\0\0\xdc\0\0\0\0\x08\0\0\x01\0\0\0\xc4\0\0\0\x92\0\0\0"
        );
        // mkudffs has 0x084c: its identifier ends with 4 and 5 for the system.
        assert_eq!(le16(&attributes, 24 + 48), 0x084c - 9);
        assert_eq!(attributes[24 + 62..24 + 75], *b"\x01\0\0\0\x08LinuxUDF");
    }

    #[test]
    fn what_is_not_in_use_is_free() {
        let map = bitmap(Revision::V2_01, 7, 19, 30);
        assert_eq!(map.len(), BLOCK);
        assert_eq!(map[16..29], [30, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0]);
        let tag = Tag { id: tag::SPACE_BITMAP, location: 7, sound: true };
        assert_eq!(Tag::parse(&map), Some(tag));
        assert_eq!(le32(&map, 10) & 0xffff, 8);
        assert_eq!(bitmap_blocks(8 * 2024), 1);
        assert_eq!(bitmap_blocks(8 * 2024 + 1), 2);
    }
}
