//! Where a job happens: a drive with its disc, its clock and the tools around it. The only module
//! that knows both real and virtual drives; a [`Place`] is used the same way whichever it is.

mod address;
mod disc;

use std::path::PathBuf;

use engine::device::{Clock, Device};
use engine::drive::Recorder;
use engine::host::{Access, HostClock, SgIo};
use vdrive::models::MediumModel;

pub use address::Address;
pub use disc::{big_enough, make_disc, medium_named};

use crate::exit::{Exit, Failure};

/// What is wanted of a place.
#[derive(Clone, Debug, Default)]
pub struct Want {
    /// The drive's address; the virtual drive if none.
    pub drive: Option<String>,
    /// The disc file in the virtual drive's tray.
    pub disc: Option<PathBuf>,
    /// Where to write every command and its answer.
    pub trace: Option<PathBuf>,
    /// The seed of everything random in the virtual drive.
    pub seed: Option<u64>,
}

impl Want {
    /// The drive's address, and that what is wanted goes together.
    pub fn address(&self) -> Result<Address, Failure> {
        let text = self.drive.as_deref().unwrap_or("virtual");
        let address: Address = text.parse()?;
        if matches!(address, Address::Host(_)) {
            for (given, flag) in [(self.disc.is_some(), "--disc"), (self.seed.is_some(), "--seed")]
            {
                if given {
                    let what = format!("{flag} is for virtual drives, and {text} is a device");
                    return Err(Failure::new(Exit::Usage, what));
                }
            }
        }
        Ok(address)
    }
}

/// What lies in the tray.
#[derive(Clone, Debug)]
pub enum Tray {
    /// Whatever lies in the real drive.
    Real,
    /// Nothing, in a virtual drive.
    Empty,
    /// The disc of this file.
    File(PathBuf),
    /// A blank disc, made now.
    New {
        /// Its file.
        file: PathBuf,
        /// What it is.
        medium: MediumModel,
    },
    /// A blank disc that is gone with the place.
    Scratch(MediumModel),
}

/// A drive that can be used.
pub struct Place {
    device: Box<dyn Device>,
    clock: Box<dyn Clock>,
    address: String,
}

impl Place {
    /// Opens the drive at `address`, with what lies in the tray.
    pub fn open(
        want: &Want,
        address: &Address,
        tray: Tray,
        access: Access,
    ) -> Result<Place, Failure> {
        let (device, clock): (Box<dyn Device>, Box<dyn Clock>) = match address {
            Address::Host(node) => {
                (Box::new(SgIo::open(node, access)?), Box::new(HostClock::new()))
            }
            Address::Virtual(address) => disc::virtual_drive(address, tray, want.seed)?,
        };
        Ok(Place { device, clock, address: address.to_string() })
    }

    /// The drive as a recorder.
    pub fn recorder(&mut self) -> Recorder<'_> {
        Recorder::new(&mut *self.device, &*self.clock, self.address.clone())
    }
}
