//! A device that refuses whole classes of commands before they are sent: planning and looking at a
//! drive cannot change it, whatever the code above does wrong.

use crate::device::{Completion, Data, Device, DeviceError, DeviceErrorKind, Limits, Request};
use crate::mmc::say::say;
use crate::mmc::table::{self, Class};

/// Which classes of commands may pass. Commands that are not in the command table never pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guard {
    what: &'static str,
    classes: &'static [Class],
}

impl Guard {
    /// Only questions: nothing that moves, changes, reads user data or writes.
    pub const ASKS_ONLY: Guard = Guard { what: "questions only", classes: &[Class::Asks] };

    /// Everything that leaves the medium as it is, and the drive's firmware.
    pub const NO_WRITING: Guard = Guard {
        what: "no writing",
        classes: &[Class::Asks, Class::ReadsMedium, Class::ChangesState, Class::MovesMechanics],
    };

    /// Everything but what changes the drive for good.
    pub const BURNING: Guard = Guard {
        what: "burning",
        classes: &[
            Class::Asks,
            Class::ReadsMedium,
            Class::ChangesState,
            Class::MovesMechanics,
            Class::WritesMedium,
        ],
    };

    /// Whether commands of this class pass.
    pub fn allows(&self, class: Class) -> bool {
        self.classes.contains(&class)
    }
}

/// A device behind a [`Guard`]. What it refuses fails with [`DeviceErrorKind::Refused`].
#[derive(Debug)]
pub struct Guarded<D> {
    inner: D,
    guard: Guard,
}

impl<D: Device> Guarded<D> {
    /// `inner`, reached only by commands that `guard` allows.
    pub fn new(inner: D, guard: Guard) -> Guarded<D> {
        Guarded { inner, guard }
    }
}

impl<D: Device> Device for Guarded<D> {
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        let allowed =
            table::row(request.cdb.opcode()).is_some_and(|row| self.guard.allows(row.class));
        if !allowed {
            let detail =
                format!("{}, and this drive is open for {}", say(&request.cdb), self.guard.what);
            return Err(DeviceError::new(DeviceErrorKind::Refused, detail));
        }
        self.inner.execute(request, data)
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mmc::cdb::{Blank, Command, Read10, TestUnitReady, WriteBuffer};
    use crate::testing::{Answer, Scripted, request};

    fn try_it(guard: Guard, cdb: crate::device::Cdb) -> (Result<Completion, DeviceError>, usize) {
        let mut drive = Scripted::new().always(cdb.opcode(), Answer::good());
        let result = Guarded::new(&mut drive, guard).execute(&request(cdb), Data::None);
        (result, drive.log().len())
    }

    #[test]
    fn refused_commands_never_reach_the_device() {
        let (result, sent) = try_it(Guard::ASKS_ONLY, Blank::default().cdb());
        assert_eq!(result.unwrap_err().kind, DeviceErrorKind::Refused);
        assert_eq!(sent, 0);
        // Not in the table: nobody knows what it does.
        let (result, sent) = try_it(Guard::BURNING, crate::device::Cdb::new(&[0xd8; 12]));
        assert_eq!(result.unwrap_err().kind, DeviceErrorKind::Refused);
        assert_eq!(sent, 0);
    }

    #[test]
    fn each_preset_draws_its_line() {
        let passes = |guard: Guard, cdb| try_it(guard, cdb).0.is_ok();
        for (guard, read, blank) in [
            (Guard::ASKS_ONLY, false, false),
            (Guard::NO_WRITING, true, false),
            (Guard::BURNING, true, true),
        ] {
            assert!(passes(guard.clone(), TestUnitReady::default().cdb()));
            assert_eq!(passes(guard.clone(), Read10::default().cdb()), read);
            assert_eq!(passes(guard.clone(), Blank::default().cdb()), blank);
            assert!(!passes(guard, WriteBuffer::default().cdb()));
        }
    }
}
