//! Burns that end early, as the program's user meets them: killed, told to stop, stopped by the
//! interrupt key of a terminal. What the disc is then is stated, and can be read and added to.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// `kiln` in a folder, with nothing in the environment that could change what it does.
fn kiln(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiln"));
    command.current_dir(dir).args(args);
    command.env("SOURCE_DATE_EPOCH", "1767225600").env("NO_COLOR", "1");
    command
}

/// Runs it to its end, which has to be a good one.
fn done(dir: &Path, args: &[&str]) -> Output {
    let output = kiln(dir, args).output().expect("the program is built with the test");
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// 300 kB that no other part of an image looks like.
fn first() -> Vec<u8> {
    (0..75_000_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect()
}

/// A folder with a file that is recorded at once, one that takes long, and one behind it.
fn workplace() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let photos = dir.path().join("photos");
    std::fs::create_dir(&photos).expect("writable");
    std::fs::write(photos.join("a.bin"), first()).expect("writable");
    let long = std::fs::File::create(photos.join("m.bin")).expect("writable");
    long.set_len(2_000_000_000).expect("no space is taken");
    std::fs::write(photos.join("z.txt"), "last\n").expect("writable");
    std::fs::create_dir(dir.path().join("more")).expect("writable");
    std::fs::write(dir.path().join("more/new.txt"), "new\n").expect("writable");
    dir
}

/// A burn in the middle of the long file, and the rest of its events. It cannot come to its end
/// before they are read: the pipe holds few of them.
fn burning(dir: &Path) -> (Child, BufReader<ChildStdout>) {
    let args = ["burn", "photos", "--drive", "virtual:dvd+r", "--disc", "x.disc", "--json"];
    let mut child = kiln(dir, &args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program is built with the test");
    let pipe = child.stdout.take().expect("it was asked for");
    fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(4096)).expect("a page is the least");
    let mut events = BufReader::new(pipe);
    let far = |event: Value| event["stage"] == "write" && event["done"].as_u64() > Some(10_000);
    assert!(std::iter::from_fn(|| next(&mut events)).any(far), "it ended early");
    (child, events)
}

fn next(events: &mut BufReader<ChildStdout>) -> Option<Value> {
    let mut line = String::new();
    let bytes = events.read_line(&mut line).expect("a pipe can be read");
    (bytes > 0).then(|| serde_json::from_str(&line).expect("each line is JSON"))
}

/// The disc's user data, as `kiln read` gives it.
fn read(dir: &Path) -> Vec<u8> {
    done(dir, &["read", "--disc", "x.disc", "-o", "-"]).stdout
}

fn holds(image: &[u8], content: &[u8]) -> bool {
    image.chunks(2048).position(|block| content.starts_with(block)).is_some_and(|at| {
        image.get(at * 2048..).is_some_and(|from_there| from_there.starts_with(content))
    })
}

#[test]
fn what_a_killed_burn_has_recorded_can_be_read() {
    let dir = workplace();
    let (mut burn, events) = burning(dir.path());
    burn.kill().expect("it runs");
    let status = burn.wait().expect("it was killed");
    assert_eq!(status.code(), None, "it ended by itself");
    drop(events);
    let info = done(dir.path(), &["info", "--disc", "x.disc", "--json"]).stdout;
    let info: Value = serde_json::from_slice(&info).expect("JSON");
    assert_eq!(info["disc"]["state"]["state"], "open", "{info}");
    let image = read(dir.path());
    assert!(image.len() > 10_000 * 2048, "{} bytes", image.len());
    assert!(holds(&image, &first()));
}

/// The disc of a burn that was stopped: added to, it names what was never recorded, and keeps what
/// was.
fn add_to_it(dir: &Path) {
    let added = done(dir, &["burn", "more", "--disc", "x.disc", "--verify", "none"]);
    let words = said(&added);
    for lost in ["/m.bin", "/z.txt"] {
        let line = format!("{lost}: left out, it was not recorded to its end before");
        assert!(words.contains(&line), "{words}");
    }
    assert!(!words.contains("/a.bin: left out"), "{words}");
    let info = done(dir, &["info", "--disc", "x.disc", "--json"]).stdout;
    let info: Value = serde_json::from_slice(&info).expect("JSON");
    let tracks = info["disc"]["tracks"].as_array().expect("there are tracks");
    let session = tracks.last().expect("there are two")["start"].to_string();
    std::fs::write(dir.join("x.iso"), read(dir)).expect("writable");
    done(dir, &["image", "extract", "x.iso", "--session", &session, "-d", "out"]);
    let out = dir.join("out");
    assert!(std::fs::read(out.join("a.bin")).expect("was kept") == first());
    assert_eq!(std::fs::read(out.join("new.txt")).expect("was added"), b"new\n");
    assert!(!out.join("m.bin").exists() && !out.join("z.txt").exists());
}

#[test]
fn a_burn_that_is_told_to_stop_leaves_the_disc_in_the_stated_state() {
    let dir = workplace();
    let (mut burn, mut events) = burning(dir.path());
    let pid = Pid::from_raw(i32::try_from(burn.id()).expect("a process id"));
    kill(pid, Signal::SIGINT).expect("it runs");
    let last = std::iter::from_fn(|| next(&mut events)).last().expect("it says how it ends");
    assert_eq!(burn.wait().expect("it ended").code(), Some(130), "{last}");
    assert_eq!((&last["event"], &last["exit"]), (&"error".into(), &130.into()), "{last}");
    let text = last["text"].as_str().expect("it has words");
    let info = done(dir.path(), &["info", "--disc", "x.disc", "--json"]).stdout;
    let info: Value = serde_json::from_slice(&info).expect("JSON");
    let state = info["disc"]["state"]["text"].as_str().expect("it has words");
    assert!(format!("{text} {}", last["advice"]).contains(state), "{last}, and then {state}");
    add_to_it(dir.path());
}

/// Python's `pty.fork` gives the child a terminal of its own, whose interrupt key then works as it
/// does for a person: the program hears of it as SIGINT from its terminal.
const TERMINAL: &str = r#"
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said, pressed = b"", False
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    said += more
    if not pressed and b"writing" in said:
        pressed = True
        os.write(terminal, b"\x03")
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

#[test]
fn the_interrupt_key_of_a_terminal_ends_a_burn_the_same_way() {
    let dir = workplace();
    let long = std::fs::File::options().write(true).open(dir.path().join("photos/m.bin"));
    long.expect("it is there").set_len(20_000_000_000).expect("no space is taken");
    let output = Command::new("python3")
        .args(["-c", TERMINAL, env!("CARGO_BIN_EXE_kiln"), "burn", "photos"])
        .args(["--drive", "virtual:bd-r", "--disc", "x.disc", "--verify", "none"])
        .current_dir(dir.path())
        .env("SOURCE_DATE_EPOCH", "1767225600")
        .output()
        .expect("python3 is there, as scripts/ need it too");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(130), "{shown}{}", said(&output));
    let info = done(dir.path(), &["info", "--disc", "x.disc", "--json"]).stdout;
    let info: Value = serde_json::from_slice(&info).expect("JSON");
    let state = info["disc"]["state"]["text"].as_str().expect("it has words");
    assert!(shown.contains(state), "{shown}, and then {state}");
    let mut image = Vec::new();
    let mut reading = kiln(dir.path(), &["read", "--disc", "x.disc", "-o", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program is built with the test");
    // The file that takes long is of no interest.
    let start = reading.stdout.take().expect("it was asked for").take(4 << 20);
    { start }.read_to_end(&mut image).expect("a pipe can be read");
    reading.wait().expect("it ends once nobody reads");
    assert!(holds(&image, &first()));
}
