//! What is on a disc, remembered: which blocks can be read and what they hold.

use std::collections::BTreeMap;

use engine::units::{BLOCK, Blocks, Lba};
use sha2::{Digest, Sha256};
use vdrive::medium::Disc;
use vdrive::truth::Truth;

/// Blocks read in one go.
const CHUNK: u32 = 32;

/// The readable blocks of a disc at one instant, by hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witness {
    blocks: BTreeMap<Lba, [u8; 8]>,
}

impl Witness {
    /// What is on this disc now. Blocks before address 0 hold no user data and are left out.
    pub fn of(disc: &Disc) -> Result<Witness, String> {
        let mut blocks = BTreeMap::new();
        let mut room = vec![0; CHUNK as usize * BLOCK];
        let truth = Truth::of(disc);
        // What a drive fills up with zeros can be half a disc: its hash is known.
        let (zeros, nothing) = (&truth.state().zeros, digest(&[0; BLOCK]));
        for (start, count) in truth.readable() {
            let mut done = 0;
            while done < count.0 {
                let now = (count.0 - done).min(CHUNK);
                let room = &mut room[..now as usize * BLOCK];
                let at = start + Blocks(done);
                if zeros.covers(at, Blocks(now)) {
                    let all = (0..now).map(|i| at + Blocks(i)).filter(|lba| *lba >= Lba(0));
                    blocks.extend(all.map(|lba| (lba, nothing)));
                    done += now;
                    continue;
                }
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
        Ok(Witness { blocks })
    }

    /// How many blocks can be read.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether nothing can be read.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Whether this block can be read.
    pub fn readable(&self, at: Lba) -> bool {
        self.blocks.contains_key(&at)
    }

    /// Whether this block can be read and holds these bytes.
    pub fn holds(&self, at: Lba, block: &[u8]) -> bool {
        self.blocks.get(&at) == Some(&digest(block))
    }

    /// The blocks that can be read, with the hash of what they hold.
    pub fn iter(&self) -> impl Iterator<Item = (Lba, [u8; 8])> {
        self.blocks.iter().map(|(at, hash)| (*at, *hash))
    }

    /// The hash of what this block holds, if it can be read.
    pub fn hash(&self, at: Lba) -> Option<[u8; 8]> {
        self.blocks.get(&at).copied()
    }

    #[cfg(test)]
    pub(super) fn made_of(blocks: &[(i32, u8)]) -> Witness {
        let block = |&(at, byte): &(i32, u8)| (Lba(at), digest(&[byte; BLOCK]));
        Witness { blocks: blocks.iter().map(block).collect() }
    }
}

/// Eight bytes tell two blocks apart well enough for a witness.
fn digest(block: &[u8]) -> [u8; 8] {
    let hash: [u8; 32] = Sha256::digest(block).into();
    [hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]]
}
