//! `grow_image DISC PATH... OUT`: the image of a further session for a disc image, to be put right
//! behind it; what the disc has stays, except where the paths have something newer.

use std::fs::File;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use engine::image::read::{FileSectors, ReadOptions, Volume};
use engine::image::{Image, LayoutOptions, ScanOptions, Sectors, Tree};
use engine::units::{Blocks, Lba};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [disc, paths @ .., out] = &arguments[..] else {
        eprintln!("usage: grow_image DISC PATH... OUT");
        return ExitCode::from(2);
    };
    match grow(disc, paths, out) {
        Ok(base) => {
            println!("{base}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("grow_image: {error}");
            ExitCode::FAILURE
        }
    }
}

fn grow(
    disc: &PathBuf,
    paths: &[PathBuf],
    out: &PathBuf,
) -> Result<Lba, Box<dyn std::error::Error>> {
    let mut sectors = FileSectors::open(disc)?;
    let old = Volume::read(&mut sectors, &ReadOptions::default())?;
    let new = Tree::scan(paths, &ScanOptions::default())?;
    // Sessions on DVD and BD begin at whole ECC blocks: 32 blocks suit both.
    let base = Lba(sectors.blocks().round_up(Blocks(32)).0 as i32);
    let image = Image::new(
        Tree::merge(&old.tree, &new)?,
        &LayoutOptions { base, ..LayoutOptions::default() },
    )?;
    image.write_file(&File::create(out)?, &mut |_| ControlFlow::Continue(()))?;
    Ok(base)
}
