//! The vocabulary of MMC and the parts of SPC under it: commands, parameter lists, returned
//! structures, sense. Both sides of the boundary speak it; each structure's layout is written once.
//!
//! May not know: any device, medium rule, or burn procedure.

pub mod cdb;
pub mod wire;
