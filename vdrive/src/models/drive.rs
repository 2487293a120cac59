//! A drive model: everything in which one recorder differs from another, as data.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use super::ModelError;
use super::kind::{Family, MediumKind};
use super::speed::{Speed, Strategy};

/// A model of a drive, as read from TOML. Lengths of time in the file are milliseconds or seconds
/// and say so in their names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DriveModel {
    /// The name in `virtual:` addresses.
    pub name: String,
    /// One sentence for a person.
    pub summary: String,
    /// INQUIRY vendor, at most 8 ASCII characters (SPC-4, 6.4.2).
    pub vendor: String,
    /// INQUIRY product, at most 16 ASCII characters.
    pub product: String,
    /// INQUIRY revision, at most 4 ASCII characters.
    pub revision: String,
    /// Drive serial number (MMC-6, 5.3.22).
    pub serial: String,
    /// What it hangs on.
    pub interface: Interface,
    /// How discs get in (MMC-6, 5.3.4, Removable Medium feature).
    pub loading: Loading,
    /// Profiles in the order in which GET CONFIGURATION lists them (MMC-6, 5.3.1).
    pub profiles: Vec<u16>,
    /// The write buffer.
    pub buffer: BufferModel,
    /// How it answers where drives differ.
    pub behaviour: Behaviour,
    /// Times of the mechanics that do not depend on the disc.
    pub timing: Timing,
    /// Times and costs per family of disc.
    pub cd: FamilyTiming,
    /// See `cd`.
    pub dvd: FamilyTiming,
    /// See `cd`; absent if the drive cannot handle Blu-ray discs.
    pub bd: Option<FamilyTiming>,
    /// Speeds for each kind of disc that the drive handles.
    pub media: BTreeMap<MediumKind, MediumSpeeds>,
}

/// What the drive hangs on (MMC-6, 5.3.2, Core feature, physical interface standard).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interface {
    /// Parallel SCSI.
    Scsi,
    /// Parallel ATAPI.
    Atapi,
    /// Serial ATAPI.
    Sata,
    /// USB mass storage.
    Usb,
}

/// How discs get in and out (MMC-6, 5.3.4, loading mechanism type).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loading {
    /// A motor moves the tray both ways.
    Tray,
    /// The tray springs open and is pushed in by hand: the drive cannot load.
    SlimTray,
    /// A slot that draws the disc in.
    Slot,
}

/// The write buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BufferModel {
    /// Bytes with a CD in the drive, as READ BUFFER CAPACITY reports them.
    pub cd: u32,
    /// Bytes with a DVD in the drive.
    pub dvd: u32,
    /// Bytes with a Blu-ray disc in the drive.
    pub bd: u32,
    /// Recording starts, and starts again after the buffer ran dry, when this share of it is full.
    pub start_percent: u8,
    /// Recording starts after this time even if the buffer is not that full.
    pub start_timeout_ms: u32,
}

/// What a drive does with a WRITE that its buffer has no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FullBuffer {
    /// Holds the command until there is room.
    Blocks,
    /// Answers NOT READY, LONG WRITE IN PROGRESS (2/04/08) on sequential media; the command comes
    /// again. Overwritable media block all the same.
    LongWrite,
}

/// How the drive answers where drives differ.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Behaviour {
    /// A WRITE that does not fit.
    pub full_buffer: FullBuffer,
    /// TEST UNIT READY is GOOD while an immediate close runs; otherwise 2/04/07.
    pub ready_during_close: bool,
    /// The drive can stop and link when its buffer runs dry (MMC-6, 5.3.16, BUF).
    pub underrun_protection: bool,
    /// Commands that MMC leaves to the drive and that this one has.
    #[serde(default)]
    pub optional: BTreeSet<OptionalCommand>,
    /// Deviations that hosts must live with.
    #[serde(default)]
    pub quirks: BTreeSet<Quirk>,
}

/// A command that drives may have or not (MMC-6, 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptionalCommand {
    /// SEND DIAGNOSTIC with its default self-test.
    SendDiagnostic,
    /// WRITE BUFFER into the buffer's memory.
    WriteBuffer,
    /// READ BUFFER.
    ReadBuffer,
}

impl OptionalCommand {
    /// All of them.
    const ALL: [OptionalCommand; 3] = [
        OptionalCommand::SendDiagnostic,
        OptionalCommand::WriteBuffer,
        OptionalCommand::ReadBuffer,
    ];

    /// The operation code.
    pub fn opcode(self) -> u8 {
        match self {
            OptionalCommand::SendDiagnostic => 0x1D,
            OptionalCommand::WriteBuffer => 0x3B,
            OptionalCommand::ReadBuffer => 0x3C,
        }
    }
}

/// A deviation that some real drives have, as a switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quirk {
    /// GET EVENT STATUS NOTIFICATION never reports media removal (event 3).
    NoRemovalEvent,
    /// GET PERFORMANCE, write speeds, leaves the current speed out of the list.
    CurrentWriteSpeedOmitted,
    /// End LBA in GET PERFORMANCE is the number of blocks, one too many.
    EndLbaIsCount,
    /// READ DISC INFORMATION reports 99:59:74 (FFFFFFh) for the last possible lead-out.
    LeadOutUnknown,
}

/// Times that do not depend on the disc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Timing {
    /// What the drive does with itself after power-on before it spins the disc up.
    pub power_on_ms: u32,
    /// Tray out.
    pub tray_open_ms: u32,
    /// Tray in.
    pub tray_close_ms: u32,
    /// Disc to standstill.
    pub spin_down_ms: u32,
    /// Without access, from active to idle.
    pub idle_after_s: u32,
    /// Without access, from active to standby.
    pub standby_after_s: u32,
}

/// Times and costs with a disc of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FamilyTiming {
    /// Focus search, kind of disc, lead-in, with the disc spun up.
    pub recognise_ms: u32,
    /// From standstill to working speed.
    pub spin_up_ms: u32,
    /// From idle to reading.
    pub idle_wake_ms: u32,
    /// Seek over a third of the stroke.
    pub seek_third_ms: u32,
    /// Seek over the full stroke.
    pub seek_full_ms: u32,
    /// Jump over a few tracks.
    pub jump_ms: u32,
    /// One power calibration.
    pub opc_ms: u32,
    /// Stop and start again on the same spot: after a dry buffer, between runs.
    pub link_ms: u32,
    /// Z-CLV: stop, change speed, start again.
    pub zone_switch_ms: u32,
    /// One update of PMA, RMA, TDMA or of a disc information block.
    pub update_ms: u32,
    /// Closing or finalising, apart from what is recorded at the disc's speed.
    pub close_ms: u32,
    /// Minimal blank or quick format.
    pub quick_erase_ms: u32,
}

/// The speeds for one kind of disc.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MediumSpeeds {
    /// Reading.
    pub read: Strategy,
    /// Writing, fastest first; empty if the drive only reads this kind.
    #[serde(default)]
    pub write: Vec<Strategy>,
}

impl DriveModel {
    /// The timing with discs of `family`; `None` if the drive does not handle it.
    pub fn family(&self, family: Family) -> Option<&FamilyTiming> {
        match family {
            Family::Cd => Some(&self.cd),
            Family::Dvd => Some(&self.dvd),
            Family::Bd => self.bd.as_ref(),
        }
    }

    /// Buffer bytes with a disc of `family` in the drive.
    pub fn buffer_bytes(&self, family: Family) -> u32 {
        match family {
            Family::Cd => self.buffer.cd,
            Family::Dvd => self.buffer.dvd,
            Family::Bd => self.buffer.bd,
        }
    }

    /// The speeds for discs of `kind`; `None` if the drive does not handle it.
    pub fn speeds(&self, kind: MediumKind) -> Option<&MediumSpeeds> {
        self.media.get(&kind)
    }

    /// Whether the drive records discs of `kind`.
    pub fn writes(&self, kind: MediumKind) -> bool {
        self.speeds(kind).is_some_and(|speeds| !speeds.write.is_empty())
    }

    /// Whether the drive has the command of this operation code, as far as that differs from drive
    /// to drive.
    pub fn has(&self, opcode: u8) -> bool {
        let left_to_it =
            OptionalCommand::ALL.into_iter().find(|command| command.opcode() == opcode);
        left_to_it.is_none_or(|command| self.behaviour.optional.contains(&command))
    }

    /// Leaves only write speeds up to `limit`, in multiples of each family's own 1x. A kind of disc
    /// whose slowest speed is above it keeps that one.
    pub fn limit_write_speed(&mut self, limit: Speed) {
        for speeds in self.media.values_mut() {
            let slowest = speeds.write.last().map(Strategy::nominal);
            speeds.write.retain(|s| s.nominal() <= limit || Some(s.nominal()) == slowest);
        }
    }
}

impl Timing {
    /// Without access, from active to idle.
    pub fn idle_after(&self) -> Duration {
        Duration::from_secs(self.idle_after_s.into())
    }

    /// Without access, from active to standby.
    pub fn standby_after(&self) -> Duration {
        Duration::from_secs(self.standby_after_s.into())
    }
}

/// What the types cannot say: lengths of names, order of speeds, profiles that fit the media.
pub(super) fn check(model: &DriveModel) -> Result<(), ModelError> {
    let bad = |what: String| Err(ModelError::Nonsense { model: model.name.clone(), what });
    for (field, text, most) in [
        ("vendor", &model.vendor, 8),
        ("product", &model.product, 16),
        ("revision", &model.revision, 4),
        ("serial", &model.serial, 16),
    ] {
        if text.is_empty() || text.len() > most || !text.bytes().all(|b| (0x20..0x7F).contains(&b))
        {
            return bad(format!(
                "{field} \"{text}\" is not 1 to {most} printable ASCII characters"
            ));
        }
    }
    let buffer = &model.buffer;
    if !(1..=100).contains(&buffer.start_percent) {
        return bad(format!("start-percent {} is not 1 to 100", buffer.start_percent));
    }
    for (family, bytes) in [("cd", buffer.cd), ("dvd", buffer.dvd), ("bd", buffer.bd)] {
        if !(128 * 1024..=64 * 1024 * 1024).contains(&bytes) {
            return bad(format!("buffer {family} = {bytes} is not 128 KiB to 64 MiB"));
        }
    }
    for (&kind, speeds) in &model.media {
        if model.family(kind.family()).is_none() {
            return bad(format!("media.{kind} needs the table [bd]"));
        }
        if !kind.profiles().iter().any(|profile| model.profiles.contains(profile)) {
            return bad(format!("media.{kind} has none of its profiles in `profiles`"));
        }
        for strategy in speeds.write.iter().chain([&speeds.read]) {
            check_strategy(strategy).or_else(|what| bad(format!("media.{kind}: {what}")))?;
        }
        if !speeds.write.is_sorted_by(|a, b| a.nominal() > b.nominal()) {
            return bad(format!("media.{kind}: write speeds are not in falling order"));
        }
    }
    Ok(())
}

fn check_strategy(strategy: &Strategy) -> Result<(), String> {
    match strategy {
        Strategy::PCav { inner, outer } if inner > outer => {
            Err(format!("p-cav starts at {inner}, above its end at {outer}"))
        }
        Strategy::ZClv(zones) if zones.first().is_none_or(|zone| zone.from != 0) => {
            Err("z-clv needs a first zone from 0".into())
        }
        Strategy::ZClv(zones) if !zones.is_sorted_by(|a, b| a.from < b.from) => {
            Err("z-clv zones are not in rising order".into())
        }
        _ => Ok(()),
    }
}
