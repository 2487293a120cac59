//! What the sub-channels of a CD say where the host did not give them: positions, catalogue number
//! and recording codes, made from the disc's tables as the drive made them when it wrote.

use engine::cdda::subchannel::{self, Q, Subcode};
use engine::cdda::{SUBCODE, packs};
use engine::units::{Blocks, Lba};

use crate::medium::{CdTrack, Disc, State, Track, Way};
use crate::store::StoreError;

/// Where a sector lies among the tracks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position<'s> {
    /// The track; nothing in the lead-out.
    pub(super) track: Option<&'s Track>,
    /// Track number, AAh in the lead-out.
    pub(super) number: u8,
    /// Index.
    pub(super) index: u8,
    /// Frames from the track's start, or up to it in a pre-gap.
    pub(super) relative: u32,
    /// CONTROL nibble.
    pub(super) control: u8,
}

/// The first block that belongs to a track: that of its pre-gap.
fn begin(track: &Track) -> Lba {
    Lba(track.start.0.saturating_sub_unsigned(track.cd.pregap.0))
}

/// The position of a sector on a disc with tracks; nothing on one without.
pub(super) fn position(state: &State, at: Lba) -> Option<Position<'_>> {
    let track = state.tracks.iter().rev().find(|track| begin(track) <= at);
    let track = track.or(state.tracks.first())?;
    let lead_out = state
        .sessions
        .iter()
        .find(|session| session.number == track.session)
        .map(|session| session.lead_out);
    if let Some(lead_out) = lead_out.filter(|&lead_out| at >= lead_out) {
        let relative = at.0.abs_diff(lead_out.0);
        let control = track.control;
        return Some(Position { track: None, number: 0xaa, index: 1, relative, control });
    }
    let (index, relative) = match at.checked_from(track.start) {
        None => (0, track.start.0.abs_diff(at.0)),
        Some(inside) => {
            let passed = track.cd.indexes.iter().filter(|&&index| index <= inside).count();
            (1 + passed as u8, inside.0)
        }
    };
    let number = track.number.min(99) as u8;
    Some(Position { track: Some(track), number, index, relative, control: track.control })
}

/// P and Q of a sector. The catalogue number and the recording code take the place of the position
/// in one sector of a hundred each (ECMA-130, 22.3.4).
pub(super) fn pq(state: &State, at: Lba) -> (Q, bool) {
    let Some(place) = position(state, at) else { return ([0; 12], false) };
    let cd: Option<&CdTrack> = place.track.map(|track| &track.cd);
    let (mcn, isrc) = (cd.and_then(|cd| cd.mcn), cd.and_then(|cd| cd.isrc));
    let q = match (at.0.rem_euclid(96), mcn, isrc) {
        (24, Some(mcn), _) => subchannel::catalogue(place.control, &mcn, at),
        (72, _, Some(isrc)) if place.index > 0 => subchannel::isrc(place.control, &isrc, at),
        _ => subchannel::position(place.control, place.number, place.index, place.relative, at),
    };
    // P marks the pause before a track and flickers twice a second in the lead-out
    // (ECMA-130, 22.2).
    let p = match place.number {
        0xaa => place.relative / 19 % 2 == 1,
        _ => place.index == 0,
    };
    (q, p)
}

/// All channels of a sector.
pub(super) fn subcode(disc: &Disc, at: Lba) -> Result<Subcode, StoreError> {
    let state = disc.state();
    let made = || {
        let (q, p) = pq(state, at);
        subchannel::spread(&q, p)
    };
    match disc.subcode(at)? {
        None => Ok(made()),
        Some(given) if !at_once(state, at) => Ok(given),
        Some(given) => {
            let made = made();
            Ok(std::array::from_fn(|i| made[i] & 0xc0 | given[i] & 0x3f))
        }
    }
}

/// Whether this sector was written in a session at once: its P and Q are those that the cue sheet
/// says, only R to W come from the host (MMC-6, 6.33.3, data form of sub-channel).
fn at_once(state: &State, at: Lba) -> bool {
    at.0 >= -150
        && position(state, at).and_then(|place| place.track).is_some_and(|t| t.way == Way::Sao)
}

/// The packs of R to W that begin in a sector; behind the last one recorded come zeros.
pub(super) fn packs(disc: &Disc, at: Lba) -> Result<Subcode, StoreError> {
    let mut three = [[0; SUBCODE]; 3];
    for (i, sector) in three.iter_mut().enumerate() {
        let at = at + Blocks(i as u32);
        if disc.readable(at) {
            *sector = subcode(disc, at)?;
        }
    }
    Ok(packs::gathered(&three))
}

/// Q of a sector.
pub(super) fn q(disc: &Disc, at: Lba) -> Result<(Q, bool), StoreError> {
    match disc.subcode(at)?.filter(|_| !at_once(disc.state(), at)) {
        Some(subcode) => Ok((subchannel::q_of(&subcode), subcode[0] & 0x80 != 0)),
        None => Ok(pq(disc.state(), at)),
    }
}

/// The packs of CD-TEXT in a lead-in, in their order and each once (MMC-6, Annex J). The lead-in
/// repeats them.
pub(super) fn text(disc: &Disc) -> Result<Vec<[u8; 18]>, StoreError> {
    let state = disc.state();
    let mut packs: Vec<[u8; 18]> = Vec::new();
    for (at, blocks) in state.sub.iter().filter(|(at, _)| at.0 < -150) {
        for i in 0..blocks.0 {
            let at = at + Blocks(i);
            if at.0 >= -150 {
                break;
            }
            let Some(subcode) = disc.subcode(at)? else { continue };
            for pack in subchannel::packs(&subcode) {
                let sound = subchannel::crc(&pack[..16]).to_be_bytes() == pack[16..];
                if !sound || !(0x80..=0x8f).contains(&pack[0]) {
                    continue;
                }
                if packs.first() == Some(&pack) || packs.len() >= 2048 {
                    return Ok(packs);
                }
                packs.push(pack);
            }
        }
    }
    Ok(packs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::medium::TrackState;
    use crate::models::{MediumKind, MediumModel};

    fn state() -> State {
        let mut state = State::blank(MediumModel::of_kind(MediumKind::CdR));
        for (number, start) in [(1, 0), (2, 1000)] {
            state.tracks.push(Track {
                number,
                session: 1,
                start: Lba(start),
                size: Blocks(1000),
                end: Lba(start + 1000),
                state: TrackState::Complete,
                way: Way::Sao,
                clean: true,
                damaged: false,
                control: 0,
                cd: CdTrack { indexes: vec![Blocks(500)], ..CdTrack::default() },
            });
        }
        state
    }

    #[test]
    fn positions_follow_the_tables() {
        let state = state();
        let at = |lba| position(&state, Lba(lba)).map(|p| (p.number, p.index, p.relative)).unwrap();
        assert_eq!(at(-150), (1, 0, 150));
        assert_eq!(at(-1), (1, 0, 1));
        assert_eq!(at(0), (1, 1, 0));
        assert_eq!(at(849), (1, 2, 849));
        assert_eq!(at(850), (2, 0, 150));
        assert_eq!(at(1500), (2, 2, 500));
        let (q, p) = pq(&state, Lba(850));
        assert_eq!((q[..10].to_vec(), p), (vec![1, 2, 0, 0, 2, 0, 0, 0, 0x13, 0x25], true));
    }
}
