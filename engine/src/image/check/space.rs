//! What lies where: structures and contents that overlap.

use super::{Checker, byte};
use crate::units::BLOCK;

/// What a piece of the volume is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A structure of the volume: descriptors, tables, directories, entries.
    Structure,
    /// What a file holds.
    Content,
}

/// Bytes from `from` up to `to`, what for, and the place that says so.
#[derive(Clone, Copy, Debug)]
struct Claim {
    from: u64,
    to: u64,
    what: Use,
    said: u64,
}

/// All that is used.
#[derive(Debug, Default)]
pub(super) struct Claims {
    list: Vec<Claim>,
    most: usize,
    full: bool,
}

impl Claims {
    pub(super) fn new(most: u32) -> Claims {
        Claims { list: Vec::new(), most: (most as usize).saturating_mul(4), full: false }
    }

    /// Notes that bytes are used; `said` is the place that says so.
    pub(super) fn add(&mut self, what: Use, from: u64, bytes: u64, said: u64) {
        if bytes == 0 {
            return;
        }
        if self.list.len() >= self.most {
            self.full = true;
            return;
        }
        self.list.push(Claim { from, to: from.saturating_add(bytes), what, said });
    }

    /// Notes that blocks are used.
    pub(super) fn blocks(&mut self, what: Use, first: u32, blocks: u32, said: u64) {
        self.add(what, byte(first), u64::from(blocks) * BLOCK as u64, said);
    }

    /// Whether a block from `first` on, of so many, is used; the first that is, and who says so.
    pub(super) fn used(&self, first: u32, free: &dyn Fn(u32) -> bool) -> Option<(u32, u64)> {
        for claim in &self.list {
            let from = (claim.from / BLOCK as u64) as u32;
            let to = claim.to.div_ceil(BLOCK as u64).min(u32::MAX.into()) as u32;
            if let Some(block) = (from.max(first)..to).find(|block| free(*block)) {
                return Some((block, claim.said));
            }
        }
        None
    }

    /// Reports what overlaps without being the same: files may share all of their bytes with
    /// others, and a structure may be shown as a file.
    pub(super) fn check(mut self, checker: &mut Checker<'_>) {
        if self.full {
            let what = "the volume has more extents than are compared with each other";
            checker.note(0, "limits", what);
        }
        let key = |claim: &Claim| (claim.from, claim.to);
        self.list.sort_unstable_by_key(|claim| (claim.from, claim.to, claim.said));
        self.list.dedup_by_key(|claim| key(claim));
        let mut widest: Option<Claim> = None;
        for claim in self.list {
            if let Some(before) = widest
                && claim.from < before.to
            {
                let (a, b) = (before.said.min(claim.said), before.said.max(claim.said));
                let both = before.what == Use::Content && claim.what == Use::Content;
                let what = format!(
                    "{} bytes {} to {} lie over {} bytes {} to {}, of which byte {a} tells",
                    name(claim.what),
                    claim.from,
                    claim.to,
                    name(before.what),
                    before.from,
                    before.to
                );
                let clause = "ECMA-119, 6.4.1; ECMA-167, 4/8.3";
                if both {
                    checker.warning(b, clause, what);
                } else {
                    checker.error(b, clause, what);
                }
            }
            if widest.is_none_or(|before| before.to < claim.to) {
                widest = Some(claim);
            }
        }
    }
}

fn name(what: Use) -> &'static str {
    match what {
        Use::Structure => "a structure,",
        Use::Content => "a file,",
    }
}
