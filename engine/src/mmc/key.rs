//! Replies of REPORT KEY.

use crate::mmc::wire::layout;

layout! {
    /// The drive's region, key format 08h (MMC-5, 6.29.3.1.7), behind the four bytes of header.
    pub struct RegionState[4] {
        /// 0 no region set, 1 set, 2 the last change is left, 3 for good.
        kind: u8 = (0 . 7-6),
        /// Resets by the maker that are left.
        resets: u8 = (0 . 5-3),
        /// Changes by the user that are left.
        changes: u8 = (0 . 2-0),
        /// Regions whose discs are not played, bit n for region n + 1; FFh while none is set.
        mask: u8 = (1 .. 2),
        /// 1: the drive looks after its region itself (phase 2).
        scheme: u8 = (2 .. 3),
    }
}

/// The reply with this key.
pub fn report(key: &[u8]) -> Vec<u8> {
    let key = &key[..key.len().min(usize::from(u16::MAX) - 2)];
    let [high, low] = (key.len() as u16 + 2).to_be_bytes();
    let mut bytes = vec![high, low, 0, 0];
    bytes.extend(key);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a drive without a region answers, as the kernel's DVD_LU_SEND_RPC_STATE decodes it.
    #[test]
    fn a_region_state_is_eight_bytes() {
        let region = RegionState { kind: 0, resets: 4, changes: 5, mask: 0xff, scheme: 1 };
        assert_eq!(report(&region.emit()), [0, 6, 0, 0, 0x25, 0xff, 1, 0]);
        assert_eq!(RegionState::parse(&[0x25, 0xff, 1, 0]), Ok(region));
    }
}
