//! Requests that have come before their turn: they wait until those before them have come, too, and
//! are taken in their order then (RFC 7143, 4.2.2.1).
//!
//! What waits is bounded: the command window bounds how many there are, and [`MOST_EARLY`] how many
//! bytes. May not know: what a request wants.

use super::super::wire::{BHS, DataOut, RejectReason, ScsiCommand, TaskRequest, function, opcode};
use super::{Connection, Unit, WINDOW};

/// Bytes that may wait for their turn.
const MOST_EARLY: usize = 4 << 20;

/// Immediate requests that may wait for those before them.
const MOST_IMMEDIATE: usize = 16;

/// Requests that have come early.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// By nothing in particular: there are few.
    all: Vec<Waiting>,
    bytes: usize,
}

/// A request whose turn has not come, and the data that followed it.
#[derive(Debug)]
struct Waiting {
    cmd_sn: u32,
    /// It acts on what came before it, and has no turn of its own.
    immediate: bool,
    /// None: it was aborted, and only its number counts.
    itt: Option<u32>,
    lun: [u8; 8],
    units: Vec<Kept>,
}

/// A unit that has been kept.
#[derive(Debug)]
pub(super) struct Kept {
    header: [u8; BHS],
    ahs: Vec<u8>,
    data: Vec<u8>,
    intact: bool,
}

impl Kept {
    fn of(unit: Unit<'_>) -> Kept {
        let (ahs, data) = (unit.ahs.to_vec(), unit.data.to_vec());
        Kept { header: *unit.header, ahs, data, intact: unit.intact }
    }

    pub(super) fn unit(&self) -> Unit<'_> {
        Unit { header: &self.header, ahs: &self.ahs, data: &self.data, intact: self.intact }
    }

    fn length(&self) -> usize {
        BHS + self.ahs.len() + self.data.len()
    }
}

impl Early {
    /// Whether a task of this tag waits here.
    pub(super) fn has(&self, itt: u32) -> bool {
        self.all.iter().any(|waiting| waiting.itt == Some(itt))
    }

    /// Forgets the SCSI commands for which this holds, but not their numbers. Whether there were
    /// any.
    fn forget(&mut self, which: impl Fn(u32, [u8; 8], u32) -> bool) -> bool {
        let mut any = false;
        for waiting in &mut self.all {
            let command = waiting.units.first().is_some_and(|first| is_command(&first.header));
            let Some(itt) = waiting.itt.filter(|_| command) else { continue };
            if which(itt, waiting.lun, waiting.cmd_sn) {
                any = true;
                waiting.itt = None;
                let gone: usize = waiting.units.drain(..).map(|kept| kept.length()).sum();
                self.bytes -= gone;
            }
        }
        any
    }

    pub(super) fn clear(&mut self) {
        *self = Early::default();
    }

    fn has_room(&self, unit: Unit<'_>) -> bool {
        self.bytes + BHS + unit.ahs.len() + unit.data.len() <= MOST_EARLY
    }
}

fn is_command(header: &[u8; BHS]) -> bool {
    header[0] & 0x3f == opcode::SCSI_COMMAND
}

impl Connection {
    /// Keeps a request until its turn comes. Of two with one number the second is ignored.
    pub(super) fn keep(&mut self, unit: Unit<'_>, immediate: bool, cmd_sn: u32) {
        let fields = ScsiCommand::parse_cut(unit.header);
        let same = |w: &Waiting| !immediate && !w.immediate && w.cmd_sn == cmd_sn;
        if self.early.all.iter().any(same) {
            return;
        }
        let immediates = self.early.all.iter().filter(|waiting| waiting.immediate).count();
        if immediate && immediates >= MOST_IMMEDIATE {
            return self.reject(unit.header, RejectReason::ImmediateCommand);
        }
        if !self.early.has_room(unit) {
            // What it did not take it cannot number, so the order cannot be kept.
            self.reject(unit.header, RejectReason::ProtocolError);
            return self.close();
        }
        let kept = Kept::of(unit);
        self.early.bytes += kept.length();
        let (itt, lun) = (Some(fields.itt), fields.lun);
        self.early.all.push(Waiting { cmd_sn, immediate, itt, lun, units: vec![kept] });
    }

    /// Keeps unsolicited data with the command that it belongs to, if that one waits for its turn.
    pub(super) fn keep_data(&mut self, unit: Unit<'_>) {
        let itt = DataOut::parse_cut(unit.header).itt;
        let has_room = self.early.has_room(unit);
        let Some(at) = self.early.all.iter().position(|waiting| waiting.itt == Some(itt)) else {
            // Of a task that has ended while its data was on the way.
            return;
        };
        if !has_room {
            self.reject(unit.header, RejectReason::ProtocolError);
            return self.close();
        }
        let kept = Kept::of(unit);
        self.early.bytes += kept.length();
        self.early.all[at].units.push(kept);
    }

    /// The units of the next request whose turn has come. Numbers without a request are passed
    /// over.
    pub(super) fn next_in_turn(&mut self) -> Option<Vec<Kept>> {
        loop {
            let next = self.exp_cmd_sn;
            let mut due = self.early.all.iter().enumerate().filter(|(_, w)| w.cmd_sn == next);
            // What is immediate acts on the commands before it, so it comes before this one.
            let (at, _) = due.clone().find(|(_, w)| w.immediate).or_else(|| due.next())?;
            let waiting = self.early.all.swap_remove(at);
            self.early.bytes -= waiting.units.iter().map(Kept::length).sum::<usize>();
            if waiting.itt.is_some() {
                return Some(waiting.units);
            }
            self.count(next);
        }
    }

    /// Whether a task management request has to wait for commands before it that have not come
    /// (RFC 7143, 4.2.3.2): only then is it known what it acts on.
    pub(super) fn must_wait(&self, pdu: &TaskRequest) -> bool {
        let of_set = matches!(
            pdu.function,
            function::ABORT_TASK_SET | function::CLEAR_TASK_SET | function::LOGICAL_UNIT_RESET
        );
        let ahead = pdu.cmd_sn.wrapping_sub(self.exp_cmd_sn);
        pdu.immediate && of_set && ahead > 0 && ahead <= WINDOW
    }

    /// ABORT TASK of a command that waits for its turn, or has not come at all: its number counts
    /// as received (RFC 7143, 11.6.1). Whether it is one of these.
    pub(super) fn abort_early(&mut self, pdu: &TaskRequest) -> bool {
        let (tag, lun) = (pdu.referenced_tag, pdu.lun);
        if self.early.forget(|itt, of, _| itt == tag && of == lun) {
            return true;
        }
        let number = pdu.ref_cmd_sn;
        let ahead = number.wrapping_sub(self.exp_cmd_sn);
        let before = pdu.cmd_sn.wrapping_sub(self.exp_cmd_sn);
        let taken = |waiting: &Waiting| !waiting.immediate && waiting.cmd_sn == number;
        if ahead >= before || before > WINDOW || self.early.all.iter().any(taken) {
            return false;
        }
        self.pass_over(number);
        true
    }

    /// A request to the whole target: what has not come of the commands before it counts as
    /// received, and what has come is forgotten (RFC 7143, 4.2.3.2).
    pub(super) fn pass_over_all_before(&mut self, cmd_sn: u32) {
        let before = cmd_sn.wrapping_sub(self.exp_cmd_sn);
        if before > WINDOW {
            return;
        }
        let first = self.exp_cmd_sn;
        self.early.forget(|_, _, number| number.wrapping_sub(first) < before);
        for ahead in 0..before {
            let number = first.wrapping_add(ahead);
            let taken = |w: &Waiting| !w.immediate && w.cmd_sn == number;
            if !self.early.all.iter().any(taken) {
                self.pass_over(number);
            }
        }
    }

    fn pass_over(&mut self, cmd_sn: u32) {
        let (lun, units) = ([0; 8], Vec::new());
        self.early.all.push(Waiting { cmd_sn, immediate: false, itt: None, lun, units });
    }
}
