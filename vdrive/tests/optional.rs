//! Commands that MMC leaves to the drive: READ BUFFER, WRITE BUFFER, SEND DIAGNOSTIC. And operation
//! codes that mean something else to other kinds of device.

mod host;

use std::time::Duration;

use engine::device::{Clock, Data};
use engine::units::Lba;
use host::{Host, bytes};
use vdrive::models::MediumKind;

/// READ BUFFER's descriptor, mode 3.
const DESCRIPTOR: &str = "3c 03 00 00 00 00 00 00 04 00";

#[test]
fn the_buffer_gives_back_what_was_put_into_it() {
    let mut host = Host::with(MediumKind::CdR);
    // 126800h bytes with a CD, any offset (SPC-3, 6.15.5); no second buffer.
    assert_eq!(host.read(DESCRIPTOR, 4), [0, 0x12, 0x68, 0]);
    assert_eq!(host.read("3c 03 01 00 00 00 00 00 04 00", 4), [0; 4]);
    assert_eq!(host.read("3c 02 00 00 00 00 00 00 04 00", 4), [0; 4]);
    let put = [1, 2, 3, 4, 5, 6];
    assert_eq!(host.send("3b 02 00 00 00 10 00 00 06 00", &put), Ok(0));
    assert_eq!(host.read("3c 02 00 00 00 0f 00 00 08 00", 8), [0, 1, 2, 3, 4, 5, 6, 0]);
    // Mode 0: a header of 4 bytes each way.
    assert_eq!(host.send("3b 00 00 00 00 00 00 00 06 00", &[0, 0, 0, 0, 8, 9]), Ok(0));
    assert_eq!(host.read("3c 00 00 00 00 00 00 00 06 00", 6), [0, 0x12, 0x68, 0, 8, 9]);
    // wodim asks for the header alone.
    assert_eq!(host.read("3c 00 00 00 00 00 00 00 04 00", 4), [0, 0x12, 0x68, 0]);
    // The last byte, and what lies behind it.
    assert_eq!(host.send("3b 02 00 12 67 ff 00 00 01 00", &[7]), Ok(0));
    assert_eq!(host.read("3c 02 00 12 67 ff 00 00 08 00", 8), [7]);
    assert_eq!(host.send("3b 02 00 12 67 ff 00 00 02 00", &[7, 7]), Err((5, 0x24, 0)));
    assert_eq!(host.fails("3c 02 00 12 68 01 00 00 01 00", 1), (5, 0x24, 0));
    assert_eq!(host.fails("3c 02 01 00 00 00 00 00 01 00", 1), (5, 0x24, 0));
    assert_eq!(host.fails("3c 0a 00 00 00 00 00 00 04 00", 4), (5, 0x24, 0));
    // No firmware is taken, and nothing in place of what waits for the laser.
    assert_eq!(host.send("3b 05 00 00 00 00 00 00 04 00", &[0; 4]), Err((5, 0x24, 0)));
    assert_eq!(host.write(Lba(0), 8, 1), Ok(0));
    assert_eq!(host.send("3b 02 00 00 00 00 00 00 01 00", &[7]), Err((5, 0x2c, 0)));
    host.sync();
    host.on_disc(Lba(0), 8, 1);
    assert_eq!(host.send("3b 02 00 00 00 00 00 00 01 00", &[7]), Ok(0));
}

#[test]
fn a_drive_tests_itself_and_leaves_the_disc_alone() {
    let mut host = Host::with(MediumKind::BdRe);
    let before = host.fingerprint();
    let start = host.place.clock.now();
    host.good("1d 04 00 00 00 00");
    assert!(host.place.clock.now().since(start) >= Duration::from_secs(1));
    // No test at all, one of another kind, diagnostic pages.
    host.good("1d 00 00 00 00 00");
    assert_eq!(host.command(&bytes("1d 20 00 00 00 00"), Data::None), Err((5, 0x24, 0)));
    assert_eq!(host.send("1d 10 00 00 04 00", &[0; 4]), Err((5, 0x24, 0)));
    assert_eq!(host.test_ready(), Ok(0));
    assert_eq!(host.fingerprint(), before);
}

#[test]
fn drives_differ_in_what_they_have() {
    let slim = &mut Host::on("virtual:bd-slim", MediumKind::CdR);
    assert_eq!(slim.fails(DESCRIPTOR, 4), (5, 0x20, 0));
    assert_eq!(slim.command(&bytes("1d 04 00 00 00 00"), Data::None), Err((5, 0x20, 0)));
    let old = &mut Host::on("virtual:dvd-desktop", MediumKind::DvdR);
    assert_eq!(old.read(DESCRIPTOR, 4), [0, 0x18, 0x80, 0]);
    assert_eq!(old.command(&bytes("1d 04 00 00 00 00"), Data::None), Err((5, 0x20, 0)));
}

/// ATA PASS-THROUGH (12) of SAT has the operation code of BLANK. What `sg_sat_identify --len=12 -p`
/// sends to read an identity erases the disc of a recorder, and one that cannot be erased refuses.
/// The form of 16 bytes is no command of MMC.
#[test]
fn ata_pass_through_is_blank_to_a_recorder() {
    const IDENTIFY_PACKET: &str = "a1 08 0e 00 01 00 00 00 00 a1 00 00";
    const IDENTIFY: &str = "85 08 0e 00 00 00 01 00 00 00 00 00 00 40 ec 00";
    let mut cd_r = Host::with(MediumKind::CdR);
    assert_eq!(cd_r.fails(IDENTIFY, 512), (5, 0x20, 0));
    assert_eq!(cd_r.fails(IDENTIFY_PACKET, 512), (5, 0x30, 6));
    let mut cd_rw = Host::with(MediumKind::CdRw);
    cd_rw.page05("41 c4 08");
    cd_rw.burn(Lba(0), 400, 1);
    cd_rw.good("35 00 00 00 00 00 00 00 00 00");
    cd_rw.good("5b 00 02 00 00 00 00 00 00 00");
    assert_eq!(cd_rw.fails(IDENTIFY, 512), (5, 0x20, 0));
    cd_rw.on_disc(Lba(0), 400, 1);
    // No data comes.
    assert_eq!(cd_rw.command(&bytes(IDENTIFY_PACKET), Data::In(&mut [0; 512])), Ok(512));
    assert_eq!(cd_rw.read("51 00 00 00 00 00 00 00 03 00", 3)[2] & 3, 0, "blank");
}

/// GET PERFORMANCE (MMC-6, 6.8): types 0, 1 and 3. Defect status (2) and defective block
/// information (4, 5) belong to Enhanced Defect Reporting, which is not among the features.
#[test]
fn performance_of_other_types_is_refused_at_the_type() {
    for kind in [MediumKind::CdR, MediumKind::DvdRam, MediumKind::BdRe] {
        let mut host = Host::with(kind);
        for number in [2u8, 4, 5, 6, 0xff] {
            let mut cdb = bytes("ac 00 00 00 00 00 00 00 00 01 00 00");
            cdb[10] = number;
            let mut room = [0; 64];
            let done = host.try_command(&cdb, Data::In(&mut room)).unwrap();
            // Illegal request, invalid field, byte 10 of the CDB.
            let sense = [done.sense[2], done.sense[12], done.sense[15] & 0xc0, done.sense[17]];
            assert_eq!(sense, [5, 0x24, 0xc0, 10], "type {number} of {kind}");
        }
        // Every tolerance has an answer: hosts send 0 and 2.
        for tolerance in 0..4u8 {
            let cdb = format!("ac {:02x} 00 00 00 00 00 00 00 01 00 00", tolerance << 3);
            assert_eq!(host.read(&cdb, 24).len(), 24, "tolerance {tolerance} of {kind}");
        }
    }
}

/// READ FORMAT CAPACITIES of discs that nobody can format: blank, what they could hold,
/// "unformatted or blank" (1); written, what can be read of them (2).
#[test]
fn a_blank_write_once_disc_has_the_capacity_that_it_could_have() {
    let discs = [
        (MediumKind::DvdR, [0, 0x23, 0x12, 0x80, 1]),
        (MediumKind::DvdPlusR, [0, 0x23, 5, 0x40, 1]),
    ];
    for (kind, blank) in discs {
        let mut host = Host::with(kind);
        let asked = |host: &mut Host| host.read("23 00 00 00 00 00 00 00 fc 00", 252)[3..].to_vec();
        assert_eq!(asked(&mut host), [&[8], &blank[..], &[0, 8, 0]].concat(), "{kind}");
        host.burn(Lba(0), 32, 1);
        host.sync();
        host.good("5b 00 01 00 00 01 00 00 00 00");
        host.good("5b 00 02 00 00 00 00 00 00 00");
        assert_eq!(asked(&mut host), [8, 0, 0, 0, 32, 2, 0, 8, 0], "{kind}");
    }
}
