//! From what lies in the drive and what the user wants to a plan, or to the reason why not.

use std::time::Duration;

use super::{Close, CloseStep, Fault, Mode, Options, Plan, Renew, Speed};
use crate::drive::{Abilities, Identity, Medium, Recorder, Session, State};
use crate::media::{Family, Method, MultiSession, Renewal, Rules};
use crate::mmc::disc::BackgroundFormat;
use crate::mmc::feature::FeatureCode;
use crate::mmc::format::FormatType;
use crate::units::{Blocks, Kbps, Lba};

/// Where and how a burn begins.
pub(super) struct Place {
    pub(super) rules: &'static Rules,
    pub(super) renew: Renew,
    pub(super) mode: Mode,
    pub(super) start: Lba,
    /// Blocks that can be written from there on.
    pub(super) room: Blocks,
}

/// Features of which at least one is current if the drive writes the medium in it.
const WRITING: &[FeatureCode] = &[
    FeatureCode::RandomWritable,
    FeatureCode::IncrementalStreamingWritable,
    FeatureCode::WriteOnce,
    FeatureCode::RestrictedOverwrite,
    FeatureCode::DvdPlusRw,
    FeatureCode::DvdPlusR,
    FeatureCode::RigidRestrictedOverwrite,
    FeatureCode::CdTrackAtOnce,
    FeatureCode::CdMastering,
    FeatureCode::DvdRRwWrite,
    FeatureCode::DvdPlusRDl,
    FeatureCode::BdWrite,
];

/// Asks the drive and plans.
pub(super) fn decide(
    recorder: &mut Recorder<'_>,
    blocks: Blocks,
    options: &Options,
) -> Result<Plan, Fault> {
    let drive = recorder.identity()?;
    let medium = known(recorder, options)?;
    let abilities = recorder.abilities()?;
    compose(recorder.address(), drive, &medium, &abilities, blocks, options)
}

/// The medium; one that may only be written to if it holds nothing is looked at.
pub(super) fn known(
    recorder: &mut Recorder<'_>,
    options: &Options,
) -> Result<Medium, crate::drive::Error> {
    let mut medium = recorder.medium()?;
    if !options.overwrite {
        recorder.look_for_content(&mut medium)?;
    }
    Ok(medium)
}

/// Plans from what the drive has said.
pub(super) fn compose(
    device: &str,
    drive: Identity,
    medium: &Medium,
    abilities: &Abilities,
    blocks: Blocks,
    options: &Options,
) -> Result<Plan, Fault> {
    if blocks.0 == 0 {
        return Err(Fault::Empty);
    }
    let mut place = place(medium, options, Some(options.base))?;
    let rules = place.rules;
    let row = row(rules, blocks, options)?;
    let total = row.round_up(rules.unit).max(rules.min_track);
    if total > place.room && !options.heads.is_empty() {
        lengthen(&mut place, medium);
    }
    if total > place.room {
        let medium = rules.name.to_owned();
        return Err(Fault::TooSmall { medium, needs: total, has: place.room });
    }
    let speed = choose(rules, &abilities.write_speeds, options.speed);
    let appendable = options.close == Close::KeepOpen && rules.multi_session != MultiSession::One;
    Ok(Plan {
        device: device.to_owned(),
        drive,
        medium: rules,
        manufacturer: medium.manufacturer.clone(),
        state: medium.state,
        renew: place.renew,
        mode: place.mode,
        start: place.start,
        blocks,
        heads: options.heads.clone(),
        disc: options.disc.clone(),
        padding: total - row,
        room: place.room,
        speed,
        read_speed: abilities.read_speed,
        close: close(rules, &place, medium, appendable),
        appendable,
        verify: options.verify,
        duration: estimate(rules, total, speed, &place),
    })
}

/// Whether the disc can be written over, and holds what there is no consent to erase.
pub(super) fn holds_something(medium: &Medium, options: &Options) -> bool {
    let writable = medium.rules.is_some_and(Rules::overwritable);
    writable && medium.state == State::Overwritable && !options.overwrite && !medium.vacant
}

/// The blocks of the image that lie in a row. What leads to them is whole units of what lies before
/// them.
fn row(rules: &Rules, blocks: Blocks, options: &Options) -> Result<Blocks, Fault> {
    let unit = rules.unit.0.max(1);
    let mut row = blocks.0;
    for (start, count) in &options.heads {
        let at = u32::try_from(start.0).unwrap_or(u32::MAX);
        let whole = at.is_multiple_of(unit) && count.0.is_multiple_of(unit);
        let before =
            at.checked_add(count.0).is_some_and(|end| i64::from(end) <= i64::from(options.base.0));
        let left = row.checked_sub(count.0).filter(|left| *left > 0 && whole && before);
        row = left.ok_or_else(|| Fault::Bug {
            detail: format!("{count} blocks at block {start} are no head of a volume"),
        })?;
    }
    if !options.heads.is_empty() && !row.is_multiple_of(unit) {
        let detail = format!("{row} blocks are not whole units of {unit}");
        return Err(Fault::Bug { detail });
    }
    Ok(Blocks(row))
}

/// A quickly formatted DVD-RW ends where writing ended; the drive can make it longer without
/// touching what it holds (MMC-6, 6.5.4.2.9).
fn lengthen(place: &mut Place, medium: &Medium) {
    let grow = medium.formats.iter().find(|format| format.kind == FormatType::QuickGrow);
    if let (Some(format), Renew::Nothing) = (grow, place.renew) {
        place.room = Blocks(place.room.0.saturating_add(format.blocks.0));
        let (kind, blocks, parameter) = (format.kind, format.blocks, format.parameter);
        place.renew = Renew::Format { kind, sub_type: 0, blocks, parameter };
    }
}

/// Where a burn would begin. `base`: where the image was laid out for, if there is one already.
pub(super) fn place(medium: &Medium, options: &Options, base: Option<Lba>) -> Result<Place, Fault> {
    let name = || medium.name();
    let Some(rules) = medium.rules.filter(|rules| rules.writable()) else {
        return Err(Fault::NotWritable { medium: name() });
    };
    let writes = medium.features.is_empty() || WRITING.iter().any(|&code| medium.has(code));
    if !writes && medium.state != State::Complete {
        return Err(Fault::NotWritable { medium: name() });
    }
    if rules.overwritable() {
        return overwrite(rules, medium, options, base);
    }
    let erasable = rules.renewal == Renewal::Blank;
    // An image laid out to follow earlier sessions does not want them erased.
    let erase = erasable && options.overwrite && base.is_none_or(|base| base == Lba(0));
    let empty = medium.last_session == Session::Empty;
    match (medium.state, medium.next) {
        (State::Blank, _) => append(rules, medium, options, base, Lba(0)),
        _ if erase => Ok(blank(rules, medium, options)),
        (State::Appendable, Some(next)) if empty => {
            if erasable && base == Some(Lba(0)) {
                return Err(Fault::NotBlank { medium: name() });
            }
            append(rules, medium, options, base, next)
        }
        (State::Appendable, _) if !empty => Err(Fault::SessionOpen { medium: name() }),
        (State::Damaged, _) => Err(Fault::Damaged { medium: name() }),
        _ => Err(Fault::Closed { medium: name(), erasable }),
    }
}

/// Behind what is there.
fn append(
    rules: &'static Rules,
    medium: &Medium,
    options: &Options,
    base: Option<Lba>,
    start: Lba,
) -> Result<Place, Fault> {
    if let Some(image) = base.filter(|&base| base != start) {
        return Err(Fault::WrongBase { image, disc: start });
    }
    let mode = match rules.method {
        Method::TrackAtOnce => Mode::TrackAtOnce,
        Method::Incremental if medium.has(FeatureCode::IncrementalStreamingWritable) => {
            Mode::Incremental
        }
        // Minimally blanked: the disc must be written in one go (MMC-6, 5.3.14).
        Method::Incremental if options.close == Close::KeepOpen || start != Lba(0) => {
            if rules.renewal == Renewal::Blank && options.overwrite && start == Lba(0) {
                return Ok(blank(rules, medium, options));
            }
            return Err(Fault::CannotKeepOpen { medium: medium.name() });
        }
        Method::Incremental => Mode::DiscAtOnce,
        _ => Mode::Sequential,
    };
    Ok(Place { rules, renew: Renew::Nothing, mode, start, room: medium.free })
}

/// On an erased disc.
fn blank(rules: &'static Rules, medium: &Medium, options: &Options) -> Place {
    let (renew, mode) = match (rules.method, options.close) {
        (Method::TrackAtOnce, _) => (Renew::BlankMinimal, Mode::TrackAtOnce),
        (_, Close::KeepOpen) => (Renew::BlankFull, Mode::Incremental),
        (_, Close::Finalize) => (Renew::BlankMinimal, Mode::DiscAtOnce),
    };
    let formats = medium.formats.iter();
    let full = formats.filter(|format| {
        matches!(format.kind, FormatType::Full | FormatType::RwFull | FormatType::Quick)
    });
    let capacity = full.map(|format| format.blocks).max();
    let lead_out = medium.last_lead_out.and_then(|end| end.checked_from(Lba(0)));
    // Where the disc does not tell before it is blank, the drive is asked again when it is.
    let room = lead_out.or(capacity).filter(|room| room.0 > 0).unwrap_or(Blocks(u32::MAX));
    Place { rules, renew, mode, start: Lba(0), room }
}

/// In place.
fn overwrite(
    rules: &'static Rules,
    medium: &Medium,
    options: &Options,
    base: Option<Lba>,
) -> Result<Place, Fault> {
    if let Some(image) = base.filter(|&base| base != Lba(0)) {
        if medium.state != State::Overwritable || options.heads.is_empty() {
            return Err(Fault::WrongBase { image, disc: Lba(0) });
        }
        // What is there stays, so no consent is needed.
        let renew = match medium.background_format {
            BackgroundFormat::Stopped => Renew::RestartFormat,
            _ => Renew::Nothing,
        };
        let room = medium.free.saturating_sub(Blocks(image.0.unsigned_abs()));
        return Ok(Place { rules, renew, mode: Mode::Overwrite, start: image, room });
    }
    let (mode, start) = (Mode::Overwrite, Lba(0));
    let place = |renew, room| Ok(Place { rules, renew, mode, start, room });
    // A disc that was closed when less was on it than it can hold gets all of it back by formatting
    // anew (MMC-6, 4.4.3.5).
    let kind = rules.format_kind();
    let offered = medium.formats.iter().find(|format| Some(format.kind) == kind);
    let cut_short = rules.method == Method::RestrictedOverwrite
        && offered.is_some_and(|format| format.blocks > medium.free);
    match medium.state {
        State::Overwritable if options.overwrite && cut_short => {
            let format = offered.map(|format| (format.kind, format.blocks, format.parameter));
            let (kind, blocks, parameter) = format.unwrap_or((FormatType::Quick, medium.free, 0));
            place(Renew::Format { kind, sub_type: 0, blocks, parameter }, blocks)
        }
        State::Unformatted => {
            let Some(kind) = rules.format_kind() else {
                return Err(Fault::NotWritable { medium: medium.name() });
            };
            let offered = medium.formats.iter().find(|format| format.kind == kind);
            let blocks = offered.map_or(medium.free, |format| format.blocks);
            let renew = match kind {
                // All of it, whatever size the drive names for it (MMC-6, 6.5.3.2.14).
                FormatType::DvdPlusRw => {
                    Renew::Format { kind, sub_type: 0, blocks: Blocks(u32::MAX), parameter: 0 }
                }
                _ => Renew::Format {
                    kind,
                    sub_type: offered.map_or(0, |format| format.sub_type),
                    blocks,
                    parameter: offered.map_or(0, |format| format.parameter),
                },
            };
            place(renew, blocks)
        }
        _ if !options.overwrite && !medium.vacant => Err(Fault::NotBlank { medium: medium.name() }),
        // A format left off half way is taken up again: some drives write unreliably otherwise.
        State::Overwritable if medium.background_format == BackgroundFormat::Stopped => {
            place(Renew::RestartFormat, medium.free)
        }
        State::Overwritable => place(Renew::Nothing, medium.free),
        _ => Err(Fault::Closed { medium: medium.name(), erasable: false }),
    }
}

/// The closing steps, in order.
fn close(rules: &Rules, place: &Place, medium: &Medium, appendable: bool) -> Vec<CloseStep> {
    let closing = rules.closing;
    let track = closing.track.filter(|_| !rules.flush_closes_track()).map(CloseStep::Track);
    let session = closing.session.map(CloseStep::Session);
    match place.mode {
        // The reserved track's last block ends all (MMC-6, 6.44.3).
        Mode::DiscAtOnce => Vec::new(),
        Mode::Overwrite => {
            let formatting = place.renew != Renew::Nothing
                || medium.background_format == BackgroundFormat::Running;
            let stop = closing.stop_format.map(CloseStep::StopFormat);
            stop.into_iter().chain(session).filter(|_| formatting).collect()
        }
        _ if appendable => track.into_iter().chain(session).collect(),
        _ => {
            let last = closing.finalize.map(CloseStep::Finalize).or(session);
            track.into_iter().chain(last).collect()
        }
    }
}

/// The speed to ask for, out of those offered.
fn choose(rules: &Rules, offered: &[Kbps], wanted: Speed) -> Option<Kbps> {
    let family = rules.family;
    let fits = |speed: &&Kbps| match wanted {
        Speed::Highest => true,
        Speed::Tenths(tenths) => family.tenths(**speed) <= tenths,
        Speed::Rate(rate) => **speed <= rate,
    };
    match (offered.iter().filter(fits).max().or(offered.iter().min()), wanted) {
        (Some(&speed), _) => Some(speed),
        (None, Speed::Highest) => None,
        (None, Speed::Tenths(tenths)) => Some(family.rate(tenths)),
        (None, Speed::Rate(rate)) => Some(rate),
    }
}

/// About how long it will take.
fn estimate(rules: &Rules, total: Blocks, speed: Option<Kbps>, place: &Place) -> Duration {
    let tenths = speed.map_or(40, |speed| rules.family.tenths(speed));
    let write = writing(rules, place, total, tenths);
    // Lead-in, lead-out, calibration; erasing and formatting as measured on real drives.
    let around = Duration::from_secs(30);
    let renew = match place.renew {
        Renew::Nothing => Duration::ZERO,
        Renew::BlankFull => writing(rules, place, place.room.min(Blocks(2_300_000)), tenths),
        Renew::BlankMinimal | Renew::Format { .. } | Renew::RestartFormat => {
            Duration::from_secs(60)
        }
    };
    write + around + renew
}

/// The time for so many blocks at a nominal speed. What is faster than a disc can be written near
/// its hub is reached at its rim only: there the disc turns at a constant rate.
fn writing(rules: &Rules, place: &Place, blocks: Blocks, tenths: u32) -> Duration {
    let family = rules.family;
    let per_second = f64::from(family.blocks_in_ten_seconds()) / 100.0 * f64::from(tenths.max(1));
    let constant = match family {
        Family::Cd => tenths <= 240,
        Family::Dvd => tenths <= 80,
        Family::Bd => tenths <= 60,
    };
    if constant || place.room.0 == u32::MAX {
        return Duration::from_secs_f64(f64::from(blocks.0) / per_second);
    }
    // Blocks lie as densely everywhere, so their count grows with the radius's square, from 24 of
    // 58 mm on.
    let hub = 24.0 / 58.0;
    let before = f64::from(place.start.0.max(0));
    let capacity = (before + f64::from(place.room.0)).max(1.0);
    let radius = |at: f64| (hub * hub + (1.0 - hub * hub) * (at / capacity).min(1.0)).sqrt();
    let way = radius(before + f64::from(blocks.0)) - radius(before);
    Duration::from_secs_f64(capacity / per_second * 2.0 / (1.0 - hub * hub) * way)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mmc::profile::Profile;

    /// 4x and 16x DVD-R: 14 and 6 minutes by the published tests of whole discs.
    #[test]
    fn whole_discs_take_as_long_as_they_are_known_to() {
        let rules = Rules::of(Profile::DvdR).unwrap();
        let room = Blocks(2_298_496);
        let place =
            Place { rules, renew: Renew::Nothing, mode: Mode::Incremental, start: Lba(0), room };
        let minutes = |tenths| writing(rules, &place, room, tenths).as_secs() / 60;
        assert_eq!((minutes(40), minutes(160)), (14, 5));
    }
}
