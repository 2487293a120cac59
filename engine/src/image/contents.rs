//! Where the contents of files lie in an image, and what numbers nodes have on it.

use std::ops::Range;

use super::iso9660::record::SECTION_MAX;
use super::tree::{ContentId, Kind, NodeId, Source, Tree};
use crate::units::BLOCK;

/// Places of contents, and serial numbers of nodes. Blocks count from the start of the image.
#[derive(Debug)]
pub(super) struct Contents {
    /// The disc's block of the image's block 0.
    pub base: u32,
    /// First block of each content that this image holds, by the content's number.
    starts: Vec<u32>,
    /// The contents that this image holds, in the order of their places.
    order: Vec<ContentId>,
    serials: Vec<u32>,
    /// How many of the last ones in `order` lie behind the volume.
    tail: usize,
    /// Block that stands for everything empty.
    pub empty: u32,
    /// Whether anything is empty.
    pub any_empty: bool,
}

impl Contents {
    /// Puts contents in their order, those that no path leads to before the others, which come in
    /// the order of the paths that lead to them first; and numbers the nodes. Those in `tail` come
    /// last; those of `embed_max` bytes and fewer get no place. Nothing has a place yet.
    pub(super) fn number(tree: &Tree, base: u32, tail: &[ContentId], embed_max: u64) -> Contents {
        let mut contents = Contents {
            base,
            starts: vec![0; tree.content_count()],
            order: Vec::new(),
            tail: tail.len(),
            serials: vec![0; tree.node_bound()],
            empty: 0,
            any_empty: false,
        };
        let hidden = |id: &ContentId| {
            let content = tree.content(*id);
            content.links == 0 && content.size > 0 && !tail.contains(id)
        };
        contents.order.extend((0..tree.content_count() as u32).map(ContentId).filter(hidden));
        // Serial number of each content that has been met.
        let mut met = vec![0; tree.content_count()];
        for (serial, node) in (1..).zip(tree.walk()) {
            let number = &mut contents.serials[node.0 as usize];
            *number = serial;
            match tree.kind(node) {
                Kind::Directory => {}
                Kind::File(id) => {
                    let first = &mut met[id.0 as usize];
                    if *first != 0 {
                        *number = *first;
                        continue;
                    }
                    *first = serial;
                    let content = tree.content(id);
                    match (&content.source, content.size) {
                        (_, 0) => contents.any_empty = true,
                        (Source::OnDisc(_) | Source::Embedded { .. }, _) => {}
                        (_, size) if size <= embed_max => {}
                        _ if tail.contains(&id) => {}
                        _ => contents.order.push(id),
                    }
                }
                _ => contents.any_empty = true,
            }
        }
        contents.order.extend(tail);
        contents.order.shrink_to_fit();
        contents
    }

    /// Gives each content of the volume its place from block `at` on; the block behind the last
    /// one.
    pub(super) fn place(&mut self, tree: &Tree, at: u64) -> u64 {
        self.place_some(tree, 0..self.order.len() - self.tail, at)
    }

    /// The same for those behind the volume.
    pub(super) fn place_tail(&mut self, tree: &Tree, at: u64) -> u64 {
        self.place_some(tree, self.order.len() - self.tail..self.order.len(), at)
    }

    fn place_some(&mut self, tree: &Tree, which: Range<usize>, mut at: u64) -> u64 {
        for &id in &self.order[which] {
            // Where this does not fit, the end does not either, and the image is refused.
            self.starts[id.0 as usize] = at as u32;
            at += tree.content(id).size.div_ceil(BLOCK as u64);
        }
        at
    }

    /// The content that lies at a block behind the first content's start, and its first block.
    pub(super) fn at(&self, block: u32) -> Option<(ContentId, u32)> {
        let start = |id: &ContentId| self.starts[id.0 as usize];
        let next = self.order.partition_point(|id| start(id) <= block);
        let id = self.order.get(next.checked_sub(1)?)?;
        Some((*id, start(id)))
    }

    /// The first block of a content that this image holds, from the start of the disc.
    pub(super) fn lba(&self, id: ContentId) -> u32 {
        self.base.wrapping_add(self.starts[id.0 as usize])
    }

    /// POSIX st_ino: equal for hard links only.
    pub(super) fn serial(&self, node: NodeId) -> u32 {
        self.serials[node.0 as usize]
    }

    /// The file sections of a node: first block from the start of the disc, and bytes. What is
    /// empty has one section with no bytes, in a block of its own: some readers take block 0, or a
    /// block of another file, for a hard link.
    pub(super) fn sections(&self, tree: &Tree, node: NodeId) -> Vec<(u32, u32)> {
        let empty = vec![(self.base + self.empty, 0)];
        let Kind::File(id) = tree.kind(node) else {
            return empty;
        };
        let mut sections = Vec::new();
        for (block, mut bytes) in self.extents(tree, id) {
            // Holes are refused before anything is laid out as ISO 9660.
            let mut block = block.unwrap_or(0);
            while bytes > 0 {
                let len = bytes.min(u64::from(SECTION_MAX)) as u32;
                sections.push((block, len));
                block = block.wrapping_add(len.div_ceil(BLOCK as u32));
                bytes -= u64::from(len);
            }
        }
        if sections.is_empty() { empty } else { sections }
    }

    /// Where a content lies: first blocks from the start of the disc, none of a hole, and bytes.
    pub(super) fn extents(&self, tree: &Tree, id: ContentId) -> Vec<(Option<u32>, u64)> {
        let content = tree.content(id);
        match &content.source {
            Source::OnDisc(extents) => {
                extents.iter().map(|e| (u32::try_from(e.lba.0).ok(), e.bytes)).collect()
            }
            _ => vec![(Some(self.base.wrapping_add(self.starts[id.0 as usize])), content.size)],
        }
    }

    /// The lowest block of what lies on the disc already.
    pub(super) fn lowest(tree: &Tree) -> Option<u32> {
        let contents = tree.walk().filter_map(|node| match tree.kind(node) {
            Kind::File(id) => Some(tree.content(id)),
            _ => None,
        });
        let extents = contents.flat_map(|content| match &content.source {
            Source::OnDisc(extents) => &extents[..],
            _ => &[],
        });
        extents.filter_map(|e| u32::try_from(e.lba.0).ok().filter(|_| e.bytes > 0)).min()
    }
}
