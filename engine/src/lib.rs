//! Optical disc mastering and burning.
//!
//! From a folder to a disc: [`image`] lays out what goes on the disc, [`burn`] plans and carries
//! out how it gets there, [`drive`] is the recorder as a person knows it. Everything talks to the
//! hardware through one trait, [`device::Device`]; what stands behind it (a real drive, a virtual
//! one, a recorded trace) cannot be told from above.
//!
//! From a folder to a verified disc (`examples/burn_folder.rs`):
//!
//! ```
//! use engine::burn::{self, Cancel, Event, Options};
//! use engine::drive::Recorder;
//! use engine::image::{Image, LayoutOptions, ScanOptions, Sectors, Tree};
//! use vdrive::models::MediumKind;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let folder = std::env::args().nth(1).unwrap_or(env!("CARGO_MANIFEST_DIR").to_owned());
//!
//!     // The recorder: here a virtual one with a blank DVD+R. With `host::SgIo` and
//!     // `host::HostClock` it is a real one; the rest stays as it is.
//!     let mut place = vdrive::open(&"virtual".parse()?, None, MediumKind::DvdPlusR, 1)?;
//!     let mut recorder = Recorder::new(&mut place.drive, &place.clock, "virtual");
//!
//!     // What goes on the disc. The place of every byte is fixed here and nothing is read yet.
//!     let tree = Tree::scan(&[folder], &ScanOptions::default())?;
//!     let mut image = Image::new(tree, &LayoutOptions::default())?;
//!
//!     // What will be done, or why it cannot be. Nothing is written yet.
//!     let plan = burn::plan(&mut recorder, image.blocks(), &Options::default())?;
//!     println!("{plan}");
//!
//!     // Writes, closes, reads every block back and compares it.
//!     let mut listen = |event: &Event| {
//!         if let Event::Progress(p) = event {
//!             let file = p.file.as_deref().unwrap_or_default();
//!             println!("{}: {} of {} blocks {file}", p.stage, p.done, p.total);
//!         }
//!     };
//!     let outcome = burn::run(&plan, &mut recorder, &mut image, &mut listen, &Cancel::new())?;
//!     println!("verified: {:?}; {}", outcome.verified, outcome.disc);
//!     Ok(())
//! }
//! ```
//!
//! - A disc is read with [`drive::DiscSectors`]; [`image::read`] makes a tree of its blocks again.
//! - Another session continues the last one: [`burn::session_base`] says where it must be laid out
//!   for, [`burn::Options::base`] takes the same address.
//! - Every end of a burn states what the disc is then ([`burn::DiscState`]); [`burn::assess`] finds
//!   it out anew, [`burn::close_interrupted`] makes an interrupted disc ready for another session.
//! - Programs with a loop of their own drive a [`burn::Job`] step by step.

pub mod burn;
pub mod cdda;
pub mod crc;
mod crc16;
pub mod device;
pub mod drive;
#[doc(hidden)]
pub mod fuzzing;
pub mod host;
pub mod image;
pub mod media;
pub mod mmc;
#[doc(hidden)]
pub mod testing;
pub mod units;
