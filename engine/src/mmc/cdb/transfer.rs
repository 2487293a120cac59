//! Commands about CD sectors as they lie on the disc, and about authentication keys.

use crate::mmc::wire::{cdb, code};
use crate::units::Lba;

code! {
    /// The kind of sector that READ CD may find (MMC-5, 6.20.2.1).
    pub enum SectorType {
        /// Any.
        Any = 0,
        /// Audio.
        CdDa = 1,
        /// Mode 1.
        Mode1 = 2,
        /// Mode 2 without form.
        Mode2 = 3,
        /// Mode 2, form 1.
        Mode2Form1 = 4,
        /// Mode 2, form 2.
        Mode2Form2 = 5,
    }
}

cdb! {
    /// READ CD (MMC-5, 6.20).
    pub struct ReadCd[12] = 0xbe {
        /// Which sectors are meant.
        expected: SectorType = (1 . 4-2),
        /// Digital audio play.
        dap: bool = (1 . 1),
        /// First sector.
        lba: Lba = (2 .. 6),
        /// Number of sectors.
        blocks: u32 = (6 .. 9),
        /// Synchronization field.
        sync: bool = (9 . 7),
        /// Header codes: 1 header, 2 subheader, 3 both.
        headers: u8 = (9 . 6-5),
        /// User data.
        user_data: bool = (9 . 4),
        /// Error detection and correction.
        edc_ecc: bool = (9 . 3),
        /// C2 error: 1 flags, 2 flags and block error byte.
        c2: u8 = (9 . 2-1),
        /// Sub-channel: 1 raw P to W, 2 Q, 4 corrected R to W.
        sub_channel: u8 = (10 . 2-0),
    }
}

cdb! {
    /// READ CD MSF (MMC-5, 6.21).
    pub struct ReadCdMsf[12] = 0xb9 {
        /// Which sectors are meant.
        expected: SectorType = (1 . 4-2),
        /// Digital audio play.
        dap: bool = (1 . 1),
        /// First sector: minute, second, frame.
        start: [u8; 3] = (bytes 3 .. 6),
        /// Sector behind the last one: minute, second, frame.
        end: [u8; 3] = (bytes 6 .. 9),
        /// Main channel selection as in bytes 9 of READ CD.
        main_channel: u8 = (9 . 7-1),
        /// Sub-channel as in READ CD.
        sub_channel: u8 = (10 . 2-0),
    }
}

cdb! {
    /// SEND KEY (MMC-5, 6.35).
    pub struct SendKey[12] = 0xa3 {
        /// Key class.
        class: u8 = (7 .. 8),
        /// Parameter list length in bytes.
        length: u16 = (8 .. 10),
        /// Authentication grant.
        agid: u8 = (10 . 7-6),
        /// Key format.
        format: u8 = (10 . 5-0),
    }
}

cdb! {
    /// REPORT KEY (MMC-5, 6.29).
    pub struct ReportKey[12] = 0xa4 {
        /// Block the title key belongs to.
        lba: Lba = (2 .. 6),
        /// Key class.
        class: u8 = (7 .. 8),
        /// Allocation length in bytes.
        allocation: u16 = (8 .. 10),
        /// Authentication grant.
        agid: u8 = (10 . 7-6),
        /// Key format.
        format: u8 = (10 . 5-0),
    }
}
