//! What a disc knows about itself beside its blocks: tracks, sessions, format, wear. Everything
//! here lies on the disc in some structure of its kind (PMA and TOC of a CD, RMA of a DVD-R, ADIP
//! and disc information of a DVD+R, disc management of a BD) and is therefore what a drive finds
//! when it meets the disc.
//!
//! May not know: commands, time, buffers.

use engine::units::{Blocks, Lba};

use super::runs::Runs;
use crate::models::{MediumKind, MediumModel};

/// How a track is, or was, written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// CD, track at once.
    Tao,
    /// CD, session at once.
    Sao,
    /// DVD-R and DVD-RW, incremental.
    Incremental,
    /// DVD-R and DVD-RW, disc at once.
    Dao,
    /// DVD+R and BD-R, sequential.
    Sequential,
    /// Overwritable at random.
    Overwrite,
}

/// How far a track has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackState {
    /// Begun, takes more data at its next writable address.
    Open,
    /// Set aside with a fixed size.
    Reserved,
    /// Closed: takes no more data.
    Complete,
}

/// A track as the disc's own tables list it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its number on the disc, from 1.
    pub number: u16,
    /// The session it belongs to, from 1.
    pub session: u16,
    /// First block of user data.
    pub start: Lba,
    /// Size set aside, or final size; 0 while it may run to the end of the disc.
    pub size: Blocks,
    /// Behind the last block that the tables know to be recorded.
    pub end: Lba,
    /// How far it has come.
    pub state: TrackState,
    /// How it is written.
    pub way: Way,
    /// The tables and the recorded blocks agree: the last writing ended in order.
    pub clean: bool,
    /// Its end was lost and has been closed over: the recorded part may be read.
    pub damaged: bool,
    /// CONTROL nibble of the Q sub-channel: 4 for a data track.
    pub control: u8,
}

/// A closed session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its number on the disc, from 1.
    pub number: u16,
    /// Its first track.
    pub first_track: u16,
    /// Its last track.
    pub last_track: u16,
    /// Where its lead-out (or border-out) begins.
    pub lead_out: Lba,
    /// Where the first track of a further session would begin; nothing once the disc is finalised.
    pub next: Option<Lba>,
}

/// How far the formatting of an overwritable disc has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatState {
    /// Not formatted.
    None,
    /// Begun and stopped: a DVD+RW whose background formatting stopped, a DVD-RW in its
    /// intermediate state.
    Partial,
    /// Going on in the background.
    Running,
    /// Done.
    Complete,
}

/// The format of an overwritable disc, or of a BD-R with spares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// How far it has come.
    pub state: FormatState,
    /// FORMAT UNIT's format type, 6 bits.
    pub code: u8,
    /// Its sub-type.
    pub sub: u8,
    /// Blocks for user data.
    pub blocks: Blocks,
    /// Behind the last block that formatting has gone over.
    pub reached: Lba,
}

impl Format {
    /// No format.
    pub const NONE: Format =
        Format { state: FormatState::None, code: 0, sub: 0, blocks: Blocks(0), reached: Lba(0) };
}

/// Everything that is true of a disc except the content of its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// What was printed on its box, and what its maker put on it.
    pub model: MediumModel,
    /// Recorded and readable.
    pub recorded: Runs,
    /// Recorded with zeros that need no place in the store; part of `recorded`.
    pub zeros: Runs,
    /// Burnt, but holding nothing readable: run-out, links.
    pub links: Runs,
    /// Burnt twice or scratched: unreadable.
    pub damaged: Runs,
    /// Tracks in ascending order.
    pub tracks: Vec<Track>,
    /// Closed sessions in ascending order.
    pub sessions: Vec<Session>,
    /// The format of an overwritable disc.
    pub format: Format,
    /// Blanked by erasing only the tables: the data is stale, not gone (DVD-RW).
    pub minimal: bool,
    /// Closed for ever.
    pub finalised: bool,
    /// Power calibrations done.
    pub calibrations: u32,
    /// Erasures and formattings done.
    pub erasures: u32,
}

impl State {
    /// A blank disc.
    pub fn blank(model: MediumModel) -> State {
        State {
            model,
            recorded: Runs::new(),
            zeros: Runs::new(),
            links: Runs::new(),
            damaged: Runs::new(),
            tracks: Vec::new(),
            sessions: Vec::new(),
            format: Format::NONE,
            minimal: false,
            finalised: false,
            calibrations: 0,
            erasures: 0,
        }
    }

    /// What kind of disc.
    pub fn kind(&self) -> MediumKind {
        self.model.kind
    }

    /// Blocks for user data when unformatted, from LBA 0.
    pub fn capacity(&self) -> Blocks {
        Blocks(self.model.blocks)
    }

    /// Blocks that are recorded together: the ECC block (1 on CD, 16 on DVD, 32 on BD).
    pub fn unit(&self) -> Blocks {
        Blocks(self.model.kind.family().unit_sectors())
    }

    /// The track with this number.
    pub fn track(&self, number: u16) -> Option<&Track> {
        self.tracks.iter().find(|track| track.number == number)
    }

    /// The number of the session that new tracks join.
    pub fn open_session(&self) -> u16 {
        self.sessions.last().map_or(1, |session| session.number + 1)
    }

    /// The tracks that no session has closed over.
    pub fn open_tracks(&self) -> impl Iterator<Item = &Track> {
        let session = self.open_session();
        self.tracks.iter().filter(move |track| track.session == session)
    }

    /// Whether nothing was ever written since the disc was made or blanked.
    pub fn is_blank(&self) -> bool {
        self.tracks.is_empty() && self.sessions.is_empty() && !self.finalised
    }
}
