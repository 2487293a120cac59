//! Feature descriptors as drives list them.

use super::hex;
use crate::mmc::feature::*;
use crate::mmc::profile::Profile;
use crate::mmc::wire::announced4;
use crate::units::Lba;

/// Trace tgt-xorriso-toc: the first 16 bytes of a reply of 116.
const TGT: &str = "00 00 00 70 00 00 00 1b 00 00 03 08 00 10 00 00";

#[test]
fn a_cut_reply_says_how_long_it_is() {
    let bytes = hex(TGT);
    assert_eq!(announced4(&bytes), Some(116));
    let configuration = Configuration::parse(&bytes).unwrap();
    assert_eq!(configuration.current, Profile::DvdPlusR);
    // The profile list of 8 bytes is cut: nothing is made up of its half.
    assert_eq!(configuration.features, []);
}

#[test]
fn one_feature_of_a_reply() {
    // Trace dvd-r-growisofs-Z, feature 0021h: version 1, current; the reply goes on past the host's
    // 16 bytes, so that the descriptor is cut. Its payload so far: block type 8, BUF, one link.
    let bytes = hex("00 00 00 10 00 00 00 11 00 21 05 08 01 00 01 01");
    assert_eq!(Configuration::parse(&bytes).unwrap().features, []);
    let mut whole = bytes.clone();
    whole.extend(hex("10 00 00 00"));
    let configuration = Configuration::parse(&whole).unwrap();
    let feature = &configuration.features[0];
    assert_eq!(feature.code, FeatureCode::IncrementalStreamingWritable);
    assert_eq!((feature.version, feature.persistent, feature.current), (1, false, true));
    let typed: IncrementalStreamingWritable = configuration.get().unwrap();
    assert_eq!((typed.block_types, typed.buf, &typed.link_sizes[..]), (0x0100, true, &[16][..]));
    assert_eq!(configuration.emit(), whole);
}

#[test]
fn features_that_are_not_current() {
    // Traces bd-r-growisofs-Z (0038h off), bd-r-growisofs-M (on), cdrw (0037h on).
    let off = Configuration::parse(&hex("0000000c 00000041 00380004 00000000")).unwrap();
    assert!(off.feature(FeatureCode::BdRPow).is_some() && !off.is_current(FeatureCode::BdRPow));
    assert_eq!((off.get::<BdRPow>().is_some(), off.get_current::<BdRPow>()), (true, None));
    let on = Configuration::parse(&hex("0000000c 00000041 00380104 00000000")).unwrap();
    assert!(on.is_current(FeatureCode::BdRPow));
    assert_eq!(on.current, Profile::BdRSrm);
    assert_eq!(on.emit(), hex("0000000c 00000041 00380104 00000000"));
}

/// A payload parses to this feature, and this feature emits the payload.
fn same<F: Feature + PartialEq + std::fmt::Debug>(payload: &str, feature: F) {
    assert_eq!(F::from_data(&hex(payload)), feature, "{payload}");
    assert_eq!(feature.to_data(), hex(payload), "{payload}");
}

#[test]
fn captured_payloads() {
    // HL-DT-ST BU40N and Pioneer BDR-S09, as captured: removable medium 2Bh and 39h, real-time
    // streaming 1Fh and 3Fh.
    let slim =
        RemovableMedium { mechanism: 1, eject: true, dbml: true, lock: true, ..Default::default() };
    same("2b 00 00 00", slim);
    let tray =
        RemovableMedium { mechanism: 1, load: true, eject: true, lock: true, ..Default::default() };
    same("39 00 00 00", tray);
    let streaming =
        RealTimeStreaming { smp: false, rbcb: true, scs: true, mp2a: true, wspd: true, sw: true };
    same("1f 00 00 00", streaming.clone());
    same("3f 00 00 00", RealTimeStreaming { smp: true, ..streaming });
    // The profile list of a BU40N, without its current bits.
    let list: ProfileList = ProfileList::from_data(&hex(
        "0043 0000 0042 0000 0041 0000 0040 0000 002b 0000 001b 0000 001a 0000 0016 0000 0015 0000
         0014 0000 0013 0000 0012 0000 0011 0000 0010 0000 000a 0000 0009 0000 0008 0000 0002 0000",
    ));
    assert_eq!(list.profiles.len(), 18);
    assert_eq!(list.profiles[0], (Profile::BdRe, false));
}

#[test]
fn payloads_by_their_tables() {
    // No capture at hand: single bits put where the descriptor tables of MMC-6, 5.3 have them.
    same("00000007 01000000", Core { interface: 7, inq2: false, dbe: true });
    same("03000000", Morphing { oc_event: true, asynchronous: true });
    same("08000000", WriteProtect { dwp: true, ..Default::default() });
    let dvd = RandomReadable { block_size: 2048, blocking: 16, page_present: true };
    same("00000800 0010 01 00", dvd);
    same("03000000", CdRead { dap: false, c2_flags: true, cd_text: true });
    same("01 00 01 00", DvdRead { multi110: true, dual_rw: false, dual_r: true });
    same(
        "0023053f 00000800 0010 01 00",
        RandomWritable { last: Lba(0x23_053f), block_size: 2048, blocking: 16, page_present: true },
    );
    same(
        "0f000000 01000000",
        Formattable {
            re_no_sa: true,
            expand: true,
            qcert: true,
            cert: true,
            rrm: true,
            frf: false,
        },
    );
    same("80000000", HardwareDefectManagement { ssa: true });
    same("01000000", Mrw { cd_write: true, ..Default::default() });
    same("01 02 0000", DvdPlusRw { write: true, quick_start: true, close_only: false });
    same("01000000", DvdPlusR { write: true });
    let rigid = RigidRestrictedOverwrite { intermediate: true, blank: true, ..Default::default() };
    same("03000000", rigid);
    same(
        "47 00 ff0f",
        CdTrackAtOnce {
            buf: true,
            test: true,
            cd_rw: true,
            rw_sub: true,
            block_types: 0xff0f,
            ..Default::default()
        },
    );
    same(
        "66 000c80",
        CdMastering {
            buf: true,
            sao: true,
            test: true,
            cd_rw: true,
            max_cue_sheet: 3200,
            ..Default::default()
        },
    );
    same("4e000000", DvdRRwWrite { buf: true, rdl: true, test: true, dvd_rw: true });
    same("00 00 00 01 10 000000", LayerJump { link_sizes: vec![16] });
    same("00 07 0000", CdRwMediaWrite { sub_types: 7 });
    same("01 00 0000", DvdPlusRwDl { write: true, ..Default::default() });
    same("01 00 0000", DvdPlusRDl { write: true });
    same("0000 0001", Timeout { group3: false, unit_length: 1 });
    same("00000001", DvdCss { version: 1 });
    // Bits by the table of feature 0103h (MMC-6, 5.3).
    same("07 00 0100", CdExternalAudioPlay { scan: true, scm: true, sv: true, levels: 256 });
    same("48303133 35202020", DriveSerialNumber { serial: "H0135".into() });
    same("46444300 53444300", DiscControlBlocks { content: vec![*b"FDC\0", *b"SDC\0"] });
    for empty in [MultiRead {}.to_data(), RestrictedOverwrite {}.to_data(), Tsr {}.to_data()] {
        assert_eq!(empty, []);
    }
    same("", StopLongOperation {});
    same("", PowerManagement {});
    let maps = BdRead {
        bca: true,
        re: [0, 6, 0, 0, 0, 0, 0, 0],
        r: [0, 2, 0, 0, 0, 0, 0, 0],
        rom: [0, 2, 0, 0, 0, 0, 0, 0],
    };
    same("01000000 0006000000000000 0002000000000000 0002000000000000", maps.clone());
    same(
        "00000000 0006000000000000 0002000000000000",
        BdWrite { svnr: false, re: maps.re, r: maps.r },
    );
    // The firmware date of an ASUS BW-16D1HT as a dumping tool prints it: 211901041014 (the first
    // digits are the century and year as the drive has them).
    let date = FirmwareInformation {
        year: *b"2119",
        month: *b"01",
        day: *b"04",
        hour: *b"10",
        minute: *b"14",
        second: *b"00",
    };
    same("32313139 3031 3034 3130 3134 3030 0000", date);
}
