//! The descriptors of this process that are open files of the server.
//!
//! A descriptor is a connection to the server, so poll, dup, fork, exec and close work on it as on
//! anything. It does not wait: what reads from it by system calls that this library does not see
//! fails at once. What this process knows of each is kept in fixed tables; a descriptor that it
//! knows nothing of (inherited over exec, duplicated) is recognised by the names of its socket. The
//! process that opened a file speaks over the descriptor itself, others over a hidden connection.

use core::cell::UnsafeCell;
use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU16, AtomicU32, AtomicUsize, Ordering};

use crate::frame::{Node, Op, Opened, Reply, Request};
use crate::lock::Lock;
use crate::queue::Pending;
use crate::real::{self, errno, set_errno};
use crate::wire::{self, Token};

/// Descriptors that can be files of the server: programs have fewer.
const FDS: usize = 65536;

/// Files of the server that one process can have open.
const SLOTS: usize = 128;

/// Descriptors of this library's own are moved out of the way of the program's.
const HIDDEN_FROM: c_int = 500;

const UNKNOWN: u16 = 0;
const FOREIGN: u16 = 1;
const HIDDEN: u16 = 2;
/// Numbers from here on are slots.
const FIRST: u16 = 3;

static TABLE: [AtomicU16; FDS] = [const { AtomicU16::new(UNKNOWN) }; FDS];
static SLOT: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

/// Whether a child that forks takes its slots apart.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// An open file of the server, in this process.
pub(crate) struct Slot {
    /// Descriptors that are known to be it; 0: the slot is free.
    count: AtomicU32,
    node: AtomicU32,
    /// Its flags, as this process last heard.
    flags: AtomicU32,
    /// This process opened it and speaks over the descriptor itself.
    own: AtomicBool,
    /// The hidden connection, else -1.
    channel: AtomicI32,
    lock: Lock,
    token: UnsafeCell<Token>,
    pending: UnsafeCell<Pending>,
    /// What mmap(2) of a node of sg has given, and how long it is.
    mapped: AtomicUsize,
    mapped_len: AtomicUsize,
}

// SAFETY: the token is written before the slot is published in the table and stays; what is
// pending is only touched by who holds the lock.
unsafe impl Sync for Slot {}

impl Slot {
    const fn new() -> Slot {
        Slot {
            count: AtomicU32::new(0),
            node: AtomicU32::new(0),
            flags: AtomicU32::new(0),
            own: AtomicBool::new(false),
            channel: AtomicI32::new(-1),
            lock: Lock::new(),
            token: UnsafeCell::new(Token { bytes: [0; 16], len: 0 }),
            pending: UnsafeCell::new(Pending::new()),
            mapped: AtomicUsize::new(0),
            mapped_len: AtomicUsize::new(0),
        }
    }

    /// Its node.
    pub(crate) fn node(&self) -> Node {
        Node::of(self.node.load(Ordering::Relaxed))
    }

    /// Its flags, as this process last heard.
    pub(crate) fn flags(&self) -> c_int {
        self.flags.load(Ordering::Relaxed) as c_int
    }

    /// Whether calls return rather than wait.
    pub(crate) fn nonblocking(&self) -> bool {
        self.flags() & libc::O_NONBLOCK != 0
    }

    /// Remembers flags that were set.
    pub(crate) fn set_flags(&self, flags: c_int) {
        self.flags.store(flags as u32, Ordering::Relaxed);
    }

    /// Remembers where the program has mapped the node.
    pub(crate) fn map(&self, at: *mut c_void, len: usize) {
        self.mapped_len.store(len, Ordering::Relaxed);
        self.mapped.store(at as usize, Ordering::Release);
    }

    /// Where that is, if it holds this much.
    pub(crate) fn mapping(&self, len: usize) -> Option<*mut c_void> {
        let at = self.mapped.load(Ordering::Acquire);
        let holds = at != 0 && len <= self.mapped_len.load(Ordering::Relaxed);
        holds.then_some(at as *mut c_void)
    }

    fn token(&self) -> Token {
        // SAFETY: not written while the slot is in use.
        unsafe { *self.token.get() }
    }

    /// Sends a request about this file and receives the reply.
    pub(crate) fn exchange(
        &self,
        fd: c_int,
        request: &Request,
        out: &[libc::iovec],
        room: &[libc::iovec],
    ) -> Result<Reply, c_int> {
        let Some(_held) = self.lock.take() else {
            // A signal handler: what it interrupted is in the middle of an exchange.
            return self.aside(request, out, room);
        };
        // SAFETY: the lock is held.
        if !unsafe { &*self.pending.get() }.is_empty() {
            return self.aside(request, out, room);
        }
        let channel = self.channel(fd)?;
        match wire::exchange(channel, request, out, room) {
            Ok(reply) => Ok(reply),
            Err(failed) => {
                self.after(failed);
                Err(failed.errno)
            }
        }
    }

    /// Lets something be done with what is pending, over the file's connection. `None` from within
    /// a signal handler that interrupted an exchange.
    pub(crate) fn with_pending<R>(
        &self,
        fd: c_int,
        act: impl FnOnce(&mut Pending, c_int) -> Result<R, wire::Failed>,
    ) -> Result<R, c_int> {
        let _held = self.lock.take().ok_or(libc::EAGAIN)?;
        let channel = self.channel(fd)?;
        // SAFETY: the lock is held.
        act(unsafe { &mut *self.pending.get() }, channel).map_err(|failed| {
            self.after(failed);
            failed.errno
        })
    }

    /// The connection to speak over.
    fn channel(&self, fd: c_int) -> Result<c_int, c_int> {
        if self.own.load(Ordering::Relaxed) {
            return Ok(fd);
        }
        let known = self.channel.load(Ordering::Relaxed);
        if known >= 0 {
            return Ok(known);
        }
        let (channel, _) = attach(self.token())?;
        self.channel.store(channel, Ordering::Relaxed);
        Ok(channel)
    }

    /// A connection that is in the middle of a frame is of no use any more.
    fn after(&self, failed: wire::Failed) {
        if failed.broken {
            self.own.store(false, Ordering::Relaxed);
            unhide(self.channel.swap(-1, Ordering::Relaxed));
        }
    }

    /// One exchange over a connection of its own.
    fn aside(
        &self,
        request: &Request,
        out: &[libc::iovec],
        room: &[libc::iovec],
    ) -> Result<Reply, c_int> {
        let (channel, _) = attach(self.token())?;
        let result = wire::exchange(channel, request, out, room);
        unhide(channel);
        result.map_err(|failed| failed.errno)
    }
}

/// A hidden connection that speaks for the file of this token.
fn attach(token: Token) -> Result<(c_int, Opened), c_int> {
    let mut request = Request::new(Op::Attach);
    request.cdb[..16].copy_from_slice(&token.bytes);
    request.cdb_len = token.len;
    let (fd, reply) = wire::connect(&request, true)?;
    if reply.result < 0 {
        wire::close(fd);
        return Err(-reply.result as c_int);
    }
    Ok((hide(fd), Opened::of(reply.result)))
}

/// Moves a descriptor of this library's own up, out of the program's way.
fn hide(fd: c_int) -> c_int {
    // SAFETY: has no requirements.
    let moved = unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_DUPFD_CLOEXEC, HIDDEN_FROM) };
    let hidden = if moved < 0 { fd } else { moved as c_int };
    if moved >= 0 {
        wire::close(fd);
    }
    if let Some(entry) = entry(hidden) {
        entry.store(HIDDEN, Ordering::Relaxed);
    }
    hidden
}

fn unhide(fd: c_int) {
    if fd >= 0 {
        if let Some(entry) = entry(fd) {
            entry.store(UNKNOWN, Ordering::Relaxed);
        }
        wire::close(fd);
    }
}

fn entry(fd: c_int) -> Option<&'static AtomicU16> {
    TABLE.get(usize::try_from(fd).ok()?)
}

/// Opens a node of the server. The descriptor.
pub(crate) fn open(node: Node, flags: c_int) -> Result<c_int, c_int> {
    let mut request = Request::new(Op::Open);
    request.number = node.bits();
    request.arg = flags as u32 as u64;
    let (fd, reply) = wire::connect(&request, flags & libc::O_CLOEXEC != 0)?;
    if reply.result < 0 {
        wire::close(fd);
        return Err(-reply.result as c_int);
    }
    watch_forks();
    wire::refuse_to_wait(fd);
    let token = wire::token_of(fd)?;
    if let Some(slot) = take_slot(token, Opened { node, flags: flags as u32 }, true)
        && let Some(entry) = entry(fd)
    {
        entry.store(slot, Ordering::Release);
        Ok(fd)
    } else {
        wire::close(fd);
        Err(libc::EMFILE)
    }
}

/// Takes a free slot; its number in the table.
fn take_slot(token: Token, opened: Opened, own: bool) -> Option<u16> {
    let free = |slot: &&Slot| {
        slot.count.compare_exchange(0, 1, Ordering::Acquire, Ordering::Relaxed).is_ok()
    };
    let index = SLOT.iter().position(|slot| free(&slot))?;
    let slot = &SLOT[index];
    slot.node.store(opened.node.bits(), Ordering::Relaxed);
    slot.flags.store(opened.flags, Ordering::Relaxed);
    slot.own.store(own, Ordering::Relaxed);
    slot.channel.store(-1, Ordering::Relaxed);
    slot.lock.reset();
    slot.map(core::ptr::null_mut(), 0);
    // SAFETY: the slot was free, so nobody else looks at it before it is published.
    unsafe {
        *slot.token.get() = token;
        *slot.pending.get() = Pending::new();
    }
    Some(index as u16 + FIRST)
}

/// The file of the server that a descriptor is, if it is one.
pub(crate) fn slot(fd: c_int) -> Option<&'static Slot> {
    match entry(fd)?.load(Ordering::Acquire) {
        UNKNOWN if wire::is_active() => recognise(fd),
        UNKNOWN | FOREIGN | HIDDEN => None,
        slot => SLOT.get(usize::from(slot - FIRST)),
    }
}

/// Looks at a descriptor that nothing is known of.
fn recognise(fd: c_int) -> Option<&'static Slot> {
    let saved = errno();
    let entry = entry(fd)?;
    let found = wire::token_of(fd);
    set_errno(saved);
    let token = match found {
        Ok(token) => token,
        Err(libc::EBADF) => return None,
        Err(_) => {
            entry.store(FOREIGN, Ordering::Relaxed);
            return None;
        }
    };
    let same = |slot: &&Slot| slot.count.load(Ordering::Acquire) > 0 && slot.token() == token;
    if let Some(index) = SLOT.iter().position(|slot| same(&slot)) {
        SLOT[index].count.fetch_add(1, Ordering::AcqRel);
        entry.store(index as u16 + FIRST, Ordering::Release);
        return Some(&SLOT[index]);
    }
    let attached = attach(token);
    set_errno(saved);
    let (channel, opened) = attached.ok()?;
    watch_forks();
    let number = take_slot(token, opened, false)?;
    let slot = &SLOT[usize::from(number - FIRST)];
    slot.channel.store(channel, Ordering::Relaxed);
    entry.store(number, Ordering::Release);
    Some(slot)
}

/// A descriptor is about to be closed or to become something else. Whether it is one of this
/// library's own, which programs do not close.
pub(crate) fn forget(fd: c_int) -> bool {
    let Some(entry) = entry(fd) else { return false };
    match entry.load(Ordering::Acquire) {
        UNKNOWN => false,
        HIDDEN => true,
        FOREIGN => {
            entry.store(UNKNOWN, Ordering::Relaxed);
            false
        }
        number => {
            entry.store(UNKNOWN, Ordering::Release);
            if let Some(slot) = SLOT.get(usize::from(number - FIRST))
                && slot.count.fetch_sub(1, Ordering::AcqRel) == 1
            {
                unhide(slot.channel.swap(-1, Ordering::Relaxed));
            }
            false
        }
    }
}

/// The program wants this number for something else: what this library has there moves on.
pub(crate) fn vacate(fd: c_int) {
    if entry(fd).is_none_or(|entry| entry.load(Ordering::Relaxed) != HIDDEN) {
        forget(fd);
        return;
    }
    if let Some(slot) = SLOT.iter().find(|slot| slot.channel.load(Ordering::Relaxed) == fd) {
        // SAFETY: has no requirements.
        let to = unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_DUPFD_CLOEXEC, fd + 1) };
        let to = if to < 0 { -1 } else { to as c_int };
        slot.channel.store(to, Ordering::Relaxed);
        if let Some(entry) = entry(to) {
            entry.store(HIDDEN, Ordering::Relaxed);
        }
    }
    if let Some(entry) = entry(fd) {
        entry.store(UNKNOWN, Ordering::Relaxed);
    }
}

/// Takes the slots apart in children, whose parents go on speaking over the same connections.
fn watch_forks() {
    if WATCHED.swap(true, Ordering::Relaxed) {
        return;
    }
    // SAFETY: the function lives as long as the program and only does what a child may do.
    unsafe { libc::pthread_atfork(None, None, Some(forked)) };
}

unsafe extern "C" fn forked() {
    for slot in &SLOT {
        if slot.count.load(Ordering::Relaxed) > 0 {
            slot.own.store(false, Ordering::Relaxed);
            unhide(slot.channel.swap(-1, Ordering::Relaxed));
            slot.lock.reset();
            // SAFETY: a child has one thread.
            unsafe { *slot.pending.get() = Pending::new() };
        }
    }
}

/// A request about a file that has no data; what it returns, as system calls return it.
pub(crate) fn call(slot: &Slot, fd: c_int, request: &Request) -> i64 {
    result(slot.exchange(fd, request, &[], &[]).map(|reply| reply.result))
}

/// A result as system calls return it.
pub(crate) fn result(result: Result<i64, c_int>) -> i64 {
    match result {
        Ok(value) if value >= 0 => value,
        Ok(error) => {
            real::set_errno(-error as c_int);
            -1
        }
        Err(errno) => {
            real::set_errno(errno);
            -1
        }
    }
}
