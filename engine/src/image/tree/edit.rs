//! Changing a tree: removing, moving and replacing what is there.

use super::changes::Undo;
use super::{Content, ContentId, Kind, NodeId, Source, Tree, TreeError, TreeErrorKind};

impl Tree {
    /// Removes a node and all below it; the root loses its entries and stays. What only these named
    /// is not recorded any more. A node that was removed is none: asking for it again panics.
    pub fn remove(&mut self, node: NodeId) {
        if node == self.root() {
            for child in self.children(node).to_vec() {
                self.remove(child);
            }
            return;
        }
        self.note(|tree| Undo::Removed(node, tree.gone));
        self.detach(node);
        let mut waiting = vec![node];
        while let Some(node) = waiting.pop() {
            self.gone.0 += 1;
            waiting.extend(self.children(node));
            if !self.xattrs(node).is_empty() {
                self.put_xattrs(node, None);
            }
            match self.kind(node) {
                Kind::Directory => self.gone.1 += 1,
                Kind::File(content) => self.unlink(content),
                _ => {}
            }
        }
    }

    /// Moves a node, with all below it, into this directory under this name. An entry that is there
    /// already is an error.
    pub fn rename(&mut self, node: NodeId, parent: NodeId, name: &[u8]) -> Result<(), TreeError> {
        let mut above = parent;
        loop {
            if above == node {
                let path = self.display_path(node);
                return Err(TreeError { path, kind: TreeErrorKind::IntoItself });
            }
            if above == self.root() {
                break;
            }
            above = self.parent(above);
        }
        if self.parent(node) == parent && self.name(node) == name {
            return Ok(());
        }
        self.vacancy(parent, name)?;
        let span = self.intern(name).map_err(|kind| self.error_at(parent, name, kind))?;
        self.note(|tree| Undo::Moved(node, tree.parent(node), tree.node(node).name));
        self.detach(node);
        self.attach(node, parent, span);
        Ok(())
    }

    /// Takes a node out of the entries of its directory.
    pub(super) fn detach(&mut self, node: NodeId) {
        let parent = self.parent(node);
        let index = self.directory_index(parent).expect("it holds the node");
        let place = self.find(&self.directories[index], self.name(node));
        self.directories[index].remove(place.expect("the directory has its entries"));
    }

    /// Takes away one of the names of a content; without names it holds nothing.
    fn unlink(&mut self, id: ContentId) {
        self.note(|tree| Undo::Content(id, Box::new(tree.content(id).clone())));
        let content = &mut self.contents[id.0 as usize];
        content.links -= 1;
        if content.links == 0 {
            let source = Source::Memory([].into());
            *content = Content { size: 0, source, links: 0, same_as: None };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Meta;
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::new(Meta::default());
        let a = tree.add_directory(tree.root(), b"a", Meta::default()).expect("new");
        let b = tree.add_directory(a, b"b", Meta::default()).expect("new");
        let file = tree.add_bytes(b, b"f", Meta::default(), *b"12").expect("new");
        let Kind::File(id) = tree.kind(file) else { panic!("a file") };
        tree.add_link(tree.root(), b"link", Meta::default(), id).expect("new");
        tree
    }

    fn paths(tree: &Tree) -> Vec<String> {
        tree.walk().map(|node| tree.display_path(node)).collect()
    }

    #[test]
    fn removed_nodes_are_gone_with_all_below_them() {
        let mut tree = tree();
        tree.remove(tree.lookup(b"a").expect("there"));
        assert_eq!(paths(&tree), ["/", "/link"]);
        assert_eq!((tree.len(), tree.directory_count()), (2, 1));
        let Kind::File(id) = tree.kind(tree.lookup(b"link").expect("there")) else { panic!() };
        assert_eq!((tree.content(id).links, tree.content(id).size), (1, 2));
        tree.remove(tree.root());
        assert!(tree.is_empty());
        assert_eq!((tree.content(id).links, tree.content(id).size), (0, 0));
    }

    #[test]
    fn nodes_move_with_all_below_them_but_not_into_themselves() {
        let mut tree = tree();
        let [a, b] = [&b"a"[..], b"a/b"].map(|path| tree.lookup(path).expect("there"));
        let into = |error: TreeError| (error.path, error.kind);
        let wrong = tree.rename(a, b, b"x").map_err(into);
        assert_eq!(wrong, Err(("/a".to_owned(), TreeErrorKind::IntoItself)));
        let wrong = tree.rename(tree.root(), b, b"x").map_err(into);
        assert_eq!(wrong, Err(("/".to_owned(), TreeErrorKind::IntoItself)));
        let wrong = tree.rename(b, tree.root(), b"link").map_err(into);
        assert_eq!(wrong, Err(("/link".to_owned(), TreeErrorKind::Exists)));
        let wrong = tree.rename(b, tree.root(), b"..").map_err(into);
        assert_eq!(wrong, Err(("/..".to_owned(), TreeErrorKind::BadName)));
        tree.rename(b, tree.root(), b"z").expect("a new place");
        tree.rename(a, tree.root(), b"zz").expect("a new name");
        assert_eq!(paths(&tree), ["/", "/link", "/z", "/z/f", "/zz"]);
    }
}
