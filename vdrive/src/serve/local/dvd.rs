//! The DVD ioctls: structures of the lead-in, and the key exchange as far as the region goes.

use engine::device::Data;
use nix::libc::{EFAULT, EINVAL, EIO};

use super::cdrom::Sr;
use super::command::Driver;
use super::ioctl::Result;

/// `DVD_READ_STRUCT`: READ DVD STRUCTURE into the C structure that each format has.
pub(super) fn read_struct(driver: &Driver, sr: &mut Sr, data: &[u8], room: &mut [u8]) -> Result {
    let out = room.get_mut(..data.len()).ok_or(EFAULT)?;
    out.copy_from_slice(data);
    let layer = *data.get(1).ok_or(EFAULT)?;
    match data[0] {
        0 => physical(driver, sr, layer, out)?,
        1 => {
            let mut reply = [0; 8];
            read(driver, sr, (layer, 1, 0), &mut reply)?;
            out[2..4].copy_from_slice(&reply[4..6]);
        }
        // The disc key: behind an AGID in the place of the layer.
        2 => {
            let mut reply = [0; 4 + 2048];
            read(driver, sr, (0, 2, layer & 3), &mut reply)?;
            out.get_mut(2..2 + 2048).ok_or(EFAULT)?.copy_from_slice(&reply[4..]);
        }
        3 => counted(driver, sr, (0, 3), 12..=188, out)?,
        4 => counted(driver, sr, (layer, 4), 0..=2048, out)?,
        _ => return Err(EINVAL),
    }
    Ok((0, data.len()))
}

/// (layer, format, AGID) (MMC-6, 6.22).
fn read(
    driver: &Driver,
    sr: &mut Sr,
    (layer, format, agid): (u8, u8, u8),
    reply: &mut [u8],
) -> std::result::Result<(), i32> {
    let [high, low] = (reply.len() as u16).to_be_bytes();
    let cdb = [0xad, 0, 0, 0, 0, 0, layer, format, high, low, agid << 6, 0];
    driver.packet(sr, &cdb, Data::In(reply)).map(drop)
}

/// `struct dvd_layer` from the first bytes of the format information.
fn physical(
    driver: &Driver,
    sr: &mut Sr,
    layer: u8,
    out: &mut [u8],
) -> std::result::Result<(), i32> {
    if layer >= 4 {
        return Err(EINVAL);
    }
    let mut reply = [0; 21];
    read(driver, sr, (layer, 0, 0), &mut reply)?;
    let from = &reply[4..];
    let at = 4 + usize::from(layer) * 20;
    let to = out.get_mut(at..at + 20).ok_or(EFAULT)?;
    to.fill(0);
    // Bit fields: version and type, rate and size as on the disc; then type, path, layers.
    to[0] = from[0];
    to[1] = from[1];
    to[2] = from[2] & 0x7f;
    to[3] = from[3].rotate_left(4);
    to[4] = from[16] >> 7;
    for (at, source) in [(8, 5), (12, 9), (16, 13)] {
        let number = u32::from_be_bytes([0, from[source], from[source + 1], from[source + 2]]);
        to[at..at + 4].copy_from_slice(&number.to_ne_bytes());
    }
    Ok(())
}

/// Structures with a length: its C integer at byte 4, the value behind it.
fn counted(
    driver: &Driver,
    sr: &mut Sr,
    (layer, format): (u8, u8),
    allowed: std::ops::RangeInclusive<usize>,
    out: &mut [u8],
) -> std::result::Result<(), i32> {
    let mut reply = vec![0; 4 + allowed.end()];
    read(driver, sr, (layer, format, 0), &mut reply)?;
    let len = usize::from(reply[0]) << 8 | usize::from(reply[1]);
    if !allowed.contains(&len) {
        return Err(EIO);
    }
    out.get_mut(4..8).ok_or(EFAULT)?.copy_from_slice(&(len as i32).to_ne_bytes());
    out.get_mut(8..8 + len).ok_or(EFAULT)?.copy_from_slice(&reply[4..4 + len]);
    Ok(())
}

/// `DVD_AUTH`: REPORT KEY and SEND KEY (MMC-6, 6.28, 6.37) with the C structure of each step.
pub(super) fn auth(driver: &Driver, sr: &mut Sr, info: [u8; 16], room: &mut [u8]) -> Result {
    let out = room.get_mut(..16).ok_or(EFAULT)?;
    out.copy_from_slice(&info);
    let agid = info[1] & 3;
    let report = |sr: &mut Sr, format: u8, reply: &mut [u8]| {
        let len = reply.len() as u8;
        let cdb = [0xa4, 0, 0, 0, 0, 0, 0, 0, 0, len, agid << 6 | format, 0];
        driver.packet(sr, &cdb, Data::In(reply)).map(drop)
    };
    let send = |sr: &mut Sr, format: u8, list: &[u8]| {
        let len = list.len() as u8;
        let cdb = [0xa3, 0, 0, 0, 0, 0, 0, 0, 0, len, agid << 6 | format, 0];
        driver.packet(sr, &cdb, Data::Out(list)).map(drop)
    };
    let mut reply = [0; 16];
    match info[0] {
        // DVD_LU_SEND_AGID
        0 => {
            report(sr, 0x00, &mut reply[..8])?;
            out[1] = reply[7] >> 6;
        }
        // DVD_LU_SEND_KEY1, DVD_LU_SEND_CHALLENGE
        2 => {
            report(sr, 0x02, &mut reply[..12])?;
            out[2..7].copy_from_slice(&reply[4..9]);
        }
        3 => {
            report(sr, 0x01, &mut reply)?;
            out[2..12].copy_from_slice(&reply[4..14]);
        }
        // DVD_LU_SEND_ASF
        5 => {
            report(sr, 0x05, &mut reply[..8])?;
            out[1] = agid | (reply[7] & 1) << 2;
        }
        // DVD_HOST_SEND_CHALLENGE, DVD_HOST_SEND_KEY2; on success the next step is the drive's.
        1 => {
            let mut list = [0; 16];
            list[1] = 0x0e;
            list[4..14].copy_from_slice(&info[2..12]);
            send(sr, 0x01, &list)?;
            out[0] = 2;
        }
        4 => {
            let mut list = [0; 12];
            list[1] = 0x0a;
            list[4..9].copy_from_slice(&info[2..7]);
            // What comes of it is in the structure, not in the result.
            out[0] = if send(sr, 0x03, &list).is_ok() { 7 } else { 8 };
        }
        // DVD_INVALIDATE_AGID
        9 => report(sr, 0x3f, &mut [])?,
        // DVD_LU_SEND_RPC_STATE: type, vendor resets and user changes left; mask; scheme.
        10 => {
            report(sr, 0x08, &mut reply[..8])?;
            let bits = reply[4];
            out[1] = bits >> 6 | (bits >> 3 & 7) << 2 | (bits & 7) << 5;
            out[2] = reply[5];
            out[3] = reply[6];
        }
        // DVD_HOST_SEND_RPC_STATE
        11 => {
            let mut list = [0; 8];
            list[1] = 6;
            list[4] = info[1];
            send(sr, 0x06, &list)?;
        }
        _ => return Err(nix::libc::ENOTTY),
    }
    Ok((0, 16))
}
