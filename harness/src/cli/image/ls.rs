//! `kiln image ls`.

use std::collections::BTreeSet;

use engine::image::{Kind, NodeId, Source, Tree};
use serde_json::{Value, json};

use super::args::Ls;
use crate::cli::{events, out};
use crate::exit::Failure;

pub(super) fn ls(args: &Ls) -> Result<(), Failure> {
    let opened = super::open(&args.of)?;
    let tree = &opened.volume.tree;
    let mut taken: BTreeSet<NodeId> =
        super::nodes(tree, &args.of.image, &args.paths)?.into_iter().collect();
    let all = taken.is_empty();
    for node in tree.walk().skip(1) {
        if !all && taken.contains(&tree.parent(node)) {
            taken.insert(node);
        }
        if !all && !taken.contains(&node) {
            continue;
        }
        let line = if args.json { object(tree, node).to_string() } else { entry(tree, node) };
        if !out::data(&line)? {
            break;
        }
    }
    Ok(())
}

/// A node for a machine. What of its name is not UTF-8 is escaped as `\xNN`.
fn object(tree: &Tree, node: NodeId) -> Value {
    let meta = tree.meta(node);
    let mut object = json!({
        "v": events::VERSION,
        "path": tree.display_path(node),
        "mode": meta.mode,
        "uid": meta.uid,
        "gid": meta.gid,
        "mtime": meta.mtime.secs,
    });
    let kind = match tree.kind(node) {
        Kind::Directory => "directory",
        Kind::File(id) => {
            let content = tree.content(id);
            object["size"] = content.size.into();
            object["links"] = content.links.into();
            let extents = match &content.source {
                Source::OnDisc(extents) => {
                    let extents = extents.iter();
                    extents.map(|e| json!({ "block": e.lba.0, "bytes": e.bytes })).collect()
                }
                Source::Embedded { lba, at } => {
                    vec![json!({ "block": lba.0, "offset": at, "bytes": content.size })]
                }
                _ => Vec::new(),
            };
            object["extents"] = extents.into();
            "file"
        }
        Kind::Symlink(target) => {
            object["target"] = String::from_utf8_lossy(target).into();
            "symlink"
        }
        Kind::BlockDevice { major, minor } | Kind::CharDevice { major, minor } => {
            object["device"] = json!([major, minor]);
            if matches!(tree.kind(node), Kind::CharDevice { .. }) { "char" } else { "block" }
        }
        Kind::Fifo => "fifo",
        Kind::Socket => "socket",
    };
    object["kind"] = kind.into();
    object
}

/// One line: mode, owner, group, size, path.
fn entry(tree: &Tree, node: NodeId) -> String {
    let meta = tree.meta(node);
    let (letter, target) = match tree.kind(node) {
        Kind::Directory => ('d', None),
        Kind::File(_) => ('-', None),
        Kind::Symlink(target) => {
            ('l', Some(String::from_utf8_lossy(target).escape_debug().to_string()))
        }
        Kind::BlockDevice { .. } => ('b', None),
        Kind::CharDevice { .. } => ('c', None),
        Kind::Fifo => ('p', None),
        Kind::Socket => ('s', None),
    };
    let size = tree.size(node);
    let path = tree.display_path(node);
    let arrow = target.map(|t| format!(" -> {t}")).unwrap_or_default();
    format!("{letter}{} {:>5} {:>5} {size:>12} {path}{arrow}", rwx(meta.mode), meta.uid, meta.gid)
}

/// Permissions as `ls` writes them.
fn rwx(mode: u32) -> String {
    let mut text: Vec<u8> =
        (0..9).map(|i| if mode & (0o400 >> i) != 0 { b"rwxrwxrwx"[i] } else { b'-' }).collect();
    for (bit, at, letter) in [(0o4000, 2, b's'), (0o2000, 5, b's'), (0o1000, 8, b't')] {
        if mode & bit != 0 {
            text[at] = if text[at] == b'x' { letter } else { letter.to_ascii_uppercase() };
        }
    }
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::rwx;

    #[test]
    fn modes_print_as_ls_does() {
        assert_eq!(rwx(0o755), "rwxr-xr-x");
        assert_eq!(rwx(0o4711), "rws--x--x");
        assert_eq!(rwx(0o1770), "rwxrwx--T");
        assert_eq!(rwx(0o2600), "rw---S---");
    }
}
