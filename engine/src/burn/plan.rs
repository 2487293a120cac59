//! What a burn will do, found out by asking only.

use std::fmt;
use std::time::Duration;

use super::{DiscState, Error, Fault, Options, Verify};
use crate::drive::{Identity, Recorder, State};
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
    /// Zero blocks behind it.
    pub padding: Blocks,
    /// Blocks that could be written from `start` on.
    pub room: Blocks,
    /// Write speed that will be asked for, or `None` where the drive offers no choice.
    pub speed: Option<Kbps>,
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
}

/// Plans the burn of an image of so many blocks on what lies in the drive. Sends only commands that
/// ask.
pub fn plan(recorder: &mut Recorder<'_>, blocks: Blocks, options: &Options) -> Result<Plan, Error> {
    let _ = (blocks, options);
    Err(Error::new(
        Fault::Bug { detail: "planning is not built yet".to_owned() },
        recorder.address(),
        DiscState::Untouched,
    ))
}

/// Where a burn with these options would start, and what came before it.
pub fn session_base(recorder: &mut Recorder<'_>, options: &Options) -> Result<SessionBase, Error> {
    let _ = options;
    Err(Error::new(
        Fault::Bug { detail: "planning is not built yet".to_owned() },
        recorder.address(),
        DiscState::Untouched,
    ))
}

impl Plan {
    /// All blocks that will be written.
    pub fn total(&self) -> Blocks {
        Blocks(self.blocks.0.saturating_add(self.padding.0))
    }
}

impl fmt::Display for Plan {
    /// Some lines for a person, without a newline at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} {}", self.device, self.drive.vendor, self.drive.product)
    }
}
