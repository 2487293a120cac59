//! What a tree is made of: another image, archives, files and folders of the host, grafts, standard
//! input; and what is changed in it then.
//!
//! May not know: what the tree is for, or where words go.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::image::read::{FileSectors, ReadOptions};
use engine::image::tar::{Archive, Unpacked};
use engine::image::{Graft, Meta, Patterns, Scan, ScanOptions, Symlinks, Time, Tree, XattrChoice};
use engine::units::Lba;

use crate::edits::Edits;
use crate::exit::{Exit, Failure};

/// The path that stands for standard input.
const STDIN: &str = "-";

/// Everything that a tree is made of, and what becomes of it.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Files and folders, and grafts: `DISC=HOST`.
    pub paths: Vec<PathBuf>,
    /// Patterns of paths to leave out, in the syntax of gitignore.
    pub exclude: Vec<String>,
    /// Files of such patterns, which come before the others.
    pub exclude_from: Vec<PathBuf>,
    /// Patterns of paths to take all the same.
    pub include: Vec<String>,
    /// What becomes of symbolic links.
    pub symlinks: Symlinks,
    /// Leave directories empty on which another file system is mounted.
    pub one_file_system: bool,
    /// Let what comes later replace what came before.
    pub overlay: bool,
    /// An image whose tree comes first, and the block where its session begins.
    pub import: Option<(PathBuf, Lba)>,
    /// Archives that come next.
    pub tars: Vec<PathBuf>,
    /// What is done with the tree in the end.
    pub edits: Edits,
}

/// A tree, and what there is to say about it.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The tree.
    pub tree: Tree,
    /// One line each.
    pub remarks: Vec<String>,
}

/// One of the paths on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// A file or folder under its own name.
    Plain(PathBuf),
    /// A file or folder at a place in the tree.
    Graft(Graft),
    /// Standard input at a place in the tree.
    Stdin(Vec<u8>),
}

impl Sources {
    /// Files and folders, and nothing else to say.
    pub fn of(paths: Vec<PathBuf>) -> Sources {
        Sources { paths, ..Sources::default() }
    }

    /// The only file or folder that is given without a place.
    pub fn only_path(&self) -> Option<&Path> {
        match &self.paths[..] {
            [only] if matches!(entry(only, &mut Vec::new()), Entry::Plain(_)) => Some(only),
            _ => None,
        }
    }

    /// Makes the tree. `leave_out` names files that are not to be in it, `stamp` is the time of
    /// what has none of its own.
    pub fn gather(
        &self,
        leave_out: &[PathBuf],
        xattrs: XattrChoice,
        stamp: Time,
    ) -> Result<Gathered, Failure> {
        let options = ScanOptions {
            leave_out: leave_out.to_vec(),
            exclude: self.patterns()?,
            xattrs,
            symlinks: self.symlinks,
            one_file_system: self.one_file_system,
            overlay: self.overlay,
        };
        let mut remarks = Vec::new();
        let mut tree = self.base(&options.exclude, &mut remarks)?;
        let entries: Vec<Entry> = self.paths.iter().map(|path| entry(path, &mut remarks)).collect();
        let streams = entries.iter().filter(|entry| matches!(entry, Entry::Stdin(_))).count();
        let archives = self.tars.iter().filter(|path| path.as_os_str() == STDIN).count();
        if streams + archives > 1 {
            let what = "standard input can be only one file of the image";
            return Err(Failure::new(Exit::Usage, what));
        }
        let plain = entries.iter().filter(|entry| matches!(entry, Entry::Plain(_))).count();
        let mut scan = Scan::new(&mut tree, &options);
        for entry in &entries {
            match entry {
                Entry::Plain(path) if path.as_os_str() == STDIN => {
                    let what = "standard input needs a name in the image: NAME=-";
                    return Err(Failure::new(Exit::Usage, what));
                }
                Entry::Plain(path) if plain == 1 && path.is_dir() => {
                    let graft = Graft { place: Vec::new(), path: path.clone() };
                    scan.graft(&graft)?;
                }
                Entry::Plain(path) => scan.argument(path)?,
                Entry::Graft(graft) => scan.graft(graft)?,
                Entry::Stdin(place) => stdin(&mut scan, place, self.overlay, stamp)?,
            }
        }
        remarks.extend(scan.remarks.iter().map(ToString::to_string));
        self.edits.apply(&mut tree, self.overlay, stamp, &mut remarks)?;
        Ok(Gathered { tree, remarks })
    }

    /// What there is before files of the host: the tree of an image, archives laid over it.
    fn base(&self, exclude: &Patterns, remarks: &mut Vec<String>) -> Result<Tree, Failure> {
        let mut tree = Tree::new(Meta { mode: 0o755, ..Meta::default() });
        if let Some((path, session)) = &self.import {
            let failed = |why: String| {
                Failure::new(Exit::Image, format!("{}: {why}", path.display()))
                    .advise("Nothing was written.")
            };
            let sectors = FileSectors::open(path).map_err(|e| failed(e.to_string()))?;
            let options = ReadOptions { session: *session, ..ReadOptions::default() };
            let name = path.display().to_string();
            let imported = Tree::import(Box::new(sectors), &name, &options)
                .map_err(|e| failed(e.to_string()))?;
            let flaws = imported.volume.findings.iter();
            remarks.extend(flaws.map(|flaw| format!("{name}: byte {}: {}", flaw.at, flaw.what)));
            let left_out = imported.left_out.iter();
            remarks
                .extend(left_out.map(|path| format!("{path}: left out, it is cut off in {name}")));
            tree = self.laid_over(&tree, imported.volume.tree, exclude, remarks)?;
        }
        for path in &self.tars {
            let unpacked = match path.as_os_str() == STDIN {
                true => Tree::of_tar(&Archive::Open(Arc::new(spool(&mut io::stdin().lock())?.0))),
                false => Tree::of_tar(&Archive::Path(path)),
            };
            let Unpacked { tree: over, left_out } = unpacked.map_err(|e| {
                Failure::new(Exit::Source, format!("{}: {e}", path.display()))
                    .advise("Nothing was written.")
            })?;
            remarks.extend(left_out);
            tree = self.laid_over(&tree, over, exclude, remarks)?;
        }
        Ok(tree)
    }

    /// A tree with another one over it, where that replaces nothing or may.
    fn laid_over(
        &self,
        tree: &Tree,
        mut over: Tree,
        exclude: &Patterns,
        remarks: &mut Vec<String>,
    ) -> Result<Tree, Failure> {
        for node in over.matching(exclude) {
            over.remove(node);
        }
        for path in tree.replaced_by(&over) {
            if !self.overlay {
                let what = format!("{path} is there already");
                return Err(Failure::new(Exit::Source, what)
                    .advise("--overlay lets what comes later replace it. Nothing was written."));
            }
            remarks.push(format!("{path} is replaced by what comes later"));
        }
        Ok(tree.merged(&over)?)
    }

    /// The patterns of what to leave out.
    fn patterns(&self) -> Result<Patterns, Failure> {
        let mut lines = Vec::new();
        for path in &self.exclude_from {
            let text = fs::read_to_string(path).map_err(|e| {
                Failure::new(Exit::Source, format!("{}: {e}", path.display()))
                    .advise("Nothing was written.")
            })?;
            lines.extend(text.lines().map(str::to_owned));
        }
        lines.extend(self.exclude.iter().cloned());
        lines.extend(self.include.iter().map(|pattern| format!("!{pattern}")));
        Patterns::new(&lines).map_err(|e| Failure::new(Exit::Usage, e.to_string()))
    }
}

/// What a path on the command line means. One that is there on the host as it stands is itself;
/// otherwise the first `=` without a backslash in front parts the path in the image from that on
/// the host.
fn entry(path: &Path, remarks: &mut Vec<String>) -> Entry {
    let Some((place, from)) = split(path) else { return Entry::Plain(path.to_owned()) };
    if path.symlink_metadata().is_ok() {
        let name = path.display();
        remarks.push(format!("{name} is taken for the file of that name; a graft begins with /"));
        return Entry::Plain(path.to_owned());
    }
    match from.as_os_str() == STDIN {
        true => Entry::Stdin(place),
        false => Entry::Graft(Graft { place, path: from }),
    }
}

/// The path in the image, with its backslashes taken away, and the path on the host.
#[cfg(unix)]
fn split(path: &Path) -> Option<(Vec<u8>, PathBuf)> {
    use std::os::unix::ffi::OsStrExt;
    let bytes = path.as_os_str().as_bytes();
    let (place, rest) = unescaped(bytes)?;
    Some((place, Path::new(std::ffi::OsStr::from_bytes(rest)).to_owned()))
}

#[cfg(not(unix))]
fn split(path: &Path) -> Option<(Vec<u8>, PathBuf)> {
    let (place, rest) = unescaped(path.to_str()?.as_bytes())?;
    Some((place, PathBuf::from(str::from_utf8(rest).ok()?)))
}

/// What stands before the first `=` without a backslash in front, with its backslashes taken away,
/// and what stands behind it.
pub(crate) fn unescaped(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut place = Vec::new();
    let mut at = 0;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'\\', Some(next @ (b'\\' | b'='))) => {
                place.push(*next);
                at += 2;
            }
            (b'=', _) => return Some((place, &bytes[at + 1..])),
            (other, _) => {
                place.push(*other);
                at += 1;
            }
        }
    }
}

/// Puts standard input into the tree. Its size has to be known before anything is laid out, so it
/// goes to a temporary file that has no name.
fn stdin(scan: &mut Scan<'_>, place: &[u8], overlay: bool, stamp: Time) -> Result<(), Failure> {
    let (file, size) = spool(&mut io::stdin().lock())?;
    let meta = |mode| Meta { mode, mtime: stamp, atime: stamp, ctime: stamp, ..Meta::default() };
    let cut = place.iter().rposition(|&b| b == b'/').map_or(0, |at| at + 1);
    let parent = scan.tree().make_directories(&place[..cut], meta(0o755))?;
    let name = &place[cut..];
    if let Some(old) = scan.tree().child(parent, name).filter(|_| overlay) {
        scan.replace(old);
    }
    scan.tree().add_open(parent, name, meta(0o644), Arc::new(file), size)?;
    Ok(())
}

/// All that comes from a stream, in a file without a name that ends with the program.
fn spool(from: &mut dyn Read) -> Result<(fs::File, u64), Failure> {
    let kept = tempfile::tempfile().and_then(|mut file| {
        let size = io::copy(from, &mut file)?;
        Ok((file, size))
    });
    kept.map_err(|e| {
        let folder = std::env::temp_dir();
        let what = format!("standard input cannot be kept in {}: {e}", folder.display());
        Failure::new(Exit::Source, what)
            .advise("It is kept there until the image is made; TMPDIR names another folder.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Entry {
        entry(Path::new(text), &mut Vec::new())
    }

    #[test]
    fn an_equals_sign_parts_image_and_host() {
        let graft = |place: &str, path: &str| {
            Entry::Graft(Graft { place: place.into(), path: path.into() })
        };
        assert_eq!(parsed("docs=/home/me"), graft("docs", "/home/me"));
        assert_eq!(parsed("/a/b=c=d"), graft("/a/b", "c=d"));
        assert_eq!(parsed(r"a\=b=c"), graft("a=b", "c"));
        assert_eq!(parsed(r"a\\=b"), graft(r"a\", "b"));
        assert_eq!(parsed(r"a\b=c\=d"), graft(r"a\b", r"c\=d"));
        assert_eq!(parsed("a/log=-"), Entry::Stdin(b"a/log".to_vec()));
        assert_eq!(parsed("plain"), Entry::Plain("plain".into()));
        assert_eq!(parsed(r"a\=b"), Entry::Plain(r"a\=b".into()));
    }

    #[test]
    fn a_file_of_that_name_is_meant_as_it_stands() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let path = dir.path().join("a=b");
        fs::write(&path, "x").expect("writable");
        let mut remarks = Vec::new();
        assert_eq!(entry(&path, &mut remarks), Entry::Plain(path.clone()));
        assert_eq!(remarks.len(), 1);
    }

    #[test]
    fn a_stream_is_kept_whole() {
        let (file, size) = spool(&mut &[7u8; 100_000][..]).expect("room");
        assert_eq!((file.metadata().expect("open").len(), size), (100_000, 100_000));
    }
}
