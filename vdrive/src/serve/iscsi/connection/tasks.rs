//! SCSI commands from their arrival until all their data is there (RFC 7143, 4.2.5 and 11.3 to
//! 11.8).
//!
//! Commands for one logical unit are carried out in the order in which they came, as a recorder
//! needs it; one that waits for data holds up those behind it.

use std::collections::VecDeque;

use engine::device::Cdb;
use engine::mmc::sense::{SenseCode, SenseKey, codes};
use engine::mmc::table;

use super::super::wire::{DataOut, NO_TAG, ReadyToTransfer, RejectReason, ScsiCommand, additional};
use super::{Connection, ENOUGH, Unit};

/// What the initiator wants done.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) itt: u32,
    pub(super) lun: [u8; 8],
    /// The logical unit's place in the target; none: there is no such unit.
    pub(super) unit: Option<usize>,
    pub(super) cdb: Cdb,
    pub(super) read: bool,
    pub(super) write: bool,
    /// Bytes that the initiator sends or has room for.
    pub(super) expected: u32,
    pub(super) immediate: bool,
    /// The mark of the unit's tasks when it came.
    pub(super) epoch: u64,
    /// R2T sent for it.
    pub(super) r2ts: u32,
}

/// A command that is not carried out yet.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) order: Order,
    data: Vec<u8>,
    /// Unsolicited data is still coming, with this number next.
    unsolicited: Option<u32>,
    /// How far data has been asked for.
    asked: u32,
    bursts: VecDeque<Burst>,
}

/// Data asked for by one R2T.
#[derive(Clone, Copy, Debug)]
struct Burst {
    ttt: u32,
    end: u32,
    data_sn: u32,
}

/// The most data that one command may move, in bytes.
pub(super) const MOST_DATA: u32 = 16 << 20;

/// Immediate commands that may wait at one time.
const MOST_IMMEDIATE: usize = 16;

/// Bytes of held answers above which no further command is begun.
const MOST_HELD: usize = 32 << 20;

/// Trouble with data that RFC 7143, 11.4.7.2, has a sense code for.
const UNEXPECTED_DATA: SenseCode = SenseCode::new(SenseKey::AbortedCommand, 0x0c, 0x0c);
const WRONG_AMOUNT: SenseCode = SenseCode::new(SenseKey::AbortedCommand, 0x0c, 0x0d);
const CRC_ERROR: SenseCode = SenseCode::new(SenseKey::AbortedCommand, 0x47, 0x05);

/// A task attribute that the device has not got (SAM-5, 8.2).
const INVALID_MESSAGE: SenseCode = SenseCode::new(SenseKey::IllegalRequest, 0x49, 0x00);

/// Task attributes (RFC 7143, 11.3.1).
const HEAD_OF_QUEUE: u8 = 3;
const ACA: u8 = 4;

/// The bit of a CDB's control byte that asks for auto contingent allegiance, which INQUIRY says is
/// not there (SAM-5, 5.2).
const NACA: u8 = 0x04;

impl Task {
    fn is_ready(&self) -> bool {
        self.unsolicited.is_none()
            && (!self.order.write || self.data.len() >= self.order.expected as usize)
    }

    fn received(&self) -> u32 {
        self.data.len() as u32
    }
}

impl Connection {
    pub(super) fn scsi_command(&mut self, unit: Unit<'_>) {
        let pdu = ScsiCommand::parse_cut(unit.header);
        if !self.in_order(unit, pdu.immediate, pdu.cmd_sn) {
            return;
        }
        if pdu.itt == NO_TAG || pdu.attribute > ACA || (!pdu.write && !unit.data.is_empty()) {
            return self.reject(unit.header, RejectReason::InvalidField);
        }
        if self.task_of(pdu.itt) {
            return self.reject(unit.header, RejectReason::TaskInProgress);
        }
        if pdu.immediate && self.immediate() >= MOST_IMMEDIATE {
            return self.reject(unit.header, RejectReason::ImmediateCommand);
        }
        let Ok(more) = additional(unit.ahs) else {
            return self.reject(unit.header, RejectReason::InvalidField);
        };
        let position = number_of(pdu.lun).and_then(|number| self.target.position(number));
        let order = Order {
            itt: pdu.itt,
            lun: pdu.lun,
            unit: position,
            cdb: cut(&pdu.cdb),
            read: pdu.read,
            write: pdu.write,
            expected: pdu.expected_length,
            immediate: pdu.immediate,
            epoch: position.map_or(0, |unit| self.target.epoch(unit)),
            r2ts: 0,
        };
        let refused = if !unit.intact {
            self.reject(unit.header, RejectReason::DataDigest);
            Some(CRC_ERROR)
        } else if more.bidirectional_read.is_some() || (pdu.read && pdu.write) {
            // No command of a recorder moves data both ways.
            Some(codes::INVALID_CDB_FIELD)
        } else if order.cdb.bytes().last().is_some_and(|control| control & NACA != 0) {
            Some(codes::INVALID_CDB_FIELD)
        } else if pdu.attribute == ACA {
            Some(INVALID_MESSAGE)
        } else {
            self.judge_data(&pdu, unit.data.len() as u32)
        };
        if let Some(code) = refused {
            return self.refuse(&order, code);
        }
        let complete = pdu.last && (!pdu.write || unit.data.len() as u32 >= pdu.expected_length);
        if complete && self.may_begin() && self.tasks.is_empty() {
            return self.carry_out(&order, unit.data);
        }
        let first = self.params.first_burst.min(order.expected);
        let task = Task {
            asked: if pdu.last { unit.data.len() as u32 } else { first },
            unsolicited: (!pdu.last).then_some(0),
            data: unit.data.to_vec(),
            bursts: VecDeque::new(),
            order,
        };
        match pdu.attribute {
            HEAD_OF_QUEUE => self.tasks.push_front(task),
            _ => self.tasks.push_back(task),
        }
        self.go_on();
    }

    /// Whether the data that comes with a command may come with it.
    fn judge_data(&self, pdu: &ScsiCommand, length: u32) -> Option<SenseCode> {
        if !pdu.write {
            return None;
        }
        if pdu.expected_length > MOST_DATA {
            return Some(codes::INVALID_CDB_FIELD);
        }
        if length > pdu.expected_length {
            return Some(WRONG_AMOUNT);
        }
        let unwanted = (length > 0 && !self.params.immediate_data)
            || (!pdu.last && self.params.initial_r2t)
            || length > self.params.first_burst;
        unwanted.then_some(UNEXPECTED_DATA)
    }

    /// How many immediate commands are under way.
    fn immediate(&self) -> usize {
        self.tasks.iter().filter(|task| task.order.immediate).count()
            + self.held.iter().filter(|held| held.order.immediate).count()
    }

    /// Whether a task of this tag is under way.
    fn task_of(&self, itt: u32) -> bool {
        self.tasks.iter().any(|task| task.order.itt == itt)
            || self.held.iter().any(|held| held.order.itt == itt)
            || self.early.has(itt)
    }

    pub(super) fn data_out(&mut self, unit: Unit<'_>) {
        let pdu = DataOut::parse_cut(unit.header);
        let Some(at) = self.tasks.iter().position(|task| task.order.itt == pdu.itt) else {
            return self.keep_data(unit);
        };
        if !unit.intact {
            self.reject(unit.header, RejectReason::DataDigest);
            return self.drop_task(at, CRC_ERROR);
        }
        let task = &mut self.tasks[at];
        let (begin, end) = (task.received(), task.received() + unit.data.len() as u32);
        let outcome = if pdu.ttt == NO_TAG {
            let first = self.params.first_burst.min(task.order.expected);
            match &mut task.unsolicited {
                None => Err(UNEXPECTED_DATA),
                Some(next) => {
                    let fits = pdu.data_sn == *next && pdu.buffer_offset == begin && end <= first;
                    *next = next.wrapping_add(1);
                    if pdu.last {
                        task.unsolicited = None;
                        task.asked = end;
                    }
                    if fits { Ok(()) } else { Err(WRONG_AMOUNT) }
                }
            }
        } else {
            match task.bursts.front_mut() {
                Some(burst) if burst.ttt == pdu.ttt => {
                    let fits = pdu.data_sn == burst.data_sn
                        && pdu.buffer_offset == begin
                        && end <= burst.end
                        && (end == burst.end || !pdu.last);
                    burst.data_sn = burst.data_sn.wrapping_add(1);
                    if end == burst.end {
                        task.bursts.pop_front();
                    }
                    if fits { Ok(()) } else { Err(WRONG_AMOUNT) }
                }
                _ => return self.reject(unit.header, RejectReason::InvalidField),
            }
        };
        match outcome {
            Err(code) => self.drop_task(at, code),
            Ok(()) => {
                task.data.extend_from_slice(unit.data);
                self.go_on();
            }
        }
    }

    /// Ends a task with this sense.
    fn drop_task(&mut self, at: usize, code: SenseCode) {
        if let Some(task) = self.tasks.remove(at) {
            self.refuse(&task.order, code);
        }
        self.go_on();
    }

    /// Whether a command may be begun: what waits to be sent, or to become due, is bounded.
    fn may_begin(&self) -> bool {
        let held: usize = self.held.iter().map(|held| held.data.len()).sum();
        self.output.bytes().len() < ENOUGH && held < MOST_HELD
    }

    /// Carries out every command whose turn has come, and asks for the data of those whose turn
    /// would be.
    pub(super) fn go_on(&mut self) {
        let mut waiting = Vec::new();
        let mut at = 0;
        while let Some(task) = self.tasks.get(at) {
            let place = task.order.unit;
            if waiting.contains(&place) {
                at += 1;
            } else if !task.is_ready() {
                self.ask_for_data(at);
                waiting.push(place);
                at += 1;
            } else if self.may_begin()
                && let Some(task) = self.tasks.remove(at)
            {
                self.carry_out(&task.order, &task.data);
            } else {
                break;
            }
        }
    }

    /// Sends as many R2T for a task as may be out at one time.
    fn ask_for_data(&mut self, at: usize) {
        loop {
            let ttt = self.next_ttt();
            let (max_burst, outstanding) = (self.params.max_burst, self.params.outstanding_r2t);
            let task = &mut self.tasks[at];
            let left = task.order.expected.saturating_sub(task.asked);
            if task.unsolicited.is_some() || left == 0 || task.bursts.len() >= outstanding as usize
            {
                return;
            }
            let length = left.min(max_burst);
            let pdu = ReadyToTransfer {
                lun: task.order.lun,
                itt: task.order.itt,
                ttt,
                r2t_sn: task.order.r2ts,
                buffer_offset: task.asked,
                desired_length: length,
                ..ReadyToTransfer::default()
            };
            task.order.r2ts += 1;
            task.asked += length;
            task.bursts.push_back(Burst { ttt, end: task.asked, data_sn: 0 });
            let pdu = ReadyToTransfer {
                stat_sn: self.stat_sn,
                exp_cmd_sn: self.exp_cmd_sn,
                max_cmd_sn: self.max_cmd_sn(),
                ..pdu
            };
            self.put(&pdu.emit(), &[]);
        }
    }
}

/// The number that an address of a logical unit gives: peripheral or flat (SAM-5, 4.7).
pub(super) fn number_of(lun: [u8; 8]) -> Option<u16> {
    let [a, b, rest @ ..] = lun;
    match a >> 6 {
        // Bus 0 only.
        0 if a == 0 && rest == [0; 6] => Some(b.into()),
        1 if rest == [0; 6] => Some(u16::from(a & 0x3f) << 8 | u16::from(b)),
        _ => None,
    }
}

/// A CDB without the padding that the header has behind it.
fn cut(bytes: &[u8; 16]) -> Cdb {
    let length = match table::row(bytes[0]) {
        Some(row) => row.length,
        // By the group code (SPC-4, 4.2.5.1); those that are not fixed keep all.
        None => match bytes[0] >> 5 {
            0 => 6,
            1 | 2 => 10,
            5 => 12,
            _ => 16,
        },
    };
    Cdb::new(&bytes[..length.clamp(1, 16)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_addressed_in_two_ways() {
        assert_eq!(number_of([0, 5, 0, 0, 0, 0, 0, 0]), Some(5));
        assert_eq!(number_of([0x41, 2, 0, 0, 0, 0, 0, 0]), Some(0x102));
        assert_eq!(number_of([0x40, 2, 0, 0, 0, 0, 0, 0]), Some(2));
        assert_eq!(number_of([1, 5, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(number_of([0, 5, 0, 1, 0, 0, 0, 0]), None);
        assert_eq!(number_of([0xc1, 1, 0, 0, 0, 0, 0, 0]), None);
    }

    #[test]
    fn padding_is_no_part_of_a_cdb() {
        let of = |opcode: u8| {
            let mut bytes = [0; 16];
            bytes[0] = opcode;
            cut(&bytes).bytes().len()
        };
        assert_eq!([0x00, 0x28, 0xa8, 0x88, 0x7f, 0xc5].map(of), [6, 10, 12, 16, 16, 16]);
    }
}
