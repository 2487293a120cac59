//! How fast it goes and how long it will take.

use std::time::Duration;

use super::{Progress, Stage};
use crate::media::Family;
use crate::units::{BLOCK, Blocks, Instant, Kbps};

/// How often progress is told.
const EVERY: Duration = Duration::from_millis(250);

pub(crate) struct Pace {
    stage: Stage,
    total: Blocks,
    family: Family,
    begun: Instant,
    told: Instant,
    done: Blocks,
    rate: Kbps,
}

impl Pace {
    pub(crate) fn new(stage: Stage, total: Blocks, family: Family, now: Instant) -> Pace {
        Pace { stage, total, family, begun: now, told: now, done: Blocks(0), rate: Kbps(0) }
    }

    /// Whether it is time to tell: a while since the last time, or all done.
    pub(crate) fn due(&self, now: Instant, done: Blocks) -> bool {
        done >= self.total || now.since(self.told) >= EVERY
    }

    /// How far it is.
    pub(crate) fn progress(
        &mut self,
        now: Instant,
        done: Blocks,
        block: Blocks,
        buffer: Option<u8>,
    ) -> Progress {
        let blocks = done.saturating_sub(self.done);
        if let Some(rate) = rate(blocks, now.since(self.told)) {
            self.rate = rate;
        }
        self.told = now;
        self.done = done;
        let left = rate(done, now.since(self.begun)).filter(|mean| mean.0 > 0).map(|mean| {
            let bytes = self.total.saturating_sub(done).bytes().0;
            Duration::from_millis(bytes / u64::from(mean.0))
        });
        // User data: on CD a tenth of single speed is 7.5 blocks a second.
        let per_tenth = u64::from(self.family.blocks_in_ten_seconds()) * BLOCK as u64;
        let tenths = u64::from(self.rate.0) * 1000 * 100 / per_tenth;
        Progress {
            stage: self.stage,
            done,
            total: self.total,
            block,
            file: None,
            rate: self.rate,
            tenths: u32::try_from(tenths).unwrap_or(u32::MAX),
            buffer,
            left,
        }
    }
}

/// The rate of so many blocks in so much time, if that is not too little to tell.
fn rate(blocks: Blocks, span: Duration) -> Option<Kbps> {
    let bytes = u128::from(blocks.bytes().0);
    let kbps = (bytes * 1_000_000).checked_div(span.as_nanos())?;
    Some(Kbps(u32::try_from(kbps).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_speed_is_ten_tenths() {
        for family in [Family::Cd, Family::Dvd, Family::Bd] {
            let blocks = Blocks(family.blocks_in_ten_seconds());
            let mut pace = Pace::new(Stage::Write, Blocks(blocks.0 * 3), family, Instant::ZERO);
            let now = Instant::ZERO + Duration::from_secs(10);
            let progress = pace.progress(now, blocks, blocks, None);
            assert!(progress.tenths.abs_diff(10) <= 1, "{family}: {}", progress.tenths);
            let left = progress.left.unwrap().as_secs();
            assert!((19..=21).contains(&left), "{family}: {left}");
        }
    }

    #[test]
    fn no_time_and_no_blocks_do_no_harm() {
        let mut pace = Pace::new(Stage::Write, Blocks(0), Family::Cd, Instant::ZERO);
        assert!(pace.due(Instant::ZERO, Blocks(0)));
        assert_eq!(pace.progress(Instant::ZERO, Blocks(0), Blocks(0), None).left, None);
    }
}
