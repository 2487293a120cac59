//! The blocking loop: steps, a device, a clock, an image.

use super::page::{page, select};
use super::phase::state_of;
use super::{
    Cancel, DiscState, Done, Error, Event, Fault, Job, Mode, Order, Outcome, Plan, Stage, Step,
    Transfer, WaitReason,
};
use crate::device::Data;
use crate::drive::recorder::{optional, timeout};
use crate::drive::survey::Depth;
use crate::drive::{ErrorKind, Recorder, Session, Track};
use crate::image::sectors::Sectors;
use crate::media::Method;
use crate::mmc::cdb::{CloseTrackSession, Command, PreventAllow};
use crate::units::Blocks;

/// Carries out a plan. Blocks until the end; everything that happens goes to `tell`. Always leaves
/// the tray unlocked if the drive can still be told.
pub fn run(
    plan: &Plan,
    recorder: &mut Recorder<'_>,
    image: &mut dyn Sectors,
    tell: &mut dyn FnMut(&Event),
    cancel: &Cancel,
) -> Result<Outcome, Error> {
    let device = recorder.address().to_owned();
    if image.blocks() != plan.blocks {
        let detail =
            format!("planned for {} blocks, the image has {}", plan.blocks, image.blocks());
        return Err(Error::new(Fault::Bug { detail }, device, DiscState::Untouched));
    }
    let clock = recorder.clock();
    let mut job = Job::new(plan.clone(), recorder.device().limits().max_transfer);
    let recorder = &mut Unlocking { recorder };
    loop {
        if cancel.is_cancelled() {
            job.cancel();
        }
        match job.next(clock.now()) {
            Step::Command(Order { request, mut transfer }) => {
                let data = match &mut transfer {
                    Transfer::None => Data::None,
                    Transfer::In(room) => Data::In(room),
                    Transfer::Out(bytes) => Data::Out(bytes),
                };
                let result = recorder.recorder.device().execute(&request, data);
                let room = match transfer {
                    Transfer::In(room) => room,
                    // Given up here, so that what went out is the job's alone again.
                    Transfer::None | Transfer::Out(_) => Vec::new(),
                };
                job.done(clock.now(), Done::Command(result, room));
            }
            Step::Wait { until, .. } => clock.wait_until(until),
            Step::Need { first, mut room } => {
                let filled = image.read(first, &mut room).map(|()| room);
                job.done(clock.now(), Done::Image(filled));
            }
            Step::Tell(mut event) => {
                name_file(&mut event, plan, image);
                tell(&event);
            }
            Step::Finished(mut result) => {
                if let Err(error) = &mut result
                    && let Fault::Mismatch { block, file, .. } = &mut *error.fault
                    && let Some(block) = plan.block_at(*block)
                {
                    *file = image.name_at(block);
                }
                return result;
            }
        }
    }
}

/// Puts the file into a progress event that its last block belongs to.
fn name_file(event: &mut Event, plan: &Plan, image: &dyn Sectors) {
    if let Event::Progress(progress) = event {
        let last = plan.blocks.saturating_sub(Blocks(1));
        progress.file = image.name_at(progress.block.min(last));
    }
}

/// Unlocks the tray when an image or a listener panics; in every other case the job has.
struct Unlocking<'r, 'a> {
    recorder: &'r mut Recorder<'a>,
}

impl Drop for Unlocking<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let cdb = PreventAllow::default().cdb();
            let request = crate::device::Request { cdb, timeout: timeout(cdb) };
            let _ = self.recorder.device().execute(&request, Data::None);
        }
    }
}

/// Finds out what state the disc is in, by asking only.
pub fn assess(recorder: &mut Recorder<'_>) -> Result<DiscState, Error> {
    let device = recorder.address().to_owned();
    match look(recorder) {
        Ok(state) => Ok(state),
        Err(error) if error.kind == ErrorKind::NoDisc => Ok(DiscState::NoDisc),
        Err(error) => Err(Error::new(error.into(), device, DiscState::Unknown)),
    }
}

fn look(recorder: &mut Recorder<'_>) -> Result<DiscState, crate::drive::Error> {
    recorder.wait_ready()?;
    Ok(state_of(&recorder.survey(Depth::Last)?, None))
}

/// Closes what an interrupted burn left open, so that another session can follow: the last track
/// and its session. Does nothing where nothing is open; where what was written is lost, it tries.
/// Answers with the state afterwards.
pub fn close_interrupted(
    recorder: &mut Recorder<'_>,
    tell: &mut dyn FnMut(&Event),
) -> Result<DiscState, Error> {
    let device = recorder.address().to_owned();
    let mut touched = false;
    let result = recorder.lock().and_then(|mut locked| close_open(&mut locked, tell, &mut touched));
    let fault = match result {
        Ok(()) => return assess(recorder),
        Err(error) => error.into(),
    };
    let disc = match (touched, assess(recorder)) {
        (false, _) => DiscState::Untouched,
        (true, Ok(state)) => state,
        (true, Err(_)) => DiscState::Unknown,
    };
    Err(Error::new(fault, device, disc))
}

fn close_open(
    recorder: &mut Recorder<'_>,
    tell: &mut dyn FnMut(&Event),
    touched: &mut bool,
) -> Result<(), crate::drive::Error> {
    recorder.wait_ready()?;
    let medium = recorder.survey(Depth::Last)?;
    let Some(rules) = medium.rules.filter(|rules| rules.writable() && !rules.overwritable()) else {
        return Ok(());
    };
    if !matches!(medium.last_session, Session::Incomplete | Session::Damaged) {
        return Ok(());
    }
    tell(&Event::Stage(Stage::Close));
    let mode = match rules.method {
        Method::TrackAtOnce => Mode::TrackAtOnce,
        Method::Incremental => Mode::Incremental,
        _ => Mode::Sequential,
    };
    if let Some(page) = page(mode, true) {
        let (command, list) = select(&page);
        recorder.command(&command, &list)?;
    }
    // A track that lost its end with the power has no next writable address, and may be closed.
    let unfinished = |track: &&Track| track.damaged || track.next.is_some();
    let open = medium.tracks.last().filter(unfinished);
    // Where nothing promises that closing works, a refusal is an answer.
    let promised = matches!(state_of(&medium, None), DiscState::Open { closable: true, .. });
    let mut close = |function, track| {
        *touched = true;
        let reason = WaitReason::Closing;
        tell(&Event::Wait { reason, waited: std::time::Duration::ZERO, permille: None });
        recorder.command(&CloseTrackSession { immed: false, function, track }, &[])?;
        recorder.wait_ready()
    };
    if let (Some(track), Some(function)) = (open, rules.closing.track) {
        // A track with nothing in it may be refused; the session is closed all the same.
        optional(close(function, track.number))?;
    }
    if let Some(function) = rules.closing.session {
        let closed = close(function, 0);
        if promised { closed? } else { optional(closed).map(drop)? }
    }
    Ok(())
}
