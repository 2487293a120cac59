//! The partition tables of an image that is a disk as well, out of hostile bytes.

use super::{BootRecords, Input, ReadError};
use crate::image::hybrid::SECTOR;
use crate::image::hybrid::apm::Apm;
use crate::image::hybrid::gpt::{Gpt, Header};
use crate::image::hybrid::mbr::{GPT_PROTECTIVE, Mbr};
use crate::units::BLOCK;

/// Bytes of a table's entries that are read at most.
const ENTRIES_MAX: u64 = 1 << 20;
/// Partitions of an Apple Partition Map that are read at most.
const MAP_MAX: u32 = 63;

/// Adds what the system area and the end of the image say.
pub(super) fn partition_tables(
    input: &mut Input<'_>,
    records: &mut BootRecords,
) -> Result<(), ReadError> {
    let Some(first) = sector(input, 0)? else { return Ok(()) };
    records.mbr = Mbr::parse(&first);
    if let Some(mbr) = records.mbr {
        check_mbr(input, &mbr);
    }
    records.gpt = table(input, 1)?;
    if let Some(gpt) = &records.gpt {
        check_gpt(input, gpt)?;
    }
    if let Some(block) = Apm::block_size(&first) {
        records.apm = map(input, block)?;
    }
    Ok(())
}

fn sectors(input: &Input<'_>) -> u64 {
    u64::from(input.blocks()) * (BLOCK / SECTOR) as u64
}

/// A sector of 512 bytes; `None` behind the end.
fn sector(input: &mut Input<'_>, at: u64) -> Result<Option<[u8; SECTOR]>, ReadError> {
    if at >= sectors(input) {
        return Ok(None);
    }
    let (block, offset) = (at / 4, at as usize % 4 * SECTOR);
    let mut out = [0; SECTOR];
    out.copy_from_slice(&input.block(block as u32)?[offset..offset + SECTOR]);
    Ok(Some(out))
}

fn check_mbr(input: &mut Input<'_>, mbr: &Mbr) {
    let end = sectors(input);
    for (number, partition) in mbr.partitions.iter().enumerate() {
        let reaches = u64::from(partition.start) + u64::from(partition.sectors);
        let at = 446 + 16 * number as u64;
        // A table made for a larger disk may cover that.
        if partition.kind != GPT_PROTECTIVE && reaches > end {
            input.flaw(at, "a partition of the MBR reaches behind the end of the image");
        }
    }
}

/// The GPT whose header is in this sector.
fn table(input: &mut Input<'_>, at: u64) -> Result<Option<Gpt>, ReadError> {
    let Some(bytes) = sector(input, at)? else { return Ok(None) };
    let place = at * SECTOR as u64;
    let mut flaws = Vec::new();
    let header = Header::parse(&bytes, &mut |offset, what| flaws.push((offset, what.to_owned())));
    flaws.into_iter().for_each(|(offset, what)| input.flaw(place + offset as u64, what));
    let Some(header) = header else { return Ok(None) };
    if header.at != at {
        input.flaw(place + 24, "a GPT header says that it lies elsewhere");
    }
    let length = u64::from(header.count) * u64::from(header.size);
    let end = header.entries_at.saturating_add(length.div_ceil(SECTOR as u64));
    if length > ENTRIES_MAX || !header.size.is_multiple_of(128) || end > sectors(input) {
        input.flaw(place + 72, "the partitions of the GPT lie behind the end, or are too many");
        return Ok(None);
    }
    let mut entries = Vec::new();
    for at in header.entries_at..end {
        entries.extend(sector(input, at)?.unwrap_or([0; SECTOR]));
    }
    entries.truncate(length as usize);
    let place = header.entries_at * SECTOR as u64;
    let mut flaws = Vec::new();
    let gpt = header.with_entries(&entries, &mut |what| flaws.push(what.to_owned()));
    flaws.into_iter().for_each(|what| input.flaw(place, what));
    Ok(Some(gpt))
}

/// Compares the partitions with each other, with their bounds and with the second table.
fn check_gpt(input: &mut Input<'_>, gpt: &Gpt) -> Result<(), ReadError> {
    let mut extents: Vec<_> = gpt.entries.iter().map(|(n, e)| (e.first, e.last, *n)).collect();
    extents.sort_unstable();
    let mut free = gpt.first;
    for (first, last, number) in extents {
        // Sizes other than 128 are rare enough for the place to be that of the table.
        let at = gpt.entries_at * SECTOR as u64 + u64::from(number - 1) * 128;
        if first > last || last > gpt.last {
            input.flaw(at, format!("partition {number} of the GPT is out of bounds"));
        } else if first < free {
            input.flaw(at, format!("partition {number} of the GPT overlaps what comes before"));
        }
        free = free.max(last.saturating_add(1));
    }
    let at = SECTOR as u64 + 32;
    match table(input, gpt.other)? {
        None => input.flaw(at, "there is no second GPT where the first one has it"),
        Some(other) => {
            let same = other.entries == gpt.entries
                && other.disk == gpt.disk
                && (other.at, other.other) == (gpt.other, gpt.at)
                && (other.first, other.last) == (gpt.first, gpt.last);
            if !same {
                input.flaw(at, "the second GPT says something else than the first one");
            }
        }
    }
    Ok(())
}

/// The Apple Partition Map with blocks of this size.
fn map(input: &mut Input<'_>, block: u16) -> Result<Option<Apm>, ReadError> {
    let step = u64::from(block) / SECTOR as u64;
    let mut partitions = Vec::new();
    let (mut number, mut count) = (1, 1);
    while number <= count {
        let Some(bytes) = sector(input, u64::from(number) * step)? else { break };
        let Some((all, partition)) = Apm::parse_entry(&bytes) else {
            if number == 1 {
                // Two letters are little to go by.
                return Ok(None);
            }
            let at = u64::from(number) * u64::from(block);
            input.flaw(at, "the Apple Partition Map ends early");
            break;
        };
        if number == 1 {
            if all > MAP_MAX {
                input.flaw(u64::from(block) + 4, "the Apple Partition Map is too long");
            }
            count = all.min(MAP_MAX);
        } else {
            partitions.push(partition);
        }
        number += 1;
    }
    Ok(Some(Apm { block, partitions }))
}
