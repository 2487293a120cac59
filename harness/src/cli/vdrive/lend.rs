//! The drives that are lent, as `serve` and `run` are told of them: a server with its local socket.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use vdrive::serve::control::{About, Desk};
use vdrive::serve::local::{Local, LocalError, Socket};
use vdrive::serve::{Lun, Pace, Server};

use super::args::LendArgs;
use crate::exit::{Exit, Failure};
use crate::place;

/// A server whose drives can be had on its local socket.
pub(super) struct Lending {
    pub(super) server: Server,
    pub(super) local: Local,
}

/// Puts the drives on their benches and opens the local socket, at `socket` if the user names no
/// other. `about` says what else the server is: it is given the server's drives.
pub(super) fn lend(
    args: &LendArgs,
    socket: PathBuf,
    about: impl FnOnce(&Server) -> About,
) -> Result<Lending, Failure> {
    let socket = args.socket.as_deref().map_or(Ok(socket), absolute)?;
    // Before a disc is made for a server that never comes to be.
    let bound = Socket::bind(&socket).map_err(|error| refused(&error))?;
    let pace = if args.pace { Pace::RealTime } else { Pace::Simulated };
    let lent = place::lend(&args.drive, &args.disc, usize::from(args.empty), args.seed)?;
    let luns = (0..).zip(lent).map(|(number, lent)| Lun::new(number, lent.drive, pace));
    let server = Server::new(luns.collect());
    if let Some(trace) = &args.trace {
        let failed =
            |error: vdrive::serve::trace::TraceError| Failure::new(Exit::Output, error.to_string());
        server.trace().start(trace).map_err(failed)?;
    }
    let about = About { socket: socket.display().to_string(), ..about(&server) };
    let desk = Desk::new(server.clone(), about);
    let control = Box::new(move |hello: &str, stream: &UnixStream, heard: &dyn Fn()| {
        desk.serve(hello, stream, heard);
    });
    let local = Local::listen(&server, bound, control).map_err(|error| refused(&error))?;
    Ok(Lending { server, local })
}

impl Lending {
    /// Lets every drive record what is in its buffer; then the discs and the trace are complete.
    pub(super) fn end(self) -> Result<(), Failure> {
        let trace = self.server.trace().clone();
        self.server.stop();
        let complete = trace.stop();
        drop(self.local);
        complete.map(drop).map_err(|error| Failure::new(Exit::Output, error.to_string()))
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|error| Failure::new(Exit::Usage, format!("{}: {error}", path.display())))
}

fn refused(error: &LocalError) -> Failure {
    let failure = Failure::new(Exit::Drive, error.to_string());
    match error {
        // It says so itself.
        LocalError::InUse(_) => failure,
        _ => failure.advise("--socket names another place for the local socket."),
    }
}
