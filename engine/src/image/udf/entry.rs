//! Files and directories (ECMA-167, 4/14; UDF 2.60, 2.3 and 3.3): file entries, file identifier
//! descriptors, paths of links, attributes of devices.

use super::Revision;
use super::wire::{Address, developer, entity, long_ad, seal, tag, timestamp};
use crate::image::time::Time;
use crate::image::tree::{Kind, Meta};
use crate::units::BLOCK;

/// The most bytes of one allocation descriptor in whole blocks: its two upper bits say what it is
/// (ECMA-167, 4/14.14.1.1).
pub(crate) const EXTENT_MAX: u32 = (1 << 30) - BLOCK as u32;
/// Type of an extent that continues the list of extents (ECMA-167, 4/14.14.1.1).
const CONTINUATION: u32 = 3 << 30;
/// Type of an extent that is neither recorded nor allocated: its bytes are zero.
const HOLE: u32 = 2 << 30;
/// Bytes of an allocation extent descriptor before its descriptors (ECMA-167, 4/14.5).
const ALLOCATION_EXTENT: usize = 24;

/// Types of file (ECMA-167, 4/14.6.6; UDF 2.60, 2.3.5.2).
pub(crate) mod file_type {
    pub(crate) const DIRECTORY: u8 = 4;
    pub(crate) const FILE: u8 = 5;
    pub(crate) const BLOCK_DEVICE: u8 = 6;
    pub(crate) const CHAR_DEVICE: u8 = 7;
    pub(crate) const FIFO: u8 = 9;
    pub(crate) const SOCKET: u8 = 10;
    pub(crate) const SYMLINK: u8 = 12;
    pub(crate) const STREAM_DIRECTORY: u8 = 13;
    pub(crate) const VIRTUAL_TABLE: u8 = 248;
    pub(crate) const REAL_TIME: u8 = 249;
    pub(crate) const METADATA: u8 = 250;
    pub(crate) const METADATA_MIRROR: u8 = 251;
}

/// Bits of a file identifier descriptor (ECMA-167, 4/14.4.3).
pub(crate) const CHARACTERISTIC_DIRECTORY: u8 = 0x02;
/// Its file has been deleted.
pub(crate) const CHARACTERISTIC_DELETED: u8 = 0x04;
/// It names the directory that holds this one.
pub(crate) const CHARACTERISTIC_PARENT: u8 = 0x08;

/// It is not for users but for UDF itself (ECMA-167, 4/14.4.3).
pub(crate) const CHARACTERISTIC_METADATA: u8 = 0x10;
/// Bit of an ICB tag: the entry is that of a stream (ECMA-167, 4/14.6.8).
const STREAM: u16 = 1 << 13;

/// The streams that a file or directory has beside its own bytes (ECMA-167, 4/9.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Streams {
    /// Where the entry of the stream directory lies.
    pub directory: Address,
    /// Bytes of all streams.
    pub bytes: u64,
}

/// Where the bytes of a file lie.
#[derive(Clone, Debug)]
pub(super) enum Body {
    /// In the entry itself.
    Embedded(Vec<u8>),
    /// In extents: where, if they are no holes, and bytes. All but the last are whole blocks.
    Extents(Vec<(Option<Address>, u64)>),
}

/// A file entry, or from UDF 2.00 on an extended one.
pub(super) struct Entry<'a> {
    pub revision: Revision,
    pub kind: u8,
    pub meta: &'a Meta,
    /// Identifiers that lead to it.
    pub links: u16,
    pub unique: u64,
    /// Behind the header: attributes of a device.
    pub attributes: Vec<u8>,
    pub body: Body,
    /// Extents are told with the partition that they lie in.
    pub long: bool,
    /// Only in extended entries.
    pub streams: Option<Streams>,
    /// It is a stream itself.
    pub is_stream: bool,
}

/// Bytes of an entry before its attributes (ECMA-167, 4/14.9 and 4/14.17).
pub(super) fn header_len(revision: Revision) -> usize {
    if revision.third_edition() { 216 } else { 176 }
}

/// The entry of a file that the volume needs and that no identifier leads to, at this block of the
/// partition: `extent` is the file's first block there, and bytes.
pub(super) fn system_file(
    revision: Revision,
    kind: u8,
    at: u32,
    extent: (u32, u64),
    stamp: Time,
    attributes: Vec<u8>,
) -> Vec<u8> {
    let (block, bytes) = extent;
    let meta = Meta { mtime: stamp, atime: stamp, ctime: stamp, ..Meta::default() };
    let entry = Entry {
        revision,
        kind,
        meta: &meta,
        links: 0,
        unique: 0,
        attributes,
        body: Body::Extents(vec![(Some(Address { block, partition: 0 }), bytes)]),
        long: false,
        streams: None,
        is_stream: false,
    };
    entry.emit(Address { block: at, partition: 0 })
}

impl Entry<'_> {
    /// The entry's block at `at`, and those behind it that the list of extents needs.
    pub(super) fn emit(&self, at: Address) -> Vec<u8> {
        let extended = self.revision.third_edition();
        let size = match &self.body {
            Body::Embedded(bytes) => bytes.len() as u64,
            Body::Extents(extents) => extents.iter().map(|(_, bytes)| bytes).sum(),
        };
        let recorded: u64 = match &self.body {
            Body::Embedded(_) => 0,
            Body::Extents(extents) => {
                let recorded = extents.iter().filter(|(at, _)| at.is_some());
                recorded.map(|(_, bytes)| bytes.div_ceil(BLOCK as u64)).sum()
            }
        };
        let mut out = vec![0; 16];
        self.icb_tag(&mut out);
        for field in [self.meta.uid, self.meta.gid, permissions(self.meta.mode)] {
            out.extend(field.to_le_bytes());
        }
        out.extend(self.links.to_le_bytes());
        out.extend([0; 6]); // No records
        out.extend(size.to_le_bytes());
        if extended {
            let streams = self.streams.map_or(0, |streams| streams.bytes);
            out.extend((size + streams).to_le_bytes()); // Object size: all streams
        }
        out.extend(recorded.to_le_bytes());
        timestamp(&mut out, self.meta.atime);
        timestamp(&mut out, self.meta.mtime);
        if extended {
            timestamp(&mut out, self.meta.mtime); // Creation: no later than the last change
        }
        timestamp(&mut out, self.meta.ctime);
        out.extend(1u32.to_le_bytes()); // Checkpoint
        if extended {
            out.extend([0; 4]);
        }
        out.extend([0; 16]); // No attributes in an entry of their own
        match self.streams {
            Some(streams) if extended => {
                long_ad(&mut out, BLOCK as u32, streams.directory, 0);
            }
            _ if extended => out.extend([0; 16]), // No streams
            _ => {}
        }
        developer(&mut out);
        out.extend(self.unique.to_le_bytes());
        let attributes = self.attributes_at(at);
        out.extend((attributes.len() as u32).to_le_bytes());
        let id = if extended { tag::EXTENDED_FILE_ENTRY } else { tag::FILE_ENTRY };
        self.body(out, attributes, id, at)
    }

    /// The rest of the entry from its length of allocation descriptors on, and continuations.
    fn body(&self, mut out: Vec<u8>, attributes: Vec<u8>, id: u16, at: Address) -> Vec<u8> {
        let version = self.revision.tag_version();
        let room = BLOCK - out.len() - 4 - attributes.len();
        let extents = match &self.body {
            Body::Embedded(bytes) => {
                out.extend((bytes.len() as u32).to_le_bytes());
                out.extend(attributes);
                out.extend(bytes);
                seal(&mut out, id, version, at.block);
                out.resize(BLOCK, 0);
                return out;
            }
            Body::Extents(extents) => split(extents),
        };
        let unit = self.unit();
        let mut parts = Parts { extents: &extents, unit, long: self.long, at };
        let first = parts.next(room);
        out.extend((first.len() as u32).to_le_bytes());
        out.extend(attributes);
        out.extend(first);
        seal(&mut out, id, version, at.block);
        out.resize(BLOCK, 0);
        while !parts.extents.is_empty() {
            let here = parts.at.block;
            let mut more = vec![0; ALLOCATION_EXTENT];
            let list = parts.next(BLOCK - ALLOCATION_EXTENT);
            more[20..24].copy_from_slice(&(list.len() as u32).to_le_bytes());
            more.extend(list);
            seal(&mut more, tag::ALLOCATION_EXTENT, version, here);
            more.resize(BLOCK, 0);
            out.extend(more);
        }
        out
    }

    /// How many blocks [`Entry::emit`] makes of so many extents.
    pub(super) fn blocks(revision: Revision, attributes: usize, long: bool, extents: u64) -> u32 {
        let unit = if long { 16 } else { 8 };
        let fit = |room: usize| (room / unit) as u64;
        let (first, more) =
            (fit(BLOCK - header_len(revision) - attributes), fit(BLOCK - ALLOCATION_EXTENT));
        if extents <= first {
            return 1;
        }
        // Each list but the last gives one place to what points at the next.
        let rest = extents - (first - 1);
        let lists = 1 + rest.saturating_sub(more).div_ceil(more - 1);
        u32::try_from(1 + lists).unwrap_or(u32::MAX)
    }

    fn unit(&self) -> usize {
        if self.long { 16 } else { 8 }
    }

    /// ECMA-167, 4/14.6: strategy 4, one direct entry.
    fn icb_tag(&self, out: &mut Vec<u8>) {
        let mode = self.meta.mode;
        let embedded = matches!(self.body, Body::Embedded(_));
        let form = if embedded { 3 } else { u16::from(self.long) };
        // Set-user-id, set-group-id and sticky (ECMA-167, 4/14.6.8).
        let bits = [(0o4000, 1 << 6), (0o2000, 1 << 7), (0o1000, 1 << 8)];
        let set = bits.iter().filter(|(bit, _)| mode & bit != 0).fold(0, |all, (_, bit)| all | bit);
        out.extend([0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, self.kind]);
        out.extend([0; 6]);
        let stream = if self.is_stream { STREAM } else { 0 };
        out.extend((form | set | stream).to_le_bytes());
    }

    fn attributes_at(&self, at: Address) -> Vec<u8> {
        let mut attributes = self.attributes.clone();
        if !attributes.is_empty() {
            // Only the header has a tag, and only it is protected (ECMA-167, 4/14.10.1).
            let (header, _) = attributes.split_at_mut(24);
            seal(header, tag::EXTENDED_ATTRIBUTES, self.revision.tag_version(), at.block);
        }
        attributes
    }
}

/// The list of extents, as it is dealt out to blocks.
struct Parts<'a> {
    /// Type and bytes, and where.
    extents: &'a [(u32, Address)],
    unit: usize,
    long: bool,
    /// The block that is filled.
    at: Address,
}

impl Parts<'_> {
    /// As many descriptors as `room` holds; the last one may point at the next block.
    fn next(&mut self, room: usize) -> Vec<u8> {
        let fit = room / self.unit;
        let all = self.extents.len() <= fit;
        let (now, rest) = self.extents.split_at(if all { self.extents.len() } else { fit - 1 });
        self.extents = rest;
        self.at.block += 1;
        let mut out = Vec::with_capacity(now.len() * self.unit);
        for (bytes, at) in now {
            self.descriptor(&mut out, *bytes, *at);
        }
        if !all {
            self.descriptor(&mut out, CONTINUATION | BLOCK as u32, self.at);
        }
        out
    }

    fn descriptor(&self, out: &mut Vec<u8>, bytes: u32, at: Address) {
        if self.long {
            long_ad(out, bytes, at, 0);
        } else {
            out.extend(bytes.to_le_bytes());
            out.extend(at.block.to_le_bytes());
        }
    }
}

/// Extents that are no longer than an allocation descriptor can say: type and bytes, and where.
fn split(extents: &[(Option<Address>, u64)]) -> Vec<(u32, Address)> {
    let mut out = Vec::new();
    for &(place, mut bytes) in extents {
        let (kind, mut at) = place.map_or((HOLE, Address::default()), |at| (0, at));
        while bytes > 0 {
            let len = bytes.min(EXTENT_MAX.into()) as u32;
            out.push((kind | len, at));
            if place.is_some() {
                at.block = at.block.wrapping_add(len.div_ceil(BLOCK as u32));
            }
            bytes -= u64::from(len);
        }
    }
    out
}

/// How many allocation descriptors extents of so many bytes need.
pub(super) fn descriptors(extents: impl Iterator<Item = u64>) -> u64 {
    extents.map(|bytes| bytes.div_ceil(EXTENT_MAX.into())).sum()
}

/// Permissions for others, group and owner, five bits each: execute, write, read, change of
/// attributes, deletion (ECMA-167, 4/14.9.5; UDF 2.60, 3.3.3.3). Who may write may do the last two.
fn permissions(mode: u32) -> u32 {
    let of = |rwx: u32| {
        let write = rwx >> 1 & 1;
        rwx & 1 | write << 1 | (rwx >> 2 & 1) << 2 | write << 3 | write << 4
    };
    of(mode & 7) | of(mode >> 3 & 7) << 5 | of(mode >> 6 & 7) << 10
}

/// The mode of these permissions and flags of an ICB tag.
pub(crate) fn mode(permissions: u32, flags: u16) -> u32 {
    let bits = |field: u32| field & 7;
    let rwx = bits(permissions) | bits(permissions >> 5) << 3 | bits(permissions >> 10) << 6;
    let flags = u32::from(flags);
    rwx | (flags >> 6 & 1) << 11 | (flags >> 7 & 1) << 10 | (flags >> 8 & 1) << 9
}

/// The type of file that a node is.
pub(super) fn type_of(kind: Kind<'_>) -> u8 {
    match kind {
        Kind::Directory => file_type::DIRECTORY,
        Kind::File(_) => file_type::FILE,
        Kind::Symlink(_) => file_type::SYMLINK,
        Kind::BlockDevice { .. } => file_type::BLOCK_DEVICE,
        Kind::CharDevice { .. } => file_type::CHAR_DEVICE,
        Kind::Fifo => file_type::FIFO,
        Kind::Socket => file_type::SOCKET,
    }
}

/// The attributes of a node: for devices the header (ECMA-167, 4/14.10.1), still without its tag,
/// and the numbers (4/14.10.7; UDF 2.60, 3.3.4.4).
pub(super) fn attributes(kind: Kind<'_>) -> Vec<u8> {
    let (Kind::BlockDevice { major, minor } | Kind::CharDevice { major, minor }) = kind else {
        return Vec::new();
    };
    let mut out = vec![0; 16];
    // Neither attributes of implementations nor of applications.
    out.extend([0xff; 8]);
    out.extend(12u32.to_le_bytes());
    out.extend([1, 0, 0, 0]);
    for field in [24 + 32, 32, major, minor] {
        out.extend(field.to_le_bytes());
    }
    entity(&mut out, "*KILN", [0; 8]);
    out
}

/// A link's target as path components (ECMA-167, 4/14.16). Doubled and closing slashes are lost, as
/// with Rock Ridge.
pub(super) fn path(target: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    if target.first() == Some(&b'/') {
        out.extend([2, 0, 0, 0]);
    }
    for name in target.split(|&byte| byte == b'/').filter(|name| !name.is_empty()) {
        match name {
            b"." => out.extend([4, 0, 0, 0]),
            b".." => out.extend([3, 0, 0, 0]),
            name => {
                let id = super::names::identifier(name);
                out.extend([5, id.len() as u8, 0, 0]);
                out.extend(id);
            }
        }
    }
    out
}

/// A file identifier descriptor (ECMA-167, 4/14.4).
pub(super) struct Identifier<'a> {
    /// The block that it begins in.
    pub location: u32,
    pub characteristics: u8,
    /// Empty for the parent.
    pub id: &'a [u8],
    pub entry: Address,
    pub unique: u32,
}

impl Identifier<'_> {
    /// Bytes of one with such an identifier.
    pub(super) fn len(id: &[u8]) -> usize {
        (38 + id.len()).next_multiple_of(4)
    }

    pub(super) fn emit(&self, out: &mut Vec<u8>, version: u16) {
        let start = out.len();
        out.extend([0; 16]);
        out.extend([1, 0, self.characteristics, self.id.len() as u8]);
        long_ad(out, BLOCK as u32, self.entry, self.unique);
        out.extend([0, 0]);
        out.extend(self.id);
        out.resize(start + Identifier::len(self.id), 0);
        seal(&mut out[start..], tag::FILE_IDENTIFIER, version, self.location);
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Tag, le32};
    use super::*;

    #[test]
    fn modes_come_back() {
        for bits in 0..0o10000 {
            let meta = Meta { mode: bits, ..Meta::default() };
            let entry = Entry {
                revision: Revision::V1_02,
                kind: file_type::FILE,
                meta: &meta,
                links: 1,
                unique: 16,
                attributes: Vec::new(),
                body: Body::Embedded(Vec::new()),
                long: false,
                streams: None,
                is_stream: false,
            };
            let mut out = vec![0; 16];
            entry.icb_tag(&mut out);
            let flags = u16::from_le_bytes([out[34], out[35]]);
            assert_eq!(mode(permissions(bits), flags), bits);
        }
        // rw for the owner as Linux records it: read, write, attributes and deletion.
        assert_eq!(permissions(0o644), 0x7884);
    }

    #[test]
    fn long_lists_of_extents_go_on_in_further_blocks() {
        let meta = Meta::default();
        for count in [0u32, 1, 228, 229, 230, 480, 481, 482, 483, 1000] {
            let at = |i| Address { block: 1000 + i, partition: 0 };
            let extents: Vec<_> = (0..count).map(|i| (Some(at(i)), 2048)).collect();
            let entry = Entry {
                revision: Revision::V2_01,
                kind: file_type::FILE,
                meta: &meta,
                links: 1,
                unique: 16,
                attributes: Vec::new(),
                body: Body::Extents(extents),
                long: false,
                streams: None,
                is_stream: false,
            };
            let out = entry.emit(Address { block: 7, partition: 0 });
            let blocks = Entry::blocks(Revision::V2_01, 0, false, count.into());
            assert_eq!(out.len(), blocks as usize * BLOCK, "{count}");
            // Follow the list as a reader does.
            let (mut seen, mut block, mut from, mut len) = (0, 0, 216, le32(&out, 212) as usize);
            loop {
                let here = &out[block * BLOCK..][..BLOCK];
                let tag = Tag::parse(here).unwrap();
                assert!(tag.sound && tag.location == 7 + block as u32);
                let mut next = None;
                for descriptor in here[from..from + len].chunks(8) {
                    let (bytes, place) = (le32(descriptor, 0), le32(descriptor, 4));
                    if bytes >> 30 == 3 {
                        next = Some(place);
                    } else {
                        assert_eq!((bytes, place), (2048, 1000 + seen));
                        seen += 1;
                    }
                }
                let Some(next) = next else { break };
                block = (next - 7) as usize;
                (from, len) = (24, le32(&out, block * BLOCK + 20) as usize);
            }
            assert_eq!(seen, count);
        }
    }

    #[test]
    fn a_path_is_a_row_of_components() {
        let golden = b"\x02\0\0\0\x05\x04\0\0\x08usr\x03\0\0\0\x04\0\0\0\x05\x02\0\0\x08b";
        assert_eq!(path(b"/usr/.././b"), golden);
    }
}
