//! The disc as it is, for checkers: what lies on it is read here without a drive, without time, and
//! without a way to change it.

use engine::cdda::sector::Frame;
use engine::cdda::subchannel::Subcode;
use engine::units::{BLOCK, Blocks, Lba};

use crate::medium::{Disc, Format, Session, State, Track};
use crate::models::MediumModel;
use crate::store::StoreError;

/// A read-only view of a disc.
#[derive(Clone, Copy, Debug)]
pub struct Truth<'a> {
    disc: &'a Disc,
}

impl<'a> Truth<'a> {
    /// The truth about this disc.
    pub fn of(disc: &'a Disc) -> Truth<'a> {
        Truth { disc }
    }

    /// The model it was made from.
    pub fn model(&self) -> &'a MediumModel {
        &self.disc.state().model
    }

    /// Everything but the content of its blocks.
    pub fn state(&self) -> &'a State {
        self.disc.state()
    }

    /// Its tracks, ascending.
    pub fn tracks(&self) -> &'a [Track] {
        &self.disc.state().tracks
    }

    /// Its closed sessions, ascending.
    pub fn sessions(&self) -> &'a [Session] {
        &self.disc.state().sessions
    }

    /// How it is formatted.
    pub fn format(&self) -> Format {
        self.disc.state().format
    }

    /// Whether nothing further can ever be written.
    pub fn is_finalised(&self) -> bool {
        self.disc.state().finalised
    }

    /// Stretches that a drive can read, ascending: first block and length.
    pub fn readable(&self) -> Vec<(Lba, Blocks)> {
        let mut runs = self.disc.state().recorded.clone();
        for (lba, blocks) in self.disc.spoilt().iter() {
            runs.remove(lba, blocks);
        }
        runs.iter().collect()
    }

    /// The first of these blocks that no drive can read.
    pub fn first_unreadable(&self, at: Lba, blocks: Blocks) -> Option<Lba> {
        self.disc.first_unreadable(at, blocks)
    }

    /// What is recorded in this block; `None` if it cannot be read.
    pub fn block(&self, at: Lba) -> Result<Option<[u8; BLOCK]>, StoreError> {
        if self.first_unreadable(at, Blocks(1)).is_some() {
            return Ok(None);
        }
        let mut room = [0; BLOCK];
        self.disc.read(at, &mut room)?;
        Ok(Some(room))
    }

    /// Fills `room`, a whole number of blocks, from `at` on. Blocks that hold nothing are zeros:
    /// ask [`Truth::first_unreadable`] first.
    pub fn read(&self, at: Lba, room: &mut [u8]) -> Result<(), StoreError> {
        self.disc.read(at, room)
    }

    /// The main channel of a sector of a CD, not scrambled; `None` if it cannot be read.
    pub fn frame(&self, at: Lba) -> Result<Option<Frame>, StoreError> {
        match self.first_unreadable(at, Blocks(1)) {
            Some(_) => Ok(None),
            None => self.disc.frame(at).map(Some),
        }
    }

    /// The sub-channels of a sector of a CD where the host gave them.
    pub fn subcode(&self, at: Lba) -> Result<Option<Subcode>, StoreError> {
        self.disc.subcode(at)
    }

    /// Whether this sector of a CD is audio.
    pub fn is_audio(&self, at: Lba) -> bool {
        self.disc.is_audio(at)
    }

    /// SHA-256 over the state and the content of all recorded blocks: equal for equal discs.
    pub fn fingerprint(&self) -> Result<[u8; 32], StoreError> {
        self.disc.fingerprint()
    }
}
