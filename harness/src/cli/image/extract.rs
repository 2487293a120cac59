//! `kiln image extract`.

use engine::image::Sectors;
use engine::image::read::{ExtractError, ExtractOptions};

use super::args::Extract;
use crate::cli::out;
use crate::exit::Failure;

/// How many times its own size an image may become when it is unpacked, unless told.
const GROWTH: u64 = 16;

pub(super) fn extract(args: &Extract) -> Result<(), Failure> {
    let Extract { of, paths, limit, dir, xattrs } = args;
    let mut opened = super::open(of)?;
    let only = super::nodes(&opened.volume.tree, &of.image, paths)?;
    let limit = limit.unwrap_or(opened.sectors.blocks().bytes().0.saturating_mul(GROWTH));
    let xattrs = xattrs.choice();
    let options = ExtractOptions { only, xattrs, limit: Some(limit), ..Default::default() };
    let done = opened.volume.extract(&mut opened.sectors, dir, &options, &mut |_| {});
    let done = done.map_err(|error| {
        let much = matches!(error, ExtractError::TooMuch { .. });
        let failure = Failure::from(error);
        if much { failure.advise("nothing was written; --limit allows more") } else { failure }
    })?;
    for path in &done.left_out {
        out::note(&format!("{path} is left out: a device, pipe or socket"));
    }
    for lost in &done.xattrs_left_out {
        out::note(&format!("an extended attribute is left out: {lost}"));
    }
    let files = done.files;
    let size = engine::units::Bytes(done.bytes);
    out::note(&format!("{}: {files} files, {size}", dir.display()));
    Ok(())
}
