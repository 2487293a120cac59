//! What a server writes down of its sessions: kiln traces that can be replayed, captures that a
//! network analyser decodes.

use std::path::Path;
use std::process::Command;

use engine::device::trace::{self, Ended};
use engine::device::{Cdb, Data, Status};
use vdrive::models::MediumKind;
use vdrive::serve::{Lun, Nexus, Pace, Server};

fn server(kind: MediumKind, luns: u16) -> Server {
    let luns = (0..luns)
        .map(|number| {
            let virt = vdrive::open(&"virtual".parse().unwrap(), None, kind, 1).unwrap();
            Lun::new(number, virt, Pace::Simulated)
        })
        .collect();
    Server::new(luns)
}

fn ask(nexus: &mut Nexus, cdb: &[u8], room: usize) -> Status {
    let mut room = vec![0; room];
    let data = if room.is_empty() { Data::None } else { Data::In(&mut room) };
    nexus.execute(&Cdb::new(cdb), data).result.unwrap().status
}

/// A session as a burner has it: who are you, what disc, write, read back.
fn burn(nexus: &mut Nexus) {
    ask(nexus, &[0x12, 0, 0, 0, 96, 0], 96);
    while ask(nexus, &[0; 6], 0) != Status::Good {}
    for (cdb, room) in [
        (&[0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 192, 0][..], 192),
        (&[0x46, 0, 0, 0, 0, 0, 0, 2, 0, 0], 512),
        (&[0x51, 0, 0, 0, 0, 0, 0, 0, 34, 0], 34),
        (&[0x52, 1, 0, 0, 0, 1, 0, 0, 36, 0], 36),
        (&[0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0], 8),
        (&[0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0], 12),
        (&[0x23, 0, 0, 0, 0, 0, 0, 0, 252, 0], 252),
        (&[0x5c, 0, 0, 0, 0, 0, 0, 0, 12, 0], 12),
        (&[0xad, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0], 2048),
        (&[0xac, 0, 0, 0, 0, 0, 0, 0, 0, 4, 3, 0], 72),
    ] {
        ask(nexus, cdb, room);
    }
    let blocks = vec![0x5a; 64 * 2048];
    let write = Cdb::new(&[0x2a, 0, 0, 0, 0, 0, 0, 0, 64, 0]);
    let done = nexus.execute(&write, Data::Out(&blocks)).result.unwrap();
    assert_eq!(done.status, Status::Good);
    ask(nexus, &[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0);
    ask(nexus, &[0x28, 0, 0, 0, 0, 0, 0, 0, 64, 0], 64 * 2048);
    ask(nexus, &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], 8);
}

/// What tshark prints, if it is there.
fn tshark(file: &Path, arguments: &[&str]) -> Option<String> {
    let run = Command::new("tshark").arg("-r").arg(file).args(arguments).output();
    let Ok(output) = run else {
        println!("SKIP: tshark is not installed");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_capture_of_local_sessions_decodes_without_a_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.pcapng");
    let server = server(MediumKind::DvdPlusR, 2);
    server.trace().start(&file).unwrap();
    let mut first = server.luns()[0].attach("first");
    let mut second = server.luns()[1].attach("second");
    burn(&mut first);
    burn(&mut second);
    drop(first);
    assert_eq!(server.trace().stop().unwrap().as_deref(), Some(file.as_path()));
    // Features that it does not know are a warning to it.
    let wrong = "_ws.malformed || _ws.expert.severity >= \"Error\" || tcp.checksum.status == 0 \
                 || ip.checksum.status == 0 || tcp.analysis.flags";
    let options = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-Y", wrong];
    let Some(text) = tshark(&file, &options) else { return };
    assert_eq!(text, "");
    let text = tshark(&file, &[]).unwrap();
    for words in [
        "Login Command",
        "SCSI: Read Disc Information",
        "SCSI: Write(10)",
        "SCSI: Get Configuration",
    ] {
        assert!(text.contains(words), "no {words} in\n{text}");
    }
}

#[test]
fn a_kiln_trace_names_its_nexuses_and_parses() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.trace");
    let server = server(MediumKind::DvdPlusR, 2);
    server.trace().start(&file).unwrap();
    let mut first = server.luns()[0].attach("first");
    let mut second = server.luns()[1].attach("second\nline");
    burn(&mut first);
    ask(&mut second, &[0x12, 0, 0, 0, 96, 0], 96);
    ask(&mut first, &[0x12, 0, 0, 0, 96, 0], 96);
    server.trace().stop().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let comments: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(
        comments,
        ["# LUN 0, nexus 0 first", "# LUN 1, nexus 1 second\\nline", "# LUN 0, nexus 0 first"]
    );
    let exchanges = trace::parse(&text).unwrap();
    assert!(exchanges.iter().map(|exchange| exchange.number).eq(1..=exchanges.len() as u64));
    assert_eq!(exchanges[0].cdb.opcode(), 0x12);
    assert!(exchanges.iter().all(|exchange| matches!(exchange.ended, Ended::Spoke(..))));
}
