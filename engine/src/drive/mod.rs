//! A recorder as a person knows it: who made it, what it can do, what lies in it, tray, lock.
//!
//! [`Recorder`] asks and commands with the typed vocabulary of [`crate::mmc`] and waits until the
//! drive is ready. May not know: images, burn jobs, how the device is reached.

mod error;
mod medium;
mod recorder;
mod sectors;

pub use error::{Error, ErrorKind};
pub use medium::{Format, Medium, Session, State, Track};
pub use recorder::{Abilities, Identity, Locked, Recorder};
pub use sectors::DiscSectors;
