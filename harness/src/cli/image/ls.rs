//! `kiln image ls`.

use engine::image::{Kind, Tree};

use super::args::Ls;
use crate::cli::out;
use crate::exit::Failure;
use crate::job;

pub(super) fn ls(args: &Ls) -> Result<(), Failure> {
    let path = &args.of.image;
    let (_, volume) = job::volume_in(path, job::session_in(path, args.of.session)?)?;
    super::flaws(path, &volume);
    for node in volume.tree.walk().skip(1) {
        if !out::data(&entry(&volume.tree, node))? {
            break;
        }
    }
    Ok(())
}

/// One line: mode, owner, group, size, path.
fn entry(tree: &Tree, node: engine::image::NodeId) -> String {
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
