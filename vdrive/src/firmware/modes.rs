//! MODE SENSE and MODE SELECT, 6 and 10: the pages and what of them a host may change.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, ModeSelect6, ModeSelect10, ModeSense6, ModeSense10, PageControl};
use engine::mmc::modes::{
    ALL_PAGES, Caching, Capabilities, CdAudio, CdDevice, ErrorRecovery, ModeList, PageWriteSpeed,
    PowerCondition, TimeoutAndProtect, WriteParameters, WriteType, page_code, page_len,
};
use engine::mmc::sense::codes;
use engine::units::Kbps;

use super::config::mechanism;
use super::context::{Cx, Refusal, Reply, bad_cdb, bad_parameter};
use super::source::Source;
use crate::models::{DriveModel, Family, MediumKind, Strategy};

/// The pages that a host can change, as they are now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pages {
    recovery: ErrorRecovery,
    write: WriteParameters,
    caching: Caching,
    device: CdDevice,
    audio: CdAudio,
    power: PowerCondition,
    timeout: TimeoutAndProtect,
}

impl Pages {
    /// As they are after power-on.
    pub(super) fn new(model: &DriveModel) -> Pages {
        let tenths = |seconds: u32| seconds.saturating_mul(10);
        Pages {
            recovery: ErrorRecovery {
                awre: true,
                arre: true,
                read_retries: 32,
                write_retries: 16,
                ..ErrorRecovery::default()
            },
            write: incremental(),
            caching: Caching { wce: true, ..Caching::default() },
            device: CdDevice { seconds: 60, frames: 75, ..CdDevice::default() },
            audio: CdAudio {
                immed: true,
                blocks_per_second: 75,
                ports: [1, 0xff, 2, 0xff, 0, 0, 0, 0],
                ..CdAudio::default()
            },
            power: PowerCondition {
                idle: true,
                standby: true,
                idle_timer: tenths(model.timing.idle_after_s),
                standby_timer: tenths(model.timing.standby_after_s),
                ..PowerCondition::default()
            },
            timeout: TimeoutAndProtect { group1: 120, group2: 120, ..Default::default() },
        }
    }

    /// The write parameters.
    pub(super) fn write(&self) -> &WriteParameters {
        &self.write
    }

    /// Whether the host wants no disc to be written on (page 1Dh, SWPP).
    pub(super) fn software_protected(&self) -> bool {
        self.timeout.swpp
    }

    /// Whether the next session is to be written at once.
    pub(super) fn at_once(&self) -> bool {
        self.write.write_type == WriteType::SessionAtOnce
    }

    /// Whether the host makes the whole session.
    pub(super) fn raw(&self) -> bool {
        self.write.write_type == WriteType::Raw
    }

    /// Whether tracks grow packet by packet.
    pub(super) fn packets(&self) -> bool {
        self.write.write_type == WriteType::Packet
    }

    /// Page 05 starts anew with each disc, as what suits its kind.
    pub(super) fn medium_came(&mut self, kind: MediumKind) {
        self.write = match kind.family() {
            Family::Cd => WriteParameters {
                bufe: true,
                write_type: WriteType::TrackAtOnce,
                track_mode: 4,
                data_block_type: 8,
                audio_pause: 150,
                ..WriteParameters::default()
            },
            _ => incremental(),
        };
    }
}

fn incremental() -> WriteParameters {
    WriteParameters {
        bufe: true,
        ls_v: true,
        write_type: WriteType::Packet,
        track_mode: 5,
        data_block_type: 8,
        link_size: 16,
        packet_size: 16,
        audio_pause: 150,
        ..WriteParameters::default()
    }
}

/// MODE SENSE (10) (MMC-6, 6.13).
pub(super) fn mode_sense10(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ModeSense10::from_cdb(cdb);
    let list = sense(cx, cdb.control, cdb.page, cdb.subpage)?;
    cx.send(&list.emit10(), cdb.allocation.into(), data)
}

/// MODE SENSE (6) (SPC-3, 6.9): Linux asks for page 2Ah with it.
pub(super) fn mode_sense6(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ModeSense6::from_cdb(cdb);
    let list = sense(cx, cdb.control, cdb.page, cdb.subpage)?;
    cx.send(&list.emit6(), cdb.allocation.into(), data)
}

fn sense(cx: &Cx<'_>, control: PageControl, page: u8, subpage: u8) -> Result<ModeList, Refusal> {
    if control == PageControl::Saved {
        return Err(codes::SAVING_NOT_SUPPORTED.into());
    }
    if subpage != 0 && !(page == ALL_PAGES && subpage == 0xff) {
        return Err(bad_cdb(3, None));
    }
    let pages: Vec<Vec<u8>> = all(cx, control)
        .into_iter()
        .filter(|bytes| page == ALL_PAGES || page_code(bytes) == page)
        .collect();
    if pages.is_empty() {
        return Err(bad_cdb(2, Some(5)));
    }
    Ok(ModeList { pages, ..ModeList::default() })
}

/// All pages in rising order.
fn all(cx: &Cx<'_>, control: PageControl) -> Vec<Vec<u8>> {
    let pages = match control {
        PageControl::Changeable => changeable(),
        PageControl::Default => {
            let mut pages = Pages::new(&cx.fw.model);
            if let Some(disc) = &*cx.disc {
                pages.medium_came(disc.state().kind());
            }
            pages
        }
        _ => cx.fw.pages.clone(),
    };
    let capabilities = match control {
        PageControl::Changeable => {
            // Nothing can be changed: the page's header and zeros.
            let mut page = capabilities(cx);
            page[2..].fill(0);
            page
        }
        _ => capabilities(cx),
    };
    let mut device = pages.device.emit().to_vec();
    let mut audio = pages.audio.emit().to_vec();
    if control == PageControl::Changeable {
        device[4..].fill(0);
        audio[6..8].fill(0);
    }
    vec![
        pages.recovery.emit().to_vec(),
        pages.write.emit().to_vec(),
        pages.caching.emit().to_vec(),
        device,
        audio,
        pages.power.emit().to_vec(),
        pages.timeout.emit().to_vec(),
        capabilities,
    ]
}

/// Ones where a host may change something.
fn changeable() -> Pages {
    Pages {
        recovery: ErrorRecovery {
            awre: true,
            arre: true,
            tb: true,
            rc: true,
            per: true,
            dte: true,
            dcr: true,
            read_retries: 0xff,
            write_retries: 0xff,
            ..ErrorRecovery::default()
        },
        write: WriteParameters {
            bufe: true,
            ls_v: true,
            write_type: WriteType::Other(0xf),
            test_write: true,
            multi_session: 3,
            fp: true,
            copy: true,
            track_mode: 0xf,
            data_block_type: 0xf,
            link_size: 0xff,
            application_code: 0x3f,
            session_format: 0xff,
            packet_size: u32::MAX,
            audio_pause: u16::MAX,
            mcn: [0xff; 16],
            isrc: [0xff; 16],
            sub_header: [0xff; 4],
            ..WriteParameters::default()
        },
        caching: Caching { wce: true, rcd: true, ..Caching::default() },
        device: CdDevice { inactivity: 0xf, ..CdDevice::default() },
        audio: CdAudio { sotc: true, ports: [0xff; 8], ..CdAudio::default() },
        power: PowerCondition {
            idle: true,
            standby: true,
            idle_timer: u32::MAX,
            standby_timer: u32::MAX,
            ..PowerCondition::default()
        },
        timeout: TimeoutAndProtect {
            tmoe: true,
            swpp: true,
            group1: u16::MAX,
            group2: u16::MAX,
            ..TimeoutAndProtect::default()
        },
    }
}

/// Page 2Ah, built anew each time (MMC-3, 6.3.11).
fn capabilities(cx: &Cx<'_>) -> Vec<u8> {
    let fw = &cx.fw;
    let model = &fw.model;
    let can = |kind| model.writes(kind);
    let reads = |kind| model.speeds(kind).is_some();
    let family = cx.state().map_or(Family::Cd, |state| state.kind().family());
    // The field has 16 bits; drives cut what is faster.
    let narrow = |rate: Kbps| Kbps(rate.0.min(0xffff));
    let strategies = fw.laser.write_strategies();
    let speeds: Vec<PageWriteSpeed> = strategies
        .iter()
        .map(|strategy| PageWriteSpeed {
            rotation: u8::from(strategy.is_cav()),
            speed: narrow(strategy.nominal().kbps(family)),
        })
        .collect();
    let rate = |speed: Option<crate::models::Speed>| {
        narrow(speed.map_or(Kbps(0), |speed| speed.kbps(family)))
    };
    let fastest = rate(strategies.first().map(Strategy::nominal));
    let read_cd = model.speeds(MediumKind::CdR).map(|speeds| speeds.read.nominal());
    let page = Capabilities {
        read_dvd_ram: reads(MediumKind::DvdRam),
        write_dvd_ram: can(MediumKind::DvdRam),
        read_dvd_r: reads(MediumKind::DvdR),
        read_dvd_rom: reads(MediumKind::DvdR),
        method2: true,
        mode2_form1: true,
        mode2_form2: true,
        audio_play: true,
        cd_da: true,
        cd_da_accurate: true,
        c2_pointers: true,
        isrc: true,
        upc: true,
        rw_supported: true,
        rw_corrected: true,
        rw_in_lead_in: true,
        separate_mute: true,
        separate_volume: true,
        volume_levels: super::config::VOLUME_LEVELS,
        read_cd_rw: reads(MediumKind::CdRw),
        read_cd_r: reads(MediumKind::CdR),
        write_dvd_r: can(MediumKind::DvdR),
        write_cd_rw: can(MediumKind::CdRw),
        write_cd_r: can(MediumKind::CdR),
        test_write: true,
        buf: model.behaviour.underrun_protection,
        multi_session: true,
        mechanism: mechanism(model),
        eject: true,
        lock_state: fw.is_locked(),
        lock: true,
        max_read: narrow(read_cd.map_or(Kbps(0), |speed| speed.kbps(Family::Cd))),
        buffer: (model.buffer_bytes(family) / 1024).min(0xffff) as u16,
        current_read: rate(fw.laser.read_speed()),
        max_write: fastest,
        current_write_old: rate(fw.laser.write_speed()),
        copy_management: 1,
        current_write: rate(fw.laser.write_speed()),
        ..Capabilities::default()
    };
    page.page(&speeds)
}

/// MODE SELECT (10) (MMC-6, 6.12).
pub(super) fn mode_select10(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ModeSelect10::from_cdb(cdb);
    if cdb.sp {
        return Err(bad_cdb(1, Some(0)));
    }
    let length = usize::from(cdb.length);
    let list = Cx::list(length, data)?;
    if list.is_empty() {
        return cx.good();
    }
    let list = ModeList::parse10(list).map_err(|_| codes::PARAMETER_LIST_LENGTH)?;
    select(cx, &list, length)
}

/// MODE SELECT (6) (SPC-3, 6.7).
pub(super) fn mode_select6(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = ModeSelect6::from_cdb(cdb);
    if cdb.sp {
        return Err(bad_cdb(1, Some(0)));
    }
    let length = usize::from(cdb.length);
    let list = Cx::list(length, data)?;
    if list.is_empty() {
        return cx.good();
    }
    let list = ModeList::parse6(list).map_err(|_| codes::PARAMETER_LIST_LENGTH)?;
    select(cx, &list, length)
}

/// All pages of the list take effect, or none.
fn select(cx: &mut Cx<'_>, list: &ModeList, length: usize) -> Reply {
    let mut pages = cx.fw.pages.clone();
    for page in &list.pages {
        if page.len() < page_len(page) {
            return Err(codes::PARAMETER_LIST_LENGTH.into());
        }
        take(cx, &mut pages, page)?;
    }
    if std::mem::replace(&mut cx.fw.pages, pages) != cx.fw.pages {
        // The pages are shared: the others are told (SPC-4, 5.9 and 6.10).
        cx.fw.nexuses.raise_for_others(codes::MODE_PARAMETERS_CHANGED);
    }
    let bufe = cx.fw.pages.write.bufe;
    // Lossless linking needs no permission (MMC-6, 7.5.4.3).
    let lossless = cx.state().is_ok_and(|state| {
        !matches!(state.kind().family(), Family::Cd) && state.kind() != MediumKind::DvdR
    });
    let protection = cx.fw.model.behaviour.underrun_protection && (bufe || lossless);
    cx.fw.laser.set_protection(protection || lossless);
    let at = cx.now + cx.fw.transfer(length);
    Ok(super::Answer::Good { moved: length, at })
}

/// Takes over one page.
fn take(cx: &Cx<'_>, pages: &mut Pages, page: &[u8]) -> Result<(), Refusal> {
    let wrong_length = |need: usize| page.len() != need;
    match page_code(page) {
        0x01 => {
            // The old form had six bytes behind its header.
            if page.len() != 8 && wrong_length(ErrorRecovery::LEN) {
                return Err(bad_parameter(1));
            }
            let time_limit = pages.recovery.time_limit;
            pages.recovery = ErrorRecovery { time_limit, ..ErrorRecovery::parse_cut(page) };
        }
        0x05 => {
            if page.len() < WriteParameters::LEN || page.len() > WriteParameters::LEN + 4 {
                return Err(bad_parameter(1));
            }
            pages.write = write_parameters(cx, page)?;
        }
        0x08 => {
            let asked = Caching::parse_cut(page);
            let old = pages.caching.clone();
            pages.caching = Caching { wce: asked.wce, rcd: asked.rcd, ..old };
        }
        0x0d if !wrong_length(CdDevice::LEN) => {
            let inactivity = CdDevice::parse_cut(page).inactivity;
            pages.device = CdDevice { inactivity, ..pages.device.clone() };
        }
        0x0e if !wrong_length(CdAudio::LEN) => {
            let asked = CdAudio::parse_cut(page);
            let old = pages.audio.clone();
            pages.audio = CdAudio { sotc: asked.sotc, ports: asked.ports, ..old };
        }
        0x1a if !wrong_length(PowerCondition::LEN) => {
            pages.power = PowerCondition { ps: false, ..PowerCondition::parse_cut(page) };
        }
        0x1d if !wrong_length(TimeoutAndProtect::LEN) => {
            let asked = TimeoutAndProtect::parse_cut(page);
            // Software write protection lasts until the power goes.
            if asked.disp {
                return Err(bad_parameter(4));
            }
            pages.timeout = asked;
        }
        _ => return Err(bad_parameter(0)),
    }
    Ok(())
}

/// Page 05h: only what the drive can really write is taken (MMC-6, 7.5.4).
fn write_parameters(cx: &Cx<'_>, page: &[u8]) -> Result<WriteParameters, Refusal> {
    let asked = WriteParameters { ps: false, ..WriteParameters::parse_cut(page) };
    let kind = cx.state().ok().map(|state| state.kind());
    let dvd = kind.is_none_or(|kind| kind.family() != Family::Cd);
    if !dvd {
        // Packets of one length belong to a formatted disc; a host chooses them to format it.
        if asked.write_type == WriteType::Packet && asked.fp && kind == Some(MediumKind::CdR) {
            return Err(bad_parameter(3));
        }
        return cd_parameters(asked);
    }
    match asked.write_type {
        // On DVD it means no more than incremental; hosts set it before they know the disc.
        WriteType::TrackAtOnce => {
            // Data in 2048-byte blocks is all that a track at once holds here.
            if asked.data_block_type != 8 || asked.track_mode & 4 == 0 {
                return Err(bad_parameter(4));
            }
        }
        WriteType::SessionAtOnce => {}
        WriteType::Packet if dvd => {}
        _ => return Err(bad_parameter(2)),
    }
    if kind.is_some_and(|kind| kind.family() == Family::Dvd) {
        if asked.ls_v && !matches!(asked.link_size, 0 | 16) {
            return Err(bad_parameter(5));
        }
        if asked.fp && !matches!(asked.packet_size, 16 | 32) {
            return Err(bad_parameter(10));
        }
    }
    if !matches!(asked.multi_session, 0 | 3) {
        return Err(bad_parameter(3));
    }
    Ok(asked)
}

/// The same for a CD (MMC-6, 7.5.4, data block types by write type).
fn cd_parameters(asked: WriteParameters) -> Result<WriteParameters, Refusal> {
    let audio = asked.track_mode & 4 == 0;
    match asked.write_type {
        WriteType::TrackAtOnce => match Source::of_block_type(asked.data_block_type) {
            Some(source) if source.audio() == audio => {}
            _ => return Err(bad_parameter(4)),
        },
        // What a session at once holds stands in its cue sheet; hosts also ask with it whether
        // they may send the sub-channels, of which P and Q are the drive's.
        WriteType::SessionAtOnce if asked.data_block_type == 1 => return Err(bad_parameter(4)),
        WriteType::SessionAtOnce => {}
        WriteType::Raw if Source::of_raw(asked.data_block_type).is_some() => {}
        WriteType::Raw => return Err(bad_parameter(4)),
        // On a formatted disc all packets have 32 blocks.
        WriteType::Packet if asked.fp && asked.packet_size != 32 => return Err(bad_parameter(10)),
        WriteType::Packet if !matches!(asked.data_block_type, 8 | 10) => {
            return Err(bad_parameter(4));
        }
        WriteType::Packet if asked.ls_v && asked.link_size != 7 => return Err(bad_parameter(5)),
        WriteType::Packet if !audio => {}
        _ => return Err(bad_parameter(2)),
    }
    // 01b: no further session, and a pointer B0h that says so (MMC-6, 7.5.4.5). cdrdao closes with
    // it a disc that has sessions already.
    if !matches!(asked.multi_session, 0 | 1 | 3) {
        return Err(bad_parameter(3));
    }
    if !matches!(asked.session_format, 0 | 0x10 | 0x20) {
        return Err(bad_parameter(8));
    }
    Ok(asked)
}
