//! The walk through the directories of a UDF volume (ECMA-167, 4/8.6 and 4/14.4).

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{Body, Entry, lies_within, place, target};
use super::partition::Partitions;
use super::{broken, byte, name, readable, streams};
use crate::image::read::walk::Input;
use crate::image::read::{Flaw, Limits, ReadError};
use crate::image::tree::{
    ContentId, Extent, Kind, Meta, NodeId, Source, Tree, TreeError, TreeErrorKind,
};
use crate::image::udf::entry::{
    CHARACTERISTIC_DELETED, CHARACTERISTIC_DIRECTORY, CHARACTERISTIC_PARENT, file_type,
};
use crate::image::udf::wire::{Address, Tag, le16, le32, tag};
use crate::units::{BLOCK, Blocks};

/// The longest path of a link.
const TARGET_MAX: u64 = 65_536;
/// Bytes of a file identifier descriptor before what is of variable length.
const FIXED: usize = 38;

/// The tree as far as it is known, and the directories still to read.
pub(super) struct Walk<'a, 'b> {
    input: &'b mut Input<'a>,
    partitions: &'b Partitions,
    limits: Limits,
    tree: Tree,
    waiting: Vec<(NodeId, Entry, u32)>,
    /// Blocks of directories' entries that were met: none is read twice, which ends all loops.
    met: BTreeSet<u32>,
    /// Contents that may get further links, by the block of their entry.
    linked: BTreeMap<u32, ContentId>,
    directory_bytes: u64,
    name_bytes: u64,
}

/// A file identifier descriptor.
pub(super) struct Identifier {
    at: u64,
    pub characteristics: u8,
    pub entry: Address,
    pub id: Vec<u8>,
}

impl<'a, 'b> Walk<'a, 'b> {
    /// Reads everything below this root.
    pub(super) fn run(
        input: &'b mut Input<'a>,
        partitions: &'b Partitions,
        root: Address,
    ) -> Result<Tree, ReadError> {
        let Some(entry) = Entry::read(input, partitions, root)? else {
            return Err(broken(0, "the root directory has no entry"));
        };
        if entry.file_type != file_type::DIRECTORY {
            return Err(broken(entry.at, "the root is no directory"));
        }
        let limits = input.limits();
        let mut walk = Walk {
            input,
            partitions,
            limits,
            tree: Tree::new(entry.meta),
            waiting: Vec::new(),
            met: BTreeSet::from([entry.block]),
            linked: BTreeMap::new(),
            directory_bytes: 0,
            name_bytes: 0,
        };
        let node = walk.tree.root();
        walk.streams(node, &entry)?;
        walk.waiting.push((node, entry, 0));
        while let Some((node, entry, depth)) = walk.waiting.pop() {
            walk.directory(node, &entry, depth)?;
        }
        Ok(walk.tree)
    }

    fn directory(&mut self, node: NodeId, entry: &Entry, depth: u32) -> Result<(), ReadError> {
        // Bytes that do not make up a whole descriptor yet, and where they lie.
        let mut left: Vec<u8> = Vec::new();
        let mut pieces: Vec<(u64, Vec<u8>)> = Vec::new();
        match &entry.body {
            Body::Embedded(offset) => {
                let bytes = entry.bytes(self.input, BLOCK as u64)?.unwrap_or_default();
                pieces.push((entry.at + *offset as u64, bytes));
                self.pieces(node, depth, pieces, &mut left)?;
            }
            Body::Extents(extents) => {
                for extent in extents.iter().filter(|extent| !extent.is_hole()) {
                    self.extent(node, depth, *extent, &mut left)?;
                }
            }
        }
        if left.iter().any(|byte| *byte != 0) {
            let path = self.tree.display_path(node);
            self.input.flaw(entry.at, format!("{path}: the directory ends within a descriptor"));
        }
        Ok(())
    }

    fn extent(
        &mut self,
        node: NodeId,
        depth: u32,
        extent: Extent,
        left: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        let first = extent.lba.0.max(0) as u32;
        for index in 0..extent.bytes.div_ceil(BLOCK as u64) {
            let block = u32::try_from(u64::from(first) + index).unwrap_or(u32::MAX);
            let Some(bytes) = readable(self.input, block)? else {
                let path = self.tree.display_path(node);
                self.input.flaw(byte(block), format!("{path}: a piece of it cannot be read"));
                left.clear();
                return Ok(());
            };
            let len = (extent.bytes - index * BLOCK as u64).min(BLOCK as u64) as usize;
            self.pieces(node, depth, vec![(byte(block), bytes[..len].to_vec())], left)?;
        }
        Ok(())
    }

    /// Takes the whole descriptors from pieces of a directory; the rest stays in `left`.
    fn pieces(
        &mut self,
        node: NodeId,
        depth: u32,
        pieces: Vec<(u64, Vec<u8>)>,
        left: &mut Vec<u8>,
    ) -> Result<(), ReadError> {
        for (at, bytes) in pieces {
            self.directory_bytes += bytes.len() as u64;
            let most = self.limits.directory_bytes;
            within(self.directory_bytes, most, at, "directory bytes")?;
            // Where the first byte in `left` would lie if all were in one row.
            let start = at.saturating_sub(left.len() as u64);
            left.extend(bytes);
            let mut used = 0;
            while let Some(len) = whole(&left[used..]) {
                let descriptor = left[used..used + len].to_vec();
                let here = start + used as u64;
                used += len;
                match identifier(&descriptor, here) {
                    Ok(Some(identifier)) => self.identifier(node, depth, identifier)?,
                    Ok(None) => {}
                    Err(what) => {
                        let path = self.tree.display_path(node);
                        self.input.flaw(here, format!("{path}: {what}"));
                        // Nothing says where the next one begins.
                        left.clear();
                        return Ok(());
                    }
                }
            }
            left.drain(..used);
        }
        Ok(())
    }

    fn identifier(
        &mut self,
        parent: NodeId,
        depth: u32,
        identifier: Identifier,
    ) -> Result<(), ReadError> {
        if identifier.characteristics & (CHARACTERISTIC_PARENT | CHARACTERISTIC_DELETED) != 0 {
            return Ok(());
        }
        let at = identifier.at;
        let mut flaws = Vec::new();
        let name = name(&identifier.id, at, &mut flaws);
        self.flaws(flaws);
        self.name_bytes += name.len() as u64;
        within(self.name_bytes, self.limits.name_bytes, at, "bytes of names")?;
        within(self.tree.len() as u64, self.limits.nodes.into(), at, "nodes")?;
        let Some(entry) = Entry::read(self.input, self.partitions, identifier.entry)? else {
            return Ok(());
        };
        let is_directory = entry.file_type == file_type::DIRECTORY;
        if is_directory != (identifier.characteristics & CHARACTERISTIC_DIRECTORY != 0) {
            self.input.flaw(at, "an identifier and its entry differ about being a directory");
        }
        let added = if is_directory {
            self.tree.add_directory(parent, &name, entry.meta)
        } else {
            self.leaf(parent, &name, &entry)?
        };
        if let Ok(node) = added {
            self.streams(node, &entry)?;
        }
        match added {
            Ok(node) if is_directory => {
                let depth = depth + 1;
                within(depth.into(), self.limits.depth.into(), at, "levels")?;
                if self.met.insert(entry.block) {
                    self.waiting.push((node, entry, depth));
                } else {
                    let path = self.tree.display_path(node);
                    let what = "is another directory too; its entries are left out";
                    self.input.flaw(at, format!("{path}: {what}"));
                }
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => {
                self.input.flaw(at, format!("{error}; left out"));
                match error.kind {
                    TreeErrorKind::Full => Err(ReadError::Limit { at, what: "nodes" }),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Gives a node the attributes that its streams are.
    fn streams(&mut self, node: NodeId, entry: &Entry) -> Result<(), ReadError> {
        let Some(directory) = entry.streams else { return Ok(()) };
        let list = streams::read(self.input, self.partitions, directory)?;
        self.name_bytes +=
            list.iter().map(|x| (x.name().len() + x.value().len()) as u64).sum::<u64>();
        within(self.name_bytes, self.limits.name_bytes, entry.at, "bytes of names")?;
        self.tree.set_xattrs(node, list);
        Ok(())
    }

    /// Adds anything but a directory.
    fn leaf(
        &mut self,
        parent: NodeId,
        name: &[u8],
        entry: &Entry,
    ) -> Result<Result<NodeId, TreeError>, ReadError> {
        let (major, minor) = entry.device.unwrap_or_default();
        let kind = match entry.file_type {
            file_type::SYMLINK => {
                let bytes = entry.bytes(self.input, TARGET_MAX)?.unwrap_or_else(|| {
                    self.input.flaw(entry.at, "a link's path is too long or unreadable");
                    Vec::new()
                });
                let mut flaws = Vec::new();
                let target = target(&bytes, entry.at, &mut flaws);
                self.flaws(flaws);
                self.name_bytes += target.len() as u64;
                within(self.name_bytes, self.limits.name_bytes, entry.at, "bytes of names")?;
                let kind = Kind::Symlink(&target);
                return Ok(self.tree.add_special(parent, name, entry.meta, kind));
            }
            file_type::BLOCK_DEVICE => Kind::BlockDevice { major, minor },
            file_type::CHAR_DEVICE => Kind::CharDevice { major, minor },
            file_type::FIFO => Kind::Fifo,
            file_type::SOCKET => Kind::Socket,
            _ => return Ok(self.file(parent, name, entry.meta, entry)),
        };
        Ok(self.tree.add_special(parent, name, entry.meta, kind))
    }

    fn file(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        entry: &Entry,
    ) -> Result<NodeId, TreeError> {
        // 0 is "not specified", 249 real-time data: files like others (UDF 2.60, 2.3.5.2).
        if !matches!(entry.file_type, 0 | file_type::FILE | file_type::REAL_TIME) {
            let what = format!("a file of the unknown type {}", entry.file_type);
            self.input.flaw(entry.at, what);
        }
        if let Some(&content) = self.linked.get(&entry.block) {
            return self.tree.add_link(parent, name, meta, content);
        }
        let source = match &entry.body {
            Body::Embedded(offset) => Source::Embedded { lba: place(entry.block), at: *offset },
            Body::Extents(extents) => {
                let end = Blocks(self.input.blocks());
                if extents.iter().any(|extent| !lies_within(extent, end)) {
                    let mut what = String::new();
                    crate::image::tree::push_readable(&mut what, name);
                    what.push_str(": the file reaches behind the last block");
                    self.input.flaw(entry.at, what);
                }
                Source::OnDisc(extents.as_slice().into())
            }
        };
        let node = self.tree.add_file(parent, name, meta, entry.size, source)?;
        if let (true, Kind::File(content)) = (entry.links > 1, self.tree.kind(node)) {
            self.linked.insert(entry.block, content);
        }
        Ok(node)
    }

    fn flaws(&mut self, flaws: Vec<Flaw>) {
        flaws.into_iter().for_each(|flaw| self.input.flaw(flaw.at, flaw.what));
    }
}

fn within(value: u64, most: u64, at: u64, what: &'static str) -> Result<(), ReadError> {
    if value > most { Err(ReadError::Limit { at, what }) } else { Ok(()) }
}

/// The length of the descriptor at the start of `bytes`, if all of it is there.
pub(super) fn whole(bytes: &[u8]) -> Option<usize> {
    if bytes.len() < FIXED {
        return None;
    }
    let len = FIXED + usize::from(le16(bytes, 36)) + usize::from(bytes[19]);
    let len = len.next_multiple_of(4);
    (len <= bytes.len()).then_some(len)
}

/// Understands a descriptor; `None` where there is none but zeros.
pub(super) fn identifier(bytes: &[u8], at: u64) -> Result<Option<Identifier>, &'static str> {
    let Some(found) = Tag::parse(bytes) else {
        return if bytes.iter().all(|byte| *byte == 0) {
            Ok(None)
        } else {
            Err("a descriptor has no tag")
        };
    };
    if found.id != tag::FILE_IDENTIFIER || !found.sound {
        return Err("a file identifier descriptor is broken; the rest is left out");
    }
    let id = FIXED + usize::from(le16(bytes, 36));
    Ok(Some(Identifier {
        at,
        characteristics: bytes[18],
        entry: Address { block: le32(bytes, 24), partition: le16(bytes, 28) },
        id: bytes[id..id + usize::from(bytes[19])].to_vec(),
    }))
}
