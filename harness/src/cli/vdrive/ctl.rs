//! `kiln vdrive ctl`.

use super::args::Ctl;
use crate::exit::{Exit, Failure};

pub(super) fn ctl(args: &Ctl) -> Result<(), Failure> {
    Err(Failure::new(Exit::Internal, format!("no server answers for unit {}", args.lun)))
}
