//! Where a job happens: a drive with its disc, its clock and the tools around it. The only module
//! that knows both real and virtual drives; a [`Place`] is used the same way whichever it is.

mod address;
mod disc;
mod laboratory;
mod lent;

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::rc::Rc;

use engine::device::{Clock, Device, StackOptions, TraceSink, WriterSink, stack};
use engine::drive::Recorder;
use engine::host::{Access, HostClock, SgIo};
use vdrive::models::MediumModel;

pub use address::Address;
pub use disc::{big_enough, make_disc, medium_named, shrink};
pub use laboratory::{Cut, Laboratory};
pub use lent::{Lent, lend};

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
    clock: Rc<dyn Clock>,
    address: String,
    laboratory: Option<Laboratory>,
}

impl Place {
    /// Opens the drive at `address`, with what lies in the tray.
    pub fn open(
        want: &Want,
        address: &Address,
        tray: Tray,
        access: Access,
    ) -> Result<Place, Failure> {
        let trace = match &want.trace {
            None => None,
            Some(path) => {
                let file = File::create(path).map_err(|e| {
                    Failure::new(Exit::Output, format!("cannot write {}: {e}", path.display()))
                })?;
                let sink = WriterSink::new(BufWriter::new(file));
                Some(Box::new(sink) as Box<dyn TraceSink>)
            }
        };
        Place::open_traced(want, address, tray, access, trace)
    }

    /// The same with the trace going elsewhere than to a file.
    pub fn open_traced(
        want: &Want,
        address: &Address,
        tray: Tray,
        access: Access,
        trace: Option<Box<dyn TraceSink>>,
    ) -> Result<Place, Failure> {
        let (device, clock, laboratory): (Box<dyn Device>, Rc<dyn Clock>, _) = match address {
            Address::Host(node) => {
                (Box::new(SgIo::open(node, access)?), Rc::new(HostClock::new()), None)
            }
            Address::Virtual(address) => {
                let disc = disc::in_tray(&tray, address)?;
                let laboratory = Laboratory::new(address, disc, want.seed)?;
                let device = laboratory.device();
                (device, laboratory.clock(), Some(laboratory))
            }
        };
        let options = StackOptions { trace, ..StackOptions::default() };
        let device = stack(device, clock.clone(), options);
        Ok(Place { device, clock, address: address.to_string(), laboratory })
    }

    /// The drive as a recorder.
    pub fn recorder(&mut self) -> Recorder<'_> {
        Recorder::new(&mut *self.device, &*self.clock, self.address.clone())
    }

    /// The clock that the drive lives by.
    pub fn clock(&self) -> Rc<dyn Clock> {
        self.clock.clone()
    }

    /// What can be done to a virtual drive and its disc from outside; `None` for a real one.
    pub fn laboratory(&self) -> Option<&Laboratory> {
        self.laboratory.as_ref()
    }
}
