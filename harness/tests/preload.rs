//! Programs of others at a lent drive: what the preload library shows them, end to end. Programs
//! that are not installed are left out, with a line that begins with SKIP.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The library, built now if it is not.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let kiln = Path::new(env!("CARGO_BIN_EXE_kiln"));
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--package", "kiln-preload"]);
        if kiln.parent().is_some_and(|folder| folder.ends_with("release")) {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "the library builds");
        kiln.with_file_name("libkiln_preload.so")
    })
}

fn run(lend: &[&str], program: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiln"));
    command.args(["vdrive", "run"]).args(lend).arg("--").args(program);
    command.env("KILN_PRELOAD", library()).env_remove("KILN_VDRIVE_SOCKET");
    command.output().expect("kiln runs")
}

/// The output of a program that must succeed.
fn succeeds(lend: &[&str], program: &[&str]) -> String {
    let output = run(lend, program);
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program:?}: {}\n{out}\n{err}", output.status);
    out.into_owned()
}

fn missing(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&folders).any(|folder| folder.join(program).is_file());
    if !there {
        println!("SKIP {program} is not installed");
    }
    !there
}

/// A folder with an image, and a DVD+R that holds it.
fn written() -> Option<(tempfile::TempDir, String)> {
    written_on("virtual:dvd+r")
}

/// A folder with an image, and a disc that holds it, as this drive gets it.
fn written_on(address: &str) -> Option<(tempfile::TempDir, String)> {
    if missing("xorriso") {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("file"), vec![0x5a; 700_000]).expect("writable");
    let image = path("image.iso");
    let made = Command::new("xorriso")
        .args(["-as", "mkisofs", "-quiet", "-o", &image, &path("file")])
        .output()
        .expect("xorriso runs");
    assert!(made.status.success());
    let disc = path("new.disc");
    let lend = ["--drive", address, "--disc", &disc];
    succeeds(&lend, &["xorriso", "-as", "cdrecord", "-v", "dev=/dev/sr0", &image]);
    Some((folder, disc))
}

#[test]
fn a_disc_burned_by_xorriso_reads_back_through_the_node() {
    let Some((folder, disc)) = written() else { return };
    let back = folder.path().join("back");
    let to = format!("of={}", back.display());
    succeeds(&["--disc", &disc], &["dd", "if=/dev/sr0", &to, "bs=64k", "status=none"]);
    let image = std::fs::read(folder.path().join("image.iso")).expect("it was burned");
    let read = std::fs::read(back).expect("dd wrote it");
    assert!(read.starts_with(&image), "{} bytes of {}", read.len(), image.len());
    if !missing("sg_inq") {
        let text = succeeds(&["--disc", &disc], &["sg_inq", "/dev/sg0"]);
        assert!(text.contains("Vendor identification: KILN"), "{text}");
    }
    if !missing("stat") {
        let text =
            succeeds(&["--disc", &disc], &["stat", "-c", "%F %t:%T", "/dev/sr0", "/dev/sg0"]);
        assert_eq!(text, "block special file b:0\ncharacter special file 15:0\n");
    }
    if !missing("blockdev") {
        let text = succeeds(&["--disc", &disc], &["blockdev", "--getsize64", "/dev/sr0"]);
        assert_eq!(text.trim().parse(), Ok(read.len()));
    }
    if !missing("eject") {
        succeeds(&["--disc", &disc], &["eject", "/dev/sr0"]);
    }
}

#[test]
fn a_program_finds_what_linux_shows() {
    if missing("python3") {
        return;
    }
    let Some((_folder, disc)) = written() else { return };
    for script in [include_str!("preload/client.py"), include_str!("preload/calls.py")] {
        assert_eq!(succeeds(&["--disc", &disc], &["python3", "-c", script]), "all is well\n");
    }
}

#[test]
fn each_ioctl_answers_as_linux_answers() {
    if missing("python3") {
        return;
    }
    let scripts = [
        ("virtual:dvd+r", include_str!("preload/ioctls.py")),
        ("virtual:cd-r", include_str!("preload/cd.py")),
    ];
    for (address, script) in scripts {
        let Some((_folder, disc)) = written_on(address) else { return };
        assert_eq!(succeeds(&["--disc", &disc], &["python3", "-c", script]), "all is well\n");
    }
}

#[test]
fn a_drive_in_real_time_answers_when_it_is_due() {
    if missing("python3") {
        return;
    }
    let Some((_folder, disc)) = written() else { return };
    let script = include_str!("preload/pace.py");
    let lend = ["--pace", "--disc", &disc];
    assert_eq!(succeeds(&lend, &["python3", "-c", script]), "all is well\n");
}

#[test]
fn programs_that_look_for_drives_find_each_once() {
    let Some((folder, disc)) = written() else { return };
    let text = |program: &[&str]| {
        let output = run(&["--disc", &disc], program);
        let said = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&said).into_owned()
    };
    let finds: [(&[&str], &str, usize); 8] = [
        (&["wodim", "-scanbus"], "'KILN", 1),
        (&["wodim", "--devices"], "'KILN", 1),
        (&["xorriso", "-devices"], "-dev '/dev/sr0'", 1),
        (&["cdrskin", "--devices"], "dev='/dev/sr0'", 1),
        (&["lsscsi", "-g"], "/dev/sr0   /dev/sg0", 1),
        (&["lsscsi", "-H"], "[0]    kiln", 1),
        (&["sg_map26", "/dev/sg0"], "/dev/sr0", 1),
        (&["sg_map", "-sr"], "/dev/sg0  /dev/sr0", 1),
    ];
    for (program, words, count) in finds {
        if !missing(program[0]) {
            let text = text(program);
            assert_eq!(text.matches(words).count(), count, "{program:?}\n{text}");
        }
    }
    if !missing("safecopy") {
        let back = folder.path().join("back").display().to_string();
        text(&["safecopy", "/dev/sr0", &back]);
        let image = std::fs::read(folder.path().join("image.iso")).expect("it was burned");
        let read = std::fs::read(back).expect("safecopy wrote it");
        assert!(read.starts_with(&image), "{} bytes of {}", read.len(), image.len());
    }
}

#[test]
fn exit_codes_and_signals_pass_through() {
    let code = |program: &[&str]| run(&["--empty"], program).status.code();
    assert_eq!(code(&["sh", "-c", "exit 7"]), Some(7));
    assert_eq!(code(&["sh", "-c", "kill -TERM $$"]), Some(143));
    let text = succeeds(&["--empty"], &["sh", "-c", "test -b /dev/sr0; echo $? $LD_PRELOAD"]);
    assert!(text.starts_with("0 ") && text.contains("libkiln_preload.so"), "{text}");
    let output = run(&["--empty"], &["no-such-program-anywhere"]);
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("there is no program no-such-program-anywhere in PATH"), "{words}");
}
