//! Promise 1: success is never claimed unless every byte reads back equal to the image.
//!
//! After a burn that was reported as done, each block of the image is asked from the image once
//! more and compared with the medium. Padding is not compared: the image does not have it.

use engine::image::Sectors;
use engine::units::{BLOCK, Blocks, Lba};

use super::{Breach, Witness};

/// Compares the image that was burned with what the medium holds; `place` says where on it each
/// block lies.
pub fn success(
    image: &mut dyn Sectors,
    place: &dyn Fn(Blocks) -> Option<Lba>,
    medium: &Witness,
) -> Result<(), Breach> {
    let mut room = vec![0; 32 * BLOCK];
    let total = image.blocks();
    let mut done = Blocks(0);
    while done < total {
        let count = (total - done).0.min(32);
        let room = &mut room[..count as usize * BLOCK];
        if let Err(error) = image.read(done, room) {
            return Err(Breach::new(1, format!("success, and the image is gone: {error}")));
        }
        for (i, bytes) in room.chunks_exact(BLOCK).enumerate() {
            let block = done + Blocks(i as u32);
            let Some(at) = place(block) else {
                return Err(Breach::new(1, format!("success, and block {block} has no place")));
            };
            if !medium.holds(at, bytes) {
                let what =
                    if medium.readable(at) { "holds something else" } else { "is unreadable" };
                let name = image.name_at(block).unwrap_or_default();
                return Err(Breach::new(1, format!("success, and block {at} {what} {name}")));
            }
        }
        done += Blocks(count);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use engine::image::SourceError;

    use super::*;

    struct Two;

    impl Sectors for Two {
        fn blocks(&self) -> Blocks {
            Blocks(2)
        }
        fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
            for (i, block) in room.chunks_exact_mut(BLOCK).enumerate() {
                block.fill(first.0 as u8 + i as u8 + 1);
            }
            Ok(())
        }
    }

    #[test]
    fn a_wrong_or_missing_block_is_a_breach() {
        let place = |block| Some(Lba(10) + block);
        let check = |blocks: &[(i32, u8)]| success(&mut Two, &place, &Witness::made_of(blocks));
        assert_eq!(check(&[(10, 1), (11, 2), (12, 9)]), Ok(()));
        assert!(check(&[(10, 1), (11, 3)]).is_err());
        assert!(check(&[(10, 1)]).is_err());
    }
}
