//! Where the blocks of a logical volume's partitions lie on the disc: as they are, through a
//! virtual allocation table, around defects, or in a metadata file (ECMA-167, 3/10.7; UDF 2.60,
//! 2.2.8 to 2.2.13).

use std::collections::BTreeMap;

use super::entry::{Body, Entry};
use super::{broken, byte, last, readable};
use crate::image::read::ReadError;
use crate::image::read::walk::Input;
use crate::image::tree::Extent;
use crate::image::udf::MapKind;
use crate::image::udf::entry::file_type;
use crate::image::udf::wire::{Address, Tag, le16, le32, tag};
use crate::units::{BLOCK, Lba};

/// Blocks before the end in which the entry of a virtual allocation table is looked for: behind it
/// lie at most run-out blocks and what fills up an ECC block.
const TABLE_SEARCH: u32 = 512;
/// Bytes of a virtual allocation table: one number for each of four million nodes.
const TABLE_MAX: u64 = 16 << 20;
/// Pieces into which one extent may fall.
const PIECES_MAX: usize = 1 << 16;

/// A partition of the logical volume.
#[derive(Debug)]
struct Partition {
    /// First block on the disc, and blocks.
    start: u32,
    len: u32,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Plain,
    /// Block of the partition for each virtual block.
    Virtual(Vec<u32>),
    /// Blocks of a packet, and the packets that lie elsewhere: where on the disc, by first block.
    Sparable(u32, BTreeMap<u32, u32>),
    /// The pieces of the metadata file: first block within it, first block on the disc, blocks.
    Metadata(Vec<(u32, u32, u32)>),
    Unknown,
}

/// All partitions, in the order of their maps.
#[derive(Debug)]
pub(in crate::image) struct Partitions {
    list: Vec<Partition>,
    maps: Vec<MapKind>,
}

impl Partitions {
    /// Puts maps and partition descriptors (number, first block, blocks) together. `at` is where
    /// the maps were recorded.
    pub(super) fn new(
        maps: Vec<(MapKind, u16)>,
        descriptors: &[(u16, u32, u32)],
        at: u64,
        input: &mut Input<'_>,
    ) -> Result<Partitions, ReadError> {
        let mut partitions = Partitions { list: Vec::new(), maps: Vec::new() };
        // With a virtual partition the one below it is the whole disc, recorded or not.
        let grows = maps.iter().any(|(map, _)| *map == MapKind::Virtual);
        for (map, number) in maps {
            let Some(&(_, start, len)) = descriptors.iter().find(|(n, ..)| *n == number) else {
                return Err(broken(at, "a partition map is of a partition that is not there"));
            };
            if !grows && start.saturating_add(len) > input.blocks() {
                input.flaw(at, "a partition reaches behind the last block");
            }
            let kind = match map {
                MapKind::Plain => Kind::Plain,
                _ => Kind::Unknown,
            };
            partitions.list.push(Partition { start, len, kind });
            partitions.maps.push(map);
        }
        Ok(partitions)
    }

    /// Reads the tables and files that maps depend on.
    pub(super) fn prepare(&mut self, input: &mut Input<'_>) -> Result<(), ReadError> {
        for index in 0..self.maps.len() {
            let kind = match &self.maps[index] {
                MapKind::Plain | MapKind::Unknown(_) => continue,
                MapKind::Sparable { packet, tables } => {
                    Kind::Sparable(*packet, spared(input, tables, *packet)?)
                }
                MapKind::Metadata { file, mirror } => {
                    let (file, mirror) = (*file, *mirror);
                    Kind::Metadata(self.metadata(input, index, file, mirror)?)
                }
                MapKind::Virtual => Kind::Virtual(self.virtual_table(input, index)?),
            };
            self.list[index].kind = kind;
        }
        Ok(())
    }

    /// Where the volume ends whose last partition ends at this block of the disc: sparing tables
    /// lie outside of it, and before a virtual allocation table only what is recorded counts.
    pub(super) fn end(&self, end: u32, input: &Input<'_>) -> u32 {
        self.maps.iter().fold(end, |end, map| match map {
            MapKind::Virtual => end.min(input.blocks()),
            MapKind::Sparable { packet, tables } => tables
                .iter()
                .map(|table| table.saturating_add(*packet - 1))
                .filter(|closing| *closing < input.blocks())
                .fold(end, u32::max),
            _ => end,
        })
    }

    /// The disc's block of a block of a partition; `None` where there is none.
    pub(in crate::image) fn block(&self, at: Address) -> Option<u32> {
        let partition = self.list.get(usize::from(at.partition))?;
        let physical = |block: u32| {
            (block < partition.len).then(|| partition.start.checked_add(block)).flatten()
        };
        match &partition.kind {
            Kind::Plain => physical(at.block),
            Kind::Virtual(table) => {
                table.get(at.block as usize).filter(|b| **b != u32::MAX).and_then(|b| physical(*b))
            }
            Kind::Sparable(packet, spared) => {
                let within = at.block % packet;
                match spared.get(&(at.block - within)) {
                    Some(place) => place.checked_add(within),
                    None => physical(at.block),
                }
            }
            Kind::Metadata(pieces) => {
                let next = pieces.partition_point(|(first, ..)| *first <= at.block);
                let (first, place, len) = *pieces.get(next.checked_sub(1)?)?;
                let within = at.block - first;
                (within < len).then(|| place.checked_add(within)).flatten()
            }
            Kind::Unknown => None,
        }
    }

    /// Where an extent lies on the disc, in as many pieces as it takes; `None` if some of it lies
    /// nowhere.
    pub(in crate::image) fn extent(&self, at: Address, bytes: u64) -> Option<Vec<Extent>> {
        let partition = self.list.get(usize::from(at.partition))?;
        // Blocks that are known to follow each other.
        let step = match &partition.kind {
            Kind::Plain => u64::from(u32::MAX),
            Kind::Sparable(packet, _) => u64::from(packet - at.block % packet),
            _ => 1,
        };
        let mut out: Vec<Extent> = Vec::new();
        let (mut block, mut left, mut step) = (at.block, bytes, step * BLOCK as u64);
        while left > 0 {
            let len = left.min(step);
            let first = self.block(Address { block, ..at })?;
            let blocks = u32::try_from(len.div_ceil(BLOCK as u64)).ok()?;
            self.block(Address { block: block.checked_add(blocks - 1)?, ..at })?;
            let lba = Lba(i32::try_from(first).ok()?);
            match out.last_mut() {
                Some(last) if last.end() == u64::from(first) => last.bytes += len,
                _ => out.push(Extent { lba, bytes: len }),
            }
            if out.len() > PIECES_MAX {
                return None;
            }
            left -= len;
            block = block.checked_add(blocks)?;
            if let Kind::Sparable(packet, _) = partition.kind {
                step = u64::from(packet) * BLOCK as u64;
            }
        }
        Some(out)
    }

    /// The pieces of a metadata file, by its entry or else by its mirror's (UDF 2.60, 2.2.13).
    fn metadata(
        &self,
        input: &mut Input<'_>,
        index: usize,
        file: u32,
        mirror: u32,
    ) -> Result<Vec<(u32, u32, u32)>, ReadError> {
        let Partition { start, len, .. } = self.list[index];
        let plain = Partitions {
            list: vec![Partition { start, len, kind: Kind::Plain }],
            maps: Vec::new(),
        };
        let wanted = [(file, file_type::METADATA), (mirror, file_type::METADATA_MIRROR)];
        for (block, kind) in wanted {
            let at = Address { block, partition: 0 };
            let Some(entry) = Entry::read(input, &plain, at)? else { continue };
            if entry.file_type != kind {
                input.flaw(entry.at, "the entry of a metadata file is of another kind");
                continue;
            }
            let Body::Extents(extents) = entry.body else { continue };
            let (mut pieces, mut first) = (Vec::new(), 0u32);
            for extent in extents {
                let blocks = u32::try_from(extent.bytes / BLOCK as u64).unwrap_or(u32::MAX);
                if let (false, Ok(place)) = (extent.is_hole(), u32::try_from(extent.lba.0)) {
                    pieces.push((first, place, blocks));
                }
                first = first.saturating_add(blocks);
            }
            if !pieces.is_empty() {
                return Ok(pieces);
            }
        }
        Err(broken(byte(start), "neither the metadata file nor its mirror can be found"))
    }

    /// The virtual allocation table, whose entry is the last block recorded (UDF 2.60, 2.2.11; UDF
    /// 1.50, 2.2.10).
    fn virtual_table(&self, input: &mut Input<'_>, index: usize) -> Result<Vec<u32>, ReadError> {
        let Partition { start, len, .. } = self.list[index];
        let plain = Partitions {
            list: vec![Partition { start, len: len.max(input.blocks()), kind: Kind::Plain }],
            maps: Vec::new(),
        };
        let end = last(input).0;
        for block in (end.saturating_sub(TABLE_SEARCH).max(start)..=end).rev() {
            let Some(bytes) = readable(input, block)? else { continue };
            let is_entry = |tag: Tag| {
                tag.sound && matches!(tag.id, tag::FILE_ENTRY | tag::EXTENDED_FILE_ENTRY)
            };
            if !Tag::parse(&bytes[..]).is_some_and(is_entry) {
                continue;
            }
            let at = Address { block: block - start, partition: 0 };
            let Some(entry) = Entry::read(input, &plain, at)? else { continue };
            if !matches!(entry.file_type, 0 | file_type::VIRTUAL_TABLE) {
                continue;
            }
            let Some(bytes) = entry.bytes(input, TABLE_MAX)? else { continue };
            if let Some(numbers) = table_numbers(&bytes, entry.file_type == 0) {
                return Ok(numbers);
            }
        }
        Err(broken(byte(end), "no virtual allocation table lies at the end of the volume"))
    }
}

/// The numbers of a virtual allocation table: of UDF 1.50 they come first and an identifier ends
/// the table; later ones begin with a header that says how long it is.
fn table_numbers(bytes: &[u8], old: bool) -> Option<Vec<u32>> {
    let numbers = if old {
        let end = bytes.len().checked_sub(36)?;
        if bytes.get(end + 1..end + 23) != Some(b"*UDF Virtual Alloc Tbl") {
            return None;
        }
        &bytes[..end]
    } else {
        let header = usize::from(le16(bytes.get(..2)?, 0));
        bytes.get(header..).filter(|_| header >= 152)?
    };
    Some(numbers.chunks_exact(4).map(|number| le32(number, 0)).collect())
}

/// The packets that lie elsewhere, by one of the sparing tables (UDF 2.60, 2.2.12).
fn spared(
    input: &mut Input<'_>,
    tables: &[u32],
    packet: u32,
) -> Result<BTreeMap<u32, u32>, ReadError> {
    for &table in tables {
        let Some(bytes) = readable(input, table)? else { continue };
        let named = bytes[17..].starts_with(b"*UDF Sparing Table");
        if !named || le32(&bytes[..], 12) != table {
            input.flaw(byte(table), "no sparing table lies where one should");
            continue;
        }
        let count = u32::from(le16(&bytes[..], 48));
        let mut out = BTreeMap::new();
        for index in 0..count {
            let at = 56 + u64::from(index) * 8;
            let block = table.saturating_add((at / BLOCK as u64) as u32);
            let Some(bytes) = readable(input, block)? else { break };
            let at = (at % BLOCK as u64) as usize;
            let (original, place) = (le32(&bytes[..], at), le32(&bytes[..], at + 4));
            // The highest numbers mean "free" and "unusable".
            if original < 0xffff_fff0 && original.is_multiple_of(packet.max(1)) {
                out.insert(original, place);
            }
        }
        return Ok(out);
    }
    Ok(BTreeMap::new())
}
