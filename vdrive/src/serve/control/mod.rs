//! The control protocol: what hands do to a drive that is lent, and a look at it.
//!
//! It is spoken on the server's local socket. The client's first line is `kiln-control 1`. Then
//! each line of the client is a JSON object that asks for one thing ([`Request`]), and the server
//! answers each, in order, with one line that is a JSON object ([`Answer`]). Lines end with a line
//! feed and are UTF-8; a client's may have 65 536 bytes. A client that says nothing for ten minutes
//! is given up; where there are too many, the one that has been quiet for longest, at once.
//!
//! ```text
//! > kiln-control 1
//! > {"do":{"status":{}}}
//! < {"status":{"v":1,"pid":4711,"luns":[{"lun":0,"power":true, ...}], ...}}
//! > {"lun":0,"do":{"eject":{}}}
//! < {"done":{"text":"/home/me/a.disc is out of the drive"}}
//! > {"do":{"insert":{"file":"/home/me/b.disc","medium":"bd-r"}}}
//! < {"done":{"text":"/home/me/b.disc is in the drive, a blank bd-r"}}
//! > {"do":{"fault":{"what":{"write-error":{"lba":5000,"blocks":16}},"when":{"ms":12500}}}}
//! < {"done":{"text":"..."}}
//! > {"do":{"eject":{}},"lun":9}
//! < {"error":{"kind":"drive","text":"there is no logical unit 9","advice":["..."]}}
//! ```
//!
//! Fields may be added to answers under the same version, and none changes its meaning; what is not
//! known in a request is an error. After a line that is too long or no JSON object, and after a
//! first line of another version, the server says so and ends the connection.
//!
//! Whoever may open the socket may do all this, so it lies in a folder of its owner alone. Nothing
//! that comes on it makes the server crash, wait for ever, or grow: lines, faults and scratches are
//! counted, and only plain files are opened.

mod carry;
#[cfg(unix)]
mod client;
#[doc(hidden)]
pub mod fuzzing;
mod message;
mod shelf;
mod status;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read, Write};

#[cfg(unix)]
pub use client::{Client, ClientError};
pub use message::{Action, Answer, Problem, Request, Stretch, What, When};
pub use status::{Busy, DiscStatus, LunStatus, Status};

use self::shelf::{Files, Shelf};
use super::Server;

/// A client's first line, without its end.
pub const HELLO: &str = "kiln-control 1";

/// The longest line of a client, in bytes.
const LONGEST: u64 = 65_536;

/// A client that says nothing for so long, or does not read its answers, is given up.
#[cfg(unix)]
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// What a server knows of itself beside its drives: for [`Status`].
#[derive(Clone, Debug, Default)]
pub struct About {
    /// Its local socket.
    pub socket: String,
    /// The name of the iSCSI target, if it is one.
    pub target: Option<String>,
    /// Where its logical units can be had.
    pub urls: Vec<(u16, String)>,
}

/// Where clients of a server are heard, one after the other or at the same time.
pub struct Desk {
    server: Server,
    about: About,
    shelf: Box<dyn Shelf>,
}

impl Desk {
    /// The desk of this server. Discs come from files, and traces go to files.
    pub fn new(server: Server, about: About) -> Desk {
        Desk { server, about, shelf: Box::new(Files) }
    }

    /// Hears a client whose first line was `hello`, to the end of the connection. Calls `heard` for
    /// each line.
    #[cfg(unix)]
    pub fn serve(&self, hello: &str, stream: &std::os::unix::net::UnixStream, heard: &dyn Fn()) {
        let limits =
            [stream.set_read_timeout(Some(PATIENCE)), stream.set_write_timeout(Some(PATIENCE))];
        if limits.iter().any(Result::is_err) {
            return;
        }
        let mut input = io::BufReader::new(stream);
        // A client that goes away ends the connection, and there is nobody to tell.
        let _ = self.converse(hello, &mut input, &mut &*stream, heard);
    }

    /// The same with any way to hear and to speak.
    fn converse(
        &self,
        hello: &str,
        input: &mut dyn BufRead,
        output: &mut dyn Write,
        heard: &dyn Fn(),
    ) -> io::Result<()> {
        if hello != HELLO {
            let what = format!("this server speaks '{HELLO}', not '{}'", hello.escape_debug());
            let problem = Problem::new("usage", what)
                .advise("Use the program that the server was started with.");
            return say(output, &Answer::Error(problem));
        }
        let mut line = Vec::new();
        while !self.server.stopped().is_set() {
            line.clear();
            input.take(LONGEST).read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                if line.len() as u64 == LONGEST {
                    let what = format!("a line has {LONGEST} bytes at most");
                    say(output, &Answer::Error(Problem::new("usage", what)))?;
                }
                return Ok(());
            }
            heard();
            match serde_json::from_slice::<Request>(&line) {
                Ok(request) => say(output, &self.carry_out(&request))?,
                Err(error) => {
                    let problem = Problem::new("usage", format!("this is no request: {error}"));
                    say(output, &Answer::Error(problem))?;
                    if !error.is_data() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }
}

/// One line, in one piece.
fn say(output: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    output.write_all(&line)
}
