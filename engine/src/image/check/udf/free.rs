//! What is said to be free (ECMA-167, 4/10 and 4/14.12), and the second copy of metadata
//! (UDF 2.60, 2.2.13).

use super::volume::Volume;
use super::{SPACE_BITMAP, claim, tag};
use crate::image::check::{Checker, byte};
use crate::image::udf::MapKind;
use crate::image::udf::wire::{le32, tag as id};
use crate::units::BLOCK;

/// The largest bitmap: a bit for each block that can be numbered.
const BITMAP_MAX: u32 = 1 << 29;
/// Bytes of a bitmap descriptor before its bits.
const HEADER: usize = 24;

pub(super) fn check(c: &mut Checker<'_>, volume: &Volume) {
    for (number, partition) in volume.partitions.iter().enumerate() {
        let (bytes, place) = partition.bitmap;
        if bytes == 0 {
            continue;
        }
        let block = partition.start.saturating_add(place);
        let data = match bytes as usize > HEADER && bytes <= BITMAP_MAX {
            true => c.bytes(block, bytes as usize),
            false => None,
        };
        let Some(data) = data else {
            let what = "the bitmap of free blocks lies where none can be";
            c.error(byte(block), "ECMA-167, 4/14.12", what);
            continue;
        };
        claim(c, block, bytes.div_ceil(BLOCK as u32));
        tag(c, &data, byte(block), &[SPACE_BITMAP], place);
        let bits = le32(&data, 16);
        if bits != partition.len {
            let what = format!("the bitmap has {bits} bits for {} blocks", partition.len);
            c.error(byte(block) + 16, "ECMA-167, 4/14.12.2", what);
        }
        let is_free = |at: u32| {
            let within = at.checked_sub(partition.start).filter(|at| *at < bits);
            within.is_some_and(|at| {
                let byte = data.get(HEADER + (at / 8) as usize).copied().unwrap_or(0);
                byte >> (at % 8) & 1 != 0
            })
        };
        if let Some((used, said)) = c.claims.used(partition.start, &is_free) {
            let bit = HEADER as u64 + u64::from(used - partition.start) / 8;
            let what = format!("block {used} is free by the bitmap and used by byte {said}");
            c.error(byte(block) + bit, "ECMA-167, 4/14.12.4", what);
        }
        let free = (0..bits).filter(|bit| is_free(partition.start + bit)).count() as u32;
        if let (0, Some(at)) = (number, volume.integrity)
            && free != volume.free
        {
            let what = format!("{} blocks are free here, {free} by the bitmap", volume.free);
            c.warning(at + 80, "ECMA-167, 3/10.10.8", what);
        }
    }
    for map in &volume.maps {
        if let (MapKind::Metadata { file, mirror }, Some(partition)) =
            (map, volume.partitions.first())
        {
            mirrored(c, partition.start, (*file, *mirror), volume.duplicated);
        }
    }
}

/// The metadata file and its mirror (UDF 2.60, 2.2.13.1).
fn mirrored(c: &mut Checker<'_>, start: u32, (file, mirror): (u32, u32), duplicated: bool) {
    let clause = "UDF 2.60, 2.2.13";
    let mut extents = Vec::new();
    for (place, kind) in [(file, 250), (mirror, 251)] {
        let block = start.saturating_add(place);
        let at = byte(block);
        let Some(bytes) = c.block(block) else {
            c.error(at, clause, "the metadata file or its mirror lies behind the last block");
            return;
        };
        claim(c, block, 1);
        let wanted = [id::EXTENDED_FILE_ENTRY, id::FILE_ENTRY];
        let Some(found) = tag(c, &bytes[..], at, &wanted, place) else { return };
        if bytes[27] != kind {
            let what = format!("the type of a metadata file is {}, not {kind}", bytes[27]);
            c.error(at + 27, clause, what);
        }
        let tail = if found == id::EXTENDED_FILE_ENTRY { 208 } else { 168 };
        let from = tail + 8 + le32(&bytes[..], tail) as usize;
        let list = bytes.get(from..from.saturating_add(le32(&bytes[..], tail + 4) as usize));
        let blocks: Vec<(u32, u32)> = list
            .unwrap_or_default()
            .chunks_exact(8)
            .map(|ad| (start.saturating_add(le32(ad, 4)), (le32(ad, 0) & (u32::MAX >> 2)) / 2048))
            .filter(|(_, blocks)| *blocks > 0)
            .collect();
        extents.push((at, blocks));
    }
    let (first, second) = (&extents[0].1, &extents[1].1);
    if !duplicated {
        if first != second {
            let what = "the mirror is not to be a copy, and yet lies elsewhere";
            c.error(extents[1].0, clause, what);
        }
        return;
    }
    let blocks = |list: &Vec<(u32, u32)>| {
        list.clone().into_iter().flat_map(|(first, count)| first..first.saturating_add(count))
    };
    let end = c.blocks();
    let count = |list: &[(u32, u32)]| list.iter().map(|(_, n)| u64::from(*n)).sum::<u64>();
    if count(first) != count(second) {
        c.error(extents[1].0, clause, "the mirror has not as many blocks as the metadata file");
    }
    for (a, b) in blocks(first).zip(blocks(second)) {
        if a >= end || b >= end {
            c.error(extents[0].0, clause, "metadata lies behind the last block");
            return;
        }
        let (Some(one), Some(two)) = (c.block(a), c.block(b)) else { continue };
        if let Some(offset) = (0..BLOCK).find(|i| one[*i] != two[*i]) {
            let what = format!("the mirror differs here from the metadata in block {a}");
            c.error(byte(b) + offset as u64, clause, what);
        }
    }
}
