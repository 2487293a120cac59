//! Whether a command may be carried out now: unit attentions, errors of earlier commands, long
//! operations, the medium. And TEST UNIT READY, which asks nothing else.

use engine::device::{Cdb, Data};
use engine::mmc::sense::{Sense, codes};

use super::context::{Cx, Refusal, Reply};
use super::{Spindle, Tray};
use crate::mechanism::PowerState;

/// What a command needs before its function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Nothing: it also passes unit attentions and deferred errors.
    Always,
    /// The same, but a deferred error is told first.
    Passes,
    /// Nothing but to be told what happened; long operations do not stop it.
    Drive,
    /// That no long operation runs, and the host has been told what happened.
    Idle,
    /// A recognised medium.
    Medium,
}

/// Whether the command may be carried out now.
pub(super) fn check(cx: &mut Cx<'_>, gate: Gate) -> Result<(), Refusal> {
    if gate == Gate::Always {
        return Ok(());
    }
    if cx.turn == 0 && gate != Gate::Passes {
        // A command that reports a unit attention is not executed (SAM-4, 5.14).
        if let Some(code) = cx.fw.nexuses.mine().and_then(|nexus| nexus.attentions.take()) {
            return Err(code.into());
        }
    }
    let mine = cx.fw.nexuses.mine();
    if let Some(deferred) = mine.and_then(|nexus| nexus.deferred.take()) {
        return Err(deferred.into());
    }
    match gate {
        Gate::Always | Gate::Passes | Gate::Drive => Ok(()),
        Gate::Idle => idle(cx),
        Gate::Medium => medium(cx),
    }
}

/// Refuses while a long operation runs that occupies the disc.
pub(super) fn idle(cx: &Cx<'_>) -> Result<(), Refusal> {
    match &cx.fw.job {
        Some(job) if !job.is_over() && job.busy != codes::BECOMING_READY => {
            Err(Sense::new(job.busy).with_progress(job.progress(cx.now)).into())
        }
        _ => Ok(()),
    }
}

/// Refuses without a medium that has been recognised, and while a long operation runs.
pub(super) fn medium(cx: &Cx<'_>) -> Result<(), Refusal> {
    if let Some(job) = cx.fw.job.as_ref().filter(|job| !job.is_over()) {
        let progress = job.busy != codes::BECOMING_READY;
        let sense = Sense::new(job.busy);
        let shown = if progress { sense.with_progress(job.progress(cx.now)) } else { sense };
        return Err(shown.into());
    }
    present(cx)
}

fn present(cx: &Cx<'_>) -> Result<(), Refusal> {
    if cx.fw.tray == Tray::Out {
        return Err(codes::NO_MEDIUM_TRAY_OPEN.into());
    }
    if cx.disc.is_none() {
        return Err(codes::NO_MEDIUM_TRAY_CLOSED.into());
    }
    match cx.fw.spindle {
        Spindle::Ready if cx.fw.live.is_some() => Ok(()),
        Spindle::Ready | Spindle::Unknown => Err(codes::NOT_READY_INCOMPATIBLE_MEDIUM.into()),
    }
}

/// TEST UNIT READY (MMC-6, 6.42). Some drives say GOOD while they close in the background.
pub(super) fn test_unit_ready(cx: &mut Cx<'_>, _: &Cdb, _: &mut Data<'_>) -> Reply {
    if cx.fw.laser.power(cx.now) == PowerState::Sleep {
        return Err(codes::NEEDS_START.into());
    }
    match &cx.fw.job {
        Some(job) if !job.is_over() && !job.hides_ready => present(cx)?,
        _ => medium(cx)?,
    }
    cx.good()
}
