//! Contents with the same bytes, found by their SHA-256 and stored once.
//!
//! Files stay files of their own, with metadata, serial numbers and link counts of their own: only
//! their bytes lie in the same place.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::bytes::{Bytes, Trouble};
use super::scan::ScanError;
use super::tree::{ContentId, Kind, Source, Tree};

/// Bytes that are hashed at once.
const CHUNK: usize = 1 << 20;

/// What was found to be the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deduplicated {
    /// Contents that lie where another one does.
    pub contents: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Tree {
    /// Has contents with the same bytes stored once. Reads all contents of which another one has
    /// the same size, but for those with holes and those on the disc.
    pub fn deduplicate(&mut self) -> Result<Deduplicated, ScanError> {
        let mut sizes: BTreeMap<u64, Vec<ContentId>> = BTreeMap::new();
        let mut met = vec![false; self.content_count()];
        for node in self.walk() {
            let Kind::File(id) = self.kind(node) else { continue };
            if !std::mem::replace(&mut met[id.0 as usize], true) && self.is_hashable(id) {
                sizes.entry(self.content(id).size).or_default().push(id);
            }
        }
        let mut done = Deduplicated::default();
        let mut bytes = Bytes::default();
        for (size, ids) in sizes.into_iter().filter(|(_, ids)| ids.len() > 1) {
            let mut firsts: BTreeMap<[u8; 32], ContentId> = BTreeMap::new();
            for id in ids {
                let hash = self.hash(&mut bytes, id)?;
                let first = *firsts.entry(hash).or_insert(id);
                if first != id {
                    self.set_same_as(id, first);
                    done.contents += 1;
                    done.bytes += size;
                }
            }
        }
        Ok(done)
    }

    fn is_hashable(&self, id: ContentId) -> bool {
        let content = self.content(id);
        let at_hand = match &content.source {
            Source::Host(_) | Source::Memory(_) | Source::Generated(_) => true,
            Source::Pieces(pieces) => {
                pieces.parts.iter().map(|part| part.bytes).sum::<u64>() == content.size
            }
            Source::BootCatalog | Source::OnDisc(_) | Source::Embedded { .. } => false,
        };
        at_hand && content.size > 0
    }

    fn hash(&self, bytes: &mut Bytes, id: ContentId) -> Result<[u8; 32], ScanError> {
        let content = self.content(id);
        let mut sum = Sha256::new();
        let mut room = vec![0; CHUNK.min(usize::try_from(content.size).unwrap_or(CHUNK))];
        let mut at = 0;
        while at < content.size {
            let left = usize::try_from(content.size - at).unwrap_or(CHUNK);
            let len = room.len().min(left);
            let chunk = &mut room[..len];
            bytes.read(self, id, at, chunk).map_err(|Trouble { detail, .. }| ScanError {
                path: content.host_file().map_or_else(PathBuf::new, |file| self.host_path(file)),
                doing: "compared with others",
                detail,
            })?;
            sum.update(&*chunk);
            at += chunk.len() as u64;
        }
        Ok(sum.finalize().into())
    }
}
