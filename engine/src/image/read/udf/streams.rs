//! Named streams, read as extended attributes (ECMA-167, 4/9.2; UDF 2.60, 3.3.5).

use super::entry::Entry;
use super::name;
use super::partition::Partitions;
use super::walk::{identifier, whole};
use crate::image::read::ReadError;
use crate::image::read::walk::Input;
use crate::image::udf::entry::{
    CHARACTERISTIC_DELETED, CHARACTERISTIC_METADATA, CHARACTERISTIC_PARENT, file_type,
};
use crate::image::udf::streams::attribute_name;
use crate::image::udf::wire::Address;
use crate::image::xattr::Xattr;

/// Bytes of a stream directory.
const DIRECTORY_MAX: u64 = 1 << 20;
/// The largest value: more than any system keeps.
const VALUE_MAX: u64 = 1 << 20;
/// Streams that one node may have.
const STREAMS_MAX: usize = 1000;

/// The attributes that the streams below this stream directory are.
pub(super) fn read(
    input: &mut Input<'_>,
    partitions: &Partitions,
    directory: Address,
) -> Result<Vec<Xattr>, ReadError> {
    let mut out = Vec::new();
    let Some(entry) = Entry::read(input, partitions, directory)? else { return Ok(out) };
    if entry.file_type != file_type::STREAM_DIRECTORY {
        input.flaw(entry.at, "a stream directory is of another kind");
        return Ok(out);
    }
    let Some(bytes) = entry.bytes(input, DIRECTORY_MAX)? else {
        input.flaw(entry.at, "a stream directory is too long or unreadable");
        return Ok(out);
    };
    let mut used = 0;
    while let Some(len) = whole(&bytes[used..]) {
        let found = identifier(&bytes[used..used + len], entry.at);
        used += len;
        let found = match found {
            Ok(Some(found)) => found,
            Ok(None) => continue,
            Err(what) => {
                input.flaw(entry.at, format!("a stream directory: {what}"));
                break;
            }
        };
        let others = CHARACTERISTIC_PARENT | CHARACTERISTIC_DELETED | CHARACTERISTIC_METADATA;
        if found.characteristics & others != 0 {
            continue;
        }
        if out.len() == STREAMS_MAX {
            input.flaw(entry.at, "there are more streams than are read");
            break;
        }
        let mut flaws = Vec::new();
        let name = name(&found.id, entry.at, &mut flaws);
        flaws.into_iter().for_each(|flaw| input.flaw(flaw.at, flaw.what));
        let Some(attribute) = attribute_name(&name) else { continue };
        let Some(stream) = Entry::read(input, partitions, found.entry)? else { continue };
        match stream.bytes(input, VALUE_MAX)? {
            Some(value) => match Xattr::new(attribute, value) {
                Some(one) => out.push(one),
                None => input.flaw(entry.at, "a stream has a name that no attribute can have"),
            },
            None => input.flaw(stream.at, "a stream is too long or unreadable; left out"),
        }
    }
    Ok(out)
}
