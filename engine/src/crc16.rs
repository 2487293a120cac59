//! The CRC of x^16 + x^12 + x^5 + 1, first bit first, eight bytes at a time by tables: in the
//! sub-channels of a CD and in every descriptor of a UDF volume.
//!
//! May not know: what is protected by it, or whether it is recorded inverted.

/// `TABLES[k][b]`: what byte `b` does to the remainder, `k` bytes further on.
const TABLES: [[u16; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x1021 } else { crc << 1 };
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
            tables[k][byte] = before << 8 ^ tables[0][(before >> 8) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
};

/// The remainder of these bytes, from 0 on.
pub(crate) fn crc16(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut crc = 0u16;
    for &[a, b, c, d, e, f, g, h] in words {
        let [high, low] = crc.to_be_bytes();
        crc = TABLES[7][usize::from(a ^ high)]
            ^ TABLES[6][usize::from(b ^ low)]
            ^ TABLES[5][usize::from(c)]
            ^ TABLES[4][usize::from(d)]
            ^ TABLES[3][usize::from(e)]
            ^ TABLES[2][usize::from(f)]
            ^ TABLES[1][usize::from(g)]
            ^ TABLES[0][usize::from(h)];
    }
    for &byte in rest {
        crc = crc << 8 ^ TABLES[0][usize::from((crc >> 8) as u8 ^ byte)];
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_and_any_length() {
        // "CRC-16/XMODEM" in the catalogues of CRCs.
        assert_eq!(crc16(b"123456789"), 0x31c3);
        // ECMA-167, 1/7.2.6: the example of the standard.
        assert_eq!(crc16(&[0x70, 0x6a, 0x77]), 0x3299);
        let bytes: Vec<u8> = (0..40u8).map(|i| i.wrapping_mul(7)).collect();
        for len in 0..bytes.len() {
            let slow = bytes[..len].iter().fold(0u16, |crc, &byte| {
                crc << 8 ^ TABLES[0][usize::from((crc >> 8) as u8 ^ byte)]
            });
            assert_eq!(crc16(&bytes[..len]), slow);
        }
    }
}
