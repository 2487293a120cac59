//! What hosts of CD ask for besides audio and packets: further sessions at once, reserved tracks,
//! sub-channels in packs, data forms that the drive makes, and what the drive says it can.

mod host;

use engine::cdda::packs;
use engine::cdda::subchannel;
use engine::cdda::{FRAME, sector};
use engine::units::Lba;
use host::{Host, block, bytes};
use vdrive::models::MediumKind;

const SYNC: &str = "35 00 00 00 00 00 00 00 00 00";

/// READ TRACK INFORMATION of the invisible track: start and next writable address.
fn invisible(host: &mut Host) -> (i32, i32) {
    let info = host.read("52 01 00 00 00 ff 00 00 24 00", 36);
    let field =
        |at: usize| i32::from_be_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
    (field(8), field(12))
}

/// A cue sheet line of data track 2, at an address of the disc.
fn at(number: u8, index: u8, form: u8, lba: i32) -> [u8; 8] {
    let frames = lba + 150;
    let [m, s, f] = [frames / 4500, frames / 75 % 60, frames % 75].map(|n| n as u8);
    [0x41, number, index, form, 0, m, s, f]
}

#[test]
fn a_session_at_once_follows_others_where_its_sheet_says() {
    // 402 blocks with run-out, 6750 of lead-out, 4500 of lead-in, 150 of pre-gap.
    let start = 402 + 6750 + 4500 + 150;
    // Hosts that know where the pre-gap may begin, and cdrdao, which takes NWA for that.
    for begin in [start - 150, start] {
        let mut host = Host::with(MediumKind::CdR);
        host.page05("41 c4 08");
        host.burn(Lba(0), 400, 1);
        host.good(SYNC);
        host.good("5b 00 02 00 00 00 00 00 00 00");
        // User data begins there, whichever the write type: cdrskin -msinfo asks under SAO, and
        // writes its track at once.
        assert_eq!(invisible(&mut host), (start, start));
        host.page05("42 00 08");
        assert_eq!(invisible(&mut host), (start, start));
        let sheet = |begin: i32, first: i32| {
            let lead_in = [0x41, 0, 0, 0x14, 0, 0, 0, 0];
            let lead_out = at(0xaa, 1, 0x14, first + 300);
            [lead_in, at(2, 0, 0x10, begin), at(2, 1, 0x10, first), lead_out].concat()
        };
        let cue = "5d 00 00 00 00 00 00 00 20 00";
        // A pre-gap of less than two seconds.
        assert_eq!(host.send(cue, &sheet(begin, begin + 149)), Err((5, 0x26, 0)));
        let first = begin + 150;
        assert_eq!(host.send(cue, &sheet(begin, first)), Ok(0));
        assert_eq!(host.write(Lba(begin - 1), 1, 2), Err((5, 0x21, 2)));
        host.burn(Lba(begin), 450, 2);
        host.good(SYNC);
        host.check(Lba(first), 300, 2);
        let last = host.read("43 00 01 00 00 00 00 00 0c 00", 12);
        assert_eq!(last[8..], first.to_be_bytes());
        host.check(Lba(0), 400, 1);
    }
}

#[test]
fn a_track_can_be_reserved_and_filled_later() {
    let mut host = Host::with(MediumKind::CdRw);
    host.page05("41 c4 08");
    // 400 blocks: run-out behind them, then the pre-gap of the next track.
    host.good("53 00 00 00 00 00 00 01 90 00");
    let info = host.read("52 01 00 00 00 01 00 00 24 00", 36);
    // Reserved and empty; 400 blocks can be written in 402.
    assert_eq!((info[6] & 0xf0, &info[16..20]), (0xc0, &[0, 0, 1, 0x90][..]));
    assert_eq!(info[24..28], [0, 0, 1, 0x92]);
    assert_eq!(host.nwa(2), 552);
    // The shortest track has 300 blocks.
    host.good("53 00 00 00 00 00 00 00 0a 00");
    assert_eq!(host.nwa(3), 552 + 302 + 150);
    // The last one can be taken back, the others not.
    assert_eq!(host.fails("a1 03 00 00 00 01 00 00 00 00 00 00", 0), (5, 0x24, 0));
    host.good("a1 03 00 00 00 02 00 00 00 00 00 00");
    host.ready();
    host.burn(Lba(552), 320, 2);
    host.good(SYNC);
    // The session waits for the reserved track.
    assert_eq!(host.fails("5b 00 02 00 00 00 00 00 00 00", 0), (5, 0x72, 3));
    host.burn(Lba(0), 350, 1);
    assert_eq!(host.write(Lba(350), 51, 1), Err((5, 0x63, 0)));
    host.good(SYNC);
    // What was not written is filled up.
    assert_eq!(host.read("28 00 00 00 01 8f 00 00 01 00", 2048), [0; 2048]);
    assert_eq!(host.read("52 01 00 00 00 01 00 00 24 00", 36)[6] & 0xf0, 0x80);
    host.good("5b 00 02 00 00 00 00 00 00 00");
    host.check(Lba(0), 350, 1);
    host.check(Lba(552), 320, 2);
    assert_eq!(host.read("43 00 00 00 00 00 00 00 14 00", 20)[2..4], [1, 2]);
}

#[test]
fn reserved_tracks_take_packets() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("60 c5 08 07");
    host.good("53 00 00 00 00 00 00 01 90 00");
    host.burn(Lba(0), 100, 1);
    host.good(SYNC);
    // Part-recorded, reserved, in packets.
    assert_eq!(host.read("52 01 00 00 00 01 00 00 24 00", 36)[6] & 0xf0, 0xa0);
    assert_eq!(host.nwa(1), 107);
    assert_eq!(host.fails("5b 00 02 00 00 00 00 00 00 00", 0), (5, 0x72, 4));
    host.good("5b 00 01 00 00 01 00 00 00 00");
    host.good("5b 00 02 00 00 00 00 00 00 00");
    host.check(Lba(0), 100, 1);
}

#[test]
fn what_cannot_be_reserved_is_refused() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("42 00 08");
    assert_eq!(host.fails("53 00 00 00 00 00 00 01 90 00", 0), (5, 0x2c, 0));
    host.page05("41 04 08");
    assert_eq!(host.fails("53 01 00 00 01 90 00 00 00 00", 0), (5, 0x24, 0));
    assert_eq!(host.fails("53 00 00 00 00 7f ff ff ff 00", 0), (5, 0x24, 0));
    assert_eq!(host.fails("53 00 00 00 00 00 00 00 00 00", 0), (5, 0x24, 0));
}

#[test]
fn packets_of_one_length_need_a_formatted_disc() {
    let mut host = Host::with(MediumKind::CdR);
    let fixed = "60 e5 08 07 00 00 00 00 00 00 00 20";
    assert_eq!(host.try_page05(fixed), Err((5, 0x26, 0)));
    // A CD-RW is told so before it is formatted.
    let mut host = Host::with(MediumKind::CdRw);
    host.page05(fixed);
    assert_eq!(host.write(Lba(0), 32, 1), Err((5, 0x64, 0)));
}

/// Four packs as a host of CD+G has them, and P and Q of a position in data track 1.
fn packed(lba: i32) -> [u8; 96] {
    let position = match lba {
        ..0 => subchannel::position(0, 1, 0, lba.unsigned_abs(), Lba(lba)),
        0.. => subchannel::position(0, 1, 1, lba as u32, Lba(lba)),
    };
    let pq = subchannel::spread(&position, lba < 0);
    let tag = lba.wrapping_mul(5) as u8;
    std::array::from_fn(|i| pq[i] | tag.wrapping_add((i * 3) as u8) & 0x3f)
}

/// The same as a drive gives them back: with parity, without P and Q.
fn corrected(lba: i32) -> Vec<u8> {
    let mut all = packed(lba).map(|byte| byte & 0x3f);
    for pack in all.as_chunks_mut().0 {
        packs::protect(pack);
    }
    all.to_vec()
}

fn audio(lba: i32) -> Vec<u8> {
    let mut sector = [block(lba, 1), block(lba, 2)].concat();
    sector.truncate(FRAME);
    sector
}

fn read_cd(host: &mut Host, at: i32, how: [u8; 3], each: usize) -> Vec<u8> {
    let mut cdb = [0xbe, how[0] << 2, 0, 0, 0, 0, 0, 0, 1, how[1], how[2], 0];
    cdb[2..6].copy_from_slice(&at.to_be_bytes());
    let list: Vec<String> = cdb.iter().map(|byte| format!("{byte:02x}")).collect();
    host.read(&list.join(" "), each)
}

#[test]
fn sub_channels_in_packs_are_protected_and_interleaved() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("42 00 02");
    let sheet = bytes(
        "01 00 00 01 00 00 00 00 01 01 00 c0 00 00 00 00
         01 01 01 c0 00 00 02 00 01 aa 01 01 00 00 06 00",
    );
    assert_eq!(host.send("5d 00 00 00 00 00 00 00 20 00", &sheet), Ok(0));
    for at in (-150..300).step_by(10) {
        let data: Vec<u8> = (at..at + 10)
            .flat_map(|lba| [audio(lba), packed(lba).map(|byte| byte & 0x3f).to_vec()].concat())
            .collect();
        assert_eq!(host.write_sectors(Lba(at), 10, &data), Ok(0), "at {at}");
    }
    host.good(SYNC);
    assert_eq!(read_cd(&mut host, 100, [1, 0, 4], 96), corrected(100));
    let both = read_cd(&mut host, 7, [1, 0xf8, 4], FRAME + 96);
    assert_eq!((&both[..FRAME], &both[FRAME..]), (&audio(7)[..], &corrected(7)[..]));
    // Raw, they are interleaved; P and Q are the drive's, though the host sent none.
    let raw: [u8; 96] = read_cd(&mut host, 100, [1, 0, 1], 96).try_into().expect("96 bytes");
    assert_ne!(raw.map(|byte| byte & 0x3f).to_vec(), corrected(100));
    let q = subchannel::position(0, 1, 1, 100, Lba(100));
    assert_eq!(subchannel::q_of(&raw), q);
    // Page 2Ah says that R to W come corrected.
    let page = host.read("5a 00 2a 00 00 00 00 00 1c 00", 28);
    assert_eq!(page[8 + 5] & 0x0c, 0x0c);
}

#[test]
fn a_raw_session_can_have_its_sub_channels_in_packs() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("43 00 02");
    let point = |point: u8, msf: [u8; 3]| {
        let [m, s, f] = msf.map(sector::bcd);
        subchannel::sealed([1, 0, point, 0, 0, 0, 0, m, s, f, 0, 0])
    };
    let points = [
        point(0xa0, [1, 0, 0]),
        point(0xa1, [1, 0, 0]),
        point(0xa2, [0, 6, 0]),
        point(1, [0, 2, 0]),
    ];
    let whole = |lba: i32| {
        let subcode = match lba {
            ..-150 => subchannel::spread(&points[(lba + 11_634) as usize % 4], false),
            300.. => {
                subchannel::spread(&subchannel::position(0, 0xaa, 1, lba as u32, Lba(lba)), false)
            }
            _ => packed(lba),
        };
        let main = if (-150..300).contains(&lba) { audio(lba) } else { vec![0; FRAME] };
        [main, subcode.to_vec()].concat()
    };
    for at in (-11_634..366).step_by(20) {
        let data: Vec<u8> = (at..at + 20).flat_map(whole).collect();
        assert_eq!(host.write_sectors(Lba(at), 20, &data), Ok(0), "at {at}");
    }
    host.good(SYNC);
    assert_eq!(read_cd(&mut host, 100, [1, 0, 4], 96), corrected(100));
    let q = read_cd(&mut host, 100, [1, 0, 2], 16);
    assert_eq!(q[..12], subchannel::position(0, 1, 1, 100, Lba(100)));
    // The disc was for one raw session.
    assert_eq!(host.write_sectors(Lba(366), 1, &whole(366)), Err((5, 0x30, 5)));
}

#[test]
fn the_drive_makes_pauses_of_every_mode() {
    for (form, made, mode, kind) in [(0x20, 0x24, 2u8, 5u8), (0x30, 0x34, 2, 0), (0x10, 0x14, 1, 2)]
    {
        let mut host = Host::with(MediumKind::CdR);
        host.page05("42 04 08");
        let sheet = [
            [0x41, 0, 0, made, 0, 0, 0, 0],
            [0x41, 1, 0, made, 0, 0, 0, 0],
            [0x41, 1, 1, form, 0, 0, 2, 0],
            [0x41, 0xaa, 1, made, 0, 0, 6, 0],
        ]
        .concat();
        assert_eq!(host.send("5d 00 00 00 00 00 00 00 20 00", &sheet), Ok(0));
        let each = if form == 0x10 { 2048 } else { 2336 };
        for at in (0..300).step_by(10) {
            assert_eq!(host.write_sectors(Lba(at), 10, &vec![0; 10 * each]), Ok(0), "at {at}");
        }
        host.good(SYNC);
        let pause = read_cd(&mut host, -100, [kind, 0xf8, 0], FRAME);
        assert_eq!((&pause[..12], pause[15]), (&sector::SYNC[..], mode), "{made:02x}");
        assert_eq!(host.read("52 01 00 00 00 01 00 00 24 00", 36)[6] & 15, mode);
    }
}

#[test]
fn what_is_sent_for_nothing_becomes_zeros() {
    for (form, each, kind) in [(0x12, 2048, 2), (0x23, 2352, 5), (0x32, 2336, 0)] {
        let mut host = Host::with(MediumKind::CdR);
        host.page05("42 04 08");
        let sheet = [
            [0x41, 0, 0, 0x14, 0, 0, 0, 0],
            [0x41, 1, 0, form, 0, 0, 0, 0],
            [0x41, 1, 1, form, 0, 0, 2, 0],
            [0x41, 0xaa, 1, 0x14, 0, 0, 6, 0],
        ]
        .concat();
        assert_eq!(host.send("5d 00 00 00 00 00 00 00 20 00", &sheet), Ok(0));
        for at in (-150..300).step_by(10) {
            assert_eq!(host.write_sectors(Lba(at), 10, &vec![0x55; 10 * each]), Ok(0), "at {at}");
        }
        host.good(SYNC);
        let user = read_cd(&mut host, 100, [kind, 0x10, 0], FRAME);
        assert!(!user.is_empty() && user.iter().all(|&byte| byte == 0), "{form:02x}");
    }
    // A lead-in of no known form.
    let mut host = Host::with(MediumKind::CdR);
    host.page05("42 04 08");
    let sheet = bytes("41 00 00 15 00 00 00 00 41 01 01 10 00 00 02 00 41 aa 01 14 00 00 06 00");
    assert_eq!(host.send("5d 00 00 00 00 00 00 00 18 00", &sheet), Err((5, 0x26, 0)));
}

/// Three audio tracks of 450 sectors, the second with an index in its middle.
fn album() -> Host {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("42 00 00");
    let sheet = bytes(
        "01 00 00 01 00 00 00 00 01 01 00 01 00 00 00 00 01 01 01 00 00 00 02 00
         01 02 01 00 00 00 08 00 01 02 02 00 00 00 0b 00 01 03 01 00 00 00 0e 00
         01 aa 01 01 00 00 14 00",
    );
    assert_eq!(host.send("5d 00 00 00 00 00 00 00 38 00", &sheet), Ok(0));
    for at in (0..1350).step_by(25) {
        let data: Vec<u8> = (at..at + 25).flat_map(audio).collect();
        assert_eq!(host.write_sectors(Lba(at), 25, &data), Ok(0), "at {at}");
    }
    host.good(SYNC);
    host
}

/// Audio status and address of the pick-up.
fn position(host: &mut Host) -> (u8, i32) {
    let reply = host.read("42 00 40 01 00 00 00 00 10 00", 16);
    (reply[1], i32::from_be_bytes([reply[8], reply[9], reply[10], reply[11]]))
}

#[test]
fn tracks_and_indexes_can_be_played() {
    let mut host = album();
    // Index 2 of track 2 only: 225 sectors.
    host.good("48 00 00 00 02 02 00 02 02 00");
    let (status, from) = position(&mut host);
    assert_eq!((status, (675..680).contains(&from)), (0x11, true), "{from}");
    assert_eq!(host.read("bd 00 00 00 00 00 00 00 00 08 00 00", 8)[1] >> 5, 1);
    host.wait(4);
    assert_eq!(position(&mut host), (0x13, 900));
    // To the end of a track that is not there: to the end of the last one.
    host.good("48 00 00 00 03 01 00 63 01 00");
    host.wait(7);
    assert_eq!(position(&mut host), (0x13, 1350));
    assert_eq!(host.fails("48 00 00 00 04 01 00 63 01 00", 0), (5, 0x24, 0));
    assert_eq!(host.fails("48 00 00 00 02 03 00 03 01 00", 0), (5, 0x24, 0));
    assert_eq!(host.fails("48 00 00 00 02 01 00 01 01 00", 0), (5, 0x24, 0));
}

#[test]
fn scanning_goes_both_ways() {
    let mut host = album();
    // Track 2 backwards, eight times as fast: less than a second.
    host.good("ba 10 00 00 00 02 00 00 00 80 00 00");
    assert_eq!(host.read("bd 00 00 00 00 00 00 00 00 08 00 00", 8)[1] >> 5, 2);
    host.wait(2);
    assert_eq!(position(&mut host), (0x13, 0));
    host.good("ba 00 00 00 00 64 00 00 00 00 00 00");
    host.good("4b 00 00 00 00 00 00 00 00 00");
    let (status, held) = position(&mut host);
    assert_eq!((status, held >= 100), (0x12, true));
    // It goes on playing.
    host.good("4b 00 00 00 00 00 00 00 01 00");
    host.wait(2);
    let (_, later) = position(&mut host);
    assert!((held + 148..=held + 152).contains(&later), "{held} {later}");
    host.good("4e 00 00 00 00 00 00 00 00 00");
    assert_eq!(position(&mut host).0, 0x15);
    assert_eq!(host.fails("ba 00 00 00 7f ff 00 00 00 00 00 00", 0), (5, 0x21, 0));
    assert_eq!(host.fails("ba 00 00 00 00 00 00 00 00 c0 00 00", 0), (5, 0x24, 0));
}

#[test]
fn features_of_cd_are_what_the_drive_does() {
    let mut host = Host::with(MediumKind::CdRw);
    let feature = |host: &mut Host, code: u16| {
        host.read(&format!("46 02 {:02x} {:02x} 00 00 00 00 20 00", code >> 8, code & 0xff), 32)
    };
    // Incremental: Mode 1 and form 1, no split by address.
    let incremental = feature(&mut host, 0x21);
    assert_eq!((&incremental[12..14], incremental[14] & 2), (&[5, 0][..], 0));
    // CD mastering: session at once, raw, R to W; no raw sessions behind others.
    assert_eq!(feature(&mut host, 0x2e)[12] & 0x39, 0x29);
    // Playing audio: scan, mute, volume in 256 steps, as page 2Ah says.
    let play = feature(&mut host, 0x103);
    assert_eq!((play[10] & 1, &play[12..16]), (1, &[7, 0, 1, 0][..]));
    let page = host.read("5a 00 2a 00 00 00 00 00 1c 00", 28);
    assert_eq!((page[8 + 7] & 3, &page[18..20]), (3, &[1, 0][..]));
}
