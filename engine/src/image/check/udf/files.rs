//! Directories and file entries (ECMA-167, 4/8 and 4/14; UDF 2.60, 2.3).

use std::collections::{BTreeMap, BTreeSet};

use super::volume::Volume;
use super::{claim, tag};
use crate::image::check::space::Use;
use crate::image::check::{Checker, byte, readable};
use crate::image::read::udf::Found;
use crate::image::read::udf::partition::Partitions;
use crate::image::udf::entry::{CHARACTERISTIC_DIRECTORY, CHARACTERISTIC_PARENT, file_type};
use crate::image::udf::wire::{
    Address, Tag, decompressed, from_timestamp, le16, le32, le64, tag as id,
};
use crate::units::BLOCK;

/// The file has been deleted (ECMA-167, 4/14.4.3).
const DELETED: u8 = 0x04;
/// Type of a directory of streams (ECMA-167, 4/14.6.6).
const STREAM_DIRECTORY: u8 = 13;
/// Bytes of a file identifier descriptor before what is of variable length.
const FIXED: usize = 38;
/// Partitions that are looked at.
const PARTITIONS_MAX: u16 = 8;
/// Extents of a file that are looked at.
const EXTENTS_MAX: usize = 1 << 20;
/// Blocks of a list of extents.
const LISTS_MAX: u32 = 1 << 12;

/// What the walk counted.
#[derive(Default)]
pub(super) struct Counted {
    /// Entries that are no directories, and identifiers of such.
    pub files: u32,
    pub names: u32,
    pub directories: u32,
    pub highest_unique: u64,
    /// Nothing was left out for a limit.
    pub whole: bool,
}

/// An entry that was met: links it says it has, and those that were found.
struct Node {
    at: u64,
    said: u16,
    met: u32,
    counts: Counts,
    unique: u64,
}

/// As what an entry counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    File,
    Directory,
    /// A stream, or a directory of such.
    Nothing,
}

/// A directory to look at.
struct Waiting {
    entry: Address,
    parent: Address,
    /// Of streams, which have other rules about parents.
    streams: bool,
}

/// An entry, its fields checked.
struct Entry {
    at: u64,
    file_type: u8,
    size: u64,
    unique: u64,
    /// In the entry's block, from this byte on.
    embedded: Option<usize>,
    /// Block of the disc and bytes; none of a hole.
    extents: Vec<(Option<u32>, u64)>,
    streams: Option<Address>,
    partition: u16,
}

struct Walk<'c, 'a, 'v> {
    c: &'c mut Checker<'a>,
    partitions: &'v Partitions,
    revision: u16,
    nodes: BTreeMap<Address, Node>,
    waiting: Vec<Waiting>,
    counted: Counted,
    bytes: u64,
}

pub(super) fn check(c: &mut Checker<'_>, found: &Found, volume: &Volume) -> Counted {
    let (partitions, file_set, root) = found.places();
    if let Some(block) = partitions.block(file_set)
        && let Some(bytes) = c.block(block)
    {
        tag(c, &bytes[..], byte(block), &[id::FILE_SET], file_set.block);
        claim(c, block, 1);
    }
    let mut walk = Walk {
        c,
        partitions,
        revision: volume.revision,
        nodes: BTreeMap::new(),
        waiting: Vec::new(),
        counted: Counted { whole: true, ..Counted::default() },
        bytes: 0,
    };
    walk.link(root, true, 0);
    walk.unlink(root);
    walk.waiting.push(Waiting { entry: root, parent: root, streams: false });
    while let Some(next) = walk.waiting.pop() {
        walk.directory(&next);
    }
    walk.end();
    walk.counted
}

impl Walk<'_, '_, '_> {
    /// Counts an identifier that leads to an entry; the entry if it is met for the first time.
    fn link(&mut self, at: Address, directory: bool, said_by: u64) -> Option<Entry> {
        if let Some(node) = self.nodes.get_mut(&at) {
            node.met += 1;
            if directory && said_by != 0 {
                let what = "two identifiers lead to one directory";
                self.c.error(said_by, "ECMA-167, 4/8.6", what);
            }
            return None;
        }
        if self.nodes.len() >= self.c.limits.nodes as usize {
            self.counted.whole = false;
            return None;
        }
        let Some(block) = self.partitions.block(at) else {
            let what = format!("an entry lies at block {}, in no partition", at.block);
            self.c.error(said_by, "ECMA-167, 4/14.4.5", what);
            return None;
        };
        let Some(bytes) = self.c.block(block) else {
            let what = format!("an entry lies at block {block}, behind the last one");
            self.c.error(said_by, "ECMA-167, 4/14.4.5", what);
            return None;
        };
        claim(self.c, block, 1);
        let entry = self.entry(at, block, &bytes)?;
        let node = Node {
            at: entry.at,
            said: le16(&bytes[..], 48),
            met: 1,
            counts: match entry.file_type {
                file_type::DIRECTORY => Counts::Directory,
                STREAM_DIRECTORY => Counts::Nothing,
                _ => Counts::File,
            },
            unique: entry.unique,
        };
        self.nodes.insert(at, node);
        for &(place, bytes) in &entry.extents {
            let Some(place) = place else { continue };
            let what = match entry.file_type {
                file_type::DIRECTORY | STREAM_DIRECTORY => Use::Structure,
                _ => Use::Content,
            };
            if u64::from(place) + bytes.div_ceil(BLOCK as u64) > u64::from(self.c.blocks()) {
                let what = format!(
                    "an extent of {bytes} bytes from block {place} on ends behind the image"
                );
                self.c.error(entry.at, "ECMA-167, 4/14.14", what);
                continue;
            }
            self.c.claims.add(what, byte(place), bytes, entry.at);
        }
        if let Some(streams) = entry.streams {
            self.waiting.push(Waiting { entry: streams, parent: at, streams: true });
        }
        Some(entry)
    }

    /// The root's own identifier is that of its parent.
    fn unlink(&mut self, at: Address) {
        if let Some(node) = self.nodes.get_mut(&at) {
            node.met = 0;
        }
    }

    /// A file entry (ECMA-167, 4/14.9 and 4/14.17).
    fn entry(&mut self, address: Address, block: u32, bytes: &[u8; BLOCK]) -> Option<Entry> {
        let at = byte(block);
        let wanted = [id::FILE_ENTRY, id::EXTENDED_FILE_ENTRY];
        let extended = tag(self.c, bytes, at, &wanted, address.block)? == id::EXTENDED_FILE_ENTRY;
        let strategy = le16(bytes, 20);
        if strategy != 4 && strategy != 4096 {
            let what = format!("an entry has the strategy {strategy}");
            self.c.error(at + 20, "UDF 2.60, 2.3.5.1", what);
        }
        let (recorded_at, times, unique_at, tail) =
            if extended { (72, 80, 200, 208) } else { (64, 72, 160, 168) };
        for field in [times, times + 12] {
            if bytes[field..].first_chunk().and_then(from_timestamp).is_none() {
                self.c.warning(at + field as u64, "ECMA-167, 1/7.3", "a time of an entry is none");
            }
        }
        let (attributes, list) = (le32(bytes, tail) as usize, le32(bytes, tail + 4) as usize);
        let from = (tail + 8).saturating_add(attributes);
        if from.saturating_add(list) > BLOCK {
            let what = "an entry's lengths go past its block";
            self.c.error(at + tail as u64, "ECMA-167, 4/14.9.20", what);
            return None;
        }
        if attributes >= 24 {
            let place = at + tail as u64 + 8;
            let wanted = [id::EXTENDED_ATTRIBUTES];
            tag(self.c, &bytes[tail + 8..from], place, &wanted, address.block);
        }
        let size = le64(bytes, 56);
        let form = le16(bytes, 34) & 7;
        let mut entry = Entry {
            at,
            file_type: bytes[27],
            size,
            unique: le64(bytes, unique_at),
            embedded: None,
            extents: Vec::new(),
            streams: None,
            partition: address.partition,
        };
        if extended && le32(bytes, 152) & (u32::MAX >> 2) > 0 {
            let place = Address { block: le32(bytes, 156), partition: le16(bytes, 160) };
            entry.streams = Some(place);
        }
        let mut recorded = 0;
        match form {
            3 => {
                entry.embedded = Some(from);
                if size != list as u64 {
                    let what = format!("{list} bytes lie in the entry of a file of {size}");
                    self.c.error(at + 56, "ECMA-167, 4/14.9.10", what);
                }
            }
            0 | 1 => {
                recorded = self.extents(&mut entry, &bytes[from..from + list], form == 1, at);
                let told: u64 = entry.extents.iter().map(|(_, bytes)| bytes).sum();
                if told != size {
                    let what = format!("the extents of a file of {size} bytes have {told}");
                    self.c.error(at + 56, "ECMA-167, 4/14.9.10", what);
                }
            }
            _ => {
                let what = format!("extents are told in the form {form}");
                self.c.error(at + 34, "UDF 2.60, 2.3.5.4", what);
            }
        }
        let said = le64(bytes, recorded_at);
        if said != recorded && matches!(form, 0 | 1 | 3) {
            let what =
                format!("{said} blocks are recorded by the entry, {recorded} by its extents");
            self.c.warning(at + recorded_at as u64, "ECMA-167, 4/14.9.11", what);
        }
        Some(entry)
    }

    /// Allocation descriptors (ECMA-167, 4/14.14); blocks that are recorded.
    fn extents(&mut self, entry: &mut Entry, list: &[u8], long: bool, at: u64) -> u64 {
        let unit = if long { 16 } else { 8 };
        let (mut list, mut at) = (list.to_vec(), at);
        let (mut recorded, mut left) = (0, entry.size);
        let mut met = BTreeSet::new();
        loop {
            let mut next = None;
            for ad in list.chunks_exact(unit) {
                let (kind, bytes) = (le32(ad, 0) >> 30, u64::from(le32(ad, 0) & (u32::MAX >> 2)));
                let partition = if long { le16(ad, 8) } else { entry.partition };
                let place = Address { block: le32(ad, 4), partition };
                if bytes == 0 {
                    break;
                }
                if kind == 3 {
                    next = Some(place);
                    break;
                }
                if kind < 2 {
                    recorded += if kind == 0 { bytes.div_ceil(BLOCK as u64) } else { 0 };
                }
                // What lies behind the last byte is room that was kept for more.
                let used = bytes.min(left);
                left -= used;
                if used == 0 {
                    continue;
                }
                if kind != 0 {
                    entry.extents.push((None, used));
                    continue;
                }
                match self.partitions.extent(place, used) {
                    Some(pieces) => {
                        for piece in pieces {
                            let first = u32::try_from(piece.lba.0).unwrap_or(u32::MAX);
                            merge(&mut entry.extents, first, piece.bytes);
                        }
                    }
                    None => {
                        let what = format!(
                            "an extent of {bytes} bytes at block {} lies outside of its partition",
                            place.block
                        );
                        self.c.error(at, "ECMA-167, 4/14.14", what);
                        entry.extents.push((None, used));
                    }
                }
            }
            let Some(place) = next else { return recorded };
            if entry.extents.len() > EXTENTS_MAX {
                self.c.note(at, "limits", "a file has more extents than are looked at");
                return recorded;
            }
            let block = self.partitions.block(place);
            let Some((block, bytes)) = block.and_then(|b| Some((b, self.c.block(b)?))) else {
                let what = "a list of extents goes on where nothing can be read";
                self.c.error(at, "ECMA-167, 4/14.5", what);
                return recorded;
            };
            if !met.insert(block) || met.len() > LISTS_MAX as usize {
                self.c.error(at, "ECMA-167, 4/14.5", "a list of extents has no end");
                return recorded;
            }
            at = byte(block);
            claim(self.c, block, 1);
            let wanted = [id::ALLOCATION_EXTENT];
            if tag(self.c, &bytes[..], at, &wanted, place.block).is_none() {
                return recorded;
            }
            let len = le32(&bytes[..], 20) as usize;
            let Some(more) = bytes.get(24..24usize.saturating_add(len)) else {
                let what = "a list of extents is longer than its block";
                self.c.error(at + 20, "ECMA-167, 4/14.5.3", what);
                return recorded;
            };
            list = more.to_vec();
        }
    }

    fn directory(&mut self, waiting: &Waiting) {
        // Only streams lead here before their entry was met.
        if waiting.streams && self.link(waiting.entry, false, 0).is_none() {
            return;
        }
        let Some(block) = self.partitions.block(waiting.entry) else { return };
        let Some(bytes) = self.c.block(block) else { return };
        // Its flaws were told when it was met.
        let silent = std::mem::take(&mut self.c.report);
        let claims = std::mem::take(&mut self.c.claims);
        let entry = self.entry(waiting.entry, block, &bytes);
        self.c.report = silent;
        self.c.claims = claims;
        let Some(entry) = entry else { return };
        self.bytes += entry.size;
        if self.bytes > self.c.limits.directory_bytes {
            self.counted.whole = false;
            self.c.note(entry.at, "limits", "there are more directories than are looked at");
            return;
        }
        let mut state = Reading::default();
        if let Some(from) = entry.embedded {
            let to = from.saturating_add(entry.size as usize).min(BLOCK);
            state.blocks.push((entry.at + from as u64, waiting.entry.block));
            self.identifiers(waiting, &bytes[from.min(to)..to], &mut state);
        }
        for (place, len) in &entry.extents {
            let Some(first) = *place else { continue };
            for index in 0..len.div_ceil(BLOCK as u64) {
                let Ok(block) = u32::try_from(u64::from(first) + index) else { break };
                let Some(bytes) = self.c.block(block) else { break };
                let used = (len - index * BLOCK as u64).min(BLOCK as u64) as usize;
                state.blocks.push((byte(block), block));
                self.identifiers(waiting, &bytes[..used], &mut state);
            }
        }
        if state.left.iter().any(|byte| *byte != 0) {
            let what = "a directory ends within an identifier";
            self.c.error(entry.at, "ECMA-167, 4/8.6", what);
        }
        if state.parents != 1 {
            let what = format!("a directory names its parent {} times", state.parents);
            self.c.error(entry.at, "ECMA-167, 4/8.6", what);
        }
    }

    /// The identifiers in a further piece of a directory.
    fn identifiers(&mut self, waiting: &Waiting, bytes: &[u8], state: &mut Reading) {
        let here = state.blocks.last().map_or(0, |(at, _)| *at);
        let start = here.saturating_sub(state.left.len() as u64);
        // The block in which the bytes that are left over lie.
        let before = state.blocks.len().checked_sub(2).map(|i| state.blocks[i]);
        let carried = state.left.len();
        state.left.extend_from_slice(bytes);
        let mut used = 0;
        while state.left.len() - used >= FIXED {
            let rest = &state.left[used..];
            if Tag::parse(rest).is_none() {
                break;
            }
            let len = FIXED + usize::from(le16(rest, 36)) + usize::from(rest[19]);
            let len = len.next_multiple_of(4);
            let Some(descriptor) = rest.get(..len).map(<[u8]>::to_vec) else { break };
            let (at, block) = match before {
                Some((at, block)) if used < carried => {
                    (at + (BLOCK - carried + used) as u64, block)
                }
                _ => (start + used as u64, state.blocks.last().map_or(0, |(_, block)| *block)),
            };
            used += len;
            if !self.identifier(waiting, &descriptor, (at, block), state) {
                state.left.clear();
                return;
            }
        }
        state.left.drain(..used);
    }

    /// One identifier (ECMA-167, 4/14.4); false if nothing says where the next one begins.
    fn identifier(
        &mut self,
        waiting: &Waiting,
        bytes: &[u8],
        (at, block): (u64, u32),
        state: &mut Reading,
    ) -> bool {
        // The tag tells the block within the partition of the extent, which need not be the
        // entry's.
        let told = le32(bytes, 12);
        let mut partitions = 0..PARTITIONS_MAX;
        let right = told == block
            || partitions.any(|partition| {
                self.partitions.block(Address { block: told, partition }) == Some(block)
            });
        let location = if right { told } else { block };
        if tag(self.c, bytes, at, &[id::FILE_IDENTIFIER], location).is_none() {
            return false;
        }
        if le16(bytes, 16) != 1 {
            let what = format!("a file has the version {}", le16(bytes, 16));
            self.c.error(at + 16, "ECMA-167, 4/14.4.2", what);
        }
        let characteristics = bytes[18];
        let target = Address { block: le32(bytes, 24), partition: le16(bytes, 28) };
        state.count += 1;
        if characteristics & CHARACTERISTIC_PARENT != 0 {
            state.parents += 1;
            if state.count != 1 {
                let what = "the parent is not the first that a directory names";
                self.c.warning(at, "UDF 2.60, 2.3.4", what);
            }
            if target != waiting.parent && !waiting.streams {
                let what = format!("a directory has its parent at block {}", target.block);
                self.c.error(at + 24, "ECMA-167, 4/8.6", what);
            }
            // What a stream belongs to is not one more directory's entry (UDF 2.60, 3.3.5.1).
            if let Some(node) = self.nodes.get_mut(&target).filter(|_| !waiting.streams) {
                node.met += 1;
            }
            return true;
        }
        if characteristics & DELETED != 0 {
            return true;
        }
        let from = FIXED + usize::from(le16(bytes, 36));
        let name = &bytes[from..from + usize::from(bytes[19])];
        if decompressed(name).is_none() || name.is_empty() {
            let what = "a name is empty or in no known form";
            self.c.error(at + from as u64, "UDF 2.60, 2.1.1", what);
        } else if !state.names.insert(name.to_vec()) {
            let what = format!("two files are called {}", readable(&name[1..]));
            self.c.error(at + from as u64, "ECMA-167, 4/8.6", what);
        }
        let directory = characteristics & CHARACTERISTIC_DIRECTORY != 0;
        if !directory && !waiting.streams {
            self.counted.names += 1;
        }
        let Some(entry) = self.link(target, directory, at) else { return true };
        if directory != (entry.file_type == file_type::DIRECTORY) {
            let what = "an identifier and its entry differ about being a directory";
            self.c.error(at + 18, "ECMA-167, 4/14.4.3", what);
        }
        let low = le32(bytes, 32);
        if self.revision >= 0x200 && low != entry.unique as u32 && self.nodes[&target].said == 1 {
            let what = format!("an identifier has the number {low}, its entry {}", entry.unique);
            self.c.warning(at + 32, "UDF 2.60, 2.3.4.3", what);
        }
        if entry.file_type == file_type::DIRECTORY {
            let parent = waiting.entry;
            self.waiting.push(Waiting { entry: target, parent, streams: false });
        } else if waiting.streams {
            self.nodes.get_mut(&target).expect("met above").counts = Counts::Nothing;
        }
        true
    }

    /// What can be told when all is met.
    fn end(&mut self) {
        let mut numbers: BTreeMap<u64, u64> = BTreeMap::new();
        let mut findings = Vec::new();
        for node in self.nodes.values() {
            let streams = node.met == 1 && node.said == 0;
            if u32::from(node.said) != node.met && !streams && self.counted.whole {
                let what = format!("an entry has {} links and says {}", node.met, node.said);
                findings.push((node.at + 48, "ECMA-167, 4/14.9.6", what));
            }
            match node.counts {
                Counts::Directory => self.counted.directories += 1,
                Counts::File => self.counted.files += 1,
                Counts::Nothing => {}
            }
            self.counted.highest_unique = self.counted.highest_unique.max(node.unique);
            // Streams have the number of what they belong to (UDF 2.60, 3.3.5.1).
            let own = node.unique != 0 && node.counts != Counts::Nothing;
            if own && numbers.insert(node.unique, node.at).is_some() {
                let what = format!("two entries have the number {}", node.unique);
                findings.push((node.at, "UDF 2.60, 3.2.1.1", what));
            }
        }
        for (at, clause, what) in findings {
            self.c.warning(at, clause, what);
        }
    }
}

/// What is known while a directory is gone through.
#[derive(Default)]
struct Reading {
    /// Bytes that do not make up a whole identifier yet.
    left: Vec<u8>,
    /// Place and block of each piece.
    blocks: Vec<(u64, u32)>,
    count: u32,
    parents: u32,
    names: BTreeSet<Vec<u8>>,
}

/// Adds an extent, to the one before if they are in a row.
fn merge(extents: &mut Vec<(Option<u32>, u64)>, first: u32, bytes: u64) {
    if let Some((Some(start), before)) = extents.last_mut()
        && before.is_multiple_of(BLOCK as u64)
        && u64::from(*start) + *before / BLOCK as u64 == u64::from(first)
    {
        *before += bytes;
        return;
    }
    extents.push((Some(first), bytes));
}
