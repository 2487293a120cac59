//! Who the drive is: INQUIRY, REPORT LUNS, and the sense of the moment.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, Inquiry, ReportLuns, RequestSense};
use engine::mmc::inquiry::{CD_DVD_DEVICE, Designator, StandardInquiry, VitalPage, field};
use engine::mmc::sense::{Sense, codes};

use super::context::{Cx, Reply, bad_cdb};
use super::ready;

/// INQUIRY (SPC-3, 6.4). Answers in every state.
pub(super) fn inquiry(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = Inquiry::from_cdb(cdb);
    let model = &cx.fw.model;
    let reply = match (cdb.evpd, cdb.page) {
        (false, 0) => {
            let mut reply = StandardInquiry {
                device_type: CD_DVD_DEVICE,
                removable: true,
                version: 5,
                format: 2,
                additional: STANDARD as u8 - 5,
                vendor: field(&model.vendor),
                product: field(&model.product),
                revision: field(&model.revision),
                ..StandardInquiry::default()
            }
            .emit()
            .to_vec();
            reply.resize(STANDARD, 0);
            // SAM-3, SPC-3, MMC-5 (SPC-3, 6.4.2, version descriptors).
            for (at, version) in [(58, 0x0060u16), (60, 0x0300), (62, 0x0420)] {
                reply[at..at + 2].copy_from_slice(&version.to_be_bytes());
            }
            reply
        }
        (true, 0x00) => VitalPage::Supported(vec![0x00, 0x80, 0x83]).emit(),
        (true, 0x80) => VitalPage::Serial(model.serial.clone()).emit(),
        (true, 0x83) => {
            let name = format!("{:8}{:16}{}", model.vendor, model.product, model.serial);
            let designator = Designator {
                code_set: 2,
                kind: 1,
                identifier: name.into_bytes(),
                ..Designator::default()
            };
            VitalPage::Identification(vec![designator]).emit()
        }
        _ => return Err(bad_cdb(2, None)),
    };
    cx.send(&reply, cdb.allocation.into(), data)
}

/// Bytes of the standard reply.
const STANDARD: usize = 96;

/// REPORT LUNS (SPC-3, 6.21): there is one, number 0.
pub(super) fn report_luns(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReportLuns::from_cdb(cdb);
    if cdb.select > 2 {
        return Err(bad_cdb(2, None));
    }
    // No well known unit besides it (select 1).
    let reply = if cdb.select == 1 { vec![0; 8] } else { [&[0, 0, 0, 8][..], &[0; 12]].concat() };
    cx.send(&reply, usize::try_from(cdb.allocation).unwrap_or(usize::MAX), data)
}

/// REQUEST SENSE (MMC-6, 6.30; SPC-3, 6.27): a deferred error, a unit attention, or how things are.
pub(super) fn request_sense(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = RequestSense::from_cdb(cdb);
    if cdb.desc {
        return Err(bad_cdb(1, Some(0)));
    }
    let told = cx.fw.nexuses.mine().and_then(|nexus| {
        let deferred = nexus.deferred.take();
        deferred.or_else(|| nexus.attentions.take().map(Sense::new))
    });
    let sense = told.unwrap_or_else(|| now(cx));
    cx.send(&sense.emit(), cdb.allocation.into(), data)
}

/// How things are: why the drive is not ready, or how far the formatting in the background is.
fn now(cx: &Cx<'_>) -> Sense {
    if let Err(refusal) = ready::medium(cx) {
        return refusal.sense;
    }
    let running = cx.fw.live.as_ref().is_some_and(|live| live.formatting.is_some());
    match cx.state() {
        Ok(state) if running => {
            let format = state.format;
            let share = (i64::from(format.reached.0) << 16) / i64::from(format.blocks.0.max(1));
            let progress = share.clamp(0, 0xffff) as u16;
            Sense::new(codes::NO_SENSE).with_progress(progress)
        }
        _ => Sense::new(codes::NO_SENSE),
    }
}
