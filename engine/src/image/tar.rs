//! From a tar archive to a [`Tree`]: ustar, pax and GNU, with long names, sparse files and hard
//! links. The bytes of members stay where they are, in the archive.
//!
//! Archives are hostile: a name stays below the root, a link leads to what is in the tree, and no
//! size is believed that reaches behind the archive's end. The crate `tar` knows the fields of
//! headers; what follows a header is walked here, with bounds.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use ::tar::{EntryType, GnuExtSparseHeader, GnuSparseHeader, Header};

use super::host::read_exact_at;
use super::scan::ScanError;
use super::time::Time;
use super::tree::{
    Container, Kind, Meta, NodeId, Part, Pieces, Source, Tree, TreeError, push_readable,
};

/// Bytes of a header, and what everything is filled up to.
const UNIT: u64 = 512;
/// The longest name or set of pax records that is taken.
const EXTENSION_MAX: u64 = 1 << 20;
/// The most parts of one sparse file.
const PARTS_MAX: usize = 1 << 20;

/// Where an archive is.
#[derive(Clone, Debug)]
pub enum Archive<'a> {
    /// A file of this machine.
    Path(&'a Path),
    /// An open file.
    Open(Arc<File>),
}

/// Why an archive cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TarError {
    /// The file cannot be had.
    Scan(ScanError),
    /// It is compressed, as this program does it.
    Compressed(&'static str),
    /// It is wrong at this byte.
    Broken {
        /// The byte.
        at: u64,
        /// What is wrong there.
        what: String,
    },
}

/// A tree of an archive.
#[derive(Clone, Debug)]
pub struct Unpacked {
    /// The tree.
    pub tree: Tree,
    /// Members that are left out, and why, one line each.
    pub left_out: Vec<String>,
}

impl Tree {
    /// The tree that an archive would be unpacked to.
    pub fn of_tar(archive: &Archive<'_>) -> Result<Unpacked, TarError> {
        let mut tree = Tree::new(Meta { mode: 0o755, ..Meta::default() });
        let (file, of) = match archive {
            Archive::Path(path) => {
                let (of, _) = tree.container(path).map_err(TarError::Scan)?;
                let file = File::open(path).map_err(|e| broken(0, e.to_string()))?;
                (Arc::new(file), of)
            }
            Archive::Open(file) => (Arc::clone(file), Container::Open(Arc::clone(file))),
        };
        let len = file.metadata().map_err(|e| broken(0, e.to_string()))?.len();
        let input = Input { file, len };
        input.refuse_compressed()?;
        let mut reader = Reader { input, of, tree, at: 0, left_out: Vec::new() };
        reader.members()?;
        Ok(Unpacked { tree: reader.tree, left_out: reader.left_out })
    }
}

/// Keys and values.
type Records = Vec<(Vec<u8>, Vec<u8>)>;
/// The parts of a sparse file, and its size.
type Sparse = (Vec<Part>, u64);

struct Input {
    file: Arc<File>,
    len: u64,
}

impl Input {
    fn bytes(&self, at: u64, len: u64) -> Result<Vec<u8>, TarError> {
        if at.checked_add(len).is_none_or(|end| end > self.len) {
            return Err(broken(at, "the archive ends within a member"));
        }
        let mut bytes = vec![0; len as usize];
        read_exact_at(&self.file, &mut bytes, at).map_err(|e| broken(at, e.to_string()))?;
        Ok(bytes)
    }

    fn refuse_compressed(&self) -> Result<(), TarError> {
        let start = self.bytes(0, self.len.min(6))?;
        let kinds: [(&[u8], &str); 4] = [
            (b"\x1f\x8b", "gzip"),
            (b"BZh", "bzip2"),
            (b"\xfd7zXZ\0", "xz"),
            (b"\x28\xb5\x2f\xfd", "zstd"),
        ];
        match kinds.iter().find(|(magic, _)| start.starts_with(magic)) {
            Some((_, name)) => Err(TarError::Compressed(name)),
            None => Ok(()),
        }
    }
}

/// What is said of a member in front of its header.
#[derive(Debug, Default)]
struct Extended {
    /// GNU's long name and long link.
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    /// Records of pax, in their order.
    pax: Records,
}

impl Extended {
    fn last(&self, key: &str) -> Option<&[u8]> {
        let mut records = self.pax.iter().rev();
        records.find(|(k, _)| k == key.as_bytes()).map(|(_, value)| &value[..])
    }

    fn number(&self, key: &str) -> Option<u64> {
        str::from_utf8(self.last(key)?).ok()?.parse().ok()
    }

    /// Seconds with a fraction.
    fn time(&self, key: &str) -> Option<Time> {
        let text = str::from_utf8(self.last(key)?).ok()?;
        let (secs, fraction) = text.split_once('.').unwrap_or((text, ""));
        let whole: i64 = secs.parse().ok()?;
        let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
        let nanos: u32 = digits.parse().ok()?;
        Some(match secs.starts_with('-') && nanos > 0 {
            true => Time { secs: whole.checked_sub(1)?, nanos: 1_000_000_000 - nanos },
            false => Time { secs: whole, nanos },
        })
    }
}

struct Reader {
    input: Input,
    of: Container,
    tree: Tree,
    /// Where the next header lies.
    at: u64,
    left_out: Vec<String>,
}

/// A member as its headers have it.
struct Member<'a> {
    header: &'a Header,
    extended: &'a Extended,
    /// Where its bytes begin in the archive, and how many there are.
    start: u64,
    stored: u64,
    /// The parts of a sparse file, and its size.
    sparse: Option<Sparse>,
}

impl Reader {
    fn members(&mut self) -> Result<(), TarError> {
        let mut global = Vec::new();
        let mut extended = Extended::default();
        while let Some((header, at)) = self.header()? {
            let stored = match extended.number("size") {
                Some(size) => size,
                None => header.entry_size().map_err(|e| broken(at, e.to_string()))?,
            };
            let kind = header.entry_type();
            let mut start = at + UNIT;
            let mut sparse = None;
            if kind == EntryType::GNUSparse {
                let (map, behind) = self.gnu_sparse(&header, start)?;
                (sparse, start) = (Some(map), behind);
            }
            let end = start.checked_add(stored).filter(|end| *end <= self.input.len);
            let end = end.ok_or_else(|| broken(at, "a member reaches behind the archive's end"))?;
            self.at = end.next_multiple_of(UNIT);
            if matches!(
                kind,
                EntryType::GNULongName
                    | EntryType::GNULongLink
                    | EntryType::XHeader
                    | EntryType::XGlobalHeader
            ) {
                if stored > EXTENSION_MAX {
                    return Err(broken(at, "a name or attribute is longer than 1 MiB"));
                }
                let mut bytes = self.input.bytes(start, stored)?;
                match kind {
                    EntryType::XHeader => extended.pax.extend(pax(&bytes, start)?),
                    EntryType::XGlobalHeader => {
                        global = pax(&bytes, start)?;
                        extended.pax.splice(0..0, global.iter().cloned());
                    }
                    kind => {
                        while bytes.last() == Some(&0) {
                            bytes.pop();
                        }
                        let long = kind == EntryType::GNULongName;
                        *(if long { &mut extended.name } else { &mut extended.link }) = Some(bytes);
                    }
                }
                continue;
            }
            let mut member = Member { header: &header, extended: &extended, start, stored, sparse };
            self.pax_sparse(&mut member)?;
            self.member(&member)?;
            extended = Extended { pax: global.clone(), ..Extended::default() };
        }
        Ok(())
    }

    /// The next header and where it lies; `None` at the end, which is a header of zeros, or the end
    /// of the file.
    fn header(&mut self) -> Result<Option<(Header, u64)>, TarError> {
        let at = self.at;
        if at + UNIT > self.input.len {
            return Ok(None);
        }
        let bytes = self.input.bytes(at, UNIT)?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = Header::from_byte_slice(&bytes).clone();
        // The sum of all bytes, those of the sum itself taken for spaces (POSIX.1-2017, pax).
        let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
        let own: u32 = bytes[148..156].iter().map(|byte| u32::from(*byte)).sum();
        if header.cksum().ok() != Some(sum - own + 8 * u32::from(b' ')) {
            return Err(broken(at, "there is no header of a member"));
        }
        Ok(Some((header, at)))
    }

    /// The map of an old GNU sparse file, and where its bytes begin behind more of the map.
    fn gnu_sparse(&self, header: &Header, mut at: u64) -> Result<(Sparse, u64), TarError> {
        let wrong = |at: u64| move |e: io::Error| broken(at, e.to_string());
        let gnu = header.as_gnu().ok_or_else(|| broken(at, "a sparse file without its map"))?;
        let size = gnu.real_size().map_err(wrong(at))?;
        let mut map = Vec::new();
        let mut take = |entries: &[GnuSparseHeader], at: u64| {
            for entry in entries.iter().filter(|entry| !entry.is_empty()) {
                let pair = (entry.offset().map_err(wrong(at))?, entry.length().map_err(wrong(at))?);
                map.push(pair);
            }
            if map.len() > PARTS_MAX { Err(broken(at, "too many parts")) } else { Ok(()) }
        };
        take(&gnu.sparse, at)?;
        let mut more = gnu.is_extended();
        while more {
            let mut next = GnuExtSparseHeader::new();
            next.as_mut_bytes().copy_from_slice(&self.input.bytes(at, UNIT)?);
            take(next.sparse(), at)?;
            more = next.is_extended();
            at += UNIT;
        }
        Ok(((parts(&map, at, size)?, size), at))
    }

    /// The map of a sparse file as GNU tar says it in pax records, in any of three ways.
    fn pax_sparse(&self, member: &mut Member<'_>) -> Result<(), TarError> {
        let (extended, start) = (member.extended, member.start);
        let size = extended.number("GNU.sparse.realsize").or(extended.number("GNU.sparse.size"));
        let Some(size) = size else { return Ok(()) };
        let wrong = || broken(start, "the map of a sparse file is no list of numbers");
        let mut map = Vec::new();
        let mut begin = start;
        if extended.number("GNU.sparse.major") == Some(1) {
            // Decimal numbers, a line each, before the bytes: how many pairs, then the pairs.
            let mut numbers = Lines { input: &self.input, at: start, block: Vec::new() };
            let count = numbers.next()?.ok_or_else(wrong)?;
            for _pair in 0..count.min(PARTS_MAX as u64 + 1) {
                let offset = numbers.next()?.ok_or_else(wrong)?;
                map.push((offset, numbers.next()?.ok_or_else(wrong)?));
            }
            begin = start + (numbers.at - start).next_multiple_of(UNIT);
        } else if let Some(list) = extended.last("GNU.sparse.map") {
            let text = str::from_utf8(list).map_err(|_| wrong())?;
            let numbers = text.split(',').map(|n| n.parse().map_err(|_| wrong()));
            let numbers: Vec<u64> = numbers.collect::<Result<_, _>>()?;
            map.extend(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        } else {
            let number = |value: &[u8]| str::from_utf8(value).ok()?.parse::<u64>().ok();
            let mut offset = 0;
            for (key, value) in &extended.pax {
                match &key[..] {
                    b"GNU.sparse.offset" => offset = number(value).ok_or_else(wrong)?,
                    b"GNU.sparse.numbytes" => map.push((offset, number(value).ok_or_else(wrong)?)),
                    _ => {}
                }
            }
        }
        if map.len() > PARTS_MAX {
            return Err(broken(start, "too many parts"));
        }
        member.sparse = Some((parts(&map, begin, size)?, size));
        Ok(())
    }

    /// Puts a member into the tree, or notes why not.
    fn member(&mut self, member: &Member<'_>) -> Result<(), TarError> {
        let extended = member.extended;
        let name = extended.last("GNU.sparse.name").or(extended.last("path"));
        let name = match (name, &extended.name) {
            (Some(name), _) => name.to_vec(),
            (None, Some(name)) => name.clone(),
            (None, None) => member.header.path_bytes().into_owned(),
        };
        if let Err(why) = self.put(member, &name)? {
            let mut line = String::new();
            push_readable(&mut line, &name);
            self.left_out.push(format!("{line} in the archive is left out: {why}"));
        }
        Ok(())
    }

    fn put(&mut self, member: &Member<'_>, name: &[u8]) -> Result<Result<(), String>, TarError> {
        let names = name.split(|&b| b == b'/').filter(|part| !matches!(*part, b"" | b"."));
        let names: Vec<&[u8]> = names.collect();
        if names.contains(&&b".."[..]) {
            return Ok(Err("its path goes up".to_owned()));
        }
        let meta = meta(member);
        let kind = member.header.entry_type();
        // Some old archives have directories as files whose name ends with a slash.
        let plain = matches!(kind, EntryType::Regular) && name.ends_with(b"/");
        let Some((last, above)) = names.split_last() else {
            self.tree.set_meta(self.tree.root(), meta);
            return Ok(Ok(()));
        };
        let made = Meta { mode: 0o755, uid: 0, gid: 0, ..meta };
        let parent = match self.tree.make_directories(&above.join(&b'/'), made) {
            Ok(parent) => parent,
            Err(e) => return Ok(Err(e.to_string())),
        };
        let old = self.tree.child(parent, last);
        let directory = kind == EntryType::Directory || plain;
        if let Some(old) = old.filter(|old| directory && self.tree.kind(*old) == Kind::Directory) {
            self.tree.set_meta(old, meta);
            return Ok(Ok(()));
        }
        // The last member of a name is the one that counts.
        if let Some(old) = old {
            if self.links_to(member, old) {
                return Ok(Ok(()));
            }
            self.tree.remove(old);
        }
        let added = match kind {
            _ if directory => self.tree.add_directory(parent, last, meta).map(drop),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                self.file(parent, last, meta, member)?
            }
            EntryType::Link => return Ok(self.link(parent, last, meta, member)),
            EntryType::Symlink => {
                let target = target(member);
                self.tree.add_special(parent, last, meta, Kind::Symlink(&target)).map(drop)
            }
            EntryType::Char | EntryType::Block => {
                let number = |n: io::Result<Option<u32>>| n.ok().flatten().unwrap_or(0);
                let major = number(member.header.device_major());
                let minor = number(member.header.device_minor());
                let kind = match kind {
                    EntryType::Char => Kind::CharDevice { major, minor },
                    _ => Kind::BlockDevice { major, minor },
                };
                self.tree.add_special(parent, last, meta, kind).map(drop)
            }
            EntryType::Fifo => self.tree.add_special(parent, last, meta, Kind::Fifo).map(drop),
            other => {
                return Ok(Err(format!("it is of the type {:?}", char::from(other.as_byte()))));
            }
        };
        Ok(added.map_err(|e| e.to_string()))
    }

    fn file(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        member: &Member<'_>,
    ) -> Result<Result<(), TreeError>, TarError> {
        let whole = [Part { at: 0, start: member.start, bytes: member.stored }];
        let (parts, size) = match &member.sparse {
            Some((parts, size)) => (parts.as_slice(), *size),
            None if member.stored == 0 => (&[][..], 0),
            None => (&whole[..], member.stored),
        };
        let end = member.start + member.stored;
        if parts.iter().any(|part| part.start + part.bytes > end) {
            return Err(broken(member.start, "a sparse file has less than its map says"));
        }
        let pieces = Pieces { of: self.of.clone(), parts: parts.into() };
        let source = Source::Pieces(Box::new(pieces));
        Ok(self.tree.add_file(parent, name, meta, size, source).map(drop))
    }

    /// What a hard link leads to.
    fn linked(&self, member: &Member<'_>) -> Option<NodeId> {
        let target = target(member);
        let names = target.split(|&b| b == b'/').filter(|part| !matches!(*part, b"" | b"."));
        self.tree.lookup(&names.collect::<Vec<_>>().join(&b'/'))
    }

    /// Whether a member is a hard link to this very node.
    fn links_to(&self, member: &Member<'_>, node: NodeId) -> bool {
        member.header.entry_type() == EntryType::Link && self.linked(member) == Some(node)
    }

    fn link(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        member: &Member<'_>,
    ) -> Result<(), String> {
        let to = self.linked(member).ok_or("it is a hard link to what is not there")?;
        let added = match self.tree.kind(to) {
            Kind::File(content) => self.tree.add_link(parent, name, meta, content),
            Kind::Directory => return Err("it is a hard link to a directory".to_owned()),
            Kind::Symlink(target) => {
                let target = target.to_vec();
                self.tree.add_special(parent, name, meta, Kind::Symlink(&target))
            }
            Kind::BlockDevice { major, minor } => {
                self.tree.add_special(parent, name, meta, Kind::BlockDevice { major, minor })
            }
            Kind::CharDevice { major, minor } => {
                self.tree.add_special(parent, name, meta, Kind::CharDevice { major, minor })
            }
            Kind::Fifo => self.tree.add_special(parent, name, meta, Kind::Fifo),
            Kind::Socket => self.tree.add_special(parent, name, meta, Kind::Socket),
        };
        added.map(drop).map_err(|e| e.to_string())
    }
}

fn target(member: &Member<'_>) -> Vec<u8> {
    match (member.extended.last("linkpath"), &member.extended.link) {
        (Some(target), _) => target.to_vec(),
        (None, Some(target)) => target.clone(),
        (None, None) => member.header.link_name_bytes().unwrap_or_default().into_owned(),
    }
}

fn meta(member: &Member<'_>) -> Meta {
    let Member { header, extended, .. } = member;
    let id = |key: &str, own: io::Result<u64>| {
        let number = extended.number(key).or(own.ok()).unwrap_or(0);
        u32::try_from(number).unwrap_or(u32::MAX)
    };
    let own = header.mtime().ok().and_then(|secs| i64::try_from(secs).ok()).unwrap_or(0);
    let mtime = extended.time("mtime").unwrap_or(Time::from_secs(own));
    Meta {
        mode: header.mode().unwrap_or(0o644) & 0o7777,
        uid: id("uid", header.uid()),
        gid: id("gid", header.gid()),
        mtime,
        atime: extended.time("atime").unwrap_or(mtime),
        ctime: extended.time("ctime").unwrap_or(mtime),
    }
}

/// Parts in order that lie one behind the other from `start` on.
fn parts(map: &[(u64, u64)], mut start: u64, size: u64) -> Result<Vec<Part>, TarError> {
    let mut parts = Vec::new();
    let mut end = 0;
    for &(at, bytes) in map {
        let next = at.checked_add(bytes).filter(|next| at >= end && *next <= size);
        end = next.ok_or_else(|| broken(start, "the map of a sparse file is out of order"))?;
        if bytes > 0 {
            parts.push(Part { at, start, bytes });
            start = start.saturating_add(bytes);
        }
    }
    Ok(parts)
}

/// Records of a pax header: length, space, key, `=`, value, end of line (POSIX.1-2017, pax).
fn pax(bytes: &[u8], at: u64) -> Result<Records, TarError> {
    let mut records = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() && rest[0] != 0 {
        let record = (|| {
            let space = rest.iter().position(|b| *b == b' ')?;
            let len: usize = str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
            let record = rest.get(space + 1..len)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|b| *b == b'=')?;
            Some((record[..equals].to_vec(), record[equals + 1..].to_vec(), len))
        })();
        let Some((key, value, len)) = record else {
            return Err(broken(at, "a pax header is no list of records"));
        };
        records.push((key, value));
        rest = &rest[len..];
    }
    Ok(records)
}

/// Numbers in lines within an archive.
struct Lines<'a> {
    input: &'a Input,
    at: u64,
    block: Vec<u8>,
}

impl Lines<'_> {
    /// The next number; `None` where there is none.
    fn next(&mut self) -> Result<Option<u64>, TarError> {
        let mut digits = String::new();
        loop {
            let within = (self.at % UNIT) as usize;
            if within == 0 || self.block.is_empty() {
                self.block = self.input.bytes(self.at - within as u64, UNIT)?;
            }
            self.at += 1;
            match self.block[within] {
                b'\n' => return Ok(digits.parse().ok()),
                digit if digit.is_ascii_digit() && digits.len() < 20 => digits.push(digit.into()),
                _ => return Ok(None),
            }
        }
    }
}

fn broken(at: u64, what: impl Into<String>) -> TarError {
    TarError::Broken { at, what: what.into() }
}

impl fmt::Display for TarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TarError::Scan(error) => error.fmt(f),
            TarError::Compressed(how) => {
                write!(f, "the archive is compressed by {how}; decompress it first")
            }
            TarError::Broken { at, what } => {
                write!(f, "the archive cannot be read at byte {at}: {what}")
            }
        }
    }
}

impl std::error::Error for TarError {}
