//! The checker of images: silent where nothing is wrong, and each planted fault is found at its
//! place with its clause.

use engine::image::check::{Report, check};
use engine::image::read::Limits;
use engine::image::{
    Image, Kind, LayoutOptions, MemorySectors, Meta, Revision, Sectors, Time, Tree, UdfOptions,
};
use engine::units::{Blocks, Lba};

const BLOCK: usize = 2048;
const PRIMARY: usize = 16 * BLOCK;

fn image(udf: Option<Revision>, iso9660: bool) -> Vec<u8> {
    let stamp = Time::from_secs(1_795_370_960);
    let meta = Meta { mode: 0o644, mtime: stamp, atime: stamp, ctime: stamp, ..Meta::default() };
    let mut tree = Tree::new(meta);
    let directory = tree.add_directory(tree.root(), b"directory", meta).unwrap();
    tree.add_directory(directory, b"inner", meta).unwrap();
    tree.add_bytes(directory, b"long", meta, vec![7; 5000]).unwrap();
    tree.add_bytes(tree.root(), b"file", meta, vec![1; 3000]).unwrap();
    tree.add_special(tree.root(), b"link", meta, Kind::Symlink(b"directory/long")).unwrap();
    let udf = udf.map(|revision| UdfOptions { revision, ..UdfOptions::default() });
    let pad = Blocks(0);
    let options = LayoutOptions { udf, iso9660, stamp, pad, ..LayoutOptions::default() };
    let mut image = Image::new(tree, &options).unwrap();
    let mut bytes = vec![0; image.blocks().0 as usize * BLOCK];
    image.read(Blocks(0), &mut bytes).unwrap();
    bytes
}

fn looked(bytes: &[u8]) -> Report {
    check(&mut MemorySectors(bytes), Lba(0), Limits::default()).unwrap()
}

/// With the byte at `at` changed there is a finding at `found` that names this clause.
fn plant(bytes: &[u8], (at, change): (usize, u8), found: usize, clause: &str) {
    let mut changed = bytes.to_vec();
    changed[at] ^= change;
    let report = looked(&changed);
    let hit = |f: &engine::image::check::Finding| {
        f.at == found as u64 && f.clause.split("; ").any(|c| c == clause)
    };
    assert!(report.findings.iter().any(hit), "{clause} at {found}: {:#?}", report.findings);
}

fn le32(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

#[test]
fn what_is_right_is_left_alone() {
    let revisions = Revision::ALL.into_iter().map(Some);
    for udf in revisions.chain([None]) {
        for iso9660 in [true, false] {
            if udf.is_none() && !iso9660 {
                continue;
            }
            let report = looked(&image(udf, iso9660));
            let found = (report.errors(), report.warnings());
            assert_eq!(found, (0, 0), "{udf:?} {iso9660}: {:#?}", report.findings);
        }
    }
}

#[test]
fn faults_in_descriptors_are_found() {
    let bytes = image(None, true);
    for (field, byte, change, clause) in [
        (6, 6, 2, "ECMA-119, 8.1.3"),
        (80, 87, 1, "ECMA-119, 7.3.3"),
        (120, 123, 1, "ECMA-119, 7.2.3"),
        (124, 127, 4, "ECMA-119, 7.2.3"),
        (128, 129, 8, "ECMA-119, 7.2.3"),
        (128, 129, 8, "ECMA-119, 8.4.12"),
        (132, 139, 1, "ECMA-119, 7.3.3"),
        (140, 142, 1, "ECMA-119, 8.4.14"),
        (148, 149, 1, "ECMA-119, 8.4.16"),
        (156, 156, 1, "ECMA-119, 8.4.18"),
        (158, 165, 1, "ECMA-119, 7.3.3"),
        (181, 181, 2, "ECMA-119, 9.1.6"),
        (813, 817, 0x40, "ECMA-119, 8.4.26"),
        (830, 834, 0x40, "ECMA-119, 8.4.27"),
        (881, 881, 4, "ECMA-119, 8.4.30"),
        (1400, 1400, 4, "ECMA-119, 8.4.33"),
        (40, 40, 0x20, "ECMA-119, 8.4.6"),
    ] {
        plant(&bytes, (PRIMARY + byte, change), PRIMARY + field, clause);
    }
    // The terminator is the third descriptor.
    plant(&bytes, (PRIMARY + 2 * BLOCK + 1, 1), PRIMARY, "ECMA-119, 8.3");
}

#[test]
fn faults_in_path_tables_and_directories_are_found() {
    let bytes = image(None, true);
    let (table_l, root) =
        (le32(&bytes, PRIMARY + 140) * BLOCK, le32(&bytes, PRIMARY + 158) * BLOCK);
    let table_m = u32::from_be_bytes(bytes[PRIMARY + 148..PRIMARY + 152].try_into().unwrap());
    let table_m = table_m as usize * BLOCK;
    // The second record: behind that of the root, ten bytes long.
    plant(&bytes, (table_m + 12 + 3, 1), table_m + 10, "ECMA-119, 6.9.2");
    plant(&bytes, (table_l + 12, 1), table_l + 12, "ECMA-119, 9.4.3");
    plant(&bytes, (table_l + 18, 1), table_l + 18, "ECMA-119, 9.4.5");
    plant(&bytes, (table_l, 1), table_l, "ECMA-119, 9.4.1");
    // The root's own record, its parent's, and then that of the directory.
    let own = usize::from(bytes[root]);
    let third = root + own + usize::from(bytes[root + own]);
    for (at, change, found, clause) in [
        (root + 9, 1, root + 2, "ECMA-119, 7.3.3"),
        (root + 2, 1, root + 2, "ECMA-119, 6.8.2.2"),
        (root + 19, 0x40, root + 18, "ECMA-119, 9.1.5"),
        (root + 25, 0x20, root + 25, "ECMA-119, 9.1.6"),
        (root + 33, 4, root + 33, "ECMA-119, 7.6.2"),
        (root + own + 10, 1, root + own + 10, "ECMA-119, 7.3.3"),
        (third + 4, 0x40, third + 2, "ECMA-119, 9.1.3"),
        (third + 25, 2, third + 34 + bytes[third + 32] as usize, "RRIP 1.12, 4.1.1"),
        (third, bytes[third] ^ 16, third, "ECMA-119, 9.1.1"),
        (third + 33, 0x10, third + 33 + usize::from(bytes[third]), "ECMA-119, 9.3"),
    ] {
        let found = match clause {
            "ECMA-119, 9.3" => third + usize::from(bytes[third]) + 33,
            "RRIP 1.12, 4.1.1" => third + (33 + usize::from(bytes[third + 32])).next_multiple_of(2),
            _ => found,
        };
        plant(&bytes, (at, change), found, clause);
    }
    // The first entry of the root's own record is SP, the second PX.
    plant(&bytes, (root + 34 + 4, 1), root + 34, "SUSP 1.12, 5.3");
    plant(&bytes, (root + 34 + 7 + 4, 1), root + 34 + 7 + 4, "ECMA-119, 7.3.3");
}

#[test]
fn overlaps_and_loops_are_found() {
    let bytes = image(None, true);
    let root = le32(&bytes, PRIMARY + 158) * BLOCK;
    let own = usize::from(bytes[root]);
    let third = root + own + usize::from(bytes[root + own]);
    let mut looped = bytes.clone();
    let place: [u8; 8] = bytes[root + 2..root + 10].try_into().unwrap();
    looped[third + 2..third + 10].copy_from_slice(&place);
    let report = looked(&looped);
    assert!(report.findings.iter().any(|f| f.clause == "ECMA-119, 6.8.2"), "{report:#?}");
    // A file that reaches over the one behind it.
    let mut over = bytes.clone();
    let file = third + usize::from(bytes[third]);
    over[file + 10..file + 18].copy_from_slice(&[0, 0x10, 0, 0, 0, 0, 0x10, 0]);
    over[file + 2] -= 1;
    over[file + 9] -= 1;
    let report = looked(&over);
    assert!(report.findings.iter().any(|f| f.clause.contains("6.4.1")), "{report:#?}");
}

#[test]
fn faults_in_udf_are_found() {
    for revision in [Revision::V1_02, Revision::V2_01, Revision::V2_50] {
        let bytes = image(Some(revision), false);
        let anchor = 256 * BLOCK;
        plant(&bytes, (anchor + 4, 1), anchor + 4, "ECMA-167, 3/7.2.3");
        plant(&bytes, (anchor + 100, 1), anchor + 8, "ECMA-167, 3/7.2.6");
        plant(&bytes, (anchor + 12, 1), anchor + 12, "ECMA-167, 3/7.2.8");
        let (main, reserve) = (le32(&bytes, anchor + 20), le32(&bytes, anchor + 28));
        plant(&bytes, (main * BLOCK + 60, 1), main * BLOCK + 8, "ECMA-167, 3/7.2.6");
        let differs = reserve * BLOCK + 60;
        plant(&bytes, (differs, 1), differs, "ECMA-167, 3/8.4.2.2");
        let of = |id: u16| {
            let mut blocks = bytes.chunks(BLOCK);
            blocks.position(|b| b[..2] == id.to_le_bytes() && b[16..24] != [0; 8]).unwrap() * BLOCK
        };
        let integrity = of(9);
        plant(&bytes, (integrity + 28, 1), integrity + 28, "ECMA-167, 3/10.10.3");
        let set = of(256);
        plant(&bytes, (set + 112, 1), set + 8, "ECMA-167, 3/7.2.6");
        // The first entry behind the file set and its end is the root's.
        let root = set + 2 * BLOCK;
        plant(&bytes, (root + 48, 1), root + 48, "ECMA-167, 4/14.9.6");
        plant(&bytes, (root + 56, 1), root + 56, "ECMA-167, 4/14.9.10");
        plant(&bytes, (root + 20, 1), root + 20, "UDF 2.60, 2.3.5.1");
        let names = root + if revision == Revision::V1_02 { 176 } else { 216 };
        plant(&bytes, (names + 4, 1), names + 4, "ECMA-167, 3/7.2.3");
        plant(&bytes, (names + 24, 1), names + 24, "ECMA-167, 4/8.6");
        if revision == Revision::V2_50 {
            // The last copy of the root's entry is the mirror's.
            let start = bytes[root..root + 16].to_vec();
            let mirror = bytes.chunks(BLOCK).rposition(|b| b[..16] == start[..]).unwrap() * BLOCK;
            plant(&bytes, (mirror + 300, 1), mirror + 300, "UDF 2.60, 2.2.13");
        }
    }
}
