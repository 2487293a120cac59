//! What a disc or an image holds already and what of it goes into the next session: its tree or an
//! older one, what of a folder changed, the name and the file systems of its volume.
//!
//! May not know: whether the blocks come from a drive or a file, or how the session is written.

use engine::image::read::{self, Namespace, ReadOptions, Systems, Volume};
use engine::image::{Changes, LayoutOptions, Sameness, Sectors, Tree, TreeError};
use engine::units::Lba;

use crate::defaults;
use crate::exit::{Exit, Failure};

/// What the new tree begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Beginning {
    /// The newest session's tree.
    #[default]
    Newest,
    /// That of an older session: by its number, from 1 on, or by the block where it begins.
    Session(u32),
    /// Nothing: what the disc holds stays and is no longer shown.
    Nothing,
}

/// How the paths are laid over what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Laying {
    /// All of them is written, what is there stays.
    #[default]
    Over,
    /// Only what changed is written; what is gone goes, unless `keep_removed`.
    Update {
        /// What counts as unchanged.
        sameness: Sameness,
        /// What vanished from the paths stays.
        keep_removed: bool,
    },
}

/// What the next session has of earlier ones, as wished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carry {
    /// The tree it begins with.
    pub beginning: Beginning,
    /// How new things come to it.
    pub laying: Laying,
    /// The paths are one folder, whose content is all of the root.
    pub whole: bool,
}

/// What lies there already and is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Files, folders and links of the session.
    pub nodes: usize,
    /// Where that session begins.
    pub session: Lba,
}

/// The tree of the next session, and what became of the one before.
#[derive(Debug)]
pub struct Carried {
    /// All that the session has.
    pub tree: Tree,
    /// What it has of the session that it begins with.
    pub kept: Option<Kept>,
    /// What is other than it was, where only that is written.
    pub changes: Option<Changes>,
    /// What is worth saying, one line each.
    pub notes: Vec<String>,
    /// The name of the volume so far.
    pub volume_id: String,
    /// The file systems of the volume so far.
    pub systems: Systems,
}

/// Why nothing can be carried over, in words; what is there is as it was.
pub type CarryError = String;

impl Carry {
    /// Whether the next session would show what the newest one shows.
    pub fn nothing_to_do(&self, changes: &Changes) -> bool {
        self.beginning == Beginning::Newest && changes.none()
    }

    /// Where the session begins that the tree comes from; `starts` are those of all sessions, the
    /// oldest first, and `newest` leads to the last one.
    pub fn session(&self, starts: &[Lba], newest: Lba) -> Result<Lba, Failure> {
        match self.beginning {
            Beginning::Newest | Beginning::Nothing => Ok(newest),
            Beginning::Session(wanted) => chosen(starts, wanted),
        }
    }

    /// Lays `new` over the tree of the session at `session`. `sectors` begin with block 0 of the
    /// disc; `newest` is where the session begins that readers see.
    pub fn tree(
        &self,
        sectors: &mut dyn Sectors,
        session: Lba,
        newest: Lba,
        mut new: Tree,
    ) -> Result<Carried, CarryError> {
        let words = |e: &dyn std::fmt::Display| e.to_string();
        let seen = read::session_at(sectors, newest).map_err(|e| words(&e))?;
        let seen = seen.ok_or_else(|| format!("no volume begins at block {newest}"))?;
        let mut notes = Vec::new();
        let (old, posix) = old_tree(sectors, session, &mut notes)?;
        let nodes = old.len() - 1;
        let mut carried = Carried {
            tree: Tree::new(*new.meta(new.root())),
            kept: Some(Kept { nodes, session }),
            changes: None,
            notes,
            volume_id: seen.volume_id,
            systems: seen.systems,
        };
        let tree = |e: TreeError| e.to_string();
        if self.beginning == Beginning::Nothing {
            carried.kept = None;
            carried.notes.push(format!(
                "{nodes} files and folders of the session at block {session} stay on the disc and \
                 are no longer shown; --from-session brings them back"
            ));
            carried.tree = new;
            return Ok(carried);
        }
        let Laying::Update { sameness, keep_removed } = self.laying else {
            carried.tree = if new.is_empty() { old } else { old.merged(&new).map_err(tree)? };
            return Ok(carried);
        };
        let changes = new.update(&old, sectors, sameness, posix, self.whole);
        let mut changes = changes.map_err(|e| words(&e))?;
        carried.tree = match (keep_removed, self.whole) {
            (true, _) => {
                changes.kept += std::mem::take(&mut changes.removed);
                old.merged(&new).map_err(tree)?
            }
            (false, true) => new,
            // Only the named entries of the root are in step with the paths.
            (false, false) => old.without(&new).map_err(tree)?.merged(&new).map_err(tree)?,
        };
        carried.kept = Some(Kept { nodes: changes.kept + changes.touched, session });
        carried.changes = Some(changes);
        Ok(carried)
    }
}

impl Carried {
    /// The layout of the session: `wished`, but for the name and the file systems that the volume
    /// has, where nothing else was asked for.
    pub fn layout(
        &mut self,
        wished: &LayoutOptions,
        named: bool,
        by_medium: bool,
    ) -> LayoutOptions {
        let mut layout = wished.clone();
        if !named && !self.volume_id.is_empty() {
            let mut name = self.volume_id.clone();
            while name.len() > 32 {
                name.pop();
            }
            layout.volume_id = name;
        }
        let had = self.systems;
        if !by_medium {
            let has = systems_of(&layout);
            for (before, now, what) in [
                (had.iso9660, has.iso9660, "ISO 9660"),
                (had.rock_ridge, has.rock_ridge, "Rock Ridge"),
                (had.joliet, has.joliet, "Joliet"),
                (had.udf.is_some(), has.udf.is_some(), "UDF"),
            ] {
                if before && !now {
                    self.notes.push(format!("the volume had {what} and has it no longer"));
                }
            }
            return layout;
        }
        defaults::as_before(&layout, had)
    }
}

/// The file systems that a layout has.
fn systems_of(layout: &LayoutOptions) -> Systems {
    Systems {
        iso9660: layout.iso9660,
        rock_ridge: layout.iso9660 && layout.rock_ridge,
        joliet: layout.iso9660 && layout.joliet,
        udf: layout.udf.map(|udf| udf.revision.number()),
    }
}

/// The start of the session of that number, or the one that begins at that block.
pub fn chosen(starts: &[Lba], wanted: u32) -> Result<Lba, Failure> {
    let number = usize::try_from(wanted).unwrap_or(usize::MAX);
    if let Some(start) = number.checked_sub(1).and_then(|index| starts.get(index)) {
        return Ok(*start);
    }
    let block = Lba(i32::try_from(wanted).unwrap_or(i32::MAX));
    if starts.contains(&block) {
        return Ok(block);
    }
    let all = starts.iter().zip(1..).map(|(start, n)| format!("{n} (block {start})"));
    let all = all.collect::<Vec<_>>().join(", ");
    Err(Failure::new(Exit::Usage, format!("there is no session {wanted}; there are {all}")))
}

/// The tree of a session, with what lies within its structures, and whether it records owners and
/// modes. What was never recorded is left out: a burn that ended early leaves a tree that names
/// more than the disc holds.
fn old_tree(
    sectors: &mut dyn Sectors,
    session: Lba,
    notes: &mut Vec<String>,
) -> Result<(Tree, bool), CarryError> {
    let options = ReadOptions { session, ..ReadOptions::default() };
    let mut volume = Volume::read(sectors, &options).map_err(|e| e.to_string())?;
    volume.hold(sectors).map_err(|e| e.to_string())?;
    let (tree, left_out) = volume.tree.recorded(sectors.blocks()).map_err(|e| e.to_string())?;
    notes.extend(
        left_out
            .iter()
            .map(|path| format!("{path}: left out, it was not recorded to its end before")),
    );
    Ok((tree, matches!(volume.namespace, Namespace::RockRidge | Namespace::Udf)))
}

/// Changes in words.
pub fn words(changes: &Changes) -> String {
    let Changes { added, changed, touched, removed, kept } = changes;
    format!(
        "{added} added, {changed} changed, {touched} with another owner, mode or time, \
         {removed} removed, {kept} as they were"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_chosen_by_number_or_block() {
        let starts = [Lba(32), Lba(224), Lba(384)];
        assert_eq!(chosen(&starts, 2), Ok(Lba(224)));
        assert_eq!(chosen(&starts, 384), Ok(Lba(384)));
        let error = chosen(&starts, 4).expect_err("there are three");
        assert!(error.what.ends_with("there are 1 (block 32), 2 (block 224), 3 (block 384)"));
        assert!(chosen(&starts, 0).is_err());
    }
}
