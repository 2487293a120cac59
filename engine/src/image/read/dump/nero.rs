//! Nero's images (.nrg): sectors in a row, and behind them chunks that say what they are. All
//! numbers are big-endian. There is no standard; this is what other readers know of it.

use std::fs::File;
use std::io;
use std::path::Path;

use super::raw::address;
use super::{Dump, Form, Stretch, TABLE_MAX, refused};
use crate::image::host::read_exact_at;

/// Tracks that a disc can have.
const TRACKS_MAX: usize = 99;

/// Where the chunks begin, if this is such an image: its last bytes say so.
pub(super) fn table_at(file: &File, len: u64) -> io::Result<Option<u64>> {
    let Some(at) = len.checked_sub(12) else { return Ok(None) };
    let mut end = [0; 12];
    read_exact_at(file, &mut end, at)?;
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
    Ok(match (&end[..4], &end[4..8]) {
        (b"NER5", _) => Some(number(&end[4..])),
        (_, b"NERO") => Some(number(&end[8..])),
        _ => None,
    })
}

/// A track: bytes from its data's first to behind its last, and of one sector.
struct Track {
    from: u64,
    to: u64,
    stride: u32,
    form: Form,
    /// First block on the disc, if told.
    lba: Option<i64>,
}

/// Opens the image whose chunks begin at `at`.
pub(super) fn open(path: &Path, file: File, at: u64, len: u64) -> io::Result<Dump> {
    let size = len.checked_sub(at).filter(|size| *size <= TABLE_MAX);
    let Some(size) = size else { return Err(refused("its table lies where none can be")) };
    let mut bytes = vec![0; size as usize];
    read_exact_at(&file, &mut bytes, at)?;
    let (tracks, sessions) = tracks(&bytes)?;
    let kind = Some(format!("an image by Nero with {} tracks", tracks.len()));
    let mut dump = Dump::one(path, file, Vec::new(), kind);
    let (mut next, mut number) = (0i64, 0);
    let mut starts = sessions.iter();
    let mut left = 0;
    for track in &tracks {
        let told = match track.form {
            Form::Raw => address(&dump.files[0].1, track.from).map(|lba| i64::from(lba.0)),
            _ => None,
        };
        let first = told.or(track.lba).unwrap_or(next);
        let bytes = track.to.checked_sub(track.from);
        let blocks = bytes.map(|bytes| bytes / u64::from(track.stride));
        let blocks = blocks.and_then(|n| u32::try_from(n).ok());
        let (Ok(place), Some(blocks)) = (u32::try_from(first), blocks) else {
            return Err(refused("its table has a track that no disc can have"));
        };
        next = first + i64::from(blocks);
        if left == 0 {
            left = starts.next().copied().unwrap_or(u32::MAX);
            number += 1;
        }
        left -= 1;
        if track.form != Form::Nothing && dump.sessions.len() < number {
            dump.sessions.push(place);
        }
        dump.stretches.push(Stretch {
            first: place,
            blocks,
            file: 0,
            at: track.from,
            stride: track.stride,
            form: track.form,
        });
    }
    if dump.stretches.is_empty() {
        return Err(refused("its table has no tracks"));
    }
    Ok(dump)
}

/// The tracks that the chunks tell of, and how many each session has.
fn tracks(bytes: &[u8]) -> io::Result<(Vec<Track>, Vec<u32>)> {
    let (mut tracks, mut sessions, mut places) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = bytes;
    while let Some((head, behind)) = rest.split_at_checked(8) {
        let size = be(&head[4..]) as usize;
        let Some((body, behind)) = behind.split_at_checked(size) else { break };
        rest = behind;
        match &head[..4] {
            b"END!" => break,
            b"SINF" if size >= 4 => sessions.push(be(&body[..4]) as u32),
            b"CUEX" => {
                places.extend(body.chunks_exact(8).filter(|entry| entry[2] == 1).map(|entry| {
                    i64::from(i32::from_be_bytes([entry[4], entry[5], entry[6], entry[7]]))
                }));
            }
            b"DAOX" | b"DAOI" => {
                let wide = head[3] == b'X';
                let (unit, field) = if wide { (42, 8) } else { (30, 4) };
                // Behind the size, the catalogue number and the numbers of first and last track.
                for entry in body.get(22..).unwrap_or_default().chunks_exact(unit) {
                    // The size of a sector, then its mode.
                    let (stride, mode) = (be(&entry[12..14]), be(&entry[14..15]));
                    let number = |n: usize| be(&entry[18 + n * field..18 + (n + 1) * field]);
                    // Of index 0, index 1 and the end.
                    tracks.push(track(mode, Some(stride), number(1), number(2))?);
                }
            }
            b"ETN2" | b"ETNF" => {
                let wide = head[3] == b'2';
                let (unit, field) = if wide { (32, 8) } else { (20, 4) };
                for entry in body.chunks_exact(unit) {
                    let (from, len) = (be(&entry[..field]), be(&entry[field..2 * field]));
                    let mode = be(&entry[2 * field..2 * field + 4]);
                    let lba = be(&entry[2 * field + 4..2 * field + 8]) as u32 as i32;
                    let mut track = track(mode, None, from, from.saturating_add(len))?;
                    track.lba = Some(lba.into());
                    tracks.push(track);
                }
            }
            _ => {}
        }
        if tracks.len() > TRACKS_MAX {
            return Err(refused("its table has more tracks than a disc can have"));
        }
    }
    for (track, lba) in tracks.iter_mut().zip(places) {
        track.lba.get_or_insert(lba);
    }
    Ok((tracks, sessions))
}

fn track(mode: u64, stride: Option<u64>, from: u64, to: u64) -> io::Result<Track> {
    let (form, usual) = match mode {
        0 | 2 => (Form::Plain, 2048),
        3 => (Form::Mode2, 2336),
        5 | 6 => (Form::Raw, 2352),
        7 => (Form::Nothing, 2352),
        0x0F | 0x11 => (Form::Raw, 2448),
        0x10 => (Form::Nothing, 2448),
        other => return Err(refused(format!("a track of Nero's mode {other} is not read"))),
    };
    match stride {
        Some(told) if told != u64::from(usual) => {
            Err(refused(format!("a track of Nero's mode {mode} has sectors of {told} bytes")))
        }
        _ => Ok(Track { from, to, stride: usual, form, lba: None }),
    }
}

fn be(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
}
