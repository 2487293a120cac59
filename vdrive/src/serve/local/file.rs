//! Open files: which there are, what each is, and when it is over.
//!
//! An open file lives as long as its connection, which its descriptors in all processes hold open
//! together: what open(2) makes, dup(2) and fork(2) share and the last close(2) ends. Knows nothing
//! of what is done to the drive by opening it.

use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use nix::libc::{EBUSY, ENOMEM, ENXIO, EPERM};
use nix::poll::{PollFd, PollFlags, PollTimeout};

use super::command::Driver;
use super::frame::Node;
use super::tree::Identity;
use crate::serve::{Lun, Stop, lock};

/// Flags of open(2), as on Linux on x86-64 and most others.
pub(super) const O_ACCMODE: u32 = 0o3;
pub(super) const O_RDONLY: u32 = 0o0;
pub(super) const O_WRONLY: u32 = 0o1;
pub(super) const O_EXCL: u32 = 0o200;
pub(super) const O_NONBLOCK: u32 = 0o4000;
/// What fcntl(2) may change: O_APPEND, O_NONBLOCK, O_ASYNC, O_DIRECT, O_NOATIME.
const CHANGEABLE: u32 = 0o2000 | O_NONBLOCK | 0o20000 | 0o40000 | 0o1000000;

/// How long an open waits for files to go whose descriptors are all closed.
const LINGER: Duration = Duration::from_secs(5);

/// Milliseconds that a command may take where nobody says otherwise.
const TIMEOUT_MS: u32 = 60_000;

/// An open file.
#[derive(Debug)]
pub(super) struct OpenFile {
    /// Its node.
    pub(super) node: Node,
    /// The drive behind it.
    pub(super) driver: Arc<Driver>,
    /// What it was opened with: access and O_EXCL do not change.
    flags: AtomicU32,
    /// Where the next read or write is, in bytes.
    pub(super) position: Mutex<u64>,
    /// What the ioctls of sg set.
    pub(super) sg: Mutex<Sg>,
    /// By which other processes name it.
    token: Vec<u8>,
    /// Its connection, to see whether it is over.
    stream: UnixStream,
}

/// What the ioctls of sg set for one open file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sg {
    pub(super) timeout_ms: u32,
    pub(super) reserved: i32,
    pub(super) command_q: i32,
    pub(super) keep_orphan: i32,
}

impl Default for Sg {
    fn default() -> Sg {
        Sg { timeout_ms: TIMEOUT_MS, reserved: 32768, command_q: 0, keep_orphan: 0 }
    }
}

impl OpenFile {
    /// Its flags as fcntl(2) gives them.
    pub(super) fn flags(&self) -> u32 {
        self.flags.load(Ordering::Relaxed)
    }

    /// Changes those that fcntl(2) can change.
    pub(super) fn set_flags(&self, flags: u32) {
        let kept = self.flags() & !CHANGEABLE;
        self.flags.store(kept | flags & CHANGEABLE, Ordering::Relaxed);
    }

    /// Whether it may be read.
    pub(super) fn readable(&self) -> bool {
        self.flags() & O_ACCMODE != O_WRONLY
    }

    /// Whether it may be written.
    pub(super) fn writable(&self) -> bool {
        self.flags() & O_ACCMODE != O_RDONLY
    }

    fn exclusive(&self) -> bool {
        self.flags() & O_EXCL != 0
    }

    /// Whether nobody has a descriptor of it any more.
    fn is_over(&self) -> bool {
        hung_up(&self.stream)
    }
}

/// Whether the other side has closed a connection.
pub(super) fn hung_up(stream: &UnixStream) -> bool {
    let mut fds = [PollFd::new(stream.as_fd(), PollFlags::empty())];
    match nix::poll::poll(&mut fds, PollTimeout::ZERO) {
        Ok(0) => false,
        Ok(_) => true,
        Err(error) => error != nix::errno::Errno::EINTR,
    }
}

/// The open files of all drives of a server.
#[derive(Debug)]
pub(super) struct Files {
    drivers: Vec<Arc<Driver>>,
    open: Mutex<Vec<Arc<OpenFile>>>,
    closed: Condvar,
    stop: Stop,
}

impl Files {
    pub(super) fn new(luns: &[Lun], stop: Stop) -> Files {
        let driver = |lun| Arc::new(Driver::attach(lun, stop.clone()));
        let drivers = luns.iter().map(driver).collect();
        Files { drivers, open: Mutex::default(), closed: Condvar::new(), stop }
    }

    /// How many drives there are.
    pub(super) fn count(&self) -> usize {
        self.drivers.len()
    }

    /// The drive behind a node.
    pub(super) fn driver(&self, node: Node) -> Option<&Arc<Driver>> {
        self.drivers.get(usize::from(node.index))
    }

    /// What each drive calls itself.
    pub(super) fn identities(&self) -> Vec<Identity> {
        self.drivers.iter().map(|driver| driver.identity().clone()).collect()
    }

    /// Shows the sizes of the discs in the tree at `root`, beginning with what a first look at each
    /// drive finds, such as udev's when a drive has come.
    pub(super) fn show_sizes(&self, root: &Path) {
        for (index, driver) in self.drivers.iter().enumerate() {
            driver.show_sizes(super::tree::sizes(root, index));
            let mut sr = lock(&driver.sr);
            driver.show_size(sr.size);
            super::open::revalidate(driver, &mut sr);
        }
    }

    /// Open files by drive: of sr and of sg.
    pub(super) fn users(&self) -> Vec<(usize, usize)> {
        let open = lock(&self.open);
        let count = |index: usize, sg: bool| {
            let of =
                |file: &&Arc<OpenFile>| usize::from(file.node.index) == index && file.node.sg == sg;
            open.iter().filter(of).count()
        };
        (0..self.count()).map(|index| (count(index, false), count(index, true))).collect()
    }

    /// The open file of this token.
    pub(super) fn by_token(&self, token: &[u8]) -> Option<Arc<OpenFile>> {
        lock(&self.open).iter().find(|file| file.token == token).cloned()
    }

    /// Waits until files that nobody has a descriptor of have been closed on this side as well: a
    /// program that closes a node and opens it again finds it closed.
    pub(super) fn sweep(&self) {
        let open = lock(&self.open);
        let lingers = |open: &mut Vec<Arc<OpenFile>>| open.iter().any(|file| file.is_over());
        // What does not go in time counts as open.
        drop(self.closed.wait_timeout_while(open, LINGER, lingers));
    }

    /// Makes an open file, by the rules for exclusive ones, and has `prepare` do what opening does
    /// to the drive if it is the first of its node.
    pub(super) fn claim(
        &self,
        node: Node,
        flags: u32,
        stream: &UnixStream,
    ) -> Result<Arc<OpenFile>, i32> {
        let driver = self.driver(node).cloned().ok_or(ENXIO)?;
        let exclusive = flags & O_EXCL != 0;
        if node.sg && exclusive && flags & O_ACCMODE == O_RDONLY {
            return Err(EPERM);
        }
        let twin = stream.try_clone().map_err(|_| ENOMEM)?;
        let mut open = lock(&self.open);
        while open.iter().any(|file| file.node == node && clashes(node, exclusive, file)) {
            // sr refuses. sg refuses who does not want to wait, and lets the others wait.
            if !node.sg || flags & O_NONBLOCK != 0 || self.stop.is_set() || hung_up(stream) {
                return Err(EBUSY);
            }
            let waited = self.closed.wait_timeout(open, Duration::from_millis(100));
            open = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let token = stream.peer_addr().ok().and_then(|address| {
            use std::os::linux::net::SocketAddrExt;
            address.as_abstract_name().map(<[u8]>::to_vec)
        });
        let token = token.unwrap_or_default();
        if !token.is_empty() && open.iter().any(|file| file.token == token) {
            return Err(EBUSY);
        }
        let file = Arc::new(OpenFile {
            node,
            driver,
            flags: AtomicU32::new(flags),
            position: Mutex::new(0),
            sg: Mutex::default(),
            token,
            stream: twin,
        });
        open.push(Arc::clone(&file));
        Ok(file)
    }

    /// Ends an open file.
    pub(super) fn release(&self, file: &Arc<OpenFile>) {
        lock(&self.open).retain(|other| !Arc::ptr_eq(other, file));
        self.closed.notify_all();
    }
}

/// Whether a file that is open forbids one more: of sr two exclusive ones, of sg one exclusive and
/// any other.
fn clashes(node: Node, exclusive: bool, open: &OpenFile) -> bool {
    if node.sg { exclusive || open.exclusive() } else { exclusive && open.exclusive() }
}
