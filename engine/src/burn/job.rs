//! The step machine that carries out a plan.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::phase::{Ask, Phase, Turn};
use super::{Error, Event, Fault, Outcome, Plan};
use crate::device::{Cdb, Completion, DeviceError, Request};
use crate::drive::recorder::{no_disc, spoken, timeout};
use crate::drive::retry::{self, Act, POLL, Situation};
use crate::drive::{ErrorKind, WaitReason};
use crate::image::sectors::SourceError;
use crate::mmc::cdb::{Command, ReadDiscInformation, TestUnitReady};
use crate::mmc::disc::DiscInformation;
use crate::mmc::sense::{Sense, SenseKey};
use crate::units::{Blocks, Instant, Lba};

/// A burn as a machine that says what to do next and is told how it went.
///
/// **After each [`done`](Job::done), call [`next`](Job::next) again and again until it asks for a
/// command, for blocks of the image, or for time; answer that, and nothing else, with the next
/// `done` (time needs no answer: call `next` when it has come).** The machine does no input or
/// output, knows the time only as it is told, and ends after a bounded number of steps whatever it
/// is told.
pub struct Job {
    cx: Context,
    phase: Option<Phase>,
    pending: Pending,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Execute this command, then [`Done::Command`].
    Command(Order),
    /// Nothing can be done before this time.
    Wait {
        /// When to call `next` again.
        until: Instant,
        /// What the drive is busy with.
        reason: WaitReason,
    },
    /// Fill `room`, a whole number of blocks, with the image from block `first` on, then
    /// [`Done::Image`].
    Need {
        /// First block, counted from the image's start.
        first: Blocks,
        /// To be filled.
        room: Vec<u8>,
    },
    /// Tell whoever listens.
    Tell(Event),
    /// It is over. Further calls say the same.
    Finished(Result<Outcome, Error>),
}

/// A command to execute.
#[derive(Debug)]
pub struct Order {
    /// The command and its time limit.
    pub request: Request,
    /// Its data phase.
    pub transfer: Transfer,
}

/// The data phase of an [`Order`].
#[derive(Clone, Debug)]
pub enum Transfer {
    /// None.
    None,
    /// From the device, at most the length of this room.
    In(Vec<u8>),
    /// To the device.
    Out(Arc<Vec<u8>>),
}

/// How a step went.
#[derive(Debug)]
pub enum Done {
    /// The command's completion, or the failure of the wire, and the room of [`Transfer::In`] as it
    /// was filled (else empty).
    Command(Result<Completion, DeviceError>, Vec<u8>),
    /// The room of [`Step::Need`], filled to its length.
    Image(Result<Vec<u8>, SourceError>),
}

/// One command with what is needed to repeat it.
pub(crate) struct Exchange {
    pub(crate) cdb: Cdb,
    pub(crate) transfer: Transfer,
    pub(crate) block: Option<Lba>,
    pub(crate) at: Situation,
    /// Room for an answer, which travels with the order.
    room: usize,
    since: Option<Instant>,
}

impl Exchange {
    fn new(cdb: Cdb, transfer: Transfer) -> Exchange {
        let room = match &transfer {
            Transfer::In(room) => room.len(),
            Transfer::None | Transfer::Out(_) => 0,
        };
        Exchange { cdb, transfer, block: None, at: Situation::Change, room, since: None }
    }

    /// A command without data.
    pub(crate) fn bare(command: &impl Command) -> Exchange {
        Exchange::new(command.cdb(), Transfer::None)
    }

    /// A command that answers with at most `room` bytes.
    pub(crate) fn ask(cdb: Cdb, room: usize) -> Exchange {
        Exchange::new(cdb, Transfer::In(vec![0; room]))
    }

    /// The same into a buffer at hand.
    pub(crate) fn read(cdb: Cdb, room: Vec<u8>, block: Lba) -> Exchange {
        let at = Situation::Read;
        Exchange { block: Some(block), at, ..Exchange::new(cdb, Transfer::In(room)) }
    }

    /// A command with a parameter list.
    pub(crate) fn list(command: &impl Command, list: Vec<u8>) -> Exchange {
        Exchange::new(command.cdb(), Transfer::Out(Arc::new(list)))
    }

    /// A WRITE.
    pub(crate) fn write(command: &impl Command, data: Vec<u8>, block: Lba) -> Exchange {
        let at = Situation::Write;
        Exchange { block: Some(block), at, ..Exchange::list(command, data) }
    }

    /// The same before anything of the burn has begun.
    pub(crate) fn at_start(self) -> Exchange {
        Exchange { at: Situation::Start, ..self }
    }

    fn order(&mut self) -> Order {
        let request = Request { cdb: self.cdb, timeout: timeout(self.cdb) };
        let transfer = match &mut self.transfer {
            Transfer::None => Transfer::None,
            Transfer::In(room) => {
                let mut room = mem::take(room);
                room.resize(self.room, 0);
                Transfer::In(room)
            }
            Transfer::Out(data) => Transfer::Out(Arc::clone(data)),
        };
        Order { request, transfer }
    }

    /// The buffer that went out, for use again.
    fn buffer(self) -> Vec<u8> {
        match self.transfer {
            Transfer::Out(data) => Arc::try_unwrap(data).unwrap_or_default(),
            Transfer::None | Transfer::In(_) => Vec::new(),
        }
    }
}

/// Waiting until a long operation is over.
pub(crate) struct Settle {
    reason: WaitReason,
    limit: Duration,
    since: Option<Instant>,
    told: Option<Instant>,
    /// TEST UNIT READY said yes: some drives say so while they still close, and only the disc
    /// information knows.
    ready: bool,
}

impl Settle {
    /// Waits for at most `limit`.
    pub(crate) fn new(reason: WaitReason, limit: Duration) -> Settle {
        Settle { reason, limit, since: None, told: None, ready: false }
    }

    fn exchange(&self) -> Exchange {
        let exchange = if self.ready {
            let allocation = DiscInformation::LEN as u16;
            let ask = ReadDiscInformation { kind: 0, allocation };
            Exchange::ask(ask.cdb(), DiscInformation::LEN)
        } else {
            Exchange::bare(&TestUnitReady {})
        };
        Exchange { at: Situation::Poll, ..exchange }
    }
}

enum Pending {
    Begin,
    Send(Exchange),
    Sent(Exchange),
    Pause(Exchange, Instant, WaitReason),
    Poll(Settle),
    Polled(Settle),
    PollPause(Settle, Instant),
    Need(Blocks, Vec<u8>),
    Needed,
    Over,
}

impl Job {
    /// A job for this plan on a device that takes at most `max_transfer` bytes in one command.
    pub fn new(plan: Plan, max_transfer: u32) -> Job {
        Job {
            cx: Context::new(plan, max_transfer),
            phase: Some(Phase::first()),
            pending: Pending::Begin,
        }
    }

    /// Asks the job to stop at the next safe point. May be called at any time, more than once.
    pub fn cancel(&mut self) {
        self.cx.cancel();
    }

    /// What to do next.
    pub fn next(&mut self, now: Instant) -> Step {
        self.cx.now = now;
        if matches!(self.pending, Pending::Begin) {
            self.advance(Ok(Vec::new()));
        }
        if let Some(event) = self.cx.event() {
            return Step::Tell(event);
        }
        match mem::replace(&mut self.pending, Pending::Over) {
            Pending::Send(mut exchange) => {
                let order = exchange.order();
                self.pending = Pending::Sent(exchange);
                Step::Command(order)
            }
            Pending::Poll(settle) => {
                let order = settle.exchange().order();
                self.pending = Pending::Polled(settle);
                Step::Command(order)
            }
            Pending::Need(first, room) => {
                self.pending = Pending::Needed;
                Step::Need { first, room }
            }
            Pending::Pause(exchange, until, reason) => {
                if self.may_stop() {
                    self.advance(Err(Fault::Cancelled));
                    self.next(now)
                } else if now < until {
                    self.pending = Pending::Pause(exchange, until, reason);
                    Step::Wait { until, reason }
                } else {
                    self.pending = Pending::Send(exchange);
                    self.next(now)
                }
            }
            Pending::PollPause(settle, until) => {
                if self.may_stop() {
                    self.advance(Err(Fault::Cancelled));
                    self.next(now)
                } else if now < until {
                    let reason = settle.reason;
                    self.pending = Pending::PollPause(settle, until);
                    Step::Wait { until, reason }
                } else {
                    self.pending = Pending::Poll(settle);
                    self.next(now)
                }
            }
            Pending::Over => Step::Finished(self.cx.result()),
            unanswered @ (Pending::Begin
            | Pending::Sent(_)
            | Pending::Polled(_)
            | Pending::Needed) => {
                // The caller asks without having answered: nothing can be done twice, so the step
                // is taken as failed.
                self.pending = unanswered;
                self.advance(Err(bug("a step was not answered")));
                self.next(now)
            }
        }
    }

    /// How the last step went.
    pub fn done(&mut self, now: Instant, done: Done) {
        self.cx.now = now;
        match (mem::replace(&mut self.pending, Pending::Over), done) {
            (Pending::Sent(exchange), Done::Command(result, data)) => {
                self.sent(exchange, result, data);
            }
            (Pending::Polled(settle), Done::Command(result, _)) => self.polled(settle, result),
            (Pending::Needed, Done::Image(result)) => self.advance(result.map_err(Fault::Source)),
            (Pending::Over, _) => {}
            (pending, _) => {
                self.pending = pending;
                self.advance(Err(bug("an answer came to a step that was not asked for")));
            }
        }
    }

    /// Whether waiting may be given up because someone asked to stop.
    fn may_stop(&self) -> bool {
        self.cx.stopping() && self.phase.as_ref().is_some_and(Phase::may_stop)
    }

    /// A command's completion.
    fn sent(
        &mut self,
        mut exchange: Exchange,
        result: Result<Completion, DeviceError>,
        mut data: Vec<u8>,
    ) {
        let kind = match result {
            Ok(done) => {
                if let Transfer::In(_) = exchange.transfer {
                    data.truncate(data.len().saturating_sub(done.residual as usize));
                }
                spoken(&done).err()
            }
            Err(wire) => Some(ErrorKind::Wire(wire)),
        };
        let sense = match kind {
            None => return self.succeed(exchange, data),
            Some(ErrorKind::Sense(sense)) => sense,
            Some(kind) => {
                let fault = self.cx.fault_of(exchange.cdb, exchange.block, kind);
                return self.advance(Err(fault));
            }
        };
        match retry::judge(exchange.at, &sense) {
            Act::Note => {
                self.cx.recovered(exchange.cdb, exchange.block, &sense);
                self.succeed(exchange, data);
            }
            Act::Again { pause, reason, limit } => {
                let now = self.cx.now;
                let since = *exchange.since.get_or_insert(now);
                let limit = Duration::from_secs(limit);
                if now.since(since) >= limit {
                    let kind = ErrorKind::NotReady(limit);
                    let fault = self.cx.fault_of(exchange.cdb, exchange.block, kind);
                    return self.advance(Err(fault));
                }
                if let Transfer::In(room) = &mut exchange.transfer {
                    *room = data;
                }
                let pause = match pause {
                    0 => self.cx.buffer_pause(),
                    ms => Duration::from_millis(ms),
                };
                self.cx.retry(exchange.block, reason, &sense, now.since(since), pause);
                self.pending = Pending::Pause(exchange, now + pause, reason);
            }
            Act::Fail => {
                let kind = failed(sense);
                let fault = self.cx.fault_of(exchange.cdb, exchange.block, kind);
                self.advance(Err(fault));
            }
        }
    }

    fn succeed(&mut self, exchange: Exchange, data: Vec<u8>) {
        let answer = match exchange.transfer {
            Transfer::In(_) => data,
            Transfer::None | Transfer::Out(_) => exchange.buffer(),
        };
        self.advance(Ok(answer));
    }

    /// The completion of a poll.
    fn polled(&mut self, mut settle: Settle, result: Result<Completion, DeviceError>) {
        let cdb = settle.exchange().cdb;
        let kind = match result {
            Ok(done) => match spoken(&done) {
                Ok(()) => return self.poll_succeeded(settle),
                Err(kind) => kind,
            },
            Err(wire) => ErrorKind::Wire(wire),
        };
        let ErrorKind::Sense(sense) = kind else {
            return self.advance(Err(self.cx.fault_of(cdb, None, kind)));
        };
        match retry::judge(Situation::Poll, &sense) {
            Act::Note => self.poll_succeeded(settle),
            Act::Again { pause, .. } => {
                let now = self.cx.now;
                let since = *settle.since.get_or_insert(now);
                if now.since(since) >= settle.limit {
                    let kind = ErrorKind::NotReady(settle.limit);
                    return self.advance(Err(self.cx.fault_of(cdb, None, kind)));
                }
                let waited = now.since(since);
                let attention = sense.code.key == SenseKey::UnitAttention;
                let due = settle.told.is_none_or(|told| now.since(told) >= Duration::from_secs(1));
                if due && !attention {
                    settle.told = Some(now);
                    let permille =
                        sense.progress().map(|part| (u32::from(part) * 1000 / 0x1_0000) as u16);
                    self.cx.tell(Event::Wait { reason: settle.reason, waited, permille });
                }
                settle.ready = false;
                let pause = if attention { Duration::from_millis(pause) } else { POLL };
                self.pending = Pending::PollPause(settle, now + pause);
            }
            // A drive that does not answer for other reasons than being busy is not busy.
            Act::Fail if settle.ready && sense.code.key == SenseKey::IllegalRequest => {
                self.advance(Ok(Vec::new()));
            }
            Act::Fail => self.advance(Err(self.cx.fault_of(cdb, None, failed(sense)))),
        }
    }

    fn poll_succeeded(&mut self, mut settle: Settle) {
        if settle.ready || settle.reason == WaitReason::BecomingReady {
            self.advance(Ok(Vec::new()));
        } else {
            settle.ready = true;
            self.pending = Pending::Poll(settle);
        }
    }

    /// Hands the answer to the phase, which makes the next one of itself.
    fn advance(&mut self, answer: Result<Vec<u8>, Fault>) {
        let Some(phase) = self.phase.take() else {
            self.pending = Pending::Over;
            return;
        };
        let Turn(phase, ask) = phase.step(&mut self.cx, answer);
        self.pending = match ask {
            Ask::Send(exchange) => Pending::Send(exchange),
            Ask::Settle(settle) => Pending::Poll(settle),
            Ask::Image(first, room) => Pending::Need(first, room),
            Ask::End => Pending::Over,
        };
        self.phase = match &self.pending {
            Pending::Over => None,
            _ => Some(phase),
        };
    }
}

fn failed(sense: Sense) -> ErrorKind {
    if no_disc(&sense) { ErrorKind::NoDisc } else { ErrorKind::Sense(sense) }
}

fn bug(detail: &str) -> Fault {
    Fault::Bug { detail: detail.to_owned() }
}
