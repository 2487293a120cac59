//! Where trees come from: folders of the host with grafts, patterns and links, streams, what is
//! made on demand.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use engine::image::{
    Generate, Graft, Image, Kind, LayoutOptions, Meta, Patterns, RemarkKind, Scan, ScanOptions,
    Sectors, Symlinks, Tree,
};
use engine::units::Blocks;

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
