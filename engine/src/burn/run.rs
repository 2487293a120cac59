//! The blocking loop: steps, a device, a clock, an image.

use super::{Cancel, DiscState, Error, Event, Fault, Outcome, Plan};
use crate::drive::Recorder;
use crate::image::sectors::Sectors;

/// Carries out a plan. Blocks until the end; everything that happens goes to `tell`. Always leaves
/// the tray unlocked if the drive can still be told.
pub fn run(
    plan: &Plan,
    recorder: &mut Recorder<'_>,
    image: &mut dyn Sectors,
    tell: &mut dyn FnMut(&Event),
    cancel: &Cancel,
) -> Result<Outcome, Error> {
    let _ = (plan, image, tell, cancel);
    Err(Error::new(
        Fault::Bug { detail: "burning is not built yet".to_owned() },
        recorder.address(),
        DiscState::Untouched,
    ))
}

/// Finds out what state the disc is in, by asking only.
pub fn assess(recorder: &mut Recorder<'_>) -> Result<DiscState, Error> {
    Err(Error::new(
        Fault::Bug { detail: "assessing is not built yet".to_owned() },
        recorder.address(),
        DiscState::Unknown,
    ))
}

/// Closes what an interrupted burn left open, so that another session can follow: the last track and
/// its session. Does nothing where nothing is open. Answers with the state afterwards.
pub fn close_interrupted(
    recorder: &mut Recorder<'_>,
    tell: &mut dyn FnMut(&Event),
) -> Result<DiscState, Error> {
    let _ = tell;
    Err(Error::new(
        Fault::Bug { detail: "closing is not built yet".to_owned() },
        recorder.address(),
        DiscState::Unknown,
    ))
}
