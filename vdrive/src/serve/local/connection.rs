//! One connection that carries frames: reads requests, has them done, sends replies.
//!
//! A client that breaks the rules is dropped; what it had open is closed. One read and one write
//! for each command, straight into and out of the buffers that the drive works on.

use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use engine::device::{Cdb, Data};
use engine::mmc::table;
use nix::errno::Errno;
use nix::libc::{EBADF, EINVAL, EIO, ENOTTY};
use nix::sys::socket::{MsgFlags, recv};

use super::block;
use super::command::{Outcome, Waiting, host};
use super::file::{Files, OpenFile};
use super::frame::{Direction, MAX_DATA, MAX_SENSE, Node, Op, Opened, Reply, Request};
use super::ioctl;
use super::open;
use crate::serve::awake::Awake;
use crate::serve::lock;
use crate::serve::wall::{HostWall, Wall};

/// Room for most requests with their data; grows to what a client sends, up to a frame's limit.
const FIRST_ROOM: usize = Request::LEN + 64 * 1024;

/// The shortest time limit that Linux gives a command sent through a block node.
const LEAST_TIMEOUT: Duration = Duration::from_secs(7);

/// Flags of open(2) that fcntl(2) does not show: O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC, O_CLOEXEC.
const HIDDEN: u32 = 0o100 | 0o200 | 0o400 | 0o1000 | 0o2000000;

/// The two sides of a conversation.
struct Conversation<'a> {
    files: &'a Files,
    stream: &'a UnixStream,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// The file that is spoken about, and whether this connection is what holds it open.
    file: Option<(Arc<OpenFile>, bool)>,
    awake: Awake,
}

/// Serves a connection from behind its first line to its end.
pub(super) fn serve(files: &Files, stream: &UnixStream) {
    let mut conversation = Conversation {
        files,
        stream,
        incoming: vec![0; FIRST_ROOM],
        outgoing: vec![0; Reply::LEN],
        file: None,
        awake: Awake::new(HostWall.now()),
    };
    // However it ends, it is over: the client is gone, or does not keep to the frames.
    let _ = conversation.run();
    if let Some((file, true)) = &conversation.file {
        open::close(file);
        files.release(file);
    }
}

impl Conversation<'_> {
    fn run(&mut self) -> io::Result<()> {
        let mut ready = 0;
        loop {
            while ready < Request::LEN {
                ready += self.read(ready)?;
            }
            let head = self.incoming.first_chunk().and_then(Request::parse);
            let request = head.ok_or(io::ErrorKind::InvalidData)?;
            let whole = Request::LEN + request.data_len as usize;
            if self.incoming.len() < whole {
                self.incoming.resize(whole, 0);
            }
            while ready < whole {
                ready += self.read(ready)?;
            }
            let reply = self.answer(&request);
            let len = Reply::LEN + reply.data_len as usize;
            self.outgoing[..Reply::LEN].copy_from_slice(&reply.emit());
            (&mut &*self.stream).write_all(&self.outgoing[..len])?;
            // Behind it may lie what was asked meanwhile: sg queues commands.
            self.incoming.copy_within(whole..ready, 0);
            ready -= whole;
        }
    }

    /// Reads behind what is there, which is less than what is wanted.
    fn read(&mut self, ready: usize) -> io::Result<usize> {
        let room = &mut self.incoming[ready..];
        loop {
            let awake = self.awake.stays(HostWall.now());
            let flags = if awake { MsgFlags::MSG_DONTWAIT } else { MsgFlags::empty() };
            match recv(self.stream.as_raw_fd(), room, flags) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(came) => {
                    self.awake.came(HostWall.now());
                    return Ok(came);
                }
                // Whoever else needs the processor has it.
                Err(Errno::EAGAIN) if awake => std::thread::yield_now(),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Does what a request asks. The data of the reply lies in `outgoing`, behind its head.
    fn answer(&mut self, request: &Request) -> Reply {
        match self.try_answer(request) {
            Ok(reply) => reply,
            Err(errno) => Reply::new(-i64::from(errno)),
        }
    }

    fn try_answer(&mut self, request: &Request) -> Result<Reply, i32> {
        match request.op {
            Op::Count => return Ok(Reply::new(self.files.count() as i64)),
            Op::Open => return self.open(request),
            Op::Attach => {
                if self.file.is_some() {
                    return Err(EINVAL);
                }
                let file = self.files.by_token(request.cdb()).ok_or(EBADF)?;
                let opened = Opened { node: file.node, flags: file.flags() & !HIDDEN };
                self.file = Some((file, false));
                return Ok(Reply::new(opened.bits()));
            }
            _ => {}
        }
        let (file, _) = self.file.as_ref().ok_or(EBADF)?;
        let file = Arc::clone(file);
        let end = Reply::LEN + request.room as usize;
        if self.outgoing.len() < end {
            self.outgoing.resize(end, 0);
        }
        let data = &self.incoming[Request::LEN..Request::LEN + request.data_len as usize];
        let room = &mut self.outgoing[Reply::LEN..end];
        let came = |result: Result<usize, i32>| {
            let len = result?;
            Ok(Reply { data_len: len as u32, ..Reply::new(len as i64) })
        };
        match request.op {
            Op::Scsi => scsi(&file, request, data, room, self.stream),
            Op::Ioctl => ioctl::ioctl(&file, request, data, room)
                .map(|(result, len)| Reply { data_len: len as u32, ..Reply::new(result) }),
            Op::Read => came(block::read(&file, request.arg, room)),
            Op::Write => block::write(&file, request.arg, data).map(|n| Reply::new(n as i64)),
            Op::Seek => block::seek(&file, request.arg as i64, request.number)
                .map(|position| Reply::new(position as i64)),
            Op::Flags if request.number == 0 => Ok(Reply::new(i64::from(file.flags() & !HIDDEN))),
            Op::Flags => {
                file.set_flags(request.arg as u32);
                Ok(Reply::new(0))
            }
            Op::Sync => block::sync(&file).map(|()| Reply::new(0)),
            Op::Open | Op::Attach | Op::Count => Err(ENOTTY),
        }
    }

    fn open(&mut self, request: &Request) -> Result<Reply, i32> {
        if self.file.is_some() {
            return Err(EINVAL);
        }
        self.files.sweep();
        let (node, flags) = (Node::of(request.number), request.arg as u32);
        let file = self.files.claim(node, flags, self.stream)?;
        if let Err(errno) = open::open(&file, flags) {
            self.files.release(&file);
            return Err(errno);
        }
        self.file = Some((file, true));
        Ok(Reply::new(0))
    }
}

/// Carries out a command for a program, as SG_IO does.
fn scsi(
    file: &OpenFile,
    request: &Request,
    data: &[u8],
    room: &mut [u8],
    stream: &UnixStream,
) -> Result<Reply, i32> {
    // A program that gives no length means what the operation code says (SAM-5, 5.2.2).
    let opcode = request.cdb[0];
    let len = match (request.cdb_len, opcode >> 5) {
        (0, 0) => 6,
        (0, 1 | 2) => 10,
        (0, 4) => 16,
        (0, 5) => 12,
        (0, _) => 10,
        (len, _) => usize::from(len),
    };
    let asked = match request.direction {
        Direction::None => 0,
        Direction::In => room.len(),
        Direction::Out => data.len(),
    };
    if len > 16 {
        // Longer than the emulated host adapter takes.
        let residual = asked as i32;
        return Ok(Reply { host_status: host::ABORT, residual, ..Reply::new(0) });
    }
    let data = match request.direction {
        Direction::None => Data::None,
        Direction::In => Data::In(room),
        Direction::Out => Data::Out(data),
    };
    let timeout_ms = match request.timeout_ms {
        0 => lock(&file.sg).timeout_ms,
        given => given,
    };
    let timeout = Duration::from_millis(u64::from(timeout_ms));
    let timeout = if file.node.sg { timeout } else { timeout.max(LEAST_TIMEOUT) };
    let cdb = whole(request.cdb.get(..len).ok_or(EIO)?);
    let waiting = Waiting { timeout, stream: Some(stream) };
    let outcome = file.driver.execute(&cdb, data, waiting)?;
    Ok(reply(&outcome, request.direction, asked))
}

/// The CDB with the zeros that a program has left out at its end: transports carry CDBs in a room
/// of their own size (SAT and USB: 12 or 16 bytes), where what is not given is zero.
fn whole(given: &[u8]) -> Cdb {
    let mut room = [0; 16];
    room[..given.len()].copy_from_slice(given);
    let known = table::row(room[0]).map_or(0, |row| row.length);
    Cdb::new(&room[..given.len().max(known)])
}

fn reply(outcome: &Outcome, direction: Direction, asked: usize) -> Reply {
    let residual = (outcome.residual as usize).min(asked);
    let mut reply = Reply {
        residual: residual as i32,
        status: outcome.status,
        host_status: outcome.host,
        duration_ms: u32::try_from(outcome.elapsed.as_millis()).unwrap_or(u32::MAX),
        ..Reply::new(0)
    };
    if direction == Direction::In {
        reply.data_len = (asked.min(MAX_DATA) - residual) as u32;
    }
    // As much as the drive announces, as the SCSI layer does.
    let announced = outcome.sense.get(7).map_or(outcome.sense.len(), |n| 8 + usize::from(*n));
    let len = outcome.sense.len().min(announced).min(MAX_SENSE);
    reply.sense[..len].copy_from_slice(&outcome.sense[..len]);
    reply.sense_len = len as u8;
    reply
}
