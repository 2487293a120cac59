//! What must hold for the parsers of this vocabulary whatever the bytes: they return, and what they
//! made of the bytes survives being emitted and parsed again. Fuzz targets, corpora and property
//! tests call [`wire`].

use crate::device::Cdb;
use crate::mmc::cdb::Command;
use crate::mmc::feature::{Configuration, Feature};
use crate::mmc::format::FormatCapacities;
use crate::mmc::inquiry::VitalPage;
use crate::mmc::mechanism::Mechanism;
use crate::mmc::modes::{Capabilities, ModeList};
use crate::mmc::performance::Performance;
use crate::mmc::sense::Sense;
use crate::mmc::toc::{FullToc, Toc};
use crate::mmc::{
    buffer, cdb, cue, disc, event, feature, format, inquiry, mechanism, modes, performance, say,
    structure, table, toc,
};

/// Every structure parses `bytes`; what they hold is stable from the first emitting on. Panics
/// where it is not.
pub fn wire(bytes: &[u8]) {
    layouts(bytes);
    features(bytes);
    lists(bytes);
    commands(bytes);
}

macro_rules! layouts {
    ($($module:ident: $($name:ident)*;)*) => {
        fn layouts(bytes: &[u8]) {
            $($({
                type Layout = $module::$name;
                let parsed = Layout::parse_cut(bytes);
                let emitted = parsed.emit();
                assert_eq!(Layout::parse(&emitted), Ok(parsed), stringify!($name));
                assert_eq!(Layout::parse(bytes).is_ok(), bytes.len() >= Layout::LEN);
            })*)*
        }
    };
}

layouts! {
    buffer: BufferCapacity BufferDescriptor;
    cue: CueEntry;
    disc: DiscInformation OpcEntry TrackResources PowResources TrackInformation;
    event: Event;
    format: CapacityDescriptor FormattableCapacity FormatList Capacity;
    inquiry: StandardInquiry;
    mechanism: MechanismHeader Slot;
    modes: ModeHeader6 ModeHeader10 ErrorRecovery WriteParameters Caching CdDevice CdAudio
        PowerCondition TimeoutAndProtect Capabilities PageWriteSpeed;
    performance: PerformanceHeader NominalPerformance ExceptionDescriptor WriteSpeed
        StreamingDescriptor;
    structure: PhysicalFormat Copyright Layer0Capacity RamSpareArea BdSpareArea BdDiscInformation
        WriteProtection StructureListEntry ControlBlockHeader;
    toc: TocEntry SessionInfo QEntry Atip CdTextPack;
}

macro_rules! features {
    ($($name:ident)*) => {
        fn features(bytes: &[u8]) {
            let payload = &bytes[..bytes.len().min(252)];
            $({
                let once = feature::$name::from_data(payload).to_data();
                assert!(once.len() <= 252 && once.len().is_multiple_of(4), stringify!($name));
                let twice = feature::$name::from_data(&once).to_data();
                assert_eq!(once, twice, stringify!($name));
            })*
        }
    };
}

features! {
    ProfileList Core Morphing RemovableMedium WriteProtect RandomReadable MultiRead CdRead DvdRead
    RandomWritable IncrementalStreamingWritable Formattable HardwareDefectManagement
    RestrictedOverwrite Mrw DvdPlusRw DvdPlusR RigidRestrictedOverwrite CdTrackAtOnce CdMastering
    DvdRRwWrite LayerJump StopLongOperation CdRwMediaWrite BdRPow DvdPlusRwDl DvdPlusRDl BdRead
    BdWrite Tsr PowerManagement Timeout DvdCss RealTimeStreaming DriveSerialNumber
    DiscControlBlocks FirmwareInformation
}

/// Parses and emits twice: the second time must change nothing.
fn stable<T, E>(
    what: &str,
    bytes: &[u8],
    parse: impl Fn(&[u8]) -> Result<T, E>,
    emit: impl Fn(&T) -> Vec<u8>,
) {
    let Ok(parsed) = parse(bytes) else { return };
    let once = emit(&parsed);
    let Ok(parsed) = parse(&once) else {
        panic!("{what}: what it emits does not parse: {once:02x?}")
    };
    assert_eq!(emit(&parsed), once, "{what}");
}

fn lists(bytes: &[u8]) {
    stable("configuration", bytes, Configuration::parse, Configuration::emit);
    stable("format capacities", bytes, FormatCapacities::parse, FormatCapacities::emit);
    stable("vital page", bytes, VitalPage::parse, VitalPage::emit);
    stable("mechanism", bytes, Mechanism::parse, Mechanism::emit);
    stable("mode list (10)", bytes, ModeList::parse10, ModeList::emit10);
    stable("mode list (6)", bytes, ModeList::parse6, ModeList::emit6);
    stable("TOC", bytes, Toc::parse, Toc::emit);
    stable("full TOC", bytes, FullToc::parse, FullToc::emit);
    stable("CD-TEXT", bytes, toc::parse_cd_text, |packs| toc::emit_cd_text(packs));
    stable("cue sheet", bytes, cue::parse, |lines| cue::emit(lines));
    stable("sense", bytes, Sense::parse, |sense| sense.emit().to_vec());
    stable("event", bytes, event::Event::parse_reply, event::Event::reply);
    stable("structure", bytes, |b| structure::parse(b).map(<[u8]>::to_vec), |s| structure::emit(s));
    for kind in [0, 3] {
        let emit = |(header, data): &(performance::PerformanceHeader, Performance)| {
            data.emit(header.write)
        };
        stable("performance", bytes, |b| Performance::parse(kind, b), emit);
    }
    let info = |b: &[u8]| {
        Ok::<_, ()>((disc::DiscInformation::parse_cut(b), disc::DiscInformation::parse_opc(b)))
    };
    stable("disc information", bytes, info, |(info, opc)| info.emit_with_opc(opc));
    let page = |b: &[u8]| Ok::<_, ()>((Capabilities::parse_cut(b), Capabilities::write_speeds(b)));
    stable("capabilities", bytes, page, |(page, speeds)| page.page(speeds));
    if let Ok(sense) = Sense::parse(bytes) {
        assert!(!sense.say().is_empty());
    }
    let _ = structure::parse_list(bytes);
    let _ = inquiry::text(bytes);
}

macro_rules! commands {
    ($($name:ident)*) => {
        fn commands(bytes: &[u8]) {
            if bytes.is_empty() {
                return;
            }
            let cdb = Cdb::new(&bytes[..bytes.len().min(16)]);
            assert!(!say::say(&cdb).is_empty());
            assert!(!table::time_limit(&cdb).is_zero());
            if let Some(row) = table::row(cdb.opcode()) {
                let _ = row.data(&cdb);
            }
            $({
                let command = cdb::$name::from_cdb(&cdb);
                assert_eq!(cdb::$name::from_cdb(&command.cdb()), command, stringify!($name));
            })*
        }
    };
}

commands! {
    TestUnitReady RequestSense Inquiry ModeSelect6 ModeSelect10 ModeSense6 ModeSense10 ReportLuns
    WriteBuffer ReadBuffer FormatUnit Read6 ReadFormatCapacities ReadCapacity Read10 Read12 Write10
    Write12 Seek10 WriteAndVerify10 Verify10 SynchronizeCache ReadToc ReadSubChannel
    ReadDiscInformation ReadTrackInformation ReserveTrack SendOpc RepairTrack CloseTrackSession
    SendCueSheet Blank ReadDiscStructure SendDiscStructure ReadCd ReadCdMsf SendKey ReportKey
    GetConfiguration GetEventStatusNotification StartStopUnit PreventAllow MechanismStatus
    LoadUnload SetCdSpeed GetPerformance SetStreaming SetReadAhead ReadBufferCapacity
    SendDiagnostic
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 512,
            failure_persistence: None,
            ..Default::default()
        })]

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            wire(&bytes);
        }

        /// Small numbers make lengths and counts that fit the rest.
        #[test]
        fn likely_bytes(bytes in proptest::collection::vec(
            prop_oneof![4 => Just(0), 3 => 0u8..48, 1 => any::<u8>()], 0..400)
        ) {
            wire(&bytes);
        }
    }

    #[test]
    fn nothing_at_all() {
        wire(&[]);
        wire(&[0xff; 600]);
        wire(&[0; 600]);
    }
}
