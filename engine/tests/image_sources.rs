//! Where trees come from: folders of the host with grafts, patterns and links, streams, what is
//! made on demand.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use engine::image::read::{Namespace, ReadOptions, Volume};
use engine::image::tar::{Archive, TarError};
use engine::image::{
    ChangePoint, Generate, Graft, Image, Kind, LayoutError, LayoutOptions, MemorySectors, Meta,
    NodeId, Patterns, RemarkKind, Revision, Scan, ScanOptions, Sectors, Source, Symlinks, Time,
    Tree, UdfOptions, View,
};
use engine::units::{BLOCK, Blocks};
use proptest::prelude::*;

/// Makes files, and the folders that they lie in.
fn files(root: &Path, names: &[&str]) {
    for name in names {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
}

fn paths(tree: &Tree) -> Vec<String> {
    tree.walk().skip(1).map(|node| tree.display_path(node)).collect()
}

fn graft(place: &str, path: &Path) -> Graft {
    Graft { place: place.into(), path: path.to_path_buf() }
}

/// The tree of these grafts, and what there was to say.
fn grafted(grafts: &[Graft], options: &ScanOptions) -> Result<(Tree, Vec<RemarkKind>), String> {
    let mut tree = Tree::new(Meta::default());
    let mut scan = Scan::new(&mut tree, options);
    for graft in grafts {
        scan.graft(graft).map_err(|e| e.to_string())?;
    }
    let said = scan.remarks.iter().map(|remark| remark.kind).collect();
    Ok((tree, said))
}

#[test]
fn grafts_go_where_they_are_told() {
    let dir = tempfile::tempdir().unwrap();
    files(dir.path(), &["a/x", "a/in/y", "b/z", "b/in/w"]);
    let at = |name: &str| dir.path().join(name);
    let grafts = [
        graft("", &at("a")),
        graft("in", &at("b")),
        graft("deep/er/name", &at("b/z")),
        graft("deep/", &at("a/x")),
        graft("/./other//in", &at("a/in")),
    ];
    let (tree, _) = grafted(&grafts, &ScanOptions::default()).unwrap();
    let expected = [
        "/deep",
        "/deep/er",
        "/deep/er/name",
        "/deep/x",
        "/in",
        "/in/in",
        "/in/in/w",
        "/in/y",
        "/in/z",
        "/other",
        "/other/in",
        "/other/in/y",
        "/x",
    ];
    assert_eq!(paths(&tree), expected);
    let wrong = grafted(&[graft("a/../b", &at("a"))], &ScanOptions::default()).unwrap_err();
    assert!(wrong.ends_with("/a/.. is no name that a directory entry can have"), "{wrong}");
}

#[test]
fn nothing_is_replaced_unless_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    files(dir.path(), &["a/same", "a/dir/one", "b/same/below", "b/dir"]);
    fs::hard_link(dir.path().join("a/same"), dir.path().join("b/linked")).unwrap();
    let grafts = [graft("", &dir.path().join("a")), graft("", &dir.path().join("b"))];
    let wrong = grafted(&grafts, &ScanOptions::default()).unwrap_err();
    assert!(wrong.contains("/dir is there already"), "{wrong}");
    let options = ScanOptions { overlay: true, ..ScanOptions::default() };
    let (tree, said) = grafted(&grafts, &options).unwrap();
    assert_eq!(paths(&tree), ["/dir", "/linked", "/same", "/same/below"]);
    assert_eq!(said, [RemarkKind::Replaced; 2]);
    // What is left of a replaced hard link is whole.
    assert_eq!(tree.size(tree.lookup(b"linked").unwrap()), 6);
    assert_eq!(tree.size(tree.lookup(b"dir").unwrap()), 5);
    let image = Image::new(tree, &LayoutOptions::default()).unwrap();
    assert_eq!(image.tree().len(), 5);
}

#[test]
fn patterns_leave_out_what_they_match() {
    let dir = tempfile::tempdir().unwrap();
    files(dir.path(), &["x.o", "keep.o", "src/y.o", "src/y.c", ".git/config", "top/src/z.c"]);
    let exclude = Patterns::new(&["*.o", ".git/", "/src/*.c", "!keep.o"]).unwrap();
    let options = ScanOptions { exclude, ..ScanOptions::default() };
    let tree = Tree::scan(&[dir.path()], &options).unwrap();
    assert_eq!(paths(&tree), ["/keep.o", "/src", "/top", "/top/src", "/top/src/z.c"]);
}

#[test]
fn links_are_kept_followed_or_skipped() {
    let dir = tempfile::tempdir().unwrap();
    files(dir.path(), &["t/a/file", "t/a/in/deep", "outside/far"]);
    let at = |name: &str| dir.path().join(name);
    symlink("file", at("t/a/same")).unwrap();
    symlink("nowhere", at("t/a/broken")).unwrap();
    symlink("..", at("t/a/in/loop")).unwrap();
    symlink(at("outside"), at("t/out")).unwrap();
    let scan = |symlinks| {
        let options = ScanOptions { symlinks, ..ScanOptions::default() };
        grafted(&[graft("", &at("t"))], &options).unwrap()
    };
    let (tree, _) = scan(Symlinks::Skip);
    assert_eq!(paths(&tree), ["/a", "/a/file", "/a/in", "/a/in/deep"]);
    let links = |tree: &Tree| {
        let link = |node: &_| matches!(tree.kind(*node), Kind::Symlink(_));
        tree.walk().filter(link).map(|node| tree.display_path(node)).collect::<Vec<_>>()
    };
    let (tree, _) = scan(Symlinks::Keep);
    assert_eq!(links(&tree), ["/a/broken", "/a/in/loop", "/a/same", "/out"]);
    let (tree, mut said) = scan(Symlinks::Follow);
    assert_eq!(links(&tree), ["/a/broken", "/a/in/loop"]);
    said.sort_by_key(|kind| format!("{kind:?}"));
    assert_eq!(said, [RemarkKind::LinkLoop, RemarkKind::LinkToNowhere]);
    assert!(tree.lookup(b"out/far").is_some());
    // One file, reached by two ways, is stored once.
    let [file, same] = [&b"a/file"[..], b"a/same"].map(|path| tree.lookup(path).unwrap());
    assert_eq!(tree.kind(file), tree.kind(same));
}

#[derive(Debug)]
struct Counting;

impl Generate for Counting {
    fn fill(&self, at: u64, room: &mut [u8]) {
        for (i, byte) in (at..).zip(room) {
            *byte = (i / 2048 + i) as u8;
        }
    }
}

#[test]
fn bytes_of_open_files_and_from_functions_are_recorded() {
    let mut tree = Tree::new(Meta::default());
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &[9; 5000]).unwrap();
    tree.add_open(tree.root(), b"a", Meta::default(), Arc::new(file), 5000).unwrap();
    let size = 3 * 2048 + 7;
    tree.add_generated(tree.root(), b"b", Meta::default(), size, Arc::new(Counting)).unwrap();
    let options = LayoutOptions { pad: Blocks(0), ..LayoutOptions::default() };
    let mut image = Image::new(tree, &options).unwrap();
    let end = image.blocks().0;
    let mut room = vec![1; 7 * 2048];
    image.read(Blocks(end - 7), &mut room).unwrap();
    assert_eq!(room[..5000], [9; 5000]);
    assert_eq!(room[5000..6144], [0; 1144]);
    let mut made = vec![0; size as usize];
    Counting.fill(0, &mut made);
    assert_eq!(room[6144..][..size as usize], made);
    assert_eq!(image.name_at(Blocks(end - 1)).unwrap(), "/b");
}

/// An image as others would make it again: with the last change as the only time.
fn options(udf: bool, iso9660: bool) -> LayoutOptions {
    LayoutOptions {
        udf: udf.then_some(UdfOptions { revision: Revision::V2_01, ..UdfOptions::default() }),
        iso9660,
        stamp: Time::from_secs(1_767_225_600),
        reproducible: true,
        ..LayoutOptions::default()
    }
}

fn whole(tree: Tree, options: &LayoutOptions) -> Vec<u8> {
    let mut image = Image::new(tree, options).unwrap();
    let mut bytes = vec![0; image.blocks().0 as usize * BLOCK];
    image.read(Blocks(0), &mut bytes).unwrap();
    bytes
}

/// Things that archives and images have to keep.
fn various(root: &Path) {
    files(root, &["a/file", "a/b/c/deep", "empty/x"]);
    fs::write(root.join("a/none"), "").unwrap();
    fs::hard_link(root.join("a/file"), root.join("linked")).unwrap();
    symlink("../a/file", root.join("empty/link")).unwrap();
    fs::write(root.join("Ünïcödé 名前"), vec![7; 100_000]).unwrap();
    files(root, &[&format!("{}/{}", "d".repeat(120), "n".repeat(180))]);
    let sparse = fs::File::create(root.join("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"middle", 500_000).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&sparse, &[3; 5000], 900_000).unwrap();
    sparse.set_len(1_000_001).unwrap();
    // Some archives know whole seconds only.
    let root = root.to_str().unwrap();
    let words = [root, "-exec", "touch", "-h", "-d", "@1600000000", "{}", "+"];
    assert!(Command::new("find").args(words).status().unwrap().success());
}

/// The image of this tree is these bytes.
fn assert_same(tree: Tree, image: &[u8], about: &[&str]) {
    let options = options(true, true);
    // The numbers that UDF gives further names of a file are by the order in which they came.
    let tree = Tree::new(Meta::default()).merged(&tree).unwrap();
    let made = whole(tree.clone(), &options);
    let pairs = made.chunks(BLOCK).zip(image.chunks(BLOCK));
    if let Some(block) = pairs.clone().position(|(a, b)| a != b) {
        let at = made.iter().zip(image).position(|(a, b)| a != b).unwrap();
        let part = Image::new(tree, &options).unwrap().name_at(Blocks(block as u32));
        panic!("{about:?}: byte {} of block {block}, {part:?}, differs", at % BLOCK);
    }
    assert_eq!(made.len(), image.len(), "{about:?}");
}

#[test]
fn an_archive_makes_the_image_that_its_folder_makes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    various(&root);
    let image = whole(Tree::scan(&[&root], &ScanOptions::default()).unwrap(), &options(true, true));
    let archive = dir.path().join("x.tar");
    let made: [&[&str]; 6] = [
        &["tar", "--format=gnu"],
        &["tar", "--format=gnu", "-S"],
        &["tar", "--format=posix"],
        &["tar", "--format=posix", "-S"],
        &["tar", "--format=posix", "-S", "--sparse-version=0.1"],
        &["bsdtar", "--format=pax"],
    ];
    for words in made {
        let output = Command::new(words[0])
            .args(&words[1..])
            .args(["-cf", archive.to_str().unwrap(), "-C", root.to_str().unwrap(), "."])
            .output();
        let Ok(output) = output else {
            println!("SKIP: {} missing", words[0]);
            continue;
        };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let unpacked = Tree::of_tar(&Archive::Path(&archive)).unwrap();
        assert_eq!(unpacked.left_out, Vec::<String>::new(), "{words:?}");
        assert_same(unpacked.tree, &image, words);
        let file = Arc::new(fs::File::open(&archive).unwrap());
        let unpacked = Tree::of_tar(&Archive::Open(file)).unwrap();
        assert_same(unpacked.tree, &image, words);
    }
}

/// A header of a member.
fn header(name: &[u8], kind: u8, size: u64, link: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; 512];
    bytes[..name.len()].copy_from_slice(name);
    bytes[100..107].copy_from_slice(b"0000644");
    bytes[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    bytes[156] = kind;
    bytes[157..157 + link.len()].copy_from_slice(link);
    bytes[257..265].copy_from_slice(b"ustar\x0000");
    bytes[148..156].fill(b' ');
    let sum: u32 = bytes.iter().map(|byte| u32::from(*byte)).sum();
    bytes[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    bytes
}

fn unpacked(bytes: &[u8]) -> Result<(Vec<String>, Vec<String>), TarError> {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, bytes).unwrap();
    let unpacked = Tree::of_tar(&Archive::Open(Arc::new(file)))?;
    Ok((paths(&unpacked.tree), unpacked.left_out))
}

#[test]
fn hostile_archives_do_no_harm() {
    let text = [&b"1234"[..], &[0; 508]].concat();
    let members = [
        header(b"../up", b'0', 4, b""),
        text.clone(),
        header(b"/abs/olute", b'0', 4, b""),
        text.clone(),
        header(b"out", b'2', 0, b"/etc"),
        header(b"out/passwd", b'0', 4, b""),
        text.clone(),
        header(b"self", b'1', 0, b"self"),
        header(b"far", b'1', 0, b"../../etc/passwd"),
        header(b"what", b'Z', 0, b""),
        header(b"twice", b'0', 4, b""),
        text.clone(),
        header(b"twice", b'0', 4, b""),
        text.clone(),
        vec![0; 1024],
        text,
    ];
    let (tree, left_out) = unpacked(&members.concat()).unwrap();
    assert_eq!(tree, ["/abs", "/abs/olute", "/out", "/twice"]);
    assert_eq!(left_out.len(), 5, "{left_out:?}");
    for (bytes, what) in [
        (header(b"f", b'0', 1 << 30, b""), "reaches behind the archive's end"),
        (header(b"f", b'L', 1 << 30, b""), "reaches behind the archive's end"),
        (vec![b'x'; 512], "no header"),
        ([header(b"f", b'x', 512, b""), vec![b'9'; 512]].concat(), "no list of records"),
    ] {
        let error = unpacked(&bytes).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    assert_eq!(unpacked(b"\x1f\x8b....").unwrap_err(), TarError::Compressed("gzip"));
}

#[test]
fn an_imported_image_makes_itself() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    various(&root);
    for (udf, iso9660) in [(false, true), (true, true), (true, false)] {
        let options = options(udf, iso9660);
        let image = whole(Tree::scan(&[&root], &ScanOptions::default()).unwrap(), &options);
        let sectors = Box::new(MemorySectors(image.clone()));
        let imported = Tree::import(sectors, "x.iso", &ReadOptions::default()).unwrap();
        assert_eq!(imported.left_out, Vec::<String>::new());
        assert!(whole(imported.volume.tree, &options) == image, "{udf} {iso9660}");
        // What is cut off is left out, and said.
        let cut = image[..image.len() - 260 * BLOCK].to_vec();
        let found = Tree::import(Box::new(MemorySectors(cut)), "x", &ReadOptions::default());
        let Ok(found) = found else { continue };
        assert_ne!(found.left_out, Vec::<String>::new());
    }
}

#[test]
fn equal_files_are_stored_once_and_stay_two() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    fs::create_dir(&root).unwrap();
    for name in ["one", "two", "three"] {
        fs::write(root.join(name), vec![5; 50_000]).unwrap();
    }
    fs::write(root.join("other"), vec![6; 50_000]).unwrap();
    fs::hard_link(root.join("one"), root.join("linked")).unwrap();
    let scan = || Tree::scan(&[&root], &ScanOptions::default()).unwrap();
    for (udf, iso9660) in [(false, true), (true, true), (true, false)] {
        let options = options(udf, iso9660);
        let plain = whole(scan(), &options);
        let mut tree = scan();
        let done = tree.deduplicate().unwrap();
        assert_eq!((done.contents, done.bytes), (2, 100_000));
        let image = whole(tree.clone(), &options);
        assert!(image.len() <= plain.len() - 32 * BLOCK, "{udf} {iso9660}");
        let mut sectors = MemorySectors(image.clone());
        let volume = Volume::read(&mut sectors, &ReadOptions::default()).unwrap();
        assert_eq!(volume.findings, []);
        let difference = engine::image::fuzzing::difference;
        let mut plain = MemorySectors(plain);
        let before = Volume::read(&mut plain, &ReadOptions::default()).unwrap();
        for node in volume.tree.walk() {
            let other = before.tree.lookup(&volume.tree.path(node)).unwrap();
            assert_eq!(volume.tree.size(node), before.tree.size(other));
            if let (Kind::File(a), Kind::File(b)) =
                (volume.tree.kind(node), before.tree.kind(other))
            {
                assert_eq!(volume.tree.content(a).links, before.tree.content(b).links);
            }
        }
        assert_eq!(difference(&volume.tree, &volume.tree, &mut sectors), None);
        extracted_by_others(dir.path(), &root, &image, iso9660);
    }
}

/// Programs that are not ours get the bytes of each file out of the image.
fn extracted_by_others(dir: &Path, root: &Path, image: &[u8], iso9660: bool) {
    let file = dir.join("x.iso");
    fs::write(&file, image).unwrap();
    let (file, out) = (file.to_str().unwrap(), dir.join("out"));
    let into = out.to_str().unwrap();
    let seven = format!("-o{into}");
    let programs: [&[&str]; 3] = [
        &["bsdtar", "-xf", file, "-C", into],
        &["xorriso", "-osirrox", "on", "-indev", file, "-extract", "/", into],
        &["7z", "x", "-y", &seven, file],
    ];
    for words in programs.into_iter().filter(|words| iso9660 || words[0] == "7z") {
        _ = fs::remove_dir_all(&out);
        fs::create_dir(&out).unwrap();
        let Ok(done) = Command::new(words[0]).args(&words[1..]).output() else {
            println!("SKIP: {} missing", words[0]);
            continue;
        };
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{words:?}: {said}");
        for entry in fs::read_dir(root).unwrap() {
            let name = entry.unwrap().file_name();
            let there = fs::read(out.join(&name)).unwrap_or_else(|e| panic!("{words:?}: {e}"));
            assert!(fs::read(root.join(&name)).unwrap() == there, "{words:?} {name:?}");
        }
    }
}

#[test]
fn a_sparse_file_of_a_tebibyte_is_small_in_udf_and_refused_elsewhere() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sparse");
    let file = fs::File::create(&path).unwrap();
    if file.set_len(1 << 40).is_err() {
        println!("SKIP: no file of a tebibyte here");
        return;
    }
    let write = |bytes: &[u8], at| std::os::unix::fs::FileExt::write_all_at(&file, bytes, at);
    write(b"start", 0).unwrap();
    write(&[9; 10_000], (1 << 39) + 5).unwrap();
    let scan = || Tree::scan(&[dir.path()], &ScanOptions::default()).unwrap();
    let refused = Image::new(scan(), &options(true, true)).unwrap_err();
    assert!(matches!(refused, LayoutError::Sparse { .. }), "{refused}");
    let image = whole(scan(), &options(true, false));
    assert!(image.len() < 2 << 20, "{}", image.len());
    let mut sectors = MemorySectors(image);
    let volume = Volume::read(&mut sectors, &ReadOptions::default()).unwrap();
    assert_eq!(volume.findings, []);
    let node = volume.tree.lookup(b"sparse").unwrap();
    assert_eq!(volume.tree.size(node), 1 << 40);
    let Kind::File(id) = volume.tree.kind(node) else { panic!("a file") };
    let Source::OnDisc(extents) = &volume.tree.content(id).source else { panic!("on the disc") };
    let mut at = 0;
    let mut recorded = Vec::new();
    for extent in extents {
        if !extent.is_hole() {
            let mut bytes = vec![0; extent.bytes.next_multiple_of(BLOCK as u64) as usize];
            sectors.read(Blocks(extent.lba.0 as u32), &mut bytes).unwrap();
            recorded.push((at, bytes));
        }
        at += extent.bytes;
    }
    let at = |byte: u64| {
        let found =
            recorded.iter().find(|(at, bytes)| (*at..at + bytes.len() as u64).contains(&byte));
        found.map_or(0, |(at, bytes)| bytes[(byte - at) as usize])
    };
    assert_eq!([at(0), at(4), at(5)], [b's', b't', 0]);
    let far = (1 << 39) + 5;
    assert_eq!([at(far - 1), at(far), at(far + 9999), at(far + 10_000)], [0, 9, 9, 0]);
    assert!(recorded.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 100_000);
}

#[test]
fn views_lack_what_is_hidden_and_name_what_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("root");
    files(&root, &["dir/in", "keep", "posix.sh", "windows.bat"]);
    let mut tree = Tree::scan(&[&root], &ScanOptions::default()).unwrap();
    let node = |tree: &Tree, path: &str| tree.lookup(path.as_bytes()).unwrap();
    for (view, path) in
        [(View::Joliet, "posix.sh"), (View::RockRidge, "windows.bat"), (View::Udf, "dir")]
    {
        let node = node(&tree, path);
        tree.hide_from(view, node);
    }
    let keep = node(&tree, "keep");
    for (view, name) in [
        (View::Joliet, "Behalten.txt"),
        (View::RockRidge, "conserve"),
        (View::Iso9660, "kept.it"),
        (View::Udf, "Сохранить"),
    ] {
        tree.set_name_in(view, keep, name.as_bytes()).unwrap();
    }
    let Kind::File(id) = tree.kind(keep) else { panic!("a file") };
    tree.set_weight(id, 1);
    let image = Image::new(tree.clone(), &options(false, true)).unwrap();
    let names = (0..image.blocks().0).filter_map(|b| image.name_at(Blocks(b)));
    let contents = ["/dir/in", "/keep", "/posix.sh", "/windows.bat"];
    let first = names.into_iter().find(|name| contents.contains(&name.as_str()));
    assert_eq!(first.unwrap(), "/keep");
    let bytes = whole(tree, &options(true, true));
    let mut sectors = MemorySectors(bytes.clone());
    let mut seen = |namespace| {
        let options = ReadOptions { namespace, ..ReadOptions::default() };
        let volume = Volume::read(&mut sectors, &options).unwrap();
        assert_eq!(volume.findings, []);
        paths(&volume.tree)
    };
    assert_eq!(seen(Namespace::RockRidge), ["/conserve", "/dir", "/dir/in", "/posix.sh"]);
    assert_eq!(seen(Namespace::Iso9660), ["/DIR", "/DIR/IN", "/KEPT.IT", "/POSIX.SH"]);
    assert_eq!(seen(Namespace::Joliet), ["/Behalten.txt", "/dir", "/dir/in", "/windows.bat"]);
    assert_eq!(seen(Namespace::Udf), ["/posix.sh", "/windows.bat", "/Сохранить"]);
    let file = dir.path().join("x.iso");
    fs::write(&file, bytes).unwrap();
    for (flag, expected) in [
        ("-R", ["/conserve", "/dir", "/dir/in", "/posix.sh"]),
        ("-J", ["/Behalten.txt", "/dir", "/dir/in", "/windows.bat"]),
    ] {
        let words = ["-f", "-i", file.to_str().unwrap(), flag];
        match Command::new("isoinfo").args(words).output() {
            Ok(done) => {
                let text = String::from_utf8_lossy(&done.stdout).into_owned();
                let plain = |line: &'_ str| line.trim_end_matches(";1").to_owned();
                let mut lines: Vec<String> = text.lines().map(plain).collect();
                lines.sort_unstable();
                assert_eq!(lines, expected);
            }
            Err(_) => println!("SKIP: isoinfo missing"),
        }
    }
}

/// One change of a tree; numbers choose among what is there.
#[derive(Clone, Debug)]
enum Change {
    Directory(usize, u8),
    File(usize, u8),
    Link(usize, usize, u8),
    Remove(usize),
    Rename(usize, usize, u8),
    Meta(usize, u32),
    Hide(usize),
    Name(usize, u8),
    Weigh(usize, i32),
    Share,
    Point,
    Back(usize),
    Lock,
}

fn change() -> impl Strategy<Value = Change> {
    let n = || 0..64usize;
    prop_oneof![
        3 => (n(), 0..6u8).prop_map(|(at, name)| Change::Directory(at, name)),
        4 => (n(), 0..6u8).prop_map(|(at, name)| Change::File(at, name)),
        2 => (n(), n(), 0..6u8).prop_map(|(at, of, name)| Change::Link(at, of, name)),
        2 => n().prop_map(Change::Remove),
        3 => (n(), n(), 0..6u8).prop_map(|(of, to, name)| Change::Rename(of, to, name)),
        1 => (n(), 0..0o7777u32).prop_map(|(of, mode)| Change::Meta(of, mode)),
        1 => n().prop_map(Change::Hide),
        1 => (n(), 0..6u8).prop_map(|(of, name)| Change::Name(of, name)),
        1 => (n(), -5..5i32).prop_map(|(of, weight)| Change::Weigh(of, weight)),
        1 => Just(Change::Share),
        3 => Just(Change::Point),
        2 => n().prop_map(Change::Back),
        1 => Just(Change::Lock),
    ]
}

/// Everything that can be seen of a tree.
fn state(tree: &Tree) -> Vec<String> {
    let mut lines = vec![format!("{} {}", tree.len(), tree.directory_count())];
    for node in tree.walk() {
        let names = View::ALL.map(|view| (tree.is_hidden(view, node), tree.name_in(view, node)));
        let content = match tree.kind(node) {
            Kind::File(id) => format!("{:?} {}", tree.content(id), tree.weight(id)),
            _ => String::new(),
        };
        let kind = tree.kind(node);
        let (path, mode) = (tree.display_path(node), tree.meta(node).mode);
        lines.push(format!("{node:?} {path} {kind:?} {mode:o} {names:?} {content}"));
    }
    lines
}

fn pick(tree: &Tree, number: usize) -> NodeId {
    let all: Vec<NodeId> = tree.walk().collect();
    all[number % all.len()]
}

fn carry_out(tree: &mut Tree, change: &Change) {
    let meta = Meta::default();
    let name = |n: u8| [b'a' + n];
    let file = |tree: &Tree, n: usize| match tree.kind(pick(tree, n)) {
        Kind::File(id) => Some(id),
        _ => None,
    };
    // Errors leave the tree as it is, which the comparison shows.
    match *change {
        Change::Directory(at, n) => {
            _ = tree.add_directory(pick(tree, at), &name(n), meta);
        }
        Change::File(at, n) => {
            _ = tree.add_bytes(pick(tree, at), &name(n), meta, vec![n; usize::from(n) + 1]);
        }
        Change::Link(at, of, n) => {
            if let Some(id) = file(tree, of) {
                _ = tree.add_link(pick(tree, at), &name(n), meta, id);
            }
        }
        Change::Remove(of) => tree.remove(pick(tree, of)),
        Change::Rename(of, to, n) => {
            _ = tree.rename(pick(tree, of), pick(tree, to), &name(n));
        }
        Change::Meta(of, mode) => tree.set_meta(pick(tree, of), Meta { mode, ..meta }),
        Change::Hide(of) => tree.hide_from(View::Joliet, pick(tree, of)),
        Change::Name(of, n) => {
            _ = tree.set_name_in(View::Udf, pick(tree, of), &name(n));
        }
        Change::Weigh(of, weight) => {
            if let Some(id) = file(tree, of) {
                tree.set_weight(id, weight);
            }
        }
        Change::Share => _ = tree.deduplicate().expect("all is in memory"),
        Change::Point | Change::Back(_) | Change::Lock => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn a_tree_goes_back_to_what_it_was(changes in proptest::collection::vec(change(), 1..60)) {
        let mut tree = Tree::new(Meta::default());
        let mut points: Vec<(ChangePoint, Vec<String>)> = Vec::new();
        let mut dead: Vec<ChangePoint> = Vec::new();
        for change in &changes {
            match change {
                Change::Point => {
                    let point = tree.change_point();
                    points.push((point, state(&tree)));
                }
                Change::Back(n) if !points.is_empty() => {
                    let at = n % points.len();
                    dead.extend(points.drain(at + 1..).map(|(point, _)| point));
                    let (point, before) = &points[at];
                    prop_assert_eq!(tree.roll_back(*point), Ok(()));
                    prop_assert_eq!(&state(&tree), before);
                }
                Change::Lock => {
                    tree.lock_in();
                    dead.extend(points.drain(..).map(|(point, _)| point));
                }
                change => carry_out(&mut tree, change),
            }
            for point in &dead {
                prop_assert!(tree.clone().roll_back(*point).is_err());
            }
        }
        // Whatever became of it, it can be recorded, and is read back.
        let bytes = whole(tree.clone(), &options(true, true));
        let mut sectors = MemorySectors(bytes);
        let volume = Volume::read(&mut sectors, &ReadOptions::default()).unwrap();
        prop_assert_eq!(&volume.findings, &[]);
        prop_assert_eq!(volume.tree.len(), tree.len());
        let difference = engine::image::fuzzing::difference(&tree, &volume.tree, &mut sectors);
        prop_assert_eq!(difference, None);
    }
}
