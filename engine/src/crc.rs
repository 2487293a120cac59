//! Reflected CRCs of 32 bits, eight bytes at a time by tables.
//!
//! May not know: what is protected by them. Examples stand with those who use one.

/// A checksum under way, by the polynomial with its bits reflected; ones go in first, and the
/// remainder comes out inverted.
#[derive(Clone, Copy, Debug)]
pub struct Crc32<const POLYNOMIAL: u32>(u32);

/// `tables[k][b]`: what byte `b` does to the remainder, `k` bytes further on.
const fn tables(polynomial: u32) -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ polynomial } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

impl<const POLYNOMIAL: u32> Crc32<POLYNOMIAL> {
    /// Of no bytes yet.
    #[expect(clippy::new_without_default, reason = "no bytes are no value that one falls back to")]
    pub fn new() -> Self {
        Crc32(!0)
    }

    /// With these bytes behind the others.
    pub fn with(self, bytes: &[u8]) -> Self {
        let tables = const { &tables(POLYNOMIAL) };
        let mut crc = self.0;
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            let [a, b, c, d, e, f, g, h] = *word;
            let low = (crc ^ u32::from_le_bytes([a, b, c, d])).to_le_bytes();
            crc = tables[7][usize::from(low[0])]
                ^ tables[6][usize::from(low[1])]
                ^ tables[5][usize::from(low[2])]
                ^ tables[4][usize::from(low[3])]
                ^ tables[3][usize::from(e)]
                ^ tables[2][usize::from(f)]
                ^ tables[1][usize::from(g)]
                ^ tables[0][usize::from(h)];
        }
        for &byte in rest {
            crc = crc >> 8 ^ tables[0][usize::from(crc as u8 ^ byte)];
        }
        Crc32(crc)
    }

    /// The checksum.
    pub fn finish(self) -> u32 {
        !self.0
    }
}
