//! The disc: the only truth that survives a power loss. What the laser left, block by block, and
//! what the disc's own tables say: tracks, sessions, format, wear.
//!
//! Kept in a store whose journal has a record for each [`Change`]; data goes first, the record that
//! makes it true after it. May not know: commands, buffers, time, faults.

mod change;
mod header;
mod runs;
mod sectors;
mod state;

use std::fmt;
use std::path::Path;

use engine::units::{BLOCK, Blocks, Lba};
use sha2::{Digest, Sha256};

pub use self::change::Change;
pub use self::runs::Runs;
pub use self::state::{CdTrack, Format, FormatState, Session, State, Track, TrackState, Way};
pub(crate) use self::state::{RAM_PRIMARY, ram_supplementary};
use crate::mechanism::{BurnFault, FaultCause, Form, Surface};
use crate::models::MediumModel;
use crate::store::{Store, StoreError};

/// Blocks before LBA 0 that have a place in the store: the pre-gap and lead-in of a CD.
const BEFORE_ZERO: i64 = 16_384;

/// A disc, in a file or in memory.
#[derive(Debug)]
pub struct Disc {
    store: Store,
    state: State,
    /// Blocks that the laser cannot record.
    unwritable: Runs,
    /// Blocks that cannot be read whatever they hold.
    unreadable: Runs,
}

/// Why there is no disc.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscError {
    /// The file cannot be had.
    Store(StoreError),
    /// The file is sound but does not hold a disc.
    NoDisc {
        /// The file.
        path: String,
        /// What is wrong with what it holds.
        what: String,
    },
}

impl fmt::Display for DiscError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiscError::Store(error) => error.fmt(f),
            DiscError::NoDisc { path, what } => write!(f, "disc file {path}: {what}"),
        }
    }
}

impl std::error::Error for DiscError {}

impl From<StoreError> for DiscError {
    fn from(error: StoreError) -> DiscError {
        DiscError::Store(error)
    }
}

impl Disc {
    /// A blank disc in a new file.
    pub fn create(path: &Path, model: &MediumModel) -> Result<Disc, DiscError> {
        Ok(Disc::blank(Store::create(path, &header::emit(model))?, model))
    }

    /// A blank disc in memory.
    pub fn memory(model: &MediumModel) -> Result<Disc, DiscError> {
        Ok(Disc::blank(Store::memory(&header::emit(model))?, model))
    }

    fn blank(store: Store, model: &MediumModel) -> Disc {
        Disc {
            store,
            state: State::blank(model.clone()),
            unwritable: Runs::new(),
            unreadable: Runs::new(),
        }
    }

    /// The disc in this file, as the laser left it.
    pub fn open(path: &Path) -> Result<Disc, DiscError> {
        let (store, replay) = Store::open(path)?;
        Disc::replay(store, replay)
    }

    /// A second disc that is now as this one would be after a power cut, in memory; `None` for a
    /// disc in a file.
    pub fn fork(&self) -> Option<Result<Disc, DiscError>> {
        let forked = self.store.fork()?;
        Some(forked.map_err(DiscError::from).and_then(|(store, replay)| {
            let disc = Disc::replay(store, replay)?;
            let unwritable = self.unwritable.clone();
            Ok(Disc { unwritable, unreadable: self.unreadable.clone(), ..disc })
        }))
    }

    fn replay(store: Store, replay: crate::store::Replay) -> Result<Disc, DiscError> {
        let bad = |what: String| DiscError::NoDisc { path: store.path().to_owned(), what };
        let model = header::parse(&replay.header)
            .ok_or_else(|| bad("its header names no medium model".into()))?;
        let mut state = State::blank(model);
        let snapshot = replay.snapshot.as_deref().map_or(Some(Vec::new()), unframe);
        let snapshot = snapshot.ok_or_else(|| bad("its snapshot cannot be read".into()))?;
        let records = replay.records.iter().map(Vec::as_slice);
        for (i, record) in snapshot.into_iter().chain(records).enumerate() {
            let change = Change::parse(record)
                .ok_or_else(|| bad(format!("record {i} of its journal says nothing known")))?;
            change.apply(&mut state);
        }
        Ok(Disc { store, state, unwritable: Runs::new(), unreadable: Runs::new() })
    }

    /// What is true of the disc beside the content of its blocks.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The disc's file, or `memory`.
    pub fn path(&self) -> &str {
        self.store.path()
    }

    /// Makes something true. It has happened once this returns, whatever becomes of the process.
    pub fn apply(&mut self, change: Change) -> Result<(), StoreError> {
        self.store.append(&change.emit())?;
        change.apply(&mut self.state);
        if self.store.wants_snapshot() {
            self.compact()?;
        }
        Ok(())
    }

    fn compact(&mut self) -> Result<(), StoreError> {
        let mut snapshot = Vec::new();
        for change in change::snapshot(&self.state) {
            let record = change.emit();
            snapshot.extend_from_slice(&(record.len() as u16).to_le_bytes());
            snapshot.extend_from_slice(&record);
        }
        self.store.snapshot(&snapshot)
    }

    /// Fills `room`, a whole number of blocks, with what lies from `at` on. Blocks that hold
    /// nothing read as zeros here; whether a drive could read them is in [`Disc::readable`].
    pub fn read(&self, at: Lba, room: &mut [u8]) -> Result<(), StoreError> {
        let blocks = Blocks((room.len() / BLOCK) as u32);
        let mut rest = room;
        for (there, stretch) in self.places(at, blocks) {
            let (now, behind) = rest.split_at_mut(stretch.0 as usize * BLOCK);
            self.read_place(there, now)?;
            rest = behind;
        }
        Ok(())
    }

    /// Where these blocks lie: in one stretch, unless parts of them were written again elsewhere.
    fn places(&self, at: Lba, blocks: Blocks) -> Vec<(Lba, Blocks)> {
        let state = &self.state;
        let first = state.unit_start(at);
        if state.remapped.range(first..at + blocks).next().is_none() {
            return vec![(at, blocks)];
        }
        let (mut places, mut done) = (Vec::new(), Blocks(0));
        while done < blocks {
            let lba = at + done;
            let end = state.unit_start(lba) + state.unit();
            let stretch = (end - lba).min(blocks - done);
            places.push((state.place(lba), stretch));
            done += stretch;
        }
        places
    }

    /// What lies at a place of the disc.
    fn read_place(&self, at: Lba, room: &mut [u8]) -> Result<(), StoreError> {
        let blocks = Blocks((room.len() / BLOCK) as u32);
        self.store.read(slot(at), room)?;
        // What an erasure or a format left in the store is not on the disc.
        let all = self.state.recorded.covers(at, blocks);
        let plain = [&self.state.zeros, &self.state.audio, &self.state.whole]
            .into_iter()
            .all(|runs| runs.first_in(at, blocks).is_none());
        if all && plain {
            return Ok(());
        }
        for (i, block) in room.chunks_exact_mut(BLOCK).enumerate() {
            let lba = at + Blocks(i as u32);
            if self.is_audio(lba) || self.state.whole.contains(lba) {
                self.user_of_whole(lba, block)?;
            }
            if !self.state.recorded.contains(lba) || self.state.zeros.contains(lba) {
                block.fill(0);
            }
        }
        Ok(())
    }

    /// The first of these blocks that a drive cannot read.
    pub fn first_unreadable(&self, at: Lba, blocks: Blocks) -> Option<Lba> {
        let mut done = Blocks(0);
        for (there, stretch) in self.places(at, blocks) {
            let hole = self.state.recorded.first_out(there, stretch);
            let bad = outside(&self.unreadable, &self.state.replaced, there, stretch);
            if let Some(first) = [hole, bad].into_iter().flatten().min() {
                return Some(at + done + (first - there));
            }
            done += stretch;
        }
        None
    }

    /// Whether a drive can read this block.
    pub fn readable(&self, at: Lba) -> bool {
        self.first_unreadable(at, Blocks(1)).is_none()
    }

    /// Scratches these blocks: they can no longer be recorded.
    pub fn spoil_writing(&mut self, at: Lba, blocks: Blocks) {
        self.unwritable.insert(at, blocks);
    }

    /// Scratches these blocks: they can no longer be read.
    pub fn spoil_reading(&mut self, at: Lba, blocks: Blocks) {
        self.unreadable.insert(at, blocks);
    }

    /// Blocks that cannot be read whatever they hold.
    pub fn spoilt(&self) -> &Runs {
        &self.unreadable
    }

    /// How many stretches of it are scratched in one way or another.
    pub(crate) fn scratches(&self) -> usize {
        self.unwritable.iter().count() + self.unreadable.iter().count()
    }

    /// SHA-256 over the state and the content of all recorded blocks.
    pub fn fingerprint(&self) -> Result<[u8; 32], StoreError> {
        let mut hash = Sha256::new();
        hash.update(header::emit(&self.state.model));
        for change in change::snapshot(&self.state) {
            hash.update(change.emit());
        }
        let mut room = vec![0; 32 * BLOCK];
        // Zeros of a format are in the state; to hash what they read as would take minutes.
        let mut stored = self.state.recorded.clone();
        for (at, blocks) in self.state.zeros.iter() {
            stored.remove(at, blocks);
        }
        for (at, blocks) in stored.iter() {
            let mut done = 0;
            while done < blocks.0 {
                let now = (blocks.0 - done).min(32);
                let room = &mut room[..now as usize * BLOCK];
                self.read(at + Blocks(done), room)?;
                hash.update(&room);
                done += now;
            }
        }
        let mut wide = self.state.audio.clone();
        for (at, blocks) in self.state.whole.iter().chain(self.state.sub.iter()) {
            wide.insert(at, blocks);
        }
        for (at, blocks) in wide.iter() {
            for i in 0..blocks.0 {
                let at = at + Blocks(i);
                if self.state.recorded.contains(at) && !self.state.zeros.contains(at) {
                    hash.update(self.frame(at)?);
                    hash.update(self.subcode(at)?.unwrap_or([0; 96]));
                }
            }
        }
        Ok(hash.finalize().into())
    }
}

/// The first of these blocks that is spoilt and does not lie in a spare area instead.
fn outside(spoilt: &Runs, replaced: &Runs, at: Lba, blocks: Blocks) -> Option<Lba> {
    let end = at + blocks;
    let mut from = at;
    while from < end {
        let bad = spoilt.first_in(from, end - from)?;
        match replaced.run_at(bad) {
            None => return Some(bad),
            Some((_, behind)) => from = behind,
        }
    }
    None
}

/// The slot of a block.
fn slot(at: Lba) -> u64 {
    // Addresses before the lead-in share the first slot: no drive gets there.
    (i64::from(at.0) + BEFORE_ZERO).max(0).unsigned_abs()
}

/// The records in a snapshot.
fn unframe(mut snapshot: &[u8]) -> Option<Vec<&[u8]>> {
    let mut records = Vec::new();
    while !snapshot.is_empty() {
        let (len, rest) = snapshot.split_first_chunk::<2>()?;
        let (record, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*len)))?;
        records.push(record);
        snapshot = rest;
    }
    Some(records)
}

impl Disc {
    /// Records blocks of one unit at their own place.
    fn burn_here(&mut self, lba: Lba, form: Form, sectors: &[u8]) -> Result<(), BurnFault> {
        let fault = |lba, cause| BurnFault { lba, cause };
        let blocks = Blocks(sectors.len() as u32 / form.bytes().max(1));
        if let Some(bad) = outside(&self.unwritable, &self.state.replaced, lba, blocks) {
            self.replace(bad)?;
        }
        if !self.state.kind().rewritable() {
            // A second pass of the laser over a write-once block leaves nothing readable.
            let touched = [&self.state.recorded, &self.state.links, &self.state.damaged];
            let twice = touched.iter().filter_map(|runs| runs.first_in(lba, blocks)).min();
            if let Some(twice) = twice {
                self.apply(Change::Damaged(lba, blocks))
                    .map_err(|e| fault(lba, FaultCause::Store(e)))?;
                return Err(fault(twice, FaultCause::Medium));
            }
        }
        let store = |e| fault(lba, FaultCause::Store(e));
        self.keep(lba, form, sectors).map_err(store)?;
        let change = match form {
            Form::USER => Change::Recorded(lba, blocks),
            _ => Change::Sectors(lba, blocks, form),
        };
        self.apply(change).map_err(store)
    }

    /// The unit of this block goes into a spare area; without one left, it is lost.
    fn replace(&mut self, bad: Lba) -> Result<(), BurnFault> {
        let fault = |cause| BurnFault { lba: bad, cause };
        let store = |e| fault(FaultCause::Store(e));
        let (unit, start) = (self.state.unit(), self.state.unit_start(bad));
        if self.state.spares_left() >= unit {
            return self.apply(Change::Replaced(start, unit)).map_err(store);
        }
        self.apply(Change::Damaged(bad, Blocks(1))).map_err(store)?;
        Err(fault(if self.state.has_spares() { FaultCause::NoSpare } else { FaultCause::Medium }))
    }

    /// A unit of which only a part was written is recorded whole: what was not, as zeros (CD and
    /// write-once discs are filled up when a track ends).
    fn fill_unit(&mut self, lba: Lba, blocks: Blocks) -> Result<(), StoreError> {
        let (unit, start) = (self.state.unit(), self.state.unit_start(lba));
        if blocks >= unit || unit == Blocks(1) || !self.state.kind().rewritable() {
            return Ok(());
        }
        for i in 0..unit.0 {
            let at = start + Blocks(i);
            if !self.state.recorded.contains(at) {
                self.apply(Change::Zeroed(at, Blocks(1)))?;
            }
        }
        Ok(())
    }

    /// Pseudo-overwrite: the whole cluster, with the new blocks in it, goes behind the last
    /// recorded one, and lies there from then on (MMC-6, 4.5.3.5.4).
    fn burn_again(&mut self, lba: Lba, sectors: &[u8]) -> Result<(), BurnFault> {
        let store = |e| BurnFault { lba, cause: FaultCause::Store(e) };
        let (unit, start) = (self.state.unit(), self.state.unit_start(lba));
        let mut cluster = vec![0; unit.0 as usize * BLOCK];
        self.read(start, &mut cluster).map_err(store)?;
        let from = (lba - start).0 as usize * BLOCK;
        cluster[from..from + sectors.len()].copy_from_slice(sectors);
        let there = self.state.remap_to();
        if there.0.cast_unsigned() + unit.0 > self.state.format.blocks.0 {
            return Err(BurnFault { lba, cause: FaultCause::NoSpare });
        }
        self.burn_here(there, Form::USER, &cluster)?;
        self.apply(Change::Remapped(start, there)).map_err(store)
    }
}

impl Surface for Disc {
    fn burn(&mut self, lba: Lba, form: Form, sectors: &[u8]) -> Result<(), BurnFault> {
        let blocks = Blocks(sectors.len() as u32 / form.bytes().max(1));
        if lba.checked_add(blocks).is_none() || i64::from(lba.0) < -BEFORE_ZERO {
            return Err(BurnFault { lba, cause: FaultCause::Medium });
        }
        let (start, unit) = (self.state.unit_start(lba), self.state.unit());
        if self.state.pseudo_overwrite()
            && self.state.recorded.first_in(self.state.place(start), unit).is_some()
        {
            return self.burn_again(lba, sectors);
        }
        self.burn_here(lba, form, sectors)?;
        self.fill_unit(lba, blocks).map_err(|e| BurnFault { lba, cause: FaultCause::Store(e) })
    }

    fn lies_at(&self, lba: Lba) -> Lba {
        if self.state.replaced.contains(lba) {
            // The spare areas lie around the data; the outer one is the larger.
            return Lba(self.state.model.blocks.cast_signed());
        }
        self.state.place(lba)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::MediumKind;

    fn disc(kind: MediumKind) -> Disc {
        Disc::memory(&MediumModel::of_kind(kind)).expect("memory has room")
    }

    #[test]
    fn a_fork_holds_what_was_burnt() {
        let mut disc = disc(MediumKind::BdR);
        disc.burn(Lba(32), Form::USER, &[7; 2 * BLOCK]).unwrap();
        disc.apply(Change::Wear(1, 0)).unwrap();
        let fork = disc.fork().unwrap().unwrap();
        assert_eq!(fork.state(), disc.state());
        assert_eq!(fork.fingerprint(), disc.fingerprint());
        let mut room = [1; 3 * BLOCK];
        fork.read(Lba(31), &mut room).unwrap();
        assert_eq!((room[0], room[BLOCK], room[3 * BLOCK - 1]), (0, 7, 7));
        assert_eq!(fork.first_unreadable(Lba(32), Blocks(3)), Some(Lba(34)));
    }

    #[test]
    fn a_block_burnt_twice_is_lost() {
        let mut once = disc(MediumKind::DvdPlusR);
        once.burn(Lba(0), Form::USER, &[1; 16 * BLOCK]).unwrap();
        let fault = once.burn(Lba(8), Form::USER, &[2; BLOCK]).unwrap_err();
        assert_eq!((fault.lba, fault.cause), (Lba(8), FaultCause::Medium));
        assert!(once.readable(Lba(7)) && !once.readable(Lba(8)));
        let mut again = disc(MediumKind::BdRe);
        again.burn(Lba(0), Form::USER, &[1; 32 * BLOCK]).unwrap();
        again.burn(Lba(0), Form::USER, &[2; 32 * BLOCK]).unwrap();
        assert!(again.readable(Lba(0)));
    }

    #[test]
    fn what_cannot_be_recorded_goes_into_a_spare_area_while_there_is_one() {
        let mut ram = disc(MediumKind::DvdRam);
        ram.spoil_writing(Lba(20), Blocks(1));
        ram.spoil_reading(Lba(20), Blocks(1));
        assert_eq!(ram.state().spares(), Blocks(12_800 + 58_368));
        assert!(!ram.readable(Lba(20)));
        ram.burn(Lba(16), Form::USER, &[3; 16 * BLOCK]).unwrap();
        assert!(ram.readable(Lba(20)) && ram.lies_at(Lba(20)) != Lba(20));
        assert_eq!(ram.state().spares_left(), Blocks(12_800 + 58_368 - 16));
        let mut once = disc(MediumKind::BdR);
        once.spoil_writing(Lba(0), Blocks(1));
        assert_eq!(
            once.burn(Lba(0), Form::USER, &[3; BLOCK]).unwrap_err().cause,
            FaultCause::Medium
        );
    }

    #[test]
    fn a_part_of_a_unit_is_recorded_as_a_whole_unit() {
        let mut rw = disc(MediumKind::DvdPlusRw);
        rw.burn(Lba(21), Form::USER, &[9; 2 * BLOCK]).unwrap();
        assert_eq!(rw.first_unreadable(Lba(16), Blocks(16)), None);
        let mut room = [1; 4 * BLOCK];
        rw.read(Lba(20), &mut room).unwrap();
        assert_eq!((room[0], room[BLOCK], room[2 * BLOCK], room[3 * BLOCK]), (0, 9, 9, 0));
        assert!(!rw.readable(Lba(32)));
    }

    #[test]
    fn a_cluster_written_again_lies_behind_the_last_one() {
        let mut pow = disc(MediumKind::BdR);
        let blocks = Blocks(11_826_176);
        let format =
            Format { state: FormatState::Complete, code: 0x32, sub: 0, blocks, reached: Lba(0) };
        pow.apply(Change::Format(format)).unwrap();
        pow.burn(Lba(0), Form::USER, &[1; 32 * BLOCK]).unwrap();
        pow.burn(Lba(32), Form::USER, &[2; 32 * BLOCK]).unwrap();
        pow.burn(Lba(16), Form::USER, &[7; 4 * BLOCK]).unwrap();
        assert_eq!(pow.state().place(Lba(17)), Lba(64 + 17));
        pow.burn(Lba(18), Form::USER, &[8; BLOCK]).unwrap();
        let fork = pow.fork().unwrap().unwrap();
        let mut room = vec![0; 64 * BLOCK];
        fork.read(Lba(0), &mut room).unwrap();
        let first = |n: usize| room[n * BLOCK];
        assert_eq!([first(15), first(16), first(18), first(19), first(20)], [1, 7, 8, 7, 1]);
        assert_eq!((first(31), first(32), fork.lies_at(Lba(0))), (1, 2, Lba(96)));
        assert_eq!(fork.first_unreadable(Lba(0), Blocks(129)), Some(Lba(128)));
    }

    #[test]
    fn a_file_is_the_disc_and_garbage_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("d");
        let model = MediumModel::of_kind(MediumKind::CdR);
        let mut disc = Disc::create(&path, &model).unwrap();
        for i in 0..2000 {
            disc.burn(Lba(i * 2), Form::USER, &[i as u8; BLOCK]).unwrap();
        }
        let (state, print) = (disc.state().clone(), disc.fingerprint());
        assert!(Disc::open(&path).is_err());
        drop(disc);
        let disc = Disc::open(&path).unwrap();
        assert_eq!((disc.state(), disc.fingerprint()), (&state, print));
        let junk = dir.path().join("junk");
        std::fs::write(&junk, vec![0x5a; 100_000]).unwrap();
        assert!(matches!(Disc::open(&junk), Err(DiscError::Store(_))));
    }
}
