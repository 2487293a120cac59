//! What all UDF descriptors are made of (ECMA-167, 1/7 and 3/7; UDF 2.60, 2.1): tags, character
//! sets, strings, times, entity identifiers, extents.
//!
//! May not know: which descriptors there are.

use crate::crc16::crc16;
use crate::image::time::Time;

/// Bytes of a descriptor tag (ECMA-167, 3/7.2).
pub(crate) const TAG_LEN: usize = 16;

/// Tag identifiers (ECMA-167, 3/7.2.1 and 4/7.2.1).
pub(crate) mod tag {
    pub(crate) const PRIMARY_VOLUME: u16 = 1;
    pub(crate) const ANCHOR: u16 = 2;
    pub(crate) const VOLUME_POINTER: u16 = 3;
    pub(crate) const IMPLEMENTATION_USE: u16 = 4;
    pub(crate) const PARTITION: u16 = 5;
    pub(crate) const LOGICAL_VOLUME: u16 = 6;
    pub(crate) const UNALLOCATED_SPACE: u16 = 7;
    pub(crate) const TERMINATING: u16 = 8;
    pub(crate) const INTEGRITY: u16 = 9;
    pub(crate) const FILE_SET: u16 = 256;
    pub(crate) const FILE_IDENTIFIER: u16 = 257;
    pub(crate) const ALLOCATION_EXTENT: u16 = 258;
    pub(crate) const FILE_ENTRY: u16 = 261;
    pub(crate) const EXTENDED_ATTRIBUTES: u16 = 262;
    pub(crate) const SPACE_BITMAP: u16 = 264;
    pub(crate) const EXTENDED_FILE_ENTRY: u16 = 266;
}

/// Puts the tag into the first bytes of a whole descriptor: `version` is 2 with NSR02 and 3 with
/// NSR03, `location` the block where it lies, counted within its partition if it has one.
pub(crate) fn seal(descriptor: &mut [u8], id: u16, version: u16, location: u32) {
    let len = descriptor.len();
    seal_head(descriptor, id, version, location, len);
}

/// The same with a CRC of the first `head` bytes only.
pub(crate) fn seal_head(descriptor: &mut [u8], id: u16, version: u16, location: u32, head: usize) {
    let crc = crc16(&descriptor[TAG_LEN..head]);
    let len = (head - TAG_LEN) as u16;
    let mut tag = [0; TAG_LEN];
    tag[..2].copy_from_slice(&id.to_le_bytes());
    tag[2..4].copy_from_slice(&version.to_le_bytes());
    // Serial number 1: the volume says what it is even after a disaster (UDF 2.60, 2.2.1.1).
    tag[6..8].copy_from_slice(&1u16.to_le_bytes());
    tag[8..10].copy_from_slice(&crc.to_le_bytes());
    tag[10..12].copy_from_slice(&len.to_le_bytes());
    tag[12..16].copy_from_slice(&location.to_le_bytes());
    tag[4] = tag.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
    descriptor[..TAG_LEN].copy_from_slice(&tag);
}

/// Gives a sealed descriptor another place (ECMA-167, 3/7.2.8).
pub(crate) fn reseal(descriptor: &mut [u8], location: u32) {
    descriptor[12..16].copy_from_slice(&location.to_le_bytes());
    descriptor[4] = 0;
    let tag = &descriptor[..TAG_LEN];
    descriptor[4] = tag.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte));
}

/// What a tag says, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub id: u16,
    pub location: u32,
    /// The checksum and the CRC of what follows are right.
    pub sound: bool,
}

impl Tag {
    /// The tag of the descriptor at the start of `bytes`; `None` where there are too few bytes or
    /// all of the tag is zero.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Tag> {
        let tag: &[u8; TAG_LEN] = bytes.first_chunk()?;
        if tag.iter().all(|byte| *byte == 0) {
            return None;
        }
        let len = usize::from(le16(bytes, 10));
        let sum = tag.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_sub(tag[4]);
        let body = bytes.get(TAG_LEN..TAG_LEN + len);
        let sound = sum == tag[4] && body.is_some_and(|body| crc16(body) == le16(bytes, 8));
        Some(Tag { id: le16(bytes, 0), location: le32(bytes, 12), sound })
    }
}

/// The 16-bit number at byte `at`, which is there.
pub(crate) fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

/// The 32-bit number at byte `at`, which is there.
pub(crate) fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The 64-bit number at byte `at`, which is there.
pub(crate) fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from(le32(bytes, at)) | u64::from(le32(bytes, at + 4)) << 32
}

/// Appends the character set of all UDF text (UDF 2.60, 2.1.2).
pub(crate) fn charspec(out: &mut Vec<u8>) {
    let start = out.len();
    out.push(0);
    out.extend(b"OSTA Compressed Unicode");
    out.resize(start + 64, 0);
}

/// Appends text in a field of fixed length (UDF 2.60, 2.1.3): OSTA Compressed Unicode, zeros, and
/// the number of bytes used. What does not fit is cut off.
pub(crate) fn dstring(out: &mut Vec<u8>, text: &str, len: usize) {
    let mut bytes = compressed(&text.encode_utf16().collect::<Vec<_>>());
    let unit = usize::from(bytes.first().copied().unwrap_or(8) / 8);
    if bytes.len() > len - 1 {
        bytes.truncate(1 + (len - 2) / unit * unit);
    }
    let used = if text.is_empty() { 0 } else { bytes.len() };
    bytes.resize(len - 1, 0);
    if used == 0 {
        bytes.fill(0);
    }
    out.extend(bytes);
    out.push(used as u8);
}

/// OSTA Compressed Unicode (UDF 2.60, 2.1.1): a byte that says how many bits each unit has, and the
/// units, big-endian.
pub(crate) fn compressed(units: &[u16]) -> Vec<u8> {
    if units.iter().all(|unit| *unit <= 0xff) {
        std::iter::once(8).chain(units.iter().map(|unit| *unit as u8)).collect()
    } else {
        std::iter::once(16).chain(units.iter().flat_map(|unit| unit.to_be_bytes())).collect()
    }
}

/// The text of OSTA Compressed Unicode; `None` where the first byte is no such number of bits. 254
/// and 255 are those of a deleted name (UDF 2.60, 2.1.1).
pub(crate) fn decompressed(bytes: &[u8]) -> Option<String> {
    let Some((&bits, rest)) = bytes.split_first() else { return Some(String::new()) };
    match bits {
        8 | 254 => Some(rest.iter().map(|&byte| char::from(byte)).collect()),
        16 | 255 => {
            let units = rest.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            Some(char::decode_utf16(units).map(|c| c.unwrap_or('\u{FFFD}')).collect())
        }
        _ => None,
    }
}

/// The text in a field of fixed length.
pub(crate) fn from_dstring(field: &[u8]) -> Option<String> {
    let (&used, bytes) = field.split_last()?;
    decompressed(bytes.get(..usize::from(used))?)
}

/// Appends a time in UTC (ECMA-167, 1/7.3): type 1, offset 0.
pub(crate) fn timestamp(out: &mut Vec<u8>, time: Time) {
    let (year, [month, day, hour, minute, second]) = time.civil();
    // A year that 16 bits cannot hold is no year of any file.
    let year = year.clamp(i16::MIN.into(), i16::MAX.into()) as i16;
    out.extend(0x1000u16.to_le_bytes());
    out.extend(year.to_le_bytes());
    out.extend([month, day, hour, minute, second]);
    let micros = time.nanos / 1000;
    out.extend([micros / 10_000, micros / 100 % 100, micros % 100].map(|part| part as u8));
}

/// The time of twelve bytes (ECMA-167, 1/7.3); `None` where it is no date, as all zeros are not.
pub(crate) fn from_timestamp(bytes: &[u8; 12]) -> Option<Time> {
    let zone = le16(bytes, 0);
    let year = i64::from(le16(bytes, 2) as i16);
    let [month, day, hour, minute, second] = [bytes[4], bytes[5], bytes[6], bytes[7], bytes[8]];
    let time = Time::from_civil(year, [month, day, hour, minute, second])?;
    // Twelve signed bits of minutes east of Greenwich; -2047 is "not specified" (1/7.3.1).
    let minutes = i64::from((zone << 4) as i16 >> 4);
    let minutes = if zone >> 12 == 1 && minutes.abs() <= 1440 { minutes } else { 0 };
    let [centi, hundreds, micro] = [bytes[9], bytes[10], bytes[11]].map(u32::from);
    let nanos = if centi < 100 && hundreds < 100 && micro < 100 {
        (centi * 10_000 + hundreds * 100 + micro) * 1000
    } else {
        0
    };
    Some(Time { secs: time.secs - minutes * 60, nanos })
}

/// Appends an entity identifier (ECMA-167, 1/7.4; UDF 2.60, 2.1.5) of at most 23 bytes.
pub(crate) fn entity(out: &mut Vec<u8>, id: &str, suffix: [u8; 8]) {
    let start = out.len();
    out.push(0);
    out.extend(id.as_bytes());
    out.resize(start + 24, 0);
    out.extend(suffix);
}

/// Appends the identifier of the program that recorded something (UDF 2.60, 2.1.5.2), whose system
/// is not told.
pub(crate) fn developer(out: &mut Vec<u8>) {
    entity(out, "*KILN", [0; 8]);
}

/// The suffix of an identifier that UDF names (UDF 2.60, 2.1.5.3).
pub(crate) fn udf_suffix(revision: u16) -> [u8; 8] {
    let [low, high] = revision.to_le_bytes();
    [low, high, 0, 0, 0, 0, 0, 0]
}

/// Appends an extent of the volume: bytes and first block (ECMA-167, 3/7.1).
pub(crate) fn extent(out: &mut Vec<u8>, bytes: u32, block: u32) {
    out.extend(bytes.to_le_bytes());
    out.extend(block.to_le_bytes());
}

/// A block of a partition (ECMA-167, 4/7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    pub block: u32,
    /// The number of the partition's map in the logical volume.
    pub partition: u16,
}

/// Appends a long allocation descriptor (ECMA-167, 4/14.14.2) with the low half of a unique number
/// (UDF 2.60, 2.3.4.3).
pub(crate) fn long_ad(out: &mut Vec<u8>, bytes: u32, at: Address, unique: u32) {
    out.extend(bytes.to_le_bytes());
    out.extend(at.block.to_le_bytes());
    out.extend(at.partition.to_le_bytes());
    out.extend([0; 2]);
    out.extend(unique.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_as_short_as_they_can_be() {
        let mut out = Vec::new();
        dstring(&mut out, "LinuxUDF", 32);
        // The volume name of an image made by mkudffs 2.3.
        assert_eq!(out[..12], *b"\x08LinuxUDF\0\0\0");
        assert_eq!(out[31], 9);
        assert_eq!(from_dstring(&out).as_deref(), Some("LinuxUDF"));
        out.clear();
        dstring(&mut out, "Ωmega", 8);
        assert_eq!(out, [16, 0x03, 0xa9, 0, b'm', 0, b'e', 7]);
        out.clear();
        dstring(&mut out, "", 8);
        assert_eq!(out, [0; 8]);
    }

    #[test]
    fn times_come_back() {
        let time = Time { secs: 1_795_370_960, nanos: 123_456_000 }; // 2026-11-22T18:09:20Z
        let mut out = Vec::new();
        timestamp(&mut out, time);
        assert_eq!(out, [0, 0x10, 0xea, 0x07, 11, 22, 18, 9, 20, 12, 34, 56]);
        let mut bytes: [u8; 12] = out.try_into().unwrap();
        assert_eq!(from_timestamp(&bytes), Some(time));
        // An hour east of Greenwich, and five hours west.
        bytes[..2].copy_from_slice(&0x103cu16.to_le_bytes());
        assert_eq!(from_timestamp(&bytes).map(|t| t.secs), Some(time.secs - 3600));
        bytes[..2].copy_from_slice(&0x1ed4u16.to_le_bytes());
        assert_eq!(from_timestamp(&bytes).map(|t| t.secs), Some(time.secs + 5 * 3600));
        assert_eq!(from_timestamp(&[0; 12]), None);
    }

    #[test]
    fn a_broken_tag_is_seen() {
        let mut descriptor = vec![7; 512];
        seal(&mut descriptor, tag::PARTITION, 2, 34);
        let good = Tag { id: tag::PARTITION, location: 34, sound: true };
        assert_eq!(Tag::parse(&descriptor), Some(good));
        descriptor[511] ^= 1;
        assert_eq!(Tag::parse(&descriptor), Some(Tag { sound: false, ..good }));
        descriptor[511] ^= 1;
        descriptor[12] ^= 1;
        assert!(!Tag::parse(&descriptor).unwrap().sound);
        assert_eq!(Tag::parse(&[0; 512]), None);
        assert_eq!(Tag::parse(&descriptor[..15]), None);
    }
}
