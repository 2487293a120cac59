//! READ DISC INFORMATION and READ TRACK INFORMATION.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, ReadDiscInformation, ReadTrackInformation, TrackAddress};
use engine::mmc::disc::{
    BackgroundFormat, DiscInformation, DiscStatus, PowResources, SessionState, TrackInformation,
    TrackResources, field_of_msf,
};
use engine::units::{Blocks, Lba, Msf};

use super::context::{Answer, Cx, Refusal, Reply, bad_cdb};
use super::format::PACKET;
use super::tracks::{self, Row};
use crate::medium::{FormatState, State, Way};
use crate::models::{Family, MediumKind, Quirk};

/// READ DISC INFORMATION (MMC-6, 6.22).
pub(super) fn read_disc_information(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReadDiscInformation::from_cdb(cdb);
    let rows = cx.rows()?;
    let reply = match cdb.kind {
        0 => {
            let unknown = cx.fw.model.behaviour.quirks.contains(&Quirk::LeadOutUnknown);
            disc_information(cx.state()?, &rows, unknown).emit_with_opc(&[])
        }
        1 => resources(cx.state()?, &rows).emit().to_vec(),
        2 if cx.state()?.pseudo_overwrite() => pow_resources(cx.state()?).emit().to_vec(),
        _ => return Err(bad_cdb(1, Some(2))),
    };
    cx.send(&reply, cdb.allocation.into(), data)
}

fn disc_information(state: &State, rows: &[Row], lead_out_unknown: bool) -> DiscInformation {
    let (status, session_state) = status(state, rows);
    let open = status != DiscStatus::Complete;
    let last_session = match (tracks::sequential(state), open) {
        (false, _) => 1,
        (true, true) => state.open_session(),
        (true, false) => state.sessions.last().map_or(1, |session| session.number),
    };
    let in_last = |row: &&Row| row.session == last_session;
    let first = rows.iter().find(in_last).map_or(1, |row| row.number);
    let last = rows.iter().rev().find(in_last).map_or(first, |row| row.number);
    let (lead_in_start, last_lead_out) = addresses(state, status);
    let formatting = state.kind() == MediumKind::DvdPlusRw;
    DiscInformation {
        erasable: state.kind().rewritable(),
        session_state,
        status,
        first_track: rows.first().map_or(1, |row| row.number) as u8,
        sessions: last_session,
        first_track_last_session: first,
        last_track_last_session: last,
        unrestricted: true,
        background: match state.format.state {
            _ if !formatting => BackgroundFormat::None,
            FormatState::None => BackgroundFormat::None,
            FormatState::Partial => BackgroundFormat::Stopped,
            FormatState::Running => BackgroundFormat::Running,
            FormatState::Complete => BackgroundFormat::Complete,
        },
        disc_type: match status {
            DiscStatus::Blank => 0xff,
            _ => state.tracks.first().map_or(0, |track| track.cd.format),
        },
        lead_in_start,
        last_lead_out: if lead_out_unknown { 0x00ff_ffff } else { last_lead_out },
        ..DiscInformation::default()
    }
}

/// State of the disc and of its last session (MMC-6, 6.22.3.1.2 and .3).
pub(super) fn status(state: &State, rows: &[Row]) -> (DiscStatus, SessionState) {
    if !tracks::sequential(state) {
        return match state.format.state {
            FormatState::None => (DiscStatus::Blank, SessionState::Empty),
            // A DVD-RW in the intermediate state takes more at its end.
            FormatState::Partial if state.kind() == MediumKind::DvdRw => {
                (DiscStatus::Appendable, SessionState::Incomplete)
            }
            _ => (DiscStatus::Complete, SessionState::Complete),
        };
    }
    if state.finalised {
        return (DiscStatus::Complete, SessionState::Complete);
    }
    if state.is_blank() {
        return (DiscStatus::Blank, SessionState::Empty);
    }
    let session = state.open_session();
    let mut open = rows.iter().filter(|row| row.session == session && !row.invisible);
    let damaged = open.clone().any(|row| row.damaged && !row.complete);
    let in_session = match open.next() {
        None => SessionState::Empty,
        Some(_) if damaged => SessionState::Damaged,
        Some(_) => SessionState::Incomplete,
    };
    (DiscStatus::Appendable, in_session)
}

/// Start of the last session's lead-in, and the last place where a lead-out can start.
fn addresses(state: &State, status: DiscStatus) -> (u32, u32) {
    let complete = status == DiscStatus::Complete;
    let end = state.capacity().0;
    match (state.kind(), &state.model.atip) {
        (MediumKind::CdR | MediumKind::CdRw, Some(atip)) => {
            // None there is: FFFFFFh (MMC-6, 6.22.3.1.17).
            let none = 0x00ff_ffff;
            let lead_in = match state.sessions.last() {
                None => Some(atip.lead_in),
                // A minute of lead-in and the pre-gap lie before the next session.
                Some(last) => last.next.and_then(|next| Lba(next.0 - 4650).msf()),
            };
            let field = |msf: Option<Msf>| msf.map_or(none, field_of_msf);
            match complete {
                true => (none, none),
                false => (field(lead_in), field_of_msf(atip.lead_out)),
            }
        }
        (MediumKind::DvdPlusR, _) if complete => (u32::MAX, u32::MAX),
        (MediumKind::DvdPlusR | MediumKind::DvdR | MediumKind::DvdRw, _) => {
            let next = state.sessions.last().and_then(|last| last.next);
            (next.map_or(0, |next| next.0 as u32), end)
        }
        _ => (0, 0),
    }
}

/// READ DISC INFORMATION, type 1 (MMC-6, 6.22.3.2).
fn resources(state: &State, rows: &[Row]) -> TrackResources {
    let most = match state.kind().family() {
        Family::Cd => 99,
        Family::Dvd => 153,
        Family::Bd => 7927,
    };
    TrackResources {
        max_tracks: most,
        tracks: rows.iter().filter(|row| !row.invisible).count() as u16,
        max_appendable: if state.kind().family() == Family::Cd { 1 } else { 16 },
        appendable: rows.iter().filter(|row| row.nwa.is_some()).count() as u16,
    }
}

/// READ DISC INFORMATION, type 2 (MMC-6, 6.22.3.3): what pseudo-overwrite can still do.
pub(super) fn pow_resources(state: &State) -> PowResources {
    let to = state.remap_to().0.cast_unsigned();
    let used = u32::try_from(state.remapped.len()).unwrap_or(u32::MAX);
    let entries = MOST_REMAPPED.saturating_sub(used);
    PowResources {
        replacements: state.format.blocks.0.saturating_sub(to) / 32,
        map_entries: entries,
        updates: entries,
    }
}

/// Entries that the defect lists in the management areas of a single-layer BD-R have room for:
/// lists of 7 clusters with 8 bytes for each entry, the last cluster being half full.
const MOST_REMAPPED: u32 = 7 * 32 * 2048 / 8 - 2048;

/// READ TRACK INFORMATION (MMC-6, 6.27).
pub(super) fn read_track_information(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReadTrackInformation::from_cdb(cdb);
    if super::write::rewriting(cx)? {
        return Ok(Answer::Again(cx.fw.laser.drained_at(cx.now)));
    }
    let rows = cx.rows()?;
    let row = wanted(&rows, &cdb)?;
    let state = cx.state()?;
    let reply = track_information(state, row).reply(36);
    cx.send(&reply, cdb.allocation.into(), data)
}

fn wanted<'r>(rows: &'r [Row], cdb: &ReadTrackInformation) -> Result<&'r Row, Refusal> {
    let n = cdb.address;
    let row = match cdb.by {
        // The lowest open track from that number on (MMC-6, 6.27.2.2).
        TrackAddress::Track if cdb.open => {
            rows.iter().find(|row| u32::from(row.number) >= n && !row.complete)
        }
        TrackAddress::Track if n == 0xff => {
            rows.iter().rev().find(|row| !row.complete).or(rows.last())
        }
        TrackAddress::Track => rows.iter().find(|row| u32::from(row.number) == n),
        TrackAddress::Session => rows.iter().find(|row| u32::from(row.session) == n),
        TrackAddress::Lba => {
            let lba = Lba(n as i32);
            rows.iter().find(|row| {
                let before = if row.number == 1 { -150 } else { row.start.0 };
                lba.0 >= before && row.start.checked_add(row.size).is_none_or(|end| lba < end)
            })
        }
        TrackAddress::Other(_) => return Err(bad_cdb(1, Some(1))),
    };
    row.ok_or_else(|| bad_cdb(2, None))
}

fn track_information(state: &State, row: &Row) -> TrackInformation {
    let kind = state.kind();
    let bits = Bits::of(kind, row);
    TrackInformation {
        track: row.number,
        session: row.session,
        damage: row.damaged,
        track_mode: row.control,
        reserved: bits.reserved,
        blank: bits.blank,
        packet: bits.packet,
        fixed_packet: bits.fixed,
        data_mode: match state.track(row.number) {
            _ if row.blank => 0xf,
            Some(track) => track.cd.mode,
            None => 1,
        },
        lra_valid: row.last.is_some() && kind.family() != Family::Cd,
        nwa_valid: row.nwa.is_some(),
        start: row.start,
        next_writable: row.nwa.unwrap_or_default(),
        free: row.free,
        packet_size: match kind.family() {
            Family::Cd if bits.fixed => PACKET,
            Family::Cd => Blocks(0),
            _ => state.unit(),
        },
        size: row.size,
        last_recorded: row.last.unwrap_or_default(),
        ..TrackInformation::default()
    }
}

/// RT, Blank, Packet and FP of byte 6 (MMC-6, 6.27.3, table of track status indications).
struct Bits {
    reserved: bool,
    blank: bool,
    packet: bool,
    fixed: bool,
}

impl Bits {
    fn of(kind: MediumKind, row: &Row) -> Bits {
        // A track of a CD with nothing in it has no way of writing yet.
        let packet = row.way == Way::Incremental || row.way == Way::Packet && !row.blank;
        let set_aside = row.reserved && matches!(row.way, Way::Tao | Way::Packet);
        let restricted = matches!(kind, MediumKind::DvdRw | MediumKind::CdRw);
        let overwritten = row.way == Way::Overwrite && restricted;
        Bits {
            reserved: match kind {
                MediumKind::CdR | MediumKind::CdRw => row.complete || set_aside,
                // Without it the fragment would be the invisible one.
                MediumKind::DvdPlusR => row.reserved || row.complete,
                _ => row.reserved,
            },
            blank: row.blank,
            packet: packet || overwritten,
            fixed: overwritten,
        }
    }
}
