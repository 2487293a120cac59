//! What a bench does for drives that are lent out: nexuses besides the drive's own cable, commands
//! that come at a time, time that leaps, and the end.

use std::sync::Arc;

use engine::device::{Completion, Data, DeviceError, Request};
use engine::mmc::sense::SenseCode;
use engine::units::Instant;

use super::{Bench, DriveId, NexusId};
use crate::fault::What;
use crate::firmware::Wait;

/// What became of a command.
#[derive(Debug)]
pub(crate) struct Executed {
    /// When it came.
    pub(crate) issued: Instant,
    /// When it was answered.
    pub(crate) ended: Instant,
    pub(crate) result: Result<Completion, DeviceError>,
}

impl Bench {
    /// Lets the drive record what is in its buffer and come to the end of what it is at, then
    /// switches it off.
    pub fn switch_off(&self, drive: DriveId) {
        let mut inner = self.lock();
        inner.settle(drive);
        inner.happen(drive, What::PowerCut);
    }

    /// Moves time to there, and the drive with it: what passes the laser until then is on the disc
    /// and in its file, even if nobody ever asks again.
    pub(crate) fn keep_up(&self, drive: DriveId, until: Instant) {
        let mut inner = self.lock();
        inner.run_until(until);
        let now = inner.now;
        if let Some(slot) = inner.drives.get_mut(drive.0) {
            slot.advance(now);
        }
    }

    /// Gives the drive the serial number that lies `further` behind its model's.
    pub(crate) fn number(&self, drive: DriveId, further: u16) {
        let mut inner = self.lock();
        let Some(slot) = inner.drives.get_mut(drive.0) else { return };
        let model = Arc::make_mut(&mut slot.model);
        model.serial = serial(&model.serial, further);
        if let Some(firmware) = &mut slot.firmware {
            firmware.renumbered(Arc::clone(&slot.model));
        }
    }

    /// The drive's standard INQUIRY data, without a command; nothing without power.
    pub(crate) fn inquiry(&self, drive: DriveId) -> Vec<u8> {
        let mut inner = self.lock();
        let now = inner.now;
        let Some(slot) = inner.drives.get_mut(drive.0) else { return Vec::new() };
        let Some(firmware) = &mut slot.firmware else { return Vec::new() };
        firmware.inquiry(&mut slot.disc, now)
    }

    /// A new I_T nexus to the drive besides its own cable. `greeting` is the unit attention with
    /// which it begins (SAM-5, 5.14).
    pub(crate) fn attach(&self, drive: DriveId, greeting: SenseCode) -> NexusId {
        let mut inner = self.lock();
        let Some(slot) = inner.drives.get_mut(drive.0) else { return NexusId::default() };
        slot.named += 1;
        let id = NexusId(slot.named);
        slot.nexuses.push(id);
        if let Some(firmware) = &mut slot.firmware {
            firmware.attach(id, greeting);
        }
        id
    }

    /// Establishes a unit attention condition for one nexus.
    pub(crate) fn tell(&self, drive: DriveId, nexus: NexusId, code: SenseCode) {
        let mut inner = self.lock();
        if let Some(slot) = inner.drives.get_mut(drive.0)
            && let Some(firmware) = &mut slot.firmware
        {
            firmware.tell(nexus, code);
        }
    }

    /// A nexus is lost: what it prevented is allowed again.
    pub(crate) fn detach(&self, drive: DriveId, nexus: NexusId) {
        let mut inner = self.lock();
        let Some(slot) = inner.drives.get_mut(drive.0) else { return };
        slot.nexuses.retain(|&other| other != nexus);
        if let Some(firmware) = &mut slot.firmware {
            firmware.detach(nexus);
        }
    }

    /// Resets the drive now; all nexuses are told so with this code.
    pub(crate) fn reset(&self, drive: DriveId, code: SenseCode) {
        let mut inner = self.lock();
        let now = inner.now;
        if let Some(slot) = inner.drives.get_mut(drive.0) {
            slot.reset(code, now);
        }
    }

    /// Carries out a command that comes at this time, or now if that has passed.
    pub(crate) fn execute_at(
        &self,
        (drive, nexus): (DriveId, NexusId),
        at: Instant,
        request: &Request,
        mut data: Data<'_>,
    ) -> Executed {
        let mut inner = self.lock();
        if at > inner.now {
            inner.run_until(at);
        }
        let issued = inner.now;
        let result = inner.execute(drive, nexus, request, &mut data);
        Executed { issued, ended: inner.now, result }
    }

    /// Lets time pass for a host that waits for the drive. Whether it had to wait.
    pub(crate) fn leap(&self, drive: DriveId, wait: Wait) -> bool {
        let mut inner = self.lock();
        let now = inner.now;
        let Some(slot) = inner.drives.get_mut(drive.0) else { return false };
        slot.advance(now);
        let until = slot.firmware.as_mut().and_then(|firmware| firmware.leap(wait, now));
        if let Some(until) = until {
            inner.run_until(until);
        }
        until.is_some()
    }
}

/// A serial number with its last digits counted up.
fn serial(first: &str, further: u16) -> String {
    let head = first.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &first[head.len()..];
    let width = digits.len();
    let number = digits.parse::<u64>().unwrap_or(0).saturating_add(further.into());
    let text = format!("{number:0width$}");
    // What does not fit is dropped in front: the last digits are those that differ.
    format!("{head}{}", &text[text.len().saturating_sub(width.max(1))..])
}

#[cfg(test)]
mod tests {
    use super::serial;

    #[test]
    fn serial_numbers_count_in_their_last_digits() {
        assert_eq!(serial("KLBD09000001", 0), "KLBD09000001");
        assert_eq!(serial("KLBD09000009", 3), "KLBD09000012");
        assert_eq!(serial("A99", 1), "A00");
        assert_eq!(serial("NONE", 2), "NONE2");
    }
}
