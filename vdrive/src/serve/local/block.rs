//! Reading and writing a block node: any offset and length, in commands of whole blocks, within the
//! size that the kernel found when the node was opened. There is no page cache: each call reaches
//! the drive.

use engine::device::Data;
use nix::libc::{EBADF, EINVAL, EIO, ENOSPC, ESPIPE};

use super::cdrom::Sr;
use super::command::Driver;
use super::file::OpenFile;
use super::frame::{AT_POSITION, MAX_DATA};
use crate::serve::lock;

/// Size of a block in bytes.
pub(super) const BLOCK: u64 = 2048;

/// Most blocks of one command.
const MOST: u64 = 32;

/// Size in bytes where the drive does not say: what the kernel guesses.
pub(super) const GUESS: u64 = 0x1f_ffff * 512;

/// Asks for the size, as the kernel does after a change of the disc, and shows it.
pub(super) fn find_size(driver: &Driver, sr: &mut Sr) {
    sr.size = size(driver, sr);
    driver.show_size(sr.size);
}

fn size(driver: &Driver, sr: &mut Sr) -> u64 {
    let mut capacity = [0; 8];
    let cdb = [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let answered = (0..3)
        .any(|_| driver.once(&cdb, Data::In(&mut capacity)).is_ok_and(|outcome| outcome.is_good()));
    if !answered {
        return GUESS;
    }
    let be = |at: usize| u32::from_be_bytes([0, 1, 2, 3].map(|i| capacity[at + i]));
    let mut blocks = u64::from(be(0)) + 1;
    if let Ok(last) = sr.last_written(driver) {
        blocks = blocks.max(u64::try_from(last).unwrap_or(0));
    }
    match be(4) {
        0 | 2340 | 2352 | 2048 => blocks * BLOCK,
        512 => blocks * 512,
        _ => 0,
    }
}

/// Where a call starts, and whether it moves the position.
fn start(file: &OpenFile, offset: u64) -> Result<u64, i32> {
    match offset {
        AT_POSITION => Ok(*lock(&file.position)),
        offset if i64::try_from(offset).is_ok() => Ok(offset),
        _ => Err(EINVAL),
    }
}

fn moved(file: &OpenFile, offset: u64, to: u64) {
    if offset == AT_POSITION {
        *lock(&file.position) = to;
    }
}

/// Reads at an offset, or at the position. Less than asked for at the end, or before a block that
/// cannot be read.
pub(super) fn read(file: &OpenFile, offset: u64, room: &mut [u8]) -> Result<usize, i32> {
    if !file.readable() {
        return Err(EBADF);
    }
    if file.node.sg {
        return Err(EINVAL);
    }
    let from = start(file, offset)?;
    let size = lock(&file.driver.sr).size;
    let len = (room.len() as u64).min(size.saturating_sub(from));
    let room = &mut room[..len as usize];
    let mut bounce = Vec::new();
    let mut done = 0;
    while done < room.len() {
        let at = from + done as u64;
        let (block, skip) = (at / BLOCK, (at % BLOCK) as usize);
        let left = room.len() - done;
        let whole = (left as u64 / BLOCK).min(MOST);
        let got = if skip == 0 && whole > 0 {
            let piece = &mut room[done..done + (whole * BLOCK) as usize];
            read_blocks(&file.driver, block, piece)
        } else {
            bounce.resize(BLOCK as usize, 0);
            let got = read_blocks(&file.driver, block, &mut bounce);
            let take = got.map(|n| n.saturating_sub(skip).min(left));
            if let Ok(take) = take {
                room[done..done + take].copy_from_slice(&bounce[skip..skip + take]);
            }
            take
        };
        match got {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    moved(file, offset, from + done as u64);
    Ok(done)
}

/// READ(10) of whole blocks; one by one if they cannot be read together, so that those before a
/// bad one arrive.
fn read_blocks(driver: &Driver, block: u64, room: &mut [u8]) -> Result<usize, i32> {
    let one = BLOCK as usize;
    let count = room.len() / one;
    let whole = driver.transfer(&transfer(0x28, block, count)?, &mut Data::In(room));
    if whole.is_ok() || count <= 1 {
        return whole;
    }
    let mut done = 0;
    for (i, piece) in room.chunks_mut(one).enumerate() {
        let cdb = transfer(0x28, block + i as u64, 1)?;
        match driver.transfer(&cdb, &mut Data::In(piece)) {
            Ok(n) => done += n,
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    Ok(done)
}

/// READ(10) or WRITE(10).
fn transfer(opcode: u8, block: u64, count: usize) -> Result<[u8; 10], i32> {
    let lba = u32::try_from(block).map_err(|_| EIO)?.to_be_bytes();
    let count = u16::try_from(count).map_err(|_| EIO)?.to_be_bytes();
    Ok([opcode, 0, lba[0], lba[1], lba[2], lba[3], 0, count[0], count[1], 0])
}

/// Writes at an offset, or at the position. Blocks that are written in part are read before.
pub(super) fn write(file: &OpenFile, offset: u64, data: &[u8]) -> Result<usize, i32> {
    if !file.writable() {
        return Err(EBADF);
    }
    if file.node.sg || data.len() > MAX_DATA {
        return Err(EINVAL);
    }
    let from = start(file, offset)?;
    let mut sr = lock(&file.driver.sr);
    let len = (data.len() as u64).min(sr.size.saturating_sub(from)) as usize;
    if len == 0 && !data.is_empty() {
        return Err(ENOSPC);
    }
    if !sr.writeable {
        return Err(EIO);
    }
    sr.written = true;
    drop(sr);
    let mut done = 0;
    while done < len {
        match write_piece(&file.driver, from + done as u64, &data[done..len]) {
            Ok(n) => done += n,
            Err(errno) if done == 0 => return Err(errno),
            Err(_) => break,
        }
    }
    moved(file, offset, from + done as u64);
    Ok(done)
}

/// Writes as much as one command carries.
fn write_piece(driver: &Driver, at: u64, data: &[u8]) -> Result<usize, i32> {
    let (block, skip) = (at / BLOCK, (at % BLOCK) as usize);
    let whole = (data.len() as u64 / BLOCK).min(MOST);
    if skip == 0 && whole > 0 {
        let cdb = transfer(0x2a, block, whole as usize)?;
        return driver.transfer(&cdb, &mut Data::Out(&data[..(whole * BLOCK) as usize]));
    }
    let mut bounce = vec![0; BLOCK as usize];
    read_blocks(driver, block, &mut bounce)?;
    let take = (bounce.len() - skip).min(data.len());
    bounce[skip..skip + take].copy_from_slice(&data[..take]);
    driver.transfer(&transfer(0x2a, block, 1)?, &mut Data::Out(&bounce))?;
    Ok(take)
}

/// Moves the position; where it is then.
pub(super) fn seek(file: &OpenFile, by: i64, whence: u32) -> Result<u64, i32> {
    if file.node.sg {
        return Err(ESPIPE);
    }
    let size = lock(&file.driver.sr).size;
    let mut position = lock(&file.position);
    let base = match whence {
        0 => 0,
        1 => *position,
        2 => size,
        _ => return Err(EINVAL),
    };
    // The kernel lets nobody stand behind the end of a block device.
    let to = base.checked_add_signed(by).filter(|to| *to <= size).ok_or(EINVAL)?;
    *position = to;
    Ok(to)
}

/// Has the drive record what is in its buffer.
pub(super) fn sync(file: &OpenFile) -> Result<(), i32> {
    if file.node.sg {
        return Err(EINVAL);
    }
    let driver = &*file.driver;
    let written = std::mem::take(&mut lock(&driver.sr).written);
    if written {
        driver.transfer(&[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], &mut Data::None)?;
    }
    Ok(())
}
