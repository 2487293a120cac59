//! The descriptors of a UDF volume (ECMA-167, 2/9, 3/10 and 4/14.1; UDF 2.60, 2.2): what it is
//! called, its partitions, and how they make up one space.

use super::Revision;
use super::options::Access;
use super::space::FILE_SET;
use super::tables::SPARING_TABLE;
use super::wire::{
    Address, charspec, developer, dstring, entity, extent, le32, long_ad, seal, tag, timestamp,
    udf_suffix,
};
use crate::image::time::Time;
use crate::units::BLOCK;

/// Bytes of a volume descriptor (ECMA-167, 3/10), but for the two that have tables.
const DESCRIPTOR: usize = 512;
/// The volume structure descriptors that say "UDF" (ECMA-167, 2/9.1 to 2/9.4 and 3/9.1): beginning,
/// NSR, end.
pub(in crate::image) fn recognition(revision: Revision) -> Vec<u8> {
    let nsr = if revision.third_edition() { b"NSR03" } else { b"NSR02" };
    let mut out = Vec::new();
    for id in [b"BEA01", nsr, b"TEA01"] {
        let start = out.len();
        out.push(0);
        out.extend(id);
        out.push(1);
        out.resize(start + BLOCK, 0);
    }
    out
}

/// A partition map (ECMA-167, 3/10.7; UDF 2.60, 2.2.8 to 2.2.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image) enum Map {
    /// The partition as it is.
    Plain,
    /// Through a virtual allocation table, which lies where the disc ends.
    Virtual,
    /// Around packets that are replaced: blocks of a packet, and where on the disc the sparing
    /// tables lie.
    Sparable { packet: u32, tables: [u32; 2] },
    /// Directories and file entries in a file of their own. Blocks count from the start of the
    /// partition.
    Metadata {
        /// Block of the metadata file's entry.
        file: u32,
        /// Block of the mirror file's entry.
        mirror: u32,
        /// Whether the mirror is a copy and not another name for the same blocks.
        duplicated: bool,
    },
}

/// What a partition map has of free blocks and of blocks: in a virtual partition nobody can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image) struct Room {
    pub free: u32,
    pub blocks: u32,
}

impl Room {
    /// Of a virtual partition (UDF 2.60, 2.2.6.2 and 2.2.6.3).
    pub(in crate::image) const UNKNOWN: Room = Room { free: u32::MAX, blocks: u32::MAX };
}

/// Blocks to which the extents of a metadata file are aligned, and of which they consist
/// (UDF 2.60, 2.2.10): an ECC block of any disc.
pub(in crate::image) const METADATA_UNIT: u32 = 32;

impl Map {
    fn emit(self, out: &mut Vec<u8>, revision: u16) {
        let start = out.len();
        let mut type_2 = |id| {
            out.extend([2, 64, 0, 0]);
            entity(out, id, udf_suffix(revision));
            // Volume sequence number and partition number.
            out.extend([1, 0, 0, 0]);
        };
        match self {
            Map::Plain => return out.extend([1, 6, 1, 0, 0, 0]),
            Map::Virtual => type_2("*UDF Virtual Partition"),
            Map::Sparable { packet, tables } => {
                type_2("*UDF Sparable Partition");
                out.extend((packet as u16).to_le_bytes());
                out.extend([tables.len() as u8, 0]);
                for field in [SPARING_TABLE, tables[0], tables[1]] {
                    out.extend(field.to_le_bytes());
                }
            }
            Map::Metadata { file, mirror, duplicated } => {
                type_2("*UDF Metadata Partition");
                // There is no bitmap where nothing is ever allocated.
                for field in [file, mirror, u32::MAX, METADATA_UNIT] {
                    out.extend(field.to_le_bytes());
                }
                out.extend((METADATA_UNIT as u16).to_le_bytes());
                out.push(u8::from(duplicated));
            }
        }
        out.resize(start + 64, 0);
    }
}

/// What the volume descriptors say. Blocks count from the start of the disc.
#[derive(Clone, Debug)]
pub(in crate::image) struct Volume<'a> {
    pub revision: Revision,
    pub name: &'a str,
    pub stamp: Time,
    /// First block and number of blocks of the partition.
    pub partition: (u32, u32),
    pub access: Access,
    /// The bitmap of free blocks: first block within the partition, and blocks; none has no blocks.
    pub bitmap: (u32, u32),
    /// The partition maps, and what each has.
    pub maps: &'a [(Map, Room)],
    /// Where the file set lies in the partition of the last map.
    pub origin: u32,
    /// Where the integrity sequence lies.
    pub integrity: u32,
    /// The number that the next new file or directory gets.
    pub next_unique: u32,
    pub files: u32,
    pub directories: u32,
}

/// Blocks of a volume descriptor sequence (UDF 2.60, 2.2.3.1 and 2.2.3.2: at least 16).
pub(in crate::image) const SEQUENCE: u32 = 16;
/// Blocks of an integrity sequence, of which two are used (UDF 2.60, 2.2.4.6: at least 8 KiB where
/// it can be written again).
pub(in crate::image) const INTEGRITY: u32 = 16;

impl Volume<'_> {
    fn domain(&self) -> [u8; 8] {
        udf_suffix(self.revision.number())
    }

    fn finish(&self, mut out: Vec<u8>, id: u16, location: u32) -> Vec<u8> {
        out.resize(out.len().max(DESCRIPTOR), 0);
        seal(&mut out, id, self.revision.tag_version(), location);
        out.resize(BLOCK, 0);
        out
    }

    /// An anchor at this block: where the two volume descriptor sequences lie (ECMA-167, 3/10.2).
    pub(in crate::image) fn anchor(&self, at: u32, main: u32, reserve: u32) -> Vec<u8> {
        let mut out = vec![0; 16];
        extent(&mut out, SEQUENCE * BLOCK as u32, main);
        extent(&mut out, SEQUENCE * BLOCK as u32, reserve);
        self.finish(out, tag::ANCHOR, at)
    }

    /// A volume descriptor sequence from this block on.
    pub(in crate::image) fn sequence(&self, at: u32) -> Vec<u8> {
        let descriptors = [
            (tag::PRIMARY_VOLUME, self.primary()),
            (tag::IMPLEMENTATION_USE, self.implementation_use()),
            (tag::PARTITION, self.partition()),
            (tag::LOGICAL_VOLUME, self.logical_volume()),
            (tag::UNALLOCATED_SPACE, Vec::new()),
            (tag::TERMINATING, Vec::new()),
        ];
        let mut out = Vec::with_capacity(SEQUENCE as usize * BLOCK);
        for (number, (id, body)) in (0u32..).zip(descriptors) {
            let mut descriptor = vec![0; 16];
            if id != tag::TERMINATING {
                descriptor.extend(number.to_le_bytes());
            }
            descriptor.extend(body);
            out.extend(self.finish(descriptor, id, at + number));
        }
        out.resize(SEQUENCE as usize * BLOCK, 0);
        out
    }

    /// ECMA-167, 3/10.1, behind its number.
    fn primary(&self) -> Vec<u8> {
        let mut out = vec![0; 4];
        dstring(&mut out, self.name, 32);
        // The only volume of its set: interchange level 2, at most 3 (UDF 2.60, 2.2.2).
        for field in [1u16, 1, 2, 3] {
            out.extend(field.to_le_bytes());
        }
        out.extend([1, 0, 0, 0, 1, 0, 0, 0]);
        // The first sixteen characters tell volume sets apart (UDF 2.60, 2.2.2.5).
        let stamp = self.stamp;
        let set = format!("{:08x}{:08x}{}", stamp.secs as u32, stamp.nanos, self.name);
        dstring(&mut out, &set, 128);
        charspec(&mut out);
        charspec(&mut out);
        out.extend([0; 16]); // Abstract and copyright notice
        entity(&mut out, "*KILN", [0; 8]); // Application
        timestamp(&mut out, self.stamp);
        developer(&mut out);
        out
    }

    /// UDF 2.60, 2.2.7, behind its number.
    fn implementation_use(&self) -> Vec<u8> {
        let mut out = Vec::new();
        entity(&mut out, "*UDF LV Info", self.domain());
        charspec(&mut out);
        dstring(&mut out, self.name, 128);
        for _information in 1..=3 {
            dstring(&mut out, "", 36);
        }
        developer(&mut out);
        out
    }

    /// ECMA-167, 3/10.5, behind its number.
    fn partition(&self) -> Vec<u8> {
        let mut out = vec![1, 0, 0, 0]; // Allocated; partition number 0
        let contents = if self.revision.third_edition() { "+NSR03" } else { "+NSR02" };
        entity(&mut out, contents, [0; 8]);
        // Of tables and bitmaps only the one of free space (ECMA-167, 4/14.3).
        let (bitmap, bitmap_blocks) = self.bitmap;
        out.extend([0; 8]);
        extent(&mut out, bitmap_blocks * BLOCK as u32, bitmap);
        out.extend([0; 112]);
        let (start, blocks) = self.partition;
        for field in [self.access.number(), start, blocks] {
            out.extend(field.to_le_bytes());
        }
        developer(&mut out);
        out
    }

    /// ECMA-167, 3/10.6, behind its number.
    fn logical_volume(&self) -> Vec<u8> {
        let mut out = Vec::new();
        charspec(&mut out);
        dstring(&mut out, self.name, 128);
        out.extend((BLOCK as u32).to_le_bytes());
        entity(&mut out, "*OSTA UDF Compliant", self.domain());
        // Where the file set lies (ECMA-167, 4/3.1).
        let partition = self.maps.len() as u16 - 1;
        let len = self.file_set_blocks() * BLOCK as u32;
        long_ad(&mut out, len, Address { block: self.origin, partition }, 0);
        let mut maps = Vec::new();
        for (map, _) in self.maps {
            map.emit(&mut maps, self.revision.number());
        }
        out.extend((maps.len() as u32).to_le_bytes());
        out.extend((self.maps.len() as u32).to_le_bytes());
        developer(&mut out);
        out.extend([0; 128]);
        extent(&mut out, INTEGRITY * BLOCK as u32, self.integrity);
        out.extend(maps);
        out
    }

    /// Blocks of the file set descriptor and its end: an extent of virtual blocks has no more than
    /// one (UDF 2.60, 2.3.10), and needs no end.
    fn file_set_blocks(&self) -> u32 {
        if self.maps.iter().any(|(map, _)| *map == Map::Virtual) { 1 } else { 2 }
    }
    /// The integrity sequence: closed (ECMA-167, 3/10.10; UDF 2.60, 2.2.6).
    pub(in crate::image) fn integrity(&self) -> Vec<u8> {
        let mut out = vec![0; 16];
        timestamp(&mut out, self.stamp);
        out.extend(1u32.to_le_bytes());
        extent(&mut out, 0, 0);
        out.extend(u64::from(self.next_unique).to_le_bytes());
        out.extend([0; 24]);
        out.extend((self.maps.len() as u32).to_le_bytes());
        out.extend(46u32.to_le_bytes());
        out.extend(self.maps.iter().flat_map(|(_, room)| room.free.to_le_bytes()));
        out.extend(self.maps.iter().flat_map(|(_, room)| room.blocks.to_le_bytes()));
        developer(&mut out);
        out.extend(self.files.to_le_bytes());
        out.extend(self.directories.to_le_bytes());
        // Least revisions to read and to write, and the highest that has written
        // (UDF 2.60, 2.2.6.4): 2.60 adds nothing that a reader of 2.50 would not understand.
        let read = self.revision.min(Revision::V2_50).number();
        for revision in [read, self.revision.number(), self.revision.number()] {
            out.extend(revision.to_le_bytes());
        }
        let mut sequence = self.finish(out, tag::INTEGRITY, self.integrity);
        sequence.extend(self.finish(vec![0; 16], tag::TERMINATING, self.integrity + 1));
        sequence.resize(INTEGRITY as usize * BLOCK, 0);
        sequence
    }

    /// The file set descriptor and its end (ECMA-167, 4/14.1).
    pub(in crate::image) fn file_set(&self, root: Address) -> Vec<u8> {
        let mut out = vec![0; 16];
        timestamp(&mut out, self.stamp);
        for field in [3u16, 3] {
            out.extend(field.to_le_bytes());
        }
        for field in [1u32, 1, 0, 0] {
            out.extend(field.to_le_bytes());
        }
        charspec(&mut out);
        dstring(&mut out, self.name, 128);
        charspec(&mut out);
        dstring(&mut out, self.name, 32);
        dstring(&mut out, "", 32); // Copyright file
        dstring(&mut out, "", 32); // Abstract file
        long_ad(&mut out, BLOCK as u32, root, 0);
        entity(&mut out, "*OSTA UDF Compliant", self.domain());
        let mut blocks = self.finish(out, tag::FILE_SET, self.origin);
        if self.file_set_blocks() > 1 {
            blocks.extend(self.finish(vec![0; 16], tag::TERMINATING, self.origin + 1));
        }
        blocks.resize(FILE_SET as usize * BLOCK, 0);
        blocks
    }
}

/// What the reader needs of a partition map (ECMA-167, 3/10.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::image) enum MapKind {
    /// The partition of that number as it is.
    Plain,
    /// Through a virtual allocation table.
    Virtual,
    /// With a sparing table: packet length in blocks, places of the tables.
    Sparable { packet: u32, tables: Vec<u32> },
    /// In a metadata file: blocks of its entry and of its mirror's.
    Metadata { file: u32, mirror: u32 },
    /// Something else, by its identifier.
    Unknown(String),
}

/// Parses the partition map at the start of `bytes`: its kind, the partition's number, its length.
pub(in crate::image) fn parse_map(bytes: &[u8]) -> Option<(MapKind, u16, usize)> {
    let len = usize::from(*bytes.get(1)?);
    let map = bytes.get(..len).filter(|map| map.len() >= 6)?;
    let le16 = |at: usize| u16::from_le_bytes([map[at], map[at + 1]]);
    if map[0] == 1 {
        return Some((MapKind::Plain, le16(4), len));
    }
    if map[0] != 2 || len < 64 {
        return Some((MapKind::Unknown(format!("type {}", map[0])), 0, len));
    }
    let id = map[5..28].split(|byte| *byte == 0).next().unwrap_or_default();
    let kind = match id {
        b"*UDF Virtual Partition" => MapKind::Virtual,
        b"*UDF Sparable Partition" => MapKind::Sparable {
            packet: u32::from(le16(40)).max(1),
            tables: (0..usize::from(map[42]).min(4)).map(|i| le32(map, 48 + 4 * i)).collect(),
        },
        b"*UDF Metadata Partition" => {
            MapKind::Metadata { file: le32(map, 40), mirror: le32(map, 44) }
        }
        _ => MapKind::Unknown(String::from_utf8_lossy(id).into_owned()),
    };
    Some((kind, le16(38), len))
}
