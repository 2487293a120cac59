//! What became of a [`Boot`] in a tree: which contents are booted, and the structures that lead to
//! them once these have a place.

use std::collections::BTreeMap;

use super::disk::{Drive, Ends, Seed};
use super::patch::Patches;
use super::{Boot, BootEntry, BootError, BootImage, Emulation, Platform, readable};
use crate::image::bytes::Bytes;
use crate::image::contents::Contents;
use crate::image::eltorito::{self, Catalog, ENTRIES_MAX, Entry, INFO_TABLE, Section};
use crate::image::iso9660::volume::SYSTEM_AREA;
use crate::image::tree::{Content, ContentId, Kind, Meta, Source, Tree};
use crate::units::{BLOCK, Lba};

/// What is booted, found in the tree.
#[derive(Debug, Default)]
pub(in crate::image) struct Setup {
    /// The content that is the boot catalog, if there is one.
    pub catalog: Option<ContentId>,
    manufacturer: [u8; 24],
    entries: Vec<Found>,
    /// Contents that are told of themselves: with an information table, with GRUB 2's address.
    patched: BTreeMap<ContentId, (bool, bool)>,
    /// What makes it a disk.
    pub disk: Option<Drive>,
}

/// An entry of the catalog that has no address yet.
#[derive(Debug)]
struct Found {
    content: ContentId,
    platform: Platform,
    entry: Entry,
}

impl Setup {
    /// Finds what is booted in the tree, and puts the boot catalog into it.
    pub(in crate::image) fn new(
        boot: &Boot,
        tree: &mut Tree,
        base: Lba,
    ) -> Result<Setup, BootError> {
        let mut setup = Setup::default();
        if boot.entries.is_empty() && boot.disk.is_none() {
            return Ok(setup);
        }
        if base != Lba(0) {
            return Err(BootError::FurtherSession);
        }
        if !boot.entries.is_empty() {
            setup.fill_catalog(boot, tree)?;
        }
        if let Some(disk) = &boot.disk {
            let first = setup.entries.iter().find(|found| found.platform == Platform::BIOS);
            let first = first.map(|found| found.content);
            setup.disk = Some(Drive::new(disk, tree, first)?);
        }
        Ok(setup)
    }

    fn fill_catalog(&mut self, boot: &Boot, tree: &mut Tree) -> Result<(), BootError> {
        let count = boot.entries.len();
        if count > ENTRIES_MAX {
            return Err(BootError::Entries { count });
        }
        let bytes = boot.manufacturer.len();
        let room = self.manufacturer.get_mut(..bytes);
        room.ok_or(BootError::Manufacturer { bytes })?.copy_from_slice(&boot.manufacturer);
        for entry in &boot.entries {
            let content = find(tree, &entry.image)?;
            let found = Found { content, platform: entry.platform, entry: fill(tree, entry)? };
            self.entries.push(found);
            let patched = self.patched.entry(content).or_default();
            *patched = (patched.0 || entry.info_table, patched.1 || entry.grub2);
        }
        self.patched.retain(|_, (table, grub2)| *table || *grub2);
        self.catalog = Some(match &boot.catalog {
            Some(path) if boot.entries.iter().any(|e| is_at(tree, &e.image, path)) => {
                return Err(BootError::CatalogIsImage { path: readable(path) });
            }
            Some(path) => name_catalog(tree, path)?,
            None => tree.hide(BLOCK as u64, Source::BootCatalog),
        });
        Ok(())
    }

    /// The boot record, if there is anything to boot.
    pub(in crate::image) fn record(&self, contents: &Contents) -> Vec<u8> {
        self.catalog.map_or(Vec::new(), |id| eltorito::boot_record(contents.lba(id)))
    }

    /// The boot catalog. Each entry but the first has a section of its own, as firmware has been
    /// seen that reads no further than the first entry of a section.
    pub(in crate::image) fn catalog(&self, contents: &Contents) -> Vec<u8> {
        let placed = |found: &Found| Entry { lba: contents.lba(found.content), ..found.entry };
        let Some((first, more)) = self.entries.split_first() else { return Vec::new() };
        let section = |found: &Found| Section {
            platform: found.platform,
            id: [0; 28],
            entries: vec![placed(found)],
        };
        Catalog {
            manufacturer: self.manufacturer,
            platform: first.platform,
            initial: placed(first),
            sections: more.iter().map(section).collect(),
        }
        .emit()
    }

    /// The contents that lie behind the volume.
    pub(in crate::image) fn appended(&self) -> Vec<ContentId> {
        self.disk.as_ref().map_or(Vec::new(), Drive::appended)
    }

    /// The contents that have to lie in a place of their own.
    pub(in crate::image) fn apart(&self) -> Vec<ContentId> {
        self.patched.keys().copied().chain(self.appended()).collect()
    }

    /// Blocks of the second partition table, and the end of an image of which this much is laid
    /// out.
    pub(in crate::image) fn end(&self, at: u64) -> (u64, u64) {
        self.disk.as_ref().map_or((0, at), |disk| disk.end(at))
    }

    /// The system area of a disk.
    pub(in crate::image) fn system_area(&self, at: &Contents, ends: Ends, seed: &Seed) -> Vec<u8> {
        self.disk.as_ref().map_or(Vec::new(), |disk| disk.system_area(at, ends, seed))
    }

    /// The second partition table of a disk.
    pub(in crate::image) fn backup(&self, at: &Contents, ends: Ends, seed: &Seed) -> Vec<u8> {
        self.disk.as_ref().map_or(Vec::new(), |disk| disk.backup(at, ends, seed))
    }

    /// What a content is told of itself, if anything.
    pub(in crate::image) fn patches(
        &self,
        content: ContentId,
        contents: &Contents,
    ) -> Option<Patches> {
        let &(info_table, grub2) = self.patched.get(&content)?;
        let (base, lba) = (contents.base, contents.lba(content));
        Some(Patches { base, descriptor: base + SYSTEM_AREA, lba, info_table, grub2 })
    }
}

/// Whether this image is the file at that path.
fn is_at(tree: &Tree, image: &BootImage, path: &[u8]) -> bool {
    let file = tree.lookup(path).map(|node| tree.kind(node));
    matches!((find(tree, image), file), (Ok(id), Some(Kind::File(at))) if id == at)
}

/// The content that an entry boots.
pub(super) fn find(tree: &Tree, image: &BootImage) -> Result<ContentId, BootError> {
    let id = match image {
        BootImage::Hidden(id) => *id,
        BootImage::Path(path) => match tree.lookup(path).map(|node| tree.kind(node)) {
            Some(Kind::File(id)) => id,
            _ => return Err(BootError::NoFile { path: readable(path) }),
        },
    };
    match tree.content(id) {
        Content { size: 0, .. } => Err(unfit(image, 0, "booted: it is empty")),
        Content { source: Source::OnDisc(_), size, .. } => {
            Err(unfit(image, *size, "booted: it lies in an earlier session"))
        }
        _ => Ok(id),
    }
}

/// The entry as it will be, but for the address.
fn fill(tree: &Tree, wish: &BootEntry) -> Result<Entry, BootError> {
    let id = find(tree, &wish.image)?;
    let content = tree.content(id);
    let unfit = |why| Err(unfit(&wish.image, content.size, why));
    let emulation = wish.emulation.unwrap_or_else(|| match wish.platform {
        Platform::UEFI => Emulation::NONE,
        _ => Emulation::by_size(content.size),
    });
    if emulation.floppy_size().is_some_and(|size| size != content.size) {
        return unfit("taken for a floppy disk of another size");
    }
    if wish.info_table && content.size < INFO_TABLE.end as u64 {
        return unfit("given a boot information table: it is too short");
    }
    if wish.grub2 && content.size < eltorito::GRUB2_AT.end as u64 {
        return unfit("told where it lies as GRUB 2 wants it: it is too short");
    }
    // In whole blocks, as mkisofs and xorriso have it.
    let whole = content.size.div_ceil(BLOCK as u64).saturating_mul(4);
    let sectors = wish.load_sectors.unwrap_or(match (emulation, wish.platform) {
        // UEFI takes 0 for all up to the end of the disc (UEFI 2.10, 13.3.2.1).
        (Emulation::NONE, Platform::UEFI) => u16::try_from(whole).unwrap_or(0),
        (Emulation::NONE, _) if wish.info_table || wish.grub2 => 4,
        (Emulation::NONE, _) => u16::try_from(whole).unwrap_or(u16::MAX),
        _ => 1,
    });
    let mut system_type = 0;
    if emulation == Emulation::HARD_DISK {
        let table = first_sector(tree, id, &wish.image)?;
        if table[510..] != [0x55, 0xAA] {
            return unfit("taken for a hard disk: it has no partition table");
        }
        system_type = table[446 + 4];
    }
    Ok(Entry {
        bootable: wish.bootable,
        emulation,
        load_segment: wish.load_segment,
        system_type,
        sectors,
        lba: 0,
        criteria: wish.criteria,
    })
}

fn unfit(image: &BootImage, bytes: u64, why: &'static str) -> BootError {
    BootError::Unfit { image: called(image), bytes, why }
}

fn called(image: &BootImage) -> String {
    match image {
        BootImage::Path(path) => readable(path),
        BootImage::Hidden(_) => "outside of the tree".to_owned(),
    }
}

/// The first 512 bytes of a boot image, zeros where it has none.
fn first_sector(tree: &Tree, id: ContentId, image: &BootImage) -> Result<[u8; 512], BootError> {
    let content = tree.content(id);
    let mut sector = [0; 512];
    let room = &mut sector[..content.size.min(512) as usize];
    if !matches!(content.source, Source::BootCatalog) {
        Bytes::default()
            .read(tree, id, 0, room)
            .map_err(|e| BootError::Unreadable { image: called(image), detail: e.detail })?;
    }
    Ok(sector)
}

/// Gives the boot catalog a name in the tree.
fn name_catalog(tree: &mut Tree, path: &[u8]) -> Result<ContentId, BootError> {
    let size = BLOCK as u64;
    if let Some(Kind::File(id)) = tree.lookup(path).map(|node| tree.kind(node)) {
        tree.replace(id, size, Source::BootCatalog);
        return Ok(id);
    }
    let cut = path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    let (directory, name) = path.split_at(cut);
    let no_file = || BootError::NoFile { path: readable(path) };
    let parent = tree.lookup(directory).ok_or_else(no_file)?;
    // As young as the directory that it lies in.
    let meta = Meta { mode: 0o444, ..*tree.meta(parent) };
    let node =
        tree.add_file(parent, name, meta, size, Source::BootCatalog).map_err(BootError::Catalog)?;
    match tree.kind(node) {
        Kind::File(id) => Ok(id),
        _ => unreachable!("it was added as a file"),
    }
}
