//! From what the layers below report to a [`Failure`] with its exit code and advice.

use engine::burn::{self, Class, Fault};
use engine::drive;
use engine::host::OpenError;
use engine::image::read::{ExtractError, ReadError};
use engine::image::{LayoutError, ScanError, SourceError, TreeError, WriteError};

use crate::exit::{Exit, Failure};

impl From<burn::Error> for Failure {
    fn from(error: burn::Error) -> Failure {
        let exit = match error.class() {
            Class::Misuse => Exit::Usage,
            Class::NoDisc => Exit::NoMedium,
            Class::Medium if matches!(*error.fault, Fault::TooSmall { .. }) => Exit::TooSmall,
            Class::Medium => Exit::Medium,
            Class::Source => Exit::Source,
            Class::Drive => Exit::DriveFailed,
            Class::Wire => Exit::Connection,
            Class::Verify => Exit::Verify,
            Class::Cancelled => Exit::Stopped,
            _ => Exit::Internal,
        };
        let erase =
            matches!(*error.fault, Fault::Closed { erasable: true, .. } | Fault::NotBlank { .. });
        let failure = Failure::new(exit, error.to_string()).advise(error.advice());
        if erase { failure.advise("--overwrite gives that consent.") } else { failure }
    }
}

impl From<drive::Error> for Failure {
    fn from(error: drive::Error) -> Failure {
        let (exit, advice) = match error.kind {
            drive::ErrorKind::Wire(_) => {
                (Exit::Connection, "Check cable and power, then look at the disc with `kiln info`.")
            }
            drive::ErrorKind::NoDisc => (Exit::NoMedium, "Put a disc in and close the tray."),
            drive::ErrorKind::NotReady(_) => {
                (Exit::DriveFailed, "Open and close the tray, or try another disc.")
            }
            _ => (Exit::DriveFailed, "Clean the disc, or try another one."),
        };
        Failure::new(exit, error.to_string()).advise(advice)
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Failure {
        Failure::new(Exit::Drive, error.to_string())
    }
}

impl From<ScanError> for Failure {
    fn from(error: ScanError) -> Failure {
        Failure::new(Exit::Source, error.to_string()).advise("Nothing was written.")
    }
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Failure {
        Failure::new(Exit::Source, error.to_string()).advise("Nothing was written.")
    }
}

impl From<LayoutError> for Failure {
    fn from(error: LayoutError) -> Failure {
        let exit = match error {
            LayoutError::VolumeId { .. } => Exit::Usage,
            LayoutError::TooLarge { .. } => Exit::TooSmall,
            _ => Exit::Source,
        };
        Failure::new(exit, error.to_string()).advise("Nothing was written.")
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Failure {
        Failure::new(Exit::Source, error.to_string())
            .advise("Make the file readable and leave it alone meanwhile.")
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Failure {
        match error {
            WriteError::Source(error) => error.into(),
            WriteError::Output(_) => Failure::new(Exit::Output, error.to_string()),
            WriteError::Stopped => Failure::new(Exit::Stopped, "stopped; nothing was kept"),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Failure {
        Failure::new(Exit::Image, error.to_string())
    }
}

impl From<ExtractError> for Failure {
    fn from(error: ExtractError) -> Failure {
        let exit = match error {
            ExtractError::Source { .. } | ExtractError::TooMuch { .. } => Exit::Image,
            _ => Exit::Output,
        };
        Failure::new(exit, error.to_string())
    }
}
