//! The bytes of contents at any position: from files of the host, from memory, or made on demand.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::sync::PoisonError;

use super::host;
use super::sectors::{SourceError, SourceErrorKind};
use super::tree::{ContentId, HostFile, OtherImage, Source, Stretch, Tree};
use crate::units::{BLOCK, Blocks};

/// One reader of contents, with the file that it last used.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    open: Option<(Opened, File)>,
}

/// Which file is open: that of a content, or one that holds many, by device and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opened {
    Content(ContentId),
    Container(u64, u64),
}

/// Bytes that are good, and why those behind them are not.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// How many bytes are good.
    pub filled: usize,
    /// What is wrong with those behind them.
    pub kind: SourceErrorKind,
    /// The system's words.
    pub detail: String,
}

impl Trouble {
    fn new(kind: SourceErrorKind, detail: impl Into<String>) -> Trouble {
        Trouble { filled: 0, kind, detail: detail.into() }
    }
}

impl Bytes {
    /// Fills `room` with the bytes of a content from `at` on; it has that many.
    pub(super) fn read(
        &mut self,
        tree: &Tree,
        id: ContentId,
        at: u64,
        room: &mut [u8],
    ) -> Result<(), Trouble> {
        let content = tree.content(id);
        match &content.source {
            Source::Memory(bytes) => room.copy_from_slice(&bytes[at as usize..][..room.len()]),
            Source::Generated(bytes) => bytes.fill(at, room),
            Source::Host(_) | Source::Pieces(_) => {
                let last = at + room.len() as u64 == content.size;
                let result = self.stretches(tree, id, at, room);
                // Most files are read whole by one call: then none stays open.
                if last && matches!(content.source, Source::Host(_)) || result.is_err() {
                    self.open = None;
                }
                return result;
            }
            Source::Embedded { lba, .. } => {
                let what = format!("it lies within block {lba} of the disc and was not read");
                return Err(Trouble::new(SourceErrorKind::Unreadable, what));
            }
            Source::OnDisc(_) | Source::BootCatalog => {
                let what = "its bytes are those of a disc, not of this machine";
                return Err(Trouble::new(SourceErrorKind::Unreadable, what));
            }
        }
        Ok(())
    }

    fn stretches(
        &mut self,
        tree: &Tree,
        id: ContentId,
        at: u64,
        room: &mut [u8],
    ) -> Result<(), Trouble> {
        let mut filled = 0;
        // A file without bytes is looked at all the same: it may have got some.
        loop {
            let stretch = tree.content(id).stretch(at + filled as u64);
            let part = |bytes: u64| {
                let rest = room.len() - filled;
                filled..filled + rest.min(usize::try_from(bytes).unwrap_or(rest))
            };
            let range = match stretch {
                Stretch::Zeros { bytes } => {
                    let range = part(bytes);
                    room[range.clone()].fill(0);
                    range
                }
                Stretch::Host { file, whole, start, bytes } => {
                    let range = part(bytes);
                    self.host_file(tree, id, (file, whole), start, &mut room[range.clone()])
                        .map_err(|e| Trouble { filled: filled + e.filled, ..e })?;
                    range
                }
                Stretch::Open { file, start, bytes } => {
                    let range = part(bytes);
                    read_at(file, start, &mut room[range.clone()])
                        .map_err(|e| Trouble { filled: filled + e.filled, ..e })?;
                    range
                }
                Stretch::Image { image, start, bytes } => {
                    let range = part(bytes);
                    read_image(image, start, &mut room[range.clone()])
                        .map_err(|e| Trouble { filled: filled + e.filled, ..e })?;
                    range
                }
                Stretch::Other => unreachable!("asked of files only"),
            };
            filled = range.end;
            if filled == room.len() {
                return Ok(());
            }
        }
    }

    fn host_file(
        &mut self,
        tree: &Tree,
        id: ContentId,
        (scanned, whole): (&HostFile, u64),
        start: u64,
        room: &mut [u8],
    ) -> Result<(), Trouble> {
        let file = self.open(tree, id, scanned)?;
        read_at(file, start, room)?;
        unchanged(file, scanned, whole)
    }

    /// Copies `bytes` of a content from its byte `at` on to the same count of bytes at `to` in
    /// `out`, by the host's own means. They lie in one stretch of a file. False if it did not work
    /// out: then ordinary reading and writing will find out why.
    pub(super) fn copy(
        &mut self,
        tree: &Tree,
        id: ContentId,
        at: u64,
        bytes: u64,
        mut out: &File,
        to: u64,
    ) -> bool {
        use std::io::Read;
        let Stretch::Host { file: scanned, whole, start, bytes: all } =
            tree.content(id).stretch(at)
        else {
            return false;
        };
        let Ok(mut file) = self.open(tree, id, scanned) else { return false };
        bytes <= all
            && file.seek(SeekFrom::Start(start)).is_ok()
            && out.seek(SeekFrom::Start(to)).is_ok()
            && io::copy(&mut file.take(bytes), &mut out).is_ok_and(|copied| copied == bytes)
            && unchanged(file, scanned, whole).is_ok()
    }

    /// The file, opened unless it is open.
    fn open(&mut self, tree: &Tree, id: ContentId, scanned: &HostFile) -> Result<&File, Trouble> {
        let wanted = match &tree.content(id).source {
            Source::Host(_) => Opened::Content(id),
            _ => Opened::Container(scanned.dev, scanned.ino),
        };
        if self.open.as_ref().is_none_or(|(open, _)| *open != wanted) {
            let file = open(&tree.host_path(scanned)).map_err(|e| match e.kind() {
                io::ErrorKind::NotFound => Trouble::new(SourceErrorKind::Changed, "it is gone"),
                _ => Trouble::new(SourceErrorKind::Unreadable, e.to_string()),
            })?;
            self.open = Some((wanted, file));
        }
        let (_, file) = self.open.as_ref().expect("opened above");
        Ok(file)
    }
}

fn read_at(file: &File, at: u64, room: &mut [u8]) -> Result<(), Trouble> {
    let mut filled = 0;
    while filled < room.len() {
        match host::read_at(file, &mut room[filled..], at + filled as u64) {
            Ok(0) => {
                let detail = format!("it ends after {} bytes", at + filled as u64);
                return Err(Trouble { filled, kind: SourceErrorKind::Changed, detail });
            }
            Ok(count) => filled += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                let (kind, detail) = (SourceErrorKind::Unreadable, e.to_string());
                return Err(Trouble { filled, kind, detail });
            }
        }
    }
    Ok(())
}

/// Fills `room` with bytes of another image, which gives whole blocks only.
fn read_image(image: &OtherImage, at: u64, room: &mut [u8]) -> Result<(), Trouble> {
    let mut sectors = image.sectors.lock().unwrap_or_else(PoisonError::into_inner);
    let block = |byte: u64| Blocks(u32::try_from(byte / BLOCK as u64).unwrap_or(u32::MAX));
    let mut filled = 0;
    while filled < room.len() {
        let from = at + filled as u64;
        let (skip, rest) = ((from % BLOCK as u64) as usize, room.len() - filled);
        let failed = |e: SourceError| Trouble { filled, kind: e.kind, detail: e.detail };
        if skip == 0 && rest >= BLOCK {
            let whole = rest / BLOCK * BLOCK;
            sectors.read(block(from), &mut room[filled..filled + whole]).map_err(failed)?;
            filled += whole;
        } else {
            let mut one = [0; BLOCK];
            sectors.read(block(from), &mut one).map_err(failed)?;
            let count = rest.min(BLOCK - skip);
            room[filled..filled + count].copy_from_slice(&one[skip..skip + count]);
            filled += count;
        }
    }
    Ok(())
}

/// Looked at after reading: one look proves both that it is the file that was scanned and that
/// nobody has written to it until now.
fn unchanged(file: &File, scanned: &HostFile, size: u64) -> Result<(), Trouble> {
    let now = file.metadata();
    let now = now.map_err(|e| Trouble::new(SourceErrorKind::Unreadable, e.to_string()))?;
    let changed = if now.len() != size {
        format!("it had {size} bytes and has {}", now.len())
    } else if host::identity(&now) != (scanned.dev, scanned.ino) {
        "another file has its name".to_owned()
    } else if host::modified(&now) != scanned.mtime {
        "it was written to".to_owned()
    } else {
        return Ok(());
    };
    Err(Trouble::new(SourceErrorKind::Changed, changed))
}

/// Opens without waiting for a writer, should a pipe have taken the file's place.
#[cfg(unix)]
fn open(path: &std::path::Path) -> io::Result<File> {
    use nix::fcntl::OFlag;
    use std::os::unix::fs::OpenOptionsExt;
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
}

#[cfg(not(unix))]
fn open(path: &std::path::Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}
