//! The login: who comes, whether it may, and what both sides agree on (RFC 7143, 6 and 11.12).
//!
//! May not know: units on the wire, what comes after.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::chap::{self, Algorithm, CHALLENGE};
use super::super::keys::{self, OUR_SEGMENT, Params, Reply};
use super::super::target::{Name, PORTAL_GROUP, Target};
use super::super::wire::LoginStatus;

/// Stages (RFC 7143, 11.12.3).
pub(super) const SECURITY: u8 = 0;
pub(super) const OPERATIONAL: u8 = 1;
pub(super) const FULL_FEATURE: u8 = 3;

/// A login under way.
pub(super) struct Login {
    target: Arc<Target>,
    /// The stage that the initiator is in; none before its first request.
    stage: Option<u8>,
    pub(super) initiator: String,
    pub(super) discovery: bool,
    pub(super) params: Params,
    /// What was agreed on for the session that it joins.
    joins: Option<Params>,
    identified: bool,
    named: bool,
    authentication: Authentication,
    declared: bool,
    seen: BTreeSet<String>,
    /// Text whose rest is still to come.
    incoming: Vec<u8>,
    /// Text that is still to be sent.
    pub(super) outgoing: Vec<u8>,
    requests: u32,
}

/// How far the initiator has proved who it is.
enum Authentication {
    /// Not begun.
    Open,
    /// CHAP is agreed on; the algorithm comes next.
    Agreed,
    /// It has been challenged.
    Challenged { algorithm: Algorithm, id: u8, challenge: [u8; CHALLENGE] },
    /// Done, or not wanted.
    Done,
}

/// One login request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) transit: bool,
    pub(super) more: bool,
    pub(super) current: u8,
    pub(super) next: u8,
    /// The session that it names, and its connection.
    pub(super) isid: [u8; 6],
    pub(super) tsih: u16,
    pub(super) cid: u16,
    pub(super) text: &'a [u8],
}

/// Text of one exchange and requests of one login, at most.
const MOST_TEXT: usize = 64 << 10;
const MOST_REQUESTS: u32 = 64;

impl Login {
    pub(super) fn new(target: Arc<Target>) -> Login {
        let authentication = match target.config.chap {
            Some(_) => Authentication::Open,
            None => Authentication::Done,
        };
        Login {
            target,
            stage: None,
            initiator: String::new(),
            discovery: false,
            params: Params::default(),
            joins: None,
            identified: false,
            named: false,
            authentication,
            declared: false,
            seen: BTreeSet::new(),
            incoming: Vec::new(),
            outgoing: Vec::new(),
            requests: 0,
        }
    }

    /// Whether no request has come yet.
    pub(super) fn is_new(&self) -> bool {
        self.requests == 0
    }

    /// Takes one request; the text of its answer is in `outgoing` then. Whether the next stage is
    /// entered.
    pub(super) fn take(&mut self, asked: Asked<'_>) -> Result<bool, LoginStatus> {
        let wrong = LoginStatus::InitiatorError;
        self.requests += 1;
        if self.requests > MOST_REQUESTS || self.incoming.len() + asked.text.len() > MOST_TEXT {
            return Err(LoginStatus::OutOfResources);
        }
        let stage = *self.stage.get_or_insert(asked.current);
        let legal = match (asked.current, asked.next) {
            (SECURITY, OPERATIONAL | FULL_FEATURE) | (OPERATIONAL, FULL_FEATURE) => true,
            (SECURITY | OPERATIONAL, _) => !asked.transit,
            _ => false,
        };
        if asked.current != stage || !legal || (asked.transit && asked.more) {
            return Err(wrong);
        }
        self.incoming.extend_from_slice(asked.text);
        if asked.more {
            return Ok(false);
        }
        let text = std::mem::take(&mut self.incoming);
        let pairs = keys::pairs(&text)?;
        if !self.identified {
            self.identify(&pairs)?;
            if asked.tsih != 0 && !self.discovery {
                let Asked { isid, tsih, cid, .. } = asked;
                let name = Name { initiator: &self.initiator, isid, tsih, cid };
                self.joins = Some(self.target.params_of(name)?);
            }
        }
        for &(key, _) in &pairs {
            let again = !self.seen.insert(key.to_owned());
            // A key is negotiated once (RFC 7143, 6.3).
            if again && !key.starts_with("CHAP_") {
                return Err(wrong);
            }
        }
        match stage {
            SECURITY => self.security(&pairs)?,
            _ => self.operational(&pairs)?,
        }
        if !self.named && !self.discovery {
            self.named = true;
            self.say("TargetPortalGroupTag", &PORTAL_GROUP.to_string());
        }
        let done = match self.authentication {
            Authentication::Done => true,
            // It wants to go on without having offered anything.
            Authentication::Open if asked.transit => {
                return Err(LoginStatus::AuthenticationFailure);
            }
            _ => false,
        };
        if asked.transit && done {
            self.stage = Some(asked.next);
            self.params.settle();
        }
        Ok(asked.transit && done)
    }

    /// Who comes, and what for (RFC 7143, 6.3.1).
    fn identify(&mut self, pairs: &[(&str, &str)]) -> Result<(), LoginStatus> {
        let missing = LoginStatus::MissingParameter;
        let initiator =
            value(pairs, "InitiatorName").filter(|name| !name.is_empty()).ok_or(missing)?;
        if initiator.len() > 223 {
            return Err(LoginStatus::InitiatorError);
        }
        initiator.clone_into(&mut self.initiator);
        self.discovery = match value(pairs, "SessionType") {
            None | Some("Normal") => false,
            Some("Discovery") => true,
            Some(_) => return Err(LoginStatus::SessionType),
        };
        match value(pairs, "TargetName") {
            Some(name) if !name.eq_ignore_ascii_case(&self.target.config.iqn) => {
                return Err(LoginStatus::NotFound);
            }
            None if !self.discovery => return Err(missing),
            _ => {}
        }
        self.identified = true;
        Ok(())
    }

    fn say(&mut self, key: &str, value: &str) {
        keys::put(&mut self.outgoing, key, value);
    }

    fn security(&mut self, pairs: &[(&str, &str)]) -> Result<(), LoginStatus> {
        for &(key, offered) in pairs {
            match key {
                "InitiatorName" | "TargetName" | "SessionType" | "InitiatorAlias" => {}
                "AuthMethod" => self.method(offered)?,
                _ if key.starts_with("CHAP_") => {}
                // Operational keys wait for their stage (RFC 7143, 6.3.2).
                _ => match Params::default().negotiate(key, offered, self.discovery) {
                    Reply::Value(answer) if answer == "NotUnderstood" => self.say(key, &answer),
                    _ => self.say(key, "Reject"),
                },
            }
        }
        if let Some(list) = value(pairs, "CHAP_A") {
            self.challenge(list)?;
        }
        match (value(pairs, "CHAP_N"), value(pairs, "CHAP_R")) {
            (None, None) => Ok(()),
            (Some(name), Some(response)) => self.prove(name, response, pairs),
            _ => Err(LoginStatus::MissingParameter),
        }
    }

    fn method(&mut self, offered: &str) -> Result<(), LoginStatus> {
        let wanted = match self.target.config.chap {
            Some(_) => "CHAP",
            None => "None",
        };
        if keys::choose(offered, &[wanted]).is_none() {
            return Err(LoginStatus::AuthenticationFailure);
        }
        self.say("AuthMethod", wanted);
        if let Authentication::Open = self.authentication {
            self.authentication = Authentication::Agreed;
        }
        Ok(())
    }

    fn challenge(&mut self, list: &str) -> Result<(), LoginStatus> {
        let failure = LoginStatus::AuthenticationFailure;
        let Authentication::Agreed = self.authentication else { return Err(failure) };
        let algorithm = Algorithm::choose(list).ok_or(failure)?;
        let mut random = [0; CHALLENGE + 1];
        if !(self.target.random)(&mut random) {
            return Err(LoginStatus::OutOfResources);
        }
        let [challenge @ .., id] = random;
        self.say("CHAP_A", &(algorithm as u8).to_string());
        self.say("CHAP_I", &id.to_string());
        self.say("CHAP_C", &chap::encode(&challenge));
        self.authentication = Authentication::Challenged { algorithm, id, challenge };
        Ok(())
    }

    fn prove(
        &mut self,
        name: &str,
        response: &str,
        pairs: &[(&str, &str)],
    ) -> Result<(), LoginStatus> {
        let failure = LoginStatus::AuthenticationFailure;
        let Authentication::Challenged { algorithm, id, challenge } = self.authentication else {
            return Err(failure);
        };
        let target = Arc::clone(&self.target);
        let config = target.config.chap.as_ref().ok_or(failure)?;
        let expected = algorithm.response(id, &config.secret, &challenge);
        let given = chap::decode(response).ok_or(failure)?;
        if !chap::same(&expected, &given) || name != config.user {
            return Err(failure);
        }
        match (value(pairs, "CHAP_I"), value(pairs, "CHAP_C")) {
            (None, None) => {}
            (Some(theirs), Some(asked)) => {
                let (user, secret) = config.mutual.as_ref().ok_or(failure)?;
                let theirs = keys::number(theirs).and_then(|id| u8::try_from(id).ok());
                let asked = chap::decode(asked).ok_or(failure)?;
                // Our own challenge sent back is an attempt to have us answer it for somebody else
                // (RFC 7143, 12.1.3).
                if asked == challenge {
                    return Err(failure);
                }
                let answer = algorithm.response(theirs.ok_or(failure)?, secret, &asked);
                self.say("CHAP_N", user);
                self.say("CHAP_R", &chap::encode(&answer));
            }
            _ => return Err(LoginStatus::MissingParameter),
        }
        self.authentication = Authentication::Done;
        Ok(())
    }

    fn operational(&mut self, pairs: &[(&str, &str)]) -> Result<(), LoginStatus> {
        if !matches!(self.authentication, Authentication::Done) {
            return Err(LoginStatus::AuthenticationFailure);
        }
        for &(key, offered) in pairs {
            if matches!(key, "InitiatorName" | "TargetName" | "SessionType") {
                continue;
            }
            let reply = match &self.joins {
                Some(session) => self.params.negotiate_again(key, offered, session),
                None => self.params.negotiate(key, offered, self.discovery),
            };
            if let Reply::Value(answer) = reply {
                self.say(key, &answer);
            }
        }
        if !self.declared {
            self.declared = true;
            self.params.our_segment = OUR_SEGMENT;
            self.say("MaxRecvDataSegmentLength", &OUR_SEGMENT.to_string());
        }
        Ok(())
    }
}

fn value<'a>(pairs: &[(&str, &'a str)], key: &str) -> Option<&'a str> {
    pairs.iter().find(|pair| pair.0 == key).map(|pair| pair.1)
}
