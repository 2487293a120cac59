//! Whether to wait awake for what comes next. A thread that sleeps between commands that follow
//! each other closely costs both sides more than one that looks again and again: each answer is
//! then had before the initiator goes to sleep itself, and neither has to be woken.
//!
//! May not know: what comes, from where.

use std::time::{Duration, Instant};

/// The longest time awake in vain. Some ten times what an initiator needs between two commands, and
/// some ten times less than what would be felt.
const LONGEST: Duration = Duration::from_micros(200);

/// One side of a conversation, as it has gone so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Awake {
    /// When something came last.
    last: Instant,
    /// Whether what came last had come soon.
    brisk: bool,
}

impl Awake {
    /// Nothing has come before `now`.
    pub(super) fn new(now: Instant) -> Awake {
        Awake { last: now, brisk: false }
    }

    /// Something came.
    pub(super) fn came(&mut self, now: Instant) {
        self.brisk = self.is_soon(now);
        self.last = now;
    }

    /// Whether it is worth looking again at once.
    pub(super) fn stays(&self, now: Instant) -> bool {
        self.brisk && self.is_soon(now)
    }

    fn is_soon(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) < LONGEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::wall::{HostWall, Wall};

    #[test]
    fn only_who_hears_much_stays_awake_and_not_for_long() {
        let start = HostWall.now();
        let at = |micros| start + Duration::from_micros(micros);
        let mut awake = Awake::new(start);
        assert!(!awake.stays(at(1)), "nothing came yet");
        awake.came(at(1000));
        assert!(!awake.stays(at(1001)), "it came after a long time");
        awake.came(at(1050));
        assert!(awake.stays(at(1051)), "two came one after the other");
        assert!(awake.stays(at(1249)));
        assert!(!awake.stays(at(1250)), "nothing followed");
        awake.came(at(2000));
        assert!(!awake.stays(at(2001)), "it is over");
        // A clock that two cores disagree on does no harm.
        awake.came(at(1990));
        assert!(awake.stays(at(1980)));
    }
}
