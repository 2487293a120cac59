//! Locking the tray, waking the drive, and making sure that the disc is the one of the plan.

use std::time::Duration;

use super::{Answer, Ask, Phase, Turn, enter, renew};
use crate::burn::context::Context;
use crate::burn::job::{Exchange, Settle};
use crate::burn::{Fault, Mode, Renew, Stage};
use crate::drive::mark::Marker;
use crate::drive::survey::{Depth, Question, Survey};
use crate::drive::{Error, ErrorKind, WaitReason};
use crate::mmc::cdb::PreventAllow;

pub(crate) struct Prepare {
    at: At,
}

enum At {
    Begin,
    Locked,
    Ready,
    Survey(Survey),
    Mark(Marker),
}

impl Prepare {
    pub(super) fn new() -> Prepare {
        Prepare { at: At::Begin }
    }

    pub(super) fn step(self, cx: &mut Context, answer: Answer) -> Turn {
        let next = |at| Phase::Prepare(Prepare { at });
        if cx.stopping() {
            return cx.fail(Fault::Cancelled, Stage::Prepare);
        }
        match (self.at, answer) {
            (At::Begin, _) => {
                enter(cx, Stage::Prepare);
                let lock = PreventAllow { prevent: true, persistent: false };
                Turn(next(At::Locked), Ask::Send(Exchange::bare(&lock).at_start()))
            }
            (At::Locked, answer) => {
                match answer {
                    // A drive without a lock burns as well.
                    Err(fault) if refused(&fault) => cx.ignored(&fault),
                    Err(fault) => return cx.fail(fault, Stage::Prepare),
                    Ok(_) => {}
                }
                let settle = Settle::new(WaitReason::BecomingReady, Duration::from_secs(120));
                Turn(next(At::Ready), Ask::Settle(settle))
            }
            (At::Ready, Ok(_)) => survey(Survey::new(Depth::Last), cx),
            (At::Survey(mut found), answer) => match answer {
                Ok(bytes) => {
                    found.answer(Some(&bytes));
                    survey(found, cx)
                }
                Err(fault) if refused(&fault) => {
                    found.answer(None);
                    survey(found, cx)
                }
                Err(fault) => cx.fail(fault, Stage::Prepare),
            },
            (At::Mark(mut found), answer) => {
                match answer {
                    Ok(bytes) => found.answer(Some(&bytes)),
                    // What cannot be read could not be read before.
                    Err(Fault::Drive(Error { kind: ErrorKind::Sense(_), .. })) => {
                        found.answer(None);
                    }
                    Err(fault) => return cx.fail(fault, Stage::Prepare),
                }
                mark(found, cx)
            }
            (_, Err(fault)) => cx.fail(fault, Stage::Prepare),
        }
    }
}

/// Asks the next question, or makes sure that the disc is the one that was laid out for.
fn mark(found: Marker, cx: &mut Context) -> Turn {
    if let Some(Question { cdb, room }) = found.next() {
        let ask = Ask::Send(Exchange::ask(cdb, room).at_start());
        return Turn(Phase::Prepare(Prepare { at: At::Mark(found) }), ask);
    }
    let found = found.mark();
    match &cx.plan.disc {
        Some(planned) if *planned != found => {
            let detail = format!("it holds something else ({found}, not {planned})");
            cx.fail(Fault::Replaced { detail }, Stage::Prepare)
        }
        _ => renew::Renewing::begin(cx),
    }
}

/// Asks the next question, or compares what was found with the plan.
fn survey(found: Survey, cx: &mut Context) -> Turn {
    if let Some(Question { cdb, room }) = found.next() {
        let ask = Ask::Send(Exchange::ask(cdb, room).at_start());
        return Turn(Phase::Prepare(Prepare { at: At::Survey(found) }), ask);
    }
    let Some(medium) = found.medium() else {
        return cx.fail(Fault::NoDisc, Stage::Prepare);
    };
    let plan = &cx.plan;
    let renewed = plan.renew != Renew::Nothing;
    let detail = if medium.profile != plan.medium.profile {
        format!("it is a {}, not a {}", medium.name(), plan.medium.name)
    } else if medium.state != plan.state {
        format!("its state is {:?}, not {:?}", medium.state, plan.state)
    } else if !renewed
        && plan.mode != Mode::Overwrite
        && medium.next.is_some_and(|next| next != plan.start)
    {
        format!("it continues elsewhere than at block {}", plan.start)
    } else {
        return match &plan.disc {
            Some(planned) => mark(planned.again(), cx),
            None => renew::Renewing::begin(cx),
        };
    };
    cx.fail(Fault::Replaced { detail }, Stage::Prepare)
}

/// Whether the drive refused the command, as one that it does not know or not now.
pub(super) fn refused(fault: &Fault) -> bool {
    use crate::mmc::sense::SenseKey;
    match fault {
        Fault::Drive(Error { kind: ErrorKind::Sense(sense), .. }) => {
            !sense.deferred && sense.code.key == SenseKey::IllegalRequest
        }
        Fault::Drive(Error { kind: ErrorKind::Status(_), .. }) => true,
        _ => false,
    }
}
