//! What an image is made of, as `kiln image create` and `kiln burn` can be told.
//!
//! May not know: how anything is done.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::sources::Sources;

/// What is taken of the files and folders.
#[derive(Args, Clone, Debug)]
pub struct SourceArgs {
    /// Leave out what matches this pattern of gitignore, by its path in the image
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,

    /// Leave out what matches the patterns in this file, one a line; --exclude comes after them
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub exclude_from: Vec<PathBuf>,

    /// Take what matches this pattern although others leave it out
    ///
    /// As in gitignore, nothing is taken from a folder that is left out itself.
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,

    /// What becomes of symbolic links in folders
    #[arg(long, value_name = "WHAT", default_value = "keep")]
    pub symlinks: Symlinks,

    /// Leave folders empty on which another file system is mounted
    #[arg(long)]
    pub one_file_system: bool,

    /// Let a later PATH replace what an earlier one has at the same place; folders are joined
    /// anyway
    #[arg(long)]
    pub overlay: bool,
}

/// What becomes of symbolic links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Symlinks {
    /// They are links on the disc
    Keep,
    /// What they lead to stands in their place
    Follow,
    /// They are left out
    Skip,
}

impl SourceArgs {
    /// These files and folders, as they are to be taken.
    pub fn sources(&self, paths: &[PathBuf]) -> Sources {
        Sources {
            paths: paths.to_vec(),
            exclude: self.exclude.clone(),
            exclude_from: self.exclude_from.clone(),
            include: self.include.clone(),
            symlinks: match self.symlinks {
                Symlinks::Keep => engine::image::Symlinks::Keep,
                Symlinks::Follow => engine::image::Symlinks::Follow,
                Symlinks::Skip => engine::image::Symlinks::Skip,
            },
            one_file_system: self.one_file_system,
            overlay: self.overlay,
        }
    }
}
