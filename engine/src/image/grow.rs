//! Growing a volume in place: what is new behind its end, and what leads to it at the head.
//!
//! The new state is a session like any other, laid out for its place. Last of all the blocks at
//! fixed places (ECMA-119, 6.2.1; ECMA-167, 2/8.3.1 and 3/8.4.2.1) are made to lead to it: until
//! then the volume is what it was, and from then on it is the new one.

use std::fmt;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use super::build::Image;
use super::eltorito::TYPE_BOOT_RECORD;
use super::host;
use super::iso9660::volume::{STANDARD_ID, SYSTEM_AREA, TYPE_PRIMARY, TYPE_SUPPLEMENTARY};
use super::layout::GROWTH;
use super::read::{self, ReadError, Session};
use super::sectors::{Sectors, SourceError};
use super::udf::wire::{Tag, reseal, tag};
use super::write::WriteError;
use crate::units::{BLOCK, Blocks, Lba};

/// Block of the first anchor (ECMA-167, 3/8.4.2.1).
const ANCHOR: u32 = 256;

/// Blocks that are written to a file at once.
const CHUNK: u32 = 128;

/// A volume that can grow in place, as it is.
#[derive(Clone, Debug)]
pub struct Growable {
    /// What block 0 leads to.
    pub newest: Session,
    /// The block from which on it grows.
    pub base: Lba,
}

/// A new state of a volume, with the blocks that lead to it: first the session, whole units of it,
/// then the [heads](Grown::heads), in the order in which they are to be written.
#[derive(Clone, Debug)]
pub struct Grown {
    session: Image,
    /// Blocks of the session with what fills up its last unit.
    blocks: u32,
    heads: Vec<Head>,
}

/// Whole units at the head of the volume.
#[derive(Clone, Debug)]
struct Head {
    start: u32,
    bytes: Vec<u8>,
}

/// Why a volume cannot grow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrowError {
    /// There is none that can be read.
    Read(ReadError),
    /// Its head cannot be read.
    Source(SourceError),
    /// What leads to the new state takes more room at the head than the volume leaves.
    NoRoom {
        /// Blocks needed.
        needs: u32,
        /// Blocks there.
        has: u32,
    },
    /// UDF is asked for, and where its anchor would lie is something else.
    NoAnchor,
}

impl Growable {
    /// The volume at the head of a disc or an image.
    pub fn find(sectors: &mut dyn Sectors) -> Result<Growable, GrowError> {
        let newest = read::session_at(sectors, Lba(0)).map_err(GrowError::Read)?;
        let newest = newest.ok_or(GrowError::Read(ReadError::NoVolume { at: Lba(0) }))?;
        let end = newest.end.0 as u32;
        let base = Lba(end.next_multiple_of(GROWTH).min(i32::MAX as u32) as i32);
        Ok(Growable { newest, base })
    }

    /// The same in a file, which may hold more than the volume: it grows behind all but zeros.
    pub fn find_in_file(sectors: &mut dyn Sectors) -> Result<Growable, GrowError> {
        let found = Growable::find(sectors)?;
        let mut room = vec![0; 64 * BLOCK];
        let (mut at, total) = (found.base.0 as u32, sectors.blocks().0);
        while at < total {
            let room = &mut room[..64.min(total - at) as usize * BLOCK];
            sectors.read(Blocks(at), room).map_err(GrowError::Source)?;
            if room.iter().any(|byte| *byte != 0) {
                let base = total.next_multiple_of(GROWTH).min(i32::MAX as u32);
                return Ok(Growable { base: Lba(base as i32), ..found });
            }
            at += (room.len() / BLOCK) as u32;
        }
        Ok(found)
    }
}

impl Grown {
    /// A session that was laid out to [grow](super::LayoutOptions::in_place) the volume that
    /// `sectors` hold from block 0 on. What leads to it comes in whole multiples of `unit` blocks.
    pub fn new(
        mut session: Image,
        sectors: &mut dyn Sectors,
        unit: Blocks,
    ) -> Result<Grown, GrowError> {
        let base = session.base().0.max(0) as u32;
        let unit = unit.0.clamp(1, GROWTH);
        let new = peek(&mut session, SYSTEM_AREA, SYSTEM_AREA)?;
        let mut old = peek(sectors, SYSTEM_AREA, SYSTEM_AREA)?;
        let has = match read::grows_from(sectors) {
            true => SYSTEM_AREA,
            false => used(&old),
        };
        let descriptors = head(&new, &old, base);
        let needs = used(&descriptors);
        if needs > has {
            return Err(GrowError::NoRoom { needs, has });
        }
        // Behind what is used lies what may belong to a file.
        let len = has as usize * BLOCK;
        old[..len].copy_from_slice(&descriptors[..len]);
        let mut patches = vec![(SYSTEM_AREA, old)];
        patches.extend(anchor(&mut session, sectors, &new)?);
        let mut heads = Vec::new();
        for (at, bytes) in patches {
            heads.extend(Head::of(sectors, at, &bytes, unit)?);
        }
        let blocks = session.blocks().0.next_multiple_of(GROWTH);
        Ok(Grown { session, blocks, heads })
    }

    /// The session.
    pub fn session(&self) -> &Image {
        &self.session
    }

    /// What leads to the session: where on the disc, and how many blocks. Each is to be written
    /// when all before it lies on the disc for sure.
    pub fn heads(&self) -> Vec<(Lba, Blocks)> {
        let place = |head: &Head| (Lba(head.start as i32), Blocks(head.blocks()));
        self.heads.iter().map(place).collect()
    }

    /// Blocks of the session, with what fills up its last unit.
    pub fn session_blocks(&self) -> Blocks {
        Blocks(self.blocks)
    }
}

impl Head {
    fn blocks(&self) -> u32 {
        (self.bytes.len() / BLOCK) as u32
    }

    /// The whole units around `bytes` at block `at`; `None` if that is what lies there.
    fn of(
        sectors: &mut dyn Sectors,
        at: u32,
        bytes: &[u8],
        unit: u32,
    ) -> Result<Option<Head>, GrowError> {
        let start = at / unit * unit;
        let end = (at + (bytes.len() / BLOCK) as u32).next_multiple_of(unit);
        let old = peek(sectors, start, end - start)?;
        let mut new = old.clone();
        new[(at - start) as usize * BLOCK..][..bytes.len()].copy_from_slice(bytes);
        Ok((new != old).then_some(Head { start, bytes: new }))
    }
}

impl Sectors for Grown {
    fn blocks(&self) -> Blocks {
        Blocks(self.heads.iter().fold(self.blocks, |sum, head| sum + head.blocks()))
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        let own = self.session.blocks().0;
        let (mut block, mut room) = (first.0, room);
        while !room.is_empty() {
            let left = room.len() / BLOCK;
            let done = if block < own {
                let count = left.min((own - block) as usize);
                self.session.read(Blocks(block), &mut room[..count * BLOCK])?;
                count
            } else if block < self.blocks {
                let count = left.min((self.blocks - block) as usize);
                room[..count * BLOCK].fill(0);
                count
            } else if let Some((head, at)) = self.head_at(block) {
                let bytes = &head.bytes[at as usize * BLOCK..];
                let count = left.min(bytes.len() / BLOCK);
                room[..count * BLOCK].copy_from_slice(&bytes[..count * BLOCK]);
                count
            } else {
                // Behind its end: the image has the words for it.
                return self.session.read(Blocks(block), room);
            };
            block += done as u32;
            room = &mut room[done * BLOCK..];
        }
        Ok(())
    }

    fn name_at(&self, block: Blocks) -> Option<String> {
        match block.0 {
            own if own < self.session.blocks().0 => self.session.name_at(block),
            pad if pad < self.blocks => Some("padding".to_owned()),
            head => self.head_at(head).map(|_| "head of the volume".to_owned()),
        }
    }
}

impl Grown {
    /// Writes the session behind the volume in `file`, and when that is there for sure what leads
    /// to it. Until then the volume is what it was; `progress` is told how many blocks are
    /// written, and may stop the work before.
    pub fn write_into(
        &mut self,
        file: &File,
        progress: &mut dyn FnMut(Blocks) -> ControlFlow<()>,
    ) -> Result<(), WriteError> {
        let failed = |e: io::Error| WriteError::Output(e.to_string());
        let row = (self.session.base(), self.session_blocks());
        let mut room = vec![0; CHUNK as usize * BLOCK];
        let mut done = 0;
        for (number, (start, blocks)) in [row].into_iter().chain(self.heads()).enumerate() {
            let first = done;
            while done < first + blocks.0 {
                let room = &mut room[..CHUNK.min(first + blocks.0 - done) as usize * BLOCK];
                self.read(Blocks(done), room).map_err(WriteError::Source)?;
                let at = u64::from(start.0.unsigned_abs() + (done - first)) * BLOCK as u64;
                host::write_all_at(file, room, at).map_err(failed)?;
                done += (room.len() / BLOCK) as u32;
                // Once the first head is there, the others follow.
                if progress(Blocks(done)).is_break() && number == 0 {
                    return Err(WriteError::Stopped);
                }
            }
            file.sync_all().map_err(failed)?;
        }
        Ok(())
    }

    /// The head that this block belongs to, and which block of it that is.
    fn head_at(&self, block: u32) -> Option<(&Head, u32)> {
        let mut first = self.blocks;
        for head in &self.heads {
            match block.checked_sub(first) {
                Some(at) if at < head.blocks() => return Some((head, at)),
                _ => first += head.blocks(),
            }
        }
        None
    }
}

/// These blocks; zeros behind the last one.
fn peek(sectors: &mut dyn Sectors, first: u32, blocks: u32) -> Result<Vec<u8>, GrowError> {
    let mut bytes = vec![0; blocks as usize * BLOCK];
    let there = sectors.blocks().0.saturating_sub(first).min(blocks) as usize;
    if there > 0 {
        sectors.read(Blocks(first), &mut bytes[..there * BLOCK]).map_err(GrowError::Source)?;
    }
    Ok(bytes)
}

/// How many blocks of descriptors there are.
fn used(head: &[u8]) -> u32 {
    let known = |block: &&[u8]| {
        let id = &block[1..6];
        *id == *STANDARD_ID || [&b"BEA01"[..], b"NSR02", b"NSR03", b"BOOT2", b"TEA01"].contains(&id)
    };
    head.chunks_exact(BLOCK).take_while(known).count() as u32
}

/// The descriptors of a session that begins at `base`, as block 0 has them: the volume reaches from
/// there to the session's end, and what computers start from stays where it is.
fn head(session: &[u8], old: &[u8], base: u32) -> Vec<u8> {
    let iso = |block: &&[u8]| block[1..6] == *STANDARD_ID;
    let boot = old.chunks_exact(BLOCK).take_while(iso).find(|b| b[0] == TYPE_BOOT_RECORD);
    let mut out = Vec::with_capacity(session.len() + BLOCK);
    for block in session.chunks_exact(BLOCK) {
        let mut block = block.to_vec();
        let kind = block[0];
        if iso(&&block[..]) && matches!(kind, TYPE_PRIMARY | TYPE_SUPPLEMENTARY) {
            // Volume Space Size, both ways round (ECMA-119, 8.4.8).
            let own = u32::from_le_bytes([block[80], block[81], block[82], block[83]]);
            let space = own.saturating_add(base);
            block[80..84].copy_from_slice(&space.to_le_bytes());
            block[84..88].copy_from_slice(&space.to_be_bytes());
        }
        out.extend(block);
        // El Torito wants it in the second block of the set.
        if kind == TYPE_PRIMARY && out.len() == BLOCK {
            boot.iter().for_each(|boot| out.extend(*boot));
        }
    }
    out.truncate(session.len());
    out
}

/// The anchor at the head, leading to the session: none if neither it nor the session has UDF.
fn anchor(
    session: &mut Image,
    sectors: &mut dyn Sectors,
    descriptors: &[u8],
) -> Result<Option<(u32, Vec<u8>)>, GrowError> {
    let old = peek(sectors, ANCHOR, 1)?;
    let there = Tag { id: tag::ANCHOR, location: ANCHOR, sound: true };
    let had = Tag::parse(&old) == Some(there);
    let has = descriptors.chunks_exact(BLOCK).any(|block| block[1..4] == *b"NSR");
    match (had, has) {
        (false, false) => Ok(None),
        (false, true) => Err(GrowError::NoAnchor),
        // A volume without UDF must not look like the old one to who asks for no recognition.
        (true, false) => Ok(Some((ANCHOR, vec![0; BLOCK]))),
        (true, true) => {
            let mut new = peek(session, ANCHOR, 1)?;
            reseal(&mut new, ANCHOR);
            Ok(Some((ANCHOR, new)))
        }
    }
}

impl fmt::Display for GrowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GrowError::Read(error) => error.fmt(f),
            GrowError::Source(error) => error.fmt(f),
            GrowError::NoRoom { needs, has } => write!(
                f,
                "the head of the volume has {has} blocks for descriptors and {needs} are needed; \
                 keep to the file systems that it has"
            ),
            GrowError::NoAnchor => f.write_str(
                "the volume has no UDF, and no room at its head for what leads to one; \
                 keep to the file systems that it has",
            ),
        }
    }
}

impl std::error::Error for GrowError {}
