//! The one boundary: everything a burner does sits above [`Device`], everything that moves a
//! laser, or pretends to, sits below it.
//!
//! Two kinds of failure never mix. `Err` is the wire: the device is gone, was reset, did not answer
//! in time, a guard refused, the host failed. `Ok` with CHECK CONDITION is the drive speaking.
//! Devices that wrap a device ([`Traced`], [`Guarded`], [`Faulty`]) are tools, and [`Replay`] is a
//! recorded trace as a device; [`stack()`] builds them.
//!
//! May not know: media, images, burn jobs, or whether a device is real.

mod clock;
mod faulty;
mod guarded;
mod replay;
mod stack;
pub mod trace;
mod traced;

use std::fmt;
use std::time::Duration;

pub use clock::{Clock, ManualClock};
pub use faulty::{Fault, FaultKind, FaultMoment, FaultPlan, FaultTarget, Faulty};
pub use guarded::{Guard, Guarded};
pub use replay::Replay;
pub use stack::{StackOptions, stack};
pub use traced::{TraceSink, Traced, WriterSink};

/// A command descriptor block: 6, 10, 12 or 16 bytes (SPC-4, 4.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cdb {
    bytes: [u8; 16],
    len: u8,
}

impl Cdb {
    /// A CDB of these bytes. Panics if there are none or more than 16.
    pub fn new(bytes: &[u8]) -> Cdb {
        assert!((1..=16).contains(&bytes.len()), "a CDB has 1 to 16 bytes, not {}", bytes.len());
        let mut cdb = Cdb { bytes: [0; 16], len: bytes.len() as u8 };
        cdb.bytes[..bytes.len()].copy_from_slice(bytes);
        cdb
    }

    /// The bytes as they go over the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The operation code.
    pub fn opcode(&self) -> u8 {
        self.bytes[0]
    }
}

impl fmt::Debug for Cdb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.bytes().iter().enumerate() {
            write!(f, "{}{byte:02x}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// One command to carry out.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// What to do.
    pub cdb: Cdb,
    /// How long the transport may wait for the answer before it gives the command up.
    pub timeout: Duration,
}

/// The one data phase of a command.
#[derive(Debug)]
pub enum Data<'a> {
    /// No data.
    None,
    /// Device to host, at most this much. The bytes past what arrived keep their old value.
    In(&'a mut [u8]),
    /// Host to device.
    Out(&'a [u8]),
}

impl Data<'_> {
    /// Bytes that the host offers or has room for.
    pub fn len(&self) -> usize {
        match self {
            Data::None => 0,
            Data::In(room) => room.len(),
            Data::Out(bytes) => bytes.len(),
        }
    }

    /// Whether there is no data phase, or an empty one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// SCSI status (SAM-5, 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 00h.
    Good,
    /// 02h; the sense data says why.
    CheckCondition,
    /// 08h.
    Busy,
    /// Any other code.
    Other(u8),
}

/// What came back: the drive spoke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Status byte.
    pub status: Status,
    /// Sense data as received with CHECK CONDITION, else empty.
    pub sense: Vec<u8>,
    /// Bytes of the data phase that were not transferred.
    pub residual: u32,
    /// Time from issue to completion by the device's clock.
    pub elapsed: Duration,
}

/// What a device can take in one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest data phase in bytes.
    pub max_transfer: u32,
}

impl Limits {
    /// Limits with this largest data phase in bytes.
    pub fn new(max_transfer: u32) -> Limits {
        Limits { max_transfer }
    }
}

/// What went wrong on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceErrorKind {
    /// No device answers: unplugged, powered off, node removed.
    Gone,
    /// A bus or device reset ended the command; whether it was carried out is unknown.
    Reset,
    /// No answer within the request's time limit; whether it was carried out is unknown.
    TimedOut,
    /// A guard refused the command; it was not sent.
    Refused,
    /// The host could not send it: permission, memory, driver.
    Host,
}

/// A failure of the wire. The drive said nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceError {
    /// Which kind.
    pub kind: DeviceErrorKind,
    /// What the transport or the tool reports, as a clause for a person.
    pub detail: String,
}

impl DeviceError {
    /// An error of this kind.
    pub fn new(kind: DeviceErrorKind, detail: impl Into<String>) -> DeviceError {
        DeviceError { kind, detail: detail.into() }
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            DeviceErrorKind::Gone => "the device is gone",
            DeviceErrorKind::Reset => "the device was reset",
            DeviceErrorKind::TimedOut => "the device did not answer in time",
            DeviceErrorKind::Refused => "the command was refused before it was sent",
            DeviceErrorKind::Host => "the host could not send the command",
        };
        write!(f, "{kind}: {}", self.detail)
    }
}

impl std::error::Error for DeviceError {}

/// Something that carries out SCSI commands one at a time.
pub trait Device {
    /// Carries out one command with its data phase and returns when the device has answered.
    ///
    /// `Ok` with CHECK CONDITION: the drive spoke; `sense` holds its words (empty if the transport
    /// lost them). A CDB that the drive does not know, a data phase of the wrong length or
    /// direction are the drive's to judge. `Err`: the wire failed.
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError>;

    /// What one command can carry.
    fn limits(&self) -> Limits;
}

impl<D: Device + ?Sized> Device for &mut D {
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        (**self).execute(request, data)
    }

    fn limits(&self) -> Limits {
        (**self).limits()
    }
}

impl<D: Device + ?Sized> Device for Box<D> {
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        (**self).execute(request, data)
    }

    fn limits(&self) -> Limits {
        (**self).limits()
    }
}
