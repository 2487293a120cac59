//! `kiln image create|add|info|ls|cat|extract|check|diff`, a file each.

mod add;
pub mod args;
mod cat;
mod check;
mod create;
mod diff;
mod extract;
mod info;
mod ls;
pub mod sources;
pub mod volume;
pub mod xattrs;

use std::path::Path;

use engine::image::read::{
    FileSectors, Flaw, Limits, Namespace, ReadError, ReadOptions, Session, Volume, session_at,
    sessions,
};
use engine::image::{NodeId, Time, Tree};
use engine::units::Lba;

use super::out;
use crate::carry::chosen;
use crate::exit::{Exit, Failure};

/// The exit code is 0, but 1 where two images that were compared differ, as with diff(1).
pub(super) fn image(args: &args::Image) -> Result<u8, Failure> {
    match args {
        args::Image::Diff(args) => return diff::diff(args).map(u8::from),
        args::Image::Check(args) => check::check(args),
        args::Image::Create(args) => create::create(args),
        args::Image::Add(args) => add::add(args),
        args::Image::Info(args) => info::info(args),
        args::Image::Ls(args) => ls::ls(args),
        args::Image::Cat(args) => cat::cat(args),
        args::Image::Extract(args) => extract::extract(args),
    }
    .map(|()| 0)
}

/// When a volume is made, and whether the environment wants it to be the same each time.
pub(super) fn stamp() -> Result<(Time, bool), Failure> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) => match text.parse() {
            Ok(secs) => Ok((Time::from_secs(secs), true)),
            Err(_) => {
                let what = format!("SOURCE_DATE_EPOCH is {text:?}, not a number of seconds");
                Err(Failure::new(Exit::Usage, what))
            }
        },
        Err(_) => Ok((today(), false)),
    }
}

#[expect(clippy::disallowed_methods, reason = "the place where the date enters")]
fn today() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A clock set before 1970 is no reason to burn nothing.
    Time::from_secs(since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX)))
}

/// An image that was opened, and the volume of it that is meant.
struct Opened {
    sectors: FileSectors,
    volume: Volume,
    session: Lba,
}

/// An image's blocks, and its sessions.
fn sectors(path: &Path) -> Result<(FileSectors, Vec<Session>), Failure> {
    let mut sectors = FileSectors::open(path).map_err(|e| unreadable(path, &e))?;
    let told = sectors.told_sessions();
    let found = if told.iter().all(|start| *start == 0) {
        sessions(&mut sectors)
    } else {
        let start = |start: u32| Lba(i32::try_from(start).unwrap_or(i32::MAX));
        let each = told.into_iter().map(|at| session_at(&mut sectors, start(at)).transpose());
        each.flatten().collect()
    };
    match found {
        Ok(sessions) => Ok((sectors, sessions)),
        // Whoever needs a volume will miss it.
        Err(ReadError::NoVolume { .. }) => Ok((sectors, Vec::new())),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Where the session begins that is meant: as told, by its number or its block, else the last one,
/// as a computer takes of a disc. Block 0 is where every image begins.
fn session(
    told: Option<u32>,
    sectors: &mut FileSectors,
    sessions: &[Session],
) -> Result<Lba, Failure> {
    let starts: Vec<Lba> = sessions.iter().map(|session| session.start).collect();
    let Some(wanted) = told else { return Ok(starts.last().copied().unwrap_or(Lba(0))) };
    if wanted == 0 {
        return Ok(Lba(0));
    }
    // Not every session is found without a drive.
    let block = Lba(i32::try_from(wanted).unwrap_or(i32::MAX));
    match chosen(&starts, wanted) {
        Err(_) if session_at(sectors, block).is_ok_and(|s| s.is_some()) => Ok(block),
        known => known,
    }
}

fn open(of: &args::ImageArgs) -> Result<Opened, Failure> {
    let (mut sectors, sessions) = sectors(&of.image)?;
    let session = session(of.session, &mut sectors, &sessions)?;
    let namespace = of.namespace.map_or(Namespace::Best, Namespace::from);
    let options = ReadOptions { session, namespace, limits: Limits::default() };
    let volume = Volume::read(&mut sectors, &options).map_err(|e| unreadable(&of.image, &e))?;
    flaws(&of.image, &volume);
    Ok(Opened { sectors, volume, session })
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Image, format!("{}: {why}", path.display()))
}

/// The nodes at these paths.
fn nodes(tree: &Tree, image: &Path, paths: &[String]) -> Result<Vec<NodeId>, Failure> {
    let find = |path: &String| {
        tree.lookup(path.as_bytes())
            .ok_or_else(|| unreadable(image, &format!("it holds no {path}")))
    };
    paths.iter().map(find).collect()
}

fn flaws(path: &Path, volume: &Volume) {
    for Flaw { at, what } in &volume.findings {
        out::note(&format!("{}: byte {at}: {what}", path.display()));
    }
    if volume.more_findings > 0 {
        out::note(&format!("{}: {} more findings", path.display(), volume.more_findings));
    }
}
