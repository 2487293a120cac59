//! The wall clock as a value, so that tests can hold it in their hands.

use std::fmt;
use std::time::{Instant, SystemTime};

/// A clock on the wall.
pub trait Wall: fmt::Debug + Send + Sync {
    /// The time now. Never goes back.
    fn now(&self) -> Instant;

    /// The date now: nanoseconds since 1970.
    fn date(&self) -> u64;
}

/// The host's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostWall;

impl Wall for HostWall {
    #[expect(clippy::disallowed_methods, reason = "pacing a drive to real time needs the clock")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "captures bear the date of what they show")]
    fn date(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_nanos() as u64)
    }
}
