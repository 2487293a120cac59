//! Requests that are not about data: task management, NOP-Out, Logout, and the message by which the
//! target asks for a logout (RFC 7143, 11.5, 11.9, 11.14 and 11.18).

use std::sync::Arc;
use std::time::Duration;

use engine::mmc::sense::{SenseCode, SenseKey};

use super::super::target::Ending;
use super::super::wire::{
    AsyncMessage, LogoutRequest, LogoutResponse, NO_TAG, NopIn, NopOut, RejectReason, TaskRequest,
    TaskResponse, function,
};
use super::tasks::{Order, number_of};
use super::{Connection, Unit};
use crate::serve::Reset;

/// Responses to task management (RFC 7143, 11.6.1).
const COMPLETE: u8 = 0;
const NO_TASK: u8 = 1;
const NO_UNIT: u8 = 2;
const NO_REASSIGNMENT: u8 = 4;
const NOT_SUPPORTED: u8 = 5;

/// How long an initiator has for the logout that it is asked for.
const LOGOUT_TIME: Duration = Duration::from_secs(1);

/// The event of an Asynchronous Message that asks for a logout (RFC 7143, 11.9.1).
const LOGOUT_WANTED: u8 = 1;

/// Events that say that a connection, or all of a session, will be dropped.
const CONNECTION_DROPPED: u8 = 2;
const SESSION_DROPPED: u8 = 3;

/// Seconds that an initiator should stay away after its connection has ended.
const TIME_TO_WAIT: u16 = 2;

/// 6/2F/00: commands cleared by another initiator.
const COMMANDS_CLEARED: SenseCode = SenseCode::new(SenseKey::UnitAttention, 0x2f, 0x00);

impl Connection {
    pub(super) fn task_request(&mut self, unit: Unit<'_>) {
        let pdu = TaskRequest::parse_cut(unit.header);
        if !self.in_order(unit, pdu.immediate, pdu.cmd_sn) {
            return;
        }
        if pdu.itt == NO_TAG {
            return self.reject(unit.header, RejectReason::InvalidField);
        }
        if self.must_wait(&pdu) {
            return self.keep(unit, true, pdu.cmd_sn);
        }
        let place = number_of(pdu.lun).and_then(|number| self.target.position(number));
        let of_unit = matches!(
            pdu.function,
            function::ABORT_TASK
                | function::ABORT_TASK_SET
                | function::CLEAR_TASK_SET
                | function::LOGICAL_UNIT_RESET
        );
        let response = match (pdu.function, place) {
            (_, None) if of_unit => NO_UNIT,
            (function::ABORT_TASK, place) => {
                let referred =
                    |order: &Order| order.itt == pdu.referenced_tag && order.unit == place;
                if self.forget(referred) || self.abort_early(&pdu) { COMPLETE } else { NO_TASK }
            }
            (function::ABORT_TASK_SET, place) => {
                self.forget(|order| order.unit == place);
                COMPLETE
            }
            (function::CLEAR_TASK_SET, Some(place)) => {
                // What ended before by somebody else's doing is told apart.
                self.forget_ended();
                self.target.end_tasks(place, Ending::ClearTaskSet);
                self.forget(|order| order.unit == Some(place));
                COMPLETE
            }
            (function::LOGICAL_UNIT_RESET, Some(place)) => {
                self.reset(place, Reset::LogicalUnit);
                COMPLETE
            }
            (function::TARGET_WARM_RESET, _) => {
                self.pass_over_all_before(pdu.cmd_sn);
                self.reset_all(Reset::Target);
                COMPLETE
            }
            (function::TARGET_COLD_RESET, _) => {
                self.reset_all(Reset::Cold);
                COMPLETE
            }
            (function::TASK_REASSIGN, _) => NO_REASSIGNMENT,
            // CLEAR ACA too: no task set here ever has one.
            _ => NOT_SUPPORTED,
        };
        let answer = TaskResponse {
            response,
            itt: pdu.itt,
            stat_sn: self.next_stat_sn(),
            exp_cmd_sn: self.exp_cmd_sn,
            max_cmd_sn: self.max_cmd_sn(),
        };
        self.put(&answer.emit(), &[]);
        if pdu.function == function::TARGET_COLD_RESET {
            // As after power on: all connections end (RFC 7143, 11.5.1).
            self.close();
            self.target.end_all();
        }
        self.go_on();
    }

    /// Forgets these tasks and held answers. Whether there were any.
    fn forget(&mut self, which: impl Fn(&Order) -> bool) -> bool {
        let before = self.tasks.len() + self.held.len();
        self.tasks.retain(|task| !which(&task.order));
        self.held.retain(|held| !which(&held.order));
        before != self.tasks.len() + self.held.len()
    }

    /// Forgets the tasks that a reset or another session's CLEAR TASK SET has ended. Of the latter
    /// nothing else tells the initiator (SAM-5, 5.14.6 and 7.4).
    pub(super) fn forget_ended(&mut self) {
        if self.tasks.is_empty() && self.held.is_empty() {
            return;
        }
        let target = Arc::clone(&self.target);
        let mut cleared = Vec::new();
        let mut stays = |order: &Order| {
            let ending = order.unit.and_then(|unit| target.ending(unit, order.epoch));
            if ending == Some(Ending::ClearTaskSet) {
                cleared.extend(order.unit);
            }
            ending.is_none()
        };
        self.tasks.retain(|task| stays(&task.order));
        self.held.retain(|held| stays(&held.order));
        let Some(member) = &self.session else { return };
        for unit in cleared {
            member.with(unit, |nexus| nexus.tell(COMMANDS_CLEARED));
        }
    }

    fn reset(&mut self, place: usize, kind: Reset) {
        self.target.end_tasks(place, Ending::Reset);
        self.forget(|order| order.unit == Some(place));
        if let Some(session) = &self.session {
            session.with(place, |nexus| nexus.lun().clone().reset(kind, nexus));
        }
    }

    fn reset_all(&mut self, kind: Reset) {
        let units = self.target.numbers().len();
        for place in 0..units {
            self.reset(place, kind);
        }
    }

    pub(super) fn nop_out(&mut self, unit: Unit<'_>) {
        let pdu = NopOut::parse_cut(unit.header);
        if pdu.itt == NO_TAG {
            // The answer to a ping, or just a number of status; it must be immediate.
            if !pdu.immediate {
                self.reject(unit.header, RejectReason::ProtocolError);
            }
            return;
        }
        if !self.in_order(unit, pdu.immediate, pdu.cmd_sn) {
            return;
        }
        // As much as the initiator takes (RFC 7143, 11.19.3).
        let length = unit.data.len().min(self.params.their_segment as usize);
        let answer = NopIn {
            data_length: length as u32,
            lun: [0; 8],
            itt: pdu.itt,
            ttt: NO_TAG,
            stat_sn: self.next_stat_sn(),
            exp_cmd_sn: self.exp_cmd_sn,
            max_cmd_sn: self.max_cmd_sn(),
        };
        self.put(&answer.emit(), &unit.data[..length]);
    }

    pub(super) fn logout_request(&mut self, unit: Unit<'_>) {
        let pdu = LogoutRequest::parse_cut(unit.header);
        if !self.in_order(unit, pdu.immediate, pdu.cmd_sn) {
            return;
        }
        let response = match pdu.reason {
            0 => 0,
            1 if pdu.cid == self.cid => 0,
            1 => 1,
            // Error recovery level 0: no connection is ever recovered.
            2 => 2,
            _ => return self.reject(unit.header, RejectReason::InvalidField),
        };
        let answer = LogoutResponse {
            response,
            itt: pdu.itt,
            stat_sn: self.next_stat_sn(),
            exp_cmd_sn: self.exp_cmd_sn,
            max_cmd_sn: self.max_cmd_sn(),
            time2wait: TIME_TO_WAIT,
            time2retain: 0,
        };
        self.put(&answer.emit(), &[]);
        if response == 0 {
            self.close();
        }
    }

    /// The target has been reset as after power on, and all its connections end (RFC 7143, 11.5.1):
    /// the initiator is told so, behind what is on its way (RFC 7143, 11.9.1).
    pub(super) fn drop_for_reset(&mut self) {
        self.cold_resets = self.target.cold_resets();
        if self.login.is_none() {
            // A discovery session never becomes one of the target's sessions.
            let (event, parameter1) = match self.session {
                Some(_) => (SESSION_DROPPED, 0),
                None => (CONNECTION_DROPPED, self.cid),
            };
            let pdu = AsyncMessage {
                stat_sn: self.next_stat_sn(),
                exp_cmd_sn: self.exp_cmd_sn,
                max_cmd_sn: self.max_cmd_sn(),
                event,
                parameter1,
                parameter2: TIME_TO_WAIT,
                ..AsyncMessage::default()
            };
            self.put(&pdu.emit(), &[]);
        }
        self.close();
    }

    /// The target is about to end.
    pub(super) fn ask_for_logout(&mut self) {
        self.ends_at = Some(self.now + LOGOUT_TIME);
        let pdu = AsyncMessage {
            stat_sn: self.next_stat_sn(),
            exp_cmd_sn: self.exp_cmd_sn,
            max_cmd_sn: self.max_cmd_sn(),
            event: LOGOUT_WANTED,
            // Seconds to do it in.
            parameter3: LOGOUT_TIME.as_secs() as u16,
            ..AsyncMessage::default()
        };
        self.put(&pdu.emit(), &[]);
    }
}
