//! Promise 3: a burn that ends early says what state the disc is in, and that is true.
//!
//! Checked after every burn that did not succeed, after every question for the state, and after a
//! success too. "Unknown" says nothing and is let pass here; whether it may be said is checked
//! where the drive could be asked.

use engine::burn::DiscState;
use engine::units::{Blocks, Lba};
use vdrive::medium::{FormatState, State};

use super::{Breach, Witness};

/// A disc at one instant: its tables and its blocks.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What its tables say.
    pub state: State,
    /// What its blocks hold.
    pub blocks: Witness,
}

/// Compares what was said of the disc with the disc; `None` where there is none in the drive.
pub fn statement(
    said: &DiscState,
    before: Option<&Seen>,
    after: Option<&Seen>,
) -> Result<(), Breach> {
    let wrong = |what: String| Err(Breach::new(3, format!("it was said that {said}, and {what}")));
    let Some(now) = after else {
        return match said {
            DiscState::NoDisc | DiscState::Unknown | DiscState::Untouched => Ok(()),
            _ => wrong("there is no disc".to_owned()),
        };
    };
    match why_not(said, before, now) {
        None => Ok(()),
        Some(what) => wrong(what),
    }
}

/// What is not as it was said.
fn why_not(said: &DiscState, before: Option<&Seen>, now: &Seen) -> Option<String> {
    let state = &now.state;
    let open = state.open_tracks().next().is_some();
    let closed = state.sessions.last();
    let unless = |holds: bool, what: &str| (!holds).then(|| what.to_owned());
    match *said {
        DiscState::Unknown => None,
        DiscState::NoDisc => Some("there is one".to_owned()),
        DiscState::Untouched => {
            let same = before.is_some_and(|b| b.blocks == now.blocks && tables_equal(b, now));
            unless(same, "it is not as it was")
        }
        DiscState::Blank => {
            unless(state.is_blank() && now.blocks.is_empty(), "something is recorded on it")
        }
        DiscState::Unformatted => {
            unless(state.format.state == FormatState::None, "it is formatted")
        }
        DiscState::Complete => unless(
            state.finalised || closed.is_some_and(|s| s.next.is_none()),
            "another session can follow",
        ),
        DiscState::Appendable { next } => unless(!open, "a track is open")
            .or_else(|| unless(!state.finalised, "it is closed"))
            .or_else(|| match closed.and_then(|s| s.next) {
                Some(real) if real == next => None,
                real => Some(format!("the next session would start at {real:?}")),
            })
            .or_else(|| unless(!now.blocks.readable(next), "that block is recorded")),
        DiscState::Open { track, readable_to, next, .. } => unless(open, "no track is open")
            .or_else(|| hole(now, track, readable_to))
            .or_else(|| {
                let recorded = next.filter(|n| state.recorded.contains(*n));
                recorded.map(|n| format!("block {n} is recorded already"))
            }),
        DiscState::Overwritable { from, recorded_to } => {
            let formatted = state.format.state != FormatState::None;
            unless(formatted, "it is not formatted").or_else(|| hole(now, from, recorded_to))
        }
        DiscState::Lost => unless(!can_go_on(state), "it can be written on"),
        _ => Some("no check knows that".to_owned()),
    }
}

/// The first unreadable block of a range that was said to be readable.
fn hole(now: &Seen, from: Lba, to: Lba) -> Option<String> {
    let count = to.checked_from(from)?;
    let all = (0..count.0).map(|i| from + Blocks(i));
    let hole = all.into_iter().find(|at| !now.blocks.readable(*at))?;
    Some(format!("block {hole} cannot be read"))
}

/// Whether a drive would still take data.
fn can_go_on(state: &State) -> bool {
    let open = state.open_tracks().any(|t| t.clean && !t.damaged);
    !state.finalised && (open || state.format.state != FormatState::None)
}

/// Whether two discs' tables are the same, but for power calibrations: a look can cost one.
fn tables_equal(a: &Seen, b: &Seen) -> bool {
    let mut a = a.state.clone();
    a.calibrations = b.state.calibrations;
    a == b.state
}

#[cfg(test)]
mod tests {
    use vdrive::medium::{Session, Track, TrackState, Way};
    use vdrive::models::{MediumKind, MediumModel};

    use super::*;

    fn blank() -> Seen {
        let state = State::blank(MediumModel::of_kind(MediumKind::DvdPlusR));
        Seen { state, blocks: Witness::default() }
    }

    /// An open track from block 0 with blocks 0 to 31 readable.
    fn open() -> Seen {
        let mut seen = blank();
        seen.state.tracks.push(Track {
            number: 1,
            session: 1,
            start: Lba(0),
            size: Blocks(0),
            end: Lba(32),
            state: TrackState::Open,
            way: Way::Sequential,
            clean: true,
            damaged: false,
            control: 4,
            cd: Default::default(),
        });
        seen.state.recorded.insert(Lba(0), Blocks(32));
        let blocks: Vec<_> = (0..32).map(|at| (at, 1)).collect();
        seen.blocks = Witness::made_of(&blocks);
        seen
    }

    fn closed(next: Option<i32>) -> Seen {
        let mut seen = open();
        seen.state.sessions.push(Session {
            number: 1,
            first_track: 1,
            last_track: 1,
            lead_out: Lba(32),
            next: next.map(Lba),
        });
        seen
    }

    fn said(state: DiscState, seen: &Seen) -> bool {
        statement(&state, Some(&blank()), Some(seen)).is_ok()
    }

    #[test]
    fn true_statements_pass_and_false_ones_do_not() {
        let open_to = |to: i32, next: i32| DiscState::Open {
            track: Lba(0),
            readable_to: Lba(to),
            next: Some(Lba(next)),
            closable: true,
        };
        assert!(said(DiscState::Blank, &blank()) && !said(DiscState::Blank, &open()));
        assert!(said(DiscState::Untouched, &blank()) && !said(DiscState::Untouched, &open()));
        assert!(said(open_to(32, 32), &open()));
        assert!(!said(open_to(33, 33), &open()), "block 32 cannot be read");
        assert!(!said(open_to(32, 31), &open()), "block 31 is recorded");
        assert!(!said(open_to(0, 32), &blank()), "no track is open");
        let next = |n| DiscState::Appendable { next: Lba(n) };
        assert!(said(next(64), &closed(Some(64))) && !said(next(48), &closed(Some(64))));
        assert!(!said(next(64), &open()) && !said(next(64), &closed(None)));
        assert!(said(DiscState::Complete, &closed(None)));
        assert!(!said(DiscState::Complete, &closed(Some(64))));
        assert!(!said(DiscState::NoDisc, &blank()) && !said(DiscState::Lost, &open()));
        assert!(statement(&DiscState::NoDisc, None, None).is_ok());
        assert!(statement(&DiscState::Blank, None, None).is_err());
    }
}
