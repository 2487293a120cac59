//! The command line as types: what `kiln` can be told. The doc comments are the help text.
//!
//! May not know: how anything is done.
#![expect(missing_docs, reason = "a comment on a subcommand or group would replace its own help")]

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use super::carry::CarryArgs;
use super::image::args::Image;
use super::image::sources::SourceArgs;
use super::image::volume::VolumeArgs;
use super::vdrive::args::Vdrive;
use crate::place::Want;

/// Master and burn optical discs, on real recorders and on virtual ones.
#[derive(Debug, Parser)]
#[command(name = "kiln", version, after_help = crate::exit::SHORT, max_term_width = 100)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Burn(Box<Burn>),
    Info(Info),
    Read(Read),
    /// Make, list and unpack images
    #[command(subcommand)]
    Image(Image),
    /// Make virtual discs
    #[command(subcommand)]
    Disc(Disc),
    Drives(Drives),
    Run(Run),
    /// Lend the virtual drive to other programs
    #[command(subcommand)]
    Vdrive(Vdrive),
    /// Print the completions of a shell
    #[command(after_help = "Example:\n  kiln completions bash > ~/.local/share/bash-completion/\
                            completions/kiln")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages, one for each command
    #[command(after_help = "Example:\n  kiln man -d ~/.local/share/man/man1")]
    Man {
        /// The folder to write them to; made if missing
        #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
}

/// The drive to use and the disc in it.
#[derive(Args, Clone, Debug, Default)]
pub struct DriveArgs {
    /// The drive: `virtual`, `virtual:MEDIUM`, `virtual:MODEL`, or a device path
    ///
    /// `virtual:bd-r` is the virtual drive with a blank BD-R, `virtual:MODEL` one of the models
    /// that `kiln drives` lists, and `/dev/sr0` a real recorder. Without this, the virtual drive.
    #[arg(long, value_name = "ADDR")]
    pub drive: Option<String>,

    /// The disc file in the virtual drive's tray; made blank if it is missing
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub disc: Option<PathBuf>,

    /// Write every command and its answer to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trace: Option<PathBuf>,

    /// The seed of everything random in the virtual drive
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

impl DriveArgs {
    /// What is wanted of a place to work at.
    pub fn want(&self) -> Want {
        Want {
            drive: self.drive.clone(),
            disc: self.disc.clone(),
            trace: self.trace.clone(),
            seed: self.seed,
        }
    }
}

/// Burn files and folders to a disc
///
/// The files and folders are laid out as one file system (ISO 9660 with Joliet and Rock Ridge),
/// burned, and read back. Without --drive this happens in the virtual drive, with a blank disc
/// that is big enough; a real recorder is only used when it is named. On a disc that holds a
/// session and is still open, the new files are added to those that are there; on a disc that can
/// be written over, in place.
#[derive(Args, Debug)]
#[command(after_help = BURN_EXAMPLES)]
pub struct Burn {
    /// Files and folders to burn; a folder's content goes into the root of the disc if it is
    /// the only PATH; DISC=PATH puts it elsewhere
    ///
    /// DISC is the path on the disc; what is missing of it is made. A file keeps its name if DISC
    /// ends with /. DISC=- is standard input. A backslash before a = makes it part of DISC.
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    #[arg(required_unless_present_any = ["image", "from_session", "import", "tar"])]
    pub paths: Vec<PathBuf>,

    #[command(flatten)]
    pub at: DriveArgs,

    /// Burn this image file as it is, instead of building one
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["paths", "volume_id", "SourceArgs", "CarryArgs"])]
    #[arg(value_hint = ValueHint::FilePath)]
    pub image: Option<PathBuf>,

    /// How much to read back afterwards and compare
    #[arg(long, value_name = "HOW", default_value = "full")]
    pub verify: Verify,

    /// Leave the disc open, so that more can be added later
    #[arg(long, conflicts_with = "close")]
    pub keep_open: bool,

    /// Close the disc: nothing can be added later (the default)
    #[arg(long)]
    pub close: bool,

    /// Writing speed: `8x`, `max`, `min`, or a number of kB/s such as `22160`
    #[arg(long, value_name = "X")]
    pub speed: Option<String>,

    /// Erase what a rewritable disc holds, or write over it
    #[arg(long)]
    pub overwrite: bool,

    #[command(flatten)]
    pub carry: CarryArgs,

    /// Burn only on the disc that `kiln info` or --plan showed with this ID
    #[arg(long, value_name = "ID")]
    pub expect_disc: Option<String>,

    /// Print what would be done, and do nothing
    #[arg(long)]
    pub plan: bool,

    #[command(flatten)]
    pub volume: VolumeArgs,

    #[command(flatten)]
    pub sources: SourceArgs,

    /// Print events as JSON lines on standard output
    #[arg(long)]
    pub json: bool,
}

const BURN_EXAMPLES: &str = "Examples:
  kiln burn ~/photos                                  to a virtual disc in this folder
  kiln burn ~/photos --drive virtual:bd-r --disc backup.disc
  kiln burn ~/photos --drive /dev/sr0 --keep-open     to a real disc, more to come later
  kiln burn ~/photos --drive /dev/sr0 --update --keep-open   what changed since then
  kiln burn --from-session 1 --drive /dev/sr0         back to what the first session showed
  kiln burn --image debian.iso --drive /dev/sr0       an image as it is
  kiln burn ~/photos --drive /dev/sr0 --plan          what would be done";

/// How much to read back after burning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Verify {
    /// Nothing
    None,
    /// The file system and a sample of the rest
    Quick,
    /// Every block
    Full,
}

/// Show the drive and the disc in it
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kiln info --drive /dev/sr0\n  kiln info --disc backup.disc\n  \
                        kiln info --drive virtual:bd-re --json"
)]
pub struct Info {
    #[command(flatten)]
    pub at: DriveArgs,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Read a disc to an image file
///
/// The image holds the disc's user data, 2048 bytes for each block, from block 0 to the last
/// recorded one.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kiln read --drive /dev/sr0 -o disc.iso\n  \
                        kiln read --disc backup.disc -o - | sha256sum")]
pub struct Read {
    #[command(flatten)]
    pub at: DriveArgs,

    /// Read every block of a formatted disc, not only up to the end of the volume on it
    #[arg(long)]
    pub whole: bool,

    #[command(flatten)]
    pub out: OutArgs,
}

/// Where the result goes.
#[derive(Args, Clone, Debug)]
pub struct OutArgs {
    /// The file to write; `-` is standard output
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,

    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
}

/// Make virtual discs.
#[derive(Debug, Subcommand)]
pub enum Disc {
    /// Make a blank virtual disc
    #[command(after_help = "Examples:\n  kiln disc new bd-r backup.disc\n  \
                            kiln disc new dvd+rw scratch.disc")]
    New {
        /// cd-r, cd-rw, dvd-r, dvd-rw, dvd+r, dvd+rw, bd-r, bd-re or dvd-ram
        #[arg(value_name = "MEDIUM")]
        medium: String,

        /// The disc file to make
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// List the drives of this machine and the virtual ones
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kiln drives --json")]
pub struct Drives {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Carry out a scenario and check its promises
///
/// A scenario says what is burned on which disc, what goes wrong and when, and what must hold. It
/// runs on the virtual drive that it names, or on the drive given here.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kiln run harness/scenarios/burn-cd-r.toml\n  \
                        kiln run harness/scenarios/any-drive.toml --drive /dev/sr0")]
pub struct Run {
    /// The scenario file
    #[arg(value_name = "SCENARIO", value_hint = ValueHint::FilePath)]
    pub scenario: PathBuf,

    /// Run on this drive instead of the scenario's own
    #[arg(long, value_name = "ADDR")]
    pub drive: Option<String>,

    /// Use this seed instead of the scenario's own
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// Cut the power at this command instead of where the scenario says
    #[arg(long, value_name = "N")]
    pub cut_at: Option<u64>,

    /// Which burn that is, from 0 on
    #[arg(long, value_name = "N", default_value_t = 0, requires = "cut_at")]
    pub cut_burn: u32,

    /// Write every command and its answer to this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trace: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}
