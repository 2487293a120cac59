//! A whole image into a file or a stream, as fast as the machine gives it.
//!
//! Reading many small files costs more system calls than bytes, so several threads read ahead, each
//! into a buffer of its own.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::build::{Image, Plan, Reader};
use super::host;
use super::sectors::SourceError;
use crate::units::{BLOCK, Blocks};

/// Blocks that a thread reads at once: 256 KiB, which stay in a processor's cache until they are
/// written.
const CHUNK: u32 = 128;
/// From 2 MiB of one file on, the host is asked to copy by itself.
const COPY_MIN: u32 = 1024;
/// Blocks that are copied between two looks at the file and two reports.
const COPY_MAX: u32 = 8192;
/// Chunks that a thread may be ahead of the writer.
const AHEAD: usize = 8;

/// Why an image cannot be written to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The bytes cannot be had.
    Source(SourceError),
    /// The bytes cannot be put; the system's words.
    Output(String),
    /// The progress function asked to stop.
    Stopped,
}

impl Image {
    /// Writes all blocks in order to a stream. `progress` is told how many blocks are written, and
    /// may stop the work.
    pub fn write_to(
        &self,
        out: &mut dyn Write,
        progress: &mut dyn FnMut(Blocks) -> ControlFlow<()>,
    ) -> Result<(), WriteError> {
        let plan = &*self.plan;
        let threads = threads();
        thread::scope(|scope| {
            // Chunk n comes from thread n % threads, and buffers go back to where they came from:
            // this keeps both order and memory.
            let lines: Vec<Line> = (0..threads)
                .map(|first| {
                    let (full, chunks) = sync_channel(AHEAD);
                    let (back, empty) = channel();
                    scope.spawn(move || read_line(plan, first, threads, &full, &empty));
                    Line { chunks, back }
                })
                .collect();
            let mut done = 0;
            for line in lines.iter().cycle() {
                if done == plan.blocks() {
                    break;
                }
                let chunk =
                    line.chunks.recv().expect("a thread ends after its last chunk or error");
                let chunk = chunk.map_err(WriteError::Source)?;
                out.write_all(&chunk).map_err(|e| WriteError::Output(e.to_string()))?;
                done += (chunk.len() / BLOCK) as u32;
                // A thread that has read its last chunk takes no buffer back.
                _ = line.back.send(chunk);
                if progress(Blocks(done)).is_break() {
                    return Err(WriteError::Stopped);
                }
            }
            out.flush().map_err(|e| WriteError::Output(e.to_string()))
        })
    }

    /// Writes all blocks to a regular file, from its start on and in no order; what it had behind
    /// them is cut off. `progress` is told how many blocks are written, and may stop the work.
    pub fn write_file(
        &self,
        file: &File,
        progress: &mut dyn FnMut(Blocks) -> ControlFlow<()>,
    ) -> Result<(), WriteError> {
        let plan = &*self.plan;
        let failed = |e: io::Error| WriteError::Output(e.to_string());
        file.set_len(u64::from(plan.blocks()) * BLOCK as u64).map_err(failed)?;
        let (next, out) = (Mutex::new(Some(0)), Mutex::new(file));
        thread::scope(|scope| {
            let (tell, told) = sync_channel(AHEAD);
            for _thread in 0..threads() {
                let (tell, next, out) = (tell.clone(), &next, &out);
                scope.spawn(move || write_units(plan, out, next, &tell));
            }
            drop(tell);
            let (mut done, mut error) = (0, None);
            for unit in told {
                match unit {
                    Ok(blocks) => done += blocks,
                    // The first error in the order of the blocks, whichever thread met it.
                    Err(e) => error = Some(first_of(error, e)),
                }
                if error.is_none() && progress(Blocks(done)).is_break() {
                    error = Some(WriteError::Stopped);
                }
                if error.is_some() {
                    *guard(&next) = None;
                }
            }
            error.map_or(Ok(()), Err)
        })
    }
}

struct Line {
    chunks: Receiver<Result<Vec<u8>, SourceError>>,
    back: Sender<Vec<u8>>,
}

/// Threads that read: one for each processor, within reason.
fn threads() -> usize {
    thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8))
}

/// The blocks of the chunk that begins at `first`.
fn chunk_len(plan: &Plan, first: u32) -> usize {
    CHUNK.min(plan.blocks() - first) as usize * BLOCK
}

fn read_line(
    plan: &Plan,
    line: usize,
    lines: usize,
    full: &SyncSender<Result<Vec<u8>, SourceError>>,
    empty: &Receiver<Vec<u8>>,
) {
    let mut reader = Reader::default();
    for first in (0..plan.blocks()).step_by(CHUNK as usize).skip(line).step_by(lines) {
        let mut room = empty.try_recv().unwrap_or_default();
        room.resize(chunk_len(plan, first), 0);
        let chunk = reader.read(plan, first, &mut room).map(|()| room);
        let failed = chunk.is_err();
        // The writer hangs up when it has had enough.
        if full.send(chunk).is_err() || failed {
            return;
        }
    }
}

/// Takes unit after unit until there are no more: `next` is the first block of the next one, or
/// `None` if all shall stop. `out` is locked while it is written to, as the host would do anyway,
/// spinning.
fn write_units(
    plan: &Plan,
    out: &Mutex<&File>,
    next: &Mutex<Option<u32>>,
    tell: &SyncSender<Result<u32, WriteError>>,
) {
    let mut reader = Reader::default();
    let mut room = Vec::new();
    loop {
        let (first, blocks, copy) = {
            let mut next = guard(next);
            let Some(first) = next.filter(|&first| first < plan.blocks()) else { return };
            let copyable = plan.copyable(first).min(COPY_MAX);
            let copy = copyable >= COPY_MIN;
            let blocks = if copy { copyable } else { CHUNK.min(plan.blocks() - first) };
            *next = Some(first + blocks);
            (first, blocks, copy)
        };
        let result = if copy && reader.copy(plan, first, blocks, *guard(out)) {
            Ok(())
        } else {
            write_unit(plan, &mut reader, &mut room, first, blocks, out)
        };
        let failed = result.is_err();
        if tell.send(result.map(|()| blocks)).is_err() || failed {
            return;
        }
    }
}

fn write_unit(
    plan: &Plan,
    reader: &mut Reader,
    room: &mut Vec<u8>,
    first: u32,
    blocks: u32,
    out: &Mutex<&File>,
) -> Result<(), WriteError> {
    for at in (first..first + blocks).step_by(CHUNK as usize) {
        room.resize(CHUNK.min(first + blocks - at) as usize * BLOCK, 0);
        reader.read(plan, at, room).map_err(WriteError::Source)?;
        let file = guard(out);
        host::write_all_at(*file, room, u64::from(at) * BLOCK as u64)
            .map_err(|e| WriteError::Output(e.to_string()))?;
    }
    Ok(())
}

/// A thread that panicked while it held the lock has left nothing half done.
fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn first_of(before: Option<WriteError>, new: WriteError) -> WriteError {
    match (before, new) {
        (None, new) => new,
        (Some(WriteError::Source(old)), WriteError::Source(new)) if new.block < old.block => {
            WriteError::Source(new)
        }
        (Some(old), _) => old,
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WriteError::Source(error) => error.fmt(f),
            WriteError::Output(detail) => write!(f, "the image cannot be written: {detail}"),
            WriteError::Stopped => f.write_str("stopped before the image was complete"),
        }
    }
}

impl std::error::Error for WriteError {}
