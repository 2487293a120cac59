//! READ TOC/PMA/ATIP: the TOC of closed sessions; of tracks in an open session what the PMA has.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, ReadToc, TocFormat};
use engine::mmc::disc::field_of_msf;
use engine::mmc::sense::codes;
use engine::mmc::toc::{
    Atip, CdTextPack, FullToc, LEAD_OUT, QEntry, SessionInfo, Toc, TocEntry, emit_cd_text,
};
use engine::units::{Lba, Msf};

use super::context::{Cx, Refusal, Reply, bad_cdb};
use super::{subchannel, tracks};
use crate::medium::{FormatState, Session, State, Track, TrackState, Way};
use crate::models::Family;

/// READ TOC/PMA/ATIP (MMC-6, 6.26). The old place of the format in byte 9 counts too (SFF-8020i).
pub(super) fn read_toc(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReadToc::from_cdb(cdb);
    let state = cx.state()?;
    let cd = state.kind().family() == Family::Cd;
    let format = cdb.wanted();
    let reply = match format {
        TocFormat::Toc => toc(state, cdb.start, cdb.msf)?,
        TocFormat::Session => sessions(state, cdb.msf)?,
        TocFormat::FullToc if cd => full_toc(state, cdb.start)?,
        TocFormat::Pma if cd => pma(state),
        TocFormat::Atip if cd => atip(state)?,
        TocFormat::CdText if cd => cd_text(cx)?,
        _ => return Err(bad_cdb(2, Some(3))),
    };
    cx.send(&reply, cdb.allocation.into(), data)
}

/// Format 5 (MMC-6, 6.26.3.7): the packs in the lead-in.
fn cd_text(cx: &Cx<'_>) -> Result<Vec<u8>, Refusal> {
    let disc = cx.disc.as_ref().ok_or(codes::NO_MEDIUM)?;
    let packs = subchannel::text(disc).map_err(|_| codes::READ_ERROR)?;
    let packs: Vec<CdTextPack> = packs.iter().map(|pack| CdTextPack::parse_cut(pack)).collect();
    Ok(emit_cd_text(&packs))
}

/// An address as the host wants it.
fn address(lba: Lba, msf: bool) -> u32 {
    match msf {
        false => lba.0 as u32,
        // Addresses past the end of the MSF scale read as its end.
        true => field_of_msf(lba.msf().unwrap_or(Msf { m: 255, s: 59, f: 74 })),
    }
}

/// Tracks that a TOC can list: the one of an overwritable disc, or those that are complete.
fn listed(state: &State) -> Vec<Track> {
    if tracks::sequential(state) {
        return state
            .tracks
            .iter()
            .filter(|track| track.state == TrackState::Complete)
            .cloned()
            .collect();
    }
    if state.format.state == FormatState::None {
        return Vec::new();
    }
    vec![Track {
        number: 1,
        session: 1,
        start: Lba(0),
        size: state.format.blocks,
        end: Lba(0),
        state: TrackState::Complete,
        way: Way::Overwrite,
        clean: true,
        damaged: false,
        control: 4,
        cd: Default::default(),
    }]
}

fn end(track: &Track) -> Lba {
    track.start.checked_add(track.size).unwrap_or(track.end)
}

/// Format 0 (MMC-6, 6.26.3.2).
fn toc(state: &State, start: u8, msf: bool) -> Result<Vec<u8>, Refusal> {
    let tracks = listed(state);
    let (Some(first), Some(last)) = (tracks.first(), tracks.last()) else {
        return Err(bad_cdb(2, Some(3)));
    };
    // A TOC ends at 99; a BD-R can have more tracks.
    let number = |track: &Track| track.number.min(99) as u8;
    if start != LEAD_OUT && u16::from(start) > u16::from(number(last)) {
        return Err(bad_cdb(6, None));
    }
    let mut entries: Vec<TocEntry> = tracks
        .iter()
        .filter(|track| track.number <= 99 && track.number >= u16::from(start))
        .map(|track| TocEntry {
            adr: 1,
            control: track.control,
            track: number(track),
            address: address(track.start, msf),
        })
        .collect();
    if start == LEAD_OUT {
        entries.clear();
    }
    entries.push(TocEntry {
        adr: 1,
        control: last.control,
        track: LEAD_OUT,
        address: address(end(last), msf),
    });
    Ok(Toc { first: number(first), last: number(last), entries }.emit())
}

/// Format 1: the first track of the last complete session (MMC-6, 6.26.3.3). A session that is open
/// but has complete tracks counts, as drives that can write show it so.
fn sessions(state: &State, msf: bool) -> Result<Vec<u8>, Refusal> {
    let tracks = listed(state);
    let last = tracks.last().map_or(0, |track| track.session);
    let last = state.sessions.last().map_or(last, |session| session.number);
    let Some(track) = tracks.iter().find(|track| track.session == last) else {
        return Err(bad_cdb(2, Some(3)));
    };
    let info = SessionInfo {
        first: 1,
        last: last.min(255) as u8,
        adr: 1,
        control: track.control,
        track: track.number.min(255) as u8,
        address: address(track.start, msf),
    };
    Ok(info.emit().to_vec())
}

fn bytes(msf: Msf) -> [u8; 3] {
    [msf.m, msf.s, msf.f]
}

/// An address in a Q entry.
fn point(lba: Lba) -> [u8; 3] {
    bytes(lba.msf().unwrap_or(Msf { m: 99, s: 59, f: 74 }))
}

/// Format 2 (MMC-6, 6.26.3.4): the Q sub-channel of all lead-ins.
fn full_toc(state: &State, from: u8) -> Result<Vec<u8>, Refusal> {
    let Some(last) = state.sessions.last() else { return Err(bad_cdb(2, Some(3))) };
    let mut entries = Vec::new();
    for session in state.sessions.iter().filter(|s| s.number >= u16::from(from)) {
        session_entries(state, session, &mut entries);
    }
    Ok(FullToc { first: 1, last: last.number.min(99) as u8, entries }.emit())
}

fn session_entries(state: &State, session: &Session, entries: &mut Vec<QEntry>) {
    let number = session.number.min(99) as u8;
    let entry = |point: u8, point_msf| QEntry {
        session: number,
        adr: 1,
        control: 4,
        tno: 0,
        point,
        msf: [0; 3],
        zero: 0,
        point_msf,
    };
    let first = state.track(session.first_track);
    let format = first.map_or(0, |track| track.cd.format);
    let first_control = first.map_or(4, |track| track.control);
    let control = state.track(session.last_track).map_or(4, |track| track.control);
    let a0 = entry(0xa0, [session.first_track.min(99) as u8, format, 0]);
    entries.push(QEntry { control: first_control, ..a0 });
    let a1 = entry(0xa1, [session.last_track.min(99) as u8, 0, 0]);
    entries.push(QEntry { control, ..a1 });
    entries.push(QEntry { control, ..entry(0xa2, point(session.lead_out)) });
    let inside = |t: &&Track| t.session == session.number && t.number <= 99;
    for track in state.tracks.iter().filter(inside) {
        let control = track.control;
        entries.push(QEntry { control, ..entry(track.number as u8, point(track.start)) });
    }
    let Some(atip) = &state.model.atip else { return };
    // Where the next program area may start, and the last possible lead-out; nothing once closed
    // (MMC-6, 4.2.3.7, B0h).
    if let Some(next) = session.next {
        let msf = point(Lba(next.0 - 150));
        let b0 = entry(0xb0, bytes(atip.lead_out));
        entries.push(QEntry { adr: 5, msf, zero: 2, ..b0 });
    }
    if session.number == 1 {
        let c0 = entry(0xc0, bytes(atip.lead_in));
        entries.push(QEntry { adr: 5, msf: [atip.power << 5, 0, 0], ..c0 });
    }
}

/// Format 3 (MMC-6, 6.26.3.5): what the program memory area says.
fn pma(state: &State) -> Vec<u8> {
    let entries = state
        .tracks
        .iter()
        .filter(|track| track.state == TrackState::Complete && track.number <= 99)
        .map(|track| QEntry {
            session: 0,
            adr: 1,
            control: track.control,
            tno: 0,
            point: track.number as u8,
            msf: point(end(track)),
            zero: 0,
            point_msf: point(track.start),
        })
        .collect();
    FullToc { first: 0, last: 0, entries }.emit()
}

/// Format 4 (MMC-6, 6.26.3.6).
fn atip(state: &State) -> Result<Vec<u8>, Refusal> {
    let Some(atip) = &state.model.atip else { return Err(bad_cdb(2, Some(3))) };
    let reply = Atip {
        power: atip.power,
        unrestricted: true,
        rewritable: state.kind().rewritable(),
        sub_type: atip.sub_type,
        lead_in: bytes(atip.lead_in),
        last_lead_out: bytes(atip.lead_out),
        ..Atip::default()
    };
    Ok(reply.emit().to_vec())
}
