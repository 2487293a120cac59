//! Every scenario in `harness/scenarios` as a test of its own name, run on its virtual drive.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use harness::scenario::{Choices, Scenario, run};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the folder is part of the project")
        .map(|entry| entry.expect("the folder can be listed").path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    let trials = files.into_iter().map(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(name, move || one(&path))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn one(path: &Path) -> Result<(), Failed> {
    let scenario = Scenario::load(path)?;
    let name = path.file_name().unwrap_or_default();
    let origin = Path::new("harness/scenarios").join(name).display().to_string();
    run(&scenario, &origin, &Choices::default())?;
    Ok(())
}
