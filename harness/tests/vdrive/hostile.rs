//! Clients that mean harm, at every socket of a server in a process of its own: it neither crashes
//! nor hangs nor grows, its other clients are served, and no file is reached but those given.
//!
//! Times here only guard against waiting for ever.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use vdrive::serve::control::{Action, Client};

use super::initiator::Initiator;
use super::served::{Served, run, serve, text, workplace};

/// Nothing here takes so long.
const GUARD: Duration = Duration::from_secs(60);

const DISC: [&str; 4] = ["--drive", "virtual:dvd-ram", "--disc", "a.disc"];

/// What all clients of one test together may cost a server, in KiB.
const ROOM: u64 = 96 << 10;

/// A number out of `/proc/PID/status`.
fn figure(served: &Served, name: &str) -> u64 {
    let path = format!("/proc/{}/status", served.process.id());
    let status = fs::read_to_string(path).expect("the server lives");
    let line = status.lines().find(|line| line.starts_with(name)).expect("Linux says so");
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).expect("a number")
}

/// What a server costs before anybody misbehaves.
struct Costs {
    kib: u64,
    threads: u64,
}

impl Costs {
    fn of(served: &Served) -> Costs {
        Costs { kib: figure(served, "VmRSS:"), threads: figure(served, "Threads:") }
    }

    /// Whether the server has not grown beyond bounds, serves the others, and ends when told to.
    fn check(self, served: Served) {
        serves(&served);
        let (kib, threads) = (figure(&served, "VmHWM:"), figure(&served, "Threads:"));
        assert!(kib < self.kib + ROOM, "{} KiB became {kib} KiB at most", self.kib);
        assert!(threads < self.threads + 400, "{} threads became {threads}", self.threads);
        served.signal(Signal::SIGTERM);
        assert_eq!(served.end().0, Some(0));
    }
}

/// A decent client of each socket gets what it asks for.
fn serves(served: &Served) {
    let mut initiator = Initiator::login(&served.urls[0]);
    initiator.ready();
    initiator.write(16, &[7; 4096]).expect("it is written");
    let read = initiator.execute(&[0x28, 0, 0, 0, 0, 16, 0, 0, 2, 0], &[], 4096);
    assert!(read.is_ok_and(|done| done.data == [7; 4096]));
    assert!(served.client().status().expect("it answers").luns[0].disc.is_some());
    assert_eq!(shim(served).map(|drives| drives.0), Some(1));
}

/// What a preloaded program begins with: how many drives are there? And the connection.
fn shim(served: &Served) -> Option<(u8, UnixStream)> {
    let mut stream = UnixStream::connect(&served.socket).ok()?;
    stream.set_read_timeout(Some(GUARD)).ok()?;
    let mut count = [0; 64];
    count[0] = 9;
    stream.write_all(&[&b"kiln-scsi 1\n"[..], &count[..]].concat()).ok()?;
    let mut reply = [0; 128];
    stream.read_exact(&mut reply).ok()?;
    Some((reply[0], stream))
}

fn tcp(served: &Served) -> TcpStream {
    let place = served.urls[0].split('/').nth(2).expect("host and port");
    let stream = TcpStream::connect(place).expect("it listens");
    stream.set_read_timeout(Some(GUARD)).expect("a socket");
    stream.set_write_timeout(Some(GUARD)).expect("a socket");
    stream
}

fn unix(served: &Served) -> UnixStream {
    let stream = UnixStream::connect(&served.socket).expect("it listens");
    stream.set_read_timeout(Some(GUARD)).expect("a socket");
    stream.set_write_timeout(Some(GUARD)).expect("a socket");
    stream
}

/// Bytes that mean nothing.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// Reads what comes until the other side has had enough; how much it was.
fn to_the_end(mut stream: impl Read) -> usize {
    let (mut room, mut all) = ([0; 4096], 0);
    loop {
        match stream.read(&mut room) {
            Ok(0) => return all,
            Ok(count) => all += count,
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return all,
            Err(error) => panic!("the server neither answers nor closes: {error}"),
        }
    }
}

#[test]
fn noise_and_giant_lengths_end_their_connection() {
    let dir = workplace();
    let served = serve(dir.path(), &DISC);
    let costs = Costs::of(&served);
    // A login whose text is said to have 16 MiB; a first line of the other socket.
    let mut giant = [0; 48];
    (giant[0], giant[1], giant[4]) = (0x43, 0x87, 0xff);
    giant[5..8].fill(0xff);
    let mut long = [0xff; 64];
    (long[0], long[1]) = (5, 1);
    let frames = [&b"kiln-scsi 1\n"[..], &long[..]].concat();
    let endless = [&b"kiln-control 1\n"[..], &[b'{'; 1 << 17][..]].concat();
    for round in 0..40 {
        let wild = noise(round, 20_000);
        for bytes in [&wild[..], &giant, b"kiln-control 1\n{\"do\":{\"pull-power\":{}}}\n"] {
            let mut stream = tcp(&served);
            // It may have had enough before all is sent.
            let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
            to_the_end(&stream);
        }
        let line = [&b"kiln-scsi 1\n"[..], &wild[..]].concat();
        for bytes in [&wild[..], &frames, &line, &endless] {
            let mut stream = unix(&served);
            let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
            to_the_end(&stream);
        }
    }
    costs.check(served);
}

/// Those who connect and say nothing, or half a word: more than there are places.
#[test]
fn who_does_nothing_keeps_nobody_out() {
    let dir = workplace();
    let served = serve(dir.path(), &DISC);
    let costs = Costs::of(&served);
    let mut silent = Vec::new();
    let mut idle = Vec::new();
    for n in 0..300 {
        if n < 200 {
            let mut stream = tcp(&served);
            // The beginning of a login, whose rest never comes. It may have to give way already.
            let _ = stream.write_all(&[0x43, 0x87][..n % 3]);
            silent.push(stream);
        }
        let mut hand = unix(&served);
        let _ = hand.write_all(b"kiln-control 1\n");
        idle.push(hand);
    }
    costs.check(served);
    drop((silent, idle));
}

/// A program with more open files than there are places leaves one for a hand.
#[test]
fn programs_leave_a_place_for_a_hand() {
    let dir = workplace();
    let served = serve(dir.path(), &DISC);
    let files: Vec<_> = (0..260).map_while(|_| shim(&served)).collect();
    assert!(files.len() > 200, "{} programs at a time", files.len());
    assert!(files.len() < 256, "all places are taken");
    for _ in 0..40 {
        served.client().status().expect("it answers");
    }
    drop(files);
    Costs::of(&served).check(served);
}

#[test]
fn who_reads_no_answers_is_not_kept_in_memory() {
    let dir = workplace();
    let served = serve(dir.path(), &DISC);
    serves(&served);
    let costs = Costs::of(&served);
    let deaf: Vec<Initiator> = (0..12)
        .map(|_| {
            let mut deaf = Initiator::login(&served.urls[0]);
            // READ (10) of a MiB each, as many as the target's window has room for.
            for _ in 0..64 {
                let read = [0x28, 0, 0, 0, 0, 0, 0, 2, 0, 0];
                deaf.ask(&read, &[], 1 << 20).expect("the target listens");
            }
            deaf
        })
        .collect();
    serves(&served);
    costs.check(served);
    drop(deaf);
}

#[test]
fn floods_of_logins_and_of_half_written_data_leave_nothing() {
    let dir = workplace();
    let served = serve(dir.path(), &DISC);
    serves(&served);
    let costs = Costs::of(&served);
    let write = [0x2a, 0, 0, 0, 0, 0, 0, 0, 32, 0];
    for n in 0..300 {
        let mut one = Initiator::login(&served.urls[0]);
        match n % 3 {
            // In the middle of its data: 64 KiB are announced, and 2048 bytes come.
            0 => one.begin(&write, &[1; 2048], 1 << 16).expect("the target listens"),
            // In the middle of a unit.
            1 => one.cut_off().expect("the target listens"),
            _ => {}
        }
    }
    costs.check(served);
}

/// Resets without end: the others are told, and get on.
#[test]
fn a_storm_of_resets_holds_up_nobody() {
    let dir = workplace();
    let served = serve(dir.path(), &DISC);
    let costs = Costs::of(&served);
    let url = served.urls[0].clone();
    let storm = std::thread::spawn(move || {
        let mut one = Initiator::login(&url);
        (0..3000).filter(|n| one.reset(if n % 2 == 0 { 5 } else { 6 }).is_err()).count()
    });
    let mut told = 0;
    let mut other = Initiator::login(&served.urls[0]);
    while !storm.is_finished() {
        let done = other.execute(&[0; 6], &[], 0).expect("it answers");
        // 6/29: a reset.
        told += u32::from(done.sense.get(2..13).is_some_and(|s| s[0] == 6 && s[10] == 0x29));
    }
    assert_eq!(storm.join().expect("no panic"), 0, "each is answered");
    assert!(told > 0, "nobody was told of a reset");
    costs.check(served);
}

#[test]
fn nothing_but_a_disc_file_is_put_into_a_drive() {
    let dir = workplace();
    let served = serve(dir.path(), &["--empty"]);
    let at = |name: &str| dir.path().join(name);
    fs::write(at("secret"), "not a disc").expect("a folder for the test");
    symlink("/dev/zero", at("zero")).expect("a folder for the test");
    symlink("loop", at("loop")).expect("a folder for the test");
    let pipe = nix::unistd::mkfifo(&at("pipe"), nix::sys::stat::Mode::S_IRWXU);
    pipe.expect("a folder for the test");
    let mut client = served.client();
    for name in ["secret", "zero", "loop", "pipe", "folder/../secret", "."] {
        for medium in [None, Some("bd-r".to_owned())] {
            let file = at(name).display().to_string();
            let refused = client.act(0, Action::Insert { file, medium });
            assert!(refused.is_err(), "{name}: {refused:?}");
        }
    }
    let file = "../../../../etc/passwd".to_owned();
    assert!(client.act(0, Action::Insert { file, medium: None }).is_err());
    assert_eq!(fs::read_to_string(at("secret")).expect("it is there"), "not a disc");
    assert!(client.status().expect("it answers").luns[0].disc.is_none());
}

/// The local socket is its owner's alone, wherever it lies.
#[test]
fn another_user_reaches_no_drive() {
    let dir = workplace();
    let everybody = |mode| PermissionsExt::from_mode(mode);
    fs::set_permissions(dir.path(), everybody(0o755)).expect("it is the test's");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    let own = serve(dir.path(), &["--empty"]);
    assert_eq!(mode(Path::new(&own.socket)), 0o600);
    assert_eq!(mode(Path::new(&own.socket).parent().expect("a folder")), 0o700);
    drop(own);
    let open = dir.path().join("open.sock");
    let open = open.to_str().expect("UTF-8");
    let served = serve(dir.path(), &["--empty", "--socket", open]);
    assert_eq!((mode(Path::new(open)), served.socket.as_str()), (0o600, open));
    assert_eq!(mode(Path::new(&format!("{open}.d"))), 0o700);
    assert!(Client::connect(Path::new(open)).is_ok());
    // Only who may be anybody can try it.
    if fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0) {
        let mut command = std::process::Command::new("python3");
        std::os::unix::process::CommandExt::uid(&mut command, 65_534);
        let tries = "import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])";
        let tried = command.current_dir("/").args(["-c", tries, open]).output();
        let said = text(&tried.expect("python3 is there").stderr);
        assert!(said.contains("PermissionError"), "{said}");
    }
    assert!(run(dir.path(), &["vdrive", "ctl", "--socket", open, "status"]).status.success());
}
