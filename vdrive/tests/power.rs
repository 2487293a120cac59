//! Power cuts: at every command of a burn, on every kind of disc, and in the middle of long
//! operations. What was synchronized before is there afterwards, and the disc says the truth about
//! where it can go on.

mod host;

use engine::device::{Data, DeviceErrorKind};
use engine::units::Lba;
use host::{Host, Sense, block, bytes};
use vdrive::fault::{Fault, What, When};
use vdrive::models::MediumKind;
use vdrive::truth::Truth;

/// One command of a burn: the CDB with its parameter list, or a stretch of blocks.
enum Step {
    Send(Vec<u8>, Vec<u8>),
    Write(i32, u32, u32),
    /// From here on this stretch must be readable whatever happens.
    Synced(i32, u32, u32),
}

fn send(cdb: &str, list: &str) -> Step {
    Step::Send(bytes(cdb), bytes(list))
}

/// A page 05 that begins with this.
fn page05(head: &str) -> Step {
    let list = format!("00 00 00 00 00 00 00 00 05 32 {head}");
    let mut list = bytes(&list);
    list.resize(60, 0);
    Step::Send(bytes("55 10 00 00 00 00 00 00 3c 00"), list)
}

const SYNC: &str = "35 00 00 00 00 00 00 00 00 00";

/// A burn with two stretches, synchronized in between where the kind of disc allows that.
fn burn(kind: MediumKind) -> Vec<Step> {
    let mut steps = Vec::new();
    let (second, close): (i32, &[&str]) = match kind {
        MediumKind::CdR | MediumKind::CdRw => {
            steps.push(page05("41 c4 08"));
            (400 + 152, &["5b 00 02 00 00 00 00 00 00 00"])
        }
        MediumKind::DvdR | MediumKind::DvdRw => {
            steps.push(page05("60 c5 08 10 00 00 00 00 00 00 00 10"));
            (400, &["5b 00 01 00 00 01 00 00 00 00", "5b 00 02 00 00 00 00 00 00 00"])
        }
        MediumKind::DvdPlusR => {
            (400, &["5b 00 01 00 00 01 00 00 00 00", "5b 00 02 00 00 00 00 00 00 00"])
        }
        MediumKind::BdR => {
            (416, &["5b 00 01 00 00 01 00 00 00 00", "5b 00 02 00 00 00 00 00 00 00"])
        }
        MediumKind::DvdPlusRw => {
            steps.push(send("04 11 00 00 00 00", "00 02 00 08 ff ff ff ff 98 00 00 00"));
            (400, &["5b 00 02 00 00 00 00 00 00 00"])
        }
        MediumKind::DvdRam => (400, &[]),
        MediumKind::BdRe => {
            steps.push(send("04 11 00 00 00 00", "00 02 00 08 00 b4 74 00 c0 00 30 00"));
            (400, &[])
        }
    };
    for part in 0..4 {
        steps.push(Step::Write(part * 100, 100, 1));
    }
    steps.push(send(SYNC, ""));
    steps.push(Step::Synced(0, 400, 1));
    for part in 0..4 {
        steps.push(Step::Write(second + part * 100, 100, 2));
    }
    steps.push(send(SYNC, ""));
    steps.push(Step::Synced(second, 400, 2));
    steps.extend(close.iter().map(|cdb| send(cdb, "")));
    steps
}

/// Runs the burn; `false` where the drive was gone in the middle of it.
fn carry_out(host: &mut Host, steps: &[Step], synced: &mut Vec<(i32, u32, u32)>) -> bool {
    for step in steps {
        match step {
            Step::Synced(lba, blocks, tag) => synced.push((*lba, *blocks, *tag)),
            Step::Send(cdb, list) => {
                if !insist(host, cdb, list) {
                    return false;
                }
            }
            Step::Write(lba, blocks, tag) => {
                let data: Vec<u8> =
                    (*lba..*lba + *blocks as i32).flat_map(|lba| block(lba, *tag)).collect();
                let mut cdb = [0x2a, 0, 0, 0, 0, 0, 0, 0, *blocks as u8, 0];
                cdb[2..6].copy_from_slice(&lba.to_be_bytes());
                if !insist(host, &cdb, &data) {
                    return false;
                }
            }
        }
    }
    true
}

/// Repeats a command while the drive is busy; `false` where the drive is gone.
fn insist(host: &mut Host, cdb: &[u8], list: &[u8]) -> bool {
    loop {
        let data = if list.is_empty() { Data::None } else { Data::Out(list) };
        match host.try_command(cdb, data) {
            Err(error) => {
                assert_eq!(error.kind, DeviceErrorKind::Gone);
                return false;
            }
            Ok(done) if done.sense.is_empty() => return true,
            Ok(done) => {
                let sense: Sense = (done.sense[2] & 0xf, done.sense[12], done.sense[13]);
                assert_eq!((sense.0, sense.1), (2, 4), "{cdb:02x?}: {sense:x?}");
                host.wait(1);
            }
        }
    }
}

fn holds(host: &Host, synced: &[(i32, u32, u32)]) {
    for &(lba, blocks, tag) in synced {
        host.on_disc(Lba(lba), blocks, tag);
    }
}

/// After the power is back: every block that was handed over and can be read holds what it should,
/// and the drive reads what lies on the disc.
fn nothing_is_false(host: &mut Host) {
    host.place
        .bench
        .with_disc(host.place.id, |disc| {
            let truth = Truth::of(disc);
            for (first, blocks) in truth.readable() {
                let end = (first.0 + blocks.0 as i32).min(2000);
                for lba in first.0.max(0)..end {
                    let found = truth.block(Lba(lba)).expect("memory").expect("readable");
                    let known = found == block(lba, 1) || found == block(lba, 2);
                    assert!(known || found.iter().all(|&b| b == 0), "block {lba}");
                }
            }
        })
        .expect("a disc");
}

/// What a host does after a loss: closes what is damaged, and writes on where the drive says.
fn goes_on(host: &mut Host, kind: MediumKind) {
    let info = host.read("51 00 00 00 00 00 00 00 22 00", 34);
    let overwritable =
        matches!(kind, MediumKind::DvdPlusRw | MediumKind::DvdRam | MediumKind::BdRe);
    if info[2] & 3 == 2 && !overwritable {
        return;
    }
    if kind == MediumKind::DvdPlusRw && info[7] & 3 == 0 {
        return;
    }
    if kind == MediumKind::BdRe && info[2] & 3 == 0 {
        return;
    }
    let last = info[6];
    for track in 1..=last {
        let row = host.read(&format!("52 01 00 00 00 {track:02x} 00 00 24 00"), 36);
        if row[5] & 0x20 != 0 && row[7] & 1 == 0 {
            host.good(&format!("5b 00 01 00 00 {track:02x} 00 00 00 00"));
        }
    }
    if matches!(kind, MediumKind::CdR | MediumKind::CdRw) {
        host.page05("41 c4 08");
    }
    let at = match kind {
        _ if overwritable => 1600,
        _ => {
            let info = host.read("51 00 00 00 00 00 00 00 22 00", 34);
            host.nwa(u16::from(info[6])) as i32
        }
    };
    host.burn(Lba(at), 320, 7);
    host.sync();
    host.check(Lba(at), 320, 7);
}

#[test]
fn a_cut_at_any_command_keeps_what_was_synchronized() {
    for kind in MediumKind::ALL {
        let steps = burn(kind);
        let mut whole = Host::with(kind);
        let before = whole.place.bench.commands(whole.place.id);
        assert!(carry_out(&mut whole, &steps, &mut Vec::new()), "{kind}");
        let commands = whole.place.bench.commands(whole.place.id);
        for n in before..commands {
            for when in [When::Before(n), When::After(n)] {
                let mut host = Host::with(kind);
                let fault = Fault { when, what: What::PowerCut };
                host.place.bench.schedule(host.place.id, fault);
                let mut synced = Vec::new();
                assert!(!carry_out(&mut host, &steps, &mut synced), "{kind}: {when:?}");
                holds(&host, &synced);
                host.place.bench.plug(host.place.id);
                host.wait(60);
                host.settle();
                nothing_is_false(&mut host);
                goes_on(&mut host, kind);
                holds(&host, &synced);
            }
        }
    }
}

#[test]
fn a_cut_in_the_middle_of_the_buffer_loses_only_the_buffer() {
    for kind in [MediumKind::CdR, MediumKind::DvdR, MediumKind::DvdPlusR, MediumKind::BdR] {
        for millis in [3_000, 9_000, 12_000, 20_000, 31_111] {
            let mut host = Host::with(kind);
            if kind == MediumKind::CdR {
                host.page05("41 c4 08");
            }
            let at = host.place.bench.now() + std::time::Duration::from_millis(millis);
            let fault = Fault { when: When::At(at), what: What::PowerCut };
            host.place.bench.schedule(host.place.id, fault);
            let steps: Vec<Step> = (0..2000).map(|i| Step::Write(i * 32, 32, 1)).collect();
            carry_out(&mut host, &steps, &mut Vec::new());
            host.wait(40);
            host.place.bench.plug(host.place.id);
            host.wait(60);
            host.settle();
            nothing_is_false(&mut host);
            goes_on(&mut host, kind);
        }
    }
}

#[test]
fn a_track_at_once_that_lost_its_power_is_damaged_until_it_is_closed() {
    let mut host = Host::with(MediumKind::CdR);
    host.page05("41 c4 08");
    host.burn(Lba(0), 3000, 1);
    host.place.bench.pull_power(host.place.id);
    host.place.bench.plug(host.place.id);
    host.wait(60);
    host.settle();
    let row = host.read("52 01 00 00 00 ff 00 00 24 00", 36);
    assert_eq!((row[5] & 0x20, row[7] & 1), (0x20, 0));
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[2], 0x09);
    assert_eq!(host.write(Lba(3000), 16, 1), Err((5, 0x63, 0)));
    assert_eq!(
        host.command(&bytes("5b 00 02 00 00 00 00 00 00 00"), Data::None),
        Err((5, 0x72, 3))
    );
    host.good("5b 00 01 00 00 01 00 00 00 00");
    host.good("5b 00 02 00 00 00 00 00 00 00");
    let end = host
        .place
        .bench
        .with_disc(host.place.id, |disc| disc.state().recorded.end().expect("some").0)
        .expect("a disc");
    assert!(end > 0 && end < 3000, "{end} blocks were recorded");
    host.check(Lba(0), end as u32, 1);
}

#[test]
fn a_dvd_r_rzone_that_lost_its_power_can_be_repaired() {
    let mut host = Host::with(MediumKind::DvdR);
    host.burn(Lba(0), 3200, 1);
    host.place.bench.pull_power(host.place.id);
    assert_eq!(
        host.try_command(&[0; 6], Data::None).expect_err("no power").kind,
        DeviceErrorKind::Gone
    );
    host.place.bench.plug(host.place.id);
    host.wait(60);
    host.settle();
    let row = host.read("52 01 00 00 00 01 00 00 24 00", 36);
    assert_eq!((row[5] & 0x20, row[7] & 1), (0x20, 0));
    host.good("58 00 00 00 00 01 00 00 00 00");
    let row = host.read("52 01 00 00 00 01 00 00 24 00", 36);
    assert_eq!((row[5] & 0x20, row[7] & 1), (0, 1));
    let nwa = host.nwa(1) as i32;
    assert!(nwa > 0 && nwa < 3200 && nwa % 16 == 0, "{nwa}");
    host.burn(Lba(nwa), 64, 2);
    host.sync();
    host.check(Lba(0), nwa as u32, 1);
    host.check(Lba(nwa), 64, 2);
}

#[test]
fn background_formatting_goes_on_by_itself_after_a_cut() {
    let mut host = Host::with(MediumKind::DvdPlusRw);
    let list = bytes("00 02 00 08 ff ff ff ff 98 00 00 00");
    assert_eq!(host.send("04 11 00 00 00 00", &list), Ok(0));
    host.ready();
    host.wait(100);
    let before = host.place.bench.with_disc(host.place.id, |disc| disc.state().format.reached);
    host.place.bench.pull_power(host.place.id);
    host.place.bench.plug(host.place.id);
    host.wait(60);
    host.settle();
    assert_eq!(host.read("51 00 00 00 00 00 00 00 22 00", 34)[7] & 3, 2);
    host.wait(100);
    let after = host.place.bench.with_disc(host.place.id, |disc| disc.state().format.reached);
    assert!(after > before && before > Some(Lba(0)), "{before:?} {after:?}");
    // New medium, then that the formatting was restarted.
    assert_eq!(host.read("4a 01 00 00 10 00 00 00 08 00", 8)[4], 2);
    assert_eq!(host.read("4a 01 00 00 10 00 00 00 08 00", 8)[4], 6);
}

#[test]
fn a_cut_in_the_middle_of_pseudo_overwrite_leaves_each_cluster_old_or_new() {
    let mut moved = 0;
    for millis in (0..4_000).step_by(97) {
        let mut host = Host::with(MediumKind::BdR);
        let list = bytes("00 02 00 08 00 b4 74 00 c8 00 30 00");
        assert_eq!(host.send("04 11 00 00 00 00", &list), Ok(0));
        host.ready();
        host.burn(Lba(0), 256, 1);
        host.sync();
        let at = host.place.bench.now() + std::time::Duration::from_millis(millis);
        let fault = Fault { when: When::At(at), what: What::PowerCut };
        host.place.bench.schedule(host.place.id, fault);
        // Every other half cluster, then all of it onto the disc.
        let mut steps: Vec<Step> = (0..8).map(|i| Step::Write(i * 32 + 8, 16, 2)).collect();
        steps.push(send(SYNC, ""));
        carry_out(&mut host, &steps, &mut Vec::new());
        host.wait(10);
        host.place.bench.plug(host.place.id);
        host.wait(60);
        host.settle();
        let clusters = host.place.bench.with_disc(host.place.id, |disc| {
            let truth = Truth::of(disc);
            let found = |lba| truth.block(Lba(lba)).expect("memory").expect("readable");
            for start in (0..256).step_by(32) {
                let new = found(start + 8) == block(start + 8, 2);
                for lba in start..start + 32 {
                    let tag = if new && (8..24).contains(&(lba - start)) { 2 } else { 1 };
                    assert!(found(lba) == block(lba, tag), "{millis} ms: block {lba}");
                }
            }
            disc.state().remapped.len()
        });
        moved += clusters.expect("a disc");
        // And it goes on behind what was recorded.
        let nwa = host.nwa(1) as i32;
        host.burn(Lba(nwa), 64, 3);
        host.sync();
        host.check(Lba(nwa), 64, 3);
    }
    assert!(moved > 8, "no cut came late enough to matter");
}
