//! A recorder as a person knows it: who made it, what it can do, what lies in it, tray, lock.
//!
//! [`Recorder`] asks and commands with the typed vocabulary of [`crate::mmc`] and waits until the
//! drive is ready. May not know: images, burn jobs, how the device is reached.

mod error;
mod manufacturer;
pub(crate) mod mark;
mod medium;
pub(crate) mod recorder;
pub(crate) mod retry;
mod sectors;
pub(crate) mod survey;

use std::fmt;

pub use error::{Error, ErrorKind};
pub use mark::Mark;
pub use medium::{Format, Medium, Session, State, Track};
pub use recorder::{Abilities, Identity, Locked, Recorder};
pub use sectors::DiscSectors;

/// What a drive is busy with while it keeps us waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitReason {
    /// Spinning up, recognising the disc, calibrating.
    BecomingReady,
    /// Its buffer is full.
    BufferFull,
    /// Erasing.
    Blanking,
    /// Formatting.
    Formatting,
    /// Writing what is in its buffer.
    Flushing,
    /// Closing track, session, disc.
    Closing,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WaitReason::BecomingReady => "the drive is getting ready",
            WaitReason::BufferFull => "the drive's buffer is full",
            WaitReason::Blanking => "the disc is being erased",
            WaitReason::Formatting => "the disc is being formatted",
            WaitReason::Flushing => "the drive writes what is in its buffer",
            WaitReason::Closing => "the disc is being closed",
        })
    }
}
