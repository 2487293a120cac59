//! What tells a disc, in the state that it is in, from others: so that what was planned for one is
//! not written to another.
//!
//! Drives give rewritable and blank discs no number of their own. What a disc says of its sessions,
//! with the head of the volume that lies on it (name, times, sizes), is as good: it differs between
//! any two discs that were written apart, and changes with every session that is added.

use std::fmt;

use sha2::{Digest, Sha256};

use super::survey::Question;
use super::{Error, Medium, Recorder, recorder, retry};
use crate::mmc::cdb::{Command, Read10, ReadDiscInformation};
use crate::mmc::disc::DiscInformation;
use crate::units::{BLOCK, Blocks, Lba};

/// Blocks of volume descriptors that count, and where they begin in a session (ECMA-119, 6.2.1).
const HEAD: u16 = 16;
/// Where the first anchor of UDF lies in a session (ECMA-167, 3/8.4.2.1).
const ANCHOR: u32 = 256;

/// A disc in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where the session begins whose head counts.
    session: Option<Lba>,
    hash: [u8; 32],
}

/// Finds out a [`Mark`], one question after the other.
#[derive(Clone, Debug)]
pub(crate) struct Marker {
    session: Option<Lba>,
    hash: Sha256,
    at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Disc,
    Head,
    Anchor,
    Done,
}

impl Marker {
    /// By the session that begins there; `None` on a disc without one.
    pub(crate) fn new(session: Option<Lba>) -> Marker {
        Marker { session, hash: Sha256::new(), at: At::Disc }
    }

    /// The next question, or `None` once all are answered.
    pub(crate) fn next(&self) -> Option<Question> {
        let read = |behind: u32, blocks: u16| {
            let lba = self.session?.checked_add(Blocks(behind))?;
            let cdb = Read10 { lba, blocks, ..Read10::default() }.cdb();
            Some(Question { cdb, room: usize::from(blocks) * BLOCK })
        };
        match self.at {
            At::Disc => {
                let room = DiscInformation::LEN;
                let ask = ReadDiscInformation { kind: 0, allocation: room as u16 };
                Some(Question { cdb: ask.cdb(), room })
            }
            At::Head => read(HEAD.into(), HEAD),
            At::Anchor => read(ANCHOR, 1),
            At::Done => None,
        }
    }

    /// Takes the answer; `None` where the drive refused it or cannot read that.
    pub(crate) fn answer(&mut self, bytes: Option<&[u8]>) {
        let bytes = bytes.unwrap_or(&[]);
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.at = match self.at {
            At::Disc => {
                self.hash.update(sessions(bytes));
                if self.session.is_some() { At::Head } else { At::Done }
            }
            At::Head => {
                self.hash.update(bytes);
                // Without UDF that block is anything, or none that can be read.
                let udf = bytes.chunks_exact(BLOCK).any(|block| block[1..4] == *b"NSR");
                if udf { At::Anchor } else { At::Done }
            }
            At::Anchor | At::Done => {
                self.hash.update(bytes);
                At::Done
            }
        };
    }

    /// What the answers come to.
    pub(crate) fn mark(self) -> Mark {
        Mark { session: self.session, hash: self.hash.finalize().into() }
    }
}

/// What READ DISC INFORMATION says of sessions and tracks (MMC-6, 6.22.3.1), without what changes
/// by itself: formatting in the background, and what only some answers are long enough for.
fn sessions(bytes: &[u8]) -> Vec<u8> {
    let fields = [2..7, 9..24];
    fields.into_iter().flat_map(|field| bytes.get(field).unwrap_or_default().to_vec()).collect()
}

impl Mark {
    /// Finds it out again, by the same session.
    pub(crate) fn again(&self) -> Marker {
        Marker::new(self.session)
    }
}

impl Recorder<'_> {
    /// What tells the disc in it from others. Sends only commands that ask.
    pub fn mark(&mut self, medium: &Medium) -> Result<Mark, Error> {
        let mut marker = Marker::new(medium.newest_session());
        while let Some(Question { cdb, room }) = marker.next() {
            let asked = self.ask_raw(cdb, room, None, retry::Situation::Start);
            let answer = match asked {
                Err(Error { kind: super::ErrorKind::Sense(_), .. }) => None,
                answer => recorder::optional(answer)?,
            };
            marker.answer(answer.as_deref());
        }
        Ok(marker.mark())
    }
}

impl fmt::Display for Mark {
    /// Sixteen digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash[..8].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
