//! Carrying out what a client asks for.

use std::time::Duration;

use engine::units::{Blocks, Lba};

use super::status::whole;
use super::{Action, Answer, Desk, Problem, Request, Status, Stretch, What, When};
use crate::bench::BenchError;
use crate::fault;
use crate::models::MediumKind;
use crate::serve::{Lun, Pace};

/// Faults that may wait on a drive's bench, and stretches that may be scratched on a disc.
const MOST: usize = 1024;

/// The longest time that a client may name.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

impl Desk {
    pub(super) fn carry_out(&self, request: &Request) -> Answer {
        if request.action == (Action::Status {}) {
            return Answer::Status(Box::new(Status::of(&self.server, &self.about)));
        }
        let Some(lun) = self.server.lun(request.lun) else {
            let last = self.server.luns().last().map_or(0, Lun::number);
            let what = format!("there is no logical unit {}", request.lun);
            let problem = Problem::new("drive", what)
                .advise(format!("The server has the logical units 0 to {last}."));
            return Answer::Error(problem);
        };
        match self.do_to(lun, &request.action) {
            Ok(text) => Answer::Done { text },
            Err(problem) => Answer::Error(problem),
        }
    }

    fn do_to(&self, lun: &Lun, action: &Action) -> Result<String, Problem> {
        match action {
            Action::Status {} => Ok(String::new()),
            Action::Insert { file, medium } => self.insert(lun, file, medium.as_deref()),
            Action::Eject { force } => eject(lun, *force),
            Action::PullPower {} => {
                lun.pull_power();
                Ok("the plug is pulled".to_owned())
            }
            Action::Plug {} => {
                lun.plug();
                take_up(lun);
                Ok("the drive has power".to_owned())
            }
            Action::Fault { what, when } => schedule(lun, what, *when),
            Action::Heal {} => {
                let waiting = lun.bench().waiting_faults();
                lun.bench().heal();
                Ok(format!("faults forgotten: {waiting}"))
            }
            Action::Trace { file: Some(file) } => {
                self.shelf.trace(self.server.trace(), file)?;
                Ok(format!("the trace goes to {file}"))
            }
            Action::Trace { file: None } => match self.server.trace().stop() {
                Ok(Some(path)) => Ok(format!("the trace in {} is complete", path.display())),
                Ok(None) => Ok("there was no trace".to_owned()),
                Err(error) => Err(Problem::new("output", error.to_string())),
            },
        }
    }

    fn insert(&self, lun: &Lun, file: &str, medium: Option<&str>) -> Result<String, Problem> {
        let kind = match medium {
            None => None,
            Some(name) => Some(MediumKind::from_name(name).ok_or_else(|| {
                let known = MediumKind::ALL.map(MediumKind::name).join(", ");
                Problem::new("usage", format!("there is no medium {name:?}; there are {known}"))
            })?),
        };
        // Before a file is made that then lies about.
        if lun.with_disc(|_| ()).is_some() {
            return Err(occupied());
        }
        let (disc, made) = self.shelf.disc(file, kind)?;
        let found = disc.state().kind();
        if kind.is_some_and(|wanted| wanted != found) {
            let what = format!("disc file {file} holds a {found}, not a {}", medium.unwrap_or(""));
            return Err(
                Problem::new("medium", what).advise("Leave the medium out, or name another file.")
            );
        }
        lun.insert(disc).map_err(|_| occupied())?;
        take_up(lun);
        let blank = if made { "a blank " } else { "a " };
        Ok(format!("{file} is in the drive, {blank}{found}"))
    }
}

/// Between a hand at the drive and a host's next command, a disc comes up to speed. In simulated
/// time, which else stands still there, that has happened once the hand is gone.
fn take_up(lun: &Lun) {
    if lun.pace() == Pace::Simulated {
        crate::drive::spin_up(lun.bench(), &lun.bench().clock(), lun.drive());
    }
}

fn occupied() -> Problem {
    Problem::new("drive", "there is a disc in the drive already").advise("Eject it first.")
}

fn eject(lun: &Lun, force: bool) -> Result<String, Problem> {
    let disc = match force {
        true => lun.take_disc(),
        false => lun.eject().map_err(|error| match error {
            BenchError::Locked => Problem::new("drive", "a host has locked the drive's door")
                .advise("Let it unlock the door, or take the disc out with --force."),
            other => Problem::new("drive", other.to_string()),
        })?,
    };
    match disc {
        Some(disc) => Ok(format!("{} is out of the drive", whole(disc.path()))),
        None if force => Ok("there was no disc in the drive".to_owned()),
        None => Ok("the tray is out, and there was no disc in it".to_owned()),
    }
}

fn schedule(lun: &Lun, what: &What, when: When) -> Result<String, Problem> {
    let scratches = lun.with_disc(crate::medium::Disc::scratches).unwrap_or(0);
    if lun.bench().waiting_faults() + scratches >= MOST {
        let what = format!("{MOST} faults wait already, or are scratches on the disc");
        return Err(Problem::new("usage", what).advise("`heal` forgets those that wait."));
    }
    let commands = lun.bench().commands(lun.drive());
    let (happens, text) = match when {
        When::Now => (fault::When::At(lun.bench().now()), "now".to_owned()),
        When::Ms(ms) => {
            let at = lun.bench().now() + span(ms)?;
            (fault::When::At(at), format!("{} s from now", seconds(ms)))
        }
        When::Before(n) => {
            let number = commands.saturating_add(n);
            (fault::When::Before(number), format!("before command {number}"))
        }
        When::After(n) => {
            let number = commands.saturating_add(n);
            (fault::When::After(number), format!("after command {number}"))
        }
    };
    let (what, words) = match *what {
        What::WriteError(stretch) => {
            let (lba, blocks, words) = blocks(stretch)?;
            (fault::What::WriteError(lba, blocks), format!("{words} cannot be recorded"))
        }
        What::ReadError(stretch) => {
            let (lba, blocks, words) = blocks(stretch)?;
            (fault::What::ReadError(lba, blocks), format!("{words} cannot be read"))
        }
        What::Hang { ms } => {
            (fault::What::Hang(span(ms)?), format!("no answer for {} s", seconds(ms)))
        }
        What::Reset {} => (fault::What::Reset, "a bus reset".to_owned()),
        What::PowerCut {} => (fault::What::PowerCut, "the plug is pulled".to_owned()),
        What::PowerOn {} => (fault::What::PowerOn, "the plug goes in again".to_owned()),
        What::MediumRemoved {} => (fault::What::MediumRemoved, "a hand takes the disc".to_owned()),
    };
    lun.schedule(fault::Fault { when: happens, what });
    if when == When::Now {
        // What is due happens when time passes, and be it no time at all.
        engine::device::Clock::wait_until(lun.bench(), lun.bench().now());
    }
    Ok(format!("{text}: {words}"))
}

fn span(ms: u64) -> Result<Duration, Problem> {
    let span = Duration::from_millis(ms);
    match span <= LONGEST {
        true => Ok(span),
        false => Err(Problem::new("usage", "a fault may be a week away, or last so long, at most")),
    }
}

/// Seconds with as many decimals as it takes.
fn seconds(ms: u64) -> String {
    match ms % 1000 {
        0 => (ms / 1000).to_string(),
        rest => format!("{}.{rest:03}", ms / 1000).trim_end_matches('0').to_owned(),
    }
}

fn blocks(stretch: Stretch) -> Result<(Lba, Blocks, String), Problem> {
    let (first, blocks) = (Lba(stretch.lba), Blocks(stretch.blocks));
    let last = i64::from(stretch.lba) + i64::from(stretch.blocks) - 1;
    if stretch.blocks == 0 || last > i64::from(i32::MAX) {
        let what = format!("{} blocks from {first} on are no stretch of a disc", stretch.blocks);
        return Err(Problem::new("usage", what));
    }
    let words = match stretch.blocks {
        1 => format!("block {first}"),
        _ => format!("blocks {first} to {last}"),
    };
    Ok((first, blocks, words))
}
