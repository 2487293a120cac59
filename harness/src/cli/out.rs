//! Where words go: data to standard output, everything else to standard error, results to files
//! that appear whole or not at all. A reader that has gone away (`| head`) ends the output quietly.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::args::OutArgs;
use crate::exit::{Exit, Failure};

/// Prints a line of data. `false` once nobody reads any more.
pub(super) fn data(line: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    quiet(out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n")))
}

/// Prints text as it is.
pub(super) fn text(text: &str) -> Result<bool, Failure> {
    quiet(io::stdout().lock().write_all(text.as_bytes()))
}

/// Puts bytes out as they are. `false` once nobody reads any more.
pub(super) fn bytes(bytes: &[u8]) -> Result<bool, Failure> {
    quiet(io::stdout().lock().write_all(bytes))
}

/// Tells a person something that is no data.
pub(super) fn note(line: &str) {
    // Nobody is left to be told if standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

fn quiet(result: io::Result<()>) -> Result<bool, Failure> {
    match result {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Failure::new(Exit::Output, format!("cannot write to standard output: {e}"))),
    }
}

/// A result on its way to its place: a temporary file beside it, or standard output.
#[derive(Debug)]
pub(super) struct Output {
    to: Target,
}

#[derive(Debug)]
enum Target {
    Stdout,
    File { temp: NamedTempFile, path: PathBuf, force: bool },
}

impl Output {
    /// Makes sure that there is a place to write to, before any work is done.
    pub(super) fn open(args: &OutArgs) -> Result<Output, Failure> {
        let path = &args.output;
        if path == Path::new("-") {
            return Ok(Output { to: Target::Stdout });
        }
        if path.is_dir() {
            return Err(failed(path, "it is a folder").advise("name a file in it"));
        }
        if path.exists() && !args.force {
            return Err(exists(path));
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(failed(path, &format!("there is no folder {}", folder.display())));
        }
        let temp = tempfile::Builder::new()
            .prefix(".kiln-")
            .tempfile_in(folder)
            .map_err(|e| failed(path, &e.to_string()))?;
        Ok(Output { to: Target::File { temp, path: path.clone(), force: args.force } })
    }

    /// Appends bytes. `false` once nobody reads any more.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        match &mut self.to {
            Target::Stdout => quiet(io::stdout().lock().write_all(bytes)),
            Target::File { temp, path, .. } => {
                temp.write_all(bytes).map_err(|e| failed(path, &e.to_string()))?;
                Ok(true)
            }
        }
    }

    /// The regular file that is being written to, if it is one.
    pub(super) fn file(&self) -> Option<&std::fs::File> {
        match &self.to {
            Target::Stdout => None,
            Target::File { temp, .. } => Some(temp.as_file()),
        }
    }

    /// The file that is being written to; `-` for standard output.
    pub(super) fn path(&self) -> &Path {
        match &self.to {
            Target::Stdout => Path::new("-"),
            Target::File { temp, .. } => temp.path(),
        }
    }

    /// Puts the result in its place.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Target::File { temp, path, force } = self.to else {
            return quiet(io::stdout().lock().flush()).map(drop);
        };
        readable(&temp).map_err(|e| failed(&path, &e.to_string()))?;
        let placed = if force { temp.persist(&path) } else { temp.persist_noclobber(&path) };
        match placed {
            Ok(_) => Ok(()),
            Err(e) if e.error.kind() == ErrorKind::AlreadyExists => Err(exists(&path)),
            Err(e) => Err(failed(&path, &e.error.to_string())),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            Target::Stdout => io::stdout().write(bytes),
            Target::File { temp, .. } => temp.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            Target::Stdout => io::stdout().flush(),
            Target::File { temp, .. } => temp.flush(),
        }
    }
}

/// Temporary files are made for their owner only; a result may be read by whom the user lets.
#[cfg(unix)]
fn readable(temp: &NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    use nix::sys::stat::{Mode, umask};
    let mask = umask(Mode::from_bits_truncate(0o077));
    umask(mask);
    let mode = 0o666 & !mask.bits();
    temp.as_file().set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn readable(_: &NamedTempFile) -> io::Result<()> {
    Ok(())
}

fn exists(path: &Path) -> Failure {
    failed(path, "it exists").advise("nothing was changed; --force replaces it")
}

fn failed(path: &Path, why: &str) -> Failure {
    Failure::new(Exit::Output, format!("cannot write {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(output: PathBuf, force: bool) -> OutArgs {
        OutArgs { output, force }
    }

    #[test]
    fn results_appear_whole_or_not_at_all() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let path = dir.path().join("out");
        let mut half = Output::open(&args(path.clone(), false)).expect("the folder is writable");
        half.put(b"half").expect("there is space");
        drop(half);
        assert_eq!(std::fs::read_dir(dir.path()).expect("is there").count(), 0);

        let mut whole = Output::open(&args(path.clone(), false)).expect("the folder is writable");
        whole.put(b"whole").expect("there is space");
        whole.finish().expect("nothing is in the way");
        assert_eq!(std::fs::read(&path).expect("was written"), b"whole");

        let again = Output::open(&args(path.clone(), false)).expect_err("it exists");
        assert_eq!(again.exit, Exit::Output);
        let mut forced = Output::open(&args(path.clone(), true)).expect("--force");
        forced.put(b"new").expect("there is space");
        forced.finish().expect("--force");
        assert_eq!(std::fs::read(&path).expect("was written"), b"new");
    }

    #[test]
    fn a_folder_is_no_place() {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let failure = Output::open(&args(dir.path().to_owned(), true)).expect_err("a folder");
        assert!(failure.what.ends_with("it is a folder"), "{failure}");
    }
}
