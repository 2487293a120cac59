//! `kiln run`.

use std::fs;

use super::args::Run;
use super::out;
use crate::exit::{Exit, Failure};
use crate::scenario::{Choices, Scenario, run as run_scenario};

pub(super) fn run(args: &Run) -> Result<(), Failure> {
    let scenario = Scenario::load(&args.scenario)?;
    let origin = args.scenario.display().to_string();
    let Run { seed, cut_at, cut_burn, .. } = *args;
    let choices = Choices { drive: args.drive.clone(), seed, cut_at, cut_burn };
    out::note(&scenario.title);
    let report = run_scenario(&scenario, &origin, &choices)?;
    if let Some(path) = &args.trace {
        let lines: String = report.trace.iter().map(|line| format!("{line}\n")).collect();
        fs::write(path, lines).map_err(|e| {
            Failure::new(Exit::Output, format!("cannot write {}: {e}", path.display()))
        })?;
    }
    for line in &report.log {
        if !out::data(line)? {
            return Ok(());
        }
    }
    out::data(&format!("every promise holds: {}", report.fingerprint)).map(drop)
}
