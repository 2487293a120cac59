//! Scenarios: what is burned on which disc, what goes wrong and when, what must hold.

mod file;

pub use file::*;
