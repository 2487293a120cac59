//! READ DISC STRUCTURE and SEND DISC STRUCTURE: what DVD and BD say about themselves.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, ReadDiscStructure, SendDiscStructure};
use engine::mmc::sense::codes;
use engine::mmc::structure::{
    BdDiscInformation, BdSpareArea, BookType, Copyright, PhysicalFormat, RamDefinition,
    RamMediumStatus, RamSpareArea, STRUCTURE_LIST, StructureListEntry, WRITE_PROTECTION,
    WriteProtection, bd, dvd, emit,
};
use engine::units::Blocks;

use super::context::{Cx, Reply, bad_cdb, bad_parameter};
use super::job::{Effect, Step};
use super::{ms, sync, tracks};
use crate::medium::{Change, FormatState, RAM_PRIMARY, State};
use crate::models::{Family, MediumKind};

/// READ DISC STRUCTURE (MMC-6, 6.23).
pub(super) fn read_disc_structure(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReadDiscStructure::from_cdb(cdb);
    let state = cx.state()?;
    let media = match state.kind().family() {
        // A CD has none of it.
        Family::Cd => return Err(codes::INCOMPATIBLE_FORMAT.into()),
        Family::Dvd => 0,
        Family::Bd => 1,
    };
    if cdb.media != media {
        return Err(codes::INCOMPATIBLE_FORMAT.into());
    }
    if cdb.layer != 0 {
        return Err(bad_cdb(6, None));
    }
    let structure = match cdb.format {
        STRUCTURE_LIST => list(state),
        WRITE_PROTECTION => {
            let (persistent, software) = (state.protected, cx.fw.pages.software_protected());
            WriteProtection { persistent, software, cartridge: false }.emit().to_vec()
        }
        format => one(state, format).ok_or_else(|| bad_cdb(7, None))?,
    };
    cx.send(&emit(&structure), cdb.allocation.into(), data)
}

/// SEND DISC STRUCTURE (MMC-6, 6.34): persistent write protection of a DVD-RAM. What the other
/// formats set (layer 0 capacity, jump addresses) no disc here has.
pub(super) fn send_disc_structure(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = SendDiscStructure::from_cdb(cdb);
    let kind = cx.state()?.kind();
    if cdb.media != u8::from(kind.family() == Family::Bd) || kind.family() == Family::Cd {
        return Err(codes::INCOMPATIBLE_FORMAT.into());
    }
    if cdb.format != WRITE_PROTECTION || kind != MediumKind::DvdRam {
        return Err(bad_cdb(7, None));
    }
    let length = usize::from(cdb.length);
    let list = Cx::list(length, data)?;
    if length != 4 + WriteProtection::LEN {
        return Err(codes::PARAMETER_LIST_LENGTH.into());
    }
    let asked = WriteProtection::parse_cut(&list[4..]);
    if asked.cartridge || asked.software {
        return Err(bad_parameter(4));
    }
    cx.fw.job_moves = length;
    let mut steps = sync::end_of_writing(cx)?;
    let takes = ms(cx.fw.timing(cx.state()?).update_ms);
    let then = Effect::Medium(vec![Change::Protected(asked.persistent)]);
    steps.push(Step { takes, then });
    cx.begin(codes::LONG_OPERATION_IN_PROGRESS, false, steps)
}

/// A structure without its header, if this disc has it.
fn one(state: &State, format: u8) -> Option<Vec<u8>> {
    if format == WRITE_PROTECTION {
        let persistent = state.protected;
        return Some(WriteProtection { persistent, ..Default::default() }.emit().to_vec());
    }
    let kind = state.kind();
    let dash = matches!(kind, MediumKind::DvdR | MediumKind::DvdRw);
    let plus = matches!(kind, MediumKind::DvdPlusR | MediumKind::DvdPlusRw);
    let ram = kind == MediumKind::DvdRam;
    match (kind.family(), format) {
        (Family::Dvd, dvd::PHYSICAL) => Some(physical(state)),
        (Family::Dvd, dvd::COPYRIGHT) => Some(Copyright::default().emit().to_vec()),
        (Family::Dvd, dvd::MANUFACTURER) => Some(manufacturer(state)),
        (Family::Dvd, dvd::LEAD_IN_PHYSICAL) if dash => Some(physical(state)),
        (Family::Dvd, dvd::PRE_RECORDED) if dash => Some(pre_recorded(state)),
        (Family::Dvd, dvd::ADIP) if plus => Some(adip(state)),
        (Family::Dvd, dvd::RAM_DDS) if ram => Some(ram_definition(state)),
        (Family::Dvd, dvd::RAM_STATUS) if ram => {
            let persistent = state.protected;
            let status = RamMediumStatus { persistent, disc_type: 0x10, ..Default::default() };
            Some(status.emit().to_vec())
        }
        (Family::Dvd, dvd::RAM_SPARE) if ram => Some(ram_spare(state).emit().to_vec()),
        (Family::Bd, bd::DISC_INFORMATION) => Some(disc_information(state)),
        (Family::Bd, bd::SPARE) if state.format.state == FormatState::Complete => {
            let (free, total) = (state.spares_left().0 / 32, state.spares().0 / 32);
            Some(BdSpareArea { free, total }.emit().to_vec())
        }
        _ => None,
    }
}

/// The structures that can be read (MMC-6, 6.23.3.4.4).
fn list(state: &State) -> Vec<u8> {
    (0..=0xfe)
        .filter_map(|format| {
            let structure = one(state, format)?;
            let length = structure.len() as u16 + 4;
            let sendable = format == WRITE_PROTECTION && state.kind() == MediumKind::DvdRam;
            let entry = StructureListEntry { format, sendable, readable: true, length };
            Some(entry.emit())
        })
        .flatten()
        .collect()
}

/// Physical format information: 2048 bytes of which the first few are the same on all DVD.
fn physical(state: &State) -> Vec<u8> {
    let kind = state.kind();
    let ram = kind == MediumKind::DvdRam;
    let start = if ram { RAM_START } else { 0x3_0000 };
    // The end of the data area: of a disc that can still be written, of the disc.
    let blocks = match tracks::sequential(state) {
        true if state.finalised => super::read::last_readable(state).0.unsigned_abs() + 1,
        // The spare areas of a DVD-RAM lie in its data area.
        _ if ram => state.capacity().0 + RAM_PRIMARY.0,
        _ => state.capacity().0,
    };
    let format = PhysicalFormat {
        book_type: match kind {
            MediumKind::DvdR => BookType::DvdR,
            MediumKind::DvdRw => BookType::DvdRw,
            MediumKind::DvdPlusRw => BookType::DvdPlusRw,
            MediumKind::DvdRam => BookType::DvdRam,
            _ => BookType::DvdPlusR,
        },
        part_version: match kind {
            MediumKind::DvdR => 5,
            MediumKind::DvdRw => 2,
            MediumKind::DvdRam => 6,
            _ => 1,
        },
        disc_size: 0,
        max_rate: 0xf,
        layers: 0,
        opposite_path: false,
        layer_type: if kind.rewritable() { 4 } else { 2 },
        // 0.280 to 0.291 um/bit, 0.615 um/track.
        linear_density: if ram { 4 } else { 0 },
        track_density: if ram { 2 } else { 0 },
        start,
        end: start + blocks - 1,
        layer0_end: 0,
        bca: false,
    };
    let mut bytes = format.emit().to_vec();
    bytes.resize(2048, 0);
    bytes
}

/// First physical sector of a DVD-RAM's data area; the primary spare area comes first there.
const RAM_START: u32 = 0x3_1000;
/// Zones of constant speed of rotation on a 4.7 GB DVD-RAM.
const RAM_ZONES: u32 = 35;

/// Disc definition structure of a DVD-RAM (ECMA-330, 17.8.1). The zones have the same width, so
/// that each holds more sectors than the one inside it.
fn ram_definition(state: &State) -> Vec<u8> {
    let by_user = state.erasures > 0;
    let definition = RamDefinition {
        identifier: 0x0a0a,
        user_certified: by_user,
        maker_certified: !by_user,
        updates: state.erasures,
        groups: 1,
        zones: RAM_ZONES as u16,
        spare_first: RAM_START,
        spare_last: RAM_START + RAM_PRIMARY.0 - 1,
        block0: RAM_START + RAM_PRIMARY.0,
        ..Default::default()
    };
    let mut bytes = definition.emit().to_vec();
    bytes.resize(2048, 0);
    // A turn holds 25 sectors in the first zone and 59 in the last one.
    let all: u32 = (25..25 + RAM_ZONES).sum();
    let (mut before, unit) = (0, state.unit());
    for zone in 0..RAM_ZONES {
        let share = u64::from(state.capacity().0) * u64::from(before) / u64::from(all);
        let first = Blocks(u32::try_from(share).unwrap_or(u32::MAX)).round_up(unit);
        let at = 256 + zone as usize * 4;
        bytes[at..at + 4].copy_from_slice(&first.0.to_be_bytes());
        before += 25 + zone;
    }
    bytes
}

/// Spare blocks of a DVD-RAM: the primary ones are used up first.
fn ram_spare(state: &State) -> RamSpareArea {
    let supplementary = state.spares().saturating_sub(RAM_PRIMARY);
    let used = state.spares().saturating_sub(state.spares_left());
    let beyond = used.saturating_sub(RAM_PRIMARY);
    RamSpareArea {
        primary_free: RAM_PRIMARY.saturating_sub(used).0,
        supplementary_free: supplementary.saturating_sub(beyond).0,
        supplementary: supplementary.0,
    }
}

/// ADIP: physical format information with the maker's name at its place (ECMA-349, 14.4.2).
fn adip(state: &State) -> Vec<u8> {
    let mut bytes = physical(state);
    bytes.truncate(256);
    put(&mut bytes[19..27], state.model.manufacturer.as_bytes());
    put(&mut bytes[27..30], state.model.media_type.as_bytes());
    bytes
}

/// Manufacturing information: what the maker wrote into the lead-in.
fn manufacturer(state: &State) -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    put(&mut bytes, state.model.manufacturer.as_bytes());
    bytes
}

/// Land pre-pit information: the maker's name in two fields of six (ECMA-359, 26.2).
fn pre_recorded(state: &State) -> Vec<u8> {
    let mut bytes = vec![0; 36];
    let name = state.model.manufacturer.as_bytes();
    bytes[0] = 1;
    bytes[8] = 2;
    bytes[16] = 3;
    bytes[24] = 4;
    let (first, second) = name.split_at(name.len().min(6));
    put(&mut bytes[17..23], first);
    put(&mut bytes[25..31], second);
    bytes
}

fn put(room: &mut [u8], text: &[u8]) {
    for (to, from) in room.iter_mut().zip(text) {
        *to = *from;
    }
}

/// Disc information of a BD (MMC-6, 6.23.3.3.1).
fn disc_information(state: &State) -> Vec<u8> {
    let mut manufacturer = [0; 6];
    put(&mut manufacturer, state.model.manufacturer.as_bytes());
    let mut media_type = [0; 3];
    put(&mut media_type, state.model.media_type.as_bytes());
    let once = state.kind() == MediumKind::BdR;
    let unit = BdDiscInformation {
        identifier: *b"DI",
        format: 1,
        units: 1,
        layer: 0,
        sequence: 0,
        used: 112,
        disc_type: if once { *b"BDR" } else { *b"BDW" },
        disc_class: 0,
        layers: 1,
        layer_type: if once { 2 } else { 4 },
        channel_bit: 1,
        manufacturer,
        media_type,
        ..BdDiscInformation::default()
    };
    let mut bytes = unit.emit().to_vec();
    bytes.resize(4096, 0);
    bytes
}
