//! What the fuzz target of this module does: any bytes as an initiator's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::config::{Chap, Config};
use super::connection::Connection;
use super::target::Target;
use super::wire::{BHS, Header, LoginRequest, crc32c, padded};
use crate::models::MediumKind;
use crate::serve::wall::{HostWall, Wall};
use crate::serve::{Lun, Pace, Server};

/// Bits of the first byte.
const LOGGED_IN: u8 = 1;
const CHAP: u8 = 2;
const PACED: u8 = 4;
const DIGESTS: u8 = 8;

/// The most that may ever wait to be sent: the answer to the largest command and a batch.
const MOST_OUTPUT: usize = 20 << 20;

/// Feeds a connection with bytes. The first says how: 1 behind a login of its own, 2 where CHAP is
/// wanted, 4 with a drive in real time, 8 cut into units that get their digests here. The second is
/// the length of the pieces in which the others come, 0 for all at once; the third how much time
/// passes after each, in tenths of a second. Checks that what comes back consists of whole units,
/// that memory stays bounded and that a closed connection stays so. Gives back the bytes that came.
pub fn session(bytes: &[u8]) -> Vec<u8> {
    let Some((&[how, piece, wait], stream)) = bytes.split_first_chunk::<3>() else {
        return Vec::new();
    };
    let mut now = HostWall.now();
    let mut connection = connection(how, now);
    let mut came = Vec::new();
    let mut started = Vec::new();
    let digests = how & DIGESTS != 0 && how & LOGGED_IN != 0;
    if how & LOGGED_IN != 0 {
        started = login(digests);
    }
    let cut;
    let stream = if digests {
        cut = with_digests(stream);
        &cut
    } else {
        stream
    };
    let piece = if piece == 0 { usize::MAX } else { usize::from(piece) };
    let pieces = stream.chunks(piece.min(stream.len().max(1)));
    for part in std::iter::once(&started[..]).chain(pieces) {
        put(&mut connection, part, now, &mut came);
        now += Duration::from_millis(100) * wait.into();
        run(&mut connection, now, &mut came);
    }
    for _ in 0..4 {
        now += Duration::from_secs(31);
        run(&mut connection, now, &mut came);
    }
    assert!(connection.is_over(), "a silent initiator is given up");
    check(&came, connection.bears_digests());
    came
}

fn connection(how: u8, now: std::time::Instant) -> Connection {
    let pace = if how & PACED != 0 { Pace::RealTime } else { Pace::Simulated };
    let address = "virtual:dvd-ram".parse().expect("a medium that is known");
    let virt = crate::open(&address, None, MediumKind::DvdRam, 1).expect("made in memory");
    let server = Server::new(vec![Lun::by_wall(0, virt, pace, Arc::new(Stands(now)))]);
    let mut config = Config::default();
    if how & CHAP != 0 {
        config.chap = Some(Chap::new("user", b"a long secret").expect("it is long enough"));
    }
    let target = Arc::new(Target::new(config, &server, |bytes| {
        bytes.fill(0xa5);
        true
    }));
    // The server would stop with its last handle, and the connection with it.
    let held = server.clone();
    let waker = Arc::new(move || drop(held.stopped()));
    Connection::new(target, SocketAddr::from(([127, 0, 0, 1], 3260)), waker, None, now)
}

/// A clock on the wall that stands still.
#[derive(Debug)]
struct Stands(std::time::Instant);

impl Wall for Stands {
    fn now(&self) -> std::time::Instant {
        self.0
    }

    fn date(&self) -> u64 {
        0
    }
}

fn login(digests: bool) -> Vec<u8> {
    let digest = if digests { "CRC32C" } else { "None" };
    let text = format!(
        "InitiatorName=iqn.2026-11.internal.kiln:fuzz\0\
         TargetName=iqn.2026-11.internal.kiln:recorder\0\
         HeaderDigest={digest}\0DataDigest={digest}\0InitialR2T=No\0"
    );
    let request = LoginRequest {
        transit: true,
        current: 1,
        next: 3,
        data_length: text.len() as u32,
        cmd_sn: 7,
        ..LoginRequest::default()
    };
    let mut bytes = request.emit().to_vec();
    bytes.extend(text.as_bytes());
    bytes.resize(padded(bytes.len()), 0);
    bytes
}

/// Cuts a stream into units as their headers say, and puts digests behind headers and data.
fn with_digests(mut stream: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some((header, rest)) = stream.split_first_chunk::<BHS>() {
        let fields = Header::parse_cut(header);
        let (ahs, rest) = rest.split_at(fields.ahs_length().min(rest.len()));
        let (data, rest) = rest.split_at(fields.padded_length().min(rest.len()));
        bytes.extend([&header[..], ahs].concat());
        bytes.extend(crc32c(&[&header[..], ahs].concat()));
        bytes.extend(data);
        if !data.is_empty() {
            bytes.extend(crc32c(data));
        }
        stream = rest;
    }
    bytes
}

fn put(connection: &mut Connection, mut part: &[u8], now: std::time::Instant, came: &mut Vec<u8>) {
    while !part.is_empty() && !connection.is_over() {
        let room = connection.room();
        assert!(!room.is_empty(), "there is room for more");
        let length = room.len().min(part.len());
        room[..length].copy_from_slice(&part[..length]);
        connection.filled(length);
        part = &part[length..];
        run(connection, now, came);
    }
}

fn run(connection: &mut Connection, now: std::time::Instant, came: &mut Vec<u8>) {
    let was_over = connection.is_over();
    loop {
        connection.run(now);
        let output = connection.output();
        assert!(output.len() < MOST_OUTPUT, "{} bytes wait", output.len());
        assert!(!was_over || output.is_empty(), "a closed connection says nothing");
        if output.is_empty() {
            return;
        }
        came.extend_from_slice(output);
        let sent = output.len();
        connection.sent(sent);
    }
}

/// Checks that these are whole units of a target, with digests of headers and data where those were
/// agreed on, but for the first ones (of the login).
fn check(mut bytes: &[u8], digests: (bool, bool)) {
    while !bytes.is_empty() {
        let header = Header::parse(bytes).expect("a whole header");
        assert!((0x20..0x40).contains(&header.opcode), "{:02x}h", header.opcode);
        let is_login = header.opcode == super::wire::opcode::LOGIN_RESPONSE;
        let data = header.padded_length();
        let digest = |with: bool| if with && !is_login { 4 } else { 0 };
        let length = BHS + digest(digests.0) + data + digest(digests.1 && data > 0);
        assert!(bytes.len() >= length, "the last unit is whole");
        bytes = &bytes[length..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_get_the_same_answer() {
        let mut bytes = vec![LOGGED_IN, 7, 0];
        bytes.extend([0; 48 * 3]);
        assert_eq!(session(&bytes), session(&bytes));
        assert!(session(&bytes).len() > BHS);
    }
}
