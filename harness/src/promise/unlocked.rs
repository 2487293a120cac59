//! Promise 5: the drive is left unlocked, and every run ends within a bounded time.
//!
//! The lock is asked for from the drive itself, by the capabilities page (MMC-3, 6.3.11), after
//! every burn whose drive still answers. The time is the drive's own.

use std::time::Duration;

use engine::drive::Recorder;
use engine::mmc::cdb::ModeSense10;
use engine::mmc::modes::{Capabilities, ModeList};

use super::Breach;

/// No burn may take longer: a full BD at its slowest, written and read back, takes some six hours.
pub const BOUND: Duration = Duration::from_secs(12 * 3600);

/// Asks the drive whether its tray is locked.
pub fn unlocked(recorder: &mut Recorder<'_>) -> Result<(), Breach> {
    let breach = |what: String| Breach::new(5, what);
    let ask = ModeSense10 { page: 0x2a, allocation: 256, ..Default::default() };
    let reply = recorder.ask(&ask, 256).map_err(|e| breach(format!("after the burn: {e}")))?;
    let list = ModeList::parse10(&reply).map_err(|e| breach(e.to_string()))?;
    // A drive without the page cannot be asked.
    let Some(page) = list.page(0x2a) else { return Ok(()) };
    let page = Capabilities::parse(page).map_err(|e| breach(e.to_string()))?;
    if page.lock_state {
        return Err(breach("the tray is still locked".to_owned()));
    }
    Ok(())
}

/// Whether a run took no longer than it may.
pub fn within_bound(took: Duration, bound: Duration) -> Result<(), Breach> {
    if took > bound {
        let what = format!("the burn took {} s, more than {} s", took.as_secs(), bound.as_secs());
        return Err(Breach::new(5, what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_long_is_a_breach() {
        assert_eq!(within_bound(BOUND, BOUND), Ok(()));
        assert!(within_bound(BOUND + Duration::from_secs(1), BOUND).is_err());
    }
}
