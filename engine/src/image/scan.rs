//! From folders of this machine to a [`Tree`]: names, metadata and identities, no file contents.
//!
//! One directory given: its entries become the root's entries. Anything else, or several
//! arguments: each becomes an entry of the root under its own name. Arguments that are symbolic
//! links are followed; links found below are kept as links.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::host::{identity, link_count, meta, name_bytes, special};
use super::tree::{ContentId, HostFile, Kind, Meta, NodeId, Piece, Source, Tree};
use super::xattr::XattrChoice;

/// What to take from the host and what to leave.
#[derive(Clone, Debug, Default)]
pub struct ScanOptions {
    /// Files and directories to leave out, wherever they are met, under whatever name: the image
    /// that is about to be written into a scanned folder, for instance. Missing ones are ignored.
    pub leave_out: Vec<PathBuf>,
    /// Extended attributes to take along.
    pub xattrs: XattrChoice,
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
        let leave_out = options.leave_out.iter().filter_map(|p| fs::metadata(p).ok());
        let mut scan = Scan {
            tree: Tree::new(Meta { mode: 0o755, ..Meta::default() }),
            linked: BTreeMap::new(),
            leave_out: leave_out.map(|m| identity(&m)).collect(),
            waiting: Vec::new(),
            xattrs: options.xattrs,
        };
        match paths {
            [only] if only.as_ref().is_dir() => {
                let path = only.as_ref().to_path_buf();
                let found = fs::metadata(&path).map_err(|e| failed(&path, "looked at", &e))?;
                let root = scan.tree.root();
                scan.tree.set_meta(root, meta(&found));
                scan.xattrs(root, &path, false)?;
                scan.waiting.push((root, path));
            }
            several => {
                for path in several {
                    scan.argument(path.as_ref())?;
                }
            }
        }
        while let Some((node, path)) = scan.waiting.pop() {
            scan.directory(node, path)?;
        }
        Ok(scan.tree)
    }

    /// Adds a file of the host, or the part of it in `range`, that no name in the tree leads to: a
    /// boot image outside of the tree.
    pub fn hide_file(
        &mut self,
        path: &Path,
        range: Option<Range<u64>>,
    ) -> Result<ContentId, ScanError> {
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
        let range = range.unwrap_or(0..whole);
        if range.start > range.end || range.end > whole {
            return Err(unfit("it is shorter than the part of it that was asked for"));
        }
        let piece = Piece { file, start: range.start, whole };
        Ok(self.hide(range.end - range.start, Source::Piece(Box::new(piece))))
    }
}

struct Scan {
    tree: Tree,
    /// Files that have more than one name, by device and number.
    linked: BTreeMap<(u64, u64), ContentId>,
    leave_out: Vec<(u64, u64)>,
    waiting: Vec<(NodeId, PathBuf)>,
    xattrs: XattrChoice,
}

impl Scan {
    fn argument(&mut self, path: &Path) -> Result<(), ScanError> {
        let found = fs::metadata(path).map_err(|e| failed(path, "looked at", &e))?;
        // `.` and `..` have names too, but not in their text.
        let whole;
        let named = match path.file_name() {
            Some(_) => path,
            None => {
                whole = fs::canonicalize(path).map_err(|e| failed(path, "resolved", &e))?;
                &whole
            }
        };
        let name = named.file_name().ok_or_else(|| ScanError {
            path: path.to_path_buf(),
            doing: "given a name in the image",
            detail: "it has none; give it as the only argument".to_owned(),
        })?;
        let dir = named.parent().unwrap_or(Path::new(""));
        let dir = self.tree.add_host_dir(dir.to_path_buf());
        let root = self.tree.root();
        self.entry(root, dir, named.to_path_buf(), name.to_owned(), &found)?;
        // Shared by all arguments, the root is as young as the youngest.
        let old = *self.tree.meta(root);
        let m = meta(&found);
        self.tree.set_meta(
            root,
            Meta {
                mtime: old.mtime.max(m.mtime),
                atime: old.atime.max(m.atime),
                ctime: old.ctime.max(m.ctime),
                ..old
            },
        );
        Ok(())
    }

    fn directory(&mut self, node: NodeId, path: PathBuf) -> Result<(), ScanError> {
        let error = |e: &io::Error| failed(&path, "listed", e);
        let entries = fs::read_dir(&path).map_err(|e| error(&e))?;
        let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(|e| error(&e))?;
        entries.sort_by_cached_key(|entry| name_bytes(entry.file_name()));
        let dir = self.tree.add_host_dir(path);
        for entry in entries {
            let path = entry.path();
            let found = entry.metadata().map_err(|e| failed(&path, "looked at", &e))?;
            self.entry(node, dir, path, entry.file_name(), &found)?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        parent: NodeId,
        dir: u32,
        path: PathBuf,
        name: OsString,
        found: &Metadata,
    ) -> Result<(), ScanError> {
        let id = identity(found);
        if self.leave_out.contains(&id) {
            return Ok(());
        }
        let name = name_bytes(name);
        let meta = meta(found);
        let kind = found.file_type();
        let added = if kind.is_dir() {
            self.tree.add_directory(parent, &name, meta)
        } else if kind.is_file() {
            if let Some(&content) = self.linked.get(&id) {
                self.tree.add_link(parent, &name, meta, content)
            } else {
                // Files that everyone may read need no proof; the proof costs an open.
                if meta.mode & 0o004 == 0 {
                    File::open(&path).map_err(|e| failed(&path, "opened", &e))?;
                }
                self.tree.add_host_file(parent, &name, meta, found.len(), dir, id).inspect(
                    |&node| {
                        if let Kind::File(content) = self.tree.kind(node)
                            && link_count(found) > 1
                        {
                            self.linked.insert(id, content);
                        }
                    },
                )
            }
        } else if kind.is_symlink() {
            let target = fs::read_link(&path).map_err(|e| failed(&path, "read as a link", &e))?;
            let target = name_bytes(target.into_os_string());
            self.tree.add_special(parent, &name, meta, Kind::Symlink(&target))
        } else {
            self.tree.add_special(parent, &name, meta, special(found))
        };
        let node = added.map_err(|e| ScanError {
            path: path.clone(),
            doing: "put into the image",
            detail: e.to_string(),
        })?;
        self.xattrs(node, &path, kind.is_symlink())?;
        if kind.is_dir() {
            self.waiting.push((node, path));
        }
        Ok(())
    }

    fn xattrs(&mut self, node: NodeId, path: &Path, link: bool) -> Result<(), ScanError> {
        if self.xattrs.any() {
            let found = super::xattr::of_host(path, link, self.xattrs)
                .map_err(|e| failed(path, "asked for its extended attributes", &e))?;
            self.tree.set_xattrs(node, found);
        }
        Ok(())
    }
}

impl Tree {
    fn add_host_file(
        &mut self,
        parent: NodeId,
        name: &[u8],
        meta: Meta,
        size: u64,
        dir: u32,
        (dev, ino): (u64, u64),
    ) -> Result<NodeId, super::tree::TreeError> {
        let node = self.add_file(parent, name, meta, size, Source::OnDisc([].into()))?;
        let Kind::File(content) = self.kind(node) else {
            unreachable!("it was added as a file");
        };
        // The node's name is the file's name: one piece of the arena serves both.
        let name = self.name_span(node);
        let file = HostFile { dir, name, dev, ino, mtime: meta.mtime };
        self.set_source(content, Source::Host(file));
        Ok(node)
    }
}

fn failed(path: &Path, doing: &'static str, error: &io::Error) -> ScanError {
    ScanError { path: path.to_path_buf(), doing, detail: error.to_string() }
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be {}: {}", self.path.display(), self.doing, self.detail)
    }
}

impl std::error::Error for ScanError {}
