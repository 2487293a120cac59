//! Whole discs against published times of real drives.
//!
//! Ids and seconds are those of a collection of measurements by reviewers and of program logs; the
//! tolerance stands beside each. The drives measured are not the models here: a model is a drive of
//! the same class and year.

use std::time::Duration;

use engine::units::{Instant, Lba};
use vdrive::mechanism::{
    BurnFault, Curve, Form, Geometry, Mechanism, Operation, Surface, WriteBuffer,
};
use vdrive::models::{DriveModel, Family, MediumKind, MediumModel, Speed, Strategy};

struct Nothing;

impl Surface for Nothing {
    fn burn(&mut self, _: Lba, _: Form, _: &[u8]) -> Result<(), BurnFault> {
        Ok(())
    }
}

/// What one burn cost: until the first unit, the data, the close.
struct Burn {
    start: Duration,
    data: Duration,
    close: Duration,
}

impl Burn {
    fn total(&self) -> Duration {
        self.start + self.data + self.close
    }
}

/// Burns `blocks` to a blank disc from a host that is never late, and closes it.
fn burn(model: &str, medium: &str, speed: Speed, blocks: u32) -> Burn {
    let model = DriveModel::named(model).unwrap();
    let medium = MediumModel::named(medium).unwrap();
    let family = medium.kind.family();
    let mut mech = Mechanism::new(&model, Instant::ZERO);
    assert!(mech.insert(&medium));
    let load = mech.start(Instant::ZERO, Operation::Load);
    let begin = load.ends();
    assert_eq!(mech.select_write(Some(speed.kbps(family))), Some(speed));
    let mut buffer = WriteBuffer::new(&model, family);
    let mut now = begin;
    let mut first = None;
    let piece = [0; 65_536];
    let mut lba = 0;
    while lba < blocks {
        let count = 32.min(blocks - lba);
        let bytes = &piece[..count as usize * 2048];
        now = buffer.make_room(now, &mut mech, bytes.len()).unwrap();
        buffer.advance(now, &mut mech, &mut Nothing);
        buffer.push(now, Lba(lba.cast_signed()), Form::USER, bytes).unwrap();
        if first.is_none() && buffer.recorded() > 0 {
            first = Some(now);
        }
        lba += count;
    }
    buffer.flush(now);
    let end = buffer.empty_at(now, &mut mech).unwrap();
    buffer.advance(end, &mut mech, &mut Nothing);
    assert_eq!((buffer.fill(), buffer.fault()), (0, None));
    let first = first.unwrap_or(end);
    let close = mech.duration(&Operation::CloseSession {
        start: Lba(0),
        end: Lba(blocks.cast_signed()),
        first: true,
        finalize: true,
    });
    // Rewritable DVD+ and BD-RE have nothing to close but their tables.
    let close = match medium.kind {
        MediumKind::DvdPlusRw | MediumKind::DvdRam | MediumKind::BdRe => {
            mech.duration(&Operation::UpdateStructures)
        }
        _ => close,
    };
    Burn { start: first.since(begin), data: end.since(first), close }
}

const fn mib(n: u32) -> u32 {
    n * 512
}

struct Row {
    id: &'static str,
    model: &'static str,
    medium: &'static str,
    speed: Speed,
    blocks: u32,
    /// Seconds as published: the whole job.
    seconds: u64,
    /// Tolerance in percent.
    within: u64,
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // CD-R 24x in P-CAV and in Z-CLV, 650 MB, lead-in and lead-out included.
    row("B044", "dvd-desktop", "cd-r", Speed::x(24), mib(650), 223, 5),
    row("B045", "bd-desktop", "cd-r", Speed::x(24), mib(650), 235, 7),
    row("B046", "bd-desktop", "cd-r", Speed::x(24), mib(650), 250, 12),
    // CD-R 48x, 700 MB.
    row("B051", "dvd-desktop", "cd-r", Speed::x(48), mib(700), 150, 3),
    row("B052", "dvd-desktop", "cd-r", Speed::x(48), mib(700), 152, 2),
    row("B053", "dvd-desktop", "cd-r", Speed::x(40), mib(700), 180, 3),
    // DVD 16x in CAV.
    row("B003", "dvd-desktop", "dvd+r", Speed::x(16), mib(4482), 353, 4),
    row("B004", "dvd-desktop", "dvd-r", Speed::x(16), mib(4482), 358, 5),
    row("B005", "dvd-desktop", "dvd+r", Speed::x(16), mib(4482), 368, 8),
    row("B006", "dvd-desktop", "dvd-r", Speed::x(16), mib(4482), 369, 8),
    row("B034", "bd-desktop", "dvd+r", Speed::x(16), mib(4482), 339, 2),
    row("B066", "dvd-desktop", "dvd-r", Speed::x(16), mib(4482), 360, 6),
    // DVD 8x, 4x, 2x.
    row("B002", "dvd-desktop", "dvd-r", Speed::x(8), mib(4482), 487, 4),
    row("B031", "bd-slim", "dvd+r", Speed::x(8), mib(4482), 690, 8),
    row("B060", "dvd-desktop", "dvd+r", Speed::x(4), mib(4482), 900, 2),
    row("B061", "dvd-desktop", "dvd-r", Speed::x(2), mib(4482), 1800, 2),
    // DVD rewritable.
    row("B009", "bd-desktop", "dvd+rw", Speed::x(8), mib(4482), 449, 3),
    row("B017", "dvd-desktop", "dvd+rw", Speed::x(8), mib(4482), 451, 4),
    row("B021", "dvd-desktop", "dvd+rw", Speed::x(8), mib(4482), 460, 6),
    row("B018", "bd-desktop", "dvd-rw", Speed::x(6), mib(4482), 602, 3),
    row("B022", "dvd-desktop", "dvd-rw", Speed::x(6), mib(4482), 620, 2),
    // BD-R.
    row("B035", "bd-slim", "bd-r", Speed::x(4), mib(23_866), 1671, 2),
];

const fn row(
    id: &'static str,
    model: &'static str,
    medium: &'static str,
    speed: Speed,
    blocks: u32,
    seconds: u64,
    within: u64,
) -> Row {
    Row { id, model, medium, speed, blocks, seconds, within }
}

#[test]
fn whole_burns_take_as_long_as_rows_b002_to_b066_say() {
    let mut wrong = Vec::new();
    for row in ROWS {
        let burn = burn(row.model, row.medium, row.speed, row.blocks);
        let ours = burn.total().as_millis() as u64;
        let theirs = row.seconds * 1000;
        let off = ours.abs_diff(theirs) * 100 / theirs;
        let line = format!(
            "{} {} {} {}: {} s start, {} s data, {} s close = {} s; published {} s, {off} % off",
            row.id,
            row.model,
            row.medium,
            row.speed,
            burn.start.as_secs(),
            burn.data.as_secs(),
            burn.close.as_secs(),
            ours / 1000,
            row.seconds,
        );
        println!("{line}");
        if off > row.within {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Closing alone, from logs of cdrecord: rows B087, B089, B094 and B098.
#[test]
fn closing_a_cd_takes_as_long_as_rows_b087_to_b098_say() {
    for (id, speed, blocks, published, within) in [
        ("B087", 16, 256_960, 28.4_f32, 40),
        ("B089", 8, 302_312, 35.1, 10),
        ("B094", 48, 350_000, 11.5, 15),
        ("B092", 48, 350_000, 14.2, 20),
    ] {
        let close = burn("dvd-desktop", "cd-r", Speed::x(speed), blocks).close.as_secs_f32();
        let off = (close - published).abs() * 100.0 / published;
        assert!(off < within as f32, "{id}: {close} s, published {published} s");
    }
}

/// The data phase alone, from the geometry and the strategy; published as computed figures.
#[test]
fn data_phases_of_full_discs_are_those_of_the_geometry() {
    let clv = |n| Strategy::Clv(Speed::x(n));
    let cav = |n| Strategy::Cav { outer: Speed::x(n) };
    for (family, blocks, strategy, seconds) in [
        (Family::Cd, 359_849, clv(8), 600),
        (Family::Cd, 359_849, clv(24), 200),
        (Family::Cd, 359_849, cav(48), 139),
        (Family::Cd, 359_849, cav(52), 129),
        (Family::Dvd, 2_295_104, clv(4), 849),
        (Family::Dvd, 2_295_104, clv(8), 424),
        (Family::Dvd, 2_295_104, cav(16), 300),
        (Family::Bd, 12_219_392, clv(2), 2783),
        (Family::Bd, 12_219_392, clv(6), 928),
        (Family::Bd, 12_219_392, cav(12), 656),
    ] {
        let curve = Curve::new(Geometry::new(family, blocks), strategy);
        let ours = curve.stretch(Lba(0), blocks).as_millis() as u64;
        let off = ours.abs_diff(seconds * 1000) * 1000 / (seconds * 1000);
        assert!(off <= 5, "{family:?} {:?}: {ours} ms, published {seconds} s", curve.strategy());
    }
}

/// Row B032: Nero prints 6.18x on average for a full disc read to 8.26x, which is the mean over the
/// positions of a constant angular velocity.
#[test]
fn the_mean_of_a_read_over_the_disc_is_that_of_row_b032() {
    let geometry = Geometry::new(Family::Dvd, 2_295_104);
    let curve = Curve::new(geometry, Strategy::Cav { outer: Speed(826) });
    let points = (0..1000).map(|i| curve.speed(Lba(i * 2295)).0);
    assert!((616..=620).contains(&(points.sum::<u32>() / 1000)));
    assert_eq!(curve.speed(Lba(0)).0 * 1000 / 826, 412, "inner to outer speed, as 24 to 58 mm");
}

/// Every full disc at every speed of every model, as a table that shows in review what a change to
/// a model or to the mechanics does. Renew it with what the failing test prints.
#[test]
fn full_disc_times_of_all_models_are_those_of_the_table() {
    let mut table = String::from("# drive, disc, speed: seconds of data, of closing\n");
    for name in vdrive::models::drive_names() {
        let model = DriveModel::named(name).unwrap();
        for kind in MediumKind::ALL {
            let medium = MediumModel::of_kind(kind);
            let mut mech = Mechanism::new(&model, Instant::ZERO);
            if !mech.insert(&medium) {
                continue;
            }
            let mut faster = Duration::ZERO;
            for strategy in mech.write_strategies().to_vec() {
                let speed = strategy.nominal();
                mech.select_write(Some(speed.kbps(kind.family())));
                let data = mech.write_curve().unwrap().stretch(Lba(0), medium.blocks);
                assert!(
                    data > faster,
                    "{name}: {kind} at {speed} is no slower than the next speed"
                );
                faster = data;
                let close = mech.duration(&Operation::CloseSession {
                    start: Lba(0),
                    end: Lba(medium.blocks.cast_signed()),
                    first: true,
                    finalize: true,
                });
                let (data, close) = (data.as_secs(), close.as_secs());
                table += &format!("{name}, {kind}, {speed}: {data}, {close}\n");
            }
        }
    }
    let golden = include_str!("full-disc-times.txt");
    assert!(table == golden, "the times are now:\n{table}");
}
