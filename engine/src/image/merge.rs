//! Two trees into one: what a disc holds and what is added to it.

use std::collections::BTreeMap;

use super::tree::{ContentId, Kind, NodeId, Source, Tree, TreeError, TreeErrorKind};
use crate::units::Blocks;

impl Tree {
    /// This tree with another one laid over it. Directories that both have are joined, with the
    /// metadata of the one on top; anything else of the same path is replaced by it.
    pub fn merged(&self, over: &Tree) -> Result<Tree, TreeError> {
        self.merge(over, u64::MAX, None).map(|(tree, _)| tree)
    }

    /// This tree without those entries of its root that `other` has too.
    pub fn without(&self, other: &Tree) -> Result<Tree, TreeError> {
        let nothing = Tree::new(*self.meta(self.root()));
        self.merge(&nothing, u64::MAX, Some(other)).map(|(tree, _)| tree)
    }

    /// This tree without the files on the disc that reach behind its first `blocks` blocks, as
    /// after a burn that ended early, and the paths of those left out.
    pub fn recorded(&self, blocks: Blocks) -> Result<(Tree, Vec<String>), TreeError> {
        self.merge(&Tree::new(*self.meta(self.root())), u64::from(blocks.0), None)
    }

    /// The paths of what [`Tree::merged`] would not keep of this tree, in order.
    pub fn replaced_by(&self, over: &Tree) -> Vec<String> {
        let mut paths = Vec::new();
        let mut waiting = vec![(self.root(), over.root())];
        while let Some((ours, theirs)) = waiting.pop() {
            for &new in over.children(theirs) {
                let Some(old) = self.child(ours, over.name(new)) else { continue };
                if self.kind(old) == Kind::Directory && over.kind(new) == Kind::Directory {
                    waiting.push((old, new));
                } else {
                    paths.push(self.display_path(old));
                }
            }
        }
        paths.sort();
        paths
    }

    fn merge(
        &self,
        over: &Tree,
        end: u64,
        leave: Option<&Tree>,
    ) -> Result<(Tree, Vec<String>), TreeError> {
        let mut merge = Merge {
            out: Tree::new(*over.meta(over.root())),
            sides: [Side::of(self), Side::of(over)],
            waiting: Vec::new(),
            end,
            leave,
            left_out: Vec::new(),
        };
        let root = merge.out.root();
        merge.out.share_xattrs(root, over, over.root());
        merge.waiting.push((root, [Some(self.root()), Some(over.root())]));
        while let Some((into, pair)) = merge.waiting.pop() {
            merge.directory(into, pair)?;
        }
        for Side { tree, contents, .. } in &merge.sides {
            for (old, new) in contents {
                let same = tree.content(*old).same_as.and_then(|same| contents.get(&same));
                if let Some(same) = same {
                    merge.out.set_same_as(*new, *same);
                }
            }
        }
        Ok((merge.out, merge.left_out))
    }
}

/// One of the two trees and what became of its contents and host directories.
struct Side<'a> {
    tree: &'a Tree,
    contents: BTreeMap<ContentId, ContentId>,
    host_dirs: BTreeMap<u32, u32>,
}

impl<'a> Side<'a> {
    fn of(tree: &'a Tree) -> Side<'a> {
        Side { tree, contents: BTreeMap::new(), host_dirs: BTreeMap::new() }
    }
}

struct Merge<'a> {
    out: Tree,
    sides: [Side<'a>; 2],
    /// Directories whose entries are still to be added, with where each side has them.
    waiting: Vec<(NodeId, [Option<NodeId>; 2])>,
    /// Blocks of the disc that hold something: what reaches behind them is left out.
    end: u64,
    /// What of the root is left out: what is in this one's root.
    leave: Option<&'a Tree>,
    left_out: Vec<String>,
}

impl Merge<'_> {
    /// Adds the entries of a directory in the order of their names.
    fn directory(&mut self, into: NodeId, pair: [Option<NodeId>; 2]) -> Result<(), TreeError> {
        let [below, above] = [0, 1].map(|side| {
            let tree = self.sides[side].tree;
            pair[side].map_or(&[][..], |node| tree.children(node))
        });
        let (mut below, mut above) = (below.iter().peekable(), above.iter().peekable());
        loop {
            let name = |side: usize, node: Option<&&NodeId>| {
                node.map(|&&node| self.sides[side].tree.name(node))
            };
            let (old, new) = (name(0, below.peek()), name(1, above.peek()));
            let [take_old, take_new] = match (old, new) {
                (None, None) => return Ok(()),
                (Some(_), None) => [true, false],
                (None, Some(_)) => [false, true],
                (Some(old), Some(new)) => [old <= new, new <= old],
            };
            let old = if take_old { below.next().copied() } else { None };
            let new = if take_new { above.next().copied() } else { None };
            self.entry(into, [old, new])?;
        }
    }

    /// Adds an entry that one side or both have.
    fn entry(&mut self, into: NodeId, pair: [Option<NodeId>; 2]) -> Result<(), TreeError> {
        let top = if pair[1].is_some() { 1 } else { 0 };
        let Some(node) = pair[top] else { return Ok(()) };
        let tree = self.sides[top].tree;
        let (name, meta) = (tree.name(node), *tree.meta(node));
        let leaves = |other: &Tree| other.child(other.root(), name).is_some();
        if into == self.out.root() && self.leave.is_some_and(leaves) {
            return Ok(());
        }
        match tree.kind(node) {
            Kind::Directory => {
                let added = self.out.add_directory(into, name, meta)?;
                self.out.share_xattrs(added, tree, node);
                self.out.share_views(added, tree, node);
                let joined = [0, 1].map(|side| {
                    let is_directory =
                        |&n: &NodeId| self.sides[side].tree.kind(n) == Kind::Directory;
                    pair[side].filter(is_directory)
                });
                self.waiting.push((added, joined));
            }
            Kind::File(content) => self.file(into, top, node, content)?,
            special => {
                let added = self.out.add_special(into, name, meta, special)?;
                self.out.share_xattrs(added, tree, node);
                self.out.share_views(added, tree, node);
            }
        }
        Ok(())
    }

    fn file(
        &mut self,
        into: NodeId,
        side: usize,
        node: NodeId,
        content: ContentId,
    ) -> Result<(), TreeError> {
        let tree = self.sides[side].tree;
        let (name, meta) = (tree.name(node), *tree.meta(node));
        if let Source::OnDisc(extents) = &tree.content(content).source
            && extents.iter().any(|extent| extent.end() > self.end)
        {
            self.left_out.push(tree.display_path(node));
            return Ok(());
        }
        if let Some(&known) = self.sides[side].contents.get(&content) {
            let added = self.out.add_link(into, name, meta, known)?;
            self.out.share_xattrs(added, tree, node);
            self.out.share_views(added, tree, node);
            return Ok(());
        }
        let full = |kind: TreeErrorKind| TreeError { path: tree.display_path(node), kind };
        let mut source = tree.content(content).source.clone();
        if let Some(file) = source.host_file_mut() {
            let dirs = &mut self.sides[side].host_dirs;
            let dir = *dirs
                .entry(file.dir)
                .or_insert_with(|| self.out.add_host_dir(tree.host_dir(file).to_path_buf()));
            let name = self.out.intern(tree.span(file.name)).map_err(full)?;
            (file.dir, file.name) = (dir, name);
        }
        let added = self.out.add_file(into, name, meta, tree.content(content).size, source)?;
        self.out.share_xattrs(added, tree, node);
        self.out.share_views(added, tree, node);
        if let Kind::File(new) = self.out.kind(added) {
            self.sides[side].contents.insert(content, new);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::{Extent, Meta};
    use super::*;
    use crate::units::Lba;

    fn mode(mode: u32) -> Meta {
        Meta { mode, ..Meta::default() }
    }

    fn paths(tree: &Tree) -> Vec<(String, u64, u32)> {
        let all = tree.walk();
        all.map(|n| (tree.display_path(n), tree.size(n), tree.meta(n).mode)).collect()
    }

    #[test]
    fn what_was_not_recorded_is_left_out() {
        let mut old = Tree::new(mode(0o700));
        let at = |lba, bytes| [Extent { lba: Lba(lba), bytes }];
        for (name, extent) in [("whole", at(20, 2048)), ("cut", at(20, 2049)), ("gone", at(21, 1))]
        {
            old.add_on_disc(old.root(), name.as_bytes(), mode(0o644), &extent).expect("new name");
        }
        old.add_on_disc(old.root(), b"empty", mode(0o644), &at(90, 0)).expect("new name");
        let (kept, left_out) = old.recorded(Blocks(21)).expect("a good tree");
        assert_eq!(left_out, ["/cut", "/gone"]);
        let kept: Vec<_> = paths(&kept).into_iter().map(|(path, ..)| path).collect();
        assert_eq!(kept, ["/", "/empty", "/whole"]);
    }

    #[test]
    fn the_upper_tree_wins_and_directories_join() {
        let mut old = Tree::new(mode(0o700));
        let a = old.add_directory(old.root(), b"a", mode(0o700)).expect("new name");
        let on_disc = [Extent { lba: Lba(20), bytes: 5 }];
        let kept = old.add_on_disc(a, b"kept", mode(0o644), &on_disc).expect("new name");
        let Kind::File(content) = old.kind(kept) else { panic!("a file") };
        old.add_link(a, b"linked", mode(0o644), content).expect("new name");
        old.add_on_disc(a, b"replaced", mode(0o644), &on_disc).expect("new name");
        old.add_directory(old.root(), b"gone", mode(0o700)).expect("new name");

        let mut new = Tree::new(mode(0o755));
        let b = new.add_directory(new.root(), b"a", mode(0o755)).expect("new name");
        new.add_bytes(b, b"added", mode(0o600), b"12".to_vec()).expect("new name");
        new.add_bytes(b, b"replaced", mode(0o600), b"123".to_vec()).expect("new name");
        new.add_bytes(new.root(), b"gone", mode(0o600), b"".to_vec()).expect("new name");

        let merged = old.merged(&new).expect("two good trees");
        let want = [
            ("/", 0, 0o755),
            ("/a", 0, 0o755),
            ("/a/added", 2, 0o600),
            ("/a/kept", 5, 0o644),
            ("/a/linked", 5, 0o644),
            ("/a/replaced", 3, 0o600),
            ("/gone", 0, 0o600),
        ];
        assert_eq!(paths(&merged), want.map(|(p, s, m)| (p.to_owned(), s, m)));
        let kept = merged.lookup(b"a/kept").expect("was merged");
        let linked = merged.lookup(b"a/linked").expect("was merged");
        assert_eq!(merged.kind(kept), merged.kind(linked));
    }

    #[test]
    fn files_of_the_host_keep_their_path() {
        let dir = std::env::temp_dir().join(format!("kiln-merge-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a folder for the test");
        std::fs::write(dir.join("f"), b"x").expect("a file for the test");
        let scanned = Tree::scan(&[&dir], &Default::default()).expect("readable");
        let merged = Tree::new(mode(0)).merged(&scanned).expect("two good trees");
        let node = merged.lookup(b"f").expect("was merged");
        let Kind::File(content) = merged.kind(node) else { panic!("a file") };
        let Source::Host(file) = &merged.content(content).source else { panic!("of the host") };
        assert_eq!(merged.host_path(file), dir.join("f"));
        std::fs::remove_dir_all(&dir).expect("the test made it");
    }
}
