//! Burns a folder on a virtual disc and verifies it:
//! `cargo run -p kiln-engine --example burn_folder -- FOLDER`.

use engine::burn::{self, Cancel, Event, Options};
use engine::drive::Recorder;
use engine::image::{Image, LayoutOptions, ScanOptions, Sectors, Tree};
use vdrive::models::MediumKind;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).unwrap_or(env!("CARGO_MANIFEST_DIR").to_owned());

    // The recorder: here a virtual one with a blank DVD+R. With `host::SgIo` and
    // `host::HostClock` it is a real one; the rest stays as it is.
    let mut place = vdrive::open(&"virtual".parse()?, None, MediumKind::DvdPlusR, 1)?;
    let mut recorder = Recorder::new(&mut place.drive, &place.clock, "virtual");

    // What goes on the disc. The place of every byte is fixed here and nothing is read yet.
    let tree = Tree::scan(&[folder], &ScanOptions::default())?;
    let mut image = Image::new(tree, &LayoutOptions::default())?;

    // What will be done, or why it cannot be. Nothing is written yet.
    let plan = burn::plan(&mut recorder, image.blocks(), &Options::default())?;
    println!("{plan}");

    // Writes, closes, reads every block back and compares it.
    let mut listen = |event: &Event| {
        if let Event::Progress(p) = event {
            let file = p.file.as_deref().unwrap_or_default();
            println!("{}: {} of {} blocks {file}", p.stage, p.done, p.total);
        }
    };
    let outcome = burn::run(&plan, &mut recorder, &mut image, &mut listen, &Cancel::new())?;
    println!("verified: {:?}; {}", outcome.verified, outcome.disc);
    Ok(())
}
