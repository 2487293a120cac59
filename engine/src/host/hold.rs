//! Keeping others away from a drive that is about to be written, and others' discs from us.
//!
//! A drive has two nodes, block and generic, and a claim on one does not show on the other: both
//! are claimed.

use std::fs::{self, File};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::stat;

use super::find::{Known, Numbers};
use super::{HostClock, OpenError};
use crate::device::Clock;

/// Programs that look at every new disc claim a drive for a moment: how often and in which rhythm
/// a claim is tried again.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Device numbers of the node at `path`.
pub(super) fn numbers_of(path: &Path) -> Option<Numbers> {
    let rdev = fs::metadata(path).ok()?.rdev();
    Some((stat::major(rdev), stat::minor(rdev)))
}

/// The drive among `drives` that the node with these numbers belongs to.
pub(super) fn drive_of(drives: &[Known], node: Numbers) -> Option<&Known> {
    drives.iter().find(|known| known.block == Some(node) || known.generic == Some(node))
}

/// Opens `path` with O_NONBLOCK and `flags`, for writing or, where the kernel refuses that, for
/// reading only.
pub(super) fn open(path: &Path, flags: i32) -> Result<File, Errno> {
    use std::os::unix::fs::OpenOptionsExt;
    let attempt = |write: bool| {
        fs::OpenOptions::new()
            .read(true)
            .write(write)
            .custom_flags(libc::O_NONBLOCK | flags)
            .open(path)
            .map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
    };
    match attempt(true) {
        Err(Errno::EROFS | Errno::EACCES | Errno::EPERM) => attempt(false),
        result => result,
    }
}

/// Opens `path` so that no other program can, waiting a little for one that is about to let go.
fn claim(path: &Path) -> Result<File, Errno> {
    let clock = HostClock::new();
    let mut left = TRIES;
    loop {
        match open(path, libc::O_EXCL) {
            Err(Errno::EBUSY) if left > 0 => left -= 1,
            result => return result,
        }
        clock.wait_until(clock.now() + PAUSE);
    }
}

/// Opens the node for this program alone and claims its sibling. The sibling comes second; it is
/// to be kept as long as the first.
pub(super) fn claim_both(
    path: &Path,
    named: &Path,
    known: Option<&Known>,
) -> Result<(File, Option<File>), OpenError> {
    let own = numbers_of(path);
    let block = known.map_or(own, |known| known.block);
    if let Some(at) = block.and_then(|block| mounted_at(block, path)) {
        return Err(OpenError::Mounted { node: named.to_owned(), at });
    }
    let in_use = |of: Option<Numbers>| OpenError::InUse {
        node: named.to_owned(),
        by: of.map(|of| users_of(Path::new("/proc"), of)).unwrap_or_default(),
    };
    let file = match claim(path) {
        Err(Errno::EBUSY) => return Err(in_use(own)),
        result => result.map_err(|errno| failed(named, errno))?,
    };
    let sibling = known.and_then(|known| {
        let drive = &known.drive;
        let generic = drive.generic.as_ref()?;
        if known.generic == own { known.block.map(|_| &drive.node) } else { Some(generic) }
    });
    let Some(sibling) = sibling else { return Ok((file, None)) };
    match claim(sibling) {
        Err(Errno::EBUSY) => Err(in_use(numbers_of(sibling))),
        // No node, or none for this user: then nobody like this user comes in that way either.
        result => Ok((file, result.ok())),
    }
}

/// What a failed `open` of a node means.
pub(super) fn failed(named: &Path, errno: Errno) -> OpenError {
    let node = named.to_owned();
    match errno {
        Errno::ENOENT | Errno::ENXIO | Errno::ENODEV => OpenError::Missing { node },
        Errno::EACCES | Errno::EPERM => OpenError::Denied { node },
        Errno::EBUSY => OpenError::InUse { node, by: Vec::new() },
        other => OpenError::Host { node, detail: other.desc().to_owned() },
    }
}

fn mounted_at(block: Numbers, path: &Path) -> Option<PathBuf> {
    mount_point(&fs::read("/proc/self/mountinfo").ok()?, block, path)
}

/// Where `table`, in the form of `/proc/self/mountinfo`, has the device mounted: by its numbers,
/// or by its path as the source of a file system that has numbers of its own.
fn mount_point(table: &[u8], block: Numbers, path: &Path) -> Option<PathBuf> {
    let device = format!("{}:{}", block.0, block.1);
    table.split(|&byte| byte == b'\n').find_map(|line| {
        let mut fields = line.split(|&byte| byte == b' ');
        let numbers = fields.nth(2)?;
        let at = fields.nth(1)?;
        let mut source = fields.skip_while(|&field| field != b"-").skip(2);
        let same = numbers == device.as_bytes()
            || source.next().is_some_and(|source| unescaped(source) == path);
        same.then(|| unescaped(at))
    })
}

/// A field of a mount table: blank, tab, newline and backslash are written in octal (`\040`).
fn unescaped(field: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        let octal = match tail {
            [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] if *first == b'\\' => {
                Some((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'))
            }
            _ => None,
        };
        out.push(octal.unwrap_or(*first));
        rest = if octal.is_some() { &tail[3..] } else { tail };
    }
    PathBuf::from(std::ffi::OsString::from_vec(out))
}

/// Programs that have the device open, as far as this user may see, as `name (pid N)`.
fn users_of(proc: &Path, device: Numbers) -> Vec<String> {
    let Ok(processes) = fs::read_dir(proc) else { return Vec::new() };
    let own = std::process::id();
    let mut users: Vec<(u32, String)> = processes
        .filter_map(|process| {
            let process = process.ok()?;
            let pid = process.file_name().to_str()?.parse().ok().filter(|&pid| pid != own)?;
            let uses = fs::read_dir(process.path().join("fd"))
                .ok()?
                .any(|fd| fd.is_ok_and(|fd| numbers_of(&fd.path()) == Some(device)));
            let name = fs::read(process.path().join("comm")).ok().filter(|_| uses)?;
            Some((pid, String::from_utf8_lossy(&name).trim().to_owned()))
        })
        .collect();
    users.sort();
    users.into_iter().map(|(pid, name)| format!("{name} (pid {pid})")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::find;
    use super::*;

    const TABLE: &[u8] = b"\
22 28 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:12 - proc proc rw\n\
28 0 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
91 28 11:0 / /media/My\\040Disc\\134x ro,nosuid,nodev,relatime shared:50 - iso9660 /dev/sr0 ro\n\
92 28 0:55 / /mnt/fuse ro,relatime - fuse.fuseiso /dev/sr1 ro,user_id=0\n\
93 28 11:12 / /mnt ro\n\
garbage\n";

    #[test]
    fn mounted_discs_are_found_by_number_and_by_source() {
        let at = |numbers, path: &str| mount_point(TABLE, numbers, Path::new(path));
        assert_eq!(at((11, 0), "/dev/other"), Some("/media/My Disc\\x".into()));
        assert_eq!(at((11, 1), "/dev/sr1"), Some("/mnt/fuse".into()));
        assert_eq!(at((11, 12), "/dev/sr12"), Some("/mnt".into()));
        assert_eq!(at((11, 2), "/dev/sr2"), None);
    }

    #[test]
    fn a_node_is_known_by_its_numbers() {
        let root = find::tests::machine();
        let drives = find::known(root.path(), Path::new("/dev"));
        let node = |numbers| Some(drive_of(&drives, numbers)?.drive.node.to_str()?.to_owned());
        assert_eq!(node((21, 3)).as_deref(), Some("/dev/sr2"));
        assert_eq!(node((11, 2)).as_deref(), Some("/dev/sr2"));
        assert_eq!(node((8, 0)), None);
    }

    #[test]
    fn programs_that_hold_a_node_are_named() {
        let null = numbers_of(Path::new("/dev/null")).expect("exists everywhere");
        let root = tempfile::tempdir().expect("temporary directory");
        let fds = root.path().join("4711/fd");
        fs::create_dir_all(&fds).expect("directory");
        fs::write(root.path().join("4711/comm"), "brasero\n").expect("name");
        std::os::unix::fs::symlink("/dev/null", fds.join("3")).expect("link");
        assert_eq!(users_of(root.path(), null), ["brasero (pid 4711)"]);
        assert_eq!(users_of(root.path(), (11, 0)), [""; 0]);
    }
}
