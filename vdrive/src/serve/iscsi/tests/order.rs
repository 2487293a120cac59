//! Requests out of their order (RFC 7143, 4.2.2.1 and 4.2.3.2).

use super::super::keys::OUR_SEGMENT;
use super::super::wire::*;
use super::initiator::Initiator;
use super::*;

/// A command that bears the number so far ahead of the next.
fn ahead(one: &mut Initiator, by: u32, cdb: &[u8], expected: u32, write: &[u8]) -> ScsiCommand {
    let next = one.cmd_sn;
    one.cmd_sn = next + by;
    let command = one.scsi(0, cdb, expected, write);
    one.cmd_sn = next;
    command
}

#[test]
fn commands_that_come_early_wait_for_their_turn() {
    let mut one = lab().initiator();
    one.login(&[("InitialR2T", "No")]).unwrap();
    one.command(0, &TEST_UNIT_READY, 0, &[]);
    let (old, new) = ([1; 4096], [2; 4096]);
    let last = ahead(&mut one, 2, &read10(0, 2), 4096, &[]);
    one.send(last.emit(), &[]);
    // Half its data comes with it, half behind it.
    let mut middle = ahead(&mut one, 1, &write10(0, 2), 0, &new);
    middle.last = false;
    one.send(middle.emit(), &new[..2048]);
    let rest = DataOut {
        last: true,
        itt: middle.itt,
        ttt: NO_TAG,
        buffer_offset: 2048,
        ..DataOut::default()
    };
    one.send(rest.emit(), &new[2048..]);
    // The same number again is ignored.
    let again = ahead(&mut one, 2, &TEST_UNIT_READY, 0, &[]);
    one.send(again.emit(), &[]);
    assert!(one.next().is_none() && !one.connection.is_over());
    let first = one.scsi(0, &write10(0, 2), 0, &old);
    one.send(first.emit(), &old);
    assert_eq!(one.outcome(&first, &old).status, 0);
    assert_eq!(one.outcome(&middle, &new).status, 0);
    assert!(one.outcome(&last, &[]).data == new);
    assert_eq!(one.next(), None);
    one.cmd_sn += 2;
    assert_eq!(one.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
}

#[test]
fn what_waits_for_its_turn_is_bounded() {
    let mut one = lab().ready();
    let data = pattern(OUR_SEGMENT as usize);
    for by in 1..=15 {
        let ping = NopOut { itt: by, ttt: NO_TAG, cmd_sn: one.cmd_sn + by, ..NopOut::default() };
        one.send(ping.emit(), &data);
        assert!(!one.connection.is_over() && one.next().is_none(), "{by}");
    }
    let ping = NopOut { itt: 20, ttt: NO_TAG, cmd_sn: one.cmd_sn + 20, ..NopOut::default() };
    one.send(ping.emit(), &data);
    one.expect(opcode::REJECT);
    assert!(one.connection.is_over());
}

#[test]
fn a_command_that_waits_or_never_came_is_aborted() {
    let mut one = lab().ready();
    let early = ahead(&mut one, 2, &TEST_UNIT_READY, 0, &[]);
    one.send(early.emit(), &[]);
    let next = one.cmd_sn;
    one.cmd_sn += 3;
    assert_eq!(one.manage(function::ABORT_TASK, 0, early.itt), 0);
    assert_eq!(one.manage(function::ABORT_TASK, 0, early.itt), 1);
    // The numbers before it: lost, says who sent them.
    for number in [next, next + 1] {
        let abort = TaskRequest {
            immediate: true,
            function: function::ABORT_TASK,
            itt: 9,
            referenced_tag: 0x5555,
            ref_cmd_sn: number,
            cmd_sn: one.cmd_sn,
            ..TaskRequest::default()
        };
        one.send(abort.emit(), &[]);
        let answer = TaskResponse::parse_cut(&one.expect(opcode::TASK_RESPONSE).header);
        assert_eq!(answer.response, 0);
    }
    assert_eq!(one.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
    assert_eq!(one.next(), None);
}

#[test]
fn a_task_set_is_aborted_when_it_is_complete() {
    let mut one = lab().ready();
    let data = [1; 2048];
    let early = ahead(&mut one, 1, &write10(0, 1), 0, &data);
    one.send(early.emit(), &[]);
    let abort = TaskRequest {
        immediate: true,
        function: function::ABORT_TASK_SET,
        itt: 9,
        cmd_sn: one.cmd_sn + 2,
        ..TaskRequest::default()
    };
    one.send(abort.emit(), &[]);
    assert_eq!(one.next(), None);
    let first = one.scsi(0, &write10(1, 1), 0, &data);
    one.send(first.emit(), &[]);
    one.expect(opcode::READY_TO_TRANSFER);
    one.expect(opcode::TASK_RESPONSE);
    one.cmd_sn += 1;
    for gone in [first.itt, early.itt] {
        assert_eq!(one.manage(function::ABORT_TASK, 0, gone), 1);
    }
    assert_eq!(one.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
}

/// A reset of the target does not wait for anything (RFC 7143, 4.2.3.2).
#[test]
fn a_warm_reset_counts_what_is_missing_as_received() {
    let mut one = lab().ready();
    let early = ahead(&mut one, 1, &TEST_UNIT_READY, 0, &[]);
    one.send(early.emit(), &[]);
    one.cmd_sn += 2;
    assert_eq!(one.manage(function::TARGET_WARM_RESET, 0, NO_TAG), 0);
    let told = one.command(0, &TEST_UNIT_READY, 0, &[]).sense;
    assert_eq!(told, Some((6, 0x29, 0x02)));
    assert_eq!(one.next(), None);
}
