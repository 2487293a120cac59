//! Extended attributes and access control lists through an image: by our own reader, by xorriso,
//! and from images that xorriso made.
#![cfg(target_os = "linux")]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::image::read::{ExtractOptions, FileSectors, ReadOptions, Volume};
use engine::image::{
    ACL_ACCESS, ACL_DEFAULT, FindingKind, Image, LayoutOptions, ScanOptions, Tree, Xattr,
    XattrChoice,
};
use tempfile::TempDir;

const CHOICE: XattrChoice = XattrChoice { user: true, acls: true, others: false };

/// A list as Linux takes it: tag, permissions, number of each entry.
fn acl(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0];
    for (tag, rights, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

/// A folder with attributes, as its file system keeps them; `None` where it keeps none.
fn source(temp: &TempDir) -> Option<PathBuf> {
    const NONE: u32 = u32::MAX;
    let source = temp.path().join("source");
    fs::create_dir(&source).unwrap();
    for name in ["commented", "long", "listed", "plain"] {
        fs::write(source.join(name), name).unwrap();
    }
    fs::create_dir(source.join("folder")).unwrap();
    let access = acl(&[
        (1, 6, NONE),
        (2, 6, 1000),
        (4, 4, NONE),
        (8, 5, 70_000),
        (16, 6, NONE),
        (32, 4, NONE),
    ]);
    let default = acl(&[(1, 7, NONE), (4, 5, NONE), (32, 0, NONE)]);
    let set = [
        ("", "user.of the root", &b"root"[..]),
        ("commented", "user.comment", b"hello world"),
        ("commented", "user.empty", b""),
        ("commented", "user.bytes", &[0, 1, 0xFF, b'\n']),
        ("long", "user.long", &[b'x'; 3000]),
        ("listed", ACL_ACCESS, &access),
        ("folder", ACL_DEFAULT, &default),
        ("folder", "user.comment", b"of a folder"),
    ];
    for (path, name, value) in set {
        if let Err(error) = xattr::set(source.join(path), name, value) {
            println!("SKIP: {name}: {error}");
            return None;
        }
    }
    Some(source)
}

fn scan(path: &Path) -> Tree {
    let options = ScanOptions { xattrs: CHOICE, ..ScanOptions::default() };
    Tree::scan(&[path], &options).unwrap()
}

fn make(tree: Tree, into: &Path) -> Image {
    let image = Image::new(tree, &LayoutOptions::default()).unwrap();
    let file = fs::File::create(into).unwrap();
    image.write_file(&file, &mut |_| ControlFlow::Continue(())).unwrap();
    image
}

fn read(image: &Path) -> (FileSectors, Volume) {
    let mut sectors = FileSectors::open(image).unwrap();
    let volume = Volume::read(&mut sectors, &ReadOptions::default()).unwrap();
    assert_eq!(volume.findings, []);
    (sectors, volume)
}

/// All attributes of a tree, by path.
fn all(tree: &Tree) -> Vec<(String, Vec<Xattr>)> {
    tree.walk().map(|node| (tree.display_path(node), tree.xattrs(node).to_vec())).collect()
}

/// What xorriso says; `None` if it is missing.
fn xorriso(arguments: &[&str]) -> Option<String> {
    let Ok(output) = Command::new("xorriso").args(arguments).output() else {
        println!("SKIP: xorriso missing");
        return None;
    };
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "xorriso {arguments:?}: {words}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn attributes_and_lists_come_back() {
    let temp = TempDir::new().unwrap();
    let Some(source) = source(&temp) else { return };
    let image = temp.path().join("image.iso");
    let before = scan(&source);
    assert_eq!(before.walk().map(|n| before.xattrs(n).len()).sum::<usize>(), 8);
    make(before.clone(), &image);
    let (mut sectors, volume) = read(&image);
    assert_eq!(all(&volume.tree), all(&before));
    let out = temp.path().join("out");
    let options = ExtractOptions { xattrs: CHOICE, ..ExtractOptions::default() };
    let done = volume.extract(&mut sectors, &out, &options, &mut |_| {}).unwrap();
    assert_eq!(done.xattrs_left_out, Vec::<String>::new());
    assert_eq!(all(&scan(&out)), all(&before));
    // And none where none are asked for.
    let bare = temp.path().join("bare");
    volume.extract(&mut sectors, &bare, &ExtractOptions::default(), &mut |_| {}).unwrap();
    assert!(!scan(&bare).has_xattrs());
}

#[test]
fn xorriso_restores_what_was_scanned() {
    let temp = TempDir::new().unwrap();
    let Some(source) = source(&temp) else { return };
    let image = temp.path().join("image.iso");
    make(scan(&source), &image);
    let path = image.to_str().unwrap();
    let Some(lists) = xorriso(&["-acl", "on", "-indev", path, "-getfacl_r", "/", "--"]) else {
        return;
    };
    for line in ["group:70000:r-x", "user::rw-", "default:group::r-x", "default:other::---"] {
        assert!(lists.lines().any(|l| l == line), "{line} in {lists}");
    }
    let out = temp.path().join("theirs");
    let commands = ["-acl", "on", "-xattr", "user", "-osirrox", "on", "-indev", path];
    xorriso(&[&commands[..], &["-extract", "/", out.to_str().unwrap()]].concat()).unwrap();
    assert_eq!(all(&scan(&out)), all(&scan(&source)));
}

#[test]
fn what_xorriso_recorded_is_read() {
    let temp = TempDir::new().unwrap();
    let Some(source) = source(&temp) else { return };
    let expected = all(&scan(&source));
    for (name, options) in [
        ("backup", &["-for_backup"][..]),
        ("1.12", &["-acl", "on", "-xattr", "user", "-compliance", "new_rr:aaip_susp_1_10_off"]),
    ] {
        let image = temp.path().join(name);
        let (from, to) = (source.to_str().unwrap(), image.to_str().unwrap());
        let work = ["-padding", "0", "-outdev", to, "-map", from, "/", "-commit"];
        if xorriso(&[options, &work].concat()).is_none() {
            return;
        }
        assert_eq!(all(&read(&image).1.tree), expected, "{name}");
    }
}

#[test]
fn what_has_no_room_is_reported() {
    let mut tree = Tree::new(engine::image::Meta::default());
    let file = tree.add_bytes(tree.root(), b"f", Default::default(), *b"").unwrap();
    let large = Xattr::new(*b"user.large", vec![7; 60_000]).unwrap();
    tree.set_xattrs(file, vec![large]);
    let temp = TempDir::new().unwrap();
    let path = temp.path().join("image.iso");
    let image = make(tree.clone(), &path);
    let kinds: Vec<_> = image.findings().iter().map(|f| f.kind).collect();
    assert_eq!(kinds, [FindingKind::IsoXattrs]);
    assert!(!read(&path).1.tree.has_xattrs());
    // The largest that fits comes back.
    let large = Xattr::new(*b"user.large", vec![7; 54_000]).unwrap();
    tree.set_xattrs(file, vec![large.clone()]);
    assert_eq!(make(tree, &path).findings(), []);
    let (_, volume) = read(&path);
    let file = volume.tree.lookup(b"f").unwrap();
    assert_eq!(volume.tree.xattrs(file), [large]);
}
