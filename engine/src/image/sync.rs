//! A folder and what a disc holds of it: what changed, and only that is to be written.

use super::bytes::Bytes;
use super::sectors::{Sectors, SourceError};
use super::tree::{Content, Extent, Kind, Meta, NodeId, Source, Tree};
use crate::units::{BLOCK, Blocks};

/// Bytes that are compared at once.
const CHUNK: usize = 32 * BLOCK;

/// By what a file is taken for unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sameness {
    /// Size and time of last change, to the second, which is what ISO 9660 records.
    #[default]
    Times,
    /// Every byte.
    Bytes,
}

/// What became of the entries of a tree, how many of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Were not there.
    pub added: usize,
    /// Hold something else, or are something else.
    pub changed: usize,
    /// Hold what they held, with another owner, mode or time.
    pub touched: usize,
    /// Are there no longer.
    pub removed: usize,
    /// Are as they were.
    pub kept: usize,
}

impl Changes {
    /// Whether all is as it was.
    pub fn none(&self) -> bool {
        let Changes { added, changed, touched, removed, kept: _ } = *self;
        added + changed + touched + removed == 0
    }
}

impl Tree {
    /// Takes from `old`, which lies on the disc that `sectors` read, what is the same here, so that
    /// it is not written again. Folders are as they were if owner and mode are: their time changes
    /// with anything that comes and goes in them.
    ///
    /// `posix`: the old tree records owners and modes. Entries of the root that only `old` has are
    /// counted as removed if `whole` says that this tree is all there shall be.
    pub fn update(
        &mut self,
        old: &Tree,
        sectors: &mut dyn Sectors,
        sameness: Sameness,
        posix: bool,
        whole: bool,
    ) -> Result<Changes, SourceError> {
        let mut changes = Changes::default();
        let mut pairs = vec![(self.root(), Some(old.root()))];
        let (mut taken, mut alike) = (Vec::new(), Vec::new());
        while let Some((here, there)) = pairs.pop() {
            let before = there.map_or(&[][..], |node| old.children(node));
            let is_root = here == self.root();
            if !is_root || whole {
                let gone = before.iter().filter(|n| self.child(here, old.name(**n)).is_none());
                changes.removed += gone.map(|node| weight(old, *node)).sum::<usize>();
            }
            for &node in self.children(here) {
                let twin = there.and_then(|there| old.child(there, self.name(node)));
                let same = match twin {
                    None => {
                        changes.added += 1;
                        false
                    }
                    Some(twin) => {
                        let same = self.same(node, old, twin, sectors, sameness)?;
                        let meta = same_meta(self, node, old, twin, posix);
                        match (same, meta) {
                            (false, _) => changes.changed += 1,
                            (true, false) => changes.touched += 1,
                            (true, true) => changes.kept += 1,
                        }
                        same
                    }
                };
                // Extended attributes that were not asked for stay as they are.
                if let Some(twin) = twin.filter(|_| same && self.xattrs(node).is_empty()) {
                    alike.push((node, twin));
                }
                match (self.kind(node), twin) {
                    (Kind::Directory, twin) => {
                        let twin = twin.filter(|twin| old.kind(*twin) == Kind::Directory);
                        pairs.push((node, twin));
                    }
                    (Kind::File(id), Some(twin)) if same => {
                        if let Kind::File(known) = old.kind(twin) {
                            taken.push((id, known));
                        }
                    }
                    _ => {}
                }
                // What stands where a folder was leaves nothing of that.
                if let Some(twin) = twin
                    && self.kind(node) != Kind::Directory
                    && old.kind(twin) == Kind::Directory
                {
                    changes.removed += weight(old, twin) - 1;
                }
            }
        }
        for (node, twin) in alike {
            self.share_xattrs(node, old, twin);
        }
        for (id, known) in taken {
            let Content { size, source, .. } = old.content(known).clone();
            self.replace(id, size, source);
        }
        Ok(changes)
    }

    /// Whether two nodes are the same thing and hold the same.
    fn same(
        &self,
        node: NodeId,
        old: &Tree,
        twin: NodeId,
        sectors: &mut dyn Sectors,
        sameness: Sameness,
    ) -> Result<bool, SourceError> {
        let (Kind::File(id), Kind::File(known)) = (self.kind(node), old.kind(twin)) else {
            return Ok(match (self.kind(node), old.kind(twin)) {
                (Kind::Symlink(new), Kind::Symlink(old)) => plain(new) == plain(old),
                (new, old) => new == old,
            });
        };
        if self.content(id).size != old.content(known).size {
            return Ok(false);
        }
        match sameness {
            Sameness::Times => Ok(self.meta(node).mtime.secs == old.meta(twin).mtime.secs),
            Sameness::Bytes => self.same_bytes(node, old.content(known), sectors),
        }
    }

    /// Whether a file holds what lies on the disc.
    fn same_bytes(
        &self,
        node: NodeId,
        old: &Content,
        sectors: &mut dyn Sectors,
    ) -> Result<bool, SourceError> {
        let Kind::File(id) = self.kind(node) else { return Ok(false) };
        let (mut reader, mut at) = (Bytes::default(), 0);
        let mut same = |bytes: &[u8]| -> Result<bool, SourceError> {
            let mut new = vec![0; bytes.len()];
            reader.read(self, id, at, &mut new).map_err(|trouble| SourceError {
                block: Blocks(0),
                source: self.display_path(node),
                kind: trouble.kind,
                detail: trouble.detail,
            })?;
            at += bytes.len() as u64;
            Ok(new == bytes)
        };
        match &old.source {
            Source::Memory(bytes) => same(bytes),
            Source::OnDisc(extents) => {
                for extent in extents {
                    if !same_extent(*extent, sectors, &mut same)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// Hands what lies in an extent over, piece by piece, for as long as it is the same.
fn same_extent(
    extent: Extent,
    sectors: &mut dyn Sectors,
    same: &mut dyn FnMut(&[u8]) -> Result<bool, SourceError>,
) -> Result<bool, SourceError> {
    let mut room = vec![0; CHUNK];
    let mut done = 0;
    while done < extent.bytes {
        let now = CHUNK.min(usize::try_from(extent.bytes - done).unwrap_or(CHUNK));
        let blocks = &mut room[..now.next_multiple_of(BLOCK)];
        if extent.is_hole() {
            blocks.fill(0);
        } else {
            let first = u64::from(extent.lba.0.unsigned_abs()) + done / BLOCK as u64;
            sectors.read(Blocks(u32::try_from(first).unwrap_or(u32::MAX)), blocks)?;
        }
        if !same(&room[..now])? {
            return Ok(false);
        }
        done += now as u64;
    }
    Ok(true)
}

/// Nodes from this one down.
fn weight(tree: &Tree, node: NodeId) -> usize {
    let mut waiting = vec![node];
    let mut count = 0;
    while let Some(node) = waiting.pop() {
        count += 1;
        waiting.extend(tree.children(node));
    }
    count
}

/// Whether what is recorded of two nodes besides their content is the same.
fn same_meta(new: &Tree, node: NodeId, old: &Tree, twin: NodeId, posix: bool) -> bool {
    let facts = |tree: &Tree, node: NodeId| {
        let Meta { mode, uid, gid, mtime, .. } = *tree.meta(node);
        let time = (tree.kind(node) != Kind::Directory).then_some(mtime.secs);
        (posix.then_some((mode, uid, gid)), time)
    };
    let attributes = new.xattrs(node);
    let same = attributes.is_empty() || attributes == old.xattrs(twin);
    same && facts(new, node) == facts(old, twin)
}

/// A link's target as it is recorded: without doubled and closing slashes.
fn plain(target: &[u8]) -> Vec<u8> {
    let names: Vec<&[u8]> = target.split(|b| *b == b'/').filter(|name| !name.is_empty()).collect();
    let mut out = if target.first() == Some(&b'/') { b"/".to_vec() } else { Vec::new() };
    out.extend(names.join(&b'/'));
    out
}

#[cfg(test)]
mod tests {
    use super::super::sectors::MemorySectors;
    use super::super::time::Time;
    use super::*;
    use crate::units::Lba;

    fn meta(secs: i64) -> Meta {
        Meta { mode: 0o644, mtime: Time::from_secs(secs), ..Meta::default() }
    }

    fn on_disc(tree: &mut Tree, name: &[u8], secs: i64, bytes: u64) {
        let extent = Extent { lba: Lba(1), bytes };
        tree.add_on_disc(tree.root(), name, meta(secs), &[extent]).expect("a new name");
    }

    #[test]
    fn only_what_changed_is_new() {
        let mut old = Tree::new(Meta::default());
        for (name, secs, bytes) in
            [(b"same", 5, 3), (b"time", 5, 3), (b"size", 5, 4), (b"gone", 5, 3), (b"mode", 5, 3)]
        {
            on_disc(&mut old, name, secs, bytes);
        }
        let dir = old.add_directory(old.root(), b"was a folder", meta(1)).expect("a new name");
        old.add_bytes(dir, b"in it", meta(1), *b"1").expect("a new name");
        let link = |tree: &mut Tree, to: &[u8]| {
            tree.add_special(tree.root(), b"link", meta(1), Kind::Symlink(to)).expect("a new name")
        };
        link(&mut old, b"a/b");
        let mut new = Tree::new(Meta::default());
        for (name, secs) in [(b"same", 5), (b"time", 6), (b"size", 5), (b"more", 5), (b"mode", 5)] {
            let mode = if name == b"mode" { 0o600 } else { 0o644 };
            let meta = Meta { mode, ..meta(secs) };
            new.add_bytes(new.root(), name, meta, *b"new").expect("a new name");
        }
        new.add_bytes(new.root(), b"was a folder", meta(1), *b"new").expect("a new name");
        link(&mut new, b"a//b/");
        let mut none = MemorySectors(vec![0; 4096]);
        let changes = new.update(&old, &mut none, Sameness::Times, true, true).expect("no reading");
        let want = Changes { added: 1, changed: 3, touched: 1, removed: 2, kept: 2 };
        assert_eq!(changes, want);
        let written = |name: &[u8]| {
            let node = new.lookup(name).expect("it was added");
            let Kind::File(id) = new.kind(node) else { panic!("a file") };
            matches!(new.content(id).source, Source::Memory(_))
        };
        assert!(!written(b"same") && !written(b"mode"));
        assert!(written(b"time") && written(b"size") && written(b"more"));
    }

    #[test]
    fn bytes_count_where_they_are_asked_for() {
        let dir = std::env::temp_dir().join(format!("kiln-sync-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder for the test");
        let mut disc = vec![0; 40 * BLOCK];
        disc[BLOCK..].fill(7);
        let bytes = 35 * BLOCK + 5;
        std::fs::write(dir.join("same"), vec![7; bytes]).expect("writable");
        let mut other = vec![7; bytes];
        other[bytes - 1] = 8;
        std::fs::write(dir.join("other"), other).expect("writable");
        let mut old = Tree::new(Meta::default());
        on_disc(&mut old, b"same", 5, bytes as u64);
        on_disc(&mut old, b"other", 5, bytes as u64);
        let mut new = Tree::scan(&[&dir], &Default::default()).expect("readable");
        let mut sectors = MemorySectors(disc);
        let changes = new.update(&old, &mut sectors, Sameness::Bytes, false, true);
        let want = Changes { changed: 1, touched: 1, ..Changes::default() };
        assert_eq!(changes, Ok(want));
        std::fs::remove_dir_all(&dir).expect("the test made it");
    }
}
