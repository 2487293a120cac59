//! What is on a disc, remembered: which blocks can be read and what they hold.

use std::collections::BTreeMap;

use engine::units::{BLOCK, Blocks, Lba};
use sha2::{Digest, Sha256};
use vdrive::medium::{Disc, Runs};
use vdrive::truth::Truth;

/// Blocks read in one go.
const CHUNK: u32 = 32;

/// The readable blocks of a disc at one instant, by hash. Zeros that the drive filled the disc up
/// with can be most of it and are kept as stretches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    blocks: BTreeMap<Lba, [u8; 8]>,
    zeros: Runs,
}

impl Witness {
    /// What is on this disc now. Blocks before address 0 hold no user data and are left out.
    pub fn of(disc: &Disc) -> Result<Witness, String> {
        let truth = Truth::of(disc);
        let (mut data, mut zeros) = (Runs::new(), Runs::new());
        for (start, count) in truth.readable() {
            data.insert(start, count);
            zeros.insert(start, count);
        }
        for (start, count) in truth.state().zeros.iter() {
            data.remove(start, count);
        }
        for (start, count) in data.iter() {
            zeros.remove(start, count);
        }
        let mut blocks = BTreeMap::new();
        let mut room = vec![0; CHUNK as usize * BLOCK];
        for (start, count) in data.iter() {
            let mut done = 0;
            while done < count.0 {
                let now = (count.0 - done).min(CHUNK);
                let room = &mut room[..now as usize * BLOCK];
                let at = start + Blocks(done);
                truth.read(at, room).map_err(|e| e.to_string())?;
                for (i, block) in room.chunks_exact(BLOCK).enumerate() {
                    let lba = at + Blocks(i as u32);
                    if lba >= Lba(0) {
                        blocks.insert(lba, digest(block));
                    }
                }
                done += now;
            }
        }
        Ok(Witness { blocks, zeros })
    }

    /// Whether nothing can be read.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.zeros.is_empty()
    }

    /// Whether nothing can be read but the zeros that a format left.
    pub fn holds_nothing(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Whether this block can be read.
    pub fn readable(&self, at: Lba) -> bool {
        self.blocks.contains_key(&at) || self.zeros.contains(at)
    }

    /// Whether this block can be read and holds these bytes.
    pub fn holds(&self, at: Lba, block: &[u8]) -> bool {
        match self.blocks.get(&at) {
            Some(hash) => *hash == digest(block),
            None => self.zeros.contains(at) && block.iter().all(|byte| *byte == 0),
        }
    }

    /// The first block that can be read here and does not hold the same in `other`, but for those
    /// that `may` be others: it is asked with whether the block is one of a format's zeros.
    pub fn first_lost(&self, other: &Witness, may: &dyn Fn(Lba, bool) -> bool) -> Option<Lba> {
        let nothing = digest(&[0; BLOCK]);
        let same = |at: Lba, hash: &[u8; 8]| match other.blocks.get(&at) {
            Some(now) => now == hash,
            None => *hash == nothing && other.zeros.contains(at),
        };
        let data = self
            .blocks
            .iter()
            .find(|(at, hash)| !may(**at, false) && !same(**at, hash))
            .map(|(at, _)| *at);
        let runs = self.zeros.iter().filter(|(at, count)| !other.zeros.covers(*at, *count));
        let mut zeros = runs.flat_map(|(at, count)| (0..count.0).map(move |i| at + Blocks(i)));
        data.or_else(|| zeros.find(|at| *at >= Lba(0) && !may(*at, true) && !same(*at, &nothing)))
    }

    #[cfg(test)]
    pub(super) fn made_of(blocks: &[(i32, u8)]) -> Witness {
        let block = |&(at, byte): &(i32, u8)| (Lba(at), digest(&[byte; BLOCK]));
        Witness { blocks: blocks.iter().map(block).collect(), zeros: Runs::new() }
    }

    #[cfg(test)]
    pub(super) fn and(mut self, blocks: &[(i32, u8)]) -> Witness {
        self.blocks.extend(Witness::made_of(blocks).blocks);
        self
    }

    #[cfg(test)]
    pub(super) fn and_zeros(mut self, start: i32, count: u32) -> Witness {
        self.zeros.insert(Lba(start), Blocks(count));
        self
    }

    #[cfg(test)]
    pub(super) fn zeros(start: i32, count: u32) -> Witness {
        let mut zeros = Runs::new();
        zeros.insert(Lba(start), Blocks(count));
        Witness { blocks: BTreeMap::new(), zeros }
    }
}

/// Eight bytes tell two blocks apart well enough for a witness.
fn digest(block: &[u8]) -> [u8; 8] {
    let hash: [u8; 32] = Sha256::digest(block).into();
    [hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]]
}
