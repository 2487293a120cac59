//! The source folder of a scenario: made from what the file says, the same bytes and times each
//! time, and compared with what came back from a disc.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use vdrive::rng::Seed;

use super::file::File;

/// The time that every file gets: 2026-01-01T00:00:00Z.
pub(super) const STAMP: u64 = 1_767_225_600;

/// A folder that is gone with the scenario.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    seed: u64,
}

impl Folder {
    /// An empty folder at `root`.
    pub(super) fn new(root: PathBuf, seed: u64) -> io::Result<Folder> {
        fs::create_dir_all(&root)?;
        Ok(Folder { root, seed })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.root
    }

    /// Makes these files, or replaces them.
    pub(super) fn add(&self, files: &BTreeMap<String, File>) -> io::Result<()> {
        for (name, file) in files {
            let path = self.root.join(name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            self.make(&path, name, file)?;
        }
        self.settle()
    }

    fn make(&self, path: &Path, name: &str, file: &File) -> io::Result<()> {
        match file {
            File::Folder => fs::create_dir_all(path),
            File::Text(text) => fs::write(path, text),
            File::Bytes(bytes) => self.noise(path, name, *bytes),
            File::Sparse(bytes) => fs::File::create(path)?.set_len(*bytes),
            File::Link(target) => link(target, path),
            File::Hard(other) => fs::hard_link(self.root.join(other), path),
        }
    }

    /// Bytes that look random and depend on the seed and the name.
    fn noise(&self, path: &Path, name: &str, mut bytes: u64) -> io::Result<()> {
        let mut rng = Seed(self.seed).stream(name);
        let mut out = io::BufWriter::new(fs::File::create(path)?);
        while bytes > 0 {
            let eight = rng.next_u64().to_le_bytes();
            let now = bytes.min(8);
            out.write_all(&eight[..now as usize])?;
            bytes -= now;
        }
        out.flush()
    }

    /// Removes a file or a folder.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let path = self.root.join(name);
        let gone = if path.symlink_metadata()?.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        gone.and_then(|()| self.settle())
    }

    /// Makes a file another one: one byte longer, and changed later.
    pub(super) fn change(&self, name: &str) -> io::Result<()> {
        let path = self.root.join(name);
        fs::OpenOptions::new().append(true).open(&path)?.write_all(b"!")?;
        set_modified(&path, STAMP + 60)
    }

    /// Gives everything the same time of last change, deepest first.
    fn settle(&self) -> io::Result<()> {
        let mut todo = vec![self.root.clone()];
        let mut all = Vec::new();
        while let Some(path) = todo.pop() {
            let kind = path.symlink_metadata()?.file_type();
            if kind.is_dir() {
                for entry in fs::read_dir(&path)? {
                    todo.push(entry?.path());
                }
            }
            all.push(path);
        }
        all.iter().rev().try_for_each(|path| set_modified(path, STAMP))
    }
}

/// Sets the time of last change of a file, or of a link itself.
#[cfg(unix)]
fn set_modified(path: &Path, secs: u64) -> io::Result<()> {
    use nix::fcntl::AT_FDCWD;
    use nix::sys::stat::{UtimensatFlags, utimensat};
    use nix::sys::time::TimeSpec;
    let time = TimeSpec::from_duration(Duration::from_secs(secs));
    let done = utimensat(AT_FDCWD, path, &time, &time, UtimensatFlags::NoFollowSymlink);
    done.map_err(io::Error::from)
}

#[cfg(not(unix))]
fn set_modified(path: &Path, secs: u64) -> io::Result<()> {
    fs::File::open(path)?.set_modified(UNIX_EPOCH + Duration::from_secs(secs))
}

#[cfg(unix)]
fn link(target: &str, path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Every difference between two folders, one line each. `also` may be in the second only.
pub(super) fn differences(want: &Path, got: &Path, also: &[String]) -> io::Result<Vec<String>> {
    let (wanted, found) = (listing(want)?, listing(got)?);
    let mut lines = Vec::new();
    for (name, entry) in &wanted {
        match found.get(name) {
            None => lines.push(format!("{name} is missing")),
            Some(other) if other != entry => {
                lines.push(format!("{name} is {other:?} and not {entry:?}"));
            }
            Some(_) if matches!(entry, Entry::File { .. }) => {
                if !same_bytes(&want.join(name), &got.join(name))? {
                    lines.push(format!("{name} has other bytes"));
                }
            }
            Some(_) => {}
        }
    }
    let extra = found.keys().filter(|name| !wanted.contains_key(*name) && !also.contains(name));
    lines.extend(extra.map(|name| format!("{name} is there and should not be")));
    let absent = also.iter().filter(|name| !found.contains_key(*name));
    lines.extend(absent.map(|name| format!("{name} is missing")));
    Ok(lines)
}

/// What a path is.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Folder,
    File { bytes: u64, mode: u32, changed: Option<u64> },
    Link(PathBuf),
}

/// Everything below a folder, by path.
fn listing(root: &Path) -> io::Result<BTreeMap<String, Entry>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![root.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let meta = path.symlink_metadata()?;
            let what = if meta.is_dir() {
                todo.push(path.clone());
                Entry::Folder
            } else if meta.is_symlink() {
                Entry::Link(fs::read_link(&path)?)
            } else {
                let since = meta.modified()?.duration_since(UNIX_EPOCH).ok();
                let changed = since.map(|d| d.as_secs());
                Entry::File { bytes: meta.len(), mode: mode(&meta), changed }
            };
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            found.insert(name, what);
        }
    }
    Ok(found)
}

#[cfg(unix)]
fn mode(meta: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0
}

/// Whether two files hold the same; read in pieces, for they may be large.
fn same_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    use std::io::Read;
    let (mut one, mut other) = (fs::File::open(one)?, fs::File::open(other)?);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    loop {
        (&mut one).take(1 << 20).read_to_end(&mut a)?;
        (&mut other).take(1 << 20).read_to_end(&mut b)?;
        if a != b {
            return Ok(false);
        }
        if a.is_empty() {
            return Ok(true);
        }
        a.clear();
        b.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_files_and_differences_are_seen() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let make = |name: &str, seed| {
            let folder = Folder::new(dir.path().join(name), seed).expect("a new folder");
            let files = BTreeMap::from([
                ("a/noise".to_owned(), File::Bytes(100_003)),
                ("text".to_owned(), File::Text("hello".to_owned())),
                ("link".to_owned(), File::Link("text".to_owned())),
            ]);
            folder.add(&files).expect("writable");
            folder
        };
        let (one, same, other) = (make("one", 1), make("same", 1), make("other", 2));
        let compare = |a: &Folder, b: &Folder| {
            differences(a.path(), b.path(), &[]).expect("both are readable")
        };
        assert_eq!(compare(&one, &same), Vec::<String>::new());
        assert_eq!(compare(&one, &other), ["a/noise has other bytes"]);
        same.change("text").expect("writable");
        same.remove("link").expect("is there");
        let lines = compare(&one, &same);
        assert_eq!(lines.len(), 2, "{lines:?}");
        let extra = compare(&same, &one);
        assert!(extra.contains(&"link is there and should not be".to_owned()), "{extra:?}");
    }
}
