//! The sub-channels: Q with its positions, the packs of R to W, and the forms in which they travel.

use super::SUBCODE;
use super::sector::{address, bcd};
use crate::crc16::crc16;
use crate::units::Lba;

/// Twelve bytes of the Q channel, its CRC included (ECMA-130, 22.3).
pub type Q = [u8; 12];

/// All channels of a sector: bit 7 of each byte P, bit 6 Q, down to W in bit 0.
pub type Subcode = [u8; SUBCODE];

/// CRC-16 of x^16 + x^12 + x^5 + 1 as in Q and CD-TEXT: kept inverted (ECMA-130, 22.3.1).
pub fn crc(bytes: &[u8]) -> u16 {
    !crc16(bytes)
}

/// Q with its CRC put in.
pub fn sealed(mut q: Q) -> Q {
    let crc = crc(&q[..10]);
    q[10..].copy_from_slice(&crc.to_be_bytes());
    q
}

/// Whether the CRC of Q is right.
pub fn sound(q: &Q) -> bool {
    crc(&q[..10]).to_be_bytes() == q[10..]
}

/// Q of a position (ADR 1): track and index, the time within the track, the address
/// (ECMA-130, 22.3.3).
pub fn position(control: u8, track: u8, index: u8, relative: u32, at: Lba) -> Q {
    // AAh is the lead-out's own number, not a number in BCD.
    let track = if track == 0xaa { track } else { bcd(track) };
    let [m, s, f] = time(relative);
    let [am, asec, af] = address(at);
    sealed([control << 4 | 1, track, bcd(index), m, s, f, 0, am, asec, af, 0, 0])
}

/// Frames as minute, second, frame in BCD.
fn time(frames: u32) -> [u8; 3] {
    let part = |n: u32| bcd((n % 100) as u8);
    [part(frames / 4500), part(frames / 75 % 60), part(frames % 75)]
}

/// Q of a media catalogue number of 13 digits (ADR 2; ECMA-130, 22.3.4).
pub fn catalogue(control: u8, digits: &[u8; 13], at: Lba) -> Q {
    let mut q = [0; 12];
    q[0] = control << 4 | 2;
    for (i, digit) in digits.iter().enumerate() {
        let nibble = digit.wrapping_sub(b'0') & 15;
        q[1 + i / 2] |= if i % 2 == 0 { nibble << 4 } else { nibble };
    }
    q[9] = address(at)[2];
    sealed(q)
}

/// Q of an ISRC of 12 characters (ADR 3): five characters of six bits, seven digits
/// (IEC 60908, 17.5.4).
pub fn isrc(control: u8, code: &[u8; 12], at: Lba) -> Q {
    let mut bits = 0u64;
    for &letter in &code[..5] {
        let six = match letter {
            b'0'..=b'9' => letter - b'0',
            b'A'..=b'Z' => letter - b'A' + 17,
            _ => 0,
        };
        bits = bits << 6 | u64::from(six);
    }
    bits <<= 2;
    for &digit in &code[5..] {
        bits = bits << 4 | u64::from(digit.wrapping_sub(b'0') & 15);
    }
    bits <<= 4;
    let mut q = [0; 12];
    q[0] = control << 4 | 3;
    q[1..9].copy_from_slice(&bits.to_be_bytes());
    q[9] = address(at)[2];
    sealed(q)
}

/// P and Q as channels of a sector; R to W are zeros.
pub fn spread(q: &Q, p: bool) -> Subcode {
    std::array::from_fn(|i| {
        let bit = q[i / 8] >> (7 - i % 8) & 1;
        bit << 6 | if p { 0x80 } else { 0 }
    })
}

/// The Q channel of a sector.
pub fn q_of(subcode: &Subcode) -> Q {
    let mut q = [0; 12];
    for (i, byte) in subcode.iter().enumerate() {
        q[i / 8] |= (byte >> 6 & 1) << (7 - i % 8);
    }
    q
}

/// P and Q in sixteen bytes: Q, three zeros, P in the highest bit of the last (MMC-6, 6.20.2.9).
pub fn pq(q: &Q, p: bool) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..12].copy_from_slice(q);
    bytes[15] = if p { 0x80 } else { 0 };
    bytes
}

/// The four packs of 18 bytes that R to W of a sector hold, six bits in each byte
/// (MMC-6, Annex J).
pub fn packs(subcode: &Subcode) -> [[u8; 18]; 4] {
    std::array::from_fn(|pack| {
        let six = &subcode[pack * 24..pack * 24 + 24];
        let mut bytes = [0; 18];
        for (three, four) in bytes.chunks_exact_mut(3).zip(six.chunks_exact(4)) {
            let word = four.iter().fold(0u32, |word, six| word << 6 | u32::from(six & 0x3f));
            three.copy_from_slice(&word.to_be_bytes()[1..]);
        }
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_has_its_check_value() {
        // CRC-16/GENIBUS differs by its start value only; of "123456789" from zero it is 31C3h.
        assert_eq!(crc(b"123456789"), !0x31c3);
    }

    #[test]
    fn positions_count_in_bcd() {
        let q = position(0, 12, 1, 75 * 61 + 3, Lba(0));
        assert_eq!(q[..10], [0x01, 0x12, 1, 1, 1, 3, 0, 0, 2, 0]);
        assert!(sound(&q));
        assert_eq!(q_of(&spread(&q, true)), q);
        assert_eq!(pq(&q, true)[15], 0x80);
    }

    #[test]
    fn numbers_are_packed() {
        let q = catalogue(0, b"0123456789012", Lba(10));
        assert_eq!(q[..10], [2, 0x01, 0x23, 0x45, 0x67, 0x89, 0x01, 0x20, 0, 0x10]);
        // The letters are six bits each, from 17 for A.
        let q = isrc(0, b"USABC1234567", Lba(0));
        assert_eq!(q[0], 3);
        let bits = u64::from_be_bytes([q[1], q[2], q[3], q[4], q[5], q[6], q[7], q[8]]);
        assert_eq!(bits >> 58, 17 + 20);
        assert_eq!(bits >> 4 & 0xfff_ffff, 0x123_4567);
    }
}
