//! Stands in where no transport is built: nothing is found, nothing opens.

use std::convert::Infallible;
use std::path::Path;

use super::{Access, AttachedDrive, OpenError};
use crate::device::{Completion, Data, Device, DeviceError, Limits, Request};

/// A drive of this machine; on this system none can be opened.
#[derive(Debug)]
pub struct SgIo {
    never: Infallible,
}

impl SgIo {
    /// Says that this system is not supported.
    pub fn open(_: &Path, _: Access) -> Result<SgIo, OpenError> {
        Err(OpenError::Unsupported)
    }

    /// The node as it was named.
    pub fn node(&self) -> &Path {
        match self.never {}
    }
}

impl Device for SgIo {
    fn execute(&mut self, _: &Request, _: Data<'_>) -> Result<Completion, DeviceError> {
        match self.never {}
    }

    fn limits(&self) -> Limits {
        match self.never {}
    }
}

/// The drives of this machine: none on this system.
pub fn recorders() -> Vec<AttachedDrive> {
    Vec::new()
}

/// A flag that nothing raises: this system's interrupt ends the program at once.
#[cfg(not(unix))]
pub fn on_interrupt() -> &'static std::sync::atomic::AtomicBool {
    static NEVER: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    &NEVER
}

/// Waits for ever: this system's interrupt ends the program at once.
#[cfg(not(unix))]
pub fn wait_for_interrupt() -> std::io::Result<()> {
    loop {
        std::thread::park();
    }
}
