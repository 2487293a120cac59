//! The parts of a UDF volume in an image: where each lies, and its blocks on demand.
//!
//! In front, from the recognition sequence at block 16 on: both volume descriptor sequences, the
//! integrity sequence, an anchor at block 256 (ECMA-167, 3/8.4.2.1). Then the partition up to the
//! last block, which is an anchor again. The partition begins with the row of entries and
//! directories; contents and what other file systems need lie behind it, and with a metadata
//! partition the second copy of the row as far away from the first as can be.

use super::space::{Addresses, Space};
use super::volume::{INTEGRITY, METADATA_UNIT, Map, SEQUENCE, Volume, recognition};
use super::{Revision, UdfOptions};
use crate::image::contents::Contents;
use crate::image::layout::{GROWTH, LayoutOptions, Region, Row};
use crate::image::tree::{ContentId, NodeId, Tree};
use crate::units::BLOCK;

/// Where the main sequence begins; the descriptors of ISO 9660 and the recognition sequence come
/// before, once or twice.
const MAIN: [u32; 2] = [32, 64];
/// Where the reserve sequence begins, in another ECC block than the main one.
const RESERVE: u32 = ANCHOR - SEQUENCE;
/// Where the first anchor lies.
const ANCHOR: u32 = 256;
/// Where the partition begins: at an ECC block of any disc. Before it is room for the first anchor
/// as seen from where a state of a growing volume begins.
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
    /// The entry of the metadata file or of its mirror.
    MetadataFile { mirror: bool },
    /// The row of entries and directories, once or twice.
    Space,
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
    /// Blocks of the metadata file's entry and of its mirror's.
    files: [u32; 2],
    /// First block of the row, and of its second copy or again of the first.
    rows: [u32; 2],
}

impl UdfLayout {
    /// Measures the tree. Nothing has a place yet.
    pub(in crate::image) fn measure(
        tree: &Tree,
        udf: UdfOptions,
        options: &LayoutOptions,
        note: &mut dyn FnMut(NodeId, &[u8]),
    ) -> UdfLayout {
        let space = Space::measure(tree, udf, !options.iso9660, !options.reproducible, note);
        let (main, front) = (MAIN[0], PARTITION[0]);
        let (partition, files, rows) = ((0, 0), [0; 2], [0; 2]);
        UdfLayout { options: udf, space, main, front, partition, files, rows }
    }

    /// Contents of this many bytes and fewer lie in the entry of their file.
    pub(in crate::image) fn embed_max(&self) -> u64 {
        self.space.embed_max()
    }

    fn metadata(&self) -> bool {
        self.options.revision >= Revision::V2_50
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
            (self.main + SEQUENCE, Part::Integrity, INTEGRITY),
            (RESERVE, Part::Sequence, SEQUENCE),
            (ANCHOR, Part::Anchor, 1),
        ];
        for (at, part, blocks) in parts.into_iter().chain(second) {
            row.gap_to(at.into());
            row.put(Region::Udf(part), blocks.into());
        }
        row.gap_to(self.front.into());
        // The partition reaches back over what earlier sessions hold, by whole ECC blocks.
        let here = base.saturating_add(self.front);
        let back = here.saturating_sub(lowest.unwrap_or(here)).next_multiple_of(METADATA_UNIT);
        self.partition.0 = here.checked_sub(back).unwrap_or(here % METADATA_UNIT);
        if self.metadata() {
            self.files[0] = row.put(Region::Udf(Part::MetadataFile { mirror: false }), 1);
            row.gap_to_multiple_from(self.front.into(), METADATA_UNIT.into());
        }
        self.rows = [self.place_row(row); 2];
        let origin = if self.metadata() { 0 } else { here - self.partition.0 };
        self.space.set_origin(origin);
    }

    fn place_row(&self, row: &mut Row) -> u32 {
        let start = row.put(Region::Udf(Part::Space), self.space.blocks.into());
        if self.metadata() {
            row.gap_to_multiple_from(self.front.into(), METADATA_UNIT.into());
        }
        start
    }

    /// All that comes behind contents: `pad` blocks of zeros among it.
    pub(in crate::image) fn place_back(&mut self, row: &mut Row, base: u32, pad: u64) {
        if self.metadata() {
            row.gap_to_multiple_from(self.front.into(), METADATA_UNIT.into());
            self.files[1] = row.put(Region::Udf(Part::MetadataFile { mirror: true }), 1);
            row.gap_to_multiple_from(self.front.into(), METADATA_UNIT.into());
            if self.options.mirror {
                self.rows[1] = self.place_row(row);
            }
        }
        let end = (row.at() + pad + 1).next_multiple_of(UNIT);
        let blocks = u64::from(base) + end - 1 - u64::from(self.partition.0);
        // Where this does not fit, the image is refused.
        self.partition.1 = blocks as u32;
        row.put(Region::Pad, end - 1 - row.at());
        row.put(Region::Udf(Part::Anchor), 1);
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
        let volume = self.volume(base, options);
        match part {
            Part::Recognition => recognition(self.options.revision),
            Part::Sequence => volume.sequence(at),
            Part::Integrity => volume.integrity(),
            Part::Anchor => {
                volume.anchor(at, base.wrapping_add(self.main), base.wrapping_add(RESERVE))
            }
            Part::MetadataFile { mirror } => {
                let row = self.within(base, self.rows[usize::from(mirror)]);
                let blocks = self.space.blocks.next_multiple_of(METADATA_UNIT);
                let extent = (row, u64::from(blocks) * BLOCK as u64);
                self.space.metadata_file(mirror, self.within(base, start), extent, options.stamp)
            }
            Part::Space if index == 0 => volume.file_set(self.space.root()),
            Part::Space => {
                let partition = self.partition.0;
                self.space.emit(tree, index - 1, data, Addresses { contents, partition })
            }
        }
    }

    /// A block of the image as one of the partition.
    fn within(&self, base: u32, block: u32) -> u32 {
        base.wrapping_add(block).wrapping_sub(self.partition.0)
    }

    fn volume<'a>(&self, base: u32, options: &'a LayoutOptions) -> Volume<'a> {
        let map = self.metadata().then(|| {
            let [file, mirror] = self.files.map(|block| self.within(base, block));
            let blocks = self.space.blocks.next_multiple_of(METADATA_UNIT);
            (Map::Metadata { file, mirror, duplicated: self.options.mirror }, blocks)
        });
        Volume {
            revision: self.options.revision,
            name: &options.volume_id,
            stamp: options.stamp,
            partition: self.partition,
            map,
            origin: self.space.origin(),
            integrity: base.wrapping_add(self.main + SEQUENCE),
            next_unique: self.space.next_unique(),
            files: self.space.files(),
            directories: self.space.directories,
        }
    }
}
