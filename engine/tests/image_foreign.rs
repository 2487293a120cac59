//! An awkward tree of the host through an image, and out again by our own reader and by programs
//! that are not ours. A program that is missing is skipped, and says so.
#![cfg(unix)]

use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::image::read::{ExtractError, ExtractOptions, FileSectors, ReadOptions, Volume};
use engine::image::{
    FindingKind, Image, LayoutOptions, ScanOptions, Sectors, SourceErrorKind, Time, Tree,
    WriteError,
};
use engine::units::{Blocks, Lba};
use tempfile::TempDir;

/// Names, modes, times and links that programs trip over.
fn awkward(root: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(root.join(name), bytes).unwrap();
    let long = "n".repeat(200);
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("Ünïcödé 🔥 名前.txt", b"unicode"),
        (long.as_str(), b"long"),
        ("case", b"lower"),
        ("CASE", b"upper"),
        (" spaces ", b"s"),
        ("new\nline", b"nl"),
        ("back\\slash", b"bs"),
        (".hidden.", b"h"),
        ("a.b.c;1", b"v"),
        ("suid", b"s"),
    ] {
        write(name, bytes);
    }
    write("whole", &[b'w'; 4096]);
    write("whole1", &[b'w'; 4097]);
    fs::set_permissions(root.join("suid"), fs::Permissions::from_mode(0o4755)).unwrap();
    fs::hard_link(root.join("whole1"), root.join("linked")).unwrap();
    let mut deep = root.to_path_buf();
    for level in 0..12 {
        deep.push(format!("level {level}"));
        fs::create_dir(&deep).unwrap();
        fs::write(deep.join("file"), [level]).unwrap();
    }
    fs::create_dir(root.join("sticky")).unwrap();
    fs::set_permissions(root.join("sticky"), fs::Permissions::from_mode(0o1777)).unwrap();
    fs::create_dir(root.join("many")).unwrap();
    for i in 0..700 {
        let name = format!("a file with a long common beginning, number {i}.data");
        fs::write(root.join("many").join(name), i.to_string()).unwrap();
    }
    symlink("/etc/../nowhere", root.join("absolute")).unwrap();
    symlink("../../..", root.join("up")).unwrap();
    symlink(["component"; 40].join("/"), root.join("long link")).unwrap();
    for (name, secs) in [("case", -2_000_000_000), ("CASE", 5_000_000_000)] {
        touch(&root.join(name), secs);
    }
}

fn touch(path: &Path, secs: i64) {
    let time = match u64::try_from(secs) {
        Ok(secs) => std::time::UNIX_EPOCH + std::time::Duration::from_secs(secs),
        Err(_) => std::time::UNIX_EPOCH - std::time::Duration::from_secs(secs.unsigned_abs()),
    };
    fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

/// One line for each thing below a folder: path, mode, size or target, time, link count, content.
fn listing(root: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().to_path_buf();
            let rest = if found.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if found.is_dir() {
                waiting.push(path);
                format!("{:o} {}", found.mode(), found.mtime())
            } else {
                let bytes = fs::read(&path).unwrap();
                let sum = bytes.iter().fold(7u64, |h, b| h.wrapping_mul(31) + u64::from(*b));
                let (mode, links) = (found.mode(), found.nlink());
                format!("{mode:o} {links} {} {} {sum:x}", bytes.len(), found.mtime())
            };
            lines.push(format!("{name:?} {rest}"));
        }
    }
    lines.sort();
    lines
}

struct Work {
    temp: TempDir,
    source: PathBuf,
    image: PathBuf,
}

fn work() -> Work {
    let temp = TempDir::new().unwrap();
    let source = temp.path().join("source");
    fs::create_dir(&source).unwrap();
    awkward(&source);
    let image = temp.path().join("image.iso");
    make(&source, &image, &LayoutOptions::default());
    Work { temp, source, image }
}

/// What we make belongs to whom we are.
fn is_root(work: &Work) -> bool {
    fs::metadata(&work.source).unwrap().uid() == 0
}

fn make(source: &Path, image: &Path, options: &LayoutOptions) -> Image {
    let tree = Tree::scan(&[source], &ScanOptions::default()).unwrap();
    let made = Image::new(tree, options).unwrap();
    let file = fs::File::create(image).unwrap();
    made.write_file(&file, &mut |_| ControlFlow::Continue(())).unwrap();
    made
}

/// Runs a program; `None` if it is missing.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let words = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program} {arguments:?}: {words}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(_) => {
            println!("SKIP: {program} missing");
            None
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn our_reader_extracts_what_was_scanned() {
    let work = work();
    let out = work.temp.path().join("out");
    let mut sectors = FileSectors::open(&work.image).unwrap();
    let volume = Volume::read(&mut sectors, &ReadOptions::default()).unwrap();
    assert_eq!(volume.findings, []);
    // All bits are kept only for who may give files away.
    let options = ExtractOptions { owners: is_root(&work), ..Default::default() };
    volume.extract(&mut sectors, &out, &options, &mut |_| {}).unwrap();
    let mut expected = listing(&work.source);
    if !options.owners {
        expected.iter_mut().for_each(|l| *l = l.replace(" 104755 ", " 100755 "));
    }
    assert_eq!(listing(&out), expected);
    // And nothing that is there is overwritten.
    let again = volume.extract(&mut sectors, &out, &options, &mut |_| {});
    assert!(matches!(again, Err(ExtractError::Exists(_))), "{again:?}");
}

#[test]
fn bsdtar_extracts_what_was_scanned() {
    let work = work();
    let out = work.temp.path().join("out");
    fs::create_dir(&out).unwrap();
    let Some(_) = run("bsdtar", &["-xpf", text(&work.image), "-C", text(&out)]) else { return };
    assert_eq!(listing(&out), listing(&work.source));
}

#[test]
fn xorriso_extracts_what_was_scanned() {
    let work = work();
    let out = work.temp.path().join("out");
    let image = text(&work.image);
    let commands = ["-hardlinks", "on", "-osirrox", "on", "-indev", image, "-extract", "/"];
    let Some(_) = run("xorriso", &[&commands[..], &[text(&out)]].concat()) else { return };
    assert_eq!(listing(&out), listing(&work.source));
}

#[test]
fn isoinfo_and_7z_see_every_file() {
    let work = work();
    let image = text(&work.image);
    let links = 3;
    let all = listing(&work.source).len();
    // One line for each node; the name with a newline makes two.
    if let Some(rock_ridge) = run("isoinfo", &["-R", "-f", "-i", image]) {
        assert_eq!(rock_ridge.lines().count(), all + 1);
        assert!(rock_ridge.contains(&format!("/{}\n", "n".repeat(200))));
        let joliet = run("isoinfo", &["-J", "-f", "-i", image]).unwrap();
        assert_eq!(joliet.lines().count(), all - links);
    }
    if let Some(listed) = run("7z", &["l", "-slt", image]) {
        let paths = listed.lines().filter(|l| l.starts_with("Path = ")).count();
        assert_eq!(paths - 1, all - links);
        run("7z", &["t", image]);
    }
}

#[test]
fn a_further_session_has_old_and_new_files() {
    let work = work();
    let newer = work.temp.path().join("newer");
    fs::create_dir(&newer).unwrap();
    fs::write(newer.join("case"), "replaced").unwrap();
    fs::write(newer.join("added"), "added").unwrap();
    let mut sectors = FileSectors::open(&work.image).unwrap();
    let old = Volume::read(&mut sectors, &ReadOptions::default()).unwrap();
    let base = sectors.blocks().round_up(Blocks(32));
    let new = Tree::scan(&[&newer], &ScanOptions::default()).unwrap();
    let tree = old.tree.merged(&new).unwrap();
    let session = Lba(base.0 as i32);
    let options = LayoutOptions { base: session, ..LayoutOptions::default() };
    let mut second = Image::new(tree, &options).unwrap();
    // Only what is new is written again.
    assert!(second.blocks() < sectors.blocks());
    let mut disc = fs::read(&work.image).unwrap();
    let first_session = disc.clone();
    disc.resize(base.bytes().0 as usize, 0);
    let mut bytes = vec![0; second.blocks().bytes().0 as usize];
    second.read(Blocks(0), &mut bytes).unwrap();
    disc.extend(bytes);
    assert_eq!(disc[..first_session.len()], first_session);
    let image = work.temp.path().join("grown.iso");
    fs::write(&image, disc).unwrap();

    fs::write(work.source.join("added"), "added").unwrap();
    fs::write(work.source.join("case"), "replaced").unwrap();
    for name in ["added", "case"] {
        let time = fs::metadata(newer.join(name)).unwrap().mtime();
        touch(&work.source.join(name), time);
    }
    let out = work.temp.path().join("own");
    let mut sectors = FileSectors::open(&image).unwrap();
    let options = ReadOptions { session, ..ReadOptions::default() };
    let volume = Volume::read(&mut sectors, &options).unwrap();
    assert_eq!(volume.findings, []);
    let root = ExtractOptions { owners: is_root(&work), ..Default::default() };
    volume.extract(&mut sectors, &out, &root, &mut |_| {}).unwrap();
    if root.owners {
        assert_eq!(listing(&out), listing(&work.source));
    }
    let out = work.temp.path().join("theirs");
    let at = base.to_string();
    let load = ["-load", "sbsector", &at, "-hardlinks", "on", "-osirrox", "on", "-indev"];
    let Some(_) =
        run("xorriso", &[&load[..], &[text(&image), "-extract", "/", text(&out)]].concat())
    else {
        return;
    };
    assert_eq!(listing(&out), listing(&work.source));
}

#[test]
fn images_of_others_are_read() {
    let work = work();
    // Genisoimage 1.1.11 writes a length too small for the entries of a long link.
    fs::remove_file(work.source.join("long link")).unwrap();
    let others: [(&str, &[&str]); 2] = [
        ("genisoimage", &["-quiet", "-R", "-J", "-joliet-long"]),
        ("xorriso", &["-as", "mkisofs", "-quiet", "-R", "-J", "-joliet-long"]),
    ];
    for (program, arguments) in others {
        let image = work.temp.path().join(program);
        let paths = ["-o", text(&image), text(&work.source)];
        let Some(_) = run(program, &[arguments, &paths].concat()) else { continue };
        let mut sectors = FileSectors::open(&image).unwrap();
        let volume = Volume::read(&mut sectors, &ReadOptions::default()).unwrap();
        assert_eq!(volume.findings, [], "{program}");
        let expected = Tree::scan(&[&work.source], &ScanOptions::default()).unwrap();
        let paths = |tree: &Tree| tree.walk().map(|n| tree.display_path(n)).collect::<Vec<_>>();
        let mut seen = paths(&volume.tree);
        // Genisoimage moves deep directories here.
        seen.retain(|path| path != "/rr_moved");
        assert_eq!(seen, paths(&expected), "{program}");
    }
}

#[test]
fn the_same_tree_and_stamp_make_the_same_bytes() {
    let work = work();
    let options = LayoutOptions {
        stamp: Time::from_secs(1_700_000_000),
        reproducible: true,
        ..LayoutOptions::default()
    };
    let image = make(&work.source, &work.image, &options);
    let first = fs::read(&work.image).unwrap();
    // Reading has changed access times; linking changes times of the nodes.
    fs::rename(work.source.join("whole"), work.source.join("elsewhere")).unwrap();
    fs::rename(work.source.join("elsewhere"), work.source.join("whole")).unwrap();
    let root = fs::metadata(&work.source).unwrap().mtime();
    let again = {
        let mut tree = Tree::scan(&[&work.source], &ScanOptions::default()).unwrap();
        let meta = *image.tree().meta(image.tree().root());
        assert!(meta.mtime.secs <= root);
        tree.set_meta(tree.root(), meta);
        Image::new(tree, &options).unwrap()
    };
    // A stream gets the same as a file.
    let mut second = Vec::new();
    again.write_to(&mut second, &mut |_| ControlFlow::Continue(())).unwrap();
    assert!(first == second);
}

#[test]
fn names_that_joliet_cannot_hold_are_reported() {
    let work = work();
    let image = make(&work.source, &work.image, &LayoutOptions::default());
    let tree = image.tree();
    let mut named: Vec<_> = image
        .findings()
        .iter()
        .filter(|f| f.kind == FindingKind::JolietName)
        .map(|f| String::from_utf8_lossy(tree.name(f.node)).into_owned())
        .collect();
    named.sort();
    assert_eq!(named, ["a.b.c;1", "back\\slash", "new\nline", &"n".repeat(200)]);
}

#[test]
fn a_file_that_changes_after_the_scan_is_an_error_with_its_name() {
    let temp = TempDir::new().unwrap();
    let path = temp.path().join("file");
    fs::write(&path, vec![1; 10_000]).unwrap();
    let changes: [(&str, &dyn Fn()); 4] = [
        ("ends after 5000", &|| fs::write(&path, vec![1; 5000]).unwrap()),
        ("has 20000", &|| fs::write(&path, vec![1; 20_000]).unwrap()),
        ("another file", &|| {
            fs::rename(&path, temp.path().join("old")).unwrap();
            fs::write(&path, vec![1; 10_000]).unwrap();
        }),
        ("is gone", &|| fs::remove_file(&path).unwrap()),
    ];
    for (words, change) in changes {
        fs::write(&path, vec![1; 10_000]).unwrap();
        let tree = Tree::scan(&[temp.path()], &ScanOptions::default()).unwrap();
        let image = Image::new(tree, &LayoutOptions::default()).unwrap();
        change();
        let mut out = Vec::new();
        let result = image.write_to(&mut out, &mut |_| ControlFlow::Continue(()));
        let Err(WriteError::Source(error)) = result else { panic!("{words}: {result:?}") };
        assert_eq!(error.kind, SourceErrorKind::Changed);
        assert!(error.detail.contains(words), "{error}");
        assert_eq!(error.source, path.display().to_string());
        assert_eq!(image.name_at(error.block).as_deref(), Some("/file"));
        _ = fs::remove_file(temp.path().join("old"));
    }
}
