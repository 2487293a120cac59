//! What is asked of a server and what it answers, as JSON.
//!
//! May not know: how anything is done.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::status::Status;

/// One line of a client: something to be done to one drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The number of the logical unit; 0 if it is left out.
    #[serde(default)]
    pub lun: u16,
    /// What is to be done.
    #[serde(rename = "do")]
    pub action: Action,
}

/// What a client can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Action {
    /// What there is: [`Answer::Status`]. For all drives, whatever `lun` says.
    Status {},
    /// A disc is put into the drive and the tray closed.
    Insert {
        /// The disc file, as a path from the root.
        file: String,
        /// If the file is missing: the built-in medium of which it is made, blank. If it is there,
        /// what it has to be.
        #[serde(default)]
        medium: Option<String>,
    },
    /// The eject button is pressed: what is in the buffer is recorded, then the disc comes out.
    Eject {
        /// The disc is taken out whatever goes on, even through a locked door.
        #[serde(default)]
        force: bool,
    },
    /// The plug is pulled.
    PullPower {},
    /// The plug goes in again.
    Plug {},
    /// Something goes wrong.
    Fault {
        /// What.
        what: What,
        /// When; now if it is left out.
        #[serde(default)]
        when: When,
    },
    /// Faults that have not happened yet are forgotten.
    Heal {},
    /// Every command of every drive, and its answer, is written to a file from now on.
    Trace {
        /// The file, as a path from the root: a capture if it ends in `.pcapng`. Nothing ends the
        /// trace.
        #[serde(default)]
        file: Option<String>,
    },
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum What {
    /// These blocks can no longer be recorded.
    WriteError(Stretch),
    /// These blocks can no longer be read.
    ReadError(Stretch),
    /// The drive does not answer for so long.
    Hang {
        /// In milliseconds of the drive's time, a week at most.
        ms: u64,
    },
    /// A bus reset.
    Reset {},
    /// The plug is pulled.
    PowerCut {},
    /// The plug goes in again.
    PowerOn {},
    /// A hand takes the disc, whatever goes on.
    MediumRemoved {},
}

/// A stretch of blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// The first block.
    pub lba: i32,
    /// How many; 1 if it is left out.
    #[serde(default = "one")]
    pub blocks: u32,
}

fn one() -> u32 {
    1
}

/// When something goes wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum When {
    /// At once.
    #[default]
    Now,
    /// So many milliseconds of the drive's time from now, a week at most.
    Ms(u64),
    /// Before the drive carries out this command; the next one is 0.
    Before(u64),
    /// After it has carried out this command, before the host hears of it.
    After(u64),
}

/// One line of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was done.
    Done {
        /// What was done, as a sentence.
        text: String,
    },
    /// What there is.
    Status(Box<Status>),
    /// It was not done.
    Error(Problem),
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The name that this kind of failure has in the program's table of exit codes.
    pub kind: String,
    /// What happened, to what.
    pub text: String,
    /// What to do, one line each.
    #[serde(default)]
    pub advice: Vec<String>,
}

impl Problem {
    /// A problem of this kind.
    pub(super) fn new(kind: &str, text: impl Into<String>) -> Problem {
        Problem { kind: kind.to_owned(), text: text.into(), advice: Vec::new() }
    }

    /// The same with one more line of advice.
    pub(super) fn advise(mut self, line: impl Into<String>) -> Problem {
        self.advice.push(line.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of the module's page, as a client in another language would write them.
    #[test]
    fn requests_are_written_as_the_page_says() {
        let stretch = Stretch { lba: 5000, blocks: 16 };
        for (line, action) in [
            (r#"{"do":{"status":{}}}"#, Action::Status {}),
            (
                r#"{"do":{"insert":{"file":"/a.disc"}}}"#,
                Action::Insert { file: "/a.disc".into(), medium: None },
            ),
            (r#"{"do":{"eject":{}}}"#, Action::Eject { force: false }),
            (
                r#"{"do":{"fault":{"what":{"write-error":{"lba":5000,"blocks":16}}}}}"#,
                Action::Fault { what: What::WriteError(stretch), when: When::Now },
            ),
            (
                r#"{"do":{"fault":{"what":{"power-cut":{}},"when":{"before":3}}}}"#,
                Action::Fault { what: What::PowerCut {}, when: When::Before(3) },
            ),
            (r#"{"do":{"trace":{}}}"#, Action::Trace { file: None }),
        ] {
            let request: Request = serde_json::from_str(line).expect(line);
            assert_eq!(request, Request { lun: 0, action }, "{line}");
            let again = serde_json::to_string(&request).expect("it can be written");
            assert_eq!(serde_json::from_str::<Request>(&again).expect(&again), request);
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in [
            r#"{"do":{"status":{"now":true}}}"#,
            r#"{"do":{"explode":{}}}"#,
            r#"{"do":{"status":{}},"unit":1}"#,
            r#"{"lun":65536,"do":{"status":{}}}"#,
            r#"{"do":{"fault":{"what":{"hang":{"ms":-1}}}}}"#,
            "{}",
            "[]",
        ] {
            assert!(serde_json::from_str::<Request>(line).is_err(), "{line}");
        }
    }
}
