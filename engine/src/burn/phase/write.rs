//! Writing the image and the padding behind it.

use super::{Answer, Ask, Phase, Turn, close, enter};
use crate::burn::context::Context;
use crate::burn::job::Exchange;
use crate::burn::pace::Pace;
use crate::burn::{Event, Fault, Stage};
use crate::mmc::buffer::BufferCapacity;
use crate::mmc::cdb::{Command, ReadBufferCapacity, Write10};
use crate::units::{BLOCK, Blocks};

pub(crate) struct Writing {
    at: At,
    pace: Pace,
    /// For the next blocks.
    buffer: Vec<u8>,
    /// Whether the drive is asked how full its buffer is.
    meter: bool,
    /// How many blocks are on the disc for sure, if it has been seen to.
    sure: Option<Blocks>,
}

enum At {
    /// Blocks of the image, to be followed by so many in all.
    Image(u32),
    /// So many blocks on their way.
    Write(u32),
    Meter,
}

impl Writing {
    pub(super) fn begin(cx: &mut Context) -> Turn {
        enter(cx, Stage::Write);
        cx.flushed = true;
        let pace = Pace::new(Stage::Write, cx.plan.total(), cx.plan.medium.family, cx.now);
        Writing { at: At::Meter, pace, buffer: Vec::new(), meter: true, sure: None }.want(cx)
    }

    /// Goes on once all so far is on the disc.
    pub(super) fn resume(mut self, cx: &mut Context) -> Turn {
        enter(cx, Stage::Write);
        self.sure = Some(cx.taken);
        self.want(cx)
    }

    pub(super) fn step(mut self, cx: &mut Context, answer: Answer) -> Turn {
        match (self.at, answer) {
            (At::Image(all), Ok(bytes)) => {
                let of_image = cx.plan.blocks.saturating_sub(cx.taken).0.min(all);
                if bytes.len() != of_image as usize * BLOCK {
                    let detail = "an image block came with the wrong length".to_owned();
                    return cx.fail(Fault::Bug { detail }, Stage::Write);
                }
                self.buffer = bytes;
                self.at = At::Image(all);
                self.write(cx, all)
            }
            (At::Write(blocks), Ok(buffer)) => {
                self.buffer = buffer;
                cx.taken = Blocks(cx.taken.0 + blocks);
                self.at = At::Meter;
                if !self.pace.due(cx.now, cx.taken) {
                    return self.want(cx);
                }
                if self.meter {
                    let allocation = BufferCapacity::LEN as u16;
                    let ask = ReadBufferCapacity { block: false, allocation };
                    let ask = Exchange::ask(ask.cdb(), BufferCapacity::LEN);
                    return Turn(Phase::Write(self), Ask::Send(ask));
                }
                self.tell(cx, None);
                self.want(cx)
            }
            (At::Meter, Ok(bytes)) => {
                let fill = BufferCapacity::parse(&bytes).ok().and_then(|capacity| {
                    let filled = capacity.filled()?;
                    cx.buffer = Some(capacity.size).filter(|&size| size > 0);
                    u64::from(filled).checked_mul(100)?.checked_div(u64::from(capacity.size))
                });
                self.at = At::Meter;
                self.tell(cx, fill.map(|percent| percent as u8));
                self.want(cx)
            }
            // Not all drives know the command.
            (At::Meter, Err(fault)) if super::prepare::refused(&fault) => {
                self.at = At::Meter;
                self.meter = false;
                self.tell(cx, None);
                self.want(cx)
            }
            (_, Err(fault)) => cx.fail(fault, Stage::Write),
        }
    }

    /// The next blocks, or the end.
    fn want(mut self, cx: &mut Context) -> Turn {
        // With the first head on the disc the others are to follow.
        if cx.stopping() && (cx.plan.heads.is_empty() || cx.taken <= cx.plan.in_row()) {
            return cx.fail(Fault::Cancelled, Stage::Write);
        }
        if cx.plan.leads_from(cx.taken) && self.sure != Some(cx.taken) {
            return close::Flush::before(cx, self);
        }
        let left = cx.plan.total().saturating_sub(cx.taken);
        if left.0 == 0 {
            return Phase::flush(cx, true);
        }
        let row = cx.plan.place(cx.taken).map_or(left, |(_, row)| row);
        let all = cx.transfer(cx.plan.medium.transfer).min(left.0).min(row.0);
        let of_image = cx.plan.blocks.saturating_sub(cx.taken).0.min(all);
        let mut room = std::mem::take(&mut self.buffer);
        room.resize(of_image as usize * BLOCK, 0);
        if of_image == 0 {
            self.buffer = room;
            return self.write(cx, all);
        }
        self.at = At::Image(all);
        Turn(Phase::Write(self), Ask::Image(cx.taken, room))
    }

    fn write(mut self, cx: &mut Context, blocks: u32) -> Turn {
        let mut data = std::mem::take(&mut self.buffer);
        data.resize(blocks as usize * BLOCK, 0);
        let Some((lba, _)) = cx.plan.place(cx.taken) else {
            let detail = format!("block {} behind {} has no address", cx.taken, cx.plan.start);
            return cx.fail(Fault::Bug { detail }, Stage::Write);
        };
        cx.touched = true;
        cx.flushed = false;
        self.at = At::Write(blocks);
        // A transfer has at most 32 blocks.
        let write = Write10 { lba, blocks: blocks as u16, ..Write10::default() };
        Turn(Phase::Write(self), Ask::Send(Exchange::write(&write, data, lba)))
    }

    fn tell(&mut self, cx: &mut Context, buffer: Option<u8>) {
        let progress =
            self.pace.progress(cx.now, cx.taken, cx.taken.saturating_sub(Blocks(1)), buffer);
        cx.tell(Event::Progress(progress));
    }
}
