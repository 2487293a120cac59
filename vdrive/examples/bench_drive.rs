//! How fast the virtual drive is: commands per second in process, and a full 25 GB BD-R burn.
//!
//! `bench_drive [--gb N] [--dir DIR]`: burns N GB (25 unless told) to a disc in memory and to a
//! disc file in DIR (the system's temporary folder unless told), which is removed afterwards;
//! beside it, the same bytes to a plain file, as large disc files are bound by the storage under
//! them. Results are lines of `name = value unit` on standard output.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use engine::device::{Cdb, Clock, Data, Device, Request, Status};
use engine::host::HostClock;
use vdrive::drive::{Virtual, open};
use vdrive::models::{MediumKind, VirtualAddress};

/// Blocks of a 64 KiB command.
const BLOCKS: u32 = 32;

const PIECE: usize = 65_536;

/// Blocks of a BD-R.
const FULL: u32 = 12_219_392;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_drive: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let mut blocks = FULL;
    let mut dir = std::env::temp_dir();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--gb" => blocks = blocks.min(value.parse::<u32>()?.saturating_mul(488_288)),
            "--dir" => dir = PathBuf::from(value),
            _ => return Err(format!("there is no option {argument}; --gb N, --dir DIR").into()),
        }
    }
    let blocks = blocks / BLOCKS * BLOCKS;
    let wall = HostClock::new();

    let mut drive = bd_r(None)?;
    let count = 1_000_000;
    let took = timed(&wall, || {
        for _ in 0..count {
            command(&mut drive, &[0; 6], Data::None)?;
        }
        Ok(())
    })?;
    rate("TEST UNIT READY", count, took);

    let zeros = vec![0; PIECE];
    let (took, simulated) = burn(&wall, &mut drive, blocks, |_| &zeros)?;
    burned("memory, zeros", blocks, took, simulated);
    rate("WRITE(10) of 64 KiB, memory", blocks / BLOCKS, took);
    let count = (blocks / BLOCKS).min(100_000);
    let took = timed(&wall, || read(&mut drive, count, |_, _| true))?;
    rate("READ(10) of 64 KiB, memory", count, took);
    drop(drive);

    // Noise that differs from block to block, made beforehand: its making is not measured.
    let mut noise = vec![0; PIECE + 4096];
    vdrive::rng::Seed(25).stream("noise").fill(&mut noise);
    let piece = |n: u32| &noise[(n % 4096) as usize..][..PIECE];
    let plain = plain_file(&wall, &dir, blocks, piece)?;
    let path = dir.join(format!("kiln-bench-{}.disc", std::process::id()));
    let result = file_burn(&wall, &path, blocks, piece, plain);
    let removed = std::fs::remove_file(&path);
    result?;
    Ok(removed?)
}

/// Writes what a burn writes to a file without a drive; returns the wall time.
fn plain_file<'a>(
    wall: &HostClock,
    dir: &Path,
    blocks: u32,
    piece: impl Fn(u32) -> &'a [u8],
) -> Result<Duration, Failure> {
    let path = dir.join(format!("kiln-bench-{}.plain", std::process::id()));
    let mut file = File::create_new(&path)?;
    let took = timed(wall, || {
        for n in 0..blocks / BLOCKS {
            file.write_all(piece(n))?;
        }
        Ok(())
    });
    std::fs::remove_file(&path)?;
    let took = took?;
    println!("the same bytes to a plain file = {:.2} s wall", took.as_secs_f64());
    Ok(took)
}

fn file_burn<'a>(
    wall: &HostClock,
    path: &Path,
    blocks: u32,
    piece: impl Fn(u32) -> &'a [u8],
    plain: Duration,
) -> Result<(), Failure> {
    let mut drive = bd_r(Some(path))?;
    let (took, simulated) = burn(wall, &mut drive, blocks, &piece)?;
    burned("file, noise", blocks, took, simulated);
    let ratio = took.as_secs_f64() / plain.as_secs_f64();
    println!("BD-R burn, file, against the plain file = {ratio:.2} times as long");
    rate("WRITE(10) of 64 KiB, file", blocks / BLOCKS, took);
    let count = (blocks / BLOCKS).min(50_000);
    let took = timed(wall, || read(&mut drive, count, |n, got| got == piece(n)))?;
    rate("READ(10) of 64 KiB, file, compared", count, took);
    drop(drive);
    let took = timed(wall, || bd_r(Some(path)).map(drop))?;
    println!("opening the burned disc file = {:.2} s", took.as_secs_f64());
    Ok(())
}

fn bd_r(path: Option<&Path>) -> Result<Virtual, Failure> {
    let mut drive = open(&VirtualAddress::default(), path, MediumKind::BdR, 0)?;
    // Unit attention and the last of the spinning up.
    while command(&mut drive, &[0; 6], Data::None).is_err() {
        let later = drive.clock.now() + Duration::from_secs(1);
        if later.0 > 120_000_000_000 {
            return Err("the drive does not get ready".into());
        }
        drive.clock.wait_until(later);
    }
    Ok(drive)
}

/// Burns `blocks` from block 0 on and flushes; returns wall and simulated time.
fn burn<'a>(
    wall: &HostClock,
    drive: &mut Virtual,
    blocks: u32,
    piece: impl Fn(u32) -> &'a [u8],
) -> Result<(Duration, Duration), Failure> {
    let began = drive.clock.now();
    let took = timed(wall, || {
        for n in 0..blocks / BLOCKS {
            command(drive, &cdb10(0x2A, n * BLOCKS, BLOCKS as u16), Data::Out(piece(n)))?;
        }
        command(drive, &cdb10(0x35, 0, 0), Data::None)
    })?;
    Ok((took, drive.clock.now().since(began)))
}

fn read(
    drive: &mut Virtual,
    count: u32,
    right: impl Fn(u32, &[u8]) -> bool,
) -> Result<(), Failure> {
    let mut room = vec![0; PIECE];
    for n in 0..count {
        command(drive, &cdb10(0x28, n * BLOCKS, BLOCKS as u16), Data::In(&mut room))?;
        if !right(n, &room) {
            return Err(format!("block {} does not read back as written", n * BLOCKS).into());
        }
    }
    Ok(())
}

fn cdb10(opcode: u8, lba: u32, blocks: u16) -> [u8; 10] {
    let (l, b) = (lba.to_be_bytes(), blocks.to_be_bytes());
    [opcode, 0, l[0], l[1], l[2], l[3], 0, b[0], b[1], 0]
}

fn command(drive: &mut Virtual, cdb: &[u8], data: Data<'_>) -> Result<(), Failure> {
    let request = Request { cdb: Cdb::new(cdb), timeout: Duration::from_secs(60) };
    let answer = drive.drive.execute(&request, data)?;
    match answer.status {
        Status::Good => Ok(()),
        _ => Err(format!("command {cdb:02x?}: sense {:02x?}", answer.sense).into()),
    }
}

fn timed(
    wall: &HostClock,
    work: impl FnOnce() -> Result<(), Failure>,
) -> Result<Duration, Failure> {
    let began = wall.now();
    work()?;
    Ok(wall.now().since(began))
}

fn rate(what: &str, count: u32, took: Duration) {
    println!("{what} = {:.0} per second", f64::from(count) / took.as_secs_f64());
}

fn burned(what: &str, blocks: u32, wall: Duration, simulated: Duration) {
    let (wall, simulated) = (wall.as_secs_f64(), simulated.as_secs_f64());
    let gigabytes = f64::from(blocks) * 2048.0 / 1e9;
    println!(
        "BD-R burn of {gigabytes:.1} GB, {what} = {wall:.2} s wall, {simulated:.0} s simulated"
    );
    println!("BD-R burn, {what} = {:.1} simulated seconds per wall second", simulated / wall);
}
