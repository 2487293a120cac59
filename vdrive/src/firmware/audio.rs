//! Playing audio, READ SUB-CHANNEL and READ HEADER.
//!
//! Playing goes on by itself at 75 sectors a second; where the pick-up is follows from the time.

use std::time::Duration;

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{
    Command, PauseResume, PlayAudio10, PlayAudio12, PlayAudioMsf, ReadHeader, ReadSubChannel,
};
use engine::mmc::disc::field_of_msf;
use engine::mmc::sense::{Sense, codes};
use engine::mmc::subchannel::{
    SectorHeader, SubChannelCatalogue, SubChannelIsrc, SubChannelPosition,
};
use engine::units::{Blocks, Instant, Lba, Msf};

use super::context::{Answer, Cx, Refusal, Reply, bad_cdb};
use super::read::recorded_first;
use super::subchannel;
use crate::models::Family;

/// Sectors in a second.
const RATE: u128 = 75;

/// A stretch of audio that is being played, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Play {
    from: Lba,
    end: Lba,
    /// When it was at `from`.
    since: Instant,
    paused: bool,
    /// The host has been told that it came to its end.
    told: bool,
}

impl Play {
    fn at(&self, now: Instant) -> Lba {
        if self.paused {
            return self.from;
        }
        let frames = now.since(self.since).as_nanos() * RATE / 1_000_000_000;
        let frames = u32::try_from(frames).unwrap_or(u32::MAX);
        Lba(self.from.0.saturating_add_unsigned(frames)).min(self.end)
    }

    fn over(&self, now: Instant) -> bool {
        !self.paused && self.at(now) >= self.end
    }
}

/// Only a CD plays.
fn cd(cx: &Cx<'_>) -> Result<(), Refusal> {
    match cx.state()?.kind().family() {
        Family::Cd => Ok(()),
        _ => Err(codes::INCOMPATIBLE_FORMAT.into()),
    }
}

/// PLAY AUDIO (10) (MMC-3, PLAY AUDIO (10)).
pub(super) fn play_audio10(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = PlayAudio10::from_cdb(cdb);
    let from = here_or(cx, cdb.lba)?;
    play(cx, from, from.checked_add(Blocks(cdb.blocks.into())))
}

/// PLAY AUDIO (12).
pub(super) fn play_audio12(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = PlayAudio12::from_cdb(cdb);
    let from = here_or(cx, cdb.lba)?;
    play(cx, from, from.checked_add(Blocks(cdb.blocks)))
}

/// PLAY AUDIO MSF.
pub(super) fn play_audio_msf(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = PlayAudioMsf::from_cdb(cdb);
    let msf = |[m, s, f]: [u8; 3], byte| {
        let right = m < 90 && s < 60 && f < 75;
        right.then(|| Msf { m, s, f }.lba()).ok_or_else(|| bad_cdb(byte, None))
    };
    let from = match cdb.start {
        [0xff, 0xff, 0xff] => here_or(cx, Lba(-1))?,
        start => msf(start, 3)?,
    };
    let end = msf(cdb.end, 6)?;
    if end < from {
        return Err(bad_cdb(6, None));
    }
    play(cx, from, Some(end))
}

/// The address, or where the pick-up is.
fn here_or(cx: &mut Cx<'_>, lba: Lba) -> Result<Lba, Refusal> {
    let now = cx.now;
    match lba {
        Lba(-1) => Ok(cx.live()?.play.map_or(Lba(0), |play| play.at(now))),
        lba => Ok(lba),
    }
}

fn play(cx: &mut Cx<'_>, from: Lba, end: Option<Lba>) -> Reply {
    cd(cx)?;
    let end = end.ok_or(codes::LBA_OUT_OF_RANGE)?;
    if from == end {
        return cx.good();
    }
    let limit = super::read::readable_end(cx.state()?);
    if from.0 < -150 || end > limit {
        return Err(Sense::new(codes::LBA_OUT_OF_RANGE).with_information(from.0 as u32).into());
    }
    if let Some(put_off) = recorded_first(cx) {
        return Ok(put_off);
    }
    let disc = cx.disc.as_ref().ok_or(codes::NO_MEDIUM)?;
    if !disc.is_audio(from) {
        return Err(codes::ILLEGAL_MODE_FOR_TRACK.into());
    }
    let seek = cx.fw.laser.seek(cx.now, from);
    let since = cx.now + seek;
    cx.live()?.play = Some(Play { from, end, since, paused: false, told: false });
    // Page 0Eh: status comes as soon as playing begins.
    Ok(Answer::Good { moved: 0, at: since + cx.fw.overhead() })
}

/// PAUSE/RESUME (MMC-3, PAUSE/RESUME).
pub(super) fn pause_resume(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    cd(cx)?;
    let resume = PauseResume::from_cdb(cdb).resume;
    let now = cx.now;
    let Some(play) = cx.live()?.play.as_mut().filter(|play| !play.over(now)) else {
        return Err(codes::SEQUENCE_ERROR.into());
    };
    *play = Play { from: play.at(now), since: now, paused: !resume, ..*play };
    cx.good()
}

/// STOP PLAY/SCAN (MMC-3, STOP PLAY/SCAN).
pub(super) fn stop_play(cx: &mut Cx<'_>, _: &Cdb, _: &mut Data<'_>) -> Reply {
    cd(cx)?;
    cx.live()?.play = None;
    cx.good()
}

/// Audio status (MMC-3, 6.36.3): 13h is told once.
fn status(cx: &mut Cx<'_>) -> Result<u8, Refusal> {
    let now = cx.now;
    let Some(play) = &mut cx.live()?.play else { return Ok(0x15) };
    Ok(match (play.paused, play.over(now)) {
        (true, _) => 0x12,
        (_, false) => 0x11,
        (_, true) if play.told => 0x15,
        (_, true) => {
            play.told = true;
            0x13
        }
    })
}

/// READ SUB-CHANNEL (MMC-3, 6.36).
pub(super) fn read_sub_channel(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReadSubChannel::from_cdb(cdb);
    cd(cx)?;
    let audio_status = status(cx)?;
    if !cdb.sub_q {
        return cx.send(&[0, audio_status, 0, 0], cdb.allocation.into(), data);
    }
    let now = cx.now;
    let here = cx.live()?.play.map(|play| play.at(now));
    let here = here.unwrap_or_else(|| cx.fw.laser.head());
    let state = cx.state()?;
    let reply = match cdb.format {
        1 => position(cx, here, audio_status, cdb.msf)?.emit().to_vec(),
        2 => {
            let mcn = state.tracks.iter().find_map(|track| track.cd.mcn);
            SubChannelCatalogue {
                audio_status,
                valid: mcn.is_some(),
                digits: mcn.unwrap_or_default(),
                frame: 0,
            }
            .emit()
            .to_vec()
        }
        3 => {
            let wanted = state.track(cdb.track.into()).ok_or_else(|| bad_cdb(6, None))?;
            SubChannelIsrc {
                audio_status,
                adr: 3,
                control: wanted.control,
                track: cdb.track,
                valid: wanted.cd.isrc.is_some(),
                code: wanted.cd.isrc.unwrap_or_default(),
                frame: 0,
            }
            .emit()
            .to_vec()
        }
        _ => return Err(bad_cdb(3, None)),
    };
    cx.send(&reply, cdb.allocation.into(), data)
}

fn position(
    cx: &Cx<'_>,
    here: Lba,
    audio_status: u8,
    msf: bool,
) -> Result<SubChannelPosition, Refusal> {
    let state = cx.state()?;
    let Some(place) = subchannel::position(state, here) else {
        return Ok(SubChannelPosition { audio_status, ..SubChannelPosition::default() });
    };
    // In a pre-gap the time of the track runs towards zero; as a block address it is negative.
    let before = place.index == 0;
    let relative = match (msf, before) {
        (false, true) => (-i64::from(place.relative)) as u32,
        (false, false) => place.relative,
        (true, _) => {
            let frames = Lba(i32::try_from(place.relative).unwrap_or(0).saturating_sub(150));
            frames.msf().map_or(0, field_of_msf)
        }
    };
    let absolute = match msf {
        false => here.0 as u32,
        true => here.msf().map_or(0, field_of_msf),
    };
    let (track, index, control) = (place.number, place.index, place.control);
    Ok(SubChannelPosition { audio_status, adr: 1, control, track, index, absolute, relative })
}

/// READ HEADER (MMC-2, READ HEADER): of data sectors only.
pub(super) fn read_header(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReadHeader::from_cdb(cdb);
    cd(cx)?;
    super::read::check_range(cx.state()?, cdb.lba, Blocks(1))?;
    if let Some(put_off) = recorded_first(cx) {
        return Ok(put_off);
    }
    let disc = cx.disc.as_ref().ok_or(codes::NO_MEDIUM)?;
    if disc.is_audio(cdb.lba) {
        return Err(codes::ILLEGAL_MODE_FOR_TRACK.into());
    }
    if !disc.readable(cdb.lba) {
        return Err(super::read::unreadable(disc.state(), cdb.lba).into());
    }
    let mode = disc.frame(cdb.lba).map_err(|_| codes::READ_ERROR)?[15];
    let address = match cdb.msf {
        false => cdb.lba.0 as u32,
        true => cdb.lba.msf().map_or(0, field_of_msf),
    };
    let takes = cx.fw.laser.read(cx.now, cdb.lba, Blocks(1));
    cx.now = cx.now + takes.min(Duration::from_secs(30));
    cx.send(&SectorHeader { mode, address }.emit(), cdb.allocation.into(), data)
}
