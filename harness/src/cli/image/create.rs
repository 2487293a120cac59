//! `kiln image create`.

use std::io::Write;
use std::ops::ControlFlow;

use engine::burn::Options;
use engine::image::{Image, LayoutOptions, Sectors};
use engine::units::{Blocks, Lba};

use super::args::Create;
use super::stamp;
use crate::cli::boot;
use crate::cli::out::{self, Output};
use crate::cli::progress::Bar;
use crate::cli::stop::Stop;
use crate::exit::{Exit, Failure};
use crate::job::{Job, What};
use crate::sources::Gathered;

pub(super) fn create(args: &Create) -> Result<(), Failure> {
    let Create { paths, out, sources, volume, boot } = args;
    let (stamp, reproducible) = stamp()?;
    let mut output = Output::open(out)?;
    // The image may be asked for within the folder that it is made of.
    let leave_out = vec![out.output.clone(), output.path().to_path_buf()];
    let sources = sources.sources(paths);
    let Gathered { mut tree, remarks } =
        sources.gather(&leave_out, volume.xattrs.choice(), stamp)?;
    let job = Job {
        what: What::Files(Box::new(sources)),
        options: Options::default(),
        volume_id: volume.volume_id.clone(),
        layout: volume.layout(stamp, reproducible),
        leave_out,
        xattrs: volume.xattrs.choice(),
    };
    remarks.iter().for_each(|remark| out::note(remark));
    let boot = boot::description(boot, &mut tree, stamp)?;
    let image = Image::new(tree, &LayoutOptions { boot, ..job.layout_options(Lba(0)) })?;
    for finding in image.findings() {
        out::note(&finding.describe(image.tree()));
    }
    let stop = Stop::listen();
    let total = image.blocks();
    let mut bar = Bar::new("writing the image", total);
    let mut progress = |done: Blocks| {
        bar.at(done, None);
        if stop.asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match output.file() {
        Some(file) => image.write_file(file, &mut progress)?,
        None => image.write_to(&mut output, &mut progress)?,
    }
    bar.end();
    output.flush().map_err(|e| Failure::new(Exit::Output, e.to_string()))?;
    output.finish()?;
    let nodes = image.tree().len() - 1;
    let size = total.bytes();
    out::note(&format!("{}: {nodes} files and folders, {size}", out.output.display()));
    Ok(())
}
