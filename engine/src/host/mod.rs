//! This machine: its recorders behind [`SgIo`], its clock, its interrupt key, its urge to sleep.
//!
//! Implements the traits of [`crate::device`]; nothing else in `engine` names this module. The only
//! place in `engine` with `unsafe`, kept in `ioctl` and `signals`. On systems other than Linux
//! everything compiles and opening a drive says that it is not supported.
//!
//! May not know: media, images, burn jobs, what a command means.

mod awake;
mod clock;
mod open;

#[cfg(target_os = "linux")]
mod find;
#[cfg(target_os = "linux")]
mod hold;
#[cfg(target_os = "linux")]
mod ioctl;
#[cfg(target_os = "linux")]
mod sgio;
#[cfg(unix)]
mod signals;
#[cfg(not(target_os = "linux"))]
mod unsupported;

pub use awake::Awake;
pub use clock::HostClock;
#[cfg(target_os = "linux")]
pub use find::recorders;
pub use open::{Access, AttachedDrive, OpenError};
#[cfg(target_os = "linux")]
pub use sgio::SgIo;
#[cfg(unix)]
pub use signals::{on_interrupt, wait_for_interrupt};
#[cfg(not(target_os = "linux"))]
pub use unsupported::{SgIo, recorders};
#[cfg(not(unix))]
pub use unsupported::{on_interrupt, wait_for_interrupt};
