//! `kiln vdrive run`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};

use nix::errno::Errno;
use nix::sys::signal::{self, SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use vdrive::serve::control::About;

use super::args::{LendArgs, RunProgram};
use super::lend::Lending;
use super::{lend, program, sockets};
use crate::cli::out;
use crate::exit::{Exit, Failure};

/// What is passed on to the program, if somebody sends it to this one.
const PASSED_ON: [Signal; 7] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGCONT,
];

/// Runs the program with the drives in sight, and gives its exit code.
pub(super) fn run(args: &RunProgram) -> Result<u8, Failure> {
    let Some((name, rest)) = args.program.split_first() else {
        return Err(Failure::new(Exit::Usage, "there is no program to run"));
    };
    let path = program::find(name)?;
    program::judge(&path)?;
    let library = program::library()?;
    let mine: fs::Permissions = PermissionsExt::from_mode(0o700);
    let folder = tempfile::Builder::new().prefix("kiln-").permissions(mine).tempdir();
    let folder = folder.map_err(|error| {
        Failure::new(Exit::Output, format!("no folder for the socket: {error}"))
    })?;
    // Before the first thread, so that all of them leave these signals to `wait`.
    let signals = Signals::take()?;
    let lent = drives(&args.lend, folder.path().join("socket"))?;
    let mut command = Command::new(&path);
    command.args(rest);
    std::os::unix::process::CommandExt::arg0(&mut command, name);
    command.env("LD_PRELOAD", program::preload(&library, folder.path())?);
    command.env("KILN_VDRIVE_SOCKET", &lent.socket);
    let child = signals.left_alone(|| command.spawn()).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot run {}: {error}", path.display()))
    });
    let ended = child.and_then(|child| signals.wait(child));
    let left = lent.end();
    let status = ended?;
    if let Err(failure) = left {
        // The exit code is the program's.
        out::note(&format!("kiln: {failure}"));
    }
    Ok(code(status))
}

/// The program's exit code, as a shell gives it.
fn code(status: ExitStatus) -> u8 {
    let by_signal = || status.signal().map_or(1, |number| 128 + number);
    u8::try_from(status.code().unwrap_or_else(by_signal)).unwrap_or(u8::MAX)
}

/// Drives that can be had at a socket.
struct Lent {
    socket: PathBuf,
    /// The server, if it is this process.
    own: Option<Lending>,
}

fn drives(args: &LendArgs, private: PathBuf) -> Result<Lent, Failure> {
    if args.disc.is_empty() && args.empty == 0 {
        let own = [
            (!args.drive.is_empty(), "--drive"),
            (args.pace, "--pace"),
            (args.trace.is_some(), "--trace"),
            (args.seed.is_some(), "--seed"),
        ];
        if let Some((_, flag)) = own.iter().find(|(given, _)| *given) {
            let what = format!("{flag} is for drives of its own, and there are none");
            return Err(Failure::new(Exit::Usage, what)
                .advise("Name a disc file with --disc, or say --empty for a drive without one."));
        }
        let socket = args
            .socket
            .clone()
            .or_else(|| std::env::var_os("KILN_VDRIVE_SOCKET").map(PathBuf::from));
        let mut client = sockets::connect(socket.as_deref())?;
        let status = client.status().map_err(|error| sockets::failure(&error))?;
        return Ok(Lent { socket: socket.unwrap_or(status.socket.into()), own: None });
    }
    let own = lend::lend(args, private, |_| About::default())?;
    Ok(Lent { socket: own.local.path().to_owned(), own: Some(own) })
}

impl Lent {
    /// Ends the server, if it is this process: what is in buffers is recorded.
    fn end(self) -> Result<(), Failure> {
        self.own.map_or(Ok(()), Lending::end)
    }
}

/// The signals that this process gets, in its hands.
struct Signals {
    set: SigSet,
    coming: SignalFd,
}

impl Signals {
    fn take() -> Result<Signals, Failure> {
        let internal = |errno: Errno| Failure::new(Exit::Internal, format!("signals: {errno}"));
        let mut set: SigSet = PASSED_ON.into_iter().collect();
        set.add(Signal::SIGCHLD);
        set.thread_block().map_err(internal)?;
        let coming = SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC).map_err(internal)?;
        Ok(Signals { set, coming })
    }

    /// Does something with the signals as they were: a program inherits what is blocked. One that
    /// comes just then ends this process, which has done nothing yet.
    fn left_alone<R>(&self, act: impl FnOnce() -> R) -> R {
        // Neither fails for a set of real signals.
        let _ = self.set.thread_unblock();
        let result = act();
        let _ = self.set.thread_block();
        result
    }

    /// Waits for the program's end, and passes signals on to it. Those from the terminal have
    /// reached it already.
    fn wait(&self, mut child: Child) -> Result<ExitStatus, Failure> {
        let internal = |what: String| Failure::new(Exit::Internal, what);
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        loop {
            let ended = child.try_wait().map_err(|error| internal(error.to_string()))?;
            if let Some(status) = ended {
                return Ok(status);
            }
            let Ok(Some(info)) = self.coming.read_signal() else { continue };
            let number = i32::try_from(info.ssi_signo).unwrap_or_default();
            let by_program = info.ssi_code <= 0;
            if let Ok(signal) = Signal::try_from(number)
                && by_program
                && PASSED_ON.contains(&signal)
            {
                // It may have ended just now.
                let _ = signal::kill(pid, signal);
            }
        }
    }
}
