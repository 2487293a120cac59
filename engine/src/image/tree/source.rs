//! Where the bytes of files come from.
//!
//! May not know: how they are read, or where on the disc they will lie.

use std::fmt::{self, Debug};
use std::fs::File;
use std::sync::{Arc, Mutex};

use super::{ContentId, Extent, Span};
use crate::image::sectors::Sectors;
use crate::image::time::Time;
use crate::units::Lba;

/// Where the bytes of a content come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file of this machine.
    Host(HostFile),
    /// Parts of a file of this machine.
    Pieces(Box<Pieces>),
    /// These bytes.
    Memory(Arc<[u8]>),
    /// Bytes that are made when they are asked for.
    Generated(Arc<dyn Generate>),
    /// The boot catalog of the image that the tree is laid out in.
    BootCatalog,
    /// Blocks that already lie on the disc; they are pointed at and not written again.
    OnDisc(Box<[Extent]>),
    /// Bytes within a block of the disc. To be written again they have to be read:
    /// [`Volume::hold`](crate::image::read::Volume::hold).
    Embedded {
        /// The block.
        lba: Lba,
        /// The first byte in it.
        at: usize,
    },
}

/// Bytes that are made on demand, at any position, in any order, the same each time.
pub trait Generate: Debug + Send + Sync {
    /// Fills `room` with the bytes from `at` on.
    fn fill(&self, at: u64, room: &mut [u8]);
}

/// A file of this machine as it was when it was scanned.
#[derive(Clone, Debug)]
pub struct HostFile {
    pub(in crate::image) dir: u32,
    pub(in crate::image) name: Span,
    /// Device that holds it.
    pub dev: u64,
    /// Its number there.
    pub ino: u64,
    /// Its last change then.
    pub mtime: Time,
}

/// Parts of a file of this machine. What no part covers is zero.
#[derive(Clone, Debug)]
pub struct Pieces {
    /// The file.
    pub of: Container,
    /// The parts, in the order of their places in the content, none over another, none empty.
    pub parts: Box<[Part]>,
}

/// A file of this machine that holds contents of others.
#[derive(Clone, Debug)]
pub enum Container {
    /// By its name.
    Host {
        /// The file.
        file: HostFile,
        /// Bytes of all of it when it was looked at.
        whole: u64,
    },
    /// Open, and perhaps without a name.
    Open(Arc<File>),
    /// The blocks of another image, as bytes from its block 0 on.
    Image(Arc<OtherImage>),
}

/// Another image, read by whoever wants bytes of it.
pub struct OtherImage {
    /// What a person calls it.
    pub name: String,
    /// Its blocks.
    pub sectors: Mutex<Box<dyn Sectors + Send>>,
}

impl Debug for OtherImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtherImage").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A part of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first byte in the content.
    pub at: u64,
    /// The first byte in the file.
    pub start: u64,
    /// How many.
    pub bytes: u64,
}

/// Size and source of the bytes that file nodes hold.
#[derive(Clone, Debug)]
pub struct Content {
    /// Bytes.
    pub size: u64,
    /// Where they come from.
    pub source: Source,
    /// File nodes of this tree that hold this content: hard links of each other. 0 if no name leads
    /// to it.
    pub links: u32,
    /// Another content with the same bytes, in whose place this one is read.
    pub same_as: Option<ContentId>,
}

/// What a content has from some byte on.
#[derive(Clone, Copy, Debug)]
pub(in crate::image) enum Stretch<'a> {
    /// Zeros.
    Zeros { bytes: u64 },
    /// Bytes of a file, from its byte `start` on.
    Host { file: &'a HostFile, whole: u64, start: u64, bytes: u64 },
    /// Bytes of an open file, from its byte `start` on.
    Open { file: &'a File, start: u64, bytes: u64 },
    /// Bytes of another image, from its byte `start` on.
    Image { image: &'a OtherImage, start: u64, bytes: u64 },
    /// Something that is no file.
    Other,
}

impl Content {
    /// What lies at a byte before the end, up to the end or up to where something else begins.
    pub(in crate::image) fn stretch(&self, at: u64) -> Stretch<'_> {
        match &self.source {
            Source::Host(file) => {
                Stretch::Host { file, whole: self.size, start: at, bytes: self.size - at }
            }
            Source::Pieces(pieces) => pieces.stretch(at, self.size),
            Source::Memory(_)
            | Source::Generated(_)
            | Source::BootCatalog
            | Source::OnDisc(_)
            | Source::Embedded { .. } => Stretch::Other,
        }
    }

    /// The file of the host by whose name the bytes are found.
    pub(in crate::image) fn host_file(&self) -> Option<&HostFile> {
        match &self.source {
            Source::Host(file) => Some(file),
            Source::Pieces(pieces) => match &pieces.of {
                Container::Host { file, .. } => Some(file),
                Container::Open(_) | Container::Image(_) => None,
            },
            _ => None,
        }
    }

    /// The image that the bytes come from.
    pub(in crate::image) fn other_image(&self) -> Option<&OtherImage> {
        match &self.source {
            Source::Pieces(pieces) => match &pieces.of {
                Container::Image(image) => Some(image),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Source {
    /// What has holes: the parts that are no holes.
    pub(in crate::image) fn recorded_parts(&self) -> Option<&[Part]> {
        match self {
            Source::Pieces(pieces) => Some(&pieces.parts),
            _ => None,
        }
    }

    /// The same, to be changed: for a tree that takes it over from another one.
    pub(in crate::image) fn host_file_mut(&mut self) -> Option<&mut HostFile> {
        match self {
            Source::Host(file) => Some(file),
            Source::Pieces(pieces) => match &mut pieces.of {
                Container::Host { file, .. } => Some(file),
                Container::Open(_) | Container::Image(_) => None,
            },
            _ => None,
        }
    }
}

impl Pieces {
    fn stretch(&self, at: u64, size: u64) -> Stretch<'_> {
        let next = self.parts.partition_point(|part| part.at <= at);
        let covers = |part: &&Part| at - part.at < part.bytes;
        let Some(part) = next.checked_sub(1).map(|last| &self.parts[last]).filter(covers) else {
            let end = self.parts.get(next).map_or(size, |part| part.at.min(size));
            return Stretch::Zeros { bytes: end - at };
        };
        let (start, bytes) = (part.start + (at - part.at), part.bytes - (at - part.at));
        match &self.of {
            Container::Host { file, whole } => Stretch::Host { file, whole: *whole, start, bytes },
            Container::Open(file) => Stretch::Open { file, start, bytes },
            Container::Image(image) => Stretch::Image { image, start, bytes },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_part_covers_is_zero() {
        let file = tempfile::tempfile().expect("a file for the test");
        let parts = [(10, 0, 5), (15, 100, 5), (30, 50, 10)];
        let parts = parts.map(|(at, start, bytes)| Part { at, start, bytes });
        let of = Container::Open(Arc::new(file));
        let source = Source::Pieces(Box::new(Pieces { of, parts: parts.into() }));
        let content = Content { size: 50, source, links: 1, same_as: None };
        let at = |at| match content.stretch(at) {
            Stretch::Zeros { bytes } => (None, bytes),
            Stretch::Open { start, bytes, .. } => (Some(start), bytes),
            other => panic!("{other:?}"),
        };
        let want = [
            (0, (None, 10)),
            (10, (Some(0), 5)),
            (14, (Some(4), 1)),
            (15, (Some(100), 5)),
            (20, (None, 10)),
            (39, (Some(59), 1)),
            (40, (None, 10)),
        ];
        for (byte, expected) in want {
            assert_eq!(at(byte), expected, "{byte}");
        }
    }
}
