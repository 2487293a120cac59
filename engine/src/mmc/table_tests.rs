//! The table against itself, against the typed CDBs, and against captured exchanges.

use super::*;
use crate::mmc::cdb::{self, Command};

#[test]
fn rows_rise_and_are_unique() {
    assert!(ROWS.is_sorted_by(|a, b| a.opcode < b.opcode));
    for row in ROWS {
        assert_eq!(super::row(row.opcode), Some(row));
    }
    assert_eq!(super::row(0xd8), None);
}

#[test]
fn lengths_follow_the_group_code() {
    // (SPC-3, 4.3.4.1): groups 0, 1 and 2, 5 have 6, 10 and 12 bytes.
    for row in ROWS {
        let by_group = match row.opcode >> 5 {
            0 => 6,
            1 | 2 => 10,
            5 => 12,
            group => panic!("{}: group {group}", row.name),
        };
        assert_eq!(row.length, by_group, "{}", row.name);
    }
}

#[test]
fn directions_and_transfers_agree() {
    for row in ROWS {
        let none = matches!(row.transfer, Transfer::None);
        assert_eq!(none, row.direction == Direction::None, "{}", row.name);
        let incoming = matches!(
            row.transfer,
            Transfer::Allocation(..)
                | Transfer::Fixed(_)
                | Transfer::Performance
                | Transfer::Sectors(..)
                | Transfer::SectorsMsf
        );
        let outgoing = matches!(
            row.transfer,
            Transfer::List(..) | Transfer::FormatList | Transfer::BlocksIfCompared(..)
        );
        match row.direction {
            Direction::None => assert!(none),
            Direction::In => assert!(!outgoing, "{}", row.name),
            Direction::Out => assert!(!incoming, "{}", row.name),
        }
    }
}

macro_rules! typed {
    ($($name:ident)*) => {
        /// Operation code and CDB length of every typed CDB.
        const TYPED: &[(&str, u8, usize)] =
            &[$((stringify!($name), cdb::$name::OPCODE, cdb::$name::LENGTH),)*];
    };
}

typed! {
    TestUnitReady RequestSense Inquiry ModeSelect6 ModeSelect10 ModeSense6 ModeSense10 ReportLuns
    WriteBuffer ReadBuffer FormatUnit Read6 ReadFormatCapacities ReadCapacity Read10 Read12 Write10
    Write12 Seek10 WriteAndVerify10 Verify10 SynchronizeCache ReadToc ReadSubChannel
    ReadDiscInformation ReadTrackInformation ReserveTrack SendOpc RepairTrack CloseTrackSession
    SendCueSheet Blank ReadDiscStructure SendDiscStructure ReadCd ReadCdMsf SendKey ReportKey
    GetConfiguration GetEventStatusNotification StartStopUnit PreventAllow MechanismStatus
    LoadUnload SetCdSpeed GetPerformance SetStreaming SetReadAhead ReadBufferCapacity
    SendDiagnostic
}

#[test]
fn every_typed_cdb_has_a_row_of_its_length() {
    for &(name, opcode, length) in TYPED {
        let row = row(opcode).unwrap_or_else(|| panic!("{name} has no row"));
        assert_eq!(row.length, length, "{name}");
        assert_eq!(TYPED.iter().filter(|typed| typed.1 == opcode).count(), 1, "{name}");
    }
}

/// CDBs with the data phase that the program asked the transport for, as captured: name of the
/// trace, CDB, direction and bytes (blocks of 2048).
const CAPTURED: &[(&str, &[u8], Direction, u32)] = &[
    ("kernel-6.1-sr", &[0x12, 0, 0, 0, 0x24, 0], Direction::In, 36),
    ("kernel-6.1-sr", &[0x1a, 0, 0x2a, 0, 0x80, 0], Direction::In, 128),
    ("cdr-wodim-sao", &[0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 0x3c, 0], Direction::In, 60),
    ("cdr-wodim-sao", &[0x55, 0x10, 0, 0, 0, 0, 0, 0, 0x3c, 0], Direction::Out, 60),
    ("cdr-wodim-sao", &[0x46, 0, 0, 0, 0, 0, 0, 1, 0x40, 0], Direction::In, 320),
    ("cdr-wodim-sao", &[0x5d, 0, 0, 0, 0, 0, 0, 0, 0x20, 0], Direction::Out, 32),
    ("cdr-wodim-sao", &[0x2a, 0, 0xff, 0xff, 0xff, 0x6a, 0, 0, 0x1f, 0], Direction::Out, 63488),
    ("cdr-wodim-sao", &[0x54, 1, 0, 0, 0, 0, 0, 0, 0, 0], Direction::Out, 0),
    ("cdr-wodim-sao", &[0x3c, 0, 0, 0, 0, 0, 0, 0, 4, 0], Direction::In, 4),
    ("cdr-wodim-sao", &[0x5c, 0, 0, 0, 0, 0, 0, 0, 0x0c, 0], Direction::In, 12),
    ("bd-r-growisofs-Z", &[0x23, 0, 0, 0, 0, 0, 0, 0, 0x1c, 0], Direction::In, 28),
    ("bd-r-growisofs-Z", &[0x04, 0x11, 0, 0, 0, 0], Direction::Out, 12),
    ("bd-r-growisofs-Z", &[0xac, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 0], Direction::In, 56),
    ("bd-r-growisofs-Z", &[0xac, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0], Direction::In, 24),
    ("bd-r-growisofs-Z", &[0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0], Direction::In, 8),
    ("bd-re-xorriso", &[0xac, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], Direction::In, 8),
    ("bd-re-xorriso", &[0xb6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x1c, 0], Direction::Out, 28),
    ("bd-re-xorriso", &[0x28, 0, 0, 0, 0, 0, 0, 0, 0x20, 0], Direction::In, 65536),
    ("bd-re-mediainfo", &[0xad, 1, 0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0], Direction::In, 128),
];

#[test]
fn data_phases_are_as_captured() {
    for &(trace, bytes, direction, len) in CAPTURED {
        let cdb = Cdb::new(bytes);
        let row = row(cdb.opcode()).unwrap_or_else(|| panic!("{trace}: {cdb:?}"));
        let asked = match row.data(&cdb) {
            Length::None => 0,
            Length::UpTo(bytes) | Length::Bytes(bytes) => bytes,
            Length::Blocks(blocks) => blocks * 2048,
        };
        assert_eq!((row.direction, asked), (direction, len), "{trace}: {cdb:?}");
    }
}

#[test]
fn waiting_without_immed_takes_longer() {
    let blank = |immed| cdb::Blank { immed, ..Default::default() }.cdb();
    assert_eq!(time_limit(&blank(true)), Duration::from_secs(200));
    assert_eq!(time_limit(&blank(false)), Duration::from_secs(18_000));
    assert_eq!(time_limit(&Cdb::new(&[0xd8; 12])), Duration::from_secs(30));
}
