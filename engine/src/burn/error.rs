//! Why a burn was refused or ended early: whose fault, where, what the disc is now, what to do.

use std::fmt;

use super::DiscState;
use crate::drive;
use crate::image::sectors::SourceError;
use crate::units::{Blocks, Lba};

/// A burn that was refused or ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What went wrong.
    pub fault: Box<Fault>,
    /// The recorder's address.
    pub device: String,
    /// The disc now.
    pub disc: DiscState,
}

/// What went wrong, by whose fault it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The drive, or the way to it, failed a command.
    Drive(drive::Error),
    /// No disc in the drive.
    NoDisc,
    /// This drive cannot write this kind of medium, or no drive can.
    NotWritable {
        /// What lies in it.
        medium: String,
    },
    /// The disc is closed.
    Closed {
        /// What lies in it.
        medium: String,
        /// Whether it could be erased.
        erasable: bool,
    },
    /// The disc holds something and there is no consent to erase it.
    NotBlank {
        /// What lies in it.
        medium: String,
    },
    /// The last session was left open by an interrupted burn.
    SessionOpen {
        /// What lies in it.
        medium: String,
    },
    /// The drive reports damage that it cannot write behind.
    Damaged {
        /// What lies in it.
        medium: String,
    },
    /// The image does not fit.
    TooSmall {
        /// What lies in it.
        medium: String,
        /// Blocks needed, padding included.
        needs: Blocks,
        /// Blocks that can be written.
        has: Blocks,
    },
    /// Another session cannot follow on this disc as it is.
    CannotKeepOpen {
        /// What lies in it.
        medium: String,
    },
    /// The image was laid out for another place on the disc.
    WrongBase {
        /// The place it was laid out for.
        image: Lba,
        /// The place where it would come to lie.
        disc: Lba,
    },
    /// There is nothing to burn.
    Empty,
    /// The disc is not what it was when the burn was planned.
    Replaced {
        /// What is different.
        detail: String,
    },
    /// The bytes of the image cannot be had.
    Source(SourceError),
    /// The disc does not hold what was written to it.
    Mismatch {
        /// First differing or unreadable block on the disc.
        block: Lba,
        /// What of the image lies there.
        file: Option<String>,
        /// What the drive said, if it could not read the block.
        words: Option<String>,
    },
    /// The drive reported success for every command and the disc does not show it.
    NotRecorded {
        /// What is missing.
        detail: String,
    },
    /// The user asked to stop.
    Cancelled,
    /// Ours.
    Bug {
        /// What was not expected.
        detail: String,
    },
}

/// Classes of [`Error`] that programs tell apart, each for one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The caller asked for something that cannot be meant.
    Misuse,
    /// No disc in the drive.
    NoDisc,
    /// The disc cannot take this image: closed, not blank, damaged, too small, wrong kind.
    Medium,
    /// The image's source failed.
    Source,
    /// The drive failed.
    Drive,
    /// The way to the drive failed.
    Wire,
    /// The disc does not hold what was written to it.
    Verify,
    /// Stopped on request.
    Cancelled,
    /// Ours.
    Bug,
}

impl From<drive::Error> for Fault {
    fn from(error: drive::Error) -> Fault {
        match error.kind {
            drive::ErrorKind::NoDisc => Fault::NoDisc,
            _ => Fault::Drive(error),
        }
    }
}

impl Error {
    /// An error at `device` that left the disc as `disc` says.
    pub fn new(fault: Fault, device: impl Into<String>, disc: DiscState) -> Error {
        Error { fault: Box::new(fault), device: device.into(), disc }
    }

    /// Its class.
    pub fn class(&self) -> Class {
        match &*self.fault {
            Fault::Drive(error) => match error.kind {
                drive::ErrorKind::Wire(_) => Class::Wire,
                drive::ErrorKind::NoDisc => Class::NoDisc,
                _ => Class::Drive,
            },
            Fault::NoDisc => Class::NoDisc,
            Fault::NotWritable { .. }
            | Fault::Closed { .. }
            | Fault::NotBlank { .. }
            | Fault::SessionOpen { .. }
            | Fault::Damaged { .. }
            | Fault::Replaced { .. }
            | Fault::CannotKeepOpen { .. }
            | Fault::TooSmall { .. } => Class::Medium,
            Fault::WrongBase { .. } | Fault::Empty => Class::Misuse,
            Fault::Source(_) => Class::Source,
            Fault::Mismatch { .. } | Fault::NotRecorded { .. } => Class::Verify,
            Fault::Cancelled => Class::Cancelled,
            Fault::Bug { .. } => Class::Bug,
        }
    }

    /// What the user can do about it, as a sentence.
    pub fn advice(&self) -> &'static str {
        match &*self.fault {
            Fault::Drive(error) => match error.kind {
                drive::ErrorKind::Wire(_) => {
                    "Check cable and power, then look at the disc before burning again."
                }
                drive::ErrorKind::NoDisc => "Put a disc in and close the tray.",
                drive::ErrorKind::NotReady(_) => "Open and close the tray, or try another disc.",
                _ => "Clean the disc or try another one, and a lower speed.",
            },
            Fault::NoDisc => "Put a disc in and close the tray.",
            Fault::NotWritable { .. } => "Use a recordable disc of a kind that this drive writes.",
            Fault::Closed { erasable: true, .. } | Fault::NotBlank { .. } => {
                "Give consent to erase it, or use another disc."
            }
            Fault::Closed { .. } => "Use another disc: this one cannot be written again.",
            Fault::SessionOpen { .. } => "Close the open session first.",
            Fault::Damaged { .. } => {
                "Use another disc; earlier sessions of this one may be readable."
            }
            Fault::TooSmall { .. } => "Use a larger disc or burn less.",
            Fault::CannotKeepOpen { .. } => {
                "Close it, or give consent to erase the whole disc, which takes its time."
            }
            Fault::WrongBase { .. } => "Lay the image out for the place where the disc continues.",
            Fault::Empty => "Name something to burn.",
            Fault::Replaced { .. } => "Plan the burn again.",
            Fault::Source(_) => "Make the file readable and leave it alone while burning.",
            Fault::Mismatch { .. } => "Do not trust this disc: burn again, on another one.",
            Fault::NotRecorded { .. } => "Do not trust this disc: burn again, on another one.",
            Fault::Cancelled => "Start the burn again when you like.",
            Fault::Bug { .. } => "Report it with a trace of the run.",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Drive(error) => error.fmt(f),
            Fault::NoDisc => f.write_str("there is no disc in the drive"),
            Fault::NotWritable { medium } => write!(f, "{medium} cannot be written in this drive"),
            Fault::Closed { medium, .. } => write!(f, "the {medium} is closed"),
            Fault::NotBlank { medium } => write!(f, "the {medium} holds data"),
            Fault::SessionOpen { medium } => {
                write!(f, "the last session of the {medium} was left open by an interrupted burn")
            }
            Fault::Damaged { medium } => write!(f, "the {medium} is damaged"),
            Fault::TooSmall { medium, needs, has } => write!(
                f,
                "the {medium} is too small: {needs} blocks ({}) are needed, \
                 it has room for {has} ({})",
                needs.bytes(),
                has.bytes()
            ),
            Fault::CannotKeepOpen { medium } => {
                write!(f, "the {medium} can only be written in one go and closed")
            }
            Fault::WrongBase { image, disc } => write!(
                f,
                "the image was laid out for block {image} and would come to lie at block {disc}"
            ),
            Fault::Empty => f.write_str("the image is empty"),
            Fault::Replaced { detail } => {
                write!(f, "the disc is not the one for which the burn was planned: {detail}")
            }
            Fault::Source(error) => error.fmt(f),
            Fault::Mismatch { block, file, words } => {
                match words {
                    Some(words) => write!(f, "block {block} cannot be read back: {words}")?,
                    None => write!(f, "block {block} is not what was written to it")?,
                }
                file.iter().try_for_each(|file| write!(f, " ({file})"))
            }
            Fault::NotRecorded { detail } => {
                write!(f, "the drive reported success, but the disc does not show it: {detail}")
            }
            Fault::Cancelled => f.write_str("stopped on request"),
            Fault::Bug { detail } => write!(f, "an error in this program: {detail}"),
        }
    }
}

impl fmt::Display for Error {
    /// Device, what happened, the disc now. The advice comes separately.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.fault {
            Fault::Drive(error) => error.fmt(f)?,
            fault => write!(f, "{}: {fault}", self.device)?,
        }
        write!(f, "; {}", self.disc)
    }
}

impl std::error::Error for Error {}
