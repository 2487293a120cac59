//! Directory records and path table records (ECMA-119, 9.1 and 9.4).

use super::{both16, both32};
use crate::units::BLOCK;

/// The largest file section: whole blocks, and its length fits 32 bits (ECMA-119, 6.5.1 and 9.1.4).
pub(crate) const SECTION_MAX: u32 = 0xFFFF_F800;

/// A directory (ECMA-119, 9.1.6, bit 1).
pub(crate) const FLAG_DIRECTORY: u8 = 0x02;
/// An associated file (ECMA-119, 9.1.6, bit 2).
pub(crate) const FLAG_ASSOCIATED: u8 = 0x04;
/// A further section of the file follows in the next record (ECMA-119, 9.1.6, bit 7).
pub(crate) const FLAG_MULTI_EXTENT: u8 = 0x80;

/// The identifier of a directory's own record (ECMA-119, 7.6.2).
pub(crate) const SELF: &[u8] = &[0];
/// The identifier of the record of a directory's parent (ECMA-119, 7.6.2).
pub(crate) const PARENT: &[u8] = &[1];

/// Bytes before the identifier (ECMA-119, 9.1).
pub(crate) const FIXED: usize = 33;

/// The longest record: its length is one byte, and even (ECMA-119, 9.1.1 and 9.1.12).
pub(crate) const RECORD_MAX: usize = 254;

/// What a directory record says.
pub(crate) struct Record<'a> {
    /// First block, from the start of the disc.
    pub lba: u32,
    /// Bytes.
    pub bytes: u32,
    /// Recording time.
    pub time: [u8; 7],
    /// `FLAG_` bits.
    pub flags: u8,
    /// Identifier as it is recorded.
    pub id: &'a [u8],
}

impl Record<'_> {
    /// Where the System Use field begins: after the identifier, at an even offset
    /// (ECMA-119, 9.1.12).
    pub(crate) fn system_use_at(&self) -> usize {
        (FIXED + self.id.len()).next_multiple_of(2)
    }

    /// Appends the record with its System Use field; a record does not cross the end of a block
    /// (ECMA-119, 6.8.1.1). The whole must not exceed [`RECORD_MAX`].
    pub(crate) fn emit(&self, out: &mut Vec<u8>, system_use: &[u8]) {
        let len = (self.system_use_at() + system_use.len()).next_multiple_of(2);
        assert!(len <= RECORD_MAX, "a directory record of {len} bytes was put together");
        if out.len() % BLOCK + len > BLOCK {
            out.resize(out.len().next_multiple_of(BLOCK), 0);
        }
        let end = out.len() + len;
        out.extend([len as u8, 0]);
        both32(out, self.lba);
        both32(out, self.bytes);
        out.extend(self.time);
        out.extend([self.flags, 0, 0]);
        both16(out, 1);
        out.push(self.id.len() as u8);
        out.extend(self.id);
        if self.id.len().is_multiple_of(2) {
            out.push(0);
        }
        out.extend(system_use);
        out.resize(end, 0);
    }
}

/// The order of a number's bytes in a path table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Type L, least significant byte first (ECMA-119, 6.9.2).
    Little,
    /// Type M, most significant byte first (ECMA-119, 6.9.2).
    Big,
}

/// Bytes of a path table record with such an identifier (ECMA-119, 9.4).
pub(crate) fn path_record_len(id: usize) -> usize {
    (8 + id).next_multiple_of(2)
}

/// Appends a path table record (ECMA-119, 9.4).
pub(crate) fn emit_path_record(out: &mut Vec<u8>, order: Order, lba: u32, parent: u16, id: &[u8]) {
    out.extend([id.len() as u8, 0]);
    match order {
        Order::Little => {
            out.extend(lba.to_le_bytes());
            out.extend(parent.to_le_bytes());
        }
        Order::Big => {
            out.extend(lba.to_be_bytes());
            out.extend(parent.to_be_bytes());
        }
    }
    out.extend(id);
    if !id.len().is_multiple_of(2) {
        out.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_record_as_xorriso_writes_it() {
        // From byte 156 of a primary volume descriptor made by xorriso 1.5.4.
        let golden = [
            0x22, 0x00, 0x13, 0, 0, 0, 0, 0, 0, 0x13, 0x00, 0x08, 0, 0, 0, 0, 0x08, 0x00, 0x7e,
            0x0b, 0x16, 0x12, 0x09, 0x14, 0x00, 0x02, 0, 0, 0x01, 0, 0, 0x01, 0x01, 0x00,
        ];
        let time = [126, 11, 22, 18, 9, 20, 0];
        let record = Record { lba: 19, bytes: 2048, time, flags: FLAG_DIRECTORY, id: SELF };
        let mut out = Vec::new();
        record.emit(&mut out, &[]);
        assert_eq!(out, golden);
    }

    #[test]
    fn a_record_moves_to_the_next_block_rather_than_cross_its_end() {
        let record = Record { lba: 0, bytes: 0, time: [0; 7], flags: 0, id: b"A.;1" };
        let mut out = vec![0xA5; BLOCK - 37];
        record.emit(&mut out, &[]);
        assert_eq!(out.len(), BLOCK + 38);
        assert_eq!(out[BLOCK - 37..BLOCK], [0; 37]);
        assert_eq!(out[BLOCK], 38);
    }
}
