//! Promise 2: what was readable before is readable after, unless the user asked to erase it.
//!
//! Checked after every burn, good or bad, that had no consent to overwrite. With consent, what the
//! image did not reach may still be gone: the disc was erased. Where a volume grows in place, what
//! leads to it is another; what it shows is looked at in `whole.rs`.

use engine::units::{Blocks, Lba};

use super::{Breach, Witness};

/// Compares a disc before a burn and after it.
pub fn kept(before: &Witness, after: &Witness) -> Result<(), Breach> {
    compare(before, after, &|_, _| false)
}

/// The same where a volume grows in place from block `start` on: there the zeros of a format are
/// filled, and of the `heads` descriptors and anchor lead elsewhere (ECMA-119, 6.2.1; ECMA-167,
/// 3/8.4.2.1).
pub fn kept_but_grown(
    before: &Witness,
    after: &Witness,
    start: Lba,
    heads: &[(Lba, Blocks)],
) -> Result<(), Breach> {
    let leads = |at: Lba, zeros: bool| {
        let within = |(start, blocks): &(Lba, Blocks)| at.checked_from(*start) < Some(*blocks);
        let fixed = (16..32).contains(&at.0) || at == Lba(256);
        let free = zeros && at >= start && !heads.is_empty();
        free || fixed && heads.iter().any(|head| at >= head.0 && within(head))
    };
    compare(before, after, &leads)
}

fn compare(
    before: &Witness,
    after: &Witness,
    may: &dyn Fn(Lba, bool) -> bool,
) -> Result<(), Breach> {
    if before.holds_nothing() {
        return Ok(());
    }
    let Some(at) = before.first_lost(after, may) else { return Ok(()) };
    let what =
        if after.readable(at) { "holds something else now" } else { "cannot be read any more" };
    Err(Breach::new(2, format!("block {at} was readable before the burn and {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_or_changed_block_is_a_breach() {
        let before = Witness::made_of(&[(0, 1), (16, 2)]);
        assert_eq!(kept(&before, &Witness::made_of(&[(0, 1), (16, 2), (17, 3)])), Ok(()));
        assert_eq!(kept(&before, &Witness::made_of(&[(0, 1)])).map_err(|b| b.promise), Err(2));
        assert!(kept(&before, &Witness::made_of(&[(0, 1), (16, 3)])).is_err());
        // The zeros of a format alone are nothing that anyone could miss.
        assert_eq!(kept(&Witness::zeros(0, 3), &Witness::made_of(&[(0, 7)])), Ok(()));
        let zeros = Witness::zeros(0, 3).and(&[(100, 1)]);
        assert_eq!(kept(&zeros, &Witness::made_of(&[(0, 0), (1, 0), (2, 0), (100, 1)])), Ok(()));
        assert_eq!(kept(&zeros, &Witness::zeros(0, 4).and(&[(100, 1)])), Ok(()));
        assert!(kept(&zeros, &Witness::zeros(1, 9).and(&[(100, 1)])).is_err());
        assert!(kept(&zeros, &Witness::made_of(&[(0, 0), (1, 0), (2, 7), (100, 1)])).is_err());
    }

    #[test]
    fn only_what_leads_to_a_volume_may_be_another() {
        let heads = [(Lba(0), Blocks(32))];
        let before = Witness::made_of(&[(3, 1), (17, 1), (256, 1)]);
        let check = |blocks: &[(i32, u8)]| {
            kept_but_grown(&before, &Witness::made_of(blocks), Lba(300), &heads)
        };
        assert_eq!(check(&[(3, 1), (17, 2), (256, 1)]), Ok(()));
        assert!(check(&[(3, 2), (17, 2), (256, 1)]).is_err());
        assert!(check(&[(3, 1), (17, 2), (256, 2)]).is_err());
        let before = Witness::zeros(290, 20).and(&[(17, 1)]);
        let check = |start| {
            let after = Witness::zeros(290, 10).and(&[(17, 2), (300, 7)]);
            kept_but_grown(&before, &after.and_zeros(301, 9), start, &heads)
        };
        assert_eq!(check(Lba(300)), Ok(()));
        assert!(check(Lba(301)).is_err());
    }
}
