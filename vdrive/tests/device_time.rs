//! Time as the host sees it through commands alone: a full disc, the buffer on the way, and a drive
//! that says it is full against one that waits.

use std::time::Duration;

use engine::device::{Cdb, Clock, Data, Device, Request, Status};
use vdrive::drive::{Virtual, open};
use vdrive::models::MediumKind;

/// Sense key, ASC and ASCQ of fixed format sense data.
type Sense = (u8, u8, u8);

fn command(drive: &mut Virtual, cdb: &[u8], data: Data<'_>) -> Result<(), Sense> {
    let request = Request { cdb: Cdb::new(cdb), timeout: Duration::from_secs(600) };
    let answer = drive.drive.execute(&request, data).unwrap();
    match answer.status {
        Status::Good => Ok(()),
        _ => Err((answer.sense[2] & 0xF, answer.sense[12], answer.sense[13])),
    }
}

fn drive(address: &str, kind: MediumKind) -> Virtual {
    let mut drive = open(&address.parse().unwrap(), None, kind, 1).unwrap();
    for _ in 0..100 {
        if command(&mut drive, &[0; 6], Data::None).is_ok() {
            return drive;
        }
        drive.clock.wait_until(drive.clock.now() + Duration::from_secs(1));
    }
    panic!("{address} does not get ready");
}

/// Bytes that the buffer has room for, and its length (MMC-6, 6.18).
fn buffer(drive: &mut Virtual) -> (u32, u32) {
    let mut room = [0; 12];
    command(drive, &[0x5C, 0, 0, 0, 0, 0, 0, 0, 12, 0], Data::In(&mut room)).unwrap();
    let word = |at: usize| u32::from_be_bytes(room[at..at + 4].try_into().unwrap());
    (word(8), word(4))
}

struct Burn {
    seconds: u64,
    refused: u32,
    longest: Duration,
}

/// Records `blocks` from block 0 on and flushes, coming again after 10 ms when refused.
fn burn(drive: &mut Virtual, blocks: u32) -> Burn {
    let began = drive.clock.now();
    let piece = vec![0; 65_536];
    let (mut refused, mut longest) = (0, Duration::ZERO);
    let (_, length) = buffer(drive);
    let mut lba = 0;
    while lba < blocks {
        let count = 32.min(blocks - lba);
        let l = lba.to_be_bytes();
        let cdb = [0x2A, 0, l[0], l[1], l[2], l[3], 0, 0, count as u8, 0];
        let before = drive.clock.now();
        match command(drive, &cdb, Data::Out(&piece[..count as usize * 2048])) {
            Ok(()) => lba += count,
            Err((2, 4, 8)) => {
                let (free, now) = buffer(drive);
                assert_eq!(now, length);
                // The laser has gone on while the host asked.
                assert!(free < (count + 16) * 2048, "refused with {free} bytes free");
                refused += 1;
                drive.clock.wait_until(drive.clock.now() + Duration::from_millis(10));
            }
            Err(sense) => panic!("block {lba}: {sense:02x?}"),
        }
        longest = longest.max(drive.clock.now().since(before));
        if lba % 65_536 == 0 {
            let (free, now) = buffer(drive);
            assert!(free <= now && now == length);
        }
    }
    command(drive, &[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], Data::None).unwrap();
    assert_eq!(buffer(drive), (length, length));
    Burn { seconds: drive.clock.now().since(began).as_secs(), refused, longest }
}

#[test]
fn a_full_dvd_at_16x_takes_what_the_disc_takes_and_refuses_what_does_not_fit() {
    let mut drive = drive("virtual:dvd-desktop,medium=dvd+r", MediumKind::DvdPlusR);
    let burn = burn(&mut drive, 2_295_104);
    // 301 s of data at constant angular velocity, and the start.
    assert!((301..315).contains(&burn.seconds), "{} s", burn.seconds);
    assert!(burn.refused > 1000, "{} times", burn.refused);
}

#[test]
fn a_drive_that_waits_never_refuses_and_a_bd_takes_as_long_as_its_zones() {
    let mut drive = drive("virtual:bd-desktop,medium=bd-r,speed=4x", MediumKind::BdR);
    let burn = burn(&mut drive, 1_222_400);
    // A tenth of 1391 s, and the start with its power calibration.
    assert!((139..155).contains(&burn.seconds), "{} s", burn.seconds);
    assert_eq!(burn.refused, 0);
    assert!(burn.longest > Duration::from_secs(3), "the start: {:?}", burn.longest);
}
