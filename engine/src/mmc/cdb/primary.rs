//! Commands that every SCSI device has: readiness, sense, identity, mode pages, buffers, units.

use crate::mmc::wire::{cdb, code};

cdb! {
    /// TEST UNIT READY (MMC-5, 6.42).
    pub struct TestUnitReady[6] = 0x00 {}
}

cdb! {
    /// REQUEST SENSE (MMC-5, 6.30).
    pub struct RequestSense[6] = 0x03 {
        /// Descriptor format instead of fixed format.
        desc: bool = (1 . 0),
        /// Allocation length in bytes.
        allocation: u8 = (4 .. 5),
    }
}

cdb! {
    /// INQUIRY (SPC-3, 6.4).
    pub struct Inquiry[6] = 0x12 {
        /// A vital product data page instead of the standard data.
        evpd: bool = (1 . 0),
        /// Which page.
        page: u8 = (2 .. 3),
        /// Allocation length in bytes. Old hosts fill only the low byte.
        allocation: u16 = (3 .. 5),
    }
}

code! {
    /// Page control: which values of a mode page are asked for (SPC-3, 6.9.1).
    pub enum PageControl {
        /// What is in force now.
        Current = 0,
        /// Ones in all bits that MODE SELECT may change.
        Changeable = 1,
        /// What is in force after power-on.
        Default = 2,
        /// What was saved in non-volatile memory.
        Saved = 3,
    }
}

cdb! {
    /// MODE SELECT (6): not in MMC, but hosts fall back to it (SPC-3, 6.7).
    pub struct ModeSelect6[6] = 0x15 {
        /// Page format.
        pf: bool = (1 . 4),
        /// Save pages.
        sp: bool = (1 . 0),
        /// Parameter list length in bytes.
        length: u8 = (4 .. 5),
    }
}

cdb! {
    /// MODE SELECT (10) (MMC-5, 6.12).
    pub struct ModeSelect10[10] = 0x55 {
        /// Page format; always set.
        pf: bool = (1 . 4),
        /// Save pages.
        sp: bool = (1 . 0),
        /// Parameter list length in bytes.
        length: u16 = (7 .. 9),
    }
}

cdb! {
    /// MODE SENSE (6): not in MMC, but Linux asks page 2Ah with it (SPC-3, 6.9).
    pub struct ModeSense6[6] = 0x1a {
        /// Disable block descriptors.
        dbd: bool = (1 . 3),
        /// Which values.
        control: PageControl = (2 . 7-6),
        /// Which page; 3Fh: all.
        page: u8 = (2 . 5-0),
        /// Which subpage.
        subpage: u8 = (3 .. 4),
        /// Allocation length in bytes.
        allocation: u8 = (4 .. 5),
    }
}

cdb! {
    /// MODE SENSE (10) (MMC-5, 6.13).
    pub struct ModeSense10[10] = 0x5a {
        /// Long logical block address descriptors accepted.
        llbaa: bool = (1 . 4),
        /// Disable block descriptors.
        dbd: bool = (1 . 3),
        /// Which values.
        control: PageControl = (2 . 7-6),
        /// Which page; 3Fh: all.
        page: u8 = (2 . 5-0),
        /// Which subpage.
        subpage: u8 = (3 .. 4),
        /// Allocation length in bytes.
        allocation: u16 = (7 .. 9),
    }
}

cdb! {
    /// REPORT LUNS (SPC-3, 6.21).
    pub struct ReportLuns[12] = 0xa0 {
        /// Which units.
        select: u8 = (2 .. 3),
        /// Allocation length in bytes.
        allocation: u32 = (6 .. 10),
    }
}

cdb! {
    /// WRITE BUFFER: drives take firmware with it (SPC-3, 6.35).
    pub struct WriteBuffer[10] = 0x3b {
        /// Mode.
        mode: u8 = (1 . 4-0),
        /// Buffer identifier.
        id: u8 = (2 .. 3),
        /// Offset in the buffer in bytes.
        offset: u32 = (3 .. 6),
        /// Parameter list length in bytes.
        length: u32 = (6 .. 9),
    }
}

cdb! {
    /// READ BUFFER (MMC-5, 6.17).
    pub struct ReadBuffer[10] = 0x3c {
        /// Mode.
        mode: u8 = (1 . 4-0),
        /// Buffer identifier.
        id: u8 = (2 .. 3),
        /// Offset in the buffer in bytes.
        offset: u32 = (3 .. 6),
        /// Allocation length in bytes.
        allocation: u32 = (6 .. 9),
    }
}

cdb! {
    /// SEND DIAGNOSTIC (SPC-3, 6.28).
    pub struct SendDiagnostic[6] = 0x1d {
        /// Which self-test; 0: the one of `self_test`, or none.
        code: u8 = (1 . 7-5),
        /// The parameter list is diagnostic pages.
        pf: bool = (1 . 4),
        /// The default self-test.
        self_test: bool = (1 . 2),
        /// The test may disturb other units of the device.
        dev_off_l: bool = (1 . 1),
        /// The test may disturb this unit.
        unit_off_l: bool = (1 . 0),
        /// Parameter list length in bytes.
        length: u16 = (3 .. 5),
    }
}
