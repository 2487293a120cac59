//! Volume descriptors (ECMA-119, 8).

use super::directory::{self, Flavour};
use super::space::Use;
use super::{Checker, byte, path_table};
use crate::image::iso9660::volume::{
    STANDARD_ID, SYSTEM_AREA, TYPE_PRIMARY, TYPE_SUPPLEMENTARY, TYPE_TERMINATOR,
};
use crate::image::time::Time;
use crate::units::BLOCK;

/// Descriptors that are looked at before the terminator must have come.
const DESCRIPTORS_MAX: u32 = 64;

/// What of a primary or supplementary descriptor others need.
pub(super) struct Descriptor {
    pub flavour: Flavour,
    /// Byte position.
    pub at: u64,
    /// The block where the volume ends. Writers count from the start of the disc or of the session.
    pub end: u32,
    pub table_bytes: u32,
    /// Path tables of type L and M, and the optional ones.
    pub tables: [u32; 4],
    pub root_block: u32,
    pub root_bytes: u32,
}

/// Looks at the descriptors of a session and all that they lead to; false if there are none.
pub(super) fn check(c: &mut Checker<'_>, session: u32) -> bool {
    let first = session.saturating_add(SYSTEM_AREA);
    let (mut found, mut ended, mut any) = (Vec::new(), false, false);
    for block in first..first.saturating_add(DESCRIPTORS_MAX) {
        let Some(bytes) = c.block(block) else { break };
        if bytes[1..6] != *STANDARD_ID {
            break;
        }
        any = true;
        let at = byte(block);
        c.claims.blocks(Use::Structure, block, 1, at);
        let enhanced = bytes[0] == TYPE_SUPPLEMENTARY && bytes[6] == 2;
        if bytes[6] != 1 && !enhanced {
            let what = format!("the version of a volume descriptor is {}", bytes[6]);
            c.error(at + 6, "ECMA-119, 8.1.3", what);
        }
        match bytes[0] {
            TYPE_TERMINATOR => {
                if let Some(offset) = bytes[7..].iter().position(|byte| *byte != 0) {
                    let at = at + 7 + offset as u64;
                    c.note(at, "ECMA-119, 8.3.4", "the terminator has bytes that are not zero");
                }
                ended = true;
                break;
            }
            TYPE_PRIMARY | TYPE_SUPPLEMENTARY => {
                let mut descriptor = descriptor(c, &bytes, at);
                descriptor.end = descriptor.end.saturating_add(session);
                found.push(descriptor);
            }
            // A boot record (8.2), a partition (8.6).
            0 | 3 => {}
            other => {
                let what = format!("a volume descriptor has the reserved type {other}");
                c.warning(at, "ECMA-119, 8.1.1", what);
            }
        }
    }
    if !any {
        return false;
    }
    if !ended {
        let what = "the set of volume descriptors has no terminator";
        c.error(byte(first), "ECMA-119, 8.3", what);
    }
    if !found.iter().any(|d| d.flavour == Flavour::Primary) {
        c.error(byte(first), "ECMA-119, 6.7.1.1", "there is no primary volume descriptor");
    }
    for descriptor in &found {
        let name = match descriptor.flavour {
            Flavour::Primary => "ISO 9660",
            Flavour::Joliet => "Joliet",
            Flavour::Enhanced => "ISO 9660:1999",
        };
        c.report.volumes.push(name.to_owned());
        let hierarchy = directory::check(c, descriptor);
        path_table::check(c, descriptor, &hierarchy);
    }
    true
}

/// One descriptor (ECMA-119, 8.4 and 8.5).
fn descriptor(c: &mut Checker<'_>, bytes: &[u8; BLOCK], at: u64) -> Descriptor {
    let joliet = bytes[88..90] == *b"%/" && matches!(bytes[90], b'@' | b'C' | b'E');
    let flavour = match bytes[0] {
        TYPE_PRIMARY => Flavour::Primary,
        _ if joliet => Flavour::Joliet,
        _ => Flavour::Enhanced,
    };
    if flavour == Flavour::Primary {
        if bytes[7] != 0 {
            c.note(at + 7, "ECMA-119, 8.4.4", "an unused byte is not zero");
        }
        texts(c, bytes, at);
    }
    let space = c.both32(bytes, at, 80, "the volume space size");
    if space > c.blocks() {
        let what = format!("the volume has {space} blocks, the image only {}", c.blocks());
        c.error(at + 80, "ECMA-119, 8.4.8", what);
    }
    let set = c.both16(bytes, at, 120, "the volume set size");
    let number = c.both16(bytes, at, 124, "the volume sequence number");
    if number == 0 || number > set.max(1) {
        let what = format!("this is volume {number} of a set of {set}");
        c.warning(at + 124, "ECMA-119, 8.4.11", what);
    }
    let block = c.both16(bytes, at, 128, "the logical block size");
    if usize::from(block) != BLOCK {
        let what = format!("its logical blocks have {block} bytes, not 2048");
        c.error(at + 128, "ECMA-119, 8.4.12", what);
    }
    let table_bytes = c.both32(bytes, at, 132, "the path table size");
    let le =
        |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let be =
        |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let root = &bytes[156..190];
    if root[0] != 34 || root[32] != 1 || root[33] != 0 {
        let what = "the root directory record is not one of 34 bytes that names itself";
        c.error(at + 156, "ECMA-119, 8.4.18", what);
    }
    if root[25] & 2 == 0 {
        c.error(at + 156 + 25, "ECMA-119, 9.1.6", "the root directory record is of no directory");
    }
    let root_block = c.both32(root, at + 156, 2, "the root directory's place");
    let root_bytes = c.both32(root, at + 156, 10, "the root directory's length");
    for (field, clause) in [
        (813, "ECMA-119, 8.4.26"),
        (830, "ECMA-119, 8.4.27"),
        (847, "ECMA-119, 8.4.28"),
        (864, "ECMA-119, 8.4.29"),
    ] {
        if let Some(date) = bytes[field..].first_chunk::<17>() {
            let none = date[..16].iter().all(|b| matches!(b, b'0' | 0)) && date[16] == 0;
            if !none && Time::from_long(date).is_none() {
                c.warning(at + field as u64, clause, "a date is none");
            }
        }
    }
    let version = if flavour == Flavour::Enhanced { 2 } else { 1 };
    if bytes[881] != version {
        let what = format!("the file structure version is {}, not {version}", bytes[881]);
        c.warning(at + 881, "ECMA-119, 8.4.30", what);
    }
    if let Some(offset) = bytes[1395..].iter().position(|byte| *byte != 0) {
        let at = at + 1395 + offset as u64;
        c.note(at, "ECMA-119, 8.4.33", "reserved bytes are not zero");
    }
    let tables = [le(140), be(148), le(144), be(152)];
    Descriptor { flavour, at, end: space, table_bytes, tables, root_block, root_bytes }
}

/// The identifiers of a primary descriptor and their characters (ECMA-119, 7.4.1).
fn texts(c: &mut Checker<'_>, bytes: &[u8], at: u64) {
    let a = |b: &u8| matches!(b, b' '..=b'"' | b'%'..=b'?' | b'A'..=b'Z' | b'_');
    let d = |b: &u8| matches!(b, b' ' | b'0'..=b'9' | b'A'..=b'Z' | b'_');
    let fields: [(usize, usize, bool, &'static str); 6] = [
        (8, 40, false, "ECMA-119, 8.4.5"),
        (40, 72, true, "ECMA-119, 8.4.6"),
        (190, 318, true, "ECMA-119, 8.4.19"),
        (318, 446, false, "ECMA-119, 8.4.20"),
        (446, 574, false, "ECMA-119, 8.4.21"),
        (574, 702, false, "ECMA-119, 8.4.22"),
    ];
    for (from, to, narrow, clause) in fields {
        let wrong = |b: &u8| if narrow { !d(b) } else { !a(b) };
        if let Some(offset) = bytes[from..to].iter().position(wrong) {
            let set = if narrow { "d" } else { "a" };
            let what = format!("an identifier has other than {set}-characters");
            c.note(at + (from + offset) as u64, clause, what);
        }
    }
}
