//! What a boot image is told of itself, laid over its bytes while they are read: the host's file
//! stays as it is.

use std::ops::Range;

use crate::image::eltorito::{GRUB2_AT, INFO_TABLE, InfoTable, grub2_address};

/// What one boot image is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image) struct Patches {
    /// Where the session begins.
    pub base: u32,
    /// Block of the primary volume descriptor.
    pub descriptor: u32,
    /// First block of the image on the disc.
    pub lba: u32,
    /// Whether it has a boot information table.
    pub info_table: bool,
    /// Whether it has GRUB 2's address.
    pub grub2: bool,
}

/// The sum of little-endian words of 32 bits from byte 64 of an image on, as a boot information
/// table has it; zeros fill up the last word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::image) struct WordSum {
    at: usize,
    sum: u32,
}

impl WordSum {
    /// The next bytes of the image.
    pub(in crate::image) fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.at >= INFO_TABLE.end {
                // A byte counts by its place in its word.
                let place = self.at % 4 * 8;
                self.sum = self.sum.wrapping_add(u32::from(byte) << place);
            }
            self.at += 1;
        }
    }

    /// The sum.
    pub(in crate::image) fn finish(self) -> u32 {
        self.sum
    }
}

impl Patches {
    /// The image's first block, from the start of the session.
    pub(in crate::image) fn block(&self) -> u32 {
        self.lba - self.base
    }

    /// Lays GRUB 2's address over the bytes from `at` on.
    pub(in crate::image) fn lay_address(&self, at: u64, room: &mut [u8]) {
        if self.grub2 {
            lay(GRUB2_AT, &grub2_address(self.lba), at, room);
        }
    }

    /// Whether bytes from `at` on have to do with the boot information table.
    pub(in crate::image) fn reaches_table(&self, at: u64) -> bool {
        self.info_table && at < INFO_TABLE.end as u64
    }

    /// Lays the boot information table over the bytes from `at` on.
    pub(in crate::image) fn lay_table(&self, at: u64, room: &mut [u8], size: u64, sum: WordSum) {
        // No BIOS loads an image of 4 GiB; what it is told then does not matter.
        let bytes = u32::try_from(size).unwrap_or(u32::MAX);
        let (descriptor, lba, sum) = (self.descriptor, self.lba, sum.finish());
        lay(INFO_TABLE, &InfoTable { descriptor, lba, bytes, sum }.emit(), at, room);
    }
}

/// Lays a piece that belongs at `place` of a file over its bytes from `at` on.
fn lay(place: Range<usize>, piece: &[u8], at: u64, room: &mut [u8]) {
    for (to, byte) in place.zip(piece) {
        let to = (to as u64).checked_sub(at).and_then(|to| usize::try_from(to).ok());
        if let Some(to) = to.and_then(|to| room.get_mut(to)) {
            *to = *byte;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_laid_wherever_the_window_cuts_it() {
        for at in 0..12 {
            for len in 0..12 {
                let mut room = vec![0; len];
                lay(4..7, b"abc", at, &mut room);
                let whole = [0, 0, 0, 0, b'a', b'b', b'c', 0, 0, 0, 0, 0];
                let want = (at as usize..at as usize + len).map(|i| whole.get(i).unwrap_or(&0));
                assert!(room.iter().eq(want), "{at} {len}");
            }
        }
    }

    #[test]
    fn words_are_summed_from_byte_64_on_in_any_pieces() {
        let mut image = vec![0xFF; 64];
        image.extend([1, 0, 0, 0x80, 2, 0, 0, 0x80, 5]);
        let mut whole = WordSum::default();
        whole.add(&image);
        assert_eq!(whole.sum, 8);
        let mut pieces = WordSum::default();
        image.chunks(7).for_each(|piece| pieces.add(piece));
        assert_eq!(pieces, whole);
    }
}
