//! The iSCSI session in which a command would have come that came another way: login, command,
//! data, response (RFC 7143, 11). For captures only; nobody ever answers these PDUs.
//!
//! May not know: how the commands did come.

use std::net::{Ipv4Addr, SocketAddr};

use engine::device::Status;
use engine::device::trace::Ended;

use super::segment::{From, Stream};
use super::{Passed, Way};

/// Most data in one PDU: what the login of this session declares, and the largest there may be
/// (RFC 7143, 13.12).
const MOST: usize = 0xff_f000;

/// One initiator's session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    stream: Stream,
    /// Task tag and command number.
    command: u32,
    status: u32,
}

/// A PDU's basic header segment with what follows it.
struct Pdu {
    header: [u8; 48],
}

impl Pdu {
    fn new(opcode: u8, flags: u8, tag: u32) -> Pdu {
        let mut pdu = Pdu { header: [0; 48] };
        pdu.header[0] = opcode;
        pdu.header[1] = flags;
        pdu.put(16, tag)
    }

    fn put(mut self, at: usize, word: u32) -> Pdu {
        self.header[at..at + 4].copy_from_slice(&word.to_be_bytes());
        self
    }

    fn lun(mut self, number: u16) -> Pdu {
        // Peripheral device addressing up to 255, flat space above (SAM-5, 4.7.7).
        let [high, low] = number.to_be_bytes();
        self.header[8] = if high == 0 { 0 } else { 0x40 | high & 0x3f };
        self.header[9] = low;
        self
    }

    fn with(mut self, data: &[u8]) -> Vec<u8> {
        let length = (data.len() as u32).to_be_bytes();
        self.header[5..8].copy_from_slice(&length[1..]);
        let mut bytes = Vec::with_capacity(48 + data.len() + 3);
        bytes.extend(self.header);
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }
}

impl Session {
    /// Appends the login of an initiator to `out`.
    pub(super) fn open(number: u32, name: &str, at: u64, out: &mut Vec<u8>) -> Session {
        let port = 49_152 + (number % 16_384) as u16;
        let end = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = Stream::open(number, end(port), end(3260), at, out);
        let mut session = Session { stream, command: 1, status: 1 };
        let name = name.escape_default();
        let ask = format!(
            "InitiatorName=iqn.2026-11.internal.kiln:local\0InitiatorAlias={name}\0\
             TargetName=iqn.2026-11.internal.kiln:recorder\0SessionType=Normal\0\
             HeaderDigest=None\0DataDigest=None\0InitialR2T=No\0ImmediateData=No\0\
             MaxRecvDataSegmentLength={MOST}\0FirstBurstLength={MOST}\0MaxBurstLength={MOST}\0"
        );
        let told = format!(
            "TargetPortalGroupTag=1\0HeaderDigest=None\0DataDigest=None\0InitialR2T=No\0\
             ImmediateData=No\0MaxRecvDataSegmentLength={MOST}\0FirstBurstLength={MOST}\0\
             MaxBurstLength={MOST}\0"
        );
        // From operational negotiation to the full feature phase (RFC 7143, 11.12 and 11.13).
        let login = Pdu::new(0x43, 0x87, 0).put(24, 1).with(ask.as_bytes());
        session.say(From::Initiator, &login, at, out);
        let mut done = Pdu::new(0x23, 0x87, 0).put(24, 1).put(28, 1).put(32, 65);
        done.header[14..16].copy_from_slice(&[0, 1]);
        session.say(From::Target, &done.with(told.as_bytes()), at, out);
        session.status = 2;
        session
    }

    /// Appends a command with its data and its response, from one time to another.
    pub(super) fn command(
        &mut self,
        passed: &Passed<'_>,
        (from, at): (u64, u64),
        out: &mut Vec<u8>,
    ) {
        let tag = self.command;
        let flags = match passed.way {
            Way::None => 0x80,
            Way::In(_) => 0xc0,
            Way::Out(_) => 0x20 | if passed.offered == 0 { 0x80 } else { 0 },
        };
        let mut command = Pdu::new(0x01, flags, tag).lun(passed.lun);
        command = command.put(20, passed.offered).put(24, self.command).put(28, self.status);
        let cdb = passed.cdb.bytes();
        command.header[32..32 + cdb.len()].copy_from_slice(cdb);
        self.say(From::Initiator, &command.with(&[]), from, out);
        self.command = self.command.wrapping_add(1);
        let mut arrived = 0;
        match passed.way {
            Way::None => {}
            Way::Out(bytes) => self.data_out(tag, passed.lun, bytes, from, out),
            Way::In(bytes) => arrived = self.data_in(tag, bytes, at, out),
        }
        let Ended::Spoke(status, sense) = &passed.ended else {
            // The unit could not be reached: "target failure" (RFC 7143, 11.4.3).
            let mut response = self.response(tag, arrived);
            response.header[2] = 1;
            self.say(From::Target, &response.with(&[]), at, out);
            return;
        };
        let mut response = self.response(tag, arrived);
        response.header[3] = match status {
            Status::Good => 0x00,
            Status::CheckCondition => 0x02,
            Status::Busy => 0x08,
            Status::Other(code) => *code,
        };
        if passed.residual > 0 {
            // Residual underflow.
            response.header[1] |= 2;
            response = response.put(44, passed.residual);
        }
        let mut data = Vec::new();
        if !sense.is_empty() {
            data.extend((sense.len() as u16).to_be_bytes());
            data.extend(sense);
        }
        self.say(From::Target, &response.with(&data), at, out);
    }

    fn data_out(&mut self, tag: u32, lun: u16, bytes: &[u8], at: u64, out: &mut Vec<u8>) {
        let pieces = bytes.len().div_ceil(MOST);
        for (number, piece) in bytes.chunks(MOST).enumerate() {
            let last = if number + 1 == pieces { 0x80 } else { 0 };
            let pdu = Pdu::new(0x05, last, tag)
                .lun(lun)
                .put(20, u32::MAX)
                .put(28, self.status)
                .put(36, number as u32)
                .put(40, (number * MOST) as u32);
            self.say(From::Initiator, &pdu.with(piece), at, out);
        }
    }

    /// How many PDUs it took.
    fn data_in(&mut self, tag: u32, bytes: &[u8], at: u64, out: &mut Vec<u8>) -> u32 {
        let pieces = bytes.len().div_ceil(MOST);
        for (number, piece) in bytes.chunks(MOST).enumerate() {
            let last = if number + 1 == pieces { 0x80 } else { 0 };
            let pdu = Pdu::new(0x25, last, tag)
                .put(20, u32::MAX)
                .put(28, self.command)
                .put(32, self.command.wrapping_add(64))
                .put(36, number as u32)
                .put(40, (number * MOST) as u32);
            self.say(From::Target, &pdu.with(piece), at, out);
        }
        pieces as u32
    }

    fn response(&mut self, tag: u32, arrived: u32) -> Pdu {
        let status = self.status;
        self.status = self.status.wrapping_add(1);
        Pdu::new(0x21, 0x80, tag)
            .put(24, status)
            .put(28, self.command)
            .put(32, self.command.wrapping_add(64))
            .put(36, arrived)
    }

    fn say(&mut self, from: From, pdu: &[u8], at: u64, out: &mut Vec<u8>) {
        self.stream.bytes(from, pdu, at, out);
    }

    /// Appends the end of the session.
    pub(super) fn close(self, at: u64, out: &mut Vec<u8>) {
        self.stream.close(at, out);
    }
}
