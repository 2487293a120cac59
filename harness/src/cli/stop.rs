//! The interrupt key: the first asks for a safe end, the second ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

use engine::burn::Cancel;
use engine::host;

/// A flag of the signal handlers, and the cancel of the job that it must reach.
#[derive(Debug)]
pub(super) struct Stop {
    raised: &'static AtomicBool,
    cancel: Cancel,
}

impl Stop {
    /// From now on the interrupt key asks instead of killing.
    pub(super) fn listen() -> Stop {
        Stop { raised: host::on_interrupt(), cancel: Cancel::new() }
    }

    /// What jobs look at. It knows of the key once [`Stop::asked`] has been called after it.
    pub(super) fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// Whether the user asked to stop.
    pub(super) fn asked(&self) -> bool {
        let asked = self.raised.load(Ordering::Relaxed);
        if asked {
            self.cancel.cancel();
        }
        asked
    }
}
