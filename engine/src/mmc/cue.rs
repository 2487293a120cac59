//! Cue sheets: what SEND CUE SHEET tells the drive before session-at-once recording.

use crate::mmc::wire::{WireError, layout};

layout! {
    /// One line of a cue sheet (MMC-5, 6.33.3). Lines with ADR 2 and 3 hold eight characters of
    /// media catalogue number or ISRC instead of the fields behind the first byte.
    pub struct CueEntry[8] {
        /// Q control nibble: 4 data, 0 audio.
        control: u8 = (0 . 7-4),
        /// 1 a position, 2 media catalogue number, 3 ISRC.
        adr: u8 = (0 . 3-0),
        /// Track number; 0 lead-in, AAh lead-out.
        tno: u8 = (1 .. 2),
        /// Index.
        index: u8 = (2 .. 3),
        /// Data form: main channel and sub-channel that the host sends (00h audio, 01h pause that
        /// the drive makes, 10h Mode 1, 14h Mode 1 that the drive makes, and so on).
        data_form: u8 = (3 .. 4),
        /// Serial copy management; 80h for the alternating bit.
        scms: u8 = (4 .. 5),
        /// Minute, second, frame where it starts.
        msf: [u8; 3] = (bytes 5 .. 8),
    }
}

/// Parses a cue sheet, which must be a whole number of lines.
pub fn parse(bytes: &[u8]) -> Result<Vec<CueEntry>, WireError> {
    let (lines, rest) = bytes.as_chunks::<{ CueEntry::LEN }>();
    if !rest.is_empty() {
        return Err(WireError::Short { what: "cue sheet line", need: 8, have: rest.len() });
    }
    Ok(lines.iter().map(|line| CueEntry::parse_cut(line)).collect())
}

/// The cue sheet of these lines.
pub fn emit(lines: &[CueEntry]) -> Vec<u8> {
    lines.iter().flat_map(CueEntry::emit).collect()
}
