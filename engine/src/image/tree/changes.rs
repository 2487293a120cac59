//! Change points: states that a tree can go back to. From the first one on, each change leaves
//! behind how it is undone.

use std::fmt;
use std::sync::Arc;

use crate::image::xattr::Xattr;

use super::{Body, Content, ContentId, Meta, NodeId, Span, Tree, View};

/// A state of one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangePoint(u64);

/// A state that a tree cannot go back to: it was gone behind, or changes were locked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoChangePoint;

/// How the changes since the first point are undone.
#[derive(Clone, Debug)]
pub(super) struct Changes {
    next: u64,
    /// Points that are left, and how many changes there were.
    points: Vec<(u64, usize)>,
    undo: Vec<Undo>,
}

/// How one change is undone. Changes are undone from the last one on, so that what was added is
/// always at the end.
#[derive(Clone, Debug)]
pub(super) enum Undo {
    /// A node was added, or a content without one, where there were so many of each.
    Added(Option<NodeId>, Lengths),
    /// A content got a name.
    Linked(ContentId),
    /// A content was another.
    Content(ContentId, Box<Content>),
    /// A node lay here under this name.
    Moved(NodeId, NodeId, Span),
    /// A node was taken out of its directory, when so many were.
    Removed(NodeId, (usize, usize)),
    /// A node had these metadata.
    Meta(NodeId, Box<Meta>),
    /// A node had these extended attributes.
    Xattrs(NodeId, Option<Arc<[Xattr]>>),
    /// A node was hidden so.
    Hidden(NodeId, Option<u8>),
    /// A node had this name in a view.
    Named(View, NodeId, Option<Box<[u8]>>),
    /// A content had this weight.
    Weighed(ContentId, Option<i32>),
}

/// How much a tree holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    nodes: usize,
    directories: usize,
    contents: usize,
    bytes: usize,
}

impl Tree {
    /// A point that [`Tree::roll_back`] goes back to.
    pub fn change_point(&mut self) -> ChangePoint {
        let changes = self.changes.get_or_insert_with(|| {
            Box::new(Changes { next: 0, points: Vec::new(), undo: Vec::new() })
        });
        let point = changes.next;
        changes.next += 1;
        changes.points.push((point, changes.undo.len()));
        ChangePoint(point)
    }

    /// Undoes everything since this point, which stays one. Later points are none any more, and
    /// nodes that were added since are not there.
    pub fn roll_back(&mut self, to: ChangePoint) -> Result<(), NoChangePoint> {
        let mut changes = self.changes.take().ok_or(NoChangePoint)?;
        let found = changes.points.binary_search_by_key(&to.0, |(point, _)| *point);
        let Ok(found) = found else {
            self.changes = Some(changes);
            return Err(NoChangePoint);
        };
        changes.points.truncate(found + 1);
        let (_, kept) = changes.points[found];
        for undo in changes.undo.drain(kept..).rev() {
            self.undo(undo);
        }
        self.changes = Some(changes);
        Ok(())
    }

    /// Makes all changes final: there is no way back past this state.
    pub fn lock_in(&mut self) {
        if let Some(changes) = &mut self.changes {
            changes.points.clear();
            changes.undo.clear();
        }
    }

    /// Notes how a change is undone, if anybody may ask for that.
    pub(super) fn note(&mut self, undo: impl FnOnce(&Tree) -> Undo) {
        if self.changes.as_ref().is_some_and(|changes| !changes.points.is_empty()) {
            let undo = undo(self);
            self.changes.as_mut().expect("looked at above").undo.push(undo);
        }
    }

    pub(super) fn lengths(&self) -> Lengths {
        Lengths {
            nodes: self.nodes.len(),
            directories: self.directories.len(),
            contents: self.contents.len(),
            bytes: self.bytes.len(),
        }
    }

    fn undo(&mut self, undo: Undo) {
        match undo {
            Undo::Added(node, lengths) => {
                if let Some(node) = node {
                    self.detach(node);
                }
                self.nodes.truncate(lengths.nodes);
                self.directories.truncate(lengths.directories);
                self.contents.truncate(lengths.contents);
                self.bytes.truncate(lengths.bytes);
            }
            Undo::Linked(id) => self.contents[id.0 as usize].links -= 1,
            Undo::Content(id, content) => self.contents[id.0 as usize] = *content,
            Undo::Moved(node, parent, name) => {
                self.detach(node);
                self.attach(node, parent, name);
            }
            Undo::Removed(node, gone) => {
                let entry = &self.nodes[node.0 as usize];
                self.attach(node, entry.parent, entry.name);
                self.gone = gone;
            }
            Undo::Meta(node, meta) => self.nodes[node.0 as usize].meta = *meta,
            Undo::Xattrs(node, list) => drop(self.swap_xattrs(node, list)),
            Undo::Hidden(node, bits) => self.views.set_hidden(node, bits),
            Undo::Named(view, node, name) => self.views.set_name(view, node, name),
            Undo::Weighed(id, weight) => self.views.set_weight(id, weight),
        }
    }

    /// Sets the extended attributes of a node.
    pub(in crate::image) fn put_xattrs(&mut self, node: NodeId, list: Option<Arc<[Xattr]>>) {
        let old = self.swap_xattrs(node, list);
        self.note(|_| Undo::Xattrs(node, old));
    }

    fn swap_xattrs(&mut self, node: NodeId, list: Option<Arc<[Xattr]>>) -> Option<Arc<[Xattr]>> {
        match list {
            Some(list) => self.xattrs.insert(node, list),
            None => self.xattrs.remove(&node),
        }
    }

    /// Puts a node that lies nowhere into a directory that has no such name.
    pub(super) fn attach(&mut self, node: NodeId, parent: NodeId, name: Span) {
        let entry = &mut self.nodes[node.0 as usize];
        (entry.name, entry.parent) = (name, parent);
        let Body::Directory(index) = self.node(parent).body else {
            unreachable!("it holds nodes");
        };
        let siblings = &self.directories[index as usize];
        let place = self.find(siblings, self.span(name)).unwrap_or_else(|place| place);
        self.directories[index as usize].insert(place, node);
    }
}

impl fmt::Display for NoChangePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tree cannot go back there: it went further back, or changes are locked in")
    }
}

impl std::error::Error for NoChangePoint {}
