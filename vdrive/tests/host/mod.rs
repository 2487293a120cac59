//! A host for tests: commands as byte lists, answers checked.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its part of it")]

use std::time::Duration;

use engine::device::{Cdb, Clock, Completion, Data, Device, Request, Status};
use engine::units::{BLOCK, Lba};
use vdrive::models::{DriveModel, MediumKind, VirtualAddress};
use vdrive::truth::Truth;
use vdrive::{Virtual, VirtualDrive};

/// Key, additional sense code and qualifier.
pub type Sense = (u8, u8, u8);

pub struct Host {
    pub place: Virtual,
    drive: VirtualDrive,
    /// WRITEs that were answered 2/04/08.
    pub sent_away: u32,
}

/// Bytes of a list such as `28 00 ..`.
pub fn bytes(list: &str) -> Vec<u8> {
    list.split_whitespace().map(|b| u8::from_str_radix(b, 16).expect("a byte")).collect()
}

/// The content of block `lba` of burn `tag`: no two are alike.
pub fn block(lba: i32, tag: u32) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    for (i, word) in block.chunks_exact_mut(8).enumerate() {
        let value = (u64::from(tag) << 40) ^ ((lba as u64) << 12) ^ i as u64;
        word.copy_from_slice(&value.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    }
    block
}

impl Host {
    /// The default drive with a blank disc, unit attentions taken.
    pub fn with(kind: MediumKind) -> Host {
        Host::on("virtual", kind)
    }

    pub fn on(address: &str, kind: MediumKind) -> Host {
        let address: VirtualAddress = address.parse().expect("an address");
        let place = vdrive::open(&address, None, kind, 1).expect("a drive");
        let mut host = Host { drive: place.drive.clone(), place, sent_away: 0 };
        host.settle();
        host
    }

    /// A drive on a bench of the test's own, unit attentions taken.
    pub fn of(bench: &vdrive::bench::Bench, id: vdrive::bench::DriveId) -> Host {
        let drive = bench.device(id);
        let place = Virtual {
            bench: bench.clone(),
            id,
            drive: drive.clone(),
            clock: bench.clock(),
            created: true,
        };
        let mut host = Host { place, drive, sent_away: 0 };
        host.settle();
        host
    }

    /// Takes the unit attentions.
    pub fn settle(&mut self) {
        for _ in 0..5 {
            if self.test_ready().is_ok() {
                return;
            }
        }
        panic!("unit attentions without end");
    }

    pub fn model(&self) -> DriveModel {
        DriveModel::default_drive()
    }

    pub fn try_command(
        &mut self,
        cdb: &[u8],
        data: Data<'_>,
    ) -> Result<Completion, engine::device::DeviceError> {
        let request = Request { cdb: Cdb::new(cdb), timeout: Duration::from_secs(20_000) };
        self.drive.execute(&request, data)
    }

    pub fn command(&mut self, cdb: &[u8], data: Data<'_>) -> Result<u32, Sense> {
        let done = self.try_command(cdb, data).expect("the wire holds");
        match done.status {
            Status::Good => Ok(done.residual),
            _ => Err((done.sense[2] & 0xf, done.sense[12], done.sense[13])),
        }
    }

    pub fn test_ready(&mut self) -> Result<u32, Sense> {
        self.command(&[0; 6], Data::None)
    }

    /// Polls until the drive is ready.
    pub fn ready(&mut self) {
        for _ in 0..200_000 {
            match self.test_ready() {
                Ok(_) => return,
                Err((2, 0x04, _)) => {}
                Err(sense) => panic!("not ready: {sense:x?}"),
            }
            let clock = &self.place.clock;
            clock.wait_until(clock.now() + Duration::from_millis(500));
        }
        panic!("never ready");
    }

    pub fn wait(&mut self, seconds: u64) {
        let clock = &self.place.clock;
        clock.wait_until(clock.now() + Duration::from_secs(seconds));
    }

    pub fn good(&mut self, cdb: &str) {
        if let Err(sense) = self.command(&bytes(cdb), Data::None) {
            panic!("{cdb}: {sense:x?}");
        }
    }

    pub fn send(&mut self, cdb: &str, list: &[u8]) -> Result<u32, Sense> {
        self.command(&bytes(cdb), Data::Out(list))
    }

    pub fn read(&mut self, cdb: &str, room: usize) -> Vec<u8> {
        let mut data = vec![0; room];
        match self.command(&bytes(cdb), Data::In(&mut data)) {
            Ok(residual) => data.truncate(room - residual as usize),
            Err(sense) => panic!("{cdb}: {sense:x?}"),
        }
        data
    }

    pub fn fails(&mut self, cdb: &str, room: usize) -> Sense {
        let mut data = vec![0; room];
        self.command(&bytes(cdb), Data::In(&mut data)).expect_err(cdb)
    }

    /// Page 05 with these bytes from byte 2 on.
    pub fn page05(&mut self, head: &str) {
        assert_eq!(self.try_page05(head), Ok(0), "{head}");
    }

    pub fn try_page05(&mut self, head: &str) -> Result<u32, Sense> {
        let mut list = [0; 60];
        list[8] = 5;
        list[9] = 0x32;
        let head = bytes(head);
        list[10..10 + head.len()].copy_from_slice(&head);
        self.send("55 10 00 00 00 00 00 00 3c 00", &list)
    }

    pub fn write(&mut self, lba: Lba, blocks: u32, tag: u32) -> Result<u32, Sense> {
        let data: Vec<u8> = (0..blocks as i32).flat_map(|i| block(lba.0 + i, tag)).collect();
        self.write_bytes(lba, &data)
    }

    pub fn write_bytes(&mut self, lba: Lba, data: &[u8]) -> Result<u32, Sense> {
        self.write_sectors(lba, (data.len() / BLOCK) as u32, data)
    }

    /// Writes sectors of any size.
    pub fn write_sectors(&mut self, lba: Lba, blocks: u32, data: &[u8]) -> Result<u32, Sense> {
        let mut cdb = [0x2a, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        cdb[2..6].copy_from_slice(&lba.0.to_be_bytes());
        cdb[7..9].copy_from_slice(&(blocks as u16).to_be_bytes());
        loop {
            match self.command(&cdb, Data::Out(data)) {
                Err((2, 4, 8)) => {
                    self.sent_away += 1;
                    let clock = &self.place.clock;
                    clock.wait_until(clock.now() + Duration::from_millis(20));
                }
                done => return done,
            }
        }
    }

    /// Writes in commands of 32 blocks.
    pub fn burn(&mut self, lba: Lba, blocks: u32, tag: u32) {
        let mut done = 0;
        while done < blocks {
            let now = (blocks - done).min(32);
            let at = Lba(lba.0 + done as i32);
            assert_eq!(self.write(at, now, tag), Ok(0), "at {at}");
            done += now;
        }
    }

    pub fn sync(&mut self) {
        self.good("35 02 00 00 00 00 00 00 00 00");
        self.ready();
    }

    /// Reads back through the drive, and looks at the medium itself.
    pub fn check(&mut self, lba: Lba, blocks: u32, tag: u32) {
        let mut done = 0;
        while done < blocks {
            let now = (blocks - done).min(32);
            let at = lba.0 + done as i32;
            let mut cdb = [0x28, 0, 0, 0, 0, 0, 0, 0, now as u8, 0];
            cdb[2..6].copy_from_slice(&at.to_be_bytes());
            let mut room = vec![0; now as usize * BLOCK];
            assert_eq!(self.command(&cdb, Data::In(&mut room)), Ok(0), "read at {at}");
            for (i, got) in room.chunks_exact(BLOCK).enumerate() {
                assert!(got == block(at + i as i32, tag), "block {} differs", at + i as i32);
            }
            done += now;
        }
        self.on_disc(lba, blocks, tag);
    }

    pub fn on_disc(&self, lba: Lba, blocks: u32, tag: u32) {
        self.place
            .bench
            .with_disc(self.place.id, |disc| {
                let truth = Truth::of(disc);
                for at in lba.0..lba.0 + blocks as i32 {
                    let found = truth.block(Lba(at)).expect("memory");
                    assert!(found == Some(block(at, tag)), "block {at} on the medium");
                }
            })
            .expect("a disc");
    }

    /// `lba` if it can be written, else where a further session begins on a disc that is written
    /// sequentially.
    pub fn append_at(&mut self, lba: i32) -> i32 {
        let profile = self.read("46 00 00 00 00 00 00 00 08 00", 8)[7];
        if !matches!(profile, 0x11 | 0x1b) || lba == 0 {
            return lba;
        }
        self.nwa(0xff) as i32
    }

    pub fn nwa(&mut self, track: u16) -> u32 {
        let [high, low] = track.to_be_bytes();
        let info = self.read(&format!("52 01 00 00 {high:02x} {low:02x} 00 00 24 00"), 36);
        assert_eq!(info[7] & 1, 1, "no next writable address: {info:x?}");
        u32::from_be_bytes([info[12], info[13], info[14], info[15]])
    }

    pub fn fingerprint(&self) -> [u8; 32] {
        self.place
            .bench
            .with_disc(self.place.id, |disc| disc.fingerprint().expect("memory"))
            .expect("a disc")
    }
}
