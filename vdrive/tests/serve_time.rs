//! How time passes in a drive that is lent out: with the polls of whoever waits, or with the clock
//! on the wall, which these tests hold in their hands.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use engine::device::{Cdb, Data, Status};
use engine::units::Lba;
use vdrive::medium::Disc;
use vdrive::models::{MediumKind, MediumModel};
use vdrive::serve::wall::{HostWall, Wall};
use vdrive::serve::{Answer, Lun, Nexus, Pace};

type Sense = (u8, u8, u8);

fn hex(list: &str) -> Vec<u8> {
    list.split_whitespace().map(|b| u8::from_str_radix(b, 16).unwrap()).collect()
}

fn verdict(answer: &Answer) -> Result<(), Sense> {
    let done = answer.result.as_ref().unwrap();
    match done.status {
        Status::Good => Ok(()),
        _ => Err((done.sense[2] & 0xf, done.sense[12], done.sense[13])),
    }
}

fn give(nexus: &mut Nexus, cdb: &str, list: &[u8]) -> Result<(), Sense> {
    let data = if list.is_empty() { Data::None } else { Data::Out(list) };
    verdict(&nexus.execute(&Cdb::new(&hex(cdb)), data))
}

fn ask(nexus: &mut Nexus, cdb: &str, room: usize) -> Vec<u8> {
    let mut data = vec![0; room];
    let answer = nexus.execute(&Cdb::new(&hex(cdb)), Data::In(&mut data));
    assert_eq!(verdict(&answer), Ok(()), "{cdb}");
    data
}

const TUR: &str = "00 00 00 00 00 00";

/// Polls until the drive is ready: how often it was not.
fn polls(nexus: &mut Nexus) -> u32 {
    let mut busy = 0;
    loop {
        match give(nexus, TUR, &[]) {
            Ok(()) => return busy,
            Err((2, 4, _)) => busy += 1,
            Err((6, ..)) => {}
            Err(sense) => panic!("{sense:x?} after {busy} polls"),
        }
        assert!(busy < 50, "busy for ever");
    }
}

fn simulated(address: &str, kind: MediumKind) -> (Lun, Nexus) {
    let virt = vdrive::open(&address.parse().unwrap(), None, kind, 1).unwrap();
    let lun = Lun::new(0, virt, Pace::Simulated);
    let mut nexus = lun.attach("test");
    polls(&mut nexus);
    (lun, nexus)
}

#[test]
fn who_polls_sees_a_job_begin_and_soon_its_end() {
    let (_, mut nexus) = simulated("virtual", MediumKind::CdRw);
    // BLANK, IMMED: the whole disc, at the lowest speed.
    assert_eq!(give(&mut nexus, "bb 00 ff ff 00 00 00 00 00 00 00 00", &[]), Ok(()));
    assert_eq!(give(&mut nexus, "a1 10 00 00 00 00 00 00 00 00 00 00", &[]), Ok(()));
    let busy = polls(&mut nexus);
    assert!((2..=10).contains(&busy), "{busy}");
    // FORMAT UNIT, IMMED: a DVD+RW in the background, then a BD-RE as a whole.
    let (_, mut nexus) = simulated("virtual", MediumKind::DvdPlusRw);
    let list = hex("00 82 00 08 00 23 05 40 98 00 00 00");
    assert_eq!(give(&mut nexus, "04 11 00 00 00 00", &list), Ok(()));
    let busy = polls(&mut nexus);
    assert!((1..=10).contains(&busy), "{busy}");
    // REQUEST SENSE tells how far the formatting is, and it gets there.
    let mut asked = 0;
    while ask(&mut nexus, "03 00 00 00 12 00", 18)[15] & 0x80 != 0 {
        asked += 1;
        assert!(asked < 15, "formats for ever");
    }
    assert!(asked >= 2, "{asked}");
    let (lun, mut nexus) = simulated("virtual", MediumKind::BdRe);
    let list = hex("00 82 00 08 00 ba 74 00 c8 00 00 00");
    let began = lun.bench().now();
    let done = give(&mut nexus, "04 11 00 00 00 00", &list);
    let busy = polls(&mut nexus);
    assert!(done.is_err() || (1..=10).contains(&busy), "{done:x?} {busy} {began:?}");
}

#[test]
fn closing_ejecting_and_loading_end_soon_too() {
    let (lun, mut nexus) = simulated("virtual", MediumKind::DvdPlusR);
    let blocks = vec![7; 32 * 2048];
    assert_eq!(give(&mut nexus, "2a 00 00 00 00 00 00 00 20 00", &blocks), Ok(()));
    assert_eq!(give(&mut nexus, "35 02 00 00 00 00 00 00 00 00", &[]), Ok(()));
    let busy = polls(&mut nexus);
    assert!((1..=3).contains(&busy), "{busy}");
    assert_eq!(give(&mut nexus, "5b 01 02 00 00 00 00 00 00 00", &[]), Ok(()));
    let busy = polls(&mut nexus);
    assert!((1..=10).contains(&busy), "{busy}");
    assert_eq!(give(&mut nexus, "1b 01 00 00 02 00", &[]), Ok(()));
    let mut busy = 0;
    while give(&mut nexus, TUR, &[]) != Err((2, 0x3a, 2)) {
        busy += 1;
        assert!(busy < 5, "never out");
    }
    assert_eq!(give(&mut nexus, "1b 01 00 00 03 00", &[]), Ok(()));
    let busy = polls(&mut nexus);
    assert!((1..=5).contains(&busy), "{busy}");
    // The hand: what comes out goes in again.
    let disc = lun.eject().unwrap().unwrap();
    assert_eq!(give(&mut nexus, TUR, &[]), Err((2, 0x3a, 2)));
    lun.insert(disc).unwrap();
    let told: Vec<_> = (0..6).map(|_| give(&mut nexus, TUR, &[])).collect();
    let news = told.iter().position(|&told| told == Err((6, 0x28, 0))).unwrap();
    assert!((1..=3).contains(&news), "{told:x?}");
    assert!(told[..news].iter().all(|&told| told == Err((2, 4, 1))), "{told:x?}");
    assert!(told[news + 1..].iter().all(|&told| told == Ok(())), "{told:x?}");
}

#[test]
fn a_full_buffer_has_room_when_it_is_asked_again() {
    // This drive sends WRITEs away while its buffer is full.
    let (_, mut nexus) = simulated("virtual:dvd-desktop,speed=4x", MediumKind::DvdPlusR);
    let blocks = vec![7; 32 * 2048];
    let mut away = 0;
    for n in 0..400u32 {
        let mut cdb = hex("2a 00 00 00 00 00 00 00 20 00");
        cdb[2..6].copy_from_slice(&(n * 32).to_be_bytes());
        let mut tries = 0;
        loop {
            let answer = nexus.execute(&Cdb::new(&cdb), Data::Out(&blocks));
            match verdict(&answer) {
                Ok(()) => break,
                Err((2, 4, 8)) => (away, tries) = (away + 1, tries + 1),
                Err(sense) => panic!("block {}: {sense:x?}", n * 32),
            }
            assert!(tries <= 10, "no room for ever");
        }
    }
    assert!(away > 0, "the buffer never was full");
}

fn free(nexus: &mut Nexus) -> u32 {
    let reply = ask(nexus, "5c 00 00 00 00 00 00 00 0c 00", 12);
    u32::from_be_bytes([reply[8], reply[9], reply[10], reply[11]])
}

#[test]
fn whoever_looks_at_the_buffer_sees_it_drain() {
    let (_, mut nexus) = simulated("virtual", MediumKind::DvdPlusR);
    let blocks = vec![7; 32 * 2048];
    for n in 0..64u32 {
        let mut cdb = hex("2a 00 00 00 00 00 00 00 20 00");
        cdb[2..6].copy_from_slice(&(n * 32).to_be_bytes());
        verdict(&nexus.execute(&Cdb::new(&cdb), Data::Out(&blocks))).unwrap();
    }
    let size = {
        let reply = ask(&mut nexus, "5c 00 00 00 00 00 00 00 0c 00", 12);
        u32::from_be_bytes([reply[4], reply[5], reply[6], reply[7]])
    };
    let seen: Vec<u32> = (0..16).map(|_| free(&mut nexus)).collect();
    assert!(seen.is_sorted() && seen[0] < seen[15], "{seen:?} of {size}");
    // A last part of a unit stays; nothing else does.
    assert!(size - seen[15] < 64 * 2048, "{seen:?} of {size}");
    // Levels in between have been there to see, for whoever shows them.
    let between = seen.iter().filter(|&&free| free > size / 8 && free < size).count();
    assert!(between >= 3, "{seen:?} of {size}");
}

#[test]
fn a_look_at_the_buffer_between_writes_does_not_run_it_dry() {
    let (lun, mut nexus) = simulated("virtual", MediumKind::CdR);
    // Page 05: track at once, without leave to link.
    let mut list = vec![0; 60];
    list[8..16].copy_from_slice(&hex("05 32 01 04 08 00 00 00"));
    assert_eq!(give(&mut nexus, "55 10 00 00 00 00 00 00 3c 00", &list), Ok(()));
    let blocks = vec![7; 32 * 2048];
    for n in 0..1000u32 {
        let mut cdb = hex("2a 00 00 00 00 00 00 00 20 00");
        cdb[2..6].copy_from_slice(&(n * 32).to_be_bytes());
        let answer = nexus.execute(&Cdb::new(&cdb), Data::Out(&blocks));
        assert_eq!(verdict(&answer), Ok(()), "block {}", n * 32);
        free(&mut nexus);
    }
    assert_eq!(give(&mut nexus, "35 00 00 00 00 00 00 00 00 00", &[]), Ok(()));
    let damaged = lun.with_disc(|disc| disc.state().tracks.iter().any(|track| track.damaged));
    assert_eq!(damaged, Some(false));
}

/// A clock on the wall that a hand moves.
#[derive(Debug, Default)]
struct Hand {
    since: OnceLock<std::time::Instant>,
    moved: AtomicU64,
}

impl Hand {
    fn forward(&self, span: Duration) {
        self.moved.fetch_add(span.as_nanos() as u64, Ordering::SeqCst);
    }
}

impl Wall for Hand {
    fn now(&self) -> std::time::Instant {
        let since = *self.since.get_or_init(|| HostWall.now());
        since + Duration::from_nanos(self.moved.load(Ordering::SeqCst))
    }

    fn date(&self) -> u64 {
        1_700_000_000_000_000_000 + self.moved.load(Ordering::SeqCst)
    }
}

fn paced(kind: MediumKind) -> (Arc<Hand>, Lun, Nexus) {
    paced_in(kind, None)
}

fn paced_in(kind: MediumKind, file: Option<&Path>) -> (Arc<Hand>, Lun, Nexus) {
    let virt = vdrive::open(&"virtual".parse().unwrap(), file, kind, 1).unwrap();
    let wall = Arc::new(Hand::default());
    let lun = Lun::by_wall(0, virt, Pace::RealTime, wall.clone());
    let mut nexus = lun.attach("test");
    polls(&mut nexus);
    // The bench may be ahead by what these commands took.
    wall.forward(Duration::from_millis(10));
    (wall, lun, nexus)
}

#[test]
fn in_real_time_an_answer_is_due_when_the_drive_would_give_it() {
    let (wall, lun, mut nexus) = paced(MediumKind::CdRw);
    let answer = nexus.execute(&Cdb::new(&hex(TUR)), Data::None);
    let due = answer.due.unwrap().duration_since(wall.now());
    assert!(due < Duration::from_millis(1) && !due.is_zero(), "{due:?}");
    // A blank for which the host waits is answered at once here, and due much later.
    let blank = nexus.execute(&Cdb::new(&hex("a1 01 00 00 00 00 00 00 00 00 00 00")), Data::None);
    let due = blank.due.unwrap().duration_since(wall.now());
    assert!(due > Duration::from_secs(5), "{due:?}");
    assert_eq!(blank.result.unwrap().elapsed.as_secs(), due.as_secs());
    // Whatever comes meanwhile waits behind it, as on a cable.
    let next = nexus.execute(&Cdb::new(&hex(TUR)), Data::None);
    assert!(next.due > blank.due);
    wall.forward(due + Duration::from_secs(3));
    lun.tick();
    let answer = nexus.execute(&Cdb::new(&hex(TUR)), Data::None);
    assert!(answer.due.unwrap().duration_since(wall.now()) < Duration::from_millis(1));
}

#[test]
fn in_real_time_polls_do_not_speed_a_job_up() {
    let (wall, lun, mut nexus) = paced(MediumKind::CdRw);
    assert_eq!(give(&mut nexus, "a1 11 00 00 00 00 00 00 00 00 00 00", &[]), Ok(()));
    for _ in 0..50 {
        assert_eq!(give(&mut nexus, TUR, &[]), Err((2, 4, 7)));
    }
    for _ in 0..40 {
        wall.forward(Duration::from_secs(5));
        // Nobody asks; the ticker moves the bench.
        lun.tick();
    }
    assert_eq!(give(&mut nexus, TUR, &[]), Ok(()));
}

#[test]
fn what_a_host_leaves_in_the_buffer_is_recorded_by_the_ticker_alone() {
    let folder = tempfile::tempdir().unwrap();
    let [file, copy] = ["x.disc", "y.disc"].map(|name| folder.path().join(name));
    let (wall, lun, mut nexus) = paced_in(MediumKind::DvdPlusR, Some(&file));
    let blocks = vec![7; 32 * 2048];
    assert_eq!(give(&mut nexus, "2a 00 00 00 00 00 00 00 20 00", &blocks), Ok(()));
    // What would be there if the server were killed now.
    let recorded = || {
        std::fs::copy(&file, &copy).unwrap();
        let mut block = [0; 2048];
        Disc::open(&copy).unwrap().read(Lba(31), &mut block).unwrap();
        block == [7; 2048]
    };
    lun.tick();
    assert!(!recorded());
    wall.forward(Duration::from_secs(60));
    lun.tick();
    assert!(recorded());
}

#[test]
fn two_runs_of_the_same_commands_take_the_same_time() {
    let run = || {
        let (lun, mut nexus) = simulated("virtual", MediumKind::CdRw);
        give(&mut nexus, "a1 11 00 00 00 00 00 00 00 00 00 00", &[]).unwrap();
        polls(&mut nexus);
        let disc = Disc::memory(&MediumModel::of_kind(MediumKind::BdR)).unwrap();
        lun.eject().unwrap();
        lun.insert(disc).unwrap();
        polls(&mut nexus);
        lun.bench().now()
    };
    assert_eq!(run(), run());
}
