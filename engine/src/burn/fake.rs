//! For tests: a recorder that answers with what real programs were answered, keeps the blocks
//! written to it, and can be told to fail. It has no rules of its own; the virtual drive has.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::device::{
    Cdb, Completion, Data, Device, DeviceError, DeviceErrorKind, Limits, Request, Status,
};
use crate::image::sectors::{Sectors, SourceError, SourceErrorKind};
use crate::mmc::sense::Sense;
use crate::units::{BLOCK, Blocks};

/// What to answer by operation code.
pub(super) type Answers = BTreeMap<u8, Vec<u8>>;

pub(super) enum Failure {
    Sense(Sense),
    Wire(DeviceErrorKind),
}

pub(super) struct Fake {
    before: Answers,
    after: Answers,
    /// The CDB, by its first bytes, behind which `after` is answered.
    turn: &'static [u8],
    turned: bool,
    /// Failures by the number of the command, counted from 0.
    pub(super) failures: BTreeMap<usize, Failure>,
    pub(super) blocks: BTreeMap<i32, Vec<u8>>,
    pub(super) log: Vec<Cdb>,
    pub(super) lists: Vec<Vec<u8>>,
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

impl Fake {
    /// `before` and `after`: operation codes and the start of the answer in hex; zeros follow.
    pub(super) fn new(before: &[(u8, &str)], after: &[(u8, &str)], turn: &'static [u8]) -> Fake {
        let answers = |list: &[(u8, &str)]| -> Answers {
            list.iter().map(|&(code, hex)| (code, bytes(hex))).collect()
        };
        let (before, mut then) = (answers(before), answers(before));
        then.extend(answers(after));
        Fake {
            before,
            after: then,
            turn,
            turned: false,
            failures: BTreeMap::new(),
            blocks: BTreeMap::new(),
            log: Vec::new(),
            lists: Vec::new(),
        }
    }

    /// CDBs from the first PREVENT on in hex, zeros at the end dropped, without those that only ask
    /// and with runs of WRITEs and READs as one.
    pub(super) fn told(&self) -> Vec<String> {
        let from = self.log.iter().position(|cdb| cdb.opcode() == 0x1e).unwrap_or(0);
        let mut lines: Vec<String> = Vec::new();
        for cdb in &self.log[from..] {
            let code = cdb.opcode();
            let line = match code {
                0x46 | 0x51 | 0x52 | 0x5c | 0x23 | 0x25 | 0x00 => continue,
                0x28 => "read".to_owned(),
                0x2a => "write".to_owned(),
                _ => {
                    let end = cdb.bytes().iter().rposition(|&b| b != 0).unwrap_or(0) + 1;
                    cdb.bytes()[..end]
                        .iter()
                        .map(|b| format!("{b:02x}"))
                        .collect::<Vec<_>>()
                        .join(" ")
                }
            };
            if lines.last() != Some(&line) || !matches!(code, 0x28 | 0x2a) {
                lines.push(line);
            }
        }
        lines
    }
}

impl Device for Fake {
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        let cdb = request.cdb;
        let number = self.log.len();
        self.log.push(cdb);
        let mut done = Completion {
            status: Status::Good,
            sense: Vec::new(),
            residual: 0,
            elapsed: Duration::ZERO,
        };
        match self.failures.get(&number) {
            Some(Failure::Wire(kind)) => return Err(DeviceError::new(*kind, "as told")),
            Some(Failure::Sense(sense)) => {
                done.status = Status::CheckCondition;
                done.sense = sense.emit().to_vec();
                return Ok(done);
            }
            None => {}
        }
        let lba = |cdb: &Cdb| i32::from_be_bytes(cdb.bytes()[2..6].try_into().unwrap());
        match data {
            Data::Out(sent) if cdb.opcode() == 0x2a => {
                for (i, block) in sent.chunks(BLOCK).enumerate() {
                    self.blocks.insert(lba(&cdb) + i as i32, block.to_vec());
                }
            }
            Data::Out(sent) => self.lists.push(sent.to_vec()),
            Data::In(room) if cdb.opcode() == 0x28 => {
                for (i, block) in room.chunks_mut(BLOCK).enumerate() {
                    match self.blocks.get(&(lba(&cdb) + i as i32)) {
                        Some(there) => block.copy_from_slice(there),
                        None => block.fill(0xee),
                    }
                }
            }
            Data::In(room) => {
                let answers = if self.turned { &self.after } else { &self.before };
                match answers.get(&cdb.opcode()) {
                    Some(answer) => {
                        let len = answer.len().min(room.len());
                        room[..len].copy_from_slice(&answer[..len]);
                    }
                    None => {
                        done.status = Status::CheckCondition;
                        let code = crate::mmc::sense::codes::INVALID_OPCODE;
                        done.sense = Sense::new(code).emit().to_vec();
                    }
                }
            }
            Data::None => {}
        }
        self.turned |= cdb.bytes().starts_with(self.turn);
        Ok(done)
    }

    fn limits(&self) -> Limits {
        Limits::new(65_536)
    }
}

/// Blocks that each hold their own number.
pub(super) struct Numbers {
    pub(super) blocks: u32,
    /// From this block on the source cannot be read.
    pub(super) bad: Option<u32>,
}

impl Sectors for Numbers {
    fn blocks(&self) -> Blocks {
        Blocks(self.blocks)
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        for (number, block) in (first.0..).zip(room.chunks_mut(BLOCK)) {
            if self.bad.is_some_and(|bad| number >= bad) {
                return Err(SourceError {
                    block: Blocks(number),
                    source: "numbers".to_owned(),
                    kind: SourceErrorKind::Unreadable,
                    detail: "as told".to_owned(),
                });
            }
            block.fill(number as u8);
            block[..4].copy_from_slice(&number.to_be_bytes());
        }
        Ok(())
    }

    fn name_at(&self, block: Blocks) -> Option<String> {
        Some(format!("number {block}"))
    }
}
