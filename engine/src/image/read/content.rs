//! The bytes of a file of a tree, at any position: on a volume, in memory or on the host.

use crate::image::bytes::Bytes;
use crate::image::sectors::{Sectors, SourceError, SourceErrorKind};
use crate::image::tree::{ContentId, Source, Tree};
use crate::units::{BLOCK, Blocks};

/// Bytes that are read at once.
const PIECE: usize = 128 * BLOCK;

/// Reads one content of a tree.
#[derive(Debug)]
pub struct ContentReader<'a> {
    tree: &'a Tree,
    id: ContentId,
    host: Bytes,
    buffer: Vec<u8>,
}

impl<'a> ContentReader<'a> {
    /// A reader of this content.
    pub fn new(tree: &'a Tree, id: ContentId) -> ContentReader<'a> {
        ContentReader { tree, id, host: Bytes::default(), buffer: Vec::new() }
    }

    /// Bytes of the content.
    pub fn size(&self) -> u64 {
        self.tree.content(self.id).size
    }

    /// How many bytes from `at` on were never recorded and are zero.
    pub fn hole(&self, mut at: u64) -> u64 {
        let Source::OnDisc(extents) = &self.tree.content(self.id).source else { return 0 };
        for extent in extents {
            if at < extent.bytes {
                return if extent.is_hole() { extent.bytes - at } else { 0 };
            }
            at -= extent.bytes;
        }
        0
    }

    /// Fills `room` with the bytes from `at` on, of which there have to be enough. `sectors` are
    /// those that the tree was read from; a tree of the host needs none.
    pub fn read(
        &mut self,
        sectors: &mut dyn Sectors,
        at: u64,
        room: &mut [u8],
    ) -> Result<(), SourceError> {
        let content = self.tree.content(self.id);
        if at.checked_add(room.len() as u64).is_none_or(|end| end > content.size) {
            return Err(past_end(at));
        }
        match &content.source {
            Source::Embedded { lba, at: offset } => {
                self.recorded(sectors, (lba.0, *offset as u64 + at), room)
            }
            Source::OnDisc(extents) => {
                let (mut at, mut room) = (at, room);
                for extent in extents {
                    if at >= extent.bytes {
                        at -= extent.bytes;
                        continue;
                    }
                    let len = (extent.bytes - at).min(room.len() as u64) as usize;
                    let (now, rest) = room.split_at_mut(len);
                    if extent.is_hole() {
                        now.fill(0);
                    } else {
                        self.recorded(sectors, (extent.lba.0, at), now)?;
                    }
                    (at, room) = (0, rest);
                    if room.is_empty() {
                        break;
                    }
                }
                if room.is_empty() { Ok(()) } else { Err(past_end(at)) }
            }
            _ => self.host.read(self.tree, self.id, at, room).map_err(|e| SourceError {
                block: Blocks(u32::try_from(at / BLOCK as u64).unwrap_or(u32::MAX)),
                source: "a file".to_owned(),
                kind: e.kind,
                detail: e.detail,
            }),
        }
    }

    /// Bytes from a byte behind the start of a block on.
    fn recorded(
        &mut self,
        sectors: &mut dyn Sectors,
        (lba, at): (i32, u64),
        mut room: &mut [u8],
    ) -> Result<(), SourceError> {
        let mut block = u64::try_from(lba).unwrap_or(0) + at / BLOCK as u64;
        let mut offset = (at % BLOCK as u64) as usize;
        while !room.is_empty() {
            let len = room.len().min(PIECE - offset);
            let blocks = (offset + len).div_ceil(BLOCK);
            let end = sectors.blocks();
            let first = u32::try_from(block).ok();
            let first = first.filter(|first| u64::from(*first) + blocks as u64 <= end.0.into());
            let Some(first) = first else {
                return Err(SourceError {
                    block: end,
                    source: "the volume".to_owned(),
                    kind: SourceErrorKind::OutOfRange,
                    detail: format!("a file lies in block {block} and those behind it"),
                });
            };
            self.buffer.resize(blocks * BLOCK, 0);
            sectors.read(Blocks(first), &mut self.buffer)?;
            let (now, rest) = room.split_at_mut(len);
            now.copy_from_slice(&self.buffer[offset..offset + len]);
            room = rest;
            block += blocks as u64;
            offset = 0;
        }
        Ok(())
    }
}

fn past_end(at: u64) -> SourceError {
    SourceError {
        block: Blocks(u32::try_from(at / BLOCK as u64).unwrap_or(u32::MAX)),
        source: "a file".to_owned(),
        kind: SourceErrorKind::OutOfRange,
        detail: "it has no more bytes".to_owned(),
    }
}
