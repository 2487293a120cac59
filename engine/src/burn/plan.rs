//! What a burn will do, found out by asking only.

use std::fmt;
use std::time::Duration;

use super::decide::{decide, holds_something, known, place};
use super::{DiscState, Error, Options, Verify};
use crate::drive::{Identity, Mark, Recorder, State};
use crate::media::Rules;
use crate::mmc::cdb::CloseFunction;
use crate::mmc::format::FormatType;
use crate::units::{Blocks, Kbps, Lba};

/// What will be done, in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The recorder's address.
    pub device: String,
    /// The recorder.
    pub drive: Identity,
    /// The medium's rules.
    pub medium: &'static Rules,
    /// The medium's manufacturer and type where it names them.
    pub manufacturer: Option<String>,
    /// The disc's state before.
    pub state: State,
    /// How the disc is made ready.
    pub renew: Renew,
    /// How the image is written.
    pub mode: Mode,
    /// Where it starts.
    pub start: Lba,
    /// Its blocks.
    pub blocks: Blocks,
    /// Where the last of them lie, if they are the head of a volume that grows in place.
    pub heads: Vec<(Lba, Blocks)>,
    /// The only disc to write to.
    pub disc: Option<Mark>,
    /// Zero blocks behind it.
    pub padding: Blocks,
    /// Blocks that could be written from `start` on.
    pub room: Blocks,
    /// Write speed that will be asked for, or `None` where the drive offers no choice.
    pub speed: Option<Kbps>,
    /// Read speed that is asked for together with it, where the drive names one.
    pub read_speed: Option<Kbps>,
    /// How it is closed, in order.
    pub close: Vec<CloseStep>,
    /// Whether another session can follow afterwards.
    pub appendable: bool,
    /// What is read back.
    pub verify: Verify,
    /// Estimated time without verifying.
    pub duration: Duration,
}

/// How a disc is made ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Renew {
    /// It is ready.
    Nothing,
    /// BLANK with type 1: the shortest way to an empty disc.
    BlankMinimal,
    /// BLANK with type 0: every block.
    BlankFull,
    /// FORMAT UNIT.
    Format {
        /// Format type.
        kind: FormatType,
        /// Its sub-type.
        sub_type: u8,
        /// Blocks asked for.
        blocks: Blocks,
        /// The type dependent parameter.
        parameter: u32,
    },
    /// FORMAT UNIT that takes up a background format left off earlier.
    RestartFormat,
}

/// How an image is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// CD track at once.
    TrackAtOnce,
    /// DVD-R and DVD-RW incremental.
    Incremental,
    /// DVD-R and DVD-RW in one reserved go.
    DiscAtOnce,
    /// DVD+R and BD-R.
    Sequential,
    /// Rewritable media.
    Overwrite,
}

/// One CLOSE TRACK/SESSION.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloseStep {
    /// The track just written, of whatever number it has then.
    Track(CloseFunction),
    /// The session; another one can follow if the medium allows.
    Session(CloseFunction),
    /// Session and disc.
    Finalize(CloseFunction),
    /// Formatting in the background stops.
    StopFormat(CloseFunction),
}

/// Where the next session will lie and where the last one's volume descriptors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionBase {
    /// First block of the next session: what a layout and [`Options::base`] want.
    pub start: Lba,
    /// First block of the last complete session's first track, or `None` on an empty disc. Its
    /// volume descriptors begin 16 blocks further on (ECMA-119, 6.2.1 and 8.1.1).
    pub last: Option<Lba>,
    /// Blocks that can be written from `start` on.
    pub room: Blocks,
    /// The disc can be written over. If it holds something (`last` says so) and there is no consent
    /// to erase that, a volume on it can grow in place, behind its end ([`Options::heads`]).
    pub in_place: bool,
    /// The medium's rules, if it is known.
    pub rules: Option<&'static Rules>,
}

/// Plans the burn of an image of so many blocks on what lies in the drive. Sends only commands that
/// ask.
pub fn plan(recorder: &mut Recorder<'_>, blocks: Blocks, options: &Options) -> Result<Plan, Error> {
    let device = recorder.address().to_owned();
    decide(recorder, blocks, options)
        .map_err(|fault| Error::new(fault, device, DiscState::Untouched))
}

/// Where a burn with these options would start, and what came before it. Sends only commands that
/// ask.
pub fn session_base(recorder: &mut Recorder<'_>, options: &Options) -> Result<SessionBase, Error> {
    let device = recorder.address().to_owned();
    let fail = |fault| Error::new(fault, device.clone(), DiscState::Untouched);
    let medium = known(recorder, options).map_err(|error| fail(error.into()))?;
    if holds_something(&medium, options) {
        let (start, room) = (Lba(0), medium.free);
        let rules = medium.rules;
        return Ok(SessionBase { start, last: Some(start), room, in_place: true, rules });
    }
    let place = place(&medium, options, None).map_err(fail)?;
    let in_place = place.mode == Mode::Overwrite;
    let last = match (medium.state, place.renew) {
        (State::Appendable, Renew::Nothing) => {
            let before = medium.tracks.iter().filter(|track| track.session < medium.sessions);
            let session = before.clone().map(|track| track.session).max();
            before.filter(|track| Some(track.session) == session).map(|track| track.start).min()
        }
        _ => None,
    };
    Ok(SessionBase { start: place.start, last, room: place.room, in_place, rules: medium.rules })
}

impl Plan {
    /// All blocks that will be written.
    pub fn total(&self) -> Blocks {
        Blocks(self.blocks.0.saturating_add(self.padding.0))
    }

    /// The blocks of the image that lie from `start` on: all but the heads.
    pub fn in_row(&self) -> Blocks {
        self.heads.iter().fold(self.blocks, |left, (_, blocks)| left.saturating_sub(*blocks))
    }

    /// Where a block of the image lies on the disc, padding included, and how many from it on lie
    /// in a row. `None` where there is no such block or it has no address.
    pub fn place(&self, block: Blocks) -> Option<(Lba, Blocks)> {
        let row = if self.heads.is_empty() { self.total() } else { self.in_row() };
        let (mut first, mut piece) = (Blocks(0), (self.start, row));
        let mut heads = self.heads.iter();
        while block.0 >= first.0.checked_add(piece.1.0)? {
            first = Blocks(first.0 + piece.1.0);
            piece = *heads.next()?;
        }
        let behind = block - first;
        Some((piece.0.checked_add(behind)?, piece.1 - behind))
    }

    /// The block of the image that lies there.
    pub fn block_at(&self, at: Lba) -> Option<Blocks> {
        let mut first = self.in_row();
        for (start, blocks) in &self.heads {
            match at.checked_from(*start) {
                Some(behind) if behind < *blocks => return Some(Blocks(first.0 + behind.0)),
                _ => first = Blocks(first.0 + blocks.0),
            }
        }
        at.checked_from(self.start)
    }

    /// Whether a piece of the image begins with this block that leads to all before it.
    pub(crate) fn leads_from(&self, block: Blocks) -> bool {
        let mut first = self.in_row();
        self.heads.iter().any(|(_, blocks)| {
            let begins = first == block;
            first = Blocks(first.0.saturating_add(blocks.0));
            begins
        })
    }
}

impl fmt::Display for Plan {
    /// Some lines for a person, without a newline at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity { vendor, product, revision } = &self.drive;
        writeln!(f, "drive    {}: {vendor} {product} {revision}", self.device)?;
        write!(f, "medium   {}", self.medium.name)?;
        if let Some(manufacturer) = &self.manufacturer {
            write!(f, " ({manufacturer})")?;
        }
        let room = self.room.bytes();
        writeln!(f, ", {}, room for {} blocks ({room})", self.state, self.room)?;
        if self.renew != Renew::Nothing {
            writeln!(f, "prepare  {}", self.renew)?;
        }
        write!(f, "write    {}, {} blocks ({})", self.mode, self.blocks, self.blocks.bytes())?;
        if self.padding.0 > 0 {
            write!(f, " and {} of padding", self.padding)?;
        }
        writeln!(f, " from block {} on", self.start)?;
        if !self.heads.is_empty() {
            let places = self.heads.iter().map(|(start, _)| start.to_string());
            let places = places.collect::<Vec<_>>().join(" and ");
            writeln!(f, "head     at last, at block {places}: until then the old volume stays")?;
        }
        if let Some(disc) = &self.disc {
            writeln!(f, "disc     {disc}")?;
        }
        match self.speed {
            Some(speed) => {
                let tenths = self.medium.family.tenths(speed);
                writeln!(f, "speed    {}.{}x ({speed})", tenths / 10, tenths % 10)?;
            }
            None => writeln!(f, "speed    the drive's choice")?,
        }
        let close = match (self.appendable, self.mode) {
            (true, _) => "the session; another one can be added",
            (false, Mode::Overwrite) => "nothing for good; the disc can be written over",
            (false, _) => "the disc; nothing can be added",
        };
        writeln!(f, "close    {close}")?;
        let verify = match self.verify {
            Verify::None => "not at all",
            Verify::Quick => "samples",
            Verify::Full => "every block",
        };
        writeln!(f, "verify   {verify}")?;
        let seconds = self.duration.as_secs();
        write!(f, "time     about {} min {:02} s", seconds / 60, seconds % 60)?;
        if self.verify != Verify::None {
            write!(f, ", and verifying")?;
        }
        Ok(())
    }
}

impl fmt::Display for Renew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Renew::Nothing => "nothing",
            Renew::BlankMinimal => "erase quickly what the disc holds",
            Renew::BlankFull => "erase every block of the disc",
            Renew::Format { .. } => "format",
            Renew::RestartFormat => "go on with formatting",
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Mode::TrackAtOnce => "track at once",
            Mode::Incremental => "incrementally",
            Mode::DiscAtOnce => "disc at once",
            Mode::Sequential => "sequentially",
            Mode::Overwrite => "in place",
        })
    }
}
