//! Burns that grow what a disc that can be written over holds: what leads to the new blocks comes
//! last, another disc than the planned one is not touched, and the power may go at any command.

mod place;

use std::time::Duration;

use engine::burn::{Cancel, Class, DiscState, Error, Fault, Options, Outcome};
use engine::device::Clock;
use engine::drive::{Mark, Recorder};
use engine::mmc::cdb::{FormatUnit, TestUnitReady};
use engine::mmc::format::{FormatList, FormatType};
use engine::units::{BLOCK, Blocks, Lba};
use place::{Pattern, Place, block};
use vdrive::fault::{Fault as Trouble, What, When};
use vdrive::models::MediumKind;

/// Blocks of the first burn, and where the second one begins.
const OLD: u32 = 320;
/// Blocks of the second burn in a row, and of its head.
const NEW: u32 = 128;
const HEAD: u32 = 32;

const KINDS: [MediumKind; 4] =
    [MediumKind::DvdPlusRw, MediumKind::DvdRam, MediumKind::BdRe, MediumKind::DvdRw];

/// A disc that can be written over, with the first burn on it.
fn disc(kind: MediumKind, tag: u32) -> Place {
    let mut place = Place::new(kind);
    if kind == MediumKind::DvdRw {
        place.with(|recorder| format(recorder).unwrap());
    }
    place.burn(tag, OLD, &Options { overwrite: true, ..Options::default() }).unwrap();
    place
}

/// A quick format makes a DVD-RW one that is written over, no longer than what is written.
fn format(recorder: &mut Recorder<'_>) -> Result<(), engine::drive::Error> {
    recorder.ready(Duration::from_secs(60))?;
    let format = FormatUnit { fmt_data: true, cmp_list: false, code: 1 };
    let (kind, parameter) = (FormatType::Quick, 16);
    let list = FormatList { kind, parameter, ..FormatList::default() };
    recorder.command(&format, &list.emit())?;
    recorder.command(&TestUnitReady {}, &[])
}

fn mark(place: &mut Place) -> Mark {
    place.with(|recorder| {
        let medium = recorder.medium().unwrap();
        recorder.mark(&medium).unwrap()
    })
}

fn wish(disc: Option<Mark>) -> Options {
    let heads = vec![(Lba(0), Blocks(HEAD))];
    Options { base: Lba(OLD as i32), heads, disc, ..Options::default() }
}

fn grow(place: &mut Place, options: &Options, cancel: &Cancel) -> Result<Outcome, Error> {
    let plan = place.plan(NEW + HEAD, options)?;
    let mut image = Pattern { tag: 2, blocks: NEW + HEAD, bad: None };
    place.run(&plan, &mut image, &mut |_| (), cancel)
}

/// Whether these blocks of the disc are those of the image from `first` on.
fn is(place: &Place, at: u32, blocks: u32, tag: u32, first: u32) -> bool {
    place.truth(|truth| {
        (0..blocks).all(|n| {
            let there = truth.block(Lba((at + n) as i32)).unwrap();
            there == Some(block(tag, first + n))
        })
    })
}

/// Whether the head is the new one; one or the other it has to be, and all that it leads to there.
fn grown(place: &Place, what: &str) -> bool {
    assert!(is(place, HEAD, OLD - HEAD, 1, HEAD), "{what}: what was there is gone");
    // A head of two units may be half there on DVD; the second one leads.
    if is(place, HEAD / 2, HEAD / 2, 1, HEAD / 2) {
        return false;
    }
    assert!(is(place, HEAD / 2, HEAD / 2, 2, NEW + HEAD / 2), "{what}: the head is neither");
    assert!(is(place, OLD, NEW, 2, 0), "{what}: the head leads to nothing");
    true
}

#[test]
fn what_leads_to_new_blocks_is_written_where_it_belongs() {
    for kind in KINDS {
        let mut place = disc(kind, 1);
        let options = wish(Some(mark(&mut place)));
        let plan = place.plan(NEW + HEAD, &options).unwrap();
        assert_eq!((plan.start, plan.in_row(), plan.padding), (Lba(320), Blocks(128), Blocks(0)));
        assert_eq!(plan.place(Blocks(127)), Some((Lba(447), Blocks(1))));
        assert_eq!(plan.place(Blocks(128)), Some((Lba(0), Blocks(32))));
        assert_eq!(plan.place(Blocks(160)), None);
        assert_eq!(plan.block_at(Lba(3)), Some(Blocks(131)));
        let outcome = grow(&mut place, &options, &Cancel::new()).unwrap();
        let new = DiscState::Overwritable { from: Lba(320), recorded_to: Lba(448) };
        assert_eq!(outcome.disc, new, "{kind}");
        assert!(grown(&place, &kind.to_string()) && is(&place, 0, HEAD, 2, NEW), "{kind}");
    }
}

#[test]
fn power_cuts_leave_the_old_head_or_all_that_the_new_one_leads_to() {
    for kind in KINDS {
        let (mut at, mut ends) = (0, [0, 0]);
        loop {
            let mut place = disc(kind, 1);
            let options = wish(Some(mark(&mut place)));
            let plan = place.plan(NEW + HEAD, &options).unwrap();
            let bench = place.virt.bench.clone();
            let when = When::Before(bench.commands(place.virt.id) + at);
            bench.schedule(place.virt.id, Trouble { when, what: What::PowerCut });
            let mut image = Pattern { tag: 2, blocks: NEW + HEAD, bad: None };
            let result = place.run(&plan, &mut image, &mut |_| (), &Cancel::new());
            bench.heal();
            bench.plug(place.virt.id);
            let clock = place.virt.clock.clone();
            clock.wait_until(clock.now() + Duration::from_secs(60));
            let what = format!("{kind}, cut at command {at}: {result:?}");
            ends[usize::from(grown(&place, &what))] += 1;
            if result.is_ok() {
                break;
            }
            at += 1;
            assert!(at < 500);
        }
        assert!(ends[0] > 10 && ends[1] > 0, "{kind}: {ends:?}");
    }
}

#[test]
fn who_stops_gets_the_old_volume_or_the_new_one() {
    for kind in KINDS {
        let mut ends = [0, 0];
        for after in 0..12 {
            let mut place = disc(kind, 1);
            let plan = place.plan(NEW + HEAD, &wish(None)).unwrap();
            let cancel = Cancel::new();
            let mut seen = 0;
            let mut image = Pattern { tag: 2, blocks: NEW + HEAD, bad: None };
            let mut tell = |_: &engine::burn::Event| {
                seen += 1;
                if seen == after {
                    cancel.cancel();
                }
            };
            let result = place.run(&plan, &mut image, &mut tell, &cancel);
            let what = format!("{kind}, stopped at event {after}: {result:?}");
            let new = grown(&place, &what);
            ends[usize::from(new)] += 1;
            if let Err(error) = &result {
                assert_eq!(error.class(), Class::Cancelled, "{what}");
            }
        }
        assert!(ends[0] > 0 && ends[1] > 0, "{kind}: {ends:?}");
    }
}

#[test]
fn another_disc_than_the_planned_one_is_not_touched() {
    for kind in KINDS {
        let mut place = disc(kind, 1);
        let planned = mark(&mut place);
        let plan = place.plan(NEW + HEAD, &wish(Some(planned.clone()))).unwrap();
        // A disc of the same kind with as much on it, put in behind the program's back.
        let other = disc(kind, 3);
        let other = other.virt.bench.take_disc(other.virt.id).unwrap();
        place.virt.bench.eject(place.virt.id).unwrap();
        place.virt.bench.insert(place.virt.id, other).unwrap();
        let mut image = Pattern { tag: 2, blocks: NEW + HEAD, bad: None };
        let error = place.run(&plan, &mut image, &mut |_| (), &Cancel::new()).unwrap_err();
        assert!(matches!(*error.fault, Fault::Replaced { .. }), "{kind}: {error}");
        assert_eq!((error.class(), &error.disc), (Class::Medium, &DiscState::Untouched));
        assert!(is(&place, 0, OLD, 3, 0), "{kind}");
        assert_ne!(mark(&mut place).to_string(), planned.to_string());
    }
}

#[test]
fn heads_that_are_none_are_refused() {
    let mut place = disc(MediumKind::BdRe, 1);
    for (start, blocks) in [(16, 16), (0, 16), (320, 32), (0, 160), (-32, 32)] {
        let heads = vec![(Lba(start), Blocks(blocks))];
        let options = Options { base: Lba(320), heads, ..Options::default() };
        let error = place.plan(NEW + HEAD, &options).unwrap_err();
        assert_eq!(error.class(), Class::Bug, "{start}+{blocks}: {error}");
    }
    let error = place.plan(NEW, &Options { base: Lba(320), ..Options::default() }).unwrap_err();
    assert!(matches!(*error.fault, Fault::WrongBase { .. }), "{error}");
    let room = place.with(|r| engine::burn::session_base(r, &Options::default())).unwrap().room;
    let error = place.plan(room.0, &wish(None)).unwrap_err();
    assert!(matches!(*error.fault, Fault::TooSmall { .. }), "{error}");
    assert_eq!(room.bytes().0 % BLOCK as u64, 0);
}
