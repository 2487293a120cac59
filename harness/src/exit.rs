//! How `kiln` ends: one table of exit codes, and the one error type that carries a code to it.

use std::fmt;
use std::process::ExitCode;

/// How a run ended. The numbers are interface: they never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Exit {
    /// It was done.
    Success,
    /// Something that should not happen in kiln itself.
    Internal,
    /// The command line cannot be understood.
    Usage,
    /// A file or folder to burn is missing, unreadable, or changed meanwhile.
    Source,
    /// There is no such drive, it may not be used, or something else is using it.
    Drive,
    /// No disc is in the drive.
    NoMedium,
    /// The disc is full, closed, not recordable, or of a kind that cannot be used.
    Medium,
    /// The data does not fit on the disc.
    TooSmall,
    /// The drive reported an error, or answered what no drive may answer.
    DriveFailed,
    /// The connection to the drive broke: unplugged, without power, reset, no answer.
    Connection,
    /// What was read back is not what was burned.
    Verify,
    /// The result could not be written: no space, not permitted, exists already.
    Output,
    /// The disc file is damaged, no disc file, or in use.
    DiscFile,
    /// The image cannot be read as one.
    Image,
    /// A scenario did not run as it says it must.
    Scenario,
    /// The image can be read and is not what its standards want.
    Damaged,
    /// Stopped by the user; the disc is in the state that was printed.
    Stopped,
}

/// Every way to end: code, name in scenarios and JSON, meaning.
pub const TABLE: &[(Exit, u8, &str, &str)] = &[
    (Exit::Success, 0, "success", "done"),
    (Exit::Internal, 1, "internal", "a fault in kiln itself"),
    (Exit::Usage, 2, "usage", "the command line cannot be understood"),
    (Exit::Source, 3, "source", "a file to burn is missing, unreadable, or changed meanwhile"),
    (Exit::Drive, 4, "drive", "no such drive, not permitted, or in use"),
    (Exit::NoMedium, 5, "no-medium", "no disc in the drive"),
    (Exit::Medium, 6, "medium", "the disc is full, closed, not recordable, or of the wrong kind"),
    (Exit::TooSmall, 7, "too-small", "the data does not fit on the disc"),
    (Exit::DriveFailed, 8, "drive-failed", "the drive reported an error"),
    (Exit::Connection, 9, "connection", "the drive is gone, was reset, or does not answer"),
    (Exit::Verify, 10, "verify", "what was read back is not what was burned"),
    (Exit::Output, 11, "output", "the result cannot be written, or exists already"),
    (Exit::DiscFile, 12, "disc-file", "the disc file is damaged, no disc file, or in use"),
    (Exit::Image, 13, "image", "the image cannot be read"),
    (Exit::Scenario, 14, "scenario", "the scenario is wrong, or did not run as it says it must"),
    (Exit::Damaged, 15, "damaged", "the image is not what its standards want"),
    (Exit::Stopped, 130, "stopped", "stopped by the user; the disc's state was printed"),
];

/// The line under every help page.
pub const SHORT: &str = "Exit codes: 0 is success; `kiln help exit-codes` prints the others.";

impl Exit {
    fn row(self) -> &'static (Exit, u8, &'static str, &'static str) {
        TABLE.iter().find(|row| row.0 == self).expect("a test proves that the table is complete")
    }

    /// The process's exit code.
    pub fn code(self) -> u8 {
        self.row().1
    }

    /// The name in scenarios and JSON.
    pub fn name(self) -> &'static str {
        self.row().2
    }

    /// The way to end that has this name.
    pub fn named(name: &str) -> Option<Exit> {
        TABLE.iter().find(|row| row.2 == name).map(|row| row.0)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// The table as text for a person.
pub fn table() -> String {
    let rows = TABLE.iter().map(|(_, code, name, what)| format!("{code:>4}  {name:<13} {what}\n"));
    std::iter::once("code  name          meaning\n".to_owned()).chain(rows).collect()
}

/// Why a command did not do what was asked, for a person, and the code to end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How the run ends.
    pub exit: Exit,
    /// What happened, to what, at which block.
    pub what: String,
    /// What state things are in now and what to do, one line each.
    pub advice: Vec<String>,
}

impl Failure {
    /// A failure without advice.
    pub fn new(exit: Exit, what: impl Into<String>) -> Failure {
        Failure { exit, what: what.into(), advice: Vec::new() }
    }

    /// The same with one more line of state or advice.
    #[must_use]
    pub fn advise(mut self, line: impl Into<String>) -> Failure {
        self.advice.push(line.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        self.advice.iter().try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_way_to_end_once() {
        for pair in TABLE.windows(2) {
            assert!(pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1, "{pair:?}");
        }
        // The last variant closes the list: a new one must come with a row.
        assert_eq!(TABLE.len(), Exit::Stopped as usize + 1);
        for (exit, code, name, _) in TABLE {
            assert_eq!((exit.code(), Exit::named(name)), (*code, Some(*exit)));
        }
    }
}
