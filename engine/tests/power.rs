//! The plug is pulled before every command of a small burn on every medium. What is said of the
//! disc afterwards must be true of the disc itself, and nothing that was readable before may be
//! lost.

mod place;

use engine::burn::{Cancel, Class, DiscState, Options};
use engine::device::Clock;
use engine::units::Lba;
use place::{ALL, Pattern, Place, keep_open};
use vdrive::fault::{Fault, What, When};
use vdrive::models::MediumKind;

const BLOCKS: u32 = 300;

/// Pulls the plug before or after command `at` of the burn; `None` if the burn needs no such
/// command.
fn cut(
    place: &mut Place,
    options: &Options,
    at: u64,
    after: bool,
) -> Option<(Lba, engine::burn::Error)> {
    let plan = place.plan(BLOCKS, options).unwrap();
    let bench = place.virt.bench.clone();
    let first = bench.commands(place.virt.id);
    let when = if after { When::After(first + at) } else { When::Before(first + at) };
    let fault = Fault { when, what: What::PowerCut };
    bench.schedule(place.virt.id, fault);
    let mut image = Pattern { tag: 1, blocks: BLOCKS, bad: None };
    let result = place.run(&plan, &mut image, &mut |_| (), &Cancel::new());
    bench.heal();
    bench.plug(place.virt.id);
    let clock = place.virt.clock.clone();
    for _ in 0..1200 {
        if bench.settled(place.virt.id) {
            break;
        }
        clock.wait_until(clock.now() + std::time::Duration::from_millis(100));
    }
    match result {
        Ok(_) => None,
        Err(error) => Some((plan.start, error)),
    }
}

/// `earlier`: what is done to the disc before.
fn every_command(kind: MediumKind, earlier: Option<&Options>, options: &Options, after: bool) {
    let mut at = 0;
    let mut ended = 0;
    loop {
        let mut place = Place::new(kind);
        let mut options = options.clone();
        if let Some(earlier) = earlier {
            place.burn(9, 200, earlier).unwrap();
            options.base = place.with(|r| engine::burn::session_base(r, &options)).unwrap().start;
        }
        let Some((start, error)) = cut(&mut place, &options, at, after) else { break };
        let earlier = earlier.is_some() && start != Lba(0);
        ended += 1;
        let what = format!("{kind}, cut at command {at}: {error}");
        assert_eq!(error.class(), Class::Wire, "{what}");
        place.check_claim(&error.disc, start, BLOCKS, &what);
        let now = place.assess();
        let what = format!("{what}\nnow {now:?}");
        place.check_claim(&now, start, BLOCKS, &what);
        if earlier {
            place.holds(Lba(0), 9, 200);
        }
        // Healed, it goes on.
        let closed = place.with(|r| engine::burn::close_interrupted(r, &mut |_| ()));
        let closed = closed.unwrap_or_else(|e| panic!("{what}: {e}"));
        if let DiscState::Open { closable: true, .. } = now {
            assert!(
                matches!(closed, DiscState::Appendable { .. } | DiscState::Complete),
                "{what}\nclosed {closed:?}"
            );
        }
        let consent = Options { overwrite: true, ..keep_open() };
        match place.with(|r| engine::burn::session_base(r, &consent)) {
            Ok(base) => {
                let options = Options { base: base.start, ..consent };
                let again = place.burn(2, 200, &options).unwrap_or_else(|e| panic!("{what}: {e}"));
                place.holds(again.start, 2, 200);
                if earlier && again.start != Lba(0) {
                    place.holds(Lba(0), 9, 200);
                }
            }
            // Whether more fits is the disc's to say; a claim that it does must hold.
            Err(error) => assert!(
                !matches!(closed, DiscState::Appendable { .. } | DiscState::Blank),
                "{what}\nclosed {closed:?}: {error}"
            ),
        }
        at += 1;
        assert!(at < 2000);
    }
    assert!(ended > 20, "{kind}: {ended}");
}

#[test]
fn power_cuts_on_blank_discs() {
    for &kind in ALL {
        every_command(kind, None, &Options::default(), false);
        every_command(kind, None, &Options::default(), true);
    }
}

#[test]
fn power_cuts_while_a_disc_is_written_again() {
    let consent = Options { overwrite: true, ..Options::default() };
    for kind in [MediumKind::CdRw, MediumKind::DvdRw, MediumKind::DvdPlusRw, MediumKind::BdRe] {
        every_command(kind, Some(&Options::default()), &consent, false);
        every_command(kind, Some(&Options::default()), &consent, true);
    }
}

#[test]
fn power_cuts_in_a_second_session() {
    for kind in [MediumKind::CdR, MediumKind::DvdR, MediumKind::DvdPlusR, MediumKind::BdR] {
        every_command(kind, Some(&keep_open()), &keep_open(), false);
        every_command(kind, Some(&keep_open()), &keep_open(), true);
    }
}
