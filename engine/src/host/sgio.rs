//! A drive of this machine through Linux's SG_IO.
//!
//! Sends what it is told and judges only the wire: whether the drive was reached and spoke.

use std::fs::File;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;

use super::find::{self, OPTICAL};
use super::ioctl::{self, Answer};
use super::{Access, HostClock, OpenError, hold};
use crate::device::{
    Clock, Completion, Data, Device, DeviceError, DeviceErrorKind, Limits, Request, Status,
};

/// Used where the kernel does not say what the queue takes: every adapter carries this much.
const DEFAULT_TRANSFER: u32 = 32 * 1024;

/// More than this at a time gains nothing and needs kernel memory in one piece.
const LARGEST_TRANSFER: u32 = 512 * 1024;

/// A drive behind `/dev/srN` or `/dev/sgN`. Dropping it ends the exclusive claim.
#[derive(Debug)]
pub struct SgIo {
    node: PathBuf,
    file: File,
    /// The drive's other node, held so that nobody else comes in that way.
    _sibling: Option<File>,
    clock: HostClock,
    limits: Limits,
}

impl SgIo {
    /// Opens the drive at `node`, which may be a link, after asking it (by INQUIRY) whether it is
    /// a CD, DVD or BD drive.
    pub fn open(node: &Path, access: Access) -> Result<SgIo, OpenError> {
        let host = |error: std::io::Error| match error.raw_os_error() {
            Some(errno) => hold::failed(node, Errno::from_raw(errno)),
            None => OpenError::Host { node: node.to_owned(), detail: error.to_string() },
        };
        let path = node.canonicalize().map_err(host)?;
        let kind = path.metadata().map_err(host)?.file_type();
        if !kind.is_block_device() && !kind.is_char_device() {
            let why = if kind.is_dir() { "it is a directory" } else { "it is no device node" };
            return Err(OpenError::NotADrive { node: node.to_owned(), why: why.to_owned() });
        }
        let (file, sibling) = match access {
            Access::Shared => {
                (hold::open(&path, 0).map_err(|errno| hold::failed(node, errno))?, None)
            }
            Access::Exclusive => {
                let drives = find::known(Path::new("/sys"), Path::new("/dev"));
                let known =
                    hold::numbers_of(&path).and_then(|numbers| hold::drive_of(&drives, numbers));
                hold::claim_both(&path, node, known)?
            }
        };
        let max = ioctl::max_transfer(&file).unwrap_or(DEFAULT_TRANSFER);
        let limits = Limits::new(max.clamp(4096, LARGEST_TRANSFER));
        let clock = HostClock::new();
        let mut drive = SgIo { node: node.to_owned(), file, _sibling: sibling, clock, limits };
        drive.check_is_optical()?;
        Ok(drive)
    }

    /// The node as it was named.
    pub fn node(&self) -> &Path {
        &self.node
    }

    /// INQUIRY's first byte: peripheral qualifier and device type (SPC-4, 6.6.2).
    fn check_is_optical(&mut self) -> Result<(), OpenError> {
        let node = || self.node.clone();
        let mut inquiry = [0; 36];
        let cdb = [0x12, 0, 0, 0, inquiry.len() as u8, 0];
        let data = Data::In(&mut inquiry);
        let answer = match ioctl::sg_io(&self.file, &cdb, data, Duration::from_secs(30)) {
            Err(Errno::ENOTTY | Errno::EINVAL) => {
                let why = "it takes no SCSI commands".to_owned();
                return Err(OpenError::NotADrive { node: node(), why });
            }
            result => result.map_err(|errno| hold::failed(&self.node, errno))?,
        };
        let spoke = verdict(&answer, false).map_err(|(_, detail)| detail.to_owned());
        let inquired = spoke.and_then(|()| match answer.status {
            0 if (answer.residual as usize) < inquiry.len() => Ok(()),
            _ => Err("the device does not answer INQUIRY".to_owned()),
        });
        inquired.map_err(|detail| OpenError::Host { node: node(), detail })?;
        match (inquiry[0] >> 5, inquiry[0] & 0x1F) {
            (0, OPTICAL) => Ok(()),
            (0, other) => {
                let why = format!("SCSI device type {other}, not {OPTICAL}");
                Err(OpenError::NotADrive { node: node(), why })
            }
            _ => Err(OpenError::Missing { node: node() }),
        }
    }
}

impl Device for SgIo {
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        let len = data.len();
        if len > self.limits.max_transfer as usize {
            return Err(DeviceError::new(
                DeviceErrorKind::Host,
                format!(
                    "{} takes at most {} bytes in one command, not {len}",
                    self.node.display(),
                    self.limits.max_transfer
                ),
            ));
        }
        let start = self.clock.now();
        let answer = ioctl::sg_io(&self.file, request.cdb.bytes(), data, request.timeout).map_err(
            |errno| {
                let (kind, why) = not_sent(errno);
                DeviceError::new(kind, format!("{}: {why} ({errno})", self.node.display()))
            },
        )?;
        let elapsed = self.clock.now().since(start);
        verdict(&answer, elapsed >= request.timeout).map_err(|(kind, why)| {
            let Answer { host, driver, .. } = answer;
            let statuses = format!("host status {host:#04x}, driver status {driver:#04x}");
            DeviceError::new(kind, format!("{}: {why} ({statuses})", self.node.display()))
        })?;
        Ok(completion(answer, len, elapsed))
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

/// A failure of the wire: its kind and what to tell a person.
type Fault = (DeviceErrorKind, &'static str);

/// What a failed SG_IO call means: the kernel did not get an answer and may not have sent anything.
fn not_sent(errno: Errno) -> Fault {
    match errno {
        Errno::ENODEV | Errno::ENXIO => (DeviceErrorKind::Gone, "the kernel has no device there"),
        Errno::ETIMEDOUT => (DeviceErrorKind::TimedOut, "the kernel gave the command up"),
        Errno::EPERM | Errno::EACCES => {
            (DeviceErrorKind::Host, "the kernel does not let this user send the command")
        }
        Errno::EBUSY => (DeviceErrorKind::Host, "the kernel is busy with the device"),
        Errno::ENOMEM => (DeviceErrorKind::Host, "the kernel has no memory for the data"),
        other => (DeviceErrorKind::Host, other.desc()),
    }
}

/// Whether the drive spoke. `overdue`: the time limit had passed when the kernel returned.
///
/// The numbers are the kernel's `DID_*` and `DRIVER_*`, part of the SG_IO interface.
fn verdict(answer: &Answer, overdue: bool) -> Result<(), Fault> {
    let fault = match answer.host {
        0x00 => None,
        0x01 | 0x04 => Some((DeviceErrorKind::Gone, "no device answers")),
        0x02 => Some((DeviceErrorKind::Host, "the bus stayed busy")),
        0x03 => Some((DeviceErrorKind::TimedOut, "the time limit passed")),
        // Adapters give an overdue command up by aborting it or by a reset.
        0x05 | 0x08 if overdue => Some((DeviceErrorKind::TimedOut, "the time limit passed")),
        0x05 => Some((DeviceErrorKind::Reset, "the command was aborted on the way")),
        0x06 => Some((DeviceErrorKind::Host, "a parity error on the bus")),
        0x08 => Some((DeviceErrorKind::Reset, "the bus or the device was reset")),
        0x0E | 0x0F => Some((DeviceErrorKind::Gone, "the connection broke down")),
        0x0C | 0x0D => Some((DeviceErrorKind::Reset, "the adapter wants the command again")),
        _ => Some((DeviceErrorKind::Host, "the adapter failed")),
    };
    // 0 on kernels that no longer use it; 8 says that there is sense data.
    let fault = fault.or(match answer.driver & 0x0F {
        0 | 8 => None,
        6 => Some((DeviceErrorKind::TimedOut, "the time limit passed")),
        _ => Some((DeviceErrorKind::Host, "the driver failed")),
    });
    match fault {
        // Some adapters report their own failure along with what the drive said.
        Some((DeviceErrorKind::Host, _)) if answer.status == CHECK && !answer.sense.is_empty() => {
            Ok(())
        }
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

const CHECK: u8 = 0x02;

fn completion(answer: Answer, len: usize, elapsed: Duration) -> Completion {
    let status = match answer.status {
        0x00 => Status::Good,
        CHECK => Status::CheckCondition,
        0x08 => Status::Busy,
        other => Status::Other(other),
    };
    let sense = if status == Status::CheckCondition { answer.sense } else { Vec::new() };
    // Adapters have been seen to count below zero and beyond the data.
    let residual = u32::try_from(answer.residual).unwrap_or(0);
    let residual = residual.min(u32::try_from(len).unwrap_or(u32::MAX));
    Completion { status, sense, residual, elapsed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u8, host: u16, driver: u16) -> Answer {
        Answer { status, host, driver, ..Answer::default() }
    }

    fn kind(answer: &Answer, overdue: bool) -> Option<DeviceErrorKind> {
        verdict(answer, overdue).err().map(|fault| fault.0)
    }

    #[test]
    fn adapter_failures_are_told_apart() {
        use DeviceErrorKind::{Gone, Host, Reset, TimedOut};
        // Host byte as in the kernel's scsi_status.h.
        let table = [
            (0x00, None),
            (0x01, Some(Gone)),
            (0x02, Some(Host)),
            (0x03, Some(TimedOut)),
            (0x05, Some(Reset)),
            (0x07, Some(Host)),
            (0x08, Some(Reset)),
            (0x0E, Some(Gone)),
            (0x12, Some(Host)),
        ];
        for (host, expected) in table {
            assert_eq!(kind(&answer(0, host, 0), false), expected, "host byte {host:#x}");
        }
        assert_eq!(kind(&answer(0, 0x05, 0), true), Some(TimedOut));
        assert_eq!(kind(&answer(0, 0, 0x06), false), Some(TimedOut));
        assert_eq!(kind(&answer(2, 0, 0x08), false), None);
    }

    #[test]
    fn what_the_drive_said_outranks_the_adapter() {
        let sense = vec![0x70, 0, 3, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x0C, 0, 0, 0, 0, 0];
        let said = Answer { sense: sense.clone(), residual: -4, ..answer(2, 0x07, 8) };
        assert_eq!(kind(&said, false), None);
        let spoken = completion(said, 2048, Duration::ZERO);
        assert_eq!((spoken.status, spoken.residual), (Status::CheckCondition, 0));
        assert_eq!(spoken.sense, sense);
        let lost = Answer { sense, ..answer(2, 0x03, 0) };
        assert_eq!(kind(&lost, false), Some(DeviceErrorKind::TimedOut));
    }

    #[test]
    fn the_residual_never_exceeds_the_data() {
        let much = Answer { residual: 5000, ..answer(0, 0, 0) };
        assert_eq!(completion(much, 2048, Duration::ZERO).residual, 2048);
    }

    #[test]
    fn a_vanished_device_is_gone_and_a_refusal_is_the_hosts() {
        assert_eq!(not_sent(Errno::ENODEV).0, DeviceErrorKind::Gone);
        assert_eq!(not_sent(Errno::ENXIO).0, DeviceErrorKind::Gone);
        assert_eq!(not_sent(Errno::EPERM).0, DeviceErrorKind::Host);
    }

    #[test]
    fn what_is_no_drive_is_not_opened() {
        let open = |path: &str, access| SgIo::open(Path::new(path), access).map(|_| ());
        let missing = Err(OpenError::Missing { node: "/dev/nonexistent9".into() });
        assert_eq!(open("/dev/nonexistent9", Access::Shared), missing);
        for access in [Access::Shared, Access::Exclusive] {
            for path in ["/dev/null", "/dev", "/proc/self/comm"] {
                let refused = open(path, access);
                assert!(matches!(refused, Err(OpenError::NotADrive { .. })), "{path}: {refused:?}");
            }
        }
    }
}
