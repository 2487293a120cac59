//! What surrounds the engine and the virtual drive: the `kiln` program, scenarios and the promises
//! they check.
//!
//! [`job`] is a burn from paths to disc, [`place`] is where it happens (a virtual drive, a device
//! of this machine), [`cli`] is the program. [`scenario`] runs the same jobs from a file that says
//! what goes wrong and what must hold; [`promise`] checkers look at the medium itself.

pub mod carry;
mod cause;
pub mod cli;
pub mod defaults;
pub mod edits;
pub mod exit;
#[doc(hidden)]
pub mod fuzzing;
pub mod job;
pub mod ladder;
pub mod place;
pub mod promise;
pub mod scenario;
pub mod sources;
