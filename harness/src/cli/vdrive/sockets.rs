//! Local sockets: where a server's lies if nobody says where, and which server is meant.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use vdrive::serve::control::{Client, ClientError, Status};

use crate::exit::{Exit, Failure};

/// The folder of this user's sockets.
pub(super) fn folder() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => Path::new(&dir).join("kiln"),
        // Without /proc there are no two users to be told apart either.
        None => {
            let user = std::fs::metadata("/proc/self").map_or(0, |of| of.uid());
            PathBuf::from(format!("/tmp/kiln-{user}"))
        }
    }
}

/// The socket of this process.
pub(super) fn own() -> PathBuf {
    folder().join(format!("{}.sock", std::process::id()))
}

/// A connection to the server at this socket, or else to the only one there is.
pub(super) fn connect(socket: Option<&Path>) -> Result<Client, Failure> {
    match socket {
        Some(path) => Client::connect(path).map_err(|error| failure(&error)),
        None => only(running(&folder())),
    }
}

/// Why a server did not do what it was asked.
pub(super) fn failure(error: &ClientError) -> Failure {
    match error {
        ClientError::NoServer { .. } => Failure::new(Exit::Drive, error.to_string())
            .advise("Start one with `kiln vdrive serve`; its --socket is where it is found."),
        ClientError::Refused(problem) => {
            let exit = Exit::named(&problem.kind).unwrap_or(Exit::Drive);
            let advice = problem.advice.clone();
            Failure { exit, what: problem.text.clone(), advice }
        }
        _ => Failure::new(Exit::Connection, error.to_string())
            .advise("Look whether the server still runs."),
    }
}

/// The servers of a folder, in the order of their sockets' names. What is left of a server that was
/// killed goes.
fn running(folder: &Path) -> Vec<(PathBuf, Client)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "sock"));
    paths.sort();
    paths.into_iter().filter_map(|path| Some((path.clone(), answering(&path)?))).collect()
}

fn answering(path: &Path) -> Option<Client> {
    match Client::connect(path) {
        Ok(client) => Some(client),
        Err(ClientError::NoServer { why, .. }) if why.kind() == ErrorKind::ConnectionRefused => {
            // A server that is just about to listen is refused too, and lives.
            let dead = |pid: &str| !Path::new("/proc").join(pid).exists();
            if path.file_stem().and_then(|name| name.to_str()).is_some_and(dead) {
                // Another program may have been quicker.
                let _ = std::fs::remove_file(path);
            }
            None
        }
        Err(_) => None,
    }
}

fn only(mut running: Vec<(PathBuf, Client)>) -> Result<Client, Failure> {
    if running.len() > 1 {
        let many = format!("{} servers are running", running.len());
        let mut failure = Failure::new(Exit::Usage, many).advise("Say which with --socket:");
        for (path, client) in &mut running {
            let lent = client.status().map_or_else(|error| error.to_string(), |s| summary(&s));
            failure = failure.advise(format!("{}  {lent}", path.display()));
        }
        return Err(failure);
    }
    running.pop().map(|(_, client)| client).ok_or_else(|| {
        Failure::new(Exit::Drive, "no server is running")
            .advise("Start one with `kiln vdrive serve --disc FILE`.")
    })
}

/// What a server lends out, in one line.
fn summary(status: &Status) -> String {
    let drives = status.luns.iter().map(|lun| match &lun.disc {
        Some(disc) => disc.file.clone(),
        None => format!("{} without a disc", lun.model),
    });
    drives.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn what_a_killed_server_has_left_goes_and_the_living_stay() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        // No process has a number as high as that (proc(5), pid_max).
        let dead = dir.path().join("4194305.sock");
        drop(UnixListener::bind(&dead).expect("a socket"));
        let slow = dir.path().join(format!("{}.sock", std::process::id()));
        drop(UnixListener::bind(&slow).expect("a socket"));
        std::fs::write(dir.path().join("notes.txt"), "no socket").expect("writable");
        assert!(running(dir.path()).is_empty());
        assert!(!dead.exists() && slow.exists());
        let failure = only(running(dir.path())).expect_err("nobody is there");
        assert_eq!((failure.exit, failure.what.as_str()), (Exit::Drive, "no server is running"));
    }

    #[test]
    fn problems_keep_their_kind() {
        let problem = |kind: &str| vdrive::serve::control::Problem {
            kind: kind.to_owned(),
            text: "text".to_owned(),
            advice: vec!["advice".to_owned()],
        };
        let got = failure(&ClientError::Refused(problem("disc-file")));
        assert_eq!(got, Failure::new(Exit::DiscFile, "text").advise("advice"));
        // A later server may know more kinds.
        assert_eq!(failure(&ClientError::Refused(problem("melted"))).exit, Exit::Drive);
    }
}
