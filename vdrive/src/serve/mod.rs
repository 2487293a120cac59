//! Lending drives out: what stands between a bench and the programs of others.
//!
//! A [`Server`] holds [`Lun`]s. Each is one drive on its bench, with the [`Pace`] of its time; who
//! speaks to it does so through a [`Nexus`] of its own. How the commands come here is the affair of
//! the listeners, which end when the server stops. May know the wall clock, which paces drives to
//! real time; the drive itself never does.

mod awake;
pub mod control;
pub mod iscsi;
mod leap;
#[cfg(target_os = "linux")]
pub mod local;
pub mod lun;
mod seats;
pub mod trace;
pub mod wall;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use self::lun::Times;
pub use self::lun::{Answer, Lun, Nexus, Pace, Reset};
use self::trace::Trace;

/// How often a drive that is paced to real time moves while nobody asks anything of it.
const TICK: Duration = Duration::from_millis(100);

/// A set of drives lent out. Clones are the same server; the last one to go stops it.
#[derive(Clone, Debug)]
pub struct Server {
    inner: Arc<Inner>,
}

/// Says whether a server has been stopped, and when: for its listeners.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    inner: Arc<(Mutex<bool>, Condvar)>,
}

/// What a listener does when the server stops.
type Ending = Box<dyn FnOnce() + Send>;

struct Inner {
    luns: Vec<Lun>,
    trace: Trace,
    stop: Stop,
    endings: Mutex<Vec<Ending>>,
    ticker: Mutex<Option<JoinHandle<()>>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("luns", &self.luns).finish_non_exhaustive()
    }
}

/// What a panic in another thread left is still consistent enough to go on with.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stop {
    /// Whether the server has been stopped.
    pub fn is_set(&self) -> bool {
        *lock(&self.inner.0)
    }

    /// Waits until the server is stopped, at most for `most`. Whether it is.
    pub fn wait(&self, most: Duration) -> bool {
        let stopped = lock(&self.inner.0);
        let waited = self.inner.1.wait_timeout_while(stopped, most, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Sets it. Whether it was set for the first time.
    fn set(&self) -> bool {
        let first = !std::mem::replace(&mut *lock(&self.inner.0), true);
        self.inner.1.notify_all();
        first
    }
}

impl Server {
    /// Lends these drives out. Those that live in real time move from now on.
    pub fn new(luns: Vec<Lun>) -> Server {
        let stop = Stop::default();
        let paced: Vec<Lun> = luns.iter().filter(|l| l.pace() == Pace::RealTime).cloned().collect();
        let ticker = (!paced.is_empty()).then(|| {
            let stop = stop.clone();
            std::thread::spawn(move || {
                while !stop.wait(TICK) {
                    paced.iter().for_each(Lun::tick);
                }
            })
        });
        let trace = Trace::new(Box::new(Times::of(&luns)));
        luns.iter().for_each(|lun| lun.trace_to(&trace));
        let endings = Mutex::new(Vec::new());
        let inner = Inner { luns, trace, stop, endings, ticker: Mutex::new(ticker) };
        Server { inner: Arc::new(inner) }
    }

    /// All drives, by rising number.
    pub fn luns(&self) -> &[Lun] {
        &self.inner.luns
    }

    /// The drive of this number.
    pub fn lun(&self, number: u16) -> Option<&Lun> {
        self.inner.luns.iter().find(|lun| lun.number() == number)
    }

    /// What passes between the drives and their initiators, if it is to be written down.
    pub fn trace(&self) -> &Trace {
        &self.inner.trace
    }

    /// The sign that the server has been stopped. A listener looks at it between two commands.
    pub fn stopped(&self) -> Stop {
        self.inner.stop.clone()
    }

    /// Has this carried out when the server stops, before its drives come to rest: a listener ends
    /// its connections and its threads here. At once if the server has been stopped already.
    pub fn at_stop(&self, ending: impl FnOnce() + Send + 'static) {
        let mut endings = lock(&self.inner.endings);
        if self.inner.stop.is_set() {
            drop(endings);
            ending();
        } else {
            endings.push(Box::new(ending));
        }
    }

    /// Ends all listeners, then lets every drive record what is in its buffer and come to the end
    /// of what it is at, and switches it off. Afterwards the disc files hold everything that was
    /// written; the trace is complete once it is stopped, too.
    pub fn stop(&self) {
        self.inner.stop();
    }
}

impl Inner {
    fn stop(&self) {
        let endings = {
            let mut endings = lock(&self.endings);
            self.stop.set();
            std::mem::take(&mut *endings)
        };
        for ending in endings {
            ending();
        }
        if let Some(ticker) = lock(&self.ticker).take() {
            // It only moves time; that it ended badly shows in the drives.
            let _ = ticker.join();
        }
        self.luns.iter().for_each(Lun::settle);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop();
        // Whoever wants to know whether the trace is complete stops it before.
        let _ = self.trace.stop();
    }
}
