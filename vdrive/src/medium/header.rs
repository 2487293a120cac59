//! The head of a disc file: the medium model the disc was made from, in a compact binary form that
//! is safe to read whatever the bytes.

use engine::units::Msf;

use crate::models::{Atip, MediumKind, MediumModel, Speed};

/// Version of the form, first in the header.
const VERSION: u8 = 1;

/// The header of a disc of this model.
pub(super) fn emit(model: &MediumModel) -> Vec<u8> {
    let mut out = vec![VERSION];
    text(&mut out, model.kind.name());
    text(&mut out, &model.name);
    text(&mut out, &model.summary);
    text(&mut out, &model.manufacturer);
    text(&mut out, &model.media_type);
    for n in [
        model.blocks,
        model.lead_in,
        model.lead_out,
        model.lead_out_next,
        model.opc_trials,
        model.erase_cycles.unwrap_or(u32::MAX),
    ] {
        out.extend_from_slice(&n.to_le_bytes());
    }
    match &model.atip {
        None => out.push(0),
        Some(atip) => {
            let (i, o) = (atip.lead_in, atip.lead_out);
            out.extend_from_slice(&[1, i.m, i.s, i.f, o.m, o.s, o.f, atip.power, atip.sub_type]);
        }
    }
    out.push(model.rated.len().min(255) as u8);
    for speed in model.rated.iter().take(255) {
        out.extend_from_slice(&speed.0.to_le_bytes());
    }
    bytes(&mut out, &model.disc_id);
    out
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(usize::from(u16::MAX))];
    out.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn text(out: &mut Vec<u8>, text: &str) {
    bytes(out, text.as_bytes());
}

/// Takes fields off the front of a header.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::from(self.array().map(u16::from_le_bytes)?);
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        Some(head)
    }

    fn text(&mut self) -> Option<String> {
        str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    fn msf(&mut self) -> Option<Msf> {
        let [m, s, f] = self.array()?;
        (m < 100 && s < 60 && f < 75).then_some(Msf { m, s, f })
    }
}

/// The model in a header; `None` if there is none in it.
pub(super) fn parse(header: &[u8]) -> Option<MediumModel> {
    let mut r = Reader(header);
    if r.byte()? != VERSION {
        return None;
    }
    let kind = MediumKind::from_name(&r.text()?)?;
    let (name, summary, manufacturer, media_type) = (r.text()?, r.text()?, r.text()?, r.text()?);
    let unit = kind.family().unit_sectors();
    let blocks = r.number().filter(|&n| n > 0 && n <= i32::MAX as u32 / 2 && n % unit == 0)?;
    // Sizes that are recorded around sessions: none is near the size of a disc.
    let mut small = || r.number().filter(|&n| n < 1 << 22);
    let (lead_in, lead_out, lead_out_next, opc_trials) = (small()?, small()?, small()?, small()?);
    let erase_cycles = Some(r.number()?).filter(|&n| n != u32::MAX);
    let atip = match r.byte()? {
        0 => None,
        1 => Some(Atip {
            lead_in: r.msf().filter(|msf| msf.m >= 90)?,
            lead_out: r.msf()?,
            power: r.byte()?,
            sub_type: r.byte()?,
        }),
        _ => return None,
    };
    let mut rated = Vec::new();
    for _ in 0..r.byte()? {
        rated.push(Speed(r.number().filter(|&n| (1..=100_000).contains(&n))?));
    }
    let disc_id = r.bytes()?.to_vec();
    (r.0.is_empty() && !rated.is_empty()).then_some(MediumModel {
        name,
        summary,
        kind,
        manufacturer,
        media_type,
        blocks,
        atip,
        lead_in,
        lead_out,
        lead_out_next,
        rated,
        opc_trials,
        erase_cycles,
        disc_id,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_model_comes_back() {
        for kind in MediumKind::ALL {
            let model = MediumModel::of_kind(kind);
            let header = emit(&model);
            assert_eq!(parse(&header), Some(model));
            for cut in 0..header.len() {
                assert_eq!(parse(&header[..cut]), None);
            }
        }
    }

    proptest! {
        #[test]
        fn damaged_headers_are_refused_or_parsed(at in 0usize..200, byte: u8) {
            let mut header = emit(&MediumModel::of_kind(MediumKind::CdRw));
            let at = at % header.len();
            header[at] = byte;
            let _ = parse(&header);
        }
    }
}
