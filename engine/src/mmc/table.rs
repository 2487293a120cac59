//! The command table: one row for each command. Parsing, dispatch in a drive, guards, fault
//! filters, traces and documentation all ask here.

use std::time::Duration;

use crate::device::Cdb;
use crate::mmc::wire::get_bytes;

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// No data phase.
    None,
    /// Device to host.
    In,
    /// Host to device.
    Out,
}

/// What a command does to the disc and the drive, the heaviest thing first that applies to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Asks for something the drive knows, or finds out without harm.
    Asks,
    /// Reads user data off the medium.
    ReadsMedium,
    /// Changes what the drive will do next: mode pages, speeds, lock, keys.
    ChangesState,
    /// Moves tray, sled or spindle.
    MovesMechanics,
    /// Writes on the medium, erases it, or can.
    WritesMedium,
    /// Changes the drive for good: its firmware.
    ChangesDrive,
}

/// Where a CDB says how long its data phase is. Byte ranges are `first..end` in the CDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// No data phase.
    None,
    /// At most so many bytes: allocation length.
    Allocation(usize, usize),
    /// Just so many bytes: parameter list length.
    List(usize, usize),
    /// This many bytes, whatever the CDB says.
    Fixed(u32),
    /// So many blocks of the medium's or the write mode's size.
    Blocks(usize, usize),
    /// The same, with 0 for 256.
    Blocks6,
    /// So many blocks if BytChk is set, else none.
    BlocksIfCompared(usize, usize),
    /// A format list of 12 bytes if FmtData is set, else none.
    FormatList,
    /// So many descriptors behind a header of 8 bytes, their size by type.
    Performance,
    /// So many sectors, their size by the parts asked for.
    Sectors(usize, usize),
    /// Sectors between two MSF addresses, their size by the parts asked for.
    SectorsMsf,
}

/// The data phase that a CDB asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// None.
    None,
    /// At most so many bytes.
    UpTo(u32),
    /// Just so many bytes.
    Bytes(u32),
    /// So many blocks; their size is the medium's and write mode's to know.
    Blocks(u32),
}

/// How long a host waits for the answer at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutClass {
    /// Answered from memory, or with a short look at the disc: 30 s.
    Quick,
    /// Waits for buffer, calibration or a piece of writing: 200 s.
    Write,
    /// Moves the tray and spins up: 300 s.
    Tray,
    /// Flushing and closing: 200 s with the IMMED bit, 3600 s without.
    Close,
    /// Blanking and formatting: 200 s with the IMMED bit, 18000 s without.
    Erase,
}

/// Where the IMMED bit lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Immed {
    /// There is none.
    None,
    /// Byte and bit of the CDB.
    Cdb(usize, u32),
    /// In the parameter list (FORMAT UNIT).
    List,
}

/// One command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Operation code.
    pub opcode: u8,
    /// Name in the standard.
    pub name: &'static str,
    /// Length of the CDB in bytes.
    pub length: usize,
    /// Which way data goes, if any goes.
    pub direction: Direction,
    /// Where the length of the data phase stands.
    pub transfer: Transfer,
    /// What it does.
    pub class: Class,
    /// How long to wait.
    pub timeout: TimeoutClass,
    /// Where the IMMED bit lies.
    pub immed: Immed,
    /// The clause that describes it.
    pub clause: &'static str,
}

impl Row {
    /// How long the data phase of this CDB is; bytes that are not there read as zero.
    pub fn data(&self, cdb: &Cdb) -> Length {
        let bytes = cdb.bytes();
        let number = |first, end| get_bytes(bytes, first, end) as u32;
        let flag = |bit: u32| bytes.get(1).is_some_and(|byte| byte >> bit & 1 != 0);
        match self.transfer {
            Transfer::None => Length::None,
            Transfer::Allocation(first, end) => Length::UpTo(number(first, end)),
            Transfer::List(first, end) => Length::Bytes(number(first, end)),
            Transfer::Fixed(len) => Length::Bytes(len),
            Transfer::Blocks(first, end) => Length::Blocks(number(first, end)),
            Transfer::Blocks6 => match number(4, 5) {
                0 => Length::Blocks(256),
                blocks => Length::Blocks(blocks),
            },
            Transfer::BlocksIfCompared(first, end) if flag(1) => Length::Blocks(number(first, end)),
            Transfer::FormatList if flag(4) => Length::Bytes(12),
            Transfer::BlocksIfCompared(..) | Transfer::FormatList => Length::None,
            Transfer::Performance => Length::UpTo(8 + number(8, 10) * descriptor_len(bytes)),
            Transfer::Sectors(first, end) => Length::Blocks(number(first, end)),
            Transfer::SectorsMsf => {
                let frames = |at| {
                    (number(at, at + 1) * 60 + number(at + 1, at + 2)) * 75 + number(at + 2, at + 3)
                };
                Length::Blocks(frames(6).saturating_sub(frames(3)))
            }
        }
    }

    /// Whether the CDB asks for status before the work is done.
    pub fn is_immediate(&self, cdb: &Cdb) -> bool {
        match self.immed {
            Immed::Cdb(byte, bit) => cdb.bytes().get(byte).is_some_and(|b| b >> bit & 1 != 0),
            // Nobody formats without; the list is not at hand here.
            Immed::List => true,
            Immed::None => false,
        }
    }

    /// How long to wait for the answer to this CDB.
    pub fn time_limit(&self, cdb: &Cdb) -> Duration {
        let seconds = match self.timeout {
            TimeoutClass::Quick => 30,
            TimeoutClass::Write => 200,
            TimeoutClass::Tray => 300,
            TimeoutClass::Close | TimeoutClass::Erase if self.is_immediate(cdb) => 200,
            TimeoutClass::Close => 3600,
            TimeoutClass::Erase => 18_000,
        };
        Duration::from_secs(seconds)
    }
}

/// Bytes in a descriptor of GET PERFORMANCE by type and exception list (MMC-5, 6.8.3).
fn descriptor_len(bytes: &[u8]) -> u32 {
    let kind = bytes.get(10).copied().unwrap_or(0);
    let except = bytes.get(1).copied().unwrap_or(0) & 0x03;
    match (kind, except) {
        (0, 1 | 2) => 6,
        (1 | 4 | 5, _) => 8,
        (2, _) => 2048,
        _ => 16,
    }
}

/// The row of a command, or `None` if it is not in the table.
pub fn row(opcode: u8) -> Option<&'static Row> {
    ROWS.binary_search_by_key(&opcode, |row| row.opcode).ok().map(|at| &ROWS[at])
}

/// How long to wait for the answer to a CDB; unknown commands get 30 seconds.
pub fn time_limit(cdb: &Cdb) -> Duration {
    row(cdb.opcode()).map_or(Duration::from_secs(30), |row| row.time_limit(cdb))
}

macro_rules! rows {
    ($($opcode:literal $name:literal $length:literal $direction:ident
        [$transfer:expr] $class:ident $timeout:ident [$immed:expr] $clause:literal;)*) => {
        /// Every command, by rising operation code.
        pub const ROWS: &[Row] = &[$(Row {
            opcode: $opcode,
            name: $name,
            length: $length,
            direction: Direction::$direction,
            transfer: $transfer,
            class: Class::$class,
            timeout: TimeoutClass::$timeout,
            immed: $immed,
            clause: $clause,
        },)*];
    };
}

use Immed::{Cdb as At, List as InList, None as Never};
use Transfer::{
    Allocation, Blocks, Blocks6, BlocksIfCompared, Fixed, FormatList, List, None as Nothing,
    Performance, Sectors, SectorsMsf,
};

rows! {
    0x00 "TEST UNIT READY" 6 None [Nothing] Asks Quick [Never] "MMC-5, 6.42";
    0x01 "REZERO UNIT" 6 None [Nothing] MovesMechanics Quick [Never] "SCSI-2, 9.2.13";
    0x03 "REQUEST SENSE" 6 In [Allocation(4, 5)] Asks Quick [Never] "MMC-5, 6.30";
    0x04 "FORMAT UNIT" 6 Out [FormatList] WritesMedium Erase [InList] "MMC-5, 6.5";
    0x08 "READ (6)" 6 In [Blocks6] ReadsMedium Quick [Never] "SBC-2, READ (6)";
    0x0a "WRITE (6)" 6 Out [Blocks6] WritesMedium Write [Never] "SBC-2, WRITE (6)";
    0x0b "SEEK (6)" 6 None [Nothing] MovesMechanics Quick [Never] "SCSI-2, 9.2.15";
    0x12 "INQUIRY" 6 In [Allocation(3, 5)] Asks Quick [Never] "SPC-3, 6.4";
    0x15 "MODE SELECT (6)" 6 Out [List(4, 5)] ChangesState Quick [Never] "SPC-3, 6.7";
    0x1a "MODE SENSE (6)" 6 In [Allocation(4, 5)] Asks Quick [Never] "SPC-3, 6.9";
    0x1b "START STOP UNIT" 6 None [Nothing] MovesMechanics Tray [At(1, 0)] "MMC-5, 6.40";
    0x1d "SEND DIAGNOSTIC" 6 Out [List(3, 5)] MovesMechanics Write [Never] "SPC-3, 6.28";
    0x1e "PREVENT ALLOW MEDIUM REMOVAL" 6 None [Nothing] ChangesState Quick [Never] "MMC-5, 6.14";
    0x23 "READ FORMAT CAPACITIES" 10 In [Allocation(7, 9)] Asks Quick [Never] "MMC-5, 6.24";
    0x25 "READ CAPACITY" 10 In [Fixed(8)] Asks Quick [Never] "MMC-5, 6.19";
    0x28 "READ (10)" 10 In [Blocks(7, 9)] ReadsMedium Quick [Never] "MMC-5, 6.15";
    0x2a "WRITE (10)" 10 Out [Blocks(7, 9)] WritesMedium Write [Never] "MMC-5, 6.44";
    0x2b "SEEK (10)" 10 None [Nothing] MovesMechanics Quick [Never] "MMC-5, 6.32";
    0x2c "ERASE (10)" 10 None [Nothing] WritesMedium Erase [Never] "MMC-5, 6.4";
    0x2e "WRITE AND VERIFY (10)" 10 Out [Blocks(7, 9)] WritesMedium Write
        [Never] "MMC-5, WRITE AND VERIFY (10)";
    0x2f "VERIFY (10)" 10 Out [BlocksIfCompared(7, 9)] ReadsMedium Write [Never] "MMC-5, 6.43";
    0x35 "SYNCHRONIZE CACHE" 10 None [Nothing] WritesMedium Close [At(1, 1)] "MMC-5, 6.41";
    0x3b "WRITE BUFFER" 10 Out [List(6, 9)] ChangesDrive Write [Never] "SPC-3, 6.35";
    0x3c "READ BUFFER" 10 In [Allocation(6, 9)] Asks Quick [Never] "MMC-5, 6.17";
    0x42 "READ SUB-CHANNEL" 10 In [Allocation(7, 9)] Asks Quick [Never] "MMC-3, 6.36";
    0x43 "READ TOC/PMA/ATIP" 10 In [Allocation(7, 9)] Asks Quick [Never] "MMC-5, 6.26";
    0x44 "READ HEADER" 10 In [Allocation(7, 9)] Asks Quick [Never] "MMC-2, READ HEADER";
    0x45 "PLAY AUDIO (10)" 10 None [Nothing] MovesMechanics Quick [Never] "MMC-3, PLAY AUDIO (10)";
    0x46 "GET CONFIGURATION" 10 In [Allocation(7, 9)] Asks Quick [Never] "MMC-5, 6.6";
    0x47 "PLAY AUDIO MSF" 10 None [Nothing] MovesMechanics Quick [Never] "MMC-3, PLAY AUDIO MSF";
    0x48 "PLAY AUDIO TRACK INDEX" 10 None [Nothing] MovesMechanics Quick [Never] "SCSI-2, 14.2.5";
    0x4a "GET EVENT STATUS NOTIFICATION" 10 In [Allocation(7, 9)] Asks Quick [Never] "MMC-5, 6.7";
    0x4b "PAUSE/RESUME" 10 None [Nothing] MovesMechanics Quick [Never] "MMC-3, PAUSE/RESUME";
    0x4c "LOG SELECT" 10 Out [List(7, 9)] ChangesState Quick [Never] "SPC-3, 6.5";
    0x4d "LOG SENSE" 10 In [Allocation(7, 9)] Asks Quick [Never] "SPC-3, 6.6";
    0x4e "STOP PLAY/SCAN" 10 None [Nothing] MovesMechanics Quick [Never] "MMC-3, STOP PLAY/SCAN";
    0x51 "READ DISC INFORMATION" 10 In [Allocation(7, 9)] Asks Quick [Never] "MMC-5, 6.22";
    0x52 "READ TRACK INFORMATION" 10 In [Allocation(7, 9)] Asks Quick [Never] "MMC-5, 6.27";
    0x53 "RESERVE TRACK" 10 None [Nothing] WritesMedium Write [Never] "MMC-5, 6.31";
    0x54 "SEND OPC INFORMATION" 10 Out [List(7, 9)] WritesMedium Write [Never] "MMC-5, 6.36";
    0x55 "MODE SELECT (10)" 10 Out [List(7, 9)] ChangesState Quick [Never] "MMC-5, 6.12";
    0x58 "REPAIR TRACK" 10 None [Nothing] WritesMedium Close [At(1, 0)] "MMC-5, 6.28";
    0x5a "MODE SENSE (10)" 10 In [Allocation(7, 9)] Asks Quick [Never] "MMC-5, 6.13";
    0x5b "CLOSE TRACK/SESSION" 10 None [Nothing] WritesMedium Close [At(1, 0)] "MMC-5, 6.3";
    0x5c "READ BUFFER CAPACITY" 10 In [Allocation(7, 9)] Asks Quick [Never] "MMC-5, 6.18";
    0x5d "SEND CUE SHEET" 10 Out [List(6, 9)] ChangesState Write [Never] "MMC-5, 6.33";
    0xa0 "REPORT LUNS" 12 In [Allocation(6, 10)] Asks Quick [Never] "SPC-3, 6.21";
    0xa1 "BLANK" 12 None [Nothing] WritesMedium Erase [At(1, 4)] "MMC-5, 6.2";
    0xa2 "SEND EVENT" 12 Out [List(8, 10)] ChangesState Quick [Never] "MMC-2, SEND EVENT";
    0xa3 "SEND KEY" 12 Out [List(8, 10)] ChangesState Quick [Never] "MMC-5, 6.35";
    0xa4 "REPORT KEY" 12 In [Allocation(8, 10)] ChangesState Quick [Never] "MMC-5, 6.29";
    0xa5 "PLAY AUDIO (12)" 12 None [Nothing] MovesMechanics Quick [Never] "MMC-3, PLAY AUDIO (12)";
    0xa6 "LOAD/UNLOAD MEDIUM" 12 None [Nothing] MovesMechanics Tray [At(1, 0)] "MMC-5, 6.10";
    0xa7 "SET READ AHEAD" 12 None [Nothing] ChangesState Quick [Never] "MMC-5, 6.38";
    0xa8 "READ (12)" 12 In [Blocks(6, 10)] ReadsMedium Quick [Never] "MMC-5, 6.16";
    0xaa "WRITE (12)" 12 Out [Blocks(6, 10)] WritesMedium Write [Never] "MMC-5, 6.45";
    0xab "READ MEDIA SERIAL NUMBER" 12 In [Allocation(6, 10)] Asks Quick [Never] "MMC-5, 6.25";
    0xac "GET PERFORMANCE" 12 In [Performance] Asks Quick [Never] "MMC-5, 6.8";
    0xad "READ DISC STRUCTURE" 12 In [Allocation(8, 10)] Asks Quick [Never] "MMC-5, 6.23";
    0xb6 "SET STREAMING" 12 Out [List(9, 11)] ChangesState Quick [Never] "MMC-5, 6.39";
    0xb9 "READ CD MSF" 12 In [SectorsMsf] ReadsMedium Quick [Never] "MMC-5, 6.21";
    0xba "SCAN" 12 None [Nothing] MovesMechanics Quick [Never] "MMC-3, SCAN";
    0xbb "SET CD SPEED" 12 None [Nothing] ChangesState Quick [Never] "MMC-5, 6.37";
    0xbd "MECHANISM STATUS" 12 In [Allocation(8, 10)] Asks Quick [Never] "MMC-5, 6.11";
    0xbe "READ CD" 12 In [Sectors(6, 9)] ReadsMedium Quick [Never] "MMC-5, 6.20";
    0xbf "SEND DISC STRUCTURE" 12 Out [List(8, 10)] WritesMedium Write [Never] "MMC-5, 6.34";
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
