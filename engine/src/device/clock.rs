//! Time as an argument: every wait, time-out, rate and estimate goes through a [`Clock`].

use crate::units::Instant;

/// Host time or simulated time.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Instant;

    /// Returns once `now() >= until`. Simulated clocks return at once, having moved themselves.
    fn wait_until(&self, until: Instant);
}

impl<C: Clock + ?Sized> Clock for &C {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn wait_until(&self, until: Instant) {
        (**self).wait_until(until);
    }
}
