//! A virtual drive seen from outside: its power, its disc as the laser left it, its seed.

use std::rc::Rc;
use std::time::Duration;

use engine::burn::Plan;
use engine::device::{Clock, Device};
use engine::image::Sectors;
use engine::units::{Blocks, Lba};
use vdrive::bench::{Bench, DriveId};
use vdrive::fault::{Fault, What, When};
use vdrive::medium::Disc;
use vdrive::models::VirtualAddress;

use crate::exit::{Exit, Failure};
use crate::promise::{Seen, Shown, Witness};

/// A bench with one drive on it.
#[derive(Debug)]
pub struct Laboratory {
    bench: Bench,
    drive: DriveId,
}

/// When the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Instead of the command of this number, counted from now, 0.
    Command(u64),
    /// After this time, in the middle of whatever goes on then.
    After(Duration),
}

impl Laboratory {
    /// A drive as the address describes it, with this disc in it. The address's seed counts before
    /// `seed`.
    pub fn new(
        address: &VirtualAddress,
        disc: Option<Disc>,
        seed: Option<u64>,
    ) -> Result<Laboratory, Failure> {
        let model = address.drive_model().map_err(|e| Failure::new(Exit::Drive, e.to_string()))?;
        let bench = Bench::new(address.seed.or(seed).unwrap_or(0));
        let drive = bench.add_drive(model);
        if let Some(disc) = disc {
            bench
                .insert(drive, disc)
                .map_err(|refused| Failure::new(Exit::Internal, refused.1.to_string()))?;
        }
        Ok(Laboratory { bench, drive })
    }

    /// What a host sees of it.
    pub fn device(&self) -> Box<dyn Device> {
        Box::new(self.bench.device(self.drive))
    }

    /// The clock that it lives by.
    pub fn clock(&self) -> Rc<dyn Clock> {
        Rc::new(self.bench.clock())
    }

    /// The disc as it lies there; `None` if there is none.
    pub fn seen(&self) -> Result<Option<Seen>, String> {
        let look = |disc: &Disc| {
            let blocks = Witness::of(disc)?;
            Ok(Seen { state: disc.state().clone(), blocks })
        };
        self.bench.with_disc(self.drive, look).transpose()
    }

    /// What the volume on the disc shows; `None` if there is no disc.
    pub fn shown(&self) -> Option<Shown> {
        self.bench.with_disc(self.drive, Shown::by)
    }

    /// What it shall show once an image is on the disc.
    pub fn to_show(&self, image: &mut dyn Sectors, plan: &Plan) -> Option<Shown> {
        self.bench.with_disc(self.drive, |disc| Shown::after(disc, image, plan))
    }

    /// The hash of the disc; `None` if there is none.
    pub fn fingerprint(&self) -> Result<Option<[u8; 32]>, String> {
        self.bench
            .with_disc(self.drive, |disc| disc.fingerprint().map_err(|e| e.to_string()))
            .transpose()
    }

    /// Commands that the drive was given so far.
    pub fn commands(&self) -> u64 {
        self.bench.commands(self.drive)
    }

    /// Sees to it that the power goes then.
    pub fn cut(&self, when: Cut) {
        let when = match when {
            Cut::Command(n) => When::Before(self.commands() + n),
            Cut::After(span) => When::At(self.bench.now() + span),
        };
        self.bench.schedule(self.drive, Fault { when, what: What::PowerCut });
    }

    /// Forgets a cut that has not happened, and gives power to a drive that has none.
    pub fn heal(&self) {
        self.bench.heal();
        self.bench.plug(self.drive);
    }

    /// Pulls the plug and puts it in again.
    pub fn power_cycle(&self) {
        self.bench.pull_power(self.drive);
        self.bench.plug(self.drive);
    }

    /// Scratches a block so that it can no longer be recorded.
    pub fn spoil(&self, block: u32) {
        let at = Lba(i32::try_from(block).unwrap_or(i32::MAX));
        let what = What::WriteError(at, Blocks(1));
        self.bench.schedule(self.drive, Fault { when: When::At(self.bench.now()), what });
    }
}
