//! What a file is by its own bytes: blocks, sectors of a CD, or a container that is not read here.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{Dump, Form, Stretch, refused};
use crate::cdda::sector::{SYNC, from_bcd};
use crate::image::host::read_exact_at;
use crate::units::{BLOCK, Lba};

/// Bytes from sector to sector: the main channel alone, with P and Q as 16 bytes, with all
/// sub-channels.
const STRIDES: [(u32, &str); 3] =
    [(2352, ""), (2368, " with sub-channels P and Q"), (2448, " with sub-channels")];
/// Sectors that begin with sub-headers: a whole rest of Mode 2, or user data only.
const SUB_HEADED: [u32; 2] = [2336, 2056];
/// Jumps in the addresses of a dump that are followed: a disc has no more sessions.
const JUMPS_MAX: usize = 99;
/// The block where volumes begin to describe themselves.
const RECOGNITION: u64 = 16;

/// Containers of others: where their mark stands (from the end if negative), the mark, what it is.
const CONTAINERS: &[(i64, &[u8], &str)] = &[
    (0, b"CISO", "a compressed CSO image: decompress it with its own program first"),
    (0, b"ZISO", "a compressed ZSO image: decompress it with its own program first"),
    (0, b"ECM\0", "an ECM file: decompress it with unecm first"),
    (0, b"MComprHD", "a CHD file: convert it with `chdman extractcd` first"),
    (0, b"DAA\0", "a PowerISO DAA file: convert it with its own program first"),
    (0, b"MEDIA DESCRIPTOR", "the table of an MDF dump: its name has to end in .mds"),
    (-512, b"koly", "an Apple UDIF file (.dmg): convert it with `hdiutil convert -format UDTO`"),
    (0, b"7z\xBC\xAF\x27\x1C", "a 7z archive: unpack it first"),
    (0, b"\x1F\x8B", "compressed with gzip: decompress it first"),
    (0, b"\xFD7zXZ\0", "compressed with xz: decompress it first"),
    (0, b"\x28\xB5\x2F\xFD", "compressed with zstd: decompress it first"),
];

/// Finds out how the blocks lie in a file.
pub(super) fn sniff(path: &Path, file: File, len: u64) -> io::Result<Dump> {
    if starts(&file, 0, &SYNC) {
        return synchronized(path, file, len);
    }
    let plain = Stretch {
        first: 0,
        blocks: count(len, BLOCK as u32)?,
        file: 0,
        at: 0,
        stride: BLOCK as u32,
        form: Form::Plain,
    };
    if !volume(&file, BLOCK as u32, 0) {
        for stride in SUB_HEADED {
            if volume(&file, stride, 8) {
                let blocks = count(len, stride)?;
                let stretch = Stretch { blocks, stride, form: Form::Mode2, ..plain };
                let kind = format!("sectors of Mode 2, {stride} bytes each");
                return Ok(Dump::one(path, file, vec![stretch], Some(kind)));
            }
        }
        for (at, mark, what) in CONTAINERS {
            let start = if *at < 0 { len } else { 0 };
            let at = start.checked_add_signed(*at);
            if at.is_some_and(|at| starts(&file, at, mark)) {
                return Err(refused(format!("it is {what}")));
            }
        }
    }
    Ok(Dump::one(path, file, vec![plain], None))
}

/// Sectors with their synchronization fields.
fn synchronized(path: &Path, file: File, len: u64) -> io::Result<Dump> {
    let fits = |stride: u32| {
        let sectors = len / u64::from(stride);
        let look = sectors.min(5);
        look > 0 && (1..look).all(|n| starts(&file, n * u64::from(stride), &SYNC))
    };
    let Some((stride, with)) = STRIDES.into_iter().find(|(stride, _)| fits(*stride)) else {
        let what = "it begins as sectors of a CD, but they have none of the sizes 2352, 2368, 2448";
        return Err(refused(what));
    };
    let all = count(len, stride)?;
    let stretches = by_address(&file, 0, (0, stride, all));
    let kind = format!("whole sectors of a CD{with}, {stride} bytes each");
    Ok(Dump::one(path, file, stretches, Some(kind)))
}

/// The stretches of so many raw sectors from a byte of a file on, by the addresses in their
/// headers (ECMA-130, 14.2). Sectors of a pre-gap, before block 0, are left out. Where the
/// addresses make no sense, the first sector is block 0.
pub(super) fn by_address(file: &File, index: usize, all: (u64, u32, u32)) -> Vec<Stretch> {
    let (at, stride, count) = all;
    let place = |n: u32| at + u64::from(n) * u64::from(stride);
    // How much further each sector lies on the disc than in the file.
    let ahead = |n: u32| address(file, place(n)).map(|lba| i64::from(lba.0) - i64::from(n));
    let stretch = |from: u32, to: u32, ahead: i64| {
        let skip = u32::try_from(-(ahead + i64::from(from))).unwrap_or(0).min(to - from);
        let from = from + skip;
        let first = u32::try_from(ahead + i64::from(from)).unwrap_or(0);
        let (blocks, at) = (to - from, place(from));
        Stretch { first, blocks, file: index, at, stride, form: Form::Raw }
    };
    let plain = vec![stretch(0, count, 0)];
    let Some(first) = ahead(0) else { return plain };
    if count > 1 && ahead(1).is_some_and(|second| second != first) {
        return plain;
    }
    let mut out = Vec::new();
    let (mut from, mut here) = (0, first);
    while from < count {
        let last = count - 1;
        let jumps = ahead(last).is_some_and(|ahead| ahead > here);
        if !jumps || out.len() >= JUMPS_MAX {
            out.push(stretch(from, count, here));
            break;
        }
        // The last sector before the jump and the first behind it, ever closer.
        let (mut low, mut high) = (from, last);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match ahead(middle) {
                Some(ahead) if ahead > here => high = middle,
                _ => low = middle,
            }
        }
        out.push(stretch(from, high, here));
        (from, here) = (high, ahead(high).unwrap_or(here));
    }
    let over = |pair: &[Stretch]| pair[0].end() > pair[1].first;
    if out.windows(2).any(over) { plain } else { out }
}

/// The address in a sector's header.
pub(super) fn address(file: &File, at: u64) -> Option<Lba> {
    let mut start = [0; 16];
    read_exact_at(file, &mut start, at).ok()?;
    let (sync, header) = start.split_at(12);
    if sync != SYNC {
        return None;
    }
    let [m, s, f] = [from_bcd(header[0])?, from_bcd(header[1])?, from_bcd(header[2])?];
    if s > 59 || f > 74 {
        return None;
    }
    // A pre-gap counts up to 00:02:00; minutes from 90 on are no lead-in here.
    let frames = (i32::from(m) * 60 + i32::from(s)) * 75 + i32::from(f);
    Some(Lba(frames - 150))
}

/// Whether a volume begins to describe itself where it should (ECMA-119, 8.1.2; ECMA-167, 2/9.1.2).
fn volume(file: &File, stride: u32, offset: u64) -> bool {
    let at = RECOGNITION * u64::from(stride) + offset + 1;
    [b"CD001", b"BEA01", b"NSR02", b"NSR03"].iter().any(|mark| starts(file, at, *mark))
}

fn starts(file: &File, at: u64, mark: &[u8]) -> bool {
    let mut bytes = vec![0; mark.len()];
    read_exact_at(file, &mut bytes, at).is_ok() && bytes == mark
}

/// Whole sectors in a file; a torn last one cannot be read.
pub(super) fn count(len: u64, stride: u32) -> io::Result<u32> {
    let count = u32::try_from(len / u64::from(stride)).ok().filter(|n| i32::try_from(*n).is_ok());
    count.ok_or_else(|| io::Error::new(io::ErrorKind::FileTooLarge, "too large for a disc image"))
}
