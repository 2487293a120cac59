//! CUE sheets, and the tables of CloneCD: text that says which tracks a dump has.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::raw::{address, by_address, count};
use super::{Dump, Form, Stretch, refused};

/// Tracks that a disc can have.
const TRACKS_MAX: usize = 99;
/// Frames between the end of the first session and the first track of the second, and from then on
/// (lead-out, lead-in and pre-gap; MMC-6, 4.2.3.7).
const GAPS: [i64; 2] = [11_400, 6_900];
/// Bytes before the samples of a file of type WAVE, as it is usually written.
const WAVE_HEADER: u64 = 44;

/// A track as a sheet has it.
#[derive(Clone, Debug)]
struct Track {
    file: usize,
    stride: u32,
    form: Form,
    session: u32,
    /// Frames that are not in the file.
    pregap: i64,
    /// First index and index 1, in frames of the file.
    start: Option<i64>,
    index1: i64,
}

/// What a sheet says.
#[derive(Debug, Default)]
struct Sheet {
    /// Name, and whether it holds samples behind a header.
    files: Vec<(String, bool)>,
    tracks: Vec<Track>,
}

/// The dump that a CUE sheet describes.
pub(super) fn open(path: &Path, text: &[u8]) -> io::Result<Dump> {
    let sheet = Sheet::parse(&String::from_utf8_lossy(text))?;
    let mut files = Vec::new();
    for (name, _) in &sheet.files {
        let path = neighbour(path, name);
        let file = File::open(&path)
            .map_err(|e| io::Error::new(e.kind(), format!("its data, {}: {e}", path.display())))?;
        files.push((path, file));
    }
    let kind = Some(format!("a CUE sheet of {} tracks", sheet.tracks.len()));
    let mut dump = Dump { files, stretches: Vec::new(), kind, sessions: Vec::new() };
    sheet.place(&mut dump)?;
    if dump.stretches.iter().all(|stretch| stretch.form == Form::Nothing) {
        return Err(refused("the sheet has no track of data"));
    }
    Ok(dump)
}

/// CloneCD's table: the data lies beside it in a file that says itself where its sectors belong.
pub(super) fn clone_cd(path: &Path, text: &[u8]) -> io::Result<Dump> {
    if !String::from_utf8_lossy(text).contains("[CloneCD]") {
        return Err(refused("it is not a table of CloneCD"));
    }
    let path = path.with_extension("img");
    let file = File::open(&path)
        .map_err(|e| io::Error::new(e.kind(), format!("its data, {}: {e}", path.display())))?;
    let stretches = by_address(&file, 0, (0, 2352, count(file.metadata()?.len(), 2352)?));
    let kind = Some("a dump by CloneCD, 2352 bytes each sector".to_owned());
    Ok(Dump::one(&path, file, stretches, kind))
}

/// A file in the folder of the sheet: sheets travel, and the folders in them do not.
fn neighbour(sheet: &Path, name: &str) -> PathBuf {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    sheet.with_file_name(name)
}

impl Sheet {
    fn parse(text: &str) -> io::Result<Sheet> {
        let mut sheet = Sheet::default();
        let mut session = 1;
        for (number, line) in (1..).zip(text.trim_start_matches('\u{FEFF}').lines()) {
            let line = line.trim();
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let wrong = |what: &str| refused(format!("line {number} of the sheet: {what}"));
            match word.to_ascii_uppercase().as_str() {
                "FILE" => {
                    let (name, kind) = file_name(rest).ok_or_else(|| wrong("no file is named"))?;
                    let wave = match kind.to_ascii_uppercase().as_str() {
                        "BINARY" => false,
                        "WAVE" => true,
                        other => return Err(wrong(&format!("a file of type {other} is not read"))),
                    };
                    sheet.files.push((name.to_owned(), wave));
                }
                "TRACK" => {
                    let mode = rest.split_whitespace().nth(1).unwrap_or("");
                    let Some((form, stride)) = mode_of(mode) else {
                        return Err(wrong(&format!("a track of mode {mode:?} is not read")));
                    };
                    let Some(file) = sheet.files.len().checked_sub(1) else {
                        return Err(wrong("a track comes before the first file"));
                    };
                    if sheet.tracks.len() >= TRACKS_MAX {
                        return Err(wrong("more tracks than a disc can have"));
                    }
                    let track =
                        Track { file, stride, form, session, pregap: 0, start: None, index1: 0 };
                    sheet.tracks.push(track);
                }
                "PREGAP" | "INDEX" => {
                    let time = rest.split_whitespace().last().and_then(frames);
                    let time = time.ok_or_else(|| wrong("this is no time mm:ss:ff"))?;
                    let Some(track) = sheet.tracks.last_mut() else {
                        return Err(wrong("it comes before the first track"));
                    };
                    if word.eq_ignore_ascii_case("PREGAP") {
                        track.pregap = time;
                    } else {
                        track.start.get_or_insert(time);
                        if rest.trim_start().trim_start_matches('0').starts_with("1 ") {
                            track.index1 = time;
                        }
                    }
                }
                "REM" => {
                    let number = rest.trim().strip_prefix("SESSION").map(str::trim);
                    session = number.and_then(|number| number.parse().ok()).unwrap_or(session);
                }
                _ => {}
            }
        }
        Ok(sheet)
    }

    /// Puts each track in its place on the disc.
    fn place(&self, dump: &mut Dump) -> io::Result<()> {
        // Where on the disc the frame 0 of the current file would lie.
        let mut origin = 0i64;
        let mut session = 1;
        let mut before: Option<(usize, i64)> = None;
        let mut byte = 0u64;
        for (number, track) in self.tracks.iter().enumerate() {
            let start = track.start.ok_or_else(|| refused("a track has no index"))?;
            if let Some((file, end)) = before
                && file != track.file
            {
                origin += end;
                byte = 0;
            }
            let len = dump.files[track.file].1.metadata()?.len();
            let header = if self.files[track.file].1 { WAVE_HEADER } else { 0 };
            let next = self.tracks.get(number + 1).filter(|next| next.file == track.file);
            let end = match next.and_then(|next| next.start) {
                Some(end) => end,
                None => {
                    let left = len.saturating_sub(byte.max(header));
                    start + i64::from(count(left, track.stride)?)
                }
            };
            let frames = u32::try_from(end - start)
                .map_err(|_| refused("the sheet's tracks are not in the order of their times"))?;
            origin += track.pregap;
            if track.session > session {
                origin += GAPS[usize::from(session > 1)] - track.pregap;
                session = track.session;
            }
            let at = byte.max(header);
            if track.form == Form::Raw
                && let Some(told) = address(&dump.files[track.file].1, at)
            {
                origin = i64::from(told.0) - start;
            }
            let skip = (-(origin + start)).clamp(0, frames.into());
            let first = u32::try_from(origin + start + skip)
                .map_err(|_| refused("a track lies behind what a disc can address"))?;
            let data = track.form != Form::Nothing;
            let begins = u32::try_from(origin + track.index1.max(start)).unwrap_or(0);
            let known = dump.sessions.len() >= track.session as usize;
            if data && !known {
                dump.sessions.push(begins);
            }
            dump.stretches.push(Stretch {
                first,
                blocks: frames - skip as u32,
                file: track.file,
                at: at + skip as u64 * u64::from(track.stride),
                stride: track.stride,
                form: track.form,
            });
            byte = at + u64::from(frames) * u64::from(track.stride);
            before = Some((track.file, end));
        }
        Ok(())
    }
}

/// A name, in quotes if it has spaces, and what follows it.
fn file_name(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.trim();
    let (name, kind) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => rest.split_once(char::is_whitespace)?,
    };
    (!name.is_empty()).then_some((name, kind.trim()))
}

/// The form of the sectors of a track, and the bytes of one.
fn mode_of(mode: &str) -> Option<(Form, u32)> {
    let mode = mode.to_ascii_uppercase();
    Some(match mode.as_str() {
        "AUDIO" => (Form::Nothing, 2352),
        "CDG" => (Form::Nothing, 2448),
        "MODE1/2048" | "MODE2/2048" => (Form::Plain, 2048),
        "MODE1/2352" | "MODE2/2352" | "CDI/2352" => (Form::Raw, 2352),
        "MODE1/2448" | "MODE2/2448" => (Form::Raw, 2448),
        "MODE2/2336" | "CDI/2336" => (Form::Mode2, 2336),
        "MODE2/2324" => (Form::Nothing, 2324),
        _ => return None,
    })
}

/// Frames of a time mm:ss:ff.
fn frames(time: &str) -> Option<i64> {
    let mut parts = time.split(':').map(|part| part.parse::<u32>().ok());
    let (m, s, f) = (parts.next()??, parts.next()??, parts.next()??);
    (parts.next().is_none() && m < 1000 && s < 60 && f < 75)
        .then(|| i64::from((m * 60 + s) * 75 + f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_are_understood() {
        let text = "REM by hand\nFILE \"a b.bin\" BINARY\n  TRACK 01 MODE1/2352\n    INDEX 01 \
                    00:00:00\n  TRACK 02 AUDIO\n    PREGAP 00:02:00\n    INDEX 01 01:00:10\n";
        let sheet = Sheet::parse(text).unwrap();
        assert_eq!(sheet.files, [("a b.bin".to_owned(), false)]);
        let tracks: Vec<_> =
            sheet.tracks.iter().map(|t| (t.form, t.stride, t.start, t.pregap)).collect();
        let first = (Form::Raw, 2352, Some(0), 0);
        assert_eq!(tracks, [first, (Form::Nothing, 2352, Some(4510), 150)]);
        for wrong in ["TRACK 01 AUDIO", "FILE x MP3", "FILE x BINARY\nTRACK 01 MODE9/1"] {
            assert!(Sheet::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_lie_beside_the_sheet() {
        for name in ["/etc/passwd", "..\\..\\passwd", "passwd"] {
            assert_eq!(neighbour(Path::new("/d/a.cue"), name), Path::new("/d/passwd"));
        }
    }
}
