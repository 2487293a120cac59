//! From folders of this machine to a [`Tree`]: names, metadata and identities, no file contents.
//!
//! One directory given: its entries become the root's entries. Anything else, or several
//! arguments: each becomes an entry of the root under its own name; a [`Graft`] says where it goes.
//! Arguments that are symbolic links are followed; links found below are kept as links unless
//! [`Symlinks`] says otherwise.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::host::{data_of, identity, link_count, may_be_sparse, meta, name_bytes, special};
use super::patterns::Patterns;
use super::tree::{
    Container, ContentId, HostFile, Kind, Meta, NodeId, Part, Pieces, Source, Tree, TreeError,
    TreeErrorKind, push_readable,
};
use super::xattr::XattrChoice;

/// What to take from the host and what to leave.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// Files and directories to leave out, wherever they are met, under whatever name: the image
    /// that is about to be written into a scanned folder, for instance. Missing ones are ignored.
    pub leave_out: Vec<PathBuf>,
    /// Paths in the tree to leave out. Directories that match are not even listed.
    pub exclude: Patterns,
    /// Extended attributes to take along.
    pub xattrs: XattrChoice,
    /// What becomes of symbolic links.
    pub symlinks: Symlinks,
    /// Leave directories empty on which another file system is mounted.
    pub one_file_system: bool,
    /// Let what comes later replace what the tree has of the same path, and say so. Otherwise it is
    /// an error, but for directories, which are always joined.
    pub overlay: bool,
}

/// What becomes of symbolic links that are found in folders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Symlinks {
    /// They are links in the image.
    #[default]
    Keep,
    /// What they lead to stands in their place. Those that lead nowhere, or to a directory that
    /// holds them, are kept.
    Follow,
    /// They are left out.
    Skip,
}

/// A file or folder of the host, and where in the tree it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graft {
    /// The path in the tree; missing directories are made. A folder's entries become those of this
    /// directory. A file gets this path; if that ends with `/` or is empty, it goes into that
    /// directory under its own name.
    pub place: Vec<u8>,
    /// The path on the host.
    pub path: PathBuf,
}

/// Something about a scan that a person may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The path of the host or, of what was replaced, in the tree.
    pub path: String,
    /// What there is to say.
    pub kind: RemarkKind,
}

/// Kinds of [`Remark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RemarkKind {
    /// A link that leads nowhere could not be followed.
    LinkToNowhere,
    /// A link leads to a directory that holds it and was not followed.
    LinkLoop,
    /// Something later has replaced it.
    Replaced,
}

/// Why a folder cannot be scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanError {
    /// The file or directory of the host.
    pub path: PathBuf,
    /// What was to be done with it.
    pub doing: &'static str,
    /// The system's or the tree's words.
    pub detail: String,
}

impl Tree {
    /// The tree below these paths of the host. See the [module](super::scan) for what becomes the
    /// root. Entries are taken in the order of their names. Files that the user may not read are an
    /// error now and not in the middle of a burn.
    pub fn scan<P: AsRef<Path>>(paths: &[P], options: &ScanOptions) -> Result<Tree, ScanError> {
        let mut tree = Tree::new(Meta { mode: 0o755, ..Meta::default() });
        let mut scan = Scan::new(&mut tree, options);
        match paths {
            [only] if only.as_ref().is_dir() => scan.graft(&only_graft(only.as_ref()))?,
            several => {
                for path in several {
                    scan.argument(path.as_ref())?;
                }
            }
        }
        Ok(tree)
    }

    /// Adds a file of the host, or the part of it in `range`, that no name in the tree leads to: a
    /// boot image outside of the tree.
    pub fn hide_file(
        &mut self,
        path: &Path,
        range: Option<Range<u64>>,
    ) -> Result<ContentId, ScanError> {
        let (of, whole) = self.container(path)?;
        let range = range.unwrap_or(0..whole);
        if range.start > range.end || range.end > whole {
            let detail = "it is shorter than the part of it that was asked for".to_owned();
            let path = path.to_path_buf();
            return Err(ScanError { path, doing: "put into the image", detail });
        }
        let bytes = range.end - range.start;
        let parts =
            Vec::from_iter((bytes > 0).then_some(Part { at: 0, start: range.start, bytes }));
        Ok(self.hide(bytes, Source::Pieces(Box::new(Pieces { of, parts: parts.into() }))))
    }

    /// A file of the host whose parts become contents, and its bytes.
    pub(super) fn container(&mut self, path: &Path) -> Result<(Container, u64), ScanError> {
        let found = fs::metadata(path).map_err(|e| failed(path, "looked at", &e))?;
        let unfit = |detail: &str| ScanError {
            path: path.to_path_buf(),
            doing: "put into the image",
            detail: detail.to_owned(),
        };
        let name = path.file_name().filter(|_| found.is_file());
        let name = name.ok_or_else(|| unfit("it is no file"))?;
        File::open(path).map_err(|e| failed(path, "opened", &e))?;
        let name = self.intern(&name_bytes(name.to_owned())).map_err(|_| unfit("no room"))?;
        let dir = self.add_host_dir(path.parent().unwrap_or(Path::new("")).to_path_buf());
        let (dev, ino) = identity(&found);
        let file = HostFile { dir, name, dev, ino, mtime: meta(&found).mtime };
        let whole = found.len();
        Ok((Container::Host { file, whole }, whole))
    }
}

fn only_graft(path: &Path) -> Graft {
    Graft { place: Vec::new(), path: path.to_path_buf() }
}

/// A tree that files and folders of the host are put into, one after another.
#[derive(Debug)]
pub struct Scan<'a> {
    tree: &'a mut Tree,
    options: &'a ScanOptions,
    /// Files that have more than one name, by device and number.
    linked: BTreeMap<(u64, u64), ContentId>,
    leave_out: Vec<(u64, u64)>,
    waiting: Vec<(NodeId, PathBuf)>,
    /// The directories of the host that a node stands for, where links are followed.
    origins: BTreeMap<NodeId, Vec<(u64, u64)>>,
    /// The file system of the argument at hand.
    device: u64,
    /// What a person may want to know.
    pub remarks: Vec<Remark>,
}

/// Something found on the host.
struct Found<'a> {
    path: &'a Path,
    /// The number of the directory that holds it.
    dir: u32,
    /// Its name there.
    name: &'a [u8],
    metadata: Metadata,
}

impl<'a> Scan<'a> {
    /// Begins to add to this tree.
    pub fn new(tree: &'a mut Tree, options: &'a ScanOptions) -> Scan<'a> {
        let leave_out = options.leave_out.iter().filter_map(|p| fs::metadata(p).ok());
        Scan {
            tree,
            options,
            linked: BTreeMap::new(),
            leave_out: leave_out.map(|m| identity(&m)).collect(),
            waiting: Vec::new(),
            origins: BTreeMap::new(),
            device: 0,
            remarks: Vec::new(),
        }
    }

    /// The tree, to add to it what does not come from folders of the host.
    pub fn tree(&mut self) -> &mut Tree {
        self.tree
    }

    /// Adds a file or folder under its own name to the root.
    pub fn argument(&mut self, path: &Path) -> Result<(), ScanError> {
        let root = self.tree.root();
        self.named(root, path, None)
    }

    /// Adds a file or folder at its place.
    pub fn graft(&mut self, graft: &Graft) -> Result<(), ScanError> {
        let Graft { place, path } = graft;
        let found = fs::metadata(path).map_err(|e| failed(path, "looked at", &e))?;
        let made = Meta { mode: 0o755, uid: 0, gid: 0, ..meta(&found) };
        if found.is_dir() {
            let node = self.tree.make_directories(place, made).map_err(|e| refused(path, &e))?;
            self.tree.set_meta(node, meta(&found));
            self.xattrs(node, path, false)?;
            self.device = identity(&found).0;
            self.enter(node, path.clone(), &found);
            return self.run();
        }
        let cut = place.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
        let (directory, name) = place.split_at(cut);
        let node = self.tree.make_directories(directory, made).map_err(|e| refused(path, &e))?;
        self.named(node, path, Some(name).filter(|name| !name.is_empty()))
    }

    /// Adds a file or folder to a directory, under that name or its own.
    fn named(&mut self, at: NodeId, path: &Path, name: Option<&[u8]>) -> Result<(), ScanError> {
        let metadata = fs::metadata(path).map_err(|e| failed(path, "looked at", &e))?;
        // `.` and `..` have names too, but not in their text.
        let whole;
        let named = match path.file_name() {
            Some(_) => path,
            None => {
                whole = fs::canonicalize(path).map_err(|e| failed(path, "resolved", &e))?;
                &whole
            }
        };
        let own = named.file_name().ok_or_else(|| ScanError {
            path: path.to_path_buf(),
            doing: "given a name in the image",
            detail: "it has none; give it as the only argument".to_owned(),
        })?;
        let dir = self.tree.add_host_dir(named.parent().unwrap_or(Path::new("")).to_path_buf());
        self.device = identity(&metadata).0;
        let m = meta(&metadata);
        let own = name_bytes(own.to_owned());
        let found = Found { path: named, dir, name: &own, metadata };
        self.entry(at, name.unwrap_or(&own), &found)?;
        self.run()?;
        // Shared by all arguments, the root is as young as the youngest.
        let root = self.tree.root();
        if at == root {
            let old = *self.tree.meta(root);
            let (mtime, atime) = (old.mtime.max(m.mtime), old.atime.max(m.atime));
            let ctime = old.ctime.max(m.ctime);
            self.tree.set_meta(root, Meta { mtime, atime, ctime, ..old });
        }
        Ok(())
    }

    /// Lists all directories that wait.
    fn run(&mut self) -> Result<(), ScanError> {
        while let Some((node, path)) = self.waiting.pop() {
            self.directory(node, path)?;
        }
        Ok(())
    }

    fn directory(&mut self, node: NodeId, path: PathBuf) -> Result<(), ScanError> {
        let error = |e: &io::Error| failed(&path, "listed", e);
        let entries = fs::read_dir(&path).map_err(|e| error(&e))?;
        let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(|e| error(&e))?;
        entries.sort_by_cached_key(|entry| name_bytes(entry.file_name()));
        let dir = self.tree.add_host_dir(path);
        let above = if self.options.exclude.is_empty() { Vec::new() } else { self.tree.path(node) };
        for entry in entries {
            let path = entry.path();
            let name = name_bytes(entry.file_name());
            let metadata = entry.metadata().map_err(|e| failed(&path, "looked at", &e))?;
            let link = metadata.is_symlink();
            if link && self.options.symlinks == Symlinks::Skip {
                continue;
            }
            let metadata = match self.options.symlinks {
                Symlinks::Follow if link => self.followed(node, &path, metadata),
                _ => metadata,
            };
            if self.excluded(&above, &name, metadata.is_dir()) {
                continue;
            }
            self.entry(node, &name, &Found { path: &path, dir, name: &name, metadata })?;
        }
        Ok(())
    }

    fn excluded(&self, above: &[u8], name: &[u8], directory: bool) -> bool {
        let exclude = &self.options.exclude;
        if exclude.is_empty() {
            return false;
        }
        match above {
            b"" => exclude.matches(name, directory),
            _ => exclude.matches(&[above, b"/", name].concat(), directory),
        }
    }

    /// What a link in a directory leads to, or the link where that cannot stand in its place.
    fn followed(&mut self, parent: NodeId, path: &Path, link: Metadata) -> Metadata {
        let kind = match fs::metadata(path) {
            Ok(to) if !to.is_dir() || !self.holds(identity(&to), parent) => return to,
            Ok(_) => RemarkKind::LinkLoop,
            Err(_) => RemarkKind::LinkToNowhere,
        };
        self.remarks.push(Remark { path: path.display().to_string(), kind });
        link
    }

    /// Whether a node or one above it stands for this directory of the host.
    fn holds(&self, id: (u64, u64), mut node: NodeId) -> bool {
        loop {
            if self.origins.get(&node).is_some_and(|ids| ids.contains(&id)) {
                return true;
            }
            if node == self.tree.root() {
                return false;
            }
            node = self.tree.parent(node);
        }
    }

    /// Adds what was found to a directory.
    fn entry(&mut self, parent: NodeId, name: &[u8], found: &Found<'_>) -> Result<(), ScanError> {
        if self.leave_out.contains(&identity(&found.metadata)) {
            return Ok(());
        }
        let added = match self.add(parent, name, found)? {
            Err(e) if e.kind == TreeErrorKind::Exists => {
                let old = self.tree.child(parent, name).expect("it is there");
                let both = self.tree.kind(old) == Kind::Directory && found.metadata.is_dir();
                if both {
                    self.tree.set_meta(old, meta(&found.metadata));
                    Ok(old)
                } else if self.options.overlay {
                    self.replace(old);
                    self.add(parent, name, found)?
                } else {
                    Err(e)
                }
            }
            added => added,
        };
        let node = added.map_err(|e| refused(found.path, &e))?;
        self.xattrs(node, found.path, found.metadata.is_symlink())?;
        if found.metadata.is_dir() {
            self.enter(node, found.path.to_path_buf(), &found.metadata);
        }
        Ok(())
    }

    fn xattrs(&mut self, node: NodeId, path: &Path, link: bool) -> Result<(), ScanError> {
        if self.options.xattrs.any() {
            let found = super::xattr::of_host(path, link, self.options.xattrs)
                .map_err(|e| failed(path, "asked for its extended attributes", &e))?;
            self.tree.set_xattrs(node, found);
        }
        Ok(())
    }

    /// Removes a node to make room for what comes later, and says so.
    pub fn replace(&mut self, old: NodeId) {
        let path = self.tree.display_path(old);
        self.remarks.push(Remark { path, kind: RemarkKind::Replaced });
        self.tree.remove(old);
    }

    /// Notes a directory to be listed, unless it lies on another file system.
    fn enter(&mut self, node: NodeId, path: PathBuf, found: &Metadata) {
        let id = identity(found);
        if self.options.one_file_system && id.0 != self.device {
            return;
        }
        if self.options.symlinks == Symlinks::Follow {
            self.origins.entry(node).or_default().push(id);
        }
        self.waiting.push((node, path));
    }

    fn add(
        &mut self,
        parent: NodeId,
        name: &[u8],
        found: &Found<'_>,
    ) -> Result<Result<NodeId, TreeError>, ScanError> {
        let Found { path, metadata, .. } = found;
        let (kind, meta) = (metadata.file_type(), meta(metadata));
        Ok(if kind.is_dir() {
            self.tree.add_directory(parent, name, meta)
        } else if kind.is_file() {
            // Files that everyone may read need no proof; the proof costs an open.
            if meta.mode & 0o004 == 0 {
                File::open(path).map_err(|e| failed(path, "opened", &e))?;
            }
            self.file(parent, name, found, meta)
        } else if kind.is_symlink() {
            let target = fs::read_link(path).map_err(|e| failed(path, "read as a link", &e))?;
            let target = name_bytes(target.into_os_string());
            self.tree.add_special(parent, name, meta, Kind::Symlink(&target))
        } else {
            self.tree.add_special(parent, name, meta, special(metadata))
        })
    }

    fn file(
        &mut self,
        parent: NodeId,
        name: &[u8],
        found: &Found<'_>,
        meta: Meta,
    ) -> Result<NodeId, TreeError> {
        let id = identity(&found.metadata);
        // What was replaced meanwhile holds nothing.
        let linked = self.linked.get(&id).filter(|id| self.tree.content(**id).links > 0);
        if let Some(&content) = linked {
            return self.tree.add_link(parent, name, meta, content);
        }
        let size = found.metadata.len();
        let node = self.tree.add_file(parent, name, meta, size, Source::Memory([].into()))?;
        let Kind::File(content) = self.tree.kind(node) else {
            unreachable!("it was added as a file");
        };
        // Mostly the node's name is the file's name: one piece of the arena serves both.
        let name = match found.name == name {
            true => Ok(self.tree.name_span(node)),
            false => self.tree.intern(found.name),
        };
        let name = name.map_err(|kind| TreeError { path: self.tree.display_path(node), kind })?;
        let (dev, ino) = id;
        let file = HostFile { dir: found.dir, name, dev, ino, mtime: meta.mtime };
        let source = match holes(found) {
            Some(parts) => {
                let of = Container::Host { file, whole: size };
                Source::Pieces(Box::new(Pieces { of, parts }))
            }
            None => Source::Host(file),
        };
        self.tree.set_source(content, source);
        // Links that are followed lead to one file from many places.
        if link_count(&found.metadata) > 1 || self.options.symlinks == Symlinks::Follow {
            self.linked.insert(id, content);
        }
        Ok(node)
    }
}

/// The parts of a file that has holes.
fn holes(found: &Found<'_>) -> Option<Box<[Part]>> {
    if !may_be_sparse(&found.metadata) {
        return None;
    }
    // What cannot be opened is found out when it is read.
    let file = File::open(found.path).ok()?;
    let data = data_of(&file, found.metadata.len());
    let whole = data.iter().map(|(_, bytes)| bytes).sum::<u64>() == found.metadata.len();
    let parts = data.into_iter().map(|(at, bytes)| Part { at, start: at, bytes });
    (!whole).then(|| parts.collect())
}

fn failed(path: &Path, doing: &'static str, error: &io::Error) -> ScanError {
    ScanError { path: path.to_path_buf(), doing, detail: error.to_string() }
}

fn refused(path: &Path, error: &TreeError) -> ScanError {
    let doing = "put into the image";
    ScanError { path: path.to_path_buf(), doing, detail: error.to_string() }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = String::new();
        push_readable(&mut path, self.path.as_bytes());
        let what = match self.kind {
            RemarkKind::LinkToNowhere => "leads nowhere and is kept as a link",
            RemarkKind::LinkLoop => "leads to a folder that holds it and is kept as a link",
            RemarkKind::Replaced => "is replaced by what comes later",
        };
        write!(f, "{path} {what}")
    }
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be {}: {}", self.path.display(), self.doing, self.detail)
    }
}

impl std::error::Error for ScanError {}
