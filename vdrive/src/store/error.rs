//! What can be wrong with a disc file.

use std::fmt;

/// Why a store cannot be made, opened or used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// The file; `memory` for a store without one.
    pub path: String,
    /// What is wrong.
    pub kind: StoreErrorKind,
}

/// Kinds of [`StoreError`]. In all of them the file is as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// There is a file of that name already.
    Exists,
    /// There is no file of that name.
    Missing,
    /// Another drive has it.
    InUse,
    /// The file is no disc file, or a damaged one.
    Damaged {
        /// Byte of the file at which that shows.
        offset: u64,
        /// What stands there and what should.
        what: String,
    },
    /// The file is of a later version of the format.
    Newer {
        /// Its version.
        version: u32,
    },
    /// The journal has no room for the record; a snapshot makes room.
    JournalFull,
    /// Header, record or snapshot are larger than a store takes, or a slot lies past its end.
    TooLarge {
        /// What is.
        what: &'static str,
    },
    /// The system failed.
    Io {
        /// What was being done.
        doing: &'static str,
        /// Whether it was for want of space.
        full: bool,
        /// The system's words.
        why: String,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disc file {}: ", self.path)?;
        match &self.kind {
            StoreErrorKind::Exists => f.write_str("exists already"),
            StoreErrorKind::Missing => f.write_str("does not exist"),
            StoreErrorKind::InUse => f.write_str("is in use by another drive"),
            StoreErrorKind::Damaged { offset, what } => {
                write!(f, "is not a sound disc file: at byte {offset}: {what}")
            }
            StoreErrorKind::Newer { version } => {
                write!(f, "has format version {version}; this program knows up to 1")
            }
            StoreErrorKind::JournalFull => f.write_str("journal is full; take a snapshot"),
            StoreErrorKind::TooLarge { what } => write!(f, "{what} is too large"),
            StoreErrorKind::Io { doing, why, .. } => write!(f, "{doing}: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}
