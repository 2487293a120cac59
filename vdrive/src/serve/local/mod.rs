//! The local socket: programs on this machine, and the preload shim inside them.
//!
//! A connection's first line says what it carries: [`frame::HELLO`] the frames of the shim, any
//! other the control protocol. To the shim the server is what the Linux kernel is to a program:
//! the drivers sr and sg, with one nexus for each drive that all programs share.

mod block;
pub mod calls;
mod cdrom;
mod command;
mod connection;
mod dvd;
mod file;
pub mod frame;
#[doc(hidden)]
pub mod fuzzing;
mod ioctl;
mod open;
mod tree;

use std::fmt;
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::seats::{Seats, Ticket};
use super::{Server, Stop, lock};
use file::Files;

/// Most connections at a time: those of a few programs with all their threads.
const MOST: usize = 256;

/// Those of them that programs cannot fill with open files: a hand always reaches the drives.
const FOR_HANDS: usize = 32;

/// How long a listener waits when the system lets nobody in.
const PAUSE: Duration = Duration::from_millis(100);

/// A client that does not say at once what it is has no business here.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// Longest first line.
const LONGEST_LINE: usize = 64;

/// Takes over a connection that carries the control protocol, from behind its first line, which it
/// is given without the line's end. Called in a thread of its own, which ends with it. Calls the
/// last each time the client says something: who has been quiet for longest gives way when all
/// places are taken.
pub type Control = Box<dyn Fn(&str, &UnixStream, &dyn Fn()) + Send + Sync>;

/// Why there is no local socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum LocalError {
    /// A server is there already.
    InUse(PathBuf),
    /// Something that is no socket lies there.
    Occupied(PathBuf),
    /// The path is longer than a socket's name may be.
    TooLong(PathBuf),
    /// The folder belongs to another user.
    Foreign(PathBuf),
    /// The system refused.
    Io(PathBuf, io::Error),
}

impl fmt::Display for LocalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LocalError::InUse(path) => {
                write!(f, "another server is at {}; name another --socket", path.display())
            }
            LocalError::Occupied(path) => {
                write!(f, "{} is there and is no socket", path.display())
            }
            LocalError::TooLong(path) => {
                write!(f, "{} is too long for a socket: at most 100 bytes", path.display())
            }
            LocalError::Foreign(path) => {
                write!(f, "{} belongs to another user", path.display())
            }
            LocalError::Io(path, error) => write!(f, "no socket at {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for LocalError {}

/// A local socket that has its place, where nobody is served yet. It goes when this is dropped.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    listener: Option<UnixListener>,
}

/// The local socket of a server. It goes, with what lies beside it, when this is dropped or the
/// server stops.
#[derive(Debug)]
pub struct Local {
    shared: Arc<Shared>,
}

/// What the listener's threads share.
struct Shared {
    path: PathBuf,
    stop: Stop,
    files: Arc<Files>,
    control: Control,
    seats: Arc<Seats>,
    streams: Mutex<Streams>,
    listener: Mutex<Option<JoinHandle<()>>>,
}

/// The connections that live.
#[derive(Default)]
struct Streams {
    ended: bool,
    next: u64,
    live: Vec<(u64, Arc<UnixStream>, Option<JoinHandle<()>>)>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Socket {
    /// Takes `path` for a local socket. The folder is made, for this user alone, if it is missing.
    pub fn bind(path: &Path) -> Result<Socket, LocalError> {
        let path = std::path::absolute(path).map_err(|e| LocalError::Io(path.to_owned(), e))?;
        let listener = Some(bind(&path)?);
        Ok(Socket { path, listener })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.listener.is_some() {
            // Gone is gone.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Local {
    /// Serves the clients of a socket from now on, in threads of its own.
    pub fn listen(
        server: &Server,
        mut socket: Socket,
        control: Control,
    ) -> Result<Local, LocalError> {
        let path = socket.path.clone();
        let files = Arc::new(Files::new(server.luns(), server.stopped()));
        let drives = files.identities();
        let root = tree::beside(&path);
        tree::grow(&root, &drives).map_err(|error| LocalError::Io(root.clone(), error))?;
        files.show_sizes(&root);
        let Some(listener) = socket.listener.take() else {
            return Err(LocalError::InUse(path));
        };
        let shared = Arc::new(Shared {
            path,
            stop: server.stopped(),
            files,
            control,
            seats: Seats::new(MOST, FOR_HANDS),
            streams: Mutex::default(),
            listener: Mutex::new(None),
        });
        let accepting = Arc::clone(&shared);
        let thread = std::thread::spawn(move || accept(&accepting, &listener));
        *lock(&shared.listener) = Some(thread);
        let ending = Arc::downgrade(&shared);
        server.at_stop(move || {
            if let Some(shared) = ending.upgrade() {
                shared.end();
            }
        });
        Ok(Local { shared })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// How many programs have something of these drives open: (sr nodes, sg nodes) by drive.
    pub fn users(&self) -> Vec<(usize, usize)> {
        self.shared.files.users()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.shared.end();
    }
}

impl Shared {
    /// Ends every connection and the listener, and takes the socket away.
    fn end(&self) {
        let live = {
            let mut streams = lock(&self.streams);
            if std::mem::replace(&mut streams.ended, true) {
                return;
            }
            std::mem::take(&mut streams.live)
        };
        // Wakes the listener, which then sees that it is over.
        drop(UnixStream::connect(&self.path));
        for (_, stream, _) in &live {
            // One that is gone already needs no farewell.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        let this = std::thread::current().id();
        let threads = live.into_iter().filter_map(|(_, _, thread)| thread);
        for thread in threads.chain(lock(&self.listener).take()) {
            // The control protocol may be what stops the server.
            if thread.thread().id() != this {
                // A thread that ended badly has ended.
                let _ = thread.join();
            }
        }
        // Gone is gone.
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_dir_all(tree::beside(&self.path));
    }
}

/// Makes the folder and the socket. A socket that nobody listens at is left from a server that was
/// killed, and is replaced.
fn bind(path: &Path) -> Result<UnixListener, LocalError> {
    let io = |error| LocalError::Io(path.to_owned(), error);
    if path.as_os_str().len() > 100 {
        return Err(LocalError::TooLong(path.to_owned()));
    }
    if let Some(folder) = path.parent() {
        if !folder.exists() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io)?;
        }
        let mine = std::fs::metadata("/proc/self").map_err(io)?.uid();
        let (owner, mode) = std::fs::metadata(folder).map(|m| (m.uid(), m.mode())).map_err(io)?;
        if owner != mine && mode & 0o022 != 0 && mode & 0o1000 == 0 {
            return Err(LocalError::Foreign(folder.to_owned()));
        }
    }
    if let Ok(found) = std::fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(LocalError::Occupied(path.to_owned()));
        }
        if UnixStream::connect(path).is_ok() {
            return Err(LocalError::InUse(path.to_owned()));
        }
        std::fs::remove_file(path).map_err(io)?;
    }
    let listener = UnixListener::bind(path).map_err(io)?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, mode).map_err(io)?;
    Ok(listener)
}

fn accept(shared: &Arc<Shared>, listener: &UnixListener) {
    for stream in listener.incoming() {
        let mut streams = lock(&shared.streams);
        if streams.ended || shared.stop.is_set() {
            return;
        }
        streams.live.retain(|(_, _, thread)| thread.as_ref().is_none_or(|t| !t.is_finished()));
        let Ok(stream) = stream else {
            // As where no more files may be open: who waits would be tried again at once.
            drop(streams);
            shared.stop.wait(PAUSE);
            continue;
        };
        let stream = Arc::new(stream);
        let ending = Arc::clone(&stream);
        // What cannot be ended has ended.
        let end = move || drop(ending.shutdown(std::net::Shutdown::Both));
        let Some(ticket) = shared.seats.enter(end) else { continue };
        let twin = Arc::clone(&stream);
        let number = streams.next;
        streams.next += 1;
        let serving = Arc::clone(shared);
        let builder = std::thread::Builder::new().name("local client".to_owned());
        let thread = builder.spawn(move || {
            serve(&serving, &stream, &ticket);
            // Seat and twin would keep the connection open for the other side.
            drop(ticket);
            let mut streams = lock(&serving.streams);
            if let Some(at) = streams.live.iter().position(|(n, ..)| *n == number) {
                streams.live.swap_remove(at);
            }
        });
        if let Ok(thread) = thread {
            streams.live.push((number, twin, Some(thread)));
        }
    }
}

/// One connection from its first line to its end.
fn serve(shared: &Shared, stream: &UnixStream, ticket: &Ticket) {
    let Some(line) = first_line(stream) else { return };
    if line == frame::HELLO {
        // Without a place that stays it is closed.
        if ticket.stay() {
            connection::serve(&shared.files, stream);
        }
    } else if let Ok(text) = std::str::from_utf8(&line) {
        (shared.control)(text.trim_end_matches('\n'), stream, &|| ticket.heard());
    }
}

/// Reads the first line and nothing behind it.
fn first_line(mut stream: &UnixStream) -> Option<Vec<u8>> {
    stream.set_read_timeout(Some(HELLO_LIMIT)).ok()?;
    let mut line = vec![0; frame::HELLO.len()];
    stream.read_exact(&mut line).ok()?;
    while line.last() != Some(&b'\n') && line.len() < LONGEST_LINE {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        line.push(byte[0]);
    }
    stream.set_read_timeout(None).ok()?;
    line.ends_with(b"\n").then_some(line)
}
