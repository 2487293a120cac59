//! System Use entries that carry POSIX names and metadata, written: SUSP 1.12 and RRIP 1.12.
//!
//! Deep directories stay where they are and are not relocated: relocation changes the tree that
//! readers without Rock Ridge see, all current readers walk deep trees, and only ISO 9660 level
//! limits of old systems (ECMA-119, 6.8.2.1) speak for it.

use super::iso9660::both32;
use super::time::Time;
use super::tree::{Kind, Meta};
use crate::units::BLOCK;

/// Bytes of a CE entry (SUSP 1.12, 5.1).
const CE_LEN: usize = 28;
/// The longest entry: its length is one byte (SUSP 1.12, 4.1).
const ENTRY_MAX: usize = 255;

/// File type bits of a POSIX mode (RRIP 1.12, 4.1.1).
pub(super) const S_IFMT: u32 = 0o170_000;
pub(super) const S_IFSOCK: u32 = 0o140_000;
pub(super) const S_IFLNK: u32 = 0o120_000;
pub(super) const S_IFREG: u32 = 0o100_000;
pub(super) const S_IFBLK: u32 = 0o060_000;
pub(super) const S_IFDIR: u32 = 0o040_000;
pub(super) const S_IFCHR: u32 = 0o020_000;
pub(super) const S_IFIFO: u32 = 0o010_000;

/// What a set of entries is about.
pub(super) struct Subject<'a> {
    pub kind: Kind<'a>,
    pub meta: &'a Meta,
    /// POSIX st_nlink.
    pub links: u32,
    /// POSIX st_ino: equal for hard links, different otherwise.
    pub serial: u32,
    /// Times of last access and node change are recorded too.
    pub all_times: bool,
}

/// The entries of the root's own record come after these two: SP says that System Use entries are
/// in use, at no offset (SUSP 1.12, 5.3); ER says which (SUSP 1.12, 5.5; RRIP 1.12, 4.3).
pub(super) fn sharing(out: &mut Vec<u8>) {
    out.extend(*b"SP\x07\x01\xbe\xef\x00");
}

/// See [`sharing`]. This long entry comes last.
pub(super) fn extension(out: &mut Vec<u8>) {
    let id = b"IEEE_1282";
    let about = b"THE IEEE 1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS.";
    let whom = b"PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE 1282 \
        SPECIFICATION.";
    let len = 8 + id.len() + about.len() + whom.len();
    out.extend(*b"ER");
    out.extend([len as u8, 1, id.len() as u8, about.len() as u8, whom.len() as u8, 1]);
    out.extend(id);
    out.extend(about);
    out.extend(whom);
}

/// Says that what follows belongs to the extension whose ER entry has that number, counted from 0
/// (SUSP 1.12, 5.6).
pub(super) fn belongs_to(out: &mut Vec<u8>, extension: u8) {
    out.extend(*b"ES\x05\x01");
    out.push(extension);
}

/// Mode, owners, links, serial number (RRIP 1.12, 4.1.1), device number (4.1.2) and times (4.1.6).
pub(super) fn attributes(out: &mut Vec<u8>, subject: &Subject<'_>) {
    let kind = match subject.kind {
        Kind::Directory => S_IFDIR,
        Kind::File(_) => S_IFREG,
        Kind::Symlink(_) => S_IFLNK,
        Kind::BlockDevice { .. } => S_IFBLK,
        Kind::CharDevice { .. } => S_IFCHR,
        Kind::Fifo => S_IFIFO,
        Kind::Socket => S_IFSOCK,
    };
    let meta = subject.meta;
    out.extend(*b"PX\x2c\x01");
    for field in [kind | meta.mode & 0o7777, subject.links, meta.uid, meta.gid, subject.serial] {
        both32(out, field);
    }
    if let Kind::BlockDevice { major, minor } | Kind::CharDevice { major, minor } = subject.kind {
        // Where the number fits 16 bits it goes whole into the low half, which all readers
        // understand; else the halves are major and minor, as Linux reads them.
        let (high, low) = match (major, minor) {
            (1..=0xFFF, 0..=0xFF) => (0, major << 8 | minor),
            _ => (major, minor),
        };
        out.extend(*b"PN\x14\x01");
        both32(out, high);
        both32(out, low);
    }
    // The bits say which times follow: modification, access, attribute change, in this order.
    let (bits, times): (u8, &[Time]) = match subject.all_times {
        true => (0x0E, &[meta.mtime, meta.atime, meta.ctime]),
        false => (0x02, &[meta.mtime]),
    };
    out.extend(*b"TF");
    out.extend([(5 + 7 * times.len()) as u8, 1, bits]);
    out.extend(times.iter().flat_map(|time| time.short().0));
}

/// The name (RRIP 1.12, 4.1.4), in as many entries as it takes.
pub(super) fn name(out: &mut Vec<u8>, name: &[u8]) {
    let mut parts = name.chunks(ENTRY_MAX - 5).peekable();
    while let Some(part) = parts.next() {
        out.extend(*b"NM");
        let more = u8::from(parts.peek().is_some());
        out.extend([(5 + part.len()) as u8, 1, more]);
        out.extend(part);
    }
}

/// A symbolic link's target (RRIP 1.12, 4.1.3): names between slashes become components, `.`, `..`
/// and the root flags of their own. Doubled and closing slashes are lost.
///
/// An entry that goes on in a further one always ends within a component, if need be an empty one:
/// Linux puts a slash between two entries otherwise, and libarchive never does.
pub(super) fn symlink(out: &mut Vec<u8>, target: &[u8]) {
    const CONTINUE: u8 = 0x01;
    let root = target.first() == Some(&b'/');
    let names = target.split(|&b| b == b'/').filter(|name| !name.is_empty());
    let components = root.then_some((0x08, &[][..])).into_iter().chain(names.map(|n| match n {
        b"." => (0x02, &[][..]),
        b".." => (0x04, &[][..]),
        name => (0x00, name),
    }));
    let mut start = out.len();
    out.extend(*b"SL\x05\x01\x00");
    for (flags, mut name) in components {
        // Two bytes stay free for the empty component.
        while out.len() - start + 2 + name.len() + 2 > ENTRY_MAX {
            let room = ENTRY_MAX - (out.len() - start) - 2;
            // Only what no entry can hold whole is split.
            let part = if 5 + 2 + name.len() + 2 > ENTRY_MAX { room } else { 0 };
            let (part, rest) = name.split_at(part);
            out.extend([flags & !0x0E | CONTINUE, part.len() as u8]);
            out.extend(part);
            name = rest;
            out[start + 2] = (out.len() - start) as u8;
            out[start + 4] = CONTINUE;
            start = out.len();
            out.extend(*b"SL\x05\x01\x00");
        }
        out.extend([flags, name.len() as u8]);
        out.extend(name);
    }
    out[start + 2] = (out.len() - start) as u8;
}

/// Whether [`symlink`] keeps this target to the byte.
pub(super) fn is_faithful(target: &[u8]) -> bool {
    target == b"/" || !(target.ends_with(b"/") || target.windows(2).any(|two| two == b"//"))
}

/// The continuation area of one directory: what did not fit its records, in the blocks behind it.
pub(super) struct Continuation {
    /// First block, from the start of the disc.
    pub lba: u32,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl Continuation {
    /// Cuts `entries` down to at most `room` bytes. What goes past that moves into the continuation
    /// area, and a CE entry at the end points there (SUSP 1.12, 5.1). A piece of the area does not
    /// cross the end of a block, since Linux reads only one block for each CE.
    pub(super) fn fit(&mut self, entries: &mut Vec<u8>, room: usize) {
        if entries.len() <= room {
            return;
        }
        let mut rest = entries.split_off(whole_entries(entries, room - CE_LEN));
        if self.bytes.len() % BLOCK + rest.len() > BLOCK {
            self.next_block();
        }
        // Entries come in pieces of a block at most; each piece but the last ends with a pointer
        // to the next, which begins the next block.
        let mut pieces = Vec::new();
        while rest.len() > BLOCK {
            let next = rest.split_off(whole_entries(&rest, BLOCK - CE_LEN));
            pieces.push(std::mem::replace(&mut rest, next));
        }
        pieces.push(rest);
        let lens: Vec<usize> = pieces
            .iter()
            .enumerate()
            .map(|(i, piece)| piece.len() + if i + 1 < pieces.len() { CE_LEN } else { 0 })
            .collect();
        self.point(entries, lens[0]);
        for (i, mut piece) in pieces.into_iter().enumerate() {
            let start = self.bytes.len();
            if let Some(&len) = lens.get(i + 1) {
                pointer(&mut piece, self.lba + (start / BLOCK) as u32 + 1, 0, len as u32);
            }
            self.bytes.extend(piece);
            if i + 1 < lens.len() {
                self.next_block();
            }
        }
    }

    fn next_block(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
    }

    /// Appends a CE entry that points at the end of the area.
    fn point(&self, entries: &mut Vec<u8>, len: usize) {
        let at = self.bytes.len();
        pointer(entries, self.lba + (at / BLOCK) as u32, (at % BLOCK) as u32, len as u32);
    }
}

/// The bytes of as many of these entries, from the first on, as `room` holds.
fn whole_entries(entries: &[u8], room: usize) -> usize {
    let mut at = 0;
    // Each entry says its own length in its third byte (SUSP 1.12, 4.1).
    while let Some(&len) = entries.get(at + 2) {
        if at + usize::from(len) > room {
            break;
        }
        at += usize::from(len);
    }
    at
}

/// Appends a CE entry (SUSP 1.12, 5.1).
fn pointer(out: &mut Vec<u8>, block: u32, offset: u32, len: u32) {
    out.extend(*b"CE\x1c\x01");
    both32(out, block);
    both32(out, offset);
    both32(out, len);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_as_other_writers_record_them() {
        let time = Time::from_secs(1_795_370_960); // 2026-11-22T18:09:20Z
        let meta = Meta { mode: 0o644, mtime: time, atime: time, ctime: time, ..Meta::default() };
        let kind = Kind::File(crate::image::ContentId(0));
        let mut out = Vec::new();
        let subject = Subject { kind, meta: &meta, links: 2, serial: 7, all_times: true };
        attributes(&mut out, &subject);
        name(&mut out, b"h1");
        // By xorriso 1.5.4, but for the serial number, which RRIP 1.10 did not have.
        let golden = [
            &b"PX\x2c\x01\xa4\x81\0\0\0\0\x81\xa4\x02\0\0\0\0\0\0\x02"[..],
            &[0; 16],
            &[7, 0, 0, 0, 0, 0, 0, 7],
            b"TF\x1a\x01\x0e\x7e\x0b\x16\x12\x09\x14\0\x7e\x0b\x16\x12\x09\x14\0",
            b"\x7e\x0b\x16\x12\x09\x14\0",
            b"NM\x07\x01\0h1",
        ];
        assert_eq!(out, golden.concat());
    }

    #[test]
    fn a_link_is_a_row_of_components() {
        let mut out = Vec::new();
        symlink(&mut out, b"/usr/../a/./b");
        let golden = b"SL\x16\x01\0\x08\0\0\x03usr\x04\0\0\x01a\x02\0\0\x01b";
        assert_eq!(out, golden);
    }

    #[test]
    fn a_long_link_continues_in_further_entries() {
        let mut out = Vec::new();
        let target = [&[b'x'; 100][..], &[b'y'; 200], &[b'z'; 253]].join(&b'/');
        symlink(&mut out, &target);
        // The first name, and an empty one that the second name continues.
        assert_eq!(out[..7], *b"SL\x6d\x01\x01\x00\x64");
        assert_eq!(out[107..116], *b"\x01\x00SL\xff\x01\x01\x00\xc8");
        // 46 bytes of the third name fill the second entry, 207 follow.
        assert_eq!(out[316..318], [0x01, 46]);
        assert_eq!(out[364..371], *b"SL\xd6\x01\x00\x00\xcf");
        assert_eq!(out.len(), 364 + 0xd6);
    }

    #[test]
    fn what_does_not_fit_goes_into_whole_blocks_of_the_continuation_area() {
        let mut area = Continuation { lba: 100, bytes: vec![1; 2000] };
        let mut entries = Vec::new();
        let target = [&[b'a'; 240][..]; 17].join(&b'/');
        symlink(&mut entries, &target);
        let all = entries.clone();
        area.fit(&mut entries, 150);
        assert_eq!(entries.len(), CE_LEN);
        assert_eq!(entries[4..12], [101, 0, 0, 0, 0, 0, 0, 101]);
        let mut seen: Vec<u8> = Vec::new();
        let (mut block, mut len) = (1, usize::from(entries[20]) | usize::from(entries[21]) << 8);
        loop {
            let piece = &area.bytes[block * BLOCK..][..len];
            let pointed = piece.len() > CE_LEN && piece[piece.len() - CE_LEN..][..2] == *b"CE";
            seen.extend(&piece[..len - if pointed { CE_LEN } else { 0 }]);
            if !pointed {
                break;
            }
            let ce = &piece[len - CE_LEN..];
            assert_eq!(ce[4] as usize, 100 + block + 1);
            (block, len) = (block + 1, usize::from(ce[20]) | usize::from(ce[21]) << 8);
        }
        assert_eq!(seen, all);
    }
}
