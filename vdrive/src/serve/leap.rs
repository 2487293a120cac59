//! How simulated time gets on while a host waits for a drive at work.
//!
//! A host that polls would poll for ever if time stood still between its commands, and a host's
//! own waiting is not the bench's time. So each poll that finds the drive at work lets time pass
//! after its answer, the more the longer the host has been asking in a row: it sees that the drive
//! is busy at least once, and the end of a job of hours after some ten polls.
//!
//! May not know: the wall clock, benches.

use std::time::Duration;

use engine::device::{Cdb, Completion, Status};

use crate::firmware::Wait;

/// What passes after the first poll that finds a job going on.
const JOB: Duration = Duration::from_secs(15);
/// What passes after the first look at a buffer that drains.
const BUFFER: Duration = Duration::from_millis(2);
/// Polls in a row after which the spans no longer double.
const DOUBLINGS: u32 = 12;
/// Looks at the buffer in a row after which the host means to see it empty.
const INTENT: u32 = 8;

/// What the host waits for that gave this command and got this answer, after `row` polls in a row
/// that found the drive at work. A drive that turns out to be idle lets no time pass.
pub(super) fn wait(cdb: &Cdb, offered: usize, done: &Completion, row: u32) -> Option<Wait> {
    let span = |first: Duration| first * (1 << row.min(DOUBLINGS));
    match done.status {
        Status::Good => match cdb.opcode() {
            // READ BUFFER CAPACITY
            0x5c => Some(Wait::Buffer { span: span(BUFFER), half: row < INTENT }),
            // TEST UNIT READY, GET EVENT STATUS NOTIFICATION, READ TRACK INFORMATION, MECHANISM
            // STATUS
            0x00 | 0x4a | 0x52 | 0xbd => Some(Wait::Job { span: span(JOB), formats: false }),
            // REQUEST SENSE and READ DISC INFORMATION tell of formatting in the background.
            0x03 | 0x51 => Some(Wait::Job { span: span(JOB), formats: true }),
            _ => None,
        },
        Status::CheckCondition => match (cdb.opcode(), sense(done)?) {
            // Long write in progress: the buffer is full (MMC-6, 6.44).
            (0x2a | 0xaa, (2, 0x04, 0x08)) => Some(Wait::Room(offered)),
            (_, (2, 0x04, _)) => Some(Wait::Job { span: span(JOB), formats: false }),
            _ => None,
        },
        _ => None,
    }
}

/// Key, additional sense code and qualifier of fixed sense data (SPC-4, 4.5.3).
fn sense(done: &Completion) -> Option<(u8, u8, u8)> {
    Some((done.sense.get(2)? & 0xf, *done.sense.get(12)?, *done.sense.get(13)?))
}
