//! The next session of a disc or an image, laid out for its place: alone, behind those that a drive
//! has closed, or in place behind the end of a volume that can be written over.

use engine::burn::{self, DiscState, Fault, SessionBase};
use engine::drive::{DiscSectors, Recorder, Track};
use engine::image::read::{self, FileSectors};
use engine::image::{
    Access, Changes, GrowError, Growable, Grown, Image, LayoutOptions, MemorySectors, Partition,
    Sectors, Tree, UdfOptions,
};
use engine::units::{Blocks, Lba};

use super::Job;
use crate::carry::{Beginning, Carried, Kept};
use crate::exit::{Exit, Failure};

/// Said of a further session that leaves UDF out where the disc has it.
const OLD_UDF: &str = "who looks at the UDF tree of the disc will find what was there before only; \
                       leave --fs out to have it in UDF as well";

/// An image laid out for a disc, and what goes with it.
pub(super) struct Laid {
    pub image: Box<dyn Sectors>,
    pub base: Lba,
    pub heads: Vec<(Lba, Blocks)>,
    pub findings: Vec<String>,
    pub kept: Option<Kept>,
    pub changes: Option<Changes>,
}

impl Laid {
    pub(super) fn alone(image: Box<dyn Sectors>, base: Lba) -> Laid {
        let (heads, findings) = (Vec::new(), Vec::new());
        Laid { image, base, heads, findings, kept: None, changes: None }
    }
}

/// A further state of a volume in an image file.
pub struct Growth {
    /// The session and what leads to it.
    pub grown: Grown,
    /// What is worth saying, one line each.
    pub findings: Vec<String>,
    /// What is kept from an earlier session.
    pub kept: Option<Kept>,
    /// What is other than it was, where only that is written.
    pub changes: Option<Changes>,
}

impl Job {
    /// A further state of the volume in an image file.
    pub fn grow_file(&self, tree: Tree, file: &mut FileSectors) -> Result<Growth, Failure> {
        let failed = |why: String| {
            Failure::new(Exit::Image, format!("the image cannot be added to: {why}"))
                .advise("It is as it was.")
        };
        let found = Growable::find_in_file(file).map_err(|e| failed(e.to_string()))?;
        let grown = self.next_state(tree, file, &found, Blocks(1));
        let (grown, laid) = grown.map_err(|e| match e {
            Unfit::Old(why) => failed(why),
            Unfit::Other(failure) => failure,
        })?;
        let Laid { findings, kept, changes, .. } = laid;
        Ok(Growth { grown, findings, kept, changes })
    }

    /// The first session of a disc.
    pub(super) fn first(&self, tree: Tree, base: &SessionBase) -> Result<Laid, Failure> {
        if matches!(self.carry.beginning, Beginning::Session(_)) {
            let what = "the disc holds no session to go back to";
            return Err(Failure::new(Exit::Medium, what));
        }
        let layout = self.layout_options(base.start, base.rules);
        let in_place = base.in_place && layout.udf.is_none_or(|udf| stays(&udf));
        let layout = LayoutOptions { in_place, ..layout };
        let image = Image::new(tree, &layout)?;
        let findings = described(&image);
        Ok(Laid { findings, ..Laid::alone(Box::new(image), base.start) })
    }

    /// A session behind those that a drive has closed.
    pub(super) fn append(
        &self,
        tree: Tree,
        recorder: &mut Recorder<'_>,
        base: Lba,
        last: Lba,
    ) -> Result<Laid, Failure> {
        let address = recorder.address().to_owned();
        let starts = session_starts(&recorder.medium()?.tracks);
        let session = self.carry.session(&starts, last)?;
        let mut disc = DiscSectors::whole(recorder)?;
        let carried = self.carry.tree(&mut disc, session, last, tree);
        let mut carried = carried.map_err(|e| unfit(&address, &e))?;
        let layout = self.continued(&mut carried, base);
        if carried.systems.udf.is_some() && layout.udf.is_none() {
            carried.notes.push(OLD_UDF.to_owned());
        }
        let image = Image::new(carried.tree, &layout)?;
        let findings = [carried.notes, described(&image)].concat();
        let Carried { kept, changes, .. } = carried;
        Ok(Laid { findings, kept, changes, ..Laid::alone(Box::new(image), base) })
    }

    /// A further state of the volume on a disc that can be written over.
    pub(super) fn grow(
        &self,
        tree: Tree,
        recorder: &mut Recorder<'_>,
        base: &SessionBase,
    ) -> Result<Laid, Failure> {
        let address = recorder.address().to_owned();
        let medium = recorder.medium()?;
        let unit = medium.rules.map_or(Blocks(1), |rules| rules.unit);
        let mut disc = DiscSectors::range(recorder, Lba(0), base.room);
        let found = Growable::find(&mut disc).map_err(|error| {
            let fault = Fault::NotBlank { medium: medium.name() };
            Failure::from(burn::Error::new(fault, address.clone(), DiscState::Untouched))
                .advise(format!("Nothing can be added to it: {error}."))
        })?;
        let end = found.newest.end.checked_from(Lba(0)).unwrap_or_default();
        let mut disc = DiscSectors::range(recorder, Lba(0), end);
        let (grown, laid) =
            self.next_state(tree, &mut disc, &found, unit).map_err(|e| e.at(&address))?;
        let heads = grown.heads();
        Ok(Laid { image: Box::new(grown), heads, ..laid })
    }

    /// A further state of a volume that `sectors` hold from block 0 on.
    fn next_state(
        &self,
        tree: Tree,
        sectors: &mut dyn Sectors,
        found: &Growable,
        unit: Blocks,
    ) -> Result<(Grown, Laid), Unfit> {
        let starts = match self.carry.beginning {
            Beginning::Session(_) => {
                let found = read::sessions(sectors).map_err(|e| Unfit::Old(e.to_string()))?;
                found.iter().map(|session| session.start).collect()
            }
            _ => Vec::new(),
        };
        let session = self.carry.session(&starts, Lba(0))?;
        let mut carried = self.carry.tree(sectors, session, Lba(0), tree).map_err(Unfit::Old)?;
        let continued = self.continued(&mut carried, found.base);
        let layout = LayoutOptions { in_place: true, pad: Blocks(0), ..continued };
        let image = Image::new(carried.tree, &layout).map_err(Failure::from)?;
        let findings = [carried.notes, described(&image)].concat();
        let Carried { kept, changes, .. } = carried;
        let grown = Grown::new(image, sectors, unit)?;
        let nothing = Box::new(MemorySectors(Vec::new()));
        Ok((grown, Laid { findings, kept, changes, ..Laid::alone(nothing, found.base) }))
    }

    /// How a session is laid out that continues a volume.
    fn continued(&self, carried: &mut Carried, base: Lba) -> LayoutOptions {
        let wished = self.layout_options(base, None);
        carried.layout(&wished, self.volume_id.is_some(), self.by_medium)
    }
}

/// Whether nobody but kiln adds to a UDF volume.
fn stays(udf: &UdfOptions) -> bool {
    let read_only = matches!(udf.access, None | Some(Access::ReadOnly));
    udf.partition == Partition::Plain && read_only && udf.size.is_none()
}

/// Why a volume does not grow.
enum Unfit {
    /// What is there cannot be used.
    Old(String),
    /// Something else.
    Other(Failure),
}

impl From<Failure> for Unfit {
    fn from(failure: Failure) -> Unfit {
        Unfit::Other(failure)
    }
}

impl From<GrowError> for Unfit {
    fn from(error: GrowError) -> Unfit {
        Unfit::Old(error.to_string())
    }
}

impl Unfit {
    fn at(self, address: &str) -> Failure {
        match self {
            Unfit::Old(why) => unfit(address, &why),
            Unfit::Other(failure) => failure,
        }
    }
}

fn unfit(address: &str, why: &str) -> Failure {
    Failure::new(Exit::Medium, format!("{address}: the last session cannot be added to: {why}"))
        .advise("The disc is as it was. Use another one, or --image to add an image as it is.")
}

/// What an image records otherwise than its files have it.
fn described(image: &Image) -> Vec<String> {
    image.findings().iter().map(|finding| finding.describe(image.tree())).collect()
}

/// Where each session with data begins, by the tracks.
pub fn session_starts(tracks: &[Track]) -> Vec<Lba> {
    let mut starts: Vec<(u16, Lba)> = Vec::new();
    for track in tracks.iter().filter(|track| track.data && !track.blank) {
        match starts.iter_mut().find(|(session, _)| *session == track.session) {
            Some((_, start)) => *start = track.start.min(*start),
            None => starts.push((track.session, track.start)),
        }
    }
    starts.into_iter().map(|(_, start)| start).collect()
}
