//! One burn or one reading from end to end, as the program and the scenarios do it: from paths to
//! a tree, with what the disc holds already to an image, to a plan, to the disc.
//!
//! May not know: whether the drive is real, who watches, or where words go.

mod lay;

use std::path::{Path, PathBuf};
use std::time::Duration;

use engine::burn::{self, Cancel, DiscState, Event, Fault, Options, Outcome, Plan};
use engine::drive::{DiscSectors, Error, ErrorKind, Mark, Medium, Recorder, State, Track};
use engine::image::read::{FileSectors, ReadOptions, Volume};
use engine::image::{Changes, Image, LayoutOptions, Sectors, XattrChoice};
use engine::media::Rules;
use engine::mmc::cdb::Read10;
use engine::mmc::sense::SenseKey;
use engine::units::{BLOCK, Blocks, Bytes, Lba};

use crate::carry::{Carry, Kept};
use crate::defaults;
use crate::exit::{Exit, Failure};
use crate::sources::{Gathered, Sources};

use lay::Laid;
pub use lay::{Growth, session_starts};

/// How long a drive may take to become ready before it is given up.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What is to be burned.
#[derive(Clone, Debug)]
pub enum What {
    /// Files and folders, as a file system.
    Files(Box<Sources>),
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
    /// What the volume shall be like. Its place and its name are found out, not asked for.
    pub layout: LayoutOptions,
    /// The medium decides about file systems, not `layout`.
    pub by_medium: bool,
    /// What of the disc goes into the session.
    pub carry: Carry,
    /// The only disc to burn on, as [`Mark`] tells it.
    pub expect: Option<String>,
    /// Files that are not to be burned even if they lie in a folder that is: the disc file.
    pub leave_out: Vec<PathBuf>,
    /// Extended attributes to take along.
    pub xattrs: XattrChoice,
}

/// The source, looked at and not yet laid out for a disc.
#[derive(Debug)]
pub enum Source {
    /// Files and folders.
    Tree(Box<Gathered>),
    /// An image file.
    Image(FileSectors),
}

/// A burn that is ready to be carried out.
pub struct Ready {
    /// What will be done.
    pub plan: Plan,
    /// The image, laid out for its place.
    pub image: Box<dyn Sectors>,
    /// What the image records otherwise than the files have it, and what else is worth saying; one
    /// line each.
    pub findings: Vec<String>,
    /// What is kept from an earlier session.
    pub kept: Option<Kept>,
    /// What is other than it was, where only that is burned.
    pub changes: Option<Changes>,
}

/// What came of preparing a burn.
pub enum Prepared {
    /// It can be carried out.
    Burn(Box<Ready>),
    /// Only what changed was to be burned, and nothing has.
    Nothing(Changes),
}

impl Job {
    /// Looks at the source: names, sizes, times. Reads no content.
    pub fn source(&self) -> Result<Source, Failure> {
        match &self.what {
            What::Files(sources) => {
                let gathered = sources.gather(&self.leave_out, self.xattrs, self.layout.stamp)?;
                Ok(Source::Tree(Box::new(gathered)))
            }
            What::Image(path) => FileSectors::open(path).map(Source::Image).map_err(|e| {
                Failure::new(Exit::Source, format!("{}: {e}", path.display()))
                    .advise("Nothing was written.")
            }),
        }
    }

    /// The blocks that the source takes on an empty disc, of such a medium if that is known.
    pub fn blocks(&self, source: &Source, medium: Option<&Rules>) -> Result<Blocks, Failure> {
        match source {
            Source::Tree(of) => {
                let options = self.layout_options(Lba(0), medium);
                Ok(Image::new(of.tree.clone(), &options)?.blocks())
            }
            Source::Image(file) => Ok(file.blocks()),
        }
    }

    /// Lays the source out for what lies in the recorder and plans the burn. Changes nothing.
    pub fn prepare(
        &self,
        source: Source,
        recorder: &mut Recorder<'_>,
    ) -> Result<Prepared, Failure> {
        recorder.ready(PATIENCE)?;
        let base = burn::session_base(recorder, &self.options)?;
        let disc = self.the_disc(recorder, base.last.is_some())?;
        let mut remarks = Vec::new();
        let laid = match source {
            Source::Image(file) => Laid::alone(Box::new(file), base.start),
            Source::Tree(gathered) => {
                let Gathered { tree, remarks: said } = *gathered;
                remarks = said;
                match base.last {
                    Some(_) if base.in_place => self.grow(tree, recorder, &base)?,
                    Some(last) => self.append(tree, recorder, base.start, last)?,
                    None => self.first(tree, &base)?,
                }
            }
        };
        if let Some(changes) = laid.changes.filter(|changes| self.carry.nothing_to_do(changes)) {
            return Ok(Prepared::Nothing(changes));
        }
        let Laid { image, base, heads, findings, kept, changes } = laid;
        let findings = [remarks, findings].concat();
        let options = Options { base, heads, disc, ..self.options.clone() };
        let plan = burn::plan(recorder, image.blocks(), &options)?;
        Ok(Prepared::Burn(Box::new(Ready { plan, image, findings, kept, changes })))
    }

    /// What tells the disc from others, if it holds something or a certain one is expected.
    fn the_disc(&self, recorder: &mut Recorder<'_>, holds: bool) -> Result<Option<Mark>, Failure> {
        if !holds && self.expect.is_none() {
            return Ok(None);
        }
        let medium = recorder.medium()?;
        let mark = recorder.mark(&medium)?;
        match &self.expect {
            Some(expect) if *expect != mark.to_string() => {
                let detail = format!("it is {mark}, not {expect}");
                let address = recorder.address();
                Err(burn::Error::new(Fault::Replaced { detail }, address, DiscState::Untouched)
                    .into())
            }
            _ => Ok(Some(mark)),
        }
    }

    /// How the image is laid out at its place on the disc, on such a medium if that is known.
    pub fn layout_options(&self, base: Lba, medium: Option<&Rules>) -> LayoutOptions {
        let layout = match medium.filter(|_| self.by_medium) {
            Some(medium) => defaults::for_medium(&self.layout, medium),
            None => self.layout.clone(),
        };
        LayoutOptions { base, volume_id: self.volume_name(), ..layout }
    }

    /// The name of the volume: as wished, else that of the only path, else `KILN`.
    pub fn volume_name(&self) -> String {
        if let Some(name) = &self.volume_id {
            return name.clone();
        }
        let What::Files(sources) = &self.what else { return "KILN".to_owned() };
        let name = sources.only_path().and_then(Path::file_name);
        let name = name.map(|name| name.to_string_lossy().into_owned());
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

/// The user data of a disc, block by block in order, from block 0 to the last recorded one. What
/// lies between sessions cannot be read and is zeros.
///
/// A formatted disc does not tell what of it was recorded: there the volume on it says where it
/// ends, unless `whole` asks for every block, or there is no volume.
///
/// `put` takes bytes and says whether it wants more; `tell` is told the blocks read so far and all.
pub fn read_out(
    recorder: &mut Recorder<'_>,
    whole: bool,
    put: &mut dyn FnMut(&[u8]) -> Result<bool, Failure>,
    tell: &mut dyn FnMut(Blocks, Blocks),
    cancel: &Cancel,
) -> Result<Bytes, Failure> {
    recorder.ready(PATIENCE)?;
    let address = recorder.address().to_owned();
    let medium = recorder.medium()?;
    if let Some(track) = medium.tracks.iter().find(|track| !track.data && !track.blank) {
        let what = format!("{address}: track {} holds audio, not data", track.number);
        return Err(Failure::new(Exit::Medium, what)
            .advise("Only discs of data can be read. Audio needs a program that rips it."));
    }
    let mut total = DiscSectors::whole(recorder)?.blocks();
    // A session that was never closed is not in the disc's capacity; what it holds is data.
    if let DiscState::Open { readable_to, .. } = burn::assess(recorder)? {
        total = total.max(readable_to.checked_from(Lba(0)).unwrap_or_default());
    }
    if medium.state == State::Overwritable && !whole {
        total = volume_end(recorder, &medium, total);
    }
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
        let (end, recorded) = stretch(medium.state, &medium.tracks, done);
        let count = (end.min(total) - done).0.min(512);
        let room = &mut room[..count as usize * BLOCK];
        let mut last = false;
        if recorded {
            let start = Lba(0) + done;
            let read = DiscSectors::range(recorder, start, Blocks(count)).read(Blocks(0), room);
            if let Err(error) = read {
                let bad = done + error.block;
                let run_out = medium.rules.map_or(Blocks(0), |rules| rules.run_out);
                let nothing = medium.state == State::Overwritable && blank(recorder, bad);
                if !nothing && (end - bad) > run_out {
                    return Err(Failure::new(Exit::DriveFailed, format!("{address}: {error}"))
                        .advise("Clean the disc and try again."));
                }
                room[error.block.0 as usize * BLOCK..].fill(0);
                last = nothing;
                if nothing {
                    done = bad;
                    put(&room[..error.block.0 as usize * BLOCK])?;
                }
            }
        } else {
            room.fill(0);
        }
        if last || !put(room)? {
            break;
        }
        done += Blocks(count);
        tell(done, total);
    }
    Ok(done.bytes())
}

/// Where the volume on a formatted disc ends, up to the unit that a drive writes at least; the
/// whole disc if there is none that can be read.
fn volume_end(recorder: &mut Recorder<'_>, medium: &Medium, total: Blocks) -> Blocks {
    let unit = medium.rules.map_or(Blocks(1), |rules| rules.unit);
    let mut disc = DiscSectors::range(recorder, Lba(0), total);
    match Volume::space(&mut disc, Lba(0)) {
        Ok(space) if space.0 > 0 => space.round_up(unit).min(total),
        _ => total,
    }
}

/// Where the stretch ends that this block lies in, and whether it is a track or lies between two.
/// A drive that only reads may name no tracks: then everything is worth reading.
fn stretch(state: State, tracks: &[Track], at: Blocks) -> (Blocks, bool) {
    if state == State::Overwritable || tracks.is_empty() {
        return (Blocks(u32::MAX), true);
    }
    let at = i64::from(at.0);
    let mut next = i64::from(u32::MAX);
    for track in tracks.iter().filter(|track| !track.blank) {
        let start = i64::from(track.start.0);
        // An open track is recorded up to where it can be written on.
        let end = match track.next {
            Some(next) => i64::from(next.0),
            None => start + i64::from(track.blocks.0),
        };
        if (start..end).contains(&at) {
            return (Blocks(u32::try_from(end).unwrap_or(u32::MAX)), true);
        }
        if start > at {
            next = next.min(start);
        }
    }
    (Blocks(u32::try_from(next).unwrap_or(u32::MAX)), false)
}

/// Whether nothing was ever recorded in this block: the drive says blank check.
fn blank(recorder: &mut Recorder<'_>, at: Blocks) -> bool {
    let read = Read10 { lba: Lba(0) + at, blocks: 1, ..Read10::default() };
    match recorder.ask(&read, BLOCK) {
        Err(Error { kind: ErrorKind::Sense(sense), .. }) => sense.code.key == SenseKey::BlankCheck,
        _ => false,
    }
}

/// The volume of the last session of the disc in the recorder, and the disc's blocks.
pub fn volume_on<'r, 'a>(
    recorder: &'r mut Recorder<'a>,
) -> Result<(DiscSectors<'r, 'a>, Volume), Failure> {
    let address = recorder.address().to_owned();
    let tracks = recorder.medium()?.tracks;
    let recorded = tracks.iter().filter(|t| !t.blank && t.data);
    let session = recorded.clone().map(|t| t.session).max();
    let first = recorded.filter(|t| Some(t.session) == session).map(|t| t.start).min();
    let mut disc = DiscSectors::whole(recorder)?;
    let options = ReadOptions { session: first.unwrap_or(Lba(0)), ..ReadOptions::default() };
    let volume = Volume::read(&mut disc, &options)
        .map_err(|e| Failure::new(Exit::Image, format!("{address}: {e}")))?;
    Ok((disc, volume))
}

/// The volume of the session that begins at `session` in an image file.
pub fn volume_in(path: &Path, session: Lba) -> Result<(FileSectors, Volume), Failure> {
    let failed = |why: String| Failure::new(Exit::Image, format!("{}: {why}", path.display()));
    let mut sectors = FileSectors::open(path).map_err(|e| failed(e.to_string()))?;
    let options = ReadOptions { session, ..ReadOptions::default() };
    let volume = Volume::read(&mut sectors, &options).map_err(|e| failed(e.to_string()))?;
    Ok((sectors, volume))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_whose_drive_names_no_tracks_is_read_whole() {
        assert_eq!(stretch(State::Complete, &[], Blocks(16)), (Blocks(u32::MAX), true));
    }
}
