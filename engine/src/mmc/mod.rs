//! The vocabulary of MMC and the parts of SPC under it: commands, parameter lists, returned
//! structures, sense. Both sides of the boundary speak it; each structure's layout is written once.
//!
//! Replies may be cut short by the allocation length: fixed structures have `parse_cut` besides
//! `parse`, lists are parsed as far as they go. Clauses cited as MMC-5 are numbered as in its last
//! draft; where MMC-6 only renumbers, MMC-5's number is given.
//!
//! May not know: any device, medium rule, or burn procedure.

pub mod buffer;
pub mod cdb;
pub mod cue;
pub mod disc;
pub mod event;
pub mod feature;
pub mod format;
#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod golden;
pub mod inquiry;
pub mod key;
pub mod mechanism;
pub mod modes;
pub mod performance;
pub mod profile;
pub mod say;
pub mod sense;
mod sense_codes;
pub mod structure;
pub mod subchannel;
pub mod table;
pub mod toc;
pub mod wire;
