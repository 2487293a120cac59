//! One connection as a state machine without input or output of its own: bytes are put into
//! [`Connection::room`], [`Connection::run`] does what can be done by now, [`Connection::output`]
//! is to be sent, and [`Connection::due`] says when to run again even if nothing comes.
//!
//! Memory is bounded at any time: the input holds one unit of the greatest length and a little
//! more, units are taken only while little output waits, tasks and requests that came before their
//! turn are as many as the command window, and only the first of each logical unit is asked for its
//! data.
//!
//! May not know: sockets, threads, the clock: time is an argument.

mod answer;
mod buffers;
mod early;
mod local;
mod login;
mod manage;
mod start;
mod tasks;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use self::answer::Held;
use self::buffers::{Digests, Input, Output};
use self::early::Early;
use self::login::Login;
use self::tasks::Task;
use super::keys::Params;
use super::target::{Member, Target, Waker};
use super::wire::{BHS, Crc32c, Header, NO_TAG, NopIn, Reject, RejectReason, crc32c, opcode};
use crate::serve::trace::Tap;

/// Commands that an initiator may have sent ahead.
const WINDOW: u32 = 64;

/// Output that is enough to be sent before more is done: much more at once would leave the
/// initiator idle meanwhile.
const ENOUGH: usize = 128 << 10;

/// Input before and after the login. After it, several units fit.
const LOGIN_INPUT: usize = 12 << 10;
const FULL_INPUT: usize = 640 << 10;

/// Additional header segments, at most.
const MOST_AHS: usize = 1020;

/// A connection.
pub(crate) struct Connection {
    target: Arc<Target>,
    local: SocketAddr,
    waker: Waker,
    input: Input,
    output: Output,
    now: Instant,
    /// The login, while it goes on.
    login: Option<Box<Login>>,
    /// The session; none in a discovery session.
    session: Option<Member>,
    /// Cold resets of the target before it came.
    cold_resets: u64,
    params: Params,
    cid: u16,
    stat_sn: u32,
    exp_cmd_sn: u32,
    /// Commands that wait for data or for their turn, in their order.
    tasks: VecDeque<Task>,
    /// Requests that came before their turn.
    early: Early,
    /// Answers that may not be sent yet.
    held: Vec<Held>,
    last_ttt: u32,
    /// Text of a request that is not complete.
    text: Vec<u8>,
    began: Instant,
    /// When the initiator was heard last.
    heard: Instant,
    /// It was asked then whether it is there.
    pinged: Option<Instant>,
    /// The initiator has been asked to log out, and has until then.
    ends_at: Option<Instant>,
    /// Nothing more is taken; what is to be sent still goes out.
    closing: bool,
}

/// One protocol data unit as it came.
#[derive(Clone, Copy)]
struct Unit<'a> {
    header: &'a [u8; BHS],
    ahs: &'a [u8],
    data: &'a [u8],
    /// The data matches its digest.
    intact: bool,
}

/// What the bytes at hand begin with.
enum Frame<'a> {
    /// Not all of a unit.
    Part,
    /// A unit, and its length on the wire.
    Whole(Unit<'a>, usize),
    /// Something that no unit follows. Its header is to be rejected for this reason, if any.
    Broken(Option<(&'a [u8; BHS], RejectReason)>),
}

impl Connection {
    /// A connection that has just been accepted at this address.
    pub(crate) fn new(
        target: Arc<Target>,
        local: SocketAddr,
        waker: Waker,
        tap: Option<Tap>,
        now: Instant,
    ) -> Connection {
        let mut input = Input::default();
        input.resize(LOGIN_INPUT);
        Connection {
            login: Some(Box::new(Login::new(Arc::clone(&target)))),
            cold_resets: target.cold_resets(),
            target,
            local,
            waker,
            input,
            output: Output::shown_to(tap),
            now,
            session: None,
            params: Params::default(),
            cid: 0,
            stat_sn: 0,
            exp_cmd_sn: 0,
            tasks: VecDeque::new(),
            early: Early::default(),
            held: Vec::new(),
            last_ttt: 0,
            text: Vec::new(),
            began: now,
            heard: now,
            pinged: None,
            ends_at: None,
            closing: false,
        }
    }

    /// Where bytes that come are to be put. Never empty after [`Connection::run`] with nothing to
    /// send.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.input.room()
    }

    /// So many bytes were put there.
    pub(crate) fn filled(&mut self, count: usize) {
        self.input.filled(count);
    }

    /// What is to be sent.
    pub(crate) fn output(&self) -> &[u8] {
        self.output.bytes()
    }

    /// So many bytes of it are on their way.
    pub(crate) fn sent(&mut self, count: usize) {
        self.output.sent(count);
    }

    /// Whether the connection is to be closed.
    pub(crate) fn is_over(&self) -> bool {
        self.closing && self.output.bytes().is_empty()
    }

    /// Whether the initiator has logged in.
    pub(crate) fn is_logged_in(&self) -> bool {
        self.login.is_none()
    }

    /// Whether it takes nothing more.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing
    }

    /// Does what can be done by now. To be called again after its output has been sent, until there
    /// is none.
    pub(crate) fn run(&mut self, now: Instant) {
        self.now = now;
        if self.target.cold_resets() != self.cold_resets && !self.closing {
            self.drop_for_reset();
        } else if self.session.as_ref().is_some_and(Member::is_over) && !self.closing {
            // Ended from elsewhere: nobody waits for what was to be sent.
            self.close();
            self.output.forget();
        }
        self.forget_ended();
        self.answer_due();
        self.go_on();
        let mut input = std::mem::take(&mut self.input);
        while !self.closing && self.output.bytes().len() < ENOUGH {
            if let Some(units) = self.next_in_turn() {
                for kept in &units {
                    if !self.closing {
                        self.take(kept.unit());
                    }
                }
                continue;
            }
            match self.frame(input.bytes()) {
                Frame::Part => break,
                Frame::Whole(unit, length) => {
                    self.heard = now;
                    self.pinged = None;
                    if let Some(tap) = self.output.tap.as_ref().filter(|tap| tap.is_on()) {
                        tap.received(&[&input.bytes()[..length]]);
                    }
                    self.take(unit);
                    input.taken(length);
                }
                Frame::Broken(why) => {
                    if let Some((header, reason)) = why {
                        self.reject(header, reason);
                    }
                    self.close();
                }
            }
            if self.login.is_none() && self.input_is_small(&input) {
                input.resize(FULL_INPUT);
            }
        }
        self.input = input;
        self.look_at_the_clock();
    }

    fn input_is_small(&self, input: &Input) -> bool {
        input.size() < FULL_INPUT && !self.closing
    }

    fn frame<'a>(&self, bytes: &'a [u8]) -> Frame<'a> {
        let Some((header, rest)) = bytes.split_first_chunk::<BHS>() else { return Frame::Part };
        let Ok(fields) = Header::parse(header) else { return Frame::Part };
        let digests = self.digests();
        let data_length = fields.data_length as usize;
        let ahs_length = fields.ahs_length();
        let header_digest = if digests.header { 4 } else { 0 };
        if self.login.is_some() && fields.opcode != opcode::LOGIN_REQUEST {
            return Frame::Broken(None);
        }
        // The length of a damaged header means nothing.
        let Some((ahs, rest)) = rest.split_at_checked(ahs_length + header_digest) else {
            return Frame::Part;
        };
        let (ahs, digest) = ahs.split_at(ahs_length);
        if digests.header {
            let mut crc = Crc32c::default();
            crc.update(header);
            crc.update(ahs);
            if crc.finish() != digest {
                // Error recovery level 0: the connection goes (RFC 7143, 7.7).
                return Frame::Broken(None);
            }
        }
        if data_length > self.params.our_segment as usize || ahs_length > MOST_AHS {
            return match self.login {
                Some(_) => Frame::Broken(None),
                None => Frame::Broken(Some((header, RejectReason::ProtocolError))),
            };
        }
        let padded = fields.padded_length();
        let data_digest = if digests.data && padded > 0 { 4 } else { 0 };
        let Some(body) = rest.get(..padded + data_digest) else { return Frame::Part };
        let (data, digest) = body.split_at(padded);
        let intact = digest.is_empty() || crc32c(data) == digest;
        let length = BHS + ahs_length + header_digest + body.len();
        Frame::Whole(Unit { header, ahs, data: &data[..data_length], intact }, length)
    }

    /// Whether headers and data that it sends bear digests.
    pub(super) fn bears_digests(&self) -> (bool, bool) {
        let digests = self.digests();
        (digests.header, digests.data)
    }

    /// Digests are in force from the full feature phase on.
    fn digests(&self) -> Digests {
        match self.login {
            Some(_) => Digests::default(),
            None => Digests { header: self.params.header_digest, data: self.params.data_digest },
        }
    }

    fn take(&mut self, unit: Unit<'_>) {
        if self.login.is_some() {
            return self.login_request(unit);
        }
        let code = unit.header[0] & 0x3f;
        if unit.header[4] != 0 && code != opcode::SCSI_COMMAND {
            return self.reject(unit.header, RejectReason::InvalidField);
        }
        if !unit.intact && !matches!(code, opcode::SCSI_COMMAND | opcode::DATA_OUT) {
            return self.reject(unit.header, RejectReason::DataDigest);
        }
        match code {
            opcode::NOP_OUT => self.nop_out(unit),
            opcode::TEXT_REQUEST => self.text_request(unit),
            opcode::LOGOUT_REQUEST => self.logout_request(unit),
            // A discovery session serves for nothing else (RFC 7143, 4.3).
            _ if self.session.is_none() => {
                self.reject(unit.header, RejectReason::ProtocolError);
            }
            opcode::SCSI_COMMAND => self.scsi_command(unit),
            opcode::TASK_REQUEST => self.task_request(unit),
            opcode::DATA_OUT => self.data_out(unit),
            opcode::SNACK_REQUEST => self.reject(unit.header, RejectReason::Snack),
            opcode::LOGIN_REQUEST => {
                self.reject(unit.header, RejectReason::ProtocolError);
                self.close();
            }
            _ => self.reject(unit.header, RejectReason::NotSupported),
        }
    }

    /// Whether a request is the next in the order of commands, which then goes on; or outside of
    /// it. One that has come early is kept; others are ignored (RFC 7143, 4.2.2.1).
    fn in_order(&mut self, unit: Unit<'_>, immediate: bool, cmd_sn: u32) -> bool {
        if immediate {
            return true;
        }
        let ahead = cmd_sn.wrapping_sub(self.exp_cmd_sn);
        let window = self.max_cmd_sn().wrapping_sub(self.exp_cmd_sn);
        if window > WINDOW || ahead > window {
            return false;
        }
        if ahead > 0 {
            self.keep(unit, false, cmd_sn);
            return false;
        }
        self.count(cmd_sn);
        true
    }

    /// The command of this number has come.
    fn count(&mut self, cmd_sn: u32) {
        self.exp_cmd_sn = cmd_sn.wrapping_add(1);
        if let Some(member) = &self.session {
            member.session.exp_cmd_sn.store(self.exp_cmd_sn, Ordering::Release);
        }
    }

    /// The last command that may be sent: tasks that are not done make the window smaller.
    fn max_cmd_sn(&self) -> u32 {
        let numbered = self.tasks.iter().filter(|task| !task.order.immediate).count()
            + self.held.iter().filter(|held| !held.order.immediate).count();
        let open = WINDOW.saturating_sub(numbered as u32);
        self.exp_cmd_sn.wrapping_add(open).wrapping_sub(1)
    }

    /// The number of the status that is about to be sent.
    fn next_stat_sn(&mut self) -> u32 {
        let sn = self.stat_sn;
        self.stat_sn = sn.wrapping_add(1);
        sn
    }

    fn next_ttt(&mut self) -> u32 {
        self.last_ttt = self.last_ttt.wrapping_add(1);
        if self.last_ttt == NO_TAG {
            self.last_ttt = 0;
        }
        self.last_ttt
    }

    fn put(&mut self, header: &[u8; BHS], data: &[u8]) {
        let digests = self.digests();
        self.output.put(header, data, digests);
    }

    fn reject(&mut self, header: &[u8; BHS], reason: RejectReason) {
        let pdu = Reject {
            reason: reason as u8,
            data_length: BHS as u32,
            stat_sn: self.next_stat_sn(),
            exp_cmd_sn: self.exp_cmd_sn,
            max_cmd_sn: self.max_cmd_sn(),
            data_sn: 0,
        };
        self.put(&pdu.emit(), header);
    }

    /// Ends it: takes nothing more and forgets all tasks.
    fn close(&mut self) {
        self.closing = true;
        self.tasks.clear();
        self.held.clear();
        self.early.clear();
        if let Some(member) = &self.session {
            self.target.end(member);
        }
    }

    /// When to run again even if nothing comes.
    pub(crate) fn due(&self) -> Option<Instant> {
        let held = self.held.iter().filter_map(|held| held.due).min();
        let patience = match (&self.login, self.pinged) {
            (Some(_), _) => self.began + self.target.config.login_time,
            (None, Some(pinged)) => pinged + self.target.config.idle_time,
            (None, None) => self.heard + self.target.config.idle_time,
        };
        [held, self.ends_at, Some(patience)].into_iter().flatten().min()
    }

    fn look_at_the_clock(&mut self) {
        if self.closing {
            return;
        }
        if self.target.stop.is_set() && self.ends_at.is_none() {
            match self.login {
                Some(_) => return self.close(),
                None => self.ask_for_logout(),
            }
        }
        let over = |at: Instant| at <= self.now;
        let limits = &self.target.config;
        if self.ends_at.is_some_and(over) {
            return self.close();
        }
        match (&self.login, self.pinged) {
            (Some(_), _) if over(self.began + limits.login_time) => self.close(),
            (None, Some(pinged)) if over(pinged + limits.idle_time) => self.close(),
            (None, None) if over(self.heard + limits.idle_time) => self.ping(),
            _ => {}
        }
    }

    /// Asks whether the initiator is there (RFC 7143, 11.19).
    fn ping(&mut self) {
        self.pinged = Some(self.now);
        let pdu = NopIn {
            data_length: 0,
            lun: [0; 8],
            itt: NO_TAG,
            ttt: self.next_ttt(),
            // Not a status: the number stays (RFC 7143, 11.19.2).
            stat_sn: self.stat_sn,
            exp_cmd_sn: self.exp_cmd_sn,
            max_cmd_sn: self.max_cmd_sn(),
        };
        self.put(&pdu.emit(), &[]);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.close();
    }
}
