//! UDF volumes, read (ECMA-167; UDF 1.02 to 2.60): from an anchor to the partitions and the root.
//!
//! `partition` says where a block of a partition lies on the disc, `entry` understands file
//! entries, `walk` goes through the directories, `streams` through what else a file holds.

mod entry;
pub(in crate::image) mod partition;
mod streams;
mod walk;

use super::walk::Input;
use super::{Flaw, ReadError};
use crate::image::iso9660::volume::SYSTEM_AREA;
use crate::image::time::Time;
use crate::image::tree::Tree;
use crate::image::udf::wire::{
    Address, Tag, decompressed, from_dstring, from_timestamp, le16, le32, tag,
};
use crate::image::udf::{MapKind, parse_map};
use crate::units::{BLOCK, Blocks, Lba};
use partition::Partitions;

/// Descriptors of the recognition sequence that are looked at.
const RECOGNITION_MAX: u32 = 64;
/// Descriptors of a sequence that are looked at.
const SEQUENCE_MAX: u32 = 256;
/// Pointers to further pieces of a sequence that are followed.
const POINTERS_MAX: u32 = 16;
/// Partition maps that are looked at; UDF has at most a few.
const MAPS_MAX: usize = 8;

/// What the descriptors of a volume say.
pub(in crate::image) struct Found {
    partitions: Partitions,
    file_set: Address,
    root: Address,
    pub volume_id: String,
    pub created: Option<Time>,
    /// Its revision, as the logical volume descriptor has it (UDF 2.60, 2.1.5.3).
    pub revision: u16,
    /// Blocks from the start of the disc to the end of the volume.
    pub space: u32,
}

impl Found {
    /// Looks for the volume of a session; `None` if nothing there is UDF.
    pub(in crate::image) fn find(
        input: &mut Input<'_>,
        session: Lba,
    ) -> Result<Option<Found>, ReadError> {
        if !recognised(input, session) {
            return Ok(None);
        }
        let Some(anchor) = Anchor::find(input, session) else { return Ok(None) };
        let mut sequence = Sequence::read(input, anchor.main)?;
        if sequence.logical_volume.is_none() || sequence.partitions.is_empty() {
            input.flaw(anchor.at, "the main volume descriptor sequence is broken");
            sequence = Sequence::read(input, anchor.reserve)?;
        }
        let Some((at, volume)) = sequence.logical_volume.take() else {
            return Err(broken(anchor.at, "no sequence has a logical volume descriptor"));
        };
        if le32(&volume[..], 212) != BLOCK as u32 {
            return Err(broken(at + 212, "its logical blocks are not 2048 bytes"));
        }
        let maps = maps(input, &volume, at);
        let Some(&(_, start, len)) = sequence.partitions.iter().max_by_key(|(.., len)| *len) else {
            return Err(broken(anchor.at, "no sequence has a partition descriptor"));
        };
        let mut partitions = Partitions::new(maps, &sequence.partitions, at, input)?;
        partitions.prepare(input)?;
        let file_set = Address { block: le32(&volume[..], 252), partition: le16(&volume[..], 256) };
        let root = root(input, &partitions, file_set, at)?;
        let end = partitions.end(start.saturating_add(len), input);
        // The last anchor belongs to the volume.
        let closes = anchor_at(input, end).is_some();
        Ok(Some(Found {
            partitions,
            file_set,
            root,
            volume_id: from_dstring(&volume[84..212]).unwrap_or_default(),
            created: sequence.created,
            revision: le16(&volume[..], 240),
            space: end.saturating_add(u32::from(closes)),
        }))
    }

    /// Whether the anchor of a session that begins at this block lies where it says.
    pub(super) fn anchored(input: &mut Input<'_>, session: u32) -> bool {
        session.checked_add(256).is_some_and(|block| anchor_at(input, block).is_some())
    }

    /// The partitions, and where the file set and the root's entry lie.
    pub(in crate::image) fn places(&self) -> (&Partitions, Address, Address) {
        (&self.partitions, self.file_set, self.root)
    }

    /// The tree below the root.
    pub(super) fn tree(&self, input: &mut Input<'_>) -> Result<Tree, ReadError> {
        walk::Walk::run(input, &self.partitions, self.root)
    }
}

fn broken(at: u64, what: &str) -> ReadError {
    ReadError::Broken { at, what: what.to_owned() }
}

/// Byte position of a block.
fn byte(block: u32) -> u64 {
    u64::from(block) * BLOCK as u64
}

/// An anchor volume descriptor pointer: two extents, first block and blocks.
struct Anchor {
    at: u64,
    main: (u32, u32),
    reserve: (u32, u32),
}

impl Anchor {
    /// Looks where anchors may be (ECMA-167, 3/8.4.2.1; UDF 2.60, 2.2.3), seen from the session;
    /// 512 is that of a disc that is not closed (UDF 2.60, 6.10.1.2).
    fn find(input: &mut Input<'_>, session: Lba) -> Option<Anchor> {
        let session = u32::try_from(session.0).ok()?;
        let end = input.blocks();
        let places = [
            session.checked_add(256),
            end.checked_sub(1),
            end.checked_sub(257),
            session.checked_add(512),
        ];
        places.into_iter().flatten().find_map(|block| anchor_at(input, block))
    }
}

/// Whether the volume recognition sequence of a session tells of UDF (ECMA-167, 2/8.3.1 and 3/9.1).
/// Other discs are not searched for anchors: their last blocks may be none that can be read.
fn recognised(input: &mut Input<'_>, session: Lba) -> bool {
    let first = u32::try_from(session.0).ok().and_then(|first| first.checked_add(SYSTEM_AREA));
    let Some(first) = first else { return false };
    for block in first..first.saturating_add(RECOGNITION_MAX) {
        match tried(input, block).as_ref().and_then(|bytes| bytes[1..6].first_chunk()) {
            Some(b"NSR02" | b"NSR03") => return true,
            Some(b"CD001" | b"BEA01" | b"BOOT2" | b"CDW02") => {}
            _ => return false,
        }
    }
    false
}

/// The anchor at a block, if a sound one is there.
fn anchor_at(input: &mut Input<'_>, block: u32) -> Option<Anchor> {
    let bytes = tried(input, block)?;
    let good = Tag { id: tag::ANCHOR, location: block, sound: true };
    if Tag::parse(&bytes[..]) != Some(good) {
        return None;
    }
    let extent = |at| (le32(&bytes[..], at + 4), le32(&bytes[..], at) / BLOCK as u32);
    Some(Anchor { at: byte(block), main: extent(16), reserve: extent(24) })
}

/// A block where something may be or not: none if it cannot be read.
fn tried(input: &mut Input<'_>, block: u32) -> Option<Box<[u8; BLOCK]>> {
    if block >= input.blocks() {
        return None;
    }
    input.block(block).ok().map(|bytes| Box::new(*bytes))
}

/// A block, unless it lies behind the last one or cannot be read: then that is a finding.
fn readable(input: &mut Input<'_>, block: u32) -> Result<Option<Box<[u8; BLOCK]>>, ReadError> {
    if block >= input.blocks() {
        return Ok(None);
    }
    match input.block(block) {
        Ok(bytes) => Ok(Some(Box::new(*bytes))),
        Err(ReadError::Source(error)) => {
            input.flaw(byte(block), error.to_string());
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What a volume descriptor sequence holds, the newest of each (ECMA-167, 3/8.4.3).
#[derive(Default)]
struct Sequence {
    /// With its byte position.
    logical_volume: Option<(u64, Box<[u8; BLOCK]>)>,
    logical_volume_number: u32,
    /// Partition number, first block, blocks.
    partitions: Vec<(u16, u32, u32)>,
    created: Option<Time>,
}

impl Sequence {
    fn read(input: &mut Input<'_>, extent: (u32, u32)) -> Result<Sequence, ReadError> {
        let mut sequence = Sequence::default();
        let (mut block, mut left) = extent;
        let (mut looked, mut pointers) = (0, 0);
        while left > 0 && looked < SEQUENCE_MAX {
            let Some(bytes) = readable(input, block)? else { break };
            let Some(found) = Tag::parse(&bytes[..]) else { break };
            if !found.sound || found.location != block {
                input.flaw(byte(block), "a volume descriptor is broken or moved");
            } else if found.id == tag::TERMINATING {
                break;
            } else if found.id == tag::VOLUME_POINTER && pointers < POINTERS_MAX {
                (block, left) = (le32(&bytes[..], 24), le32(&bytes[..], 20) / BLOCK as u32);
                pointers += 1;
                continue;
            } else {
                sequence.take(found.id, block, bytes);
            }
            (block, left, looked) = (block.saturating_add(1), left - 1, looked + 1);
        }
        Ok(sequence)
    }

    fn take(&mut self, id: u16, block: u32, bytes: Box<[u8; BLOCK]>) {
        let number = le32(&bytes[..], 16);
        match id {
            tag::PRIMARY_VOLUME => {
                self.created = bytes[376..].first_chunk().and_then(from_timestamp);
            }
            tag::PARTITION => {
                let partition =
                    (le16(&bytes[..], 22), le32(&bytes[..], 188), le32(&bytes[..], 192));
                self.partitions.retain(|(number, ..)| *number != partition.0);
                self.partitions.push(partition);
            }
            tag::LOGICAL_VOLUME
                if self.logical_volume.is_none() || number >= self.logical_volume_number =>
            {
                self.logical_volume_number = number;
                self.logical_volume = Some((byte(block), bytes));
            }
            _ => {}
        }
    }
}

/// The partition maps of a logical volume descriptor, with the partition number of each.
fn maps(input: &mut Input<'_>, volume: &[u8; BLOCK], at: u64) -> Vec<(MapKind, u16)> {
    let len = (le32(volume, 264) as usize).min(BLOCK - 440);
    let count = (le32(volume, 268) as usize).min(MAPS_MAX);
    let mut bytes = &volume[440..440 + len];
    let mut maps = Vec::new();
    for _map in 0..count {
        let Some((kind, number, len)) = parse_map(bytes) else {
            input.flaw(at + 440, "the partition maps end within one");
            break;
        };
        if let MapKind::Unknown(what) = &kind {
            input.flaw(at + 440, format!("a partition map that is unknown: {what}"));
        }
        maps.push((kind, number));
        bytes = &bytes[len..];
    }
    maps
}

/// Where the root's entry lies, as the file set says (ECMA-167, 4/14.1).
fn root(
    input: &mut Input<'_>,
    partitions: &Partitions,
    file_set: Address,
    at: u64,
) -> Result<Address, ReadError> {
    let Some(block) = partitions.block(file_set) else {
        return Err(broken(at + 248, "the file set lies in no partition"));
    };
    let Some(bytes) = readable(input, block)? else {
        return Err(broken(byte(block), "the file set cannot be read"));
    };
    match Tag::parse(&bytes[..]) {
        Some(Tag { id: tag::FILE_SET, sound, .. }) => {
            if !sound {
                input.flaw(byte(block), "the file set's checksum is wrong");
            }
            Ok(Address { block: le32(&bytes[..], 404), partition: le16(&bytes[..], 408) })
        }
        _ => Err(broken(byte(block), "no file set lies where it should")),
    }
}

/// Text of an identifier, made harmless for the host.
fn name(bytes: &[u8], at: u64, flaws: &mut Vec<Flaw>) -> Vec<u8> {
    let Some(text) = decompressed(bytes) else {
        let what = "a name is in no known form".to_owned();
        flaws.push(Flaw { at, what });
        return b"_".to_vec();
    };
    let mut name = text.into_bytes();
    if name.iter().any(|b| matches!(b, 0 | b'/')) {
        let what = "a name holds a slash or a zero, changed to _".to_owned();
        flaws.push(Flaw { at, what });
        name.iter_mut().filter(|b| matches!(b, 0 | b'/')).for_each(|b| *b = b'_');
    }
    name
}

/// The last block of the sectors that can hold something.
fn last(input: &Input<'_>) -> Blocks {
    Blocks(input.blocks().saturating_sub(1))
}
