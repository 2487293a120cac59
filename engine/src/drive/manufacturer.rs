//! Who made the disc, as far as the disc says so.

use super::recorder::optional;
use super::{Error, Medium, Recorder};
use crate::media::{Family, Method};
use crate::mmc::cdb::{ReadDiscStructure, ReadToc, TocFormat};
use crate::mmc::profile::Profile;
use crate::mmc::structure::BdDiscInformation;
use crate::mmc::toc::Atip;

/// Manufacturer and type as the disc names them: `CMC MAG/M01`, on a CD its ATIP code
/// `97m26s65f`. `None` where the drive or the disc does not tell.
pub(super) fn of(recorder: &mut Recorder<'_>, medium: &Medium) -> Result<Option<String>, Error> {
    let Some(rules) = medium.rules.filter(|rules| rules.method != Method::Never) else {
        return Ok(None);
    };
    match (rules.family, medium.profile) {
        (Family::Cd, _) => {
            let toc = ReadToc {
                msf: true,
                format: TocFormat::Atip,
                allocation: Atip::LEN as u16,
                ..ReadToc::default()
            };
            let reply = optional(recorder.ask(&toc, Atip::LEN))?;
            Ok(reply.filter(|bytes| bytes.len() >= 15).map(|bytes| {
                let [m, s, f] = Atip::parse_cut(&bytes).lead_in;
                // The last digit of the frame tells long from short strategy dyes, not makers.
                format!("{m:02}m{s:02}s{:02}f", f / 10 * 10)
            }))
        }
        (Family::Bd, _) => Ok(structure(recorder, 1, 0x00)?.and_then(|bytes| {
            let unit = BdDiscInformation::parse(&bytes).ok()?;
            label(&unit.manufacturer, &unit.media_type)
        })),
        // ADIP: bytes 19 to 26 and 27 to 29 of the physical format information (ECMA-349, 14.4.1).
        (Family::Dvd, Profile::DvdPlusR | Profile::DvdPlusRw | Profile::DvdPlusRDl) => {
            Ok(structure(recorder, 0, 0x11)?
                .and_then(|bytes| label(bytes.get(19..27)?, bytes.get(27..30)?)))
        }
        // Pre-recorded information: fields 3 and 4 of 8 bytes each carry it (ECMA-359, 26).
        (Family::Dvd, _) => Ok(structure(recorder, 0, 0x0e)?.and_then(|bytes| {
            if (*bytes.get(16)?, *bytes.get(24)?) != (3, 4) {
                return None;
            }
            label(bytes.get(17..23)?, bytes.get(25..31)?)
        })),
    }
}

/// A disc structure without its header.
fn structure(recorder: &mut Recorder<'_>, media: u8, format: u8) -> Result<Option<Vec<u8>>, Error> {
    let room = 4 + 2048;
    let ask = ReadDiscStructure { media, format, allocation: room, ..ReadDiscStructure::default() };
    let reply = optional(recorder.ask(&ask, usize::from(room)))?;
    Ok(reply.and_then(|bytes| bytes.get(4..).map(<[u8]>::to_vec)))
}

fn label(maker: &[u8], kind: &[u8]) -> Option<String> {
    let maker = crate::mmc::inquiry::text(maker);
    let kind = crate::mmc::inquiry::text(kind);
    match (maker.is_empty(), kind.is_empty()) {
        (true, _) => None,
        (false, true) => Some(maker),
        (false, false) => Some(format!("{maker}/{kind}")),
    }
}
