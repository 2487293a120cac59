//! For unit tests: a device that answers as it is told, and requests to send to it. Time for tests
//! is [`ManualClock`].

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub use crate::device::ManualClock;
use crate::device::{
    Cdb, Clock, Completion, Data, Device, DeviceError, DeviceErrorKind, Limits, Request, Status,
};
use crate::mmc::sense::Sense;
use crate::mmc::table;

/// A request with the time limit of the command table.
pub fn request(cdb: Cdb) -> Request {
    Request { cdb, timeout: table::time_limit(&cdb) }
}

/// What the device is to answer.
#[derive(Clone, Debug)]
pub struct Answer {
    outcome: Result<Status, DeviceErrorKind>,
    sense: Vec<u8>,
    data: Vec<u8>,
    elapsed: Duration,
}

impl Answer {
    /// GOOD without data (data out is taken).
    pub fn good() -> Answer {
        Answer {
            outcome: Ok(Status::Good),
            sense: Vec::new(),
            data: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// GOOD with this data, cut to what the host has room for.
    pub fn data(data: impl Into<Vec<u8>>) -> Answer {
        Answer { data: data.into(), ..Answer::good() }
    }

    /// CHECK CONDITION with this sense.
    pub fn sense(sense: impl Into<Sense>) -> Answer {
        Answer {
            outcome: Ok(Status::CheckCondition),
            sense: sense.into().emit().to_vec(),
            ..Answer::good()
        }
    }

    /// A failure of the wire.
    pub fn error(kind: DeviceErrorKind) -> Answer {
        Answer { outcome: Err(kind), ..Answer::good() }
    }

    /// The same after this much time.
    pub fn taking(mut self, elapsed: Duration) -> Answer {
        self.elapsed = elapsed;
        self
    }
}

/// A command that reached a [`Scripted`] device, with the data that came along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The command.
    pub cdb: Cdb,
    /// Data out.
    pub sent: Vec<u8>,
    /// Room for data in.
    pub room: usize,
}

/// A device that answers by script: first the expected commands in their order, else by operation
/// code. What is neither expected nor always answered panics, as tests should.
#[derive(Debug, Default)]
pub struct Scripted {
    expected: VecDeque<(Vec<u8>, Answer)>,
    always: BTreeMap<u8, Answer>,
    log: Vec<Logged>,
    clock: Option<ManualClock>,
}

impl Scripted {
    /// A device that expects nothing.
    pub fn new() -> Scripted {
        Scripted::default()
    }

    /// Moves this clock by the time each answer takes.
    pub fn on(mut self, clock: &ManualClock) -> Scripted {
        self.clock = Some(clock.clone());
        self
    }

    /// Expects, behind what is expected already, a CDB that starts with these bytes.
    pub fn expect(mut self, prefix: &[u8], answer: Answer) -> Scripted {
        self.expected.push_back((prefix.to_vec(), answer));
        self
    }

    /// Answers every command of this operation code so, where it is not the next expected one.
    pub fn always(mut self, opcode: u8, answer: Answer) -> Scripted {
        self.always.insert(opcode, answer);
        self
    }

    /// Every command that came, in order.
    pub fn log(&self) -> &[Logged] {
        &self.log
    }

    /// Panics if expected commands did not come.
    pub fn finish(&self) {
        let left: Vec<_> = self.expected.iter().map(|(prefix, _)| prefix).collect();
        assert!(left.is_empty(), "never came: {left:02x?}");
    }

    fn answer(&mut self, cdb: &Cdb) -> Answer {
        if let Some((prefix, _)) = self.expected.front()
            && cdb.bytes().starts_with(prefix)
        {
            let (_, answer) = self.expected.pop_front().expect("front was there");
            return answer;
        }
        let next = self.expected.front().map(|(prefix, _)| prefix);
        self.always
            .get(&cdb.opcode())
            .unwrap_or_else(|| panic!("{cdb:?} was not to come; next expected: {next:02x?}"))
            .clone()
    }
}

impl Device for Scripted {
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        let answer = self.answer(&request.cdb);
        let mut logged = Logged { cdb: request.cdb, sent: Vec::new(), room: 0 };
        let residual = match data {
            Data::None => 0,
            Data::Out(bytes) => {
                logged.sent = bytes.to_vec();
                0
            }
            Data::In(room) => {
                logged.room = room.len();
                let len = answer.data.len().min(room.len());
                room[..len].copy_from_slice(&answer.data[..len]);
                (room.len() - len) as u32
            }
        };
        self.log.push(logged);
        if let Some(clock) = &self.clock {
            clock.wait_until(clock.now() + answer.elapsed);
        }
        let (sense, elapsed) = (answer.sense, answer.elapsed);
        match answer.outcome {
            Ok(status) => Ok(Completion { status, sense, residual, elapsed }),
            Err(kind) => Err(DeviceError::new(kind, "as scripted")),
        }
    }

    fn limits(&self) -> Limits {
        Limits::new(64 * 1024)
    }
}
