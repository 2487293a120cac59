//! A program that is to be run with drives in sight: where it is, whether it can be reached, and
//! the library that reaches it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failure};

/// The file name of the library.
const LIBRARY: &str = "libkiln_preload.so";

/// How deep scripts are followed to what runs them.
const DEPTH: usize = 4;

/// The program of this name, as a shell finds it.
pub(super) fn find(name: &OsStr) -> Result<PathBuf, Failure> {
    let shown = name.to_string_lossy();
    if name.as_bytes().contains(&b'/') {
        let path = PathBuf::from(name);
        return match fs::metadata(&path) {
            Ok(found) if found.is_file() => Ok(path),
            Ok(_) => Err(Failure::new(Exit::Usage, format!("{shown} is no program"))),
            Err(error) => Err(Failure::new(Exit::Usage, format!("cannot run {shown}: {error}"))),
        };
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let runs = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0)
    };
    let found = std::env::split_paths(&folders).map(|folder| folder.join(name)).find(runs);
    found.ok_or_else(|| {
        Failure::new(Exit::Usage, format!("there is no program {shown} in PATH"))
            .advise("Install it, or name its path.")
    })
}

/// Refuses programs that the library cannot get into: statically linked ones, those that run as
/// somebody else, those for another kind of machine.
pub(super) fn judge(program: &Path) -> Result<(), Failure> {
    judge_at(program, DEPTH)
}

fn judge_at(program: &Path, depth: usize) -> Result<(), Failure> {
    let shown = program.display();
    let cannot =
        |error: std::io::Error| Failure::new(Exit::Usage, format!("cannot run {shown}: {error}"));
    let unreachable = |why: &str| {
        Err(Failure::new(Exit::Usage, format!("{shown} cannot be lent drives: {why}"))
            .advise("Lend them by `kiln vdrive serve` and a kernel or program that speaks iSCSI."))
    };
    let found = fs::metadata(program).map_err(cannot)?;
    let mine = fs::metadata("/proc/self").map_err(cannot)?;
    let changes = |bit: u32, own: u32, its: u32| found.mode() & bit != 0 && own != its;
    if changes(0o4000, mine.uid(), found.uid()) || changes(0o2000, mine.gid(), found.gid()) {
        return unreachable("it runs as another user (set-user-ID or set-group-ID)");
    }
    let mut head = Vec::new();
    let file = File::open(program).map_err(cannot)?;
    file.take(64 * 1024).read_to_end(&mut head).map_err(cannot)?;
    if let Some(line) = head.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let words = line.split(|byte| byte.is_ascii_whitespace());
        let interpreter = words.into_iter().find(|word| !word.is_empty()).unwrap_or_default();
        let interpreter = Path::new(OsStr::from_bytes(interpreter));
        return if depth == 0 { Ok(()) } else { judge_at(interpreter, depth - 1) };
    }
    match linkage(&head) {
        Linkage::Dynamic | Linkage::NoProgram => Ok(()),
        Linkage::Static => unreachable("it is statically linked"),
        Linkage::OtherMachine => unreachable("it is for another kind of machine"),
    }
}

/// How a program is linked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Linkage {
    Dynamic,
    Static,
    OtherMachine,
    /// Not in the form of programs here: the system says what it thinks of it.
    NoProgram,
}

/// Looks at the head of an ELF file for the loader that it asks for.
fn linkage(head: &[u8]) -> Linkage {
    let number = |at: usize, len: usize| -> Option<u64> {
        let bytes = head.get(at..at.checked_add(len)?)?;
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    if head.get(..4) != Some(b"\x7fELF") {
        return Linkage::NoProgram;
    }
    let class = if cfg!(target_pointer_width = "64") { 2 } else { 1 };
    let order = if cfg!(target_endian = "little") { 1 } else { 2 };
    let machine = match std::env::consts::ARCH {
        "x86_64" => Some(62),
        "aarch64" => Some(183),
        "riscv64" => Some(243),
        _ => None,
    };
    if head.get(4..6) != Some(&[class, order]) || class != 2 || order != 1 {
        return if class == 2 && order == 1 { Linkage::OtherMachine } else { Linkage::Dynamic };
    }
    if machine.is_some() && number(18, 2) != machine {
        return Linkage::OtherMachine;
    }
    let table = (number(32, 8), number(54, 2), number(56, 2));
    let (Some(start), Some(size), Some(count)) = table else { return Linkage::NoProgram };
    /// `PT_INTERP`: the loader's name.
    const LOADER: u64 = 3;
    let entry = |i: u64| usize::try_from(start.checked_add(size.checked_mul(i)?)?).ok();
    let loader = (0..count).filter_map(entry).any(|at| number(at, 4) == Some(LOADER));
    if loader { Linkage::Dynamic } else { Linkage::Static }
}

/// The library that shows drives to a program: what KILN_PRELOAD names, else where it is built or
/// installed together with this program.
pub(super) fn library() -> Result<PathBuf, Failure> {
    if let Some(named) = std::env::var_os("KILN_PRELOAD").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(named);
        return fs::canonicalize(&path).map_err(|error| {
            let what = format!("KILN_PRELOAD names {}: {error}", path.display());
            Failure::new(Exit::Usage, what)
        });
    }
    let own = std::env::current_exe().and_then(fs::canonicalize).map_err(|error| {
        Failure::new(Exit::Internal, format!("cannot find this program itself: {error}"))
    })?;
    let beside = own.parent().unwrap_or(Path::new("/"));
    let places = [beside.join(LIBRARY), beside.join("../lib/kiln").join(LIBRARY)];
    let found = places.iter().find_map(|place| fs::canonicalize(place).ok());
    found.ok_or_else(|| {
        Failure::new(Exit::Internal, format!("{LIBRARY} is not beside kiln"))
            .advise("Build it: cargo build -p kiln-preload, with --release if kiln is.")
            .advise("Or name it in the variable KILN_PRELOAD.")
    })
}

/// What LD_PRELOAD has to be: what it was, and the library. Where the library's path has a
/// character that separates, by a link to it in `folder`.
pub(super) fn preload(library: &Path, folder: &Path) -> Result<OsString, Failure> {
    let mut path = library.to_owned();
    if path.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b' ' | b':' | b'\t')) {
        path = folder.join(LIBRARY);
        std::os::unix::fs::symlink(library, &path).map_err(|error| {
            Failure::new(Exit::Internal, format!("cannot link {}: {error}", path.display()))
        })?;
    }
    let mut all = std::env::var_os("LD_PRELOAD").unwrap_or_default();
    if !all.is_empty() {
        all.push(":");
    }
    all.push(path);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dynamic_programs_are_told_from_static_ones() {
        let own = fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(linkage(&own[..4096]), Linkage::Dynamic);
        let mut without = own[..4096].to_vec();
        // The count of program headers (ELF-64, e_phnum).
        without[56..58].copy_from_slice(&[0, 0]);
        assert_eq!(linkage(&without), Linkage::Static);
        let mut other = own[..4096].to_vec();
        other[4] = 1;
        assert_eq!(linkage(&other), Linkage::OtherMachine);
        assert_eq!(linkage(b"MZ"), Linkage::NoProgram);
        for cut in 0..64 {
            assert_ne!(linkage(&own[..cut]), Linkage::Dynamic, "{cut}");
        }
    }

    #[test]
    fn who_runs_as_another_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        fs::write(&path, "#!/no/such/interpreter -x\n").unwrap();
        let failure = judge(&path).unwrap_err();
        assert!(failure.what.contains("/no/such/interpreter"), "{failure}");
        fs::write(&path, "#! /bin/sh\n").unwrap();
        assert_eq!(judge(&path), Ok(()));
        assert_eq!(find(OsStr::new("no-such-program-anywhere")).unwrap_err().exit, Exit::Usage);
    }
}
