//! How a burn ended, and what the disc is then.

use std::fmt;

use crate::units::{Blocks, Lba};

/// What is true of the disc, as far as the drive can tell. Where it cannot, this says less.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscState {
    /// The drive can no longer be asked. [`super::assess`] finds out once it can.
    Unknown,
    /// No disc in the drive.
    NoDisc,
    /// Nothing was sent that changes the disc: it is as it was.
    Untouched,
    /// Nothing recorded on it.
    Blank,
    /// Must be formatted before use; nothing on it can be read.
    Unformatted,
    /// All sessions are closed, nothing can be added.
    Complete,
    /// All sessions are closed; another one can be added.
    Appendable {
        /// Where the next session's first track starts.
        next: Lba,
    },
    /// The last session is not closed. Earlier sessions are as they were.
    Open {
        /// The first block of its last track with something recorded.
        track: Lba,
        /// Blocks of that track before this address are recorded and can be read.
        readable_to: Lba,
        /// Where that track can be written on.
        next: Option<Lba>,
        /// Whether the session can be closed as it is, so that another one can follow
        /// ([`super::close_interrupted`]).
        closable: bool,
    },
    /// Formatted: every block can be written over. What the burn had not reached holds what it
    /// held.
    Overwritable {
        /// Where the image begins.
        from: Lba,
        /// Blocks of it before this address are recorded; 0 if none surely are.
        recorded_to: Lba,
    },
    /// What was being written cannot be read or written on. Earlier sessions are as they were. Only
    /// trying tells whether the session can still be closed, so that another one can follow
    /// ([`super::close_interrupted`]); a rewritable disc can be erased.
    Lost,
}

/// What was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verified {
    /// Nothing.
    No,
    /// Some blocks, all equal.
    Quick {
        /// How many.
        blocks: Blocks,
    },
    /// Every block, all equal.
    Full,
}

/// A burn that did what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Address of the image's first block.
    pub start: Lba,
    /// The image's blocks.
    pub blocks: Blocks,
    /// Zero blocks written behind it.
    pub padding: Blocks,
    /// What was compared.
    pub verified: Verified,
    /// The disc now.
    pub disc: DiscState,
}

impl fmt::Display for DiscState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiscState::Unknown => f.write_str("the state of the disc is not known"),
            DiscState::NoDisc => f.write_str("there is no disc"),
            DiscState::Untouched => f.write_str("the disc is as it was"),
            DiscState::Blank => f.write_str("the disc is blank"),
            DiscState::Unformatted => f.write_str("the disc is not formatted"),
            DiscState::Complete => f.write_str("the disc is closed, nothing can be added"),
            DiscState::Appendable { next } => {
                write!(f, "the disc is readable, another session can be added at block {next}")
            }
            DiscState::Open { track, readable_to, next, closable } => {
                write!(f, "the last session is open")?;
                if readable_to > track {
                    write!(f, ", readable from block {track} up to {readable_to}")?;
                }
                if let Some(next) = next {
                    write!(f, ", writable on from block {next}")?;
                }
                if *closable {
                    write!(f, ", and can be closed")?;
                }
                Ok(())
            }
            DiscState::Overwritable { recorded_to: Lba(0), .. } => {
                f.write_str("the disc can be written over")
            }
            DiscState::Overwritable { from, recorded_to } => {
                write!(f, "the disc can be written over; blocks {from} up to {recorded_to} are new")
            }
            DiscState::Lost => {
                f.write_str("what was being written is lost; earlier sessions are as they were")
            }
        }
    }
}
