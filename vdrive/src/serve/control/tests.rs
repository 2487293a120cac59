//! The desk as its clients find it.

use engine::device::{Cdb, Data};

use super::shelf::{Files, Shelf};
use super::*;
use crate::drive::Virtual;
use crate::medium::Disc;
use crate::models::{DriveModel, MediumKind, MediumModel};
use crate::serve::{Lun, Pace};

fn desk() -> Desk {
    let disc = Disc::memory(&MediumModel::of_kind(MediumKind::DvdPlusR)).expect("memory");
    let drive = Virtual::new(DriveModel::default_drive(), Some(disc), 0);
    let server = Server::new(vec![Lun::new(0, drive, Pace::Simulated)]);
    Desk::new(server, About::default())
}

fn hear(desk: &Desk, hello: &str, said: &[u8]) -> Vec<Answer> {
    let mut out = Vec::new();
    desk.converse(hello, &mut &said[..], &mut out, &|| ()).expect("memory can be read and written");
    let answers = serde_json::Deserializer::from_slice(&out).into_iter();
    answers.collect::<Result<_, _>>().expect("answers")
}

fn act(desk: &Desk, action: Action) -> Result<String, Problem> {
    match desk.carry_out(&Request { lun: 0, action }) {
        Answer::Done { text } => Ok(text),
        Answer::Error(problem) => Err(problem),
        Answer::Status(_) => panic!("nobody asked"),
    }
}

fn status(desk: &Desk) -> LunStatus {
    Status::of(&desk.server, &desk.about).luns.remove(0)
}

fn problem(answers: &[Answer]) -> &str {
    match answers {
        [.., Answer::Error(problem)] => &problem.text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_version_is_told_and_not_heard() {
    let answers = hear(&desk(), "kiln-control 2", b"{\"do\":{\"pull-power\":{}}}\n");
    assert_eq!(problem(&answers), "this server speaks 'kiln-control 1', not 'kiln-control 2'");
    assert_eq!(answers.len(), 1);
}

#[test]
fn a_line_without_end_is_not_kept() {
    let desk = desk();
    let long = vec![b' '; 1 << 20];
    assert_eq!(problem(&hear(&desk, HELLO, &long)), "a line has 65536 bytes at most");
    // A client that goes away in the middle of a line has asked for nothing.
    assert_eq!(hear(&desk, HELLO, b"{\"do\":{\"pull-power\":{}}}"), []);
    assert!(status(&desk).power);
}

#[test]
fn what_is_no_json_ends_the_connection_and_a_wrong_request_does_not() {
    let asked = b"{\"do\":{\"melt\":{}}}\n{\"do\":{\"plug\":{}}}\n{\n{\"do\":{\"plug\":{}}}\n";
    let answers = hear(&desk(), HELLO, asked);
    assert!(matches!(answers[..], [Answer::Error(_), Answer::Done { .. }, Answer::Error(_)]));
}

#[test]
fn a_stopped_server_hears_nobody() {
    let desk = desk();
    desk.server.stop();
    assert_eq!(hear(&desk, HELLO, b"{\"do\":{\"plug\":{}}}\n"), []);
}

#[test]
fn a_locked_door_opens_to_force_alone() {
    let desk = desk();
    let mut nexus = desk.server.luns()[0].attach("host");
    // The first is told of its unit attention.
    for _ in 0..2 {
        let prevent = Cdb::new(&[0x1e, 0, 0, 0, 1, 0]);
        assert!(nexus.execute(&prevent, Data::None).result.is_ok());
    }
    assert!(status(&desk).locked);
    assert_eq!(status(&desk).initiators, ["host"]);
    let refused = act(&desk, Action::Eject { force: false }).expect_err("it is locked");
    assert_eq!((refused.kind.as_str(), refused.text.as_str()), ("drive", LOCKED));
    act(&desk, Action::Eject { force: true }).expect("whatever goes on");
    assert!(status(&desk).disc.is_none());
    drop(nexus);
    assert!(status(&desk).initiators.is_empty() && !status(&desk).locked);
}

const LOCKED: &str = "a host has locked the drive's door";

#[test]
fn a_disc_that_is_put_in_is_up_to_speed() {
    let desk = desk();
    act(&desk, Action::Eject { force: false }).expect("nobody locked it");
    let disc = Disc::memory(&MediumModel::of_kind(MediumKind::BdRe)).expect("memory");
    desk.server.luns()[0].insert(disc).expect("it is empty");
    assert!(status(&desk).busy.is_some());
    act(&desk, Action::Plug {}).expect("the drive has power and does not notice");
    assert_eq!(status(&desk).busy, None);
}

#[test]
fn power_goes_and_comes_at_once() {
    let desk = desk();
    let fault = |what| Action::Fault { what, when: When::Now };
    act(&desk, fault(What::PowerCut {})).expect("now");
    assert!(!status(&desk).power);
    act(&desk, Action::Plug {}).expect("now");
    assert!(status(&desk).power && status(&desk).disc.is_some());
    act(&desk, fault(What::MediumRemoved {})).expect("now");
    assert!(status(&desk).disc.is_none());
}

#[test]
fn faults_are_counted_and_can_be_forgotten() {
    let desk = desk();
    let late = Action::Fault { what: What::Reset {}, when: When::Before(u64::MAX) };
    let scratch = |lba| {
        let what = What::ReadError(Stretch { lba, blocks: 1 });
        Action::Fault { what, when: When::Now }
    };
    for n in 0..512 {
        act(&desk, late.clone()).expect("there is room");
        act(&desk, scratch(n * 2)).expect("there is room");
    }
    assert_eq!(status(&desk).faults, 512);
    let full = act(&desk, late.clone()).expect_err("1024 are there");
    assert_eq!(full.text, "1024 faults wait already, or are scratches on the disc");
    assert_eq!(act(&desk, Action::Heal {}).as_deref(), Ok("faults forgotten: 512"));
    act(&desk, late).expect("there is room again");
}

#[test]
fn only_plain_files_are_opened_and_no_disc_is_traced_over() {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let at = |name: &str| dir.path().join(name).to_str().expect("UTF-8").to_owned();
    let made = Files.disc(&at("a.disc"), Some(MediumKind::CdR)).expect("a blank disc");
    assert!(made.1);
    let held = Files.disc(&at("a.disc"), None).expect_err("it is in use");
    assert!(held.text.ends_with("is in use by another drive"), "{held}");
    drop(made);
    assert!(!Files.disc(&at("a.disc"), None).expect("it is there").1);
    let missing = Files.disc(&at("b.disc"), None).expect_err("nobody says of what");
    assert_eq!(missing.kind, "disc-file");
    for (file, says) in [("/dev/zero", "is not a plain file"), ("a.disc", "no path from the root")]
    {
        assert!(Files.disc(file, None).expect_err(file).text.contains(says));
        let desk = desk();
        let refused = Files.trace(desk.server.trace(), file).expect_err(file);
        assert!(refused.text.contains(says), "{refused}");
    }
    let desk = desk();
    let refused = Files.trace(desk.server.trace(), &at("a.disc")).expect_err("a disc");
    assert!(refused.text.ends_with("it is a disc file, which it would replace"), "{refused}");
    Files.trace(desk.server.trace(), &at("a.trace")).expect("a new file");
    assert!(status(&desk).disc.is_some() && desk.server.trace().is_on());
}
