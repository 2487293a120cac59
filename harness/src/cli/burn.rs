//! `kiln burn`.

use std::path::{Path, PathBuf};

use engine::burn::{Close, Options, Outcome, Speed, Verified};
use engine::host::{Access, Awake};

use super::args::{Burn, Verify};
use super::events;
use super::image::stamp;
use super::out;
use super::progress::Watcher;
use super::stop::Stop;
use crate::carry;
use crate::exit::{Exit, Failure};
use crate::job::{Job, Prepared, Ready, Source, What};
use crate::place::{Address, Place, Tray};

pub(super) fn burn(args: &Burn) -> Result<(), Failure> {
    let result = carry_out(args);
    if args.json
        && let Err(failure) = &result
    {
        out::data(&events::failed(failure).to_string())?;
    }
    result
}

fn carry_out(args: &Burn) -> Result<(), Failure> {
    let want = args.at.want();
    let address = want.address()?;
    let new_disc = new_disc_name(args, &address);
    let disc = want.disc.clone().or_else(|| new_disc.clone());
    let job = job(args, disc.iter().cloned().collect())?;
    let source = job.source()?;
    let tray = tray(args, &address, disc.as_deref(), &job, &source)?;
    let made = matches!(tray, Tray::New { .. });
    let mut place = Place::open(&want, &address, tray, Access::Exclusive)?;
    let result = on_disc(args, &job, source, &mut place, disc.as_deref());
    drop(place);
    // A disc made for this burn and never written to is litter.
    if let (Err(Ended { touched: false, .. }), true, Some(disc)) = (&result, made, &disc) {
        // It was made a moment ago; if it cannot be removed it stays, blank.
        let _ = std::fs::remove_file(disc);
    }
    result.map_err(|ended| ended.failure)
}

/// A burn that did not do what was asked.
struct Ended {
    failure: Failure,
    /// Whether the disc may be another than before.
    touched: bool,
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Ended {
        Ended { failure, touched: false }
    }
}

fn on_disc(
    args: &Burn,
    job: &Job,
    source: Source,
    place: &mut Place,
    disc: Option<&Path>,
) -> Result<(), Ended> {
    let stop = Stop::listen();
    let mut recorder = place.recorder();
    let mut ready = match job.prepare(source, &mut recorder)? {
        Prepared::Burn(ready) => ready,
        Prepared::Nothing(changes) if args.json => {
            return Ok(out::data(&events::unchanged(&changes).to_string()).map(drop)?);
        }
        Prepared::Nothing(changes) => {
            out::note(&carry::words(&changes));
            out::note("nothing to do, nothing was written");
            return Ok(());
        }
    };
    if args.json {
        out::data(&events::plan(&ready).to_string())?;
    } else {
        show_plan(&ready, args.plan)?;
    }
    if args.plan {
        return Ok(());
    }
    let _awake = Awake::keep("burning a disc");
    let (mut watcher, mut heard) = (Watcher::default(), true);
    let mut tell = |event: &engine::burn::Event| {
        if args.json {
            // A reader that went away does not stop a burn.
            heard = heard && out::data(&events::event(event).to_string()).unwrap_or(false);
        } else {
            watcher.tell(event);
        }
        stop.asked();
    };
    let outcome = ready
        .run(&mut recorder, &mut tell, &stop.cancel())
        .map_err(|failure| Ended { failure, touched: true })?;
    drop(watcher);
    if args.json {
        out::data(&events::done(&outcome, disc).to_string())?;
    } else {
        show_end(&outcome, recorder.address(), disc);
    }
    Ok(())
}

/// What is to be done, from the arguments.
fn job(args: &Burn, leave_out: Vec<PathBuf>) -> Result<Job, Failure> {
    let speed = match args.speed.as_deref() {
        None => Speed::Highest,
        Some(text) => {
            text.parse::<Speed>().map_err(|e| Failure::new(Exit::Usage, e.to_string()))?
        }
    };
    let close = if args.keep_open { Close::KeepOpen } else { Close::Finalize };
    let verify = match args.verify {
        Verify::None => engine::burn::Verify::None,
        Verify::Quick => engine::burn::Verify::Quick,
        Verify::Full => engine::burn::Verify::Full,
    };
    let (stamp, reproducible) = stamp()?;
    let what = match &args.image {
        Some(image) => What::Image(image.clone()),
        None => What::Files(Box::new(args.sources.sources(&args.paths))),
    };
    Ok(Job {
        what,
        options: Options { speed, close, verify, overwrite: args.overwrite, ..Options::default() },
        volume_id: args.volume.volume_id.clone(),
        layout: args.volume.layout(stamp, reproducible),
        by_medium: args.volume.by_medium(),
        carry: args.carry.carry(&args.sources.sources(&args.paths)),
        expect: args.expect_disc.clone(),
        leave_out,
        xattrs: args.volume.xattrs.choice(),
    })
}

/// What lies in the virtual drive's tray.
fn tray(
    args: &Burn,
    address: &Address,
    disc: Option<&Path>,
    job: &Job,
    source: &Source,
) -> Result<Tray, Failure> {
    if matches!(address, Address::Host(_)) {
        return Ok(Tray::Real);
    }
    let Some(disc) = disc else { return Ok(Tray::Empty) };
    if disc.exists() {
        return Ok(Tray::File(disc.to_owned()));
    }
    let medium = match address.medium()? {
        Some(medium) => medium,
        None => crate::place::big_enough(&|medium| job.blocks(source, medium))?,
    };
    if args.plan {
        return Ok(Tray::Scratch(medium));
    }
    Ok(Tray::New { file: disc.to_owned(), medium })
}

/// A disc file in the current folder that is not there yet, where the user named none: called after
/// the first thing to burn.
fn new_disc_name(args: &Burn, address: &Address) -> Option<PathBuf> {
    if args.at.disc.is_some() || matches!(address, Address::Host(_)) {
        return None;
    }
    let first = args.image.as_ref().or(args.paths.first());
    let whole = first.and_then(|path| path.canonicalize().ok());
    let stem = match (&whole, &args.image) {
        (Some(path), Some(_)) => path.file_stem(),
        (Some(path), None) => path.file_name(),
        (None, _) => None,
    };
    let stem = stem.map_or("kiln".to_owned(), |name| name.to_string_lossy().into_owned());
    let name = |n: u32| match n {
        1 => PathBuf::from(format!("{stem}.disc")),
        n => PathBuf::from(format!("{stem}-{n}.disc")),
    };
    (1..).map(name).find(|path| !path.exists())
}

fn show_plan(ready: &Ready, on_stdout: bool) -> Result<(), Failure> {
    let mut text = ready.plan.to_string();
    if let Some(kept) = ready.kept {
        text += &format!(
            "\nkeeps {} files and folders of the session at block {}",
            kept.nodes, kept.session
        );
    }
    if let Some(changes) = &ready.changes {
        text += &format!("\nchanges  {}", carry::words(changes));
    }
    for finding in &ready.findings {
        out::note(finding);
    }
    if on_stdout {
        out::data(&text)?;
    } else {
        out::note(&text);
    }
    Ok(())
}

fn show_end(outcome: &Outcome, address: &str, disc: Option<&Path>) {
    let size = outcome.blocks.bytes();
    let verified = match outcome.verified {
        Verified::No => "not verified".to_owned(),
        Verified::Quick { blocks } => format!("{blocks} blocks verified"),
        Verified::Full => "every block verified".to_owned(),
    };
    out::note(&format!("burned {size} ({} blocks), {verified}", outcome.blocks));
    out::note(&outcome.disc.to_string());
    if let Some(disc) = disc {
        let disc = disc.display();
        out::note(&format!("the disc is {disc}"));
        out::note(&format!("read it back with: kiln read --disc {disc} -o {disc}.iso"));
    } else {
        out::note(&format!("read it back with: kiln read --drive {address} -o disc.iso"));
    }
}
