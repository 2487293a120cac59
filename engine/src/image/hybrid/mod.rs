//! Partition tables, for images that are copied to a disk as they are: wire layouts, written once,
//! parsed and emitted from there.
//!
//! May not know: what is partitioned; callers say. Positions are in sectors of 512 bytes unless a
//! table counts otherwise.

pub mod apm;
pub mod gpt;
pub mod mbr;

/// Bytes of a sector of a disk, as partition tables count.
pub const SECTOR: usize = 512;
