//! What Linux's drivers sr and cdrom know of a drive, and the questions by which they learn it.
//!
//! The commands are the kernel's own, byte for byte, since a drive has to get along with them.

use std::time::Instant;

use engine::device::Data;
use engine::mmc::event::{Event, EventClass};
use nix::libc::{EIO, EOPNOTSUPP};

use super::block;
use super::command::Driver;
use super::open::{option, state};
use crate::serve::wall::{HostWall, Wall};

/// `CDC_*` of linux/cdrom.h: what a drive can.
pub(super) mod can {
    pub(in super::super) const CLOSE_TRAY: u64 = 0x1;
    pub(in super::super) const OPEN_TRAY: u64 = 0x2;
    pub(in super::super) const LOCK: u64 = 0x4;
    pub(in super::super) const SELECT_SPEED: u64 = 0x8;
    pub(in super::super) const SELECT_DISC: u64 = 0x10;
    pub(in super::super) const MULTI_SESSION: u64 = 0x20;
    pub(in super::super) const MCN: u64 = 0x40;
    pub(in super::super) const MEDIA_CHANGED: u64 = 0x80;
    pub(in super::super) const PLAY_AUDIO: u64 = 0x100;
    pub(in super::super) const RESET: u64 = 0x200;
    pub(in super::super) const DRIVE_STATUS: u64 = 0x800;
    pub(in super::super) const GENERIC_PACKET: u64 = 0x1000;
    pub(in super::super) const CD_R: u64 = 0x2000;
    pub(in super::super) const CD_RW: u64 = 0x4000;
    pub(in super::super) const DVD: u64 = 0x8000;
    pub(in super::super) const DVD_R: u64 = 0x1_0000;
    pub(in super::super) const DVD_RAM: u64 = 0x2_0000;
    pub(in super::super) const MO_DRIVE: u64 = 0x4_0000;
    pub(in super::super) const MRW: u64 = 0x8_0000;
    pub(in super::super) const MRW_W: u64 = 0x10_0000;
    pub(in super::super) const RAM: u64 = 0x20_0000;
    /// What the driver sr can.
    pub(in super::super) const SR: u64 = CLOSE_TRAY
        | OPEN_TRAY
        | LOCK
        | SELECT_SPEED
        | SELECT_DISC
        | MULTI_SESSION
        | MCN
        | MEDIA_CHANGED
        | PLAY_AUDIO
        | RESET
        | DRIVE_STATUS
        | CD_R
        | CD_RW
        | DVD
        | DVD_R
        | DVD_RAM
        | GENERIC_PACKET
        | MRW
        | MRW_W
        | RAM;
    /// What a drive without a capabilities page is taken not to be able to.
    pub(in super::super) const SCSI_1: u64 =
        CD_R | CD_RW | DVD_R | DVD | DVD_RAM | SELECT_DISC | SELECT_SPEED | MRW | MRW_W | RAM;
}

/// What the driver knows.
#[derive(Debug)]
pub(super) struct Sr {
    /// What the drive cannot of what the driver can.
    mask: u64,
    /// Whether the driver lets blocks be written at all.
    pub(super) writeable: bool,
    /// `CDO_*`.
    pub(super) options: u64,
    /// Open files of the block node.
    pub(super) users: usize,
    /// The door stays locked behind the last of them.
    pub(super) keep_locked: bool,
    /// Opening has locked the door.
    pub(super) locked_by_open: bool,
    /// Somebody has it open to write blocks.
    pub(super) for_data: bool,
    /// Blocks have been written that may still be in the drive's buffer.
    pub(super) written: bool,
    /// A unit attention has come.
    pub(super) changed: bool,
    media_present: bool,
    /// The block layer has not looked at the disc since it changed.
    pub(super) block_changed: bool,
    /// CDROM_MEDIA_CHANGED has not been asked since the disc changed.
    told_changed: bool,
    /// When the disc changed, in milliseconds of a clock that starts with the driver.
    pub(super) changed_at_ms: i64,
    since: Instant,
    /// Size in bytes; a guess until there is a disc.
    pub(super) size: u64,
    /// Reading, in multiples of 1x.
    pub(super) speed: u16,
    /// Where the last session starts.
    pub(super) last_session: u32,
}

impl Default for Sr {
    fn default() -> Sr {
        Sr {
            mask: 0,
            writeable: false,
            options: option::AUTO_CLOSE | option::USE_FFLAGS | option::LOCK,
            users: 0,
            keep_locked: false,
            locked_by_open: false,
            for_data: false,
            written: false,
            changed: true,
            media_present: false,
            block_changed: false,
            told_changed: false,
            changed_at_ms: 0,
            since: HostWall.now(),
            size: block::GUESS,
            speed: 1,
            last_session: 0,
        }
    }
}

/// How many tracks of which kind there are; or one of [`state`] if that cannot be said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tracks {
    pub(super) data: u32,
    pub(super) audio: u32,
    pub(super) error: Option<i64>,
}

/// A track in the TOC, as CDROMREADTOCENTRY gives it.
#[derive(Clone, Copy, Debug)]
pub(super) struct TocTrack {
    /// ADR in the high nibble, control in the low one.
    pub(super) adr_control: u8,
    /// Minute, second, frame.
    pub(super) msf: [u8; 3],
}

impl Sr {
    /// Whether driver and drive can this.
    pub(super) fn can(&self, what: u64) -> bool {
        self.capability() & what != 0
    }

    /// What driver and drive can together.
    pub(super) fn capability(&self) -> u64 {
        can::SR & !self.mask
    }

    fn set_can(&mut self, what: u64, can: bool) {
        self.mask = if can { self.mask & !what } else { self.mask | what };
    }

    /// Asks what the drive can, once, when it is found: mode page 2Ah, then the features that
    /// matter for writing blocks.
    pub(super) fn probe(&mut self, driver: &Driver) {
        let mut page = [0; 128];
        let sense = driver.once(&[0x1a, 0, 0x2a, 0, 0x80, 0], Data::In(&mut page));
        let came = sense.ok().filter(|outcome| outcome.is_good());
        let start = 4 + usize::from(page[3]);
        match page.get(start..start + 10).filter(|page| came.is_some() && page[0] & 0x3f == 0x2a) {
            None => self.mask |= can::SCSI_1,
            Some(page) => self.learn(page),
        }
        self.learn_features(driver);
        let random = can::DVD_RAM | can::MRW_W | can::RAM | can::CD_RW;
        self.writeable = self.mask & random != random;
    }

    /// The bits of the capabilities page (MMC-3, 5.5.10).
    fn learn(&mut self, page: &[u8]) {
        let loading = page[6] >> 5;
        // In kilobytes per second.
        self.speed = u16::from_be_bytes([page[8], page[9]]) / 176;
        self.set_can(can::CLOSE_TRAY, loading != 0);
        self.set_can(can::DVD, page[2] & 0x08 != 0);
        self.set_can(can::DVD_RAM, page[3] & 0x20 != 0);
        self.set_can(can::DVD_R, page[3] & 0x10 != 0);
        self.set_can(can::CD_RW, page[3] & 0x02 != 0);
        self.set_can(can::CD_R, page[3] & 0x01 != 0);
        self.set_can(can::OPEN_TRAY, page[6] & 0x08 != 0);
        self.set_can(can::SELECT_DISC, false);
        if loading == 0 {
            self.options &= !option::AUTO_CLOSE;
        }
    }

    /// Mount Rainier (0028h) and random writing (0020h).
    fn learn_features(&mut self, driver: &Driver) {
        let mut mrw = [0; 16];
        let is_mrw = self.feature(driver, 0x28, &mut mrw);
        let random = self.feature(driver, 0x20, &mut [0; 24]);
        self.set_can(can::MRW, is_mrw);
        self.set_can(can::MRW_W, is_mrw && mrw[12] & 1 != 0);
        self.set_can(can::RAM, random);
    }

    /// Whether the drive lists a feature, current or not. Its descriptor lies behind the header of
    /// eight bytes.
    fn feature(&mut self, driver: &Driver, code: u8, room: &mut [u8]) -> bool {
        let cdb = [0x46, 0, 0, code, 0, 0, 0, 0, room.len() as u8, 0];
        let came = driver.packet(self, &cdb, Data::In(room)).unwrap_or(0);
        came >= 12 && room[8..10] == [0, code]
    }

    /// Whether the drive writes blocks on what lies in it, as the kernel judges it.
    pub(super) fn open_write(&mut self, driver: &Driver) -> bool {
        self.learn_features(driver);
        if self.can(can::MRW_W) {
            // Only discs that are formatted for it, which this drive has none of.
            return self.erasable(driver);
        }
        if self.can(can::DVD_RAM) {
            return self.erasable(driver);
        }
        let others = can::CD_R | can::CD_RW | can::DVD | can::DVD_R | can::MRW | can::MO_DRIVE;
        if self.can(can::RAM) && !self.can(others) {
            let mut random = [0; 24];
            return self.feature(driver, 0x20, &mut random) && random[10] & 1 != 0;
        }
        // DVD-RW or DVD+RW in the drive: profiles 13h, 14h and 1Ah.
        let mut header = [0; 8];
        let cdb = [0x46, 0, 0, 0, 0, 0, 0, 0, 8, 0];
        driver.packet(self, &cdb, Data::In(&mut header)).is_ok()
            && matches!(header[6..8], [0, 0x13 | 0x14 | 0x1a])
    }

    fn erasable(&mut self, driver: &Driver) -> bool {
        let mut info = [0; 34];
        self.disc_information(driver, &mut info).is_ok_and(|len| len > 2) && info[2] & 0x10 != 0
    }

    /// READ DISC INFORMATION as the kernel asks it: how much there is, then that much.
    fn disc_information(&mut self, driver: &Driver, info: &mut [u8; 34]) -> Result<usize, i32> {
        driver.packet(self, &[0x51, 0, 0, 0, 0, 0, 0, 0, 2, 0], Data::In(&mut info[..2]))?;
        let len = (usize::from(info[0]) << 8 | usize::from(info[1])) + 2;
        let len = len.min(info.len());
        let cdb = [0x51, 0, 0, 0, 0, 0, 0, 0, len as u8, 0];
        driver.packet(self, &cdb, Data::In(&mut info[..len]))
    }

    /// READ TRACK INFORMATION likewise.
    fn track_information(
        &mut self,
        driver: &Driver,
        track: u16,
        info: &mut [u8; 36],
    ) -> Result<usize, i32> {
        let [high, low] = track.to_be_bytes();
        let cdb = |len: u8| [0x52, 1, 0, 0, high, low, 0, 0, len, 0];
        driver.packet(self, &cdb(8), Data::In(&mut info[..8]))?;
        let len = (usize::from(info[0]) << 8 | usize::from(info[1])) + 2;
        let len = len.min(info.len());
        driver.packet(self, &cdb(len as u8), Data::In(&mut info[..len]))
    }

    /// The last track that is not blank: its information and how much of it came.
    fn last_track(&mut self, driver: &Driver) -> Result<([u8; 36], usize), i32> {
        let mut disc = [0; 34];
        let came = self.disc_information(driver, &mut disc)?;
        let high = if came > 11 { disc[11] } else { 0 };
        let mut track = u16::from_be_bytes([high, disc[6]]);
        let mut info = [0; 36];
        let mut came = self.track_information(driver, track, &mut info)?;
        if came >= 8 && info[6] & 0x40 != 0 && track > 1 {
            track -= 1;
            came = self.track_information(driver, track, &mut info)?;
        }
        Ok((info, came))
    }

    /// The last block that was written, as the kernel guesses it.
    pub(super) fn last_written(&mut self, driver: &Driver) -> Result<i64, i32> {
        if let Ok((info, came)) = self.last_track(driver)
            && came >= 28
            && info[6] & 0x40 == 0
        {
            let be = |at: usize| u32::from_be_bytes([0, 1, 2, 3].map(|i| info[at + i]));
            if info[7] & 0x02 != 0 && came >= 32 {
                return Ok(i64::from(be(28)));
            }
            let end = i64::from(be(8)) + i64::from(be(24));
            let free = i64::from(be(16));
            return Ok(if free == 0 { end } else { end - free - 7 });
        }
        let lead_out = self.toc_track(driver, 0xaa)?;
        Ok(i64::from(lba_of(lead_out.msf)))
    }

    /// The next block that can be written.
    pub(super) fn next_writable(&mut self, driver: &Driver) -> Result<i64, i32> {
        if let Ok((info, came)) = self.last_track(driver)
            && came >= 16
            && info[7] & 0x01 != 0
        {
            return Ok(i64::from(u32::from_be_bytes([info[12], info[13], info[14], info[15]])));
        }
        Ok(self.last_written(driver)? + 7)
    }

    /// Looks for a change of the disc, as each opening does: the drive's events, then TEST UNIT
    /// READY until it has told all its unit attentions.
    pub(super) fn update_events(&mut self, driver: &Driver) -> Result<(), i32> {
        let event = self.media_event(driver);
        // New medium, or medium changed (MMC-6, 6.6.2.6).
        let mut changed = event.is_some_and(|event| matches!(event.code, 2..=4));
        let present = self.media_present;
        let outcome = driver.test_unit_ready(self).ok_or(nix::libc::ENODEV)?;
        self.media_present =
            outcome.is_good() || outcome.trouble().is_some_and(|(_, asc, _)| asc != 0x3a);
        changed |= std::mem::take(&mut self.changed) || present != self.media_present;
        if changed {
            self.block_changed = true;
            self.told_changed = true;
            self.written = false;
            self.changed_at_ms = i64::try_from(self.age_ms()).unwrap_or(i64::MAX);
        }
        Ok(())
    }

    fn age_ms(&self) -> u128 {
        HostWall.now().saturating_duration_since(self.since).as_millis()
    }

    /// CDROM_MEDIA_CHANGED: whether the disc has changed since it was last asked.
    pub(super) fn media_changed(&mut self, driver: &Driver) -> Result<bool, i32> {
        self.update_events(driver)?;
        Ok(std::mem::take(&mut self.told_changed))
    }

    /// GET EVENT STATUS NOTIFICATION, polled, media class; `None` if the drive has no such event.
    pub(super) fn media_event(&mut self, driver: &Driver) -> Option<Event> {
        let mut reply = [0; 8];
        let cdb = [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8, 0];
        let came = driver.packet(self, &cdb, Data::In(&mut reply)).ok()?;
        let event = Event::parse_reply(&reply[..came.min(8)]).ok()?;
        (came >= 8 && !event.nea && event.class == EventClass::Media).then_some(event)
    }

    /// Asks where the last session starts, as the kernel does: with the format in the place of old
    /// ATAPI drives.
    pub(super) fn find_last_session(&mut self, driver: &Driver) {
        let mut reply = [0; 12];
        let cdb = [0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0x40];
        self.last_session = 0;
        if driver.packet(self, &cdb, Data::In(&mut reply)).is_ok()
            && u16::from_be_bytes([reply[0], reply[1]]) >= 10
            && reply[6] > 1
        {
            self.last_session = u32::from_be_bytes([reply[8], reply[9], reply[10], reply[11]]);
        }
    }

    /// First and last track.
    pub(super) fn toc_header(&mut self, driver: &Driver) -> Result<[u8; 2], i32> {
        let mut reply = [0; 12];
        let cdb = [0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0];
        driver.packet(self, &cdb, Data::In(&mut reply))?;
        Ok([reply[2], reply[3]])
    }

    /// A track, by its number; AAh is the lead-out.
    pub(super) fn toc_track(&mut self, driver: &Driver, track: u8) -> Result<TocTrack, i32> {
        let mut reply = [0; 12];
        let cdb = [0x43, 2, 0, 0, 0, 0, track, 0, 12, 0];
        driver.packet(self, &cdb, Data::In(&mut reply))?;
        Ok(TocTrack { adr_control: reply[5], msf: [reply[9], reply[10], reply[11]] })
    }

    /// Counts the tracks by kind.
    pub(super) fn count_tracks(&mut self, driver: &Driver) -> Tracks {
        let mut tracks = Tracks::default();
        let [first, last] = match self.toc_header(driver) {
            Ok(header) => header,
            Err(errno) => {
                let none = errno == nix::libc::ENOMEDIUM;
                tracks.error = Some(if none { state::NO_DISC } else { state::NO_INFO });
                return tracks;
            }
        };
        for number in first..=last.min(99) {
            match self.toc_track(driver, number) {
                Ok(track) if track.adr_control & 0x04 != 0 => tracks.data += 1,
                Ok(_) => tracks.audio += 1,
                Err(_) => {
                    tracks.error = Some(state::NO_INFO);
                    return tracks;
                }
            }
        }
        tracks
    }

    /// READ CD of one kind of sector, then, where the drive does not know it, what sr falls back
    /// on is not tried: each recorder has READ CD.
    pub(super) fn read_cd(
        &mut self,
        driver: &Driver,
        (kind, field): (u8, u8),
        lba: u32,
        count: u32,
        room: &mut [u8],
    ) -> Result<usize, i32> {
        let at = lba.to_be_bytes();
        let [_, a, b, c] = count.to_be_bytes();
        let cdb = [0xbe, kind << 2, at[0], at[1], at[2], at[3], a, b, c, field, 0, 0];
        driver.packet(self, &cdb, Data::In(room)).map_err(|errno| match errno {
            EOPNOTSUPP => EIO,
            other => other,
        })
    }
}

/// The address of minute, second, frame: two seconds before it, at the start of a disc.
pub(super) fn lba_of(msf: [u8; 3]) -> i32 {
    let [minute, second, frame] = msf.map(i32::from);
    (minute * 60 + second) * 75 + frame - 150
}

/// Minute, second, frame of an address.
pub(super) fn msf_of(lba: i32) -> [u8; 3] {
    let frames = (lba.wrapping_add(150) & 0xff_ffff) as u32;
    [(frames / 4500) as u8, (frames / 75 % 60) as u8, (frames % 75) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_the_red_book() {
        // 00:02:00 is block 0 (IEC 60908); 79:59:74 the last that two digits can say.
        for (lba, msf) in [(0, [0, 2, 0]), (16, [0, 2, 16]), (359_849, [79, 59, 74])] {
            assert_eq!((lba_of(msf), msf_of(lba)), (lba, msf));
        }
    }

    #[test]
    fn the_capabilities_page_sets_the_bits_of_the_kernel() {
        let mut sr = Sr::default();
        // A slot-in BD recorder: reads all, writes CD-R, CD-RW, DVD-R; no DVD-RAM; tray loader.
        sr.learn(&[0x2a, 0x18, 0x3f, 0x17, 0xf1, 0x77, 0x29, 0x23, 0x1b, 0x80]);
        assert!(sr.can(can::CD_R) && sr.can(can::CD_RW) && sr.can(can::DVD_R) && sr.can(can::DVD));
        assert!(!sr.can(can::DVD_RAM) && sr.can(can::CLOSE_TRAY) && sr.can(can::OPEN_TRAY));
        assert!(!sr.can(can::SELECT_DISC), "it has one slot");
        assert_eq!(sr.speed, 40);
        sr.learn(&[0x2a, 0x18, 0x3f, 0x37, 0xf1, 0x77, 0x09, 0x23, 0x1b, 0x80]);
        assert!(sr.can(can::DVD_RAM) && !sr.can(can::CLOSE_TRAY));
        assert_eq!(sr.options & option::AUTO_CLOSE, 0, "a caddy cannot be closed");
    }
}
