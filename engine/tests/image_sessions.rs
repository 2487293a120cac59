//! Sessions in images of whole discs, and volumes that grow in place, with other people's programs
//! as judges of each state.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

use engine::image::read::{FileSectors, ReadOptions, Session, Volume, sessions};
use engine::image::{
    GrowError, Growable, Grown, Image, LayoutOptions, MemorySectors, Revision, ScanOptions,
    Sectors, Time, Tree, UdfOptions,
};
use engine::units::{BLOCK, Blocks, Lba};
use tempfile::TempDir;

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

/// The content of the file `name`: more than a block, like no other.
fn content(name: &str) -> Vec<u8> {
    name.bytes().cycle().take(5000 + name.len()).collect()
}

/// A tree of the host with these files.
fn folder(dir: &Path, files: &[&str]) -> Tree {
    fs::create_dir_all(dir).unwrap();
    for file in files {
        let path = dir.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content(file)).unwrap();
    }
    Tree::scan(&[dir], &ScanOptions::default()).unwrap()
}

fn options(fs: &str) -> LayoutOptions {
    let revision = match fs {
        "udf 2.50" | "bridge 2.50" => Revision::V2_50,
        _ => Revision::V1_02,
    };
    LayoutOptions {
        in_place: true,
        iso9660: !fs.starts_with("udf"),
        udf: (fs != "iso").then_some(UdfOptions { revision, ..UdfOptions::default() }),
        stamp: Time::from_secs(1_800_000_000),
        pad: Blocks(0),
        ..LayoutOptions::default()
    }
}

const SYSTEMS: [&str; 5] = ["iso", "udf 1.02", "udf 2.50", "bridge 1.02", "bridge 2.50"];

fn bytes(image: &mut dyn Sectors) -> Vec<u8> {
    let mut bytes = vec![0; image.blocks().bytes().0 as usize];
    image.read(Blocks(0), &mut bytes).unwrap();
    bytes
}

fn first(path: &Path, tree: Tree, options: &LayoutOptions) {
    let image = Image::new(tree, options).unwrap();
    let file = fs::File::create(path).unwrap();
    image.write_file(&file, &mut |_| ControlFlow::Continue(())).unwrap();
}

/// Lays a further state over what a file holds.
fn grown(path: &Path, new: &Tree, wanted: &LayoutOptions) -> Result<Grown, GrowError> {
    let mut sectors = FileSectors::open(path).unwrap();
    let found = Growable::find_in_file(&mut sectors)?;
    let mut old = Volume::read(&mut sectors, &ReadOptions::default()).map_err(GrowError::Read)?;
    old.hold(&mut sectors).map_err(GrowError::Source)?;
    let tree = old.tree.merged(new).unwrap();
    let options = LayoutOptions { base: found.base, ..wanted.clone() };
    let image = Image::new(tree, &options).unwrap();
    Grown::new(image, &mut sectors, Blocks(1))
}

/// Puts a new state into a file; `heads` of what leads to it, or all.
fn put(path: &Path, grown: &mut Grown, heads: usize) {
    let mut disc = fs::read(path).unwrap();
    let new = bytes(grown);
    let base = grown.session().base().0 as usize * BLOCK;
    let own = grown.session_blocks().bytes().0 as usize;
    disc.resize(disc.len().max(base + own), 0);
    disc[base..base + own].copy_from_slice(&new[..own]);
    let mut at = own;
    for (start, blocks) in grown.heads().into_iter().take(heads) {
        let (start, len) = (start.0 as usize * BLOCK, blocks.bytes().0 as usize);
        disc[start..start + len].copy_from_slice(&new[at..at + len]);
        at += len;
    }
    fs::write(path, disc).unwrap();
}

fn paths(path: &Path, session: Lba) -> Vec<String> {
    let mut sectors = FileSectors::open(path).unwrap();
    let options = ReadOptions { session, ..ReadOptions::default() };
    let volume = Volume::read(&mut sectors, &options).unwrap();
    assert_eq!(volume.findings, []);
    let files = volume.tree.walk().filter(|node| volume.tree.size(*node) > 0);
    files.map(|node| volume.tree.display_path(node)).collect()
}

fn listed(path: &Path) -> Vec<Session> {
    sessions(&mut FileSectors::open(path).unwrap()).unwrap()
}

/// What is in the image, as a foreign program unpacks it.
fn unpacked(program: &str, path: &Path, out: &Path) -> Option<Vec<String>> {
    _ = fs::remove_dir_all(out);
    fs::create_dir(out).unwrap();
    match program {
        "bsdtar" => run(program, &["-xpf", text(path), "-C", text(out)])?,
        _ => run(program, &["x", "-y", &format!("-o{}", text(out)), text(path)])?,
    };
    let tree = Tree::scan(&[out], &ScanOptions::default()).unwrap();
    let files = tree.walk().filter(|node| tree.size(*node) > 0);
    let found: Vec<_> = files.map(|node| tree.display_path(node)).collect();
    for file in &found {
        let bytes = fs::read(out.join(&file[1..])).unwrap();
        assert!(bytes == content(&file[1..]), "{program}: {file} of {}", path.display());
    }
    Some(found)
}

#[test]
fn a_volume_grows_in_place_and_each_state_stays() {
    for system in SYSTEMS {
        let temp = TempDir::new().unwrap();
        let at = |name: &str| temp.path().join(name);
        let image = at("grown.img");
        let wanted = options(system);
        first(&image, folder(&at("1"), &["a", "d/b"]), &wanted);
        let states: [&[&str]; 3] =
            [&["/a", "/d/b"], &["/a", "/c", "/d/b"], &["/a", "/c", "/d/b", "/d/e"]];
        for (number, new) in ["c", "d/e"].into_iter().enumerate() {
            let tree = folder(&at(&format!("{}", number + 2)), &[new]);
            let before = fs::read(&image).unwrap();
            let mut new = grown(&image, &tree, &wanted).unwrap();
            let heads = new.heads().len();
            assert_eq!(heads, if system.starts_with("bridge") { 2 } else { 1 }, "{system}");
            // Until the head is written, the volume is what it was.
            put(&image, &mut new, 0);
            let now = fs::read(&image).unwrap();
            assert!(now[..before.len()] == before, "{system}");
            assert_eq!(paths(&image, Lba(0)), states[number], "{system}");
            if system == "iso" {
                let out = at("out");
                if let Some(seen) = unpacked("bsdtar", &image, &out) {
                    assert_eq!(seen, states[number], "{system}");
                }
            }
            put(&image, &mut new, heads);
            assert_eq!(paths(&image, Lba(0)), states[number + 1], "{system}");
        }
        let found = listed(&image);
        assert_eq!(found.len(), 3, "{system}: {found:?}");
        for (session, state) in found.iter().zip(states) {
            assert_eq!(paths(&image, session.start), state, "{system}");
            assert_eq!(session.systems.udf.is_some(), system != "iso");
        }
        judge(system, &image, &found, &states, &at("out"));
    }
}

/// Foreign programs look at the newest state, and xorriso at all.
fn judge(system: &str, image: &Path, found: &[Session], states: &[&[&str]; 3], out: &Path) {
    // 7-Zip 26.02 finds fault with the headers of any volume with a metadata partition.
    if system != "udf 2.50"
        && system != "bridge 2.50"
        && let Some(seen) = unpacked("7z", image, out)
    {
        assert_eq!(seen, states[2], "7z, {system}");
    }
    if system.starts_with("udf") {
        if let Some(words) = run("udfinfo", &[text(image)]) {
            assert!(words.contains("numfiles=4\n"), "{system}: {words}");
        }
        return;
    }
    if let Some(seen) = unpacked("bsdtar", image, out) {
        assert_eq!(seen, states[2], "bsdtar, {system}");
    }
    let Some(toc) = run("xorriso", &["-indev", text(image), "-toc"]) else { return };
    let starts: Vec<i32> = toc
        .lines()
        .filter(|line| line.starts_with("ISO session"))
        .map(|line| line.split(',').nth(1).unwrap().trim().parse().unwrap())
        .collect();
    assert_eq!(starts, found.iter().map(|s| s.start.0).collect::<Vec<_>>(), "{system}: {toc}");
    for (number, state) in states.iter().enumerate() {
        let session = (number + 1).to_string();
        let load =
            ["-load", "session", &session, "-indev", text(image), "-find", "/", "-type", "f"];
        let Some(seen) = run("xorriso", &load) else { return };
        let seen: Vec<_> = seen.lines().map(|line| line.trim_matches('\'')).collect();
        assert_eq!(seen, *state, "{system}, session {session}");
    }
}

#[test]
fn what_xorriso_grew_is_listed_and_grows_on() {
    let temp = TempDir::new().unwrap();
    let at = |name: &str| temp.path().join(name);
    let image = at("x.img");
    let dev = format!("stdio:{}", text(&image));
    for (number, file) in ["a", "b", "c"].into_iter().enumerate() {
        let dir = at(&number.to_string());
        folder(&dir, &[file]);
        let arguments = ["-joliet", "on", "-dev", &dev, "-map", text(&dir), "/", "-commit"];
        if run("xorriso", &arguments).is_none() {
            return;
        }
    }
    let found = listed(&image);
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(paths(&image, found[0].start), ["/a"]);
    assert_eq!(paths(&image, found[1].start), ["/a", "/b"]);
    let mut new = grown(&image, &folder(&at("n"), &["d"]), &options("iso")).unwrap();
    put(&image, &mut new, 9);
    assert_eq!(listed(&image).len(), 4);
    assert_eq!(paths(&image, Lba(0)), ["/a", "/b", "/c", "/d"]);
    let toc = run("xorriso", &["-indev", text(&image), "-toc"]).unwrap();
    assert!(toc.contains("Media summary: 4 sessions"), "{toc}");
    // And xorriso grows what we grew.
    let dir = at("e");
    folder(&dir, &["e"]);
    run("xorriso", &["-dev", &dev, "-map", text(&dir), "/", "-commit"]);
    assert_eq!(listed(&image).len(), 5);
    assert_eq!(paths(&image, Lba(0)), ["/a", "/b", "/c", "/d", "/e"]);
    // There is no room for what leads to a UDF volume.
    let refused = grown(&image, &folder(&at("f"), &["f"]), &options("bridge 1.02"));
    assert_eq!(refused.map(drop), Err(GrowError::NoAnchor));
}

#[test]
fn images_of_others_grow_though_only_their_newest_state_is_found() {
    let temp = TempDir::new().unwrap();
    let at = |name: &str| temp.path().join(name);
    let (image, one) = (at("g.iso"), at("1"));
    folder(&one, &["a"]);
    let arguments = ["-quiet", "-R", "-J", "-udf", "-b", "a", "-c", "boot.cat", "-no-emul-boot"];
    let paths_of = ["-o", text(&image), text(&one)];
    if run("genisoimage", &[&arguments[..], &paths_of].concat()).is_none() {
        return;
    }
    let mut new = grown(&image, &folder(&at("2"), &["b"]), &options("bridge 1.02")).unwrap();
    put(&image, &mut new, 9);
    let found = listed(&image);
    assert_eq!(found.len(), 1);
    assert_eq!(paths(&image, Lba(0)), ["/a", "/b", "/boot.cat"]);
    // It still starts computers, as far as its descriptors go.
    if let Some(words) = run("isoinfo", &["-d", "-i", text(&image)]) {
        assert!(words.contains("El Torito VD version 1 found"), "{words}");
    }
    // Without UDF nothing is left that leads to the tree before.
    let mut new = grown(&image, &folder(&at("3"), &["c"]), &options("iso")).unwrap();
    put(&image, &mut new, 9);
    assert_eq!(listed(&image)[0].systems.udf, None);
    let more = LayoutOptions { iso9660: true, joliet: true, ..options("bridge 1.02") };
    let refused = grown(&image, &folder(&at("4"), &["d"]), &more).map(drop);
    assert!(matches!(refused, Err(GrowError::NoRoom { .. })), "{refused:?}");
}

#[test]
fn sessions_one_behind_another_are_found_without_a_drive() {
    let temp = TempDir::new().unwrap();
    let at = |name: &str| temp.path().join(name);
    // A file that is an image itself is no session.
    let inner = at("1/inner.iso");
    folder(&at("0"), &["x"]);
    fs::create_dir(at("1")).unwrap();
    first(&inner, folder(&at("0"), &["x"]), &options("bridge 1.02"));
    let mut disc = Vec::new();
    let mut starts = Vec::new();
    for (dir, gap) in [("1", 0), ("2", 11_400), ("3", 6_900)] {
        if dir != "1" {
            folder(&at(dir), &[dir]);
        }
        disc.resize(disc.len() + gap * BLOCK, 0);
        let start = disc.len() / BLOCK;
        starts.push(Lba(start as i32));
        let tree = Tree::scan(&[at(dir)], &ScanOptions::default()).unwrap();
        let base = Lba(start as i32);
        let options = LayoutOptions { in_place: false, base, ..options("bridge 1.02") };
        disc.extend(bytes(&mut Image::new(tree, &options).unwrap()));
    }
    let found = sessions(&mut MemorySectors(&disc)).unwrap();
    assert_eq!(found.iter().map(|s| s.start).collect::<Vec<_>>(), starts);
    let last = found.last().unwrap();
    assert_eq!(last.end.0 as usize, disc.len() / BLOCK);
    assert_eq!(found[0].end.0 as usize, starts[1].0 as usize - 11_400);

    // Genisoimage counts the blocks of a session from its start.
    let (one, two, dir) = (at("one.iso"), at("two.iso"), at("2"));
    let arguments = ["-quiet", "-R", "-o", text(&one), text(&dir)];
    if run("genisoimage", &arguments).is_none() {
        return;
    }
    let more = ["-quiet", "-R", "-C", "0,12000", "-M", text(&one), "-o", text(&two)];
    run("genisoimage", &[&more[..], &[text(&at("3"))]].concat());
    let mut disc = fs::read(&one).unwrap();
    disc.resize(12_000 * BLOCK, 0);
    disc.extend(fs::read(&two).unwrap());
    let found = sessions(&mut MemorySectors(&disc)).unwrap();
    let places: Vec<_> = found.iter().map(|s| (s.start.0, s.end.0 as usize)).collect();
    let end = fs::metadata(&one).unwrap().len() as usize / BLOCK;
    assert_eq!(places, [(0, end), (12_000, disc.len() / BLOCK)]);
}
