//! What can go wrong between a recorder and us.

use std::fmt;
use std::time::Duration;

use crate::device::{DeviceError, Status};
use crate::mmc::sense::Sense;
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
    Sense(Sense),
    /// A status other than GOOD and CHECK CONDITION, or CHECK CONDITION without sense.
    Status(Status),
    /// The drive's answer is not what the standard says it is.
    Answer(WireError),
    /// No disc in the drive.
    NoDisc,
    /// The drive was busy for longer than this.
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
            ErrorKind::Sense(sense) => write!(f, ": {}", sense.say()),
            ErrorKind::Status(status) => write!(f, ": status {status:?} without sense"),
            ErrorKind::Answer(error) => write!(f, ": the drive's answer makes no sense: {error}"),
            ErrorKind::NoDisc => write!(f, ": there is no disc in the drive"),
            ErrorKind::NotReady(limit) => {
                write!(f, ": the drive was not ready after {} s", limit.as_secs())
            }
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mmc::sense::{SenseCode, SenseKey};

    #[test]
    fn errors_name_device_command_block_and_reason() {
        let sense = Sense::new(SenseCode::new(SenseKey::MediumError, 0x0c, 0x00));
        let error = Error {
            device: "/dev/sr0".to_owned(),
            command: "WRITE (10)",
            block: Some(Lba(1234)),
            kind: ErrorKind::Sense(sense),
        };
        let words = error.to_string();
        assert!(words.starts_with("/dev/sr0: WRITE (10) at block 1234: "), "{words}");
        assert!(words.contains("3/0C/00"), "{words}");
    }
}
