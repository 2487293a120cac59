//! From an image to a disc: a burn is planned, then carried out by a step machine.
//!
//! [`plan`] asks the drive and answers with a [`Plan`] that a person can read and a test can
//! compare, or with the reason why not. [`run`] carries it out: a small loop that executes the
//! steps of a [`Job`] on a device, a clock and an image. Every end, good or bad, comes with the
//! [`DiscState`] that holds then; [`assess`] finds it out anew after an interruption.
//!
//! May not know: file systems (an image is sectors), how the device is reached, and whether time is
//! real.

mod cancel;
mod context;
mod decide;
mod error;
mod event;
mod job;
mod options;
mod outcome;
mod pace;
mod page;
mod phase;
mod plan;
mod run;

pub use crate::drive::WaitReason;
pub use cancel::Cancel;
pub use error::{Class, Error, Fault};
pub use event::{Event, Note, Progress, Stage};
pub use job::{Done, Job, Order, Step, Transfer};
pub use options::{Close, Options, Speed, SpeedParseError, Verify};
pub use outcome::{DiscState, Outcome, Verified};
pub use plan::{CloseStep, Mode, Plan, Renew, SessionBase, plan, session_base};
pub use run::{assess, close_interrupted, run};

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
