//! From a command to its answer: how much data it moves, what the initiator gets to see of it, and
//! when (RFC 7143, 11.4 and 11.7).
//!
//! May not know: what a command does.

use std::ops::Range;
use std::time::Instant;

use engine::device::{Completion, Data, DeviceErrorKind, Status};
use engine::mmc::sense::{Sense, SenseCode, codes};
use engine::mmc::table::{self, Direction, Length, Transfer};

use super::super::wire::{DataIn, NO_TAG, ScsiResponse};
use super::Connection;
use super::buffers::Output;
use super::tasks::{MOST_DATA, Order};

/// An answer that may not be sent yet.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) order: Order,
    said: Said,
    /// What the initiator reads.
    pub(super) data: Vec<u8>,
    /// When it may be sent; none: never, as the drive gives no answer.
    pub(super) due: Option<Instant>,
}

/// What came of a command.
#[derive(Clone, Debug, Default)]
struct Said {
    /// 00h: completed; 01h: target failure (RFC 7143, 11.4.3).
    response: u8,
    status: u8,
    sense: Vec<u8>,
    /// Bytes that it moved, or would have.
    moved: u32,
}

/// SCSI status (SAM-5, 5.3.1).
const CHECK_CONDITION: u8 = 0x02;
const BUSY: u8 = 0x08;
const TASK_ABORTED: u8 = 0x40;

/// iSCSI service responses (RFC 7143, 11.4.3).
const TARGET_FAILURE: u8 = 0x01;

/// Bytes of the largest sector of a CD with all its parts: 2352 of it, 296 of C2 and block error
/// flags, 96 of sub-channel.
const SECTOR: u64 = 2352 + 296 + 96;

/// The longest reply with an allocation length that anything has.
const REPLY: u32 = 256 << 10;

impl Connection {
    /// Has the command carried out, with all its data, and answers it or holds the answer.
    pub(super) fn carry_out(&mut self, order: &Order, sent: &[u8]) {
        let Some(unit) = order.unit else { return self.absent(order) };
        if self.answered_here(order, unit) {
            return;
        }
        let row = table::row(order.cdb.opcode());
        // A command that reads reads, also where the initiator takes it for one that writes.
        let sends = order.write && row.is_none_or(|row| row.direction != Direction::In);
        let room = match (sends, room_for(order, row)) {
            (true, _) => 0,
            (false, Some(room)) => room,
            (false, None) => return self.refuse(order, codes::INVALID_CDB_FIELD),
        };
        let Some(session) = self.session.take() else { return };
        let before = Output::overhead(self.units(room), self.digests());
        let mut from = 0;
        let answer = session.with(unit, |nexus| {
            if sends {
                nexus.execute(&order.cdb, Data::Out(sent))
            } else if room == 0 {
                nexus.execute(&order.cdb, Data::None)
            } else {
                let (at, space) = self.output.space(before, room);
                from = at;
                nexus.execute(&order.cdb, Data::In(space))
            }
        });
        self.session = Some(session);
        // Without a nexus the session is over, and nobody waits for an answer.
        let Some(answer) = answer else { return };
        let offered = if sends { sent.len() } else { room } as u32;
        match answer.result {
            Ok(completion) => {
                let mut said = Said::of(completion, offered);
                if order.write && !sends {
                    // Of what the initiator has to send, nothing was taken.
                    said.moved = 0;
                }
                self.deliver(order, said, from, answer.due);
            }
            Err(error) => match error.kind {
                // It never answers: the initiator gives it up, or ends it.
                DeviceErrorKind::TimedOut => {
                    let said = Said::default();
                    self.held.push(Held {
                        order: order.clone(),
                        said,
                        data: Vec::new(),
                        due: None,
                    });
                }
                DeviceErrorKind::Reset => {
                    let said = Said { status: TASK_ABORTED, ..Said::default() };
                    self.deliver(order, said, from, answer.due);
                }
                DeviceErrorKind::Gone | DeviceErrorKind::Refused | DeviceErrorKind::Host | _ => {
                    let said = Said { response: TARGET_FAILURE, ..Said::default() };
                    self.deliver(order, said, from, answer.due);
                }
            },
        }
    }

    /// Answers with this sense.
    pub(super) fn refuse(&mut self, order: &Order, code: SenseCode) {
        self.answer_here(order, &[], Some(code));
    }

    /// Answers with data that the target has by itself, or with sense.
    pub(super) fn answer_here(&mut self, order: &Order, data: &[u8], code: Option<SenseCode>) {
        let before = Output::overhead(self.units(data.len()), self.digests());
        let (from, room) = self.output.space(before, data.len());
        room.copy_from_slice(data);
        let said = Said {
            status: code.map_or(0, |_| CHECK_CONDITION),
            sense: code.map_or_else(Vec::new, |code| Sense::new(code).emit().to_vec()),
            moved: data.len() as u32,
            response: 0,
        };
        self.finish(order, &said, from);
    }

    /// Sends the answer, or holds it until it is due.
    fn deliver(&mut self, order: &Order, said: Said, from: usize, due: Option<Instant>) {
        match due {
            Some(due) if due > self.now => {
                let length = if order.read { said.moved.min(order.expected) as usize } else { 0 };
                let data = self.output.lying(from..from + length).to_vec();
                self.held.push(Held { order: order.clone(), said, data, due: Some(due) });
            }
            _ => self.finish(order, &said, from),
        }
    }

    /// Sends all held answers that are due, in the order in which they became so.
    pub(super) fn answer_due(&mut self) {
        if self.held.is_empty() {
            return;
        }
        loop {
            let now = self.now;
            let due = |held: &Held| held.due.filter(|&due| due <= now);
            let next = self.held.iter().enumerate().filter_map(|(i, held)| Some((due(held)?, i)));
            let Some((_, next)) = next.min() else { return };
            let Held { order, said, data, .. } = self.held.remove(next);
            let before = Output::overhead(self.units(data.len()), self.digests());
            let (from, room) = self.output.space(before, data.len());
            room.copy_from_slice(&data);
            self.finish(&order, &said, from);
        }
    }

    /// How many Data-In so many bytes take at most.
    fn units(&self, length: usize) -> usize {
        let segment = self.params.their_segment as usize;
        let burst = self.params.max_burst as usize;
        if length <= segment.min(burst) { 1 } else { length / segment + length / burst + 2 }
    }

    /// Sends data, which lies at `from` behind what waits to be sent, and status.
    fn finish(&mut self, order: &Order, said: &Said, from: usize) {
        let expected = if order.read || order.write { order.expected } else { 0 };
        let length = if order.read { said.moved.min(expected) } else { 0 };
        let (overflow, underflow) = match said.response {
            0 => (said.moved.saturating_sub(expected), expected.saturating_sub(said.moved)),
            // Residuals are of commands that completed.
            _ => (0, 0),
        };
        let residual = overflow + underflow;
        let (overflow, underflow) = (overflow > 0, underflow > 0);
        // Sense needs a response of its own, and so does anything else but GOOD.
        let collapse = length > 0 && said.response == 0 && said.status == 0;
        let digests = self.digests();
        let (mut offset, mut data_sn) = (0, 0);
        while offset < length {
            let burst_end = offset - offset % self.params.max_burst + self.params.max_burst;
            let end = length.min(offset + self.params.their_segment).min(burst_end);
            let has_status = end == length && collapse;
            let mut pdu = DataIn {
                last: end == length || end == burst_end,
                data_length: end - offset,
                itt: order.itt,
                ttt: NO_TAG,
                exp_cmd_sn: self.exp_cmd_sn,
                max_cmd_sn: self.max_cmd_sn(),
                data_sn,
                buffer_offset: offset,
                ..DataIn::default()
            };
            if has_status {
                pdu.has_status = true;
                pdu.stat_sn = self.next_stat_sn();
                (pdu.overflow, pdu.underflow, pdu.residual) = (overflow, underflow, residual);
            }
            let data: Range<usize> = from + offset as usize..from + end as usize;
            self.output.put_lying(&pdu.emit(), data, digests);
            offset = end;
            data_sn += 1;
        }
        if collapse {
            return;
        }
        let mut sense = [0; 2 + 252];
        let sense_length = said.sense.len().min(252);
        sense[..2].copy_from_slice(&(sense_length as u16).to_be_bytes());
        sense[2..2 + sense_length].copy_from_slice(&said.sense[..sense_length]);
        let data = if sense_length > 0 { &sense[..2 + sense_length] } else { &[] };
        let pdu = ScsiResponse {
            overflow,
            underflow,
            response: said.response,
            status: said.status,
            data_length: data.len() as u32,
            itt: order.itt,
            stat_sn: self.next_stat_sn(),
            exp_cmd_sn: self.exp_cmd_sn,
            max_cmd_sn: self.max_cmd_sn(),
            exp_data_sn: data_sn + order.r2ts,
            residual,
            ..ScsiResponse::default()
        };
        self.put(&pdu.emit(), data);
    }
}

impl Said {
    fn of(completion: Completion, offered: u32) -> Said {
        let status = match completion.status {
            Status::Good => 0,
            Status::CheckCondition => CHECK_CONDITION,
            Status::Busy => BUSY,
            Status::Other(code) => code,
        };
        let moved = offered.saturating_sub(completion.residual);
        Said { response: 0, status, sense: completion.sense, moved }
    }
}

/// How much room a command needs for what it reads: as much as it asks for, which may be more than
/// the initiator has room for, so that the overflow is known. `None`: more than this target moves
/// at once.
fn room_for(order: &Order, row: Option<&table::Row>) -> Option<usize> {
    let expected = if order.read { order.expected } else { 0 };
    let Some(row) = row else { return Some(expected.min(REPLY) as usize) };
    if row.direction != Direction::In {
        return Some(0);
    }
    let sectors = matches!(row.transfer, Transfer::Sectors(..) | Transfer::SectorsMsf);
    let bytes = match row.data(&order.cdb) {
        Length::None => 0,
        Length::UpTo(most) => u64::from(most.min(expected.max(REPLY)).min(MOST_DATA)),
        Length::Bytes(bytes) => bytes.into(),
        Length::Blocks(blocks) => u64::from(blocks) * if sectors { SECTOR } else { 2048 },
    };
    if bytes <= MOST_DATA.into() { usize::try_from(bytes).ok() } else { None }
}
