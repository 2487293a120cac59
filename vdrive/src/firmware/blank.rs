//! BLANK: CD-RW and DVD-RW become empty again.

use std::time::Duration;

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Blank, BlankType, Command};
use engine::mmc::sense::codes;
use engine::units::Lba;

use super::context::{Cx, Reply, bad_cdb};
use super::job::{Effect, Step, Turn};
use super::{format, ms};
use crate::mechanism::Operation;
use crate::medium::Change;
use crate::models::MediumKind;

/// BLANK (MMC-6, 6.2): the whole disc, or only what says that there is something on it.
pub(super) fn blank(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = Blank::from_cdb(cdb);
    let state = cx.state()?;
    if !matches!(state.kind(), MediumKind::CdRw | MediumKind::DvdRw)
        || !cx.fw.model.writes(state.kind())
    {
        return Err(codes::CANNOT_FORMAT_MEDIUM.into());
    }
    let minimal = match cdb.kind {
        BlankType::Disc => false,
        BlankType::Minimal => true,
        _ => return Err(bad_cdb(1, Some(2))),
    };
    if state.model.erase_cycles.is_some_and(|most| state.erasures >= most) {
        return Err(codes::ERASE_FAILURE.into());
    }
    // What is in the buffer would be erased all the same.
    cx.fw.laser.drop_buffer();
    let live = cx.live()?;
    live.writing = None;
    live.cue = None;
    live.raw = None;
    let state = cx.state()?;
    let mut changes = format::wiped(state);
    // The lead-in of a minimally blanked DVD-RW is still there (MMC-6, 4.4.3.3).
    changes.push(Change::Minimal(minimal && state.kind() == MediumKind::DvdRw));
    let takes = ms(cx.fw.timing(state).quick_erase_ms);
    // The tables go first: cut short, the disc is blank as far as anyone can see.
    let mut steps = vec![Step { takes, then: Effect::Medium(changes) }];
    if !minimal {
        let all = Operation::Erase { start: Lba(0), blocks: state.capacity().0 };
        let takes = cx.fw.laser.duration(&all);
        steps.push(Step { takes, then: Effect::Medium(Vec::new()) });
    }
    steps.push(Step { takes: Duration::ZERO, then: Effect::Drive(Turn::Reprofile) });
    cx.begin(codes::LONG_OPERATION_IN_PROGRESS, cdb.immed, steps)
}
