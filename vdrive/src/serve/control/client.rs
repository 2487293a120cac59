//! The other end: what `kiln vdrive ctl` and tests speak to a server with.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Action, Answer, HELLO, Problem, Request, Status};

/// Longer than any answer of a sound server.
const LONGEST: u64 = 16 << 20;

/// No answer takes longer: the server does in simulated time what is asked.
const PATIENCE: Duration = Duration::from_secs(120);

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    stream: BufReader<UnixStream>,
}

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody is at the socket.
    NoServer {
        /// The socket.
        path: PathBuf,
        /// The system's words.
        why: io::Error,
    },
    /// The server went away, or does not speak this protocol.
    Broken {
        /// The socket.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// The server did not do it.
    Refused(Problem),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::NoServer { path, why } => {
                write!(f, "no server is at {}: {why}", path.display())
            }
            ClientError::Broken { path, what } => {
                write!(f, "the server at {} does not answer: {what}", path.display())
            }
            ClientError::Refused(problem) => problem.fmt(f),
        }
    }
}

impl std::error::Error for ClientError {}

impl Client {
    /// Connects to the server whose local socket this is.
    pub fn connect(path: &Path) -> Result<Client, ClientError> {
        let failed = |why| ClientError::NoServer { path: path.to_owned(), why };
        let stream = UnixStream::connect(path).map_err(failed)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        let mut client = Client { path: path.to_owned(), stream: BufReader::new(stream) };
        client.send(format!("{HELLO}\n").as_bytes())?;
        Ok(client)
    }

    /// Has something done to a drive: what was done, as a sentence.
    pub fn act(&mut self, lun: u16, action: Action) -> Result<String, ClientError> {
        match self.ask(lun, action)? {
            Answer::Done { text } => Ok(text),
            Answer::Error(problem) => Err(ClientError::Refused(problem)),
            Answer::Status(_) => Err(self.broken("it answers something else")),
        }
    }

    /// What the server lends out.
    pub fn status(&mut self) -> Result<Status, ClientError> {
        match self.ask(0, Action::Status {})? {
            Answer::Status(status) => Ok(*status),
            Answer::Error(problem) => Err(ClientError::Refused(problem)),
            Answer::Done { .. } => Err(self.broken("it answers something else")),
        }
    }

    fn ask(&mut self, lun: u16, action: Action) -> Result<Answer, ClientError> {
        let request = Request { lun, action };
        let mut line =
            serde_json::to_vec(&request).map_err(|error| self.broken(&error.to_string()))?;
        line.push(b'\n');
        self.send(&line)?;
        line.clear();
        let read = (&mut self.stream).take(LONGEST).read_until(b'\n', &mut line);
        read.map_err(|error| self.broken(&error.to_string()))?;
        if line.is_empty() {
            return Err(self.broken("it has ended the connection"));
        }
        serde_json::from_slice(&line).map_err(|error| self.broken(&error.to_string()))
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        let sent = self.stream.get_mut().write_all(bytes);
        sent.map_err(|error| self.broken(&error.to_string()))
    }

    fn broken(&self, what: &str) -> ClientError {
        ClientError::Broken { path: self.path.clone(), what: what.to_owned() }
    }
}
