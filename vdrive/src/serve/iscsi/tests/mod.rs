//! The target as initiators see it, on a DVD-RAM as unit 0 and another as unit 5.

mod entry;
mod flow;
mod initiator;
mod managing;
mod order;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use self::initiator::Initiator;
use super::config::Config;
use super::target::Target;
use crate::models::MediumKind;
use crate::serve::wall::{HostWall, Wall};
use crate::serve::{Lun, Pace, Server};

/// A target and what it stands on.
struct Lab {
    server: Server,
    target: Arc<Target>,
    now: Instant,
    wall: Arc<Hand>,
}

/// A clock on the wall that a test moves.
#[derive(Debug)]
struct Hand(Instant, AtomicU64);

impl Wall for Hand {
    fn now(&self) -> Instant {
        self.0 + Duration::from_millis(self.1.load(Ordering::SeqCst))
    }

    fn date(&self) -> u64 {
        0
    }
}

fn random(bytes: &mut [u8]) -> bool {
    bytes.iter_mut().zip(1..).for_each(|(byte, n)| *byte = n);
    true
}

fn lab_with(config: Config, pace: Pace) -> Lab {
    let now = HostWall.now();
    let wall = Arc::new(Hand(now, AtomicU64::new(0)));
    let luns = [0, 5].map(|number| {
        let address = "virtual:dvd-ram".parse().expect("a known medium");
        let virt = crate::open(&address, None, MediumKind::DvdRam, 1).expect("a drive");
        Lun::by_wall(number, virt, pace, wall.clone())
    });
    let server = Server::new(luns.to_vec());
    let target = Arc::new(Target::new(config, &server, random));
    Lab { server, target, now, wall }
}

fn lab() -> Lab {
    lab_with(Config::default(), Pace::Simulated)
}

impl Lab {
    fn initiator(&self) -> Initiator {
        Initiator::new(self)
    }

    fn ready(&self) -> Initiator {
        Initiator::ready(self, initiator::NAME)
    }
}

const TEST_UNIT_READY: [u8; 6] = [0; 6];

/// INQUIRY with this allocation length.
fn inquiry(allocation: u8) -> [u8; 6] {
    [0x12, 0, 0, 0, allocation, 0]
}

fn read10(lba: u8, blocks: u8) -> [u8; 10] {
    [0x28, 0, 0, 0, 0, lba, 0, 0, blocks, 0]
}

fn write10(lba: u8, blocks: u8) -> [u8; 10] {
    [0x2a, 0, 0, 0, 0, lba, 0, 0, blocks, 0]
}

/// Bytes that repeat nowhere nearby.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 7 + n / 251) as u8).collect()
}
