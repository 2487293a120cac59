//! What must hold whatever a client of the local socket sends: the server answers or drops it, and
//! nothing that it had open stays open.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use super::connection;
use super::file::Files;
use super::frame::{MAX_DATA, Node, Op, Reply, Request};
use crate::models::MediumKind;
use crate::serve::{Lun, Pace, Server};

/// Opens a node as the first byte says (bit 0 sg, 1 to write, 2 without waiting, 3 exclusively;
/// bit 4: opens nothing), then sends the other bytes as they are.
pub fn local(bytes: &[u8]) {
    let Some((how, bytes)) = bytes.split_first() else { return };
    let address = "virtual:dvd+rw".parse().expect("it is a built-in address");
    let virt = crate::drive::open(&address, None, MediumKind::DvdPlusRw, 0);
    let virt = virt.expect("a disc in memory can be had");
    let server = Server::new(vec![Lun::new(0, virt, Pace::Simulated)]);
    let files = Files::new(server.luns(), server.stopped());
    let (mut client, serving) = UnixStream::pair().expect("the system has sockets");
    let mut listening = client.try_clone().expect("the system has sockets");
    let mut sent = Vec::new();
    if how & 0x10 == 0 {
        let mut open = Request::new(Op::Open);
        open.number = Node { sg: how & 1 != 0, index: 0 }.bits();
        let flags = [(2, 0o2), (4, 0o4000), (8, 0o200)];
        open.arg = flags.iter().filter(|(bit, _)| how & bit != 0).map(|(_, flag)| flag).sum();
        sent.extend(open.emit());
    }
    sent.extend(bytes);
    let mut answers = Vec::new();
    std::thread::scope(|scope| {
        let files = &files;
        scope.spawn(move || connection::serve(files, &serving));
        let hearing = scope.spawn(|| one_by_one(&mut listening, &mut answers));
        for request in sent.chunks(64 * 1024) {
            // The server may have had enough.
            if client.write_all(request).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Write);
        hearing.join().expect("hearing does not panic");
    });
    assert_eq!(files.users(), [(0, 0)], "what a client had open is closed with it");
    check(&answers);
    server.stop();
}

/// Answers are heads with the data that they announce, one behind the other.
fn check(mut answers: &[u8]) {
    if answers.len() >= MOST {
        return;
    }
    while !answers.is_empty() {
        let head = answers.first_chunk().and_then(|head| Reply::parse(head, MAX_DATA));
        let reply = head.expect("an answer begins with a head");
        assert!(reply.status == 0x02 || reply.sense_len == 0, "sense data has a reason");
        answers = &answers[Reply::LEN + reply.data_len as usize..];
    }
}

/// Answers beyond this are not looked at.
const MOST: usize = 1 << 22;

/// Reads until the server has nothing more to say.
fn one_by_one(stream: &mut UnixStream, answers: &mut Vec<u8>) {
    let mut room = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut room) {
        answers.extend(&room[..count]);
        answers.truncate(MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_short_bytes_are_answered_or_dropped() {
        for how in 0..32 {
            for len in [0, 1, 63, 64, 65, 200] {
                let bytes: Vec<u8> =
                    (0..len).map(|i: u32| (i * 37 + u32::from(how)) as u8 & 0x0f).collect();
                local(&[&[how], &bytes[..]].concat());
            }
        }
    }
}
