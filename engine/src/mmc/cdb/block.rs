//! Commands that carry or check blocks, and the capacity they lie in.

use crate::mmc::wire::cdb;
use crate::units::Lba;

cdb! {
    /// FORMAT UNIT; its parameter list is [`crate::mmc::format::FormatList`] (MMC-5, 6.5).
    pub struct FormatUnit[6] = 0x04 {
        /// A parameter list follows; always set on optical media.
        fmt_data: bool = (1 . 4),
        /// The defect list is complete: earlier ones are dropped.
        cmp_list: bool = (1 . 3),
        /// Format code; 001b on all but legacy CD-RW.
        code: u8 = (1 . 2-0),
    }
}

cdb! {
    /// READ (6): not in MMC, but vintage hosts use it (SBC-2, READ (6)).
    pub struct Read6[6] = 0x08 {
        /// First block, 21 bits: high part.
        lba_high: u8 = (1 . 4-0),
        /// First block: low part.
        lba_low: u16 = (2 .. 4),
        /// Number of blocks; 0 means 256.
        blocks: u8 = (4 .. 5),
    }
}

cdb! {
    /// READ FORMAT CAPACITIES (MMC-5, 6.24).
    pub struct ReadFormatCapacities[10] = 0x23 {
        /// Allocation length in bytes.
        allocation: u16 = (7 .. 9),
    }
}

cdb! {
    /// READ CAPACITY (MMC-5, 6.19).
    pub struct ReadCapacity[10] = 0x25 {
        /// Zero unless `pmi`.
        lba: Lba = (2 .. 6),
        /// Partial medium indicator; zero on MMC devices.
        pmi: bool = (8 . 0),
    }
}

cdb! {
    /// READ (10) (MMC-5, 6.15).
    pub struct Read10[10] = 0x28 {
        /// Disable page out: no use in keeping the blocks in the cache.
        dpo: bool = (1 . 4),
        /// Force unit access: from the medium, not from the cache.
        fua: bool = (1 . 3),
        /// First block.
        lba: Lba = (2 .. 6),
        /// Number of blocks.
        blocks: u16 = (7 .. 9),
    }
}

cdb! {
    /// READ (12) (MMC-5, 6.16).
    pub struct Read12[12] = 0xa8 {
        /// Disable page out.
        dpo: bool = (1 . 4),
        /// Force unit access.
        fua: bool = (1 . 3),
        /// First block.
        lba: Lba = (2 .. 6),
        /// Number of blocks.
        blocks: u32 = (6 .. 10),
        /// Timely rather than right.
        streaming: bool = (10 . 7),
    }
}

cdb! {
    /// WRITE (10) (MMC-5, 6.44).
    pub struct Write10[10] = 0x2a {
        /// Disable page out.
        dpo: bool = (1 . 4),
        /// Force unit access: on the medium before status.
        fua: bool = (1 . 3),
        /// Timely safe recording.
        tsr: bool = (1 . 2),
        /// First block. CD lead-in addresses are negative.
        lba: Lba = (2 .. 6),
        /// Number of blocks.
        blocks: u16 = (7 .. 9),
    }
}

cdb! {
    /// WRITE (12) (MMC-5, 6.45).
    pub struct Write12[12] = 0xaa {
        /// Disable page out.
        dpo: bool = (1 . 4),
        /// Force unit access; must be zero with `streaming`.
        fua: bool = (1 . 3),
        /// Timely safe recording.
        tsr: bool = (1 . 2),
        /// First block.
        lba: Lba = (2 .. 6),
        /// Number of blocks.
        blocks: u32 = (6 .. 10),
        /// Without verification and replacement of bad blocks.
        streaming: bool = (10 . 7),
        /// Verify not required.
        vnr: bool = (10 . 6),
    }
}

cdb! {
    /// SEEK (10) (MMC-5, 6.32).
    pub struct Seek10[10] = 0x2b {
        /// Where to.
        lba: Lba = (2 .. 6),
    }
}

cdb! {
    /// WRITE AND VERIFY (10) (MMC-5, WRITE AND VERIFY (10)).
    pub struct WriteAndVerify10[10] = 0x2e {
        /// Disable page out.
        dpo: bool = (1 . 4),
        /// Compare with the data sent, not only by error correction.
        byt_chk: bool = (1 . 1),
        /// First block.
        lba: Lba = (2 .. 6),
        /// Number of blocks.
        blocks: u16 = (7 .. 9),
    }
}

cdb! {
    /// VERIFY (10) (MMC-5, 6.43).
    pub struct Verify10[10] = 0x2f {
        /// Disable page out.
        dpo: bool = (1 . 4),
        /// Compare with data that the host sends.
        byt_chk: bool = (1 . 1),
        /// First block.
        lba: Lba = (2 .. 6),
        /// Number of blocks; zero verifies nothing.
        blocks: u16 = (7 .. 9),
    }
}

cdb! {
    /// SYNCHRONIZE CACHE (MMC-5, 6.41).
    pub struct SynchronizeCache[10] = 0x35 {
        /// Status before the work is done.
        immed: bool = (1 . 1),
        /// First block of what must be written.
        lba: Lba = (2 .. 6),
        /// Number of blocks; all with both zero.
        blocks: u16 = (7 .. 9),
    }
}
