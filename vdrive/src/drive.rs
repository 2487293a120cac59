//! A virtual drive as a device, and the shortest way to one.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use engine::device::{Clock, Completion, Data, Device, DeviceError, Limits, Request};

use crate::bench::{Bench, BenchClock, DriveId, NexusId, SPIN_UP_LIMIT};
use crate::medium::{Disc, DiscError};
use crate::models::{DriveModel, MediumKind, MediumModel, ModelError, VirtualAddress};
use crate::store::StoreErrorKind;

/// A drive on a bench, at the end of its cable. Clones are the same drive.
#[derive(Clone, Debug)]
pub struct VirtualDrive {
    bench: Bench,
    id: DriveId,
    limits: Limits,
}

impl VirtualDrive {
    pub(crate) fn new(bench: Bench, id: DriveId) -> VirtualDrive {
        // A command may not carry more than half the smallest buffer, or it would have to stop
        // recording to take it.
        let buffer = bench
            .model(id)
            .map_or(128 * 1024, |model| model.buffer.cd.min(model.buffer.dvd).min(model.buffer.bd));
        let most = (buffer / 2 / 2048 * 2048).clamp(64 * 1024, 512 * 1024);
        VirtualDrive { bench, id, limits: Limits::new(most) }
    }

    /// The bench it stands on.
    pub fn bench(&self) -> &Bench {
        &self.bench
    }

    /// Its name on the bench.
    pub fn id(&self) -> DriveId {
        self.id
    }
}

impl Device for VirtualDrive {
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        self.bench.execute((self.id, NexusId::default()), request, data)
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

/// A virtual drive with its bench, ready to be used.
#[derive(Clone, Debug)]
pub struct Virtual {
    /// The bench: faults, insertion, the truth about the disc.
    pub bench: Bench,
    /// The drive on it.
    pub id: DriveId,
    /// The drive as a device.
    pub drive: VirtualDrive,
    /// The bench's clock.
    pub clock: BenchClock,
    /// The disc file was made for this, blank.
    pub created: bool,
}

impl Virtual {
    /// A drive of this model on a bench of its own, with this disc in it, if any, spun up.
    pub fn new(model: DriveModel, disc: Option<Disc>, seed: u64) -> Virtual {
        let bench = Bench::new(seed);
        let id = bench.add_drive(model);
        if let Some(disc) = disc {
            // The drive has just been put there: it is empty.
            let inserted = bench.insert(id, disc);
            debug_assert!(inserted.is_ok(), "a new drive is empty");
        }
        let clock = bench.clock();
        spin_up(&bench, &clock, id);
        Virtual { drive: bench.device(id), bench, id, clock, created: false }
    }
}

/// Why there is no virtual drive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The drive or medium model cannot be had.
    Model(ModelError),
    /// The disc cannot be had.
    Disc(DiscError),
    /// The disc in the file is of another kind than the address asks for.
    OtherKind {
        /// The file.
        path: String,
        /// What is in it.
        found: MediumKind,
        /// What the address names.
        wanted: MediumKind,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Model(error) => error.fmt(f),
            OpenError::Disc(error) => error.fmt(f),
            OpenError::OtherKind { path, found, wanted } => write!(
                f,
                "disc file {path} holds a {found}, not the {wanted} that the address asks for; \
                 leave the medium out of the address or name another file"
            ),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<ModelError> for OpenError {
    fn from(error: ModelError) -> OpenError {
        OpenError::Model(error)
    }
}

impl From<DiscError> for OpenError {
    fn from(error: DiscError) -> OpenError {
        OpenError::Disc(error)
    }
}

/// A drive as the address describes it, with the disc of this file in it and spun up. A file that
/// is not there is made: a blank disc of the address's medium, or of `otherwise` where it names
/// none. The address's seed counts before `seed`. Without a path, the disc is in memory.
pub fn open(
    address: &VirtualAddress,
    path: Option<&Path>,
    otherwise: MediumKind,
    seed: u64,
) -> Result<Virtual, OpenError> {
    let drive_model = address.drive_model()?;
    let named = address.medium_model()?;
    let medium = named.clone().unwrap_or_else(|| MediumModel::of_kind(otherwise));
    let (disc, created) = disc(path, &medium)?;
    let found = disc.state().kind();
    if let Some(wanted) = named.map(|model| model.kind).filter(|&wanted| wanted != found) {
        return Err(OpenError::OtherKind { path: disc.path().to_owned(), found, wanted });
    }
    let virt = Virtual::new(drive_model, Some(disc), address.seed.unwrap_or(seed));
    Ok(Virtual { created, ..virt })
}

fn disc(path: Option<&Path>, medium: &MediumModel) -> Result<(Disc, bool), OpenError> {
    let Some(path) = path else { return Ok((Disc::memory(medium)?, true)) };
    match Disc::open(path) {
        Ok(disc) => Ok((disc, false)),
        Err(DiscError::Store(error)) if error.kind == StoreErrorKind::Missing => {
            Ok((Disc::create(path, medium)?, true))
        }
        Err(error) => Err(error.into()),
    }
}

/// Waits until the drive has taken up its disc, or has given up.
pub(crate) fn spin_up(bench: &Bench, clock: &BenchClock, id: DriveId) {
    let limit = clock.now() + SPIN_UP_LIMIT;
    while clock.now() < limit && !bench.settled(id) {
        clock.wait_until(clock.now() + Duration::from_millis(100));
    }
}
