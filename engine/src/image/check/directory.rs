//! The directories of a hierarchy and their records (ECMA-119, 6.8 and 9.1; Joliet).

use std::collections::BTreeSet;

use super::iso9660::Descriptor;
use super::space::Use;
use super::susp::{self, Sharing};
use super::{Checker, byte, readable};
use crate::image::iso9660::record::{
    FIXED, FLAG_ASSOCIATED, FLAG_DIRECTORY, FLAG_MULTI_EXTENT, PARENT, SELF,
};
use crate::image::time::Time;
use crate::units::BLOCK;

/// Levels of a hierarchy without extensions (ECMA-119, 6.8.2.1).
const LEVELS: u32 = 8;

/// Which hierarchy of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    Primary,
    Joliet,
    /// ISO 9660:1999.
    Enhanced,
}

/// A directory that was found.
pub(super) struct Directory {
    /// As its record has it, before the extended attribute record.
    pub block: u32,
    bytes: u32,
    /// Index of the directory that holds it; its own for the root.
    pub parent: usize,
    pub id: Vec<u8>,
    /// Byte position of the record that names it.
    pub at: u64,
    depth: u32,
    xattr: u8,
}

/// All directories of a hierarchy.
pub(super) struct Hierarchy {
    pub directories: Vec<Directory>,
    /// None was left out for a limit.
    pub whole: bool,
}

/// Things that are told once for a volume, with their number.
#[derive(Default)]
struct Tally {
    list: Vec<(&'static str, &'static str, u64, u64)>,
}

impl Tally {
    fn add(&mut self, clause: &'static str, what: &'static str, at: u64) {
        match self.list.iter_mut().find(|entry| entry.1 == what) {
            Some(entry) => entry.3 += 1,
            None => self.list.push((clause, what, at, 1)),
        }
    }
}

struct Walk<'c, 'a> {
    c: &'c mut Checker<'a>,
    flavour: Flavour,
    end: u32,
    sharing: Option<Sharing>,
    found: Hierarchy,
    met: BTreeSet<u32>,
    tally: Tally,
    bytes: u64,
}

/// A record whose lengths are possible.
struct Record<'b> {
    bytes: &'b [u8],
    at: u64,
    block: u32,
    len: u32,
    flags: u8,
    id: &'b [u8],
}

/// Looks at all directories below the root that a descriptor names.
pub(super) fn check(c: &mut Checker<'_>, descriptor: &Descriptor) -> Hierarchy {
    let root = Directory {
        block: descriptor.root_block,
        bytes: descriptor.root_bytes,
        parent: 0,
        id: SELF.to_vec(),
        at: descriptor.at + 156,
        depth: 1,
        xattr: 0,
    };
    let sharing = match descriptor.flavour {
        Flavour::Primary => susp::sharing(c, root.block),
        _ => None,
    };
    if sharing.is_some_and(|sharing| sharing.rock_ridge) {
        c.report.volumes.push("Rock Ridge".to_owned());
    }
    let mut walk = Walk {
        c,
        flavour: descriptor.flavour,
        end: descriptor.end,
        sharing,
        met: BTreeSet::from([root.block]),
        found: Hierarchy { directories: vec![root], whole: true },
        tally: Tally::default(),
        bytes: 0,
    };
    let mut at = 0;
    while at < walk.found.directories.len() {
        walk.directory(at);
        at += 1;
    }
    let Walk { c, tally, found, .. } = walk;
    for (clause, what, at, count) in tally.list {
        c.note(at, clause, format!("{what}: {count} of them, here the first"));
    }
    found
}

impl Walk<'_, '_> {
    fn directory(&mut self, index: usize) {
        let Directory { block, bytes, at, xattr, depth, .. } = self.found.directories[index];
        if depth > LEVELS {
            self.tally.add("ECMA-119, 6.8.2.1", "directories more than eight levels deep", at);
        }
        if !bytes.is_multiple_of(BLOCK as u32) || bytes == 0 {
            let what = format!("a directory has {bytes} bytes, which are no whole blocks");
            self.c.warning(at + 10, "ECMA-119, 6.8.1.3", what);
        }
        let first = block.saturating_add(xattr.into());
        let blocks = bytes.div_ceil(BLOCK as u32);
        self.bytes += u64::from(blocks) * BLOCK as u64;
        if self.bytes > self.c.limits.directory_bytes {
            self.found.whole = false;
            self.c.note(at, "limits", "there are more directories than are looked at");
            return;
        }
        if first.checked_add(blocks).is_none_or(|end| end > self.c.blocks()) {
            let what =
                format!("a directory of {bytes} bytes lies at block {block}, behind the end");
            self.c.error(at + 2, "ECMA-119, 9.1.3", what);
        }
        self.c.claims.blocks(Use::Structure, block, blocks + u32::from(xattr), at);
        let mut state = State::default();
        for number in 0..blocks {
            let Some(block) = first.checked_add(number) else { break };
            let Some(bytes) = self.c.block(block) else { break };
            let start = byte(block);
            let mut offset = 0;
            while offset < BLOCK && bytes[offset] != 0 {
                let here = start + offset as u64;
                match parse(&bytes[offset..], here) {
                    Ok(record) => {
                        offset += record.bytes.len();
                        self.record(index, &record, &mut state);
                    }
                    Err(what) => {
                        self.c.error(here, "ECMA-119, 9.1.1", what);
                        offset = BLOCK;
                    }
                }
            }
            let rest = bytes.get(offset..).unwrap_or_default();
            if let Some(more) = rest.iter().position(|byte| *byte != 0) {
                let at = start + (offset + more) as u64;
                let what = "bytes behind the last record of a block are not zero";
                self.c.warning(at, "ECMA-119, 6.8.1.1", what);
            }
        }
        self.close_file(&mut state);
        if state.count < 2 {
            let what = "a directory does not begin with its own and its parent's record";
            self.c.error(byte(first), "ECMA-119, 6.8.2.2", what);
        }
    }

    fn record(&mut self, index: usize, record: &Record<'_>, state: &mut State) {
        let Record { bytes, at, .. } = *record;
        state.count += 1;
        let block = self.c.both32(bytes, at, 2, "the place of an extent");
        let len = self.c.both32(bytes, at, 10, "the length of a file");
        self.c.both16(bytes, at, 28, "a volume sequence number");
        if let Some(time) = bytes[18..].first_chunk::<7>()
            && (time[..6] != [0; 6] && Time::from_short(*time).is_none()
                || !(-48..=52).contains(&(time[6] as i8)))
        {
            self.c.warning(at + 18, "ECMA-119, 9.1.5", "a recording date and time is none");
        }
        if record.flags & 0x60 != 0 {
            self.c.warning(at + 25, "ECMA-119, 9.1.6", "reserved file flags are set");
        }
        let directory = record.flags & FLAG_DIRECTORY != 0;
        match state.count {
            1 => self.own(index, record, (block, len), true),
            2 => self.own(index, record, (block, len), false),
            _ if record.id == SELF || record.id == PARENT => {
                let what = "a further record of a directory has a reserved identifier";
                self.c.error(at + 32, "ECMA-119, 7.6.2", what);
            }
            _ => {
                self.identifier(record, directory, state);
                let record = Record { block, len, ..*record };
                if directory {
                    self.close_file(state);
                    self.subdirectory(index, &record);
                } else {
                    self.section(&record, state);
                }
            }
        }
        if let Some(sharing) = self.sharing {
            let own = state.count <= 2;
            let root = index == 0 && state.count == 1;
            let area = (FIXED + record.id.len()).next_multiple_of(2);
            let area = bytes.get(area..).unwrap_or_default();
            let area_at = at + (bytes.len() - area.len()) as u64;
            susp::check(
                self.c,
                sharing,
                susp::Area { bytes: area, at: area_at, own, root, directory },
            );
        }
    }

    /// The first two records (ECMA-119, 6.8.2.2 and 7.6.2).
    fn own(&mut self, index: usize, record: &Record<'_>, place: (u32, u32), first: bool) {
        let at = record.at;
        let of = if first { index } else { self.found.directories[index].parent };
        let (id, name) = if first { (SELF, "own") } else { (PARENT, "parent's") };
        let Directory { block, bytes, .. } = self.found.directories[of];
        if record.id != id {
            let what = format!("a directory's {name} record has another identifier");
            self.c.error(at + 33, "ECMA-119, 7.6.2", what);
            return;
        }
        if place != (block, bytes) {
            let what = format!(
                "a directory's {name} record says block {} and {} bytes, not {block} and {bytes}",
                place.0, place.1
            );
            self.c.error(at + 2, "ECMA-119, 6.8.2.2", what);
        }
        if record.flags & FLAG_DIRECTORY == 0 {
            let what = format!("a directory's {name} record is of no directory");
            self.c.error(at + 25, "ECMA-119, 9.1.6", what);
        }
    }

    fn identifier(&mut self, record: &Record<'_>, directory: bool, state: &mut State) {
        let at = record.at;
        if let Some((before, flags)) = &state.before {
            let again = before == record.id;
            if again && flags & (FLAG_MULTI_EXTENT | FLAG_ASSOCIATED) == 0 {
                let what = format!("there are two records called {}", readable(record.id));
                self.c.error(at + 33, "ECMA-119, 9.3", what);
            } else if !again && !self.flavour.ordered(before, record.id) {
                let what = format!("{} is not in its place", readable(record.id));
                self.c.warning(at + 33, "ECMA-119, 9.3", what);
            }
        }
        state.before = Some((record.id.to_vec(), record.flags));
        match self.flavour {
            Flavour::Primary => primary_name(record.id, directory, at + 33, &mut self.tally),
            Flavour::Joliet => {
                if !record.id.len().is_multiple_of(2) {
                    let what = "an identifier is no row of 16-bit characters";
                    self.c.error(at + 32, "Joliet, directory records", what);
                }
                let name = without_version(record.id, 2);
                let bad = |c: &[u8]| c[0] == 0 && (c[1] < 0x20 || b"*/:;?\\".contains(&c[1]));
                if name.chunks_exact(2).any(bad) {
                    let what = "an identifier has a character that Joliet does not allow";
                    self.c.warning(at + 33, "Joliet, allowed character set", what);
                }
                if name.len() > 128 {
                    let what = "identifiers of more than 64 characters";
                    self.tally.add("Joliet, file identifiers", what, at + 32);
                }
            }
            Flavour::Enhanced => {}
        }
    }

    fn subdirectory(&mut self, parent: usize, record: &Record<'_>) {
        let Record { block, len, at, .. } = *record;
        if record.flags & FLAG_MULTI_EXTENT != 0 {
            let what = "a directory has more than one section";
            self.c.error(at + 25, "ECMA-119, 6.8.1", what);
        }
        if !self.met.insert(block) {
            let what = format!("{} begins where another directory does", readable(record.id));
            self.c.error(at + 2, "ECMA-119, 6.8.2", what);
            return;
        }
        if self.found.directories.len() >= self.c.limits.nodes as usize {
            self.found.whole = false;
            return;
        }
        let depth = self.found.directories[parent].depth + 1;
        let (id, xattr) = (record.id.to_vec(), record.bytes[1]);
        self.found.directories.push(Directory { block, bytes: len, parent, id, at, depth, xattr });
    }

    /// A section of a file (ECMA-119, 6.5.1).
    fn section(&mut self, record: &Record<'_>, state: &mut State) {
        let Record { block, len, at, flags, .. } = *record;
        if state.file.as_ref().is_some_and(|file| file.id != record.id) {
            let what = "the last section of a file is missing";
            self.c.error(at, "ECMA-119, 6.5.1", what);
            state.file.take();
        }
        let more = flags & FLAG_MULTI_EXTENT != 0;
        if more && (len == 0 || !len.is_multiple_of(BLOCK as u32)) {
            let what = "a file section that is not the last has no whole blocks";
            self.c.error(at + 10, "ECMA-119, 6.4.2", what);
        }
        let unit = record.bytes[26];
        if (unit == 0) != (record.bytes[27] == 0) {
            let what = "a file has an interleave gap without unit, or a unit without gap";
            self.c.error(at + 26, "ECMA-119, 9.1.7", what);
        }
        let first = u64::from(block) + u64::from(record.bytes[1]);
        let end = first + u64::from(len.div_ceil(BLOCK as u32));
        if len > 0 && end > u64::from(self.c.blocks()) {
            let what = format!(
                "{} reaches up to block {end}, behind the end of the image",
                readable(record.id)
            );
            self.c.error(at + 2, "ECMA-119, 9.1.3", what);
        } else if len > 0 && end > u64::from(self.end) {
            let what = format!("{} reaches behind the end of the volume", readable(record.id));
            self.c.warning(at + 2, "ECMA-119, 8.4.8", what);
        }
        let file = state.file.get_or_insert_with(|| Open {
            id: record.id.to_vec(),
            extents: Vec::new(),
            at,
        });
        let from = first * BLOCK as u64;
        if unit == 0 {
            // Sections in a row are one extent, however others divide it.
            match file.extents.last_mut() {
                Some((start, bytes)) if *start + *bytes == from => *bytes += u64::from(len),
                _ => file.extents.push((from, len.into())),
            }
        }
        if !more {
            let file = state.file.take();
            self.claim(file);
        }
    }

    fn close_file(&mut self, state: &mut State) {
        if let Some(file) = state.file.take() {
            let what = "the last section of a file is missing";
            self.c.error(file.at, "ECMA-119, 6.5.1", what);
            self.claim(Some(file));
        }
    }

    fn claim(&mut self, file: Option<Open>) {
        let Some(file) = file else { return };
        for (from, bytes) in file.extents {
            self.c.claims.add(Use::Content, from, bytes, file.at);
        }
    }
}

/// What is known while a directory is gone through.
#[derive(Default)]
struct State {
    count: u32,
    before: Option<(Vec<u8>, u8)>,
    file: Option<Open>,
}

/// A file whose sections are being gathered.
struct Open {
    id: Vec<u8>,
    extents: Vec<(u64, u64)>,
    at: u64,
}

/// The record at the start of `bytes`, its lengths checked.
fn parse(bytes: &[u8], at: u64) -> Result<Record<'_>, &'static str> {
    let len = usize::from(bytes[0]);
    let Some(bytes) = bytes.get(..len) else {
        return Err("a directory record crosses the end of its block");
    };
    if len <= FIXED {
        return Err("a directory record is too short");
    }
    let id = bytes.get(FIXED..FIXED + usize::from(bytes[32])).filter(|id| !id.is_empty());
    let Some(id) = id else {
        return Err("a directory record's identifier is longer than the record, or empty");
    };
    Ok(Record { bytes, at, block: 0, len: 0, flags: bytes[25], id })
}

/// A name of the primary hierarchy (ECMA-119, 7.5 and 7.6).
fn primary_name(id: &[u8], directory: bool, at: u64, tally: &mut Tally) {
    let name = without_version(id, 1);
    let d = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
    let dots = name.iter().filter(|b| **b == b'.').count();
    let good = name.iter().all(|b| d(b) || *b == b'.' && !directory) && dots <= 1;
    if !good {
        tally.add("ECMA-119, 7.4.1", "identifiers with other than d-characters", at);
    }
    if name.len() > 31 {
        tally.add("ECMA-119, 7.5.1 and 7.6.3", "identifiers of more than 31 characters", at);
    }
    if !directory && name.len() == id.len() {
        tally.add("ECMA-119, 7.5.1", "identifiers of files without version", at);
    }
}

/// The identifier up to its `;` and version number, with characters of `unit` bytes.
fn without_version(id: &[u8], unit: usize) -> &[u8] {
    let mut characters = id.chunks_exact(unit);
    let at = characters.rposition(|c| c[unit - 1] == b';' && c[..unit - 1].iter().all(|b| *b == 0));
    match at {
        Some(at) if (at + 1) * unit < id.len() => &id[..at * unit],
        _ => id,
    }
}

impl Flavour {
    /// Whether `a` comes before `b`, or is the same (ECMA-119, 9.3). With characters of 16 bits,
    /// writers differ about whether a dot begins an extension; both orders will do.
    pub(super) fn ordered(self, a: &[u8], b: &[u8]) -> bool {
        let unit = if self == Flavour::Joliet { 2 } else { 1 };
        let (a, b) = (without_version(a, unit), without_version(b, unit));
        let fill = if self == Flavour::Primary { b' ' } else { 0 };
        let parted = {
            let (a, b) = (parts(a, unit), parts(b, unit));
            padded(a.0, b.0, fill).then_with(|| padded(a.1, b.1, fill)).is_le()
        };
        parted || self != Flavour::Primary && a <= b
    }
}

/// Name and extension.
fn parts(id: &[u8], unit: usize) -> (&[u8], &[u8]) {
    let dot = id
        .chunks_exact(unit)
        .rposition(|c| c[unit - 1] == b'.' && c[..unit - 1].iter().all(|b| *b == 0));
    match dot {
        Some(at) => (&id[..at * unit], &id[(at + 1) * unit..]),
        None => (id, &[]),
    }
}

fn padded(a: &[u8], b: &[u8], fill: u8) -> std::cmp::Ordering {
    let len = a.len().max(b.len());
    let at = |id: &[u8], i: usize| id.get(i).copied().unwrap_or(fill);
    (0..len)
        .map(|i| at(a, i).cmp(&at(b, i)))
        .find(|o| o.is_ne())
        .unwrap_or(std::cmp::Ordering::Equal)
}
