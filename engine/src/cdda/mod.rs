//! What lies in a sector of a CD: synchronization, header, error codes, scrambling, sub-channels
//! and the packs in them.
//!
//! Pure functions from bytes to bytes. May not know: drives, commands, discs.

pub mod packs;
pub mod sector;
pub mod subchannel;

/// Bytes of a sector's main channel (ECMA-130, 20).
pub const FRAME: usize = 2352;

/// Bytes of a sector's eight sub-channels P to W, one bit of each in every byte (ECMA-130, 22).
pub const SUBCODE: usize = 96;
