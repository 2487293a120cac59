//! Traces of what passes between a server and its initiators: as a kiln trace (commands), or as a
//! capture that network analysers decode (the bytes of iSCSI connections; for commands that came
//! another way, the session in which they would have come).
//!
//! May not know: drives, listeners. Costs one look at a flag while it is off.

mod pcapng;
mod segment;
mod session;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::device::Cdb;
use engine::device::trace::{Ended, Exchange, HEADER, Kept};
use engine::mmc::table::Direction;
use engine::units::Instant;

use self::segment::{From, Stream};
use self::session::Session;
use super::lock;

/// Data up to this length is kept whole in a kiln trace, in bytes.
const KEEP: usize = 64;

/// Says what time it is for packets: nanoseconds since 1970.
pub(super) trait Moment: fmt::Debug + Send + Sync {
    /// The time now.
    fn now(&self) -> u64;
}

/// A server's trace, on or off. Clones are the same trace.
#[derive(Clone, Debug)]
pub struct Trace {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    on: AtomicBool,
    /// Numbers for taps and nexuses.
    numbers: AtomicU64,
    moment: Box<dyn Moment>,
    recording: Mutex<Option<Recording>>,
}

/// A trace being written.
#[derive(Debug)]
struct Recording {
    path: PathBuf,
    file: File,
    /// The first error ends the recording; nobody's command fails for it.
    error: Option<io::Error>,
    form: Form,
    /// What is to be written next.
    out: Vec<u8>,
}

#[derive(Debug)]
enum Form {
    Commands(Commands),
    Capture(Capture),
}

/// A kiln trace: one for all nexuses, and a comment where another one begins to speak.
#[derive(Debug, Default)]
struct Commands {
    number: u64,
    speaker: Option<u64>,
}

/// A capture.
#[derive(Debug, Default)]
struct Capture {
    opened: u32,
    /// The latest time written: frames are in the order of time.
    latest: u64,
    streams: BTreeMap<u64, Stream>,
    sessions: BTreeMap<u64, Session>,
}

/// Why there is no trace, or an incomplete one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// The file.
    pub path: String,
    /// The system's words.
    pub why: String,
}

impl TraceError {
    fn new(path: &Path, error: &io::Error) -> TraceError {
        TraceError { path: path.display().to_string(), why: error.to_string() }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trace {} cannot be written: {}", self.path, self.why)
    }
}

impl std::error::Error for TraceError {}

/// The data of a command that has passed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Way<'a> {
    None,
    /// What arrived at the host.
    In(&'a [u8]),
    /// What the host sent.
    Out(&'a [u8]),
}

/// A command that has passed.
#[derive(Debug)]
pub(super) struct Passed<'a> {
    pub(super) lun: u16,
    pub(super) cdb: Cdb,
    /// Bytes offered, or room for them.
    pub(super) offered: u32,
    pub(super) residual: u32,
    pub(super) way: Way<'a>,
    pub(super) ended: Ended,
    /// When it was issued, by the bench's clock.
    pub(super) issued: Instant,
    pub(super) elapsed: Duration,
    /// The same since 1970, in nanoseconds.
    pub(super) at: u64,
}

/// Who gave a command.
pub(super) struct Speaker<'a> {
    pub(super) number: u64,
    pub(super) name: &'a str,
    /// Its bytes are captured as they pass, so that its commands need not be.
    pub(super) on_wire: bool,
    /// The unit's standard INQUIRY data.
    pub(super) inquiry: &'a dyn Fn() -> Vec<u8>,
}

impl Trace {
    /// A trace that is off.
    pub(super) fn new(moment: Box<dyn Moment>) -> Trace {
        let inner = Inner {
            on: AtomicBool::new(false),
            numbers: AtomicU64::new(0),
            moment,
            recording: Mutex::new(None),
        };
        Trace { inner: Arc::new(inner) }
    }

    /// Begins to write to this file: a capture if its name ends in `.pcapng`, else a kiln trace. A
    /// trace that was being written ends. A file that is there is replaced, unless it is a disc.
    pub fn start(&self, path: &Path) -> Result<(), TraceError> {
        let failed = |error: &io::Error| TraceError::new(path, error);
        if is_disc(path) {
            return Err(failed(&io::Error::other("it is a disc file, which it would replace")));
        }
        let mut file = File::create(path).map_err(|error| failed(&error))?;
        let capture = path.extension().is_some_and(|end| end.eq_ignore_ascii_case("pcapng"));
        let (form, first) = match capture {
            true => (Form::Capture(Capture::default()), pcapng::header()),
            false => (Form::Commands(Commands::default()), format!("{HEADER}\n").into_bytes()),
        };
        file.write_all(&first).map_err(|error| failed(&error))?;
        // Of the trace that ends here, an error would have been told by `stop`.
        let _ = self.stop();
        let recording =
            Recording { path: path.to_owned(), file, error: None, form, out: Vec::new() };
        *lock(&self.inner.recording) = Some(recording);
        self.inner.on.store(true, Ordering::Release);
        Ok(())
    }

    /// Ends the trace, if one is being written: its file, or why it is incomplete.
    pub fn stop(&self) -> Result<Option<PathBuf>, TraceError> {
        let mut recording = lock(&self.inner.recording);
        self.inner.on.store(false, Ordering::Release);
        let now = self.inner.moment.now();
        let Some(mut recording) = recording.take() else { return Ok(None) };
        recording.end(now);
        match &recording.error {
            Some(error) => Err(TraceError::new(&recording.path, error)),
            None => Ok(Some(recording.path)),
        }
    }

    /// The file that is being written.
    pub fn path(&self) -> Option<PathBuf> {
        lock(&self.inner.recording).as_ref().map(|recording| recording.path.clone())
    }

    /// Whether anything is being written.
    pub fn is_on(&self) -> bool {
        self.inner.on.load(Ordering::Acquire)
    }

    /// A tap for a new TCP connection. It ends when it is dropped.
    pub fn tap(&self, initiator: SocketAddr, target: SocketAddr) -> Tap {
        Tap { number: self.number(), trace: self.clone(), initiator, target }
    }

    pub(super) fn number(&self) -> u64 {
        self.inner.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A command has been answered.
    pub(super) fn passed(&self, speaker: &Speaker<'_>, passed: &Passed<'_>) {
        if let Some(recording) = lock(&self.inner.recording).as_mut() {
            match &mut recording.form {
                Form::Commands(commands) => commands.passed(speaker, passed, &mut recording.out),
                Form::Capture(capture) => capture.passed(speaker, passed, &mut recording.out),
            }
            recording.write();
        }
    }

    /// Something besides commands has happened. Captures show it in their own way, or not at all.
    pub(super) fn note(&self, what: &str) {
        if !self.is_on() {
            return;
        }
        if let Some(recording) = lock(&self.inner.recording).as_mut()
            && matches!(recording.form, Form::Commands(_))
        {
            recording.out.extend(format!("# {what}\n").as_bytes());
            recording.write();
        }
    }

    /// A nexus has gone.
    pub(super) fn left(&self, number: u64) {
        self.capture(|capture, now, out| {
            if let Some(session) = capture.sessions.remove(&number) {
                session.close(capture.time(now), out);
            }
        });
    }

    fn capture(&self, act: impl FnOnce(&mut Capture, u64, &mut Vec<u8>)) {
        if !self.is_on() {
            return;
        }
        let now = self.inner.moment.now();
        if let Some(recording) = lock(&self.inner.recording).as_mut()
            && let Form::Capture(capture) = &mut recording.form
        {
            act(capture, now, &mut recording.out);
            recording.write();
        }
    }
}

/// Whether a disc file lies there.
fn is_disc(path: &Path) -> bool {
    let plain = std::fs::metadata(path).is_ok_and(|found| found.is_file());
    let mut start = [0; crate::store::MAGIC.len()];
    let mut read = || File::open(path)?.read_exact(&mut start);
    plain && read().is_ok() && start == *crate::store::MAGIC
}

impl Recording {
    /// At once and in one piece: what has passed is in the file even if the server is killed.
    fn write(&mut self) {
        if self.error.is_none() && !self.out.is_empty() {
            self.error = self.file.write_all(&self.out).err();
        }
        self.out.clear();
        // A large transfer must not keep its room for ever.
        self.out.shrink_to(1 << 20);
    }

    fn end(&mut self, now: u64) {
        if let Form::Capture(capture) = &mut self.form {
            let at = capture.time(now);
            let streams = std::mem::take(&mut capture.streams);
            let sessions = std::mem::take(&mut capture.sessions);
            streams.into_values().for_each(|stream| stream.close(at, &mut self.out));
            sessions.into_values().for_each(|session| session.close(at, &mut self.out));
        }
        self.write();
        if self.error.is_none() {
            self.error = self.file.flush().err();
        }
    }
}

impl Commands {
    fn passed(&mut self, speaker: &Speaker<'_>, passed: &Passed<'_>, out: &mut Vec<u8>) {
        let mut text = String::new();
        if self.speaker.replace(speaker.number) != Some(speaker.number) {
            // A name with a line's end in it must not become a line.
            let name = speaker.name.escape_default();
            text = format!("# LUN {}, nexus {} {name}\n", passed.lun, speaker.number);
        }
        self.number += 1;
        let (direction, data) = match passed.way {
            Way::None => (Direction::None, Kept::Nothing),
            Way::In(bytes) => (Direction::In, Kept::of(bytes, KEEP)),
            Way::Out(bytes) => (Direction::Out, Kept::of(bytes, KEEP)),
        };
        let exchange = Exchange {
            number: self.number,
            at: passed.issued,
            cdb: passed.cdb,
            direction,
            len: passed.offered,
            residual: passed.residual,
            data,
            ended: passed.ended.clone(),
            elapsed: passed.elapsed,
        };
        out.extend(text.as_bytes());
        out.extend(exchange.to_string().as_bytes());
        out.push(b'\n');
    }
}

impl Capture {
    /// The time of the next frame.
    fn time(&mut self, at: u64) -> u64 {
        self.latest = self.latest.max(at);
        self.latest
    }

    fn number(&mut self) -> u32 {
        self.opened = self.opened.wrapping_add(1);
        self.opened
    }

    fn passed(&mut self, speaker: &Speaker<'_>, passed: &Passed<'_>, out: &mut Vec<u8>) {
        if speaker.on_wire {
            return;
        }
        let at = self.time(passed.at);
        let mut session = match self.sessions.remove(&speaker.number) {
            Some(session) => session,
            None => {
                let number = self.number();
                let mut session = Session::open(number, speaker.name, at, out);
                if passed.cdb.opcode() != INQUIRY {
                    introduce(&mut session, passed, at, &(speaker.inquiry)(), out);
                }
                session
            }
        };
        let ended = self.time(passed.at + passed.elapsed.as_nanos() as u64);
        session.command(passed, (at, ended), out);
        self.sessions.insert(speaker.number, session);
    }

    fn bytes(&mut self, tap: &Tap, from: From, pdu: &[&[u8]], now: u64, out: &mut Vec<u8>) {
        let at = self.time(now);
        if !self.streams.contains_key(&tap.number) {
            let number = self.number();
            let stream = Stream::open(number, tap.initiator, tap.target, at, out);
            self.streams.insert(tap.number, stream);
        }
        let Some(stream) = self.streams.get_mut(&tap.number) else { return };
        match pdu {
            [whole] => stream.bytes(from, whole, at, out),
            parts => stream.bytes(from, &parts.concat(), at, out),
        }
    }
}

const INQUIRY: u8 = 0x12;

/// A dissector learns from INQUIRY data which commands a unit has. A session that begins in the
/// middle gets it as its first exchange.
fn introduce(
    session: &mut Session,
    passed: &Passed<'_>,
    at: u64,
    inquiry: &[u8],
    out: &mut Vec<u8>,
) {
    let offered = inquiry.len() as u32;
    let first = Passed {
        lun: passed.lun,
        cdb: Cdb::new(&[INQUIRY, 0, 0, 0, inquiry.len() as u8, 0]),
        offered,
        residual: 0,
        way: Way::In(inquiry),
        ended: Ended::Spoke(engine::device::Status::Good, Vec::new()),
        issued: passed.issued,
        elapsed: Duration::ZERO,
        at,
    };
    session.command(&first, (at, at), out);
}

/// Where the bytes of one TCP connection pass on their way into a capture. They are written in the
/// order of the calls; a capture that is switched on later begins between two of them.
#[derive(Debug)]
pub struct Tap {
    trace: Trace,
    number: u64,
    initiator: SocketAddr,
    target: SocketAddr,
}

impl Tap {
    /// A whole PDU has gone to the initiator, in these parts.
    pub fn sent(&self, pdu: &[&[u8]]) {
        self.bytes(From::Target, pdu);
    }

    /// A whole PDU has come from the initiator, in these parts.
    pub fn received(&self, pdu: &[&[u8]]) {
        self.bytes(From::Initiator, pdu);
    }

    /// Whether anybody listens. A PDU that would have to be put together for the tap need not be
    /// otherwise.
    pub fn is_on(&self) -> bool {
        self.trace.is_on()
    }

    fn bytes(&self, from: From, pdu: &[&[u8]]) {
        self.trace.capture(|capture, now, out| capture.bytes(self, from, pdu, now, out));
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.trace.capture(|capture, now, out| {
            if let Some(stream) = capture.streams.remove(&self.number) {
                stream.close(capture.time(now), out);
            }
        });
    }
}
