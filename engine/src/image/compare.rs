//! What is different in two trees: names, kinds, metadata, contents.

use std::fmt;

use super::read::ContentReader;
use super::sectors::{Sectors, SourceError};
use super::tree::{ContentId, Kind, NodeId, Tree};
use crate::units::BLOCK;

/// Bytes that are compared at once.
const PIECE: u64 = 128 * BLOCK as u64;

/// A tree and the blocks that its contents lie in.
pub struct Side<'a> {
    /// The tree.
    pub tree: &'a Tree,
    /// The blocks that it was read from; any where its files are the host's.
    pub sectors: &'a mut dyn Sectors,
}

/// One thing that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What became of it from the first tree to the second.
    pub kind: DifferenceKind,
    /// Its path as a person reads it.
    pub path: String,
    /// What is different about it; nothing for what is in one tree only.
    pub what: String,
}

/// Kinds of [`Difference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// Only in the second tree.
    Added,
    /// Only in the first.
    Removed,
    /// Another kind of thing, another target, other numbers.
    Type,
    /// Other bytes.
    Content,
    /// Another mode, owner or time of last change.
    Metadata,
}

/// Compares two trees, path by path, and contents byte by byte. `tell` is told each difference and
/// says whether to go on. Times count to the second, access times not at all.
///
/// The error says whether it is of the first side.
pub fn compare(
    one: &mut Side<'_>,
    two: &mut Side<'_>,
    metadata: bool,
    tell: &mut dyn FnMut(&Difference) -> bool,
) -> Result<(), (bool, SourceError)> {
    let mut waiting = vec![(one.tree.root(), two.tree.root())];
    // Contents that were found equal: hard links are compared once.
    let mut equal: Vec<(ContentId, ContentId)> = Vec::new();
    while let Some((a, b)) = waiting.pop() {
        let mut heard = true;
        for difference in pair(one, two, (a, b), metadata, &mut equal)? {
            heard = heard && tell(&difference);
        }
        let (mut left, mut right) =
            (one.tree.children(a).iter().peekable(), two.tree.children(b).iter().peekable());
        let mut both = Vec::new();
        while heard {
            let order = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) => one.tree.name(**a).cmp(two.tree.name(**b)),
            };
            heard = match order {
                std::cmp::Ordering::Less => {
                    let node = left.next().map(|node| one.tree.display_path(*node));
                    tell(&only(DifferenceKind::Removed, node))
                }
                std::cmp::Ordering::Greater => {
                    let node = right.next().map(|node| two.tree.display_path(*node));
                    tell(&only(DifferenceKind::Added, node))
                }
                std::cmp::Ordering::Equal => {
                    both.extend(left.next().copied().zip(right.next().copied()));
                    true
                }
            };
        }
        if !heard {
            return Ok(());
        }
        waiting.extend(both.into_iter().rev());
    }
    Ok(())
}

fn only(kind: DifferenceKind, path: Option<String>) -> Difference {
    Difference { kind, path: path.unwrap_or_default(), what: String::new() }
}

/// What is different in two nodes of one path.
fn pair(
    one: &mut Side<'_>,
    two: &mut Side<'_>,
    (a, b): (NodeId, NodeId),
    metadata: bool,
    equal: &mut Vec<(ContentId, ContentId)>,
) -> Result<Vec<Difference>, (bool, SourceError)> {
    let path = one.tree.display_path(a);
    let mut out = Vec::new();
    let mut add = |kind, what| out.push(Difference { kind, path: path.clone(), what });
    match (one.tree.kind(a), two.tree.kind(b)) {
        (Kind::File(x), Kind::File(y)) => {
            let (sizes, pair) = ((one.tree.size(a), two.tree.size(b)), (x, y));
            if sizes.0 != sizes.1 {
                let what = format!("{} bytes, then {}", sizes.0, sizes.1);
                add(DifferenceKind::Content, what);
            } else if !equal.contains(&pair) {
                match first_difference(one, two, pair, sizes.0)? {
                    Some(at) => {
                        add(DifferenceKind::Content, format!("differs from byte {at} on"));
                    }
                    None if one.tree.content(x).links > 1 => equal.push(pair),
                    None => {}
                }
            }
        }
        (Kind::Symlink(x), Kind::Symlink(y)) if x != y => {
            let text = |bytes| String::from_utf8_lossy(bytes).escape_debug().to_string();
            let what = format!("a link to {}, then to {}", text(x), text(y));
            add(DifferenceKind::Type, what);
        }
        (x, y) if name(x) != name(y) => {
            add(DifferenceKind::Type, format!("{}, then {}", name(x), name(y)));
        }
        _ => {}
    }
    let (m, n) = (one.tree.meta(a), two.tree.meta(b));
    if metadata {
        let mut what = Vec::new();
        if m.mode != n.mode {
            what.push(format!("mode {:o}, then {:o}", m.mode, n.mode));
        }
        if (m.uid, m.gid) != (n.uid, n.gid) {
            what.push(format!("owner {}:{}, then {}:{}", m.uid, m.gid, n.uid, n.gid));
        }
        if m.mtime.secs != n.mtime.secs {
            what.push(format!("changed at {}, then at {}", m.mtime.secs, n.mtime.secs));
        }
        if !what.is_empty() {
            add(DifferenceKind::Metadata, what.join("; "));
        }
    }
    Ok(out)
}

fn name(kind: Kind<'_>) -> String {
    match kind {
        Kind::Directory => "a folder".to_owned(),
        Kind::File(_) => "a file".to_owned(),
        Kind::Symlink(_) => "a link".to_owned(),
        Kind::BlockDevice { major, minor } => format!("the block device {major}:{minor}"),
        Kind::CharDevice { major, minor } => format!("the character device {major}:{minor}"),
        Kind::Fifo => "a pipe".to_owned(),
        Kind::Socket => "a socket".to_owned(),
    }
}

/// The first byte that is not the same.
fn first_difference(
    one: &mut Side<'_>,
    two: &mut Side<'_>,
    (x, y): (ContentId, ContentId),
    size: u64,
) -> Result<Option<u64>, (bool, SourceError)> {
    let (mut a, mut b) = (ContentReader::new(one.tree, x), ContentReader::new(two.tree, y));
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < size {
        // Where nothing is recorded in either there is nothing to compare.
        let hole = a.hole(at).min(b.hole(at));
        if hole > 0 {
            at += hole;
            continue;
        }
        let len = (size - at).min(PIECE) as usize;
        left.resize(len, 0);
        right.resize(len, 0);
        a.read(one.sectors, at, &mut left).map_err(|e| (true, e))?;
        b.read(two.sectors, at, &mut right).map_err(|e| (false, e))?;
        if let Some(offset) = left.iter().zip(&right).position(|(a, b)| a != b) {
            return Ok(Some(at + offset as u64));
        }
        at += len as u64;
    }
    Ok(None)
}

impl fmt::Debug for Side<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Side").field("nodes", &self.tree.len()).finish_non_exhaustive()
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            DifferenceKind::Added => "added",
            DifferenceKind::Removed => "removed",
            DifferenceKind::Type => "type",
            DifferenceKind::Content => "content",
            DifferenceKind::Metadata => "metadata",
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { kind, path, what } = self;
        write!(f, "{kind:<9}{path}")?;
        if what.is_empty() { Ok(()) } else { write!(f, ": {what}") }
    }
}
