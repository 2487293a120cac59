//! Places for the connections of a listener: there are so many, and when all are taken, somebody
//! who has been quiet for long gives way, so that nobody keeps others out by doing nothing.
//!
//! May not know: what is spoken, over what.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::lock;

/// The places of one listener.
pub(super) struct Seats {
    most: usize,
    /// Those of them that nobody can have for good.
    open: usize,
    inner: Mutex<Inner>,
    left: Condvar,
}

/// How long a newcomer waits for those to be gone who had to give way.
const LONGEST_LEAVE: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Inner {
    /// Counts who came and what was heard.
    last: u64,
    taken: Vec<Seat>,
    /// Those who had to give way and have not gone yet.
    leaving: usize,
}

struct Seat {
    number: u64,
    /// When it was last heard of; none: it stays as long as it wants.
    heard: Option<u64>,
    end: Box<dyn Fn() + Send>,
}

/// A place that is taken, until this is dropped.
pub(super) struct Ticket {
    seats: Arc<Seats>,
    number: u64,
}

impl fmt::Debug for Seats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seats").field("most", &self.most).finish_non_exhaustive()
    }
}

impl Seats {
    /// So many places, of which `open` are never taken for good.
    pub(super) fn new(most: usize, open: usize) -> Arc<Seats> {
        Arc::new(Seats { most, open, inner: Mutex::default(), left: Condvar::new() })
    }

    /// A place for a newcomer, who gives it up, when others need it, by `end`. None where all stay.
    pub(super) fn enter(self: &Arc<Seats>, end: impl Fn() + Send + 'static) -> Option<Ticket> {
        let inner = lock(&self.inner);
        // Their threads end soon, but must not pile up.
        let many = |inner: &mut Inner| inner.leaving >= self.most;
        let waited = self.left.wait_timeout_while(inner, LONGEST_LEAVE, many);
        let (mut inner, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return None;
        }
        if inner.taken.len() >= self.most {
            let heard = inner.taken.iter().enumerate().filter_map(|(at, s)| Some((s.heard?, at)));
            let (_, at) = heard.min()?;
            inner.leaving += 1;
            (inner.taken.swap_remove(at).end)();
        }
        inner.last += 1;
        let number = inner.last;
        inner.taken.push(Seat { number, heard: Some(number), end: Box::new(end) });
        Some(Ticket { seats: Arc::clone(self), number })
    }
}

impl Ticket {
    /// It has been heard of, and is the last now that has to give way.
    pub(super) fn heard(&self) {
        let mut inner = lock(&self.seats.inner);
        inner.last += 1;
        let last = inner.last;
        if let Some(seat) = inner.taken.iter_mut().find(|seat| seat.number == self.number) {
            seat.heard = seat.heard.map(|_| last);
        }
    }

    /// It stays from now on, if that many may. Whether it does.
    pub(super) fn stay(&self) -> bool {
        let mut inner = lock(&self.seats.inner);
        let staying = inner.taken.iter().filter(|seat| seat.heard.is_none()).count();
        let seat = inner.taken.iter_mut().find(|seat| seat.number == self.number);
        match seat {
            Some(seat) if seat.heard.is_none() || staying < self.seats.most - self.seats.open => {
                seat.heard = None;
                true
            }
            _ => false,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut inner = lock(&self.seats.inner);
        match inner.taken.iter().position(|seat| seat.number == self.number) {
            Some(at) => drop(inner.taken.swap_remove(at)),
            None => {
                inner.leaving -= 1;
                self.seats.left.notify_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn who_has_been_quiet_for_longest_gives_way() {
        let (tell, ended) = mpsc::channel();
        let seats = Seats::new(3, 1);
        let enter = |name: &'static str| {
            let tell = tell.clone();
            seats.enter(move || tell.send(name).expect("the test listens"))
        };
        let a = enter("a").expect("there is room");
        let b = enter("b").expect("there is room");
        let c = enter("c").expect("there is room");
        assert!(a.stay());
        b.heard();
        let d = enter("d").expect("somebody gives way");
        assert_eq!(ended.try_iter().collect::<Vec<_>>(), ["c"]);
        // Of three places two can be had for good.
        assert!(d.stay() && d.stay() && !b.stay() && !c.stay());
        let e = enter("e").expect("somebody gives way");
        let f = enter("f").expect("somebody gives way");
        assert_eq!(ended.try_iter().collect::<Vec<_>>(), ["b", "e"]);
        // Three have to go and have not: no more come before one of them has.
        assert!(enter("g").is_none());
        drop((b, c, e));
        assert!(enter("g").is_some());
        drop((a, d, f));
        assert!(lock(&seats.inner).taken.is_empty() && lock(&seats.inner).leaving == 0);
    }

    #[test]
    fn where_all_stay_nobody_comes() {
        let seats = Seats::new(1, 0);
        let only = seats.enter(|| ()).expect("there is room");
        assert!(only.stay() && seats.enter(|| ()).is_none());
        drop(only);
        assert!(seats.enter(|| ()).is_some());
    }
}
