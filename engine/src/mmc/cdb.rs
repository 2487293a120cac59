//! Command descriptor blocks.

use crate::device::Cdb;
use crate::mmc::wire::cdb;
use crate::units::Lba;

/// A command with a typed CDB.
pub trait Command {
    /// The operation code.
    const OPCODE: u8;
    /// The CDB as it goes over the wire.
    fn cdb(&self) -> Cdb;
}

cdb! {
    /// WRITE (10) (MMC-6, 6.44).
    pub struct Write10[10] = 0x2a {
        /// Force unit access: on the medium before status.
        fua: bool = (1 . 3),
        /// First block.
        lba: Lba = (2..6),
        /// Number of blocks.
        blocks: u16 = (7..9),
    }
}
