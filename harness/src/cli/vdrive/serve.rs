//! `kiln vdrive serve`.

use super::args::Serve;
use crate::exit::{Exit, Failure};
use crate::place;

pub(super) fn serve(args: &Serve) -> Result<(), Failure> {
    let lend = &args.lend;
    let _drives = place::lend(&lend.drive, &lend.disc, usize::from(lend.empty), lend.seed)?;
    Err(Failure::new(Exit::Internal, "there is no listener"))
}
