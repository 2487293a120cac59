//! Burns on the virtual drive: every medium, sessions, erasing, endings before time. What is
//! claimed is compared with the disc itself.

mod place;

use engine::burn::{Cancel, Class, DiscState, Event, Fault, Options, Stage, Verified, Verify};
use engine::units::{Blocks, Lba};
use place::{ALL, Pattern, Place, keep_open};
use vdrive::models::MediumKind;

#[test]
fn every_medium_takes_an_image_and_gives_it_back() {
    for &kind in ALL {
        let mut place = Place::new(kind);
        let outcome = place.burn(1, 1000, &Options::default());
        let outcome = outcome.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(outcome.verified, Verified::Full, "{kind}");
        place.holds(Lba(0), 1, 1000);
        let overwritable = matches!(outcome.disc, DiscState::Overwritable { .. });
        assert!(overwritable || outcome.disc == DiscState::Complete, "{kind}: {:?}", outcome.disc);
    }
}

#[test]
fn quick_and_no_verification_say_so() {
    for (verify, verified) in [
        (Verify::None, Verified::No),
        (Verify::Quick, Verified::Quick { blocks: Blocks(64 + 32 + 16 * 32) }),
    ] {
        let mut place = Place::new(MediumKind::DvdPlusR);
        let options = Options { verify, ..Options::default() };
        let outcome = place.burn(1, 5000, &options).unwrap();
        assert_eq!(outcome.verified, verified);
    }
}

#[test]
fn a_second_session_leaves_the_first_alone() {
    for kind in [MediumKind::CdR, MediumKind::DvdR, MediumKind::DvdPlusR, MediumKind::BdR] {
        let mut place = Place::new(kind);
        let first = place.burn(1, 700, &keep_open()).unwrap_or_else(|e| panic!("{kind}: {e}"));
        let DiscState::Appendable { next } = first.disc else { panic!("{kind}: {:?}", first.disc) };
        let base = place.with(|r| engine::burn::session_base(r, &keep_open())).unwrap();
        assert_eq!((base.start, base.last), (next, Some(Lba(0))), "{kind}");
        let options = Options { base: base.start, ..keep_open() };
        let second = place.burn(2, 300, &options).unwrap_or_else(|e| panic!("{kind}: {e}"));
        let after = place.with(|r| engine::burn::session_base(r, &keep_open())).unwrap();
        assert_eq!(after.last, Some(next), "{kind}");
        let options = Options { base: after.start, ..Options::default() };
        let third = place.burn(3, 500, &options).unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert_eq!(third.disc, DiscState::Complete, "{kind}");
        place.holds(first.start, 1, 700);
        place.holds(second.start, 2, 300);
        place.holds(third.start, 3, 500);
        let error = place.burn(4, 10, &Options::default()).unwrap_err();
        assert_eq!(error.class(), Class::Medium, "{kind}: {error}");
    }
}

#[test]
fn a_rewritable_disc_is_written_again_only_with_consent() {
    for kind in [MediumKind::CdRw, MediumKind::DvdRw, MediumKind::DvdPlusRw, MediumKind::BdRe] {
        let mut place = Place::new(kind);
        place.burn(1, 700, &Options::default()).unwrap_or_else(|e| panic!("{kind}: {e}"));
        let error = place.burn(2, 700, &Options::default()).unwrap_err();
        assert_eq!(error.class(), Class::Medium, "{kind}: {error}");
        assert_eq!(error.disc, DiscState::Untouched);
        place.holds(Lba(0), 1, 700);
        let consent = Options { overwrite: true, ..Options::default() };
        let outcome = place.burn(2, 300, &consent).unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert_eq!(outcome.verified, Verified::Full);
        place.holds(Lba(0), 2, 300);
    }
}

#[test]
fn a_dvd_rw_for_restricted_overwrite_is_written_closed_and_written_again() {
    use engine::device::{Cdb, Data, Device, Request};
    let mut place = Place::new(MediumKind::DvdRw);
    place.with(|recorder| recorder.medium()).unwrap();
    // As dvd+rw-format does it: the quick format.
    let list = [0, 2, 0, 8, 0, 0, 0, 0, 0x54, 0, 0, 0];
    let cdb = Cdb::new(&[0x04, 0x11, 0, 0, 0, 0]);
    let request = Request { cdb, timeout: std::time::Duration::from_secs(100) };
    let done = place.virt.drive.clone().execute(&request, Data::Out(&list)).unwrap();
    assert!(done.sense.is_empty());
    let outcome = place.burn(1, 700, &Options::default()).unwrap();
    assert_eq!(outcome.verified, Verified::Full);
    place.holds(Lba(0), 1, 700);
    // Closed, it is as large as what is on it; a larger image needs consent, and finds room.
    assert_eq!(place.truth(|truth| truth.format().blocks), Blocks(704));
    let error = place.burn(2, 3000, &Options::default()).unwrap_err();
    assert_eq!((error.class(), error.disc), (Class::Medium, DiscState::Untouched));
    let consent = Options { overwrite: true, ..Options::default() };
    place.burn(2, 3000, &consent).unwrap();
    place.holds(Lba(0), 2, 3000);
}

#[test]
fn a_disc_that_holds_only_zeros_needs_no_consent() {
    let mut place = Place::new(MediumKind::DvdRam);
    place.burn(1, 700, &Options::default()).unwrap();
    let error = place.burn(2, 700, &Options::default()).unwrap_err();
    assert_eq!((error.class(), error.disc), (Class::Medium, DiscState::Untouched));
    place.holds(Lba(0), 1, 700);
}

#[test]
fn a_rewritable_disc_can_be_kept_open_and_grown() {
    for kind in [MediumKind::CdRw, MediumKind::DvdRw] {
        let mut place = Place::new(kind);
        place.burn(1, 400, &Options::default()).unwrap_or_else(|e| panic!("{kind}: {e}"));
        let consent = Options { overwrite: true, ..keep_open() };
        let outcome = place.burn(2, 400, &consent).unwrap_or_else(|e| panic!("{kind}: {e}"));
        let DiscState::Appendable { next } = outcome.disc else { panic!("{:?}", outcome.disc) };
        let options = Options { base: next, ..Options::default() };
        place.burn(3, 400, &options).unwrap_or_else(|e| panic!("{kind}: {e}"));
        place.holds(Lba(0), 2, 400);
        place.holds(next, 3, 400);
    }
}

#[test]
fn events_tell_stages_in_order_and_progress_to_the_end() {
    for &kind in ALL {
        let mut place = Place::new(kind);
        let plan = place.plan(20_000, &Options::default()).unwrap();
        let mut events = Vec::new();
        let mut image = Pattern { tag: 1, blocks: 20_000, bad: None };
        let mut tell = |event: &Event| events.push(event.clone());
        place.run(&plan, &mut image, &mut tell, &Cancel::new()).unwrap();
        let stages: Vec<Stage> = events
            .iter()
            .filter_map(|event| match event {
                Event::Stage(stage) => Some(*stage),
                _ => None,
            })
            .collect();
        assert_eq!((stages[0], *stages.last().unwrap()), (Stage::Prepare, Stage::Verify), "{kind}");
        for stage in [Stage::Write, Stage::Verify] {
            let progress: Vec<_> = events
                .iter()
                .filter_map(|event| match event {
                    Event::Progress(progress) if progress.stage == stage => Some(progress),
                    _ => None,
                })
                .collect();
            assert!(progress.is_sorted_by_key(|p| p.done), "{kind}");
            let last = progress.last().unwrap();
            assert_eq!(last.done, last.total, "{kind}");
            assert!(progress.iter().any(|p| p.file.is_some()), "{kind}");
        }
        assert!(
            events.iter().any(|e| matches!(e, Event::Progress(p) if p.buffer.is_some())),
            "{kind}"
        );
    }
}

#[test]
fn cancelling_anywhere_leaves_what_is_said() {
    for &kind in ALL {
        for after in [0, 1, 3, 8, 20, 40] {
            let mut place = Place::new(kind);
            let plan = place.plan(2000, &keep_open()).unwrap();
            let cancel = Cancel::new();
            let mut count = 0;
            let mut tell = |_: &Event| {
                count += 1;
                if count > after {
                    cancel.cancel();
                }
            };
            let mut image = Pattern { tag: 1, blocks: 2000, bad: None };
            let Err(error) = place.run(&plan, &mut image, &mut tell, &cancel) else { continue };
            assert_eq!(error.class(), Class::Cancelled, "{kind}: {error}");
            if error.disc != DiscState::Untouched {
                let fresh = place.assess();
                let said = format!("{kind} after {after}: said {:?}, is {fresh:?}", error.disc);
                match (&error.disc, &fresh) {
                    (
                        DiscState::Overwritable { recorded_to, .. },
                        DiscState::Overwritable { .. },
                    ) => {
                        place.holds(Lba(0), 1, recorded_to.0 as u32);
                    }
                    (said_state, fresh) => assert_eq!(said_state, fresh, "{said}"),
                }
            }
            // Whatever happened, the next burn goes on from there.
            let consent = Options { overwrite: true, ..keep_open() };
            place.with(|r| engine::burn::close_interrupted(r, &mut |_| ())).unwrap();
            let base = place.with(|r| engine::burn::session_base(r, &consent)).unwrap();
            let options = Options { base: base.start, ..consent };
            let outcome = place.burn(2, 500, &options);
            let outcome = outcome.unwrap_or_else(|e| panic!("{kind} after {after}: {e}"));
            place.holds(outcome.start, 2, 500);
        }
    }
}

#[test]
fn a_disc_too_small_is_refused_before_anything_happens() {
    for &kind in ALL {
        let mut place = Place::new(kind);
        let error = place.plan(50_000_000, &Options::default()).unwrap_err();
        assert!(matches!(*error.fault, Fault::TooSmall { .. }), "{kind}: {error}");
        assert_eq!(error.disc, DiscState::Untouched);
    }
}

#[test]
fn no_disc_is_no_disc() {
    let mut place = Place::new(MediumKind::CdR);
    drop(place.virt.bench.eject(place.virt.id).unwrap());
    let error = place.plan(10, &Options::default()).unwrap_err();
    assert_eq!(error.class(), Class::NoDisc, "{error}");
    assert_eq!(place.assess(), DiscState::NoDisc);
}
