//! Where the blocks of a disc lie in the files of a dump of it: plain blocks, whole sectors of a
//! CD with or without sub-channels, CUE sheets, Nero's and CloneCD's files.
//!
//! `raw` tells by the bytes what a file is, `cue` and `nero` understand the tables of others. The
//! tables are hostile: what they say is checked against the length of the files. May not know: what
//! file systems are, but for the few bytes by which a volume is recognised.

mod cue;
mod nero;
mod raw;

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::cdda::{FRAME, sector};
use crate::image::host::read_exact_at;
use crate::units::BLOCK;

/// Bytes of a table that are read at most.
const TABLE_MAX: u64 = 1 << 20;
/// Sub-headers, both copies, as they stand before the user data of Mode 2 (ECMA-130, 14.2; CD-ROM
/// XA).
const SUB_HEADERS: usize = 8;
/// Bit of a sub-header's third byte: form 2.
const FORM_2: u8 = 0x20;

/// How the 2048 bytes of a block lie in a sector of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// They are its first bytes.
    Plain,
    /// The main channel with synchronization and header; sub-channels may follow.
    Raw,
    /// From the sub-headers of Mode 2 on.
    Mode2,
    /// It holds no blocks: audio.
    Nothing,
}

/// Consecutive blocks of the disc in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// First block, counted from the start of the disc.
    pub first: u32,
    pub blocks: u32,
    /// Which file, the byte of it where the stretch begins, and bytes from sector to sector.
    pub file: usize,
    pub at: u64,
    pub stride: u32,
    pub form: Form,
}

impl Stretch {
    /// The block behind its last one.
    pub(super) fn end(&self) -> u32 {
        self.first.saturating_add(self.blocks)
    }
}

/// A dump of a disc, or of a part of it.
#[derive(Debug)]
pub(super) struct Dump {
    pub files: Vec<(PathBuf, File)>,
    /// Ascending, and none over another.
    pub stretches: Vec<Stretch>,
    /// What a person calls this kind of dump; none of plain blocks.
    pub kind: Option<String>,
    /// Where sessions begin, as far as its tables tell.
    pub sessions: Vec<u32>,
}

impl Dump {
    /// Finds out what a file is.
    pub(super) fn open(path: &Path) -> io::Result<Dump> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let dump = match extension.as_deref() {
            Some("cue") => cue::open(path, &table(&file, len)?)?,
            Some("ccd") => cue::clone_cd(path, &table(&file, len)?)?,
            Some("mds") => beside(path, &file, b"MEDIA DESCRIPTOR", "mdf")?,
            _ => match nero::table_at(&file, len)? {
                Some(at) => nero::open(path, file, at, len)?,
                None => raw::sniff(path, file, len)?,
            },
        };
        dump.checked()
    }

    /// Plain blocks, or sectors of this form, in one file.
    fn one(path: &Path, file: File, stretches: Vec<Stretch>, kind: Option<String>) -> Dump {
        Dump { files: vec![(path.to_owned(), file)], stretches, kind, sessions: Vec::new() }
    }

    /// Nothing over another, nothing behind the end of a file.
    fn checked(mut self) -> io::Result<Dump> {
        self.stretches.retain(|stretch| stretch.blocks > 0);
        self.stretches.sort_unstable_by_key(|stretch| stretch.first);
        let over = |pair: &[Stretch]| pair[0].end() > pair[1].first;
        if self.stretches.windows(2).any(over) {
            return Err(refused("its tables give one block two places"));
        }
        for stretch in &self.stretches {
            let (path, file) = &self.files[stretch.file];
            let end = u64::from(stretch.blocks) * u64::from(stretch.stride);
            if stretch.at.saturating_add(end) > file.metadata()?.len() {
                let what = format!("its tables say more than {} holds", path.display());
                return Err(refused(what));
            }
        }
        Ok(self)
    }
}

/// The user data of a sector of this form; `Err` says why there is none.
pub(super) fn user_data(form: Form, sector: &[u8]) -> Result<&[u8], &'static str> {
    let data = match form {
        Form::Plain => sector.get(..BLOCK),
        Form::Nothing => return Err("it is a sector of audio"),
        Form::Mode2 if sector.get(2).is_some_and(|mode| mode & FORM_2 != 0) => {
            return Err("it is of Mode 2 form 2, which has no block of 2048 bytes");
        }
        Form::Mode2 => sector.get(SUB_HEADERS..SUB_HEADERS + BLOCK),
        Form::Raw => {
            let Some(frame) = sector.first_chunk::<FRAME>() else { return Err("it is cut off") };
            return frame_data(frame);
        }
    };
    data.ok_or("it is cut off")
}

/// The user data of a whole main channel.
fn frame_data(frame: &sector::Frame) -> Result<&[u8], &'static str> {
    if frame[..12] != sector::SYNC {
        return Err("it has no synchronization field: it is audio or damaged");
    }
    let broken = "its error detection code is wrong";
    match frame[15] & 3 {
        1 if !sector::intact(frame, sector::Kind::Mode1) => Err(broken),
        1 => Ok(&frame[sector::user(sector::Kind::Mode1)]),
        2 if frame[18] & FORM_2 != 0 => {
            Err("it is of Mode 2 form 2, which has no block of 2048 bytes")
        }
        2 if !sector::intact(frame, sector::Kind::Form1) => Err(broken),
        2 => Ok(&frame[sector::user(sector::Kind::Form1)]),
        _ => Err("it is of a mode without user data"),
    }
}

/// Why a file is none that can be read.
fn refused(what: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.into())
}

/// All bytes of a file that is a table.
fn table(file: &File, len: u64) -> io::Result<Vec<u8>> {
    if len > TABLE_MAX {
        return Err(refused("it is too long for a table of tracks"));
    }
    let mut bytes = vec![0; len as usize];
    read_exact_at(file, &mut bytes, 0)?;
    Ok(bytes)
}

/// The dump beside a table that says nothing which its sectors do not say themselves.
fn beside(path: &Path, file: &File, magic: &[u8], extension: &str) -> io::Result<Dump> {
    let mut start = vec![0; magic.len()];
    if read_exact_at(file, &mut start, 0).is_err() || start != magic {
        return Err(refused("it is not the table that its name says"));
    }
    let path = path.with_extension(extension);
    let file = File::open(&path)
        .map_err(|e| io::Error::new(e.kind(), format!("its data, {}: {e}", path.display())))?;
    let len = file.metadata()?.len();
    raw::sniff(&path, file, len)
}
