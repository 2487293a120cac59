//! Optical disc mastering and burning.
//!
//! From a folder to a disc: [`image`] lays out what goes on the disc, [`burn`] plans and carries
//! out how it gets there, [`drive`] is the recorder as a person knows it. Everything talks to the
//! hardware through one trait, [`device::Device`]; what stands behind it (a real drive, a virtual
//! one, a recorded trace) cannot be told from above.

pub mod burn;
pub mod device;
pub mod drive;
#[doc(hidden)]
pub mod fuzzing;
pub mod host;
pub mod image;
pub mod media;
pub mod mmc;
#[doc(hidden)]
pub mod testing;
pub mod units;
