//! Payload layouts of the features that matter to burning. Byte numbers are the standard's less
//! four.

use super::{Feature, FeatureCode};
use crate::mmc::profile::Profile;
use crate::mmc::wire::{get_bytes, layout};
use crate::units::Lba;

/// Profiles the drive knows, the preferred first (MMC-6, 5.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileList {
    /// Profile, and whether it is current.
    pub profiles: Vec<(Profile, bool)>,
}

impl Feature for ProfileList {
    const CODE: FeatureCode = FeatureCode::ProfileList;

    fn from_data(data: &[u8]) -> Self {
        let (entries, _) = data.as_chunks::<4>();
        let profiles = entries
            .iter()
            .map(|entry| (Profile::of(get_bytes(entry, 0, 2) as u16), entry[2] & 1 != 0))
            .collect();
        ProfileList { profiles }
    }

    fn to_data(&self) -> Vec<u8> {
        let entry = |&(profile, current): &(Profile, bool)| {
            let [high, low] = profile.number().to_be_bytes();
            [high, low, u8::from(current), 0]
        };
        self.profiles.iter().flat_map(entry).collect()
    }
}

feature! {
    /// Every drive (MMC-6, 5.3.2).
    pub struct Core[8] = Core {
        /// Physical interface: 1 SCSI, 2 ATAPI, 3 and 4 IEEE 1394, 5 FC, 7 SATA, 8 USB.
        interface: u32 = (0 .. 4),
        /// INQUIRY as the newer standard has it.
        inq2: bool = (4 . 1),
        /// Device busy events.
        dbe: bool = (4 . 0),
    }
}

feature! {
    /// Tells of its changes (MMC-6, 5.3.3).
    pub struct Morphing[4] = Morphing {
        /// Operational change events.
        oc_event: bool = (0 . 1),
        /// Asynchronous event notification.
        asynchronous: bool = (0 . 0),
    }
}

feature! {
    /// Tray, lock, eject (MMC-6, 5.3.4).
    pub struct RemovableMedium[4] = RemovableMedium {
        /// Loading mechanism: 0 caddy, 1 tray, 2 pop-up, 4 and 5 changers.
        mechanism: u8 = (0 . 7-5),
        /// Can load by command.
        load: bool = (0 . 4),
        /// Can eject by command.
        eject: bool = (0 . 3),
        /// No jumper that prevents: zero means locked after power-on.
        prevent_jumper: bool = (0 . 2),
        /// Locks over a medium change.
        dbml: bool = (0 . 1),
        /// Can be locked.
        lock: bool = (0 . 0),
    }
}

feature! {
    /// Write protection (MMC-6, 5.3.5).
    pub struct WriteProtect[4] = WriteProtect {
        /// Disc write protect status by READ DISC STRUCTURE C0h.
        dwp: bool = (0 . 3),
        /// Writes the write inhibit control block.
        wdcb: bool = (0 . 2),
        /// Persistent write protection.
        spwp: bool = (0 . 1),
        /// Software write protection until power-down.
        sswpp: bool = (0 . 0),
    }
}

feature! {
    /// Any block can be read (MMC-6, 5.3.6).
    pub struct RandomReadable[8] = RandomReadable {
        /// Bytes in a block.
        block_size: u32 = (0 .. 4),
        /// Blocks that are read together: 1 CD, 16 DVD, 32 BD.
        blocking: u16 = (4 .. 6),
        /// Mode page 01h is there.
        page_present: bool = (6 . 0),
    }
}

feature! {
    /// Reads all kinds of CD (MMC-6, 5.3.7).
    pub struct MultiRead[0] = MultiRead {}
}

feature! {
    /// Reads CD sectors in all their parts (MMC-6, 5.3.8).
    pub struct CdRead[4] = CdRead {
        /// Digital audio play bit of READ CD.
        dap: bool = (0 . 7),
        /// C2 error flags.
        c2_flags: bool = (0 . 1),
        /// CD-TEXT.
        cd_text: bool = (0 . 0),
    }
}

feature! {
    /// Reads DVD (MMC-6, 5.3.9).
    pub struct DvdRead[4] = DvdRead {
        /// Version 1.1 of the multi-read specification.
        multi110: bool = (0 . 0),
        /// DVD-RW dual layer.
        dual_rw: bool = (2 . 1),
        /// DVD-R dual layer.
        dual_r: bool = (2 . 0),
    }
}

feature! {
    /// Any block can be written (MMC-6, 5.3.10).
    pub struct RandomWritable[12] = RandomWritable {
        /// Last block.
        last: Lba = (0 .. 4),
        /// Bytes in a block.
        block_size: u32 = (4 .. 8),
        /// Blocks that are written together.
        blocking: u16 = (8 .. 10),
        /// Mode page 01h is there.
        page_present: bool = (10 . 0),
    }
}

/// Writes sequentially, in portions (MMC-6, 5.3.11).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncrementalStreamingWritable {
    /// Data block types, bit n for type n.
    pub block_types: u16,
    /// Track resources information in READ DISC INFORMATION.
    pub trio: bool,
    /// RESERVE TRACK by address.
    pub arsv: bool,
    /// Goes on after a buffer underrun.
    pub buf: bool,
    /// Link sizes that can be had: 7 on CD, 16 on DVD.
    pub link_sizes: Vec<u8>,
}

layout! {
    struct IncrementalHeader[4] {
        block_types: u16 = (0 .. 2),
        trio: bool = (2 . 2),
        arsv: bool = (2 . 1),
        buf: bool = (2 . 0),
        links: u8 = (3 .. 4),
    }
}

impl Feature for IncrementalStreamingWritable {
    const CODE: FeatureCode = FeatureCode::IncrementalStreamingWritable;

    fn from_data(data: &[u8]) -> Self {
        let header = IncrementalHeader::parse_cut(data);
        IncrementalStreamingWritable {
            block_types: header.block_types,
            trio: header.trio,
            arsv: header.arsv,
            buf: header.buf,
            link_sizes: link_sizes(data, header.links),
        }
    }

    fn to_data(&self) -> Vec<u8> {
        let header = IncrementalHeader {
            block_types: self.block_types,
            trio: self.trio,
            arsv: self.arsv,
            buf: self.buf,
            links: self.link_sizes.len().min(248) as u8,
        };
        with_link_sizes(header.emit(), &self.link_sizes)
    }
}

fn link_sizes(data: &[u8], count: u8) -> Vec<u8> {
    data.iter().skip(4).take(usize::from(count)).copied().collect()
}

fn with_link_sizes(header: [u8; 4], sizes: &[u8]) -> Vec<u8> {
    let mut data = header.to_vec();
    data.extend(&sizes[..sizes.len().min(248)]);
    data.resize(data.len().next_multiple_of(4), 0);
    data
}

feature! {
    /// Formats (MMC-6, 5.3.13).
    pub struct Formattable[8] = Formattable {
        /// Full reformat of BD-RE.
        frf: bool = (0 . 7),
        /// BD-RE without spare areas.
        re_no_sa: bool = (0 . 3),
        /// Spare area expansion.
        expand: bool = (0 . 2),
        /// Quick certification.
        qcert: bool = (0 . 1),
        /// Full certification.
        cert: bool = (0 . 0),
        /// BD-R random recording.
        rrm: bool = (4 . 0),
    }
}

feature! {
    /// The drive replaces bad blocks (MMC-6, 5.3.14).
    pub struct HardwareDefectManagement[4] = HardwareDefectManagement {
        /// Spare area information by READ DISC STRUCTURE 0Ah.
        ssa: bool = (0 . 7),
    }
}

feature! {
    /// Overwrites in whole packets (MMC-6, 5.3.16).
    pub struct RestrictedOverwrite[0] = RestrictedOverwrite {}
}

feature! {
    /// Mount Rainier (MMC-6, 5.3.18).
    pub struct Mrw[4] = Mrw {
        /// Writes DVD+RW so.
        dvd_plus_write: bool = (0 . 2),
        /// Reads DVD+RW so.
        dvd_plus_read: bool = (0 . 1),
        /// Writes CD so.
        cd_write: bool = (0 . 0),
    }
}

feature! {
    /// DVD+RW (MMC-6, 5.3.20).
    pub struct DvdPlusRw[4] = DvdPlusRw {
        /// Writes, not only reads.
        write: bool = (0 . 0),
        /// Quick start of formatting.
        quick_start: bool = (1 . 1),
        /// Close only.
        close_only: bool = (1 . 0),
    }
}

feature! {
    /// DVD+R (MMC-6, 5.3.21).
    pub struct DvdPlusR[4] = DvdPlusR {
        /// Writes, not only reads.
        write: bool = (0 . 0),
    }
}

feature! {
    /// Overwrites DVD-RW (MMC-6, 5.3.22).
    pub struct RigidRestrictedOverwrite[4] = RigidRestrictedOverwrite {
        /// Defect status data can be generated.
        dsdg: bool = (0 . 3),
        /// Defect status data can be read.
        dsdr: bool = (0 . 2),
        /// Writes discs in intermediate state.
        intermediate: bool = (0 . 1),
        /// BLANK works.
        blank: bool = (0 . 0),
    }
}

feature! {
    /// CD track-at-once (MMC-6, 5.3.23).
    pub struct CdTrackAtOnce[4] = CdTrackAtOnce {
        /// Goes on after a buffer underrun.
        buf: bool = (0 . 6),
        /// R to W raw.
        rw_raw: bool = (0 . 4),
        /// R to W packed.
        rw_pack: bool = (0 . 3),
        /// Test writing.
        test: bool = (0 . 2),
        /// CD-RW too.
        cd_rw: bool = (0 . 1),
        /// R to W sub-channel data.
        rw_sub: bool = (0 . 0),
        /// Data block types, bit n for type n.
        block_types: u16 = (2 .. 4),
    }
}

feature! {
    /// CD session-at-once and raw (MMC-6, 5.3.24).
    pub struct CdMastering[4] = CdMastering {
        /// Goes on after a buffer underrun.
        buf: bool = (0 . 6),
        /// Session-at-once.
        sao: bool = (0 . 5),
        /// Raw, several sessions.
        raw_ms: bool = (0 . 4),
        /// Raw.
        raw: bool = (0 . 3),
        /// Test writing.
        test: bool = (0 . 2),
        /// CD-RW too.
        cd_rw: bool = (0 . 1),
        /// R to W sub-channel data.
        rw_sub: bool = (0 . 0),
        /// Longest cue sheet in bytes.
        max_cue_sheet: u32 = (1 .. 4),
    }
}

feature! {
    /// DVD-R and DVD-RW writing (MMC-6, 5.3.25).
    pub struct DvdRRwWrite[4] = DvdRRwWrite {
        /// Goes on after a buffer underrun.
        buf: bool = (0 . 6),
        /// Dual layer.
        rdl: bool = (0 . 3),
        /// Test writing.
        test: bool = (0 . 2),
        /// DVD-RW too.
        dvd_rw: bool = (0 . 1),
    }
}

/// Layer jump recording (MMC-6, 5.3, feature 0033h).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerJump {
    /// Link sizes that can be had.
    pub link_sizes: Vec<u8>,
}

impl Feature for LayerJump {
    const CODE: FeatureCode = FeatureCode::LayerJump;

    fn from_data(data: &[u8]) -> Self {
        let count = data.get(3).copied().unwrap_or(0);
        LayerJump { link_sizes: link_sizes(data, count) }
    }

    fn to_data(&self) -> Vec<u8> {
        with_link_sizes([0, 0, 0, self.link_sizes.len().min(248) as u8], &self.link_sizes)
    }
}

feature! {
    /// Long operations can be stopped (MMC-6, 5.3, feature 0035h).
    pub struct StopLongOperation[0] = StopLongOperation {}
}

feature! {
    /// CD-RW sub-types that can be written (MMC-6, 5.3, feature 0037h).
    pub struct CdRwMediaWrite[4] = CdRwMediaWrite {
        /// Bit n for sub-type n.
        sub_types: u8 = (1 .. 2),
    }
}

feature! {
    /// BD-R pseudo-overwrite (MMC-6, 5.3, feature 0038h).
    pub struct BdRPow[4] = BdRPow {}
}

feature! {
    /// DVD+RW dual layer (MMC-6, 5.3, feature 003Ah).
    pub struct DvdPlusRwDl[4] = DvdPlusRwDl {
        /// Writes, not only reads.
        write: bool = (0 . 0),
        /// Quick start of formatting.
        quick_start: bool = (1 . 1),
        /// Close only.
        close_only: bool = (1 . 0),
    }
}

feature! {
    /// DVD+R dual layer (MMC-6, 5.3, feature 003Bh).
    pub struct DvdPlusRDl[4] = DvdPlusRDl {
        /// Writes, not only reads.
        write: bool = (0 . 0),
    }
}

feature! {
    /// BD reading. Each map has two bytes for each class, bit n for version n (MMC-6, 5.3, feature
    /// 0040h).
    pub struct BdRead[28] = BdRead {
        /// Burst cutting area.
        bca: bool = (0 . 0),
        /// BD-RE, class 0 to 3.
        re: [u8; 8] = (bytes 4 .. 12),
        /// BD-R, class 0 to 3.
        r: [u8; 8] = (bytes 12 .. 20),
        /// BD-ROM, class 0 to 3.
        rom: [u8; 8] = (bytes 20 .. 28),
    }
}

feature! {
    /// BD writing (MMC-6, 5.3, feature 0041h).
    pub struct BdWrite[20] = BdWrite {
        /// Verify not required.
        svnr: bool = (0 . 0),
        /// BD-RE, class 0 to 3.
        re: [u8; 8] = (bytes 4 .. 12),
        /// BD-R, class 0 to 3.
        r: [u8; 8] = (bytes 12 .. 20),
    }
}

feature! {
    /// Timely safe recording (MMC-6, 5.3, feature 0042h).
    pub struct Tsr[0] = Tsr {}
}

feature! {
    /// Power management (MMC-6, 5.3, feature 0100h).
    pub struct PowerManagement[0] = PowerManagement {}
}

feature! {
    /// Time-outs can be set (MMC-6, 5.3, feature 0105h).
    pub struct Timeout[4] = Timeout {
        /// Group 3 time-outs.
        group3: bool = (0 . 0),
        /// Blocks that a time-out of group 3 is about.
        unit_length: u16 = (2 .. 4),
    }
}

feature! {
    /// DVD content scrambling (MMC-6, 5.3, feature 0106h).
    pub struct DvdCss[4] = DvdCss {
        /// Version.
        version: u8 = (3 .. 4),
    }
}

feature! {
    /// Speeds in detail (MMC-6, 5.3, feature 0107h).
    pub struct RealTimeStreaming[4] = RealTimeStreaming {
        /// Set minimum performance.
        smp: bool = (0 . 5),
        /// READ BUFFER CAPACITY in blocks.
        rbcb: bool = (0 . 4),
        /// SET CD SPEED.
        scs: bool = (0 . 3),
        /// Mode page 2Ah with write speeds.
        mp2a: bool = (0 . 2),
        /// GET PERFORMANCE type 3.
        wspd: bool = (0 . 1),
        /// Stream writing.
        sw: bool = (0 . 0),
    }
}

/// The drive's serial number (MMC-6, 5.3, feature 0108h).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DriveSerialNumber {
    /// ASCII, without the padding.
    pub serial: String,
}

impl Feature for DriveSerialNumber {
    const CODE: FeatureCode = FeatureCode::DriveSerialNumber;

    fn from_data(data: &[u8]) -> Self {
        DriveSerialNumber { serial: crate::mmc::inquiry::text(data) }
    }

    fn to_data(&self) -> Vec<u8> {
        let mut data: Vec<u8> = self.serial.bytes().filter(u8::is_ascii).take(252).collect();
        data.resize(data.len().next_multiple_of(4), b' ');
        data
    }
}

/// Disc control blocks (MMC-6, 5.3, feature 010Ah).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscControlBlocks {
    /// Content descriptors of the blocks that the drive writes.
    pub content: Vec<[u8; 4]>,
}

impl Feature for DiscControlBlocks {
    const CODE: FeatureCode = FeatureCode::DiscControlBlocks;

    fn from_data(data: &[u8]) -> Self {
        DiscControlBlocks { content: data.as_chunks::<4>().0.to_vec() }
    }

    fn to_data(&self) -> Vec<u8> {
        self.content.as_flattened().to_vec()
    }
}

feature! {
    /// When the firmware was made, each part two ASCII digits (MMC-6, 5.3, feature 010Ch).
    pub struct FirmwareInformation[16] = FirmwareInformation {
        /// Century and year.
        year: [u8; 4] = (bytes 0 .. 4),
        /// Month.
        month: [u8; 2] = (bytes 4 .. 6),
        /// Day.
        day: [u8; 2] = (bytes 6 .. 8),
        /// Hour.
        hour: [u8; 2] = (bytes 8 .. 10),
        /// Minute.
        minute: [u8; 2] = (bytes 10 .. 12),
        /// Second.
        second: [u8; 2] = (bytes 12 .. 14),
    }
}

feature! {
    /// Audio that the drive plays by itself (MMC-6, 5.3, feature 0103h).
    pub struct CdExternalAudioPlay[4] = CdExternalAudioPlay {
        /// SCAN.
        scan: bool = (0 . 2),
        /// Each channel can be muted.
        scm: bool = (0 . 1),
        /// Each channel has a volume.
        sv: bool = (0 . 0),
        /// Steps of volume.
        levels: u16 = (2 .. 4),
    }
}
