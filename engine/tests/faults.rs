//! Things go wrong at every command of a small burn: a bus reset, a drive that does not answer, a
//! disc torn out, blocks that cannot be written or read. Every run ends, says something true, and
//! leaves the tray unlocked.

mod place;

use std::time::Duration;

use engine::burn::{Cancel, Class, DiscState, Fault, Options};
use engine::device::Clock;
use engine::units::{Blocks, Lba};
use place::{ALL, Pattern, Place};
use vdrive::bench::BenchError;
use vdrive::fault::{self, What, When};
use vdrive::models::MediumKind;

const BLOCKS: u32 = 200;

/// The fault at every command of a burn.
fn everywhere(kind: MediumKind, what: What) {
    let mut at = 0;
    loop {
        let mut place = Place::new(kind);
        let plan = place.plan(BLOCKS, &Options::default()).unwrap();
        let bench = place.virt.bench.clone();
        let before = bench.commands(place.virt.id);
        bench.schedule(place.virt.id, fault::Fault { when: When::Before(before + at), what });
        let mut image = Pattern { tag: 1, blocks: BLOCKS, bad: None };
        let result = place.run(&plan, &mut image, &mut |_| (), &Cancel::new());
        let commands = bench.commands(place.virt.id) - before;
        bench.heal();
        let case = format!("{kind}, {what:?} before command {at}");
        let clock = place.virt.clock.clone();
        clock.wait_until(clock.now() + Duration::from_secs(5000));
        match &result {
            Ok(_) if what == What::MediumRemoved => {}
            Ok(_) => place.holds(Lba(0), 1, BLOCKS),
            Err(error) => {
                assert!(error.class() != Class::Bug, "{case}: {error}");
                if what != What::MediumRemoved {
                    place.check_claim(&error.disc, Lba(0), BLOCKS, &format!("{case}: {error}"));
                }
            }
        }
        let ejected = bench.eject(place.virt.id);
        assert!(!matches!(ejected, Err(BenchError::Locked)), "{case}: locked, {result:?}");
        at += 1;
        if at >= commands {
            break;
        }
    }
}

#[test]
fn a_bus_reset() {
    ALL.iter().for_each(|&kind| everywhere(kind, What::Reset));
}

#[test]
fn a_drive_that_does_not_answer_for_ten_minutes() {
    ALL.iter().for_each(|&kind| everywhere(kind, What::Hang(Duration::from_secs(600))));
}

#[test]
fn a_disc_torn_out() {
    ALL.iter().for_each(|&kind| everywhere(kind, What::MediumRemoved));
}

fn with_bad_blocks(
    kind: MediumKind,
    what: What,
) -> (Place, Result<engine::burn::Outcome, engine::burn::Error>) {
    let mut place = Place::new(kind);
    let plan = place.plan(2000, &Options::default()).unwrap();
    let bench = place.virt.bench.clone();
    let now = bench.commands(place.virt.id);
    bench.schedule(place.virt.id, fault::Fault { when: When::Before(now), what });
    let mut image = Pattern { tag: 1, blocks: 2000, bad: None };
    let result = place.run(&plan, &mut image, &mut |_| (), &Cancel::new());
    (place, result)
}

#[test]
fn blocks_that_cannot_be_written() {
    for &kind in ALL {
        let (mut place, result) = with_bad_blocks(kind, What::WriteError(Lba(900), Blocks(3)));
        match result {
            // Drives with spare blocks use them.
            Ok(_) => place.holds(Lba(0), 1, 2000),
            Err(error) => {
                assert_eq!(error.class(), Class::Drive, "{kind}: {error}");
                place.check_claim(&error.disc, Lba(0), 2000, &format!("{kind}: {error}"));
                let now = place.assess();
                place.check_claim(&now, Lba(0), 2000, &format!("{kind}: {now:?}"));
            }
        }
    }
}

#[test]
fn a_block_that_cannot_be_read_back_is_named() {
    for &kind in ALL {
        let (_, result) = with_bad_blocks(kind, What::ReadError(Lba(905), Blocks(1)));
        let error = result.expect_err("a bad block");
        match &*error.fault {
            Fault::Mismatch { block, file, words: Some(_) } => {
                assert_eq!((*block, file.as_deref()), (Lba(905), Some("file 9")), "{kind}");
            }
            fault => panic!("{kind}: {fault:?}"),
        }
        assert_ne!(error.disc, DiscState::Unknown);
    }
}

#[test]
fn a_source_that_fails_leaves_what_is_said() {
    for &kind in ALL {
        for bad in [0, 1, 100, 1999] {
            let mut place = Place::new(kind);
            let plan = place.plan(2000, &Options::default()).unwrap();
            let mut image = Pattern { tag: 1, blocks: 2000, bad: Some(bad) };
            let result = place.run(&plan, &mut image, &mut |_| (), &Cancel::new());
            let error = result.unwrap_err();
            assert_eq!(error.class(), Class::Source, "{kind} {bad}: {error}");
            place.check_claim(&error.disc, Lba(0), 2000, &format!("{kind} {bad}: {error}"));
        }
    }
}
