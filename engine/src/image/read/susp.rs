//! System Use entries, read: SUSP 1.12 and RRIP 1.12 (and 1.09, which lacks the serial number).
//!
//! Knows one record's entries at a time. What it cannot make sense of it reports and steps over.

use crate::image::rockridge as rrip;
use crate::image::time::Time;

/// The longest link target and name put together from several entries.
const TEXT_MAX: usize = 65_536;
/// The most bytes of extended attributes of one node.
const ATTRIBUTES_MAX: usize = 1 << 20;

/// What the entries of one directory record say. Missing entries leave `None`, or nothing.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// NM, all parts.
    pub name: Option<Vec<u8>>,
    /// PX.
    pub posix: Option<Posix>,
    /// PN: high and low half.
    pub device: Option<(u32, u32)>,
    /// SL, all parts.
    pub target: Option<Vec<u8>>,
    /// TF.
    pub modified: Option<Time>,
    /// TF.
    pub accessed: Option<Time>,
    /// TF.
    pub changed: Option<Time>,
    /// CL: the directory that this record stands for lies at this block.
    pub child: Option<u32>,
    /// RE: this directory has been moved here and is shown elsewhere.
    pub relocated: bool,
    /// SP: bytes to skip in each System Use field.
    pub skip: Option<u8>,
    /// CE: block, offset and length of what follows.
    pub next: Option<(u32, u32, u32)>,
    /// Some entry of Rock Ridge is there.
    pub rock_ridge: bool,
    /// AL: the components of all entries.
    pub attributes: Vec<u8>,
    attributes_end: bool,
    name_goes_on: bool,
    component_goes_on: bool,
    closed: bool,
}

/// PX (RRIP 1.12, 4.1.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Posix {
    pub mode: u32,
    pub links: u32,
    pub uid: u32,
    pub gid: u32,
    /// 0 where there is none.
    pub serial: u32,
}

impl Entries {
    /// Takes in a System Use field or a piece of a continuation area. `flaw` is told the offset
    /// within `area` and what is wrong there.
    pub(super) fn take(&mut self, area: &[u8], flaw: &mut dyn FnMut(usize, &'static str)) {
        self.next = None;
        let mut at = 0;
        // Fewer than four bytes are padding (SUSP 1.12, 4).
        while !self.closed && area.len() - at >= 4 {
            let len = usize::from(area[at + 2]);
            // Zeros behind the last entry are padding too.
            if area[at] == 0 {
                break;
            }
            if len < 4 || at + len > area.len() {
                flaw(at, "a System Use entry has an impossible length");
                break;
            }
            let entry = &area[at..at + len];
            if !self.entry([entry[0], entry[1]], &entry[4..]) {
                flaw(at, "a System Use entry makes no sense");
            }
            at += len;
        }
    }

    /// Takes in one entry; `body` is what follows its version. False if it makes no sense.
    fn entry(&mut self, signature: [u8; 2], body: &[u8]) -> bool {
        let known = matches!(
            &signature,
            b"NM" | b"PX" | b"PN" | b"SL" | b"TF" | b"CL" | b"PL" | b"RE" | b"RR"
        );
        self.rock_ridge |= known;
        match &signature {
            b"NM" => self.name(body).is_some(),
            b"SL" => self.link(body).is_some(),
            b"AL" => self.attributes(body).is_some(),
            b"TF" => self.times(body).is_some(),
            b"PX" => {
                let field = |i: usize| both32(body, i * 8);
                self.posix = (|| {
                    let (mode, links, uid, gid) = (field(0)?, field(1)?, field(2)?, field(3)?);
                    let serial = field(4).unwrap_or(0);
                    Some(Posix { mode, links, uid, gid, serial })
                })();
                self.posix.is_some()
            }
            b"PN" => {
                self.device = both32(body, 0).zip(both32(body, 8));
                self.device.is_some()
            }
            b"CL" => {
                self.child = both32(body, 0);
                self.child.is_some()
            }
            b"RE" => {
                self.relocated = true;
                true
            }
            b"CE" => {
                let fields = both32(body, 0).zip(both32(body, 8)).zip(both32(body, 16));
                self.next = fields.map(|((block, offset), len)| (block, offset, len));
                self.next.is_some()
            }
            b"SP" => {
                let fits = body.len() >= 3 && body[..2] == [0xBE, 0xEF];
                self.skip = fits.then(|| body[2]);
                fits
            }
            b"ST" => {
                self.closed = true;
                true
            }
            // Other protocols may have entries of their own (SUSP 1.12, 4).
            _ => true,
        }
    }

    /// NM (RRIP 1.12, 4.1.4).
    fn name(&mut self, body: &[u8]) -> Option<()> {
        let (&flags, part) = body.split_first()?;
        // The names of `.` and `..` are no names.
        if flags & 0x06 != 0 {
            return Some(());
        }
        let name = self.name.get_or_insert_default();
        if !self.name_goes_on {
            name.clear();
        }
        if name.len() + part.len() > TEXT_MAX {
            return None;
        }
        name.extend(part);
        self.name_goes_on = flags & 0x01 != 0;
        Some(())
    }

    /// SL (RRIP 1.12, 4.1.3).
    fn link(&mut self, body: &[u8]) -> Option<()> {
        let (_flags, mut components) = body.split_first()?;
        while let [flags, len, rest @ ..] = components {
            let text = rest.get(..usize::from(*len))?;
            components = &rest[usize::from(*len)..];
            let first = self.target.is_none();
            let target = self.target.get_or_insert_default();
            if target.len() + text.len() + 2 > TEXT_MAX {
                return None;
            }
            let separate = !first && !self.component_goes_on && target.as_slice() != b"/";
            if separate {
                target.push(b'/');
            }
            match flags & 0x0E {
                0 => target.extend(text),
                0x02 => target.push(b'.'),
                0x04 => target.extend(b".."),
                0x08 if first => target.push(b'/'),
                _ => return None,
            }
            self.component_goes_on = flags & 0x01 != 0;
        }
        Some(())
    }

    /// AL (AAIP 2.0): an entry without CONTINUE ends the list.
    fn attributes(&mut self, body: &[u8]) -> Option<()> {
        let (&flags, components) = body.split_first()?;
        if self.attributes_end || self.attributes.len() + components.len() > ATTRIBUTES_MAX {
            return None;
        }
        self.attributes.extend(components);
        self.attributes_end = flags & 0x01 == 0;
        Some(())
    }

    /// TF (RRIP 1.12, 4.1.6): a bit for each time that is there, in the order of the bits.
    fn times(&mut self, body: &[u8]) -> Option<()> {
        let (&flags, mut rest) = body.split_first()?;
        let long = flags & 0x80 != 0;
        let mut all = true;
        for bit in 0..7 {
            if flags & 1 << bit == 0 {
                continue;
            }
            let len = if long { 17 } else { 7 };
            let bytes = rest.get(..len)?;
            rest = &rest[len..];
            let time = match long {
                true => bytes.try_into().ok().and_then(Time::from_long),
                false => bytes.try_into().ok().and_then(Time::from_short),
            };
            all &= time.is_some();
            match bit {
                1 => self.modified = time,
                2 => self.accessed = time,
                3 => self.changed = time,
                // Creation, backup, expiration, effective: nothing on the host has them.
                _ => {}
            }
        }
        all.then_some(())
    }
}

/// Major and minor number of a device. Linux takes a low half above 255 with no high half for the
/// whole number, and so do we, since writers differ.
pub(super) fn device_number((high, low): (u32, u32)) -> (u32, u32) {
    if high == 0 && low > 0xFF { (low >> 8, low & 0xFF) } else { (high, low) }
}

/// The little-endian half of a number in both orders (ECMA-119, 7.3.3).
fn both32(bytes: &[u8], at: usize) -> Option<u32> {
    let half = bytes.get(at..at + 8)?;
    Some(u32::from_le_bytes(half[..4].try_into().ok()?))
}

/// File type bits of a mode.
pub(super) fn file_type(mode: u32) -> u32 {
    mode & rrip::S_IFMT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_xorriso_are_understood() {
        // The System Use field of a hard-linked file, by xorriso 1.5.4.
        let area = [
            &b"PX\x24\x01\xa4\x81\0\0\0\0\x81\xa4\x02\0\0\0\0\0\0\x02"[..],
            &[0; 16],
            b"TF\x1a\x01\x0e\x7e\x0b\x16\x12\x09\x14\0\x7e\x0b\x16\x12\x09\x14\0",
            b"\x7e\x0b\x16\x12\x09\x14\0",
            b"NM\x07\x01\0h1\0",
        ];
        let mut entries = Entries::default();
        entries.take(&area.concat(), &mut |at, what| panic!("{at}: {what}"));
        let posix = entries.posix.unwrap();
        assert_eq!((posix.mode, posix.links, posix.serial), (0o100_644, 2, 0));
        assert_eq!(entries.name.as_deref(), Some(&b"h1"[..]));
        assert_eq!(entries.modified, Some(Time::from_secs(1_795_370_960)));
        assert!(entries.rock_ridge);
    }

    #[test]
    fn nonsense_is_reported_and_stepped_over() {
        let mut flaws = Vec::new();
        let mut entries = Entries::default();
        entries.take(b"PX\x05\x01\0NM\x07\x01\0okSL\x03\x01", &mut |at, _| flaws.push(at));
        assert_eq!(flaws, [0, 12]);
        assert_eq!(entries.name.as_deref(), Some(&b"ok"[..]));
    }

    #[test]
    fn long_times_are_understood() {
        let mut entries = Entries::default();
        let area = b"TF\x16\x01\x822400022900000000\0";
        entries.take(area, &mut |at, what| panic!("{at}: {what}"));
        assert_eq!(entries.modified, Some(Time::from_secs(13_574_563_200)));
    }
}
