//! What a disc knows about itself beside its blocks: tracks, sessions, format, wear. Everything
//! here lies on the disc in some structure of its kind (PMA and TOC of a CD, RMA of a DVD-R, ADIP
//! and disc information of a DVD+R, disc management of a BD) and is therefore what a drive finds
//! when it meets the disc.
//!
//! May not know: commands, time, buffers.

use std::collections::BTreeMap;

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
    /// CD, raw: the host makes everything.
    Raw,
    /// CD, in packets of any length.
    Packet,
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
    /// What a CD says besides.
    pub cd: CdTrack,
}

/// What the Q sub-channel and the program memory area of a CD say of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CdTrack {
    /// Blocks of pre-gap (index 0) before the first block.
    pub pregap: Blocks,
    /// Blocks from the track's start to each of its indexes from 2 on.
    pub indexes: Vec<Blocks>,
    /// Mode of its sectors, for a data track.
    pub mode: u8,
    /// Session format: 00h CD-DA and CD-ROM, 10h CD-I, 20h XA.
    pub format: u8,
    /// Blocks of a fixed packet; 0 where the packets vary or there are none.
    pub packet: u32,
    /// Recording code, twelve characters.
    pub isrc: Option<[u8; 12]>,
    /// Media catalogue number of the disc, thirteen digits.
    pub mcn: Option<[u8; 13]>,
}

impl Default for CdTrack {
    fn default() -> CdTrack {
        CdTrack {
            pregap: Blocks(150),
            indexes: Vec::new(),
            mode: 1,
            format: 0,
            packet: 0,
            isrc: None,
            mcn: None,
        }
    }
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

/// Format type of a BD-RE without spare areas (MMC-6, 6.5.4.2.14).
const NO_SPARES: u8 = 0x31;
/// Blocks of the primary spare area of a 4.7 GB DVD-RAM (ECMA-330, 17.5).
pub(crate) const RAM_PRIMARY: Blocks = Blocks(12_800);

/// Blocks of the supplementary spare areas that makers set aside on a DVD-RAM of this size: none on
/// small ones.
pub(crate) fn ram_supplementary(all: Blocks) -> Blocks {
    const USUAL: Blocks = Blocks(58_368);
    if all.0 >= 16 * USUAL.0 { USUAL } else { Blocks(0) }
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
    /// CD: sectors of audio.
    pub audio: Runs,
    /// CD: data sectors of which every byte is kept, not only the user data.
    pub whole: Runs,
    /// CD: sectors whose sub-channels are kept.
    pub sub: Runs,
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
    /// Units that defect management has put into a spare area, by the address that they still have.
    pub replaced: Runs,
    /// Pseudo-overwrite: where the clusters lie that were written again, by their addresses (both
    /// of the first block).
    pub remapped: BTreeMap<Lba, Lba>,
    /// Persistent write protection (PWP).
    pub protected: bool,
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
    /// A disc as it leaves its factory: blank. A DVD-RAM is formatted and certified there.
    pub fn blank(model: MediumModel) -> State {
        let (mut zeros, mut format) = (Runs::new(), Format::NONE);
        if model.kind == MediumKind::DvdRam {
            let all = Blocks(model.blocks);
            let blocks = all.saturating_sub(ram_supplementary(all));
            let reached = Lba(i32::try_from(blocks.0).unwrap_or(i32::MAX));
            format = Format { state: FormatState::Complete, blocks, reached, ..Format::NONE };
            zeros.insert(Lba(0), blocks);
        }
        State {
            model,
            recorded: zeros.clone(),
            zeros,
            audio: Runs::new(),
            whole: Runs::new(),
            sub: Runs::new(),
            links: Runs::new(),
            damaged: Runs::new(),
            tracks: Vec::new(),
            sessions: Vec::new(),
            format,
            replaced: Runs::new(),
            remapped: BTreeMap::new(),
            protected: false,
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

    /// Whether the disc has spare areas now, so that the drive replaces what it cannot record.
    pub fn has_spares(&self) -> bool {
        match self.kind() {
            MediumKind::DvdRam => true,
            MediumKind::BdR | MediumKind::BdRe => {
                self.format.state != FormatState::None && self.format.code != NO_SPARES
            }
            _ => false,
        }
    }

    /// Spare blocks that the disc has: those used and those left.
    pub fn spares(&self) -> Blocks {
        if !self.has_spares() {
            return Blocks(0);
        }
        let aside = self.capacity().saturating_sub(self.format.blocks);
        match self.kind() {
            MediumKind::DvdRam => Blocks(aside.0 + RAM_PRIMARY.0),
            _ => aside,
        }
    }

    /// Spare blocks that are left.
    pub fn spares_left(&self) -> Blocks {
        let used = u32::try_from(self.replaced.total()).unwrap_or(u32::MAX);
        self.spares().saturating_sub(Blocks(used))
    }

    /// Whether the disc is a BD-R whose recorded clusters can be written again (SRM+POW; MMC-6,
    /// 4.5.3.5.4).
    pub fn pseudo_overwrite(&self) -> bool {
        let format = self.format;
        self.kind() == MediumKind::BdR && format.state == FormatState::Complete && format.sub == 0
    }

    /// The first block of the recording unit that this block is in.
    pub fn unit_start(&self, at: Lba) -> Lba {
        let unit = self.unit().0.cast_signed();
        Lba(at.0.saturating_sub(at.0.rem_euclid(unit)))
    }

    /// Where the block of this address lies: elsewhere once it has been written again.
    pub fn place(&self, at: Lba) -> Lba {
        let start = self.unit_start(at);
        match self.remapped.get(&start) {
            Some(&there) => Lba(there.0 + (at.0 - start.0)),
            None => at,
        }
    }

    /// Where pseudo-overwrite puts the next cluster: behind everything recorded.
    pub fn remap_to(&self) -> Lba {
        let unit = self.unit().0.cast_signed();
        let ends = [&self.recorded, &self.links, &self.damaged].map(|runs| runs.end());
        let end = ends.into_iter().flatten().max().unwrap_or_default();
        Lba(end.0.saturating_add(unit - 1) / unit * unit)
    }

    /// Whether nothing was ever written since the disc was made or blanked.
    pub fn is_blank(&self) -> bool {
        self.tracks.is_empty() && self.sessions.is_empty() && !self.finalised
    }
}
