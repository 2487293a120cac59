//! Virtual discs and the drive around them.

use std::path::Path;

use engine::device::{Clock, Device};
use engine::units::Blocks;
use vdrive::models::{MediumKind, MediumModel, VirtualAddress, medium_names};

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

/// A blank disc that has room for so many blocks.
pub fn big_enough(blocks: Blocks) -> Result<MediumModel, Failure> {
    // Padding to the unit and what the drive keeps for itself at a session's end.
    let needs = u64::from(blocks.0) + 1024;
    let models = LADDER.into_iter().map(MediumModel::of_kind);
    let largest = models.clone().last().map_or(0, |m| m.blocks);
    models.into_iter().find(|model| u64::from(model.blocks) >= needs).ok_or_else(|| {
        let (has, needs) = (Blocks(largest).bytes(), blocks.bytes());
        let what = format!("no disc is big enough: {needs} are to be burned, a BD-R has {has}");
        Failure::new(Exit::TooSmall, what).advise("Burn less at once.")
    })
}

/// Makes the file of a blank disc.
pub fn make_disc(file: &Path, medium: &MediumModel) -> Result<(), Failure> {
    let _ = (file, medium, medium_names());
    Err(Failure::new(Exit::Internal, "virtual discs are not built yet"))
}

/// A virtual drive with what lies in its tray.
pub(super) fn virtual_drive(
    address: &VirtualAddress,
    tray: Tray,
    seed: Option<u64>,
) -> Result<(Box<dyn Device>, Box<dyn Clock>), Failure> {
    let _ = (address, tray, seed);
    Err(Failure::new(Exit::Internal, "virtual drives are not built yet"))
}
