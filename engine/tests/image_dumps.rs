//! Dumps of discs as other programs leave them: whole sectors, sheets, containers.

use std::fs;
use std::path::Path;

use engine::cdda::sector;
use engine::image::read::{FileSectors, ReadOptions, Volume};
use engine::image::{Image, LayoutOptions, Meta, Sectors, Tree};
use engine::units::{Blocks, Lba};

const BLOCK: usize = 2048;

fn image(base: i32, name: &str) -> Vec<u8> {
    let mut tree = Tree::new(Meta::default());
    tree.add_bytes(tree.root(), b"file", Meta::default(), *b"content").unwrap();
    let options = LayoutOptions {
        base: Lba(base),
        volume_id: name.to_owned(),
        pad: Blocks(2),
        ..LayoutOptions::default()
    };
    let mut image = Image::new(tree, &options).unwrap();
    let mut bytes = vec![0; image.blocks().0 as usize * BLOCK];
    image.read(Blocks(0), &mut bytes).unwrap();
    bytes
}

/// Each block as a sector that `make` makes of it.
fn sectors(bytes: &[u8], base: i32, make: impl Fn(Lba, &[u8; BLOCK]) -> Vec<u8>) -> Vec<u8> {
    let blocks = (base..).zip(bytes.chunks(BLOCK));
    blocks.flat_map(|(at, block)| make(Lba(at), block.try_into().unwrap())).collect()
}

fn mode1(at: Lba, block: &[u8; BLOCK]) -> Vec<u8> {
    sector::mode1(at, block).to_vec()
}

fn form1(at: Lba, block: &[u8; BLOCK]) -> Vec<u8> {
    sector::form1(at, [0, 0, 8, 0], block).to_vec()
}

fn name(path: &Path, session: i32) -> String {
    let mut sectors = FileSectors::open(path).unwrap();
    let options = ReadOptions { session: Lba(session), ..ReadOptions::default() };
    let volume = Volume::read(&mut sectors, &options).unwrap();
    assert_eq!(volume.findings, []);
    assert!(volume.tree.lookup(b"file").is_some());
    volume.volume_id
}

#[test]
fn sectors_of_every_size_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dump.bin");
    let plain = image(0, "DUMP");
    let with = |mut sector: Vec<u8>, more: usize| {
        sector.resize(sector.len() + more, 0x55);
        sector
    };
    let forms: [(&str, Vec<u8>); 7] = [
        ("plain", plain.clone()),
        ("2352", sectors(&plain, 0, mode1)),
        ("2448", sectors(&plain, 0, |at, block| with(mode1(at, block), 96))),
        ("2368", sectors(&plain, 0, |at, block| with(form1(at, block), 16))),
        ("form 1", sectors(&plain, 0, form1)),
        ("2336", sectors(&plain, 0, |at, block| form1(at, block)[16..].to_vec())),
        ("2056", sectors(&plain, 0, |at, block| form1(at, block)[16..2072].to_vec())),
    ];
    for (form, bytes) in forms {
        fs::write(&path, bytes).unwrap();
        assert_eq!(name(&path, 0), "DUMP", "{form}");
        let sectors = FileSectors::open(&path).unwrap();
        assert_eq!(sectors.kind().is_none(), form == "plain");
    }
    // With the pre-gap in front.
    let gap = sectors(&vec![0; 150 * BLOCK], -150, mode1);
    fs::write(&path, [gap, sectors(&plain, 0, mode1)].concat()).unwrap();
    assert_eq!(name(&path, 0), "DUMP");
    // A sector whose codes are wrong cannot be read; the others can.
    let mut broken = sectors(&plain, 0, mode1);
    broken[2352 * 3 + 100] ^= 1;
    fs::write(&path, broken).unwrap();
    let mut opened = FileSectors::open(&path).unwrap();
    let mut room = vec![0; 5 * BLOCK];
    assert_eq!(opened.read(Blocks(0), &mut room).unwrap_err().block, Blocks(3));
    assert!(opened.read(Blocks(4), &mut room[..BLOCK]).is_ok());
}

#[test]
fn sessions_lie_where_their_sectors_say() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dump.bin");
    let first = image(0, "ONE");
    let second_at = (first.len() / BLOCK) as i32 + 11_400;
    let second = image(second_at, "TWO");
    let dump = [sectors(&first, 0, mode1), sectors(&second, second_at, mode1)].concat();
    fs::write(&path, &dump).unwrap();
    fs::write(dir.path().join("dump.img"), &dump).unwrap();
    fs::write(dir.path().join("dump.ccd"), "[CloneCD]\r\nVersion=3\r\n").unwrap();
    for path in [path, dir.path().join("dump.ccd")] {
        assert_eq!(FileSectors::open(&path).unwrap().told_sessions(), [0, second_at as u32]);
        assert_eq!((name(&path, 0), name(&path, second_at)), ("ONE".into(), "TWO".into()));
    }
}

#[test]
fn sheets_say_where_data_lies() {
    let dir = tempfile::tempdir().unwrap();
    let plain = image(0, "SHEET");
    let audio = vec![0x11; 2352 * 75];
    fs::write(dir.path().join("d.bin"), [&sectors(&plain, 0, form1)[..], &audio].concat()).unwrap();
    let frames = plain.len() / BLOCK;
    let time = format!("00:{:02}:{:02}", frames / 75, frames % 75);
    let sheet = format!(
        "FILE \"D:\\old\\d.bin\" BINARY\r\n  TRACK 01 MODE2/2352\r\n    INDEX 01 00:00:00\r\n  \
         TRACK 02 AUDIO\r\n    INDEX 01 {time}\r\n"
    );
    let path = dir.path().join("d.cue");
    fs::write(&path, &sheet).unwrap();
    assert_eq!(name(&path, 0), "SHEET");
    let mut sectors = FileSectors::open(&path).unwrap();
    assert_eq!(sectors.blocks(), Blocks(frames as u32 + 75));
    assert!(sectors.read(Blocks(frames as u32), &mut [0; BLOCK]).is_err());
    // What a sheet says is not believed.
    fs::write(&path, sheet.replace(&time, "70:00:00")).unwrap();
    assert!(FileSectors::open(&path).is_err());
}

#[test]
fn images_by_nero_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("n.nrg");
    let plain = image(0, "NERO");
    let size = plain.len() as u64;
    let chunk =
        |id: &[u8; 4], body: &[u8]| [&id[..], &(body.len() as u32).to_be_bytes(), body].concat();
    let track_at_once = [&0u64.to_be_bytes()[..], &size.to_be_bytes(), &[0; 16]].concat();
    let mut at_once = vec![0; 22];
    at_once.extend([0; 12]);
    at_once.extend([0x08, 0x00, 0, 0, 0, 1]);
    at_once.extend([0u64, 0, size].iter().flat_map(|n| n.to_be_bytes()));
    for table in [chunk(b"ETN2", &track_at_once), chunk(b"DAOX", &at_once)] {
        let end = chunk(b"SINF", &1u32.to_be_bytes());
        let foot = [&b"NER5"[..], &size.to_be_bytes()].concat();
        fs::write(&path, [&plain[..], &table, &end, &chunk(b"END!", &[]), &foot].concat()).unwrap();
        assert_eq!(name(&path, 0), "NERO");
    }
    fs::write(&path, [&plain[..], b"NER5", &u64::MAX.to_be_bytes()].concat()).unwrap();
    assert!(FileSectors::open(&path).is_err());
}

#[test]
fn containers_are_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.iso");
    for (start, word) in [(&b"CISO"[..], "CSO"), (b"ECM\0", "unecm"), (b"MComprHD", "CHD")] {
        fs::write(&path, [start, &[0; 4096]].concat()).unwrap();
        let error = FileSectors::open(&path).unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}
