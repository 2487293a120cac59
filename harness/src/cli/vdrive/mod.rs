//! `kiln vdrive`: virtual drives for other programs.

pub mod args;
mod ctl;
mod fault;
mod lend;
mod program;
mod run;
mod serve;
mod sockets;

use args::Vdrive;

use crate::exit::Failure;

/// Carries out `kiln vdrive`. The exit code is that of the program that was run, if one was.
pub(super) fn vdrive(what: &Vdrive) -> Result<u8, Failure> {
    match what {
        Vdrive::Serve(args) => serve::serve(args).map(|()| 0),
        Vdrive::Run(args) => run::run(args),
        Vdrive::Ctl(args) => ctl::ctl(args).map(|()| 0),
    }
}
