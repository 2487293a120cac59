//! What the host says about files, and their bytes at a position: the same on each system.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;

use super::time::Time;
use super::tree::{Kind, Meta};

#[cfg(unix)]
pub(super) fn name_bytes(name: OsString) -> Vec<u8> {
    std::os::unix::ffi::OsStringExt::into_vec(name)
}

#[cfg(not(unix))]
pub(super) fn name_bytes(name: OsString) -> Vec<u8> {
    name.to_string_lossy().into_owned().into_bytes()
}

/// Device and number of the file.
#[cfg(unix)]
pub(super) fn identity(found: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (found.dev(), found.ino())
}

/// Only Unix has stable numbers for files in the standard library.
#[cfg(not(unix))]
pub(super) fn identity(_found: &Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(unix)]
pub(super) fn link_count(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(found)
}

#[cfg(not(unix))]
pub(super) fn link_count(_found: &Metadata) -> u64 {
    1
}

#[cfg(unix)]
pub(super) fn modified(found: &Metadata) -> Time {
    use std::os::unix::fs::MetadataExt;
    Time { secs: found.mtime(), nanos: found.mtime_nsec() as u32 }
}

#[cfg(not(unix))]
pub(super) fn modified(found: &Metadata) -> Time {
    let since = found.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(Time::default(), |d| Time { secs: d.as_secs() as i64, nanos: d.subsec_nanos() })
}

#[cfg(unix)]
pub(super) fn meta(found: &Metadata) -> Meta {
    use std::os::unix::fs::MetadataExt;
    Meta {
        mode: found.mode() & 0o7777,
        uid: found.uid(),
        gid: found.gid(),
        mtime: modified(found),
        atime: Time { secs: found.atime(), nanos: found.atime_nsec() as u32 },
        ctime: Time { secs: found.ctime(), nanos: found.ctime_nsec() as u32 },
    }
}

#[cfg(not(unix))]
pub(super) fn meta(found: &Metadata) -> Meta {
    let time = modified(found);
    let mode = match (found.is_dir(), found.permissions().readonly()) {
        (true, _) => 0o755,
        (false, true) => 0o444,
        (false, false) => 0o644,
    };
    Meta { mode, uid: 0, gid: 0, mtime: time, atime: time, ctime: time }
}

#[cfg(unix)]
pub(super) fn special(found: &Metadata) -> Kind<'static> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let (kind, device) = (found.file_type(), found.rdev());
    let major = nix::sys::stat::major(device) as u32;
    let minor = nix::sys::stat::minor(device) as u32;
    if kind.is_block_device() {
        Kind::BlockDevice { major, minor }
    } else if kind.is_char_device() {
        Kind::CharDevice { major, minor }
    } else if kind.is_fifo() {
        Kind::Fifo
    } else {
        Kind::Socket
    }
}

#[cfg(not(unix))]
pub(super) fn special(_found: &Metadata) -> Kind<'static> {
    Kind::Fifo
}

/// Reads some bytes of a file from `at` on; none at its end.
#[cfg(unix)]
pub(super) fn read_at(file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, room, at)
}

#[cfg(windows)]
pub(super) fn read_at(file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, room, at)
}

/// The parts of a file that are no holes, as far as the host tells: first byte and bytes. After so
/// many parts that nobody could use them, the rest is one.
#[cfg(target_os = "linux")]
pub(super) fn data_of(file: &File, size: u64) -> Vec<(u64, u64)> {
    use nix::errno::Errno;
    use nix::unistd::{Whence, lseek};
    const PARTS_MAX: usize = 1 << 20;
    let mut parts = Vec::new();
    let mut at = 0;
    while at < size {
        let data = match lseek(file, at as i64, Whence::SeekData) {
            Ok(data) if parts.len() < PARTS_MAX => data as u64,
            // No data up to the end.
            Err(Errno::ENXIO) => break,
            // A file system that cannot tell.
            _ => at,
        };
        let end = match lseek(file, data as i64, Whence::SeekHole) {
            Ok(end) if parts.len() < PARTS_MAX && end as u64 > data => (end as u64).min(size),
            _ => size,
        };
        if data < end {
            parts.push((data, end - data));
        }
        at = end.max(at + 1);
    }
    parts
}

#[cfg(not(target_os = "linux"))]
pub(super) fn data_of(_file: &File, size: u64) -> Vec<(u64, u64)> {
    vec![(0, size)]
}

/// Whether a file takes less room than it has bytes: it may have holes.
#[cfg(unix)]
pub(super) fn may_be_sparse(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::blocks(found).saturating_mul(512) < found.len()
}

#[cfg(not(unix))]
pub(super) fn may_be_sparse(_found: &Metadata) -> bool {
    false
}

/// Fills `room` with the bytes of a file from `at` on.
pub(super) fn read_exact_at(file: &File, mut room: &mut [u8], mut at: u64) -> io::Result<()> {
    while !room.is_empty() {
        match read_at(file, room, at) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                room = &mut room[count..];
                at += count as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Writes bytes to a file from `at` on, whatever other threads write elsewhere.
#[cfg(unix)]
pub(super) fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, at)
}

#[cfg(windows)]
pub(super) fn write_all_at(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, at)?;
        bytes = &bytes[count..];
        at += count as u64;
    }
    Ok(())
}

/// These bytes as a path.
#[cfg(unix)]
pub(super) fn bytes_path(bytes: &[u8]) -> &Path {
    Path::new(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes))
}

#[cfg(not(unix))]
pub(super) fn bytes_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).replace(['\\', ':'], "_"))
}

/// Makes a symbolic link.
#[cfg(unix)]
pub(super) fn symlink(target: &[u8], path: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(bytes_path(target), path)
}

#[cfg(not(unix))]
pub(super) fn symlink(_target: &[u8], _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Makes a device, pipe or socket.
#[cfg(unix)]
pub(super) fn make_special(path: &Path, kind: Kind<'_>) -> io::Result<()> {
    use nix::sys::stat::{Mode, SFlag, makedev, mknod};
    let number = |major: u32, minor: u32| makedev(major.into(), minor.into());
    let (kind, device) = match kind {
        Kind::BlockDevice { major, minor } => (SFlag::S_IFBLK, number(major, minor)),
        Kind::CharDevice { major, minor } => (SFlag::S_IFCHR, number(major, minor)),
        Kind::Fifo => (SFlag::S_IFIFO, 0),
        Kind::Socket => (SFlag::S_IFSOCK, 0),
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    Ok(mknod(path, kind, Mode::S_IRUSR | Mode::S_IWUSR, device)?)
}

#[cfg(not(unix))]
pub(super) fn make_special(_path: &Path, _kind: Kind<'_>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Sets owner and group, of a link itself if it is one.
#[cfg(unix)]
pub(super) fn set_owners(path: &Path, meta: &Meta) -> io::Result<()> {
    std::os::unix::fs::lchown(path, Some(meta.uid), Some(meta.gid))
}

#[cfg(not(unix))]
pub(super) fn set_owners(_path: &Path, _meta: &Meta) -> io::Result<()> {
    Ok(())
}

/// Sets the permission bits.
#[cfg(unix)]
pub(super) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(super) fn set_mode(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Sets the times of last access and change, of a link itself if it is one.
#[cfg(unix)]
pub(super) fn set_times(path: &Path, meta: &Meta) -> io::Result<()> {
    use nix::fcntl::AT_FDCWD;
    use nix::sys::stat::{UtimensatFlags, utimensat};
    use nix::sys::time::TimeSpec;
    let spec = |time: Time| TimeSpec::new(time.secs, i64::from(time.nanos));
    let (access, change) = (spec(meta.atime), spec(meta.mtime));
    Ok(utimensat(AT_FDCWD, path, &access, &change, UtimensatFlags::NoFollowSymlink)?)
}

#[cfg(not(unix))]
pub(super) fn set_times(_path: &Path, _meta: &Meta) -> io::Result<()> {
    Ok(())
}
