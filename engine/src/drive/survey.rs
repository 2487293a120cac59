//! Finding out what lies in the tray: which questions, in which order, and what the answers mean
//! together.
//!
//! A survey asks for one command after the other and sends none itself, so that a blocking
//! [`super::Recorder`] and a burn's step machine ask the same.

use super::{Format, Medium, Session, State, Track};
use crate::device::Cdb;
use crate::media::{Family, NwaSource, Rules};
use crate::mmc::cdb::{
    Command, FeatureRequest, GetConfiguration, ReadCapacity, ReadDiscInformation,
    ReadFormatCapacities, ReadTrackInformation, TrackAddress,
};
use crate::mmc::disc::{
    BackgroundFormat, DiscInformation, DiscStatus, SessionState, TrackInformation,
};
use crate::mmc::feature::{Configuration, FeatureCode};
use crate::mmc::format::{Capacity, CapacityState, FormatCapacities};
use crate::mmc::profile::Profile;
use crate::units::{Blocks, Lba};

/// More tracks than these are not asked for. CDs have 99 at most; only BD-R can have more.
const MAX_TRACKS: u16 = 200;

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) cdb: Cdb,
    /// Room for the answer in bytes.
    pub(crate) room: usize,
}

enum At {
    Configuration,
    Disc,
    Track(u16),
    Capacity,
    Formats,
    Done,
}

/// Which of the tracks are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Those of the last session that has something in it, and of a newer empty one.
    Last,
    /// All.
    All,
}

pub(crate) struct Survey {
    depth: Depth,
    at: At,
    profile: Profile,
    current: Vec<FeatureCode>,
    disc: Option<DiscInformation>,
    tracks: Vec<TrackInformation>,
    capacity: Option<Capacity>,
    formats: Option<FormatCapacities>,
}

impl Survey {
    pub(crate) fn new(depth: Depth) -> Survey {
        Survey {
            depth,
            at: At::Configuration,
            profile: Profile::None,
            current: Vec::new(),
            disc: None,
            tracks: Vec::new(),
            capacity: None,
            formats: None,
        }
    }

    /// The next question, or `None` once all are answered.
    pub(crate) fn next(&self) -> Option<Question> {
        let (cdb, room) = match self.at {
            At::Configuration => {
                let allocation = 4096;
                (
                    GetConfiguration { request: FeatureRequest::All, start: 0, allocation }.cdb(),
                    4096,
                )
            }
            At::Disc => {
                let room = DiscInformation::LEN;
                (ReadDiscInformation { kind: 0, allocation: room as u16 }.cdb(), room)
            }
            At::Track(number) => {
                // What all drives know of it; the layer jump addresses behind are not used here.
                let allocation = 36;
                let address = self.track_address(number);
                let by = TrackAddress::Track;
                (ReadTrackInformation { open: false, by, address, allocation }.cdb(), 36)
            }
            At::Capacity => (ReadCapacity::default().cdb(), Capacity::LEN),
            At::Formats => (ReadFormatCapacities { allocation: 252 }.cdb(), 252),
            At::Done => return None,
        };
        Some(Question { cdb, room })
    }

    /// Takes the answer to the question; `None` where the drive refused it.
    pub(crate) fn answer(&mut self, bytes: Option<&[u8]>) {
        let bytes = bytes.unwrap_or(&[]);
        self.at = match self.at {
            At::Configuration => {
                if let Ok(configuration) = Configuration::parse(bytes) {
                    self.profile = configuration.current;
                    let current = configuration.features.iter().filter(|feature| feature.current);
                    self.current = current.map(|feature| feature.code).collect();
                }
                At::Disc
            }
            At::Disc => {
                self.disc = (bytes.len() >= 12).then(|| DiscInformation::parse_cut(bytes));
                match self.first_track() {
                    Some(first) => At::Track(first),
                    None => At::Capacity,
                }
            }
            At::Track(number) => {
                if bytes.len() >= 28 {
                    self.tracks.push(TrackInformation::parse_cut(bytes));
                }
                let last = self.disc.as_ref().map_or(0, |disc| disc.last_track_last_session);
                if number < last { At::Track(number + 1) } else { At::Capacity }
            }
            At::Capacity => {
                self.capacity = Capacity::parse(bytes).ok();
                if self.rules().is_none_or(Rules::writable) { At::Formats } else { At::Done }
            }
            At::Formats => {
                self.formats = FormatCapacities::parse(bytes).ok();
                At::Done
            }
            At::Done => At::Done,
        };
    }

    fn rules(&self) -> Option<&'static Rules> {
        Rules::of(self.profile)
    }

    fn first_track(&self) -> Option<u16> {
        let disc = self.disc.as_ref()?;
        let last = disc.last_track_last_session;
        let wanted = match (self.depth, disc.session_state) {
            (Depth::All, _) => u16::from(disc.first_track),
            // The session before may hold what a reader sees as the last one.
            (Depth::Last, SessionState::Empty) => disc.first_track_last_session.saturating_sub(1),
            (Depth::Last, _) => disc.first_track_last_session,
        };
        let first = wanted.max(1).max(last.saturating_sub(MAX_TRACKS - 1));
        (first <= last).then_some(first)
    }

    /// The track number to ask for: FFh for the open track at the end where that is the rule.
    fn track_address(&self, number: u16) -> u32 {
        let open = self.disc.as_ref().is_some_and(|disc| {
            number == disc.last_track_last_session
                && matches!(disc.status, DiscStatus::Blank | DiscStatus::Appendable)
        });
        let invisible = self.rules().is_some_and(|rules| rules.nwa == NwaSource::InvisibleTrack);
        if open && invisible { 0xff } else { u32::from(number) }
    }

    /// What the answers mean together. `None` if there is no medium.
    pub(crate) fn medium(self) -> Option<Medium> {
        let rules = self.rules();
        if self.profile == Profile::None && self.disc.is_none() && self.capacity.is_none() {
            return None;
        }
        let state = self.state(rules);
        let readable = match self.capacity {
            // A blank disc has last block 0 by some drives' answer (MMC-6, 6.20.3).
            Some(Capacity { last, .. }) if last.0 > 0 => Blocks(last.0 as u32 + 1),
            _ => Blocks(0),
        };
        let tracks: Vec<Track> = self.tracks.iter().map(track).collect();
        let (next, free) = self.room(rules, state, readable, &tracks);
        Some(Medium {
            profile: self.profile,
            rules,
            state,
            last_session: self.disc.as_ref().map_or(Session::Complete, session),
            erasable: self.disc.as_ref().is_some_and(|disc| disc.erasable),
            sessions: self.disc.as_ref().map_or(1, |disc| disc.sessions),
            first_track_last_session: self
                .disc
                .as_ref()
                .map_or(1, |disc| disc.first_track_last_session),
            tracks,
            readable,
            free,
            next,
            vacant: false,
            features: self.current,
            background_format: self
                .disc
                .as_ref()
                .map_or(BackgroundFormat::None, |disc| disc.background),
            last_lead_out: self.disc.as_ref().and_then(|disc| {
                let lead_out = crate::mmc::disc::msf_field(disc.last_lead_out)?.lba();
                (rules?.family == Family::Cd && lead_out.0 > 0).then_some(lead_out)
            }),
            formats: self.formats.iter().flat_map(|all| &all.formattable).map(format).collect(),
            manufacturer: None,
        })
    }

    fn state(&self, rules: Option<&Rules>) -> State {
        let current = self.formats.as_ref().map(|formats| &formats.current.state);
        let Some(disc) = &self.disc else {
            // Drives that only read know no disc information.
            return State::Complete;
        };
        if rules.is_some_and(Rules::overwritable) {
            // "Unknown" is a DVD-RW that was quickly formatted and not written to its end: it must
            // be formatted again (MMC-6, 6.23.3.2).
            let unformatted = match current {
                Some(CapacityState::Formatted) => false,
                Some(CapacityState::Unformatted | CapacityState::Unknown) => {
                    // A DVD+RW counts as unformatted until the background format has been all over
                    // it; it can be written as soon as that has begun.
                    disc.background == BackgroundFormat::None
                }
                _ => disc.status == DiscStatus::Blank,
            };
            return if unformatted { State::Unformatted } else { State::Overwritable };
        }
        match (disc.status, disc.session_state) {
            (DiscStatus::Blank, _) => State::Blank,
            (DiscStatus::Complete, _) => State::Complete,
            (_, SessionState::Damaged) => State::Damaged,
            (DiscStatus::Appendable, _) => State::Appendable,
            _ => State::Complete,
        }
    }

    fn room(
        &self,
        rules: Option<&Rules>,
        state: State,
        readable: Blocks,
        tracks: &[Track],
    ) -> (Option<Lba>, Blocks) {
        match state {
            State::Overwritable => {
                let formatted = self.formats.as_ref().map(|formats| &formats.current);
                let free = formatted
                    .filter(|current| current.state == CapacityState::Formatted)
                    .map_or(readable, |current| current.blocks);
                (Some(Lba(0)), free)
            }
            State::Unformatted => {
                let formats = self.formats.iter().flat_map(|all| &all.formattable);
                let kind = rules.and_then(Rules::format_kind);
                let same = formats.clone().filter(|format| Some(format.kind) == kind);
                let listed = same.map(|format| format.blocks).max();
                let current = self.formats.as_ref().map(|all| all.current.blocks);
                (None, listed.or(current).unwrap_or_default())
            }
            State::Blank | State::Appendable | State::Damaged => match tracks.last() {
                Some(last) => {
                    let start = (state == State::Blank).then_some(Lba(0));
                    // Some drives say -150 on a blank CD.
                    let next = last.next.map(|next| next.max(Lba(0))).or(start);
                    (next, last.free)
                }
                None => (None, Blocks(0)),
            },
            State::Complete => (None, Blocks(0)),
        }
    }
}

fn session(disc: &DiscInformation) -> Session {
    match disc.session_state {
        SessionState::Empty => Session::Empty,
        SessionState::Incomplete => Session::Incomplete,
        SessionState::Damaged => Session::Damaged,
        _ => Session::Complete,
    }
}

fn track(info: &TrackInformation) -> Track {
    Track {
        number: info.track,
        session: info.session,
        start: info.start,
        blocks: info.size,
        next: info.nwa(),
        last_recorded: info.lra(),
        free: info.free,
        blank: info.blank,
        reserved: info.reserved,
        damaged: info.damage,
        data: info.track_mode & 4 != 0,
    }
}

fn format(offer: &crate::mmc::format::FormattableCapacity) -> Format {
    Format {
        kind: offer.kind,
        sub_type: offer.sub_type,
        blocks: offer.blocks,
        parameter: offer.parameter,
    }
}
