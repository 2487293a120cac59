//! The promises, checked by code that looks at the medium itself and not at what the engine says.
//!
//! Each file checks one, says at its head what it verifies and when, and has a test that it bites.
//! May not know: how a scenario is written, or how it was run.

mod determinism;
mod kept;
mod statement;
mod success;
mod undisturbed;
mod unlocked;
mod whole;
mod witness;

use std::fmt;

pub use determinism::Fingerprint;
pub use kept::{kept, kept_but_grown};
pub use statement::{Seen, statement};
pub use success::success;
pub use undisturbed::Bystander;
pub use unlocked::{BOUND, unlocked, within_bound};
pub use whole::{Shown, whole};
pub use witness::Witness;

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Its number in ARCHITECTURE.md.
    pub promise: u8,
    /// What is so and should not be.
    pub what: String,
}

impl Breach {
    /// A breach of promise `promise`.
    pub fn new(promise: u8, what: impl Into<String>) -> Breach {
        Breach { promise, what: what.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "promise {} is broken: {}", self.promise, self.what)
    }
}
