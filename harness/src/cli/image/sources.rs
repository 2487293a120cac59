//! What an image is made of, as `kiln image create` and `kiln burn` can be told.
//!
//! May not know: how anything is done.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};
use engine::image::View;
use engine::units::Lba;

use crate::edits::Edits;
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

    /// Begin with the files of this image, which are read from it
    #[arg(long, value_name = "IMG", value_hint = ValueHint::FilePath)]
    pub import: Option<PathBuf>,

    /// The block where the session begins that --import takes
    #[arg(long, value_name = "BLOCK", requires = "import")]
    pub import_session: Option<i32>,

    /// Take the files of this tar archive; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tar: Vec<PathBuf>,

    /// Remove this path of the image, with all below it
    #[arg(long, value_name = "PATH")]
    pub remove: Vec<OsString>,

    /// Move a path of the image to another one
    #[arg(long, value_name = "OLD=NEW")]
    pub rename: Vec<OsString>,

    /// Hide what matches from one of the trees: iso9660 (and so rock-ridge), joliet or udf
    #[arg(long, value_name = "VIEW:GLOB", value_parser = hide)]
    pub hide: Vec<(View, String)>,

    /// Give a path another name in one of the trees: iso9660, rock-ridge, joliet or udf
    #[arg(long, value_name = "VIEW:PATH=NAME", value_parser = hide)]
    pub name: Vec<(View, String)>,

    /// Put what matches closer to the start of the image than what has less weight, which is 0
    #[arg(long, value_name = "GLOB=WEIGHT", value_parser = weight, allow_hyphen_values = true)]
    pub sort: Vec<(String, i32)>,

    /// Take such weights from a file, a pattern and a number on each line; --sort comes after them
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub sort_file: Option<PathBuf>,

    /// Store files with the same bytes once
    #[arg(long)]
    pub dedup: bool,
}

/// A view and what concerns it.
fn hide(text: &str) -> Result<(View, String), String> {
    let (view, rest) = text.split_once(':').ok_or("a tree, a colon, and what it is about")?;
    let view = match view {
        "iso9660" => View::Iso9660,
        "rock-ridge" => View::RockRidge,
        "joliet" => View::Joliet,
        "udf" => View::Udf,
        other => return Err(format!("{other:?} is none of iso9660, rock-ridge, joliet, udf")),
    };
    Ok((view, rest.to_owned()))
}

fn weight(text: &str) -> Result<(String, i32), String> {
    let (pattern, number) = text.rsplit_once('=').ok_or("a pattern, `=`, and a number")?;
    let weight = number.parse().map_err(|_| format!("{number:?} is no weight, a number"))?;
    Ok((pattern.to_owned(), weight))
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
            import: self.import.clone().map(|path| (path, Lba(self.import_session.unwrap_or(0)))),
            tars: self.tar.clone(),
            edits: Edits {
                remove: self.remove.clone(),
                rename: self.rename.clone(),
                hide: self.hide.clone(),
                names: self.name.clone(),
                sort_file: self.sort_file.clone(),
                sort: self.sort.clone(),
                dedup: self.dedup,
            },
        }
    }
}
