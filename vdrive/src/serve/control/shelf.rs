//! Where discs come from and where traces go: files. Tests and fuzzing have another shelf.

use std::path::Path;

use super::super::trace::Trace;
use super::Problem;
use crate::medium::{Disc, DiscError};
use crate::models::{MediumKind, MediumModel};
use crate::store::StoreErrorKind;

pub(super) trait Shelf: Send + Sync {
    /// The disc of this file; if there is none, one made of this medium. And whether it was made.
    fn disc(&self, file: &str, medium: Option<MediumKind>) -> Result<(Disc, bool), Problem>;

    /// Begins to write a trace to this file.
    fn trace(&self, trace: &Trace, file: &str) -> Result<(), Problem>;
}

/// Files of this machine.
pub(super) struct Files;

impl Shelf for Files {
    fn disc(&self, file: &str, medium: Option<MediumKind>) -> Result<(Disc, bool), Problem> {
        let path = from_root(file)?;
        match std::fs::metadata(path) {
            Ok(found) => {
                plain(path, &found)?;
                Ok((Disc::open(path).map_err(|e| refused(&e))?, false))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let Some(kind) = medium else {
                    let what = format!("there is no disc file {file}");
                    return Err(Problem::new("disc-file", what)
                        .advise("Make one with `kiln disc new`, or name a --medium."));
                };
                let model = MediumModel::of_kind(kind);
                Ok((Disc::create(path, &model).map_err(|e| refused(&e))?, true))
            }
            Err(error) => {
                Err(Problem::new("disc-file", format!("{file} cannot be opened: {error}")))
            }
        }
    }

    fn trace(&self, trace: &Trace, file: &str) -> Result<(), Problem> {
        let path = from_root(file)?;
        if let Ok(found) = std::fs::metadata(path) {
            plain(path, &found)?;
        }
        trace.start(path).map_err(|error| Problem::new("output", error.to_string()))
    }
}

/// The server may have been started elsewhere than its client.
fn from_root(file: &str) -> Result<&Path, Problem> {
    let path = Path::new(file);
    match path.is_absolute() {
        true => Ok(path),
        false => Err(Problem::new("usage", format!("{file:?} is no path from the root"))),
    }
}

/// To open anything but a plain file can wait for ever.
fn plain(path: &Path, found: &std::fs::Metadata) -> Result<(), Problem> {
    match found.is_file() {
        true => Ok(()),
        false => Err(Problem::new("disc-file", format!("{} is not a plain file", path.display()))),
    }
}

fn refused(error: &DiscError) -> Problem {
    let problem = Problem::new("disc-file", error.to_string());
    match error {
        DiscError::Store(e) if e.kind == StoreErrorKind::InUse => {
            problem.advise("Wait until the other program is done with it.")
        }
        _ => problem.advise("Make a disc with `kiln disc new MEDIUM FILE`."),
    }
}
