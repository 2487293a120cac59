//! What is not the same in all trees that an image shows: nodes that some lack, names that some
//! have otherwise. And what is read first.

use std::collections::BTreeMap;

use super::changes::Undo;
use super::{ContentId, Kind, NodeId, Tree, TreeError, TreeErrorKind, is_bad_name};

/// One of the trees in which an image shows the same files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// The identifiers of the primary tree.
    Iso9660,
    /// POSIX names, in the records of the primary tree: what one of the two lacks, the other lacks.
    RockRidge,
    /// Names for Windows.
    Joliet,
    /// OSTA's Universal Disk Format.
    Udf,
}

impl View {
    /// All of them.
    pub const ALL: [View; 4] = [View::Iso9660, View::RockRidge, View::Joliet, View::Udf];

    fn bit(self) -> u8 {
        match self {
            View::Iso9660 | View::RockRidge => 1,
            View::Joliet => 2,
            View::Udf => 4,
        }
    }
}

/// What is not the same in all views. Mostly empty.
#[derive(Clone, Debug, Default)]
pub(in crate::image) struct Views {
    hidden: BTreeMap<NodeId, u8>,
    names: BTreeMap<(View, NodeId), Box<[u8]>>,
    weights: BTreeMap<ContentId, i32>,
}

impl Views {
    pub(super) fn set_hidden(&mut self, node: NodeId, bits: Option<u8>) {
        match bits {
            Some(bits) => _ = self.hidden.insert(node, bits),
            None => _ = self.hidden.remove(&node),
        }
    }

    pub(super) fn set_name(&mut self, view: View, node: NodeId, name: Option<Box<[u8]>>) {
        match name {
            Some(name) => _ = self.names.insert((view, node), name),
            None => _ = self.names.remove(&(view, node)),
        }
    }

    pub(super) fn set_weight(&mut self, id: ContentId, weight: Option<i32>) {
        match weight {
            Some(weight) => _ = self.weights.insert(id, weight),
            None => _ = self.weights.remove(&id),
        }
    }
}

impl Tree {
    /// Hides a node, with all below it, from a view. What it holds is recorded all the same.
    pub fn hide_from(&mut self, view: View, node: NodeId) {
        self.note(|tree| Undo::Hidden(node, tree.views.hidden.get(&node).copied()));
        *self.views.hidden.entry(node).or_default() |= view.bit();
    }

    /// Whether the node itself is hidden from a view.
    pub fn is_hidden(&self, view: View, node: NodeId) -> bool {
        self.views.hidden.get(&node).is_some_and(|bits| bits & view.bit() != 0)
    }

    /// Whether any node is hidden from any view.
    pub(in crate::image) fn hides_some(&self) -> bool {
        !self.views.hidden.is_empty()
    }

    /// Gives a node another name in one view. No entry of the same directory may have it there.
    pub fn set_name_in(&mut self, view: View, node: NodeId, name: &[u8]) -> Result<(), TreeError> {
        let parent = self.parent(node);
        let taken = |&other: &NodeId| other != node && self.name_in(view, other) == name;
        let kind = if node == self.root() || is_bad_name(name) {
            TreeErrorKind::BadName
        } else if self.entries_in(view, parent).any(|other| taken(&other)) {
            TreeErrorKind::Exists
        } else {
            let old = self.views.names.insert((view, node), name.into());
            self.note(|_| Undo::Named(view, node, old));
            return Ok(());
        };
        Err(self.error_at(parent, name, kind))
    }

    /// The name of a node in a view.
    pub fn name_in(&self, view: View, node: NodeId) -> &[u8] {
        // Mostly there are none.
        let name = match self.views.names.is_empty() {
            true => None,
            false => self.views.names.get(&(view, node)),
        };
        name.map_or(self.name(node), |name| &name[..])
    }

    /// The entries of a directory in a view, in the order of their names in the tree.
    pub fn entries_in(&self, view: View, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let some = self.hides_some();
        let all = self.children(node).iter().copied();
        all.filter(move |&node| !some || !self.is_hidden(view, node))
    }

    /// Every node of a view, each directory before its entries.
    pub fn walk_in(&self, view: View) -> impl Iterator<Item = NodeId> + '_ {
        let mut waiting = vec![self.root()];
        std::iter::from_fn(move || {
            let node = waiting.pop()?;
            let first = waiting.len();
            waiting.extend(self.entries_in(view, node));
            waiting[first..].reverse();
            Some(node)
        })
    }

    /// How many nodes of a view hold this content.
    pub(in crate::image) fn links_in(&self, view: View, links: &Links, id: ContentId) -> u32 {
        let all = self.content(id).links;
        match &links.0 {
            Some(counts) if all > 1 => *counts.get(&(view.bit(), id)).unwrap_or(&all),
            _ => all,
        }
    }

    /// Puts a content closer to the start of the image than those of lower weight; all have 0.
    pub fn set_weight(&mut self, content: ContentId, weight: i32) {
        let old = self.views.weights.insert(content, weight);
        self.note(|_| Undo::Weighed(content, old));
    }

    /// See [`Tree::set_weight`].
    pub fn weight(&self, content: ContentId) -> i32 {
        self.views.weights.get(&content).copied().unwrap_or(0)
    }

    /// Whether contents have weights.
    pub(in crate::image) fn has_weights(&self) -> bool {
        !self.views.weights.is_empty()
    }

    /// Takes over from another tree what a node there has in views.
    pub(in crate::image) fn share_views(&mut self, node: NodeId, of: &Tree, from: NodeId) {
        let (ours, theirs) = (&mut self.views, &of.views);
        if let Some(bits) = theirs.hidden.get(&from) {
            ours.hidden.insert(node, *bits);
        }
        for view in View::ALL {
            if let Some(name) = theirs.names.get(&(view, from)) {
                ours.names.insert((view, node), name.clone());
            }
        }
        if let (Kind::File(new), Kind::File(old)) = (self.kind(node), of.kind(from))
            && let Some(weight) = of.views.weights.get(&old)
        {
            self.views.weights.insert(new, *weight);
        }
    }
}

/// Link counts by view, of contents that have several names, where some are hidden.
#[derive(Debug, Default)]
pub(in crate::image) struct Links(Option<BTreeMap<(u8, ContentId), u32>>);

impl Links {
    /// Counts the names that lead to each content.
    pub(in crate::image) fn count(tree: &Tree) -> Links {
        if !tree.hides_some() {
            return Links(None);
        }
        let mut counts = BTreeMap::new();
        for view in [View::Iso9660, View::Joliet, View::Udf] {
            for node in tree.walk_in(view) {
                if let Kind::File(id) = tree.kind(node)
                    && tree.content(id).links > 1
                {
                    *counts.entry((view.bit(), id)).or_default() += 1;
                }
            }
        }
        Links(Some(counts))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Meta;
    use super::*;

    #[test]
    fn views_differ_only_where_they_are_told_to() {
        let mut tree = Tree::new(Meta::default());
        let a = tree.add_directory(tree.root(), b"a", Meta::default()).expect("new");
        let b = tree.add_bytes(a, b"b", Meta::default(), *b"1").expect("new");
        let Kind::File(id) = tree.kind(b) else { panic!("a file") };
        let c = tree.add_link(tree.root(), b"c", Meta::default(), id).expect("new");
        tree.hide_from(View::Joliet, a);
        tree.set_name_in(View::Udf, c, b"see").expect("free");
        let seen = |view| tree.walk_in(view).map(|n| tree.name_in(view, n)).collect::<Vec<_>>();
        assert_eq!(seen(View::RockRidge), [&b""[..], b"a", b"b", b"c"]);
        assert_eq!(seen(View::Joliet), [&b""[..], b"c"]);
        assert_eq!(seen(View::Udf), [&b""[..], b"a", b"b", b"see"]);
        let links = Links::count(&tree);
        let counts = [View::RockRidge, View::Joliet, View::Udf];
        assert_eq!(counts.map(|view| tree.links_in(view, &links, id)), [2, 1, 2]);
        let taken = tree.set_name_in(View::Udf, c, b"a").map_err(|e| e.kind);
        assert_eq!(taken, Err(TreeErrorKind::Exists));
        // Nothing of that name is left in the Joliet tree.
        tree.set_name_in(View::Joliet, c, b"a").expect("free there");
        let bad = tree.set_name_in(View::Udf, c, b"a/b").map_err(|e| e.kind);
        assert_eq!(bad, Err(TreeErrorKind::BadName));
    }
}
