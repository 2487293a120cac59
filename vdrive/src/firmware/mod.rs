//! The firmware: MMC as the host sees it. One function per command, found through the command
//! table. On power-up it knows nothing but what it reads from the medium; what it keeps while it
//! has power is [`Firmware`].
//!
//! May not know: the bench, faults, other drives, the host's clock.

mod at_once;
mod attention;
mod audio;
mod background;
mod blank;
mod buffer;
mod close;
mod config;
mod context;
mod cue;
mod diagnostic;
mod dispatch;
mod events;
mod format;
mod identity;
mod info;
mod job;
mod keys;
mod laser;
mod look;
mod modes;
mod nexus;
mod opc;
mod performance;
mod power;
mod raw;
mod read;
mod read_cd;
mod ready;
mod reserve;
mod source;
mod structure;
mod subchannel;
mod sync;
mod toc;
mod tracks;
mod waiting;
mod write;

pub(crate) use self::dispatch::opcodes;
pub(crate) use self::look::Look;
pub use self::nexus::NexusId;
pub(crate) use self::waiting::Wait;

use std::sync::Arc;
use std::time::Duration;

use engine::cdda::packs::Interleaver;
use engine::device::{Cdb, Completion, Data, Status};
use engine::mmc::sense::{Sense, SenseCode, codes};
use engine::units::{Instant, Kbps};

use self::attention::Event;
use self::context::{Answer, Cx, Refusal};
use self::job::{Effect, Job, Step, Turn};
use self::laser::Laser;
use self::modes::Pages;
use self::nexus::Nexuses;
use self::tracks::Writing;
use crate::mechanism::PowerState;
use crate::medium::{Disc, State, Way};
use crate::models::{DriveModel, Family, FamilyTiming, Interface, MediumKind};

/// Where the disc can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tray {
    /// In the drive.
    In,
    /// Out.
    Out,
}

/// Whether the disc turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spindle {
    /// Not recognised yet.
    Unknown,
    /// Ready.
    Ready,
}

/// What the drive knows of the disc in it that the disc itself does not: lost with the power.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    /// The track that is being written.
    writing: Option<Writing>,
    /// The cue sheet of the session that is to be written at once.
    cue: Option<cue::Sheet>,
    /// What is being written is not recorded: the laser stays at reading power (Test Write).
    rehearsal: bool,
    /// The session that is being written raw.
    raw: Option<raw::Raw>,
    /// The packs of R to W that are not whole on the disc yet.
    packs: Interleaver,
    /// What is in the buffer goes by pseudo-overwrite.
    rewriting: bool,
    /// Audio that is being played.
    play: Option<audio::Play>,
    /// Background formatting runs, and has been accounted for up to this time.
    formatting: Option<Instant>,
}

/// A drive's firmware with power on.
#[derive(Debug)]
pub(crate) struct Firmware {
    model: Arc<DriveModel>,
    nexuses: Nexuses,
    tray: Tray,
    spindle: Spindle,
    live: Option<Live>,
    laser: Laser,
    pages: Pages,
    /// The host's wish for the speed of writing; none: as fast as it goes.
    write_speed: Option<Kbps>,
    /// The same for reading.
    read_speed: Option<Kbps>,
    job: Option<Job>,
    /// The command being carried out ends with the job.
    waits_for_job: bool,
    /// Bytes of data that it has moved.
    job_moves: usize,
    /// Power calibrations of the mechanism that the disc's tables count already.
    counted: u32,
    /// What WRITE BUFFER left in the buffer's memory; zeros behind it.
    memory: Vec<u8>,
    /// The disc has been seen ready since it came: the next time is no news.
    announced: bool,
}

/// How a command goes on, for the bench.
pub(crate) enum Progress {
    /// Answered, as of this time.
    Done(Completion, Instant),
    /// To be asked again at this time.
    Again(Instant),
}

impl Firmware {
    /// A drive that has just got power. A disc that lies in it is taken up by itself.
    pub(crate) fn power_on(
        model: Arc<DriveModel>,
        nexuses: &[NexusId],
        disc: Option<&Disc>,
        now: Instant,
    ) -> Firmware {
        let mut fw = Firmware {
            laser: Laser::new(&model, now),
            pages: Pages::new(&model),
            model,
            nexuses: Nexuses::new(nexuses),
            tray: Tray::In,
            spindle: Spindle::Unknown,
            live: None,
            write_speed: None,
            read_speed: None,
            job: None,
            waits_for_job: false,
            job_moves: 0,
            counted: 0,
            memory: Vec::new(),
            announced: false,
        };
        if let Some(disc) = disc {
            let itself = ms(fw.model.timing.power_on_ms);
            fw.recognise(disc.state().kind().family(), now, itself);
        }
        fw
    }

    /// Begins to spin a disc up and to look at it, after `first`.
    fn recognise(&mut self, family: Family, now: Instant, first: Duration) {
        let takes = match self.model.family(family) {
            Some(timing) => ms(timing.spin_up_ms) + ms(timing.recognise_ms),
            None => Duration::from_secs(5),
        };
        self.spindle = Spindle::Unknown;
        let steps = vec![
            Step { takes: first, then: Effect::Drive(Turn::TrayIn) },
            Step { takes, then: Effect::Drive(Turn::Ready) },
        ];
        self.job = Some(Job::new(codes::BECOMING_READY, now, steps));
    }

    /// A hand put a disc into the open tray or drive, and the tray went in.
    pub(crate) fn inserted(&mut self, disc: &Disc, now: Instant) {
        self.announced = false;
        self.live = None;
        let closing = match self.tray {
            Tray::Out => ms(self.model.timing.tray_close_ms),
            Tray::In => Duration::ZERO,
        };
        self.recognise(disc.state().kind().family(), now, closing);
    }

    /// The disc is gone, whoever took it.
    pub(crate) fn removed(&mut self, tray: Tray, was_there: bool, now: Instant) {
        self.live = None;
        self.job = None;
        self.waits_for_job = false;
        self.laser.forget();
        self.laser.set_power(now, PowerState::Standby);
        self.spindle = Spindle::Unknown;
        self.announced = false;
        self.tray = tray;
        self.nexuses.medium_left();
        if was_there {
            self.nexuses.event(Event::Media(3));
        }
    }

    /// The eject button of a locked drive: the host is told of the wish (MMC-6, 6.7.3.5).
    pub(crate) fn wants_eject(&mut self) {
        self.nexuses.event(Event::Media(1));
    }

    /// When the buffer is empty and no long operation runs.
    pub(crate) fn quiet_at(&mut self, disc: &mut Option<Disc>, now: Instant) -> Instant {
        self.advance(disc, now);
        let drained = self.laser.drained_at(now);
        let due = self.job.as_ref().map_or(now, |job| job.due(drained));
        drained.max(due)
    }

    /// Whether no long operation runs.
    pub(crate) fn is_quiet(&self) -> bool {
        self.job.as_ref().is_none_or(Job::is_over)
    }

    /// The same drive with another serial number.
    pub(crate) fn renumbered(&mut self, model: Arc<DriveModel>) {
        self.model = model;
    }

    /// A nexus has come; `greeting` is the first that it hears.
    pub(crate) fn attach(&mut self, id: NexusId, greeting: SenseCode) {
        self.nexuses.attach(id, greeting);
    }

    /// A nexus is to be told this, for a reason outside of the drive.
    pub(crate) fn tell(&mut self, id: NexusId, code: SenseCode) {
        self.nexuses.raise_for(id, code);
    }

    /// A nexus is lost.
    pub(crate) fn detach(&mut self, id: NexusId) {
        self.nexuses.detach(id);
    }

    /// A reset, which all are told of as `code`: the hosts' settings and the command at hand are
    /// lost; what the drive does with the disc goes on (SAM-4, 6.3).
    pub(crate) fn reset(&mut self, disc: &mut Option<Disc>, code: SenseCode, now: Instant) {
        self.advance(disc, now);
        self.waits_for_job = false;
        self.nexuses.reset(code);
        self.pages = Pages::new(&self.model);
        if let Some(disc) = disc {
            self.pages.medium_came(disc.state().kind());
        }
        self.write_speed = None;
        self.read_speed = None;
        self.laser.select_write(None);
        self.laser.select_read(None);
    }

    /// Whether the host has locked the door.
    pub(crate) fn is_locked(&self) -> bool {
        self.nexuses.prevent()
    }

    /// The standard INQUIRY data.
    pub(crate) fn inquiry(&mut self, disc: &mut Option<Disc>, now: Instant) -> Vec<u8> {
        let mut room = [0; 96];
        let cdb = Cdb::new(&[0x12, 0, 0, 0, room.len() as u8, 0]);
        let mut data = Data::In(&mut room);
        match identity::inquiry(&mut Cx { fw: self, disc, now, turn: 0 }, &cdb, &mut data) {
            Ok(Answer::Good { moved, .. }) => room[..moved].to_vec(),
            _ => Vec::new(),
        }
    }

    /// The next command comes from this nexus.
    pub(crate) fn speaks(&mut self, id: NexusId) {
        self.nexuses.speaks(id);
    }

    /// Carries out, or goes on with, one command. `turn` counts how often it was put off.
    pub(crate) fn command(
        &mut self,
        disc: &mut Option<Disc>,
        cdb: &Cdb,
        data: &mut Data<'_>,
        now: Instant,
        turn: u32,
    ) -> Progress {
        self.advance(disc, now);
        if turn == 0 {
            self.waits_for_job = false;
            self.job_moves = 0;
        }
        let reply = if self.waits_for_job {
            self.job_reply(now)
        } else {
            let (idle, room) = (self.job.is_none(), self.laser.room());
            let reply = dispatch::run(&mut Cx { fw: self, disc, now, turn }, cdb, data);
            if (idle && self.job.is_some()) || self.laser.room() < room {
                self.nexuses.left_work();
            }
            reply
        };
        match reply {
            Ok(Answer::Good { moved, at }) => {
                let completion = self.completion(Status::Good, None, moved, data);
                Progress::Done(completion, at.max(now))
            }
            Ok(Answer::Again(at)) => Progress::Again(at.max(now + TICK)),
            Ok(Answer::WithJob) => {
                self.waits_for_job = true;
                let drained = self.laser.drained_at(now);
                let due = self.job.as_ref().map_or(now, |job| job.due(drained));
                Progress::Again(due.max(now + TICK))
            }
            Err(Refusal { sense, moved, at }) => {
                let completion = self.completion(Status::CheckCondition, Some(sense), moved, data);
                Progress::Done(completion, at.unwrap_or(now + self.overhead()).max(now))
            }
        }
    }

    /// The answer of a command that waits for its job.
    fn job_reply(&mut self, now: Instant) -> Result<Answer, Refusal> {
        if self.job.as_ref().is_some_and(|job| !job.is_over()) {
            return Ok(Answer::WithJob);
        }
        self.waits_for_job = false;
        match self.job.take().and_then(|job| job.failed) {
            Some(failed) => Err(failed.into()),
            None => Ok(Answer::Good { moved: self.job_moves, at: now + self.overhead() }),
        }
    }

    fn completion(
        &self,
        status: Status,
        sense: Option<Sense>,
        moved: usize,
        data: &Data<'_>,
    ) -> Completion {
        Completion {
            status,
            sense: sense.map_or_else(Vec::new, |sense| sense.emit().to_vec()),
            residual: u32::try_from(data.len().saturating_sub(moved)).unwrap_or(u32::MAX),
            elapsed: Duration::ZERO,
        }
    }

    /// What any command costs.
    fn overhead(&self) -> Duration {
        match self.model.interface {
            Interface::Usb => Duration::from_micros(125),
            Interface::Scsi | Interface::Atapi => Duration::from_micros(60),
            Interface::Sata => Duration::from_micros(30),
        }
    }

    /// What a command costs that moves so many bytes.
    fn transfer(&self, bytes: usize) -> Duration {
        // Bytes per microsecond: what the bus carries at best.
        let rate = match self.model.interface {
            Interface::Usb => 35,
            Interface::Scsi => 20,
            Interface::Atapi => 60,
            Interface::Sata => 120,
        };
        self.overhead() + Duration::from_micros(bytes as u64 / rate)
    }

    /// The timing with the disc in the drive.
    fn timing(&self, state: &State) -> FamilyTiming {
        let family = state.kind().family();
        self.model.family(family).copied().unwrap_or(self.model.dvd)
    }

    /// How the next WRITE on this disc would be meant, by kind and by mode page 05.
    fn way(&self, state: &State) -> Way {
        let at_once = self.pages.at_once();
        match state.kind() {
            MediumKind::CdR | MediumKind::CdRw if at_once => Way::Sao,
            MediumKind::CdR | MediumKind::CdRw if self.pages.raw() => Way::Raw,
            MediumKind::CdR | MediumKind::CdRw if self.pages.packets() => Way::Packet,
            MediumKind::CdR | MediumKind::CdRw => Way::Tao,
            MediumKind::DvdR | MediumKind::DvdRw if at_once => Way::Dao,
            MediumKind::DvdR | MediumKind::DvdRw => Way::Incremental,
            MediumKind::DvdPlusR | MediumKind::BdR => Way::Sequential,
            MediumKind::DvdPlusRw | MediumKind::DvdRam | MediumKind::BdRe => Way::Overwrite,
        }
    }
}

/// The shortest time by which a command is put off.
const TICK: Duration = Duration::from_micros(100);

/// Milliseconds of a model.
fn ms(n: u32) -> Duration {
    Duration::from_millis(n.into())
}
