//! The `kiln` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    harness::cli::main()
}
