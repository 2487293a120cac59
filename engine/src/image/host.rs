//! What the host says about files, and their bytes at a position: the same on each system.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;

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

#[cfg(not(unix))]
pub(super) fn read_at(mut file: &File, room: &mut [u8], at: u64) -> io::Result<usize> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(at))?;
    file.read(room)
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
