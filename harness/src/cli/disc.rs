//! `kiln disc new`.

use super::args::Disc;
use super::out;
use crate::exit::Failure;
use crate::place;

pub(super) fn disc(args: &Disc) -> Result<(), Failure> {
    let Disc::New { medium, file } = args;
    let medium = place::medium_named(medium)?;
    place::make_disc(file, &medium)?;
    let room = engine::units::Blocks(medium.blocks).bytes();
    out::note(&format!("{}: a blank {}, {room}", file.display(), medium.kind.name()));
    Ok(())
}
