//! Text keys: their form, and each one's rule (RFC 7143, 6 and 13).
//!
//! May not know: stages of the login, how text comes here.

use super::wire::LoginStatus;

/// What both sides have agreed on. Starts with the defaults of the standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Params {
    pub(super) header_digest: bool,
    pub(super) data_digest: bool,
    pub(super) initial_r2t: bool,
    pub(super) immediate_data: bool,
    /// What the initiator takes in one data segment.
    pub(super) their_segment: u32,
    /// What the target takes.
    pub(super) our_segment: u32,
    pub(super) max_burst: u32,
    pub(super) first_burst: u32,
    pub(super) outstanding_r2t: u32,
}

impl Default for Params {
    fn default() -> Params {
        Params {
            header_digest: false,
            data_digest: false,
            initial_r2t: true,
            immediate_data: true,
            their_segment: 8192,
            our_segment: 8192,
            max_burst: 262_144,
            first_burst: 65_536,
            outstanding_r2t: 1,
        }
    }
}

/// What the target declares that it takes in one data segment.
pub(super) const OUR_SEGMENT: u32 = 262_144;

/// The answer to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// None is due: the key only tells.
    Silent,
    /// This value.
    Value(String),
}

/// How the two sides' numbers make the result.
#[derive(Clone, Copy)]
enum Rule {
    Least,
    Greatest,
}

/// Keys with a number: name, least, greatest, the target's own, rule, of no use to a discovery
/// session.
#[rustfmt::skip]
const NUMBERS: &[(&str, u32, u32, u32, Rule, bool)] = &[
    ("MaxConnections",      1,   65_535,     1,         Rule::Least,    true),
    ("MaxBurstLength",      512, 16_777_215, 1_048_576, Rule::Least,    true),
    ("FirstBurstLength",    512, 16_777_215, 262_144,   Rule::Least,    true),
    ("DefaultTime2Wait",    0,   3600,       2,         Rule::Greatest, false),
    ("DefaultTime2Retain",  0,   3600,       0,         Rule::Least,    false),
    ("MaxOutstandingR2T",   1,   65_535,     8,         Rule::Least,    true),
    ("ErrorRecoveryLevel",  0,   2,          0,         Rule::Least,    false),
    // RFC 7144, 7.1.1: this target does what RFC 7143 says.
    ("iSCSIProtocolLevel",  0,   31,         1,         Rule::Least,    false),
];

/// Keys with Yes or No: name, the target's own, whether one Yes is enough.
const BOOLEANS: &[(&str, bool, bool)] = &[
    ("InitialR2T", false, true),
    ("ImmediateData", true, false),
    ("DataPDUInOrder", true, true),
    ("DataSequenceInOrder", true, true),
];

impl Params {
    /// Negotiates one operational key, which the initiator offers or declares.
    pub(super) fn negotiate(&mut self, key: &str, value: &str, discovery: bool) -> Reply {
        self.negotiate_within(key, value, discovery, None)
    }

    /// The same for a connection of a session that there is. What the first connection has agreed
    /// on for all of it stays (RFC 7143, 13: leading only); an offer that leaves it no place is
    /// rejected.
    pub(super) fn negotiate_again(&mut self, key: &str, value: &str, session: &Params) -> Reply {
        self.negotiate_within(key, value, false, Some(session))
    }

    fn negotiate_within(
        &mut self,
        key: &str,
        value: &str,
        discovery: bool,
        session: Option<&Params>,
    ) -> Reply {
        let reject = || Reply::Value("Reject".to_owned());
        if let Some(&(_, least, greatest, own, rule, useless)) =
            NUMBERS.iter().find(|row| row.0 == key)
        {
            if discovery && useless {
                return Reply::Value("Irrelevant".to_owned());
            }
            let offered = number(value).filter(|n| (least..=greatest).contains(n));
            let Some(offered) = offered else { return reject() };
            let agreed = session.and_then(|session| session.agreed_number(key));
            let own = agreed.unwrap_or(own);
            let result = match rule {
                Rule::Least => offered.min(own),
                Rule::Greatest => offered.max(own),
            };
            if agreed.is_some_and(|agreed| agreed != result) {
                return reject();
            }
            self.number(key, result);
            return Reply::Value(result.to_string());
        }
        if let Some(&(_, own, either)) = BOOLEANS.iter().find(|row| row.0 == key) {
            if discovery {
                return Reply::Value("Irrelevant".to_owned());
            }
            let offered = match value {
                "Yes" => true,
                "No" => false,
                _ => return reject(),
            };
            let agreed = session.and_then(|session| session.agreed_choice(key));
            let own = agreed.unwrap_or(own);
            let result = if either { own || offered } else { own && offered };
            if agreed.is_some_and(|agreed| agreed != result) {
                return reject();
            }
            match key {
                "InitialR2T" => self.initial_r2t = result,
                "ImmediateData" => self.immediate_data = result,
                _ => {}
            }
            return Reply::Value(if result { "Yes" } else { "No" }.to_owned());
        }
        self.others(key, value)
    }

    fn number(&mut self, key: &str, result: u32) {
        match key {
            "MaxBurstLength" => self.max_burst = result,
            "FirstBurstLength" => self.first_burst = result,
            "MaxOutstandingR2T" => self.outstanding_r2t = result,
            _ => {}
        }
    }

    /// What was agreed on for a key with a number that has a meaning here.
    fn agreed_number(&self, key: &str) -> Option<u32> {
        match key {
            "MaxBurstLength" => Some(self.max_burst),
            "FirstBurstLength" => Some(self.first_burst),
            "MaxOutstandingR2T" => Some(self.outstanding_r2t),
            _ => None,
        }
    }

    fn agreed_choice(&self, key: &str) -> Option<bool> {
        match key {
            "InitialR2T" => Some(self.initial_r2t),
            "ImmediateData" => Some(self.immediate_data),
            _ => None,
        }
    }

    fn others(&mut self, key: &str, value: &str) -> Reply {
        let answer = match key {
            "HeaderDigest" | "DataDigest" => {
                let Some(digest) = choose(value, &["None", "CRC32C"]) else {
                    return Reply::Value("Reject".to_owned());
                };
                let with = digest == "CRC32C";
                match key {
                    "HeaderDigest" => self.header_digest = with,
                    _ => self.data_digest = with,
                }
                digest
            }
            "MaxRecvDataSegmentLength" => return self.declare_segment(value),
            "TaskReporting" => choose(value, &["RFC3720"]).unwrap_or("Reject"),
            // Markers are gone from the protocol (RFC 7143, 13.25).
            "OFMarker" | "IFMarker" => "No",
            "OFMarkInt" | "IFMarkInt" => "Reject",
            // There is no RDMA here (RFC 7145, 6.3).
            "RDMAExtensions" => "No",
            "InitiatorAlias" | "X#NodeArchitecture" => return Reply::Silent,
            // The target's to say, never to hear.
            "TargetAlias" | "TargetAddress" | "TargetPortalGroupTag" => "Reject",
            // Not for this phase; who handles them where they belong asks before coming here.
            "AuthMethod" | "SendTargets" | "SessionType" | "InitiatorName" | "TargetName" => {
                "Reject"
            }
            _ => "NotUnderstood",
        };
        Reply::Value(answer.to_owned())
    }

    /// What the initiator takes in one data segment; the only operational key that may come again
    /// in the full feature phase.
    pub(super) fn declare_segment(&mut self, value: &str) -> Reply {
        match number(value).filter(|n| (512..=16_777_215).contains(n)) {
            Some(n) => {
                self.their_segment = n;
                Reply::Silent
            }
            None => Reply::Value("Reject".to_owned()),
        }
    }

    /// Takes over what the first connection of a session has agreed on for all of it; the digests
    /// and the lengths of data segments are each connection's own (RFC 7143, 13).
    pub(super) fn join(&mut self, session: &Params) {
        *self = Params {
            header_digest: self.header_digest,
            data_digest: self.data_digest,
            their_segment: self.their_segment,
            our_segment: self.our_segment,
            ..session.clone()
        };
    }

    /// Brings what depends on other keys into bounds (RFC 7143, 13.14).
    pub(super) fn settle(&mut self) {
        self.first_burst = self.first_burst.min(self.max_burst);
    }
}

/// The first in a list of values that is known here.
pub(super) fn choose<'a>(list: &str, known: &[&'a str]) -> Option<&'a str> {
    list.split(',').find_map(|one| known.iter().find(|&&k| k == one).copied())
}

/// A decimal or hexadecimal number (RFC 7143, 6.1).
pub(super) fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // The standard library would take a sign.
    let legal = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    if legal { u32::from_str_radix(digits, radix).ok() } else { None }
}

/// The pairs of a text: `key=value`, each with a zero behind it.
pub(super) fn pairs(text: &[u8]) -> Result<Vec<(&str, &str)>, LoginStatus> {
    let wrong = LoginStatus::InitiatorError;
    let text = std::str::from_utf8(text).map_err(|_| wrong)?;
    let mut pairs = Vec::new();
    for pair in text.split('\0').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or(wrong)?;
        let mut letters = key.bytes();
        let first = letters.next().is_some_and(|b| b.is_ascii_alphabetic());
        let legal = |b: u8| b.is_ascii_alphanumeric() || b".-+@_/#".contains(&b);
        // Only what CHAP sends may be longer (RFC 7143, 6.1 and 12.1.3).
        let longest = if key.starts_with("CHAP_") { 2050 } else { 255 };
        if !first || key.len() > 63 || !letters.all(legal) || value.len() > longest {
            return Err(wrong);
        }
        if pairs.len() == MOST_PAIRS {
            return Err(LoginStatus::OutOfResources);
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// Pairs in one text: more than there are keys.
const MOST_PAIRS: usize = 256;

/// Appends a pair.
pub(super) fn put(text: &mut Vec<u8>, key: &str, value: &str) {
    text.extend_from_slice(key.as_bytes());
    text.push(b'=');
    text.extend_from_slice(value.as_bytes());
    text.push(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(key: &str, value: &str) -> (Reply, Params) {
        let mut params = Params::default();
        let reply = params.negotiate(key, value, false);
        (reply, params)
    }

    fn value(text: &str) -> Reply {
        Reply::Value(text.to_owned())
    }

    #[test]
    fn each_key_has_its_rule() {
        for (key, offer, result) in [
            ("HeaderDigest", "CRC32C,None", "CRC32C"),
            ("HeaderDigest", "None,CRC32C", "None"),
            ("DataDigest", "X-other,CRC32C", "CRC32C"),
            ("DataDigest", "X-other", "Reject"),
            ("MaxConnections", "8", "1"),
            ("MaxConnections", "0", "Reject"),
            ("InitialR2T", "No", "No"),
            ("InitialR2T", "Yes", "Yes"),
            ("ImmediateData", "Yes", "Yes"),
            ("ImmediateData", "No", "No"),
            ("ImmediateData", "yes", "Reject"),
            ("MaxBurstLength", "0x10000", "65536"),
            ("MaxBurstLength", "16777215", "1048576"),
            ("MaxBurstLength", "16777216", "Reject"),
            ("MaxBurstLength", "+512", "Reject"),
            ("FirstBurstLength", "511", "Reject"),
            ("DefaultTime2Wait", "0", "2"),
            ("DefaultTime2Wait", "5", "5"),
            ("DefaultTime2Retain", "20", "0"),
            ("MaxOutstandingR2T", "1", "1"),
            ("DataPDUInOrder", "No", "Yes"),
            ("DataSequenceInOrder", "No", "Yes"),
            ("ErrorRecoveryLevel", "2", "0"),
            ("ErrorRecoveryLevel", "3", "Reject"),
            ("TaskReporting", "FastAbort,RFC3720", "RFC3720"),
            ("IFMarker", "Yes", "No"),
            ("OFMarkInt", "2048~8192", "Reject"),
            ("iSCSIProtocolLevel", "2", "1"),
            ("RDMAExtensions", "Yes", "No"),
            ("TargetAlias", "mine", "Reject"),
            ("X-com.example.key", "1", "NotUnderstood"),
        ] {
            assert_eq!(answer(key, offer).0, value(result), "{key}={offer}");
        }
        let (reply, params) = answer("MaxRecvDataSegmentLength", "512");
        assert_eq!((reply, params.their_segment), (Reply::Silent, 512));
        assert_eq!(answer("InitiatorAlias", "me").0, Reply::Silent);
        let discovery = Params::default().negotiate("InitialR2T", "Yes", true);
        assert_eq!(discovery, value("Irrelevant"));
    }

    #[test]
    fn what_a_session_has_agreed_on_stays() {
        let session = Params {
            max_burst: 4096,
            first_burst: 1024,
            initial_r2t: false,
            immediate_data: false,
            ..Params::default()
        };
        for (key, offer, result) in [
            ("MaxBurstLength", "16384", "4096"),
            ("MaxBurstLength", "4096", "4096"),
            ("MaxBurstLength", "2048", "Reject"),
            ("FirstBurstLength", "512", "Reject"),
            ("FirstBurstLength", "65536", "1024"),
            ("MaxOutstandingR2T", "8", "1"),
            ("InitialR2T", "No", "No"),
            ("InitialR2T", "Yes", "Reject"),
            ("ImmediateData", "Yes", "No"),
            ("MaxConnections", "2", "1"),
            ("HeaderDigest", "CRC32C", "CRC32C"),
        ] {
            let reply = Params::default().negotiate_again(key, offer, &session);
            assert_eq!(reply, value(result), "{key}={offer}");
        }
    }

    #[test]
    fn text_is_cut_into_pairs() {
        assert_eq!(pairs(b"A=1\0B=\0\0").unwrap(), [("A", "1"), ("B", "")]);
        let long = format!("A={}\0", "x".repeat(256));
        for bad in [&b"A"[..], b"=1\0", b"A b=1\0", b"\xff=1\0", b"1A=1\0", long.as_bytes()] {
            assert!(pairs(bad).is_err(), "{bad:?}");
        }
        assert!(pairs(&b"A=1\0".repeat(300)).is_err());
    }
}
