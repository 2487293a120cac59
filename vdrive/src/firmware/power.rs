//! START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL, MECHANISM STATUS: tray, spindle, lock.

use std::time::Duration;

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, LoadUnload, MechanismStatus, PreventAllow, StartStopUnit};
use engine::mmc::mechanism::{Mechanism as Status, MechanismHeader};
use engine::mmc::sense::codes;

use super::attention::Event;
use super::context::{Answer, Cx, Reply, bad_cdb};
use super::job::{Effect, Step, Turn};
use super::{Spindle, Tray, audio, ms, ready, sync};
use crate::mechanism::{Operation, PowerState};
use crate::models::Loading;

/// START STOP UNIT (MMC-6, 6.40).
pub(super) fn start_stop_unit(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = StartStopUnit::from_cdb(cdb);
    if cdb.fl || cdb.layer != 0 {
        return Err(bad_cdb(4, Some(2)));
    }
    if (cdb.power, cdb.lo_ej, cdb.start) == (0, true, false) && ejecting(cx) {
        return cx.began(cdb.immed);
    }
    ready::idle(cx)?;
    match (cdb.power, cdb.lo_ej, cdb.start) {
        (0, false, false) => stop(cx, cdb.immed),
        (0, false, true) => start(cx, cdb.immed),
        (0, true, false) => eject(cx, cdb.immed),
        (0, true, true) => load(cx, cdb.immed),
        (1, ..) => condition(cx, PowerState::Active, 1),
        (2, ..) => condition(cx, PowerState::Idle, 2),
        (3, ..) => condition(cx, PowerState::Standby, 3),
        (5, ..) => condition(cx, PowerState::Sleep, 4),
        _ => Err(bad_cdb(4, Some(7))),
    }
}

/// Whether the tray is on its way out: whoever asks for that again waits for it. Hosts do so to
/// know when it is there.
fn ejecting(cx: &Cx<'_>) -> bool {
    cx.fw.job.as_ref().is_some_and(|job| !job.is_over() && job.busy == codes::NOT_READY)
}

/// What is in the buffer goes onto the disc before the disc stops; what began ends in order where
/// it can.
fn settle(cx: &mut Cx<'_>) -> Result<Vec<Step>, super::Refusal> {
    if cx.fw.live.is_none() { Ok(Vec::new()) } else { sync::end_of_writing(cx) }
}

/// Stop: the disc comes to rest, and whatever next wants something of it spins it up again. Until
/// then the drive is ready (MMC-6, 6.40.2.7; hosts rely on it).
fn stop(cx: &mut Cx<'_>, immed: bool) -> Reply {
    if cx.disc.is_none() || cx.fw.spindle != Spindle::Ready {
        return cx.good();
    }
    let mut steps = settle(cx)?;
    let takes = ms(cx.fw.model.timing.spin_down_ms);
    steps.push(Step { takes, then: Effect::Drive(Turn::Stopped) });
    cx.begin(codes::LONG_OPERATION_IN_PROGRESS, immed, steps)
}

fn start(cx: &mut Cx<'_>, immed: bool) -> Reply {
    if cx.fw.tray == Tray::Out {
        return Err(codes::NO_MEDIUM_TRAY_OPEN.into());
    }
    let Some(disc) = &*cx.disc else { return Err(codes::NO_MEDIUM_TRAY_CLOSED.into()) };
    let family = disc.state().kind().family();
    // A disc that is being taken up already: the command waits for that.
    if cx.fw.job.as_ref().is_some_and(|job| !job.is_over()) {
        return cx.began(immed);
    }
    match cx.fw.spindle {
        Spindle::Ready => {
            let takes = cx.fw.laser.set_power(cx.now, PowerState::Active);
            let at = cx.now + cx.fw.overhead() + if immed { Duration::ZERO } else { takes };
            Ok(Answer::Good { moved: 0, at })
        }
        Spindle::Unknown => {
            cx.fw.recognise(family, cx.now, Duration::ZERO);
            cx.began(immed)
        }
    }
}

fn eject(cx: &mut Cx<'_>, immed: bool) -> Reply {
    if cx.fw.is_locked() {
        return Err(codes::REMOVAL_PREVENTED.into());
    }
    if cx.fw.tray == Tray::Out {
        return cx.good();
    }
    let mut steps = settle(cx)?;
    let takes = cx.fw.laser.duration(&Operation::Unload);
    steps.push(Step { takes, then: Effect::Drive(Turn::TrayOut) });
    cx.begin(codes::NOT_READY, immed, steps)
}

/// Load. With the tray in it is a start, and no news to anyone.
fn load(cx: &mut Cx<'_>, immed: bool) -> Reply {
    if cx.fw.tray == Tray::In {
        return match cx.disc.is_some() {
            true => start(cx, immed),
            false => cx.good(),
        };
    }
    if cx.fw.model.loading == Loading::SlimTray {
        // Nothing moves it: a hand has to (MMC-6, 6.40.2).
        return Err(codes::NEEDS_HAND.into());
    }
    let closing = ms(cx.fw.model.timing.tray_close_ms);
    match &*cx.disc {
        Some(disc) => {
            let family = disc.state().kind().family();
            cx.fw.recognise(family, cx.now, closing);
        }
        None => {
            let steps = vec![Step { takes: closing, then: Effect::Drive(Turn::TrayIn) }];
            cx.fw.job = Some(super::Job::new(codes::BECOMING_READY, cx.now, steps));
        }
    }
    cx.began(immed)
}

/// A power condition: what is in the buffer goes first, the host waits.
fn condition(cx: &mut Cx<'_>, state: PowerState, event: u8) -> Reply {
    if !cx.fw.laser.is_empty() {
        return Ok(Answer::Again(cx.fw.laser.drained_at(cx.now)));
    }
    let takes = cx.fw.laser.set_power(cx.now, state);
    cx.fw.nexuses.event(Event::Power(event));
    Ok(Answer::Good { moved: 0, at: cx.now + takes + cx.fw.overhead() })
}

/// PREVENT ALLOW MEDIUM REMOVAL (MMC-6, 6.14).
pub(super) fn prevent_allow(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = PreventAllow::from_cdb(cdb);
    if let Some(mine) = cx.fw.nexuses.mine() {
        if cdb.persistent {
            mine.prevented_persistently = cdb.prevent;
        } else {
            mine.prevented = cdb.prevent;
        }
    }
    cx.good()
}

/// MECHANISM STATUS (MMC-6, 6.11): a drive without a changer.
pub(super) fn mechanism_status(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = MechanismStatus::from_cdb(cdb);
    let busy = cx.fw.job.as_ref().is_some_and(|job| !job.is_over());
    let header = MechanismHeader {
        state: if busy { 3 } else { audio::mechanism_state(cx) },
        door_open: cx.fw.tray == Tray::Out,
        ..MechanismHeader::default()
    };
    let reply = Status { header, slots: Vec::new() }.emit();
    cx.send(&reply, cdb.allocation.into(), data)
}

/// LOAD/UNLOAD MEDIUM (MMC-6, 6.10): without a changer there is slot 0 and nothing to move it to.
pub(super) fn load_unload(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = LoadUnload::from_cdb(cdb);
    if cdb.slot != 0 {
        return Err(bad_cdb(8, None));
    }
    if (cdb.lo_unlo, cdb.start) == (true, false) && ejecting(cx) {
        return cx.began(cdb.immed);
    }
    ready::idle(cx)?;
    match (cdb.lo_unlo, cdb.start) {
        (true, true) => load(cx, cdb.immed),
        (true, false) => eject(cx, cdb.immed),
        (false, _) => cx.good(),
    }
}
