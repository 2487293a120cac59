//! CD in packets, and blanking parts of a CD-RW.

mod host;

use engine::units::Lba;
use host::{Host, bytes};
use vdrive::models::MediumKind;
use vdrive::truth::Truth;

const SYNC: &str = "35 00 00 00 00 00 00 00 00 00";

#[test]
fn packets_of_any_length() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("60 c5 08 07");
    host.burn(Lba(0), 100, 1);
    host.good(SYNC);
    // Two blocks of run-out, one of link, four of run-in.
    assert_eq!(host.nwa(1), 107);
    host.burn(Lba(107), 40, 2);
    host.good(SYNC);
    assert_eq!(host.nwa(1), 154);
    host.check(Lba(0), 100, 1);
    host.check(Lba(107), 40, 2);
    assert_eq!(host.fails("28 00 00 00 00 64 00 00 01 00", 2048), (3, 0x11, 5));
    // An open track of packets: mode 5, packet bit.
    let info = host.read("52 01 00 00 00 01 00 00 24 00", 36);
    assert_eq!((info[5] & 15, info[6] & 0xf0), (5, 0x20));
    host.good("5b 00 01 00 00 01 00 00 00 00");
    host.good("5b 00 02 00 00 00 00 00 00 00");
    assert_eq!(host.read("43 00 00 00 00 00 00 00 14 00", 20)[2..4], [1, 1]);
    host.check(Lba(107), 40, 2);
}

#[test]
fn a_formatted_cd_rw_is_overwritten_packet_by_packet() {
    let mut host = Host::with(MediumKind::CdRw);
    let capacities = host.read("23 00 00 00 00 00 00 00 1c 00", 28);
    assert_eq!((capacities[8], capacities[16] >> 2), (1, 0));
    assert_eq!(capacities[20..24], [0, 4, 0x81, 0x60]);
    let list = bytes("00 02 00 08 00 04 81 60 40 00 00 20");
    assert_eq!(host.send("04 11 00 00 00 00", &list), Ok(0));
    host.ready();
    // 9227 packets of 32, as drives give an 80-minute disc.
    assert_eq!(host.read("25 00 00 00 00 00 00 00 00 00", 8)[..4], [0, 4, 0x81, 0x5f]);
    let info = host.read("52 01 00 00 00 01 00 00 24 00", 36);
    assert_eq!((info[6] & 0x30, &info[20..24]), (0x30, &[0, 0, 0, 32][..]));
    host.page05("60 e5 08 07 00 00 00 00 00 00 00 20");
    host.burn(Lba(3200), 64, 1);
    host.burn(Lba(3232), 32, 2);
    host.good(SYNC);
    host.check(Lba(3200), 32, 1);
    host.check(Lba(3232), 32, 2);
    assert_eq!(host.write(Lba(3201), 32, 1), Err((5, 0x64, 1)));
    // Restricted overwrite is current, formattable too, writing at once is not.
    for (feature, current) in [(0x23, 1), (0x26, 1), (0x2d, 0), (0x2e, 0)] {
        let reply = host.read(&format!("46 02 00 {feature:02x} 00 00 00 00 20 00"), 32);
        assert_eq!(reply[10] & 1, current, "feature {feature:x}");
    }
    // Blanked, it is a CD-RW as before.
    host.good("a1 11 00 00 00 00 00 00 00 00 00 00");
    host.ready();
    host.page05("41 c4 08");
    host.burn(Lba(0), 300, 3);
    host.good(SYNC);
    host.check(Lba(0), 300, 3);
}

/// Two closed sessions of one track each; where the second one begins.
fn sessions() -> (Host, i32) {
    let mut host = Host::with(MediumKind::CdRw);
    host.page05("41 c4 08");
    host.burn(Lba(0), 400, 1);
    host.good(SYNC);
    host.good("5b 00 02 00 00 00 00 00 00 00");
    let second = host.nwa(0xff) as i32;
    host.burn(Lba(second), 400, 2);
    host.good(SYNC);
    host.page05("41 04 08");
    host.good("5b 00 02 00 00 00 00 00 00 00");
    (host, second)
}

#[test]
fn the_last_session_can_be_opened_or_erased() {
    let (mut host, second) = sessions();
    let state = |host: &mut Host| host.read("51 00 00 00 00 00 00 00 22 00", 34)[2] & 15;
    assert_eq!(state(&mut host), 0xe);
    host.good("a1 05 00 00 00 00 00 00 00 00 00 00");
    assert_eq!(state(&mut host), 5);
    // Both tracks are still there, and a third can follow.
    host.check(Lba(second), 400, 2);
    assert_eq!(host.nwa(0xff) as i32, second + 552);
    host.good("a1 06 00 00 00 00 00 00 00 00 00 00");
    assert_eq!(state(&mut host), 1);
    host.check(Lba(0), 400, 1);
    assert_eq!(host.nwa(0xff) as i32, second);
    host.burn(Lba(second), 400, 4);
    host.good(SYNC);
    // The one track of the open session.
    host.good("a1 02 00 00 00 02 00 00 00 00 00 00");
    assert_eq!(host.nwa(0xff) as i32, second);
    host.good("a1 06 00 00 00 00 00 00 00 00 00 00");
    assert_eq!(state(&mut host), 0);
    let left = host.place.bench.with_disc(host.place.id, |d| Truth::of(d).readable());
    assert_eq!(left, Some(Vec::new()));
}

#[test]
fn a_track_of_packets_loses_its_tail() {
    let mut host = Host::with(MediumKind::CdRw);
    host.page05("60 c5 08 07");
    host.burn(Lba(0), 100, 1);
    host.good(SYNC);
    host.burn(Lba(107), 100, 2);
    host.good(SYNC);
    assert_eq!(host.fails("a1 04 00 00 10 00 00 00 00 00 00 00", 0), (5, 0x24, 0));
    host.good("a1 04 00 00 00 6b 00 00 00 00 00 00");
    assert_eq!(host.nwa(1), 107);
    host.burn(Lba(107), 50, 3);
    host.good(SYNC);
    host.check(Lba(107), 50, 3);
    host.check(Lba(0), 100, 1);
}
