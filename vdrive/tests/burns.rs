//! Whole burns on every kind of disc, command by command, with the medium looked at afterwards.

mod host;

use engine::units::Lba;
use host::Host;
use vdrive::models::MediumKind;

/// Blocks of a burn: not a multiple of any recording unit.
const BLOCKS: u32 = 1061;

#[test]
fn a_cd_r_is_burnt_track_at_once_and_grows() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("41 c4 08");
    assert_eq!(host.nwa(0xff), 0);
    host.burn(Lba(0), BLOCKS, 1);
    host.sync();
    // The track is complete and has two blocks of run-out; the invisible one starts 150 behind it.
    assert_eq!(host.nwa(0xff), BLOCKS + 2 + 150);
    host.good("5b 01 02 00 00 00 00 00 00 00");
    host.ready();
    assert_eq!(&host.read("51 00 00 00 00 00 00 00 22 00", 34)[..7], [0, 32, 1, 1, 2, 2, 2]);
    assert_eq!(host.nwa(0xff), BLOCKS + 2 + 11_400);
    assert_eq!(host.read("25 00 00 00 00 00 00 00 00 00", 8), [0, 0, 4, 0x26, 0, 0, 8, 0]);
    host.check(Lba(0), BLOCKS, 1);
    // The run-out cannot be read.
    assert_eq!(host.fails("28 00 00 00 04 25 00 00 01 00", 2048), (3, 0x11, 5));
    let second = Lba(BLOCKS as i32 + 2 + 11_400);
    host.page05("41 04 08");
    host.burn(second, BLOCKS, 2);
    host.sync();
    host.good("5b 00 02 00 00 00 00 00 00 00");
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2], 0x0e);
    host.check(Lba(0), BLOCKS, 1);
    host.check(second, BLOCKS, 2);
    let toc = host.read("43 00 00 00 00 00 00 00 0c 40", 12);
    assert_eq!(&toc[..8], [0, 10, 1, 2, 0, 0x14, 2, 0]);
    assert_eq!(host.write(Lba(20_000), 1, 3), Err((5, 0x30, 5)));
}

#[test]
fn a_bd_r_is_burnt_and_grows() {
    let mut host = Host::with(MediumKind::BdR);
    host.burn(Lba(0), BLOCKS, 1);
    host.sync();
    assert_eq!(host.nwa(1), 1088);
    host.good("5b 01 01 00 00 01 00 00 00 00");
    host.ready();
    host.good("5b 01 02 00 00 00 00 00 00 00");
    host.ready();
    host.check(Lba(0), BLOCKS, 1);
    assert_eq!(host.nwa(2), 1088);
    host.burn(Lba(1088), BLOCKS, 2);
    host.sync();
    host.good("5b 01 01 00 00 02 00 00 00 00");
    host.ready();
    host.good("5b 01 06 00 00 00 00 00 00 00");
    host.ready();
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2] & 3, 2);
    host.check(Lba(0), BLOCKS, 1);
    host.check(Lba(1088), BLOCKS, 2);
    assert_eq!(host.write(Lba(4096), 32, 3), Err((5, 0x30, 5)));
}
