//! The ioctls of sr, cdrom, sg and the block layer: from their argument to commands, and from what
//! the drive says to their result. The order in which Linux asks its layers is kept, since it
//! decides which error an unknown ioctl gets.

use engine::device::Data;
use nix::libc::{EBUSY, EFAULT, EINVAL, EIO, ENOMEDIUM, ENOTTY, EPERM};

use super::block::BLOCK;
use super::calls::*;
use super::cdrom::{Sr, can, lba_of, msf_of};
use super::command::Driver;
use super::dvd;
use super::file::{OpenFile, Sg};
use super::frame::Request;
use super::open::{self, option, state};
use crate::serve::{Reset, lock};

/// What an ioctl returns, and how many bytes it puts behind its argument.
pub(super) type Result<T = (i64, usize)> = std::result::Result<T, i32>;

/// Nothing but a result.
fn plain(result: i64) -> Result {
    Ok((result, 0))
}

/// One number behind the argument.
fn put(room: &mut [u8], bytes: &[u8]) -> Result {
    room.get_mut(..bytes.len()).ok_or(EFAULT)?.copy_from_slice(bytes);
    Ok((0, bytes.len()))
}

fn put_int(room: &mut [u8], number: i64) -> Result {
    put(room, &(number as i32).to_ne_bytes())
}

fn put_long(room: &mut [u8], number: i64) -> Result {
    put(room, &number.to_ne_bytes())
}

/// The first bytes behind the argument.
pub(super) fn get<const N: usize>(data: &[u8]) -> Result<[u8; N]> {
    data.first_chunk().copied().ok_or(EFAULT)
}

fn get_int(data: &[u8]) -> Result<i32> {
    get(data).map(i32::from_ne_bytes)
}

/// Carries out an ioctl on an open file.
pub(super) fn ioctl(file: &OpenFile, request: &Request, data: &[u8], room: &mut [u8]) -> Result {
    let (number, arg) = (request.number, request.arg);
    if file.node.sg {
        return match sg(file, number, data, room)? {
            Some(done) => Ok(done),
            None => scsi(file, number, data, room),
        };
    }
    if let Some(done) = block(file, number, data, room)? {
        return Ok(done);
    }
    if !matches!(number, CDROMEJECT | CDROMCLOSETRAY) {
        let driver = &*file.driver;
        let mut sr = lock(&driver.sr);
        if let Some(done) = cdrom(driver, &mut sr, number, arg, data, room)? {
            return Ok(done);
        }
        if let Some(done) = packets(driver, &mut sr, number, data, room)? {
            return Ok(done);
        }
    }
    scsi(file, number, data, room)
}

/// What the block layer answers by itself.
fn block(
    file: &OpenFile,
    number: u32,
    data: &[u8],
    room: &mut [u8],
) -> Result<Option<(i64, usize)>> {
    let size = || lock(&file.driver.sr).size;
    // 4 KiB where the size is a multiple of it, as the block layer chooses.
    let block_size = |size: u64| if size.is_multiple_of(4096) { 4096 } else { BLOCK };
    match number {
        BLKGETSIZE => put_long(room, (size() / 512) as i64),
        BLKGETSIZE64 => put_long(room, size() as i64),
        BLKSSZGET | BLKPBSZGET | BLKIOMIN => put_int(room, BLOCK as i64),
        BLKBSZGET => put_int(room, block_size(size()) as i64),
        BLKBSZSET => match get_int(data)? {
            512..BLOCK_INT | 4097.. | ..512 => Err(EINVAL),
            size if size & (size - 1) == 0 => plain(0),
            _ => Err(EINVAL),
        },
        BLKROGET | BLKIOOPT | BLKALIGNOFF | BLKDISCARDZEROES => put_int(room, 0),
        BLKRAGET | BLKFRAGET => put_long(room, 256),
        BLKSECTGET => put(room, &2048_u16.to_ne_bytes()),
        BLKROTATIONAL => put(room, &1_u16.to_ne_bytes()),
        BLKFLSBUF => super::block::sync(file).and_then(|()| plain(0)),
        BLKRASET | BLKFRASET | BLKROSET => plain(0),
        // No partitions on an optical disc.
        BLKRRPART => Err(EINVAL),
        _ => return Ok(None),
    }
    .map(Some)
}

const BLOCK_INT: i32 = BLOCK as i32;

/// What the driver cdrom answers in its own name.
fn cdrom(
    driver: &Driver,
    sr: &mut Sr,
    number: u32,
    arg: u64,
    data: &[u8],
    room: &mut [u8],
) -> Result<Option<(i64, usize)>> {
    match number {
        CDROMMULTISESSION => multisession(sr, get(data)?, room),
        CDROMEJECT_SW => {
            if sr.keep_locked {
                return Err(EBUSY);
            }
            sr.options &= !(option::AUTO_CLOSE | option::AUTO_EJECT);
            if arg != 0 {
                sr.options |= option::AUTO_CLOSE | option::AUTO_EJECT;
            }
            plain(0)
        }
        // There is one slot; CDSL_CURRENT or not.
        CDROM_MEDIA_CHANGED => plain(i64::from(sr.media_changed(driver)?)),
        CDROM_TIMED_MEDIA_CHANGE => {
            let asked = i64::from_ne_bytes(get(data)?);
            let flags = u64::from(asked < sr.changed_at_ms);
            let mut both = [0; 16];
            both[..8].copy_from_slice(&sr.changed_at_ms.to_ne_bytes());
            both[8..].copy_from_slice(&flags.to_ne_bytes());
            put(room, &both)
        }
        CDROM_SET_OPTIONS => {
            match arg {
                0 => return plain(sr.options as i64).map(Some),
                option::USE_FFLAGS | option::CHECK_TYPE => {}
                option::LOCK if sr.can(can::LOCK) => {}
                other if other != option::LOCK && sr.can(other) => {}
                _ => return Ok(None),
            }
            sr.options |= arg & 0x1f;
            plain(sr.options as i64)
        }
        CDROM_CLEAR_OPTIONS => {
            sr.options &= !arg;
            plain(sr.options as i64)
        }
        CDROM_SELECT_SPEED if sr.can(can::SELECT_SPEED) => select_speed(driver, sr, arg),
        CDROMRESET => plain(0),
        CDROM_LOCKDOOR => {
            sr.keep_locked = arg != 0;
            plain(open::lock_door(driver, sr, arg != 0))
        }
        CDROM_GET_CAPABILITY => plain(sr.capability() as i64),
        CDROM_GET_MCN => {
            let mut reply = [0; 24];
            let cdb = [0x42, 0, 0x40, 2, 0, 0, 0, 0, 24, 0];
            driver.packet(sr, &cdb, Data::In(&mut reply))?;
            let mut mcn = [0; 14];
            mcn[..13].copy_from_slice(&reply[9..22]);
            put(room, &mcn)
        }
        CDROM_DRIVE_STATUS => plain(open::drive_status(driver, sr)?),
        CDROM_DISC_STATUS => plain(disc_status(driver, sr)),
        CDROM_CHANGER_NSLOTS => plain(1),
        // Without a changer, an operation that this driver has not got.
        CDROM_SELECT_DISC => return Ok(None),
        _ => return Ok(None),
    }
    .map(Some)
}

/// SET CD SPEED, from a multiple of CD speed; 0 is the fastest.
fn select_speed(driver: &Driver, sr: &mut Sr, speed: u64) -> Result {
    let rate = if speed == 0 { 0xffff } else { speed.saturating_mul(177).min(0xffff) as u16 };
    let [high, low] = rate.to_be_bytes();
    let cdb = [0xbb, 0, high, low, 0, 0, 0, 0, 0, 0, 0, 0];
    driver.packet(sr, &cdb, Data::None).map_err(|_| EIO)?;
    plain(0)
}

/// `CDROM_LBA` and `CDROM_MSF`.
const AS_LBA: u8 = 1;
const AS_MSF: u8 = 2;

/// `union cdrom_addr` in the form asked for.
fn address(lba: i32, form: u8) -> [u8; 4] {
    if form == AS_LBA {
        return lba.to_ne_bytes();
    }
    let [minute, second, frame] = msf_of(lba);
    [minute, second, frame, 0]
}

fn form(byte: u8) -> Result<u8> {
    if matches!(byte, AS_LBA | AS_MSF) { Ok(byte) } else { Err(EINVAL) }
}

fn multisession(sr: &Sr, mut info: [u8; 8], room: &mut [u8]) -> Result {
    let form = form(info[5])?;
    info[..4].copy_from_slice(&address(sr.last_session as i32, form));
    info[4] = u8::from(sr.last_session > 0);
    put(room, &info)
}

fn disc_status(driver: &Driver, sr: &mut Sr) -> i64 {
    let tracks = sr.count_tracks(driver);
    match (tracks.error, tracks.data, tracks.audio) {
        (Some(error), ..) => error,
        (None, 0, 0) => state::NO_INFO,
        (None, 0, _) => 100,
        (None, _, 0) => 101,
        (None, ..) => 105,
    }
}

/// What the driver cdrom answers with packet commands.
fn packets(
    driver: &Driver,
    sr: &mut Sr,
    number: u32,
    data: &[u8],
    room: &mut [u8],
) -> Result<Option<(i64, usize)>> {
    let none = |driver: &Driver, sr: &mut Sr, cdb: &[u8]| {
        driver.packet(sr, cdb, Data::None).and_then(|_| plain(0))
    };
    match number {
        CDROMREADRAW => read_sector(driver, sr, (0, 0xf8), get(data)?, room, 2352),
        CDROMREADMODE1 => read_sector(driver, sr, (2, 0x10), get(data)?, room, 2048),
        CDROMREADMODE2 => read_sector(driver, sr, (0, 0x58), get(data)?, room, 2336),
        CDROMREADAUDIO => read_audio(driver, sr, get(data)?, room),
        CDROMSUBCHNL => subchannel(driver, sr, get(data)?, room),
        CDROMREADTOCHDR => put(room, &sr.toc_header(driver)?),
        CDROMREADTOCENTRY => toc_entry(driver, sr, get(data)?, room),
        CDROMPLAYMSF => {
            let [a, b, c, d, e, f] = get(data)?;
            none(driver, sr, &[0x47, 0, 0, a, b, c, d, e, f, 0])
        }
        CDROMPLAYBLK => {
            let both: [u8; 8] = get(data)?;
            let from = get_int(&both)?.to_be_bytes();
            let [_, _, high, low] = get_int(&both[4..])?.to_be_bytes();
            none(driver, sr, &[0x45, 0, from[0], from[1], from[2], from[3], 0, high, low, 0])
        }
        CDROMPLAYTRKIND => {
            let [from, from_index, to, to_index] = get(data)?;
            none(driver, sr, &[0x48, 0, 0, 0, from, from_index, 0, to, to_index, 0])
        }
        CDROMSTART => none(driver, sr, &[0x1b, 1, 0, 0, 1, 0]),
        CDROMSTOP => none(driver, sr, &[0x1b, 1, 0, 0, 0, 0]),
        CDROMPAUSE => none(driver, sr, &[0x4b, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        CDROMRESUME => none(driver, sr, &[0x4b, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
        CDROMVOLREAD => {
            let page = volume_page(driver, sr)?;
            put(room, &VOLUMES.map(|at| page[at]))
        }
        CDROMVOLCTRL => set_volume(driver, sr, get(data)?),
        DVD_READ_STRUCT if sr.can(can::DVD) => dvd::read_struct(driver, sr, data, room),
        DVD_AUTH if sr.can(can::DVD) => dvd::auth(driver, sr, get(data)?, room),
        CDROM_NEXT_WRITABLE => put_long(room, sr.next_writable(driver)?),
        CDROM_LAST_WRITTEN => put_long(room, sr.last_written(driver)?),
        _ => return Ok(None),
    }
    .map(Some)
}

fn toc_entry(driver: &Driver, sr: &mut Sr, mut entry: [u8; 12], room: &mut [u8]) -> Result {
    let form = form(entry[2])?;
    let track = sr.toc_track(driver, entry[0])?;
    // In C: adr in the low four bits, control in the high ones.
    entry[1] = track.adr_control.rotate_left(4);
    entry[4..8].copy_from_slice(&address(lba_of(track.msf), form));
    entry[8] = u8::from(track.adr_control & 0x04 != 0);
    put(room, &entry)
}

fn read_sector(
    driver: &Driver,
    sr: &mut Sr,
    kind: (u8, u8),
    msf: [u8; 6],
    room: &mut [u8],
    size: usize,
) -> Result {
    let [minute, second, frame, ..] = msf;
    let lba = u32::try_from(lba_of([minute, second, frame])).map_err(|_| EINVAL)?;
    let room = room.get_mut(..size).ok_or(EFAULT)?;
    let got = sr.read_cd(driver, kind, lba, 1, room)?;
    room[got.min(size)..].fill(0);
    Ok((0, size))
}

/// `struct cdrom_read_audio` without its pointer: address, form, frames.
fn read_audio(driver: &Driver, sr: &mut Sr, head: [u8; 12], room: &mut [u8]) -> Result {
    let lba = match head[4] {
        AS_LBA => get_int(&head)?,
        AS_MSF => lba_of([head[0], head[1], head[2]]),
        _ => return Err(EINVAL),
    };
    let (lba, frames) = match (u32::try_from(lba), get_int(&head[8..])?) {
        (Ok(lba), frames @ 1..=75) => (lba, frames as u32),
        _ => return Err(EINVAL),
    };
    let size = frames as usize * 2352;
    let room = room.get_mut(..size).ok_or(EFAULT)?;
    let got = sr.read_cd(driver, (1, 0xf8), lba, frames, room)?;
    room[got.min(size)..].fill(0);
    Ok((0, size))
}

fn subchannel(driver: &Driver, sr: &mut Sr, mut sub: [u8; 16], room: &mut [u8]) -> Result {
    let form = form(sub[0])?;
    let mut reply = [0; 16];
    let cdb = [0x42, form, 0x40, 1, 0, 0, 0, 0, 16, 0];
    driver.packet(sr, &cdb, Data::In(&mut reply))?;
    sub[1] = reply[1];
    sub[2] = reply[5].rotate_left(4);
    sub[3] = reply[6];
    sub[4] = reply[7];
    for (to, from) in [(8, 8), (12, 12)] {
        let bytes = [reply[from], reply[from + 1], reply[from + 2], reply[from + 3]];
        let value = match form {
            AS_LBA => u32::from_be_bytes(bytes).to_ne_bytes(),
            _ => [bytes[1], bytes[2], bytes[3], 0],
        };
        sub[to..to + 4].copy_from_slice(&value);
    }
    put(room, &sub)
}

/// Where the volumes of the four ports lie in mode page 0Eh behind a header of eight bytes.
const VOLUMES: [usize; 4] = [17, 19, 21, 23];

/// Mode page 0Eh with its header.
fn volume_page(driver: &Driver, sr: &mut Sr) -> Result<[u8; 24]> {
    let mut page = [0; 24];
    driver.packet(sr, &[0x5a, 0, 0x0e, 0, 0, 0, 0, 0, 24, 0], Data::In(&mut page))?;
    // A recorder sends no block descriptors.
    if page[6..8] == [0, 0] && page[8] & 0x3f == 0x0e { Ok(page) } else { Err(EINVAL) }
}

fn set_volume(driver: &Driver, sr: &mut Sr, volume: [u8; 4]) -> Result {
    let mut list = volume_page(driver, sr)?;
    list[..8].fill(0);
    list[8] &= 0x3f;
    for (at, level) in VOLUMES.into_iter().zip(volume) {
        list[at] = level;
    }
    driver.packet(sr, &[0x55, 0x10, 0, 0, 0, 0, 0, 0, 24, 0], Data::Out(&list))?;
    plain(0)
}

/// What the driver sg answers by itself.
fn sg(file: &OpenFile, number: u32, data: &[u8], room: &mut [u8]) -> Result<Option<(i64, usize)>> {
    let set = |change: fn(&mut Sg, i32)| {
        let value = get_int(data)?;
        change(&mut lock(&file.sg), value);
        plain(0)
    };
    let now = *lock(&file.sg);
    match number {
        SG_SET_TIMEOUT if get_int(data)? < 0 => Err(EIO),
        SG_SET_RESERVED_SIZE if get_int(data)? < 0 => Err(EINVAL),
        SG_GET_SCSI_ID => {
            let mut id = [0; 32];
            // host, channel, id, lun, type; commands per LUN, queue depth.
            for (at, value) in [(8, i32::from(file.node.index)), (16, 5)] {
                id[at..at + 4].copy_from_slice(&value.to_ne_bytes());
            }
            id[20..22].copy_from_slice(&1_i16.to_ne_bytes());
            id[22..24].copy_from_slice(&1_i16.to_ne_bytes());
            put(room, &id)
        }
        SG_GET_VERSION_NUM => put_int(room, 30536),
        SG_EMULATED_HOST | SG_GET_LOW_DMA | SG_GET_NUM_WAITING => put_int(room, 0),
        SG_GET_PACK_ID => put_int(room, -1),
        SG_GET_SG_TABLESIZE => put_int(room, 128),
        SG_GET_ACCESS_COUNT => put_int(room, 1),
        SG_GET_COMMAND_Q => put_int(room, i64::from(now.command_q)),
        SG_SET_COMMAND_Q => set(|sg, value| sg.command_q = i32::from(value != 0)),
        SG_GET_KEEP_ORPHAN => put_int(room, i64::from(now.keep_orphan)),
        SG_SET_KEEP_ORPHAN => set(|sg, value| sg.keep_orphan = value),
        SG_SET_FORCE_LOW_DMA | SG_SET_FORCE_PACK_ID | SG_SET_DEBUG | SG_NEXT_CMD_LEN => plain(0),
        SG_GET_TRANSFORM => Err(EINVAL),
        BLKSECTGET => put_int(room, 1 << 20),
        _ => return Ok(None),
    }
    .map(Some)
}

/// What the SCSI layer answers for sr and sg alike.
fn scsi(file: &OpenFile, number: u32, data: &[u8], room: &mut [u8]) -> Result {
    let driver = &*file.driver;
    let plainly = |cdb: &[u8]| plain(open::plain(driver, &mut lock(&driver.sr), cdb)?);
    match number {
        SG_GET_VERSION_NUM => put_int(room, 30527),
        SG_SET_TIMEOUT => {
            // In hundredths of a second, the clock tick that programs know.
            let ticks = u32::try_from(get_int(data)?).map_err(|_| EINVAL)?;
            lock(&file.sg).timeout_ms = ticks.saturating_mul(10);
            plain(0)
        }
        SG_GET_TIMEOUT => plain(i64::from(lock(&file.sg).timeout_ms / 10)),
        SG_GET_RESERVED_SIZE => put_int(room, i64::from(lock(&file.sg).reserved)),
        SG_SET_RESERVED_SIZE => {
            let size = get_int(data)?;
            if size < 0 {
                return Err(EINVAL);
            }
            lock(&file.sg).reserved = size.min(1 << 20);
            plain(0)
        }
        SG_EMULATED_HOST => put_int(room, 1),
        SCSI_IOCTL_GET_IDLUN => {
            let mut both = [0; 8];
            both[..4].copy_from_slice(&(u32::from(file.node.index) & 0xff).to_ne_bytes());
            put(room, &both)
        }
        SCSI_IOCTL_GET_BUS_NUMBER => put_int(room, 0),
        SCSI_IOCTL_PROBE_HOST => {
            let len = usize::try_from(get_int(data)?).map_err(|_| EINVAL)?;
            let name = b"kiln\0";
            put(room, &name[..len.min(name.len())]).map(|(_, len)| (1, len))
        }
        SCSI_IOCTL_DOORLOCK => plainly(&[0x1e, 0, 0, 0, 1, 0]),
        SCSI_IOCTL_DOORUNLOCK => plainly(&[0x1e, 0, 0, 0, 0, 0]),
        SCSI_IOCTL_TEST_UNIT_READY => {
            let outcome = driver.test_unit_ready(&mut lock(&driver.sr)).ok_or(ENOMEDIUM)?;
            plain(i64::from(outcome.status))
        }
        SCSI_IOCTL_START_UNIT => plainly(&[0x1b, 0, 0, 0, 1, 0]),
        SCSI_IOCTL_STOP_UNIT => plainly(&[0x1b, 0, 0, 0, 0, 0]),
        CDROMEJECT => plainly(&[0x1b, 0, 0, 0, 2, 0]),
        CDROMCLOSETRAY => plainly(&[0x1b, 0, 0, 0, 3, 0]),
        SG_SCSI_RESET => match get_int(data)? & 0xff {
            0 => plain(0),
            1 => {
                driver.reset(Reset::LogicalUnit);
                plain(0)
            }
            2..=4 => {
                driver.reset(Reset::Target);
                plain(0)
            }
            _ => Err(EINVAL),
        },
        // The block layer has no such operation on a recorder.
        0x0301 => Err(ENOTTY),
        BLKROSET => Err(EPERM),
        _ => Err(EINVAL),
    }
}
