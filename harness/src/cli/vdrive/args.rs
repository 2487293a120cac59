//! What `kiln vdrive` can be told. The doc comments are the help text.
//!
//! May not know: how anything is done.
#![expect(missing_docs, reason = "a comment on a group of arguments would replace its own help")]

use std::ffi::OsString;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand, ValueHint};

/// Lend the virtual drive to other programs.
#[derive(Debug, Subcommand)]
pub enum Vdrive {
    Serve(Box<Serve>),
    Run(Box<RunProgram>),
    Ctl(Ctl),
}

/// The drives to lend.
#[derive(Args, Clone, Debug, Default)]
pub struct LendArgs {
    /// A virtual drive: `virtual`, `virtual:MEDIUM` or `virtual:MODEL`, as in `kiln burn`
    ///
    /// Given once it is the model of all drives; given more often, the first is for the first
    /// --disc or --empty, and so on. Without it, all are the default drive.
    #[arg(long, value_name = "ADDR")]
    pub drive: Vec<String>,

    /// A drive with the disc of this file in it; may be given more often
    ///
    /// A file that is missing is made, blank, of the medium that --drive names.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub disc: Vec<PathBuf>,

    /// A drive without a disc; may be given more often. They come behind those with one
    #[arg(long, action = ArgAction::Count)]
    pub empty: u8,

    /// Let the drive take the time that a real one takes
    ///
    /// Without it the drive's time is simulated: hours pass in moments.
    #[arg(long)]
    pub pace: bool,

    /// Write every command and its answer to this file; `*.pcapng` for Wireshark
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trace: Option<PathBuf>,

    /// The seed of everything random in the drives
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,

    /// The local socket, for `kiln vdrive ctl` and for programs run with `kiln vdrive run`
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub socket: Option<PathBuf>,
}

/// Lend virtual drives to any iSCSI initiator
///
/// Each --disc and each --empty makes one drive, which is one logical unit, numbered from 0 in this
/// order. Once they can be used, one line for each goes to standard output: its URL. Commands can
/// be sent from this machine alone, unless --allow-remote is given. SIGINT, SIGTERM and SIGHUP end
/// it: what the drives have in their buffers is recorded first; a second one ends it at once.
#[derive(Args, Debug)]
#[command(after_help = SERVE_EXAMPLES)]
pub struct Serve {
    #[command(flatten)]
    pub lend: LendArgs,

    /// The address and port to wait for initiators at; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:3260", value_parser = place)]
    pub listen: SocketAddr,

    /// Let --listen be an address that other machines can reach
    #[arg(long)]
    pub allow_remote: bool,

    /// The name of the iSCSI target
    #[arg(long, value_name = "NAME")]
    pub iqn: Option<String>,

    /// Demand this name and the secret of --chap-secret-file of initiators (CHAP)
    #[arg(long, value_name = "NAME", requires = "chap_secret_file")]
    pub chap_user: Option<String>,

    /// The file with the secret that initiators must know: its first line
    #[arg(long, value_name = "FILE", requires = "chap_user", value_hint = ValueHint::FilePath)]
    pub chap_secret_file: Option<PathBuf>,

    /// Answer under this name where an initiator demands CHAP of the target
    #[arg(long, value_name = "NAME", requires_all = ["chap_user", "chap_target_secret_file"])]
    pub chap_target_user: Option<String>,

    /// The file with the secret that the target proves to know
    #[arg(long, value_name = "FILE", requires = "chap_target_user")]
    #[arg(value_hint = ValueHint::FilePath)]
    pub chap_target_secret_file: Option<PathBuf>,
}

/// An address and a port, or a name and a port.
fn place(text: &str) -> Result<SocketAddr, String> {
    let like = "say ADDR:PORT, such as 127.0.0.1:3260";
    let mut found = text.to_socket_addrs().map_err(|error| format!("{error}; {like}"))?;
    found.next().ok_or_else(|| format!("it has no address; {like}"))
}

const SERVE_EXAMPLES: &str = "Examples:
  kiln vdrive serve --drive virtual:bd-re --disc backup.disc
  kiln vdrive serve --disc a.disc --disc b.disc --empty     three drives
  kiln vdrive serve --disc a.disc --listen 127.0.0.1:0      at a free port
  kiln vdrive serve --disc a.disc --trace a.pcapng          for Wireshark";

/// Run a program that finds virtual drives where it looks for real ones
///
/// The program is not changed: a library that is loaded before its own (LD_PRELOAD) shows it
/// /dev/sr0 and /dev/sg0, /dev/sr1 and so on. Statically linked programs cannot be lent to. The
/// exit code is the program's. Without --disc and --empty, the drives are those of a server that
/// runs already, found as `kiln vdrive ctl` finds it.
#[derive(Args, Debug)]
#[command(after_help = RUN_EXAMPLES)]
pub struct RunProgram {
    #[command(flatten)]
    pub lend: LendArgs,

    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    #[arg(value_hint = ValueHint::CommandWithArguments)]
    pub program: Vec<OsString>,
}

const RUN_EXAMPLES: &str = "Examples:
  kiln vdrive run --disc a.disc -- xorriso -as cdrecord -v dev=/dev/sr0 file.iso
  kiln vdrive run --drive virtual:dvd+rw --disc b.disc -- dvd+rw-mediainfo /dev/sr0";

/// Do something to a drive that is lent
///
/// The server is the one at --socket, or that of KILN_VDRIVE_SOCKET, or else the only one that
/// this user runs.
#[derive(Args, Debug)]
#[command(after_help = CTL_EXAMPLES)]
pub struct Ctl {
    /// The server's socket
    #[arg(long, value_name = "PATH", env = "KILN_VDRIVE_SOCKET", hide_env_values = true)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub socket: Option<PathBuf>,

    /// The number of the logical unit
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub lun: u16,

    #[command(subcommand)]
    pub what: CtlCommand,
}

const CTL_EXAMPLES: &str = "Examples:
  kiln vdrive ctl status
  kiln vdrive ctl eject
  kiln vdrive ctl insert other.disc
  kiln vdrive ctl fault write-error 5000+16
  kiln vdrive ctl --lun 1 fault power-cut --at 12.5";

/// What to do to a drive.
#[derive(Debug, Subcommand)]
pub enum CtlCommand {
    /// Put a disc into the drive and close the tray
    Insert {
        /// The disc file
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,

        /// If the file is missing, make it: a blank disc of this medium
        #[arg(long, value_name = "MEDIUM")]
        medium: Option<String>,
    },
    /// Press the eject button: what is in the buffer is recorded, then the disc comes out
    Eject {
        /// Take the disc out even if the door is locked or something is being recorded
        #[arg(long)]
        force: bool,
    },
    /// Pull the plug: what is not recorded is lost
    PullPower,
    /// Put the plug in again
    Plug,
    Fault(FaultArgs),
    /// Forget the faults that have not happened yet
    Heal,
    /// Write every command from now on, and its answer, to a file
    Trace {
        /// The file, `*.pcapng` for Wireshark; or `off`
        #[arg(value_name = "FILE|off", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Show the drives, their discs and who uses them
    Status {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Let something go wrong, now or later
///
/// write-error LBA[+N]  from then on, N blocks from LBA on cannot be recorded;
/// read-error LBA[+N]   from then on, they cannot be read;
/// hang SECONDS         the drive does not answer for so long;
/// reset                a bus reset: the command at hand is lost;
/// power-cut            the plug is pulled;
/// power-on             the plug goes in again;
/// medium-removed       a hand takes the disc, whatever goes on.
#[derive(Args, Debug)]
#[command(verbatim_doc_comment, after_help = FAULT_EXAMPLES)]
pub struct FaultArgs {
    /// What goes wrong
    #[arg(value_name = "FAULT")]
    pub what: String,

    /// Where, or for how long
    #[arg(value_name = "LBA[+N] or SECONDS")]
    pub value: Option<String>,

    #[command(flatten)]
    pub when: FaultWhen,
}

const FAULT_EXAMPLES: &str = "Examples:
  kiln vdrive ctl fault write-error 5000+16
  kiln vdrive ctl fault hang 30 --before-command 3
  kiln vdrive ctl fault power-cut --at 12.5";

/// When something goes wrong: now, if nothing is said.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub struct FaultWhen {
    /// Now (the default)
    #[arg(long)]
    pub now: bool,

    /// So many seconds of the drive's time from now
    #[arg(long, value_name = "SECONDS")]
    pub at: Option<String>,

    /// Before the drive carries out this command; its next one is 0
    #[arg(long, value_name = "N")]
    pub before_command: Option<u64>,

    /// After the drive has carried out this command, before the host hears of it
    #[arg(long, value_name = "N")]
    pub after_command: Option<u64>,
}
