//! The tree of another image as one to begin with: its files' bytes stay in that image.

use std::sync::{Arc, Mutex};

use super::read::{ReadError, ReadOptions, Volume};
use super::sectors::Sectors;
use super::tree::{Container, ContentId, Extent, OtherImage, Part, Pieces, Source, Tree};
use crate::units::BLOCK;

/// What was imported.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The volume; the contents of its tree are read from the image.
    pub volume: Volume,
    /// Paths of files that reach behind the image's last block and are left out.
    pub left_out: Vec<String>,
}

impl Tree {
    /// Reads the tree of a volume whose files can be recorded anew. The image is called `name`
    /// where it cannot be read later.
    pub fn import(
        mut sectors: Box<dyn Sectors + Send>,
        name: &str,
        options: &ReadOptions,
    ) -> Result<Imported, ReadError> {
        let mut volume = Volume::read(&mut *sectors, options)?;
        let blocks = sectors.blocks();
        let left_out = match volume.tree.recorded(blocks) {
            Ok((tree, left_out)) => {
                volume.tree = tree;
                left_out
            }
            // It was read into a tree before.
            Err(error) => return Err(ReadError::Broken { at: 0, what: error.to_string() }),
        };
        let image = OtherImage { name: name.to_owned(), sectors: Mutex::new(sectors) };
        let of = Container::Image(Arc::new(image));
        for id in (0..volume.tree.content_count() as u32).map(ContentId) {
            let content = volume.tree.content(id);
            let parts = match &content.source {
                Source::OnDisc(extents) => parts(extents),
                Source::Embedded { lba, at } => {
                    let start = lba.0.max(0) as u64 * BLOCK as u64 + *at as u64;
                    vec![Part { at: 0, start, bytes: content.size }]
                }
                _ => continue,
            };
            let pieces = Pieces { of: of.clone(), parts: parts.into() };
            volume.tree.set_source(id, Source::Pieces(Box::new(pieces)));
        }
        Ok(Imported { volume, left_out })
    }
}

/// The bytes of extents as parts of the image; holes are no parts.
fn parts(extents: &[Extent]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut at = 0;
    for extent in extents.iter().filter(|extent| extent.bytes > 0) {
        if !extent.is_hole() {
            let start = extent.lba.0 as u64 * BLOCK as u64;
            match parts.last_mut() {
                Some(last) if last.at + last.bytes == at && last.start + last.bytes == start => {
                    last.bytes += extent.bytes;
                }
                _ => parts.push(Part { at, start, bytes: extent.bytes }),
            }
        }
        at = at.saturating_add(extent.bytes);
    }
    parts
}
