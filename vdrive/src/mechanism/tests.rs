//! The mechanics against figures of real drives, and the write buffer against itself.

use std::time::Duration;

use engine::units::{Instant, Kbps, Lba};
use proptest::prelude::*;

use super::*;
use crate::models::{DriveModel, MediumKind, MediumModel, Speed};

const SECOND: Duration = Duration::from_secs(1);

/// Writes down what the laser records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tape {
    units: Vec<(i32, usize, u8)>,
    fail_at: Option<i32>,
}

impl Surface for Tape {
    fn burn(&mut self, lba: Lba, _: Form, sectors: &[u8]) -> Result<(), BurnFault> {
        if self.fail_at.is_some_and(|at| lba.0 >= at) {
            return Err(BurnFault { lba, cause: FaultCause::Medium });
        }
        self.units.push((lba.0, sectors.len(), sectors[0]));
        Ok(())
    }
}

fn drive(model: &str, kind: MediumKind) -> (Mechanism, WriteBuffer, Instant) {
    let model = DriveModel::named(model).unwrap();
    let mut mech = Mechanism::new(&model, Instant::ZERO);
    assert!(mech.insert(&MediumModel::of_kind(kind)));
    let now = mech.start(Instant::ZERO, Operation::Load).ends();
    (mech, WriteBuffer::new(&model, kind.family()), now)
}

#[test]
fn spindle_speeds_are_those_of_real_drives() {
    let cd = Geometry::new(Family::Cd, 359_849);
    let dvd = Geometry::new(Family::Dvd, 2_295_104);
    let bd = Geometry::new(Family::Bd, 12_219_392);
    let one = Speed::x(1);
    for (geometry, lba, speed, rpm) in [
        (cd, 0, one, 458),
        (cd, 359_849, one, 197),
        (dvd, 0, one, 1389),
        (dvd, 2_295_104, one, 574),
        (bd, 0, one, 1956),
        (bd, 12_219_392, one, 810),
        // A 12x start is 5500 rpm, as Yamaha says of its P-CAV writer.
        (cd, 0, Speed::x(12), 5500),
        // The outer edge of 12x BD and 16x DVD.
        (bd, 12_219_392, Speed::x(12), 9715),
        (dvd, 2_295_104, Speed::x(16), 9190),
    ] {
        let ours = geometry.rpm(Lba(lba), speed);
        assert!(ours.abs_diff(rpm) * 500 <= rpm, "{ours} rpm at {lba}, not {rpm}");
    }
    assert_eq!(cd.radius(Lba(359_849)) / 1_000_000, 57);
    assert_eq!(cd.radius(Lba(i32::MIN)), 20_000_000);
    assert_eq!(cd.radius(Lba(i32::MAX)), 60_000_000);
}

#[test]
fn a_lead_in_lies_inside_of_block_0_and_passes_slower_in_cav() {
    let (mut mech, _, _) = drive("dvd-desktop", MediumKind::CdR);
    mech.select_write(None);
    assert_eq!(mech.write_speed(), Some(Speed::x(48)));
    let inside = mech.write_rate_at(Lba(-11_634)).unwrap();
    let start = mech.write_rate_at(Lba(0)).unwrap();
    let end = mech.write_rate_at(Lba(359_848)).unwrap();
    assert!(inside < start && start < end);
    assert!((8465..=8467).contains(&end.0), "{end}");
}

#[test]
fn a_wish_for_a_speed_is_rounded_down_and_the_disc_s_rating_holds() {
    let (mut mech, _, _) = drive("bd-desktop", MediumKind::BdR);
    // The drive knows 8x; the disc is rated for 6x.
    assert_eq!(mech.select_write(None), Some(Speed::x(6)));
    assert_eq!(mech.select_write(Some(Kbps(26_970))), Some(Speed::x(6)));
    assert_eq!(mech.select_write(Some(Kbps(26_969))), Some(Speed::x(4)));
    assert_eq!(mech.select_write(Some(Kbps(1))), Some(Speed::x(2)));
    assert_eq!(mech.select_read(Some(Kbps(4 * 4495))), Some(Speed::x(4)));
    let end = mech.read_rate_at(Lba(12_219_391)).unwrap();
    assert!((17_900..=17_980).contains(&end.0), "{end}");
}

#[test]
fn a_drive_falls_asleep_by_its_timers_and_pays_for_waking() {
    let (mut mech, _, now) = drive("bd-desktop", MediumKind::BdR);
    assert_eq!(mech.power(now), PowerState::Active);
    assert_eq!(mech.next_power_change(now), Some((now + 20 * SECOND, PowerState::Idle)));
    assert_eq!(mech.power(now + 20 * SECOND), PowerState::Idle);
    let late = now + 480 * SECOND;
    assert_eq!(mech.power(late), PowerState::Standby);
    assert_eq!(mech.wake_time(late), Duration::from_millis(3500));
    let cost = mech.seek(late, Lba(6_000_000));
    assert!(cost > Duration::from_millis(3600) && cost < Duration::from_millis(4000), "{cost:?}");
    assert_eq!(mech.power(late + cost), PowerState::Active);
    assert_eq!(mech.set_power(late + cost, PowerState::Standby), Duration::from_millis(2500));
    assert_eq!(mech.set_power(late + 9 * SECOND, PowerState::Standby), Duration::ZERO);
}

#[test]
fn seeks_cost_what_the_model_says_and_half_a_turn() {
    let (mech, _, _) = drive("dvd-desktop", MediumKind::DvdR);
    let ms = |d: Duration| d.as_millis();
    assert_eq!(mech.seek_time(Lba(77), Lba(77)), Duration::ZERO);
    assert!((8..14).contains(&ms(mech.seek_time(Lba(0), Lba(400)))));
    // A third of the stroke out from 24 mm is 35.3 mm.
    assert!((130..140).contains(&ms(mech.seek_time(Lba(0), Lba(553_000)))));
    assert!((238..250).contains(&ms(mech.seek_time(Lba(0), Lba(2_295_103)))));
}

#[test]
fn reading_on_finds_what_was_read_ahead() {
    let (mut mech, _, now) = drive("bd-desktop", MediumKind::BdR);
    let first = mech.read(now, Lba(64), 32);
    assert!(first > Duration::from_millis(5), "a seek: {first:?}");
    let now = now + first;
    // At once, the host waits for the laser; a second later, it finds a full buffer.
    let unit = mech.unit_read_time(Lba(96));
    let next = mech.read(now, Lba(96), 32);
    assert!(next > unit / 2 && next < unit * 3 / 2, "{next:?} for a unit of {unit:?}");
    let mut now = now + next + SECOND;
    let capacity = 0x180000 / 2048;
    let mut lba = 128;
    while lba + 32 <= 128 + capacity {
        assert_eq!(mech.read(now, Lba(lba), 32), Duration::ZERO, "at {lba}");
        lba += 32;
    }
    let wait = mech.read(now, Lba(lba), 32);
    assert!(wait > Duration::ZERO);
    // A long read runs at the disc's speed.
    now = now + wait;
    let start = now;
    for i in 1..3001 {
        now = now + mech.read(now, Lba(lba + i * 32), 32);
    }
    let ideal = mech.read_curve().unwrap().stretch(Lba(lba + 32), 96_000);
    let took = now.since(start);
    assert!(took.abs_diff(ideal) < ideal / 100, "{took:?} instead of {ideal:?}");
}

#[test]
fn recording_waits_for_a_full_buffer_or_for_the_host_to_fall_silent() {
    let (mut mech, mut buffer, now) = drive("bd-desktop", MediumKind::BdR);
    let mut tape = Tape::default();
    buffer.push(now, Lba(0), Form::USER, &[1; 65_536]).unwrap();
    assert!(!buffer.recording());
    assert_eq!(buffer.next_event(), Some(now + 5 * SECOND));
    let late = now + 20 * SECOND;
    buffer.advance(late, &mut mech, &mut tape);
    assert_eq!(tape.units, [(0, 65_536, 1)]);
    assert_eq!((buffer.fill(), buffer.recording(), buffer.links()), (0, false, 0));
    assert_eq!(mech.calibrations(), 1, "recording calibrates by itself");
    assert_eq!(mech.head(), Lba(32));
    // 24 units fill the buffer to 100 %; 22 are over 90 %.
    for n in 1..23 {
        assert!(!buffer.recording());
        buffer.push(late, Lba(n * 32), Form::USER, &[1; 65_536]).unwrap();
        buffer.advance(late, &mut mech, &mut tape);
    }
    assert!(buffer.recording());
    assert_eq!(buffer.links(), 1, "after running dry it had to link");
}

#[test]
fn a_part_of_a_unit_stays_until_it_is_asked_for() {
    let (mut mech, mut buffer, now) = drive("bd-desktop", MediumKind::BdR);
    let mut tape = Tape::default();
    buffer.push(now, Lba(0), Form::USER, &[1; 50 * 2048]).unwrap();
    let mut at = now + 60 * SECOND;
    buffer.advance(at, &mut mech, &mut tape);
    assert_eq!((tape.units.len(), buffer.fill()), (1, 18 * 2048));
    assert_eq!(buffer.next_event(), None);
    buffer.flush(at);
    let end = buffer.empty_at(at, &mut mech).unwrap();
    assert!(end > at);
    buffer.advance(Instant(end.0 - 1), &mut mech, &mut tape);
    assert_eq!(buffer.fill(), 18 * 2048);
    buffer.advance(end, &mut mech, &mut tape);
    assert_eq!(tape.units[1], (32, 18 * 2048, 1));
    assert!(!buffer.flushing());
    // So it is when the host goes elsewhere.
    at = end;
    buffer.push(at, Lba(3200), Form::USER, &[2; 2048]).unwrap();
    buffer.push(at, Lba(6400), Form::USER, &[3; 65_536]).unwrap();
    buffer.advance(at + 60 * SECOND, &mut mech, &mut tape);
    assert_eq!(tape.units[2..], [(3200, 2048, 2), (6400, 65_536, 3)]);
}

#[test]
fn a_dry_buffer_ruins_an_unprotected_recording() {
    let (mut mech, mut buffer, now) = drive("dvd-desktop", MediumKind::CdR);
    let mut tape = Tape::default();
    buffer.set_protection(false);
    for i in 0..26 {
        buffer.push(now, Lba(i * 16), Form::AUDIO, &[1; 16 * 2352]).unwrap();
    }
    buffer.advance(now + 60 * SECOND, &mut mech, &mut tape);
    let fault = BurnFault { lba: Lba(416), cause: FaultCause::Underrun };
    assert_eq!(buffer.fault(), Some(&fault));
    assert_eq!(tape.units.len(), 416);
    assert!(buffer.next_event().is_none());
    assert_eq!(buffer.take_fault(), Some(fault));
}

#[test]
fn what_the_disc_refuses_stops_recording_with_the_rest_in_the_buffer() {
    let (mut mech, mut buffer, now) = drive("bd-slim", MediumKind::DvdR);
    let mut tape = Tape { fail_at: Some(64), ..Tape::default() };
    buffer.push(now, Lba(0), Form::USER, &[1; 128 * 2048]).unwrap();
    buffer.flush(now);
    buffer.advance(now + 60 * SECOND, &mut mech, &mut tape);
    assert_eq!(buffer.fault().map(|fault| fault.lba), Some(Lba(64)));
    assert_eq!((tape.units.len(), buffer.fill()), (4, 48 * 2048));
    assert_eq!(buffer.empty_at(now, &mut mech), None);
    // The fault taken, what is left stays until someone asks for it again.
    buffer.take_fault();
    tape.fail_at = None;
    let later = now + 99 * SECOND;
    buffer.advance(later, &mut mech, &mut tape);
    assert_eq!((tape.units.len(), buffer.next_event()), (4, None));
    buffer.flush(later);
    assert!(buffer.empty_at(later, &mut mech).unwrap() > later);
    buffer.lose();
    assert_eq!((buffer.fill(), buffer.fault()), (0, None));
}

#[test]
fn a_command_larger_than_the_buffer_waits_for_the_laser() {
    let (mut mech, mut buffer, now) = drive("bd-desktop", MediumKind::BdRe);
    let mut tape = Tape::default();
    let bytes = vec![7; 8 << 20];
    assert!(buffer.push(now, Lba(0), Form::USER, &bytes).is_err());
    buffer.stretch(bytes.len());
    for (i, part) in bytes.chunks(4 << 20).enumerate() {
        buffer.push(now, Lba(i as i32 * 2048), Form::USER, part).unwrap();
    }
    assert_eq!((buffer.free(), buffer.fill()), (0, 8 << 20));
    // The host is done with it when all but a buffer's content has been recorded, at 2x.
    let done = buffer.make_room(now, &mut mech, 0).unwrap();
    let takes = done.since(now);
    let recorded = (8 << 20) - buffer.capacity() as u64;
    let rate = Duration::from_micros(recorded * 1_000_000 / 8_991_000);
    // A little more for the way there and the calibration.
    assert!(takes > rate && takes < rate + 15 * SECOND, "{takes:?}, not {rate:?}");
    buffer.advance(done, &mut mech, &mut tape);
    assert!(buffer.fill() <= buffer.capacity());
    // What follows has the ordinary room, and goes round the end of the larger memory.
    while buffer.fill() > 0 {
        let next = buffer.next_event().unwrap_or_else(|| {
            buffer.flush(done);
            done
        });
        buffer.advance(next.max(done), &mut mech, &mut tape);
    }
    assert_eq!(buffer.free(), buffer.capacity());
    assert_eq!(tape.units.iter().map(|unit| unit.1).sum::<usize>(), 8 << 20);
    assert!(tape.units.iter().all(|unit| unit.2 == 7));
}

#[test]
fn zones_of_z_clv_are_linked() {
    let (mut mech, mut buffer, mut now) = drive("bd-desktop", MediumKind::BdR);
    let mut tape = Tape::default();
    let border = 1_605_632;
    let mut last = None;
    let mut longest = Duration::ZERO;
    for i in 0..200 {
        now = buffer.make_room(now, &mut mech, 65_536).unwrap();
        let before = tape.units.len();
        buffer.advance(now, &mut mech, &mut tape);
        if tape.units.len() > before {
            longest = longest.max(last.map_or(Duration::ZERO, |last| now.since(last)));
            last = Some(now);
        }
        buffer.push(now, Lba(border - 3200 + i * 32), Form::USER, &[0; 65_536]).unwrap();
    }
    assert!((800..810).contains(&longest.as_millis()), "{longest:?}");
    assert_eq!(buffer.links(), 0, "a zone switch is no underrun");
    assert_eq!(mech.write_curve().unwrap().speed(Lba(border - 1)), Speed::x(4));
    assert_eq!(mech.write_curve().unwrap().speed(Lba(border)), Speed::x(6));
}

#[test]
fn a_long_operation_counts_up_to_its_end() {
    let (mut mech, _, now) = drive("dvd-desktop", MediumKind::DvdRw);
    let op = mech.start(now, Operation::Erase { start: Lba(0), blocks: 2_298_496 });
    // Erasing takes as long as recording the whole disc at the chosen 6x.
    assert!((560..570).contains(&op.duration.as_secs()), "{:?}", op.duration);
    assert_eq!((op.progress(now), op.done(now)), (0, false));
    assert_eq!(op.progress(now + op.duration / 2), 32768);
    assert_eq!((op.progress(op.ends()), op.done(op.ends())), (65535, true));
}

#[derive(Clone, Debug)]
enum Act {
    Push { jump: bool, sectors: u32 },
    Wait(u64),
    Flush,
}

fn act() -> impl Strategy_<Value = Act> {
    prop_oneof![
        6 => (prop::bool::weighted(0.1), 1..64_u32)
            .prop_map(|(jump, sectors)| Act::Push { jump, sectors }),
        2 => (0..8_000_000_000_u64).prop_map(Act::Wait),
        1 => Just(Act::Flush),
    ]
}

use proptest::strategy::Strategy as Strategy_;

proptest! {
    /// However finely time is cut, the same is recorded at the same instants; what was predicted
    /// comes true; nothing is lost or recorded twice.
    #[test]
    fn draining_does_not_depend_on_when_anyone_looks(
        kind in 0..8_usize,
        acts in prop::collection::vec(act(), 1..60),
        slices in 1..5_u64,
    ) {
        let kind = MediumKind::ALL[kind];
        let (mut mech, mut buffer, mut now) = drive("bd-desktop", kind);
        let mut tape = Tape::default();
        let (mut mech2, mut buffer2, mut tape2) = (mech.clone(), buffer.clone(), tape.clone());
        let mut lba = 0;
        let mut pushed = 0;
        for act in acts {
            let next = match act {
                Act::Push { jump, sectors } => {
                    let bytes = vec![lba as u8; sectors as usize * 2048];
                    let at = buffer.make_room(now, &mut mech, bytes.len());
                    prop_assert_eq!(at, buffer2.make_room(now, &mut mech2, bytes.len()));
                    let at = at.unwrap();
                    buffer.advance(at, &mut mech, &mut tape);
                    prop_assert!(buffer.free() >= bytes.len());
                    buffer2.advance(at, &mut mech2, &mut tape2);
                    lba += if jump { 1000 } else { 0 };
                    buffer.push(at, Lba(lba), Form::USER, &bytes).unwrap();
                    buffer2.push(at, Lba(lba), Form::USER, &bytes).unwrap();
                    lba += sectors.cast_signed();
                    pushed += bytes.len();
                    at
                }
                Act::Wait(ns) => Instant(now.0 + ns),
                Act::Flush => {
                    buffer.flush(now);
                    buffer2.flush(now);
                    now
                }
            };
            let step = (next.0 - now.0) / slices;
            for i in 0..slices {
                buffer2.advance(Instant(now.0 + i * step), &mut mech2, &mut tape2);
            }
            now = next;
            buffer.advance(now, &mut mech, &mut tape);
            buffer2.advance(now, &mut mech2, &mut tape2);
            prop_assert_eq!(&tape, &tape2);
            prop_assert_eq!(buffer.next_event(), buffer2.next_event());
            let recorded: usize = tape.units.iter().map(|unit| unit.1).sum();
            prop_assert_eq!(recorded + buffer.fill(), pushed);
        }
        buffer.flush(now);
        let end = buffer.empty_at(now, &mut mech).unwrap();
        buffer.advance(end, &mut mech, &mut tape);
        prop_assert_eq!(buffer.fill(), 0);
        prop_assert!(end >= now);
    }
}
