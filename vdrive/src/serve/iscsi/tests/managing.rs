//! Task management, held answers, resets, and two initiators on one unit.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::super::wire::*;
use super::initiator::Initiator;
use super::*;

const OTHER: &str = "iqn.2026-11.internal.kiln.test:two";

#[test]
fn a_task_that_waits_for_data_is_aborted() {
    let mut one = lab().ready();
    let write = one.scsi(0, &write10(0, 1), 0, &[1; 2048]);
    one.send(write.emit(), &[]);
    one.expect(opcode::READY_TO_TRANSFER);
    assert_eq!(one.manage(function::ABORT_TASK, 5, write.itt), 1);
    assert_eq!(one.manage(function::ABORT_TASK, 0, write.itt + 1), 1);
    assert_eq!(one.manage(function::ABORT_TASK, 9, write.itt), 2);
    assert_eq!(one.manage(function::ABORT_TASK, 0, write.itt), 0);
    assert_eq!(one.manage(function::ABORT_TASK, 0, write.itt), 1);
    // Its data, still on the way, disturbs nobody.
    let late = DataOut { last: true, itt: write.itt, ttt: 1, ..DataOut::default() };
    one.send(late.emit(), &[1; 2048]);
    assert_eq!(one.next(), None);
    assert_eq!(one.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
}

#[test]
fn functions_that_there_are_not() {
    let mut one = lab().ready();
    assert_eq!(one.manage(function::TASK_REASSIGN, 0, 1), 4);
    assert_eq!(one.manage(function::CLEAR_ACA, 0, 1), 5);
    assert_eq!(one.manage(99, 0, 1), 5);
    assert_eq!(one.manage(function::LOGICAL_UNIT_RESET, 9, 1), 2);
    assert_eq!(one.manage(function::ABORT_TASK_SET, 0, 1), 0);
}

#[test]
fn resets_are_told_to_every_initiator() {
    for (function, expected) in [
        (function::LOGICAL_UNIT_RESET, (6, 0x29, 0x03)),
        (function::TARGET_WARM_RESET, (6, 0x29, 0x02)),
    ] {
        let lab = lab();
        let mut one = lab.ready();
        let mut two = Initiator::ready(&lab, OTHER);
        let waiting = two.scsi(0, &write10(0, 1), 0, &[1; 2048]);
        two.send(waiting.emit(), &[]);
        two.expect(opcode::READY_TO_TRANSFER);
        assert_eq!(one.manage(function, 0, NO_TAG), 0);
        for each in [&mut one, &mut two] {
            assert_eq!(each.command(0, &TEST_UNIT_READY, 0, &[]).sense, Some(expected));
            assert_eq!(each.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
        }
        // Its task is gone.
        assert_eq!(two.manage(function::ABORT_TASK, 0, waiting.itt), 1);
    }
}

#[test]
fn a_cold_reset_ends_all_sessions() {
    let lab = lab();
    let mut one = lab.ready();
    let mut two = Initiator::ready(&lab, OTHER);
    let mut discovery = lab.initiator();
    let request = LoginRequest { transit: true, current: 1, next: 3, ..LoginRequest::default() };
    let text = Initiator::text(&[("InitiatorName", OTHER), ("SessionType", "Discovery")]);
    assert_eq!(discovery.request(&request, &text).0.status, 0);
    let mut half = lab.initiator();
    half.put(&[0x43; 20]);
    assert_eq!(one.manage(function::TARGET_COLD_RESET, 0, NO_TAG), 0);
    two.run();
    // That it drops the session, and how long to stay away (RFC 7143, 11.9.1).
    let message = AsyncMessage::parse_cut(&two.expect(opcode::ASYNC_MESSAGE).header);
    assert_eq!((message.event, message.parameter2, message.parameter3), (3, 2, 0));
    discovery.run();
    let message = AsyncMessage::parse_cut(&discovery.expect(opcode::ASYNC_MESSAGE).header);
    assert_eq!((message.event, message.parameter1), (2, 1));
    half.run();
    for each in [&mut one, &mut two, &mut half, &mut discovery] {
        assert!(each.next().is_none() && each.connection.is_over());
    }
    let mut again = lab.initiator();
    again.login(&[]).unwrap();
    assert_eq!(again.command(0, &TEST_UNIT_READY, 0, &[]).sense, Some((6, 0x29, 0x00)));
}

/// Without TAS nothing but a unit attention tells that commands are gone (SAM-5, 5.14).
#[test]
fn whose_tasks_another_clears_is_told() {
    for (function, told) in
        [(function::CLEAR_TASK_SET, Some((6, 0x2f, 0x00))), (function::ABORT_TASK_SET, None)]
    {
        let lab = lab();
        let mut one = lab.ready();
        let mut two = Initiator::ready(&lab, OTHER);
        let mut idle = Initiator::ready(&lab, "iqn.2026-11.internal.kiln.test:three");
        let mine = one.scsi(0, &write10(0, 1), 0, &[1; 2048]);
        one.send(mine.emit(), &[]);
        one.expect(opcode::READY_TO_TRANSFER);
        let waiting = two.scsi(0, &write10(0, 1), 0, &[1; 2048]);
        two.send(waiting.emit(), &[]);
        let asked = ReadyToTransfer::parse_cut(&two.expect(opcode::READY_TO_TRANSFER).header);
        assert_eq!(one.manage(function, 0, NO_TAG), 0);
        for each in [&mut one, &mut idle] {
            assert_eq!(each.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
        }
        if told.is_none() {
            two.data(&waiting, &[1; 2048], 0..2048, asked.ttt);
            assert_eq!(ScsiResponse::parse_cut(&two.next().unwrap().header).status, 0);
        }
        assert_eq!(two.command(5, &inquiry(36), 36, &[]).status, 0);
        assert_eq!(two.command(0, &TEST_UNIT_READY, 0, &[]).sense, told);
        assert_eq!(two.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
    }
}

#[test]
fn what_one_writes_the_other_reads() {
    let lab = lab();
    let mut one = lab.ready();
    let mut two = Initiator::ready(&lab, OTHER);
    let data = pattern(2048);
    assert_eq!(one.command(0, &write10(0, 1), 0, &data).status, 0);
    assert!(two.command(0, &read10(0, 1), 2048, &[]).data == data);
    // PREVENT of one holds for both, and ends with its session.
    let (prevent, eject) = ([0x1e, 0, 0, 0, 1, 0], [0x1b, 0, 0, 0, 2, 0]);
    assert_eq!(one.command(0, &prevent, 0, &[]).status, 0);
    assert_eq!(two.command(0, &eject, 0, &[]).sense.map(|sense| sense.0), Some(5));
    drop(one);
    assert_eq!(two.command(0, &eject, 0, &[]).status, 0);
}

/// A DVD-RAM in real time, with an answer that is held: a READ that has to seek.
fn held() -> (Lab, Initiator, ScsiCommand) {
    let lab = lab_with(Config::default(), Pace::RealTime);
    let mut one = lab.initiator();
    one.login(&[]).unwrap();
    for _ in 0..2 {
        let ready = one.scsi(0, &TEST_UNIT_READY, 0, &[]);
        one.send(ready.emit(), &[]);
        pass(&lab, &mut one, 1000);
        one.outcome(&ready, &[]);
    }
    let write = one.scsi(0, &write10(0, 1), 0, &[7; 2048]);
    one.immediate = 2048;
    one.send(write.emit(), &[7; 2048]);
    pass(&lab, &mut one, 10_000);
    assert_eq!(one.outcome(&write, &[]).status, 0);
    // The laser has to write what is in the buffer first.
    let read = one.scsi(0, &read10(0, 1), 2048, &[]);
    one.send(read.emit(), &[]);
    assert_eq!(one.next(), None, "the answer is not due");
    (lab, one, read)
}

fn pass(lab: &Lab, one: &mut Initiator, ms: u64) {
    lab.wall.1.fetch_add(ms, Ordering::SeqCst);
    one.wait(Duration::from_millis(ms));
}

#[test]
fn an_answer_waits_for_its_time_and_nothing_else_waits_for_it() {
    let (lab, mut one, read) = held();
    assert!(one.connection.due().is_some_and(|due| due > one.now));
    let ping = NopOut { immediate: true, itt: 5, ttt: NO_TAG, ..NopOut::default() };
    one.send(ping.emit(), &[]);
    one.expect(opcode::NOP_IN);
    assert_eq!(one.next(), None);
    pass(&lab, &mut one, 60_000);
    let outcome = one.outcome(&read, &[]);
    assert_eq!((outcome.status, outcome.data == [7; 2048]), (0, true));
}

#[test]
fn only_so_many_answers_are_held() {
    let (_lab, mut one, _) = held();
    let mut rejected = 0;
    for itt in 1000..1040 {
        let mut command = one.scsi(0, &read10(0, 1), 2048, &[]);
        (command.immediate, command.itt) = (true, itt);
        one.send(command.emit(), &[]);
        while let Some(pdu) = one.next() {
            let reason = Reject::parse_cut(&pdu.header).reason;
            assert_eq!(reason, RejectReason::ImmediateCommand as u8);
            rejected += 1;
        }
    }
    assert_eq!(rejected, 40 - 16);
}

#[test]
fn a_held_answer_is_aborted() {
    let (lab, mut one, read) = held();
    assert_eq!(one.manage(function::ABORT_TASK, 0, read.itt), 0);
    one.wait(Duration::from_secs(20));
    pass(&lab, &mut one, 1);
    assert_eq!(one.next(), None);
}
