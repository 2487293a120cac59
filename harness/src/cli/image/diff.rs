//! `kiln image diff`.

use std::path::Path;

use engine::image::compare::{Difference, Side, compare};
use engine::image::{MemorySectors, ScanOptions, Sectors, Tree};
use serde_json::json;

use super::args::{Diff, ImageArgs};
use crate::cli::{events, out};
use crate::exit::Failure;

/// A folder, or an image with its blocks.
struct Opened {
    tree: Tree,
    sectors: Box<dyn Sectors>,
}

/// True if they differ.
pub(super) fn diff(args: &Diff) -> Result<bool, Failure> {
    let Diff { one, two, no_metadata, json: as_json, .. } = args;
    let (mut a, mut b) = (open(one, args)?, open(two, args)?);
    let mut differ = false;
    let mut failed = None;
    let mut tell = |difference: &Difference| {
        differ = true;
        let line = match as_json {
            true => {
                let Difference { kind, path, what } = difference;
                let kind = kind.to_string();
                json!({ "v": events::VERSION, "kind": kind, "path": path, "what": what })
                    .to_string()
            }
            false => difference.to_string(),
        };
        match out::data(&line) {
            Ok(heard) => heard,
            Err(error) => {
                failed = Some(error);
                false
            }
        }
    };
    let result = compare(
        &mut Side { tree: &a.tree, sectors: &mut *a.sectors },
        &mut Side { tree: &b.tree, sectors: &mut *b.sectors },
        !no_metadata,
        &mut tell,
    );
    result.map_err(|(first, error)| super::unreadable(if first { one } else { two }, &error))?;
    failed.map_or(Ok(differ), Err)
}

fn open(path: &Path, args: &Diff) -> Result<Opened, Failure> {
    if path.is_dir() {
        let tree = Tree::scan(&[path.to_owned()], &ScanOptions::default())?;
        return Ok(Opened { tree, sectors: Box::new(MemorySectors(Vec::new())) });
    }
    let of = ImageArgs { image: path.to_owned(), session: None, namespace: args.namespace };
    let super::Opened { sectors, volume, .. } = super::open(&of)?;
    Ok(Opened { tree: volume.tree, sectors: Box::new(sectors) })
}
