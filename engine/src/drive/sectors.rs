//! A disc read as blocks: for importing the last session, for reading a disc out, for verifying.

use super::{Error, Recorder};
use crate::image::sectors::{Sectors, SourceError, SourceErrorKind};
use crate::units::{Blocks, Lba};

/// The blocks `start..start + blocks` of the disc in a recorder. Block 0 of these sectors is `start`;
/// errors name the block counted from there and, in words, the address on the disc.
pub struct DiscSectors<'r, 'a> {
    recorder: &'r mut Recorder<'a>,
    start: Lba,
    blocks: Blocks,
}

impl<'r, 'a> DiscSectors<'r, 'a> {
    /// The whole readable disc from block 0 (READ CAPACITY, less a last track's run-out).
    pub fn whole(recorder: &'r mut Recorder<'a>) -> Result<DiscSectors<'r, 'a>, Error> {
        let blocks = recorder.medium()?.readable;
        Ok(DiscSectors { recorder, start: Lba(0), blocks })
    }

    /// These blocks.
    pub fn range(recorder: &'r mut Recorder<'a>, start: Lba, blocks: Blocks) -> Self {
        DiscSectors { recorder, start, blocks }
    }
}

impl Sectors for DiscSectors<'_, '_> {
    fn blocks(&self) -> Blocks {
        self.blocks
    }

    fn read(&mut self, first: Blocks, _room: &mut [u8]) -> Result<(), SourceError> {
        Err(SourceError {
            block: first,
            source: format!("{} from block {}", self.recorder.address(), self.start),
            kind: SourceErrorKind::Unreadable,
            detail: "reading is not built yet".to_owned(),
        })
    }
}
