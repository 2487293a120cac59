//! The wall clock as a value, so that tests can hold it in their hands.

use std::fmt;
use std::time::Instant;

/// A clock on the wall.
pub trait Wall: fmt::Debug + Send + Sync {
    /// The time now. Never goes back.
    fn now(&self) -> Instant;
}

/// The host's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostWall;

impl Wall for HostWall {
    #[expect(clippy::disallowed_methods, reason = "pacing a drive to real time needs the clock")]
    fn now(&self) -> Instant {
        Instant::now()
    }
}
