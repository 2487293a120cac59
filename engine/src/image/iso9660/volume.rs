//! Volume descriptors (ECMA-119, 8).

use super::{both16, both32};
use crate::image::ids::Ids;
use crate::image::time::Time;
use crate::units::BLOCK;

/// Blocks before the first volume descriptor: the System Area (ECMA-119, 6.2.1).
pub(crate) const SYSTEM_AREA: u32 = 16;

/// The standard identifier in each descriptor (ECMA-119, 8.1.2).
pub(crate) const STANDARD_ID: &[u8; 5] = b"CD001";

/// Volume Descriptor Types (ECMA-119, 8.1.1).
pub(crate) const TYPE_PRIMARY: u8 = 1;
/// Supplementary (ECMA-119, 8.1.1).
pub(crate) const TYPE_SUPPLEMENTARY: u8 = 2;
/// Set terminator (ECMA-119, 8.1.1).
pub(crate) const TYPE_TERMINATOR: u8 = 255;

/// The escape sequence of Joliet level 3: UCS-2 level 3 (Joliet, "Escape Sequences").
pub(crate) const ESCAPE_UCS2_LEVEL_3: &[u8; 3] = b"%/E";

/// What a primary or supplementary volume descriptor says.
pub(crate) struct Descriptor<'a> {
    /// Supplementary, with 16-bit characters.
    pub joliet: bool,
    /// Volume Identifier: its bytes, at most 32.
    pub volume_id: &'a [u8],
    /// Volume Space Size: the blocks from the start of the disc to the end of this session, as the
    /// volume space begins at block 0 (ECMA-119, 6.1.2 and 8.4.8). Linux takes nothing that lies
    /// behind it for part of the volume.
    pub space: u32,
    /// Bytes of a path table.
    pub table_bytes: u32,
    /// First block of the type L path table.
    pub table_l: u32,
    /// First block of the type M path table.
    pub table_m: u32,
    /// The root's directory record, 34 bytes.
    pub root: &'a [u8],
    /// Creation and modification.
    pub stamp: Time,
    /// What the volume says of itself.
    pub ids: &'a Ids,
    /// Identifiers of the copyright, abstract and bibliographic files in the root, or nothing.
    pub files: [Vec<u8>; 3],
}

impl Descriptor<'_> {
    /// The block (ECMA-119, 8.4 and 8.5).
    pub(crate) fn emit(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(BLOCK);
        out.push(if self.joliet { TYPE_SUPPLEMENTARY } else { TYPE_PRIMARY });
        out.extend(STANDARD_ID);
        out.extend([1, 0]);
        self.text(&mut out, &self.ids.system, 32);
        let mut volume_id = self.volume_id.to_vec();
        self.fill(&mut volume_id, 32);
        out.extend(volume_id);
        out.extend([0; 8]);
        both32(&mut out, self.space);
        let mut escape = [0; 32];
        if self.joliet {
            escape[..3].copy_from_slice(ESCAPE_UCS2_LEVEL_3);
        }
        out.extend(escape);
        both16(&mut out, 1);
        both16(&mut out, 1);
        both16(&mut out, BLOCK as u16);
        both32(&mut out, self.table_bytes);
        out.extend(self.table_l.to_le_bytes());
        out.extend([0; 4]);
        out.extend(self.table_m.to_be_bytes());
        out.extend([0; 4]);
        out.extend(self.root);
        let Ids { volume_set, publisher, preparer, application, .. } = self.ids;
        for text in [volume_set, publisher, preparer, application] {
            self.text(&mut out, text, 128);
        }
        for file in &self.files {
            // An identifier that is too long is better not told than told wrong.
            let mut id = if file.len() <= 37 { file.clone() } else { Vec::new() };
            self.fill(&mut id, 37);
            out.extend(id);
        }
        out.extend(self.stamp.long());
        out.extend(self.stamp.long());
        let unspecified = *b"0000000000000000\0";
        out.extend(unspecified); // Expiration
        out.extend(unspecified); // Effective
        out.extend([1, 0]); // File structure version
        out.resize(BLOCK, 0);
        out
    }

    /// Appends text filled up with spaces.
    fn text(&self, out: &mut Vec<u8>, text: &str, len: usize) {
        let mut bytes = match self.joliet {
            true => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            false => text.as_bytes().to_vec(),
        };
        self.fill(&mut bytes, len);
        out.extend(bytes);
    }

    /// Spaces are one byte, or two with 16-bit characters; an odd last byte is zero
    /// (Joliet, "Allowed Character Set").
    fn fill(&self, bytes: &mut Vec<u8>, len: usize) {
        if self.joliet {
            while bytes.len() + 2 <= len {
                bytes.extend([0, b' ']);
            }
            bytes.resize(len, 0);
        } else {
            bytes.resize(len, b' ');
        }
    }
}

/// The block that ends the set of descriptors (ECMA-119, 8.3).
pub(crate) fn terminator() -> Vec<u8> {
    let mut out = vec![TYPE_TERMINATOR];
    out.extend(STANDARD_ID);
    out.push(1);
    out.resize(BLOCK, 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_lie_where_the_standard_has_them() {
        let descriptor = Descriptor {
            joliet: false,
            volume_id: b"ISOIMAGE",
            space: 207,
            table_bytes: 140,
            table_l: 35,
            table_m: 36,
            root: &[0x22; 34],
            stamp: Time::from_secs(1_795_370_960),
            ids: &Ids::default(),
            files: Default::default(),
        };
        let block = descriptor.emit();
        assert_eq!(block.len(), BLOCK);
        // The bytes of an image made by xorriso 1.5.4 with these numbers.
        assert_eq!(block[..8], [1, b'C', b'D', b'0', b'0', b'1', 1, 0]);
        assert_eq!(block[0x28..0x34], *b"ISOIMAGE    ");
        assert_eq!(block[0x50..0x58], [0xcf, 0, 0, 0, 0, 0, 0, 0xcf]);
        assert_eq!(block[0x78..0x84], [1, 0, 0, 1, 1, 0, 0, 1, 0, 8, 8, 0]);
        assert_eq!(block[0x84..0x8c], [0x8c, 0, 0, 0, 0, 0, 0, 0x8c]);
        assert_eq!(block[0x8c..0x9c], [0x23, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x24, 0, 0, 0, 0]);
        assert_eq!(block[0x9c..0xbe], [0x22; 34]);
        assert_eq!(block[0x32d..0x33e], *b"2026112218092000\0");
        assert_eq!(block[0x371], 1);
    }

    #[test]
    fn the_set_ends_with_a_terminator() {
        let block = terminator();
        assert_eq!(block[..7], [255, b'C', b'D', b'0', b'0', b'1', 1]);
        assert_eq!(block.len(), BLOCK);
    }
}
