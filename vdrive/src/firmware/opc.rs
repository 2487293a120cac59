//! SEND OPC INFORMATION: power calibration.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, SendOpc};
use engine::mmc::disc::OpcEntry;
use engine::mmc::sense::codes;

use super::context::{Answer, Cx, Reply};
use super::job::{Effect, Step};
use super::tracks;

/// SEND OPC INFORMATION (MMC-6, 6.36). With DoOPC the laser's power is calibrated, which uses up a
/// place in the disc's test area; values sent by the host are taken note of.
pub(super) fn send_opc(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = SendOpc::from_cdb(cdb);
    let length = usize::from(cdb.length);
    if !length.is_multiple_of(OpcEntry::LEN) {
        return Err(codes::PARAMETER_LIST_LENGTH.into());
    }
    let moved = Cx::list(length, data)?.len();
    if !cdb.do_opc {
        return Ok(Answer::Good { moved, at: cx.now + cx.fw.transfer(moved) });
    }
    let state = cx.state()?;
    // What can be erased will be written again, though it is closed now.
    let closed = state.finalised && !state.kind().rewritable();
    if closed || !cx.fw.model.writes(state.kind()) {
        return Err(codes::CANNOT_WRITE_MEDIUM.into());
    }
    // A disc at once cannot be interrupted for it (MMC-6, 6.36.2).
    if tracks::sequential(state) && cx.live()?.writing.is_some() {
        return Err(codes::SEQUENCE_ERROR.into());
    }
    let state = cx.state()?;
    let trials = state.model.opc_trials;
    if !state.kind().rewritable() && state.calibrations >= trials {
        return Err(codes::PCA_FULL.into());
    }
    if !cx.fw.laser.is_empty() {
        return Ok(Answer::Again(cx.fw.laser.drained_at(cx.now)));
    }
    let takes = cx.fw.laser.calibrate(cx.now);
    let steps = vec![Step { takes, then: Effect::Medium(Vec::new()) }];
    cx.begin(codes::LONG_OPERATION_IN_PROGRESS, false, steps)
}
