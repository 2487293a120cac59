//! What `kiln image` can be told. The doc comments are the help text.
//!
//! May not know: how anything is done.
#![expect(missing_docs, reason = "a comment on a subcommand or group would replace its own help")]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use engine::image::read::Namespace;

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
    Cat(Cat),
    Extract(Extract),
    Check(Check),
    Diff(Diff),
}

/// An image file and what of it is meant.
#[derive(Args, Clone, Debug)]
pub struct ImageArgs {
    /// The image: blocks of 2048 bytes, whole sectors of a CD, or a .cue, .ccd, .mds or .nrg
    #[arg(value_name = "IMG", value_hint = ValueHint::FilePath)]
    pub image: PathBuf,

    /// The wanted session, in the image of a disc with several: its number, or the block where it
    /// begins; the last session unless told
    #[arg(long, value_name = "N")]
    pub session: Option<u32>,

    /// The tree to take, of an image with several; the one that says most unless told
    #[arg(long, value_name = "TREE")]
    pub namespace: Option<TreeName>,
}

/// A tree of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TreeName {
    /// POSIX names, owners, modes and links
    RockRidge,
    /// OSTA's Universal Disk Format
    Udf,
    /// Names for Windows
    Joliet,
    /// Names of capital letters
    Iso9660,
}

impl From<TreeName> for Namespace {
    fn from(name: TreeName) -> Namespace {
        match name {
            TreeName::RockRidge => Namespace::RockRidge,
            TreeName::Udf => Namespace::Udf,
            TreeName::Joliet => Namespace::Joliet,
            TreeName::Iso9660 => Namespace::Iso9660,
        }
    }
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
    #[arg(value_name = "PATH", value_hint = ValueHint::AnyPath)]
    #[arg(required_unless_present_any = ["import", "tar"])]
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
  kiln image create --import old.iso --remove tmp --rename a=b new=~/new -o new.iso
  kiln image create --tar backup.tar --dedup -o backup.iso
  kiln image create cd --hide 'joliet:*.sh' --sort 'boot/=10' -o cd.iso
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
#[command(after_help = "Examples:\n  kiln image ls photos.iso\n  \
                        kiln image ls photos.iso 2024/summer --json")]
pub struct Ls {
    #[command(flatten)]
    pub of: ImageArgs,

    /// Only these paths of the image, and what is in them
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,

    /// Print one JSON object for each entry
    #[arg(long)]
    pub json: bool,
}

/// Write a file of an image to standard output
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kiln image cat photos.iso notes.txt\n  \
                        kiln image cat disc.iso boot/kernel --offset 512 --length 4 | xxd")]
pub struct Cat {
    #[command(flatten)]
    pub of: ImageArgs,

    /// The file's path in the image
    #[arg(value_name = "PATH")]
    pub path: String,

    /// The first byte that is wanted
    #[arg(long, value_name = "BYTE", default_value_t = 0)]
    pub offset: u64,

    /// How many bytes are wanted; all that follow unless told
    #[arg(long, value_name = "BYTES")]
    pub length: Option<u64>,
}

/// Unpack an image
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kiln image extract photos.iso -d photos\n  \
                        kiln image extract photos.iso 2024/summer notes.txt -d some")]
pub struct Extract {
    #[command(flatten)]
    pub of: ImageArgs,

    /// Only these paths of the image, and what is in them
    #[arg(value_name = "PATH")]
    pub paths: Vec<String>,

    /// The most that may be written, holes not counted: an image can make many files of the same
    /// few blocks. Sixteen times the size of the image unless told
    #[arg(long, value_name = "BYTES")]
    pub limit: Option<u64>,

    /// The folder to unpack into; made if missing
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: PathBuf,

    #[command(flatten)]
    pub xattrs: XattrArgs,
}

/// Check an image against its standards
///
/// Looks at every structure: ISO 9660, Joliet, Rock Ridge, UDF, El Torito and partition tables.
/// Each finding comes with its byte position and the clause that wants it otherwise. Nothing is
/// changed. Ends with `damaged` if there are errors.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kiln image check debian.iso\n  \
                        kiln image check disc.bin --strict --json")]
pub struct Check {
    /// The image, as for the other commands
    #[arg(value_name = "IMG", value_hint = ValueHint::FilePath)]
    pub image: PathBuf,

    /// The session that is checked: its number, or the block where it begins; the last one unless
    /// told
    #[arg(long, value_name = "BLOCK")]
    pub session: Option<u32>,

    /// End with `damaged` if there are warnings, too
    #[arg(long)]
    pub strict: bool,

    /// Leave out notes: what is allowed, and still worth knowing
    #[arg(short, long)]
    pub quiet: bool,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Compare images and folders
///
/// Prints a line for each path that was added, removed or changed from ONE to TWO; contents are
/// compared byte by byte. Ends with 0 if there is no difference and with 1 if there is.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  kiln image diff old.iso new.iso\n  \
                        kiln image diff ~/photos photos.iso --no-metadata")]
pub struct Diff {
    /// An image or a folder
    #[arg(value_name = "ONE", value_hint = ValueHint::AnyPath)]
    pub one: PathBuf,

    /// An image or a folder
    #[arg(value_name = "TWO", value_hint = ValueHint::AnyPath)]
    pub two: PathBuf,

    /// The tree to take of images with several; the one that says most unless told
    #[arg(long, value_name = "TREE")]
    pub namespace: Option<TreeName>,

    /// Leave out modes, owners and times
    #[arg(long)]
    pub no_metadata: bool,

    /// Print one JSON object for each difference
    #[arg(long)]
    pub json: bool,
}
