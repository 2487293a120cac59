//! Properties of whole burns. The functions are those of the fuzz targets.

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        max_shrink_iters: 20,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_burn_with_or_without_a_power_cut_keeps_the_promises(
        bytes in prop::collection::vec(any::<u8>(), 0..56),
    ) {
        harness::fuzzing::whole_burn(&bytes);
    }
}
