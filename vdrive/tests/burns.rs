//! Whole burns on every kind of disc, command by command, with the medium looked at afterwards.

mod host;

use engine::units::Lba;
use host::{Host, bytes};
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

#[test]
fn a_cd_r_is_burnt_session_at_once_from_a_cue_sheet() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("42 00");
    // As xorriso sends it for 1064 blocks: lead-in, pre-gap, track 1 at 00:02:00, lead-out.
    let sheet = bytes(
        "41 00 00 14 00 00 00 00 41 01 00 10 00 00 00 00 \
         41 01 01 10 00 00 02 00 41 aa 01 14 00 00 10 0e",
    );
    assert_eq!(host.write(Lba(-150), 16, 0), Err((5, 0x2c, 0)));
    assert_eq!(host.send("5d 00 00 00 00 00 00 00 20 00", &sheet), Ok(0));
    assert_eq!(host.write(Lba(0), 16, 0), Err((5, 0x21, 2)));
    host.burn(Lba(-150), 1064 + 150, 5);
    assert_eq!(host.write(Lba(1064), 1, 0), Err((5, 0x63, 0)));
    host.sync();
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2], 0x0e);
    assert_eq!(host.read("25 00 00 00 00 00 00 00 00 00", 8)[..4], [0, 0, 4, 0x27]);
    host.check(Lba(0), 1064, 5);
    let toc = host.read("43 02 02 00 00 00 00 00 30 00", 48);
    // A0, A1, A2 (lead-out at 00:16:14) and track 1 at 00:02:00; no B0 as the disc is closed.
    assert_eq!(toc[2..4], [1, 1]);
    assert_eq!(toc[26..37], [1, 0x14, 0, 0xa2, 0, 0, 0, 0, 0, 16, 14]);
    assert_eq!(toc[37..48], [1, 0x14, 0, 1, 0, 0, 0, 0, 0, 2, 0]);
}

#[test]
fn a_cue_sheet_with_a_lead_in_time_is_refused() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("42 00");
    let sheet = bytes(
        "41 00 00 14 00 61 1a 42 41 01 00 10 00 00 00 00 \
         41 01 01 10 00 00 02 00 41 aa 01 14 00 00 10 0e",
    );
    assert_eq!(host.send("5d 00 00 00 00 00 00 00 20 00", &sheet), Err((5, 0x26, 0)));
    assert_eq!(host.write(Lba(-150), 16, 0), Err((5, 0x2c, 0)));
}

#[test]
fn a_short_track_at_once_is_filled_up_to_four_seconds() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("41 c4 08");
    host.burn(Lba(0), 16, 1);
    host.sync();
    assert_eq!(host.nwa(0xff), 300 + 2 + 150);
    host.check(Lba(0), 16, 1);
    assert!(host.read("28 00 00 00 00 10 00 00 20 00", 65_536).iter().all(|&b| b == 0));
}

#[test]
fn a_cd_rw_is_blanked_and_burnt_again() {
    for blank in ["a1 11 00 00 00 00 00 00 00 00 00 00", "a1 00 00 00 00 00 00 00 00 00 00 00"] {
        let mut host = Host::with(MediumKind::CdRw);
        host.page05("41 04 08");
        host.burn(Lba(0), BLOCKS, 1);
        host.sync();
        host.good("5b 00 02 00 00 00 00 00 00 00");
        assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2], 0x1e);
        assert_eq!(host.write(Lba(0), 16, 2), Err((5, 0x30, 5)));
        host.good(blank);
        host.ready();
        assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2], 0x10);
        assert_eq!(host.fails("28 00 00 00 00 00 00 00 01 00", 2048), (5, 0x21, 0));
        host.page05("41 04 08");
        host.burn(Lba(0), 400, 2);
        host.sync();
        host.good("5b 00 02 00 00 00 00 00 00 00");
        host.check(Lba(0), 400, 2);
    }
}

#[test]
fn a_dvd_r_is_burnt_incrementally_and_grows() {
    let mut host = Host::with(MediumKind::DvdR);
    host.page05("60 e5 08 10 00 00 00 00 00 00 00 10");
    assert_eq!(host.nwa(1), 0);
    host.burn(Lba(0), BLOCKS, 1);
    host.sync();
    host.good("5b 01 01 00 00 01 00 00 00 00");
    host.ready();
    host.good("5b 01 02 00 00 00 00 00 00 00");
    host.ready();
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[..7], [0, 32, 1, 1, 2, 2, 2]);
    let next = host.nwa(2);
    assert_eq!(next, 1072 + 32_768);
    host.check(Lba(0), BLOCKS, 1);
    host.page05("60 25 08 10 00 00 00 00 00 00 00 10");
    host.burn(Lba(next as i32), BLOCKS, 2);
    host.sync();
    host.good("5b 01 01 00 00 02 00 00 00 00");
    host.ready();
    host.good("5b 01 02 00 00 00 00 00 00 00");
    host.ready();
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2], 0x0e);
    host.check(Lba(0), BLOCKS, 1);
    host.check(Lba(next as i32), BLOCKS, 2);
    // The border zone between them holds nothing.
    assert_eq!(host.fails("28 00 00 00 10 00 00 00 01 00", 2048), (3, 0x11, 5));
}

#[test]
fn a_dvd_r_is_burnt_at_once_and_closes_itself() {
    let mut host = Host::with(MediumKind::DvdR);
    host.page05("42 05 08");
    host.good("53 00 00 00 00 00 00 04 30 00");
    assert_eq!(host.nwa(1), 0);
    host.burn(Lba(0), 1072, 1);
    assert_eq!(host.write(Lba(1072), 16, 1), Err((5, 0x63, 0)));
    host.sync();
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2], 0x0e);
    host.check(Lba(0), 1072, 1);
}

#[test]
fn a_minimally_blanked_dvd_rw_takes_a_disc_at_once_only() {
    let mut host = Host::with(MediumKind::DvdRw);
    host.page05("60 25 08 10 00 00 00 00 00 00 00 10");
    host.burn(Lba(0), BLOCKS, 1);
    host.sync();
    host.good("5b 00 01 00 00 01 00 00 00 00");
    host.good("5b 00 02 00 00 00 00 00 00 00");
    host.good("a1 11 00 00 00 00 00 00 00 00 00 00");
    host.ready();
    let feature = |host: &mut Host| host.read("46 02 00 21 00 00 00 00 10 00", 16)[10] & 1;
    assert_eq!(feature(&mut host), 0);
    assert_eq!(host.write(Lba(0), 16, 2), Err((5, 0x64, 0)));
    host.page05("42 05 08");
    host.good("53 00 00 00 00 00 00 04 30 00");
    host.burn(Lba(0), 1072, 2);
    host.sync();
    host.check(Lba(0), 1072, 2);
    host.good("a1 00 00 00 00 00 00 00 00 00 00 00");
    assert_eq!(feature(&mut host), 1);
}

#[test]
fn a_dvd_rw_is_formatted_for_restricted_overwrite() {
    let mut host = Host::with(MediumKind::DvdRw);
    // Quick: the disc is in its intermediate state and grows.
    assert_eq!(
        host.send("04 11 00 00 00 00", &bytes("00 02 00 08 00 00 00 00 54 00 00 10")),
        Ok(0)
    );
    host.ready();
    assert_eq!(host.read("46 00 00 00 00 00 00 00 08 00", 8)[6..], [0, 0x13]);
    assert_eq!(host.read("23 00 00 00 00 00 00 00 0c 00", 12)[8], 3);
    assert_eq!(host.write(Lba(0), 3, 1), Err((5, 0x64, 1)));
    assert_eq!(host.write(Lba(32), 16, 1), Err((5, 0x21, 2)));
    host.burn(Lba(0), 1072, 1);
    host.burn(Lba(16), 16, 9);
    host.sync();
    host.good("5b 01 02 00 00 00 00 00 00 00");
    host.ready();
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2], 0x1e);
    assert_eq!(host.read("25 00 00 00 00 00 00 00 00 00", 8)[..4], [0, 0, 4, 0x2f]);
    host.check(Lba(0), 16, 1);
    host.check(Lba(16), 16, 9);
    host.check(Lba(32), 1040, 1);
    let track = host.read("52 01 00 00 00 01 00 00 20 00", 32);
    assert_eq!((track[6] & 0x30, &track[20..24]), (0x30, &[0, 0, 0, 16][..]));
    // Full: everything can be read and written.
    assert_eq!(
        host.send("04 11 00 00 00 00", &bytes("00 02 00 08 00 23 10 20 00 00 08 00")),
        Ok(0)
    );
    assert_eq!(host.test_ready(), Err((2, 4, 4)));
    host.ready();
    assert_eq!(host.read("25 00 00 00 00 00 00 00 00 00", 8)[..4], [0, 0x23, 0x10, 0x1f]);
    host.burn(Lba(160), 16, 3);
    host.sync();
    host.check(Lba(160), 16, 3);
    assert!(host.read("28 00 00 10 00 00 00 00 01 00", 2048).iter().all(|&b| b == 0));
}

#[test]
fn a_dvd_plus_r_is_burnt_and_grows() {
    let mut host = Host::with(MediumKind::DvdPlusR);
    // RT and Blank of track 1 as dvd+rw-mediainfo reads them: 40h blank, C0h reserved, 00h
    // invisible, 80h partly recorded or complete.
    let state = |host: &mut Host| host.read("52 01 00 00 00 01 00 00 20 00", 32)[6] & 0xc0;
    assert_eq!(state(&mut host), 0x40);
    host.good("53 00 00 00 00 00 00 04 30 00");
    assert_eq!((state(&mut host), host.nwa(1)), (0xc0, 0));
    host.burn(Lba(0), BLOCKS, 1);
    host.sync();
    assert_eq!(state(&mut host), 0x80);
    host.good("5b 01 01 00 00 01 00 00 00 00");
    host.ready();
    assert_eq!(state(&mut host), 0x80);
    host.good("5b 01 02 00 00 00 00 00 00 00");
    host.ready();
    assert_eq!(host.nwa(0xff), 1072 + 2048);
    host.check(Lba(0), BLOCKS, 1);
    host.burn(Lba(3120), BLOCKS, 2);
    host.sync();
    host.good("5b 01 01 00 00 02 00 00 00 00");
    host.ready();
    host.good("5b 01 05 00 00 00 00 00 00 00");
    host.ready();
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2], 0x0e);
    host.check(Lba(0), BLOCKS, 1);
    host.check(Lba(3120), BLOCKS, 2);
    // Track 2 was not reserved.
    assert_eq!(host.read("52 01 00 00 00 02 00 00 20 00", 32)[6] & 0xc0, 0x80);
}

#[test]
fn a_dvd_plus_rw_is_formatted_in_the_background() {
    let mut host = Host::with(MediumKind::DvdPlusRw);
    assert_eq!(host.write(Lba(0), 16, 1), Err((5, 0x30, 0x10)));
    assert_eq!(
        host.send("04 11 00 00 00 00", &bytes("00 02 00 08 ff ff ff ff 98 00 00 00")),
        Ok(0)
    );
    assert_eq!(host.test_ready(), Err((2, 4, 4)));
    host.ready();
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[7] & 3, 2);
    host.burn(Lba(32), BLOCKS, 1);
    host.burn(Lba(0), 32, 2);
    host.sync();
    host.good("5b 01 00 00 00 00 00 00 00 00");
    host.ready();
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[7] & 3, 1);
    host.check(Lba(32), BLOCKS, 1);
    host.check(Lba(0), 32, 2);
    assert_eq!(host.read("25 00 00 00 00 00 00 00 00 00", 8)[..4], [0, 0x23, 5, 0x3f]);
    assert_eq!(host.fails("28 00 00 20 00 00 00 00 01 00", 2048), (8, 0, 0));
    // Restarted, it goes on while nobody asks for anything, and ends. What the disc's size is need
    // not be said: dvd+rw-format -lead-out sends these bytes.
    assert_eq!(
        host.send("04 11 00 00 00 00", &bytes("00 02 00 08 00 00 00 00 98 00 00 01")),
        Ok(0)
    );
    host.ready();
    host.wait(7200);
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[7] & 3, 3);
    assert_eq!(host.read("4a 01 00 00 10 00 00 00 08 00", 8)[4], 2);
    assert_eq!(host.read("4a 01 00 00 10 00 00 00 08 00", 8)[4], 5);
    assert!(host.read("28 00 00 20 00 00 00 00 01 00", 2048).iter().all(|&b| b == 0));
    host.check(Lba(32), BLOCKS, 1);
}

#[test]
fn a_bd_re_is_formatted_and_overwritten() {
    let mut host = Host::with(MediumKind::BdRe);
    assert_eq!(host.write(Lba(0), 32, 1), Err((5, 0x30, 0x10)));
    assert_eq!(host.read("23 00 00 00 00 00 00 00 0c 00", 12)[4..9], [0, 0xba, 0x74, 0, 1]);
    // Quick certification, which takes longer than none.
    let begun = host.place.bench.now();
    assert_eq!(
        host.send("04 11 00 00 00 00", &bytes("00 02 00 08 00 b4 74 00 c3 00 30 00")),
        Ok(0)
    );
    host.ready();
    let took = host.place.bench.now().since(begun).as_secs();
    assert!((60..200).contains(&took), "{took} s");
    assert_eq!(
        host.send("04 11 00 00 00 00", &bytes("00 82 00 08 00 b4 74 00 00 00 08 00")),
        Ok(0)
    );
    host.ready();
    assert_eq!(host.read("25 00 00 00 00 00 00 00 00 00", 8)[..4], [0, 0xb4, 0x73, 0xff]);
    host.burn(Lba(64), BLOCKS, 1);
    host.burn(Lba(100), 7, 2);
    host.sync();
    host.check(Lba(64), 36, 1);
    host.check(Lba(100), 7, 2);
    host.check(Lba(107), BLOCKS - 43, 1);
    assert_eq!(host.write(Lba(0xb4_7400), 1, 1), Err((5, 0x21, 0)));
}

/// Seconds that so many blocks from 0 on take until they are on the disc.
fn seconds(host: &mut Host, blocks: u32, streaming: bool) -> u64 {
    let begun = host.place.bench.now();
    let data = vec![7; 32 * 2048];
    for lba in (0..blocks).step_by(32) {
        let [_, a, b, c] = lba.to_be_bytes();
        let flag = u8::from(streaming) << 7;
        let cdb = [0xaa, 0, 0, a, b, c, 0, 0, 0, 32, flag, 0];
        assert_eq!(host.command(&cdb, engine::device::Data::Out(&data)), Ok(0));
    }
    host.sync();
    host.place.bench.now().since(begun).as_secs()
}

#[test]
fn a_dvd_ram_is_written_anywhere_without_being_formatted_first() {
    let mut host = Host::with(MediumKind::DvdRam);
    // Formatted with supplementary spare areas, erasable, complete; 2 KiB anywhere.
    assert_eq!(
        host.read("23 00 00 00 00 00 00 00 fc 00", 252),
        bytes(
            "00 00 00 20 00 22 21 20 02 00 08 00 00 22 21 20 00 00 08 00 \
             00 23 05 20 00 00 08 00 00 22 21 20 04 00 08 00"
        )
    );
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2], 0x1e);
    assert_eq!(host.read("25 00 00 00 00 00 00 00 00 00", 8), bytes("00 22 21 1f 00 00 08 00"));
    assert!(host.read("28 00 00 10 00 00 00 00 10 00", 32_768).iter().all(|&b| b == 0));
    host.burn(Lba(77), BLOCKS, 1);
    host.burn(Lba(100), 7, 2);
    host.sync();
    host.check(Lba(77), 23, 1);
    host.check(Lba(100), 7, 2);
    host.check(Lba(107), BLOCKS - 30, 1);
    assert_eq!(host.write(Lba(0x22_2120), 1, 1), Err((5, 0x21, 0)));
    assert_eq!(
        host.command(&bytes("5b 00 02 00 00 00 00 00 00 00"), engine::device::Data::None),
        Err((5, 0x24, 0))
    );
}

#[test]
fn a_dvd_ram_is_read_back_as_it_is_written_unless_the_host_streams() {
    let mut host = Host::with(MediumKind::DvdRam);
    seconds(&mut host, 32, true);
    let (careful, fast) = (seconds(&mut host, 32_000, false), seconds(&mut host, 32_000, true));
    // 62.5 MiB at 5x are 9.5 s.
    assert!((9..12).contains(&fast) && (18..22).contains(&careful), "{careful} s, {fast} s");
}

#[test]
fn a_dvd_ram_grows_and_shrinks_by_formatting() {
    let mut host = Host::with(MediumKind::DvdRam);
    host.burn(Lba(0), BLOCKS, 1);
    host.sync();
    // No size but those that are offered; no zones.
    for list in ["00 02 00 08 00 22 21 10 00 00 08 00", "00 02 00 08 00 22 21 20 14 00 00 00"] {
        assert_eq!(host.send("04 11 00 00 00 00", &bytes(list)), Err((5, 0x26, 0)));
    }
    // Without certification what is there stays.
    let quick = bytes("00 a2 00 08 00 23 05 20 00 00 08 00");
    assert_eq!(host.send("04 19 00 00 00 00", &quick), Ok(0));
    host.ready();
    assert_eq!(host.read("25 00 00 00 00 00 00 00 00 00", 8)[..4], [0, 0x23, 5, 0x1f]);
    host.burn(Lba(0x22_2120), 32, 2);
    host.sync();
    let expand = bytes("00 02 00 08 00 22 21 20 04 00 08 00");
    assert_eq!(host.send("04 11 00 00 00 00", &expand), Ok(0));
    host.ready();
    host.check(Lba(0), BLOCKS, 1);
    assert_eq!(host.fails("28 00 00 22 21 20 00 00 01 00", 2048), (5, 0x21, 0));
    // With it, every block is written and read.
    let begun = host.place.bench.now();
    let full = bytes("00 02 00 08 00 22 21 20 00 00 08 00");
    assert_eq!(host.send("04 11 00 00 00 00", &full), Ok(0));
    host.ready();
    let minutes = host.place.bench.now().since(begun).as_secs() / 60;
    assert!((20..30).contains(&minutes), "{minutes} min");
    assert!(host.read("28 00 00 00 00 00 00 00 10 00", 32_768).iter().all(|&b| b == 0));
}

#[test]
fn a_dvd_ram_replaces_what_it_cannot_record_until_its_spare_areas_are_full() {
    use engine::units::Blocks;
    use vdrive::fault::{Fault, What, When};
    let mut host = Host::with(MediumKind::DvdRam);
    let spare =
        |host: &mut Host| host.read("ad 00 00 00 00 00 00 0a 00 10 00 00", 16)[4..].to_vec();
    assert_eq!(spare(&mut host), bytes("00 00 32 00 00 00 e4 00 00 00 e4 00"));
    let n = host.place.bench.commands(host.place.id);
    let fault = Fault { when: When::Before(n), what: What::WriteError(Lba(20), Blocks(1)) };
    host.place.bench.schedule(host.place.id, fault);
    host.burn(Lba(0), 64, 1);
    host.sync();
    host.check(Lba(0), 64, 1);
    assert_eq!(spare(&mut host), bytes("00 00 31 f0 00 00 e4 00 00 00 e4 00"));
}

#[test]
fn without_a_spare_left_a_bad_block_is_an_error_that_names_it() {
    use engine::units::Blocks;
    use vdrive::fault::{Fault, What, When};
    let mut host = Host::with(MediumKind::DvdRam);
    let n = host.place.bench.commands(host.place.id);
    let all = What::WriteError(Lba(0), Blocks(200_000));
    host.place.bench.schedule(host.place.id, Fault { when: When::Before(n), what: all });
    // 12,800 primary and 58,368 supplementary blocks, 16 to a unit.
    host.burn(Lba(0), 71_168, 1);
    host.sync();
    host.check(Lba(71_136), 32, 1);
    let spare = host.read("ad 00 00 00 00 00 00 0a 00 10 00 00", 16);
    assert_eq!(spare[4..], bytes("00 00 00 00 00 00 00 00 00 00 e4 00"));
    assert_eq!(host.write(Lba(71_168), 16, 1), Ok(0));
    let flush = bytes("35 00 00 00 00 00 00 00 00 00");
    assert_eq!(host.command(&flush, engine::device::Data::None), Err((3, 0x32, 0)));
    // What lies in the spare areas is listed, as one stretch.
    let list = host.read("ac 01 00 00 00 00 00 00 00 08 01 00", 72);
    assert_eq!(list, bytes("00 00 00 0c 00 00 00 00 00 00 00 00 00 01 16 00"));
}

#[test]
fn a_bd_r_with_pseudo_overwrite_takes_blocks_again() {
    let mut host = Host::with(MediumKind::BdR);
    assert_eq!(host.read("46 02 00 38 00 00 00 00 10 00", 16)[10] & 1, 0);
    // As growisofs formats it; random recording is not on offer.
    for (sub, answer) in [("ca", Err((5, 0x26, 0))), ("c8", Ok(0))] {
        let list = format!("00 02 00 08 00 b4 74 00 {sub} 00 30 00");
        assert_eq!(host.send("04 11 00 00 00 00", &bytes(&list)), answer);
    }
    host.ready();
    assert_eq!(host.read("46 02 00 38 00 00 00 00 10 00", 16)[10] & 1, 1);
    host.burn(Lba(0), BLOCKS, 1);
    // Again before it is on the disc, inside one cluster and across two; then on behind the rest.
    host.burn(Lba(40), 4, 2);
    host.burn(Lba(42), 30, 3);
    assert_eq!(host.write(Lba(1088 + 128), 32, 4), Err((5, 0x21, 2)));
    assert_eq!(host.nwa(1), 1088 + 3 * 32);
    host.burn(Lba(1088 + 96), 32, 4);
    host.sync();
    host.good("5b 01 01 00 00 01 00 00 00 00");
    host.ready();
    let resources = host.read("51 02 00 00 00 00 00 00 10 00", 16);
    assert_eq!(resources[..4], [0, 14, 0x40, 0]);
    host.burn(Lba(16), 16, 5);
    host.sync();
    assert_eq!(host.nwa(2), 1088 + 96 + 32 + 32);
    for (lba, blocks, tag) in
        [(0, 16, 1), (16, 16, 5), (32, 8, 1), (40, 2, 2), (42, 30, 3), (72, 989, 1), (1184, 32, 4)]
    {
        host.check(Lba(lba), blocks, tag);
    }
    // The next host finds the same after the power was off.
    host.place.bench.pull_power(host.place.id);
    host.place.bench.plug(host.place.id);
    host.wait(60);
    host.settle();
    host.check(Lba(16), 16, 5);
    assert_eq!(host.nwa(2), 1088 + 96 + 32 + 32);
    // Without pseudo-overwrite, what is recorded stays.
    let mut plain = Host::with(MediumKind::BdR);
    let list = bytes("00 02 00 08 00 b4 74 00 c9 00 30 00");
    assert_eq!(plain.send("04 11 00 00 00 00", &list), Ok(0));
    plain.ready();
    plain.burn(Lba(0), 64, 1);
    assert_eq!(plain.write(Lba(16), 16, 2), Err((5, 0x21, 2)));
    assert_eq!(plain.fails("51 02 00 00 00 00 00 00 10 00", 16), (5, 0x24, 0));
}

#[test]
fn the_same_burn_leaves_the_same_disc_in_the_same_time() {
    let run = || {
        let mut host = Host::with(MediumKind::DvdPlusR);
        host.burn(Lba(0), 5000, 1);
        host.sync();
        (host.fingerprint(), host.place.bench.now())
    };
    assert_eq!(run(), run());
}

#[test]
fn a_drive_that_sends_long_writes_away_gets_them_again() {
    // The host of these tests repeats what is answered 2/04/08; the data must be there once.
    let mut host = Host::on("virtual:dvd-desktop", MediumKind::DvdR);
    host.page05("60 e5 08 10 00 00 00 00 00 00 00 10");
    host.burn(Lba(0), 8192, 1);
    assert!(host.sent_away > 0, "the buffer never filled");
    host.sync();
    host.check(Lba(0), 8192, 1);
}
