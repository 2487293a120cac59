//! What one command costs a server before any transport: READ (10) from a disc file through a
//! nexus, and the WRITE (10)s that filled it.
//!
//! `bench_nexus [--medium NAME] [--mb N] [--dir DIR]`: N MB (600 unless told) on a disc of that
//! medium (CD-R unless told) in DIR (the system's temporary folder unless told), removed
//! afterwards; beside it, the same bytes to a plain file. Results are lines of
//! `name = value unit` on standard output.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use engine::device::{Cdb, Clock, Data, Status};
use engine::host::HostClock;
use vdrive::drive::open;
use vdrive::models::{MediumKind, MediumModel};
use vdrive::serve::{Lun, Nexus, Pace};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench_nexus: {error}");
            ExitCode::FAILURE
        }
    }
}

fn give(nexus: &mut Nexus, cdb: &[u8], data: Data<'_>) -> Result<bool, Failure> {
    Ok(nexus.execute(&Cdb::new(cdb), data).result?.status == Status::Good)
}

fn timed(wall: &HostClock, act: impl FnOnce() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let began = wall.now();
    act()?;
    Ok(wall.now().since(began))
}

fn rate(name: &str, bytes: u64, count: u64, took: Duration) {
    let micros = took.as_micros().max(1) as u64;
    println!("{name} = {} MB/s", bytes / micros);
    println!("{name} = {} commands/s", count * 1_000_000 / micros);
}

/// The transfer of so many blocks from this one on.
fn transfer(opcode: u8, lba: u64, blocks: u64) -> [u8; 10] {
    let mut cdb = [opcode, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    cdb[2..6].copy_from_slice(&(lba as u32).to_be_bytes());
    cdb[7..9].copy_from_slice(&(blocks as u16).to_be_bytes());
    cdb
}

fn run() -> Result<(), Failure> {
    let mut blocks = 600 * 488;
    let mut medium = MediumKind::CdR;
    let mut dir = std::env::temp_dir();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--mb" => blocks = value.parse::<u64>()?.clamp(1, 20_000) * 488,
            "--medium" => medium = MediumModel::named(&value)?.kind,
            "--dir" => dir = PathBuf::from(value),
            _ => return Err(format!("there is no option {argument}; --medium, --mb, --dir").into()),
        }
    }
    let blocks = blocks / 32 * 32;
    let wall = HostClock::new();
    let file = dir.join(format!("bench_nexus.{}.disc", std::process::id()));
    let outcome = measure(&wall, &file, medium, blocks);
    let _ = std::fs::remove_file(&file);
    outcome
}

fn measure(wall: &HostClock, file: &Path, medium: MediumKind, blocks: u64) -> Result<(), Failure> {
    let plain = file.with_extension("plain");
    let piece: Vec<u8> =
        (0..65_536u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let took = timed(wall, || {
        let mut plain = std::fs::File::create(&plain)?;
        for _ in 0..blocks / 32 {
            std::io::Write::write_all(&mut plain, &piece)?;
        }
        Ok(())
    });
    let _ = std::fs::remove_file(&plain);
    rate("plain file, 64 KiB writes", blocks * 2048, blocks / 32, took?);

    let virt = open(&"virtual".parse()?, Some(file), medium, 1)?;
    let lun = Lun::new(0, virt, Pace::Simulated);
    let mut nexus = lun.attach("bench");
    while !give(&mut nexus, &[0; 6], Data::None)? {}
    let took = timed(wall, || {
        for n in 0..blocks / 32 {
            while !give(&mut nexus, &transfer(0x2a, n * 32, 32), Data::Out(&piece))? {}
        }
        give(&mut nexus, &[0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0], Data::None).map(drop)
    })?;
    rate("write 64 KiB", blocks * 2048, blocks / 32, took);

    let mut room = vec![0; 65_536];
    let count = 40_000;
    for (name, each, stride) in
        [("read 64 KiB", 32, 32), ("read 2 KiB", 1, 1), ("read 2 KiB here and there", 1, 7_919)]
    {
        let bytes = (each * 2048) as usize;
        let took = timed(wall, || {
            let mut at = 0;
            for _ in 0..count {
                give(&mut nexus, &transfer(0x28, at, each), Data::In(&mut room[..bytes]))?;
                at = (at + stride) % (blocks - 32);
            }
            Ok(())
        })?;
        rate(name, count * each * 2048, count, took);
    }
    let took = timed(wall, || {
        for _ in 0..1_000_000 {
            give(&mut nexus, &[0; 6], Data::None)?;
        }
        Ok(())
    })?;
    rate("TEST UNIT READY", 0, 1_000_000, took);
    Ok(())
}
