//! `kiln vdrive run`.

use super::args::RunProgram;
use crate::exit::{Exit, Failure};

/// Runs the program with the drives in sight, and gives its exit code.
pub(super) fn run(args: &RunProgram) -> Result<u8, Failure> {
    let name = args.program.first().map(|name| name.to_string_lossy().into_owned());
    Err(Failure::new(Exit::Internal, format!("cannot run {}", name.unwrap_or_default())))
}
