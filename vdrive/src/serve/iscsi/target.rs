//! What the connections of a target share: its units, the sessions that there are, and the marks by
//! which a reset or CLEAR TASK SET of one session ends the tasks of the others.
//!
//! May not know: the protocol's units, sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::config::Config;
use super::keys::Params;
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
    /// Counts its cold resets.
    cold: AtomicU64,
}

/// A logical unit as all sessions have it in common.
struct Shared {
    lun: Lun,
    /// Counts what ended all tasks: resets in the lower half, CLEAR TASK SET in the upper.
    epoch: AtomicU64,
}

/// What ends all tasks of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Reset,
    ClearTaskSet,
}

/// A unit's mark counts this for CLEAR TASK SET.
const CLEARED: u64 = 1 << 32;

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
    /// What its first connection agreed on.
    pub(super) params: Params,
    /// The next command that it waits for.
    pub(super) exp_cmd_sn: AtomicU32,
    state: Mutex<State>,
    /// Its connection before, after a connection reinstatement, is told apart by this.
    generation: AtomicU32,
    ended: AtomicBool,
}

struct State {
    /// One to each unit; none after the session's end.
    nexuses: Vec<Nexus>,
    /// Of its connection.
    cid: u16,
    waker: Waker,
}

/// What a login asks to belong to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'a> {
    pub(super) initiator: &'a str,
    pub(super) isid: [u8; 6],
    pub(super) tsih: u16,
    pub(super) cid: u16,
}

impl Name<'_> {
    fn key(&self) -> (String, [u8; 6]) {
        (self.initiator.to_ascii_lowercase(), self.isid)
    }
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
            cold: AtomicU64::new(0),
        }
    }

    /// How many cold resets there have been.
    pub(super) fn cold_resets(&self) -> u64 {
        self.cold.load(Ordering::Acquire)
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
    pub(super) fn end_tasks(&self, unit: usize, by: Ending) {
        if let Some(shared) = self.luns.get(unit) {
            let step = if by == Ending::Reset { 1 } else { CLEARED };
            shared.epoch.fetch_add(step, Ordering::AcqRel);
        }
    }

    /// What has ended the tasks of this mark. A reset has the last word, whatever came besides.
    pub(super) fn ending(&self, unit: usize, epoch: u64) -> Option<Ending> {
        let now = self.epoch(unit);
        match now != epoch {
            true if now as u32 == epoch as u32 => Some(Ending::ClearTaskSet),
            true => Some(Ending::Reset),
            false => None,
        }
    }

    /// Begins a session. An older one of the same name ends: it is reinstated (RFC 7143, 6.3.5).
    pub(super) fn begin(
        &self,
        name: Name<'_>,
        params: &Params,
        exp_cmd_sn: u32,
        waker: Waker,
    ) -> Result<Member, LoginStatus> {
        let Name { initiator, isid, cid, .. } = name;
        let key = name.key();
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
        let nexuses = self.luns.iter().map(attach).collect();
        let session = Arc::new(Session {
            initiator: initiator.to_owned(),
            isid,
            tsih,
            params: params.clone(),
            exp_cmd_sn: AtomicU32::new(exp_cmd_sn),
            state: Mutex::new(State { nexuses, cid, waker }),
            generation: AtomicU32::new(0),
            ended: AtomicBool::new(false),
        });
        sessions.all.insert(key, Arc::clone(&session));
        Ok(Member { session, generation: 0 })
    }

    /// The number of the next command of the session that a login with a TSIH belongs to. It has
    /// one connection: the login can only take its place (RFC 7143, 6.3.1 and 6.3.4).
    pub(super) fn next_of(&self, name: Name<'_>) -> Result<u32, LoginStatus> {
        let sessions = lock(&self.sessions);
        sessions.find(name).map(|session| session.exp_cmd_sn.load(Ordering::Acquire))
    }

    /// What was agreed on for the session that a login with a TSIH belongs to.
    pub(super) fn params_of(&self, name: Name<'_>) -> Result<Params, LoginStatus> {
        lock(&self.sessions).find(name).map(|session| session.params.clone())
    }

    /// Puts a connection into the place of the session's old one, which ends with its tasks. The
    /// nexuses stay (RFC 7143, 6.3.4).
    pub(super) fn reinstate(&self, name: Name<'_>, waker: Waker) -> Result<Member, LoginStatus> {
        let sessions = lock(&self.sessions);
        let session = Arc::clone(sessions.find(name)?);
        let mut state = lock(&session.state);
        let generation = session.generation.fetch_add(1, Ordering::AcqRel).wrapping_add(1);
        let old = std::mem::replace(&mut state.waker, waker);
        drop(state);
        old();
        Ok(Member { session, generation })
    }

    /// Ends a session, if it has not been ended.
    pub(super) fn end(&self, member: &Member) {
        let session = &member.session;
        let key = (session.initiator.to_ascii_lowercase(), session.isid);
        let mut sessions = lock(&self.sessions);
        // It goes on over another connection.
        if !member.is_current() {
            return;
        }
        if sessions.all.get(&key).is_some_and(|there| Arc::ptr_eq(there, session)) {
            sessions.all.remove(&key);
        }
        session.end();
    }

    /// Ends all sessions, as TARGET COLD RESET does, and all other connections with them.
    pub(super) fn end_all(&self) {
        self.cold.fetch_add(1, Ordering::AcqRel);
        let sessions = std::mem::take(&mut lock(&self.sessions).all);
        sessions.values().for_each(|session| session.end());
    }
}

impl Sessions {
    fn find(&self, name: Name<'_>) -> Result<&Arc<Session>, LoginStatus> {
        let session = self.all.get(&name.key()).filter(|session| session.tsih == name.tsih);
        let session = session.ok_or(LoginStatus::NoSession)?;
        if lock(&session.state).cid != name.cid {
            return Err(LoginStatus::TooManyConnections);
        }
        Ok(session)
    }
}

impl Session {
    fn is_over(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        let mut state = lock(&self.state);
        state.nexuses.clear();
        (state.waker)();
    }
}

/// A session as its connection has it.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(super) session: Arc<Session>,
    generation: u32,
}

impl Member {
    /// Whether this is still the session's connection.
    fn is_current(&self) -> bool {
        self.session.generation.load(Ordering::Acquire) == self.generation
    }

    /// Whether it is over for this connection, by whoever's doing.
    pub(super) fn is_over(&self) -> bool {
        self.session.is_over() || !self.is_current()
    }

    /// Does something through the nexus to a unit, if the session is not over.
    pub(super) fn with<R>(&self, unit: usize, act: impl FnOnce(&mut Nexus) -> R) -> Option<R> {
        let mut state = lock(&self.session.state);
        if self.is_current() { state.nexuses.get_mut(unit).map(act) } else { None }
    }
}
