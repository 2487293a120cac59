//! `kiln vdrive serve` as a process beside the test.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vdrive::serve::control::Client;

/// `kiln` in a folder, where its sockets go too, with nothing in the environment that could change
/// what it does.
pub(crate) fn kiln(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kiln"));
    command.current_dir(dir).args(args);
    command.env("XDG_RUNTIME_DIR", dir).env("NO_COLOR", "1").env_remove("COLUMNS");
    command.env_remove("KILN_VDRIVE_SOCKET");
    command
}

pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    kiln(dir, args).output().expect("the program is built with the test")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A server that accepts connections.
pub(crate) struct Served {
    pub(crate) process: Child,
    pub(crate) urls: Vec<String>,
    pub(crate) socket: String,
    errors: BufReader<ChildStderr>,
}

/// Lends drives out at a free port, with these words, and waits for their URLs.
pub(crate) fn serve(dir: &Path, args: &[&str]) -> Served {
    let words = [&["vdrive", "serve", "--listen", "127.0.0.1:0"], args].concat();
    let drives = args.iter().filter(|arg| ["--disc", "--empty"].contains(*arg)).count();
    let mut process = kiln(dir, &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built with the test");
    let output = BufReader::new(process.stdout.take().expect("it was asked for"));
    let mut errors = BufReader::new(process.stderr.take().expect("it was asked for"));
    let urls: Vec<String> = output.lines().take(drives).map_while(Result::ok).collect();
    let mut line = String::new();
    errors.read_line(&mut line).expect("a pipe can be read");
    assert_eq!(urls.len(), drives, "{args:?}: {line}");
    let socket = line.trim_end().rsplit(' ').next().expect("a word").to_owned();
    Served { process, urls, socket, errors }
}

impl Served {
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("it runs");
    }

    /// Its exit code, and the last that it says.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let last = self.errors.by_ref().lines().map_while(Result::ok).last();
        let status = self.process.wait().expect("it was started here");
        (status.code(), last.unwrap_or_default())
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(Path::new(&self.socket)).expect("it listens")
    }

    /// What was said, less what differs from run to run.
    pub(crate) fn plain(&self, dir: &Path, said: &str) -> String {
        let port = self.urls[0].split([':', '/']).nth(4).expect("a port").to_owned();
        said.replace(&dir.display().to_string(), "DIR")
            .replace(&format!(":{port}/"), ":PORT/")
            .replace(&format!("process {}", self.process.id()), "process PID")
            .replace(&format!("/{}.sock", self.process.id()), "/PID.sock")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn workplace() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}
