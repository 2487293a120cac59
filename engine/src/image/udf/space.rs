//! Where file entries and directories lie, and their blocks on demand.
//!
//! They fill one row of blocks, counted from 0: the file set first, then each node's entry in the
//! order of the walk, behind it what else its list of extents or its directory needs. The row lies
//! in the partition, or is all of a metadata partition.

use super::entry::{
    self, Body, CHARACTERISTIC_DIRECTORY, CHARACTERISTIC_PARENT, Entry, Identifier, Streams,
    header_len,
};
use super::wire::Address;
use super::{Partition, Revision, UdfOptions, names, streams};
use crate::image::contents::Contents;
use crate::image::iso9660::names::make_unique;
use crate::image::tree::{Content, Kind, NodeId, Source, Tree, View};
use crate::units::BLOCK;

/// The first number of a file or directory but the root (UDF 2.60, 3.2.1.1).
const FIRST_UNIQUE: u32 = 16;
/// Blocks of the file set descriptor and its end.
pub(super) const FILE_SET: u32 = 2;

/// The row of entries and directories.
#[derive(Debug)]
pub(in crate::image) struct Space {
    options: UdfOptions,
    /// Small files lie in their entries.
    embed: bool,
    all_times: bool,
    /// First block of each node's entry. Hard links have one entry.
    entries: Vec<u32>,
    /// The first node of each entry, by place.
    order: Vec<NodeId>,
    /// The block of the partition where the row begins, as addresses of entries count it.
    origin: u32,
    /// The same in the partition that the disc has.
    place: u32,
    /// Blocks of the row.
    pub blocks: u32,
    /// Entries that are directories, the root among them.
    pub directories: u32,
}

/// How many blocks of the row something takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks {
    /// Those of its entry, and of what continues that.
    pub entry: u32,
    /// Those of bytes behind them.
    pub behind: u32,
}

impl Blocks {
    pub(super) fn total(self) -> u32 {
        self.entry.saturating_add(self.behind)
    }
}

/// What a row has to know of its surroundings.
#[derive(Clone, Copy, Debug)]
pub(in crate::image) struct Addresses<'a> {
    pub contents: &'a Contents,
    /// The disc's block where the partition begins.
    pub partition: u32,
}

impl Space {
    /// Gives each node its place. `alone` is whether no other file system needs the contents of
    /// files in blocks of their own. `note` is told each node and its identifier.
    pub(in crate::image) fn measure(
        tree: &Tree,
        options: UdfOptions,
        alone: bool,
        all_times: bool,
        note: &mut dyn FnMut(NodeId, &[u8]),
    ) -> Space {
        let mut space = Space {
            options,
            embed: alone,
            all_times,
            entries: vec![0; tree.node_bound()],
            order: Vec::new(),
            origin: 0,
            place: 0,
            blocks: FILE_SET,
            directories: 0,
        };
        note(tree.root(), &[]);
        let mut met = vec![0; tree.content_count()];
        for node in tree.walk_in(View::Udf) {
            if let Kind::File(id) = tree.kind(node) {
                let first = &mut met[id.0 as usize];
                if *first != 0 {
                    space.entries[node.0 as usize] = *first;
                    continue;
                }
                *first = space.blocks;
            }
            space.entries[node.0 as usize] = space.blocks;
            space.order.push(node);
            // Where this does not fit, the partition does not either, and the image is refused.
            space.directories += u32::from(tree.kind(node) == Kind::Directory);
            let blocks = space.measure_node(tree, node, note);
            let streams = streams::blocks(&space, tree, node);
            space.blocks = space.blocks.saturating_add(blocks.total()).saturating_add(streams);
        }
        space
    }

    fn measure_node(
        &self,
        tree: &Tree,
        node: NodeId,
        note: &mut dyn FnMut(NodeId, &[u8]),
    ) -> Blocks {
        let kind = tree.kind(node);
        let attributes = entry::attributes(kind).len();
        let extents = match kind {
            Kind::Directory => {
                let mut bytes = Identifier::len(&[]);
                for (id, child) in entries(tree, node) {
                    note(child, &id);
                    bytes += Identifier::len(&id);
                }
                return Blocks { entry: 1, behind: self.separate(bytes) };
            }
            Kind::Symlink(target) => {
                return Blocks { entry: 1, behind: self.separate(entry::path(target).len()) };
            }
            Kind::File(id) => {
                let content = tree.content(id);
                if self.embeds(content) {
                    return Blocks { entry: 1, behind: 0 };
                }
                match &content.source {
                    Source::OnDisc(extents) => {
                        entry::descriptors(extents.iter().map(|extent| extent.bytes))
                    }
                    _ if self.embed => {
                        entry::descriptors(Contents::extent_sizes(content).into_iter())
                    }
                    _ => entry::descriptors([content.size].into_iter()),
                }
            }
            _ => 0,
        };
        let entry = Entry::blocks(self.options.revision, attributes, self.long(), extents);
        Blocks { entry, behind: 0 }
    }

    /// Blocks behind the entry for so many bytes of a directory or link: none where they fit in it.
    pub(super) fn separate(&self, bytes: usize) -> u32 {
        let room = BLOCK - header_len(self.options.revision);
        if bytes <= room { 0 } else { bytes.div_ceil(BLOCK) as u32 }
    }

    /// Contents of this many bytes and fewer lie in the entry of their file.
    pub(in crate::image) fn embed_max(&self) -> u64 {
        if self.embed { (BLOCK - header_len(self.options.revision)) as u64 } else { 0 }
    }

    fn embeds(&self, content: &Content) -> bool {
        content.size <= self.embed_max() && !matches!(content.source, Source::OnDisc(_))
    }

    /// Extents are told with their partition: they lie in another one than the entries.
    fn long(&self) -> bool {
        self.options.two_maps()
    }

    /// A block of the row as the partition has it.
    pub(super) fn address(&self, block: u32) -> Address {
        Address { block: self.origin.wrapping_add(block), partition: u16::from(self.long()) }
    }

    /// A block of the row that holds bytes behind an entry: with a virtual partition, only
    /// entries and what continues them are found by its table (UDF 2.60, 2.3.10).
    fn data_address(&self, block: u32) -> Address {
        match self.options.partition {
            Partition::Virtual => Address { block: self.place.wrapping_add(block), partition: 0 },
            _ => self.address(block),
        }
    }

    /// Where the row begins, in the partition where addresses of entries count it.
    pub(in crate::image) fn origin(&self) -> u32 {
        self.origin
    }

    /// Sets where in the partition that the disc has the row begins.
    pub(in crate::image) fn set_place(&mut self, place: u32) {
        self.place = place;
        self.origin = if self.options.two_maps() { 0 } else { place };
    }

    /// Where in the partition each virtual block lies, which are numbered like those of the row;
    /// none where bytes of directories and links lie.
    pub(in crate::image) fn virtual_blocks(&self, tree: &Tree) -> Vec<u32> {
        let mut places = vec![u32::MAX; self.blocks as usize];
        places[0] = self.place;
        for &node in &self.order {
            let mut first = self.entries[node.0 as usize];
            let own = self.measure_node(tree, node, &mut |_, _| ());
            for blocks in std::iter::once(own).chain(streams::parts(self, tree, node)) {
                for block in first..first + blocks.entry {
                    places[block as usize] = self.place.wrapping_add(block);
                }
                first += blocks.total();
            }
        }
        places
    }

    /// Where the root's entry lies.
    pub(in crate::image) fn root(&self) -> Address {
        self.address(FILE_SET)
    }

    /// Entries that are not directories.
    pub(in crate::image) fn files(&self) -> u32 {
        self.order.len() as u32 - self.directories
    }

    /// The number that nothing has yet.
    pub(in crate::image) fn next_unique(&self) -> u32 {
        FIRST_UNIQUE + self.order.len() as u32 + self.entries.len() as u32
    }

    /// The number of a node's entry: 0 for the root.
    fn unique(&self, node: NodeId) -> u32 {
        let block = self.entries[node.0 as usize];
        let index = self.order.partition_point(|n| self.entries[n.0 as usize] < block) as u32;
        if index == 0 { 0 } else { FIRST_UNIQUE + index - 1 }
    }

    /// The number of a node's identifier: its entry's, but for further hard links
    /// (UDF 2.60, 2.3.4.3).
    fn identifier_unique(&self, node: NodeId) -> u32 {
        let number = self.unique(node);
        let first = number.checked_sub(FIRST_UNIQUE).map_or(0, |index| index as usize + 1);
        if self.order[first] == node {
            number
        } else {
            FIRST_UNIQUE + self.order.len() as u32 + node.0
        }
    }

    /// Which entry's blocks hold this block of the row, and the first of them; `None` for the file
    /// set.
    pub(in crate::image) fn at(&self, block: u32) -> Option<(usize, u32)> {
        let next = self.order.partition_point(|n| self.entries[n.0 as usize] <= block);
        let index = next.checked_sub(1)?;
        Some((index, self.entries[self.order[index].0 as usize]))
    }

    /// The node of an entry.
    pub(in crate::image) fn node(&self, index: usize) -> NodeId {
        self.order[index]
    }

    /// The content that lies within the blocks of this entry, if there is one.
    pub(in crate::image) fn embedded(
        &self,
        tree: &Tree,
        index: usize,
    ) -> Option<crate::image::tree::ContentId> {
        match tree.kind(self.order[index]) {
            Kind::File(id) if tree.content(id).size > 0 && self.embeds(tree.content(id)) => {
                Some(id)
            }
            _ => None,
        }
    }

    /// The blocks of an entry. `data` is the content that lies within them, if one does.
    pub(in crate::image) fn emit(
        &self,
        tree: &Tree,
        index: usize,
        data: Vec<u8>,
        addresses: Addresses<'_>,
    ) -> Vec<u8> {
        let node = self.order[index];
        let kind = tree.kind(node);
        let first = self.entries[node.0 as usize];
        let behind = first + 1;
        let (bytes, body) = match kind {
            Kind::Directory => self.within(self.directory(tree, node), behind),
            Kind::Symlink(target) => self.within(entry::path(target), behind),
            Kind::File(id) if !self.embeds(tree.content(id)) => {
                let extents = addresses.contents.extents(tree, id).into_iter();
                let place = |block: u32| Address {
                    block: block.wrapping_sub(addresses.partition),
                    partition: 0,
                };
                let extents = extents.map(|(block, bytes)| (block.map(place), bytes));
                (Vec::new(), Body::Extents(extents.collect()))
            }
            _ => (Vec::new(), Body::Embedded(data)),
        };
        let links = match kind {
            // One identifier in its parent or, the root, its own; and the parent's in each within.
            Kind::Directory => {
                let within = |c: &NodeId| tree.kind(*c) == Kind::Directory;
                1 + tree.entries_in(View::Udf, node).filter(within).count()
            }
            Kind::File(id) => tree.links_in(View::Udf, &addresses.contents.links, id) as usize,
            _ => 1,
        };
        let mut meta = *tree.meta(node);
        if !self.all_times {
            (meta.atime, meta.ctime) = (meta.mtime, meta.mtime);
        }
        let entry = Entry {
            revision: self.options.revision,
            kind: entry::type_of(kind),
            meta: &meta,
            links: u16::try_from(links).unwrap_or(u16::MAX),
            unique: self.unique(node).into(),
            attributes: entry::attributes(kind),
            body,
            long: self.long(),
            streams: None,
            is_stream: false,
        };
        self.with_streams(tree, node, entry, bytes)
    }

    /// The blocks of a node's entry, `bytes` behind it, and its streams.
    fn with_streams(
        &self,
        tree: &Tree,
        node: NodeId,
        mut entry: Entry<'_>,
        bytes: Vec<u8>,
    ) -> Vec<u8> {
        let first = self.entries[node.0 as usize];
        let recorded = streams::of(self, tree, node);
        if recorded.is_empty() {
            return self.whole(&entry, first, bytes);
        }
        let own = self.measure_node(tree, node, &mut |_, _| ()).total();
        let directory = first + own;
        entry.streams = Some(Streams {
            directory: self.address(directory),
            bytes: recorded.iter().map(|stream| stream.value.len() as u64).sum(),
        });
        let mut out = self.whole(&entry, first, bytes);
        out.extend(streams::emit(self, &recorded, directory, &entry, self.address(first)));
        out
    }

    /// The blocks of an entry at this block of the row, and of bytes behind it.
    pub(super) fn whole(&self, entry: &Entry<'_>, block: u32, bytes: Vec<u8>) -> Vec<u8> {
        let mut out = entry.emit(self.address(block));
        out.extend(bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        out
    }

    /// Where bytes begin that lie behind an entry in this block of the row.
    pub(super) fn behind(&self, block: u32) -> Address {
        self.data_address(block + 1)
    }

    /// Which edition of UDF it is.
    pub(super) fn revision(&self) -> Revision {
        self.options.revision
    }

    /// Bytes that belong to an entry: in it, or behind it from this block of the row on.
    pub(super) fn within(&self, bytes: Vec<u8>, behind: u32) -> (Vec<u8>, Body) {
        if self.separate(bytes.len()) == 0 {
            return (Vec::new(), Body::Embedded(bytes));
        }
        let len = bytes.len() as u64;
        (bytes, Body::Extents(vec![(Some(self.data_address(behind)), len)]))
    }

    /// The identifiers of a directory (ECMA-167, 4/8.6).
    fn directory(&self, tree: &Tree, node: NodeId) -> Vec<u8> {
        let own = self.entries[node.0 as usize];
        let behind = self.data_address(own + 1).block;
        let own = self.address(own).block;
        let entries = entries(tree, node);
        let bytes: usize = entries.iter().map(|(id, _)| Identifier::len(id)).sum();
        let separate = self.separate(bytes + Identifier::len(&[])) > 0;
        let location = |at: usize| if separate { behind + (at / BLOCK) as u32 } else { own };
        let version = self.options.revision.tag_version();
        let mut out = Vec::with_capacity(bytes + Identifier::len(&[]));
        let parent = tree.parent(node);
        let up = Identifier {
            location: location(0),
            characteristics: CHARACTERISTIC_DIRECTORY | CHARACTERISTIC_PARENT,
            id: &[],
            entry: self.address(self.entries[parent.0 as usize]),
            unique: self.recorded_unique(self.unique(parent)),
        };
        up.emit(&mut out, version);
        for (id, child) in &entries {
            let directory = tree.kind(*child) == Kind::Directory;
            let identifier = Identifier {
                location: location(out.len()),
                characteristics: if directory { CHARACTERISTIC_DIRECTORY } else { 0 },
                id,
                entry: self.address(self.entries[child.0 as usize]),
                unique: self.recorded_unique(self.identifier_unique(*child)),
            };
            identifier.emit(&mut out, version);
        }
        out
    }

    /// Identifiers have numbers from UDF 2.00 on (UDF 2.00, 2.3.4.3).
    pub(super) fn recorded_unique(&self, unique: u32) -> u32 {
        if self.options.revision >= Revision::V2_00 { unique } else { 0 }
    }
}

/// The identifiers of a directory's entries, each once, and their nodes.
fn entries(tree: &Tree, directory: NodeId) -> Vec<(Vec<u8>, NodeId)> {
    let children: Vec<NodeId> = tree.entries_in(View::Udf, directory).collect();
    let name = |i: usize| tree.name_in(View::Udf, children[i]);
    let mut ids: Vec<Vec<u8>> = (0..children.len()).map(|i| names::identifier(name(i))).collect();
    let order = make_unique(&mut ids, |i, number| names::numbered(name(i), number));
    let take = |i: u32| (std::mem::take(&mut ids[i as usize]), children[i as usize]);
    order.into_iter().map(take).collect()
}
