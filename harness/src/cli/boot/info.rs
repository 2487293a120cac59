//! What an image has for computers to start from, for a person and as JSON.

use std::fmt::Write as _;

use engine::image::boot::{Emulation, Platform};
use engine::image::eltorito::Entry;
use engine::image::read::{BootImageFacts, BootRecords, ElTorito};
use serde_json::{Value, json};

/// Lines of a name and what it stands for.
pub(in crate::cli) fn text(records: &BootRecords) -> String {
    let mut text = String::new();
    match &records.el_torito {
        Some(found) => el_torito(&mut text, found),
        None => line(&mut text, "boot catalog", "none"),
    }
    text
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

fn in_words(platform: Platform, entry: &Entry, facts: BootImageFacts) -> String {
    let Entry { emulation, load_segment, sectors, lba, system_type, bootable, .. } = *entry;
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
    json!({ "el_torito": el_torito })
}
