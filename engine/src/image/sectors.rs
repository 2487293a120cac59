//! An image as blocks at any position in any order: all that `burn` and the readers ever see.

use std::fmt;

use crate::units::{BLOCK, Blocks};

/// Blocks of 2048 bytes that can be asked for at any position, in any order, any number of times,
/// and are the same each time.
pub trait Sectors {
    /// How many blocks there are.
    fn blocks(&self) -> Blocks;

    /// Fills `room`, a whole number of blocks, with the blocks from `first` on (0 = the first one
    /// of this image, whatever its place on the disc). Asking past the end is an error of the
    /// caller's.
    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError>;

    /// What a person would call the thing that block belongs to: a path, or a part of the file
    /// system's own structures. For progress and for naming the file that a bad block hurts.
    fn name_at(&self, _block: Blocks) -> Option<String> {
        None
    }
}

/// Blocks that lie in memory. What follows the last whole block is not there.
#[derive(Clone, Debug)]
pub struct MemorySectors<T>(pub T);

impl<T: AsRef<[u8]>> Sectors for MemorySectors<T> {
    fn blocks(&self) -> Blocks {
        Blocks(u32::try_from(self.0.as_ref().len() / BLOCK).unwrap_or(u32::MAX))
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        let blocks = self.blocks();
        let at = first.0 as usize * BLOCK;
        let bytes = self.0.as_ref().get(at..at.saturating_add(room.len()));
        match bytes.filter(|_| room.len() / BLOCK <= blocks.0 as usize) {
            Some(bytes) => {
                room.copy_from_slice(bytes);
                Ok(())
            }
            None => Err(SourceError {
                block: Blocks(first.0.max(blocks.0)),
                source: "memory".to_owned(),
                kind: SourceErrorKind::OutOfRange,
                detail: format!("it has {blocks} blocks"),
            }),
        }
    }
}

/// Why the bytes of an image cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// The first block that could not be filled, counted from the image's start.
    pub block: Blocks,
    /// The file or device the bytes were to come from.
    pub source: String,
    /// What went wrong with it.
    pub kind: SourceErrorKind,
    /// The system's or the device's words.
    pub detail: String,
}

/// Kinds of [`SourceError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// The source cannot be opened or read.
    Unreadable,
    /// The source is not what it was when the image was laid out: size, time or identity changed.
    Changed,
    /// The blocks lie past the end of the image.
    OutOfRange,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            SourceErrorKind::Unreadable => "cannot be read",
            SourceErrorKind::Changed => "changed since the image was laid out",
            SourceErrorKind::OutOfRange => "ends before that block",
        };
        write!(f, "{} (image block {}) {what}: {}", self.source, self.block, self.detail)
    }
}

impl std::error::Error for SourceError {}
