//! `kiln image create`.

use std::io::Write;
use std::ops::ControlFlow;

use engine::burn::Options;
use engine::image::{Image, LayoutOptions, Sectors};
use engine::units::{Blocks, Lba};

use super::args::Create;
use super::stamp;
use crate::carry::Carry;
use crate::cli::boot;
use crate::cli::out::{self, Output};
use crate::cli::progress::Bar;
use crate::cli::stop::Stop;
use crate::defaults;
use crate::exit::{Exit, Failure};
use crate::job::{Job, What};
use crate::sources::Gathered;

pub(super) fn create(args: &Create) -> Result<(), Failure> {
    let Create { paths, out, sources, volume, growable, medium, print_size, boot } = args;
    let medium = medium.as_deref().map(defaults::medium).transpose()?;
    let (stamp, reproducible) = stamp()?;
    let output = if *print_size { None } else { Some(Output::open(out)?) };
    // The image may be asked for within the folder that it is made of.
    let leave_out = output.iter().map(|output| output.path().to_path_buf());
    let leave_out: Vec<_> = leave_out.chain([out.output.clone()]).collect();
    let sources = sources.sources(paths);
    let Gathered { mut tree, remarks } =
        sources.gather(&leave_out, volume.xattrs.choice(), stamp)?;
    let job = Job {
        what: What::Files(Box::new(sources)),
        options: Options::default(),
        volume_id: volume.volume_id.clone(),
        layout: LayoutOptions { in_place: *growable, ..volume.layout(stamp, reproducible) },
        by_medium: volume.by_medium(),
        carry: Carry::default(),
        expect: None,
        leave_out,
        xattrs: volume.xattrs.choice(),
    };
    remarks.iter().for_each(|remark| out::note(remark));
    let boot = boot::description(boot, &mut tree, stamp)?;
    let image = Image::new(tree, &LayoutOptions { boot, ..job.layout_options(Lba(0), medium) })?;
    for finding in image.findings() {
        out::note(&finding.describe(image.tree()));
    }
    if let Some(medium) = medium {
        defaults::fits(image.blocks(), medium)?;
    }
    let Some(output) = output else {
        return out::data(&image.blocks().to_string()).map(drop);
    };
    write(&image, output)?;
    let nodes = image.tree().len() - 1;
    let size = image.blocks().bytes();
    out::note(&format!("{}: {nodes} files and folders, {size}", out.output.display()));
    Ok(())
}

fn write(image: &Image, mut output: Output) -> Result<(), Failure> {
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
    output.finish()
}
