//! One burn or one reading from end to end, as the program and the scenarios do it: from paths to
//! a tree, with what the disc holds already to an image, to a plan, to the disc.
//!
//! May not know: whether the drive is real, who watches, or where words go.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::burn::{self, Cancel, Event, Options, Outcome, Plan};
use engine::drive::{DiscSectors, Recorder};
use engine::image::read::{FileSectors, ReadOptions, Volume};
use engine::image::{Image, LayoutOptions, ScanOptions, Sectors, Time, Tree};
use engine::units::{BLOCK, Blocks, Bytes, Lba};

use crate::exit::{Exit, Failure};

/// How long a drive may take to become ready before it is given up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What is to be burned.
#[derive(Clone, Debug)]
pub enum What {
    /// Files and folders, as a file system.
    Paths(Vec<PathBuf>),
    /// An image file as it is.
    Image(PathBuf),
}

/// A burn as the user wants it.
#[derive(Clone, Debug)]
pub struct Job {
    /// What is burned.
    pub what: What,
    /// How. Its `base` is found out, not asked for.
    pub options: Options,
    /// The name of the volume, or `None` for one made from the paths.
    pub volume_id: Option<String>,
    /// When the volume was made.
    pub stamp: Time,
    /// Leave out what differs between copies of the same files.
    pub reproducible: bool,
    /// Files that are not to be burned even if they lie in a folder that is: the disc file.
    pub leave_out: Vec<PathBuf>,
}

/// The source, looked at and not yet laid out for a disc.
#[derive(Debug)]
pub enum Source {
    /// Files and folders.
    Tree(Tree),
    /// An image file.
    Image(FileSectors),
}

/// What lies on the disc already and is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Files, folders and links of the last session.
    pub nodes: usize,
    /// Where that session begins.
    pub session: Lba,
}

/// A burn that is ready to be carried out.
pub struct Ready {
    /// What will be done.
    pub plan: Plan,
    /// The image, laid out for its place.
    pub image: Box<dyn Sectors>,
    /// What the image records otherwise than the files have it, one line each.
    pub findings: Vec<String>,
    /// What is kept from the last session.
    pub kept: Option<Kept>,
}

impl Job {
    /// Looks at the source: names, sizes, times. Reads no content.
    pub fn source(&self) -> Result<Source, Failure> {
        match &self.what {
            What::Paths(paths) => Ok(Source::Tree(Tree::scan(paths, &self.scan_options())?)),
            What::Image(path) => FileSectors::open(path).map(Source::Image).map_err(|e| {
                Failure::new(Exit::Source, format!("{}: {e}", path.display()))
                    .advise("Nothing was written.")
            }),
        }
    }

    /// What to leave out of the folders.
    pub fn scan_options(&self) -> ScanOptions {
        ScanOptions { leave_out: self.leave_out.clone() }
    }

    /// The blocks that the source takes on an empty disc.
    pub fn blocks(&self, source: &Source) -> Result<Blocks, Failure> {
        match source {
            Source::Tree(tree) => Ok(self.lay_out(tree.clone(), Lba(0))?.blocks()),
            Source::Image(file) => Ok(file.blocks()),
        }
    }

    /// Lays the source out for what lies in the recorder and plans the burn. Changes nothing.
    pub fn prepare(&self, source: Source, recorder: &mut Recorder<'_>) -> Result<Ready, Failure> {
        recorder.ready(PATIENCE)?;
        let base = burn::session_base(recorder, &self.options)?;
        let (mut findings, mut kept) = (Vec::new(), None);
        let image: Box<dyn Sectors> = match source {
            Source::Image(file) => Box::new(file),
            Source::Tree(tree) => {
                let tree = match base.last {
                    Some(last) if base.start > Lba(0) => {
                        let old = last_session(recorder, last)?;
                        kept = Some(Kept { nodes: old.len() - 1, session: last });
                        old.merged(&tree)?
                    }
                    _ => tree,
                };
                let image = self.lay_out(tree, base.start)?;
                findings.extend(image.findings().iter().map(|f| f.describe(image.tree())));
                Box::new(image)
            }
        };
        let options = Options { base: base.start, ..self.options.clone() };
        let plan = burn::plan(recorder, image.blocks(), &options)?;
        Ok(Ready { plan, image, findings, kept })
    }

    /// The image of this tree at its place on the disc.
    pub fn lay_out(&self, tree: Tree, base: Lba) -> Result<Image, Failure> {
        let options = LayoutOptions {
            base,
            volume_id: self.volume_name(),
            stamp: self.stamp,
            reproducible: self.reproducible,
            ..LayoutOptions::default()
        };
        Ok(Image::new(tree, &options)?)
    }

    /// The name of the volume: as wished, else that of the only path, else `KILN`.
    pub fn volume_name(&self) -> String {
        if let Some(name) = &self.volume_id {
            return name.clone();
        }
        let What::Paths(paths) = &self.what else { return "KILN".to_owned() };
        let name = match &paths[..] {
            [only] => only.file_name().map(|name| name.to_string_lossy().into_owned()),
            _ => None,
        };
        let mut name = name.unwrap_or_else(|| "KILN".to_owned());
        while name.len() > 32 {
            name.pop();
        }
        name
    }
}

impl Ready {
    /// Burns.
    pub fn run(
        &mut self,
        recorder: &mut Recorder<'_>,
        tell: &mut dyn FnMut(&Event),
        cancel: &Cancel,
    ) -> Result<Outcome, Failure> {
        Ok(burn::run(&self.plan, recorder, &mut *self.image, tell, cancel)?)
    }
}

/// The tree of the session whose first track starts at `last`.
fn last_session(recorder: &mut Recorder<'_>, last: Lba) -> Result<Tree, Failure> {
    let address = recorder.address().to_owned();
    let mut disc = DiscSectors::whole(recorder)?;
    let options = ReadOptions { session: last, ..ReadOptions::default() };
    let volume = Volume::read(&mut disc, &options).map_err(|e| {
        Failure::new(Exit::Medium, format!("{address}: the last session cannot be added to: {e}"))
            .advise("The disc is as it was. Use another one, or --image to add an image as it is.")
    })?;
    Ok(volume.tree)
}

/// The user data of a disc, block by block in order.
///
/// `put` takes bytes and says whether it wants more; `tell` is told the blocks read so far and all.
pub fn read_out(
    recorder: &mut Recorder<'_>,
    put: &mut dyn FnMut(&[u8]) -> Result<bool, Failure>,
    tell: &mut dyn FnMut(Blocks, Blocks),
    cancel: &Cancel,
) -> Result<Bytes, Failure> {
    recorder.ready(PATIENCE)?;
    let address = recorder.address().to_owned();
    let mut disc = DiscSectors::whole(recorder)?;
    let total = disc.blocks();
    if total == Blocks(0) {
        return Err(Failure::new(Exit::Medium, format!("{address}: the disc is blank"))
            .advise("There is nothing to read."));
    }
    let mut room = vec![0; 512 * BLOCK];
    let mut done = Blocks(0);
    while done < total {
        if cancel.is_cancelled() {
            return Err(Failure::new(Exit::Stopped, "stopped; nothing was kept"));
        }
        let count = (total - done).0.min(512);
        let room = &mut room[..count as usize * BLOCK];
        disc.read(done, room).map_err(|e| {
            Failure::new(Exit::DriveFailed, format!("{address}: {e}"))
                .advise("Clean the disc and try again.")
        })?;
        if !put(room)? {
            break;
        }
        done += Blocks(count);
        tell(done, total);
    }
    Ok(done.bytes())
}

/// The volume of the session that begins at `session` in an image file.
pub fn volume_in(path: &Path, session: Lba) -> Result<(FileSectors, Volume), Failure> {
    let failed = |why: String| Failure::new(Exit::Image, format!("{}: {why}", path.display()));
    let mut sectors = FileSectors::open(path).map_err(|e| failed(e.to_string()))?;
    let options = ReadOptions { session, ..ReadOptions::default() };
    let volume = Volume::read(&mut sectors, &options).map_err(|e| failed(e.to_string()))?;
    Ok((sectors, volume))
}
