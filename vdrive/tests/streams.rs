//! Arbitrary command streams: nothing panics, everything ends, the same input gives the same answers
//! and the same disc.

use proptest::prelude::*;
use vdrive::fuzzing::command_stream;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_stream_ends_and_leaves_a_disc(input in prop::collection::vec(any::<u8>(), 0..1500)) {
        let once = command_stream(&input);
        prop_assert_eq!(command_stream(&input), once);
    }
}
