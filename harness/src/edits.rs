//! What is changed in a tree after it was put together: nodes removed and moved, hidden, named
//! otherwise, sorted, stored once.
//!
//! May not know: where the tree came from, or where words go.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use engine::image::{Kind, Meta, NodeId, Patterns, Time, Tree, View};
use engine::units::Bytes;

use crate::exit::{Exit, Failure};
use crate::sources::unescaped;

/// Changes, in the order in which they are made.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Paths to remove.
    pub remove: Vec<OsString>,
    /// Paths to move: `OLD=NEW`.
    pub rename: Vec<OsString>,
    /// Patterns of what to hide from a view.
    pub hide: Vec<(View, String)>,
    /// Names in a view: `PATH=NAME`.
    pub names: Vec<(View, String)>,
    /// A file of patterns and weights.
    pub sort_file: Option<PathBuf>,
    /// Patterns and weights.
    pub sort: Vec<(String, i32)>,
    /// Store files with the same bytes once.
    pub dedup: bool,
}

impl Edits {
    /// Makes the changes. `stamp` is the time of directories that are made on the way.
    pub(crate) fn apply(
        &self,
        tree: &mut Tree,
        overlay: bool,
        stamp: Time,
        remarks: &mut Vec<String>,
    ) -> Result<(), Failure> {
        for path in &self.remove {
            let node = find(tree, path.as_encoded_bytes(), "removed")?;
            tree.remove(node);
        }
        for pair in &self.rename {
            let (old, new) = pair_of(pair.as_encoded_bytes(), "--rename OLD=NEW")?;
            rename(tree, &old, new, overlay, stamp, remarks)?;
        }
        for (view, pattern) in &self.hide {
            for node in matching(tree, pattern, remarks)? {
                tree.hide_from(*view, node);
            }
        }
        for (view, pair) in &self.names {
            let (path, name) = pair_of(pair.as_bytes(), "--name VIEW:PATH=NAME")?;
            let node = find(tree, &path, "named")?;
            tree.set_name_in(*view, node, name)?;
        }
        for (pattern, weight) in self.weights()? {
            for node in matching(tree, &pattern, remarks)? {
                weigh(tree, node, weight);
            }
        }
        if self.dedup {
            let done = tree.deduplicate()?;
            let (count, bytes) = (done.contents, Bytes(done.bytes));
            remarks.push(format!("{count} files have the bytes of others: {bytes} less to store"));
        }
        Ok(())
    }

    /// All weights, those of the file first.
    fn weights(&self) -> Result<Vec<(String, i32)>, Failure> {
        let mut weights = Vec::new();
        if let Some(path) = &self.sort_file {
            let failed = |why: String| {
                Failure::new(Exit::Source, format!("{}: {why}", path.display()))
                    .advise("Nothing was written.")
            };
            let text = fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
            for (number, line) in (1..).zip(text.lines()) {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                let parts = line.rsplit_once(char::is_whitespace);
                let pair = parts.and_then(|(p, w)| Some((p.trim_end(), w.parse().ok()?)));
                let (pattern, weight) =
                    pair.ok_or_else(|| failed(format!("line {number} is no pattern and weight")))?;
                weights.push((pattern.to_owned(), weight));
            }
        }
        weights.extend(self.sort.iter().cloned());
        Ok(weights)
    }
}

fn find(tree: &Tree, path: &[u8], doing: &str) -> Result<NodeId, Failure> {
    tree.lookup(path).ok_or_else(|| {
        let path = String::from_utf8_lossy(path);
        Failure::new(Exit::Source, format!("{path}: it cannot be {doing}, it is not in the image"))
            .advise("Nothing was written.")
    })
}

fn pair_of<'a>(text: &'a [u8], form: &str) -> Result<(Vec<u8>, &'a [u8]), Failure> {
    unescaped(text).ok_or_else(|| {
        let text = String::from_utf8_lossy(text);
        Failure::new(Exit::Usage, format!("{text:?} is not what {form} takes"))
    })
}

fn rename(
    tree: &mut Tree,
    old: &[u8],
    new: &[u8],
    overlay: bool,
    stamp: Time,
    remarks: &mut Vec<String>,
) -> Result<(), Failure> {
    let node = find(tree, old, "moved")?;
    let new = new.strip_suffix(b"/").unwrap_or(new);
    let cut = new.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
    let meta = Meta { mode: 0o755, mtime: stamp, atime: stamp, ctime: stamp, ..Meta::default() };
    let parent = tree.make_directories(&new[..cut], meta)?;
    let there = tree.child(parent, &new[cut..]).filter(|there| !holds(tree, *there, node));
    if let Some(there) = there.filter(|_| overlay) {
        remarks.push(format!("{} is replaced by what comes later", tree.display_path(there)));
        tree.remove(there);
    }
    Ok(tree.rename(node, parent, &new[cut..])?)
}

/// Whether a node is another one or lies below it.
fn holds(tree: &Tree, above: NodeId, mut node: NodeId) -> bool {
    while node != above && node != tree.root() {
        node = tree.parent(node);
    }
    node == above
}

/// The nodes that a pattern matches; that there are none is worth a word.
fn matching(tree: &Tree, pattern: &str, remarks: &mut Vec<String>) -> Result<Vec<NodeId>, Failure> {
    let patterns =
        Patterns::new(&[pattern]).map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    let nodes = tree.matching(&patterns);
    if nodes.is_empty() {
        remarks.push(format!("{pattern:?} matches nothing in the image"));
    }
    Ok(nodes)
}

/// Gives all files below a node a weight.
fn weigh(tree: &mut Tree, node: NodeId, weight: i32) {
    let mut waiting = vec![node];
    while let Some(node) = waiting.pop() {
        if let Kind::File(id) = tree.kind(node) {
            tree.set_weight(id, weight);
        }
        waiting.extend(tree.children(node));
    }
}
