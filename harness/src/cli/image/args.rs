//! What `kiln image` can be told. The doc comments are the help text.
//!
//! May not know: how anything is done.
#![expect(missing_docs, reason = "a comment on a subcommand or group would replace its own help")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::sources::SourceArgs;
use super::volume::VolumeArgs;
use super::xattrs::XattrArgs;
use crate::cli::args::OutArgs;
use crate::cli::boot::args::BootArgs;
use crate::cli::carry::CarryArgs;

/// Make, list and unpack images.
#[derive(Debug, Subcommand)]
pub enum Image {
    Create(Box<Create>),
    Add(Box<Add>),
    Info(Info),
    Ls(Ls),
    Extract(Extract),
}

/// An image file and what of it is meant.
#[derive(Args, Clone, Debug)]
pub struct ImageArgs {
    /// The image file
    #[arg(value_name = "IMG", value_hint = ValueHint::FilePath)]
    pub image: PathBuf,

    /// The wanted session, in the image of a disc with several: its number, or the block where it
    /// begins. Block 0, the default, leads to the newest one of a volume that grew in place, and to
    /// the first one else
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub session: u32,
}

/// Make an image of files and folders
///
/// Unless --fs or --for says otherwise the image is ISO 9660 with Joliet and Rock Ridge. If
/// SOURCE_DATE_EPOCH is set, the same files make the same image, byte for byte.
#[derive(Args, Debug)]
#[command(after_help = CREATE_EXAMPLES)]
pub struct Create {
    /// Files and folders; a folder's content goes into the root if it is the only PATH; DISC=PATH
    /// puts it elsewhere
    ///
    /// DISC is the path in the image; what is missing of it is made. A file keeps its name if DISC
    /// ends with /. DISC=- is standard input. A backslash before a = makes it part of DISC.
    #[arg(value_name = "PATH", required = true, value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,

    #[command(flatten)]
    pub out: OutArgs,

    #[command(flatten)]
    pub sources: SourceArgs,

    #[command(flatten)]
    pub volume: VolumeArgs,

    /// Leave room at the head, so that every state can be found again when the volume grows
    /// (`kiln image add`)
    #[arg(long)]
    pub growable: bool,

    /// The medium that the image is for: cd-r, dvd+rw, bd-re... says what file systems it has
    /// unless --fs does, and how large it may be
    #[arg(long = "for", value_name = "MEDIUM")]
    pub medium: Option<String>,

    /// Write nothing; print how many blocks of 2048 bytes the image would have
    #[arg(long)]
    pub print_size: bool,

    #[command(flatten)]
    pub boot: BootArgs,
}

/// Add files and folders to an image, in place
///
/// What is new is written behind the end of the volume, and last of all its head is made to lead to
/// it: until then the image is what it was. Nothing else is written. What the image holds stays,
/// in the file systems that it has.
#[derive(Args, Debug)]
#[command(after_help = ADD_EXAMPLES)]
pub struct Add {
    /// The image file
    #[arg(value_name = "IMG", value_hint = ValueHint::FilePath)]
    pub image: PathBuf,

    /// Files and folders; a folder's content goes into the root if it is the only PATH
    #[arg(value_name = "PATH", required_unless_present = "from_session")]
    #[arg(value_hint = ValueHint::AnyPath)]
    pub paths: Vec<PathBuf>,

    #[command(flatten)]
    pub sources: SourceArgs,

    #[command(flatten)]
    pub carry: CarryArgs,

    #[command(flatten)]
    pub volume: VolumeArgs,
}

const ADD_EXAMPLES: &str = "Examples:
  kiln image create ~/photos --growable -o photos.iso
  kiln image add photos.iso ~/more
  kiln image add photos.iso ~/photos --update         only what changed, without what is gone
  kiln image info photos.iso --sessions
  kiln image add photos.iso --from-session 1          back to the first state";

const CREATE_EXAMPLES: &str = "Examples:
  kiln image create ~/photos -o photos.iso
  kiln image create a.txt b.txt -V NOTES -o notes.iso
  kiln image create ~/photos docs/2026=~/letters --exclude '*.tmp' -o photos.iso
  pg_dumpall | kiln image create db/all.sql=- -o backup.iso
  kiln image create ~/films --for bd-r -o films.iso
  kiln image create ~/films --for bd-r -o films.iso --print-size
  kiln image create ~/films --fs udf --udf-revision 2.50 -o films.udf
  kiln image create ~/notes --fs udf --udf-access overwritable --udf-size 100000 -o notes.udf
  kiln image create cd -o cd.iso --boot isolinux/isolinux.bin,info-table
  kiln image create cd -o cd.iso --boot boot/floppy.img --boot efi.img,uefi,outside
  kiln image create cd -o cd.iso --boot boot/eltorito.img,info-table,grub2 \\
      --grub2-mbr boot_hybrid.img --efi-folder efi --partition-table gpt
  kiln image create new -o new.iso --boot-from old.iso";

/// Show what an image is
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kiln image info photos.iso\n  \
                        kiln image info debian.iso --boot --json")]
pub struct Info {
    #[command(flatten)]
    pub of: ImageArgs,

    /// Show everything that computers can start from
    #[arg(long)]
    pub boot: bool,

    /// List the sessions of the image of a whole disc, and the states of a volume that grew
    #[arg(long)]
    pub sessions: bool,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// List what an image holds
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kiln image ls photos.iso")]
pub struct Ls {
    #[command(flatten)]
    pub of: ImageArgs,
}

/// Unpack an image
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  kiln image extract photos.iso -d photos")]
pub struct Extract {
    #[command(flatten)]
    pub of: ImageArgs,

    /// The folder to unpack into; made if missing
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    #[command(flatten)]
    pub xattrs: XattrArgs,
}
