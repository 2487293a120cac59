//! A TCP connection as it would look on an Ethernet: frames with headers whose checksums and
//! sequence numbers are right (RFC 791, RFC 9293), around bytes that went another way.
//!
//! May not know: what the bytes mean.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::pcapng;

/// The port under which dissectors know iSCSI (RFC 7143, 13).
const ISCSI: u16 = 3260;

/// Most bytes in one segment: what an IPv4 datagram carries besides its headers, rounded down.
const SEGMENT: usize = 65_000;

const FIN: u8 = 1;
const SYN: u8 = 2;
const PSH: u8 = 8;
const ACK: u8 = 16;

/// Which end speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The initiator.
    Initiator,
    /// The target.
    Target,
}

/// One end of a connection.
#[derive(Clone, Debug)]
struct End {
    mac: [u8; 6],
    address: [u8; 4],
    port: u16,
    /// The sequence number of its next byte.
    next: u32,
}

/// A connection.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    initiator: End,
    target: End,
    datagrams: u16,
}

/// The address in an IPv4 header. Of a connection that went over IPv6, one made for documents
/// (RFC 5737) stands for it.
fn ipv4(address: IpAddr, last: u8) -> [u8; 4] {
    match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(address) => {
            address.to_ipv4_mapped().unwrap_or(Ipv4Addr::new(192, 0, 2, last)).octets()
        }
    }
}

impl Stream {
    /// Appends the opening of connection `number` to `out`. The target has the port that
    /// dissectors expect, whatever it was.
    pub(super) fn open(
        number: u32,
        initiator: SocketAddr,
        target: SocketAddr,
        at: u64,
        out: &mut Vec<u8>,
    ) -> Stream {
        let mac = |last| [2, 0, 0, 0, 0, last];
        // Each connection starts elsewhere, so that none looks like another's repetition.
        let first = number.wrapping_mul(0x0100_0000).wrapping_add(1);
        let initiator = End {
            mac: mac(1),
            address: ipv4(initiator.ip(), 1),
            port: initiator.port(),
            next: first,
        };
        let target = End { mac: mac(2), address: ipv4(target.ip(), 2), port: ISCSI, next: first };
        let mut stream = Stream { initiator, target, datagrams: 0 };
        stream.segment(From::Initiator, SYN, &[], at, out);
        stream.segment(From::Target, SYN | ACK, &[], at, out);
        stream.segment(From::Initiator, ACK, &[], at, out);
        stream
    }

    /// Appends bytes of one end.
    pub(super) fn bytes(&mut self, from: From, bytes: &[u8], at: u64, out: &mut Vec<u8>) {
        let mut parts = bytes.chunks(SEGMENT).peekable();
        while let Some(part) = parts.next() {
            let push = if parts.peek().is_none() { PSH } else { 0 };
            self.segment(from, ACK | push, part, at, out);
        }
    }

    /// Appends the end of the connection.
    pub(super) fn close(mut self, at: u64, out: &mut Vec<u8>) {
        self.segment(From::Initiator, FIN | ACK, &[], at, out);
        self.segment(From::Target, FIN | ACK, &[], at, out);
        self.segment(From::Initiator, ACK, &[], at, out);
    }

    fn segment(&mut self, from: From, flags: u8, bytes: &[u8], at: u64, out: &mut Vec<u8>) {
        self.datagrams = self.datagrams.wrapping_add(1);
        let (source, destination) = match from {
            From::Initiator => (&mut self.initiator, &self.target),
            From::Target => (&mut self.target, &self.initiator),
        };
        let mut ethernet = Vec::with_capacity(14);
        ethernet.extend(destination.mac);
        ethernet.extend(source.mac);
        ethernet.extend([8, 0]);
        let tcp = tcp(source, destination, flags, bytes);
        let ip = ip(source, destination, self.datagrams, tcp.len() + bytes.len());
        source.next = source.next.wrapping_add(bytes.len() as u32);
        if flags & (SYN | FIN) != 0 {
            source.next = source.next.wrapping_add(1);
        }
        pcapng::packet(out, at, &[&ethernet, &ip, &tcp, bytes]);
    }
}

fn ip(source: &End, destination: &End, id: u16, length: usize) -> Vec<u8> {
    let mut header = Vec::with_capacity(20);
    header.extend([0x45, 0]);
    header.extend(((20 + length) as u16).to_be_bytes());
    header.extend(id.to_be_bytes());
    // Don't fragment; 64 hops; TCP; the checksum comes below.
    header.extend([0x40, 0, 64, 6, 0, 0]);
    header.extend(source.address);
    header.extend(destination.address);
    let sum = checksum(&[&header]);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

fn tcp(source: &End, destination: &End, flags: u8, bytes: &[u8]) -> Vec<u8> {
    // A SYN tells the window's scale (RFC 7323, 2), the greatest there is.
    let options: &[u8] = if flags & SYN == 0 { &[] } else { &[3, 3, 14, 0] };
    let mut header = Vec::with_capacity(24);
    header.extend(source.port.to_be_bytes());
    header.extend(destination.port.to_be_bytes());
    header.extend(source.next.to_be_bytes());
    let acknowledged = if flags & ACK == 0 { 0 } else { destination.next };
    header.extend(acknowledged.to_be_bytes());
    header.push((((20 + options.len()) / 4) << 4) as u8);
    header.push(flags);
    header.extend([0xff, 0xff, 0, 0, 0, 0]);
    header.extend(options);
    let mut pseudo = Vec::with_capacity(12);
    pseudo.extend(source.address);
    pseudo.extend(destination.address);
    pseudo.extend([0, 6]);
    pseudo.extend(((header.len() + bytes.len()) as u16).to_be_bytes());
    let sum = checksum(&[&pseudo, &header, bytes]);
    header[16..18].copy_from_slice(&sum.to_be_bytes());
    header
}

/// The Internet checksum (RFC 1071). All parts but the last have even lengths.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u64;
    for part in parts {
        let (pairs, rest) = part.as_chunks::<2>();
        sum += pairs.iter().map(|pair| u64::from(u16::from_be_bytes(*pair))).sum::<u64>();
        sum += rest.first().map_or(0, |&last| u64::from(last) << 8);
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_rfc_1071() {
        // The example of RFC 1071, 3: the sum is ddf2h.
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&[&bytes]), !0xddf2);
        assert_eq!(checksum(&[&bytes[..4], &bytes[4..]]), !0xddf2);
        assert_eq!(checksum(&[&[0x12]]), !0x1200);
    }
}
