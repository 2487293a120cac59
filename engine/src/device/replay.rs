//! A recorded trace as a device: it answers what was answered then, as long as the same is asked.

use std::collections::VecDeque;

use crate::device::trace::{Ended, Exchange, Kept, TraceError};
use crate::device::{
    Clock, Completion, Data, Device, DeviceError, DeviceErrorKind, Limits, ManualClock, Request,
    trace,
};
use crate::mmc::say::say;
use crate::mmc::table::Direction;

/// A trace as a device. A command that was not recorded at that place, and data in of which the
/// trace kept only a hash, fail with [`DeviceErrorKind::Host`]; nothing after that is answered.
#[derive(Debug)]
pub struct Replay {
    exchanges: VecDeque<Exchange>,
    max_transfer: u32,
    clock: ManualClock,
    strayed: bool,
}

impl Replay {
    /// The device of a trace.
    pub fn new(exchanges: Vec<Exchange>) -> Replay {
        Replay {
            max_transfer: exchanges.iter().map(|exchange| exchange.len).max().unwrap_or(0),
            exchanges: exchanges.into(),
            clock: ManualClock::new(),
            strayed: false,
        }
    }

    /// The device of a trace's text.
    pub fn parse(text: &str) -> Result<Replay, TraceError> {
        trace::parse(text).map(Replay::new)
    }

    /// The clock that this device lives by: after each exchange, the time at which it ended when it
    /// was recorded, or later where the host waited longer.
    pub fn clock(&self) -> ManualClock {
        self.clock.clone()
    }

    /// Exchanges that were not asked for yet.
    pub fn left(&self) -> usize {
        self.exchanges.len()
    }

    fn stray(&mut self, detail: String) -> DeviceError {
        self.strayed = true;
        DeviceError::new(DeviceErrorKind::Host, detail)
    }
}

fn direction(data: &Data<'_>) -> Direction {
    match data {
        Data::None => Direction::None,
        Data::In(_) => Direction::In,
        Data::Out(_) => Direction::Out,
    }
}

impl Device for Replay {
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        let asked = say(&request.cdb);
        if self.strayed {
            return Err(self.stray(format!("{asked}: the replay has left its trace already")));
        }
        let Some(exchange) = self.exchanges.pop_front() else {
            return Err(self.stray(format!("{asked}: the trace ends before it")));
        };
        let number = exchange.number;
        let same_data = match &data {
            Data::Out(bytes) => exchange.data.matches(bytes),
            _ => true,
        };
        if exchange.cdb != request.cdb
            || exchange.direction != direction(&data)
            || exchange.len as usize != data.len()
            || !same_data
        {
            let what = if same_data { "" } else { " with other data" };
            let detail = format!(
                "exchange {number} of the trace is {} ({:?}, {} bytes), not {asked} ({:?}, {} \
                 bytes{what})",
                say(&exchange.cdb),
                exchange.cdb,
                exchange.len,
                request.cdb,
                data.len(),
            );
            return Err(self.stray(detail));
        }
        if let Data::In(room) = data {
            match &exchange.data {
                Kept::Nothing => {}
                Kept::Bytes(bytes) if bytes.len() <= room.len() => {
                    room[..bytes.len()].copy_from_slice(bytes);
                }
                _ => {
                    let detail = format!(
                        "exchange {number}, {asked}: the trace kept only a hash of the data"
                    );
                    return Err(self.stray(detail));
                }
            }
        }
        self.clock.wait_until(exchange.at + exchange.elapsed);
        match exchange.ended {
            Ended::Spoke(status, sense) => Ok(Completion {
                status,
                sense,
                residual: exchange.residual,
                elapsed: exchange.elapsed,
            }),
            Ended::Failed(kind) => Err(DeviceError::new(kind, "as recorded")),
        }
    }

    fn limits(&self) -> Limits {
        Limits::new(self.max_transfer)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::device::{Cdb, Status, Traced};
    use crate::mmc::sense::codes;
    use crate::testing::{Answer, Scripted, request};
    use crate::units::Instant;

    const TUR: &[u8] = &[0; 6];
    const ASK: &[u8] = &[0x12, 0, 0, 0, 36, 0];

    fn recorded(keep: usize) -> String {
        let clock = ManualClock::new();
        let drive = Scripted::new()
            .on(&clock)
            .expect(&[0], Answer::sense(codes::MEDIUM_CHANGED).taking(Duration::from_secs(2)))
            .expect(&[0x12], Answer::data([9; 20]))
            .expect(&[0x2a], Answer::good());
        let mut lines = Vec::new();
        let mut traced = Traced::new(drive, clock, &mut lines).keep(keep);
        run(&mut traced, 7).unwrap();
        lines.join("\n")
    }

    fn run(device: &mut dyn Device, fill: u8) -> Result<[u8; 36], DeviceError> {
        let mut room = [0; 36];
        let first = device.execute(&request(Cdb::new(TUR)), Data::None)?;
        assert_eq!(first.status, Status::CheckCondition);
        let second = device.execute(&request(Cdb::new(ASK)), Data::In(&mut room))?;
        assert_eq!(second.residual, 16);
        let write = Cdb::new(&[0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
        device.execute(&request(write), Data::Out(&[fill; 2048]))?;
        Ok(room)
    }

    #[test]
    fn the_same_questions_get_the_same_answers() {
        let mut replay = Replay::parse(&recorded(64)).unwrap();
        assert_eq!(run(&mut replay, 7).unwrap()[..20], [9; 20]);
        assert_eq!(replay.left(), 0);
        assert_eq!(replay.clock().now(), Instant(2_000_000_000));
        let beyond = replay.execute(&request(Cdb::new(TUR)), Data::None).unwrap_err();
        assert!(beyond.detail.contains("ends"), "{beyond}");
    }

    #[test]
    fn other_data_or_commands_are_told_apart() {
        let error = run(&mut Replay::parse(&recorded(64)).unwrap(), 8).unwrap_err();
        assert_eq!(error.kind, DeviceErrorKind::Host);
        assert!(error.detail.contains("exchange 3") && error.detail.contains("other data"));
        let mut replay = Replay::parse(&recorded(64)).unwrap();
        let error = replay.execute(&request(Cdb::new(ASK)), Data::In(&mut [0; 36])).unwrap_err();
        assert!(error.detail.contains("TEST UNIT READY"), "{error}");
        // Once astray, nothing is answered any more.
        assert!(replay.execute(&request(Cdb::new(ASK)), Data::In(&mut [0; 36])).is_err());
    }

    #[test]
    fn hashed_data_cannot_be_replayed() {
        let error = run(&mut Replay::parse(&recorded(8)).unwrap(), 7).unwrap_err();
        assert!(error.detail.contains("hash"), "{error}");
    }
}
