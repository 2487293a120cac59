//! The phases of a burn. Each is a value that owns only what is valid then; a step consumes it and
//! makes the next one.

mod close;
mod examine;
mod prepare;
mod renew;
mod setup;
mod verify;
mod write;

use super::context::{Context, wire};
use super::job::{Exchange, Settle};
use super::{Fault, Stage};
use crate::device::DeviceErrorKind;
use crate::mmc::cdb::PreventAllow;
use crate::units::Blocks;

pub(crate) use examine::state_of;

/// What a phase wants done before its next step.
pub(crate) enum Ask {
    /// A command. Its answer is the data that came, or the buffer that went out.
    Send(Exchange),
    /// Waiting until the drive is ready.
    Settle(Settle),
    /// The image from this block on.
    Image(Blocks, Vec<u8>),
    /// Nothing more: the job is over.
    End,
}

/// The next phase and what it wants.
pub(crate) struct Turn(pub(crate) Phase, pub(crate) Ask);

pub(crate) type Answer = Result<Vec<u8>, Fault>;

pub(crate) enum Phase {
    Prepare(prepare::Prepare),
    Renew(renew::Renewing),
    Setup(setup::Setup),
    Write(write::Writing),
    Flush(close::Flush),
    Close(close::Closing),
    Examine(examine::Examine),
    Verify(verify::Verifying),
    Release(Release),
    Over,
}

impl Phase {
    /// Where every job begins.
    pub(crate) fn first() -> Phase {
        Phase::Prepare(prepare::Prepare::new())
    }

    pub(crate) fn over() -> Phase {
        Phase::Over
    }

    /// Takes the answer to what was wanted last.
    pub(crate) fn step(self, cx: &mut Context, answer: Answer) -> Turn {
        match self {
            Phase::Prepare(phase) => phase.step(cx, answer),
            Phase::Renew(phase) => phase.step(cx, answer),
            Phase::Setup(phase) => phase.step(cx, answer),
            Phase::Write(phase) => phase.step(cx, answer),
            Phase::Flush(phase) => phase.step(cx, answer),
            Phase::Close(phase) => phase.step(cx, answer),
            Phase::Examine(phase) => phase.step(cx, answer),
            Phase::Verify(phase) => phase.step(cx, answer),
            Phase::Release(phase) => phase.step(cx, answer),
            Phase::Over => Turn(Phase::Over, Ask::End),
        }
    }

    /// Whether waiting in this phase may be given up on request.
    pub(crate) fn may_stop(&self) -> bool {
        matches!(self, Phase::Prepare(_) | Phase::Setup(_) | Phase::Write(_) | Phase::Verify(_))
    }

    /// Emptying the drive's buffer; then, if the burn is in order so far, closing.
    pub(crate) fn flush(cx: &mut Context, close: bool) -> Turn {
        close::Flush::begin(cx, close)
    }

    /// Finding out what state the disc is in.
    pub(crate) fn examine(cx: &mut Context) -> Turn {
        examine::Examine::begin(cx)
    }

    /// Unlocking the tray.
    pub(crate) fn release(_: &mut Context) -> Turn {
        Release { left: Release::ATTEMPTS }.ask()
    }
}

/// Unlocking the tray.
pub(crate) struct Release {
    left: u8,
}

impl Release {
    /// A drive that hangs is asked for a quarter of an hour: nobody else will unlock it.
    const ATTEMPTS: u8 = 30;

    fn ask(self) -> Turn {
        let unlock = PreventAllow::default();
        Turn(Phase::Release(self), Ask::Send(Exchange::bare(&unlock).at_start()))
    }

    /// Whether the tray could be unlocked changes nothing about the burn.
    fn step(self, _: &mut Context, answer: Answer) -> Turn {
        match answer.map_err(|fault| wire(&fault)) {
            Err(Some(DeviceErrorKind::TimedOut | DeviceErrorKind::Reset)) if self.left > 1 => {
                Release { left: self.left - 1 }.ask()
            }
            _ => Turn(Phase::Over, Ask::End),
        }
    }
}

/// Tells that a stage begins.
fn enter(cx: &mut Context, stage: Stage) {
    cx.tell(super::Event::Stage(stage));
}
