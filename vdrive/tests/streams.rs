//! Arbitrary command streams: nothing panics, everything ends, the same input gives the same
//! answers and the same disc.

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Whole burns as the corpus has them, with a few bytes changed: far into the firmware.
    #[test]
    fn a_burn_gone_astray_ends_and_leaves_a_disc(
        which in 0usize..9,
        drive in 0u8..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        more in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let names = vdrive::models::MediumKind::ALL.map(|kind| kind.name());
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../corpora/command_stream");
        let path = format!("{folder}/burn-{}.bin", names[which]);
        let mut input = std::fs::read(&path).expect("the corpus is there");
        input[1] = drive;
        for (at, byte) in changes {
            let at = at.index(input.len());
            input[at] = byte;
        }
        input.extend(more);
        let once = command_stream(&input);
        prop_assert_eq!(command_stream(&input), once);
    }
}
