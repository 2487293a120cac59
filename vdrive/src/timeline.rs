//! One ordered queue of things to happen: by instant, then by the order in which they were put in.
//!
//! Knows nothing of what happens. Two runs that push the same things pop the same things.

use std::collections::BTreeMap;

use engine::units::Instant;

/// Names one entry of a [`Timeline`], to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    at: Instant,
    number: u64,
}

impl Ticket {
    /// When the entry is due.
    pub fn due(self) -> Instant {
        self.at
    }
}

/// Payloads ordered by (instant, sequence number).
#[derive(Clone, Debug)]
pub struct Timeline<T> {
    entries: BTreeMap<Ticket, T>,
    pushed: u64,
}

impl<T> Default for Timeline<T> {
    fn default() -> Timeline<T> {
        Timeline { entries: BTreeMap::new(), pushed: 0 }
    }
}

impl<T> Timeline<T> {
    /// An empty queue.
    pub fn new() -> Timeline<T> {
        Timeline::default()
    }

    /// Puts `payload` in for `at`, behind everything already in for the same instant. An instant
    /// that has passed is fine: the entry is due at once.
    pub fn push(&mut self, at: Instant, payload: T) -> Ticket {
        let ticket = Ticket { at, number: self.pushed };
        self.pushed += 1;
        self.entries.insert(ticket, payload);
        ticket
    }

    /// The next entry and when it is due.
    pub fn peek(&self) -> Option<(Instant, &T)> {
        self.entries.first_key_value().map(|(ticket, payload)| (ticket.at, payload))
    }

    /// Takes the next entry if it is due at `now`. Call until `None`: handling an entry may push
    /// others for the same instant.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, T)> {
        let (&ticket, _) = self.entries.first_key_value().filter(|(t, _)| t.at <= now)?;
        self.entries.remove(&ticket).map(|payload| (ticket.at, payload))
    }

    /// Takes an entry out before its time; `None` if it has been popped or cancelled already.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<T> {
        self.entries.remove(&ticket)
    }

    /// How many entries wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_instants_keep_the_order_of_pushing() {
        let mut line = Timeline::new();
        line.push(Instant(5), 'b');
        line.push(Instant(5), 'c');
        line.push(Instant(3), 'a');
        line.push(Instant(9), 'z');
        let mut seen = String::new();
        while let Some((_, c)) = line.pop_due(Instant(5)) {
            seen.push(c);
            if c == 'b' {
                line.push(Instant(5), 'd');
                line.push(Instant(1), 'B');
            }
        }
        assert_eq!(seen, "abBcd");
        assert_eq!(line.peek(), Some((Instant(9), &'z')));
    }

    #[test]
    fn a_cancelled_entry_never_comes() {
        let mut line = Timeline::new();
        let first = line.push(Instant(1), 1);
        line.push(Instant(1), 2);
        assert_eq!(line.cancel(first), Some(1));
        assert_eq!(line.cancel(first), None);
        assert_eq!(line.pop_due(Instant(1)), Some((Instant(1), 2)));
        assert!(line.is_empty());
    }
}
