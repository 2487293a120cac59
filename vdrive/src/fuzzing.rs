//! What must hold whatever a host sends: the function that the fuzz target, its corpus and the
//! property test share.
//!
//! Each command ends within its time, says how much data moved, and has sense data exactly with
//! CHECK CONDITION. What lies on a write-once disc stays there. A power cut at any point leaves a
//! disc that opens again as it was.

use std::time::Duration;

use engine::device::{Cdb, Clock, Data, Device, DeviceErrorKind, Request, Status};
use engine::mmc::table::{self, Length};
use engine::units::{BLOCK, Blocks, Instant, Lba};

use crate::VirtualDrive;
use crate::bench::{Bench, DriveId};
use crate::fault::{Fault, What, When};
use crate::firmware::opcodes;
use crate::medium::{Disc, Runs};
use crate::models::{DriveModel, MediumKind, MediumModel, drive_names};

/// No command may need longer: a full format of the slowest disc is done by then.
const LIMIT: Duration = Duration::from_secs(40_000);

/// Most data of one command.
const ROOM: usize = 32 * BLOCK;

/// Takes choices off the front of the input; zeros once it is used up.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((&byte, rest)) => {
                self.0 = rest;
                byte
            }
            None => 0,
        }
    }

    fn fill(&mut self, room: &mut [u8]) {
        for byte in room {
            *byte = self.byte();
        }
    }
}

/// A host, a drive and the choices of what happens.
struct Run<'a> {
    choices: Choices<'a>,
    bench: Bench,
    id: DriveId,
    drive: VirtualDrive,
    room: Vec<u8>,
    kept: Runs,
    trace: Vec<u8>,
}

/// Carries out the commands and mishaps that `input` chooses. Returns a hash of all answers and of
/// the disc that is left: the same for the same input.
pub fn command_stream(input: &[u8]) -> Vec<u8> {
    let mut choices = Choices(input);
    let kind = MediumKind::ALL[usize::from(choices.byte()) % MediumKind::ALL.len()];
    let names: Vec<&str> = drive_names().collect();
    let name = names[usize::from(choices.byte()) % names.len()];
    let model = DriveModel::named(name).expect("built-in models are there");
    let disc = Disc::memory(&MediumModel::of_kind(kind)).expect("memory has room");
    let bench = Bench::new(0);
    let id = bench.add_drive(model);
    assert!(bench.insert(id, disc).is_ok(), "a new drive is empty");
    let drive = bench.device(id);
    let room = vec![0; ROOM];
    let mut run = Run { choices, bench, id, drive, room, kept: Runs::new(), trace: Vec::new() };
    run.wait(Duration::from_secs(60));
    run.listen();
    let mut steps = 0;
    while !run.choices.0.is_empty() && steps < 400 {
        run.step();
        steps += 1;
    }
    run.end()
}

impl Run<'_> {
    fn step(&mut self) {
        match self.choices.byte() % 16 {
            0..=3 => self.any_command(),
            4..=8 => self.write(),
            9 => self.plain(&[0x35, 2, 0, 0, 0, 0, 0, 0, 0, 0]),
            10 => {
                let (function, track) = (self.choices.byte() & 7, self.choices.byte() & 3);
                self.plain(&[0x5b, 1, function, 0, 0, track, 0, 0, 0, 0]);
            }
            11 => {
                let span = 1u64 << (self.choices.byte() % 24);
                self.wait(Duration::from_millis(span));
                self.listen();
            }
            12 => self.write_parameters(),
            13 => self.format(),
            14 => self.read_back(),
            _ => self.mishap(),
        }
        self.look();
    }

    /// TEST UNIT READY until the drive has told what happened to it.
    fn listen(&mut self) {
        for _ in 0..3 {
            self.plain(&[0; 6]);
        }
    }

    fn plain(&mut self, cdb: &[u8]) {
        self.execute(cdb, 0, false);
    }

    /// Any command that the firmware has, with any bytes behind its code; sometimes any code.
    fn any_command(&mut self) {
        let codes: Vec<u8> = opcodes().collect();
        let choice = self.choices.byte();
        let opcode = match codes.get(usize::from(choice)) {
            Some(&opcode) => opcode,
            None => choice,
        };
        let length = table::row(opcode).map_or(10, |row| row.length);
        let mut cdb = vec![opcode; length];
        self.choices.fill(&mut cdb[1..]);
        let asked = match table::row(opcode).map(|row| row.data(&Cdb::new(&cdb))) {
            Some(Length::UpTo(n) | Length::Bytes(n)) => n as usize,
            Some(Length::Blocks(n)) => (n as usize).saturating_mul(BLOCK),
            _ => 0,
        };
        let out = table::row(opcode).is_some_and(|row| row.direction == table::Direction::Out);
        // Mostly as much data as the CDB says, sometimes less.
        let cut = usize::from(self.choices.byte());
        let length = asked.min(ROOM);
        let length = if cut < 224 { length } else { length / 2 };
        if out {
            let mut data = vec![0; length.min(64)];
            self.choices.fill(&mut data);
            self.room[..data.len()].copy_from_slice(&data);
        }
        self.execute(&cdb, length, out);
    }

    /// WRITE (10) where the drive says that it takes one.
    fn write(&mut self) {
        // All choices are taken first: what the drive answers must not shift those that follow.
        let (track, blocks, fill) =
            (self.choices.byte(), self.choices.byte() % 33, self.choices.byte());
        let track = if track & 1 == 0 { 0xff } else { track >> 1 & 3 };
        let info = self.execute(&[0x52, 1, 0, 0, 0, track, 0, 0, 36, 0], 36, false);
        let Some(info) = info else { return };
        let nwa = if info[7] & 1 != 0 { &info[12..16] } else { &info[8..12] };
        let cdb = [0x2a, 0, nwa[0], nwa[1], nwa[2], nwa[3], 0, 0, blocks, 0];
        self.room.fill(fill);
        self.execute(&cdb, usize::from(blocks) * BLOCK, true);
    }

    fn write_parameters(&mut self) {
        let mut list = [0; 60];
        list[8..10].copy_from_slice(&[0x05, 0x32]);
        let (kind, multi) = (self.choices.byte() % 3, self.choices.byte() & 0xc0);
        list[10..14].copy_from_slice(&[0x40 | kind, multi | 4, 8, 0]);
        self.room[..60].copy_from_slice(&list);
        self.execute(&[0x55, 0x10, 0, 0, 0, 0, 0, 0, 60, 0], 60, true);
    }

    fn format(&mut self) {
        let types = [0x00, 0x10, 0x13, 0x15, 0x26, 0x30, 0x31, 0x32];
        let choice = self.choices.byte();
        let kind = types[usize::from(choice & 7)] << 2 | choice >> 6;
        let size = self.execute(&[0x23, 0, 0, 0, 0, 0, 0, 0, 20, 0], 20, false);
        let size = size.map_or([0xff; 4], |reply| [reply[12], reply[13], reply[14], reply[15]]);
        let list = [0, 2, 0, 8, size[0], size[1], size[2], size[3], kind, 0, 0, choice >> 5 & 1];
        if choice & 0x38 == 0x38 {
            self.plain(&[0xa1, 0x10 | choice & 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            return;
        }
        self.room[..12].copy_from_slice(&list);
        self.execute(&[0x04, 0x11, 0, 0, 0, 0], 12, true);
    }

    fn read_back(&mut self) {
        let (high, low, blocks) =
            (self.choices.byte(), self.choices.byte(), self.choices.byte() % 33);
        let cdb = [0x28, 0, 0, 0, high & 1, low, 0, 0, blocks, 0];
        self.execute(&cdb, usize::from(blocks) * BLOCK, false);
    }

    fn mishap(&mut self) {
        let choice = self.choices.byte();
        let blocks = Blocks(1 + u32::from(choice >> 4));
        let lba = Lba(i32::from(self.choices.byte()) * 4);
        match choice & 7 {
            0 => {
                self.bench.pull_power(self.id);
                self.bench.plug(self.id);
                self.kept = self.on_disc();
            }
            1 => {
                let span = Duration::from_millis(u64::from(choice) * 37);
                let at = self.bench.now() + span;
                let cut = Fault { when: When::At(at), what: What::PowerCut };
                self.bench.schedule(self.id, cut);
                let again = Fault { when: When::At(at + span), what: What::PowerOn };
                self.bench.schedule(self.id, again);
            }
            2 => self.bench.schedule(
                self.id,
                Fault { when: When::At(Instant::ZERO), what: What::WriteError(lba, blocks) },
            ),
            3 => self.bench.schedule(
                self.id,
                Fault { when: When::At(Instant::ZERO), what: What::ReadError(lba, blocks) },
            ),
            4 => {
                if let Ok(Some(disc)) = self.bench.eject(self.id) {
                    assert!(self.bench.insert(self.id, disc).is_ok(), "the drive is empty");
                }
            }
            5 => self
                .bench
                .schedule(self.id, Fault { when: When::At(Instant::ZERO), what: What::Reset }),
            6 => {
                let span = Duration::from_millis(u64::from(choice) * 1000);
                let fault = Fault { when: When::At(Instant::ZERO), what: What::Hang(span) };
                self.bench.schedule(self.id, fault);
            }
            _ => {
                if let Some(disc) = self.bench.take_disc(self.id) {
                    assert!(self.bench.insert(self.id, disc).is_ok(), "the drive is empty");
                }
            }
        }
    }

    fn wait(&mut self, span: Duration) {
        self.bench.wait_until(self.bench.now() + span);
    }

    /// One command with `length` bytes of data; the data of a good answer with data.
    fn execute(&mut self, cdb: &[u8], length: usize, out: bool) -> Option<Vec<u8>> {
        let length = length.min(ROOM);
        let request = Request { cdb: Cdb::new(cdb), timeout: LIMIT };
        let before = self.bench.now();
        let data = match (length, out) {
            (0, _) => Data::None,
            (_, true) => Data::Out(&self.room[..length]),
            (_, false) => Data::In(&mut self.room[..length]),
        };
        let result = self.drive.execute(&request, data);
        let spent = self.bench.now().since(before);
        self.trace.extend_from_slice(&spent.as_nanos().to_le_bytes());
        let done = match result {
            Ok(done) => done,
            Err(error) => {
                let timed_out = error.kind == DeviceErrorKind::TimedOut;
                assert!(!timed_out, "{cdb:02x?} never ends: {error}");
                self.trace.push(error.kind as u8);
                return None;
            }
        };
        assert!(spent <= LIMIT, "{cdb:02x?} took {spent:?}");
        assert!(done.residual as usize <= length, "{cdb:02x?}: residual {}", done.residual);
        assert_eq!(done.status == Status::CheckCondition, !done.sense.is_empty(), "{cdb:02x?}");
        self.trace.extend_from_slice(&done.sense);
        self.trace.extend_from_slice(&done.residual.to_le_bytes());
        let moved = length - done.residual as usize;
        if done.status != Status::Good || out {
            return None;
        }
        self.trace.extend_from_slice(&self.room[..moved.min(64)]);
        // Short answers read as zeros behind their end.
        self.room[moved..].fill(0);
        Some(self.room[..length.max(64)].to_vec())
    }

    /// What is recorded on a write-once disc, less what was damaged since.
    fn on_disc(&self) -> Runs {
        self.bench
            .with_disc(self.id, |disc| match disc.state().kind().rewritable() {
                true => Runs::new(),
                false => disc.state().recorded.clone(),
            })
            .unwrap_or_default()
    }

    /// The disc keeps what it had, and what it is now is what it would be after a power cut.
    fn look(&mut self) {
        let now = self.on_disc();
        let damaged =
            self.bench.with_disc(self.id, |disc| disc.state().damaged.clone()).unwrap_or_default();
        for (lba, blocks) in damaged.iter() {
            self.kept.remove(lba, blocks);
        }
        for (lba, blocks) in self.kept.iter() {
            assert!(now.covers(lba, blocks), "blocks from {lba} on are no longer recorded");
        }
        self.kept = now;
    }

    /// The disc opened again is the disc; then the hash.
    fn end(mut self) -> Vec<u8> {
        self.bench.heal();
        let disc = self.bench.take_disc(self.id).expect("a disc was in the drive");
        let fork = disc.fork().expect("it is in memory").expect("it opens again");
        assert_eq!(fork.state(), disc.state());
        let print = disc.fingerprint().expect("memory can be read");
        assert_eq!(fork.fingerprint().expect("memory can be read"), print);
        let mut hash = <sha2::Sha256 as sha2::Digest>::new();
        sha2::Digest::update(&mut hash, &self.trace);
        sha2::Digest::update(&mut hash, print);
        self.trace.clear();
        sha2::Digest::finalize(hash).to_vec()
    }
}
