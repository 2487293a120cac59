//! `kiln image cat`.

use engine::image::Kind;
use engine::image::read::ContentReader;
use engine::units::BLOCK;

use super::args::Cat;
use crate::cli::out;
use crate::exit::Failure;

/// Bytes that are read at once.
const PIECE: u64 = 128 * BLOCK as u64;

pub(super) fn cat(args: &Cat) -> Result<(), Failure> {
    let Cat { of, path, offset, length } = args;
    let mut opened = super::open(of)?;
    let tree = &opened.volume.tree;
    let nodes = super::nodes(tree, &of.image, std::slice::from_ref(path))?;
    let Kind::File(content) = tree.kind(nodes[0]) else {
        return Err(super::unreadable(&of.image, &format!("{path} is no file")));
    };
    let mut reader = ContentReader::new(tree, content);
    let end = length.map_or(u64::MAX, |length| offset.saturating_add(length)).min(reader.size());
    let mut at = *offset;
    let mut room = Vec::new();
    while at < end {
        room.resize((end - at).min(PIECE) as usize, 0);
        reader
            .read(&mut opened.sectors, at, &mut room)
            .map_err(|e| super::unreadable(&of.image, &format!("{path}: {e}")))?;
        if !out::bytes(&room)? {
            break;
        }
        at += room.len() as u64;
    }
    Ok(())
}
