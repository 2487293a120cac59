//! Bytes on their way in and out. Both buffers keep what they once filled, so that no command has
//! to allocate or to clear memory; the output gives back what an unusually large answer took.
//!
//! May not know: what is in the units.

use std::ops::Range;

use super::super::wire::{BHS, Crc32c, crc32c, padded};
use crate::serve::trace::Tap;

/// Which digests are in force.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Digests {
    pub(super) header: bool,
    pub(super) data: bool,
}

impl Digests {
    /// Bytes of a header with its digest.
    pub(super) fn header_length(self) -> usize {
        BHS + if self.header { 4 } else { 0 }
    }
}

/// What has come and has not been looked at.
#[derive(Debug, Default)]
pub(super) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    /// Makes it this large; what lies in it stays.
    pub(super) fn resize(&mut self, size: usize) {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        self.bytes.resize(size.max(self.end), 0);
    }

    /// How much fits in.
    pub(super) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Where more can be put. Not empty while no unit fills the buffer alone.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 && self.end > self.bytes.len() / 2 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.bytes[self.end..]
    }

    /// So many bytes were put there.
    pub(super) fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// What is there.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// So many bytes have been looked at.
    pub(super) fn taken(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }
}

/// What waits to be sent.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Where every unit is shown.
    pub(super) tap: Option<Tap>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// Above this, memory is given back when all is sent.
const KEPT: usize = 2 << 20;

impl Output {
    /// An empty one, whose units are shown there.
    pub(super) fn shown_to(tap: Option<Tap>) -> Output {
        Output { tap, ..Output::default() }
    }

    /// Nothing of what waits is to be sent.
    pub(super) fn forget(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// What waits.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// So many bytes of it are on their way.
    pub(super) fn sent(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if self.bytes.len() > KEPT {
                self.bytes.truncate(KEPT);
                self.bytes.shrink_to_fit();
            }
        }
    }

    /// Room for `length` bytes, `before` bytes behind what waits, and where it begins.
    pub(super) fn space(&mut self, before: usize, length: usize) -> (usize, &mut [u8]) {
        let at = self.end + before;
        // Padding and digest may follow.
        self.grow(at + length + 8);
        (at, &mut self.bytes[at..at + length])
    }

    fn grow(&mut self, size: usize) {
        if self.bytes.len() < size {
            self.bytes.resize(size.next_multiple_of(1 << 16), 0);
        }
    }

    /// Bytes that lie behind what waits, put there before.
    pub(super) fn lying(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Appends a unit with this data.
    pub(super) fn put(&mut self, header: &[u8; BHS], data: &[u8], digests: Digests) {
        let (at, room) = self.space(digests.header_length(), data.len());
        room.copy_from_slice(data);
        self.put_lying(header, at..at + data.len(), digests);
    }

    /// Appends a unit whose data lies behind what waits already, at or after its place.
    pub(super) fn put_lying(&mut self, header: &[u8; BHS], data: Range<usize>, digests: Digests) {
        let length = data.len();
        let at = self.end + digests.header_length();
        let end = at + padded(length);
        self.grow(end + 4);
        if data.start != at {
            self.bytes.copy_within(data, at);
        }
        self.bytes[self.end..self.end + BHS].copy_from_slice(header);
        if digests.header {
            self.bytes[self.end + BHS..at].copy_from_slice(&crc32c(header));
        }
        self.bytes[at + length..end].fill(0);
        let begin = std::mem::replace(&mut self.end, end);
        if digests.data && length > 0 {
            let mut crc = Crc32c::default();
            crc.update(&self.bytes[at..end]);
            self.bytes[end..end + 4].copy_from_slice(&crc.finish());
            self.end += 4;
        }
        if let Some(tap) = self.tap.as_ref().filter(|tap| tap.is_on()) {
            tap.sent(&[&self.bytes[begin..self.end]]);
        }
    }

    /// Bytes that so many units of one command need besides their data, at most.
    pub(super) fn overhead(units: usize, digests: Digests) -> usize {
        match units {
            0 | 1 => digests.header_length(),
            _ => units * (digests.header_length() + 3 + if digests.data { 4 } else { 0 }),
        }
    }
}
