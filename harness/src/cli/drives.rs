//! `kiln drives`.

use engine::host::{self, AttachedDrive};
use serde_json::json;
use vdrive::models::{DriveModel, drive_names, medium_names};

use super::args::Drives;
use super::{events, out};
use crate::exit::{Exit, Failure};

pub(super) fn drives(args: &Drives) -> Result<(), Failure> {
    let real = host::recorders();
    let models = drive_names()
        .map(|name| {
            DriveModel::named(name).map_err(|e| Failure::new(Exit::Internal, e.to_string()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    if args.json {
        let real: Vec<_> = real.iter().map(real_json).collect();
        let models: Vec<_> = models.iter().map(model_json).collect();
        let media: Vec<_> = medium_names().collect();
        let all = json!({ "v": events::VERSION, "drives": real, "models": models, "media": media });
        return out::data(&all.to_string()).map(drop);
    }
    let mut lines: Vec<(String, String)> = real.iter().map(|d| (show(&d.node), title(d))).collect();
    if lines.is_empty() {
        out::note("no drives on this machine");
    }
    for model in &models {
        lines.push((format!("virtual:{}", model.name), model.summary.clone()));
    }
    let wide = lines.iter().map(|(address, _)| address.chars().count()).max().unwrap_or(0);
    for (address, what) in lines {
        if !out::data(&format!("{address:wide$}  {what}"))? {
            return Ok(());
        }
    }
    let media: Vec<_> = medium_names().collect();
    out::data(&format!(
        "{:wide$}  the first model with a blank MEDIUM: {}",
        "virtual:MEDIUM",
        media.join(" ")
    ))
    .map(drop)
}

fn show(path: &std::path::Path) -> String {
    path.display().to_string()
}

fn title(drive: &AttachedDrive) -> String {
    format!("{} {} {}", drive.vendor, drive.model, drive.revision)
}

fn real_json(drive: &AttachedDrive) -> serde_json::Value {
    json!({
        "address": show(&drive.node),
        "generic": drive.generic.as_deref().map(show),
        "vendor": drive.vendor,
        "model": drive.model,
        "revision": drive.revision,
    })
}

fn model_json(model: &DriveModel) -> serde_json::Value {
    json!({
        "address": format!("virtual:{}", model.name),
        "summary": model.summary,
        "vendor": model.vendor,
        "model": model.product,
        "revision": model.revision,
    })
}
