//! The walk from a root directory through all others.

use std::collections::{BTreeMap, BTreeSet};

use super::susp::{Entries, device_number, file_type};
use super::{Flaw, Limits, Namespace, ReadError, Volume};
use crate::image::aaip;
use crate::image::iso9660::record::{
    FIXED, FLAG_ASSOCIATED, FLAG_DIRECTORY, FLAG_MULTI_EXTENT, PARENT, SELF,
};
use crate::image::rockridge as rrip;
use crate::image::sectors::Sectors;
use crate::image::time::Time;
use crate::image::tree::{ContentId, Extent, Kind, Meta, NodeId, Source, Tree, TreeErrorKind};
use crate::units::{BLOCK, Blocks, Lba};

/// Continuation areas that one record may have; Linux follows 32.
const CONTINUATIONS_MAX: usize = 32;
/// The longest piece of a continuation area.
const CONTINUATION_MAX: u32 = 64 * BLOCK as u32;

/// How the records of a hierarchy are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// The primary tree's identifiers.
    Iso9660,
    /// 16-bit identifiers.
    Joliet,
    /// System Use entries, after so many bytes of each field.
    RockRidge {
        /// LEN_SKP (SUSP 1.12, 5.3).
        skip: u8,
    },
}

/// Blocks, and what has been found wrong with them.
pub(in crate::image) struct Input<'a> {
    sectors: &'a mut dyn Sectors,
    limits: Limits,
    block: Option<(u32, Box<[u8; BLOCK]>)>,
    /// Bytes of continuation areas that were read.
    continued: u64,
    pub flaws: Vec<Flaw>,
    pub more_flaws: u64,
}

impl<'a> Input<'a> {
    pub(in crate::image) fn new(sectors: &'a mut dyn Sectors, limits: Limits) -> Input<'a> {
        Input { sectors, limits, block: None, continued: 0, flaws: Vec::new(), more_flaws: 0 }
    }

    pub(super) fn flaw(&mut self, at: u64, what: impl Into<String>) {
        if self.flaws.len() < self.limits.findings as usize {
            self.flaws.push(Flaw { at, what: what.into() });
        } else {
            self.more_flaws += 1;
        }
    }

    /// What was read, with what was found wrong on the way.
    pub(super) fn volume(
        self,
        tree: Tree,
        namespace: Namespace,
        volume_id: String,
        created: Option<Time>,
        space: u32,
    ) -> Volume {
        let (findings, more_findings) = (self.flaws, self.more_flaws);
        Volume { tree, volume_id, namespace, created, space, findings, more_findings }
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    pub(super) fn blocks(&self) -> u32 {
        self.sectors.blocks().0
    }

    /// One block; the last one read is at hand.
    pub(super) fn block(&mut self, block: u32) -> Result<&[u8; BLOCK], ReadError> {
        if self.block.as_ref().is_none_or(|(at_hand, _)| *at_hand != block) {
            let mut bytes = Box::new([0; BLOCK]);
            self.sectors.read(Blocks(block), &mut bytes[..]).map_err(ReadError::Source)?;
            self.block = Some((block, bytes));
        }
        let (_, bytes) = self.block.as_ref().expect("read above");
        Ok(bytes)
    }
}

/// A directory record, its fields checked against its own length only.
#[derive(Debug)]
pub(super) struct Record {
    /// Byte position on the disc.
    pub at: u64,
    /// First block behind the extended attribute record.
    pub block: u32,
    /// Bytes.
    pub bytes: u32,
    pub time: Option<Time>,
    pub flags: u8,
    pub interleaved: bool,
    pub id: Vec<u8>,
    pub system_use: Vec<u8>,
}

impl Record {
    /// Parses the record at the start of `bytes`, which lie at byte `at` of the disc; and its
    /// length. Numbers are taken from their little-endian half (ECMA-119, 9.1).
    pub(super) fn parse(bytes: &[u8], at: u64) -> Result<(Record, usize), &'static str> {
        let len = usize::from(bytes.first().copied().unwrap_or(0));
        let Some(bytes) = bytes.get(..len).filter(|b| b.len() > FIXED) else {
            return Err("a directory record has an impossible length");
        };
        let id_len = usize::from(bytes[32]);
        let Some(id) = bytes.get(FIXED..FIXED + id_len).filter(|id| !id.is_empty()) else {
            return Err("a directory record's identifier is longer than the record");
        };
        let le32 = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let mut time = [0; 7];
        time.copy_from_slice(&bytes[18..25]);
        let system_use = (FIXED + id_len).next_multiple_of(2);
        let record = Record {
            at,
            block: le32(2).saturating_add(u32::from(bytes[1])),
            bytes: le32(10),
            time: Time::from_short(time),
            flags: bytes[25],
            interleaved: bytes[26] != 0 || bytes[27] != 0,
            id: id.to_vec(),
            system_use: bytes.get(system_use..).unwrap_or_default().to_vec(),
        };
        Ok((record, len))
    }
}

/// The tree as far as it is known, and the directories still to read.
pub(super) struct Walk<'a, 'b> {
    input: &'b mut Input<'a>,
    rules: Rules,
    tree: Tree,
    waiting: Vec<Waiting>,
    /// Blocks where directories that were met begin: none is read twice, which ends all loops.
    met: BTreeSet<u32>,
    /// Contents that may get further links, by serial number, first block and size.
    linked: BTreeMap<(u32, u32, u64), ContentId>,
    records: u64,
    directory_bytes: u64,
    name_bytes: u64,
}

struct Waiting {
    node: NodeId,
    block: u32,
    bytes: u32,
    depth: u32,
    /// No record but its own says what it is: the root, or a moved directory.
    own_meta: bool,
}

/// A file of several sections, of which some have been met (ECMA-119, 6.5.1).
struct Sections {
    first: Record,
    extents: Vec<Extent>,
}

impl<'a, 'b> Walk<'a, 'b> {
    /// Reads everything below this root record.
    pub(super) fn run(
        input: &'b mut Input<'a>,
        rules: Rules,
        root: &Record,
    ) -> Result<Tree, ReadError> {
        let mut walk = Walk {
            input,
            rules,
            tree: Tree::new(meta(root, &Entries::default(), true)),
            waiting: Vec::new(),
            met: BTreeSet::new(),
            linked: BTreeMap::new(),
            records: 0,
            directory_bytes: 0,
            name_bytes: 0,
        };
        let node = walk.tree.root();
        walk.met.insert(root.block);
        let (block, bytes) = (root.block, root.bytes);
        walk.waiting.push(Waiting { node, block, bytes, depth: 0, own_meta: true });
        while let Some(next) = walk.waiting.pop() {
            walk.directory(&next)?;
        }
        Ok(walk.tree)
    }

    fn directory(&mut self, directory: &Waiting) -> Result<(), ReadError> {
        let at = u64::from(directory.block) * BLOCK as u64;
        let blocks = directory.bytes.div_ceil(BLOCK as u32);
        let end = u64::from(directory.block) + u64::from(blocks);
        let end = if end > u64::from(self.input.blocks()) {
            let path = self.tree.display_path(directory.node);
            self.input.flaw(at, format!("{path}: the directory reaches behind the last block"));
            self.input.blocks()
        } else {
            end as u32
        };
        let mut sections: Option<Sections> = None;
        for block in directory.block..end {
            self.directory_bytes += BLOCK as u64;
            self.within(
                self.directory_bytes,
                self.input.limits.directory_bytes,
                at,
                "directory bytes",
            )?;
            let start = u64::from(block) * BLOCK as u64;
            let bytes = match self.input.block(block) {
                Ok(bytes) => *bytes,
                Err(ReadError::Source(error)) => {
                    let path = self.tree.display_path(directory.node);
                    self.input.flaw(start, format!("{path}: {error}"));
                    continue;
                }
                Err(error) => return Err(error),
            };
            let mut offset = 0;
            // A length of zero: no more records in this block (ECMA-119, 6.8.1.1).
            while offset < BLOCK && bytes[offset] != 0 {
                let here = start + offset as u64;
                self.records += 1;
                // Each node has a record, and some have several.
                let most = u64::from(self.input.limits.nodes) * 2 + 16;
                self.within(self.records, most, here, "directory records")?;
                match Record::parse(&bytes[offset..], here) {
                    Ok((record, len)) => {
                        offset += len;
                        self.record(directory, record, &mut sections)?;
                    }
                    Err(what) => {
                        let path = self.tree.display_path(directory.node);
                        self.input.flaw(here, format!("{path}: {what}"));
                        break;
                    }
                }
            }
        }
        if let Some(left) = sections {
            self.unfinished(directory, left)?;
        }
        Ok(())
    }

    fn record(
        &mut self,
        directory: &Waiting,
        record: Record,
        sections: &mut Option<Sections>,
    ) -> Result<(), ReadError> {
        if record.id == SELF {
            if directory.own_meta {
                let entries = self.entries(&record)?;
                self.tree.set_meta(directory.node, meta(&record, &entries, true));
                self.xattrs(directory.node, &record, &entries)?;
            }
            return Ok(());
        }
        if record.id == PARENT {
            return Ok(());
        }
        if record.flags & FLAG_ASSOCIATED != 0 || record.interleaved {
            let path = self.tree.display_path(directory.node);
            let what = "an associated or interleaved file is left out";
            self.input.flaw(record.at, format!("{path}: {what}"));
            return Ok(());
        }
        if let Some(open) = sections.as_ref()
            && open.first.id != record.id
            && let Some(open) = sections.take()
        {
            self.unfinished(directory, open)?;
        }
        let lba = Lba(i32::try_from(record.block).unwrap_or(i32::MAX));
        let extent = Extent { lba, bytes: record.bytes.into() };
        if record.flags & FLAG_MULTI_EXTENT != 0 {
            if record.bytes == 0 || !record.bytes.is_multiple_of(BLOCK as u32) {
                let path = self.tree.display_path(directory.node);
                let what = "a file section that is not the last has no whole blocks";
                self.input.flaw(record.at, format!("{path}: {what}"));
            }
            match sections {
                Some(open) => open.extents.push(extent),
                None => *sections = Some(Sections { first: record, extents: vec![extent] }),
            }
            return Ok(());
        }
        match sections.take() {
            Some(mut open) => {
                open.extents.push(extent);
                self.node(directory, &open.first, &open.extents)
            }
            None => self.node(directory, &record, &[extent]),
        }
    }

    fn unfinished(&mut self, directory: &Waiting, open: Sections) -> Result<(), ReadError> {
        let path = self.tree.display_path(directory.node);
        self.input.flaw(open.first.at, format!("{path}: the last section of a file is missing"));
        self.node(directory, &open.first, &open.extents)
    }

    /// Adds what a record, or the records of all sections, stand for.
    fn node(
        &mut self,
        directory: &Waiting,
        record: &Record,
        extents: &[Extent],
    ) -> Result<(), ReadError> {
        let entries = self.entries(record)?;
        if entries.relocated {
            return Ok(());
        }
        let name = self.name(record, &entries);
        self.name_bytes += (name.len() + entries.target.as_ref().map_or(0, Vec::len)) as u64;
        self.within(self.name_bytes, self.input.limits.name_bytes, record.at, "bytes of names")?;
        let nodes = self.tree.len() as u64;
        self.within(nodes, self.input.limits.nodes.into(), record.at, "nodes")?;
        let parent = directory.node;
        let is_directory = record.flags & FLAG_DIRECTORY != 0 || entries.child.is_some();
        let meta = meta(record, &entries, is_directory);
        let added = if is_directory {
            self.tree.add_directory(parent, &name, meta)
        } else {
            self.leaf(parent, &name, meta, record, &entries, extents)
        };
        if let Ok(node) = added {
            self.xattrs(node, record, &entries)?;
        }
        match added {
            Ok(node) if is_directory => self.descend(directory, node, record, &entries),
            Ok(_) => Ok(()),
            Err(error) => {
                // A second version of a file, or a name that means something else to the host.
                self.input.flaw(record.at, format!("{error}; left out"));
                match error.kind {
                    TreeErrorKind::Full => Err(ReadError::Limit { at: record.at, what: "nodes" }),
                    _ => Ok(()),
                }
            }
        }
    }

    /// Gives a node the extended attributes that its record has.
    fn xattrs(
        &mut self,
        node: NodeId,
        record: &Record,
        entries: &Entries,
    ) -> Result<(), ReadError> {
        if entries.attributes.is_empty() {
            return Ok(());
        }
        self.name_bytes += entries.attributes.len() as u64;
        self.within(self.name_bytes, self.input.limits.name_bytes, record.at, "bytes of names")?;
        match aaip::read(&entries.attributes, self.tree.meta(node).mode) {
            Some(list) => self.tree.set_xattrs(node, list),
            None => {
                let path = self.tree.display_path(node);
                self.input
                    .flaw(record.at, format!("{path}: its extended attributes make no sense"));
            }
        }
        Ok(())
    }

    /// Adds anything but a directory.
    fn leaf(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        record: &Record,
        entries: &Entries,
        extents: &[Extent],
    ) -> Result<NodeId, crate::image::TreeError> {
        let mode = entries.posix.map_or(rrip::S_IFREG, |posix| file_type(posix.mode));
        let (major, minor) = device_number(entries.device.unwrap_or_default());
        let special = match (mode, &entries.target) {
            (_, Some(target)) => Some(Kind::Symlink(target)),
            (rrip::S_IFBLK, _) => Some(Kind::BlockDevice { major, minor }),
            (rrip::S_IFCHR, _) => Some(Kind::CharDevice { major, minor }),
            (rrip::S_IFIFO, _) => Some(Kind::Fifo),
            (rrip::S_IFSOCK, _) => Some(Kind::Socket),
            _ => None,
        };
        if let Some(kind) = special {
            return self.tree.add_special(parent, name, meta, kind);
        }
        if mode != rrip::S_IFREG {
            let what = format!("the mode {mode:o} does not fit a file");
            self.input.flaw(record.at, what);
        }
        let size = extents.iter().map(|extent| extent.bytes).sum();
        for extent in extents {
            let end = extent.lba.0 as u64 + extent.bytes.div_ceil(BLOCK as u64);
            if extent.bytes > 0 && end > u64::from(self.input.blocks()) {
                let mut what = String::new();
                crate::image::tree::push_readable(&mut what, name);
                what.push_str(": the file reaches behind the last block");
                self.input.flaw(record.at, what);
                break;
            }
        }
        // Hard links have equal serial numbers and extents. Writers of RRIP 1.09 have no serial
        // numbers; then empty files cannot be told from each other.
        let posix = entries.posix.filter(|posix| posix.links > 1);
        let key = posix.filter(|posix| posix.serial != 0 || size > 0);
        let key = key.map(|posix| (posix.serial, record.block, size));
        if let Some(&content) = key.and_then(|key| self.linked.get(&key))
            && self.same_extents(content, extents)
        {
            return self.tree.add_link(parent, name, meta, content);
        }
        let used: &[Extent] = if size == 0 { &[] } else { extents };
        let node = self.tree.add_on_disc(parent, name, meta, used)?;
        if let (Some(key), Kind::File(content)) = (key, self.tree.kind(node)) {
            self.linked.insert(key, content);
        }
        Ok(node)
    }

    fn same_extents(&self, content: ContentId, extents: &[Extent]) -> bool {
        match &self.tree.content(content).source {
            Source::OnDisc(on_disc) => on_disc.is_empty() || **on_disc == *extents,
            _ => false,
        }
    }

    /// Notes a directory for reading.
    fn descend(
        &mut self,
        from: &Waiting,
        node: NodeId,
        record: &Record,
        entries: &Entries,
    ) -> Result<(), ReadError> {
        let depth = from.depth + 1;
        self.within(depth.into(), self.input.limits.depth.into(), record.at, "levels")?;
        let (mut block, mut bytes) = (record.block, record.bytes);
        if let Some(child) = entries.child {
            // A moved directory's own record says how long it is (RRIP 1.12, 4.1.5.1).
            let at = u64::from(child) * BLOCK as u64;
            let own = match child < self.input.blocks() {
                true => Record::parse(&self.input.block(child)?[..], at),
                false => Err("it lies behind the last block"),
            };
            match own {
                Ok((own, _)) if own.id == SELF => (block, bytes) = (child, own.bytes),
                _ => {
                    let path = self.tree.display_path(node);
                    self.input.flaw(record.at, format!("{path}: moved to where no directory is"));
                    return Ok(());
                }
            }
        }
        if !self.met.insert(block) {
            let path = self.tree.display_path(node);
            let what = "begins where another directory does; its entries are left out";
            self.input.flaw(record.at, format!("{path}: {what}"));
            return Ok(());
        }
        let own_meta = entries.child.is_some();
        self.waiting.push(Waiting { node, block, bytes, depth, own_meta });
        Ok(())
    }

    fn within(&self, value: u64, most: u64, at: u64, what: &'static str) -> Result<(), ReadError> {
        if value > most { Err(ReadError::Limit { at, what }) } else { Ok(()) }
    }

    /// The System Use entries of a record, with its continuation areas.
    fn entries(&mut self, record: &Record) -> Result<Entries, ReadError> {
        let Rules::RockRidge { skip } = self.rules else {
            return Ok(Entries::default());
        };
        // The root's own record has no bytes to skip before SP (SUSP 1.12, 5.3).
        let area = match record.system_use.get(..2) {
            Some(b"SP") => &record.system_use[..],
            _ => record.system_use.get(usize::from(skip)..).unwrap_or_default(),
        };
        entries(self.input, area, record.at)
    }

    /// The name of a node, made harmless for the host.
    fn name(&mut self, record: &Record, entries: &Entries) -> Vec<u8> {
        let mut name = match (&entries.name, self.rules) {
            (Some(name), _) => name.clone(),
            (None, Rules::Joliet) => {
                let units = record
                    .id
                    .chunks(2)
                    .map(|c| u16::from_be_bytes([c[0], c.get(1).copied().unwrap_or(0)]));
                let text: String =
                    char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')).collect();
                without_version(text.as_bytes()).to_vec()
            }
            (None, _) => {
                let name = without_version(&record.id);
                name.strip_suffix(b".").unwrap_or(name).to_vec()
            }
        };
        if name.iter().any(|b| matches!(b, 0 | b'/')) {
            self.input.flaw(record.at, "a name holds a slash or a zero, changed to _");
            name.iter_mut().filter(|b| matches!(b, 0 | b'/')).for_each(|b| *b = b'_');
        }
        name
    }
}

/// The entries of a System Use field, and of the continuation areas that it points to.
pub(super) fn entries(input: &mut Input<'_>, area: &[u8], at: u64) -> Result<Entries, ReadError> {
    let mut entries = Entries::default();
    let mut flaws = Vec::new();
    entries.take(area, &mut |_, what| flaws.push((at, what)));
    for _hop in 0..CONTINUATIONS_MAX {
        let Some((block, offset, len)) = entries.next else { break };
        let first = u64::from(block) * BLOCK as u64 + u64::from(offset);
        let blocks = u64::from(input.blocks());
        let fits = (first + u64::from(len)).div_ceil(BLOCK as u64) <= blocks;
        if !fits || len > CONTINUATION_MAX {
            flaws.push((at, "a continuation area lies where none can be"));
            break;
        }
        input.continued += u64::from(len);
        if input.continued > input.limits.directory_bytes {
            return Err(ReadError::Limit { at, what: "bytes of continuation areas" });
        }
        let mut area = Vec::with_capacity(len as usize);
        let (mut block, mut offset) = ((first / BLOCK as u64) as u32, first as usize % BLOCK);
        while area.len() < len as usize {
            let wanted = (len as usize - area.len()).min(BLOCK - offset);
            area.extend(&input.block(block)?[offset..offset + wanted]);
            (block, offset) = (block + 1, 0);
        }
        entries.take(&area, &mut |offset, what| flaws.push((first + offset as u64, what)));
    }
    if entries.next.is_some() && flaws.is_empty() {
        flaws.push((at, "a record has too many continuation areas"));
    }
    for (at, what) in flaws {
        input.flaw(at, what);
    }
    Ok(entries)
}

fn meta(record: &Record, entries: &Entries, is_directory: bool) -> Meta {
    let recorded = record.time.unwrap_or_default();
    let mtime = entries.modified.unwrap_or(recorded);
    let plain = if is_directory { 0o755 } else { 0o644 };
    Meta {
        mode: entries.posix.map_or(plain, |posix| posix.mode & 0o7777),
        uid: entries.posix.map_or(0, |posix| posix.uid),
        gid: entries.posix.map_or(0, |posix| posix.gid),
        mtime,
        atime: entries.accessed.unwrap_or(mtime),
        ctime: entries.changed.unwrap_or(mtime),
    }
}

/// The identifier up to its `;` and version number (ECMA-119, 7.5.1).
fn without_version(id: &[u8]) -> &[u8] {
    match id.iter().rposition(|&b| b == b';') {
        Some(at) if id[at + 1..].iter().all(u8::is_ascii_digit) => &id[..at],
        _ => id,
    }
}
