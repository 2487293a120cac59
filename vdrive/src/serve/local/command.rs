//! A drive as Linux's SCSI layer holds it: the one nexus that all programs share, and the ways in
//! which the kernel itself sends commands through it.
//!
//! Knows nothing of nodes, open files and ioctls.

use std::os::unix::net::UnixStream;
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use engine::device::{Cdb, Clock, Completion, Data, DeviceErrorKind, Status};
use engine::mmc::sense::{Sense, SenseKey};
use nix::libc::{EIO, ENODEV, ENOMEDIUM, EOPNOTSUPP};

use super::cdrom::Sr;
use super::file::hung_up;
use super::tree::{Identity, Sizes};
use crate::serve::wall::{HostWall, Wall};
use crate::serve::{Lun, Nexus, Pace, Reset, Stop, lock};

/// What became of a command on its way to the drive: Linux's `DID_*`.
pub(super) mod host {
    pub(in super::super) const OK: u16 = 0x00;
    pub(in super::super) const TIME_OUT: u16 = 0x03;
    pub(in super::super) const ABORT: u16 = 0x05;
    pub(in super::super) const ERROR: u16 = 0x07;
    pub(in super::super) const RESET: u16 = 0x08;
}

/// CHECK CONDITION (SAM-5, 5.3.1).
pub(super) const CHECK: u8 = 0x02;

/// How long a command of the kernel's own may take.
const OWN_TIMEOUT: Duration = Duration::from_secs(30);

/// How often a waiting command looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(200);

/// What came back for a command.
#[derive(Debug)]
pub(super) struct Outcome {
    /// SCSI status.
    pub(super) status: u8,
    /// One of [`host`].
    pub(super) host: u16,
    /// Bytes of the data phase that were not transferred.
    pub(super) residual: u32,
    /// Sense data with CHECK CONDITION.
    pub(super) sense: Vec<u8>,
    /// How long the drive took.
    pub(super) elapsed: Duration,
}

impl Outcome {
    fn failed(host: u16, len: usize) -> Outcome {
        let residual = u32::try_from(len).unwrap_or(u32::MAX);
        Outcome { status: 0, host, residual, sense: Vec::new(), elapsed: Duration::ZERO }
    }

    fn spoken(completion: Completion) -> Outcome {
        let status = match completion.status {
            Status::Good => 0x00,
            Status::CheckCondition => CHECK,
            Status::Busy => 0x08,
            Status::Other(code) => code,
        };
        let (residual, sense) = (completion.residual, completion.sense);
        Outcome { status, host: host::OK, residual, sense, elapsed: completion.elapsed }
    }

    /// Whether the drive did what it was told.
    pub(super) fn is_good(&self) -> bool {
        self.status == 0 && self.host == host::OK
    }

    /// What the drive says is the matter: key, additional code and qualifier.
    pub(super) fn trouble(&self) -> Option<(SenseKey, u8, u8)> {
        let sense = Sense::parse(&self.sense).ok().filter(|_| self.status == CHECK)?;
        Some((sense.code.key, sense.code.asc, sense.code.ascq))
    }

    /// Whether it says this.
    pub(super) fn says(&self, key: SenseKey, asc: u8, ascq: u8) -> bool {
        self.trouble() == Some((key, asc, ascq))
    }

    fn is_attention(&self) -> bool {
        self.trouble().is_some_and(|(key, ..)| key == SenseKey::UnitAttention)
    }
}

/// For whom a command is carried out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting<'a> {
    /// How long it waits.
    pub(super) timeout: Duration,
    /// The connection that a reply goes to, if somebody waits at all.
    pub(super) stream: Option<&'a UnixStream>,
}

/// The kernel's own commands wait for nobody's sake.
const OWN: Waiting<'static> = Waiting { timeout: OWN_TIMEOUT, stream: None };

/// A drive with the drivers on top of it.
#[derive(Debug)]
pub(super) struct Driver {
    nexus: Mutex<Nexus>,
    lun: Lun,
    stop: Stop,
    identity: Identity,
    /// Where the size of the disc is shown, if anywhere.
    sizes: OnceLock<Sizes>,
    /// What the driver sr knows. Held while it works, as the kernel does.
    pub(super) sr: Mutex<Sr>,
}

impl Driver {
    /// Finds the drive as a kernel does when it is attached: asks who it is, takes its unit
    /// attentions and asks what it can.
    pub(super) fn attach(lun: &Lun, stop: Stop) -> Driver {
        let nexus = Mutex::new(lun.attach("local"));
        let lun = lun.clone();
        let identity = Identity::default();
        let mut driver =
            Driver { nexus, lun, stop, identity, sizes: OnceLock::new(), sr: Mutex::default() };
        let mut inquiry = [0; 36];
        let cdb = [0x12, 0, 0, 0, 36, 0];
        if driver.once(&cdb, Data::In(&mut inquiry)).is_ok_and(|outcome| outcome.is_good()) {
            driver.identity = Identity::of_inquiry(&inquiry);
        }
        let mut sr = Sr::default();
        driver.test_unit_ready(&mut sr);
        sr.probe(&driver);
        driver.identity.capability = sr.capability();
        driver.identity.speed = sr.speed;
        driver.sr = Mutex::new(sr);
        driver
    }

    /// What the drive calls itself.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Shows the size of the disc there from now on.
    pub(super) fn show_sizes(&self, sizes: Sizes) {
        // There is one tree for a drive.
        let _ = self.sizes.set(sizes);
    }

    /// Shows a size in bytes.
    pub(super) fn show_size(&self, size: u64) {
        if let Some(sizes) = self.sizes.get() {
            // What cannot be shown for lack of room is found by asking the drive.
            let _ = sizes.show(size);
        }
    }

    /// Carries out a command and waits for its answer, not longer than allowed. An error number if
    /// the drive is not there.
    pub(super) fn execute(
        &self,
        cdb: &Cdb,
        data: Data<'_>,
        waiting: Waiting<'_>,
    ) -> Result<Outcome, i32> {
        let len = data.len();
        let answer = lock(&self.nexus).execute(cdb, data);
        if let Some(due) = answer.due
            && !self.wait_until(due, waiting)
        {
            return Ok(Outcome::failed(host::TIME_OUT, len));
        }
        match answer.result {
            Ok(completion) => Ok(Outcome::spoken(completion)),
            Err(error) => match error.kind {
                DeviceErrorKind::Gone => Err(ENODEV),
                DeviceErrorKind::Reset => Ok(Outcome::failed(host::RESET, len)),
                DeviceErrorKind::TimedOut => Ok(Outcome::failed(host::TIME_OUT, len)),
                _ => Ok(Outcome::failed(host::ERROR, len)),
            },
        }
    }

    /// Waits until then. `false`: the time limit or the wait itself was over before.
    fn wait_until(&self, due: Instant, waiting: Waiting<'_>) -> bool {
        let start = HostWall.now();
        loop {
            let now = HostWall.now();
            let left = due.saturating_duration_since(now);
            if left.is_zero() {
                return true;
            }
            let gone = waiting.stream.is_some_and(hung_up);
            let waited = now.saturating_duration_since(start);
            if waited >= waiting.timeout || gone || self.stop.wait(left.min(LOOK)) {
                return false;
            }
        }
    }

    /// Resets the drive on a program's behalf.
    pub(super) fn reset(&self, kind: Reset) {
        self.lun.reset(kind, &lock(&self.nexus));
    }

    /// Lets time pass between two attempts.
    fn pause(&self, span: Duration) {
        match self.lun.pace() {
            Pace::Simulated => {
                let bench = self.lun.bench();
                let clock = bench.clock();
                clock.wait_until(clock.now() + span);
            }
            Pace::RealTime => drop(self.stop.wait(span)),
        }
    }

    /// Sends a command of the kernel's own, once.
    pub(super) fn once(&self, cdb: &[u8], data: Data<'_>) -> Result<Outcome, i32> {
        self.execute(&Cdb::new(cdb), data, OWN)
    }

    /// TEST UNIT READY, again while the drive reports unit attentions, which count as a change of
    /// the disc.
    pub(super) fn test_unit_ready(&self, sr: &mut Sr) -> Option<Outcome> {
        let mut last = None;
        for _ in 0..4 {
            let outcome = self.once(&[0; 6], Data::None).ok()?;
            let again = outcome.is_attention();
            sr.changed |= again;
            last = Some(outcome);
            if !again {
                break;
            }
        }
        last
    }

    /// Sends a command as the driver sr does for an ioctl, and makes an error number of what the
    /// drive says. The bytes that came.
    pub(super) fn packet(&self, sr: &mut Sr, cdb: &[u8], mut data: Data<'_>) -> Result<usize, i32> {
        let mut tries = 0;
        loop {
            let again = match &mut data {
                Data::None => Data::None,
                Data::In(room) => Data::In(room),
                Data::Out(bytes) => Data::Out(bytes),
            };
            let len = again.len();
            let outcome = self.once(cdb, again)?;
            tries += 1;
            if outcome.is_good() {
                return Ok(len.saturating_sub(outcome.residual as usize));
            }
            match outcome.trouble() {
                Some((SenseKey::UnitAttention, ..)) => {
                    sr.changed = true;
                    if tries > 10 {
                        return Err(ENOMEDIUM);
                    }
                }
                Some((SenseKey::NotReady, 0x04, 0x01)) if tries <= 10 => {
                    self.pause(Duration::from_secs(2));
                }
                Some((SenseKey::NotReady, ..)) => return Err(ENOMEDIUM),
                Some((SenseKey::IllegalRequest, 0x20, 0x00)) => return Err(EOPNOTSUPP),
                _ => return Err(EIO),
            }
        }
    }

    /// Sends a command that reads or writes blocks for the block layer, which tries again while
    /// the drive is busy with something that ends.
    pub(super) fn transfer(&self, cdb: &[u8], data: &mut Data<'_>) -> Result<usize, i32> {
        for _ in 0..40 {
            let again = match data {
                Data::None => Data::None,
                Data::In(room) => Data::In(room),
                Data::Out(bytes) => Data::Out(bytes),
            };
            let len = again.len();
            let outcome = self.once(cdb, again).map_err(|_| EIO)?;
            if outcome.is_good() {
                return Ok(len.saturating_sub(outcome.residual as usize));
            }
            match outcome.trouble() {
                // Becoming ready, formatting, an operation or a long write in progress.
                Some((SenseKey::NotReady, 0x04, 0x01 | 0x04 | 0x07 | 0x08)) => {
                    self.pause(Duration::from_millis(250));
                }
                _ => return Err(EIO),
            }
        }
        Err(EIO)
    }
}
