//! The journal: two areas, one of them live, holding frames.
//!
//! ```text
//!  0  4  length of the payload
//!  4  4  generation: counts snapshots
//!  8  4  CRC-32 of the frame's place in its area, of bytes 0 to 7 and 12 to 23, of the payload
//! 12  1  kind: 1 start without a snapshot, 2 snapshot, 3 record
//! 13  3  zero
//! 16  8  end of the slots written so far, in bytes: the file must reach that far
//! 24     payload
//! ```
//! An area starts with a frame of kind 1 or 2; the live one is that with the higher generation. As
//! place and generation are in the checksum, nothing left over from earlier use of the area passes
//! for a frame of this one.

use super::backing::Backing;
use super::header::{DATA_AT, JOURNAL_AT};
use super::{StoreErrorKind, io_kind, is_zero};
use engine::crc::Crc32;

/// Bytes of one journal area.
pub(super) const AREA: u64 = 16 << 20;

const FRAME: usize = 24;

const START: u8 = 1;
const SNAPSHOT: u8 = 2;
const RECORD: u8 = 3;

/// The live area and where it ends.
#[derive(Debug)]
pub(super) struct Journal {
    area: u64,
    generation: u32,
    used: u64,
    /// Length of the first frame.
    base: u64,
    data_end: u64,
}

/// What the live area holds.
pub(super) struct Found {
    pub(super) snapshot: Option<Vec<u8>>,
    pub(super) records: Vec<Vec<u8>>,
}

impl Journal {
    /// The journal of a new store.
    pub(super) fn create(backing: &mut Backing) -> Result<Journal, StoreErrorKind> {
        let mut journal = Journal { area: 1, generation: 0, used: 0, base: 0, data_end: 0 };
        journal.begin(backing, &mut Vec::new(), START, &[])?;
        Ok(journal)
    }

    pub(super) fn data_end(&self) -> u64 {
        self.data_end
    }

    pub(super) fn data_written(&mut self, end: u64) {
        self.data_end = self.data_end.max(end);
    }

    pub(super) fn half_full(&self) -> bool {
        self.used - self.base > (AREA - self.base) / 2
    }

    pub(super) fn append(
        &mut self,
        backing: &mut Backing,
        frame: &mut Vec<u8>,
        record: &[u8],
    ) -> Result<(), StoreErrorKind> {
        if (record.len() + FRAME) as u64 > AREA - self.used {
            return Err(StoreErrorKind::JournalFull);
        }
        build(frame, self.used, self.generation, RECORD, self.data_end, record);
        backing
            .write_at(area_at(self.area) + self.used, frame)
            .map_err(|e| io_kind("appending to the journal", &e))?;
        self.used += frame.len() as u64;
        Ok(())
    }

    pub(super) fn snapshot(
        &mut self,
        backing: &mut Backing,
        frame: &mut Vec<u8>,
        state: &[u8],
    ) -> Result<(), StoreErrorKind> {
        if state.len() as u64 > AREA / 2 {
            return Err(StoreErrorKind::TooLarge { what: "the snapshot" });
        }
        self.begin(backing, frame, SNAPSHOT, state)
    }

    /// Makes the other area the live one.
    fn begin(
        &mut self,
        backing: &mut Backing,
        frame: &mut Vec<u8>,
        kind: u8,
        payload: &[u8],
    ) -> Result<(), StoreErrorKind> {
        let (area, generation) = (1 - self.area, self.generation + 1);
        build(frame, 0, generation, kind, self.data_end, payload);
        backing
            .write_at(area_at(area), frame)
            .map_err(|e| io_kind("starting a journal area", &e))?;
        let used = frame.len() as u64;
        *self = Journal { area, generation, used, base: used, data_end: self.data_end };
        Ok(())
    }
}

fn area_at(area: u64) -> u64 {
    JOURNAL_AT + area * AREA
}

fn build(frame: &mut Vec<u8>, place: u64, generation: u32, kind: u8, end: u64, payload: &[u8]) {
    frame.clear();
    frame.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    frame.extend_from_slice(&generation.to_le_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(&[kind, 0, 0, 0]);
    frame.extend_from_slice(&end.to_le_bytes());
    frame.extend_from_slice(payload);
    let crc = checksum(place, frame);
    frame[8..12].copy_from_slice(&crc.to_le_bytes());
}

fn checksum(place: u64, frame: &[u8]) -> u32 {
    Crc::new().with(&place.to_le_bytes()).with(&frame[..8]).with(&frame[12..]).finish()
}

/// A frame that was read.
struct Frame {
    generation: u32,
    kind: u8,
    end: u64,
    payload: Vec<u8>,
}

/// What stands at a place of an area.
enum At {
    Frame(Frame),
    /// Zeros, or no room for a frame.
    Nothing,
    /// Something that is no frame: torn, left over or damaged.
    Garbage,
}

/// An area, read piece by piece as it is needed.
struct Area<'a> {
    backing: &'a Backing,
    at: u64,
    bytes: Vec<u8>,
}

impl<'a> Area<'a> {
    fn new(backing: &'a Backing, area: u64) -> Area<'a> {
        Area { backing, at: area_at(area), bytes: Vec::new() }
    }

    /// The bytes from `place` on, `len` of them; `None` past the area's end.
    fn get(&mut self, place: usize, len: usize) -> Result<Option<&[u8]>, StoreErrorKind> {
        let Some(end) = place.checked_add(len).filter(|&end| end as u64 <= AREA) else {
            return Ok(None);
        };
        if end > self.bytes.len() {
            let old = self.bytes.len();
            let new = end.next_multiple_of(64 * 1024).min(AREA as usize).max(2 * old);
            self.bytes.resize(new.min(AREA as usize), 0);
            self.backing
                .read_at(self.at + old as u64, &mut self.bytes[old..])
                .map_err(|e| io_kind("reading the journal", &e))?;
        }
        Ok(Some(&self.bytes[place..end]))
    }

    fn frame(&mut self, place: usize) -> Result<At, StoreErrorKind> {
        let Some(head) = self.get(place, FRAME)? else { return Ok(At::Nothing) };
        let word =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        if head.iter().all(|&b| b == 0) {
            return Ok(At::Nothing);
        }
        let (len, generation, crc, kind) = (word(0), word(4), word(8), head[12]);
        let end = u64::from(word(16)) | u64::from(word(20)) << 32;
        let Some(frame) = self.get(place, FRAME + len as usize)? else { return Ok(At::Garbage) };
        if checksum(place as u64, frame) != crc {
            return Ok(At::Garbage);
        }
        Ok(At::Frame(Frame { generation, kind, end, payload: frame[FRAME..].to_vec() }))
    }

    /// The first place behind `place` at which a frame of this generation or the next stands. (No
    /// journal gets further without a snapshot of its own.)
    fn later(&mut self, place: usize, generation: u32) -> Result<Option<usize>, StoreErrorKind> {
        const PIECE: usize = 1 << 20;
        let mut piece = vec![0; PIECE + FRAME];
        for from in (place + 1..AREA as usize).step_by(PIECE) {
            let len = piece.len().min(AREA as usize - from);
            let piece = &mut piece[..len];
            self.backing
                .read_at(self.at + from as u64, piece)
                .map_err(|e| io_kind("reading the journal", &e))?;
            if is_zero(piece) {
                continue;
            }
            for (i, word) in piece.windows(8).enumerate().take(PIECE) {
                let found = u32::from_le_bytes([word[4], word[5], word[6], word[7]]);
                let near = found == generation || found == generation.saturating_add(1);
                if near && matches!(self.frame(from + i)?, At::Frame(_)) {
                    return Ok(Some(from + i));
                }
            }
        }
        Ok(None)
    }
}

/// Reads the journal, finds the live area and cuts a torn tail off.
pub(super) fn recover(backing: &Backing) -> Result<(Journal, Found), StoreErrorKind> {
    let damaged = |area: u64, place: usize, what: &str| StoreErrorKind::Damaged {
        offset: area_at(area) + place as u64,
        what: what.into(),
    };
    let mut first = Vec::new();
    for area in [0, 1] {
        first.push(match Area::new(backing, area).frame(0)? {
            At::Frame(frame) if frame.kind == START || frame.kind == SNAPSHOT => Some(frame),
            _ => None,
        });
    }
    let generations = [0, 1].map(|i: usize| first[i].as_ref().map(|frame| frame.generation));
    let live = u64::from(generations[1] > generations[0]);
    let Some(start) = first.swap_remove(live as usize) else {
        return Err(damaged(0, 0, "no journal starts here or in the other area"));
    };
    let generation = start.generation;
    // A snapshot that was being written when the process was killed has nothing behind it.
    if generations[1 - live as usize].is_none() {
        let mut other = Area::new(backing, 1 - live);
        let garbage = matches!(other.frame(0)?, At::Garbage | At::Frame(_));
        if garbage && other.later(0, generation + 1)?.is_some() {
            return Err(damaged(1 - live, 0, "the journal's first frame has a wrong checksum"));
        }
    }
    let mut area = Area::new(backing, live);
    let mut place = FRAME + start.payload.len();
    let base = place as u64;
    let mut data_end = start.end;
    let mut records = Vec::new();
    loop {
        match area.frame(place)? {
            At::Frame(frame) if frame.generation == generation && frame.kind == RECORD => {
                place += FRAME + frame.payload.len();
                data_end = data_end.max(frame.end);
                records.push(frame.payload);
            }
            At::Nothing => break,
            At::Garbage | At::Frame(_) => {
                if let Some(later) = area.later(place, generation)? {
                    let what = format!(
                        "a journal frame has a wrong checksum; a sound one follows {} bytes on",
                        later - place
                    );
                    return Err(damaged(live, place, &what));
                }
                break;
            }
        }
    }
    let len = backing.len().map_err(|e| io_kind("measuring the file", &e))?;
    if data_end > 0 && len < DATA_AT + data_end {
        let what = format!("the file ends here; its data reach to byte {}", DATA_AT + data_end);
        return Err(StoreErrorKind::Damaged { offset: len, what });
    }
    // Data may have been written after the last record.
    let data_end = len.saturating_sub(DATA_AT);
    let snapshot = (start.kind == SNAPSHOT).then_some(start.payload);
    let journal = Journal { area: live, generation, used: place as u64, base, data_end };
    Ok((journal, Found { snapshot, records }))
}

/// CRC-32 as in IEEE 802.3.
pub(super) type Crc = Crc32<0xEDB8_8320>;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Where in the file the next frame goes.
    pub(in crate::store) fn tail(journal: &Journal) -> u64 {
        area_at(journal.area) + journal.used
    }

    #[test]
    fn the_checksum_is_the_usual_crc_32() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(Crc::new().with(b"123456789").finish(), 0xCBF4_3926);
        assert_eq!(Crc::new().with(b"12345").with(b"6789").finish(), 0xCBF4_3926);
        assert_eq!(Crc::new().finish(), 0);
    }
}
