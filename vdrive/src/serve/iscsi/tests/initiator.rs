//! A small initiator: it speaks to a connection's state machine directly, without sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::connection::Connection;
use super::super::keys;
use super::super::wire::*;
use super::Lab;
use crate::serve::Server;

/// A unit that came from the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pdu {
    pub(super) header: [u8; BHS],
    pub(super) data: Vec<u8>,
}

impl Pdu {
    pub(super) fn opcode(&self) -> u8 {
        self.header[0] & 0x3f
    }
}

/// What came of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) response: u8,
    pub(super) status: u8,
    /// Sense key, additional sense code and qualifier.
    pub(super) sense: Option<(u8, u8, u8)>,
    pub(super) data: Vec<u8>,
    /// Bytes above what was expected, or below as a negative number.
    pub(super) residual: i64,
    /// Data-In and R2T that it took.
    pub(super) units: u32,
}

pub(super) struct Initiator {
    pub(super) connection: Connection,
    pub(super) now: Instant,
    pub(super) cmd_sn: u32,
    pub(super) itt: u32,
    pub(super) cid: u16,
    pub(super) header_digest: bool,
    pub(super) data_digest: bool,
    /// Sends so much with a command, and so much more without being asked.
    pub(super) immediate: usize,
    pub(super) unsolicited: usize,
    pub(super) segment: usize,
    stat_sn: Option<u32>,
    /// It stops with its last handle.
    _server: Server,
    bytes: Vec<u8>,
}

pub(super) const NAME: &str = "iqn.2026-11.internal.kiln.test:one";

impl Initiator {
    pub(super) fn new(lab: &Lab) -> Initiator {
        let (target, now) = (&lab.target, lab.now);
        let local = SocketAddr::from(([127, 0, 0, 1], 3260));
        let connection = Connection::new(Arc::clone(target), local, Arc::new(|| ()), None, now);
        Initiator {
            connection,
            now,
            cmd_sn: 7,
            itt: 100,
            cid: 1,
            header_digest: false,
            data_digest: false,
            immediate: 0,
            unsolicited: 0,
            segment: 8192,
            stat_sn: None,
            _server: lab.server.clone(),
            bytes: Vec::new(),
        }
    }

    /// One that has logged in as `name` and has had the first unit attention of unit 0.
    pub(super) fn ready(lab: &Lab, name: &str) -> Initiator {
        let mut one = Initiator::new(lab);
        one.login(&[("InitiatorName", name)]).expect("it may come in");
        one.command(0, &[0; 6], 0, &[]);
        one
    }

    /// Puts bytes into the connection as they are, and lets it do what it can.
    pub(super) fn put(&mut self, mut bytes: &[u8]) {
        loop {
            let room = self.connection.room();
            let length = room.len().min(bytes.len());
            room[..length].copy_from_slice(&bytes[..length]);
            bytes = &bytes[length..];
            self.connection.filled(length);
            self.run();
            if bytes.is_empty() || self.connection.is_over() {
                return;
            }
        }
    }

    pub(super) fn run(&mut self) {
        loop {
            self.connection.run(self.now);
            let output = self.connection.output();
            if output.is_empty() {
                return;
            }
            self.bytes.extend_from_slice(output);
            let sent = output.len();
            self.connection.sent(sent);
        }
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.run();
    }

    pub(super) fn send(&mut self, header: [u8; BHS], data: &[u8]) {
        let bytes = self.unit(header, data);
        self.put(&bytes);
    }

    /// A unit's bytes with the digests in force.
    pub(super) fn unit(&self, mut header: [u8; BHS], data: &[u8]) -> Vec<u8> {
        header[5..8].copy_from_slice(&(data.len() as u32).to_be_bytes()[1..]);
        let mut bytes = header.to_vec();
        if self.header_digest {
            bytes.extend(crc32c(&header));
        }
        let mut padded_data = data.to_vec();
        padded_data.resize(padded(data.len()), 0);
        bytes.extend(&padded_data);
        if self.data_digest && !data.is_empty() {
            bytes.extend(crc32c(&padded_data));
        }
        bytes
    }

    /// The next unit from the target; its digests and its place in the order of status must be
    /// right.
    pub(super) fn next(&mut self) -> Option<Pdu> {
        if self.bytes.is_empty() {
            return None;
        }
        let header: [u8; BHS] = self.bytes[..BHS].try_into().expect("a whole header");
        let fields = Header::parse(&header).expect("it is long enough");
        let mut at = BHS;
        if self.header_digest {
            assert_eq!(self.bytes[at..at + 4], crc32c(&header));
            at += 4;
        }
        let padded = &self.bytes[at..at + fields.padded_length()];
        let data = padded[..fields.data_length as usize].to_vec();
        at += padded.len();
        if self.data_digest && !data.is_empty() {
            assert_eq!(self.bytes[at..at + 4], crc32c(padded));
            at += 4;
        }
        self.bytes.drain(..at);
        let pdu = Pdu { header, data };
        let is_status = match pdu.opcode() {
            opcode::DATA_IN => header[1] & 1 != 0,
            opcode::READY_TO_TRANSFER => false,
            opcode::NOP_IN => fields.itt != NO_TAG,
            _ => true,
        };
        let stat_sn = NopIn::parse_cut(&header).stat_sn;
        if is_status {
            assert!(self.stat_sn.is_none_or(|next| next == stat_sn), "status out of order");
            self.stat_sn = Some(stat_sn.wrapping_add(1));
        }
        Some(pdu)
    }

    /// The next unit, which is there and is of this kind.
    pub(super) fn expect(&mut self, opcode: u8) -> Pdu {
        let pdu = self.next().expect("an answer");
        assert_eq!(pdu.opcode(), opcode, "{pdu:x?}");
        pdu
    }

    pub(super) fn text(pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut text = Vec::new();
        pairs.iter().for_each(|(key, value)| keys::put(&mut text, key, value));
        text
    }

    /// One login request and its response.
    pub(super) fn request(
        &mut self,
        request: &LoginRequest,
        text: &[u8],
    ) -> (LoginResponse, String) {
        let (cmd_sn, cid) = (self.cmd_sn, self.cid);
        let request = LoginRequest { itt: 1, cmd_sn, cid, ..request.clone() };
        self.send(request.emit(), text);
        let pdu = self.expect(opcode::LOGIN_RESPONSE);
        let said = String::from_utf8(pdu.data).expect("text");
        (LoginResponse::parse_cut(&pdu.header), said)
    }

    /// A login straight to the full feature phase; the target's text, or its refusal.
    pub(super) fn login(&mut self, pairs: &[(&str, &str)]) -> Result<String, u16> {
        let mut all = vec![("TargetName", "iqn.2026-11.internal.kiln:recorder")];
        if !pairs.iter().any(|pair| pair.0 == "InitiatorName") {
            all.push(("InitiatorName", NAME));
        }
        all.extend(pairs);
        let request =
            LoginRequest { transit: true, current: 1, next: 3, ..LoginRequest::default() };
        let (response, said) = self.request(&request, &Initiator::text(&all));
        if response.status != 0 {
            return Err(response.status);
        }
        assert!(response.transit && response.next == 3 && response.tsih != 0);
        self.header_digest = said.contains("HeaderDigest=CRC32C");
        self.data_digest = said.contains("DataDigest=CRC32C");
        Ok(said)
    }

    /// A command of so many bytes to read, or this data to write, as it goes to the target.
    pub(super) fn scsi(&mut self, lun: u8, cdb: &[u8], read: u32, write: &[u8]) -> ScsiCommand {
        let mut pdu = ScsiCommand {
            last: write.len() <= self.immediate || self.unsolicited == 0,
            read: read > 0,
            write: !write.is_empty(),
            attribute: 1,
            expected_length: read + write.len() as u32,
            lun: [0, lun, 0, 0, 0, 0, 0, 0],
            itt: self.itt,
            cmd_sn: self.cmd_sn,
            ..ScsiCommand::default()
        };
        pdu.cdb[..cdb.len()].copy_from_slice(cdb);
        self.itt += 1;
        self.cmd_sn = self.cmd_sn.wrapping_add(1);
        pdu
    }

    /// Sends a command with its data and waits for its end.
    pub(super) fn command(&mut self, lun: u8, cdb: &[u8], read: u32, write: &[u8]) -> Outcome {
        let pdu = self.scsi(lun, cdb, read, write);
        let first = write.len().min(self.immediate);
        self.send(pdu.emit(), &write[..first]);
        if !pdu.last {
            let end = write.len().min(first + self.unsolicited);
            self.data(&pdu, write, first..end, NO_TAG);
        }
        self.outcome(&pdu, write)
    }

    /// Data-Out for a part of a command's data.
    pub(super) fn data(
        &mut self,
        command: &ScsiCommand,
        all: &[u8],
        part: std::ops::Range<usize>,
        ttt: u32,
    ) {
        let pieces = all[part.clone()].chunks(self.segment).count();
        for (n, piece) in all[part.clone()].chunks(self.segment).enumerate() {
            let pdu = DataOut {
                last: n + 1 == pieces,
                itt: command.itt,
                ttt,
                lun: command.lun,
                data_sn: n as u32,
                buffer_offset: (part.start + n * self.segment) as u32,
                ..DataOut::default()
            };
            self.send(pdu.emit(), piece);
        }
    }

    /// Takes what comes for a command until its end.
    pub(super) fn outcome(&mut self, command: &ScsiCommand, write: &[u8]) -> Outcome {
        let mut outcome = Outcome::default();
        loop {
            let pdu = self.next().expect("the command ends");
            assert_eq!(Header::parse_cut(&pdu.header).itt, command.itt, "{pdu:x?}");
            match pdu.opcode() {
                opcode::READY_TO_TRANSFER => {
                    let asked = ReadyToTransfer::parse_cut(&pdu.header);
                    assert_eq!(asked.r2t_sn, outcome.units);
                    outcome.units += 1;
                    let from = asked.buffer_offset as usize;
                    let part = from..from + asked.desired_length as usize;
                    self.data(command, write, part, asked.ttt);
                }
                opcode::DATA_IN => {
                    let part = DataIn::parse_cut(&pdu.header);
                    assert_eq!(part.data_sn, outcome.units);
                    assert_eq!(part.buffer_offset as usize, outcome.data.len());
                    outcome.units += 1;
                    outcome.data.extend(pdu.data);
                    if part.has_status {
                        assert!(part.last);
                        outcome.residual = residual(part.overflow, part.underflow, part.residual);
                        return outcome;
                    }
                }
                opcode::SCSI_RESPONSE => {
                    let end = ScsiResponse::parse_cut(&pdu.header);
                    assert_eq!(end.exp_data_sn, outcome.units);
                    (outcome.response, outcome.status) = (end.response, end.status);
                    outcome.residual = residual(end.overflow, end.underflow, end.residual);
                    if let Some(sense) = pdu.data.get(2..) {
                        outcome.sense = Some((sense[2] & 15, sense[12], sense[13]));
                    }
                    return outcome;
                }
                other => panic!("{other:02x}h is no answer to a command"),
            }
        }
    }

    /// Task management on unit 0.
    pub(super) fn manage(&mut self, function: u8, lun: u8, tag: u32) -> u8 {
        let pdu = TaskRequest {
            immediate: true,
            function,
            lun: [0, lun, 0, 0, 0, 0, 0, 0],
            itt: 0x7000_0000,
            referenced_tag: tag,
            cmd_sn: self.cmd_sn,
            ..TaskRequest::default()
        };
        self.send(pdu.emit(), &[]);
        TaskResponse::parse_cut(&self.expect(opcode::TASK_RESPONSE).header).response
    }
}

fn residual(overflow: bool, underflow: bool, bytes: u32) -> i64 {
    match (overflow, underflow) {
        (false, false) => 0,
        (true, false) => bytes.into(),
        (false, true) => -i64::from(bytes),
        _ => panic!("both overflow and underflow"),
    }
}
