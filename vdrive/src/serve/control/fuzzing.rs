//! A function that fuzz targets, corpus replays and tests share.

use super::shelf::Shelf;
use super::{About, Answer, Desk, HELLO, Problem};
use crate::drive::Virtual;
use crate::medium::Disc;
use crate::models::{DriveModel, MediumKind, MediumModel};
use crate::serve::trace::Trace;
use crate::serve::{Lun, Pace, Server};

/// Discs in memory, and no traces: nothing of this machine is touched.
struct Memory;

impl Shelf for Memory {
    fn disc(&self, file: &str, medium: Option<MediumKind>) -> Result<(Disc, bool), Problem> {
        let kind = medium.unwrap_or(MediumKind::CdRw);
        let disc = Disc::memory(&MediumModel::of_kind(kind))
            .map_err(|error| Problem::new("disc-file", error.to_string()))?;
        match file.starts_with('/') {
            true => Ok((disc, medium.is_some())),
            false => Err(Problem::new("usage", "no path from the root")),
        }
    }

    fn trace(&self, _: &Trace, _: &str) -> Result<(), Problem> {
        Err(Problem::new("output", "no traces here"))
    }
}

/// What a client says behind its first line. Panics unless each line is answered with one line
/// that is an answer, up to the first that ends the connection, and the drives are sound then.
/// Returns the answers: the same bytes give the same ones, but for the process's number.
pub fn control(bytes: &[u8]) -> Vec<Answer> {
    let luns = [Some(MediumKind::DvdPlusR), None].into_iter().zip(0..).map(|(kind, number)| {
        let disc = kind.and_then(|kind| Disc::memory(&MediumModel::of_kind(kind)).ok());
        Lun::new(number, Virtual::new(DriveModel::default_drive(), disc, 0), Pace::Simulated)
    });
    let server = Server::new(luns.collect());
    let desk = Desk { server, about: About::default(), shelf: Box::new(Memory) };
    let mut said = Vec::new();
    let ended = desk.converse(HELLO, &mut &bytes[..], &mut said, &|| ());
    assert!(ended.is_ok(), "memory can be read and written");
    let lines: Vec<&[u8]> = said.split_inclusive(|byte| *byte == b'\n').collect();
    let asked = bytes.split_inclusive(|byte| *byte == b'\n').count();
    assert!(lines.len() <= asked, "{} answers to {asked} lines", lines.len());
    let answer = |line: &&[u8]| match serde_json::from_slice(line) {
        Ok(answer) => answer,
        Err(error) => panic!("{}: {error}", String::from_utf8_lossy(line)),
    };
    let answers = lines.iter().map(answer).collect();
    desk.server.stop();
    for lun in desk.server.luns() {
        let again = lun.with_disc(|disc| (disc.state().clone(), disc.fork()));
        if let Some((state, Some(fork))) = again {
            assert_eq!(fork.map(|disc| disc.state().clone()).ok(), Some(state));
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of which lines are made that come far.
    const PIECES: [&str; 24] = [
        r#"{"do":{"status":{}}}"#,
        r#"{"do":{"eject":{}}}"#,
        r#"{"do":{"eject":{"force":true}}}"#,
        r#"{"lun":1,"do":{"insert":{"file":"/x","medium":"bd-r"}}}"#,
        r#"{"do":{"insert":{"file":"/x"}}}"#,
        r#"{"do":{"pull-power":{}}}"#,
        r#"{"do":{"plug":{}}}"#,
        r#"{"do":{"heal":{}}}"#,
        r#"{"do":{"trace":{}}}"#,
        r#"{"do":{"fault":{"what":{"hang":{"ms":9}}}}}"#,
        r#"{"do":{"fault":{"what":{"reset":{}},"when":{"before":18446744073709551615}}}}"#,
        r#"{"do":{"fault":{"what":{"medium-removed":{}},"when":{"ms":604800000}}}}"#,
        r#"{"do":{"fault":{"what":{"write-error":{"lba":2147483647}}}}}"#,
        r#"{"do":{"fault":{"what":{"read-error":{"lba":-9,"blocks":2147483647}}}}}"#,
        r#"{"do":"#,
        r#"{"fault":{"what":"#,
        r#"{"lun":"#,
        "9",
        "}",
        "\n",
        "\"",
        "[",
        "\u{0}",
        "null",
    ];

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 64,
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn any_lines(pieces in proptest::collection::vec(0..PIECES.len(), 0..40)) {
            // The whole ones are lines.
            let end = |n: usize| if n < 14 { "\n" } else { "" };
            let piece = |n: usize| PIECES[n].to_owned() + end(n);
            let text: String = pieces.into_iter().map(piece).collect();
            prop_assert_eq!(control(text.as_bytes()), control(text.as_bytes()));
        }
    }
}
