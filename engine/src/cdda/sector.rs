//! CD-ROM sectors: layout, error detection and correction codes, scrambling.

use super::FRAME;
use crate::units::Lba;

/// The synchronization field (ECMA-130, 14.1).
pub const SYNC: [u8; 12] = [0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0];

/// The whole main channel of a sector.
pub type Frame = [u8; FRAME];

/// What a sector of a data track is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Mode 0: zeros.
    Mode0,
    /// Mode 1: 2048 bytes with error correction.
    Mode1,
    /// Mode 2 without form: 2336 bytes.
    Mode2,
    /// Mode 2 form 1: sub-header and 2048 bytes with error correction.
    Form1,
    /// Mode 2 form 2: sub-header and 2324 bytes.
    Form2,
}

/// A number up to 99 in BCD.
pub fn bcd(n: u8) -> u8 {
    ((n / 10) << 4) | (n % 10)
}

/// A number from BCD; `None` if a digit is none.
pub fn from_bcd(n: u8) -> Option<u8> {
    (n >> 4 < 10 && n & 15 < 10).then_some((n >> 4) * 10 + (n & 15))
}

/// Minute, second, frame of a block in BCD; addresses past the end of the scale read as its end.
pub fn address(at: Lba) -> [u8; 3] {
    let msf = at.msf().unwrap_or(crate::units::Msf { m: 99, s: 59, f: 74 });
    [bcd(msf.m), bcd(msf.s), bcd(msf.f)]
}

/// Header of a sector of this mode (ECMA-130, 14.2).
pub fn header(at: Lba, mode: u8) -> [u8; 4] {
    let [m, s, f] = address(at);
    [m, s, f, mode]
}

fn framed(at: Lba, mode: u8) -> Frame {
    let mut frame = [0; FRAME];
    frame[..12].copy_from_slice(&SYNC);
    frame[12..16].copy_from_slice(&header(at, mode));
    frame
}

/// A sector of Mode 1 (ECMA-130, 14.4).
pub fn mode1(at: Lba, user: &[u8; 2048]) -> Frame {
    let mut frame = framed(at, 1);
    frame[16..2064].copy_from_slice(user);
    protect(&mut frame, Kind::Mode1);
    frame
}

/// A sector of Mode 2 whose 2336 bytes are all given.
pub fn mode2(at: Lba, data: &[u8; 2336]) -> Frame {
    let mut frame = framed(at, 2);
    frame[16..].copy_from_slice(data);
    frame
}

/// A sector of Mode 2 form 1 with this sub-header, which it holds twice.
pub fn form1(at: Lba, sub_header: [u8; 4], user: &[u8; 2048]) -> Frame {
    let mut frame = framed(at, 2);
    frame[16..20].copy_from_slice(&sub_header);
    frame[20..24].copy_from_slice(&sub_header);
    frame[24..2072].copy_from_slice(user);
    protect(&mut frame, Kind::Form1);
    frame
}

/// A sector of Mode 2 form 2 with this sub-header, which it holds twice.
pub fn form2(at: Lba, sub_header: [u8; 4], user: &[u8; 2324]) -> Frame {
    let mut frame = framed(at, 2);
    frame[16..20].copy_from_slice(&sub_header);
    frame[20..24].copy_from_slice(&sub_header);
    frame[24..2348].copy_from_slice(user);
    protect(&mut frame, Kind::Form2);
    frame
}

/// What a data sector says it is: nothing without a synchronization field. Both copies of a
/// sub-header must agree, else the sector is of Mode 2 without form.
pub fn kind(frame: &Frame) -> Option<Kind> {
    if frame[..12] != SYNC {
        return None;
    }
    match frame[15] & 3 {
        0 => Some(Kind::Mode0),
        1 => Some(Kind::Mode1),
        2 if frame[16..20] != frame[20..24] => Some(Kind::Mode2),
        2 if frame[18] & 0x20 != 0 => Some(Kind::Form2),
        2 if correct(frame) => Some(Kind::Form1),
        2 => Some(Kind::Mode2),
        _ => None,
    }
}

/// Where the user data of a sector of this kind lies.
pub fn user(kind: Kind) -> std::ops::Range<usize> {
    match kind {
        Kind::Mode0 | Kind::Mode2 => 16..FRAME,
        Kind::Mode1 => 16..2064,
        Kind::Form1 => 24..2072,
        Kind::Form2 => 24..2348,
    }
}

/// Puts error detection and correction codes into a sector (ECMA-130, 14.3 to 14.6).
pub fn protect(frame: &mut Frame, kind: Kind) {
    match kind {
        Kind::Mode0 | Kind::Mode2 => {}
        Kind::Mode1 => {
            let code = edc(&frame[..2064]);
            frame[2064..2068].copy_from_slice(&code);
            frame[2068..2076].fill(0);
            ecc(frame);
        }
        Kind::Form1 => {
            let code = edc(&frame[16..2072]);
            frame[2072..2076].copy_from_slice(&code);
            // The codes of Mode 2 do not cover the header.
            let header = [frame[12], frame[13], frame[14], frame[15]];
            frame[12..16].fill(0);
            ecc(frame);
            frame[12..16].copy_from_slice(&header);
        }
        Kind::Form2 => {
            let code = edc(&frame[16..2348]);
            frame[2348..].copy_from_slice(&code);
        }
    }
}

/// Whether the error detection code of a sector of Mode 1 or form 1 is right, or was never made:
/// some programs leave zeros there.
pub fn intact(frame: &Frame, kind: Kind) -> bool {
    let (covered, code) = match kind {
        Kind::Mode1 => (0..2064, 2064..2068),
        Kind::Form1 => (16..2072, 2072..2076),
        Kind::Mode0 | Kind::Mode2 | Kind::Form2 => return true,
    };
    frame[code.clone()] == [0; 4] || edc(&frame[covered]) == frame[code]
}

/// Whether the error detection code of a sector with sub-header fits form 1.
fn correct(frame: &Frame) -> bool {
    edc(&frame[16..2072]) == frame[2072..2076]
}

/// EDC: a CRC-32 of the polynomial (x^16 + x^15 + x^2 + 1)(x^16 + x^2 + x + 1), low bit first
/// (ECMA-130, 14.3).
fn edc(bytes: &[u8]) -> [u8; 4] {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut crc = i as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0xD801_8001 } else { crc >> 1 };
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };
    let step = |crc: u32, byte: &u8| crc >> 8 ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize];
    bytes.iter().fold(0, step).to_le_bytes()
}

/// Twice each element of GF(2^8) over x^8 + x^4 + x^3 + x^2 + 1, and the element of which this is
/// three times (ECMA-130, Annex A).
const GALOIS: ([u8; 256], [u8; 256]) = {
    let (mut double, mut third) = ([0; 256], [0; 256]);
    let mut i = 0;
    while i < 256 {
        let twice = (i << 1 ^ if i & 0x80 != 0 { 0x11d } else { 0 }) & 0xff;
        double[i] = twice as u8;
        third[i ^ twice] = i as u8;
        i += 1;
    }
    (double, third)
};

/// P parity over columns, then Q parity over diagonals (ECMA-130, Annex A).
fn ecc(frame: &mut Frame) {
    parity(frame, 86, 24, 2, 86, 2076);
    parity(frame, 52, 43, 86, 88, 2248);
}

fn parity(frame: &mut Frame, vectors: usize, length: usize, major: usize, minor: usize, to: usize) {
    let size = vectors * length;
    let (double, third) = (&GALOIS.0, &GALOIS.1);
    for vector in 0..vectors {
        let mut at = (vector >> 1) * major + (vector & 1);
        let (mut a, mut b) = (0u8, 0u8);
        for _ in 0..length {
            let byte = frame[12 + at];
            a = double[usize::from(a ^ byte)];
            b ^= byte;
            at += minor;
            if at >= size {
                at -= size;
            }
        }
        let first = third[usize::from(double[usize::from(a)] ^ b)];
        frame[to + vector] = first;
        frame[to + vector + vectors] = first ^ b;
    }
}

/// Scrambles everything behind the synchronization field, or takes the scrambling off again
/// (ECMA-130, Annex B).
pub fn scramble(frame: &mut Frame) {
    const TABLE: [u8; FRAME - 12] = {
        let mut table = [0; FRAME - 12];
        let mut register = 1u16;
        let mut i = 0;
        while i < table.len() {
            let mut bit = 0;
            while bit < 8 {
                table[i] |= ((register & 1) as u8) << bit;
                let carry = (register ^ register >> 1) & 1;
                register = register >> 1 | carry << 14;
                bit += 1;
            }
            i += 1;
        }
        table
    };
    for (byte, mask) in frame[12..].iter_mut().zip(TABLE) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> [u8; 2048] {
        std::array::from_fn(|i| (i * 7 + i / 256) as u8)
    }

    #[test]
    fn scrambling_starts_as_the_standard_says() {
        // The first bytes of the scrambler's output (ECMA-130, Annex B).
        let mut frame = [0; FRAME];
        scramble(&mut frame);
        assert_eq!(frame[12..20], [0x01, 0x80, 0x00, 0x60, 0x00, 0x28, 0x00, 0x1e]);
        scramble(&mut frame);
        assert_eq!(frame, [0; FRAME]);
    }

    #[test]
    fn kinds_are_told_apart() {
        let at = Lba(16);
        let one = mode1(at, &user());
        assert_eq!((kind(&one), &one[12..16]), (Some(Kind::Mode1), &[0, 2, 0x16, 1][..]));
        assert_eq!(kind(&form1(at, [0, 0, 8, 0], &user())), Some(Kind::Form1));
        assert_eq!(kind(&form2(at, [0, 0, 0x20, 0], &[5; 2324])), Some(Kind::Form2));
        assert_eq!(kind(&mode2(at, &[9; 2336])), Some(Kind::Mode2));
        assert_eq!(kind(&[0; FRAME]), None);
    }

    #[test]
    fn a_changed_byte_shows_in_the_codes() {
        let one = mode1(Lba(0), &user());
        let mut other = user();
        other[100] ^= 4;
        let other = mode1(Lba(0), &other);
        assert_ne!(one[2064..2068], other[2064..2068]);
        // One byte lies in one P vector and one Q vector, besides the EDC's four bytes in theirs.
        let differ = |range: std::ops::Range<usize>| range.filter(|&i| one[i] != other[i]).count();
        assert_eq!(differ(2076..2248), 10);
        assert!(differ(2248..2352) <= 2 * (5 + 10) && differ(2248..2352) >= 10);
    }
}
