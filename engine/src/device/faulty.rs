//! Transport faults on purpose: a chosen command finds the device gone, reset or silent, before it
//! was carried out or after. Which one is counted, never drawn, so a run repeats itself.

use std::fmt;
use std::str::FromStr;

use crate::device::{
    Clock, Completion, Data, Device, DeviceError, DeviceErrorKind, Limits, Request,
};
use crate::mmc::table::{self, Class};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The device is gone, and stays so.
    Gone,
    /// The bus is reset.
    Reset,
    /// The answer never comes: the command's time limit passes.
    TimedOut,
}

/// When it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultMoment {
    /// The command does not reach the device.
    Before,
    /// The device carries it out, its answer is lost.
    After,
}

/// Which commands count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultTarget {
    /// All.
    Any,
    /// Those of this operation code.
    Opcode(u8),
    /// Those of this class in the command table.
    Class(Class),
}

/// One fault: at the `count`th command that counts (from 1).
///
/// As text: `gone@12`, `reset@2a#3`, `timeout@writes#5/after`: kind, then which command (its number
/// among all, or after an operation code in two hexadecimal digits or a class among these), then
/// `/after` where the command is carried out. Classes: `asks`, `reads`, `state`, `moves`, `writes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// When.
    pub moment: FaultMoment,
    /// Which commands count.
    pub target: FaultTarget,
    /// The how-manyth of them, from 1.
    pub count: u64,
}

/// Faults of one run.
pub type FaultPlan = Vec<Fault>;

const KINDS: [(FaultKind, &str); 3] =
    [(FaultKind::Gone, "gone"), (FaultKind::Reset, "reset"), (FaultKind::TimedOut, "timeout")];

const CLASSES: [(Class, &str); 6] = [
    (Class::Asks, "asks"),
    (Class::ReadsMedium, "reads"),
    (Class::ChangesState, "state"),
    (Class::MovesMechanics, "moves"),
    (Class::WritesMedium, "writes"),
    (Class::ChangesDrive, "firmware"),
];

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = KINDS.iter().find(|(kind, _)| *kind == self.kind).map_or("", |(_, name)| name);
        write!(f, "{kind}@")?;
        match self.target {
            FaultTarget::Any => {}
            FaultTarget::Opcode(opcode) => write!(f, "{opcode:02x}#")?,
            FaultTarget::Class(class) => {
                let name = CLASSES.iter().find(|(c, _)| *c == class).map_or("", |(_, name)| name);
                write!(f, "{name}#")?;
            }
        }
        write!(f, "{}", self.count)?;
        if self.moment == FaultMoment::After { f.write_str("/after") } else { Ok(()) }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let wrong = || {
            format!(
                "`{text}` is no transport fault: write like gone@12, reset@2a#3 or \
                 timeout@writes#5/after"
            )
        };
        let (kind, rest) = text.split_once('@').ok_or_else(wrong)?;
        let (rest, moment) = match rest.strip_suffix("/after") {
            Some(rest) => (rest, FaultMoment::After),
            None => (rest, FaultMoment::Before),
        };
        let (target, count) = match rest.split_once('#') {
            None => (FaultTarget::Any, rest),
            Some((name, count)) => {
                let class = CLASSES.iter().find(|(_, class)| *class == name);
                let opcode = || u8::from_str_radix(name, 16).ok().filter(|_| name.len() == 2);
                let target = match class {
                    Some((class, _)) => FaultTarget::Class(*class),
                    None => FaultTarget::Opcode(opcode().ok_or_else(wrong)?),
                };
                (target, count)
            }
        };
        Ok(Fault {
            kind: KINDS.iter().find(|(_, name)| *name == kind).ok_or_else(wrong)?.0,
            moment,
            target,
            count: count.parse().ok().filter(|&count| count > 0).ok_or_else(wrong)?,
        })
    }
}

/// A device around a device whose wire fails by plan.
#[derive(Debug)]
pub struct Faulty<D, C> {
    inner: D,
    clock: C,
    plan: Vec<(Fault, u64)>,
    gone: bool,
}

impl<D: Device, C: Clock> Faulty<D, C> {
    /// `inner` behind a wire that fails so. A time-out passes on `clock`, which must be the clock
    /// that `inner` lives by.
    pub fn new(inner: D, clock: C, plan: FaultPlan) -> Faulty<D, C> {
        let plan = plan.into_iter().map(|fault| (fault, 0)).collect();
        Faulty { inner, clock, plan, gone: false }
    }

    /// Counts the command and says which fault, if any, hits it: the first in the plan.
    fn count(&mut self, request: &Request) -> Option<Fault> {
        let opcode = request.cdb.opcode();
        let class = table::row(opcode).map(|row| row.class);
        let mut hit = None;
        for (fault, seen) in &mut self.plan {
            let counts = match fault.target {
                FaultTarget::Any => true,
                FaultTarget::Opcode(wanted) => wanted == opcode,
                FaultTarget::Class(wanted) => class == Some(wanted),
            };
            if counts {
                *seen += 1;
                if *seen == fault.count {
                    hit = hit.or(Some(*fault));
                }
            }
        }
        hit
    }
}

impl<D: Device, C: Clock> Device for Faulty<D, C> {
    fn execute(&mut self, request: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        let gone = || DeviceError::new(DeviceErrorKind::Gone, "by the fault plan");
        if self.gone {
            return Err(gone());
        }
        let Some(fault) = self.count(request) else {
            return self.inner.execute(request, data);
        };
        let issued = self.clock.now();
        if fault.moment == FaultMoment::After {
            // What the drive says is what gets lost.
            self.inner.execute(request, data)?;
        }
        let detail = format!("by the fault plan ({fault})");
        match fault.kind {
            FaultKind::Gone => {
                self.gone = true;
                Err(gone())
            }
            FaultKind::Reset => Err(DeviceError::new(DeviceErrorKind::Reset, detail)),
            FaultKind::TimedOut => {
                self.clock.wait_until(issued + request.timeout);
                Err(DeviceError::new(DeviceErrorKind::TimedOut, detail))
            }
        }
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::{Cdb, ManualClock};
    use crate::testing::{Answer, Scripted, request};
    use crate::units::Instant;

    const WRITE: &[u8] = &[0x2a, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    /// Sends TEST UNIT READY, WRITE, TEST UNIT READY, WRITE; returns how each ended and how many
    /// reached the drive.
    fn run(plan: &str, clock: &ManualClock) -> (Vec<Option<DeviceErrorKind>>, usize) {
        let mut drive = Scripted::new().always(0, Answer::good()).always(0x2a, Answer::good());
        let plan = vec![plan.parse().unwrap()];
        let mut faulty = Faulty::new(&mut drive, clock.clone(), plan);
        let ends = [&[0; 6], WRITE, &[0; 6], WRITE]
            .map(|cdb| faulty.execute(&request(Cdb::new(cdb)), Data::None).err().map(|e| e.kind));
        (ends.to_vec(), drive.log().len())
    }

    #[test]
    fn the_counted_command_fails_and_no_other() {
        use DeviceErrorKind::{Gone, Reset, TimedOut};
        let clock = ManualClock::new();
        assert_eq!(run("reset@2", &clock), (vec![None, Some(Reset), None, None], 3));
        assert_eq!(run("reset@2a#2/after", &clock), (vec![None, None, None, Some(Reset)], 4));
        assert_eq!(
            run("gone@writes#1", &clock),
            (vec![None, Some(Gone), Some(Gone), Some(Gone)], 1)
        );
        assert_eq!(clock.now(), Instant::ZERO);
        assert_eq!(
            run("timeout@asks#1/after", &clock),
            (vec![Some(TimedOut), None, None, None], 4)
        );
        assert_eq!(clock.now(), Instant::ZERO + request(Cdb::new(&[0; 6])).timeout);
    }

    #[test]
    fn faults_print_as_they_are_written() {
        for text in ["gone@12", "reset@2a#3", "timeout@writes#5/after", "gone@1/after"] {
            assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
        }
        for text in ["gone", "gone@0", "melt@1", "gone@xyz#1", "gone@2a#", "gone@1/before"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
