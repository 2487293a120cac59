//! From a volume to files of the host.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::Volume;
use crate::image::host::{bytes_path, make_special, set_mode, set_owners, set_times, symlink};
use crate::image::sectors::{Sectors, SourceError, SourceErrorKind};
use crate::image::tree::{ContentId, Extent, Kind, NodeId, Source, Tree, push_readable};
use crate::image::xattr::{self, XattrChoice};
use crate::units::{BLOCK, Blocks, Lba};

/// How to extract.
#[derive(Clone, Debug, Default)]
pub struct ExtractOptions {
    /// Replace files that are there already; otherwise they are an error.
    pub overwrite: bool,
    /// Set owners and groups, keep set-user-id and set-group-id, and make devices, pipes and
    /// sockets: needs privileges.
    pub owners: bool,
    /// Extended attributes to restore.
    pub xattrs: XattrChoice,
    /// Only these and what is in them, at their paths; everything if there are none.
    pub only: Vec<NodeId>,
    /// Bytes that may be written at most, holes not counted; `None` for no such limit.
    pub limit: Option<u64>,
}

/// What was extracted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Files made, hard links included.
    pub files: u64,
    /// Directories made.
    pub directories: u64,
    /// Symbolic links made.
    pub symlinks: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Paths of nodes left out: devices, pipes and sockets.
    pub left_out: Vec<String>,
    /// Extended attributes that the host did not take: path, name and the system's words.
    pub xattrs_left_out: Vec<String>,
}

/// Why an extraction stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtractError {
    /// The blocks of a file cannot be had.
    Source {
        /// The file on the volume.
        path: String,
        /// What went wrong.
        error: SourceError,
    },
    /// The files together are larger than the limit: nothing was written.
    TooMuch {
        /// Their bytes.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Something of that name is there already.
    Exists(PathBuf),
    /// The host cannot make it.
    Host {
        /// The path on the host.
        path: PathBuf,
        /// What was to be done with it.
        doing: &'static str,
        /// The system's words.
        detail: String,
    },
}

impl Volume {
    /// Writes the whole tree below the directory `into`, which is made if missing. Nothing is ever
    /// written outside it: links on the volume are made, never followed, and links that are there
    /// already are not followed either.
    ///
    /// `sectors` are those that the volume was read from. `started` is told each node's path before
    /// it is made.
    pub fn extract(
        &self,
        sectors: &mut dyn Sectors,
        into: &Path,
        options: &ExtractOptions,
        started: &mut dyn FnMut(&str),
    ) -> Result<Extracted, ExtractError> {
        let wanted = wanted(&self.tree, &options.only);
        within(&self.tree, &wanted, options.limit)?;
        fs::create_dir_all(into).map_err(|e| host(into, "made a directory", &e))?;
        let mut extraction = Extraction {
            tree: &self.tree,
            sectors,
            into,
            options,
            buffer: Vec::new(),
            linked: BTreeMap::new(),
            done: Extracted::default(),
        };
        let mut directories = vec![self.tree.root()];
        for &node in wanted.iter().skip(1) {
            started(&self.tree.display_path(node));
            if self.tree.kind(node) == Kind::Directory {
                extraction.directory(node)?;
                directories.push(node);
            } else {
                extraction.leaf(node)?;
            }
        }
        // Last, and the deepest first: making entries changes a directory's time and needs its
        // write permission.
        for node in directories.into_iter().rev() {
            let path = extraction.path(node);
            extraction.metadata(node, &path)?;
        }
        Ok(extraction.done)
    }
}

/// The nodes to extract, in the order of the walk: all, or some with what is in them and the
/// directories that lead there.
fn wanted(tree: &Tree, only: &[NodeId]) -> Vec<NodeId> {
    if only.is_empty() {
        return tree.walk().collect();
    }
    let mut above = BTreeSet::from([tree.root()]);
    for &node in only {
        let mut at = node;
        while at != tree.root() {
            at = tree.parent(at);
            above.insert(at);
        }
    }
    let mut taken: BTreeSet<NodeId> = only.iter().copied().collect();
    let mut wanted = Vec::new();
    for node in tree.walk() {
        if taken.contains(&tree.parent(node)) {
            taken.insert(node);
        }
        if taken.contains(&node) || above.contains(&node) {
            wanted.push(node);
        }
    }
    wanted
}

/// Refuses what would be larger than the limit: a few blocks may be the content of many files.
fn within(tree: &Tree, wanted: &[NodeId], limit: Option<u64>) -> Result<(), ExtractError> {
    let Some(limit) = limit else { return Ok(()) };
    let mut met = BTreeSet::new();
    let mut bytes = 0u64;
    for &node in wanted {
        let Kind::File(id) = tree.kind(node) else { continue };
        if !met.insert(id) {
            continue;
        }
        let content = tree.content(id);
        let recorded = match &content.source {
            Source::OnDisc(extents) => {
                let recorded = extents.iter().filter(|extent| !extent.is_hole());
                recorded.fold(0u64, |sum, extent| sum.saturating_add(extent.bytes))
            }
            _ => content.size,
        };
        bytes = bytes.saturating_add(recorded);
    }
    if bytes > limit { Err(ExtractError::TooMuch { bytes, limit }) } else { Ok(()) }
}

/// Bytes that are read at once.
const PIECE: usize = 512 * BLOCK;

struct Extraction<'a> {
    tree: &'a Tree,
    sectors: &'a mut dyn Sectors,
    into: &'a Path,
    options: &'a ExtractOptions,
    buffer: Vec<u8>,
    /// Where contents with several links were written first.
    linked: BTreeMap<ContentId, PathBuf>,
    done: Extracted,
}

impl Extraction<'_> {
    fn path(&self, node: NodeId) -> PathBuf {
        // Names have no slashes and are not `..`: a tree takes no others.
        match self.tree.path(node) {
            path if path.is_empty() => self.into.to_path_buf(),
            path => self.into.join(bytes_path(&path)),
        }
    }

    fn directory(&mut self, node: NodeId) -> Result<(), ExtractError> {
        let path = self.path(node);
        match fs::create_dir(&path) {
            Ok(()) => {}
            // A link to a directory would lead out of the target.
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let there = fs::symlink_metadata(&path);
                if !there.is_ok_and(|there| there.is_dir()) {
                    return Err(ExtractError::Exists(path));
                }
            }
            Err(e) => return Err(host(&path, "made a directory", &e)),
        }
        self.done.directories += 1;
        Ok(())
    }

    fn leaf(&mut self, node: NodeId) -> Result<(), ExtractError> {
        let path = self.path(node);
        match fs::symlink_metadata(&path) {
            Ok(there) if there.is_dir() || !self.options.overwrite => {
                return Err(ExtractError::Exists(path));
            }
            Ok(_) => fs::remove_file(&path).map_err(|e| host(&path, "replaced", &e))?,
            Err(_) => {}
        }
        match self.tree.kind(node) {
            Kind::File(content) => return self.file(node, content, &path),
            Kind::Symlink(target) => {
                symlink(target, &path).map_err(|e| host(&path, "made a link", &e))?;
                self.done.symlinks += 1;
            }
            Kind::Directory => unreachable!("directories are not leaves"),
            kind => {
                if !self.options.owners {
                    self.done.left_out.push(self.tree.display_path(node));
                    return Ok(());
                }
                make_special(&path, kind).map_err(|e| host(&path, "made a special file", &e))?;
            }
        }
        self.metadata(node, &path)
    }

    fn file(&mut self, node: NodeId, id: ContentId, path: &Path) -> Result<(), ExtractError> {
        self.done.files += 1;
        if let Some(first) = self.linked.get(&id) {
            return fs::hard_link(first, path).map_err(|e| host(path, "linked", &e));
        }
        let content = self.tree.content(id);
        let mut file = File::create_new(path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => ExtractError::Exists(path.to_path_buf()),
            _ => host(path, "made", &e),
        })?;
        match &content.source {
            Source::OnDisc(extents) => {
                for extent in extents {
                    self.extent(node, *extent, &mut file, path)?;
                }
            }
            Source::Embedded { lba, at } => {
                let bytes = self.embedded(node, *lba, *at, content.size as usize)?;
                file.write_all(&bytes).map_err(|e| host(path, "written", &e))?;
            }
            Source::Memory(bytes) => {
                file.write_all(bytes).map_err(|e| host(path, "written", &e))?;
            }
            Source::Host(_) | Source::Pieces(_) | Source::Generated(_) | Source::BootCatalog => {
                unreachable!("a volume that was read has no files of the host")
            }
        }
        self.done.bytes += content.size;
        if content.links > 1 {
            self.linked.insert(id, path.to_path_buf());
        }
        drop(file);
        self.metadata(node, path)
    }

    /// Bytes within a block.
    fn embedded(
        &mut self,
        node: NodeId,
        lba: Lba,
        at: usize,
        size: usize,
    ) -> Result<Vec<u8>, ExtractError> {
        let failed = |error| ExtractError::Source { path: self.tree.display_path(node), error };
        let mut block = [0; BLOCK];
        self.sectors.read(Blocks(lba.0.max(0) as u32), &mut block).map_err(failed)?;
        Ok(block.get(at..at.saturating_add(size)).unwrap_or_default().to_vec())
    }

    fn extent(
        &mut self,
        node: NodeId,
        extent: Extent,
        file: &mut File,
        path: &Path,
    ) -> Result<(), ExtractError> {
        if extent.is_hole() {
            let end = file.seek(SeekFrom::End(0)).map_err(|e| host(path, "written", &e))?;
            return file
                .set_len(end.saturating_add(extent.bytes))
                .and_then(|()| file.seek(SeekFrom::End(0)).map(drop))
                .map_err(|e| host(path, "written", &e));
        }
        let failed = |error| ExtractError::Source { path: self.tree.display_path(node), error };
        let first = extent.lba.0.max(0) as u32;
        let blocks = extent.bytes.div_ceil(BLOCK as u64);
        // A lie about the size must not fill the host's disc before it is found out.
        let end = self.sectors.blocks();
        if u64::from(first) + blocks > u64::from(end.0) {
            return Err(failed(SourceError {
                block: Blocks(first.max(end.0)),
                source: "the volume".to_owned(),
                kind: SourceErrorKind::OutOfRange,
                detail: format!("the file has {} bytes from block {first} on", extent.bytes),
            }));
        }
        let (mut block, mut left) = (first, extent.bytes);
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            self.buffer.resize(wanted.next_multiple_of(BLOCK), 0);
            self.sectors.read(Blocks(block), &mut self.buffer).map_err(failed)?;
            file.write_all(&self.buffer[..wanted]).map_err(|e| host(path, "written", &e))?;
            block += (wanted / BLOCK) as u32;
            left -= wanted as u64;
        }
        Ok(())
    }

    /// Owners first: changing them drops set-user-id. Extended attributes need the write permission
    /// that a mode may take.
    fn metadata(&mut self, node: NodeId, path: &Path) -> Result<(), ExtractError> {
        let meta = self.tree.meta(node);
        let link = matches!(self.tree.kind(node), Kind::Symlink(_));
        if self.options.owners {
            set_owners(path, meta).map_err(|e| host(path, "given its owners", &e))?;
        }
        self.xattrs(node, path);
        if !link {
            // What would run as its owner does so only if that is the owner on the disc.
            let mask = if self.options.owners { 0o7777 } else { 0o1777 };
            set_mode(path, meta.mode & mask).map_err(|e| host(path, "given its mode", &e))?;
        }
        set_times(path, meta).map_err(|e| host(path, "given its times", &e))
    }

    /// What the host's file system does not take is told and not an error: it may know none.
    fn xattrs(&mut self, node: NodeId, path: &Path) {
        let tree = self.tree;
        for one in tree.xattrs(node).iter().filter(|x| self.options.xattrs.takes(x.name())) {
            if let Err(error) = xattr::onto_host(path, one) {
                let lost = lost(&tree.display_path(node), one.name(), &error);
                self.done.xattrs_left_out.push(lost);
            }
        }
    }
}

/// What a person reads of an extended attribute that is missing.
fn lost(path: &str, name: &[u8], error: &io::Error) -> String {
    let mut text = format!("{path}: ");
    push_readable(&mut text, name);
    text + &format!(": {error}")
}

fn host(path: &Path, doing: &'static str, error: &io::Error) -> ExtractError {
    ExtractError::Host { path: path.to_path_buf(), doing, detail: error.to_string() }
}

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExtractError::Source { path, error } => write!(f, "{path}: {error}"),
            ExtractError::TooMuch { bytes, limit } => {
                write!(f, "the files have {bytes} bytes, more than the limit of {limit}")
            }
            ExtractError::Exists(path) => {
                write!(f, "{} is there already and is not overwritten", path.display())
            }
            ExtractError::Host { path, doing, detail } => {
                write!(f, "{} cannot be {doing}: {detail}", path.display())
            }
        }
    }
}

impl std::error::Error for ExtractError {}
