//! Scenarios: what is burned on which disc, what goes wrong and when, what must hold.
//!
//! [`Scenario`] is the file, [`run`] carries it out with the code that the program uses, and checks
//! the promises after each burn. A run that fails ends with the command line that replays it.

mod file;
mod folder;
mod run;
mod trouble;
mod world;

pub use file::*;
pub use run::{Choices, Report, run};
