//! Sessions as `kiln info` and `kiln image info --sessions` list them.

use engine::drive::{DiscSectors, Medium, Recorder, State};
use engine::image::Sectors;
use engine::image::read::{self, ReadError, ReadOptions, Session, Systems, Volume};
use engine::units::{Blocks, Lba};
use serde_json::{Value, json};

use crate::job::session_starts;

/// A session and how much is in its tree.
pub(super) struct Listed {
    session: Session,
    nodes: usize,
}

impl Listed {
    /// The sessions of the image of a whole disc.
    pub(super) fn of_image(sectors: &mut dyn Sectors) -> Result<Vec<Listed>, ReadError> {
        let found = read::sessions(sectors)?;
        Listed::all(sectors, found)
    }

    /// These sessions of an image.
    pub(super) fn all(
        sectors: &mut dyn Sectors,
        found: Vec<Session>,
    ) -> Result<Vec<Listed>, ReadError> {
        found.into_iter().map(|session| Listed::look(sectors, session)).collect()
    }

    /// The sessions of a disc in a drive: those that the drive tells of, or the states of the
    /// volume on a disc that is written over. One that cannot be read is left out.
    pub(super) fn of_disc(recorder: &mut Recorder<'_>, medium: &Medium) -> Vec<Listed> {
        let address = Lba(0);
        let starts = match medium.state {
            State::Blank | State::Unformatted => return Vec::new(),
            State::Overwritable => {
                let mut disc = DiscSectors::range(recorder, address, medium.free);
                let Ok(Some(head)) = read::session_at(&mut disc, address) else {
                    return Vec::new();
                };
                let end = head.end.checked_from(address).unwrap_or_default();
                let mut disc = DiscSectors::range(recorder, address, end);
                return Listed::of_image(&mut disc).unwrap_or_default();
            }
            _ => session_starts(&medium.tracks),
        };
        let Ok(mut disc) = DiscSectors::whole(recorder) else { return Vec::new() };
        let mut list: Vec<Listed> = Vec::new();
        for (start, next) in starts.iter().zip(starts.iter().skip(1).map(Some).chain([None])) {
            let Ok(Some(mut session)) = read::session_at(&mut disc, *start) else { continue };
            if let Some(next) = next {
                session.end = session.end.min(*next);
            }
            list.extend(Listed::look(&mut disc, session));
        }
        list
    }

    fn look(sectors: &mut dyn Sectors, session: Session) -> Result<Listed, ReadError> {
        let options = ReadOptions { session: session.start, ..ReadOptions::default() };
        let nodes = Volume::read(sectors, &options)?.tree.len() - 1;
        Ok(Listed { session, nodes })
    }

    /// One line.
    pub(super) fn text(&self) -> String {
        let Session { start, end, volume_id, created, systems } = &self.session;
        let blocks = end.checked_from(*start).unwrap_or(Blocks(0));
        let made = created.map(|time| format!(", made {time}")).unwrap_or_default();
        let nodes = self.nodes;
        format!(
            "block {start}, {blocks} blocks, {volume_id:?}{made}, {nodes} files and folders, {}",
            names(systems).join(", ")
        )
    }

    pub(super) fn json(&self) -> Value {
        let Session { start, end, volume_id, created, systems } = &self.session;
        json!({
            "start": start.0,
            "end": end.0,
            "volume": volume_id,
            "created": created.map(|time| time.to_string()),
            "created_unix": created.map(|time| time.secs),
            "file_systems": names(systems),
            "nodes": self.nodes,
        })
    }
}

/// What `--fs` calls them.
fn names(systems: &Systems) -> Vec<String> {
    let mut names = Vec::new();
    for (has, name) in [
        (systems.iso9660, "iso9660"),
        (systems.rock_ridge, "rock-ridge"),
        (systems.joliet, "joliet"),
    ] {
        if has {
            names.push(name.to_owned());
        }
    }
    names.extend(systems.udf.map(|udf| format!("udf {:x}.{:02x}", udf >> 8, udf & 0xff)));
    names
}
