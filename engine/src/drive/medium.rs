//! What lies in the tray.

use crate::media::Rules;
use crate::units::{Blocks, Lba};

/// The state of a disc as a whole (MMC-6, 6.22.3.1, disc status, with what formats add).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum State {
    /// Nothing recorded.
    Blank,
    /// Must be formatted before it can be written.
    Unformatted,
    /// Something can be added; the last session may be empty or incomplete.
    Appendable,
    /// Closed for good, or pressed.
    Complete,
    /// Formatted: any block can be written over.
    Overwritable,
    /// The drive reports its last session as damaged.
    Damaged,
}

/// The state of a session (MMC-6, 6.22.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Session {
    /// Nothing in it yet.
    Empty,
    /// Begun and not closed.
    Incomplete,
    /// Damaged.
    Damaged,
    /// Closed.
    Complete,
}

/// A track (MMC-6, 6.27).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its number.
    pub number: u16,
    /// Its session's number.
    pub session: u16,
    /// First block.
    pub start: Lba,
    /// Its size. Of a track not yet recorded to its end: up to where it may grow.
    pub blocks: Blocks,
    /// Where it can be written next, if it can.
    pub next: Option<Lba>,
    /// Last recorded block where the drive knows it.
    pub last_recorded: Option<Lba>,
    /// Blocks that can still be written into it.
    pub free: Blocks,
    /// Nothing recorded in it.
    pub blank: bool,
    /// Reserved.
    pub reserved: bool,
    /// The drive reports damage.
    pub damaged: bool,
    /// Holds data, not audio.
    pub data: bool,
}

/// A way in which the drive offers to format the medium (READ FORMAT CAPACITIES, MMC-6, 6.23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Format type.
    pub kind: u8,
    /// Blocks it will hold.
    pub blocks: Blocks,
    /// The type dependent parameter.
    pub parameter: u32,
}

/// The medium in the tray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Medium {
    /// Current profile number.
    pub profile: u16,
    /// What holds for this kind, or `None` for one not known here.
    pub rules: Option<&'static Rules>,
    /// State of the whole disc.
    pub state: State,
    /// State of the last session.
    pub last_session: Session,
    /// Whether what is on it can be erased or written over.
    pub erasable: bool,
    /// Number of sessions, an empty open one included.
    pub sessions: u16,
    /// The tracks, in order, an invisible one included.
    pub tracks: Vec<Track>,
    /// Readable blocks as READ CAPACITY has it: last block and one. Zero on a blank disc.
    pub readable: Blocks,
    /// Blocks that can be written from `next` on, or after formatting.
    pub free: Blocks,
    /// Next writable address.
    pub next: Option<Lba>,
    /// Whether feature 0021h (incremental streaming writable) is current.
    pub incremental: bool,
    /// State of background formatting: 0 none, 1 begun, 2 running, 3 complete
    /// (MMC-6, 6.22.3.1).
    pub background_format: u8,
    /// Offered formats.
    pub formats: Vec<Format>,
    /// Manufacturer and media type as the disc names them.
    pub manufacturer: Option<String>,
}

impl Medium {
    /// What a person calls it: `DVD+R`, or the profile number.
    pub fn name(&self) -> String {
        self.rules.map_or_else(|| format!("profile {:04X}h", self.profile), |r| r.name.to_owned())
    }
}
