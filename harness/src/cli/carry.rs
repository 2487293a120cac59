//! What of a disc or an image goes into the next session, as `kiln burn` and `kiln image add` can
//! be told.
//!
//! May not know: how anything is done.

use std::path::Path;

use clap::Args;
use engine::image::{Changes, Sameness};
use serde_json::{Value, json};

use crate::carry::{Beginning, Carry, Laying};
use crate::sources::Sources;

/// What of earlier sessions is kept.
#[derive(Args, Clone, Debug)]
pub struct CarryArgs {
    /// Begin with the tree of this session instead of the last one's: its number, or the block
    /// where it begins
    ///
    /// `kiln info` and `kiln image info --sessions` list them. Without a PATH, this goes back to
    /// that state. Nothing is written again: what lies on the disc is pointed at.
    #[arg(long, value_name = "N", conflicts_with = "fresh_tree")]
    pub from_session: Option<u32>,

    /// Begin with an empty tree: what the disc holds stays on it and is no longer shown
    #[arg(long)]
    pub fresh_tree: bool,

    /// Write only what changed since the last session, by size and time, and drop what is gone
    ///
    /// One folder is all of the disc; of several paths, each is brought up to date and the rest of
    /// the disc stays.
    #[arg(long, conflicts_with = "fresh_tree")]
    pub update: bool,

    /// With --update, take a file for unchanged only if every byte is the same: reads all of it
    #[arg(long, alias = "by-hash", requires = "update")]
    pub by_content: bool,

    /// With --update, keep on the disc what is gone from the paths
    #[arg(long, requires = "update")]
    pub keep_removed: bool,
}

impl CarryArgs {
    /// The same for what does the work.
    pub fn carry(&self, sources: &Sources) -> Carry {
        let beginning = match self.from_session {
            Some(session) => Beginning::Session(session),
            None if self.fresh_tree => Beginning::Nothing,
            None => Beginning::Newest,
        };
        let sameness = if self.by_content { Sameness::Bytes } else { Sameness::Times };
        let keep_removed = self.keep_removed;
        let laying = match self.update {
            true => Laying::Update { sameness, keep_removed },
            false => Laying::Over,
        };
        let whole = sources.only_path().is_some_and(Path::is_dir);
        Carry { beginning, laying, whole }
    }
}

/// Changes as JSON.
pub(super) fn changes(changes: &Changes) -> Value {
    let Changes { added, changed, touched, removed, kept } = changes;
    json!({
        "added": added, "changed": changed, "touched": touched, "removed": removed, "kept": kept,
    })
}
