//! `kiln image info`.

use engine::image::Sectors;
use engine::image::read::{BootRecords, Flaw};
use serde_json::json;

use super::args::Info;
use crate::cli::sessions::Listed;
use crate::cli::{boot, events, out};
use crate::exit::{Exit, Failure};
use crate::job;

pub(super) fn info(args: &Info) -> Result<(), Failure> {
    let Info { of, boot: with_boot, sessions: all, json: as_json } = args;
    let path = &of.image;
    let session = job::session_in(path, of.session)?;
    let (mut sectors, volume) = job::volume_in(path, session)?;
    let list = match *all {
        true => Some(
            Listed::of_image(&mut sectors)
                .map_err(|e| Failure::new(Exit::Image, format!("{}: {e}", path.display())))?,
        ),
        false => None,
    };
    let records = match *with_boot {
        true => Some(
            BootRecords::read(&mut sectors, session)
                .map_err(|e| Failure::new(Exit::Image, format!("{}: {e}", path.display())))?,
        ),
        false => None,
    };
    super::flaws(path, &volume);
    for Flaw { at, what } in records.iter().flat_map(|records| &records.findings) {
        out::note(&format!("{}: byte {at}: {what}", path.display()));
    }
    let nodes = volume.tree.len() - 1;
    if *as_json {
        let mut object = json!({
            "v": events::VERSION,
            "file": path.display().to_string(),
            "volume": volume.volume_id,
            "tree": volume.namespace.to_string(),
            "blocks": sectors.blocks().0,
            "volume_blocks": volume.space,
            "nodes": nodes,
        });
        if let Some(list) = &list {
            object["sessions"] = list.iter().map(Listed::json).collect();
        }
        if let Some(records) = &records {
            object["boot"] = boot::json(records);
        }
        return out::data(&object.to_string()).map(drop);
    }
    let blocks = sectors.blocks();
    let mut text = format!("{:<13} {}\n", "volume", volume.volume_id);
    text += &format!("{:<13} {nodes} files and folders ({})\n", "holds", volume.namespace);
    text += &format!("{:<13} {blocks} blocks ({})\n", "size", blocks.bytes());
    for (number, session) in (1..).zip(list.iter().flatten()) {
        text += &format!("{:<13} {}\n", format!("session {number}"), session.text());
    }
    text += &records.as_ref().map(boot::text).unwrap_or_default();
    out::text(&text).map(drop)
}
