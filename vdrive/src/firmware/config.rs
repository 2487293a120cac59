//! GET CONFIGURATION: what the drive can do, and what of it with the disc that is in it.

use engine::device::{Cdb, Data};
use engine::mmc::cdb::{Command, FeatureRequest, GetConfiguration};
use engine::mmc::feature::{
    BdRPow, BdRead, BdWrite, CdExternalAudioPlay, CdMastering, CdRead, CdRwMediaWrite,
    CdTrackAtOnce, Configuration, Core, DriveSerialNumber, DvdCss, DvdPlusR, DvdPlusRw,
    DvdRRwWrite, DvdRead, Feature, FeatureDescriptor, Formattable, HardwareDefectManagement,
    IncrementalStreamingWritable, Morphing, MultiRead, PowerManagement, ProfileList,
    RandomReadable, RandomWritable, RealTimeStreaming, RemovableMedium, RestrictedOverwrite,
    RigidRestrictedOverwrite, Timeout, WriteProtect,
};
use engine::mmc::profile::Profile;
use engine::mmc::wire::Field;
use engine::units::{BLOCK, Lba};

use super::context::{Cx, Reply, bad_cdb};
use super::{Firmware, Spindle, Tray, tracks};
use crate::medium::{FormatState, State};
use crate::models::{DriveModel, Family, Interface, Loading, MediumKind};

/// GET CONFIGURATION (MMC-6, 6.6).
pub(super) fn get_configuration(cx: &mut Cx<'_>, cdb: &Cdb, data: &mut Data<'_>) -> Reply {
    let cdb = GetConfiguration::from_cdb(cdb);
    let state = visible(cx.fw, cx.disc.as_ref().map(|disc| disc.state()));
    let number = |feature: &FeatureDescriptor| feature.code.to_bits();
    let start = u64::from(cdb.start);
    let mut features = features(cx.fw, state);
    match cdb.request {
        FeatureRequest::All => features.retain(|feature| number(feature) >= start),
        FeatureRequest::Current => {
            features.retain(|feature| number(feature) >= start && feature.current);
        }
        FeatureRequest::One => features.retain(|feature| number(feature) == start),
        FeatureRequest::Other(_) => return Err(bad_cdb(1, Some(1))),
    }
    let current = state.map_or(Profile::None, profile);
    let reply = Configuration { current, features }.emit();
    cx.send(&reply, cdb.allocation.into(), data)
}

/// The disc, if it has been recognised.
fn visible<'s>(fw: &Firmware, state: Option<&'s State>) -> Option<&'s State> {
    let known = fw.tray == Tray::In && fw.spindle != Spindle::Unknown && fw.live.is_some();
    state.filter(|_| known)
}

/// The profile under which a disc is shown.
pub(super) fn profile(state: &State) -> Profile {
    match state.kind() {
        MediumKind::CdR => Profile::CdR,
        MediumKind::CdRw => Profile::CdRw,
        MediumKind::DvdR => Profile::DvdR,
        MediumKind::DvdRw if tracks::sequential(state) => Profile::DvdRwSequential,
        MediumKind::DvdRw => Profile::DvdRwOverwrite,
        MediumKind::DvdPlusR => Profile::DvdPlusR,
        MediumKind::DvdPlusRw => Profile::DvdPlusRw,
        MediumKind::DvdRam => Profile::DvdRam,
        MediumKind::BdR => Profile::BdRSrm,
        MediumKind::BdRe => Profile::BdRe,
    }
}

/// What the disc in the drive is, as far as features depend on it.
struct Now<'a> {
    state: Option<&'a State>,
    kind: Option<MediumKind>,
    family: Option<Family>,
}

impl Now<'_> {
    fn is(&self, kinds: &[MediumKind]) -> bool {
        self.kind.is_some_and(|kind| kinds.contains(&kind))
    }

    fn overwritable(&self) -> bool {
        self.state.is_some_and(|state| !tracks::sequential(state))
    }
}

/// All features in rising order.
fn features(fw: &Firmware, state: Option<&State>) -> Vec<FeatureDescriptor> {
    let now = Now {
        state,
        kind: state.map(State::kind),
        family: state.map(|state| state.kind().family()),
    };
    let mut list = general(&fw.model, &now);
    list.extend(reading(&fw.model, &now));
    list.extend(writing(&fw.model, &now));
    list.extend(drive(&fw.model, now.family == Some(Family::Cd)));
    list.sort_by_key(|feature| feature.code.to_bits());
    list
}

fn general(model: &DriveModel, now: &Now<'_>) -> Vec<FeatureDescriptor> {
    let current = now.state.map(profile);
    let profiles = model
        .profiles
        .iter()
        .map(|&number| (Profile::of(number), Some(Profile::of(number)) == current))
        .collect();
    let interface = match model.interface {
        Interface::Scsi => 1,
        Interface::Atapi => 2,
        Interface::Sata => 7,
        Interface::Usb => 8,
    };
    let removable = RemovableMedium {
        mechanism: mechanism(model),
        load: model.loading != Loading::SlimTray,
        eject: true,
        prevent_jumper: true,
        dbml: false,
        lock: true,
    };
    vec![
        ProfileList { profiles }.descriptor(0, true, true),
        Core { interface, inq2: true, dbe: true }.descriptor(2, true, true),
        Morphing { oc_event: true, asynchronous: false }.descriptor(1, true, true),
        removable.descriptor(2, true, true),
    ]
}

/// Loading mechanism type (MMC-6, 5.3.4).
pub(super) fn mechanism(model: &DriveModel) -> u8 {
    match model.loading {
        Loading::Tray => 1,
        Loading::SlimTray => 1,
        Loading::Slot => 0,
    }
}

fn reading(model: &DriveModel, now: &Now<'_>) -> Vec<FeatureDescriptor> {
    let cd = now.family == Some(Family::Cd);
    let bd = now.family == Some(Family::Bd);
    let blocking = match now.family {
        Some(family) => family.unit_sectors() as u16,
        None => 1,
    };
    let random = RandomReadable { block_size: BLOCK as u32, blocking, page_present: true };
    let cd_read = CdRead { dap: false, c2_flags: true, cd_text: true };
    let mut list = vec![
        random.descriptor(0, false, now.state.is_some()),
        MultiRead {}.descriptor(0, false, cd),
        cd_read.descriptor(2, false, cd),
        DvdRead { multi110: true, dual_rw: false, dual_r: false }.descriptor(
            1,
            false,
            now.family == Some(Family::Dvd),
        ),
    ];
    if model.bd.is_some() {
        // Version 1 and 2 of BD-RE, 1 of BD-R and BD-ROM, all of class 0.
        let re = [0, 0b110, 0, 0, 0, 0, 0, 0];
        let one = [0, 0b010, 0, 0, 0, 0, 0, 0];
        let read = BdRead { bca: false, re, r: one, rom: one };
        list.push(read.descriptor(0, false, bd));
    }
    list
}

fn writing(model: &DriveModel, now: &Now<'_>) -> Vec<FeatureDescriptor> {
    use MediumKind as K;
    let can = |kind: K| model.writes(kind);
    let buf = model.behaviour.underrun_protection;
    let cd = now.is(&[K::CdR, K::CdRw]) && !now.overwritable();
    let dash = now.is(&[K::DvdR, K::DvdRw]) && !now.overwritable();
    let minimal = now.state.is_some_and(|state| state.minimal);
    let protect = WriteProtect { sswpp: true, spwp: can(K::DvdRam), ..WriteProtect::default() };
    let protects = now.kind.is_some_and(can);
    let mut list = vec![random_writable(now), protect.descriptor(1, false, protects)];
    // Incremental writing of a minimally blanked DVD-RW is impossible (MMC-6, 4.4.3.3).
    let incremental = IncrementalStreamingWritable {
        block_types: if cd { 1 << 8 | 1 << 10 } else { 1 << 8 },
        trio: true,
        arsv: now.is(&[K::BdR]),
        buf,
        link_sizes: match now.family {
            Some(Family::Dvd) => vec![16],
            Some(Family::Cd) => vec![7],
            _ => Vec::new(),
        },
    };
    let streaming = (dash && !minimal) || now.is(&[K::BdR]) || cd;
    list.push(incremental.descriptor(3, false, streaming));
    let blank_bd_r = now.is(&[K::BdR]) && now.state.is_some_and(State::is_blank);
    let formattable = Formattable {
        re_no_sa: can(K::BdRe),
        qcert: can(K::BdRe),
        expand: can(K::DvdRam),
        cert: true,
        ..Formattable::default()
    };
    let formats = now.is(&[K::CdRw, K::DvdRw, K::DvdPlusRw, K::DvdRam, K::BdRe]) || blank_bd_r;
    list.push(formattable.descriptor(1, false, formats));
    if can(K::BdRe) || can(K::DvdRam) {
        let spares = now.state.is_some_and(State::has_spares);
        list.push(HardwareDefectManagement { ssa: true }.descriptor(1, false, spares));
    }
    if can(K::DvdRw) {
        let overwrite = now.is(&[K::CdRw, K::DvdRw]) && now.overwritable();
        list.push(RestrictedOverwrite {}.descriptor(0, false, overwrite));
        let rigid =
            RigidRestrictedOverwrite { intermediate: true, blank: true, ..Default::default() };
        list.push(rigid.descriptor(0, false, now.is(&[K::DvdRw])));
    }
    let plus_rw = DvdPlusRw { write: can(K::DvdPlusRw), quick_start: true, close_only: false };
    list.push(plus_rw.descriptor(0, false, now.is(&[K::DvdPlusRw])));
    let plus_r = DvdPlusR { write: can(K::DvdPlusR) };
    list.push(plus_r.descriptor(0, false, now.is(&[K::DvdPlusR])));
    let cd_rw = can(K::CdRw);
    // Audio, Mode 1 and the forms of Mode 2.
    let block_types = 0b0011_1111_0000_0001;
    let tao = CdTrackAtOnce { buf, test: true, cd_rw, block_types, ..CdTrackAtOnce::default() };
    list.push(tao.descriptor(2, false, cd));
    let sao = CdMastering {
        buf,
        sao: true,
        raw: true,
        rw_sub: true,
        test: true,
        cd_rw,
        max_cue_sheet: super::cue::LONGEST as u32,
        ..CdMastering::default()
    };
    list.push(sao.descriptor(0, false, cd));
    let dash_write = DvdRRwWrite { buf, rdl: false, test: true, dvd_rw: can(K::DvdRw) };
    list.push(dash_write.descriptor(2, false, dash));
    if cd_rw {
        let types = CdRwMediaWrite { sub_types: 0b0000_0111 };
        list.push(types.descriptor(0, false, now.is(&[K::CdRw])));
    }
    if can(K::BdR) {
        // Hosts ask for it to see whether a disc is formatted so.
        let pow = now.state.is_some_and(State::pseudo_overwrite);
        list.push(BdRPow {}.descriptor(0, false, pow));
        let re = [0, if can(K::BdRe) { 0b110 } else { 0 }, 0, 0, 0, 0, 0, 0];
        let r = [0, 0b010, 0, 0, 0, 0, 0, 0];
        let write = BdWrite { svnr: false, re, r };
        list.push(write.descriptor(0, false, now.is(&[K::BdR, K::BdRe])));
    }
    list
}

fn random_writable(now: &Now<'_>) -> FeatureDescriptor {
    let kinds = [MediumKind::DvdPlusRw, MediumKind::DvdRam, MediumKind::BdRe];
    let state = now.state.filter(|_| now.is(&kinds));
    let blocks = state.map_or(0, |state| match state.format.state {
        FormatState::None => state.capacity().0,
        _ => state.format.blocks.0,
    });
    let feature = RandomWritable {
        last: Lba(i32::try_from(blocks).unwrap_or(i32::MAX).saturating_sub(1).max(0)),
        block_size: BLOCK as u32,
        blocking: now.family.map_or(16, |family| family.unit_sectors() as u16),
        page_present: true,
    };
    feature.descriptor(1, false, state.is_some())
}

/// Steps of volume in page 0Eh: all that a byte can say.
pub(super) const VOLUME_LEVELS: u16 = 256;

fn drive(model: &DriveModel, cd: bool) -> Vec<FeatureDescriptor> {
    let streaming =
        RealTimeStreaming { smp: false, rbcb: true, scs: true, mp2a: true, wspd: true, sw: true };
    vec![
        PowerManagement {}.descriptor(0, true, true),
        CdExternalAudioPlay { scan: true, scm: true, sv: true, levels: VOLUME_LEVELS }
            .descriptor(0, false, cd),
        Timeout { group3: false, unit_length: 0 }.descriptor(1, true, true),
        streaming.descriptor(5, true, true),
        // The drive knows its region, and no disc here has keys.
        DvdCss { version: 1 }.descriptor(0, false, false),
        DriveSerialNumber { serial: model.serial.clone() }.descriptor(0, true, true),
    ]
}
