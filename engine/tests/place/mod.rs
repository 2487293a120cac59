//! A recorder to burn on: the virtual drive with a disc in memory, and images whose blocks all
//! differ.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part of it")]

use engine::burn::{self, Cancel, Close, DiscState, Error, Event, Options, Outcome, Plan};
use engine::drive::Recorder;
use engine::image::{Sectors, SourceError, SourceErrorKind};
use engine::units::{BLOCK, Blocks, Lba};
use vdrive::Virtual;
use vdrive::models::{MediumKind, VirtualAddress};
use vdrive::truth::Truth;

/// All kinds.
pub const ALL: &[MediumKind] = &MediumKind::ALL;

/// The content of block `number` of the image called `tag`: no two are alike.
pub fn block(tag: u32, number: u32) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (i, word) in block.chunks_exact_mut(8).enumerate() {
        let value = u64::from(tag) << 40 ^ u64::from(number) << 12 ^ i as u64;
        word.copy_from_slice(&(value + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    }
    block
}

/// An image that can fail from a block on.
pub struct Pattern {
    pub tag: u32,
    pub blocks: u32,
    pub bad: Option<u32>,
}

impl Sectors for Pattern {
    fn blocks(&self) -> Blocks {
        Blocks(self.blocks)
    }

    fn read(&mut self, first: Blocks, room: &mut [u8]) -> Result<(), SourceError> {
        for (number, out) in (first.0..).zip(room.chunks_mut(BLOCK)) {
            if self.bad.is_some_and(|bad| number >= bad) {
                return Err(SourceError {
                    block: Blocks(number),
                    source: "pattern".to_owned(),
                    kind: SourceErrorKind::Unreadable,
                    detail: "as told".to_owned(),
                });
            }
            out.copy_from_slice(&block(self.tag, number));
        }
        Ok(())
    }

    fn name_at(&self, block: Blocks) -> Option<String> {
        Some(format!("file {}", block.0 / 100))
    }
}

pub struct Place {
    pub virt: Virtual,
}

impl Place {
    pub fn new(kind: MediumKind) -> Place {
        let address: VirtualAddress = "virtual".parse().unwrap();
        Place { virt: vdrive::open(&address, None, kind, 1).unwrap() }
    }

    pub fn with<R>(&mut self, act: impl FnOnce(&mut Recorder<'_>) -> R) -> R {
        let mut drive = self.virt.drive.clone();
        let clock = self.virt.clock.clone();
        act(&mut Recorder::new(&mut drive, &clock, "virtual"))
    }

    pub fn plan(&mut self, blocks: u32, options: &Options) -> Result<Plan, Error> {
        self.with(|recorder| burn::plan(recorder, Blocks(blocks), options))
    }

    pub fn run(
        &mut self,
        plan: &Plan,
        image: &mut Pattern,
        tell: &mut dyn FnMut(&Event),
        cancel: &Cancel,
    ) -> Result<Outcome, Error> {
        self.with(|recorder| burn::run(plan, recorder, image, tell, cancel))
    }

    /// Plans and burns.
    pub fn burn(&mut self, tag: u32, blocks: u32, options: &Options) -> Result<Outcome, Error> {
        let plan = self.plan(blocks, options)?;
        self.run(&plan, &mut Pattern { tag, blocks, bad: None }, &mut |_| (), &Cancel::new())
    }

    /// The truth about the disc.
    pub fn truth<R>(&self, look: impl FnOnce(Truth<'_>) -> R) -> R {
        self.virt.bench.with_disc(self.virt.id, |disc| look(Truth::of(disc))).expect("a disc")
    }

    /// Asserts that the disc itself holds this image's first blocks from `start` on.
    pub fn holds(&self, start: Lba, tag: u32, blocks: u32) {
        self.truth(|truth| {
            for number in 0..blocks {
                let at = Lba(start.0 + number as i32);
                let there = truth.block(at).unwrap();
                assert!(
                    there == Some(block(tag, number)),
                    "block {at} is not image block {number}"
                );
            }
        });
    }

    /// What `state` claims about an image begun at `start`.
    pub fn check_claim(&self, state: &DiscState, start: Lba, blocks: u32, what: &str) {
        match state {
            DiscState::Open { track, readable_to, .. } => {
                assert!(readable_to >= track, "{what}");
                if *track == start {
                    let surely = readable_to.0 - start.0;
                    for number in 0..(surely as u32).min(blocks) {
                        let there = self.truth(|truth| truth.block(Lba(start.0 + number as i32)));
                        assert!(there.unwrap() == Some(block(1, number)), "{what}: block {number}");
                    }
                    let len = Blocks(surely as u32);
                    let bad = self.truth(|truth| truth.first_unreadable(start, len));
                    assert_eq!(bad, None, "{what}");
                }
            }
            DiscState::Blank => {
                assert!(self.truth(|truth| truth.readable()).is_empty(), "{what}");
            }
            DiscState::Complete => {
                assert!(self.truth(|truth| truth.is_finalised()), "{what}");
            }
            _ => {}
        }
    }

    /// The state as the drive tells it now.
    pub fn assess(&mut self) -> burn::DiscState {
        self.with(burn::assess).unwrap()
    }
}

pub fn keep_open() -> Options {
    Options { close: Close::KeepOpen, ..Options::default() }
}
