//! CRC-32C, the digest of headers and data (RFC 7143, 13.1).

use engine::crc::Crc32;

/// A digest under way: the polynomial is 1EDC6F41h, here with its bits reflected.
#[derive(Clone, Copy, Debug)]
pub struct Crc32c(Crc32<0x82f6_3b78>);

impl Default for Crc32c {
    fn default() -> Crc32c {
        Crc32c(Crc32::new())
    }
}

impl Crc32c {
    /// Takes these bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0 = self.0.with(bytes);
    }

    /// The digest as it goes over the wire.
    pub fn finish(self) -> [u8; 4] {
        self.0.finish().to_le_bytes()
    }
}

/// The digest of these bytes as it goes over the wire.
pub fn crc32c(bytes: &[u8]) -> [u8; 4] {
    let mut crc = Crc32c::default();
    crc.update(bytes);
    crc.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 3720, B.4.
    #[test]
    fn examples_of_the_standard() {
        assert_eq!(crc32c(&[0; 32]), [0xaa, 0x36, 0x91, 0x8a]);
        assert_eq!(crc32c(&[0xff; 32]), [0x43, 0xab, 0xa8, 0x62]);
        let rising: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&rising), [0x4e, 0x79, 0xdd, 0x46]);
        let falling: Vec<u8> = (0..32).rev().collect();
        assert_eq!(crc32c(&falling), [0x5c, 0xdb, 0x3f, 0x11]);
        let mut read = [0; 48];
        read[..2].copy_from_slice(&[0x01, 0xc0]);
        read[16] = 0x14;
        read[22] = 0x04;
        read[27] = 0x14;
        read[31] = 0x18;
        read[32] = 0x28;
        read[40] = 0x02;
        assert_eq!(crc32c(&read), [0x56, 0x3a, 0x96, 0xd9]);
    }

    #[test]
    fn any_cut_gives_the_same() {
        let bytes: Vec<u8> = (0..100u8).map(|n| n.wrapping_mul(37)).collect();
        for cut in 0..bytes.len() {
            let mut crc = Crc32c::default();
            crc.update(&bytes[..cut]);
            crc.update(&bytes[cut..]);
            assert_eq!(crc.finish(), crc32c(&bytes), "cut at {cut}");
        }
    }
}
