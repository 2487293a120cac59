//! What an image has for computers to start from, out of hostile bytes.

use super::disk::partition_tables;
use super::{DESCRIPTORS_MAX, Flaw, Input, Limits, ReadError};
use crate::image::boot::WordSum;
use crate::image::eltorito::{
    BOOT_RECORD_AT, Catalog, Emulation, Entry, GRUB2_AT, INFO_TABLE, InfoTable, Platform,
    grub2_address, parse_boot_record,
};
use crate::image::hybrid::apm::Apm;
use crate::image::hybrid::gpt::Gpt;
use crate::image::hybrid::mbr::Mbr;
use crate::image::iso9660::volume::{STANDARD_ID, SYSTEM_AREA, TYPE_TERMINATOR};
use crate::image::sectors::Sectors;
use crate::units::{BLOCK, Lba};

/// The blocks of a catalog that are read at most.
const CATALOG_MAX: u32 = 16;

/// The longest boot image whose sum is compared with what it is told.
const SUMMED_MAX: u64 = 64 << 20;

/// What an image has for computers to start from.
#[derive(Clone, Debug, Default)]
pub struct BootRecords {
    /// The boot catalog, if there is one.
    pub el_torito: Option<ElTorito>,
    /// The partitions of the master boot record.
    pub mbr: Option<Mbr>,
    /// The GUID Partition Table at the start of the image.
    pub gpt: Option<Gpt>,
    /// The Apple Partition Map.
    pub apm: Option<Apm>,
    /// What is wrong with all this.
    pub findings: Vec<Flaw>,
}

/// A boot catalog that was found.
#[derive(Clone, Debug)]
pub struct ElTorito {
    /// Its first block.
    pub lba: u32,
    /// What it says.
    pub catalog: Catalog,
    /// What its images say of themselves, in the order of its entries.
    pub images: Vec<BootImageFacts>,
}

/// What a boot image is told of itself, where it is true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BootImageFacts {
    /// Its bytes after its boot information table, if it has one.
    pub info_table: Option<u32>,
    /// Whether it knows as GRUB 2's images do where it lies.
    pub grub2: bool,
}

impl ElTorito {
    /// Each entry with its platform and its image's facts.
    pub fn entries(&self) -> impl Iterator<Item = (Platform, &Entry, BootImageFacts)> {
        let facts = self.images.iter().copied();
        self.catalog.entries().zip(facts).map(|((platform, entry), f)| (platform, entry, f))
    }
}

impl BootRecords {
    /// Looks at the session that begins at `session`.
    pub fn read(sectors: &mut dyn Sectors, session: Lba) -> Result<BootRecords, ReadError> {
        let mut input = Input::new(sectors, Limits::default());
        let start = u32::try_from(session.0).unwrap_or(0);
        let mut records = BootRecords::default();
        if let Some(lba) = boot_record(&mut input, start)? {
            records.el_torito = el_torito(&mut input, start, lba)?;
        }
        if start == 0 {
            partition_tables(&mut input, &mut records)?;
        }
        records.findings = input.flaws;
        Ok(records)
    }
}

/// Where the boot record says that the catalog lies.
fn boot_record(input: &mut Input<'_>, session: u32) -> Result<Option<u32>, ReadError> {
    let first = session.saturating_add(SYSTEM_AREA);
    for block in first..first.saturating_add(DESCRIPTORS_MAX).min(input.blocks()) {
        let bytes = input.block(block)?;
        if bytes[1..6] != *STANDARD_ID || bytes[0] == TYPE_TERMINATOR {
            break;
        }
        if let Some(lba) = parse_boot_record(bytes) {
            if block - session != BOOT_RECORD_AT {
                let what = "the boot record is not in block 17, where computers look for it";
                input.flaw(u64::from(block) * BLOCK as u64, what);
            }
            return Ok(Some(lba));
        }
    }
    Ok(None)
}

fn el_torito(input: &mut Input<'_>, session: u32, lba: u32) -> Result<Option<ElTorito>, ReadError> {
    let pointer = u64::from(session.saturating_add(BOOT_RECORD_AT)) * BLOCK as u64 + 0x47;
    if lba >= input.blocks() {
        input.flaw(pointer, "the boot catalog lies behind the end of the image");
        return Ok(None);
    }
    let mut bytes = Vec::new();
    for block in lba..lba.saturating_add(CATALOG_MAX).min(input.blocks()) {
        bytes.extend_from_slice(input.block(block)?);
    }
    let at = u64::from(lba) * BLOCK as u64;
    let mut flaws = Vec::new();
    let catalog = Catalog::parse(&bytes, &mut |offset, what| {
        flaws.push((at + offset as u64, what.to_owned()));
    });
    flaws.into_iter().for_each(|(at, what)| input.flaw(at, what));
    let Some(catalog) = catalog else {
        input.flaw(at, "there is no boot catalog where the boot record has it");
        return Ok(None);
    };
    let mut images = Vec::new();
    for (_, entry) in catalog.entries() {
        images.push(facts(input, session, entry)?);
    }
    Ok(Some(ElTorito { lba, catalog, images }))
}

/// What the image of an entry is told of itself.
fn facts(input: &mut Input<'_>, session: u32, entry: &Entry) -> Result<BootImageFacts, ReadError> {
    let mut facts = BootImageFacts::default();
    let at = u64::from(entry.lba) * BLOCK as u64;
    if entry.lba >= input.blocks() {
        input.flaw(at, "a boot image begins behind the end of the image");
        return Ok(facts);
    }
    if entry.emulation != Emulation::NONE {
        return Ok(facts);
    }
    let first = *input.block(entry.lba)?;
    let table = InfoTable::parse(&first)
        .filter(|t| t.lba == entry.lba && t.descriptor == session.saturating_add(SYSTEM_AREA));
    if let Some(table) = table {
        facts.info_table = Some(table.bytes);
        check_table(input, at, table)?;
    }
    if entry.lba + 1 < input.blocks() {
        let second = input.block(entry.lba + 1)?;
        facts.grub2 =
            second[GRUB2_AT.start - BLOCK..GRUB2_AT.end - BLOCK] == grub2_address(entry.lba);
    }
    Ok(facts)
}

/// Compares size and sum of a boot image with its information table.
fn check_table(input: &mut Input<'_>, at: u64, table: InfoTable) -> Result<(), ReadError> {
    let bytes = u64::from(table.bytes);
    let end = (at + bytes).div_ceil(BLOCK as u64);
    let field = at + INFO_TABLE.start as u64;
    if end > u64::from(input.blocks()) {
        input.flaw(field + 8, "a boot image is told a size that reaches behind the end");
        return Ok(());
    }
    if bytes > SUMMED_MAX {
        return Ok(());
    }
    let mut sum = WordSum::default();
    let mut left = bytes as usize;
    for block in table.lba..end as u32 {
        let wanted = left.min(BLOCK);
        sum.add(&input.block(block)?[..wanted]);
        left -= wanted;
    }
    if sum.finish() != table.sum {
        input.flaw(field + 12, "a boot image is told another sum than its bytes have");
    }
    Ok(())
}
