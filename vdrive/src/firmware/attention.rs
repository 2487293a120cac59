//! What the drive has to say without being asked: the queue of unit attentions, and apart from it
//! the events that GET EVENT STATUS NOTIFICATION hands out. Reading one never touches the other.
//!
//! May not know: commands, media.

use std::collections::VecDeque;

use engine::mmc::sense::{SenseCode, codes};

/// Unit attention conditions in the order in which they are reported (SPC-3, 5.9.4; SAM-4, 5.14).
#[derive(Clone, Debug, Default)]
pub(super) struct Attentions {
    queue: VecDeque<SenseCode>,
}

/// Of each condition its level of precedence (SAM-4, 5.14): power on, hard reset, logical unit
/// reset and loss of the nexus come before all others, in this order.
fn rank(code: SenseCode) -> u8 {
    match (code.asc, code.ascq) {
        (0x29, 0x00) => 0,
        (0x29, 0x01 | 0x04) => 1,
        (0x29, 0x02) => 2,
        (0x29, 0x03) => 3,
        (0x29, _) => LAST_RESET,
        (0x3f | 0x2a, _) => LAST_RESET + 1,
        _ => LAST_RESET + 2,
    }
}

const LAST_RESET: u8 = 4;

impl Attentions {
    /// Adds a condition: behind those of its rank, once. A reset wipes out all others, but for a
    /// greater one that has not been reported yet and says enough.
    pub(super) fn raise(&mut self, code: SenseCode) {
        if rank(code) <= LAST_RESET {
            self.queue.retain(|&other| rank(other) < rank(code));
            if !self.queue.is_empty() {
                return;
            }
        }
        if self.queue.contains(&code) {
            return;
        }
        let at = self.queue.partition_point(|&other| rank(other) <= rank(code));
        self.queue.insert(at, code);
    }

    /// Takes the first condition: it has been reported.
    pub(super) fn take(&mut self) -> Option<SenseCode> {
        self.queue.pop_front()
    }

    /// Withdraws a condition that is no longer true.
    pub(super) fn withdraw(&mut self, code: SenseCode) {
        self.queue.retain(|&other| other != code);
    }

    /// The medium left: that a new one came is no longer news.
    pub(super) fn medium_left(&mut self) {
        self.withdraw(codes::MEDIUM_CHANGED);
    }
}

/// An event class of GET EVENT STATUS NOTIFICATION with its event code (MMC-5, 6.7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Class 1: the operating conditions changed; 2 in byte 4 and the report code in the last
    /// bytes.
    Operational(u16),
    /// Class 2: a power change succeeded; the new state.
    Power(u8),
    /// Class 4: 1 eject request, 2 new medium, 3 removal, 5 background format done, 6 restarted.
    Media(u8),
}

impl Event {
    /// Number of the class.
    pub(super) fn class(self) -> u8 {
        match self {
            Event::Operational(_) => 1,
            Event::Power(_) => 2,
            Event::Media(_) => 4,
        }
    }
}

/// Events that wait to be asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    queue: VecDeque<Event>,
}

impl Events {
    /// Bits of the classes that the drive reports.
    pub(super) const SUPPORTED: u8 = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 6;
    /// More than this nobody is going to ask for: the oldest give way.
    const KEPT: usize = 16;

    /// Adds an event, unless the same waits already.
    pub(super) fn raise(&mut self, event: Event) {
        if self.queue.contains(&event) {
            return;
        }
        if self.queue.len() == Events::KEPT {
            self.queue.pop_front();
        }
        self.queue.push_back(event);
    }

    /// The first event of the lowest class among these that has one.
    pub(super) fn first(&self, classes: u8) -> Option<Event> {
        let class = self
            .queue
            .iter()
            .map(|event| event.class())
            .filter(|class| classes >> class & 1 != 0)
            .min()?;
        self.queue.iter().copied().find(|event| event.class() == class)
    }

    /// The event has been handed out.
    pub(super) fn drop_first(&mut self, event: Event) {
        if let Some(at) = self.queue.iter().position(|&other| other == event) {
            self.queue.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_comes_first_and_alone() {
        let mut attentions = Attentions::default();
        attentions.raise(codes::MEDIUM_CHANGED);
        attentions.raise(codes::MODE_PARAMETERS_CHANGED);
        attentions.raise(codes::MEDIUM_CHANGED);
        assert_eq!(attentions.take(), Some(codes::MODE_PARAMETERS_CHANGED));
        attentions.raise(codes::POWER_ON_OR_RESET);
        attentions.raise(codes::MEDIUM_CHANGED);
        assert_eq!(attentions.take(), Some(codes::POWER_ON_OR_RESET));
        assert_eq!(attentions.take(), Some(codes::MEDIUM_CHANGED));
        assert_eq!(attentions.take(), None);
    }

    #[test]
    fn of_two_resets_the_greater_is_reported() {
        let order = [
            codes::POWER_ON_OR_RESET,
            codes::POWER_ON,
            codes::BUS_RESET,
            codes::TARGET_RESET,
            codes::NEXUS_LOSS,
        ];
        for (at, &greater) in order.iter().enumerate() {
            for &lesser in &order[at + 1..] {
                for both in [[greater, lesser], [lesser, greater]] {
                    let mut attentions = Attentions::default();
                    both.into_iter().for_each(|code| attentions.raise(code));
                    assert_eq!(attentions.take(), Some(greater));
                    assert_eq!(attentions.take(), None);
                }
            }
        }
    }

    #[test]
    fn the_lowest_class_that_was_asked_for_comes_first() {
        let mut events = Events::default();
        events.raise(Event::Media(3));
        events.raise(Event::Media(2));
        events.raise(Event::Power(1));
        assert_eq!(events.first(0x10), Some(Event::Media(3)));
        assert_eq!(events.first(0xff), Some(Event::Power(1)));
        events.drop_first(Event::Media(3));
        assert_eq!(events.first(0x10), Some(Event::Media(2)));
        assert_eq!(events.first(0x40), None);
    }
}
