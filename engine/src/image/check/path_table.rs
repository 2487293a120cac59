//! Path tables (ECMA-119, 6.9 and 9.4), against each other and against the directories.

use std::collections::BTreeMap;

use super::directory::{Flavour, Hierarchy};
use super::iso9660::Descriptor;
use super::space::Use;
use super::{Checker, byte, readable};
use crate::units::BLOCK;

/// The longest table: as many directories as can be numbered, with the longest identifiers.
const TABLE_MAX: u32 = 65_535 * 264;

/// A record of a path table.
#[derive(Debug, PartialEq, Eq)]
struct Record {
    at: u64,
    block: u32,
    parent: u16,
    id: Vec<u8>,
}

pub(super) fn check(c: &mut Checker<'_>, descriptor: &Descriptor, hierarchy: &Hierarchy) {
    let Descriptor { at, table_bytes, tables, .. } = *descriptor;
    if table_bytes > TABLE_MAX {
        let what = "the path table is longer than any can be";
        c.error(at + 132, "ECMA-119, 8.4.13", what);
        return;
    }
    let mut parsed = Vec::new();
    for (number, field, clause) in [
        (0, 140, "ECMA-119, 8.4.14"),
        (1, 148, "ECMA-119, 8.4.16"),
        (2, 144, "ECMA-119, 8.4.15"),
        (3, 152, "ECMA-119, 8.4.17"),
    ] {
        let block = tables[number];
        if block == 0 && number > 1 {
            continue;
        }
        let Some(bytes) = c.bytes(block, table_bytes as usize) else {
            let what = format!("a path table lies at block {block}, where none can be read");
            c.error(at + field, clause, what);
            continue;
        };
        let blocks = table_bytes.div_ceil(BLOCK as u32);
        c.claims.blocks(Use::Structure, block, blocks, at + field);
        let records = records(c, &bytes, byte(block), number % 2 == 1);
        parsed.push((number, records));
    }
    let Some((0, first)) = parsed.first() else { return };
    for (number, other) in &parsed[1..] {
        compare(c, first, other, *number);
    }
    order(c, first, descriptor.flavour);
    against_directories(c, first, hierarchy);
}

/// The records of a table (ECMA-119, 9.4).
fn records(c: &mut Checker<'_>, bytes: &[u8], at: u64, big: bool) -> Vec<Record> {
    let mut out = Vec::new();
    let mut offset = 0;
    while offset < bytes.len() {
        let here = at + offset as u64;
        let len = usize::from(bytes[offset]);
        let end = offset + 8 + len;
        if len == 0 || end > bytes.len() {
            c.error(here, "ECMA-119, 9.4.1", "a path table record has an impossible length");
            break;
        }
        let four = [2, 3, 4, 5].map(|i| bytes[offset + i]);
        let two = [6, 7].map(|i| bytes[offset + i]);
        let (block, parent) = match big {
            true => (u32::from_be_bytes(four), u16::from_be_bytes(two)),
            false => (u32::from_le_bytes(four), u16::from_le_bytes(two)),
        };
        out.push(Record { at: here, block, parent, id: bytes[offset + 8..end].to_vec() });
        offset = end + len % 2;
    }
    out
}

/// All tables say the same, in one order of bytes or the other (ECMA-119, 6.9.2).
fn compare(c: &mut Checker<'_>, first: &[Record], other: &[Record], number: usize) {
    let name = ["L", "M", "optional L", "optional M"][number];
    for (a, b) in first.iter().zip(other) {
        if (a.block, a.parent, &a.id) != (b.block, b.parent, &b.id) {
            let what = format!(
                "the {name} path table has {} at block {} where type L has {} at block {}",
                readable(&b.id),
                b.block,
                readable(&a.id),
                a.block
            );
            c.error(b.at, "ECMA-119, 6.9.2", what);
        }
    }
    if first.len() != other.len() {
        let at = other.last().or(first.last()).map_or(0, |record| record.at);
        let what = format!("the {name} path table has {} records, not as many", other.len());
        c.error(at, "ECMA-119, 6.9.2", what);
    }
}

/// By the number of the parent, then by identifier (ECMA-119, 6.9.1).
fn order(c: &mut Checker<'_>, records: &[Record], flavour: Flavour) {
    if let Some(root) = records.first()
        && (root.id != [0] || root.parent != 1)
    {
        c.error(root.at, "ECMA-119, 6.9.1", "the first path table record is not that of the root");
    }
    for (number, pair) in (2u32..).zip(records.windows(2)) {
        let (a, b) = (&pair[0], &pair[1]);
        if b.parent == 0 || u32::from(b.parent) >= number {
            let what = format!("its parent has the number {}, behind itself", b.parent);
            c.error(b.at + 6, "ECMA-119, 9.4.4", what);
        }
        let sorted = a.parent < b.parent
            || a.parent == b.parent && (number == 2 || flavour.ordered(&a.id, &b.id));
        if !sorted {
            let what = format!("{} is not in its place in the path table", readable(&b.id));
            c.warning(b.at, "ECMA-119, 6.9.1", what);
        }
    }
}

/// Each directory has a record, and each record a directory.
fn against_directories(c: &mut Checker<'_>, records: &[Record], hierarchy: &Hierarchy) {
    let by_block: BTreeMap<u32, usize> =
        hierarchy.directories.iter().enumerate().map(|(i, d)| (d.block, i)).collect();
    let mut met = vec![false; hierarchy.directories.len()];
    for record in records {
        let Some(&index) = by_block.get(&record.block) else {
            if hierarchy.whole {
                let what = format!(
                    "{} lies at block {} by the path table, where no directory begins",
                    readable(&record.id),
                    record.block
                );
                c.error(record.at + 2, "ECMA-119, 9.4.3", what);
            }
            continue;
        };
        met[index] = true;
        let directory = &hierarchy.directories[index];
        if record.id != directory.id {
            let (table, own) = (readable(&record.id), readable(&directory.id));
            let what =
                format!("a directory is called {table} by the path table and {own} by its record");
            c.error(record.at + 8, "ECMA-119, 9.4.5", what);
        }
        let parent = records.get(usize::from(record.parent).wrapping_sub(1));
        let own = hierarchy.directories[directory.parent].block;
        if parent.is_some_and(|parent| parent.block != own) {
            let what = format!("{} has another parent by the path table", readable(&record.id));
            c.error(record.at + 6, "ECMA-119, 9.4.4", what);
        }
    }
    for (directory, _) in hierarchy.directories.iter().zip(met).filter(|(_, met)| !met) {
        let what = format!("{} is missing from the path table", readable(&directory.id));
        c.error(directory.at, "ECMA-119, 6.9.1", what);
    }
}
