//! Promise 2: what was readable before is readable after, unless the user asked to erase it.
//!
//! Checked after every burn, good or bad, that had no consent to overwrite. With consent, what the
//! image did not reach may still be gone: the disc was erased.

use super::{Breach, Witness};

/// Compares a disc before a burn and after it.
pub fn kept(before: &Witness, after: &Witness) -> Result<(), Breach> {
    if before.holds_nothing() {
        return Ok(());
    }
    let Some(at) = before.first_lost(after) else { return Ok(()) };
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
}
