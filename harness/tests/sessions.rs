//! Further sessions as the program's user has them: added, brought up to date, gone back from; on
//! discs, and in images in place. Other people's programs read each state.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn kiln(dir: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kiln"))
        .current_dir(dir)
        .args(line.split_whitespace())
        .env("SOURCE_DATE_EPOCH", "1767225600")
        .env("NO_COLOR", "1")
        .output()
        .expect("the program is built with the test")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs it to a good end; what it said.
fn done(dir: &Path, line: &str) -> String {
    let output = kiln(dir, line);
    assert!(output.status.success(), "{line}: {}", said(&output));
    said(&output)
}

/// Runs it to a bad end with this code; what it said.
fn fails(dir: &Path, line: &str, code: i32) -> String {
    let output = kiln(dir, line);
    assert_eq!(output.status.code(), Some(code), "{line}: {}", said(&output));
    said(&output)
}

fn json(dir: &Path, line: &str) -> Value {
    let output = kiln(dir, line);
    assert!(output.status.success(), "{line}: {}", said(&output));
    serde_json::from_slice(&output.stdout).expect("it is JSON")
}

fn paths(dir: &Path, line: &str) -> Vec<String> {
    let output = kiln(dir, line);
    assert!(output.status.success(), "{line}: {}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| Some(line.rsplit_once(' ')?.1.to_owned())).collect()
}

/// What another program makes of it; `None` if it is missing.
fn foreign(dir: &Path, program: &str, arguments: &str) -> Option<String> {
    let output = Command::new(program).current_dir(dir).args(arguments.split_whitespace()).output();
    let Ok(output) = output else {
        println!("SKIP: {program} missing");
        return None;
    };
    assert!(output.status.success(), "{program} {arguments}: {}", said(&output));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `photos` with two files, and `more` with one.
fn workplace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder for the test");
    for (file, bytes) in
        [("photos/a.txt", &b"hello\n"[..]), ("photos/b.bin", &[7; 300_000]), ("more/c.txt", b"c\n")]
    {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().expect("it has one")).expect("writable");
        fs::write(path, bytes).expect("writable");
    }
    dir
}

#[test]
fn an_image_grows_is_brought_up_to_date_and_goes_back() {
    for fs_list in ["rock-ridge,joliet", "rock-ridge,joliet,udf", "udf"] {
        let temp = workplace();
        let dir = temp.path();
        done(dir, &format!("image create photos --growable --fs {fs_list} -V SHOTS -o x.iso"));
        let words = done(dir, "image add x.iso more");
        assert!(words.contains("keeps 2 files and folders of the session at block 0"), "{words}");
        assert_eq!(paths(dir, "image ls x.iso"), ["/a.txt", "/b.bin", "/c.txt"]);
        // Nothing changed but what is gone.
        fs::remove_file(dir.join("photos/a.txt")).expect("it is there");
        let words = done(dir, "image add x.iso photos --update");
        let want = "0 added, 0 changed, 0 with another owner, mode or time, 2 removed, 1 as they";
        assert!(words.contains(want), "{fs_list}: {words}");
        assert_eq!(paths(dir, "image ls x.iso"), ["/b.bin"]);
        let before = fs::read(dir.join("x.iso")).expect("readable");
        let words = done(dir, "image add x.iso photos --update --by-content");
        assert!(words.contains("nothing to do, nothing was written"), "{words}");
        assert!(fs::read(dir.join("x.iso")).expect("readable") == before);
        // The same size and time, and another content: only reading tells.
        let file = dir.join("photos/b.bin");
        let time = fs::metadata(&file).and_then(|m| m.modified()).expect("it is there");
        fs::write(&file, [8; 300_000]).expect("writable");
        let handle = fs::File::options().write(true).open(&file).expect("writable");
        handle.set_modified(time).expect("writable");
        drop(handle);
        let words = done(dir, "image add x.iso photos --update");
        assert!(words.contains("nothing to do"), "{words}");
        let words = done(dir, "image add x.iso photos --update --by-content --keep-removed");
        assert!(words.contains("0 added, 1 changed"), "{words}");
        done(dir, "image extract x.iso -d out");
        assert!(fs::read(dir.join("out/b.bin")).expect("extracted") == [8; 300_000]);

        let words = done(dir, "image add x.iso --from-session 2");
        assert!(words.contains("keeps 3 files and folders"), "{words}");
        assert_eq!(paths(dir, "image ls x.iso"), ["/a.txt", "/b.bin", "/c.txt"]);
        assert_eq!(paths(dir, "image ls x.iso --session 1"), ["/a.txt", "/b.bin"]);
        let words = done(dir, "image add x.iso more --fresh-tree");
        assert!(words.contains("3 files and folders of the session at block 0 stay"), "{words}");
        assert_eq!(paths(dir, "image ls x.iso"), ["/c.txt"]);
        let info = json(dir, "image info x.iso --sessions --json");
        let list = info["sessions"].as_array().expect("a list");
        let nodes: Vec<_> = list.iter().map(|s| s["nodes"].as_u64()).collect();
        assert_eq!(nodes, [2, 3, 1, 1, 3, 1].map(Some), "{info}");
        assert!(list.iter().all(|s| s["volume"] == "SHOTS"), "{info}");
        assert_eq!(list[0]["created"], "2026-01-01 00:00:00 UTC");
        fails(dir, "image ls x.iso --session 7", 2);
        if fs_list == "udf" {
            continue;
        }
        if let Some(toc) = foreign(dir, "xorriso", "-indev x.iso -toc") {
            assert!(toc.contains("Media summary: 6 sessions"), "{toc}");
            let arguments = "-load session 2 -indev x.iso -find / -type f";
            let found = foreign(dir, "xorriso", arguments).expect("it was there");
            assert_eq!(found, "'/a.txt'\n'/b.bin'\n'/c.txt'\n");
        }
        if let Some(listed) = foreign(dir, "bsdtar", "-tf x.iso") {
            assert_eq!(listed, ".\nc.txt\n");
        }
    }
}

#[test]
fn a_disc_that_can_be_written_over_grows_in_place() {
    let temp = workplace();
    let dir = temp.path();
    let disc = "--drive virtual:bd-re --disc x.disc";
    done(dir, &format!("burn photos {disc} -V SHOTS"));
    let plan = kiln(dir, &format!("burn more {disc} --plan"));
    let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
    assert!(
        plan.contains("at last, at block 0 and 256: until then the old volume stays"),
        "{plan}"
    );
    let id = plan.lines().find_map(|line| line.strip_prefix("disc     ")).expect("it has an id");
    let info = json(dir, &format!("info {disc} --json"));
    assert_eq!(info["disc"]["id"], id);
    fails(dir, &format!("burn more {disc} --expect-disc 0123456789abcdef"), 6);
    done(dir, &format!("burn more {disc} --expect-disc {id}"));
    let words = fails(dir, &format!("burn more {disc} --expect-disc {id}"), 6);
    assert!(words.contains("not the one for which the burn was planned"), "{words}");
    let words = done(dir, &format!("burn photos {disc} --update"));
    assert!(words.contains("1 removed, 2 as they were"), "{words}");
    let words = done(dir, &format!("burn photos {disc} --update"));
    assert!(words.contains("nothing to do, nothing was written"), "{words}");
    done(dir, &format!("burn {disc} --from-session 2"));
    let info = json(dir, &format!("info {disc} --json"));
    let list = info["disc"]["session_list"].as_array().expect("a list");
    let nodes: Vec<_> = list.iter().map(|s| s["nodes"].as_u64()).collect();
    assert_eq!(nodes, [2, 3, 2, 3].map(Some), "{info}");
    done(dir, &format!("read {disc} -o x.iso"));
    assert_eq!(paths(dir, "image ls x.iso"), ["/a.txt", "/b.bin", "/c.txt"]);
    if let Some(toc) = foreign(dir, "xorriso", "-indev x.iso -toc") {
        assert!(toc.contains("Media summary: 4 sessions"), "{toc}");
    }
    if let Some(listed) = foreign(dir, "bsdtar", "-tf x.iso") {
        assert_eq!(listed, ".\na.txt\nb.bin\nc.txt\n");
    }
    // What holds no volume is not touched without consent.
    fs::write(dir.join("noise"), [0xa5; 400_000]).expect("writable");
    let noise = "--drive virtual:dvd+rw --disc n.disc";
    done(dir, &format!("burn --image noise {noise} --overwrite"));
    let words = fails(dir, &format!("burn photos {noise}"), 6);
    assert!(words.contains("holds data") && words.contains("Nothing can be added"), "{words}");
}

#[test]
fn the_sessions_of_a_disc_are_listed_and_chosen() {
    let temp = workplace();
    let dir = temp.path();
    let disc = "--drive virtual:dvd+r --disc x.disc";
    done(dir, &format!("burn photos {disc} -V SHOTS --keep-open --fs rock-ridge,udf"));
    // The file systems and the name stay.
    done(dir, &format!("burn more {disc} --keep-open"));
    let info = json(dir, &format!("info {disc} --json"));
    let list = info["disc"]["session_list"].as_array().expect("a list");
    assert_eq!(list.len(), 2);
    for session in list {
        assert_eq!(session["volume"], "SHOTS", "{info}");
        let systems = serde_json::json!(["iso9660", "rock-ridge", "udf 1.02"]);
        assert_eq!(session["file_systems"], systems, "{info}");
    }
    let words = done(dir, &format!("burn {disc} --from-session 1 --fs rock-ridge"));
    assert!(words.contains("the volume had UDF and has it no longer"), "{words}");
    done(dir, &format!("read {disc} -o x.iso"));
    let info = json(dir, "image info x.iso --sessions --json");
    let nodes: Vec<_> =
        info["sessions"].as_array().expect("a list").iter().map(|s| s["nodes"].as_u64()).collect();
    assert_eq!(nodes, [2, 3, 2].map(Some), "{info}");
    assert_eq!(paths(dir, "image ls x.iso --session 2"), ["/a.txt", "/b.bin", "/c.txt"]);
    let start = info["sessions"][2]["start"].as_i64().expect("a block");
    assert_eq!(paths(dir, &format!("image ls x.iso --session {start}")), ["/a.txt", "/b.bin"]);
    if let Some(listed) =
        foreign(dir, "xorriso", &format!("-load sbsector {start} -indev x.iso -find / -type f"))
    {
        assert_eq!(listed, "'/a.txt'\n'/b.bin'\n");
    }
}
