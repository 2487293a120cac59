//! READ DISC STRUCTURE: what DVD and BD say about themselves. And REPORT KEY, which has nothing to
//! report.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, ReadDiscStructure};
use engine::mmc::sense::codes;
use engine::mmc::structure::{
    BdDiscInformation, BdSpareArea, BookType, Copyright, PhysicalFormat, STRUCTURE_LIST,
    StructureListEntry, WRITE_PROTECTION, WriteProtection, bd, dvd, emit,
};

use super::context::{Cx, Reply, bad_cdb};
use super::tracks;
use crate::medium::{FormatState, State};
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
        format => one(state, format).ok_or_else(|| bad_cdb(7, None))?,
    };
    cx.send(&emit(&structure), cdb.allocation.into(), data)
}

/// A structure without its header, if this disc has it.
fn one(state: &State, format: u8) -> Option<Vec<u8>> {
    if format == WRITE_PROTECTION {
        return Some(WriteProtection::default().emit().to_vec());
    }
    let kind = state.kind();
    let dash = matches!(kind, MediumKind::DvdR | MediumKind::DvdRw);
    match (kind.family(), format) {
        (Family::Dvd, dvd::PHYSICAL) => Some(physical(state)),
        (Family::Dvd, dvd::COPYRIGHT) => Some(Copyright::default().emit().to_vec()),
        (Family::Dvd, dvd::LEAD_IN_PHYSICAL) if dash => Some(physical(state)),
        (Family::Dvd, dvd::PRE_RECORDED) if dash => Some(pre_recorded(state)),
        (Family::Dvd, dvd::ADIP) if !dash => Some(adip(state)),
        (Family::Bd, bd::DISC_INFORMATION) => Some(disc_information(state)),
        (Family::Bd, bd::SPARE) if state.format.state == FormatState::Complete => {
            let clusters =
                (state.capacity().0 - state.format.blocks.0.min(state.capacity().0)) / 32;
            Some(BdSpareArea { free: clusters, total: clusters }.emit().to_vec())
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
            let entry = StructureListEntry { format, sendable: false, readable: true, length };
            Some(entry.emit())
        })
        .flatten()
        .collect()
}

/// Physical format information: 2048 bytes of which the first few are the same on all DVD.
fn physical(state: &State) -> Vec<u8> {
    let kind = state.kind();
    let start = 0x3_0000;
    // The end of the data area: of a disc that can still be written, of the disc.
    let blocks = match tracks::sequential(state) {
        true if state.finalised => super::read::last_readable(state).0.unsigned_abs() + 1,
        _ => state.capacity().0,
    };
    let format = PhysicalFormat {
        book_type: match kind {
            MediumKind::DvdR => BookType::DvdR,
            MediumKind::DvdRw => BookType::DvdRw,
            MediumKind::DvdPlusRw => BookType::DvdPlusRw,
            _ => BookType::DvdPlusR,
        },
        part_version: match kind {
            MediumKind::DvdR => 5,
            MediumKind::DvdRw => 2,
            _ => 1,
        },
        disc_size: 0,
        max_rate: 0xf,
        layers: 0,
        opposite_path: false,
        layer_type: if kind.rewritable() { 4 } else { 2 },
        linear_density: 0,
        track_density: 0,
        start,
        end: start + blocks - 1,
        layer0_end: 0,
        bca: false,
    };
    let mut bytes = format.emit().to_vec();
    bytes.resize(2048, 0);
    bytes
}

/// ADIP: physical format information with the maker's name at its place (ECMA-349, 14.4.2).
fn adip(state: &State) -> Vec<u8> {
    let mut bytes = physical(state);
    bytes.truncate(256);
    put(&mut bytes[19..27], state.model.manufacturer.as_bytes());
    put(&mut bytes[27..30], state.model.media_type.as_bytes());
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
