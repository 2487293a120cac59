//! A medium model: everything in which one blank disc differs from another of its kind, as data.

use engine::units::{Lba, Msf};
use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::ModelError;
use super::kind::{Family, MediumKind};
use super::speed::Speed;

/// A model of a blank disc, as read from TOML.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MediumModel {
    /// The name in `virtual:` addresses and `disc new`.
    pub name: String,
    /// One sentence for a person.
    pub summary: String,
    /// The kind of disc.
    pub kind: MediumKind,
    /// Manufacturer identification as programs print it: for BD and DVD+ the manufacturer and media
    /// type id, for DVD- the pre-pit manufacturer id, for CD a company name.
    pub manufacturer: String,
    /// The media type id that follows the manufacturer id on DVD+ and BD; else empty.
    #[serde(default)]
    pub media_type: String,
    /// User blocks of the blank disc.
    pub blocks: u32,
    /// CD: start of the lead-in and of the last possible lead-out, as in ATIP.
    pub atip: Option<Atip>,
    /// Blocks of a lead-in as recorded when a session is closed.
    pub lead_in: u32,
    /// Blocks of the first session's lead-out.
    pub lead_out: u32,
    /// Blocks of the lead-out of each session after the first.
    pub lead_out_next: u32,
    /// The speeds that the disc is rated for, slowest first.
    pub rated: Vec<Speed>,
    /// How many power calibrations its test area has room for.
    pub opc_trials: u32,
    /// How often a block can be recorded; absent for write-once discs.
    pub erase_cycles: Option<u32>,
    /// Bytes that identify the single disc, in hexadecimal: DVD pre-recorded, BD disc id; empty for
    /// discs without.
    #[serde(default, deserialize_with = "hex")]
    pub disc_id: Vec<u8>,
}

/// What ATIP says on a recordable CD (MMC-6, 6.25.3.5, READ TOC/PMA/ATIP format 0100b).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Atip {
    /// Start time of the lead-in, `MM:SS:FF`, from 90 minutes on.
    #[serde(deserialize_with = "msf")]
    pub lead_in: Msf,
    /// Last possible start of the lead-out, `MM:SS:FF`.
    #[serde(deserialize_with = "msf")]
    pub lead_out: Msf,
    /// Indicative target writing power, 0 to 7.
    pub power: u8,
    /// Disc sub-type, 0 to 7.
    pub sub_type: u8,
}

impl MediumModel {
    /// The fastest rated speed.
    pub fn fastest(&self) -> Speed {
        self.rated.last().copied().unwrap_or(Speed::x(1))
    }

    /// The slowest rated speed.
    pub fn slowest(&self) -> Speed {
        self.rated.first().copied().unwrap_or(Speed::x(1))
    }

    /// Where the first lead-in starts: negative on CD, 0 elsewhere (other lead-ins have no LBA).
    pub fn lead_in_start(&self) -> Lba {
        self.atip.map_or(Lba(0), |atip| atip.lead_in.lba())
    }
}

fn hex<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(source)?;
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 => {
            Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
        }
        _ => Err(de::Error::custom("not an even number of hexadecimal digits")),
    }
}

fn msf<'de, D: Deserializer<'de>>(source: D) -> Result<Msf, D::Error> {
    let text = String::deserialize(source)?;
    let parts: Vec<u8> = text.split(':').filter_map(|part| part.parse().ok()).collect();
    match parts[..] {
        [m, s, f] if text.len() == 8 && m < 100 && s < 60 && f < 75 => Ok(Msf { m, s, f }),
        _ => Err(de::Error::custom(format!("\"{text}\" is not MM:SS:FF"))),
    }
}

/// What the types cannot say.
pub(super) fn check(model: &MediumModel) -> Result<(), ModelError> {
    let bad = |what: String| Err(ModelError::Nonsense { model: model.name.clone(), what });
    let cd = model.kind.family() == Family::Cd;
    if cd != model.atip.is_some() {
        return bad("[atip] belongs on a CD and only there".into());
    }
    if let Some(atip) = model.atip {
        if atip.lead_in.m < 90 || atip.power > 7 || atip.sub_type > 7 {
            return bad("atip: lead-in before 90:00:00, or power or sub-type above 7".into());
        }
        if atip.lead_out.lba().0 != i32::try_from(model.blocks).unwrap_or(-1) {
            return bad(format!(
                "atip: lead-out {} is block {}, but blocks = {}",
                atip.lead_out,
                atip.lead_out.lba(),
                model.blocks
            ));
        }
    }
    if model.kind.rewritable() != model.erase_cycles.is_some() {
        return bad("erase-cycles belongs on a rewritable disc and only there".into());
    }
    let unit = model.kind.family().unit_sectors();
    if model.blocks == 0 || !model.blocks.is_multiple_of(unit) || model.blocks > i32::MAX as u32 {
        return bad(format!(
            "blocks = {} is not a whole number of {unit}-block units",
            model.blocks
        ));
    }
    if model.rated.is_empty() || !model.rated.is_sorted_by(|a, b| a < b) {
        return bad("rated speeds are not in rising order".into());
    }
    Ok(())
}
