//! Reading back and comparing with the image, which is asked for once more.

use std::collections::VecDeque;

use super::{Answer, Ask, Phase, Turn, enter};
use crate::burn::context::Context;
use crate::burn::job::Exchange;
use crate::burn::pace::Pace;
use crate::burn::{Event, Fault, Note, Stage, Verified, Verify};
use crate::drive::{Error, ErrorKind};
use crate::mmc::cdb::{Command, Read10};
use crate::units::{BLOCK, Blocks, Lba};

/// Blocks in one READ.
const TRANSFER: Blocks = Blocks(32);
/// Samples between the first and the last blocks of a quick verification.
const SAMPLES: u32 = 16;
/// Attempts for a block that cannot be read.
const ATTEMPTS: u8 = 3;

pub(crate) struct Verifying {
    at: At,
    /// What is still to be compared: first block, counted from the image's start, and how many.
    ranges: VecDeque<(u32, u32)>,
    compared: u32,
    pace: Pace,
    disc: Vec<u8>,
    image: Vec<u8>,
}

#[derive(Clone, Copy)]
enum At {
    Begin,
    /// So many blocks from there on are being read from the disc.
    Disc(u32, u32),
    /// The same one by one: how many are read, and attempts left for the next.
    Single(u32, u32, u32, u8),
    /// The same blocks of the image.
    Image(u32, u32),
}

impl Verifying {
    pub(super) fn begin(cx: &mut Context) -> Turn {
        let ranges = match cx.plan.verify {
            Verify::None => return Phase::release(cx),
            Verify::Full => VecDeque::from([(0, cx.plan.blocks.0)]),
            Verify::Quick => samples(cx.plan.blocks.0),
        };
        enter(cx, Stage::Verify);
        let total = Blocks(ranges.iter().map(|range| range.1).sum());
        let pace = Pace::new(Stage::Verify, total, cx.plan.medium.family, cx.now);
        let (disc, image) = (Vec::new(), Vec::new());
        Verifying { at: At::Begin, ranges, compared: 0, pace, disc, image }.next(cx)
    }

    pub(super) fn step(mut self, cx: &mut Context, answer: Answer) -> Turn {
        match (self.at, answer) {
            (At::Disc(first, blocks), Ok(bytes)) => {
                if bytes.len() != blocks as usize * BLOCK {
                    self.at = At::Begin;
                    return self.single(cx, first, blocks, 0, ATTEMPTS);
                }
                self.disc = bytes;
                self.at = At::Begin;
                self.want_image(first, blocks)
            }
            (At::Disc(first, blocks), Err(fault)) if unreadable(&fault) => {
                self.at = At::Begin;
                self.single(cx, first, blocks, 0, ATTEMPTS)
            }
            (At::Single(first, blocks, done, left), Ok(bytes)) => {
                self.at = At::Begin;
                if bytes.len() != BLOCK {
                    return mismatch(cx, first + done, Some("the answer is too short".to_owned()));
                }
                let _ = left;
                self.disc.extend_from_slice(&bytes);
                if done + 1 < blocks {
                    self.single(cx, first, blocks, done + 1, ATTEMPTS)
                } else {
                    self.want_image(first, blocks)
                }
            }
            (At::Single(first, blocks, done, left), Err(fault)) if unreadable(&fault) => {
                self.at = At::Begin;
                if left > 1 {
                    return self.single(cx, first, blocks, done, left - 1);
                }
                mismatch(cx, first + done, words(&fault))
            }
            (At::Image(first, blocks), Ok(bytes)) => {
                self.image = bytes;
                self.at = At::Begin;
                let differs = self
                    .disc
                    .chunks(BLOCK)
                    .zip(self.image.chunks(BLOCK))
                    .position(|(disc, image)| disc != image);
                if let Some(block) = differs {
                    return mismatch(cx, first + block as u32, None);
                }
                self.compared += blocks;
                if self.pace.due(cx.now, Blocks(self.compared)) {
                    let last = Blocks(first + blocks - 1);
                    let progress = self.pace.progress(cx.now, Blocks(self.compared), last, None);
                    cx.tell(Event::Progress(progress));
                }
                self.next(cx)
            }
            (_, Err(fault)) => cx.fail(fault, Stage::Verify),
            (At::Begin, Ok(_)) => self.next(cx),
        }
    }

    fn next(mut self, cx: &mut Context) -> Turn {
        if cx.stopping() {
            return cx.fail(Fault::Cancelled, Stage::Verify);
        }
        let Some((first, left)) = self.ranges.pop_front() else {
            let blocks = Blocks(self.compared);
            cx.verified = match cx.plan.verify {
                Verify::Full => Verified::Full,
                Verify::Quick if blocks == cx.plan.blocks => Verified::Full,
                _ => Verified::Quick { blocks },
            };
            cx.tell(Event::Note(Note::ReadBack { blocks }));
            return Phase::release(cx);
        };
        let row = cx.plan.place(Blocks(first)).map_or(left, |(_, row)| row.0);
        let blocks = cx.transfer(TRANSFER).min(left).min(row);
        if blocks < left {
            self.ranges.push_front((first + blocks, left - blocks));
        }
        let mut room = std::mem::take(&mut self.disc);
        room.resize(blocks as usize * BLOCK, 0);
        self.at = At::Disc(first, blocks);
        self.read(cx, first, blocks, room)
    }

    /// Block by block, so that the bad one can be named.
    fn single(mut self, cx: &mut Context, first: u32, blocks: u32, done: u32, left: u8) -> Turn {
        self.disc.truncate(done as usize * BLOCK);
        self.at = At::Single(first, blocks, done, left);
        self.read(cx, first + done, 1, vec![0; BLOCK])
    }

    fn read(self, cx: &mut Context, first: u32, blocks: u32, room: Vec<u8>) -> Turn {
        let lba = address(cx, first);
        let read = Read10 { lba, blocks: blocks as u16, ..Read10::default() };
        Turn(Phase::Verify(self), Ask::Send(Exchange::read(read.cdb(), room, lba)))
    }

    fn want_image(mut self, first: u32, blocks: u32) -> Turn {
        let mut room = std::mem::take(&mut self.image);
        room.resize(blocks as usize * BLOCK, 0);
        self.at = At::Image(first, blocks);
        Turn(Phase::Verify(self), Ask::Image(Blocks(first), room))
    }
}

/// The address on the disc of a block of the image. All of them had one when they were written.
fn address(cx: &Context, block: u32) -> Lba {
    cx.plan.place(Blocks(block)).map_or(cx.plan.start, |(lba, _)| lba)
}

fn mismatch(cx: &mut Context, block: u32, words: Option<String>) -> Turn {
    let block = address(cx, block);
    cx.fail(Fault::Mismatch { block, file: None, words }, Stage::Verify)
}

/// Whether the drive says that it cannot read the block.
fn unreadable(fault: &Fault) -> bool {
    matches!(fault, Fault::Drive(Error { kind: ErrorKind::Sense(_), .. }))
}

fn words(fault: &Fault) -> Option<String> {
    match fault {
        Fault::Drive(Error { kind: ErrorKind::Sense(sense), .. }) => Some(sense.say()),
        _ => None,
    }
}

/// The first 64 blocks (volume descriptors and what follows), the last 32, and samples between.
fn samples(blocks: u32) -> VecDeque<(u32, u32)> {
    let (head, tail, sample) = (64, 32, 32);
    if blocks <= head + tail + SAMPLES * sample {
        return VecDeque::from([(0, blocks)]);
    }
    let between = blocks - head - tail - sample;
    // From the middle outwards in time: what the drive still holds in its buffer, the last blocks
    // written, is read last.
    let mut ranges = VecDeque::new();
    for i in 0..SAMPLES {
        let at = u64::from(between) * u64::from(i) / u64::from(SAMPLES - 1);
        ranges.push_back((head + at as u32, sample));
    }
    ranges.push_back((0, head));
    ranges.push_back((blocks - tail, tail));
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_lie_inside_and_include_both_ends() {
        for blocks in [1, 63, 64, 608, 609, 10_000, 12_219_392] {
            let ranges = samples(blocks);
            assert!(ranges.iter().all(|&(first, len)| len > 0 && first + len <= blocks));
            assert!(ranges.iter().any(|&(first, _)| first == 0));
            assert!(ranges.iter().any(|&(first, len)| first + len == blocks));
        }
    }
}
