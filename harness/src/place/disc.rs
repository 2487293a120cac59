//! Virtual discs and the drive around them.

use std::path::Path;

use engine::media::Rules;
use engine::mmc::profile::Profile;
use engine::units::{Blocks, Lba};
use vdrive::medium::{Disc, DiscError};
use vdrive::models::{MediumKind, MediumModel, VirtualAddress};
use vdrive::store::StoreErrorKind;

use super::Tray;
use crate::exit::{Exit, Failure};

/// The medium model of this name, built in or the path of a TOML file.
pub fn medium_named(name: &str) -> Result<MediumModel, Failure> {
    let model = if name.ends_with(".toml") {
        MediumModel::load(Path::new(name))
    } else {
        MediumModel::named(name)
    };
    model.map_err(|e| Failure::new(Exit::Usage, e.to_string()))
}

/// The kinds of disc that are taken where none is named, smallest first.
const LADDER: [MediumKind; 3] = [MediumKind::CdR, MediumKind::DvdPlusR, MediumKind::BdR];

/// A blank disc that has room for as many blocks as `blocks` says there would be on a medium.
pub fn big_enough(
    blocks: &dyn Fn(Option<&Rules>) -> Result<Blocks, Failure>,
) -> Result<MediumModel, Failure> {
    let mut last = (0, Blocks(0));
    for model in LADDER.into_iter().map(MediumModel::of_kind) {
        let profile = model.kind.profiles().first().copied().map(Profile::of);
        let needs = blocks(profile.and_then(Rules::of))?;
        // Padding to the unit and what the drive keeps for itself at a session's end.
        if u64::from(model.blocks) >= u64::from(needs.0) + 1024 {
            return Ok(model);
        }
        last = (model.blocks, needs);
    }
    let (has, needs) = (Blocks(last.0).bytes(), last.1.bytes());
    let what = format!("no disc is big enough: {needs} are to be burned, a BD-R has {has}");
    Err(Failure::new(Exit::TooSmall, what).advise("Burn less at once."))
}

/// Makes a medium model smaller, so that a test can fill it.
pub fn shrink(model: &mut MediumModel, blocks: u32) {
    model.blocks = blocks;
    if let Some(atip) = &mut model.atip
        && let Some(end) = Lba(i32::try_from(blocks).unwrap_or(i32::MAX)).msf()
    {
        atip.lead_out = end;
    }
}

/// Makes the file of a blank disc.
pub fn make_disc(file: &Path, medium: &MediumModel) -> Result<(), Failure> {
    create(file, medium).map(drop)
}

/// What lies in the tray of a virtual drive.
pub(super) fn in_tray(tray: &Tray, address: &VirtualAddress) -> Result<Option<Disc>, Failure> {
    match tray {
        Tray::Real | Tray::Empty => Ok(None),
        Tray::File(path) => {
            let disc = Disc::open(path).map_err(|e| refused(&e))?;
            right_kind(&disc, address)?;
            Ok(Some(disc))
        }
        Tray::New { file, medium } => create(file, medium).map(Some),
        Tray::Scratch(medium) => Disc::memory(medium).map(Some).map_err(|e| refused(&e)),
    }
}

fn create(file: &Path, medium: &MediumModel) -> Result<Disc, Failure> {
    Disc::create(file, medium).map_err(|error| match &error {
        DiscError::Store(e) if !matches!(e.kind, StoreErrorKind::InUse) => {
            let failure = Failure::new(Exit::Output, error.to_string());
            match e.kind {
                StoreErrorKind::Exists => {
                    failure.advise("It was not touched. Remove it or choose another name.")
                }
                _ => failure,
            }
        }
        _ => refused(&error),
    })
}

fn refused(error: &DiscError) -> Failure {
    let failure = Failure::new(Exit::DiscFile, error.to_string());
    match error {
        DiscError::Store(e) if e.kind == StoreErrorKind::InUse => {
            failure.advise("Wait until the other program is done with it.")
        }
        _ => failure.advise("It was not touched. Make a disc with `kiln disc new MEDIUM FILE`."),
    }
}

/// An address may say what must lie in the drive.
fn right_kind(disc: &Disc, address: &VirtualAddress) -> Result<(), Failure> {
    let wanted = address.medium_model().map_err(|e| Failure::new(Exit::Drive, e.to_string()))?;
    let found = disc.state().kind();
    match wanted.map(|model| model.kind) {
        Some(wanted) if wanted != found => {
            let what = format!("disc file {} holds a {found}, not a {wanted}", disc.path());
            Err(Failure::new(Exit::Medium, what)
                .advise("Leave the medium out of --drive, or name another file."))
        }
        _ => Ok(()),
    }
}
