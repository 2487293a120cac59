//! The smallest iSCSI initiator that can write (RFC 7143): one session, immediate data, no digests.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// A session with one logical unit.
pub(crate) struct Initiator {
    stream: TcpStream,
    lun: u8,
    /// CmdSN of the next command, which also serves as its task tag.
    number: u32,
    /// ExpStatSN.
    expected: u32,
}

/// What came of a command: its status, sense data and data.
pub(crate) struct Done {
    pub(crate) status: u8,
    pub(crate) sense: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

impl Initiator {
    /// Logs in to the unit of this URL.
    pub(crate) fn login(url: &str) -> Initiator {
        let rest = url.strip_prefix("iscsi://").expect(url);
        let parts: Vec<&str> = rest.split('/').collect();
        let [host, target, lun] = parts[..] else { panic!("{url}") };
        let stream = TcpStream::connect(host).expect("connections are accepted");
        let lun = lun.parse().expect("a number");
        let mut session = Initiator { stream, lun, number: 1, expected: 0 };
        let keys = format!(
            "InitiatorName=iqn.2026-11.internal.test:writer\0TargetName={target}\0\
             SessionType=Normal\0HeaderDigest=None\0DataDigest=None\0ImmediateData=Yes\0"
        );
        // Login request, immediate; from operational negotiation to full feature phase (11.12).
        let mut header = [0; 48];
        (header[0], header[1]) = (0x43, 0x87);
        // An ISID of its own: the same one would end the session that has it (6.3.5).
        let port = session.stream.local_addr().expect("it is connected").port();
        (header[8], header[9]) = (0x80, 7);
        header[12..14].copy_from_slice(&port.to_be_bytes());
        header[24..28].copy_from_slice(&1_u32.to_be_bytes());
        session.send(header, keys.as_bytes()).expect("the target listens");
        let (answer, _) = session.receive().expect("the target answers");
        assert_eq!((answer[0], answer[36], answer[37]), (0x23, 0, 0), "logged in");
        session
    }

    /// A command that moves no data, or brings at most `room` bytes, or takes `data` along.
    pub(crate) fn execute(&mut self, cdb: &[u8], data: &[u8], room: u32) -> io::Result<Done> {
        self.ask(cdb, data, room)?;
        let mut got = Vec::new();
        loop {
            let (answer, segment) = self.receive()?;
            match answer[0] & 0x3f {
                // SCSI response (11.4).
                0x21 => {
                    let sense = segment.get(2..).unwrap_or_default().to_vec();
                    return Ok(Done { status: answer[3], sense, data: got });
                }
                // SCSI Data-In (11.7), perhaps with the status.
                0x25 => {
                    got.extend(segment);
                    if answer[1] & 1 == 1 {
                        return Ok(Done { status: answer[3], sense: Vec::new(), data: got });
                    }
                }
                // NOP-In and asynchronous messages are no answers.
                0x20 | 0x32 => {}
                other => return Err(io::Error::other(format!("opcode {other:02x}"))),
            }
        }
    }

    /// Sends the command, and reads no answer.
    pub(crate) fn ask(&mut self, cdb: &[u8], data: &[u8], room: u32) -> io::Result<()> {
        self.begin(cdb, data, room.max(data.len() as u32))
    }

    /// The same where more or less data is announced than comes.
    pub(crate) fn begin(&mut self, cdb: &[u8], data: &[u8], room: u32) -> io::Result<()> {
        let mut header = [0; 48];
        let way = match (data.is_empty(), room) {
            (false, _) => 0x20,
            (true, 0) => 0,
            (true, _) => 0x40,
        };
        (header[0], header[1], header[9]) = (0x01, 0x81 | way, self.lun);
        header[16..20].copy_from_slice(&self.number.to_be_bytes());
        header[20..24].copy_from_slice(&room.to_be_bytes());
        header[24..28].copy_from_slice(&self.number.to_be_bytes());
        header[28..32].copy_from_slice(&self.expected.to_be_bytes());
        header[32..32 + cdb.len()].copy_from_slice(cdb);
        self.number += 1;
        self.send(header, data)
    }

    /// Ends the connection in the middle of a unit.
    pub(crate) fn cut_off(mut self) -> io::Result<()> {
        self.stream.write_all(&[0x01, 0x81, 0, 0, 0, 0, 64])
    }

    /// Asks for a task management function that acts on all tasks (11.5), immediately.
    pub(crate) fn reset(&mut self, function: u8) -> io::Result<()> {
        let mut header = [0; 48];
        (header[0], header[1], header[9]) = (0x42, 0x80 | function, self.lun);
        header[16..20].copy_from_slice(&u32::MAX.wrapping_sub(1).to_be_bytes());
        header[20..24].fill(0xff);
        header[24..28].copy_from_slice(&self.number.to_be_bytes());
        self.send(header, &[])?;
        loop {
            let (answer, _) = self.receive()?;
            match (answer[0] & 0x3f, answer[2]) {
                (0x22, 0) => return Ok(()),
                (0x20 | 0x32, _) => {}
                (opcode, response) => {
                    return Err(io::Error::other(format!("opcode {opcode:02x}, {response}")));
                }
            }
        }
    }

    fn send(&mut self, mut header: [u8; 48], data: &[u8]) -> io::Result<()> {
        header[5..8].copy_from_slice(&(data.len() as u32).to_be_bytes()[1..]);
        let mut pdu = header.to_vec();
        pdu.extend(data);
        pdu.resize(48 + data.len().next_multiple_of(4), 0);
        self.stream.write_all(&pdu)
    }

    fn receive(&mut self) -> io::Result<([u8; 48], Vec<u8>)> {
        let mut header = [0; 48];
        self.stream.read_exact(&mut header)?;
        let length = u32::from_be_bytes([0, header[5], header[6], header[7]]) as usize;
        let mut data = vec![0; length.next_multiple_of(4)];
        self.stream.read_exact(&mut data)?;
        data.truncate(length);
        let status = u32::from_be_bytes([header[24], header[25], header[26], header[27]]);
        self.expected = status.wrapping_add(1);
        Ok((header, data))
    }

    /// Asks until the drive is ready.
    pub(crate) fn ready(&mut self) {
        let ready = |session: &mut Initiator| {
            session.execute(&[0; 6], &[], 0).expect("the target answers").status == 0
        };
        assert!((0..100).any(|_| ready(self)), "the drive never gets ready");
    }

    /// Whether the target is gone.
    pub(crate) fn ready_fails(&mut self) -> bool {
        self.execute(&[0; 6], &[], 0).is_err()
    }

    /// Writes these blocks at the place where they belong, again while the drive has no room.
    pub(crate) fn write(&mut self, at: u32, data: &[u8]) -> io::Result<()> {
        let [a, b, c, d] = at.to_be_bytes();
        let cdb = [0x2a, 0, a, b, c, d, 0, 0, (data.len() / 2048) as u8, 0];
        loop {
            let done = self.execute(&cdb, data, 0)?;
            match (done.status, done.sense.get(2).map(|key| key & 15), done.sense.get(12)) {
                (0, ..) => return Ok(()),
                // 2/04/08, long write in progress.
                (2, Some(2), Some(4)) => {}
                _ => panic!("block {at}: status {}, sense {:02x?}", done.status, done.sense),
            }
        }
    }
}
