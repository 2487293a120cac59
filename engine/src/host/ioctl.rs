//! The system calls behind [`super::SgIo`]: the SG_IO version 3 header and three ioctls, each in
//! a function that cannot be called wrongly.
#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::ptr;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::{c_int, c_ushort, c_void};
use nix::sys::signal::{SigSet, SigmaskHow};

use crate::device::Data;

/// `sg_io_hdr` of the kernel's interface `scsi/sg.h`, version 3.
#[repr(C)]
struct Header {
    interface_id: c_int,
    direction: c_int,
    cdb_len: u8,
    sense_room: u8,
    scatter_count: u16,
    data_len: u32,
    data: *mut c_void,
    cdb: *const u8,
    sense: *mut u8,
    timeout_ms: u32,
    flags: u32,
    pack_id: c_int,
    user: *mut c_void,
    status: u8,
    masked_status: u8,
    message_status: u8,
    sense_written: u8,
    host_status: u16,
    driver_status: u16,
    residual: c_int,
    duration_ms: u32,
    info: u32,
}

const INTERFACE: c_int = b'S' as c_int;
const NO_DATA: c_int = -1;
const TO_DEVICE: c_int = -2;
const FROM_DEVICE: c_int = -3;

/// As much sense as the kernel keeps (SCSI_SENSE_BUFFERSIZE).
const SENSE_ROOM: u8 = 96;

nix::ioctl_readwrite_bad!(ioctl_sg_io, 0x2285, Header);
nix::ioctl_read_bad!(ioctl_block_max_sectors, 0x1267, c_ushort);
nix::ioctl_read_bad!(ioctl_generic_max_bytes, 0x1267, c_int);

/// What the kernel says about one command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// SCSI status byte.
    pub(super) status: u8,
    /// The host adapter's verdict, `DID_*` of the kernel.
    pub(super) host: u16,
    /// The middle layer's verdict, `DRIVER_*` of older kernels; 0 on newer ones.
    pub(super) driver: u16,
    /// Sense data as received.
    pub(super) sense: Vec<u8>,
    /// Bytes not transferred, as the adapter counts them.
    pub(super) residual: i32,
}

/// Carries out one command and waits for its end.
///
/// Signals are held back meanwhile: the generic node gives up waiting for a command when a signal
/// arrives, and a restarted call would send the command a second time.
pub(super) fn sg_io(
    file: &File,
    cdb: &[u8],
    data: Data<'_>,
    timeout: Duration,
) -> Result<Answer, Errno> {
    let len = u32::try_from(data.len()).map_err(|_| Errno::EINVAL)?;
    let (direction, pointer) = match data {
        Data::In(room) if len > 0 => (FROM_DEVICE, room.as_mut_ptr()),
        // The kernel only reads through this pointer.
        Data::Out(bytes) if len > 0 => (TO_DEVICE, bytes.as_ptr().cast_mut()),
        _ => (NO_DATA, ptr::null_mut()),
    };
    let mut sense = [0; SENSE_ROOM as usize];
    let mut header = Header {
        interface_id: INTERFACE,
        direction,
        cdb_len: u8::try_from(cdb.len()).map_err(|_| Errno::EINVAL)?,
        sense_room: SENSE_ROOM,
        scatter_count: 0,
        data_len: len,
        data: pointer.cast(),
        cdb: cdb.as_ptr(),
        sense: sense.as_mut_ptr(),
        timeout_ms: milliseconds(timeout),
        flags: 0,
        pack_id: 0,
        user: ptr::null_mut(),
        status: 0,
        masked_status: 0,
        message_status: 0,
        sense_written: 0,
        host_status: 0,
        driver_status: 0,
        residual: 0,
        duration_ms: 0,
        info: 0,
    };
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    // SAFETY: `header` has the layout that the request number stands for. Its three pointers go to
    // `cdb_len`, `sense_room` and `data_len` bytes that live past the call, which returns only when
    // the kernel is done with them; the data is writable where the direction makes the kernel
    // write.
    let done = unsafe { ioctl_sg_io(file.as_raw_fd(), &raw mut header) };
    before.thread_set_mask()?;
    done?;
    Ok(Answer {
        status: header.status,
        host: header.host_status,
        driver: header.driver_status,
        sense: sense[..usize::from(header.sense_written.min(SENSE_ROOM))].to_vec(),
        residual: header.residual,
    })
}

/// The time limit as the kernel takes it: never 0, which would mean its default.
fn milliseconds(timeout: Duration) -> u32 {
    let rounded_up = timeout.as_nanos().div_ceil(1_000_000);
    // More than this overflows the kernel's own conversion.
    const LONGEST: u32 = i32::MAX as u32;
    u32::try_from(rounded_up).unwrap_or(LONGEST).clamp(1, LONGEST)
}

/// The largest data phase in bytes that the node's queue takes.
pub(super) fn max_transfer(file: &File) -> Option<u32> {
    if file.metadata().ok()?.file_type().is_block_device() {
        let mut sectors: c_ushort = 0;
        // SAFETY: on a block node BLKSECTGET stores one `unsigned short`: 512-byte sectors.
        unsafe { ioctl_block_max_sectors(file.as_raw_fd(), &raw mut sectors) }.ok()?;
        Some(u32::from(sectors) * 512)
    } else {
        let mut bytes: c_int = 0;
        // SAFETY: on a generic node the same request stores one `int`: bytes.
        unsafe { ioctl_generic_max_bytes(file.as_raw_fd(), &raw mut bytes) }.ok()?;
        u32::try_from(bytes).ok()
    }
    .filter(|&bytes| bytes > 0)
}

#[cfg(test)]
mod tests {
    use std::mem::{offset_of, size_of};

    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn the_header_is_laid_out_as_in_c() {
        // Printed by a C program over <scsi/sg.h>.
        assert_eq!(size_of::<Header>(), 88);
        assert_eq!(offset_of!(Header, data_len), 12);
        assert_eq!(offset_of!(Header, data), 16);
        assert_eq!(offset_of!(Header, cdb), 24);
        assert_eq!(offset_of!(Header, sense), 32);
        assert_eq!(offset_of!(Header, timeout_ms), 40);
        assert_eq!(offset_of!(Header, user), 56);
        assert_eq!(offset_of!(Header, status), 64);
        assert_eq!(offset_of!(Header, sense_written), 67);
        assert_eq!(offset_of!(Header, host_status), 68);
        assert_eq!(offset_of!(Header, residual), 72);
        assert_eq!(offset_of!(Header, info), 80);
    }

    #[test]
    fn time_limits_are_never_zero_and_never_overflow() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_micros(1500)), 2);
        assert_eq!(milliseconds(Duration::from_secs(3600)), 3_600_000);
        assert_eq!(milliseconds(Duration::MAX), 0x7FFF_FFFF);
    }

    #[test]
    fn a_file_is_no_scsi_device() {
        let file = tempfile::tempfile().expect("temporary file");
        let answer = sg_io(&file, &[0; 6], Data::None, Duration::from_secs(1));
        assert_eq!(answer, Err(Errno::ENOTTY));
        assert_eq!(max_transfer(&file), None);
    }
}
