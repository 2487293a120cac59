//! Extended attributes and access control lists in Rock Ridge: the Arbitrary Attribute Interchange
//! Protocol, AAIP 2.0, as libisofs writes and reads it. Written and read.
//!
//! A node's AL entries are one stream of components, names and values in turn. The empty name
//! stands for the access control lists, which are recorded in few bytes and without the kernel's
//! layout. Knows neither trees nor where entries lie.

use super::xattr::{ACL_ACCESS, ACL_DEFAULT, Xattr};

/// The longest entry: its length is one byte (SUSP 1.12, 4.1).
const ENTRY_MAX: usize = 255;
/// Bytes before the components of an AL entry.
const HEAD: usize = 5;
/// An entry, or a component, goes on in the next one (AAIP 2.0, "AL").
const CONTINUE: u8 = 0x01;
/// The most bytes of entries that one node may have: Linux follows 32 continuation areas, and gives
/// up on a file that has more.
pub(super) const ENTRIES_MAX: usize = 28 * 2000;

/// Name spaces with a short form: the byte that stands for each (AAIP 2.0, "Namespaces").
const NAMESPACES: [(u8, &[u8]); 4] =
    [(2, b"system."), (3, b"user."), (5, b"trusted."), (6, b"security.")];
/// What follows is a name that begins with a byte of those (AAIP 2.0, "Namespaces").
const ESCAPE: u8 = 1;
/// The name space in which libisofs keeps its own notes: inode numbers, checksums.
const NOTES: (u8, &[u8]) = (4, b"isofs.");

/// The ER entry (AAIP 2.0, "Specification of the ER System Use Entry Values").
pub(super) fn extension(out: &mut Vec<u8>) {
    let id = b"AAIP_0200";
    let about =
        b"AL PROVIDES VIA AAIP 2.0 SUPPORT FOR ARBITRARY FILE ATTRIBUTES IN ISO 9660 IMAGES";
    let whom = b"PLEASE CONTACT THE LIBBURNIA PROJECT VIA LIBBURNIA-PROJECT.ORG";
    let len = 8 + id.len() + about.len() + whom.len();
    out.extend(*b"ER");
    out.extend([len as u8, 1, id.len() as u8, about.len() as u8, whom.len() as u8, 1]);
    out.extend(id);
    out.extend(about);
    out.extend(whom);
}

/// The AL entries of a node that has these attributes and this mode.
pub(super) fn entries(out: &mut Vec<u8>, xattrs: &[Xattr], mode: u32) {
    if xattrs.is_empty() {
        return;
    }
    let mut list = List { out, start: None };
    let acl = |name: &str| {
        xattrs.iter().find(|x| x.name() == name.as_bytes()).and_then(|x| Acl::of_linux(x.value()))
    };
    let (access, default) = (acl(ACL_ACCESS), acl(ACL_DEFAULT));
    // Libisofs 1.5.4 gives up on a list whose last value is empty and has others in front.
    let (empty, full): (Vec<_>, Vec<_>) = xattrs.iter().partition(|x| x.value().is_empty());
    for xattr in empty.into_iter().chain(full) {
        let converted = match xattr.name() {
            name if name == ACL_ACCESS.as_bytes() => access.is_some(),
            name if name == ACL_DEFAULT.as_bytes() => default.is_some(),
            _ => false,
        };
        if !converted {
            list.component(&short_name(xattr.name()));
            list.component(xattr.value());
        }
    }
    if access.is_some() || default.is_some() {
        // The default list comes behind the other one, which is never missing.
        let mut value = access.unwrap_or_else(|| Acl::of_mode(mode)).record();
        if let Some(default) = default {
            value.push(SWITCH_MARK);
            value.extend(default.record());
        }
        list.component(&[]);
        list.component(&value);
    }
    list.end();
}

/// Whether [`entries`] has room for these.
pub(super) fn fits(xattrs: &[Xattr]) -> bool {
    // Names, values, and what heads them come to no more than this.
    let bytes: usize = xattrs.iter().map(|x| x.name().len() + x.value().len() + 16).sum();
    bytes + bytes / 64 <= ENTRIES_MAX
}

/// The attributes in a stream of components; `None` if it makes no sense. `mode` is the node's.
pub(super) fn read(stream: &[u8], mode: u32) -> Option<Vec<Xattr>> {
    let mut components = Vec::new();
    let mut open: Option<Vec<u8>> = None;
    let mut rest = stream;
    while let [flags, len, tail @ ..] = rest {
        let part = tail.get(..usize::from(*len))?;
        rest = &tail[usize::from(*len)..];
        let mut whole = open.take().unwrap_or_default();
        whole.extend(part);
        if flags & CONTINUE != 0 {
            open = Some(whole);
        } else {
            components.push(whole);
        }
    }
    if !rest.is_empty() || open.is_some() || !components.len().is_multiple_of(2) {
        return None;
    }
    let mut xattrs = Vec::new();
    for pair in components.chunks_exact(2) {
        let [name, value] = pair else { return None };
        match &name[..] {
            [] => acls(value, mode, &mut xattrs)?,
            [note, ..] if *note == NOTES.0 => {}
            name if name.starts_with(NOTES.1) => {}
            name => xattrs.push(Xattr::new(long_name(name)?, &value[..])?),
        }
    }
    Some(xattrs)
}

fn short_name(name: &[u8]) -> Vec<u8> {
    for (byte, space) in NAMESPACES {
        if let Some(rest) = name.strip_prefix(space) {
            return [&[byte], rest].concat();
        }
    }
    match name.first() {
        Some(0x01..=0x1F) => [&[ESCAPE], name].concat(),
        _ => name.to_vec(),
    }
}

fn long_name(name: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = name.split_first()?;
    match *first {
        ESCAPE => Some(rest.to_vec()),
        0x02..=0x1F => {
            let (_, space) = NAMESPACES.iter().find(|(byte, _)| byte == first)?;
            Some([space, rest].concat())
        }
        _ => Some(name.to_vec()),
    }
}

/// AL entries as they grow.
struct List<'a> {
    out: &'a mut Vec<u8>,
    /// Where the last one begins.
    start: Option<usize>,
}

impl List<'_> {
    /// Adds a component, in as many records as it takes: none reaches into the next entry.
    fn component(&mut self, mut bytes: &[u8]) {
        loop {
            let used = self.start.map_or(ENTRY_MAX, |start| self.out.len() - start);
            let room = ENTRY_MAX.saturating_sub(used + 2);
            // An empty component needs no more than its head.
            if used + 2 > ENTRY_MAX || room == 0 && !bytes.is_empty() {
                self.next();
                continue;
            }
            let (part, rest) = bytes.split_at(room.min(bytes.len()));
            let flags = if rest.is_empty() { 0 } else { CONTINUE };
            self.out.extend([flags, part.len() as u8]);
            self.out.extend(part);
            bytes = rest;
            if bytes.is_empty() {
                return;
            }
        }
    }

    fn next(&mut self) {
        self.close(CONTINUE);
        self.start = Some(self.out.len());
        self.out.extend(*b"AL\x05\x01\x00");
    }

    fn end(&mut self) {
        self.close(0);
    }

    fn close(&mut self, flags: u8) {
        if let Some(start) = self.start.take() {
            self.out[start + 2] = (self.out.len() - start) as u8;
            self.out[start + HEAD - 1] = flags;
        }
    }
}

/// What follows is the default list (AAIP 2.0, "SWITCH_MARK").
const SWITCH_MARK: u8 = 0x81;
/// A qualifier follows the entry (AAIP 2.0, "QUALIFIER").
const QUALIFIER: u8 = 0x08;
/// Types of AAIP, and the tags of the same meaning that Linux has, in the order that Linux wants
/// (AAIP 2.0, "TYPE"; acl(5)).
const TAGS: [(u8, u16); 6] = [(1, 0x01), (10, 0x02), (3, 0x04), (12, 0x08), (5, 0x10), (6, 0x20)];
const GROUP: u16 = 0x04;
const NAMED: [u16; 2] = [0x02, 0x08];
/// The version that begins each list in Linux (`POSIX_ACL_XATTR_VERSION`).
const LINUX_VERSION: u32 = 2;
/// The number of an entry that has none in Linux.
const NO_ID: u32 = u32::MAX;

/// An access control list: tag, permissions and number of each entry.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Acl(Vec<(u16, u8, u32)>);

impl Acl {
    /// From the bytes of Linux; `None` if they are no list.
    fn of_linux(bytes: &[u8]) -> Option<Acl> {
        let (version, entries) = bytes.split_first_chunk::<4>()?;
        if u32::from_le_bytes(*version) != LINUX_VERSION || !entries.len().is_multiple_of(8) {
            return None;
        }
        let entry = |e: &[u8]| {
            let tag = u16::from_le_bytes([e[0], e[1]]);
            let rights = u16::from_le_bytes([e[2], e[3]]);
            let id = u32::from_le_bytes([e[4], e[5], e[6], e[7]]);
            let known = rights <= 7 && TAGS.iter().any(|(_, known)| *known == tag);
            known.then_some((tag, rights as u8, id))
        };
        entries.chunks_exact(8).map(entry).collect::<Option<Vec<_>>>().map(Acl)
    }

    /// The list that says what a mode says.
    fn of_mode(mode: u32) -> Acl {
        let rights = |shift: u32| (mode >> shift & 7) as u8;
        Acl(vec![(0x01, rights(6), NO_ID), (GROUP, rights(3), NO_ID), (0x20, rights(0), NO_ID)])
    }

    fn linux(&self) -> Vec<u8> {
        let mut out = LINUX_VERSION.to_le_bytes().to_vec();
        for (tag, rights, id) in &self.0 {
            out.extend(tag.to_le_bytes());
            out.extend(u16::from(*rights).to_le_bytes());
            out.extend(id.to_le_bytes());
        }
        out
    }

    fn record(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (tag, rights, id) in &self.0 {
            let kind = TAGS.iter().find(|(_, known)| known == tag).map_or(0, |(kind, _)| *kind);
            let head = kind << 4 | rights;
            if NAMED.contains(tag) {
                // As few bytes as hold the number, the most significant one first.
                let bytes = id.to_be_bytes();
                let skip = bytes.iter().take(3).take_while(|b| **b == 0).count();
                out.extend([head | QUALIFIER, (4 - skip) as u8]);
                out.extend(&bytes[skip..]);
            } else {
                out.push(head);
            }
        }
        out
    }
}

/// The lists in a value, as attributes of Linux.
fn acls(value: &[u8], mode: u32, xattrs: &mut Vec<Xattr>) -> Option<()> {
    let mut lists = [Vec::new(), Vec::new()];
    let mut at_default = 0;
    let mut rest = value;
    while let Some((&head, mut tail)) = rest.split_first() {
        let mut qualifier: Vec<u8> = Vec::new();
        if head & QUALIFIER != 0 {
            loop {
                let (&len, bytes) = tail.split_first()?;
                let part = bytes.get(..usize::from(len & 0x7F))?;
                qualifier.extend(part);
                tail = &bytes[part.len()..];
                // The highest bit says that the qualifier goes on.
                if len & 0x80 == 0 {
                    break;
                }
            }
        }
        rest = tail;
        if head == SWITCH_MARK {
            at_default = 1;
            continue;
        }
        // Readers ignore what they do not know (AAIP 2.0, "TYPE").
        let Some((_, tag)) = TAGS.iter().find(|(kind, _)| *kind == head >> 4) else { continue };
        let id = match NAMED.contains(tag) {
            true if (1..=4).contains(&qualifier.len()) => {
                qualifier.iter().fold(0, |id, byte| id << 8 | u32::from(*byte))
            }
            true => return None,
            false => NO_ID,
        };
        lists[at_default].push((*tag, head & 7, id));
    }
    for (mut list, name) in lists.into_iter().zip([ACL_ACCESS, ACL_DEFAULT]) {
        // The order of tags and numbers is that of Linux, which takes no other.
        list.sort();
        let list = Acl(list);
        let said = name == ACL_ACCESS && list == Acl::of_mode(mode);
        if !list.0.is_empty() && !said {
            xattrs.push(Xattr::new(name.as_bytes(), list.linux())?);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn xattr(name: &[u8], value: &[u8]) -> Xattr {
        Xattr::new(name, value).expect("a good name")
    }

    /// u::rw-, u:1000:rw-, g::r--, m::rw-, o::r--.
    fn acl() -> Vec<u8> {
        let none = u32::MAX;
        let list = [(1, 6, none), (2, 6, 1000), (4, 4, none), (16, 6, none), (32, 4, none)];
        Acl(list.to_vec()).linux()
    }

    #[test]
    fn lists_are_recorded_as_others_record_them() {
        let mut out = Vec::new();
        let all = [xattr(ACL_ACCESS.as_bytes(), &acl()), xattr(b"user.comment", b"hello world")];
        entries(&mut out, &all, 0o664);
        // By xorriso 1.5.4, in one AL entry with the same components.
        let golden =
            b"AL\x28\x01\0\0\x08\x03comment\0\x0bhello world\0\0\0\x08\x16\xae\x02\x03\xe8\
            \x34\x56\x64";
        assert_eq!(out, golden);
        assert_eq!(read(&out[HEAD..], 0o664).map(sorted), Some(all.to_vec()));
    }

    fn sorted(mut list: Vec<Xattr>) -> Vec<Xattr> {
        list.sort();
        list
    }

    #[test]
    fn the_default_list_comes_behind_the_other() {
        let mut out = Vec::new();
        let all = [xattr(ACL_DEFAULT.as_bytes(), &Acl::of_mode(0o750).linux())];
        entries(&mut out, &all, 0o755);
        assert_eq!(out, *b"AL\x10\x01\0\0\0\0\x07\x17\x35\x65\x81\x17\x35\x60");
        assert_eq!(read(&out[HEAD..], 0o755).map(sorted), Some(all.to_vec()));
    }

    #[test]
    fn long_values_go_on_in_further_entries() {
        let mut out = Vec::new();
        let all = [xattr(b"\x03odd", b""), xattr(b"user.long", &[7; 3000])];
        entries(&mut out, &all, 0);
        let (mut stream, mut at) = (Vec::new(), 0);
        while at < out.len() {
            let len = usize::from(out[at + 2]);
            let more = at + len < out.len();
            assert_eq!((&out[at..at + 2], out[at + 4]), (&b"AL"[..], u8::from(more)));
            stream.extend(&out[at + HEAD..at + len]);
            at += len;
        }
        assert_eq!(read(&stream, 0), Some(all.to_vec()));
    }

    #[test]
    fn notes_of_libisofs_are_no_attributes() {
        // From the root of an image by xorriso 1.5.4.
        let stream = b"\0\x03\x04nt\0\x04\x01\x01\x01\xff\0\x03\x04cx\0\x04\0\0\0\x01";
        assert_eq!(read(stream, 0), Some(Vec::new()));
        assert_eq!(read(b"\0\x01", 0), None);
        assert_eq!(read(b"\0\x01a", 0), None);
        assert_eq!(read(b"\0\0\0\x01\xa8", 0), None);
    }
}
