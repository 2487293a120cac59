//! What goes wrong, and when: faults as data, put into the bench's schedule.
//!
//! Knows nothing of how they are brought about.

use std::time::Duration;

use engine::units::{Blocks, Instant, Lba};

/// When a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At this instant, whatever goes on then.
    At(Instant),
    /// Just before the drive gets its command of this number, counted from 0.
    Before(u64),
    /// Just after the drive has carried out its command of this number, before the host hears of
    /// it.
    After(u64),
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The plug is pulled: what was not recorded is lost.
    PowerCut,
    /// The plug goes in again.
    PowerOn,
    /// A hand forces the tray open and takes the disc.
    MediumRemoved,
    /// From now on, these blocks cannot be recorded.
    WriteError(Lba, Blocks),
    /// From now on, these blocks cannot be read.
    ReadError(Lba, Blocks),
    /// The drive does not answer for so long; a host that waits less gives the command up, which
    /// the drive carries out all the same.
    Hang(Duration),
    /// A bus reset: the command at hand is lost, and so is the host's state in the drive.
    Reset,
}

/// A fault of one drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When.
    pub when: When,
    /// What.
    pub what: What,
}
