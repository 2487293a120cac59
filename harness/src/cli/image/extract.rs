//! `kiln image extract`.

use engine::image::read::ExtractOptions;

use super::args::Extract;
use crate::cli::out;
use crate::exit::Failure;
use crate::job;

pub(super) fn extract(args: &Extract) -> Result<(), Failure> {
    let Extract { of, dir, xattrs } = args;
    let path = &of.image;
    let (mut sectors, volume) = job::volume_in(path, job::session_in(path, of.session)?)?;
    super::flaws(path, &volume);
    let options = ExtractOptions { xattrs: xattrs.choice(), ..ExtractOptions::default() };
    let done = volume.extract(&mut sectors, dir, &options, &mut |_| {})?;
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
