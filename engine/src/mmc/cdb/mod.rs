//! Command descriptor blocks, one typed structure each, grouped by what they are about.
//!
//! A CDB is parsed with [`Command::from_cdb`], which never fails: whether the operation code is
//! known and the CDB long enough is the command table's to say ([`crate::mmc::table`]). Reserved
//! bits and the logical unit number of old hosts (byte 1, bits 7 to 5) are ignored.

mod audio;
mod block;
mod disc;
mod drive;
mod primary;
mod transfer;

pub use audio::*;
pub use block::*;
pub use disc::*;
pub use drive::*;
pub use primary::*;
pub use transfer::*;

use crate::device::Cdb;

/// A command with a typed CDB.
pub trait Command: Sized {
    /// The operation code.
    const OPCODE: u8;

    /// Length of the CDB in bytes. Hosts may send it padded with zeros.
    const LENGTH: usize;

    /// The CDB as it goes over the wire.
    fn cdb(&self) -> Cdb;

    /// The fields of a CDB, whatever its operation code; bytes that are not there read as zero.
    fn from_cdb(cdb: &Cdb) -> Self;
}
