//! Starting computers from an image: from the command line to what the layout takes, and what an
//! image has, in words.

pub mod args;
mod info;

use std::path::{Path, PathBuf};

use engine::image::boot::{BootEntry, BootImage, Code, Disk, Guid, Partition, Platform, Told};
use engine::image::fat::fat;
use engine::image::hybrid::mbr::EFI_SYSTEM;
use engine::image::read::BootRecords;
use engine::image::{Boot, Kind as Node, ScanOptions, Time, Tree};
use engine::units::Lba;

use self::args::{BootArgs, BootSpec, Table};
use super::out;
use crate::exit::{Exit, Failure};
use crate::job;

pub(super) use info::{json, text};

/// The most that is read of a file of boot code: the system area.
const CODE_MAX: u64 = 32 << 10;

/// What the layout is told. Files from outside are put into the tree, with no name.
pub(super) fn description(args: &BootArgs, tree: &mut Tree, stamp: Time) -> Result<Boot, Failure> {
    if let Some(path) = &args.boot_from {
        return repeat(path, tree);
    }
    let mut entries = Vec::new();
    let mut partitions = Vec::new();
    for spec in &args.boot {
        let entry = entry(spec, tree)?;
        if spec.partition {
            partitions.push(partition(&entry.image, entry.platform == Platform::UEFI));
        }
        entries.push(entry);
    }
    if let Some(folder) = &args.efi_folder {
        let image = esp(folder, tree, stamp)?;
        entries.push(BootEntry::new(image.clone(), Platform::UEFI));
        partitions.push(partition(&image, true));
    }
    let on_disk = !args.append_partition.is_empty() || args.boot.iter().any(|s| s.partition);
    for spec in &args.append_partition {
        let image = BootImage::Hidden(tree.hide_file(&spec.file, None)?);
        let plain = partition(&image, spec.kind == EFI_SYSTEM);
        let name = format!("Appended{}", partitions.len() + 2);
        partitions.push(Partition { appended: true, mbr: spec.kind, name, ..plain });
    }
    let code = code(args)?;
    let wanted = on_disk || code.is_some() || !args.partition_table.is_empty();
    let table = |kind| args.partition_table.contains(&kind);
    let disk = wanted.then(|| Disk {
        code,
        mbr: table(Table::Mbr) || args.partition_table.is_empty(),
        gpt: table(Table::Gpt),
        apm: table(Table::Apm),
        partitions,
        ..Disk::default()
    });
    let manufacturer = args.boot_manufacturer.clone().unwrap_or_default().into_bytes();
    let catalog = args.boot_catalog.clone().map(String::into_bytes);
    if entries.is_empty() && (catalog.is_some() || !manufacturer.is_empty()) {
        let what = "a boot catalog is described, but nothing is in it";
        return Err(Failure::new(Exit::Usage, what).advise("Name a boot image with --boot."));
    }
    Ok(Boot { entries, catalog, manufacturer, disk })
}

fn entry(spec: &BootSpec, tree: &mut Tree) -> Result<BootEntry, Failure> {
    let (image, bytes) = if spec.outside {
        let id = tree.hide_file(Path::new(&spec.path), None)?;
        (BootImage::Hidden(id), tree.content(id).size)
    } else {
        let path = spec.path.clone().into_bytes();
        let node = tree.lookup(&path).filter(|n| matches!(tree.kind(*n), Node::File(_)));
        let node = node.ok_or_else(|| {
            Failure::new(Exit::Source, format!("{}: no such file in the image", spec.path))
                .advise("--boot takes a path within the image; `,outside` a file beside it.")
        })?;
        (BootImage::Path(path), tree.size(node))
    };
    Ok(BootEntry {
        bootable: spec.bootable,
        emulation: spec.emulation.map(|kind| kind.emulation(bytes)),
        load_segment: spec.load_segment,
        load_sectors: spec.load_sectors,
        info_table: spec.info_table,
        grub2: spec.grub2,
        ..BootEntry::new(image, spec.platform)
    })
}

fn partition(image: &BootImage, esp: bool) -> Partition {
    let (mbr, gpt, name) = match esp {
        true => (EFI_SYSTEM, Guid::EFI_SYSTEM, "EFI System"),
        false => (0x0C, Guid::BASIC_DATA, "Boot image"),
    };
    Partition { image: image.clone(), appended: false, mbr, gpt, name: name.to_owned() }
}

/// An EFI System Partition of a folder, in the tree but with no name.
fn esp(folder: &PathBuf, tree: &mut Tree, stamp: Time) -> Result<BootImage, Failure> {
    if !folder.is_dir() {
        let what = format!("{}: it is no folder", folder.display());
        return Err(Failure::new(Exit::Source, what).advise("Nothing was written."));
    }
    let inside = Tree::scan(&[folder], &ScanOptions::default())?;
    // It only has to differ from other volumes.
    let number = stamp.secs as u32 ^ inside.len() as u32;
    let image = fat(&inside, "EFI", number).map_err(|e| {
        Failure::new(Exit::Source, format!("{}: {e}", folder.display()))
            .advise("Nothing was written.")
    })?;
    Ok(BootImage::Hidden(tree.hide_bytes(image)))
}

/// The boot code for disks that was asked for.
fn code(args: &BootArgs) -> Result<Option<Code>, Failure> {
    let wishes = [
        (&args.grub2_mbr, Told::Grub2),
        (&args.isolinux_mbr, Told::Isolinux),
        (&args.mbr, Told::Nothing),
    ];
    let Some((path, told)) = wishes.into_iter().find_map(|(p, told)| Some((p.as_ref()?, told)))
    else {
        return Ok(None);
    };
    let failed = |why: String| {
        Failure::new(Exit::Source, format!("{}: {why}", path.display()))
            .advise("Nothing was written.")
    };
    let bytes = std::fs::metadata(path).map_err(|e| failed(e.to_string()))?.len();
    if bytes > CODE_MAX {
        return Err(failed(format!("{bytes} bytes are more than the system area has")));
    }
    let bytes = std::fs::read(path).map_err(|e| failed(e.to_string()))?;
    Ok(Some(Code { bytes, told }))
}

/// The set-up of another image.
fn repeat(path: &Path, tree: &mut Tree) -> Result<Boot, Failure> {
    let (mut sectors, volume) = job::volume_in(path, Lba(0))?;
    let failed = |why: String| Failure::new(Exit::Image, format!("{}: {why}", path.display()));
    let records = BootRecords::read(&mut sectors, Lba(0)).map_err(|e| failed(e.to_string()))?;
    for finding in &records.findings {
        out::note(&format!("{}: byte {}: {}", path.display(), finding.at, finding.what));
    }
    let boot = Boot::from_image(&records, &volume, path, &mut sectors, tree)?;
    if boot == Boot::default() {
        return Err(failed("no computer can start from it".to_owned()));
    }
    Ok(boot)
}
