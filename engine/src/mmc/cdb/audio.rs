//! Commands that play audio, and READ HEADER.

use crate::mmc::wire::cdb;
use crate::units::Lba;

cdb! {
    /// READ HEADER (MMC-2, READ HEADER).
    pub struct ReadHeader[10] = 0x44 {
        /// Address as minutes, seconds, frames.
        msf: bool = (1 . 1),
        /// The sector.
        lba: Lba = (2 .. 6),
        /// Allocation length in bytes.
        allocation: u16 = (7 .. 9),
    }
}

cdb! {
    /// PLAY AUDIO (10) (MMC-3, PLAY AUDIO (10)).
    pub struct PlayAudio10[10] = 0x45 {
        /// First sector; FFFFFFFFh: where the pick-up is.
        lba: Lba = (2 .. 6),
        /// Number of sectors; 0 plays nothing.
        blocks: u16 = (7 .. 9),
    }
}

cdb! {
    /// PLAY AUDIO (12) (MMC-3, PLAY AUDIO (12)).
    pub struct PlayAudio12[12] = 0xa5 {
        /// First sector; FFFFFFFFh: where the pick-up is.
        lba: Lba = (2 .. 6),
        /// Number of sectors; 0 plays nothing.
        blocks: u32 = (6 .. 10),
    }
}

cdb! {
    /// PLAY AUDIO MSF (MMC-3, PLAY AUDIO MSF).
    pub struct PlayAudioMsf[10] = 0x47 {
        /// First sector: minute, second, frame; all FFh: where the pick-up is.
        start: [u8; 3] = (bytes 3 .. 6),
        /// Sector behind the last one.
        end: [u8; 3] = (bytes 6 .. 9),
    }
}

cdb! {
    /// PAUSE/RESUME (MMC-3, PAUSE/RESUME).
    pub struct PauseResume[10] = 0x4b {
        /// Goes on, else pauses.
        resume: bool = (8 . 0),
    }
}

cdb! {
    /// PLAY AUDIO TRACK/INDEX (SCSI-2, 14.2.5).
    pub struct PlayAudioTrackIndex[10] = 0x48 {
        /// Track and index at which to begin.
        start: [u8; 2] = (bytes 4 .. 6),
        /// Track and index behind which to stop.
        end: [u8; 2] = (bytes 7 .. 9),
    }
}

cdb! {
    /// SCAN (MMC-3, SCAN).
    pub struct Scan[12] = 0xba {
        /// Backwards.
        reverse: bool = (1 . 4),
        /// Where to begin, as `kind` says.
        start: [u8; 4] = (bytes 2 .. 6),
        /// 0: an LBA; 1: 0, minute, second, frame; 2: a track number.
        kind: u8 = (9 . 7-6),
    }
}
