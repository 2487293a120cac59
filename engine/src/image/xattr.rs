//! Extended attributes of nodes: what a [`Tree`] holds of them, and what the host says and takes.
//!
//! Names are those that Linux has: `user.comment`. POSIX access control lists are attributes too,
//! [`ACL_ACCESS`] and [`ACL_DEFAULT`], in the bytes that the Linux kernel takes; formats that have
//! lists of their own convert them. May not know: how any format records them.

use std::path::Path;
use std::sync::Arc;

use super::tree::{NodeId, Tree};

/// The name of the list that says who may do what (acl(5)).
pub const ACL_ACCESS: &str = "system.posix_acl_access";
/// The name of the list that what is made in a directory begins with (acl(5)).
pub const ACL_DEFAULT: &str = "system.posix_acl_default";

/// The longest name that the Linux kernel takes (xattr(7)).
const NAME_MAX: usize = 255;

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Xattr {
    name: Box<[u8]>,
    value: Box<[u8]>,
}

impl Xattr {
    /// `None` if that cannot be a name: it is empty, longer than 255 bytes or holds a zero.
    pub fn new(name: impl Into<Box<[u8]>>, value: impl Into<Box<[u8]>>) -> Option<Xattr> {
        let (name, value) = (name.into(), value.into());
        let fits = (1..=NAME_MAX).contains(&name.len()) && !name.contains(&0);
        fits.then_some(Xattr { name, value })
    }

    /// Its name with the name space in front.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Any bytes.
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

/// Which extended attributes are meant; none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XattrChoice {
    /// Those of users, `user.…`.
    pub user: bool,
    /// Access control lists.
    pub acls: bool,
    /// All others, which mostly mean something to one machine only: `security.…`, `trusted.…`.
    pub others: bool,
}

impl XattrChoice {
    /// Whether any are meant.
    pub fn any(&self) -> bool {
        self.user || self.acls || self.others
    }

    /// Whether an attribute of that name is meant.
    pub fn takes(&self, name: &[u8]) -> bool {
        if name.starts_with(b"user.") {
            self.user
        } else if [ACL_ACCESS.as_bytes(), ACL_DEFAULT.as_bytes()].contains(&name) {
            self.acls
        } else {
            self.others
        }
    }
}

impl Tree {
    /// The extended attributes of a node in the order of their names' bytes.
    pub fn xattrs(&self, node: NodeId) -> &[Xattr] {
        self.xattrs.get(&node).map_or(&[], |list| &list[..])
    }

    /// Gives a node these extended attributes and no others; of several of one name, the last.
    pub fn set_xattrs(&mut self, node: NodeId, mut list: Vec<Xattr>) {
        list.reverse();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list.dedup_by(|b, a| a.name == b.name);
        self.put_xattrs(node, (!list.is_empty()).then(|| Arc::from(list)));
    }

    /// Gives a node those that a node of another tree has.
    pub(super) fn share_xattrs(&mut self, node: NodeId, from: &Tree, of: NodeId) {
        if let Some(list) = from.xattrs.get(&of) {
            self.xattrs.insert(node, Arc::clone(list));
        }
    }

    /// Whether any node has extended attributes.
    pub fn has_xattrs(&self) -> bool {
        !self.xattrs.is_empty()
    }
}

/// What the host has on a file, or on the `link` itself. Nothing where its file system has no
/// extended attributes.
#[cfg(unix)]
pub(super) fn of_host(path: &Path, link: bool, choice: XattrChoice) -> std::io::Result<Vec<Xattr>> {
    use std::os::unix::ffi::OsStringExt;
    let names = match if link { xattr::list(path) } else { xattr::list_deref(path) } {
        Ok(names) => names,
        Err(e) if e.kind() == std::io::ErrorKind::Unsupported => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut list = Vec::new();
    for name in names {
        let bytes = name.clone().into_vec();
        if !choice.takes(&bytes) {
            continue;
        }
        // One that is gone since it was listed is none.
        let value = if link { xattr::get(path, &name)? } else { xattr::get_deref(path, &name)? };
        list.extend(value.and_then(|value| Xattr::new(bytes, value)));
    }
    Ok(list)
}

#[cfg(not(unix))]
pub(super) fn of_host(
    _path: &Path,
    _link: bool,
    choice: XattrChoice,
) -> std::io::Result<Vec<Xattr>> {
    if choice.any() { Err(std::io::ErrorKind::Unsupported.into()) } else { Ok(Vec::new()) }
}

/// Puts one on a file of the host, on a link itself if it is one.
#[cfg(unix)]
pub(super) fn onto_host(path: &Path, xattr: &Xattr) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    xattr::set(path, std::ffi::OsStr::from_bytes(&xattr.name), &xattr.value)
}

#[cfg(not(unix))]
pub(super) fn onto_host(_path: &Path, _xattr: &Xattr) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Meta;

    #[test]
    fn the_last_of_a_name_counts_and_none_are_none() {
        let xattr = |name: &str, value: &str| {
            Xattr::new(name.as_bytes(), value.as_bytes()).expect("a good name")
        };
        let mut tree = Tree::new(Meta::default());
        let root = tree.root();
        tree.set_xattrs(
            root,
            vec![xattr("user.b", "1"), xattr("user.a", "2"), xattr("user.b", "3")],
        );
        assert_eq!(tree.xattrs(root), [xattr("user.a", "2"), xattr("user.b", "3")]);
        tree.set_xattrs(root, Vec::new());
        assert!(!tree.has_xattrs());
        assert_eq!(Xattr::new(*b"", *b""), None);
        assert_eq!(Xattr::new(*b"a\0b", *b""), None);
    }

    #[test]
    fn name_spaces_are_chosen_apart() {
        let choice = XattrChoice { user: true, ..XattrChoice::default() };
        assert!(choice.takes(b"user.x") && !choice.takes(ACL_ACCESS.as_bytes()));
        let choice = XattrChoice { acls: true, ..XattrChoice::default() };
        assert!(choice.takes(ACL_DEFAULT.as_bytes()) && !choice.takes(b"security.selinux"));
        assert!(!XattrChoice::default().any());
    }
}
