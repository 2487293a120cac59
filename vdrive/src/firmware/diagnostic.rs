//! SEND DIAGNOSTIC: the drive looks at itself.

use std::time::Duration;

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, SendDiagnostic};

use super::context::{Answer, Cx, Reply, bad_cdb};

/// What memory and servo take to be tried, with the disc left alone.
const SELF_TEST: Duration = Duration::from_secs(2);

/// SEND DIAGNOSTIC (SPC-3, 6.28): the default self-test, which finds nothing wrong. There are no
/// diagnostic pages, and no tests of other kinds, which are optional.
pub(super) fn send_diagnostic(cx: &mut Cx<'_>, cdb: &Cdb, _: &mut Data<'_>) -> Reply {
    let cdb = SendDiagnostic::from_cdb(cdb);
    if cdb.code != 0 {
        return Err(bad_cdb(1, Some(7)));
    }
    if cdb.length != 0 {
        return Err(bad_cdb(3, None));
    }
    if !cdb.self_test {
        return cx.good();
    }
    // What is in the buffer goes onto the disc first.
    if !cx.fw.laser.is_empty() {
        return Ok(Answer::Again(cx.fw.laser.drained_at(cx.now)));
    }
    Ok(Answer::Good { moved: 0, at: cx.now + SELF_TEST })
}
