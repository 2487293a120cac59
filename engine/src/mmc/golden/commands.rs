//! CDBs as foreign programs and the Linux kernel send them.

use super::hex;
use crate::device::Cdb;
use crate::mmc::cdb::*;
use crate::mmc::table;
use crate::units::{Blocks, Kbps, Lba};

/// The captured bytes parse to this command, and this command emits the captured bytes.
fn same<C: Command + PartialEq + std::fmt::Debug>(captured: &str, command: C) {
    let cdb = Cdb::new(&hex(captured));
    assert_eq!(C::from_cdb(&cdb), command, "{captured}");
    assert_eq!(command.cdb(), cdb, "{captured}");
    assert_eq!(table::row(cdb.opcode()).map(|row| row.length), Some(cdb.bytes().len()));
}

#[test]
fn primary_commands() {
    // Traces kernel-6.1-sr, cdr-wodim-sao, bd-re-mediainfo.
    same("00 00 00 00 00 00", TestUnitReady::default());
    same("12 00 00 00 24 00", Inquiry { allocation: 36, ..Default::default() });
    same("12 01 80 00 fc 00", Inquiry { evpd: true, page: 0x80, allocation: 252 });
    same("1a 00 2a 00 80 00", ModeSense6 { page: 0x2a, allocation: 128, ..Default::default() });
    let page_2a = ModeSense10 { dbd: true, page: 0x2a, allocation: 36, ..Default::default() };
    same("5a 08 2a 00 00 00 00 00 24 00", page_2a);
    let defaults = ModeSense10 {
        control: PageControl::Default,
        page: 0x3f,
        allocation: 16,
        ..Default::default()
    };
    same("5a 00 bf 00 00 00 00 00 10 00", defaults);
    same("55 10 00 00 00 00 00 00 3c 00", ModeSelect10 { pf: true, sp: false, length: 60 });
    same("3c 00 00 00 00 00 00 00 04 00", ReadBuffer { allocation: 4, ..Default::default() });
    // sg_read_buffer -m desc; sg_rbuf, 64 KiB from offset 0 on.
    same(
        "3c 03 00 00 00 00 00 00 04 00",
        ReadBuffer { mode: 3, allocation: 4, ..Default::default() },
    );
    let data = ReadBuffer { mode: 2, allocation: 0x1_0000, ..Default::default() };
    same("3c 02 00 00 00 00 01 00 00 00", data);
    // sg_senddiag --test; --selftest=1.
    same("1d 04 00 00 00 00", SendDiagnostic { self_test: true, ..Default::default() });
    same("1d 20 00 00 00 00", SendDiagnostic { code: 1, ..Default::default() });
    // Linux: scsi_error.c asks for 96 bytes of sense, scsi_scan.c for 511 units.
    same("03 00 00 00 60 00", RequestSense { desc: false, allocation: 96 });
    same("a0 00 00 00 00 00 00 00 10 00 00 00", ReportLuns { select: 0, allocation: 4096 });
    // Linux: scsi_lib.c, scsi_mode_select without ten-byte commands.
    same("15 11 00 00 18 00", ModeSelect6 { pf: true, sp: true, length: 24 });
    // sg_write_buffer --mode=5 --length=65536: download microcode and save.
    let firmware = WriteBuffer { mode: 5, length: 0x1_0000, ..Default::default() };
    same("3b 05 00 00 00 00 01 00 00 00", firmware);
}

#[test]
fn block_commands() {
    // Traces bd-r-growisofs-Z, cdr-wodim-sao, bd-re-xorriso.
    same("04 11 00 00 00 00", FormatUnit { fmt_data: true, cmp_list: false, code: 1 });
    same("23 00 00 00 00 00 00 00 1c 00", ReadFormatCapacities { allocation: 28 });
    same("25 00 00 00 00 00 00 00 00 00", ReadCapacity::default());
    let read = Read10 { lba: Lba(0x20), blocks: 32, ..Default::default() };
    same("28 00 00 00 00 20 00 00 20 00", read);
    let pregap = Write10 { lba: Lba(-150), blocks: 31, ..Default::default() };
    same("2a 00 ff ff ff 6a 00 00 1f 00", pregap);
    same("35 02 00 00 00 00 00 00 00 00", SynchronizeCache { immed: true, ..Default::default() });
    // libburn: stream recording from block 32 on.
    let stream = Write12 { lba: Lba(32), blocks: 32, streaming: true, ..Default::default() };
    same("aa 00 00 00 00 20 00 00 00 20 80 00", stream);
    // sg_raw and vintage hosts; fields by SBC-2's tables.
    same("08 01 23 45 10 00", Read6 { lba_high: 1, lba_low: 0x2345, blocks: 16 });
    let whole = Read12 { lba: Lba(16), blocks: 0x1_0000, streaming: true, ..Default::default() };
    same("a8 00 00 00 00 10 00 01 00 00 80 00", whole);
    same("2b 00 00 01 00 00 00 00 00 00", Seek10 { lba: Lba(0x1_0000) });
    // sg_verify --16=no --lba=16 --count=32 --ndo=65536.
    let compare = Verify10 { byt_chk: true, lba: Lba(16), blocks: 32, ..Default::default() };
    same("2f 02 00 00 00 10 00 00 20 00", compare);
    let checked = WriteAndVerify10 { lba: Lba(16), blocks: 32, ..Default::default() };
    same("2e 00 00 00 00 10 00 00 20 00", checked);
}

#[test]
fn disc_commands() {
    // Traces cdr-wodim-sao, cdr-cdrdao-audio, dvd+r-xorriso, cdrw-*-blank, tgt-mediainfo.
    let atip = ReadToc { msf: true, format: TocFormat::Atip, allocation: 28, ..Default::default() };
    same("43 02 04 00 00 00 00 00 1c 00", atip);
    let catalogue = ReadSubChannel { sub_q: true, format: 2, allocation: 24, ..Default::default() };
    same("42 00 40 02 00 00 00 00 18 00", catalogue);
    same("51 00 00 00 00 00 00 00 22 00", ReadDiscInformation { kind: 0, allocation: 34 });
    let invisible = ReadTrackInformation {
        by: TrackAddress::Track,
        address: 0xff,
        allocation: 28,
        ..Default::default()
    };
    same("52 01 00 00 00 ff 00 00 1c 00", invisible);
    same("53 00 00 00 00 00 00 04 28 00", ReserveTrack::of(Blocks(0x428)));
    assert_eq!(ReserveTrack::of(Blocks(0x428)).blocks(), Blocks(0x428));
    assert_eq!(ReserveTrack::split(Lba(0x1234_5678)).lba(), Lba(0x1234_5678));
    same("54 01 00 00 00 00 00 00 00 00", SendOpc { do_opc: true, ..Default::default() });
    let close = CloseTrackSession { immed: true, function: CloseFunction::Track, track: 1 };
    same("5b 01 01 00 00 01 00 00 00 00", close);
    same("5d 00 00 00 00 00 00 00 20 00", SendCueSheet { length: 32 });
    let blank = Blank { immed: true, kind: BlankType::Minimal, start: 0 };
    same("a1 11 00 00 00 00 00 00 00 00 00 00", blank);
    let adip = ReadDiscStructure { format: 0x11, allocation: 260, ..Default::default() };
    same("ad 00 00 00 00 00 00 11 01 04 00 00", adip);
    // growisofs: capacity of layer 0 of a dual layer disc.
    let layer0 = SendDiscStructure { media: 0, format: 0x20, length: 12 };
    same("bf 00 00 00 00 00 00 20 00 0c 00 00", layer0);
    // Fields by the table of REPAIR TRACK (MMC-5, 6.28).
    same("58 01 00 00 00 02 00 00 00 00", RepairTrack { immed: true, track: 2 });
}

#[test]
fn linux_asks_for_sessions_in_the_old_place() {
    // Trace kernel-6.1-sr: byte 9 bits 7 and 6, byte 2 zero.
    let old = ReadToc::from_cdb(&Cdb::new(&hex("43 00 00 00 00 00 00 00 0c 40")));
    assert_eq!((old.format, old.wanted()), (TocFormat::Toc, TocFormat::Session));
}

#[test]
fn unit_numbers_of_old_hosts_are_ignored() {
    // Trace tgt-wodim-prcap: the program writes its unit, 1, into byte 1.
    let cdb = Cdb::new(&hex("5a 20 2a 00 00 00 00 00 48 00"));
    let plain = ModeSense10 { page: 0x2a, allocation: 72, ..Default::default() };
    assert_eq!(ModeSense10::from_cdb(&cdb), plain);
}

#[test]
fn padded_commands_parse() {
    // Trace cdr-cd-info: libcdio sends every CDB with 12 bytes.
    let cdb = Cdb::new(&hex("43 02 02 00 00 00 00 00 0e 00 00 00"));
    let toc = ReadToc::from_cdb(&cdb);
    assert_eq!((toc.format, toc.allocation, toc.msf), (TocFormat::FullToc, 14, true));
}

#[test]
fn drive_commands() {
    // Traces cdr-wodim-sao, bd-r-growisofs-Z, kernel-6.1-sr, bd-re-xorriso.
    let pow = GetConfiguration { request: FeatureRequest::One, start: 0x38, allocation: 16 };
    same("46 02 00 38 00 00 00 00 10 00", pow);
    let media = GetEventStatusNotification { polled: true, classes: 0x10, allocation: 8 };
    same("4a 01 00 00 10 00 00 00 08 00", media);
    let eject = StartStopUnit { immed: true, lo_ej: true, ..Default::default() };
    same("1b 01 00 00 02 00", eject);
    same("1e 00 00 00 01 00", PreventAllow { persistent: false, prevent: true });
    same(
        "bb 00 21 13 21 30 00 00 00 00 00 00",
        SetCdSpeed { rotation: 0, read: Kbps(0x2113), write: Kbps(0x2130) },
    );
    let speeds = GetPerformance { max: 3, kind: 3, ..Default::default() };
    same("ac 00 00 00 00 00 00 00 00 03 03 00", speeds);
    let nominal = GetPerformance { tolerance: 2, max: 1, ..Default::default() };
    same("ac 10 00 00 00 00 00 00 00 01 00 00", nominal);
    same("b6 00 00 00 00 00 00 00 00 00 1c 00", SetStreaming { kind: 0, length: 28 });
    same("5c 00 00 00 00 00 00 00 0c 00", ReadBufferCapacity { block: false, allocation: 12 });
    // Linux: cdrom.c, status of a changer and loading its slot 2.
    same("bd 00 00 00 00 00 00 00 01 08 00 00", MechanismStatus { allocation: 264 });
    let load = LoadUnload { lo_unlo: true, start: true, slot: 2, ..Default::default() };
    same("a6 00 00 00 03 00 00 00 02 00 00 00", load);
    // Fields by the table of SET READ AHEAD (MMC-5, 6.38).
    let ahead = SetReadAhead { trigger: Lba(0x100), target: Lba(0x4000) };
    same("a7 00 00 00 01 00 00 00 40 00 00 00", ahead);
}

#[test]
fn sector_and_key_commands() {
    // Linux: cdrom.c, audio of 8 frames; region state of a DVD drive; a key of 12 bytes.
    let audio = ReadCd {
        expected: SectorType::CdDa,
        lba: Lba(150),
        blocks: 8,
        sync: true,
        headers: 3,
        user_data: true,
        edc_ecc: true,
        ..Default::default()
    };
    same("be 04 00 00 00 96 00 00 08 f8 00 00", audio);
    same(
        "a4 00 00 00 00 00 00 00 00 08 08 00",
        ReportKey { allocation: 8, format: 8, ..Default::default() },
    );
    same(
        "a3 00 00 00 00 00 00 00 00 10 43 00",
        SendKey { length: 16, agid: 1, format: 3, ..Default::default() },
    );
    // Fields by the table of READ CD MSF (MMC-5, 6.21): one sector from 00:02:00 on.
    same(
        "b9 00 00 00 02 00 00 02 01 10 00 00",
        ReadCdMsf { start: [0, 2, 0], end: [0, 2, 1], main_channel: 0x08, ..Default::default() },
    );
}

#[test]
fn audio_commands() {
    // Fields by the tables of SCSI-2, 14.2.5, and MMC-3, SCAN.
    same("48 00 00 00 02 01 00 03 63 00", PlayAudioTrackIndex { start: [2, 1], end: [3, 0x63] });
    let scan = Scan { reverse: true, start: [0, 1, 2, 3], kind: 1 };
    same("ba 10 00 01 02 03 00 00 00 40 00 00", scan);
}
