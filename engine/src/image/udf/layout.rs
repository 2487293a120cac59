//! The parts of a UDF volume in an image: where each lies, and its blocks on demand.
//!
//! In front, from the recognition sequence at block 16 on: both volume descriptor sequences, the
//! integrity sequence, an anchor at block 256 (ECMA-167, 3/8.4.2.1); a sparing table and the spare
//! packets where there are some. Then the partition up to the last block, which is an anchor again.
//! The partition begins with the row of entries and directories; contents and what other file
//! systems need lie behind it, and what the partition's kind asks for: the second copy of the row
//! of a metadata partition as far away from the first as can be, the bitmap of what is free. A
//! virtual allocation table ends the volume in the place of the last anchor.

use super::entry::{file_type, system_file};
use super::space::{Addresses, Space};
use super::tables::{self, SPARES, VirtualTable};
use super::volume::{INTEGRITY, METADATA_UNIT, Map, Room, SEQUENCE, Volume, recognition};
use super::{Partition, UdfError, UdfOptions};
use crate::image::contents::Contents;
use crate::image::layout::{GROWTH, LayoutOptions, Region, Row};
use crate::image::tree::{ContentId, NodeId, Tree, View};
use crate::units::BLOCK;

/// Where the main sequence begins; the descriptors of ISO 9660 and the recognition sequence come
/// before, once or twice.
const MAIN: [u32; 2] = [32, 64];
/// How far behind it the integrity sequence begins: in a packet of its own, since it is written
/// again and again.
const BEHIND_MAIN: u32 = 32;
/// Where the reserve sequence begins, in another ECC block than the main one.
const RESERVE: u32 = ANCHOR - SEQUENCE;
/// Where the first anchor lies.
const ANCHOR: u32 = 256;
/// Where the partition begins, if no spare packets do: at an ECC block of any disc. Before it is
/// room for the first anchor as seen from where a state of a growing volume begins.
const PARTITION: [u32; 2] = [288, 320];
/// The image ends with a whole ECC block, so that a disc ends with the last anchor.
const UNIT: u64 = 32;

/// A part of the volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image) enum Part {
    /// The recognition sequence.
    Recognition,
    /// A volume descriptor sequence.
    Sequence,
    /// The integrity sequence.
    Integrity,
    /// One of the anchors.
    Anchor,
    /// One of the sparing tables, in a packet of its own.
    SparingTable,
    /// The entry of the metadata file or of its mirror.
    MetadataFile { mirror: bool },
    /// The row of entries and directories, once or twice.
    Space,
    /// The bitmap of free blocks.
    Bitmap,
    /// The virtual allocation table and its entry.
    VirtualTable,
}

/// The parts of a volume. Blocks count from the start of the image.
#[derive(Debug)]
pub(in crate::image) struct UdfLayout {
    options: UdfOptions,
    space: Space,
    /// Blocks of the main sequence, and of the start of what belongs to the partition.
    main: u32,
    front: u32,
    /// The disc's block where the partition begins, and its blocks.
    partition: (u32, u32),
    /// Blocks of the partition that are in use; those behind them are free.
    used: u32,
    /// Blocks of the metadata file's entry and of its mirror's.
    files: [u32; 2],
    /// First block of the row, and of its second copy or again of the first.
    rows: [u32; 2],
    /// The sparing tables.
    sparing: [u32; 2],
    /// First block of the bitmap, and blocks.
    bitmap: (u32, u32),
}

impl UdfLayout {
    /// Measures the tree. Nothing has a place yet.
    pub(in crate::image) fn measure(
        tree: &Tree,
        udf: UdfOptions,
        options: &LayoutOptions,
        note: &mut dyn FnMut(NodeId, &[u8]),
    ) -> Result<UdfLayout, UdfError> {
        udf.check(!options.iso9660, options.base.0 == 0, options.in_place)?;
        let space = Space::measure(tree, udf, !options.iso9660, !options.reproducible, note);
        Ok(UdfLayout {
            options: udf,
            space,
            main: MAIN[0],
            front: PARTITION[0],
            partition: (0, 0),
            used: 0,
            files: [0; 2],
            rows: [0; 2],
            sparing: [0; 2],
            bitmap: (0, 0),
        })
    }

    /// Contents of this many bytes and fewer lie in the entry of their file.
    pub(in crate::image) fn embed_max(&self) -> u64 {
        self.space.embed_max()
    }

    /// Whether nothing may lie behind the volume.
    pub(in crate::image) fn is_last(&self) -> bool {
        self.options.partition == Partition::Virtual
    }

    /// The recognition sequence, which follows the descriptors of ISO 9660 (ECMA-167, 2/8.3.1).
    pub(in crate::image) fn place_recognition(row: &mut Row) {
        row.put(Region::Udf(Part::Recognition), 3);
    }

    /// All that comes before contents. `base` is the disc's block of the image's block 0, `lowest`
    /// the lowest block of earlier sessions that belongs to the volume. `twice`: it is seen from
    /// where a state of a growing volume begins as well.
    pub(in crate::image) fn place_front(
        &mut self,
        row: &mut Row,
        base: u32,
        lowest: Option<u32>,
        twice: bool,
    ) {
        (self.main, self.front) = (MAIN[usize::from(twice)], PARTITION[usize::from(twice)]);
        let second = twice.then_some((GROWTH + ANCHOR, Part::Anchor, 1));
        let parts = [
            (self.main, Part::Sequence, SEQUENCE),
            (self.main + BEHIND_MAIN, Part::Integrity, INTEGRITY),
            (RESERVE, Part::Sequence, SEQUENCE),
            (ANCHOR, Part::Anchor, 1),
        ];
        for (at, part, blocks) in parts.into_iter().chain(second) {
            row.gap_to(at.into());
            row.put(Region::Udf(part), blocks.into());
        }
        row.gap_to(self.front.into());
        if let Some(packet) = self.options.packet() {
            self.sparing[0] = row.put(Region::Udf(Part::SparingTable), packet.into());
            row.gap_to(u64::from(self.spares() + SPARES * packet).next_multiple_of(UNIT));
        }
        // The partition reaches back over what earlier sessions hold, by whole ECC blocks.
        let here = base.saturating_add(row.at() as u32);
        let back = here.saturating_sub(lowest.unwrap_or(here)).next_multiple_of(METADATA_UNIT);
        self.partition.0 = here.checked_sub(back).unwrap_or(here % METADATA_UNIT);
        if self.options.metadata() {
            self.files[0] = row.put(Region::Udf(Part::MetadataFile { mirror: false }), 1);
            row.gap_to_multiple_from(self.front.into(), METADATA_UNIT.into());
        }
        self.rows = [self.place_row(row); 2];
        self.space.set_place(self.within(base, self.rows[0]));
    }

    /// Where the spare packets begin.
    fn spares(&self) -> u32 {
        self.sparing[0] + self.options.packet().unwrap_or(0)
    }

    fn place_row(&self, row: &mut Row) -> u32 {
        let start = row.put(Region::Udf(Part::Space), self.space.blocks.into());
        if self.options.metadata() {
            row.gap_to_multiple_from(self.front.into(), METADATA_UNIT.into());
        }
        start
    }

    /// All that comes behind contents: `pad` blocks of zeros among it.
    pub(in crate::image) fn place_back(
        &mut self,
        row: &mut Row,
        base: u32,
        pad: u64,
    ) -> Result<(), UdfError> {
        if self.options.metadata() {
            row.gap_to_multiple_from(self.front.into(), METADATA_UNIT.into());
            self.files[1] = row.put(Region::Udf(Part::MetadataFile { mirror: true }), 1);
            row.gap_to_multiple_from(self.front.into(), METADATA_UNIT.into());
            if self.options.mirror {
                self.rows[1] = self.place_row(row);
            }
        }
        if self.is_last() {
            return self.place_table(row, base, pad);
        }
        // What closes the volume: a sparing table in its packet, the last anchor.
        let packet = self.options.packet().map_or(0, u64::from);
        let closing = packet.max(1);
        let first = u64::from(self.partition.0.saturating_sub(base));
        let changes = self.options.access().changes();
        let end = |bitmap: u64| (row.at() + bitmap + pad + closing).next_multiple_of(UNIT);
        let bitmap = |end: u64| tables::bitmap_blocks(end - closing - first);
        let needed = match changes {
            false => end(0),
            // The bitmap has to tell of itself.
            true => end(bitmap(end(bitmap(end(0))))),
        };
        let end = self.volume_end(needed)?;
        if changes {
            let blocks = bitmap(end);
            self.bitmap = (row.put(Region::Udf(Part::Bitmap), blocks), blocks as u32);
            self.used = (row.at() - first) as u32;
        }
        // Where this does not fit, the image is refused.
        self.partition.1 = (u64::from(base) + end - closing - u64::from(self.partition.0)) as u32;
        if !changes {
            self.used = self.partition.1;
        }
        row.put(Region::Pad, end - closing - row.at());
        if packet > 0 {
            self.sparing[1] = row.put(Region::Udf(Part::SparingTable), packet - 1);
        }
        row.put(Region::Udf(Part::Anchor), 1);
        Ok(())
    }

    /// Where the volume ends that needs so many blocks: where it shall, by whole ECC blocks.
    fn volume_end(&self, needed: u64) -> Result<u64, UdfError> {
        let Some(size) = self.options.size else { return Ok(needed) };
        let end = u64::from(size.0) / UNIT * UNIT;
        if end < needed { Err(UdfError::Size { needed, size }) } else { Ok(end) }
    }

    /// The virtual allocation table, whose entry is the very last block.
    fn place_table(&mut self, row: &mut Row, base: u32, pad: u64) -> Result<(), UdfError> {
        let blocks = self.table_blocks() + 1;
        let end = (row.at() + pad + blocks).next_multiple_of(UNIT);
        // The partition has room for all that the disc has, recorded or not.
        let all = self.volume_end(end)?.max(end);
        self.partition.1 = (u64::from(base) + all - u64::from(self.partition.0)) as u32;
        self.used = self.partition.1.saturating_sub((all - end) as u32);
        row.put(Region::Pad, end - blocks - row.at());
        row.put(Region::Udf(Part::VirtualTable), blocks);
        Ok(())
    }

    fn table_blocks(&self) -> u64 {
        VirtualTable::len(self.options.revision, self.space.blocks).div_ceil(BLOCK as u64)
    }

    /// What of the row lies at this block of it: a number for [`UdfLayout::structure`], and where
    /// it begins.
    pub(in crate::image) fn at(&self, block: u32) -> (usize, u32) {
        match self.space.at(block) {
            None => (0, 0),
            Some((index, first)) => (index + 1, first),
        }
    }

    /// The content that lies within a structure, if there is one.
    pub(in crate::image) fn embedded(
        &self,
        tree: &Tree,
        part: Part,
        index: usize,
    ) -> Option<ContentId> {
        match (part, index) {
            (Part::Space, 1..) => self.space.embedded(tree, index - 1),
            _ => None,
        }
    }

    /// What a person calls a structure.
    pub(in crate::image) fn name(&self, tree: &Tree, part: Part, index: usize) -> String {
        match (part, index) {
            (Part::Space, 1..) => tree.display_path(self.space.node(index - 1)),
            _ => "UDF descriptors".to_owned(),
        }
    }

    /// The blocks of a part that begins at `start`, or of the entry `index` in the row. `data` is
    /// the content that lies within them, if one does.
    pub(in crate::image) fn structure(
        &self,
        tree: &Tree,
        (part, index, start): (Part, usize, u32),
        data: Vec<u8>,
        contents: &Contents,
        options: &LayoutOptions,
    ) -> Vec<u8> {
        let base = contents.base;
        let at = base.wrapping_add(start);
        let revision = self.options.revision;
        let maps = self.maps(base);
        let volume = self.volume(base, &maps, options);
        match part {
            Part::Recognition => recognition(revision),
            Part::Sequence => volume.sequence(at),
            Part::Integrity => volume.integrity(),
            Part::Anchor => {
                volume.anchor(at, base.wrapping_add(self.main), base.wrapping_add(RESERVE))
            }
            Part::SparingTable => self.sparing_table(start),
            Part::MetadataFile { mirror } => {
                let row = self.within(base, self.rows[usize::from(mirror)]);
                let blocks = self.space.blocks.next_multiple_of(METADATA_UNIT);
                let extent = (row, u64::from(blocks) * BLOCK as u64);
                let kind = if mirror { file_type::METADATA_MIRROR } else { file_type::METADATA };
                let at = self.within(base, start);
                system_file(revision, kind, at, extent, options.stamp, Vec::new())
            }
            Part::Space if index == 0 => volume.file_set(self.space.root()),
            Part::Space => {
                let partition = self.partition.0;
                self.space.emit(tree, index - 1, data, Addresses { contents, partition })
            }
            Part::Bitmap => {
                let at = self.within(base, start);
                tables::bitmap(revision, at, self.used, self.partition.1)
            }
            Part::VirtualTable => self.virtual_table(tree, self.within(base, start), options),
        }
    }

    fn sparing_table(&self, start: u32) -> Vec<u8> {
        let packet = self.options.packet().unwrap_or(1);
        // The last anchor lies in the same packet as the second table.
        let blocks = if start == self.sparing[0] { packet } else { packet - 1 };
        let mut out = tables::sparing_table(self.options.revision, start, self.spares(), packet);
        out.resize(blocks as usize * BLOCK, 0);
        out
    }

    fn virtual_table(&self, tree: &Tree, start: u32, options: &LayoutOptions) -> Vec<u8> {
        let revision = self.options.revision;
        let table = VirtualTable {
            revision,
            name: options.volume_name(View::Udf),
            files: self.space.files(),
            directories: self.space.directories,
        };
        let mut out = table.emit(&self.space.virtual_blocks(tree));
        let extent = (start, out.len() as u64);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        // Before UDF 2.00 the table's file has no type of its own (UDF 1.50, 2.2.10).
        let kind = if revision.third_edition() { file_type::VIRTUAL_TABLE } else { 0 };
        let at = start + (out.len() / BLOCK) as u32;
        out.extend(system_file(revision, kind, at, extent, options.stamp, table.attributes()));
        out
    }

    /// A block of the image as one of the partition.
    fn within(&self, base: u32, block: u32) -> u32 {
        base.wrapping_add(block).wrapping_sub(self.partition.0)
    }

    /// The partition maps, and what each has of blocks.
    fn maps(&self, base: u32) -> Vec<(Map, Room)> {
        let blocks = self.partition.1;
        let room = Room { free: blocks.saturating_sub(self.used), blocks };
        let own = match self.options.packet() {
            None => Map::Plain,
            Some(packet) => Map::Sparable { packet, tables: self.sparing },
        };
        let mut maps = vec![(own, room)];
        if self.options.metadata() {
            let [file, mirror] = self.files.map(|block| self.within(base, block));
            let blocks = self.space.blocks.next_multiple_of(METADATA_UNIT);
            let map = Map::Metadata { file, mirror, duplicated: self.options.mirror };
            maps.push((map, Room { free: 0, blocks }));
        } else if self.is_last() {
            maps.push((Map::Virtual, Room::UNKNOWN));
        }
        maps
    }

    fn volume<'a>(
        &self,
        base: u32,
        maps: &'a [(Map, Room)],
        options: &'a LayoutOptions,
    ) -> Volume<'a> {
        let (bitmap, blocks) = self.bitmap;
        Volume {
            revision: self.options.revision,
            name: options.volume_name(View::Udf),
            stamp: options.stamp,
            partition: self.partition,
            access: self.options.access(),
            bitmap: if blocks == 0 { (0, 0) } else { (self.within(base, bitmap), blocks) },
            maps,
            origin: self.space.origin(),
            integrity: base.wrapping_add(self.main + BEHIND_MAIN),
            next_unique: self.space.next_unique(),
            files: self.space.files(),
            directories: self.space.directories,
        }
    }
}
