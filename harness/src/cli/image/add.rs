//! `kiln image add`.

use std::fs::{File, OpenOptions};
use std::ops::ControlFlow;
use std::path::Path;

use engine::burn::Options;
use engine::image::read::FileSectors;
use engine::image::{Grown, Sectors};
use engine::units::Blocks;

use super::args::Add;
use super::stamp;
use crate::carry;
use crate::cli::out;
use crate::cli::progress::Bar;
use crate::cli::stop::Stop;
use crate::exit::{Exit, Failure};
use crate::job::{Growth, Job, What};
use crate::sources::Gathered;

pub(super) fn add(args: &Add) -> Result<(), Failure> {
    let Add { image, paths, sources, volume, carry: carried } = args;
    let (stamp, reproducible) = stamp()?;
    let sources = sources.sources(paths);
    let leave_out = vec![image.clone()];
    let Gathered { tree, remarks } = sources.gather(&leave_out, volume.xattrs.choice(), stamp)?;
    remarks.iter().for_each(|remark| out::note(remark));
    let job = Job {
        options: Options::default(),
        volume_id: volume.volume_id.clone(),
        layout: volume.layout(stamp, reproducible),
        by_medium: volume.by_medium(),
        carry: carried.carry(&sources),
        what: What::Files(Box::new(sources)),
        expect: None,
        leave_out,
        xattrs: volume.xattrs.choice(),
    };
    let cannot = |e: std::io::Error| {
        Failure::new(Exit::Image, format!("{}: {e}", image.display())).advise("It is as it was.")
    };
    let mut sectors = FileSectors::open(image).map_err(cannot)?;
    let Growth { mut grown, findings, kept, changes } = job.grow_file(tree, &mut sectors)?;
    findings.iter().for_each(|finding| out::note(finding));
    if let Some(kept) = kept {
        let at = kept.session;
        out::note(&format!("keeps {} files and folders of the session at block {at}", kept.nodes));
    }
    changes.iter().for_each(|changes| out::note(&carry::words(changes)));
    if changes.is_some_and(|changes| job.carry.nothing_to_do(&changes)) {
        out::note(&format!("{}: nothing to do, nothing was written", image.display()));
        return Ok(());
    }
    let file = OpenOptions::new().write(true).open(image).map_err(cannot)?;
    write(image, &file, &mut grown)?;
    let (at, size) = (grown.session().base(), grown.session_blocks().bytes());
    out::note(&format!("{}: grown by {size} from block {at} on", image.display()));
    Ok(())
}

/// Puts the session behind the volume, and then what leads to it.
fn write(image: &Path, file: &File, grown: &mut Grown) -> Result<(), Failure> {
    let stop = Stop::listen();
    let mut bar = Bar::new("writing the session", grown.blocks());
    let mut progress = |done: Blocks| {
        bar.at(done, None);
        if stop.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    grown.write_into(file, &mut progress).map_err(|error| {
        Failure::from(error).advise(format!("What {} held before is as it was.", image.display()))
    })?;
    bar.end();
    Ok(())
}
