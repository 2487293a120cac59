//! What shall be, or is, on a disc: directories, files, links, with names as raw bytes.
//!
//! A [`Tree`] is compact: nodes lie in one arena, names in another, what files hold in a third.
//! Hard links are nodes that share one content. May not know: how any format records it, or where
//! on the disc it will lie.

mod changes;
mod edit;
mod source;
mod views;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use self::changes::{ChangePoint, NoChangePoint};
use self::changes::{Changes, Undo};
pub(super) use self::source::Stretch;
pub use self::source::{Container, Content, Generate, HostFile, OtherImage, Part, Pieces, Source};
pub use self::views::View;
pub(super) use self::views::{Links, Views};
use super::time::Time;
use super::xattr::Xattr;
use crate::units::{BLOCK, Lba};

/// A node of one [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) u32);

/// What one or several file nodes of a [`Tree`] hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentId(pub(super) u32);

/// Who may do what with a node, and when it was touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Permission bits with set-user-id, set-group-id and sticky: 07777 octal.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Last change of the content.
    pub mtime: Time,
    /// Last access.
    pub atime: Time,
    /// Last change of the node itself.
    pub ctime: Time,
}

/// What kind of thing a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Holds other nodes.
    Directory,
    /// Holds bytes.
    File(ContentId),
    /// Stands for another path, which these bytes name.
    Symlink(&'a [u8]),
    /// A block special file.
    BlockDevice {
        /// Driver number.
        major: u32,
        /// Unit number.
        minor: u32,
    },
    /// A character special file.
    CharDevice {
        /// Driver number.
        major: u32,
        /// Unit number.
        minor: u32,
    },
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// Consecutive blocks on a disc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Extent {
    /// The first block, counted from the start of the disc; below 0 for a hole.
    pub lba: Lba,
    /// Bytes used; the last block may be partly used.
    pub bytes: u64,
}

impl Extent {
    /// Bytes that were never recorded and are zero.
    pub fn hole(bytes: u64) -> Extent {
        Extent { lba: Lba(-1), bytes }
    }

    /// Whether it lies nowhere: its bytes are zero.
    pub fn is_hole(&self) -> bool {
        self.lba < Lba(0)
    }

    /// The block behind its last one, counted from the start of the disc; 0 if it holds nothing.
    pub(super) fn end(&self) -> u64 {
        let blocks = self.bytes.div_ceil(BLOCK as u64);
        let start = u64::try_from(self.lba.0).unwrap_or(0);
        if blocks == 0 || self.is_hole() { 0 } else { start.saturating_add(blocks) }
    }
}

/// A piece of the byte arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::image) struct Span {
    start: u32,
    len: u32,
}

#[derive(Clone, Debug)]
struct Node {
    name: Span,
    parent: NodeId,
    body: Body,
    meta: Meta,
}

#[derive(Clone, Copy, Debug)]
enum Body {
    Directory(u32),
    File(ContentId),
    Symlink(Span),
    BlockDevice { major: u32, minor: u32 },
    CharDevice { major: u32, minor: u32 },
    Fifo,
    Socket,
}

/// Directories, files and links under one root.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    directories: Vec<Vec<NodeId>>,
    contents: Vec<Content>,
    bytes: Vec<u8>,
    host_dirs: Vec<PathBuf>,
    /// Extended attributes of the few nodes that have any.
    pub(super) xattrs: BTreeMap<NodeId, Arc<[Xattr]>>,
    /// Nodes that were removed, and the directories among them. Their numbers stay taken.
    gone: (usize, usize),
    /// What is not the same in all views.
    views: Views,
    /// How changes are undone, once somebody may ask for it.
    changes: Option<Box<Changes>>,
}

/// Why a node cannot be put into a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeError {
    /// The path within the tree.
    pub path: String,
    /// What is wrong.
    pub kind: TreeErrorKind,
}

/// Kinds of [`TreeError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TreeErrorKind {
    /// The directory has an entry of that name already.
    Exists,
    /// The name is empty, `.` or `..`, or holds `/` or a zero byte.
    BadName,
    /// What should hold the node is no directory.
    NotADirectory,
    /// A directory cannot go into itself, and the root nowhere.
    IntoItself,
    /// More nodes or longer names than a tree can number.
    Full,
}

impl Tree {
    /// A tree that has only a root.
    pub fn new(root: Meta) -> Tree {
        let node = Node {
            name: Span { start: 0, len: 0 },
            parent: NodeId(0),
            body: Body::Directory(0),
            meta: root,
        };
        Tree {
            nodes: vec![node],
            directories: vec![Vec::new()],
            contents: Vec::new(),
            bytes: Vec::new(),
            host_dirs: Vec::new(),
            xattrs: BTreeMap::new(),
            gone: (0, 0),
            views: Views::default(),
            changes: None,
        }
    }

    /// The directory that holds everything.
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// How many nodes there are, the root included.
    pub fn len(&self) -> usize {
        self.nodes.len() - self.gone.0
    }

    /// A number that is greater than that of any node, for tables by node.
    pub(super) fn node_bound(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is nothing but the root.
    pub fn is_empty(&self) -> bool {
        self.len() == 1
    }

    /// What kind of thing the node is.
    pub fn kind(&self, node: NodeId) -> Kind<'_> {
        match self.node(node).body {
            Body::Directory(_) => Kind::Directory,
            Body::File(content) => Kind::File(content),
            Body::Symlink(target) => Kind::Symlink(self.span(target)),
            Body::BlockDevice { major, minor } => Kind::BlockDevice { major, minor },
            Body::CharDevice { major, minor } => Kind::CharDevice { major, minor },
            Body::Fifo => Kind::Fifo,
            Body::Socket => Kind::Socket,
        }
    }

    /// Its name; empty for the root.
    pub fn name(&self, node: NodeId) -> &[u8] {
        self.span(self.node(node).name)
    }

    /// Its metadata.
    pub fn meta(&self, node: NodeId) -> &Meta {
        &self.node(node).meta
    }

    /// Sets its metadata.
    pub fn set_meta(&mut self, node: NodeId, meta: Meta) {
        self.note(|tree| Undo::Meta(node, Box::new(*tree.meta(node))));
        self.nodes[node.0 as usize].meta = meta;
    }

    /// The directory that holds it; the root for the root.
    pub fn parent(&self, node: NodeId) -> NodeId {
        self.node(node).parent
    }

    /// The entries of a directory in the order of their names' bytes; none of anything else.
    pub fn children(&self, node: NodeId) -> &[NodeId] {
        match self.node(node).body {
            Body::Directory(index) => &self.directories[index as usize],
            _ => &[],
        }
    }

    /// What a file holds.
    pub fn content(&self, content: ContentId) -> &Content {
        &self.contents[content.0 as usize]
    }

    /// The bytes in a file; 0 for anything else.
    pub fn size(&self, node: NodeId) -> u64 {
        match self.node(node).body {
            Body::File(content) => self.content(content).size,
            _ => 0,
        }
    }

    /// The path from the root, with `/` between names and none in front; empty for the root.
    pub fn path(&self, node: NodeId) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = node;
        while at != self.root() {
            names.push(self.name(at));
            at = self.parent(at);
        }
        names.reverse();
        names.join(&b'/')
    }

    /// The path as a person reads it: with `/` in front, control bytes escaped.
    pub fn display_path(&self, node: NodeId) -> String {
        let mut text = String::from("/");
        push_readable(&mut text, &self.path(node));
        text
    }

    /// The node at a path of names with `/` between; empty names are skipped.
    pub fn lookup(&self, path: &[u8]) -> Option<NodeId> {
        let mut names = path.split(|&b| b == b'/').filter(|name| !name.is_empty());
        names.try_fold(self.root(), |at, name| self.child(at, name))
    }

    /// The entry of a directory with that name.
    pub fn child(&self, directory: NodeId, name: &[u8]) -> Option<NodeId> {
        let children = self.children(directory);
        self.find(children, name).ok().map(|i| children[i])
    }

    /// Every node, each directory before its entries, entries in the order of their names.
    pub fn walk(&self) -> Walk<'_> {
        Walk { tree: self, waiting: vec![self.root()] }
    }

    /// Adds an empty directory.
    pub fn add_directory(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
    ) -> Result<NodeId, TreeError> {
        let index = self.directories.len() as u32;
        let node = self.add(parent, name, meta, Body::Directory(index))?;
        self.directories.push(Vec::new());
        Ok(node)
    }

    /// Adds a file that holds these bytes.
    pub fn add_bytes(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        bytes: impl Into<Arc<[u8]>>,
    ) -> Result<NodeId, TreeError> {
        let bytes = bytes.into();
        self.add_file(parent, name, meta, bytes.len() as u64, Source::Memory(bytes))
    }

    /// Adds a file that holds the first `size` bytes of an open file, whatever its name, if it
    /// still has one. Nobody may write to it until the image is made.
    pub fn add_open(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        file: Arc<File>,
        size: u64,
    ) -> Result<NodeId, TreeError> {
        let parts = [Part { at: 0, start: 0, bytes: size }].into();
        let pieces = Pieces { of: Container::Open(file), parts };
        self.add_file(parent, name, meta, size, Source::Pieces(Box::new(pieces)))
    }

    /// Adds a file whose bytes are made when they are asked for.
    pub fn add_generated(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        size: u64,
        bytes: Arc<dyn Generate>,
    ) -> Result<NodeId, TreeError> {
        self.add_file(parent, name, meta, size, Source::Generated(bytes))
    }

    /// The directory at a path of names with `/` between, made with all above it where it is
    /// missing; empty names and `.` are skipped.
    pub fn make_directories(&mut self, path: &[u8], meta: Meta) -> Result<NodeId, TreeError> {
        let names = path.split(|&b| b == b'/').filter(|name| !matches!(*name, b"" | b"."));
        let mut at = self.root();
        for name in names {
            at = match self.child(at, name) {
                Some(node) => node,
                None => self.add_directory(at, name, meta)?,
            };
        }
        match self.kind(at) {
            Kind::Directory => Ok(at),
            _ => {
                let kind = TreeErrorKind::NotADirectory;
                Err(TreeError { path: self.display_path(at), kind })
            }
        }
    }

    /// Adds a file that already lies on the disc in these extents.
    pub fn add_on_disc(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        extents: &[Extent],
    ) -> Result<NodeId, TreeError> {
        let size = extents.iter().fold(0u64, |sum, e| sum.saturating_add(e.bytes));
        self.add_file(parent, name, meta, size, Source::OnDisc(extents.into()))
    }

    /// Adds a file node that holds what another one holds: a hard link.
    pub fn add_link(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        content: ContentId,
    ) -> Result<NodeId, TreeError> {
        let node = self.add(parent, name, meta, Body::File(content))?;
        self.contents[content.0 as usize].links += 1;
        self.note(|_| Undo::Linked(content));
        Ok(node)
    }

    /// Adds a symbolic link, a device, a pipe or a socket. Directories and files have functions of
    /// their own; giving one here is a bad call and panics.
    pub fn add_special(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        kind: Kind<'_>,
    ) -> Result<NodeId, TreeError> {
        let body = match kind {
            Kind::Symlink(target) => Body::Symlink(self.intern(target).map_err(|kind| {
                let path = self.display_path(parent);
                TreeError { path, kind }
            })?),
            Kind::BlockDevice { major, minor } => Body::BlockDevice { major, minor },
            Kind::CharDevice { major, minor } => Body::CharDevice { major, minor },
            Kind::Fifo => Body::Fifo,
            Kind::Socket => Body::Socket,
            Kind::Directory | Kind::File(_) => panic!("directories and files are not special"),
        };
        self.add(parent, name, meta, body)
    }

    /// Adds a file with a source of any kind.
    pub(super) fn add_file(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        size: u64,
        source: Source,
    ) -> Result<NodeId, TreeError> {
        let content = ContentId(self.contents.len() as u32);
        let node = self.add(parent, name, meta, Body::File(content))?;
        self.contents.push(Content { size, source, links: 1, same_as: None });
        Ok(node)
    }

    /// Adds bytes that no name leads to: a boot image outside of the tree.
    pub fn hide_bytes(&mut self, bytes: impl Into<Arc<[u8]>>) -> ContentId {
        let bytes = bytes.into();
        self.hide(bytes.len() as u64, Source::Memory(bytes))
    }

    /// Adds a content that no name leads to.
    pub(super) fn hide(&mut self, size: u64, source: Source) -> ContentId {
        self.note(|tree| Undo::Added(None, tree.lengths()));
        self.contents.push(Content { size, source, links: 0, same_as: None });
        ContentId((self.contents.len() - 1) as u32)
    }

    /// The host's path of a file that was scanned.
    pub fn host_path(&self, file: &HostFile) -> PathBuf {
        let dir = &self.host_dirs[file.dir as usize];
        #[cfg(unix)]
        let name = {
            use std::os::unix::ffi::OsStrExt;
            Path::new(std::ffi::OsStr::from_bytes(self.span(file.name)))
        };
        #[cfg(not(unix))]
        let name = String::from_utf8_lossy(self.span(file.name));
        #[cfg(not(unix))]
        let name = Path::new(name.as_ref());
        dir.join(name)
    }

    /// The directory of the host that holds a scanned file.
    pub(super) fn host_dir(&self, file: &HostFile) -> &Path {
        &self.host_dirs[file.dir as usize]
    }

    /// Notes a directory of the host, for [`HostFile`].
    pub(super) fn add_host_dir(&mut self, dir: PathBuf) -> u32 {
        self.host_dirs.push(dir);
        (self.host_dirs.len() - 1) as u32
    }

    /// Puts bytes into the arena; where they lie.
    pub(super) fn intern(&mut self, bytes: &[u8]) -> Result<Span, TreeErrorKind> {
        let start = u32::try_from(self.bytes.len()).map_err(|_| TreeErrorKind::Full)?;
        let len = u32::try_from(bytes.len()).map_err(|_| TreeErrorKind::Full)?;
        start.checked_add(len).ok_or(TreeErrorKind::Full)?;
        self.bytes.extend_from_slice(bytes);
        Ok(Span { start, len })
    }

    /// Where the name of a node lies.
    pub(super) fn name_span(&self, node: NodeId) -> Span {
        self.node(node).name
    }

    /// A number for each content, from 0 to one less than this.
    pub(super) fn content_count(&self) -> usize {
        self.contents.len()
    }

    /// Sets the source of a content; for the scanner, which learns the name's place late.
    pub(super) fn set_source(&mut self, content: ContentId, source: Source) {
        self.note(|tree| Undo::Content(content, Box::new(tree.content(content).clone())));
        self.contents[content.0 as usize].source = source;
    }

    /// Puts other bytes into a file and its hard links.
    pub(super) fn replace(&mut self, content: ContentId, size: u64, source: Source) {
        self.note(|tree| Undo::Content(content, Box::new(tree.content(content).clone())));
        let content = &mut self.contents[content.0 as usize];
        (content.size, content.source) = (size, source);
    }

    /// Has a content stored where another one with the same bytes is.
    pub(super) fn set_same_as(&mut self, content: ContentId, other: ContentId) {
        self.note(|tree| Undo::Content(content, Box::new(tree.content(content).clone())));
        self.contents[content.0 as usize].same_as = Some(other);
    }

    /// The contents that lie within blocks of the disc: block, first byte in it, and bytes.
    pub(super) fn embedded(&self) -> Vec<(ContentId, Lba, usize, usize)> {
        let contents = (0..).map(ContentId).zip(&self.contents);
        let embedded = contents.filter_map(|(id, content)| match content.source {
            Source::Embedded { lba, at } => Some((id, lba, at, content.size as usize)),
            _ => None,
        });
        embedded.collect()
    }

    /// A number for each directory: 0 for the root, less than [`Tree::directory_bound`] for all.
    pub(super) fn directory_index(&self, node: NodeId) -> Option<usize> {
        match self.node(node).body {
            Body::Directory(index) => Some(index as usize),
            _ => None,
        }
    }

    /// How many directories there are, the root included.
    pub fn directory_count(&self) -> usize {
        self.directories.len() - self.gone.1
    }

    /// A number that is greater than that of any directory, for tables by directory.
    pub(super) fn directory_bound(&self) -> usize {
        self.directories.len()
    }

    fn add(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        body: Body,
    ) -> Result<NodeId, TreeError> {
        let error = |tree: &Tree, kind| tree.error_at(parent, name, kind);
        let (index, place) = self.vacancy(parent, name)?;
        let before = self.lengths();
        let full = self.nodes.len() >= u32::MAX as usize;
        let span = match self.intern(name) {
            Ok(span) if !full => span,
            _ => return Err(error(self, TreeErrorKind::Full)),
        };
        let node = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node { name: span, parent, body, meta });
        self.directories[index].insert(place, node);
        self.note(|_| Undo::Added(Some(node), before));
        Ok(node)
    }

    /// Where in which list of entries a new name of a directory goes.
    fn vacancy(&self, parent: NodeId, name: &[u8]) -> Result<(usize, usize), TreeError> {
        let error = |kind| self.error_at(parent, name, kind);
        let Body::Directory(index) = self.node(parent).body else {
            return Err(error(TreeErrorKind::NotADirectory));
        };
        if is_bad_name(name) {
            return Err(error(TreeErrorKind::BadName));
        }
        let siblings = &self.directories[index as usize];
        // Sorted input, the usual case, costs one comparison.
        let place = match siblings.last() {
            Some(&last) if self.name(last) >= name => match self.find(siblings, name) {
                Ok(_) => return Err(error(TreeErrorKind::Exists)),
                Err(place) => place,
            },
            _ => siblings.len(),
        };
        Ok((index as usize, place))
    }

    fn error_at(&self, parent: NodeId, name: &[u8], kind: TreeErrorKind) -> TreeError {
        let mut path = self.display_path(parent);
        if !path.ends_with('/') {
            path.push('/');
        }
        push_readable(&mut path, name);
        TreeError { path, kind }
    }

    fn find(&self, siblings: &[NodeId], name: &[u8]) -> Result<usize, usize> {
        siblings.binary_search_by(|&sibling| self.name(sibling).cmp(name))
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node.0 as usize]
    }

    pub(super) fn span(&self, span: Span) -> &[u8] {
        &self.bytes[span.start as usize..][..span.len as usize]
    }
}

/// Iterator of [`Tree::walk`].
#[derive(Clone, Debug)]
pub struct Walk<'a> {
    tree: &'a Tree,
    waiting: Vec<NodeId>,
}

impl Iterator for Walk<'_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        let node = self.waiting.pop()?;
        self.waiting.extend(self.tree.children(node).iter().rev());
        Some(node)
    }
}

/// Whether no directory entry can have this name.
fn is_bad_name(name: &[u8]) -> bool {
    matches!(name, b"" | b"." | b"..") || name.iter().any(|b| matches!(b, 0 | b'/'))
}

/// Appends a name or path as a person can read it, on one line: what is not UTF-8 and what would
/// move the cursor is escaped as `\xNN`.
pub(super) fn push_readable(text: &mut String, bytes: &[u8]) {
    use fmt::Write as _;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                // Writing to a string cannot fail.
                c if c.is_control() => _ = write!(text, "\\x{:02x}", u32::from(c)),
                c => text.push(c),
            }
        }
        for byte in chunk.invalid() {
            _ = write!(text, "\\x{byte:02x}");
        }
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            TreeErrorKind::Exists => "is there already; rename one of the two",
            TreeErrorKind::BadName => "is no name that a directory entry can have",
            TreeErrorKind::NotADirectory => "cannot be added: its parent is no directory",
            TreeErrorKind::IntoItself => "cannot be moved into itself",
            TreeErrorKind::Full => "cannot be added: too many nodes or too long names for one tree",
        };
        write!(f, "{} {what}", self.path)
    }
}

impl std::error::Error for TreeError {}
