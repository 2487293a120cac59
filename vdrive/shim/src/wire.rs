//! The way to the server: sockets, and one exchange of frames over one of them.
//!
//! Knows nothing of descriptors that programs have. One system call to send and one to receive,
//! straight from and into the program's memory.

use core::ffi::{c_int, c_void};
use core::mem::{size_of, zeroed};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicUsize, Ordering};

use crate::frame::{HELLO, Reply, Request};
use crate::real::{self, errno};

/// Longest path of a socket, with its end.
const LONGEST: usize = 108;

/// Most pieces of memory in one exchange.
pub(crate) const MOST_PIECES: usize = 64;

/// The name of the variable that holds the server's socket.
const VARIABLE: &core::ffi::CStr = c"KILN_VDRIVE_SOCKET";

/// The server's socket, once it is known: the length of the path, or `ABSENT`.
static KNOWN: AtomicUsize = AtomicUsize::new(0);
const ABSENT: usize = usize::MAX;

/// The path. Written before `KNOWN` says that it is there, always with the same bytes.
static PATH: [core::sync::atomic::AtomicU8; LONGEST] =
    [const { core::sync::atomic::AtomicU8::new(0) }; LONGEST];

/// The path of the server's socket: its length and its bytes. `None` if there is no server.
pub(crate) fn server() -> Option<([u8; LONGEST], usize)> {
    let len = match KNOWN.load(Ordering::Acquire) {
        0 => learn(),
        len => len,
    };
    if len == ABSENT {
        return None;
    }
    let mut path = [0; LONGEST];
    for (to, from) in path.iter_mut().zip(&PATH).take(len) {
        *to = from.load(Ordering::Relaxed);
    }
    Some((path, len))
}

/// Whether there is a server.
pub(crate) fn is_active() -> bool {
    match KNOWN.load(Ordering::Acquire) {
        0 => learn() != ABSENT,
        len => len != ABSENT,
    }
}

fn learn() -> usize {
    // SAFETY: the name is a C string; the value is read at once.
    let value = unsafe { libc::getenv(VARIABLE.as_ptr()) };
    let mut len = ABSENT;
    if !value.is_null() {
        // SAFETY: the environment holds C strings.
        let path = unsafe { core::ffi::CStr::from_ptr(value) }.to_bytes();
        if !path.is_empty() && path.len() < LONGEST {
            for (to, from) in PATH.iter().zip(path) {
                to.store(*from, Ordering::Relaxed);
            }
            len = path.len();
        }
    }
    KNOWN.store(len, Ordering::Release);
    len
}

/// A token that names an open file: the name that the kernel has given to its socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) bytes: [u8; 16],
    pub(crate) len: u8,
}

/// The token of a descriptor, if its other end is the server.
pub(crate) fn token_of(fd: c_int) -> Result<Token, c_int> {
    let (path, path_len) = server().ok_or(libc::ENOTSOCK)?;
    let (own, own_len) = name(fd, libc::getsockname)?;
    let family = size_of::<libc::sa_family_t>();
    let token = own.get(family + 1..own_len).unwrap_or(&[]);
    if own[..family] != (libc::AF_UNIX as u16).to_ne_bytes() || token.is_empty() {
        return Err(libc::ENOTSOCK);
    }
    let (peer, peer_len) = name(fd, libc::getpeername)?;
    let peer = peer.get(family..peer_len).unwrap_or(&[]);
    let end = peer.iter().position(|byte| *byte == 0).unwrap_or(peer.len());
    if peer[..end] != path[..path_len] || token.len() > 16 || own[family] != 0 {
        return Err(libc::ENOTSOCK);
    }
    let mut bytes = [0; 16];
    bytes[..token.len()].copy_from_slice(token);
    Ok(Token { bytes, len: token.len() as u8 })
}

type Namer = unsafe extern "C" fn(c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> c_int;

fn name(fd: c_int, ask: Namer) -> Result<([u8; 128], usize), c_int> {
    let mut name = [0_u8; 128];
    let mut len = name.len() as libc::socklen_t;
    // SAFETY: the buffer is as long as `len` says; a socket address may have any bytes.
    let result = unsafe { ask(fd, name.as_mut_ptr().cast(), &raw mut len) };
    if result < 0 { Err(errno()) } else { Ok((name, (len as usize).min(128))) }
}

/// A new connection to the server, with the first line and one request sent and answered.
pub(crate) fn connect(request: &Request, cloexec: bool) -> Result<(c_int, Reply), c_int> {
    let (path, len) = server().ok_or(libc::ENXIO)?;
    let kind = libc::SOCK_STREAM | if cloexec { libc::SOCK_CLOEXEC } else { 0 };
    // SAFETY: has no requirements.
    let fd = unsafe { libc::socket(libc::AF_UNIX, kind, 0) };
    if fd < 0 {
        return Err(errno());
    }
    match greet(fd, &path[..len], request) {
        Ok(reply) => Ok((fd, reply)),
        Err(error) => {
            close(fd);
            Err(error)
        }
    }
}

fn greet(fd: c_int, path: &[u8], request: &Request) -> Result<Reply, c_int> {
    // SAFETY: an address of zeros is a valid one.
    let mut address: libc::sockaddr_un = unsafe { zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let family = size_of::<libc::sa_family_t>() as libc::socklen_t;
    let whole = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // A bind to no name at all: the kernel gives the socket one of its own (unix(7), autobind).
    // SAFETY: the address is as long as said.
    if unsafe { libc::bind(fd, (&raw const address).cast(), family) } < 0 {
        return Err(errno());
    }
    for (to, from) in address.sun_path.iter_mut().zip(path) {
        *to = *from as core::ffi::c_char;
    }
    // SAFETY: the address is as long as said.
    while unsafe { libc::connect(fd, (&raw const address).cast(), whole) } < 0 {
        match errno() {
            libc::EINTR => {}
            // To the program there is no such drive.
            libc::ENOENT | libc::ECONNREFUSED => return Err(libc::ENXIO),
            other => return Err(other),
        }
    }
    let hello = libc::iovec { iov_base: HELLO.as_ptr() as *mut c_void, iov_len: HELLO.len() };
    send(fd, &mut [hello]).map_err(|failed| failed.errno)?;
    exchange(fd, request, &[], &[]).map_err(|failed| failed.errno)
}

/// Closes a descriptor of this library's own.
pub(crate) fn close(fd: c_int) {
    // SAFETY: the descriptor belongs to this library, which does not use it again.
    unsafe { libc::syscall(libc::SYS_close, fd) };
}

/// An exchange that came to nothing.
#[derive(Clone, Copy)]
pub(crate) struct Failed {
    pub(crate) errno: c_int,
    /// The connection is in the middle of a frame.
    pub(crate) broken: bool,
}

/// Sends a request with its data.
pub(crate) fn ask(fd: c_int, request: &Request, out: &[libc::iovec]) -> Result<(), Failed> {
    let head = request.emit();
    let mut pieces = [NOTHING; MOST_PIECES + 1];
    pieces[0] = libc::iovec { iov_base: head.as_ptr() as *mut c_void, iov_len: head.len() };
    let count = out.len().min(MOST_PIECES);
    pieces[1..=count].copy_from_slice(&out[..count]);
    send(fd, &mut pieces[..=count])
}

/// Receives a reply with its data. The room has to be that of the request.
pub(crate) fn hear(fd: c_int, room: &[libc::iovec]) -> Result<Reply, Failed> {
    hear_one(fd, room, false)
}

/// Receives a reply behind which the next one may come.
pub(crate) fn hear_next(fd: c_int, room: &[libc::iovec]) -> Result<Reply, Failed> {
    hear_one(fd, room, true)
}

/// `apart`: its head is received by itself, so that nothing of the next reply comes with its data.
fn hear_one(fd: c_int, room: &[libc::iovec], apart: bool) -> Result<Reply, Failed> {
    let broken = Failed { errno: libc::EIO, broken: true };
    let mut head = [0; Reply::LEN];
    let mut pieces = [NOTHING; MOST_PIECES + 1];
    pieces[0] = libc::iovec { iov_base: head.as_mut_ptr().cast(), iov_len: head.len() };
    let count = room.len().min(MOST_PIECES);
    pieces[1..=count].copy_from_slice(&room[..count]);
    let most: usize = room.iter().map(|piece| piece.iov_len).sum();
    let mut pieces = &mut pieces[..=count];
    let mut got = 0;
    let mut want = Reply::LEN;
    let mut reply = None;
    while got < want {
        let came = if apart { receive_most(fd, pieces, want - got)? } else { receive(fd, pieces)? };
        pieces = advance(pieces, came);
        got += came;
        if reply.is_none() && got >= Reply::LEN {
            let parsed = Reply::parse(&head, most).ok_or(broken)?;
            want += parsed.data_len as usize;
            reply = Some(parsed);
        }
    }
    if got > want { Err(broken) } else { reply.ok_or(broken) }
}

/// Sends a request with its data and receives the reply with its data.
pub(crate) fn exchange(
    fd: c_int,
    request: &Request,
    out: &[libc::iovec],
    room: &[libc::iovec],
) -> Result<Reply, Failed> {
    ask(fd, request, out)?;
    hear(fd, room)
}

const NOTHING: libc::iovec = libc::iovec { iov_base: null_mut(), iov_len: 0 };

/// The pieces that are left behind `done` bytes.
fn advance(mut pieces: &mut [libc::iovec], mut done: usize) -> &mut [libc::iovec] {
    while let [first, ..] = pieces {
        if done < first.iov_len {
            first.iov_base = first.iov_base.cast::<u8>().wrapping_add(done).cast();
            first.iov_len -= done;
            break;
        }
        done -= first.iov_len;
        pieces = &mut pieces[1..];
    }
    pieces
}

fn send(fd: c_int, pieces: &mut [libc::iovec]) -> Result<(), Failed> {
    let mut pieces = pieces;
    let mut started = false;
    while !pieces.is_empty() {
        let message = message(pieces);
        // SAFETY: the message points to pieces of memory that the kernel checks itself.
        let sent = unsafe { libc::sendmsg(fd, &raw const message, libc::MSG_NOSIGNAL) };
        if sent < 0 {
            match errno() {
                libc::EINTR => {}
                libc::EAGAIN => wait(fd, libc::POLLOUT),
                errno => return Err(Failed { errno: gone(errno), broken: started }),
            }
            continue;
        }
        started = true;
        pieces = advance(pieces, sent as usize);
    }
    Ok(())
}

/// Receives into the first piece that has room, not more than `most`.
fn receive_most(fd: c_int, pieces: &[libc::iovec], most: usize) -> Result<usize, Failed> {
    let broken = Failed { errno: libc::EIO, broken: true };
    let first = *pieces.iter().find(|piece| piece.iov_len > 0).ok_or(broken)?;
    receive(fd, &mut [libc::iovec { iov_len: first.iov_len.min(most), ..first }])
}

/// How often the socket is looked at before the thread sleeps: most commands of a drive whose time
/// is simulated are answered before it would have been put to sleep and woken.
const LOOKS: u32 = 100;

fn receive(fd: c_int, pieces: &mut [libc::iovec]) -> Result<usize, Failed> {
    let mut looks = 0;
    loop {
        let mut message = message(pieces);
        // SAFETY: the message points to pieces of memory that the kernel checks itself.
        let came = unsafe { libc::recvmsg(fd, &raw mut message, 0) };
        match came {
            0 => return Err(Failed { errno: libc::ENODEV, broken: true }),
            1.. => return Ok(came as usize),
            _ => match errno() {
                libc::EINTR => {}
                libc::EAGAIN if looks < LOOKS => {
                    looks += 1;
                    // SAFETY: has no requirements.
                    unsafe { libc::syscall(libc::SYS_sched_yield) };
                }
                libc::EAGAIN => wait(fd, libc::POLLIN),
                errno => return Err(Failed { errno: gone(errno), broken: true }),
            },
        }
    }
}

/// Waits until the server has made room or answered, for as long as that takes.
fn wait(fd: c_int, events: i16) {
    let mut poll = libc::pollfd { fd, events, revents: 0 };
    let (no_limit, no_mask) = (core::ptr::null::<libc::timespec>(), core::ptr::null::<c_void>());
    // SAFETY: there is one entry. Ended early by a signal, the caller tries again.
    unsafe { libc::syscall(libc::SYS_ppoll, &raw mut poll, 1, no_limit, no_mask, 0) };
}

/// Has calls that nobody carries to the server, such as those of the C library's own and of
/// io_uring, fail at once on this descriptor (EAGAIN) rather than wait for ever.
pub(crate) fn refuse_to_wait(fd: c_int) {
    // SAFETY: has no requirements.
    unsafe { libc::syscall(libc::SYS_fcntl, fd, libc::F_SETFL, libc::O_RDWR | libc::O_NONBLOCK) };
}

/// A server that has ended is a drive that has been unplugged.
fn gone(errno: c_int) -> c_int {
    match errno {
        libc::EPIPE | libc::ECONNRESET | libc::ENOTCONN => libc::ENODEV,
        other => other,
    }
}

fn message(pieces: &mut [libc::iovec]) -> libc::msghdr {
    // SAFETY: a message of zeros is a valid one.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = pieces.as_mut_ptr();
    message.msg_iovlen = pieces.len() as _;
    message
}

/// A question to the server that concerns no open file.
pub(crate) fn question(request: &Request) -> Result<i64, c_int> {
    let saved = errno();
    let asked = connect(request, true);
    if let Ok((fd, _)) = asked {
        close(fd);
    }
    real::set_errno(saved);
    asked.map(|(_, reply)| reply.result)
}
