//! What can go wrong between a recorder and us.

use std::fmt;
use std::time::Duration;

use crate::device::DeviceError;
use crate::mmc::wire::WireError;
use crate::units::Lba;

/// A command that was not carried out as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The recorder's address.
    pub device: String,
    /// The command, by its standard name.
    pub command: &'static str,
    /// The block that it was about, if about one.
    pub block: Option<Lba>,
    /// What went wrong.
    pub kind: ErrorKind,
}

/// Kinds of [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The wire failed; the drive said nothing.
    Wire(DeviceError),
    /// The drive refused or failed the command and said why.
    Sense {
        /// Sense key (SPC-4, 4.5.6).
        key: u8,
        /// Additional sense code and its qualifier (SPC-4, 4.5.6).
        asc: (u8, u8),
        /// The same in words.
        words: String,
    },
    /// A status other than GOOD and CHECK CONDITION, or CHECK CONDITION without sense.
    Status(u8),
    /// The drive's answer is not what the standard says it is.
    Answer(WireError),
    /// No disc in the drive.
    NoDisc,
    /// The drive did not become ready in this time.
    NotReady(Duration),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.device, self.command)?;
        if let Some(block) = self.block {
            write!(f, " at block {block}")?;
        }
        match &self.kind {
            ErrorKind::Wire(error) => write!(f, ": {error}"),
            ErrorKind::Sense { key, asc: (asc, ascq), words } => {
                write!(f, ": {words} ({key:X}/{asc:02X}/{ascq:02X})")
            }
            ErrorKind::Status(status) => write!(f, ": status {status:02X}h without sense"),
            ErrorKind::Answer(error) => write!(f, ": the drive's answer makes no sense: {error}"),
            ErrorKind::NoDisc => write!(f, ": there is no disc in the drive"),
            ErrorKind::NotReady(limit) => {
                write!(f, ": the drive was not ready after {} s", limit.as_secs())
            }
        }
    }
}

impl std::error::Error for Error {}
