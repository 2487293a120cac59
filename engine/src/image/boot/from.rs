//! The boot set-up of an image that is there, for another tree.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::{Boot, BootEntry, BootImage, Code, Disk, Partition, Told, VolumePartition};
use crate::image::eltorito::{Emulation, Entry, Platform};
use crate::image::hybrid::SECTOR;
use crate::image::hybrid::apm;
use crate::image::hybrid::gpt::Guid;
use crate::image::hybrid::mbr::{self, CODE, EFI_SYSTEM, GPT_PROTECTIVE};
use crate::image::iso9660::volume::SYSTEM_AREA;
use crate::image::read::{BootImageFacts, BootRecords, Volume};
use crate::image::scan::ScanError;
use crate::image::sectors::Sectors;
use crate::image::tree::{Kind, Source, Tree};
use crate::units::{BLOCK, Blocks};

/// Sectors of 512 bytes in a block.
const SECTORS: u64 = (BLOCK / SECTOR) as u64;
/// Where boot code is told where its first image lies.
const TOLD_AT: Range<usize> = 432..440;

impl Boot {
    /// What `records` and `volume`, read from the image file at `path`, have for computers to start
    /// from, for an image of `tree`. A boot image that has a path there is the file of the same
    /// path in the tree; any other one, or one that the tree does not have, is taken from the image
    /// file. Nothing is there: an empty description.
    pub fn from_image(
        records: &BootRecords,
        volume: &Volume,
        path: &Path,
        sectors: &mut dyn Sectors,
        tree: &mut Tree,
    ) -> Result<Boot, ScanError> {
        let mut area = vec![0; SYSTEM_AREA as usize * BLOCK];
        let unreadable = |detail: String| ScanError {
            path: path.to_path_buf(),
            doing: "read as what a computer starts from",
            detail,
        };
        sectors.read(Blocks(0), &mut area).map_err(|e| unreadable(e.to_string()))?;
        let blocks = sectors.blocks().0;
        let paths = paths(volume);
        let mut old = Old { records, path, blocks, paths, taken: BTreeMap::new(), tree };
        let mut boot = Boot::default();
        let Some(el_torito) = &records.el_torito else {
            boot.disk = old.disk(&area)?;
            return Ok(boot);
        };
        for (platform, entry, facts) in el_torito.entries() {
            boot.entries.push(old.entry(platform, entry, facts)?);
        }
        let maker = &el_torito.catalog.manufacturer;
        let end = maker.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        boot.manufacturer = maker[..end].to_vec();
        boot.catalog = old.catalog(el_torito.lba);
        boot.disk = old.disk(&area)?;
        Ok(boot)
    }
}

/// What the files are that begin at a block: path and bytes.
fn paths(volume: &Volume) -> BTreeMap<u32, (Vec<u8>, u64)> {
    let mut paths = BTreeMap::new();
    for node in volume.tree.walk() {
        let Kind::File(id) = volume.tree.kind(node) else { continue };
        let content = volume.tree.content(id);
        if let Source::OnDisc(extents) = &content.source
            && let [extent, ..] = &extents[..]
            && let Ok(lba) = u32::try_from(extent.lba.0)
            && content.size > 0
        {
            paths.entry(lba).or_insert_with(|| (volume.tree.path(node), content.size));
        }
    }
    paths
}

/// The image that is there.
struct Old<'a> {
    records: &'a BootRecords,
    path: &'a Path,
    blocks: u32,
    paths: BTreeMap<u32, (Vec<u8>, u64)>,
    /// Boot images that have been met, by their first blocks.
    taken: BTreeMap<u32, BootImage>,
    tree: &'a mut Tree,
}

impl Old<'_> {
    fn entry(
        &mut self,
        platform: Platform,
        entry: &Entry,
        facts: BootImageFacts,
    ) -> Result<BootEntry, ScanError> {
        let bytes = self.size(platform, entry, facts);
        Ok(BootEntry {
            image: self.image(entry.lba, bytes)?,
            platform,
            bootable: entry.bootable,
            emulation: Some(entry.emulation),
            load_segment: entry.load_segment,
            load_sectors: Some(entry.sectors),
            info_table: facts.info_table.is_some(),
            grub2: facts.grub2,
            criteria: entry.criteria,
        })
    }

    /// The bytes of an image that has no path: as something says it that is not the number of
    /// sectors to load, which need not be all.
    fn size(&self, platform: Platform, entry: &Entry, facts: BootImageFacts) -> u64 {
        let start = u64::from(entry.lba) * SECTORS;
        let rest = (u64::from(self.blocks.saturating_sub(entry.lba))) * BLOCK as u64;
        let partition = self.partitions().into_iter().find(|p| p.start == start);
        let next = self.next_start(entry.lba);
        let bytes = match (facts.info_table, entry.emulation, partition) {
            (Some(bytes), ..) => u64::from(bytes),
            (_, emulation, _) if emulation.floppy_size().is_some() => {
                emulation.floppy_size().unwrap_or(0)
            }
            (_, _, Some(partition)) => partition.sectors * SECTOR as u64,
            // A hard disk's image says nothing of its end; the next thing on the disc does.
            (_, Emulation::HARD_DISK, _) => next,
            (_, _, _) if entry.sectors <= 1 && platform == Platform::UEFI => next,
            _ => u64::from(entry.sectors) * SECTOR as u64,
        };
        bytes.min(rest)
    }

    /// Bytes from this block up to the next file, boot image or the end.
    fn next_start(&self, lba: u32) -> u64 {
        let images = self.records.el_torito.iter().flat_map(|e| e.catalog.entries());
        let starts = self.paths.keys().copied().chain(images.map(|(_, entry)| entry.lba));
        let end = starts.filter(|start| *start > lba).min().unwrap_or(self.blocks);
        u64::from(end.saturating_sub(lba)) * BLOCK as u64
    }

    /// The image that begins at a block, the same one each time.
    fn image(&mut self, lba: u32, bytes: u64) -> Result<BootImage, ScanError> {
        if let Some(known) = self.taken.get(&lba) {
            return Ok(known.clone());
        }
        let start = u64::from(lba) * BLOCK as u64;
        let (path, bytes) = match self.paths.get(&lba) {
            Some((path, bytes)) => (Some(path.clone()), *bytes),
            None => (None, bytes),
        };
        let node = path.as_ref().and_then(|path| self.tree.lookup(path));
        let image = match (path, node.map(|node| self.tree.kind(node))) {
            (Some(path), Some(Kind::File(_))) => BootImage::Path(path),
            _ => BootImage::Hidden(self.tree.hide_file(self.path, Some(start..start + bytes))?),
        };
        self.taken.insert(lba, image.clone());
        Ok(image)
    }

    /// The catalog's path, if the tree has the directory for it.
    fn catalog(&self, lba: u32) -> Option<Vec<u8>> {
        let (path, _) = self.paths.get(&lba)?;
        let cut = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
        let parent = self.tree.lookup(&path[..cut])?;
        (self.tree.kind(parent) == Kind::Directory).then(|| path.clone())
    }

    /// What makes the image a disk; `None` if nothing does.
    fn disk(&mut self, area: &[u8]) -> Result<Option<Disk>, ScanError> {
        let code = self.code(area);
        let partitions = self.partitions();
        let (mbr, gpt, apm) = (self.records.mbr, &self.records.gpt, &self.records.apm);
        if code.is_none() && mbr.is_none() && gpt.is_none() && apm.is_none() {
            return Ok(None);
        }
        let volume = volume_partition(&mbr.unwrap_or_default());
        let mut disk = Disk {
            code,
            mbr: volume.is_some(),
            gpt: gpt.is_some(),
            apm: apm.is_some(),
            volume: volume.unwrap_or_default(),
            partitions: Vec::new(),
            align: self.blocks.is_multiple_of(512),
            number: mbr.map(|mbr| mbr.disk),
        };
        let files_end = self
            .paths
            .iter()
            .map(|(lba, (_, bytes))| u64::from(*lba) + bytes.div_ceil(BLOCK as u64));
        let files_end = files_end.max().unwrap_or(0);
        for found in partitions {
            let block = found.start / SECTORS;
            let Ok(lba) = u32::try_from(block) else { continue };
            let image = self.image(lba, found.sectors * SECTOR as u64)?;
            disk.partitions.push(Partition {
                image,
                appended: block >= files_end,
                mbr: found.mbr,
                gpt: found.gpt,
                name: found.name,
            });
        }
        Ok(Some(disk))
    }

    /// The boot code, without what the tables and the catalog put into it.
    fn code(&self, area: &[u8]) -> Option<Code> {
        let mut bytes = area.to_vec();
        let records = self.records;
        if records.gpt.is_some() || records.apm.is_some() {
            bytes.truncate(CODE);
        }
        if records.apm.is_some() {
            apm::unshare(&mut bytes);
        }
        if records.mbr.is_some() {
            let end = bytes.len().min(SECTOR);
            bytes[CODE..end].fill(0);
        }
        let mut told = Told::Nothing;
        let first = records.el_torito.iter().flat_map(|e| e.catalog.entries());
        let first = first.into_iter().find(|(platform, _)| *platform == Platform::BIOS);
        if let Some((_, entry)) = first {
            let sector = u64::from(entry.lba) * SECTORS;
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[TOLD_AT]);
            told = match u64::from_le_bytes(number) {
                number if number == sector => Told::Isolinux,
                number if number == sector + SECTORS => Told::Grub2,
                _ => Told::Nothing,
            };
        }
        let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
        bytes.truncate(end);
        (end > 0).then_some(Code { bytes, told })
    }

    /// Partitions besides the volume and what only fills gaps, by their places in the MBR, or else
    /// in the GPT.
    fn partitions(&self) -> Vec<Found> {
        let end = u64::from(self.blocks) * SECTORS;
        let fits = |found: &Found| {
            found.start.is_multiple_of(SECTORS)
                && found.sectors > 0
                && found.start.checked_add(found.sectors).is_some_and(|reach| reach <= end)
        };
        let mut all: Vec<Found> = Vec::new();
        let mbr = self.records.mbr.unwrap_or_default();
        for partition in mbr.partitions.iter().filter(|p| p.start > 1 && p.kind != GPT_PROTECTIVE) {
            all.push(Found {
                start: partition.start.into(),
                sectors: partition.sectors.into(),
                mbr: partition.kind,
                gpt: if partition.kind == EFI_SYSTEM { Guid::EFI_SYSTEM } else { Guid::BASIC_DATA },
                name: format!("Appended{}", all.len() + 2),
            });
        }
        for (_, entry) in self.records.gpt.iter().flat_map(|gpt| &gpt.entries) {
            if let Some(known) = all.iter_mut().find(|known| known.start == entry.first) {
                (known.gpt, known.name) = (entry.kind, entry.name.clone());
                continue;
            }
            let fills = entry.name.starts_with("Gap") && entry.kind == Guid::BASIC_DATA;
            if !fills && entry.first > 1 {
                let esp = entry.kind == Guid::EFI_SYSTEM;
                all.push(Found {
                    start: entry.first,
                    sectors: entry.last.saturating_sub(entry.first).saturating_add(1),
                    mbr: if esp { EFI_SYSTEM } else { 0x0C },
                    gpt: entry.kind,
                    name: entry.name.clone(),
                });
            }
        }
        self.add_mapped(&mut all);
        all.retain(fits);
        all
    }

    /// Adds the partitions of the Apple Partition Map, which name those that the MBR has.
    fn add_mapped(&self, all: &mut Vec<Found>) {
        for (apm, partition) in
            self.records.apm.iter().flat_map(|apm| apm.partitions.iter().map(move |p| (apm, p)))
        {
            let scale = u64::from(apm.block) / SECTOR as u64;
            let start = u64::from(partition.start) * scale;
            match all.iter_mut().find(|known| known.start == start) {
                Some(known) if self.records.gpt.is_none() => known.name = partition.name.clone(),
                Some(_) => {}
                None => all.push(Found {
                    start,
                    sectors: u64::from(partition.blocks) * scale,
                    mbr: 0xAF,
                    gpt: Guid::BASIC_DATA,
                    name: partition.name.clone(),
                }),
            }
        }
    }
}

/// A partition that was found, in sectors.
struct Found {
    start: u64,
    sectors: u64,
    mbr: u8,
    gpt: Guid,
    name: String,
}

/// The partition that is the volume: one from the start of the disk, or from its second sector.
fn volume_partition(mbr: &mbr::Mbr) -> Option<VolumePartition> {
    let found = mbr.partitions.iter().find(|p| {
        // xorriso's way to have an active partition beside one that protects a GPT.
        let dummy = p.kind == 0 && p.sectors <= 1;
        p.is_used() && p.start <= 1 && p.kind != GPT_PROTECTIVE && !dummy
    });
    found.map(|p| VolumePartition { kind: p.kind, start: p.start })
}
