//! Plans from answers that real programs were given, the commands of each way of writing, failures
//! at every command, and drives that answer anything.

use proptest::prelude::*;

use super::fake::{Failure, Fake, Numbers};
use super::*;
use crate::device::{Clock, Completion, Data, Device, DeviceError, DeviceErrorKind, Limits};
use crate::device::{Request, Status};
use crate::drive::{self, ErrorKind, Recorder, State};
use crate::image::sectors::Sectors;
use crate::mmc::sense::{Sense, SenseCode, SenseKey, codes};
use crate::testing::ManualClock;
use crate::units::{BLOCK, Blocks, Kbps, Lba};

const INQUIRY: (u8, &str) = (
    0x12,
    "05 80 05 32 1f 00 00 00 4b 49 4c 4e 20 20 20 20 4d 4f 44 45 4c 20 20 20 20 20 20 20 20 20 20 \
     20 \
     31 2e 30 30",
);
/// 16x, 8x, 4x for DVD, by GET PERFORMANCE type 3.
const SPEEDS: (u8, &str) = (
    0xac,
    "00 00 00 34 00 00 00 00 00 00 00 00 00 23 05 3f 00 00 56 90 00 00 56 90 \
     00 00 00 00 00 23 05 3f 00 00 56 90 00 00 2b 48 00 00 00 00 00 23 05 3f 00 00 56 90 \
     00 00 15 a4",
);
const BLANK: (u8, &str) = (0x51, "00 20 00 01 01 01 01 20 ff");
const OPEN: (u8, &str) = (0x51, "00 20 01 01 02 02 02 20");
const CLOSED: (u8, &str) = (0x51, "00 20 0e 01 01 01 01 20");
const BUFFER: (u8, &str) = (0x5c, "00 0a 00 00 00 20 00 00 00 10 00 00");

const CD_R: (u8, &str) = (0x46, "00 00 00 0c 00 00 00 09 00 2d 09 04 46 00 7f ff");
const CD_R_TRACK: (u8, &str) =
    (0x52, "00 26 01 01 00 04 4f 01 00 00 00 00 00 00 00 00 00 05 7d a5");
const CD_R_NEXT: (u8, &str) = (0x52, "00 26 02 02 00 04 4f 01 00 00 30 b0 00 00 30 b0 00 05 4c f5");
const DVD_R: (u8, &str) = (0x46, "00 00 00 10 00 00 00 11 00 21 05 08 01 00 01 01 10 00 00 00");
const DVD_R_TRACK: (u8, &str) =
    (0x52, "00 26 01 01 00 04 4f 01 00 00 00 00 00 00 00 00 00 23 12 80 00 00 00 10 00 23 12 80");
const DVD_R_NEXT: (u8, &str) =
    (0x52, "00 26 02 02 00 04 6f 01 00 00 34 20 00 00 34 20 00 22 de 60 00 00 00 10 00 22 de 60");
const DVD_PLUS_R: (u8, &str) = (0x46, "00 00 00 0c 00 00 00 1b 00 2b 05 04 01 00 00 00");
const DVD_PLUS_R_TRACK: (u8, &str) =
    (0x52, "00 26 01 01 00 04 4f 01 00 00 00 00 00 00 00 00 00 23 05 40 00 00 00 10 00 23 05 40");
const BD_R: (u8, &str) = (0x46, "00 00 00 1c 00 00 00 41 00 41 01 14");
const BD_R_TRACK: (u8, &str) =
    (0x52, "00 26 01 01 00 04 4f 01 00 00 00 00 00 00 00 00 00 ba 74 00 00 00 00 10 00 ba 74 00");
const DVD_PLUS_RW: (u8, &str) = (0x46, "00 00 00 0c 00 00 00 1a 00 2a 05 04 01 00 00 00");
const DVD_PLUS_RW_UNFORMATTED: [(u8, &str); 2] = [
    (0x51, "00 20 10 01 01 01 01 20 ff"),
    (0x23, "00 00 00 10 00 23 05 40 01 00 08 00 00 23 05 40 98 00 00 00"),
];
const DVD_PLUS_RW_RUNNING: [(u8, &str); 2] = [
    (0x51, "00 20 1e 01 01 01 01 22"),
    (0x23, "00 00 00 10 00 23 05 40 02 00 08 00 00 23 05 40 98 00 00 00"),
];
const BD_RE: (u8, &str) = (0x46, "00 00 00 1c 00 00 00 43 00 41 01 14");

fn fake(before: &[(u8, &str)], after: &[(u8, &str)], turn: &'static [u8]) -> Fake {
    let common = [INQUIRY, SPEEDS, BUFFER, (0x25, "00 00 00 00 00 00 08 00")];
    Fake::new(&[&common, before].concat(), after, turn)
}

fn planned(fake: &mut Fake, blocks: u32, options: &Options) -> Result<Plan, Fault> {
    let clock = ManualClock::new();
    let mut recorder = Recorder::new(fake, &clock, "fake");
    plan(&mut recorder, Blocks(blocks), options).map_err(|error| *error.fault)
}

fn burn(fake: &mut Fake, blocks: u32, options: &Options) -> (Result<Outcome, Error>, Vec<Event>) {
    let clock = ManualClock::new();
    let mut recorder = Recorder::new(fake, &clock, "fake");
    let plan = plan(&mut recorder, Blocks(blocks), options).unwrap();
    let mut events = Vec::new();
    let mut image = Numbers { blocks, bad: None };
    let mut tell = |event: &Event| events.push(event.clone());
    let result = run(&plan, &mut recorder, &mut image, &mut tell, &Cancel::new());
    (result, events)
}

fn keep_open() -> Options {
    Options { close: Close::KeepOpen, ..Options::default() }
}

#[test]
fn a_plan_for_a_blank_dvd_r_says_all_that_will_be_done() {
    let plan =
        planned(&mut fake(&[DVD_R, BLANK, DVD_R_TRACK], &[], &[]), 1000, &Options::default());
    let plan = plan.unwrap();
    assert_eq!(plan.mode, Mode::Incremental);
    assert_eq!((plan.start, plan.padding, plan.room), (Lba(0), Blocks(8), Blocks(2_298_496)));
    assert_eq!(plan.speed, Some(Kbps(22160)));
    assert_eq!(
        plan.to_string(),
        "drive    fake: KILN MODEL 1.00\n\
         medium   DVD-R, blank, room for 2298496 blocks (4.70 GB)\n\
         write    incrementally, 1000 blocks (2.04 MB) and 8 of padding from block 0 on\n\
         speed    16.0x (22160 kB/s)\n\
         close    the disc; nothing can be added\n\
         verify   every block\n\
         time     about 0 min 30 s, and verifying"
    );
}

#[test]
fn planning_only_asks() {
    use crate::mmc::table::{self, Class};
    let mut fake = fake(&[DVD_R, BLANK, DVD_R_TRACK], &[], &[]);
    planned(&mut fake, 1000, &Options::default()).unwrap();
    for cdb in &fake.log {
        assert_eq!(table::row(cdb.opcode()).unwrap().class, Class::Asks, "{cdb:?}");
    }
}

#[test]
fn a_second_session_continues_where_the_disc_does() {
    for (answers, next) in [([CD_R, OPEN, CD_R_NEXT], 0x30b0), ([DVD_R, OPEN, DVD_R_NEXT], 0x3420)]
    {
        let options = Options { base: Lba(next), ..Options::default() };
        let plan = planned(&mut fake(&answers, &[], &[]), 1000, &options).unwrap();
        assert_eq!((plan.start, plan.state), (Lba(next), State::Appendable));
        let wrong = planned(&mut fake(&answers, &[], &[]), 1000, &Options::default());
        assert_eq!(wrong, Err(Fault::WrongBase { image: Lba(0), disc: Lba(next) }));
    }
}

#[test]
fn refusals_say_why() {
    let medium = || "DVD-R".to_owned();
    let plan = |answers: &[(u8, &str)], blocks| {
        planned(&mut fake(answers, &[], &[]), blocks, &Options::default()).unwrap_err()
    };
    assert_eq!(plan(&[DVD_R, BLANK, DVD_R_TRACK], 0), Fault::Empty);
    assert_eq!(
        plan(&[DVD_R, BLANK, DVD_R_TRACK], 2_298_497),
        Fault::TooSmall { medium: medium(), needs: Blocks(2_298_512), has: Blocks(2_298_496) }
    );
    assert_eq!(
        plan(&[DVD_R, CLOSED, DVD_R_TRACK], 1),
        Fault::Closed { medium: medium(), erasable: false }
    );
    let interrupted = (0x51, "00 20 05 01 01 01 01 20");
    assert_eq!(
        plan(&[DVD_R, interrupted, DVD_R_TRACK], 1),
        Fault::SessionOpen { medium: medium() }
    );
    let rom = (0x46, "00 00 00 04 00 00 00 10");
    assert_eq!(plan(&[rom, CLOSED], 1), Fault::NotWritable { medium: "DVD-ROM".to_owned() });
    let mut empty = fake(&[DVD_R], &[], &[]);
    empty.failures.insert(1, Failure::Sense(codes::NO_MEDIUM.into()));
    assert_eq!(planned(&mut empty, 1, &Options::default()), Err(Fault::NoDisc));
}

#[test]
fn what_a_disc_holds_is_erased_only_with_consent() {
    let formatted = [DVD_PLUS_RW, DVD_PLUS_RW_RUNNING[0], DVD_PLUS_RW_RUNNING[1]];
    let refused = planned(&mut fake(&formatted, &[], &[]), 1, &Options::default());
    assert_eq!(refused, Err(Fault::NotBlank { medium: "DVD+RW".to_owned() }));
    let options = Options { overwrite: true, ..Options::default() };
    let plan = planned(&mut fake(&formatted, &[], &[]), 1, &options).unwrap();
    assert_eq!((plan.mode, plan.renew), (Mode::Overwrite, Renew::Nothing));
    let dvd_rw = (0x46, "00 00 00 08 00 00 00 14 00 2f 09 04 42 02 00 00");
    let closed = (0x51, "00 20 1e 01 01 01 01 20");
    let used = [dvd_rw, closed, DVD_R_TRACK];
    let refused = planned(&mut fake(&used, &[], &[]), 1, &Options::default());
    assert_eq!(refused, Err(Fault::Closed { medium: "DVD-RW".to_owned(), erasable: true }));
    let plan = planned(&mut fake(&used, &[], &[]), 1, &options).unwrap();
    assert_eq!((plan.mode, plan.renew), (Mode::DiscAtOnce, Renew::BlankMinimal));
    let open = Options { close: Close::KeepOpen, ..options };
    let plan = planned(&mut fake(&used, &[], &[]), 1, &open).unwrap();
    assert_eq!((plan.mode, plan.renew), (Mode::Incremental, Renew::BlankFull));
}

#[test]
fn speeds_are_the_fastest_not_above_the_wish() {
    for (wish, kbps) in
        [("max", 22160), ("8x", 11080), ("10x", 11080), ("1x", 5540), ("9999", 5540)]
    {
        let options = Options { speed: wish.parse().unwrap(), ..Options::default() };
        let plan = planned(&mut fake(&[DVD_R, BLANK, DVD_R_TRACK], &[], &[]), 1, &options).unwrap();
        assert_eq!(plan.speed, Some(Kbps(kbps)), "{wish}");
    }
}

/// As libburn does it: TAO without CLOSE TRACK.
#[test]
fn cd_r_is_written_track_at_once() {
    let mut fake = fake(&[CD_R, BLANK, CD_R_TRACK], &[OPEN, CD_R_NEXT], &[0x5b, 1, 2]);
    let (result, _) = burn(&mut fake, 400, &keep_open());
    let outcome = result.unwrap();
    assert_eq!(outcome.disc, DiscState::Appendable { next: Lba(0x30b0) });
    assert_eq!((outcome.padding, outcome.verified), (Blocks(0), Verified::Full));
    assert_eq!(
        fake.told(),
        [
            "1e 00 00 00 01",
            "bb 00 ff ff 56 92",
            "55 10 00 00 00 00 00 00 3c",
            "write",
            "35 02",
            "35",
            "5b 01 02",
            "read",
            "1e"
        ]
    );
    assert_eq!(fake.blocks.len(), 400);
}

/// As growisofs does it on DVD-R, DVD+R and BD-R (without its own format of the BD-R).
#[test]
fn sequential_dvds_and_bds_close_track_and_session() {
    let stream = "b6 00 00 00 00 00 00 00 00 00 1c";
    type Case = (&'static [(u8, &'static str)], &'static str, &'static [&'static str]);
    let cases: [Case; 3] = [
        (&[DVD_R, BLANK, DVD_R_TRACK], "5b 01 02", &["55 10 00 00 00 00 00 00 3c"]),
        (&[DVD_PLUS_R, BLANK, DVD_PLUS_R_TRACK], "5b 01 05", &[]),
        (&[BD_R, BLANK, BD_R_TRACK], "5b 01 06", &[]),
    ];
    for (before, last, page) in cases {
        let turn: &'static [u8] = match last {
            "5b 01 02" => &[0x5b, 1, 2],
            "5b 01 05" => &[0x5b, 1, 5],
            _ => &[0x5b, 1, 6],
        };
        let mut fake = fake(before, &[CLOSED], turn);
        let (result, _) = burn(&mut fake, 100, &Options::default());
        assert_eq!(result.unwrap().disc, DiscState::Complete);
        let mut told = vec!["1e 00 00 00 01", stream];
        told.extend(page);
        told.extend(["write", "35 02", "35", "5b 01 01 00 00 01", last, "read", "1e"]);
        assert_eq!(fake.told(), told);
    }
}

#[test]
fn an_unformatted_dvd_plus_rw_is_formatted_and_closed_quickly() {
    let before = [DVD_PLUS_RW, DVD_PLUS_RW_UNFORMATTED[0], DVD_PLUS_RW_UNFORMATTED[1]];
    let mut fake = fake(&before, &DVD_PLUS_RW_RUNNING, &[0x04]);
    let (result, _) = burn(&mut fake, 100, &Options::default());
    let outcome = result.unwrap();
    assert_eq!(outcome.disc, DiscState::Overwritable { from: Lba(0), recorded_to: Lba(112) });
    assert_eq!(fake.lists[0], [0, 2, 0, 8, 0xff, 0xff, 0xff, 0xff, 0x98, 0, 0, 0]);
    assert_eq!(
        fake.told(),
        [
            "1e 00 00 00 01",
            "04 11",
            "b6 00 00 00 00 00 00 00 00 00 1c",
            "write",
            "35 02",
            "35",
            "5b 01",
            "5b 01 02",
            "read",
            "1e"
        ]
    );
}

#[test]
fn an_unformatted_bd_re_is_formatted_and_never_closed() {
    let unformatted = [
        BD_RE,
        (0x51, "00 20 10 01 01 01 01 20 ff"),
        (0x23, "00 00 00 20 00 b4 74 00 01 00 08 00 00 b4 74 00 00 00 30 00"),
    ];
    let formatted = [
        (0x51, "00 20 1e 01 01 01 01 20"),
        (0x23, "00 00 00 20 00 b4 74 00 02 00 08 00 00 b4 74 00 00 00 30 00"),
    ];
    let mut fake = fake(&unformatted, &formatted, &[0x04]);
    let (result, _) = burn(&mut fake, 100, &Options::default());
    assert_eq!(result.unwrap().padding, Blocks(28));
    let told = fake.told();
    assert!(told.contains(&"04 11".to_owned()) && !told.iter().any(|l| l.starts_with("5b")));
}

#[test]
fn a_full_buffer_is_waited_out_with_the_same_write() {
    let mut fake = fake(&[DVD_PLUS_R, BLANK, DVD_PLUS_R_TRACK], &[CLOSED], &[0x5b, 1, 5]);
    let (result, _) = burn(&mut fake, 100, &Options::default());
    result.unwrap();
    let first = fake.log.iter().position(|cdb| cdb.opcode() == 0x2a).unwrap();
    let mut again = self::fake(&[DVD_PLUS_R, BLANK, DVD_PLUS_R_TRACK], &[CLOSED], &[0x5b, 1, 5]);
    let full = codes::LONG_WRITE_IN_PROGRESS;
    again.failures.extend((first..first + 3).map(|n| (n, Failure::Sense(full.into()))));
    let (result, events) = burn(&mut again, 100, &Options::default());
    assert_eq!(result.unwrap().verified, Verified::Full);
    assert!(again.log[first..=first + 3].iter().all(|cdb| *cdb == fake.log[first]));
    assert!(!events.iter().any(|event| matches!(event, Event::Retry { .. })), "{events:?}");
}

#[test]
fn success_needs_a_disc_that_shows_it() {
    // Every command is GOOD and the disc stays blank.
    let mut fake = fake(&[DVD_PLUS_R, BLANK, DVD_PLUS_R_TRACK], &[], &[]);
    let (result, _) = burn(&mut fake, 100, &Options::default());
    let error = result.unwrap_err();
    assert!(matches!(*error.fault, Fault::NotRecorded { .. }), "{error}");
    assert_eq!((error.class(), error.disc), (Class::Verify, DiscState::Blank));
    assert_eq!(fake.told().last().unwrap(), "1e");
}

#[test]
fn a_wrong_block_is_named_with_its_file() {
    struct Wrong(Fake);
    impl Device for Wrong {
        fn execute(&mut self, r: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
            if r.cdb.opcode() == 0x28
                && let Some(block) = self.0.blocks.get_mut(&77)
            {
                block[5] ^= 1;
            }
            self.0.execute(r, data)
        }
        fn limits(&self) -> Limits {
            self.0.limits()
        }
    }
    let fake = fake(&[DVD_PLUS_R, BLANK, DVD_PLUS_R_TRACK], &[CLOSED], &[0x5b, 1, 5]);
    let mut device = Wrong(fake);
    let clock = ManualClock::new();
    let mut recorder = Recorder::new(&mut device, &clock, "fake");
    let plan = plan(&mut recorder, Blocks(100), &Options::default()).unwrap();
    let mut image = Numbers { blocks: 100, bad: None };
    let error = run(&plan, &mut recorder, &mut image, &mut |_| (), &Cancel::new()).unwrap_err();
    let file = Some("number 77".to_owned());
    assert_eq!(*error.fault, Fault::Mismatch { block: Lba(77), file, words: None });
}

#[test]
fn a_failing_source_leaves_a_closed_session_and_an_open_disc() {
    let mut fake = fake(&[DVD_R, BLANK, DVD_R_TRACK], &[OPEN, DVD_R_NEXT], &[0x5b, 1, 2]);
    let clock = ManualClock::new();
    let mut recorder = Recorder::new(&mut fake, &clock, "fake");
    let plan = plan(&mut recorder, Blocks(100), &Options::default()).unwrap();
    let mut image = Numbers { blocks: 100, bad: Some(50) };
    let error = run(&plan, &mut recorder, &mut image, &mut |_| (), &Cancel::new()).unwrap_err();
    assert_eq!(error.class(), Class::Source);
    assert_eq!(error.disc, DiscState::Appendable { next: Lba(0x3420) });
    let told = fake.told();
    assert_eq!(
        told[told.len() - 6..],
        ["35 02", "35", "55 10 00 00 00 00 00 00 3c", "5b 01 01 00 00 01", "5b 01 02", "1e"]
    );
    // The page was set anew so that the session does not end the disc.
    assert_eq!(fake.lists.last().unwrap()[11] & 0xc0, 0xc0);
}

#[test]
fn cancelling_before_the_first_write_leaves_the_disc_alone() {
    let mut fake = fake(&[DVD_R, BLANK, DVD_R_TRACK], &[], &[]);
    let clock = ManualClock::new();
    let mut recorder = Recorder::new(&mut fake, &clock, "fake");
    let plan = plan(&mut recorder, Blocks(100), &Options::default()).unwrap();
    let cancel = Cancel::new();
    cancel.cancel();
    let mut image = Numbers { blocks: 100, bad: None };
    let error = run(&plan, &mut recorder, &mut image, &mut |_| (), &cancel).unwrap_err();
    assert_eq!((error.class(), &error.disc), (Class::Cancelled, &DiscState::Untouched));
    assert_eq!(error.to_string(), "fake: stopped on request; the disc is as it was");
    assert!(fake.blocks.is_empty());
}

/// Every command of a burn fails once, by the drive and by the wire: the burn ends, unlocks where
/// it can, and never claims success for what failed.
#[test]
fn a_failure_at_every_command_ends_in_good_order() {
    let make = || fake(&[DVD_R, BLANK, DVD_R_TRACK], &[CLOSED], &[0x5b, 1, 2]);
    let mut healthy = make();
    burn(&mut healthy, 100, &Options::default()).0.unwrap();
    let from = healthy.log.iter().position(|cdb| cdb.opcode() == 0x1e).unwrap();
    for at in from..healthy.log.len() {
        let broken = SenseCode::new(SenseKey::HardwareError, 0x44, 0x00);
        let mut fake = make();
        fake.failures.insert(at, Failure::Sense(broken.into()));
        let (result, _) = burn(&mut fake, 100, &Options::default());
        assert_eq!(fake.log.last().unwrap().bytes(), [0x1e, 0, 0, 0, 0, 0], "at {at}");
        if let Err(error) = result {
            assert!(!error.to_string().is_empty() && !error.advice().is_empty());
        } else {
            let harmless = [0x1e, 0x00, 0x28];
            assert!(harmless.contains(&healthy.log[at].opcode()), "{:?}", healthy.log[at]);
        }
        let mut fake = make();
        fake.failures.insert(at, Failure::Wire(DeviceErrorKind::Gone));
        let (result, _) = burn(&mut fake, 100, &Options::default());
        let Err(error) = result else {
            assert_eq!(at, healthy.log.len() - 1, "only unlocking may fail");
            continue;
        };
        assert_eq!(error.class(), Class::Wire);
        assert_eq!(fake.log.len(), at + 1, "nothing is sent to a drive that is gone");
    }
}

#[test]
fn a_reset_while_writing_is_fatal_and_names_the_block() {
    let make = || fake(&[DVD_R, BLANK, DVD_R_TRACK], &[CLOSED], &[0x5b, 1, 2]);
    let mut healthy = make();
    burn(&mut healthy, 100, &Options::default()).0.unwrap();
    let second = healthy.log.iter().position(|cdb| cdb.opcode() == 0x2a).unwrap() + 1;
    let mut fake = make();
    fake.failures.insert(second, Failure::Sense(codes::POWER_ON.into()));
    let error = burn(&mut fake, 100, &Options::default()).0.unwrap_err();
    match &*error.fault {
        Fault::Drive(drive::Error { block, kind: ErrorKind::Sense(sense), .. }) => {
            assert_eq!((*block, sense.code), (Some(Lba(16)), codes::POWER_ON));
        }
        fault => panic!("{fault:?}"),
    }
}

/// A drive that answers anything.
struct Anything {
    answers: Vec<(u8, Vec<u8>)>,
    at: usize,
    left: u32,
    clock: ManualClock,
}

impl Device for Anything {
    fn execute(&mut self, _: &Request, data: Data<'_>) -> Result<Completion, DeviceError> {
        self.left = self.left.checked_sub(1).expect("a burn that does not end");
        let (kind, bytes) = &self.answers[self.at % self.answers.len()];
        self.at += 1;
        self.clock.wait_until(self.clock.now() + std::time::Duration::from_micros(200));
        let mut done = Completion {
            status: Status::Good,
            sense: Vec::new(),
            residual: 0,
            elapsed: std::time::Duration::ZERO,
        };
        match kind % 8 {
            0..=3 => {
                if let Data::In(room) = data {
                    let len = bytes.len().min(room.len());
                    room[..len].copy_from_slice(&bytes[..len]);
                    done.residual = (room.len() - len) as u32;
                }
            }
            4 => {
                let key = SenseKey::NotReady;
                let ascq = bytes.first().copied().unwrap_or(4) % 10;
                done.status = Status::CheckCondition;
                done.sense = Sense::new(SenseCode::new(key, 0x04, ascq)).emit().to_vec();
            }
            5 => {
                done.status = Status::CheckCondition;
                done.sense = bytes.clone();
                done.residual = u32::MAX;
            }
            6 => done.status = Status::Busy,
            _ => {
                let kind = if bytes.len().is_multiple_of(2) {
                    DeviceErrorKind::TimedOut
                } else {
                    DeviceErrorKind::Gone
                };
                return Err(DeviceError::new(kind, "anything"));
            }
        }
        Ok(done)
    }

    fn limits(&self) -> Limits {
        Limits::new(65_536)
    }
}

fn some_plan(which: u8) -> Plan {
    let answers: &[(u8, &str)] = match which % 4 {
        0 => &[CD_R, BLANK, CD_R_TRACK],
        1 => &[DVD_R, BLANK, DVD_R_TRACK],
        2 => &[DVD_PLUS_RW, DVD_PLUS_RW_UNFORMATTED[0], DVD_PLUS_RW_UNFORMATTED[1]],
        _ => &[BD_R, BLANK, BD_R_TRACK],
    };
    planned(&mut fake(answers, &[], &[]), 70, &keep_open()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_a_drive_answers_a_burn_ends(
        which in 0u8..4,
        answers in prop::collection::vec(
            (any::<u8>(), prop::collection::vec(any::<u8>(), 0..64)),
            1..40,
        ),
        good in 0usize..40,
    ) {
        let clock = ManualClock::new();
        let plan = some_plan(which);
        // Some answers that let it get further.
        let mut all = vec![(0u8, Vec::new()); good];
        all.extend(answers);
        let mut device = Anything { answers: all, at: 0, left: 400_000, clock: clock.clone() };
        let mut recorder = Recorder::new(&mut device, &clock, "anything");
        let mut image = Numbers { blocks: plan.blocks.0, bad: None };
        let result = run(&plan, &mut recorder, &mut image, &mut |_| (), &Cancel::new());
        if let Ok(outcome) = result {
            prop_assert_eq!(outcome.verified, Verified::Full);
        }
        let _ = super::plan(&mut recorder, Blocks(70), &Options::default());
        let _ = assess(&mut recorder);
        let _ = close_interrupted(&mut recorder, &mut |_| ());
    }
}

#[test]
fn numbers_are_what_they_say() {
    let mut room = vec![0; 2 * BLOCK];
    Numbers { blocks: 3, bad: None }.read(Blocks(1), &mut room).unwrap();
    assert_eq!(room[..4], [0, 0, 0, 1]);
    assert_eq!(room[BLOCK..BLOCK + 4], [0, 0, 0, 2]);
}
