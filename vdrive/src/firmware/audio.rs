//! Playing and scanning audio, READ SUB-CHANNEL and READ HEADER.
//!
//! Playing goes on by itself at 75 sectors a second, scanning at a multiple of it; where the
//! pick-up is follows from the time.

use std::time::Duration;

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{
    Command, PauseResume, PlayAudio10, PlayAudio12, PlayAudioMsf, PlayAudioTrackIndex, ReadHeader,
    ReadSubChannel, Scan,
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
use crate::medium::State;
use crate::models::Family;

/// Sectors in a second.
const RATE: u128 = 75;

/// How much faster than playing the drive scans.
const SCAN: i32 = 8;

/// A stretch of audio that is being played, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Play {
    from: Lba,
    end: Lba,
    /// When it was at `from`.
    since: Instant,
    /// Seconds of audio that pass in a second: 0 paused, 1 playing, else scanning, below 0
    /// backwards.
    pace: i32,
    /// The host has been told that it came to its end.
    told: bool,
}

impl Play {
    fn at(&self, now: Instant) -> Lba {
        let frames = now.since(self.since).as_nanos() * RATE / 1_000_000_000;
        let frames = i32::try_from(frames).unwrap_or(i32::MAX).saturating_mul(self.pace);
        // Scanning backwards ends at the beginning of the disc.
        let first = self.from.min(Lba(0));
        Lba(self.from.0.saturating_add(frames)).clamp(first, self.end.max(first))
    }

    fn over(&self, now: Instant) -> bool {
        match self.pace {
            0 => false,
            1.. => self.at(now) >= self.end,
            _ => self.at(now) <= Lba(0),
        }
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

/// PLAY AUDIO TRACK/INDEX (SCSI-2, 14.2.5): up to the end of the last index named.
pub(super) fn play_audio_track_index(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = PlayAudioTrackIndex::from_cdb(cdb);
    cd(cx)?;
    let state = cx.state()?;
    let [track, index] = cdb.start;
    let from = index_start(state, track, index).ok_or_else(|| bad_cdb(4, None))?;
    let [track, index] = cdb.end;
    let last = state.tracks.iter().rfind(|t| t.number <= track.into());
    let last = last.ok_or_else(|| bad_cdb(7, None))?;
    // A track that is not there stands for all up to it, an index that is not there for the rest.
    let named = last.number == u16::from(track);
    let next = index_start(state, track, index.max(1).saturating_add(1)).filter(|_| named);
    let end = next.unwrap_or(last.start + last.size);
    if end <= from {
        return Err(bad_cdb(7, None));
    }
    play(cx, from, Some(end))
}

/// Where an index of a track begins; 0 means the first one.
fn index_start(state: &State, track: u8, index: u8) -> Option<Lba> {
    let track = state.track(track.into())?;
    match usize::from(index) {
        0 | 1 => Some(track.start),
        n => track.cd.indexes.get(n - 2).map(|&blocks| track.start + blocks),
    }
}

/// SCAN (MMC-3, SCAN): audio at a multiple of its speed, until the disc's audio or the host ends
/// it.
pub(super) fn scan(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = Scan::from_cdb(cdb);
    cd(cx)?;
    let [_, m, s, f] = cdb.start;
    let from = match cdb.kind {
        0 => here_or(cx, Lba(i32::from_be_bytes(cdb.start)))?,
        1 if m < 100 && s < 60 && f < 75 => Msf { m, s, f }.lba(),
        1 => return Err(bad_cdb(3, None)),
        2 => cx.state()?.track(f.into()).ok_or_else(|| bad_cdb(5, None))?.start,
        _ => return Err(bad_cdb(9, Some(7))),
    };
    let end = super::read::readable_end(cx.state()?);
    if from >= end {
        return Err(Sense::new(codes::LBA_OUT_OF_RANGE).with_information(from.0 as u32).into());
    }
    let reply = play(cx, from, Some(end))?;
    if let Some(play) = &mut cx.live()?.play {
        play.pace = if cdb.reverse { -SCAN } else { SCAN };
    }
    Ok(reply)
}

/// What the mechanism does for the audio (MMC-6, 6.11.3, mechanism state): 1 plays, 2 scans.
pub(super) fn mechanism_state(cx: &Cx<'_>) -> u8 {
    let play = cx.fw.live.as_ref().and_then(|live| live.play);
    match play.filter(|play| !play.over(cx.now)) {
        None => 0,
        Some(Play { pace: 0 | 1, .. }) => 1,
        Some(_) => 2,
    }
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
    cx.live()?.play = Some(Play { from, end, since, pace: 1, told: false });
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
    *play = Play { from: play.at(now), since: now, pace: resume.into(), ..*play };
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
    Ok(match (play.pace, play.over(now)) {
        (0, _) => 0x12,
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
