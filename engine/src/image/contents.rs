//! Where the contents of files lie in an image, and what numbers nodes have on it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use super::iso9660::record::SECTION_MAX;
use super::tree::{Content, ContentId, Kind, Links, NodeId, Source, Tree};
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
    /// Contents that lie where others do, which have the same bytes.
    same: Vec<(ContentId, ContentId)>,
    /// What is recorded of contents whose holes are not.
    runs: BTreeMap<ContentId, Box<[Run]>>,
    /// How many names lead to contents in each view.
    pub links: Links,
    /// Block that stands for everything empty.
    pub empty: u32,
    /// Whether anything is empty.
    pub any_empty: bool,
}

/// What a volume has for its contents.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules<'a> {
    /// The disc's block of the image's block 0.
    pub base: u32,
    /// Contents that lie behind the volume.
    pub tail: &'a [ContentId],
    /// Contents that are told of themselves: nothing else can lie where they do.
    pub apart: &'a [ContentId],
    /// Contents of this many bytes and fewer get no place.
    pub embed_max: u64,
    /// Holes are not recorded.
    pub holes: bool,
}

/// Recorded bytes of a content with holes: whole blocks, but for the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// The first byte in the content.
    at: u64,
    /// The first byte of what is recorded of the content.
    stored: u64,
    bytes: u64,
}

impl Contents {
    /// Puts contents in their order, those that no path leads to before the others, which come by
    /// their weights and then in the order of the paths that lead to them first; and numbers the
    /// nodes. Nothing has a place yet.
    pub(super) fn number(tree: &Tree, rules: Rules<'_>) -> Contents {
        let Rules { base, tail, apart, embed_max, holes } = rules;
        let mut contents = Contents {
            base,
            starts: vec![0; tree.content_count()],
            order: Vec::new(),
            tail: tail.len(),
            same: Vec::new(),
            runs: BTreeMap::new(),
            links: Links::count(tree),
            serials: vec![0; tree.node_bound()],
            empty: 0,
            any_empty: false,
        };
        let hidden = |id: &ContentId| {
            let content = tree.content(*id);
            content.links == 0 && content.size > 0 && !tail.contains(id)
        };
        contents.order.extend((0..tree.content_count() as u32).map(ContentId).filter(hidden));
        let named = contents.order.len();
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
                        _ => match content.same_as.filter(|to| stands_for(tree, id, *to, apart)) {
                            Some(to) => contents.same.push((id, to)),
                            None => contents.order.push(id),
                        },
                    }
                }
                _ => contents.any_empty = true,
            }
        }
        if tree.has_weights() {
            contents.order[named..].sort_by_key(|id| Reverse(tree.weight(*id)));
        }
        if holes {
            let runs = |&id: &ContentId| Some((id, runs(tree.content(id))?.into()));
            contents.runs = contents.order.iter().filter_map(runs).collect();
        }
        contents.order.extend(tail);
        contents.order.shrink_to_fit();
        contents
    }

    /// Gives each content of the volume its place from block `at` on; the block behind the last
    /// one.
    pub(super) fn place(&mut self, tree: &Tree, at: u64) -> u64 {
        let end = self.place_some(tree, 0..self.order.len() - self.tail, at);
        for (id, to) in &self.same {
            self.starts[id.0 as usize] = self.starts[to.0 as usize];
        }
        end
    }

    /// The same for those behind the volume.
    pub(super) fn place_tail(&mut self, tree: &Tree, at: u64) -> u64 {
        self.place_some(tree, self.order.len() - self.tail..self.order.len(), at)
    }

    fn place_some(&mut self, tree: &Tree, which: Range<usize>, mut at: u64) -> u64 {
        for &id in &self.order[which] {
            // Where this does not fit, the end does not either, and the image is refused.
            self.starts[id.0 as usize] = at as u32;
            let stored = match self.runs.get(&id) {
                Some(runs) => runs.last().map_or(0, |run| run.stored + run.bytes),
                None => tree.content(id).size,
            };
            at += stored.div_ceil(BLOCK as u64);
        }
        at
    }

    /// The byte of a content that is recorded as its byte `stored`, and how many follow it.
    pub(super) fn within(&self, tree: &Tree, id: ContentId, stored: u64) -> (u64, u64) {
        match self.runs.get(&id) {
            Some(runs) => {
                let next = runs.partition_point(|run| run.stored <= stored);
                let run = runs[next - 1];
                let skip = stored - run.stored;
                (run.at + skip, run.bytes - skip)
            }
            None => (stored, tree.content(id).size - stored),
        }
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
            _ => {
                let start = self.lba(id);
                let Some(runs) = self.runs.get(&id) else {
                    return vec![(Some(start), content.size)];
                };
                let block = |run: &Run| start.wrapping_add((run.stored / BLOCK as u64) as u32);
                let mut extents = Vec::new();
                let mut at = 0;
                for run in runs {
                    if run.at > at {
                        extents.push((None, run.at - at));
                    }
                    extents.push((Some(block(run)), run.bytes));
                    at = run.at + run.bytes;
                }
                if at < content.size {
                    extents.push((None, content.size - at));
                }
                extents
            }
        }
    }

    /// The bytes of each extent that a content will have, if its holes are not recorded.
    pub(super) fn extent_sizes(content: &Content) -> Vec<u64> {
        let Some(runs) = runs(content) else { return vec![content.size] };
        let mut sizes = Vec::new();
        let mut at = 0;
        for run in &runs {
            sizes.extend((run.at > at).then(|| run.at - at));
            sizes.push(run.bytes);
            at = run.at + run.bytes;
        }
        sizes.extend((at < content.size).then(|| content.size - at));
        sizes
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

/// Whether a content can lie where another one does.
fn stands_for(tree: &Tree, id: ContentId, to: ContentId, apart: &[ContentId]) -> bool {
    let (content, other) = (tree.content(id), tree.content(to));
    let here = !matches!(other.source, Source::OnDisc(_) | Source::Embedded { .. });
    let whole = other.same_as.is_none() && other.links > 0 && other.size == content.size;
    here && whole && !apart.contains(&id) && !apart.contains(&to)
}

/// What of a content is recorded where holes are not; `None` if it has none worth a block.
fn runs(content: &Content) -> Option<Vec<Run>> {
    let parts = content.source.recorded_parts()?;
    let unit = BLOCK as u64;
    let mut runs: Vec<Run> = Vec::new();
    for part in parts {
        let at = part.at / unit * unit;
        let end = (part.at + part.bytes).next_multiple_of(unit).min(content.size);
        match runs.last_mut() {
            Some(last) if at <= last.at + last.bytes => last.bytes = end - last.at,
            last => {
                let stored = last.map_or(0, |run| run.stored + run.bytes);
                runs.push(Run { at, stored, bytes: end - at });
            }
        }
    }
    let whole = matches!(&runs[..], [Run { at: 0, bytes, .. }] if *bytes == content.size);
    (!whole).then_some(runs)
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Container, Meta, Part, Pieces};
    use super::*;

    #[test]
    fn what_is_recorded_of_a_file_with_holes_is_whole_blocks() {
        let part = |at, bytes| Part { at, start: at, bytes };
        let mut tree = Tree::new(Meta::default());
        let file = std::sync::Arc::new(tempfile::tempfile().expect("a file for the test"));
        let parts = [part(2049, 10), part(4095, 2), part(10_000, 240)].into();
        let pieces = Pieces { of: Container::Open(file), parts };
        let source = Source::Pieces(Box::new(pieces));
        let node = tree.add_file(tree.root(), b"f", Meta::default(), 10_240, source);
        let Kind::File(id) = tree.kind(node.expect("new")) else { panic!("a file") };
        let rules = Rules { holes: true, ..Rules::default() };
        let mut contents = Contents::number(&tree, rules);
        assert_eq!(contents.place(&tree, 100), 103);
        let extents = [(None, 2048), (Some(100), 4096), (None, 2048), (Some(102), 2048)];
        assert_eq!(contents.extents(&tree, id), extents);
        assert_eq!(Contents::extent_sizes(tree.content(id)), [2048, 4096, 2048, 2048]);
        assert_eq!(contents.within(&tree, id, 2048), (4096, 2048));
        assert_eq!(contents.within(&tree, id, 4096), (8192, 2048));
        // Otherwise it is recorded with its zeros.
        let mut contents = Contents::number(&tree, Rules::default());
        assert_eq!(contents.place(&tree, 100), 105);
        assert_eq!(contents.extents(&tree, id), [(Some(100), 10_240)]);
    }
}
