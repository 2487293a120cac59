//! An image as a disk: boot code, partition tables at the start, the second GPT at the end, and
//! what lies behind the volume.

use sha2::{Digest, Sha256};

use super::setup::find;
use super::{BootError, Code, Disk, Told};
use crate::image::contents::Contents;
use crate::image::hybrid::SECTOR;
use crate::image::hybrid::apm::{self, Apm};
use crate::image::hybrid::gpt::{ENTRIES_SECTORS, Entry, Gpt, Guid};
use crate::image::hybrid::mbr::{self, CODE, GPT_PROTECTIVE, Mbr};
use crate::image::iso9660::volume::SYSTEM_AREA;
use crate::image::tree::{ContentId, Tree};
use crate::units::BLOCK;

/// Sectors in a block.
const SECTORS: u64 = (BLOCK / SECTOR) as u64;
/// Sectors of the system area: no partition of a GPT begins in it.
const AREA: u64 = SYSTEM_AREA as u64 * SECTORS;
/// Blocks that hold the second GPT: its entries, then its header in the last sector.
const BACKUP: u64 = (ENTRIES_SECTORS + 1).div_ceil(SECTORS);
/// Where the first GPT's entries lie: behind the header, or behind an Apple Partition Map.
const ENTRIES_AT: u64 = 2;
const ENTRIES_BEHIND_APM: u64 = AREA - ENTRIES_SECTORS;
/// Blocks of a MiB, which is a cylinder.
const CYLINDER: u64 = (1 << 20) / BLOCK as u64;
/// Where boot code wants to be told where its first image lies.
const TOLD_AT: usize = 432;
/// GPT attributes of what fills the gaps: required, read-only (UEFI 2.10, table 5.8; the second is
/// that of basic data).
const LEAVE_ALONE: u64 = 1 | 1 << 60;

/// Where a volume and its image end, in blocks.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::image) struct Ends {
    /// Where the file system ends: what is appended begins there.
    pub volume: u32,
    /// The image.
    pub image: u32,
}

/// A disk whose partitions were found in the tree.
#[derive(Debug)]
pub(in crate::image) struct Drive {
    wish: Disk,
    /// The content of each partition, and its blocks.
    partitions: Vec<(ContentId, u64)>,
    /// What the boot code is told of.
    first: Option<ContentId>,
}

/// What all numbers that must differ from disk to disk are made of.
pub(in crate::image) struct Seed(pub Vec<u8>);

impl Seed {
    fn draw(&self, what: &str) -> [u8; 16] {
        let hash = Sha256::new().chain_update(&self.0).chain_update(what).finalize();
        let mut out = [0; 16];
        out.copy_from_slice(&hash[..16]);
        out
    }
}

impl Drive {
    /// Finds the partitions in the tree; `first` is the first image that a BIOS starts.
    pub(super) fn new(
        wish: &Disk,
        tree: &Tree,
        first: Option<ContentId>,
    ) -> Result<Drive, BootError> {
        let mut partitions = Vec::new();
        for partition in &wish.partitions {
            let id = find(tree, &partition.image)?;
            if partitions.iter().any(|(other, _)| *other == id) {
                return Err(BootError::PartitionTwice { name: partition.name.clone() });
            }
            partitions.push((id, tree.content(id).size.div_ceil(BLOCK as u64)));
        }
        // Each has its number beside the volume, and a GPT needs one to be seen.
        let room = 3 - usize::from(wish.gpt);
        if wish.mbr && partitions.len() > room {
            return Err(BootError::Partitions { count: partitions.len(), room });
        }
        if wish.apm && partitions.len() >= apm::ENTRIES_MAX {
            let room = apm::ENTRIES_MAX - 1;
            return Err(BootError::Partitions { count: partitions.len(), room });
        }
        let drive = Drive { wish: wish.clone(), partitions, first };
        drive.check_code()?;
        Ok(drive)
    }

    fn check_code(&self) -> Result<(), BootError> {
        let Some(code) = &self.wish.code else { return Ok(()) };
        let room = match (self.wish.gpt, self.wish.apm) {
            (false, false) => AREA as usize * SECTOR,
            _ => SECTOR,
        };
        let bytes = code.bytes.len();
        if bytes > room {
            return Err(BootError::Code { bytes, room });
        }
        if code.told != Told::Nothing && self.first.is_none() {
            return Err(BootError::NothingToTell);
        }
        if self.wish.apm && !apm::share(&mut code.bytes.clone()) {
            return Err(BootError::NoRoomForMap);
        }
        Ok(())
    }

    /// The contents that lie behind the volume.
    pub(in crate::image) fn appended(&self) -> Vec<ContentId> {
        let all = self.partitions.iter().zip(&self.wish.partitions);
        all.filter(|(_, wish)| wish.appended).map(|((id, _), _)| *id).collect()
    }

    /// Blocks of the second GPT, and the end of an image of which this much is laid out.
    pub(in crate::image) fn end(&self, at: u64) -> (u64, u64) {
        let backup = if self.wish.gpt { BACKUP } else { 0 };
        let end = at + backup;
        (backup, if self.wish.align { end.next_multiple_of(CYLINDER) } else { end })
    }

    /// The system area.
    pub(in crate::image) fn system_area(
        &self,
        contents: &Contents,
        ends: Ends,
        seed: &Seed,
    ) -> Vec<u8> {
        let mut out = vec![0; AREA as usize * SECTOR];
        if let Some(code) = &self.wish.code {
            out[..code.bytes.len()].copy_from_slice(&code.bytes);
            self.tell(code, &mut out, contents);
        }
        if self.wish.apm {
            // Where there is no code yet there is room.
            apm::share(&mut out[..CODE]);
            let map = self.map(contents).emit();
            out[BLOCK..BLOCK + map.len()].copy_from_slice(&map);
        }
        if self.wish.mbr || self.wish.gpt {
            let mut sector = [0; SECTOR];
            sector.copy_from_slice(&out[..SECTOR]);
            self.mbr(contents, ends, seed).emit(&mut sector);
            out[..SECTOR].copy_from_slice(&sector);
        }
        if self.wish.gpt {
            let gpt = self.gpt(contents, ends, seed, false);
            let at = gpt.entries_at as usize * SECTOR;
            let entries = gpt.emit_entries();
            out[SECTOR..2 * SECTOR].copy_from_slice(&gpt.emit_header());
            out[at..at + entries.len()].copy_from_slice(&entries);
        }
        out
    }

    /// The blocks that hold the second GPT.
    pub(in crate::image) fn backup(&self, contents: &Contents, ends: Ends, seed: &Seed) -> Vec<u8> {
        let gpt = self.gpt(contents, ends, seed, true);
        let mut out = vec![0; (BACKUP * SECTORS - ENTRIES_SECTORS - 1) as usize * SECTOR];
        out.extend(gpt.emit_entries());
        out.extend(gpt.emit_header());
        out
    }

    /// Tells the boot code where its first image lies, in sectors.
    fn tell(&self, code: &Code, out: &mut [u8], contents: &Contents) {
        let Some(first) = self.first else { return };
        let sector = u64::from(contents.lba(first)) * SECTORS;
        let place = &mut out[TOLD_AT..TOLD_AT + 8];
        match code.told {
            Told::Nothing => {}
            Told::Isolinux => place.copy_from_slice(&sector.to_le_bytes()),
            // GRUB's boot image begins with a sector that only a CD needs, in 2048 bytes.
            Told::Grub2 => place.copy_from_slice(&(sector + SECTORS).to_le_bytes()),
        }
    }

    /// First sector and number of sectors of each partition.
    fn extents(&self, contents: &Contents) -> Vec<(u64, u64)> {
        let extent = |(id, blocks): &(ContentId, u64)| {
            (u64::from(contents.lba(*id)) * SECTORS, blocks * SECTORS)
        };
        self.partitions.iter().map(extent).collect()
    }

    fn mbr(&self, contents: &Contents, ends: Ends, seed: &Seed) -> Mbr {
        // An image has fewer than 2^31 blocks; what lies behind 2 TiB cannot be told here.
        let sectors = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let [a, b, c, d, ..] = seed.draw("disk");
        let disk = self.wish.number.unwrap_or(u32::from_le_bytes([a, b, c, d]));
        let mut mbr = Mbr { disk, ..Mbr::default() };
        let all = u64::from(ends.image) * SECTORS;
        let cover = |end: u64| mbr::Partition {
            active: false,
            kind: GPT_PROTECTIVE,
            start: 1,
            sectors: sectors(end - 1),
        };
        if !self.wish.mbr {
            // Some BIOSes start from no disk without an active partition, and the one that protects
            // a GPT must not be it (UEFI 2.10, table 5.4): xorriso's way out.
            let active = self.wish.code.is_some();
            mbr.partitions[0] = cover(all);
            mbr.partitions[1] =
                mbr::Partition { active, kind: 0, start: 0, sectors: u32::from(active) };
            return mbr;
        }
        let end = match self.appended().is_empty() {
            true => all,
            false => u64::from(ends.volume) * SECTORS,
        };
        let (kind, start) = (self.wish.volume.kind, self.wish.volume.start);
        let count = sectors(end) - start;
        mbr.partitions[0] = mbr::Partition { active: true, kind, start, sectors: count };
        let rooms = mbr.partitions[1..].iter_mut().zip(self.extents(contents));
        for ((room, (start, count)), wish) in rooms.zip(&self.wish.partitions) {
            let (start, sectors) = (sectors(start), sectors(count));
            *room = mbr::Partition { active: false, kind: wish.mbr, start, sectors };
        }
        if self.wish.gpt {
            mbr.partitions[3] = cover(AREA);
        }
        mbr
    }

    /// The partitions, and between them others that keep programs from using the volume.
    fn gpt(&self, contents: &Contents, ends: Ends, seed: &Seed, second: bool) -> Gpt {
        let end = u64::from(ends.image) * SECTORS;
        let first_entries = if self.wish.apm { ENTRIES_BEHIND_APM } else { ENTRIES_AT };
        let second_entries = end - 1 - ENTRIES_SECTORS;
        let mut parts: Vec<_> =
            self.extents(contents).into_iter().zip(&self.wish.partitions).collect();
        parts.sort_by_key(|((start, _), _)| *start);
        let mut entries = Vec::new();
        let mut add = |kind, first: u64, end: u64, attributes, name: String| {
            let number = entries.len() as u32 + 1;
            let id = Guid::random(seed.draw(&format!("partition {number}")));
            entries.push((number, Entry { kind, id, first, last: end - 1, attributes, name }));
        };
        let (mut at, mut gaps) = (AREA, 0);
        let volume_end = u64::from(ends.volume) * SECTORS;
        let mut fill = |add: &mut dyn FnMut(_, _, _, _, _), from: u64, to: u64| {
            if from < to {
                add(Guid::BASIC_DATA, from, to, LEAVE_ALONE, format!("Gap{gaps}"));
                gaps += 1;
            }
        };
        for ((start, count), wish) in parts {
            fill(&mut add, at, start);
            add(wish.gpt, start, start + count, 0, wish.name.clone());
            at = start + count;
        }
        fill(&mut add, at, volume_end);
        let (at, other, entries_at) = match second {
            false => (1, end - 1, first_entries),
            true => (end - 1, 1, second_entries),
        };
        let disk = Guid::random(seed.draw("table"));
        Gpt { disk, at, other, entries_at, first: AREA, last: second_entries - 1, entries }
    }

    /// The Apple Partition Map. Macs look for partitions of their own type only.
    fn map(&self, contents: &Contents) -> Apm {
        let all = self.partitions.iter().zip(&self.wish.partitions);
        let partition =
            |((id, blocks), wish): (&(ContentId, u64), &super::Partition)| apm::Partition {
                start: contents.lba(*id),
                blocks: *blocks as u32,
                name: wish.name.clone(),
                kind: "Apple_HFS".to_owned(),
            };
        Apm { block: BLOCK as u16, partitions: all.map(partition).collect() }
    }
}
