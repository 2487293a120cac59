//! Raw writing of a CD: the host makes lead-in, program area and lead-out with all sub-channels.
//! What is on the disc the drive reads from their Q.

use engine::cdda::sector::from_bcd;
use engine::cdda::subchannel::{self, Q, Subcode};
use engine::units::{Blocks, Lba, Msf};

use super::context::{Cx, Refusal};
use super::cue::lead_in_start;
use super::job::{Effect, Step};
use super::ms;
use engine::mmc::sense::{Sense, codes};

use crate::medium::{CdTrack, Change, Session, Track, TrackState, Way};

/// What the drive has learnt from the Q of a session that is being written raw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Raw {
    /// Where the next WRITE must start.
    pub(super) next: Lba,
    /// Tracks that the lead-in names: number, start, CONTROL; ascending.
    points: Vec<(u8, Lba, u8)>,
    /// Where the lead-out begins, by the lead-in.
    lead_out: Option<Lba>,
    /// Session format.
    format: u8,
    /// Tracks and indexes as they went by: track, index, first block.
    seen: Vec<(u8, u8, Lba)>,
    mcn: Option<[u8; 13]>,
    isrc: Vec<(u8, [u8; 12])>,
    /// The tracks are in the disc's tables.
    begun: bool,
}

/// Whether blocks may be written raw from here on.
pub(super) fn admit(cx: &mut Cx<'_>, lba: Lba, end: Lba) -> Result<(), Refusal> {
    let state = cx.state()?;
    let start = lead_in_start(state);
    let last = Lba(i32::try_from(state.capacity().0 + state.model.lead_out).unwrap_or(i32::MAX));
    let blank = state.is_blank();
    let next = match &cx.live()?.raw {
        Some(raw) => raw.next,
        // A raw session has the disc for itself.
        None if !blank => return Err(codes::PROGRAM_AREA_NOT_EMPTY.into()),
        None => start,
    };
    if lba != next {
        let wrong = Sense::new(codes::INVALID_WRITE_ADDRESS).with_information(lba.0 as u32);
        return Err(wrong.into());
    }
    if end > last {
        return Err(codes::END_OF_USER_AREA.into());
    }
    Ok(())
}

/// Notes what the Q of one sector says.
pub(super) fn note(raw: &mut Raw, at: Lba, subcode: &Subcode) {
    let q = subchannel::q_of(subcode);
    if !subchannel::sound(&q) {
        return;
    }
    match (q[0] & 15, at.0 < -150) {
        (1, true) => raw.point(&q),
        (1, false) => raw.position(&q, at),
        (2, false) => raw.mcn = Some(catalogue(&q)),
        (3, false) => raw.code(&q),
        _ => {}
    }
}

impl Raw {
    fn point(&mut self, q: &Q) {
        let [m, s, f] = [q[7], q[8], q[9]].map(|n| from_bcd(n).unwrap_or(0));
        let lba = Msf { m, s, f }.lba();
        match q[2] {
            0xa0 => self.format = q[8],
            0xa2 => self.lead_out = Some(lba),
            point => {
                let Some(number) = from_bcd(point).filter(|n| (1..=99).contains(n)) else { return };
                match self.points.binary_search_by_key(&number, |entry| entry.0) {
                    Ok(_) => {}
                    Err(place) => self.points.insert(place, (number, lba, q[0] >> 4)),
                }
            }
        }
    }

    fn position(&mut self, q: &Q, at: Lba) {
        let (Some(track), Some(index)) = (from_bcd(q[1]), from_bcd(q[2])) else { return };
        if self.seen.last().is_none_or(|last| (last.0, last.1) != (track, index)) {
            self.seen.push((track, index, at));
        }
    }

    fn code(&mut self, q: &Q) {
        let Some(track) = self.seen.last().map(|last| last.0) else { return };
        if self.isrc.last().is_none_or(|last| last.0 != track) {
            self.isrc.push((track, recording_code(q)));
        }
    }

    /// The tracks as the lead-in says, with what has gone by of them since.
    fn tracks(&self, state: TrackState) -> Vec<Track> {
        let lead_out = self.lead_out.unwrap_or(self.next);
        let ends = self.points.iter().skip(1).map(|point| point.1).chain([lead_out]);
        let first = |number, index| {
            self.seen.iter().find(|seen| (seen.0, seen.1) == (number, index)).map(|seen| seen.2)
        };
        self.points
            .iter()
            .zip(ends)
            .map(|(&(number, start, control), end)| {
                let gap = first(number, 0).and_then(|gap| start.checked_from(gap));
                let before = if number == self.points[0].0 { 150 } else { 0 };
                let indexes =
                    (2..100).map_while(|index| first(number, index)?.checked_from(start)).collect();
                let isrc = self.isrc.iter().find(|isrc| isrc.0 == number).map(|isrc| isrc.1);
                let size = end.checked_from(start).unwrap_or_default();
                let complete = state == TrackState::Complete;
                Track {
                    number: number.into(),
                    session: 1,
                    start,
                    size,
                    end: if complete { start + size } else { start },
                    state,
                    way: Way::Raw,
                    clean: complete,
                    damaged: false,
                    control,
                    cd: CdTrack {
                        pregap: gap.unwrap_or(Blocks(before)),
                        indexes,
                        format: self.format,
                        isrc,
                        mcn: self.mcn,
                        ..CdTrack::default()
                    },
                }
            })
            .collect()
    }
}

fn catalogue(q: &Q) -> [u8; 13] {
    std::array::from_fn(|i| {
        let byte = q[1 + i / 2];
        b'0' + (if i % 2 == 0 { byte >> 4 } else { byte & 15 }) % 10
    })
}

fn recording_code(q: &Q) -> [u8; 12] {
    let bits = u64::from_be_bytes([q[1], q[2], q[3], q[4], q[5], q[6], q[7], q[8]]);
    std::array::from_fn(|i| match i {
        0..5 => match (bits >> (58 - 6 * i) & 0x3f) as u8 {
            digit @ 0..10 => b'0' + digit,
            letter @ 17..43 => b'A' + letter - 17,
            _ => b'?',
        },
        _ => b'0' + (bits >> (28 - 4 * (i - 5)) & 15) as u8 % 10,
    })
}

/// Blocks up to here have been taken. Once the lead-in is over its tracks are in the disc's tables.
pub(super) fn taken(cx: &mut Cx<'_>, end: Lba) -> Result<(), Refusal> {
    let live = cx.live()?;
    let Some(raw) = &mut live.raw else { return Ok(()) };
    raw.next = end;
    if end.0 < -150 || raw.begun {
        return Ok(());
    }
    raw.begun = true;
    if live.rehearsal {
        return Ok(());
    }
    for track in raw.tracks(TrackState::Reserved) {
        cx.change(Change::Track(track))?;
    }
    Ok(())
}

/// The steps that end a raw session once its lead-out has begun; until then the drive waits for the
/// rest of it.
pub(super) fn end(cx: &mut Cx<'_>, mut steps: Vec<Step>) -> Result<Vec<Step>, Refusal> {
    let takes = ms(cx.fw.timing(cx.state()?).update_ms);
    let live = cx.live()?;
    let rehearsal = live.rehearsal;
    let Some(raw) = &live.raw else { return Ok(steps) };
    let lead_out = raw.lead_out.filter(|&lead_out| raw.begun && raw.next >= lead_out);
    let tracks = raw.tracks(TrackState::Complete);
    let (Some(lead_out), Some(first), Some(last)) = (lead_out, tracks.first(), tracks.last())
    else {
        return Ok(steps);
    };
    let session = Session {
        number: 1,
        first_track: first.number,
        last_track: last.number,
        lead_out,
        next: None,
    };
    let mut changes: Vec<Change> = tracks.into_iter().map(Change::Track).collect();
    changes.extend([Change::Session(session), Change::Finalised(true)]);
    if !rehearsal {
        steps.push(Step { takes, then: Effect::Medium(changes) });
    }
    steps.push(Step { takes: Default::default(), then: Effect::EndWriting });
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_from_q() {
        let mcn = subchannel::catalogue(0, b"1234567890123", Lba(0));
        assert_eq!(catalogue(&mcn), *b"1234567890123");
        let isrc = subchannel::isrc(0, b"USABC1234567", Lba(0));
        assert_eq!(recording_code(&isrc), *b"USABC1234567");
    }
}
