//! The replies of READ SUB-CHANNEL and READ HEADER.

use crate::mmc::wire::layout;

layout! {
    /// Position of the pick-up, format 1 (MMC-3, 6.36.3.1).
    pub struct SubChannelPosition[16] {
        /// 11h playing, 12h paused, 13h played to the end, 14h stopped by an error, 15h nothing.
        audio_status: u8 = (1 .. 2),
        /// What kind of Q it comes from.
        adr: u8 = (5 . 7-4),
        /// Q control nibble.
        control: u8 = (5 . 3-0),
        /// Track number.
        track: u8 = (6 .. 7),
        /// Index.
        index: u8 = (7 .. 8),
        /// Address on the disc: an LBA, or 0, minute, second, frame when asked so.
        absolute: u32 = (8 .. 12),
        /// Address from the track's start, in the same form.
        relative: u32 = (12 .. 16),
    } fixed { (2 .. 4) = 12, (4 .. 5) = 1, }
}

layout! {
    /// Media catalogue number, format 2 (MMC-3, 6.36.3.2).
    pub struct SubChannelCatalogue[24] {
        /// As in [`SubChannelPosition`].
        audio_status: u8 = (1 .. 2),
        /// There is one.
        valid: bool = (8 . 7),
        /// Its thirteen digits.
        digits: [u8; 13] = (bytes 9 .. 22),
        /// Frame in which it was found.
        frame: u8 = (23 .. 24),
    } fixed { (2 .. 4) = 20, (4 .. 5) = 2, }
}

layout! {
    /// Recording code of a track, format 3 (MMC-3, 6.36.3.3).
    pub struct SubChannelIsrc[24] {
        /// As in [`SubChannelPosition`].
        audio_status: u8 = (1 .. 2),
        /// What kind of Q it comes from.
        adr: u8 = (5 . 7-4),
        /// Q control nibble.
        control: u8 = (5 . 3-0),
        /// Track number.
        track: u8 = (6 .. 7),
        /// There is one.
        valid: bool = (8 . 7),
        /// Its twelve characters.
        code: [u8; 12] = (bytes 9 .. 21),
        /// Frame in which it was found.
        frame: u8 = (22 .. 23),
    } fixed { (2 .. 4) = 20, (4 .. 5) = 3, }
}

layout! {
    /// Reply of READ HEADER (MMC-2, READ HEADER).
    pub struct SectorHeader[8] {
        /// Mode of the sector; 0 for audio.
        mode: u8 = (0 .. 1),
        /// Its address: an LBA, or 0, minute, second, frame when asked so.
        address: u32 = (4 .. 8),
    }
}
