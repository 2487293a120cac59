//! Time as an argument: every wait, time-out, rate and estimate goes through a [`Clock`].

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

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

impl<C: Clock + ?Sized> Clock for Rc<C> {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn wait_until(&self, until: Instant) {
        (**self).wait_until(until);
    }
}

/// A clock that moves only when it is told to: by waiting, or by [`ManualClock::advance`]. Clones
/// are the same clock. For replays and tests.
#[derive(Clone, Debug, Default)]
pub struct ManualClock {
    now: Rc<Cell<Instant>>,
}

impl ManualClock {
    /// A clock at its start.
    pub fn new() -> ManualClock {
        ManualClock::default()
    }

    /// Lets this much time pass.
    pub fn advance(&self, span: Duration) {
        self.now.set(self.now.get() + span);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.now.get()
    }

    /// Jumps to `until`; never back.
    fn wait_until(&self, until: Instant) {
        self.now.set(self.now.get().max(until));
    }
}
