//! Units that other programs sent, parsed and emitted again.

use super::*;

/// A unit from the corpus: parsed, emitted as it was, and handed on with its data.
macro_rules! golden {
    ($name:literal, $type:ident) => {{
        let bytes = include_bytes!(concat!("../../../../../corpora/pdus/", $name));
        let pdu = $type::parse(bytes).expect("a whole header");
        assert_eq!(pdu.emit(), bytes[..BHS], $name);
        let length = Header::parse_cut(bytes).data_length as usize;
        (pdu, &bytes[BHS..(BHS + length).min(bytes.len())])
    }};
}

#[test]
fn what_initiators_send() {
    let (login, text) = golden!("libiscsi-login.bin", LoginRequest);
    assert_eq!((login.transit, login.current, login.next), (true, 1, 3));
    assert_eq!((login.isid[0], login.tsih, login.cid, login.exp_stat_sn), (0x80, 0, 0, 1));
    assert!(
        text.starts_with(b"InitiatorName=iqn.2007-10.com.github:sahlberg:libiscsi:iscsi-inq\0")
    );
    let (text, data) = golden!("libiscsi-text.bin", TextRequest);
    assert!(text.immediate && !text.last || data == b"SendTargets=All\0");
    let (command, _) = golden!("libiscsi-command.bin", ScsiCommand);
    assert!(command.last && command.read && !command.write);
    assert_eq!((command.attribute, command.expected_length, command.lun[1]), (1, 64, 1));
    assert_eq!(command.cdb[..6], [0x12, 0, 0, 0, 0x40, 0]);
    let (logout, _) = golden!("libiscsi-logout.bin", LogoutRequest);
    assert_eq!((logout.immediate, logout.reason), (true, 0));
    let (task, _) = golden!("libiscsi-task.bin", TaskRequest);
    assert_eq!((task.immediate, task.function), (true, function::ABORT_TASK));
    let (write, _) = golden!("qemu-write.bin", ScsiCommand);
    assert_eq!((write.write, write.expected_length, write.data_length), (true, 1 << 20, 8192));
    let (data, _) = golden!("qemu-data-out.bin", DataOut);
    assert_eq!((data.itt, data.data_sn, data.buffer_offset), (write.itt, 0, 8192));
    assert_eq!((data.last, data.ttt), (false, 0x00b9_b530));
}

#[test]
fn what_another_target_sends() {
    let (login, text) = golden!("tgt-login.bin", LoginResponse);
    assert_eq!((login.transit, login.current, login.next, login.status), (true, 1, 3, 0));
    assert_eq!(login.tsih, 0x0200);
    assert!(text.starts_with(b"TargetPortalGroupTag=1\0"));
    let (text, data) = golden!("tgt-text.bin", TextResponse);
    assert!(text.last && !text.more && text.ttt == NO_TAG);
    assert!(data.starts_with(b"TargetName=iqn.2026-11.internal.tgt:cd\0TargetAddress="));
    let (response, sense) = golden!("tgt-response.bin", ScsiResponse);
    assert_eq!((response.status, response.data_length), (2, 20));
    assert_eq!(sense[..5], [0, 18, 0x70, 0, 6]);
    let (data_in, data) = golden!("tgt-data-in.bin", DataIn);
    assert!(data_in.last && data_in.has_status && !data_in.underflow);
    assert_eq!((data_in.data_sn, data[0]), (0, 5));
    assert_eq!(data_in.max_cmd_sn.wrapping_sub(data_in.exp_cmd_sn), 128);
    let (r2t, _) = golden!("tgt-r2t.bin", ReadyToTransfer);
    assert_eq!((r2t.buffer_offset, r2t.ttt, r2t.r2t_sn), (8192, 0x00b9_b530, 0));
    let (task, _) = golden!("tgt-task.bin", TaskResponse);
    // The task had ended meanwhile.
    assert_eq!(task.response, 1);
    golden!("tgt-logout.bin", LogoutResponse);
    let (nop, data) = golden!("tgt-nop-in.bin", NopIn);
    assert_eq!((nop.itt, nop.ttt, data), (5, NO_TAG, &b"ping"[..]));
}
