//! Whether a volume is what its standards say: every structure, field for field, and all of them
//! together. Nothing is mended.
//!
//! `iso9660` looks at descriptors, `directory` at the records of a hierarchy, `path_table` at path
//! tables, `susp` at System Use entries; `udf` has a folder of its own; `space` finds what lies
//! over something else. The bytes are hostile: each directory is looked at once, and memory is
//! bounded by [`Limits`]. May not know: where the blocks come from.

mod directory;
mod iso9660;
mod path_table;
mod space;
mod susp;
mod udf;

use std::fmt;

use super::read::{BootRecords, Limits, ReadError};
use super::sectors::Sectors;
use crate::units::{BLOCK, Blocks, Lba};
use space::Claims;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Allowed or usual, and still worth knowing.
    Note,
    /// Against the standard; readers will mostly cope.
    Warning,
    /// Against the standard, and something will be misread.
    Error,
}

/// Something that a standard wants otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Byte position from the start of the disc.
    pub at: u64,
    /// The standard and the clause of it.
    pub clause: &'static str,
    /// What is wrong there.
    pub what: String,
}

/// All that was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order of their places.
    pub findings: Vec<Finding>,
    /// Findings past the limit that were not kept.
    pub more: u64,
    /// What was found to look at, in words.
    pub volumes: Vec<String>,
    errors: u64,
    warnings: u64,
}

impl Report {
    /// Findings of the severity error, those not kept included.
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// Findings of the severity warning, those not kept included.
    pub fn warnings(&self) -> u64 {
        self.warnings
    }
}

/// Looks at everything that belongs to the session that begins at `session`.
pub fn check(sectors: &mut dyn Sectors, session: Lba, limits: Limits) -> Result<Report, ReadError> {
    let start = u32::try_from(session.0).unwrap_or(0);
    let boot = BootRecords::read(sectors, session)?;
    let mut checker = Checker::new(sectors, limits);
    let iso = iso9660::check(&mut checker, start);
    let udf = udf::check(&mut checker, session)?;
    if !iso && !udf {
        return Err(ReadError::NoVolume { at: session });
    }
    for flaw in boot.findings {
        let system_area = flaw.at < byte(start.saturating_add(16));
        let clause = if system_area { "UEFI 2.10, 5" } else { "El Torito 1.0, 2.0" };
        checker.warning(flaw.at, clause, flaw.what);
    }
    if let Some(el_torito) = &boot.el_torito {
        checker.report.volumes.push("El Torito".to_owned());
        for (_, entry, _) in el_torito.entries() {
            if entry.lba >= checker.blocks() {
                let what = "a boot image lies behind the last block".to_owned();
                checker.error(byte(el_torito.lba), "El Torito 1.0, 2.2", what);
            }
        }
    }
    let claims = std::mem::take(&mut checker.claims);
    claims.check(&mut checker);
    let mut report = checker.report;
    report.findings.sort_by_key(|finding| finding.at);
    Ok(report)
}

/// The blocks, and what has been found wrong with them.
struct Checker<'a> {
    sectors: &'a mut dyn Sectors,
    limits: Limits,
    report: Report,
    claims: Claims,
    /// Bytes of continuation areas that were looked at.
    continued: u64,
    at_hand: Option<(u32, Box<[u8; BLOCK]>)>,
}

impl<'a> Checker<'a> {
    fn new(sectors: &'a mut dyn Sectors, limits: Limits) -> Checker<'a> {
        let claims = Claims::new(limits.nodes);
        Checker { sectors, limits, report: Report::default(), claims, continued: 0, at_hand: None }
    }

    fn blocks(&self) -> u32 {
        self.sectors.blocks().0
    }

    fn find(&mut self, severity: Severity, at: u64, clause: &'static str, what: String) {
        match severity {
            Severity::Error => self.report.errors += 1,
            Severity::Warning => self.report.warnings += 1,
            Severity::Note => {}
        }
        if self.report.findings.len() < self.limits.findings as usize {
            self.report.findings.push(Finding { severity, at, clause, what });
        } else {
            self.report.more += 1;
        }
    }

    fn error(&mut self, at: u64, clause: &'static str, what: impl Into<String>) {
        self.find(Severity::Error, at, clause, what.into());
    }

    fn warning(&mut self, at: u64, clause: &'static str, what: impl Into<String>) {
        self.find(Severity::Warning, at, clause, what.into());
    }

    fn note(&mut self, at: u64, clause: &'static str, what: impl Into<String>) {
        self.find(Severity::Note, at, clause, what.into());
    }

    /// A block; `None` behind the last one, and where it cannot be read, which is a finding.
    fn block(&mut self, block: u32) -> Option<Box<[u8; BLOCK]>> {
        if let Some((at, bytes)) = &self.at_hand
            && *at == block
        {
            return Some(bytes.clone());
        }
        if block >= self.blocks() {
            return None;
        }
        let mut bytes = Box::new([0; BLOCK]);
        match self.sectors.read(Blocks(block), &mut bytes[..]) {
            Ok(()) => {
                self.at_hand = Some((block, bytes.clone()));
                Some(bytes)
            }
            Err(error) => {
                self.error(byte(block), "the medium", error.to_string());
                None
            }
        }
    }

    /// Bytes that begin with a block; `None` if some of them are not there.
    fn bytes(&mut self, block: u32, len: usize) -> Option<Vec<u8>> {
        let blocks = len.div_ceil(BLOCK) as u64;
        if u64::from(block) + blocks > u64::from(self.blocks()) {
            return None;
        }
        let mut out = Vec::with_capacity(blocks as usize * BLOCK);
        for at in block..block + blocks as u32 {
            out.extend_from_slice(&self.block(at)?[..]);
        }
        out.truncate(len);
        Some(out)
    }

    /// A number of 16 bits in both orders (ECMA-119, 7.2.3); which has to be the same twice.
    fn both16(&mut self, bytes: &[u8], at: u64, field: usize, what: &str) -> u16 {
        let little = u16::from_le_bytes([bytes[field], bytes[field + 1]]);
        let big = u16::from_be_bytes([bytes[field + 2], bytes[field + 3]]);
        if little != big {
            let what = format!("{what} is {little} and, in the other order, {big}");
            self.error(at + field as u64, "ECMA-119, 7.2.3", what);
        }
        little
    }

    /// A number of 32 bits in both orders (ECMA-119, 7.3.3).
    fn both32(&mut self, bytes: &[u8], at: u64, field: usize, what: &str) -> u32 {
        let four = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let (little, big) = (u32::from_le_bytes(four(field)), u32::from_be_bytes(four(field + 4)));
        if little != big {
            let what = format!("{what} is {little} and, in the other order, {big}");
            self.error(at + field as u64, "ECMA-119, 7.3.3", what);
        }
        little
    }
}

/// Byte position of a block.
fn byte(block: u32) -> u64 {
    u64::from(block) * BLOCK as u64
}

/// A name in one line.
fn readable(name: &[u8]) -> String {
    let mut text = String::new();
    super::tree::push_readable(&mut text, name);
    text
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { severity, at, clause, what } = self;
        write!(f, "{severity}: byte {at} (block {}): {what} ({clause})", at / BLOCK as u64)
    }
}
