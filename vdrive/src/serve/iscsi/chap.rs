//! The Challenge Handshake Authentication Protocol as iSCSI uses it (RFC 7143, 12.1; RFC 1994).
//!
//! May not know: stages of the login, where text comes from.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use sha3::Sha3_256;

/// A hash function by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Algorithm {
    Md5 = 5,
    Sha1 = 6,
    Sha256 = 7,
    Sha3 = 8,
}

impl Algorithm {
    /// The first in a list of numbers that is known here.
    pub(super) fn choose(list: &str) -> Option<Algorithm> {
        list.split(',').find_map(|number| match number {
            "5" => Some(Algorithm::Md5),
            "6" => Some(Algorithm::Sha1),
            "7" => Some(Algorithm::Sha256),
            "8" => Some(Algorithm::Sha3),
            _ => None,
        })
    }

    /// The answer to a challenge.
    pub(super) fn response(self, id: u8, secret: &[u8], challenge: &[u8]) -> Vec<u8> {
        fn hash<D: Digest>(id: u8, secret: &[u8], challenge: &[u8]) -> Vec<u8> {
            D::new()
                .chain_update([id])
                .chain_update(secret)
                .chain_update(challenge)
                .finalize()
                .to_vec()
        }
        match self {
            Algorithm::Md5 => hash::<Md5>(id, secret, challenge),
            Algorithm::Sha1 => hash::<Sha1>(id, secret, challenge),
            Algorithm::Sha256 => hash::<Sha256>(id, secret, challenge),
            Algorithm::Sha3 => hash::<Sha3_256>(id, secret, challenge),
        }
    }
}

/// Bytes of a challenge: as many as the longest answer.
pub(super) const CHALLENGE: usize = 32;

/// Whether two answers are the same, in a time that does not tell where they differ.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    let differ = a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b));
    a.len() == b.len() && std::hint::black_box(differ) == 0
}

/// Bytes as text: hexadecimal (RFC 7143, 6.1).
pub(super) fn encode(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once("0x".to_owned()).chain(digits).collect()
}

/// Bytes from hexadecimal (`0x`) or Base64 (`0b`) text, at most 1024 of them.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let (head, rest) = text.split_at_checked(2)?;
    let bytes = match head {
        "0x" | "0X" => hexadecimal(rest),
        "0b" | "0B" => base64(rest),
        _ => None,
    };
    bytes.filter(|bytes| (1..=1024).contains(&bytes.len()))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    // A leading zero may have been left out.
    let (odd, pairs) = digits.split_at(digits.len() % 2);
    Some(odd.iter().copied().chain(pairs.chunks_exact(2).map(|p| p[0] << 4 | p[1])).collect())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 || !text.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for c in digits.bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms() {
        assert_eq!(decode("0x0aFf"), Some(vec![0x0a, 0xff]));
        assert_eq!(decode("0xaff"), Some(vec![0x0a, 0xff]));
        // RFC 4648, 10.
        assert_eq!(decode("0bZm9vYg=="), Some(b"foob".to_vec()));
        assert_eq!(decode("0bZm9vYmE="), Some(b"fooba".to_vec()));
        assert_eq!(decode("0bZm9vYmFy"), Some(b"foobar".to_vec()));
        for bad in ["", "0", "0x", "0xg0", "0bZ", "0b====", "12", "0bZm9*", "é0x"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
        assert_eq!(decode(&format!("0x{}", "00".repeat(1025))), None);
        assert_eq!(encode(&[0, 0x1f]), "0x001f");
    }

    /// Made with Python's hashlib: `h(bytes([7]) + b"hello world 123" + bytes(range(16)))`.
    #[test]
    fn answers_are_the_hash_of_all_three() {
        let challenge: Vec<u8> = (0..16).collect();
        let answer = |list: &str| {
            let algorithm = Algorithm::choose(list).unwrap();
            encode(&algorithm.response(7, b"hello world 123", &challenge))
        };
        assert_eq!(answer("5"), MD5);
        assert_eq!(answer("6,5"), SHA1);
        assert_eq!(answer("9,7"), SHA256);
        assert_eq!(answer("8,7"), SHA3);
        assert_eq!(Algorithm::choose("1,2"), None);
        assert_eq!(Algorithm::choose(""), None);
    }

    #[test]
    fn comparison() {
        assert!(same(&[1, 2], &[1, 2]));
        assert!(!same(&[1, 2], &[1, 3]));
        assert!(!same(&[1, 2], &[1, 2, 3]));
    }

    const MD5: &str = "0x8bc127244a753a9306616327fa8fcfc6";
    const SHA1: &str = "0x54095466e8d442fc1897d204f8e62552509044f6";
    const SHA256: &str = "0x4139b360a1a71312788c05403fa47e003b40c539a23535c1080501fc7486bf7c";
    const SHA3: &str = "0x68c63c2928651205b06992b251e828f68fd5d420277989fceba05b01bb9287f1";
}
