//! The fixed structures of ISO 9660, written: records, descriptors, path tables, identifiers.
//!
//! May not know: trees of the host or where things lie; callers say.

pub(super) mod names;
pub(super) mod record;
pub(super) mod volume;

/// Appends a number in both byte orders, little-endian first (ECMA-119, 7.3.3).
pub(super) fn both32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
    out.extend(value.to_be_bytes());
}

/// Appends a 16-bit number in both byte orders (ECMA-119, 7.2.3).
pub(super) fn both16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
    out.extend(value.to_be_bytes());
}
