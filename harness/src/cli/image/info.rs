//! `kiln image info`.

use engine::image::Sectors;
use engine::image::read::{BootRecords, Flaw};
use serde_json::json;

use super::args::Info;
use crate::cli::sessions::Listed;
use crate::cli::{boot, events, out};
use crate::exit::{Exit, Failure};

pub(super) fn info(args: &Info) -> Result<(), Failure> {
    let Info { of, boot: with_boot, sessions: all, json: as_json } = args;
    let path = &of.image;
    let super::Opened { mut sectors, volume, session } = super::open(of)?;
    let (_, sessions) = super::sectors(path)?;
    let list = match *all {
        true => Some(
            Listed::all(&mut sectors, sessions.clone()).map_err(|e| super::unreadable(path, &e))?,
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
            "session": session.0,
            "sessions": sessions
                .iter()
                .map(|s| json!({ "start": s.start.0, "end": s.end.0, "volume": s.volume_id }))
                .collect::<Vec<_>>(),
        });
        if let Some(list) = &list {
            object["sessions"] = list.iter().map(Listed::json).collect();
        }
        if let Some(kind) = sectors.kind() {
            object["dump"] = kind.into();
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
    if let Some(kind) = sectors.kind() {
        text += &format!("{:<13} {kind}\n", "dump");
    }
    if let Some(list) = &list {
        for (number, session) in (1..).zip(list) {
            text += &format!("{:<13} {}\n", format!("session {number}"), session.text());
        }
    } else if sessions.len() > 1 {
        for (number, found) in (1..).zip(&sessions) {
            let shown = if found.start == session { ", shown" } else { "" };
            let (start, end, name) = (found.start, found.end, &found.volume_id);
            let what = format!("block {start} up to {end}, {name}{shown}");
            text += &format!("{:<13} {what}\n", format!("session {number}"));
        }
    }
    text += &records.as_ref().map(boot::text).unwrap_or_default();
    out::text(&text).map(drop)
}
