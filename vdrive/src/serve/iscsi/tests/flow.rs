//! Commands and their data.

use super::super::wire::*;
use super::initiator::{Initiator, Outcome};
use super::*;

#[test]
fn data_goes_every_way() {
    let data = pattern(64 * 2048);
    for (keys, immediate, unsolicited, r2ts) in [
        (&[][..], 0, 0, 1),
        (&[("MaxBurstLength", "8192")][..], 0, 0, 16),
        (&[][..], 8192, 0, 1),
        (&[("InitialR2T", "No")][..], 4096, 61_440, 1),
        (&[("InitialR2T", "No"), ("FirstBurstLength", "131072")][..], 0, 131_072, 0),
        (&[("FirstBurstLength", "131072")][..], 131_072, 0, 0),
    ] {
        let lab = lab();
        let mut one = lab.initiator();
        let digests = [("HeaderDigest", "CRC32C,None"), ("DataDigest", "CRC32C,None")];
        let more = [("MaxOutstandingR2T", "4"), ("MaxRecvDataSegmentLength", "5001")];
        one.login(&[keys, &digests, &more].concat()).unwrap();
        one.command(0, &TEST_UNIT_READY, 0, &[]);
        (one.immediate, one.unsolicited) = (immediate, unsolicited);
        let outcome = one.command(0, &write10(0, 64), 0, &data);
        assert_eq!(outcome, Outcome { units: r2ts, ..Outcome::default() }, "{keys:?}");
        let outcome = one.command(0, &read10(0, 64), 131_072, &[]);
        assert!(outcome.data == data, "{keys:?}");
        assert_eq!((outcome.status, outcome.residual), (0, 0));
    }
}

#[test]
fn bursts_end_where_they_should() {
    let mut one = lab().initiator();
    one.login(&[("MaxBurstLength", "4096"), ("MaxRecvDataSegmentLength", "3000")]).unwrap();
    one.command(0, &TEST_UNIT_READY, 0, &[]);
    let data = pattern(4 * 2048);
    one.command(0, &write10(0, 4), 0, &data);
    let command = one.scsi(0, &read10(0, 4), 8192, &[]);
    one.send(command.emit(), &[]);
    let units: Vec<(u32, u32, bool)> = std::iter::from_fn(|| one.next())
        .map(|pdu| DataIn::parse_cut(&pdu.header))
        .map(|pdu| (pdu.buffer_offset, pdu.data_length, pdu.last))
        .collect();
    let expected = [(0, 3000, false), (3000, 1096, true), (4096, 3000, false), (7096, 1096, true)];
    assert_eq!(units, expected);
}

#[test]
fn residuals_are_exact() {
    let mut one = lab().ready();
    let data = pattern(2 * 2048);
    one.command(0, &write10(0, 2), 0, &data);
    for (expected, blocks, residual) in
        [(10_000, 2, 4096 - 10_000), (200, 1, 1848), (2048, 2, 2048), (4096, 2, 0)]
    {
        let outcome = one.command(0, &read10(0, blocks), expected, &[]);
        assert_eq!((outcome.status, outcome.residual), (0, residual), "{expected}");
        let length = (expected as usize).min(2048 * usize::from(blocks));
        assert!(outcome.data == data[..length]);
    }
    let none = one.command(0, &read10(0, 1), 0, &[]);
    assert_eq!((none.status, none.residual, none.data.len()), (0, 2048, 0));
    // Cut by the allocation length, and then by the room.
    assert_eq!(one.command(0, &inquiry(36), 36, &[]).residual, 0);
    assert_eq!(one.command(0, &inquiry(36), 96, &[]).residual, -60);
    assert_eq!(one.command(0, &inquiry(96), 36, &[]).residual, 60);
    // A READ that the initiator takes for a command that writes (iscsi-test-cu, Read10Invalid).
    one.immediate = 2048;
    let wrong = one.command(0, &read10(0, 1), 0, &data[..2048]);
    assert_eq!((wrong.status, wrong.residual), (0, -2048));
    // Nothing was taken of what is refused.
    let far = [0x2a, 0, 0x7f, 0, 0, 0, 0, 0, 1, 0];
    let bad = one.command(0, &far, 0, &data[..2048]);
    assert_eq!((bad.status, bad.residual, bad.sense.map(|s| s.0)), (2, -2048, Some(5)));
}

/// MAINTENANCE IN has the operation code of SEND KEY; a recorder has not got it.
#[test]
fn supported_commands_are_not_reported() {
    let mut one = lab().ready();
    let report = [0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
    assert_eq!(one.command(0, &report, 256, &[]).sense, Some((5, 0x20, 0)));
}

/// READ CAPACITY (16) belongs to block devices; what the drive says of it comes through.
#[test]
fn commands_that_a_recorder_has_not_got_say_so() {
    let mut one = lab().ready();
    let capacity = [0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0];
    let outcome = one.command(0, &capacity, 16, &[]);
    assert_eq!((outcome.response, outcome.status, outcome.residual), (0, 2, -16));
    assert_eq!(outcome.sense, Some((5, 0x20, 0)));
}

#[test]
fn units_that_are_not_there_say_so() {
    let mut one = lab().ready();
    let standard = one.command(9, &inquiry(36), 36, &[]);
    assert_eq!((standard.status, standard.data[0]), (0, 0x7f));
    let ready = one.command(9, &TEST_UNIT_READY, 0, &[]);
    assert_eq!(ready.sense, Some((5, 0x25, 0)));
    let sense = one.command(9, &[3, 0, 0, 0, 18, 0], 18, &[]);
    assert_eq!((sense.status, sense.data[2], sense.data[12]), (0, 5, 0x25));
    let write = one.command(9, &write10(0, 1), 0, &[0; 2048]);
    assert_eq!(write.sense, Some((5, 0x25, 0)));
    let report = |allocation| [0xa0, 0, 0, 0, 0, 0, 0, 0, 0, allocation, 0, 0];
    let units = one.command(0, &report(64), 64, &[]).data;
    assert_eq!(units, [[0, 0, 0, 16, 0, 0, 0, 0], [0; 8], [0, 5, 0, 0, 0, 0, 0, 0]].concat());
    assert_eq!(one.command(0, &report(16), 16, &[]).data, units[..16]);
    assert_eq!(one.command(5, &TEST_UNIT_READY, 0, &[]).sense, Some((6, 0x29, 0)));
}

#[test]
fn identification_has_the_names_in_the_network() {
    use engine::mmc::inquiry::VitalPage;
    let mut one = lab().ready();
    let page = one.command(0, &[0x12, 1, 0x83, 4, 0, 0], 1024, &[]).data;
    let Ok(VitalPage::Identification(all)) = VitalPage::parse(&page) else { panic!("{page:x?}") };
    let names: Vec<(u8, String)> = all
        .iter()
        .filter(|designator| designator.kind == 8)
        .map(|d| (d.association, String::from_utf8_lossy(&d.identifier).into_owned()))
        .map(|(association, name)| (association, name.trim_end_matches('\0').to_owned()))
        .collect();
    let iqn = "iqn.2026-11.internal.kiln:recorder";
    let expected = [
        (0, format!("{iqn},L,0x0000000000000000")),
        (1, format!("{iqn},t,0x0001")),
        (2, iqn.to_owned()),
    ];
    assert_eq!(names, expected);
    assert!(
        all.iter().all(|designator| designator.kind != 8 || designator.identifier.len() % 4 == 0)
    );
    // For the logical unit its own name, locally assigned (SPC-4, 7.8.6.6.4).
    let naa = |page: &[u8]| match VitalPage::parse(page) {
        Ok(VitalPage::Identification(all)) => all.into_iter().find(|d| d.kind == 3).unwrap(),
        other => panic!("{other:?}"),
    };
    let unit = naa(&page);
    assert_eq!((unit.code_set, unit.association, unit.identifier.len()), (1, 0, 8));
    assert_eq!(unit.identifier[0] >> 4, 3);
    let other = naa(&one.command(5, &[0x12, 1, 0x83, 4, 0, 0], 1024, &[]).data);
    assert_ne!(unit.identifier, other.identifier);
    let port = all.iter().find(|designator| designator.kind == 4).unwrap();
    assert_eq!((port.code_set, port.association, &port.identifier[..]), (1, 1, &[0, 0, 0, 1][..]));
    assert_eq!(usize::from(u16::from_be_bytes([page[2], page[3]])), page.len() - 4);
    // Who asks for 64 bytes, as libiscsi does, gets whole designators.
    let ends: Vec<usize> = all
        .iter()
        .scan(4, |at, designator| {
            *at += 4 + designator.identifier.len();
            Some(*at)
        })
        .collect();
    assert!(ends.contains(&64), "{ends:?}");
    // A host asks for the header first.
    assert_eq!(one.command(0, &[0x12, 1, 0x83, 0, 4, 0], 4, &[]).data, page[..4]);
}

fn reject(one: &mut Initiator) -> u8 {
    let pdu = one.expect(opcode::REJECT);
    assert_eq!(pdu.data.len(), BHS);
    Reject::parse_cut(&pdu.header).reason
}

#[test]
fn damaged_data_ends_its_task_and_a_damaged_header_the_connection() {
    let mut one = lab().initiator();
    one.login(&[("HeaderDigest", "CRC32C"), ("DataDigest", "CRC32C")]).unwrap();
    one.command(0, &TEST_UNIT_READY, 0, &[]);
    let data = pattern(2048);
    let command = one.scsi(0, &write10(0, 1), 0, &data);
    let mut bytes = one.unit(command.emit(), &data);
    let last = bytes.len() - 5;
    bytes[last] ^= 1;
    one.put(&bytes);
    assert_eq!(reject(&mut one), RejectReason::DataDigest as u8);
    assert_eq!(one.outcome(&command, &data).sense, Some((0x0b, 0x47, 0x05)));
    // Solicited data too.
    let command = one.scsi(0, &write10(0, 1), 0, &data);
    one.send(command.emit(), &[]);
    let asked = ReadyToTransfer::parse_cut(&one.expect(opcode::READY_TO_TRANSFER).header);
    let out = DataOut { last: true, itt: command.itt, ttt: asked.ttt, ..DataOut::default() };
    let mut bytes = one.unit(out.emit(), &data);
    bytes[60] ^= 1;
    one.put(&bytes);
    assert_eq!(reject(&mut one), RejectReason::DataDigest as u8);
    let response = ScsiResponse::parse_cut(&one.expect(opcode::SCSI_RESPONSE).header);
    assert_eq!((response.status, response.exp_data_sn), (2, 1));
    assert_eq!(one.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
    let command = one.scsi(0, &TEST_UNIT_READY, 0, &[]);
    let mut bytes = one.unit(command.emit(), &[]);
    bytes[20] ^= 1;
    one.put(&bytes);
    assert!(one.connection.is_over() && one.next().is_none());
}

#[test]
fn commands_outside_of_the_window_are_ignored() {
    let mut one = lab().ready();
    let right = one.cmd_sn;
    for wrong in [right.wrapping_sub(1), right + 64] {
        one.cmd_sn = wrong;
        let command = one.scsi(0, &TEST_UNIT_READY, 0, &[]);
        one.send(command.emit(), &[]);
        assert_eq!(one.next(), None);
    }
    one.cmd_sn = right;
    assert_eq!(one.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
}

#[test]
fn what_is_wrong_is_rejected_with_its_reason() {
    let mut one = lab().ready();
    let mut unknown = NopOut { immediate: true, itt: 1, ..NopOut::default() }.emit();
    unknown[0] = 0x5d;
    one.send(unknown, &[]);
    assert_eq!(reject(&mut one), RejectReason::NotSupported as u8);
    one.send(SnackRequest { itt: 1, ..SnackRequest::default() }.emit(), &[]);
    assert_eq!(reject(&mut one), RejectReason::Snack as u8);
    let write = one.scsi(0, &write10(0, 1), 0, &[1; 2048]);
    one.send(write.emit(), &[]);
    one.expect(opcode::READY_TO_TRANSFER);
    one.itt = write.itt;
    let again = one.scsi(0, &TEST_UNIT_READY, 0, &[]);
    one.send(again.emit(), &[]);
    assert_eq!(reject(&mut one), RejectReason::TaskInProgress as u8);
    let wrong = DataOut { last: true, itt: write.itt, ttt: 0x1234, ..DataOut::default() };
    one.send(wrong.emit(), &[1; 2048]);
    assert_eq!(reject(&mut one), RejectReason::InvalidField as u8);
    let mut aca = one.scsi(0, &TEST_UNIT_READY, 0, &[]);
    aca.attribute = 4;
    one.send(aca.emit(), &[]);
    assert_eq!(one.outcome(&aca, &[]).sense, Some((5, 0x49, 0)));
    assert_eq!(one.command(0, &[0, 0, 0, 0, 0, 4], 0, &[]).sense, Some((5, 0x24, 0)));
    // More than was declared as the longest segment: no way to go on.
    let long = NopOut { immediate: true, itt: 1, data_length: 300_000, ..NopOut::default() };
    one.put(&long.emit());
    assert_eq!(reject(&mut one), RejectReason::ProtocolError as u8);
    assert!(one.connection.is_over());
}

#[test]
fn data_that_nobody_asked_for_ends_its_task() {
    let mut one = lab().ready();
    let data = pattern(4096);
    // Unsolicited, where R2T comes first.
    one.unsolicited = 4096;
    let outcome = one.scsi(0, &write10(0, 2), 0, &data);
    one.send(outcome.emit(), &[]);
    assert_eq!(one.outcome(&outcome, &data).sense, Some((0x0b, 0x0c, 0x0c)));
    // At the wrong place.
    one.unsolicited = 0;
    let command = one.scsi(0, &write10(0, 2), 0, &data);
    one.send(command.emit(), &[]);
    let asked = ReadyToTransfer::parse_cut(&one.expect(opcode::READY_TO_TRANSFER).header);
    let out =
        DataOut { itt: command.itt, ttt: asked.ttt, buffer_offset: 2048, ..DataOut::default() };
    one.send(out.emit(), &data[..2048]);
    let response = one.expect(opcode::SCSI_RESPONSE);
    assert_eq!((response.data[4], response.data[14], response.data[15]), (0x0b, 0x0c, 0x0d));
    assert_eq!(one.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
}

#[test]
fn nop_brings_back_what_was_sent() {
    let mut one = lab().initiator();
    one.login(&[("MaxRecvDataSegmentLength", "512")]).unwrap();
    let data = pattern(1000);
    let ping = NopOut { immediate: true, itt: 77, ttt: NO_TAG, ..NopOut::default() };
    one.send(ping.emit(), &data);
    let pong = one.expect(opcode::NOP_IN);
    assert_eq!((NopIn::parse_cut(&pong.header).itt, pong.data == data[..512]), (77, true));
    one.send(NopOut { immediate: true, itt: NO_TAG, ttt: NO_TAG, ..NopOut::default() }.emit(), &[]);
    assert_eq!(one.next(), None);
}

#[test]
fn extended_headers_are_read_and_two_directions_refused() {
    let mut one = lab().ready();
    let mut command = one.scsi(0, &[0x7f, 0, 0, 0, 0, 0, 0, 0x18], 0, &[]);
    command.ahs_words = 4;
    let mut bytes = command.emit().to_vec();
    bytes.extend([0, 13, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    one.put(&bytes);
    assert_eq!(one.outcome(&command, &[]).sense, Some((5, 0x20, 0)));
    let mut both = one.scsi(0, &TEST_UNIT_READY, 512, &[]);
    both.write = true;
    both.ahs_words = 2;
    let mut bytes = both.emit().to_vec();
    bytes.extend([0, 5, 2, 0, 0, 0, 2, 0]);
    one.put(&bytes);
    assert_eq!(one.outcome(&both, &[]).sense, Some((5, 0x24, 0)));
}
