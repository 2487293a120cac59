//! The journal's words: one [`Change`] for each thing that can happen to a disc, and its compact
//! binary form. Reading is safe on hostile bytes: any record either is a change or is refused.
//!
//! A change says what is true afterwards, not what was done, so that applying one twice is
//! harmless.

use engine::units::{Blocks, Lba};

use super::state::{CdTrack, Format, FormatState, Session, State, Track, TrackState, Way};
use crate::mechanism::{Form, Main};
use crate::models::MediumKind;

/// Something that happened to the disc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These blocks now hold what the store holds in their places.
    Recorded(Lba, Blocks),
    /// These blocks now hold zeros.
    Zeroed(Lba, Blocks),
    /// These blocks are burnt and hold nothing readable.
    Linked(Lba, Blocks),
    /// These blocks are spoilt.
    Damaged(Lba, Blocks),
    /// These blocks hold nothing.
    Erased(Lba, Blocks),
    /// This track is now in the tables, in place of one with the same number.
    Track(Track),
    /// This session is now closed.
    Session(Session),
    /// Tracks from this number on are gone from the tables.
    DropTracks(u16),
    /// Sessions from this number on are gone from the tables.
    DropSessions(u16),
    /// The format of the disc.
    Format(Format),
    /// Blanked by its tables only.
    Minimal(bool),
    /// Closed for ever, or (an erasable disc) no longer so.
    Finalised(bool),
    /// Power calibrations and erasures done so far.
    Wear(u32, u32),
    /// These blocks now lie in a spare area.
    Replaced(Lba, Blocks),
    /// The cluster of the first address now lies at the second.
    Remapped(Lba, Lba),
    /// Nothing lies in a spare area or was written again.
    DropDefects,
    /// Write protected for good, or no longer so.
    Protected(bool),
    /// These sectors of a CD now hold what the store holds in their places, in this form.
    Sectors(Lba, Blocks, Form),
    /// These sectors of a CD are of this form, whatever they hold.
    Form(Lba, Blocks, Form),
    /// These sectors of a CD now hold silence.
    Silence(Lba, Blocks),
}

/// Length of the fixed part of a run record: tag, address, count.
const RUN: usize = 9;

fn put_run(out: &mut Vec<u8>, tag: u8, lba: Lba, blocks: Blocks) {
    out.push(tag);
    out.extend_from_slice(&lba.0.to_le_bytes());
    out.extend_from_slice(&blocks.0.to_le_bytes());
}

fn put_u16(out: &mut Vec<u8>, n: u16) {
    out.extend_from_slice(&n.to_le_bytes());
}

fn put_u32(out: &mut Vec<u8>, n: u32) {
    out.extend_from_slice(&n.to_le_bytes());
}

/// Takes fields off the front of a record.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[n]| n)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn lba(&mut self) -> Option<Lba> {
        self.array().map(|b| Lba(i32::from_le_bytes(b)))
    }

    fn blocks(&mut self) -> Option<Blocks> {
        self.u32().map(Blocks)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn form(&mut self) -> Option<Form> {
        let code = self.u8()?;
        let main = *MAINS.get(usize::from(code & !WITH_SUB))?;
        Some(Form { main, sub: code & WITH_SUB != 0 })
    }

    /// Something that is there or not, in a fixed number of bytes.
    fn option<const N: usize>(&mut self) -> Option<Option<[u8; N]>> {
        let (there, value) = (self.flag()?, self.array::<N>()?);
        (there || value == [0; N]).then_some(there.then_some(value))
    }

    /// A run that stays inside the address range.
    fn run(&mut self) -> Option<(Lba, Blocks)> {
        let (lba, blocks) = (self.lba()?, self.blocks()?);
        lba.checked_add(blocks)?;
        Some((lba, blocks))
    }
}

const WAYS: [Way; 8] = [
    Way::Tao,
    Way::Sao,
    Way::Incremental,
    Way::Dao,
    Way::Sequential,
    Way::Overwrite,
    Way::Raw,
    Way::Packet,
];
const TRACK_STATES: [TrackState; 3] =
    [TrackState::Open, TrackState::Reserved, TrackState::Complete];
const FORMAT_STATES: [FormatState; 4] =
    [FormatState::None, FormatState::Partial, FormatState::Running, FormatState::Complete];

const MAINS: [Main; 4] = [Main::User, Main::Audio, Main::Data, Main::None];

/// Set in the byte of a form with sub-channels.
const WITH_SUB: u8 = 0x80;

fn put_form(out: &mut Vec<u8>, tag: u8, lba: Lba, blocks: Blocks, form: Form) {
    put_run(out, tag, lba, blocks);
    out.push(code_of(&MAINS, &form.main) | if form.sub { WITH_SUB } else { 0 });
}

fn code_of<T: PartialEq>(list: &[T], item: &T) -> u8 {
    list.iter().position(|x| x == item).map_or(u8::MAX, |at| at as u8)
}

impl Change {
    /// The record for the journal.
    pub fn emit(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(RUN);
        match self {
            Change::Recorded(lba, blocks) => put_run(&mut out, 1, *lba, *blocks),
            Change::Zeroed(lba, blocks) => put_run(&mut out, 2, *lba, *blocks),
            Change::Linked(lba, blocks) => put_run(&mut out, 3, *lba, *blocks),
            Change::Damaged(lba, blocks) => put_run(&mut out, 4, *lba, *blocks),
            Change::Erased(lba, blocks) => put_run(&mut out, 5, *lba, *blocks),
            Change::Track(track) => emit_track(&mut out, track),
            Change::Session(session) => emit_session(&mut out, session),
            Change::DropTracks(from) => {
                out.push(8);
                put_u16(&mut out, *from);
            }
            Change::DropSessions(from) => {
                out.push(9);
                put_u16(&mut out, *from);
            }
            Change::Format(format) => emit_format(&mut out, format),
            Change::Minimal(on) => out.extend_from_slice(&[11, u8::from(*on)]),
            Change::Finalised(on) => out.extend_from_slice(&[12, u8::from(*on)]),
            Change::Wear(calibrations, erasures) => {
                out.push(13);
                put_u32(&mut out, *calibrations);
                put_u32(&mut out, *erasures);
            }
            Change::Replaced(lba, blocks) => put_run(&mut out, 32, *lba, *blocks),
            Change::Remapped(from, to) => {
                put_run(&mut out, 33, *from, Blocks(to.0.cast_unsigned()));
            }
            Change::DropDefects => out.push(34),
            Change::Protected(on) => out.extend_from_slice(&[35, u8::from(*on)]),
            Change::Sectors(lba, blocks, form) => put_form(&mut out, 14, *lba, *blocks, *form),
            Change::Form(lba, blocks, form) => put_form(&mut out, 15, *lba, *blocks, *form),
            Change::Silence(lba, blocks) => put_run(&mut out, 16, *lba, *blocks),
        }
        out
    }

    /// The change that a record says; `None` if it says none.
    pub fn parse(record: &[u8]) -> Option<Change> {
        let mut r = Reader(record);
        let change = match r.u8()? {
            1 => r.run().map(|(lba, blocks)| Change::Recorded(lba, blocks))?,
            2 => r.run().map(|(lba, blocks)| Change::Zeroed(lba, blocks))?,
            3 => r.run().map(|(lba, blocks)| Change::Linked(lba, blocks))?,
            4 => r.run().map(|(lba, blocks)| Change::Damaged(lba, blocks))?,
            5 => r.run().map(|(lba, blocks)| Change::Erased(lba, blocks))?,
            6 => Change::Track(parse_track(&mut r)?),
            7 => Change::Session(parse_session(&mut r)?),
            8 => Change::DropTracks(r.u16()?),
            9 => Change::DropSessions(r.u16()?),
            10 => Change::Format(parse_format(&mut r)?),
            11 => Change::Minimal(r.flag()?),
            12 => Change::Finalised(r.flag()?),
            13 => Change::Wear(r.u32()?, r.u32()?),
            32 => r.run().map(|(lba, blocks)| Change::Replaced(lba, blocks))?,
            33 => {
                let cluster = |at: &Lba| at.0 >= 0 && at.0 % 32 == 0;
                Change::Remapped(r.lba().filter(cluster)?, r.lba().filter(cluster)?)
            }
            34 => Change::DropDefects,
            35 => Change::Protected(r.flag()?),
            14 => {
                let (lba, blocks) = r.run()?;
                Change::Sectors(lba, blocks, r.form()?)
            }
            15 => {
                let (lba, blocks) = r.run()?;
                Change::Form(lba, blocks, r.form()?)
            }
            16 => r.run().map(|(lba, blocks)| Change::Silence(lba, blocks))?,
            17 => {
                let cd = parse_cd_track(&mut r).filter(|cd| *cd != CdTrack::default())?;
                Change::Track(Track { cd, ..parse_track(&mut r)? })
            }
            _ => return None,
        };
        r.0.is_empty().then_some(change)
    }

    /// Makes it true of this state.
    pub fn apply(&self, state: &mut State) {
        match self {
            Change::Recorded(lba, blocks) => {
                state.recorded.insert(*lba, *blocks);
                if !state.zeros.is_empty() {
                    state.zeros.remove(*lba, *blocks);
                }
                formed(state, *lba, *blocks, Form::USER);
            }
            Change::Zeroed(lba, blocks) => {
                state.recorded.insert(*lba, *blocks);
                state.zeros.insert(*lba, *blocks);
                formed(state, *lba, *blocks, Form::USER);
            }
            Change::Linked(lba, blocks) => {
                state.recorded.remove(*lba, *blocks);
                state.zeros.remove(*lba, *blocks);
                state.links.insert(*lba, *blocks);
            }
            Change::Damaged(lba, blocks) => {
                state.recorded.remove(*lba, *blocks);
                state.zeros.remove(*lba, *blocks);
                state.damaged.insert(*lba, *blocks);
            }
            Change::Erased(lba, blocks) => {
                state.recorded.remove(*lba, *blocks);
                state.zeros.remove(*lba, *blocks);
                state.links.remove(*lba, *blocks);
                state.damaged.remove(*lba, *blocks);
                formed(state, *lba, *blocks, Form::USER);
            }
            Change::Track(track) => {
                match state.tracks.binary_search_by_key(&track.number, |t| t.number) {
                    Ok(at) => state.tracks[at] = track.clone(),
                    Err(at) => state.tracks.insert(at, track.clone()),
                }
            }
            Change::Session(session) => {
                match state.sessions.binary_search_by_key(&session.number, |s| s.number) {
                    Ok(at) => state.sessions[at] = session.clone(),
                    Err(at) => state.sessions.insert(at, session.clone()),
                }
            }
            Change::DropTracks(from) => state.tracks.retain(|track| track.number < *from),
            Change::DropSessions(from) => state.sessions.retain(|s| s.number < *from),
            Change::Format(format) => state.format = *format,
            Change::Minimal(on) => state.minimal = *on,
            Change::Finalised(on) => state.finalised = *on,
            Change::Wear(calibrations, erasures) => {
                state.calibrations = *calibrations;
                state.erasures = *erasures;
            }
            Change::Replaced(lba, blocks) => state.replaced.insert(*lba, *blocks),
            Change::Remapped(from, to) => {
                state.remapped.insert(*from, *to);
            }
            Change::DropDefects => {
                state.replaced.clear();
                state.remapped.clear();
            }
            Change::Protected(on) => state.protected = *on,
            Change::Sectors(lba, blocks, form) => {
                state.recorded.insert(*lba, *blocks);
                state.zeros.remove(*lba, *blocks);
                formed(state, *lba, *blocks, *form);
            }
            Change::Form(lba, blocks, form) => formed(state, *lba, *blocks, *form),
            Change::Silence(lba, blocks) => {
                state.recorded.insert(*lba, *blocks);
                state.zeros.insert(*lba, *blocks);
                formed(state, *lba, *blocks, Form::AUDIO);
            }
        }
    }
}

/// These sectors are of this form.
fn formed(state: &mut State, lba: Lba, blocks: Blocks, form: Form) {
    let is = [
        (&mut state.audio, matches!(form.main, Main::Audio | Main::None)),
        (&mut state.whole, form.main == Main::Data),
        (&mut state.sub, form.sub),
    ];
    for (runs, inside) in is {
        match inside {
            true => runs.insert(lba, blocks),
            false if !runs.is_empty() => runs.remove(lba, blocks),
            false => {}
        }
    }
}

fn emit_track(out: &mut Vec<u8>, track: &Track) {
    if track.cd == CdTrack::default() {
        out.push(6);
    } else {
        out.push(17);
        emit_cd_track(out, &track.cd);
    }
    put_u16(out, track.number);
    put_u16(out, track.session);
    out.extend_from_slice(&track.start.0.to_le_bytes());
    put_u32(out, track.size.0);
    out.extend_from_slice(&track.end.0.to_le_bytes());
    out.push(code_of(&TRACK_STATES, &track.state));
    out.push(code_of(&WAYS, &track.way));
    out.push(u8::from(track.clean));
    out.push(u8::from(track.damaged));
    out.push(track.control);
}

fn parse_track(r: &mut Reader<'_>) -> Option<Track> {
    let track = Track {
        number: r.u16()?,
        session: r.u16()?,
        start: r.lba()?,
        size: r.blocks()?,
        end: r.lba()?,
        state: *TRACK_STATES.get(usize::from(r.u8()?))?,
        way: *WAYS.get(usize::from(r.u8()?))?,
        clean: r.flag()?,
        damaged: r.flag()?,
        control: r.u8()?,
        cd: CdTrack::default(),
    };
    track.start.checked_add(track.size)?;
    (track.number != 0 && track.session != 0 && track.end >= track.start).then_some(track)
}

fn emit_cd_track(out: &mut Vec<u8>, cd: &CdTrack) {
    put_u32(out, cd.pregap.0);
    out.extend_from_slice(&[cd.mode, cd.format]);
    put_u32(out, cd.packet);
    out.push(u8::from(cd.isrc.is_some()));
    out.extend_from_slice(&cd.isrc.unwrap_or_default());
    out.push(u8::from(cd.mcn.is_some()));
    out.extend_from_slice(&cd.mcn.unwrap_or_default());
    // Indexes run from 2 to 99 (IEC 60908, 17.5.1).
    let indexes = &cd.indexes[..cd.indexes.len().min(98)];
    out.push(indexes.len() as u8);
    for index in indexes {
        put_u32(out, index.0);
    }
}

fn parse_cd_track(r: &mut Reader<'_>) -> Option<CdTrack> {
    let small = |blocks: Blocks| (blocks.0 < 1 << 20).then_some(blocks);
    let (pregap, mode, format, packet) = (small(r.blocks()?)?, r.u8()?, r.u8()?, r.u32()?);
    let (isrc, mcn) = (r.option()?, r.option()?);
    let mut indexes = Vec::new();
    for _ in 0..Some(r.u8()?).filter(|&n| n <= 98)? {
        indexes.push(small(r.blocks()?)?);
    }
    Some(CdTrack { pregap, indexes, mode, format, packet, isrc, mcn })
}

fn emit_session(out: &mut Vec<u8>, session: &Session) {
    out.push(7);
    put_u16(out, session.number);
    put_u16(out, session.first_track);
    put_u16(out, session.last_track);
    out.extend_from_slice(&session.lead_out.0.to_le_bytes());
    out.push(u8::from(session.next.is_some()));
    out.extend_from_slice(&session.next.unwrap_or_default().0.to_le_bytes());
}

fn parse_session(r: &mut Reader<'_>) -> Option<Session> {
    let (number, first_track, last_track, lead_out) = (r.u16()?, r.u16()?, r.u16()?, r.lba()?);
    let (more, next) = (r.flag()?, r.lba()?);
    let next = more.then_some(next);
    (number != 0 && first_track != 0 && first_track <= last_track).then_some(Session {
        number,
        first_track,
        last_track,
        lead_out,
        next,
    })
}

fn emit_format(out: &mut Vec<u8>, format: &Format) {
    out.push(10);
    out.push(code_of(&FORMAT_STATES, &format.state));
    out.push(format.code);
    out.push(format.sub);
    put_u32(out, format.blocks.0);
    out.extend_from_slice(&format.reached.0.to_le_bytes());
}

fn parse_format(r: &mut Reader<'_>) -> Option<Format> {
    Some(Format {
        state: *FORMAT_STATES.get(usize::from(r.u8()?))?,
        code: r.u8()?,
        sub: r.u8()?,
        blocks: r.blocks().filter(|blocks| i32::try_from(blocks.0).is_ok())?,
        reached: r.lba()?,
    })
}

/// The forms of all sectors that are of another than user data.
fn forms(state: &State) -> Vec<Change> {
    let sets = [&state.audio, &state.whole, &state.sub];
    let runs = || sets.iter().flat_map(|runs| runs.iter());
    let mut borders: Vec<i32> =
        runs().flat_map(|(lba, blocks)| [lba.0, lba.0.saturating_add_unsigned(blocks.0)]).collect();
    borders.sort_unstable();
    borders.dedup();
    let mut changes = Vec::new();
    for pair in borders.windows(2) {
        let at = Lba(pair[0]);
        let [audio, whole, sub] = sets.map(|runs| runs.contains(at));
        let main = match (audio, whole) {
            (true, _) => Main::Audio,
            (_, true) => Main::Data,
            _ => Main::User,
        };
        if audio || whole || sub {
            let blocks = Blocks(pair[1].abs_diff(pair[0]));
            changes.push(Change::Form(at, blocks, Form { main, sub }));
        }
    }
    changes
}

/// A whole state as the fewest changes that lead to it from a blank disc.
pub(super) fn snapshot(state: &State) -> Vec<Change> {
    let mut changes = Vec::new();
    if state.kind() == MediumKind::DvdRam {
        // It comes with zeros all over, which may be gone.
        changes.push(Change::Erased(Lba(0), state.capacity()));
    }
    changes.extend(state.recorded.iter().map(|(lba, blocks)| Change::Recorded(lba, blocks)));
    changes.extend(state.zeros.iter().map(|(lba, blocks)| Change::Zeroed(lba, blocks)));
    changes.extend(forms(state));
    changes.extend(state.links.iter().map(|(lba, blocks)| Change::Linked(lba, blocks)));
    changes.extend(state.damaged.iter().map(|(lba, blocks)| Change::Damaged(lba, blocks)));
    changes.extend(state.tracks.iter().cloned().map(Change::Track));
    changes.extend(state.sessions.iter().cloned().map(Change::Session));
    changes.extend(state.replaced.iter().map(|(lba, blocks)| Change::Replaced(lba, blocks)));
    changes.extend(state.remapped.iter().map(|(&from, &to)| Change::Remapped(from, to)));
    changes.push(Change::Protected(state.protected));
    changes.push(Change::Format(state.format));
    changes.push(Change::Minimal(state.minimal));
    changes.push(Change::Finalised(state.finalised));
    changes.push(Change::Wear(state.calibrations, state.erasures));
    changes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::models::MediumModel;

    fn some_changes() -> Vec<Change> {
        vec![
            Change::Recorded(Lba(-150), Blocks(450)),
            Change::Zeroed(Lba(300), Blocks(10)),
            Change::Linked(Lba(310), Blocks(2)),
            Change::Damaged(Lba(4), Blocks(1)),
            Change::Erased(Lba(100), Blocks(5)),
            Change::Track(Track {
                number: 1,
                session: 1,
                start: Lba(0),
                size: Blocks(312),
                end: Lba(312),
                state: TrackState::Complete,
                way: Way::Tao,
                clean: true,
                damaged: false,
                control: 4,
                cd: CdTrack::default(),
            }),
            Change::Track(Track {
                number: 2,
                session: 2,
                start: Lba(11_712),
                size: Blocks(600),
                end: Lba(12_312),
                state: TrackState::Complete,
                way: Way::Sao,
                clean: true,
                damaged: false,
                control: 0,
                cd: CdTrack {
                    indexes: vec![Blocks(300)],
                    isrc: Some(*b"USABC1234567"),
                    ..CdTrack::default()
                },
            }),
            Change::Silence(Lba(11_562), Blocks(150)),
            Change::Sectors(Lba(11_712), Blocks(600), Form { main: Main::Audio, sub: true }),
            Change::Sectors(Lba(12_000), Blocks(3), Form::DATA),
            Change::Session(Session {
                number: 1,
                first_track: 1,
                last_track: 1,
                lead_out: Lba(312),
                next: Some(Lba(11_712)),
            }),
            Change::Format(Format {
                state: FormatState::Partial,
                blocks: Blocks(7),
                ..Format::NONE
            }),
            Change::Minimal(true),
            Change::Finalised(false),
            Change::Wear(3, 1),
            Change::Replaced(Lba(64), Blocks(32)),
            Change::Remapped(Lba(0), Lba(320)),
            Change::Protected(true),
        ]
    }

    #[test]
    fn a_snapshot_leads_to_the_same_state() {
        let blank = || State::blank(MediumModel::of_kind(MediumKind::CdR));
        let mut state = blank();
        for change in some_changes() {
            let record = change.emit();
            assert_eq!(Change::parse(&record), Some(change.clone()));
            assert_eq!(Change::parse(&record[..record.len() - 1]), None);
            change.apply(&mut state);
        }
        assert!(!state.recorded.contains(Lba(4)) && !state.recorded.contains(Lba(310)));
        let mut again = blank();
        for change in snapshot(&state) {
            change.apply(&mut again);
        }
        assert_eq!(again, state);
    }

    proptest! {
        #[test]
        fn any_record_is_a_change_or_refused(record in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(change) = Change::parse(&record) {
                prop_assert_eq!(change.emit(), record);
                change.apply(&mut State::blank(MediumModel::of_kind(MediumKind::BdR)));
            }
        }
    }
}
