//! Coming in: login, CHAP, discovery, sessions, time limits.

use std::time::Duration;

use super::super::chap::{Algorithm, decode, encode};
use super::super::config::{Chap, Config};
use super::super::wire::*;
use super::initiator::{Initiator, NAME};
use super::*;

const TARGET: &str = "iqn.2026-11.internal.kiln:recorder";

fn status(pairs: &[(&str, &str)]) -> u16 {
    let mut one = lab().initiator();
    let request = LoginRequest { transit: true, current: 1, next: 3, ..LoginRequest::default() };
    let (response, _) = one.request(&request, &Initiator::text(pairs));
    assert_eq!(one.connection.is_over(), response.status != 0);
    response.status
}

#[test]
fn refusals_have_their_class_and_detail() {
    let (me, target) = (("InitiatorName", NAME), ("TargetName", TARGET));
    assert_eq!(status(&[me, target]), 0x0000);
    assert_eq!(status(&[target]), 0x0207);
    assert_eq!(status(&[me]), 0x0207);
    assert_eq!(status(&[me, ("TargetName", "iqn.2026-11.internal.kiln:other")]), 0x0203);
    assert_eq!(status(&[me, target, ("SessionType", "Other")]), 0x0209);
    assert_eq!(status(&[me, target, ("InitialR2T", "No"), ("InitialR2T", "No")]), 0x0200);
    assert_eq!(status(&[me, ("SessionType", "Discovery")]), 0x0000);
}

#[test]
fn stages_and_versions_are_checked() {
    let text = Initiator::text(&[("InitiatorName", NAME), ("TargetName", TARGET)]);
    let base = LoginRequest { transit: true, current: 1, next: 3, ..LoginRequest::default() };
    for (request, expected) in [
        (LoginRequest { version_min: 1, version_max: 1, ..base.clone() }, 0x0205),
        (LoginRequest { next: 1, ..base.clone() }, 0x0200),
        (LoginRequest { next: 2, ..base.clone() }, 0x0200),
        (LoginRequest { current: 3, ..base.clone() }, 0x0200),
        (LoginRequest { more: true, ..base.clone() }, 0x0200),
        (LoginRequest { tsih: 9, ..base.clone() }, 0x020a),
    ] {
        let (response, _) = lab().initiator().request(&request, &text);
        assert_eq!(response.status, expected, "{request:?}");
    }
}

#[test]
fn text_may_come_in_parts_and_stages_one_by_one() {
    let mut one = lab().initiator();
    let text = Initiator::text(&[
        ("InitiatorName", NAME),
        ("TargetName", TARGET),
        ("AuthMethod", "CHAP,None"),
    ]);
    let part = LoginRequest { more: true, current: 0, next: 0, ..LoginRequest::default() };
    let (response, said) = one.request(&part, &text[..20]);
    assert_eq!((response.status, response.transit, said.as_str()), (0, false, ""));
    let rest = LoginRequest { transit: true, current: 0, next: 1, ..LoginRequest::default() };
    let (response, said) = one.request(&rest, &text[20..]);
    assert_eq!((response.status, response.transit, response.next), (0, true, 1));
    assert_eq!(said, "AuthMethod=None\0TargetPortalGroupTag=1\0");
    let last = LoginRequest { transit: true, current: 1, next: 3, ..LoginRequest::default() };
    let offers = [("MaxBurstLength", "65536"), ("DataDigest", "None"), ("X-mine", "1")];
    let (response, said) = one.request(&last, &Initiator::text(&offers));
    assert_eq!((response.status, response.next), (0, 3));
    let expected = "MaxBurstLength=65536\0DataDigest=None\0X-mine=NotUnderstood\0\
                    MaxRecvDataSegmentLength=262144\0";
    assert_eq!(said, expected);
}

fn chap() -> Lab {
    let chap = Chap::new("user", b"secret of the user").unwrap();
    let chap = chap.mutual("drive", b"secret of the drive").unwrap();
    lab_with(Config { chap: Some(chap), ..Config::default() }, Pace::Simulated)
}

/// The steps of CHAP with this answer to the challenge; the last response.
fn authenticate(
    answer: impl Fn(u8, &[u8]) -> Vec<(&'static str, String)>,
) -> (LoginResponse, String) {
    let mut one = chap().initiator();
    let step = LoginRequest { current: 0, next: 1, ..LoginRequest::default() };
    let first = [("InitiatorName", NAME), ("TargetName", TARGET), ("AuthMethod", "None,CHAP")];
    let (response, said) = one.request(&step, &Initiator::text(&first));
    assert_eq!((response.status, response.transit), (0, false));
    assert!(said.starts_with("AuthMethod=CHAP\0"));
    let (_, said) = one.request(&step, &Initiator::text(&[("CHAP_A", "7,5")]));
    let value = |key: &str| {
        let all: Vec<(&str, &str)> = said.split('\0').filter_map(|p| p.split_once('=')).collect();
        all.iter().find(|pair| pair.0 == key).expect("the key is there").1.to_owned()
    };
    assert_eq!(value("CHAP_A"), "7");
    let answer = answer(value("CHAP_I").parse().unwrap(), &decode(&value("CHAP_C")).unwrap());
    let answer: Vec<(&str, &str)> = answer.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let step = LoginRequest { transit: true, ..step };
    one.request(&step, &Initiator::text(&answer))
}

fn proof(id: u8, challenge: &[u8], secret: &[u8]) -> Vec<(&'static str, String)> {
    let response = Algorithm::Sha256.response(id, secret, challenge);
    vec![("CHAP_N", "user".to_owned()), ("CHAP_R", encode(&response))]
}

#[test]
fn chap_lets_in_who_knows_the_secret() {
    let (response, said) = authenticate(|id, c| proof(id, c, b"secret of the user"));
    assert_eq!((response.status, response.transit, said.as_str()), (0, true, ""));
    let (response, _) = authenticate(|id, c| proof(id, c, b"another secret here"));
    assert_eq!(response.status, 0x0201);
    let (response, _) = authenticate(|id, c| {
        let mut pairs = proof(id, c, b"secret of the user");
        pairs[0].1 = "other".to_owned();
        pairs
    });
    assert_eq!(response.status, 0x0201);
}

#[test]
fn chap_proves_the_target_too_but_never_its_own_challenge() {
    let asked = |challenge: Vec<u8>| {
        move |id: u8, sent: &[u8]| {
            let mut pairs = proof(id, sent, b"secret of the user");
            let challenge = if challenge.is_empty() { sent } else { &challenge };
            pairs.push(("CHAP_I", "9".to_owned()));
            pairs.push(("CHAP_C", encode(challenge)));
            pairs
        }
    };
    let (response, said) = authenticate(asked(vec![1, 2, 3]));
    assert_eq!(response.status, 0);
    let answer = encode(&Algorithm::Sha256.response(9, b"secret of the drive", &[1, 2, 3]));
    assert_eq!(said, format!("CHAP_N=drive\0CHAP_R={answer}\0"));
    let (response, _) = authenticate(asked(Vec::new()));
    assert_eq!(response.status, 0x0201);
}

#[test]
fn nobody_comes_past_chap() {
    let pairs = [("InitiatorName", NAME), ("TargetName", TARGET)];
    for (current, method) in [(1, None), (0, None), (0, Some("None"))] {
        let mut all = pairs.to_vec();
        all.extend(method.map(|method| ("AuthMethod", method)));
        let request = LoginRequest { transit: true, current, next: 3, ..LoginRequest::default() };
        let (response, _) = chap().initiator().request(&request, &Initiator::text(&all));
        assert_eq!(response.status, 0x0201, "{current} {method:?}");
    }
}

#[test]
fn discovery_names_the_target_and_does_nothing_else() {
    let mut one = lab().initiator();
    let request = LoginRequest { transit: true, current: 1, next: 3, ..LoginRequest::default() };
    let text = Initiator::text(&[("InitiatorName", NAME), ("SessionType", "Discovery")]);
    one.request(&request, &text);
    let mut ask = |text: &[u8], opcode| {
        let pdu = TextRequest {
            last: true,
            itt: 5,
            ttt: NO_TAG,
            cmd_sn: one.cmd_sn,
            ..TextRequest::default()
        };
        one.cmd_sn += 1;
        one.send(pdu.emit(), text);
        String::from_utf8(one.expect(opcode).data).unwrap()
    };
    let there = format!("TargetName={TARGET}\0TargetAddress=127.0.0.1:3260,1\0");
    assert_eq!(ask(b"SendTargets=All\0", opcode::TEXT_RESPONSE), there);
    let by_name = format!("SendTargets={TARGET}\0");
    assert_eq!(ask(by_name.as_bytes(), opcode::TEXT_RESPONSE), there);
    assert_eq!(ask(b"SendTargets=iqn.2026-11.other\0", opcode::TEXT_RESPONSE), "");
    assert_eq!(ask(b"Other=1\0", opcode::TEXT_RESPONSE), "Other=NotUnderstood\0");
    let command = one.scsi(0, &TEST_UNIT_READY, 0, &[]);
    one.send(command.emit(), &[]);
    let reject = Reject::parse_cut(&one.expect(opcode::REJECT).header);
    assert_eq!(reject.reason, RejectReason::ProtocolError as u8);
}

#[test]
fn a_session_is_reinstated() {
    let lab = lab();
    let mut old = lab.ready();
    assert_eq!(old.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
    let mut new = lab.initiator();
    new.login(&[]).unwrap();
    old.run();
    assert!(old.connection.is_over());
    // The nexus was lost (SAM-5, 6.3.4), and that is told once.
    assert_eq!(new.command(0, &TEST_UNIT_READY, 0, &[]).sense, Some((6, 0x29, 0x07)));
    assert_eq!(new.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
    // Another name is another session.
    let other = Initiator::ready(&lab, "iqn.2026-11.internal.kiln.test:two");
    new.run();
    assert!(!new.connection.is_over() && !other.connection.is_over());
}

/// A connection in the place of the old one (RFC 7143, 6.3.4): the session and its nexuses stay,
/// the old connection's tasks do not.
#[test]
fn a_connection_is_reinstated() {
    let lab = lab();
    let login = LoginRequest { transit: true, current: 1, next: 3, ..LoginRequest::default() };
    let names = [("InitiatorName", NAME), ("TargetName", TARGET)];
    let first = [&names[..], &[("FirstBurstLength", "1024"), ("HeaderDigest", "CRC32C")]].concat();
    let mut old = lab.initiator();
    let (response, _) = old.request(&login, &Initiator::text(&first));
    old.header_digest = true;
    old.command(0, &TEST_UNIT_READY, 0, &[]);
    let prevent = [0x1e, 0, 0, 0, 1, 0];
    assert_eq!(old.command(0, &prevent, 0, &[]).status, 0);
    let write = old.scsi(0, &write10(0, 1), 0, &[1; 2048]);
    old.send(write.emit(), &[]);
    old.expect(opcode::READY_TO_TRANSFER);
    let mut new = lab.initiator();
    new.cmd_sn = old.cmd_sn;
    let again = LoginRequest { tsih: response.tsih, ..login };
    let offers = [("FirstBurstLength", "65536"), ("InitialR2T", "Yes"), ("MaxBurstLength", "512")];
    let offers = [&names[..], &offers[..]].concat();
    let (joined, said) = new.request(&again, &Initiator::text(&offers));
    // What holds for the session is what is said (RFC 7143, 13).
    let expected = "FirstBurstLength=1024\0InitialR2T=Yes\0MaxBurstLength=Reject\0";
    assert!(said.starts_with(expected), "{said}");
    assert_eq!((joined.status, joined.tsih), (0, response.tsih));
    assert_eq!(joined.exp_cmd_sn, old.cmd_sn);
    old.run();
    assert!(old.connection.is_over() && old.next().is_none());
    drop(old);
    // No unit attention: the nexus has not been lost, and what it prevents it still does.
    assert_eq!(new.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
    let mut other = Initiator::ready(&lab, "iqn.2026-11.internal.kiln.test:two");
    let eject = [0x1b, 0, 0, 0, 2, 0];
    assert_eq!(other.command(0, &eject, 0, &[]).sense.map(|sense| sense.0), Some(5));
    assert_eq!(new.manage(function::ABORT_TASK, 0, write.itt), 1);
    // What was agreed on for the session holds: more than the first burst is too much.
    let write = new.scsi(0, &write10(0, 1), 0, &[1; 2048]);
    new.send(write.emit(), &[1; 2048]);
    assert_eq!(new.outcome(&write, &[]).sense, Some((0x0b, 0x0c, 0x0c)));
}

#[test]
fn only_its_own_initiator_joins_a_session() {
    let lab = lab();
    let login = LoginRequest { transit: true, current: 1, next: 3, ..LoginRequest::default() };
    let text = |name| Initiator::text(&[("InitiatorName", name), ("TargetName", TARGET)]);
    let mut old = lab.initiator();
    let (response, _) = old.request(&login, &text(NAME));
    let mine = LoginRequest { tsih: response.tsih, ..login };
    let other = LoginRequest { isid: [9; 6], ..mine.clone() };
    let unknown = LoginRequest { tsih: mine.tsih + 1, ..mine.clone() };
    for (request, name, expected) in [
        (&other, NAME, 0x020a),
        (&unknown, NAME, 0x020a),
        (&mine, "iqn.2026-11.internal.kiln.test:two", 0x020a),
    ] {
        assert_eq!(lab.initiator().request(request, &text(name)).0.status, expected);
    }
    // A second connection besides the first.
    let mut second = lab.initiator();
    second.cid = 2;
    assert_eq!(second.request(&mine, &text(NAME)).0.status, 0x0206);
    old.run();
    assert!(!old.connection.is_over());
}

#[test]
fn time_limits_end_logins_and_silent_sessions() {
    let lab = lab();
    let mut half = lab.initiator();
    half.put(&[0x43; 20]);
    half.wait(Duration::from_secs(14));
    assert!(!half.connection.is_over());
    half.wait(Duration::from_secs(1));
    assert!(half.connection.is_over());
    let mut silent = lab.ready();
    silent.wait(Duration::from_secs(30));
    let ping = NopIn::parse_cut(&silent.expect(opcode::NOP_IN).header);
    assert_eq!(ping.itt, NO_TAG);
    silent.wait(Duration::from_secs(29));
    let answer = NopOut { immediate: true, itt: NO_TAG, ttt: ping.ttt, ..NopOut::default() };
    silent.send(answer.emit(), &[]);
    silent.wait(Duration::from_secs(29));
    assert!(!silent.connection.is_over() && silent.next().is_none());
    silent.wait(Duration::from_secs(1));
    silent.expect(opcode::NOP_IN);
    silent.wait(Duration::from_secs(30));
    assert!(silent.connection.is_over());
}

#[test]
fn a_server_that_stops_asks_for_the_logout() {
    let lab = lab();
    let mut one = lab.ready();
    lab.server.stop();
    one.run();
    let message = AsyncMessage::parse_cut(&one.expect(opcode::ASYNC_MESSAGE).header);
    assert_eq!((message.event, message.parameter3), (1, 1));
    assert_eq!(one.command(0, &TEST_UNIT_READY, 0, &[]).status, 0);
    let logout = LogoutRequest { immediate: true, itt: 3, ..LogoutRequest::default() };
    one.send(logout.emit(), &[]);
    one.expect(opcode::LOGOUT_RESPONSE);
    assert!(one.connection.is_over());
    assert_eq!(lab.initiator().login(&[]), Err(0x0301));
}
