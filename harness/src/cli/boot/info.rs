//! What an image has for computers to start from, for a person and as JSON.

use std::fmt::Write as _;

use engine::image::boot::{Emulation, Platform};
use engine::image::eltorito;
use engine::image::hybrid::apm::Partition;
use engine::image::hybrid::gpt::Entry;
use engine::image::hybrid::mbr::{self, Mbr};
use engine::image::read::{BootImageFacts, BootRecords, ElTorito};
use serde_json::{Value, json};

/// Lines of a name and what it stands for.
pub(in crate::cli) fn text(records: &BootRecords) -> String {
    let mut text = String::new();
    match &records.el_torito {
        Some(found) => el_torito(&mut text, found),
        None => line(&mut text, "boot catalog", "none"),
    }
    if let Some(mbr) = &records.mbr {
        master_boot_record(&mut text, mbr);
    }
    if let Some(gpt) = &records.gpt {
        line(&mut text, "GPT", &format!("disk {}, second at sector {}", gpt.disk, gpt.other));
        for (number, entry) in &gpt.entries {
            let Entry { kind, first, last, name, .. } = entry;
            let words = format!("type {kind}, sectors {first} to {last}, {name:?}");
            line(&mut text, &format!("partition {number}"), &words);
        }
    }
    if let Some(apm) = &records.apm {
        line(&mut text, "Apple map", &format!("blocks of {} bytes", apm.block));
        for (number, Partition { start, blocks, name, kind }) in (2..).zip(&apm.partitions) {
            let words = format!("{kind}, {blocks} blocks from {start} on, {name:?}");
            line(&mut text, &format!("partition {number}"), &words);
        }
    }
    text
}

fn master_boot_record(text: &mut String, mbr: &Mbr) {
    line(text, "MBR", &format!("disk {:08X}h", mbr.disk));
    for (number, partition) in (1..).zip(mbr.partitions).filter(|(_, p)| p.is_used()) {
        let mbr::Partition { active, kind, start, sectors } = partition;
        let last = u64::from(start) + u64::from(sectors) - 1;
        let active = if active { ", active" } else { "" };
        let words = format!("type {kind:02X}h, sectors {start} to {last}{active}");
        line(text, &format!("partition {number}"), &words);
    }
}

fn line(text: &mut String, name: &str, value: &str) {
    // Writing to a string cannot fail.
    _ = writeln!(text, "{name:<13} {value}");
}

fn el_torito(text: &mut String, found: &ElTorito) {
    let maker = manufacturer(found);
    let by = if maker.is_empty() { String::new() } else { format!(", by {maker:?}") };
    line(text, "boot catalog", &format!("block {}{by}", found.lba));
    for (number, (platform, entry, facts)) in (1..).zip(found.entries()) {
        line(text, &format!("boot image {number}"), &in_words(platform, entry, facts));
    }
}

fn in_words(platform: Platform, entry: &eltorito::Entry, facts: BootImageFacts) -> String {
    let eltorito::Entry { emulation, load_segment, sectors, lba, system_type, bootable, .. } =
        *entry;
    let mut words = format!("{platform}, {emulation}, block {lba}, loads {sectors} of 512 bytes");
    if load_segment != 0 {
        _ = write!(words, " to segment {load_segment:04X}h");
    }
    if emulation == Emulation::HARD_DISK {
        _ = write!(words, ", partition type {system_type:02X}h");
    }
    if facts.info_table.is_some() {
        words += ", information table";
    }
    if facts.grub2 {
        words += ", GRUB 2 address";
    }
    if !bootable {
        words += ", not bootable";
    }
    words
}

fn manufacturer(found: &ElTorito) -> String {
    let bytes = &found.catalog.manufacturer;
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// The same as an object.
pub(in crate::cli) fn json(records: &BootRecords) -> Value {
    let el_torito = records.el_torito.as_ref().map(|found| {
        let entries = found.entries().map(|(platform, entry, facts)| {
            json!({
                "platform": platform.to_string(),
                "platform_id": platform.0,
                "bootable": entry.bootable,
                "emulation": entry.emulation.to_string(),
                "emulation_id": entry.emulation.0,
                "load_segment": entry.load_segment,
                "load_sectors": entry.sectors,
                "partition_type": entry.system_type,
                "block": entry.lba,
                "info_table": facts.info_table.is_some(),
                "grub2": facts.grub2,
            })
        });
        json!({
            "block": found.lba,
            "manufacturer": manufacturer(found),
            "entries": entries.collect::<Vec<_>>(),
        })
    });
    let mbr = records.mbr.map(|mbr| {
        let partitions = (1..).zip(mbr.partitions).filter(|(_, p)| p.is_used()).map(|(n, p)| {
            json!({
                "number": n,
                "active": p.active,
                "type": p.kind,
                "start": p.start,
                "sectors": p.sectors,
            })
        });
        json!({ "disk": mbr.disk, "partitions": partitions.collect::<Vec<_>>() })
    });
    let gpt = records.gpt.as_ref().map(|gpt| {
        let partitions = gpt.entries.iter().map(|(n, e)| {
            json!({
                "number": n,
                "type": e.kind.to_string(),
                "id": e.id.to_string(),
                "first": e.first,
                "last": e.last,
                "attributes": e.attributes,
                "name": e.name,
            })
        });
        json!({
            "disk": gpt.disk.to_string(),
            "second": gpt.other,
            "partitions": partitions.collect::<Vec<_>>(),
        })
    });
    let apm = records.apm.as_ref().map(|apm| {
        let partitions = apm.partitions.iter().map(
            |p| json!({ "start": p.start, "blocks": p.blocks, "name": p.name, "type": p.kind }),
        );
        json!({ "block_size": apm.block, "partitions": partitions.collect::<Vec<_>>() })
    });
    json!({ "el_torito": el_torito, "mbr": mbr, "gpt": gpt, "apm": apm })
}
