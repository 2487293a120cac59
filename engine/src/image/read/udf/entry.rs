//! File entries, read (ECMA-167, 4/14.6, 4/14.9, 4/14.17; UDF 2.60, 2.3).

use std::collections::BTreeSet;

use super::partition::Partitions;
use super::{byte, readable};
use crate::image::read::walk::Input;
use crate::image::read::{Flaw, ReadError};
use crate::image::time::Time;
use crate::image::tree::{Extent, Meta};
use crate::image::udf::entry::mode;
use crate::image::udf::wire::{Address, Tag, decompressed, from_timestamp, le16, le32, le64, tag};
use crate::units::{BLOCK, Blocks, Lba};

/// Indirect entries that are followed to one that is direct (ECMA-167, 4/14.7).
const INDIRECT_MAX: u32 = 8;
/// Tag identifier of an indirect entry.
const INDIRECT: u16 = 259;

/// A file entry.
#[derive(Debug)]
pub(super) struct Entry {
    /// Byte position.
    pub at: u64,
    /// The disc's block.
    pub block: u32,
    pub file_type: u8,
    pub meta: Meta,
    pub links: u16,
    pub size: u64,
    pub body: Body,
    /// Major and minor number of a device.
    pub device: Option<(u32, u32)>,
    /// Where the entry of its stream directory lies.
    pub streams: Option<Address>,
}

/// Where the bytes of a file lie.
#[derive(Debug)]
pub(super) enum Body {
    /// In the entry's block, from this byte on.
    Embedded(usize),
    /// In these extents, which hold as many bytes as the entry says or fewer.
    Extents(Vec<Extent>),
}

impl Entry {
    /// The entry at an address; `None` if there is none, which is a finding then.
    pub(super) fn read(
        input: &mut Input<'_>,
        partitions: &Partitions,
        mut at: Address,
    ) -> Result<Option<Entry>, ReadError> {
        for _hop in 0..INDIRECT_MAX {
            let Some(block) = partitions.block(at) else {
                input.flaw(0, format!("an entry lies in no partition: block {}", at.block));
                return Ok(None);
            };
            let Some(bytes) = readable(input, block)? else {
                input.flaw(byte(block), "an entry lies behind the last block or is unreadable");
                return Ok(None);
            };
            let Some(found) = Tag::parse(&bytes[..]) else {
                input.flaw(byte(block), "no entry lies where one should");
                return Ok(None);
            };
            if !found.sound {
                input.flaw(byte(block), "an entry's checksum is wrong");
            }
            match found.id {
                tag::FILE_ENTRY | tag::EXTENDED_FILE_ENTRY => {
                    let extended = found.id == tag::EXTENDED_FILE_ENTRY;
                    return Entry::parse(input, partitions, at, block, &bytes, extended);
                }
                INDIRECT => {
                    at = Address { block: le32(&bytes[..], 40), partition: le16(&bytes[..], 44) };
                }
                other => {
                    input.flaw(byte(block), format!("an entry has the tag {other}"));
                    return Ok(None);
                }
            }
        }
        input.flaw(0, "a chain of indirect entries has no end");
        Ok(None)
    }

    fn parse(
        input: &mut Input<'_>,
        partitions: &Partitions,
        at: Address,
        block: u32,
        bytes: &[u8; BLOCK],
        extended: bool,
    ) -> Result<Option<Entry>, ReadError> {
        let flags = le16(bytes, 34);
        // Where the fields of the two kinds differ.
        let (times, tail) = if extended { (80, 208) } else { (72, 168) };
        let (attributes_len, list_len) =
            (le32(bytes, tail) as usize, le32(bytes, tail + 4) as usize);
        let list_at = (tail + 8).saturating_add(attributes_len);
        if list_at.saturating_add(list_len) > BLOCK {
            input.flaw(byte(block), "an entry's lengths go past its block");
            return Ok(None);
        }
        let time = |at: usize| bytes[at..].first_chunk().and_then(from_timestamp);
        let mtime = time(times + 12).unwrap_or_default();
        let changed = if extended { times + 36 } else { times + 24 };
        let or = |found: Option<Time>| found.unwrap_or(mtime);
        let meta = Meta {
            mode: mode(le32(bytes, 44), flags),
            uid: owner(le32(bytes, 36)),
            gid: owner(le32(bytes, 40)),
            mtime,
            atime: or(time(times)),
            ctime: or(time(changed)),
        };
        let size = le64(bytes, 56);
        let body = match flags & 7 {
            3 => {
                if size != list_len as u64 {
                    input.flaw(byte(block), "a file within its entry is not as long as it says");
                }
                Body::Embedded(list_at)
            }
            form @ (0 | 1) => {
                let list = List { form, partition: at.partition, size };
                let extents = list.read(input, partitions, list_at, list_len, bytes, block)?;
                Body::Extents(extents)
            }
            _ => {
                input.flaw(byte(block), "an entry tells its extents in a form that is not UDF's");
                Body::Extents(Vec::new())
            }
        };
        let attributes = &bytes[tail + 8..list_at];
        let size = match &body {
            Body::Embedded(_) => size.min(list_len as u64),
            Body::Extents(extents) => extents.iter().map(|extent| extent.bytes).sum(),
        };
        Ok(Some(Entry {
            at: byte(block),
            block,
            file_type: bytes[27],
            meta,
            links: le16(bytes, 48),
            size,
            body,
            device: device(attributes),
            streams: (extended && le32(bytes, 152) > 0)
                .then(|| Address { block: le32(bytes, 156), partition: le16(bytes, 160) }),
        }))
    }

    /// All bytes, if they are no more than `most`.
    pub(super) fn bytes(
        &self,
        input: &mut Input<'_>,
        most: u64,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        if self.size > most {
            return Ok(None);
        }
        let mut out = Vec::new();
        match &self.body {
            Body::Embedded(offset) => {
                let block = input.block(self.block)?;
                out.extend(&block[*offset..*offset + self.size as usize]);
            }
            Body::Extents(extents) => {
                for extent in extents {
                    let mut left = extent.bytes;
                    let mut block = extent.lba.0;
                    while left > 0 {
                        let len = left.min(BLOCK as u64) as usize;
                        if extent.is_hole() {
                            out.resize(out.len() + len, 0);
                        } else {
                            let Some(bytes) = readable(input, block as u32)? else {
                                return Ok(None);
                            };
                            out.extend(&bytes[..len]);
                        }
                        left -= len as u64;
                        block = block.saturating_add(1);
                    }
                }
            }
        }
        Ok(Some(out))
    }
}

/// An owner or group; the highest number is "none" (UDF 2.60, 3.3.3.1).
fn owner(id: u32) -> u32 {
    if id == u32::MAX { 0 } else { id }
}

/// A list of allocation descriptors (ECMA-167, 4/14.14).
struct List {
    /// 0 short, 1 long.
    form: u16,
    /// The partition of the entry, to which short ones belong.
    partition: u16,
    /// Bytes that the file has.
    size: u64,
}

impl List {
    fn read(
        &self,
        input: &mut Input<'_>,
        partitions: &Partitions,
        at: usize,
        len: usize,
        first: &[u8; BLOCK],
        mut block: u32,
    ) -> Result<Vec<Extent>, ReadError> {
        let mut list = first[at..at + len].to_vec();
        let room = u64::from(input.blocks()) * BLOCK as u64;
        let mut found = Extents { list: Vec::new(), left: self.size, room };
        let mut met = BTreeSet::new();
        loop {
            let next = match self.descriptors(&list, partitions, &mut found) {
                Ok(next) => next,
                Err(what) => {
                    input.flaw(byte(block), what);
                    return Ok(found.list);
                }
            };
            let Some(place) = next else {
                if found.left > 0 {
                    input.flaw(byte(block), "a file's extents are shorter than the file");
                }
                return Ok(found.list);
            };
            let Some(at) = partitions.block(place).filter(|at| met.insert(*at)) else { break };
            let Some(bytes) = readable(input, at)? else { break };
            let good = |tag: Tag| tag.sound && tag.id == tag::ALLOCATION_EXTENT;
            let len = le32(&bytes[..], 20) as usize;
            match bytes.get(24..24usize.saturating_add(len)) {
                Some(more) if Tag::parse(&bytes[..]).is_some_and(good) => list = more.to_vec(),
                _ => break,
            }
            block = at;
        }
        input.flaw(byte(block), "a list of extents has no end");
        Ok(found.list)
    }

    /// Takes the descriptors of one piece of the list; where the next piece lies, if one follows.
    fn descriptors(
        &self,
        list: &[u8],
        partitions: &Partitions,
        found: &mut Extents,
    ) -> Result<Option<Address>, &'static str> {
        let unit = if self.form == 0 { 8 } else { 16 };
        for descriptor in list.chunks_exact(unit) {
            let (kind, bytes) = (le32(descriptor, 0) >> 30, le32(descriptor, 0) & (u32::MAX >> 2));
            let partition = if unit == 8 { self.partition } else { le16(descriptor, 8) };
            let place = Address { block: le32(descriptor, 4), partition };
            match (kind, u64::from(bytes)) {
                (_, 0) => break,
                (3, _) => return Ok(Some(place)),
                (0, bytes) => found.recorded(partitions, place, bytes)?,
                (_, bytes) => found.hole(bytes),
            }
        }
        Ok(None)
    }
}

/// The extents of a file as they are gathered.
struct Extents {
    list: Vec<Extent>,
    /// Bytes of the file that are in no extent yet. What lies behind the last one is room that was
    /// kept for more.
    left: u64,
    /// Bytes of the disc that are in no extent yet: a block may belong to a file once.
    room: u64,
}

impl Extents {
    fn recorded(
        &mut self,
        partitions: &Partitions,
        place: Address,
        bytes: u64,
    ) -> Result<(), &'static str> {
        let bytes = bytes.min(self.left);
        if bytes == 0 {
            return Ok(());
        }
        let room = self.room.checked_sub(bytes);
        self.room = room.ok_or("a file's extents hold more than the disc")?;
        let pieces = partitions.extent(place, bytes);
        self.list.extend(pieces.ok_or("an extent lies outside of its partition")?);
        self.left -= bytes;
        Ok(())
    }

    fn hole(&mut self, bytes: u64) {
        let bytes = bytes.min(self.left);
        self.left -= bytes;
        match self.list.last_mut() {
            _ if bytes == 0 => {}
            Some(last) if last.is_hole() => last.bytes += bytes,
            _ => self.list.push(Extent::hole(bytes)),
        }
    }
}

/// The numbers of a device among the attributes (ECMA-167, 4/14.10.7).
fn device(attributes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = attributes.get(24..)?;
    while rest.len() >= 24 {
        let len = le32(rest, 8) as usize;
        if le32(rest, 0) == 12 {
            return Some((le32(rest, 16), le32(rest, 20)));
        }
        rest = rest.get(len.max(12)..)?;
    }
    None
}

/// The target of a link: path components (ECMA-167, 4/14.16).
pub(super) fn target(bytes: &[u8], at: u64, flaws: &mut Vec<Flaw>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = bytes;
    let mut first = true;
    while let [kind, len, _, _, more @ ..] = rest {
        let len = usize::from(*len);
        let Some(id) = more.get(..len) else {
            flaws.push(Flaw { at, what: "a path component is cut off".to_owned() });
            break;
        };
        rest = &more[len..];
        let name = match kind {
            1 | 2 => {
                out.clear();
                out.push(b'/');
                first = true;
                continue;
            }
            3 => b"..".to_vec(),
            4 => b".".to_vec(),
            _ => decompressed(id).unwrap_or_default().replace('\0', "_").into_bytes(),
        };
        if !first {
            out.push(b'/');
        }
        out.extend(name);
        first = false;
    }
    out
}

/// A block of the disc as the tree has it.
pub(super) fn place(block: u32) -> Lba {
    Lba(i32::try_from(block).unwrap_or(i32::MAX))
}

/// Whether an extent lies before the end of the sectors.
pub(super) fn lies_within(extent: &Extent, blocks: Blocks) -> bool {
    extent.end() <= u64::from(blocks.0)
}

#[cfg(test)]
mod tests {
    use super::super::partition::Partitions;
    use super::*;
    use crate::image::read::Limits;
    use crate::image::sectors::MemorySectors;
    use crate::image::udf::MapKind;
    use crate::image::udf::wire::seal;

    /// The entry in block 0 of these blocks, whose list of short descriptors goes on in block 1
    /// with `more`; and what was found wrong.
    fn listed(first: &[[u32; 2]], more: &[[u32; 2]], size: u64) -> (Entry, Vec<Flaw>) {
        let bytes = |list: &[[u32; 2]]| {
            list.iter().flatten().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>()
        };
        let mut blocks = vec![0; 8 * BLOCK];
        let (entry, rest) = blocks.split_at_mut(BLOCK);
        entry[27] = 5;
        entry[56..64].copy_from_slice(&size.to_le_bytes());
        let list = bytes(first);
        entry[172..176].copy_from_slice(&(list.len() as u32).to_le_bytes());
        entry[176..176 + list.len()].copy_from_slice(&list);
        seal(entry, tag::FILE_ENTRY, 2, 0);
        let list = bytes(more);
        rest[20..24].copy_from_slice(&(list.len() as u32).to_le_bytes());
        rest[24..24 + list.len()].copy_from_slice(&list);
        seal(&mut rest[..BLOCK], tag::ALLOCATION_EXTENT, 2, 1);
        let mut sectors = MemorySectors(blocks);
        let mut input = Input::new(&mut sectors, Limits::default());
        let maps = vec![(MapKind::Plain, 0)];
        let partitions = Partitions::new(maps, &[(0, 0, 8)], 0, &mut input).unwrap();
        let entry = Entry::read(&mut input, &partitions, Address::default()).unwrap().unwrap();
        (entry, input.flaws)
    }

    const ON: [u32; 2] = [3 << 30 | 2048, 1];
    const HOLE: [u32; 2] = [2 << 30 | (0x4000_0000 - 2048), 0];

    #[test]
    fn a_list_that_leads_to_itself_ends() {
        let holes: Vec<_> = std::iter::repeat_n(HOLE, 200).chain([ON]).collect();
        let (entry, flaws) = listed(&[ON], &holes, u64::MAX);
        let Body::Extents(extents) = entry.body else { panic!("{:?}", entry.body) };
        assert_eq!(extents, [Extent::hole(200 * (0x4000_0000 - 2048))]);
        assert_eq!(flaws.len(), 1, "{flaws:?}");
        assert!(flaws[0].what.contains("has no end"), "{flaws:?}");
    }

    #[test]
    fn the_same_blocks_over_and_over_are_no_file() {
        let same = vec![[4 * 2048, 2]; 100];
        let (entry, flaws) = listed(&same, &[], 1 << 20);
        assert_eq!(entry.size, 2 * 4 * 2048);
        assert!(flaws[0].what.contains("more than the disc"), "{flaws:?}");
    }
}
