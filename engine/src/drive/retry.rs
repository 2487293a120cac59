//! What to do about sense data: a table of patterns, the first match from the top counts.
//!
//! The rows are MMC's rules and what burners that met thousands of drives found necessary. What has
//! no row fails.

use std::time::Duration;

use super::WaitReason;
use crate::mmc::sense::{Sense, SenseKey};

/// What kind of command met the sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Situation {
    /// Asking, and everything before the first command that changes the disc: what happened before
    /// us is no concern.
    Start,
    /// Asking whether a long operation is over.
    Poll,
    /// WRITE.
    Write,
    /// READ.
    Read,
    /// Every other command of a burn.
    Change,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// The command did its work.
    Note,
    /// It did nothing and is sent again unchanged.
    Again {
        /// After this many milliseconds; 0 stands for the time that the drive needs to make room in
        /// its buffer.
        pause: u64,
        /// What the drive is busy with.
        reason: WaitReason,
        /// For this many seconds at most.
        limit: u64,
    },
    /// It failed.
    Fail,
}

struct Row {
    at: &'static [Situation],
    key: SenseKey,
    asc: Option<u8>,
    ascq: &'static [u8],
    act: Act,
}

const ANY: &[u8] = &[];
const ALL: &[Situation] =
    &[Situation::Start, Situation::Poll, Situation::Write, Situation::Read, Situation::Change];

const fn again(pause: u64, reason: WaitReason, limit: u64) -> Act {
    Act::Again { pause, reason, limit }
}

static TABLE: &[Row] = &[
    // The drive mended it; "no sense" with CHECK CONDITION is seen on bridges.
    Row { at: ALL, key: SenseKey::RecoveredError, asc: None, ascq: ANY, act: Act::Note },
    Row { at: ALL, key: SenseKey::NoSense, asc: None, ascq: ANY, act: Act::Note },
    // Long write: the buffer is full and nothing was taken; the same WRITE again
    // (MMC-6, 6.44.3). A drive that takes nothing for two minutes is stuck.
    Row {
        at: &[Situation::Write],
        key: SenseKey::NotReady,
        asc: Some(0x04),
        ascq: &[0x08],
        act: again(0, WaitReason::BufferFull, 120),
    },
    // Some drives calibrate their laser before the first block is taken, minutes long.
    Row {
        at: &[Situation::Write],
        key: SenseKey::NotReady,
        asc: Some(0x04),
        ascq: &[0x01, 0x00],
        act: again(500, WaitReason::BecomingReady, 300),
    },
    Row {
        at: &[Situation::Write],
        key: SenseKey::NotReady,
        asc: Some(0x04),
        ascq: &[0x04, 0x07],
        act: again(500, WaitReason::Flushing, 900),
    },
    Row {
        at: ALL,
        key: SenseKey::NotReady,
        asc: Some(0x04),
        ascq: &[0x00, 0x01, 0x04, 0x07, 0x08, 0x09],
        act: again(500, WaitReason::BecomingReady, 300),
    },
    // Before we begin, a changed medium or a reset is old news. Later it means that the disc is
    // another one, or that the buffer is lost.
    Row {
        at: &[Situation::Start],
        key: SenseKey::UnitAttention,
        asc: None,
        ascq: ANY,
        act: again(10, WaitReason::BecomingReady, 60),
    },
    Row { at: ALL, key: SenseKey::UnitAttention, asc: Some(0x29), ascq: ANY, act: Act::Fail },
    // Blanking and formatting make another medium of the disc, and some drives say so.
    Row {
        at: &[Situation::Poll],
        key: SenseKey::UnitAttention,
        asc: None,
        ascq: ANY,
        act: again(10, WaitReason::BecomingReady, 60),
    },
    Row { at: ALL, key: SenseKey::UnitAttention, asc: Some(0x28), ascq: ANY, act: Act::Fail },
    // Other attentions tell of changed parameters and pressed buttons; the command was not carried
    // out (SPC-4, 5.14).
    Row {
        at: ALL,
        key: SenseKey::UnitAttention,
        asc: None,
        ascq: ANY,
        act: again(10, WaitReason::BecomingReady, 60),
    },
];

/// What to do about this sense.
pub(crate) fn judge(at: Situation, sense: &Sense) -> Act {
    let code = sense.code;
    if sense.deferred {
        // The command itself was not carried out (SPC-4, 4.5.7).
        return match code.key {
            SenseKey::RecoveredError | SenseKey::NoSense => {
                again(10, WaitReason::BecomingReady, 60)
            }
            _ => Act::Fail,
        };
    }
    TABLE
        .iter()
        .find(|row| {
            row.at.contains(&at)
                && row.key == code.key
                && row.asc.is_none_or(|asc| asc == code.asc)
                && (row.ascq.is_empty() || row.ascq.contains(&code.ascq))
        })
        .map_or(Act::Fail, |row| row.act)
}

/// How often a long operation is asked after.
pub(crate) const POLL: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mmc::sense::SenseCode;

    fn act(at: Situation, key: SenseKey, asc: u8, ascq: u8) -> Act {
        judge(at, &Sense::new(SenseCode::new(key, asc, ascq)))
    }

    #[test]
    fn a_full_buffer_is_waited_out_and_a_reset_is_not() {
        let full = act(Situation::Write, SenseKey::NotReady, 0x04, 0x08);
        assert!(matches!(full, Act::Again { pause: 0, reason: WaitReason::BufferFull, .. }));
        assert_eq!(act(Situation::Write, SenseKey::UnitAttention, 0x29, 0x00), Act::Fail);
        assert_eq!(act(Situation::Poll, SenseKey::UnitAttention, 0x29, 0x00), Act::Fail);
        assert_eq!(act(Situation::Write, SenseKey::UnitAttention, 0x28, 0x00), Act::Fail);
    }

    #[test]
    fn attentions_before_the_burn_are_eaten() {
        for asc in [0x28, 0x29, 0x2a] {
            let act = act(Situation::Start, SenseKey::UnitAttention, asc, 0);
            assert!(matches!(act, Act::Again { .. }));
        }
    }

    #[test]
    fn needing_a_hand_or_a_start_is_not_waiting() {
        for ascq in [0x02, 0x03] {
            assert_eq!(act(Situation::Poll, SenseKey::NotReady, 0x04, ascq), Act::Fail);
        }
        assert_eq!(act(Situation::Start, SenseKey::NotReady, 0x3a, 0x00), Act::Fail);
    }

    #[test]
    fn media_and_address_errors_fail_and_recovered_ones_do_not() {
        assert_eq!(act(Situation::Write, SenseKey::MediumError, 0x0c, 0x00), Act::Fail);
        assert_eq!(act(Situation::Write, SenseKey::IllegalRequest, 0x21, 0x02), Act::Fail);
        assert_eq!(act(Situation::Write, SenseKey::RecoveredError, 0x0c, 0x01), Act::Note);
    }

    #[test]
    fn a_deferred_error_is_never_waited_out() {
        let mut sense = Sense::new(SenseCode::new(SenseKey::NotReady, 0x04, 0x08));
        sense.deferred = true;
        assert_eq!(judge(Situation::Write, &sense), Act::Fail);
    }
}
