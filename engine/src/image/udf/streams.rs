//! Extended attributes of nodes as named streams (ECMA-167, 4/9.2; UDF 2.60, 3.3.5): behind the
//! blocks of a node in the row come those of a stream directory, and of each stream.
//!
//! A stream of users has the name of the attribute without `user.`, as programs for NTFS have it; a
//! Macintosh resource fork the name that UDF gives it. May not know: what attributes mean.

use super::entry::{
    Body, CHARACTERISTIC_DIRECTORY, CHARACTERISTIC_PARENT, Entry, Identifier, file_type,
};
use super::names;
use super::space::{Blocks, Space};
use super::wire::Address;
use crate::image::iso9660::names::make_unique;
use crate::image::tree::{NodeId, Tree};

/// The name space of users' attributes.
const USER: &str = "user.";
/// Name spaces that are recorded with their names.
const OTHERS: [&str; 4] = [USER, "system.", "security.", "trusted."];
/// The attribute that holds a Macintosh resource fork, and its stream (UDF 2.60, 3.3.8).
const RESOURCE_FORK: (&str, &str) = ("user.com.apple.ResourceFork", "*UDF Macintosh Resource Fork");

/// A named stream.
pub(super) struct Stream<'a> {
    id: Vec<u8>,
    pub value: &'a [u8],
}

/// The name of the stream that an attribute is recorded as.
fn stream_name(attribute: &[u8]) -> Vec<u8> {
    if attribute == RESOURCE_FORK.0.as_bytes() {
        return RESOURCE_FORK.1.as_bytes().to_vec();
    }
    match attribute.strip_prefix(USER.as_bytes()) {
        Some(own) if !own.is_empty() && !has_space(own) => own.to_vec(),
        _ => attribute.to_vec(),
    }
}

/// The attribute that a stream of this name stands for; none where UDF has it for itself.
pub(in crate::image) fn attribute_name(stream: &[u8]) -> Option<Vec<u8>> {
    if stream == RESOURCE_FORK.1.as_bytes() {
        return Some(RESOURCE_FORK.0.as_bytes().to_vec());
    }
    match stream {
        _ if stream.starts_with(b"*UDF ") => None,
        _ if has_space(stream) => Some(stream.to_vec()),
        _ => Some([USER.as_bytes(), stream].concat()),
    }
}

fn has_space(name: &[u8]) -> bool {
    OTHERS.iter().any(|space| name.starts_with(space.as_bytes())) || name.starts_with(b"*UDF ")
}

/// Whether an attribute of this name comes back with it.
pub(in crate::image) fn keeps(name: &[u8]) -> bool {
    let stream = stream_name(name);
    names::is_faithful(&stream, &names::identifier(&stream))
        && attribute_name(&stream).as_deref() == Some(name)
}

/// The streams of a node, in the order of their identifiers.
pub(super) fn of<'a>(space: &Space, tree: &'a Tree, node: NodeId) -> Vec<Stream<'a>> {
    let attributes = tree.xattrs(node);
    if attributes.is_empty() || !space.revision().third_edition() {
        return Vec::new();
    }
    let names: Vec<Vec<u8>> = attributes.iter().map(|one| stream_name(one.name())).collect();
    let mut ids: Vec<Vec<u8>> = names.iter().map(|name| names::identifier(name)).collect();
    let order = make_unique(&mut ids, |i, number| names::numbered(&names[i], number));
    let stream = |i: u32| {
        let id = std::mem::take(&mut ids[i as usize]);
        Stream { id, value: attributes[i as usize].value() }
    };
    order.into_iter().map(stream).collect()
}

fn directory_len(streams: &[Stream<'_>]) -> usize {
    let all = streams.iter().map(|stream| Identifier::len(&stream.id));
    Identifier::len(&[]) + all.sum::<usize>()
}

/// The blocks of a node's stream directory and of each stream.
pub(super) fn parts(space: &Space, tree: &Tree, node: NodeId) -> Vec<Blocks> {
    let streams = of(space, tree, node);
    if streams.is_empty() {
        return Vec::new();
    }
    let lens = streams.iter().map(|stream| stream.value.len());
    let all = std::iter::once(directory_len(&streams)).chain(lens);
    all.map(|bytes| Blocks { entry: 1, behind: space.separate(bytes) }).collect()
}

/// How many blocks they are.
pub(super) fn blocks(space: &Space, tree: &Tree, node: NodeId) -> u32 {
    parts(space, tree, node).iter().fold(0, |sum, blocks| sum.saturating_add(blocks.total()))
}

/// The blocks of the stream directory at block `at` of the row, and of the streams, of the node
/// whose entry lies at `owner`.
pub(super) fn emit(
    space: &Space,
    streams: &[Stream<'_>],
    at: u32,
    node: &Entry<'_>,
    owner: Address,
) -> Vec<u8> {
    let revision = space.revision();
    let unique = space.recorded_unique(node.unique as u32);
    let len = directory_len(streams);
    let separate = space.separate(len);
    let start = if separate > 0 { space.behind(at).block } else { space.address(at).block };
    let version = revision.tag_version();
    let location = |bytes: usize| match separate {
        0 => start,
        _ => start + (bytes / crate::units::BLOCK) as u32,
    };
    let mut identifiers = Vec::with_capacity(len);
    let up = Identifier {
        location: start,
        characteristics: CHARACTERISTIC_DIRECTORY | CHARACTERISTIC_PARENT,
        id: &[],
        entry: owner,
        unique,
    };
    up.emit(&mut identifiers, version);
    let mut first = at + 1 + separate;
    let mut out = Vec::new();
    for stream in streams {
        let identifier = Identifier {
            location: location(identifiers.len()),
            characteristics: 0,
            id: &stream.id,
            entry: space.address(first),
            unique,
        };
        identifier.emit(&mut identifiers, version);
        let (bytes, body) = space.within(stream.value.to_vec(), first + 1);
        let blocks = space.whole(&entry(node, file_type::FILE, body, true), first, bytes);
        first += (blocks.len() / crate::units::BLOCK) as u32;
        out.extend(blocks);
    }
    let (bytes, body) = space.within(identifiers, at + 1);
    let mut whole = space.whole(&entry(node, file_type::STREAM_DIRECTORY, body, false), at, bytes);
    whole.extend(out);
    whole
}

/// An entry with the rights and times of the node, and its number (UDF 2.60, 3.2.1.1).
fn entry<'a>(node: &Entry<'a>, kind: u8, body: Body, is_stream: bool) -> Entry<'a> {
    Entry {
        revision: node.revision,
        kind,
        meta: node.meta,
        links: 1,
        unique: node.unique,
        attributes: Vec::new(),
        body,
        long: node.long,
        streams: None,
        is_stream,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (attribute, stream) in [
            ("user.comment", "comment"),
            ("user.com.apple.FinderInfo", "com.apple.FinderInfo"),
            ("user.com.apple.ResourceFork", "*UDF Macintosh Resource Fork"),
            ("user.user.x", "user.user.x"),
            ("user.*UDF x", "user.*UDF x"),
            ("user.system.x", "user.system.x"),
            ("system.posix_acl_access", "system.posix_acl_access"),
            ("trusted.x", "trusted.x"),
        ] {
            assert_eq!(stream_name(attribute.as_bytes()), stream.as_bytes());
            let back = attribute_name(stream.as_bytes());
            assert_eq!(back.as_deref(), Some(attribute.as_bytes()));
        }
        assert_eq!(attribute_name(b"*UDF NT ACL"), None);
    }
}
