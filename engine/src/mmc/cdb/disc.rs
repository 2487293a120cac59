//! Commands about discs: what lies on them, their sessions and tracks, blanking and closing.

use crate::mmc::wire::{cdb, code, get_bytes};
use crate::units::{Blocks, Lba};

code! {
    /// What READ TOC/PMA/ATIP returns (MMC-5, 6.26.2.4).
    pub enum TocFormat {
        /// Track starts.
        Toc = 0,
        /// Sessions, and where the last one starts.
        Session = 1,
        /// Every lead-in's Q entries.
        FullToc = 2,
        /// The program memory area.
        Pma = 3,
        /// What the pre-groove says.
        Atip = 4,
        /// CD-TEXT packs.
        CdText = 5,
    }
}

cdb! {
    /// READ TOC/PMA/ATIP (MMC-5, 6.26).
    pub struct ReadToc[10] = 0x43 {
        /// Addresses as minutes, seconds, frames.
        msf: bool = (1 . 1),
        /// Which list.
        format: TocFormat = (2 . 3-0),
        /// First track or session wanted.
        start: u8 = (6 .. 7),
        /// Allocation length in bytes.
        allocation: u16 = (7 .. 9),
        /// The format's place in ATAPI CD-ROMs; Linux still asks for sessions with it (SFF-8020i).
        legacy_format: u8 = (9 . 7-6),
    }
}

impl ReadToc {
    /// The list that is meant, whichever of its two places the host used.
    pub fn wanted(&self) -> TocFormat {
        match (self.format, self.legacy_format) {
            (TocFormat::Toc, 1) => TocFormat::Session,
            (TocFormat::Toc, 2) => TocFormat::FullToc,
            (format, _) => format,
        }
    }
}

cdb! {
    /// READ SUB-CHANNEL (MMC-3, 6.36).
    pub struct ReadSubChannel[10] = 0x42 {
        /// Addresses as minutes, seconds, frames.
        msf: bool = (1 . 1),
        /// Q data wanted, not only the audio status.
        sub_q: bool = (2 . 6),
        /// 1 position, 2 media catalogue number, 3 ISRC.
        format: u8 = (3 .. 4),
        /// Track for format 3.
        track: u8 = (6 .. 7),
        /// Allocation length in bytes.
        allocation: u16 = (7 .. 9),
    }
}

cdb! {
    /// READ DISC INFORMATION (MMC-5, 6.22).
    pub struct ReadDiscInformation[10] = 0x51 {
        /// 0 standard, 1 track resources, 2 pseudo-overwrite resources.
        kind: u8 = (1 . 2-0),
        /// Allocation length in bytes.
        allocation: u16 = (7 .. 9),
    }
}

code! {
    /// What the address in READ TRACK INFORMATION is (MMC-5, 6.27.2).
    pub enum TrackAddress {
        /// A block in the track.
        Lba = 0,
        /// A track number; 0: lead-in, FFh: the incomplete or invisible track.
        Track = 1,
        /// A session number: the first track in it.
        Session = 2,
    }
}

cdb! {
    /// READ TRACK INFORMATION (MMC-5, 6.27).
    pub struct ReadTrackInformation[10] = 0x52 {
        /// The first open track from the number on.
        open: bool = (1 . 2),
        /// What `address` is.
        by: TrackAddress = (1 . 1-0),
        /// Block, track or session.
        address: u32 = (2 .. 6),
        /// Allocation length in bytes.
        allocation: u16 = (7 .. 9),
    }
}

cdb! {
    /// RESERVE TRACK (MMC-5, 6.31).
    pub struct ReserveTrack[10] = 0x53 {
        /// Reservation ends at the middle zone.
        rmz: bool = (1 . 1),
        /// Bytes 2 to 5 hold the address where the track is split, instead of a size.
        arsv: bool = (1 . 0),
        /// Bytes 2 to 8: the split address or the size; see [`ReserveTrack::of`],
        /// [`ReserveTrack::split`].
        place: [u8; 7] = (bytes 2 .. 9),
    }
}

impl ReserveTrack {
    /// Reserves a track of so many blocks.
    pub fn of(blocks: Blocks) -> ReserveTrack {
        let mut cdb = ReserveTrack::default();
        cdb.place[3..].copy_from_slice(&blocks.0.to_be_bytes());
        cdb
    }

    /// Splits the open track so that a new one starts at this block.
    pub fn split(lba: Lba) -> ReserveTrack {
        let mut cdb = ReserveTrack { arsv: true, ..ReserveTrack::default() };
        cdb.place[..4].copy_from_slice(&lba.0.to_be_bytes());
        cdb
    }

    /// Blocks to reserve, where `arsv` is zero.
    pub fn blocks(&self) -> Blocks {
        Blocks(get_bytes(&self.place, 3, 7) as u32)
    }

    /// Where to split, where `arsv` is one.
    pub fn lba(&self) -> Lba {
        Lba(get_bytes(&self.place, 0, 4) as u32 as i32)
    }
}

cdb! {
    /// SEND OPC INFORMATION (MMC-5, 6.36).
    pub struct SendOpc[10] = 0x54 {
        /// Exclude layer 1.
        exclude1: bool = (1 . 2),
        /// Exclude layer 0.
        exclude0: bool = (1 . 1),
        /// Calibrate now.
        do_opc: bool = (1 . 0),
        /// Parameter list length in bytes.
        length: u16 = (7 .. 9),
    }
}

cdb! {
    /// REPAIR TRACK (MMC-5, 6.28).
    pub struct RepairTrack[10] = 0x58 {
        /// Status before the work is done.
        immed: bool = (1 . 0),
        /// Which track.
        track: u16 = (4 .. 6),
    }
}

code! {
    /// What CLOSE TRACK/SESSION closes (MMC-5, 6.3.2.3).
    pub enum CloseFunction {
        /// Stop a background format (DVD+RW).
        StopFormat = 0,
        /// A track.
        Track = 1,
        /// The session; on DVD+RW: stop the background format and make the disc readable elsewhere.
        Session = 2,
        /// Session, special cases of DVD-RW and DVD+RW.
        SessionQuick = 3,
        /// DVD+R DL: session, with the layer change kept.
        SessionDl = 4,
        /// DVD+R: finalize with the smallest radius.
        FinalizeMinRadius = 5,
        /// DVD+R, BD-R: finalize the disc.
        Finalize = 6,
    }
}

cdb! {
    /// CLOSE TRACK/SESSION (MMC-5, 6.3).
    pub struct CloseTrackSession[10] = 0x5b {
        /// Status before the work is done.
        immed: bool = (1 . 0),
        /// What to close.
        function: CloseFunction = (2 . 2-0),
        /// Which track, for a track.
        track: u16 = (4 .. 6),
    }
}

cdb! {
    /// SEND CUE SHEET (MMC-5, 6.33).
    pub struct SendCueSheet[10] = 0x5d {
        /// Bytes of cue sheet.
        length: u32 = (6 .. 9),
    }
}

code! {
    /// What BLANK erases (MMC-5, 6.2.2.3).
    pub enum BlankType {
        /// Everything.
        Disc = 0,
        /// What makes the disc look written.
        Minimal = 1,
        /// One track.
        Track = 2,
        /// A track's reservation.
        Unreserve = 3,
        /// From a block to the end of its track.
        TrackTail = 4,
        /// The closing of the last session.
        UncloseSession = 5,
        /// The last session.
        EraseSession = 6,
    }
}

cdb! {
    /// BLANK (MMC-5, 6.2).
    pub struct Blank[12] = 0xa1 {
        /// Status before the work is done.
        immed: bool = (1 . 4),
        /// What to erase.
        kind: BlankType = (1 . 2-0),
        /// Start address or track number.
        start: u32 = (2 .. 6),
    }
}

cdb! {
    /// READ DISC STRUCTURE (MMC-5, 6.23).
    pub struct ReadDiscStructure[12] = 0xad {
        /// Media family: 0 DVD, 1 BD.
        media: u8 = (1 . 3-0),
        /// Address, by format.
        address: u32 = (2 .. 6),
        /// Layer.
        layer: u8 = (6 .. 7),
        /// Which structure.
        format: u8 = (7 .. 8),
        /// Allocation length in bytes.
        allocation: u16 = (8 .. 10),
        /// Authentication grant.
        agid: u8 = (10 . 7-6),
    }
}

cdb! {
    /// SEND DISC STRUCTURE (MMC-5, 6.34).
    pub struct SendDiscStructure[12] = 0xbf {
        /// Media family: 0 DVD, 1 BD.
        media: u8 = (1 . 3-0),
        /// Which structure.
        format: u8 = (7 .. 8),
        /// Parameter list length in bytes.
        length: u16 = (8 .. 10),
    }
}
