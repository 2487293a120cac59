//! GET PERFORMANCE, SET STREAMING, SET CD SPEED, SET READ AHEAD: speeds.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, GetPerformance, SetCdSpeed, SetReadAhead, SetStreaming};
use engine::mmc::performance::{
    NominalPerformance, Performance, StreamingDescriptor, UnusableArea, WriteSpeed,
};
use engine::mmc::sense::codes;
use engine::units::{Kbps, Lba};

use super::context::{Answer, Cx, Refusal, Reply, bad_cdb, bad_parameter};
use crate::medium::{FormatState, State};
use crate::models::{Family, Quirk};

/// GET PERFORMANCE (MMC-6, 6.8), types 0 (performance), 1 (blocks replaced by defect
/// management) and 3 (write speeds).
pub(super) fn get_performance(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = GetPerformance::from_cdb(cdb);
    let performance = match (cdb.kind, cdb.except) {
        (0, 0) => Performance::Nominal(nominal(cx, cdb.write)?),
        (0, 1 | 2) => Performance::Exceptions(Vec::new()),
        (0, _) => return Err(bad_cdb(1, Some(1))),
        // What the maker found is not listed: there is nothing (field 0). What was found since is.
        (1, 0) if spares(cx) => Performance::Unusable(Vec::new()),
        (1, 1) if spares(cx) => Performance::Unusable(replaced(cx)?),
        (3, 0) => Performance::WriteSpeeds(write_speeds(cx)?),
        _ => return Err(bad_cdb(10, None)),
    };
    // The header counts all descriptors; as many follow as the host wants.
    let each = match performance {
        Performance::Exceptions(_) => 6,
        Performance::Unusable(_) => 8,
        _ => 16,
    };
    let allocation = 8 + each * usize::from(cdb.max);
    let reply = performance.emit(cdb.write && cdb.kind == 0);
    cx.send(&reply, allocation, data)
}

fn spares(cx: &Cx<'_>) -> bool {
    cx.state().is_ok_and(State::has_spares)
}

fn replaced(cx: &Cx<'_>) -> Result<Vec<UnusableArea>, Refusal> {
    let runs = cx.state()?.replaced.iter();
    Ok(runs.map(|(start, blocks)| UnusableArea { start, blocks: blocks.0 }).collect())
}

/// The last block that the disc can have.
fn last_block(cx: &Cx<'_>) -> Lba {
    let count = cx.state().map_or(0, |state| match state.format.state {
        FormatState::None => state.capacity().0,
        _ => state.format.blocks.0,
    });
    let off = u32::from(!cx.fw.model.behaviour.quirks.contains(&Quirk::EndLbaIsCount));
    Lba(i32::try_from(count.saturating_sub(off)).unwrap_or(i32::MAX))
}

/// Speed at both ends of the disc.
fn nominal(cx: &Cx<'_>, write: bool) -> Result<Vec<NominalPerformance>, Refusal> {
    cx.state()?;
    let (start, end) = (Lba(0), last_block(cx));
    let rate = |at| match write {
        true => cx.fw.laser.write_rate_at(at),
        false => cx.fw.laser.read_rate_at(at),
    };
    let (start_speed, end_speed) = (rate(start), rate(end));
    Ok(vec![NominalPerformance { start, start_speed, end, end_speed }])
}

fn write_speeds(cx: &Cx<'_>) -> Result<Vec<WriteSpeed>, Refusal> {
    let family = cx.state()?.kind().family();
    let end = last_block(cx);
    let laser = &cx.fw.laser;
    let read = laser.read_speed().map_or(Kbps(0), |speed| speed.kbps(family));
    // The only speed is listed by all.
    let omit = cx.fw.model.behaviour.quirks.contains(&Quirk::CurrentWriteSpeedOmitted)
        && laser.write_strategies().len() > 1;
    Ok(laser
        .write_strategies()
        .iter()
        .map(crate::models::Strategy::nominal)
        .zip(laser.write_strategies())
        .filter(|(speed, _)| !omit || laser.write_speed() != Some(*speed))
        .map(|(speed, strategy)| WriteSpeed {
            rotation: u8::from(strategy.is_cav()),
            exact: matches!(strategy, crate::models::Strategy::Clv(_)),
            end,
            read,
            write: speed.kbps(family),
            ..WriteSpeed::default()
        })
        .collect())
}

/// SET STREAMING (MMC-6, 6.39). Speeds are rounded down to what the drive has.
pub(super) fn set_streaming(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = SetStreaming::from_cdb(cdb);
    let length = usize::from(cdb.length);
    if cdb.kind != 0 {
        return Err(bad_cdb(8, None));
    }
    let list = Cx::list(length, data)?;
    let Ok(asked) = StreamingDescriptor::parse(list) else {
        return Err(codes::PARAMETER_LIST_LENGTH.into());
    };
    if !asked.rdd && (asked.start.0 < 0 || asked.end < asked.start) {
        return Err(bad_parameter(8));
    }
    if asked.rdd {
        wish(cx, None, None)?;
    } else {
        let (write, read) = (asked.write_speed(), asked.read_speed());
        wish(cx, write.filter(|w| w.0 > 0), read.filter(|r| r.0 > 0))?;
    }
    Ok(Answer::Good { moved: length, at: cx.now + cx.fw.transfer(length) })
}

/// SET CD SPEED (MMC-6, 6.37): obeyed with a CD in the drive, taken note of without effect else.
pub(super) fn set_cd_speed(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = SetCdSpeed::from_cdb(cdb);
    if cdb.rotation > 1 {
        return Err(bad_cdb(1, Some(1)));
    }
    let cd = cx.state().is_ok_and(|state| state.kind().family() == Family::Cd);
    if cd {
        let most = |rate: Kbps| Some(rate).filter(|rate| rate.0 != 0xffff);
        wish(cx, most(cdb.write), most(cdb.read))?;
    }
    cx.good()
}

/// Chooses speeds, not in the middle of a buffer.
fn wish(cx: &mut Cx<'_>, write: Option<Kbps>, read: Option<Kbps>) -> Result<(), Refusal> {
    cx.fw.write_speed = write;
    cx.fw.read_speed = read;
    cx.fw.laser.select_write(write);
    cx.fw.laser.select_read(read);
    Ok(())
}

/// SET READ AHEAD (MMC-6, 6.38): the drive reads ahead in its own way.
pub(super) fn set_read_ahead(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = SetReadAhead::from_cdb(cdb);
    let state: &State = cx.state()?;
    let limit = super::read::last_readable(state);
    if cdb.trigger.0 < 0 || cdb.target.0 < 0 || cdb.trigger > limit || cdb.target > limit {
        return Err(codes::LBA_OUT_OF_RANGE.into());
    }
    cx.good()
}
