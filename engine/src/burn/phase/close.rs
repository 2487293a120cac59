//! Emptying the drive's buffer, closing track, session and disc.

use std::collections::VecDeque;
use std::time::Duration;

use super::prepare::refused;
use super::{Answer, Ask, Phase, Turn, enter, write};
use crate::burn::context::Context;
use crate::burn::job::{Exchange, Settle};
use crate::burn::page::{page, select};
use crate::burn::{CloseStep, Mode, Stage};
use crate::drive::WaitReason;
use crate::mmc::cdb::{CloseTrackSession, SynchronizeCache};

/// A disc with little on it is filled up to its smallest diameter when it is closed, a quarter of
/// an hour at single speed.
const LIMIT: Duration = Duration::from_secs(3600);

pub(crate) struct Flush {
    at: FlushAt,
    then: Then,
}

/// What comes behind it.
enum Then {
    /// The session is closed.
    Close,
    /// The disc is looked at.
    Examine,
    /// What leads to all so far is written.
    Write(Box<write::Writing>),
}

#[derive(Clone, Copy)]
enum FlushAt {
    Begun,
    Settling,
    /// Some drives take the first one for granted at once; a second one that may take its time ends
    /// behind the last block.
    Barrier,
}

impl Flush {
    /// `close`: the session is to be closed behind it.
    pub(super) fn begin(cx: &mut Context, close: bool) -> Turn {
        Flush::ask(cx, if close { Then::Close } else { Then::Examine })
    }

    /// Writing goes on when all so far is on the disc.
    pub(super) fn before(cx: &mut Context, writing: write::Writing) -> Turn {
        Flush::ask(cx, Then::Write(Box::new(writing)))
    }

    fn ask(cx: &mut Context, then: Then) -> Turn {
        enter(cx, Stage::Flush);
        let sync = SynchronizeCache { immed: true, ..SynchronizeCache::default() };
        let flush = Flush { at: FlushAt::Begun, then };
        Turn(Phase::Flush(flush), Ask::Send(Exchange::bare(&sync)))
    }

    pub(super) fn step(self, cx: &mut Context, answer: Answer) -> Turn {
        let Flush { at, then } = self;
        let next = |at, then| Phase::Flush(Flush { at, then });
        match (at, answer) {
            (FlushAt::Begun, Ok(_)) => {
                let settle = Settle::new(WaitReason::Flushing, LIMIT);
                Turn(next(FlushAt::Settling, then), Ask::Settle(settle))
            }
            (FlushAt::Settling, Ok(_)) => {
                let sync = SynchronizeCache::default();
                Turn(next(FlushAt::Barrier, then), Ask::Send(Exchange::bare(&sync)))
            }
            (FlushAt::Barrier, Ok(_)) => {
                cx.flushed = true;
                match then {
                    Then::Close => Closing::begin(cx),
                    Then::Examine => Phase::examine(cx),
                    Then::Write(writing) => writing.resume(cx),
                }
            }
            (_, Err(fault)) => cx.fail(fault, Stage::Flush),
        }
    }
}

pub(crate) struct Closing {
    at: ClosingAt,
    steps: VecDeque<CloseStep>,
}

#[derive(Clone, Copy)]
enum ClosingAt {
    /// The write parameters page is set so that the session stays open for another.
    Page,
    Begun(CloseStep),
    Settling,
}

impl Closing {
    fn begin(cx: &mut Context) -> Turn {
        let steps = if cx.fault.is_some() { salvage(cx) } else { cx.plan.close.clone() };
        if steps.is_empty() {
            return Phase::examine(cx);
        }
        enter(cx, Stage::Close);
        let closing = Closing { at: ClosingAt::Page, steps: steps.into() };
        // A disc to be finalised must not be when only part of the image is on it.
        let open = cx.fault.is_some() && !cx.plan.appendable;
        match page(cx.plan.mode, true).filter(|_| open) {
            Some(page) => {
                let (command, list) = select(&page);
                Turn(Phase::Close(closing), Ask::Send(Exchange::list(&command, list)))
            }
            None => closing.next(cx),
        }
    }

    pub(super) fn step(self, cx: &mut Context, answer: Answer) -> Turn {
        match (self.at, answer) {
            (ClosingAt::Page, Ok(_)) => self.next(cx),
            (ClosingAt::Begun(_), Ok(_)) => {
                let settle = Settle::new(WaitReason::Closing, LIMIT);
                let at = ClosingAt::Settling;
                Turn(Phase::Close(Closing { at, ..self }), Ask::Settle(settle))
            }
            (ClosingAt::Settling, Ok(_)) => self.next(cx),
            (ClosingAt::Begun(step), Err(fault)) if dispensable(cx, step) && refused(&fault) => {
                cx.ignored(&fault);
                self.next(cx)
            }
            (_, Err(fault)) => cx.fail(fault, Stage::Close),
        }
    }

    fn next(mut self, cx: &mut Context) -> Turn {
        let Some(step) = self.steps.pop_front() else { return Phase::examine(cx) };
        let (function, track) = match step {
            CloseStep::Track(function) => (function, cx.track),
            CloseStep::Session(function)
            | CloseStep::Finalize(function)
            | CloseStep::StopFormat(function) => (function, 0),
        };
        cx.touched = true;
        let close = CloseTrackSession { immed: true, function, track };
        let at = ClosingAt::Begun(step);
        Turn(Phase::Close(Closing { at, ..self }), Ask::Send(Exchange::bare(&close)))
    }
}

/// Whether a drive may refuse this step: what a rewritable disc holds is readable without it, and
/// some drives close a track by themselves.
fn dispensable(cx: &Context, step: CloseStep) -> bool {
    cx.plan.mode == Mode::Overwrite || matches!(step, CloseStep::Track(_))
}

/// How to close behind part of an image: so that what is there can be read, earlier sessions stay
/// in reach and another session can follow.
fn salvage(cx: &Context) -> Vec<CloseStep> {
    let rules = cx.plan.medium;
    let closing = rules.closing;
    match cx.plan.mode {
        Mode::Overwrite => cx.plan.close.clone(),
        // A reserved track that is not full cannot be closed.
        Mode::DiscAtOnce => Vec::new(),
        Mode::TrackAtOnce | Mode::Incremental | Mode::Sequential => {
            let track = closing.track.filter(|_| !rules.flush_closes_track());
            let track = track.map(CloseStep::Track);
            track.into_iter().chain(closing.session.map(CloseStep::Session)).collect()
        }
    }
}
