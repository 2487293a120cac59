//! The recorder itself.

use std::time::Duration;

use super::{Error, ErrorKind, Medium};
use crate::device::{Clock, Device};
use crate::units::Kbps;

/// A device that speaks MMC, the clock that counts for it, and its address for messages.
pub struct Recorder<'a> {
    device: &'a mut dyn Device,
    clock: &'a dyn Clock,
    address: String,
}

/// Who made the drive (INQUIRY, SPC-4, 6.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Vendor.
    pub vendor: String,
    /// Product.
    pub product: String,
    /// Firmware revision.
    pub revision: String,
}

/// What the drive can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Profiles it knows, in its order of preference; the flag says whether current.
    pub profiles: Vec<(u16, bool)>,
    /// Features by code; the flag says whether current.
    pub features: Vec<(u16, bool)>,
    /// Write speeds for the medium in it, fastest first.
    pub write_speeds: Vec<Kbps>,
    /// Fastest read speed for the medium in it.
    pub read_speed: Option<Kbps>,
}

impl<'a> Recorder<'a> {
    /// A recorder reached through `device`, its time counted by `clock`, called `address`.
    pub fn new(
        device: &'a mut dyn Device,
        clock: &'a dyn Clock,
        address: impl Into<String>,
    ) -> Recorder<'a> {
        Recorder { device, clock, address: address.into() }
    }

    /// The address as given.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The clock.
    pub fn clock(&self) -> &'a dyn Clock {
        self.clock
    }

    /// The device.
    pub fn device(&mut self) -> &mut dyn Device {
        self.device
    }

    fn unbuilt(&self, command: &'static str) -> Error {
        Error {
            device: self.address.clone(),
            command,
            block: None,
            kind: ErrorKind::NotReady(Duration::ZERO),
        }
    }

    /// Who made it. Works without a disc.
    pub fn identity(&mut self) -> Result<Identity, Error> {
        Err(self.unbuilt("INQUIRY"))
    }

    /// What it can do. Works without a disc.
    pub fn abilities(&mut self) -> Result<Abilities, Error> {
        Err(self.unbuilt("GET CONFIGURATION"))
    }

    /// Waits until the drive is ready for commands that need the disc: eats unit attentions, waits
    /// out spinning up and long operations. [`ErrorKind::NoDisc`] at once where there is none,
    /// [`ErrorKind::NotReady`] after `limit`.
    pub fn ready(&mut self, limit: Duration) -> Result<(), Error> {
        let _ = limit;
        Err(self.unbuilt("TEST UNIT READY"))
    }

    /// What lies in it. Waits until it is ready.
    pub fn medium(&mut self) -> Result<Medium, Error> {
        Err(self.unbuilt("READ DISC INFORMATION"))
    }

    /// Opens the tray.
    pub fn eject(&mut self) -> Result<(), Error> {
        Err(self.unbuilt("START STOP UNIT"))
    }

    /// Closes the tray.
    pub fn load(&mut self) -> Result<(), Error> {
        Err(self.unbuilt("START STOP UNIT"))
    }

    /// Locks the tray until the guard is dropped.
    pub fn lock(&mut self) -> Result<Locked<'_, 'a>, Error> {
        Err(self.unbuilt("PREVENT ALLOW MEDIUM REMOVAL"))
    }
}

/// A recorder with a locked tray; dropping it unlocks.
pub struct Locked<'r, 'a> {
    recorder: &'r mut Recorder<'a>,
}

impl<'a> std::ops::Deref for Locked<'_, 'a> {
    type Target = Recorder<'a>;
    fn deref(&self) -> &Recorder<'a> {
        self.recorder
    }
}

impl std::ops::DerefMut for Locked<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.recorder
    }
}
