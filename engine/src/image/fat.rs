//! A FAT file system made of a tree, whole and in memory: an EFI System Partition is small.
//!
//! FAT12 or FAT16 (Microsoft, FAT: General Overview of On-Disk Format 1.03); UEFI reads both (UEFI
//! 2.10, 13.3). The same tree makes the same bytes.

use std::collections::BTreeSet;
use std::fmt;

use super::bytes::{Bytes, Trouble};
use super::time::Time;
use super::tree::{Kind, NodeId, Tree};

const SECTOR: usize = 512;
/// Bytes of a directory entry, long or short.
const ENTRY: usize = 32;
/// Clusters from which on it is FAT16, and those that FAT16 has at most (1.03, "FAT Type
/// Determination").
const FAT16_FROM: usize = 4085;
const FAT16_MAX: usize = 65_524;
/// Units of UTF-16 in an entry of a long name.
const LONG: usize = 13;
const DIRECTORY: u8 = 0x10;
const VOLUME: u8 = 0x08;
const LONG_NAME: u8 = 0x0F;

/// Why a tree cannot be a FAT file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FatError {
    /// The path in the tree.
    pub path: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for FatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be in a FAT file system: {}", self.path, self.why)
    }
}

impl std::error::Error for FatError {}

/// An entry of a directory.
struct Name {
    node: NodeId,
    short: [u8; 11],
    /// Where the short name does not say all.
    long: Option<Vec<u16>>,
}

impl Name {
    /// Directory entries that it takes.
    fn entries(&self) -> usize {
        1 + self.long.as_ref().map_or(0, |long| long.len().div_ceil(LONG))
    }
}

/// A directory, in the order of the walk; the root is the first.
struct Directory {
    node: NodeId,
    parent: usize,
    names: Vec<Name>,
}

impl Directory {
    fn bytes(&self) -> usize {
        // Its own entry and its parent's; the root has one with the volume's name.
        let own = if self.parent == usize::MAX { 1 } else { 2 };
        (own + self.names.iter().map(Name::entries).sum::<usize>()) * ENTRY
    }
}

/// The bytes of a file system that holds this tree, in whole blocks of 2048 bytes. `label` has at
/// most 11 characters; `number` tells this file system from others.
pub fn fat(tree: &Tree, label: &str, number: u32) -> Result<Vec<u8>, FatError> {
    let directories = directories(tree)?;
    let mut sectors = 1;
    let plan = loop {
        if let Some(plan) = Plan::new(tree, &directories, sectors) {
            break plan;
        }
        sectors *= 2;
        if sectors > 64 {
            let why = "all files together have more than 2 GB".to_owned();
            return Err(FatError { path: "/".to_owned(), why });
        }
    };
    plan.emit(tree, &directories, label, number)
}

/// All directories with the names in them.
fn directories(tree: &Tree) -> Result<Vec<Directory>, FatError> {
    let mut all = vec![Directory { node: tree.root(), parent: usize::MAX, names: Vec::new() }];
    let mut at = 0;
    while at < all.len() {
        let mut taken = BTreeSet::new();
        let mut names = Vec::new();
        for &node in tree.children(all[at].node) {
            let wrong = |why: &str| FatError { path: tree.display_path(node), why: why.to_owned() };
            match tree.kind(node) {
                Kind::Directory => {
                    all.push(Directory { node, parent: at, names: Vec::new() });
                }
                Kind::File(_) => {}
                _ => return Err(wrong("it is neither a file nor a folder")),
            }
            let text = String::from_utf8_lossy(tree.name(node)).into_owned();
            if text.chars().any(|c| c.is_control() || "\"*:<>?\\|\u{FFFD}".contains(c)) {
                return Err(wrong("its name has characters that FAT does not have"));
            }
            let long: Vec<u16> = text.encode_utf16().collect();
            if long.len() > 255 || !taken.insert(text.to_uppercase()) {
                return Err(wrong("its name is too long, or differs in case only from another"));
            }
            names.push(Name { node, short: [b' '; 11], long: Some(long) });
        }
        shorten(tree, &mut names);
        all[at].names = names;
        at += 1;
    }
    Ok(all)
}

/// Gives each name of a directory a short one that no other has.
fn shorten(tree: &Tree, names: &mut [Name]) {
    let mut taken = BTreeSet::new();
    // Those that are short already keep their names.
    for name in names.iter_mut() {
        let text = String::from_utf8_lossy(tree.name(name.node)).into_owned();
        let (short, whole) = basis(&text);
        let upper = text == text.to_ascii_uppercase();
        if whole && upper && taken.insert(short) {
            (name.short, name.long) = (short, None);
        }
    }
    for name in names.iter_mut().filter(|name| name.long.is_some()) {
        let (short, whole) = basis(&String::from_utf8_lossy(tree.name(name.node)));
        let numbered = (1u32..).map(|number| {
            let tail = format!("~{number}");
            let stem = short[..8].iter().take_while(|b| **b != b' ').count();
            let at = stem.min(8 - tail.len());
            let mut short = short;
            short[at..8].fill(b' ');
            short[at..at + tail.len()].copy_from_slice(tail.as_bytes());
            short
        });
        let first = whole.then_some(short);
        let free = first.into_iter().chain(numbered).find(|short| taken.insert(*short));
        name.short = free.expect("a directory has fewer names than numbers");
    }
}

/// The short name that this name would like to have, and whether it says all but the case.
fn basis(text: &str) -> ([u8; 11], bool) {
    let trimmed = text.trim_start_matches('.');
    let (stem, extension) = trimmed.rsplit_once('.').unwrap_or((trimmed, ""));
    let mut short = [b' '; 11];
    let mut whole = trimmed.len() == text.len() && !stem.is_empty() && !text.ends_with('.');
    for (part, range) in [(stem, 0..8), (extension, 8..11)] {
        let room = &mut short[range];
        let mut at = 0;
        for c in part.chars() {
            let kept = c.is_ascii_alphanumeric() || "$%'-_@~`!(){}^#&".contains(c);
            whole &= kept && at < room.len();
            if at < room.len() && !matches!(c, ' ' | '.') {
                room[at] = if kept { c.to_ascii_uppercase() as u8 } else { b'_' };
                at += 1;
            }
        }
    }
    if short[0] == b' ' {
        short[0] = b'_';
    }
    (short, whole)
}

/// Where everything lies, for one size of clusters.
struct Plan {
    /// Sectors of a cluster.
    sectors: usize,
    /// First cluster of each directory but the root, by its number; 0 for what is empty.
    directories: Vec<u16>,
    /// First cluster of each file, in the order of directories and names.
    files: Vec<u16>,
    clusters: usize,
    root_entries: usize,
}

impl Plan {
    /// `None` if there would be too many clusters.
    fn new(tree: &Tree, all: &[Directory], sectors: usize) -> Option<Plan> {
        let cluster = (sectors * SECTOR) as u64;
        let mut next = 2;
        let mut take = |bytes: u64| {
            let first = if bytes == 0 { 0 } else { next };
            next += bytes.div_ceil(cluster);
            u16::try_from(first).ok()
        };
        let directories = all.iter().map(|d| if d.parent == usize::MAX { 0 } else { d.bytes() });
        let directories = directories.map(|b| take(b as u64)).collect::<Option<_>>()?;
        let names = all.iter().flat_map(|d| &d.names);
        let files = names.map(|name| take(tree.size(name.node))).collect::<Option<_>>()?;
        // A little room, for what firmware and people may want to add.
        let used = usize::try_from(next).ok()? - 2;
        let clusters = used + used / 16 + 32;
        let root_entries = (all[0].bytes() / ENTRY).next_multiple_of(SECTOR / ENTRY).max(512);
        let plan = Plan { sectors, directories, files, clusters, root_entries };
        (clusters <= FAT16_MAX && root_entries <= 65_520).then_some(plan)
    }

    fn wide(&self) -> bool {
        self.clusters >= FAT16_FROM
    }

    /// Sectors of one FAT.
    fn fat_sectors(&self) -> usize {
        let entries = self.clusters + 2;
        let bytes = if self.wide() { entries * 2 } else { (entries * 3).div_ceil(2) };
        bytes.div_ceil(SECTOR)
    }

    /// Sector of the root directory, and of cluster 2.
    fn places(&self) -> (usize, usize) {
        let root = 1 + 2 * self.fat_sectors();
        (root, root + self.root_entries * ENTRY / SECTOR)
    }

    fn emit(
        &self,
        tree: &Tree,
        all: &[Directory],
        label: &str,
        number: u32,
    ) -> Result<Vec<u8>, FatError> {
        let (root, data) = self.places();
        let total = data + self.clusters * self.sectors;
        let mut out = vec![0; (total * SECTOR).next_multiple_of(crate::units::BLOCK)];
        let label = padded(label);
        out[..SECTOR].copy_from_slice(&self.boot_sector(total, &label, number));
        let mut chains = Vec::new();
        let mut files = self.files.iter();
        for (i, directory) in all.iter().enumerate() {
            let cluster = self.directories[i];
            let at = if i == 0 { root * SECTOR } else { self.byte(cluster) };
            let bytes = self.records(tree, all, i, &label, &mut files.clone());
            out[at..at + bytes.len()].copy_from_slice(&bytes);
            chains.push((cluster, if i == 0 { 0 } else { bytes.len() }));
            for name in &directory.names {
                let &first = files.next().expect("each name has one");
                let size = tree.size(name.node) as usize;
                if size > 0 {
                    let at = self.byte(first);
                    content(tree, name.node, &mut out[at..at + size])?;
                    chains.push((first, size));
                }
            }
        }
        let fat = self.table(&chains);
        for copy in 0..2 {
            let at = (1 + copy * self.fat_sectors()) * SECTOR;
            out[at..at + fat.len()].copy_from_slice(&fat);
        }
        Ok(out)
    }

    fn byte(&self, cluster: u16) -> usize {
        (self.places().1 + (usize::from(cluster).max(2) - 2) * self.sectors) * SECTOR
    }

    /// The BIOS parameter block (1.03, "Boot Sector and BPB").
    fn boot_sector(&self, total: usize, label: &[u8; 11], number: u32) -> Vec<u8> {
        let (small, large) = match u16::try_from(total) {
            Ok(small) => (small, 0),
            Err(_) => (0, total as u32),
        };
        let mut out = vec![0xEB, 0x3C, 0x90];
        out.extend(b"KILN    ");
        out.extend((SECTOR as u16).to_le_bytes());
        out.extend([self.sectors as u8, 1, 0, 2]);
        out.extend((self.root_entries as u16).to_le_bytes());
        out.extend(small.to_le_bytes());
        out.push(0xF8);
        for number in [self.fat_sectors() as u16, 32, 64] {
            out.extend(number.to_le_bytes());
        }
        out.extend([0; 4]);
        out.extend(large.to_le_bytes());
        out.extend([0x80, 0, 0x29]);
        out.extend(number.to_le_bytes());
        out.extend(label);
        out.extend(if self.wide() { b"FAT16   " } else { b"FAT12   " });
        out.resize(SECTOR - 2, 0);
        out.extend([0x55, 0xAA]);
        out
    }

    /// One FAT: each of these contents lies in consecutive clusters.
    fn table(&self, chains: &[(u16, usize)]) -> Vec<u8> {
        let mut entries = vec![0u16; self.clusters + 2];
        entries[..2].copy_from_slice(&[0xFFF8, 0xFFFF]);
        for &(first, bytes) in chains.iter().filter(|(_, bytes)| *bytes > 0) {
            let first = usize::from(first);
            let last = first + (bytes - 1) / (self.sectors * SECTOR);
            (first..last).for_each(|at| entries[at] = at as u16 + 1);
            entries[last] = 0xFFFF;
        }
        if self.wide() {
            return entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
        }
        // Two entries of 12 bits share three bytes.
        let pair = |two: &[u16]| {
            let (a, b) = (two[0] & 0xFFF, two.get(1).map_or(0, |b| b & 0xFFF));
            [a as u8, (a >> 8 | b << 4) as u8, (b >> 4) as u8]
        };
        entries.chunks(2).flat_map(pair).collect()
    }

    /// The entries of a directory; `files` gives the first clusters of what it holds.
    fn records<'a>(
        &self,
        tree: &Tree,
        all: &[Directory],
        i: usize,
        label: &[u8; 11],
        files: &mut impl Iterator<Item = &'a u16>,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let directory = &all[i];
        let time = |node| tree.meta(node).mtime;
        if i == 0 {
            out.extend(short_entry(label, VOLUME, time(directory.node), 0, 0));
        } else {
            let parent = directory.parent;
            let here = [(b".          ", i), (b"..         ", parent)];
            for (name, to) in here {
                let cluster = self.directories[to];
                out.extend(short_entry(name, DIRECTORY, time(all[to].node), cluster, 0));
            }
        }
        for name in &directory.names {
            let &first = files.next().expect("each name has one");
            let (attributes, cluster, size) = match tree.kind(name.node) {
                Kind::Directory => {
                    let to = all.iter().position(|d| d.node == name.node);
                    (DIRECTORY, self.directories[to.expect("all are there")], 0)
                }
                // Files have less than 2 GB, or there would be no plan.
                _ => (0, first, tree.size(name.node) as u32),
            };
            if let Some(long) = &name.long {
                long_entries(&mut out, long, &name.short);
            }
            out.extend(short_entry(&name.short, attributes, time(name.node), cluster, size));
        }
        out
    }
}

fn padded(label: &str) -> [u8; 11] {
    let mut out = [b' '; 11];
    let kept = label.bytes().map(|b| match b.to_ascii_uppercase() {
        b if b.is_ascii_alphanumeric() || b == b'_' || b == b' ' => b,
        _ => b'_',
    });
    out.iter_mut().zip(kept).for_each(|(room, byte)| *room = byte);
    out
}

/// A short entry (1.03, "FAT Directory Structure"). Times are in UTC.
fn short_entry(name: &[u8; 11], attributes: u8, time: Time, cluster: u16, size: u32) -> Vec<u8> {
    let [date, clock] = stamp(time);
    let mut out = name.to_vec();
    out.extend([attributes, 0, 0]);
    for number in [clock, date, date, 0, clock, date, cluster] {
        out.extend(number.to_le_bytes());
    }
    out.extend(size.to_le_bytes());
    out
}

/// The entries of a long name, last piece first (1.03, "FAT Long Directory Entries").
fn long_entries(out: &mut Vec<u8>, long: &[u16], short: &[u8; 11]) {
    let sum = short.iter().fold(0u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
    let mut units = long.to_vec();
    if !units.len().is_multiple_of(LONG) {
        units.push(0);
        units.resize(units.len().next_multiple_of(LONG), 0xFFFF);
    }
    let pieces = units.len() / LONG;
    for (i, piece) in units.chunks_exact(LONG).enumerate().rev() {
        let last = if i + 1 == pieces { 0x40 } else { 0 };
        let mut unit = piece.iter().flat_map(|unit| unit.to_le_bytes());
        out.push((i + 1) as u8 | last);
        out.extend(unit.by_ref().take(10));
        out.extend([LONG_NAME, 0, sum]);
        out.extend(unit.by_ref().take(12));
        out.extend([0, 0]);
        out.extend(unit);
    }
}

/// Date and time in UTC, the nearest that there is (1.03, "Date and Time Formats").
fn stamp(time: Time) -> [u16; 2] {
    // From 1980 to 2107.
    let secs = time.secs.clamp(315_532_800, 4_354_819_198);
    let (bytes, _) = Time::from_secs(secs).short();
    let [year, month, day, hour, minute, second, _] = bytes.map(u16::from);
    // Counted from 1980 here and from 1900 there.
    let half = second / 2;
    [(year - 80) << 9 | month << 5 | day, hour << 11 | minute << 5 | half]
}

/// Fills `room` with what a file holds.
fn content(tree: &Tree, node: NodeId, room: &mut [u8]) -> Result<(), FatError> {
    let Kind::File(id) = tree.kind(node) else { return Ok(()) };
    let failed = |e: Trouble| FatError { path: tree.display_path(node), why: e.detail };
    Bytes::default().read(tree, id, 0, room).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::super::tree::Meta;
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::new(Meta::default());
        let meta = Meta { mtime: Time::from_secs(1_795_370_960), ..Meta::default() };
        let efi = tree.add_directory(tree.root(), b"EFI", meta).expect("new");
        let boot = tree.add_directory(efi, b"Boot", meta).expect("new");
        tree.add_bytes(boot, b"bootx64.efi", meta, vec![7; 1300]).expect("new");
        tree.add_bytes(boot, b"A long name.text", meta, vec![8; 1]).expect("new");
        tree.add_bytes(boot, b"a long name too.text", meta, Vec::new()).expect("new");
        tree
    }

    #[test]
    fn short_names_are_unlike_each_other() {
        let tree = tree();
        let all = directories(&tree).expect("good names");
        let shorts: Vec<_> = all
            .iter()
            .flat_map(|d| &d.names)
            .map(|n| (String::from_utf8_lossy(&n.short).into_owned(), n.long.is_some()))
            .collect();
        let want = [
            ("EFI        ", false),
            ("BOOT       ", true),
            ("ALONGN~1TEX", true),
            ("ALONGN~2TEX", true),
            ("BOOTX64 EFI", true),
        ];
        assert_eq!(shorts, want.map(|(s, l)| (s.to_owned(), l)));
    }

    /// The checksum as in the example of the specification's code: each byte after a rotation.
    #[test]
    fn a_long_name_lies_before_its_short_one() {
        let long: Vec<u16> = "bootx64.efi".encode_utf16().collect();
        let mut out = Vec::new();
        long_entries(&mut out, &long, b"BOOTX64 EFI");
        assert_eq!(out.len(), ENTRY);
        assert_eq!((out[0], out[11], out[26]), (0x41, 0x0F, 0));
        assert_eq!(out[1..5], *b"b\0o\0");
        // The name's last unit, its end, then all ones.
        assert_eq!(out[24..26], *b"i\0");
        assert_eq!(out[28..], [0, 0, 0xFF, 0xFF]);
    }

    #[test]
    fn the_kind_follows_the_number_of_clusters() {
        let mut tree = tree();
        let small = fat(&tree, "ESP", 1).expect("fits");
        assert_eq!(small[54..62], *b"FAT12   ");
        tree.add_bytes(tree.root(), b"BIG", Meta::default(), vec![1; 5 << 20]).expect("new");
        let large = fat(&tree, "ESP", 1).expect("fits");
        assert_eq!(large[54..62], *b"FAT16   ");
        assert_eq!(large, fat(&tree, "ESP", 1).expect("fits"));
        assert!(large.len().is_multiple_of(2048));
    }

    #[test]
    fn what_fat_cannot_hold_is_refused() {
        let refuse = |change: &dyn Fn(&mut Tree)| {
            let mut tree = tree();
            change(&mut tree);
            fat(&tree, "ESP", 1).expect_err("cannot be").to_string()
        };
        let add = |tree: &mut Tree, name: &[u8]| {
            tree.add_bytes(tree.root(), name, Meta::default(), Vec::new()).expect("new");
        };
        assert!(refuse(&|t| add(t, b"efi")).contains("case only"));
        assert!(refuse(&|t| add(t, b"a:b")).contains("characters"));
        let fifo = |t: &mut Tree| {
            t.add_special(t.root(), b"f", Meta::default(), Kind::Fifo).expect("new");
        };
        assert!(refuse(&fifo).contains("neither a file nor a folder"));
    }
}
