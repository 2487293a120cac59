//! A virtual optical recorder.
//!
//! Three layers, each state in exactly one of them: the [`medium`] (what the laser left, and all
//! that survives a power cut), the [`mechanism`] (where a block lies and what everything costs in
//! time), the firmware (MMC as the host sees it). A [`mod@bench`] holds drives and discs and moves
//! time; [`fault`]s go into its schedule; [`truth`] is what checkers see of a disc. [`models`] are
//! the drives and discs as data; [`store`] is the disc file; [`timeline`] and [`rng`] keep runs
//! repeatable. No wall clock, no sleeping, no randomness but from a seed; only [`serve`], which
//! lends drives to other programs, knows what time it is.

pub mod bench;
pub mod drive;
pub mod fault;
mod firmware;
#[doc(hidden)]
pub mod fuzzing;
pub mod mechanism;
pub mod medium;
pub mod models;
pub mod rng;
pub mod serve;
pub mod store;
pub mod timeline;
pub mod truth;

pub use drive::{OpenError, Virtual, VirtualDrive, open};
