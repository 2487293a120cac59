//! Carries a scenario out: the same jobs as the program, on a virtual drive or a device, with what
//! goes wrong at its time, and the promises checked after each burn.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::rc::Rc;

use super::file::{Needs, Scenario, Step};
use super::folder::Folder;
use super::world::World;
use crate::exit::{Exit, Failure};
use crate::place::Address;
use crate::promise::{Breach, Fingerprint};

/// What the one who runs a scenario decides about it.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Another drive than the scenario's own.
    pub drive: Option<String>,
    /// Another seed than the scenario's own.
    pub seed: Option<u64>,
    /// The power goes at this command of a burn, wherever the scenario says. How the burn ends is
    /// then left open, and the run ends with it: only the promises count.
    pub cut_at: Option<u64>,
    /// Which burn that is, from 0 on.
    pub cut_burn: u32,
}

/// What a run left.
#[derive(Clone, Debug)]
pub struct Report {
    /// What happened, one line each.
    pub log: Vec<String>,
    /// Every exchange with the drive.
    pub trace: Vec<String>,
    /// The same and the disc, as a hash.
    pub fingerprint: Fingerprint,
    /// Commands of the burn that may be cut.
    pub commands: u64,
}

/// Runs a scenario; on a virtual drive twice, for the second run must be the same.
///
/// `origin` is how the scenario's file is named in the command that replays a failure.
pub fn run(scenario: &Scenario, origin: &str, choices: &Choices) -> Result<Report, Failure> {
    let result = twice(scenario, choices);
    match (result, scenario.must_fail) {
        (Ok(report), false) => Ok(report),
        (Err(_), true) => Ok(Report {
            log: vec!["failed, as it must".to_owned()],
            trace: Vec::new(),
            fingerprint: Fingerprint::of(&[], None),
            commands: 0,
        }),
        (Ok(_), true) => {
            Err(failed("it had to fail, and the alarm stayed silent", origin, choices))
        }
        (Err(what), false) => Err(failed(&what, origin, choices)),
    }
}

fn failed(what: &str, origin: &str, choices: &Choices) -> Failure {
    let mut replay = format!("kiln run {origin}");
    if let Some(drive) = &choices.drive {
        replay += &format!(" --drive {drive}");
    }
    if let Some(seed) = choices.seed {
        replay += &format!(" --seed {seed}");
    }
    if let Some(cut) = choices.cut_at {
        replay += &format!(" --cut-at {cut}");
        if choices.cut_burn > 0 {
            replay += &format!(" --cut-burn {}", choices.cut_burn);
        }
    }
    Failure::new(Exit::Scenario, what).advise(format!("again with: {replay}"))
}

fn twice(scenario: &Scenario, choices: &Choices) -> Result<Report, String> {
    let address = choices.drive.as_ref().unwrap_or(&scenario.drive);
    let real = matches!(address.parse::<Address>(), Ok(Address::Host(_)));
    if real && scenario.needs == Needs::Virtual {
        return Err(format!("the scenario needs a virtual drive, and {address} is a device"));
    }
    let first = guarded(scenario, choices)?;
    if real {
        return Ok(first);
    }
    let second = guarded(scenario, choices)?;
    if first.fingerprint != second.fingerprint {
        let other = first.trace.iter().zip(&second.trace).find(|(a, b)| a != b);
        let other = other.map(|(a, b)| format!("\n  first  {a}\n  second {b}")).unwrap_or_default();
        let what = format!("{:?}, then {:?}{other}", first.fingerprint, second.fingerprint);
        return Err(Breach::new(8, what).to_string());
    }
    Ok(first)
}

/// One run; a panic is a broken promise.
fn guarded(scenario: &Scenario, choices: &Choices) -> Result<Report, String> {
    let trace = Rc::new(RefCell::new(Vec::new()));
    let run = || once(scenario, choices, &trace);
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(result) => result,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("?");
            Err(Breach::new(7, format!("a panic: {text}")).to_string())
        }
    }
}

fn once(
    scenario: &Scenario,
    choices: &Choices,
    trace: &Rc<RefCell<Vec<String>>>,
) -> Result<Report, String> {
    let dir = tempfile::tempdir().map_err(|e| format!("no folder for the run: {e}"))?;
    let mut world = World::new(scenario, choices, dir.path(), trace.clone())?;
    for (i, step) in scenario.steps.iter().enumerate() {
        carry_out(&mut world, step).map_err(|what| format!("step {}: {what}", i + 1))?;
        if choices.cut_at.is_some() && world.has_burned(choices.cut_burn) {
            break;
        }
    }
    world.finish()
}

fn carry_out(world: &mut World<'_>, step: &Step) -> Result<(), String> {
    let host = |done: std::io::Result<()>| done.map_err(|e| format!("the source folder: {e}"));
    match step {
        Step::Files(files) => host(world.folder().add(files)),
        Step::Remove(names) => host(names.iter().try_for_each(|n| world.folder().remove(n))),
        Step::Burn(burn) => world.burn(burn),
        Step::CloseInterrupted(close) => world.close_interrupted(close),
        Step::Expect(expect) => world.expect(expect),
        Step::Compare(compare) => world.compare(compare),
        Step::Read(read) => world.read(read),
        Step::PowerCycle(_) => world.power_cycle(),
        Step::Garble(garble) => world.garble(garble),
        Step::Hold(_) => world.hold(),
    }
}

/// Where the source folder of a run lies, below its folder.
pub(super) fn source_folder(dir: &std::path::Path, seed: u64) -> Result<Folder, String> {
    Folder::new(dir.join("source"), seed).map_err(|e| format!("no source folder: {e}"))
}

/// Where the disc of a run lies, below its folder.
pub(super) fn disc_file(dir: &std::path::Path) -> PathBuf {
    dir.join("scenario.disc")
}
