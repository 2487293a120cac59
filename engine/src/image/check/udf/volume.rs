//! The descriptors of a volume (ECMA-167, 2/9 and 3/10; UDF 2.60, 2.2).

use super::files::Counted;
use super::{claim, dstring, extent, tag};
use crate::image::check::{Checker, byte};
use crate::image::udf::wire::{Tag, le16, le32, le64, tag as id};
use crate::image::udf::{MapKind, parse_map};
use crate::units::BLOCK;

/// Descriptors of the recognition sequence that are looked at.
const RECOGNITION_MAX: u32 = 64;
/// Descriptors of a sequence that are looked at.
const SEQUENCE_MAX: u32 = 256;
/// Partition maps that are looked at.
const MAPS_MAX: usize = 8;

/// What others need of the descriptors.
#[derive(Default)]
pub(super) struct Volume {
    /// As it is recorded; 0 if it is not known.
    pub revision: u16,
    /// Byte position of the prevailing integrity descriptor.
    pub integrity: Option<u64>,
    pub files: u32,
    pub directories: u32,
    pub next_unique: u64,
    /// Free blocks of the first partition by the integrity descriptor.
    pub free: u32,
    /// First block and blocks of the partitions.
    pub partitions: Vec<Partition>,
    pub maps: Vec<MapKind>,
    /// Whether the metadata mirror is a copy of its own.
    pub duplicated: bool,
}

/// A partition descriptor.
pub(super) struct Partition {
    pub start: u32,
    pub len: u32,
    /// The bitmap of free blocks: bytes, and block of the partition.
    pub bitmap: (u32, u32),
}

type Descriptor = (u16, u32, Box<[u8; BLOCK]>);

pub(super) fn check(c: &mut Checker<'_>, session: u32) -> Volume {
    recognition(c, session);
    let mut volume = Volume::default();
    let Some((main, reserve)) = anchors(c, session) else { return volume };
    let first = sequence(c, main);
    let second = sequence(c, reserve);
    same(c, &first, &second, reserve);
    let prevailing = if first.iter().any(|d| d.0 == id::LOGICAL_VOLUME) { &first } else { &second };
    for needed in [id::PRIMARY_VOLUME, id::LOGICAL_VOLUME, id::PARTITION] {
        if !first.iter().any(|d| d.0 == needed) {
            let what = format!("the main sequence has no descriptor with the identifier {needed}");
            c.error(byte(main.1), "UDF 2.60, 2.2", what);
        }
    }
    if !first.iter().any(|d| d.0 == id::TERMINATING) {
        let what = "the main sequence has no terminating descriptor";
        c.warning(byte(main.1), "ECMA-167, 3/10.9", what);
    }
    for (kind, block, bytes) in prevailing {
        let at = byte(*block);
        match *kind {
            id::PRIMARY_VOLUME => {
                dstring(c, &bytes[..], at, 24, 56);
                dstring(c, &bytes[..], at, 72, 200);
                for from in [200, 264] {
                    if bytes[from] != 0 || bytes[from + 1..][..23] != *b"OSTA Compressed Unicode" {
                        let what = "the character set is not OSTA Compressed Unicode";
                        c.error(at + from as u64, "UDF 2.60, 2.1.2", what);
                    }
                }
            }
            id::PARTITION => partition(c, &bytes[..], at, &mut volume),
            id::LOGICAL_VOLUME => logical_volume(c, &bytes[..], at, &mut volume),
            _ => {}
        }
    }
    if let Some((.., bytes)) = prevailing.iter().rfind(|d| d.0 == id::LOGICAL_VOLUME) {
        integrity(c, extent(&bytes[..], 432), &mut volume);
    }
    volume
}

/// ECMA-167, 2/8.3.1 and 3/9.1: beginning, NSR, end.
fn recognition(c: &mut Checker<'_>, session: u32) {
    let first = session.saturating_add(16);
    let mut seen = Vec::new();
    for block in first..first.saturating_add(RECOGNITION_MAX) {
        let Some(bytes) = c.block(block) else { break };
        let name = &bytes[1..6];
        if !matches!(
            name,
            b"CD001" | b"BEA01" | b"NSR02" | b"NSR03" | b"TEA01" | b"BOOT2" | b"CDW02"
        ) {
            break;
        }
        if name != b"CD001" {
            claim(c, block, 1);
            if bytes[6] != 1 || bytes[0] != 0 {
                let what = "a volume structure descriptor has another type or version";
                c.error(byte(block), "ECMA-167, 2/9.1", what);
            }
            seen.push((block, name.to_vec()));
        }
    }
    let has = |name: &[u8]| seen.iter().any(|(_, seen)| seen == name);
    for name in [b"BEA01", b"TEA01"] {
        if !has(name) {
            let text = String::from_utf8_lossy(name).into_owned();
            let what = format!("the volume recognition sequence has no {text}");
            c.error(byte(first), "ECMA-167, 2/8.3.1", what);
        }
    }
}

/// The extents of both sequences, by the anchors (ECMA-167, 3/8.4.2.1).
fn anchors(c: &mut Checker<'_>, session: u32) -> Option<((u32, u32), (u32, u32))> {
    let end = c.blocks();
    let places = [session.checked_add(256), end.checked_sub(257), end.checked_sub(1)];
    let mut found: Option<((u32, u32), (u32, u32))> = None;
    let mut count = 0;
    let mut met = Vec::new();
    for block in places.into_iter().flatten() {
        if met.contains(&block) || block >= end {
            continue;
        }
        met.push(block);
        // Behind the end of a session others may have written; only 256 has to be good.
        let must = Some(block) == places[0];
        let Some(bytes) = c.block(block) else { continue };
        let here = Tag::parse(&bytes[..]).is_some_and(|t| t.id == id::ANCHOR);
        if !here {
            if must {
                let what = "there is no anchor at block 256";
                c.error(byte(block), "ECMA-167, 3/8.4.2.1", what);
            }
            continue;
        }
        tag(c, &bytes[..], byte(block), &[id::ANCHOR], block)?;
        claim(c, block, 1);
        count += 1;
        let extents = (extent(&bytes[..], 16), extent(&bytes[..], 24));
        for (field, (bytes, _)) in [(16, extents.0), (24, extents.1)] {
            if bytes < 16 * BLOCK as u32 {
                let what = format!("a volume descriptor sequence has only {bytes} bytes");
                c.error(byte(block) + field, "UDF 2.60, 2.2.3", what);
            }
        }
        match found {
            None => found = Some(extents),
            // What lies much further on is of another session.
            Some(before) if before != extents && extents.0.1 < before.0.1.saturating_add(512) => {
                let what = "two anchors lead to different sequences";
                c.error(byte(block) + 16, "ECMA-167, 3/8.4.2.1", what);
            }
            Some(_) => {}
        }
    }
    if count == 1 {
        let what = "there is only one anchor; a closed volume has two or three";
        c.note(byte(session.saturating_add(256)), "ECMA-167, 3/8.4.2.1", what);
    }
    found
}

/// The descriptors of a sequence, and their tags (ECMA-167, 3/8.4.2).
fn sequence(c: &mut Checker<'_>, (bytes, first): (u32, u32)) -> Vec<Descriptor> {
    let blocks = (bytes / BLOCK as u32).min(SEQUENCE_MAX);
    claim(c, first, blocks);
    let mut out = Vec::new();
    for block in first..first.saturating_add(blocks) {
        let Some(bytes) = c.block(block) else {
            let what = "a volume descriptor sequence reaches behind the last block";
            c.error(byte(block), "ECMA-167, 3/8.4.2", what);
            break;
        };
        if Tag::parse(&bytes[..]).is_none() {
            break;
        }
        let kinds: Vec<u16> = (id::PRIMARY_VOLUME..=id::TERMINATING).collect();
        let Some(kind) = tag(c, &bytes[..], byte(block), &kinds, block) else { continue };
        out.push((kind, block, bytes));
        if kind == id::TERMINATING {
            break;
        }
    }
    out
}

/// Both sequences say the same (ECMA-167, 3/8.4.2.2).
fn same(c: &mut Checker<'_>, main: &[Descriptor], reserve: &[Descriptor], place: (u32, u32)) {
    for (number, (kind, _, bytes)) in main.iter().enumerate() {
        let nth = main[..number].iter().filter(|d| d.0 == *kind).count();
        let Some((_, block, other)) = reserve.iter().filter(|d| d.0 == *kind).nth(nth) else {
            let what = format!("the reserve sequence has no descriptor with the identifier {kind}");
            c.error(byte(place.1), "ECMA-167, 3/8.4.2.2", what);
            continue;
        };
        if let Some(offset) = (16..BLOCK).find(|i| bytes[*i] != other[*i]) {
            let what = "a descriptor of the reserve sequence differs from the main one";
            c.error(byte(*block) + offset as u64, "ECMA-167, 3/8.4.2.2", what);
        }
    }
}

/// ECMA-167, 3/10.5.
fn partition(c: &mut Checker<'_>, bytes: &[u8], at: u64, volume: &mut Volume) {
    if !matches!(&bytes[25..31], b"+NSR02" | b"+NSR03") {
        let what = "the contents of a partition are not told as +NSR02 or +NSR03";
        c.error(at + 24, "ECMA-167, 3/10.5.5", what);
    }
    let access = le32(bytes, 184);
    if access > 4 {
        let what = format!("a partition has the access type {access}");
        c.error(at + 184, "ECMA-167, 3/10.5.7", what);
    }
    let (start, len) = (le32(bytes, 188), le32(bytes, 192));
    // What grows on a recordable disc is as long as that.
    let end = start.checked_add(len).filter(|end| *end <= c.blocks());
    if end.is_none() && access != 2 {
        let what = format!("a partition from block {start} on has {len} blocks, too many");
        c.error(at + 192, "ECMA-167, 3/10.5.9", what);
    }
    let bitmap = (le32(bytes, 64) & (u32::MAX >> 2), le32(bytes, 68));
    volume.partitions.push(Partition { start, len, bitmap });
}

/// ECMA-167, 3/10.6; UDF 2.60, 2.2.4.
fn logical_volume(c: &mut Checker<'_>, bytes: &[u8], at: u64, volume: &mut Volume) {
    dstring(c, bytes, at, 84, 212);
    if le32(bytes, 212) != BLOCK as u32 {
        let what = format!("its logical blocks have {} bytes, not 2048", le32(bytes, 212));
        c.error(at + 212, "UDF 2.60, 2.2.4.2", what);
    }
    if !bytes[217..].starts_with(b"*OSTA UDF Compliant") {
        let what = "the domain is not *OSTA UDF Compliant";
        c.error(at + 216, "UDF 2.60, 2.2.4.3", what);
    }
    volume.revision = le16(bytes, 240);
    let len = (le32(bytes, 264) as usize).min(BLOCK - 440);
    let count = le32(bytes, 268) as usize;
    let mut maps = &bytes[440..440 + len];
    for _map in 0..count.min(MAPS_MAX) {
        let offset = 440 + len - maps.len();
        let Some((kind, _, size)) = parse_map(maps) else {
            let what = "the partition maps end within one";
            c.error(at + offset as u64, "ECMA-167, 3/10.6.13", what);
            return;
        };
        if let MapKind::Unknown(what) = &kind {
            let what = format!("a partition map is unknown: {what}");
            c.error(at + offset as u64, "UDF 2.60, 2.2.8", what);
        }
        volume.duplicated |= matches!(kind, MapKind::Metadata { .. }) && maps[58] & 1 != 0;
        volume.maps.push(kind);
        maps = &maps[size..];
    }
    if !maps.is_empty() {
        let what = "the map table is longer than its maps";
        c.error(at + 264, "ECMA-167, 3/10.6.7", what);
    }
}

/// The integrity sequence: its last descriptor prevails (ECMA-167, 3/10.10; UDF 2.60, 2.2.6).
fn integrity(c: &mut Checker<'_>, place: (u32, u32), volume: &mut Volume) {
    let (mut len, mut block) = place;
    let mut last: Option<(u32, Box<[u8; BLOCK]>)> = None;
    let mut looked = 0;
    while len >= BLOCK as u32 && looked < SEQUENCE_MAX {
        let Some(bytes) = c.block(block) else { break };
        if Tag::parse(&bytes[..]).is_none() {
            break;
        }
        let kinds = [id::INTEGRITY, id::TERMINATING];
        if tag(c, &bytes[..], byte(block), &kinds, block) != Some(id::INTEGRITY) {
            break;
        }
        claim(c, block, 1);
        (looked, len) = (looked + 1, len - BLOCK as u32);
        let next = extent(&bytes[..], 32);
        last = Some((block, bytes));
        (len, block) = if next.0 > 0 { next } else { (len, block.saturating_add(1)) };
    }
    let Some((block, bytes)) = last else {
        // Where nothing but a virtual allocation table tells of files there may be none.
        c.error(byte(place.1), "ECMA-167, 3/10.10", "there is no integrity descriptor");
        return;
    };
    let at = byte(block);
    volume.integrity = Some(at);
    if le32(&bytes[..], 28) != 1 {
        let what = "the volume was not closed: its integrity is open";
        c.warning(at + 28, "ECMA-167, 3/10.10.3", what);
    }
    volume.next_unique = le64(&bytes[..], 40);
    let count = le32(&bytes[..], 72) as usize;
    if count != volume.maps.len() || count > MAPS_MAX {
        let what = format!("{count} partitions are told of, {} are mapped", volume.maps.len());
        c.error(at + 72, "ECMA-167, 3/10.10.6", what);
        return;
    }
    volume.free = le32(&bytes[..], 80);
    let size = le32(&bytes[..], 80 + 4 * count);
    if let Some(partition) = volume.partitions.first()
        && partition.len != size
    {
        let what = format!("a partition has {size} blocks here and {} in its own", partition.len);
        c.error(at + 80 + 4 * count as u64, "ECMA-167, 3/10.10.9", what);
    }
    let own = 80 + 8 * count;
    volume.files = le32(&bytes[..], own + 32);
    volume.directories = le32(&bytes[..], own + 36);
    let (read, write) = (le16(&bytes[..], own + 40), le16(&bytes[..], own + 42));
    if read > write {
        let what = "the least revision to read is above that to write";
        c.warning(at + own as u64 + 40, "UDF 2.60, 2.2.6.4", what);
    }
}

/// Numbers of files and directories, and of what comes next.
pub(super) fn compare_counts(c: &mut Checker<'_>, volume: &Volume, counted: &Counted) {
    let grows = volume.maps.contains(&MapKind::Virtual);
    let Some(at) = volume.integrity.filter(|_| counted.whole && !grows) else { return };
    let own = at + 80 + 8 * volume.maps.len() as u64;
    if volume.files != counted.files && volume.files != counted.names {
        let what = format!("{} files are told of, there are {}", volume.files, counted.files);
        c.warning(own + 32, "UDF 2.60, 2.2.6.4", what);
    }
    if volume.directories != counted.directories {
        let (told, are) = (volume.directories, counted.directories);
        let what = format!("{told} directories are told of, there are {are}");
        c.warning(own + 36, "UDF 2.60, 2.2.6.4", what);
    }
    if counted.highest_unique >= volume.next_unique.max(1) && counted.highest_unique > 0 {
        let (next, used) = (volume.next_unique, counted.highest_unique);
        let what = format!("the next unique number is {next}, and {used} is in use");
        c.warning(at + 40, "UDF 2.60, 3.2.1.1", what);
    }
}
