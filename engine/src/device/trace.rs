//! The trace format: one line of text for each exchange, made for `diff`, `grep` and replay.
//!
//! The first line is `kiln-trace 1`. Every other line that is not empty and does not start with `#`
//! is an exchange of fields separated by single spaces:
//!
//! ```text
//! 3 12.345678901 2a000000001000001000 > 32768 sha256:0123456789abcdef good +0.012000000 # words
//! ```
//!
//! 1. number of the exchange, from 1
//! 2. time of issue in seconds since the clock's start
//! 3. CDB, hexadecimal
//! 4. `-` no data, `<` device to host, `>` host to device
//! 5. bytes offered or room for, followed by `-N` where N of them did not go
//! 6. data: `-` none, hexadecimal, or the start of its SHA-256
//! 7. result, see below
//! 8. time it took, in seconds
//! 9. behind ` # `, for people: command and sense in words; not parsed
//!
//! The result is `good`, `check:SENSE` (hexadecimal, may be empty), `busy`, `status:XX`, or of the
//! wire `gone`, `reset`, `timeout`, `refused`, `host`. Data longer than the recorder's limit is
//! kept as a hash: it can be compared, not replayed.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::device::{Cdb, DeviceErrorKind, Status};
use crate::mmc::say::say;
use crate::mmc::sense::Sense;
use crate::mmc::table::Direction;
use crate::units::Instant;

/// First line of every trace: name and version of the format.
pub const HEADER: &str = "kiln-trace 1";

/// Data of an exchange as far as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// There was none.
    Nothing,
    /// All of it.
    Bytes(Vec<u8>),
    /// The first eight bytes of its SHA-256.
    Hash([u8; 8]),
}

impl Kept {
    /// Keeps `data` whole if it is not longer than `limit` bytes, else its hash.
    pub fn of(data: &[u8], limit: usize) -> Kept {
        match data.len() {
            0 => Kept::Nothing,
            len if len <= limit => Kept::Bytes(data.to_vec()),
            _ => Kept::hash(data),
        }
    }

    fn hash(data: &[u8]) -> Kept {
        let digest = Sha256::digest(data);
        Kept::Hash(std::array::from_fn(|i| digest[i]))
    }

    /// Whether this could be what was kept of `data`.
    pub fn matches(&self, data: &[u8]) -> bool {
        match self {
            Kept::Nothing => data.is_empty(),
            Kept::Bytes(bytes) => bytes == data,
            Kept::Hash(_) => *self == Kept::hash(data),
        }
    }
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The drive spoke: status and sense.
    Spoke(Status, Vec<u8>),
    /// The wire failed.
    Failed(DeviceErrorKind),
}

/// One exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Its number, from 1.
    pub number: u64,
    /// When it was issued.
    pub at: Instant,
    /// The command.
    pub cdb: Cdb,
    /// Which way data was to go.
    pub direction: Direction,
    /// Bytes offered, or room for them.
    pub len: u32,
    /// Bytes of these that did not go.
    pub residual: u32,
    /// The data that went.
    pub data: Kept,
    /// How it ended.
    pub ended: Ended,
    /// How long it took.
    pub elapsed: Duration,
}

/// A line that is not of the trace format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    /// Number of the line, from 1; 0 where a single line was parsed.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trace line {}: {}", self.line, self.why)
    }
}

impl std::error::Error for TraceError {}

/// Parses a whole trace.
pub fn parse(text: &str) -> Result<Vec<Exchange>, TraceError> {
    let mut lines = text.lines().enumerate();
    match lines.next() {
        Some((_, HEADER)) => {}
        other => {
            let found = other.map_or("nothing", |(_, line)| line);
            let why = format!("the first line must be `{HEADER}`, not `{}`", start_of(found));
            return Err(TraceError { line: 1, why });
        }
    }
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(at, line)| {
            line.parse().map_err(|error: TraceError| TraceError { line: at + 1, ..error })
        })
        .collect()
}

fn start_of(line: &str) -> String {
    line.chars().take(40).collect()
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}

fn seconds(f: &mut fmt::Formatter<'_>, span: Duration) -> fmt::Result {
    write!(f, "{}.{:09}", span.as_secs(), span.subsec_nanos())
}

fn unseconds(text: &str) -> Option<Duration> {
    let (whole, nanos) = text.split_once('.')?;
    let nanos = (nanos.len() == 9).then(|| nanos.parse().ok())??;
    Some(Duration::new(whole.parse().ok()?, nanos))
}

fn kind_name(kind: DeviceErrorKind) -> &'static str {
    match kind {
        DeviceErrorKind::Gone => "gone",
        DeviceErrorKind::Reset => "reset",
        DeviceErrorKind::TimedOut => "timeout",
        DeviceErrorKind::Refused => "refused",
        DeviceErrorKind::Host => "host",
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.number)?;
        seconds(f, Duration::from_nanos(self.at.0))?;
        let arrow = match self.direction {
            Direction::None => '-',
            Direction::In => '<',
            Direction::Out => '>',
        };
        write!(f, " {} {arrow} {}", Hex(self.cdb.bytes()), self.len)?;
        if self.residual != 0 {
            write!(f, "-{}", self.residual)?;
        }
        match &self.data {
            Kept::Nothing => f.write_str(" -")?,
            Kept::Bytes(bytes) => write!(f, " {}", Hex(bytes))?,
            Kept::Hash(hash) => write!(f, " sha256:{}", Hex(hash))?,
        }
        match &self.ended {
            Ended::Spoke(Status::Good, _) => f.write_str(" good +")?,
            Ended::Spoke(Status::CheckCondition, sense) => write!(f, " check:{} +", Hex(sense))?,
            Ended::Spoke(Status::Busy, _) => f.write_str(" busy +")?,
            Ended::Spoke(Status::Other(code), _) => write!(f, " status:{code:02x} +")?,
            Ended::Failed(kind) => write!(f, " {} +", kind_name(*kind))?,
        }
        seconds(f, self.elapsed)?;
        write!(f, " # {}", say(&self.cdb))?;
        if let Ended::Spoke(Status::CheckCondition, sense) = &self.ended
            && let Ok(sense) = Sense::parse(sense)
        {
            write!(f, ": {}", sense.say())?;
        }
        Ok(())
    }
}

impl FromStr for Exchange {
    type Err = TraceError;

    fn from_str(line: &str) -> Result<Exchange, TraceError> {
        let error =
            |what: &str| TraceError { line: 0, why: format!("no {what} in `{}`", start_of(line)) };
        let fields = line.split_once(" # ").map_or(line, |(fields, _)| fields);
        let fields: Vec<&str> = fields.split(' ').collect();
        let [number, at, cdb, arrow, len, data, ended, elapsed] = fields[..] else {
            return Err(error("exchange of eight fields"));
        };
        let at = unseconds(at).and_then(|at| u64::try_from(at.as_nanos()).ok());
        let (len, residual) = len.split_once('-').unwrap_or((len, "0"));
        let cdb = unhex(cdb).filter(|cdb| (1..=16).contains(&cdb.len()));
        Ok(Exchange {
            number: number.parse().map_err(|_| error("number"))?,
            at: Instant(at.ok_or_else(|| error("time"))?),
            cdb: Cdb::new(&cdb.ok_or_else(|| error("CDB"))?),
            direction: match arrow {
                "-" => Direction::None,
                "<" => Direction::In,
                ">" => Direction::Out,
                _ => return Err(error("direction")),
            },
            len: len.parse().map_err(|_| error("length"))?,
            residual: residual.parse().map_err(|_| error("residual"))?,
            data: parse_kept(data).ok_or_else(|| error("data"))?,
            ended: parse_ended(ended).ok_or_else(|| error("result"))?,
            elapsed: elapsed
                .strip_prefix('+')
                .and_then(unseconds)
                .ok_or_else(|| error("elapsed time"))?,
        })
    }
}

fn parse_kept(text: &str) -> Option<Kept> {
    if text == "-" {
        return Some(Kept::Nothing);
    }
    match text.strip_prefix("sha256:") {
        Some(hash) => Some(Kept::Hash(unhex(hash)?.try_into().ok()?)),
        None => unhex(text).filter(|bytes| !bytes.is_empty()).map(Kept::Bytes),
    }
}

fn parse_ended(text: &str) -> Option<Ended> {
    if let Some(sense) = text.strip_prefix("check:") {
        return Some(Ended::Spoke(Status::CheckCondition, unhex(sense)?));
    }
    if let Some(code) = text.strip_prefix("status:") {
        let code = *unhex(code)?.first()?;
        return Some(Ended::Spoke(Status::Other(code), Vec::new()));
    }
    Some(match text {
        "good" => Ended::Spoke(Status::Good, Vec::new()),
        "busy" => Ended::Spoke(Status::Busy, Vec::new()),
        "gone" => Ended::Failed(DeviceErrorKind::Gone),
        "reset" => Ended::Failed(DeviceErrorKind::Reset),
        "timeout" => Ended::Failed(DeviceErrorKind::TimedOut),
        "refused" => Ended::Failed(DeviceErrorKind::Refused),
        "host" => Ended::Failed(DeviceErrorKind::Host),
        _ => return None,
    })
}

/// For fuzz targets and property tests.
#[doc(hidden)]
pub mod fuzzing {
    use super::{Exchange, parse};

    /// Any text parses or is refused; what parses prints as something that parses to the same.
    pub fn trace(text: &str) {
        let _ = parse(text);
        for line in text.lines() {
            if let Ok(exchange) = line.parse::<Exchange>() {
                assert_eq!(exchange.to_string().parse(), Ok(exchange), "{line}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "3 12.345678901 2a000000001000001000 > 32768 sha256:0123456789abcdef \
                        check:70000200000000 +0.012000000";

    #[test]
    fn lines_parse_and_print_the_same() {
        let trace = parse(&format!("{HEADER}\n# a remark\n\n{LINE} # said\n")).unwrap();
        let [exchange] = &trace[..] else { panic!("one line, {} exchanges", trace.len()) };
        assert_eq!(exchange.elapsed, Duration::from_millis(12));
        assert_eq!(exchange.at, Instant(12_345_678_901));
        let printed = exchange.to_string();
        assert_eq!(printed.split(" # ").next(), Some(LINE));
        assert!(printed.contains("WRITE (10) lba 16, 16 blocks: not ready"), "{printed}");
    }

    #[test]
    fn garbage_is_named_with_its_line() {
        let error = parse(&format!("{HEADER}\n{LINE}\n4 x\n")).unwrap_err();
        assert_eq!(error.line, 3);
        assert_eq!(parse("something else").unwrap_err().line, 1);
        for field in 0..8 {
            let mut fields: Vec<&str> = LINE.split(' ').collect();
            fields[field] = "é";
            assert!(fields.join(" ").parse::<Exchange>().is_err(), "field {field}");
        }
    }

    #[test]
    fn hashes_are_of_the_data() {
        // SHA-256 of "abc", from FIPS 180-4's examples.
        let hash = [0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea];
        assert_eq!(Kept::of(b"abc", 2), Kept::Hash(hash));
        assert!(Kept::Hash(hash).matches(b"abc") && !Kept::Hash(hash).matches(b"abd"));
        assert_eq!(Kept::of(b"abc", 3), Kept::Bytes(b"abc".to_vec()));
    }
}
