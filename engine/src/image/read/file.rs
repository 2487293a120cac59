//! An image file as sectors.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::image::host::read_exact_at;
use crate::image::sectors::{Sectors, SourceError, SourceErrorKind};
use crate::units::{BLOCK, Blocks};

/// The blocks of an image file, as if they lay on the disc from `base` on.
#[derive(Debug)]
pub struct FileSectors {
    path: PathBuf,
    file: File,
    base: u32,
    /// Whole blocks in the file; a torn last block cannot be read.
    blocks: u32,
}

impl FileSectors {
    /// Opens a file whose first block is block 0 of the disc.
    pub fn open(path: &Path) -> io::Result<FileSectors> {
        FileSectors::open_at(path, Blocks(0))
    }

    /// Opens a file whose first block is block `base` of the disc: the image of a further session.
    /// Blocks before it cannot be read.
    pub fn open_at(path: &Path, base: Blocks) -> io::Result<FileSectors> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let blocks = u32::try_from(bytes / BLOCK as u64)
            .ok()
            .filter(|blocks| base.0.checked_add(*blocks).is_some())
            .ok_or_else(|| io::Error::new(ErrorKind::FileTooLarge, "too large for a disc image"))?;
        Ok(FileSectors { path: path.to_path_buf(), file, base: base.0, blocks })
    }

    fn error(&self, block: u32, kind: SourceErrorKind, detail: String) -> SourceError {
        let source = self.path.display().to_string();
        SourceError { block: Blocks(block), source, kind, detail }
    }
}

impl Sectors for FileSectors {
    fn blocks(&self) -> Blocks {
        Blocks(self.base + self.blocks)
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        let count = (room.len() / BLOCK) as u64;
        let end = u64::from(self.base) + u64::from(self.blocks);
        if first.0 < self.base || u64::from(first.0) + count > end {
            let past = if first.0 < self.base { first.0 } else { first.0.max(end as u32) };
            let detail = format!("the file holds blocks {} to {}", self.base, end.max(1) - 1);
            return Err(self.error(past, SourceErrorKind::OutOfRange, detail));
        }
        let at = u64::from(first.0 - self.base) * BLOCK as u64;
        read_exact_at(&self.file, room, at)
            .map_err(|e| self.error(first.0, SourceErrorKind::Unreadable, e.to_string()))
    }
}
