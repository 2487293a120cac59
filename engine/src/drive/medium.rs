//! What lies in the tray.

use std::fmt;

use crate::media::Rules;
use crate::mmc::disc::BackgroundFormat;
use crate::mmc::feature::FeatureCode;
use crate::mmc::format::FormatType;
use crate::mmc::profile::Profile;
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

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Blank => "blank",
            State::Unformatted => "not formatted",
            State::Appendable => "appendable",
            State::Complete => "closed",
            State::Overwritable => "can be written over",
            State::Damaged => "damaged",
        })
    }
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
    pub kind: FormatType,
    /// Its sub-type.
    pub sub_type: u8,
    /// Blocks it will hold.
    pub blocks: Blocks,
    /// The type dependent parameter.
    pub parameter: u32,
}

/// The medium in the tray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Medium {
    /// Current profile.
    pub profile: Profile,
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
    /// Number of the last session's first track.
    pub first_track_last_session: u16,
    /// The tracks, in order, an invisible one included.
    pub tracks: Vec<Track>,
    /// Readable blocks as READ CAPACITY has it: last block and one. Zero on a blank disc.
    pub readable: Blocks,
    /// Blocks that can be written from `next` on, or after formatting.
    pub free: Blocks,
    /// Next writable address.
    pub next: Option<Lba>,
    /// It can be written over and is known to hold nothing: the blocks where file systems begin are
    /// zeros. Only found out on demand ([`super::Recorder::look_for_content`]).
    pub vacant: bool,
    /// Features that are current with this medium in the drive.
    pub features: Vec<FeatureCode>,
    /// How far formatting in the background is.
    pub background_format: BackgroundFormat,
    /// On a CD the latest place for its lead-out, where the drive says it.
    pub last_lead_out: Option<Lba>,
    /// Offered formats.
    pub formats: Vec<Format>,
    /// Manufacturer and media type as the disc names them.
    pub manufacturer: Option<String>,
}

impl Medium {
    /// What a person calls it: `DVD+R`.
    pub fn name(&self) -> String {
        self.rules.map_or_else(|| self.profile.to_string(), |rules| rules.name.to_owned())
    }

    /// Whether a feature is current with this medium in the drive.
    pub fn has(&self, feature: FeatureCode) -> bool {
        self.features.contains(&feature)
    }

    /// Where the newest session with something in it begins; `None` on a disc that holds nothing.
    pub fn newest_session(&self) -> Option<Lba> {
        if self.state == State::Overwritable {
            return Some(Lba(0));
        }
        let recorded = self.tracks.iter().filter(|track| !track.blank);
        let session = recorded.clone().map(|track| track.session).max()?;
        recorded.filter(|track| track.session == session).map(|track| track.start).min()
    }

    /// The last track with something recorded in it.
    pub fn last_recorded(&self) -> Option<&Track> {
        self.tracks.iter().rev().find(|track| !track.blank)
    }
}
