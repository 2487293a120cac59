//! Which sessions there are, without a drive to ask: in the image of a whole disc, and on media
//! that are written over in place.
//!
//! Volumes that grow in place keep every earlier state: from block 32 on lies what the first one
//! had at its head, each further one begins at the next multiple of 32 behind the one before, and
//! block 0 leads to the newest. xorriso writes them so. Sessions that a drive has put one behind
//! another are told from files that are images themselves by their addresses: those of a session
//! count from the start of the disc.

use super::udf::Found;
use super::walk::Input;
use super::{Descriptors, Limits, ReadError, find, rock_ridge};
use crate::image::iso9660::volume::{STANDARD_ID, SYSTEM_AREA, TYPE_PRIMARY};
use crate::image::layout::GROWTH;
use crate::image::sectors::Sectors;
use crate::image::time::Time;
use crate::units::{BLOCK, Blocks, Lba};

/// Blocks behind a session in which the next one is looked for: the lead-out and lead-in of a CD
/// are 11,400 blocks, the first border of a DVD-R up to 57 MB.
const GAP_MAX: u32 = 1 << 15;
/// Blocks that are looked at at once.
const STEP: u32 = 256;
/// Sessions that are listed; a DVD+R has 153 at most.
const SESSIONS_MAX: usize = 512;

/// A session, as its descriptors have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Where it begins: its volume descriptors lie 16 blocks further on.
    pub start: Lba,
    /// The block behind its last one.
    pub end: Lba,
    /// The name of its volume.
    pub volume_id: String,
    /// When its volume was made, if it says so.
    pub created: Option<Time>,
    /// The file systems in which its tree is recorded.
    pub systems: Systems,
}

/// The file systems of a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Systems {
    /// ISO 9660.
    pub iso9660: bool,
    /// ISO 9660 with Rock Ridge.
    pub rock_ridge: bool,
    /// Joliet.
    pub joliet: bool,
    /// UDF, by its revision as it is recorded: 0x0250 is 2.50.
    pub udf: Option<u16>,
}

/// The session that begins at `start`; `None` if nothing does.
pub fn session_at(sectors: &mut dyn Sectors, start: Lba) -> Result<Option<Session>, ReadError> {
    let total = sectors.blocks().0;
    let mut input = Input::new(sectors, Limits::default());
    let (iso, udf) = match find(&mut input, start) {
        Err(ReadError::NoVolume { .. }) => return Ok(None),
        found => found?,
    };
    let rock_ridge = match &iso.primary {
        Some(primary) => rock_ridge(&mut input, primary)?.is_some(),
        None => false,
    };
    let first = u32::try_from(start.0).unwrap_or_default();
    let end = ends(&iso, &udf, first).filter(|end| *end <= total).max().unwrap_or(total);
    let systems = Systems {
        iso9660: iso.primary.is_some(),
        rock_ridge,
        joliet: iso.joliet.is_some(),
        udf: udf.as_ref().map(|found| found.revision),
    };
    // The name as it was given comes first, then the one in capital letters.
    let names = [
        iso.joliet.as_ref().map(|d| (&d.volume_id, d.created)),
        udf.as_ref().map(|found| (&found.volume_id, found.created)),
        iso.primary.as_ref().map(|d| (&d.volume_id, d.created)),
    ];
    let mut names = names.into_iter().flatten();
    let created = names.clone().find_map(|(_, created)| created);
    let volume_id = names.find(|(name, _)| !name.is_empty()).map(|(name, _)| name.clone());
    let volume_id = volume_id.unwrap_or_default();
    Ok(Some(Session { start, end: Lba(end as i32), volume_id, created, systems }))
}

/// Where a session may end, seen from the start of the disc. ISO 9660 counts the volume's blocks
/// from there or from the session's start; writers differ.
fn ends<'a>(
    iso: &'a Descriptors,
    udf: &'a Option<Found>,
    start: u32,
) -> impl Iterator<Item = u32> + 'a {
    let iso = iso.primary.iter().chain(&iso.joliet).map(|descriptor| descriptor.space);
    let iso = iso.flat_map(move |space| [Some(space), space.checked_add(start)]);
    let udf = udf.iter().map(|found| Some(found.space));
    let fits = move |end: &u32| *end > start && i32::try_from(*end).is_ok();
    iso.chain(udf).flatten().filter(fits)
}

/// The sessions of a whole disc, the oldest first. `sectors` begins with block 0 of the disc and is
/// read at its head, behind each session, and nowhere else.
pub fn sessions(sectors: &mut dyn Sectors) -> Result<Vec<Session>, ReadError> {
    let Some(head) = session_at(sectors, Lba(0))? else {
        return Err(ReadError::NoVolume { at: Lba(0) });
    };
    let mut list = chain(sectors, &head)?;
    if !list.is_empty() {
        return Ok(list);
    }
    list.push(head);
    while let Some(last) = list.last_mut()
        && let likely = likely_ends(sectors, last.start)?
        && let Some(start) = likely.iter().find_map(|end| search(sectors, *end))
        && let Some(next) = session_at(sectors, Lba(start as i32))?
    {
        // With the next one known, the ends behind it are none.
        let end = likely.into_iter().filter(|end| *end <= start).max();
        last.end = Lba(end.unwrap_or(start) as i32);
        list.push(next);
        if list.len() == SESSIONS_MAX {
            break;
        }
    }
    Ok(list)
}

/// Whether a volume was made to grow in place: a state is seen from where the first one is.
pub(in crate::image) fn grows_from(sectors: &mut dyn Sectors) -> bool {
    begins(sectors, GROWTH)
}

/// The states of a volume that grew in place; none if it was not made to.
fn chain(sectors: &mut dyn Sectors, head: &Session) -> Result<Vec<Session>, ReadError> {
    let mut list: Vec<Session> = Vec::new();
    let (mut start, all) = (GROWTH, head.end.0 as u32);
    while start < all && list.len() < SESSIONS_MAX && begins(sectors, start) {
        let Some(mut found) = session_at(sectors, Lba(start as i32))? else { break };
        let likely = likely_ends(sectors, found.start)?;
        let goes_on = |end: &u32| {
            let next = end.next_multiple_of(GROWTH);
            *end == all || next < all && begins(sectors, next)
        };
        let end = likely.iter().copied().find(goes_on).or(likely.last().copied());
        let end = end.unwrap_or(all).min(all);
        found.end = Lba(end as i32);
        list.push(found);
        start = end.next_multiple_of(GROWTH);
    }
    // Someone else may have grown it in another way: then block 0 leads further than the chain.
    match list.last() {
        Some(last) if last.end < head.end => list.push(head.clone()),
        _ => {}
    }
    Ok(list)
}

/// The blocks behind which a session may end, ascending.
fn likely_ends(sectors: &mut dyn Sectors, start: Lba) -> Result<Vec<u32>, ReadError> {
    let mut input = Input::new(sectors, Limits::default());
    let (iso, udf) = find(&mut input, start)?;
    let mut likely: Vec<u32> = ends(&iso, &udf, u32::try_from(start.0).unwrap_or(0)).collect();
    likely.sort_unstable();
    likely.dedup();
    Ok(likely)
}

/// Looks for the head of a session from a block on. Blocks that cannot be read hold none.
fn search(sectors: &mut dyn Sectors, from: u32) -> Option<u32> {
    let total = sectors.blocks().0;
    let end = total.min(from.saturating_add(GAP_MAX + SYSTEM_AREA));
    let mut room = vec![0; STEP as usize * BLOCK];
    for first in (from..end).step_by(STEP as usize) {
        let count = STEP.min(end - first) as usize;
        let room = &mut room[..count * BLOCK];
        if sectors.read(Blocks(first), room).is_err() {
            continue;
        }
        for (block, bytes) in (first..).zip(room.chunks_exact(BLOCK)) {
            let start = block.checked_sub(SYSTEM_AREA).filter(|start| *start >= from);
            if let Some(start) = start
                && (bytes[1..6] == *STANDARD_ID || bytes[1..6] == *b"BEA01")
                && begins(sectors, start)
            {
                return Some(start);
            }
        }
    }
    None
}

/// Whether a session begins at this block, and no image lies there as a file: its root directory or
/// its anchor says where on the disc it is.
fn begins(sectors: &mut dyn Sectors, start: u32) -> bool {
    let total = sectors.blocks().0;
    let mut input = Input::new(sectors, Limits::default());
    let Some(block) = start.checked_add(SYSTEM_AREA).filter(|block| *block < total) else {
        return false;
    };
    match input.block(block) {
        Ok(bytes) if bytes[0] == TYPE_PRIMARY && bytes[1..6] == *STANDARD_ID => {
            let found = Descriptors::find(&mut input, Lba(start as i32));
            found.is_ok_and(|found| found.primary.is_some_and(|primary| primary.root.block > block))
        }
        Ok(bytes) if bytes[1..6] == *b"BEA01" => Found::anchored(&mut input, start),
        _ => false,
    }
}
