//! System Use entries (SUSP 1.12) and what Rock Ridge makes of them (RRIP 1.12).

use super::space::Use;
use super::{Checker, byte};
use crate::units::BLOCK;

/// Continuation areas that one record may have; Linux follows 32.
const CONTINUATIONS_MAX: u32 = 32;

/// That System Use fields are shared by this protocol, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sharing {
    /// Bytes to skip in each field (SUSP 1.12, 5.3).
    skip: usize,
    /// Entries of Rock Ridge are among them.
    pub rock_ridge: bool,
}

/// The System Use field of a record.
pub(super) struct Area<'a> {
    pub bytes: &'a [u8],
    pub at: u64,
    /// It is of a directory's own or its parent's record.
    pub own: bool,
    /// It is of the root's own record.
    pub root: bool,
    /// The record is of a directory.
    pub directory: bool,
}

/// What the entries of one record said.
#[derive(Default)]
struct Said {
    mode: Option<u32>,
    link: bool,
    device: bool,
    child: bool,
    relocated: bool,
    sharing: bool,
    name_goes_on: bool,
    link_goes_on: bool,
    next: Option<(u32, u32, u32)>,
    end: bool,
}

/// Whether the root's own record says that entries are shared (SUSP 1.12, 5.3).
pub(super) fn sharing(c: &mut Checker<'_>, root: u32) -> Option<Sharing> {
    let bytes = c.block(root)?;
    let record = bytes.get(..usize::from(bytes[0]))?;
    let area = record.get(34..)?;
    let mut at = if area.starts_with(b"SP") { 0 } else { 14 };
    let entry = area.get(at..)?;
    if !entry.starts_with(b"SP") {
        return None;
    }
    if entry.get(4..6)? != [0xBE, 0xEF] {
        let place = byte(root) + 34 + at as u64;
        c.error(place, "SUSP 1.12, 5.3", "an SP entry has not its check bytes");
        return None;
    }
    let skip = usize::from(*entry.get(6)?);
    let mut rock_ridge = false;
    while let Some(head) = area.get(at..at + 4).filter(|head| head[2] >= 4) {
        rock_ridge |= matches!(&head[..2], b"PX" | b"RR" | b"TF");
        at += usize::from(head[2]);
    }
    Some(Sharing { skip, rock_ridge })
}

/// Looks at the entries of a record and of its continuation areas.
pub(super) fn check(c: &mut Checker<'_>, sharing: Sharing, area: Area<'_>) {
    let mut said = Said::default();
    let skip = if area.root && area.bytes.starts_with(b"SP") { 0 } else { sharing.skip };
    let bytes = area.bytes.get(skip..).unwrap_or_default();
    entries(c, bytes, area.at + skip.min(area.bytes.len()) as u64, &area, &mut said);
    let mut hops = 0;
    while let Some((block, offset, len)) = said.next.take() {
        hops += 1;
        c.continued += u64::from(len);
        if c.continued > c.limits.directory_bytes {
            c.note(area.at, "limits", "there are more continuation areas than are looked at");
            return;
        }
        if hops > CONTINUATIONS_MAX {
            c.error(area.at, "SUSP 1.12, 5.1", "a record's continuation areas have no end");
            break;
        }
        let from = byte(block) + u64::from(offset);
        let end = (from + u64::from(len)).div_ceil(BLOCK as u64);
        let first = (from / BLOCK as u64) as u32;
        let within = (from % BLOCK as u64) as usize;
        let bytes = match end > u64::from(c.blocks()) || len > 4 * BLOCK as u32 {
            true => None,
            false => c.bytes(first, within + len as usize),
        };
        let Some(bytes) = bytes else {
            let what = format!(
                "a continuation area of {len} bytes lies at block {block}, where none can be"
            );
            c.error(area.at, "SUSP 1.12, 5.1", what);
            break;
        };
        c.claims.add(Use::Structure, from, len.into(), area.at);
        entries(c, &bytes[within..], from, &area, &mut said);
    }
    if sharing.rock_ridge {
        together(c, &area, &said);
    }
}

/// The entries of one area (SUSP 1.12, 4).
fn entries(c: &mut Checker<'_>, bytes: &[u8], at: u64, area: &Area<'_>, said: &mut Said) {
    let mut offset = 0;
    while !said.end && bytes.len() - offset >= 4 && bytes[offset] != 0 {
        let here = at + offset as u64;
        let len = usize::from(bytes[offset + 2]);
        if len < 4 || offset + len > bytes.len() {
            c.error(here + 2, "SUSP 1.12, 4.1", "a System Use entry has an impossible length");
            return;
        }
        let entry = &bytes[offset..offset + len];
        if entry[3] != 1 {
            let what = format!("a System Use entry has the version {}", entry[3]);
            // AAIP has versions of its own.
            if &entry[..2] != b"AL" {
                c.warning(here + 3, "SUSP 1.12, 4.1", what);
            }
        }
        one(c, entry, here, area, said);
        offset += len;
    }
}

fn one(c: &mut Checker<'_>, entry: &[u8], at: u64, area: &Area<'_>, said: &mut Said) {
    let len = entry.len();
    let wrong = |c: &mut Checker<'_>, good: bool, clause: &'static str, what: &str| {
        if !good {
            let what = format!("a {} entry {what}", String::from_utf8_lossy(&entry[..2]));
            c.error(at, clause, what);
        }
        good
    };
    match &entry[..2] {
        b"CE" => {
            let good = wrong(c, len == 28, "SUSP 1.12, 5.1", "is not 28 bytes long");
            if good {
                let block = c.both32(entry, at, 4, "the block of a continuation area");
                let offset = c.both32(entry, at, 12, "the offset of a continuation area");
                let bytes = c.both32(entry, at, 20, "the length of a continuation area");
                said.next = Some((block, offset, bytes));
            }
        }
        b"SP" => {
            said.sharing = true;
            let good = len == 7 && entry[4..6] == [0xBE, 0xEF];
            wrong(c, good, "SUSP 1.12, 5.3", "has not its check bytes");
            wrong(c, area.root, "SUSP 1.12, 5.3", "stands elsewhere than in the root's own record");
        }
        b"ER" => {
            let sum = entry.get(4..8).map_or(usize::MAX, |l| {
                8 + usize::from(l[0]) + usize::from(l[1]) + usize::from(l[2])
            });
            wrong(c, sum == len, "SUSP 1.12, 5.5", "has texts of other lengths than it says");
            wrong(c, area.root, "SUSP 1.12, 5.5", "stands elsewhere than in the root's own record");
        }
        b"ST" => said.end = true,
        b"PX" => {
            let what = "is neither 36 nor 44 bytes long";
            let good = wrong(c, matches!(len, 36 | 44), "RRIP 1.12, 4.1.1", what);
            if good {
                let names = ["a mode", "a link count", "a user", "a group", "a serial number"];
                let fields: Vec<u32> =
                    (0..(len - 4) / 8).map(|i| c.both32(entry, at, 4 + 8 * i, names[i])).collect();
                said.mode = Some(fields[0]);
            }
        }
        b"PN" => {
            said.device = true;
            if wrong(c, len == 20, "RRIP 1.12, 4.1.2", "is not 20 bytes long") {
                c.both32(entry, at, 4, "a device number");
                c.both32(entry, at, 12, "a device number");
            }
        }
        b"SL" => {
            said.link = true;
            let good = len >= 5 && components(&entry[5..]);
            wrong(c, good, "RRIP 1.12, 4.1.3.1", "has components of other lengths than it says");
            said.link_goes_on = len >= 5 && entry[4] & 1 != 0;
        }
        b"NM" => {
            let good = len >= 5 && (entry[4] & 6 == 0 || len == 5);
            wrong(c, good, "RRIP 1.12, 4.1.4", "has a name where its flags say there is none");
            let bad = entry.get(5..).is_some_and(|n| n.iter().any(|b| matches!(b, 0 | b'/')));
            wrong(c, !bad, "RRIP 1.12, 4.1.4", "has a name with a slash or a zero");
            said.name_goes_on = len >= 5 && entry[4] & 1 != 0;
        }
        b"CL" | b"PL" => {
            let good = wrong(c, len == 12, "RRIP 1.12, 4.1.5", "is not 12 bytes long");
            if good {
                let block = c.both32(entry, at, 4, "the place of a moved directory");
                let own = c.block(block).is_some_and(|b| b[0] > 33 && b[32] == 1 && b[33] == 0);
                let what = "leads to where no directory is";
                wrong(c, own, "RRIP 1.12, 4.1.5", what);
                said.child |= &entry[..2] == b"CL";
            }
        }
        b"RE" => {
            said.relocated = true;
            wrong(c, len == 4, "RRIP 1.12, 4.1.5.3", "is not 4 bytes long");
        }
        b"TF" => {
            let flags = entry.get(4).copied().unwrap_or(0);
            let one = if flags & 0x80 != 0 { 17 } else { 7 };
            let times = (flags & 0x7F).count_ones() as usize;
            let good = len == 5 + one * times;
            wrong(c, good, "RRIP 1.12, 4.1.6", "has not as many times as its flags say");
        }
        _ => {}
    }
}

/// Whether components fill all bytes (RRIP 1.12, 4.1.3.1).
fn components(mut bytes: &[u8]) -> bool {
    while let [flags, len, rest @ ..] = bytes {
        let Some(rest) = rest.get(usize::from(*len)..) else { return false };
        if flags & 0x0E != 0 && *len != 0 {
            return false;
        }
        bytes = rest;
    }
    bytes.is_empty()
}

/// What the entries of a record say together.
fn together(c: &mut Checker<'_>, area: &Area<'_>, said: &Said) {
    let at = area.at;
    let Some(mode) = said.mode else {
        if !said.relocated && !area.own {
            c.error(at, "RRIP 1.12, 4.1.1", "a record has no PX entry, so no mode");
        }
        return;
    };
    let kind = mode & 0o170_000;
    let is_directory = kind == 0o040_000;
    if is_directory != area.directory && !said.child {
        let what = format!("the mode {mode:o} and the file flags differ about being a directory");
        c.error(at, "RRIP 1.12, 4.1.1", what);
    }
    if (kind == 0o120_000) != said.link {
        let what = match said.link {
            true => "an SL entry belongs to what is no symbolic link by its mode",
            false => "a symbolic link has no SL entry, so no target",
        };
        c.error(at, "RRIP 1.12, 4.1.3", what);
    }
    let device = matches!(kind, 0o020_000 | 0o060_000);
    if device != said.device {
        let what = match device {
            true => "a device has no PN entry, so no number",
            false => "a PN entry belongs to what is no device by its mode",
        };
        c.error(at, "RRIP 1.12, 4.1.2", what);
    }
    if said.name_goes_on {
        c.error(at, "RRIP 1.12, 4.1.4", "a name goes on in a further NM entry that is not there");
    }
    if said.link_goes_on {
        c.error(at, "RRIP 1.12, 4.1.3", "a target goes on in a further SL entry that is not there");
    }
    if area.root && !said.sharing {
        c.error(at, "SUSP 1.12, 5.3", "the root's own record has no SP entry");
    }
}
