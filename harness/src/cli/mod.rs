//! The program: from the command line to a job, from its result to an exit code.
//!
//! Commands return `Result<(), Failure>`; [`main`] prints the failure and ends with its code.

pub mod args;
pub mod boot;
mod burn;
mod carry;
mod disc;
mod drives;
mod events;
pub mod image;
mod info;
mod manual;
mod out;
mod progress;
mod read;
mod run;
mod sessions;
mod stop;
pub mod vdrive;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use args::{Cli, Command};

use crate::exit::{self, Exit, Failure};

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments[1..] == ["help", "exit-codes"] {
        return end(out::text(&exit::table()).map(drop));
    }
    match Cli::try_parse_from(arguments) {
        Ok(cli) => match carry_out(cli) {
            Ok(code) => ExitCode::from(code),
            Err(failure) => end(Err(failure)),
        },
        Err(error) => usage(&error),
    }
}

/// The exit code is 0, or that of a program that was run.
fn carry_out(cli: Cli) -> Result<u8, Failure> {
    match cli.command {
        Command::Vdrive(what) => return vdrive::vdrive(&what),
        Command::Image(args) => return image::image(&args),
        Command::Burn(args) => burn::burn(&args),
        Command::Info(args) => info::info(&args),
        Command::Read(args) => read::read(&args),
        Command::Disc(args) => disc::disc(&args),
        Command::Drives(args) => drives::drives(&args),
        Command::Run(args) => run::run(&args),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { dir } => manual::pages(&dir),
    }
    .map(|()| 0)
}

fn end(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => Exit::Success.into(),
        Err(failure) => {
            out::note(&format!("kiln: {failure}"));
            failure.exit.into()
        }
    }
}

/// Help and version go to standard output and are no failure; everything else is.
fn usage(error: &clap::Error) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if asked {
        let text = error.render();
        use std::io::IsTerminal;
        let plain = !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some();
        let text = if plain { text.to_string() } else { text.ansi().to_string() };
        return end(out::text(&text).map(drop));
    }
    // Nobody is left to be told if standard error is gone.
    let _ = error.print();
    Exit::Usage.into()
}
