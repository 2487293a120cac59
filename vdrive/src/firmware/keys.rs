//! REPORT KEY and SEND KEY: the drive's region, and that no disc here has keys to hand out.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, ReportKey, SendKey};
use engine::mmc::key::{RegionState, report};
use engine::mmc::sense::codes;

use super::context::{Answer, Cx, Refusal, Reply, bad_cdb};
use super::ready;
use crate::models::Family;

/// Key formats of class 0 (MMC-6, 6.29.2.6 and 6.35.2.4).
mod format {
    pub(super) const SET_REGION: u8 = 0x06;
    pub(super) const REGION: u8 = 0x08;
    pub(super) const AUTHENTICATION: u8 = 0x05;
    pub(super) const INVALIDATE: u8 = 0x3f;
}

/// REPORT KEY (MMC-6, 6.29): the region state at any time; the rest needs a disc with keys.
pub(super) fn report_key(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ReportKey::from_cdb(cdb);
    if cdb.class != 0 {
        return Err(bad_cdb(7, None));
    }
    match cdb.format {
        format::REGION => {
            // No region set yet: five changes by the user, four resets by the maker.
            let region = RegionState { kind: 0, resets: 4, changes: 5, mask: 0xff, scheme: 1 };
            cx.send(&report(&region.emit()), cdb.allocation.into(), data)
        }
        // No grant was ever made, so there is none to take back.
        format::INVALIDATE => cx.good(),
        format::AUTHENTICATION => {
            dvd(cx)?;
            // Authentication success flag: no.
            cx.send(&report(&[0; 4]), cdb.allocation.into(), data)
        }
        _ => {
            dvd(cx)?;
            Err(codes::KEY_NOT_PRESENT.into())
        }
    }
}

/// SEND KEY (MMC-6, 6.35): without a grant there is no exchange to go on with, and a region is only
/// taken from a disc that has one.
pub(super) fn send_key(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    // With a service action it is MAINTENANCE IN (SPC-4, 6.9), another command.
    if cdb.bytes()[1] & 0x1f != 0 {
        return Err(codes::INVALID_OPCODE.into());
    }
    let cdb = SendKey::from_cdb(cdb);
    if cdb.class != 0 {
        return Err(bad_cdb(7, None));
    }
    Cx::list(usize::from(cdb.length), data)?;
    match cdb.format {
        format::INVALIDATE => Ok(Answer::Good { moved: 0, at: cx.now + cx.fw.overhead() }),
        format::SET_REGION => {
            dvd(cx)?;
            Err(codes::REGION_MISMATCH.into())
        }
        _ => {
            dvd(cx)?;
            Err(codes::KEY_NOT_ESTABLISHED.into())
        }
    }
}

/// Refuses without a DVD.
fn dvd(cx: &Cx<'_>) -> Result<(), Refusal> {
    ready::medium(cx)?;
    match cx.state()?.kind().family() {
        Family::Dvd => Ok(()),
        Family::Cd | Family::Bd => Err(codes::INCOMPATIBLE_MEDIUM.into()),
    }
}
