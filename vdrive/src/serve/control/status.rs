//! What a server lends out, as it is now: drives, discs, who uses them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::{Lun, Pace, Server};
use super::About;
use crate::medium::{Disc, FormatState};

/// A server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of this structure: 1. Fields are added under the same version.
    pub v: u32,
    /// The server's process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Its local socket.
    pub socket: String,
    /// The name of the iSCSI target, if it is one.
    pub target: Option<String>,
    /// The file that a trace goes to, if one does.
    pub trace: Option<String>,
    /// The drives, by rising number.
    pub luns: Vec<LunStatus>,
}

/// A drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LunStatus {
    /// The number of the logical unit.
    pub lun: u16,
    /// Where it can be had over iSCSI, if it can.
    pub url: Option<String>,
    /// The drive's model, as in addresses.
    pub model: String,
    /// INQUIRY vendor.
    pub vendor: String,
    /// INQUIRY product.
    pub product: String,
    /// INQUIRY revision.
    pub revision: String,
    /// Whether the plug is in.
    pub power: bool,
    /// Whether the tray is out.
    pub open: bool,
    /// Whether a host has locked the door.
    pub locked: bool,
    /// The long operation that runs.
    pub busy: Option<Busy>,
    /// The disc in it.
    pub disc: Option<DiscStatus>,
    /// Writing speed in kB/s of 1000 bytes.
    pub write_kbps: Option<u32>,
    /// Reading speed in kB/s of 1000 bytes.
    pub read_kbps: Option<u32>,
    /// Bytes that the buffer holds when full.
    pub buffer_bytes: u64,
    /// Bytes in it that are not recorded yet.
    pub buffered_bytes: u64,
    /// Who uses it, by the names of the nexuses.
    pub initiators: Vec<String>,
    /// Commands that it has been given so far.
    pub commands: u64,
    /// Faults that have not happened yet.
    pub faults: u64,
    /// The drive's time since it was put on its bench, in milliseconds.
    pub time_ms: u64,
    /// How its time passes: `simulated` or `real-time`.
    pub pace: String,
}

/// A long operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Busy {
    /// What a host is told of it.
    pub why: String,
    /// How far it is, in thousandths.
    pub permille: u16,
}

/// A disc, as its own tables describe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscStatus {
    /// The disc file; `memory` for a disc without one.
    pub file: String,
    /// The kind of medium.
    pub medium: String,
    /// `blank`, `open` (a session is begun), `appendable`, `formatted`, or `complete`.
    pub state: String,
    /// Closed sessions.
    pub sessions: u64,
    /// Tracks of all sessions.
    pub tracks: u64,
    /// Blocks that hold data.
    pub recorded_blocks: u64,
    /// Blocks that there are, unformatted.
    pub capacity_blocks: u32,
}

impl Status {
    /// What this server is now.
    pub(super) fn of(server: &Server, about: &About) -> Status {
        Status {
            v: 1,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            socket: about.socket.clone(),
            target: about.target.clone(),
            trace: server.trace().path().map(|path| path.display().to_string()),
            luns: server.luns().iter().map(|lun| LunStatus::of(lun, about)).collect(),
        }
    }
}

impl LunStatus {
    fn of(lun: &Lun, about: &About) -> LunStatus {
        let disc = lun.with_disc(DiscStatus::of);
        let (bench, drive) = (lun.bench(), lun.drive());
        let look = bench.look(drive);
        let model = bench.model(drive);
        let of_model = |part: fn(&crate::models::DriveModel) -> &String| {
            model.as_ref().map_or(String::new(), |model| part(model).clone())
        };
        let url = about.urls.iter().find(|(number, _)| *number == lun.number());
        let rate = |rate: Option<engine::units::Kbps>| rate.map(|rate| rate.0);
        LunStatus {
            lun: lun.number(),
            url: url.map(|(_, url)| url.clone()),
            model: of_model(|model| &model.name),
            vendor: of_model(|model| &model.vendor),
            product: of_model(|model| &model.product),
            revision: of_model(|model| &model.revision),
            power: look.is_some(),
            open: look.as_ref().is_some_and(|look| look.open),
            locked: look.as_ref().is_some_and(|look| look.locked),
            busy: look.as_ref().and_then(|look| look.busy).map(Busy::of),
            disc,
            write_kbps: look.as_ref().and_then(|look| rate(look.write)),
            read_kbps: look.as_ref().and_then(|look| rate(look.read)),
            buffer_bytes: look.as_ref().map_or(0, |look| look.buffer as u64),
            buffered_bytes: look.as_ref().map_or(0, |look| look.buffered as u64),
            initiators: lun.initiators(),
            commands: bench.commands(drive),
            faults: bench.waiting_faults() as u64,
            time_ms: bench.now().0 / 1_000_000,
            pace: match lun.pace() {
                Pace::Simulated => "simulated".to_owned(),
                Pace::RealTime => "real-time".to_owned(),
            },
        }
    }
}

impl Busy {
    fn of((why, progress): (&'static str, u16)) -> Busy {
        let permille = u32::from(progress) * 1000 / 65_536;
        // At most 999.
        Busy { why: why.to_owned(), permille: permille as u16 }
    }
}

impl DiscStatus {
    fn of(disc: &Disc) -> DiscStatus {
        let state = disc.state();
        let begun = state.open_tracks().next().is_some();
        let word = match (state.finalised, state.format.state, state.is_blank()) {
            (true, ..) => "complete",
            (false, FormatState::None, true) => "blank",
            (false, FormatState::None, false) if begun => "open",
            (false, FormatState::None, false) => "appendable",
            (false, ..) => "formatted",
        };
        DiscStatus {
            file: whole(disc.path()),
            medium: state.kind().name().to_owned(),
            state: word.to_owned(),
            sessions: state.sessions.len() as u64,
            tracks: state.tracks.len() as u64,
            recorded_blocks: state.recorded.total(),
            capacity_blocks: state.capacity().0,
        }
    }
}

/// A disc file's path from the root.
pub(super) fn whole(path: &str) -> String {
    if path == "memory" {
        return path.to_owned();
    }
    std::path::absolute(Path::new(path)).map_or(path.to_owned(), |path| path.display().to_string())
}
