//! The program as its users meet it: transcripts of help, success and failure, with exit codes.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `kiln` in a folder, with nothing in the environment that could change what it says.
fn kiln(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kiln"))
        .current_dir(dir)
        .args(args)
        .env("SOURCE_DATE_EPOCH", "1767225600")
        .env("NO_COLOR", "1")
        .env_remove("COLUMNS")
        .env("XDG_RUNTIME_DIR", dir)
        .env_remove("KILN_VDRIVE_SOCKET")
        .output()
        .expect("the program is built with the test")
}

/// Command, exit code and both streams.
fn transcript(dir: &Path, args: &[&str]) -> String {
    let done = kiln(dir, args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut out = format!("$ kiln {}\n{}", args.join(" "), text(&done.stdout));
    for line in text(&done.stderr).lines() {
        out += &format!("! {line}\n");
    }
    out + &format!("exit {}\n", done.status.code().unwrap_or(-1))
}

/// A folder with something to burn.
fn workplace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let photos = dir.path().join("photos");
    std::fs::create_dir(&photos).expect("writable");
    std::fs::write(photos.join("a.txt"), "hello\n").expect("writable");
    std::fs::write(photos.join("b.bin"), vec![7; 300_000]).expect("writable");
    dir
}

fn all(dir: &Path, runs: &[&[&str]]) -> String {
    runs.iter().map(|args| transcript(dir, args)).collect::<Vec<_>>().join("\n")
}

#[test]
fn help_pages() {
    let dir = workplace();
    insta::assert_snapshot!(all(
        dir.path(),
        &[
            &["--help"],
            &["burn", "--help"],
            &["info", "--help"],
            &["read", "--help"],
            &["image", "create", "--help"],
            &["image", "info", "--help"],
            &["image", "ls", "--help"],
            &["image", "cat", "--help"],
            &["image", "extract", "--help"],
            &["image", "check", "--help"],
            &["image", "diff", "--help"],
            &["disc", "new", "--help"],
            &["drives", "--help"],
            &["run", "--help"],
            &["vdrive", "--help"],
            &["vdrive", "serve", "--help"],
            &["vdrive", "run", "--help"],
            &["vdrive", "ctl", "--help"],
            &["vdrive", "ctl", "insert", "--help"],
            &["vdrive", "ctl", "eject", "--help"],
            &["vdrive", "ctl", "fault", "--help"],
            &["vdrive", "ctl", "trace", "--help"],
            &["vdrive", "ctl", "status", "--help"],
            &["completions", "--help"],
            &["man", "--help"],
            &["help", "exit-codes"],
        ]
    ));
}

#[test]
fn images_that_computers_start_from() {
    let dir = workplace();
    std::fs::create_dir(dir.path().join("efi")).expect("writable");
    std::fs::write(dir.path().join("efi/app"), [7; 999]).expect("writable");
    std::fs::write(dir.path().join("floppy.img"), vec![7; 1_474_560]).expect("writable");
    let wish = "image create photos -o x.iso --boot b.bin,info-table,load-segment=1000 \
                --boot floppy.img,outside,not-bootable --boot-manufacturer US --efi-folder efi \
                --partition-table mbr,gpt";
    let create: Vec<&str> = wish.split_whitespace().collect();
    let said = all(
        dir.path(),
        &[
            &["image", "create", "photos", "-o", "no.iso"],
            &["image", "info", "no.iso", "--boot"],
            &create,
            &["image", "info", "x.iso", "--boot"],
            &["image", "info", "x.iso", "--boot", "--json"],
            &["image", "create", "photos", "-o", "y.iso", "--boot-from", "x.iso"],
            &["image", "info", "y.iso", "--boot"],
            &["image", "create", "photos", "-o", "z.iso", "--boot-from", "no.iso"],
            &["image", "create", "photos", "-o", "z.iso", "--boot", "no/such"],
            &["image", "create", "photos", "-o", "z.iso", "--boot", "b.bin,hard-disk"],
            &["image", "create", "photos", "-o", "z.iso", "--boot", "b.bin,sideways"],
            &["image", "create", "photos", "-o", "z.iso", "--boot-catalog", "boot.cat"],
            &["image", "create", "photos", "-o", "z.iso", "--efi-folder", "floppy.img"],
        ],
    );
    // Which part of an image is written first is not the same each time.
    let said = said.lines().filter(|line| !line.contains('%')).collect::<Vec<_>>();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn volumes_for_a_medium() {
    let dir = workplace();
    let size = |more: &[&'static str]| {
        [&["image", "create", "photos", "-o", "x.iso", "--print-size"][..], more].concat()
    };
    let runs: Vec<Vec<&str>> = vec![
        size(&[]),
        size(&["--for", "cd-r"]),
        size(&["--for", "dvd+rw"]),
        size(&["--for", "bd-re"]),
        size(&["--for", "bd-re", "--fs", "udf"]),
        size(&["--for", "floppy"]),
        size(&["--fs", "udf", "--udf-partition", "vat"]),
        size(&["--fs", "udf", "--udf-partition", "sparable"]),
        size(&["--fs", "udf", "--udf-partition", "sparable", "--udf-revision", "1.02"]),
        size(&["--fs", "udf", "--udf-access", "overwritable", "--udf-size", "4096"]),
        size(&["--fs", "udf", "--udf-access", "overwritable", "--udf-size", "100"]),
        size(&["--fs", "udf,joliet", "--udf-access", "overwritable"]),
        size(&["--fs", "udf", "--udf-access", "sometimes"]),
    ];
    let runs: Vec<&[&str]> = runs.iter().map(Vec::as_slice).collect();
    insta::assert_snapshot!(all(dir.path(), &runs));
    assert!(!dir.path().join("x.iso").exists());
}

#[test]
fn a_burn_and_what_comes_after_it() {
    let dir = workplace();
    let runs: &[&[&str]] = &[
        &["burn", "photos", "--plan"],
        &["burn", "photos", "--drive", "virtual:dvd+r", "--disc", "x.disc", "--keep-open"],
        &["info", "--disc", "x.disc"],
        &["burn", "photos/a.txt", "--disc", "x.disc"],
        &["read", "--disc", "x.disc", "-o", "x.iso"],
        &["image", "ls", "x.iso"],
        &["image", "extract", "x.iso", "-d", "out"],
    ];
    // Owners and times of the test's files are the machine's.
    let text = all(dir.path(), runs);
    let listed = |line: &&str| !line.contains(" 300000 /") && !line.contains(" 6 /");
    // So is what tells the disc from others: the time of the folder is in its volume.
    let masked = |line: &str| {
        let mut ids = ["disc id     ", "! disc     "].into_iter();
        match ids.find_map(|what| Some((what, line.strip_prefix(what)?))) {
            Some((what, id)) => {
                assert!(id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{line}");
                format!("{what}ID")
            }
            None => line.to_owned(),
        }
    };
    let text: Vec<String> = text.lines().filter(listed).map(masked).collect();
    insta::assert_snapshot!(text.join("\n"));
    let back = std::fs::read(dir.path().join("out/a.txt")).expect("was unpacked");
    assert_eq!(back, b"hello\n");
}

#[test]
fn wrong_things_have_their_words_and_codes() {
    let dir = workplace();
    std::fs::write(dir.path().join("letter.disc"), "Dear Sir or Madam").expect("writable");
    insta::assert_snapshot!(all(
        dir.path(),
        &[
            &["brun", "photos"],
            &["burn"],
            &["burn", "no such file"],
            &["burn", "photos", "--drive", "virtual:bdr"],
            &["burn", "photos", "--drive", "/dev/no-such-drive"],
            &["burn", "photos", "--drive", "/dev/null"],
            &["burn", "photos", "--speed", "fast"],
            &["burn", "photos", "--disc", "letter.disc"],
            &["burn", "photos", "--drive", "/dev/sr0", "--disc", "x.disc"],
            &["info", "--disc", "missing.disc"],
            &["read", "--disc", "missing.disc", "-o", "x.iso"],
            &["read", "-o", "x.iso"],
            &["disc", "new", "bd-x", "y.disc"],
            &["disc", "new", "cd-r", "letter.disc"],
            &["image", "create", "photos", "-o", "no/such/folder/x.iso"],
            &["image", "create", "photos", "-o", "letter.disc"],
            &["image", "ls", "letter.disc"],
            &["run", "letter.disc"],
        ]
    ));
}

#[test]
fn wrong_words_about_lending_have_their_codes() {
    let dir = workplace();
    std::fs::write(dir.path().join("short"), "secret\n").expect("writable");
    let serve = |args: &[&'static str]| [&["vdrive", "serve"], args].concat();
    let ctl = |args: &[&'static str]| [&["vdrive", "ctl"], args].concat();
    let empty = ["--empty", "--listen", "127.0.0.1:0"];
    let runs = [
        serve(&[]),
        serve(&["--disc", "missing.disc"]),
        serve(&["--drive", "virtual:cd-r", "--drive", "virtual:bd-r", "--empty"]),
        serve(&["--drive", "/dev/sr0", "--empty"]),
        serve(&["--empty", "--listen", "192.0.2.1:3260"]),
        serve(&["--empty", "--listen", "localhost"]),
        serve(&[&empty[..], &["--iqn", "My Recorder"]].concat()),
        serve(&[&empty[..], &["--chap-user", "me"]].concat()),
        serve(&[&empty[..], &["--chap-user", "me", "--chap-secret-file", "none"]].concat()),
        serve(&[&empty[..], &["--chap-user", "me", "--chap-secret-file", "short"]].concat()),
        serve(&[&empty[..], &["--trace", "no/such/folder/x.trace"]].concat()),
        serve(&[&empty[..], &["--socket", "short"]].concat()),
        ctl(&["status"]),
        ctl(&["--socket", "missing.sock", "eject"]),
        ctl(&["fault", "melt"]),
        ctl(&["fault", "write-error", "all"]),
        ctl(&["fault", "hang"]),
        ctl(&["fault", "reset", "--at", "soon"]),
        ctl(&["fault", "reset", "--at", "1", "--now"]),
        ctl(&["insert", "a.disc", "--medium"]),
    ];
    let runs: Vec<&[&str]> = runs.iter().map(Vec::as_slice).collect();
    let said = all(dir.path(), &runs).replace(&dir.path().display().to_string(), "DIR");
    insta::assert_snapshot!(said);
}

#[test]
fn every_command_has_its_page_and_its_completions() {
    let dir = workplace();
    assert!(kiln(dir.path(), &["man", "-d", "man"]).status.success());
    for page in ["kiln-vdrive", "kiln-vdrive-serve", "kiln-vdrive-run", "kiln-vdrive-ctl-fault"] {
        let text = std::fs::read_to_string(dir.path().join(format!("man/{page}.1")));
        let name = page.replace('-', "\\-");
        assert!(text.expect(page).contains(&name), "{page}");
    }
    let script = String::from_utf8(kiln(dir.path(), &["completions", "bash"]).stdout);
    let script = script.expect("UTF-8");
    for word in ["pull-power", "--before-command", "--allow-remote"] {
        assert!(script.contains(word), "{word}");
    }
}

#[test]
fn a_closed_disc_is_refused_with_its_state() {
    let dir = workplace();
    insta::assert_snapshot!(all(
        dir.path(),
        &[
            &["disc", "new", "dvd-r", "z.disc"],
            &["burn", "photos", "--disc", "z.disc", "--verify", "none"],
            &["burn", "photos", "--disc", "z.disc"],
        ]
    ));
}

#[test]
fn images_are_reproducible_and_never_in_the_way() {
    let dir = workplace();
    let create = |out: &str| kiln(dir.path(), &["image", "create", "photos", "-o", out]);
    assert!(create("1.iso").status.success() && create("2.iso").status.success());
    let read = |name: &str| std::fs::read(dir.path().join(name)).expect("was made");
    assert_eq!(read("1.iso"), read("2.iso"));
    let again = create("1.iso");
    assert_eq!(again.status.code(), Some(11));
    assert_eq!(create("-").stdout, read("1.iso"));
}

#[test]
fn events_are_json_lines_of_version_1() {
    let dir = workplace();
    let done = kiln(dir.path(), &["burn", "photos", "--json"]);
    assert!(done.status.success());
    let text = String::from_utf8(done.stdout).expect("JSON is UTF-8");
    let mut names = Vec::new();
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        assert_eq!(value["v"], 1, "{line}");
        names.push(value["event"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!((names.first(), names.last()), (Some(&"plan".into()), Some(&"done".into())));
    assert!(names.contains(&"progress".to_owned()), "{names:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let dir = workplace();
    let program = env!("CARGO_BIN_EXE_kiln");
    let script = format!("{program} image create photos -o - | head -c 1 > /dev/null");
    let done = Command::new("sh").current_dir(dir.path()).args(["-c", &script]).output();
    let said = String::from_utf8(done.expect("there is a shell").stderr).expect("UTF-8");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn images_made_of_many_things() {
    let dir = workplace();
    std::fs::write(dir.path().join("a=b"), "x").expect("writable");
    std::fs::write(dir.path().join("patterns"), "*.bin\n").expect("writable");
    let made = |args: &str| {
        let words: Vec<&str> = args.split_whitespace().collect();
        let done = Command::new(env!("CARGO_BIN_EXE_kiln"))
            .current_dir(dir.path())
            .args(&words)
            .env("SOURCE_DATE_EPOCH", "1767225600")
            .stdin(std::fs::File::open(dir.path().join("photos/a.txt")).expect("there"))
            .output()
            .expect("the program is built with the test");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let said = said.lines().filter(|line| !line.contains('%'));
        let said = said.map(|line| format!("! {line}\n")).collect::<String>();
        format!("$ kiln {args}\n{said}exit {}\n", done.status.code().unwrap_or(-1))
    };
    // Owners and modes of the test's files are the machine's.
    let listed = |image: &str| {
        let done = kiln(dir.path(), &["image", "ls", image]);
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        let line = |line: &str| line.get(23..).unwrap_or(line).to_owned() + "\n";
        text.lines().map(line).collect::<String>()
    };
    let mut said = String::new();
    for (image, args) in [
        ("1", "photos docs/more/=photos/a.txt docs/in=photos docs/log=-"),
        ("2", "photos a=b /c=photos --exclude /a.txt --exclude-from patterns --include b.bin"),
        ("3", "photos =photos"),
        ("4", "photos /a.txt=photos/b.bin --overlay"),
        ("5", "photos /a.txt=photos/b.bin"),
        ("6", "-"),
        ("7", "a=- b=-"),
        ("8", "photos --exclude [z-a]"),
        ("9", "x=no/such"),
    ] {
        said += &made(&format!("image create {args} -o {image}.iso"));
        if dir.path().join(format!("{image}.iso")).exists() {
            said += &listed(&format!("{image}.iso"));
        }
    }
    insta::assert_snapshot!(said);
}

#[test]
fn images_are_checked_and_compared() {
    let dir = workplace();
    let shell = |script: &str| {
        let run = Command::new("sh").arg("-c").arg(script).current_dir(dir.path()).status();
        run.expect("there is a shell").success()
    };
    let program = env!("CARGO_BIN_EXE_kiln");
    assert!(shell(&format!(
        "{program} image create photos -o x.iso 2>/dev/null && cp x.iso y.iso"
    )));
    assert!(shell("printf '\\377' | dd of=y.iso bs=1 seek=32855 conv=notrunc 2>/dev/null"));
    assert_eq!(kiln(dir.path(), &["image", "check", "x.iso"]).status.code(), Some(0));
    let damaged = kiln(dir.path(), &["image", "check", "y.iso"]);
    assert_eq!(damaged.status.code(), Some(15));
    let text = String::from_utf8_lossy(&damaged.stdout).into_owned();
    assert!(text.contains("error: byte 32848") && text.contains("ECMA-119, 7.3.3"), "{text}");
    assert_eq!(kiln(dir.path(), &["image", "diff", "photos", "x.iso"]).status.code(), Some(0));
    std::fs::write(dir.path().join("photos/new"), "new").expect("the folder is writable");
    let differ = kiln(dir.path(), &["image", "diff", "x.iso", "photos", "--no-metadata"]);
    assert_eq!(differ.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&differ.stdout), "added    /new\n");
    let cat = kiln(dir.path(), &["image", "cat", "x.iso", "a.txt", "--offset", "2"]);
    assert_eq!(String::from_utf8_lossy(&cat.stdout), "llo\n");
}
