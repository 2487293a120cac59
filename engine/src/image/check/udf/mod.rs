//! UDF volumes (ECMA-167; OSTA UDF): `volume` looks at the descriptors, `files` at directories and
//! entries, `free` at what is said to be free and at the two copies of metadata.

mod files;
mod free;
mod volume;

use super::space::Use;
use super::{Checker, byte};
use crate::crc16::crc16;
use crate::image::read::walk::Input;
use crate::image::read::{Limits, ReadError, udf as reader};
use crate::image::udf::wire::{TAG_LEN, Tag, le16, le32};
use crate::units::Lba;

/// Tag identifier of a space bitmap descriptor (ECMA-167, 4/7.2.1).
const SPACE_BITMAP: u16 = 264;

/// Looks at the volume of a session; false if there is none.
pub(super) fn check(c: &mut Checker<'_>, session: Lba) -> Result<bool, ReadError> {
    let found = {
        let mut input = Input::new(c.sectors, Limits::default());
        match reader::Found::find(&mut input, session) {
            Ok(None) => return Ok(false),
            Ok(Some(found)) => Ok(found),
            Err(error @ ReadError::Source(_)) => return Err(error),
            Err(error) => Err(error),
        }
    };
    let start = u32::try_from(session.0).unwrap_or(0);
    let volume = volume::check(c, start);
    let revision = volume.revision;
    let name = match revision {
        0 => "UDF".to_owned(),
        revision => format!("UDF {:x}.{:02x}", revision >> 8, revision & 0xff),
    };
    c.report.volumes.push(name);
    let found = match found {
        Ok(found) => found,
        Err(ReadError::Broken { at, what }) => {
            c.error(at, "ECMA-167, 3/8 and 4/8", format!("its files cannot be found: {what}"));
            return Ok(true);
        }
        Err(error) => {
            c.error(0, "ECMA-167, 3/8 and 4/8", format!("its files cannot be found: {error}"));
            return Ok(true);
        }
    };
    let counted = files::check(c, &found, &volume);
    volume::compare_counts(c, &volume, &counted);
    free::check(c, &volume);
    Ok(true)
}

/// Looks at the tag of a descriptor (ECMA-167, 3/7.2); its identifier. `location` is where it lies,
/// as descriptors of its kind count.
fn tag(c: &mut Checker<'_>, bytes: &[u8], at: u64, wanted: &[u16], location: u32) -> Option<u16> {
    let Some(found) = Tag::parse(bytes) else {
        c.error(at, "ECMA-167, 3/7.2", "there is no descriptor where one should be");
        return None;
    };
    let head = &bytes[..TAG_LEN];
    let sum = head.iter().fold(0u8, |sum, b| sum.wrapping_add(*b)).wrapping_sub(head[4]);
    if sum != head[4] {
        let what = format!("the checksum of a tag is {}, not {sum}", head[4]);
        c.error(at + 4, "ECMA-167, 3/7.2.3", what);
    }
    let len = usize::from(le16(bytes, 10));
    match bytes.get(TAG_LEN..TAG_LEN + len) {
        Some(body) if crc16(body) == le16(bytes, 8) => {}
        Some(body) => {
            let what =
                format!("the CRC of a descriptor is {}, not {}", le16(bytes, 8), crc16(body));
            c.error(at + 8, "ECMA-167, 3/7.2.6", what);
        }
        None => {
            let what = format!("the CRC of a descriptor is over {len} bytes, more than there are");
            c.error(at + 10, "ECMA-167, 3/7.2.7", what);
        }
    }
    if !matches!(le16(bytes, 2), 2 | 3) {
        let what = format!("a tag has the version {}", le16(bytes, 2));
        c.error(at + 2, "ECMA-167, 3/7.2.2", what);
    }
    if found.location != location {
        let what = format!("a tag says that it lies at block {}, not {location}", found.location);
        c.error(at + 12, "ECMA-167, 3/7.2.8", what);
    }
    if !wanted.contains(&found.id) {
        let what = format!("a descriptor has the tag identifier {}, not {wanted:?}", found.id);
        c.error(at, "ECMA-167, 3/7.2.1", what);
        return None;
    }
    Some(found.id)
}

/// A text in a field of fixed length (UDF 2.60, 2.1.3).
fn dstring(c: &mut Checker<'_>, bytes: &[u8], at: u64, from: usize, to: usize) {
    let field = &bytes[from..to];
    let used = usize::from(field[field.len() - 1]);
    let empty = used == 0 && field.iter().all(|b| *b == 0);
    if !empty && (used == 0 || used >= field.len() || !matches!(field[0], 8 | 16)) {
        let what = "a text has an impossible length or an unknown compression";
        c.error(at + from as u64, "UDF 2.60, 2.1.3", what);
    }
}

/// An extent of the volume: bytes and first block (ECMA-167, 3/7.1).
fn extent(bytes: &[u8], at: usize) -> (u32, u32) {
    (le32(bytes, at), le32(bytes, at + 4))
}

/// Notes blocks of a structure.
fn claim(c: &mut Checker<'_>, block: u32, blocks: u32) {
    c.claims.blocks(Use::Structure, block, blocks, byte(block));
}
