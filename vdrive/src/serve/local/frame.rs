//! The frames between the preload shim and the server: one request, one reply, in turn, over a
//! local stream. The one definition for both sides; knows nothing but bytes.
//!
//! A connection begins with the line [`HELLO`]. Then each request is a [`Request`] of
//! [`Request::LEN`] bytes and its data, each reply a [`Reply`] of [`Reply::LEN`] bytes and its
//! data. Numbers are little-endian. The first request of a connection is [`Op::Open`], which makes
//! the connection an open file that lives until its last descriptor is closed, or [`Op::Attach`],
//! by which another process speaks to an open file that it has inherited, or a question.

/// The first line of a connection that carries these frames.
pub const HELLO: &[u8] = b"kiln-scsi 1\n";

/// Most bytes of data in one frame, either way: what the emulated host adapter carries at a time.
pub const MAX_DATA: usize = 1 << 20;

/// Longest CDB in a request. Longer than the drive's, so that the server can refuse as a host does.
pub const MAX_CDB: usize = 32;

/// Room for sense data in a reply, as in Linux.
pub const MAX_SENSE: usize = 96;

/// An `arg` of [`Op::Read`] and [`Op::Write`]: at the file's position, which moves on.
pub const AT_POSITION: u64 = u64::MAX;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Op {
    /// Open a node: `number` is its [`Node`], `arg` the flags of open(2).
    Open = 1,
    /// Speak to the open file whose token is `cdb`. The result is as [`Opened`].
    Attach = 2,
    /// A SCSI command: `cdb`, `direction`, data, room, `timeout_ms` (0: the file's own).
    Scsi = 3,
    /// ioctl(2): `number` is the request, `arg` a plain argument; data is what it points to.
    Ioctl = 4,
    /// Read `room` bytes at the offset `arg`.
    Read = 5,
    /// Write the data at the offset `arg`.
    Write = 6,
    /// Move the position by `arg`, signed, from where `number` says (SEEK_SET 0, CUR 1, END 2).
    Seek = 7,
    /// Get the flags of the open file (`number` 0), or set them to `arg` (`number` 1).
    Flags = 8,
    /// How many drives there are.
    Count = 9,
    /// Wait until everything written lies on the disc.
    Sync = 10,
}

impl Op {
    fn of(byte: u8) -> Option<Op> {
        use Op::{Attach, Count, Flags, Ioctl, Open, Read, Scsi, Seek, Sync, Write};
        let all = [Open, Attach, Scsi, Ioctl, Read, Write, Seek, Flags, Count, Sync];
        all.into_iter().find(|op| *op as u8 == byte)
    }
}

/// Which way the data of a SCSI command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Direction {
    /// No data.
    None = 0,
    /// From the drive.
    In = 1,
    /// To the drive.
    Out = 2,
}

/// A device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// `/dev/sgN`, else `/dev/srN`.
    pub sg: bool,
    /// N.
    pub index: u16,
}

impl Node {
    /// As a number in a frame.
    pub const fn bits(self) -> u32 {
        (self.index as u32) << 1 | self.sg as u32
    }

    /// The node of this number.
    pub const fn of(bits: u32) -> Node {
        Node { sg: bits & 1 != 0, index: (bits >> 1) as u16 }
    }
}

/// What an open file is: the result of [`Op::Attach`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its node.
    pub node: Node,
    /// Its flags as fcntl(2) gives them.
    pub flags: u32,
}

impl Opened {
    /// As a result in a frame.
    pub const fn bits(self) -> i64 {
        (self.node.bits() as i64) << 32 | (self.flags as i64 & 0x7fff_ffff)
    }

    /// The open file of this result.
    pub const fn of(bits: i64) -> Opened {
        Opened { node: Node::of((bits >> 32) as u32), flags: (bits & 0x7fff_ffff) as u32 }
    }
}

/// A request without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is asked for.
    pub op: Op,
    /// Which way the data of a command goes.
    pub direction: Direction,
    /// Bytes of `cdb` that count.
    pub cdb_len: u8,
    /// Bytes of data that follow.
    pub data_len: u32,
    /// Bytes of data that the reply may hold.
    pub room: u32,
    /// Time limit of a command in milliseconds.
    pub timeout_ms: u32,
    /// See [`Op`].
    pub number: u32,
    /// See [`Op`].
    pub arg: u64,
    /// The command, or a token.
    pub cdb: [u8; MAX_CDB],
}

impl Request {
    /// Its length in bytes.
    pub const LEN: usize = 64;

    /// A request with everything else zero.
    pub const fn new(op: Op) -> Request {
        Request {
            op,
            direction: Direction::None,
            cdb_len: 0,
            data_len: 0,
            room: 0,
            timeout_ms: 0,
            number: 0,
            arg: 0,
            cdb: [0; MAX_CDB],
        }
    }

    /// The bytes.
    pub fn emit(&self) -> [u8; Request::LEN] {
        let mut bytes = [0; Request::LEN];
        bytes[0] = self.op as u8;
        bytes[1] = self.direction as u8;
        bytes[2] = self.cdb_len;
        bytes[4..8].copy_from_slice(&self.data_len.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.room.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.timeout_ms.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.arg.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.number.to_le_bytes());
        bytes[32..64].copy_from_slice(&self.cdb);
        bytes
    }

    /// What these bytes ask for, if they ask for something and keep the limits.
    pub fn parse(bytes: &[u8; Request::LEN]) -> Option<Request> {
        let request = Request {
            op: Op::of(bytes[0])?,
            direction: match bytes[1] {
                0 => Direction::None,
                1 => Direction::In,
                2 => Direction::Out,
                _ => return None,
            },
            cdb_len: bytes[2],
            data_len: u32_at(bytes, 4),
            room: u32_at(bytes, 8),
            timeout_ms: u32_at(bytes, 12),
            arg: u64_at(bytes, 16),
            number: u32_at(bytes, 24),
            cdb: {
                let mut cdb = [0; MAX_CDB];
                cdb.copy_from_slice(&bytes[32..64]);
                cdb
            },
        };
        let fits = request.data_len as usize <= MAX_DATA
            && request.room as usize <= MAX_DATA
            && usize::from(request.cdb_len) <= MAX_CDB;
        fits.then_some(request)
    }

    /// The command, or the token.
    pub fn cdb(&self) -> &[u8] {
        &self.cdb[..usize::from(self.cdb_len).min(MAX_CDB)]
    }
}

/// A reply without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// What the call returns; below zero: the negative error number.
    pub result: i64,
    /// Bytes of data that follow.
    pub data_len: u32,
    /// Bytes that the command did not transfer.
    pub residual: i32,
    /// SCSI status.
    pub status: u8,
    /// Bytes of `sense` that count.
    pub sense_len: u8,
    /// What became of the command on its way: Linux's `DID_*`.
    pub host_status: u16,
    /// How long the command took, in milliseconds.
    pub duration_ms: u32,
    /// Sense data.
    pub sense: [u8; MAX_SENSE],
}

impl Reply {
    /// Its length in bytes.
    pub const LEN: usize = 128;

    /// A reply with this result and nothing else.
    pub const fn new(result: i64) -> Reply {
        Reply {
            result,
            data_len: 0,
            residual: 0,
            status: 0,
            sense_len: 0,
            host_status: 0,
            duration_ms: 0,
            sense: [0; MAX_SENSE],
        }
    }

    /// The bytes.
    pub fn emit(&self) -> [u8; Reply::LEN] {
        let mut bytes = [0; Reply::LEN];
        bytes[0..8].copy_from_slice(&self.result.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.data_len.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.residual.to_le_bytes());
        bytes[16] = self.status;
        bytes[17] = self.sense_len;
        bytes[18..20].copy_from_slice(&self.host_status.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.duration_ms.to_le_bytes());
        bytes[32..128].copy_from_slice(&self.sense);
        bytes
    }

    /// The reply of these bytes. Its data is at most `room` long, or it is none.
    pub fn parse(bytes: &[u8; Reply::LEN], room: usize) -> Option<Reply> {
        let mut sense = [0; MAX_SENSE];
        sense.copy_from_slice(&bytes[32..128]);
        let reply = Reply {
            result: u64_at(bytes, 0) as i64,
            data_len: u32_at(bytes, 8),
            residual: u32_at(bytes, 12) as i32,
            status: bytes[16],
            sense_len: bytes[17],
            host_status: u16::from(bytes[18]) | u16::from(bytes[19]) << 8,
            duration_ms: u32_at(bytes, 20),
            sense,
        };
        let fits = reply.data_len as usize <= room && usize::from(reply.sense_len) <= MAX_SENSE;
        fits.then_some(reply)
    }

    /// The sense data that there is.
    pub fn sense(&self) -> &[u8] {
        &self.sense[..usize::from(self.sense_len).min(MAX_SENSE)]
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_comes_back_as_it_was() {
        let mut request = Request::new(Op::Scsi);
        request.direction = Direction::Out;
        request.cdb_len = 10;
        request.cdb[..10].copy_from_slice(&[0x2a, 0, 0, 0, 0x12, 0x34, 0, 0, 16, 0]);
        request.data_len = 32768;
        request.room = 7;
        request.timeout_ms = 0x0102_0304;
        request.number = 0x5331;
        request.arg = 0x1122_3344_5566_7788;
        assert_eq!(Request::parse(&request.emit()), Some(request));
        for op in 0..=255 {
            let mut bytes = request.emit();
            bytes[0] = op;
            assert_eq!(Request::parse(&bytes).is_some(), (1..=10).contains(&op), "{op}");
        }
    }

    #[test]
    fn what_breaks_a_limit_is_no_frame() {
        let good = Request::new(Op::Read);
        let over = MAX_DATA as u32 + 1;
        for bad in [
            Request { data_len: over, ..good },
            Request { room: over, ..good },
            Request { cdb_len: MAX_CDB as u8 + 1, ..good },
        ] {
            assert_eq!(Request::parse(&bad.emit()), None);
        }
        let reply = Reply { data_len: 9, ..Reply::new(-5) };
        assert_eq!(Reply::parse(&reply.emit(), 9), Some(reply));
        assert_eq!(Reply::parse(&reply.emit(), 8), None);
        let reply = Reply { sense_len: 97, ..Reply::new(0) };
        assert_eq!(Reply::parse(&reply.emit(), 0), None);
    }

    #[test]
    fn an_opened_file_survives_the_result() {
        let opened = Opened { node: Node { sg: true, index: 65535 }, flags: 0o104_002 };
        assert_eq!(Opened::of(opened.bits()), opened);
        assert!(opened.bits() >= 0);
    }
}
