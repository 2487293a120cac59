//! Several burns on one disc in memory, without files: whatever the disc, the image's size, the
//! choices, and the moment at which the power goes, the wire fails, the source fails or the user
//! stops, the promises hold on the medium itself.

use std::time::Duration;

use engine::burn::{self, Cancel, Close, DiscState, Error, Options, Outcome, Verify};
use engine::device::{Clock, Device, Fault, FaultKind, FaultMoment, FaultTarget, Faulty};
use engine::drive::Recorder;
use engine::image::{Sectors, SourceError, SourceErrorKind};
use engine::mmc::cdb::SynchronizeCache;
use engine::units::{BLOCK, Blocks, Kbps};
use vdrive::medium::Disc;
use vdrive::models::{Family, MediumKind, MediumModel, VirtualAddress};

use crate::place::{Cut, Laboratory, shrink};
use crate::promise::{self, Breach, Fingerprint, Seen};

/// Blocks of the discs: room for a few sessions of the largest image, on BD behind the spare areas.
const BLOCKS: u32 = 40_000;
const BD_BLOCKS: u32 = 393_216 + BLOCKS;

/// Burns on one disc.
const MOST: usize = 3;

/// Burns as `bytes` say, twice. Panics where a promise does not hold.
///
/// The first byte chooses the disc. Each burn takes eight bytes: choices (bit 0 keeps the disc
/// open, bit 1 allows overwriting, bits 3-2 what is verified, bits 5-4 the speed), image size in
/// units of eight blocks, padding to an odd size, kind of trouble, its moment in two bytes, and two
/// bytes for later use.
pub fn troubled_burns(bytes: &[u8]) {
    let first = checked(bytes);
    let again = checked(bytes);
    assert_eq!(first, again, "promise 8 is broken: the same burns leave something else");
}

fn checked(bytes: &[u8]) -> Fingerprint {
    match run(bytes, &mut Vec::new()) {
        Ok(fingerprint) => fingerprint,
        Err(breach) => panic!("{breach}"),
    }
}

/// What goes wrong with one burn.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    None,
    Power(Cut),
    Wire(Fault),
    Source(Blocks),
    Stop(Blocks),
}

/// One burn, as eight bytes say.
#[derive(Clone, Debug)]
struct Case {
    options: Options,
    blocks: Blocks,
    trouble: Trouble,
}

impl Case {
    fn of(bytes: [u8; 8], single: Kbps) -> Case {
        let [choices, size, odd, trouble, high, low, _, _] = bytes;
        let moment = u16::from_be_bytes([high, low]);
        let blocks = Blocks(1 + u32::from(size) * 8 + u32::from(odd % 8));
        let command = u64::from(moment % 128);
        let block = Blocks(u32::from(moment) % blocks.0);
        let wire = |kind, moment| {
            Trouble::Wire(Fault { kind, moment, target: FaultTarget::Any, count: command + 1 })
        };
        let trouble = match trouble % 10 {
            0 | 1 => Trouble::None,
            2 => Trouble::Power(Cut::Command(command)),
            3 | 4 => Trouble::Power(Cut::After(Duration::from_millis(u64::from(moment) * 4))),
            5 => wire(FaultKind::Reset, FaultMoment::Before),
            6 => wire(FaultKind::Reset, FaultMoment::After),
            7 => wire(FaultKind::Gone, FaultMoment::After),
            8 => Trouble::Source(block),
            _ => Trouble::Stop(block),
        };
        let options = Options {
            close: if choices & 1 != 0 { Close::KeepOpen } else { Close::Finalize },
            overwrite: choices & 2 != 0,
            verify: [Verify::None, Verify::Quick, Verify::Full, Verify::Full]
                [usize::from(choices >> 2 & 3)],
            speed: match choices >> 4 & 3 {
                0 | 1 => burn::Speed::Highest,
                2 => burn::Speed::Rate(single),
                _ => burn::Speed::Tenths(40),
            },
            ..Options::default()
        };
        Case { options, blocks, trouble }
    }
}

/// An image whose blocks tell burn and place, with trouble at a block.
struct Image {
    blocks: Blocks,
    tag: u8,
    trouble: Trouble,
    cancel: Cancel,
}

impl Sectors for Image {
    fn blocks(&self) -> Blocks {
        self.blocks
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        let end = first.0 + (room.len() / BLOCK) as u32;
        match self.trouble {
            Trouble::Source(block) if (first.0..end).contains(&block.0) => {
                return Err(SourceError {
                    block,
                    source: "the image".to_owned(),
                    kind: SourceErrorKind::Unreadable,
                    detail: "so it was to be".to_owned(),
                });
            }
            Trouble::Stop(block) if (first.0..end).contains(&block.0) => self.cancel.cancel(),
            _ => {}
        }
        for (at, block) in (first.0..).zip(room.chunks_exact_mut(BLOCK)) {
            block.fill(self.tag);
            block[..4].copy_from_slice(&at.to_be_bytes());
        }
        Ok(())
    }
}

/// How a burn ended: with what, and what was said of the disc.
struct Ended {
    result: Result<Outcome, Error>,
    said: DiscState,
}

/// Burns on a new disc; `lines` gets the trace and how each burn ended.
fn run(bytes: &[u8], lines: &mut Vec<String>) -> Result<Fingerprint, Breach> {
    let (&medium, rest) = bytes.split_first().unwrap_or((&0, &[]));
    let kind = MediumKind::ALL[usize::from(medium) % MediumKind::ALL.len()];
    let mut model = MediumModel::of_kind(kind);
    shrink(&mut model, if kind.family() == Family::Bd { BD_BLOCKS } else { BLOCKS });
    let disc = Disc::memory(&model).map_err(|e| broken(e.to_string()))?;
    let address = VirtualAddress { seed: Some(1), ..VirtualAddress::default() };
    let laboratory =
        Laboratory::new(&address, Some(disc), None).map_err(|e| broken(e.to_string()))?;
    let single = Kbps(kind.family().one_x_tenth_kbps() / 10);
    for (tag, bytes) in (1..).zip(rest.as_chunks::<8>().0.iter().take(MOST)) {
        let case = Case::of(*bytes, single);
        one(&laboratory, &case, tag, lines)?;
    }
    let disc = laboratory.fingerprint().map_err(broken)?;
    Ok(Fingerprint::of(lines, disc))
}

/// What should not happen at all: promise 7.
fn broken(what: String) -> Breach {
    Breach::new(7, what)
}

fn one(
    laboratory: &Laboratory,
    case: &Case,
    tag: u8,
    lines: &mut Vec<String>,
) -> Result<(), Breach> {
    let clock = laboratory.clock();
    let before = laboratory.seen().map_err(broken)?;
    let start = clock.now();
    let cancel = Cancel::new();
    let trouble = case.trouble;
    let mut image = Image { blocks: case.blocks, tag, trouble, cancel: cancel.clone() };
    let mut ended = {
        let plan = match trouble {
            Trouble::Wire(fault) => vec![fault],
            _ => Vec::new(),
        };
        let traced = engine::device::Traced::new(laboratory.device(), clock.clone(), &mut *lines);
        let mut device = Faulty::new(traced, clock.clone(), plan);
        if let Trouble::Power(cut) = trouble {
            laboratory.cut(cut);
        }
        attempt(&mut device, &*clock, case, &mut image, &cancel)
    };
    let took = clock.now().since(start);
    laboratory.heal();
    image.trouble = Trouble::None;
    // Whoever lost the drive can ask it again.
    let mut device = laboratory.device();
    let mut recorder = Recorder::new(&mut *device, &*clock, "virtual");
    let asked = recorder
        .ready(Duration::from_secs(300))
        .map_err(|e| broken(format!("the drive does not come back: {e}")))
        .and_then(|()| {
            burn::assess(&mut recorder).map_err(|e| broken(format!("cannot be asked: {e}")))
        })?;
    let power = matches!(trouble, Trouble::Power(_));
    if power || ended.said == DiscState::Unknown {
        ended.said = asked.clone();
    }
    if matches!(asked, DiscState::Overwritable { .. }) {
        // After the wire has failed, the drive may hold part of a recording unit, which it would
        // record whenever it likes: in the time of another burn, too. It may refuse to be asked.
        let _ = recorder.command(&SynchronizeCache::default(), &[]);
    }
    let after = laboratory.seen().map_err(broken)?;
    promise::within_bound(took, promise::BOUND)?;
    if !matches!(trouble, Trouble::Wire(_)) {
        promise::unlocked(&mut recorder)?;
    }
    check(case, &ended, before.as_ref(), after.as_ref(), &mut image)?;
    promise::statement(&asked, after.as_ref(), after.as_ref())?;
    mend(&mut recorder, laboratory, after.as_ref())?;
    lines.push(format!("{:?}", ended.result.map(|outcome| outcome.disc)));
    Ok(())
}

fn attempt(
    device: &mut dyn Device,
    clock: &dyn Clock,
    case: &Case,
    image: &mut Image,
    cancel: &Cancel,
) -> Ended {
    let mut recorder = Recorder::new(device, clock, "virtual");
    let result = burn::session_base(&mut recorder, &case.options).and_then(|base| {
        let options = Options { base: base.start, ..case.options.clone() };
        let plan = burn::plan(&mut recorder, case.blocks, &options)?;
        burn::run(&plan, &mut recorder, image, &mut |_| {}, cancel)
    });
    let said = match &result {
        Ok(outcome) => outcome.disc.clone(),
        Err(error) => error.disc.clone(),
    };
    Ended { result, said }
}

fn check(
    case: &Case,
    ended: &Ended,
    before: Option<&Seen>,
    after: Option<&Seen>,
    image: &mut Image,
) -> Result<(), Breach> {
    if let (Ok(outcome), Some(after)) = (&ended.result, after) {
        let place = |block| outcome.start.checked_add(block);
        promise::success(image, &place, &after.blocks)?;
    }
    if let (Some(before), Some(after), false) = (before, after, case.options.overwrite) {
        promise::kept(&before.blocks, &after.blocks)?;
    }
    promise::statement(&ended.said, before, after)
}

/// Closes what an early end left open; whatever comes of it, nothing readable is lost by it.
fn mend(
    recorder: &mut Recorder<'_>,
    laboratory: &Laboratory,
    before: Option<&Seen>,
) -> Result<(), Breach> {
    let said = match burn::close_interrupted(recorder, &mut |_| {}) {
        Ok(said) => said,
        Err(error) => error.disc,
    };
    let after = laboratory.seen().map_err(broken)?;
    if let (Some(before), Some(after)) = (before, &after) {
        promise::kept(&before.blocks, &after.blocks)?;
    }
    promise::statement(&said, before, after.as_ref())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 48,
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn any_burns(bytes in proptest::collection::vec(any::<u8>(), 1..25)) {
            troubled_burns(&bytes);
        }
    }

    /// A burn on DVD-RAM that loses the wire while the drive holds half a unit, and another after
    /// it: what the first left in the drive is not taken for the second's.
    #[test]
    fn what_a_drive_held_back_is_not_the_next_burns() {
        let dvd_ram = MediumKind::ALL.iter().position(|kind| *kind == MediumKind::DvdRam);
        let medium = dvd_ram.expect("DVD-RAM is in the list of all") as u8;
        let bytes = [medium, 0, 46, 0, 25, 0, 190, 0, 0, 252, 0, 0, 35, 0, 8, 0, 0];
        troubled_burns(&bytes);
    }

    #[test]
    fn every_medium_takes_a_burn_without_trouble() {
        for medium in 0..MediumKind::ALL.len() as u8 {
            let bytes = [medium, 0b1001, 20, 3, 0, 0, 0, 0, 0];
            let mut lines = Vec::new();
            let left = run(&bytes, &mut lines).expect("the promises hold");
            let last = lines.last().expect("how it ended comes last");
            assert!(last.starts_with("Ok("), "medium {medium}: {last}");
            assert!(left.exchanges > 20 && left.disc.is_some());
        }
    }
}
