//! An image file as sectors.

use std::io;
use std::path::Path;

use super::dump::{Dump, Form, Stretch, user_data};
use crate::image::host::read_exact_at;
use crate::image::sectors::{Sectors, SourceError, SourceErrorKind};
use crate::units::{BLOCK, Blocks};

/// Sectors that are read from a file at once.
const PIECE: usize = 64;

/// The blocks of an image file: as they are, or out of a dump of a CD's whole sectors, whatever the
/// file is by its own bytes; or out of the files that a CUE sheet or another table names.
#[derive(Debug)]
pub struct FileSectors {
    dump: Dump,
    buffer: Vec<u8>,
}

impl FileSectors {
    /// Opens an image.
    pub fn open(path: &Path) -> io::Result<FileSectors> {
        Ok(FileSectors { dump: Dump::open(path)?, buffer: Vec::new() })
    }

    /// What kind of dump it is; `None` for blocks as they are.
    pub fn kind(&self) -> Option<&str> {
        self.dump.kind.as_deref()
    }

    /// The blocks where sessions begin, as far as the dump's own tables or addresses tell.
    pub fn told_sessions(&self) -> Vec<u32> {
        if !self.dump.sessions.is_empty() {
            return self.dump.sessions.clone();
        }
        let mut starts = Vec::new();
        let mut end = None;
        for stretch in self.dump.stretches.iter().filter(|s| s.form != Form::Nothing) {
            if end != Some(stretch.first) {
                starts.push(stretch.first);
            }
            end = Some(stretch.end());
        }
        starts
    }

    fn error(&self, file: usize, block: u32, kind: SourceErrorKind, detail: String) -> SourceError {
        let source = self.dump.files[file].0.display().to_string();
        SourceError { block: Blocks(block), source, kind, detail }
    }

    /// Fills `room` with blocks that all lie in one stretch.
    fn piece(&mut self, from: Stretch, first: u32, room: &mut [u8]) -> Result<(), SourceError> {
        let stride = from.stride as usize;
        let at = from.at + u64::from(first - from.first) * u64::from(from.stride);
        let unreadable = |block, detail| (block, SourceErrorKind::Unreadable, detail);
        let result = if from.form == Form::Plain && stride == BLOCK {
            read_exact_at(&self.dump.files[from.file].1, room, at)
                .map_err(|e| unreadable(first, e.to_string()))
        } else {
            self.buffer.resize(room.len() / BLOCK * stride, 0);
            let sectors = read_exact_at(&self.dump.files[from.file].1, &mut self.buffer, at)
                .map_err(|e| unreadable(first, e.to_string()));
            sectors.and_then(|()| {
                let blocks = room.chunks_exact_mut(BLOCK).zip(self.buffer.chunks_exact(stride));
                for (block, (room, sector)) in (first..).zip(blocks) {
                    let data = user_data(from.form, sector);
                    room.copy_from_slice(data.map_err(|e| unreadable(block, e.to_owned()))?);
                }
                Ok(())
            })
        };
        result.map_err(|(block, kind, detail)| self.error(from.file, block, kind, detail))
    }
}

impl Sectors for FileSectors {
    fn blocks(&self) -> Blocks {
        Blocks(self.dump.stretches.last().map_or(0, Stretch::end))
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        let end = self.blocks();
        if u64::from(first.0) + (room.len() / BLOCK) as u64 > u64::from(end.0) {
            let detail = format!("the image ends with block {}", end.0.max(1) - 1);
            let past = first.0.max(end.0);
            return Err(self.error(0, past, SourceErrorKind::OutOfRange, detail));
        }
        let (mut block, mut room) = (first.0, room);
        while !room.is_empty() {
            let next = self.dump.stretches.partition_point(|stretch| stretch.first <= block);
            let found = next.checked_sub(1).map(|index| self.dump.stretches[index]);
            let Some(from) = found.filter(|stretch| block < stretch.end()) else {
                let detail = "it lies between what was dumped".to_owned();
                return Err(self.error(0, block, SourceErrorKind::Unreadable, detail));
            };
            let plain = from.form == Form::Plain && from.stride as usize == BLOCK;
            let most = if plain { usize::MAX / BLOCK } else { PIECE };
            let count = (room.len() / BLOCK).min((from.end() - block) as usize).min(most);
            let (now, rest) = room.split_at_mut(count * BLOCK);
            self.piece(from, block, now)?;
            block += count as u32;
            room = rest;
        }
        Ok(())
    }
}
