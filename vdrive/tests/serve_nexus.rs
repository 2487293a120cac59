//! Several initiators at one drive: what each is told, what they share, what goes with them; and
//! the end of a server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::device::{Cdb, Data, DeviceErrorKind, Status};
use engine::units::{Blocks, Lba};
use vdrive::bench::BenchError;
use vdrive::fault::{Fault, What, When};
use vdrive::medium::Disc;
use vdrive::models::MediumKind;
use vdrive::serve::{Lun, Nexus, Pace, Reset, Server};

type Sense = (u8, u8, u8);

fn hex(list: &str) -> Vec<u8> {
    list.split_whitespace().map(|b| u8::from_str_radix(b, 16).unwrap()).collect()
}

fn give(nexus: &mut Nexus, cdb: &str, data: Data<'_>) -> Result<(), Sense> {
    let done = nexus.execute(&Cdb::new(&hex(cdb)), data).result.unwrap();
    match done.status {
        Status::Good => Ok(()),
        _ => Err((done.sense[2] & 0xf, done.sense[12], done.sense[13])),
    }
}

const TUR: &str = "00 00 00 00 00 00";
const MEDIA_EVENT: &str = "4a 01 00 00 10 00 00 00 08 00";
const PREVENT: &str = "1e 00 00 00 01 00";
const ALLOW: &str = "1e 00 00 00 00 00";
const EJECT: &str = "1b 00 00 00 02 00";

fn ready(nexus: &mut Nexus) -> Result<(), Sense> {
    give(nexus, TUR, Data::None)
}

/// Takes what there is to be told.
fn listen(nexus: &mut Nexus) {
    while ready(nexus).is_err() {}
}

fn event(nexus: &mut Nexus) -> [u8; 8] {
    let mut room = [0; 8];
    give(nexus, MEDIA_EVENT, Data::In(&mut room)).unwrap();
    room
}

fn lun(kind: MediumKind) -> Lun {
    let virt = vdrive::open(&"virtual".parse().unwrap(), None, kind, 1).unwrap();
    Lun::new(0, virt, Pace::Simulated)
}

fn pair(kind: MediumKind) -> (Lun, Nexus, Nexus) {
    let lun = lun(kind);
    let (mut a, mut b) = (lun.attach("a"), lun.attach("b"));
    listen(&mut a);
    listen(&mut b);
    (lun, a, b)
}

#[test]
fn a_new_nexus_is_told_of_power_on_and_of_nothing_before_it() {
    let lun = lun(MediumKind::DvdPlusR);
    let mut nexus = lun.attach("a");
    let mut room = [0; 96];
    // INQUIRY passes it by and leaves it.
    assert_eq!(give(&mut nexus, "12 00 00 00 60 00", Data::In(&mut room)), Ok(()));
    assert_eq!(ready(&mut nexus), Err((6, 0x29, 0)));
    assert_eq!(ready(&mut nexus), Ok(()));
    assert_eq!(event(&mut nexus)[4] & 0xf, 0);
    let mut again = lun.attach_again("a");
    assert_eq!(ready(&mut again), Err((6, 0x29, 7)));
    assert_eq!(ready(&mut again), Ok(()));
}

#[test]
fn each_nexus_hears_of_a_new_disc_by_itself() {
    let (lun, mut a, mut b) = pair(MediumKind::DvdPlusR);
    let disc = lun.eject().unwrap().unwrap();
    assert_eq!(event(&mut a)[4..6], [3, 1]);
    assert_eq!(event(&mut b)[4..6], [3, 1]);
    lun.insert(disc).unwrap();
    while ready(&mut a) != Err((6, 0x28, 0)) {}
    assert_eq!(ready(&mut a), Ok(()));
    assert_eq!(event(&mut a)[4..6], [2, 2]);
    assert_eq!(event(&mut a)[4..6], [0, 2]);
    assert_eq!(ready(&mut b), Err((6, 0x28, 0)));
    assert_eq!(event(&mut b)[4..6], [2, 2]);
}

#[test]
fn the_door_stays_locked_until_the_last_who_locked_it_has_opened_it_or_gone() {
    let (lun, mut a, mut b) = pair(MediumKind::DvdPlusR);
    assert_eq!(give(&mut a, PREVENT, Data::None), Ok(()));
    assert_eq!(give(&mut b, PREVENT, Data::None), Ok(()));
    assert_eq!(give(&mut a, ALLOW, Data::None), Ok(()));
    assert_eq!(give(&mut a, EJECT, Data::None), Err((5, 0x53, 2)));
    assert_eq!(lun.eject().unwrap_err(), BenchError::Locked);
    // The button is news to both.
    assert_eq!(event(&mut a)[4] & 0xf, 1);
    assert_eq!(event(&mut b)[4] & 0xf, 1);
    drop(b);
    assert_eq!(give(&mut a, EJECT, Data::None), Ok(()));
    assert_eq!(ready(&mut a), Err((2, 0x3a, 2)));
}

#[test]
fn mode_pages_are_shared_and_the_others_are_told() {
    let (_, mut a, mut b) = pair(MediumKind::CdR);
    let mut list = vec![0; 8 + 12];
    list[8..12].copy_from_slice(&hex("01 0a c0 05"));
    let select = "55 10 00 00 00 00 00 00 14 00";
    assert_eq!(give(&mut a, select, Data::Out(&list)), Ok(()));
    assert_eq!(ready(&mut a), Ok(()));
    assert_eq!(ready(&mut b), Err((6, 0x2a, 1)));
    let mut page = [0; 20];
    let sense = "5a 08 01 00 00 00 00 00 14 00";
    assert_eq!(give(&mut b, sense, Data::In(&mut page)), Ok(()));
    assert_eq!(page[8..12], hex("01 0a c0 05"));
    // What changes nothing is no news.
    assert_eq!(give(&mut a, select, Data::Out(&list)), Ok(()));
    assert_eq!(ready(&mut b), Ok(()));
}

#[test]
fn resets_and_power_are_told_to_all_and_unlock_the_door() {
    let (lun, mut a, mut b) = pair(MediumKind::DvdPlusR);
    for (kind, code) in [(Reset::LogicalUnit, 3), (Reset::Target, 2), (Reset::Cold, 1)] {
        assert_eq!(give(&mut a, PREVENT, Data::None), Ok(()));
        lun.reset(kind, &a);
        assert_eq!(ready(&mut a), Err((6, 0x29, code)));
        assert_eq!(ready(&mut b), Err((6, 0x29, code)));
        assert_eq!(ready(&mut a), Ok(()));
        let disc = lun.eject().unwrap().unwrap();
        lun.insert(disc).unwrap();
        listen(&mut a);
        listen(&mut b);
    }
    lun.pull_power();
    let error = a.execute(&Cdb::new(&hex(TUR)), Data::None).result.unwrap_err();
    assert_eq!(error.kind, DeviceErrorKind::Gone);
    // Who comes meanwhile is known to the drive, too.
    let mut c = lun.attach("c");
    lun.plug();
    for nexus in [&mut a, &mut b, &mut c] {
        assert_eq!(ready(nexus), Err((6, 0x29, 0)));
        listen(nexus);
    }
}

#[test]
fn an_error_of_a_burn_is_told_to_who_burned() {
    let (lun, mut a, mut b) = pair(MediumKind::DvdPlusR);
    let what = What::WriteError(Lba(0), Blocks(16));
    lun.schedule(Fault { when: When::At(lun.bench().now()), what });
    let blocks = vec![1; 32 * 2048];
    assert_eq!(give(&mut a, "2a 00 00 00 00 00 00 00 20 00", Data::Out(&blocks)), Ok(()));
    assert_eq!(give(&mut a, "35 02 00 00 00 00 00 00 00 00", Data::None), Ok(()));
    // The other one polls until the drive is idle again, and hears nothing of it.
    while ready(&mut b) != Ok(()) {}
    let (key, asc, _) = ready(&mut a).unwrap_err();
    assert_eq!((key, asc), (3, 0x0c));
    assert_eq!(ready(&mut a), Ok(()));
    assert_eq!(ready(&mut b), Ok(()));
}

#[test]
fn drives_of_one_model_have_serial_numbers_of_their_own() {
    let serial = |number: u16| {
        let virt = vdrive::open(&"virtual".parse().unwrap(), None, MediumKind::CdR, 1).unwrap();
        let lun = Lun::new(number, virt, Pace::Simulated);
        let mut room = [0; 16];
        let mut nexus = lun.attach("a");
        give(&mut nexus, "12 01 80 00 10 00", Data::In(&mut room)).unwrap();
        String::from_utf8(room[4..].to_vec()).unwrap()
    };
    assert_eq!([0, 1, 42].map(serial), ["KLBD09000001", "KLBD09000002", "KLBD09000043"]);
}

#[test]
fn nexuses_that_come_and_go_leave_nothing_behind() {
    let (lun, mut a, _b) = pair(MediumKind::DvdPlusR);
    for n in 0..10_000 {
        let mut nexus = lun.attach(&format!("n{n}"));
        assert_eq!(give(&mut nexus, PREVENT, Data::None), Err((6, 0x29, 0)));
        assert_eq!(give(&mut nexus, PREVENT, Data::None), Ok(()));
    }
    assert_eq!(give(&mut a, EJECT, Data::None), Ok(()));
    // What the bench says of itself is not longer than it was.
    assert!(format!("{:?}", lun.bench()).matches("Attentions").count() <= 3);
}

#[test]
fn the_end_of_a_server_leaves_all_that_was_written_on_the_disc() {
    let folder = tempfile::tempdir().unwrap();
    let blocks: Vec<u8> = (0..32 * 2048u32).map(|n| (n >> 3) as u8).collect();
    for dropped in [false, true] {
        let path = folder.path().join(format!("{dropped}.disc"));
        let address = "virtual:dvd+r".parse().unwrap();
        let virt = vdrive::open(&address, Some(&path), MediumKind::CdR, 1).unwrap();
        let server = Server::new(vec![Lun::new(0, virt, Pace::RealTime)]);
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        server.at_stop(move || seen.store(true, Ordering::SeqCst));
        let mut nexus = server.luns()[0].attach("a");
        listen(&mut nexus);
        assert_eq!(give(&mut nexus, "2a 00 00 00 00 00 00 00 20 00", Data::Out(&blocks)), Ok(()));
        drop(nexus);
        let stop = server.stopped();
        let lun = server.luns()[0].clone();
        assert!(!stop.is_set());
        if dropped {
            drop(server);
        } else {
            server.stop();
            server.stop();
        }
        assert!(stop.is_set() && ended.load(Ordering::SeqCst));
        // Whoever comes late is not told that something was written.
        let mut late = lun.attach("late");
        let error = late.execute(&Cdb::new(&hex(TUR)), Data::None).result.unwrap_err();
        assert_eq!(error.kind, DeviceErrorKind::Gone);
        drop((late, lun));
        let disc = Disc::open(&path);
        // A server that is still there keeps its discs to itself.
        assert_eq!(disc.is_ok(), dropped);
        if let Ok(disc) = disc {
            let mut found = vec![0; blocks.len()];
            disc.read(Lba(0), &mut found).unwrap();
            assert!(found == blocks);
        }
    }
}
