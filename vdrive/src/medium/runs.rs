//! Sets of block addresses kept as runs: a disc is written in long stretches, so a few runs say
//! what a bit map of millions of blocks would.
//!
//! May not know: what the blocks mean.

use std::collections::BTreeMap;

use engine::units::{Blocks, Lba};

/// A set of blocks as disjoint runs that do not touch each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// First address of each run, and the address behind its last.
    runs: BTreeMap<i64, i64>,
}

fn span(lba: Lba, blocks: Blocks) -> (i64, i64) {
    let first = i64::from(lba.0);
    (first, first + i64::from(blocks.0))
}

/// Ends of runs stay below 2^33; addresses that leave the range of [`Lba`] were never inserted by
/// one, so they are clamped rather than wrapped.
fn lba(at: i64) -> Lba {
    Lba(i32::try_from(at).unwrap_or(i32::MAX))
}

impl Runs {
    /// No blocks.
    pub fn new() -> Runs {
        Runs::default()
    }

    /// Whether there are no blocks.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Adds these blocks.
    pub fn insert(&mut self, at: Lba, blocks: Blocks) {
        let (mut first, mut end) = span(at, blocks);
        if first == end {
            return;
        }
        // The common case of a disc being written: the last run grows at its end.
        if let Some(mut last) = self.runs.last_entry()
            && *last.get() == first
        {
            *last.get_mut() = end;
            return;
        }
        if let Some((&before, &before_end)) = self.runs.range(..=first).next_back()
            && before_end >= first
        {
            first = before;
            end = end.max(before_end);
        }
        while let Some((&next, &next_end)) = self.runs.range(first..=end).next() {
            self.runs.remove(&next);
            end = end.max(next_end);
        }
        self.runs.insert(first, end);
    }

    /// Takes these blocks out.
    pub fn remove(&mut self, at: Lba, blocks: Blocks) {
        let (first, end) = span(at, blocks);
        if first == end {
            return;
        }
        if let Some((&before, &before_end)) = self.runs.range(..first).next_back()
            && before_end > first
        {
            self.runs.insert(before, first);
            if before_end > end {
                self.runs.insert(end, before_end);
                return;
            }
        }
        while let Some((&next, &next_end)) = self.runs.range(first..end).next() {
            self.runs.remove(&next);
            if next_end > end {
                self.runs.insert(end, next_end);
            }
        }
    }

    /// Takes out every block.
    pub fn clear(&mut self) {
        self.runs.clear();
    }

    /// The run that holds this block: its first address and the one behind its last.
    pub fn run_at(&self, at: Lba) -> Option<(Lba, Lba)> {
        let at = i64::from(at.0);
        let (&first, &end) = self.runs.range(..=at).next_back()?;
        (end > at).then_some((lba(first), lba(end)))
    }

    /// Whether this block is in the set.
    pub fn contains(&self, at: Lba) -> bool {
        self.run_at(at).is_some()
    }

    /// Whether all of these blocks are in the set.
    pub fn covers(&self, at: Lba, blocks: Blocks) -> bool {
        let (_, end) = span(at, blocks);
        blocks.0 == 0 || self.run_at(at).is_some_and(|(_, run_end)| i64::from(run_end.0) >= end)
    }

    /// The first of these blocks that is in the set.
    pub fn first_in(&self, at: Lba, blocks: Blocks) -> Option<Lba> {
        let (first, end) = span(at, blocks);
        if first == end {
            return None;
        }
        if self.contains(at) {
            return Some(at);
        }
        self.runs.range(first..end).next().map(|(&next, _)| lba(next))
    }

    /// The first of these blocks that is not in the set.
    pub fn first_out(&self, at: Lba, blocks: Blocks) -> Option<Lba> {
        let (_, end) = span(at, blocks);
        let out = self.run_at(at).map_or(at, |(_, run_end)| run_end);
        (i64::from(out.0) < end).then_some(out)
    }

    /// The address behind the last block, if there is one.
    pub fn end(&self) -> Option<Lba> {
        self.runs.last_key_value().map(|(_, &end)| lba(end))
    }

    /// The address behind the last block below `limit`.
    pub fn end_before(&self, limit: Lba) -> Option<Lba> {
        let limit = i64::from(limit.0);
        self.runs.range(..limit).next_back().map(|(_, &end)| lba(end.min(limit)))
    }

    /// Each run: its first address and its length.
    pub fn iter(&self) -> impl Iterator<Item = (Lba, Blocks)> {
        self.runs.iter().map(|(&first, &end)| {
            (lba(first), Blocks(u32::try_from(end - first).unwrap_or(u32::MAX)))
        })
    }

    /// How many blocks.
    pub fn total(&self) -> u64 {
        self.runs.iter().map(|(&first, &end)| (end - first).unsigned_abs()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A plain set of addresses is the model; runs stay disjoint and apart.
        #[test]
        fn runs_are_a_set(
            ops in prop::collection::vec((any::<bool>(), -20i32..60, 0u32..25), 0..40),
        ) {
            let (mut runs, mut set) = (Runs::new(), BTreeSet::new());
            for (add, at, n) in ops {
                let addresses = at..at + n as i32;
                if add {
                    runs.insert(Lba(at), Blocks(n));
                    set.extend(addresses);
                } else {
                    runs.remove(Lba(at), Blocks(n));
                    set.retain(|x| !addresses.contains(x));
                }
                for x in -25..90 {
                    prop_assert_eq!(runs.contains(Lba(x)), set.contains(&x));
                }
                prop_assert_eq!(runs.total(), set.len() as u64);
                prop_assert_eq!(runs.end().map(|l| l.0 - 1), set.last().copied());
                let list: Vec<_> = runs.iter().collect();
                for pair in list.windows(2) {
                    prop_assert!(pair[0].0.0 + (pair[0].1.0 as i32) < pair[1].0.0);
                }
                let first = (0..10).find(|x| set.contains(x)).map(Lba);
                prop_assert_eq!(runs.first_in(Lba(0), Blocks(10)), first);
                let first = (0..10).find(|x| !set.contains(x)).map(Lba);
                prop_assert_eq!(runs.first_out(Lba(0), Blocks(10)), first);
                prop_assert_eq!(runs.covers(Lba(0), Blocks(10)), first.is_none());
            }
        }
    }
}
