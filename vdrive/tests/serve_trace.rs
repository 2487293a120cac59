//! What a server writes down of its sessions: kiln traces that can be replayed, captures that a
//! network analyser decodes.

use std::path::Path;
use std::process::Command;

use engine::device::trace::{self, Ended};
use engine::device::{Cdb, Data, Replay, Status};
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
    assert_eq!(Replay::parse(&text).unwrap().left(), exchanges.len());
}

/// A PDU's header with data behind it (RFC 7143, 11.2).
fn pdu(opcode: u8, flags: u8, words: &[(usize, u32)], data: &[u8]) -> Vec<u8> {
    let mut pdu = vec![0; 48];
    (pdu[0], pdu[1]) = (opcode, flags);
    pdu[4..8].copy_from_slice(&(data.len() as u32).to_be_bytes());
    for (at, word) in words {
        pdu[*at..at + 4].copy_from_slice(&word.to_be_bytes());
    }
    pdu.extend(data);
    pdu.resize(pdu.len().next_multiple_of(4), 0);
    pdu
}

#[test]
fn a_tap_shows_the_bytes_of_a_connection_and_nothing_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("t.PCAPNG");
    let server = server(MediumKind::DvdPlusR, 1);
    let ends = ("[::1]:50000".parse().unwrap(), "127.0.0.1:41234".parse().unwrap());
    let tap = server.trace().tap(ends.0, ends.1);
    let mut nexus = server.luns()[0].attach("wire").on_wire();
    // Nobody listens yet.
    tap.received(&[&pdu(0x43, 0x87, &[], b"InitiatorName=iqn.2026-11.internal.kiln:early\0")]);
    server.trace().start(&file).unwrap();
    assert!(tap.is_on());
    let login = pdu(0x43, 0x87, &[], b"InitiatorName=iqn.2026-11.internal.kiln:test\0");
    tap.received(&[&login[..48], &login[48..]]);
    tap.sent(&[&pdu(0x23, 0x87, &[], b"TargetPortalGroupTag=1\0")]);
    let mut command = pdu(0x01, 0xc0, &[(16, 7), (20, 96), (24, 1)], &[]);
    command[32..38].copy_from_slice(&[0x12, 0, 0, 0, 96, 0]);
    tap.received(&[&command]);
    let mut room = [0; 96];
    nexus.execute(&Cdb::new(&[0x12, 0, 0, 0, 96, 0]), Data::In(&mut room)).result.unwrap();
    tap.sent(&[&pdu(0x25, 0x81, &[(16, 7), (20, u32::MAX), (24, 1)], &[])[..48], &[0; 0]]);
    drop(tap);
    server.trace().stop().unwrap();
    let Some(text) = tshark(&file, &["-Y", "iscsi || tcp.flags.fin == 1"]) else { return };
    let told: Vec<&str> = text.lines().collect();
    assert_eq!(told.len(), 6, "{text}");
    assert!(told[0].contains("192.0.2.1 → 127.0.0.1") && told[0].contains("Login Command"));
    assert!(told[2].contains("SCSI: Inquiry"), "{text}");
    assert!(told[4].contains("FIN"), "{text}");
    assert_eq!(tshark(&file, &["-Y", "_ws.malformed"]).unwrap(), "");
}

#[test]
fn a_trace_goes_on_and_off_and_says_when_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(MediumKind::DvdPlusR, 1);
    let mut nexus = server.luns()[0].attach("a");
    let error = server.trace().start(&folder.path().join("no/such.trace")).unwrap_err();
    assert!(error.to_string().contains("no/such.trace cannot be written"), "{error}");
    assert!(!server.trace().is_on());
    let files = ["1.trace", "2.pcapng", "3.trace"].map(|name| folder.path().join(name));
    for file in &files {
        ask(&mut nexus, &[0; 6], 0);
        server.trace().start(file).unwrap();
        assert_eq!(server.trace().path().as_ref(), Some(file));
        ask(&mut nexus, &[0; 6], 0);
    }
    drop(server);
    for (file, commands) in [(&files[0], 2), (&files[2], 1)] {
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!(trace::parse(&text).unwrap().len(), commands, "{text}");
    }
    // A session that a capture joins in the middle says first who the drive is.
    let Some(text) = tshark(&files[1], &["-Y", "scsi"]) else { return };
    assert!(text.lines().next().unwrap().contains("Inquiry"), "{text}");
    assert!(text.lines().last().unwrap().contains("Test Unit Ready"), "{text}");
}

#[test]
fn a_full_storage_ends_the_trace_and_nobodys_command() {
    if cfg!(not(target_os = "linux")) {
        println!("SKIP: there is no /dev/full");
        return;
    }
    let server = server(MediumKind::DvdPlusR, 1);
    let error = server.trace().start(Path::new("/dev/full")).unwrap_err();
    assert!(error.to_string().starts_with("trace /dev/full cannot be written"), "{error}");
    let mut nexus = server.luns()[0].attach("a");
    ask(&mut nexus, &[0x12, 0, 0, 0, 96, 0], 96);
}
