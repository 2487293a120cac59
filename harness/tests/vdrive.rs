//! Drives lent by the program, as processes beside each other: what is said, how they end, and that
//! the discs hold what was written whatever the end.

#[path = "vdrive/hostile.rs"]
mod hostile;
#[path = "vdrive/initiator.rs"]
mod initiator;
#[path = "vdrive/served.rs"]
mod served;

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::Path;

use initiator::Initiator;
use nix::sys::signal::Signal;
use served::{kiln, run, serve, text, workplace};
use vdrive::serve::control::Action;

/// Command, exit code and both streams.
fn transcript(dir: &Path, args: &[&str]) -> String {
    let done = run(dir, args);
    let mut out = format!("$ kiln {}\n{}", args.join(" "), text(&done.stdout));
    for line in text(&done.stderr).lines() {
        out += &format!("! {line}\n");
    }
    out + &format!("exit {}\n", done.status.code().unwrap_or(-1))
}

const DISC: [&str; 4] = ["--drive", "virtual:dvd+r", "--disc", "a.disc"];

/// Figures of the drive's inside, which are no interface.
fn steady(line: &str) -> String {
    let figures = ["time  ", "commands  ", "used by  ", "! before command "];
    let figure = figures.iter().find(|name| line.starts_with(**name));
    figure.map_or(line.to_owned(), |name| format!("{name} ..."))
}

#[test]
fn discs_and_power_are_changed_by_hand() {
    let (dir, other) = (workplace(), workplace());
    let served = serve(dir.path(), &[&DISC[..], &["--empty"]].concat());
    let ctl = |args: &[&str]| {
        let said = transcript(dir.path(), &[&["vdrive", "ctl"], args].concat());
        served.plain(dir.path(), &said)
    };
    let runs: &[&[&str]] = &[
        &["status"],
        &["insert", "b.disc"],
        &["eject"],
        &["insert", "b.disc"],
        &["insert", "b.disc", "--medium", "bd-re"],
        &["--lun", "1", "insert", "b.disc"],
        &["--lun", "1", "insert", "c.disc", "--medium", "bd-x"],
        &["--lun", "2", "plug"],
        &["pull-power"],
        &["fault", "write-error", "5000+16"],
        &["fault", "hang", "2.5", "--before-command", "1000000"],
        &["fault", "medium-removed", "--at", "0.5"],
        &["trace", "b.disc"],
        &["trace", "all.trace"],
        &["status"],
        &["heal"],
        &["trace", "off"],
        &["plug"],
        &["eject", "--force"],
        &["status"],
    ];
    let said: Vec<String> = runs.iter().map(|args| ctl(args)).collect();
    let said: Vec<String> = said.join("\n").lines().map(steady).collect();
    insta::assert_snapshot!(said.join("\n"));
    // From elsewhere, too, with the socket named.
    let done = run(other.path(), &["vdrive", "ctl", "--socket", &served.socket, "status"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
}

#[test]
fn the_state_is_json() {
    let dir = workplace();
    let served = serve(dir.path(), &DISC);
    let done = run(dir.path(), &["vdrive", "ctl", "status", "--json"]);
    let said = served.plain(dir.path(), &text(&done.stdout));
    let mut value: serde_json::Value =
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    assert_eq!(value["pid"], served.process.id());
    value["pid"] = "...".into();
    let unit = &mut value["luns"][0];
    for figure in ["commands", "time_ms", "initiators"] {
        assert!(!unit[figure].is_null());
        unit[figure] = "...".into();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&value).expect("JSON"));
}

#[test]
fn one_server_is_found_and_of_two_one_must_be_named() {
    let dir = workplace();
    let first = serve(dir.path(), &DISC);
    let second = serve(dir.path(), &["--empty"]);
    let status = |args: &[&str]| run(dir.path(), &[&["vdrive", "ctl"], args].concat());
    let which = status(&["status"]);
    let said = text(&which.stderr);
    assert_eq!(which.status.code(), Some(2), "{said}");
    assert!(said.starts_with("kiln: 2 servers are running\n"), "{said}");
    assert!(said.contains(&format!("{}  {}", first.socket, dir.path().display())), "{said}");
    assert!(said.contains(&format!("{}  bd-desktop without a disc", second.socket)), "{said}");
    assert!(status(&["--socket", &second.socket, "status"]).status.success());
    let named = kiln(dir.path(), &["vdrive", "ctl", "status"])
        .env("KILN_VDRIVE_SOCKET", &first.socket)
        .output();
    assert!(named.expect("it runs").status.success());
    // A server that is killed leaves its socket, which then goes.
    second.signal(Signal::SIGKILL);
    let left = second.socket.clone();
    assert_eq!(second.end().0, None);
    assert!(Path::new(&left).exists());
    assert!(status(&["status"]).status.success());
    assert!(!Path::new(&left).exists());
    first.signal(Signal::SIGTERM);
    let left = first.socket.clone();
    assert_eq!(first.end().0, Some(0));
    assert!(!Path::new(&left).exists());
    let nobody = status(&["status"]);
    assert_eq!(nobody.status.code(), Some(4), "{}", text(&nobody.stderr));
}

#[test]
fn what_is_taken_is_refused() {
    let dir = workplace();
    let served = serve(dir.path(), &DISC);
    let port = served.urls[0].split('/').nth(2).expect("host and port").to_owned();
    let runs: &[&[&str]] = &[
        &["vdrive", "serve", "--disc", "a.disc", "--listen", "127.0.0.1:0"],
        &["vdrive", "serve", "--drive", "virtual:cd-r", "--disc", "b.disc", "--listen", &port],
        &[
            &["vdrive", "serve", "--drive", "virtual:cd-r", "--disc", "b.disc"][..],
            &["--listen", "127.0.0.1:0", "--socket", &served.socket],
        ]
        .concat(),
        &["vdrive", "serve", "--empty", "--listen", "127.0.0.1:0", "--trace", "a.disc"],
    ];
    let said: Vec<String> = runs.iter().map(|args| transcript(dir.path(), args)).collect();
    let said = served.plain(dir.path(), &said.join("\n"));
    let port = port.rsplit(':').next().expect("a port");
    insta::assert_snapshot!(said.replace(&format!(":{port}"), ":PORT"));
    assert!(!dir.path().join("b.disc").exists(), "a disc for a server that never was");
    drop(served);
    assert!(run(dir.path(), &["info", "--disc", "a.disc"]).status.success());
}

#[test]
fn each_signal_ends_it_in_order() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let dir = workplace();
        let served = serve(dir.path(), &[&DISC[..], &["--trace", "a.trace", "--pace"]].concat());
        let mut initiator = Initiator::login(&served.urls[0]);
        initiator.ready();
        // One that holds on to its connection does not keep the server from its end.
        let mut client = served.client();
        client.status().expect("it answers");
        served.signal(signal);
        let end = (Some(0), "ended; the discs hold what was written to them".to_owned());
        assert_eq!(served.end(), end, "{signal}");
        let trace = std::fs::read_to_string(dir.path().join("a.trace")).expect("was written");
        assert!(trace.contains("TEST UNIT READY"), "{trace}");
        assert!(client.act(0, Action::Plug {}).is_err() && initiator.ready_fails());
    }
}

/// A client in the middle of a line, one that reads none of its answers, one that never says what
/// it is, one that says nonsense: the others are served, and the server ends when it is told to.
#[test]
fn clients_that_misbehave_hold_up_nobody() {
    let dir = workplace();
    let served = serve(dir.path(), &DISC);
    let say = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(&served.socket).expect("it listens");
        stream.write_all(bytes).expect("it listens");
        stream
    };
    let _half = say(b"kiln-control 1\n{\"do\":{\"eject\":");
    let _silent = say(b"");
    let _nonsense = say(b"kiln-control 1\n\0\xff\n");
    let _unknown = say(&[b'x'; 4096]);
    let deaf = say(b"kiln-control 1\n");
    deaf.set_nonblocking(true).expect("a socket");
    let ask = "{\"do\":{\"status\":{}}}\n".repeat(1000);
    // Until both directions are full, or the server has given it up.
    while (&deaf).write(ask.as_bytes()).is_ok() {}
    let mut client = served.client();
    for _ in 0..100 {
        let status = client.status().expect("it answers");
        assert!(status.luns[0].disc.is_some(), "half a line was carried out");
    }
    served.signal(Signal::SIGTERM);
    assert_eq!(served.end().0, Some(0));
}

/// The content of block `number`.
fn block(number: u32) -> [u8; 2048] {
    let mut block = [0; 2048];
    for (word, out) in (0..).zip(block.chunks_exact_mut(4)) {
        out.copy_from_slice(&(number << 9 | word).wrapping_mul(0x9e37_79b9).to_be_bytes());
    }
    block
}

/// Writes from block 0 on, four at a time, until the server is gone; says each time how far it is.
fn write_for_ever(url: &str, far: &std::sync::mpsc::Sender<u32>) {
    let mut initiator = Initiator::login(url);
    initiator.ready();
    for at in (0..).step_by(4) {
        let data: Vec<u8> = (at..at + 4).flat_map(block).collect();
        if initiator.write(at, &data).is_err() || far.send(at + 4).is_err() {
            return;
        }
    }
}

/// Has blocks written to `a.disc` and ends the server by this signal in the middle of it: its exit
/// code, and how many blocks it had taken.
fn written_until(dir: &Path, signal: Signal) -> (Option<i32>, u32) {
    let served = serve(dir, &DISC);
    let (far, written) = std::sync::mpsc::channel();
    let url = served.urls[0].clone();
    let writer = std::thread::spawn(move || write_for_ever(&url, &far));
    let (mut taken, mut signalled) = (0, false);
    for blocks in written {
        taken = blocks;
        if taken > 4_000 && !signalled {
            served.signal(signal);
            signalled = true;
        }
    }
    writer.join().expect("it ends in order");
    assert!(signalled, "the writer ended early");
    (served.end().0, taken)
}

/// The disc's user data.
fn read(dir: &Path) -> Vec<u8> {
    let done = run(dir, &["read", "--disc", "a.disc", "-o", "-"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    done.stdout
}

/// How many blocks of the disc are as they were written.
fn right(data: &[u8]) -> u32 {
    let blocks = data.as_chunks::<2048>().0.iter().zip(0..);
    blocks.take_while(|(found, number)| **found == block(*number)).count() as u32
}

#[test]
fn a_server_that_is_told_to_end_records_what_it_has_taken() {
    let dir = workplace();
    let (code, taken) = written_until(dir.path(), Signal::SIGTERM);
    assert_eq!(code, Some(0));
    let right = right(&read(dir.path()));
    assert!(right >= taken, "{taken} blocks were taken, and {right} are on the disc");
}

#[test]
fn a_server_that_is_killed_leaves_a_sound_disc_that_can_be_lent_again() {
    let dir = workplace();
    let (code, taken) = written_until(dir.path(), Signal::SIGKILL);
    assert_eq!(code, None);
    let data = read(dir.path());
    let right = right(&data);
    // What was in the drive's buffer of two megabytes at most is lost, as with a power cut.
    assert!(right + 1024 >= taken && right as usize == data.len() / 2048, "{right} of {taken}");
    let again = serve(dir.path(), &["--disc", "a.disc"]);
    let status = again.client().status().expect("it answers");
    let disc = status.luns[0].disc.as_ref().expect("it was put in");
    assert_eq!((disc.state.as_str(), disc.recorded_blocks), ("open", u64::from(right)));
}

#[test]
fn two_drives_are_used_at_the_same_time() {
    let dir = workplace();
    let both = ["--drive", "virtual:dvd+r", "--drive", "virtual:bd-r", "--disc", "a.disc"];
    let served = serve(dir.path(), &[&both[..], &["--disc", "b.disc"]].concat());
    let threads = served.urls.clone().into_iter().zip([0, 10_000]).map(|(url, tag)| {
        std::thread::spawn(move || {
            let mut initiator = Initiator::login(&url);
            initiator.ready();
            for at in (0..640).step_by(4) {
                let data: Vec<u8> = (at..at + 4).flat_map(|n| block(tag + n)).collect();
                initiator.write(at, &data).expect("it is written");
            }
            // SYNCHRONIZE CACHE, then what is there.
            assert_eq!(initiator.execute(&[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[], 0)?.status, 0);
            initiator.execute(&[0x28, 0, 0, 0, 2, 0, 0, 0, 4, 0], &[], 8192)
        })
    });
    let threads: Vec<_> = threads.collect();
    for (thread, tag) in threads.into_iter().zip([0, 10_000]) {
        let done = thread.join().expect("no panic").expect("an answer");
        let want: Vec<u8> = (512..516).flat_map(|n| block(tag + n)).collect();
        assert!(done.status == 0 && done.data == want, "status {}", done.status);
    }
    let found = served.client().status().expect("it answers");
    let kinds: Vec<_> =
        found.luns.iter().filter_map(|lun| Some(lun.disc.as_ref()?.medium.as_str())).collect();
    assert_eq!(kinds, ["dvd+r", "bd-r"]);
}
