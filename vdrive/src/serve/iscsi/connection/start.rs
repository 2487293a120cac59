//! Requests that carry text: Login and Text (RFC 7143, 11.10 to 11.13).
//!
//! May not know: commands.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::keys::{self, Reply};
use super::super::target::{Name, PORTAL_GROUP};
use super::super::wire::{
    BHS, LoginRequest, LoginResponse, LoginStatus, NO_TAG, RejectReason, TextRequest, TextResponse,
};
use super::login::{Asked, FULL_FEATURE};
use super::{Connection, Unit, WINDOW};

/// Text of one exchange, at most.
const MOST_TEXT: usize = 64 << 10;

impl Connection {
    pub(super) fn login_request(&mut self, unit: Unit<'_>) {
        let pdu = LoginRequest::parse_cut(unit.header);
        let Some(mut login) = self.login.take() else { return };
        if login.is_new() {
            self.exp_cmd_sn = pdu.cmd_sn;
            self.stat_sn = pdu.exp_stat_sn;
            self.cid = pdu.cid;
        }
        let asked = Asked {
            transit: pdu.transit,
            more: pdu.more,
            current: pdu.current,
            next: pdu.next,
            isid: pdu.isid,
            tsih: pdu.tsih,
            cid: pdu.cid,
            text: unit.data,
        };
        let outcome = match pdu.version_min {
            0 if unit.ahs.is_empty() => login.take(asked),
            0 => Err(LoginStatus::InitiatorError),
            _ => Err(LoginStatus::UnsupportedVersion),
        };
        let text = std::mem::take(&mut login.outgoing);
        let transits = match outcome {
            // One response holds it all, unless somebody plays with us.
            Ok(_) if text.len() > 8192 => Err(LoginStatus::InitiatorError),
            Ok(true) if pdu.next == FULL_FEATURE => self.enter(&pdu, &mut login),
            Ok(transits) => {
                self.known(&pdu, &login).map(|()| if transits { Some(0) } else { None })
            }
            Err(status) => Err(status),
        };
        let response = LoginResponse {
            current: pdu.current,
            isid: pdu.isid,
            tsih: pdu.tsih,
            itt: pdu.itt,
            stat_sn: self.next_stat_sn(),
            exp_cmd_sn: self.exp_cmd_sn,
            max_cmd_sn: self.exp_cmd_sn.wrapping_add(WINDOW - 1),
            ..LoginResponse::default()
        };
        match transits {
            Err(status) => {
                let response = LoginResponse { status: status as u16, ..response };
                self.put_login(&response, &[]);
                self.login = Some(login);
                self.close();
            }
            Ok(None) => {
                self.put_login(&response, &text);
                self.login = Some(login);
            }
            Ok(Some(tsih)) => {
                let tsih = if pdu.next == FULL_FEATURE { tsih } else { pdu.tsih };
                let response = LoginResponse { transit: true, next: pdu.next, tsih, ..response };
                self.put_login(&response, &text);
                if pdu.next == FULL_FEATURE {
                    self.params = login.params.clone();
                } else {
                    self.login = Some(login);
                }
            }
        }
    }

    /// Login units bear no digests, even the last (RFC 7143, 6.3).
    fn put_login(&mut self, response: &LoginResponse, text: &[u8]) {
        let header = LoginResponse { data_length: text.len() as u32, ..response.clone() }.emit();
        self.output.put(&header, text, super::Digests::default());
    }

    /// Whether a login that names a session names one that it can belong to. Then the order of
    /// that session's commands goes on.
    fn known(&mut self, pdu: &LoginRequest, login: &super::Login) -> Result<(), LoginStatus> {
        match pdu.tsih {
            0 => Ok(()),
            _ if login.discovery => Err(LoginStatus::NoSession),
            _ => {
                self.exp_cmd_sn = self.target.next_of(name(pdu, login))?;
                Ok(())
            }
        }
    }

    fn enter(
        &mut self,
        pdu: &LoginRequest,
        login: &mut super::Login,
    ) -> Result<Option<u16>, LoginStatus> {
        self.known(pdu, login)?;
        if self.target.stop.is_set() {
            return Err(LoginStatus::ServiceUnavailable);
        }
        if login.discovery {
            return Ok(Some(1));
        }
        let waker = Arc::clone(&self.waker);
        let name = name(pdu, login);
        let member = if pdu.tsih == 0 {
            self.target.begin(name, &login.params, self.exp_cmd_sn, waker)?
        } else {
            let member = self.target.reinstate(name, waker)?;
            self.exp_cmd_sn = member.session.exp_cmd_sn.load(Ordering::Acquire);
            login.params.join(&member.session.params);
            member
        };
        let tsih = member.session.tsih;
        self.session = Some(member);
        Ok(Some(tsih))
    }

    pub(super) fn text_request(&mut self, unit: Unit<'_>) {
        let pdu = TextRequest::parse_cut(unit.header);
        if !self.in_order(unit, pdu.immediate, pdu.cmd_sn) {
            return;
        }
        // Answers are never in parts, so there is nothing to be fetched; only a request can be.
        let wrong = pdu.itt == NO_TAG
            || (pdu.last && pdu.more)
            || (pdu.ttt != NO_TAG && self.text.is_empty())
            || self.text.len() + unit.data.len() > MOST_TEXT;
        if wrong {
            self.text = Vec::new();
            return self.reject(unit.header, RejectReason::ProtocolError);
        }
        if pdu.ttt == NO_TAG {
            self.text.clear();
        }
        self.text.extend_from_slice(unit.data);
        if pdu.more {
            let ttt = self.next_ttt();
            return self.put_text(&pdu, ttt, &[]);
        }
        let text = std::mem::take(&mut self.text);
        match self.answer_text(&text) {
            Some(answer) if answer.len() <= self.params.their_segment as usize => {
                self.put_text(&pdu, NO_TAG, &answer);
            }
            _ => self.reject(unit.header, RejectReason::ProtocolError),
        }
    }

    fn put_text(&mut self, pdu: &TextRequest, ttt: u32, text: &[u8]) {
        let response = TextResponse {
            last: ttt == NO_TAG,
            more: false,
            data_length: text.len() as u32,
            lun: pdu.lun,
            itt: pdu.itt,
            ttt,
            stat_sn: self.next_stat_sn(),
            exp_cmd_sn: self.exp_cmd_sn,
            max_cmd_sn: self.max_cmd_sn(),
        };
        self.put(&response.emit(), text);
    }

    fn answer_text(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        let pairs = keys::pairs(text).ok()?;
        let mut answer = Vec::new();
        for (key, value) in pairs {
            let reply = match key {
                "SendTargets" => {
                    self.send_targets(value, &mut answer);
                    continue;
                }
                "MaxRecvDataSegmentLength" => self.params.declare_segment(value),
                // All other keys belong into the login (RFC 7143, 13); the rest is unknown.
                _ => match self.params.clone().negotiate(key, value, self.session.is_none()) {
                    Reply::Value(said) if said == "NotUnderstood" => Reply::Value(said),
                    Reply::Silent => Reply::Silent,
                    Reply::Value(_) => Reply::Value("Reject".to_owned()),
                },
            };
            if let Reply::Value(said) = reply {
                keys::put(&mut answer, key, &said);
            }
        }
        Some(answer)
    }

    /// The target and where it is (RFC 7143, Appendix C).
    fn send_targets(&self, value: &str, answer: &mut Vec<u8>) {
        let iqn = &self.target.config.iqn;
        let discovery = self.session.is_none();
        let wanted = match value {
            "All" if discovery => true,
            // Only a discovery session may ask for all.
            "All" => return keys::put(answer, "SendTargets", "Reject"),
            "" if discovery => return keys::put(answer, "SendTargets", "Reject"),
            "" => true,
            name => name.eq_ignore_ascii_case(iqn),
        };
        if wanted {
            keys::put(answer, "TargetName", iqn);
            // The address by which this initiator has come also where all are listened on.
            let address = format!("{},{PORTAL_GROUP}", self.local);
            keys::put(answer, "TargetAddress", &address);
        }
    }
}

fn name<'a>(pdu: &LoginRequest, login: &'a super::Login) -> Name<'a> {
    Name { initiator: &login.initiator, isid: pdu.isid, tsih: pdu.tsih, cid: pdu.cid }
}

const _: () = assert!(BHS == LoginResponse::LEN);
