//! What opening and closing a node does to the drive, as the drivers sr and cdrom do it: look for
//! a change of the disc, close the tray, count tracks, lock the door, judge whether it can be
//! written; on the last close flush and unlock. Opening an sg node does nothing.

use engine::device::Data;
use engine::mmc::sense::SenseKey;
use nix::libc::{ENODEV, ENOMEDIUM, ENXIO, EROFS};

use super::block;
use super::cdrom::{Sr, can};
use super::command::Driver;
use super::file::{O_ACCMODE, O_NONBLOCK, O_RDONLY, OpenFile};
use crate::serve::lock;

/// States of the drive, `CDS_*` of linux/cdrom.h.
pub(super) mod state {
    pub(in super::super) const NO_INFO: i64 = 0;
    pub(in super::super) const NO_DISC: i64 = 1;
    pub(in super::super) const TRAY_OPEN: i64 = 2;
    pub(in super::super) const NOT_READY: i64 = 3;
    pub(in super::super) const DISC_OK: i64 = 4;
}

/// `CDO_*` of linux/cdrom.h.
pub(super) mod option {
    pub(in super::super) const AUTO_CLOSE: u64 = 1;
    pub(in super::super) const AUTO_EJECT: u64 = 2;
    pub(in super::super) const USE_FFLAGS: u64 = 4;
    pub(in super::super) const LOCK: u64 = 8;
    pub(in super::super) const CHECK_TYPE: u64 = 16;
}

/// Does what opening does.
pub(super) fn open(file: &OpenFile, flags: u32) -> Result<(), i32> {
    if file.node.sg {
        return Ok(());
    }
    let driver = &*file.driver;
    let mut sr = lock(&driver.sr);
    sr.update_events(driver).map_err(|errno| if errno == ENODEV { ENXIO } else { errno })?;
    let changed = std::mem::take(&mut sr.block_changed);
    if changed || sr.users == 0 {
        revalidate(driver, &mut sr);
    }
    sr.users += 1;
    let by_flags = flags & O_NONBLOCK != 0 && sr.options & option::USE_FFLAGS != 0;
    let result = if by_flags { Ok(()) } else { open_for_data(driver, &mut sr, flags) };
    if result.is_err() {
        sr.users -= 1;
        if sr.users == 0 && sr.locked_by_open {
            sr.locked_by_open = false;
            lock_door(driver, &mut sr, false);
        }
    }
    result
}

/// Reads what the block layer goes by after the disc has changed.
pub(super) fn revalidate(driver: &Driver, sr: &mut Sr) {
    let ready = driver.test_unit_ready(sr).is_some_and(|outcome| outcome.is_good());
    if ready {
        sr.find_last_session(driver);
        block::find_size(driver, sr);
    }
}

fn open_for_data(driver: &Driver, sr: &mut Sr, flags: u32) -> Result<(), i32> {
    let mut status = drive_status(driver, sr)?;
    if status == state::TRAY_OPEN {
        if !sr.can(can::CLOSE_TRAY) || sr.options & option::AUTO_CLOSE == 0 {
            return Err(ENOMEDIUM);
        }
        move_tray(driver, sr, true)?;
        status = drive_status(driver, sr)?;
    }
    if status != state::DISC_OK {
        return Err(ENOMEDIUM);
    }
    if sr.count_tracks(driver).error == Some(state::NO_DISC) {
        return Err(ENOMEDIUM);
    }
    if sr.options & option::LOCK != 0 {
        sr.locked_by_open |= sr.users == 1;
        lock_door(driver, sr, true);
    }
    let mut profile = [0; 32];
    // The kernel only remembers the profile, and does without it as well.
    let _ = driver.packet(sr, &[0x46, 0, 0, 0, 0, 0, 0, 0, 32, 0], Data::In(&mut profile));
    if flags & O_ACCMODE == O_RDONLY {
        return Ok(());
    }
    let allowed = sr.open_write(driver);
    if !allowed || !sr.can(can::RAM) {
        return Err(EROFS);
    }
    sr.written = false;
    sr.for_data = true;
    Ok(())
}

/// Does what closing does.
pub(super) fn close(file: &OpenFile) {
    if file.node.sg {
        return;
    }
    let driver = &*file.driver;
    let mut sr = lock(&driver.sr);
    sr.users = sr.users.saturating_sub(1);
    if sr.users > 0 {
        return;
    }
    if std::mem::take(&mut sr.written) {
        // A program that wants to know asks by fsync(2).
        let _ = driver.packet(&mut sr, &[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], Data::None);
    }
    sr.for_data = false;
    if !sr.keep_locked {
        sr.locked_by_open = false;
        lock_door(driver, &mut sr, false);
    }
    let for_data = file.flags() & O_NONBLOCK == 0 || sr.options & option::USE_FFLAGS == 0;
    if for_data && sr.options & option::AUTO_EJECT != 0 {
        // As far as the drive goes along.
        let _ = move_tray(driver, &mut sr, false);
    }
}

/// Where tray and disc are: [`state`].
pub(super) fn drive_status(driver: &Driver, sr: &mut Sr) -> Result<i64, i32> {
    let outcome = driver.test_unit_ready(sr).ok_or(ENXIO)?;
    if outcome.is_good() {
        return Ok(state::DISC_OK);
    }
    if outcome.says(SenseKey::NotReady, 0x04, 0x01) {
        return Ok(state::NOT_READY);
    }
    if let Some(event) = sr.media_event(driver) {
        return Ok(match event.status {
            status if status & 0x02 != 0 => state::DISC_OK,
            status if status & 0x01 != 0 => state::TRAY_OPEN,
            _ => state::NO_DISC,
        });
    }
    Ok(match outcome.trouble() {
        Some((SenseKey::NotReady, 0x04, 0x02)) => state::DISC_OK,
        Some((_, 0x3a, _)) => state::NO_DISC,
        _ => state::TRAY_OPEN,
    })
}

/// Moves the tray in or out.
pub(super) fn move_tray(driver: &Driver, sr: &mut Sr, close: bool) -> Result<(), i32> {
    let what = if close { 0x03 } else { 0x02 };
    driver.packet(sr, &[0x1b, 0, 0, 0, what, 0], Data::None).map(drop)
}

/// PREVENT ALLOW MEDIUM REMOVAL. What the program gets to see: 0, or the SCSI status.
pub(super) fn lock_door(driver: &Driver, sr: &mut Sr, locked: bool) -> i64 {
    let cdb = [0x1e, 0, 0, 0, u8::from(locked), 0];
    plain(driver, sr, &cdb).unwrap_or_else(|errno| -i64::from(errno))
}

/// Sends a command without data as the SCSI layer's own ioctls do: unit attentions and a drive
/// that is not ready are no errors to them, and anything else shows as the SCSI status.
pub(super) fn plain(driver: &Driver, sr: &mut Sr, cdb: &[u8]) -> Result<i64, i32> {
    let outcome = driver.once(cdb, Data::None)?;
    match outcome.trouble() {
        Some((SenseKey::UnitAttention | SenseKey::NotReady, ..)) => {
            sr.changed |= outcome.trouble().is_some_and(|t| t.0 == SenseKey::UnitAttention);
            Ok(0)
        }
        _ => Ok(i64::from(outcome.status) | i64::from(outcome.host) << 16),
    }
}
