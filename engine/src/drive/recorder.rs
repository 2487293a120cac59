//! The recorder itself: asking, commanding, waiting.

use std::time::Duration;

use super::retry::{self, Act, Situation};
use super::survey::{Depth, Question, Survey};
use super::{Error, ErrorKind, Medium, State, manufacturer};
use crate::device::{Cdb, Clock, Data, Device, DeviceErrorKind, Request, Status};
use crate::mmc::cdb::{
    Command, FeatureRequest, GetConfiguration, GetPerformance, Inquiry, ModeSense10, PageControl,
    PreventAllow, Read10, StartStopUnit, TestUnitReady,
};
use crate::mmc::feature::{Configuration, FeatureCode};
use crate::mmc::inquiry::StandardInquiry;
use crate::mmc::modes::{Capabilities, ModeList};
use crate::mmc::performance::Performance;
use crate::mmc::profile::Profile;
use crate::mmc::sense::{Sense, SenseKey};
use crate::mmc::table;
use crate::mmc::wire::WireError;
use crate::units::{BLOCK, Blocks, Instant, Kbps, Lba};

/// Blocks that are looked at in one place.
const LOOK: Blocks = Blocks(32);

/// How long a drive may take to recognise a disc. Slow ones with a bad disc need a minute.
const READY: Duration = Duration::from_secs(120);

/// A device that speaks MMC, the clock that counts for it, and its address for messages.
pub struct Recorder<'a> {
    device: &'a mut dyn Device,
    clock: &'a dyn Clock,
    address: String,
}

/// Who made the drive (INQUIRY, SPC-4, 6.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Vendor.
    pub vendor: String,
    /// Product.
    pub product: String,
    /// Firmware revision.
    pub revision: String,
}

/// What the drive can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities {
    /// Profiles it knows, in its order of preference; the flag says whether current.
    pub profiles: Vec<(Profile, bool)>,
    /// Features; the flag says whether current.
    pub features: Vec<(FeatureCode, bool)>,
    /// Write speeds for the medium in it, fastest first, as commands count them.
    pub write_speeds: Vec<Kbps>,
    /// Fastest read speed for the medium in it.
    pub read_speed: Option<Kbps>,
}

impl<'a> Recorder<'a> {
    /// A recorder reached through `device`, its time counted by `clock`, called `address`.
    pub fn new(
        device: &'a mut dyn Device,
        clock: &'a dyn Clock,
        address: impl Into<String>,
    ) -> Recorder<'a> {
        Recorder { device, clock, address: address.into() }
    }

    /// The address as given.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The clock.
    pub fn clock(&self) -> &'a dyn Clock {
        self.clock
    }

    /// The device.
    pub fn device(&mut self) -> &mut dyn Device {
        self.device
    }

    /// Sends a command that answers with at most `room` bytes. Waits where the drive wants waiting
    /// for, and repeats what a unit attention kept from being carried out.
    pub fn ask<C: Command>(&mut self, command: &C, room: usize) -> Result<Vec<u8>, Error> {
        self.ask_raw(command.cdb(), room, None, Situation::Start)
    }

    /// Sends a command without an answer, with `data` if there is any.
    pub fn command<C: Command>(&mut self, command: &C, data: &[u8]) -> Result<(), Error> {
        self.exchange(command.cdb(), Exchange::Out(data), None, Situation::Start).map(drop)
    }

    pub(super) fn ask_raw(
        &mut self,
        cdb: Cdb,
        room: usize,
        block: Option<Lba>,
        at: Situation,
    ) -> Result<Vec<u8>, Error> {
        self.exchange(cdb, Exchange::In(vec![0; room]), block, at)
    }

    /// Reads whole blocks into `room` without allocating.
    pub(super) fn exchange(
        &mut self,
        cdb: Cdb,
        mut data: Exchange<'_>,
        block: Option<Lba>,
        at: Situation,
    ) -> Result<Vec<u8>, Error> {
        let first = self.clock.now();
        let room = data.room();
        loop {
            // An answer that was refused has cut the room to nothing.
            data.restore(room);
            let (kind, sense) = match self.once(cdb, &mut data) {
                Ok(()) => return Ok(data.into_bytes()),
                Err(ErrorKind::Sense(sense)) => (ErrorKind::Sense(sense), sense),
                Err(kind) => return Err(self.error(cdb, block, kind)),
            };
            match retry::judge(at, &sense) {
                Act::Note => return Ok(data.into_bytes()),
                Act::Again { pause, limit, .. } => {
                    let limit = Duration::from_secs(limit);
                    if self.clock.now().since(first) >= limit {
                        return Err(self.error(cdb, block, ErrorKind::NotReady(limit)));
                    }
                    self.pause(Duration::from_millis(pause.max(1)));
                }
                Act::Fail if no_disc(&sense) => {
                    return Err(self.error(cdb, block, ErrorKind::NoDisc));
                }
                Act::Fail => return Err(self.error(cdb, block, kind)),
            }
        }
    }

    /// Sends a command once.
    fn once(&mut self, cdb: Cdb, data: &mut Exchange<'_>) -> Result<(), ErrorKind> {
        let request = Request { cdb, timeout: timeout(cdb) };
        let phase = match data {
            Exchange::In(room) if room.is_empty() => Data::None,
            Exchange::In(room) => Data::In(room),
            Exchange::Into(room) => Data::In(room),
            Exchange::Out([]) => Data::None,
            Exchange::Out(bytes) => Data::Out(bytes),
        };
        let done = self.device.execute(&request, phase).map_err(ErrorKind::Wire)?;
        if let Exchange::In(room) = data {
            room.truncate(room.len().saturating_sub(done.residual as usize));
        }
        spoken(&done)
    }

    fn pause(&self, span: Duration) {
        self.clock.wait_until(self.clock.now() + span);
    }

    pub(crate) fn error(&self, cdb: Cdb, block: Option<Lba>, kind: ErrorKind) -> Error {
        Error { device: self.address.clone(), command: name(cdb), block, kind }
    }

    fn nonsense(&self, cdb: Cdb) -> impl Fn(WireError) -> Error {
        let address = self.address.clone();
        move |error| Error {
            device: address.clone(),
            command: name(cdb),
            block: None,
            kind: ErrorKind::Answer(error),
        }
    }

    /// Who made it. Works without a disc.
    pub fn identity(&mut self) -> Result<Identity, Error> {
        let inquiry = Inquiry { allocation: 36, ..Inquiry::default() };
        let reply = self.ask(&inquiry, StandardInquiry::LEN)?;
        let reply = StandardInquiry::parse(&reply).map_err(self.nonsense(inquiry.cdb()))?;
        let (vendor, product, revision) = reply.identity();
        Ok(Identity { vendor, product, revision })
    }

    /// What it can do. Works without a disc; the speeds are those for the disc in it.
    pub fn abilities(&mut self) -> Result<Abilities, Error> {
        let get = GetConfiguration { request: FeatureRequest::All, start: 0, allocation: 4096 };
        let reply = self.ask(&get, 4096)?;
        let all = Configuration::parse(&reply).map_err(self.nonsense(get.cdb()))?;
        let list = all.get::<crate::mmc::feature::ProfileList>();
        let profiles = list.map_or_else(Vec::new, |list| list.profiles);
        let features = all.features.iter().map(|feature| (feature.code, feature.current)).collect();
        let (write_speeds, read_speed) = self.speeds()?;
        Ok(Abilities { profiles, features, write_speeds, read_speed })
    }

    /// Write speeds, fastest first, and the fastest read speed: GET PERFORMANCE type 3, else mode
    /// page 2Ah. Empty where the drive tells nothing (MMC-6, 6.8.3.4 and 7.11).
    fn speeds(&mut self) -> Result<(Vec<Kbps>, Option<Kbps>), Error> {
        let get = GetPerformance { max: 64, kind: 3, ..GetPerformance::default() };
        let mut speeds = Vec::new();
        let mut read = None;
        if let Some(reply) = optional(self.ask(&get, 8 + 64 * 16))?
            && let Ok((_, Performance::WriteSpeeds(all))) = Performance::parse(3, &reply)
        {
            speeds.extend(all.iter().map(|speed| speed.write));
            read = all.iter().map(|speed| speed.read).max();
        }
        if speeds.is_empty() {
            let sense = ModeSense10 {
                page: 0x2a,
                control: PageControl::Current,
                allocation: 512,
                ..ModeSense10::default()
            };
            if let Some(reply) = optional(self.ask(&sense, 512))? {
                (speeds, read) = page_speeds(&reply);
            }
        }
        speeds.retain(|speed| speed.0 > 0);
        speeds.sort_unstable_by(|a, b| b.cmp(a));
        speeds.dedup();
        Ok((speeds, read.filter(|speed| speed.0 > 0)))
    }

    /// Waits until the drive is ready for commands that need the disc: eats unit attentions, waits
    /// out spinning up and long operations, starts a stopped disc. [`ErrorKind::NoDisc`] at once
    /// where there is none, [`ErrorKind::NotReady`] after `limit`.
    pub fn ready(&mut self, limit: Duration) -> Result<(), Error> {
        let cdb = TestUnitReady {}.cdb();
        let end = self.clock.now() + limit;
        let mut started = false;
        loop {
            match self.exchange(cdb, Exchange::In(Vec::new()), None, Situation::Start) {
                Ok(_) => return Ok(()),
                Err(Error { kind: ErrorKind::Sense(sense), .. })
                    if needs_start(&sense) && !started =>
                {
                    started = true;
                    let start = StartStopUnit { start: true, immed: true, ..Default::default() };
                    self.command(&start, &[])?;
                }
                Err(Error { kind: ErrorKind::NotReady(_), .. }) if self.clock.now() < end => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn wait_ready(&mut self) -> Result<(), Error> {
        self.ready(READY)
    }

    /// What lies in it. Waits until it is ready. Sends only commands that ask.
    pub fn medium(&mut self) -> Result<Medium, Error> {
        self.ready(READY)?;
        let mut medium = self.survey(Depth::All)?;
        medium.manufacturer = manufacturer::of(self, &medium)?;
        Ok(medium)
    }

    /// Looks whether a disc that can be written over holds anything, and notes in `medium` if not:
    /// a DVD-RAM comes formatted, and formatting leaves zeros. Any block that cannot be read counts
    /// as something.
    pub fn look_for_content(&mut self, medium: &mut Medium) -> Result<(), Error> {
        if medium.state != State::Overwritable {
            return Ok(());
        }
        // Boot blocks, volume descriptors and the super blocks of other file systems; the anchor of
        // UDF (ECMA-119, 6.2.1; ECMA-167, 3/8.4.2).
        for start in [0, 32, 256] {
            let lba = Lba(start);
            let read = Read10 { lba, blocks: LOOK.0 as u16, ..Read10::default() };
            let mut room = vec![0; LOOK.0 as usize * BLOCK];
            let into = Exchange::Into(&mut room);
            match self.exchange(read.cdb(), into, Some(lba), Situation::Read) {
                Ok(_) if room.iter().all(|&byte| byte == 0) => {}
                Err(error) if !matches!(error.kind, ErrorKind::Sense(_)) => return Err(error),
                Ok(_) | Err(_) => return Ok(()),
            }
        }
        medium.vacant = true;
        Ok(())
    }

    pub(crate) fn survey(&mut self, depth: Depth) -> Result<Medium, Error> {
        let mut survey = Survey::new(depth);
        while let Some(Question { cdb, room }) = survey.next() {
            let answer = optional(self.ask_raw(cdb, room, None, Situation::Start))?;
            survey.answer(answer.as_deref());
        }
        survey.medium().ok_or_else(|| self.error(TestUnitReady {}.cdb(), None, ErrorKind::NoDisc))
    }

    /// Opens the tray.
    pub fn eject(&mut self) -> Result<(), Error> {
        self.command(&StartStopUnit { lo_ej: true, ..Default::default() }, &[])
    }

    /// Closes the tray.
    pub fn load(&mut self) -> Result<(), Error> {
        self.command(&StartStopUnit { lo_ej: true, start: true, ..Default::default() }, &[])
    }

    /// Locks the tray until the guard is dropped.
    pub fn lock(&mut self) -> Result<Locked<'_, 'a>, Error> {
        self.command(&PreventAllow { prevent: true, persistent: false }, &[])?;
        Ok(Locked { recorder: self })
    }

    /// The time by the recorder's clock.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }
}

/// A recorder with a locked tray; dropping it unlocks.
pub struct Locked<'r, 'a> {
    recorder: &'r mut Recorder<'a>,
}

impl<'a> std::ops::Deref for Locked<'_, 'a> {
    type Target = Recorder<'a>;
    fn deref(&self) -> &Recorder<'a> {
        self.recorder
    }
}

impl std::ops::DerefMut for Locked<'_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.recorder
    }
}

impl Drop for Locked<'_, '_> {
    fn drop(&mut self) {
        // A drive that cannot be told any more keeps its tray locked only until it is reset.
        let _ = self.recorder.command(&PreventAllow::default(), &[]);
    }
}

/// The data of an exchange.
pub(super) enum Exchange<'b> {
    /// Answer into a buffer that is cut to what came.
    In(Vec<u8>),
    /// Answer into the caller's room.
    Into(&'b mut [u8]),
    /// Data to the drive.
    Out(&'b [u8]),
}

impl Exchange<'_> {
    /// The bytes that an answer has room for.
    fn room(&self) -> usize {
        if let Exchange::In(room) = self { room.len() } else { 0 }
    }

    /// Gives an answer that much room again.
    fn restore(&mut self, bytes: usize) {
        if let Exchange::In(room) = self {
            room.resize(bytes, 0);
        }
    }

    fn into_bytes(self) -> Vec<u8> {
        match self {
            Exchange::In(bytes) => bytes,
            Exchange::Into(_) | Exchange::Out(_) => Vec::new(),
        }
    }
}

/// What a completion says, as an error unless it is GOOD.
pub(crate) fn spoken(done: &crate::device::Completion) -> Result<(), ErrorKind> {
    match done.status {
        Status::Good => Ok(()),
        // BUSY asks for the command again in a while, as "becoming ready" does (SAM-5, 5.3.1).
        Status::Busy => Err(ErrorKind::Sense(Sense::new(crate::mmc::sense::codes::BECOMING_READY))),
        Status::CheckCondition => match Sense::parse(&done.sense) {
            Ok(sense) => Err(ErrorKind::Sense(sense)),
            Err(_) => Err(ErrorKind::Status(done.status)),
        },
        status => Err(ErrorKind::Status(status)),
    }
}

/// Whether the drive says that there is no disc.
pub(crate) fn no_disc(sense: &Sense) -> bool {
    sense.code.key == SenseKey::NotReady && sense.code.asc == 0x3a
}

/// Whether the disc stands still and must be started.
fn needs_start(sense: &Sense) -> bool {
    (sense.code.key, sense.code.asc, sense.code.ascq) == (SenseKey::NotReady, 0x04, 0x02)
}

/// An answer that a drive may refuse: `None` if it did.
pub(crate) fn optional<T>(answer: Result<T, Error>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Error { kind: ErrorKind::Sense(_) | ErrorKind::Status(_), .. }) => Ok(None),
        // A guard that lets only known commands pass is no reason to give up either.
        Err(Error { kind: ErrorKind::Wire(wire), .. }) if wire.kind == DeviceErrorKind::Refused => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Write speeds and the fastest read speed of mode page 2Ah (MMC-3, 6.3.11).
fn page_speeds(reply: &[u8]) -> (Vec<Kbps>, Option<Kbps>) {
    let list = ModeList::parse10(reply).unwrap_or_default();
    let Some(page) = list.page(0x2a) else { return (Vec::new(), None) };
    let fixed = Capabilities::parse_cut(page);
    let mut speeds: Vec<Kbps> =
        Capabilities::write_speeds(page).iter().map(|entry| entry.speed).collect();
    if speeds.is_empty() {
        speeds.push(fixed.max_write);
    }
    (speeds, Some(fixed.max_read))
}

/// The standard name of a command.
pub(crate) fn name(cdb: Cdb) -> &'static str {
    table::row(cdb.opcode()).map_or("a command not known here", |row| row.name)
}

/// How long the transport may wait for a command.
pub(crate) fn timeout(cdb: Cdb) -> Duration {
    table::row(cdb.opcode()).map_or(Duration::from_secs(60), |row| row.time_limit(&cdb))
}
