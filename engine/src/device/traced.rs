//! A device whose every exchange is written down, one line each, in the format of
//! [`trace`](crate::device::trace).

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use crate::device::trace::{Ended, Exchange, HEADER, Kept};
use crate::device::{Clock, Completion, Data, Device, DeviceError, Limits, Request};
use crate::mmc::table::Direction;
use crate::units::Instant;

/// Takes the lines of a trace, the header first.
pub trait TraceSink {
    /// One line, without its end.
    fn line(&mut self, line: &str);
}

impl TraceSink for Vec<String> {
    fn line(&mut self, line: &str) {
        self.push(line.to_owned());
    }
}

/// A sink that its owner can still look at while a device writes to it.
impl<S: TraceSink + ?Sized> TraceSink for Rc<RefCell<S>> {
    fn line(&mut self, line: &str) {
        self.borrow_mut().line(line);
    }
}

impl<S: TraceSink + ?Sized> TraceSink for &mut S {
    fn line(&mut self, line: &str) {
        (**self).line(line);
    }
}

impl<S: TraceSink + ?Sized> TraceSink for Box<S> {
    fn line(&mut self, line: &str) {
        (**self).line(line);
    }
}

/// Lines to a writer. A burn does not fail because its trace cannot be written: the first error is
/// kept, and nothing is written after it.
#[derive(Debug)]
pub struct WriterSink<W> {
    writer: W,
    error: Option<io::Error>,
}

impl<W: io::Write> WriterSink<W> {
    /// Lines to `writer`.
    pub fn new(writer: W) -> WriterSink<W> {
        WriterSink { writer, error: None }
    }

    /// Flushes the writer and says whether all lines got there.
    pub fn finish(&mut self) -> Result<(), io::Error> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.writer.flush(),
        }
    }
}

impl<W: io::Write> TraceSink for WriterSink<W> {
    fn line(&mut self, line: &str) {
        if self.error.is_none() {
            self.error = writeln!(self.writer, "{line}").err();
        }
    }
}

/// A device around a device that writes a trace.
#[derive(Debug)]
pub struct Traced<D, C, S> {
    inner: D,
    clock: C,
    sink: S,
    keep: usize,
    number: u64,
}

impl<D: Device, C: Clock, S: TraceSink> Traced<D, C, S> {
    /// Data up to this length is kept whole unless said otherwise, in bytes.
    pub const KEEP: usize = 64;

    /// Writes every exchange with `inner` to `sink`, with the time by `clock`, which must be the
    /// clock that `inner` lives by.
    pub fn new(inner: D, clock: C, mut sink: S) -> Traced<D, C, S> {
        sink.line(HEADER);
        Traced { inner, clock, sink, keep: Self::KEEP, number: 0 }
    }

    /// Keeps data up to this length whole. A trace to replay needs at least the longest data in.
    pub fn keep(mut self, bytes: usize) -> Traced<D, C, S> {
        self.keep = bytes;
        self
    }

    fn write(&mut self, exchange: &Exchange) {
        self.sink.line(&exchange.to_string());
    }
}

impl<D: Device, C: Clock, S: TraceSink> Device for Traced<D, C, S> {
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        self.number += 1;
        let at = self.clock.now();
        let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        let mut exchange = Exchange {
            number: self.number,
            at,
            cdb: request.cdb,
            direction: Direction::None,
            len,
            residual: 0,
            data: Kept::Nothing,
            ended: Ended::Failed(crate::device::DeviceErrorKind::Host),
            elapsed: std::time::Duration::ZERO,
        };
        let result = match data {
            Data::None => self.inner.execute(request, Data::None),
            Data::Out(bytes) => {
                exchange.direction = Direction::Out;
                exchange.data = Kept::of(bytes, self.keep);
                self.inner.execute(request, Data::Out(bytes))
            }
            Data::In(room) => {
                exchange.direction = Direction::In;
                let result = self.inner.execute(request, Data::In(&mut *room));
                if let Ok(completion) = &result {
                    let arrived = room.len().saturating_sub(completion.residual as usize);
                    exchange.data = Kept::of(&room[..arrived], self.keep);
                }
                result
            }
        };
        self.ended(exchange, &result, at);
        result
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }
}

impl<D: Device, C: Clock, S: TraceSink> Traced<D, C, S> {
    fn ended(
        &mut self,
        mut exchange: Exchange,
        result: &Result<Completion, DeviceError>,
        at: Instant,
    ) {
        match result {
            Ok(completion) => {
                exchange.residual = completion.residual;
                exchange.elapsed = completion.elapsed;
                exchange.ended = Ended::Spoke(completion.status, completion.sense.clone());
            }
            Err(error) => {
                exchange.elapsed = self.clock.now().since(at);
                exchange.ended = Ended::Failed(error.kind);
            }
        }
        self.write(&exchange);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::device::{Cdb, DeviceErrorKind, trace};
    use crate::mmc::cdb::{Command, Inquiry, TestUnitReady, Write10};
    use crate::mmc::sense::codes;
    use crate::testing::{Answer, ManualClock, Scripted, request};

    #[test]
    fn every_exchange_becomes_a_line() {
        let clock = ManualClock::new();
        clock.advance(Duration::from_millis(1500));
        let drive = Scripted::new()
            .on(&clock)
            .expect(&[0x12], Answer::data([5, 0x80, 0, 0x32, 0x1f]))
            .expect(&[0x2a], Answer::sense(codes::LONG_WRITE_IN_PROGRESS).taking(MS))
            .expect(&[0x00], Answer::error(DeviceErrorKind::TimedOut).taking(30 * MS));
        let mut lines = Vec::new();
        let mut traced = Traced::new(drive, clock.clone(), &mut lines).keep(16);
        let mut room = [0; 36];
        let ask = Inquiry { allocation: 36, ..Default::default() };
        traced.execute(&request(ask.cdb()), Data::In(&mut room)).unwrap();
        let write = Write10 { blocks: 1, ..Default::default() };
        traced.execute(&request(write.cdb()), Data::Out(&[7; 2048])).unwrap();
        traced.execute(&request(TestUnitReady::default().cdb()), Data::None).unwrap_err();
        let told: Vec<&str> =
            lines.iter().map(|line| line.split(" # ").next().unwrap_or("")).collect();
        assert_eq!(
            told,
            [
                "kiln-trace 1",
                "1 1.500000000 120000002400 < 36-31 058000321f good +0.000000000",
                // sha256sum of 2048 bytes of 07h.
                "2 1.500000000 2a000000000000000100 > 2048 sha256:e4fde89f39bc53b9 \
                 check:700002000000000a00000000040800000000 +0.001000000",
                "3 1.501000000 000000000000 - 0 - timeout +0.030000000",
            ]
        );
        assert_eq!(trace::parse(&lines.join("\n")).unwrap().len(), 3);
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_broken_writer_does_not_stop_the_drive() {
        struct Full;
        impl io::Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let sink = Rc::new(RefCell::new(WriterSink::new(Full)));
        let drive = Scripted::new().always(0, Answer::good());
        let mut traced = Traced::new(drive, ManualClock::new(), sink.clone());
        assert!(traced.execute(&request(Cdb::new(&[0; 6])), Data::None).is_ok());
        let error = sink.borrow_mut().finish().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
