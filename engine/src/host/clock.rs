//! The machine's monotonic clock as a [`Clock`]: the one place in `engine` that asks it or sleeps.
#![allow(clippy::disallowed_methods, reason = "the place where host time enters")]

use std::thread;
use std::time;

use crate::device::Clock;
use crate::units::Instant;

/// Host time, counted from the moment the value was made.
#[derive(Clone, Copy, Debug)]
pub struct HostClock {
    start: time::Instant,
}

impl HostClock {
    /// A clock that starts now.
    pub fn new() -> HostClock {
        HostClock { start: time::Instant::now() }
    }
}

impl Default for HostClock {
    fn default() -> HostClock {
        HostClock::new()
    }
}

impl Clock for HostClock {
    fn now(&self) -> Instant {
        Instant::ZERO + self.start.elapsed()
    }

    fn wait_until(&self, until: Instant) {
        thread::sleep(until.since(self.now()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn waiting_reaches_the_instant() {
        let clock = HostClock::new();
        let until = clock.now() + Duration::from_millis(5);
        clock.wait_until(until);
        assert!(clock.now() >= until);
        clock.wait_until(Instant::ZERO);
    }
}
