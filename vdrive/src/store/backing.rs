//! The bytes under a store: a file, or memory that behaves like a sparse one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
#[cfg(unix)]
use std::os::unix::fs::FileExt;
#[cfg(windows)]
use std::os::windows::fs::FileExt;
use std::sync::Arc;

/// Memory is kept in pieces of this size; pieces that were never written read zero.
pub(super) const CHUNK: usize = 64 * 1024;

/// Where the bytes are.
#[derive(Debug)]
pub(super) enum Backing {
    /// A file, locked.
    File(File),
    /// Memory.
    Memory(Sparse),
}

/// Sparse bytes in memory. Clones share pieces until one of them writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Sparse {
    chunks: BTreeMap<u64, Arc<[u8; CHUNK]>>,
    end: u64,
}

impl Backing {
    /// Bytes up to the last one ever written.
    pub(super) fn len(&self) -> io::Result<u64> {
        match self {
            Backing::File(file) => Ok(file.metadata()?.len()),
            Backing::Memory(memory) => Ok(memory.end),
        }
    }

    /// Fills `room` from `offset` on; zero past the end.
    pub(super) fn read_at(&self, offset: u64, room: &mut [u8]) -> io::Result<()> {
        match self {
            Backing::File(file) => read_file(file, offset, room),
            Backing::Memory(memory) => {
                memory.read_at(offset, room);
                Ok(())
            }
        }
    }

    /// Writes all of `bytes` at `offset`.
    pub(super) fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        match self {
            Backing::File(file) => write_file(file, offset, bytes),
            Backing::Memory(memory) => {
                memory.write_at(offset, bytes);
                Ok(())
            }
        }
    }
}

fn read_file(file: &File, mut offset: u64, mut room: &mut [u8]) -> io::Result<()> {
    while !room.is_empty() {
        match read_some(file, offset, room) {
            Ok(0) => {
                room.fill(0);
                return Ok(());
            }
            Ok(got) => {
                offset += got as u64;
                room = &mut room[got..];
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn read_some(file: &File, offset: u64, room: &mut [u8]) -> io::Result<usize> {
    file.read_at(room, offset)
}

#[cfg(windows)]
fn read_some(file: &File, offset: u64, room: &mut [u8]) -> io::Result<usize> {
    file.seek_read(room, offset)
}

#[cfg(unix)]
fn write_file(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

#[cfg(windows)]
fn write_file(file: &File, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(put) => {
                offset += put as u64;
                bytes = &bytes[put..];
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

impl Sparse {
    fn read_at(&self, offset: u64, room: &mut [u8]) {
        for (chunk, within, part) in parts(offset, room.len()) {
            let room = &mut room[part.clone()];
            match self.chunks.get(&chunk) {
                Some(bytes) => room.copy_from_slice(&bytes[within..within + room.len()]),
                None => room.fill(0),
            }
        }
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) {
        for (chunk, within, part) in parts(offset, bytes.len()) {
            let bytes = &bytes[part];
            let piece = self.chunks.entry(chunk).or_insert_with(|| Arc::new([0; CHUNK]));
            Arc::make_mut(piece)[within..within + bytes.len()].copy_from_slice(bytes);
        }
        self.end = self.end.max(offset + bytes.len() as u64);
    }
}

/// Cuts `len` bytes from `offset` on at chunk borders: chunk, place in it, range of the bytes.
pub(super) fn parts(
    offset: u64,
    len: usize,
) -> impl Iterator<Item = (u64, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = offset + done as u64;
        let within = (at % CHUNK as u64) as usize;
        let now = (CHUNK - within).min(len - done);
        let range = done..done + now;
        done += now;
        Some((at / CHUNK as u64, within, range))
    })
}
