//! `kiln image create|add|info|ls|extract`, a file each.

mod add;
pub mod args;
mod create;
mod extract;
mod info;
mod ls;
pub mod sources;
pub mod volume;
pub mod xattrs;

use std::path::Path;

use engine::image::Time;
use engine::image::read::{Flaw, Volume};

use super::out;
use crate::exit::{Exit, Failure};

pub(super) fn image(args: &args::Image) -> Result<(), Failure> {
    match args {
        args::Image::Create(args) => create::create(args),
        args::Image::Add(args) => add::add(args),
        args::Image::Info(args) => info::info(args),
        args::Image::Ls(args) => ls::ls(args),
        args::Image::Extract(args) => extract::extract(args),
    }
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

fn flaws(path: &Path, volume: &Volume) {
    for Flaw { at, what } in &volume.findings {
        out::note(&format!("{}: byte {at}: {what}", path.display()));
    }
    if volume.more_findings > 0 {
        out::note(&format!("{}: {} more findings", path.display(), volume.more_findings));
    }
}
