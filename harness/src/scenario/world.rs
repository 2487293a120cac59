//! What a scenario acts on: source folder, drive, disc. One method for each verb.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use engine::burn::{self, Cancel, Close, DiscState, Options, Outcome};
use engine::host::Access;
use engine::image::read::ExtractOptions;
use engine::image::{LayoutOptions, Sameness, Time, UdfOptions, XattrChoice};
use vdrive::models::MediumModel;

use super::file::{self, Ending, Fault, Scenario, When};
use super::folder::{Folder, STAMP, differences};
use super::run::{Choices, Report, disc_file, source_folder};
use super::trouble::Troubled;
use crate::carry::{Beginning, Carry, Laying};
use crate::exit::{Exit, Failure};
use crate::job::{self, Job, PATIENCE, Prepared, Ready, What};
use crate::place::{self, Address, Cut, Laboratory, Place, Tray, Want};
use crate::promise::{self, BOUND, Breach, Bystander, Fingerprint, Seen};
use crate::sources::Sources;

/// A run in progress.
pub(super) struct World<'s> {
    scenario: &'s Scenario,
    choices: &'s Choices,
    dir: PathBuf,
    folder: Folder,
    place: Option<Place>,
    holder: Option<Place>,
    bystanders: Vec<Bystander>,
    trace: Rc<RefCell<Vec<String>>>,
    log: Vec<String>,
    commands: Option<u64>,
    /// Burns that are over.
    burns: u32,
}

/// How a burn ended: what it said of the disc, and whether it did what was asked.
struct Ended {
    result: Result<Outcome, Failure>,
    said: DiscState,
}

impl<'s> World<'s> {
    /// A world before the first step.
    pub(super) fn new(
        scenario: &'s Scenario,
        choices: &'s Choices,
        dir: &Path,
        trace: Rc<RefCell<Vec<String>>>,
    ) -> Result<World<'s>, String> {
        let seed = choices.seed.unwrap_or(scenario.seed);
        let folder = source_folder(dir, seed)?;
        let mut world = World {
            scenario,
            choices,
            dir: dir.to_owned(),
            folder,
            place: None,
            holder: None,
            bystanders: Vec::new(),
            trace,
            log: Vec::new(),
            commands: None,
            burns: 0,
        };
        if let Some(model) = world.model()? {
            let other = dir.join("bystander.disc");
            for path in [&disc_file(dir), &other] {
                place::make_disc(path, &model).map_err(|f| f.to_string())?;
            }
            world.watch(other)?;
        }
        Ok(world)
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Whether the burn of this number is over, from 0 on.
    pub(super) fn has_burned(&self, burn: u32) -> bool {
        self.burns > burn
    }

    /// Whether this burn is the one that may be cut by who runs the scenario.
    fn chosen(&self) -> bool {
        self.burns == self.choices.cut_burn
    }

    /// The disc that the scenario begins with.
    fn model(&self) -> Result<Option<MediumModel>, String> {
        let Some(medium) = &self.scenario.medium else { return Ok(None) };
        if self.real() {
            return Ok(None);
        }
        let mut model = place::medium_named(&medium.kind.0).map_err(|f| f.to_string())?;
        if let Some(blocks) = medium.blocks {
            place::shrink(&mut model, blocks);
        }
        Ok(Some(model))
    }

    fn address(&self) -> &str {
        self.choices.drive.as_ref().unwrap_or(&self.scenario.drive)
    }

    fn real(&self) -> bool {
        matches!(self.address().parse(), Ok(Address::Host(_)))
    }

    fn watch(&mut self, path: PathBuf) -> Result<(), String> {
        let watched = Bystander::watch(path).map_err(|e| e.to_string())?;
        self.bystanders.push(watched);
        Ok(())
    }

    /// The drive, opened when it is first needed.
    fn place(&mut self) -> Result<&mut Place, Failure> {
        if self.place.is_none() {
            let seed = Some(self.choices.seed.unwrap_or(self.scenario.seed));
            let want = Want { drive: Some(self.address().to_owned()), ..Want::default() };
            let address = want.address()?;
            let disc = disc_file(&self.dir);
            let tray = match address {
                Address::Host(_) => Tray::Real,
                Address::Virtual(_) if disc.exists() => Tray::File(disc),
                Address::Virtual(_) => Tray::Empty,
            };
            let want = if self.real() { want } else { Want { seed, ..want } };
            let defects =
                self.scenario.medium.as_ref().map(|m| m.defects.clone()).unwrap_or_default();
            let place = Place::open_traced(
                &want,
                &address,
                tray,
                Access::Exclusive,
                Some(Box::new(self.trace.clone())),
            )?;
            if let Some(laboratory) = place.laboratory() {
                defects.iter().for_each(|block| laboratory.spoil(*block));
            }
            self.place = Some(place);
        }
        self.place.as_mut().ok_or_else(|| Failure::new(Exit::Internal, "no drive"))
    }

    /// The disc itself, past the drive; `None` on a real drive or without a disc.
    fn seen(&mut self) -> Result<Option<Seen>, String> {
        match self.place.as_ref().and_then(Place::laboratory) {
            Some(laboratory) => laboratory.seen(),
            None => Ok(None),
        }
    }

    pub(super) fn burn(&mut self, burn: &file::Burn) -> Result<(), String> {
        let before = match self.place() {
            Ok(_) => self.seen()?,
            Err(failure) => return self.ended_early(burn, failure),
        };
        let shown = self.place.as_ref().and_then(Place::laboratory).and_then(Laboratory::shown);
        let job = self.job(burn);
        let cancel = Cancel::new();
        let (mut ready, mut ended, took) = self.attempt(burn, &job, &cancel)?;
        if self.cut(burn).is_some() {
            // What was said as the power went must be as true as what is found out afterwards.
            let now = self.seen()?;
            promise::statement(&ended.said, before.as_ref(), now.as_ref())
                .map_err(|breach| breach.to_string())?;
            ended = self.after_power(ended)?;
        }
        self.note(&format!("burn: {}", tell(&ended)));
        let forced = self.chosen() && self.choices.cut_at.is_some();
        self.burns += 1;
        let after = self.seen()?;
        self.promises(burn, ready.as_mut(), &ended, before.as_ref(), after.as_ref(), took)
            .map_err(|breach| breach.to_string())?;
        if let (Some(ready), Some(shown)) = (&mut ready, shown)
            && !ready.plan.heads.is_empty()
            && let Some(laboratory) = self.place.as_ref().and_then(Place::laboratory)
            && let Some(wanted) = laboratory.to_show(&mut *ready.image, &ready.plan)
            && let Some(now) = laboratory.shown()
        {
            promise::whole(&shown, &wanted, &now).map_err(|breach| breach.to_string())?;
        }
        if forced { Ok(()) } else { expected(burn, &ended) }
    }

    /// A burn that did not even get a drive.
    fn ended_early(&mut self, burn: &file::Burn, failure: Failure) -> Result<(), String> {
        let ended = Ended { result: Err(failure), said: DiscState::Untouched };
        self.note(&format!("burn: {}", tell(&ended)));
        self.bystanders.iter().try_for_each(Bystander::unchanged).map_err(|b| b.to_string())?;
        expected(burn, &ended)
    }

    /// The burn itself. What is wrong with it is part of the answer.
    fn attempt(
        &mut self,
        burn: &file::Burn,
        job: &Result<Job, Failure>,
        cancel: &Cancel,
    ) -> Result<(Option<Ready>, Ended, Duration), String> {
        let cut = self.cut(burn);
        let folder = &self.folder;
        let place = self.place.as_mut().ok_or("no drive")?;
        let mut before = 0;
        if let Some(laboratory) = place.laboratory() {
            before = laboratory.commands();
            cut.into_iter().for_each(|cut| laboratory.cut(cut));
        }
        let start = place.clock().now();
        let mut ready = None;
        let refused = |failure| Ended { result: Err(failure), said: DiscState::Untouched };
        let prepared = job.clone().and_then(|job| {
            let source = job.source()?;
            job.prepare(source, &mut place.recorder())
        });
        let ended = match prepared {
            Err(failure) => refused(failure),
            Ok(Prepared::Nothing(_)) => {
                let what = "nothing to do, nothing was written";
                refused(Failure::new(Exit::Success, what))
            }
            Ok(Prepared::Burn(mut prepared)) => {
                let clock = place.clock();
                let mut image = Troubled::new(
                    &mut *prepared.image,
                    &burn.faults,
                    folder,
                    &*clock,
                    cancel.clone(),
                );
                let mut recorder = place.recorder();
                let plan = &prepared.plan;
                let result = burn::run(plan, &mut recorder, &mut image, &mut |_| {}, cancel);
                ready = Some(*prepared);
                match result {
                    Ok(outcome) => Ended { said: outcome.disc.clone(), result: Ok(outcome) },
                    Err(error) => Ended { said: error.disc.clone(), result: Err(error.into()) },
                }
            }
        };
        let took = place.clock().now().since(start);
        if let Some(laboratory) = place.laboratory() {
            let after = laboratory.commands();
            if self.burns == self.choices.cut_burn {
                self.commands = Some(after - before);
            }
        }
        Ok((ready, ended, took))
    }

    /// When the power goes in a burn: the one who runs the scenario decides about one of them.
    fn cut(&self, burn: &file::Burn) -> Option<Cut> {
        if self.chosen()
            && let Some(n) = self.choices.cut_at
        {
            return Some(Cut::Command(n));
        }
        burn.faults.iter().find_map(|fault| match fault {
            Fault::PowerCut(When::Command(n)) => Some(Cut::Command(*n)),
            Fault::PowerCut(When::Ms(ms)) => Some(Cut::After(Duration::from_millis(*ms))),
            _ => None,
        })
    }

    /// Where the power was cut: it comes back, and the disc is asked for its state anew.
    fn after_power(&mut self, ended: Ended) -> Result<Ended, String> {
        let Some(place) = self.place.as_mut() else { return Ok(ended) };
        if let Some(laboratory) = place.laboratory() {
            laboratory.heal();
        }
        let mut recorder = place.recorder();
        let asked = recorder.ready(PATIENCE).map_err(Failure::from);
        let said = match asked {
            Ok(()) => burn::assess(&mut recorder).map_err(|e| format!("after a power cut: {e}"))?,
            Err(failure) if failure.exit == Exit::NoMedium => DiscState::NoDisc,
            Err(failure) => return Err(format!("after a power cut: {failure}")),
        };
        Ok(Ended { said, ..ended })
    }

    fn promises(
        &mut self,
        burn: &file::Burn,
        ready: Option<&mut Ready>,
        ended: &Ended,
        before: Option<&Seen>,
        after: Option<&Seen>,
        took: Duration,
    ) -> Result<(), Breach> {
        promise::within_bound(took, BOUND)?;
        if let Some(place) = self.place.as_mut() {
            promise::unlocked(&mut place.recorder())?;
        }
        self.bystanders.iter().try_for_each(Bystander::unchanged)?;
        if self.real() {
            return Ok(());
        }
        let grown = ready.as_ref().map(|ready| (ready.plan.start, ready.plan.heads.clone()));
        let (start, heads) = grown.unwrap_or_default();
        if let (Ok(_), Some(ready), Some(after)) = (&ended.result, ready, after) {
            let place = |block| ready.plan.place(block).map(|(lba, _)| lba);
            promise::success(&mut *ready.image, &place, &after.blocks)?;
        }
        if let (Some(before), Some(after), false) = (before, after, burn.overwrite) {
            promise::kept_but_grown(&before.blocks, &after.blocks, start, &heads)?;
        }
        promise::statement(&ended.said, before, after)
    }

    fn job(&self, burn: &file::Burn) -> Result<Job, Failure> {
        let paths = match &burn.paths[..] {
            [] => vec![self.folder.path().to_owned()],
            some => some.iter().map(|path| self.folder.path().join(path)).collect(),
        };
        let speed = match &burn.speed {
            None => burn::Speed::Highest,
            Some(text) => text
                .parse::<burn::Speed>()
                .map_err(|e| Failure::new(Exit::Scenario, e.to_string()))?,
        };
        let verify = match burn.verify {
            file::Verify::None => burn::Verify::None,
            file::Verify::Quick => burn::Verify::Quick,
            file::Verify::Full => burn::Verify::Full,
        };
        let close = if burn.keep_open { Close::KeepOpen } else { Close::Finalize };
        Ok(Job {
            what: What::Files(Box::new(Sources::of(paths))),
            options: Options {
                speed,
                close,
                verify,
                overwrite: burn.overwrite,
                ..Options::default()
            },
            volume_id: Some("SCENARIO".to_owned()),
            carry: self.carry(burn),
            expect: None,
            layout: LayoutOptions {
                stamp: Time::from_secs(STAMP as i64),
                reproducible: true,
                ..systems(&burn.fs)
            },
            // What comes behind a volume is as that, unless the scenario says.
            by_medium: burn.fs.is_empty() && self.burns > 0,
            leave_out: Vec::new(),
            xattrs: XattrChoice::default(),
        })
    }

    fn carry(&self, burn: &file::Burn) -> Carry {
        let beginning = match burn.from_session {
            Some(session) => Beginning::Session(session),
            None if burn.fresh_tree => Beginning::Nothing,
            None => Beginning::Newest,
        };
        let laying = match burn.update {
            true => Laying::Update { sameness: Sameness::Times, keep_removed: false },
            false => Laying::Over,
        };
        Carry { beginning, laying, whole: burn.paths.is_empty() }
    }

    pub(super) fn close_interrupted(&mut self, close: &file::Close) -> Result<(), String> {
        let before = self.with_place(|_| Ok(()))?.and(self.seen()?);
        let result = self.place().and_then(|place| {
            burn::close_interrupted(&mut place.recorder(), &mut |_| {}).map_err(Failure::from)
        });
        let said = result.as_ref().map_or(DiscState::Unknown, Clone::clone);
        self.note(&format!("close: {said}"));
        let after = self.seen()?;
        if let (Some(before), Some(after)) = (&before, &after) {
            promise::kept(&before.blocks, &after.blocks).map_err(|b| b.to_string())?;
        }
        if after.is_some() {
            promise::statement(&said, before.as_ref(), after.as_ref())
                .map_err(|b| b.to_string())?;
        }
        ending("closing", close.fails, result.as_ref().err())?;
        state("closing", close.leaves, &said)
    }

    /// Makes sure that there is a drive.
    fn with_place<T>(
        &mut self,
        f: impl FnOnce(&mut Place) -> Result<T, Failure>,
    ) -> Result<Option<Seen>, String> {
        let place = self.place().map_err(|f| f.to_string())?;
        f(place).map_err(|f| f.to_string())?;
        self.seen()
    }

    pub(super) fn expect(&mut self, expect: &file::Expect) -> Result<(), String> {
        let asked = self.place().and_then(|place| {
            let mut recorder = place.recorder();
            recorder.ready(PATIENCE)?;
            let sessions = recorder.medium()?.sessions;
            Ok((burn::assess(&mut recorder)?, sessions))
        });
        ending("asking", expect.fails, asked.as_ref().err())?;
        let Ok((said, sessions)) = asked else { return Ok(()) };
        self.note(&format!("disc: {said}, {sessions} sessions"));
        if let Some(seen) = self.seen()? {
            promise::statement(&said, Some(&seen), Some(&seen)).map_err(|b| b.to_string())?;
        }
        state("the disc", expect.disc, &said)?;
        match expect.sessions {
            Some(want) if want != sessions => {
                Err(format!("the disc has {sessions} sessions and not {want}"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn compare(&mut self, compare: &file::Compare) -> Result<(), String> {
        let out = self.dir.join("extracted");
        if out.exists() {
            fs::remove_dir_all(&out).map_err(|e| e.to_string())?;
        }
        let place = self.place().map_err(|f| f.to_string())?;
        let mut recorder = place.recorder();
        recorder.ready(PATIENCE).map_err(|e| e.to_string())?;
        let (mut disc, volume) = job::volume_on(&mut recorder).map_err(|f| f.to_string())?;
        if let Some(flaw) = volume.findings.first() {
            return Err(format!("the volume has a flaw at byte {}: {}", flaw.at, flaw.what));
        }
        volume
            .extract(&mut disc, &out, &ExtractOptions::default(), &mut |_| {})
            .map_err(|e| format!("the disc cannot be unpacked: {e}"))?;
        let lines =
            differences(self.folder.path(), &out, &compare.also).map_err(|e| e.to_string())?;
        if lines.is_empty() { Ok(()) } else { Err(lines.join("; ")) }
    }

    pub(super) fn read(&mut self, read: &file::Read) -> Result<(), String> {
        let seen = match self.place() {
            Ok(_) => self.seen()?,
            Err(_) => None,
        };
        let mut at = engine::units::Lba(0);
        let mut wrong = None;
        let mut put = |bytes: &[u8]| {
            for block in bytes.chunks_exact(engine::units::BLOCK) {
                let right = |seen: &Seen| match seen.blocks.readable(at) {
                    true => seen.blocks.holds(at, block),
                    // Between sessions there is nothing.
                    false => block.iter().all(|byte| *byte == 0),
                };
                if seen.as_ref().is_some_and(|seen| !right(seen)) {
                    wrong.get_or_insert(at);
                }
                at = at + engine::units::Blocks(1);
            }
            Ok(true)
        };
        let result = self.place().and_then(|place| {
            job::read_out(&mut place.recorder(), false, &mut put, &mut |_, _| {}, &Cancel::new())
        });
        if let Some(at) = wrong {
            return Err(format!("block {at} was read otherwise than it lies on the disc"));
        }
        ending("reading", read.fails, result.as_ref().err())
    }

    pub(super) fn power_cycle(&mut self) -> Result<(), String> {
        let place = self.place().map_err(|f| f.to_string())?;
        if let Some(laboratory) = place.laboratory() {
            laboratory.power_cycle();
        }
        Ok(())
    }

    /// Puts other bytes where the disc was, while no drive has it.
    pub(super) fn garble(&mut self, garble: &file::Garble) -> Result<(), String> {
        self.place = None;
        let path = disc_file(&self.dir);
        let done = match garble {
            file::Garble::Text(text) => fs::write(&path, text),
            file::Garble::Keep(bytes) => {
                fs::OpenOptions::new().write(true).open(&path).and_then(|f| f.set_len(*bytes))
            }
        };
        done.map_err(|e| e.to_string())?;
        self.watch(path)
    }

    /// Puts the disc into another drive.
    pub(super) fn hold(&mut self) -> Result<(), String> {
        self.place = None;
        let want = Want::default();
        let address = want.address().map_err(|f| f.to_string())?;
        let path = disc_file(&self.dir);
        let tray = Tray::File(path.clone());
        let holder = Place::open(&want, &address, tray, Access::Exclusive);
        self.holder = Some(holder.map_err(|f| f.to_string())?);
        self.watch(path)
    }

    fn note(&mut self, line: &str) {
        self.log.push(line.to_owned());
    }

    /// The report of a run whose steps all went as they should.
    pub(super) fn finish(mut self) -> Result<Report, String> {
        self.bystanders.iter().try_for_each(Bystander::unchanged).map_err(|b| b.to_string())?;
        let disc = match self.place.as_ref().and_then(Place::laboratory) {
            Some(laboratory) => laboratory.fingerprint()?,
            None => None,
        };
        self.place = None;
        let trace = self.trace.take();
        let fingerprint = Fingerprint::of(&trace, disc);
        Ok(Report { log: self.log, trace, fingerprint, commands: self.commands.unwrap_or(0) })
    }
}

/// A layout with these file systems, or those of any volume.
fn systems(names: &[file::FileSystem]) -> LayoutOptions {
    let has = |name| names.contains(&name);
    if names.is_empty() {
        return LayoutOptions::default();
    }
    LayoutOptions {
        iso9660: has(file::FileSystem::Iso9660),
        rock_ridge: has(file::FileSystem::Iso9660),
        joliet: has(file::FileSystem::Iso9660),
        udf: has(file::FileSystem::Udf).then(UdfOptions::default),
        ..LayoutOptions::default()
    }
}

/// How a burn ended, as a line.
fn tell(ended: &Ended) -> String {
    match &ended.result {
        Ok(outcome) => format!("{} blocks, {}", outcome.blocks, ended.said),
        Err(failure) => format!("{}: {}; {}", failure.exit.name(), failure.what, ended.said),
    }
}

fn expected(burn: &file::Burn, ended: &Ended) -> Result<(), String> {
    ending("the burn", burn.fails, ended.result.as_ref().err())?;
    if let (Some(says), Err(failure)) = (&burn.says, &ended.result)
        && !failure.to_string().contains(says)
    {
        return Err(format!("{:?} does not say {says:?}", failure.to_string()));
    }
    state("the burn", burn.leaves, &ended.said)
}

fn ending(what: &str, want: Option<Ending>, got: Option<&Failure>) -> Result<(), String> {
    match (want, got) {
        (None, None) => Ok(()),
        (None, Some(failure)) => Err(format!("{what} failed: {failure}")),
        (Some(Ending(exit)), None) => {
            Err(format!("{what} had to fail ({}) and did not", exit.name()))
        }
        (Some(Ending(exit)), Some(failure)) if failure.exit == exit => Ok(()),
        (Some(Ending(exit)), Some(failure)) => {
            let got = failure.exit.name();
            Err(format!("{what} had to end with {} and ended with {got}: {failure}", exit.name()))
        }
    }
}

fn state(what: &str, want: Option<file::State>, said: &DiscState) -> Result<(), String> {
    let got = match said {
        DiscState::NoDisc => file::State::NoDisc,
        DiscState::Untouched => file::State::Untouched,
        DiscState::Blank => file::State::Blank,
        DiscState::Unformatted => file::State::Unformatted,
        DiscState::Complete => file::State::Complete,
        DiscState::Appendable { .. } => file::State::Appendable,
        DiscState::Open { .. } => file::State::Open,
        DiscState::Overwritable { .. } => file::State::Overwritable,
        DiscState::Lost => file::State::Lost,
        _ => file::State::Unknown,
    };
    match want {
        Some(want) if want != got => {
            Err(format!("{what} left {want:?} to be expected, not {got:?} ({said})"))
        }
        _ => Ok(()),
    }
}
