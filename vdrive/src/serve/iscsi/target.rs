//! What the connections of a target share: its units, the sessions that there are, and the marks by
//! which a reset or CLEAR TASK SET of one session ends the tasks of the others.
//!
//! May not know: the protocol's units, sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::config::Config;
use super::wire::LoginStatus;
use crate::serve::{Lun, Nexus, Server, Stop};

/// Makes a connection's thread look up.
pub(crate) type Waker = Arc<dyn Fn() + Send + Sync>;

/// Fills the bytes with randomness. Whether there was any.
pub(crate) type Random = fn(&mut [u8]) -> bool;

/// The one target portal group.
pub(super) const PORTAL_GROUP: u16 = 1;

/// A target.
pub(crate) struct Target {
    pub(super) config: Config,
    pub(super) stop: Stop,
    pub(super) random: Random,
    luns: Vec<Shared>,
    sessions: Mutex<Sessions>,
}

/// A logical unit as all sessions have it in common.
struct Shared {
    lun: Lun,
    /// Counts what ended all tasks.
    epoch: AtomicU64,
}

#[derive(Default)]
struct Sessions {
    /// By initiator's name and ISID; the target and its portal group are always the same.
    all: BTreeMap<(String, [u8; 6]), Arc<Session>>,
    last: u16,
}

/// A session with an initiator.
pub(crate) struct Session {
    pub(super) initiator: String,
    pub(super) isid: [u8; 6],
    pub(super) tsih: u16,
    /// One to each unit; none after the session's end.
    pub(super) nexuses: Mutex<Vec<Nexus>>,
    ended: AtomicBool,
    waker: Waker,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("tsih", &self.tsih).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panic in another thread left is still consistent enough to go on with.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Normal sessions at one time.
const MOST_SESSIONS: usize = 256;

impl Target {
    pub(crate) fn new(config: Config, server: &Server, random: Random) -> Target {
        let shared = |lun: &Lun| Shared { lun: lun.clone(), epoch: AtomicU64::new(0) };
        Target {
            config,
            stop: server.stopped(),
            random,
            luns: server.luns().iter().map(shared).collect(),
            sessions: Mutex::default(),
        }
    }

    /// Where the unit of this number stands in the list.
    pub(super) fn position(&self, number: u16) -> Option<usize> {
        self.luns.iter().position(|shared| shared.lun.number() == number)
    }

    /// The numbers of all units.
    pub(super) fn numbers(&self) -> impl ExactSizeIterator<Item = u16> + '_ {
        self.luns.iter().map(|shared| shared.lun.number())
    }

    /// The mark of a unit's tasks: those that bear an older one have been ended.
    pub(super) fn epoch(&self, unit: usize) -> u64 {
        self.luns.get(unit).map_or(0, |shared| shared.epoch.load(Ordering::Acquire))
    }

    /// Ends all tasks of a unit, in all sessions.
    pub(super) fn end_tasks(&self, unit: usize) {
        if let Some(shared) = self.luns.get(unit) {
            shared.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Begins a session. An older one of the same name ends: it is reinstated (RFC 7143, 6.3.5).
    pub(super) fn begin(
        &self,
        initiator: &str,
        isid: [u8; 6],
        waker: Waker,
    ) -> Result<Arc<Session>, LoginStatus> {
        let key = (initiator.to_ascii_lowercase(), isid);
        let mut sessions = lock(&self.sessions);
        let old = sessions.all.remove(&key);
        if let Some(old) = &old {
            old.end();
        }
        if sessions.all.len() >= MOST_SESSIONS {
            return Err(LoginStatus::OutOfResources);
        }
        let mut tsih = sessions.last;
        // There are fewer sessions than handles.
        loop {
            tsih = tsih.checked_add(1).unwrap_or(1);
            if sessions.all.values().all(|session| session.tsih != tsih) {
                break;
            }
        }
        sessions.last = tsih;
        let hex: String = isid.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("{initiator},i,0x{hex}");
        let attach = |shared: &Shared| {
            let lun = &shared.lun;
            let again = old.is_some();
            let nexus = if again { lun.attach_again(&name) } else { lun.attach(&name) };
            nexus.on_wire()
        };
        let session = Arc::new(Session {
            initiator: initiator.to_owned(),
            isid,
            tsih,
            nexuses: Mutex::new(self.luns.iter().map(attach).collect()),
            ended: AtomicBool::new(false),
            waker,
        });
        sessions.all.insert(key, Arc::clone(&session));
        Ok(session)
    }

    /// Whether there is a session of this TSIH.
    pub(super) fn has(&self, initiator: &str, isid: [u8; 6], tsih: u16) -> bool {
        let key = (initiator.to_ascii_lowercase(), isid);
        lock(&self.sessions).all.get(&key).is_some_and(|session| session.tsih == tsih)
    }

    /// Ends a session, if it has not been ended.
    pub(super) fn end(&self, session: &Arc<Session>) {
        let key = (session.initiator.to_ascii_lowercase(), session.isid);
        let mut sessions = lock(&self.sessions);
        if sessions.all.get(&key).is_some_and(|there| Arc::ptr_eq(there, session)) {
            sessions.all.remove(&key);
        }
        session.end();
    }

    /// Ends all sessions, as TARGET COLD RESET does.
    pub(super) fn end_all(&self) {
        let sessions = std::mem::take(&mut lock(&self.sessions).all);
        sessions.values().for_each(|session| session.end());
    }
}

impl Session {
    /// Whether it is over, by whoever's doing.
    pub(super) fn is_over(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        lock(&self.nexuses).clear();
        (self.waker)();
    }
}

impl Session {
    /// Does something through the nexus to a unit, if the session is not over.
    pub(super) fn with<R>(&self, unit: usize, act: impl FnOnce(&mut Nexus) -> R) -> Option<R> {
        lock(&self.nexuses).get_mut(unit).map(act)
    }
}
