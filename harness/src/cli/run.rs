//! `kiln run`.

use super::args::Run;
use crate::exit::Failure;
use crate::scenario::Scenario;

pub(super) fn run(args: &Run) -> Result<(), Failure> {
    let scenario = Scenario::load(&args.scenario)?;
    let _ = scenario;
    Ok(())
}
