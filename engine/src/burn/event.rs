//! What a burn tells while it runs. The only way in which it is observed.

use std::fmt;
use std::time::Duration;

use crate::drive::WaitReason;
use crate::units::{Blocks, Kbps, Lba};

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A stage of the burn begins.
    Stage(Stage),
    /// The drive is busy; told again while it stays so, about once a second.
    Wait {
        /// With what.
        reason: WaitReason,
        /// Since when.
        waited: Duration,
        /// How far it is, in thousandths, where the drive says so.
        permille: Option<u16>,
    },
    /// Blocks went by.
    Progress(Progress),
    /// A command is sent once more.
    Retry {
        /// The block it is about.
        block: Option<Lba>,
        /// What the drive said, in words.
        words: String,
        /// How long it is put off.
        pause: Duration,
    },
    /// Something worth knowing that does not stop the burn.
    Note(Note),
}

/// Stages of a burn, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Locking the tray, waking the drive.
    Prepare,
    /// Erasing.
    Blank,
    /// Formatting.
    Format,
    /// Writing the image.
    Write,
    /// Emptying the drive's buffer.
    Flush,
    /// Closing track, session, disc.
    Close,
    /// Reading back.
    Verify,
    /// Asking what state the disc is in, unlocking.
    Finish,
}

/// How far a stage is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// [`Stage::Write`] or [`Stage::Verify`].
    pub stage: Stage,
    /// Blocks done, padding included.
    pub done: Blocks,
    /// Blocks to do in this stage.
    pub total: Blocks,
    /// The last of them, counted from the image's start.
    pub block: Blocks,
    /// The file, or the part of the file system, that this block belongs to.
    pub file: Option<String>,
    /// User data a second since the last telling.
    pub rate: Kbps,
    /// The same in tenths of the medium's single speed.
    pub tenths: u32,
    /// How full the drive's buffer is, in percent, where it says so.
    pub buffer: Option<u8>,
    /// Time that this stage will take from now on at its mean speed so far.
    pub left: Option<Duration>,
}

/// Something that does not stop the burn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The drive recovered from an error by itself.
    Recovered {
        /// The command.
        command: &'static str,
        /// The block it was about.
        block: Option<Lba>,
        /// The drive's words.
        words: String,
    },
    /// The drive does not know a command that we can do without.
    Ignored {
        /// The command.
        command: &'static str,
        /// The drive's words.
        words: String,
    },
    /// The user asked to stop; the burn goes on to the next safe point.
    Stopping,
    /// A sample or the whole was read back and is equal.
    ReadBack {
        /// Blocks compared.
        blocks: Blocks,
    },
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Prepare => "preparing",
            Stage::Blank => "erasing",
            Stage::Format => "formatting",
            Stage::Write => "writing",
            Stage::Flush => "emptying the buffer",
            Stage::Close => "closing",
            Stage::Verify => "verifying",
            Stage::Finish => "finishing",
        })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Recovered { command, block, words } => {
                write!(f, "{command}")?;
                if let Some(block) = block {
                    write!(f, " at block {block}")?;
                }
                write!(f, ": the drive recovered: {words}")
            }
            Note::Ignored { command, words } => {
                write!(f, "{command} is not known to the drive, going on without: {words}")
            }
            Note::Stopping => f.write_str("stopping at the next safe point"),
            Note::ReadBack { blocks } => write!(f, "{blocks} blocks read back and equal"),
        }
    }
}
