//! The drives of a server as an iSCSI target (RFC 7143).
//!
//! [`Listener`] takes connections, one thread each. What a connection does is a state machine
//! without any input or output of its own (`connection`): bytes in, bytes out, and the time by
//! which it wants to be asked again; so tests and fuzzing drive it by hand. [`wire`] is the
//! vocabulary. One connection to a session, error recovery level 0: whatever goes wrong on the wire
//! ends the session.
//!
//! One command moves at most 16 MiB, several times what hosts of today ask for at once (1 to 4
//! MiB); more is 5/24/00. No page tells that limit: block limits (B0h) are of block devices, and
//! MMC has no such page. Of READ CD it is the sectors with all their parts that count.
//!
//! May not know: what a command means to a drive, beyond how much data it moves.

mod chap;
mod config;
pub(crate) mod connection;
#[doc(hidden)]
pub mod fuzzing;
mod keys;
mod listener;
mod target;
#[cfg(test)]
mod tests;
pub mod wire;

pub use config::{Chap, Config, ConfigError};
pub use listener::{ListenError, Listener};
