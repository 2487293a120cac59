//! The drive as a person beside it would describe it: door, lamp, buffer.

use engine::units::{Instant, Kbps};

use super::{Firmware, Tray};
use crate::medium::Disc;

/// A drive with power at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// The tray is out.
    pub(crate) open: bool,
    /// A host has locked the door.
    pub(crate) locked: bool,
    /// What long operation runs, and how far it is in 65536ths.
    pub(crate) busy: Option<(&'static str, u16)>,
    /// Writing speed, if the disc in it can be written.
    pub(crate) write: Option<Kbps>,
    /// Reading speed.
    pub(crate) read: Option<Kbps>,
    /// Bytes that the buffer holds when full.
    pub(crate) buffer: usize,
    /// Bytes in it that are not recorded yet.
    pub(crate) buffered: usize,
}

impl Firmware {
    /// What can be seen of it now.
    pub(crate) fn look(&mut self, disc: &mut Option<Disc>, now: Instant) -> Look {
        self.advance(disc, now);
        let family = disc.as_ref().map(|disc| disc.state().kind().family());
        let rate = |speed: Option<crate::models::Speed>| Some(speed?.kbps(family?));
        let job = self.job.as_ref().filter(|job| !job.is_over());
        Look {
            open: self.tray == Tray::Out,
            locked: self.is_locked(),
            busy: job.map(|job| (job.busy.name(), job.progress(now))),
            write: rate(self.laser.write_speed()),
            read: rate(self.laser.read_speed()),
            buffer: self.laser.size(),
            buffered: self.laser.size() - self.laser.room(),
        }
    }
}
