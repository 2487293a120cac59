//! `make_image PATH... OUT`: an image of these paths, as `kiln image create` makes it.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use engine::image::{Image, LayoutOptions, ScanOptions, Time, Tree};

fn main() -> ExitCode {
    let mut paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let Some(out) = paths.pop().filter(|_| !paths.is_empty()) else {
        eprintln!("usage: make_image PATH... OUT");
        return ExitCode::from(2);
    };
    match make(&paths, &out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("make_image: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(paths: &[PathBuf], out: &PathBuf) -> Result<(), Box<dyn std::error::Error>> {
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
    let stamp =
        epoch.as_deref().map(str::parse).transpose()?.map_or(Time::default(), Time::from_secs);
    let options = ScanOptions { leave_out: vec![out.clone()], ..ScanOptions::default() };
    let tree = Tree::scan(paths, &options)?;
    let options =
        LayoutOptions { stamp, reproducible: epoch.is_some(), ..LayoutOptions::default() };
    let image = Image::new(tree, &options)?;
    for finding in image.findings() {
        eprintln!("{}", finding.describe(image.tree()));
    }
    image.write_file(&File::create(out)?, &mut |_| ControlFlow::Continue(()))?;
    Ok(())
}
