//! Audio on CD: writing in tracks and sessions, and what can be read of it.

mod host;

use engine::cdda::subchannel;
use engine::cdda::{FRAME, sector};
use engine::device::Data;
use engine::units::Lba;
use host::{Host, block, bytes};
use vdrive::models::MediumKind;

const SYNC: &str = "35 00 00 00 00 00 00 00 00 00";

/// Audio for sector `lba` of burn `tag`.
fn audio(lba: i32, tag: u32) -> Vec<u8> {
    let mut sector = [block(lba, tag), block(lba, tag + 1000)].concat();
    sector.truncate(FRAME);
    sector
}

fn burn(host: &mut Host, from: i32, end: i32, tag: u32) {
    for at in (from..end).step_by(25) {
        let now = (end - at).min(25);
        let data: Vec<u8> = (at..at + now).flat_map(|lba| audio(lba, tag)).collect();
        assert_eq!(host.write_sectors(Lba(at), now as u32, &data), Ok(0), "at {at}");
    }
}

/// READ CD of these sectors: expected type, main channel byte, sub-channel byte.
fn read_cd(host: &mut Host, at: i32, blocks: u32, how: [u8; 3], each: usize) -> Vec<u8> {
    let mut cdb = [0xbe, how[0] << 2, 0, 0, 0, 0, 0, 0, blocks as u8, how[1], how[2], 0];
    cdb[2..6].copy_from_slice(&at.to_be_bytes());
    let mut room = vec![0; blocks as usize * each];
    assert_eq!(host.command(&cdb, Data::In(&mut room)), Ok(0), "{cdb:02x?}");
    room
}

fn same(host: &mut Host, from: i32, end: i32, tag: u32) {
    for at in (from..end).step_by(20) {
        let now = (end - at).min(20);
        let found = read_cd(host, at, now as u32, [1, 0xf8, 0], FRAME);
        let wanted: Vec<u8> = (at..at + now).flat_map(|lba| audio(lba, tag)).collect();
        assert!(found == wanted, "audio at {at}");
    }
}

#[test]
fn tracks_at_once() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("41 c0 00");
    burn(&mut host, 0, 1000, 1);
    host.good(SYNC);
    // Run-out and pre-gap: 2 and 150.
    assert_eq!(host.nwa(0xff), 1152);
    host.page05("41 c4 08");
    host.burn(Lba(1152), 400, 2);
    host.good(SYNC);
    host.good("5b 00 02 00 00 00 00 00 00 00");
    same(&mut host, 0, 1000, 1);
    host.check(Lba(1152), 400, 2);
    // Lead-out behind the run-out of the second track; control nibbles of audio and data.
    let toc = host.read("43 00 00 00 00 00 00 00 40 00", 64);
    assert_eq!(toc[..4], [0, 26, 1, 2]);
    assert_eq!((toc[5], toc[13], toc[21]), (0x10, 0x14, 0x14));
    assert_eq!(toc[24..28], 1554u32.to_be_bytes());
    // A data command on audio, and the wrong kind of sector.
    assert_eq!(host.fails("28 00 00 00 00 00 00 00 01 00", 2048), (5, 0x64, 0));
    assert_eq!(host.fails("be 08 00 00 00 00 00 00 01 10 00 00", 2048), (5, 0x64, 0));
    assert_eq!(host.fails("be 04 00 00 04 80 00 00 01 10 00 00", 2352), (5, 0x64, 0));
}

/// A line of a cue sheet.
fn line(text: &str) -> Vec<u8> {
    bytes(text)
}

/// Two tracks with index 2, catalogue number, recording code and a hidden track.
fn sheet() -> Vec<u8> {
    [
        [&[0x02][..], b"1234567"].concat(),
        [&[0x02][..], b"890123\0"].concat(),
        line("01 00 00 01 00 00 00 00"),
        [&[0x03, 0x01][..], b"USABC1"].concat(),
        [&[0x03, 0x01][..], b"234567"].concat(),
        line("01 01 00 00 00 00 00 00"),
        line("01 01 01 00 00 00 05 00"),
        line("01 01 02 00 00 00 07 00"),
        line("01 02 00 01 00 00 0c 00"),
        line("01 02 01 00 00 00 0e 00"),
        line("01 aa 01 01 00 00 14 00"),
    ]
    .concat()
}

fn session() -> Host {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("42 00 00");
    assert_eq!(host.send("5d 00 00 00 00 00 00 00 58 00", &sheet()), Ok(0));
    // The pause of two seconds before track 2 is the drive's.
    burn(&mut host, -150, 750, 1);
    let early = host.write_sectors(Lba(750), 1, &audio(750, 1));
    assert_eq!(early, Err((5, 0x21, 2)));
    burn(&mut host, 900, 1350, 1);
    host.good(SYNC);
    host
}

#[test]
fn session_at_once() {
    let mut host = session();
    same(&mut host, -150, 750, 1);
    assert_eq!(read_cd(&mut host, 750, 1, [0, 0x10, 0], FRAME), [0; FRAME]);
    same(&mut host, 900, 1350, 1);
    let toc = host.read("43 00 00 00 00 00 00 00 40 00", 64);
    assert_eq!(toc[8..12], 225u32.to_be_bytes());
    assert_eq!(toc[16..20], 900u32.to_be_bytes());
    assert_eq!(toc[24..28], 1350u32.to_be_bytes());
    // Complete: nothing follows.
    let info = host.read("51 00 00 00 00 00 00 00 22 00", 34);
    assert_eq!(info[2] & 0xf, 0xe);
    let catalogue = host.read("42 00 40 02 00 00 00 00 18 00", 24);
    assert_eq!(catalogue[8..22], *b"\x801234567890123");
    let isrc = host.read("42 00 40 03 00 00 01 00 18 00", 24);
    assert_eq!(isrc[8..21], *b"\x80USABC1234567");
    assert_eq!(host.read("42 00 40 03 00 00 02 00 18 00", 24)[8], 0);
}

#[test]
fn sub_channels_say_where_a_sector_lies() {
    let mut host = session();
    for (at, track, index, relative) in
        [(0, 1, 0, 225u32), (225, 1, 1, 0), (374, 1, 1, 149), (375, 1, 2, 150), (760, 2, 0, 140)]
    {
        let both = read_cd(&mut host, at, 1, [1, 0x10, 2], FRAME + 16);
        let q: [u8; 12] = both[FRAME..FRAME + 12].try_into().expect("twelve bytes");
        assert_eq!(q, subchannel::position(0, track, index, relative, Lba(at)), "at {at}");
        assert_eq!(both[FRAME + 15], if index == 0 { 0x80 } else { 0 });
        let all = read_cd(&mut host, at, 1, [1, 0, 1], 96);
        let all: [u8; 96] = all.try_into().expect("96 bytes");
        assert_eq!(subchannel::q_of(&all), q);
    }
    // The catalogue number and the recording code come up in each 96 sectors.
    let kinds: Vec<u8> =
        (300..396).map(|at| read_cd(&mut host, at, 1, [0, 0, 2], 16)[0] & 15).collect();
    assert_eq!(
        (1..=3).map(|adr| kinds.iter().filter(|&&k| k == adr).count()).collect::<Vec<_>>(),
        [94, 1, 1]
    );
}

#[test]
fn data_sectors_come_in_parts() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("41 04 08");
    host.burn(Lba(0), 300, 7);
    host.good(SYNC);
    let whole = sector::mode1(Lba(16), &block(16, 7));
    for (main, range) in [
        (0xf8, 0..2352),
        (0x80, 0..12),
        (0x20, 12..16),
        (0xa0, 0..16),
        (0xb0, 0..2064),
        (0x30, 12..2064),
        (0x10, 16..2064),
        (0x50, 16..2064),
        (0x18, 16..2352),
        (0x08, 2064..2352),
    ] {
        let found = read_cd(&mut host, 16, 1, [2, main, 0], range.len());
        assert_eq!(found, whole[range], "{main:02x}");
    }
    // Fields that do not lie together, and flags of C2 behind.
    assert_eq!(host.fails("be 00 00 00 00 10 00 00 01 90 00 00", 2352), (5, 0x24, 0));
    let flags = read_cd(&mut host, 16, 1, [0, 0xfa, 0], 2352 + 294);
    assert_eq!(flags[2352..], [0; 294]);
}

#[test]
fn forms_of_mode_2() {
    let mut host = Host::with(MediumKind::CdR);
    // 2336 bytes: sub-header twice, form 1 and 2 in turn.
    let sector = |lba: i32| {
        let mut data = [0, 0, if lba % 2 == 0 { 8 } else { 0x20 }, 0].repeat(2);
        data.extend_from_slice(&audio(lba, 3)[..2328]);
        data
    };
    let mut list = [0; 60];
    list[8..18].copy_from_slice(&[5, 0x32, 0x41, 4, 13, 0, 0, 0, 0x20, 0]);
    assert_eq!(host.send("55 10 00 00 00 00 00 00 3c 00", &list), Ok(0));
    for at in (0..300).step_by(10) {
        let data: Vec<u8> = (at..at + 10).flat_map(|lba| sector(lba)[..2332].to_vec()).collect();
        assert_eq!(host.write_sectors(Lba(at), 10, &data), Ok(0));
    }
    host.good(SYNC);
    host.good("5b 00 02 00 00 00 00 00 00 00");
    assert_eq!(read_cd(&mut host, 2, 1, [4, 0x10, 0], 2048), sector(2)[8..2056]);
    assert_eq!(read_cd(&mut host, 3, 1, [5, 0x10, 0], 2324), sector(3)[8..2332]);
    assert_eq!(read_cd(&mut host, 3, 1, [5, 0x40, 0], 8), [0, 0, 0x20, 0, 0, 0, 0x20, 0]);
    assert_eq!(host.read("28 00 00 00 00 02 00 00 01 00", 2048), sector(2)[8..2056]);
    assert_eq!(host.fails("28 00 00 00 00 03 00 00 01 00", 2048), (5, 0x64, 0));
    // A disc of XA, tracks of Mode 2.
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[8], 0x20);
    assert_eq!(host.read("52 01 00 00 00 01 00 00 24 00", 36)[6] & 15, 2);
}

#[test]
fn text_in_the_lead_in() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("42 00 00");
    let cue = "01 00 00 41 00 00 00 00 01 01 00 00 00 00 00 00
        01 01 01 00 00 00 02 00 01 aa 01 01 00 00 08 00";
    assert_eq!(host.send("5d 00 00 00 00 00 00 00 20 00", &bytes(cue)), Ok(0));
    let packs: Vec<[u8; 18]> = (0..4u8)
        .map(|n| {
            let mut pack = [0x80, 0, n, 0, b'a', b'b', b'c', 0, 0, 0, 0, 0, 0, 0, 0, n, 0, 0];
            let crc = subchannel::crc(&pack[..16]);
            pack[16..].copy_from_slice(&crc.to_be_bytes());
            pack
        })
        .collect();
    // 18 bytes as 24 groups of six bits.
    let six: Vec<u8> = packs
        .concat()
        .chunks_exact(3)
        .flat_map(|three| {
            let word = u32::from_be_bytes([0, three[0], three[1], three[2]]);
            [18, 12, 6, 0].map(|shift| (word >> shift & 0x3f) as u8)
        })
        .collect();
    assert_eq!(six.len(), 96);
    for at in (-11_634..-150).step_by(100) {
        let now = (-150 - at).min(100) as u32;
        assert_eq!(host.write_sectors(Lba(at), now, &six.repeat(now as usize)), Ok(0), "at {at}");
    }
    burn(&mut host, -150, 450, 4);
    host.good(SYNC);
    let text = host.read("43 00 05 00 00 00 00 02 00 00", 512);
    assert_eq!(text[..4], [0, 74, 0, 0]);
    assert_eq!(text[4..], packs.concat());
    same(&mut host, -150, 450, 4);
}

#[test]
fn sheets_that_cannot_be() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("42 00 00");
    // The byte that is wrong is in the sense data's field pointer.
    for (n, byte, value, wrong) in [
        (3, 4, 0x7f, 3 * 8 + 4),
        (5, 3, 0x77, 5 * 8 + 3),
        (6, 3, 0x10, 6 * 8 + 3),
        (6, 6, 60, 6 * 8 + 5),
        (8, 1, 5, 8 * 8 + 1),
        (9, 6, 4, 9 * 8 + 5),
    ] {
        let mut sheet = sheet();
        sheet[n * 8 + byte] = value;
        let cdb = bytes("5d 00 00 00 00 00 00 00 58 00");
        let done = host.try_command(&cdb, Data::Out(&sheet)).expect("the wire holds");
        assert_eq!((done.sense[2], done.sense[12], done.sense[13]), (5, 0x26, 0), "line {n}");
        assert_eq!(done.sense[15] & 0xc0, 0x80);
        let pointer = u16::from_be_bytes([done.sense[16], done.sense[17]]);
        assert_eq!(pointer, wrong, "line {n}");
    }
    // Without a sheet nothing is written.
    assert_eq!(host.write_sectors(Lba(-150), 1, &audio(-150, 1)), Err((5, 0x2c, 0)));
}

#[test]
fn playing_takes_its_time() {
    let mut host = session();
    let status = |host: &mut Host| host.read("42 00 40 01 00 00 00 00 10 00", 16);
    host.good("45 00 00 00 00 e1 00 01 2c 00");
    let before = status(&mut host);
    assert_eq!((before[1], before[6], before[7]), (0x11, 1, 1));
    host.wait(2);
    let after = status(&mut host);
    let lba = |reply: &[u8]| u32::from_be_bytes([reply[8], reply[9], reply[10], reply[11]]);
    assert!((148..=152).contains(&(lba(&after) - lba(&before))), "{after:x?}");
    assert_eq!((after[6], after[7]), (1, 2));
    host.good("4b 00 00 00 00 00 00 00 00 00");
    host.wait(5);
    assert_eq!(status(&mut host)[1], 0x12);
    host.good("4b 00 00 00 00 00 00 00 01 00");
    host.wait(3);
    assert_eq!(status(&mut host)[1], 0x13);
    assert_eq!(status(&mut host)[1], 0x15);
}

/// A lead-in of two tracks, a program area and a lead-out with all channels, as a host makes them.
fn raw_session() -> Vec<(i32, Vec<u8>)> {
    let lead_out = 1200;
    let point = |control: u8, point: u8, msf: [u8; 3]| {
        let [m, s, f] = msf.map(sector::bcd);
        subchannel::sealed([control << 4 | 1, 0, point, 0, 0, 0, 0, m, s, f, 0, 0])
    };
    let points = [
        point(4, 0xa0, [1, 0, 0]),
        point(0, 0xa1, [2, 0, 0]),
        point(0, 0xa2, [0, 18, 0]),
        point(4, 0x01, [0, 2, 0]),
        point(0, 0x02, [0, 10, 0]),
    ];
    (-11_634..lead_out + 200)
        .map(|lba| {
            let q = match lba {
                ..-150 => points[(lba + 11_634) as usize / 3 % points.len()],
                -150..0 => subchannel::position(4, 1, 0, -lba as u32, Lba(lba)),
                0..450 => subchannel::position(4, 1, 1, lba as u32, Lba(lba)),
                450..600 => subchannel::position(0, 2, 0, (600 - lba) as u32, Lba(lba)),
                700 => subchannel::catalogue(0, b"1234567890123", Lba(lba)),
                710 => subchannel::isrc(0, b"USABC1234567", Lba(lba)),
                600..1200 => subchannel::position(0, 2, 1, (lba - 600) as u32, Lba(lba)),
                _ => subchannel::position(0, 0xaa, 1, (lba - 1200) as u32, Lba(lba)),
            };
            let main = match lba {
                -150..450 => {
                    let mut frame = sector::mode1(Lba(lba), &block(lba, 5));
                    sector::scramble(&mut frame);
                    frame.to_vec()
                }
                450..1200 => audio(lba, 5),
                _ => vec![0; FRAME],
            };
            (lba, [main, subchannel::spread(&q, false).to_vec()].concat())
        })
        .collect()
}

#[test]
fn raw_sessions_say_themselves_what_they_are() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("43 04 03");
    assert_eq!(host.nwa(0xff) as i32, -11_634);
    let session = raw_session();
    assert_eq!(host.write_sectors(Lba(0), 1, &session[0].1), Err((5, 0x21, 2)));
    for sectors in session.chunks(20) {
        let data: Vec<u8> = sectors.iter().flat_map(|sector| sector.1.clone()).collect();
        let at = Lba(sectors[0].0);
        assert_eq!(host.write_sectors(at, sectors.len() as u32, &data), Ok(0), "at {at}");
    }
    host.good(SYNC);
    let toc = host.read("43 00 00 00 00 00 00 00 40 00", 64);
    assert_eq!(toc[..6], [0, 26, 1, 2, 0, 0x14]);
    assert_eq!(
        (toc[13], &toc[16..20], &toc[24..28]),
        (0x10, &[0, 0, 2, 88][..], &[0, 0, 4, 176][..])
    );
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2] & 15, 0xe);
    assert_eq!(host.read("28 00 00 00 00 64 00 00 01 00", 2048), block(100, 5));
    same(&mut host, 450, 1200, 5);
    let all = read_cd(&mut host, 800, 1, [0, 0xf8, 1], FRAME + 96);
    assert_eq!(all, session[(800 + 11_634) as usize].1);
    let whole = read_cd(&mut host, 100, 1, [2, 0xf8, 0], FRAME);
    assert_eq!(whole, sector::mode1(Lba(100), &block(100, 5)));
    assert_eq!(host.read("42 00 40 02 00 00 00 00 18 00", 24)[8..22], *b"\x801234567890123");
    assert_eq!(host.read("42 00 40 03 00 00 02 00 18 00", 24)[8..21], *b"\x80USABC1234567");
    // Nothing follows.
    assert_eq!(host.write_sectors(Lba(-11_634), 1, &session[0].1), Err((5, 0x30, 5)));
}
