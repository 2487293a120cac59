//! Identifiers of files and directories (ECMA-167, 4/14.4.8; UDF 2.60, 2.3.4.4).

use super::wire::{compressed, decompressed};
use crate::image::joliet::cut;

/// Bytes of an identifier (ECMA-167, 4/14.4.4), with the one that says how wide a unit is.
const NAME_MAX: usize = 255;

/// The identifier of a name.
pub(super) fn identifier(name: &[u8]) -> Vec<u8> {
    shortened(name, "")
}

/// The identifier with a number, to tell it from others.
pub(super) fn numbered(name: &[u8], number: u32) -> Vec<u8> {
    shortened(name, &format!("~{number}"))
}

/// Whether the identifier says just what the name says.
pub(in crate::image) fn is_faithful(name: &[u8], identifier: &[u8]) -> bool {
    decompressed(identifier).is_some_and(|text| text.as_bytes() == name)
}

/// Whether a link's target is recorded to the byte: names that are, without doubled or closing
/// slashes.
pub(in crate::image) fn keeps_target(target: &[u8]) -> bool {
    let mut names = target.split(|&byte| byte == b'/').filter(|name| !name.is_empty());
    crate::image::rockridge::is_faithful(target)
        && names.all(|name| is_faithful(name, &identifier(name)))
}

fn shortened(name: &[u8], mark: &str) -> Vec<u8> {
    let mut units = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        units.extend(chunk.valid().encode_utf16());
        units.extend(chunk.invalid().iter().map(|_| u16::from(b'_')));
    }
    let width = if units.iter().all(|unit| *unit <= 0xff) { 1 } else { 2 };
    compressed(&cut(&units, mark, (NAME_MAX - 1) / width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_every_character() {
        assert_eq!(identifier(b"a:b*c?"), *b"\x08a:b*c?");
        assert_eq!(identifier("süß".as_bytes()), [8, b's', 0xfc, 0xdf]);
        assert_eq!(identifier("Ω".as_bytes()), [16, 0x03, 0xa9]);
        assert_eq!(identifier("🔥".as_bytes()), [16, 0xd8, 0x3d, 0xdd, 0x25]);
        assert!(is_faithful("🔥".as_bytes(), &identifier("🔥".as_bytes())));
        assert!(!is_faithful(b"\xff", &identifier(b"\xff")));
    }

    #[test]
    fn long_names_keep_their_extension_and_their_number() {
        let long = [&[b'x'; 251][..], b".txt"].concat();
        assert_eq!(identifier(&long), [&b"\x08"[..], &[b'x'; 250], b".txt"].concat());
        assert_eq!(numbered(&long, 3), [&b"\x08"[..], &[b'x'; 248], b"~3.txt"].concat());
        let wide = identifier("Ω".repeat(200).as_bytes());
        assert_eq!(wide.len(), 1 + 2 * 127);
    }
}
