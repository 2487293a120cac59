//! RESERVE TRACK: a track of a known size.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, ReserveTrack};
use engine::mmc::sense::codes;
use engine::units::{Blocks, Lba};

use super::context::{Cx, Reply, bad_cdb};
use super::job::{Effect, Step};
use super::ms;
use super::tracks::{self, RUN_OUT, Row, SHORTEST};
use crate::medium::{Change, State, Track, TrackState, Way};
use crate::models::{Family, MediumKind};

/// RESERVE TRACK (MMC-6, 6.32).
pub(super) fn reserve_track(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = ReserveTrack::from_cdb(cdb);
    let state = cx.state()?;
    let cd = state.kind().family() == Family::Cd;
    // A session at once or a raw one is the host's plan alone (MMC-6, 6.32).
    let planned = cd && matches!(cx.fw.way(state), Way::Sao | Way::Raw);
    if planned {
        return Err(codes::SEQUENCE_ERROR.into());
    }
    if !tracks::sequential(state) {
        return Err(codes::INCOMPATIBLE_MEDIUM.into());
    }
    if state.finalised {
        return Err(codes::CANNOT_WRITE_MEDIUM.into());
    }
    if cdb.rmz || cd && cdb.arsv {
        return Err(bad_cdb(1, Some(if cdb.rmz { 1 } else { 0 })));
    }
    if cx.live()?.writing.is_some() {
        return Err(codes::SEQUENCE_ERROR.into());
    }
    let rows = cx.rows()?;
    let state = cx.state()?;
    // DVD-R and DVD+R keep the reserved tracks of a session in fixed tables; a CD has an entry of
    // its PMA for each.
    let reserved = state.open_tracks().filter(|t| t.state == TrackState::Reserved).count();
    let most = match state.kind() {
        MediumKind::DvdPlusR => 15,
        MediumKind::BdR => 16,
        MediumKind::CdR | MediumKind::CdRw => 99,
        _ => 2,
    };
    if reserved >= most {
        return Err(codes::NO_MORE_RESERVATIONS.into());
    }
    let Some(row) = rows.last().filter(|row| row.invisible) else {
        return Err(codes::SEQUENCE_ERROR.into());
    };
    let blocks = match cdb.arsv {
        true => cdb.lba().checked_from(row.start).unwrap_or_default(),
        false => cdb.blocks(),
    };
    let Some(size) = size(state, row, blocks) else { return Err(bad_cdb(5, None)) };
    let track = Track {
        number: row.number,
        session: row.session,
        start: row.start,
        size,
        end: row.start,
        state: TrackState::Reserved,
        way: row.way,
        clean: true,
        damaged: false,
        control: row.control,
        cd: Default::default(),
    };
    if super::write::rehearses(cx) {
        return cx.good();
    }
    let takes = ms(cx.fw.timing(state).update_ms);
    let steps = vec![Step { takes, then: Effect::Medium(vec![Change::Track(track)]) }];
    cx.begin(codes::LONG_OPERATION_IN_PROGRESS, false, steps)
}

/// What is set aside for a wish: whole ECC blocks, but exactly the wish for a disc at once; on CD
/// a track's least length at least.
fn size(state: &State, row: &Row, wish: Blocks) -> Option<Blocks> {
    let least = if state.kind().family() == Family::Cd { SHORTEST } else { Blocks(0) };
    // Behind a track at once comes its run-out.
    let behind = if row.way == Way::Tao { RUN_OUT } else { Blocks(0) };
    let end = row.start.checked_add(wish.max(least))?.checked_add(behind)?;
    let end = if row.way == Way::Dao { end } else { tracks::aligned(state, end) };
    let size = end.checked_from(row.start)?;
    (wish > Blocks(0) && size <= row.size && end > Lba(0)).then_some(size)
}
