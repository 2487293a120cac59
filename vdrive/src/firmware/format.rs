//! READ FORMAT CAPACITIES and FORMAT UNIT.

use std::time::Duration;

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, FormatUnit, ReadFormatCapacities};
use engine::mmc::format::{
    CapacityDescriptor, CapacityState, FormatCapacities, FormatList, FormatType,
    FormattableCapacity,
};
use engine::mmc::sense::codes;
use engine::mmc::wire::{Field, get_bytes};
use engine::units::{BLOCK, Blocks, Lba};

use super::context::{Cx, Refusal, Reply, bad_cdb, bad_parameter};
use super::job::{Effect, Step, Turn};
use super::{ms, sync};
use crate::mechanism::Operation;
use crate::medium::{Change, Format, FormatState, State, ram_supplementary};
use crate::models::MediumKind;

/// READ FORMAT CAPACITIES (MMC-6, 6.24).
pub(super) fn read_format_capacities(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReadFormatCapacities::from_cdb(cdb);
    let reply = match cx.state() {
        Ok(state) if cx.fw.live.is_some() => capacities(state),
        _ => FormatCapacities {
            current: CapacityDescriptor {
                blocks: Blocks(0),
                state: CapacityState::Unknown,
                block_length: BLOCK as u32,
            },
            formattable: Vec::new(),
        },
    };
    cx.send(&reply.emit(), cdb.allocation.into(), data)
}

fn capacities(state: &State) -> FormatCapacities {
    let formattable: Vec<FormattableCapacity> = sizes(state)
        .into_iter()
        .map(|(kind, blocks, parameter)| FormattableCapacity {
            blocks,
            kind,
            sub_type: 0,
            parameter,
        })
        .collect();
    let (blocks, shown) = match state.format.state {
        // How much is recorded in the intermediate state is not known yet (MMC-6, 6.24.3.2).
        FormatState::Partial if state.kind() == MediumKind::DvdRw => {
            (state.format.blocks, CapacityState::Unknown)
        }
        FormatState::None if formattable.is_empty() && !state.is_blank() => {
            // A disc that cannot be formatted holds what can be read of it; blank, it counts as
            // not formatted (MMC-6, 6.24.3.2).
            let last = super::read::last_readable(state).0.unsigned_abs();
            (Blocks(if last == 0 { 0 } else { last + 1 }), CapacityState::Formatted)
        }
        FormatState::None => (state.capacity(), CapacityState::Unformatted),
        _ => (state.format.blocks, CapacityState::Formatted),
    };
    let current = CapacityDescriptor { blocks, state: shown, block_length: BLOCK as u32 };
    FormatCapacities { current, formattable }
}

/// Every format that the disc can have now: type, blocks, parameter.
fn sizes(state: &State) -> Vec<(FormatType, Blocks, u32)> {
    let all = state.capacity();
    let without = |clusters: u32| all.saturating_sub(Blocks(clusters * 32));
    match state.kind() {
        MediumKind::DvdRw => {
            // Formatting leaves 38 ECC blocks for the border-out.
            let full = all.saturating_sub(Blocks(38 * 16));
            let mut list = vec![
                (FormatType::Full, full, BLOCK as u32),
                (FormatType::RwFull, full, 16),
                (FormatType::Quick, full, 16),
            ];
            if state.format.state == FormatState::Complete && state.format.blocks < full {
                list.push((FormatType::QuickGrow, full.saturating_sub(state.format.blocks), 16));
            }
            list
        }
        MediumKind::CdRw => vec![
            (FormatType::Full, packets(all), PACKET.0),
            (FormatType::RwFull, packets(all), PACKET.0),
        ],
        MediumKind::DvdPlusRw => vec![(FormatType::DvdPlusRw, all, 0)],
        // With and without supplementary spare areas; the last one takes them from the end of a
        // disc that has none and leaves the rest as it is.
        MediumKind::DvdRam => {
            let less = all.saturating_sub(ram_supplementary(all));
            let length = BLOCK as u32;
            vec![
                (FormatType::Full, less, length),
                (FormatType::Full, all, length),
                (FormatType::SpareExpansion, less, length),
            ]
        }
        // Default, largest and smallest spare areas in clusters of 32 blocks.
        MediumKind::BdRe => vec![
            (FormatType::Full, without(12_288), BLOCK as u32),
            (FormatType::BdReSpares, without(12_288), 12_288),
            (FormatType::BdReSpares, without(20_480), 20_480),
            (FormatType::BdReSpares, without(4_096), 4_096),
            (FormatType::BdReNoSpares, all, 0),
        ],
        MediumKind::BdR if state.is_blank() && state.format.state == FormatState::None => vec![
            (FormatType::Full, without(12_288), BLOCK as u32),
            (FormatType::BdRSpares, without(12_288), 12_288),
            (FormatType::BdRSpares, without(200_704), 200_704),
            (FormatType::BdRSpares, without(4_096), 4_096),
        ],
        _ => Vec::new(),
    }
}

/// FORMAT UNIT (MMC-6, 6.5).
pub(super) fn format_unit(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = FormatUnit::from_cdb(cdb);
    // Code 7 is that of the first CD-RW drives (MMC-1, FORMAT UNIT).
    let old = cdb.code == 7 && cx.state()?.kind() == MediumKind::CdRw;
    if !cdb.fmt_data || cdb.code != 1 && !old {
        return Err(bad_cdb(1, Some(4)));
    }
    let list = Cx::list(FormatList::LEN, data)?;
    // The list's header says how long the descriptor is: always 8.
    if list[2..4] != [0, 8] {
        return Err(bad_parameter(2));
    }
    let asked = FormatList::parse_cut(list);
    let state = cx.state()?;
    if !cx.fw.model.writes(state.kind()) {
        return Err(codes::CANNOT_FORMAT_MEDIUM.into());
    }
    let mut steps = sync::end_of_writing(cx)?;
    let plan = match cx.state()?.kind() {
        MediumKind::CdRw if old => cd_rw(cx, get_bytes(list, 8, 12) as u32)?,
        MediumKind::CdRw if matches!(asked.kind, FormatType::Full | FormatType::RwFull) => {
            cd_rw(cx, asked.blocks.0)?
        }
        MediumKind::CdRw => return Err(bad_parameter(8)),
        MediumKind::DvdPlusRw => plus_rw(cx, &asked)?,
        MediumKind::DvdRw => dash_rw(cx, &asked)?,
        MediumKind::DvdRam => ram(cx, &asked)?,
        MediumKind::BdRe => bd_re(cx, &asked)?,
        MediumKind::BdR => bd_r(cx, &asked)?,
        _ => return Err(codes::CANNOT_FORMAT_MEDIUM.into()),
    };
    steps.extend(plan);
    cx.fw.job_moves = FormatList::LEN;
    cx.begin(codes::FORMAT_IN_PROGRESS, asked.immed, steps)
}

fn step(takes: Duration, then: Effect) -> Step {
    Step { takes, then }
}

/// Nothing is on the disc any more.
pub(super) fn wiped(state: &State) -> Vec<Change> {
    // From before the pre-gap of the first track on.
    let all = Blocks(state.capacity().0 + 16_384);
    vec![
        Change::DropTracks(0),
        Change::DropSessions(0),
        Change::Finalised(false),
        Change::Minimal(false),
        Change::DropDefects,
        Change::Format(Format::NONE),
        Change::Erased(Lba(-16_384), all),
        Change::Wear(state.calibrations, state.erasures.saturating_add(1)),
    ]
}

fn whole(state: &State, asked: &FormatList, blocks: Blocks) -> Format {
    Format {
        state: FormatState::Complete,
        code: asked.kind.to_bits() as u8,
        sub: asked.sub_type,
        blocks,
        reached: Lba(i32::try_from(blocks.0).unwrap_or(state.format.reached.0)),
    }
}

/// Blocks of a packet on a formatted CD-RW.
pub(super) const PACKET: Blocks = Blocks(32);

/// Blocks for user data in a disc of packets: seven more are linking between each two of them
/// (MMC-6, 4.2.3.9.4).
fn packets(all: Blocks) -> Blocks {
    Blocks((all.0 + 7) / (PACKET.0 + 7) * PACKET.0)
}

/// CD-RW: every packet is recorded once. A size of zero or all ones is the largest.
fn cd_rw(cx: &mut Cx<'_>, asked: u32) -> Result<Vec<Step>, Refusal> {
    let state = cx.state()?;
    let most = packets(state.capacity());
    let blocks = match asked {
        0 | u32::MAX => most,
        asked => Blocks(asked / PACKET.0 * PACKET.0),
    };
    if blocks > most || blocks.0 == 0 {
        return Err(bad_parameter(4));
    }
    let list = FormatList { kind: FormatType::RwFull, ..FormatList::default() };
    let mut changes = wiped(state);
    let format = whole(state, &list, blocks);
    changes.extend([Change::Zeroed(Lba(0), blocks), Change::Format(format)]);
    let certify = false;
    let takes = cx.fw.laser.duration(&Operation::Format { blocks: state.capacity().0, certify });
    Ok(vec![
        step(takes, Effect::Medium(changes)),
        step(Duration::ZERO, Effect::Drive(Turn::Reprofile)),
    ])
}

/// DVD+RW: the lead-in, then formatting goes on in the background and the disc can be used
/// (MMC-6, 4.4.6.4).
fn plus_rw(cx: &mut Cx<'_>, asked: &FormatList) -> Result<Vec<Step>, Refusal> {
    if asked.kind != FormatType::DvdPlusRw {
        return Err(bad_parameter(8));
    }
    let state = cx.state()?;
    let all = state.capacity();
    let old = state.format;
    // What is taken up again has its size: dvd+rw-format sends 0.
    let restart = asked.parameter & 1 != 0;
    if !restart && asked.blocks != Blocks(u32::MAX) && asked.blocks != all {
        return Err(bad_parameter(4));
    }
    let timing = cx.fw.timing(state);
    let runs = step(Duration::ZERO, Effect::Drive(Turn::FormatRuns));
    if restart && old.state != FormatState::None {
        if matches!(old.state, FormatState::Complete | FormatState::Running) {
            return Ok(vec![step(ms(timing.update_ms), Effect::Medium(Vec::new()))]);
        }
        let format = Change::Format(Format { state: FormatState::Running, ..old });
        return Ok(vec![step(ms(timing.update_ms), Effect::Medium(vec![format])), runs]);
    }
    let mut changes = wiped(state);
    changes.push(Change::Format(Format {
        state: FormatState::Running,
        code: 0x26,
        sub: 0,
        blocks: all,
        reached: Lba(0),
    }));
    cx.live()?.formatting = None;
    Ok(vec![step(ms(timing.quick_erase_ms), Effect::Medium(changes)), runs])
}

/// DVD-RW: full, quick, and growing of what is there (MMC-6, 6.5.4.2).
fn dash_rw(cx: &mut Cx<'_>, asked: &FormatList) -> Result<Vec<Step>, Refusal> {
    let state = cx.state()?;
    let timing = cx.fw.timing(state);
    let quick = ms(timing.quick_erase_ms);
    let most = state.capacity().saturating_sub(Blocks(38 * 16));
    let reprofile = step(Duration::ZERO, Effect::Drive(Turn::Reprofile));
    match asked.kind {
        FormatType::Full | FormatType::RwFull => {
            if asked.blocks == Blocks(0)
                || asked.blocks > most
                || !asked.blocks.0.is_multiple_of(16)
            {
                return Err(bad_parameter(4));
            }
            // Cut short, it has the form of a quick format that was written so far.
            let mut changes = wiped(state);
            let begun = Format { state: FormatState::Partial, ..whole(state, asked, most) };
            changes.push(Change::Format(Format { reached: Lba(0), ..begun }));
            let mut steps = vec![step(quick, Effect::Medium(changes))];
            steps.extend(recorded_over(cx, asked, asked.blocks, false)?);
            steps.push(reprofile);
            Ok(steps)
        }
        // The size does not count: the disc grows as it is written.
        FormatType::Quick => {
            let mut changes = wiped(state);
            let format = Format { state: FormatState::Partial, ..whole(state, asked, most) };
            changes.push(Change::Format(Format { reached: Lba(0), ..format }));
            Ok(vec![step(quick, Effect::Medium(changes)), reprofile])
        }
        FormatType::QuickGrow if state.format.state == FormatState::Complete => {
            let format =
                Format { state: FormatState::Partial, blocks: most, code: 0x13, ..state.format };
            Ok(vec![step(quick, Effect::Medium(vec![Change::Format(format)])), reprofile])
        }
        _ => Err(bad_parameter(8)),
    }
}

/// DVD-RAM: all of it with certification, or without (DCRT), which only sets its size anew; or more
/// spare areas behind what is there (MMC-6, 6.5.4.2.1 and .2).
fn ram(cx: &mut Cx<'_>, asked: &FormatList) -> Result<Vec<Step>, Refusal> {
    let state = cx.state()?;
    let fits = |entry: &(FormatType, Blocks, u32)| (entry.0, entry.1) == (asked.kind, asked.blocks);
    let now = state.format.blocks;
    let expands = asked.kind == FormatType::SpareExpansion;
    if !expands && asked.kind != FormatType::Full {
        return Err(bad_parameter(8));
    }
    if !sizes(state).iter().any(fits) || (expands && asked.blocks > now) {
        return Err(bad_parameter(4));
    }
    let quick = ms(cx.fw.timing(state).quick_erase_ms);
    let reprofile = step(Duration::ZERO, Effect::Drive(Turn::Reprofile));
    if expands || (asked.fov && asked.dcrt) {
        let mut changes = Vec::new();
        let (least, most) = (now.min(asked.blocks), now.max(asked.blocks));
        let (edge, between) = (Lba(0) + least, most - least);
        if asked.blocks > now {
            changes.push(Change::Zeroed(edge, between));
        } else if between > Blocks(0) {
            changes.push(Change::Erased(edge, between));
        }
        changes.push(Change::Format(whole(state, asked, asked.blocks)));
        return Ok(vec![step(quick, Effect::Medium(changes)), reprofile]);
    }
    let mut steps = vec![step(quick, Effect::Medium(wiped(state)))];
    steps.extend(recorded_over(cx, asked, asked.blocks, true)?);
    steps.push(reprofile);
    Ok(steps)
}

/// BD-RE: with or without spare areas, quick or with certification (MMC-6, 6.5.4.2.13).
fn bd_re(cx: &mut Cx<'_>, asked: &FormatList) -> Result<Vec<Step>, Refusal> {
    let state = cx.state()?;
    let listed = sizes(state);
    let kinds = [FormatType::Full, FormatType::BdReSpares, FormatType::BdReNoSpares];
    if !kinds.contains(&asked.kind) {
        return Err(bad_parameter(8));
    }
    let of_kind = |entry: &&(FormatType, Blocks, u32)| entry.0 == asked.kind;
    let (least, most) = (
        listed.iter().filter(of_kind).map(|entry| entry.1).min().unwrap_or_default(),
        listed.iter().filter(of_kind).map(|entry| entry.1).max().unwrap_or_default(),
    );
    if asked.blocks < least || asked.blocks > most || !asked.blocks.0.is_multiple_of(32) {
        return Err(bad_parameter(4));
    }
    let quick = ms(cx.fw.timing(state).quick_erase_ms);
    let reprofile = step(Duration::ZERO, Effect::Drive(Turn::Reprofile));
    let mut changes = wiped(state);
    if asked.sub_type == 2 {
        let mut steps = vec![step(quick, Effect::Medium(changes))];
        steps.extend(recorded_over(cx, asked, asked.blocks, true)?);
        steps.push(reprofile);
        return Ok(steps);
    }
    // Without certification nothing is recorded; what was never written reads as zeros. Quick
    // certification (sub-type 3) tries one cluster of 64.
    let tried = Operation::Format { blocks: asked.blocks.0 / 64, certify: true };
    let certified = match asked.sub_type {
        3 => cx.fw.laser.duration(&tried),
        _ => Duration::ZERO,
    };
    changes.push(Change::Zeroed(Lba(0), asked.blocks));
    changes.push(Change::Format(whole(state, asked, asked.blocks)));
    Ok(vec![step(quick + certified, Effect::Medium(changes)), reprofile])
}

/// BD-R: spare areas for sequential recording with pseudo-overwrite (sub-type 0) or without (1);
/// once, before anything is written. Random recording (2) is not among the drive's features.
fn bd_r(cx: &mut Cx<'_>, asked: &FormatList) -> Result<Vec<Step>, Refusal> {
    let state = cx.state()?;
    let listed = sizes(state);
    if listed.is_empty() {
        return Err(codes::CANNOT_FORMAT_MEDIUM.into());
    }
    if !matches!(asked.kind, FormatType::Full | FormatType::BdRSpares) || asked.sub_type > 1 {
        return Err(bad_parameter(8));
    }
    let sizes = listed.iter().map(|entry| entry.1);
    let (least, most) = (sizes.clone().min().unwrap_or_default(), sizes.max().unwrap_or_default());
    if asked.blocks < least || asked.blocks > most || !asked.blocks.0.is_multiple_of(32) {
        return Err(bad_parameter(4));
    }
    let takes = ms(cx.fw.timing(state).quick_erase_ms);
    let changes = vec![Change::Format(whole(state, asked, asked.blocks))];
    let reprofile = step(Duration::ZERO, Effect::Drive(Turn::Reprofile));
    Ok(vec![step(takes, Effect::Medium(changes)), reprofile])
}

/// Every block is recorded once, and with certification read back.
fn recorded_over(
    cx: &Cx<'_>,
    asked: &FormatList,
    blocks: Blocks,
    certify: bool,
) -> Result<Vec<Step>, Refusal> {
    const PARTS: u32 = 64;
    let total = cx.fw.laser.duration(&Operation::Format { blocks: blocks.0, certify });
    let unit = cx.state()?.unit();
    let part = Blocks(blocks.0.div_ceil(PARTS)).round_up(unit);
    let mut steps = Vec::new();
    let mut done = Blocks(0);
    while done < blocks {
        let now = part.min(blocks - done);
        let zeroed = Change::Zeroed(Lba(0) + done, now);
        steps.push(step(total / PARTS, Effect::Medium(vec![zeroed])));
        done += now;
    }
    let format = whole(cx.state()?, asked, blocks);
    steps.push(step(Duration::ZERO, Effect::Medium(vec![Change::Format(format)])));
    Ok(steps)
}
