//! The packs of R to W: 24 symbols of six bits each, protected by two Reed-Solomon codes and
//! interleaved over eight packs (IEC 60908, 17.6 and Annex on sub-channels R to W).

use super::SUBCODE;
use super::subchannel::Subcode;

/// Symbols in a pack.
const PACK: usize = 24;
/// Packs over which one is spread.
const DEPTH: usize = 8;

/// Six bits in each byte, as the user of R to W has them.
pub type Pack = [u8; PACK];

/// The column in which symbol `i` travels, and the other way round: three pairs change places.
fn column(i: usize) -> usize {
    match i {
        1 => 18,
        18 => 1,
        2 => 5,
        5 => 2,
        3 => 23,
        23 => 3,
        same => same,
    }
}

/// A product in the field of 64 elements with x^6 + x + 1.
fn times(a: u8, mut b: u8) -> u8 {
    let (mut a, mut product) = (a & 0x3f, 0);
    while b != 0 {
        if b & 1 != 0 {
            product ^= a;
        }
        a <<= 1;
        if a & 0x40 != 0 {
            a ^= 0x43;
        }
        b >>= 1;
    }
    product
}

/// The parity that makes data and parity a multiple of the polynomial with the roots 1, x, x^2...
fn parity<const N: usize>(data: &[u8]) -> [u8; N] {
    let mut generator = [0; N];
    let mut root = 1;
    // Coefficients below the highest one, which is 1; highest first.
    for degree in 0..N {
        for i in (0..=degree).rev() {
            let above = if i == 0 { 1 } else { generator[i - 1] };
            generator[i] ^= times(root, above);
        }
        root = times(root, 2);
    }
    data.iter().fold([0; N], |rest, &symbol| {
        let top = rest[0] ^ symbol & 0x3f;
        std::array::from_fn(|i| rest.get(i + 1).copied().unwrap_or(0) ^ times(top, generator[i]))
    })
}

/// Puts parity Q behind the first two symbols and parity P behind the first twenty.
pub fn protect(pack: &mut Pack) {
    let q: [u8; 2] = parity(&pack[..2]);
    pack[2..4].copy_from_slice(&q);
    let p: [u8; 4] = parity(&pack[..20]);
    pack[20..].copy_from_slice(&p);
}

/// Spreads packs as the disc has them: each symbol as many packs later as its column says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interleaver {
    /// The last packs, newest first.
    last: [Pack; DEPTH],
}

impl Interleaver {
    /// R to W of a sector as the laser writes them, made of four packs from the host, which gets
    /// its parity here. P and Q stay as they are.
    pub fn spread(&mut self, subcode: &Subcode) -> Subcode {
        let mut out = subcode.map(|byte| byte & 0xc0);
        for (host, raw) in subcode.as_chunks().0.iter().zip(out.chunks_exact_mut(PACK)) {
            let mut pack: Pack = *host;
            pack.iter_mut().for_each(|symbol| *symbol &= 0x3f);
            protect(&mut pack);
            self.last.rotate_right(1);
            self.last[0] = pack;
            for (at, byte) in raw.iter_mut().enumerate() {
                *byte |= self.last[at % DEPTH][column(at)];
            }
        }
        out
    }
}

/// The four packs that begin in a sector, gathered from it and the two behind it; bits 7 and 6 are
/// zero (MMC-6, 6.20.2.9, corrected and de-interleaved R to W).
pub fn gathered(sectors: &[Subcode; 3]) -> Subcode {
    let all = sectors.as_flattened();
    std::array::from_fn(|i| {
        let (pack, symbol) = (i / PACK, i % PACK);
        let at = column(symbol);
        all[pack * PACK + at + at % DEPTH * PACK] & 0x3f
    })
}

const _: () = assert!(SUBCODE == 4 * PACK);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_lie_where_readers_of_cd_g_look() {
        // The offsets of the 24 symbols that cdgrip.py (public domain) gathers a pack from.
        let offsets = [
            0, 66, 125, 191, 100, 50, 150, 175, 8, 33, 58, 83, 108, 133, 158, 183, 16, 41, 25, 91,
            116, 141, 166, 75,
        ];
        let all: [Subcode; 3] = std::array::from_fn(|s| std::array::from_fn(|i| mark(s * 96 + i)));
        assert_eq!(gathered(&all)[..24], offsets.map(mark));
        assert_eq!(gathered(&all)[72..], offsets.map(|offset| mark(offset + 72)));
    }

    /// Tells places less than 64 apart from each other.
    fn mark(at: usize) -> u8 {
        (at * 37 + at / 64) as u8 & 0x3f
    }

    #[test]
    fn what_is_spread_is_gathered_again() {
        let host: [Subcode; 6] =
            std::array::from_fn(|s| std::array::from_fn(|i| (s * 96 + i * 7) as u8));
        let mut interleaver = Interleaver::default();
        let raw = host.map(|sector| interleaver.spread(&sector));
        for s in 0..3 {
            let found = gathered(&[raw[s], raw[s + 1], raw[s + 2]]);
            for (found, host) in found.as_chunks::<24>().0.iter().zip(host[s].as_chunks::<24>().0) {
                let mut pack = host.map(|byte| byte & 0x3f);
                protect(&mut pack);
                assert_eq!(*found, pack);
            }
            assert!(raw[s].iter().zip(host[s]).all(|(raw, host)| raw & 0xc0 == host & 0xc0));
        }
    }

    #[test]
    fn parity_has_the_roots_of_the_standard() {
        let mut pack: Pack = std::array::from_fn(|i| (i * i + 5) as u8 & 0x3f);
        protect(&mut pack);
        let value = |symbols: &[u8], root: u8| {
            symbols.iter().fold(0, |sum, symbol| times(sum, root) ^ symbol)
        };
        for root in [1, 2, 4, 8] {
            assert_eq!(value(&pack, root), 0);
        }
        assert_eq!([value(&pack[..4], 1), value(&pack[..4], 2)], [0, 0]);
        assert_ne!(value(&pack[..4], 4), 0);
        assert_eq!(protected([0; PACK]), [0; PACK]);
    }

    fn protected(mut pack: Pack) -> Pack {
        protect(&mut pack);
        pack
    }
}
