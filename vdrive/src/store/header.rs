//! The header block: who we are, and the opaque bytes given at creation.
//!
//! ```text
//!  0  8  "KILNDISC"
//!  8  4  version, 1
//! 12  4  slot size, 2048
//! 16  4  length of the opaque bytes
//! 20  4  CRC-32 of bytes 0 to 19 and of the opaque bytes
//! 24     the opaque bytes
//! ```
//! Integers are little-endian. The journal areas follow at 1 MiB, the slots at 33 MiB.

use super::backing::Backing;
use super::journal::{AREA, Crc};
use super::{SLOT, StoreErrorKind, io_kind};

/// How a disc file begins.
pub(crate) const MAGIC: &[u8; 8] = b"KILNDISC";
const VERSION: u32 = 1;
const FIXED: usize = 24;

/// The opaque bytes may be this long.
const ROOM: usize = JOURNAL_AT as usize - FIXED;

/// Where the journal areas start.
pub(super) const JOURNAL_AT: u64 = 1 << 20;

/// Where the slots start.
pub(super) const DATA_AT: u64 = JOURNAL_AT + 2 * AREA;

pub(super) fn write(backing: &mut Backing, blob: &[u8]) -> Result<(), StoreErrorKind> {
    if blob.len() > ROOM {
        return Err(StoreErrorKind::TooLarge { what: "the header" });
    }
    let mut bytes = Vec::with_capacity(FIXED + blob.len());
    bytes.extend_from_slice(MAGIC);
    for word in [VERSION, SLOT as u32, blob.len() as u32] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    let crc = Crc::new().with(&bytes).with(blob).finish();
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(blob);
    backing.write_at(0, &bytes).map_err(|e| io_kind("writing the header", &e))
}

pub(super) fn read(backing: &Backing) -> Result<Vec<u8>, StoreErrorKind> {
    let io = |e: std::io::Error| io_kind("reading the header", &e);
    let damaged = |offset, what: String| StoreErrorKind::Damaged { offset, what };
    let len = backing.len().map_err(io)?;
    let mut fixed = [0; FIXED];
    backing.read_at(0, &mut fixed).map_err(io)?;
    if &fixed[..8] != MAGIC {
        let what = format!("\"{}\" instead of \"KILNDISC\"", fixed[..8].escape_ascii());
        return Err(damaged(0, what));
    }
    let word =
        |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    if word(8) > VERSION {
        return Err(StoreErrorKind::Newer { version: word(8) });
    }
    if word(8) != VERSION {
        return Err(damaged(8, format!("version {} instead of 1", word(8))));
    }
    if word(12) != SLOT as u32 {
        return Err(damaged(12, format!("slots of {} bytes instead of {SLOT}", word(12))));
    }
    let size = word(16) as usize;
    if size > ROOM {
        return Err(damaged(16, format!("header of {size} bytes, more than {ROOM}")));
    }
    let mut blob = vec![0; size];
    backing.read_at(FIXED as u64, &mut blob).map_err(io)?;
    if Crc::new().with(&fixed[..20]).with(&blob).finish() != word(20) {
        return Err(damaged(20, "the header's checksum is wrong".into()));
    }
    if len <= JOURNAL_AT {
        return Err(damaged(len, "the file ends before its journal".into()));
    }
    Ok(blob)
}
