//! A disc read as blocks: for importing the last session, for reading a disc out.

use super::recorder::Exchange;
use super::retry::Situation;
use super::{Error, ErrorKind, Recorder};
use crate::image::sectors::{Sectors, SourceError, SourceErrorKind};
use crate::mmc::cdb::{Command, Read10};
use crate::units::{BLOCK, Blocks, Lba};

/// Blocks in one READ, if the transport takes as much.
const TRANSFER: u32 = 32;

/// The blocks `start..start + blocks` of the disc in a recorder. Block 0 of these sectors is
/// `start`; errors name the block counted from there and, in words, the address on the disc.
pub struct DiscSectors<'r, 'a> {
    recorder: &'r mut Recorder<'a>,
    start: Lba,
    blocks: Blocks,
}

impl<'r, 'a> DiscSectors<'r, 'a> {
    /// The whole readable disc from block 0: what READ CAPACITY says, less the run-out blocks of a
    /// CD track written at once, which it counts though nothing can read them (MMC-6, 6.20.3).
    pub fn whole(recorder: &'r mut Recorder<'a>) -> Result<DiscSectors<'r, 'a>, Error> {
        let medium = recorder.medium()?;
        let mut blocks = medium.readable;
        let run_out = medium.rules.map_or(Blocks(0), |rules| rules.run_out);
        if run_out.0 > 0 && blocks.0 > run_out.0 {
            // A session written at once has no run-out; only trying tells them apart.
            let without = blocks - run_out;
            let mut sectors = DiscSectors::range(recorder, Lba(0), blocks);
            let mut room = vec![0; run_out.0 as usize * BLOCK];
            match sectors.read_disc(Lba(without.0 as i32), &mut room) {
                Ok(()) => {}
                Err(error) if matches!(error.kind, ErrorKind::Sense(_)) => blocks = without,
                Err(error) => return Err(error),
            }
            return Ok(DiscSectors { blocks, ..sectors });
        }
        Ok(DiscSectors::range(recorder, Lba(0), blocks))
    }

    /// These blocks.
    pub fn range(recorder: &'r mut Recorder<'a>, start: Lba, blocks: Blocks) -> Self {
        DiscSectors { recorder, start, blocks }
    }

    /// The address of the first one on the disc.
    pub fn start(&self) -> Lba {
        self.start
    }

    /// Reads whole blocks from an address on.
    fn read_disc(&mut self, mut at: Lba, mut room: &mut [u8]) -> Result<(), Error> {
        let limit = self.recorder.device().limits().max_transfer / BLOCK as u32;
        let transfer = limit.clamp(1, TRANSFER) as usize;
        while !room.is_empty() {
            let blocks = transfer.min(room.len() / BLOCK).max(1);
            let cut = (blocks * BLOCK).min(room.len());
            let (now, rest) = room.split_at_mut(cut);
            let read = Read10 { lba: at, blocks: blocks as u16, ..Read10::default() };
            let answer =
                self.recorder.exchange(read.cdb(), Exchange::Into(now), Some(at), Situation::Read);
            match answer {
                Ok(_) => {}
                // Block by block up to the bad one, so that the error names it.
                Err(error) if blocks > 1 && matches!(error.kind, ErrorKind::Sense(_)) => {
                    for (i, block) in now.chunks_exact_mut(BLOCK).enumerate() {
                        let lba = Lba(at.0.saturating_add(i as i32));
                        let read = Read10 { lba, blocks: 1, ..Read10::default() };
                        self.recorder.exchange(
                            read.cdb(),
                            Exchange::Into(block),
                            Some(lba),
                            Situation::Read,
                        )?;
                    }
                }
                Err(error) => return Err(error),
            }
            at = Lba(at.0.saturating_add(blocks as i32));
            room = rest;
        }
        Ok(())
    }
}

impl Sectors for DiscSectors<'_, '_> {
    fn blocks(&self) -> Blocks {
        self.blocks
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        let wanted = (room.len() / BLOCK) as u64;
        let source = self.recorder.address().to_owned();
        let fail = |block, kind, detail| SourceError { block, source, kind, detail };
        let at = self.start.checked_add(first);
        let (Some(at), true) = (at, u64::from(first.0) + wanted <= u64::from(self.blocks.0)) else {
            let detail = format!("{wanted} blocks from {first} on of {}", self.blocks);
            return Err(fail(first, SourceErrorKind::OutOfRange, detail));
        };
        self.read_disc(at, room).map_err(|error| {
            let bad = error.block.and_then(|bad| bad.checked_from(self.start)).unwrap_or(first);
            fail(bad, SourceErrorKind::Unreadable, error.to_string())
        })
    }
}
